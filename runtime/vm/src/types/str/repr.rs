//! `repr` and `ascii` of text and bytes.

use super::{Chars, Str, StrBuilder, unicode};
use crate::object::{R, Ref};
use crate::thread::Thread;
use std::fmt::Write as _;

/// `repr(s)`: in single quotes unless only those occur in it.
pub fn repr(t: &Thread, s: Ref<Str>) -> R<Ref<Str>> {
    match s.chars() {
        Chars::Ascii(a) => {
            let quote = quote_for(a.iter().map(|&c| c as u32));
            if a.iter().all(|&c| is_plain_ascii(c) && c != quote) {
                let out = Str::alloc(t, super::Width::Ascii, a.len() + 2)?;
                // SAFETY: the string is new and has that many characters.
                let data = unsafe { std::slice::from_raw_parts_mut(out.data_ptr(), a.len() + 2) };
                data[0] = quote;
                data[1..=a.len()].copy_from_slice(a);
                data[a.len() + 1] = quote;
                return Ok(out);
            }
            escaped(t, a.iter().map(|&c| c as u32), quote)
        }
        Chars::Latin1(a) => escaped(t, a.iter().map(|&c| c as u32), quote_for(a.iter().map(|&c| c as u32))),
        Chars::Ucs2(a) => escaped(t, a.iter().map(|&c| c as u32), quote_for(a.iter().map(|&c| c as u32))),
        Chars::Ucs4(a) => escaped(t, a.iter().copied(), quote_for(a.iter().copied())),
    }
}

#[inline]
fn is_plain_ascii(c: u8) -> bool {
    (0x20..0x7F).contains(&c) && c != b'\\'
}

fn quote_for(chars: impl Iterator<Item = u32>) -> u8 {
    let (mut single, mut double) = (false, false);
    for c in chars {
        single |= c == b'\'' as u32;
        double |= c == b'"' as u32;
    }
    if single && !double { b'"' } else { b'\'' }
}

fn escaped(t: &Thread, chars: impl ExactSizeIterator<Item = u32>, quote: u8) -> R<Ref<Str>> {
    let mut out = StrBuilder::with_capacity(chars.len() + 8);
    out.push(quote as u32);
    for c in chars {
        match c {
            _ if c == quote as u32 || c == b'\\' as u32 => {
                out.push(b'\\' as u32);
                out.push(c);
            }
            0x20..0x7F => out.push(c),
            0x0A => out.push_latin1(b"\\n"),
            0x0D => out.push_latin1(b"\\r"),
            0x09 => out.push_latin1(b"\\t"),
            _ if unicode::is_printable(c) => out.push(c),
            _ => push_escape(&mut out, c),
        }
    }
    out.push(quote as u32);
    out.finish(t)
}

/// Appends `\xNN`, `\uNNNN` or `\UNNNNNNNN`.
pub fn push_escape(out: &mut StrBuilder, c: u32) {
    // Writing to memory cannot fail.
    let _ = match c {
        0..0x100 => write!(out, "\\x{c:02x}"),
        0x100..0x10000 => write!(out, "\\u{c:04x}"),
        _ => write!(out, "\\U{c:08x}"),
    };
}

/// The text with everything that is not ASCII escaped: what `ascii()` makes of a repr.
pub fn escape_non_ascii(t: &Thread, s: Ref<Str>) -> R<Ref<Str>> {
    let mut out = StrBuilder::with_capacity(s.len() + 8);
    for c in s.code_points() {
        if c < 0x80 { out.push(c) } else { push_escape(&mut out, c) }
    }
    out.finish(t)
}

/// Appends the repr of bytes without the quotes' choice: `b'...'`.
pub fn push_bytes_repr(out: &mut Vec<u8>, bytes: &[u8]) {
    let quote = quote_for(bytes.iter().map(|&c| c as u32));
    push_quoted_bytes(out, bytes, quote);
}

/// Appends the repr of a bytearray's contents, where a single quote is escaped even in double quotes.
pub fn push_bytearray_repr(out: &mut Vec<u8>, bytes: &[u8]) {
    let quote = quote_for(bytes.iter().map(|&c| c as u32));
    push_escaped_bytes(out, bytes, quote, |c| c == quote || c == b'\'' || c == b'\\');
}

/// As [`push_bytes_repr`], in these quotes.
pub fn push_quoted_bytes(out: &mut Vec<u8>, bytes: &[u8], quote: u8) {
    push_escaped_bytes(out, bytes, quote, |c| c == quote || c == b'\\');
}

fn push_escaped_bytes(out: &mut Vec<u8>, bytes: &[u8], quote: u8, is_escaped: impl Fn(u8) -> bool) {
    out.reserve(bytes.len() + 3);
    out.extend_from_slice(&[b'b', quote]);
    for &c in bytes {
        match c {
            _ if is_escaped(c) => out.extend_from_slice(&[b'\\', c]),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            0x20..0x7F => out.push(c),
            _ => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                out.extend_from_slice(&[b'\\', b'x', HEX[(c >> 4) as usize], HEX[(c & 15) as usize]]);
            }
        }
    }
    out.push(quote);
}
