//! Between ints and floats: conversion, comparison and division, each rounded once, to the nearest, ties to even.

use super::{Parts, build, from_i64, is_negative, magnitude, parts};
use crate::object::R;
use crate::thread::Thread;
use dashu_int::UBig;
use dashu_int::ops::DivRem;
use limpid_heap::Value;
use std::cmp::Ordering;

/// The nearest float of a magnitude, infinity when there is none.
fn magnitude_to_f64(digits: &[u64]) -> f64 {
    match *digits {
        [] => 0.0,
        [d] => d as f64,
        [low, high] => ((high as u128) << 64 | low as u128) as f64,
        _ => {
            let bits = magnitude::bit_length(digits);
            if bits > f64::MAX_EXP as u64 {
                return f64::INFINITY;
            }
            // The top 128 bits, the lowest of them telling whether anything follows; they decide the rounding.
            let shift = bits - 128;
            let mut top = [0; 3];
            let lost =
                magnitude::shift_right(&mut top, &digits[(shift / 64) as usize..], shift % 64) || magnitude::any_bit_below(digits, shift);
            let top = (top[1] as u128) << 64 | top[0] as u128 | lost as u128;
            // 2**shift is exact, and so is the product unless it overflows.
            top as f64 * f64::from_bits((shift + 1023) << 52)
        }
    }
}

/// The nearest float of an int; OverflowError when there is none.
pub fn to_f64(t: &Thread, v: Value) -> R<f64> {
    if v.is_int() {
        return Ok(v.as_int() as f64);
    }
    let mut scratch = 0;
    let p = parts(v, &mut scratch);
    let f = magnitude_to_f64(p.digits);
    if f.is_infinite() {
        raise!(t, OverflowError, "int too large to convert to float")
    }
    Ok(if p.negative { -f } else { f })
}

/// Takes a finite, not zero float apart: `mantissa * 2**exponent`, the mantissa being odd or below 2**53.
pub fn decompose(f: f64) -> (u64, i32) {
    let bits = f.to_bits();
    let exponent = (bits >> 52 & 0x7FF) as i32;
    let fraction = bits & ((1 << 52) - 1);
    if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) }
}

/// The int of a float, its fraction cut off. OverflowError for an infinity, ValueError for NaN.
pub fn from_f64(t: &Thread, f: f64) -> R {
    if f.abs() < (1u64 << 62) as f64 {
        return Ok(from_i64(t, f as i64));
    }
    if f.is_nan() {
        raise!(t, ValueError, "cannot convert float NaN to integer")
    }
    if f.is_infinite() {
        raise!(t, OverflowError, "cannot convert float infinity to integer")
    }
    let (mantissa, exponent) = decompose(f);
    let n = exponent as u64;
    build(t, f < 0.0, (n / 64) as usize + 2, |out| magnitude::shift_left(out, &[mantissa], n))
}

/// The order of an int and a float; None for NaN.
pub fn compare_float(i: Value, f: f64) -> Option<Ordering> {
    if f.is_nan() {
        return None;
    }
    let mut scratch = 0;
    let p = parts(i, &mut scratch);
    let bits = p.bit_length();
    if bits <= 53 {
        let m = p.digits.first().map_or(0.0, |d| *d as f64);
        return (if p.negative { -m } else { m }).partial_cmp(&f);
    }
    if is_negative(i) != (f < 0.0) {
        return Some(if p.negative { Ordering::Less } else { Ordering::Greater });
    }
    let order = if f.is_infinite() {
        Ordering::Less
    } else {
        let (mantissa, exponent) = decompose(f.trunc());
        // |f| in digits, for the same sign. Below 2**53 it is smaller than the int.
        let float_bits = (64 - mantissa.leading_zeros()) as i64 + exponent as i64;
        (bits as i64).cmp(&float_bits.max(0)).then_with(|| {
            let mut digits = [0; 17];
            magnitude::shift_left(&mut digits, &[mantissa], exponent.max(0) as u64);
            magnitude::compare(p.digits, magnitude::trimmed(&digits))
        })
    };
    Some(if p.negative { order.reverse() } else { order })
}

/// `a / b` rounded to the nearest float; None when it overflows. `b` is not zero.
pub(super) fn divide(a: Parts<'_>, b: Parts<'_>) -> Option<f64> {
    let negative = a.negative != b.negative;
    let signed = |f: f64| if negative { -f } else { f };
    if a.is_zero() {
        return Some(signed(0.0));
    }
    // The quotient is below 2**(estimate) and at least 2**(estimate - 2).
    let estimate = a.bit_length() as i64 - b.bit_length() as i64 + 1;
    if estimate > f64::MAX_EXP as i64 + 1 {
        return None;
    }
    if estimate < -1075 {
        return Some(signed(0.0));
    }
    // As many bits of the quotient as the result's precision and some; fewer when the result is subnormal.
    let exponent = (estimate - 66).max(-1074 - 2);
    let (n, d): (UBig, UBig) =
        if exponent >= 0 { (a.to_ubig(), b.to_ubig() << exponent as usize) } else { (a.to_ubig() << (-exponent) as usize, b.to_ubig()) };
    let (q, r) = n.div_rem(&d);
    let q = q.as_words().iter().rev().fold(0u128, |q, w| q << 64 | *w as u128);
    Some(signed(scale(q, !r.is_zero(), exponent as i32))).filter(|f| f.is_finite())
}

/// `(q, and something more if sticky) * 2**exponent`, rounded once. `q` has at least 64 bits, or the exponent is -1076: so there is a bit
/// to drop.
fn scale(q: u128, sticky: bool, exponent: i32) -> f64 {
    let bits = 128 - q.leading_zeros() as i32;
    // The place of the last bit that the result can have.
    let last = (bits + exponent - f64::MANTISSA_DIGITS as i32).max(-1074);
    let drop = last - exponent;
    let (kept, rest, half) = (q >> drop, q & ((1 << drop) - 1), 1u128 << (drop - 1));
    let up = rest > half || (rest == half && (sticky || kept & 1 != 0));
    multiply_by_power_of_two((kept + up as u128) as f64, last)
}

/// `f * 2**n` for a product that is exact or overflows.
fn multiply_by_power_of_two(f: f64, n: i32) -> f64 {
    // Two steps, since 2**-1074 times 2**53 is normal but 2**1023 is the largest power.
    let first = n.clamp(-1000, 1000);
    f * power_of_two(first) * power_of_two(n - first)
}

fn power_of_two(n: i32) -> f64 {
    if n >= -1022 { f64::from_bits(((n + 1023) as u64) << 52) } else { f64::from_bits(1 << (n + 1074)) }
}
