//! `**` of ints, `pow` with a modulus, greatest common divisors.

use super::arith::both_ints;
use super::{Parts, build, fits_i64, from_bigint, from_i64, from_magnitude, is_int, is_negative, is_zero, multiply, parts, shift_left_by};
use crate::object::{R, ValueExt};
use crate::thread::Thread;
use dashu_int::fast_div::ConstDivisor;
use dashu_int::ops::{ExtendedGcd, Gcd};
use dashu_int::{IBig, UBig};
use limpid_heap::Value;

/// The slot: `pow(a, b, modulus)`, modulus None when not given.
pub fn power_slot(t: &Thread, a: Value, b: Value, modulus: Value) -> R {
    both_ints!(a, b);
    if modulus.is_none() {
        return power(t, a, b);
    }
    if !is_int(modulus) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    power_modulo(t, a, b, modulus)
}

/// `a ** b` of ints: a float when `b` is negative.
pub fn power(t: &Thread, a: Value, b: Value) -> R {
    if is_negative(b) {
        let (x, y) = (super::to_f64(t, a)?, super::to_f64(t, b)?);
        return crate::types::float::power(t, x, y);
    }
    let mut scratch = 0;
    let base = parts(a, &mut scratch);
    if is_zero(b) || matches!(base.digits, [1]) && !base.negative {
        return Ok(Value::int(1));
    }
    if base.is_zero() {
        return Ok(Value::int(0));
    }
    let odd = super::arith::is_odd(b);
    if matches!(base.digits, [1]) {
        return Ok(Value::int(if odd { -1 } else { 1 }));
    }
    // The result has at least that many bits; what does not fit in memory ends here.
    let Some(n) = fits_i64(b).filter(|n| (base.bit_length() - 1).checked_mul(*n as u64).is_some_and(|b| b < 1 << 40)) else {
        return Err(t.raise_value(t.runtime().memory_error.get()));
    };
    if let Some(x) = fits_i64(a)
        && let Ok(n) = u32::try_from(n)
        && let Some(result) = x.checked_pow(n)
    {
        return Ok(from_i64(t, result));
    }
    if base.digits.len() == 1 && base.digits[0].is_power_of_two() {
        let one = Value::int(if base.negative && odd { -1 } else { 1 });
        return shift_left_by(t, one, base.digits[0].trailing_zeros() as u64 * n as u64);
    }
    if n == 2 {
        return multiply(t, a, a);
    }
    let len = (base.bit_length() * n as u64 / 64) as usize + 1;
    build(t, base.negative && odd, len, |out| {
        let result = base.to_ubig().pow(n as usize);
        out[..result.as_words().len()].copy_from_slice(result.as_words());
    })
}

/// `pow(a, b, m)` of ints.
pub fn power_modulo(t: &Thread, a: Value, b: Value, m: Value) -> R {
    if is_zero(m) {
        raise!(t, ValueError, "pow() 3rd argument cannot be 0")
    }
    let (mut sa, mut sb, mut sm) = (0, 0, 0);
    let (a, b, m) = (parts(a, &mut sa), parts(b, &mut sb), parts(m, &mut sm));
    if matches!(m.digits, [1]) {
        return Ok(Value::int(0));
    }
    if let ([m_digit], false) = (m.digits, b.negative) {
        let base = super::magnitude::remainder_by_digit(a.digits, *m_digit);
        let base = if a.negative && base != 0 { m_digit - base } else { base };
        return with_sign_of(t, m, power_modulo_digit(base, b.digits, *m_digit));
    }
    let modulus = m.to_ubig();
    let mut base = a.to_ubig() % &modulus;
    if a.negative && !base.is_zero() {
        base = &modulus - base;
    }
    if b.negative {
        base = match inverse(&base, &modulus) {
            Some(inverse) => inverse,
            None => raise!(t, ValueError, "base is not invertible for the given modulus"),
        };
    }
    let mut result = ConstDivisor::new(modulus.clone()).reduce(base).pow(&b.to_ubig()).residue();
    if m.negative && !result.is_zero() {
        result = modulus - result;
    }
    from_magnitude(t, m.negative, &result)
}

/// A remainder, `0 <= r < |m|`, moved to the modulus's sign.
fn with_sign_of(t: &Thread, m: Parts<'_>, r: u64) -> R {
    let r = if m.negative && r != 0 { m.digits[0] - r } else { r };
    build(t, m.negative, 1, |out| out[0] = r)
}

fn power_modulo_digit(base: u64, exponent: &[u64], m: u64) -> u64 {
    let mul = |x: u64, y: u64| if m >> 32 == 0 { x * y % m } else { (x as u128 * y as u128 % m as u128) as u64 };
    let mut result = 1 % m;
    for digit in exponent.iter().rev() {
        for bit in (0..64).rev() {
            result = mul(result, result);
            if digit >> bit & 1 != 0 {
                result = mul(result, base);
            }
        }
    }
    result
}

/// `1 / a` modulo `m`.
fn inverse(a: &UBig, m: &UBig) -> Option<UBig> {
    if a.is_zero() {
        return None;
    }
    let (g, x, _): (UBig, IBig, IBig) = a.gcd_ext(m);
    if !g.is_one() {
        return None;
    }
    let (sign, x) = x.into_parts();
    let x = x % m;
    Some(if sign == dashu_int::Sign::Negative && !x.is_zero() { m - x } else { x })
}

/// The greatest common divisor of two ints, not negative.
pub fn gcd(t: &Thread, a: Value, b: Value) -> R {
    debug_assert!(is_int(a) && is_int(b), "{} {}", a.class().display_name(), b.class().display_name());
    if let (Some(x), Some(y)) = (fits_i64(a), fits_i64(b)) {
        let (mut x, mut y) = (x.unsigned_abs(), y.unsigned_abs());
        while y != 0 {
            (x, y) = (y, x % y);
        }
        return Ok(super::from_u64(t, x));
    }
    if is_zero(a) || is_zero(b) {
        return super::arith::absolute(t, if is_zero(a) { b } else { a });
    }
    let (mut sa, mut sb) = (0, 0);
    let g = parts(a, &mut sa).to_ubig().gcd(parts(b, &mut sb).to_ubig());
    from_bigint(t, &IBig::from(g))
}
