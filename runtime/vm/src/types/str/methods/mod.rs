//! The type str: its slots and the list of its methods.

use super::search::{Unit, find as find_in};
use super::{Chars, Str, Width, codec, format_spec, iterator, percent, template};
use crate::args::FnDef;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::{number, sequence};
use crate::slots::{Compare, SlotTable};
use crate::thread::Thread;
use crate::types::slice::Slice;
use crate::types::{Tuple, TypeDef, builtin, flag, int, slice, variable};
use limpid_heap::Value;
use smallvec::SmallVec;

mod case;
mod join;
mod new;
mod predicates;
mod search;
mod shape;
mod split;
mod translate;

pub use join::{join_slice, join_values};

/// str
pub static STR_DEF: TypeDef = TypeDef {
    doc: "str(object='') -> str\nstr(bytes_or_buffer[, encoding[, errors]]) -> str\n\n\
          Create a new string object from the given object. If encoding or\nerrors is specified, then the object must expose a data buffer\n\
          that will be decoded using the given encoding and error handler.\nOtherwise, returns the result of object.__str__() (if defined)\n\
          or repr(object).\nencoding defaults to 'utf-8'.\nerrors defaults to 'strict'.",
    flags: flag::BASE_TYPE | flag::STR_SUBCLASS | flag::MATCH_SELF,
    slots: SlotTable {
        new: Some(new::new),
        repr: Some(|t, v| Ok(super::repr::repr(t, receiver(v))?.value())),
        str: Some(exact),
        hash: Some(|_, v| Ok(receiver(v).hash())),
        richcompare: Some(rich_compare),
        iter: Some(iterator::iterator),
        len: Some(|_, v| Ok(receiver(v).len())),
        getitem: Some(get_item),
        contains: Some(contains),
        mod_: Some(|t, a, b| match a.downcast::<Str>() {
            Some(format) => Ok(percent::format_str(t, format, b)?.value()),
            None => Ok(Value::NOT_IMPLEMENTED),
        }),
        concat: Some(concat),
        repeat: Some(repeat),
        ..SlotTable::EMPTY
    },
    methods: METHODS,
    ..TypeDef::of::<Str>("str")
};

