//! `range`: the ints from `start` to `stop`, `step` apart, none of which is stored.
//!
//! The four fields are ints of any size. A range whose fields are all inline ints is *small*: so are its items, and the interpreter walks
//! it without an iterator object.

use crate::args::{Args, FnDef, GetSet, receiver};
use crate::names;
use crate::object::{R, Ref, Slot, ValueExt, header_of};
use crate::protocol::{compare, hash::hash_value, iter, number, sequence};
use crate::slots::{Compare, SlotTable};
use crate::thread::Thread;
use crate::types::repr::ReprText;
use crate::types::slice::{self, Slice};
use crate::types::tuple::TupleHash;
use crate::types::{Tuple, TypeDef, builtin, flag, int, iterators};
use limpid_heap::{Header, Value};
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

/// The layout of a range.
#[repr(C)]
pub struct Range {
    header: Header,
    /// The first item.
    pub start: Slot,
    /// The bound, which is no item.
    pub stop: Slot,
    /// The distance from one item to the next, not 0.
    pub step: Slot,
    /// How many items there are.
    pub len: Slot,
}

crate::layout!(Range, builtin::RANGE, Slots);

impl Range {
    /// `range(start, stop, step)` of exact ints.
    pub fn new(t: &Thread, start: Value, stop: Value, step: Value) -> R<Ref<Range>> {
        if step == Value::int(0) {
            raise!(t, ValueError, "range() arg 3 must not be zero")
        }
        let len = length(t, start, stop, step)?;
        Ok(Range::of_fields(t, start, stop, step, len))
    }

    fn of_fields(t: &Thread, start: Value, stop: Value, step: Value, len: Value) -> Ref<Range> {
        t.alloc(Range {
            header: header_of::<Range>(),
            start: Slot::new(start),
            stop: Slot::new(stop),
            step: Slot::new(step),
            len: Slot::new(len),
        })
    }

    /// A small range of inline ints; None if it would not be small, or the step is 0.
    pub fn new_small(t: &Thread, start: Value, stop: Value, step: Value) -> Option<Ref<Range>> {
        let (first, bound, distance) = (start.as_int(), stop.as_int(), step.as_int());
        let len = match distance {
            0 => return None,
            1.. => (bound - first + distance - 1) / distance,
            _ => (first - bound - distance - 1) / -distance,
        };
        (len <= Value::INT_MAX).then(|| Range::of_fields(t, start, stop, step, Value::int(len.max(0))))
    }

    /// Are all its fields inline ints?
    #[inline(always)]
    pub fn is_small(&self) -> bool {
        // An inline int's tag is all ones, so it survives the conjunction.
        let all = self.start.get().bits() & self.stop.get().bits() & self.step.get().bits() & self.len.get().bits();
        Value::from_bits(all).is_int()
    }

    /// How many items a small range has.
    #[inline(always)]
    pub fn small_len(&self) -> i64 {
        self.len.get().as_int()
    }

    /// Is a position, from 0 up, behind the last item of a small range?
    #[inline(always)]
    pub fn is_behind(&self, position: Value) -> bool {
        // Neither is negative, so the words compare like the numbers.
        position.bits() >= self.len.get().bits()
    }

    /// Item `i` of a small range, `i` being in range.
    #[inline(always)]
    pub fn small_item(&self, i: i64) -> Value {
        Value::int(self.start.get().as_int() + i * self.step.get().as_int())
    }

    /// Item `i`, which may lie outside.
    fn item(&self, t: &Thread, i: Value) -> R {
        number::add(t, self.start.get(), number::mul(t, i, self.step.get())?)
    }

    fn is_empty(&self) -> bool {
        self.len.get() == Value::int(0)
    }

    /// `start`, `step` and `len` in 64 bits, if they fit and so does every item.
    fn machine_numbers(&self) -> Option<(i64, i64, i64)> {
        let (start, step, len) = (int::as_i64_opt(self.start.get())?, int::as_i64_opt(self.step.get())?, int::as_i64_opt(self.len.get())?);
        // The number behind the last item has to fit too.
        let stop = int::as_i64_opt(self.stop.get())?;
        if len > 0 {
            if step > 0 {
                stop.checked_add(step - 1)?
            } else {
                stop.checked_add(step + 1)?
            };
        }
        Some((start, step, len))
    }
}

