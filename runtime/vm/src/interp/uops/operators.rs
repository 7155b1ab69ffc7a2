//! Arithmetic, comparisons, truth.

use super::special_methods::{call_comparison, call_containment, call_operator, call_truth, has_python_class};
use super::{attempt, attempt_here, slow_uops};
use crate::interp::regs::{Flow, Regs, Step};
use crate::interp::specialize;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::{compare, number, sequence, truth};
use crate::slots::Compare;
use crate::thread::Thread;
use crate::types::builtin;
use crate::types::{Dict, List, Str};
use limpid_bytecode::{BinaryOperator, ComparisonArg, Opcode};
use limpid_heap::Value;

/// `-x`
#[inline(always)]
pub fn NEGATE(r: &mut Regs, _o: u32) -> Flow {
    let v = r.peek(1);
    if v.is_float() {
        r.poke(1, Value::float(-v.as_float()));
        return Flow::Next;
    }
    match 0i64.checked_sub(v.shifted()) {
        Some(s) if v.is_int() => {
            r.poke(1, Value::from_shifted(s));
            Flow::Next
        }
        _ => Flow::Slow(negate),
    }
}

/// `~x`
#[inline(always)]
pub fn INVERT(r: &mut Regs, _o: u32) -> Flow {
    let v = r.peek(1);
    if !v.is_int() {
        return Flow::Slow(invert);
    }
    r.poke(1, Value::int(!v.as_int()));
    Flow::Next
}

/// `not x`; the compiler has made it a bool, as a rule.
#[inline(always)]
pub fn NOT_BOOL(r: &mut Regs, _o: u32) -> Flow {
    let v = r.peek(1);
    if !v.is_bool() {
        return Flow::Slow(not);
    }
    r.poke(1, Value::bool(v == Value::FALSE));
    Flow::Next
}

unsafe fn negate(r: &mut Regs, _: u32) -> Step {
    let v = attempt!(number::negative(r.t(), r.peek(1)));
    r.poke(1, v);
    Step::Next
}

unsafe fn invert(r: &mut Regs, _: u32) -> Step {
    let v = attempt!(number::invert(r.t(), r.peek(1)));
    r.poke(1, v);
    Step::Next
}

unsafe fn not(r: &mut Regs, _: u32) -> Step {
    let b = attempt!(truth::truth(r.t(), r.peek(1)));
    r.poke(1, Value::bool(!b));
    Step::Next
}

/// `bool(x)`
#[inline(always)]
pub fn TO_BOOL_GENERIC(r: &mut Regs, _o: u32) -> Flow {
    if !specialize::too_early(r, Opcode::TO_BOOL) {
        return Flow::Slow(to_bool);
    }
    if has_python_class(r.peek(1)) {
        return Flow::Slow(to_bool_plain);
    }
    r.save();
    let b = attempt_here!(truth::truth(r.t(), r.peek(1)));
    set_bool(r, b)
}

unsafe fn to_bool(r: &mut Regs, _: u32) -> Step {
    specialize::to_bool(r);
    // SAFETY: the same instruction.
    unsafe { to_bool_plain(r, 0) }
}

unsafe fn to_bool_plain(r: &mut Regs, _: u32) -> Step {
    if has_python_class(r.peek(1))
        && let Some(step) = call_truth(r)
    {
        return step;
    }
    let b = attempt!(truth::truth(r.t(), r.peek(1)));
    r.poke(1, Value::bool(b));
    Step::Next
}

/// It is a bool already.
#[inline(always)]
pub fn GUARD_BOOL(r: &mut Regs, _o: u32) -> Flow {
    if r.peek(1).is_bool() { Flow::Next } else { Flow::Deopt }
}

#[inline(always)]
fn set_bool(r: &mut Regs, b: bool) -> Flow {
    r.poke(1, Value::bool(b));
    Flow::Next
}

/// Truth of an inline int.
#[inline(always)]
pub fn BOOL_OF_INT(r: &mut Regs, _o: u32) -> Flow {
    let v = r.peek(1);
    if !v.is_int() {
        return Flow::Deopt;
    }
    set_bool(r, v != Value::int(0))
}

/// Truth of None.
#[inline(always)]
pub fn BOOL_OF_NONE(r: &mut Regs, _o: u32) -> Flow {
    if !r.peek(1).is_none() {
        return Flow::Deopt;
    }
    set_bool(r, false)
}

