//! `unicodedata`: the properties of characters. The module's functions are those of the latest version; the object `ucd_3_2_0` has them
//! for an old one, as methods.

mod database;

use database::Version;
use limpid_heap::{Header, Value};
use limpid_vm::args::{FnDef, GetSet};
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Ref, ValueExt, header_of};
use limpid_vm::root::TypeCell;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Module, Str, TypeDef, flag, int, type_};
use limpid_vm::{exc, layout, raise};
use rustpython_unicode::NormalizeForm;

/// The layout of `ucd_3_2_0`: there is nothing in it.
#[repr(C)]
pub struct OldDatabase {
    header: Header,
}

/// `unicodedata.UCD`
pub static UCD: TypeCell = TypeCell::new();
layout!(OldDatabase, UCD.get(), Leaf);

/// A character argument.
fn character(t: &Thread, function: &str, v: Value) -> R<u32> {
    match v.downcast::<Str>() {
        Some(s) if s.len() == 1 => Ok(s.char_at(0)),
        Some(s) => {
            raise!(t, TypeError, "{function}() argument must be a unicode character, not a string of length {}", s.len())
        }
        None => raise!(t, TypeError, "{function}() argument must be a unicode character, not {}", v.class().display_name()),
    }
}

/// A first argument that is a character, with others behind it.
fn first_character(t: &Thread, function: &str, v: Value) -> R<u32> {
    character(t, function, v).map_err(|raised| {
        let old = t.take_exception();
        let text = limpid_vm::protocol::text::str_of(t, old).map(|s| s.to_string_lossy().replace("() argument must", "() argument 1 must"));
        match text {
            Ok(text) => t.raise(exc::TypeError, &text),
            Err(_) => raised,
        }
    })
}

fn text(t: &Thread, s: &str) -> R {
    Ok(Str::new(t, s).value())
}

/// A value, or what the caller gives for none, or ValueError.
fn or_default(t: &Thread, found: Option<Value>, default: Value, message: &str) -> R {
    match found.or(default.non_null()) {
        Some(v) => Ok(v),
        None => raise!(t, ValueError, "{message}"),
    }
}

fn form(t: &Thread, v: Value) -> R<NormalizeForm> {
    let Some(s) = v.downcast::<Str>() else { raise!(t, TypeError, "normalize() argument 1 must be str, not {}", v.class().display_name()) };
    match s.to_string_lossy().parse() {
        Ok(form) => Ok(form),
        Err(()) => raise!(t, ValueError, "invalid normalization form"),
    }
}

fn string(t: &Thread, function: &str, v: Value) -> R<Ref<Str>> {
    match v.downcast::<Str>() {
        Some(s) => Ok(s),
        None => raise!(t, TypeError, "{function}() argument 2 must be str, not {}", v.class().display_name()),
    }
}

fn normalize(t: &Thread, version: Version, a: &[Value]) -> R {
    let (form, s) = (form(t, a[0])?, string(t, "normalize", a[1])?);
    if s.as_ascii().is_some() {
        return Ok(a[1]);
    }
    let normal = version.normalize(form, s.code_points());
    if normal.iter().copied().eq(s.code_points()) {
        return Ok(a[1]);
    }
    Ok(Str::from_ucs4(t, &normal)?.value())
}

fn is_normalized(t: &Thread, version: Version, a: &[Value]) -> R {
    let (form, s) = (form(t, a[0])?, string(t, "is_normalized", a[1])?);
    Ok(Value::bool(s.as_ascii().is_some() || version.normalize(form, s.code_points()).iter().copied().eq(s.code_points())))
}

fn lookup(t: &Thread, version: Version, a: &[Value]) -> R {
    let Some(name) = a[0].downcast::<Str>() else {
        raise!(t, TypeError, "lookup() argument must be str, not {}", a[0].class().display_name())
    };
    let name = name.to_string_lossy();
    match version.lookup(&name) {
        Some(found) => text(t, &found),
        None => {
            let message = format!("undefined character name '{name}'");
            Err(t.raise(exc::KeyError, &message))
        }
    }
}

