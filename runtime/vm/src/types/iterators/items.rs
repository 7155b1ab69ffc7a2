//! Iterators over the items of lists and tuples, which they read in place.

use super::{HINT_DOC, REDUCE_DOC, SET_STATE_DOC, itself, reduced};
use crate::args::{FnDef, receiver};
use crate::names;
use crate::object::{R, Ref, Slot, header_of};
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::{List, Tuple, TypeDef, builtin, int};
use limpid_heap::{Header, Value};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The layout of a list's iterator.
#[repr(C)]
pub struct ListIterator {
    header: Header,
    /// The list; NULL at the end.
    list: Slot,
    /// The index of the next item.
    index: AtomicUsize,
}

/// The layout of a list's iterator from the last item to the first.
#[repr(C)]
pub struct ListReverseIterator {
    header: Header,
    /// The list, which it keeps at the end too: `__setstate__` may go back.
    list: Slot,
    /// One more than the index of the next item; 0 at the end.
    position: AtomicUsize,
}

/// The layout of a tuple's iterator.
#[repr(C)]
pub struct TupleIterator {
    header: Header,
    /// The tuple; NULL at the end.
    tuple: Slot,
    /// The index of the next item.
    index: AtomicUsize,
}

crate::layout!(ListIterator, builtin::LIST_ITERATOR, Slots);
crate::layout!(ListReverseIterator, builtin::LIST_REVERSE_ITERATOR, Slots);
crate::layout!(TupleIterator, builtin::TUPLE_ITERATOR, Slots);

/// `iter(list)`
pub fn list_iter(t: &Thread, v: Value) -> R {
    let iterator = ListIterator { header: header_of::<ListIterator>(), list: Slot::new(v), index: AtomicUsize::new(0) };
    Ok(t.alloc(iterator).value())
}

/// `reversed(list)`
pub fn list_reverse_iterator(t: &Thread, list: Ref<List>) -> Value {
    let header = header_of::<ListReverseIterator>();
    let position = AtomicUsize::new(list.len());
    t.alloc(ListReverseIterator { header, list: Slot::new(list.value()), position }).value()
}

/// `iter(tuple)`
pub fn tuple_iter(t: &Thread, v: Value) -> R {
    let iterator = TupleIterator { header: header_of::<TupleIterator>(), tuple: Slot::new(v), index: AtomicUsize::new(0) };
    Ok(t.alloc(iterator).value())
}

fn list_in(slot: &Slot) -> Option<Ref<List>> {
    // SAFETY: the field is a list or NULL.
    slot.opt().map(|v| unsafe { Ref::from_value(v) })
}

fn tuple_in(slot: &Slot) -> Option<Ref<Tuple>> {
    // SAFETY: the field is a tuple or NULL.
    slot.opt().map(|v| unsafe { Ref::from_value(v) })
}

fn next_of_list(t: &Thread, v: Value) -> R {
    let this = receiver::<ListIterator>(v);
    let Some(list) = list_in(&this.list) else { return Ok(Value::NULL) };
    let i = this.index.load(Relaxed);
    match list.get(i) {
        Some(item) => {
            this.index.store(i + 1, Relaxed);
            Ok(item)
        }
        None => {
            this.list.set(t, this, Value::NULL);
            Ok(Value::NULL)
        }
    }
}

fn next_of_list_backwards(_: &Thread, v: Value) -> R {
    let this = receiver::<ListReverseIterator>(v);
    let Some(list) = list_in(&this.list) else { return Ok(Value::NULL) };
    let item = this.position.load(Relaxed).checked_sub(1).and_then(|i| Some((i, list.get(i)?)));
    match item {
        Some((i, item)) => {
            this.position.store(i, Relaxed);
            Ok(item)
        }
        None => {
            this.position.store(0, Relaxed);
            Ok(Value::NULL)
        }
    }
}

fn next_of_tuple(t: &Thread, v: Value) -> R {
    let this = receiver::<TupleIterator>(v);
    let Some(tuple) = tuple_in(&this.tuple) else { return Ok(Value::NULL) };
    let i = this.index.load(Relaxed);
    match tuple.as_slice().get(i) {
        Some(item) => {
            this.index.store(i + 1, Relaxed);
            Ok(*item)
        }
        None => {
            this.tuple.set(t, this, Value::NULL);
            Ok(Value::NULL)
        }
    }
}

