//! Iteration over any object.

use super::attr::lookup_special;
use super::call::call;
use crate::object::{R, Ref, ValueExt};
use crate::slots::Next;
use crate::thread::Thread;
use crate::types::{List, Tuple, ValueList, builtin, coroutine, flag, set, type_};
use limpid_heap::Value;

/// `iter(v)`.
#[inline]
pub fn get_iter(t: &Thread, v: Value) -> R {
    let class = v.class();
    let Some(f) = class.slots().iter else { return iter_by_index(t, v) };
    let iterator = f(t, v)?;
    if iterator.class().slots().next.is_none() {
        raise!(t, TypeError, "iter() returned non-iterator of type '{}'", iterator.class().display_name())
    }
    Ok(iterator)
}

/// An object without `__iter__` is iterated by index if it is a sequence.
#[cold]
fn iter_by_index(t: &Thread, v: Value) -> R {
    if is_sequence(v) {
        return Ok(crate::types::iterators::sequence_iterator(t, v));
    }
    raise!(t, TypeError, "'{}' object is not iterable", v.class().display_name())
}

/// Can items be got by index? A class written in Python that has `__getitem__` is taken at its word, unless it is a dict.
pub fn is_sequence(v: Value) -> bool {
    let class = v.class();
    class.slots().getitem.is_some()
        && !class.has(flag::DICT_SUBCLASS)
        && (class.has(flag::HEAP_TYPE) || class.slots().len.is_some() && !class.has(flag::MAPPING))
}

/// The next item of an iterator; NULL at the end.
#[inline]
pub fn next(t: &Thread, iterator: Value) -> R {
    let next = next_function(t, iterator)?;
    t.check_stack("")?;
    next(t, iterator)
}

/// The next item by the iterator's function for that; at the end StopIteration, with the value that goes with the end if there is one.
pub fn next_or_stop(t: &Thread, next: Next, iterator: Value) -> R {
    if coroutine::is_generator_next(next) {
        return coroutine::next_raising(t, iterator);
    }
    if type_::is_python_next(next) {
        return type_::next_raising(t, iterator);
    }
    match next(t, iterator)? {
        Value::NULL => Err(t.raise_with(crate::exc::StopIteration, &[])),
        v => Ok(v),
    }
}

/// What [`next`] calls: for loops.
#[inline]
pub fn next_function(t: &Thread, iterator: Value) -> R<Next> {
    match iterator.class().slots().next {
        Some(f) => Ok(f),
        None => raise!(t, TypeError, "'{}' object is not an iterator", iterator.class().display_name()),
    }
}

/// Calls `f` with each item. Lists, tuples and frozensets are read in place, a list as it is at that moment.
#[inline]
pub fn for_each(t: &Thread, v: Value, mut f: impl FnMut(Value) -> R<()>) -> R<()> {
    if let Some(tuple) = v.exact::<Tuple>() {
        return tuple.as_slice().iter().try_for_each(|x| f(*x));
    }
    if let Some(list) = v.exact::<List>() {
        let mut i = 0;
        while let Some(x) = list.get(i) {
            f(x)?;
            i += 1;
        }
        return Ok(());
    }
    if let Some(set) = set::as_exact_frozenset(v) {
        return set.entries().try_for_each(|(x, _)| f(x));
    }
    let iterator = get_iter(t, v)?;
    for_each_next(t, iterator, f)
}

/// Calls `f` with each item that is left in an iterator.
#[inline]
pub fn for_each_next(t: &Thread, iterator: Value, mut f: impl FnMut(Value) -> R<()>) -> R<()> {
    let next = next_function(t, iterator)?;
    loop {
        let x = next(t, iterator)?;
        if x.is_null() {
            return Ok(());
        }
        f(x)?;
        t.poll()?;
    }
}

/// All items, for native code.
pub fn collect(t: &Thread, v: Value) -> R<ValueList> {
    let mut out = ValueList::new(t);
    for_each(t, v, |x| {
        out.push(t, x);
        Ok(())
    })?;
    Ok(out)
}

/// `list(v)`.
pub fn to_list(t: &Thread, v: Value) -> R<Ref<List>> {
    let list = List::new(t);
    list.extend(t, v)?;
    Ok(list)
}

/// `tuple(v)`: a tuple itself when `v` is exactly one.
pub fn to_tuple(t: &Thread, v: Value) -> R<Ref<Tuple>> {
    if let Some(tuple) = v.exact::<Tuple>() {
        return Ok(tuple);
    }
    match v.exact::<List>() {
        Some(list) => list.to_tuple(t),
        None => to_list(t, v)?.to_tuple(t),
    }
}

/// How many items iteration will yield, as far as the object says; `default` when it does not.
pub fn length_hint(t: &Thread, v: Value, default: usize) -> R<usize> {
    if let Some(f) = v.class().slots().len {
        match f(t, v) {
            Ok(n) => return Ok(n),
            Err(_) => t.catch(crate::exc::TypeError)?,
        }
    }
    let Some(method) = lookup_special(t, v, crate::names::__length_hint__)? else { return Ok(default) };
    let hint = match call(t, method, &[]) {
        Ok(hint) => hint,
        Err(_) => {
            t.catch(crate::exc::TypeError)?;
            return Ok(default);
        }
    };
    if hint == Value::NOT_IMPLEMENTED {
        return Ok(default);
    }
    if !hint.is_instance(builtin::INT) {
        raise!(t, TypeError, "__length_hint__ must be an integer, not {}", hint.class().display_name())
    }
    let n = crate::types::int::to_i64(t, hint)?;
    if n < 0 {
        raise!(t, ValueError, "__length_hint__() should return >= 0")
    }
    Ok(n as usize)
}

/// Has it a `__next__`?
pub fn is_iterator(v: Value) -> bool {
    v.class().slots().next.is_some()
}
