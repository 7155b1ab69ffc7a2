//! `try` and `with`.
//!
//! Handlers cost nothing until an exception is raised: what is emitted for entering a `try` is only a mark for the exception table. A
//! handler finds the exception on the stack, makes it the handled one (`PUSH_EXC_INFO`), and is itself covered by a *cleanup* handler
//! that makes the previous one the handled one again if the handler raises.

use limpid_bytecode::{Constant, Intrinsic2, Opcode, SpecialMethod};
use ruff_python_ast::{ExceptHandler, ExceptHandlerExceptHandler, StmtTry, StmtWith, WithItem};

use ruff_text_size::Ranged;

use super::frames::{Frame, FrameKind};
use super::{Compiler, Result};
use crate::ir::{BlockId, HandlerId, Location, Op};

impl<'a> Compiler<'a> {
    pub(super) fn try_statement(&mut self, node: &'a StmtTry) -> Result {
        self.unit.conditional_depth += 1;
        if node.finalbody.is_empty() {
            self.try_handlers(node)?;
        } else {
            self.try_finally(node)?;
        }
        self.unit.conditional_depth -= 1;
        Ok(())
    }

    fn try_handlers(&mut self, node: &'a StmtTry) -> Result {
        if node.is_star { self.try_except_star(node) } else { self.try_except(node) }
    }

    fn try_finally(&mut self, node: &'a StmtTry) -> Result {
        let location = self.location(node);
        let failed = self.new_block();
        let exit = self.new_block();

        let outer = self.setup(Op::SetupFinally, failed, location);
        let start = self.next_block();
        self.push_frame(Frame::new(FrameKind::FinallyTry(&node.finalbody), start, outer), node.range)?;
        if node.handlers.is_empty() {
            self.body(&node.body)?;
        } else {
            self.try_handlers(node)?;
        }
        self.pop_frame();
        self.restore_handler(outer);
        self.body(&node.finalbody)?;
        self.emit_jump(Op::Jump, exit, Location::NONE);

        self.use_block(failed);
        self.push_frame(Frame::new(FrameKind::FinallyEnd, failed, outer), node.range)?;
        let cleanup = self.begin_handler();
        self.body(&node.finalbody)?;
        self.pop_frame();
        self.emit_arg(Opcode::RERAISE, 0, Location::NONE);
        self.end_handler(cleanup, outer);
        self.use_block(exit);
        Ok(())
    }

    /// Begins the code that handles an exception; its own exceptions go to the block returned.
    fn begin_handler(&mut self) -> BlockId {
        let cleanup = self.new_block();
        self.setup(Op::SetupCleanup, cleanup, Location::NONE);
        self.emit(Opcode::PUSH_EXC_INFO, Location::NONE);
        cleanup
    }

    /// Emits the cleanup of a handler.
    fn end_handler(&mut self, cleanup: BlockId, outer: Option<HandlerId>) {
        self.use_block(cleanup);
        self.restore_handler(outer);
        self.emit_arg(Opcode::COPY, 3, Location::NONE);
        self.emit(Opcode::POP_EXCEPT, Location::NONE);
        self.emit_arg(Opcode::RERAISE, 1, Location::NONE);
    }

    fn try_except(&mut self, node: &'a StmtTry) -> Result {
        let location = self.location(node);
        let end = self.new_block();
        let failed = self.new_block();

        let outer = self.setup(Op::SetupFinally, failed, location);
        let start = self.next_block();
        self.push_frame(Frame::new(FrameKind::Try, start, outer), node.range)?;
        self.body(&node.body)?;
        self.pop_frame();
        self.restore_handler(outer);
        self.body(&node.orelse)?;
        self.emit_jump(Op::Jump, end, Location::NONE);

        self.use_block(failed);
        let cleanup = self.begin_handler();
        let protected = self.unit.handler;
        self.push_frame(Frame::new(FrameKind::Handlers, failed, outer), node.range)?;
        for (index, ExceptHandler::ExceptHandler(handler)) in node.handlers.iter().enumerate() {
            let location = self.location(handler);
            let next = self.new_block();
            if let Some(class) = &handler.type_ {
                self.expr(class)?;
                self.emit(Opcode::CHECK_EXC_MATCH, location);
                self.emit_jump(Opcode::POP_JUMP_IF_FALSE, next, location);
            } else if index + 1 < node.handlers.len() {
                return Err(self.error(handler.range, "default 'except:' must be last"));
            }
            self.except_body(handler, location, outer, end)?;
            self.restore_handler(protected);
            self.use_block(next);
        }
        self.pop_frame();
        self.emit_arg(Opcode::RERAISE, 0, Location::NONE);
        self.end_handler(cleanup, outer);
        self.use_block(end);
        Ok(())
    }

