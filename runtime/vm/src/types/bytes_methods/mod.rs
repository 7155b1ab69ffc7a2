//! What bytes and bytearray have in common: nearly all methods.
//!
//! A method is written once, generic over the type it is a method of ([`ByteText`]), whose results it makes. Arguments may be any
//! bytes-like objects.

use crate::args::FnDef;
use crate::exc;
use crate::object::{R, Ref, Slot, ValueExt};
use crate::protocol::{iter, sequence};
use crate::slots::{Compare, SlotTable};
use crate::thread::Thread;
use crate::types::memory::{Buffer, get_buffer, has_buffer};
use crate::types::{Bytearray, Bytes, Type, TypeDef, builtin, int};
use limpid_heap::{Header, Value};
use std::sync::atomic::{AtomicUsize, Ordering};

pub mod case;
pub mod hexadecimal;
pub mod search;
pub mod shape;
pub mod split;

pub use hexadecimal::hex;
pub(crate) use search::range;
pub(crate) use split::limit;

/// A type whose instances are bytes.
pub trait ByteText {
    /// Its name.
    const NAME: &'static str;
    /// The bytes of an instance. Those of a bytearray may be written by another thread meanwhile, but stay valid.
    fn contents<'a>(v: Value) -> &'a [u8];
    /// An exact instance.
    fn make(t: &Thread, contents: &[u8]) -> R;
    /// An exact instance like `v`: `v` itself where nobody could tell.
    fn unchanged(t: &Thread, v: Value) -> R;
}

