//! Calls of Python functions: the callee's frame is laid over the operands.
//!
//! The forms that know the function read what they need of it from their caches; the others, for calls whose function varies, for bound
//! methods and for `__init__`, read it from the function and its code. Either way the handler enters the function itself if that takes
//! positional parameters only and gets all of them; binding anything else is left to a slow function.

use super::calls::{ADVANCE, HAS_RECEIVER, call_anything, call_generic};
use crate::exc;
use crate::interp::calls::push_call;
use crate::interp::frame::{Frame, HEADER, free_stack, init_pc};
use crate::interp::regs::{Flow, Regs, Step};
use crate::names;
use crate::object::{Ref, ValueExt};
use crate::protocol::attr;
use crate::thread::Thread;
use crate::types::{Code, Function, Method, Type, builtin, type_};
use limpid_bytecode::CodeFlags;
use limpid_heap::Value;
use std::sync::atomic::Ordering::Relaxed;

/// The callable is a function of the cached version.
#[inline(always)]
pub fn GUARD_FUNCTION(r: &mut Regs, o: u32) -> Flow {
    let f = r.peek(o as usize + 2);
    if f.shape() != builtin::shapes::FUNCTION {
        return Flow::Deopt;
    }
    // SAFETY: the shape is a function's.
    let f = unsafe { Ref::<Function>::from_value(f) };
    if f.version.load(Relaxed) == r.cache32(2) { Flow::Next } else { Flow::Deopt }
}

/// The call has a receiver or not as it had, there is room for the callee's frame, and the recursion limit allows it.
#[inline(always)]
pub fn GUARD_FRAME(r: &mut Regs, o: u32) -> Flow {
    let expected = r.cache(8);
    let is_missing = r.peek(o as usize + 1).is_null();
    if is_missing == (expected & HAS_RECEIVER != 0) {
        return Flow::Deopt;
    }
    if has_room(r.t(), free_stack(r.sp, r.frame()), (expected & !HAS_RECEIVER) as usize) { Flow::Next } else { Flow::Slow(call_anything) }
}

#[inline(always)]
fn has_room(t: &Thread, base: *mut Value, size: usize) -> bool {
    t.depth.get() < t.depth_limit.get() && base.wrapping_add(size) <= t.stack_limit.get()
}

/// A whole call with `O` arguments, of which nothing is to be found out: where the operands are is constant, and a caller that is no
/// generator has nothing to note. With that the handler gets by with the registers it need not save, two thirds of the instructions.
#[inline(always)]
fn enter_exactly<const O: usize, const WITH_RECEIVER: bool>(r: &mut Regs) -> Flow {
    let f = r.peek(O + 2);
    if f.shape() != builtin::shapes::FUNCTION {
        return Flow::Deopt;
    }
    // SAFETY: the shape is a function's.
    let version = unsafe { Ref::<Function>::from_value(f) }.version.load(Relaxed);
    if version != r.cache32(2) {
        return Flow::Deopt;
    }
    // The specializer has seen to it, for code is in a generator's frame always or never.
    debug_assert!(!r.frame().is_generator());
    let size = r.cache(8) as usize - if WITH_RECEIVER { HAS_RECEIVER as usize } else { 0 };
    if !has_room(r.t(), r.sp, size) {
        return Flow::Slow(call_anything);
    }
    if r.peek(O + 1).is_null() == WITH_RECEIVER {
        return Flow::Deopt;
    }
    let count = O + WITH_RECEIVER as usize;
    const { assert!(O <= MOST_EXACT) };
    // SAFETY: the operands are on the stack, and there is room. The locals lie above all operands if these are no more than the header, so
    // they can be written before it.
    unsafe {
        let operands = r.sp.sub(O + 2);
        let fp = operands.add(HEADER);
        let mut i = 0;
        while i < count {
            *fp.add(i) = r.peek(count - i);
            i += 1;
        }
        Frame(fp).init(f, r.frame(), r.pc.offset(ADVANCE), Value::NULL);
        let mut i = 0;
        while i < MOST_UNBOUND {
            *fp.add(count + i) = Value::NULL;
            i += 1;
        }
        r.sp = fp.add(count + r.cache(9) as usize);
        go_to_cached(r, fp)
    }
}

/// The most arguments, besides the receiver, for which there is a form of its own.
const MOST_EXACT: usize = HEADER - 2;
/// The most locals that are no parameters of functions called so: so many are written whether they are there or not, for a loop would cost
/// more.
pub const MOST_UNBOUND: usize = 4;

