//! The slots of classes written in Python: functions that look the special method up and call it.

use super::python_methods::name_of_comparison;
use crate::args::Args;
use crate::exc;
use crate::names;
use crate::object::{R, Raised, Ref, ValueExt};
use crate::protocol::{attr, call, number};
use crate::slots::{Binary, Compare, SlotTable};
use crate::thread::Thread;
use crate::types::{Function, Str, builtin, int};
use limpid_bytecode::BinaryOperator;
use limpid_heap::Value;

/// The slots that stand for methods written in Python. The sequence forms of operators have none: those methods are in the numeric ones.
pub(super) static TABLE: SlotTable = SlotTable {
    repr: Some(|t, v| required(t, v, names::__repr__, &[])),
    str: Some(|t, v| required(t, v, names::__str__, &[])),
    hash: Some(hash),
    call: Some(call_object),
    new: Some(new),
    init: Some(init),
    finalize: Some(|t, v| optional(t, v, names::__del__, &[]).map(|_| ())),
    getattribute: Some(getattribute),
    setattr: Some(setattr),
    richcompare: Some(richcompare),
    iter: Some(iter),
    next: Some(next),
    await_: Some(|t, v| required(t, v, names::__await__, &[])),
    aiter: Some(|t, v| required(t, v, names::__aiter__, &[])),
    anext: Some(|t, v| required(t, v, names::__anext__, &[])),
    descr_get: Some(descr_get),
    descr_set: Some(descr_set),
    buffer: Some(crate::types::memory::python_buffer),
    len: Some(len),
    getitem: Some(|t, v, key| required(t, v, names::__getitem__, &[key])),
    item: None,
    setitem: Some(setitem),
    contains: Some(contains),
    bool: Some(bool),
    neg: Some(|t, v| required(t, v, names::__neg__, &[])),
    pos: Some(|t, v| required(t, v, names::__pos__, &[])),
    abs: Some(|t, v| required(t, v, names::__abs__, &[])),
    invert: Some(|t, v| required(t, v, names::__invert__, &[])),
    int: Some(|t, v| required(t, v, names::__int__, &[])),
    float: Some(|t, v| required(t, v, names::__float__, &[])),
    index: Some(|t, v| required(t, v, names::__index__, &[])),
    add: Some(add),
    sub: Some(sub),
    mul: Some(mul),
    matmul: Some(matmul),
    truediv: Some(truediv),
    floordiv: Some(floordiv),
    mod_: Some(mod_),
    divmod: Some(divmod),
    pow: Some(pow),
    lshift: Some(lshift),
    rshift: Some(rshift),
    and: Some(and),
    xor: Some(xor),
    or: Some(or),
    iadd: Some(|t, a, b| required(t, a, names::__iadd__, &[b])),
    isub: Some(|t, a, b| required(t, a, names::__isub__, &[b])),
    imul: Some(|t, a, b| required(t, a, names::__imul__, &[b])),
    imatmul: Some(|t, a, b| required(t, a, names::__imatmul__, &[b])),
    itruediv: Some(|t, a, b| required(t, a, names::__itruediv__, &[b])),
    ifloordiv: Some(|t, a, b| required(t, a, names::__ifloordiv__, &[b])),
    imod: Some(|t, a, b| required(t, a, names::__imod__, &[b])),
    ipow: Some(|t, a, b, _| required(t, a, names::__ipow__, &[b])),
    ilshift: Some(|t, a, b| required(t, a, names::__ilshift__, &[b])),
    irshift: Some(|t, a, b| required(t, a, names::__irshift__, &[b])),
    iand: Some(|t, a, b| required(t, a, names::__iand__, &[b])),
    ixor: Some(|t, a, b| required(t, a, names::__ixor__, &[b])),
    ior: Some(|t, a, b| required(t, a, names::__ior__, &[b])),
    concat: None,
    repeat: None,
    iconcat: None,
    irepeat: None,
};

/// Calls a special method if the class has it.
fn optional(t: &Thread, object: Value, name: Value, args: &[Value]) -> R<Option<Value>> {
    attr::get_special_method(t, object, name)?.map(|method| call_method(t, method, args)).transpose()
}

/// Calls what [`attr::get_special_method`] has found.
fn call_method(t: &Thread, (f, receiver): (Value, Value), args: &[Value]) -> R {
    if receiver.is_null() { call::call(t, f, args) } else { call::call_with_receiver(t, f, receiver, Args::positional(args)) }
}

