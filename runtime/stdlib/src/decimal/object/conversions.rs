//! Decimals as other numbers, as text, and rounded.

use super::making::finish;
use super::{DECIMAL_TUPLE, Decimal, make, required, required_decimal};
use crate::decimal::context::{self, Context};
use crate::decimal::number::{Kind, Number, Rounding, Settings, power_of_ten};
use crate::decimal::{arith, python, text};
use dashu_int::ops::Gcd;
use dashu_int::{IBig, Sign, UBig};
use limpid_heap::Value;
use limpid_vm::args::receiver;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::call;
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Dict, Str, Tuple, ValueList, float, int, str};

/// The integer that a number is, rounded.
pub(super) fn to_int(t: &Thread, n: &Number, rounding: Rounding) -> R {
    match n.kind {
        Kind::Finite => {}
        Kind::Infinite => raise!(t, OverflowError, "cannot convert Infinity to integer"),
        _ => raise!(t, ValueError, "cannot convert NaN to integer"),
    }
    let mut flags = 0;
    let (whole, _) = n.rescaled(0, rounding, &mut flags);
    if flags != 0 {
        return Err(limpid_vm::exc::raise_memory_error(t));
    }
    int::from_magnitude(t, whole.negative, &whole.coefficient)
}

pub(super) fn to_float(t: &Thread, v: Value) -> R {
    let n = &receiver::<Decimal>(v).number;
    match n.kind {
        Kind::Signalling => raise!(t, ValueError, "cannot convert signaling NaN to float"),
        Kind::Quiet => return Ok(Value::float(if n.negative { -f64::NAN } else { f64::NAN })),
        _ => {}
    }
    let text = text::write(n, false, true);
    Ok(Value::float(float::parse::parse(text.as_bytes()).unwrap_or(f64::NAN)))
}

pub(super) fn round(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Decimal>(a[0]);
    if a[1].is_null() || a[1].is_none() {
        return to_int(t, &this.number, Rounding::HalfEven);
    }
    if !int::is_int(a[1]) {
        raise!(t, TypeError, "optional arg must be an integer")
    }
    let places = int::to_i64(t, a[1])?.clamp(-crate::decimal::number::MAX_EMAX, crate::decimal::number::MAX_EMAX);
    let c = context::current(t)?;
    let mut flags = 0;
    let n = arith::quantize(&this.number, &Number::finite(false, UBig::ONE, -places), &c.settings(), &mut flags);
    finish(t, c, flags, n)
}

fn to_text(t: &Thread, v: Value, engineering: bool, capitals: bool) -> R {
    let text = text::write(&receiver::<Decimal>(v).number, engineering, capitals);
    Ok(Str::from_ascii(t, text.as_bytes())?.value())
}

/// The text of a number in the style of a context.
pub(in crate::decimal) fn text_in(t: &Thread, c: Ref<Context>, v: Value, engineering: bool) -> R {
    to_text(t, required_decimal(t, v)?, engineering, c.settings().capitals)
}

pub(super) fn str_of(t: &Thread, v: Value) -> R {
    to_text(t, v, false, context::current(t)?.settings().capitals)
}

pub(super) fn repr(t: &Thread, v: Value) -> R {
    let capitals = context::current(t)?.settings().capitals;
    let text = format!("Decimal('{}')", text::write(&receiver::<Decimal>(v).number, false, capitals));
    Ok(Str::from_ascii(t, text.as_bytes())?.value())
}

pub(super) fn as_tuple(t: &Thread, a: &[Value]) -> R {
    let n = &receiver::<Decimal>(a[0]).number;
    let mut digits = ValueList::new(t);
    if n.is_finite() || n.is_infinite() || !n.coefficient.is_zero() {
        text::digits(&n.coefficient).bytes().for_each(|d| digits.push(t, Value::int((d - b'0') as i64)));
    }
    let exponent = match n.kind {
        Kind::Finite => int::from_i64(t, n.exponent),
        Kind::Infinite => str::intern(t, "F"),
        Kind::Quiet => str::intern(t, "n"),
        Kind::Signalling => str::intern(t, "N"),
    };
    let digits = Tuple::from_slice(t, digits.as_slice()).value();
    call::call(t, DECIMAL_TUPLE.get(t), &[Value::int(n.negative as i64), digits, exponent])
}

pub(super) fn as_integer_ratio(t: &Thread, a: &[Value]) -> R {
    let n = &receiver::<Decimal>(a[0]).number;
    match n.kind {
        Kind::Finite => {}
        Kind::Infinite => raise!(t, OverflowError, "cannot convert Infinity to integer ratio"),
        _ => raise!(t, ValueError, "cannot convert NaN to integer ratio"),
    }
    let mut flags = 0;
    if crate::decimal::number::exceeds_memory(n.exponent.abs(), &mut flags) && !n.coefficient.is_zero() {
        return Err(limpid_vm::exc::raise_memory_error(t));
    }
    let (numerator, denominator) = if n.coefficient.is_zero() {
        (UBig::ZERO, UBig::ONE)
    } else if n.exponent >= 0 {
        (&n.coefficient * power_of_ten(n.exponent as usize), UBig::ONE)
    } else {
        let denominator = power_of_ten(-n.exponent as usize);
        let common = (&n.coefficient).gcd(&denominator);
        (&n.coefficient / &common, denominator / common)
    };
    let sign = if n.negative { Sign::Negative } else { Sign::Positive };
    let numerator = int::from_bigint(t, &IBig::from_parts(sign, numerator))?;
    let denominator = int::from_magnitude(t, false, &denominator)?;
    Ok(Tuple::from_slice(t, &[numerator, denominator]).value())
}

pub(super) fn to_complex(t: &Thread, a: &[Value]) -> R {
    let f = to_float(t, a[0])?;
    call::call(t, limpid_vm::types::builtin::COMPLEX.value(), &[f])
}

pub(super) fn format(t: &Thread, a: &[Value]) -> R {
    if !a[2].is_null() && a[2].downcast::<Dict>().is_none() {
        raise!(t, TypeError, "optional argument must be a dict")
    }
    python::format(t, a[0], a[1], a[2], context::current(t)?)
}

pub(super) fn reduce(t: &Thread, a: &[Value]) -> R {
    let text = to_text(t, a[0], false, true)?;
    let arguments = Tuple::from_slice(t, &[text]).value();
    Ok(Tuple::from_slice(t, &[a[0].class().value(), arguments]).value())
}

/// A number of another sign, whatever it is.
pub(in crate::decimal) fn with_sign(t: &Thread, v: Value, f: impl FnOnce(&Number) -> bool) -> R {
    let n = required(t, v)?;
    let negative = f(&n);
    make(t, n.into_owned().with_sign(negative))
}

/// A yes or no about a number.
pub(in crate::decimal) fn is(t: &Thread, v: Value, f: fn(&Number) -> bool) -> R {
    Ok(Value::bool(f(&*required(t, v)?)))
}

/// `to_integral_value` without a rounding of its own, in a context.
pub(in crate::decimal) fn to_integral_value(n: &Number, c: &Settings, flags: &mut u32) -> Number {
    arith::to_integral(n, false, c, flags)
}

/// `to_integral_exact`, likewise.
pub(in crate::decimal) fn to_integral_exact(n: &Number, c: &Settings, flags: &mut u32) -> Number {
    arith::to_integral(n, true, c, flags)
}
