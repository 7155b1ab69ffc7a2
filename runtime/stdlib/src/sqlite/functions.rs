//! Functions and aggregates of SQL that are written in Python.
//!
//! The object that an aggregate works with is in the dict of callables too; the library keeps its number with the aggregate's context.

use super::callbacks::{self, Callback, of_context};
use super::connection::connection;
use super::errors::{self, describe};
use super::values;
use libsqlite3_sys as ffi;
use limpid_heap::Value;
use limpid_vm::args::{Args, Signature};
use limpid_vm::object::{R, Ref};
use limpid_vm::protocol::{attr, call, number, truth};
use limpid_vm::thread::Thread;
use limpid_vm::types::{Dict, str};
use limpid_vm::{exc, warnings};
use std::ffi::{c_int, c_void};
use std::ptr;

/// Has the function fail that SQL has called, and tells of the exception.
fn fail(t: &Thread, callable: Value, context: *mut ffi::sqlite3_context, message: &str) {
    // SAFETY: the context of the call; the message is copied.
    unsafe {
        if t.exception_is(exc::MemoryError) {
            ffi::sqlite3_result_error_nomem(context);
        } else if t.exception_is(exc::OverflowError) {
            ffi::sqlite3_result_error_toobig(context);
        } else {
            ffi::sqlite3_result_error(context, message.as_ptr().cast(), message.len() as c_int);
        }
    }
    callbacks::report(t, callable);
}

unsafe extern "C" fn function(context: *mut ffi::sqlite3_context, count: c_int, arguments: *mut *mut ffi::sqlite3_value) {
    // SAFETY: the library calls it with what the function was created with.
    unsafe {
        Callback::enter(of_context(context), (), |t, callable, _| {
            let outcome = values::arguments(t, count, arguments)
                .and_then(|arguments| call::call(t, callable, arguments.as_slice()))
                .and_then(|result| values::set_result(t, context, result));
            if outcome.is_err() {
                fail(t, callable, context, "user-defined function raised exception");
            }
        })
    }
}

/// The aggregate's object; NULL if there is none.
fn instance(t: &Thread, context: *mut ffi::sqlite3_context, objects: Ref<Dict>) -> Value {
    // SAFETY: the context of the call; with 0 bytes the library makes nothing.
    let place = unsafe { ffi::sqlite3_aggregate_context(context, 0) as *const i64 };
    // SAFETY: `started` has it made for a number.
    let key = if place.is_null() { 0 } else { unsafe { *place } };
    objects.get(t, Value::int(key)).ok().flatten().unwrap_or(Value::NULL)
}

/// The aggregate's object, which is made for the first row.
fn started(t: &Thread, context: *mut ffi::sqlite3_context, class: Value, objects: Ref<Dict>) -> R {
    // SAFETY: the context of the call; the library makes it zero at first.
    let place = unsafe { ffi::sqlite3_aggregate_context(context, size_of::<i64>() as c_int) as *mut i64 };
    if place.is_null() {
        return Err(exc::raise_memory_error(t));
    }
    // SAFETY: a number.
    let key = unsafe { *place };
    if key != 0 {
        return Ok(objects.get(t, Value::int(key))?.unwrap_or(Value::NONE));
    }
    let made = call::call(t, class, &[])?;
    let key = callbacks::next_key();
    objects.set_item(t, Value::int(key), made)?;
    // SAFETY: as above.
    unsafe { *place = key };
    Ok(made)
}

/// Calls the aggregate's method for a row.
fn row(
    t: &Thread,
    context: *mut ffi::sqlite3_context,
    callable: Value,
    object: Value,
    name: &str,
    arguments: R<limpid_vm::types::ValueList>,
) {
    let Ok(method) = attr::get_attr(t, object, str::intern(t, name)) else {
        return fail(t, callable, context, &format!("user-defined aggregate's '{name}' method not defined"));
    };
    if arguments.and_then(|arguments| call::call(t, method, arguments.as_slice())).is_err() {
        fail(t, callable, context, &format!("user-defined aggregate's '{name}' method raised error"));
    }
}

unsafe extern "C" fn step(context: *mut ffi::sqlite3_context, count: c_int, arguments: *mut *mut ffi::sqlite3_value) {
    // SAFETY: the library calls it with what the aggregate was created with.
    unsafe {
        Callback::enter(of_context(context), (), |t, callable, objects| match started(t, context, callable, objects) {
            Ok(object) => row(t, context, callable, object, "step", values::arguments(t, count, arguments)),
            Err(_) => fail(t, callable, context, "user-defined aggregate's '__init__' method raised error"),
        })
    }
}

unsafe extern "C" fn inverse(context: *mut ffi::sqlite3_context, count: c_int, arguments: *mut *mut ffi::sqlite3_value) {
    // SAFETY: the library calls it with what the aggregate was created with.
    unsafe {
        Callback::enter(of_context(context), (), |t, callable, objects| {
            let object = instance(t, context, objects);
            if !object.is_null() {
                row(t, context, callable, object, "inverse", values::arguments(t, count, arguments));
            }
        })
    }
}

/// Asks the aggregate's object for a result.
fn ask(t: &Thread, context: *mut ffi::sqlite3_context, callable: Value, object: Value, name: &str) {
    let outcome = match attr::get_attr(t, object, str::intern(t, name)) {
        Ok(method) => call::call(t, method, &[]),
        Err(raised) => Err(raised),
    }
    // SAFETY: the context of the call.
    .and_then(|result| unsafe { values::set_result(t, context, result) });
    if outcome.is_err() {
        let what = if t.exception_is(exc::AttributeError) { "not defined" } else { "raised error" };
        fail(t, callable, context, &format!("user-defined aggregate's '{name}' method {what}"));
    }
}

