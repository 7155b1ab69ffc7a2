//! `weakref.proxy`: an object that behaves as its referent does for as long as that lives.

use super::{WeakRef, unpack};
use crate::args::{Args, FnDef};
use crate::names;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::{attr, call, compare, iter, number, sequence, text, truth};
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::{Str, TypeDef, builtin};
use limpid_bytecode::BinaryOperator;
use limpid_heap::Value;

/// The referent of a proxy; ReferenceError when it has died.
fn target(t: &Thread, proxy: Value) -> R {
    // SAFETY: the slots below are those of proxies, which have this layout.
    match unsafe { Ref::<WeakRef>::from_value(proxy) }.get() {
        Some(referent) => Ok(referent),
        None => raise!(t, ReferenceError, "weakly-referenced object no longer exists"),
    }
}

/// An operand, the referent if it is a proxy.
fn operand(t: &Thread, v: Value) -> R {
    if [builtin::WEAK_PROXY, builtin::WEAK_CALLABLE_PROXY].contains(&v.class()) { target(t, v) } else { Ok(v) }
}

macro_rules! binary {
    ($op:ident) => {
        Some(|t, a, b| number::binary(t, BinaryOperator::$op, operand(t, a)?, operand(t, b)?))
    };
}

macro_rules! unary {
    ($f:path) => {
        Some(|t, v| $f(t, target(t, v)?))
    };
}

const SLOTS: SlotTable = SlotTable {
    repr: Some(repr),
    str: Some(|t, v| Ok(text::str_of(t, target(t, v)?)?.value())),
    hash: Some(|t, v| raise!(t, TypeError, "unhashable type: '{}'", v.class().display_name())),
    getattribute: Some(|t, v, name| attr::get_attr(t, target(t, v)?, name)),
    setattr: Some(|t, v, name, value| {
        let to = target(t, v)?;
        if value.is_null() { attr::del_attr(t, to, name) } else { attr::set_attr(t, to, name, value) }
    }),
    richcompare: Some(|t, a, b, op| compare::rich_compare(t, operand(t, a)?, operand(t, b)?, op)),
    iter: unary!(iter::get_iter),
    next: Some(|t, v| {
        let to = target(t, v)?;
        match to.class().slots().next {
            Some(next) => next(t, to),
            None => raise!(t, TypeError, "Weakref proxy referenced a non-iterator '{}' object", to.class().display_name()),
        }
    }),
    len: Some(|t, v| sequence::len(t, target(t, v)?)),
    getitem: Some(|t, v, key| sequence::get_item(t, target(t, v)?, operand(t, key)?)),
    setitem: Some(|t, v, key, value| {
        let (to, key) = (target(t, v)?, operand(t, key)?);
        if value.is_null() { sequence::del_item(t, to, key) } else { sequence::set_item(t, to, key, operand(t, value)?) }
    }),
    contains: Some(|t, v, item| sequence::contains(t, target(t, v)?, operand(t, item)?)),
    bool: Some(|t, v| truth::truth(t, target(t, v)?)),
    neg: unary!(number::negative),
    pos: unary!(number::positive),
    abs: unary!(number::absolute),
    invert: unary!(number::invert),
    int: unary!(number::to_int),
    float: Some(|t, v| Ok(Value::float(number::as_float(t, target(t, v)?)?))),
    index: unary!(number::index),
    add: binary!(Add),
    sub: binary!(Subtract),
    mul: binary!(Multiply),
    matmul: binary!(MatrixMultiply),
    truediv: binary!(TrueDivide),
    floordiv: binary!(FloorDivide),
    mod_: binary!(Remainder),
    divmod: Some(|t, a, b| number::divmod(t, operand(t, a)?, operand(t, b)?)),
    pow: Some(|t, a, b, c| number::power(t, operand(t, a)?, operand(t, b)?, operand(t, c)?)),
    lshift: binary!(LeftShift),
    rshift: binary!(RightShift),
    and: binary!(And),
    xor: binary!(Xor),
    or: binary!(Or),
    iadd: binary!(InplaceAdd),
    isub: binary!(InplaceSubtract),
    imul: binary!(InplaceMultiply),
    imatmul: binary!(InplaceMatrixMultiply),
    itruediv: binary!(InplaceTrueDivide),
    ifloordiv: binary!(InplaceFloorDivide),
    imod: binary!(InplaceRemainder),
    ilshift: binary!(InplaceLeftShift),
    irshift: binary!(InplaceRightShift),
    iand: binary!(InplaceAnd),
    ixor: binary!(InplaceXor),
    ior: binary!(InplaceOr),
    ..SlotTable::EMPTY
};

const METHODS: &[FnDef] = &[
    FnDef::def("__bytes__", "self, /", |t, a| call::call_method(t, target(t, a[0])?, names::__bytes__, &[])),
    FnDef::def("__reversed__", "self, /", |t, a| call::call_method(t, target(t, a[0])?, names::__reversed__, &[])),
];

/// `weakref.ProxyType`
pub static WEAK_PROXY_DEF: TypeDef = TypeDef { slots: SLOTS, methods: METHODS, ..TypeDef::of::<WeakRef>("weakref.ProxyType") };

/// `weakref.CallableProxyType`
pub static WEAK_CALLABLE_PROXY_DEF: TypeDef = TypeDef {
    slots: SlotTable { call: Some(|t, v, args| call::call_args(t, target(t, v)?, args)), ..SLOTS },
    methods: METHODS,
    ..TypeDef::of::<WeakRef>("weakref.CallableProxyType")
};

fn repr(t: &Thread, v: Value) -> R {
    // SAFETY: as in `target`.
    let text = match unsafe { Ref::<WeakRef>::from_value(v) }.get() {
        Some(to) => format!("<weakproxy at {:#x}; to '{}' at {:#x}>", v.bits(), to.class().display_name(), to.bits()),
        None => format!("<weakproxy at {:#x}; dead>", v.bits()),
    };
    Ok(Str::new(t, &text).value())
}

/// `weakref.proxy(object, callback=None)`
pub fn new_proxy(t: &Thread, args: Args<'_>) -> R {
    args.no_keywords(t, "proxy")?;
    let (referent, callback) = unpack(t, "proxy", args.pos())?;
    let class = if call::is_callable(referent) { builtin::WEAK_CALLABLE_PROXY } else { builtin::WEAK_PROXY };
    Ok(WeakRef::create(t, class, referent, callback)?.value())
}
