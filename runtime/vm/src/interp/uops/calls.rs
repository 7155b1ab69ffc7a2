//! Calls, but for those that enter a Python function without leaving the handler.
//!
//! On the stack: the callable, the receiver of a method or NULL, the arguments.

use super::{attempt, attempt_here, slow_uops};
use crate::args::{Args, NativeBody};
use crate::interp;
use crate::interp::calls::{self, push_call};
use crate::interp::regs::{Flow, Regs, Step};
use crate::interp::specialize;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::{call, isinstance, iter, sequence, text};
use crate::thread::Thread;
use crate::types::{BuiltinFunction, Dict, Function, List, Method, MethodDescriptor, Tuple, Type, builtin, int, type_};
use limpid_bytecode::Opcode;
use limpid_heap::Value;
use limpid_probes as probes;
use std::sync::atomic::Ordering::Relaxed;

/// Words from a CALL or CALL_KW to the next instruction.
pub(super) const ADVANCE: isize = 1 + Opcode::CALL.caches() as isize;
/// In the last cache word: the call has a receiver.
pub const HAS_RECEIVER: u16 = 1 << 15;

slow_uops! {
    /// Any call with positional arguments.
    CALL_GENERIC = call_generic;
    /// Any call with keyword arguments.
    CALL_KW_GENERIC = call_kw_generic;
    /// `f(*args, **kwargs)`
    CALL_EX_GENERIC = call_ex;
    /// Anything else.
    CALL_ANYTHING = call_anything;
    /// A Python function with keywords.
    CALL_KW_FUNCTION = call_kw_function;
    /// Anything else with keywords.
    CALL_KW_ANYTHING = call_kw_function;
}

/// The operands of a call: callable, arguments with the receiver in front if there is one, how many values they are on the stack.
fn operands<'a>(r: &Regs, o: u32) -> (Value, &'a [Value], usize) {
    let n = o as usize;
    let all = r.top_slice(n + 2);
    let args = if all[1].is_null() { &all[2..] } else { &all[1..] };
    (all[0], args, n + 2)
}

/// What was called may have waited for long, or have sent a signal to its own process.
fn finish_call(r: &mut Regs, drop: usize, v: Value) -> Step {
    r.drop_n(drop);
    r.push(v);
    if r.t().mutator.eval_breaker.load(Relaxed) != 0 {
        r.save();
        attempt!(r.t().poll());
    }
    Step::Next
}

pub(super) unsafe fn call_generic(r: &mut Regs, o: u32) -> Step {
    specialize::call(r, o);
    // SAFETY: the same instruction.
    unsafe { call_anything(r, o) }
}

pub(super) unsafe fn call_anything(r: &mut Regs, o: u32) -> Step {
    let (f, args, n) = operands(r, o);
    if let Some(f) = f.exact::<Function>() {
        return push_call(r, f, args, Value::NULL, n, ADVANCE);
    }
    if r.peek(o as usize + 1).is_null()
        && let Some((function, receiver)) = with_receiver(r.t(), f)
    {
        r.poke(o as usize + 2, function.value());
        r.poke(o as usize + 1, receiver);
        let (_, args, n) = operands(r, o);
        return push_call(r, function, args, Value::NULL, n, ADVANCE);
    }
    let v = attempt!(call::call(r.t(), f, args));
    finish_call(r, n, v)
}

/// The Python function that a call of a bound method or of an object comes down to, and what it is called with in front of the arguments.
fn with_receiver(t: &Thread, f: Value) -> Option<(Ref<Function>, Value)> {
    match f.exact::<Method>() {
        Some(m) => Some((m.function.get().exact()?, m.receiver.get())),
        None => Some((calls::call_of_instance(t, f)?, f)),
    }
}

/// What the call at `pc` gives, by calling natively and leaving the operands where they are; for callables that have no frame of their own.
pub fn call_without_frame(r: &Regs, o: u32, op: Opcode) -> R {
    let t = r.t();
    match op {
        Opcode::CALL => {
            let (f, args, _) = operands(r, o);
            call::call(t, f, args)
        }
        Opcode::CALL_KW => {
            let n = o as usize + 3;
            let all = r.top_slice(n);
            let args = if all[1].is_null() { &all[2..n - 1] } else { &all[1..n - 1] };
            call::call_args(t, all[0], Args::with_keywords(args, all[n - 1]))
        }
        _ => {
            let (args, kwargs) = unpacked_arguments(r)?;
            call::call_unpacked(t, r.peek(4), args, kwargs)
        }
    }
}

