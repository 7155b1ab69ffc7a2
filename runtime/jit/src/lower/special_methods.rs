//! Special methods written in Python that the interpreter has called in place of instructions: their frames lie over shims, which look at
//! what they give.

use super::calls::DEEPEST;
use super::state::{Frame, Place};
use super::{Abort, After, Lowering};
use crate::ir::{Id, Op, Ty};
use limpid_bytecode::Opcode;
use limpid_heap::Value;
use limpid_vm::interp::frame::{HEADER, OPERATOR_PLACES, Outcome, outcome_of};
use limpid_vm::tier2::recorder::{Instruction, Observed};

impl Lowering<'_> {
    /// An instruction that has pushed the frame of a special method over a shim: the frames are as for a call.
    pub(super) fn call_special(&mut self, step: &Instruction, next: &Instruction) -> Result<bool, Abort> {
        let Some(outcome) = outcome_of(step.shim) else { return Ok(false) };
        let family = step.op.family();
        // Which operands the method gets, the top being 1, and how many the instruction takes.
        let (args, operands): (&[usize], usize) = match family {
            Opcode::BINARY_OP if outcome == Outcome::Reflected => (&[1, 2], 2),
            Opcode::BINARY_OP | Opcode::COMPARE_OP | Opcode::DELETE_SUBSCR => (&[2, 1], 2),
            Opcode::TO_BOOL => (&[1], 1),
            Opcode::CALL if step.op == Opcode::CALL_LEN => (&[1], 3),
            Opcode::CONTAINS_OP => (&[1, 2], 2),
            Opcode::STORE_SUBSCR => (&[2, 1, 3], 3),
            Opcode::FOR_ITER => (&[2], 0),
            _ => return Ok(false),
        };
        let Some((function, code)) = super::arguments::function_of(next, args.len() as u32) else { return Ok(false) };
        if self.frames.len() + 2 > DEEPEST {
            return Ok(false);
        }
        // Whose class has the method; and the other one's, which is asked first if it derives from that.
        let guarded = if matches!(family, Opcode::BINARY_OP | Opcode::COMPARE_OP) { args } else { &args[..1] };
        for place in guarded {
            let v = self.peek(*place)?;
            if !self.guard_operand(v, step.operands[place - 1])? {
                return Ok(false);
            }
        }
        match family {
            Opcode::CALL => {
                let (callable, null) = (self.peek(3)?, self.peek(2)?);
                self.guard_is(callable, step.cache64(4));
                let null = self.value(null);
                self.guard_is(null, 0);
            }
            Opcode::FOR_ITER => {
                let position = self.peek(1)?;
                let position = self.value(position);
                self.guard_is(position, 0);
            }
            _ => {}
        }
        let null = self.constant(Ty::Value, 0);
        let oparg = self.int_constant(step.oparg as i64);
        let kept = match family {
            Opcode::BINARY_OP | Opcode::COMPARE_OP => [self.peek(2)?, self.peek(1)?, oparg],
            Opcode::FOR_ITER => [null, null, oparg],
            _ => [null; OPERATOR_PLACES],
        };
        let mut places = Vec::with_capacity(code.frame_values());
        for place in args {
            places.push(Place::of(self.peek(*place)?));
        }
        let function = self.constant_function(function);
        self.drop_n(operands);
        self.push_shim(kept.map(Place::of).to_vec(), next, step.following() as u64);
        self.enter_function(Some(function), code, next, places, step.shim as u64)?;
        Ok(true)
    }

    /// The frame of a shim comes to be the innermost one; that of the function that was entered, `next`, lies over it.
    pub(super) fn push_shim(&mut self, places: Vec<Place>, next: &Instruction, return_pc: u64) {
        let (base, place, extent) = self.callee_place();
        let null = self.constant(Ty::Value, 0);
        self.frames.push(Frame {
            base,
            place,
            extent,
            recorded: next.fp.wrapping_sub(HEADER + places.len()),
            function: Some(null),
            code: None,
            nlocals: 0,
            return_pc,
            header_in_memory: false,
            places,
        });
    }

    /// The operand's class is as it was while the trace was recorded, and so are its methods. False: that cannot be told.
    fn guard_operand(&mut self, v: Id, observed: Observed) -> Result<bool, Abort> {
        match observed {
            Observed::Null | Observed::Special => return Ok(false),
            Observed::None | Observed::Bool => self.guard_simple(v, observed)?,
            _ => return Ok(self.guard_class(v, Some(observed))?.is_some()),
        }
        Ok(true)
    }

    /// `EXIT_OPERATOR_CHECK`: what a special method has given becomes what the instruction gives. False: it is none of those that the trace
    /// knows.
    pub(super) fn special_result(&mut self, step: &Instruction) -> Result<bool, Abort> {
        let (v, observed) = (self.peek(1)?, step.operands[0]);
        let v = match (Outcome::from_oparg(step.oparg), observed) {
            (Outcome::Operator | Outcome::Reflected | Outcome::InPlace, Observed::Special) => return Ok(false),
            (Outcome::Operator | Outcome::Reflected | Outcome::InPlace, _) => {
                if self.ty(v) == Ty::Value {
                    self.guard_is_not(v, Value::NOT_IMPLEMENTED.bits());
                }
                v
            }
            (Outcome::Item, _) => v,
            (Outcome::Comparison | Outcome::Truth | Outcome::Found, Observed::Bool) => self.boolean(v)?,
            (Outcome::NotFound, Observed::Bool) => {
                let v = self.boolean(v)?;
                self.emit(Op::Not, Ty::Bool, &[v], 0)
            }
            (Outcome::Length | Outcome::TruthOfLength, Observed::Int) if !(self.at_start && self.needs_python) => {
                let (len, zero) = (self.int(v)?, self.int_constant(0));
                if self.constant_of(len).is_none() {
                    let is_right = self.emit(Op::Compare, Ty::Bool, &[len, zero], 2 | 4);
                    self.guard(Op::GuardTrue, &[is_right], 0);
                }
                if step.oparg == Outcome::Length as u32 { len } else { self.emit(Op::Compare, Ty::Bool, &[len, zero], 3) }
            }
            _ => return Ok(false),
        };
        self.replace(1 + OPERATOR_PLACES, v);
        Ok(true)
    }

    /// `EXIT_OPERATOR_CHECK` where nothing becomes of what the special method has given.
    pub(super) fn leave_shim(&mut self, next: &Instruction) -> Result<After, Abort> {
        if self.frames.len() < 2 {
            return Ok(After::Stop);
        }
        if self.top().return_pc != next.start as u64 {
            return Err(Abort::Lost);
        }
        self.frames.pop();
        Ok(After::Next)
    }
}
