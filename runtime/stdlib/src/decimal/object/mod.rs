//! `Decimal`: the type, how one is made, and its methods.

mod comparison;
mod conversions;
mod making;
mod operations;

use super::arith;
use super::context;
use super::number::{Kind, Number, Rounding};
use crate::owned;
use comparison::{compare, hash_decimal};
use conversions::{as_integer_ratio, as_tuple, format, reduce, repr, round, str_of, to_complex, to_float, to_int};
pub(super) use conversions::{is, text_in, to_integral_exact, to_integral_value, with_sign};
use dashu_int::UBig;
use limpid_heap::{Header, Value};
use limpid_vm::args::{FnDef, GetSet, receiver};
use limpid_vm::object::{R, Ref, ValueExt, header_of};
use limpid_vm::root::{InterpreterRoot, TypeCell};
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Type, TypeDef, flag, int};
use limpid_vm::{layout, raise};
pub(super) use making::{create, create_from_float};
use making::{from_float, from_number, new};
pub(super) use operations::{apply1, apply2, divide_with_remainder, fused_multiply_add, power};
use operations::{binary, divmod, power_operator, quantize, to_integral, unary};
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
pub static DECIMAL_DEF: TypeDef = TypeDef {
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
    methods: &crate::decimal::DECIMAL_METHODS,
    getset: &[GetSet::getter("real", |_, v| Ok(v)), GetSet::getter("imag", |t, _| from_i64(t, 0))],
    ..TypeDef::of::<Decimal>("decimal.Decimal")
};