/// How many items a range has.
fn length(t: &Thread, start: Value, stop: Value, step: Value) -> R {
    if let (Some(a), Some(b), Some(step)) = (int::as_i64_opt(start), int::as_i64_opt(stop), int::as_i64_opt(step)) {
        let distance = if step > 0 { b as i128 - a as i128 } else { a as i128 - b as i128 };
        let step = (step as i128).abs();
        return int::from_i128(t, if distance <= 0 { 0 } else { (distance - 1) / step + 1 });
    }
    let zero = Value::int(0);
    let (low, high, step) =
        if compare::compare_bool(t, step, zero, Compare::Gt)? { (start, stop, step) } else { (stop, start, number::negative(t, step)?) };
    if !compare::compare_bool(t, low, high, Compare::Lt)? {
        return Ok(zero);
    }
    let last = number::sub(t, number::sub(t, high, low)?, Value::int(1))?;
    number::add(t, number::floor_div(t, last, step)?, Value::int(1))
}

// ---- slots ----

fn range_new(t: &Thread, _class: Value, args: Args<'_>) -> R {
    args.no_keywords(t, "range")?;
    let (start, stop, step) = match *args.pos() {
        [stop] => (Value::int(0), stop, Value::int(1)),
        [start, stop] => (start, stop, Value::int(1)),
        [start, stop, step] => (start, stop, step),
        [] => raise!(t, TypeError, "range expected at least 1 argument, got 0"),
        ref more => raise!(t, TypeError, "range expected at most 3 arguments, got {}", more.len()),
    };
    let (start, stop, step) = (number::index_exact(t, start)?, number::index_exact(t, stop)?, number::index_exact(t, step)?);
    Ok(Range::new(t, start, stop, step)?.value())
}

fn repr(t: &Thread, v: Value) -> R {
    let range = receiver::<Range>(v);
    let parts = [range.start.get(), range.stop.get(), range.step.get()];
    let shown = if range.step.get() == Value::int(1) { 2 } else { 3 };
    let mut text = ReprText::new("range(");
    text.items(t, parts.into_iter().take(shown))?;
    text.text(")");
    text.finish(t)
}

fn hash(t: &Thread, v: Value) -> R<i64> {
    let range = receiver::<Range>(v);
    let len = range.len.get();
    let start = if range.is_empty() { Value::NONE } else { range.start.get() };
    let step = if range.is_empty() || len == Value::int(1) { Value::NONE } else { range.step.get() };
    let mut hash = TupleHash::new();
    for part in [len, start, step] {
        hash.add(hash_value(t, part)?);
    }
    Ok(hash.finish())
}

/// Do both yield the same items?
fn equal(t: &Thread, a: Ref<Range>, b: Ref<Range>) -> R<bool> {
    let same = |x: &Slot, y: &Slot| compare::values_equal(t, x.get(), y.get());
    if !same(&a.len, &b.len)? {
        return Ok(false);
    }
    if a.is_empty() {
        return Ok(true);
    }
    if !same(&a.start, &b.start)? {
        return Ok(false);
    }
    Ok(a.len.get() == Value::int(1) || same(&a.step, &b.step)?)
}

fn richcompare(t: &Thread, a: Value, b: Value, op: Compare) -> R {
    let (Some(x), Some(y)) = (a.exact::<Range>(), b.exact::<Range>()) else { return Ok(Value::NOT_IMPLEMENTED) };
    match op {
        Compare::Eq => Ok(Value::bool(equal(t, x, y)?)),
        Compare::Ne => Ok(Value::bool(!equal(t, x, y)?)),
        _ => Ok(Value::NOT_IMPLEMENTED),
    }
}

fn len(t: &Thread, v: Value) -> R<usize> {
    match int::as_i64_opt(receiver::<Range>(v).len.get()) {
        Some(n) => Ok(n as usize),
        None => raise!(t, OverflowError, "Python int too large to convert to C ssize_t"),
    }
}

