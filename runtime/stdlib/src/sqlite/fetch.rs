//! Fetching rows.

use super::connection::Connection;
use super::cursor::{Cursor, cursor};
use super::database::Locked;
use super::errors::text;
use super::rows::Row;
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

/// The bytes of a value; None for NULL.
fn bytes<'a>(locked: &Locked<'_>, row: &'a Row<'_>, i: c_int, as_text: bool) -> R<Option<&'a [u8]>> {
    let bytes = row.bytes(i, as_text);
    // SAFETY: the lock is held.
    if bytes.is_none() && unsafe { ffi::sqlite3_errcode(locked.raw()) } == ffi::SQLITE_NOMEM {
        return Err(exc::raise_memory_error(locked.t));
    }
    Ok(bytes)
}

/// A column of text, as `text_factory` makes it.
fn text_column(locked: &Locked<'_>, prepared: &Prepared, row: Row<'_>, i: c_int, factory: Value) -> R {
    let t = locked.t;
    let bytes = bytes(locked, &row, i, true)?.unwrap_or(&[]);
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

/// A column of a row.
fn column(locked: &Locked<'_>, of: Ref<Connection>, prepared: &Prepared, row: Row<'_>, i: c_int, converter: Value) -> R {
    let t = locked.t;
    if !converter.is_none() {
        return match bytes(locked, &row, i, false)? {
            Some(bytes) => call::call(t, converter, &[Bytes::from_slice(t, bytes)?.value()]),
            None => Ok(Value::NONE),
        };
    }
    Ok(match row.kind(i) {
        ffi::SQLITE_NULL => Value::NONE,
        ffi::SQLITE_INTEGER => int::from_i64(t, row.integer(i)),
        ffi::SQLITE_FLOAT => Value::float(row.real(i)),
        ffi::SQLITE_TEXT => text_column(locked, prepared, row, i, of.text_factory.get())?,
        _ => Bytes::from_slice(t, bytes(locked, &row, i, false)?.unwrap_or(&[]))?.value(),
    })
}

/// A row as a tuple.
fn tuple(locked: &Locked<'_>, this: Ref<Cursor>, prepared: &Prepared, row: Row<'_>) -> R {
    let t = locked.t;
    let of = this.connection(t)?;
    let count = row.count();
    let converters = if of.settings().detect_types == 0 { None } else { this.converters.opt().and_then(|v| v.downcast::<Tuple>()) };
    let get = |i: usize| {
        let converter = converters.filter(|c| i < c.len()).map_or(Value::NONE, |c| c.get(i));
        column(locked, of, prepared, row, i as c_int, converter)
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
    let prepared = &running.reader.prepared;
    let taken = running.reader.take(&locked, |row| {
        let made = tuple(&locked, this, prepared, row);
        drop(busy);
        made
    });
    let (row, step) = match taken {
        Ok(taken) => taken,
        Err(raised) => {
            this.set_running(Some(running));
            return Err(raised);
        }
    };
    match step {
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