/// Truth of a list.
#[inline(always)]
pub fn BOOL_OF_LIST(r: &mut Regs, _o: u32) -> Flow {
    let v = r.peek(1);
    if v.shape() != builtin::shapes::LIST {
        return Flow::Deopt;
    }
    // SAFETY: the shape is a list's.
    set_bool(r, !unsafe { Ref::<List>::from_value(v) }.is_empty())
}

/// Truth of a str.
#[inline(always)]
pub fn BOOL_OF_STR(r: &mut Regs, _o: u32) -> Flow {
    let v = r.peek(1);
    if v.shape() != builtin::shapes::STR {
        return Flow::Deopt;
    }
    // SAFETY: the shape is a str's.
    set_bool(r, !unsafe { Ref::<Str>::from_value(v) }.is_empty())
}

/// Truth of an object whose class has neither `__bool__` nor `__len__`; the class's version is cached. Or of None, which such objects often
/// take turns with.
#[inline(always)]
pub fn BOOL_OF_PLAIN_OBJECT(r: &mut Regs, _o: u32) -> Flow {
    let v = r.peek(1);
    if v.is_none() {
        return set_bool(r, false);
    }
    if !v.is_cell() || v.class().version() != r.cache32(2) {
        return Flow::Deopt;
    }
    set_bool(r, true)
}

/// `x + y` and so on.
#[inline(always)]
pub fn BINARY_OP_GENERIC(r: &mut Regs, o: u32) -> Flow {
    if !specialize::too_early(r, Opcode::BINARY_OP) {
        return Flow::Slow(binary_op);
    }
    if has_python_class(r.peek(2)) || has_python_class(r.peek(1)) {
        return Flow::Slow(binary_op_of_object);
    }
    r.save();
    let v = attempt_here!(operate(r.t(), o, r.peek(2), r.peek(1)));
    replace_two(r, v)
}

unsafe fn binary_op_of_object(r: &mut Regs, o: u32) -> Step {
    // SAFETY: the same instruction.
    call_operator(r, o).unwrap_or_else(|| unsafe { binary_op_plain(r, o) })
}

/// The operator that an oparg names.
#[inline(never)]
fn operate(t: &Thread, o: u32, a: Value, b: Value) -> R {
    number::binary(t, BinaryOperator::from_oparg(o).unwrap_or(BinaryOperator::Add), a, b)
}

/// The general form, for a slow function of a specialized one that does not fit.
pub(super) fn binary_op_missed(r: &mut Regs, o: u32) -> Step {
    // SAFETY: the same instruction.
    unsafe { binary_op(r, o) }
}

unsafe fn binary_op(r: &mut Regs, o: u32) -> Step {
    specialize::binary_op(r, o);
    // SAFETY: the same instruction.
    unsafe { if has_python_class(r.peek(2)) || has_python_class(r.peek(1)) { binary_op_of_object(r, o) } else { binary_op_plain(r, o) } }
}

/// The operation of a specialized form that does not fit the fast path: no miss, the types are right.
unsafe fn binary_op_plain(r: &mut Regs, o: u32) -> Step {
    let v = attempt!(operate(r.t(), o, r.peek(2), r.peek(1)));
    r.drop_n(1);
    r.poke(1, v);
    Step::Next
}

/// Both operands are inline ints.
#[inline(always)]
pub fn GUARD_BOTH_INT(r: &mut Regs, _o: u32) -> Flow {
    if Value::both_int(r.peek(1), r.peek(2)) { Flow::Next } else { Flow::Deopt }
}

/// Both operands of a comparison are inline ints.
#[inline(always)]
pub fn GUARD_COMPARE_INT(r: &mut Regs, o: u32) -> Flow {
    GUARD_BOTH_INT(r, o)
}

/// The result of two operands takes their place.
#[inline(always)]
pub(super) fn replace_two(r: &mut Regs, v: Value) -> Flow {
    r.drop_n(1);
    r.poke(1, v);
    Flow::Next
}

/// Int addition; a result that does not fit goes the general way.
#[inline(always)]
pub fn ADD_INT(r: &mut Regs, _o: u32) -> Flow {
    match r.peek(2).shifted().checked_add(r.peek(1).shifted()) {
        Some(s) => replace_two(r, Value::from_shifted(s)),
        None => Flow::Slow(binary_op_plain),
    }
}

/// Int subtraction.
#[inline(always)]
pub fn SUBTRACT_INT(r: &mut Regs, _o: u32) -> Flow {
    match r.peek(2).shifted().checked_sub(r.peek(1).shifted()) {
        Some(s) => replace_two(r, Value::from_shifted(s)),
        None => Flow::Slow(binary_op_plain),
    }
}

