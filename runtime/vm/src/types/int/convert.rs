//! Ints to machine numbers and bytes, and back. The errors are those of CPython's conversions.

use super::{Parts, as_i64_opt, build_signed, is_int, is_negative, magnitude, parts};
use crate::object::R;
use crate::protocol::number;
use crate::thread::Thread;
use limpid_heap::Value;

/// As [`super::to_i64`], for what is no int of 64 bits.
#[cold]
pub(super) fn to_i64_slow(t: &Thread, v: Value) -> R<i64> {
    match as_i64_opt(number::index(t, v)?) {
        Some(i) => Ok(i),
        None => raise!(t, OverflowError, "Python int too large to convert to C long"),
    }
}

/// As [`super::to_u64`], for what is no int of 63 bits.
#[cold]
pub(super) fn to_u64_slow(t: &Thread, v: Value) -> R<u64> {
    let v = number::index(t, v)?;
    if is_negative(v) {
        raise!(t, OverflowError, "can't convert negative value to unsigned int")
    }
    let mut scratch = 0;
    match parts(v, &mut scratch).digits {
        [] => Ok(0),
        [d] => Ok(*d),
        _ => raise!(t, OverflowError, "Python int too large to convert to C unsigned long"),
    }
}

/// The number of an int, or of what `__index__` gives, in 32 bits.
pub fn to_i32(t: &Thread, v: Value) -> R<i32> {
    match as_i64_opt(number::index(t, v)?).map(i32::try_from) {
        Some(Ok(i)) => Ok(i),
        _ => raise!(t, OverflowError, "Python int too large to convert to C int"),
    }
}

/// The number of an int, or of what `__index__` gives, in 32 bits, not negative.
pub fn to_u32(t: &Thread, v: Value) -> R<u32> {
    match u32::try_from(super::to_u64(t, v)?) {
        Ok(u) => Ok(u),
        Err(_) => raise!(t, OverflowError, "Python int too large to convert to C unsigned int"),
    }
}

/// The lowest 64 bits of an int in two's complement.
pub fn to_u64_masked(t: &Thread, v: Value) -> R<u64> {
    let v = number::index(t, v)?;
    let mut scratch = 0;
    let Parts { negative, digits } = parts(v, &mut scratch);
    let low = digits.first().copied().unwrap_or(0);
    Ok(if negative { low.wrapping_neg() } else { low })
}

/// An index, or None for the value None or NULL: for optional parameters.
pub fn index_or_none(t: &Thread, v: Value) -> R<Option<isize>> {
    if v.is_null() || v.is_none() { Ok(None) } else { number::index_isize(t, v).map(Some) }
}

/// An item of bytes or a bytearray; `what` is the type's name in the error.
#[inline]
pub fn to_byte_value(t: &Thread, v: Value, what: &str) -> R<u8> {
    match as_i64_opt(v) {
        Some(i @ 0..256) => Ok(i as u8),
        None if !is_int(v) => {
            let i = number::index(t, v)?;
            if is_int(i) { to_byte_value(t, i, what) } else { super::not_an_int(t, v) }
        }
        _ if what == "bytes" => raise!(t, ValueError, "bytes must be in range(0, 256)"),
        _ => raise!(t, ValueError, "byte must be in range(0, 256)"),
    }
}

/// The int that these bytes spell, the least significant first.
pub fn from_bytes(t: &Thread, bytes: &[u8], little: bool, signed: bool) -> R {
    let len = bytes.len().div_ceil(8);
    build_signed(t, len, |out| {
        if little {
            for (out, chunk) in out.iter_mut().zip(bytes.chunks(8)) {
                let mut word = [0; 8];
                word[..chunk.len()].copy_from_slice(chunk);
                *out = u64::from_le_bytes(word);
            }
        } else {
            for (out, chunk) in out.iter_mut().zip(bytes.rchunks(8)) {
                let mut word = [0; 8];
                word[8 - chunk.len()..].copy_from_slice(chunk);
                *out = u64::from_be_bytes(word);
            }
        }
        let top = if little { bytes.last() } else { bytes.first() };
        let negative = signed && top.is_some_and(|b| b & 0x80 != 0);
        if negative {
            // Fill the sign up to the end of the last digit.
            let spare = len * 8 - bytes.len();
            if spare > 0 {
                out[len - 1] |= u64::MAX << (64 - spare * 8);
            }
            magnitude::negate_twos_complement(out);
        }
        negative
    })
}

/// Writes an int in `out.len()` bytes; OverflowError when it needs more.
pub fn to_bytes(t: &Thread, v: Value, out: &mut [u8], little: bool, signed: bool) -> R<()> {
    let mut scratch = 0;
    let p = parts(v, &mut scratch);
    if p.negative && !signed {
        raise!(t, OverflowError, "can't convert negative int to unsigned")
    }
    // Bits of the two's complement without its sign bit: a negative power of two needs one less.
    let power = p.negative && magnitude::count_ones(p.digits) == 1;
    let bits = p.bit_length() - power as u64 + (signed && !p.is_zero()) as u64;
    if bits > out.len() as u64 * 8 {
        raise!(t, OverflowError, "int too big to convert")
    }
    let mut carry = p.negative;
    let flip = if p.negative { u64::MAX } else { 0 };
    let mut digits = p.digits.iter();
    let mut next = move || {
        let (d, c) = (digits.next().copied().unwrap_or(0) ^ flip).overflowing_add(carry as u64);
        carry = c;
        d
    };
    if little {
        for chunk in out.chunks_mut(8) {
            chunk.copy_from_slice(&next().to_le_bytes()[..chunk.len()]);
        }
    } else {
        for chunk in out.rchunks_mut(8) {
            chunk.copy_from_slice(&next().to_be_bytes()[8 - chunk.len()..]);
        }
    }
    Ok(())
}
