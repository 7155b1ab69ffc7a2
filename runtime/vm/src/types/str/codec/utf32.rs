//! UTF-32.

use super::errors::{DecodeErrors, EncodeErrors, Errors, Replacement};
use super::utf16::Order;
use crate::object::{R, Ref};
use crate::thread::Thread;
use crate::types::str::StrBuilder;
use crate::types::{Bytes, Str};
use limpid_heap::Value;

const SURROGATES: std::ops::Range<u32> = 0xD800..0xE000;

/// Decodes, as [`super::utf16::decode`] does.
pub fn decode(t: &Thread, bytes: &[u8], source: Value, errors: Errors, order: Order, complete: bool) -> R<(Ref<Str>, usize, Order)> {
    let mut at = 0;
    let order = match (order, bytes) {
        (Order::ByMark, [0xFF, 0xFE, 0, 0, ..]) => {
            at = 4;
            Order::Little
        }
        (Order::ByMark, [0, 0, 0xFE, 0xFF, ..]) => {
            at = 4;
            Order::Big
        }
        (other, _) => other,
    };
    let little = order.is_little();
    let mut handler = DecodeErrors::new(t, if little { "utf-32-le" } else { "utf-32-be" }, errors, source);
    let mut out = StrBuilder::with_capacity(bytes.len() / 4);
    let mut input = bytes;
    while at < input.len() {
        let (end, reason) = match input[at..] {
            [a, b, c, d, ..] => {
                let c = if little { u32::from_le_bytes([a, b, c, d]) } else { u32::from_be_bytes([a, b, c, d]) };
                if SURROGATES.contains(&c) {
                    (at + 4, "code point in surrogate code point range(0xd800, 0xe000)")
                } else if c > 0x10FFFF {
                    (at + 4, "code point not in range(0x110000)")
                } else {
                    out.push(c);
                    at += 4;
                    continue;
                }
            }
            _ if !complete => break,
            _ => (input.len(), "truncated data"),
        };
        at = handler.handle(&mut input, at, end, reason, &mut out)?;
    }
    Ok((out.finish(t)?, at, order))
}

/// Encodes.
pub fn encode(t: &Thread, s: Ref<Str>, errors: Errors, order: Order) -> R<Ref<Bytes>> {
    const REASON: &str = "surrogates not allowed";
    let little = order.is_little();
    let mut out = Vec::with_capacity((s.len() + 1) * 4);
    let push = |out: &mut Vec<u8>, c: u32| out.extend_from_slice(&if little { c.to_le_bytes() } else { c.to_be_bytes() });
    if order == Order::WithMark {
        push(&mut out, 0xFEFF);
    }
    let name = match order {
        Order::Little => "utf-32-le",
        Order::Big => "utf-32-be",
        _ => "utf-32",
    };
    let mut handler = EncodeErrors::new(t, name, errors, s);
    let mut i = 0;
    while i < s.len() {
        let c = s.char_at(i);
        if !SURROGATES.contains(&c) {
            push(&mut out, c);
            i += 1;
            continue;
        }
        let start = i;
        // One at a time, other than in UTF-8.
        let end = i + 1;
        let (replacement, next) = handler.handle(start, end, REASON)?;
        match replacement {
            Replacement::Ascii(text) => text.iter().for_each(|c| push(&mut out, *c as u32)),
            Replacement::Pass => (start..end).for_each(|i| push(&mut out, s.char_at(i))),
            Replacement::Escaped(bytes) if bytes.len() % 4 == 0 => out.extend_from_slice(&bytes),
            Replacement::Bytes(bytes) if bytes.len() % 4 == 0 => out.extend_from_slice(bytes.contents()),
            Replacement::Text(text) if text.as_ascii().is_some() => text.code_points().for_each(|c| push(&mut out, c)),
            _ => return handler.refuse(start, end, REASON),
        }
        i = next;
    }
    Bytes::from_slice(t, &out)
}
