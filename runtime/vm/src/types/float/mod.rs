//! `float`: doubles.
//!
//! A float is the word itself ([`Value::float`]); only an instance of a subclass is a cell, with the float in a field.

use crate::args::Args;
use crate::object::{R, Ref, Slot, ValueExt, header_of};
use crate::protocol::hash::hash_float;
use crate::protocol::number;
use crate::slots::{Compare, SlotTable};
use crate::thread::Thread;
use crate::types::iterators::has_own_init;
use crate::types::str::{AsciiText, numeric_text};
use crate::types::{Str, Tuple, Type, TypeDef, builtin, flag, int};
use limpid_heap::{Header, Value};

mod arith;
mod hex;
mod methods;
pub mod parse;
mod round;
pub mod text;

pub use arith::{div_mod, floor_div, power, remainder};
pub use round::{as_integer_ratio, round_to_digits};

/// The layout of an instance of a subclass.
#[repr(C)]
pub struct Float {
    header: Header,
    /// The float, as a value.
    value: Slot,
}

crate::layout!(Float, builtin::FLOAT, Slots);

/// float
pub static FLOAT_DEF: TypeDef = TypeDef {
    doc: "float(x=0, /)\n--\n\nConvert a string or number to a floating-point number, if possible.",
    flags: flag::BASE_TYPE | flag::MATCH_SELF,
    slots: SlotTable {
        new: Some(new),
        repr: Some(|t, v| Ok(repr(t, value(v))?.value())),
        hash: Some(|_, v| Ok(hash_float(value(v), v.bits() as i64 >> 4))),
        richcompare: Some(rich_compare),
        bool: Some(|_, v| Ok(value(v) != 0.0)),
        neg: Some(|_, v| Ok(Value::float(-value(v)))),
        pos: Some(|_, v| Ok(Value::float(value(v)))),
        abs: Some(|_, v| Ok(Value::float(value(v).abs()))),
        int: Some(|t, v| int::from_f64(t, value(v))),
        float: Some(|_, v| Ok(Value::float(value(v)))),
        ..arith::SLOTS
    },
    methods: methods::METHODS,
    getset: methods::GETSET,
    ..TypeDef::of::<Float>("float")
};

/// The float of an instance of `float` or a subclass; None for anything else.
#[inline]
pub fn as_f64_opt(v: Value) -> Option<f64> {
    if v.is_float() { Some(v.as_float()) } else { v.downcast::<Float>().map(|f| f.value.get().as_float()) }
}

/// The float of a receiver.
#[inline]
fn value(v: Value) -> f64 {
    if v.is_float() {
        return v.as_float();
    }
    // SAFETY: a receiver is a float; one that is a cell has this layout.
    unsafe { Ref::<Float>::from_value(v) }.value.get().as_float()
}

/// A float operand: of a float or an int; None for anything else. OverflowError for an int that no float can hold.
#[inline]
fn operand(t: &Thread, v: Value) -> R<Option<f64>> {
    if v.is_float() {
        return Ok(Some(v.as_float()));
    }
    if int::is_int(v) {
        return int::to_f64(t, v).map(Some);
    }
    Ok(as_f64_opt(v))
}

/// `repr` of a float.
pub fn repr(t: &Thread, f: f64) -> R<Ref<Str>> {
    let mut out = AsciiText::new();
    text::write_float(&mut out, f, text::FloatStyle::REPR);
    Str::from_ascii(t, &out)
}

/// `float(v)` of text, bytes and other buffers.
pub fn from_object(t: &Thread, v: Value) -> R<f64> {
    let parsed = if let Some(s) = v.downcast::<Str>() {
        parse::parse(&numeric_text(s))
    } else {
        match crate::types::memory::get_buffer_opt(t, v)? {
            Some(buffer) => parse::parse(&buffer.to_contiguous()),
            None => raise!(t, TypeError, "float() argument must be a string or a real number, not '{}'", v.class().display_name()),
        }
    };
    match parsed {
        Some(f) => Ok(f),
        None => raise!(t, ValueError, "could not convert string to float: {}", crate::protocol::text::repr(t, v)?.to_string_lossy()),
    }
}

fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    // SAFETY: the receiver of `__new__` is a class, checked by whoever calls the slot.
    let class = unsafe { Ref::<Type>::from_value(class) };
    if !has_own_init(class, builtin::FLOAT) {
        args.no_keywords(t, "float")?;
    }
    let f = match *args.pos() {
        [] => 0.0,
        [v] => number::to_float(t, v)?,
        ref more => raise!(t, TypeError, "float expected at most 1 argument, got {}", more.len()),
    };
    Ok(instance(t, class, f))
}

/// An instance of `float` or a subclass.
fn instance(t: &Thread, class: Ref<Type>, f: f64) -> Value {
    if class == builtin::FLOAT {
        return Value::float(f);
    }
    t.alloc_instance(class, Float { header: header_of::<Float>(), value: Slot::new(Value::float(f)) }).value()
}

fn rich_compare(t: &Thread, a: Value, b: Value, op: Compare) -> R {
    let _ = t;
    let f = value(a);
    let order = match as_f64_opt(b) {
        Some(g) => f.partial_cmp(&g),
        None if int::is_int(b) => int::compare_float(b, f).map(|o| o.reverse()),
        None => return Ok(Value::NOT_IMPLEMENTED),
    };
    Ok(Value::bool(order.map_or(op == Compare::Ne, |o| op.holds(o))))
}

/// `(a, b)`
fn pair(t: &Thread, a: Value, b: Value) -> Value {
    Tuple::from_slice(t, &[a, b]).value()
}
