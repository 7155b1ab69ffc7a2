//! `cmath`: functions of complex numbers, [`pymath`]'s.

use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Raised, Ref};
use limpid_vm::protocol::number;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Module, Tuple, complex};
use limpid_vm::{err, raise};
use num_complex::Complex64;
use pymath::{Error, cmath};

/// `cmath`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "This module provides access to mathematical functions for complex\nnumbers.",
    functions: FUNCTIONS,
    init,
    ..ModuleDef::named("cmath")
};

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    use pymath::math as real;
    for (name, f) in [("pi", real::PI), ("e", real::E), ("tau", real::TAU), ("inf", f64::INFINITY), ("nan", f64::NAN)] {
        m.dict().set_text(t, name, Value::float(f))?;
    }
    m.dict().set_text(t, "infj", complex::new(t, 0.0, f64::INFINITY))?;
    m.dict().set_text(t, "nanj", complex::new(t, 0.0, f64::NAN))
}

fn argument(t: &Thread, v: Value) -> R<Complex64> {
    let (re, im) = complex::to_parts(t, v)?;
    Ok(Complex64::new(re, im))
}

fn object(t: &Thread, z: Complex64) -> Value {
    complex::new(t, z.re, z.im)
}

fn failure(t: &Thread, e: Error) -> Raised {
    match e {
        Error::EDOM => err!(t, ValueError, "math domain error"),
        Error::ERANGE => err!(t, OverflowError, "math range error"),
    }
}

/// A function from complex to complex.
fn map(t: &Thread, a: &[Value], f: fn(Complex64) -> pymath::Result<Complex64>) -> R {
    let z = argument(t, a[0])?;
    f(z).map(|z| object(t, z)).map_err(|e| failure(t, e))
}

fn classified(t: &Thread, a: &[Value], f: fn(Complex64) -> bool) -> R {
    Ok(Value::bool(f(argument(t, a[0])?)))
}

fn log(t: &Thread, a: &[Value]) -> R {
    let z = argument(t, a[0])?;
    let base = if a[1].is_null() { None } else { Some(argument(t, a[1])?) };
    cmath::log(z, base).map(|z| object(t, z)).map_err(|e| failure(t, e))
}

fn phase(t: &Thread, a: &[Value]) -> R {
    cmath::phase(argument(t, a[0])?).map(Value::float).map_err(|e| failure(t, e))
}

fn polar(t: &Thread, a: &[Value]) -> R {
    let (r, phi) = cmath::polar(argument(t, a[0])?).map_err(|e| failure(t, e))?;
    Ok(Tuple::from_slice(t, &[Value::float(r), Value::float(phi)]).value())
}

fn rect(t: &Thread, a: &[Value]) -> R {
    let (r, phi) = (number::as_float(t, a[0])?, number::as_float(t, a[1])?);
    cmath::rect(r, phi).map(|z| object(t, z)).map_err(|e| failure(t, e))
}

fn is_close(t: &Thread, a: &[Value]) -> R {
    let (x, y) = (argument(t, a[0])?, argument(t, a[1])?);
    let tolerance = |v: Value| if v.is_null() { Ok(None) } else { number::as_float(t, v).map(Some) };
    match cmath::isclose(x, y, tolerance(a[2])?, tolerance(a[3])?) {
        Ok(close) => Ok(Value::bool(close)),
        Err(_) => raise!(t, ValueError, "tolerances must be non-negative"),
    }
}

static FUNCTIONS: &[FnDef] = &[
    FnDef::def("acos", "z, /", |t, a| map(t, a, cmath::acos)).doc("Return the arc cosine of z."),
    FnDef::def("acosh", "z, /", |t, a| map(t, a, cmath::acosh)).doc("Return the inverse hyperbolic cosine of z."),
    FnDef::def("asin", "z, /", |t, a| map(t, a, cmath::asin)).doc("Return the arc sine of z."),
    FnDef::def("asinh", "z, /", |t, a| map(t, a, cmath::asinh)).doc("Return the inverse hyperbolic sine of z."),
    FnDef::def("atan", "z, /", |t, a| map(t, a, cmath::atan)).doc("Return the arc tangent of z."),
    FnDef::def("atanh", "z, /", |t, a| map(t, a, cmath::atanh)).doc("Return the inverse hyperbolic tangent of z."),
    FnDef::def("cos", "z, /", |t, a| map(t, a, cmath::cos)).doc("Return the cosine of z."),
    FnDef::def("cosh", "z, /", |t, a| map(t, a, cmath::cosh)).doc("Return the hyperbolic cosine of z."),
    FnDef::def("exp", "z, /", |t, a| map(t, a, cmath::exp)).doc("Return the exponential value e**z."),
    FnDef::def("isclose", "a, b, *, rel_tol=1e-09, abs_tol=0.0", is_close).doc("Determine whether two complex numbers are close in value."),
    FnDef::def("isfinite", "z, /", |t, a| classified(t, a, cmath::isfinite))
        .doc("Return True if both the real and imaginary parts of z are finite, else False."),
    FnDef::def("isinf", "z, /", |t, a| classified(t, a, cmath::isinf)).doc("Checks if the real or imaginary part of z is infinite."),
    FnDef::def("isnan", "z, /", |t, a| classified(t, a, cmath::isnan)).doc("Checks if the real or imaginary part of z not a number (NaN)."),
    FnDef::def("log", "z, base=<unrepresentable>, /", log).doc("log(z[, base]) -> the logarithm of z to the given base."),
    FnDef::def("log10", "z, /", |t, a| map(t, a, cmath::log10)).doc("Return the base-10 logarithm of z."),
    FnDef::def("phase", "z, /", phase).doc("Return argument, also known as the phase angle, of a complex."),
    FnDef::def("polar", "z, /", polar).doc("Convert a complex from rectangular coordinates to polar coordinates."),
    FnDef::def("rect", "r, phi, /", rect).doc("Convert from polar coordinates to rectangular coordinates."),
    FnDef::def("sin", "z, /", |t, a| map(t, a, cmath::sin)).doc("Return the sine of z."),
    FnDef::def("sinh", "z, /", |t, a| map(t, a, cmath::sinh)).doc("Return the hyperbolic sine of z."),
    FnDef::def("sqrt", "z, /", |t, a| map(t, a, cmath::sqrt)).doc("Return the square root of z."),
    FnDef::def("tan", "z, /", |t, a| map(t, a, cmath::tan)).doc("Return the tangent of z."),
    FnDef::def("tanh", "z, /", |t, a| map(t, a, cmath::tanh)).doc("Return the hyperbolic tangent of z."),
];
