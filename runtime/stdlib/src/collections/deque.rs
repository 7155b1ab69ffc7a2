//! `deque`: a ring of values.
//!
//! The ring, its head and its length change together under the deque's lock, and are read under it; nothing that could run a Python
//! program happens meanwhile. `version` counts changes, so that iterators and searches notice them.

use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, GetSet, Signature, receiver};
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::{call, compare, hash, iter, number, sequence};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::{Compare, SlotTable};
use limpid_vm::thread::Thread;
use limpid_vm::types::iterators::itself;
use limpid_vm::types::repr::{ReprGuard, ReprText};
use limpid_vm::types::tuple::compare_slices;
use limpid_vm::types::{Str, Tuple, Type, TypeDef, ValueList, flag, generic_alias, int};
use limpid_vm::{layout, raise};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The layout. The numbers are small, [`Deque::NO_LIMIT`] too is no address.
#[repr(C)]
pub struct Deque {
    header: Header,
    /// A value list as long as its capacity, or NULL.
    ring: Slot,
    head: AtomicUsize,
    len: AtomicUsize,
    version: AtomicUsize,
    maxlen: AtomicUsize,
}

/// `collections.deque`
pub static DEQUE: TypeCell = TypeCell::new();
layout!(Deque, DEQUE.get(), Slots);

impl Deque {
    const NO_LIMIT: usize = usize::MAX;

    fn len(&self) -> usize {
        self.len.load(Relaxed)
    }

    fn maxlen(&self) -> Option<usize> {
        Some(self.maxlen.load(Relaxed)).filter(|n| *n != Deque::NO_LIMIT)
    }
}

/// A deque of `class` without items.
fn empty(t: &Thread, class: Ref<Type>) -> Ref<Deque> {
    let fields = Deque {
        header: header_of::<Deque>(),
        ring: Slot::NULL,
        head: AtomicUsize::new(0),
        len: AtomicUsize::new(0),
        version: AtomicUsize::new(0),
        maxlen: AtomicUsize::new(Deque::NO_LIMIT),
    };
    t.alloc_instance(class, fields)
}

fn new(t: &Thread, class: Value, _: Args<'_>) -> R {
    // SAFETY: the receiver of `__new__` is a class.
    Ok(empty(t, unsafe { Ref::from_value(class) }).value())
}

fn init(t: &Thread, v: Value, args: Args<'_>) -> R<()> {
    static SIGNATURE: Signature = Signature::parse("iterable=(), maxlen=None");
    args.bind(t, "deque", &SIGNATURE, |a| {
        let this = receiver::<Deque>(v);
        let maxlen = match a[1].non_null().filter(|m| !m.is_none()) {
            None => Deque::NO_LIMIT,
            Some(m) if !int::is_int(m) => raise!(t, TypeError, "an integer is required"),
            Some(m) => match usize::try_from(number::index_isize(t, m)?) {
                Ok(n) => n,
                Err(_) => raise!(t, ValueError, "maxlen must be non-negative"),
            },
        };
        clear(t, this);
        this.maxlen.store(maxlen, Relaxed);
        if a[0].is_null() { Ok(()) } else { extend(t, this, a[0], End::Right) }
    })
}

/// Which end of a deque.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Left,
    Right,
}

// ---- with the lock held ----

/// The place of the item with this index.
fn place(this: Ref<Deque>, ring: ValueList, index: usize) -> usize {
    (this.head.load(Relaxed) + index) % ring.len()
}

fn changed(this: Ref<Deque>) {
    this.version.fetch_add(1, Relaxed);
}

