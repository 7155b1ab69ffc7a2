//! `TextIOWrapper`: text in front of a buffered stream.
//!
//! Reading goes chunk by chunk through an incremental decoder; `decoded` is the text of the last chunk, of which `used` characters were
//! handed out. What is written is encoded at once and collected in `pending` until there is a chunk of it. Several threads may write:
//! each write reaches the stream in one piece.
//!
//! A position (`tell`) is a number that holds the position of a chunk in the stream, the decoder's state there, and how far into the chunk
//! the reader is; its layout is CPython's.

mod positions;
mod reading;
mod writing;

use super::base::TEXT_IO_BASE;
use super::newline;
use super::{ask, is_closed, method, unsupported};
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, GetSet, Signature, receiver};
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::{attr, number, text, truth};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::str::codec;
use limpid_vm::types::{Bytes, Str, Type, TypeDef, flag, int};
use limpid_vm::{exc, layout, names, raise};
use parking_lot::Mutex;
use positions::{seek, tell};
use reading::{next, read, readline};
use std::mem::offset_of;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use writing::{flush, write};

/// `io.TextIOWrapper`
pub static TEXT_IO_WRAPPER: TypeCell = TypeCell::new();

/// How many bytes are decoded at a time, and how many encoded ones are collected.
const CHUNK_SIZE: u64 = 8192;

/// The layout.
#[repr(C)]
pub struct TextIoWrapper {
    header: Header,
    /// The buffered stream; NULL after `detach`.
    buffer: Slot,
    encoding: Slot,
    errors: Slot,
    /// NULL when the stream is not readable.
    decoder: Slot,
    /// An incremental encoder; NULL for encodings without state.
    encoder: Slot,
    /// A str: the text of the last chunk; NULL for none.
    decoded: Slot,
    /// (decoder flags, bytes) at the start of the last chunk; NULL when positions cannot be told.
    snapshot: Slot,
    dict: Slot,
    used: AtomicU64,
    flags: AtomicU64,
    chunk_size: AtomicU64,
    pending: Box<Mutex<Vec<u8>>>,
}
layout!(TextIoWrapper, TEXT_IO_WRAPPER.get(), Slots);

const LINE_BUFFERING: u64 = 1;
const WRITE_THROUGH: u64 = 2;
/// `newline` is None: all line ends become `\n`.
const TRANSLATE: u64 = 4;
/// `newline` is None or empty: all line ends count.
const UNIVERSAL: u64 = 8;
/// What ends a line otherwise: `\r` (1), `\r\n` (2), else `\n`.
const READ_CR: u64 = 16;
const READ_CRLF: u64 = 32;
/// `\n` is written as `\r` or `\r\n`.
const WRITE_CR: u64 = 64;
const WRITE_CRLF: u64 = 128;
const SEEKABLE: u64 = 256;
/// `tell` is possible: no `next` is going on.
const TELLING: u64 = 512;
/// The stream can be written.
const WRITABLE: u64 = 1024;
const NEWLINE_FLAGS: u64 = TRANSLATE | UNIVERSAL | READ_CR | READ_CRLF | WRITE_CR | WRITE_CRLF;

fn wrapper(v: Value) -> Ref<TextIoWrapper> {
    receiver::<TextIoWrapper>(v)
}

fn has(v: Value, bit: u64) -> bool {
    wrapper(v).flags.load(Relaxed) & bit != 0
}

fn set(v: Value, bit: u64, on: bool) {
    let flags = &wrapper(v).flags;
    if on {
        flags.fetch_or(bit, Relaxed)
    } else {
        flags.fetch_and(!bit, Relaxed)
    };
}

fn new(t: &Thread, class: Value, _: Args<'_>) -> R {
    // SAFETY: `__new__` is called with a class.
    let class = unsafe { Ref::<Type>::from_value(class) };
    let object = t.alloc_instance(
        class,
        TextIoWrapper {
            header: header_of::<TextIoWrapper>(),
            buffer: Slot::NULL,
            encoding: Slot::NULL,
            errors: Slot::NULL,
            decoder: Slot::NULL,
            encoder: Slot::NULL,
            decoded: Slot::NULL,
            snapshot: Slot::NULL,
            dict: Slot::NULL,
            used: AtomicU64::new(0),
            flags: AtomicU64::new(0),
            chunk_size: AtomicU64::new(CHUNK_SIZE),
            pending: Box::default(),
        },
    );
    // SAFETY: the function drops what was made here.
    unsafe { limpid_heap::register_drop(&t.mutator, NonNull::new_unchecked(object.ptr().cast()), drop_pending) };
    if class == TEXT_IO_WRAPPER.get() {
        class.on_new_instance(t, object.value());
    }
    Ok(object.value())
}

