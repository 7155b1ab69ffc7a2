//! `bytes`: header, hash, length and contents in one cell, never changed once it is published. A zero byte follows the contents.

use crate::args::{Args, Signature};
use crate::names;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::{attr::lookup_special, call, hash::hash_bytes, iter, number, sequence};
use crate::root::Root;
use crate::slots::{Compare, SlotTable};
use crate::thread::Thread;
use crate::types::bytes_methods::{self, ByteText};
use crate::types::memory::{Buffer, get_buffer, get_buffer_opt, has_buffer};
use crate::types::slice::Slice;
use crate::types::str::{codec, percent, repr as str_repr};
use crate::types::{List, Str, Tuple, Type, TypeDef, builtin, flag, int, variable};
use limpid_heap::{Header, Value};
use std::sync::atomic::{AtomicI64, Ordering};

/// The layout of a bytes object.
#[repr(C)]
pub struct Bytes {
    header: Header,
    /// 0: not computed yet.
    hash: AtomicI64,
    pub(crate) len: usize,
    pub(crate) data: [u8; 0],
}

crate::layout!(Bytes, builtin::BYTES, Leaf);

/// The objects of one byte, and the empty one.
static SHORT: [Root; 257] = [const { Root::new() }; 257];
const EMPTY: usize = 256;

/// Bytes before the contents.
pub const BYTES_OVERHEAD: usize = size_of::<Bytes>();

impl Bytes {
    /// A bytes object of `len` zeros, to be filled by [`Bytes::data_mut`] before anybody else sees it.
    pub fn alloc(t: &Thread, len: usize) -> R<Ref<Bytes>> {
        Bytes::alloc_in(t, builtin::BYTES, len)
    }

    fn alloc_in(t: &Thread, class: Ref<Type>, len: usize) -> R<Ref<Bytes>> {
        let size = len.checked_add(BYTES_OVERHEAD + 1).unwrap_or(usize::MAX / 2);
        let bytes: Ref<Bytes> = variable::alloc(t, class, size)?;
        // SAFETY: a new cell; nobody else sees it yet.
        unsafe { (*bytes.ptr()).len = len };
        Ok(bytes)
    }

    /// The contents of an object under construction.
    ///
    /// # Safety
    /// Nobody else has seen `bytes` yet.
    pub unsafe fn data_mut<'a>(bytes: Ref<Bytes>) -> &'a mut [u8] {
        // SAFETY: by contract; the cell has `len` bytes.
        unsafe { std::slice::from_raw_parts_mut((&raw mut (*bytes.ptr()).data).cast(), bytes.len) }
    }

    /// A bytes object with these contents.
    #[inline]
    pub fn from_slice(t: &Thread, contents: &[u8]) -> R<Ref<Bytes>> {
        match *contents {
            [] => Bytes::empty(t),
            [b] => Bytes::shared(t, b as usize, contents),
            _ => Bytes::in_class(t, builtin::BYTES, contents),
        }
    }

    /// `b""`, of which there is one.
    #[inline]
    pub fn empty(t: &Thread) -> R<Ref<Bytes>> {
        Bytes::shared(t, EMPTY, &[])
    }

    /// The object of one byte or none that everybody shares.
    #[inline]
    fn shared(t: &Thread, i: usize, contents: &[u8]) -> R<Ref<Bytes>> {
        if let Some(v) = SHORT[i].opt() {
            // SAFETY: only bytes objects are stored there.
            return Ok(unsafe { Ref::from_value(v) });
        }
        let bytes = Bytes::in_class(t, builtin::BYTES, contents)?;
        SHORT[i].set(bytes.value());
        Ok(bytes)
    }

    /// An instance of `bytes` or a subclass with these contents.
    pub fn in_class(t: &Thread, class: Ref<Type>, contents: &[u8]) -> R<Ref<Bytes>> {
        let bytes = Bytes::alloc_in(t, class, contents.len())?;
        // SAFETY: it is new.
        unsafe { Bytes::data_mut(bytes) }.copy_from_slice(contents);
        Ok(bytes)
    }

