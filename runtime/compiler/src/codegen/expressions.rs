//! Expressions.

use limpid_bytecode::{BinaryOperator, Comparison, ComparisonArg, Constant, Intrinsic1, Opcode};
use ruff_python_ast::{
    BoolOp, CmpOp, Expr, ExprAttribute, ExprBoolOp, ExprCompare, ExprContext, ExprDict, ExprIf, ExprList, ExprNamed, ExprSlice,
    ExprSubscript, ExprTuple, ExprUnaryOp, Operator, UnaryOp,
};
use ruff_text_size::TextRange;

use super::{Compiler, Result};
use crate::ir::{BlockId, Location, Op};

/// From this many elements on a display is built bit by bit, so that the stack stays small.
pub(super) const MANY: usize = 30;

/// What a display is built with.
#[derive(Clone, Copy)]
pub(super) struct Display {
    build: Opcode,
    append: Opcode,
    extend: Opcode,
    /// Make a tuple in the end.
    tuple: bool,
}

impl Display {
    pub(super) const LIST: Display =
        Display { build: Opcode::BUILD_LIST, append: Opcode::LIST_APPEND, extend: Opcode::LIST_EXTEND, tuple: false };
    pub(super) const TUPLE: Display = Display { tuple: true, ..Display::LIST };
    const SET: Display = Display { build: Opcode::BUILD_SET, append: Opcode::SET_ADD, extend: Opcode::SET_UPDATE, tuple: false };
}

/// The instruction argument of an operator.
pub(super) fn operator(operator: Operator) -> BinaryOperator {
    match operator {
        Operator::Add => BinaryOperator::Add,
        Operator::Sub => BinaryOperator::Subtract,
        Operator::Mult => BinaryOperator::Multiply,
        Operator::MatMult => BinaryOperator::MatrixMultiply,
        Operator::Div => BinaryOperator::TrueDivide,
        Operator::Mod => BinaryOperator::Remainder,
        Operator::Pow => BinaryOperator::Power,
        Operator::LShift => BinaryOperator::LeftShift,
        Operator::RShift => BinaryOperator::RightShift,
        Operator::BitOr => BinaryOperator::Or,
        Operator::BitXor => BinaryOperator::Xor,
        Operator::BitAnd => BinaryOperator::And,
        Operator::FloorDiv => BinaryOperator::FloorDivide,
    }
}

impl<'a> Compiler<'a> {
    pub(super) fn expression(&mut self, expr: &'a Expr) -> Result {
        let location = self.location(expr);
        if let Some(constant) = self.literal(expr)? {
            self.load_const(constant, location);
            return Ok(());
        }
        match expr {
            Expr::BoolOp(node) => self.bool_operation(node, location),
            Expr::Named(node) => self.named_expression(node, location),
            Expr::BinOp(node) => {
                if self.percent_format(node, location)? {
                    return Ok(());
                }
                self.expr(&node.left)?;
                self.expr(&node.right)?;
                self.emit_arg(Opcode::BINARY_OP, operator(node.op) as u32, location);
                Ok(())
            }
            Expr::UnaryOp(node) => self.unary_operation(node, location),
            Expr::Lambda(node) => self.lambda(node),
            Expr::If(node) => self.conditional_expression(node),
            Expr::Dict(node) => self.dict(node, location),
            Expr::Set(node) => self.display(Display::SET, &node.elts, 0, None, location),
            Expr::ListComp(node) => self.list_comprehension(node),
            Expr::SetComp(node) => self.set_comprehension(node),
            Expr::DictComp(node) => self.dict_comprehension(node),
            Expr::Generator(node) => self.generator_expression(node),
            Expr::Await(node) => self.await_expression(node),
            Expr::Yield(node) => self.yield_expression(node),
            Expr::YieldFrom(node) => self.yield_from_expression(node),
            Expr::Compare(node) => self.comparison(node, location),
            Expr::Call(node) => self.call(node, location),
            Expr::FString(node) => self.f_string(node, location),
            Expr::TString(node) => self.t_string(node, location),
            Expr::Attribute(node) => self.attribute(node, location),
            Expr::Subscript(node) => self.subscript(node, location),
            Expr::Starred(node) => {
                let message = match node.ctx {
                    ExprContext::Store => "starred assignment target must be in a list or tuple",
                    _ => "can't use starred expression here",
                };
                Err(self.error(node.range, message))
            }
            Expr::Name(node) if node.ctx == ExprContext::Load && node.id == "__debug__" => {
                self.load_const(Constant::Bool(self.context.optimize == 0), location);
                Ok(())
            }
            Expr::Name(node) => {
                self.name_op(&node.id, node.ctx, location);
                Ok(())
            }
            Expr::List(ExprList { elts, ctx, range, .. }) => self.sequence(Display::LIST, elts, *ctx, *range, location),
            Expr::Tuple(ExprTuple { elts, ctx, range, .. }) => self.sequence(Display::TUPLE, elts, *ctx, *range, location),
            Expr::Slice(node) => self.slice(node, location),
            Expr::StringLiteral(_)
            | Expr::BytesLiteral(_)
            | Expr::NumberLiteral(_)
            | Expr::BooleanLiteral(_)
            | Expr::NoneLiteral(_)
            | Expr::EllipsisLiteral(_)
            | Expr::IpyEscapeCommand(_) => unreachable!("literals are constants"),
        }
    }

