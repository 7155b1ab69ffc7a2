//! The methods of float.

use super::{as_f64_opt, hex, round, value};
use crate::args::{FnDef, GetSet};
use crate::object::{R, ValueExt};
use crate::protocol::{call, number};
use crate::thread::Thread;
use crate::types::str::format_spec;
use crate::types::{Str, Tuple, builtin, int};
use limpid_heap::Value;

pub(super) static METHODS: &[FnDef] = &[
    FnDef::def("conjugate", "self, /", |_, a| Ok(Value::float(value(a[0])))).doc("Return self, the complex conjugate of any float."),
    FnDef::def("__trunc__", "self, /", |t, a| int::from_f64(t, value(a[0]))).doc("Return the Integral closest to x between 0 and x."),
    FnDef::def("__floor__", "self, /", |t, a| int::from_f64(t, value(a[0]).floor())).doc("Return the floor as an Integral."),
    FnDef::def("__ceil__", "self, /", |t, a| int::from_f64(t, value(a[0]).ceil())).doc("Return the ceiling as an Integral."),
    FnDef::def("__round__", "self, ndigits=None, /", method_round).doc(
        "Return the Integral closest to x, rounding half toward even.\n\n\
         When an argument is passed, work like built-in round(x, ndigits).",
    ),
    FnDef::def("as_integer_ratio", "self, /", |t, a| round::as_integer_ratio(t, value(a[0]))).doc(
        "Return a pair of integers, whose ratio is exactly equal to the original float.\n\n\
         The ratio is in lowest terms and has a positive denominator.  Raise\n\
         OverflowError on infinities and a ValueError on NaNs.\n\n\
         >>> (10.0).as_integer_ratio()\n(10, 1)\n>>> (0.0).as_integer_ratio()\n(0, 1)\n>>> (-.25).as_integer_ratio()\n(-1, 4)",
    ),
    FnDef::class_def("fromhex", "cls, string, /", from_hex).doc(
        "Create a floating-point number from a hexadecimal string.\n\n>>> float.fromhex('0x1.ffffp10')\n2047.984375\n\
         >>> float.fromhex('-0x1p-1074')\n-5e-324",
    ),
    FnDef::class_def("from_number", "cls, number, /", from_number).doc("Convert real number to a floating-point number."),
    FnDef::def("hex", "self, /", |t, a| Ok(Str::from_ascii(t, hex::to_hex(value(a[0])).as_bytes())?.value())).doc(
        "Return a hexadecimal representation of a floating-point number.\n\n>>> (-0.1).hex()\n'-0x1.999999999999ap-4'\n\
         >>> 3.14159.hex()\n'0x1.921f9f01b866ep+1'",
    ),
    FnDef::def("is_integer", "self, /", |_, a| Ok(Value::bool(value(a[0]).is_finite() && value(a[0]).fract() == 0.0)))
        .doc("Return True if the float is an integer."),
    FnDef::def("__getnewargs__", "self, /", |t, a| Ok(Tuple::from_slice(t, &[Value::float(value(a[0]))]).value())),
    FnDef::class_def("__getformat__", "cls, typestr, /", get_format).doc(
        "You probably don't want to use this function.\n\n  typestr\n    Must be 'double' or 'float'.\n\n\
         It exists mainly to be used in Python's test suite.\n\n\
         This function returns whichever of 'unknown', 'IEEE, big-endian' or 'IEEE,\n\
         little-endian' best describes the format of floating-point numbers used by the\nC type named by typestr.",
    ),
    FnDef::def("__format__", "self, format_spec, /", |t, a| {
        let spec = format_spec::argument(t, a[1])?;
        Ok(format_spec::format_float(t, a[0], value(a[0]), spec)?.value())
    })
    .doc("Formats the float according to format_spec."),
];

pub(super) static GETSET: &[GetSet] = &[
    GetSet::getter("real", |_, v| Ok(Value::float(value(v)))).doc("the real part of a complex number"),
    GetSet::getter("imag", |_, _| Ok(Value::float(0.0))).doc("the imaginary part of a complex number"),
];

fn method_round(t: &Thread, a: &[Value]) -> R {
    let f = value(a[0]);
    if a[1].is_null() || a[1].is_none() {
        return int::from_f64(t, f.round_ties_even());
    }
    let digits = number::index_clamped(t, a[1])?;
    round::round_to_digits(t, f, digits)
}

fn from_hex(t: &Thread, a: &[Value]) -> R {
    let Some(s) = a[1].downcast::<Str>() else { raise!(t, TypeError, "bad argument type for built-in operation") };
    // Digits of other scripts are none here; anything that is not ASCII is refused.
    match hex::from_hex(s.raw_bytes()) {
        Ok(f) => of_class(t, a[0], Value::float(f)),
        Err(hex::Refused::Syntax) => raise!(t, ValueError, "invalid hexadecimal floating-point string"),
        Err(hex::Refused::Overflow) => raise!(t, OverflowError, "hexadecimal value too large to represent as a float"),
    }
}

fn from_number(t: &Thread, a: &[Value]) -> R {
    if a[0] == builtin::FLOAT.value() && a[1].is_float() {
        return Ok(a[1]);
    }
    let f = match as_f64_opt(a[1]) {
        Some(f) => f,
        None => number::as_float(t, a[1])?,
    };
    of_class(t, a[0], Value::float(f))
}

/// `class(f)`
fn of_class(t: &Thread, class: Value, f: Value) -> R {
    if class == builtin::FLOAT.value() { Ok(f) } else { call::call(t, class, &[f]) }
}

fn get_format(t: &Thread, a: &[Value]) -> R {
    let Some(s) = a[1].downcast::<Str>() else {
        raise!(t, TypeError, "__getformat__() argument must be str, not {}", a[1].class().display_name())
    };
    if !s.eq_str("double") && !s.eq_str("float") {
        raise!(t, ValueError, "__getformat__() argument 1 must be 'double' or 'float'")
    }
    let text = if cfg!(target_endian = "little") { "IEEE, little-endian" } else { "IEEE, big-endian" };
    Ok(Str::try_new(t, text)?.value())
}
