//! The encodings `unicode_escape`, `raw_unicode_escape`, and the escapes of bytes literals.

use super::errors::{DecodeErrors, EncodeErrors, Errors, Replacement};
use crate::exc;
use crate::object::{R, Ref};
use crate::thread::Thread;
use crate::types::str::StrBuilder;
use crate::types::{Bytes, Str};
use limpid_heap::Value;
use std::io::Write as _;

/// An escape that means nothing; it is deprecated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InvalidEscape {
    /// A backslash before this character.
    Char(u8),
    /// An octal number above 0o377.
    Octal(u32),
}

/// Warns of an escape that means nothing.
pub fn warn_invalid(t: &Thread, first: Option<InvalidEscape>) -> R<()> {
    let text = match first {
        None => return Ok(()),
        Some(InvalidEscape::Char(c)) => format!("\"\\{}\" is an invalid escape sequence", c as char),
        Some(InvalidEscape::Octal(n)) => format!("\"\\{n:o}\" is an invalid octal escape sequence"),
    };
    crate::modules::warnings::warn(t, exc::DeprecationWarning, &text, 1)
}

fn hex_digits(bytes: &[u8], most: usize) -> (u32, usize) {
    let n = bytes.iter().take(most).take_while(|b| b.is_ascii_hexdigit()).count();
    let value = bytes[..n].iter().fold(0, |v, b| v << 4 | (*b as char).to_digit(16).unwrap_or(0));
    (value, n)
}

fn octal(bytes: &[u8]) -> (u32, usize) {
    let n = bytes.iter().take(3).take_while(|b| matches!(b, b'0'..=b'7')).count();
    (bytes[..n].iter().fold(0, |v, b| v << 3 | (b - b'0') as u32), n)
}

/// What a simple escape stands for.
fn simple(c: u8) -> Option<u8> {
    Some(match c {
        b'\\' | b'\'' | b'"' => c,
        b'b' => 8,
        b'f' => 12,
        b't' => b'\t',
        b'n' => b'\n',
        b'r' => b'\r',
        b'v' => 11,
        b'a' => 7,
        _ => return None,
    })
}

/// Decodes `unicode_escape`: Latin-1 with the escapes of str literals. The text and how many bytes it came from; unless `complete`, an
/// escape that may go on is left.
pub fn decode_unicode(t: &Thread, bytes: &[u8], source: Value, errors: Errors, complete: bool) -> R<(Ref<Str>, usize)> {
    let mut handler = DecodeErrors::new(t, "unicodeescape", errors, source);
    let mut out = StrBuilder::with_capacity(bytes.len());
    let mut input = bytes;
    let mut at = 0;
    let mut invalid = None;
    while at < input.len() {
        if input[at] != b'\\' {
            out.push(input[at] as u32);
            at += 1;
            continue;
        }
        let Some(&c) = input.get(at + 1) else {
            if !complete {
                break;
            }
            let end = input.len();
            at = handler.handle(&mut input, at, end, "\\ at end of string", &mut out)?;
            continue;
        };
        let body = at + 2;
        match c {
            b'\n' => at = body,
            _ if simple(c).is_some() => {
                out.push(simple(c).unwrap_or(c) as u32);
                at = body;
            }
            b'0'..=b'7' => {
                let (value, n) = octal(&input[at + 1..]);
                if value > 0o377 {
                    invalid = invalid.or(Some(InvalidEscape::Octal(value)));
                }
                out.push(value);
                at += 1 + n;
            }
            b'x' | b'u' | b'U' => {
                let (wanted, reason) = match c {
                    b'x' => (2, "truncated \\xXX escape"),
                    b'u' => (4, "truncated \\uXXXX escape"),
                    _ => (8, "truncated \\UXXXXXXXX escape"),
                };
                let (value, n) = hex_digits(&input[body..], wanted);
                if n == wanted && value <= 0x10FFFF {
                    out.push(value);
                    at = body + n;
                } else if n < wanted && body + n == input.len() && !complete {
                    break;
                } else {
                    let reason = if n == wanted { "illegal Unicode character" } else { reason };
                    at = handler.handle(&mut input, at, body + n, reason, &mut out)?;
                }
            }
            b'N' => match named(&input[body..]) {
                Named::Char(c, n) => {
                    out.push(c);
                    at = body + n;
                }
                Named::Unfinished if !complete => break,
                Named::Unfinished | Named::Malformed => {
                    let end = body + input[body..].iter().position(|b| *b == b'}').map_or(input.len() - body, |_| 0);
                    at = handler.handle(&mut input, at, end, "malformed \\N character escape", &mut out)?;
                }
                Named::Unknown(n) => {
                    at = handler.handle(&mut input, at, body + n, "unknown Unicode character name", &mut out)?;
                }
            },
            _ => {
                invalid = invalid.or(Some(InvalidEscape::Char(c)));
                out.push(b'\\' as u32);
                out.push(c as u32);
                at = body;
            }
        }
    }
    warn_invalid(t, invalid)?;
    Ok((out.finish(t)?, at))
}