/// The ring with room for one more.
fn roomy(t: &Thread, this: Ref<Deque>) -> ValueList {
    const FIRST: usize = 8;
    let len = this.len();
    let old = this.ring.opt().map(ValueList::from_cell);
    if let Some(ring) = old.filter(|r| len < r.len()) {
        return ring;
    }
    let capacity = (len * 2).max(FIRST);
    let mut ring = ValueList::with_capacity(t, capacity);
    for i in 0..len {
        ring.push(t, old.map_or(Value::NULL, |old| old.get(place(this, old, i))));
    }
    (len..capacity).for_each(|_| ring.push(t, Value::NULL));
    this.ring.set(t, this, ring.cell());
    this.head.store(0, Relaxed);
    ring
}

fn put(t: &Thread, this: Ref<Deque>, v: Value, end: End) {
    let ring = roomy(t, this);
    let len = this.len();
    if end == End::Left {
        this.head.store((this.head.load(Relaxed) + ring.len() - 1) % ring.len(), Relaxed);
        ring.set(t, this.head.load(Relaxed), v);
    } else {
        ring.set(t, place(this, ring, len), v);
    }
    this.len.store(len + 1, Relaxed);
    changed(this);
}

fn take(t: &Thread, this: Ref<Deque>, end: End) -> Option<Value> {
    let len = this.len().checked_sub(1)?;
    let ring = ValueList::from_cell(this.ring.get());
    let at = place(this, ring, if end == End::Left { 0 } else { len });
    let v = ring.get(at);
    ring.set(t, at, Value::NULL);
    if end == End::Left {
        this.head.store((at + 1) % ring.len(), Relaxed);
    }
    this.len.store(len, Relaxed);
    changed(this);
    Some(v)
}

fn item(this: Ref<Deque>, index: usize) -> Option<Value> {
    if index >= this.len() {
        return None;
    }
    let ring = ValueList::from_cell(this.ring.get());
    Some(ring.get(place(this, ring, index)))
}

/// Turns the ring by so many steps to the right.
fn turn(t: &Thread, this: Ref<Deque>, steps: isize) {
    let len = this.len();
    if len < 2 {
        return;
    }
    let right = steps.rem_euclid(len as isize) as usize;
    let (from, to, count) = if right <= len / 2 { (End::Right, End::Left, right) } else { (End::Left, End::Right, len - right) };
    for _ in 0..count {
        if let Some(v) = take(t, this, from) {
            put(t, this, v, to);
        }
    }
}

// ---- operations ----

fn append(t: &Thread, this: Ref<Deque>, v: Value, end: End) {
    let _lock = t.lock(this);
    let maxlen = this.maxlen.load(Relaxed);
    put(t, this, v, end);
    if this.len() > maxlen {
        take(t, this, if end == End::Left { End::Right } else { End::Left });
    }
}

fn pop(t: &Thread, v: Value, end: End) -> R {
    let this = receiver::<Deque>(v);
    let taken = {
        let _lock = t.lock(this);
        take(t, this, end)
    };
    match taken {
        Some(v) => Ok(v),
        None => raise!(t, IndexError, "pop from an empty deque"),
    }
}

fn clear(t: &Thread, this: Ref<Deque>) {
    let _lock = t.lock(this);
    this.ring.set(t, this, Value::NULL);
    this.head.store(0, Relaxed);
    this.len.store(0, Relaxed);
    changed(this);
}

fn extend(t: &Thread, this: Ref<Deque>, iterable: Value, end: End) -> R<()> {
    if iterable == this.value() {
        snapshot(t, this).iter().for_each(|v| append(t, this, v, end));
        return Ok(());
    }
    iter::for_each(t, iterable, |v| {
        append(t, this, v, end);
        Ok(())
    })
}

/// The items as they are now.
fn snapshot(t: &Thread, this: Ref<Deque>) -> ValueList {
    let mut list = ValueList::with_capacity(t, this.len());
    let _lock = t.lock(this);
    (0..this.len()).filter_map(|i| item(this, i)).for_each(|v| list.push(t, v));
    list
}

fn get(t: &Thread, this: Ref<Deque>, index: usize) -> Option<Value> {
    let _lock = t.lock(this);
    item(this, index)
}

