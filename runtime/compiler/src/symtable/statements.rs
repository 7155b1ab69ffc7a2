//! How statements use names.

use ruff_python_ast::name::Name;
use ruff_python_ast::{Alias, ExceptHandler, Expr, Pattern, Stmt, StmtAnnAssign, StmtClassDef, StmtFunctionDef, StmtTypeAlias};
use ruff_text_size::{Ranged, TextRange};

use super::build::{Builder, Result, has_docstring};
use super::{ScopeKey, ScopeKind, ScopeRole, usage};

/// Which declaration a [`Stmt::Global`] or [`Stmt::Nonlocal`] is.
#[derive(Clone, Copy)]
enum Declaration {
    Global,
    Nonlocal,
}

impl Builder<'_, '_> {
    pub(super) fn statement(&mut self, statement: &Stmt) -> Result {
        match statement {
            Stmt::FunctionDef(function) => self.function_definition(function),
            Stmt::ClassDef(class) => self.class_definition(class),
            Stmt::TypeAlias(alias) => self.type_alias(alias),
            Stmt::Return(node) => self.visit_exprs(node.value.as_deref()),
            Stmt::Delete(node) => self.visit_exprs(&node.targets),
            Stmt::Assign(node) => {
                self.visit_exprs(&node.targets)?;
                self.visit_expr(&node.value)
            }
            Stmt::AugAssign(node) => {
                self.visit_expr(&node.target)?;
                self.visit_expr(&node.value)
            }
            Stmt::AnnAssign(node) => self.annotated_assignment(node),
            Stmt::For(node) => {
                self.check_async(node.is_async, "'async for' outside async function", node.range)?;
                self.visit_expr(&node.target)?;
                self.visit_expr(&node.iter)?;
                self.visit_conditional_body(&node.body)?;
                self.visit_conditional_body(&node.orelse)
            }
            Stmt::While(node) => {
                self.visit_expr(&node.test)?;
                self.visit_conditional_body(&node.body)?;
                self.visit_conditional_body(&node.orelse)
            }
            Stmt::If(node) => {
                self.visit_expr(&node.test)?;
                self.visit_conditional_body(&node.body)?;
                for clause in &node.elif_else_clauses {
                    self.visit_exprs(&clause.test)?;
                    self.visit_conditional_body(&clause.body)?;
                }
                Ok(())
            }
            Stmt::With(node) => {
                self.check_async(node.is_async, "'async with' outside async function", node.range)?;
                for item in &node.items {
                    self.visit_expr(&item.context_expr)?;
                    self.visit_exprs(item.optional_vars.as_deref())?;
                }
                self.visit_conditional_body(&node.body)
            }
            Stmt::Match(node) => {
                self.visit_expr(&node.subject)?;
                for case in &node.cases {
                    self.pattern(&case.pattern)?;
                    self.visit_exprs(case.guard.as_deref())?;
                    self.visit_conditional_body(&case.body)?;
                }
                Ok(())
            }
            Stmt::Raise(node) => {
                self.visit_exprs(node.exc.as_deref())?;
                self.visit_exprs(node.cause.as_deref())
            }
            Stmt::Try(node) => {
                self.visit_conditional_body(&node.body)?;
                for ExceptHandler::ExceptHandler(handler) in &node.handlers {
                    self.visit_exprs(handler.type_.as_deref())?;
                    if let Some(name) = &handler.name {
                        self.define(&name.id, usage::LOCAL, handler.range)?;
                    }
                    self.visit_conditional_body(&handler.body)?;
                }
                self.visit_conditional_body(&node.orelse)?;
                self.visit_conditional_body(&node.finalbody)
            }
            Stmt::Assert(node) => {
                self.visit_expr(&node.test)?;
                self.visit_exprs(node.msg.as_deref())
            }
            Stmt::Import(node) => node.names.iter().try_for_each(|alias| self.import(alias)),
            Stmt::ImportFrom(node) => node.names.iter().try_for_each(|alias| self.import(alias)),
            Stmt::Global(node) => {
                let names = node.names.iter().map(|name| &name.id);
                self.declaration(Declaration::Global, names, node.range)
            }
            Stmt::Nonlocal(node) => {
                let names = node.names.iter().map(|name| &name.id);
                self.declaration(Declaration::Nonlocal, names, node.range)
            }
            Stmt::Expr(node) => self.visit_expr(&node.value),
            Stmt::Pass(_) | Stmt::Break(_) | Stmt::Continue(_) | Stmt::IpyEscapeCommand(_) => Ok(()),
        }
    }

