//! Generators and coroutines waiting for another.

use limpid_bytecode::{Constant, Intrinsic1, Opcode};
use ruff_python_ast::{ExprAwait, ExprYield, ExprYieldFrom};

use super::unit::UnitKind;
use super::{Compiler, Result};
use crate::ir::{HandlerId, Location, Op};

/// Where a frame resumes, for `RESUME`.
const AFTER_YIELD: u32 = 1;
const AFTER_YIELD_FROM: u32 = 2;
const AFTER_AWAIT: u32 = 3;
/// Flag: no `try` or `with` is around the suspension, only the handler every generator has.
const UNPROTECTED: u32 = 4;

impl<'a> Compiler<'a> {
    /// Waits for the receiver on the stack (two values, and the first value sent) and leaves its result.
    pub(super) fn yield_from(&mut self, is_await: bool, location: Location) {
        let send = self.new_block();
        let failed = self.new_block();
        let done = self.new_block();
        self.use_block(send);
        self.emit_jump(Opcode::SEND, done, location);
        // An exception that is thrown in goes to the receiver first.
        let outer = self.setup(Op::SetupFinally, failed, location);
        self.emit_arg(Opcode::YIELD_VALUE, 1, location);
        self.restore_handler(outer);
        self.emit_arg(Opcode::RESUME, if is_await { AFTER_AWAIT } else { AFTER_YIELD_FROM }, location);
        self.emit_jump(Op::JumpNoInterrupt, send, location);
        self.use_block(failed);
        self.emit(Opcode::CLEANUP_THROW, location);
        self.use_block(done);
        self.emit(Opcode::END_SEND, location);
    }

    /// Yields the value on the stack and leaves the one that is sent.
    pub(super) fn yield_value(&mut self, location: Location) {
        let scope = self.scope();
        if scope.generator && scope.coroutine {
            self.emit_arg(Opcode::CALL_INTRINSIC_1, Intrinsic1::AsyncGenWrap as u32, location);
        }
        self.emit_arg(Opcode::YIELD_VALUE, 0, location);
        let unprotected = self.unit.handler == Some(HandlerId(0));
        self.emit_arg(Opcode::RESUME, AFTER_YIELD | if unprotected { UNPROTECTED } else { 0 }, location);
    }

    pub(super) fn yield_expression(&mut self, node: &'a ExprYield) -> Result {
        let location = self.location(node);
        if !self.scope().kind.is_function_like() {
            return Err(self.error(node.range, "'yield' outside function"));
        }
        match &node.value {
            Some(value) => self.expr(value)?,
            None => self.load_const(Constant::None, location),
        }
        self.yield_value(location);
        Ok(())
    }

    pub(super) fn yield_from_expression(&mut self, node: &'a ExprYieldFrom) -> Result {
        let location = self.location(node);
        if !self.scope().kind.is_function_like() {
            return Err(self.error(node.range, "'yield from' outside function"));
        }
        if self.unit.kind == UnitKind::AsyncFunction {
            return Err(self.error(node.range, "'yield from' inside async function"));
        }
        self.expr(&node.value)?;
        self.emit(Opcode::GET_YIELD_FROM_ITER, location);
        self.load_const(Constant::None, location);
        self.yield_from(false, location);
        Ok(())
    }

    pub(super) fn await_expression(&mut self, node: &'a ExprAwait) -> Result {
        let location = self.location(node);
        self.expr(&node.value)?;
        self.emit_arg(Opcode::GET_AWAITABLE, 0, location);
        self.load_const(Constant::None, location);
        self.yield_from(true, location);
        Ok(())
    }
}
