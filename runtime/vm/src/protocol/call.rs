//! Calling anything.

use crate::args::Args;
use crate::exc;
use crate::interp::calls;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::attr;
use crate::thread::Thread;
use crate::types::{BuiltinFunction, Dict, Function, Method, Str, Tuple, ValueList, builtin};
use limpid_heap::Value;
use limpid_probes as probes;

/// How many arguments are handled without a list in the heap.
const FEW: usize = 16;

/// `f(*args)`
#[inline]
pub fn call(t: &Thread, f: Value, args: &[Value]) -> R {
    call_args(t, f, Args::positional(args))
}

/// `f(...)`
pub fn call_args(t: &Thread, f: Value, args: Args<'_>) -> R {
    if f.is_cell() {
        let shape = f.shape();
        // SAFETY: the shapes tell the layouts.
        unsafe {
            if shape == builtin::shapes::FUNCTION {
                return calls::call_function(t, Ref::<Function>::from_value(f), args);
            }
            if shape == builtin::shapes::BUILTIN_FUNCTION {
                return call_builtin(t, Ref::<BuiltinFunction>::from_value(f), args);
            }
            if shape == builtin::shapes::METHOD {
                let m = Ref::<Method>::from_value(f);
                t.check_stack("")?;
                return call_with_receiver(t, m.function.get(), m.receiver.get(), args);
            }
        }
    }
    match f.class().slots().call {
        Some(slot) => {
            t.check_stack(" while calling a Python object")?;
            slot(t, f, args)
        }
        None => raise!(t, TypeError, "'{}' object is not callable", f.class().display_name()),
    }
}

/// Calls a native function, with its probes.
#[inline]
pub fn call_builtin(t: &Thread, f: Ref<BuiltinFunction>, args: Args<'_>) -> R {
    if probes::cfunction_tracers() != 0 {
        return call_builtin_traced(t, f, args);
    }
    f.invoke(t, args)
}

#[cold]
#[inline(never)]
fn call_builtin_traced(t: &Thread, f: Ref<BuiltinFunction>, args: Args<'_>) -> R {
    let (module, name) = f.probe_names();
    probes::cfunction__entry::fire(module, name);
    let result = f.invoke(t, args);
    probes::cfunction__return::fire(module, name);
    result
}

/// `f(receiver, ...)`
pub fn call_with_receiver(t: &Thread, f: Value, receiver: Value, args: Args<'_>) -> R {
    let all = args.all();
    if all.len() < FEW {
        let mut few = [Value::NULL; FEW];
        few[0] = receiver;
        few[1..=all.len()].copy_from_slice(all);
        return call_args(t, f, Args::with_keywords(&few[..=all.len()], args.names()));
    }
    let mut list = ValueList::with_capacity(t, all.len() + 1);
    list.push(t, receiver);
    all.iter().for_each(|v| list.push(t, *v));
    call_args(t, f, Args::with_keywords(list.as_slice(), args.names()))
}

/// `object.name(*args)`, without making a bound method where that can be avoided.
pub fn call_method(t: &Thread, object: Value, name: Value, args: &[Value]) -> R {
    let (f, receiver) = attr::get_method(t, object, name)?;
    if receiver.is_null() { call(t, f, args) } else { call_with_receiver(t, f, receiver, Args::positional(args)) }
}

/// As [`call_method`], the name as text.
pub fn call_method_text(t: &Thread, object: Value, name: &str, args: &[Value]) -> R {
    call_method(t, object, crate::types::str::intern(t, name), args)
}

/// `f(*args, **kwargs)` for a tuple and a dict (or NULL).
pub fn call_unpacked(t: &Thread, f: Value, args: Ref<Tuple>, kwargs: Option<Ref<Dict>>) -> R {
    match kwargs.filter(|d| !d.is_empty()) {
        None => call(t, f, args.as_slice()),
        Some(d) => {
            let mut all = ValueList::from_slice(t, args.as_slice());
            let names = unpack_keywords(t, d, &mut all)?;
            call_args(t, f, Args::with_keywords(all.as_slice(), names))
        }
    }
}

/// Adds the values of keyword arguments to those of others; their names as a tuple.
pub fn unpack_keywords(t: &Thread, keywords: Ref<Dict>, all: &mut ValueList) -> R {
    let mut names = ValueList::with_capacity(t, keywords.len());
    let mut position = 0;
    while let Some((k, v)) = keywords.next_entry(&mut position) {
        if k.downcast::<Str>().is_none() {
            raise!(t, TypeError, "keywords must be strings");
        }
        names.push(t, k);
        all.push(t, v);
    }
    Ok(Tuple::from_slice(t, names.as_slice()).value())
}

/// Is it callable?
pub fn is_callable(v: Value) -> bool {
    v.class().slots().call.is_some()
}

/// Calls something whose StopIteration means "no more": NULL then.
pub fn call_next(t: &Thread, f: Value, args: &[Value]) -> R {
    match call(t, f, args) {
        Err(_) if t.exception_is(exc::StopIteration) => {
            t.take_exception();
            Ok(Value::NULL)
        }
        other => other,
    }
}