fn get_item(t: &Thread, v: Value, key: Value) -> R {
    let range = receiver::<Range>(v);
    if let Some(slice) = key.exact::<Slice>() {
        return slice_of(t, range, slice);
    }
    if !number::is_index(key) {
        raise!(t, TypeError, "range indices must be integers or slices, not {}", key.class().display_name())
    }
    let mut i = number::index(t, key)?;
    let (zero, len) = (Value::int(0), range.len.get());
    if compare::compare_bool(t, i, zero, Compare::Lt)? {
        i = number::add(t, i, len)?;
    }
    if compare::compare_bool(t, i, zero, Compare::Lt)? || compare::compare_bool(t, i, len, Compare::Ge)? {
        raise!(t, IndexError, "range object index out of range")
    }
    range.item(t, i)
}

fn slice_of(t: &Thread, range: Ref<Range>, slice: Ref<Slice>) -> R {
    let [start, stop, step] = slice::big_indices(t, slice, range.len.get())?;
    let step = number::mul(t, range.step.get(), step)?;
    Ok(Range::new(t, range.item(t, start)?, range.item(t, stop)?, step)?.value())
}

/// Is an int one of the items?
fn contains_int(t: &Thread, range: Ref<Range>, v: Value) -> R<bool> {
    let (start, stop, step) = (range.start.get(), range.stop.get(), range.step.get());
    let (low, high) =
        if compare::compare_bool(t, step, Value::int(0), Compare::Gt)? { (Compare::Le, Compare::Lt) } else { (Compare::Ge, Compare::Gt) };
    if !compare::compare_bool(t, start, v, low)? || !compare::compare_bool(t, v, stop, high)? {
        return Ok(false);
    }
    Ok(number::remainder(t, number::sub(t, v, start)?, step)? == Value::int(0))
}

/// For these arithmetic tells where they are; anything else may be equal to any item.
fn is_plain_int(v: Value) -> bool {
    v.is_bool() || int::is_exact(v)
}

fn contains(t: &Thread, v: Value, item: Value) -> R<bool> {
    if is_plain_int(item) { contains_int(t, receiver(v), item) } else { sequence::contains_by_iteration(t, v, item) }
}

fn range_iter(t: &Thread, v: Value) -> R {
    let range = receiver::<Range>(v);
    if let Some((start, step, len)) = range.machine_numbers() {
        return Ok(RangeIterator::create(t, start, step, len));
    }
    Ok(LongRangeIterator::create(t, range.start.get(), range.step.get(), range.len.get()))
}

// ---- methods ----

fn reversed(t: &Thread, a: &[Value]) -> R {
    let range = receiver::<Range>(a[0]);
    if let Some((start, step, len)) = range.machine_numbers()
        && let Some(step_back) = step.checked_neg()
    {
        // In an empty range the last item would lie before the first.
        let last = start.wrapping_add(len.wrapping_sub(1).wrapping_mul(step));
        return Ok(RangeIterator::create(t, last, step_back, len));
    }
    let last = range.item(t, number::sub(t, range.len.get(), Value::int(1))?)?;
    Ok(LongRangeIterator::create(t, last, number::negative(t, range.step.get())?, range.len.get()))
}

fn count(t: &Thread, a: &[Value]) -> R {
    if is_plain_int(a[1]) {
        return Ok(Value::int(contains_int(t, receiver(a[0]), a[1])? as i64));
    }
    let mut n = 0;
    iter::for_each(t, a[0], |item| {
        n += compare::values_equal(t, item, a[1])? as usize;
        Ok(())
    })?;
    Ok(int::from_usize(t, n))
}

fn index(t: &Thread, a: &[Value]) -> R {
    let range = receiver::<Range>(a[0]);
    if is_plain_int(a[1]) {
        if contains_int(t, range, a[1])? {
            return number::floor_div(t, number::sub(t, a[1], range.start.get())?, range.step.get());
        }
        raise!(t, ValueError, "range.index(x): x not in range")
    }
    let iterator = iter::get_iter(t, a[0])?;
    let mut i = 0;
    loop {
        let item = iter::next(t, iterator)?;
        if item.is_null() {
            raise!(t, ValueError, "sequence.index(x): x not in sequence")
        }
        if compare::values_equal(t, item, a[1])? {
            return Ok(int::from_usize(t, i));
        }
        i += 1;
        t.poll()?;
    }
}

