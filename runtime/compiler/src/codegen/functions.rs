//! Functions and lambdas.

use limpid_bytecode::{CodeData, Constant, LocalKind, Opcode};
use ruff_python_ast::name::Name;
use ruff_python_ast::{Decorator, ExprLambda, ParameterWithDefault, Parameters, StmtFunctionDef};
use ruff_text_size::{Ranged, TextRange};

use super::unit::UnitKind;
use super::{Compiler, Result};
use crate::ir::Location;
use crate::symtable::{ScopeKey, ScopeRole, has_docstring};

/// What a function gets besides its code, the flags of `SET_FUNCTION_ATTRIBUTE`. The values are on the stack in the order of the flags.
#[derive(Clone, Copy, Default)]
pub(super) struct FunctionParts(pub(super) u32);

impl FunctionParts {
    pub(super) const DEFAULTS: u32 = 1;
    pub(super) const KEYWORD_DEFAULTS: u32 = 2;
    pub(super) const ANNOTATIONS: u32 = 4;
    const CLOSURE: u32 = 8;
    pub(super) const ANNOTATE: u32 = 16;
}

impl<'a> Compiler<'a> {
    pub(super) fn function_definition(&mut self, node: &'a StmtFunctionDef) -> Result {
        self.decorators(&node.decorator_list)?;
        let location = self.definition_location(node.range, &node.decorator_list);
        let first_line = self.first_line(node.range, &node.decorator_list);
        let parts = self.default_arguments(&node.parameters, location)?;
        if let Some(type_params) = &node.type_params {
            let scope = self.context.symbols.lookup(ScopeKey::new(&**type_params, ScopeRole::TypeParameters));
            // The type parameter list is a function that is called at once, with the defaults as its arguments.
            let arguments = parts.0.count_ones();
            if arguments == 2 {
                self.emit_arg(Opcode::SWAP, 2, location);
            }
            let name = Name::new(format!("<generic parameters of {}>", node.name));
            self.enter(scope, UnitKind::TypeParameters, name, first_line, self.unit.class.clone(), None);
            self.unit.argcount = arguments;
            self.type_parameters(type_params)?;
            for index in 0..arguments {
                self.emit_arg(Opcode::LOAD_FAST, index, location);
            }
            self.function_object(node, parts, first_line, location)?;
            self.emit_arg(Opcode::SWAP, 2, location);
            let intrinsic = limpid_bytecode::Intrinsic2::SetFunctionTypeParams as u32;
            self.emit_arg(Opcode::CALL_INTRINSIC_2, intrinsic, location);
            self.emit(Opcode::RETURN_VALUE, location);
            let code = self.leave()?;
            self.make_function(code, FunctionParts::default(), location);
            if arguments > 0 {
                self.emit_arg(Opcode::SWAP, arguments + 1, location);
                self.emit_arg(Opcode::CALL, arguments - 1, location);
            } else {
                self.emit(Opcode::PUSH_NULL, location);
                self.emit_arg(Opcode::CALL, 0, location);
            }
        } else {
            self.function_object(node, parts, first_line, location)?;
        }
        self.apply_decorators(&node.decorator_list);
        self.store_name(&node.name.id, location);
        Ok(())
    }

    /// Annotations, body and closure of a function, whose defaults are on the stack.
    fn function_object(&mut self, node: &'a StmtFunctionDef, mut parts: FunctionParts, first_line: u32, location: Location) -> Result {
        parts.0 |= self.function_annotations(node, location)?;
        let code = self.function_code(node, first_line)?;
        self.make_function(code, parts, location);
        Ok(())
    }

    fn function_code(&mut self, node: &'a StmtFunctionDef, first_line: u32) -> Result<CodeData> {
        let kind = if node.is_async { UnitKind::AsyncFunction } else { UnitKind::Function };
        let scope = self.context.symbols.lookup(ScopeKey::new(node, ScopeRole::Body));
        self.enter(scope, kind, node.name.id.clone(), first_line, self.unit.class.clone(), None);
        self.unit.set_parameters(&node.parameters);
        let mut body = &node.body[..];
        if has_docstring(body) {
            let (docstring, rest) = body.split_first().expect("the docstring is its first statement");
            body = rest;
            if self.context.optimize < 2 {
                let text = self.docstring(docstring);
                self.unit.consts.add(text);
            } else {
                let location = self.location(docstring);
                self.emit(Opcode::NOP, location);
            }
        }
        self.body(body)?;
        self.end_with_none();
        self.leave()
    }