static METHODS: &[FnDef] = &[
    FnDef::def("encode", "self, /, encoding='utf-8', errors='strict'", encode).doc(
        "Encode the string using the codec registered for encoding.\n\n  encoding\n    The encoding in which to encode the string.\n  errors\n\
         \x20   The error handling scheme to use for encoding errors.\n    The default is 'strict' meaning that encoding errors raise a\n\
         \x20   UnicodeEncodeError.  Other possible values are 'ignore', 'replace' and\n    'xmlcharrefreplace' as well as any other name registered \
         with\n    codecs.register_error that can handle UnicodeEncodeErrors.",
    ),
    FnDef::def("replace", "self, old, new, /, count=-1", shape::replace).doc(
        "Return a copy with all occurrences of substring old replaced by new.\n\n  count\n    Maximum number of occurrences to replace.\n\
         \x20   -1 (the default value) means replace all occurrences.\n\nIf the optional argument count is given, only the first count occurrences \
         are\nreplaced.",
    ),
    FnDef::def("split", "self, /, sep=None, maxsplit=-1", split::split).doc(
        "Return a list of the substrings in the string, using sep as the separator string.\n\n  sep\n    The separator used to split the string.\n\n\
         \x20   When set to None (the default value), will split on any whitespace\n    character (including \\n \\r \\t \\f and spaces) and will \
         discard\n    empty strings from the result.\n  maxsplit\n    Maximum number of splits.\n    -1 (the default value) means no limit.\n\n\
         Splitting starts at the front of the string and works to the end.\n\nNote, str.split() is mainly useful for data that has been \
         intentionally\ndelimited.  With natural text that includes punctuation, consider using\nthe regular expression module.",
    ),
    FnDef::def("rsplit", "self, /, sep=None, maxsplit=-1", split::rsplit).doc(
        "Return a list of the substrings in the string, using sep as the separator string.\n\n  sep\n    The separator used to split the string.\n\n\
         \x20   When set to None (the default value), will split on any whitespace\n    character (including \\n \\r \\t \\f and spaces) and will \
         discard\n    empty strings from the result.\n  maxsplit\n    Maximum number of splits.\n    -1 (the default value) means no limit.\n\n\
         Splitting starts at the end of the string and works to the front.",
    ),
    FnDef::def("join", "self, iterable, /", join::join).doc(
        "Concatenate any number of strings.\n\nThe string whose method is called is inserted in between each given string.\nThe result is returned \
         as a new string.\n\nExample: '.'.join(['ab', 'pq', 'rs']) -> 'ab.pq.rs'",
    ),
    FnDef::def("capitalize", "self, /", case::capitalize).doc(
        "Return a capitalized version of the string.\n\nMore specifically, make the first character have upper case and the rest lower\ncase.",
    ),
    FnDef::def("casefold", "self, /", case::casefold).doc("Return a version of the string suitable for caseless comparisons."),
    FnDef::def("title", "self, /", case::title).doc(
        "Return a version of the string where each word is titlecased.\n\nMore specifically, words start with uppercased characters and all \
         remaining\ncased characters have lower case.",
    ),
    FnDef::def("center", "self, width, fillchar=' ', /", shape::center)
        .doc("Return a centered string of length width.\n\nPadding is done using the specified fill character (default is a space)."),
    FnDef::def("count", "self, sub, start=None, end=None, /", search::count).doc(
        "Return the number of non-overlapping occurrences of substring sub in string S[start:end].\n\nOptional arguments start and end are \
         interpreted as in slice notation.",
    ),
    FnDef::def("expandtabs", "self, /, tabsize=8", shape::expand_tabs)
        .doc("Return a copy where all tab characters are expanded using spaces.\n\nIf tabsize is not given, a tab size of 8 characters is assumed."),
    FnDef::def("find", "self, sub, start=None, end=None, /", search::find).doc(
        "Return the lowest index in S where substring sub is found, such that sub is contained within S[start:end].\n\nOptional arguments start and \
         end are interpreted as in slice notation.\nReturn -1 on failure.",
    ),
    FnDef::def("partition", "self, sep, /", split::partition).doc(
        "Partition the string into three parts using the given separator.\n\nThis will search for the separator in the string.  If the separator is \
         found,\nreturns a 3-tuple containing the part before the separator, the separator\nitself, and the part after it.\n\nIf the separator is \
         not found, returns a 3-tuple containing the original string\nand two empty strings.",
    ),
    FnDef::def("index", "self, sub, start=None, end=None, /", search::index).doc(
        "Return the lowest index in S where substring sub is found, such that sub is contained within S[start:end].\n\nOptional arguments start and \
         end are interpreted as in slice notation.\nRaises ValueError when the substring is not found.",
    ),
    FnDef::def("ljust", "self, width, fillchar=' ', /", shape::ljust)
        .doc("Return a left-justified string of length width.\n\nPadding is done using the specified fill character (default is a space)."),
    FnDef::def("lower", "self, /", case::lower).doc("Return a copy of the string converted to lowercase."),
    FnDef::def("lstrip", "self, chars=None, /", shape::lstrip)
        .doc("Return a copy of the string with leading whitespace removed.\n\nIf chars is given and not None, remove characters in chars instead."),
    FnDef::def("rfind", "self, sub, start=None, end=None, /", search::rfind).doc(
        "Return the highest index in S where substring sub is found, such that sub is contained within S[start:end].\n\nOptional arguments start and \
         end are interpreted as in slice notation.\nReturn -1 on failure.",
    ),
    FnDef::def("rindex", "self, sub, start=None, end=None, /", search::rindex).doc(
        "Return the highest index in S where substring sub is found, such that sub is contained within S[start:end].\n\nOptional arguments start and \
         end are interpreted as in slice notation.\nRaises ValueError when the substring is not found.",
    ),
    FnDef::def("rjust", "self, width, fillchar=' ', /", shape::rjust)
        .doc("Return a right-justified string of length width.\n\nPadding is done using the specified fill character (default is a space)."),
    FnDef::def("rstrip", "self, chars=None, /", shape::rstrip)
        .doc("Return a copy of the string with trailing whitespace removed.\n\nIf chars is given and not None, remove characters in chars instead."),
    FnDef::def("rpartition", "self, sep, /", split::rpartition).doc(
        "Partition the string into three parts using the given separator.\n\nThis will search for the separator in the string, starting at the end. \
         If\nthe separator is found, returns a 3-tuple containing the part before the\nseparator, the separator itself, and the part after it.\n\nIf \
         the separator is not found, returns a 3-tuple containing two empty strings\nand the original string.",
    ),
    FnDef::def("splitlines", "self, /, keepends=False", split::split_lines).doc(
        "Return a list of the lines in the string, breaking at line boundaries.\n\nLine breaks are not included in the resulting list unless keepends \
         is given and\ntrue.",
    ),
    FnDef::def("strip", "self, chars=None, /", shape::strip).doc(
        "Return a copy of the string with leading and trailing whitespace removed.\n\nIf chars is given and not None, remove characters in chars \
         instead.",
    ),
    FnDef::def("swapcase", "self, /", case::swap_case)
        .doc("Convert uppercase characters to lowercase and lowercase characters to uppercase."),
    FnDef::def("translate", "self, table, /", translate::translate).doc(
        "Replace each character in the string using the given translation table.\n\n  table\n    Translation table, which must be a mapping of Unicode \
         ordinals to\n    Unicode ordinals, strings, or None.\n\nThe table must implement lookup/indexing via __getitem__, for instance a\n\
         dictionary or list.  If this operation raises LookupError, the character is\nleft untouched.  Characters mapped to None are deleted.",
    ),
    FnDef::def("upper", "self, /", case::upper).doc("Return a copy of the string converted to uppercase."),
    FnDef::def("startswith", "self, prefix, start=None, end=None, /", search::starts_with).doc(
        "Return True if the string starts with the specified prefix, False otherwise.\n\n  prefix\n    A string or a tuple of strings to try.\n  start\n\
         \x20   Optional start position. Default: start of the string.\n  end\n    Optional stop position. Default: end of the string.",
    ),
    FnDef::def("endswith", "self, suffix, start=None, end=None, /", search::ends_with).doc(
        "Return True if the string ends with the specified suffix, False otherwise.\n\n  suffix\n    A string or a tuple of strings to try.\n  start\n\
         \x20   Optional start position. Default: start of the string.\n  end\n    Optional stop position. Default: end of the string.",
    ),
    FnDef::def("removeprefix", "self, prefix, /", search::remove_prefix).doc(
        "Return a str with the given prefix string removed if present.\n\nIf the string starts with the prefix string, return string[len(prefix):].\n\
         Otherwise, return a copy of the original string.",
    ),
    FnDef::def("removesuffix", "self, suffix, /", search::remove_suffix).doc(
        "Return a str with the given suffix string removed if present.\n\nIf the string ends with the suffix string and that suffix is not empty,\n\
         return string[:-len(suffix)]. Otherwise, return a copy of the original\nstring.",
    ),
    FnDef::def("isascii", "self, /", |_, a| Ok(Value::bool(receiver(a[0]).width() == Width::Ascii))).doc(
        "Return True if all characters in the string are ASCII, False otherwise.\n\nASCII characters have code points in the range U+0000-U+007F.\n\
         Empty string is ASCII too.",
    ),
    FnDef::def("islower", "self, /", predicates::is_lower).doc(
        "Return True if the string is a lowercase string, False otherwise.\n\nA string is lowercase if all cased characters in the string are \
         lowercase and\nthere is at least one cased character in the string.",
    ),
    FnDef::def("isupper", "self, /", predicates::is_upper).doc(
        "Return True if the string is an uppercase string, False otherwise.\n\nA string is uppercase if all cased characters in the string are \
         uppercase and\nthere is at least one cased character in the string.",
    ),
    FnDef::def("istitle", "self, /", predicates::is_title).doc(
        "Return True if the string is a title-cased string, False otherwise.\n\nIn a title-cased string, upper- and title-case characters may only\n\
         follow uncased characters and lowercase characters only cased ones.",
    ),
    FnDef::def("isspace", "self, /", predicates::is_space).doc(
        "Return True if the string is a whitespace string, False otherwise.\n\nA string is whitespace if all characters in the string are whitespace \
         and there\nis at least one character in the string.",
    ),
    FnDef::def("isdecimal", "self, /", predicates::is_decimal).doc(
        "Return True if the string is a decimal string, False otherwise.\n\nA string is a decimal string if all characters in the string are decimal \
         and\nthere is at least one character in the string.",
    ),
    FnDef::def("isdigit", "self, /", predicates::is_digit).doc(
        "Return True if the string is a digit string, False otherwise.\n\nA string is a digit string if all characters in the string are digits and \
         there\nis at least one character in the string.",
    ),
    FnDef::def("isnumeric", "self, /", predicates::is_numeric).doc(
        "Return True if the string is a numeric string, False otherwise.\n\nA string is numeric if all characters in the string are numeric and there \
         is at\nleast one character in the string.",
    ),
    FnDef::def("isalpha", "self, /", predicates::is_alpha).doc(
        "Return True if the string is an alphabetic string, False otherwise.\n\nA string is alphabetic if all characters in the string are alphabetic \
         and there\nis at least one character in the string.",
    ),
    FnDef::def("isalnum", "self, /", predicates::is_alnum).doc(
        "Return True if the string is an alpha-numeric string, False otherwise.\n\nA string is alpha-numeric if all characters in the string are \
         alpha-numeric and\nthere is at least one character in the string.",
    ),
    FnDef::def("isidentifier", "self, /", predicates::is_identifier).doc(
        "Return True if the string is a valid Python identifier, False otherwise.\n\nCall keyword.iskeyword(s) to test whether string s is a reserved \
         identifier,\nsuch as \"def\" or \"class\".",
    ),
    FnDef::def("isprintable", "self, /", predicates::is_printable).doc(
        "Return True if all characters in the string are printable, False otherwise.\n\nA character is printable if repr() may use it in its output.",
    ),
    FnDef::def("zfill", "self, width, /", shape::zfill)
        .doc("Pad a numeric string with zeros on the left, to fill a field of the given width.\n\nThe string is never truncated."),
    FnDef::raw("format", "self, /, *args, **kwargs", |t, args| {
        let format = receiver(args.all()[0]);
        Ok(template::format(t, format, template::Source::Arguments(args.skip_first()))?.value())
    })
    .doc(
        "Return a formatted version of the string, using substitutions from args and kwargs.\n\nThe substitutions are identified by braces ('{' and \
         '}').",
    ),
    FnDef::def("format_map", "self, mapping, /", |t, a| {
        Ok(template::format(t, receiver(a[0]), template::Source::Mapping(a[1]))?.value())
    })
    .doc(
        "Return a formatted version of the string, using substitutions from mapping.\n\nThe substitutions are identified by braces ('{' and '}').",
    ),
    FnDef::def("__format__", "self, format_spec, /", |t, a| {
        let spec = format_spec::argument(t, a[1])?;
        Ok(format_spec::format_str(t, receiver(a[0]), spec)?.value())
    })
    .doc("Return a formatted version of the string as described by format_spec."),
    FnDef::static_def("maketrans", "x, y=<unrepresentable>, z=<unrepresentable>, /", translate::make_trans).doc(
        "Return a translation table usable for str.translate().\n\nIf there is only one argument, it must be a dictionary mapping Unicode\nordinals \
         (integers) or characters to Unicode ordinals, strings or None.\nCharacter keys will be then converted to ordinals.\nIf there are two \
         arguments, they must be strings of equal length, and\nin the resulting dictionary, each character in x will be mapped to the\ncharacter at \
         the same position in y. If there is a third argument, it\nmust be a string, whose characters will be mapped to None in the result.",
    ),
    FnDef::def("__sizeof__", "self, /", |t, a| {
        let s = receiver(a[0]);
        Ok(int::from_usize(t, super::STR_OVERHEAD + (s.len() + 1) * s.width().bytes()))
    })
    .doc("Return the size of the string in memory, in bytes."),
    FnDef::def("__getnewargs__", "self, /", |t, a| {
        let copy = copied(t, receiver(a[0]), builtin::STR)?;
        Ok(Tuple::from_slice(t, &[copy.value()]).value())
    }),
];