/// The list of methods of bytes or bytearray, with those that only it has.
macro_rules! byte_methods {
    ($type:ty; $($own:expr,)*) => {{
        use $crate::args::FnDef;
        use $crate::types::bytes_methods as b;
        &[
            FnDef::def("capitalize", "self, /", b::case::capitalize::<$type>).doc(
                "B.capitalize() -> copy of B\n\nReturn a copy of B with only its first character capitalized (ASCII)\nand the rest lower-cased."),
            FnDef::def("center", "self, width, fillchar=b' ', /", b::shape::center::<$type>).doc(
                "Return a centered string of length width.\n\nPadding is done using the specified fill character."),
            FnDef::def("count", "self, sub, start=None, end=None, /", b::search::count::<$type>).doc(
                "Return the number of non-overlapping occurrences of subsection 'sub' in bytes B[start:end].\n\n\
                 \x20 start\n    Optional start position. Default: start of the bytes.\n  end\n    Optional stop position. Default: end of the bytes."),
            FnDef::def("decode", "self, /, encoding='utf-8', errors='strict'", b::decode).doc(
                "Decode the bytes using the codec registered for encoding.\n\n  encoding\n    The encoding with which to decode the bytes.\n\
                 \x20 errors\n    The error handling scheme to use for the handling of decoding errors.\n\
                 \x20   The default is 'strict' meaning that decoding errors raise a\n    UnicodeDecodeError. Other possible values are 'ignore' and 'replace'\n\
                 \x20   as well as any other name registered with codecs.register_error that\n    can handle UnicodeDecodeErrors."),
            FnDef::def("endswith", "self, suffix, start=None, end=None, /", b::search::ends_with::<$type>).doc(
                "Return True if the bytes ends with the specified suffix, False otherwise.\n\n\
                 \x20 suffix\n    A bytes or a tuple of bytes to try.\n  start\n    Optional start position. Default: start of the bytes.\n\
                 \x20 end\n    Optional stop position. Default: end of the bytes."),
            FnDef::def("expandtabs", "self, /, tabsize=8", b::shape::expand_tabs::<$type>).doc(
                "Return a copy where all tab characters are expanded using spaces.\n\nIf tabsize is not given, a tab size of 8 characters is assumed."),
            FnDef::def("find", "self, sub, start=None, end=None, /", b::search::find::<$type>).doc(
                "Return the lowest index in B where subsection 'sub' is found, such that 'sub' is contained within B[start,end].\n\n\
                 \x20 start\n    Optional start position. Default: start of the bytes.\n  end\n    Optional stop position. Default: end of the bytes.\n\n\
                 Return -1 on failure."),
            FnDef::class_def("fromhex", "cls, string, /", b::hexadecimal::from_hex::<$type>).doc(
                "Create a bytes object from a string of hexadecimal numbers.\n\nSpaces between two numbers are accepted.\n\
                 Example: bytes.fromhex('B9 01EF') -> b'\\\\xb9\\\\x01\\\\xef'."),
            FnDef::def("hex", "self, /, sep=<unrepresentable>, bytes_per_sep=1", |t, a| {
                // Reading the arguments may run Python code, which must not resize a bytearray.
                let contents = $crate::types::memory::get_buffer(t, a[0])?;
                b::hex(t, contents.as_slice(), a[1], a[2])
            }).doc(
                "Create a string of hexadecimal numbers from a bytes object.\n\n  sep\n    An optional single character or byte to separate hex bytes.\n\
                 \x20 bytes_per_sep\n    How many bytes between separators.  Positive values count from the\n    right, negative values count from the left.\n\n\
                 Example:\n>>> value = b'\\xb9\\x01\\xef'\n>>> value.hex()\n'b901ef'\n>>> value.hex(':')\n'b9:01:ef'\n\
                 >>> value.hex(':', 2)\n'b9:01ef'\n>>> value.hex(':', -2)\n'b901:ef'"),
            FnDef::def("index", "self, sub, start=None, end=None, /", b::search::index::<$type>).doc(
                "Return the lowest index in B where subsection 'sub' is found, such that 'sub' is contained within B[start,end].\n\n\
                 \x20 start\n    Optional start position. Default: start of the bytes.\n  end\n    Optional stop position. Default: end of the bytes.\n\n\
                 Raise ValueError if the subsection is not found."),
            FnDef::def("isalnum", "self, /", |_, a| Ok(b::case::all::<$type>(a[0], u8::is_ascii_alphanumeric))).doc(
                "B.isalnum() -> bool\n\nReturn True if all characters in B are alphanumeric\nand there is at least one character in B, False otherwise."),
            FnDef::def("isalpha", "self, /", |_, a| Ok(b::case::all::<$type>(a[0], u8::is_ascii_alphabetic))).doc(
                "B.isalpha() -> bool\n\nReturn True if all characters in B are alphabetic\nand there is at least one character in B, False otherwise."),
            FnDef::def("isascii", "self, /", |_, a| Ok(limpid_heap::Value::bool(<$type as b::ByteText>::contents(a[0]).is_ascii()))).doc(
                "B.isascii() -> bool\n\nReturn True if B is empty or all characters in B are ASCII,\nFalse otherwise."),
            FnDef::def("isdigit", "self, /", |_, a| Ok(b::case::all::<$type>(a[0], u8::is_ascii_digit))).doc(
                "B.isdigit() -> bool\n\nReturn True if all characters in B are digits\nand there is at least one character in B, False otherwise."),
            FnDef::def("islower", "self, /", b::case::is_lower::<$type>).doc(
                "B.islower() -> bool\n\nReturn True if all cased characters in B are lowercase and there is\nat least one cased character in B, False otherwise."),
            FnDef::def("isspace", "self, /", |_, a| Ok(b::case::all::<$type>(a[0], b::is_space))).doc(
                "B.isspace() -> bool\n\nReturn True if all characters in B are whitespace\nand there is at least one character in B, False otherwise."),
            FnDef::def("istitle", "self, /", b::case::is_title::<$type>).doc(
                "B.istitle() -> bool\n\nReturn True if B is a titlecased string and there is at least one\ncharacter in B, i.e. uppercase characters may only \
                 follow uncased\ncharacters and lowercase characters only cased ones. Return False\notherwise."),
            FnDef::def("isupper", "self, /", b::case::is_upper::<$type>).doc(
                "B.isupper() -> bool\n\nReturn True if all cased characters in B are uppercase and there is\nat least one cased character in B, False otherwise."),
            FnDef::def("join", "self, iterable_of_bytes, /", b::shape::join::<$type>).doc(
                "Concatenate any number of bytes objects.\n\nThe bytes whose method is called is inserted in between each pair.\n\n\
                 The result is returned as a new bytes object.\n\nExample: b'.'.join([b'ab', b'pq', b'rs']) -> b'ab.pq.rs'."),
            FnDef::def("ljust", "self, width, fillchar=b' ', /", b::shape::ljust::<$type>).doc(
                "Return a left-justified string of length width.\n\nPadding is done using the specified fill character."),
            FnDef::def("lower", "self, /", b::case::lower::<$type>).doc(
                "B.lower() -> copy of B\n\nReturn a copy of B with all ASCII characters converted to lowercase."),
            FnDef::def("lstrip", "self, bytes=None, /", b::shape::lstrip::<$type>).doc(
                "Strip leading bytes contained in the argument.\n\nIf the argument is omitted or None, strip leading  ASCII whitespace."),
            FnDef::static_def("maketrans", "frm, to, /", b::shape::make_trans).doc(
                "Return a translation table usable for the bytes or bytearray translate method.\n\nThe returned table will be one where each byte \
                 in frm is mapped to the byte at\nthe same position in to.\n\nThe bytes objects frm and to must be of the same length."),
            FnDef::def("partition", "self, sep, /", b::split::partition::<$type>).doc(
                "Partition the bytes into three parts using the given separator.\n\nThis will search for the separator sep in the bytes. If the \
                 separator is found,\nreturns a 3-tuple containing the part before the separator, the separator\nitself, and the part after it.\n\n\
                 If the separator is not found, returns a 3-tuple containing the original bytes\nobject and two empty bytes objects."),
            FnDef::def("removeprefix", "self, prefix, /", b::shape::remove_prefix::<$type>).doc(
                "Return a bytes object with the given prefix string removed if present.\n\nIf the bytes starts with the prefix string, return \
                 bytes[len(prefix):].\nOtherwise, return a copy of the original bytes."),
            FnDef::def("removesuffix", "self, suffix, /", b::shape::remove_suffix::<$type>).doc(
                "Return a bytes object with the given suffix string removed if present.\n\nIf the bytes ends with the suffix string and that \
                 suffix is not empty,\nreturn bytes[:-len(prefix)].  Otherwise, return a copy of the original\nbytes."),
            FnDef::def("replace", "self, old, new, count=-1, /", b::shape::replace::<$type>).doc(
                "Return a copy with all occurrences of substring old replaced by new.\n\n  count\n    Maximum number of occurrences to replace.\n\
                 \x20   -1 (the default value) means replace all occurrences.\n\nIf the optional argument count is given, only the first count \
                 occurrences are\nreplaced."),
            FnDef::def("rfind", "self, sub, start=None, end=None, /", b::search::rfind::<$type>).doc(
                "Return the highest index in B where subsection 'sub' is found, such that 'sub' is contained within B[start,end].\n\n\
                 \x20 start\n    Optional start position. Default: start of the bytes.\n  end\n    Optional stop position. Default: end of the bytes.\n\n\
                 Return -1 on failure."),
            FnDef::def("rindex", "self, sub, start=None, end=None, /", b::search::rindex::<$type>).doc(
                "Return the highest index in B where subsection 'sub' is found, such that 'sub' is contained within B[start,end].\n\n\
                 \x20 start\n    Optional start position. Default: start of the bytes.\n  end\n    Optional stop position. Default: end of the bytes.\n\n\
                 Raise ValueError if the subsection is not found."),
            FnDef::def("rjust", "self, width, fillchar=b' ', /", b::shape::rjust::<$type>).doc(
                "Return a right-justified string of length width.\n\nPadding is done using the specified fill character."),
            FnDef::def("rpartition", "self, sep, /", b::split::rpartition::<$type>).doc(
                "Partition the bytes into three parts using the given separator.\n\nThis will search for the separator sep in the bytes, starting \
                 at the end. If\nthe separator is found, returns a 3-tuple containing the part before the\nseparator, the separator itself, and \
                 the part after it.\n\nIf the separator is not found, returns a 3-tuple containing two empty bytes\nobjects and the original bytes \
                 object."),
            FnDef::def("rsplit", "self, /, sep=None, maxsplit=-1", b::split::rsplit::<$type>).doc(
                "Return a list of the sections in the bytes, using sep as the delimiter.\n\n  sep\n    The delimiter according which to split the \
                 bytes.\n    None (the default value) means split on ASCII whitespace characters\n    (space, tab, return, newline, formfeed, \
                 vertical tab).\n  maxsplit\n    Maximum number of splits to do.\n    -1 (the default value) means no limit.\n\nSplitting is done \
                 starting at the end of the bytes and working to the front."),
            FnDef::def("rstrip", "self, bytes=None, /", b::shape::rstrip::<$type>).doc(
                "Strip trailing bytes contained in the argument.\n\nIf the argument is omitted or None, strip trailing ASCII whitespace."),
            FnDef::def("split", "self, /, sep=None, maxsplit=-1", b::split::split::<$type>).doc(
                "Return a list of the sections in the bytes, using sep as the delimiter.\n\n  sep\n    The delimiter according which to split the \
                 bytes.\n    None (the default value) means split on ASCII whitespace characters\n    (space, tab, return, newline, formfeed, \
                 vertical tab).\n  maxsplit\n    Maximum number of splits to do.\n    -1 (the default value) means no limit."),
            FnDef::def("splitlines", "self, /, keepends=False", b::split::split_lines::<$type>).doc(
                "Return a list of the lines in the bytes, breaking at line boundaries.\n\nLine breaks are not included in the resulting list unless \
                 keepends is given and\ntrue."),
            FnDef::def("startswith", "self, prefix, start=None, end=None, /", b::search::starts_with::<$type>).doc(
                "Return True if the bytes starts with the specified prefix, False otherwise.\n\n\
                 \x20 prefix\n    A bytes or a tuple of bytes to try.\n  start\n    Optional start position. Default: start of the bytes.\n\
                 \x20 end\n    Optional stop position. Default: end of the bytes."),
            FnDef::def("strip", "self, bytes=None, /", b::shape::strip::<$type>).doc(
                "Strip leading and trailing bytes contained in the argument.\n\nIf the argument is omitted or None, strip leading and trailing \
                 ASCII whitespace."),
            FnDef::def("swapcase", "self, /", b::case::swap_case::<$type>).doc(
                "B.swapcase() -> copy of B\n\nReturn a copy of B with uppercase ASCII characters converted\nto lowercase ASCII and vice versa."),
            FnDef::def("title", "self, /", b::case::title::<$type>).doc(
                "B.title() -> copy of B\n\nReturn a titlecased version of B, i.e. ASCII words start with uppercase\ncharacters, all remaining cased \
                 characters have lowercase."),
            FnDef::def("translate", "self, table, /, delete=b''", b::shape::translate::<$type>).doc(
                "Return a copy with each character mapped by the given translation table.\n\n  table\n    Translation table, which must be a bytes \
                 object of length 256.\n\nAll characters occurring in the optional argument delete are removed.\nThe remaining characters are mapped \
                 through the given translation table."),
            FnDef::def("upper", "self, /", b::case::upper::<$type>).doc(
                "B.upper() -> copy of B\n\nReturn a copy of B with all ASCII characters converted to uppercase."),
            FnDef::def("zfill", "self, width, /", b::shape::zfill::<$type>).doc(
                "Pad a numeric string with zeros on the left, to fill a field of the given width.\n\nThe original string is never truncated."),
            $($own,)*
        ]
    }};
}
pub(super) use byte_methods;

