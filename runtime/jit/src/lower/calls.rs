//! Calls of Python functions, which are inlined, returns from them, and everything that has no lowering of its own: it is called as a
//! function.

use super::known::collects;
use super::natives::is_simple;
use super::state::{Frame, Place};
use super::{Abort, After, Lowering};
use crate::ir::{BodyCall, Id, Op, Ty};
use limpid_bytecode::Opcode;
use limpid_heap::Value;
use limpid_vm::interp::frame::{Frame as VmFrame, HEADER, Outcome, shim_places};
use limpid_vm::object::{Ref, ValueExt};
use limpid_vm::thread::Thread;
use limpid_vm::tier2::bodies::{Body, body, to_native};
use limpid_vm::tier2::recorder::Instruction;
use limpid_vm::types::builtin::shapes;
use limpid_vm::types::{BuiltinFunction, Code, Function, Generator};
use std::mem::offset_of;

/// In the last cache word of a call: it has a receiver.
const HAS_RECEIVER: u16 = 1 << 15;

/// No instruction is there.
const NOWHERE: u64 = u64::MAX;

/// How many frames a trace has at most. Calls from deeper ones, as recursion has them, go on in the trace of the call, which begins with
/// the frame that calls.
pub(crate) const DEEPEST: usize = 12;

impl Lowering<'_> {
    /// Lowers instruction `i`, for which there is nothing simpler.
    pub(super) fn calls(&mut self, i: usize) -> Result<After, Abort> {
        use Opcode::*;
        let recording = self.recording;
        let (step, next) = (&recording.steps[i], &recording.steps[i + 1]);
        match step.op {
            CALL_PY_EXACT_ARGS
            | CALL_PY_EXACT_ARGS_0
            | CALL_PY_EXACT_ARGS_1
            | CALL_PY_EXACT_ARGS_2
            | CALL_PY_EXACT_ARGS_3
            | CALL_METHOD_EXACT_ARGS_0
            | CALL_METHOD_EXACT_ARGS_1
            | CALL_METHOD_EXACT_ARGS_2
            | CALL_METHOD_EXACT_ARGS_3
                if next.fp != step.fp && next.start as u64 == step.cache64(4) =>
            {
                if self.frames.len() >= DEEPEST {
                    return Ok(self.meet(step));
                }
                self.call_function(step, next)?;
                Ok(self.entered(next))
            }
            _ if has_entered(step, next) && self.frames.len() < DEEPEST && self.call_with_arguments(step, next)? => Ok(self.entered(next)),
            FOR_ITER_GEN if self.is_resumption(step, next) => self.resume(step, next),
            SEND_GEN if self.at_start && self.is_delegation(step, next) => self.resume_delegate(step, next),
            SEND_GEN if self.at_start && next.fp != step.fp => Ok(After::Stop),
            SEND_GEN if next.fp != step.fp => Ok(self.meet(step)),
            YIELD_VALUE if self.returned > 0 && self.frames.len() == 1 && step.oparg != 0 => Ok(self.meet(step)),
            YIELD_VALUE if self.is_suspension(step, next) => self.suspend(step),
            YIELD_VALUE if self.frames.len() == 1 && next.fp != step.fp => self.suspend_first(step, next),
            RETURN_VALUE if self.frames.len() < 2 => self.return_to_caller(step, next),
            RETURN_VALUE if !VmFrame(step.fp).is_generator() && !step.has_object => self.return_value(step, next),
            EXIT_OPERATOR_CHECK if step.oparg == Outcome::Nothing as u32 => self.leave_shim(next),
            RESUME_CHECK | RESUME_CHECK_COUNTING | RESUME_CHECK_JIT
                if (self.frames.len() > 1 || step.oparg & 3 == 0) && step.next == step.following() =>
            {
                let code = self.top().code.ok_or(Abort::Lost)?;
                let exit = self.exit();
                let op = if step.oparg & 3 == 0 { Op::ProbeEntry } else { Op::ProbeResume };
                self.emit_with(op, Ty::None, &[], code.ptr() as i64, Some(exit));
                Ok(After::Next)
            }
            CALL_BUILTIN_FAST if step.subject.exact::<BuiltinFunction>().is_some_and(|f| collects(&f)) => Ok(After::Stop),
            _ => self.body(step, next),
        }
    }

    /// A function was entered, whose first instruction is next. Where it calls itself, directly or not, the trace goes on where all such calls
    /// do: with each level that was taken along there would be as many paths again as there are through the function.
    fn entered(&mut self, next: &Instruction) -> After {
        let (_, outer) = self.frames.split_last().expect("that of the function");
        if outer.iter().any(|f| f.code.is_some() && f.code == next.code) { self.meet(next) } else { After::Next }
    }

    fn call_function(&mut self, step: &Instruction, next: &Instruction) -> Result<(), Abort> {
        let n = step.oparg as usize;
        let (callable, receiver) = (self.peek(n + 2)?, self.peek(n + 1)?);
        let has_receiver = step.cache(8) & HAS_RECEIVER != 0;
        let version = step.cache32(2);
        let code = next.code.ok_or(Abort::Lost)?;
        if version == 0 {
            return Err(Abort::Stale);
        }
        let callable = self.guard_shape(callable, shapes::FUNCTION)?;
        self.guard_version(callable, offset_of!(Function, version), version);
        let is_null = self.constant_of(receiver) == Some((Ty::Value, 0));
        match (has_receiver, is_null) {
            (true, true) => return Err(Abort::Lost),
            (true, false) if self.ty(receiver) == Ty::Value => self.guard_is_not(receiver, 0),
            (false, false) => self.guard_is(receiver, 0),
            _ => {}
        }
        let first = n + has_receiver as usize;
        let mut places = Vec::with_capacity(code.frame_values());
        for k in (1..=first).rev() {
            let v = self.peek(k)?;
            places.push(Place::of(v));
        }
        self.drop_n(n + 2);
        self.enter_function(Some(callable), code, next, places, step.following() as u64)
    }

    /// A function's frame comes to be the innermost one, with its arguments.
    pub(super) fn enter_function(
        &mut self,
        function: Option<Id>,
        code: Ref<Code>,
        next: &Instruction,
        mut places: Vec<Place>,
        return_pc: u64,
    ) -> Result<(), Abort> {
        let null = self.constant(Ty::Value, 0);
        let nlocals = code.nlocalsplus as usize;
        if places.len() > nlocals {
            return Err(Abort::Lost);
        }
        places.resize(nlocals, Place::of(null));
        let (base, place, extent) = self.callee_place();
        self.frames.push(Frame {
            base,
            place,
            extent,
            recorded: next.fp,
            function,
            code: Some(code),
            nlocals,
            return_pc,
            header_in_memory: false,
            places,
        });
        self.need_room(code);
        Ok(())
    }

    fn return_value(&mut self, step: &Instruction, next: &Instruction) -> Result<After, Abort> {
        let v = self.peek(1)?;
        let f = self.top().clone();
        if f.return_pc != next.start as u64 {
            return Err(Abort::Lost);
        }
        if f.header_in_memory {
            self.guard_no_object();
        }
        self.tell_return(step);
        self.frames.pop();
        self.push(v);
        Ok(After::Next)
    }

    /// Somebody may have asked for the object of the innermost frame, whose header is in memory.
    fn guard_no_object(&mut self) {
        let object = self.header_word(1);
        self.guard(Op::GuardIs, &[object], 0);
    }

    /// Loads a word of the innermost frame's header.
    pub(super) fn header_word(&mut self, below: i64) -> Id {
        let frame = self.frame_index();
        let base = self.base_of(frame);
        let offset = (self.frames[frame].place as i64 - below) * 8;
        self.emit_with(Op::Load, Ty::Word, &[base], offset, None)
    }

    fn tell_return(&mut self, step: &Instruction) {
        if let Some(code) = self.top().code {
            self.trace.returns.push((code.ptr() as u64, step.pc as u64));
            let number = self.trace.returns.len() as i64 - 1;
            self.emit_with(Op::ProbeReturn, Ty::None, &[], number, None);
        }
    }

    /// The first frame returns: the trace goes on in its caller, if that is the place which has called it while the trace was recorded.
    fn return_to_caller(&mut self, step: &Instruction, next: &Instruction) -> Result<After, Abort> {
        if self.recording.origin.header().is_some() {
            return Ok(After::Stop);
        }
        if next.has_object {
            // What is to be known of a frame with an object is not found out here.
            self.go_anywhere(step);
            return Ok(After::End);
        }
        if VmFrame(step.fp).is_generator() || step.has_object {
            return self.finish_first(step, next);
        }
        self.guard_no_object();
        let caller = self.guard_caller(next);
        let v = self.peek(1)?;
        self.tell_return(step);
        self.enter_caller(caller, next, v)?;
        Ok(After::Next)
    }

    /// The frame that has called the first one: it goes on where it did while the trace was recorded.
    pub(super) fn guard_caller(&mut self, next: &Instruction) -> Id {
        let return_pc = self.header_word(3);
        self.guard(Op::GuardIs, &[return_pc], next.start as i64);
        let caller = self.header_word(4);
        self.guard_unseen(caller);
        caller
    }

    /// Variables of a frame that are seen from outside are not to be known here.
    pub(super) fn guard_unseen(&mut self, frame: Id) {
        let object = self.emit_with(Op::Load, Ty::Word, &[frame], -8, None);
        self.guard(Op::GuardIs, &[object], 0);
    }

    /// The caller of the first frame is the first one from here on, with a value on its stack.
    pub(super) fn enter_caller(&mut self, caller: Id, next: &Instruction, v: Id) -> Result<(), Abort> {
        self.enter_frame_of_caller(caller, next, Place::of(v))
    }

    /// As [`enter_caller`](Lowering::enter_caller), with what is on the stack.
    pub(super) fn enter_frame_of_caller(&mut self, caller: Id, next: &Instruction, top: Place) -> Result<(), Abort> {
        // SAFETY: both in the recorded frame.
        let depth = unsafe { next.sp.offset_from(next.fp) } as usize;
        let mut places = vec![Place::MEMORY; depth.checked_sub(1).ok_or(Abort::Lost)?];
        places.push(top);
        self.frames.clear();
        // The stack is free further down than at the start.
        self.frames.push(Frame {
            base: Some(caller),
            place: 0,
            extent: 0,
            recorded: next.fp,
            function: None,
            code: next.code,
            nlocals: next.code.map_or(0, |code| code.nlocalsplus as usize),
            return_pc: 0,
            header_in_memory: true,
            places,
        });
        self.returned += 1;
        Ok(())
    }

    /// Calls the instruction as a function. Everything is in memory then; where it goes on is as it was recorded, or the trace is left.
    fn body(&mut self, step: &Instruction, next: &Instruction) -> Result<After, Abort> {
        use Opcode::*;
        match step.op {
            INTERPRETER_EXIT | JUMP_BACKWARD | JUMP_BACKWARD_JIT => return Ok(After::Stop),
            _ if self.frames.len() >= DEEPEST && next.fp != step.fp && self.level_of(next).is_none() => return Ok(self.meet(step)),
            FORMAT_SIMPLE if is_simple(step.operands[0]) => {
                let v = self.peek(1)?;
                self.guard_simple(v, step.operands[0])?;
            }
            _ => {}
        }
        self.flush();
        let used = self.top().places.len() as u32;
        let frame = self.address(self.frame_index(), 0);
        self.call_body(step, frame, used);
        if !changes_nothing(step) {
            self.forget_all();
        }
        self.after_body(step, next)?;
        Ok(After::Next)
    }

    /// An instruction that has done something else time and again is called as a function whatever it does. If it goes on elsewhere than at
    /// the next instruction, as calls and returns do, the trace ends: those of the places it goes to are entered from there.
    pub(super) fn without_expectations(&mut self, step: &Instruction, next: &Instruction) -> Result<After, Abort> {
        if next.fp == step.fp && step.next == step.following() {
            return self.body(step, next);
        }
        self.go_anywhere(step);
        Ok(After::End)
    }

    /// Calls the instruction as a function. Where it goes, the trace is left.
    pub(super) fn go_anywhere(&mut self, step: &Instruction) {
        self.flush();
        let used = self.top().places.len() as u32;
        let frame = self.address(self.frame_index(), 0);
        self.call_body_that_goes_on(step, frame, used, body(alone(step.op)), NOWHERE);
        self.leave();
        self.linked = true;
    }

    pub(super) fn call_body(&mut self, step: &Instruction, frame: Id, used: u32) {
        self.call_body_that_goes_on(step, frame, used, body(alone(step.op)), step.next as u64);
    }

    /// The first frame returns or yields to native code: does that, and leaves the trace whatever comes next.
    pub(super) fn leave_loop(&mut self, step: &Instruction) {
        self.flush();
        let used = self.top().places.len() as u32;
        let frame = self.address(0, 0);
        self.call_body_that_goes_on(step, frame, used, to_native, NOWHERE);
    }

    fn call_body_that_goes_on(&mut self, step: &Instruction, frame: Id, used: u32, function: Body, expected: u64) {
        let function = function as usize as u64;
        let call = BodyCall { pc: step.pc as u64, function, op: step.op, oparg: step.oparg, used, expected };
        self.trace.calls.push(call);
        let number = self.trace.calls.len() as i64 - 1;
        self.emit_with(Op::Body, Ty::None, &[frame], number, None);
    }

    /// Which places are where after an instruction was called.
    fn after_body(&mut self, step: &Instruction, next: &Instruction) -> Result<(), Abort> {
        let (pops, _) = step.op.stack_effect(step.oparg as i32);
        // The iterator stays while the next item is found out.
        let pops = if step.op.family() == Opcode::FOR_ITER && !step.shim.is_null() { 0 } else { pops };
        let top = self.top();
        let mut keep = top.places.len().checked_sub(pops as usize).filter(|n| *n >= top.nlocals).ok_or(Abort::Lost)?;
        if next.fp == step.fp && step.next != step.following() {
            // The value stack may be that of an exception handler.
            keep = top.nlocals;
        }
        top.places.truncate(keep);
        match step.op {
            Opcode::DELETE_FAST | Opcode::MAKE_CELL => {
                top.places[step.oparg as usize] = Place::MEMORY;
                if self.frames.len() == 1 {
                    self.touched.insert(step.oparg);
                }
            }
            _ => {}
        }
        // SAFETY: both in the recorded frame.
        let depth = unsafe { next.sp.offset_from(next.fp) } as usize;
        match self.level_of(next) {
            None => self.frames_were_pushed(step, next)?,
            Some(i) if i + 1 < self.frames.len() => {
                self.frames.truncate(i + 1);
                let top = self.top();
                top.places.truncate(top.nlocals);
            }
            Some(_) => {}
        }
        let top = self.top();
        top.places.resize(depth.max(top.nlocals), Place::MEMORY);
        self.depth = self.level();
        Ok(())
    }

    /// Which of the frames goes on next; None: one that was not there before.
    fn level_of(&self, next: &Instruction) -> Option<usize> {
        self.frames.iter().rposition(|f| f.recorded == next.fp)
    }

    fn frames_were_pushed(&mut self, step: &Instruction, next: &Instruction) -> Result<(), Abort> {
        let mut return_pc = step.following() as u64;
        if !step.shim.is_null() {
            // The shim lies over the instruction's operands, and the frame over that.
            let places = shim_places(step.shim);
            let recorded = next.fp.wrapping_sub(HEADER + places);
            let (base, place, extent) = self.place_of(recorded);
            self.frames.push(Frame {
                base,
                place,
                extent,
                recorded,
                function: None,
                code: None,
                nlocals: 0,
                return_pc,
                header_in_memory: true,
                places: vec![Place::MEMORY; places],
            });
            return_pc = step.shim as u64;
        }
        let (base, place, extent) = self.place_of(next.fp);
        let code = next.code.ok_or(Abort::Lost)?;
        self.frames.push(Frame {
            base,
            place,
            extent,
            recorded: next.fp,
            function: None,
            code: Some(code),
            nlocals: code.nlocalsplus as usize,
            return_pc,
            header_in_memory: true,
            places: vec![Place::MEMORY; code.nlocalsplus as usize],
        });
        Ok(())
    }

    /// Where the frame of a call from the innermost frame is that has just been pushed.
    fn place_of(&mut self, recorded: *mut Value) -> (Option<Id>, i32, i32) {
        let caller_is_generator = VmFrame(self.top().recorded).is_generator();
        let top = self.top();
        let extent = if caller_is_generator { top.extent } else { top.extent + top.places.len() as i32 };
        if VmFrame(recorded).is_generator() || caller_is_generator {
            let fp = self.emit_with(Op::LoadThread, Ty::Word, &[], offset_of!(Thread, fp) as i64, None);
            return (Some(fp), 0, extent);
        }
        let top = self.top();
        let place = top.place + ((recorded as isize - top.recorded as isize) / 8) as i32;
        (top.base, place, extent + HEADER as i32)
    }

    /// Where the frame of a call from the innermost frame is, whose operands were dropped.
    pub(super) fn callee_place(&mut self) -> (Option<Id>, i32, i32) {
        let caller = self.frame_index();
        if VmFrame(self.frames[caller].recorded).is_generator() {
            // Where the thread's stack is free while the generator runs.
            let base = self.base_of(caller);
            let offset = offset_of!(Generator, stack_top) as i64 - Generator::FRAME_OFFSET as i64;
            let free = self.load_by(Op::Load, Ty::Word, &[base], offset);
            return (Some(free), HEADER as i32, self.frames[caller].extent + HEADER as i32);
        }
        let f = self.top();
        let used = f.places.len() as i32 + HEADER as i32;
        (f.base, f.place + used, f.extent + used)
    }
}

