//! Strings as JSON writes them.

use limpid_heap::Value;
use limpid_vm::object::{R, ValueExt};
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::Str;
use limpid_vm::types::str::{Chars, StrBuilder};

const DIGITS: &[u8; 16] = b"0123456789abcdef";

fn push_hex(out: &mut StrBuilder, c: u32) {
    let digit = |shift: u32| DIGITS[(c >> shift & 15) as usize];
    out.push_latin1(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
}

/// Writes a character that does not stand for itself.
fn push_escaped(out: &mut StrBuilder, c: u32) {
    let short = match c {
        0x22 => b'"',
        0x5C => b'\\',
        0x08 => b'b',
        0x0C => b'f',
        0x0A => b'n',
        0x0D => b'r',
        0x09 => b't',
        0x10000.. => {
            let c = c - 0x10000;
            push_hex(out, 0xD800 + (c >> 10));
            return push_hex(out, 0xDC00 + (c & 0x3FF));
        }
        _ => return push_hex(out, c),
    };
    out.push_latin1(&[b'\\', short]);
}

/// Does the character stand for itself?
#[inline]
fn plain(c: u32, ascii: bool) -> bool {
    c >= 0x20 && c != 0x22 && c != 0x5C && !(ascii && c > 0x7E)
}

/// Appends a string in quotes; `ascii`: with ASCII characters only.
pub(super) fn write(out: &mut StrBuilder, s: &Str, ascii: bool) {
    out.push(b'"' as u32);
    match s.chars() {
        Chars::Ascii(bytes) | Chars::Latin1(bytes) => {
            let mut rest = bytes;
            while !rest.is_empty() {
                let n = rest.iter().position(|c| !plain(*c as u32, ascii)).unwrap_or(rest.len());
                out.push_latin1(&rest[..n]);
                rest = &rest[n..];
                if let Some((c, after)) = rest.split_first() {
                    push_escaped(out, *c as u32);
                    rest = after;
                }
            }
        }
        _ => s.code_points().for_each(|c| if plain(c, ascii) { out.push(c) } else { push_escaped(out, c) }),
    }
    out.push(b'"' as u32);
}

fn encode(t: &Thread, v: Value, ascii: bool) -> R {
    let Some(s) = v.downcast::<Str>() else { raise!(t, TypeError, "first argument must be a string, not {}", v.class().display_name()) };
    let mut out = StrBuilder::with_capacity(s.len() + 2);
    write(&mut out, &s, ascii);
    Ok(out.finish(t)?.value())
}

/// `encode_basestring`
pub(super) fn encode_basestring(t: &Thread, a: &[Value]) -> R {
    encode(t, a[0], false)
}

/// `encode_basestring_ascii`
pub(super) fn encode_basestring_ascii(t: &Thread, a: &[Value]) -> R {
    encode(t, a[0], true)
}
