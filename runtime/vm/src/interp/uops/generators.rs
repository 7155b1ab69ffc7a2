//! Generators and coroutines: making, resuming, yielding, returning.

use super::{attempt, attempt_here, slow_uops};
use crate::instrument::events::Event;
use crate::interp::frame::Frame;
use crate::interp::regs::{Flow, Regs, Step};
use crate::interp::{specialize, trace};
use crate::object::{R, Ref, ValueExt};
use crate::protocol::iter;
use crate::thread::Thread;
use crate::types::generator::{Sent, state};
use crate::types::{Generator, builtin, coroutine, type_};
use crate::{exc, instrument, names};
use limpid_bytecode::Opcode;
use limpid_heap::Value;
use limpid_probes as probes;

slow_uops! {
    /// Sends a value to the delegate.
    SEND_GENERIC = send;
    /// The iterator of `yield from`.
    GET_YIELD_FROM_ITERATOR = get_yield_from_iter;
    /// `__aiter__`
    GET_ASYNC_ITERATOR = get_aiter;
    /// `__anext__`
    GET_ASYNC_NEXT = get_anext;
    /// An exception was thrown while delegating.
    FINISH_THROW = cleanup_throw;
    /// The end of `async for`.
    FINISH_ASYNC_FOR = end_async_for;
}

/// Makes the generator that owns this frame and returns it.
#[inline(always)]
pub fn MAKE_GENERATOR(r: &mut Regs, _o: u32) -> Flow {
    r.save();
    let t = r.t();
    let frame = r.frame();
    // SAFETY: the instruction after this one.
    let g = attempt_here!(new_generator(t, frame, unsafe { r.pc.add(1) }));
    t.depth.set(t.depth.get() - 1);
    leave(r, frame, g);
    Flow::Jump
}

#[inline(never)]
fn new_generator(t: &Thread, frame: Frame, pc: *const u16) -> R {
    let g = Generator::from_frame(t, frame, pc)?;
    coroutine::on_new(t, g);
    Ok(g.value())
}

/// Pops a frame and hands a value to its caller. Not for a generator's frame.
#[inline(always)]
fn leave(r: &mut Regs, frame: Frame, v: Value) {
    let previous = frame.previous();
    // SAFETY: the header lies on the stack below the frame.
    r.sp = if previous.is_generator() { previous.generator().sp.get() } else { unsafe { frame.0.sub(5) } };
    r.fp = previous.0;
    r.pc = frame.return_pc();
    r.push(v);
}

/// Returns the top value to the caller.
#[inline(always)]
pub fn RETURN_GENERIC(r: &mut Regs, _o: u32) -> Flow {
    let frame = r.frame();
    // One branch for both, as at the start of a frame.
    let is_watched = frame.object().bits() | probes::frame_tracers() != 0;
    if is_watched || frame.is_generator() {
        return Flow::Slow(return_slow);
    }
    let v = r.pop();
    let t = r.t();
    t.depth.set(t.depth.get() - 1);
    leave(r, frame, v);
    Flow::Jump
}

unsafe fn return_slow(r: &mut Regs, _: u32) -> Step {
    let t = r.t();
    let frame = r.frame();
    if !frame.is_shim() {
        trace::returned(t, frame, r.pc);
    }
    if !frame.object().is_null() {
        crate::types::frame::detach(t, frame, frame.code().offset_of(r.pc));
    }
    let v = r.pop();
    t.depth.set(t.depth.get().wrapping_sub(1));
    if !frame.is_generator() {
        leave(r, frame, v);
        return Step::Jump;
    }
    let g = frame.generator();
    finish_generator(t, g);
    r.fp = frame.previous().0;
    r.sp = g.caller_sp.get();
    let (pc, wants_value) = g.on_return();
    r.pc = pc;
    if wants_value {
        r.push(v);
    }
    Step::Jump
}

/// A generator's frame is over: unlinks and empties it.
pub fn finish_generator(t: &Thread, g: Ref<Generator>) {
    g.unlink(t);
    g.clear_frame();
    limpid_heap::unregister_finalizer(g.value());
    g.release(state::CLEARED);
}

/// Suspends the generator and hands the top value to whoever resumed it.
#[inline(always)]
pub fn YIELD_GENERIC(r: &mut Regs, o: u32) -> Flow {
    if probes::function__return::enabled() || probes::function__yield::enabled() {
        return Flow::Slow(yield_slow);
    }
    suspend(r, o)
}