// ---- what is left, and pickling ----

fn list_hint(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<ListIterator>(a[0]);
    let len = list_in(&this.list).map_or(0, |list| list.len());
    Ok(int::from_usize(t, len.saturating_sub(this.index.load(Relaxed))))
}

fn list_reverse_hint(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<ListReverseIterator>(a[0]);
    let len = list_in(&this.list).map_or(0, |list| list.len());
    let left = this.position.load(Relaxed);
    Ok(int::from_usize(t, if left <= len { left } else { 0 }))
}

fn tuple_hint(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<TupleIterator>(a[0]);
    let len = tuple_in(&this.tuple).map_or(0, |tuple| tuple.len());
    Ok(int::from_usize(t, len.saturating_sub(this.index.load(Relaxed))))
}

fn list_reduce(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<ListIterator>(a[0]);
    reduced(t, names::iter, this.list.opt(), List::new(t).value(), this.index.load(Relaxed) as i64)
}

fn list_reverse_reduce(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<ListReverseIterator>(a[0]);
    match this.position.load(Relaxed) {
        0 => reduced(t, names::iter, None, List::new(t).value(), 0),
        position => reduced(t, names::reversed, this.list.opt(), Value::NULL, position as i64 - 1),
    }
}

fn tuple_reduce(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<TupleIterator>(a[0]);
    reduced(t, names::iter, this.tuple.opt(), t.empty_tuple(), this.index.load(Relaxed) as i64)
}

/// The index that `__setstate__` is given, clipped to what there is.
fn state(t: &Thread, v: Value, lowest: i64, highest: usize) -> R<i64> {
    Ok(int::to_i64(t, v)?.clamp(lowest, highest as i64))
}

fn list_set_state(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<ListIterator>(a[0]);
    if let Some(list) = list_in(&this.list) {
        this.index.store(state(t, a[1], 0, list.len())? as usize, Relaxed);
    }
    Ok(Value::NONE)
}

fn list_reverse_set_state(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<ListReverseIterator>(a[0]);
    if let Some(list) = list_in(&this.list) {
        let index = state(t, a[1], -1, list.len())?.min(list.len() as i64 - 1);
        this.position.store((index + 1) as usize, Relaxed);
    }
    Ok(Value::NONE)
}

fn tuple_set_state(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<TupleIterator>(a[0]);
    if let Some(tuple) = tuple_in(&this.tuple) {
        this.index.store(state(t, a[1], 0, tuple.len())? as usize, Relaxed);
    }
    Ok(Value::NONE)
}

/// The type `list_iterator`.
pub static LIST_ITERATOR_DEF: TypeDef = TypeDef {
    slots: SlotTable { iter: Some(itself), next: Some(next_of_list), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("__length_hint__", "self, /", list_hint).doc(HINT_DOC),
        FnDef::def("__reduce__", "self, /", list_reduce).doc(REDUCE_DOC),
        FnDef::def("__setstate__", "self, object, /", list_set_state).doc(SET_STATE_DOC),
    ],
    ..TypeDef::of::<ListIterator>("list_iterator")
};

/// The type `list_reverseiterator`.
pub static LIST_REVERSE_ITERATOR_DEF: TypeDef = TypeDef {
    slots: SlotTable { iter: Some(itself), next: Some(next_of_list_backwards), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("__length_hint__", "self, /", list_reverse_hint).doc(HINT_DOC),
        FnDef::def("__reduce__", "self, /", list_reverse_reduce).doc(REDUCE_DOC),
        FnDef::def("__setstate__", "self, object, /", list_reverse_set_state).doc(SET_STATE_DOC),
    ],
    ..TypeDef::of::<ListReverseIterator>("list_reverseiterator")
};

/// The type `tuple_iterator`.
pub static TUPLE_ITERATOR_DEF: TypeDef = TypeDef {
    slots: SlotTable { iter: Some(itself), next: Some(next_of_tuple), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("__length_hint__", "self, /", tuple_hint).doc(HINT_DOC),
        FnDef::def("__reduce__", "self, /", tuple_reduce).doc(REDUCE_DOC),
        FnDef::def("__setstate__", "self, object, /", tuple_set_state).doc(SET_STATE_DOC),
    ],
    ..TypeDef::of::<TupleIterator>("tuple_iterator")
};
