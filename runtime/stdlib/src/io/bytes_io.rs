//! `BytesIO`: bytes in memory as a file.

use super::base::BUFFERED_IO_BASE;
use super::{size, whence};
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, GetSet, Signature, receiver};
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::{attr, call, number};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::memory::{Buffer, get_buffer, get_writable_buffer};
use limpid_vm::types::{Bytes, Dict, Tuple, Type, TypeDef, flag, int};
use limpid_vm::{layout, names, raise};
use parking_lot::Mutex;
use smallvec::SmallVec;
use std::mem::offset_of;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// `io.BytesIO`
pub static BYTES_IO: TypeCell = TypeCell::new();
/// What exports the bytes for `getbuffer`.
pub static BYTES_IO_BUFFER: TypeCell = TypeCell::new();

#[derive(Default)]
struct Content {
    bytes: Vec<u8>,
    position: usize,
    closed: bool,
}

/// The layout.
#[repr(C)]
pub struct BytesIo {
    header: Header,
    dict: Slot,
    /// How many buffers are exported: the bytes must stay where they are.
    exports: AtomicUsize,
    content: Box<Mutex<Content>>,
}
layout!(BytesIo, BYTES_IO.get(), Slots);

fn new(t: &Thread, class: Value, _: Args<'_>) -> R {
    // SAFETY: `__new__` is called with a class.
    let class = unsafe { Ref::<Type>::from_value(class) };
    let object = t.alloc_instance(
        class,
        BytesIo { header: header_of::<BytesIo>(), dict: Slot::NULL, exports: AtomicUsize::new(0), content: Box::default() },
    );
    // SAFETY: the function drops what was made here.
    unsafe { limpid_heap::register_drop(&t.mutator, NonNull::new_unchecked(object.ptr().cast()), drop_content) };
    Ok(object.value())
}

unsafe fn drop_content(p: *mut u8) {
    // SAFETY: registered for this layout only; the cell is dead.
    unsafe { std::ptr::drop_in_place(&raw mut (*(p as *mut BytesIo)).content) }
}

fn init(t: &Thread, v: Value, args: Args<'_>) -> R<()> {
    static SIGNATURE: Signature = Signature::parse("initial_bytes=b''");
    args.bind(t, "BytesIO", &SIGNATURE, |a| {
        let bytes = if a[0].is_null() || a[0].is_none() { Vec::new() } else { get_buffer(t, a[0])?.as_slice().to_vec() };
        with_unexported(t, v, |c| *c = Content { bytes, position: 0, closed: false })
    })
}

/// Runs `f` on the content, where the bytes may move: BufferError if a buffer is exported. What may run Python code, and so export one,
/// has to be done before. `f` runs none.
fn with_unexported<T>(t: &Thread, v: Value, f: impl FnOnce(&mut Content) -> T) -> R<T> {
    let this = receiver::<BytesIo>(v);
    limpid_vm::types::memory::release_garbage(t, &this.exports)?;
    {
        // Buffers are exported under this lock.
        let mut content = this.content.lock();
        if this.exports.load(Relaxed) == 0 {
            return Ok(f(&mut content));
        }
    }
    raise!(t, BufferError, "Existing exports of data: object cannot be re-sized")
}

/// The same with an open file.
fn with_resizable<T>(t: &Thread, v: Value, f: impl FnOnce(&mut Content) -> T) -> R<T> {
    match with_unexported(t, v, |c| (!c.closed).then(|| f(c)))? {
        Some(result) => Ok(result),
        None => raise!(t, ValueError, "I/O operation on closed file."),
    }
}

/// Runs `f` on the content of an open file. `f` runs no Python code.
fn with<T>(t: &Thread, v: Value, f: impl FnOnce(&mut Content) -> T) -> R<T> {
    let this = receiver::<BytesIo>(v);
    let mut content = this.content.lock();
    if content.closed {
        drop(content);
        raise!(t, ValueError, "I/O operation on closed file.");
    }
    Ok(f(&mut content))
}

/// What was read: copied, for nothing is allocated in the heap while the content is locked; most reads are short.
type Taken = SmallVec<[u8; 128]>;

fn take(c: &mut Content, n: usize) -> Taken {
    let start = c.position.min(c.bytes.len());
    let end = start.saturating_add(n).min(c.bytes.len());
    if end > start {
        c.position = end;
    }
    SmallVec::from_slice(&c.bytes[start..end])
}

fn read(t: &Thread, a: &[Value]) -> R {
    let n = size(t, a[1])?.unwrap_or(usize::MAX);
    Ok(Bytes::from_slice(t, &with(t, a[0], |c| take(c, n))?)?.value())
}

