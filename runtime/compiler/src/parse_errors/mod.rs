//! Why a program is not Python, in CPython's words.
//!
//! The compiler parses with a parser that is fast and goes on after errors, whose messages are its own. When it refuses a text, this
//! module reads the text again, the way CPython's parser does, for the sake of the error alone: it makes no tree. Errors come from three
//! places, and which one wins is a matter of order:
//!
//! - the [`tokenizer`] cannot make a token. It is asked for one token at a time, so an error in text that the parser does not come to is
//!   not seen at first;
//! - the grammar's first pass fails. Then a second pass looks for [mistakes](grammar) that have a message of their own; if there is none,
//!   the furthest token of the first pass is `invalid syntax`;
//! - an error from the grammar gives way to one that the tokenizer finds in the rest of the text, and to a bracket that was opened in an
//!   earlier line and never closed.
//!
//! Costs nothing for correct programs. Nothing here depends on the other parser.

mod escapes;
mod grammar;
mod node;
mod parser;
pub mod token;
pub mod tokenizer;

use crate::error::{Metadata, SyntaxError, SyntaxErrorKind};
use parser::{Parser, Stop};
use token::TokenKind;
use tokenizer::{Status, Tokenizer};

/// What a text is to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Grammar {
    /// A module.
    #[default]
    File,
    /// One statement, as typed into the REPL.
    Single,
    /// An expression.
    Expression,
    /// The type of a function, as in a type comment.
    FunctionType,
}

/// How a text is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Reading {
    /// What it is to be.
    pub grammar: Grammar,
    /// `<>` instead of `!=`: `from __future__ import barry_as_FLUFL`.
    pub barry_as_bdfl: bool,
    /// In a single statement, does the end of the text not end its blocks? (`PyCF_DONT_IMPLY_DEDENT`)
    pub keep_blocks_open: bool,
    /// Is a text that only lacks its end an error of its own? (`PyCF_ALLOW_INCOMPLETE_INPUT`)
    pub allow_incomplete: bool,
    /// What came after this minor version is refused.
    pub feature_version: Option<u8>,
    /// The most digits of a decimal integer; 0 is no limit.
    pub int_max_str_digits: usize,
}

/// The error in a text; `None` if there is none as far as the grammar goes. Lines must end in `\n`.
pub fn syntax_error(text: &str, reading: Reading) -> Option<SyntaxError> {
    // A module need not end in a newline.
    let mut with_newline = String::new();
    let text = if reading.grammar == Grammar::File && !text.is_empty() && !text.ends_with('\n') {
        with_newline.push_str(text);
        with_newline.push('\n');
        &with_newline
    } else {
        text
    };
    let mut parser = Parser::new(text, reading);
    find_error(&mut parser)?;
    let (lineno, column) = parser.last_block();
    let metadata = Metadata { lineno, column, source: text.to_owned() };
    Some(SyntaxError { metadata: Some(metadata.into()), ..report(&parser) })
}

/// The text with `!=` for each `<>`, which are as long as each other.
pub fn without_diamonds(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let mut tokenizer = Tokenizer::new(text);
    let skipped = bytes.len() - tokenizer.text().len();
    loop {
        let token = tokenizer.next_token();
        match token.kind {
            TokenKind::EndMarker | TokenKind::Error => break,
            TokenKind::Operator if &tokenizer.text()[token.start..token.end] == b"<>" => {
                bytes[skipped + token.start..skipped + token.end].copy_from_slice(b"!=");
            }
            _ => {}
        }
    }
    String::from_utf8(bytes).expect("operators are ASCII")
}

/// Parses; afterwards the error is in the parser or its tokenizer. `None` if there is no error.
fn find_error(parser: &mut Parser<'_>) -> Option<Stop> {
    let reading = parser.reading;
    let first = parser.text_of(reading.grammar);
    if first.is_ok() {
        return (reading.grammar == Grammar::Single && has_more_than_blanks(parser.tokenizer.rest())).then(|| {
            let message = "multiple statements found while compiling a single statement";
            parser.raise_at_last(SyntaxErrorKind::Syntax, message)
        });
    }
    let at_end = matches!(parser.tokenizer.status(), Status::End | Status::EndInTripleQuotes | Status::EndInQuotes);
    if reading.allow_incomplete && at_end {
        parser.forget_raised();
        return Some(parser.raise_at_last(SyntaxErrorKind::Incomplete, "incomplete input"));
    }
    let last_token = parser.last_token()?;
    if first == Err(Stop::Mismatch) {
        parser.begin_second_pass();
        // A second pass that finds no mistake fails as the first did.
        let _ = parser.text_of(reading.grammar);
    }
    if parser.tokenizer.failure().is_some() {
        return Some(Stop::Raised);
    }
    if parser.raised().is_none() {
        match last_token.kind {
            TokenKind::Indent | TokenKind::Dedent => {
                let what = if last_token.kind == TokenKind::Indent { "indent" } else { "unindent" };
                return Some(parser.raise_at_last(SyntaxErrorKind::Indentation, format!("unexpected {what}")));
            }
            _ => parser.raise(last_token.into(), "invalid syntax"),
        };
    }
    prefer_later_errors(parser);
    Some(Stop::Raised)
}

/// Tokenizes the rest of the text; what is wrong there counts more than the error that has been raised.
fn prefer_later_errors(parser: &mut Parser<'_>) {
    if parser.tokenizer.status() != Status::Going || parser.raised().is_some_and(|raised| raised.kind == SyntaxErrorKind::Memory) {
        return;
    }
    let error_line = parser.last_token().map_or(0, |token| token.line);
    loop {
        match parser.tokenizer.next_token().kind {
            TokenKind::EndMarker => return,
            TokenKind::Error => break,
            _ => {}
        }
    }
    if parser.tokenizer.failure().is_some() {
        // Within an f-string the error in the expression explains the one in the string.
        if !parser.tokenizer.in_interpolated() {
            parser.forget_raised();
        }
        return;
    }
    let opened_earlier = parser.tokenizer.brackets().last().is_some_and(|bracket| bracket.line < error_line);
    if opened_earlier {
        parser.forget_raised();
        parser.raise_unclosed_bracket();
    }
}

/// Is there anything but blank lines and comments?
fn has_more_than_blanks(rest: &[u8]) -> bool {
    rest.split(|&byte| byte == b'\n').any(|line| {
        let text = line.trim_ascii();
        !text.is_empty() && text[0] != b'#'
    })
}

fn report(parser: &Parser<'_>) -> SyntaxError {
    if let Some(raised) = parser.raised() {
        return raised.clone();
    }
    let failure = parser.tokenizer.failure().expect("there is an error");
    SyntaxError {
        kind: SyntaxErrorKind::Syntax,
        message: failure.message.clone(),
        lineno: failure.line,
        offset: failure.offset,
        end_lineno: failure.line,
        end_offset: failure.end_offset,
        text: Some(parser.tokenizer.line_text(failure.line)),
        metadata: None,
    }
}
