//! The first pass: opens the scopes and notes how names are used in them.

use ruff_python_ast::name::Name;
use ruff_python_ast::{Expr, Stmt};
use ruff_text_size::{TextRange, TextSize};

use super::analyze::analyze;
use super::{Directive, Scope, ScopeId, ScopeKey, ScopeKind, ScopeRole, Symbol, SymbolTable, usage};
use crate::error::SyntaxError;
use crate::nesting;
use crate::source::Source;

/// The tree of a program.
#[derive(Clone, Copy)]
pub(crate) enum Program<'a> {
    /// Statements.
    Body(&'a [Stmt]),
    /// A single expression.
    Expression(&'a Expr),
}

/// Builds the symbol table of a program.
pub(crate) fn build(program: Program, source: &Source, future_annotations: bool, top_level_await: bool) -> Result<SymbolTable> {
    let mut table = SymbolTable { scopes: Vec::new(), keys: Default::default() };
    let top = table.add(Scope::new(ScopeKind::Module, Name::new_static("top"), None));
    let mut builder = Builder { source, table, current: top, class: None, future_annotations, top_level_await };
    match program {
        Program::Body(body) => {
            builder.scope_mut().has_docstring = has_docstring(body);
            builder.visit_body(body)?;
        }
        Program::Expression(expr) => builder.visit_expr(expr)?,
    }
    let mut table = builder.table;
    analyze(&mut table, source)?;
    Ok(table)
}

/// Does the body begin with a plain string?
pub(crate) fn has_docstring(body: &[Stmt]) -> bool {
    matches!(body.first(), Some(Stmt::Expr(statement)) if statement.value.is_string_literal_expr())
}

/// How a name is about to be used, for the check of reserved names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Load,
    Store,
    Delete,
}

pub(super) struct Builder<'a, 's> {
    pub(super) source: &'a Source<'s>,
    pub(super) table: SymbolTable,
    pub(super) current: ScopeId,
    /// The innermost class, whose name mangles private names.
    pub(super) class: Option<Name>,
    pub(super) future_annotations: bool,
    pub(super) top_level_await: bool,
}

pub(super) type Result<T = ()> = std::result::Result<T, SyntaxError>;

impl Builder<'_, '_> {
    pub(super) fn scope(&self) -> &Scope {
        &self.table[self.current]
    }

    pub(super) fn scope_mut(&mut self) -> &mut Scope {
        let current = self.current;
        &mut self.table[current]
    }

    pub(super) fn error(&self, range: TextRange, message: impl Into<String>) -> SyntaxError {
        self.source.error(range, message)
    }

    /// Makes a scope below the current one that is entered later.
    pub(super) fn new_scope(&mut self, kind: ScopeKind, name: Name) -> ScopeId {
        let parent = self.scope();
        let mut scope = Scope::new(kind, name, Some(self.current));
        scope.nested = parent.nested || parent.kind.is_function_like();
        scope.comprehension_iterables = parent.comprehension_iterables;
        scope.in_unevaluated_annotation = parent.in_unevaluated_annotation;
        let of_class = |scope: &Scope| scope.kind == ScopeKind::Class;
        scope.method = kind == ScopeKind::Function
            && (of_class(parent)
                || parent.kind == ScopeKind::TypeParameters && parent.parent.is_some_and(|outer| of_class(&self.table[outer])));
        if kind != ScopeKind::Class {
            scope.mangled_names = parent.mangled_names.clone();
        }
        self.table.add(scope)
    }

    /// Makes a scope below the current one and enters it.
    pub(super) fn enter_new(&mut self, kind: ScopeKind, name: Name, key: ScopeKey, range: TextRange) -> Result {
        let id = self.new_scope(kind, name);
        self.enter(id, key, range.start());
        if matches!(kind, ScopeKind::Annotation | ScopeKind::TypeVariable | ScopeKind::TypeAlias) {
            // The format that is asked for. Its name is no identifier, so that it hides none.
            self.define(&Name::new_static(".format"), usage::PARAMETER | usage::USE, range)?;
        }
        Ok(())
    }

    /// Enters a scope for the first time.
    pub(super) fn enter(&mut self, id: ScopeId, key: ScopeKey, start: TextSize) {
        self.table[id].line = self.source.line(start);
        let parent = self.table[id].parent.expect("only the module has no parent");
        self.table[parent].children.push(id);
        self.table.keys.insert(key, id);
        self.current = id;
    }

