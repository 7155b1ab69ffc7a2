//! Annotations: functions that compute them when somebody asks (PEP 649), or their text.

use limpid_bytecode::{CodeData, CommonConstant, Comparison, ComparisonArg, Constant, Opcode};
use ruff_python_ast::name::Name;
use ruff_python_ast::{Expr, StmtFunctionDef};

use super::functions::FunctionParts;
use super::unit::UnitKind;
use super::{Compiler, Result};
use crate::ir::Location;
use crate::symtable::{ScopeId, ScopeKey, ScopeRole};

/// `annotationlib.Format.VALUE_WITH_FAKE_GLOBALS`: formats above it are left to the library.
const VALUE_WITH_FAKE_GLOBALS: i64 = 2;

impl<'a> Compiler<'a> {
    /// Begins a function that evaluates something later. It takes the format that is asked for, and knows one only.
    pub(super) fn enter_annotations(&mut self, scope: ScopeId, name: Name, first_line: u32, owner: Option<&Name>, location: Location) {
        self.enter(scope, UnitKind::Annotations, name, first_line, self.unit.class.clone(), owner);
        self.unit.posonlyargcount = 1;
        self.unit.argcount = 1;
        let body = self.new_block();
        self.emit_arg(Opcode::LOAD_FAST, 0, location);
        self.load_const(Constant::Int(VALUE_WITH_FAKE_GLOBALS), location);
        let greater = ComparisonArg::new(Comparison::Greater, true);
        self.emit_arg(Opcode::COMPARE_OP, greater.0.into(), location);
        self.emit_jump(Opcode::POP_JUMP_IF_FALSE, body, location);
        self.emit_arg(Opcode::LOAD_COMMON_CONSTANT, CommonConstant::NotImplementedError as u32, location);
        self.emit_arg(Opcode::RAISE_VARARGS, 1, location);
        self.use_block(body);
    }

    /// Ends such a function. Its parameter has a name that hides none in the symbol table; outside it is called `format`.
    pub(super) fn leave_annotations(&mut self, location: Location) -> Result<CodeData> {
        self.emit(Opcode::RETURN_VALUE, location);
        let mut code = self.leave()?;
        code.localsplusnames[0] = "format".to_owned();
        Ok(code)
    }

    /// Pushes what carries a function's annotations; returns its flag for [`FunctionParts`].
    pub(super) fn function_annotations(&mut self, node: &'a StmtFunctionDef, location: Location) -> Result<u32> {
        let scope = self.context.symbols.lookup(ScopeKey::new(node, ScopeRole::Annotations));
        let mut annotations = Vec::new();
        let positional = node.parameters.posonlyargs.iter().chain(&node.parameters.args);
        let keyword_only = &node.parameters.kwonlyargs;
        let parameters = positional
            .map(|parameter| &parameter.parameter)
            .chain(node.parameters.vararg.as_deref())
            .chain(keyword_only.iter().map(|parameter| &parameter.parameter))
            .chain(node.parameters.kwarg.as_deref());
        for parameter in parameters {
            if let Some(annotation) = parameter.annotation() {
                annotations.push((self.mangle(&parameter.name.id), annotation));
            }
        }
        if let Some(returns) = &node.returns {
            annotations.push((Name::new_static("return"), &**returns));
        }
        if annotations.is_empty() {
            return Ok(0);
        }
        if self.future_annotations() {
            let count = annotations.len() as u32 * 2;
            for (name, annotation) in annotations {
                self.load_const(Constant::Str(name.as_bytes().into()), location);
                let text = self.annotation_text(annotation);
                let location = self.location(annotation);
                self.load_const(text, location);
            }
            self.emit_arg(Opcode::BUILD_TUPLE, count, location);
            return Ok(FunctionParts::ANNOTATIONS);
        }
        let line = self.context.source.line(node.name.range.start());
        self.enter_annotations(scope, Name::new_static("__annotate__"), line, Some(&node.name.id), location);
        let count = annotations.len() as u32;
        for (name, annotation) in annotations {
            self.load_const(Constant::Str(name.as_bytes().into()), location);
            self.annotation(annotation)?;
        }
        self.emit_arg(Opcode::BUILD_MAP, count, location);
        let code = self.leave_annotations(location)?;
        self.make_function(code, FunctionParts::default(), location);
        Ok(FunctionParts::ANNOTATE)
    }

    fn annotation(&mut self, annotation: &'a Expr) -> Result {
        let Expr::Starred(starred) = annotation else {
            return self.expr(annotation);
        };
        // *args: *Ts unpacks to one value.
        let location = self.location(annotation);
        self.expr(&starred.value)?;
        self.emit_arg(Opcode::UNPACK_SEQUENCE, 1, location);
        Ok(())
    }

    /// The text of an annotation, under `from __future__ import annotations`.
    pub(super) fn annotation_text(&self, annotation: &Expr) -> Constant {
        let literals = |expr: &Expr| self.literal(expr).ok().flatten();
        let text = crate::unparse::unparse(annotation, &literals);
        Constant::Str(text.into_bytes().into())
    }

    /// The annotate function of a module or class.
    pub(super) fn deferred_annotations(&mut self, location: Location) -> Result {
        let annotations = std::mem::take(&mut self.unit.annotations);
        let Some(first) = annotations.first() else {
            return Ok(());
        };
        let in_class = self.unit.kind == UnitKind::Class;
        let scope = self.scope().annotation_block.expect("an annotation has opened it");
        let after = self.unit.current;
        if let Some(block) = self.unit.annotate_block {
            self.unit.current = block;
        }
        let first_location = self.location(first.statement);
        let line = first_location.line as u32;
        self.enter_annotations(scope, Name::new_static("__annotate__"), line, None, location);
        self.emit_arg(Opcode::BUILD_MAP, 0, location);
        for annotation in &annotations {
            let Expr::Name(target) = &*annotation.statement.target else {
                continue;
            };
            let statement = self.location(annotation.statement);
            let skipped = self.new_block();
            if let Some(index) = annotation.conditional {
                let executed = Name::new_static("__conditional_annotations__");
                self.load_const(Constant::Int(index.into()), statement);
                if in_class {
                    self.load_cell(&executed, statement);
                } else {
                    let index = self.name_index(&executed);
                    self.emit_arg(Opcode::LOAD_GLOBAL, index << 1, statement);
                }
                self.emit_arg(Opcode::CONTAINS_OP, 0, statement);
                self.emit_jump(Opcode::POP_JUMP_IF_FALSE, skipped, statement);
            }
            self.expr(&annotation.statement.annotation)?;
            self.emit_arg(Opcode::COPY, 2, statement);
            let name = self.mangle(&target.id);
            self.load_const(Constant::Str(name.as_bytes().into()), statement);
            self.emit(Opcode::STORE_SUBSCR, statement);
            self.use_block(skipped);
        }
        let code = self.leave_annotations(location)?;
        self.make_function(code, FunctionParts::default(), location);
        let name = if in_class { "__annotate_func__" } else { "__annotate__" };
        self.store_name(&Name::new_static(name), location);
        self.unit.current = after;
        Ok(())
    }
}
