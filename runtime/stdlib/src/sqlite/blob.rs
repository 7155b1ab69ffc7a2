//! The type `Blob`: a column's bytes that are read and written in place.

use super::connection::{Connection, connection};
use super::database::{Leftovers, Locked};
use super::errors::misuse;
use super::values;
use crate::owned;
use libsqlite3_sys as ffi;
use limpid_heap::{Header, Value};
use limpid_vm::args::{FnDef, receiver};
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::{number, truth};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::memory::get_buffer;
use limpid_vm::types::{Bytes, Slice, TypeDef, flag, int, slice};
use limpid_vm::{exc, layout, raise};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

/// The layout of a blob.
#[repr(C)]
pub(super) struct Blob {
    header: Header,
    connection: Slot,
    handle: Handle,
    /// Where the next read or write begins.
    offset: AtomicI32,
}

/// `sqlite3.Blob`
pub(super) static BLOB: TypeCell = TypeCell::new();
layout!(Blob, BLOB.get(), Mixed);

/// The library's blob. Whether it is open still, the database knows.
struct Handle {
    number: u64,
    leftovers: Arc<Leftovers>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.leftovers.close_blob(self.number);
    }
}

/// `Connection.blobopen`
pub(super) fn open(t: &Thread, a: &[Value]) -> R {
    let table = values::c_argument(t, a[1], "blobopen() argument 1")?;
    let column = values::c_argument(t, a[2], "blobopen() argument 2")?;
    if !int::is_int(a[3]) {
        raise!(t, TypeError, "expected 'int'")
    }
    let Some(row) = int::as_i64_opt(a[3]) else { raise!(t, OverflowError, "Python int too large to convert to SQLite INTEGER") };
    let readonly = !a[4].is_null() && truth::truth(t, a[4])?;
    let name = values::schema(t, a[5], "blobopen")?;
    let database = connection(a[0]).database(t)?;
    let locked = database.lock(t)?;
    let mut raw = ptr::null_mut();
    // SAFETY: names with their NUL; the library stores a blob or NULL.
    let code = locked
        .run(|db| unsafe { ffi::sqlite3_blob_open(db, name.as_ptr(), table.as_ptr(), column.as_ptr(), row, (!readonly).into(), &mut raw) });
    locked.check(code)?;
    let number = locked.add_blob(raw);
    let made = Blob {
        header: header_of::<Blob>(),
        connection: Slot::new(a[0]),
        handle: Handle { number, leftovers: database.leftovers().clone() },
        offset: AtomicI32::new(0),
    };
    Ok(owned::dropped(t, t.alloc(made)).value())
}

/// Runs `f` with the open blob.
fn with_open<T>(t: &Thread, v: Value, f: impl FnOnce(&Open<'_>) -> R<T>) -> R<T> {
    let this = receiver::<Blob>(v);
    let of: Ref<Connection> = connection(this.connection.get());
    let database = of.database(t)?;
    let locked = database.lock(t)?;
    let open = Open { locked: &locked, this };
    open.raw()?;
    f(&open)
}

/// A blob whose database this thread has locked.
struct Open<'a> {
    locked: &'a Locked<'a>,
    this: Ref<Blob>,
}

