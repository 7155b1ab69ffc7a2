//! Operators, and conversions to numbers, for any object.

use super::sequence;
use crate::names;
use crate::object::{R, Ref, ValueExt};
use crate::slots::{Binary, SlotTable, Ternary};
use crate::thread::Thread;
use crate::types::{BuiltinFunction, Type, builtin, float, int, type_};
use limpid_bytecode::BinaryOperator;
use limpid_heap::Value;

/// `a op b` for every operator of `BINARY_OP`.
#[inline]
pub fn binary(t: &Thread, op: BinaryOperator, a: Value, b: Value) -> R {
    use BinaryOperator::*;
    match op {
        Add => add(t, a, b),
        Subtract => sub(t, a, b),
        Multiply => mul(t, a, b),
        Remainder => remainder(t, a, b),
        Subscript => sequence::get_item(t, a, b),
        FloorDivide => floor_div(t, a, b),
        TrueDivide => true_div(t, a, b),
        And => and(t, a, b),
        Or => or(t, a, b),
        Xor => xor(t, a, b),
        LeftShift => lshift(t, a, b),
        RightShift => rshift(t, a, b),
        Power => power(t, a, b, Value::NONE),
        MatrixMultiply => matmul(t, a, b),
        _ => in_place(t, op, a, b),
    }
}

