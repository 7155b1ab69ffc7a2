//! Trace and profile functions: `sys.settrace` and `sys.setprofile`, told of the events of `sys.monitoring` in their own words.
//!
//! A thread has its functions for itself, but what is instrumented is code, which all threads run. So the two tools want their events as
//! long as any thread has a function, and a thread without one passes them by.

use crate::instrument::deliver::call_tool;
use crate::instrument::events::{Event, EventSet};
use crate::instrument::{PROFILE, TRACE, set_events};
use crate::interp::trace::line_at;
use crate::names;
use crate::object::{R, Raised, Ref, ValueExt};
use crate::thread::{Thread, ThreadSlot};
use crate::types::descriptor::bind;
use crate::types::{BuiltinFunction, Code, Exception, FrameObject, MethodDescriptor, Tuple, frame};
use limpid_heap::Value;
use std::sync::atomic::Ordering::Relaxed;

/// What both kinds of function hear of.
const FRAMES: EventSet = Event::PY_START.bit()
    | Event::PY_RESUME.bit()
    | Event::PY_THROW.bit()
    | Event::PY_RETURN.bit()
    | Event::PY_YIELD.bit()
    | Event::PY_UNWIND.bit();
const FOR_PROFILE: EventSet = FRAMES | Event::CALL.bit();
const FOR_TRACE: EventSet = FRAMES | Event::LINE.bit() | Event::JUMP.bit() | Event::RAISE.bit() | Event::STOP_ITERATION.bit();

/// Gives a thread its trace or profile function, NULL for none, and has the events delivered that are needed now.
pub fn set_function(t: &Thread, slot: ThreadSlot, f: Value) {
    t.set_slot(slot, f);
    update(t, slot);
}

/// Gives all threads a function.
pub fn set_for_all(t: &Thread, slot: ThreadSlot, f: Value) {
    t.mutator.stop_world(c"trace functions", |_| t.interpreter().each_thread(t, |other| other.set_slot(slot, f)));
    update(t, slot);
}

/// A frame wants its trace function to be told of every instruction.
pub fn want_opcodes(t: &Thread) {
    if !t.interpreter().instrumentation.opcodes.swap(true, Relaxed) {
        update(t, ThreadSlot::TraceFunction);
    }
}

fn update(t: &Thread, slot: ThreadSlot) {
    let mut used = false;
    t.interpreter().each_thread(t, |other| used |= other.slot(slot).is_some());
    let (tool, wanted) = match slot {
        ThreadSlot::TraceFunction if t.interpreter().instrumentation.opcodes.load(Relaxed) => (TRACE, FOR_TRACE | Event::INSTRUCTION.bit()),
        ThreadSlot::TraceFunction => (TRACE, FOR_TRACE),
        _ => (PROFILE, FOR_PROFILE),
    };
    set_events(t, tool, if used { wanted } else { 0 });
}

/// The frame that runs, for a function of this thread.
fn running(t: &Thread) -> Option<Ref<FrameObject>> {
    t.current_frame().map(|f| frame::object_of(t, f))
}

/// Tells the thread's profile function of an event with these arguments.
pub fn profile(t: &Thread, event: Event, args: &[Value]) -> R<()> {
    let (Some(f), Some(frame)) = (t.slot(ThreadSlot::ProfileFunction), running(t)) else { return Ok(()) };
    let (what, arg) = match event {
        Event::PY_START | Event::PY_RESUME | Event::PY_THROW => (names::call, Value::NONE),
        Event::PY_RETURN | Event::PY_YIELD => (names::return_, args[2]),
        Event::PY_UNWIND => (names::return_, Value::NONE),
        Event::CALL | Event::C_RETURN | Event::C_RAISE => {
            let Some(callable) = native_callable(t, args[2], args[3]) else { return Ok(()) };
            (
                match event {
                    Event::CALL => names::c_call,
                    Event::C_RETURN => names::c_return,
                    _ => names::c_exception,
                },
                callable,
            )
        }
        _ => return Ok(()),
    };
    if tell(t, f, frame, event, what, arg).is_err() {
        return failed(t, ThreadSlot::ProfileFunction);
    }
    Ok(())
}

/// What a profile function sees of a native callable; nothing of others, classes for instance.
fn native_callable(t: &Thread, f: Value, first: Value) -> Option<Value> {
    if f.exact::<BuiltinFunction>().is_some() {
        return Some(f);
    }
    f.exact::<MethodDescriptor>()?;
    if first == super::MISSING.get() {
        return None;
    }
    match bind(t, f, first, first.class().value()) {
        Ok(bound) => Some(bound),
        Err(_) => {
            t.take_exception();
            None
        }
    }
}

/// Tells the thread's trace function, or that of the frame, of an event with these arguments at a word of the code.
pub fn trace(t: &Thread, code: Ref<Code>, at: usize, event: Event, args: &[Value]) -> R<()> {
    let (Some(global), Some(frame)) = (t.slot(ThreadSlot::TraceFunction), running(t)) else { return Ok(()) };
    let flags = frame.trace_flags.load(Relaxed);
    let (what, arg) = match event {
        Event::PY_START | Event::PY_RESUME | Event::PY_THROW => {
            return tell_trace(t, global, frame, event, names::call, Value::NONE);
        }
        Event::PY_RETURN | Event::PY_YIELD => (names::return_, args[2]),
        Event::PY_UNWIND => (names::return_, Value::NONE),
        Event::LINE if flags & frame::TRACE_LINES != 0 => (names::line, Value::NONE),
        Event::JUMP if flags & frame::TRACE_LINES != 0 && repeats_line(code, at, args) => (names::line, Value::NONE),
        Event::INSTRUCTION if flags & frame::TRACE_OPCODES != 0 => (names::opcode, Value::NONE),
        Event::RAISE | Event::STOP_ITERATION => (names::exception, args[2]),
        _ => return Ok(()),
    };
    let Some(f) = frame.trace.opt() else { return Ok(()) };
    let arg = match event {
        Event::RAISE | Event::STOP_ITERATION => Tuple::from_slice(t, &[arg.class().value(), arg, Exception::traceback(arg)]).value(),
        _ => arg,
    };
    tell_trace(t, f, frame, event, what, arg)
}

/// Does a jump lead back within its line, so that this starts once more?
pub fn repeats_line(code: Ref<Code>, at: usize, args: &[Value]) -> bool {
    let to = args[2].as_int() as usize / 2;
    to < at && line_at(code, to) == line_at(code, at)
}

fn tell_trace(t: &Thread, f: Value, frame: Ref<FrameObject>, event: Event, what: Value, arg: Value) -> R<()> {
    match tell(t, f, frame, event, what, arg) {
        Ok(v) => {
            if !v.is_none() {
                frame.trace.set(t, frame, v);
            }
            Ok(())
        }
        Err(_) => {
            frame.trace.set(t, frame, Value::NULL);
            failed(t, ThreadSlot::TraceFunction)
        }
    }
}

/// A function that fails is not called again.
fn failed(t: &Thread, slot: ThreadSlot) -> R<()> {
    let e = t.take_exception();
    set_function(t, slot, Value::NULL);
    t.raise_value(e);
    Err(Raised)
}

fn tell(t: &Thread, f: Value, frame: Ref<FrameObject>, event: Event, what: Value, arg: Value) -> R {
    call_tool(t, event, f, &[frame.value(), what, arg])
}