#[inline(always)]
fn receiver(v: Value) -> Ref<Str> {
    crate::args::receiver(v)
}

/// Runs an expression with the characters of a string as a slice, whatever their width.
macro_rules! with_units {
    ($s:expr, $units:ident => $body:expr) => {
        match $s.chars() {
            $crate::types::str::Chars::Ascii($units) | $crate::types::str::Chars::Latin1($units) => $body,
            $crate::types::str::Chars::Ucs2($units) => $body,
            $crate::types::str::Chars::Ucs4($units) => $body,
        }
    };
}
use with_units;

/// Runs an expression with the characters of a string and of another one in the first one's width. If the other one is wider, it cannot
/// occur in the first: then the result is `$absent`.
macro_rules! with_both {
    ($s:expr, $other:expr, $absent:expr, |$units:ident, $other_units:ident| $body:expr) => {{
        use $crate::types::str::Chars::{Ascii, Latin1, Ucs2, Ucs4};
        use $crate::types::str::methods::widened;
        match ($s.chars(), $other.chars()) {
            (Ascii($units) | Latin1($units), Ascii($other_units) | Latin1($other_units)) => $body,
            (Ucs2($units), Ucs2($other_units)) => $body,
            (Ucs4($units), Ucs4($other_units)) => $body,
            (Ucs2($units), Ascii(narrow) | Latin1(narrow)) => {
                let wide = widened::<u8, u16>(narrow);
                let $other_units = &wide[..];
                $body
            }
            (Ucs4($units), Ascii(narrow) | Latin1(narrow)) => {
                let wide = widened::<u8, u32>(narrow);
                let $other_units = &wide[..];
                $body
            }
            (Ucs4($units), Ucs2(narrow)) => {
                let wide = widened::<u16, u32>(narrow);
                let $other_units = &wide[..];
                $body
            }
            _ => $absent,
        }
    }};
}
use with_both;

