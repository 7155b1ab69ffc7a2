//! Comparing any two objects.
//!
//! The operators that containers use to find things, [`values_equal`] and [`identical_or_equal_now`], take an object to be equal to
//! itself before they ask it, as CPython's do.

use crate::object::{R, Ref, ValueExt};
use crate::slots::Compare;
use crate::thread::Thread;
use crate::types::{Str, Tuple, Type, builtin};
use limpid_heap::Value;

use super::truth::truth;

/// `a < b` and its five sisters; the result may be any object.
#[inline]
pub fn rich_compare(t: &Thread, a: Value, b: Value, op: Compare) -> R {
    match compare_now(a, b, op) {
        Some(answer) => Ok(Value::bool(answer)),
        None => compare_by_slots(t, a, b, op),
    }
}

/// The truth of `a < b` and its five sisters. Does not take an object to be equal to itself.
#[inline]
pub fn compare_bool(t: &Thread, a: Value, b: Value, op: Compare) -> R<bool> {
    match compare_now(a, b, op) {
        Some(answer) => Ok(answer),
        None => truth(t, compare_by_slots(t, a, b, op)?),
    }
}

/// Is it the same object, or an equal one?
#[inline]
pub fn values_equal(t: &Thread, a: Value, b: Value) -> R<bool> {
    match identical_or_equal_now(a, b) {
        Some(answer) => Ok(answer),
        None => truth(t, compare_by_slots(t, a, b, Compare::Eq)?),
    }
}

/// As [`values_equal`], if that can be told without running code of a Python program; so it may be asked while a lock is held.
#[inline]
pub fn identical_or_equal_now(a: Value, b: Value) -> Option<bool> {
    if a == b {
        return Some(true);
    }
    if Value::both_int(a, b) {
        return Some(false);
    }
    if a.is_cell() && b.is_cell() && a.class() == builtin::STR && b.class() == builtin::STR {
        return Some(both_str(a, b).0.equals(&both_str(a, b).1));
    }
    compare_now(a, b, Compare::Eq)
}

/// The answer for two numbers that are no cells, and for the equality of strings, of tuples of such, and of what is only equal to itself.
#[inline]
pub fn compare_now(a: Value, b: Value, op: Compare) -> Option<bool> {
    if Value::both_int(a, b) {
        return Some(op.holds(a.as_int().cmp(&b.as_int())));
    }
    if a.is_cell() && b.is_cell() {
        if matches!(op, Compare::Eq | Compare::Ne) && a.class() == builtin::STR && b.class() == builtin::STR {
            let (a, b) = both_str(a, b);
            return Some(a.equals(&b) == (op == Compare::Eq));
        }
        return match op {
            Compare::Eq | Compare::Ne => objects_equal_now(a, b).map(|equal| equal == (op == Compare::Eq)),
            _ => None,
        };
    }
    compare_immediate(a, b, op)
}

#[inline(never)]
fn objects_equal_now(a: Value, b: Value) -> Option<bool> {
    let (Some(x), Some(y)) = (a.exact::<Tuple>(), b.exact::<Tuple>()) else {
        return (compares_identity(a.class()) && compares_identity(b.class())).then_some(a == b);
    };
    tuples_equal_now(x, y, DEEPEST)
}

/// How many tuples may be in one another to be compared at once: not so many that the stack could be too small.
const DEEPEST: usize = 8;

fn tuples_equal_now(a: Ref<Tuple>, b: Ref<Tuple>, depth: usize) -> Option<bool> {
    for (&x, &y) in a.as_slice().iter().zip(b.as_slice()) {
        let nested = if x != y { x.exact::<Tuple>().zip(y.exact::<Tuple>()) } else { None };
        let equal = match nested {
            Some((x, y)) => tuples_equal_now(x, y, depth.checked_sub(1)?)?,
            None => identical_or_equal_now(x, y)?,
        };
        if !equal {
            return Some(false);
        }
    }
    Some(a.len() == b.len())
}

/// Have the instances of a class no `==` of their own?
pub fn compares_identity(class: Ref<Type>) -> bool {
    let of_object = builtin::OBJECT.slots().richcompare;
    class.slots().richcompare.zip(of_object).is_some_and(|(own, of_object)| std::ptr::fn_addr_eq(own, of_object))
}

#[inline(always)]
fn both_str(a: Value, b: Value) -> (Ref<Str>, Ref<Str>) {
    // SAFETY: the callers have tested that both are strings.
    unsafe { (Ref::from_value(a), Ref::from_value(b)) }
}

/// Numbers that are no cells: bools, inline ints, floats.
fn compare_immediate(a: Value, b: Value, op: Compare) -> Option<bool> {
    if let (Some(a), Some(b)) = (small_int(a), small_int(b)) {
        return Some(op.holds(a.cmp(&b)));
    }
    // An inline int has at most 49 bits: as a double it is exact.
    let number = |v: Value| if v.is_float() { Some(v.as_float()) } else { small_int(v).map(|i| i as f64) };
    let (Some(a), Some(b)) = (number(a), number(b)) else {
        // None and its like equal nothing but themselves; what a cell thinks of them is the cell's business.
        return match op {
            Compare::Eq if !a.is_cell() && !b.is_cell() => Some(a == b),
            Compare::Ne if !a.is_cell() && !b.is_cell() => Some(a != b),
            _ => None,
        };
    };
    Some(match op {
        Compare::Lt => a < b,
        Compare::Le => a <= b,
        Compare::Eq => a == b,
        Compare::Ne => a != b,
        Compare::Gt => a > b,
        Compare::Ge => a >= b,
    })
}

fn small_int(v: Value) -> Option<i64> {
    if v.is_int() {
        Some(v.as_int())
    } else if v.is_bool() {
        Some((v == Value::TRUE) as i64)
    } else {
        None
    }
}

/// Asks the operands' types: the right one first if it derives from the left one's, else left, then right.
#[inline(never)]
fn compare_by_slots(t: &Thread, a: Value, b: Value, op: Compare) -> R {
    t.check_stack(" in comparison")?;
    let (class_a, class_b) = (a.class(), b.class());
    let reflected = class_b.slots().richcompare;
    let mut asked = false;
    if class_a != class_b
        && let Some(f) = reflected
        && class_b.is_subtype(class_a)
    {
        asked = true;
        let answer = f(t, b, a, op.swapped())?;
        if answer != Value::NOT_IMPLEMENTED {
            return Ok(answer);
        }
    }
    if let Some(f) = class_a.slots().richcompare {
        let answer = f(t, a, b, op)?;
        if answer != Value::NOT_IMPLEMENTED {
            return Ok(answer);
        }
    }
    if asked { nobody_knows(t, a, b, op) } else { after_left(t, a, b, op) }
}

/// `a op b` after the left operand has declined, which was asked first.
pub fn after_left(t: &Thread, a: Value, b: Value, op: Compare) -> R {
    if let Some(f) = b.class().slots().richcompare {
        let answer = f(t, b, a, op.swapped())?;
        if answer != Value::NOT_IMPLEMENTED {
            return Ok(answer);
        }
    }
    nobody_knows(t, a, b, op)
}

/// `a op b` after both operands have declined.
fn nobody_knows(t: &Thread, a: Value, b: Value, op: Compare) -> R {
    match op {
        Compare::Eq => Ok(Value::bool(a == b)),
        Compare::Ne => Ok(Value::bool(a != b)),
        _ => raise!(
            t,
            TypeError,
            "'{}' not supported between instances of '{}' and '{}'",
            op.symbol(),
            a.class().display_name(),
            b.class().display_name()
        ),
    }
}
