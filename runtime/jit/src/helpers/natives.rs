//! Native functions that machine code calls as it calls a program's: their parameters are in a slice. NULL without an exception, or with
//! one that is dropped, leaves the instruction to the interpreter.

use super::hash_now;
use limpid_bytecode::BinaryOperator;
use limpid_heap::Value;
use limpid_vm::args::{Args, NativeBody};
use limpid_vm::modules::builtins::sum;
use limpid_vm::object::{R, ValueExt};
use limpid_vm::protocol::{iter, number, sequence, truth};
use limpid_vm::thread::Thread;
use limpid_vm::types::builtin;
use limpid_vm::types::iterators;
use limpid_vm::types::set::Set;
use limpid_vm::types::{BuiltinFunction, Dict, List, Range, Tuple, slice, type_};

/// The most values that [`call_bound`] passes.
pub const MOST_OF_BOUND: usize = 8;

/// Calls the native method that a value is bound to: the address of what defines it, the bound method, the parameters behind the receiver.
/// NULL: it is another method.
pub fn call_bound(t: &Thread, a: &[Value]) -> R {
    let method = a[1].exact::<BuiltinFunction>().filter(|f| f.passes_receiver() && std::ptr::from_ref(f.def()) as u64 == a[0].bits());
    let Some(method) = method else { return Ok(Value::NULL) };
    let (NativeBody::Bound(body) | NativeBody::Positional(body)) = method.def().body else { return Ok(Value::NULL) };
    let mut items = [Value::NULL; MOST_OF_BOUND];
    let items = &mut items[..a.len() - 1];
    items.copy_from_slice(&a[1..]);
    items[0] = method.receiver.get();
    body(t, items)
}

/// `range(a)`, `range(a, b)`, `range(a, b, c)` of inline ints; NULL: it has no small numbers only.
pub fn make_range(t: &Thread, a: &[Value]) -> R {
    let range = match *a {
        [stop] => Range::new_small(t, Value::int(0), stop, Value::int(1)),
        [start, stop] => Range::new_small(t, start, stop, Value::int(1)),
        [start, stop, step] => Range::new_small(t, start, stop, step),
        _ => None,
    };
    Ok(range.map_or(Value::NULL, |range| range.value()))
}

/// `b op c` of ints, `a` being the number of the operator.
pub fn operate_on_ints(t: &Thread, a: &[Value]) -> R {
    BinaryOperator::from_oparg(a[0].as_int() as u32).map_or(Ok(Value::NULL), |op| number::binary(t, op, a[1], a[2]))
}

/// `iter(a)` of a native type, or of one that has its `__iter__` from there.
pub fn get_iterator(t: &Thread, a: &[Value]) -> R {
    iter::get_iter(t, a[0])
}

/// `len(a)` of a builtin type.
pub fn len(t: &Thread, a: &[Value]) -> R {
    match a[0].class().slots().len {
        Some(len) => Ok(Value::int(len(t, a[0])? as i64)),
        None => Ok(Value::NULL),
    }
}

/// `b in a` of strings.
pub fn contains(t: &Thread, a: &[Value]) -> R {
    Ok(Value::bool(sequence::contains(t, a[0], a[1])?))
}

/// `bool(a)` of a builtin type.
pub fn truth(t: &Thread, a: &[Value]) -> R {
    Ok(Value::bool(truth::truth(t, a[0])?))
}

/// `min(...)` of inline ints or of floats.
pub fn least(_: &Thread, a: &[Value]) -> R {
    Ok(a[1..].iter().fold(a[0], |best, v| if is_less(*v, best) { *v } else { best }))
}

/// `max(...)`, likewise.
pub fn greatest(_: &Thread, a: &[Value]) -> R {
    Ok(a[1..].iter().fold(a[0], |best, v| if is_less(best, *v) { *v } else { best }))
}

/// `min(a)` of a list or tuple; NULL: it has other items than inline ints, or than floats, or none.
pub fn least_in(_: &Thread, a: &[Value]) -> R {
    extremum_in(a[0], |best, v| is_less(v, best))
}

/// `max(a)`, likewise.
pub fn greatest_in(_: &Thread, a: &[Value]) -> R {
    extremum_in(a[0], is_less)
}

fn extremum_in(sequence: Value, is_better: fn(Value, Value) -> bool) -> R {
    let mut best = Value::NULL;
    let known = each_item(sequence, |v| {
        let fits = v.is_int() && (best.is_null() || best.is_int()) || v.is_float() && (best.is_null() || best.is_float());
        if fits && (best.is_null() || is_better(best, v)) {
            best = v;
        }
        Ok(fits)
    })?;
    Ok(if known { best } else { Value::NULL })
}

/// `sum(a)` of a list or tuple; NULL: it has other items than numbers that are no cells.
pub fn sum_of(t: &Thread, a: &[Value]) -> R {
    let mut total = Value::int(0);
    let known = each_item(a[0], |v| {
        let fits = (v.is_int() || v.is_float() || v.is_bool()) && (total.is_int() || total.shape() == sum::accumulator_shape());
        if fits {
            total = sum::add(t, total, v)?;
        }
        Ok(fits)
    })?;
    Ok(if known { sum::result(t, total) } else { Value::NULL })
}

