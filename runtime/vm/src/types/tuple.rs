//! `tuple`: header, length, items, hash in one cell, of which all but the hash never change once it is published.

use crate::args::{Args, FnDef, receiver};
use crate::object::{R, Ref, Slot, ValueExt, header_of};
use crate::protocol::{compare, hash::hash_value, iter, number, sequence};
use crate::slots::{Compare, SlotTable};
use crate::thread::Thread;
use crate::types::iterators;
use crate::types::repr::{ReprGuard, ReprText};
use crate::types::slice::{Indices, Slice};
use crate::types::{Type, TypeDef, builtin, flag, generic_alias, int, variable};
use limpid_heap::{Header, Value};
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

/// The layout of a tuple.
#[repr(C)]
pub struct Tuple {
    header: Header,
    len: usize,
    items: [Slot; 0],
}

crate::layout!(Tuple, builtin::TUPLE, Array);

/// Bytes before the items.
pub const TUPLE_OVERHEAD: usize = size_of::<Tuple>();

impl Tuple {
    /// Where the length is.
    pub const LEN: usize = std::mem::offset_of!(Tuple, len);

    /// A tuple of these values.
    pub fn from_slice(t: &Thread, values: &[Value]) -> Ref<Tuple> {
        if values.is_empty() && builtin::is_ready() {
            // SAFETY: the empty tuple is a tuple.
            return unsafe { Ref::from_value(t.empty_tuple()) };
        }
        let cell = t.mutator.alloc_any(TUPLE_OVERHEAD + values.len() * 8, header_of::<Tuple>());
        // SAFETY: a new, zeroed cell with room for the items.
        unsafe { Tuple::fill(cell.as_ptr() as *mut Tuple, values) }
    }

    /// A tuple of these values; MemoryError when there is no room.
    #[inline]
    pub fn try_from_slice(t: &Thread, values: &[Value]) -> R<Ref<Tuple>> {
        // SAFETY: `init` fills all items.
        unsafe { Tuple::build(t, header_of::<Tuple>(), TUPLE_OVERHEAD + values.len() * 8, values) }
    }

    /// A cell whose layout begins with a tuple: `size` bytes in all, this header, these items.
    ///
    /// # Safety
    /// The header's kind is [`limpid_heap::Kind::Array`] and `size` has room for the items.
    pub unsafe fn build(t: &Thread, header: Header, size: usize, values: &[Value]) -> R<Ref<Tuple>> {
        let cell = t.try_alloc_bytes(size, header)?.as_ptr() as *mut Tuple;
        // SAFETY: a new, zeroed cell with room for the items, by contract.
        Ok(unsafe { Tuple::fill(cell, values) })
    }

    /// # Safety
    /// `cell` is new, so that no barrier is needed, and has room for the items.
    unsafe fn fill(cell: *mut Tuple, values: &[Value]) -> Ref<Tuple> {
        // SAFETY: by contract.
        unsafe {
            std::ptr::copy_nonoverlapping(values.as_ptr(), (*cell).items.as_ptr() as *mut Value, values.len());
            (*cell).len = values.len();
            Ref::from_ptr(cell)
        }
    }

    /// An instance of `class`, which is tuple or derives from it, with these items.
    pub fn new_instance(t: &Thread, class: Ref<Type>, values: &[Value]) -> R<Ref<Tuple>> {
        let tuple = variable::alloc::<Tuple>(t, class, TUPLE_OVERHEAD + values.len() * 8)?;
        // SAFETY: a new cell with room for the items, as in `build`.
        unsafe {
            std::ptr::copy_nonoverlapping(values.as_ptr(), tuple.items.as_ptr() as *mut Value, values.len());
            (*tuple.ptr()).len = values.len();
        }
        Ok(tuple)
    }

    /// How many items it has.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The word behind the items, where a tuple that is no instance of a subclass remembers its hash: it has at least a byte of slack, and
    /// sizes of cells are multiples of two words. A subclass's attributes may be there.
    #[inline(always)]
    fn hash_word(&self) -> &AtomicI64 {
        // SAFETY: the word is in the cell, zero from the beginning, and nobody else's.
        unsafe { &*(self.items.as_ptr().add(self.len) as *const AtomicI64) }
    }

