//! Calls.
//!
//! On the stack: the callable, the receiver of a method or NULL, the arguments.

use super::{attempt, slow_uops};
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
    /// `str(x)`
    CALL_STR_OF = call_str;
    /// `tuple(x)`
    CALL_TUPLE_OF = call_tuple;
    /// `len(x)`
    CALL_LEN_OF = call_len;
    /// `isinstance(x, c)`
    CALL_ISINSTANCE_OF = call_isinstance;
    /// A class made in Python with a Python `__init__`.
    ALLOCATE_AND_CALL_INIT = alloc_and_init;
    /// A class.
    CALL_NATIVE_CLASS = call_native_class;
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

fn finish_call(r: &mut Regs, drop: usize, v: Value) -> Step {
    r.drop_n(drop);
    r.push(v);
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
    let v = attempt!(call::call(r.t(), f, args));
    finish_call(r, n, v)
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

unsafe fn call_ex(r: &mut Regs, _: u32) -> Step {
    let t = r.t();
    let (f, positional, keywords) = (r.peek(4), r.peek(2), r.peek(1));
    let args = match positional.exact::<Tuple>() {
        Some(tuple) => tuple,
        None => attempt!(positional_tuple(t, f, positional)),
    };
    let kwargs = match keywords.non_null() {
        None => None,
        Some(k) => match k.exact::<Dict>() {
            Some(d) => Some(d),
            None => {
                let d = Dict::new(t);
                attempt!(calls::merge_keywords(t, f, d, k));
                Some(d)
            }
        },
    };
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
    if f.version.load(std::sync::atomic::Ordering::Relaxed) != r.cache32(2) || has_receiver != (r.cache(8) & HAS_RECEIVER != 0) {
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

/// Lays the callee's frame over the operands and goes to the cached code.
#[inline(always)]
pub fn PUSH_FRAME(r: &mut Regs, o: u32) -> Flow {
    let n = o as usize;
    // SAFETY: the operands are on the stack.
    let operands = unsafe { r.sp.sub(n + 2) };
    // SAFETY: as above.
    let (callable, receiver) = unsafe { (*operands, *operands.add(1)) };
    // SAFETY: GUARD_FUNCTION has tested it.
    let f = unsafe { Ref::<Function>::from_value(callable) };
    let code = f.code();
    let has_receiver = !receiver.is_null();
    let count = n + has_receiver as usize;
    // SAFETY: as above.
    let args = unsafe { operands.add(2 - has_receiver as usize) };
    let caller = r.frame();
    let base = if caller.is_generator() {
        let g = caller.generator();
        g.sp.set(operands);
        g.stack_top.get()
    } else {
        operands
    };
    let total = code.nlocalsplus as usize;
    // SAFETY: GUARD_STACK has made sure of the room; arguments move up, so the last goes first.
    unsafe {
        let fp = base.add(HEADER);
        let mut i = count;
        while i > 0 {
            i -= 1;
            *fp.add(i) = *args.add(i);
        }
        let mut i = count;
        while i < total {
            *fp.add(i) = Value::NULL;
            i += 1;
        }
        Frame(fp).init(callable, caller, r.pc.offset(ADVANCE), Value::NULL);
        r.fp = fp;
        r.sp = fp.add(total);
    }
    let t = r.t();
    t.depth.set(t.depth.get() + 1);
    r.pc = r.cache64(4) as *const u16;
    Flow::Jump
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

/// A native function that takes its parameters in a slice and is called with all of them: straight from the stack.
#[inline(always)]
pub fn CALL_NATIVE(r: &mut Regs, o: u32) -> Flow {
    let n = o as usize;
    let (f, receiver) = (r.peek(n + 2), r.peek(n + 1));
    if f.bits() != r.cache64(4) || !receiver.is_null() || probes::cfunction__entry::enabled() || probes::cfunction__return::enabled() {
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
    let result = body(r.t(), r.top_slice(args));
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
    if f.bits() != r.cache64(4) || receiver.is_null() || probes::cfunction__entry::enabled() || probes::cfunction__return::enabled() {
        return Flow::Slow(call_native_miss);
    }
    // SAFETY: the specializer has cached a method descriptor.
    let descriptor = unsafe { Ref::<MethodDescriptor>::from_value(f) };
    if receiver.class() != descriptor.class() && !receiver.class().is_subtype(descriptor.class()) {
        return Flow::Slow(call_native_miss);
    }
    let NativeBody::Bound(body) = descriptor.def().body else { return Flow::Deopt };
    r.save();
    match body(r.t(), r.top_slice(n + 1)) {
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
pub unsafe fn raised(_r: &mut Regs, _: u32) -> Step {
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

unsafe fn call_str(r: &mut Regs, o: u32) -> Step {
    if r.peek(3) != builtin::STR.value() || !r.peek(2).is_null() {
        // SAFETY: the same instruction.
        return unsafe { call_generic(r, o) };
    }
    let v = attempt!(text::str_of(r.t(), r.peek(1)));
    finish_call(r, 3, v.value())
}

unsafe fn call_tuple(r: &mut Regs, o: u32) -> Step {
    if r.peek(3) != builtin::TUPLE.value() || !r.peek(2).is_null() {
        // SAFETY: the same instruction.
        return unsafe { call_generic(r, o) };
    }
    let v = attempt!(iter::to_tuple(r.t(), r.peek(1)));
    finish_call(r, 3, v.value())
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
    let fits = r.peek(n + 1).is_null() && class.bits() == r.cache64(4);
    // SAFETY: the cached word is a class's.
    if !fits || unsafe { Ref::<Type>::from_value(class) }.version() != r.cache32(2) || r.frame().is_generator() {
        // SAFETY: the same instruction.
        return unsafe { call_generic(r, o) };
    }
    let t = r.t();
    // SAFETY: as above.
    let class = unsafe { Ref::<Type>::from_value(class) };
    let Some(init) = crate::protocol::attr::type_lookup(class, crate::names::__init__).and_then(|v| v.exact::<Function>()) else {
        // SAFETY: the same instruction.
        return unsafe { call_anything(r, o) };
    };
    let instance = type_::alloc_plain(t, class);
    // The shim: a frame without code that holds the instance, over the class and its arguments. The arguments move to where the frame
    // of __init__ takes them from.
    let args = r.top_slice(n);
    // SAFETY: the shim needs HEADER + 1 values, the operands of the inner call n + 2 more; GUARD_STACK-like check below.
    unsafe {
        let base = r.sp.sub(n + 2);
        if base.add(2 * HEADER + n + 8 + init.code().frame_values()) > t.stack_limit.get() {
            return call_anything(r, o);
        }
        let shim = Frame(base.add(HEADER));
        // Operands of the inner call above the shim's one value: callable, receiver, arguments; last first, they may overlap.
        let operands = shim.0.add(1);
        std::ptr::copy(args.as_ptr(), operands.add(2), n);
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

slow_uops! {
    /// The end of an `__init__` that was called in place of its class.
    CHECK_INIT_RESULT = check_init_result;
}

unsafe fn check_init_result(r: &mut Regs, _: u32) -> Step {
    let v = r.pop();
    if !v.is_none() {
        let t = r.t();
        t.raise(exc::TypeError, &format!("__init__() should return None, not '{}'", v.class().display_name()));
        return Step::Error;
    }
    Step::Next
}

unsafe fn call_native_class(r: &mut Regs, o: u32) -> Step {
    let (f, args, n) = operands(r, o);
    if f.bits() != r.cache64(4) {
        // SAFETY: the same instruction.
        return unsafe { call_generic(r, o) };
    }
    // SAFETY: the cached word is a class's.
    let class = unsafe { Ref::<Type>::from_value(f) };
    let v = attempt!(type_::call_class(r.t(), class, Args::positional(args)));
    finish_call(r, n, v)
}

slow_uops! {
    /// Calls an intrinsic function with one operand.
    CALL_INTRINSIC_UNARY = intrinsic_1;
    /// Calls an intrinsic function with two operands.
    CALL_INTRINSIC_BINARY = intrinsic_2;
}

unsafe fn intrinsic_1(r: &mut Regs, o: u32) -> Step {
    let frame = r.frame();
    let v = attempt!(interp::intrinsics::unary(r.t(), frame, o, r.peek(1)));
    r.poke(1, v);
    Step::Next
}

unsafe fn intrinsic_2(r: &mut Regs, o: u32) -> Step {
    let v = attempt!(interp::intrinsics::binary(r.t(), o, r.peek(2), r.peek(1)));
    r.drop_n(1);
    r.poke(1, v);
    Step::Next
}
