//! `array`: numbers of one C type, one after the other.
//!
//! The items are bytes in memory of the array's own, behind a lock that nobody holds while Python code may run. While a buffer is
//! exported the memory must stay where it is, so the size cannot change.

mod code;
mod iterator;
mod methods;
mod pickle;
mod subscript;

use crate::owned;
use code::{CODES, Code, Item, Kind, bits_of};
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, Signature, receiver};
use limpid_vm::modules::{ModuleDef, warnings};
use limpid_vm::object::{R, Ref, ValueExt, header_of};
use limpid_vm::protocol::{attr, call, compare, iter};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::{Compare, SlotTable};
use limpid_vm::thread::Thread;
use limpid_vm::types::memory::{self, Buffer};
use limpid_vm::types::numbers::Numbers;
use limpid_vm::types::repr::ReprText;
use limpid_vm::types::{Bytearray, Bytes, List, Module, Str, Tuple, Type, TypeDef, flag, int, type_};
use limpid_vm::{exc, layout, raise};
use parking_lot::Mutex;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The layout.
#[repr(C)]
pub struct Array {
    header: Header,
    /// Where the items are, as a mirror of `items`.
    numbers: Numbers,
    code: &'static Code,
    /// Buffers of it that are in use.
    exports: AtomicUsize,
    items: Mutex<Vec<u8>>,
}

/// `array.array`
pub static ARRAY: TypeCell = TypeCell::new();
layout!(Array, ARRAY.get(), Mixed);

/// `array`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "This module defines an object type which can efficiently represent\nan array of basic values: characters, integers, floating-point\n\
          numbers.  Arrays are sequence types and behave very much like lists,\nexcept that the type of objects stored in them is \
          constrained.\n",
    functions: &[FnDef::def("_array_reconstructor", "arraytype, typecode, mformat_code, items, /", pickle::reconstruct)
        .doc("Internal. Used for pickling support.")],
    init,
    ..ModuleDef::named("array")
};

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    let class = type_::create_native(t, &ARRAY_DEF, &ARRAY)?;
    type_::create_native(t, &iterator::ITERATOR_DEF, &iterator::ITERATOR)?;
    m.dict().set_text(t, "array", class.value())?;
    m.dict().set_text(t, "ArrayType", class.value())?;
    let codes: Vec<u8> = CODES.iter().map(|c| c.letter).collect();
    m.dict().set_text(t, "typecodes", Str::from_ascii(t, &codes)?.value())?;
    let abc = limpid_vm::modules::import::import_text(t, "collections.abc")?;
    call::call_method_text(t, attr::get_attr_text(t, abc, "MutableSequence")?, "register", &[class.value()])?;
    Ok(())
}

/// An array of `class` with these items.
fn make(t: &Thread, class: Ref<Type>, code: &'static Code, items: Vec<u8>) -> Ref<Array> {
    let numbers = Numbers::new(code.format(), items.as_ptr(), items.len() / code.size);
    let array = Array { header: header_of::<Array>(), numbers, code, exports: AtomicUsize::new(0), items: Mutex::new(items) };
    owned::dropped(t, t.alloc_instance(class, array))
}

/// An array of exactly the class `array`.
fn plain(t: &Thread, code: &'static Code, items: Vec<u8>) -> Value {
    make(t, ARRAY.get(), code, items).value()
}

impl Array {
    /// How many items it has.
    fn len(&self) -> usize {
        self.items.lock().len() / self.code.size
    }

    /// A copy of the bytes.
    fn snapshot(&self) -> Vec<u8> {
        self.items.lock().clone()
    }

    /// The item at `i` as it is now.
    fn item(&self, t: &Thread, i: usize) -> R<Option<Value>> {
        let bits = self.items.lock().get(self.place(i)).map(bits_of);
        bits.map(|bits| self.code.read(t, bits)).transpose()
    }

    /// Replaces the item at `i`. False: there is none.
    fn replace(&self, i: usize, item: Item) -> bool {
        match self.items.lock().get_mut(self.place(i)) {
            Some(place) => {
                place.copy_from_slice(&item[..self.code.size]);
                true
            }
            None => false,
        }
    }

    /// Where the bytes of an item are. Indices come from ints that are no big ones.
    fn place(&self, i: usize) -> Range<usize> {
        i * self.code.size..(i + 1) * self.code.size
    }

    /// Changes the bytes in a way that changes how many there are.
    fn resize<T>(&self, t: &Thread, change: impl FnOnce(&mut Vec<u8>) -> T) -> R<T> {
        memory::release_garbage(t, &self.exports)?;
        let mut items = self.items.lock();
        // Buffers are exported under the lock.
        if self.exports.load(Relaxed) > 0 {
            drop(items);
            raise!(t, BufferError, "cannot resize an array that is exporting buffers")
        }
        let result = change(&mut items);
        self.numbers.moved(items.as_ptr(), items.len() / self.code.size);
        Ok(result)
    }

