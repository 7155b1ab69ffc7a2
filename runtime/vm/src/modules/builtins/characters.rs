//! chr and ord.

use crate::args::FnDef;
use crate::object::{R, ValueExt};
use crate::protocol::number;
use crate::thread::Thread;
use crate::types::{Bytearray, Bytes, Str, int};
use limpid_heap::Value;

pub(super) const FUNCTIONS: &[FnDef] = &[
    FnDef::def("chr", "i, /", chr).doc("Return a Unicode string of one character with ordinal i; 0 <= i <= 0x10ffff."),
    FnDef::def("ord", "character, /", ord).doc(
        "Return the ordinal value of a character.\n\nIf the argument is a one-character string, return the Unicode code\n\
         point of that character.\n\nIf the argument is a bytes or bytearray object of length 1, return its\nsingle byte value.",
    ),
];

fn chr(t: &Thread, a: &[Value]) -> R {
    let i = number::index(t, a[0])?;
    // Numbers of any size are out of range, not overflows.
    match int::as_i64_opt(i) {
        Some(c @ 0..=0x10FFFF) => Ok(Str::from_char(t, c as u32)?.value()),
        _ => raise!(t, ValueError, "chr() arg not in range(0x110000)"),
    }
}

fn ord(t: &Thread, a: &[Value]) -> R {
    let v = a[0];
    let (len, first) = if let Some(s) = v.downcast::<Str>() {
        (s.len(), (s.len() == 1).then(|| s.char_at(0)))
    } else if let Some(b) = v.downcast::<Bytes>() {
        (b.len(), b.as_slice().first().map(|c| u32::from(*c)))
    } else if let Some(b) = v.downcast::<Bytearray>() {
        (b.len(), b.contents().first().map(|c| u32::from(*c)))
    } else {
        raise!(t, TypeError, "ord() expected string of length 1, but {} found", v.class().display_name())
    };
    match first {
        Some(c) if len == 1 => Ok(Value::int(c.into())),
        _ => raise!(t, TypeError, "ord() expected a character, but string of length {len} found"),
    }
}