#[inline(always)]
fn suspend(r: &mut Regs, o: u32) -> Flow {
    let v = r.pop();
    let t = r.t();
    let frame = r.frame();
    let g = frame.generator();
    // SAFETY: the instruction after this one.
    g.pc.set(unsafe { r.pc.add(1) });
    g.sp.set(r.sp);
    t.depth.set(t.depth.get() - 1);
    r.fp = frame.previous().0;
    r.sp = g.caller_sp.get();
    r.pc = frame.return_pc();
    g.unlink(t);
    g.release(if o == 0 { state::SUSPENDED } else { state::SUSPENDED_YIELD_FROM });
    r.push(v);
    Flow::Jump
}

unsafe fn yield_slow(r: &mut Regs, o: u32) -> Step {
    trace::yielded(r.t(), r.frame(), r.pc);
    suspend(r, o);
    Step::Jump
}

unsafe fn send(r: &mut Regs, o: u32) -> Step {
    specialize::send(r);
    let t = r.t();
    let (receiver, position, v) = (r.peek(3), r.peek(2), r.peek(1));
    let sent = if position.is_null() {
        attempt!(send_to(t, receiver, v))
    } else if v.is_none() {
        match attempt!(super::next_virtual(t, receiver, position.as_int())) {
            Some(item) => {
                r.poke(2, Value::int(position.as_int() + 1));
                Sent::Yielded(item)
            }
            None => Sent::Returned(Value::NONE),
        }
    } else {
        let it = attempt!(iter::get_iter(t, receiver));
        attempt!(send_to(t, it, v))
    };
    match sent {
        Sent::Yielded(v) => {
            r.poke(1, v);
            Step::Next
        }
        Sent::Returned(v) => {
            r.poke(1, v);
            r.skip(1 + Opcode::SEND.caches() as isize + o as isize);
            Step::Jump
        }
    }
}

/// `receiver.send(v)`, or `next(receiver)` for None.
pub fn send_to(t: &Thread, receiver: Value, v: Value) -> R<Sent> {
    if let Some(g) = coroutine::as_generator(receiver) {
        return coroutine::send(t, g, v);
    }
    let result = match receiver.class().slots().next.filter(|_| v.is_none()) {
        Some(next) if type_::is_python_next(next) => type_::next_raising(t, receiver),
        Some(next) => {
            let item = next(t, receiver);
            match item {
                Ok(Value::NULL) => return Ok(Sent::Returned(Value::NONE)),
                other => other,
            }
        }
        None => crate::protocol::call::call_method(t, receiver, names::send, &[v]),
    };
    match result {
        Ok(v) => Ok(Sent::Yielded(v)),
        Err(_) if t.exception_is(exc::StopIteration) => {
            tell_of_stop(t)?;
            Ok(Sent::Returned(exc::take_stop_iteration_value(t)))
        }
        Err(e) => Err(e),
    }
}

/// The StopIteration of what is no generator has been raised, though it goes no further: tools hear of it.
fn tell_of_stop(t: &Thread) -> R<()> {
    if instrument::everywhere(t, Event::RAISE) == 0 {
        return Ok(());
    }
    match t.current_frame().and_then(|f| Some((f, t.frame_position(f)?))) {
        Some((f, at)) => instrument::exceptions::tell(t, f, at, Event::RAISE),
        None => Ok(()),
    }
}

#[inline(always)]
fn resume_for_send(r: &mut Regs, g: Ref<Generator>, o: u32) -> Flow {
    let t = r.t();
    if t.depth.get() >= t.depth_limit.get() {
        return Flow::Deopt;
    }
    let v = r.peek(1);
    // A value sent to a generator that has not started is an error, which the general form raises.
    if g.state() == state::CREATED && !v.is_none() {
        return Flow::Deopt;
    }
    let Ok(before) = g.claim() else { return Flow::Deopt };
    if !g.is_runner(t) {
        g.release(before);
        return Flow::Deopt;
    }
    t.depth.set(t.depth.get() + 1);
    r.drop_n(1);
    // SAFETY: inside the caller's code.
    let (next, end) = unsafe { (r.pc.add(2), r.pc.add(2 + o as usize)) };
    g.link(t, r.frame(), r.sp, next, end, true);
    r.fp = g.frame().0;
    r.sp = g.sp.get();
    r.pc = g.pc.get();
    r.push(v);
    Flow::Jump
}

