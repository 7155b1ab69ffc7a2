//! Loops, and leaving them.

use limpid_bytecode::{Constant, Opcode};
use ruff_python_ast::{StmtBreak, StmtContinue, StmtFor, StmtWhile};

use super::frames::{Frame, FrameKind};
use super::{Compiler, Result};
use crate::ir::{Location, Op};

impl<'a> Compiler<'a> {
    pub(super) fn while_statement(&mut self, node: &'a StmtWhile) -> Result {
        let start = self.next_block();
        let end = self.new_block();
        let otherwise = self.new_block();
        self.unit.conditional_depth += 1;
        self.push_frame(Frame { exit: end, ..Frame::new(FrameKind::While, start, self.unit.handler) }, node.range)?;
        let location = self.location(node);
        self.jump_if(&node.test, otherwise, false, location)?;
        self.body(&node.body)?;
        self.emit_jump(Op::Jump, start, Location::NONE);
        self.pop_frame();
        self.use_block(otherwise);
        self.body(&node.orelse)?;
        self.unit.conditional_depth -= 1;
        self.use_block(end);
        Ok(())
    }

    pub(super) fn for_statement(&mut self, node: &'a StmtFor) -> Result {
        let location = self.location(&*node.iter);
        let start = self.new_block();
        let exhausted = self.new_block();
        let end = self.new_block();
        self.expr(&node.iter)?;
        self.unit.conditional_depth += 1;
        self.emit_arg(Opcode::GET_ITER, 0, location);
        self.use_block(start);
        self.push_frame(Frame { exit: end, ..Frame::new(FrameKind::For, start, self.unit.handler) }, node.range)?;
        self.emit_jump(Opcode::FOR_ITER, exhausted, location);
        // The target may be on another line than the iterable: an event of its own.
        let target = self.location(&*node.target);
        self.emit(Opcode::NOP, target);
        self.expr(&node.target)?;
        self.body(&node.body)?;
        self.emit_jump(Op::Jump, start, Location::NONE);
        self.use_block(exhausted);
        // Its line is that of the loop, but it is no event: a tracer has seen the loop end.
        self.emit(Opcode::POP_ITER, location);
        self.pop_frame();
        self.body(&node.orelse)?;
        self.unit.conditional_depth -= 1;
        self.use_block(end);
        Ok(())
    }

    pub(super) fn async_for_statement(&mut self, node: &'a StmtFor) -> Result {
        let location = self.location(&*node.iter);
        let start = self.new_block();
        let exhausted = self.new_block();
        let end = self.new_block();
        self.expr(&node.iter)?;
        self.unit.conditional_depth += 1;
        self.emit(Opcode::GET_AITER, location);
        self.use_block(start);
        self.push_frame(Frame { exit: end, ..Frame::new(FrameKind::AsyncFor, start, self.unit.handler) }, node.range)?;
        let outer = self.setup(Op::SetupFinally, exhausted, location);
        self.emit(Opcode::GET_ANEXT, location);
        self.load_const(Constant::None, location);
        self.yield_from(true, location);
        self.restore_handler(outer);
        self.expr(&node.target)?;
        self.body(&node.body)?;
        self.emit_jump(Op::Jump, start, Location::NONE);
        self.pop_frame();
        self.use_block(exhausted);
        self.emit(Opcode::END_ASYNC_FOR, location);
        self.body(&node.orelse)?;
        self.unit.conditional_depth -= 1;
        self.use_block(end);
        Ok(())
    }

    pub(super) fn break_statement(&mut self, node: &StmtBreak) -> Result {
        self.check_leaves_finally("break", true, node.range);
        let mut location = self.location(node);
        self.emit(Opcode::NOP, location);
        let handler = self.unit.handler;
        let Some(frame) = self.unwind(false, true, node.range, &mut location)? else {
            return Err(self.error(node.range, "'break' outside loop"));
        };
        self.leave_frame(&frame, false, node.range, &mut location)?;
        self.emit_jump(Op::Jump, frame.exit, location);
        self.restore_handler(handler);
        Ok(())
    }

    pub(super) fn continue_statement(&mut self, node: &StmtContinue) -> Result {
        self.check_leaves_finally("continue", true, node.range);
        let mut location = self.location(node);
        self.emit(Opcode::NOP, location);
        let handler = self.unit.handler;
        let Some(frame) = self.unwind(false, true, node.range, &mut location)? else {
            return Err(self.error(node.range, "'continue' not properly in loop"));
        };
        self.emit_jump(Op::Jump, frame.block, location);
        self.restore_handler(handler);
        Ok(())
    }
}