unsafe fn drop_pending(p: *mut u8) {
    // SAFETY: registered for this layout only; the cell is dead.
    unsafe { std::ptr::drop_in_place(&raw mut (*(p as *mut TextIoWrapper)).pending) }
}

/// The flags that a `newline` argument means.
fn newline_flags(t: &Thread, v: Value) -> R<u64> {
    if v.is_null() || v.is_none() {
        return Ok(TRANSLATE | UNIVERSAL);
    }
    let Some(s) = v.downcast::<Str>() else {
        raise!(t, TypeError, "newline must be str or None, not {}", v.class().display_name());
    };
    match &*s.to_string_lossy() {
        "" => Ok(UNIVERSAL),
        "\n" => Ok(0),
        "\r" => Ok(READ_CR | WRITE_CR),
        "\r\n" => Ok(READ_CRLF | WRITE_CRLF),
        _ => raise!(t, ValueError, "illegal newline value: {}", text::repr(t, v)?.to_string_lossy()),
    }
}

/// The encoding by its name: None and "locale" are the locale's, which is UTF-8 unless the locale says otherwise.
fn encoding_name(t: &Thread, v: Value) -> R {
    if let Some(s) = v.non_null().filter(|v| !v.is_none()) {
        let Some(s) = s.downcast::<Str>() else { raise!(t, TypeError, "encoding must be str or None, not {}", v.class().display_name()) };
        check_name(t, s)?;
        if !s.eq_str("locale") {
            return Ok(s.value());
        }
    }
    crate::locale::name_of_encoding(t)
}

/// The name of an encoding or of an error handler: UTF-8 without NUL.
fn check_name(t: &Thread, name: Ref<Str>) -> R<()> {
    if codec::encode(t, name, None, None)?.downcast::<Bytes>().is_some_and(|b| b.as_slice().contains(&0)) {
        raise!(t, ValueError, "embedded null character");
    }
    Ok(())
}

fn codec_info(t: &Thread, encoding: Value) -> R {
    let codecs = limpid_vm::modules::import::import_text(t, "codecs")?;
    let info = method(t, codecs, "lookup", &[encoding])?;
    if let Some(is_text) = attr::get_attr_opt(t, info, limpid_vm::types::str::intern(t, "_is_text_encoding"))?
        && !truth::truth(t, is_text)?
    {
        let name = text::str_of(t, encoding)?;
        raise!(t, LookupError, "'{}' is not a text encoding; use codecs.open() to handle arbitrary codecs", name.to_string_lossy());
    }
    Ok(info)
}

/// Is this one of the encodings whose bytes depend on the text alone?
fn is_stateless(encoding: &str) -> bool {
    let name: String = encoding.to_ascii_lowercase().replace('-', "_");
    ["utf_8", "utf8", "ascii", "us_ascii", "latin_1", "latin1", "iso8859_1", "iso_8859_1"].contains(&name.as_str())
}

fn set_codecs(t: &Thread, v: Value, buffer: Value, encoding: Value, errors: Value) -> R<()> {
    let w = wrapper(v);
    let info = codec_info(t, encoding)?;
    if t.runtime().options.dev_mode {
        method(t, limpid_vm::modules::import::import_text(t, "codecs")?, "lookup_error", &[errors])?;
    }
    w.decoder.set(t, w, Value::NULL);
    w.encoder.set(t, w, Value::NULL);
    if ask(t, buffer, "readable")? {
        let mut decoder = method(t, info, "incrementaldecoder", &[errors])?;
        if has(v, UNIVERSAL) {
            decoder = newline::wrap(t, decoder, has(v, TRANSLATE));
        }
        w.decoder.set(t, w, decoder);
    }
    let name = text::str_of(t, encoding)?;
    let is_writable = ask(t, buffer, "writable")?;
    set(v, WRITABLE, is_writable);
    if is_writable && !is_stateless(&name.to_string_lossy()) {
        let encoder = method(t, info, "incrementalencoder", &[errors])?;
        w.encoder.set(t, w, encoder);
        if has(v, SEEKABLE) && int::to_i64(t, method(t, buffer, "tell", &[])?)? != 0 {
            // Appending: no byte order mark again.
            method(t, encoder, "setstate", &[Value::int(0)])?;
        }
    }
    w.encoding.set(t, w, encoding);
    w.errors.set(t, w, errors);
    Ok(())
}