    fn append_bytes(&self, t: &Thread, bytes: &[u8]) -> R<()> {
        if bytes.is_empty() { Ok(()) } else { self.resize(t, |items| items.extend_from_slice(bytes)) }
    }

    fn append(&self, t: &Thread, v: Value) -> R<()> {
        let item = self.code.convert(t, v)?;
        self.resize(t, |items| items.extend_from_slice(&item[..self.code.size]))
    }

    /// Appends the items of an iterable, or of an array of the same type.
    fn extend(&self, t: &Thread, v: Value) -> R<()> {
        let Some(other) = v.downcast::<Array>() else { return iter::for_each(t, v, |item| self.append(t, item)) };
        if other.code != self.code {
            raise!(t, TypeError, "can only extend with array of same kind")
        }
        let bytes = other.snapshot();
        self.append_bytes(t, &bytes)
    }

    /// Appends the bytes of items.
    fn append_from_bytes(&self, t: &Thread, bytes: &[u8]) -> R<()> {
        if !bytes.len().is_multiple_of(self.code.size) {
            raise!(t, ValueError, "bytes length not a multiple of item size")
        }
        self.append_bytes(t, bytes)
    }

    fn append_text(&self, t: &Thread, s: &Str) -> R<()> {
        let bytes: Vec<u8> = s.code_points().flat_map(u32::to_le_bytes).collect();
        self.append_bytes(t, &bytes)
    }

    /// The items of an array of characters.
    fn text(&self, t: &Thread) -> R<Ref<Str>> {
        let chars: Vec<u32> = self.snapshot().as_chunks::<4>().0.iter().map(|c| u32::from_le_bytes(*c)).collect();
        if let Some(c) = chars.iter().find(|c| **c > char::MAX as u32) {
            raise!(t, ValueError, "character U+{c:x} is not in range [U+0000; U+10ffff]")
        }
        Str::from_chars(t, chars.iter().copied())
    }

    fn to_list(&self, t: &Thread) -> R<Ref<List>> {
        let bytes = self.snapshot();
        let list = List::with_capacity(t, bytes.len() / self.code.size)?;
        for item in bytes.chunks_exact(self.code.size) {
            list.append(t, self.code.read(t, bits_of(item))?)?;
        }
        Ok(list)
    }
}

fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::parse("typecode, initializer=(), /");
    // SAFETY: `__new__` is called with a class.
    let class = unsafe { Ref::<Type>::from_value(class) };
    // A subclass may have an `__init__` that takes keywords.
    let args = if class == ARRAY.get() { args } else { Args::positional(args.pos()) };
    if args.keyword_count() > 0 {
        raise!(t, TypeError, "array.array() takes no keyword arguments")
    }
    if args.pos().is_empty() {
        raise!(t, TypeError, "array() takes at least 1 argument (0 given)")
    }
    args.bind(t, "array", &SIGNATURE, |a| {
        let Some(letter) = a[0].downcast::<Str>().filter(|s| s.len() == 1) else {
            let got = match a[0].downcast::<Str>() {
                Some(s) => format!("a string of length {}", s.len()),
                None => a[0].class().display_name(),
            };
            raise!(t, TypeError, "array() argument 1 must be a unicode character, not {got}")
        };
        let Some(code) = code::find(letter.char_at(0)) else {
            raise!(t, ValueError, "bad typecode (must be b, B, u, w, h, H, i, I, l, L, q, Q, f or d)")
        };
        if code.letter == b'u' {
            let text = "The 'u' type code is deprecated and will be removed in Python 3.16";
            warnings::warn(t, exc::DeprecationWarning, text, 1)?;
        }
        let initial = a[1].non_null();
        if code.kind != Kind::Text {
            if initial.is_some_and(|v| v.downcast::<Str>().is_some()) {
                raise!(t, TypeError, "cannot use a str to initialize an array with typecode '{}'", code.letter as char)
            }
            if initial.and_then(|v| v.downcast::<Array>()).is_some_and(|v| v.code.kind == Kind::Text) {
                let letter = code.letter as char;
                raise!(t, TypeError, "cannot use a unicode array to initialize an array with typecode '{letter}'")
            }
        }
        let array = make(t, class, code, Vec::new());
        if let Some(v) = initial {
            fill(t, array, v)?;
        }
        Ok(array.value())
    })
}

/// Puts what an array is initialised with in it.
fn fill(t: &Thread, array: Ref<Array>, v: Value) -> R<()> {
    if v.downcast::<Bytes>().is_some() || v.downcast::<Bytearray>().is_some() {
        return array.append_from_bytes(t, memory::get_buffer(t, v)?.as_slice());
    }
    if let Some(s) = v.downcast::<Str>() {
        return array.append_text(t, &s);
    }
    match v.downcast::<Array>() {
        Some(other) if other.code != array.code => iter::for_each(t, other.to_list(t)?.value(), |item| array.append(t, item)),
        _ => array.extend(t, v),
    }
}

