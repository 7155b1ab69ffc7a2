//! What awaiting a future iterates over: the future itself while it is pending, then its result ends the iteration.

use super::future::{self, Future, state};
use limpid_heap::{Header, Value};
use limpid_vm::args::{FnDef, receiver};
use limpid_vm::modules::warnings;
use limpid_vm::object::{R, Raised, Slot, header_of};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::{TypeDef, coroutine, flag};
use limpid_vm::{exc, layout, raise};

/// The layout.
#[repr(C)]
pub(super) struct FutureIter {
    header: Header,
    /// NULL when the iteration is over.
    future: Slot,
}

/// `_asyncio.FutureIter`
pub(super) static FUTURE_ITER: TypeCell = TypeCell::new();
layout!(FutureIter, FUTURE_ITER.get(), Slots);

/// `future.__await__()`
pub(super) fn new(t: &Thread, future: Value) -> R {
    future::initialized(t, future)?;
    Ok(t.alloc(FutureIter { header: header_of::<FutureIter>(), future: Slot::new(future) }).value())
}

fn next(t: &Thread, v: Value) -> R {
    let this = receiver::<FutureIter>(v);
    let Some(future) = this.future.opt() else { return Ok(Value::NULL) };
    let pending = receiver::<Future>(future);
    if pending.state() == state::PENDING {
        if !pending.is_blocking() {
            future::mark_blocking(t, pending, true);
            return Ok(future);
        }
        raise!(t, RuntimeError, "await wasn't used with future")
    }
    this.future.set(t, this, Value::NULL);
    let result = future::result(t, pending)?;
    if result.is_none() {
        return Ok(Value::NULL);
    }
    let stop = exc::new_stop_iteration(t, result)?;
    Err(t.raise_value(stop))
}

fn send(t: &Thread, a: &[Value]) -> R {
    // What is sent does not matter: the future has its result.
    match next(t, a[0])? {
        v if v.is_null() => Err(t.raise_with(exc::StopIteration, &[])),
        v => Ok(v),
    }
}

fn throw(t: &Thread, a: &[Value]) -> R {
    if !a[2].is_null() || !a[3].is_null() {
        warnings::deprecated(t, "the (type, exc, tb) signature of throw() is deprecated, use the single-arg signature instead.")?;
    }
    let e = coroutine::exception_to_throw(t, a[1], a[2], a[3])?;
    let this = receiver::<FutureIter>(a[0]);
    this.future.set(t, this, Value::NULL);
    t.raise_value(e);
    Err(Raised)
}

fn close(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<FutureIter>(a[0]);
    this.future.set(t, this, Value::NULL);
    Ok(Value::NONE)
}

/// `_asyncio.FutureIter`
pub(super) static FUTURE_ITER_DEF: TypeDef = TypeDef {
    flags: flag::DISALLOW_INSTANTIATION,
    slots: SlotTable { iter: Some(|_, v| Ok(v)), next: Some(next), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("send", "self, value, /", send),
        FnDef::def("throw", "self, type, value=None, traceback=None, /", throw),
        FnDef::def("close", "self, /", close),
    ],
    ..TypeDef::of::<FutureIter>("_asyncio.FutureIter")
};