    fn named_expression(&mut self, node: &'a ExprNamed, location: Location) -> Result {
        self.expr(&node.value)?;
        self.emit_arg(Opcode::COPY, 1, location);
        self.expr(&node.target)
    }

    fn bool_operation(&mut self, node: &'a ExprBoolOp, location: Location) -> Result {
        let jump = if node.op == BoolOp::And { Op::JumpIfFalse } else { Op::JumpIfTrue };
        let end = self.new_block();
        let (last, others) = node.values.split_last().expect("an operation has operands");
        for value in others {
            self.expr(value)?;
            self.emit_jump(jump, end, location);
            self.emit(Opcode::POP_TOP, location);
        }
        self.expr(last)?;
        self.use_block(end);
        Ok(())
    }

    fn unary_operation(&mut self, node: &'a ExprUnaryOp, location: Location) -> Result {
        self.expr(&node.operand)?;
        match node.op {
            UnaryOp::Invert => self.emit(Opcode::UNARY_INVERT, location),
            UnaryOp::USub => self.emit(Opcode::UNARY_NEGATIVE, location),
            UnaryOp::UAdd => {
                self.emit_arg(Opcode::CALL_INTRINSIC_1, Intrinsic1::UnaryPositive as u32, location);
            }
            UnaryOp::Not => {
                self.emit(Opcode::TO_BOOL, location);
                self.emit(Opcode::UNARY_NOT, location);
            }
        }
        Ok(())
    }

    fn conditional_expression(&mut self, node: &'a ExprIf) -> Result {
        let otherwise = self.new_block();
        let end = self.new_block();
        let location = self.location(node);
        self.jump_if(&node.test, otherwise, false, location)?;
        self.expr(&node.body)?;
        self.emit_jump(Op::Jump, end, Location::NONE);
        self.use_block(otherwise);
        self.expr(&node.orelse)?;
        self.use_block(end);
        Ok(())
    }

    /// Jumps if the truth of an expression is `condition`, else goes on. `location` is that of the statement that decides.
    pub(super) fn jump_if(&mut self, expr: &'a Expr, target: BlockId, condition: bool, location: Location) -> Result {
        crate::nesting::with_stack(|| self.jump_if_inner(expr, target, condition, location))
    }

    fn jump_if_inner(&mut self, expr: &'a Expr, target: BlockId, condition: bool, location: Location) -> Result {
        match expr {
            Expr::UnaryOp(node) if node.op == UnaryOp::Not => {
                return self.jump_if(&node.operand, target, !condition, location);
            }
            Expr::BoolOp(node) => {
                // All operands but the last decide when they equal `decisive`; then they go where that leads.
                let decisive = node.op == BoolOp::Or;
                let next = if decisive == condition { target } else { self.new_block() };
                let (last, others) = node.values.split_last().expect("an operation has operands");
                for value in others {
                    self.jump_if(value, next, decisive, location)?;
                }
                self.jump_if(last, target, condition, location)?;
                if next != target {
                    self.use_block(next);
                }
                return Ok(());
            }
            Expr::If(node) => {
                let otherwise = self.new_block();
                let end = self.new_block();
                self.jump_if(&node.test, otherwise, false, location)?;
                self.jump_if(&node.body, target, condition, location)?;
                self.emit_jump(Op::Jump, end, Location::NONE);
                self.use_block(otherwise);
                self.jump_if(&node.orelse, target, condition, location)?;
                self.use_block(end);
                return Ok(());
            }
            Expr::Compare(node) if node.ops.len() > 1 => {
                return self.jump_if_chain(node, target, condition);
            }
            _ => {}
        }
        self.expr(expr)?;
        let test = self.location(expr);
        self.emit(Opcode::TO_BOOL, test);
        self.emit_jump(pop_jump(condition), target, location);
        Ok(())
    }

