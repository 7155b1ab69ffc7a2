//! Annotations and type parameters: scopes that are evaluated later, or never.

use ruff_python_ast::name::Name;
use ruff_python_ast::{Expr, StmtFunctionDef, TypeParam, TypeParams};
use ruff_text_size::{Ranged, TextRange};
use rustc_hash::FxHashSet;

use super::build::{Builder, Result};
use super::{ScopeId, ScopeKey, ScopeKind, ScopeRole, usage};

const ANNOTATE: Name = Name::new_static("__annotate__");

impl Builder<'_, '_> {
    /// The annotation of a variable: in a module or class body all of them share one scope, in a function they are not evaluated.
    pub(super) fn variable_annotation(&mut self, annotation: &Expr) -> Result {
        let range = annotation.range();
        let owner = self.current;
        let kind = self.scope().kind;
        let unevaluated = kind.is_function_like();
        // A module may be run in part only, so there each annotation counts as conditional.
        let conditional =
            !self.future_annotations && (kind == ScopeKind::Module || kind == ScopeKind::Class && self.scope().in_conditional_block);
        if conditional && !self.scope().has_conditional_annotations {
            self.scope_mut().has_conditional_annotations = true;
            self.define(&Name::new_static("__conditional_annotations__"), usage::USE, range)?;
        }
        match self.scope().annotation_block {
            Some(block) => self.current = block,
            None => {
                // Modules and classes find it through `annotation_block`; the key only has to be unique.
                let key = ScopeKey::new(annotation, ScopeRole::Annotations);
                self.enter_new(ScopeKind::Annotation, ANNOTATE, key, range)?;
                self.table[owner].annotation_block = Some(self.current);
                if kind == ScopeKind::Class && !self.future_annotations {
                    self.see_class_scope(range)?;
                }
            }
        }
        if conditional {
            // The annotate function asks which annotations have been executed.
            self.define(&Name::new_static("__conditional_annotations__"), usage::USE, range)?;
        }
        let before = std::mem::replace(&mut self.scope_mut().in_unevaluated_annotation, unevaluated);
        self.visit_expr(annotation)?;
        self.scope_mut().in_unevaluated_annotation = before;
        self.leave();
        Ok(())
    }

    /// The annotations of a function's parameters and result.
    pub(super) fn function_annotations(&mut self, function: &StmtFunctionDef, id: ScopeId) -> Result {
        let range = function.parameters.range;
        let in_class = self.scope().sees_class_scope || self.scope().kind == ScopeKind::Class;
        self.enter_new(ScopeKind::Annotation, ANNOTATE, Self::annotations_key(function), range)?;
        if in_class {
            self.see_class_scope(range)?;
        }
        let annotations = function.parameters.iter().filter_map(|parameter| parameter.annotation());
        for annotation in annotations.chain(function.returns.as_deref()) {
            self.table[id].annotations_used = true;
            // *args: *Ts
            match annotation {
                Expr::Starred(starred) => self.visit_expr(&starred.value)?,
                annotation => self.visit_expr(annotation)?,
            }
        }
        self.leave();
        Ok(())
    }

    /// Opens the scope of a type parameter list.
    pub(super) fn enter_type_parameters(&mut self, name: &Name, node: &TypeParams, of_class: bool) -> Result {
        let in_class = self.scope().kind == ScopeKind::Class;
        let key = ScopeKey::new(node, ScopeRole::TypeParameters);
        self.enter_new(ScopeKind::TypeParameters, name.clone(), key, node.range)?;
        if in_class {
            self.see_class_scope(node.range)?;
        }
        if of_class {
            // In the bases and keywords only the parameters themselves are private names of the class.
            self.scope_mut().mangled_names = Some(FxHashSet::default());
            for name in [".type_params", ".generic_base"] {
                self.define(&Name::new_static(name), usage::LOCAL | usage::USE, node.range)?;
            }
        }
        Ok(())
    }

    pub(super) fn type_parameters(&mut self, node: &TypeParams) -> Result {
        node.type_params.iter().try_for_each(|parameter| self.type_parameter(parameter))
    }

    fn type_parameter(&mut self, parameter: &TypeParam) -> Result {
        let name = parameter.name();
        if name.as_str() == "__classdict__" {
            let message = "reserved name '__classdict__' cannot be used for type parameter";
            return Err(self.error(parameter.range(), message));
        }
        if let Some(mangled) = &mut self.scope_mut().mangled_names {
            mangled.insert(name.id.clone());
        }
        self.define(&name.id, usage::TYPE_PARAMETER | usage::LOCAL, parameter.range())?;
        if let TypeParam::TypeVar(variable) = parameter
            && let Some(bound) = &variable.bound
        {
            let description = if bound.is_tuple_expr() { "a TypeVar constraint" } else { "a TypeVar bound" };
            self.type_variable_scope(bound, &name.id, ScopeKey::new(parameter, ScopeRole::Bound), description)?;
        }
        if let Some(default) = parameter.default() {
            let description = match parameter {
                TypeParam::TypeVar(_) => "a TypeVar default",
                TypeParam::TypeVarTuple(_) => "a TypeVarTuple default",
                TypeParam::ParamSpec(_) => "a ParamSpec default",
            };
            let key = ScopeKey::new(parameter, ScopeRole::Default);
            self.type_variable_scope(default, &name.id, key, description)?;
        }
        Ok(())
    }

    fn type_variable_scope(&mut self, expr: &Expr, name: &Name, key: ScopeKey, description: &'static str) -> Result {
        let in_class = self.scope().sees_class_scope;
        self.enter_new(ScopeKind::TypeVariable, name.clone(), key, expr.range())?;
        if in_class {
            self.see_class_scope(expr.range())?;
        }
        self.scope_mut().description = description;
        self.visit_expr(expr)?;
        self.leave();
        Ok(())
    }

    /// `yield`, `await` and `:=` make no sense where evaluation is deferred.
    pub(super) fn refuse_in_annotation(&self, what: &str, range: TextRange) -> Result {
        let scope = self.scope();
        let place = match scope.kind {
            ScopeKind::Annotation => "an annotation",
            ScopeKind::TypeVariable => scope.description,
            ScopeKind::TypeAlias => "a type alias",
            ScopeKind::TypeParameters => "the definition of a generic",
            ScopeKind::Module | ScopeKind::Class | ScopeKind::Function => return Ok(()),
        };
        Err(self.error(range, format!("{what} cannot be used within {place}")))
    }
}
