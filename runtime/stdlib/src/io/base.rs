//! The abstract classes: what a stream does in terms of its other methods.

use super::{ask, check_open, is_closed, method, size, unsupported};
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, GetSet};
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::{attr, call, iter, sequence};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::memory::{get_buffer, get_writable_buffer};
use limpid_vm::types::{Bytes, List, Type, TypeDef, ValueList, flag, int};
use limpid_vm::{exc, layout, raise};
use std::mem::offset_of;

/// `io._IOBase` and the classes that add nothing to its layout.
pub static IO_BASE: TypeCell = TypeCell::new();
/// `io._RawIOBase`
pub static RAW_IO_BASE: TypeCell = TypeCell::new();
/// `io._BufferedIOBase`
pub static BUFFERED_IO_BASE: TypeCell = TypeCell::new();
/// `io._TextIOBase`
pub static TEXT_IO_BASE: TypeCell = TypeCell::new();

/// The layout: an attribute dict.
#[repr(C)]
pub struct IoBase {
    header: Header,
    dict: Slot,
}
layout!(IoBase, IO_BASE.get(), Slots);

/// Where `close` notes that it was called.
const CLOSED: &str = "__IOBase_closed";

fn new(t: &Thread, class: Value, _: Args<'_>) -> R {
    // SAFETY: `__new__` is called with a class.
    let class = unsafe { Ref::<Type>::from_value(class) };
    Ok(t.alloc_instance(class, IoBase { header: header_of::<IoBase>(), dict: Slot::NULL }).value())
}

fn closed(t: &Thread, v: Value) -> R {
    Ok(Value::bool(attr::get_attr_opt(t, v, limpid_vm::types::str::intern(t, CLOSED))?.is_some()))
}

fn close(t: &Thread, a: &[Value]) -> R {
    if closed(t, a[0])? == Value::TRUE {
        return Ok(Value::NONE);
    }
    let flushed = method(t, a[0], "flush", &[]);
    let saved = flushed.is_err().then(|| t.take_exception());
    attr::set_attr(t, a[0], limpid_vm::types::str::intern(t, CLOSED), Value::TRUE)?;
    match saved {
        Some(e) => Err(t.raise_value(e)),
        None => Ok(Value::NONE),
    }
}

fn flush(t: &Thread, a: &[Value]) -> R {
    if closed(t, a[0])? == Value::TRUE {
        raise!(t, ValueError, "I/O operation on closed file.");
    }
    Ok(Value::NONE)
}

/// Raises UnsupportedOperation unless a question is answered with yes.
fn check(t: &Thread, v: Value, question: &str, message: &str) -> R {
    if ask(t, v, question)? { Ok(Value::TRUE) } else { Err(unsupported(t, message)) }
}

/// `__del__`: an open stream that nobody has any more is closed. One that cannot tell whether it is open is not usable anyway, such as a
/// text stream whose buffer was taken out.
pub fn finalize(t: &Thread, v: Value) -> R<()> {
    match is_closed(t, v) {
        Ok(true) => Ok(()),
        Ok(false) => method(t, v, "close", &[]).map(|_| ()),
        Err(_) => {
            t.take_exception();
            Ok(())
        }
    }
}

/// As [`finalize`], of a stream in front of another: a file that was left open is warned of.
pub fn finalize_in_front(t: &Thread, v: Value, below: Option<Value>) -> R<()> {
    if let Some(below) = below {
        match is_closed(t, v) {
            Ok(true) => {}
            Ok(false) => warn_left_open(t, below, v),
            Err(_) => drop(t.take_exception()),
        }
    }
    finalize(t, v)
}

/// Has the stream below one that nobody has any more warn of it, if it is a file.
pub fn warn_left_open(t: &Thread, below: Value, stream: Value) {
    let warned = attr::get_attr_opt(t, below, limpid_vm::types::str::intern(t, "_dealloc_warn"))
        .and_then(|warn| warn.map_or(Ok(Value::NONE), |warn| call::call(t, warn, &[stream])));
    if warned.is_err() {
        t.take_exception();
    }
}

fn readline(t: &Thread, a: &[Value]) -> R {
    let limit = size(t, a[1])?;
    let has_peek = attr::get_attr_opt(t, a[0], limpid_vm::names::peek)?;
    let mut line = Vec::new();
    while limit.is_none_or(|n| line.len() < n) {
        let mut wanted = 1;
        if let Some(peek) = has_peek {
            let ahead = call::call(t, peek, &[Value::int(1)])?;
            let Some(ahead) = ahead.downcast::<Bytes>() else {
                raise!(t, OSError, "peek() should have returned a bytes object, not '{}'", ahead.class().display_name());
            };
            let ahead = ahead.as_slice();
            if !ahead.is_empty() {
                wanted = memchr::memchr(b'\n', ahead).map_or(ahead.len(), |i| i + 1);
                wanted = limit.map_or(wanted, |n| wanted.min(n - line.len()));
            }
        }
        let got = method(t, a[0], "read", &[Value::int(wanted as i64)])?;
        if got.is_none() {
            break;
        }
        let Some(got) = got.downcast::<Bytes>() else {
            raise!(t, OSError, "read() should have returned a bytes object, not '{}'", got.class().display_name());
        };
        if got.as_slice().is_empty() {
            break;
        }
        line.extend_from_slice(got.as_slice());
        if line.ends_with(b"\n") {
            break;
        }
    }
    Ok(Bytes::from_slice(t, &line)?.value())
}

