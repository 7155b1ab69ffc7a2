//! Delivering the events of an instruction, and what the instruction itself has to do with them.
//!
//! Most events come before the instruction, which then runs as if nothing had been. Calls and `for` loops run here, in their general form,
//! because what they have done is an event too.

use crate::args::Args;
use crate::exc;
use crate::instrument::events::Event;
use crate::instrument::locations::{self, Location, jump_target};
use crate::instrument::{DISABLE, MISSING, MONITORING_TOOLS, PROFILE, TRACE, ToolSet, callback, callbacks, legacy, refresh};
use crate::interp::calls;
use crate::interp::frame::Frame;
use crate::interp::regs::{Regs, Step};
use crate::interp::trace::line_at;
use crate::interp::uops;
use crate::object::{R, Raised, Ref, ValueExt};
use crate::protocol::{attr, call};
use crate::thread::Thread;
use crate::types::generator::Sent;
use crate::types::{Code, Function, Method, Tuple, coroutine};
use limpid_bytecode::Opcode;
use limpid_heap::Value;
use std::cell::Cell;
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};

/// What remains to be done of an instrumented instruction.
pub enum Rest {
    /// All of it, in the form with this opcode.
    Run(u8),
    /// Nothing: it has done this.
    Done(Step),
}

/// The last jump of a thread whose target asks where one comes from.
pub struct NotedJump {
    target: Cell<*const u16>,
    line: Cell<i32>,
}

impl Default for NotedJump {
    fn default() -> NotedJump {
        NotedJump::new()
    }
}

impl NotedJump {
    pub const fn new() -> NotedJump {
        NotedJump { target: Cell::new(std::ptr::null()), line: Cell::new(0) }
    }

    /// The thread goes from a line to an instruction that is not the next one.
    pub fn note(&self, target: *const u16, line: i32) {
        self.target.set(target);
        self.line.set(line);
    }

    /// Does something that may run other code, between a jump and its target.
    pub fn keep<T>(&self, f: impl FnOnce() -> T) -> T {
        let (target, line) = (self.target.get(), self.line.get());
        let result = f();
        self.note(target, line);
        result
    }

    /// The line it has jumped here from, if it has.
    fn take(&self, here: *const u16) -> Option<i32> {
        (self.target.replace(std::ptr::null()) == here).then_some(self.line.get())
    }
}

/// Delivers the events of the instruction at `pc`. The registers are saved.
pub fn deliver(r: &mut Regs, o: u32) -> Rest {
    let t = r.t();
    let code = r.frame().code();
    let at = code.place_of(t, r.pc);
    let Some(locations) = code.locations() else {
        // The byte came with the code: there is no such instruction.
        return Rest::Run(Opcode::CACHE as u8);
    };
    let here = locations.at(at);
    let op = here.opcode();
    if t.tracing.get() != 0 {
        // A tool's own code: nobody hears of it, so it is not brought up to date either.
        return Rest::Run(checked(op as u8));
    }
    refresh(t, code);
    let outcome = if op == Opcode::RESUME { resumed(r, o, code, at, here) } else { watched(r, o, code, at, here, op) };
    match outcome {
        Ok(Rest::Run(op)) => Rest::Run(checked(op)),
        Ok(rest) => rest,
        Err(Raised) => Rest::Done(Step::Error),
    }
}

/// The form of an instruction that does no more than has to be done each time. Code that is up to date needs not be brought there again.
#[inline(always)]
pub fn checked(op: u8) -> u8 {
    if op == Opcode::RESUME as u8 { Opcode::RESUME_CHECK as u8 } else { op }
}

/// Where a frame starts or resumes. That is no line and no instruction to tools.
fn resumed(r: &mut Regs, o: u32, code: Ref<Code>, at: usize, here: &Location) -> R<Rest> {
    let (t, pc) = (r.t(), r.pc);
    let tools = here.event.load(Relaxed);
    if tools != 0 {
        let event = if o & 3 == 0 { Event::PY_START } else { Event::PY_RESUME };
        let args = [code.value(), Value::int(at as i64 * 2)];
        if let Some(step) = callbacks::push(r, o, (code, at), event, tools, &args) {
            return Ok(Rest::Done(step));
        }
        fire(t, code, at, event, tools, &args)?;
        if t.pc.get() != pc {
            return Ok(moved(r));
        }
    }
    Ok(Rest::Run(locations::form_underneath(t, code, pc).unwrap_or(Opcode::RESUME as u8)))
}

