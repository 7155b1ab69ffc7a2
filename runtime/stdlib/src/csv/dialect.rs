//! Dialects: how rows are written.

use super::{DIALECT, DIALECTS, Quoting, fail};
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, GetSet, Signature, receiver};
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::{attr, truth};
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Dict, Str, TypeDef, flag, int};
use limpid_vm::{exc, layout, raise};

/// The layout. All fields are checked: characters are strs of length 1 or None.
#[repr(C)]
pub struct Dialect {
    header: Header,
    delimiter: Slot,
    doublequote: Slot,
    escapechar: Slot,
    lineterminator: Slot,
    quotechar: Slot,
    quoting: Slot,
    skipinitialspace: Slot,
    strict: Slot,
}
layout!(Dialect, DIALECT.get(), Slots);

/// A dialect, ready to be used.
#[derive(Clone, Copy)]
pub(super) struct Rules {
    pub delimiter: u32,
    pub escape: Option<u32>,
    pub quote: Option<u32>,
    pub double_quote: bool,
    pub quoting: Quoting,
    pub skip_space: bool,
    pub strict: bool,
    pub terminator: Ref<Str>,
}

fn char_of(v: Value) -> Option<u32> {
    v.downcast::<Str>().map(|s| s.char_at(0))
}

impl Dialect {
    pub fn rules(&self) -> Rules {
        let is_set = |s: &Slot| s.get() == Value::TRUE;
        Rules {
            delimiter: char_of(self.delimiter.get()).unwrap_or(b',' as u32),
            escape: char_of(self.escapechar.get()),
            quote: char_of(self.quotechar.get()),
            double_quote: is_set(&self.doublequote),
            quoting: int::as_i64_opt(self.quoting.get()).and_then(Quoting::from_number).unwrap_or(Quoting::Minimal),
            skip_space: is_set(&self.skipinitialspace),
            strict: is_set(&self.strict),
            // SAFETY: the field is a str.
            terminator: unsafe { Ref::from_value(self.lineterminator.get()) },
        }
    }
}

/// The names of the fields, in the order of the constructor's parameters after the first.
const FIELDS: [&str; 8] =
    ["delimiter", "doublequote", "escapechar", "lineterminator", "quotechar", "quoting", "skipinitialspace", "strict"];

fn character(t: &Thread, v: Value, name: &str, or_none: bool) -> R {
    if or_none && v.is_none() {
        return Ok(v);
    }
    let wanted = if or_none { "a unicode character or None" } else { "a unicode character" };
    match v.downcast::<Str>() {
        Some(s) if s.len() == 1 => Ok(v),
        Some(s) => raise!(t, TypeError, "\"{name}\" must be {wanted}, not a string of length {}", s.len()),
        None => raise!(t, TypeError, "\"{name}\" must be {wanted}, not {}", v.class().display_name()),
    }
}

/// Raises ValueError for a character that cannot have its role.
fn check_char(t: &Thread, v: Value, name: &str, terminator: Ref<Str>, space: bool) -> R<()> {
    let Some(c) = char_of(v) else { return Ok(()) };
    if c == '\r' as u32 || c == '\n' as u32 || (c == ' ' as u32 && !space) {
        raise!(t, ValueError, "bad {name} value")
    }
    if terminator.code_points().any(|other| other == c) {
        raise!(t, ValueError, "bad {name} or lineterminator value")
    }
    Ok(())
}

/// `Dialect(dialect=None, **parameters)`. With a dialect and nothing else it is that dialect.
pub(super) fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::parse(
        "dialect=None, delimiter=',', doublequote=True, escapechar=None, lineterminator='\\r\\n', quotechar='\"', quoting=QUOTE_MINIMAL, \
         skipinitialspace=False, strict=False",
    );
    args.bind(t, "Dialect", &SIGNATURE, |a| {
        let mut given: [Value; 8] = [a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8]];
        if let Some(mut base) = a[0].non_null().filter(|d| !d.is_none()) {
            if base.downcast::<Str>().is_some() {
                base = registered(t, base)?;
            }
            if base.class() == DIALECT.get() && given.iter().all(|v| v.is_null()) {
                return Ok(base);
            }
            for (value, name) in given.iter_mut().zip(FIELDS) {
                if value.is_null() {
                    *value = match attr::get_attr_text(t, base, name) {
                        Ok(v) => v,
                        Err(_) => {
                            t.catch(exc::Exception)?;
                            Value::NULL
                        }
                    };
                }
            }
        }
        // SAFETY: `__new__` is called with a class.
        make(t, unsafe { Ref::from_value(class) }, given)
    })
}

