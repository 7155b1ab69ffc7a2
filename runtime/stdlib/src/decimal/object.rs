//! `Decimal`: the type, how one is made, and its methods.

use super::context::{self, Context};
use super::number::{Kind, Number, Rounding, Settings, power_of_ten, status};
use super::{arith, python, signals, text};
use crate::owned;
use dashu_int::ops::Gcd;
use dashu_int::{IBig, Sign, UBig};
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, GetSet, Signature, receiver};
use limpid_vm::object::{R, Ref, ValueExt, header_of};
use limpid_vm::protocol::{attr, call, hash, isinstance};
use limpid_vm::root::{InterpreterRoot, TypeCell};
use limpid_vm::slots::{Compare, SlotTable};
use limpid_vm::thread::Thread;
use limpid_vm::types::{Dict, List, Str, Tuple, Type, TypeDef, ValueList, complex, flag, float, int, str};
use limpid_vm::{layout, raise};
use std::borrow::Cow;

/// The layout. A number never changes.
#[repr(C)]
pub struct Decimal {
    header: Header,
    number: Number,
}

/// `decimal.Decimal`
pub static DECIMAL: TypeCell = TypeCell::new();
layout!(Decimal, DECIMAL.get(), Leaf);

/// The named tuple that `as_tuple` gives.
pub(super) static DECIMAL_TUPLE: InterpreterRoot = InterpreterRoot::new();

impl Decimal {
    pub fn number(&self) -> &Number {
        &self.number
    }
}

/// A new Decimal.
pub(super) fn make(t: &Thread, number: Number) -> R {
    Ok(make_of(t, DECIMAL.get(), number))
}

/// A new instance of a class.
fn make_of(t: &Thread, class: Ref<Type>, number: Number) -> Value {
    // dashu keeps two words in the number itself.
    let owns_memory = number.coefficient.as_words().len() > 2;
    let object = t.alloc_instance(class, Decimal { header: header_of::<Decimal>(), number });
    if owns_memory { owned::dropped(t, object).value() } else { object.value() }
}

pub(super) fn from_i64(t: &Thread, n: i64) -> R {
    make(t, Number::finite(n < 0, UBig::from(n.unsigned_abs()), 0))
}

fn number_of_int(v: Value) -> Number {
    if v.is_int() {
        let n = v.as_int();
        return Number::finite(n < 0, UBig::from(n.unsigned_abs()), 0);
    }
    let mut scratch = 0;
    let parts = int::parts(v, &mut scratch);
    Number::finite(parts.negative, parts.to_ubig(), 0)
}

/// The number of a Decimal or an int.
#[inline]
pub(super) fn operand<'a>(v: Value) -> Option<Cow<'a, Number>> {
    if let Some(decimal) = v.downcast::<Decimal>() {
        // SAFETY: a Decimal never changes, and the value that the caller has keeps it alive.
        return Some(Cow::Borrowed(unsafe { &(*decimal.ptr()).number }));
    }
    int::is_int(v).then(|| Cow::Owned(number_of_int(v)))
}

/// The operand of a method; TypeError for anything else.
pub(super) fn required<'a>(t: &Thread, v: Value) -> R<Cow<'a, Number>> {
    match operand(v) {
        Some(n) => Ok(n),
        None => raise!(t, TypeError, "conversion from {} to Decimal is not supported", v.class().display_name()),
    }
}

/// As [`required`], as a Decimal.
pub(super) fn required_decimal(t: &Thread, v: Value) -> R {
    if v.downcast::<Decimal>().is_some() { Ok(v) } else { make(t, required(t, v)?.into_owned()) }
}