/// Int multiplication.
#[inline(always)]
pub fn MULTIPLY_INT(r: &mut Regs, _o: u32) -> Flow {
    match r.peek(2).shifted().checked_mul(r.peek(1).as_int()) {
        Some(s) => replace_two(r, Value::from_shifted(s)),
        None => Flow::Slow(binary_op_plain),
    }
}

/// `&`, `|`, `^`, `<<`, `>>` of inline ints.
#[inline(always)]
pub fn BITS_INT(r: &mut Regs, o: u32) -> Flow {
    const AND: u32 = BinaryOperator::And as u32;
    const OR: u32 = BinaryOperator::Or as u32;
    const XOR: u32 = BinaryOperator::Xor as u32;
    const LEFT: u32 = BinaryOperator::LeftShift as u32;
    const RIGHT: u32 = BinaryOperator::RightShift as u32;
    const FIRST_INPLACE: u32 = BinaryOperator::InplaceAdd as u32;
    let (a, b) = (r.peek(2).as_int(), r.peek(1).as_int());
    let v = match if o >= FIRST_INPLACE { o - FIRST_INPLACE } else { o } {
        AND => Value::int(a & b),
        OR => Value::int(a | b),
        XOR => Value::int(a ^ b),
        RIGHT if (0..64).contains(&b) => Value::int(a >> b),
        LEFT if (0..49).contains(&b) && a.unsigned_abs().leading_zeros() as i64 > b + 15 => Value::int(a << b),
        _ => return Flow::Slow(binary_op_plain),
    };
    replace_two(r, v)
}

/// `//` and `%` of inline ints, rounding to minus infinity.
#[inline(always)]
pub fn DIVIDE_INT(r: &mut Regs, o: u32) -> Flow {
    const FLOOR: u32 = BinaryOperator::FloorDivide as u32;
    const INPLACE_FLOOR: u32 = BinaryOperator::InplaceFloorDivide as u32;
    const TRUE_DIVIDE: u32 = BinaryOperator::TrueDivide as u32;
    const INPLACE_TRUE_DIVIDE: u32 = BinaryOperator::InplaceTrueDivide as u32;
    let (a, b) = (r.peek(2).as_int(), r.peek(1).as_int());
    if b == 0 || a == Value::INT_MIN {
        return Flow::Slow(binary_op_plain);
    }
    if o == TRUE_DIVIDE || o == INPLACE_TRUE_DIVIDE {
        // Both are below 2^53, so the conversions are exact and the division is rounded once.
        return replace_two(r, Value::float(a as f64 / b as f64));
    }
    let (q, m) = (a / b, a % b);
    let off = m != 0 && (m < 0) != (b < 0);
    let v = if o == FLOOR || o == INPLACE_FLOOR { q - off as i64 } else { m + if off { b } else { 0 } };
    replace_two(r, Value::int(v))
}

/// Both operands are floats.
#[inline(always)]
pub fn GUARD_BOTH_FLOAT(r: &mut Regs, _o: u32) -> Flow {
    if r.peek(1).is_float() && r.peek(2).is_float() { Flow::Next } else { Flow::Deopt }
}

/// Replaces two floats by what `f` makes of them.
#[inline(always)]
fn with_floats(r: &mut Regs, f: impl FnOnce(f64, f64) -> f64) -> Flow {
    let (a, b) = (r.peek(2).as_float(), r.peek(1).as_float());
    r.drop_now(1);
    r.poke(1, Value::float(f(a, b)));
    Flow::Next
}

/// Float addition.
#[inline(always)]
pub fn ADD_FLOAT(r: &mut Regs, _o: u32) -> Flow {
    with_floats(r, |a, b| a + b)
}

/// Float subtraction.
#[inline(always)]
pub fn SUBTRACT_FLOAT(r: &mut Regs, _o: u32) -> Flow {
    with_floats(r, |a, b| a - b)
}

/// Float multiplication.
#[inline(always)]
pub fn MULTIPLY_FLOAT(r: &mut Regs, _o: u32) -> Flow {
    with_floats(r, |a, b| a * b)
}

#[inline(always)]
fn number_of(v: Value) -> Option<f64> {
    if v.is_float() {
        Some(v.as_float())
    } else if v.is_int() {
        Some(v.as_int() as f64)
    } else {
        None
    }
}