/// `__next__`: the next line.
pub fn next_line(t: &Thread, v: Value) -> R {
    let line = method(t, v, "readline", &[])?;
    Ok(if sequence::len(t, line)? == 0 { Value::NULL } else { line })
}

/// `__iter__`: the stream itself, if it is open.
pub fn iter_self(t: &Thread, v: Value) -> R {
    check_open(t, v)?;
    Ok(v)
}

fn readlines(t: &Thread, a: &[Value]) -> R {
    let hint = size(t, a[1])?.filter(|n| *n > 0);
    let mut lines = ValueList::new(t);
    let mut total = 0;
    let it = iter::get_iter(t, a[0])?;
    loop {
        let line = iter::next(t, it)?;
        if line.is_null() {
            break;
        }
        total += sequence::len(t, line)?;
        lines.push(t, line);
        if hint.is_some_and(|n| total >= n) {
            break;
        }
    }
    Ok(List::from_slice(t, lines.as_slice())?.value())
}

fn writelines(t: &Thread, a: &[Value]) -> R {
    check_open(t, a[0])?;
    let write = attr::get_attr_text(t, a[0], "write")?;
    iter::for_each(t, a[1], |line| call::call(t, write, &[line]).map(|_| ()))?;
    Ok(Value::NONE)
}

/// `io._IOBase`
pub static IO_BASE_DEF: TypeDef = TypeDef {
    doc: "The base class of all streams.",
    flags: flag::BASE_TYPE | flag::WEAK_REFERENCES,
    slots: SlotTable { new: Some(new), finalize: Some(finalize), iter: Some(iter_self), next: Some(next_line), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("seek", "self, offset, whence=0, /", |t, _| Err(unsupported(t, "seek"))),
        FnDef::def("tell", "self, /", |t, a| method(t, a[0], "seek", &[Value::int(0), Value::int(1)])),
        FnDef::def("truncate", "self, size=None, /", |t, _| Err(unsupported(t, "truncate"))),
        FnDef::def("flush", "self, /", flush),
        FnDef::def("close", "self, /", close),
        FnDef::def("seekable", "self, /", |_, _| Ok(Value::FALSE)),
        FnDef::def("readable", "self, /", |_, _| Ok(Value::FALSE)),
        FnDef::def("writable", "self, /", |_, _| Ok(Value::FALSE)),
        FnDef::def("_checkClosed", "self, /", |t, a| check_open(t, a[0]).map(|()| Value::NONE)),
        FnDef::def("_checkSeekable", "self, /", |t, a| check(t, a[0], "seekable", "File or stream is not seekable.")),
        FnDef::def("_checkReadable", "self, /", |t, a| check(t, a[0], "readable", "File or stream is not readable.")),
        FnDef::def("_checkWritable", "self, /", |t, a| check(t, a[0], "writable", "File or stream is not writable.")),
        FnDef::def("fileno", "self, /", |t, _| Err(unsupported(t, "fileno"))),
        FnDef::def("isatty", "self, /", |t, a| check_open(t, a[0]).map(|()| Value::FALSE)),
        FnDef::def("__enter__", "self, /", |t, a| check_open(t, a[0]).map(|()| a[0])),
        FnDef::def("__exit__", "self, /, *args", |t, a| method(t, a[0], "close", &[])),
        FnDef::def("readline", "self, size=-1, /", readline),
        FnDef::def("readlines", "self, hint=-1, /", readlines),
        FnDef::def("writelines", "self, lines, /", writelines),
    ],
    getset: &[GetSet::getter("closed", closed)],
    dict_offset: offset_of!(IoBase, dict),
    ..TypeDef::of::<IoBase>("_io._IOBase")
};

fn raw_read(t: &Thread, a: &[Value]) -> R {
    let Some(n) = size(t, a[1])? else { return method(t, a[0], "readall", &[]) };
    let buffer = limpid_vm::types::Bytearray::from_slice(t, &vec![0; n])?.value();
    let got = method(t, a[0], "readinto", &[buffer])?;
    if got.is_none() {
        return Ok(got);
    }
    let got = int::to_i64(t, got)?;
    if got < 0 || got as usize > n {
        raise!(t, ValueError, "readinto returned {got} outside buffer size {n}");
    }
    Ok(Bytes::from_slice(t, &get_buffer(t, buffer)?.as_slice()[..got as usize])?.value())
}

