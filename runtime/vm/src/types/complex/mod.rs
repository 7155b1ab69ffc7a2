//! `complex`: two doubles.

use crate::object::{R, Ref, Slot, ValueExt, header_of};
use crate::protocol::hash::hash_float;
use crate::slots::{Compare, SlotTable};
use crate::thread::Thread;
use crate::types::float::text::{FloatStyle, write_float};
use crate::types::str::AsciiText;
use crate::types::{Str, Type, TypeDef, builtin, flag, float, int};
use limpid_heap::{Header, Value};

mod arith;
mod methods;
mod new;
mod parse;

pub use arith::{divide, multiply, power};
pub use new::to_parts;

/// The layout of a complex number: both parts as values, so that subclasses need no other kind of tracing.
#[repr(C)]
pub struct Complex {
    header: Header,
    re: Slot,
    im: Slot,
}

crate::layout!(Complex, builtin::COMPLEX, Slots);

/// Real and imaginary part.
pub type Parts = (f64, f64);

/// complex
pub static COMPLEX_DEF: TypeDef = TypeDef {
    doc: "complex(real=0, imag=0)\n--\n\n\
          Create a complex number from a string or numbers.\n\n\
          If a string is given, parse it as a complex number.\n\
          If a single number is given, convert it to a complex number.\n\
          If the 'real' or 'imag' arguments are given, create a complex number\n\
          with the specified real and imaginary components.",
    flags: flag::BASE_TYPE,
    slots: SlotTable {
        new: Some(new::new),
        repr: Some(|t, v| Ok(repr(t, value(v))?.value())),
        hash: Some(|_, v| Ok(hash(value(v)))),
        richcompare: Some(rich_compare),
        bool: Some(|_, v| Ok(value(v) != (0.0, 0.0))),
        ..arith::SLOTS
    },
    methods: methods::METHODS,
    getset: methods::GETSET,
    ..TypeDef::of::<Complex>("complex")
};

/// A complex number.
pub fn new(t: &Thread, re: f64, im: f64) -> Value {
    instance(t, builtin::COMPLEX, (re, im))
}

/// An instance of `complex` or a subclass.
fn instance(t: &Thread, class: Ref<Type>, (re, im): Parts) -> Value {
    let init = Complex { header: header_of::<Complex>(), re: Slot::new(Value::float(re)), im: Slot::new(Value::float(im)) };
    t.alloc_instance(class, init).value()
}

/// The parts of an instance of `complex` or a subclass; None for anything else.
#[inline]
pub fn as_parts(v: Value) -> Option<Parts> {
    v.downcast::<Complex>().map(|_| value(v))
}

/// The parts of a receiver.
#[inline]
fn value(v: Value) -> Parts {
    // SAFETY: a receiver is a complex number.
    let c = unsafe { Ref::<Complex>::from_value(v) };
    (c.re.get().as_float(), c.im.get().as_float())
}

/// `repr` of a complex number.
fn repr(t: &Thread, (re, im): Parts) -> R<Ref<Str>> {
    let style = FloatStyle { dot_zero: false, ..FloatStyle::REPR };
    let mut out = AsciiText::new();
    if re == 0.0 && re.is_sign_positive() {
        write_float(&mut out, im, style);
        out.push(b'j');
    } else {
        out.push(b'(');
        write_float(&mut out, re, style);
        if im.is_nan() || im.is_sign_positive() {
            out.push(b'+');
        }
        write_float(&mut out, im, style);
        out.extend_from_slice(b"j)");
    }
    Str::from_ascii(t, &out)
}

/// The hash; equal to the real part's if there is no imaginary one.
fn hash((re, im): Parts) -> i64 {
    const IMAG: i64 = 1_000_003;
    let identity = |f: f64| Value::float(f).bits() as i64 >> 4;
    match hash_float(re, identity(re)).wrapping_add(IMAG.wrapping_mul(hash_float(im, identity(im)))) {
        -1 => -2,
        h => h,
    }
}

fn rich_compare(_: &Thread, a: Value, b: Value, op: Compare) -> R {
    if !matches!(op, Compare::Eq | Compare::Ne) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let (re, im) = value(a);
    let equal = if let Some(other) = as_parts(b) {
        (re, im) == other
    } else if let Some(f) = float::as_f64_opt(b) {
        im == 0.0 && re == f
    } else if int::is_int(b) {
        im == 0.0 && int::compare_float(b, re).is_some_and(|o| o.is_eq())
    } else {
        return Ok(Value::NOT_IMPLEMENTED);
    };
    Ok(Value::bool(equal == (op == Compare::Eq)))
}