    /// Has it no items?
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The item at `i`.
    ///
    /// # Panics
    /// When `i` is out of range.
    #[inline(always)]
    pub fn get(&self, i: usize) -> Value {
        assert!(i < self.len);
        // SAFETY: in range; written before the tuple was published and never again.
        unsafe { *(self.items.as_ptr() as *const Value).add(i) }
    }

    /// A tuple of `len` items, each of which `item` computes without allocating.
    fn generate(t: &Thread, len: usize, mut item: impl FnMut(usize) -> Value) -> R<Ref<Tuple>> {
        if len == 0 {
            // SAFETY: the empty tuple is a tuple.
            return Ok(unsafe { Ref::from_value(t.empty_tuple()) });
        }
        let size = len.checked_mul(8).and_then(|n| n.checked_add(TUPLE_OVERHEAD)).unwrap_or(usize::MAX / 2);
        let tuple = variable::alloc::<Tuple>(t, builtin::TUPLE, size)?;
        // SAFETY: a new cell with room for the items, as in `build`; `item` comes to no safepoint.
        unsafe {
            let items = tuple.items.as_ptr() as *mut Value;
            (0..len).for_each(|i| items.add(i).write(item(i)));
            (*tuple.ptr()).len = len;
        }
        Ok(tuple)
    }
}

impl Ref<Tuple> {
    /// The items that a slice means; the tuple itself if it is exactly a tuple and all are meant.
    pub fn slice(self, t: &Thread, indices: Indices) -> R {
        if indices.step == 1 && indices.len == self.len() && self.value().class() == builtin::TUPLE {
            return Ok(self.value());
        }
        let items = self.as_slice();
        Ok(Tuple::generate(t, indices.len, |i| items[indices.at(i)])?.value())
    }
}

impl Ref<Tuple> {
    /// The hash, if it is exactly a tuple and was hashed before.
    #[inline]
    pub fn known_hash(self) -> Option<i64> {
        let known = if self.value().class() == builtin::TUPLE { self.hash_word().load(Relaxed) } else { 0 };
        (known != 0).then_some(known)
    }

    /// The items. They stay for as long as the slice is on the stack.
    #[inline(always)]
    pub fn as_slice<'a>(self) -> &'a [Value] {
        // SAFETY: `len` items, written before the tuple was published and never again; a pointer into the cell keeps it alive.
        unsafe { std::slice::from_raw_parts((*self.ptr()).items.as_ptr() as *const Value, self.len()) }
    }
}

impl Thread {
    /// `()`, of which there is one.
    #[inline(always)]
    pub fn empty_tuple(&self) -> Value {
        self.runtime().empty_tuple.get()
    }
}

/// CPython's hash of a sequence of hashes (a variant of xxHash).
pub struct TupleHash {
    state: u64,
    len: u64,
}

const PRIME_1: u64 = 11_400_714_785_074_694_791;
const PRIME_2: u64 = 14_029_467_366_897_019_727;
const PRIME_5: u64 = 2_870_177_450_012_600_261;

impl TupleHash {
    /// Of nothing so far.
    #[inline]
    pub fn new() -> TupleHash {
        TupleHash { state: PRIME_5, len: 0 }
    }

    /// Takes in the next hash.
    #[inline]
    pub fn add(&mut self, hash: i64) {
        let mixed = self.state.wrapping_add((hash as u64).wrapping_mul(PRIME_2));
        self.state = mixed.rotate_left(31).wrapping_mul(PRIME_1);
        self.len += 1;
    }

    /// A tuple's hash.
    #[inline]
    pub fn finish(self) -> i64 {
        let state = self.state.wrapping_add(self.len ^ (PRIME_5 ^ 3_527_539));
        if state == u64::MAX { 1_546_275_796 } else { state as i64 }
    }