unsafe fn call_kw_generic(r: &mut Regs, o: u32) -> Step {
    specialize::call_kw(r, o);
    // SAFETY: the same instruction.
    unsafe { call_kw_function(r, o) }
}

unsafe fn call_kw_function(r: &mut Regs, o: u32) -> Step {
    let names = r.peek(1);
    let n = o as usize + 3;
    let all = r.top_slice(n);
    let mut f = all[0];
    let args = if all[1].is_null() { &all[2..n - 1] } else { &all[1..n - 1] };
    if let Some(f) = f.exact::<Function>() {
        return push_call(r, f, args, names, n, ADVANCE);
    }
    if f.shape() == builtin::shapes::METHOD && all[1].is_null() {
        // SAFETY: the shape is a method's.
        let m = unsafe { Ref::<Method>::from_value(f) };
        if m.function.get().shape() == builtin::shapes::FUNCTION {
            f = m.function.get();
            r.poke(n, f);
            r.poke(n - 1, m.receiver.get());
            let args = &r.top_slice(n)[1..n - 1];
            // SAFETY: just tested.
            return push_call(r, unsafe { Ref::from_value(f) }, args, names, n, ADVANCE);
        }
    }
    let v = attempt!(call::call_args(r.t(), f, Args::with_keywords(args, names)));
    finish_call(r, n, v)
}

/// The positional arguments of `f(*args, **kwargs)` as a tuple.
pub fn positional_arguments(r: &Regs) -> R<Ref<Tuple>> {
    match r.peek(2).exact::<Tuple>() {
        Some(tuple) => Ok(tuple),
        None => positional_tuple(r.t(), r.peek(4), r.peek(2)),
    }
}

/// The arguments of `f(*args, **kwargs)` as a tuple and a dict.
fn unpacked_arguments(r: &Regs) -> R<(Ref<Tuple>, Option<Ref<Dict>>)> {
    let t = r.t();
    let (f, keywords) = (r.peek(4), r.peek(1));
    let args = positional_arguments(r)?;
    let kwargs = match keywords.non_null() {
        None => None,
        Some(k) => match k.exact::<Dict>() {
            Some(d) => Some(d),
            None => {
                let d = Dict::new(t);
                calls::merge_keywords(t, f, d, k)?;
                Some(d)
            }
        },
    };
    Ok((args, kwargs))
}

unsafe fn call_ex(r: &mut Regs, _: u32) -> Step {
    let t = r.t();
    let f = r.peek(4);
    let (args, kwargs) = attempt!(unpacked_arguments(r));
    if let (Some(function), None) = (f.exact::<Function>(), kwargs.filter(|d| !d.is_empty())) {
        r.poke(2, args.value());
        return push_call(r, function, args.as_slice(), Value::NULL, 4, 1 + Opcode::CALL_FUNCTION_EX.caches() as isize);
    }
    let v = attempt!(call::call_unpacked(t, f, args, kwargs));
    finish_call(r, 4, v)
}

fn positional_tuple(t: &Thread, f: Value, v: Value) -> R<Ref<Tuple>> {
    let slots = v.class().slots();
    if slots.iter.is_none() && slots.getitem.is_none() {
        let name = calls::callable_name(t, f)?;
        raise!(t, TypeError, "{name} argument after * must be an iterable, not {}", v.class().display_name());
    }
    Ok(Tuple::from_slice(t, iter::collect(t, v)?.as_slice()))
}

/// The most parameters of a native function whose missing ones are added here.
pub const MAX_FILLED: usize = 8;

/// Calls a native function with the top `n` values; the cache tells whether parameters are missing.
#[inline(always)]
fn call_body(r: &Regs, body: fn(&Thread, &[Value]) -> R, n: usize) -> R {
    match r.cache(8) {
        0 => body(r.t(), r.top_slice(n)),
        total => call_filled(r.t(), body, r.top_slice(n), total as usize),
    }
}

/// Out of line: a handler cannot have an array of its own.
#[inline(never)]
fn call_filled(t: &Thread, body: fn(&Thread, &[Value]) -> R, args: &[Value], total: usize) -> R {
    let mut all = [Value::NULL; MAX_FILLED];
    // One by one: they are few, too few for a call of `memcpy`.
    args.iter().zip(&mut all).for_each(|(given, place)| *place = *given);
    body(t, &all[..total])
}

