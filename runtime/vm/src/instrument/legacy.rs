//! Trace and profile functions: `sys.settrace` and `sys.setprofile`, told of the events of `sys.monitoring` in their own words.
//!
//! A thread has its functions for itself, but what is instrumented is code, which all threads run. So the two tools want their events as
//! long as any thread has a function, and a thread without one passes them by.

use crate::instrument::deliver::call_tool;
use crate::instrument::events::{Event, EventSet};
use crate::instrument::{PROFILE, TRACE, set_events};
use crate::interp::frame::Frame;
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

/// A call of a trace or profile function.
pub struct Call {
    /// The function.
    pub f: Value,
    frame: Ref<FrameObject>,
    what: Value,
    arg: Value,
}

impl Call {
    /// What it is given.
    pub fn args(&self) -> [Value; 3] {
        [self.frame.value(), self.what, self.arg]
    }
}

/// Tells the thread's profile function of an event with these arguments.
pub fn profile(t: &Thread, event: Event, args: &[Value]) -> R<()> {
    if let Some(told) = profile_call(t, event, args)
        && call_tool(t, event, told.f, &told.args()).is_err()
    {
        failed(t, ThreadSlot::ProfileFunction);
        return Err(Raised);
    }
    Ok(())
}

/// The call of the thread's profile function that an event with these arguments asks for.
pub fn profile_call(t: &Thread, event: Event, args: &[Value]) -> Option<Call> {
    let (f, frame) = (t.slot(ThreadSlot::ProfileFunction)?, running(t)?);
    let (what, arg) = match event {
        Event::PY_START | Event::PY_RESUME | Event::PY_THROW => (names::call, Value::NONE),
        Event::PY_RETURN | Event::PY_YIELD => (names::return_, args[2]),
        Event::PY_UNWIND => (names::return_, Value::NONE),
        Event::CALL => (names::c_call, native_callable(t, args[2], args[3])?),
        Event::C_RETURN => (names::c_return, native_callable(t, args[2], args[3])?),
        Event::C_RAISE => (names::c_exception, native_callable(t, args[2], args[3])?),
        _ => return None,
    };
    Some(Call { f, frame, what, arg })
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
    let Some(told) = trace_call(t, code, at, event, args) else { return Ok(()) };
    match call_tool(t, event, told.f, &told.args()) {
        Ok(v) => {
            if !v.is_none() {
                set_local(t, told.frame, v);
            }
            Ok(())
        }
        Err(_) => {
            trace_failed(t, told.frame);
            Err(Raised)
        }
    }
}

/// A frame's trace function from now on. Nearly always it is that already.
#[inline]
pub fn set_local(t: &Thread, frame: Ref<FrameObject>, f: Value) {
    if frame.trace.get() != f {
        frame.trace.set(t, frame, f);
    }
}

/// The call of the thread's trace function, or of that of the frame, that an event with these arguments at a word of the code asks for.
#[inline]
pub fn trace_call(t: &Thread, code: Ref<Code>, at: usize, event: Event, args: &[Value]) -> Option<Call> {
    let (global, frame) = (t.slot(ThreadSlot::TraceFunction)?, running(t)?);
    let flags = frame.trace_flags.load(Relaxed);
    let (what, arg) = match event {
        Event::PY_START | Event::PY_RESUME | Event::PY_THROW => {
            return Some(Call { f: global, frame, what: names::call, arg: Value::NONE });
        }
        Event::PY_RETURN | Event::PY_YIELD => (names::return_, args[2]),
        Event::PY_UNWIND => (names::return_, Value::NONE),
        Event::LINE if flags & frame::TRACE_LINES != 0 => (names::line, Value::NONE),
        Event::JUMP if flags & frame::TRACE_LINES != 0 && repeats_line(code, at, args) => (names::line, Value::NONE),
        Event::INSTRUCTION if flags & frame::TRACE_OPCODES != 0 => (names::opcode, Value::NONE),
        Event::RAISE | Event::STOP_ITERATION => (names::exception, args[2]),
        _ => return None,
    };
    let f = frame.trace.opt()?;
    let arg = match event {
        Event::RAISE | Event::STOP_ITERATION => Tuple::from_slice(t, &[arg.class().value(), arg, Exception::traceback(arg)]).value(),
        _ => arg,
    };
    Some(Call { f, frame, what, arg })
}

/// Does a jump lead back within its line, so that this starts once more?
pub fn repeats_line(code: Ref<Code>, at: usize, args: &[Value]) -> bool {
    let to = args[2].as_int() as usize / 2;
    to < at && line_at(code, to) == line_at(code, at)
}

/// A function that fails is not called again. The exception stays.
fn failed(t: &Thread, slot: ThreadSlot) {
    let e = t.take_exception();
    set_function(t, slot, Value::NULL);
    t.raise_value(e);
}

/// The trace or profile function has failed that was told of a frame.
pub fn failed_in(t: &Thread, tool: usize, f: Frame) {
    if tool == PROFILE {
        return failed(t, ThreadSlot::ProfileFunction);
    }
    trace_failed(t, frame::object_of(t, f));
}

/// Neither the thread nor the frame has a trace function any more.
fn trace_failed(t: &Thread, frame: Ref<FrameObject>) {
    frame.trace.set(t, frame, Value::NULL);
    failed(t, ThreadSlot::TraceFunction);
}
