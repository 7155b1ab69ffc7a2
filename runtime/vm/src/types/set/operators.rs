//! Union, intersection, difference and comparison of sets.
//!
//! A result has the base type of the left operand, set or frozenset. Operators want sets on both sides; the functions that methods use
//! take any iterable on the right.

use super::table::Table;
use super::{Set, as_set, for_each_hashed};
use crate::object::{R, Ref, ValueExt};
use crate::slots::Compare;
use crate::thread::Thread;
use crate::types::{Dict, Type, builtin};
use limpid_heap::Value;

/// `frozenset` for a frozenset or an instance of a subclass, else `set`.
pub fn base_class(set: Ref<Set>) -> Ref<Type> {
    if set.value().class().is_subtype(builtin::FROZENSET) { builtin::FROZENSET } else { builtin::SET }
}

/// A copy of base type.
pub fn copy(t: &Thread, set: Ref<Set>) -> R<Ref<Set>> {
    set.copy_as(t, base_class(set))
}

/// `set & other`
pub fn intersection(t: &Thread, set: Ref<Set>, other: Value) -> R<Ref<Set>> {
    if other == set.value() {
        return copy(t, set);
    }
    let result = Set::new_instance(t, base_class(set));
    if let Some(other) = as_set(other) {
        let (small, large) = if other.len() > set.len() { (set, other) } else { (other, set) };
        for (key, hash) in small.entries() {
            if large.contains_hashed(t, key, hash)? {
                result.add_unshared(t, key, hash)?;
            }
        }
        return Ok(result);
    }
    for_each_hashed(t, other, |key, hash| {
        if set.contains_hashed(t, key, hash)? {
            result.add_hashed(t, key, hash)?;
        }
        Ok(())
    })?;
    Ok(result)
}

/// `set - other`
pub fn difference(t: &Thread, set: Ref<Set>, other: Value) -> R<Ref<Set>> {
    let keys = as_set(other).map(|s| s.len()).or_else(|| other.exact::<Dict>().map(|d| d.len()));
    if keys.is_none_or(|n| set.len() / 4 > n) {
        let result = copy(t, set)?;
        difference_update(t, result, other)?;
        return Ok(result);
    }
    let result = Set::new_instance(t, base_class(set));
    // So many keys are left at least.
    let left = set.len().saturating_sub(keys.unwrap_or(0));
    if left > 0 {
        let table = Table::for_keys(t, left)?;
        result.table.set(t, result, table.value());
    }
    if let Some(other) = as_set(other) {
        for (key, hash) in set.entries() {
            if !other.contains_hashed(t, key, hash)? {
                result.add_unshared(t, key, hash)?;
            }
        }
    } else if let Some(dict) = other.exact::<Dict>() {
        for (key, hash) in set.entries() {
            if dict.get_hashed(t, key, hash)?.is_none() {
                result.add_unshared(t, key, hash)?;
            }
        }
    }
    Ok(result)
}

/// `set -= other`
pub fn difference_update(t: &Thread, set: Ref<Set>, other: Value) -> R<()> {
    if other == set.value() {
        set.clear(t);
        return Ok(());
    }
    if let Some(other) = as_set(other)
        && other.len() / 8 > set.len()
    {
        for (key, hash) in set.entries() {
            if other.contains_hashed(t, key, hash)? {
                set.discard_hashed(t, key, hash)?;
            }
        }
        return Ok(());
    }
    for_each_hashed(t, other, |key, hash| set.discard_hashed(t, key, hash).map(|_| ()))
}

/// `set ^= other`
pub fn symmetric_difference_update(t: &Thread, set: Ref<Set>, other: Value) -> R<()> {
    if other == set.value() {
        set.clear(t);
        return Ok(());
    }
    // An iterable may yield a key more than once.
    let other = match as_set(other) {
        Some(other) => other,
        None => {
            let unique = Set::new(t);
            unique.update_from(t, other)?;
            unique
        }
    };
    for (key, hash) in other.entries() {
        if !set.discard_hashed(t, key, hash)? {
            set.add_hashed(t, key, hash)?;
        }
    }
    Ok(())
}