/// Characters in a greater width.
fn widened<A: Unit, B: Unit>(narrow: &[A]) -> SmallVec<[B; 32]> {
    narrow.iter().map(|c| B::truncate((*c).into())).collect()
}

/// The str argument of a method.
fn str_argument(t: &Thread, v: Value, method: &str, position: usize) -> R<Ref<Str>> {
    match v.downcast::<Str>() {
        Some(s) => Ok(s),
        None => raise!(t, TypeError, "{method}() argument {position} must be str, not {}", v.class().display_name()),
    }
}

/// The only argument of a method, a str.
fn only_str_argument(t: &Thread, v: Value, method: &str) -> R<Ref<Str>> {
    match v.downcast::<Str>() {
        Some(s) => Ok(s),
        None => raise!(t, TypeError, "{method}() argument must be str, not {}", v.class().display_name()),
    }
}

/// The str of exactly the class `str` with the same text.
fn exact(t: &Thread, v: Value) -> R {
    if v.class() == builtin::STR { Ok(v) } else { Ok(copied(t, receiver(v), builtin::STR)?.value()) }
}

/// A new instance of `str` or a subclass with the same text.
fn copied(t: &Thread, s: Ref<Str>, class: Ref<crate::types::Type>) -> R<Ref<Str>> {
    let width = s.width();
    let size = super::STR_OVERHEAD + (s.len() + 1) * width.bytes();
    let copy: Ref<Str> = variable::alloc(t, class, size)?;
    // SAFETY: a new, zeroed cell with room for the same characters.
    unsafe {
        Str::init_meta(copy.ptr(), width, s.len());
        copy.write_chars(0, &s);
    }
    Ok(copy)
}