/// `+ - * /` of floats and inline ints mixed.
#[inline(always)]
pub fn MIXED_FLOAT(r: &mut Regs, o: u32) -> Flow {
    const ADD: u32 = BinaryOperator::Add as u32;
    const SUBTRACT: u32 = BinaryOperator::Subtract as u32;
    const MULTIPLY: u32 = BinaryOperator::Multiply as u32;
    const TRUE_DIVIDE: u32 = BinaryOperator::TrueDivide as u32;
    const FIRST_INPLACE: u32 = BinaryOperator::InplaceAdd as u32;
    let (a, b) = (r.peek(2), r.peek(1));
    if !a.is_float() && !b.is_float() {
        return Flow::Deopt;
    }
    let (Some(x), Some(y)) = (number_of(a), number_of(b)) else { return Flow::Deopt };
    let v = match if o >= FIRST_INPLACE { o - FIRST_INPLACE } else { o } {
        ADD => x + y,
        SUBTRACT => x - y,
        MULTIPLY => x * y,
        TRUE_DIVIDE if y != 0.0 => x / y,
        _ => return Flow::Slow(binary_op_plain),
    };
    replace_two(r, Value::float(v))
}

/// Both operands are exact strings.
#[inline(always)]
pub fn GUARD_BOTH_STR(r: &mut Regs, _o: u32) -> Flow {
    if r.peek(1).shape() == builtin::shapes::STR && r.peek(2).shape() == builtin::shapes::STR { Flow::Next } else { Flow::Deopt }
}

slow_uops! {
    /// Concatenation of strings.
    ADD_STR = add_str;
}

unsafe fn add_str(r: &mut Regs, _: u32) -> Step {
    // SAFETY: the guard has tested both.
    let (a, b) = unsafe { (Ref::<Str>::from_value(r.peek(2)), Ref::<Str>::from_value(r.peek(1))) };
    let v = attempt!(Str::concat(r.t(), a, b));
    r.drop_n(1);
    r.poke(1, v.value());
    Step::Next
}

/// `x < y` and so on.
#[inline(always)]
pub fn COMPARE_OP_GENERIC(r: &mut Regs, o: u32) -> Flow {
    if !specialize::too_early(r, Opcode::COMPARE_OP) {
        return Flow::Slow(compare_op);
    }
    if has_python_class(r.peek(2)) {
        return Flow::Slow(compare_op_plain);
    }
    r.save();
    let v = attempt_here!(compare_as(r.t(), o, r.peek(2), r.peek(1)));
    replace_two(r, v)
}

/// The comparison that an oparg names.
#[inline(never)]
fn compare_as(t: &Thread, o: u32, a: Value, b: Value) -> R {
    let v = compare::rich_compare(t, a, b, Compare::from_number((o >> 5) as u8))?;
    if ComparisonArg(o as u8).to_bool() && !v.is_bool() { Ok(Value::bool(truth::truth(t, v)?)) } else { Ok(v) }
}

unsafe fn compare_op(r: &mut Regs, o: u32) -> Step {
    specialize::compare_op(r, o);
    // SAFETY: the same instruction.
    unsafe { compare_op_plain(r, o) }
}

unsafe fn compare_op_plain(r: &mut Regs, o: u32) -> Step {
    if has_python_class(r.peek(2))
        && let Some(step) = call_comparison(r, o)
    {
        return step;
    }
    let v = attempt!(compare_as(r.t(), o, r.peek(2), r.peek(1)));
    r.drop_n(1);
    r.poke(1, v);
    Step::Next
}

const LESS: u32 = ComparisonArg::LESS as u32;
const GREATER: u32 = ComparisonArg::GREATER as u32;
const EQUAL: u32 = ComparisonArg::EQUAL as u32;
const UNORDERED: u32 = ComparisonArg::UNORDERED as u32;

/// Comparison of inline ints.
#[inline(always)]
pub fn COMPARE_INT(r: &mut Regs, o: u32) -> Flow {
    let (a, b) = (r.peek(2).shifted(), r.peek(1).shifted());
    r.drop_now(1);
    let outcome = if a < b {
        LESS
    } else if a == b {
        EQUAL
    } else {
        GREATER
    };
    r.poke(1, Value::bool(outcome & o != 0));
    Flow::Next
}