    /// A bytes object of these contents one after the other.
    pub fn concat(t: &Thread, a: &[u8], b: &[u8]) -> R<Ref<Bytes>> {
        let bytes = Bytes::alloc(t, a.len().saturating_add(b.len()))?;
        // SAFETY: it is new.
        let data = unsafe { Bytes::data_mut(bytes) };
        data[..a.len()].copy_from_slice(a);
        data[a.len()..].copy_from_slice(b);
        Ok(bytes)
    }

    /// How many bytes it has.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Is it empty?
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The contents.
    #[inline(always)]
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: `len` bytes, written before the object was published and never again.
        unsafe { std::slice::from_raw_parts((&raw const self.data).cast(), self.len) }
    }

    /// The hash, computed once.
    #[inline]
    pub fn hash(&self) -> i64 {
        match self.hash.load(Ordering::Relaxed) {
            0 => {
                let h = hash_bytes(self.as_slice());
                self.hash.store(h, Ordering::Relaxed);
                h
            }
            h => h,
        }
    }
}

impl Ref<Bytes> {
    /// The contents, for as long as the caller holds the object.
    #[inline(always)]
    pub fn contents<'a>(self) -> &'a [u8] {
        // SAFETY: as in `as_slice`; the caller has the reference on its stack.
        unsafe { std::slice::from_raw_parts((&raw const (*self.ptr()).data).cast(), self.len) }
    }
}

/// Only bytes are compared here: other buffers compare themselves with bytes, and a memoryview has no order.
fn rich_compare(t: &Thread, a: Value, b: Value, op: Compare) -> R {
    let is_foreign = !b.is_instance(builtin::BYTES) && has_buffer(b);
    if is_foreign { Ok(Value::NOT_IMPLEMENTED) } else { bytes_methods::rich_compare(t, receiver(a).contents(), b, op) }
}

/// bytes
pub static BYTES_DEF: TypeDef = TypeDef {
    doc: "bytes(iterable_of_ints) -> bytes\nbytes(string, encoding[, errors]) -> bytes\n\
          bytes(bytes_or_buffer) -> immutable copy of bytes_or_buffer\n\
          bytes(int) -> bytes object of size given by the parameter initialized with null bytes\n\
          bytes() -> empty bytes object\n\nConstruct an immutable array of bytes from:\n\
          \x20 - an iterable yielding integers in range(256)\n  - a text string encoded using the specified encoding\n\
          \x20 - any object implementing the buffer API.\n  - an integer",
    flags: flag::BASE_TYPE | flag::BYTES_SUBCLASS | flag::MATCH_SELF | flag::PLAIN_ITEMS,
    slots: SlotTable {
        new: Some(new),
        repr: Some(|t, v| Ok(repr(t, receiver(v).contents())?.value())),
        str: Some(|t, v| {
            bytes_methods::warn_str(t, "bytes")?;
            Ok(repr(t, receiver(v).contents())?.value())
        }),
        hash: Some(|_, v| Ok(receiver(v).hash())),
        richcompare: Some(rich_compare),
        iter: Some(|t, v| Ok(bytes_methods::iterator(t, builtin::BYTES_ITERATOR, v))),
        buffer: Some(|t, v, flags| {
            let b = receiver(v);
            Buffer::simple(t, v, v, b.contents().as_ptr().cast_mut(), b.len(), true, flags)
        }),
        len: Some(|_, v| Ok(receiver(v).len())),
        getitem: Some(get_item),
        contains: Some(|t, v, item| bytes_methods::contains(t, receiver(v).contents(), item)),
        mod_: Some(|t, a, b| match a.downcast::<Bytes>() {
            Some(bytes) => Ok(Bytes::from_slice(t, &percent::format_bytes(t, bytes.contents(), b)?)?.value()),
            None => Ok(Value::NOT_IMPLEMENTED),
        }),
        concat: Some(concat),
        repeat: Some(repeat),
        ..SlotTable::EMPTY
    },
    methods: bytes_methods::BYTES_METHODS,
    ..TypeDef::of::<Bytes>("bytes")
};

#[inline(always)]
fn receiver(v: Value) -> Ref<Bytes> {
    crate::args::receiver(v)
}

impl ByteText for Bytes {
    const NAME: &'static str = "bytes";

