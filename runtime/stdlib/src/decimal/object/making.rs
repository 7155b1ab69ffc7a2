//! Decimals of numbers, texts and tuples, in a context or exactly.

use super::{DECIMAL, Decimal, make, make_of, number_of_float, number_of_int, operand};
use crate::decimal::context::{self, Context};
use crate::decimal::number::{Kind, Number, Settings, status};
use crate::decimal::{signals, text};
use dashu_int::UBig;
use limpid_heap::Value;
use limpid_vm::args::{Args, Signature, receiver};
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::call;
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::{List, Str, Tuple, Type, ValueList, float, int, str};

/// Raises what is trapped of a result's conditions, or makes it a Decimal.
#[inline]
pub(super) fn finish(t: &Thread, c: Ref<Context>, flags: u32, n: Number) -> R {
    signals::note(t, c, flags)?;
    make(t, n)
}

/// The number that `(sign, digits, exponent)` describes.
fn number_of_tuple(t: &Thread, parts: &[Value]) -> R<Number> {
    let [sign, digits, exponent] = *parts else { raise!(t, ValueError, "argument must be a sequence of length 3") };
    let negative = match int::as_i64_opt(sign) {
        Some(0) => false,
        Some(1) => true,
        _ => raise!(t, ValueError, "sign must be an integer with the value 0 or 1"),
    };
    let kind = match exponent.downcast::<Str>() {
        Some(s) if s.eq_str("F") => return Ok(Number::infinity(negative)),
        Some(s) if s.eq_str("n") => Kind::Quiet,
        Some(s) if s.eq_str("N") => Kind::Signalling,
        Some(_) => raise!(t, ValueError, "string argument in the third position must be 'F', 'n' or 'N'"),
        None => Kind::Finite,
    };
    let exponent = match kind {
        Kind::Finite if !int::is_int(exponent) => raise!(t, ValueError, "exponent must be an integer"),
        Kind::Finite => int::to_i64(t, exponent)?.clamp(-4 * crate::decimal::number::MAX_EMAX, 4 * crate::decimal::number::MAX_EMAX),
        _ => 0,
    };
    let digits = match (digits.downcast::<Tuple>(), digits.downcast::<List>()) {
        (Some(digits), _) => ValueList::from_slice(t, digits.as_slice()),
        (_, Some(digits)) => digits.snapshot(t),
        _ => raise!(t, ValueError, "coefficient must be a tuple of digits"),
    };
    let mut text = String::with_capacity(digits.len() + 1);
    text.push('0');
    for digit in digits.iter() {
        match int::as_i64_opt(digit).filter(|_| !digit.is_bool()) {
            Some(d @ 0..=9) => text.push((b'0' + d as u8) as char),
            _ => raise!(t, ValueError, "coefficient must be a tuple of digits"),
        }
    }
    let Ok(coefficient) = UBig::from_str_radix(&text, 10) else { raise!(t, ValueError, "coefficient must be a tuple of digits") };
    Ok(Number { negative, kind, exponent, coefficient })
}

/// The number that a program gives, exactly.
fn exact_number(t: &Thread, v: Value, c: Ref<Context>) -> R<Number> {
    let mut flags = 0;
    let n = unlimited_number(t, v, c, &mut flags)?;
    let n = limit(n, &mut flags);
    signals::note(t, c, flags)?;
    Ok(n)
}

/// As [`exact_number`], whatever its exponent is.
fn unlimited_number(t: &Thread, v: Value, c: Ref<Context>, flags: &mut u32) -> R<Number> {
    let n = if let Some(n) = operand(v) {
        n.into_owned()
    } else if let Some(s) = v.downcast::<Str>() {
        text::parse(&str::numeric_text(s)).unwrap_or_else(|| Number::invalid(flags, status::CONVERSION_SYNTAX))
    } else if let Some(f) = float::as_f64_opt(v) {
        signals::note(t, c, status::FLOAT_OPERATION)?;
        number_of_float(f)
    } else if let Some(parts) = v.downcast::<Tuple>() {
        number_of_tuple(t, parts.as_slice())?
    } else if let Some(parts) = v.downcast::<List>() {
        number_of_tuple(t, parts.snapshot(t).as_slice())?
    } else {
        raise!(t, TypeError, "conversion from {} to Decimal is not supported", v.class().display_name())
    };
    Ok(n)
}

