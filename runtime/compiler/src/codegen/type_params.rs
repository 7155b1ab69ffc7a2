//! Type parameters and `type` statements.

use limpid_bytecode::{Constant, Intrinsic1, Intrinsic2, Opcode};
use ruff_python_ast::name::Name;
use ruff_python_ast::{Expr, StmtTypeAlias, TypeParam, TypeParams};
use ruff_text_size::Ranged;

use super::functions::FunctionParts;
use super::unit::UnitKind;
use super::{Compiler, Result};
use crate::symtable::{ScopeKey, ScopeRole};

impl<'a> Compiler<'a> {
    /// Makes the type parameters, binds them, and leaves the tuple of them on the stack.
    pub(super) fn type_parameters(&mut self, node: &'a TypeParams) -> Result {
        let mut default_seen = false;
        for parameter in &node.type_params {
            let location = self.location(parameter);
            let name = &parameter.name().id;
            if parameter.default().is_none() && default_seen {
                let message = format!("non-default type parameter '{name}' follows default type parameter");
                return Err(self.error(parameter.range(), message));
            }
            default_seen |= parameter.default().is_some();

            self.load_const(Constant::Str(self.mangle(name).as_bytes().into()), location);
            match parameter {
                TypeParam::TypeVar(variable) => match &variable.bound {
                    Some(bound) => {
                        self.type_variable_function(bound, name, ScopeKey::new(parameter, ScopeRole::Bound), false)?;
                        let intrinsic =
                            if bound.is_tuple_expr() { Intrinsic2::TypeVarWithConstraints } else { Intrinsic2::TypeVarWithBound };
                        self.emit_arg(Opcode::CALL_INTRINSIC_2, intrinsic as u32, location);
                    }
                    None => self.emit_arg(Opcode::CALL_INTRINSIC_1, Intrinsic1::TypeVar as u32, location),
                },
                TypeParam::TypeVarTuple(_) => {
                    self.emit_arg(Opcode::CALL_INTRINSIC_1, Intrinsic1::TypeVarTuple as u32, location);
                }
                TypeParam::ParamSpec(_) => {
                    self.emit_arg(Opcode::CALL_INTRINSIC_1, Intrinsic1::ParamSpec as u32, location);
                }
            }
            if let Some(default) = parameter.default() {
                let starred = matches!(parameter, TypeParam::TypeVarTuple(_));
                self.type_variable_function(default, name, ScopeKey::new(parameter, ScopeRole::Default), starred)?;
                self.emit_arg(Opcode::CALL_INTRINSIC_2, Intrinsic2::SetTypeParamDefault as u32, location);
            }
            self.emit_arg(Opcode::COPY, 1, location);
            self.store_name(name, location);
        }
        let location = self.location(node);
        self.emit_arg(Opcode::BUILD_TUPLE, node.type_params.len() as u32, location);
        Ok(())
    }

    /// Pushes the function that evaluates a bound or default.
    fn type_variable_function(&mut self, expr: &'a Expr, name: &Name, key: ScopeKey, may_unpack: bool) -> Result {
        let location = self.location(expr);
        let scope = self.context.symbols.lookup(key);
        self.evaluator_defaults(location);
        self.enter_annotations(scope, name.clone(), location.line as u32, None, location);
        match expr {
            Expr::Starred(starred) if may_unpack => {
                self.expr(&starred.value)?;
                self.emit_arg(Opcode::UNPACK_SEQUENCE, 1, location);
            }
            expr => self.expr(expr)?,
        }
        let code = self.leave_annotations(location)?;
        self.make_function(code, FunctionParts(FunctionParts::DEFAULTS), location);
        Ok(())
    }

    /// Called without a format, an evaluator gives the value.
    fn evaluator_defaults(&mut self, location: crate::ir::Location) {
        self.load_const(Constant::Tuple([Constant::Int(1)].into()), location);
    }

    pub(super) fn type_alias(&mut self, node: &'a StmtTypeAlias) -> Result {
        let location = self.location(node);
        let Expr::Name(name) = &*node.name else {
            return Err(self.error(node.name.range(), "invalid syntax"));
        };
        let text = Constant::Str(name.id.as_bytes().into());
        if let Some(type_params) = &node.type_params {
            let scope = self.context.symbols.lookup(ScopeKey::new(&**type_params, ScopeRole::TypeParameters));
            let unit = Name::new(format!("<generic parameters of {}>", name.id));
            let line = location.line as u32;
            self.enter(scope, UnitKind::TypeParameters, unit, line, self.unit.class.clone(), None);
            self.load_const(text, location);
            self.type_parameters(type_params)?;
            self.type_alias_object(node, &name.id, location)?;
            self.emit(Opcode::RETURN_VALUE, location);
            let code = self.leave()?;
            self.make_function(code, FunctionParts::default(), location);
            self.emit(Opcode::PUSH_NULL, location);
            self.emit_arg(Opcode::CALL, 0, location);
        } else {
            self.load_const(text, location);
            self.load_const(Constant::None, location);
            self.type_alias_object(node, &name.id, location)?;
        }
        self.store_name(&name.id, location);
        Ok(())
    }

    /// The alias of the name and the type parameters on the stack.
    fn type_alias_object(&mut self, node: &'a StmtTypeAlias, name: &Name, location: crate::ir::Location) -> Result {
        self.evaluator_defaults(location);
        let scope = self.context.symbols.lookup(ScopeKey::new(node, ScopeRole::Body));
        self.enter_annotations(scope, name.clone(), location.line as u32, None, location);
        self.expr(&node.value)?;
        let code = self.leave_annotations(location)?;
        self.make_function(code, FunctionParts(FunctionParts::DEFAULTS), location);
        self.emit_arg(Opcode::BUILD_TUPLE, 3, location);
        self.emit_arg(Opcode::CALL_INTRINSIC_1, Intrinsic1::TypeAlias as u32, location);
        Ok(())
    }
}