/// Defines `a op b` for the operators that only numbers have.
macro_rules! operators {
    ($($(#[$doc:meta])* $name:ident: $slot:ident, $symbol:literal;)*) => {
        $($(#[$doc])*
        #[inline]
        pub fn $name(t: &Thread, a: Value, b: Value) -> R {
            let v = dispatch(t, a, b, |s| s.$slot)?;
            if v == Value::NOT_IMPLEMENTED { unsupported(t, $symbol, a, b) } else { Ok(v) }
        })*
    };
}

operators! {
    /// `a - b`
    sub: sub, "-";
    /// `a @ b`
    matmul: matmul, "@";
    /// `a / b`
    true_div: truediv, "/";
    /// `a // b`
    floor_div: floordiv, "//";
    /// `a % b`
    remainder: mod_, "%";
    /// `divmod(a, b)`
    divmod: divmod, "divmod()";
    /// `a << b`
    lshift: lshift, "<<";
    /// `a & b`
    and: and, "&";
    /// `a | b`
    or: or, "|";
    /// `a ^ b`
    xor: xor, "^";
}

/// `a + b`
#[inline]
pub fn add(t: &Thread, a: Value, b: Value) -> R {
    let v = dispatch(t, a, b, |s| s.add)?;
    if v != Value::NOT_IMPLEMENTED { Ok(v) } else { add_sequences(t, a, b) }
}

fn add_sequences(t: &Thread, a: Value, b: Value) -> R {
    match a.class().slots().concat {
        Some(f) => f(t, a, b),
        None => unsupported(t, "+", a, b),
    }
}

/// `a * b`
#[inline]
pub fn mul(t: &Thread, a: Value, b: Value) -> R {
    let v = dispatch(t, a, b, |s| s.mul)?;
    if v != Value::NOT_IMPLEMENTED { Ok(v) } else { mul_sequence(t, a, b) }
}

/// What `a op b` gives after the left operand's [method](Operator::method) has declined.
pub fn after_left(t: &Thread, op: BinaryOperator, a: Value, b: Value) -> R {
    let v = match type_::operator(op.plain()) {
        Some(operator) => operator.ask_right(t, a, b)?,
        None => Value::NOT_IMPLEMENTED,
    };
    if v == Value::NOT_IMPLEMENTED { after_both(t, op, a, b) } else { Ok(v) }
}

/// `a op b` after both operands have declined.
pub fn after_both(t: &Thread, op: BinaryOperator, a: Value, b: Value) -> R {
    match op {
        BinaryOperator::Add => add_sequences(t, a, b),
        BinaryOperator::Multiply => mul_sequence(t, a, b),
        _ => in_place_of_sequences(t, op, a, b),
    }
}

fn mul_sequence(t: &Thread, a: Value, b: Value) -> R {
    if let Some(f) = a.class().slots().repeat {
        return repeat(t, f, a, b);
    }
    match b.class().slots().repeat {
        Some(f) => repeat(t, f, b, a),
        None => unsupported(t, "*", a, b),
    }
}

/// `a >> b`
pub fn rshift(t: &Thread, a: Value, b: Value) -> R {
    let v = dispatch(t, a, b, |s| s.rshift)?;
    if v != Value::NOT_IMPLEMENTED {
        return Ok(v);
    }
    if a.exact::<BuiltinFunction>().is_some_and(|f| f.name_text() == "print") {
        raise!(
            t,
            TypeError,
            "unsupported operand type(s) for >>: '{}' and '{}'. Did you mean \"print(<message>, file=<output_stream>)\"?",
            a.class().display_name(),
            b.class().display_name()
        )
    }
    unsupported(t, ">>", a, b)
}

fn repeat(t: &Thread, f: Binary, sequence: Value, count: Value) -> R {
    if !is_index(count) {
        raise!(t, TypeError, "can't multiply sequence by non-int of type '{}'", count.class().display_name())
    }
    f(t, sequence, count)
}

/// Asks the operands' slots, the right one's first if its class derives from the left one's.
#[inline]
fn dispatch(t: &Thread, a: Value, b: Value, slot: impl Fn(&SlotTable) -> Option<Binary>) -> R {
    let (class_a, class_b) = (a.class(), b.class());
    let left = slot(class_a.slots());
    let right =
        if class_a == class_b { None } else { slot(class_b.slots()).filter(|r| !left.is_some_and(|l| std::ptr::fn_addr_eq(l, *r))) };
    let Some(left) = left else {
        return match right {
            Some(right) => right(t, a, b),
            None => Ok(Value::NOT_IMPLEMENTED),
        };
    };
    let Some(right) = right else { return left(t, a, b) };
    let (first, second) = if class_b.is_subtype(class_a) { (right, left) } else { (left, right) };
    let v = first(t, a, b)?;
    if v != Value::NOT_IMPLEMENTED { Ok(v) } else { second(t, a, b) }
}

#[cold]
fn unsupported(t: &Thread, symbol: &str, a: Value, b: Value) -> R {
    raise!(t, TypeError, "unsupported operand type(s) for {symbol}: '{}' and '{}'", a.class().display_name(), b.class().display_name())
}

/// The slot of an operator.
pub type BinarySlot = fn(&SlotTable) -> Option<Binary>;

/// `a op= b`.
pub fn in_place(t: &Thread, op: BinaryOperator, a: Value, b: Value) -> R {
    let Some(slots) = in_place_slots(op) else {
        return if op == BinaryOperator::InplacePower { in_place_power(t, a, b) } else { binary(t, op, a, b) };
    };
    if let Some(f) = (slots.own)(a.class().slots()) {
        let v = f(t, a, b)?;
        if v != Value::NOT_IMPLEMENTED {
            return Ok(v);
        }
    }
    without_own(t, op, slots.plain, a, b)
}

/// An operator in place for two operands.
pub struct InPlace {
    /// Its own slot.
    pub own: BinarySlot,
    /// That of the plain operator.
    plain: BinarySlot,
    /// The special method of its own.
    pub name: Value,
}

/// What there is of an operator in place for two operands.
pub fn in_place_slots(op: BinaryOperator) -> Option<InPlace> {
    use BinaryOperator::*;
    let (own, plain, name): (BinarySlot, BinarySlot, Value) = match op {
        InplaceAdd => (|s| s.iadd, |s| s.add, names::__iadd__),
        InplaceAnd => (|s| s.iand, |s| s.and, names::__iand__),
        InplaceFloorDivide => (|s| s.ifloordiv, |s| s.floordiv, names::__ifloordiv__),
        InplaceLeftShift => (|s| s.ilshift, |s| s.lshift, names::__ilshift__),
        InplaceMatrixMultiply => (|s| s.imatmul, |s| s.matmul, names::__imatmul__),
        InplaceMultiply => (|s| s.imul, |s| s.mul, names::__imul__),
        InplaceRemainder => (|s| s.imod, |s| s.mod_, names::__imod__),
        InplaceOr => (|s| s.ior, |s| s.or, names::__ior__),
        InplaceRightShift => (|s| s.irshift, |s| s.rshift, names::__irshift__),
        InplaceSubtract => (|s| s.isub, |s| s.sub, names::__isub__),
        InplaceTrueDivide => (|s| s.itruediv, |s| s.truediv, names::__itruediv__),
        InplaceXor => (|s| s.ixor, |s| s.xor, names::__ixor__),
        _ => return None,
    };
    Some(InPlace { own, plain, name })
}

/// Is it an operator in place that the class of `a` has a method of its own for?
pub fn has_in_place(op: BinaryOperator, a: Value) -> bool {
    let slots = a.class().slots();
    match in_place_slots(op) {
        Some(in_place) => (in_place.own)(slots).is_some(),
        None => op == BinaryOperator::InplacePower && slots.ipow.is_some(),
    }
}

/// `a op= b` for two operands, after the method for that has declined.
pub fn after_in_place(t: &Thread, op: BinaryOperator, a: Value, b: Value) -> R {
    match in_place_slots(op) {
        Some(slots) => without_own(t, op, slots.plain, a, b),
        None => unsupported(t, op.symbol(), a, b),
    }
}

/// `a op= b` by the plain operator, or as sequences do it.
fn without_own(t: &Thread, op: BinaryOperator, plain: BinarySlot, a: Value, b: Value) -> R {
    let v = dispatch(t, a, b, plain)?;
    if v != Value::NOT_IMPLEMENTED {
        return Ok(v);
    }
    in_place_of_sequences(t, op, a, b)
}

fn in_place_of_sequences(t: &Thread, op: BinaryOperator, a: Value, b: Value) -> R {
    use BinaryOperator::*;
    let slots = a.class().slots();
    match op {
        InplaceAdd => {
            if let Some(f) = slots.iconcat.or(slots.concat) {
                return f(t, a, b);
            }
        }
        InplaceMultiply => {
            if let Some(f) = slots.irepeat.or(slots.repeat) {
                return repeat(t, f, a, b);
            }
            if let Some(f) = b.class().slots().repeat {
                return repeat(t, f, b, a);
            }
        }
        _ => {}
    }
    unsupported(t, op.symbol(), a, b)
}

/// `pow(a, b, c)`; `c` is None for `a ** b`.
pub fn power(t: &Thread, a: Value, b: Value, c: Value) -> R {
    let v = dispatch_ternary(t, a, b, c)?;
    if v == Value::NOT_IMPLEMENTED { unsupported_power(t, "** or pow()", a, b, c) } else { Ok(v) }
}

fn in_place_power(t: &Thread, a: Value, b: Value) -> R {
    if let Some(f) = a.class().slots().ipow {
        let v = f(t, a, b, Value::NONE)?;
        if v != Value::NOT_IMPLEMENTED {
            return Ok(v);
        }
    }
    let v = dispatch_ternary(t, a, b, Value::NONE)?;
    if v == Value::NOT_IMPLEMENTED { unsupported_power(t, "**=", a, b, Value::NONE) } else { Ok(v) }
}

fn dispatch_ternary(t: &Thread, a: Value, b: Value, c: Value) -> R {
    let (class_a, class_b) = (a.class(), b.class());
    let mut tried: [Option<Ternary>; 3] = [class_a.slots().pow, class_b.slots().pow, c.class().slots().pow];
    if class_b != class_a && class_b.is_subtype(class_a) {
        tried.swap(0, 1);
    }
    for i in 0..3 {
        let Some(f) = tried[i] else { continue };
        if tried[..i].iter().flatten().any(|g| std::ptr::fn_addr_eq(*g, f)) {
            continue;
        }
        let v = f(t, a, b, c)?;
        if v != Value::NOT_IMPLEMENTED {
            return Ok(v);
        }
    }
    Ok(Value::NOT_IMPLEMENTED)
}

#[cold]
fn unsupported_power(t: &Thread, symbol: &str, a: Value, b: Value, c: Value) -> R {
    if c.is_none() {
        return unsupported(t, symbol, a, b);
    }
    raise!(
        t,
        TypeError,
        "unsupported operand type(s) for {symbol}: '{}', '{}', '{}'",
        a.class().display_name(),
        b.class().display_name(),
        c.class().display_name()
    )
}

/// Defines the operators with one operand.
macro_rules! unary_operators {
    ($($(#[$doc:meta])* $name:ident: $slot:ident, $symbol:literal;)*) => {
        $($(#[$doc])*
        #[inline]
        pub fn $name(t: &Thread, v: Value) -> R {
            match v.class().slots().$slot {
                Some(f) => f(t, v),
                None => raise!(t, TypeError, concat!("bad operand type for ", $symbol, ": '{}'"), v.class().display_name()),
            }
        })*
    };
}

unary_operators! {
    /// `-v`
    negative: neg, "unary -";
    /// `+v`
    positive: pos, "unary +";
    /// `~v`
    invert: invert, "unary ~";
    /// `abs(v)`
    absolute: abs, "abs()";
}

/// Has it an `__index__`?
#[inline]
pub fn is_index(v: Value) -> bool {
    int::is_int(v) || v.class().slots().index.is_some()
}

/// Can it be made an int or a float? (A complex number counts, too.)
pub fn is_number(v: Value) -> bool {
    let slots = v.class().slots();
    slots.index.is_some() || slots.int.is_some() || slots.float.is_some() || v.is_instance(builtin::COMPLEX)
}

/// `v` as an int: itself if it is one, else what `__index__` gives.
#[inline]
pub fn index(t: &Thread, v: Value) -> R {
    if int::is_int(v) { Ok(v) } else { index_slow(t, v) }
}

#[cold]
fn index_slow(t: &Thread, v: Value) -> R {
    let Some(f) = v.class().slots().index else {
        raise!(t, TypeError, "'{}' object cannot be interpreted as an integer", v.class().display_name())
    };
    let i = f(t, v)?;
    checked_int(t, i, "__index__")
}

/// As [`index`], but never an instance of a subclass of int: `operator.index`.
#[inline]
pub fn index_exact(t: &Thread, v: Value) -> R {
    int::to_exact(t, index(t, v)?)
}

/// What a conversion method has given: an int. One of a subclass is deprecated.
fn checked_int(t: &Thread, i: Value, method: &str) -> R {
    if int::is_exact(i) {
        return Ok(i);
    }
    if !int::is_int(i) {
        raise!(t, TypeError, "{method} returned non-int (type {})", i.class().display_name())
    }
    deprecated_subclass(t, &format!("{method} returned non-int (type {})", i.class().display_name()), "int")?;
    Ok(i)
}

fn deprecated_subclass(t: &Thread, what: &str, class: &str) -> R<()> {
    crate::modules::warnings::warn(
        t,
        crate::exc::DeprecationWarning,
        &format!(
            "{what}.  The ability to return an instance of a strict subclass of {class} is deprecated, and may not be supported in a \
             future version of Python."
        ),
        1,
    )
}

/// An index: `v` in 64 bits; IndexError's cousin OverflowError when it does not fit.
#[inline]
pub fn index_isize(t: &Thread, v: Value) -> R<isize> {
    if v.is_int() { Ok(v.as_int() as isize) } else { index_isize_or(t, v, crate::exc::OverflowError) }
}

/// As [`index_isize`], with another exception for what does not fit.
pub fn index_isize_or(t: &Thread, v: Value, class: Ref<Type>) -> R<isize> {
    match int::as_i64_opt(index(t, v)?) {
        Some(i) => Ok(i as isize),
        None => Err(t.raise(class, &format!("cannot fit '{}' into an index-sized integer", v.class().display_name()))),
    }
}

/// An index; what does not fit becomes the nearest that does.
#[inline]
pub fn index_clamped(t: &Thread, v: Value) -> R<isize> {
    Ok(int::to_i64_saturating(index(t, v)?) as isize)
}

/// `v` in 32 bits, by `__index__`.
pub fn index_i32(t: &Thread, v: Value) -> R<i32> {
    int::to_i32(t, v)
}

/// `v` as a float: `__float__`, else `__index__`.
#[inline]
pub fn as_float(t: &Thread, v: Value) -> R<f64> {
    if v.is_float() {
        return Ok(v.as_float());
    }
    if v.is_int() {
        return Ok(v.as_int() as f64);
    }
    as_float_slow(t, v)
}

#[cold]
fn as_float_slow(t: &Thread, v: Value) -> R<f64> {
    if let Some(f) = float::as_f64_opt(v) {
        return Ok(f);
    }
    by_conversion(t, v)
}

/// The float that `__float__` or `__index__` gives.
fn by_conversion(t: &Thread, v: Value) -> R<f64> {
    let class = v.class();
    let slots = class.slots();
    if let Some(f) = slots.float {
        let result = f(t, v)?;
        let Some(value) = float::as_f64_opt(result) else {
            raise!(t, TypeError, "{}.__float__ returned non-float (type {})", class.display_name(), result.class().display_name())
        };
        if !result.is_float() {
            let what = format!("{}.__float__ returned non-float (type {})", class.display_name(), result.class().display_name());
            deprecated_subclass(t, &what, "float")?;
        }
        return Ok(value);
    }
    if slots.index.is_some() {
        return int::to_f64(t, index(t, v)?);
    }
    raise!(t, TypeError, "must be real number, not {}", class.display_name())
}

/// `int(v)`.
pub fn to_int(t: &Thread, v: Value) -> R {
    if int::is_exact(v) {
        return Ok(v);
    }
    let slots = v.class().slots();
    if let Some(f) = slots.int {
        let i = f(t, v)?;
        return int::to_exact(t, checked_int(t, i, "__int__")?);
    }
    if slots.index.is_some() {
        return index_exact(t, v);
    }
    int::from_object(t, v)
}

/// `float(v)`.
pub fn to_float(t: &Thread, v: Value) -> R<f64> {
    if v.is_float() || v.is_int() {
        return as_float(t, v);
    }
    // Of an instance of a subclass of float, its `__float__` counts.
    let slots = v.class().slots();
    if slots.float.is_some() || slots.index.is_some() {
        return by_conversion(t, v);
    }
    float::from_object(t, v)
}
