//! `bool`: the ints `True` and `False`, which are words of their own ([`Value::TRUE`]).

use crate::args::Args;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::truth::truth;
use crate::slots::{Binary, SlotTable};
use crate::thread::Thread;
use crate::types::{Type, TypeDef, builtin, int};
use limpid_heap::Value;

/// bool
pub static BOOL_DEF: TypeDef = TypeDef {
    doc: "bool(object=False, /)\n--\n\nReturns True when the argument is true, False otherwise.\nThe builtins True and False are the only two instances of \
          the class bool.\nThe class bool is a subclass of the class int, and cannot be subclassed.",
    base: Some(|| builtin::INT),
    slots: SlotTable {
        new: Some(new),
        repr: Some(|_, v| Ok(if v == Value::TRUE { crate::names::true_ } else { crate::names::false_ })),
        bool: Some(|_, v| Ok(v == Value::TRUE)),
        invert: Some(invert),
        and: Some(|t, a, b| logic(t, a, b, |a, b| a & b, int::bit_and)),
        or: Some(|t, a, b| logic(t, a, b, |a, b| a | b, int::bit_or)),
        xor: Some(|t, a, b| logic(t, a, b, |a, b| a ^ b, int::bit_xor)),
        ..SlotTable::EMPTY
    },
    ..TypeDef::of::<int::Int>("bool")
};

fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    // SAFETY: the receiver of `__new__` is a class, checked by whoever calls the slot.
    debug_assert!(unsafe { Ref::<Type>::from_value(class) } == builtin::BOOL);
    args.no_keywords(t, "bool")?;
    match *args.pos() {
        [] => Ok(Value::FALSE),
        [v] => truth(t, v).map(Value::bool),
        ref more => raise!(t, TypeError, "bool expected at most 1 argument, got {}", more.len()),
    }
}

/// A bool of two bools, an int of any other two ints.
fn logic(t: &Thread, a: Value, b: Value, f: impl Fn(bool, bool) -> bool, of_ints: Binary) -> R {
    if a.is_bool() && b.is_bool() {
        return Ok(Value::bool(f(a == Value::TRUE, b == Value::TRUE)));
    }
    of_ints(t, a, b)
}

fn invert(t: &Thread, v: Value) -> R {
    debug_assert!(v.class() == builtin::BOOL);
    crate::modules::warnings::warn(
        t,
        crate::exc::DeprecationWarning,
        "Bitwise inversion '~' on bool is deprecated and will be removed in Python 3.16. This returns the bitwise inversion of the underlying int object \
         and is usually not what you expect from the negation of a bool object. Use the 'not' operator for boolean negation or ~int(x) for the bitwise \
         inversion of the underlying int.",
        1,
    )?;
    int::invert(t, v)
}