    pub(super) fn lambda(&mut self, node: &'a ExprLambda) -> Result {
        let location = self.location(node);
        let parts = match &node.parameters {
            Some(parameters) => self.default_arguments(parameters, location)?,
            None => FunctionParts::default(),
        };
        let scope = self.context.symbols.lookup(ScopeKey::new(node, ScopeRole::Body));
        let line = self.first_line(node.range, &[]);
        self.enter(scope, UnitKind::Lambda, "<lambda>".into(), line, self.unit.class.clone(), None);
        if let Some(parameters) = &node.parameters {
            self.unit.set_parameters(parameters);
        }
        self.expr(&node.body)?;
        let body = self.location(&*node.body);
        self.emit(Opcode::RETURN_VALUE, body);
        self.end_generator();
        let code = self.leave()?;
        self.make_function(code, parts, location);
        Ok(())
    }

    /// Pushes the defaults of parameters.
    fn default_arguments(&mut self, parameters: &'a Parameters, location: Location) -> Result<FunctionParts> {
        let mut parts = FunctionParts::default();
        let positional = parameters.posonlyargs.iter().chain(&parameters.args);
        let defaults: Vec<_> = positional.filter_map(ParameterWithDefault::default).collect();
        if !defaults.is_empty() {
            parts.0 |= FunctionParts::DEFAULTS;
            let count = defaults.len() as u32;
            self.exprs(defaults)?;
            self.emit_arg(Opcode::BUILD_TUPLE, count, location);
        }
        let mut count = 0;
        for parameter in &parameters.kwonlyargs {
            if let Some(default) = parameter.default() {
                let name = self.mangle(&parameter.parameter.name.id);
                self.load_const(Constant::Str(name.as_bytes().into()), location);
                self.expr(default)?;
                count += 1;
            }
        }
        if count > 0 {
            parts.0 |= FunctionParts::KEYWORD_DEFAULTS;
            self.emit_arg(Opcode::BUILD_MAP, count, location);
        }
        Ok(parts)
    }

    /// Makes a function of its code; the values of `parts` are on the stack.
    pub(super) fn make_function(&mut self, code: CodeData, mut parts: FunctionParts, location: Location) {
        let free: Vec<Name> = free_variables(&code).map(Name::new).collect();
        if !free.is_empty() {
            for name in &free {
                self.load_closure(name, location);
            }
            self.emit_arg(Opcode::BUILD_TUPLE, free.len() as u32, location);
            parts.0 |= FunctionParts::CLOSURE;
        }
        self.load_const(Constant::Code(Box::new(code)), location);
        self.emit(Opcode::MAKE_FUNCTION, location);
        // The value pushed last is taken first.
        for part in [
            FunctionParts::CLOSURE,
            FunctionParts::ANNOTATIONS,
            FunctionParts::ANNOTATE,
            FunctionParts::KEYWORD_DEFAULTS,
            FunctionParts::DEFAULTS,
        ] {
            if parts.0 & part != 0 {
                self.emit_arg(Opcode::SET_FUNCTION_ATTRIBUTE, part, location);
            }
        }
    }

    pub(super) fn decorators(&mut self, decorators: &'a [Decorator]) -> Result {
        self.exprs(decorators.iter().map(|decorator| &decorator.expression))
    }

    /// Calls the decorators, which are on the stack, the last one first.
    pub(super) fn apply_decorators(&mut self, decorators: &[Decorator]) {
        for decorator in decorators.iter().rev() {
            let location = self.location(&decorator.expression);
            self.emit_arg(Opcode::CALL, 0, location);
        }
    }

    /// The place of a definition without its decorators.
    pub(super) fn definition_location(&self, range: TextRange, decorators: &[Decorator]) -> Location {
        let start = self.context.source.definition_start(range, decorators.last().map(Ranged::end));
        self.location(&TextRange::new(start, range.end()))
    }
}

/// The names of a code object's free variables, in the order of its closure.
fn free_variables(code: &CodeData) -> impl Iterator<Item = &str> {
    let slots = code.localsplusnames.iter().zip(&code.localspluskinds);
    slots.filter(|(_, kind)| **kind & LocalKind::FREE != 0).map(|(name, _)| name.as_str())
}
