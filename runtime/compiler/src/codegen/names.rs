//! Reading, binding and deleting names.

use limpid_bytecode::Opcode;
use ruff_python_ast::ExprContext;
use ruff_python_ast::name::Name;

use super::Compiler;
use super::unit::{NameSet, UnitKind};
use crate::ir::{Location, Op};
use crate::symtable::{NameScope, ScopeKind, usage};

/// Where the value of a name is kept.
enum Storage {
    /// A slot of the frame.
    Fast,
    /// A cell in a slot of the frame.
    Cell,
    Global,
    /// The namespace, then the globals.
    Namespace,
}

impl Compiler<'_> {
    /// The index of a name in one of the lists of the code object.
    pub(super) fn index_in(list: &mut NameSet, name: &Name) -> u32 {
        match list.get_index_of(name) {
            Some(index) => index as u32,
            None => list.insert_full(name.clone()).0 as u32,
        }
    }

    /// The index of a global, attribute or module name.
    pub(super) fn name_index(&mut self, name: &Name) -> u32 {
        Self::index_in(&mut self.unit.names, name)
    }

    /// The index of a fast local.
    pub(super) fn local_index(&mut self, name: &Name) -> u32 {
        Self::index_in(&mut self.unit.varnames, name)
    }

    /// The index of a cell or free variable. The assembler turns it into that of a slot.
    pub(super) fn cell_index(&self, name: &Name) -> u32 {
        let unit = &self.unit;
        let cell = unit.cellvars.get_index_of(name);
        let free = unit.freevars.get_index_of(name).map(|index| index + unit.cellvars.len());
        // A name can be both: free here, and a cell of an inlined comprehension.
        let index = if self.scope_of(name) == Some(NameScope::Free) { free.or(cell) } else { cell.or(free) };
        index.expect("the symbol table has collected the cells") as u32
    }

    /// Where a name is found, the inlined comprehension being compiled taken into account.
    pub(super) fn scope_of(&self, name: &Name) -> Option<NameScope> {
        match self.unit.overrides.get(name) {
            Some(scope) => *scope,
            None => self.scope().scope_of(name),
        }
    }

    pub(super) fn load_name(&mut self, name: &Name, location: Location) {
        self.name_op(name, ExprContext::Load, location);
    }

    pub(super) fn store_name(&mut self, name: &Name, location: Location) {
        self.name_op(name, ExprContext::Store, location);
    }

    pub(super) fn delete_name(&mut self, name: &Name, location: Location) {
        self.name_op(name, ExprContext::Del, location);
    }

    /// Reads, binds or deletes a name.
    pub(super) fn name_op(&mut self, name: &Name, context: ExprContext, location: Location) {
        let name = self.mangle(name);
        let scope = self.scope_of(&name);
        let kind = self.scope().kind;
        let storage = match scope {
            Some(NameScope::Free | NameScope::Cell) => Storage::Cell,
            Some(NameScope::Local) if kind.is_function_like() => Storage::Fast,
            Some(NameScope::Local) if self.unit.hidden.get(&name) == Some(&true) => Storage::Fast,
            Some(NameScope::GlobalImplicit) if kind.is_function_like() => Storage::Global,
            Some(NameScope::GlobalExplicit) => Storage::Global,
            _ => Storage::Namespace,
        };
        match storage {
            Storage::Fast => {
                let index = self.local_index(&name);
                let opcode = match context {
                    ExprContext::Store => Opcode::STORE_FAST,
                    ExprContext::Del => Opcode::DELETE_FAST,
                    ExprContext::Load | ExprContext::Invalid => Opcode::LOAD_FAST,
                };
                self.emit_arg(opcode, index, location);
            }
            Storage::Cell => {
                let index = self.cell_index(&name);
                let opcode = match context {
                    ExprContext::Store => Opcode::STORE_DEREF,
                    ExprContext::Del => Opcode::DELETE_DEREF,
                    ExprContext::Load | ExprContext::Invalid => self.cell_load(kind, location),
                };
                self.emit_arg(opcode, index, location);
            }
            Storage::Global => {
                let opcode = match context {
                    ExprContext::Store => Opcode::STORE_GLOBAL,
                    ExprContext::Del => Opcode::DELETE_GLOBAL,
                    ExprContext::Load | ExprContext::Invalid => {
                        self.load_global(&name, scope, location);
                        return;
                    }
                };
                let index = self.name_index(&name);
                self.emit_arg(opcode, index, location);
            }
            Storage::Namespace => {
                let opcode = match context {
                    ExprContext::Store => Opcode::STORE_NAME,
                    ExprContext::Del => Opcode::DELETE_NAME,
                    // A comprehension does not see the class body it is inlined in.
                    ExprContext::Load | ExprContext::Invalid if kind == ScopeKind::Class && self.unit.in_inlined_comprehension => {
                        self.load_global(&name, Some(NameScope::GlobalExplicit), location);
                        return;
                    }
                    ExprContext::Load | ExprContext::Invalid => Opcode::LOAD_NAME,
                };
                let index = self.name_index(&name);
                self.emit_arg(opcode, index, location);
            }
        }
    }

    /// The instruction that reads a cell; in class bodies and what sees them the namespace comes first.
    fn cell_load(&mut self, kind: ScopeKind, location: Location) -> Opcode {
        if kind == ScopeKind::Class && !self.unit.in_inlined_comprehension {
            self.emit(Opcode::LOAD_LOCALS, location);
            Opcode::LOAD_FROM_DICT_OR_DEREF
        } else if self.scope().sees_class_scope {
            self.load_cell(&Name::new_static("__classdict__"), location);
            Opcode::LOAD_FROM_DICT_OR_DEREF
        } else {
            Opcode::LOAD_DEREF
        }
    }

    fn load_global(&mut self, name: &Name, scope: Option<NameScope>, location: Location) {
        let index = self.name_index(name);
        if self.scope().sees_class_scope && scope == Some(NameScope::GlobalImplicit) {
            self.load_cell(&Name::new_static("__classdict__"), location);
            self.emit_arg(Opcode::LOAD_FROM_DICT_OR_GLOBALS, index, location);
        } else {
            self.emit_arg(Opcode::LOAD_GLOBAL, index << 1, location);
        }
    }

    /// Reads a cell or free variable, whatever the scope.
    pub(super) fn load_cell(&mut self, name: &Name, location: Location) {
        let index = self.cell_index(name);
        self.emit_arg(Opcode::LOAD_DEREF, index, location);
    }

    /// Pushes the cell itself, for a closure.
    pub(super) fn load_closure(&mut self, name: &Name, location: Location) {
        let index = self.cell_index(name);
        self.push_pseudo(Op::LoadClosure, index, location);
    }

    /// `name = None; del name` at the end of an `except` clause.
    pub(super) fn forget_name(&mut self, name: &Name, location: Location) {
        self.load_const(limpid_bytecode::Constant::None, location);
        self.store_name(name, location);
        self.delete_name(name, location);
    }

    /// Binds a fast local that an inlined comprehension has saved; it may have had no value.
    pub(super) fn restore_fast(&mut self, name: &Name, location: Location) {
        let index = self.local_index(name);
        self.push_pseudo(Op::StoreFastMaybeNull, index, location);
    }

    /// Is the name bound by an import of the module? Then its attributes are seldom methods.
    pub(super) fn is_imported(&self, name: &Name) -> bool {
        let module = &self.context.symbols[crate::symtable::SymbolTable::TOP];
        module.usage(name) & usage::IMPORT != 0
    }

    /// Notes `self.name = ...` for the `__static_attributes__` of the class around.
    pub(super) fn note_static_attribute(&mut self, name: &Name) {
        let enclosing = self.outer.iter_mut().rev();
        if let Some(class) = enclosing.into_iter().find(|unit| unit.kind == UnitKind::Class) {
            let mangled = crate::symtable::mangle(self.unit.class.as_ref(), name);
            class.static_attributes.insert(mangled);
        }
    }
}
