//! Calls.
//!
//! On the stack: the callable, the receiver of a method or NULL, the arguments.

use super::{attempt, attempt_here, slow_uops};
use crate::args::{Args, NativeBody};
use crate::interp::calls::{self, push_call};
use crate::interp::frame::{Frame, HEADER, free_stack, init_pc};
use crate::interp::regs::{Flow, Regs, Step};
use crate::interp::specialize;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::{call, isinstance, iter, sequence, text};
use crate::thread::Thread;
use crate::types::{BuiltinFunction, Dict, Function, List, Method, MethodDescriptor, Tuple, Type, builtin, int, type_};
use crate::{exc, interp};
use limpid_bytecode::Opcode;
use limpid_heap::Value;
use limpid_probes as probes;
use std::sync::atomic::Ordering::Relaxed;

/// Words from a CALL or CALL_KW to the next instruction.
const ADVANCE: isize = 1 + Opcode::CALL.caches() as isize;
/// In the last cache word: the call has a receiver.
pub const HAS_RECEIVER: u16 = 1 << 15;

slow_uops! {
    /// Any call with positional arguments.
    CALL_GENERIC = call_generic;
    /// Any call with keyword arguments.
    CALL_KW_GENERIC = call_kw_generic;
    /// `f(*args, **kwargs)`
    CALL_EX_GENERIC = call_ex;
    /// A Python function whose arguments have to be bound.
    CALL_PY_ANY_ARGS = call_py_general;
    /// A bound method of a Python function.
    UNPACK_BOUND_METHOD = call_bound_method;
    /// A class made in Python with a Python `__init__`.
    ALLOCATE_AND_CALL_INIT = alloc_and_init;
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

unsafe fn call_generic(r: &mut Regs, o: u32) -> Step {
    specialize::call(r, o);
    // SAFETY: the same instruction.
    unsafe { call_anything(r, o) }
}

unsafe fn call_anything(r: &mut Regs, o: u32) -> Step {
    let (f, args, n) = operands(r, o);
    if let Some(f) = f.exact::<Function>() {
        return push_call(r, f, args, Value::NULL, n, ADVANCE);
    }
    if f.shape() == builtin::shapes::METHOD && r.peek(o as usize + 1).is_null() {
        // SAFETY: the shape is a method's.
        let m = unsafe { Ref::<Method>::from_value(f) };
        if m.function.get().shape() == builtin::shapes::FUNCTION {
            r.poke(o as usize + 2, m.function.get());
            r.poke(o as usize + 1, m.receiver.get());
            let (f, args, n) = operands(r, o);
            // SAFETY: just tested.
            return push_call(r, unsafe { Ref::from_value(f) }, args, Value::NULL, n, ADVANCE);
        }
    }
    if let Some(call) = calls::call_of_instance(r.t(), f).filter(|_| r.peek(o as usize + 1).is_null()) {
        r.poke(o as usize + 2, call.value());
        r.poke(o as usize + 1, f);
        let (_, args, n) = operands(r, o);
        return push_call(r, call, args, Value::NULL, n, ADVANCE);
    }
    let v = attempt!(call::call(r.t(), f, args));
    finish_call(r, n, v)
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

/// The callable is a function of the cached version, and the call has a receiver or not as it had.
#[inline(always)]
pub fn GUARD_FUNCTION(r: &mut Regs, o: u32) -> Flow {
    let f = r.peek(o as usize + 2);
    if f.shape() != builtin::shapes::FUNCTION {
        return Flow::Deopt;
    }
    // SAFETY: the shape is a function's.
    let f = unsafe { Ref::<Function>::from_value(f) };
    let has_receiver = !r.peek(o as usize + 1).is_null();
    if f.version.load(Relaxed) != r.cache32(2) || has_receiver != (r.cache(8) & HAS_RECEIVER != 0) {
        return Flow::Deopt;
    }
    Flow::Next
}

/// There is room for the callee's frame, and the recursion limit allows it.
#[inline(always)]
pub fn GUARD_STACK(r: &mut Regs, _o: u32) -> Flow {
    let t = r.t();
    let size = (r.cache(8) & !HAS_RECEIVER) as usize;
    let base = free_stack(r.sp, r.frame());
    if t.depth.get() >= t.depth_limit.get() || base.wrapping_add(size) > t.stack_limit.get() {
        return Flow::Slow(call_anything);
    }
    Flow::Next
}

/// Lays the callee's frame over the operands, whose last `N` are the arguments, and goes to the cached code. Where nothing is left to a loop
/// or a library function the handler needs no register but its own.
#[inline(always)]
fn push_frame<const N: usize>(r: &mut Regs, o: u32) -> Flow {
    let mut args = [Value::NULL; N];
    let mut i = 0;
    while i < N {
        args[i] = r.peek(N - i);
        i += 1;
    }
    let fp = start_frame(r, o);
    let mut i = 0;
    while i < N {
        // SAFETY: GUARD_STACK has made sure of the room.
        unsafe { *fp.add(i) = args[i] };
        i += 1;
    }
    // SAFETY: as above.
    enter_frame(r, fp, unsafe { fp.add(N) })
}

/// Writes the callee's header where its frame starts, and notes in a calling generator where its own stack ends.
#[inline(always)]
fn start_frame(r: &mut Regs, o: u32) -> *mut Value {
    // SAFETY: the operands are on the stack.
    let operands = unsafe { r.sp.sub(o as usize + 2) };
    let caller = r.frame();
    let base = if caller.is_generator() {
        let g = caller.generator();
        g.sp.set(operands);
        g.stack_top.get()
    } else {
        operands
    };
    // SAFETY: GUARD_STACK has made sure of the room; the callable is written where it is already, or far from the operands.
    unsafe {
        let fp = base.add(HEADER);
        Frame(fp).init(*operands, caller, r.pc.offset(ADVANCE), Value::NULL);
        fp
    }
}

/// Goes to the cached code with the frame at `fp`, whose locals from `rest` on are unbound.
#[inline(always)]
fn enter_frame(r: &mut Regs, fp: *mut Value, mut rest: *mut Value) -> Flow {
    let mut unbound = r.cache(9);
    while unbound > 0 {
        // SAFETY: GUARD_STACK has made sure of the room.
        unsafe {
            *rest = Value::NULL;
            rest = rest.add(1);
            // Keeps LLVM from making this a call of memset, for which the handler would have to save registers.
            std::arch::asm!("", options(nomem, nostack, preserves_flags));
        }
        unbound -= 1;
    }
    let t = r.t();
    t.depth.set(t.depth.get() + 1);
    r.fp = fp;
    r.sp = rest;
    r.pc = r.cache64(4) as *const u16;
    Flow::Jump
}

/// Enters a function with no argument.
#[inline(always)]
pub fn PUSH_FRAME_0(r: &mut Regs, o: u32) -> Flow {
    push_frame::<0>(r, o)
}

/// Enters a function with one argument, the receiver counted.
#[inline(always)]
pub fn PUSH_FRAME_1(r: &mut Regs, o: u32) -> Flow {
    push_frame::<1>(r, o)
}

/// Enters a function with two arguments.
#[inline(always)]
pub fn PUSH_FRAME_2(r: &mut Regs, o: u32) -> Flow {
    push_frame::<2>(r, o)
}

/// Enters a function with three arguments.
#[inline(always)]
pub fn PUSH_FRAME_3(r: &mut Regs, o: u32) -> Flow {
    push_frame::<3>(r, o)
}

/// Enters a function with any number of arguments.
#[inline(always)]
pub fn PUSH_FRAME(r: &mut Regs, o: u32) -> Flow {
    let count = o as usize + (r.cache(8) & HAS_RECEIVER != 0) as usize;
    // SAFETY: the arguments are on the stack.
    let args = unsafe { r.sp.sub(count) };
    // Arguments move up to the place of the locals, so the last goes first, and all before the header is written.
    let caller = r.frame();
    // SAFETY: as above; GUARD_STACK has made sure of the room.
    let fp = unsafe { if caller.is_generator() { caller.generator().stack_top.get() } else { r.sp.sub(o as usize + 2) }.add(HEADER) };
    let mut i = count;
    while i > 0 {
        i -= 1;
        // SAFETY: as above.
        unsafe {
            *fp.add(i) = *args.add(i);
            // As in `enter_frame`, against memmove and vectors.
            std::arch::asm!("", options(nomem, nostack, preserves_flags));
        }
    }
    start_frame(r, o);
    // SAFETY: as above.
    enter_frame(r, fp, unsafe { fp.add(count) })
}

unsafe fn call_py_general(r: &mut Regs, o: u32) -> Step {
    let (f, args, n) = operands(r, o);
    match f.exact::<Function>() {
        Some(f) => push_call(r, f, args, Value::NULL, n, ADVANCE),
        // SAFETY: the same instruction.
        None => unsafe { call_generic(r, o) },
    }
}

unsafe fn call_bound_method(r: &mut Regs, o: u32) -> Step {
    let f = r.peek(o as usize + 2);
    if f.shape() != builtin::shapes::METHOD {
        // SAFETY: the same instruction.
        return unsafe { call_generic(r, o) };
    }
    // SAFETY: the same instruction; it unpacks bound methods.
    unsafe { call_anything(r, o) }
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
    all[..args.len()].copy_from_slice(args);
    body(t, &all[..total])
}

/// A native function that takes its parameters in a slice and is called with all of them: straight from the stack.
#[inline(always)]
pub fn CALL_NATIVE(r: &mut Regs, o: u32) -> Flow {
    let n = o as usize;
    let (f, receiver) = (r.peek(n + 2), r.peek(n + 1));
    if f.bits() != r.cache64(4) || !receiver.is_null() || probes::cfunction_tracers() != 0 {
        return Flow::Slow(call_native_miss);
    }
    // SAFETY: the specializer has cached a native function.
    let function = unsafe { Ref::<BuiltinFunction>::from_value(f) };
    let NativeBody::Bound(body) = function.def().body else { return Flow::Deopt };
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

/// A method of a native type, called with all of its parameters.
#[inline(always)]
pub fn CALL_NATIVE_METHOD(r: &mut Regs, o: u32) -> Flow {
    let n = o as usize;
    let (f, receiver) = (r.peek(n + 2), r.peek(n + 1));
    if f.bits() != r.cache64(4) || receiver.is_null() || probes::cfunction_tracers() != 0 {
        return Flow::Slow(call_native_miss);
    }
    // SAFETY: the specializer has cached a method descriptor.
    let descriptor = unsafe { Ref::<MethodDescriptor>::from_value(f) };
    if receiver.class() != descriptor.class() && !receiver.class().is_subtype(descriptor.class()) {
        return Flow::Slow(call_native_miss);
    }
    let NativeBody::Bound(body) = descriptor.def().body else { return Flow::Deopt };
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

/// `len(x)`; of a list without leaving the handler.
#[inline(always)]
pub fn CALL_LEN_OF(r: &mut Regs, o: u32) -> Flow {
    let list = r.peek(1);
    if r.peek(3).bits() != r.cache64(4) || !r.peek(2).is_null() || o != 1 || list.shape() != builtin::shapes::LIST {
        return Flow::Slow(call_len);
    }
    // SAFETY: the shape is a list's.
    let n = unsafe { Ref::<List>::from_value(list) }.len();
    r.drop_n(2);
    r.poke(1, Value::int(n as i64));
    Flow::Next
}

unsafe fn call_len(r: &mut Regs, o: u32) -> Step {
    if r.peek(3).bits() != r.cache64(4) || !r.peek(2).is_null() || o != 1 {
        // SAFETY: the same instruction.
        return unsafe { call_generic(r, o) };
    }
    let n = attempt!(sequence::len(r.t(), r.peek(1)));
    let n = int::from_usize(r.t(), n);
    finish_call(r, 3, n)
}

/// `isinstance(x, c)`; where `c` is the very class of `x` without leaving the handler.
#[inline(always)]
pub fn CALL_ISINSTANCE_OF(r: &mut Regs, o: u32) -> Flow {
    let (object, class) = (r.peek(2), r.peek(1));
    let exact = o == 2 && r.peek(4).bits() == r.cache64(4) && r.peek(3).is_null() && object.is_cell() && object.class().value() == class;
    if !exact {
        return Flow::Slow(call_isinstance);
    }
    r.drop_n(3);
    r.poke(1, Value::TRUE);
    Flow::Next
}

unsafe fn call_isinstance(r: &mut Regs, o: u32) -> Step {
    if o != 2 || r.peek(4).bits() != r.cache64(4) || !r.peek(3).is_null() {
        // SAFETY: the same instruction.
        return unsafe { call_generic(r, o) };
    }
    let b = attempt!(isinstance::is_instance(r.t(), r.peek(2), r.peek(1)));
    finish_call(r, 4, Value::bool(b))
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

unsafe fn alloc_and_init(r: &mut Regs, o: u32) -> Step {
    let n = o as usize;
    let class = r.peek(n + 2);
    // SAFETY: the shape is a type's; versions are never used twice, so this one tells which class it is.
    let fits = class.shape() == builtin::shapes::TYPE
        && unsafe { Ref::<Type>::from_value(class) }.version() == r.cache32(2)
        && r.peek(n + 1).is_null()
        && !r.frame().is_generator();
    if !fits {
        // SAFETY: the same instruction.
        return unsafe { call_generic(r, o) };
    }
    let t = r.t();
    // SAFETY: the class is the one whose `__init__` was cached.
    let (class, init) = unsafe { (Ref::<Type>::from_value(class), Ref::<Function>::from_value(Value::from_bits(r.cache64(4)))) };
    // The shim: a frame without code that holds the instance, over the class and its arguments. The arguments move to where the frame
    // of __init__ takes them from.
    // SAFETY: the shim needs HEADER + 1 values, the operands of the inner call n + 2 more, which the comparison makes sure of.
    unsafe {
        let base = r.sp.sub(n + 2);
        if base.add(2 * HEADER + n + 8 + init.code().frame_values()) > t.stack_limit.get() {
            return call_anything(r, o);
        }
        let instance = type_::alloc_plain(t, class);
        let shim = Frame(base.add(HEADER));
        // Operands of the inner call above the shim's one value: callable, receiver, arguments; last first, they may overlap.
        let operands = shim.0.add(1);
        std::ptr::copy(r.sp.sub(n), operands.add(2), n);
        *operands = init.value();
        *operands.add(1) = instance;
        shim.init(Value::NULL, r.frame(), r.pc.offset(ADVANCE), Value::NULL);
        *shim.0 = instance;
        t.depth.set(t.depth.get() + 1);
        let saved = *r;
        r.fp = shim.0;
        r.sp = operands.add(n + 2);
        r.pc = init_pc();
        r.save();
        let args = std::slice::from_raw_parts(operands.add(1), n + 1);
        // The inner call returns to the shim's code.
        match push_call(r, init, args, Value::NULL, n + 2, 0) {
            Step::Error => {
                // The shim goes; the exception belongs to the caller.
                t.depth.set(t.depth.get() - 1);
                *r = saved;
                r.save();
                Step::Error
            }
            step => step,
        }
    }
}

/// The end of an `__init__` that was called in place of its class.
#[inline(always)]
pub fn CHECK_INIT_RESULT(r: &mut Regs, _o: u32) -> Flow {
    if !r.peek(1).is_none() {
        return Flow::Slow(wrong_init_result);
    }
    r.drop_n(1);
    Flow::Next
}

unsafe fn wrong_init_result(r: &mut Regs, _: u32) -> Step {
    let v = r.pop();
    let t = r.t();
    t.raise(exc::TypeError, &format!("__init__() should return None, not '{}'", v.class().display_name()));
    Step::Error
}

/// A class that is made by native code.
#[inline(always)]
pub fn CALL_NATIVE_CLASS(r: &mut Regs, o: u32) -> Flow {
    let n = o as usize;
    let class = r.peek(n + 2);
    if class.bits() != r.cache64(4) || !r.peek(n + 1).is_null() {
        return Flow::Deopt;
    }
    r.save();
    // SAFETY: the cached word is a class's.
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
