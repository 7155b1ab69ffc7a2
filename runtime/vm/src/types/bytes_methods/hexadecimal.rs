//! `hex` and `fromhex`.

use super::ByteText;
use crate::object::{R, ValueExt};
use crate::protocol::{call, sequence};
use crate::thread::Thread;
use crate::types::memory::get_buffer_opt;
use crate::types::str::unicode;
use crate::types::{Bytes, Str, builtin, int};
use limpid_heap::Value;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// The bytes in hexadecimal, with a separator (NULL for none) after each group.
pub fn hex(t: &Thread, contents: &[u8], separator: Value, group: Value) -> R {
    let group = if group.is_null() { 1 } else { int::to_i32(t, group)? };
    let separator = match separator {
        Value::NULL => None,
        v => Some(separator_of(t, v)?),
    };
    let mut out = Vec::with_capacity(contents.len() * 2);
    let size = group.unsigned_abs() as usize;
    for (i, b) in contents.iter().enumerate() {
        let boundary = size > 0 && i > 0 && if group > 0 { (contents.len() - i).is_multiple_of(size) } else { i.is_multiple_of(size) };
        if let (Some(separator), true) = (separator, boundary) {
            out.push(separator);
        }
        out.extend_from_slice(&[DIGITS[(b >> 4) as usize], DIGITS[(b & 15) as usize]]);
    }
    Ok(Str::from_ascii(t, &out)?.value())
}

fn separator_of(t: &Thread, v: Value) -> R<u8> {
    let (len, c) = if let Some(s) = v.downcast::<Str>() {
        (sequence::len(t, v)?, if s.is_empty() { 0 } else { s.char_at(0) })
    } else if let Some(b) = v.downcast::<Bytes>() {
        (sequence::len(t, v)?, b.as_slice().first().map_or(0, |b| *b as u32))
    } else {
        raise!(t, TypeError, "sep must be str or bytes.")
    };
    if len != 1 {
        raise!(t, ValueError, "sep must be length 1.")
    }
    if c >= 0x80 {
        raise!(t, ValueError, "sep must be ASCII.")
    }
    Ok(c as u8)
}

/// `bytes.fromhex(text)`
pub(crate) fn from_hex<T: ByteText>(t: &Thread, a: &[Value]) -> R {
    let (made, error_at) = if let Some(s) = a[1].downcast::<Str>() {
        parse(s.len(), |i| s.char_at(i))
    } else if let Some(buffer) = get_buffer_opt(t, a[1])? {
        let bytes = buffer.to_contiguous();
        parse(bytes.len(), |i| bytes[i] as u32)
    } else {
        raise!(t, TypeError, "fromhex() argument must be str or bytes-like, not {}", a[1].class().display_name())
    };
    match error_at {
        None => {}
        Some(Refused::Odd) => raise!(t, ValueError, "fromhex() arg must contain an even number of hexadecimal digits"),
        Some(Refused::At(i)) => raise!(t, ValueError, "non-hexadecimal number found in fromhex() arg at position {i}"),
    }
    let v = T::make(t, &made)?;
    if a[0] == builtin::BYTES.value() || a[0] == builtin::BYTEARRAY.value() { Ok(v) } else { call::call(t, a[0], &[v]) }
}

enum Refused {
    /// The last digit has no partner.
    Odd,
    /// The character at this position is no digit.
    At(usize),
}

fn parse(len: usize, char_at: impl Fn(usize) -> u32) -> (Vec<u8>, Option<Refused>) {
    let digit = |i: usize| char::from_u32(char_at(i)).and_then(|c| c.to_digit(16));
    let mut out = Vec::with_capacity(len / 2);
    let mut i = 0;
    while i < len {
        if char_at(i) < 0x80 && unicode::is_space(char_at(i)) && !matches!(char_at(i), 0x1C..=0x1F) {
            i += 1;
            continue;
        }
        let Some(high) = digit(i) else { return (out, Some(Refused::At(i))) };
        if i + 1 == len {
            return (out, Some(Refused::Odd));
        }
        let Some(low) = digit(i + 1) else { return (out, Some(Refused::At(i + 1))) };
        out.push((high << 4 | low) as u8);
        i += 2;
    }
    (out, None)
}