    /// The hash of something whose length is fixed, so that it is not mixed in: a slice's.
    #[inline]
    pub fn finish_unsized(self) -> i64 {
        if self.state == u64::MAX { 1_546_275_796 } else { self.state as i64 }
    }
}

impl Default for TupleHash {
    fn default() -> TupleHash {
        TupleHash::new()
    }
}

/// Compares sequences that do not change as tuples are compared: by the first items that differ, else by length.
pub fn compare_slices(t: &Thread, a: &[Value], b: &[Value], op: Compare) -> R {
    for (&x, &y) in a.iter().zip(b) {
        if !compare::values_equal(t, x, y)? {
            return match op {
                Compare::Eq => Ok(Value::FALSE),
                Compare::Ne => Ok(Value::TRUE),
                _ => compare::rich_compare(t, x, y, op),
            };
        }
    }
    Ok(Value::bool(op.holds(a.len().cmp(&b.len()))))
}

// ---- slots ----

fn tuple_new(t: &Thread, class: Value, args: Args<'_>) -> R {
    // SAFETY: the receiver of `__new__` is a class.
    let class = unsafe { Ref::<Type>::from_value(class) };
    let own_init = builtin::TUPLE.slots().init.map(|f| f as usize);
    if class.slots().init.map(|f| f as usize) == own_init {
        args.no_keywords(t, "tuple")?;
    }
    let iterable = match *args.pos() {
        [] => t.empty_tuple(),
        [iterable] => iterable,
        ref more => raise!(t, TypeError, "tuple expected at most 1 argument, got {}", more.len()),
    };
    let tuple = iter::to_tuple(t, iterable)?;
    if class == builtin::TUPLE {
        return Ok(tuple.value());
    }
    Ok(Tuple::new_instance(t, class, tuple.as_slice())?.value())
}

fn repr(t: &Thread, v: Value) -> R {
    let items = receiver::<Tuple>(v).as_slice();
    let Some(_guard) = ReprGuard::enter(t, v) else { return ReprText::new("(...)").finish(t) };
    let mut text = ReprText::new("(");
    text.items(t, items.iter().copied())?;
    text.text(if items.len() == 1 { ",)" } else { ")" });
    text.finish(t)
}

fn hash(t: &Thread, v: Value) -> R<i64> {
    let tuple = receiver::<Tuple>(v);
    if let Some(known) = tuple.known_hash() {
        return Ok(known);
    }
    t.check_stack(" while hashing a tuple")?;
    let mut hash = TupleHash::new();
    for &item in tuple.as_slice() {
        hash.add(hash_value(t, item)?);
    }
    let hash = hash.finish();
    if v.class() == builtin::TUPLE {
        tuple.hash_word().store(hash, Relaxed);
    }
    Ok(hash)
}

fn richcompare(t: &Thread, a: Value, b: Value, op: Compare) -> R {
    let (Some(x), Some(y)) = (a.downcast::<Tuple>(), b.downcast::<Tuple>()) else { return Ok(Value::NOT_IMPLEMENTED) };
    // Tuples of different lengths may be compared with `==` by Python code in their items, so the items come first all the same.
    compare_slices(t, x.as_slice(), y.as_slice(), op)
}

fn get_item(t: &Thread, v: Value, key: Value) -> R {
    let tuple = receiver::<Tuple>(v);
    if let Some(slice) = key.exact::<Slice>() {
        return tuple.slice(t, slice.bounds(t)?.within(tuple.len()));
    }
    if !number::is_index(key) {
        raise!(t, TypeError, "tuple indices must be integers or slices, not {}", key.class().display_name())
    }
    let index = sequence::index_of_key(t, key)?;
    match sequence::resolve_index(index, tuple.len()) {
        Some(i) => Ok(tuple.get(i)),
        None => raise!(t, IndexError, "tuple index out of range"),
    }
}

