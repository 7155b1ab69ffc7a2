//! Imports.

use limpid_bytecode::{Constant, Intrinsic1, Opcode};
use ruff_python_ast::name::Name;
use ruff_python_ast::{StmtImport, StmtImportFrom};

use super::{Compiler, Result};
use crate::future::is_future;

impl<'a> Compiler<'a> {
    pub(super) fn import_statement(&mut self, node: &'a StmtImport) -> Result {
        let location = self.location(node);
        for alias in &node.names {
            self.load_const(Constant::Int(0), location);
            self.load_const(Constant::None, location);
            let index = self.module_name_index(&alias.name.id);
            self.emit_arg(Opcode::IMPORT_NAME, index, location);
            let mut parts = alias.name.split('.').map(Name::new);
            let top = parts.next().expect("a name has a part");
            let Some(name) = &alias.asname else {
                // `import a.b` binds `a`, which is what IMPORT_NAME gives.
                self.store_name(&top, location);
                continue;
            };
            // `import a.b.c as d` goes from `a` to its submodules.

            for part in parts {
                let index = self.name_index(&part);
                self.emit_arg(Opcode::IMPORT_FROM, index, location);
                self.emit_arg(Opcode::SWAP, 2, location);
                self.emit(Opcode::POP_TOP, location);
            }
            self.store_name(&name.id, location);
        }
        Ok(())
    }

    pub(super) fn import_from_statement(&mut self, node: &'a StmtImportFrom) -> Result {
        let location = self.location(node);
        if is_future(node) && !self.context.future_imports.contains(&std::ptr::from_ref(node).addr()) {
            let message = "from __future__ imports must occur at the beginning of the file";
            return Err(self.error(node.range, message));
        }
        let text = |name: &Name| Constant::Str(name.as_bytes().into());
        self.load_const(Constant::Int(node.level.into()), location);
        let names = node.names.iter().map(|alias| text(&alias.name.id)).collect();
        self.load_const(Constant::Tuple(names), location);
        let module = node.module.as_ref().map_or(Name::empty(), |module| module.id.clone());
        let index = self.module_name_index(&module);
        self.emit_arg(Opcode::IMPORT_NAME, index, location);
        for alias in &node.names {
            if &alias.name == "*" {
                self.emit_arg(Opcode::CALL_INTRINSIC_1, Intrinsic1::ImportStar as u32, location);
                break;
            }
            let index = self.module_name_index(&alias.name.id);
            self.emit_arg(Opcode::IMPORT_FROM, index, location);
            let bound = alias.asname.as_ref().unwrap_or(&alias.name);
            self.store_name(&bound.id, location);
        }
        self.emit(Opcode::POP_TOP, location);
        Ok(())
    }

    /// The index of the name of a module, or of what is imported from it. Both are mangled, unless they have dots.
    fn module_name_index(&mut self, name: &Name) -> u32 {
        let name = self.mangle(name);
        self.name_index(&name)
    }
}