/// The exact number of a float.
fn number_of_float(f: f64) -> Number {
    if f.is_nan() {
        return Number::nan().with_sign(f.is_sign_negative());
    }
    if f.is_infinite() {
        return Number::infinity(f < 0.0);
    }
    let bits = f.to_bits();
    let (negative, biased, fraction) = (bits >> 63 != 0, (bits >> 52 & 0x7FF) as i64, bits & ((1 << 52) - 1));
    if biased == 0 && fraction == 0 {
        return Number::zero(negative, 0);
    }
    let (mantissa, exponent) = if biased == 0 { (fraction, -1074) } else { (fraction | 1 << 52, biased - 1075) };
    let zeros = mantissa.trailing_zeros() as i64;
    let (mantissa, exponent) = (UBig::from(mantissa >> zeros), exponent + zeros);
    if exponent >= 0 {
        return Number::finite(negative, mantissa << exponent as usize, 0);
    }
    Number::finite(negative, mantissa * UBig::from(5u8).pow(-exponent as usize), exponent)
}

// ---- making one ----

/// Raises what is trapped of a result's conditions, or makes it a Decimal.
#[inline]
fn finish(t: &Thread, c: Ref<Context>, flags: u32, n: Number) -> R {
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
        Kind::Finite => int::to_i64(t, exponent)?.clamp(-4 * super::number::MAX_EMAX, 4 * super::number::MAX_EMAX),
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

fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
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
pub(super) fn create(t: &Thread, c: Ref<Context>, v: Value) -> R {
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
fn from_float(t: &Thread, class: Value, v: Value) -> R {
    let n = match (float::as_f64_opt(v), int::is_int(v)) {
        (Some(f), _) => number_of_float(f),
        (None, true) => number_of_int(v),
        _ => raise!(t, TypeError, "argument must be int or float"),
    };
    let d = make(t, n)?;
    if class == DECIMAL.get().value() { Ok(d) } else { call::call(t, class, &[d]) }
}

/// `Context.create_decimal_from_float`: rounded to the context.
pub(super) fn create_from_float(t: &Thread, c: Ref<Context>, v: Value) -> R {
    let exact = from_float(t, DECIMAL.get().value(), v)?;
    let mut flags = 0;
    let n = receiver::<Decimal>(exact).number.clone().finish(&c.settings(), &mut flags);
    finish(t, c, flags, n)
}

/// `Decimal.from_number`
fn from_number(t: &Thread, a: &[Value]) -> R {
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

// ---- operations ----

/// An operation on two numbers.
pub(super) type Operation2 = fn(&Number, &Number, &Settings, &mut u32) -> Number;
/// An operation on one number.
pub(super) type Operation1 = fn(&Number, &Settings, &mut u32) -> Number;

/// An operator: NotImplemented for what is neither a Decimal nor an int.
#[inline]
fn binary(t: &Thread, a: Value, b: Value, f: Operation2) -> R {
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
pub(super) fn apply2(t: &Thread, c: Ref<Context>, a: Value, b: Value, f: Operation2) -> R {
    let (x, y) = (required(t, a)?, required(t, b)?);
    let mut flags = 0;
    let n = f(&x, &y, &c.settings(), &mut flags);
    finish(t, c, flags, n)
}

/// Likewise with one operand.
pub(super) fn apply1(t: &Thread, c: Ref<Context>, a: Value, f: Operation1) -> R {
    let x = required(t, a)?;
    let mut flags = 0;
    let n = f(&x, &c.settings(), &mut flags);
    finish(t, c, flags, n)
}

fn unary(t: &Thread, a: Value, f: Operation1) -> R {
    apply1(t, context::current(t)?, a, f)
}

/// `divmod(a, b)` in a context.
pub(super) fn divide_with_remainder(t: &Thread, c: Ref<Context>, a: &Number, b: &Number) -> R {
    let mut flags = 0;
    let (quotient, rest) = arith::divide_with_remainder(a, b, &c.settings(), &mut flags);
    signals::note(t, c, flags)?;
    let (quotient, rest) = (make(t, quotient)?, make(t, rest)?);
    Ok(Tuple::from_slice(t, &[quotient, rest]).value())
}

fn divmod(t: &Thread, a: Value, b: Value) -> R {
    let (Some(x), Some(y)) = (operand(a), operand(b)) else { return Ok(Value::NOT_IMPLEMENTED) };
    divide_with_remainder(t, context::current(t)?, &x, &y)
}

/// `a ** b`, modulo something or not.
pub(super) fn power(t: &Thread, c: Ref<Context>, a: Value, b: Value, modulus: Value) -> R {
    let (a, b) = (required_decimal(t, a)?, required_decimal(t, b)?);
    let modulus = if modulus.is_null() || modulus.is_none() { Value::NONE } else { required_decimal(t, modulus)? };
    python::operation(t, "__pow__", &[a, b, modulus], c)
}

fn power_operator(t: &Thread, a: Value, b: Value, modulus: Value) -> R {
    let given = !modulus.is_null() && !modulus.is_none();
    if operand(a).is_none() || operand(b).is_none() || given && operand(modulus).is_none() {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    power(t, context::current(t)?, a, b, modulus)
}

/// `a.fma(b, d)` in a context.
pub(super) fn fused_multiply_add(t: &Thread, c: Ref<Context>, a: Value, b: Value, d: Value) -> R {
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

fn quantize(t: &Thread, a: &[Value]) -> R {
    let c = context::given(t, a[3])?;
    let settings = with_rounding(t, c, a[2])?;
    let (x, y) = (required(t, a[0])?, required(t, a[1])?);
    let mut flags = 0;
    let n = arith::quantize(&x, &y, &settings, &mut flags);
    finish(t, c, flags, n)
}

fn to_integral(t: &Thread, a: &[Value], exact: bool) -> R {
    let c = context::given(t, a[2])?;
    let settings = with_rounding(t, c, a[1])?;
    let mut flags = 0;
    let n = arith::to_integral(&receiver::<Decimal>(a[0]).number, exact, &settings, &mut flags);
    finish(t, c, flags, n)
}

// ---- comparison ----

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

fn compare(t: &Thread, a: Value, b: Value, op: Compare) -> R {
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
fn hash_decimal(t: &Thread, v: Value) -> R<i64> {
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

// ---- conversions ----

/// The integer that a number is, rounded.
fn to_int(t: &Thread, n: &Number, rounding: Rounding) -> R {
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

fn to_float(t: &Thread, v: Value) -> R {
    let n = &receiver::<Decimal>(v).number;
    match n.kind {
        Kind::Signalling => raise!(t, ValueError, "cannot convert signaling NaN to float"),
        Kind::Quiet => return Ok(Value::float(if n.negative { -f64::NAN } else { f64::NAN })),
        _ => {}
    }
    let text = text::write(n, false, true);
    Ok(Value::float(float::parse::parse(text.as_bytes()).unwrap_or(f64::NAN)))
}

fn round(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Decimal>(a[0]);
    if a[1].is_null() || a[1].is_none() {
        return to_int(t, &this.number, Rounding::HalfEven);
    }
    if !int::is_int(a[1]) {
        raise!(t, TypeError, "optional arg must be an integer")
    }
    let places = int::to_i64(t, a[1])?.clamp(-super::number::MAX_EMAX, super::number::MAX_EMAX);
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
pub(super) fn text_in(t: &Thread, c: Ref<Context>, v: Value, engineering: bool) -> R {
    to_text(t, required_decimal(t, v)?, engineering, c.settings().capitals)
}

fn str_of(t: &Thread, v: Value) -> R {
    to_text(t, v, false, context::current(t)?.settings().capitals)
}

fn repr(t: &Thread, v: Value) -> R {
    let capitals = context::current(t)?.settings().capitals;
    let text = format!("Decimal('{}')", text::write(&receiver::<Decimal>(v).number, false, capitals));
    Ok(Str::from_ascii(t, text.as_bytes())?.value())
}

fn as_tuple(t: &Thread, a: &[Value]) -> R {
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

fn as_integer_ratio(t: &Thread, a: &[Value]) -> R {
    let n = &receiver::<Decimal>(a[0]).number;
    match n.kind {
        Kind::Finite => {}
        Kind::Infinite => raise!(t, OverflowError, "cannot convert Infinity to integer ratio"),
        _ => raise!(t, ValueError, "cannot convert NaN to integer ratio"),
    }
    let mut flags = 0;
    if super::number::exceeds_memory(n.exponent.abs(), &mut flags) && !n.coefficient.is_zero() {
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

fn to_complex(t: &Thread, a: &[Value]) -> R {
    let f = to_float(t, a[0])?;
    call::call(t, limpid_vm::types::builtin::COMPLEX.value(), &[f])
}

fn format(t: &Thread, a: &[Value]) -> R {
    if !a[2].is_null() && a[2].downcast::<Dict>().is_none() {
        raise!(t, TypeError, "optional argument must be a dict")
    }
    python::format(t, a[0], a[1], a[2], context::current(t)?)
}

fn reduce(t: &Thread, a: &[Value]) -> R {
    let text = to_text(t, a[0], false, true)?;
    let arguments = Tuple::from_slice(t, &[text]).value();
    Ok(Tuple::from_slice(t, &[a[0].class().value(), arguments]).value())
}

/// A number of another sign, whatever it is.
pub(super) fn with_sign(t: &Thread, v: Value, f: impl FnOnce(&Number) -> bool) -> R {
    let n = required(t, v)?;
    let negative = f(&n);
    make(t, n.into_owned().with_sign(negative))
}

/// A yes or no about a number.
pub(super) fn is(t: &Thread, v: Value, f: fn(&Number) -> bool) -> R {
    Ok(Value::bool(f(&*required(t, v)?)))
}

/// `to_integral_value` without a rounding of its own, in a context.
pub(super) fn to_integral_value(n: &Number, c: &Settings, flags: &mut u32) -> Number {
    arith::to_integral(n, false, c, flags)
}

/// `to_integral_exact`, likewise.
pub(super) fn to_integral_exact(n: &Number, c: &Settings, flags: &mut u32) -> Number {
    arith::to_integral(n, true, c, flags)
}

fn own<'a>(v: Value) -> Cow<'a, Number> {
    operand(v).unwrap_or_else(|| Cow::Owned(Number::nan()))
}

/// The methods that are not done by the Python form.
pub(super) const METHODS: [FnDef; 35] = [
    FnDef::class_def("from_float", "cls, f, /", |t, a| from_float(t, a[0], a[1])),
    FnDef::class_def("from_number", "cls, number, /", from_number),
    FnDef::def("adjusted", "self, /", |t, a| Ok(int::from_i64(t, receiver::<Decimal>(a[0]).number.adjusted()))),
    FnDef::def("as_tuple", "self, /", as_tuple),
    FnDef::def("as_integer_ratio", "self, /", as_integer_ratio),
    FnDef::def("canonical", "self, /", |_, a| Ok(a[0])),
    FnDef::def("conjugate", "self, /", |_, a| Ok(a[0])),
    FnDef::def("radix", "self, /", |t, _| from_i64(t, 10)),
    FnDef::def("copy_abs", "self, /", |t, a| with_sign(t, a[0], |_| false)),
    FnDef::def("copy_negate", "self, /", |t, a| with_sign(t, a[0], |n| !n.negative)),
    FnDef::def("copy_sign", "self, /, other, context=None", |t, a| {
        context::given(t, a[2])?;
        let negative = required(t, a[1])?.negative;
        with_sign(t, a[0], |_| negative)
    }),
    FnDef::def("is_canonical", "self, /", |_, _| Ok(Value::TRUE)),
    FnDef::def("is_finite", "self, /", |t, a| is(t, a[0], Number::is_finite)),
    FnDef::def("is_infinite", "self, /", |t, a| is(t, a[0], Number::is_infinite)),
    FnDef::def("is_nan", "self, /", |t, a| is(t, a[0], Number::is_nan)),
    FnDef::def("is_qnan", "self, /", |t, a| is(t, a[0], |n| n.kind == Kind::Quiet)),
    FnDef::def("is_snan", "self, /", |t, a| is(t, a[0], |n| n.kind == Kind::Signalling)),
    FnDef::def("is_signed", "self, /", |t, a| is(t, a[0], |n| n.negative)),
    FnDef::def("is_zero", "self, /", |t, a| is(t, a[0], Number::is_zero)),
    FnDef::def("fma", "self, /, other, third, context=None", |t, a| fused_multiply_add(t, context::given(t, a[3])?, a[0], a[1], a[2])),
    FnDef::def("normalize", "self, /, context=None", |t, a| apply1(t, context::given(t, a[1])?, a[0], arith::normalize)),
    FnDef::def("quantize", "self, /, exp, rounding=None, context=None", quantize),
    FnDef::def("to_integral", "self, /, rounding=None, context=None", |t, a| to_integral(t, a, false)),
    FnDef::def("to_integral_value", "self, /, rounding=None, context=None", |t, a| to_integral(t, a, false)),
    FnDef::def("to_integral_exact", "self, /, rounding=None, context=None", |t, a| to_integral(t, a, true)),
    FnDef::def("to_eng_string", "self, /, context=None", |t, a| text_in(t, context::given(t, a[1])?, a[0], true)),
    FnDef::def("__ceil__", "self, /", |t, a| to_int(t, &own(a[0]), Rounding::Ceiling)),
    FnDef::def("__floor__", "self, /", |t, a| to_int(t, &own(a[0]), Rounding::Floor)),
    FnDef::def("__trunc__", "self, /", |t, a| to_int(t, &own(a[0]), Rounding::Down)),
    FnDef::def("__round__", "self, ndigits=None, /", round),
    FnDef::def("__complex__", "self, /", to_complex),
    FnDef::def("__format__", "self, format_spec, override=None, /", format),
    FnDef::def("__copy__", "self, /", |_, a| Ok(a[0])),
    FnDef::def("__deepcopy__", "self, memo, /", |_, a| Ok(a[0])),
    FnDef::def("__reduce__", "self, /", reduce),
];

/// `decimal.Decimal`
pub(super) static DECIMAL_DEF: TypeDef = TypeDef {
    doc: "Decimal(value='0', context=None)\n--\n\nConstruct a new Decimal object.\n\nvalue can be an integer, string, tuple, or another \
              Decimal object.  If\nno value is given, return Decimal('0').  The context does not affect\nthe conversion and is only passed to \
              determine if the InvalidOperation\ntrap is active.",
    flags: flag::BASE_TYPE,
    slots: SlotTable {
        new: Some(new),
        repr: Some(repr),
        str: Some(str_of),
        hash: Some(hash_decimal),
        richcompare: Some(compare),
        bool: Some(|_, v| Ok(!receiver::<Decimal>(v).number.is_zero())),
        int: Some(|t, v| to_int(t, &own(v), Rounding::Down)),
        float: Some(to_float),
        neg: Some(|t, v| unary(t, v, arith::minus)),
        pos: Some(|t, v| unary(t, v, arith::plus)),
        abs: Some(|t, v| unary(t, v, arith::absolute)),
        add: Some(|t, a, b| binary(t, a, b, arith::add)),
        sub: Some(|t, a, b| binary(t, a, b, arith::subtract)),
        mul: Some(|t, a, b| binary(t, a, b, arith::multiply)),
        truediv: Some(|t, a, b| binary(t, a, b, arith::divide)),
        floordiv: Some(|t, a, b| binary(t, a, b, arith::divide_to_integer)),
        mod_: Some(|t, a, b| binary(t, a, b, arith::remainder)),
        divmod: Some(divmod),
        pow: Some(power_operator),
        ..SlotTable::EMPTY
    },
    methods: &super::DECIMAL_METHODS,
    getset: &[GetSet::getter("real", |_, v| Ok(v)), GetSet::getter("imag", |t, _| from_i64(t, 0))],
    ..TypeDef::of::<Decimal>("decimal.Decimal")
};
