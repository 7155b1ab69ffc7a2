//! Iterators over arrays.

use super::{Array, length, tuple};
use limpid_heap::{Header, Value};
use limpid_vm::args::{FnDef, receiver};
use limpid_vm::object::{R, Slot, header_of};
use limpid_vm::protocol::number;
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::iterators::{builtin_function, itself};
use limpid_vm::types::{TypeDef, flag};
use limpid_vm::{layout, names};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The layout.
#[repr(C)]
pub struct ArrayIterator {
    header: Header,
    /// NULL at the end.
    array: Slot,
    index: AtomicUsize,
}

/// `array.arrayiterator`
pub static ITERATOR: TypeCell = TypeCell::new();
layout!(ArrayIterator, ITERATOR.get(), Mixed);

pub(super) fn iterate(t: &Thread, v: Value) -> R {
    let fields = ArrayIterator { header: header_of::<ArrayIterator>(), array: Slot::new(v), index: AtomicUsize::new(0) };
    Ok(t.alloc(fields).value())
}

fn next(t: &Thread, v: Value) -> R {
    let this = receiver::<ArrayIterator>(v);
    let Some(array) = this.array.opt() else { return Ok(Value::NULL) };
    let i = this.index.fetch_add(1, Relaxed);
    match receiver::<Array>(array).item(t, i)? {
        Some(item) => Ok(item),
        None => {
            this.array.set(t, this, Value::NULL);
            Ok(Value::NULL)
        }
    }
}

fn reduce(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<ArrayIterator>(a[0]);
    let function = builtin_function(t, names::iter)?;
    match this.array.opt() {
        Some(array) => Ok(tuple(t, &[function, tuple(t, &[array]), length(t, this.index.load(Relaxed))])),
        None => Ok(tuple(t, &[function, tuple(t, &[t.empty_tuple()])])),
    }
}

fn set_state(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<ArrayIterator>(a[0]);
    let index = number::index_isize(t, a[1])?.max(0) as usize;
    if let Some(array) = this.array.opt() {
        this.index.store(index.min(receiver::<Array>(array).len()), Relaxed);
    }
    Ok(Value::NONE)
}

/// `array.arrayiterator`
pub static ITERATOR_DEF: TypeDef = TypeDef {
    flags: flag::DISALLOW_INSTANTIATION,
    slots: SlotTable { iter: Some(itself), next: Some(next), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("__reduce__", "self, /", reduce).doc("Return state information for pickling."),
        FnDef::def("__setstate__", "self, state, /", set_state).doc("Set state information for unpickling."),
    ],
    ..TypeDef::of::<ArrayIterator>("array.arrayiterator")
};