fn line(c: &mut Content, limit: usize) -> Taken {
    let start = c.position.min(c.bytes.len());
    let rest = &c.bytes[start..];
    let rest = &rest[..rest.len().min(limit)];
    let n = memchr::memchr(b'\n', rest).map_or(rest.len(), |i| i + 1);
    take(c, n)
}

fn readline(t: &Thread, a: &[Value]) -> R {
    let n = size(t, a[1])?.unwrap_or(usize::MAX);
    Ok(Bytes::from_slice(t, &with(t, a[0], |c| line(c, n))?)?.value())
}

fn next(t: &Thread, v: Value) -> R {
    let l = with(t, v, |c| line(c, usize::MAX))?;
    if l.is_empty() { Ok(Value::NULL) } else { Ok(Bytes::from_slice(t, &l)?.value()) }
}

fn readinto(t: &Thread, a: &[Value]) -> R {
    let mut into = get_writable_buffer(t, a[1], "readinto() argument")?;
    let out = into.as_mut_slice();
    let got = with(t, a[0], |c| take(c, out.len()))?;
    out[..got.len()].copy_from_slice(&got);
    Ok(Value::int(got.len() as i64))
}

fn write(t: &Thread, a: &[Value]) -> R {
    with(t, a[0], |_| ())?;
    let data = get_buffer(t, a[1])?;
    let bytes = data.to_contiguous();
    with_resizable(t, a[0], |c| {
        if bytes.is_empty() {
            return;
        }
        let end = c.position + bytes.len();
        if c.position == c.bytes.len() {
            c.bytes.extend_from_slice(&bytes);
        } else {
            if end > c.bytes.len() {
                c.bytes.resize(end, 0);
            }
            c.bytes[c.position..end].copy_from_slice(&bytes);
        }
        c.position = end;
    })?;
    Ok(Value::int(bytes.len() as i64))
}

fn seek(t: &Thread, a: &[Value]) -> R {
    let (offset, how) = (number::index_isize(t, a[1])? as i64, whence(t, a[2])?);
    let (at, len) = with(t, a[0], |c| (c.position as i64, c.bytes.len() as i64))?;
    let target = match how {
        0 if offset < 0 => raise!(t, ValueError, "negative seek value {offset}"),
        0 => offset,
        1 => at.saturating_add(offset).max(0),
        2 => len.saturating_add(offset).max(0),
        _ => raise!(t, ValueError, "invalid whence ({how}, should be 0, 1 or 2)"),
    };
    with(t, a[0], |c| c.position = target as usize)?;
    Ok(int::from_i64(t, target))
}

fn truncate(t: &Thread, a: &[Value]) -> R {
    let n = match size_or_negative(t, a[1])? {
        Some(n) if n < 0 => raise!(t, ValueError, "negative size value {n}"),
        Some(n) => n as usize,
        None => with(t, a[0], |c| c.position)?,
    };
    with_resizable(t, a[0], |c| c.bytes.truncate(n))?;
    Ok(Value::int(n as i64))
}

fn size_or_negative(t: &Thread, v: Value) -> R<Option<isize>> {
    if v.is_null() || v.is_none() { Ok(None) } else { number::index_isize(t, v).map(Some) }
}

fn close(t: &Thread, a: &[Value]) -> R {
    with_unexported(t, a[0], |c| {
        c.closed = true;
        c.bytes = Vec::new();
    })?;
    Ok(Value::NONE)
}

/// The object whose buffer is the file's bytes.
#[repr(C)]
pub struct BytesIoBuffer {
    header: Header,
    source: Slot,
}
layout!(BytesIoBuffer, BYTES_IO_BUFFER.get(), Slots);

fn release(_: &Thread, exporter: Value) {
    if let Some(source) = exporter.downcast::<BytesIoBuffer>() {
        receiver::<BytesIo>(source.source.get()).exports.fetch_sub(1, Relaxed);
    }
}

fn export(t: &Thread, v: Value, flags: u32) -> R<Buffer> {
    let source = receiver::<BytesIoBuffer>(v).source.get();
    let this = receiver::<BytesIo>(source);
    let (p, n) = with(t, source, |c| {
        this.exports.fetch_add(1, Relaxed);
        (c.bytes.as_mut_ptr(), c.bytes.len())
    })?;
    match Buffer::simple(t, v, v, p, n, false, flags) {
        Ok(b) => Ok(b.released_by(release)),
        Err(raised) => {
            this.exports.fetch_sub(1, Relaxed);
            Err(raised)
        }
    }
}