    /// The body of an `except` clause; the exception is on top of the stack.
    fn except_body(
        &mut self,
        handler: &'a ExceptHandlerExceptHandler,
        location: Location,
        outer: Option<HandlerId>,
        end: BlockId,
    ) -> Result {
        let Some(name) = &handler.name else {
            self.emit(Opcode::POP_TOP, location);
            let start = self.next_block();
            self.push_frame(Frame::new(FrameKind::Except(None), start, outer), handler.range)?;
            self.body(&handler.body)?;
            self.pop_frame();
            self.restore_handler(outer);
            self.emit(Opcode::POP_EXCEPT, Location::NONE);
            self.emit_jump(Op::Jump, end, Location::NONE);
            return Ok(());
        };
        let failed = self.new_block();
        self.store_name(&name.id, location);
        let protected = self.setup(Op::SetupCleanup, failed, location);
        let start = self.next_block();
        self.push_frame(Frame::new(FrameKind::Except(Some(&name.id)), start, outer), handler.range)?;
        self.body(&handler.body)?;
        self.pop_frame();
        self.restore_handler(outer);
        self.emit(Opcode::POP_EXCEPT, Location::NONE);
        self.forget_name(&name.id, Location::NONE);
        self.emit_jump(Op::Jump, end, Location::NONE);

        self.use_block(failed);
        self.restore_handler(protected);
        self.forget_name(&name.id, Location::NONE);
        self.emit_arg(Opcode::RERAISE, 1, Location::NONE);
        Ok(())
    }

    /// `except*`: every clause takes its part of the group; what the clauses raise is collected in a list and raised together.
    ///
    /// The stack in the clauses: previously handled exception, group, list, rest of the group.
    fn try_except_star(&mut self, node: &'a StmtTry) -> Result {
        let location = self.location(node);
        let failed = self.new_block();
        let otherwise = self.new_block();
        let end = self.new_block();

        let outer = self.setup(Op::SetupFinally, failed, location);
        let start = self.next_block();
        self.push_frame(Frame::new(FrameKind::Try, start, outer), node.range)?;
        self.body(&node.body)?;
        self.pop_frame();
        self.restore_handler(outer);
        self.emit_jump(Op::Jump, otherwise, Location::NONE);

        self.use_block(failed);
        let cleanup = self.begin_handler();
        let protected = self.unit.handler;
        self.push_frame(Frame::new(FrameKind::GroupHandlers, failed, outer), node.range)?;
        for (index, ExceptHandler::ExceptHandler(handler)) in node.handlers.iter().enumerate() {
            if index == 0 {
                let location = self.location(handler);
                self.emit_arg(Opcode::BUILD_LIST, 0, location);
                self.emit_arg(Opcode::COPY, 2, location);
            }
            self.except_star_clause(handler, outer)?;
            self.restore_handler(protected);
        }
        self.pop_frame();

        // What no clause has taken is raised as well.
        let reraise = self.new_block();
        self.emit_arg(Opcode::LIST_APPEND, 1, Location::NONE);
        self.emit_arg(Opcode::CALL_INTRINSIC_2, Intrinsic2::PrepareReraiseStar as u32, Location::NONE);
        self.emit_arg(Opcode::COPY, 1, Location::NONE);
        self.emit_jump(Opcode::POP_JUMP_IF_NOT_NONE, reraise, Location::NONE);
        self.emit(Opcode::POP_TOP, Location::NONE);
        self.restore_handler(outer);
        self.emit(Opcode::POP_EXCEPT, Location::NONE);
        self.emit_jump(Op::Jump, end, Location::NONE);
        self.use_block(reraise);
        self.emit_arg(Opcode::SWAP, 2, Location::NONE);
        self.emit(Opcode::POP_EXCEPT, Location::NONE);
        self.emit_arg(Opcode::RERAISE, 0, Location::NONE);
        self.end_handler(cleanup, outer);

        self.use_block(otherwise);
        self.body(&node.orelse)?;
        self.use_block(end);
        Ok(())
    }

