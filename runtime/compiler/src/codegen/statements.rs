//! Statements that neither loop nor handle exceptions.

use limpid_bytecode::{CommonConstant, Constant, Intrinsic1, Opcode};
use ruff_python_ast::{Decorator, Expr, Stmt, StmtAssert, StmtDelete, StmtExpr, StmtIf, StmtRaise, StmtReturn};
use ruff_text_size::{Ranged, TextRange};

use super::unit::UnitKind;
use super::{Compiler, Result};
use crate::ir::{Location, Op};
use crate::symtable::has_docstring;

impl<'a> Compiler<'a> {
    pub(super) fn statement(&mut self, statement: &'a Stmt) -> Result {
        match statement {
            Stmt::FunctionDef(node) => self.function_definition(node),
            Stmt::ClassDef(node) => self.class_definition(node),
            Stmt::TypeAlias(node) => self.type_alias(node),
            Stmt::Return(node) => self.return_statement(node),
            Stmt::Delete(node) => self.delete_statement(node),
            Stmt::Assign(node) => self.assignment(node),
            Stmt::AugAssign(node) => self.augmented_assignment(node),
            Stmt::AnnAssign(node) => self.annotated_assignment(node),
            Stmt::For(node) if node.is_async => self.async_for_statement(node),
            Stmt::For(node) => self.for_statement(node),
            Stmt::While(node) => self.while_statement(node),
            Stmt::If(node) => self.if_statement(node),
            Stmt::With(node) => self.with_statement(node),
            Stmt::Match(node) => self.match_statement(node),
            Stmt::Raise(node) => self.raise_statement(node),
            Stmt::Try(node) => self.try_statement(node),
            Stmt::Assert(node) => self.assert_statement(node),
            Stmt::Import(node) => self.import_statement(node),
            Stmt::ImportFrom(node) => self.import_from_statement(node),
            Stmt::Expr(node) => self.expression_statement(node),
            Stmt::Break(node) => self.break_statement(node),
            Stmt::Continue(node) => self.continue_statement(node),
            Stmt::Pass(_) => {
                let location = self.location(statement);
                self.emit(Opcode::NOP, location);
                Ok(())
            }
            Stmt::Global(_) | Stmt::Nonlocal(_) | Stmt::IpyEscapeCommand(_) => Ok(()),
        }
    }

    /// The statements of a module or class.
    pub(super) fn module_body(&mut self, body: &'a [Stmt], location: Location) -> Result {
        let future_annotations = self.future_annotations();
        if future_annotations && self.scope().annotations_used {
            self.emit(Opcode::SETUP_ANNOTATIONS, location);
        }
        if !future_annotations && self.scope().has_conditional_annotations {
            let class = self.unit.kind == UnitKind::Class;
            let name = ruff_python_ast::name::Name::new_static("__conditional_annotations__");
            self.emit_arg(Opcode::BUILD_SET, 0, location);
            if class {
                let index = self.cell_index(&name);
                self.emit_arg(Opcode::STORE_DEREF, index, location);
            } else {
                self.store_name(&name, location);
            }
        }
        let mut body = body;
        if has_docstring(body) && !self.context.interactive {
            let (docstring, rest) = body.split_first().expect("the docstring is its first statement");
            body = rest;
            if self.context.optimize < 2 {
                let location = self.location(docstring);
                let text = self.docstring(docstring);
                self.load_const(text, location);
                self.store_name(&ruff_python_ast::name::Name::new_static("__doc__"), Location::NONE);
            }
        }
        self.body(body)?;
        if !future_annotations {
            self.deferred_annotations(location)?;
        }
        Ok(())
    }

    fn expression_statement(&mut self, node: &'a StmtExpr) -> Result {
        let location = self.location(node);
        if self.context.interactive && self.outer.is_empty() {
            self.expr(&node.value)?;
            self.emit_arg(Opcode::CALL_INTRINSIC_1, Intrinsic1::Print as u32, location);
            self.emit(Opcode::POP_TOP, Location::NONE);
            return Ok(());
        }
        if node.value.is_literal_expr() {
            self.emit(Opcode::NOP, location);
            return Ok(());
        }
        self.expr(&node.value)?;
        self.emit(Opcode::POP_TOP, Location::NONE);
        Ok(())
    }

