//! `TextIOWrapper`: text in front of a buffered stream.
//!
//! Reading goes chunk by chunk through an incremental decoder; `decoded` is the text of the last chunk, of which `used` characters were
//! handed out. What is written is encoded at once and collected in `pending` until there is a chunk of it. Several threads may write:
//! each write reaches the stream in one piece.
//!
//! A position (`tell`) is a number that holds the position of a chunk in the stream, the decoder's state there, and how far into the chunk
//! the reader is; its layout is CPython's.

use super::base::{TEXT_IO_BASE, next_line};
use super::newline;
use super::{ask, is_closed, method, size, unsupported, whence};
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, GetSet, Signature, receiver};
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::{attr, number, text, truth};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::str::codec;
use limpid_vm::types::{Bytes, Str, StrBuilder, Tuple, Type, TypeDef, flag, int};
use limpid_vm::{exc, layout, names, raise};
use parking_lot::Mutex;
use std::mem::offset_of;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

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
    if t.interpreter().options.dev_mode {
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

// ---- writing ----

/// Hands what was collected to the stream.
fn flush_pending(t: &Thread, v: Value) -> R<()> {
    let bytes = std::mem::take(&mut *wrapper(v).pending.lock());
    if bytes.is_empty() {
        return Ok(());
    }
    let b = Bytes::from_slice(t, &bytes)?.value();
    let buffer = buffer_of(t, v)?;
    method(t, buffer, "write", &[b]).map(|_| ())
}

fn write(t: &Thread, a: &[Value]) -> R {
    let Some(s) = a[1].downcast::<Str>() else {
        raise!(t, TypeError, "write() argument must be str, not {}", a[1].class().display_name());
    };
    let v = a[0];
    let w = wrapper(v);
    let buffer = check_usable(t, v)?;
    if !has(v, WRITABLE) {
        return Err(unsupported(t, "not writable"));
    }
    let has_lf = s.code_points().any(|c| c == 0x0A);
    let mut out = s;
    if has_lf && has(v, WRITE_CR | WRITE_CRLF) && s.value().exact::<Str>().is_none() {
        // A subclass may have its own `replace`, which may do anything, to this stream too.
        let end = Str::new(t, if has(v, WRITE_CRLF) { "\r\n" } else { "\r" }).value();
        let replaced = method(t, a[1], "replace", &[names::newline, end])?;
        let Some(replaced) = replaced.downcast::<Str>() else {
            raise!(t, TypeError, "replace() must return a str, not {}", replaced.class().display_name());
        };
        out = replaced;
        check_usable(t, v)?;
        if !has(v, WRITABLE) {
            return Err(unsupported(t, "not writable"));
        }
    } else if has_lf && has(v, WRITE_CR | WRITE_CRLF) {
        let mut b = StrBuilder::new();
        for c in s.code_points() {
            match c {
                0x0A if has(v, WRITE_CRLF) => {
                    b.push(0x0D);
                    b.push(0x0A);
                }
                0x0A => b.push(0x0D),
                c => b.push(c),
            }
        }
        out = b.finish(t)?;
    }
    let needs_flush = has(v, LINE_BUFFERING) && (has_lf || s.code_points().any(|c| c == 0x0D));
    let bytes = match w.encoder.opt() {
        Some(encoder) => method(t, encoder, "encode", &[out.value()])?,
        None => codec::encode(t, out, w.encoding.get().downcast::<Str>(), w.errors.get().downcast::<Str>())?,
    };
    let Some(bytes) = bytes.downcast::<Bytes>() else {
        raise!(t, TypeError, "encoder should return a bytes object, not '{}'", bytes.class().display_name());
    };
    let chunk_size = w.chunk_size.load(Relaxed) as usize;
    // Nothing is put together that is larger than a chunk. The stream may write to this one.
    while w.pending.lock().len() > 0 && bytes.as_slice().len() >= chunk_size {
        flush_pending(t, v)?;
    }
    if w.pending.lock().len() + bytes.as_slice().len() > chunk_size {
        flush_pending(t, v)?;
    }
    let waiting = {
        let mut pending = w.pending.lock();
        pending.extend_from_slice(bytes.as_slice());
        pending.len()
    };
    if waiting >= chunk_size || needs_flush || has(v, WRITE_THROUGH) {
        flush_pending(t, v)?;
    }
    if needs_flush {
        method(t, buffer, "flush", &[])?;
    }
    if w.snapshot.opt().is_some() {
        forget_read(t, v);
    }
    Ok(Value::int(s.len() as i64))
}

/// What was read ahead counts no more after a write or a seek.
fn forget_read(t: &Thread, v: Value) {
    let w = wrapper(v);
    if w.decoded.opt().is_some() || w.snapshot.opt().is_some() {
        w.decoded.set(t, w, Value::NULL);
        w.snapshot.set(t, w, Value::NULL);
        w.used.store(0, Relaxed);
        if let Some(d) = w.decoder.opt() {
            // The decoder's failure to reset is no failure of the write.
            if method(t, d, "reset", &[]).is_err() {
                t.take_exception();
            }
        }
    }
}

fn flush(t: &Thread, a: &[Value]) -> R {
    let buffer = check_usable(t, a[0])?;
    set(a[0], TELLING, has(a[0], SEEKABLE));
    flush_pending(t, a[0])?;
    method(t, buffer, "flush", &[])
}

// ---- reading ----

fn decoder_of(t: &Thread, v: Value) -> R {
    match wrapper(v).decoder.opt() {
        Some(d) => Ok(d),
        None => Err(unsupported(t, "not readable")),
    }
}

/// Decodes the next chunk into `decoded`; false at the end of the stream.
fn read_chunk(t: &Thread, v: Value, hint: usize) -> R<bool> {
    let w = wrapper(v);
    let decoder = decoder_of(t, v)?;
    let buffer = buffer_of(t, v)?;
    let state = if has(v, TELLING) {
        let state = method(t, decoder, "getstate", &[])?;
        match state.downcast::<Tuple>().filter(|s| s.len() == 2 && s.get(0).downcast::<Bytes>().is_some()) {
            Some(s) => Some((s.get(0), s.get(1))),
            None => raise!(t, TypeError, "illegal decoder state"),
        }
    } else {
        None
    };
    let n = (w.chunk_size.load(Relaxed) as usize).max(hint);
    let how = if attr::get_attr_opt(t, buffer, names::read1)?.is_some() { "read1" } else { "read" };
    let input = method(t, buffer, how, &[Value::int(n as i64)])?;
    if input.class().slots().buffer.is_none() {
        raise!(t, TypeError, "underlying {how}() should have returned a bytes-like object, not '{}'", input.class().display_name());
    }
    let bytes = limpid_vm::types::memory::get_buffer(t, input)?;
    let eof = bytes.as_slice().is_empty();
    let decoded = method(t, decoder, "decode", &[input, Value::bool(eof)])?;
    let Some(s) = decoded.downcast::<Str>() else {
        raise!(t, TypeError, "decoder should return a string result, not '{}'", decoded.class().display_name());
    };
    w.decoded.set(t, w, s.value());
    w.used.store(0, Relaxed);
    if let Some((before, flags)) = state {
        let mut all = limpid_vm::types::memory::get_buffer(t, before)?.as_slice().to_vec();
        all.extend_from_slice(bytes.as_slice());
        let snapshot = Tuple::from_slice(t, &[flags, Bytes::from_slice(t, &all)?.value()]);
        w.snapshot.set(t, w, snapshot.value());
    }
    Ok(!(eof && s.is_empty()))
}

/// Takes at most `n` characters of what is decoded.
fn take(t: &Thread, v: Value, n: usize) -> R<Option<Ref<Str>>> {
    let w = wrapper(v);
    let Some(s) = w.decoded.opt().and_then(|d| d.downcast::<Str>()) else { return Ok(None) };
    let start = w.used.load(Relaxed) as usize;
    let end = start.saturating_add(n).min(s.len());
    w.used.store(end as u64, Relaxed);
    if start >= end { Ok(None) } else { s.slice(t, start, end).map(Some) }
}

fn empty() -> Value {
    names::empty
}

fn read(t: &Thread, a: &[Value]) -> R {
    let v = a[0];
    let buffer = check_usable(t, v)?;
    let decoder = decoder_of(t, v)?;
    let wanted = size(t, a[1])?;
    flush_pending(t, v)?;
    let Some(n) = wanted else {
        let bytes = method(t, buffer, "read", &[])?;
        if bytes.is_none() {
            raise!(t, BlockingIOError, "Read returned None.");
        }
        let rest = method(t, decoder, "decode", &[bytes, Value::TRUE])?;
        let Some(rest) = rest.downcast::<Str>() else { raise!(t, TypeError, "decoder should return a string result") };
        let ahead = take(t, v, usize::MAX)?;
        let w = wrapper(v);
        w.decoded.set(t, w, Value::NULL);
        w.snapshot.set(t, w, Value::NULL);
        w.used.store(0, Relaxed);
        return Ok(match ahead {
            Some(ahead) => Str::concat(t, ahead, rest)?.value(),
            None => rest.value(),
        });
    };
    let mut out = match take(t, v, n)? {
        Some(s) => s,
        // SAFETY: the empty name is a str.
        None => unsafe { Ref::from_value(empty()) },
    };
    while out.len() < n {
        if !read_chunk(t, v, n - out.len())? {
            break;
        }
        if let Some(more) = take(t, v, n - out.len())? {
            out = Str::concat(t, out, more)?;
        }
    }
    Ok(out.value())
}

/// Where the first line in `s`, from `start` on, ends; None when its end is not in sight.
fn line_end(v: Value, s: Ref<Str>, start: usize) -> Option<usize> {
    let flags = wrapper(v).flags.load(Relaxed);
    if flags & UNIVERSAL != 0 && flags & TRANSLATE == 0 {
        for i in start..s.len() {
            match s.char_at(i) {
                0x0A => return Some(i + 1),
                0x0D if i + 1 < s.len() => return Some(if s.char_at(i + 1) == 0x0A { i + 2 } else { i + 1 }),
                // The decoder holds a lone \r back until it has seen what follows.
                0x0D => return Some(i + 1),
                _ => {}
            }
        }
        return None;
    }
    if flags & READ_CRLF != 0 {
        return (start..s.len().saturating_sub(1)).find(|&i| s.char_at(i) == 0x0D && s.char_at(i + 1) == 0x0A).map(|i| i + 2);
    }
    let end = if flags & READ_CR != 0 { b'\r' } else { b'\n' };
    match s.chars() {
        limpid_vm::types::str::Chars::Ascii(b) | limpid_vm::types::str::Chars::Latin1(b) => {
            memchr::memchr(end, &b[start..]).map(|i| start + i + 1)
        }
        _ => (start..s.len()).find(|&i| s.char_at(i) == end as u32).map(|i| i + 1),
    }
}

fn read_line(t: &Thread, v: Value, limit: Option<usize>) -> R<Ref<Str>> {
    flush_pending(t, v)?;
    // SAFETY: the empty name is a str.
    let mut line: Ref<Str> = unsafe { Ref::from_value(empty()) };
    loop {
        let w = wrapper(v);
        let ready = w.decoded.opt().and_then(|d| d.downcast::<Str>()).filter(|s| (w.used.load(Relaxed) as usize) < s.len());
        let Some(s) = ready else {
            if !read_chunk(t, v, 0)? {
                w.decoded.set(t, w, Value::NULL);
                w.snapshot.set(t, w, Value::NULL);
                return Ok(line);
            }
            continue;
        };
        let start = w.used.load(Relaxed) as usize;
        let room = limit.map_or(usize::MAX, |n| n - line.len());
        // A \r at the end of the text read so far may be the first half of the line's end.
        let split = has(v, READ_CRLF) && !line.is_empty() && line.char_at(line.len() - 1) == 0x0D && s.char_at(start) == 0x0A;
        let end = if split { Some(start + 1) } else { line_end(v, s, start) };
        let until = end.unwrap_or(s.len()).min(start.saturating_add(room));
        let part = s.slice(t, start, until)?;
        w.used.store(until as u64, Relaxed);
        line = Str::concat(t, line, part)?;
        if end == Some(until) || limit.is_some_and(|n| line.len() >= n) {
            return Ok(line);
        }
    }
}

fn readline(t: &Thread, a: &[Value]) -> R {
    check_usable(t, a[0])?;
    let limit = size(t, a[1])?;
    Ok(read_line(t, a[0], limit)?.value())
}

fn next(t: &Thread, v: Value) -> R {
    set(v, TELLING, false);
    let line = if v.class() == TEXT_IO_WRAPPER.get() {
        check_usable(t, v)?;
        let line = read_line(t, v, None)?;
        if line.is_empty() { Value::NULL } else { line.value() }
    } else {
        next_line(t, v)?
    };
    if line.is_null() {
        let w = wrapper(v);
        w.snapshot.set(t, w, Value::NULL);
        set(v, TELLING, has(v, SEEKABLE));
    }
    Ok(line)
}

// ---- positions ----

/// `position | dec_flags << 64 | bytes_to_feed << 128 | chars_to_skip << 192 | need_eof << 256`
fn pack(t: &Thread, position: u64, flags: u64, bytes: u64, chars: u64, need_eof: bool) -> R {
    int::from_digits(t, false, &trim(&[position, flags, bytes, chars, need_eof as u64]))
}

fn trim(digits: &[u64]) -> Vec<u64> {
    let n = digits.iter().rposition(|d| *d != 0).map_or(0, |i| i + 1);
    digits[..n].to_vec()
}

fn unpack(t: &Thread, v: Value) -> R<[u64; 5]> {
    let mut scratch = 0;
    let parts = int::parts(v, &mut scratch);
    if parts.negative {
        raise!(t, ValueError, "negative seek position {}", text::repr(t, v)?.to_string_lossy());
    }
    let mut out = [0; 5];
    for (to, from) in out.iter_mut().zip(parts.digits) {
        *to = *from;
    }
    Ok(out)
}

fn tell(t: &Thread, a: &[Value]) -> R {
    let v = a[0];
    let buffer = check_usable(t, v)?;
    if !has(v, SEEKABLE) {
        return Err(unsupported(t, "underlying stream is not seekable"));
    }
    if !has(v, TELLING) {
        raise!(t, OSError, "telling position disabled by next() call");
    }
    flush_pending(t, v)?;
    method(t, v, "flush", &[])?;
    let position = int::to_i64(t, method(t, buffer, "tell", &[])?)?;
    let w = wrapper(v);
    let (Some(decoder), Some(snapshot)) = (w.decoder.opt(), w.snapshot.opt().and_then(|s| s.downcast::<Tuple>())) else {
        return Ok(int::from_i64(t, position));
    };
    let input = limpid_vm::types::memory::get_buffer(t, snapshot.get(1))?.as_slice().to_vec();
    let start = position - input.len() as i64;
    let flags = int::to_u64(t, snapshot.get(0))?;
    let used = w.used.load(Relaxed);
    if used == 0 {
        return pack(t, start as u64, flags, 0, 0, false);
    }
    let saved = method(t, decoder, "getstate", &[])?;
    let result = replay(t, decoder, snapshot.get(0), &input, used);
    method(t, decoder, "setstate", &[saved])?;
    let (fed, decoder_flags, skip, need_eof) = result?;
    // The nearest safe point is where the decoder held nothing back.
    pack(t, start as u64 + fed.0, decoder_flags, fed.1, skip, need_eof)
}

/// Decodes the chunk again, byte by byte, up to the reader's place: the last safe point (bytes before it, bytes to feed from there), the
/// decoder's flags there, the characters to skip, and whether the end of the stream must be told.
fn replay(t: &Thread, decoder: Value, flags: Value, input: &[u8], used: u64) -> R<((u64, u64), u64, u64, bool)> {
    let no_bytes = Bytes::from_slice(t, &[])?.value();
    method(t, decoder, "setstate", &[Tuple::from_slice(t, &[no_bytes, flags]).value()])?;
    let (mut safe, mut safe_flags, mut chars_at_safe, mut chars) = (0u64, int::to_u64(t, flags)?, 0u64, 0u64);
    for (i, byte) in input.iter().enumerate() {
        let one = Bytes::from_slice(t, &[*byte])?.value();
        let out = method(t, decoder, "decode", &[one])?;
        chars += out.downcast::<Str>().map_or(0, |s| s.len() as u64);
        let state = method(t, decoder, "getstate", &[])?;
        let Some(state) = state.downcast::<Tuple>() else { raise!(t, TypeError, "illegal decoder state") };
        let holds = limpid_vm::types::memory::get_buffer(t, state.get(0))?.as_slice().len();
        if holds == 0 && chars <= used {
            safe = i as u64 + 1;
            safe_flags = int::to_u64(t, state.get(1))?;
            chars_at_safe = chars;
        }
        if chars >= used {
            let feed = i as u64 + 1 - safe;
            return Ok(((safe, feed), safe_flags, used - chars_at_safe, false));
        }
    }
    let out = method(t, decoder, "decode", &[no_bytes, Value::TRUE])?;
    chars += out.downcast::<Str>().map_or(0, |s| s.len() as u64);
    if chars < used {
        raise!(t, OSError, "can't reconstruct logical file position");
    }
    Ok(((safe, input.len() as u64 - safe), safe_flags, used - chars_at_safe, true))
}

fn seek(t: &Thread, a: &[Value]) -> R {
    let v = a[0];
    let buffer = check_usable(t, v)?;
    if !has(v, SEEKABLE) {
        return Err(unsupported(t, "underlying stream is not seekable"));
    }
    let how = whence(t, a[2])?;
    let mut cookie = number::index(t, a[1])?;
    let w = wrapper(v);
    match how {
        1 => {
            if !int::is_zero(cookie) {
                return Err(unsupported(t, "can't do nonzero cur-relative seeks"));
            }
            cookie = method(t, v, "tell", &[])?;
        }
        2 => {
            if !int::is_zero(cookie) {
                return Err(unsupported(t, "can't do nonzero end-relative seeks"));
            }
            method(t, v, "flush", &[])?;
            forget_read(t, v);
            let end = method(t, buffer_of(t, v)?, "seek", &[Value::int(0), Value::int(2)])?;
            set_encoder_to(t, v, int::is_zero(number::index(t, end)?))?;
            return Ok(end);
        }
        0 => {}
        _ => raise!(t, ValueError, "invalid whence ({how}, should be 0, 1 or 2)"),
    }
    let [position, flags, feed, skip, need_eof] = unpack(t, cookie)?;
    method(t, v, "flush", &[])?;
    method(t, buffer, "seek", &[int::from_u64(t, position)])?;
    w.decoded.set(t, w, Value::NULL);
    w.snapshot.set(t, w, Value::NULL);
    w.used.store(0, Relaxed);
    let no_bytes = Bytes::from_slice(t, &[])?.value();
    if let Some(decoder) = w.decoder.opt() {
        if position == 0 && flags == 0 {
            method(t, decoder, "reset", &[])?;
        } else {
            method(t, decoder, "setstate", &[Tuple::from_slice(t, &[no_bytes, int::from_u64(t, flags)]).value()])?;
        }
        w.snapshot.set(t, w, Tuple::from_slice(t, &[int::from_u64(t, flags), no_bytes]).value());
        if skip > 0 {
            let input = method(t, buffer, "read", &[int::from_u64(t, feed)])?;
            let decoded = method(t, decoder, "decode", &[input, Value::bool(need_eof != 0)])?;
            let Some(s) = decoded.downcast::<Str>().filter(|s| s.len() as u64 >= skip) else {
                raise!(t, OSError, "can't restore logical file position");
            };
            w.snapshot.set(t, w, Tuple::from_slice(t, &[int::from_u64(t, flags), input]).value());
            w.decoded.set(t, w, s.value());
            w.used.store(skip, Relaxed);
        }
    }
    set_encoder_to(t, v, position == 0 && flags == 0)?;
    Ok(cookie)
}

/// Where the encoder goes on: at the start, where a byte order mark belongs, or behind it.
fn set_encoder_to(t: &Thread, v: Value, start: bool) -> R<()> {
    match wrapper(v).encoder.opt() {
        Some(encoder) if start => method(t, encoder, "reset", &[]).map(|_| ()),
        Some(encoder) => method(t, encoder, "setstate", &[Value::int(0)]).map(|_| ()),
        None => Ok(()),
    }
}

// ---- the rest ----

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