fn replace_all(t: &Thread, this: Ref<Deque>, items: impl Iterator<Item = Value>) {
    clear(t, this);
    items.for_each(|v| append(t, this, v, End::Right));
}

/// A deque of the same class and limit with these items.
fn like(t: &Thread, v: Value, items: impl Iterator<Item = Value>) -> R {
    let this = receiver::<Deque>(v);
    if v.class() == DEQUE.get() {
        let made = empty(t, DEQUE.get());
        made.maxlen.store(this.maxlen.load(Relaxed), Relaxed);
        items.for_each(|v| append(t, made, v, End::Right));
        return Ok(made.value());
    }
    let list = limpid_vm::types::List::new(t);
    for item in items {
        list.append(t, item)?;
    }
    match this.maxlen() {
        None => call::call(t, v.class().value(), &[list.value()]),
        Some(n) => call::call(t, v.class().value(), &[list.value(), int::from_usize(t, n)]),
    }
}

fn copy(t: &Thread, a: &[Value]) -> R {
    let items = snapshot(t, receiver(a[0]));
    like(t, a[0], items.iter())
}

fn mutated<T>(t: &Thread) -> R<T> {
    raise!(t, RuntimeError, "deque mutated during iteration")
}

/// The index of the first item from `start` to `end` that equals `v`. If comparing changes the deque, what `changed` raises.
fn find(t: &Thread, this: Ref<Deque>, v: Value, start: usize, end: usize, changed: fn(&Thread) -> R<Option<usize>>) -> R<Option<usize>> {
    for i in start..end {
        let Some(candidate) = get(t, this, i) else { break };
        // What other threads change meanwhile is no error.
        let equal = match compare::identical_or_equal_now(candidate, v) {
            Some(equal) => equal,
            None => {
                let version = this.version.load(Relaxed);
                let equal = compare::values_equal(t, candidate, v)?;
                if this.version.load(Relaxed) != version {
                    return changed(t);
                }
                equal
            }
        };
        if equal {
            return Ok(Some(i));
        }
    }
    Ok(None)
}

fn index(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Deque>(a[0]);
    let len = this.len();
    let start = if a[2].is_null() { 0 } else { sequence::search_bound(t, a[2], 0, len)? };
    let end = if a[3].is_null() { len } else { sequence::search_bound(t, a[3], 0, len)? };
    match find(t, this, a[1], start, end.min(len), mutated)? {
        Some(i) => Ok(int::from_usize(t, i)),
        None => raise!(t, ValueError, "{} is not in deque", limpid_vm::protocol::text::repr(t, a[1])?.to_string_lossy()),
    }
}

fn count(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Deque>(a[0]);
    let (mut from, mut n) = (0, 0);
    while let Some(i) = find(t, this, a[1], from, this.len(), mutated)? {
        (from, n) = (i + 1, n + 1);
    }
    Ok(int::from_usize(t, n))
}

/// Removes the item at an index, if that is the one which is expected there; false if not.
fn remove_at(t: &Thread, this: Ref<Deque>, index: usize, expected: Option<Value>) -> bool {
    let _lock = t.lock(this);
    if index >= this.len() || expected.is_some_and(|v| item(this, index) != Some(v)) {
        return false;
    }
    turn(t, this, -(index as isize));
    take(t, this, End::Left);
    turn(t, this, index as isize);
    true
}

fn remove(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Deque>(a[0]);
    loop {
        let found = find(t, this, a[1], 0, this.len(), |t| raise!(t, IndexError, "deque mutated during remove()."))?;
        let Some((i, item)) = found.and_then(|i| Some((i, get(t, this, i)?))) else {
            raise!(t, ValueError, "deque.remove(x): x not in deque")
        };
        // Another thread may have moved the items: once more.
        if compare::identical_or_equal_now(item, a[1]) != Some(false) && remove_at(t, this, i, Some(item)) {
            return Ok(Value::NONE);
        }
    }
}

