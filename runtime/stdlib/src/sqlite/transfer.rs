//! Whole databases: copied to others, as bytes, as SQL.

use super::connection::{CONNECTION, Connection, connection};
use super::database::{Database, Locked};
use super::values;
use libsqlite3_sys as ffi;
use limpid_heap::Value;
use limpid_vm::args::Args;
use limpid_vm::modules::import;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{attr, call, number};
use limpid_vm::thread::Thread;
use limpid_vm::types::memory::get_buffer;
use limpid_vm::types::{Bytes, Str, Tuple, str};
use limpid_vm::{exc, raise};
use std::ffi::c_int;
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

/// `Connection.backup`
pub(super) fn backup(t: &Thread, a: &[Value]) -> R {
    let this = connection(a[0]);
    let Some(target) = a[1].downcast::<Connection>() else {
        let expected = CONNECTION.get().display_name();
        raise!(t, TypeError, "backup() argument 'target' must be {expected}, not {}", a[1].class().display_name())
    };
    let pages = if a[2].is_null() { -1 } else { number::index_i32(t, a[2])? };
    let progress = a[3].non_null().filter(|v| !v.is_none());
    let name = values::schema(t, a[4], "backup")?;
    let sleep = if a[5].is_null() { 0.25 } else { number::as_float(t, a[5])? };
    let from = this.database(t)?;
    if target == this {
        raise!(t, ValueError, "target cannot be the same connection instance")
    }
    let to = target.open_database(t)?;
    if progress.is_some_and(|f| !call::is_callable(f)) {
        raise!(t, TypeError, "progress argument must be a callable")
    }
    let sleep = Duration::try_from_secs_f64(sleep.max(0.0)).unwrap_or(Duration::MAX);
    let _copying = (from.begin_copy(), to.begin_copy());
    let copy = with_both(t, &from, &to, |from, to| {
        // SAFETY: two open databases, and names with their NUL.
        let copy = from.run(|raw| unsafe { ffi::sqlite3_backup_init(to.raw(), c"main".as_ptr(), raw, name.as_ptr()) });
        if copy.is_null() { Err(to.failure(ffi::SQLITE_ERROR)) } else { Ok(copy) }
    })?;
    // Others may use both databases between one step and the next.
    let step = || {
        // SAFETY: the copy is not finished.
        with_both(t, &from, &to, |from, _| unsafe {
            let code = from.run(|_| ffi::sqlite3_backup_step(copy, if pages == 0 { -1 } else { pages }));
            Ok((code, ffi::sqlite3_backup_remaining(copy), ffi::sqlite3_backup_pagecount(copy)))
        })
    };
    let outcome = (|| {
        loop {
            let (code, remaining, all) = step()?;
            if let Some(progress) = progress {
                call::call(t, progress, &[code, remaining, all].map(|n| Value::int(n.into())))?;
            }
            match code {
                ffi::SQLITE_OK => {}
                // Somebody has locked one of the two.
                ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => t.blocking(|| std::thread::sleep(sleep)),
                _ => return Ok(()),
            }
            t.poll()?;
        }
    })();
    let error = t.take_exception();
    with_both(t, &from, &to, |from, to| {
        // SAFETY: the copy is used no more.
        let code = from.run(|_| unsafe { ffi::sqlite3_backup_finish(copy) });
        if error.is_null() { to.check(code) } else { Ok(()) }
    })?;
    if !error.is_null() {
        t.raise_value(error);
    }
    outcome?;
    Ok(Value::NONE)
}

/// All threads lock two databases in the same order.
fn in_order(from: &Arc<Database>, to: &Arc<Database>) -> bool {
    Arc::as_ptr(from) < Arc::as_ptr(to)
}