    fn function_definition(&mut self, function: &StmtFunctionDef) -> Result {
        let parameters = &*function.parameters;
        self.define(&function.name.id, usage::LOCAL, function.range)?;
        self.defaults(parameters)?;
        self.visit_exprs(function.decorator_list.iter().map(|decorator| &decorator.expression))?;
        if let Some(type_params) = &function.type_params {
            self.enter_type_parameters(&function.name.id, type_params, false)?;
            if parameters.iter_non_variadic_params().any(|parameter| parameter.default.is_some()) {
                let keyword_only = parameters.kwonlyargs.iter().any(|parameter| parameter.default.is_some());
                let positional = parameters.posonlyargs.iter().chain(&parameters.args).any(|parameter| parameter.default.is_some());
                if positional {
                    self.define(&Name::new_static(".defaults"), usage::PARAMETER, function.range)?;
                }
                if keyword_only {
                    self.define(&Name::new_static(".kwdefaults"), usage::PARAMETER, function.range)?;
                }
            }
            self.type_parameters(type_params)?;
        }
        let id = self.new_scope(ScopeKind::Function, function.name.id.clone());
        self.table[id].has_docstring = has_docstring(&function.body);
        self.function_annotations(function, id)?;
        let start = self.source.definition_start(function.range, function.decorator_list.last().map(Ranged::end));
        self.enter(id, Self::body_key(function), start);
        self.scope_mut().coroutine = function.is_async;
        self.parameters(parameters)?;
        self.visit_body(&function.body)?;
        self.leave();
        if function.type_params.is_some() {
            self.leave();
        }
        Ok(())
    }

    fn class_definition(&mut self, class: &StmtClassDef) -> Result {
        let name = &class.name.id;
        self.define(name, usage::LOCAL, class.range)?;
        self.visit_exprs(class.decorator_list.iter().map(|decorator| &decorator.expression))?;
        let outer_class = self.class.clone();
        if let Some(type_params) = &class.type_params {
            self.enter_type_parameters(name, type_params, true)?;
            self.class = Some(name.clone());
            self.type_parameters(type_params)?;
        }
        if let Some(arguments) = &class.arguments {
            self.visit_exprs(&arguments.args)?;
            self.keywords(&arguments.keywords)?;
        }
        let id = self.new_scope(ScopeKind::Class, name.clone());
        let start = self.source.definition_start(class.range, class.decorator_list.last().map(Ranged::end));
        self.enter(id, Self::body_key(class), start);
        self.class = Some(name.clone());
        if class.type_params.is_some() {
            self.define(&Name::new_static("__type_params__"), usage::LOCAL, class.range)?;
            self.define(&Name::new_static(".type_params"), usage::USE, class.range)?;
        }
        self.scope_mut().has_docstring = has_docstring(&class.body);
        self.visit_body(&class.body)?;
        self.leave();
        if class.type_params.is_some() {
            self.leave();
        }
        self.class = outer_class;
        Ok(())
    }

    fn type_alias(&mut self, alias: &StmtTypeAlias) -> Result {
        self.visit_expr(&alias.name)?;
        let Expr::Name(name) = &*alias.name else {
            return Ok(());
        };
        let in_class = self.scope().kind == ScopeKind::Class;
        if let Some(type_params) = &alias.type_params {
            self.enter_type_parameters(&name.id, type_params, false)?;
            self.type_parameters(type_params)?;
        }
        self.enter_new(ScopeKind::TypeAlias, name.id.clone(), Self::body_key(alias), alias.range)?;
        if in_class {
            self.see_class_scope(alias.value.range())?;
        }
        self.visit_expr(&alias.value)?;
        self.leave();
        if alias.type_params.is_some() {
            self.leave();
        }
        Ok(())
    }

