//! What the library asks or tells programs while it works: authorizers, progress handlers, trace callbacks, and collations.

use super::callbacks::{self, Callback};
use super::connection::connection;
use super::database::{Hook, Locked};
use super::errors::{self, text};
use super::functions::warn_of_keywords;
use super::values;
use libsqlite3_sys as ffi;
use limpid_heap::Value;
use limpid_vm::args::{Args, Signature};
use limpid_vm::object::{R, ValueExt};
use limpid_vm::protocol::{call, number, truth};
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Str, int};
use std::ffi::{c_char, c_int, c_uint, c_void};
use std::ptr;

/// Text of the library as a value: None for NULL.
///
/// # Safety
/// NULL, or a string with its NUL.
unsafe fn optional(t: &Thread, p: *const c_char) -> Value {
    // SAFETY: by contract.
    if p.is_null() { Value::NONE } else { unsafe { Str::new(t, &text(p)).value() } }
}

unsafe extern "C" fn authorize(
    data: *mut c_void,
    action: c_int,
    first: *const c_char,
    second: *const c_char,
    database: *const c_char,
    source: *const c_char,
) -> c_int {
    // SAFETY: the library calls it with what it was set with.
    unsafe {
        Callback::enter(data, ffi::SQLITE_OK, |t, callable, _| {
            let [first, second, database, source] = [first, second, database, source].map(|p| optional(t, p));
            match call::call(t, callable, &[Value::int(action.into()), first, second, database, source]) {
                Ok(answer) if int::is_int(answer) => match int::to_i32(t, answer) {
                    Ok(answer) => return answer,
                    Err(_) => callbacks::report(t, callable),
                },
                Ok(_) => {}
                Err(_) => callbacks::report(t, callable),
            }
            ffi::SQLITE_DENY
        })
    }
}

unsafe extern "C" fn progress(data: *mut c_void) -> c_int {
    // SAFETY: the library calls it with what it was set with.
    unsafe {
        Callback::enter(data, 0, |t, callable, _| match call::call(t, callable, &[]).and_then(|answer| truth::truth(t, answer)) {
            Ok(stop) => stop.into(),
            Err(_) => {
                callbacks::report(t, callable);
                -1
            }
        })
    }
}

/// The statement with the values of its parameters; DataError if that would be too long.
fn expanded(t: &Thread, statement: *mut ffi::sqlite3_stmt) -> R {
    // SAFETY: the statement that begins; the text is freed when it is copied.
    unsafe {
        let sql = ffi::sqlite3_expanded_sql(statement);
        if sql.is_null() {
            return Err(t.raise(errors::DATA_ERROR.get(), "Expanded SQL string exceeds the maximum string length"));
        }
        let copy = optional(t, sql);
        ffi::sqlite3_free(sql.cast());
        Ok(copy)
    }
}

unsafe extern "C" fn trace(_: c_uint, data: *mut c_void, statement: *mut c_void, sql: *mut c_void) -> c_int {
    // SAFETY: the library calls it with what it was set with, a statement and its text.
    unsafe {
        Callback::enter(data, (), |t, callable, _| {
            let shown = expanded(t, statement.cast()).unwrap_or_else(|_| {
                callbacks::report(t, callable);
                optional(t, sql as *const c_char)
            });
            if call::call(t, callable, &[shown]).is_err() {
                callbacks::report(t, callable);
            }
        });
    }
    0
}

/// What the library is to call, and with what; nothing for None.
fn callback(locked: &Locked<'_>, callable: Value) -> R<(Option<Box<Callback>>, *mut c_void)> {
    if callable.is_none() {
        return Ok((None, ptr::null_mut()));
    }
    let made = Callback::new(locked, callable)?;
    let address = made.address();
    Ok((Some(made), address))
}

pub(super) fn set_authorizer(t: &Thread, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::parse("self, /, authorizer_callback");
    args.bind(t, "set_authorizer", &SIGNATURE, |a| {
        warn_of_keywords(t, args, "set_authorizer", &["authorizer_callback"])?;
        let database = connection(a[0]).database(t)?;
        let locked = database.lock(t)?;
        let (made, data) = callback(&locked, a[1])?;
        let call: Option<unsafe extern "C" fn(_, _, _, _, _, _) -> _> = made.as_ref().map(|_| authorize as _);
        // SAFETY: the database keeps the callback until there is another.
        let code = locked.run(|raw| unsafe { ffi::sqlite3_set_authorizer(raw, call, data) });
        if code != ffi::SQLITE_OK {
            return Err(t.raise(errors::OPERATIONAL_ERROR.get(), "Error setting authorizer callback"));
        }
        locked.set_hook(Hook::Authorizer, made)?;
        Ok(Value::NONE)
    })
}