/// A native function that takes its parameters in a slice and is called with all of them: straight from the stack. It is known by its
/// definition, for it may be another object each time, such as a method that is bound anew; the cache has that and whether a receiver is
/// passed.
#[inline(always)]
pub fn CALL_NATIVE(r: &mut Regs, o: u32) -> Flow {
    let n = o as usize;
    let (f, receiver) = (r.peek(n + 2), r.peek(n + 1));
    if f.shape() != builtin::shapes::BUILTIN_FUNCTION || !receiver.is_null() || probes::cfunction_tracers() != 0 {
        return Flow::Slow(call_native_miss);
    }
    // SAFETY: the shape is a native function's.
    let function = unsafe { Ref::<BuiltinFunction>::from_value(f) };
    if std::ptr::from_ref(function.def()) as u64 != r.cache64(4) || function.passes_receiver() as u16 != r.cache(9) {
        return Flow::Slow(call_native_miss);
    }
    let (NativeBody::Bound(body) | NativeBody::Positional(body)) = function.def().body else { return Flow::Deopt };
    r.save();
    // The receiver of a bound native method lies in the place of the NULL.
    let (args, count) = match function.receiver.opt() {
        Some(receiver) if function.passes_receiver() => {
            r.poke(n + 1, receiver);
            (n + 1, true)
        }
        _ => (n, false),
    };
    let result = call_body(r, body, args);
    if count {
        r.poke(n + 1, Value::NULL);
    }
    match result {
        Ok(v) => {
            r.drop_n(n + 1);
            r.poke(1, v);
            Flow::Next
        }
        Err(_) => Flow::Slow(raised),
    }
}

/// A method of a native type that takes its parameters in a slice.
#[inline(always)]
pub fn CALL_NATIVE_METHOD(r: &mut Regs, o: u32) -> Flow {
    let n = o as usize;
    let Some(descriptor) = cached_method(r, n) else { return Flow::Slow(call_native_miss) };
    let (NativeBody::Bound(body) | NativeBody::Positional(body)) = descriptor.def().body else { return Flow::Deopt };
    r.save();
    match call_body(r, body, n + 1) {
        Ok(v) => {
            r.drop_n(n + 1);
            r.poke(1, v);
            Flow::Next
        }
        Err(_) => Flow::Slow(raised),
    }
}

/// A method of a native type that takes the arguments as they are.
#[inline(always)]
pub fn CALL_RAW_METHOD(r: &mut Regs, o: u32) -> Flow {
    let n = o as usize;
    let Some(descriptor) = cached_method(r, n) else { return Flow::Slow(call_native_miss) };
    let NativeBody::Raw(body) = descriptor.def().body else { return Flow::Deopt };
    r.save();
    let v = attempt_here!(call_raw(r.t(), body, r.top_slice(n + 1)));
    r.drop_n(n + 1);
    r.poke(1, v);
    Flow::Next
}

/// Out of line: a handler cannot have arguments in memory of its own.
#[inline(never)]
fn call_raw(t: &Thread, body: for<'a> fn(&Thread, Args<'a>) -> R, args: &[Value]) -> R {
    body(t, Args::positional(args))
}

/// The method that is called with a receiver and `n` arguments, if it is the cached one and fits the receiver.
#[inline(always)]
fn cached_method(r: &Regs, n: usize) -> Option<Ref<MethodDescriptor>> {
    let (f, receiver) = (r.peek(n + 2), r.peek(n + 1));
    if f.bits() != r.cache64(4) || receiver.is_null() || probes::cfunction_tracers() != 0 {
        return None;
    }
    // SAFETY: the specializer has cached a method descriptor.
    let descriptor = unsafe { Ref::<MethodDescriptor>::from_value(f) };
    (receiver.class() == descriptor.class() || receiver.class().is_subtype(descriptor.class())).then_some(descriptor)
}

unsafe fn call_native_miss(r: &mut Regs, o: u32) -> Step {
    // SAFETY: the same instruction.
    unsafe { call_generic(r, o) }
}

/// An exception was raised by something that has nothing more to do.
pub fn raised(_r: &mut Regs, _: u32) -> Step {
    Step::Error
}

/// `type(x)`
#[inline(always)]
pub fn CALL_TYPE_OF(r: &mut Regs, _o: u32) -> Flow {
    if r.peek(3) != builtin::TYPE.value() || !r.peek(2).is_null() {
        return Flow::Deopt;
    }
    let v = r.peek(1).class().value();
    r.drop_n(2);
    r.poke(1, v);
    Flow::Next
}

/// `str(x)`
#[inline(always)]
pub fn CALL_STR_OF(r: &mut Regs, _o: u32) -> Flow {
    if r.peek(3) != builtin::STR.value() || !r.peek(2).is_null() {
        return Flow::Deopt;
    }
    r.save();
    let v = attempt_here!(text::str_of(r.t(), r.peek(1)));
    r.drop_n(2);
    r.poke(1, v.value());
    Flow::Next
}