fn insert(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Deque>(a[0]);
    let at = number::index_isize(t, a[1])?;
    let full = {
        let _lock = t.lock(this);
        let len = this.len();
        let full = len >= this.maxlen.load(Relaxed);
        if !full {
            let at = if at < 0 { (at + len as isize).max(0) as usize } else { (at as usize).min(len) };
            turn(t, this, -(at as isize));
            if at == len {
                put(t, this, a[2], End::Right);
            } else {
                put(t, this, a[2], End::Left);
                turn(t, this, at as isize);
            }
        }
        full
    };
    if full {
        raise!(t, IndexError, "deque already at its maximum size")
    }
    Ok(Value::NONE)
}

fn rotate(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Deque>(a[0]);
    let steps = if a[1].is_null() { 1 } else { number::index_isize(t, a[1])? };
    let _lock = t.lock(this);
    turn(t, this, steps);
    Ok(Value::NONE)
}

fn reverse(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Deque>(a[0]);
    let _lock = t.lock(this);
    let len = this.len();
    if len > 1 {
        let ring = ValueList::from_cell(this.ring.get());
        for i in 0..len / 2 {
            let (left, right) = (place(this, ring, i), place(this, ring, len - 1 - i));
            let (a, b) = (ring.get(left), ring.get(right));
            ring.set(t, left, b);
            ring.set(t, right, a);
        }
    }
    Ok(Value::NONE)
}

// ---- as a sequence ----

fn resolve(t: &Thread, this: Ref<Deque>, key: Value) -> R<usize> {
    let index = sequence::index_of_key(t, key)?;
    match sequence::resolve_index(index, this.len()) {
        Some(i) => Ok(i),
        None => raise!(t, IndexError, "deque index out of range"),
    }
}

fn get_item(t: &Thread, v: Value, key: Value) -> R {
    if !number::is_index(key) {
        raise!(t, TypeError, "sequence index must be integer, not '{}'", key.class().display_name())
    }
    let this = receiver::<Deque>(v);
    match get(t, this, resolve(t, this, key)?) {
        Some(v) => Ok(v),
        None => raise!(t, IndexError, "deque index out of range"),
    }
}

fn set_item(t: &Thread, v: Value, key: Value, value: Value) -> R<()> {
    if !number::is_index(key) {
        raise!(t, TypeError, "sequence index must be integer, not '{}'", key.class().display_name())
    }
    let this = receiver::<Deque>(v);
    let index = resolve(t, this, key)?;
    let done = if value.is_null() {
        remove_at(t, this, index, None)
    } else {
        let _lock = t.lock(this);
        let there = index < this.len();
        if there {
            let ring = ValueList::from_cell(this.ring.get());
            ring.set(t, place(this, ring, index), value);
        }
        there
    };
    if done { Ok(()) } else { raise!(t, IndexError, "deque index out of range") }
}

fn concat(t: &Thread, a: Value, b: Value) -> R {
    let (Some(x), Some(y)) = (a.downcast::<Deque>(), b.downcast::<Deque>()) else {
        raise!(t, TypeError, "can only concatenate deque (not \"{}\") to deque", b.class().display_name())
    };
    let (left, right) = (snapshot(t, x), snapshot(t, y));
    like(t, a, left.iter().chain(right.iter()))
}

fn extend_in_place(t: &Thread, a: Value, b: Value) -> R {
    extend(t, receiver(a), b, End::Right)?;
    Ok(a)
}

/// How many items `n` repetitions have, with no more than the limit kept of them: which to leave out at the start, and how many there are.
fn repeated(t: &Thread, this: Ref<Deque>, items: ValueList, n: Value) -> R<(usize, usize)> {
    let n = number::index_isize(t, n)?.max(0) as usize;
    let Some(total) = items.len().checked_mul(n).filter(|n| *n < 1 << 40) else {
        return Err(t.raise_value(t.runtime().memory_error.get()));
    };
    Ok((total.saturating_sub(this.maxlen.load(Relaxed)), total))
}

