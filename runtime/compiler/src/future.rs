//! `from __future__ import ...`

use limpid_bytecode::CodeFlags;
use ruff_python_ast::{Stmt, StmtImportFrom};

use crate::error::SyntaxError;
use crate::source::Source;
use crate::symtable::has_docstring;

/// What a program's future imports ask for.
pub(crate) struct Future {
    /// Flags for all its code objects.
    pub(crate) flags: u32,
    /// The statements that stand where they may, by their addresses.
    pub(crate) imports: Vec<usize>,
}

/// Reads the future imports at the beginning of a program.
pub(crate) fn future(body: &[Stmt], source: &Source) -> Result<Future, SyntaxError> {
    let mut future = Future { flags: 0, imports: Vec::new() };
    let docstring = usize::from(has_docstring(body));
    for statement in &body[docstring..] {
        let Stmt::ImportFrom(import) = statement else {
            break;
        };
        if !is_future(import) {
            break;
        }
        for alias in &import.names {
            future.flags |= match alias.name.as_str() {
                "nested_scopes" | "generators" | "division" | "absolute_import" | "with_statement" | "print_function"
                | "unicode_literals" | "generator_stop" => 0,
                "barry_as_FLUFL" => CodeFlags::FUTURE_BARRY_AS_BDFL,
                "annotations" => CodeFlags::FUTURE_ANNOTATIONS,
                "braces" => return Err(source.error(alias.range, "not a chance")),
                name => {
                    let message = format!("future feature {name} is not defined");
                    return Err(source.error(alias.range, message));
                }
            };
        }
        future.imports.push(std::ptr::from_ref(import).addr());
    }
    Ok(future)
}

/// Does the statement import from `__future__`?
pub(crate) fn is_future(import: &StmtImportFrom) -> bool {
    import.level == 0 && import.module.as_ref().is_some_and(|module| module == "__future__")
}