impl Open<'_> {
    /// The library's blob; ProgrammingError if it is closed, as code that is called in between may do.
    fn raw(&self) -> R<*mut ffi::sqlite3_blob> {
        match self.locked.blob(self.this.handle.number) {
            Some(raw) => Ok(raw),
            None => misuse!(self.locked.t, "Cannot operate on a closed blob."),
        }
    }

    fn len(&self) -> R<i32> {
        // SAFETY: open, and the lock is held.
        Ok(unsafe { ffi::sqlite3_blob_bytes(self.raw()?) })
    }

    fn read(&self, offset: i32, len: i32) -> R<Ref<Bytes>> {
        let raw = self.raw()?;
        let mut bytes = vec![0u8; len as usize];
        let to = bytes.as_mut_ptr();
        // SAFETY: open, and room for so many bytes.
        let code = self.locked.run(|_| unsafe { ffi::sqlite3_blob_read(raw, to.cast(), len, offset) });
        self.locked.check(code)?;
        Bytes::from_slice(self.locked.t, &bytes)
    }

    fn write(&self, offset: i32, bytes: &[u8]) -> R<()> {
        // Not the caller's memory: that may be in the heap.
        let (raw, bytes) = (self.raw()?, bytes.to_vec());
        // SAFETY: open, and so many bytes.
        let code = self.locked.run(|_| unsafe { ffi::sqlite3_blob_write(raw, bytes.as_ptr().cast(), bytes.len() as i32, offset) });
        self.locked.check(code)
    }

    /// The offset of an index.
    fn index(&self, t: &Thread, key: Value) -> R<i32> {
        let i = number::index_isize_or(t, key, exc::IndexError)?;
        let len = self.len()? as isize;
        let i = if i < 0 { i + len } else { i };
        if i < 0 || i >= len {
            raise!(t, IndexError, "Blob index out of range")
        }
        Ok(i as i32)
    }
}

fn close(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Blob>(a[0]);
    let database = connection(this.connection.get()).database(t)?;
    database.lock(t)?.close_blob(this.handle.number);
    Ok(Value::NONE)
}

fn read(t: &Thread, a: &[Value]) -> R {
    let wanted = if a[1].is_null() { -1 } else { number::index_i32(t, a[1])? };
    with_open(t, a[0], |open| {
        let offset = open.this.offset.load(Relaxed);
        let rest = (open.len()? - offset).max(0);
        let len = if (0..=rest).contains(&wanted) { wanted } else { rest };
        let bytes = open.read(offset, len)?;
        open.this.offset.store(offset + len, Relaxed);
        Ok(bytes.value())
    })
}

fn write(t: &Thread, a: &[Value]) -> R {
    let data = get_buffer(t, a[1])?;
    with_open(t, a[0], |open| {
        let offset = open.this.offset.load(Relaxed);
        if data.len > (open.len()? - offset).max(0) as usize {
            raise!(t, ValueError, "data longer than blob length")
        }
        open.write(offset, data.as_slice())?;
        open.this.offset.store(offset + data.len as i32, Relaxed);
        Ok(Value::NONE)
    })
}

fn seek(t: &Thread, a: &[Value]) -> R {
    let offset = number::index_i32(t, a[1])?;
    let origin = if a[2].is_null() { libc::SEEK_SET } else { number::index_i32(t, a[2])? };
    with_open(t, a[0], |open| {
        let base = match origin {
            libc::SEEK_SET => 0,
            libc::SEEK_CUR => open.this.offset.load(Relaxed),
            libc::SEEK_END => open.len()?,
            _ => raise!(t, ValueError, "'origin' should be os.SEEK_SET, os.SEEK_CUR, or os.SEEK_END"),
        };
        let Some(to) = offset.checked_add(base) else { raise!(t, OverflowError, "seek offset results in overflow") };
        if !(0..=open.len()?).contains(&to) {
            raise!(t, ValueError, "offset out of blob range")
        }
        open.this.offset.store(to, Relaxed);
        Ok(Value::NONE)
    })
}

fn get_item(t: &Thread, v: Value, key: Value) -> R {
    with_open(t, v, |open| {
        if number::is_index(key) {
            let at = open.index(t, key)?;
            return Ok(Value::int(open.read(at, 1)?.as_slice()[0].into()));
        }
        let Some(key) = key.downcast::<Slice>() else { raise!(t, TypeError, "Blob indices must be integers") };
        let indices = slice::indices(t, key, open.len()? as usize)?;
        if indices.len == 0 {
            return Ok(Bytes::empty(t)?.value());
        }
        let (first, last) = span(&indices);
        let bytes = open.read(first as i32, (last - first + 1) as i32)?;
        let picked: Vec<u8> = (0..indices.len).map(|i| bytes.as_slice()[indices.at(i) - first]).collect();
        Ok(Bytes::from_slice(t, &picked)?.value())
    })
}