    fn except_star_clause(&mut self, handler: &'a ExceptHandlerExceptHandler, outer: Option<HandlerId>) -> Result {
        let location = self.location(handler);
        let handled = self.new_block();
        let no_match = self.new_block();
        let next = self.new_block();
        if let Some(class) = &handler.type_ {
            self.expr(class)?;
            self.emit(Opcode::CHECK_EG_MATCH, location);
            self.emit_arg(Opcode::COPY, 1, location);
            self.emit_jump(Opcode::POP_JUMP_IF_NONE, no_match, location);
        }
        let name = handler.name.as_ref().map(|name| &name.id);
        match name {
            Some(name) => self.store_name(name, location),
            None => self.emit(Opcode::POP_TOP, location),
        }
        let failed = self.new_block();
        let protected = self.setup(Op::SetupCleanup, failed, location);
        let start = self.next_block();
        self.push_frame(Frame::new(FrameKind::Except(name), start, outer), handler.range)?;
        self.body(&handler.body)?;
        self.pop_frame();
        self.restore_handler(protected);
        if let Some(name) = name {
            self.forget_name(name, Location::NONE);
        }
        self.emit_jump(Op::Jump, handled, Location::NONE);

        // The body raised: list, rest, position, exception.
        self.use_block(failed);
        if let Some(name) = name {
            self.forget_name(name, Location::NONE);
        }
        self.emit_arg(Opcode::LIST_APPEND, 3, Location::NONE);
        self.emit(Opcode::POP_TOP, Location::NONE);
        self.emit_jump(Op::Jump, next, Location::NONE);

        self.use_block(handled);
        self.emit(Opcode::NOP, Location::NONE);
        self.emit_jump(Op::Jump, next, Location::NONE);
        self.use_block(no_match);
        self.emit(Opcode::POP_TOP, location);
        self.use_block(next);
        Ok(())
    }

    pub(super) fn with_statement(&mut self, node: &'a StmtWith) -> Result {
        self.unit.conditional_depth += 1;
        self.with_items(node, &node.items)?;
        self.unit.conditional_depth -= 1;
        Ok(())
    }

    fn with_items(&mut self, node: &'a StmtWith, items: &'a [WithItem]) -> Result {
        let Some((item, rest)) = items.split_first() else {
            return self.body(&node.body);
        };
        let location = self.location(&item.context_expr);
        let (enter, exit, kind) = if node.is_async {
            (SpecialMethod::AsyncEnter, SpecialMethod::AsyncExit, FrameKind::AsyncWith)
        } else {
            (SpecialMethod::Enter, SpecialMethod::Exit, FrameKind::With)
        };
        let failed = self.new_block();
        let end = self.new_block();

        self.expr(&item.context_expr)?;
        self.emit_arg(Opcode::COPY, 1, location);
        self.emit_arg(Opcode::LOAD_SPECIAL, exit as u32, location);
        self.emit_arg(Opcode::SWAP, 2, location);
        self.emit_arg(Opcode::SWAP, 3, location);
        self.emit_arg(Opcode::LOAD_SPECIAL, enter as u32, location);
        self.emit_arg(Opcode::CALL, 0, location);
        self.await_special(node.is_async, 1, location);
        let outer = self.setup(Op::SetupWith, failed, location);
        let start = self.next_block();
        self.push_frame(Frame { location, ..Frame::new(kind, start, outer) }, item.context_expr.range())?;
        match &item.optional_vars {
            Some(target) => self.expr(target)?,
            None => self.emit(Opcode::POP_TOP, location),
        }
        crate::nesting::with_stack(|| self.with_items(node, rest))?;
        self.pop_frame();
        self.restore_handler(outer);
        self.call_exit_with_nones(location);
        self.await_special(node.is_async, 2, location);
        self.emit(Opcode::POP_TOP, location);
        self.emit_jump(Op::Jump, end, location);

        // exit method, receiver, position, exception
        self.use_block(failed);
        let cleanup = self.new_block();
        self.setup(Op::SetupCleanup, cleanup, location);
        self.emit(Opcode::PUSH_EXC_INFO, location);
        self.emit(Opcode::WITH_EXCEPT_START, location);
        self.await_special(node.is_async, 2, location);
        let suppress = self.new_block();
        self.emit(Opcode::TO_BOOL, Location::NONE);
        self.emit_jump(Opcode::POP_JUMP_IF_TRUE, suppress, Location::NONE);
        self.emit_arg(Opcode::RERAISE, 2, Location::NONE);
        self.use_block(suppress);
        self.emit(Opcode::POP_TOP, Location::NONE);
        self.restore_handler(outer);
        self.emit(Opcode::POP_EXCEPT, Location::NONE);
        for _ in 0..3 {
            self.emit(Opcode::POP_TOP, Location::NONE);
        }
        self.emit_jump(Op::Jump, end, Location::NONE);
        self.end_handler(cleanup, outer);
        self.use_block(end);
        Ok(())
    }

    /// Waits for what `__aenter__` (1) or `__aexit__` (2) returned.
    fn await_special(&mut self, is_async: bool, which: u32, location: Location) {
        if is_async {
            self.emit_arg(Opcode::GET_AWAITABLE, which, location);
            self.load_const(Constant::None, location);
            self.yield_from(true, location);
        }
    }
}
