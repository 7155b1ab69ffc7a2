//! `+ - * / **` of complex numbers, of two or of one and a real number.
//!
//! Real operands are not made complex first, and infinities survive products and quotients, both as C99's annex G has it.

use super::{Parts, as_parts, new, value};
use crate::object::R;
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::int::zero_division;
use crate::types::{float, int};
use limpid_heap::Value;

/// The slots of the operators.
pub(super) const SLOTS: SlotTable = SlotTable {
    add: Some(|t, a, b| {
        Ok(match operands(t, a, b)? {
            Operands::Complex(a, b) => new(t, a.0 + b.0, a.1 + b.1),
            Operands::ByReal(z, x) | Operands::OfReal(x, z) => new(t, z.0 + x, z.1),
            Operands::Foreign => Value::NOT_IMPLEMENTED,
        })
    }),
    sub: Some(|t, a, b| {
        Ok(match operands(t, a, b)? {
            Operands::Complex(a, b) => new(t, a.0 - b.0, a.1 - b.1),
            Operands::ByReal(z, x) => new(t, z.0 - x, z.1),
            Operands::OfReal(x, z) => new(t, x - z.0, -z.1),
            Operands::Foreign => Value::NOT_IMPLEMENTED,
        })
    }),
    mul: Some(|t, a, b| {
        let (re, im) = match operands(t, a, b)? {
            Operands::Complex(a, b) => multiply(a, b),
            Operands::ByReal(z, x) | Operands::OfReal(x, z) => (z.0 * x, z.1 * x),
            Operands::Foreign => return Ok(Value::NOT_IMPLEMENTED),
        };
        Ok(new(t, re, im))
    }),
    truediv: Some(|t, a, b| {
        let (re, im) = match operands(t, a, b)? {
            Operands::Complex(_, (0.0, 0.0)) | Operands::ByReal(_, 0.0) | Operands::OfReal(_, (0.0, 0.0)) => return zero_division(t),
            Operands::Complex(a, b) => divide(a, b),
            Operands::ByReal(z, x) => (z.0 / x, z.1 / x),
            Operands::OfReal(x, z) => divide_real(x, z),
            Operands::Foreign => return Ok(Value::NOT_IMPLEMENTED),
        };
        Ok(new(t, re, im))
    }),
    pow: Some(|t, a, b, c| {
        let (a, b) = match operands(t, a, b)? {
            Operands::Complex(a, b) => (a, b),
            Operands::ByReal(z, x) => (z, (x, 0.0)),
            Operands::OfReal(x, z) => ((x, 0.0), z),
            Operands::Foreign => return Ok(Value::NOT_IMPLEMENTED),
        };
        if !c.is_none() {
            raise!(t, ValueError, "complex modulo")
        }
        power(t, a, b)
    }),
    neg: Some(|t, v| {
        let (re, im) = value(v);
        Ok(new(t, -re, -im))
    }),
    pos: Some(|t, v| {
        let (re, im) = value(v);
        Ok(new(t, re, im))
    }),
    abs: Some(|t, v| absolute(t, value(v)).map(Value::float)),
    ..SlotTable::EMPTY
};

enum Operands {
    Complex(Parts, Parts),
    ByReal(Parts, f64),
    OfReal(f64, Parts),
    /// One of them is no number that complex numbers know.
    Foreign,
}

fn operands(t: &Thread, a: Value, b: Value) -> R<Operands> {
    Ok(match (as_parts(a), as_parts(b)) {
        (Some(a), Some(b)) => Operands::Complex(a, b),
        (Some(a), None) => real(t, b)?.map_or(Operands::Foreign, |b| Operands::ByReal(a, b)),
        (None, Some(b)) => real(t, a)?.map_or(Operands::Foreign, |a| Operands::OfReal(a, b)),
        (None, None) => Operands::Foreign,
    })
}

fn real(t: &Thread, v: Value) -> R<Option<f64>> {
    if int::is_int(v) { int::to_f64(t, v).map(Some) } else { Ok(float::as_f64_opt(v)) }
}

/// 1 for an infinity, 0 for anything else, with the sign of `f`.
fn unit_if_infinite(f: f64) -> f64 {
    (if f.is_infinite() { 1.0f64 } else { 0.0 }).copysign(f)
}

/// 0 with the sign of `f` for NaN, else `f`.
fn zero_if_nan(f: f64) -> f64 {
    if f.is_nan() { 0.0f64.copysign(f) } else { f }
}

/// `z * w`
pub fn multiply(z: Parts, w: Parts) -> Parts {
    let ((mut a, mut b), (mut c, mut d)) = (z, w);
    let (ac, bd, ad, bc) = (a * c, b * d, a * d, b * c);
    let product = (ac - bd, ad + bc);
    if !product.0.is_nan() || !product.1.is_nan() {
        return product;
    }
    let mut recover = false;
    if a.is_infinite() || b.is_infinite() {
        (a, b) = (unit_if_infinite(a), unit_if_infinite(b));
        (c, d) = (zero_if_nan(c), zero_if_nan(d));
        recover = true;
    }
    if c.is_infinite() || d.is_infinite() {
        (c, d) = (unit_if_infinite(c), unit_if_infinite(d));
        (a, b) = (zero_if_nan(a), zero_if_nan(b));
        recover = true;
    }
    if !recover && [ac, bd, ad, bc].iter().any(|p| p.is_infinite()) {
        (a, b, c, d) = (zero_if_nan(a), zero_if_nan(b), zero_if_nan(c), zero_if_nan(d));
        recover = true;
    }
    if recover { (f64::INFINITY * (a * c - b * d), f64::INFINITY * (a * d + b * c)) } else { product }
}