    fn return_statement(&mut self, node: &'a StmtReturn) -> Result {
        let mut location = self.location(node);
        let scope = self.scope();
        let in_function = matches!(self.unit.kind, UnitKind::Function | UnitKind::AsyncFunction);
        if !in_function {
            return Err(self.error(node.range, "'return' outside function"));
        }
        if node.value.is_some() && scope.coroutine && scope.generator {
            return Err(self.error(node.range, "'return' with value in async generator"));
        }
        self.check_leaves_finally("return", false, node.range);
        // A constant is loaded when everything has been undone: nothing to keep on the stack.
        let value = node.value.as_deref();
        let constant = value.is_none_or(Expr::is_literal_expr);
        let own_line = value.is_none_or(|value| self.location(value).line != location.line);
        match value {
            Some(value) if constant => {
                let value = self.location(value);
                self.emit(Opcode::NOP, value);
                if !own_line {
                    location = value;
                }
            }
            Some(value) => self.expr(value)?,
            None => {}
        }
        if own_line {
            self.emit(Opcode::NOP, location);
        }
        let handler = self.unit.handler;
        self.unwind(!constant, false, node.range, &mut location)?;
        match value {
            None => self.load_const(Constant::None, location),
            Some(value) if constant => {
                let constant = self.literal(value)?.expect("a literal is a constant");
                self.load_const(constant, location);
            }
            Some(_) => {}
        }
        self.emit(Opcode::RETURN_VALUE, location);
        self.restore_handler(handler);
        Ok(())
    }

    fn delete_statement(&mut self, node: &'a StmtDelete) -> Result {
        self.exprs(&node.targets)
    }

    fn if_statement(&mut self, node: &'a StmtIf) -> Result {
        let end = self.new_block();
        self.unit.conditional_depth += 1;
        let first = (self.location(node), Some(&*node.test), &node.body);
        let locations: Vec<Location> = node.elif_else_clauses.iter().map(|clause| self.location(clause)).collect();
        let others = node.elif_else_clauses.iter().zip(locations);
        let mut clauses =
            std::iter::once(first).chain(others.map(|(clause, location)| (location, clause.test.as_ref(), &clause.body))).peekable();
        while let Some((location, test, body)) = clauses.next() {
            let next = if clauses.peek().is_some() { self.new_block() } else { end };
            if let Some(test) = test {
                self.jump_if(test, next, false, location)?;
            }
            self.body(body)?;
            if clauses.peek().is_some() {
                self.emit_jump(Op::Jump, end, Location::NONE);
            }
            self.use_block(next);
        }
        self.unit.conditional_depth -= 1;
        Ok(())
    }

    fn raise_statement(&mut self, node: &'a StmtRaise) -> Result {
        let location = self.location(node);
        self.exprs(node.exc.as_deref())?;
        self.exprs(node.cause.as_deref())?;
        let values = u32::from(node.exc.is_some()) + u32::from(node.cause.is_some());
        self.emit_arg(Opcode::RAISE_VARARGS, values, location);
        Ok(())
    }

    fn assert_statement(&mut self, node: &'a StmtAssert) -> Result {
        if let Expr::Tuple(tuple) = &*node.test
            && !tuple.elts.is_empty()
        {
            self.warn("assertion is always true, perhaps remove parentheses?", node.range);
        }
        if self.context.optimize > 0 {
            return Ok(());
        }
        let end = self.new_block();
        let location = self.location(node);
        self.jump_if(&node.test, end, true, location)?;
        self.emit_arg(Opcode::LOAD_COMMON_CONSTANT, CommonConstant::AssertionError as u32, location);
        if let Some(message) = &node.msg {
            self.expr(message)?;
            self.emit_arg(Opcode::CALL, 0, location);
        }
        let test = self.location(&*node.test);
        self.emit_arg(Opcode::RAISE_VARARGS, 1, test);
        self.use_block(end);
        Ok(())
    }

    pub(super) fn future_annotations(&self) -> bool {
        self.context.future_flags & limpid_bytecode::CodeFlags::FUTURE_ANNOTATIONS != 0
    }

    /// The line a definition begins in: that of its first decorator.
    pub(super) fn first_line(&self, range: TextRange, decorators: &[Decorator]) -> u32 {
        let first = decorators.first().map_or(range, |decorator| decorator.expression.range());
        self.context.source.line(first.start())
    }
}
