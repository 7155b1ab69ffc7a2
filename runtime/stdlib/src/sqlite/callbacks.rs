//! Functions written in Python that the library calls.
//!
//! While the library runs, its thread holds up nobody ([`in_library`]); what it calls works with values again ([`attached`]). The
//! library gets the address of a [`Callback`], which has the number of the callable in the connection's dict: there the collector sees it.

use super::database::{Leftovers, Locked};
use super::waiting;
use libsqlite3_sys as ffi;
use limpid_heap::Value;
use limpid_vm::object::{R, Ref};
use limpid_vm::protocol::truth;
use limpid_vm::root::InterpreterRoot;
use limpid_vm::thread::Thread;
use limpid_vm::types::Dict;
use limpid_vm::{error_report, runtime};
use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

thread_local! {
    /// Does the thread run in the library, for somebody who may be called back? Not when a database is closed because nobody has it.
    static IN_LIBRARY: Cell<bool> = const { Cell::new(false) };
}

/// Runs the library, detached. It may call back.
pub(super) fn in_library<T>(t: &Thread, f: impl FnOnce() -> T) -> T {
    t.blocking(|| {
        let before = IN_LIBRARY.replace(true);
        let result = f();
        IN_LIBRARY.set(before);
        result
    })
}

/// Runs `f`, which works with values, in a function that the library has called; the result is `without` where that must not be.
pub(super) fn attached<T>(without: T, f: impl FnOnce(&Thread) -> T) -> T {
    let Some(t) = runtime::current().filter(|_| IN_LIBRARY.get()) else { return without };
    IN_LIBRARY.set(false);
    let result = t.mutator.unblocking(|| f(t));
    IN_LIBRARY.set(true);
    result
}

/// `enable_callback_tracebacks`
static TRACEBACKS: InterpreterRoot = InterpreterRoot::new();

/// `sqlite3.enable_callback_tracebacks`
pub(super) fn enable_tracebacks(t: &Thread, a: &[Value]) -> R {
    TRACEBACKS.set(t, Value::bool(truth::truth(t, a[0])?));
    Ok(Value::NONE)
}

/// An exception that a callable has raised, which nobody can handle: shown or forgotten.
pub(super) fn report(t: &Thread, callable: Value) {
    if TRACEBACKS.opt(t) == Some(Value::TRUE) {
        error_report::unraisable(t, callable);
    } else {
        t.take_exception();
    }
}

/// The number of the next callable, or of the next object that an aggregate works with.
pub(super) fn next_key() -> i64 {
    static NEXT: AtomicI64 = AtomicI64::new(1);
    NEXT.fetch_add(1, Relaxed)
}

/// What the library is given to find a callable.
pub(super) struct Callback {
    /// The address of the connection's dict, which lives as long as the library calls anything.
    callables: usize,
    key: i64,
    leftovers: Arc<Leftovers>,
}

impl Drop for Callback {
    fn drop(&mut self) {
        self.leftovers.forget_callable(self.key);
    }
}

impl Callback {
    /// Has the connection keep a callable.
    pub fn new(locked: &Locked<'_>, callable: Value) -> R<Box<Callback>> {
        let (callables, key) = (locked.callables(), next_key());
        callables.set_item(locked.t, Value::int(key), callable)?;
        Ok(Box::new(Callback { callables: callables.ptr() as usize, key, leftovers: locked.database.leftovers().clone() }))
    }

    /// The address for the library, which does not own it; it is in a box, so it stays there.
    pub fn address(&self) -> *mut c_void {
        std::ptr::from_ref(self).cast_mut().cast()
    }

    /// Gives it to the library, which calls [`Callback::destroy`] in the end.
    pub fn into_raw(self: Box<Callback>) -> *mut c_void {
        Box::into_raw(self).cast()
    }

    /// The library needs it no more.
    ///
    /// # Safety
    /// `data` came from [`Callback::into_raw`] and is not used any more.
    pub unsafe extern "C" fn destroy(data: *mut c_void) {
        // SAFETY: by contract.
        drop(unsafe { Box::from_raw(data as *mut Callback) });
    }

    /// Runs `f` with the callable and the dict that it is in, where the library has called `data`'s; otherwise the result is `without`.
    /// What was raised before stays the current exception if `f` leaves none.
    ///
    /// # Safety
    /// `data` is the address of a callback of a database that the library works on.
    pub unsafe fn enter<T>(data: *mut c_void, without: T, f: impl FnOnce(&Thread, Value, Ref<Dict>) -> T) -> T {
        attached(None, |t| {
            // SAFETY: by contract. The callable may have the callback destroyed, so what is in it is taken out first.
            let (callables, key) = unsafe {
                let callback = &*(data as *const Callback);
                (Ref::<Dict>::from_ptr(callback.callables as *mut Dict), callback.key)
            };
            let before = t.take_exception();
            let found = callables.get(t, Value::int(key)).ok().flatten();
            let result = found.map(|callable| f(t, callable, callables));
            if t.exception().is_null() && !before.is_null() {
                t.raise_value(before);
            }
            result
        })
        .unwrap_or(without)
    }
}

/// Gives the library a callable by a function that gets the address of its callback, which it has destroyed also if it fails.
pub(super) fn register(locked: &Locked<'_>, callable: Value, f: impl Fn(*mut ffi::sqlite3, *mut c_void) -> c_int) -> R<c_int> {
    let attempt = || {
        let data = Callback::new(locked, callable)?.into_raw();
        let code = locked.run(|raw| f(raw, data));
        locked.do_leftovers()?;
        Ok(code)
    };
    let code = attempt()?;
    if code != ffi::SQLITE_OK && waiting::free_own(locked, code)? { attempt() } else { Ok(code) }
}

/// The callback of a function that SQL has called.
///
/// # Safety
/// A context of the library whose function was created with a callback.
pub(super) unsafe fn of_context(context: *mut ffi::sqlite3_context) -> *mut c_void {
    // SAFETY: by contract.
    unsafe { ffi::sqlite3_user_data(context) }
}