/// The methods of bytes.
pub(super) static BYTES_METHODS: &[FnDef] = byte_methods![Bytes;
    FnDef::def("__getnewargs__", "self, /", |t, a| {
        let copy = Bytes::in_class(t, builtin::BYTES, Bytes::contents(a[0]))?;
        Ok(crate::types::Tuple::from_slice(t, &[copy.value()]).value())
    }),
    FnDef::def("__bytes__", "self, /", |t, a| Bytes::unchanged(t, a[0])).doc("Convert this value to exact type bytes."),
];

/// Is it ASCII white space?
#[inline]
pub(super) fn is_space(c: &u8) -> bool {
    matches!(c, b' ' | 9..=13)
}

/// As [`is_space`], for characters.
#[inline]
fn is_space_char(c: u32) -> bool {
    c < 0x80 && is_space(&(c as u8))
}

/// `-b` warns of `str(bytes)`.
pub(super) fn warn_str(t: &Thread, type_name: &str) -> R<()> {
    if t.runtime().options.bytes_warning > 0 {
        let text = format!("str() on a {type_name} instance");
        crate::modules::warnings::warn(t, exc::BytesWarning, &text, 1)?;
    }
    Ok(())
}

/// The comparison slot of both types.
pub(super) fn rich_compare(t: &Thread, contents: &[u8], other: Value, op: Compare) -> R {
    if let Some(bytes) = other.downcast::<Bytes>() {
        return Ok(Value::bool(super::bytes::compare(contents, bytes.as_slice(), op)));
    }
    if !has_buffer(other) {
        if t.runtime().options.bytes_warning > 0 && matches!(op, Compare::Eq | Compare::Ne) {
            if other.is_instance(builtin::STR) {
                crate::modules::warnings::warn(t, exc::BytesWarning, "Comparison between bytes and string", 1)?;
            } else if int::is_int(other) {
                crate::modules::warnings::warn(t, exc::BytesWarning, "Comparison between bytes and int", 1)?;
            }
        }
        return Ok(Value::NOT_IMPLEMENTED);
    }
    match get_buffer(t, other) {
        Ok(buffer) => Ok(Value::bool(super::bytes::compare(contents, buffer.as_slice(), op))),
        Err(_) => {
            t.take_exception();
            Ok(Value::NOT_IMPLEMENTED)
        }
    }
}

