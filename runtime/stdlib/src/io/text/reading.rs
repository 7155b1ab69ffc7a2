//! Reading: what the decoder gives is kept until it is asked for.

use super::writing::flush_pending;
use super::{READ_CR, READ_CRLF, SEEKABLE, TELLING, TEXT_IO_WRAPPER, TRANSLATE, UNIVERSAL, buffer_of, check_usable, has, set, wrapper};
use crate::io::base::next_line;
use crate::io::{method, size, unsupported};
use limpid_heap::Value;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::attr;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Bytes, Str, Tuple};
use limpid_vm::{names, raise};
use std::sync::atomic::Ordering::Relaxed;

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
pub(super) fn take(t: &Thread, v: Value, n: usize) -> R<Option<Ref<Str>>> {
    let w = wrapper(v);
    let Some(s) = w.decoded.opt().and_then(|d| d.downcast::<Str>()) else { return Ok(None) };
    let start = w.used.load(Relaxed) as usize;
    let end = start.saturating_add(n).min(s.len());
    w.used.store(end as u64, Relaxed);
    if start >= end { Ok(None) } else { s.slice(t, start, end).map(Some) }
}

pub(super) fn empty() -> Value {
    names::empty
}

pub(super) fn read(t: &Thread, a: &[Value]) -> R {
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

pub(super) fn readline(t: &Thread, a: &[Value]) -> R {
    check_usable(t, a[0])?;
    let limit = size(t, a[1])?;
    Ok(read_line(t, a[0], limit)?.value())
}

pub(super) fn next(t: &Thread, v: Value) -> R {
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