    fn annotated_assignment(&mut self, node: &StmtAnnAssign) -> Result {
        self.scope_mut().annotations_used = true;
        match &*node.target {
            Expr::Name(target) => {
                let declared = self.usage_of(&target.id) & (usage::GLOBAL | usage::NONLOCAL);
                if declared != 0 && self.scope().kind != ScopeKind::Module && node.simple {
                    let what = if declared & usage::GLOBAL != 0 { "global" } else { "nonlocal" };
                    let message = format!("annotated name '{}' can't be {what}", target.id);
                    return Err(self.error(node.range, message));
                }
                if node.simple {
                    self.define(&target.id, usage::ANNOTATED | usage::LOCAL, target.range)?;
                } else if node.value.is_some() {
                    self.define(&target.id, usage::LOCAL, target.range)?;
                }
            }
            target => self.visit_expr(target)?,
        }
        self.variable_annotation(&node.annotation)?;
        self.visit_exprs(node.value.as_deref())
    }

    fn import(&mut self, alias: &Alias) -> Result {
        let name = match &alias.asname {
            Some(name) => name.id.clone(),
            None if &alias.name == "*" => {
                if self.scope().kind != ScopeKind::Module {
                    return Err(self.error(alias.range, "import * only allowed at module level"));
                }
                return Ok(());
            }
            None => Name::new(alias.name.split('.').next().unwrap_or_default()),
        };
        self.define(&name, usage::IMPORT, alias.range)
    }

    /// Refuses what needs a coroutine around it.
    fn check_async(&mut self, is_async: bool, message: &str, range: TextRange) -> Result {
        if is_async && self.top_level_await && self.scope().kind == ScopeKind::Module {
            self.scope_mut().coroutine = true;
        }
        if is_async && !self.scope().coroutine {
            return Err(self.error(range, message));
        }
        Ok(())
    }

    fn declaration<'n>(&mut self, declaration: Declaration, names: impl Iterator<Item = &'n Name>, range: TextRange) -> Result {
        let (what, bit) = match declaration {
            Declaration::Global => ("global", usage::GLOBAL),
            Declaration::Nonlocal => ("nonlocal", usage::NONLOCAL),
        };
        for name in names {
            let before = self.usage_of(name);
            let message = if before & usage::PARAMETER != 0 {
                format!("name '{name}' is parameter and {what}")
            } else if before & usage::USE != 0 {
                format!("name '{name}' is used prior to {what} declaration")
            } else if before & usage::ANNOTATED != 0 {
                format!("annotated name '{name}' can't be {what}")
            } else if before & usage::LOCAL != 0 {
                format!("name '{name}' is assigned to before {what} declaration")
            } else {
                self.declare(name, bit, range)?;
                continue;
            };
            return Err(self.error(range, message));
        }
        Ok(())
    }

    fn pattern(&mut self, pattern: &Pattern) -> Result {
        crate::nesting::with_stack(|| match pattern {
            Pattern::MatchValue(node) => self.visit_expr(&node.value),
            Pattern::MatchSingleton(_) => Ok(()),
            Pattern::MatchSequence(node) => self.patterns(&node.patterns),
            Pattern::MatchMapping(node) => {
                self.visit_exprs(&node.keys)?;
                self.patterns(&node.patterns)?;
                match &node.rest {
                    Some(rest) => self.define(&rest.id, usage::LOCAL, node.range),
                    None => Ok(()),
                }
            }
            Pattern::MatchClass(node) => {
                self.visit_expr(&node.cls)?;
                self.patterns(&node.arguments.patterns)?;
                for keyword in &node.arguments.keywords {
                    self.check_name(&keyword.attr.id, super::build::Access::Store, keyword.range)?;
                    self.pattern(&keyword.pattern)?;
                }
                Ok(())
            }
            Pattern::MatchStar(node) => match &node.name {
                Some(name) => self.define(&name.id, usage::LOCAL, node.range),
                None => Ok(()),
            },
            Pattern::MatchAs(node) => {
                if let Some(pattern) = &node.pattern {
                    self.pattern(pattern)?;
                }
                match &node.name {
                    Some(name) => self.define(&name.id, usage::LOCAL, node.range),
                    None => Ok(()),
                }
            }
            Pattern::MatchOr(node) => self.patterns(&node.patterns),
        })
    }

    fn patterns<'p>(&mut self, patterns: impl IntoIterator<Item = &'p Pattern>) -> Result {
        patterns.into_iter().try_for_each(|pattern| self.pattern(pattern))
    }

    /// The scope of a function's annotations, see [`Builder::function_annotations`].
    pub(super) fn annotations_key(function: &StmtFunctionDef) -> ScopeKey {
        ScopeKey::new(function, ScopeRole::Annotations)
    }
}