fn reduce(t: &Thread, a: &[Value]) -> R {
    let range = receiver::<Range>(a[0]);
    let args = Tuple::from_slice(t, &[range.start.get(), range.stop.get(), range.step.get()]);
    Ok(Tuple::from_slice(t, &[builtin::RANGE.value(), args.value()]).value())
}

/// The type `range`.
pub static RANGE_DEF: TypeDef = TypeDef {
    doc: "range(stop) -> range object\nrange(start, stop[, step]) -> range object\n\nReturn an object that produces a sequence of \
          integers from start (inclusive)\nto stop (exclusive) by step.  range(i, j) produces i, i+1, i+2, ..., j-1.\nstart defaults \
          to 0, and stop is omitted!  range(4) produces 0, 1, 2, 3.\nThese are exactly the valid indices for a list of 4 \
          elements.\nWhen step is given, it specifies the increment (or decrement).",
    flags: flag::SEQUENCE,
    slots: SlotTable {
        new: Some(range_new),
        repr: Some(repr),
        hash: Some(hash),
        richcompare: Some(richcompare),
        iter: Some(range_iter),
        len: Some(len),
        getitem: Some(get_item),
        contains: Some(contains),
        bool: Some(|_, v| Ok(!receiver::<Range>(v).is_empty())),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::def("__reversed__", "self, /", reversed).doc("Return a reverse iterator."),
        FnDef::def("__reduce__", "self, /", reduce),
        FnDef::def("count", "self, value, /", count).doc("rangeobject.count(value) -> integer -- return number of occurrences of value"),
        FnDef::def("index", "self, value, /", index)
            .doc("rangeobject.index(value) -> integer -- return index of value.\nRaise ValueError if the value is not present."),
    ],
    getset: &[
        GetSet::getter("start", |_, v| Ok(receiver::<Range>(v).start.get())).member(),
        GetSet::getter("stop", |_, v| Ok(receiver::<Range>(v).stop.get())).member(),
        GetSet::getter("step", |_, v| Ok(receiver::<Range>(v).step.get())).member(),
    ],
    ..TypeDef::of::<Range>("range")
};

// ---- iterators ----

/// The layout of the iterator over a range of machine numbers.
#[repr(C)]
pub struct RangeIterator {
    header: Header,
    /// The next item.
    pub next: AtomicI64,
    /// The distance from one item to the next.
    pub step: i64,
    /// How many items are left.
    pub left: AtomicI64,
}

crate::layout!(RangeIterator, builtin::RANGE_ITERATOR, Leaf);

impl RangeIterator {
    fn create(t: &Thread, start: i64, step: i64, len: i64) -> Value {
        let (next, left) = (AtomicI64::new(start), AtomicI64::new(len));
        t.alloc(RangeIterator { header: header_of::<RangeIterator>(), next, step, left }).value()
    }

    /// Moves on by `n` items, which are left.
    #[inline(always)]
    fn advance(&self, n: i64) {
        let next = self.next.load(Relaxed);
        self.next.store(next.wrapping_add(n.wrapping_mul(self.step)), Relaxed);
        self.left.store(self.left.load(Relaxed) - n, Relaxed);
    }
}

fn next_machine_number(t: &Thread, v: Value) -> R {
    let this = receiver::<RangeIterator>(v);
    if this.left.load(Relaxed) <= 0 {
        return Ok(Value::NULL);
    }
    let i = this.next.load(Relaxed);
    this.advance(1);
    Ok(int::from_i64(t, i))
}

fn hint(t: &Thread, a: &[Value]) -> R {
    Ok(int::from_i64(t, receiver::<RangeIterator>(a[0]).left.load(Relaxed)))
}

fn reduce_iterator(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<RangeIterator>(a[0]);
    let (start, step, len) = (this.next.load(Relaxed) as i128, this.step as i128, this.left.load(Relaxed) as i128);
    let parts = [int::from_i128(t, start)?, int::from_i128(t, start + len * step)?, int::from_i128(t, step)?];
    reduced(t, parts)
}

