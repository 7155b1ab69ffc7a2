//! `BufferedReader`, `BufferedWriter`, `BufferedRandom`, `BufferedRWPair`.
//!
//! One layout serves the first three: bytes read ahead and bytes not yet written. At most one of the two is non-empty. A lock of its own
//! makes every operation atomic towards other threads; the same thread coming back while it holds it (a raw stream that uses its own
//! buffer, a signal handler) is an error, as in CPython.

pub mod pair;
mod reading;

use super::base::BUFFERED_IO_BASE;
use super::{ask, method, unsupported, whence};
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, GetSet, Signature};
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::{attr, number, text};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::memory::get_buffer;
use limpid_vm::types::{Bytes, Exception, Str, Type, TypeDef, flag, int};
use limpid_vm::{exc, layout, names, raise};
use parking_lot::Mutex;
use reading::{peek, read, read1, reader_next, readinto, readline};
use std::mem::offset_of;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// `io.BufferedReader`
pub static READER: TypeCell = TypeCell::new();
/// `io.BufferedWriter`
pub static WRITER: TypeCell = TypeCell::new();
/// `io.BufferedRandom`
pub static RANDOM: TypeCell = TypeCell::new();

/// The bytes on their way.
#[derive(Default)]
struct State {
    /// How many bytes are read ahead or collected; 0 before `__init__`.
    size: usize,
    read: Vec<u8>,
    /// How many of `read` were handed out.
    at: usize,
    written: Vec<u8>,
}

impl State {
    fn ahead(&self) -> &[u8] {
        &self.read[self.at..]
    }

    fn forget_ahead(&mut self) {
        self.read.clear();
        self.at = 0;
    }
}

/// The layout.
#[repr(C)]
pub struct Buffered {
    header: Header,
    /// The raw stream; NULL before `__init__` and after `detach`.
    raw: Slot,
    dict: Slot,
    owner: AtomicU64,
    state: Box<Mutex<State>>,
}
layout!(Buffered, READER.get(), Slots);

fn make(t: &Thread, class: Value) -> R {
    // SAFETY: `__new__` is called with a class.
    let class = unsafe { Ref::<Type>::from_value(class) };
    let object = t.alloc_instance(
        class,
        Buffered { header: header_of::<Buffered>(), raw: Slot::NULL, dict: Slot::NULL, owner: AtomicU64::new(0), state: Box::default() },
    );
    // SAFETY: the function drops what was made here.
    unsafe { limpid_heap::register_drop(&t.mutator, NonNull::new_unchecked(object.ptr().cast()), drop_state) };
    if !class.has(flag::HEAP_TYPE) {
        class.on_new_instance(t, object.value());
    }
    Ok(object.value())
}

unsafe fn drop_state(p: *mut u8) {
    // SAFETY: registered for this layout only; the cell is dead.
    unsafe { std::ptr::drop_in_place(&raw mut (*(p as *mut Buffered)).state) }
}

/// The stream, its raw stream, and its state, locked.
struct Locked<'a> {
    t: &'a Thread,
    this: Ref<Buffered>,
    raw: Value,
    state: parking_lot::MutexGuard<'a, State>,
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        self.this.owner.store(0, Relaxed);
    }
}

/// Any of the three classes.
fn stream(v: Value) -> Ref<Buffered> {
    // SAFETY: the methods' descriptors have checked the receiver; all three classes have this layout.
    unsafe { Ref::from_value(v) }
}

fn lock<'a>(t: &'a Thread, v: Value) -> R<Locked<'a>> {
    let this = stream(v);
    let raw = raw_of(t, v)?;
    // SAFETY: the object is on the caller's stack for as long as the guard is.
    let mutex: &'a Mutex<State> = unsafe { &*std::ptr::from_ref(&*this.state) };
    let state = match mutex.try_lock() {
        Some(s) => s,
        None => {
            if this.owner.load(Relaxed) == t.ident.get() {
                let shown = text::repr(t, v)?;
                raise!(t, RuntimeError, "reentrant call inside {}", shown.to_string_lossy());
            }
            loop {
                if let Some(s) = t.blocking(|| mutex.try_lock_for(Duration::from_millis(50))) {
                    break s;
                }
                t.poll()?;
            }
        }
    };
    this.owner.store(t.ident.get(), Relaxed);
    Ok(Locked { t, this, raw, state })
}