fn repeat(t: &Thread, v: Value, n: Value) -> R {
    let this = receiver::<Deque>(v);
    let items = snapshot(t, this);
    let (from, to) = repeated(t, this, items, n)?;
    like(t, v, (from..to).map(|i| items.get(i % items.len())))
}

fn repeat_in_place(t: &Thread, v: Value, n: Value) -> R {
    let this = receiver::<Deque>(v);
    let items = snapshot(t, this);
    let (from, to) = repeated(t, this, items, n)?;
    replace_all(t, this, (from..to).map(|i| items.get(i % items.len())));
    Ok(v)
}

fn rich_compare(t: &Thread, a: Value, b: Value, op: Compare) -> R {
    let (Some(x), Some(y)) = (a.downcast::<Deque>(), b.downcast::<Deque>()) else { return Ok(Value::NOT_IMPLEMENTED) };
    if x.len() != y.len() && matches!(op, Compare::Eq | Compare::Ne) {
        return Ok(Value::bool(op == Compare::Ne));
    }
    let (left, right) = (snapshot(t, x), snapshot(t, y));
    compare_slices(t, left.as_slice(), right.as_slice(), op)
}

fn repr(t: &Thread, v: Value) -> R {
    let this = receiver::<Deque>(v);
    let Some(_guard) = ReprGuard::enter(t, v) else { return Ok(Str::new(t, "[...]").value()) };
    let mut out = ReprText::new(super::short_name(&v.class().display_name()));
    out.text("([");
    out.items(t, snapshot(t, this).iter())?;
    match this.maxlen() {
        None => out.text("])"),
        Some(n) => out.text(&format!("], maxlen={n})")),
    }
    out.finish(t)
}

fn reduce(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Deque>(a[0]);
    let state = call::call_method_text(t, a[0], "__getstate__", &[])?;
    let items = iter::get_iter(t, a[0])?;
    let args = match this.maxlen() {
        None => t.empty_tuple(),
        Some(n) => Tuple::from_slice(t, &[t.empty_tuple(), int::from_usize(t, n)]).value(),
    };
    Ok(Tuple::from_slice(t, &[a[0].class().value(), args, state, items]).value())
}

/// A method that has no result.
macro_rules! quiet {
    (|$t:ident, $this:ident, $a:ident| $body:expr) => {
        |$t, $a| {
            let $this = receiver::<Deque>($a[0]);
            $body;
            Ok(Value::NONE)
        }
    };
}