/// One operand of `a + b` as a buffer.
pub(super) fn operand(t: &Thread, a: Value, b: Value, which: Value) -> R<Buffer> {
    if !has_buffer(which) {
        raise!(t, TypeError, "can't concat {} to {}", b.class().display_name(), a.class().display_name())
    }
    get_buffer(t, which)
}

/// `item in bytes`: a number or bytes.
pub(super) fn contains(t: &Thread, contents: &[u8], item: Value) -> R<bool> {
    if sequence::is_index(item) {
        let b = int::to_byte_value(t, item, "byte")?;
        return Ok(memchr::memchr(b, contents).is_some());
    }
    let needle = get_buffer(t, item)?;
    Ok(memchr::memmem::find(contents, needle.as_slice()).is_some())
}

/// Fills a slice with copies of a pattern whose length divides its.
pub(crate) fn fill_repeated(out: &mut [u8], pattern: &[u8]) {
    if let [b] = pattern {
        return out.fill(*b);
    }
    out[..pattern.len()].copy_from_slice(pattern);
    let mut filled = pattern.len();
    while filled < out.len() {
        let n = filled.min(out.len() - filled);
        out.copy_within(..n, filled);
        filled += n;
    }
}

/// `bytes.decode(encoding, errors)`
pub(super) fn decode(t: &Thread, a: &[Value]) -> R {
    use crate::types::str::codec;
    let (encoding, errors) = codec::arguments(t, "decode", a[1], a[2])?;
    let v = codec::decode_value(t, a[0], encoding, errors)?;
    codec::checked_str(t, v, encoding)
}

