//! UTF-7 (RFC 2152): ASCII, everything else as UTF-16 in a base 64 between `+` and `-`.

use super::errors::{DecodeErrors, Errors};
use crate::object::{R, Ref};
use crate::thread::Thread;
use crate::types::str::StrBuilder;
use crate::types::{Bytes, Str};
use limpid_heap::Value;

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn digit_value(b: u8) -> Option<u32> {
    DIGITS.iter().position(|d| *d == b).map(|i| i as u32)
}

/// Is it encoded as itself?
fn is_direct(c: u32) -> bool {
    u8::try_from(c).is_ok_and(|b| b.is_ascii_alphanumeric() || b"'(),-./:? \t\n\r!\"#$%&*;<=>@[]^_`{|}".contains(&b))
}

/// Encodes.
pub fn encode(t: &Thread, s: Ref<Str>) -> R<Ref<Bytes>> {
    let mut out = Vec::with_capacity(s.len() * 2);
    let (mut shifted, mut bits, mut count) = (false, 0u64, 0);
    let flush = |out: &mut Vec<u8>, bits: u64, count: u32| {
        if count > 0 {
            out.push(DIGITS[(bits << (6 - count) & 63) as usize]);
        }
    };
    for c in s.code_points() {
        if is_direct(c) || c == '+' as u32 && !shifted {
            if shifted {
                flush(&mut out, bits, count);
                (shifted, bits, count) = (false, 0, 0);
                // A character that could be a digit needs the end of the shift.
                if digit_value(c as u8).is_some() || c == '-' as u32 {
                    out.push(b'-');
                }
            }
            out.push(c as u8);
            if c == '+' as u32 {
                out.push(b'-');
            }
            continue;
        }
        if !shifted {
            out.push(b'+');
            shifted = true;
        }
        let mut push = |unit: u32| {
            bits = bits << 16 | unit as u64;
            count += 16;
            while count >= 6 {
                count -= 6;
                out.push(DIGITS[(bits >> count & 63) as usize]);
            }
            bits &= (1 << count) - 1;
        };
        if c >= 0x10000 {
            push(0xD800 + ((c - 0x10000) >> 10));
            push(0xDC00 + ((c - 0x10000) & 0x3FF));
        } else {
            push(c);
        }
    }
    if shifted {
        flush(&mut out, bits, count);
        out.push(b'-');
    }
    Bytes::from_slice(t, &out)
}

/// Decodes; the text and how many bytes it came from. Unless `complete`, a shift that has not ended is left.
pub fn decode(t: &Thread, bytes: &[u8], source: Value, errors: Errors, complete: bool) -> R<(Ref<Str>, usize)> {
    let mut handler = DecodeErrors::new(t, "utf7", errors, source);
    let mut out = StrBuilder::with_capacity(bytes.len());
    let mut input = bytes;
    let mut at = 0;
    // Inside a shift: bits not used yet, how many, and the first half of a pair.
    let (mut shifted, mut bits, mut count, mut high) = (false, 0u32, 0u32, 0u32);
    let (mut shift_start, mut text_before_shift) = (0, 0);
    while at < input.len() {
        let b = input[at];
        if !shifted {
            let start = at;
            at += 1;
            if b == b'+' {
                match input.get(at) {
                    Some(b'-') => {
                        at += 1;
                        out.push('+' as u32);
                    }
                    Some(next) if digit_value(*next).is_none() => {
                        at = handler.handle(&mut input, start, at + 1, "ill-formed sequence", &mut out)?;
                    }
                    _ => {
                        (shifted, bits, count, high) = (true, 0, 0, 0);
                        (shift_start, text_before_shift) = (start, out.len());
                    }
                }
            } else if b < 0x80 {
                out.push(b as u32);
            } else {
                at = handler.handle(&mut input, start, at, "unexpected special character", &mut out)?;
            }
            continue;
        }
        if let Some(value) = digit_value(b) {
            at += 1;
            bits = bits << 6 | value;
            count += 6;
            if count >= 16 {
                count -= 16;
                let unit = bits >> count;
                bits &= (1 << count) - 1;
                if high != 0 {
                    if (0xDC00..0xE000).contains(&unit) {
                        out.push(0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00));
                        high = 0;
                        continue;
                    }
                    out.push(high);
                    high = 0;
                }
                if (0xD800..0xDC00).contains(&unit) { high = unit } else { out.push(unit) }
            }
            continue;
        }
        // The shift ends here.
        shifted = false;
        if high != 0 {
            out.push(high);
            high = 0;
        }
        if count >= 6 || bits != 0 {
            let reason = if count >= 6 { "partial character in shift sequence" } else { "non-zero padding bits in shift sequence" };
            (bits, count) = (0, 0);
            at = handler.handle(&mut input, shift_start, at + 1, reason, &mut out)?;
            continue;
        }
        if b == b'-' {
            at += 1;
        } else if b >= 0x80 {
            at = handler.handle(&mut input, at, at + 1, "unexpected special character", &mut out)?;
        }
    }
    if shifted && !complete {
        out.truncate(text_before_shift);
        return Ok((out.finish(t)?, shift_start));
    }
    if shifted {
        if high != 0 {
            out.push(high);
        }
        if count >= 6 || bits != 0 || high != 0 {
            let end = input.len();
            at = handler.handle(&mut input, shift_start, end, "unterminated shift sequence", &mut out)?;
        }
    }
    Ok((out.finish(t)?, at))
}