impl Locked<'_> {
    /// One read of the raw stream: None if it would block.
    fn raw_read(&self, n: usize) -> R<Option<Vec<u8>>> {
        let t = self.t;
        let into = limpid_vm::types::Bytearray::from_slice(t, &vec![0; n])?.value();
        let got = method(t, self.raw, "readinto", &[into])?;
        if got.is_none() {
            return Ok(None);
        }
        let got = match number::index_isize(t, got) {
            Ok(got) => got,
            Err(_) => {
                let cause = t.take_exception();
                let raised = t.raise(exc::OSError, "raw readinto() failed");
                Exception::set_cause(t, t.exception(), cause);
                return Err(raised);
            }
        };
        if got < 0 || got as usize > n {
            raise!(t, OSError, "raw readinto() returned invalid length {got} (should have been between 0 and {n})");
        }
        Ok(Some(get_buffer(t, into)?.as_slice()[..got as usize].to_vec()))
    }

    /// Writes everything that waits.
    fn flush_written(&mut self) -> R<()> {
        let t = self.t;
        while !self.state.written.is_empty() {
            let chunk = Bytes::from_slice(t, &self.state.written)?.value();
            let n = method(t, self.raw, "write", &[chunk])?;
            if n.is_none() {
                return Err(would_block(t, 0));
            }
            let n = int::to_i64(t, n)?;
            if n < 0 || n as usize > self.state.written.len() {
                raise!(t, OSError, "raw write() returned invalid length {n} (should have been between 0 and {})", self.state.written.len());
            }
            self.state.written.drain(..n as usize);
        }
        Ok(())
    }

    /// Moves the raw stream back to where the reader of this stream stands.
    fn rewind(&mut self) -> R<()> {
        let ahead = self.state.ahead().len();
        if ahead > 0 {
            method(self.t, self.raw, "seek", &[Value::int(-(ahead as i64)), Value::int(1)])?;
        }
        self.state.forget_ahead();
        Ok(())
    }

    /// Reads ahead if nothing is; false at the end of the file or when it would block.
    fn fill(&mut self) -> R<bool> {
        if !self.state.ahead().is_empty() {
            return Ok(true);
        }
        let n = self.state.size;
        match self.raw_read(n)? {
            Some(bytes) if !bytes.is_empty() => {
                self.state.read = bytes;
                self.state.at = 0;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn take(&mut self, n: usize) -> Vec<u8> {
        let n = n.min(self.state.ahead().len());
        let out = self.state.ahead()[..n].to_vec();
        self.state.at += n;
        out
    }
}

fn would_block(t: &Thread, written: usize) -> limpid_vm::object::Raised {
    let message = Str::new(t, "write could not complete without blocking").value();
    t.raise_with(exc::BlockingIOError, &[Value::int(libc::EAGAIN as i64), message, Value::int(written as i64)])
}

/// What `__init__` begins with: until it has succeeded the stream is not usable.
fn forget(t: &Thread, v: Value) {
    let this = stream(v);
    this.raw.set(t, this, Value::NULL);
    *this.state.lock() = State::default();
}

fn initialize(t: &Thread, v: Value, raw: Value, buffer_size: Value) -> R<()> {
    let n = if buffer_size.is_null() { super::DEFAULT_BUFFER_SIZE as isize } else { number::index_isize(t, buffer_size)? };
    if n <= 0 {
        raise!(t, ValueError, "buffer size must be strictly positive");
    }
    let this = stream(v);
    this.raw.set(t, this, raw);
    *this.state.lock() = State { size: n as usize, ..State::default() };
    Ok(())
}

static INIT: Signature = Signature::parse("raw, buffer_size=131072");

fn reader_init(t: &Thread, v: Value, args: Args<'_>) -> R<()> {
    args.bind(t, "BufferedReader", &INIT, |a| {
        forget(t, v);
        method(t, a[0], "_checkReadable", &[]).or_else(|e| readable_or(t, a[0], "readable", "File or stream is not readable.", e))?;
        initialize(t, v, a[0], a[1])
    })
}

/// For raw streams without the private check.
fn readable_or(t: &Thread, raw: Value, question: &str, message: &str, e: limpid_vm::object::Raised) -> R {
    if !t.exception_is(exc::AttributeError) {
        return Err(e);
    }
    t.take_exception();
    if ask(t, raw, question)? { Ok(Value::TRUE) } else { Err(unsupported(t, message)) }
}

fn writer_init(t: &Thread, v: Value, args: Args<'_>) -> R<()> {
    args.bind(t, "BufferedWriter", &INIT, |a| {
        forget(t, v);
        method(t, a[0], "_checkWritable", &[]).or_else(|e| readable_or(t, a[0], "writable", "File or stream is not writable.", e))?;
        initialize(t, v, a[0], a[1])
    })
}

fn random_init(t: &Thread, v: Value, args: Args<'_>) -> R<()> {
    args.bind(t, "BufferedRandom", &INIT, |a| {
        forget(t, v);
        for (check, question, message) in [
            ("_checkSeekable", "seekable", "File or stream is not seekable."),
            ("_checkReadable", "readable", "File or stream is not readable."),
            ("_checkWritable", "writable", "File or stream is not writable."),
        ] {
            method(t, a[0], check, &[]).or_else(|e| readable_or(t, a[0], question, message, e))?;
        }
        initialize(t, v, a[0], a[1])
    })
}

fn raw_of(t: &Thread, v: Value) -> R {
    match stream(v).raw.opt() {
        Some(raw) => Ok(raw),
        None if stream(v).state.lock().size == 0 => raise!(t, ValueError, "I/O operation on uninitialized object"),
        None => raise!(t, ValueError, "raw stream has been detached"),
    }
}

fn check_raw_open(t: &Thread, v: Value, message: &str) -> R<()> {
    if super::is_closed(t, raw_of(t, v)?)? {
        raise!(t, ValueError, "{message}");
    }
    Ok(())
}

fn write(t: &Thread, a: &[Value]) -> R {
    if a[1].downcast::<Str>().is_some() {
        raise!(t, TypeError, "a bytes-like object is required, not 'str'");
    }
    check_raw_open(t, a[0], "write to closed file")?;
    let data = get_buffer(t, a[1])?;
    let bytes = data.as_slice();
    let mut s = lock(t, a[0])?;
    // Another thread may have closed it while this one waited.
    check_raw_open(t, a[0], "write to closed file")?;
    s.rewind()?;
    if s.state.written.len() + bytes.len() <= s.state.size {
        s.state.written.extend_from_slice(bytes);
        return Ok(Value::int(bytes.len() as i64));
    }
    let waiting = s.state.written.len();
    s.state.written.extend_from_slice(bytes);
    if let Err(raised) = s.flush_written() {
        let kept = s.state.written.len();
        let limit = s.state.size;
        if t.exception_is(exc::BlockingIOError) {
            if kept <= limit {
                t.take_exception();
                return Ok(Value::int(bytes.len() as i64));
            }
            s.state.written.truncate(limit);
            t.take_exception();
            return Err(would_block(t, bytes.len() - (kept - limit)));
        }
        // What was not written before stays, what this call brought is the caller's.
        s.state.written.truncate(waiting.min(kept));
        return Err(raised);
    }
    Ok(Value::int(bytes.len() as i64))
}

fn flush(t: &Thread, a: &[Value]) -> R {
    check_raw_open(t, a[0], "flush of closed file")?;
    let mut s = lock(t, a[0])?;
    s.flush_written()?;
    if ask(t, s.raw, "seekable")? {
        s.rewind()?;
    }
    Ok(Value::NONE)
}

fn reader_flush(t: &Thread, a: &[Value]) -> R {
    let raw = raw_of(t, a[0])?;
    method(t, raw, "flush", &[])
}

fn close(t: &Thread, a: &[Value]) -> R {
    let raw = raw_of(t, a[0])?;
    if super::is_closed(t, raw)? {
        return Ok(Value::NONE);
    }
    let flushed = method(t, a[0], "flush", &[]);
    // Nobody writes any more while the raw stream is being closed.
    super::after(t, flushed, || {
        let s = lock(t, a[0])?;
        method(t, s.raw, "close", &[])
    })
}

fn finalize(t: &Thread, v: Value) -> R<()> {
    super::base::finalize_in_front(t, v, stream(v).raw.opt())
}

fn detach(t: &Thread, a: &[Value]) -> R {
    let raw = raw_of(t, a[0])?;
    method(t, a[0], "flush", &[])?;
    let this = stream(a[0]);
    this.raw.set(t, this, Value::NULL);
    Ok(raw)
}

fn position(t: &Thread, s: &Locked<'_>) -> R<i64> {
    let at = int::to_i64(t, method(t, s.raw, "tell", &[])?)?;
    if at < 0 {
        raise!(t, OSError, "Raw stream returned invalid position {at}");
    }
    // A character device is always at 0, however much was read of it.
    Ok((at - s.state.ahead().len() as i64).max(0) + s.state.written.len() as i64)
}

fn tell(t: &Thread, a: &[Value]) -> R {
    let s = lock(t, a[0])?;
    Ok(int::from_i64(t, position(t, &s)?))
}

fn seek(t: &Thread, a: &[Value]) -> R {
    let how = whence(t, a[2])?;
    if !(0..=4).contains(&how) {
        raise!(t, ValueError, "whence value {how} unsupported");
    }
    check_raw_open(t, a[0], "seek of closed file")?;
    let raw = raw_of(t, a[0])?;
    if !ask(t, raw, "seekable")? {
        return Err(unsupported(t, "File or stream is not seekable."));
    }
    let mut offset = int::to_i64(t, number::index(t, a[1])?)?;
    let mut s = lock(t, a[0])?;
    s.flush_written()?;
    if how == 1 {
        offset -= s.state.ahead().len() as i64;
    }
    s.state.forget_ahead();
    let at = method(t, raw, "seek", &[int::from_i64(t, offset), Value::int(how)])?;
    if int::to_i64(t, at)? < 0 {
        raise!(t, OSError, "Raw stream returned invalid position {}", int::to_i64(t, at)?);
    }
    Ok(at)
}

fn truncate(t: &Thread, a: &[Value]) -> R {
    check_raw_open(t, a[0], "truncate of closed file")?;
    if !ask(t, a[0], "writable")? {
        return Err(unsupported(t, "truncate"));
    }
    let mut s = lock(t, a[0])?;
    s.flush_written()?;
    let at = if a[1].is_null() || a[1].is_none() { int::from_i64(t, position(t, &s)?) } else { a[1] };
    s.rewind()?;
    method(t, s.raw, "truncate", &[at])
}

fn forward(t: &Thread, v: Value, name: &str) -> R {
    method(t, raw_of(t, v)?, name, &[])
}

fn raw_attribute(t: &Thread, v: Value, name: &str) -> R {
    attr::get_attr_text(t, raw_of(t, v)?, name)
}

fn repr(t: &Thread, v: Value) -> R {
    let kind = v.class().display_name();
    let name = match attr::get_attr_opt(t, v, names::name) {
        Ok(name) => name,
        Err(_) => t.catch(exc::ValueError).map(|()| None)?,
    };
    let shown = match name {
        Some(n) => format!("<{kind} name={}>", text::repr(t, n)?.to_string_lossy()),
        None => format!("<{kind}>"),
    };
    Ok(Str::new(t, &shown).value())
}

const COMMON: [FnDef; 10] = [
    FnDef::def("close", "self, /", close),
    FnDef::def("detach", "self, /", detach),
    FnDef::def("tell", "self, /", tell),
    FnDef::def("seek", "self, target, whence=0, /", seek),
    FnDef::def("truncate", "self, pos=None, /", truncate),
    FnDef::def("seekable", "self, /", |t, a| forward(t, a[0], "seekable")),
    FnDef::def("fileno", "self, /", |t, a| forward(t, a[0], "fileno")),
    FnDef::def("isatty", "self, /", |t, a| forward(t, a[0], "isatty")),
    FnDef::def("__sizeof__", "self, /", |_, a| Ok(Value::int(stream(a[0]).state.lock().size as i64))),
    FnDef::def("_dealloc_warn", "self, source, /", |t, a| {
        if let Some(raw) = stream(a[0]).raw.opt() {
            super::base::warn_left_open(t, raw, a[1]);
        }
        Ok(Value::NONE)
    }),
];
const READABLE: FnDef = FnDef::def("readable", "self, /", |t, a| forward(t, a[0], "readable"));
const WRITABLE: FnDef = FnDef::def("writable", "self, /", |t, a| forward(t, a[0], "writable"));
const READ: [FnDef; 6] = [
    FnDef::def("read", "self, size=-1, /", read),
    FnDef::def("read1", "self, size=-1, /", read1),
    FnDef::def("readinto", "self, buffer, /", |t, a| readinto(t, a, false)),
    FnDef::def("readinto1", "self, buffer, /", |t, a| readinto(t, a, true)),
    FnDef::def("peek", "self, size=0, /", peek),
    FnDef::def("readline", "self, size=-1, /", readline),
];
const WRITE: FnDef = FnDef::def("write", "self, buffer, /", write);
const FLUSH: FnDef = FnDef::def("flush", "self, /", flush);
const ATTRIBUTES: &[GetSet] = &[
    GetSet::getter("raw", |_, v| Ok(stream(v).raw.opt().unwrap_or(Value::NONE))),
    GetSet::getter("closed", |t, v| raw_attribute(t, v, "closed")),
    GetSet::getter("name", |t, v| raw_attribute(t, v, "name")),
    GetSet::getter("mode", |t, v| raw_attribute(t, v, "mode")),
];

const SLOTS: SlotTable =
    SlotTable { new: Some(|t, class, _| make(t, class)), repr: Some(repr), finalize: Some(finalize), ..SlotTable::EMPTY };

/// `io.BufferedReader`
pub static READER_DEF: TypeDef = TypeDef {
    doc: "BufferedReader(raw, buffer_size=131072)\n--\n\nReads ahead from a raw stream.",
    base: Some(|| BUFFERED_IO_BASE.get()),
    flags: flag::BASE_TYPE | flag::WEAK_REFERENCES,
    slots: SlotTable { init: Some(reader_init), next: Some(reader_next), ..SLOTS },
    methods: &[
        COMMON[0],
        COMMON[1],
        COMMON[2],
        COMMON[3],
        COMMON[4],
        COMMON[5],
        COMMON[6],
        COMMON[7],
        COMMON[8],
        COMMON[9],
        READABLE,
        READ[0],
        READ[1],
        READ[2],
        READ[3],
        READ[4],
        READ[5],
        FnDef::def("flush", "self, /", reader_flush),
    ],
    getset: ATTRIBUTES,
    dict_offset: offset_of!(Buffered, dict),
    ..TypeDef::of::<Buffered>("_io.BufferedReader")
};

/// `io.BufferedWriter`
pub static WRITER_DEF: TypeDef = TypeDef {
    doc: "BufferedWriter(raw, buffer_size=131072)\n--\n\nCollects what is written to a raw stream.",
    base: Some(|| BUFFERED_IO_BASE.get()),
    flags: flag::BASE_TYPE | flag::WEAK_REFERENCES,
    slots: SlotTable { init: Some(writer_init), ..SLOTS },
    methods: &[
        COMMON[0], COMMON[1], COMMON[2], COMMON[3], COMMON[4], COMMON[5], COMMON[6], COMMON[7], COMMON[8], COMMON[9], WRITABLE, WRITE,
        FLUSH,
    ],
    getset: ATTRIBUTES,
    dict_offset: offset_of!(Buffered, dict),
    ..TypeDef::of::<Buffered>("_io.BufferedWriter")
};

/// `io.BufferedRandom`
pub static RANDOM_DEF: TypeDef = TypeDef {
    doc: "BufferedRandom(raw, buffer_size=131072)\n--\n\nReads and writes a raw stream that can be positioned.",
    base: Some(|| BUFFERED_IO_BASE.get()),
    flags: flag::BASE_TYPE | flag::WEAK_REFERENCES,
    slots: SlotTable { init: Some(random_init), next: Some(reader_next), ..SLOTS },
    methods: &[
        COMMON[0], COMMON[1], COMMON[2], COMMON[3], COMMON[4], COMMON[5], COMMON[6], COMMON[7], COMMON[8], COMMON[9], READABLE, WRITABLE,
        WRITE, FLUSH, READ[0], READ[1], READ[2], READ[3], READ[4], READ[5],
    ],
    getset: ATTRIBUTES,
    dict_offset: offset_of!(Buffered, dict),
    ..TypeDef::of::<Buffered>("_io.BufferedRandom")
};