fn set_state(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<RangeIterator>(a[0]);
    let n = int::to_i64(t, a[1])?;
    this.advance(n.clamp(0, this.left.load(Relaxed).max(0)));
    Ok(Value::NONE)
}

/// `(iter, (range(...),), None)`
fn reduced(t: &Thread, [start, stop, step]: [Value; 3]) -> R {
    let range = Range::new(t, start, stop, step)?;
    let args = Tuple::from_slice(t, &[range.value()]);
    Ok(Tuple::from_slice(t, &[iterators::builtin_function(t, names::iter)?, args.value(), Value::NONE]).value())
}

/// The layout of the iterator over a range of ints of any size.
#[repr(C)]
pub struct LongRangeIterator {
    header: Header,
    /// The next item.
    next: Slot,
    step: Slot,
    /// How many items are left.
    left: Slot,
}

crate::layout!(LongRangeIterator, builtin::LONG_RANGE_ITERATOR, Slots);

impl LongRangeIterator {
    fn create(t: &Thread, start: Value, step: Value, len: Value) -> Value {
        let header = header_of::<LongRangeIterator>();
        t.alloc(LongRangeIterator { header, next: Slot::new(start), step: Slot::new(step), left: Slot::new(len) }).value()
    }

    fn is_exhausted(&self, t: &Thread) -> R<bool> {
        compare::compare_bool(t, self.left.get(), Value::int(0), Compare::Le)
    }
}

fn next_big(t: &Thread, v: Value) -> R {
    let this = receiver::<LongRangeIterator>(v);
    if this.is_exhausted(t)? {
        return Ok(Value::NULL);
    }
    let item = this.next.get();
    let next = number::add(t, item, this.step.get())?;
    let left = number::sub(t, this.left.get(), Value::int(1))?;
    this.next.set(t, this, next);
    this.left.set(t, this, left);
    Ok(item)
}

fn reduce_big(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<LongRangeIterator>(a[0]);
    let (start, step) = (this.next.get(), this.step.get());
    let stop = number::add(t, start, number::mul(t, this.left.get(), step)?)?;
    reduced(t, [start, stop, step])
}

fn set_state_big(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<LongRangeIterator>(a[0]);
    if !int::is_int(a[1]) {
        raise!(t, TypeError, "state must be an int, not {}", a[1].class().display_name())
    }
    if int::is_negative(a[1]) {
        return Ok(Value::NONE);
    }
    let left = this.left.get();
    let n = if compare::compare_bool(t, a[1], left, Compare::Gt)? { left } else { a[1] };
    let next = number::add(t, this.next.get(), number::mul(t, n, this.step.get())?)?;
    let left = number::sub(t, left, n)?;
    this.next.set(t, this, next);
    this.left.set(t, this, left);
    Ok(Value::NONE)
}

/// The type `range_iterator`.
pub static RANGE_ITERATOR_DEF: TypeDef = TypeDef {
    slots: SlotTable { iter: Some(iterators::itself), next: Some(next_machine_number), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("__length_hint__", "self, /", hint).doc(iterators::HINT_DOC),
        FnDef::def("__reduce__", "self, /", reduce_iterator).doc(iterators::REDUCE_DOC),
        FnDef::def("__setstate__", "self, object, /", set_state).doc(iterators::SET_STATE_DOC),
    ],
    ..TypeDef::of::<RangeIterator>("range_iterator")
};

/// The type `longrange_iterator`.
pub static LONG_RANGE_ITERATOR_DEF: TypeDef = TypeDef {
    slots: SlotTable { iter: Some(iterators::itself), next: Some(next_big), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("__length_hint__", "self, /", |_, a| Ok(receiver::<LongRangeIterator>(a[0]).left.get())).doc(iterators::HINT_DOC),
        FnDef::def("__reduce__", "self, /", reduce_big).doc(iterators::REDUCE_DOC),
        FnDef::def("__setstate__", "self, object, /", set_state_big).doc(iterators::SET_STATE_DOC),
    ],
    ..TypeDef::of::<LongRangeIterator>("longrange_iterator")
};
