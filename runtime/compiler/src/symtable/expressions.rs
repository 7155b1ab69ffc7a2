//! How expressions use names.

use ruff_python_ast::name::Name;
use ruff_python_ast::{
    Comprehension, Expr, ExprContext, ExprLambda, ExprName, ExprNamed, FStringPart, InterpolatedStringElement, Keyword, Parameters,
};
use ruff_text_size::TextRange;

use super::build::{Access, Builder, Result};
use super::{ComprehensionKind, ScopeKey, ScopeKind, ScopeRole, usage};

impl Builder<'_, '_> {
    pub(super) fn expression(&mut self, expr: &Expr) -> Result {
        match expr {
            Expr::BoolOp(node) => self.visit_exprs(&node.values),
            Expr::Named(node) => self.named_expression(node),
            Expr::BinOp(node) => {
                self.visit_expr(&node.left)?;
                self.visit_expr(&node.right)
            }
            Expr::UnaryOp(node) => self.visit_expr(&node.operand),
            Expr::Lambda(node) => self.lambda(node),
            Expr::If(node) => {
                self.visit_expr(&node.test)?;
                self.visit_expr(&node.body)?;
                self.visit_expr(&node.orelse)
            }
            Expr::Dict(node) => {
                for item in &node.items {
                    self.visit_exprs(&item.key)?;
                    self.visit_expr(&item.value)?;
                }
                Ok(())
            }
            Expr::Set(node) => self.visit_exprs(&node.elts),
            Expr::ListComp(node) => {
                let key = ScopeKey::new(node, ScopeRole::Body);
                self.comprehension(ComprehensionKind::List, key, &[&node.elt], &node.generators, node.range)
            }
            Expr::SetComp(node) => {
                let key = ScopeKey::new(node, ScopeRole::Body);
                self.comprehension(ComprehensionKind::Set, key, &[&node.elt], &node.generators, node.range)
            }
            Expr::DictComp(node) => {
                let key = ScopeKey::new(node, ScopeRole::Body);
                let elements: Vec<&Expr> = node.key.as_deref().into_iter().chain([&*node.value]).collect();
                self.comprehension(ComprehensionKind::Dict, key, &elements, &node.generators, node.range)
            }
            Expr::Generator(node) => {
                let key = ScopeKey::new(node, ScopeRole::Body);
                self.comprehension(ComprehensionKind::Generator, key, &[&node.elt], &node.generators, node.range)
            }
            Expr::Await(node) => {
                self.refuse_in_annotation("await expression", node.range)?;
                if !self.top_level_await {
                    if !self.scope().kind.is_function_like() {
                        return Err(self.error(node.range, "'await' outside function"));
                    }
                    if !self.in_async_function() && self.scope().comprehension.is_none() {
                        return Err(self.error(node.range, "'await' outside async function"));
                    }
                }
                self.visit_expr(&node.value)?;
                self.scope_mut().coroutine = true;
                Ok(())
            }
            Expr::Yield(node) => {
                self.refuse_in_annotation("yield expression", node.range)?;
                self.visit_exprs(node.value.as_deref())?;
                self.yields(node.range)
            }
            Expr::YieldFrom(node) => {
                self.refuse_in_annotation("yield expression", node.range)?;
                self.visit_expr(&node.value)?;
                self.yields(node.range)
            }
            Expr::Compare(node) => {
                self.visit_expr(&node.left)?;
                self.visit_exprs(&node.comparators)
            }
            Expr::Call(node) => {
                self.visit_expr(&node.func)?;
                self.visit_exprs(&node.arguments.args)?;
                self.keywords(&node.arguments.keywords)
            }
            Expr::FString(node) => {
                for part in &node.value {
                    if let FStringPart::FString(string) = part {
                        self.interpolated(&string.elements)?;
                    }
                }
                Ok(())
            }
            Expr::TString(node) => node.value.iter().try_for_each(|string| self.interpolated(&string.elements)),
            Expr::Attribute(node) => {
                self.check_name(&node.attr.id, access(node.ctx), node.range)?;
                self.visit_expr(&node.value)
            }
            Expr::Subscript(node) => {
                self.visit_expr(&node.value)?;
                self.visit_expr(&node.slice)
            }
            Expr::Starred(node) => self.visit_expr(&node.value),
            Expr::Name(node) => self.name(node),
            Expr::List(node) => self.visit_exprs(&node.elts),
            Expr::Tuple(node) => self.visit_exprs(&node.elts),
            Expr::Slice(node) => {
                let parts = [&node.lower, &node.upper, &node.step];
                self.visit_exprs(parts.into_iter().filter_map(|part| part.as_deref()))
            }
            Expr::StringLiteral(_)
            | Expr::BytesLiteral(_)
            | Expr::NumberLiteral(_)
            | Expr::BooleanLiteral(_)
            | Expr::NoneLiteral(_)
            | Expr::EllipsisLiteral(_)
            | Expr::IpyEscapeCommand(_) => Ok(()),
        }
    }