/// The functions for one version; `$skip` is how many arguments are in front of theirs.
macro_rules! functions {
    ($self_:literal, $skip:literal, $version:expr) => {
        &[
            FnDef::def("bidirectional", concat!($self_, "chr, /"), |t, a| {
                text(t, $version.bidirectional(character(t, "bidirectional", a[$skip])?))
            })
            .doc("Returns the bidirectional class assigned to the character chr as string."),
            FnDef::def("category", concat!($self_, "chr, /"), |t, a| text(t, $version.category(character(t, "category", a[$skip])?)))
                .doc("Returns the general category assigned to the character chr as string."),
            FnDef::def("combining", concat!($self_, "chr, /"), |t, a| {
                Ok(Value::int($version.combining(character(t, "combining", a[$skip])?) as i64))
            })
            .doc("Returns the canonical combining class assigned to the character chr as integer."),
            FnDef::def("decimal", concat!($self_, "chr, default=<unrepresentable>, /"), |t, a| {
                let found = $version.decimal(first_character(t, "decimal", a[$skip])?);
                or_default(t, found.map(|n| int::from_u64(t, n)), a[$skip + 1], "not a decimal")
            })
            .doc("Converts a Unicode character into its equivalent decimal value."),
            FnDef::def("decomposition", concat!($self_, "chr, /"), |t, a| {
                text(t, &$version.decomposition(character(t, "decomposition", a[$skip])?))
            })
            .doc("Returns the character decomposition mapping assigned to the character chr as string."),
            FnDef::def("digit", concat!($self_, "chr, default=<unrepresentable>, /"), |t, a| {
                let found = $version.digit(first_character(t, "digit", a[$skip])?);
                or_default(t, found.map(|n| int::from_u64(t, n)), a[$skip + 1], "not a digit")
            })
            .doc("Converts a Unicode character into its equivalent digit value."),
            FnDef::def("east_asian_width", concat!($self_, "chr, /"), |t, a| {
                text(t, $version.east_asian_width(character(t, "east_asian_width", a[$skip])?))
            })
            .doc("Returns the east asian width assigned to the character chr as string."),
            FnDef::def("is_normalized", concat!($self_, "form, unistr, /"), |t, a| is_normalized(t, $version, &a[$skip..]))
                .doc("Return whether the Unicode string unistr is in the normal form 'form'."),
            FnDef::def("lookup", concat!($self_, "name, /"), |t, a| lookup(t, $version, &a[$skip..])).doc("Look up character by name."),
            FnDef::def("mirrored", concat!($self_, "chr, /"), |t, a| {
                Ok(Value::int($version.is_mirrored(character(t, "mirrored", a[$skip])?) as i64))
            })
            .doc("Returns the mirrored property assigned to the character chr as integer."),
            FnDef::def("name", concat!($self_, "chr, default=<unrepresentable>, /"), |t, a| {
                let found = $version.name(first_character(t, "name", a[$skip])?);
                or_default(t, found.map(|n| Str::new(t, &n).value()), a[$skip + 1], "no such name")
            })
            .doc("Returns the name assigned to the character chr as a string."),
            FnDef::def("normalize", concat!($self_, "form, unistr, /"), |t, a| normalize(t, $version, &a[$skip..]))
                .doc("Return the normal form 'form' for the Unicode string unistr."),
            FnDef::def("numeric", concat!($self_, "chr, default=<unrepresentable>, /"), |t, a| {
                let found = $version.numeric(first_character(t, "numeric", a[$skip])?);
                or_default(t, found.map(Value::float), a[$skip + 1], "not a numeric character")
            })
            .doc("Converts a Unicode character into its equivalent numeric value."),
        ]
    };
}

/// `unicodedata`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "This module provides access to the Unicode Character Database which\ndefines character properties for all Unicode characters. The data \
          in\nthis database is based on the UnicodeData.txt file version\n16.0.0 which is publicly available from the Unicode \
          Consortium\nat https://www.unicode.org/.\n\nThe module uses the same names and symbols as defined by the\nUnicodeData File Format \
          16.0.0.",
    functions: functions!("", 0, Version::Latest),
    init,
    ..ModuleDef::named("unicodedata")
};

static UCD_DEF: TypeDef = TypeDef {
    flags: flag::DISALLOW_INSTANTIATION,
    methods: functions!("self, ", 1, Version::V3_2),
    getset: &[GetSet::getter("unidata_version", |t, _| text(t, Version::V3_2.name_of_version())).member()],
    ..TypeDef::of::<OldDatabase>("unicodedata.UCD")
};

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    m.dict().set_text(t, "unidata_version", text(t, Version::Latest.name_of_version())?)?;
    m.dict().set_text(t, "UCD", type_::create_native(t, &UCD_DEF, &UCD)?.value())?;
    let old = t.alloc(OldDatabase { header: header_of::<OldDatabase>() });
    m.dict().set_text(t, "ucd_3_2_0", old.value())
}
