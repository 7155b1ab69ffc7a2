//! The second pass: which scope each name belongs to.
//!
//! Scopes are visited from the outside in, with the names bound and declared global in enclosing functions; on the way back the names
//! that inner scopes found free become cells of the scope that binds them.

use ruff_python_ast::name::Name;
use rustc_hash::{FxHashMap, FxHashSet};

use super::{ComprehensionKind, NameScope, Scope, ScopeId, ScopeKind, Symbol, SymbolTable, usage};
use crate::error::SyntaxError;
use crate::source::Source;

type Names = FxHashSet<Name>;

/// Names that stand for cells of a class body.
const CLASS_CELLS: [&str; 3] = ["__class__", "__classdict__", "__conditional_annotations__"];

/// Decides the scope of every name of every scope.
pub(super) fn analyze(table: &mut SymbolTable, source: &Source) -> Result<(), SyntaxError> {
    let mut analysis = Analysis { table, source };
    let mut free = Names::default();
    analysis.block(SymbolTable::TOP, None, &mut free, &mut Names::default(), &mut Names::default(), None)
}

struct Analysis<'t, 's> {
    table: &'t mut SymbolTable,
    source: &'t Source<'s>,
}

/// What [`Analysis::name`] reads and updates for one block.
struct Block<'a> {
    /// Names bound in enclosing functions; `None` in the module.
    bound: Option<&'a mut Names>,
    local: Names,
    free: &'a mut Names,
    global: &'a mut Names,
    type_parameters: &'a mut Names,
    scopes: FxHashMap<Name, NameScope>,
}

impl Analysis<'_, '_> {
    fn block(
        &mut self,
        id: ScopeId,
        bound: Option<&mut Names>,
        free: &mut Names,
        global: &mut Names,
        type_parameters: &mut Names,
        class: Option<ScopeId>,
    ) -> Result<(), SyntaxError> {
        let kind = self.table[id].kind;
        let mut inner_bound = Names::default();
        let mut inner_global = Names::default();
        // A class body's own names are not visible in the functions it defines, only what was visible around it.
        if kind == ScopeKind::Class {
            inner_global.extend(global.iter().cloned());
            inner_bound.extend(bound.iter().flat_map(|bound| bound.iter().cloned()));
        }

        let mut block = Block { bound, local: Names::default(), free, global, type_parameters, scopes: FxHashMap::default() };
        for index in 0..self.table[id].symbols.len() {
            let (name, symbol) = self.table[id].symbols.get_index(index).expect("index is in range");
            let (name, symbol) = (name.clone(), *symbol);
            self.name(id, &name, symbol, &mut block, class)?;
        }
        let Block { bound, local, free, global, type_parameters, mut scopes } = block;

        if kind == ScopeKind::Class {
            inner_bound.extend(CLASS_CELLS.map(Name::new_static));
        } else {
            if kind.is_function_like() {
                inner_bound.extend(local);
            }
            inner_bound.extend(bound.iter().flat_map(|bound| bound.iter().cloned()));
            inner_global.extend(global.iter().cloned());
        }

        let mut inner_free = Names::default();
        let mut inlined_cells = Names::default();
        for index in 0..self.table[id].children.len() {
            let child = self.table[id].children[index];
            let child_class = match (self.table[child].sees_class_scope, kind) {
                (false, _) => None,
                (true, ScopeKind::Class) => Some(id),
                (true, _) => class,
            };
            let inline = !self.table[id].sees_class_scope
                && self.table[child].comprehension.is_some_and(|kind| kind != ComprehensionKind::Generator);
            let mut child_free = Names::default();
            let mut bound = inner_bound.clone();
            let mut global = inner_global.clone();
            let mut type_parameters = type_parameters.clone();
            crate::nesting::with_stack(|| {
                self.block(child, Some(&mut bound), &mut child_free, &mut global, &mut type_parameters, child_class)
            })?;
            if inline {
                self.inline(id, child, &mut scopes, &mut child_free, &mut inlined_cells);
            }
            inner_free.extend(child_free);
        }
        self.adopt_children_of_inlined(id);

        if kind.is_function_like() {
            make_cells(&mut scopes, &mut inner_free, &inlined_cells);
        } else if kind == ScopeKind::Class {
            drop_class_cells(&mut self.table[id], &mut inner_free);
        }
        record(&mut self.table[id], &scopes, bound.as_deref(), &inner_free, &inlined_cells);
        free.extend(inner_free);
        Ok(())
    }