#[inline(never)]
fn watched(r: &mut Regs, o: u32, code: Ref<Code>, at: usize, here: &Location, op: Opcode) -> R<Rest> {
    let t = r.t();
    let offset = Value::int(at as i64 * 2);
    let pc = r.pc;
    let tools = here.line.load(Relaxed);
    if tools != 0 {
        let line = line_at(code, at);
        let starts = match t.noted_jump.take(pc) {
            Some(from) => from != line,
            None => here.starts_line(),
        };
        if starts {
            let args = [code.value(), Value::int(line as i64)];
            if callbacks::is_line_only(here, op)
                && let Some(step) = callbacks::push(r, o, (code, at), Event::LINE, tools, &args)
            {
                return Ok(Rest::Done(step));
            }
            fire(t, code, at, Event::LINE, tools, &args)?;
            if t.pc.get() != pc {
                return Ok(moved(r));
            }
        }
    }
    let tools = here.instruction.load(Relaxed);
    if tools != 0 {
        fire(t, code, at, Event::INSTRUCTION, tools, &[code.value(), offset])?;
    }
    let tools = here.event.load(Relaxed);
    match op {
        Opcode::RETURN_VALUE if tools != 0 => {
            let args = [code.value(), offset, r.peek(1)];
            // One that is told of every instruction may have sent the frame elsewhere.
            if t.pc.get() == pc
                && let Some(step) = callbacks::push(r, o, (code, at), Event::PY_RETURN, tools, &args)
            {
                return Ok(Rest::Done(step));
            }
            fire(t, code, at, Event::PY_RETURN, tools, &args)?
        }
        Opcode::YIELD_VALUE if tools != 0 => fire(t, code, at, Event::PY_YIELD, tools, &[code.value(), offset, r.peek(1)])?,
        Opcode::CALL | Opcode::CALL_KW | Opcode::CALL_FUNCTION_EX if tools != 0 => return watched_call(r, o, code, at, here, op),
        Opcode::LOAD_SUPER_ATTR if tools != 0 => return watched_super(r, o, code, at, here),
        Opcode::FOR_ITER => return watched_for(r, o, code, at, here),
        Opcode::END_SEND => {
            let listeners = here.stop.load(Relaxed);
            if listeners != 0 && coroutine::as_generator(r.peek(3)).is_some() {
                let stop = exc::new_stop_iteration(t, r.peek(1))?;
                fire(t, code, at, Event::STOP_ITERATION, listeners, &[code.value(), offset, stop])?;
            }
            if tools != 0 && here.is_async_next() {
                branch(t, code, at, Event::BRANCH_LEFT, tools, at + 1)?;
            }
        }
        Opcode::END_ASYNC_FOR => end_of_async_for(r, code, at, here)?,
        _ => jump(r, o, code, at, here, op)?,
    }
    // A callback may have sent the frame elsewhere.
    if t.pc.get() != pc {
        return Ok(moved(r));
    }
    // Only in its general form a SEND tells of the exception that an awaitable ends with.
    let form = if op == Opcode::SEND { None } else { locations::form_underneath(t, code, pc) };
    Ok(Rest::Run(form.unwrap_or(op as u8)))
}

/// A callback has changed where the frame goes on.
pub(super) fn moved(r: &mut Regs) -> Rest {
    r.pc = r.t().pc.get();
    r.sp = r.t().sp.get();
    Rest::Done(Step::Jump)
}