fn rich_compare(_: &Thread, a: Value, b: Value, op: Compare) -> R {
    let (Some(x), Some(y)) = (a.downcast::<Str>(), b.downcast::<Str>()) else { return Ok(Value::NOT_IMPLEMENTED) };
    Ok(Value::bool(match op {
        Compare::Eq => x.equals(&y),
        Compare::Ne => !x.equals(&y),
        _ => op.holds(compare(x, y)),
    }))
}

/// The order of two strings, by code points.
pub fn compare(a: Ref<Str>, b: Ref<Str>) -> std::cmp::Ordering {
    match (a.chars(), b.chars()) {
        (Chars::Ascii(x) | Chars::Latin1(x), Chars::Ascii(y) | Chars::Latin1(y)) => x.cmp(y),
        (Chars::Ucs2(x), Chars::Ucs2(y)) => x.cmp(y),
        (Chars::Ucs4(x), Chars::Ucs4(y)) => x.cmp(y),
        _ => a.code_points().cmp(b.code_points()),
    }
}

fn get_item(t: &Thread, v: Value, key: Value) -> R {
    let s = receiver(v);
    if let Some(slice) = key.downcast::<Slice>() {
        let range = slice::indices(t, slice, s.len())?;
        if range.step == 1 {
            let start = range.start as usize;
            return Ok(s.slice(t, start, start + range.len)?.value());
        }
        return with_units!(s, units => from_units(t, &(0..range.len).map(|i| units[range.at(i)]).collect::<Vec<_>>()));
    }
    if !sequence::is_index(key) {
        raise!(t, TypeError, "string indices must be integers, not '{}'", key.class().display_name())
    }
    let index = sequence::index_of_key(t, key)?;
    match sequence::resolve_index(index, s.len()) {
        Some(i) => Ok(Str::from_char(t, s.char_at(i))?.value()),
        None => raise!(t, IndexError, "string index out of range"),
    }
}