/// Does the instruction neither call Python code nor change any object that there was before? Finalizers wait for the end of the round.
fn changes_nothing(step: &Instruction) -> bool {
    use Opcode::*;
    match step.op {
        BUILD_TUPLE | BUILD_LIST | BUILD_SLICE | BUILD_STRING | LOAD_COMMON_CONSTANT | MAKE_FUNCTION => true,
        // Which exception is handled is nothing that a trace knows, and classes are compared without asking them.
        PUSH_EXC_INFO | CHECK_EXC_MATCH | POP_EXCEPT => true,
        // The function was just made.
        SET_FUNCTION_ATTRIBUTE => true,
        BUILD_MAP | BUILD_SET => step.oparg == 0,
        FORMAT_SIMPLE => is_simple(step.operands[0]),
        _ => false,
    }
}

/// The form of an instruction that does what it does by itself: a trace goes on by its own means, and where a function starts that may be
/// itself.
fn alone(op: Opcode) -> Opcode {
    match op {
        Opcode::RESUME_CHECK_COUNTING | Opcode::RESUME_CHECK_JIT => Opcode::RESUME_CHECK,
        _ => op,
    }
}

/// Has an instruction entered a function? Else the next one may be where an exception is handled.
fn has_entered(step: &Instruction, next: &Instruction) -> bool {
    next.fp != step.fp && next.code.is_some_and(|code| code.offset_of(next.start) == 0)
}