/// A jump, conditional or not, that has not happened yet.
fn jump(r: &mut Regs, o: u32, code: Ref<Code>, at: usize, here: &Location, op: Opcode) -> R<()> {
    let Some(target) = jump_target(at, op, o) else { return Ok(()) };
    let taken = match op {
        Opcode::POP_JUMP_IF_FALSE => r.peek(1) == Value::FALSE,
        Opcode::POP_JUMP_IF_TRUE => r.peek(1) == Value::TRUE,
        Opcode::POP_JUMP_IF_NONE => r.peek(1).is_none(),
        Opcode::POP_JUMP_IF_NOT_NONE => !r.peek(1).is_none(),
        _ => true,
    };
    let (event, tools, to) = match op {
        Opcode::JUMP_FORWARD | Opcode::JUMP_BACKWARD => (Event::JUMP, &here.event, target),
        Opcode::JUMP_BACKWARD_NO_INTERRUPT | Opcode::SEND => return Ok(()),
        _ if taken => (Event::BRANCH_RIGHT, &here.right, target),
        _ => (Event::BRANCH_LEFT, &here.event, after_branch(code, at, op)),
    };
    let tools = tools.load(Relaxed);
    if tools != 0 {
        branch(r.t(), code, at, event, tools, to)?;
    }
    if taken && here.notes_jump() {
        // SAFETY: jumps lead to instructions of the same code.
        let target = unsafe { r.pc.offset(target as isize - at as isize) };
        r.t().noted_jump.note(target, line_at(code, at));
    }
    Ok(())
}

/// Where a conditional jump that is not taken leads: behind the instruction that marks this way.
pub fn after_branch(code: Ref<Code>, at: usize, op: Opcode) -> usize {
    let next = at + 1 + op.caches();
    let marker = code.locations().is_some_and(|l| l.at(next).opcode() == Opcode::NOT_TAKEN);
    next + marker as usize
}

fn branch(t: &Thread, code: Ref<Code>, at: usize, event: Event, tools: ToolSet, to: usize) -> R<()> {
    let (from, to) = (Value::int(at as i64 * 2), Value::int(to as i64 * 2));
    fire(t, code, at, event, tools, &[code.value(), from, to])
}

/// The end of an `async for` loop, told as a branch of the instruction that gave it its values.
fn end_of_async_for(r: &mut Regs, code: Ref<Code>, at: usize, here: &Location) -> R<()> {
    let tools = here.right.load(Relaxed);
    if tools == 0 || !r.peek(1).is_instance(exc::StopAsyncIteration) {
        return Ok(());
    }
    let Some((next, _)) = locations::async_loops(code, &code.words()).find(|(_, end)| *end == at) else { return Ok(()) };
    let (from, to) = (Value::int(next as i64 * 2), Value::int(at as i64 * 2 + 2));
    fire(r.t(), code, at, Event::BRANCH_RIGHT, tools, &[code.value(), from, to])
}

/// The next round of a loop, or its end.
fn watched_for(r: &mut Regs, o: u32, code: Ref<Code>, at: usize, here: &Location) -> R<Rest> {
    let t = r.t();
    let generator = if r.peek(1).is_null() { coroutine::as_generator(r.peek(2)) } else { None };
    let next = match generator {
        Some(g) => match coroutine::send(t, g, Value::NONE)? {
            Sent::Yielded(v) => Some(v),
            Sent::Returned(v) => {
                let tools = here.stop.load(Relaxed);
                if tools != 0 {
                    let stop = exc::new_stop_iteration(t, v)?;
                    fire(t, code, at, Event::STOP_ITERATION, tools, &[code.value(), Value::int(at as i64 * 2), stop])?;
                }
                None
            }
        },
        None => uops::next_of_loop(r)?,
    };
    let after = at + 1 + Opcode::FOR_ITER.caches();
    let tools = match next {
        Some(v) => {
            r.push(v);
            r.save();
            here.event.load(Relaxed)
        }
        None => here.right.load(Relaxed),
    };
    if tools != 0 {
        // The way out leads behind the instruction that drops the iterator.
        let (event, to) = match next {
            Some(_) => (Event::BRANCH_LEFT, after),
            None => (Event::BRANCH_RIGHT, after + o as usize + 1),
        };
        let pc = r.pc;
        branch(t, code, at, event, tools, to)?;
        if t.pc.get() != pc {
            return Ok(moved(r));
        }
    }
    Ok(Rest::Done(match next {
        Some(_) => Step::Next,
        None => {
            r.skip((after - at) as isize + o as isize);
            Step::Jump
        }
    }))
}

