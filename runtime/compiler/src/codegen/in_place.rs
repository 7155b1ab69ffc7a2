//! Builtins of a generator expression that run it in place: the loop is the caller's own, so that a trace goes through it and the generator.

use limpid_bytecode::{CommonConstant, Comparison, ComparisonArg, Constant, Intrinsic1, Intrinsic2, Opcode};
use ruff_python_ast::{Arguments, Expr, ExprAttribute, ExprCall, ExprGenerator};
use ruff_text_size::TextRange;

use super::expressions::pop_jump;
use super::{Compiler, Result};
use crate::ir::{BlockId, Location, Op};
use crate::symtable::{ScopeKey, ScopeRole};

/// The generator of `"...".join(x for ...)`, which makes a list of it before anything else.
pub(super) fn joined_generator<'a>(method: &ExprAttribute, arguments: &'a Arguments) -> Option<&'a ExprGenerator> {
    match (&arguments.args[..], &arguments.keywords[..]) {
        ([Expr::Generator(generator)], []) if method.value.is_string_literal_expr() && method.attr.as_str() == "join" => Some(generator),
        _ => None,
    }
}

impl<'a> Compiler<'a> {
    /// A call of a builtin with a generator expression, if that can run in place and the name means the builtin. The callable is on the
    /// stack.
    ///
    /// Returns whether that has been emitted; then the result is on the stack in `end`.
    pub(super) fn call_in_place(&mut self, node: &'a ExprCall, end: BlockId) -> Result<bool> {
        let (Expr::Name(function), [Expr::Generator(generator)], []) =
            (&*node.func, &node.arguments.args[..], &node.arguments.keywords[..])
        else {
            return Ok(false);
        };
        if self.is_async_generator(generator) {
            return Ok(false);
        }
        let builtin = match function.id.as_str() {
            "all" => CommonConstant::All,
            "any" => CommonConstant::Any,
            "list" => CommonConstant::List,
            "max" => CommonConstant::Max,
            "min" => CommonConstant::Min,
            "set" => CommonConstant::Set,
            "sorted" => CommonConstant::Sorted,
            "sum" => CommonConstant::Sum,
            "tuple" => CommonConstant::Tuple,
            _ => return Ok(false),
        };
        let (name, call, range) = (self.location(function), self.location(node), node.arguments.range);
        let ordinary = self.new_block();
        self.emit_arg(Opcode::COPY, 1, name);
        self.emit_arg(Opcode::LOAD_COMMON_CONSTANT, builtin as u32, name);
        self.emit_arg(Opcode::IS_OP, 0, name);
        self.emit_jump(Opcode::POP_JUMP_IF_FALSE, ordinary, name);
        if matches!(builtin, CommonConstant::Sorted) {
            // The list that it would make of the generator before it does anything else.
            self.emit(Opcode::PUSH_NULL, name);
            self.list_in_place(generator, range, call)?;
            self.emit_arg(Opcode::CALL, 1, call);
        } else {
            self.emit(Opcode::POP_TOP, name);
            match builtin {
                CommonConstant::All => self.truth_in_place(generator, range, true, end, name)?,
                CommonConstant::Any => self.truth_in_place(generator, range, false, end, name)?,
                CommonConstant::Max => self.extremum_in_place(generator, range, builtin, Comparison::Greater, end, call)?,
                CommonConstant::Min => self.extremum_in_place(generator, range, builtin, Comparison::Less, end, call)?,
                CommonConstant::Sum => self.sum_in_place(generator, range, call)?,
                CommonConstant::Set => self.display_in_place(generator, range, (Opcode::BUILD_SET, Opcode::SET_ADD), name)?,
                _ => self.list_in_place(generator, range, name)?,
            }
            if matches!(builtin, CommonConstant::Tuple) {
                self.emit_arg(Opcode::CALL_INTRINSIC_1, Intrinsic1::ListToTuple as u32, name);
            }
        }
        self.emit_jump(Op::Jump, end, name);
        self.use_block(ordinary);
        Ok(true)
    }

    /// Is it an asynchronous generator, which cannot be iterated over in place?
    pub(super) fn is_async_generator(&self, generator: &ExprGenerator) -> bool {
        let scope = self.context.symbols.lookup(ScopeKey::new(generator, ScopeRole::Body));
        self.context.symbols[scope].coroutine
    }

    /// The block of the loop, with the next item on the stack above the iterator and what is under that.
    fn loop_in_place(&mut self, exhausted: BlockId, location: Location) -> BlockId {
        let start = self.next_block();
        self.emit_jump(Opcode::FOR_ITER, exhausted, location);
        start
    }

    /// The generator as an iterator.
    fn iterate_in_place(&mut self, generator: &'a ExprGenerator, range: TextRange, location: Location) -> Result {
        self.generator_argument(generator, range)?;
        self.emit(Opcode::PUSH_NULL, location);
        Ok(())
    }