    fn contents<'a>(v: Value) -> &'a [u8] {
        receiver(v).contents()
    }

    fn make(t: &Thread, contents: &[u8]) -> R {
        Ok(Bytes::from_slice(t, contents)?.value())
    }

    fn unchanged(t: &Thread, v: Value) -> R {
        if v.class() == builtin::BYTES { Ok(v) } else { Bytes::make(t, receiver(v).contents()) }
    }
}

/// `repr` of bytes.
pub fn repr(t: &Thread, contents: &[u8]) -> R<Ref<Str>> {
    let mut out = Vec::new();
    str_repr::push_bytes_repr(&mut out, contents);
    Str::from_ascii(t, &out)
}

fn get_item(t: &Thread, v: Value, key: Value) -> R {
    let bytes = receiver(v);
    if let Some(slice) = key.downcast::<Slice>() {
        let range = crate::types::slice::indices(t, slice, bytes.len())?;
        if range.step == 1 {
            if range.len == bytes.len() {
                return Bytes::unchanged(t, v);
            }
            let start = range.start as usize;
            return Ok(Bytes::from_slice(t, &bytes.contents()[start..start + range.len])?.value());
        }
        let out = Bytes::alloc(t, range.len)?;
        // SAFETY: it is new.
        for (i, b) in unsafe { Bytes::data_mut(out) }.iter_mut().enumerate() {
            *b = bytes.contents()[range.at(i)];
        }
        return Ok(out.value());
    }
    if !sequence::is_index(key) {
        raise!(t, TypeError, "byte indices must be integers or slices, not {}", key.class().display_name())
    }
    let index = sequence::index_of_key(t, key)?;
    match sequence::resolve_index(index, bytes.len()) {
        Some(i) => Ok(Value::int(bytes.contents()[i] as i64)),
        None => raise!(t, IndexError, "index out of range"),
    }
}

fn concat(t: &Thread, a: Value, b: Value) -> R {
    if let (Some(x), Some(y)) = (a.exact::<Bytes>(), b.exact::<Bytes>())
        && !x.is_empty()
        && !y.is_empty()
    {
        return Ok(Bytes::concat(t, x.as_slice(), y.as_slice())?.value());
    }
    let left = bytes_methods::operand(t, a, b, a)?;
    let right = bytes_methods::operand(t, a, b, b)?;
    if left.len == 0 && b.class() == builtin::BYTES {
        return Ok(b);
    }
    if right.len == 0 && a.class() == builtin::BYTES {
        return Ok(a);
    }
    Ok(Bytes::concat(t, left.as_slice(), right.as_slice())?.value())
}

fn repeat(t: &Thread, v: Value, count: Value) -> R {
    let count = number::index_isize(t, count)?.max(0) as usize;
    let bytes = receiver(v);
    if count == 1 {
        return Bytes::unchanged(t, v);
    }
    if bytes.is_empty() || count == 0 {
        return Ok(Bytes::empty(t)?.value());
    }
    let Some(len) = bytes.len().checked_mul(count).filter(|n| *n <= isize::MAX as usize) else {
        raise!(t, OverflowError, "repeated bytes are too long")
    };
    let out = Bytes::alloc(t, len)?;
    // SAFETY: it is new.
    bytes_methods::fill_repeated(unsafe { Bytes::data_mut(out) }, bytes.contents());
    Ok(out.value())
}

static SIGNATURE: Signature = Signature::parse("source=None, encoding='utf-8', errors='strict'");

fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    // SAFETY: the receiver of `__new__` is a class, checked by whoever calls the slot.
    let class = unsafe { Ref::<Type>::from_value(class) };
    args.bind(t, "bytes", &SIGNATURE, |a| {
        let bytes = construct(t, a[0], a[1], a[2])?;
        if class == builtin::BYTES {
            return Ok(bytes.value());
        }
        Ok(Bytes::in_class(t, class, bytes.contents())?.value())
    })
}

