//! Iteration over anything that has `__getitem__`: 0, 1, 2, ... until IndexError.

use super::{HINT_DOC, REDUCE_DOC, SET_STATE_DOC, itself, reduced};
use crate::args::{FnDef, receiver};
use crate::exc;
use crate::names;
use crate::object::{R, Slot, ValueExt, header_of};
use crate::protocol::sequence;
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::{TypeDef, builtin, int};
use limpid_heap::{Header, Value};
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

/// The layout of a sequence's iterator.
#[repr(C)]
pub struct SequenceIterator {
    header: Header,
    /// The sequence; NULL at the end.
    sequence: Slot,
    index: AtomicI64,
}

// SAFETY: `sequence` is the only value; the index comes after the one slot that is traced.
unsafe impl crate::object::Layout for SequenceIterator {
    const KIND: u8 = limpid_heap::Kind::Slots as u8;
    const SLOTS: u8 = 1;
    fn class() -> crate::object::Ref<crate::types::Type> {
        builtin::SEQUENCE_ITERATOR
    }
}

/// An iterator over an object with `__getitem__`.
pub fn sequence_iterator(t: &Thread, sequence: Value) -> Value {
    let header = header_of::<SequenceIterator>();
    t.alloc(SequenceIterator { header, sequence: Slot::new(sequence), index: AtomicI64::new(0) }).value()
}

fn next(t: &Thread, v: Value) -> R {
    let this = receiver::<SequenceIterator>(v);
    let Some(sequence) = this.sequence.opt() else { return Ok(Value::NULL) };
    let i = this.index.load(Relaxed);
    if i == i64::MAX {
        raise!(t, OverflowError, "iter index too large")
    }
    match sequence::item(t, sequence, int::from_i64(t, i)) {
        Ok(item) => {
            this.index.store(i + 1, Relaxed);
            Ok(item)
        }
        Err(raised) => {
            if !t.exception_is(exc::IndexError) && !t.exception_is(exc::StopIteration) {
                return Err(raised);
            }
            t.take_exception();
            this.sequence.set(t, this, Value::NULL);
            Ok(Value::NULL)
        }
    }
}

fn hint(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<SequenceIterator>(a[0]);
    let Some(sequence) = this.sequence.opt() else { return Ok(Value::int(0)) };
    if sequence.class().slots().len.is_none() {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let len = sequence::len(t, sequence)? as i64;
    Ok(int::from_i64(t, (len - this.index.load(Relaxed)).max(0)))
}

fn reduce(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<SequenceIterator>(a[0]);
    reduced(t, names::iter, this.sequence.opt(), t.empty_tuple(), this.index.load(Relaxed))
}

fn set_state(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<SequenceIterator>(a[0]);
    let index = int::to_i64(t, a[1])?;
    if this.sequence.opt().is_some() {
        this.index.store(index.max(0), Relaxed);
    }
    Ok(Value::NONE)
}

/// The type `iterator`.
pub static SEQUENCE_ITERATOR_DEF: TypeDef = TypeDef {
    slots: SlotTable { iter: Some(itself), next: Some(next), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("__length_hint__", "self, /", hint).doc(HINT_DOC),
        FnDef::def("__reduce__", "self, /", reduce).doc(REDUCE_DOC),
        FnDef::def("__setstate__", "self, object, /", set_state).doc(SET_STATE_DOC),
    ],
    ..TypeDef::of::<SequenceIterator>("iterator")
};
