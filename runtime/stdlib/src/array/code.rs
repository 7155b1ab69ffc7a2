//! Type codes: what the items of an array are.

use limpid_heap::Value;
use limpid_vm::object::{R, ValueExt};
use limpid_vm::protocol::number;
use limpid_vm::thread::Thread;
use limpid_vm::types::numbers::Format;
use limpid_vm::types::{Str, int};
use limpid_vm::{err, raise};

/// What items are made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Signed,
    Unsigned,
    Float,
    Text,
}

/// A type code.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Code {
    pub letter: u8,
    pub size: usize,
    pub kind: Kind,
}

const fn code(letter: u8, size: usize, kind: Kind) -> Code {
    Code { letter, size, kind }
}

/// All of them, in the order of `array.typecodes`.
pub(super) static CODES: [Code; 14] = [
    code(b'b', 1, Kind::Signed),
    code(b'B', 1, Kind::Unsigned),
    code(b'u', 4, Kind::Text),
    code(b'w', 4, Kind::Text),
    code(b'h', 2, Kind::Signed),
    code(b'H', 2, Kind::Unsigned),
    code(b'i', 4, Kind::Signed),
    code(b'I', 4, Kind::Unsigned),
    code(b'l', 8, Kind::Signed),
    code(b'L', 8, Kind::Unsigned),
    code(b'q', 8, Kind::Signed),
    code(b'Q', 8, Kind::Unsigned),
    code(b'f', 4, Kind::Float),
    code(b'd', 8, Kind::Float),
];

/// The code with this letter.
pub(super) fn find(letter: u32) -> Option<&'static Code> {
    CODES.iter().find(|c| c.letter as u32 == letter)
}

/// An item's bytes, as many as its size, in this machine's order.
pub(super) type Item = [u8; 8];

/// The bytes of an item as a number.
#[inline]
pub(super) fn bits_of(bytes: &[u8]) -> u64 {
    match *bytes {
        [a] => a as u64,
        [a, b] => u16::from_le_bytes([a, b]) as u64,
        [a, b, c, d] => u32::from_le_bytes([a, b, c, d]) as u64,
        [a, b, c, d, e, f, g, h] => u64::from_le_bytes([a, b, c, d, e, f, g, h]),
        _ => unreachable!("items have one of these sizes"),
    }
}

impl Code {
    /// What the items are for machine code.
    pub fn format(&self) -> Format {
        match (self.kind, self.size) {
            (Kind::Float, 8) => Format::F64,
            (Kind::Float, 4) => Format::F32,
            (Kind::Signed, 1) => Format::I8,
            (Kind::Unsigned, 1) => Format::U8,
            (Kind::Signed, 2) => Format::I16,
            (Kind::Unsigned, 2) => Format::U16,
            (Kind::Signed, 4) => Format::I32,
            (Kind::Unsigned, 4) => Format::U32,
            _ => Format::Other,
        }
    }

    /// The object of an item, whose bytes are given [as a number](bits_of).
    #[inline]
    pub fn read(&self, t: &Thread, bits: u64) -> R {
        match self.kind {
            Kind::Signed => {
                let unused = 64 - 8 * self.size as u32;
                Ok(int::from_i64(t, ((bits << unused) as i64) >> unused))
            }
            Kind::Unsigned => Ok(int::from_u64(t, bits)),
            Kind::Float if self.size == 4 => Ok(Value::float(f32::from_bits(bits as u32) as f64)),
            Kind::Float => Ok(Value::float(f64::from_bits(bits))),
            Kind::Text if bits > char::MAX as u64 => {
                raise!(t, ValueError, "character U+{bits:x} is not in range [U+0000; U+10ffff]")
            }
            Kind::Text => Ok(Str::from_char(t, bits as u32)?.value()),
        }
    }

    /// The item of a number, if that is one that no Python code has to convert, and it fits.
    #[inline]
    pub fn convert_now(&self, v: Value) -> Option<Item> {
        match self.kind {
            Kind::Signed | Kind::Unsigned if v.is_int() => self.fits(v.as_int()).then(|| word(v.as_int() as u64)),
            Kind::Float if v.is_float() && self.size == 4 => Some(word((v.as_float() as f32).to_bits() as u64)),
            Kind::Float if v.is_float() => Some(word(v.as_float().to_bits())),
            _ => None,
        }
    }