macro_rules! exact_calls {
    ($($(#[$doc:meta])* $name:ident = $count:literal $with_receiver:literal;)*) => {
        $($(#[$doc])* #[inline(always)]
        pub fn $name(r: &mut Regs, _o: u32) -> Flow {
            enter_exactly::<$count, $with_receiver>(r)
        })*
    };
}
exact_calls! {
    /// Calls the cached function with no argument.
    ENTER_FUNCTION_0 = 0 false;
    /// Calls the cached function with one argument.
    ENTER_FUNCTION_1 = 1 false;
    /// Calls the cached function with two arguments.
    ENTER_FUNCTION_2 = 2 false;
    /// Calls the cached function with three arguments.
    ENTER_FUNCTION_3 = 3 false;
    /// Calls the cached function with a receiver.
    ENTER_METHOD_0 = 0 true;
    /// Calls the cached function with a receiver and one argument.
    ENTER_METHOD_1 = 1 true;
    /// Calls the cached function with a receiver and two arguments.
    ENTER_METHOD_2 = 2 true;
    /// Calls the cached function with a receiver and three arguments.
    ENTER_METHOD_3 = 3 true;
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
    // SAFETY: GUARD_FRAME has made sure of the room; the callable is written where it is already, or far from the operands.
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
        // SAFETY: GUARD_FRAME has made sure of the room.
        unsafe {
            // Volatile keeps LLVM from making this a call of memset, for which the handler would have to save registers.
            rest.write_volatile(Value::NULL);
            rest = rest.add(1);
        }
        unbound -= 1;
    }
    r.sp = rest;
    go_to_cached(r, fp)
}

#[inline(always)]
fn go_to_cached(r: &mut Regs, fp: *mut Value) -> Flow {
    let t = r.t();
    t.depth.set(t.depth.get() + 1);
    r.fp = fp;
    r.pc = r.cache64(4) as *const u16;
    Flow::Jump
}

/// Enters a function with any number of arguments.
#[inline(always)]
pub fn PUSH_FRAME(r: &mut Regs, o: u32) -> Flow {
    let count = o as usize + (r.cache(8) & HAS_RECEIVER != 0) as usize;
    // SAFETY: the arguments are on the stack.
    let args = unsafe { r.sp.sub(count) };
    // Arguments move up to the place of the locals, so the last goes first, and all before the header is written.
    let caller = r.frame();
    // SAFETY: as above; GUARD_FRAME has made sure of the room.
    let fp = unsafe { if caller.is_generator() { caller.generator().stack_top.get() } else { r.sp.sub(o as usize + 2) }.add(HEADER) };
    let mut i = count;
    while i > 0 {
        i -= 1;
        // SAFETY: as above.
        unsafe {
            // As in `enter_frame`, against memmove and vectors.
            fp.add(i).write_volatile(*args.add(i));
        }
    }
    start_frame(r, o);
    // SAFETY: as above.
    enter_frame(r, fp, unsafe { fp.add(count) })
}

/// Where this thread's instructions of a function start whose frame may be laid at `fp` as it is: it takes `given` arguments, all of them
/// positional, there is room for it as the last of `frames` new ones, and the thread has its copy of the code.
#[inline(always)]
pub(crate) fn plain_entry(t: &Thread, code: Ref<Code>, given: usize, fp: *mut Value, frames: u32) -> Option<*const u16> {
    let fits = code.is_positional()
        && code.argcount as usize == given
        && t.depth.get() + frames <= t.depth_limit.get()
        && fp.wrapping_add(code.frame_values()) <= t.stack_limit.get();
    if fits { code.existing_entry(t) } else { None }
}

/// Where a function returns to.
pub(crate) struct Caller {
    pub frame: Frame,
    /// Its next instruction.
    pub pc: *const u16,
}

/// Lays the frame of `f` at `fp`, with the `given` arguments that start at `args`, and goes to `entry`. The arguments may lie below `fp`
/// or where the header goes.
#[inline(always)]
pub(crate) fn lay_frame(
    r: &mut Regs,
    f: Ref<Function>,
    fp: *mut Value,
    args: *const Value,
    given: usize,
    caller: Caller,
    entry: *const u16,
) {
    let count = f.code().nlocalsplus as usize;
    // SAFETY: `plain_entry` has made sure of the room. Volatile for the reason told in `enter_frame`.
    unsafe {
        let mut i = given;
        while i > 0 {
            i -= 1;
            fp.add(i).write_volatile(*args.add(i));
        }
        let mut i = given;
        while i < count {
            fp.add(i).write_volatile(Value::NULL);
            i += 1;
        }
        Frame(fp).init(f.value(), caller.frame, caller.pc, Value::NULL);
        r.sp = fp.add(count);
    }
    let t = r.t();
    t.depth.set(t.depth.get() + 1);
    r.fp = fp;
    r.pc = entry;
}

/// Enters the function under the operands, with the `given` arguments on top of the stack.
#[inline(always)]
fn enter_function(r: &mut Regs, o: u32, f: Ref<Function>, given: usize) -> Flow {
    // SAFETY: the operands are on the stack.
    let (operands, args) = unsafe { (r.sp.sub(o as usize + 2), r.sp.sub(given)) };
    let caller = r.frame();
    let base = if caller.is_generator() { caller.generator().stack_top.get() } else { operands };
    let fp = base.wrapping_add(HEADER);
    let Some(entry) = plain_entry(r.t(), f.code(), given, fp, 1) else { return Flow::Slow(call_anything) };
    if caller.is_generator() {
        caller.generator().sp.set(operands);
    }
    // SAFETY: the next instruction of the same code.
    let pc = unsafe { r.pc.offset(ADVANCE) };
    lay_frame(r, f, fp, args, given, Caller { frame: caller, pc }, entry);
    Flow::Jump
}

/// Enters whatever Python function is called.
#[inline(always)]
pub fn PUSH_FRAME_OF_ANY(r: &mut Regs, o: u32) -> Flow {
    let f = r.peek(o as usize + 2);
    if f.shape() != builtin::shapes::FUNCTION {
        return Flow::Deopt;
    }
    let given = o as usize + !r.peek(o as usize + 1).is_null() as usize;
    // SAFETY: the shape is a function's.
    enter_function(r, o, unsafe { Ref::from_value(f) }, given)
}

/// Enters the Python function of a bound method, with the object as the first argument.
#[inline(always)]
pub fn PUSH_FRAME_OF_METHOD(r: &mut Regs, o: u32) -> Flow {
    let (f, receiver) = (r.peek(o as usize + 2), r.peek(o as usize + 1));
    if f.shape() != builtin::shapes::METHOD || !receiver.is_null() {
        return Flow::Deopt;
    }
    // SAFETY: the shape is a method's.
    let method = unsafe { Ref::<Method>::from_value(f) };
    let function = method.function.get();
    if function.shape() != builtin::shapes::FUNCTION {
        return Flow::Slow(call_anything);
    }
    // The same call spelled with a receiver, also for a slow function.
    r.poke(o as usize + 2, function);
    r.poke(o as usize + 1, method.receiver.get());
    // SAFETY: the shape is a function's.
    enter_function(r, o, unsafe { Ref::from_value(function) }, o as usize + 1)
}

/// The class under the operands and its `__init__`, if the class is the one whose `__init__` was cached and the frames can lie over the
/// operands.
#[inline(always)]
fn cached_init(r: &Regs, o: u32) -> Option<(Ref<Type>, Ref<Function>)> {
    let class = r.peek(o as usize + 2);
    // SAFETY: the shape is a type's; versions are never used twice, so this one tells which class it is.
    let fits = class.shape() == builtin::shapes::TYPE
        && unsafe { Ref::<Type>::from_value(class) }.version() == r.cache32(2)
        && r.peek(o as usize + 1).is_null()
        && !r.frame().is_generator();
    // SAFETY: the class is the one whose `__init__` was cached.
    fits.then(|| unsafe { (Ref::from_value(class), Ref::from_value(Value::from_bits(r.cache64(4)))) })
}

/// Makes an instance of a class made in Python and enters its `__init__`.
#[inline(always)]
pub fn ALLOCATE_AND_CALL_INIT(r: &mut Regs, o: u32) -> Flow {
    let n = o as usize;
    let Some((class, init)) = cached_init(r, o) else { return Flow::Deopt };
    // SAFETY: the operands are on the stack.
    let (base, args) = unsafe { (r.sp.sub(n + 2), r.sp.sub(n)) };
    let shim = Frame(base.wrapping_add(HEADER));
    let fp = shim.0.wrapping_add(1 + HEADER);
    let t = r.t();
    let Some(entry) = plain_entry(t, init.code(), n + 1, fp, 2) else { return Flow::Slow(alloc_and_init) };
    let Some(instance) = type_::alloc_plain_at_hand(t, class) else { return Flow::Slow(alloc_and_init) };
    let caller = r.frame();
    // SAFETY: the next instruction of the same code.
    let return_pc = unsafe { r.pc.offset(ADVANCE) };
    // SAFETY: `plain_entry` has made sure of the room. The frame of `__init__` lies above the shim and is written first, for the operands
    // are where the shim will be.
    unsafe {
        lay_frame(r, init, fp, args.sub(1), n + 1, Caller { frame: shim, pc: init_pc() }, entry);
        *fp = instance;
        shim.init(Value::NULL, caller, return_pc, Value::NULL);
        *shim.0 = instance;
    }
    t.depth.set(t.depth.get() + 1);
    Flow::Jump
}

unsafe fn alloc_and_init(r: &mut Regs, o: u32) -> Step {
    let n = o as usize;
    let Some((class, init)) = cached_init(r, o) else {
        // SAFETY: the same instruction.
        return unsafe { call_generic(r, o) };
    };
    let args = r.top_slice(n);
    // SAFETY: the same instruction.
    push_init(r, class, init, args, Value::NULL, (n + 2, ADVANCE)).unwrap_or_else(|| unsafe { call_anything(r, o) })
}

/// Makes an instance of a class as [`push_init`] does, if that is how the class makes them and its `__init__` is written in Python.
pub(super) fn instantiate(r: &mut Regs, class: Value, args: &[Value], names: Value, operands: usize, advance: isize) -> Option<Step> {
    let class = class.downcast::<Type>().filter(|class| type_::is_made_plainly(*class))?;
    let init = attr::lookup(r.t(), class, names::__init__)?.exact::<Function>()?;
    let is_plain = !init.code().flags.has(CodeFlags::GENERATOR | CodeFlags::COROUTINE | CodeFlags::ASYNC_GENERATOR);
    if is_plain && !r.frame().is_generator() { push_init(r, class, init, args, names, (operands, advance)) } else { None }
}

/// Makes an instance and enters its `__init__`, over a shim: a frame without code that holds the instance, over the operands of the call. The
/// arguments, the last of which may have names, are on the stack or elsewhere. `taken`: how many operands the call takes, and words from
/// the instruction to the next one. None: there is no room; nothing has happened.
fn push_init(
    r: &mut Regs,
    class: Ref<Type>,
    init: Ref<Function>,
    args: &[Value],
    names: Value,
    (operands, advance): (usize, isize),
) -> Option<Step> {
    let (t, n) = (r.t(), args.len());
    // The arguments move to where the frame of __init__ takes them from.
    // SAFETY: the shim needs HEADER + 1 values, the operands of the inner call n + 2 more, which the comparison makes sure of.
    unsafe {
        let base = r.sp.sub(operands);
        if base.add(2 * HEADER + n + 8 + init.code().frame_values()) > t.stack_limit.get() {
            return None;
        }
        let instance = type_::alloc_plain(t, class);
        let shim = Frame(base.add(HEADER));
        // Above the shim's one value: callable, receiver, arguments; those may overlap with what they were.
        let inner = shim.0.add(1);
        std::ptr::copy(args.as_ptr(), inner.add(2), n);
        *inner = init.value();
        *inner.add(1) = instance;
        *shim.0 = instance;
        Some(call_over_shim(r, Shim { frame: shim, values: 1, code: init_pc(), return_pc: r.pc.offset(advance) }, init, n + 1, names))
    }
}

/// A frame between a caller and a Python function that is called in place of something else: it has no code object, only the few
/// instructions that look at what the function returns.
pub(super) struct Shim {
    /// Where it will be.
    pub frame: Frame,
    /// How many values it has.
    pub values: usize,
    /// Its instructions.
    pub code: *const u16,
    /// Where the caller goes on.
    pub return_pc: *const u16,
}

/// Pushes a shim and, over it, the frame of a Python function with `n` arguments, the last of which have names. If the call fails the shim goes: the exception belongs
/// to the caller.
///
/// # Safety
/// There is room for both frames above all operands of the caller that are still needed. The shim's values and, next to them, the
/// function and its arguments are in place.
pub(super) unsafe fn call_over_shim(r: &mut Regs, shim: Shim, f: Ref<Function>, n: usize, names: Value) -> Step {
    let depth = &r.t().depth;
    let saved = *r;
    // SAFETY: by contract.
    let args = unsafe {
        let operands = shim.frame.0.add(shim.values);
        shim.frame.init(Value::NULL, r.frame(), shim.return_pc, Value::NULL);
        r.sp = operands.add(1 + n);
        std::slice::from_raw_parts(operands.add(1), n)
    };
    depth.set(depth.get() + 1);
    r.fp = shim.frame.0;
    r.pc = shim.code;
    r.save();
    // The function returns to the shim's instructions.
    let step = push_call(r, f, args, names, n + 1, 0);
    if matches!(step, Step::Error) {
        depth.set(depth.get() - 1);
        *r = saved;
        r.save();
    }
    step
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
