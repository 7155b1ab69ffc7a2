//! Assignment statements.

use limpid_bytecode::{Constant, Opcode};
use ruff_python_ast::name::Name;
use ruff_python_ast::{Expr, ExprAttribute, ExprContext, ExprSubscript, StmtAnnAssign, StmtAssign, StmtAugAssign};
use ruff_text_size::Ranged;

use super::unit::{DeferredAnnotation, UnitKind};
use super::{Compiler, Result};
use crate::ir::Location;

impl<'a> Compiler<'a> {
    pub(super) fn assignment(&mut self, node: &'a StmtAssign) -> Result {
        let location = self.location(node);
        self.expr(&node.value)?;
        let (last, others) = node.targets.split_last().expect("an assignment has a target");
        for target in others {
            self.emit_arg(Opcode::COPY, 1, location);
            self.expr(target)?;
        }
        self.expr(last)
    }

    pub(super) fn augmented_assignment(&mut self, node: &'a StmtAugAssign) -> Result {
        let location = self.location(node);
        let target_location = self.location(&*node.target);
        let operator = super::expressions::operator(node.op).inplace().expect("every written operator has one") as u32;
        match &*node.target {
            Expr::Name(target) => {
                self.load_name(&target.id, target_location);
                self.expr(&node.value)?;
                self.emit_arg(Opcode::BINARY_OP, operator, location);
                self.store_name(&target.id, target_location);
            }
            Expr::Attribute(target) => {
                self.expr(&target.value)?;
                let attribute = self.attribute_location(target, target_location);
                self.emit_arg(Opcode::COPY, 1, attribute);
                let index = self.attribute_index(target);
                self.emit_arg(Opcode::LOAD_ATTR, index << 1, attribute);
                self.expr(&node.value)?;
                self.emit_arg(Opcode::BINARY_OP, operator, location);
                self.emit_arg(Opcode::SWAP, 2, attribute);
                self.note_self_attribute(target);
                self.emit_arg(Opcode::STORE_ATTR, index, attribute);
            }
            Expr::Subscript(target) => self.augmented_subscript(node, target, operator, target_location)?,
            target => {
                return Err(self.error(target.range(), "illegal expression for augmented assignment"));
            }
        }
        Ok(())
    }

    fn augmented_subscript(
        &mut self,
        node: &'a StmtAugAssign,
        target: &'a ExprSubscript,
        operator: u32,
        target_location: Location,
    ) -> Result {
        let location = self.location(node);
        self.expr(&target.value)?;
        if let Some(slice) = self.two_part_slice(&target.slice) {
            self.slice_parts(slice)?;
            for _ in 0..3 {
                self.emit_arg(Opcode::COPY, 3, target_location);
            }
            self.emit(Opcode::BINARY_SLICE, target_location);
            self.expr(&node.value)?;
            self.emit_arg(Opcode::BINARY_OP, operator, location);
            for depth in [4, 3, 2] {
                self.emit_arg(Opcode::SWAP, depth, target_location);
            }
            self.emit(Opcode::STORE_SLICE, target_location);
        } else {
            self.expr(&target.slice)?;
            self.emit_arg(Opcode::COPY, 2, target_location);
            self.emit_arg(Opcode::COPY, 2, target_location);
            self.emit_arg(Opcode::BINARY_OP, limpid_bytecode::BinaryOperator::Subscript as u32, target_location);
            self.expr(&node.value)?;
            self.emit_arg(Opcode::BINARY_OP, operator, location);
            self.emit_arg(Opcode::SWAP, 3, target_location);
            self.emit_arg(Opcode::SWAP, 2, target_location);
            self.emit(Opcode::STORE_SUBSCR, target_location);
        }
        Ok(())
    }

    pub(super) fn annotated_assignment(&mut self, node: &'a StmtAnnAssign) -> Result {
        let location = self.location(node);
        if let Some(value) = &node.value {
            self.expr(value)?;
            self.expr(&node.target)?;
        }
        match &*node.target {
            Expr::Name(target) if node.simple && matches!(self.unit.kind, UnitKind::Module | UnitKind::Class) => {
                self.variable_annotation(node, &target.id, location);
            }
            // Without a value the target is evaluated, but nothing is stored.
            Expr::Attribute(target) if node.value.is_none() => {
                self.expr(&target.value)?;
                self.emit(Opcode::POP_TOP, location);
            }
            Expr::Subscript(target) if node.value.is_none() => {
                self.expr(&target.value)?;
                self.emit(Opcode::POP_TOP, location);
                self.evaluate_index(&target.slice)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn variable_annotation(&mut self, node: &'a StmtAnnAssign, name: &Name, location: Location) {
        if self.future_annotations() {
            let text = self.annotation_text(&node.annotation);
            self.load_const(text, self.location(&*node.annotation));
            let index = self.name_index(&Name::new_static("__annotations__"));
            self.emit_arg(Opcode::LOAD_NAME, index, location);
            let key = Constant::Str(self.mangle(name).as_bytes().into());
            self.load_const(key, location);
            self.emit(Opcode::STORE_SUBSCR, location);
            return;
        }
        let in_class = self.unit.kind == UnitKind::Class;
        let conditional = (!in_class || self.unit.conditional_depth > 0).then(|| {
            self.unit.conditional_annotations += 1;
            self.unit.conditional_annotations - 1
        });
        self.unit.annotations.push(DeferredAnnotation { statement: node, conditional });
        if let Some(index) = conditional {
            let executed = Name::new_static("__conditional_annotations__");
            if in_class {
                self.load_cell(&executed, location);
            } else {
                let index = self.name_index(&executed);
                self.emit_arg(Opcode::LOAD_NAME, index, location);
            }
            self.load_const(Constant::Int(index.into()), location);
            self.emit_arg(Opcode::SET_ADD, 1, location);
            self.emit(Opcode::POP_TOP, location);
        }
    }

    /// Evaluates an index and drops it, part by part.
    fn evaluate_index(&mut self, index: &'a Expr) -> Result {
        match index {
            Expr::Tuple(tuple) => tuple.elts.iter().try_for_each(|part| self.evaluate_index(part)),
            Expr::Slice(slice) => {
                let parts = [&slice.lower, &slice.upper, &slice.step];
                parts.into_iter().flatten().try_for_each(|part| self.evaluate(part))
            }
            index => self.evaluate(index),
        }
    }

    fn evaluate(&mut self, expr: &'a Expr) -> Result {
        let location = self.location(expr);
        self.expr(expr)?;
        self.emit(Opcode::POP_TOP, location);
        Ok(())
    }

    /// Stores, reads or deletes an attribute whose object is on the stack.
    pub(super) fn attribute_op(&mut self, node: &ExprAttribute, location: Location) {
        let index = self.attribute_index(node);
        match node.ctx {
            ExprContext::Load | ExprContext::Invalid => self.emit_arg(Opcode::LOAD_ATTR, index << 1, location),
            ExprContext::Store => {
                self.note_self_attribute(node);
                self.emit_arg(Opcode::STORE_ATTR, index, location);
            }
            ExprContext::Del => self.emit_arg(Opcode::DELETE_ATTR, index, location),
        }
    }

    /// The index of an attribute's name.
    pub(super) fn attribute_index(&mut self, node: &ExprAttribute) -> u32 {
        let name = self.mangle(&node.attr.id);
        self.name_index(&name)
    }

    fn note_self_attribute(&mut self, node: &ExprAttribute) {
        if node.value.as_name_expr().is_some_and(|name| name.id == "self") {
            self.note_static_attribute(&node.attr.id);
        }
    }
}
