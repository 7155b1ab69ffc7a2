//! The operations that the Python form of this module does: what is seldom used in loops, such as logarithms and the logical operations.
//!
//! Operands and context become those of `_pydecimal`, the result becomes ours again, and so do the conditions that occurred.

use super::context::Context;
use super::number::{Kind, Number, Rounding};
use super::object::{self, Decimal};
use super::{signals, text};
use dashu_int::UBig;
use limpid_heap::Value;
use limpid_vm::args::Args;
use limpid_vm::modules::import;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{attr, call};
use limpid_vm::thread::Thread;
use limpid_vm::types::{List, Str, Tuple, int, str};
use limpid_vm::{names, raise};

/// `operands[0].name(*operands[1:], context=context)`
pub(super) fn operation(t: &Thread, name: &str, operands: &[Value], context: Ref<Context>) -> R {
    let module = import::import_text(t, "_pydecimal")?;
    let python_context = context_of(t, module, context)?;
    let mut converted = [Value::NULL; 4];
    for (v, operand) in converted.iter_mut().zip(operands) {
        *v = to_python(t, module, *operand)?;
    }
    converted[operands.len()] = python_context;
    let method = attr::get_attr_text(t, converted[0], name)?;
    let keyword = Tuple::from_slice(t, &[names::context]).value();
    let result = call::call_args(t, method, Args::with_keywords(&converted[1..=operands.len()], keyword))?;
    let flags = attr::get_attr_text(t, python_context, "flags")?;
    let flags = signals::bits_of_names(t, flags)?;
    signals::note(t, context, flags)?;
    from_python(t, module, result)
}

/// `format(v, specification)`; `conventions`, unless NULL, are the locale's.
pub(super) fn format(t: &Thread, v: Value, specification: Value, conventions: Value, context: Ref<Context>) -> R {
    let module = import::import_text(t, "_pydecimal")?;
    let (v, python_context) = (to_python(t, module, v)?, context_of(t, module, context)?);
    let method = attr::get_attr_text(t, v, "__format__")?;
    let conventions = if conventions.is_null() { Value::NONE } else { conventions };
    call::call(t, method, &[specification, python_context, conventions])
}

fn context_of(t: &Thread, module: Value, context: Ref<Context>) -> R {
    let s = context.settings();
    let rounding = Rounding::ALL.iter().find(|(r, _)| *r == s.rounding).map_or("", |(_, name)| name);
    let none = List::new(t).value();
    let arguments = [
        int::from_i64(t, s.prec),
        str::intern(t, rounding),
        int::from_i64(t, s.emin),
        int::from_i64(t, s.emax),
        Value::int(s.capitals as i64),
        Value::int(s.clamp as i64),
        none,
        none,
    ];
    call::call(t, attr::get_attr_text(t, module, "Context")?, &arguments)
}

fn to_python(t: &Thread, module: Value, v: Value) -> R {
    let Some(decimal) = v.downcast::<Decimal>() else { return Ok(v) };
    let n = decimal.number();
    let payload = || if n.coefficient.is_zero() { String::new() } else { text::digits(&n.coefficient) };
    let (digits, exponent) = match n.kind {
        Kind::Finite => (text::digits(&n.coefficient), int::from_i64(t, n.exponent)),
        Kind::Infinite => ("0".to_string(), str::intern(t, "F")),
        Kind::Quiet => (payload(), str::intern(t, "n")),
        Kind::Signalling => (payload(), str::intern(t, "N")),
    };
    let make = attr::get_attr_text(t, module, "_dec_from_triple")?;
    let special = Value::bool(!n.is_finite());
    call::call(t, make, &[Value::int(n.negative as i64), Str::new(t, &digits).value(), exponent, special])
}

fn from_python(t: &Thread, module: Value, v: Value) -> R {
    let class = attr::get_attr_text(t, module, "Decimal")?;
    if v.class().value() != class {
        return Ok(v);
    }
    let digits = attr::get_attr_text(t, v, "_int")?;
    let exponent = attr::get_attr_text(t, v, "_exp")?;
    let negative = attr::get_attr_text(t, v, "_sign")? == Value::int(1);
    let digits = digits.downcast::<Str>().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let digits = if digits.is_empty() { "0" } else { &digits };
    let Ok(coefficient) = UBig::from_str_radix(digits, 10) else { raise!(t, ValueError, "invalid coefficient") };
    let kind = exponent.downcast::<Str>().map(|s| s.to_string_lossy().into_owned());
    let number = match kind.as_deref() {
        Some("F") => Number::infinity(negative),
        Some(kind) => {
            let kind = if kind == "N" { Kind::Signalling } else { Kind::Quiet };
            Number { negative, kind, exponent: 0, coefficient }
        }
        None => Number::finite(negative, coefficient, int::to_i64(t, exponent)?),
    };
    object::make(t, number)
}