fn init(t: &Thread, v: Value, args: Args<'_>) -> R<()> {
    static SIGNATURE: Signature =
        Signature::parse("buffer, encoding=None, errors=None, newline=None, line_buffering=False, write_through=False");
    args.bind(t, "TextIOWrapper", &SIGNATURE, |a| {
        let w = wrapper(v);
        // Until this has succeeded the stream is not usable.
        for slot in [&w.buffer, &w.encoding, &w.decoder, &w.encoder] {
            slot.set(t, w, Value::NULL);
        }
        let newline = newline_flags(t, a[3])?;
        if (a[1].is_null() || a[1].is_none()) && super::warns_of_default_encoding(t) {
            limpid_vm::warnings::warn(t, exc::EncodingWarning, "'encoding' argument not specified", 1)?;
        }
        let encoding = encoding_name(t, a[1])?;
        let errors = match a[2].non_null().filter(|e| !e.is_none()).map(|e| (e, e.downcast::<Str>())) {
            None => names::strict,
            Some((e, Some(name))) => check_name(t, name).map(|()| e)?,
            Some((e, None)) => raise!(t, TypeError, "errors must be str or None, not {}", e.class().display_name()),
        };
        let mut flags = newline;
        if !a[4].is_null() && truth::truth(t, a[4])? {
            flags |= LINE_BUFFERING;
        }
        if !a[5].is_null() && truth::truth(t, a[5])? {
            flags |= WRITE_THROUGH;
        }
        w.decoded.set(t, w, Value::NULL);
        w.snapshot.set(t, w, Value::NULL);
        w.used.store(0, Relaxed);
        w.pending.lock().clear();
        if ask(t, a[0], "seekable")? {
            flags |= SEEKABLE | TELLING;
        }
        w.flags.store(flags, Relaxed);
        set_codecs(t, v, a[0], encoding, errors)?;
        w.buffer.set(t, w, a[0]);
        Ok(())
    })
}

fn buffer_of(t: &Thread, v: Value) -> R {
    match wrapper(v).buffer.opt() {
        Some(b) => Ok(b),
        None if wrapper(v).encoding.opt().is_some() => raise!(t, ValueError, "underlying buffer has been detached"),
        None => raise!(t, ValueError, "I/O operation on uninitialized object"),
    }
}

fn check_usable(t: &Thread, v: Value) -> R {
    let b = buffer_of(t, v)?;
    if is_closed(t, b)? {
        raise!(t, ValueError, "I/O operation on closed file.");
    }
    Ok(b)
}

fn close(t: &Thread, a: &[Value]) -> R {
    let buffer = buffer_of(t, a[0])?;
    // Asking may run code that takes the buffer away.
    if is_closed(t, buffer)? || wrapper(a[0]).buffer.opt().is_none() {
        return Ok(Value::NONE);
    }
    super::flush_and_close(t, a[0], buffer)
}

fn finalize(t: &Thread, v: Value) -> R<()> {
    super::base::finalize_in_front(t, v, wrapper(v).buffer.opt())
}

fn detach(t: &Thread, a: &[Value]) -> R {
    let buffer = buffer_of(t, a[0])?;
    method(t, a[0], "flush", &[])?;
    let w = wrapper(a[0]);
    w.buffer.set(t, w, Value::NULL);
    Ok(buffer)
}

fn reconfigure(t: &Thread, a: &[Value]) -> R {
    let v = a[0];
    let w = wrapper(v);
    let given = |i: usize| a[i].non_null().filter(|x| !x.is_none());
    let changes_decoding = given(1).is_some() || given(2).is_some() || !a[3].is_null();
    if changes_decoding && (w.decoded.opt().is_some() || w.snapshot.opt().is_some()) {
        return Err(unsupported(t, "It is not possible to set the encoding or newline of stream after the first read"));
    }
    let newline = if a[3].is_null() { None } else { Some(newline_flags(t, a[3])?) };
    let line_buffering = given(4).map(|b| truth::truth(t, b)).transpose()?;
    let write_through = given(5).map(|b| truth::truth(t, b)).transpose()?;
    method(t, v, "flush", &[])?;
    if let Some(flags) = newline {
        w.flags.fetch_and(!NEWLINE_FLAGS, Relaxed);
        w.flags.fetch_or(flags, Relaxed);
    }
    if changes_decoding {
        let encoding = match given(1) {
            Some(e) => encoding_name(t, e)?,
            None => w.encoding.get(),
        };
        let errors = match (given(2), given(1)) {
            (Some(e), _) => e,
            (None, Some(_)) => names::strict,
            (None, None) => w.errors.get(),
        };
        set_codecs(t, v, buffer_of(t, v)?, encoding, errors)?;
    }
    if let Some(on) = line_buffering {
        set(v, LINE_BUFFERING, on);
    }
    if let Some(on) = write_through {
        set(v, WRITE_THROUGH, on);
    }
    Ok(Value::NONE)
}

fn truncate(t: &Thread, a: &[Value]) -> R {
    method(t, a[0], "flush", &[])?;
    let n = a[1].non_null().unwrap_or(Value::NONE);
    let at = if n.is_none() { method(t, a[0], "tell", &[])? } else { n };
    method(t, buffer_of(t, a[0])?, "truncate", &[at])
}