/// Can it be iterated over?
pub(crate) fn is_iterable(v: Value) -> bool {
    v.class().slots().iter.is_some() || iter::is_sequence(v)
}

/// The bytes of a method's argument.
fn argument(t: &Thread, v: Value) -> R<Buffer> {
    get_buffer(t, v)
}

/// A number or bytes as a search pattern.
enum Pattern {
    Byte(u8),
    Bytes(Buffer),
}

impl Pattern {
    fn of(t: &Thread, v: Value) -> R<Pattern> {
        if has_buffer(v) {
            return get_buffer(t, v).map(Pattern::Bytes);
        }
        if !sequence::is_index(v) {
            raise!(t, TypeError, "argument should be integer or bytes-like object, not '{}'", v.class().display_name())
        }
        int::to_byte_value(t, v, "byte").map(Pattern::Byte)
    }

    fn as_slice(&self) -> &[u8] {
        match self {
            Pattern::Byte(b) => std::slice::from_ref(b),
            Pattern::Bytes(buffer) => buffer.as_slice(),
        }
    }
}

/// The layout of the iterators of both types.
#[repr(C)]
struct ByteIterator {
    header: Header,
    /// NULL when it is exhausted.
    source: Slot,
    index: AtomicUsize,
}

crate::layout!(ByteIterator, builtin::BYTES_ITERATOR, Slots);