    /// Decides the scope of one name.
    fn name(&mut self, id: ScopeId, name: &Name, symbol: Symbol, block: &mut Block, class: Option<ScopeId>) -> Result<(), SyntaxError> {
        let scope = if symbol.is(usage::GLOBAL) {
            if symbol.is(usage::NONLOCAL) {
                return Err(self.directive_error(id, name, format!("name '{name}' is nonlocal and global")));
            }
            block.global.insert(name.clone());
            if let Some(bound) = &mut block.bound {
                bound.remove(name);
            }
            NameScope::GlobalExplicit
        } else if symbol.is(usage::NONLOCAL) {
            let Some(bound) = &block.bound else {
                let message = "nonlocal declaration not allowed at module level";
                return Err(self.directive_error(id, name, message.to_owned()));
            };
            if !bound.contains(name) {
                return Err(self.directive_error(id, name, format!("no binding for nonlocal '{name}' found")));
            }
            if block.type_parameters.contains(name) {
                let message = format!("nonlocal binding not allowed for type parameter '{name}'");
                return Err(self.directive_error(id, name, message));
            }
            block.free.insert(name.clone());
            NameScope::Free
        } else if symbol.is(usage::BOUND) {
            block.local.insert(name.clone());
            block.global.remove(name);
            if symbol.is(usage::TYPE_PARAMETER) {
                block.type_parameters.insert(name.clone());
            } else {
                block.type_parameters.remove(name);
            }
            NameScope::Local
        } else {
            self.unbound_name(name, block, class)
        };
        block.scopes.insert(name.clone(), scope);
        Ok(())
    }

    /// The scope of a name that is only read.
    fn unbound_name(&self, name: &Name, block: &mut Block, class: Option<ScopeId>) -> NameScope {
        // A name bound in the class body that this scope sees is looked up there, then in the globals: enclosing functions do not count.
        // The cells of the class itself are not meant by what its body calls so.
        let class = class.filter(|_| !CLASS_CELLS.contains(&name.as_str()));
        if let Some(class) = class {
            let in_class = self.table[class].usage(name);
            if in_class & usage::GLOBAL != 0 {
                return NameScope::GlobalExplicit;
            }
            if in_class & usage::BOUND != 0 && in_class & usage::NONLOCAL == 0 {
                return NameScope::GlobalImplicit;
            }
        }
        if block.bound.as_ref().is_some_and(|bound| bound.contains(name)) {
            block.free.insert(name.clone());
            return NameScope::Free;
        }
        NameScope::GlobalImplicit
    }

    fn directive_error(&self, id: ScopeId, name: &Name, message: String) -> SyntaxError {
        let scope = &self.table[id];
        let directive = scope.directives.iter().find(|directive| directive.name == *name);
        let range = directive.expect("global and nonlocal come from a statement").range;
        self.source.error(range, message)
    }

