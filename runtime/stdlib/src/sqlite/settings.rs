//! Limits and switches of a connection, and extensions of the library.

use super::connection::connection;
use super::errors::{self, misuse, text};
use super::{constants, values};
use crate::fs;
use libsqlite3_sys as ffi;
use limpid_heap::Value;
use limpid_vm::modules::sys;
use limpid_vm::object::R;
use limpid_vm::protocol::{number, truth};
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use std::ptr;

/// Sets a limit, unless it is negative; the one before.
fn limit(t: &Thread, v: Value, category: Value, to: i32) -> R {
    let category = number::index_i32(t, category)?;
    let database = connection(v).database(t)?;
    let locked = database.lock(t)?;
    // SAFETY: the lock is held; any numbers are allowed.
    let before = unsafe { ffi::sqlite3_limit(locked.raw(), category, to) };
    if before < 0 {
        misuse!(t, "'category' is out of bounds")
    }
    Ok(Value::int(before.into()))
}

pub(super) fn get_limit(t: &Thread, a: &[Value]) -> R {
    limit(t, a[0], a[1], -1)
}

pub(super) fn set_limit(t: &Thread, a: &[Value]) -> R {
    let to = number::index_i32(t, a[2])?;
    limit(t, a[0], a[1], to)
}

/// Sets a switch, unless that is negative; how it is then.
fn switch(t: &Thread, v: Value, which: Value, to: i32) -> R<bool> {
    let which = number::index_i32(t, which)?;
    let database = connection(v).database(t)?;
    let locked = database.lock(t)?;
    if !constants::is_switch(which) {
        raise!(t, ValueError, "unknown config 'op': {which}")
    }
    let mut now = 0i32;
    // SAFETY: the arguments that this kind of setting has.
    let code = locked.run(|raw| unsafe { ffi::sqlite3_db_config(raw, which, to, &raw mut now) });
    locked.check(code)?;
    Ok(now != 0)
}

pub(super) fn get_config(t: &Thread, a: &[Value]) -> R {
    Ok(Value::bool(switch(t, a[0], a[1], -1)?))
}

pub(super) fn set_config(t: &Thread, a: &[Value]) -> R {
    let to = a[2].is_null() || truth::truth(t, a[2])?;
    if switch(t, a[0], a[1], to.into())? != to {
        return Err(t.raise(errors::OPERATIONAL_ERROR.get(), "Unable to set config"));
    }
    Ok(Value::NONE)
}

pub(super) fn enable_load_extension(t: &Thread, a: &[Value]) -> R {
    let on = truth::truth(t, a[1])?;
    sys::audit(t, "sqlite3.enable_load_extension", &[a[0], Value::bool(on)])?;
    let database = connection(a[0]).database(t)?;
    let locked = database.lock(t)?;
    // SAFETY: the lock is held.
    let code = locked.run(|raw| unsafe { ffi::sqlite3_enable_load_extension(raw, on.into()) });
    if code != ffi::SQLITE_OK {
        return Err(t.raise(errors::OPERATIONAL_ERROR.get(), "Error enabling load extension"));
    }
    Ok(Value::NONE)
}

pub(super) fn load_extension(t: &Thread, a: &[Value]) -> R {
    let name = values::str_argument(t, a[1], "load_extension() argument 1")?;
    let Ok(path) = std::ffi::CString::new(fs::encode(t, name)?) else { raise!(t, ValueError, "embedded null character") };
    let entry = match a[2] {
        v if v.is_null() || v.is_none() => None,
        v => Some(values::c_argument(t, v, "load_extension() argument 'entrypoint'")?),
    };
    sys::audit(t, "sqlite3.load_extension", &[a[0], a[1]])?;
    let database = connection(a[0]).database(t)?;
    let locked = database.lock(t)?;
    let mut message = ptr::null_mut();
    let entry = entry.as_ref().map_or(ptr::null(), |e| e.as_ptr());
    // SAFETY: strings with their NUL; the message is the library's, and freed when it is copied.
    let code = locked.run(|raw| unsafe { ffi::sqlite3_load_extension(raw, path.as_ptr(), entry, &mut message) });
    if code == ffi::SQLITE_OK {
        return Ok(Value::NONE);
    }
    if message.is_null() {
        return Err(locked.failure(code));
    }
    // SAFETY: as above.
    let shown = unsafe {
        let shown = text(message).into_owned();
        ffi::sqlite3_free(message.cast());
        shown
    };
    Err(t.raise(errors::OPERATIONAL_ERROR.get(), &shown))
}
