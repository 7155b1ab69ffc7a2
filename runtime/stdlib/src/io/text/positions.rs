//! `tell` and `seek`: a position is one of the buffer together with the state of the decoder there.

use super::writing::{flush_pending, forget_read};
use super::{SEEKABLE, TELLING, buffer_of, check_usable, has, wrapper};
use crate::io::{method, unsupported, whence};
use limpid_heap::Value;
use limpid_vm::object::{R, ValueExt};
use limpid_vm::protocol::{number, text};
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Bytes, Str, Tuple, int};
use std::sync::atomic::Ordering::Relaxed;

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

pub(super) fn tell(t: &Thread, a: &[Value]) -> R {
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

pub(super) fn seek(t: &Thread, a: &[Value]) -> R {
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
