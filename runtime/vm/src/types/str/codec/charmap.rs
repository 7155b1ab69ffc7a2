//! `charmap`: encodings given by a table that a program has, one byte a character.

use super::errors::{DecodeErrors, EncodeErrors, Errors};
use super::escape::push_replacement;
use crate::exc;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::sequence;
use crate::thread::Thread;
use crate::types::str::StrBuilder;
use crate::types::{Bytes, Dict, Str, int};
use limpid_heap::Value;

/// What a table has for a key; None when it has nothing.
fn look_up(t: &Thread, mapping: Value, key: u32) -> R<Option<Value>> {
    let key = Value::int(key as i64);
    if let Some(dict) = mapping.exact::<Dict>() {
        return Ok(dict.get(t, key)?.filter(|v| !v.is_none()));
    }
    match sequence::get_item(t, mapping, key) {
        Ok(v) => Ok(Some(v).filter(|v| !v.is_none())),
        Err(_) => {
            t.catch(exc::LookupError)?;
            Ok(None)
        }
    }
}

/// Decodes with a table: a str, in which U+FFFE stands for nothing, or a mapping to numbers, strings or None.
pub fn decode(t: &Thread, bytes: &[u8], source: Value, errors: Errors, mapping: Value) -> R<Ref<Str>> {
    const REASON: &str = "character maps to <undefined>";
    let mut handler = DecodeErrors::new(t, "charmap", errors, source);
    let mut out = StrBuilder::with_capacity(bytes.len());
    let mut input = bytes;
    let mut at = 0;
    while at < input.len() {
        let b = input[at];
        let mapped = match mapping.downcast::<Str>() {
            Some(table) => {
                let c = if (b as usize) < table.len() { table.char_at(b as usize) } else { 0xFFFE };
                if c != 0xFFFE {
                    out.push(c);
                }
                c != 0xFFFE
            }
            None => match look_up(t, mapping, b as u32)? {
                None => false,
                Some(v) => push_mapped(t, v, &mut out)?,
            },
        };
        at = if mapped { at + 1 } else { handler.handle(&mut input, at, at + 1, REASON, &mut out)? };
    }
    out.finish(t)
}

/// Appends what a byte is mapped to; false for U+FFFE.
fn push_mapped(t: &Thread, v: Value, out: &mut StrBuilder) -> R<bool> {
    if let Some(s) = v.downcast::<Str>() {
        if s.len() == 1 && s.char_at(0) == 0xFFFE {
            return Ok(false);
        }
        out.push_str(s);
        return Ok(true);
    }
    if !int::is_int(v) {
        raise!(t, TypeError, "character mapping must return integer, None or str")
    }
    match int::as_i64_opt(v) {
        Some(0xFFFE) => Ok(false),
        Some(c @ 0..0x110000) => {
            out.push(c as u32);
            Ok(true)
        }
        _ => raise!(t, TypeError, "character mapping must be in range(0x110000)"),
    }
}

/// Encodes with a mapping of characters' numbers to bytes' numbers, bytes or None.
pub fn encode(t: &Thread, s: Ref<Str>, errors: Errors, mapping: Value) -> R<Ref<Bytes>> {
    const REASON: &str = "character maps to <undefined>";
    let mut handler = EncodeErrors::new(t, "charmap", errors, s);
    let mut out = Vec::with_capacity(s.len());
    let mut i = 0;
    while i < s.len() {
        if encode_char(t, mapping, s.char_at(i), &mut out)? {
            i += 1;
            continue;
        }
        let start = i;
        let mut end = i + 1;
        while end < s.len() && !encode_char(t, mapping, s.char_at(end), &mut Vec::new())? {
            end += 1;
        }
        let (replacement, next) = handler.handle(start, end, REASON)?;
        push_replacement(&handler, replacement, (start, end, REASON), &mut out, |c, out| encode_char(t, mapping, c, out))?;
        i = next;
    }
    Bytes::from_slice(t, &out)
}

/// Appends what a character is mapped to; false for nothing.
fn encode_char(t: &Thread, mapping: Value, c: u32, out: &mut Vec<u8>) -> R<bool> {
    let Some(v) = look_up(t, mapping, c)? else { return Ok(false) };
    if let Some(bytes) = v.downcast::<Bytes>() {
        out.extend_from_slice(bytes.as_slice());
        return Ok(true);
    }
    if !int::is_int(v) {
        raise!(t, TypeError, "character mapping must return integer, bytes or None, not {}", v.class().display_name())
    }
    match int::as_i64_opt(v) {
        Some(b @ 0..256) => {
            out.push(b as u8);
            Ok(true)
        }
        _ => raise!(t, TypeError, "character mapping must be in range(256)"),
    }
}

/// `codecs.charmap_build`: the mapping to encode with that belongs to a table to decode with.
pub fn build(t: &Thread, table: Ref<Str>) -> R<Ref<Dict>> {
    let mapping = Dict::with_capacity(t, table.len())?;
    for (b, c) in table.code_points().enumerate() {
        if c != 0xFFFE {
            mapping.set_item(t, Value::int(c as i64), Value::int(b as i64))?;
        }
    }
    Ok(mapping)
}