/// A number that must not exceed the limits there are.
fn limit(n: Number, flags: &mut u32) -> Number {
    let mut exceeded = 0;
    let n = n.finish(&Settings::MAX, &mut exceeded);
    if exceeded & (status::INEXACT | status::ROUNDED | status::CLAMPED) == 0 {
        return n;
    }
    Number::invalid(flags, status::INVALID_OPERATION)
}

pub(super) fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::of_constructor("value='0', context=None");
    args.bind(t, "Decimal", &SIGNATURE, |a| {
        // SAFETY: the receiver of `__new__` is a class.
        let class = unsafe { Ref::<Type>::from_value(class) };
        let c = context::given(t, a[1])?;
        if a[0].is_null() {
            return Ok(make_of(t, class, Number::zero(false, 0)));
        }
        if class == DECIMAL.get() && a[0].class() == class {
            return Ok(a[0]);
        }
        Ok(make_of(t, class, exact_number(t, a[0], c)?))
    })
}

/// `Context.create_decimal`: rounded to the context.
pub(in crate::decimal) fn create(t: &Thread, c: Ref<Context>, v: Value) -> R {
    let mut flags = 0;
    let settings = c.settings();
    let n = match v.downcast::<Str>() {
        Some(s) => {
            let text = str::numeric_text(s);
            let plain = !text.iter().any(|b| *b == b'_' || b.is_ascii_whitespace());
            match text::parse(&text).filter(|_| plain) {
                Some(n) if n.is_nan() && n.digits() > settings.prec - settings.clamp as i64 => {
                    Number::invalid(&mut flags, status::CONVERSION_SYNTAX)
                }
                Some(n) => n,
                None => Number::invalid(&mut flags, status::CONVERSION_SYNTAX),
            }
        }
        None => {
            let n = unlimited_number(t, v, c, &mut flags)?;
            if n.is_nan() && n.digits() > settings.prec - settings.clamp as i64 {
                Number::invalid(&mut flags, status::CONVERSION_SYNTAX)
            } else {
                n
            }
        }
    };
    let n = n.finish(&settings, &mut flags);
    finish(t, c, flags, n)
}

/// `Decimal.from_float`, exactly.
pub(super) fn from_float(t: &Thread, class: Value, v: Value) -> R {
    let n = match (float::as_f64_opt(v), int::is_int(v)) {
        (Some(f), _) => number_of_float(f),
        (None, true) => number_of_int(v),
        _ => raise!(t, TypeError, "argument must be int or float"),
    };
    let d = make(t, n)?;
    if class == DECIMAL.get().value() { Ok(d) } else { call::call(t, class, &[d]) }
}

/// `Context.create_decimal_from_float`: rounded to the context.
pub(in crate::decimal) fn create_from_float(t: &Thread, c: Ref<Context>, v: Value) -> R {
    let exact = from_float(t, DECIMAL.get().value(), v)?;
    let mut flags = 0;
    let n = receiver::<Decimal>(exact).number.clone().finish(&c.settings(), &mut flags);
    finish(t, c, flags, n)
}

/// `Decimal.from_number`
pub(super) fn from_number(t: &Thread, a: &[Value]) -> R {
    if operand(a[1]).is_some() || float::as_f64_opt(a[1]).is_some() {
        let n = match operand(a[1]) {
            Some(n) => n.into_owned(),
            None => number_of_float(float::as_f64_opt(a[1]).unwrap_or(0.0)),
        };
        let d = if a[1].class() == DECIMAL.get() { a[1] } else { make(t, n)? };
        return if a[0] == DECIMAL.get().value() { Ok(d) } else { call::call(t, a[0], &[d]) };
    }
    raise!(t, TypeError, "Cannot convert {} to Decimal", limpid_vm::protocol::text::repr(t, a[1])?.to_string_lossy())
}