unsafe extern "C" fn value(context: *mut ffi::sqlite3_context) {
    // SAFETY: the library calls it with what the aggregate was created with.
    unsafe {
        Callback::enter(of_context(context), (), |t, callable, objects| {
            let object = instance(t, context, objects);
            if !object.is_null() {
                ask(t, context, callable, object, "value");
            }
        })
    }
}

unsafe extern "C" fn finalize(context: *mut ffi::sqlite3_context) {
    // SAFETY: the library calls it with what the aggregate was created with.
    unsafe {
        Callback::enter(of_context(context), (), |t, callable, objects| {
            let object = instance(t, context, objects);
            // There is none where there were no rows, or where it could not be made.
            if object.is_null() {
                return;
            }
            ask(t, context, callable, object, "finalize");
            // SAFETY: the context of the call, which has the number.
            let key = *(ffi::sqlite3_aggregate_context(context, 0) as *const i64);
            if objects.remove(t, Value::int(key)).is_err() {
                t.take_exception();
            }
        })
    }
}

/// Warns of arguments given by keyword that will have to be given by position: `"'name' and 'func'"`.
pub(super) fn warn_of_keywords(t: &Thread, args: Args<'_>, method: &str, names: &[&str]) -> R<()> {
    // The receiver is among the arguments.
    if args.pos().len() > names.len() {
        return Ok(());
    }
    let quoted: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    let (s, listed) = match quoted.split_last() {
        Some((last, [])) => ("", last.clone()),
        Some((last, rest)) => ("s", format!("{} and {last}", rest.join(", "))),
        None => return Ok(()),
    };
    let message = format!(
        "Passing keyword argument{s} {listed} to _sqlite3.Connection.{method}() is deprecated. Parameter{s} {listed} will become \
         positional-only in Python 3.15."
    );
    warnings::deprecated(t, &message)
}

pub(super) fn create_function(t: &Thread, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::parse("self, /, name, narg, func, *, deterministic=False");
    args.bind(t, "create_function", &SIGNATURE, |a| {
        warn_of_keywords(t, args, "create_function", &["name", "narg", "func"])?;
        let name = values::c_argument(t, a[1], "create_function() argument 1")?;
        let count = number::index_i32(t, a[2])?;
        let deterministic = !a[4].is_null() && truth::truth(t, a[4])?;
        let database = connection(a[0]).database(t)?;
        let locked = database.lock(t)?;
        let flags = ffi::SQLITE_UTF8 | if deterministic { ffi::SQLITE_DETERMINISTIC } else { 0 };
        // SAFETY: a name with its NUL; the library has the callback destroyed, also if this fails.
        let code = callbacks::register(&locked, a[3], |raw, data| unsafe {
            ffi::sqlite3_create_function_v2(raw, name.as_ptr(), count, flags, data, Some(function), None, None, Some(Callback::destroy))
        })?;
        if code != ffi::SQLITE_OK {
            return Err(t.raise(errors::OPERATIONAL_ERROR.get(), "Error creating function"));
        }
        Ok(Value::NONE)
    })
}

pub(super) fn create_aggregate(t: &Thread, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::parse("self, /, name, n_arg, aggregate_class");
    args.bind(t, "create_aggregate", &SIGNATURE, |a| {
        warn_of_keywords(t, args, "create_aggregate", &["name", "n_arg", "aggregate_class"])?;
        let name = values::c_argument(t, a[1], "create_aggregate() argument 1")?;
        let count = number::index_i32(t, a[2])?;
        let database = connection(a[0]).database(t)?;
        let locked = database.lock(t)?;
        let flags = ffi::SQLITE_UTF8;
        // SAFETY: as in `create_function`.
        let code = callbacks::register(&locked, a[3], |raw, data| unsafe {
            let destroy: Option<unsafe extern "C" fn(*mut c_void)> = Some(Callback::destroy);
            ffi::sqlite3_create_function_v2(raw, name.as_ptr(), count, flags, data, None, Some(step), Some(finalize), destroy)
        })?;
        if code != ffi::SQLITE_OK {
            return Err(t.raise(errors::OPERATIONAL_ERROR.get(), "Error creating aggregate"));
        }
        Ok(Value::NONE)
    })
}

pub(super) fn create_window_function(t: &Thread, a: &[Value]) -> R {
    let name = values::c_argument(t, a[1], "create_window_function() argument 1")?;
    let count = number::index_i32(t, a[2])?;
    let database = connection(a[0]).database(t)?;
    let locked = database.lock(t)?;
    let flags = ffi::SQLITE_UTF8;
    let code = if a[3].is_none() {
        // SAFETY: a name with its NUL.
        locked.run(|raw| unsafe {
            ffi::sqlite3_create_window_function(raw, name.as_ptr(), count, flags, ptr::null_mut(), None, None, None, None, None)
        })
    } else {
        // SAFETY: as in `create_function`.
        callbacks::register(&locked, a[3], |raw, data| unsafe {
            let destroy: Option<unsafe extern "C" fn(*mut c_void)> = Some(Callback::destroy);
            let (step, finalize, value) = (Some(step as _), Some(finalize as _), Some(value as _));
            ffi::sqlite3_create_window_function(raw, name.as_ptr(), count, flags, data, step, finalize, value, Some(inverse), destroy)
        })?
    };
    locked.do_leftovers()?;
    if code != ffi::SQLITE_OK {
        // The library does not note this one for its database.
        errors::misuse!(t, "{}", describe(code))
    }
    Ok(Value::NONE)
}