enum Named {
    /// A character, and how long the name in braces is.
    Char(u32, usize),
    /// There is no such character.
    Unknown(usize),
    Unfinished,
    Malformed,
}

/// `{NAME}` at the beginning of bytes.
fn named(bytes: &[u8]) -> Named {
    match bytes {
        [] => return Named::Unfinished,
        [b'{', ..] => {}
        _ => return Named::Malformed,
    }
    let Some(end) = bytes.iter().position(|b| *b == b'}') else { return Named::Unfinished };
    if end == 1 {
        return Named::Malformed;
    }
    match std::str::from_utf8(&bytes[1..end]).ok().and_then(unicode_names2::character) {
        Some(c) => Named::Char(c as u32, end + 1),
        None => Named::Unknown(end + 1),
    }
}

/// Decodes `raw_unicode_escape`: Latin-1 with `\uXXXX` and `\UXXXXXXXX`, unless an odd backslash precedes.
pub fn decode_raw_unicode(t: &Thread, bytes: &[u8], source: Value, errors: Errors, complete: bool) -> R<(Ref<Str>, usize)> {
    let mut handler = DecodeErrors::new(t, "rawunicodeescape", errors, source);
    let mut out = StrBuilder::with_capacity(bytes.len());
    let mut input = bytes;
    let mut at = 0;
    while at < input.len() {
        let c = input[at];
        if c != b'\\' || at + 1 >= input.len() {
            if c == b'\\' && !complete {
                break;
            }
            out.push(c as u32);
            at += 1;
            continue;
        }
        let (wanted, reason) = match input[at + 1] {
            b'u' => (4, "truncated \\uXXXX escape"),
            b'U' => (8, "truncated \\UXXXXXXXX escape"),
            other => {
                // A backslash that is escaped itself introduces nothing.
                out.push(c as u32);
                out.push(other as u32);
                at += 2;
                continue;
            }
        };
        let body = at + 2;
        let (value, n) = hex_digits(&input[body..], wanted);
        if n == wanted && value <= 0x10FFFF {
            out.push(value);
            at = body + n;
        } else if n < wanted && body + n == input.len() && !complete {
            break;
        } else {
            let reason = if n == wanted { "\\Uxxxxxxxx out of range" } else { reason };
            at = handler.handle(&mut input, at, body + n, reason, &mut out)?;
        }
    }
    Ok((out.finish(t)?, at))
}

/// Encodes `unicode_escape`.
pub fn encode_unicode(t: &Thread, s: Ref<Str>) -> R<Ref<Bytes>> {
    let mut out = Vec::with_capacity(s.len());
    for c in s.code_points() {
        // Writing to memory cannot fail.
        let _ = match c {
            0x5C => out.write_all(b"\\\\"),
            9 => out.write_all(b"\\t"),
            10 => out.write_all(b"\\n"),
            13 => out.write_all(b"\\r"),
            0x20..0x7F => out.write_all(&[c as u8]),
            0..0x100 => write!(out, "\\x{c:02x}"),
            0x100..0x10000 => write!(out, "\\u{c:04x}"),
            _ => write!(out, "\\U{c:08x}"),
        };
    }
    Bytes::from_slice(t, &out)
}

