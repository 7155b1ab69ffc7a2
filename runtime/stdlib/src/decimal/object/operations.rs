//! Operators and the methods that calculate in a context.

use super::making::finish;
use super::{Decimal, make, operand, required, required_decimal};
use crate::decimal::context::{self, Context};
use crate::decimal::number::{Number, Settings};
use crate::decimal::{arith, python, signals};
use limpid_heap::Value;
use limpid_vm::args::receiver;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::thread::Thread;
use limpid_vm::types::Tuple;

/// An operation on two numbers.
pub(super) type Operation2 = fn(&Number, &Number, &Settings, &mut u32) -> Number;
/// An operation on one number.
pub(super) type Operation1 = fn(&Number, &Settings, &mut u32) -> Number;

/// An operator: NotImplemented for what is neither a Decimal nor an int.
#[inline]
pub(super) fn binary(t: &Thread, a: Value, b: Value, f: Operation2) -> R {
    if let (Some(x), Some(y)) = (a.exact::<Decimal>(), b.exact::<Decimal>()) {
        let c = context::current(t)?;
        let mut flags = 0;
        let n = f(&x.number, &y.number, &c.settings(), &mut flags);
        return finish(t, c, flags, n);
    }
    let (Some(x), Some(y)) = (operand(a), operand(b)) else { return Ok(Value::NOT_IMPLEMENTED) };
    let c = context::current(t)?;
    let mut flags = 0;
    let n = f(&x, &y, &c.settings(), &mut flags);
    finish(t, c, flags, n)
}

/// A method of a context or, with a context, of a Decimal.
pub(in crate::decimal) fn apply2(t: &Thread, c: Ref<Context>, a: Value, b: Value, f: Operation2) -> R {
    let (x, y) = (required(t, a)?, required(t, b)?);
    let mut flags = 0;
    let n = f(&x, &y, &c.settings(), &mut flags);
    finish(t, c, flags, n)
}

/// Likewise with one operand.
pub(in crate::decimal) fn apply1(t: &Thread, c: Ref<Context>, a: Value, f: Operation1) -> R {
    let x = required(t, a)?;
    let mut flags = 0;
    let n = f(&x, &c.settings(), &mut flags);
    finish(t, c, flags, n)
}

pub(super) fn unary(t: &Thread, a: Value, f: Operation1) -> R {
    apply1(t, context::current(t)?, a, f)
}

/// `divmod(a, b)` in a context.
pub(in crate::decimal) fn divide_with_remainder(t: &Thread, c: Ref<Context>, a: &Number, b: &Number) -> R {
    let mut flags = 0;
    let (quotient, rest) = arith::divide_with_remainder(a, b, &c.settings(), &mut flags);
    signals::note(t, c, flags)?;
    let (quotient, rest) = (make(t, quotient)?, make(t, rest)?);
    Ok(Tuple::from_slice(t, &[quotient, rest]).value())
}

pub(super) fn divmod(t: &Thread, a: Value, b: Value) -> R {
    let (Some(x), Some(y)) = (operand(a), operand(b)) else { return Ok(Value::NOT_IMPLEMENTED) };
    divide_with_remainder(t, context::current(t)?, &x, &y)
}

/// `a ** b`, modulo something or not.
pub(in crate::decimal) fn power(t: &Thread, c: Ref<Context>, a: Value, b: Value, modulus: Value) -> R {
    let (a, b) = (required_decimal(t, a)?, required_decimal(t, b)?);
    let modulus = if modulus.is_null() || modulus.is_none() { Value::NONE } else { required_decimal(t, modulus)? };
    python::operation(t, "__pow__", &[a, b, modulus], c)
}

pub(super) fn power_operator(t: &Thread, a: Value, b: Value, modulus: Value) -> R {
    let given = !modulus.is_null() && !modulus.is_none();
    if operand(a).is_none() || operand(b).is_none() || given && operand(modulus).is_none() {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    power(t, context::current(t)?, a, b, modulus)
}

/// `a.fma(b, d)` in a context.
pub(in crate::decimal) fn fused_multiply_add(t: &Thread, c: Ref<Context>, a: Value, b: Value, d: Value) -> R {
    let (x, y, z) = (required(t, a)?, required(t, b)?, required(t, d)?);
    let mut flags = 0;
    let n = arith::fused_multiply_add(&x, &y, &z, &c.settings(), &mut flags);
    finish(t, c, flags, n)
}

/// A context's settings with another rounding, unless that is None.
fn with_rounding(t: &Thread, c: Ref<Context>, rounding: Value) -> R<Settings> {
    let settings = c.settings();
    if rounding.is_null() || rounding.is_none() {
        return Ok(settings);
    }
    Ok(Settings { rounding: context::rounding_of(t, rounding)?, ..settings })
}

pub(super) fn quantize(t: &Thread, a: &[Value]) -> R {
    let c = context::given(t, a[3])?;
    let settings = with_rounding(t, c, a[2])?;
    let (x, y) = (required(t, a[0])?, required(t, a[1])?);
    let mut flags = 0;
    let n = arith::quantize(&x, &y, &settings, &mut flags);
    finish(t, c, flags, n)
}

pub(super) fn to_integral(t: &Thread, a: &[Value], exact: bool) -> R {
    let c = context::given(t, a[2])?;
    let settings = with_rounding(t, c, a[1])?;
    let mut flags = 0;
    let n = arith::to_integral(&receiver::<Decimal>(a[0]).number, exact, &settings, &mut flags);
    finish(t, c, flags, n)
}