/// `a / b`, for `b` that is not zero. Smith's algorithm: first both are divided by the divisor's larger part.
pub fn divide(a: Parts, b: Parts) -> Parts {
    let quotient = if b.0.abs() >= b.1.abs() {
        let ratio = b.1 / b.0;
        let denominator = b.0 + b.1 * ratio;
        ((a.0 + a.1 * ratio) / denominator, (a.1 - a.0 * ratio) / denominator)
    } else if b.1.abs() >= b.0.abs() {
        let ratio = b.0 / b.1;
        let denominator = b.0 * ratio + b.1;
        ((a.0 * ratio + a.1) / denominator, (a.1 * ratio - a.0) / denominator)
    } else {
        (f64::NAN, f64::NAN)
    };
    if !quotient.0.is_nan() || !quotient.1.is_nan() {
        return quotient;
    }
    if (a.0.is_infinite() || a.1.is_infinite()) && b.0.is_finite() && b.1.is_finite() {
        let (x, y) = (unit_if_infinite(a.0), unit_if_infinite(a.1));
        return (f64::INFINITY * (x * b.0 + y * b.1), f64::INFINITY * (y * b.0 - x * b.1));
    }
    if (b.0.is_infinite() || b.1.is_infinite()) && a.0.is_finite() && a.1.is_finite() {
        let (x, y) = (unit_if_infinite(b.0), unit_if_infinite(b.1));
        return (0.0 * (a.0 * x + a.1 * y), 0.0 * (a.1 * x - a.0 * y));
    }
    quotient
}

/// `a / b` for a real `a`.
fn divide_real(a: f64, b: Parts) -> Parts {
    let quotient = if b.0.abs() >= b.1.abs() {
        let ratio = b.1 / b.0;
        let denominator = b.0 + b.1 * ratio;
        (a / denominator, (-a * ratio) / denominator)
    } else if b.1.abs() >= b.0.abs() {
        let ratio = b.0 / b.1;
        let denominator = b.0 * ratio + b.1;
        ((a * ratio) / denominator, -a / denominator)
    } else {
        (f64::NAN, f64::NAN)
    };
    if quotient.0.is_nan() && quotient.1.is_nan() && a.is_finite() && (b.0.is_infinite() || b.1.is_infinite()) {
        let (x, y) = (unit_if_infinite(b.0), unit_if_infinite(b.1));
        return (0.0 * (a * x), 0.0 * (-a * y));
    }
    quotient
}

/// `a ** b`
pub fn power(t: &Thread, a: Parts, b: Parts) -> R {
    let result = if b.1 == 0.0 && b.0 == b.0.floor() && b.0.abs() <= 100.0 { power_whole(t, a, b.0 as i32)? } else { power_any(t, a, b)? };
    if result.0.is_infinite() || result.1.is_infinite() {
        raise!(t, OverflowError, "complex exponentiation")
    }
    Ok(new(t, result.0, result.1))
}

fn zero_to_negative<T>(t: &Thread) -> R<T> {
    raise!(t, ZeroDivisionError, "zero to a negative or complex power")
}

fn power_any(t: &Thread, a: Parts, b: Parts) -> R<Parts> {
    if b == (0.0, 0.0) {
        return Ok((1.0, 0.0));
    }
    if a == (0.0, 0.0) {
        return if b.1 != 0.0 || b.0 < 0.0 { zero_to_negative(t) } else { Ok((0.0, 0.0)) };
    }
    let size = a.0.hypot(a.1);
    let angle = a.1.atan2(a.0);
    let mut length = size.powf(b.0);
    let mut phase = angle * b.0;
    if b.1 != 0.0 {
        length *= (-angle * b.1).exp();
        phase += b.1 * size.ln();
    }
    Ok((length * phase.cos(), length * phase.sin()))
}

fn power_whole(t: &Thread, a: Parts, n: i32) -> R<Parts> {
    let mut result = (1.0, 0.0);
    let mut square = a;
    let mut rest = n.unsigned_abs();
    while rest > 0 {
        if rest & 1 != 0 {
            result = multiply(result, square);
        }
        rest >>= 1;
        if rest > 0 {
            square = multiply(square, square);
        }
    }
    if n >= 0 {
        return Ok(result);
    }
    if result == (0.0, 0.0) { zero_to_negative(t) } else { Ok(divide_real(1.0, result)) }
}

/// `abs(z)`; OverflowError when finite parts make an infinity.
pub(super) fn absolute(t: &Thread, (re, im): Parts) -> R<f64> {
    let size = re.hypot(im);
    if size.is_infinite() && re.is_finite() && im.is_finite() {
        raise!(t, OverflowError, "absolute value too large")
    }
    Ok(size)
}