/// `collections.deque`
pub static DEQUE_DEF: TypeDef = TypeDef {
    doc: "deque([iterable[, maxlen]])\n--\n\nA list-like sequence optimized for data accesses near its endpoints.",
    flags: flag::BASE_TYPE | flag::WEAK_REFERENCES | flag::SEQUENCE | flag::PLAIN_ITEMS,
    slots: SlotTable {
        new: Some(new),
        init: Some(init),
        repr: Some(repr),
        hash: Some(hash::unhashable),
        richcompare: Some(rich_compare),
        iter: Some(|t, v| Ok(iterate(t, receiver(v)).value())),
        len: Some(|_, v| Ok(receiver::<Deque>(v).len())),
        getitem: Some(get_item),
        setitem: Some(set_item),
        contains: Some(|t, v, x| {
            let this = receiver::<Deque>(v);
            Ok(find(t, this, x, 0, this.len(), mutated)?.is_some())
        }),
        concat: Some(concat),
        repeat: Some(repeat),
        iconcat: Some(extend_in_place),
        irepeat: Some(repeat_in_place),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::def("append", "self, item, /", quiet!(|t, this, a| append(t, this, a[1], End::Right)))
            .doc("Add an element to the right side of the deque."),
        FnDef::def("appendleft", "self, item, /", quiet!(|t, this, a| append(t, this, a[1], End::Left)))
            .doc("Add an element to the left side of the deque."),
        FnDef::def("clear", "self, /", quiet!(|t, this, a| clear(t, this))).doc("Remove all elements from the deque."),
        FnDef::def("copy", "self, /", copy).doc("Return a shallow copy of a deque."),
        FnDef::def("__copy__", "self, /", copy).doc("Return a shallow copy of a deque."),
        FnDef::def("count", "self, value, /", count).doc("Return number of occurrences of value."),
        FnDef::def("extend", "self, iterable, /", quiet!(|t, this, a| extend(t, this, a[1], End::Right)?))
            .doc("Extend the right side of the deque with elements from the iterable."),
        FnDef::def("extendleft", "self, iterable, /", quiet!(|t, this, a| extend(t, this, a[1], End::Left)?))
            .doc("Extend the left side of the deque with elements from the iterable."),
        FnDef::def("index", "self, value, start=0, stop=sys.maxsize, /", index)
            .doc("Return first index of value.\n\nRaises ValueError if the value is not present."),
        FnDef::def("insert", "self, index, value, /", insert).doc("Insert value before index."),
        FnDef::def("pop", "self, /", |t, a| pop(t, a[0], End::Right)).doc("Remove and return the rightmost element."),
        FnDef::def("popleft", "self, /", |t, a| pop(t, a[0], End::Left)).doc("Remove and return the leftmost element."),
        FnDef::def("remove", "self, value, /", remove).doc("Remove first occurrence of value."),
        FnDef::def("reverse", "self, /", reverse).doc("Reverse *IN PLACE*."),
        FnDef::def("rotate", "self, n=1, /", rotate).doc("Rotate the deque n steps to the right.  If n is negative, rotates left."),
        FnDef::def("__reversed__", "self, /", |t, a| Ok(iterate_backwards(t, receiver(a[0])).value()))
            .doc("Return a reverse iterator over the deque."),
        FnDef::def("__reduce__", "self, /", reduce).doc("Return state information for pickling."),
        FnDef::class_def("__class_getitem__", "cls, object, /", |t, a| generic_alias::class_getitem(t, a[0], a[1])).doc("See PEP 585"),
    ],
    getset: &[GetSet::getter("maxlen", |t, v| Ok(receiver::<Deque>(v).maxlen().map_or(Value::NONE, |n| int::from_usize(t, n))))
        .doc("maximum size of a deque or None if unbounded")],
    ..TypeDef::of::<Deque>("collections.deque")
};

// ---- iterators ----

/// The layout of an iterator; `BACKWARDS` tells the two apart.
#[repr(C)]
pub struct DequeIterator<const BACKWARDS: bool> {
    header: Header,
    deque: Slot,
    version: AtomicUsize,
    /// How many items are left.
    left: AtomicUsize,
}

type Forwards = DequeIterator<false>;
type Backwards = DequeIterator<true>;

/// `_collections._deque_iterator`
pub static ITERATOR: TypeCell = TypeCell::new();
/// `_collections._deque_reverse_iterator`
pub static REVERSE_ITERATOR: TypeCell = TypeCell::new();
layout!(Forwards, ITERATOR.get(), Slots);
layout!(Backwards, REVERSE_ITERATOR.get(), Slots);

fn iterator<const BACKWARDS: bool>(t: &Thread, deque: Ref<Deque>) -> Ref<DequeIterator<BACKWARDS>>
where
    DequeIterator<BACKWARDS>: limpid_vm::object::Layout,
{
    t.alloc(DequeIterator {
        header: header_of::<DequeIterator<BACKWARDS>>(),
        deque: Slot::new(deque.value()),
        version: AtomicUsize::new(deque.version.load(Relaxed)),
        left: AtomicUsize::new(deque.len()),
    })
}

