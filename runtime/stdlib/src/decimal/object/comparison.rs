//! Comparison with all kinds of numbers, and hashing.

use super::{Decimal, number_of_float, operand};
use crate::decimal::context;
use crate::decimal::number::{Kind, Number, Settings, status};
use crate::decimal::{arith, signals};
use limpid_heap::Value;
use limpid_vm::args::receiver;
use limpid_vm::object::{R, ValueExt};
use limpid_vm::protocol::{attr, hash, isinstance};
use limpid_vm::raise;
use limpid_vm::root::InterpreterRoot;
use limpid_vm::slots::Compare;
use limpid_vm::thread::Thread;
use limpid_vm::types::{complex, float};
use std::borrow::Cow;

/// What a Decimal is compared with.
fn comparand<'a>(t: &Thread, a: &Number, b: Value, op: Compare) -> R<Option<(Cow<'a, Number>, Cow<'a, Number>)>> {
    static RATIONAL: InterpreterRoot = InterpreterRoot::new();
    let same = || Cow::Owned(a.clone());
    if let Some(n) = operand(b) {
        return Ok(Some((same(), n)));
    }
    let equality = matches!(op, Compare::Eq | Compare::Ne);
    let of_float = |f: f64| -> R<_> {
        let c = context::current(t)?;
        if equality {
            c.add_flags(status::FLOAT_OPERATION);
        } else {
            signals::note(t, c, status::FLOAT_OPERATION)?;
        }
        Ok(Some((same(), Cow::Owned(number_of_float(f)))))
    };
    if let Some(f) = float::as_f64_opt(b) {
        return of_float(f);
    }
    if equality && let Some((re, im)) = complex::as_parts(b) {
        return if im == 0.0 { of_float(re) } else { Ok(None) };
    }
    if RATIONAL.opt(t).is_none() {
        let numbers = limpid_vm::modules::import::import_text(t, "numbers")?;
        RATIONAL.set(t, attr::get_attr_text(t, numbers, "Rational")?);
    }
    if !isinstance::is_instance(t, b, RATIONAL.get(t))? {
        return Ok(None);
    }
    let (numerator, denominator) = (attr::get_attr_text(t, b, "numerator")?, attr::get_attr_text(t, b, "denominator")?);
    let (Some(numerator), Some(denominator)) = (operand(numerator), operand(denominator)) else { return Ok(None) };
    let scaled = arith::multiply(a, &denominator, &Settings::MAX, &mut 0);
    Ok(Some((Cow::Owned(scaled), numerator)))
}

pub(super) fn compare(t: &Thread, a: Value, b: Value, op: Compare) -> R {
    let this = receiver::<Decimal>(a);
    let direct = b.downcast::<Decimal>();
    let pair;
    let (x, y) = match &direct {
        Some(other) => (&this.number, &other.number),
        None => {
            pair = comparand(t, &this.number, b, op)?;
            match &pair {
                Some((x, y)) => (x.as_ref(), y.as_ref()),
                None => return Ok(Value::NOT_IMPLEMENTED),
            }
        }
    };
    if x.is_nan() || y.is_nan() {
        let signalling = x.kind == Kind::Signalling || y.kind == Kind::Signalling;
        if signalling || !matches!(op, Compare::Eq | Compare::Ne) {
            signals::note(t, context::current(t)?, status::INVALID_OPERATION)?;
        }
        return Ok(Value::bool(op == Compare::Ne));
    }
    Ok(Value::bool(op.holds(x.compare(y))))
}

/// The hash that equal ints, floats and fractions have as well.
pub(super) fn hash_decimal(t: &Thread, v: Value) -> R<i64> {
    const P: u64 = (1 << 61) - 1;
    const INVERSE_OF_TEN: u64 = 2075258708292324556;
    let n = &receiver::<Decimal>(v).number;
    let magnitude = match n.kind {
        Kind::Signalling => raise!(t, TypeError, "Cannot hash a signaling NaN value"),
        Kind::Quiet => return Ok(hash::hash_identity(v)),
        Kind::Infinite => 314159,
        Kind::Finite => {
            let multiply = |a: u64, b: u64| (a as u128 * b as u128 % P as u128) as u64;
            let (mut base, mut exponent) = if n.exponent >= 0 { (10, n.exponent) } else { (INVERSE_OF_TEN, -n.exponent) };
            let mut power = 1;
            while exponent > 0 {
                if exponent & 1 != 0 {
                    power = multiply(power, base);
                }
                base = multiply(base, base);
                exponent >>= 1;
            }
            let rest: u64 = &n.coefficient % P;
            multiply(rest, power) as i64
        }
    };
    let h = if n.negative { -magnitude } else { magnitude };
    Ok(if h == -1 { -2 } else { h })
}
