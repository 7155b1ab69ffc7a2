//! Generators that are resumed and yield inside a trace. Their variables are where they always are, in the generator; what a round computes is
//! stored there when it yields.

use super::calls::DEEPEST;
use super::state::{Frame, Place};
use super::{Abort, After, Lowering};
use crate::executor::State;
use crate::ir::{Id, Op, Resumption, Ty};
use limpid_heap::{ShapeRef, Value};
use limpid_vm::interp::frame::Frame as VmFrame;
use limpid_vm::thread::Thread;
use limpid_vm::tier2::recorder::{Instruction, Observed};
use limpid_vm::types::Generator;
use limpid_vm::types::builtin::shapes;
use std::mem::offset_of;

impl Lowering<'_> {
    /// Did the instruction resume a generator, which the trace is not in already?
    pub(super) fn is_resumption(&self, step: &Instruction, next: &Instruction) -> bool {
        next.fp != step.fp
            && VmFrame(next.fp).is_generator()
            && self.frames.len() < DEEPEST
            && self.frames.iter().all(|f| f.recorded != next.fp)
    }

    /// Did the innermost frame, that of a generator, yield to the one that has resumed it here?
    pub(super) fn is_suspension(&self, step: &Instruction, next: &Instruction) -> bool {
        let [.., caller, f] = &*self.frames else { return false };
        VmFrame(step.fp).is_generator() && next.fp == caller.recorded && next.start as u64 == f.return_pc && f.header_in_memory
    }

    /// FOR_ITER of a generator.
    pub(super) fn resume(&mut self, step: &Instruction, next: &Instruction) -> Result<After, Abort> {
        let g = self.peek(2)?;
        let g = self.guard_shape(g, shapes::GENERATOR)?;
        let sent = self.constant(Ty::Value, Value::NONE.bits() as i64);
        self.enter_generator(step, next, g, sent, false)
    }

    /// Does SEND resume a generator or coroutine that is not in the trace, with None?
    pub(super) fn is_delegation(&self, step: &Instruction, next: &Instruction) -> bool {
        let [Observed::None, Observed::Null, Observed::Cell(shape), ..] = step.operands else { return false };
        [shapes::GENERATOR, shapes::COROUTINE].contains(&ShapeRef(shape)) && self.is_resumption(step, next)
    }

    /// SEND to a generator or coroutine.
    pub(super) fn resume_delegate(&mut self, step: &Instruction, next: &Instruction) -> Result<After, Abort> {
        let Observed::Cell(shape) = step.operands[2] else { return Err(Abort::Lost) };
        let (g, position, sent) = (self.peek(3)?, self.peek(2)?, self.peek(1)?);
        let g = self.guard_shape(g, ShapeRef(shape))?;
        self.guard_is(position, 0);
        let sent = self.value(sent);
        self.guard_is(sent, Value::NONE.bits());
        self.drop_n(1);
        self.enter_generator(step, next, g, sent, true)
    }

    /// Resumes a generator; does its caller want the value that it returns?
    fn enter_generator(&mut self, step: &Instruction, next: &Instruction, g: Id, sent: Id, wants_value: bool) -> Result<After, Abort> {
        let code = next.code.ok_or(Abort::Lost)?;
        // Where it goes on tells which code it has.
        let at = self.emit_with(Op::Load, Ty::Word, &[g], offset_of!(Generator, pc) as i64, None);
        self.guard(Op::GuardIs, &[at], next.start as i64);
        self.flush_headers();
        let exit = self.exit();
        let kept = self.top().places.len();
        let caller = self.frame_index();
        let (fp, sp) = (self.address(caller, 0), self.address(caller, kept as i64));
        let caller_is_generator = VmFrame(self.top().recorded).is_generator();
        let free = if caller_is_generator {
            let base = self.base_of(caller);
            let offset = offset_of!(Generator, stack_top) as i64 - Generator::FRAME_OFFSET as i64;
            self.load_by(Op::Load, Ty::Word, &[base], offset)
        } else {
            sp
        };
        let return_pc = step.following() as u64;
        // SAFETY: inside the same code.
        let exhausted_pc = unsafe { step.following().add(step.oparg as usize) } as u64;
        self.trace.resumptions.push(Resumption { pc: next.start as u64, return_pc, exhausted_pc, wants_value });
        let number = self.trace.resumptions.len() as i64 - 1;
        self.emit_with(Op::Resume, Ty::None, &[g, fp, sp, free], number, Some(exit));
        let top = self.top();
        let extent = if caller_is_generator { top.extent } else { top.extent + kept as i32 };
        let offset = self.word_constant(Generator::FRAME_OFFSET as u64);
        let base = self.emit(Op::AddFits, Ty::Word, &[g, offset], 0);
        self.loaded.retain(|(_, args, _), _| args[0] != base);
        // SAFETY: both in the recorded frame.
        let depth = unsafe { next.sp.offset_from(next.fp) } as usize;
        let mut places = vec![Place::MEMORY; depth.checked_sub(1).ok_or(Abort::Lost)?];
        places.push(Place::of(sent));
        self.frames.push(Frame {
            base: Some(base),
            place: 0,
            extent,
            recorded: next.fp,
            function: None,
            code: Some(code),
            nlocals: code.nlocalsplus as usize,
            return_pc,
            header_in_memory: true,
            places,
        });
        self.deepest = self.deepest.max(self.frames.len() as i32 - 1);
        Ok(After::Next)
    }

    /// YIELD_VALUE to a frame of the trace.
    pub(super) fn suspend(&mut self, step: &Instruction) -> Result<After, Abort> {
        let v = self.pop()?;
        let frame = self.frame_index();
        let kept = self.frames[frame - 1].places.len() as i64;
        let caller = (self.address(frame - 1, 0), self.address(frame - 1, kept));
        self.hand_back(step, caller)?;
        self.frames.pop();
        self.push(v);
        Ok(After::Next)
    }

    /// YIELD_VALUE in the first frame, to the one that has resumed it while the trace was recorded.
    pub(super) fn suspend_first(&mut self, step: &Instruction, next: &Instruction) -> Result<After, Abort> {
        if next.has_object {
            self.go_anywhere(step);
            return Ok(After::End);
        }
        let caller = self.guard_caller(next);
        let v = self.pop()?;
        // SAFETY: both in the recorded frame; the value that is yielded is on the stack there.
        let end = unsafe { next.sp.offset_from(next.fp) } as u64 - 1;
        let end = self.word_constant(end * 8);
        let end = self.emit(Op::AddFits, Ty::Word, &[caller, end], 0);
        self.hand_back(step, (caller, end))?;
        self.enter_caller(caller, next, v)?;
        Ok(After::Next)
    }

    /// A generator whose frame is the first one returns to the frame that has resumed it, or a frame with an object to its caller.
    pub(super) fn finish_first(&mut self, step: &Instruction, next: &Instruction) -> Result<After, Abort> {
        let caller = self.header_word(4);
        self.guard_unseen(caller);
        self.flush();
        let used = self.top().places.len() as u32;
        let frame = self.address(0, 0);
        self.call_body(step, frame, used);
        self.forget_all();
        let base = self.emit_with(Op::LoadThread, Ty::Word, &[], offset_of!(Thread, fp) as i64, None);
        self.enter_frame_of_caller(base, next, Place::MEMORY)?;
        self.depth = self.level();
        Ok(After::Next)
    }

    /// The trace goes on where others do that come to this instruction, in whichever frame.
    pub(super) fn meet(&mut self, step: &Instruction) -> After {
        self.meet_at(step.start);
        After::End
    }

    /// A loop that was often tried in vain, for it seldom goes round twice, goes on where others come to its header. False: it may yet get
    /// code of its own.
    pub(super) fn meet_at_header(&mut self, step: &Instruction) -> bool {
        let header = step.jump_backward_target();
        // SAFETY: as in `meet_at`.
        let is_luckless = unsafe { &mut *State::of(self.thread) }.loop_at(header).is_luckless();
        if is_luckless {
            self.meet_at(header);
        }
        is_luckless
    }

    fn meet_at(&mut self, pc: *const u16) {
        self.guard(Op::GuardBreaker, &[], 0);
        self.flush();
        self.save_registers();
        let frame = self.frame_index();
        // SAFETY: the state belongs to the thread that lowers, and nothing else refers into it.
        let junction = unsafe { std::ptr::from_ref((*State::of(self.thread)).junction_at(pc)) };
        let (frame, pc) = (self.address(frame, 0), self.word_constant(pc as u64));
        self.emit_with(Op::Link, Ty::None, &[frame, pc], junction as i64, None);
        self.linked = true;
    }

    /// Suspends the generator whose frame is the innermost: its caller's frame and the end of the stack there.
    fn hand_back(&mut self, step: &Instruction, caller: (Id, Id)) -> Result<(), Abort> {
        if let Some(code) = self.top().code {
            self.trace.returns.push((code.ptr() as u64, step.pc as u64));
            let number = self.trace.returns.len() as i64 - 1;
            self.emit_with(Op::ProbeYield, Ty::None, &[], number, None);
        }
        let frame = self.frame_index();
        self.flush_places(frame);
        let g = self.generator_of(frame)?;
        let end = self.top().places.len() as i64;
        let end = self.address(frame, end);
        let op = if step.oparg == 0 { Op::Suspend } else { Op::SuspendInSend };
        self.emit_with(op, Ty::None, &[g, end, caller.0, caller.1], step.following() as i64, None);
        Ok(())
    }

    /// The generator around a frame.
    fn generator_of(&mut self, frame: usize) -> Result<Id, Abort> {
        let base = self.base_of(frame);
        if self.frames[frame].place != 0 {
            return Err(Abort::Lost);
        }
        let uop = self.trace.uop(base);
        if uop.op == Op::AddFits {
            return Ok(uop.args[0]);
        }
        let offset = self.word_constant((Generator::FRAME_OFFSET as u64).wrapping_neg());
        Ok(self.emit(Op::AddFits, Ty::Word, &[base, offset], 0))
    }
}