    /// Goes back to the enclosing scope.
    pub(super) fn leave(&mut self) {
        self.current = self.scope().parent.expect("only the module has no parent");
    }

    /// The current scope sees the body of the class around it.
    pub(super) fn see_class_scope(&mut self, range: TextRange) -> Result {
        self.scope_mut().sees_class_scope = true;
        self.define(&Name::new_static("__classdict__"), usage::USE, range)
    }

    /// The [`usage`] bits a name has so far in the current scope.
    pub(super) fn usage_of(&self, name: &Name) -> u32 {
        self.scope().usage(&self.mangle(name))
    }

    pub(super) fn mangle(&self, name: &Name) -> Name {
        self.scope().mangle(self.class.as_ref(), name)
    }

    /// Notes a use of a name in the current scope.
    pub(super) fn define(&mut self, name: &Name, bits: u32, range: TextRange) -> Result {
        self.define_in(self.current, name, bits, range)
    }

    /// Notes a use of a name in some scope.
    pub(super) fn define_in(&mut self, id: ScopeId, name: &Name, bits: u32, range: TextRange) -> Result {
        let access = if bits & usage::BOUND != 0 { Access::Store } else { Access::Load };
        self.check_name(name, access, range)?;
        let mangled = self.scope().mangle(self.class.as_ref(), name);
        let scope = &mut self.table[id];
        let before = scope.usage(&mangled);
        if bits & before & usage::PARAMETER != 0 {
            let message = format!("duplicate argument '{name}' in function definition");
            return Err(self.error(range, message));
        }
        if bits & before & usage::TYPE_PARAMETER != 0 {
            return Err(self.error(range, format!("duplicate type parameter '{name}'")));
        }
        let mut after = before | bits;
        if scope.in_comprehension_target {
            if after & (usage::GLOBAL | usage::NONLOCAL) != 0 {
                let message = format!("comprehension inner loop cannot rebind assignment expression target '{name}'");
                return Err(self.error(range, message));
            }
            after |= usage::COMPREHENSION_ITERATOR;
        }
        scope.symbols.insert(mangled.clone(), Symbol { usage: after, scope: None });
        if bits & usage::PARAMETER != 0 {
            scope.parameters.push(mangled);
        } else if bits & usage::GLOBAL != 0 {
            let symbols = &mut self.table[SymbolTable::TOP].symbols;
            symbols.entry(mangled).or_insert(Symbol { usage: 0, scope: None }).usage |= bits;
        }
        Ok(())
    }

    /// `__debug__` is a constant.
    pub(super) fn check_name(&self, name: &Name, access: Access, range: TextRange) -> Result {
        match access {
            _ if name != "__debug__" => Ok(()),
            Access::Load => Ok(()),
            Access::Store => Err(self.error(range, "cannot assign to __debug__")),
            Access::Delete => Err(self.error(range, "cannot delete __debug__")),
        }
    }

    /// Notes a `global` or `nonlocal` declaration.
    pub(super) fn declare(&mut self, name: &Name, bits: u32, range: TextRange) -> Result {
        self.define(name, bits, range)?;
        let name = self.mangle(name);
        self.scope_mut().directives.push(Directive { name, range });
        Ok(())
    }

    pub(super) fn visit_body(&mut self, body: &[Stmt]) -> Result {
        body.iter().try_for_each(|statement| self.visit_stmt(statement))
    }

    /// A body that may run or not.
    pub(super) fn visit_conditional_body(&mut self, body: &[Stmt]) -> Result {
        let before = std::mem::replace(&mut self.scope_mut().in_conditional_block, true);
        self.visit_body(body)?;
        self.scope_mut().in_conditional_block = before;
        Ok(())
    }

    pub(super) fn visit_exprs<'e>(&mut self, exprs: impl IntoIterator<Item = &'e Expr>) -> Result {
        exprs.into_iter().try_for_each(|expr| self.visit_expr(expr))
    }

    pub(super) fn visit_stmt(&mut self, statement: &Stmt) -> Result {
        nesting::with_stack(|| self.statement(statement))
    }

    pub(super) fn visit_expr(&mut self, expr: &Expr) -> Result {
        nesting::with_stack(|| self.expression(expr))
    }

    /// The scope of the function or class body a node opens.
    pub(super) fn body_key<T>(node: &T) -> ScopeKey {
        ScopeKey::new(node, ScopeRole::Body)
    }
}