/// `tuple(x)`
#[inline(always)]
pub fn CALL_TUPLE_OF(r: &mut Regs, _o: u32) -> Flow {
    if r.peek(3) != builtin::TUPLE.value() || !r.peek(2).is_null() {
        return Flow::Deopt;
    }
    r.save();
    let v = attempt_here!(iter::to_tuple(r.t(), r.peek(1)));
    r.drop_n(2);
    r.poke(1, v.value());
    Flow::Next
}

/// `len(x)`
#[inline(always)]
pub fn CALL_LEN_OF(r: &mut Regs, o: u32) -> Flow {
    let v = r.peek(1);
    if r.peek(3).bits() != r.cache64(4) || !r.peek(2).is_null() || o != 1 {
        return Flow::Slow(call_native_miss);
    }
    let n = if v.shape() == builtin::shapes::LIST {
        // SAFETY: the shape is a list's.
        Value::int(unsafe { Ref::<List>::from_value(v) }.len() as i64)
    } else {
        r.save();
        attempt_here!(len(r.t(), v))
    };
    r.drop_n(2);
    r.poke(1, n);
    Flow::Next
}

#[inline(never)]
fn len(t: &Thread, v: Value) -> R {
    Ok(int::from_usize(t, sequence::len(t, v)?))
}

/// `isinstance(x, c)`
#[inline(always)]
pub fn CALL_ISINSTANCE_OF(r: &mut Regs, o: u32) -> Flow {
    let (object, class) = (r.peek(2), r.peek(1));
    if o != 2 || r.peek(4).bits() != r.cache64(4) || !r.peek(3).is_null() {
        return Flow::Slow(call_native_miss);
    }
    let is_one = if object.is_cell() && object.class().value() == class {
        Value::TRUE
    } else {
        r.save();
        attempt_here!(is_instance(r.t(), object, class))
    };
    r.drop_n(3);
    r.poke(1, is_one);
    Flow::Next
}

#[inline(never)]
fn is_instance(t: &Thread, object: Value, class: Value) -> R {
    isinstance::is_instance(t, object, class).map(Value::bool)
}

/// `list.append(x)`
#[inline(always)]
pub fn CALL_APPEND(r: &mut Regs, o: u32) -> Flow {
    let list = r.peek(2);
    if o != 1 || r.peek(3).bits() != r.cache64(4) || list.shape() != builtin::shapes::LIST {
        return Flow::Deopt;
    }
    // SAFETY: the shape is a list's.
    let list = unsafe { Ref::<List>::from_value(list) };
    r.save();
    match list.append(r.t(), r.peek(1)) {
        Ok(()) => {
            r.drop_n(2);
            r.poke(1, Value::NONE);
            Flow::Next
        }
        Err(_) => Flow::Slow(raised),
    }
}

/// A class that is made by native code.
#[inline(always)]
pub fn CALL_NATIVE_CLASS(r: &mut Regs, o: u32) -> Flow {
    let n = o as usize;
    let class = r.peek(n + 2);
    // The class that was cached may be gone, and something else be where it was.
    if class.bits() != r.cache64(4) || class.shape() != builtin::shapes::TYPE || !r.peek(n + 1).is_null() {
        return Flow::Deopt;
    }
    r.save();
    // SAFETY: the shape is a class's.
    let v = attempt_here!(call_class(r.t(), unsafe { Ref::from_value(class) }, r.top_slice(n)));
    r.drop_n(n + 1);
    r.poke(1, v);
    Flow::Next
}

/// Out of line: a handler cannot have arguments in memory of its own.
#[inline(never)]
fn call_class(t: &Thread, class: Ref<Type>, args: &[Value]) -> R {
    type_::call_class(t, class, Args::positional(args))
}

/// Calls an intrinsic function with one operand.
#[inline(always)]
pub fn CALL_INTRINSIC_UNARY(r: &mut Regs, o: u32) -> Flow {
    r.save();
    let v = attempt_here!(interp::intrinsics::unary(r.t(), r.frame(), o, r.peek(1)));
    r.poke(1, v);
    Flow::Next
}

slow_uops! {
    /// Calls an intrinsic function with two operands.
    CALL_INTRINSIC_BINARY = intrinsic_2;
}

unsafe fn intrinsic_2(r: &mut Regs, o: u32) -> Step {
    let v = attempt!(interp::intrinsics::binary(r.t(), o, r.peek(2), r.peek(1)));
    r.drop_n(1);
    r.poke(1, v);
    Step::Next
}