/// Calls a special method.
fn required(t: &Thread, object: Value, name: Value, args: &[Value]) -> R {
    match optional(t, object, name, args)? {
        Some(v) => Ok(v),
        None => Err(missing(t, object, name)),
    }
}

#[cold]
fn missing(t: &Thread, object: Value, name: Value) -> Raised {
    let text = name.downcast::<Str>().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    attr::raise_attribute_error(t, &text, object, name)
}

fn class_attribute_is_none(t: &Thread, object: Value, name: Value) -> bool {
    attr::lookup(t, object.class(), name).is_some_and(|v| v.is_none())
}

fn hash(t: &Thread, v: Value) -> R<i64> {
    if class_attribute_is_none(t, v, names::__hash__) {
        return crate::protocol::hash::unhashable(t, v);
    }
    let Some(h) = optional(t, v, names::__hash__, &[])? else { return crate::protocol::hash::unhashable(t, v) };
    if !h.is_instance(builtin::INT) {
        raise!(t, TypeError, "__hash__ method should return an integer");
    }
    // A number that does not fit is hashed itself.
    let h = match int::to_i64(t, h) {
        Ok(h) => h,
        Err(_) => {
            t.catch(exc::OverflowError)?;
            int::hash(h)
        }
    };
    Ok(if h == -1 { -2 } else { h })
}

fn call_object(t: &Thread, object: Value, args: Args<'_>) -> R {
    match attr::get_special_method(t, object, names::__call__)? {
        Some((f, receiver)) if receiver.is_null() => call::call_args(t, f, args),
        Some((f, receiver)) => call::call_with_receiver(t, f, receiver, args),
        None => Err(missing(t, object, names::__call__)),
    }
}

fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    let f = attr::get_attr(t, class, names::__new__)?;
    call::call_with_receiver(t, f, class, args)
}

fn init(t: &Thread, object: Value, args: Args<'_>) -> R<()> {
    let result = match attr::get_special_method(t, object, names::__init__)? {
        Some((f, receiver)) if receiver.is_null() => call::call_args(t, f, args)?,
        Some((f, receiver)) => call::call_with_receiver(t, f, receiver, args)?,
        None => return Err(missing(t, object, names::__init__)),
    };
    if result.is_none() {
        return Ok(());
    }
    raise!(t, TypeError, "__init__() should return None, not '{}'", result.class().display_name())
}

/// `__getattribute__`, and `__getattr__` if that raises AttributeError.
fn getattribute(t: &Thread, object: Value, name: Value) -> R {
    let fallback = attr::lookup(t, object.class(), names::__getattr__);
    let own = attr::lookup(t, object.class(), names::__getattribute__);
    let found = if own.is_some() && own == attr::lookup(t, builtin::OBJECT, names::__getattribute__) {
        if fallback.is_none() {
            return attr::generic_get_attr(t, object, name);
        }
        attr::generic_lookup(t, object, name)
    } else {
        required(t, object, names::__getattribute__, &[name]).map(Some)
    };
    match found {
        Ok(Some(v)) => return Ok(v),
        Ok(None) => {}
        Err(raised) if fallback.is_none() => return Err(raised),
        Err(_) => t.catch(exc::AttributeError)?,
    }
    required(t, object, names::__getattr__, &[name])
}

fn setattr(t: &Thread, object: Value, name: Value, value: Value) -> R<()> {
    let result = if value.is_null() {
        required(t, object, names::__delattr__, &[name])
    } else {
        required(t, object, names::__setattr__, &[name, value])
    };
    result.map(|_| ())
}

fn richcompare(t: &Thread, a: Value, b: Value, op: Compare) -> R {
    // A method whose descriptor says that it is not there is none.
    match attr::get_special_method(t, a, name_of_comparison(op)) {
        Ok(Some(method)) => call_method(t, method, &[b]),
        Ok(None) => Ok(Value::NOT_IMPLEMENTED),
        Err(_) => t.catch(exc::AttributeError).map(|()| Value::NOT_IMPLEMENTED),
    }
}

fn iter(t: &Thread, v: Value) -> R {
    if class_attribute_is_none(t, v, names::__iter__) {
        raise!(t, TypeError, "'{}' object is not iterable", v.class().display_name());
    }
    required(t, v, names::__iter__, &[])
}

