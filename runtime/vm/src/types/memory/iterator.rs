//! `iter(memoryview)`.

use super::index;
use super::view::Memoryview;
use crate::object::{R, Ref, Slot, header_of};
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::{TypeDef, builtin};
use limpid_heap::{Header, Value};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The layout of the iterator.
#[repr(C)]
struct MemoryIterator {
    header: Header,
    /// NULL when it is exhausted.
    view: Slot,
    index: AtomicUsize,
    len: usize,
}

crate::layout!(MemoryIterator, builtin::MEMORY_ITERATOR, Slots);

/// memory_iterator
pub static MEMORY_ITERATOR_DEF: TypeDef = TypeDef {
    slots: SlotTable { iter: Some(|_, v| Ok(v)), next: Some(next), ..SlotTable::EMPTY },
    ..TypeDef::of::<MemoryIterator>("memory_iterator")
};

pub(super) fn iterator(t: &Thread, v: Value) -> R {
    let view = crate::args::receiver::<Memoryview>(v);
    view.check(t)?;
    match view.dimensions() {
        0 => raise!(t, TypeError, "invalid indexing of 0-dim memory"),
        1 => {}
        _ => raise!(t, NotImplementedError, "multi-dimensional sub-views are not implemented"),
    }
    view.code(t)?;
    let iterator =
        MemoryIterator { header: header_of::<MemoryIterator>(), view: Slot::new(v), index: AtomicUsize::new(0), len: view.len() };
    Ok(t.alloc(iterator).value())
}

fn next(t: &Thread, v: Value) -> R {
    let iterator: Ref<MemoryIterator> = crate::args::receiver(v);
    let Some(view) = iterator.view.opt() else { return Ok(Value::NULL) };
    let i = iterator.index.fetch_add(1, Ordering::Relaxed);
    if i < iterator.len {
        return index::nth(t, crate::args::receiver::<Memoryview>(view), i);
    }
    iterator.view.set(t, iterator, Value::NULL);
    Ok(Value::NULL)
}
