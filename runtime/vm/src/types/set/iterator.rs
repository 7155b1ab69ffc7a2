//! Iteration over sets.

use super::{Set, receiver_set};
use crate::args::{FnDef, receiver};
use crate::names;
use crate::object::{R, Ref, Slot, header_of};
use crate::protocol::iter;
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::{Tuple, TypeDef, builtin, iterators};
use limpid_heap::{Header, Value};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The layout of a set's iterator.
#[repr(C)]
pub struct SetIterator {
    header: Header,
    /// The set; NULL at the end.
    set: Slot,
    position: AtomicUsize,
    /// How many keys the set had.
    used: AtomicUsize,
}

crate::layout!(SetIterator, builtin::SET_ITERATOR, Slots);

/// In `used`: the size has changed, which every further `next` says as well.
const CHANGED: usize = u32::MAX as usize;

pub fn set_iter(t: &Thread, v: Value) -> R {
    let set = receiver_set(v);
    let iterator = SetIterator {
        header: header_of::<SetIterator>(),
        set: Slot::new(v),
        position: AtomicUsize::new(0),
        used: AtomicUsize::new(set.len()),
    };
    Ok(t.alloc(iterator).value())
}

impl SetIterator {
    fn set(&self) -> Option<Ref<Set>> {
        self.set.opt().map(receiver_set)
    }
}

fn next(t: &Thread, v: Value) -> R {
    let this = receiver::<SetIterator>(v);
    let Some(set) = this.set() else { return Ok(Value::NULL) };
    if set.len() != this.used.load(Relaxed) {
        this.used.store(CHANGED, Relaxed);
        raise!(t, RuntimeError, "Set changed size during iteration")
    }
    let mut position = this.position.load(Relaxed);
    let key = set.table().and_then(|table| table.next_key(&mut position));
    this.position.store(position, Relaxed);
    if key.is_none() {
        this.set.set(t, this, Value::NULL);
    }
    Ok(key.unwrap_or(Value::NULL))
}

fn length_hint(_: &Thread, a: &[Value]) -> R {
    let this = receiver::<SetIterator>(a[0]);
    let Some(set) = this.set() else { return Ok(Value::int(0)) };
    let Some(table) = set.table().filter(|table| table.used() == this.used.load(Relaxed)) else { return Ok(Value::int(0)) };
    let mut position = this.position.load(Relaxed);
    let mut left = 0;
    while table.next_key(&mut position).is_some() {
        left += 1;
    }
    Ok(Value::int(left))
}

fn reduce(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<SetIterator>(a[0]);
    // A copy of the iterator is consumed in place of the iterator itself.
    let copy = SetIterator {
        header: header_of::<SetIterator>(),
        set: Slot::new(this.set.get()),
        position: AtomicUsize::new(this.position.load(Relaxed)),
        used: AtomicUsize::new(this.used.load(Relaxed)),
    };
    let rest = iter::to_list(t, t.alloc(copy).value())?;
    let args = Tuple::from_slice(t, &[rest.value()]);
    Ok(Tuple::from_slice(t, &[iterators::builtin_function(t, names::iter)?, args.value()]).value())
}

/// The type `set_iterator`.
pub static SET_ITERATOR_DEF: TypeDef = TypeDef {
    slots: SlotTable { iter: Some(iterators::itself), next: Some(next), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("__length_hint__", "self, /", length_hint).doc(iterators::HINT_DOC),
        FnDef::def("__reduce__", "self, /", reduce).doc(iterators::REDUCE_DOC),
    ],
    ..TypeDef::of::<SetIterator>("set_iterator")
};