/// The lowest and the highest index of those that there are.
fn span(indices: &slice::Indices) -> (usize, usize) {
    let (first, last) = (indices.at(0), indices.at(indices.len - 1));
    (first.min(last), first.max(last))
}

fn set_item(t: &Thread, v: Value, key: Value, to: Value) -> R<()> {
    with_open(t, v, |open| {
        if number::is_index(key) {
            return set_byte(t, open, key, to);
        }
        let Some(key) = key.downcast::<Slice>() else { raise!(t, TypeError, "Blob indices must be integers") };
        if to.is_null() {
            raise!(t, TypeError, "Blob doesn't support slice deletion")
        }
        let indices = slice::indices(t, key, open.len()? as usize)?;
        let data = get_buffer(t, to)?;
        if data.len != indices.len {
            raise!(t, IndexError, "Blob slice assignment is wrong size")
        }
        if indices.len == 0 {
            return Ok(());
        }
        let (first, last) = span(&indices);
        let mut bytes = open.read(first as i32, (last - first + 1) as i32)?.as_slice().to_vec();
        for (i, byte) in data.as_slice().iter().enumerate() {
            bytes[indices.at(i) - first] = *byte;
        }
        open.write(first as i32, &bytes)
    })
}

fn set_byte(t: &Thread, open: &Open<'_>, key: Value, to: Value) -> R<()> {
    if to.is_null() {
        raise!(t, TypeError, "Blob doesn't support item deletion")
    }
    let at = open.index(t, key)?;
    if !int::is_int(to) {
        raise!(t, TypeError, "'{}' object cannot be interpreted as an integer", to.class().display_name())
    }
    let Some(byte) = int::as_i64_opt(to).and_then(|n| u8::try_from(n).ok()) else { raise!(t, ValueError, "byte must be in range(0, 256)") };
    open.write(at, &[byte])
}

/// `sqlite3.Blob`
pub(super) static BLOB_DEF: TypeDef = TypeDef {
    // A mapping, so that it is not iterated by index.
    flags: flag::DISALLOW_INSTANTIATION | flag::WEAK_REFERENCES | flag::MAPPING,
    slots: SlotTable {
        len: Some(|t, v| with_open(t, v, |open| Ok(open.len()? as usize))),
        getitem: Some(get_item),
        setitem: Some(set_item),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::def("close", "self, /", close).doc("Close the blob."),
        FnDef::def("read", "self, length=-1, /", read)
            .doc("Read data at the current offset position.\n\n  length\n    Read length in bytes.\n\nIf the end of the blob is reached, the data up to end of file will be returned.\nWhen length is not specified, or is negative, Blob.read() will read until the\nend of the blob."),
        FnDef::def("write", "self, data, /", write)
            .doc("Write data at the current offset.\n\nThis function cannot change the blob length.  Writing beyond the end of the\nblob will result in an exception being raised."),
        FnDef::def("seek", "self, offset, origin=0, /", seek)
            .doc("Set the current access position to offset.\n\nThe origin argument defaults to os.SEEK_SET (absolute blob positioning).\nOther values for origin are os.SEEK_CUR (seek relative to the current position)\nand os.SEEK_END (seek relative to the blob's end)."),
        FnDef::def("tell", "self, /", |t, a| {
            with_open(t, a[0], |open| Ok(Value::int(open.this.offset.load(Relaxed).into())))
        })
        .doc("Return the current access position for the blob."),
        FnDef::def("__enter__", "self, /", |t, a| with_open(t, a[0], |_| Ok(a[0]))).doc("Blob context manager enter."),
        FnDef::def("__exit__", "self, type, val, tb, /", |t, a| {
            with_open(t, a[0], |open| {
                open.locked.close_blob(open.this.handle.number);
                Ok(Value::FALSE)
            })
        })
        .doc("Blob context manager exit."),
    ],
    ..TypeDef::of::<Blob>("sqlite3.Blob")
};
