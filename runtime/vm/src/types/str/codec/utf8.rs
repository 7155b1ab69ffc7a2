//! UTF-8.

use super::errors::{DecodeErrors, EncodeErrors, Errors, Replacement};
use crate::object::{R, Ref};
use crate::thread::Thread;
use crate::types::str::{Chars, StrBuilder, Width};
use crate::types::{Bytes, Str};
use limpid_heap::Value;

/// Decodes; the text and how many bytes it came from. Unless `complete`, bytes at the end that more may follow are left. `source` is the
/// object the bytes are of, or NULL.
pub fn decode(t: &Thread, bytes: &[u8], source: Value, errors: Errors, complete: bool) -> R<(Ref<Str>, usize)> {
    if bytes.is_ascii() {
        return Ok((short_or_ascii(t, bytes)?, bytes.len()));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok((from_valid(t, text)?, bytes.len())),
        Err(_) => decode_slow(t, bytes, source, errors, complete),
    }
}

fn short_or_ascii(t: &Thread, bytes: &[u8]) -> R<Ref<Str>> {
    match bytes {
        [] => Str::from_chars(t, std::iter::empty()),
        [b] => Str::from_char(t, *b as u32),
        _ => Str::from_ascii(t, bytes),
    }
}

/// A string from text that is not ASCII.
fn from_valid(t: &Thread, text: &str) -> R<Ref<Str>> {
    let bytes = text.as_bytes();
    let max = bytes.iter().fold(0, |max, b| (*b).max(max));
    let len = bytes.iter().filter(|b| (**b as i8) >= -0x40).count();
    let width = match max {
        0..0x80 => Width::Ascii,
        0x80..0xC4 => Width::Latin1,
        0xC4..0xF0 => Width::Ucs2,
        _ => Width::Ucs4,
    };
    if len == 1 {
        return Str::from_chars(t, text.chars().map(|c| c as u32));
    }
    let s = Str::alloc(t, width, len)?;
    let chars = text.chars().enumerate();
    // SAFETY: the data area has `len` characters of the width, which holds all of them, and nobody else sees it yet.
    unsafe {
        match width {
            Width::Ascii | Width::Latin1 => chars.for_each(|(i, c)| *s.data_ptr().add(i) = c as u8),
            Width::Ucs2 => chars.for_each(|(i, c)| *(s.data_ptr() as *mut u16).add(i) = c as u16),
            Width::Ucs4 => chars.for_each(|(i, c)| *(s.data_ptr() as *mut u32).add(i) = c as u32),
        }
    }
    Ok(s)
}

fn decode_slow(t: &Thread, bytes: &[u8], source: Value, errors: Errors, complete: bool) -> R<(Ref<Str>, usize)> {
    let mut handler = DecodeErrors::new(t, "utf-8", errors, source);
    let mut out = StrBuilder::with_capacity(bytes.len());
    let mut input = bytes;
    let mut at = 0;
    while at < input.len() {
        let (valid, error_len) = match std::str::from_utf8(&input[at..]) {
            Ok(text) => {
                out.push_text(text);
                at = input.len();
                break;
            }
            Err(e) => (e.valid_up_to(), e.error_len()),
        };
        // SAFETY: this part is valid.
        out.push_text(unsafe { std::str::from_utf8_unchecked(&input[at..at + valid]) });
        at += valid;
        let (end, reason) = match error_len {
            None if !complete => break,
            None => (input.len(), "unexpected end of data"),
            Some(_) if !complete && matches!(input[at..], [0xED, 0xA0..=0xBF]) => break,
            Some(n) => match input[at] {
                0x80..0xC2 | 0xF5.. => (at + 1, "invalid start byte"),
                _ => (at + n, "invalid continuation byte"),
            },
        };
        at = handler.handle(&mut input, at, end, reason, &mut out)?;
    }
    Ok((out.finish(t)?, at))
}

/// Encodes.
pub fn encode(t: &Thread, s: Ref<Str>, errors: Errors) -> R<Ref<Bytes>> {
    match s.chars() {
        Chars::Ascii(bytes) => Bytes::from_slice(t, bytes),
        Chars::Latin1(chars) => {
            let mut out = Vec::with_capacity(chars.len() + chars.len() / 2);
            for &c in chars {
                push_char(&mut out, c as u32);
            }
            Bytes::from_slice(t, &out)
        }
        Chars::Ucs2(chars) => encode_wide(t, s, chars.len() * 3, errors),
        Chars::Ucs4(chars) => encode_wide(t, s, chars.len() * 4, errors),
    }
}

/// Appends a character; lone surrogates as if they were characters.
#[inline]
pub fn push_char(out: &mut Vec<u8>, c: u32) {
    match c {
        0..0x80 => out.push(c as u8),
        0x80..0x800 => out.extend_from_slice(&[0xC0 | (c >> 6) as u8, 0x80 | (c & 0x3F) as u8]),
        0x800..0x10000 => out.extend_from_slice(&[0xE0 | (c >> 12) as u8, 0x80 | (c >> 6 & 0x3F) as u8, 0x80 | (c & 0x3F) as u8]),
        _ => out.extend_from_slice(&[
            0xF0 | (c >> 18) as u8,
            0x80 | (c >> 12 & 0x3F) as u8,
            0x80 | (c >> 6 & 0x3F) as u8,
            0x80 | (c & 0x3F) as u8,
        ]),
    }
}

fn encode_wide(t: &Thread, s: Ref<Str>, room: usize, errors: Errors) -> R<Ref<Bytes>> {
    const REASON: &str = "surrogates not allowed";
    let is_surrogate = |i: usize| (0xD800..0xE000).contains(&s.char_at(i));
    let mut handler = EncodeErrors::new(t, "utf-8", errors, s);
    let mut out = Vec::with_capacity(room.min(1 << 20));
    let mut i = 0;
    while i < s.len() {
        if !is_surrogate(i) {
            push_char(&mut out, s.char_at(i));
            i += 1;
            continue;
        }
        let start = i;
        let mut end = i + 1;
        while end < s.len() && is_surrogate(end) {
            end += 1;
        }
        let (replacement, next) = handler.handle(start, end, REASON)?;
        match replacement {
            Replacement::Ascii(bytes) | Replacement::Escaped(bytes) => out.extend_from_slice(&bytes),
            Replacement::Pass => (start..end).for_each(|i| push_char(&mut out, s.char_at(i))),
            Replacement::Bytes(bytes) => out.extend_from_slice(bytes.contents()),
            Replacement::Text(text) => match text.as_ascii() {
                Some(text) => out.extend_from_slice(text.as_bytes()),
                None => return handler.refuse(start, end, REASON),
            },
        }
        i = next;
    }
    Bytes::from_slice(t, &out)
}