    fn jump_if_chain(&mut self, node: &'a ExprCompare, target: BlockId, condition: bool) -> Result {
        let location = self.location(node);
        let cleanup = self.new_block();
        let end = self.new_block();
        self.comparison_chain(node, location, |this| {
            this.emit(Opcode::TO_BOOL, location);
            this.emit_jump(Opcode::POP_JUMP_IF_FALSE, cleanup, location);
        })?;
        self.emit(Opcode::TO_BOOL, location);
        self.emit_jump(pop_jump(condition), target, location);
        self.emit_jump(Op::Jump, end, Location::NONE);
        self.use_block(cleanup);
        self.emit(Opcode::POP_TOP, location);
        if !condition {
            self.emit_jump(Op::Jump, target, Location::NONE);
        }
        self.use_block(end);
        Ok(())
    }

    fn comparison(&mut self, node: &'a ExprCompare, location: Location) -> Result {
        self.check_comparison(node);
        if node.ops.len() == 1 {
            return self.comparison_chain(node, location, |_| {});
        }
        let cleanup = self.new_block();
        let end = self.new_block();
        self.comparison_chain(node, location, |this| {
            this.emit_arg(Opcode::COPY, 1, location);
            this.emit(Opcode::TO_BOOL, location);
            this.emit_jump(Opcode::POP_JUMP_IF_FALSE, cleanup, location);
            this.emit(Opcode::POP_TOP, location);
        })?;
        self.emit_jump(Op::Jump, end, Location::NONE);
        // A comparison was false: drop the operand kept for the next one.
        self.use_block(cleanup);
        self.emit_arg(Opcode::SWAP, 2, location);
        self.emit(Opcode::POP_TOP, location);
        self.use_block(end);
        Ok(())
    }

    /// `a < b < c`: every operand is evaluated once. `check` is emitted after each comparison but the last, with the operand that the next
    /// one needs below its result.
    fn comparison_chain(&mut self, node: &'a ExprCompare, location: Location, mut check: impl FnMut(&mut Self)) -> Result {
        self.expr(&node.left)?;
        let last = node.ops.len() - 1;
        for (index, (op, operand)) in node.ops.iter().zip(&node.comparators).enumerate() {
            self.expr(operand)?;
            if index < last {
                self.emit_arg(Opcode::SWAP, 2, location);
                self.emit_arg(Opcode::COPY, 2, location);
            }
            self.compare_op(*op, location);
            if index < last {
                check(self);
            }
        }
        Ok(())
    }

    fn compare_op(&mut self, op: CmpOp, location: Location) {
        let comparison = match op {
            CmpOp::Is => return self.emit_arg(Opcode::IS_OP, 0, location),
            CmpOp::IsNot => return self.emit_arg(Opcode::IS_OP, 1, location),
            CmpOp::In => return self.emit_arg(Opcode::CONTAINS_OP, 0, location),
            CmpOp::NotIn => return self.emit_arg(Opcode::CONTAINS_OP, 1, location),
            CmpOp::Eq => Comparison::Equal,
            CmpOp::NotEq => Comparison::NotEqual,
            CmpOp::Lt => Comparison::Less,
            CmpOp::LtE => Comparison::LessEqual,
            CmpOp::Gt => Comparison::Greater,
            CmpOp::GtE => Comparison::GreaterEqual,
        };
        self.emit_arg(Opcode::COMPARE_OP, u32::from(ComparisonArg::new(comparison, false).0), location);
    }