/// Calls something; if that is no Python function, what came of it is an event too.
fn watched_call(r: &mut Regs, o: u32, code: Ref<Code>, at: usize, here: &Location, op: Opcode) -> R<Rest> {
    let t = r.t();
    let operands = match op {
        Opcode::CALL => o as usize + 2,
        Opcode::CALL_KW => o as usize + 3,
        _ => 4,
    };
    let mut f = r.peek(operands);
    if op == Opcode::CALL_FUNCTION_EX {
        let args = uops::positional_arguments(r)?;
        r.poke(2, args.value());
    }
    // A bound method is taken apart before tools see it.
    if op != Opcode::CALL_FUNCTION_EX
        && r.peek(operands - 1).is_null()
        && let Some(m) = f.exact::<Method>()
    {
        f = m.function.get();
        r.poke(operands, f);
        r.poke(operands - 1, m.receiver.get());
    }
    let first = match op {
        Opcode::CALL_FUNCTION_EX => r.peek(2).downcast::<Tuple>().and_then(|args| args.as_slice().first().copied()),
        _ if !r.peek(operands - 1).is_null() => Some(r.peek(operands - 1)),
        _ if o > 0 => Some(r.peek(operands - 2)),
        _ => None,
    };
    let args = [code.value(), Value::int(at as i64 * 2), f, first.unwrap_or(MISSING.get())];
    let pc = r.pc;
    fire(t, code, at, Event::CALL, here.event.load(Relaxed), &args)?;
    if t.pc.get() != pc {
        return Ok(moved(r));
    }
    if f.exact::<Function>().is_some() {
        return Ok(Rest::Run(op as u8));
    }
    let result = uops::call_without_frame(r, o, op);
    // Who has switched calls off by now does not hear of this one either.
    let tools = here.event.load(Relaxed);
    match result {
        Ok(v) => {
            r.drop_n(operands);
            r.push(v);
            r.save();
            fire(t, code, at, Event::C_RETURN, tools, &args)?;
            Ok(Rest::Done(Step::Next))
        }
        Err(raised) => {
            exceptional(t, |_| fire(t, code, at, Event::C_RAISE, tools, &args))?;
            Err(raised)
        }
    }
}

/// `super().name`, with the call of `super` that the instruction stands for.
fn watched_super(r: &mut Regs, o: u32, code: Ref<Code>, at: usize, here: &Location) -> R<Rest> {
    let t = r.t();
    let (f, class, object) = (r.peek(3), r.peek(2), r.peek(1));
    let given: &[Value] = if o & 2 != 0 { &[class, object] } else { &[] };
    let args = [code.value(), Value::int(at as i64 * 2), f, given.first().copied().unwrap_or(MISSING.get())];
    fire(t, code, at, Event::CALL, here.event.load(Relaxed), &args)?;
    let result = call::call(t, f, given);
    let tools = here.event.load(Relaxed);
    let s = match result {
        Ok(s) => s,
        Err(raised) => {
            exceptional(t, |_| fire(t, code, at, Event::C_RAISE, tools, &args))?;
            return Err(raised);
        }
    };
    r.poke(3, s);
    fire(t, code, at, Event::C_RETURN, tools, &args)?;
    let name = code.name_at((o >> 2) as usize);
    let v = attr::get_attr(t, s, name)?;
    r.drop_n(3);
    r.push(v);
    if o & 1 != 0 {
        r.push(Value::NULL);
    }
    Ok(Rest::Done(Step::Next))
}

/// Runs `f`, which gets the current exception, and raises that again unless `f` raises another.
pub fn exceptional(t: &Thread, f: impl FnOnce(Value) -> R<()>) -> R<()> {
    let e = t.take_exception();
    f(e)?;
    t.raise_value(e);
    Ok(())
}

/// Tells tools of an event.
pub fn fire(t: &Thread, code: Ref<Code>, at: usize, event: Event, tools: ToolSet, args: &[Value]) -> R<()> {
    if t.tracing.get() != 0 {
        return Ok(());
    }
    let mut rest = tools;
    while rest != 0 {
        // The highest number first.
        let tool = rest.ilog2() as usize;
        rest &= !(1 << tool);
        if tool >= MONITORING_TOOLS {
            match tool {
                PROFILE => legacy::profile(t, event, args)?,
                TRACE => legacy::trace(t, code, at, event, args)?,
                _ => crate::interp::trace::line(t, code, at, event, args),
            }
            continue;
        }
        let (f, event) = match (callback(t, tool, event), event) {
            (None, Event::BRANCH_LEFT | Event::BRANCH_RIGHT) => (callback(t, tool, Event::BRANCH), Event::BRANCH),
            (f, event) => (f, event),
        };
        let Some(f) = f else { continue };
        if call_tool(t, event, f, args)? == DISABLE.get() {
            disable(t, code, at, event, tool)?;
        }
    }
    Ok(())
}

