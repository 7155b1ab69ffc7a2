//! `~ & | ^ << >>` of ints: two's complement with endlessly many sign bits.

use super::arith::{both_ints, build_from_twos_complement};
use super::{Parts, build, fits_i64, from_i64, is_negative, magnitude, parts};
use crate::object::R;
use crate::thread::Thread;
use limpid_heap::Value;

/// `~a` of an int.
pub fn invert(t: &Thread, a: Value) -> R {
    match fits_i64(a) {
        Some(i) => Ok(from_i64(t, !i)),
        None => super::subtract(t, Value::int(-1), a),
    }
}

/// `a & b`
pub fn bit_and(t: &Thread, a: Value, b: Value) -> R {
    both_ints!(a, b);
    combine(t, a, b, |x, y| x & y)
}

/// `a | b`
pub fn bit_or(t: &Thread, a: Value, b: Value) -> R {
    both_ints!(a, b);
    combine(t, a, b, |x, y| x | y)
}

/// `a ^ b`
pub fn bit_xor(t: &Thread, a: Value, b: Value) -> R {
    both_ints!(a, b);
    combine(t, a, b, |x, y| x ^ y)
}

#[inline]
fn combine(t: &Thread, a: Value, b: Value, f: impl Fn(u64, u64) -> u64) -> R {
    if let (Some(x), Some(y)) = (fits_i64(a), fits_i64(b)) {
        return Ok(from_i64(t, f(x as u64, y as u64) as i64));
    }
    let (mut sa, mut sb) = (0, 0);
    let (a, b) = (parts(a, &mut sa), parts(b, &mut sb));
    build_from_twos_complement(t, a.digits.len().max(b.digits.len()) + 1, |out| {
        for ((out, x), y) in out.iter_mut().zip(twos_complement(a)).zip(twos_complement(b)) {
            *out = f(x, y);
        }
    })
}

/// The digits of a number in two's complement, without end.
fn twos_complement(p: Parts<'_>) -> impl Iterator<Item = u64> + '_ {
    let mut carry = p.negative;
    let flip = if p.negative { u64::MAX } else { 0 };
    p.digits.iter().copied().chain(std::iter::repeat(0)).map(move |d| {
        let (d, c) = (d ^ flip).overflowing_add(carry as u64);
        carry = c;
        d
    })
}

/// `a << b`
pub fn shift_left(t: &Thread, a: Value, b: Value) -> R {
    both_ints!(a, b);
    if is_negative(b) {
        raise!(t, ValueError, "negative shift count")
    }
    if super::is_zero(a) {
        return Ok(Value::int(0));
    }
    let Some(n) = fits_i64(b) else { raise!(t, OverflowError, "too many digits in integer") };
    if let Some(x) = fits_i64(a)
        && n < 64
        && (x << n) >> n == x
    {
        return Ok(from_i64(t, x << n));
    }
    shift_left_by(t, a, n as u64)
}

/// `a << n`
pub fn shift_left_by(t: &Thread, a: Value, n: u64) -> R {
    let mut scratch = 0;
    let a = parts(a, &mut scratch);
    if n >= i64::MAX as u64 - 64 * 64 {
        raise!(t, OverflowError, "too many digits in integer")
    }
    build(t, a.negative, a.digits.len() + (n / 64) as usize + 1, |out| magnitude::shift_left(out, a.digits, n))
}

/// `a >> b`, rounded down.
pub fn shift_right(t: &Thread, a: Value, b: Value) -> R {
    both_ints!(a, b);
    if is_negative(b) {
        raise!(t, ValueError, "negative shift count")
    }
    let n = fits_i64(b).map_or(u64::MAX, |n| n as u64);
    if let Some(x) = fits_i64(a) {
        return Ok(from_i64(t, x >> n.min(63)));
    }
    let mut scratch = 0;
    let a = parts(a, &mut scratch);
    let words = n / 64;
    if words >= a.digits.len() as u64 {
        return Ok(Value::int(if a.negative { -1 } else { 0 }));
    }
    build(t, a.negative, a.digits.len() - words as usize + 1, |out| {
        let lost = magnitude::shift_right(out, a.digits, n);
        if lost && a.negative {
            magnitude::increment(out);
        }
    })
}