    /// Merges the names of a comprehension into the scope it is compiled into.
    fn inline(
        &mut self,
        id: ScopeId,
        comprehension: ScopeId,
        scopes: &mut FxHashMap<Name, NameScope>,
        comprehension_free: &mut Names,
        inlined_cells: &mut Names,
    ) {
        let in_class = self.table[id].kind == ScopeKind::Class;
        let mut class_cells = Vec::new();
        let symbols: Vec<(Name, Symbol)> = self.table[comprehension].symbols.iter().map(|(name, symbol)| (name.clone(), *symbol)).collect();
        for (name, symbol) in symbols {
            if symbol.is(usage::PARAMETER) {
                continue;
            }
            let mut scope = symbol.scope.expect("the comprehension has been analyzed");
            if scope == NameScope::Cell || symbol.is(usage::COMPREHENSION_CELL) {
                inlined_cells.insert(name.clone());
            }
            // In a comprehension of a class body these names are ordinary ones: the class's cells belong to its methods.
            if scope == NameScope::Free && in_class && CLASS_CELLS.contains(&name.as_str()) {
                scope = NameScope::GlobalImplicit;
                // Functions in the comprehension do get the cell.
                if !self.is_free_in_children(comprehension, &name) {
                    comprehension_free.remove(&name);
                }
                class_cells.push(name.clone());
            }
            match self.table[id].symbols.get(&name).copied() {
                None => {
                    let symbol = Symbol { usage: symbol.usage, scope: None };
                    self.table[id].symbols.insert(name.clone(), symbol);
                    scopes.insert(name, scope);
                }
                Some(existing) => {
                    if !symbol.is(usage::BOUND) && !in_class {
                        self.table[id].symbols[&name].usage |= symbol.usage & usage::USE;
                    }
                    // What is free in the comprehension and local here can be an ordinary local, unless the comprehension's own inner
                    // functions need it.
                    if existing.is(usage::BOUND) && !in_class && !self.is_free_in_children(comprehension, &name) {
                        comprehension_free.remove(&name);
                    }
                }
            }
        }
        for name in class_cells {
            self.table[comprehension].symbols.shift_remove(&name);
        }
        self.table[comprehension].inlined = true;
    }

    fn is_free_in_children(&self, id: ScopeId, name: &Name) -> bool {
        let children = &self.table[id].children;
        children.iter().any(|&child| self.table[child].scope_of(name) == Some(NameScope::Free))
    }

    fn adopt_children_of_inlined(&mut self, id: ScopeId) {
        if !self.table[id].children.iter().any(|&child| self.table[child].inlined) {
            return;
        }
        let children = std::mem::take(&mut self.table[id].children);
        let mut adopted = Vec::with_capacity(children.len());
        for child in children {
            if self.table[child].inlined {
                adopted.extend_from_slice(&self.table[child].children);
            } else {
                adopted.push(child);
            }
        }
        self.table[id].children = adopted;
    }
}

/// Locals that inner scopes refer to become cells.
fn make_cells(scopes: &mut FxHashMap<Name, NameScope>, free: &mut Names, inlined_cells: &Names) {
    for (name, scope) in scopes {
        if *scope == NameScope::Local && (free.contains(name) || inlined_cells.contains(name)) {
            *scope = NameScope::Cell;
            free.remove(name);
        }
    }
}

/// The cells a class body makes for its methods end here.
fn drop_class_cells(scope: &mut Scope, free: &mut Names) {
    scope.needs_class_closure |= free.remove("__class__");
    scope.needs_classdict |= free.remove("__classdict__");
    scope.has_conditional_annotations |= free.remove("__conditional_annotations__");
}

/// Stores the result in the scope, and passes on what only inner scopes refer to.
fn record(scope: &mut Scope, scopes: &FxHashMap<Name, NameScope>, bound: Option<&Names>, free: &Names, inlined_cells: &Names) {
    for (name, symbol) in &mut scope.symbols {
        symbol.scope = scopes.get(name).copied();
        if inlined_cells.contains(name) {
            symbol.usage |= usage::COMPREHENSION_CELL;
        }
    }
    let is_class = scope.kind == ScopeKind::Class || scope.sees_class_scope;
    for name in free {
        if let Some(symbol) = scope.symbols.get_mut(name) {
            if is_class {
                symbol.usage |= usage::FREE_CLASS;
            }
        } else if bound.is_none_or(|bound| bound.contains(name)) {
            scope.symbols.insert(name.clone(), Symbol { usage: 0, scope: Some(NameScope::Free) });
        }
    }
}