/// `bytes(source, encoding, errors)`, as an instance of `bytes` or of a subclass that `__bytes__` gave.
fn construct(t: &Thread, source: Value, encoding: Value, errors: Value) -> R<Ref<Bytes>> {
    if source.is_null() {
        if !encoding.is_null() || !errors.is_null() {
            raise!(
                t,
                TypeError,
                "{}",
                if encoding.is_null() { "errors without a string argument" } else { "encoding without a string argument" }
            )
        }
        return Bytes::empty(t);
    }
    if encoding.is_null() && !errors.is_null() && source.is_instance(builtin::STR) {
        raise!(t, TypeError, "string argument without an encoding")
    }
    if !encoding.is_null() || !errors.is_null() {
        return encoded(t, source, encoding, errors);
    }
    if let Some(method) = lookup_special(t, source, names::__bytes__)? {
        let made = call::call(t, method, &[])?;
        return match made.downcast::<Bytes>() {
            Some(bytes) => Ok(bytes),
            None => raise!(t, TypeError, "__bytes__ returned non-bytes (type {})", made.class().display_name()),
        };
    }
    if source.is_instance(builtin::STR) {
        raise!(t, TypeError, "string argument without an encoding")
    }
    if number::is_index(source) {
        match number::index_isize(t, source) {
            Ok(n) if n < 0 => raise!(t, ValueError, "negative count"),
            Ok(n) => return Bytes::alloc(t, n as usize),
            Err(_) => t.catch(crate::exc::TypeError)?,
        }
    }
    from_object(t, source)
}

/// A str encoded, for the constructors of bytes and bytearray.
pub(super) fn encoded(t: &Thread, source: Value, encoding: Value, errors: Value) -> R<Ref<Bytes>> {
    let Some(s) = source.downcast::<Str>() else {
        raise!(
            t,
            TypeError,
            "{}",
            if encoding.is_null() { "errors without a string argument" } else { "encoding without a string argument" }
        )
    };
    let (encoding, errors) = codec::arguments(t, "bytes", encoding, errors)?;
    let made = codec::encode(t, s, encoding, errors)?;
    match made.downcast::<Bytes>() {
        Some(bytes) => Ok(bytes),
        None => Bytes::from_slice(t, get_buffer(t, made)?.as_slice()),
    }
}

/// A bytes object of a buffer's contents or of the ints an iterable yields: what `bytes(source)` makes of most objects.
pub fn from_object(t: &Thread, source: Value) -> R<Ref<Bytes>> {
    if let Some(bytes) = source.exact::<Bytes>() {
        return Ok(bytes);
    }
    if let Some(buffer) = get_buffer_opt(t, source)? {
        return Bytes::from_slice(t, &buffer.to_contiguous());
    }
    if source.is_instance(builtin::STR) {
        raise!(t, TypeError, "cannot convert 'str' object to bytes")
    }
    Bytes::from_slice(t, &collect_bytes(t, source, "bytes")?)
}

/// The bytes that an iterable of ints yields.
pub(super) fn collect_bytes(t: &Thread, source: Value, what: &str) -> R<Vec<u8>> {
    let class = source.class();
    if class.slots().iter.is_none() && !iter::is_sequence(source) {
        raise!(t, TypeError, "cannot convert '{}' object to {what}", class.display_name())
    }
    let hint = if source.exact::<List>().is_some() || source.exact::<Tuple>().is_some() {
        sequence::len(t, source)?
    } else {
        iter::length_hint(t, source, 64)?
    };
    let mut out = Vec::new();
    if out.try_reserve(hint).is_err() {
        return Err(t.raise_value(t.runtime().memory_error.get()));
    }
    iter::for_each(t, source, |v| {
        out.push(int::to_byte_value(t, v, what)?);
        Ok(())
    })?;
    Ok(out)
}

/// A bytes object of a buffer's contents; TypeError for what has none.
pub fn from_buffer(t: &Thread, v: Value) -> R {
    if v.exact::<Bytes>().is_some() {
        return Ok(v);
    }
    Ok(Bytes::from_slice(t, &get_buffer(t, v)?.to_contiguous())?.value())
}

/// Compares contents.
pub fn compare(a: &[u8], b: &[u8], op: Compare) -> bool {
    match op {
        Compare::Eq => a == b,
        Compare::Ne => a != b,
        _ => op.holds(a.cmp(b)),
    }
}