fn raw_readall(t: &Thread, a: &[Value]) -> R {
    read_on(t, a[0], &[Value::int(super::DEFAULT_BUFFER_SIZE as i64)], Vec::new())
}

/// Calls a stream's `read` until it gives nothing; all that it gave, behind what there is already. None if there is nothing yet.
pub(super) fn read_on(t: &Thread, stream: Value, args: &[Value], mut all: Vec<u8>) -> R {
    loop {
        let got = method(t, stream, "read", args)?;
        if got.is_none() {
            if all.is_empty() {
                return Ok(got);
            }
            break;
        }
        let Some(bytes) = got.downcast::<Bytes>() else { raise!(t, TypeError, "read() should return bytes") };
        if bytes.as_slice().is_empty() {
            break;
        }
        all.extend_from_slice(bytes.as_slice());
    }
    Ok(Bytes::from_slice(t, &all)?.value())
}

/// `io._RawIOBase`
pub static RAW_IO_BASE_DEF: TypeDef = TypeDef {
    doc: "The base class of raw streams.",
    base: Some(|| IO_BASE.get()),
    flags: flag::BASE_TYPE,
    methods: &[
        FnDef::def("read", "self, size=-1, /", raw_read),
        FnDef::def("readall", "self, /", raw_readall),
        FnDef::def("readinto", "self, buffer, /", |t, _| Err(t.raise_with(exc::NotImplementedError, &[]))),
        FnDef::def("write", "self, data, /", |t, _| Err(t.raise_with(exc::NotImplementedError, &[]))),
    ],
    dict_offset: offset_of!(IoBase, dict),
    ..TypeDef::of::<IoBase>("_io._RawIOBase")
};

fn buffered_readinto(t: &Thread, a: &[Value], how: &str) -> R {
    let mut into = get_writable_buffer(t, a[1], "readinto() argument")?;
    let n = into.as_slice().len();
    let got = method(t, a[0], how, &[Value::int(n as i64)])?;
    let Some(bytes) = got.downcast::<Bytes>() else {
        raise!(t, TypeError, "{how}() should return bytes");
    };
    let got = bytes.as_slice();
    if got.len() > n {
        raise!(t, ValueError, "{how}() returned too much data: {n} bytes requested, {} returned", got.len());
    }
    into.as_mut_slice()[..got.len()].copy_from_slice(got);
    Ok(Value::int(got.len() as i64))
}

/// `io._BufferedIOBase`
pub static BUFFERED_IO_BASE_DEF: TypeDef = TypeDef {
    doc: "The base class of buffered streams.",
    base: Some(|| IO_BASE.get()),
    flags: flag::BASE_TYPE,
    methods: &[
        FnDef::def("detach", "self, /", |t, _| Err(unsupported(t, "detach"))),
        FnDef::def("read", "self, size=-1, /", |t, _| Err(unsupported(t, "read"))),
        FnDef::def("read1", "self, size=-1, /", |t, _| Err(unsupported(t, "read1"))),
        FnDef::def("readinto", "self, buffer, /", |t, a| buffered_readinto(t, a, "read")),
        FnDef::def("readinto1", "self, buffer, /", |t, a| buffered_readinto(t, a, "read1")),
        FnDef::def("write", "self, data, /", |t, _| Err(unsupported(t, "write"))),
    ],
    dict_offset: offset_of!(IoBase, dict),
    ..TypeDef::of::<IoBase>("_io._BufferedIOBase")
};

/// `io._TextIOBase`
pub static TEXT_IO_BASE_DEF: TypeDef = TypeDef {
    doc: "The base class of text streams.",
    base: Some(|| IO_BASE.get()),
    flags: flag::BASE_TYPE,
    methods: &[
        FnDef::def("detach", "self, /", |t, _| Err(unsupported(t, "detach"))),
        FnDef::def("read", "self, size=-1, /", |t, _| Err(unsupported(t, "read"))),
        FnDef::def("readline", "self, size=-1, /", |t, _| Err(unsupported(t, "readline"))),
        FnDef::def("write", "self, text, /", |t, _| Err(unsupported(t, "write"))),
    ],
    getset: &[
        GetSet::getter("encoding", |_, _| Ok(Value::NONE)),
        GetSet::getter("newlines", |_, _| Ok(Value::NONE)),
        GetSet::getter("errors", |_, _| Ok(Value::NONE)),
    ],
    dict_offset: offset_of!(IoBase, dict),
    ..TypeDef::of::<IoBase>("_io._TextIOBase")
};
