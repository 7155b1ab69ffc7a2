//! `iter(str)`.

use super::Str;
use crate::args::FnDef;
use crate::names;
use crate::object::{R, Ref, Slot, ValueExt};
use crate::protocol::number;
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::iterators::{itself, reduced};
use crate::types::str::Width;
use crate::types::{Type, TypeDef, builtin, int};
use limpid_heap::{Header, Value};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The layout of both iterators.
#[repr(C)]
struct StrIterator {
    header: Header,
    /// NULL when it is exhausted.
    source: Slot,
    index: AtomicUsize,
}

crate::layout!(StrIterator, builtin::STR_ITERATOR, Slots);

/// str_iterator
pub static STR_ITERATOR_DEF: TypeDef = TypeDef {
    slots: SlotTable { iter: Some(itself), next: Some(next), ..SlotTable::EMPTY },
    methods: METHODS,
    ..TypeDef::of::<StrIterator>("str_iterator")
};

/// str_ascii_iterator: every character it gives is one that exists already.
pub static STR_ASCII_ITERATOR_DEF: TypeDef = TypeDef {
    slots: SlotTable { iter: Some(itself), next: Some(next_ascii), ..SlotTable::EMPTY },
    methods: METHODS,
    ..TypeDef::of::<StrIterator>("str_ascii_iterator")
};

static METHODS: &[FnDef] = &[
    FnDef::def("__length_hint__", "self, /", |t, a| Ok(int::from_usize(t, left(a[0]))))
        .doc("Private method returning an estimate of len(list(it))."),
    FnDef::def("__reduce__", "self, /", |t, a| {
        let iterator = receiver(a[0]);
        reduced(t, names::iter, iterator.source.opt(), names::empty, iterator.index.load(Relaxed) as i64)
    })
    .doc("Return state information for pickling."),
    FnDef::def("__setstate__", "self, state, /", |t, a| {
        let iterator = receiver(a[0]);
        let index = number::index_isize(t, a[1])?.max(0) as usize;
        if let Some(s) = iterator.text() {
            iterator.index.store(index.min(s.len()), Relaxed);
        }
        Ok(Value::NONE)
    })
    .doc("Set state information for unpickling."),
];

fn receiver(v: Value) -> Ref<StrIterator> {
    // SAFETY: method descriptors and slot wrappers check the receiver's type; both types have this layout.
    unsafe { Ref::from_value(v) }
}

impl StrIterator {
    #[inline(always)]
    fn text(&self) -> Option<Ref<Str>> {
        // SAFETY: the field refers to a str or is NULL.
        self.source.opt().map(|v| unsafe { Ref::from_value(v) })
    }
}

/// The slot `iter` of str.
pub(super) fn iterator(t: &Thread, v: Value) -> R {
    let Some(s) = v.downcast::<Str>() else { return Ok(Value::NOT_IMPLEMENTED) };
    let class: Ref<Type> = if s.width() == Width::Ascii { builtin::STR_ASCII_ITERATOR } else { builtin::STR_ITERATOR };
    Ok(t.alloc_cell(StrIterator { header: class.instance_header(), source: Slot::new(v), index: AtomicUsize::new(0) }).value())
}

fn left(v: Value) -> usize {
    let iterator = receiver(v);
    iterator.text().map_or(0, |s| s.len().saturating_sub(iterator.index.load(Relaxed)))
}

fn next(t: &Thread, v: Value) -> R {
    let iterator = receiver(v);
    let Some(s) = iterator.text() else { return Ok(Value::NULL) };
    let i = iterator.index.load(Relaxed);
    if i < s.len() {
        iterator.index.store(i + 1, Relaxed);
        return Ok(Str::from_char(t, s.char_at(i))?.value());
    }
    iterator.source.set(t, iterator, Value::NULL);
    Ok(Value::NULL)
}

fn next_ascii(t: &Thread, v: Value) -> R {
    let iterator = receiver(v);
    let Some(s) = iterator.text() else { return Ok(Value::NULL) };
    let i = iterator.index.load(Relaxed);
    if i < s.len() {
        iterator.index.store(i + 1, Relaxed);
        return Ok(t.runtime().latin1_char(s.raw_bytes()[i]).value());
    }
    iterator.source.set(t, iterator, Value::NULL);
    Ok(Value::NULL)
}
