//! From text to syntax tree.

use ruff_python_ast::{Mod, PythonVersion};
use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};
use ruff_text_size::TextRange;

use crate::error::{SyntaxError, SyntaxErrorKind, SyntaxWarning};
use crate::nesting::{self, Shape, TooDeep};
use crate::source::Source;
use crate::token_warnings;

/// A syntax tree.
pub(crate) struct Tree {
    program: Option<Mod>,
    may_be_deep: bool,
}

impl Tree {
    /// The root.
    pub(crate) fn program(&self) -> &Mod {
        self.program.as_ref().expect("it is there until the tree is dropped")
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        if let Some(program) = self.program.take()
            && self.may_be_deep
        {
            nesting::dismantle(program);
        }
    }
}

/// Parses a program.
pub(crate) fn parse(source: &Source, mode: Mode, warnings: &mut Vec<SyntaxWarning>) -> Result<Tree, SyntaxError> {
    if source.text().contains('\0') {
        return Err(SyntaxError {
            kind: SyntaxErrorKind::Syntax,
            message: "source code string cannot contain null bytes".to_owned(),
            lineno: 0,
            offset: 0,
            end_lineno: 0,
            end_offset: 0,
            text: None,
        });
    }
    let shape = Shape::of(source.text(), mode).map_err(|what| too_deep(source, what))?;
    let options = ParseOptions::from(mode).with_target_version(PythonVersion::PY314);
    let parsed = parse_unchecked(source.text(), options);
    token_warnings::collect(source, parsed.tokens(), parsed.errors().first(), warnings);
    let error = match (parsed.errors().first(), parsed.unsupported_syntax_errors().first()) {
        (Some(error), _) => Some(source.error(error.location, error.error.to_string())),
        (None, Some(error)) => Some(source.error(error.range, error.to_string())),
        (None, None) => None,
    };
    let tree = Tree { program: Some(parsed.into_syntax()), may_be_deep: shape.may_be_deep };
    match error {
        Some(error) => Err(error),
        None if shape.may_be_deep && nesting::is_too_deep(tree.program()) => {
            let message = "maximum recursion depth exceeded during compilation";
            Err(source.error_of_kind(SyntaxErrorKind::Recursion, TextRange::default(), message))
        }
        None => Ok(tree),
    }
}

fn too_deep(source: &Source, what: TooDeep) -> SyntaxError {
    let (kind, message) = match what {
        TooDeep::Brackets => (SyntaxErrorKind::Syntax, "too many nested parentheses"),
        TooDeep::Blocks => (SyntaxErrorKind::Indentation, "too many levels of indentation"),
        TooDeep::Operators => (SyntaxErrorKind::Memory, "Parser stack overflowed - Python source too complex to parse"),
    };
    source.error_of_kind(kind, TextRange::default(), message)
}