/// Comparison of floats.
#[inline(always)]
pub fn COMPARE_FLOAT(r: &mut Regs, o: u32) -> Flow {
    if !(r.peek(1).is_float() && r.peek(2).is_float()) {
        return Flow::Deopt;
    }
    let (a, b) = (r.peek(2).as_float(), r.peek(1).as_float());
    r.drop_now(1);
    let outcome = if a < b {
        LESS
    } else if a == b {
        EQUAL
    } else if a > b {
        GREATER
    } else {
        UNORDERED
    };
    r.poke(1, Value::bool(outcome & o != 0));
    Flow::Next
}

/// `==` and `!=` of strings.
#[inline(always)]
pub fn COMPARE_STR(r: &mut Regs, o: u32) -> Flow {
    let (a, b) = (r.peek(2), r.peek(1));
    if a.shape() != builtin::shapes::STR || b.shape() != builtin::shapes::STR {
        return Flow::Deopt;
    }
    // SAFETY: both shapes are a str's.
    let equal = unsafe { a == b || strings_equal(Ref::from_value(a), Ref::from_value(b)) };
    let outcome = if equal { EQUAL } else { LESS | GREATER };
    replace_two(r, Value::bool(outcome & o != 0))
}

#[inline(never)]
fn strings_equal(a: Ref<Str>, b: Ref<Str>) -> bool {
    a.equals(&b)
}

/// `is` and `is not`.
#[inline(always)]
pub fn IS_SAME(r: &mut Regs, o: u32) -> Flow {
    let same = r.peek(2) == r.peek(1);
    replace_two(r, Value::bool(same != (o != 0)))
}

/// `x in y`
#[inline(always)]
pub fn CONTAINS_OP_GENERIC(r: &mut Regs, o: u32) -> Flow {
    if !specialize::too_early(r, Opcode::CONTAINS_OP) {
        return Flow::Slow(contains_op);
    }
    if has_python_class(r.peek(1)) {
        return Flow::Slow(contains_op_plain);
    }
    r.save();
    let found = attempt_here!(sequence::contains(r.t(), r.peek(1), r.peek(2)));
    replace_two(r, Value::bool(found != (o != 0)))
}

unsafe fn contains_op(r: &mut Regs, o: u32) -> Step {
    specialize::contains_op(r);
    // SAFETY: the same instruction.
    unsafe { contains_op_plain(r, o) }
}

unsafe fn contains_op_plain(r: &mut Regs, o: u32) -> Step {
    if has_python_class(r.peek(1))
        && let Some(step) = call_containment(r, o)
    {
        return step;
    }
    let found = attempt!(sequence::contains(r.t(), r.peek(1), r.peek(2)));
    r.drop_n(1);
    r.poke(1, Value::bool(found != (o != 0)));
    Step::Next
}

/// `in` a set or frozenset.
#[inline(always)]
pub fn CONTAINED_IN_SET(r: &mut Regs, o: u32) -> Flow {
    let shape = r.peek(1).shape();
    if shape != builtin::shapes::SET && shape != builtin::shapes::FROZENSET {
        return Flow::Deopt;
    }
    r.save();
    let found = attempt_here!(set_contains(r.t(), r.peek(1), r.peek(2)));
    replace_two(r, Value::bool(found != (o != 0)))
}

/// As `dict_contains`.
#[inline(never)]
fn set_contains(t: &Thread, set: Value, v: Value) -> R<bool> {
    crate::types::set::contains_value(t, set, v)
}

/// `in` anything whose type has a slot for it.
#[inline(always)]
pub fn CONTAINED_IN_NATIVE(r: &mut Regs, o: u32) -> Flow {
    let container = r.peek(1);
    if !container.is_cell() {
        return Flow::Deopt;
    }
    let Some(contains) = container.class().slots().contains else { return Flow::Deopt };
    r.save();
    let found = attempt_here!(contains(r.t(), container, r.peek(2)));
    replace_two(r, Value::bool(found != (o != 0)))
}

/// `in` a dict.
#[inline(always)]
pub fn CONTAINED_IN_DICT(r: &mut Regs, o: u32) -> Flow {
    if r.peek(1).shape() != builtin::shapes::DICT {
        return Flow::Deopt;
    }
    r.save();
    // SAFETY: the shape is a dict's.
    let found = attempt_here!(dict_contains(r.t(), unsafe { Ref::from_value(r.peek(1)) }, r.peek(2)));
    replace_two(r, Value::bool(found != (o != 0)))
}

/// Out of line: a handler that inlined it would have locals of its own.
#[inline(never)]
fn dict_contains(t: &Thread, dict: Ref<Dict>, key: Value) -> R<bool> {
    dict.contains(t, key)
}