pub(super) fn set_progress_handler(t: &Thread, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::parse("self, /, progress_handler, n");
    args.bind(t, "set_progress_handler", &SIGNATURE, |a| {
        warn_of_keywords(t, args, "set_progress_handler", &["progress_handler"])?;
        let every = number::index_i32(t, a[2])?;
        let database = connection(a[0]).database(t)?;
        let locked = database.lock(t)?;
        let (made, data) = callback(&locked, a[1])?;
        let call: Option<unsafe extern "C" fn(_) -> _> = made.as_ref().map(|_| progress as _);
        // SAFETY: as in `set_authorizer`.
        locked.run(|raw| unsafe { ffi::sqlite3_progress_handler(raw, every, call, data) });
        locked.set_hook(Hook::Progress, made)?;
        Ok(Value::NONE)
    })
}

pub(super) fn set_trace_callback(t: &Thread, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::parse("self, /, trace_callback");
    args.bind(t, "set_trace_callback", &SIGNATURE, |a| {
        warn_of_keywords(t, args, "set_trace_callback", &["trace_callback"])?;
        let database = connection(a[0]).database(t)?;
        let locked = database.lock(t)?;
        let (made, data) = callback(&locked, a[1])?;
        let call: Option<unsafe extern "C" fn(_, _, _, _) -> _> = made.as_ref().map(|_| trace as _);
        // SAFETY: as in `set_authorizer`.
        locked.run(|raw| unsafe { ffi::sqlite3_trace_v2(raw, ffi::SQLITE_TRACE_STMT as c_uint, call, data) });
        locked.set_hook(Hook::Trace, made)?;
        Ok(Value::NONE)
    })
}

unsafe extern "C" fn collate(data: *mut c_void, first_len: c_int, first: *const c_void, second_len: c_int, second: *const c_void) -> c_int {
    // SAFETY: the library calls it with what it was created with, and two texts.
    unsafe {
        Callback::enter(data, 0, |t, callable, _| {
            let compare = || {
                let first = values::text(t, values::lent(first, first_len))?;
                let second = values::text(t, values::lent(second, second_len))?;
                call::call(t, callable, &[first, second])
            };
            // What it raises is raised when the statement stops.
            let Ok(answer) = compare() else { return 0 };
            if !int::is_int(answer) {
                let _ = number_expected(t, answer);
                t.take_exception();
                return 0;
            }
            if int::is_zero(answer) {
                0
            } else if int::is_negative(answer) {
                -1
            } else {
                1
            }
        })
    }
}

fn number_expected(t: &Thread, v: Value) -> R<()> {
    raise!(t, TypeError, "'{}' object cannot be interpreted as an integer", v.class().display_name())
}

pub(super) fn create_collation(t: &Thread, a: &[Value]) -> R {
    let name = values::c_argument(t, a[1], "create_collation() argument 1")?;
    let database = connection(a[0]).database(t)?;
    if !a[2].is_none() && !call::is_callable(a[2]) {
        raise!(t, TypeError, "parameter must be callable")
    }
    let locked = database.lock(t)?;
    let code = if a[2].is_none() {
        // SAFETY: a name with its NUL.
        locked.run(|raw| unsafe { ffi::sqlite3_create_collation_v2(raw, name.as_ptr(), ffi::SQLITE_UTF8, ptr::null_mut(), None, None) })
    } else {
        // SAFETY: as above. The library has the callback destroyed when it needs it no more, but not if this fails.
        callbacks::register(&locked, a[2], |raw, data| unsafe {
            let destroy: Option<unsafe extern "C" fn(*mut c_void)> = Some(Callback::destroy);
            let code = ffi::sqlite3_create_collation_v2(raw, name.as_ptr(), ffi::SQLITE_UTF8, data, Some(collate), destroy);
            if code != ffi::SQLITE_OK {
                Callback::destroy(data);
            }
            code
        })?
    };
    locked.check(code)?;
    locked.do_leftovers()?;
    Ok(Value::NONE)
}
