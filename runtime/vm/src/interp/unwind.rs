//! What happens when an exception is raised: handlers are looked up frame by frame, frames without one are left.

use crate::instrument::callbacks::{self, told_pc};
use crate::instrument::events::Event;
use crate::instrument::exceptions::tell;
use crate::interp::frame::{Frame, HEADER, OPERATOR_PLACES, Outcome, outcome_pc};
use crate::interp::regs::{Regs, Step};
use crate::interp::trace::{self, line_at};
use crate::interp::uops::finish_generator;
use crate::object::{Ref, ValueExt};
use crate::types::{Bytes, Traceback, frame};
use limpid_bytecode::ExceptionTable;
use limpid_heap::Value;

/// Finds the handler of the current exception, from the instruction at `pc` on. Afterwards the registers are those of the handler
/// (`Jump`), or of the native caller (`Exit`, the thread's result being NULL).
pub fn unwind(r: &mut Regs) -> Step {
    let t = r.t();
    // What tools are told of the exception in a frame first; nothing of one that a tool has raised.
    let mut event = Some(if t.reraising.replace(false) { Event::RERAISE } else { Event::RAISE });
    loop {
        let f = r.frame();
        if !f.is_shim() {
            r.save();
            let code = f.code();
            let at = code.offset_of(r.pc);
            Traceback::add(t, f, at);
            if let Some(event) = event.replace(Event::RAISE) {
                // An exception that a tool raises takes the place of this one.
                let _ = tell(t, f, at, event);
            }
            let origin = t.reraised_at.take().unwrap_or(at);
            // SAFETY: the field is bytes.
            let table = unsafe { Ref::<Bytes>::from_value(code.exceptiontable.get()) };
            if let Some(handler) = ExceptionTable(table.as_slice()).find(at as u32) {
                let start = code.copy_containing(r.pc).unwrap_or(code.bytecode()).start();
                // SAFETY: as below.
                let target = unsafe { start.add(handler.target as usize) };
                if tell(t, f, handler.target as usize, Event::EXCEPTION_HANDLED).is_err() {
                    r.pc = target;
                    event = None;
                    continue;
                }
                if code.locations().is_some_and(|l| l.has_lines()) {
                    t.noted_jump.note(target, line_at(code, at));
                }
                // SAFETY: handlers lie in the code, at a depth that the stack has reached.
                unsafe { r.sp = f.stack_base().add(handler.depth as usize) };
                if handler.lasti {
                    r.push(Value::int(origin as i64));
                }
                let e = t.take_exception();
                debug_assert!(e.is_cell() && e.is_instance(crate::exc::BaseException));
                r.push(e);
                r.pc = target;
                return Step::Jump;
            }
            // Who looks at the frame sees it where the exception was raised first.
            // SAFETY: a word of the same code.
            t.pc.set(unsafe { r.pc.offset(origin as isize - at as isize) });
            let _ = tell(t, f, at, Event::PY_UNWIND);
            trace::unwound(t, f, r.pc);
            if !f.object().is_null() {
                frame::detach(t, f, origin);
            }
        }
        t.depth.set(t.depth.get().wrapping_sub(1));
        let (entry, return_pc) = (f.is_entry(), f.return_pc());
        leave(r, f);
        if return_pc == told_pc() {
            callbacks::failed(r);
        }
        if return_pc == outcome_pc(Outcome::Item) && t.exception_is(crate::exc::StopIteration) {
            t.take_exception();
            end_loop(r);
            return Step::Jump;
        }
        if entry {
            t.result.set(Value::NULL);
            return Step::Exit;
        }
    }
}

/// The iterator of a loop has come to its end: leaves the shim under its `__next__`, and the loop.
fn end_loop(r: &mut Regs) {
    let shim = r.frame();
    let distance = shim.local(OPERATOR_PLACES - 1).as_int();
    r.t().depth.set(r.t().depth.get().wrapping_sub(1));
    leave(r, shim);
    // SAFETY: the end of the loop is that far behind the instruction after the one that has called.
    r.pc = unsafe { shim.return_pc().offset(distance as isize) };
}

/// Goes to the caller, at the instruction it has called with.
fn leave(r: &mut Regs, f: Frame) {
    let previous = f.previous();
    // The word before the one it would have returned to belongs to the call.
    // SAFETY: inside the caller's code or one of the static pieces.
    let pc = unsafe { f.return_pc().sub(1) };
    if f.is_generator() {
        let g = f.generator();
        r.sp = g.caller_sp.get();
        finish_generator(r.t(), g);
    } else {
        // SAFETY: the header lies below the frame.
        r.sp = if !previous.is_none() && previous.is_generator() { previous.generator().sp.get() } else { unsafe { f.0.sub(HEADER) } };
    }
    r.fp = previous.0;
    r.pc = pc;
}