/// An iterator of a bytes object or a bytearray.
pub(super) fn iterator(t: &Thread, class: Ref<Type>, source: Value) -> Value {
    let header = class.instance_header();
    t.alloc_cell(ByteIterator { header, source: Slot::new(source), index: AtomicUsize::new(0) }).value()
}

fn receiver(v: Value) -> Ref<ByteIterator> {
    // SAFETY: method descriptors and slot wrappers check the receiver's type, which has this layout.
    unsafe { Ref::from_value(v) }
}

fn contents_of<'a>(v: Value) -> &'a [u8] {
    match v.downcast::<Bytes>() {
        Some(bytes) => bytes.contents(),
        None => Bytearray::contents(v),
    }
}

fn iterator_next(t: &Thread, v: Value) -> R {
    let iterator = receiver(v);
    let Some(source) = iterator.source.opt() else { return Ok(Value::NULL) };
    let i = iterator.index.fetch_add(1, Ordering::Relaxed);
    match contents_of(source).get(i) {
        Some(b) => Ok(Value::int(*b as i64)),
        None => {
            iterator.source.set(t, iterator, Value::NULL);
            Ok(Value::NULL)
        }
    }
}

fn iterator_length_hint(t: &Thread, a: &[Value]) -> R {
    let iterator = receiver(a[0]);
    let left = iterator.source.opt().map_or(0, |s| contents_of(s).len().saturating_sub(iterator.index.load(Ordering::Relaxed)));
    Ok(int::from_usize(t, left))
}

fn iterator_reduce(t: &Thread, a: &[Value]) -> R {
    let iterator = receiver(a[0]);
    let index = iterator.index.load(Ordering::Relaxed);
    let empty = if a[0].class() == builtin::BYTES_ITERATOR { Bytes::empty(t)?.value() } else { Bytearray::from_slice(t, &[])?.value() };
    crate::types::iterators::reduced(t, crate::names::iter, iterator.source.opt(), empty, index as i64)
}

fn iterator_set_state(t: &Thread, a: &[Value]) -> R {
    let iterator = receiver(a[0]);
    let index = crate::protocol::number::index_isize(t, a[1])?;
    if let Some(source) = iterator.source.opt() {
        iterator.index.store((index.max(0) as usize).min(contents_of(source).len()), Ordering::Relaxed);
    }
    Ok(Value::NONE)
}

const ITERATOR_SLOTS: SlotTable = SlotTable { iter: Some(|_, v| Ok(v)), next: Some(iterator_next), ..SlotTable::EMPTY };

static ITERATOR_METHODS: &[FnDef] = &[
    FnDef::def("__length_hint__", "self, /", iterator_length_hint).doc("Private method returning an estimate of len(list(it))."),
    FnDef::def("__reduce__", "self, /", iterator_reduce).doc("Return state information for pickling."),
    FnDef::def("__setstate__", "self, state, /", iterator_set_state).doc("Set state information for unpickling."),
];

/// bytes_iterator
pub static BYTES_ITERATOR_DEF: TypeDef =
    TypeDef { slots: ITERATOR_SLOTS, methods: ITERATOR_METHODS, ..TypeDef::of::<ByteIterator>("bytes_iterator") };

/// bytearray_iterator
pub static BYTEARRAY_ITERATOR_DEF: TypeDef =
    TypeDef { slots: ITERATOR_SLOTS, methods: ITERATOR_METHODS, ..TypeDef::of::<ByteIterator>("bytearray_iterator") };