/// Shows a function the items of a list or tuple while it gives true. Did it?
fn each_item(sequence: Value, mut f: impl FnMut(Value) -> R<bool>) -> R<bool> {
    if let Some(list) = sequence.exact::<List>() {
        for v in list.items() {
            if !f(v)? {
                return Ok(false);
            }
        }
    } else if let Some(tuple) = sequence.exact::<Tuple>() {
        for &v in tuple.as_slice() {
            if !f(v)? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// The sum `a` so far, an accumulator, with the number `b`.
pub fn sum_add(t: &Thread, a: &[Value]) -> R {
    sum::add(t, a[0], a[1])
}

/// `a.setdefault(b, c)` of a dict; NULL: that needs Python code.
pub fn set_default(t: &Thread, a: &[Value]) -> R {
    let (Some(dict), Some(hash)) = (a[0].exact::<Dict>(), hash_now(t, a[1])) else { return Ok(Value::NULL) };
    Ok(dict.set_default_now(t, a[1], hash, a[2])?.unwrap_or(Value::NULL))
}

/// `a.pop(b)` or `a.pop(b, c)` of a dict; NULL: that needs Python code, or raises an exception.
pub fn pop_from_dict(t: &Thread, a: &[Value]) -> R {
    let (Some(dict), Some(hash)) = (a[0].exact::<Dict>(), hash_now(t, a[1])) else { return Ok(Value::NULL) };
    let default = a.get(2).copied().unwrap_or(Value::NULL);
    Ok(dict.remove_now(t, a[1], hash).map_or(Value::NULL, |removed| removed.unwrap_or(default)))
}

fn is_less(a: Value, b: Value) -> bool {
    if Value::both_int(a, b) { a.as_int() < b.as_int() } else { a.as_float() < b.as_float() }
}

/// `b.name`, where the class of `b` has the method `a` under that name.
pub fn bind(t: &Thread, a: &[Value]) -> R {
    a[0].class().slots().descr_get.map_or(Ok(Value::NULL), |get| get(t, a[0], a[1], a[1].class().value()))
}

/// `int(a)`
pub fn make_int(t: &Thread, a: &[Value]) -> R {
    type_::call_class(t, builtin::INT, Args::positional(a))
}

/// `float(a)`
pub fn make_float(t: &Thread, a: &[Value]) -> R {
    type_::call_class(t, builtin::FLOAT, Args::positional(a))
}

/// `a[b]` of a native type; NULL: it has no items.
pub fn get_item(t: &Thread, a: &[Value]) -> R {
    a[0].class().slots().getitem.map_or(Ok(Value::NULL), |getitem| getitem(t, a[0], a[1]))
}

/// `b[c] = a`, likewise.
pub fn set_item(t: &Thread, a: &[Value]) -> R {
    a[1].class().slots().setitem.map_or(Ok(Value::NULL), |setitem| setitem(t, a[1], a[2], a[0]).map(|()| Value::NONE))
}

/// A dict of keys, which are strings, and values by turns.
pub fn make_dict(t: &Thread, a: &[Value]) -> R {
    let dict = Dict::new(t);
    for pair in a.chunks_exact(2) {
        dict.set_name(t, pair[0], pair[1])?;
    }
    Ok(dict.value())
}

/// `a.add(b)` of a set; NULL: that needs Python code.
pub fn add_to_set(t: &Thread, a: &[Value]) -> R {
    let (Some(set), Some(hash)) = (a[0].exact::<Set>(), hash_now(t, a[1])) else { return Ok(Value::NULL) };
    Ok(if set.add_now(t, a[1], hash)?.is_some() { Value::NONE } else { Value::NULL })
}

/// `a.discard(b)` of a set, likewise.
pub fn discard_from_set(t: &Thread, a: &[Value]) -> R {
    let (Some(set), Some(hash)) = (a[0].exact::<Set>(), hash_now(t, a[1])) else { return Ok(Value::NULL) };
    Ok(if set.discard_now(t, a[1], hash).is_some() { Value::NONE } else { Value::NULL })
}

/// The next item of an iterator object that [`iterators::is_plain`]; NULL at its end.
pub fn next_item(t: &Thread, a: &[Value]) -> R {
    if iterators::is_plain(a[0]) { iter::next(t, a[0]) } else { Ok(Value::NULL) }
}

/// `a[b:c]`, as a native function.
pub fn get_slice(t: &Thread, a: &[Value]) -> R {
    sequence::get_slice(t, a[0], a[1], a[2])
}

/// `a[b:c:d]` of a list, likewise.
pub fn get_slice_with_step(t: &Thread, a: &[Value]) -> R {
    let bounds = slice::bounds(t, a[1], a[2], a[3])?;
    a[0].exact::<List>().map_or(Ok(Value::NULL), |list| Ok(list.slice(t, bounds)?.value()))
}

/// `b[c:d] = a`, as a native function.
pub fn set_slice(t: &Thread, a: &[Value]) -> R {
    sequence::set_slice(t, a[1], a[2], a[3], a[0]).map(|()| Value::NONE)
}

/// `a + b`, as a native function.
pub fn concat(t: &Thread, a: &[Value]) -> R {
    number::add(t, a[0], a[1])
}