fn make(t: &Thread, class: Ref<limpid_vm::types::Type>, given: [Value; 8]) -> R {
    let [delimiter, doublequote, escapechar, lineterminator, quotechar, quoting, skipinitialspace, strict] = given;
    let text = |s: &str| Str::new(t, s).value();
    let is_set = |v: Value, default: bool| if v.is_null() { Ok(default) } else { truth::truth(t, v) };
    let delimiter_v = if delimiter.is_null() { text(",") } else { character(t, delimiter, "delimiter", false)? };
    let double = is_set(doublequote, true)?;
    let escape_v = if escapechar.is_null() { Value::NONE } else { character(t, escapechar, "escapechar", true)? };
    let quote_v = if quotechar.is_null() { text("\"") } else { character(t, quotechar, "quotechar", true)? };
    let quoting_n = match quoting.non_null() {
        // Nothing to quote with.
        None if quotechar.is_none() => Quoting::None,
        None => Quoting::Minimal,
        Some(v) if !int::is_exact(v) => raise!(t, TypeError, "\"quoting\" must be an integer, not {}", v.class().display_name()),
        Some(v) => match int::as_i64_opt(v).and_then(Quoting::from_number) {
            Some(q) => q,
            None => raise!(t, TypeError, "bad \"quoting\" value"),
        },
    };
    let skip = is_set(skipinitialspace, false)?;
    let strict = is_set(strict, false)?;
    let terminator_v = if lineterminator.is_null() { text("\r\n") } else { lineterminator };
    let Some(terminator) = terminator_v.downcast::<Str>() else {
        raise!(t, TypeError, "\"lineterminator\" must be a string, not {}", terminator_v.class().display_name())
    };
    if quoting_n != Quoting::None && quote_v.is_none() {
        raise!(t, TypeError, "quotechar must be set if quoting enabled")
    }
    check_char(t, delimiter_v, "delimiter", terminator, true)?;
    check_char(t, escape_v, "escapechar", terminator, !skip)?;
    check_char(t, quote_v, "quotechar", terminator, !skip)?;
    let roles = [("delimiter", char_of(delimiter_v)), ("escapechar", char_of(escape_v)), ("quotechar", char_of(quote_v))];
    for (i, (name, c)) in roles.iter().enumerate() {
        for (other_name, other) in &roles[i + 1..] {
            if c.is_some() && c == other {
                raise!(t, ValueError, "bad {name} or {other_name} value")
            }
        }
    }
    let fields = Dialect {
        header: header_of::<Dialect>(),
        delimiter: Slot::new(delimiter_v),
        doublequote: Slot::new(Value::bool(double)),
        escapechar: Slot::new(escape_v),
        lineterminator: Slot::new(terminator_v),
        quotechar: Slot::new(quote_v),
        quoting: Slot::new(Value::int(quoting_n as i64)),
        skipinitialspace: Slot::new(Value::bool(skip)),
        strict: Slot::new(Value::bool(strict)),
    };
    Ok(t.alloc_instance(class, fields).value())
}

/// The dialect that a call's second argument (NULL: it is among the keywords) and its keywords mean.
pub(super) fn from_args(t: &Thread, dialect: Value, args: Args<'_>) -> R<Ref<Dialect>> {
    let keywords = args.keyword_count();
    let all = args.all();
    let values = &all[all.len() - keywords..];
    let given = Args::with_keywords(values, args.names());
    let class = DIALECT.get().value();
    let made = match dialect.non_null() {
        Some(dialect) => given.with_first(t, dialect, |args| new(t, class, args))?,
        None => new(t, class, given)?,
    };
    Ok(receiver(made))
}

/// The registered dialects, a dict.
pub(super) fn registry(t: &Thread) -> Ref<Dict> {
    // SAFETY: the root holds a dict from the module's creation on.
    unsafe { Ref::from_value(DIALECTS.get(t)) }
}

/// The dialect with a name.
pub(super) fn registered(t: &Thread, name: Value) -> R {
    match registry(t).get(t, name)? {
        Some(dialect) => Ok(dialect),
        None => fail(t, "unknown dialect"),
    }
}

macro_rules! member {
    ($field:ident) => {
        GetSet::getter(stringify!($field), |_, v| Ok(receiver::<Dialect>(v).$field.get()))
    };
}

/// `_csv.Dialect`
pub static DIALECT_DEF: TypeDef = TypeDef {
    doc: "CSV dialect\n\nThe Dialect type records CSV dialect options.",
    flags: flag::BASE_TYPE,
    slots: SlotTable { new: Some(new), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("__reduce__", "self, /", unpicklable).doc("raises an exception to avoid pickling"),
        FnDef::def("__reduce_ex__", "self, protocol, /", unpicklable).doc("raises an exception to avoid pickling"),
    ],
    getset: &[
        member!(skipinitialspace).member(),
        member!(doublequote).member(),
        member!(strict).member(),
        member!(delimiter),
        member!(escapechar),
        member!(lineterminator),
        member!(quotechar),
        member!(quoting),
    ],
    ..TypeDef::of::<Dialect>("_csv.Dialect")
};

fn unpicklable(t: &Thread, a: &[Value]) -> R {
    let name = a[0].class().display_name();
    raise!(t, TypeError, "cannot pickle '{}' instances", name.rsplit('.').next().unwrap_or(&name))
}
