//! Items of a memoryview: bytes to objects and back, for the native formats of one character.

use crate::object::{R, ValueExt};
use crate::protocol::{number, truth};
use crate::thread::Thread;
use crate::types::{Bytes, Str, float, int};
use limpid_heap::Value;

/// The character of a native format, `@` in front or not; 0 for any other format. NULL is unsigned bytes.
pub(super) fn code_of(format: Value) -> u8 {
    let Some(s) = format.downcast::<Str>() else { return b'B' };
    let text = s.to_string_lossy();
    match text.strip_prefix('@').unwrap_or(&text).as_bytes() {
        [c] if size_of_code(*c) > 0 => *c,
        _ => 0,
    }
}

/// How many bytes an item of this format has; 0 for no format.
pub(super) fn size_of_code(code: u8) -> usize {
    match code {
        b'c' | b'b' | b'B' | b'?' => 1,
        b'h' | b'H' | b'e' => 2,
        b'i' | b'I' | b'f' => 4,
        b'l' | b'L' | b'q' | b'Q' | b'n' | b'N' | b'P' | b'd' => 8,
        _ => 0,
    }
}

/// An item as it is compared without making objects.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Scalar {
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Bool(bool),
    Char(u8),
}

/// Reads an item.
///
/// # Safety
/// `ptr` points to an item of this format.
#[inline]
pub(super) unsafe fn scalar(code: u8, ptr: *const u8) -> Scalar {
    // SAFETY: by contract; nothing is aligned.
    unsafe {
        match code {
            b'B' => Scalar::Unsigned(*ptr as u64),
            b'b' => Scalar::Signed(*(ptr as *const i8) as i64),
            b'c' => Scalar::Char(*ptr),
            b'?' => Scalar::Bool(*ptr != 0),
            b'h' => Scalar::Signed((ptr as *const i16).read_unaligned() as i64),
            b'H' => Scalar::Unsigned((ptr as *const u16).read_unaligned() as u64),
            b'i' => Scalar::Signed((ptr as *const i32).read_unaligned() as i64),
            b'I' => Scalar::Unsigned((ptr as *const u32).read_unaligned() as u64),
            b'l' | b'q' | b'n' => Scalar::Signed((ptr as *const i64).read_unaligned()),
            b'L' | b'Q' | b'N' | b'P' => Scalar::Unsigned((ptr as *const u64).read_unaligned()),
            b'f' => Scalar::Float((ptr as *const f32).read_unaligned() as f64),
            b'd' => Scalar::Float((ptr as *const f64).read_unaligned()),
            _ => Scalar::Float(half_to_f64((ptr as *const u16).read_unaligned())),
        }
    }
}

/// Reads an item as an object.
///
/// # Safety
/// `ptr` points to an item of this format.
#[inline]
pub(super) unsafe fn unpack(t: &Thread, code: u8, ptr: *const u8) -> R {
    // SAFETY: by contract.
    Ok(match unsafe { scalar(code, ptr) } {
        Scalar::Unsigned(u) => int::from_u64(t, u),
        Scalar::Signed(i) => int::from_i64(t, i),
        Scalar::Float(f) => Value::float(f),
        Scalar::Bool(b) => Value::bool(b),
        Scalar::Char(c) => Bytes::from_slice(t, &[c])?.value(),
    })
}

/// Writes an object as an item.
///
/// # Safety
/// `ptr` points to a writable item of this format. Converting the object may run Python code: the memory must stay valid meanwhile.
pub(super) unsafe fn pack(t: &Thread, code: u8, ptr: *mut u8, v: Value) -> R<()> {
    let bits = match encode(t, code, v)? {
        Encoded::Bits(bits) => bits,
        Encoded::Type => raise!(t, TypeError, "memoryview: invalid type for format '{}'", code as char),
        Encoded::Value => raise!(t, ValueError, "memoryview: invalid value for format '{}'", code as char),
    };
    let bytes = bits.to_le_bytes();
    // SAFETY: by contract; `bits` holds the item in its low bytes, in the order of a little-endian machine.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), ptr, size_of_code(code)) };
    Ok(())
}