fn contains(t: &Thread, v: Value, item: Value) -> R<bool> {
    for &x in receiver::<Tuple>(v).as_slice() {
        if compare::values_equal(t, x, item)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn concat(t: &Thread, a: Value, b: Value) -> R {
    let x = receiver::<Tuple>(a);
    let Some(y) = b.downcast::<Tuple>() else {
        raise!(t, TypeError, "can only concatenate tuple (not \"{}\") to tuple", b.class().display_name())
    };
    if x.is_empty() && b.class() == builtin::TUPLE {
        return Ok(b);
    }
    if y.is_empty() && a.class() == builtin::TUPLE {
        return Ok(a);
    }
    let (x, y) = (x.as_slice(), y.as_slice());
    let item = |i: usize| if i < x.len() { x[i] } else { y[i - x.len()] };
    Ok(Tuple::generate(t, x.len() + y.len(), item)?.value())
}

fn repeat(t: &Thread, v: Value, count: Value) -> R {
    let items = receiver::<Tuple>(v).as_slice();
    let count = number::index_isize(t, count)?.max(0) as usize;
    if v.class() == builtin::TUPLE && (items.is_empty() || count == 1) {
        return Ok(v);
    }
    let len = items.len().saturating_mul(count);
    let mut next = items.iter().copied().cycle();
    Ok(Tuple::generate(t, len, |_| next.next().unwrap_or(Value::NULL))?.value())
}

// ---- methods ----

fn index(t: &Thread, a: &[Value]) -> R {
    let items = receiver::<Tuple>(a[0]).as_slice();
    let start = sequence::search_bound(t, a[2], 0, items.len())?;
    let stop = sequence::search_bound(t, a[3], isize::MAX, items.len())?;
    for (i, &item) in items.iter().enumerate().take(stop).skip(start) {
        if compare::values_equal(t, item, a[1])? {
            return Ok(int::from_usize(t, i));
        }
    }
    raise!(t, ValueError, "tuple.index(x): x not in tuple")
}

fn count(t: &Thread, a: &[Value]) -> R {
    let mut n = 0;
    for &item in receiver::<Tuple>(a[0]).as_slice() {
        n += compare::values_equal(t, item, a[1])? as usize;
    }
    Ok(int::from_usize(t, n))
}

fn getnewargs(t: &Thread, a: &[Value]) -> R {
    let copy = Tuple::from_slice(t, receiver::<Tuple>(a[0]).as_slice());
    Ok(Tuple::from_slice(t, &[copy.value()]).value())
}

/// The type `tuple`.
pub static TUPLE_DEF: TypeDef = TypeDef {
    doc: "Built-in immutable sequence.\n\nIf no argument is given, the constructor returns an empty tuple.\nIf iterable is specified \
          the tuple is initialized from iterable's items.\n\nIf the argument is a tuple, the return value is the same object.",
    flags: flag::BASE_TYPE | flag::TUPLE_SUBCLASS | flag::SEQUENCE | flag::MATCH_SELF,
    slots: SlotTable {
        new: Some(tuple_new),
        repr: Some(repr),
        hash: Some(hash),
        richcompare: Some(richcompare),
        iter: Some(iterators::tuple_iter),
        len: Some(|_, v| Ok(receiver::<Tuple>(v).len())),
        getitem: Some(get_item),
        contains: Some(contains),
        concat: Some(concat),
        repeat: Some(repeat),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::def("index", "self, value, start=0, stop=sys.maxsize, /", index)
            .doc("Return first index of value.\n\nRaises ValueError if the value is not present."),
        FnDef::def("count", "self, value, /", count).doc("Return number of occurrences of value."),
        FnDef::def("__getnewargs__", "self, /", getnewargs),
        FnDef::class_def("__class_getitem__", "cls, object, /", |t, a| generic_alias::class_getitem(t, a[0], a[1])).doc("See PEP 585"),
    ],
    ..TypeDef::of::<Tuple>("tuple")
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_cpythons() {
        let hash_of = |hashes: &[i64]| {
            let mut hash = TupleHash::new();
            hashes.iter().for_each(|h| hash.add(*h));
            hash.finish()
        };
        assert_eq!(hash_of(&[]), 5_740_354_900_026_072_187);
        assert_eq!(hash_of(&[1]), -6_644_214_454_873_602_895);
    }
}