/// Encodes `raw_unicode_escape`.
pub fn encode_raw_unicode(t: &Thread, s: Ref<Str>) -> R<Ref<Bytes>> {
    let mut out = Vec::with_capacity(s.len());
    for c in s.code_points() {
        let _ = match c {
            0..0x100 => out.write_all(&[c as u8]),
            0x100..0x10000 => write!(out, "\\u{c:04x}"),
            _ => write!(out, "\\U{c:08x}"),
        };
    }
    Bytes::from_slice(t, &out)
}

/// `codecs.escape_decode`: the escapes of bytes literals.
pub fn decode_bytes(t: &Thread, bytes: &[u8], errors: Errors) -> R<Ref<Bytes>> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    let mut invalid = None;
    while at < bytes.len() {
        if bytes[at] != b'\\' {
            out.push(bytes[at]);
            at += 1;
            continue;
        }
        let Some(&c) = bytes.get(at + 1) else { raise!(t, ValueError, "Trailing \\ in string") };
        let body = at + 2;
        match c {
            b'\n' => at = body,
            _ if simple(c).is_some() => {
                out.push(simple(c).unwrap_or(c));
                at = body;
            }
            b'0'..=b'7' => {
                let (value, n) = octal(&bytes[at + 1..]);
                if value > 0o377 {
                    invalid = invalid.or(Some(InvalidEscape::Octal(value)));
                }
                out.push(value as u8);
                at += 1 + n;
            }
            b'x' => {
                let (value, n) = hex_digits(&bytes[body..], 2);
                at = body + n;
                match errors {
                    _ if n == 2 => out.push(value as u8),
                    Errors::Strict => raise!(t, ValueError, "invalid \\x escape at position {}", body - 2),
                    Errors::Replace => out.push(b'?'),
                    Errors::Ignore => {}
                    Errors::Other(name) => {
                        raise!(t, ValueError, "decoding error; unknown error handling code: {}", name.to_string_lossy())
                    }
                    _ => raise!(t, ValueError, "decoding error; unknown error handling code"),
                }
            }
            _ => {
                invalid = invalid.or(Some(InvalidEscape::Char(c)));
                out.extend_from_slice(&[b'\\', c]);
                at = body;
            }
        }
    }
    warn_invalid(t, invalid)?;
    Bytes::from_slice(t, &out)
}

/// `codecs.escape_encode`
pub fn encode_bytes(t: &Thread, bytes: &[u8]) -> R<Ref<Bytes>> {
    let mut quoted = Vec::new();
    crate::types::str::repr::push_quoted_bytes(&mut quoted, bytes, b'\'');
    // Without the prefix and the quotes.
    Bytes::from_slice(t, &quoted[2..quoted.len() - 1])
}

/// Puts what an encode handler gives into bytes whose encoding takes the characters that `encode_char` takes.
pub(super) fn push_replacement(
    handler: &EncodeErrors<'_>,
    replacement: Replacement,
    place: (usize, usize, &str),
    out: &mut Vec<u8>,
    mut encode_char: impl FnMut(u32, &mut Vec<u8>) -> R<bool>,
) -> R<()> {
    let (start, end, reason) = place;
    let mut push_text = |chars: &mut dyn Iterator<Item = u32>| -> R<()> {
        for c in chars {
            if !encode_char(c, out)? {
                return handler.refuse(start, end, reason);
            }
        }
        Ok(())
    };
    match replacement {
        Replacement::Ascii(text) => push_text(&mut text.iter().map(|b| *b as u32)),
        Replacement::Text(text) => push_text(&mut text.code_points()),
        Replacement::Escaped(bytes) => {
            out.extend_from_slice(&bytes);
            Ok(())
        }
        Replacement::Bytes(bytes) => {
            out.extend_from_slice(bytes.contents());
            Ok(())
        }
        Replacement::Pass => handler.refuse(start, end, reason),
    }
}