fn next(t: &Thread, v: Value) -> R {
    match next_raising(t, v) {
        Ok(v) => Ok(v),
        Err(_) => t.catch(exc::StopIteration).map(|()| Value::NULL),
    }
}

/// `v.__next__()`; at the end StopIteration, whose value `yield from` wants.
pub fn next_raising(t: &Thread, v: Value) -> R {
    required(t, v, names::__next__, &[])
}

/// Is this what `next` is in classes written in Python?
pub fn is_python_next(f: crate::slots::Next) -> bool {
    std::ptr::fn_addr_eq(f, next as crate::slots::Next)
}

/// Is the class's `setattr` a method written in Python?
pub(crate) fn is_python_setattr(class: Ref<crate::types::Type>) -> bool {
    class.slots().setattr.is_some_and(|f| std::ptr::fn_addr_eq(f, setattr as crate::slots::SetItem))
}

fn none_for_null(v: Value) -> Value {
    if v.is_null() { Value::NONE } else { v }
}

fn descr_get(t: &Thread, d: Value, object: Value, class: Value) -> R {
    match optional(t, d, names::__get__, &[none_for_null(object), none_for_null(class)])? {
        Some(v) => Ok(v),
        None => Ok(d),
    }
}

fn descr_set(t: &Thread, d: Value, object: Value, value: Value) -> R<()> {
    let result =
        if value.is_null() { required(t, d, names::__delete__, &[object]) } else { required(t, d, names::__set__, &[object, value]) };
    result.map(|_| ())
}

fn len(t: &Thread, v: Value) -> R<usize> {
    let n = required(t, v, names::__len__, &[])?;
    checked_len(t, n)
}

/// What a `__len__` has given, as a length.
pub fn checked_len(t: &Thread, n: Value) -> R<usize> {
    let n = number::index(t, n)?;
    if int::is_negative(n) {
        raise!(t, ValueError, "__len__() should return >= 0");
    }
    Ok(number::index_isize(t, n)? as usize)
}

fn setitem(t: &Thread, object: Value, key: Value, value: Value) -> R<()> {
    let result = if value.is_null() {
        required(t, object, names::__delitem__, &[key])
    } else {
        required(t, object, names::__setitem__, &[key, value])
    };
    result.map(|_| ())
}

fn contains(t: &Thread, object: Value, v: Value) -> R<bool> {
    if class_attribute_is_none(t, object, names::__contains__) {
        raise!(t, TypeError, "'{}' object is not a container", object.class().display_name());
    }
    let result = required(t, object, names::__contains__, &[v])?;
    crate::protocol::truth::truth(t, result)
}

fn bool(t: &Thread, v: Value) -> R<bool> {
    match optional(t, v, names::__bool__, &[])? {
        Some(b) => checked_bool(t, b),
        None => Ok(true),
    }
}

/// What a `__bool__` has given, as a truth.
pub fn checked_bool(t: &Thread, b: Value) -> R<bool> {
    if b.is_bool() {
        return Ok(b == Value::TRUE);
    }
    raise!(t, TypeError, "__bool__ should return bool, returned {}", b.class().display_name())
}

/// Has `b`'s class a reflected method that is not just the one that `a`'s class has too?
fn reflects_differently(t: &Thread, a: Value, b: Value, reflected: Value) -> bool {
    match attr::lookup(t, b.class(), reflected) {
        None => false,
        Some(f) => attr::lookup(t, a.class(), reflected) != Some(f),
    }
}

/// Calls `method` if the class has it; otherwise, and if it is None there, NotImplemented.
fn operand(t: &Thread, object: Value, method: Value, args: &[Value]) -> R {
    Ok(optional(t, object, method, args)?.unwrap_or(Value::NOT_IMPLEMENTED))
}