    /// A list or tuple, read or assigned to.
    fn sequence(&mut self, display: Display, elements: &'a [Expr], context: ExprContext, range: TextRange, location: Location) -> Result {
        match context {
            ExprContext::Store => {
                self.unpack(elements, range, location)?;
                self.exprs(elements.iter().map(|element| match element {
                    Expr::Starred(starred) => &*starred.value,
                    element => element,
                }))
            }
            ExprContext::Del => self.exprs(elements),
            ExprContext::Load | ExprContext::Invalid => self.display(display, elements, 0, None, location),
        }
    }

    /// Takes the value on the stack apart, the first part on top.
    fn unpack(&mut self, elements: &[Expr], range: TextRange, location: Location) -> Result {
        let mut starred = elements.iter().enumerate().filter(|(_, element)| element.is_starred_expr());
        let Some((before, _)) = starred.next() else {
            self.emit_arg(Opcode::UNPACK_SEQUENCE, elements.len() as u32, location);
            return Ok(());
        };
        if starred.next().is_some() {
            return Err(self.error(range, "multiple starred expressions in assignment"));
        }
        let after = elements.len() - before - 1;
        if before >= 1 << 8 || after >= 1 << 23 {
            return Err(self.error(range, "too many expressions in star-unpacking assignment"));
        }
        self.emit_arg(Opcode::UNPACK_EX, before as u32 | (after as u32) << 8, location);
        Ok(())
    }

    /// Builds a list, tuple or set of `pushed` values that are on the stack, the elements, and the value of a name.
    pub(super) fn display(
        &mut self,
        display: Display,
        elements: &'a [Expr],
        pushed: u32,
        injected: Option<&ruff_python_ast::name::Name>,
        location: Location,
    ) -> Result {
        let count = elements.len() + pushed as usize + usize::from(injected.is_some());
        let many = count > MANY && !elements.iter().all(is_constant);
        let starred = elements.iter().any(Expr::is_starred_expr);
        if !many && !starred {
            self.exprs(elements)?;
            if let Some(name) = injected {
                self.load_name(name, location);
            }
            let build = if display.tuple { Opcode::BUILD_TUPLE } else { display.build };
            self.emit_arg(build, count as u32, location);
            return Ok(());
        }
        let mut built = many;
        if many {
            self.emit_arg(display.build, pushed, location);
        }
        for (index, element) in elements.iter().enumerate() {
            if let Expr::Starred(starred) = element {
                if !built {
                    self.emit_arg(display.build, index as u32 + pushed, location);
                    built = true;
                }
                self.expr(&starred.value)?;
                self.emit_arg(display.extend, 1, location);
            } else {
                self.expr(element)?;
                if built {
                    self.emit_arg(display.append, 1, location);
                }
            }
        }
        if let Some(name) = injected {
            self.load_name(name, location);
            self.emit_arg(display.append, 1, location);
        }
        if display.tuple {
            self.emit_arg(Opcode::CALL_INTRINSIC_1, Intrinsic1::ListToTuple as u32, location);
        }
        Ok(())
    }

    fn dict(&mut self, node: &'a ExprDict, location: Location) -> Result {
        /// From this many items on a dict is filled one by one.
        const MANY_ITEMS: usize = MANY / 2;
        let mut built = false;
        // Stretches of plain items become dicts of their own, which are merged.
        for stretch in node.items.chunk_by(|a, b| a.key.is_some() && b.key.is_some()) {
            if stretch[0].key.is_none() {
                for item in stretch {
                    if !built {
                        self.emit_arg(Opcode::BUILD_MAP, 0, location);
                        built = true;
                    }
                    self.expr(&item.value)?;
                    self.emit_arg(Opcode::DICT_UPDATE, 1, location);
                }
                continue;
            }
            for items in stretch.chunks(MANY_ITEMS + 2) {
                let many = items.len() > MANY_ITEMS;
                if many {
                    self.emit_arg(Opcode::BUILD_MAP, 0, location);
                }
                for item in items {
                    self.exprs(&item.key)?;
                    self.expr(&item.value)?;
                    if many {
                        self.emit_arg(Opcode::MAP_ADD, 1, location);
                    }
                }
                if !many {
                    self.emit_arg(Opcode::BUILD_MAP, items.len() as u32, location);
                }
                if built {
                    self.emit_arg(Opcode::DICT_UPDATE, 1, location);
                }
                built = true;
            }
        }
        if !built {
            self.emit_arg(Opcode::BUILD_MAP, 0, location);
        }
        Ok(())
    }