/// `set ^ other`
pub fn symmetric_difference(t: &Thread, set: Ref<Set>, other: Value) -> R<Ref<Set>> {
    let result = Set::new_instance(t, base_class(set));
    result.update_from(t, other)?;
    symmetric_difference_update(t, result, set.value())?;
    Ok(result)
}

/// `set <= other`
pub fn is_subset(t: &Thread, set: Ref<Set>, other: Ref<Set>) -> R<bool> {
    if set.len() > other.len() {
        return Ok(false);
    }
    for (key, hash) in set.entries() {
        if !other.contains_hashed(t, key, hash)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Have they no key in common?
pub fn is_disjoint(t: &Thread, set: Ref<Set>, other: Value) -> R<bool> {
    if other == set.value() {
        return Ok(set.is_empty());
    }
    if let Some(other) = as_set(other) {
        let (small, large) = if other.len() > set.len() { (set, other) } else { (other, set) };
        for (key, hash) in small.entries() {
            if large.contains_hashed(t, key, hash)? {
                return Ok(false);
            }
        }
        return Ok(true);
    }
    let iterator = crate::protocol::iter::get_iter(t, other)?;
    loop {
        let key = crate::protocol::iter::next(t, iterator)?;
        if key.is_null() {
            return Ok(true);
        }
        if set.contains(t, key)? {
            return Ok(false);
        }
        t.poll()?;
    }
}

/// Both operands as sets, for operators.
fn both(a: Value, b: Value) -> Option<(Ref<Set>, Ref<Set>)> {
    Some((as_set(a)?, as_set(b)?))
}

pub fn or(t: &Thread, a: Value, b: Value) -> R {
    let Some((set, other)) = both(a, b) else { return Ok(Value::NOT_IMPLEMENTED) };
    let result = copy(t, set)?;
    result.merge(t, other)?;
    Ok(result.value())
}

pub fn and(t: &Thread, a: Value, b: Value) -> R {
    match both(a, b) {
        Some((set, _)) => Ok(intersection(t, set, b)?.value()),
        None => Ok(Value::NOT_IMPLEMENTED),
    }
}

pub fn sub(t: &Thread, a: Value, b: Value) -> R {
    match both(a, b) {
        Some((set, _)) => Ok(difference(t, set, b)?.value()),
        None => Ok(Value::NOT_IMPLEMENTED),
    }
}

pub fn xor(t: &Thread, a: Value, b: Value) -> R {
    match both(a, b) {
        Some((set, _)) => Ok(symmetric_difference(t, set, b)?.value()),
        None => Ok(Value::NOT_IMPLEMENTED),
    }
}

pub fn ior(t: &Thread, a: Value, b: Value) -> R {
    let Some((set, other)) = both(a, b) else { return Ok(Value::NOT_IMPLEMENTED) };
    set.merge(t, other)?;
    Ok(a)
}

pub fn iand(t: &Thread, a: Value, b: Value) -> R {
    let Some((set, _)) = both(a, b) else { return Ok(Value::NOT_IMPLEMENTED) };
    set.take_from(t, intersection(t, set, b)?);
    Ok(a)
}

pub fn isub(t: &Thread, a: Value, b: Value) -> R {
    let Some((set, _)) = both(a, b) else { return Ok(Value::NOT_IMPLEMENTED) };
    difference_update(t, set, b)?;
    Ok(a)
}

pub fn ixor(t: &Thread, a: Value, b: Value) -> R {
    let Some((set, _)) = both(a, b) else { return Ok(Value::NOT_IMPLEMENTED) };
    symmetric_difference_update(t, set, b)?;
    Ok(a)
}

pub fn richcompare(t: &Thread, a: Value, b: Value, op: Compare) -> R {
    let Some((set, other)) = both(a, b) else { return Ok(Value::NOT_IMPLEMENTED) };
    let answer = match op {
        Compare::Eq | Compare::Ne => {
            let equal = set == other || set.len() == other.len() && is_subset(t, set, other)?;
            equal == (op == Compare::Eq)
        }
        Compare::Le => is_subset(t, set, other)?,
        Compare::Ge => is_subset(t, other, set)?,
        Compare::Lt => set.len() < other.len() && is_subset(t, set, other)?,
        Compare::Gt => set.len() > other.len() && is_subset(t, other, set)?,
    };
    Ok(Value::bool(answer))
}