/// Calls the function of a tool, which may send the frame elsewhere by assigning to its `f_lineno`.
#[inline]
pub(super) fn call_tool(t: &Thread, event: Event, f: Value, args: &[Value]) -> R {
    let told_of = Frame(t.fp.get());
    let result = call_untraced(t, Some((event, told_of)), f, args);
    if t.redirected.get().is_some() {
        go_where_redirected(t, told_of);
    }
    result
}

/// A tool has sent the frame elsewhere.
#[cold]
pub(super) fn go_where_redirected(t: &Thread, told_of: Frame) {
    if let Some((to, depth)) = t.redirected.take() {
        let code = told_of.code();
        let start = code.copy_containing(t.pc.get()).unwrap_or(code.bytecode()).start();
        // SAFETY: whoever redirects a frame has made sure of both places.
        unsafe {
            t.pc.set(start.add(to));
            t.sp.set(told_of.stack_base().add(depth));
        }
        // The line it was sent to has not just begun.
        t.noted_jump.note(t.pc.get(), line_at(code, to));
    }
}

/// Calls a function of which tools hear nothing; `event` is what it is told of, and in which frame.
#[inline]
fn call_untraced(t: &Thread, event: Option<(Event, Frame)>, f: Value, args: &[Value]) -> R {
    let before = t.event.replace(event);
    t.tracing.set(t.tracing.get() + 1);
    let result = match f.exact::<Function>() {
        Some(f) => calls::call_function(t, f, Args::positional(args)),
        None => call::call(t, f, args),
    };
    t.tracing.set(t.tracing.get() - 1);
    t.event.set(before);
    result
}

/// Tells tools of an event of something that stands for code, and keeps for itself which tools listen: one whose callback returns
/// `DISABLE` is taken out.
pub fn fire_elsewhere(t: &Thread, event: Event, tools: &AtomicU16, args: &[Value]) -> R<()> {
    if t.tracing.get() != 0 {
        return Ok(());
    }
    let listening = tools.load(Relaxed);
    for tool in (0..MONITORING_TOOLS).rev().filter(|tool| listening & 1 << tool != 0) {
        let Some(f) = callback(t, tool, event) else { continue };
        // The event is not one of the frame that runs: that stays where it is.
        if call_untraced(t, None, f, args)? == DISABLE.get() {
            if !event.can_be_disabled() {
                return Err(refuse_to_disable(t, event, tool));
            }
            tools.fetch_and(!(1 << tool), Relaxed);
        }
    }
    Ok(())
}

/// An event that cannot be disabled: the callback that has asked for it goes.
fn refuse_to_disable(t: &Thread, event: Event, tool: usize) -> Raised {
    super::set_callback(t, tool, event, Value::NULL);
    err!(t, ValueError, "Cannot disable {} events. Callback removed.", event.name())
}

pub(super) fn disable(t: &Thread, code: Ref<Code>, at: usize, event: Event, tool: usize) -> R<()> {
    match event {
        Event::BRANCH => {
            locations::disable(t, code, at, Event::BRANCH_LEFT, tool);
            locations::disable(t, code, at, Event::BRANCH_RIGHT, tool);
        }
        Event::C_RETURN | Event::C_RAISE => locations::disable(t, code, at, Event::CALL, tool),
        _ if event.can_be_disabled() => locations::disable(t, code, at, event, tool),
        _ => return Err(refuse_to_disable(t, event, tool)),
    }
    Ok(())
}

/// Tells tools that want an event everywhere of one that has happened in a frame, at a word of its code.
pub fn fire_everywhere(t: &Thread, f: Frame, at: usize, event: Event, e: Value) -> R<()> {
    let tools = super::everywhere(t, event);
    if tools == 0 {
        return Ok(());
    }
    let code = f.code();
    fire(t, code, at, event, tools, &[code.value(), Value::int(at as i64 * 2), e])
}
