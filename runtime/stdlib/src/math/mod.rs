//! `math`: functions of real numbers ([`pymath`] over the C library's), of integers ([`integer`]), and sums ([`sums`]).

mod integer;
mod sums;

use limpid_heap::Value;
use limpid_vm::args::{Args, FnDef};
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Raised, Ref};
use limpid_vm::protocol::{attr, call, number};
use limpid_vm::thread::Thread;
use limpid_vm::types::{Module, Tuple, float, int};
use limpid_vm::{err, names, raise};
use pymath::Error;
use pymath::math as real;

/// `math`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "This module provides access to the mathematical functions\ndefined by the C standard.",
    functions: FUNCTIONS,
    init,
    ..ModuleDef::named("math")
};

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    for (name, f) in [("pi", real::PI), ("e", real::E), ("tau", real::TAU), ("inf", f64::INFINITY), ("nan", f64::NAN)] {
        m.dict().set_text(t, name, Value::float(f))?;
    }
    Ok(())
}

/// What goes wrong outside a function's domain.
enum Domain {
    /// Just that.
    Plain,
    /// What is expected, and what it got.
    Expected(&'static str),
}

const FINITE: Domain = Domain::Expected("a finite input");
const POSITIVE: Domain = Domain::Expected("a positive input");
const UNIT: Domain = Domain::Expected("a number in range from -1 up to 1");
const NO_POLE: Domain = Domain::Expected("a noninteger or positive integer");

#[cold]
fn failure(t: &Thread, e: Error, x: f64, domain: Domain) -> Raised {
    match (e, domain) {
        (Error::ERANGE, _) => err!(t, OverflowError, "math range error"),
        (Error::EDOM, Domain::Plain) => err!(t, ValueError, "math domain error"),
        (Error::EDOM, Domain::Expected(what)) => match float::repr(t, x) {
            Ok(got) => err!(t, ValueError, "expected {what}, got {}", got.to_string_lossy()),
            Err(raised) => raised,
        },
    }
}

/// A function of one number.
fn one(t: &Thread, v: Value, f: fn(f64) -> pymath::Result<f64>, domain: Domain) -> R {
    let x = number::as_float(t, v)?;
    f(x).map(Value::float).map_err(|e| failure(t, e, x, domain))
}

/// A function of two numbers.
fn two(t: &Thread, a: &[Value], f: fn(f64, f64) -> pymath::Result<f64>) -> R {
    let (x, y) = (number::as_float(t, a[0])?, number::as_float(t, a[1])?);
    f(x, y).map(Value::float).map_err(|e| failure(t, e, x, Domain::Plain))
}

/// The floats in a slice of numbers.
fn floats(t: &Thread, values: &[Value]) -> R<Vec<f64>> {
    values.iter().map(|v| number::as_float(t, *v)).collect()
}

/// `floor` and `ceil`: the method of the number's class, or that of float.
fn rounded(t: &Thread, v: Value, method: Value, f: fn(f64) -> f64) -> R {
    if !v.is_float()
        && let Some(method) = attr::lookup_special(t, v, method)?
    {
        return call::call(t, method, &[]);
    }
    int::from_f64(t, f(number::as_float(t, v)?))
}

fn trunc(t: &Thread, a: &[Value]) -> R {
    use limpid_vm::object::ValueExt;
    if a[0].is_float() {
        return int::from_f64(t, a[0].as_float());
    }
    match attr::lookup_special(t, a[0], names::__trunc__)? {
        Some(method) => call::call(t, method, &[]),
        None => raise!(t, TypeError, "type {} doesn't define __trunc__ method", a[0].class().display_name()),
    }
}

/// A logarithm; that of a long int is computed from its leading bits.
fn logarithm(t: &Thread, v: Value, f: fn(f64) -> pymath::Result<f64>) -> R<f64> {
    if int::is_int(v) {
        if int::is_negative(v) || int::is_zero(v) {
            raise!(t, ValueError, "expected a positive input");
        }
        let mut scratch = 0;
        let parts = int::parts(v, &mut scratch);
        let log = |x: f64| f(x).map_err(|e| failure(t, e, x, Domain::Plain));
        if parts.bit_length() < f64::MAX_EXP as u64 {
            return log(int::to_f64(t, v)?);
        }
        let (x, exponent) = integer::mantissa(&parts);
        return Ok(log(x)? + log(2.0)? * exponent as f64);
    }
    let x = number::as_float(t, v)?;
    f(x).map_err(|e| failure(t, e, x, POSITIVE))
}

fn natural(x: f64) -> pymath::Result<f64> {
    real::log(x, None)
}

fn log(t: &Thread, a: &[Value]) -> R {
    let n = logarithm(t, a[0], natural)?;
    if a[1].is_null() {
        return Ok(Value::float(n));
    }
    let d = logarithm(t, a[1], natural)?;
    number::true_div(t, Value::float(n), Value::float(d))
}

fn ldexp(t: &Thread, a: &[Value]) -> R {
    let x = number::as_float(t, a[0])?;
    if !int::is_int(a[1]) {
        raise!(t, TypeError, "Expected an int as second argument to ldexp.");
    }
    let exponent = int::to_i64_saturating(a[1]).clamp(i32::MIN as i64, i32::MAX as i64) as i32;
    real::ldexp(x, exponent).map(Value::float).map_err(|e| failure(t, e, x, Domain::Plain))
}

fn frexp(t: &Thread, a: &[Value]) -> R {
    let (m, e) = real::frexp(number::as_float(t, a[0])?);
    Ok(Tuple::from_slice(t, &[Value::float(m), Value::int(e as i64)]).value())
}

fn modf(t: &Thread, a: &[Value]) -> R {
    let (fraction, whole) = real::modf(number::as_float(t, a[0])?);
    Ok(Tuple::from_slice(t, &[Value::float(fraction), Value::float(whole)]).value())
}

fn fma(t: &Thread, a: &[Value]) -> R {
    let (x, y, z) = (number::as_float(t, a[0])?, number::as_float(t, a[1])?, number::as_float(t, a[2])?);
    let r = x.mul_add(y, z);
    if r.is_nan() && !(x.is_nan() || y.is_nan() || z.is_nan()) {
        raise!(t, ValueError, "invalid operation in fma");
    }
    if r.is_infinite() && x.is_finite() && y.is_finite() && z.is_finite() {
        raise!(t, OverflowError, "overflow in fma");
    }
    Ok(Value::float(r))
}

fn is_close(t: &Thread, a: &[Value]) -> R {
    let (x, y) = (number::as_float(t, a[0])?, number::as_float(t, a[1])?);
    let tolerance = |v: Value| if v.is_null() { Ok(None) } else { number::as_float(t, v).map(Some) };
    match real::isclose(x, y, tolerance(a[2])?, tolerance(a[3])?) {
        Ok(close) => Ok(Value::bool(close)),
        Err(_) => raise!(t, ValueError, "tolerances must be non-negative"),
    }
}

fn next_after(t: &Thread, a: &[Value]) -> R {
    let (x, y) = (number::as_float(t, a[0])?, number::as_float(t, a[1])?);
    let steps = if a[2].is_null() || a[2].is_none() {
        None
    } else {
        let steps = number::index(t, a[2])?;
        if int::is_negative(steps) {
            raise!(t, ValueError, "steps must be a non-negative integer");
        }
        Some(int::as_u64_opt(steps).unwrap_or(u64::MAX))
    };
    Ok(Value::float(real::nextafter(x, y, steps)))
}

fn hypot(t: &Thread, args: Args<'_>) -> R {
    if args.keyword_count() > 0 {
        raise!(t, TypeError, "math.hypot() takes no keyword arguments");
    }
    Ok(Value::float(real::hypot(&floats(t, args.pos())?)))
}

fn classified(t: &Thread, a: &[Value], f: fn(f64) -> bool) -> R {
    Ok(Value::bool(f(number::as_float(t, a[0])?)))
}

static FUNCTIONS: &[FnDef] = &[
    FnDef::def("acos", "x, /", |t, a| one(t, a[0], real::acos, UNIT))
        .doc("Return the arc cosine (measured in radians) of x.\n\nThe result is between 0 and pi."),
    FnDef::def("acosh", "x, /", |t, a| one(t, a[0], real::acosh, Domain::Expected("argument value not less than 1")))
        .doc("Return the inverse hyperbolic cosine of x."),
    FnDef::def("asin", "x, /", |t, a| one(t, a[0], real::asin, UNIT))
        .doc("Return the arc sine (measured in radians) of x.\n\nThe result is between -pi/2 and pi/2."),
    FnDef::def("asinh", "x, /", |t, a| one(t, a[0], real::asinh, Domain::Plain)).doc("Return the inverse hyperbolic sine of x."),
    FnDef::def("atan", "x, /", |t, a| one(t, a[0], real::atan, Domain::Plain))
        .doc("Return the arc tangent (measured in radians) of x.\n\nThe result is between -pi/2 and pi/2."),
    FnDef::def("atan2", "y, x, /", |t, a| two(t, a, real::atan2))
        .doc("Return the arc tangent (measured in radians) of y/x.\n\nUnlike atan(y/x), the signs of both x and y are considered."),
    FnDef::def("atanh", "x, /", |t, a| one(t, a[0], real::atanh, Domain::Expected("a number between -1 and 1")))
        .doc("Return the inverse hyperbolic tangent of x."),
    FnDef::def("cbrt", "x, /", |t, a| one(t, a[0], real::cbrt, Domain::Plain)).doc("Return the cube root of x."),
    FnDef::def("ceil", "x, /", |t, a| rounded(t, a[0], names::__ceil__, f64::ceil))
        .doc("Return the ceiling of x as an Integral.\n\nThis is the smallest integer >= x."),
    FnDef::def("comb", "n, k, /", integer::comb).doc("Number of ways to choose k items from n items without repetition and without order."),
    FnDef::def("copysign", "x, y, /", |t, a| two(t, a, |x, y| Ok(x.copysign(y))))
        .doc("Return a float with the magnitude (absolute value) of x but the sign of y."),
    FnDef::def("cos", "x, /", |t, a| one(t, a[0], real::cos, FINITE)).doc("Return the cosine of x (measured in radians)."),
    FnDef::def("cosh", "x, /", |t, a| one(t, a[0], real::cosh, Domain::Plain)).doc("Return the hyperbolic cosine of x."),
    FnDef::def("degrees", "x, /", |t, a| one(t, a[0], |x| Ok(real::degrees(x)), Domain::Plain))
        .doc("Convert angle x from radians to degrees."),
    FnDef::def("dist", "p, q, /", sums::dist).doc("Return the Euclidean distance between two points p and q."),
    FnDef::def("erf", "x, /", |t, a| one(t, a[0], real::erf, Domain::Plain)).doc("Error function at x."),
    FnDef::def("erfc", "x, /", |t, a| one(t, a[0], real::erfc, Domain::Plain)).doc("Complementary error function at x."),
    FnDef::def("exp", "x, /", |t, a| one(t, a[0], real::exp, Domain::Plain)).doc("Return e raised to the power of x."),
    FnDef::def("exp2", "x, /", |t, a| one(t, a[0], real::exp2, Domain::Plain)).doc("Return 2 raised to the power of x."),
    FnDef::def("expm1", "x, /", |t, a| one(t, a[0], real::expm1, Domain::Plain)).doc("Return exp(x)-1."),
    FnDef::def("fabs", "x, /", |t, a| one(t, a[0], |x| Ok(x.abs()), Domain::Plain)).doc("Return the absolute value of the float x."),
    FnDef::def("factorial", "n, /", integer::factorial).doc("Find n!."),
    FnDef::def("floor", "x, /", |t, a| rounded(t, a[0], names::__floor__, f64::floor))
        .doc("Return the floor of x as an Integral.\n\nThis is the largest integer <= x."),
    FnDef::def("fma", "x, y, z, /", fma).doc("Fused multiply-add operation.\n\nCompute (x * y) + z with a single round."),
    FnDef::def("fmod", "x, y, /", |t, a| two(t, a, real::fmod)).doc("Return fmod(x, y), according to platform C.\n\nx % y may differ."),
    FnDef::def("frexp", "x, /", frexp)
        .doc("Return the mantissa and exponent of x, as pair (m, e).\n\nm is a float and e is an int, such that x = m * 2.**e."),
    FnDef::def("fsum", "seq, /", sums::fsum).doc("Return an accurate floating-point sum of values in the iterable seq."),
    FnDef::def("gamma", "x, /", |t, a| one(t, a[0], real::gamma, NO_POLE)).doc("Gamma function at x."),
    FnDef::def("gcd", "*integers", integer::gcd).doc("Greatest Common Divisor."),
    FnDef::raw("hypot", "*coordinates", hypot).doc("Multidimensional Euclidean distance from the origin to a point."),
    FnDef::def("isclose", "a, b, *, rel_tol=1e-09, abs_tol=0.0", is_close)
        .doc("Determine whether two floating-point numbers are close in value."),
    FnDef::def("isfinite", "x, /", |t, a| classified(t, a, f64::is_finite)).doc("Return True if x is neither an infinity nor a NaN."),
    FnDef::def("isinf", "x, /", |t, a| classified(t, a, f64::is_infinite)).doc("Return True if x is a positive or negative infinity."),
    FnDef::def("isnan", "x, /", |t, a| classified(t, a, f64::is_nan)).doc("Return True if x is a NaN (not a number)."),
    FnDef::def("isqrt", "n, /", integer::isqrt).doc("Return the integer part of the square root of the input."),
    FnDef::def("lcm", "*integers", integer::lcm).doc("Least Common Multiple."),
    FnDef::def("ldexp", "x, i, /", ldexp).doc("Return x * (2**i).\n\nThis is essentially the inverse of frexp()."),
    FnDef::def("lgamma", "x, /", |t, a| one(t, a[0], real::lgamma, NO_POLE))
        .doc("Natural logarithm of absolute value of Gamma function at x."),
    FnDef::def("log", "x, base=math.e, /", log).doc("Return the logarithm of x to the given base."),
    FnDef::def("log10", "x, /", |t, a| Ok(Value::float(logarithm(t, a[0], real::log10)?))).doc("Return the base 10 logarithm of x."),
    FnDef::def("log1p", "x, /", |t, a| one(t, a[0], real::log1p, Domain::Expected("argument value > -1")))
        .doc("Return the natural logarithm of 1+x (base e)."),
    FnDef::def("log2", "x, /", |t, a| Ok(Value::float(logarithm(t, a[0], real::log2)?))).doc("Return the base 2 logarithm of x."),
    FnDef::def("modf", "x, /", modf)
        .doc("Return the fractional and integer parts of x.\n\nBoth results carry the sign of x and are floats."),
    FnDef::def("nextafter", "x, y, /, *, steps=None", next_after)
        .doc("Return the floating-point value the given number of steps after x towards y."),
    FnDef::def("perm", "n, k=None, /", integer::perm)
        .doc("Number of ways to choose k items from n items without repetition and with order."),
    FnDef::def("pow", "x, y, /", |t, a| two(t, a, real::pow)).doc("Return x**y (x to the power of y)."),
    FnDef::def("prod", "iterable, /, *, start=1", sums::prod).doc("Calculate the product of all the elements in the input iterable."),
    FnDef::def("radians", "x, /", |t, a| one(t, a[0], |x| Ok(real::radians(x)), Domain::Plain))
        .doc("Convert angle x from degrees to radians."),
    FnDef::def("remainder", "x, y, /", |t, a| two(t, a, real::remainder))
        .doc("Difference between x and the closest integer multiple of y."),
    FnDef::def("sin", "x, /", |t, a| one(t, a[0], real::sin, FINITE)).doc("Return the sine of x (measured in radians)."),
    FnDef::def("sinh", "x, /", |t, a| one(t, a[0], real::sinh, Domain::Plain)).doc("Return the hyperbolic sine of x."),
    FnDef::def("sqrt", "x, /", |t, a| one(t, a[0], real::sqrt, Domain::Expected("a nonnegative input")))
        .doc("Return the square root of x."),
    FnDef::def("sumprod", "p, q, /", sums::sumprod).doc("Return the sum of products of values from two iterables p and q."),
    FnDef::def("tan", "x, /", |t, a| one(t, a[0], real::tan, FINITE)).doc("Return the tangent of x (measured in radians)."),
    FnDef::def("tanh", "x, /", |t, a| one(t, a[0], real::tanh, Domain::Plain)).doc("Return the hyperbolic tangent of x."),
    FnDef::def("trunc", "x, /", trunc).doc("Truncates the Real x to the nearest Integral toward 0."),
    FnDef::def("ulp", "x, /", |t, a| one(t, a[0], |x| Ok(real::ulp(x)), Domain::Plain))
        .doc("Return the value of the least significant bit of the float x."),
];
