//! From text to syntax tree.

use std::borrow::Cow;

use ruff_python_ast::token::TokenKind;
use ruff_python_ast::{Mod, PythonVersion};
use ruff_python_parser::{Mode, ParseOptions, UnsupportedSyntaxErrorKind as Unsupported, parse_unchecked};
use ruff_text_size::{Ranged, TextRange};

use crate::error::{SyntaxError, SyntaxErrorKind, SyntaxWarning};
use crate::nesting::{self, Shape, TooDeep};
use crate::parse_errors::{self, Grammar, Reading};
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
pub(crate) fn parse(source: &Source, reading: Reading, warnings: &mut Vec<SyntaxWarning>) -> Result<Tree, SyntaxError> {
    if source.text().contains('\0') {
        return Err(SyntaxError {
            kind: SyntaxErrorKind::Syntax,
            message: "source code string cannot contain null bytes".to_owned(),
            lineno: 0,
            offset: 0,
            end_lineno: 0,
            end_offset: 0,
            text: None,
            metadata: None,
        });
    }
    let mode = if reading.grammar == Grammar::Expression { Mode::Expression } else { Mode::Module };
    let text = text_for_parser(source, reading)?;
    let shape = Shape::of(&text, mode)
        .map_err(|what| parse_errors::syntax_error(source.text(), reading).unwrap_or_else(|| too_deep(source, what)))?;
    let options = ParseOptions::from(mode).with_target_version(PythonVersion::PY314);
    let parsed = parse_unchecked(&text, options);
    token_warnings::collect(source, parsed.tokens(), parsed.errors().first(), warnings);
    let error_range = match (parsed.errors().first(), parsed.unsupported_syntax_errors().first()) {
        (Some(error), _) => Some(error.location),
        (None, error) => error.map(|error| error.range),
    };
    let limit = reading.int_max_str_digits;
    let long_number = parsed.tokens().iter().filter(|_| limit > 0 && text.len() > limit).find_map(|token| {
        let digits = (token.kind() == TokenKind::Int).then(|| decimal_digits(&text[token.range()]))?;
        (digits > limit).then(|| number_too_long(source, token.range(), limit, digits))
    });
    let tree = Tree { program: Some(parsed.into_syntax()), may_be_deep: shape.may_be_deep };
    if let Some(range) = error_range {
        // What only the parser refuses is an f-string as a key of a mapping pattern.
        let message = "mapping pattern keys may only match literals and attribute lookups";
        return Err(parse_errors::syntax_error(source.text(), reading).unwrap_or_else(|| source.error(range, message)));
    }
    if let Some(error) = long_number {
        return Err(error);
    }
    if let Some(minor) = reading.feature_version.filter(|minor| *minor < 14) {
        check_version(source, &text, mode, minor)?;
    }
    if shape.may_be_deep && nesting::is_too_deep(tree.program()) {
        return Err(recursion_error(source));
    }
    Ok(tree)
}

/// How many digits an integer has, if its base is ten.
fn decimal_digits(literal: &str) -> usize {
    let has_prefix = literal.as_bytes().get(1).is_some_and(u8::is_ascii_alphabetic);
    if has_prefix { 0 } else { literal.bytes().filter(u8::is_ascii_digit).count() }
}

fn number_too_long(source: &Source, range: TextRange, limit: usize, digits: usize) -> SyntaxError {
    let message = format!(
        "Exceeds the limit ({limit} digits) for integer string conversion: value has {digits} digits; use sys.set_int_max_str_digits() to \
         increase the limit - Consider hexadecimal for huge integer literals to avoid decimal conversion limits."
    );
    SyntaxError { offset: 0, end_offset: 0, ..source.error(range, message) }
}

/// Refuses what came after a version.
fn check_version(source: &Source, text: &str, mode: Mode, minor: u8) -> Result<(), SyntaxError> {
    let target = PythonVersion { major: 3, minor };
    let parsed = parse_unchecked(text, ParseOptions::from(mode).with_target_version(target));
    let refuse = |range, what: &str, since: u8| Err(source.error(range, format!("{what} only supported in Python 3.{since} and greater")));
    for error in parsed.unsupported_syntax_errors() {
        let (what, since) = match error.kind {
            Unsupported::Match => ("Pattern matching is", 10),
            Unsupported::Walrus => ("Assignment expressions are", 8),
            Unsupported::ExceptStar => ("Exception groups are", 11),
            Unsupported::PositionalOnlyParameter => ("Positional-only parameters are", 8),
            Unsupported::TypeParameterList => ("Type parameter lists are", 12),
            Unsupported::TypeAliasStatement => ("Type statement is", 12),
            Unsupported::TypeParamDefault => ("Type parameter defaults are", 13),
            Unsupported::ParenthesizedContextManager => ("Parenthesized context managers are", 9),
            Unsupported::UnparenthesizedExceptionTypes => ("except expressions without parentheses are", 14),
            // CPython accepts it in any version.
            _ => continue,
        };
        return refuse(error.range, what, since);
    }
    match parsed.tokens().iter().find(|token| token.kind() == TokenKind::TStringStart) {
        Some(token) => refuse(token.range(), "t-strings are", 14),
        None => Ok(()),
    }
}

/// The text as the parser understands it, which knows modules and expressions in the language as it is.
fn text_for_parser<'a>(source: &Source<'a>, reading: Reading) -> Result<Cow<'a, str>, SyntaxError> {
    let text = source.text();
    let may_be_barry = reading.barry_as_bdfl || text.contains("barry_as_FLUFL");
    if reading.grammar == Grammar::Single || may_be_barry {
        // Is it one statement? Does it use `!=`?
        if let Some(error) = parse_errors::syntax_error(text, reading) {
            return Err(error);
        }
    }
    Ok(if may_be_barry { parse_errors::without_diamonds(text).into() } else { text.into() })
}

fn too_deep(source: &Source, what: TooDeep) -> SyntaxError {
    let (kind, message) = match what {
        TooDeep::Brackets => (SyntaxErrorKind::Syntax, "too many nested parentheses"),
        TooDeep::Blocks => (SyntaxErrorKind::Indentation, "too many levels of indentation"),
        TooDeep::Operators => (SyntaxErrorKind::Memory, "Parser stack overflowed - Python source too complex to parse"),
    };
    source.error_of_kind(kind, TextRange::default(), message)
}

/// A tree is deeper than the passes may recurse.
pub(crate) fn recursion_error(source: &Source) -> SyntaxError {
    let message = "maximum recursion depth exceeded during compilation";
    source.error_of_kind(SyntaxErrorKind::Recursion, TextRange::default(), message)
}
