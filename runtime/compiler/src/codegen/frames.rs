//! The statements around the one being compiled, and how control leaves them.
//!
//! `return`, `break` and `continue` undo on their way out what each enclosing statement has set up: values on the stack, handlers,
//! `with` blocks, `finally` clauses (which are compiled again in each place that leaves them).

use limpid_bytecode::{Constant, Opcode};
use ruff_python_ast::Stmt;
use ruff_python_ast::name::Name;
use ruff_text_size::TextRange;

use super::{Compiler, Result};
use crate::ir::{BlockId, HandlerId, Location};

/// How many such statements can be nested in a function, as in CPython.
const MAX_FRAMES: usize = 21;

#[derive(Clone, Copy)]
pub(super) enum FrameKind<'a> {
    While,
    /// An iterator and its position are on the stack.
    For,
    /// An asynchronous iterator is on the stack.
    AsyncFor,
    /// The body of a `try` with `except` clauses.
    Try,
    /// The body of a `try` with this `finally` clause.
    FinallyTry(&'a [Stmt]),
    /// A `finally` clause that an exception has entered.
    FinallyEnd,
    With,
    AsyncWith,
    /// An `except` clause, with the name it binds.
    Except(Option<&'a Name>),
    /// A value to return is on the stack.
    Value,
    /// The `except` clauses of a statement.
    Handlers,
    /// Its `except*` clauses.
    GroupHandlers,
    /// The body of a generator.
    StopIteration,
    /// An inlined comprehension; nothing leaves it early.
    Comprehension,
}

#[derive(Clone, Copy)]
pub(super) struct Frame<'a> {
    pub(super) kind: FrameKind<'a>,
    /// Where `continue` goes.
    pub(super) block: BlockId,
    /// Where `break` goes.
    pub(super) exit: BlockId,
    /// The handler that is in force outside of it.
    pub(super) outer_handler: Option<HandlerId>,
    pub(super) location: Location,
}

impl<'a> Frame<'a> {
    pub(super) fn new(kind: FrameKind<'a>, block: BlockId, outer_handler: Option<HandlerId>) -> Frame<'a> {
        Frame { kind, block, exit: block, outer_handler, location: Location::NONE }
    }

    /// The body of a generator, with the handler of StopIteration.
    pub(super) fn stop_iteration(handler: BlockId) -> Frame<'a> {
        Frame::new(FrameKind::StopIteration, handler, None)
    }

    pub(super) fn is_loop(&self) -> bool {
        matches!(self.kind, FrameKind::While | FrameKind::For | FrameKind::AsyncFor)
    }
}

impl<'a> Compiler<'a> {
    /// Enters a statement, whose place is `range`.
    pub(super) fn push_frame(&mut self, frame: Frame<'a>, range: TextRange) -> Result {
        if self.unit.frames.len() >= MAX_FRAMES {
            return Err(self.error(range, "too many statically nested blocks"));
        }
        self.unit.frames.push(frame);
        Ok(())
    }

    pub(super) fn pop_frame(&mut self) {
        self.unit.frames.pop().expect("frames are pushed and popped in pairs");
    }

    /// Leaves all enclosing statements, or those within the innermost loop, which is returned.
    ///
    /// With `keep_top` there is a value on top of the stack that must stay there. Leaves the handler as it is after the last statement
    /// that was left; the caller restores it when it has jumped.
    pub(super) fn unwind(&mut self, keep_top: bool, to_loop: bool, range: TextRange, location: &mut Location) -> Result<Option<Frame<'a>>> {
        let Some(frame) = self.unit.frames.last().copied() else {
            return Ok(None);
        };
        if let FrameKind::GroupHandlers = frame.kind {
            let message = "'break', 'continue' and 'return' cannot appear in an except* block";
            return Err(self.error(range, message));
        }
        if to_loop && frame.is_loop() {
            return Ok(Some(frame));
        }
        self.unit.frames.pop();
        self.leave_frame(&frame, keep_top, range, location)?;
        let found = crate::nesting::with_stack(|| self.unwind(keep_top, to_loop, range, location));
        self.unit.frames.push(frame);
        found
    }

    /// Undoes what one statement has set up.
    pub(super) fn leave_frame(&mut self, frame: &Frame<'a>, keep_top: bool, range: TextRange, location: &mut Location) -> Result {
        match frame.kind {
            FrameKind::While | FrameKind::Handlers | FrameKind::GroupHandlers | FrameKind::StopIteration | FrameKind::Comprehension => {}
            FrameKind::For => {
                self.keep_top(keep_top, 3, *location);
                self.emit(Opcode::POP_ITER, *location);
            }
            FrameKind::AsyncFor | FrameKind::Value => {
                self.keep_top(keep_top, 2, *location);
                self.emit(Opcode::POP_TOP, *location);
            }
            FrameKind::Try => self.restore_handler(frame.outer_handler),
            FrameKind::FinallyTry(body) => {
                self.restore_handler(frame.outer_handler);
                if keep_top {
                    self.push_frame(Frame::new(FrameKind::Value, frame.block, frame.outer_handler), range)?;
                }
                self.body(body)?;
                if keep_top {
                    self.pop_frame();
                }
                // What follows belongs to the statement that leaves, but must not look as if that ran after the clause.
                *location = Location::NONE;
            }
            FrameKind::FinallyEnd => {
                self.keep_top(keep_top, 2, *location);
                self.emit(Opcode::POP_TOP, *location);
                self.keep_top(keep_top, 2, *location);
                self.restore_handler(frame.outer_handler);
                self.emit(Opcode::POP_EXCEPT, *location);
            }
            FrameKind::With | FrameKind::AsyncWith => {
                *location = frame.location;
                self.restore_handler(frame.outer_handler);
                if keep_top {
                    self.emit_arg(Opcode::SWAP, 3, *location);
                    self.emit_arg(Opcode::SWAP, 2, *location);
                }
                self.call_exit_with_nones(*location);
                if let FrameKind::AsyncWith = frame.kind {
                    self.emit_arg(Opcode::GET_AWAITABLE, 2, *location);
                    self.load_const(Constant::None, *location);
                    self.yield_from(true, *location);
                }
                self.emit(Opcode::POP_TOP, *location);
                *location = Location::NONE;
            }
            FrameKind::Except(name) => {
                self.restore_handler(frame.outer_handler);
                self.keep_top(keep_top, 2, *location);
                self.emit(Opcode::POP_EXCEPT, *location);
                if let Some(name) = name {
                    self.forget_name(name, *location);
                }
            }
        }
        Ok(())
    }

    /// Moves the value on top of the stack below the `depth - 1` values that are about to be dropped.
    fn keep_top(&mut self, keep_top: bool, depth: u32, location: Location) {
        if keep_top {
            self.emit_arg(Opcode::SWAP, depth, location);
        }
    }

    /// `__exit__(None, None, None)`, the method and its receiver being on the stack.
    pub(super) fn call_exit_with_nones(&mut self, location: Location) {
        for _ in 0..3 {
            self.load_const(Constant::None, location);
        }
        self.emit_arg(Opcode::CALL, 3, location);
    }
}