/// A binary operator: `a.forward(b)` and `b.reflected(a)`, in the order that subclassing asks for. `mine` tells of an operand whether
/// its class's slot is this operator's.
fn binary(t: &Thread, a: Value, b: Value, [forward, reflected]: [Value; 2], mine: impl Fn(Value) -> bool, third: Option<Value>) -> R {
    let args = |other: Value| [other, third.unwrap_or(Value::NULL)];
    let n = 1 + third.is_some() as usize;
    let (left, right) = (a.class(), b.class());
    let mut ask_right = left != right && mine(b);
    if mine(a) {
        if ask_right && right.is_subtype(left) && reflects_differently(t, a, b, reflected) {
            let result = operand(t, b, reflected, &args(a)[..n])?;
            if result != Value::NOT_IMPLEMENTED {
                return Ok(result);
            }
            ask_right = false;
        }
        let result = operand(t, a, forward, &args(b)[..n])?;
        if result != Value::NOT_IMPLEMENTED || left == right {
            return Ok(result);
        }
    }
    if ask_right { operand(t, b, reflected, &args(a)[..n]) } else { Ok(Value::NOT_IMPLEMENTED) }
}

/// An operator whose methods a class written in Python may have.
pub struct Operator {
    /// Its slot.
    pub slot: fn(&SlotTable) -> Option<Binary>,
    /// What the slot holds in such a class.
    function: Binary,
    forward: Value,
    reflected: Value,
}

impl Operator {
    /// Does the operand's class have methods of this operator that are written in Python?
    pub fn is_python(&self, v: Value) -> bool {
        (self.slot)(v.class().slots()).is_some_and(|f| std::ptr::fn_addr_eq(f, self.function))
    }

    /// The function that `a op b` comes down to as long as it does not decline: the method of the left operand, if it is asked first.
    pub fn method(&self, t: &Thread, a: Value, b: Value) -> Option<Ref<Function>> {
        let (left, right) = (a.class(), b.class());
        if !self.is_python(a) || left != right && right.is_subtype(left) {
            return None;
        }
        attr::lookup(t, left, self.forward)?.exact::<Function>()
    }

    /// The right operand's method, if it is written in Python.
    pub fn reflected_method(&self, t: &Thread, b: Value) -> Option<Ref<Function>> {
        if !self.is_python(b) {
            return None;
        }
        attr::lookup(t, b.class(), self.reflected)?.exact::<Function>()
    }

    /// What the right operand gives after the left one's method has declined.
    pub fn ask_right(&self, t: &Thread, a: Value, b: Value) -> R {
        match (self.slot)(b.class().slots()).filter(|_| a.class() != b.class()) {
            None => Ok(Value::NOT_IMPLEMENTED),
            Some(_) if self.is_python(b) => operand(t, b, self.reflected, &[a]),
            Some(f) => f(t, a, b),
        }
    }
}

macro_rules! binary_slots {
    ($($field:ident $($operator:ident)?: $forward:ident $reflected:ident;)*) => {
        $(fn $field(t: &Thread, a: Value, b: Value) -> R {
            let mine = |v: Value| v.class().slots().$field.is_some_and(|f| std::ptr::fn_addr_eq(f, $field as Binary));
            binary(t, a, b, [names::$forward, names::$reflected], mine, None)
        })*

        /// An operator of two operands, if it has no rules of its own.
        pub fn operator(op: BinaryOperator) -> Option<Operator> {
            match op {
                $($(BinaryOperator::$operator => {
                    Some(Operator { slot: |s| s.$field, function: $field, forward: names::$forward, reflected: names::$reflected })
                })?)*
                _ => None,
            }
        }
    };
}
binary_slots! {
    add Add: __add__ __radd__;
    sub Subtract: __sub__ __rsub__;
    mul Multiply: __mul__ __rmul__;
    matmul MatrixMultiply: __matmul__ __rmatmul__;
    truediv TrueDivide: __truediv__ __rtruediv__;
    floordiv FloorDivide: __floordiv__ __rfloordiv__;
    mod_ Remainder: __mod__ __rmod__;
    divmod: __divmod__ __rdivmod__;
    lshift LeftShift: __lshift__ __rlshift__;
    rshift RightShift: __rshift__ __rrshift__;
    and And: __and__ __rand__;
    xor Xor: __xor__ __rxor__;
    or Or: __or__ __ror__;
}

fn pow(t: &Thread, a: Value, b: Value, modulus: Value) -> R {
    let mine = |v: Value| v.class().slots().pow.is_some_and(|f| std::ptr::fn_addr_eq(f, pow as crate::slots::Ternary));
    let third = (!modulus.is_none()).then_some(modulus);
    binary(t, a, b, [names::__pow__, names::__rpow__], mine, third)
}
