//! Callbacks written in Python, where one of them is all that is to be done before an instruction runs: their frames are pushed as those
//! of special methods are, over a shim that looks at what they give. Native code would call them in an interpreter loop of its own, which
//! takes longer.

use super::deliver::{Rest, checked, disable, go_where_redirected, moved};
use super::events::Event;
use super::locations::{Location, form_underneath};
use super::{DISABLE, MONITORING_TOOLS, PROFILE, TRACE, ToolSet, callback, legacy};
use crate::interp::frame::{Frame, HEADER};
use crate::interp::regs::{Regs, Step};
use crate::interp::uops::{Caller, lay_frame, plain_entry};
use crate::object::{R, Raised, Ref, ValueExt};
use crate::thread::Thread;
use crate::types::{Code, Function, frame};
use limpid_bytecode::{INSTRUMENTED, Opcode};
use limpid_heap::Value;
use std::sync::atomic::Ordering::Relaxed;

/// What a callback returns to. The handler of this byte sees that it is in a shim.
static TOLD_CODE: [u16; 1] = [INSTRUMENTED as u16];

/// Where a callback returns to.
#[inline(always)]
pub fn told_pc() -> *const u16 {
    TOLD_CODE.as_ptr()
}

/// The values of the shim: the number of the tool, and the oparg of the instruction.
const PLACES: usize = 2;

/// Is nothing to be told of an instruction but that a line starts there? `SEND` is one that has more to tell in the form it runs in.
pub fn is_line_only(here: &Location, op: Opcode) -> bool {
    let others = [&here.event, &here.right, &here.stop, &here.instruction];
    others.iter().fold(0, |all, tools| all | tools.load(Relaxed)) == 0 && !here.notes_jump() && op != Opcode::SEND
}

/// Pushes the frame of the callback of the only tool that is told of an event at an instruction with this oparg. The instruction runs when
/// the callback has returned. None: nothing has happened; somebody has to be told in another way, or nobody.
pub fn push(r: &mut Regs, o: u32, (code, at): (Ref<Code>, usize), event: Event, tools: ToolSet, args: &[Value]) -> Option<Step> {
    let t = r.t();
    if !tools.is_power_of_two() || r.frame().is_generator() || t.event.get().is_some() {
        return None;
    }
    let tool = tools.ilog2() as usize;
    let told = match tool {
        PROFILE => legacy::profile_call(t, event, args)?,
        TRACE => legacy::trace_call(t, code, at, event, args)?,
        _ if tool < MONITORING_TOOLS => return enter(r, o, (tool, event), callback(t, tool, event)?, args),
        _ => return None,
    };
    enter(r, o, (tool, event), told.f, &told.args())
}

#[inline(always)]
fn enter(r: &mut Regs, o: u32, (tool, event): (usize, Event), f: Value, args: &[Value]) -> Option<Step> {
    let (t, f, told_of) = (r.t(), f.exact::<Function>()?, r.frame());
    let shim = Frame(r.sp.wrapping_add(HEADER));
    let fp = shim.0.wrapping_add(PLACES + HEADER);
    let entry = plain_entry(t, f.code(), args.len(), fp, 2)?;
    // SAFETY: `plain_entry` has made sure of the room for both frames.
    unsafe {
        let return_pc = r.pc.add(1);
        lay_frame(r, f, fp, args.as_ptr(), args.len(), Caller { frame: shim, pc: told_pc() }, entry);
        shim.init(Value::NULL, told_of, return_pc, Value::NULL);
        *shim.0 = Value::int(tool as i64);
        *shim.0.add(1) = Value::int(o as i64);
    }
    t.depth.set(t.depth.get() + 1);
    t.event.set(Some((event, told_of)));
    t.tracing.set(t.tracing.get() + 1);
    Some(Step::Jump)
}

/// A callback is over; the frame it was told of. The tool and the event.
#[inline(always)]
fn leave(t: &Thread, shim: Frame) -> (usize, Option<Event>) {
    t.tracing.set(t.tracing.get() - 1);
    let event = t.event.take().map(|(event, _)| event);
    (shim.local(0).as_int() as usize, event)
}

/// A callback has returned to its shim: what remains to be done of the instruction that it was told of, and the oparg of that.
#[inline(always)]
pub fn returned(r: &mut Regs) -> (Rest, u32) {
    let (t, shim, v) = (r.t(), r.frame(), r.peek(1));
    let (tool, event) = leave(t, shim);
    t.depth.set(t.depth.get() - 1);
    r.fp = shim.previous().0;
    // SAFETY: the header lies on the stack below the frame; the shim returns to the word behind the instruction.
    unsafe {
        r.sp = shim.0.sub(HEADER);
        r.pc = shim.return_pc().sub(1);
    }
    r.save();
    let rest = match finish(r, tool, event, v) {
        Ok(rest) => rest,
        Err(Raised) => Rest::Done(Step::Error),
    };
    (rest, shim.local(1).as_int() as u32)
}

#[inline(always)]
fn finish(r: &mut Regs, tool: usize, event: Option<Event>, v: Value) -> R<Rest> {
    let (t, code, pc) = (r.t(), r.frame().code(), r.pc);
    if tool == TRACE {
        if !v.is_none() {
            legacy::set_local(t, frame::object_of(t, r.frame()), v);
        }
    } else if tool != PROFILE
        && v == DISABLE.get()
        && let Some(event) = event
    {
        disable(t, code, code.place_of(t, pc), event, tool)?;
    }
    if t.redirected.get().is_some() {
        go_where_redirected(t, r.frame());
        return Ok(moved(r));
    }
    let form = form_underneath(t, code, pc).unwrap_or_else(|| match code.locations() {
        Some(locations) => locations.at(code.place_of(t, pc)).opcode() as u8,
        None => r.word() as u8,
    });
    Ok(Rest::Run(checked(form)))
}

/// An exception leaves a callback: the registers are those of its shim. A trace or profile function that fails is not called again.
pub fn failed(r: &Regs) {
    r.save();
    let (t, shim) = (r.t(), r.frame());
    let (tool, _) = leave(t, shim);
    t.redirected.set(None);
    if tool == TRACE || tool == PROFILE {
        legacy::failed_in(t, tool, shim.previous());
    }
}