fn release(_: &Thread, v: Value) {
    receiver::<Array>(v).exports.fetch_sub(1, Relaxed);
}

fn export(t: &Thread, v: Value, flags: u32) -> R<Buffer> {
    let this = receiver::<Array>(v);
    let format = if flags & memory::request::FORMAT == 0 {
        Value::NULL
    } else {
        let letter = if this.code.letter == b'u' { b'w' } else { this.code.letter };
        Str::from_char(t, letter as u32)?.value()
    };
    let (ptr, len) = {
        let mut items = this.items.lock();
        this.exports.fetch_add(1, Relaxed);
        (items.as_mut_ptr(), items.len())
    };
    let mut buffer = match Buffer::simple(t, v, v, ptr, len, false, flags) {
        Ok(buffer) => buffer.released_by(release),
        Err(raised) => {
            release(t, v);
            return Err(raised);
        }
    };
    buffer.itemsize = this.code.size;
    buffer.format = format;
    Ok(buffer)
}

fn rich_compare(t: &Thread, a: Value, b: Value, op: Compare) -> R {
    let (Some(x), Some(y)) = (a.downcast::<Array>(), b.downcast::<Array>()) else { return Ok(Value::NOT_IMPLEMENTED) };
    let (len, other_len) = (x.len(), y.len());
    if len != other_len && matches!(op, Compare::Eq | Compare::Ne) {
        return Ok(Value::bool(op == Compare::Ne));
    }
    if x.code == y.code {
        let (left, right) = (x.snapshot(), y.snapshot());
        let size = x.code.size;
        for (a, b) in left.chunks_exact(size).zip(right.chunks_exact(size)) {
            match x.code.compare(a, b) {
                Some(std::cmp::Ordering::Equal) => {}
                Some(order) => return Ok(Value::bool(op.holds(order))),
                None => return Ok(Value::bool(op == Compare::Ne)),
            }
        }
        return Ok(Value::bool(op.holds(left.len().cmp(&right.len()))));
    }
    let mut i = 0;
    while let (Some(a), Some(b)) = (x.item(t, i)?, y.item(t, i)?) {
        if !compare::values_equal(t, a, b)? {
            return match op {
                Compare::Eq => Ok(Value::FALSE),
                Compare::Ne => Ok(Value::TRUE),
                _ => compare::rich_compare(t, a, b, op),
            };
        }
        i += 1;
    }
    Ok(Value::bool(op.holds(x.len().cmp(&y.len()))))
}

fn repr(t: &Thread, v: Value) -> R {
    let this = receiver::<Array>(v);
    let class = v.class().display_name();
    let mut out = ReprText::new(class.rsplit('.').next().unwrap_or_default());
    out.text(&format!("('{}'", this.code.letter as char));
    if this.len() > 0 {
        out.text(", ");
        match this.code.kind {
            Kind::Text => out.repr(t, this.text(t)?.value())?,
            _ => out.repr(t, this.to_list(t)?.value())?,
        }
    }
    out.text(")");
    out.finish(t)
}

/// `array.array`
pub static ARRAY_DEF: TypeDef = TypeDef {
    doc: "array(typecode [, initializer]) -> array\n\nReturn a new array whose items are restricted by typecode, and\ninitialized from the \
          optional initializer value, which must be a list,\nstring or iterable over elements of the appropriate type.",
    flags: flag::BASE_TYPE | flag::WEAK_REFERENCES | flag::SEQUENCE | flag::PLAIN_ITEMS | flag::NUMBERS,
    slots: SlotTable {
        new: Some(new),
        repr: Some(repr),
        hash: Some(limpid_vm::protocol::hash::unhashable),
        richcompare: Some(rich_compare),
        iter: Some(iterator::iterate),
        buffer: Some(export),
        len: Some(|_, v| Ok(receiver::<Array>(v).len())),
        getitem: Some(subscript::get_item),
        setitem: Some(subscript::set_item),
        contains: Some(|t, v, item| Ok(methods::find(t, receiver(v), item, 0, usize::MAX)?.is_some())),
        concat: Some(subscript::concat),
        repeat: Some(subscript::repeat),
        iconcat: Some(subscript::concat_in_place),
        irepeat: Some(subscript::repeat_in_place),
        ..SlotTable::EMPTY
    },
    methods: methods::METHODS,
    getset: methods::GETSET,
    ..TypeDef::of::<Array>("array.array")
};

/// A tuple of values, for `__reduce__` and the like.
fn tuple(t: &Thread, values: &[Value]) -> Value {
    Tuple::from_slice(t, values).value()
}

/// An index in the words of arrays.
fn index_of(t: &Thread, key: Value) -> R<isize> {
    if !limpid_vm::protocol::number::is_index(key) {
        raise!(t, TypeError, "array indices must be integers")
    }
    limpid_vm::protocol::sequence::index_of_key(t, key)
}

/// A length as an int.
fn length(t: &Thread, n: usize) -> Value {
    int::from_usize(t, n)
}
