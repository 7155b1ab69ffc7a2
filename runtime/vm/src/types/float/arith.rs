//! `+ - * / // % **` and `divmod` of floats.

use super::{operand, pair};
use crate::object::R;
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::complex;
use crate::types::int::zero_division;
use limpid_heap::Value;

/// The slots of the operators with two operands.
pub(super) const SLOTS: SlotTable = SlotTable {
    add: Some(|t, a, b| apply(t, a, b, |_, x, y| Ok(Value::float(x + y)))),
    sub: Some(|t, a, b| apply(t, a, b, |_, x, y| Ok(Value::float(x - y)))),
    mul: Some(|t, a, b| apply(t, a, b, |_, x, y| Ok(Value::float(x * y)))),
    truediv: Some(|t, a, b| apply(t, a, b, |t, x, y| if y == 0.0 { zero_division(t) } else { Ok(Value::float(x / y)) })),
    floordiv: Some(|t, a, b| apply(t, a, b, |t, x, y| floor_div(t, x, y).map(Value::float))),
    mod_: Some(|t, a, b| apply(t, a, b, |t, x, y| remainder(t, x, y).map(Value::float))),
    divmod: Some(|t, a, b| {
        apply(t, a, b, |t, x, y| {
            let (q, r) = div_mod(t, x, y)?;
            Ok(pair(t, Value::float(q), Value::float(r)))
        })
    }),
    pow: Some(|t, a, b, c| {
        if !c.is_none() {
            raise!(t, TypeError, "pow() 3rd argument not allowed unless all arguments are integers")
        }
        apply(t, a, b, power)
    }),
    ..SlotTable::EMPTY
};

#[inline]
fn apply(t: &Thread, a: Value, b: Value, f: impl Fn(&Thread, f64, f64) -> R) -> R {
    let Some(x) = operand(t, a)? else { return Ok(Value::NOT_IMPLEMENTED) };
    let Some(y) = operand(t, b)? else { return Ok(Value::NOT_IMPLEMENTED) };
    f(t, x, y)
}

/// `x // y`
pub fn floor_div(t: &Thread, x: f64, y: f64) -> R<f64> {
    Ok(div_mod(t, x, y)?.0)
}

/// `x % y`: with the sign of `y`.
pub fn remainder(t: &Thread, x: f64, y: f64) -> R<f64> {
    if y == 0.0 {
        return zero_division(t);
    }
    let r = x % y;
    if r == 0.0 {
        return Ok(0.0f64.copysign(y));
    }
    Ok(if (y < 0.0) != (r < 0.0) { r + y } else { r })
}

/// `divmod(x, y)`
pub fn div_mod(t: &Thread, x: f64, y: f64) -> R<(f64, f64)> {
    if y == 0.0 {
        return zero_division(t);
    }
    let mut r = x % y;
    // The remainder is exact, so this is a whole number up to rounding.
    let mut q = (x - r) / y;
    if r == 0.0 {
        r = 0.0f64.copysign(y);
    } else if (y < 0.0) != (r < 0.0) {
        r += y;
        q -= 1.0;
    }
    let q = if q == 0.0 {
        0.0f64.copysign(x / y)
    } else {
        let floor = q.floor();
        if q - floor > 0.5 { floor + 1.0 } else { floor }
    };
    Ok((q, r))
}

/// `x ** y`; a complex number for a negative `x` and a broken `y`.
pub fn power(t: &Thread, x: f64, y: f64) -> R {
    if x == 0.0 && y < 0.0 && y.is_finite() {
        raise!(t, ZeroDivisionError, "zero to a negative power")
    }
    if x < 0.0 && x.is_finite() && y.is_finite() && y != y.trunc() {
        return complex::power(t, (x, 0.0), (y, 0.0));
    }
    // C's pow has the special cases that Python wants.
    let result = x.powf(y);
    if result.is_infinite() && x.is_finite() && y.is_finite() {
        raise!(t, OverflowError, "(34, 'Numerical result out of range')")
    }
    Ok(Value::float(result))
}
