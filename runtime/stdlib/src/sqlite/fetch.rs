//! Fetching rows.

use super::connection::Connection;
use super::cursor::{Cursor, cursor};
use super::database::Locked;
use super::errors::text;
use super::statement::{Prepared, Step};
use super::values;
use libsqlite3_sys as ffi;
use limpid_heap::Value;
use limpid_vm::exc;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{call, number};
use limpid_vm::thread::Thread;
use limpid_vm::types::{Bytearray, Bytes, List, Str, Tuple, ValueList, builtin, int};
use std::ffi::c_int;
use std::sync::atomic::Ordering::Relaxed;

/// Rows with so many columns need no list besides the tuple.
const FEW: usize = 16;

/// The bytes of a column; None for NULL.
fn column_bytes<'a>(locked: &'a Locked<'_>, prepared: &Prepared, i: c_int, as_text: bool) -> R<Option<&'a [u8]>> {
    let statement = prepared.raw(locked);
    // SAFETY: the lock is held; the bytes stay until the next step, or until the column is asked for in another form.
    unsafe {
        let start = if as_text { ffi::sqlite3_column_text(statement, i).cast() } else { ffi::sqlite3_column_blob(statement, i) };
        if start.is_null() && ffi::sqlite3_errcode(locked.raw()) == ffi::SQLITE_NOMEM {
            return Err(exc::raise_memory_error(locked.t));
        }
        let bytes = values::lent(start, ffi::sqlite3_column_bytes(statement, i));
        Ok((!start.is_null()).then_some(bytes))
    }
}

/// A column of text, as `text_factory` makes it.
fn text_column(locked: &Locked<'_>, prepared: &Prepared, i: c_int, factory: Value) -> R {
    let t = locked.t;
    let bytes = column_bytes(locked, prepared, i, true)?.unwrap_or(&[]);
    if factory == builtin::STR.value() {
        return match std::str::from_utf8(bytes) {
            Ok(decoded) => Ok(Str::try_new(t, decoded)?.value()),
            Err(_) => values::text(t, bytes).or_else(|_| {
                // SAFETY: the lock is held.
                let name = unsafe { text(ffi::sqlite3_column_name(prepared.raw(locked), i)) };
                values::undecodable(t, &name, bytes)
            }),
        };
    }
    if factory == builtin::BYTEARRAY.value() {
        return Ok(Bytearray::from_slice(t, bytes)?.value());
    }
    let bytes = Bytes::from_slice(t, bytes)?.value();
    if factory == builtin::BYTES.value() { Ok(bytes) } else { call::call(t, factory, &[bytes]) }
}

/// A column of the current row.
fn column(locked: &Locked<'_>, of: Ref<Connection>, prepared: &Prepared, i: c_int, converter: Value) -> R {
    let t = locked.t;
    if !converter.is_none() {
        return match column_bytes(locked, prepared, i, false)? {
            Some(bytes) => call::call(t, converter, &[Bytes::from_slice(t, bytes)?.value()]),
            None => Ok(Value::NONE),
        };
    }
    let statement = prepared.raw(locked);
    // SAFETY: the lock is held.
    Ok(match unsafe { ffi::sqlite3_column_type(statement, i) } {
        ffi::SQLITE_NULL => Value::NONE,
        // SAFETY: as above.
        ffi::SQLITE_INTEGER => int::from_i64(t, unsafe { ffi::sqlite3_column_int64(statement, i) }),
        // SAFETY: as above.
        ffi::SQLITE_FLOAT => Value::float(unsafe { ffi::sqlite3_column_double(statement, i) }),
        ffi::SQLITE_TEXT => text_column(locked, prepared, i, of.text_factory.get())?,
        _ => Bytes::from_slice(t, column_bytes(locked, prepared, i, false)?.unwrap_or(&[]))?.value(),
    })
}

/// The current row, a tuple.
fn row(locked: &Locked<'_>, this: Ref<Cursor>, prepared: &Prepared) -> R {
    let t = locked.t;
    let of = this.connection(t)?;
    // SAFETY: the lock is held.
    let count = unsafe { ffi::sqlite3_data_count(prepared.raw(locked)) } as usize;
    let converters = if of.settings().detect_types == 0 { None } else { this.converters.opt().and_then(|v| v.downcast::<Tuple>()) };
    let get = |i: usize| {
        let converter = converters.filter(|c| i < c.len()).map_or(Value::NONE, |c| c.get(i));
        column(locked, of, prepared, i as c_int, converter)
    };
    if count <= FEW {
        let mut few = [Value::NONE; FEW];
        for (i, place) in few[..count].iter_mut().enumerate() {
            *place = get(i)?;
        }
        return Ok(Tuple::from_slice(t, &few[..count]).value());
    }
    let mut list = ValueList::with_capacity(t, count);
    for i in 0..count {
        list.push(t, get(i)?);
    }
    Ok(Tuple::from_slice(t, list.as_slice()).value())
}

/// The next row; NULL at the end. The statement is one row ahead, so that it is reset as soon as its last row is read.
pub(super) fn next(t: &Thread, v: Value) -> R {
    let this = cursor(v);
    let current = this.database(t)?;
    // The statement may be of a database that the connection had before.
    let database = this.read_database().unwrap_or(current);
    let locked = database.lock(t)?;
    let busy = Cursor::begin(this, &locked)?;
    let Some(running) = this.take_running() else { return Ok(Value::NULL) };
    if !std::ptr::eq(&*running.database, &*database) {
        // Another thread has executed something meanwhile.
        this.set_running(Some(running));
        drop(busy);
        drop(locked);
        return next(t, v);
    }
    let prepared = &running.prepared;
    let row = row(&locked, this, prepared);
    drop(busy);
    let row = match row {
        Ok(row) => row,
        Err(raised) => {
            this.set_running(Some(running));
            return Err(raised);
        }
    };
    match prepared.step(&locked) {
        Ok(Step::Row) => this.set_running(Some(running)),
        Ok(Step::Done) => {
            if prepared.is_dml {
                // SAFETY: the lock is held.
                this.row_count.store(unsafe { ffi::sqlite3_changes64(locked.raw()) }, Relaxed);
            }
            running.end(&locked);
        }
        Err(raised) => {
            let error = t.take_exception();
            running.end(&locked);
            t.raise_value(error);
            return Err(raised);
        }
    }
    drop(locked);
    let factory = this.row_factory.get();
    if factory.is_none() { Ok(row) } else { call::call(t, factory, &[v, row]) }
}

/// `Cursor.fetchone`
pub(super) fn one(t: &Thread, a: &[Value]) -> R {
    Ok(next(t, a[0])?.non_null().unwrap_or(Value::NONE))
}

/// Rows until there are no more, or `most`.
fn rows(t: &Thread, v: Value, most: i64) -> R {
    let list = List::new(t);
    while let Some(row) = next(t, v)?.non_null() {
        list.append(t, row)?;
        if list.len() as i64 == most {
            break;
        }
    }
    Ok(list.value())
}

/// `Cursor.fetchmany`
pub(super) fn many(t: &Thread, a: &[Value]) -> R {
    let size = if a[1].is_null() { cursor(a[0]).array_size.load(Relaxed) } else { number::index_i32(t, a[1])? };
    rows(t, a[0], size.into())
}

/// `Cursor.fetchall`
pub(super) fn all(t: &Thread, a: &[Value]) -> R {
    rows(t, a[0], -1)
}
