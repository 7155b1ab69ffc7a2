//! UTF-16.

use super::errors::{DecodeErrors, EncodeErrors, Errors, Replacement};
use crate::object::{R, Ref};
use crate::thread::Thread;
use crate::types::str::{Chars, StrBuilder};
use crate::types::{Bytes, Str};
use limpid_heap::Value;

/// The order of the bytes of a unit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// The least significant first.
    Little,
    /// The most significant first.
    Big,
    /// Encoding: this machine's, after a mark that tells it.
    WithMark,
    /// Decoding: as the mark at the beginning tells, this machine's if there is none.
    ByMark,
}

impl Order {
    /// From the number that the module codecs uses: -1, 0, 1; `unmarked` is what 0 means.
    pub fn from_number(n: i64, unmarked: Order) -> Order {
        match n {
            0 => unmarked,
            n if n < 0 => Order::Little,
            _ => Order::Big,
        }
    }

    /// Is the least significant byte first?
    pub fn is_little(self) -> bool {
        match self {
            Order::Little => true,
            Order::Big => false,
            Order::WithMark | Order::ByMark => cfg!(target_endian = "little"),
        }
    }
}

const SURROGATES: std::ops::Range<u32> = 0xD800..0xE000;

/// Decodes; the text, how many bytes it came from, and the order of bytes that was found. Unless `complete`, bytes at the end that more
/// may follow are left.
pub fn decode(t: &Thread, bytes: &[u8], source: Value, errors: Errors, order: Order, complete: bool) -> R<(Ref<Str>, usize, Order)> {
    let mut at = 0;
    let order = match (order, bytes) {
        (Order::ByMark, [0xFF, 0xFE, ..]) => {
            at = 2;
            Order::Little
        }
        (Order::ByMark, [0xFE, 0xFF, ..]) => {
            at = 2;
            Order::Big
        }
        (other, _) => other,
    };
    let little = order.is_little();
    let mut handler = DecodeErrors::new(t, if little { "utf-16-le" } else { "utf-16-be" }, errors, source);
    let mut out = StrBuilder::with_capacity(bytes.len() / 2);
    let mut input = bytes;
    while at < input.len() {
        let unit = |i: usize| match input[i..] {
            [a, b, ..] => Some(if little { u16::from_le_bytes([a, b]) } else { u16::from_be_bytes([a, b]) } as u32),
            _ => None,
        };
        let (end, reason) = match (unit(at), unit((at + 2).min(input.len()))) {
            (None, _) if !complete => break,
            (None, _) => (input.len(), "truncated data"),
            (Some(c), _) if !SURROGATES.contains(&c) => {
                out.push(c);
                at += 2;
                continue;
            }
            (Some(0xDC00..), _) => (at + 2, "illegal encoding"),
            (Some(_), None) if !complete => break,
            (Some(_), None) => (input.len(), "unexpected end of data"),
            (Some(high), Some(low @ 0xDC00..0xE000)) => {
                out.push(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00));
                at += 4;
                continue;
            }
            (Some(_), Some(_)) => (at + 2, "illegal UTF-16 surrogate"),
        };
        at = handler.handle(&mut input, at, end, reason, &mut out)?;
    }
    Ok((out.finish(t)?, at, order))
}

/// Encodes.
pub fn encode(t: &Thread, s: Ref<Str>, errors: Errors, order: Order) -> R<Ref<Bytes>> {
    const REASON: &str = "surrogates not allowed";
    let little = order.is_little();
    let mut out = Vec::with_capacity((s.len() + 1) * 2);
    let push = |out: &mut Vec<u8>, unit: u16| out.extend_from_slice(&if little { unit.to_le_bytes() } else { unit.to_be_bytes() });
    if order == Order::WithMark {
        push(&mut out, 0xFEFF);
    }
    if let Chars::Ascii(chars) | Chars::Latin1(chars) = s.chars() {
        chars.iter().for_each(|c| push(&mut out, *c as u16));
        return Bytes::from_slice(t, &out);
    }
    let name = match order {
        Order::Little => "utf-16-le",
        Order::Big => "utf-16-be",
        _ => "utf-16",
    };
    let mut handler = EncodeErrors::new(t, name, errors, s);
    let mut i = 0;
    while i < s.len() {
        let c = s.char_at(i);
        if c >= 0x10000 {
            push(&mut out, 0xD800 + ((c - 0x10000) >> 10) as u16);
            push(&mut out, 0xDC00 + ((c - 0x10000) & 0x3FF) as u16);
            i += 1;
            continue;
        }
        if !SURROGATES.contains(&c) {
            push(&mut out, c as u16);
            i += 1;
            continue;
        }
        let start = i;
        // One at a time, other than in UTF-8.
        let end = i + 1;
        let (replacement, next) = handler.handle(start, end, REASON)?;
        match replacement {
            Replacement::Ascii(text) => text.iter().for_each(|c| push(&mut out, *c as u16)),
            Replacement::Pass => (start..end).for_each(|i| push(&mut out, s.char_at(i) as u16)),
            Replacement::Escaped(bytes) if bytes.len() % 2 == 0 => out.extend_from_slice(&bytes),
            Replacement::Bytes(bytes) if bytes.len() % 2 == 0 => out.extend_from_slice(bytes.contents()),
            Replacement::Text(text) if text.as_ascii().is_some() => text.code_points().for_each(|c| push(&mut out, c as u16)),
            _ => return handler.refuse(start, end, REASON),
        }
        i = next;
    }
    Bytes::from_slice(t, &out)
}