    fn fits(&self, i: i64) -> bool {
        let bits = 8 * self.size as u32;
        match self.kind {
            Kind::Signed => bits == 64 || i >> (bits - 1) == i >> 63,
            _ => i >= 0 && (bits == 64 || i >> bits == 0),
        }
    }

    /// The item of an object. Runs Python code.
    #[inline]
    pub fn convert(&self, t: &Thread, v: Value) -> R<Item> {
        match self.kind {
            Kind::Signed | Kind::Unsigned => self.integer(t, v),
            Kind::Float if self.size == 4 => Ok(word((number::as_float(t, v)? as f32).to_bits() as u64)),
            Kind::Float => Ok(word(number::as_float(t, v)?.to_bits())),
            Kind::Text => character(t, v),
        }
    }

    fn integer(&self, t: &Thread, v: Value) -> R<Item> {
        let v = number::index(t, v)?;
        if let Some(i) = int::as_i64_opt(v) {
            if self.fits(i) {
                return Ok(word(i as u64));
            }
        } else if let Some(u) = int::as_u64_opt(v).filter(|_| self.size == 8 && self.kind == Kind::Unsigned) {
            return Ok(word(u));
        }
        Err(self.out_of_range(t, v))
    }

    #[cold]
    fn out_of_range(&self, t: &Thread, v: Value) -> limpid_vm::object::Raised {
        let below = int::is_negative(v);
        let bound = if below { "less than minimum" } else { "greater than maximum" };
        // What a C int, short or long cannot hold is found out by the conversion to that.
        let outside = |bits: u32| int::as_i64_opt(v).is_none_or(|i| i >> (bits - 1) != i >> 63);
        let what = match self.letter {
            b'q' => return err!(t, OverflowError, "int too big to convert"),
            b'Q' if below => return err!(t, OverflowError, "can't convert negative int to unsigned"),
            b'Q' => return err!(t, OverflowError, "int too big to convert"),
            b'I' | b'L' if below => return err!(t, OverflowError, "can't convert negative value to unsigned int"),
            b'L' => return err!(t, OverflowError, "Python int too large to convert to C unsigned long"),
            b'I' if int::as_u64_opt(v).is_none() => {
                return err!(t, OverflowError, "Python int too large to convert to C unsigned long");
            }
            b'I' => "unsigned int",
            _ if outside(64) => return err!(t, OverflowError, "Python int too large to convert to C long"),
            b'B' => "unsigned byte integer",
            b'b' if !outside(16) => "signed char",
            b'b' | b'h' => "signed short integer",
            b'H' if !outside(32) => "unsigned short",
            _ => "signed integer",
        };
        err!(t, OverflowError, "{what} is {bound}")
    }

    /// The order of two items; None if one is NaN.
    pub fn compare(&self, a: &[u8], b: &[u8]) -> Option<std::cmp::Ordering> {
        let (a, b) = (bits_of(a), bits_of(b));
        match self.kind {
            Kind::Signed => {
                let unused = 64 - 8 * self.size as u32;
                Some(((a << unused) as i64).cmp(&((b << unused) as i64)))
            }
            Kind::Unsigned | Kind::Text => Some(a.cmp(&b)),
            Kind::Float if self.size == 4 => f32::from_bits(a as u32).partial_cmp(&f32::from_bits(b as u32)),
            Kind::Float => f64::from_bits(a).partial_cmp(&f64::from_bits(b)),
        }
    }
}

fn word(bits: u64) -> Item {
    bits.to_le_bytes()
}

fn character(t: &Thread, v: Value) -> R<Item> {
    let Some(s) = v.downcast::<Str>() else {
        raise!(t, TypeError, "array item must be a unicode character, not {}", crate::qualified_name(t, v.class())?)
    };
    if s.len() != 1 {
        raise!(t, TypeError, "array item must be a string of length 1, got a string of length {}", s.len())
    }
    Ok(word(s.char_at(0) as u64))
}
