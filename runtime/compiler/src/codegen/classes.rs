//! Classes.

use limpid_bytecode::{Constant, Intrinsic1, Opcode};
use ruff_python_ast::StmtClassDef;
use ruff_python_ast::name::Name;

use super::functions::FunctionParts;
use super::unit::UnitKind;
use super::{Compiler, Result};
use crate::ir::Location;
use crate::symtable::{ScopeKey, ScopeRole};

const TYPE_PARAMS: Name = Name::new_static(".type_params");
const GENERIC_BASE: Name = Name::new_static(".generic_base");

impl<'a> Compiler<'a> {
    pub(super) fn class_definition(&mut self, node: &'a StmtClassDef) -> Result {
        self.decorators(&node.decorator_list)?;
        let location = self.definition_location(node.range, &node.decorator_list);
        let first_line = self.first_line(node.range, &node.decorator_list);
        if let Some(type_params) = &node.type_params {
            let scope = self.context.symbols.lookup(ScopeKey::new(&**type_params, ScopeRole::TypeParameters));
            let name = Name::new(format!("<generic parameters of {}>", node.name));
            self.enter(scope, UnitKind::TypeParameters, name, first_line, Some(node.name.id.clone()), None);
            self.type_parameters(type_params)?;
            self.store_name(&TYPE_PARAMS, location);
            self.class_object(node, first_line, location)?;
            self.emit(Opcode::RETURN_VALUE, location);
            let code = self.leave()?;
            self.make_function(code, FunctionParts::default(), location);
            self.emit(Opcode::PUSH_NULL, location);
            self.emit_arg(Opcode::CALL, 0, location);
        } else {
            self.class_object(node, first_line, location)?;
        }
        self.apply_decorators(&node.decorator_list);
        self.store_name(&node.name.id, location);
        Ok(())
    }

    /// `__build_class__(body, name, *bases, **keywords)`
    fn class_object(&mut self, node: &'a StmtClassDef, first_line: u32, location: Location) -> Result {
        let code = self.class_code(node, first_line, location)?;
        let generic = node.type_params.is_some();
        if generic {
            self.load_name(&TYPE_PARAMS, location);
            self.emit_arg(Opcode::CALL_INTRINSIC_1, Intrinsic1::SubscriptGeneric as u32, location);
            self.store_name(&GENERIC_BASE, location);
        }
        self.emit(Opcode::LOAD_BUILD_CLASS, location);
        self.emit(Opcode::PUSH_NULL, location);
        self.make_function(code, FunctionParts::default(), location);
        self.load_const(Constant::Str(node.name.id.as_bytes().into()), location);
        let base = GENERIC_BASE;
        let injected = generic.then_some(&base);
        match &node.arguments {
            Some(arguments) => self.call_arguments(arguments, 2, injected, location),
            None => {
                if let Some(name) = injected {
                    self.load_name(name, location);
                }
                self.emit_arg(Opcode::CALL, 2 + u32::from(generic), location);
                Ok(())
            }
        }
    }

    fn class_code(&mut self, node: &'a StmtClassDef, first_line: u32, location: Location) -> Result<limpid_bytecode::CodeData> {
        let name = &node.name.id;
        let scope = self.context.symbols.lookup(ScopeKey::new(node, ScopeRole::Body));
        self.enter(scope, UnitKind::Class, name.clone(), first_line, Some(name.clone()), None);
        let start = Location { column: 0, end_column: 0, ..Location::line(first_line as i32) };
        self.load_name(&Name::new_static("__name__"), start);
        self.store_name(&Name::new_static("__module__"), start);
        let qualname = Constant::Str(self.unit.qualname.as_bytes().into());
        self.load_const(qualname, start);
        self.store_name(&Name::new_static("__qualname__"), start);
        self.load_const(Constant::Int(first_line.into()), start);
        self.store_name(&Name::new_static("__firstlineno__"), start);
        if node.type_params.is_some() {
            self.load_name(&TYPE_PARAMS, start);
            self.store_name(&Name::new_static("__type_params__"), start);
        }
        if self.scope().needs_classdict {
            self.emit(Opcode::LOAD_LOCALS, start);
            // Not a variable of the class body: `type.__new__` takes it out again.
            let index = self.cell_index(&Name::new_static("__classdict__"));
            self.emit_arg(Opcode::STORE_DEREF, index, start);
        }
        self.module_body(&node.body, location)?;

        let end = Location::NONE;
        self.unit.static_attributes.sort();
        let attributes = self.unit.static_attributes.iter();
        let attributes = attributes.map(|name| Constant::Str(name.as_bytes().into())).collect();
        self.load_const(Constant::Tuple(attributes), end);
        self.store_name(&Name::new_static("__static_attributes__"), end);
        if self.scope().needs_classdict {
            self.load_closure(&Name::new_static("__classdict__"), end);
            self.store_name(&Name::new_static("__classdictcell__"), end);
        }
        if self.scope().needs_class_closure {
            self.load_closure(&Name::new_static("__class__"), end);
            self.emit_arg(Opcode::COPY, 1, end);
            self.store_name(&Name::new_static("__classcell__"), end);
        } else {
            self.load_const(Constant::None, end);
        }
        self.emit(Opcode::RETURN_VALUE, end);
        self.leave()
    }
}
