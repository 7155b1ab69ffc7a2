//! Writing: text is encoded at once and given to the buffer in larger pieces.

use super::{LINE_BUFFERING, SEEKABLE, TELLING, WRITABLE, WRITE_CR, WRITE_CRLF, WRITE_THROUGH, buffer_of, check_usable, has, set, wrapper};
use crate::io::{method, unsupported};
use limpid_heap::Value;
use limpid_vm::object::{R, ValueExt};
use limpid_vm::thread::Thread;
use limpid_vm::types::str::codec;
use limpid_vm::types::{Bytes, Str, StrBuilder};
use limpid_vm::{names, raise};
use std::sync::atomic::Ordering::Relaxed;

/// Hands what was collected to the stream.
pub(super) fn flush_pending(t: &Thread, v: Value) -> R<()> {
    let bytes = std::mem::take(&mut *wrapper(v).pending.lock());
    if bytes.is_empty() {
        return Ok(());
    }
    let b = Bytes::from_slice(t, &bytes)?.value();
    let buffer = buffer_of(t, v)?;
    method(t, buffer, "write", &[b]).map(|_| ())
}

pub(super) fn write(t: &Thread, a: &[Value]) -> R {
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
    while !w.pending.lock().is_empty() && bytes.as_slice().len() >= chunk_size {
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
pub(super) fn forget_read(t: &Thread, v: Value) {
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

pub(super) fn flush(t: &Thread, a: &[Value]) -> R {
    let buffer = check_usable(t, a[0])?;
    set(a[0], TELLING, has(a[0], SEEKABLE));
    flush_pending(t, a[0])?;
    method(t, buffer, "flush", &[])
}
