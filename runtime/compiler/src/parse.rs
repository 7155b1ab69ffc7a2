//! From text to syntax tree.

use ruff_python_ast::{Mod, ModExpression, ModModule};
use ruff_python_parser::{Mode, ParseError, ParseOptions, parse_unchecked};

use crate::error::SyntaxError;
use crate::source::Source;

/// Parses statements.
pub(crate) fn module(source: &Source) -> Result<ModModule, SyntaxError> {
    match parse(source, Mode::Module)? {
        Mod::Module(module) => Ok(module),
        Mod::Expression(_) => unreachable!("statements were asked for"),
    }
}

/// Parses one expression.
pub(crate) fn expression(source: &Source) -> Result<ModExpression, SyntaxError> {
    match parse(source, Mode::Expression)? {
        Mod::Expression(expression) => Ok(expression),
        Mod::Module(_) => unreachable!("an expression was asked for"),
    }
}

fn parse(source: &Source, mode: Mode) -> Result<Mod, SyntaxError> {
    let options =
        ParseOptions::from(mode).with_target_version(ruff_python_ast::PythonVersion::PY314);
    let parsed = parse_unchecked(source.text(), options);
    match parsed.errors().first() {
        Some(error) => Err(syntax_error(source, error)),
        None => Ok(parsed.into_syntax()),
    }
}

fn syntax_error(source: &Source, error: &ParseError) -> SyntaxError {
    source.error(error.location, error.error.to_string())
}