/// `_io._BytesIOBuffer`
pub static BYTES_IO_BUFFER_DEF: TypeDef = TypeDef {
    flags: flag::DISALLOW_INSTANTIATION,
    slots: SlotTable { buffer: Some(export), ..SlotTable::EMPTY },
    ..TypeDef::of::<BytesIoBuffer>("_io._BytesIOBuffer")
};

fn getbuffer(t: &Thread, a: &[Value]) -> R {
    with(t, a[0], |_| ())?;
    let exporter = t.alloc(BytesIoBuffer { header: header_of::<BytesIoBuffer>(), source: Slot::new(a[0]) });
    call::call(t, limpid_vm::types::builtin::MEMORYVIEW.value(), &[exporter.value()])
}

fn getstate(t: &Thread, a: &[Value]) -> R {
    let (bytes, position) = with(t, a[0], |c| (c.bytes.clone(), c.position))?;
    let dict = match attr::get_attr_opt(t, a[0], names::__dict__)?.and_then(|d| d.downcast::<Dict>()) {
        Some(d) if !d.is_empty() => d.copy(t)?.value(),
        _ => Value::NONE,
    };
    Ok(Tuple::from_slice(t, &[Bytes::from_slice(t, &bytes)?.value(), int::from_usize(t, position), dict]).value())
}

fn setstate(t: &Thread, a: &[Value]) -> R {
    let Some(state) = a[1].downcast::<Tuple>().filter(|s| s.len() >= 3) else {
        raise!(
            t,
            TypeError,
            "{}.__setstate__ argument should be 3-tuple, got {}",
            a[0].class().display_name(),
            a[1].class().display_name()
        );
    };
    let bytes = get_buffer(t, state.get(0))?.as_slice().to_vec();
    if !int::is_int(state.get(1)) {
        raise!(t, TypeError, "second item of state must be an integer, got {}", state.get(1).class().display_name());
    }
    let position = int::to_i64(t, state.get(1))?;
    if position < 0 {
        raise!(t, ValueError, "position value cannot be negative");
    }
    with_resizable(t, a[0], |c| {
        c.bytes = bytes;
        c.position = position as usize;
    })?;
    if !state.get(2).is_none() {
        if state.get(2).downcast::<Dict>().is_none() {
            raise!(t, TypeError, "third item of state should be a dict, got a {}", state.get(2).class().display_name());
        }
        let dict = attr::get_attr(t, a[0], names::__dict__)?;
        call::call_method(t, dict, names::update, &[state.get(2)])?;
    }
    Ok(Value::NONE)
}

fn yes(t: &Thread, a: &[Value]) -> R {
    with(t, a[0], |_| Value::TRUE)
}

/// `io.BytesIO`
pub static BYTES_IO_DEF: TypeDef = TypeDef {
    doc: "BytesIO(initial_bytes=b'')\n--\n\nBytes in memory as a file.",
    base: Some(|| BUFFERED_IO_BASE.get()),
    flags: flag::BASE_TYPE | flag::WEAK_REFERENCES,
    slots: SlotTable { new: Some(new), init: Some(init), next: Some(next), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("read", "self, size=-1, /", read),
        FnDef::def("read1", "self, size=-1, /", read),
        FnDef::def("readline", "self, size=-1, /", readline),
        FnDef::def("readinto", "self, buffer, /", readinto),
        FnDef::def("write", "self, b, /", write),
        FnDef::def("seek", "self, pos, whence=0, /", seek),
        FnDef::def("tell", "self, /", |t, a| Ok(int::from_usize(t, with(t, a[0], |c| c.position)?))),
        FnDef::def("truncate", "self, size=None, /", truncate),
        FnDef::def("close", "self, /", close),
        FnDef::def("flush", "self, /", |t, a| with(t, a[0], |_| Value::NONE)),
        FnDef::def("isatty", "self, /", |t, a| with(t, a[0], |_| Value::FALSE)),
        FnDef::def("readable", "self, /", yes),
        FnDef::def("writable", "self, /", yes),
        FnDef::def("seekable", "self, /", yes),
        FnDef::def("getvalue", "self, /", |t, a| Ok(Bytes::from_slice(t, &with(t, a[0], |c| c.bytes.clone())?)?.value())),
        FnDef::def("getbuffer", "self, /", getbuffer),
        FnDef::def("__getstate__", "self, /", getstate),
        FnDef::def("__setstate__", "self, state, /", setstate),
    ],
    getset: &[GetSet::getter("closed", |_, v| Ok(Value::bool(receiver::<BytesIo>(v).content.lock().closed)))],
    dict_offset: offset_of!(BytesIo, dict),
    ..TypeDef::of::<BytesIo>("_io.BytesIO")
};
