//! Which function written in Python a slot of a class comes down to, for an interpreter that pushes its frame instead of calling the slot.

use super::python_slots::TABLE;
use crate::names;
use crate::object::{Ref, ValueExt};
use crate::protocol::{attr, number};
use crate::slots::Compare;
use crate::thread::Thread;
use crate::types::Function;
use limpid_bytecode::BinaryOperator;
use limpid_heap::Value;

macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident: $slot:ident $method:ident;)*) => {
        $($(#[$doc])*
        pub fn $name(t: &Thread, object: Value) -> Option<Ref<Function>> {
            let (own, python) = object.class().slots().$slot.zip(TABLE.$slot)?;
            if std::ptr::fn_addr_eq(own, python) { attr::lookup(t, object.class(), names::$method)?.exact::<Function>() } else { None }
        })*
    };
}

methods! {
    /// `__bool__`
    bool_method: bool __bool__;
    /// `__len__`
    len_method: len __len__;
    /// `__contains__`
    contains_method: contains __contains__;
    /// `__setitem__`
    store_method: setitem __setitem__;
    /// `__delitem__`
    deletion_method: setitem __delitem__;
    /// `__next__`
    next_method: next __next__;
}

/// The method of the left operand of a comparison, if it is asked first.
pub fn comparison_method(t: &Thread, a: Value, b: Value, op: Compare) -> Option<Ref<Function>> {
    let (left, right) = (a.class(), b.class());
    let (own, python) = left.slots().richcompare.zip(TABLE.richcompare)?;
    if !std::ptr::fn_addr_eq(own, python) || left != right && right.is_subtype(left) {
        return None;
    }
    attr::lookup(t, left, name_of_comparison(op))?.exact::<Function>()
}

/// The method that a comparison looks up.
pub(super) fn name_of_comparison(op: Compare) -> Value {
    [names::__lt__, names::__le__, names::__eq__, names::__ne__, names::__gt__, names::__ge__][op as usize]
}

/// The method of an operator in place for two operands.
pub fn in_place_method(t: &Thread, op: BinaryOperator, a: Value) -> Option<Ref<Function>> {
    let in_place = number::in_place_slots(op)?;
    let (own, python) = ((in_place.own)(a.class().slots())?, (in_place.own)(&TABLE)?);
    if std::ptr::fn_addr_eq(own, python) { attr::lookup(t, a.class(), in_place.name)?.exact::<Function>() } else { None }
}