    fn name(&mut self, node: &ExprName) -> Result {
        if self.scope().in_unevaluated_annotation {
            return Ok(());
        }
        self.check_name(&node.id, access(node.ctx), node.range)?;
        let is_load = node.ctx == ExprContext::Load;
        self.define(&node.id, if is_load { usage::USE } else { usage::LOCAL }, node.range)?;
        // `super()` without arguments needs the class.
        if is_load && node.id == "super" && self.scope().kind.is_function_like() {
            self.define(&Name::new_static("__class__"), usage::USE, node.range)?;
        }
        Ok(())
    }

    pub(super) fn keywords(&mut self, keywords: &[Keyword]) -> Result {
        for keyword in keywords {
            if let Some(name) = &keyword.arg {
                self.check_name(&name.id, Access::Store, keyword.range)?;
            }
            self.visit_expr(&keyword.value)?;
        }
        Ok(())
    }

    fn interpolated<'e>(&mut self, elements: impl IntoIterator<Item = &'e InterpolatedStringElement>) -> Result {
        for element in elements {
            if let InterpolatedStringElement::Interpolation(element) = element {
                self.visit_expr(&element.expression)?;
                if let Some(spec) = &element.format_spec {
                    crate::nesting::with_stack(|| self.interpolated(&spec.elements))?;
                }
            }
        }
        Ok(())
    }

    fn lambda(&mut self, node: &ExprLambda) -> Result {
        if let Some(parameters) = &node.parameters {
            self.defaults(parameters)?;
        }
        let id = self.new_scope(ScopeKind::Function, Name::new_static("<lambda>"));
        self.enter(id, Self::body_key(node), node.range.start());
        if let Some(parameters) = &node.parameters {
            self.parameters(parameters)?;
        }
        self.visit_expr(&node.body)?;
        self.leave();
        Ok(())
    }

    /// Default values belong to the scope around the function.
    pub(super) fn defaults(&mut self, parameters: &Parameters) -> Result {
        self.visit_exprs(parameters.iter_non_variadic_params().filter_map(|parameter| parameter.default()))
    }

    pub(super) fn parameters(&mut self, parameters: &Parameters) -> Result {
        let positional = parameters.posonlyargs.iter().chain(&parameters.args);
        let plain = positional.chain(&parameters.kwonlyargs).map(|parameter| &parameter.parameter);
        let variadic = parameters.vararg.iter().chain(&parameters.kwarg).map(|parameter| &**parameter);
        for parameter in plain.chain(variadic) {
            // Without the stars in front.
            let start = parameter.name.range.start();
            let range = TextRange::new(start, parameter.range.end().max(start));
            self.define(&parameter.name.id, usage::PARAMETER, range)?;
        }
        Ok(())
    }

    fn yields(&mut self, range: TextRange) -> Result {
        let kind = match self.scope().comprehension {
            None => {
                self.scope_mut().generator = true;
                return Ok(());
            }
            Some(ComprehensionKind::List) => "list comprehension",
            Some(ComprehensionKind::Set) => "set comprehension",
            Some(ComprehensionKind::Dict) => "dict comprehension",
            Some(ComprehensionKind::Generator) => "generator expression",
        };
        Err(self.error(range, format!("'yield' inside {kind}")))
    }

    /// Is the function around the current scope, comprehensions aside, an `async def`?
    fn in_async_function(&self) -> bool {
        let mut scope = self.scope();
        while scope.comprehension.is_some() {
            scope = &self.table[scope.parent.expect("a comprehension is in some scope")];
        }
        scope.kind == ScopeKind::Function && scope.coroutine
    }

    fn named_expression(&mut self, node: &ExprNamed) -> Result {
        self.refuse_in_annotation("named expression", node.range)?;
        if self.scope().comprehension_iterables > 0 {
            let message = "assignment expression cannot be used in a comprehension iterable expression";
            return Err(self.error(node.range, message));
        }
        if self.scope().comprehension.is_some()
            && let Expr::Name(target) = &*node.target
        {
            self.bind_outside_comprehension(&target.id, target.range)?;
        }
        self.visit_expr(&node.value)?;
        self.visit_expr(&node.target)
    }

    /// The target of `:=` in a comprehension is a variable of the function around it.
    fn bind_outside_comprehension(&mut self, name: &Name, range: TextRange) -> Result {
        let mut id = self.current;
        loop {
            let scope = &self.table[id];
            let within = match scope.kind {
                ScopeKind::Function if scope.comprehension.is_some() => {
                    let usage = scope.usage(&self.mangle(name));
                    if usage & usage::COMPREHENSION_ITERATOR != 0 && usage & (usage::LOCAL | usage::GLOBAL) != 0 {
                        let message = format!("assignment expression cannot rebind comprehension iteration variable '{name}'");
                        return Err(self.error(range, message));
                    }
                    id = scope.parent.expect("a comprehension is in some scope");
                    continue;
                }
                ScopeKind::Function => {
                    let is_global = scope.usage(&self.mangle(name)) & usage::GLOBAL != 0;
                    self.declare(name, if is_global { usage::GLOBAL } else { usage::NONLOCAL }, range)?;
                    return self.define_in(id, name, usage::LOCAL, range);
                }
                ScopeKind::Module => {
                    self.declare(name, usage::GLOBAL, range)?;
                    return self.define_in(id, name, usage::GLOBAL, range);
                }
                ScopeKind::Class => "cannot be used in a class body",
                ScopeKind::TypeParameters => "cannot be used within the definition of a generic",
                ScopeKind::TypeAlias => "cannot be used in a type alias",
                ScopeKind::TypeVariable => "cannot be used in a TypeVar bound",
                ScopeKind::Annotation => "cannot be used within an annotation",
            };
            return Err(self.error(range, format!("assignment expression within a comprehension {within}")));
        }
    }

    fn comprehension(
        &mut self,
        kind: ComprehensionKind,
        key: ScopeKey,
        elements: &[&Expr],
        generators: &[Comprehension],
        range: TextRange,
    ) -> Result {
        let (name, is_generator) = match kind {
            ComprehensionKind::List => ("<listcomp>", false),
            ComprehensionKind::Set => ("<setcomp>", false),
            ComprehensionKind::Dict => ("<dictcomp>", false),
            ComprehensionKind::Generator => ("<genexpr>", true),
        };
        let [outermost, rest @ ..] = generators else {
            return Ok(());
        };
        // The outermost iterable belongs to the scope around the comprehension.
        self.comprehension_iterable(&outermost.iter)?;
        let id = self.new_scope(ScopeKind::Function, Name::new_static(name));
        self.enter(id, key, range.start());
        self.scope_mut().comprehension = Some(kind);
        self.scope_mut().coroutine = outermost.is_async;
        self.define(&Name::new_static(".0"), usage::PARAMETER, range)?;
        self.comprehension_target(&outermost.target)?;
        self.visit_exprs(&outermost.ifs)?;
        for generator in rest {
            self.comprehension_target(&generator.target)?;
            self.comprehension_iterable(&generator.iter)?;
            self.visit_exprs(&generator.ifs)?;
            self.scope_mut().coroutine |= generator.is_async;
        }
        self.visit_exprs(elements.iter().copied())?;
        self.scope_mut().generator = is_generator;
        let is_async = self.scope().coroutine && !is_generator;
        self.leave();
        if is_async {
            if !self.in_async_function() && self.scope().comprehension.is_none() && !self.top_level_await {
                let message = "asynchronous comprehension outside of an asynchronous function";
                return Err(self.error(range, message));
            }
            self.scope_mut().coroutine = true;
        }
        Ok(())
    }

    fn comprehension_iterable(&mut self, iterable: &Expr) -> Result {
        self.scope_mut().comprehension_iterables += 1;
        self.visit_expr(iterable)?;
        self.scope_mut().comprehension_iterables -= 1;
        Ok(())
    }

    fn comprehension_target(&mut self, target: &Expr) -> Result {
        self.scope_mut().in_comprehension_target = true;
        self.visit_expr(target)?;
        self.scope_mut().in_comprehension_target = false;
        Ok(())
    }
}

fn access(context: ExprContext) -> Access {
    match context {
        ExprContext::Load | ExprContext::Invalid => Access::Load,
        ExprContext::Store => Access::Store,
        ExprContext::Del => Access::Delete,
    }
}