/// Sends to a generator or coroutine by linking its frame.
#[inline(always)]
pub fn RESUME_SEND_GENERATOR(r: &mut Regs, o: u32) -> Flow {
    let shape = r.peek(3).shape();
    if shape != builtin::shapes::GENERATOR && shape != builtin::shapes::COROUTINE {
        return Flow::Deopt;
    }
    // SAFETY: both have this layout.
    let g = unsafe { Ref::<Generator>::from_value(r.peek(3)) };
    resume_for_send(r, g, o)
}

/// The next item of a list, tuple or range that is delegated to.
#[inline(always)]
pub fn SEND_TO_VIRTUAL(r: &mut Regs, _o: u32) -> Flow {
    if r.peek(2).is_null() { Flow::Deopt } else { Flow::Slow(send) }
}

slow_uops! {
    /// Sends to what an async generator's `__anext__` gave.
    RESUME_SEND_ASYNC_GENERATOR = send_async_generator;
}

unsafe fn send_async_generator(r: &mut Regs, o: u32) -> Step {
    let receiver = r.peek(3);
    if receiver.shape() != builtin::shapes::ASYNC_GEN_ASEND {
        // SAFETY: the general form of the same instruction.
        return unsafe { send(r, o) };
    }
    match attempt!(coroutine::send_asend(r.t(), receiver, r.peek(1))) {
        Sent::Yielded(v) => {
            r.poke(1, v);
            Step::Next
        }
        Sent::Returned(v) => {
            r.poke(1, v);
            r.skip(1 + Opcode::SEND.caches() as isize + o as isize);
            Step::Jump
        }
    }
}

/// Leaves only the result of a delegation on the stack.
#[inline(always)]
pub fn FINISH_SEND(r: &mut Regs, _o: u32) -> Flow {
    let v = r.peek(1);
    r.drop_n(2);
    r.poke(1, v);
    Flow::Next
}

unsafe fn get_yield_from_iter(r: &mut Regs, _: u32) -> Step {
    let t = r.t();
    let v = r.peek(1);
    let shape = v.shape();
    if shape == builtin::shapes::COROUTINE && !coroutine::may_await(r.frame().code()) {
        t.raise(exc::TypeError, "cannot 'yield from' a coroutine object in a non-coroutine generator");
        return Step::Error;
    }
    if shape == builtin::shapes::LIST || shape == builtin::shapes::TUPLE || super::is_small_range(v) {
        r.push(Value::int(0));
        return Step::Next;
    }
    if shape != builtin::shapes::GENERATOR && shape != builtin::shapes::COROUTINE {
        let it = attempt!(iter::get_iter(t, v));
        r.poke(1, it);
    }
    r.push(Value::NULL);
    Step::Next
}

/// The iterator of `await`.
#[inline(always)]
pub fn GET_AWAITABLE_GENERIC(r: &mut Regs, o: u32) -> Flow {
    r.save();
    let v = attempt_here!(coroutine::get_awaitable(r.t(), r.peek(1), o));
    r.poke(1, v);
    r.push(Value::NULL);
    Flow::Next
}

unsafe fn get_aiter(r: &mut Regs, _: u32) -> Step {
    let v = attempt!(coroutine::get_aiter(r.t(), r.peek(1)));
    r.poke(1, v);
    Step::Next
}

unsafe fn get_anext(r: &mut Regs, _: u32) -> Step {
    let v = attempt!(coroutine::get_anext(r.t(), r.peek(1)));
    r.push(v);
    r.push(Value::NULL);
    Step::Next
}

unsafe fn cleanup_throw(r: &mut Regs, _: u32) -> Step {
    let t = r.t();
    let e = r.peek(1);
    if !e.is_instance(exc::StopIteration) {
        t.raise_value(e);
        t.reraising.set(true);
        return Step::Error;
    }
    let v = exc::stop_iteration_value(e);
    r.drop_n(4);
    r.push(Value::NONE);
    r.push(Value::NULL);
    r.push(v);
    Step::Next
}

unsafe fn end_async_for(r: &mut Regs, _: u32) -> Step {
    let e = r.peek(1);
    if !e.is_instance(exc::StopAsyncIteration) {
        r.t().raise_value(e);
        r.t().reraising.set(true);
        return Step::Error;
    }
    r.drop_n(2);
    Step::Next
}