/// Runs `f` with the right to use both databases.
fn with_both<T>(t: &Thread, from: &Arc<Database>, to: &Arc<Database>, f: impl FnOnce(&Locked<'_>, &Locked<'_>) -> R<T>) -> R<T> {
    if in_order(from, to) {
        let from = from.lock(t)?;
        f(&from, &to.lock(t)?)
    } else {
        let to = to.lock(t)?;
        f(&from.lock(t)?, &to)
    }
}

/// `Connection.serialize`
pub(super) fn serialize(t: &Thread, a: &[Value]) -> R {
    let name = values::schema(t, a[1], "serialize")?;
    let database = connection(a[0]).database(t)?;
    let locked = database.lock(t)?;
    let mut size = 0i64;
    let no_copy = ffi::SQLITE_SERIALIZE_NOCOPY;
    // SAFETY: a name with its NUL. A database in memory lends its bytes as long as it is not changed; others are copied.
    let (data, owned) = locked.run(|raw| unsafe {
        let lent = ffi::sqlite3_serialize(raw, name.as_ptr(), &mut size, no_copy);
        if lent.is_null() { (ffi::sqlite3_serialize(raw, name.as_ptr(), &mut size, 0), true) } else { (lent, false) }
    });
    if data.is_null() {
        let shown = name.to_string_lossy();
        return Err(t.raise(super::errors::OPERATIONAL_ERROR.get(), &format!("unable to serialize '{shown}'")));
    }
    // SAFETY: the library says how many bytes there are.
    let bytes = Bytes::from_slice(t, unsafe { std::slice::from_raw_parts(data, size as usize) });
    if owned {
        // SAFETY: the library's memory, which nobody refers to any more.
        unsafe { ffi::sqlite3_free(data.cast()) };
    }
    Ok(bytes?.value())
}

/// `Connection.deserialize`
pub(super) fn deserialize(t: &Thread, a: &[Value]) -> R {
    let name = values::schema(t, a[2], "deserialize")?;
    let text = a[1].downcast::<Str>();
    let (buffer, utf8);
    let data = match &text {
        Some(text) => {
            utf8 = values::utf8(t, text)?;
            utf8.as_bytes()
        }
        None => {
            buffer = get_buffer(t, a[1])?;
            buffer.as_slice()
        }
    };
    let database = connection(a[0]).database(t)?;
    let size = data.len() as i64;
    // SAFETY: memory of the library's, which it takes, filled with as many bytes as there are.
    let copy = unsafe {
        let copy = ffi::sqlite3_malloc64(data.len() as u64) as *mut u8;
        if copy.is_null() && !data.is_empty() {
            return Err(exc::raise_memory_error(t));
        }
        if !copy.is_null() {
            ptr::copy_nonoverlapping(data.as_ptr(), copy, data.len());
        }
        copy
    };
    let locked = match database.lock(t) {
        Ok(locked) => locked,
        Err(raised) => {
            // SAFETY: nobody else has it.
            unsafe { ffi::sqlite3_free(copy.cast()) };
            return Err(raised);
        }
    };
    let flags = ffi::SQLITE_DESERIALIZE_FREEONCLOSE | ffi::SQLITE_DESERIALIZE_RESIZEABLE;
    // SAFETY: a name with its NUL; the library frees the bytes, also if this fails.
    let code = locked.run(|raw| unsafe { ffi::sqlite3_deserialize(raw, name.as_ptr(), copy, size, size, flags) });
    locked.check(code as c_int)?;
    Ok(Value::NONE)
}

/// `Connection.iterdump`
pub(super) fn iterdump(t: &Thread, a: &[Value]) -> R {
    let this: Ref<Connection> = connection(a[0]);
    this.open_database(t)?;
    let dump = attr::get_attr_text(t, import::import_text(t, "sqlite3.dump")?, "_iterdump")?;
    let names = Tuple::from_slice(t, &[str::intern(t, "filter")]).value();
    call::call_args(t, dump, Args::with_keywords(&[a[0], a[1].non_null().unwrap_or(Value::NONE)], names))
}
