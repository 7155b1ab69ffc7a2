//! Latin-1 and ASCII: one byte a character.

use super::errors::{DecodeErrors, EncodeErrors, Errors, Replacement};
use crate::object::{R, Ref};
use crate::thread::Thread;
use crate::types::str::{Chars, StrBuilder};
use crate::types::{Bytes, Str};
use limpid_heap::Value;

/// An encoding in which the first so many characters are encoded as themselves, and no others.
#[derive(Clone, Copy, Debug)]
pub struct Narrow {
    name: &'static str,
    limit: u32,
    reason: &'static str,
}

/// Latin-1.
pub const LATIN1: Narrow = Narrow { name: "latin-1", limit: 0x100, reason: "ordinal not in range(256)" };
/// ASCII.
pub const ASCII: Narrow = Narrow { name: "ascii", limit: 0x80, reason: "ordinal not in range(128)" };

/// Encodes.
pub fn encode(t: &Thread, s: Ref<Str>, errors: Errors, encoding: Narrow) -> R<Ref<Bytes>> {
    match s.chars() {
        Chars::Ascii(bytes) => return Bytes::from_slice(t, bytes),
        Chars::Latin1(bytes) if encoding.limit == 0x100 => return Bytes::from_slice(t, bytes),
        _ => {}
    }
    let mut handler = EncodeErrors::new(t, encoding.name, errors, s);
    let mut out = Vec::with_capacity(s.len());
    let mut i = 0;
    while i < s.len() {
        let c = s.char_at(i);
        if c < encoding.limit {
            out.push(c as u8);
            i += 1;
            continue;
        }
        let start = i;
        let mut end = i + 1;
        while end < s.len() && s.char_at(end) >= encoding.limit {
            end += 1;
        }
        let (replacement, next) = handler.handle(start, end, encoding.reason)?;
        match replacement {
            Replacement::Ascii(bytes) | Replacement::Escaped(bytes) => out.extend_from_slice(&bytes),
            Replacement::Bytes(bytes) => out.extend_from_slice(bytes.contents()),
            Replacement::Text(text) if text.code_points().all(|c| c < encoding.limit) => out.extend(text.code_points().map(|c| c as u8)),
            Replacement::Text(_) | Replacement::Pass => return handler.refuse(start, end, encoding.reason),
        }
        i = next;
    }
    Bytes::from_slice(t, &out)
}

/// Decodes ASCII. `source` is the object the bytes are of, or NULL.
pub fn decode_ascii(t: &Thread, bytes: &[u8], source: Value, errors: Errors) -> R<Ref<Str>> {
    if bytes.is_ascii() {
        return Str::from_ascii(t, bytes);
    }
    let mut handler = DecodeErrors::new(t, ASCII.name, errors, source);
    let mut out = StrBuilder::with_capacity(bytes.len());
    let mut input = bytes;
    let mut at = 0;
    while at < input.len() {
        let n = input[at..].iter().position(|b| *b >= 0x80).unwrap_or(input.len() - at);
        out.push_latin1(&input[at..at + n]);
        at += n;
        if at < input.len() {
            at = handler.handle(&mut input, at, at + 1, ASCII.reason, &mut out)?;
        }
    }
    out.finish(t)
}