fn forward(t: &Thread, v: Value, name: &str) -> R {
    method(t, check_usable(t, v)?, name, &[])
}

fn repr(t: &Thread, v: Value) -> R {
    if wrapper(v).encoding.opt().is_none() {
        buffer_of(t, v)?;
    }
    let mut out = format!("<{}", v.class().display_name());
    for name in ["name", "mode"] {
        let found = match attr::get_attr_opt(t, v, limpid_vm::types::str::intern(t, name)) {
            Ok(found) => found,
            Err(_) => t.catch(exc::ValueError).map(|()| None)?,
        };
        if let Some(found) = found {
            out += &format!(" {name}={}", text::repr(t, found)?.to_string_lossy());
        }
    }
    let encoding = wrapper(v).encoding.opt().unwrap_or(Value::NONE);
    out += &format!(" encoding={}>", text::repr(t, encoding)?.to_string_lossy());
    Ok(Str::new(t, &out).value())
}

fn set_chunk_size(t: &Thread, v: Value, to: Value) -> R<()> {
    if to.is_null() {
        raise!(t, AttributeError, "attribute '_CHUNK_SIZE' cannot be deleted");
    }
    let Some(n) = int::as_i64_opt(number::index(t, to)?) else {
        raise!(t, ValueError, "cannot fit '{}' into an index-sized integer", to.class().display_name());
    };
    if n <= 0 {
        raise!(t, ValueError, "a strictly positive integer is required");
    }
    wrapper(v).chunk_size.store(n as u64, Relaxed);
    Ok(())
}

/// `io.TextIOWrapper`
pub static TEXT_IO_WRAPPER_DEF: TypeDef = TypeDef {
    doc: "TextIOWrapper(buffer, encoding=None, errors=None, newline=None, line_buffering=False, write_through=False)\n--\n\nText in front of a buffered stream.",
    base: Some(|| TEXT_IO_BASE.get()),
    flags: flag::BASE_TYPE | flag::WEAK_REFERENCES,
    slots: SlotTable { new: Some(new), init: Some(init), repr: Some(repr), next: Some(next), finalize: Some(finalize), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("write", "self, text, /", write),
        FnDef::def("read", "self, size=-1, /", read),
        FnDef::def("readline", "self, size=-1, /", readline),
        FnDef::def("flush", "self, /", flush),
        FnDef::def("close", "self, /", close),
        FnDef::def("detach", "self, /", detach),
        FnDef::def("seek", "self, cookie, whence=0, /", seek),
        FnDef::def("tell", "self, /", tell),
        FnDef::def("truncate", "self, pos=None, /", truncate),
        FnDef::def(
            "reconfigure",
            "self, *, encoding=None, errors=None, newline=None, line_buffering=None, write_through=None",
            reconfigure,
        ),
        FnDef::def("fileno", "self, /", |t, a| forward(t, a[0], "fileno")),
        FnDef::def("isatty", "self, /", |t, a| forward(t, a[0], "isatty")),
        FnDef::def("seekable", "self, /", |t, a| forward(t, a[0], "seekable")),
        FnDef::def("readable", "self, /", |t, a| forward(t, a[0], "readable")),
        FnDef::def("writable", "self, /", |t, a| forward(t, a[0], "writable")),
    ],
    getset: &[
        GetSet::getter("buffer", buffer_of),
        GetSet::getter("encoding", |_, v| Ok(wrapper(v).encoding.opt().unwrap_or(Value::NONE))),
        GetSet::getter("errors", |_, v| Ok(wrapper(v).errors.opt().unwrap_or(Value::NONE))),
        GetSet::getter("line_buffering", |_, v| Ok(Value::bool(has(v, LINE_BUFFERING)))),
        GetSet::getter("write_through", |_, v| Ok(Value::bool(has(v, WRITE_THROUGH)))),
        GetSet::getter("closed", |t, v| attr::get_attr_text(t, buffer_of(t, v)?, "closed")),
        GetSet::getter("name", |t, v| attr::get_attr_text(t, buffer_of(t, v)?, "name")),
        GetSet::getter("newlines", |t, v| match wrapper(v).decoder.opt() {
            Some(d) => Ok(attr::get_attr_opt(t, d, limpid_vm::types::str::intern(t, "newlines"))?.unwrap_or(Value::NONE)),
            None => Ok(Value::NONE),
        }),
        GetSet::property("_CHUNK_SIZE", |_, v| Ok(Value::int(wrapper(v).chunk_size.load(Relaxed) as i64)), set_chunk_size),
    ],
    dict_offset: offset_of!(TextIoWrapper, dict),
    ..TypeDef::of::<TextIoWrapper>("_io.TextIOWrapper")
};
