//! `_thread._ThreadHandle`: what `threading.Thread` joins.

use super::{Done, wait};
use crate::args::{FnDef, GetSet, receiver};
use crate::object::{R, Ref, header_of};
use crate::protocol::number;
use crate::root::TypeCell;
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::{Str, TypeDef, flag, int};
use limpid_heap::{Header, Value};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The layout of a handle.
#[repr(C)]
pub struct Handle {
    header: Header,
    /// Of a thread that is not ours; 0 otherwise.
    ident: AtomicU64,
    /// None until the thread is started.
    done: Mutex<Option<Arc<Done>>>,
}

/// The class `_ThreadHandle`.
pub static HANDLE: TypeCell = TypeCell::new();
layout!(Handle, HANDLE.get(), Leaf);

/// A handle of a thread that has not started.
pub fn new(t: &Thread) -> Ref<Handle> {
    let handle = t.alloc(Handle { header: header_of::<Handle>(), ident: AtomicU64::new(0), done: Mutex::new(None) });
    // SAFETY: the function drops exactly what was made here.
    unsafe { limpid_heap::register_drop(&t.mutator, std::ptr::NonNull::new_unchecked(handle.ptr().cast()), drop_handle) };
    handle
}

unsafe fn drop_handle(p: *mut u8) {
    // SAFETY: registered for handles only; the cell is dead.
    unsafe { std::ptr::drop_in_place(&raw mut (*(p as *mut Handle)).done) }
}

/// The handle of a thread that is over or not ours: joining it ends at once.
pub fn make_done(t: &Thread, a: &[Value]) -> R {
    let handle = new(t);
    let ident = int::to_u64(t, a[0])?;
    handle.ident.store(ident, Ordering::Relaxed);
    *handle.done.lock() = Some(Done::ahead(ident));
    Ok(handle.value())
}

impl Handle {
    /// Marks it as started; false if it was.
    pub fn begin(&self, done: Arc<Done>) -> bool {
        let mut slot = self.done.lock();
        if slot.is_some() {
            return false;
        }
        *slot = Some(done);
        true
    }

    /// The thread could not be started after all.
    pub fn reset(&self) {
        *self.done.lock() = None;
    }

    /// The thread's identity; 0 until it runs.
    pub fn ident(&self) -> u64 {
        match self.ident.load(Ordering::Acquire) {
            0 => self.done.lock().as_ref().map_or(0, |done| done.ident.load(Ordering::Acquire)),
            ident => ident,
        }
    }
}

fn join(t: &Thread, a: &[Value]) -> R {
    let handle = receiver::<Handle>(a[0]);
    let done = handle.done.lock().clone();
    let Some(done) = done else { raise!(t, RuntimeError, "thread not started") };
    if handle.ident() == t.ident.get() && !done.is_set() {
        raise!(t, RuntimeError, "Cannot join current thread");
    }
    if t.interpreter().finalizing.load(Ordering::Acquire) && !done.is_set() {
        raise!(t, PythonFinalizationError, "cannot join daemon thread at interpreter shutdown");
    }
    let timeout = match a[1] {
        v if v.is_null() || v.is_none() => None,
        v => {
            let seconds = number::as_float(t, v)?;
            if seconds.is_nan() {
                raise!(t, ValueError, "Invalid value NaN (not a number)");
            }
            (seconds >= 0.0).then(|| Duration::from_secs_f64(seconds.min(super::lock::TIMEOUT_MAX)))
        }
    };
    wait(t, &done, timeout)?;
    // What the other thread has sent to this one arrives here, not somewhere behind the call.
    t.poll()?;
    Ok(Value::NONE)
}

fn is_done(_: &Thread, a: &[Value]) -> R {
    Ok(Value::bool(receiver::<Handle>(a[0]).done.lock().as_ref().is_some_and(|d| d.is_set())))
}

fn set_done(t: &Thread, a: &[Value]) -> R {
    let done = receiver::<Handle>(a[0]).done.lock().clone();
    match done {
        Some(d) => d.set(),
        None => raise!(t, RuntimeError, "thread not started"),
    }
    Ok(Value::NONE)
}

/// `_thread._ThreadHandle`
pub static HANDLE_DEF: TypeDef = TypeDef {
    flags: flag::WEAK_REFERENCES,
    slots: SlotTable {
        new: Some(|t, _, _| Ok(new(t).value())),
        repr: Some(|t, v| {
            let ident = receiver::<Handle>(v).ident();
            Ok(Str::new(t, &format!("<_ThreadHandle object: ident={ident}>")).value())
        }),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::def("join", "self, timeout=None, /", join),
        FnDef::def("is_done", "self, /", is_done),
        FnDef::def("_set_done", "self, /", set_done),
    ],
    getset: &[GetSet::getter("ident", |t, v| Ok(int::from_u64(t, receiver::<Handle>(v).ident())))],
    ..TypeDef::of::<Handle>("_thread._ThreadHandle")
};