fn iterate(t: &Thread, deque: Ref<Deque>) -> Ref<Forwards> {
    iterator(t, deque)
}

fn iterate_backwards(t: &Thread, deque: Ref<Deque>) -> Ref<Backwards> {
    iterator(t, deque)
}

fn iterator_new<const BACKWARDS: bool>(t: &Thread, _: Value, args: Args<'_>) -> R
where
    DequeIterator<BACKWARDS>: limpid_vm::object::Layout,
{
    static SIGNATURE: Signature = Signature::parse("deque, index=0, /");
    args.bind(t, "_deque_iterator", &SIGNATURE, |a| {
        let Some(deque) = a[0].downcast::<Deque>() else {
            raise!(t, TypeError, "argument 1 must be collections.deque, not {}", a[0].class().display_name())
        };
        let skipped = if a[1].is_null() { 0 } else { number::index_isize(t, a[1])?.max(0) as usize };
        let made = iterator::<BACKWARDS>(t, deque);
        made.left.store(deque.len().saturating_sub(skipped), Relaxed);
        Ok(made.value())
    })
}

fn iterator_next<const BACKWARDS: bool>(t: &Thread, v: Value) -> R
where
    DequeIterator<BACKWARDS>: limpid_vm::object::Layout,
{
    let this = receiver::<DequeIterator<BACKWARDS>>(v);
    let deque = receiver::<Deque>(this.deque.get());
    if deque.version.load(Relaxed) != this.version.load(Relaxed) {
        this.left.store(0, Relaxed);
        return mutated(t);
    }
    let left = this.left.load(Relaxed);
    if left == 0 {
        return Ok(Value::NULL);
    }
    let index = if BACKWARDS { left - 1 } else { deque.len().saturating_sub(left) };
    this.left.store(left - 1, Relaxed);
    Ok(get(t, deque, index).unwrap_or(Value::NULL))
}

fn hint<const BACKWARDS: bool>(t: &Thread, a: &[Value]) -> R
where
    DequeIterator<BACKWARDS>: limpid_vm::object::Layout,
{
    Ok(int::from_usize(t, receiver::<DequeIterator<BACKWARDS>>(a[0]).left.load(Relaxed)))
}

fn reduce_iterator<const BACKWARDS: bool>(t: &Thread, a: &[Value]) -> R
where
    DequeIterator<BACKWARDS>: limpid_vm::object::Layout,
{
    let this = receiver::<DequeIterator<BACKWARDS>>(a[0]);
    let taken = receiver::<Deque>(this.deque.get()).len().saturating_sub(this.left.load(Relaxed));
    let args = Tuple::from_slice(t, &[this.deque.get(), int::from_usize(t, taken)]);
    Ok(Tuple::from_slice(t, &[a[0].class().value(), args.value()]).value())
}

/// `_collections._deque_iterator`
pub static ITERATOR_DEF: TypeDef = TypeDef {
    slots: SlotTable { new: Some(iterator_new::<false>), iter: Some(itself), next: Some(iterator_next::<false>), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("__length_hint__", "self, /", hint::<false>).doc("Private method returning an estimate of len(list(it))."),
        FnDef::def("__reduce__", "self, /", reduce_iterator::<false>).doc("Return state information for pickling."),
    ],
    ..TypeDef::of::<Forwards>("_collections._deque_iterator")
};

/// `_collections._deque_reverse_iterator`
pub static REVERSE_ITERATOR_DEF: TypeDef = TypeDef {
    slots: SlotTable { new: Some(iterator_new::<true>), iter: Some(itself), next: Some(iterator_next::<true>), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("__length_hint__", "self, /", hint::<true>).doc("Private method returning an estimate of len(list(it))."),
        FnDef::def("__reduce__", "self, /", reduce_iterator::<true>).doc("Return state information for pickling."),
    ],
    ..TypeDef::of::<Backwards>("_collections._deque_reverse_iterator")
};