    fn attribute(&mut self, node: &'a ExprAttribute, location: Location) -> Result {
        if node.ctx == ExprContext::Load && self.super_attribute(node, false)? {
            return Ok(());
        }
        self.expr(&node.value)?;
        let location = self.attribute_location(node, location);
        self.attribute_op(node, location);
        Ok(())
    }

    /// The place of an attribute access or method call: where the object goes over several lines, it begins at the name after the dot.
    pub(super) fn attribute_location(&self, node: &ExprAttribute, location: Location) -> Location {
        let name = self.location(&node.attr);
        if location.line == name.end_line { location } else { Location { line: name.line, column: name.column, ..location } }
    }

    fn subscript(&mut self, node: &'a ExprSubscript, location: Location) -> Result {
        if node.ctx == ExprContext::Load {
            self.check_subscript(node);
        }
        self.expr(&node.value)?;
        if node.ctx != ExprContext::Del
            && let Some(slice) = self.two_part_slice(&node.slice)
        {
            self.slice_parts(slice)?;
            let load = node.ctx == ExprContext::Load;
            self.emit(if load { Opcode::BINARY_SLICE } else { Opcode::STORE_SLICE }, location);
            return Ok(());
        }
        self.expr(&node.slice)?;
        match node.ctx {
            ExprContext::Load | ExprContext::Invalid => {
                self.emit_arg(Opcode::BINARY_OP, BinaryOperator::Subscript as u32, location);
            }
            ExprContext::Store => self.emit(Opcode::STORE_SUBSCR, location),
            ExprContext::Del => self.emit(Opcode::DELETE_SUBSCR, location),
        }
        Ok(())
    }

    /// `a:b` whose parts are not constants; `a:b:c` and constant slices are slice objects.
    pub(super) fn two_part_slice(&self, index: &'a Expr) -> Option<&'a ExprSlice> {
        let slice = index.as_slice_expr()?;
        (slice.step.is_none() && !is_constant_slice(slice)).then_some(slice)
    }

    /// Pushes the two parts of a slice.
    pub(super) fn slice_parts(&mut self, slice: &'a ExprSlice) -> Result {
        let location = self.location(slice);
        for part in [&slice.lower, &slice.upper] {
            match part {
                Some(part) => self.expr(part)?,
                None => self.load_const(Constant::None, location),
            }
        }
        Ok(())
    }

    fn slice(&mut self, node: &'a ExprSlice, location: Location) -> Result {
        if is_constant_slice(node) {
            let mut parts = [Constant::None, Constant::None, Constant::None];
            for (part, expr) in parts.iter_mut().zip([&node.lower, &node.upper, &node.step]) {
                if let Some(expr) = expr {
                    *part = self.literal(expr)?.expect("a literal is a constant");
                }
            }
            self.load_const(Constant::Slice(Box::new(parts)), location);
            return Ok(());
        }
        self.slice_parts(node)?;
        if let Some(step) = &node.step {
            self.expr(step)?;
        }
        self.emit_arg(Opcode::BUILD_SLICE, 2 + u32::from(node.step.is_some()), location);
        Ok(())
    }
}

/// The jump that is taken when the value on the stack is `condition`.
pub(super) fn pop_jump(condition: bool) -> Opcode {
    if condition { Opcode::POP_JUMP_IF_TRUE } else { Opcode::POP_JUMP_IF_FALSE }
}

fn is_constant_slice(slice: &ExprSlice) -> bool {
    let parts = [&slice.lower, &slice.upper, &slice.step];
    parts.into_iter().flatten().all(|part| part.is_literal_expr())
}

/// Will the expression certainly be folded to a constant?
fn is_constant(expr: &Expr) -> bool {
    match expr {
        Expr::UnaryOp(node) => node.op == UnaryOp::USub && node.operand.is_number_literal_expr(),
        expr => expr.is_literal_expr(),
    }
}