/// A str of characters of some width, as narrow as they allow.
fn from_units<U: Unit>(t: &Thread, units: &[U]) -> R {
    // SAFETY: the size tells which of the three integer types the units are.
    unsafe {
        let (p, n) = (units.as_ptr(), units.len());
        Ok(match size_of::<U>() {
            1 => Str::from_latin1(t, std::slice::from_raw_parts(p.cast(), n))?,
            2 => Str::from_ucs2(t, std::slice::from_raw_parts(p.cast(), n))?,
            _ => Str::from_ucs4(t, std::slice::from_raw_parts(p.cast(), n))?,
        }
        .value())
    }
}

fn contains(t: &Thread, v: Value, item: Value) -> R<bool> {
    let Some(needle) = item.downcast::<Str>() else {
        raise!(t, TypeError, "'in <string>' requires string as left operand, not {}", item.class().display_name())
    };
    Ok(with_both!(receiver(v), needle, false, |text, needle| find_in(text, needle).is_some()))
}

fn concat(t: &Thread, a: Value, b: Value) -> R {
    match (a.downcast::<Str>(), b.downcast::<Str>()) {
        (Some(x), Some(y)) => Ok(Str::concat(t, x, y)?.value()),
        _ => raise!(t, TypeError, "can only concatenate str (not \"{}\") to str", b.class().display_name()),
    }
}

fn repeat(t: &Thread, v: Value, count: Value) -> R {
    let count = number::index_isize(t, count)?.max(0) as usize;
    let s = receiver(v);
    if count == 1 {
        return exact(t, v);
    }
    if count == 0 || s.is_empty() {
        return Ok(crate::names::empty);
    }
    let Some(len) = s.len().checked_mul(count).filter(|n| *n <= isize::MAX as usize / 4) else {
        raise!(t, OverflowError, "repeated string is too long")
    };
    let width = s.width().bytes();
    let out = Str::alloc(t, s.width(), len)?;
    // SAFETY: the string is new and has that many characters of that width.
    let data = unsafe { std::slice::from_raw_parts_mut(out.data_ptr(), len * width) };
    crate::types::bytes_methods::fill_repeated(data, s.raw_bytes());
    Ok(out.value())
}

fn encode(t: &Thread, a: &[Value]) -> R {
    let (encoding, errors) = codec::arguments(t, "encode", a[1], a[2])?;
    codec::check_text_encoding(t, encoding)?;
    let made = codec::encode(t, receiver(a[0]), encoding, errors)?;
    codec::checked_bytes(t, made, encoding)
}
