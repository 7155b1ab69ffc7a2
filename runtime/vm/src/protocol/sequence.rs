//! Length, subscripts and membership of any object.

use super::compare::values_equal;
use super::iter::{get_iter, next};
use super::number;
use crate::object::{R, Ref, ValueExt};
use crate::thread::Thread;
use crate::types::{List, Tuple, Type, builtin, flag, slice};
use limpid_heap::Value;

pub use super::number::is_index;

/// `len(v)`.
#[inline]
pub fn len(t: &Thread, v: Value) -> R<usize> {
    match v.class().slots().len {
        Some(f) => f(t, v),
        None => raise!(t, TypeError, "object of type '{}' has no len()", v.class().display_name()),
    }
}

/// `object[key]`.
#[inline]
pub fn get_item(t: &Thread, object: Value, key: Value) -> R {
    match object.class().slots().getitem {
        Some(f) => f(t, object, key),
        None => class_item(t, object, key),
    }
}

/// What iteration over a sequence yields at an index.
#[inline]
pub fn item(t: &Thread, sequence: Value, index: Value) -> R {
    match sequence.class().slots().item {
        Some(f) => f(t, sequence, index),
        None => get_item(t, sequence, index),
    }
}

/// `object[key]` where the object's type has no subscripts: a class may have `__class_getitem__`.
#[cold]
fn class_item(t: &Thread, object: Value, key: Value) -> R {
    if !object.is_instance(builtin::TYPE) {
        raise!(t, TypeError, "'{}' object is not subscriptable", object.class().display_name())
    }
    // SAFETY: just tested.
    let class = unsafe { Ref::<Type>::from_value(object) };
    if class == builtin::TYPE {
        return crate::types::generic_alias::class_getitem(t, object, key);
    }
    match super::attr::get_attr_opt(t, object, crate::names::__class_getitem__)? {
        Some(method) => super::call::call(t, method, &[key]),
        None => raise!(t, TypeError, "type '{}' is not subscriptable", class.display_name()),
    }
}

/// `object[key] = value`.
#[inline]
pub fn set_item(t: &Thread, object: Value, key: Value, value: Value) -> R<()> {
    match object.class().slots().setitem {
        Some(f) => f(t, object, key, value),
        None => raise!(t, TypeError, "'{}' object does not support item assignment", object.class().display_name()),
    }
}

/// `del object[key]`.
pub fn del_item(t: &Thread, object: Value, key: Value) -> R<()> {
    let class = object.class();
    match class.slots().setitem {
        Some(f) => f(t, object, key, Value::NULL),
        // CPython's two places that say this say it differently.
        None if class.slots().concat.is_some() || class.has(flag::SEQUENCE) => {
            raise!(t, TypeError, "'{}' object doesn't support item deletion", class.display_name())
        }
        None => raise!(t, TypeError, "'{}' object does not support item deletion", class.display_name()),
    }
}

/// `item in container`.
#[inline]
pub fn contains(t: &Thread, container: Value, item: Value) -> R<bool> {
    match container.class().slots().contains {
        Some(f) => f(t, container, item),
        None => contains_by_iteration(t, container, item),
    }
}

/// Looks for an item among what iteration yields.
pub fn contains_by_iteration(t: &Thread, container: Value, item: Value) -> R<bool> {
    let Ok(iterator) = get_iter(t, container) else {
        t.catch(crate::exc::TypeError)?;
        raise!(t, TypeError, "argument of type '{}' is not a container or iterable", container.class().display_name())
    };
    loop {
        let v = next(t, iterator)?;
        if v.is_null() {
            return Ok(false);
        }
        if values_equal(t, v, item)? {
            return Ok(true);
        }
        t.poll()?;
    }
}

/// The place that an index of a sequence of `len` items names, negative ones counted from the end.
#[inline]
pub fn resolve_index(index: isize, len: usize) -> Option<usize> {
    let i = if index < 0 { index + len as isize } else { index };
    (0..len as isize).contains(&i).then_some(i as usize)
}

/// An index from any object with `__index__`, as subscripts want it: IndexError when it is too big.
#[inline]
pub fn index_of_key(t: &Thread, key: Value) -> R<isize> {
    if key.is_int() { Ok(key.as_int() as isize) } else { number::index_isize_or(t, key, crate::exc::IndexError) }
}

/// `object[start:stop]`; None for what is not given.
pub fn get_slice(t: &Thread, object: Value, start: Value, stop: Value) -> R {
    if let Some(list) = object.exact::<List>() {
        let bounds = slice::bounds(t, start, stop, Value::NONE)?;
        return Ok(list.slice(t, bounds)?.value());
    }
    if let Some(tuple) = object.exact::<Tuple>() {
        let bounds = slice::bounds(t, start, stop, Value::NONE)?;
        return tuple.slice(t, bounds.within(tuple.len()));
    }
    get_item(t, object, slice::new(t, start, stop, Value::NONE))
}

/// `object[start:stop] = v`, without making a slice for a list.
pub fn set_slice(t: &Thread, object: Value, start: Value, stop: Value, v: Value) -> R<()> {
    if let Some(list) = object.exact::<List>() {
        let bounds = slice::bounds(t, start, stop, Value::NONE)?;
        return list.set_slice(t, bounds, v);
    }
    set_item(t, object, slice::new(t, start, stop, Value::NONE), v)
}

/// A bound that `index(value, start, stop)` takes: an int, big ones clipped, not None.
pub fn search_bound(t: &Thread, v: Value, default: isize, len: usize) -> R<usize> {
    if v.is_null() {
        return Ok((default.max(0) as usize).min(len));
    }
    if !number::is_index(v) {
        raise!(t, TypeError, "slice indices must be integers or have an __index__ method")
    }
    let i = number::index_clamped(t, v)?;
    Ok(if i < 0 { i.saturating_add(len as isize).max(0) as usize } else { i as usize })
}