    /// Pushes a list of what a generator yields.
    pub(super) fn list_in_place(&mut self, generator: &'a ExprGenerator, range: TextRange, location: Location) -> Result {
        self.display_in_place(generator, range, (Opcode::BUILD_LIST, Opcode::LIST_APPEND), location)
    }

    fn display_in_place(
        &mut self,
        generator: &'a ExprGenerator,
        range: TextRange,
        (build, add): (Opcode, Opcode),
        location: Location,
    ) -> Result {
        let exhausted = self.new_block();
        self.emit_arg(build, 0, location);
        self.iterate_in_place(generator, range, location)?;
        let start = self.loop_in_place(exhausted, location);
        self.emit_arg(add, 3, location);
        self.emit_jump(Op::Jump, start, location);
        self.use_block(exhausted);
        self.emit(Opcode::POP_ITER, Location::NONE);
        Ok(())
    }

    /// `all` and `any`: goes on while the items' truth is `condition`.
    fn truth_in_place(
        &mut self,
        generator: &'a ExprGenerator,
        range: TextRange,
        condition: bool,
        end: BlockId,
        location: Location,
    ) -> Result {
        let exhausted = self.new_block();
        self.iterate_in_place(generator, range, location)?;
        let start = self.loop_in_place(exhausted, location);
        self.emit(Opcode::TO_BOOL, location);
        self.emit_jump(pop_jump(condition), start, location);
        self.emit(Opcode::POP_ITER, Location::NONE);
        self.load_const(Constant::Bool(!condition), location);
        self.emit_jump(Op::Jump, end, location);
        self.use_block(exhausted);
        self.emit(Opcode::POP_ITER, Location::NONE);
        self.load_const(Constant::Bool(condition), location);
        Ok(())
    }

    /// `sum`: floats need more than additions, see the intrinsics.
    fn sum_in_place(&mut self, generator: &'a ExprGenerator, range: TextRange, location: Location) -> Result {
        let exhausted = self.new_block();
        self.emit_arg(Opcode::LOAD_SMALL_INT, 0, location);
        self.iterate_in_place(generator, range, location)?;
        let start = self.loop_in_place(exhausted, location);
        self.emit_arg(Opcode::COPY, 4, location);
        self.emit_arg(Opcode::SWAP, 2, location);
        self.emit_arg(Opcode::CALL_INTRINSIC_2, Intrinsic2::SumAdd as u32, location);
        self.emit_arg(Opcode::SWAP, 4, location);
        self.emit(Opcode::POP_TOP, location);
        self.emit_jump(Op::Jump, start, location);
        self.use_block(exhausted);
        self.emit(Opcode::POP_ITER, Location::NONE);
        self.emit_arg(Opcode::CALL_INTRINSIC_1, Intrinsic1::SumResult as u32, location);
        Ok(())
    }

    /// `min` and `max`: keeps the first item of which no other is `better`.
    fn extremum_in_place(
        &mut self,
        generator: &'a ExprGenerator,
        range: TextRange,
        builtin: CommonConstant,
        better: Comparison,
        end: BlockId,
        location: Location,
    ) -> Result {
        let [empty, exhausted, worse] = std::array::from_fn(|_| self.new_block());
        self.load_const(Constant::None, location);
        self.iterate_in_place(generator, range, location)?;
        self.loop_in_place(empty, location);
        self.emit_arg(Opcode::SWAP, 4, location);
        self.emit(Opcode::POP_TOP, location);
        let start = self.loop_in_place(exhausted, location);
        self.emit_arg(Opcode::COPY, 1, location);
        self.emit_arg(Opcode::COPY, 5, location);
        self.emit_arg(Opcode::COMPARE_OP, u32::from(ComparisonArg::new(better, true).0), location);
        self.emit_jump(Opcode::POP_JUMP_IF_FALSE, worse, location);
        self.emit_arg(Opcode::SWAP, 4, location);
        self.use_block(worse);
        self.emit(Opcode::POP_TOP, location);
        self.emit_jump(Op::Jump, start, location);
        self.use_block(empty);
        self.emit(Opcode::POP_ITER, Location::NONE);
        self.emit(Opcode::POP_TOP, location);
        // The builtin tells that there is none.
        self.emit_arg(Opcode::LOAD_COMMON_CONSTANT, builtin as u32, location);
        self.emit(Opcode::PUSH_NULL, location);
        self.load_const(Constant::Tuple([].into()), location);
        self.emit_arg(Opcode::CALL, 1, location);
        self.emit_jump(Op::Jump, end, location);
        self.use_block(exhausted);
        self.emit(Opcode::POP_ITER, Location::NONE);
        Ok(())
    }
}