const _: () = assert!(cfg!(target_endian = "little"), "items are packed for little-endian machines");

enum Encoded {
    Bits(u64),
    /// The object is of a wrong type.
    Type,
    /// The number does not fit.
    Value,
}

fn encode(t: &Thread, code: u8, v: Value) -> R<Encoded> {
    let signed = |bits: u32, v: Option<i64>| match v {
        Some(i) if bits == 64 || (i >= -1 << (bits - 1) && i < 1 << (bits - 1)) => Encoded::Bits(i as u64),
        _ => Encoded::Value,
    };
    let width = size_of_code(code) as u32 * 8;
    Ok(match code {
        b'?' => Encoded::Bits(truth::truth(t, v)? as u64),
        b'c' => match v.downcast::<Bytes>() {
            Some(b) if b.len() == 1 => Encoded::Bits(b.as_slice()[0] as u64),
            Some(_) => Encoded::Value,
            None => Encoded::Type,
        },
        b'e' | b'f' | b'd' => {
            let f = match float::as_f64_opt(v) {
                Some(f) => f,
                None => match number::as_float(t, v) {
                    Ok(f) => f,
                    Err(_) => {
                        t.catch(crate::exc::TypeError)?;
                        return Ok(Encoded::Type);
                    }
                },
            };
            match code {
                b'd' => Encoded::Bits(f.to_bits()),
                b'f' if (f as f32).is_infinite() && f.is_finite() => Encoded::Value,
                b'f' => Encoded::Bits((f as f32).to_bits() as u64),
                _ => match f64_to_half(f) {
                    Some(h) => Encoded::Bits(h as u64),
                    None => Encoded::Value,
                },
            }
        }
        _ => {
            if !number::is_index(v) {
                return Ok(Encoded::Type);
            }
            let i = number::index(t, v)?;
            match code {
                b'b' | b'h' | b'i' | b'l' | b'q' | b'n' => signed(width, int::as_i64_opt(i)),
                _ if int::is_negative(i) => Encoded::Value,
                _ => match int::as_u64_opt(i) {
                    Some(u) if width == 64 || u >> width == 0 => Encoded::Bits(u),
                    _ => Encoded::Value,
                },
            }
        }
    })
}

/// A half-precision float.
pub fn half_to_f64(h: u16) -> f64 {
    let sign = if h >> 15 != 0 { -1.0 } else { 1.0 };
    let exponent = (h >> 10 & 0x1F) as i32;
    let fraction = (h & 0x3FF) as f64;
    sign * match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2f64.powi(exponent - 25),
    }
}

/// The nearest half-precision float, ties to even; None when a finite number overflows.
pub fn f64_to_half(f: f64) -> Option<u16> {
    let sign = (f.is_sign_negative() as u16) << 15;
    if f.is_nan() {
        return Some(sign | 0x7E00);
    }
    let m = f.abs();
    if m.is_infinite() {
        return Some(sign | 0x7C00);
    }
    if m < 2f64.powi(-14) {
        // Subnormal: a multiple of 2**-24. Rounding up to the smallest normal number gives its bits.
        return Some(sign | (m * 2f64.powi(24)).round_ties_even() as u16);
    }
    let exponent = ((m.to_bits() >> 52) as i32) - 1023;
    let fraction = (m * 2f64.powi(10 - exponent)).round_ties_even() as u32;
    let bits = ((exponent + 15) as u32) << 10;
    // A carry out of the fraction goes into the exponent.
    let bits = bits + (fraction - 1024);
    if exponent > 15 || bits >= 0x7C00 { None } else { Some(sign | bits as u16) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_round_trips() {
        for h in 0..=u16::MAX {
            let f = half_to_f64(h);
            if !f.is_nan() {
                assert_eq!(f64_to_half(f), Some(h), "{h:#x}");
            }
        }
        assert_eq!(f64_to_half(65519.99), Some(0x7BFF));
        assert_eq!(f64_to_half(65520.0), None);
        assert_eq!(f64_to_half(2f64.powi(-25)), Some(0));
        assert_eq!(f64_to_half(2f64.powi(-25) * 1.0001), Some(1));
    }
}
