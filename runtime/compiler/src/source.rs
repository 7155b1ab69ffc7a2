//! Where a program comes from: from offsets to lines and columns, and to errors that name them.

use std::borrow::Cow;

use ruff_python_ast::{ConversionFlag, InterpolatedElement, InterpolatedStringLiteralElement, StringLiteral};
use ruff_text_size::{Ranged, TextRange, TextSize};

use crate::error::{SyntaxError, SyntaxErrorKind, SyntaxWarning};
use crate::ir::Location;
use crate::text;
use crate::tree::TreeSource;

/// What the offsets in a tree's nodes refer to.
pub(crate) enum Source<'a> {
    /// A text. Lines end in `\n` only: [`Source::normalize`] has translated the others.
    Text { text: &'a str, line_starts: Cow<'a, [u32]> },
    /// The tree was made by hand.
    Tree(&'a TreeSource),
}

impl<'a> Source<'a> {
    /// Indexes a text.
    pub(crate) fn new(text: &'a str) -> Source<'a> {
        Source::Text { text, line_starts: line_starts(text).into() }
    }

    /// Translates `\r\n` and `\r` to `\n`, as Python's tokenizer does; `None` if there are none.
    pub(crate) fn normalize(text: &str) -> Option<String> {
        memchr::memchr(b'\r', text.as_bytes())?;
        Some(text.replace("\r\n", "\n").replace('\r', "\n"))
    }

    /// The whole text; empty for a tree.
    pub(crate) fn text(&self) -> &'a str {
        match self {
            Source::Text { text, .. } => text,
            Source::Tree(_) => "",
        }
    }

    /// How many offsets there are.
    pub(crate) fn length(&self) -> usize {
        match self {
            Source::Text { text, .. } => text.len(),
            Source::Tree(tree) => tree.length(),
        }
    }

    /// The text of a node; empty for one of a tree.
    pub(crate) fn slice(&self, range: TextRange) -> &'a str {
        match self {
            Source::Text { text, .. } => &text[range],
            Source::Tree(_) => "",
        }
    }

    /// Line (from 1) and column in bytes (from 0).
    pub(crate) fn position(&self, offset: TextSize) -> (i32, i32) {
        match self {
            Source::Text { line_starts, .. } => {
                let offset = u32::from(offset);
                let line = line_starts.partition_point(|&start| start <= offset);
                (line as i32, (offset - line_starts[line - 1]) as i32)
            }
            Source::Tree(tree) => tree.position(offset),
        }
    }

    /// The line of an offset, from 1.
    pub(crate) fn line(&self, offset: TextSize) -> u32 {
        self.position(offset).0.max(0) as u32
    }

    /// A node's place as the position table stores it.
    pub(crate) fn location(&self, node: &impl Ranged) -> Location {
        let range = node.range();
        let (line, column) = self.position(range.start());
        let (end_line, end_column) = self.position(range.end());
        Location { line, end_line, column, end_column }
    }

    /// The text of a line, newline included.
    fn line_text(&self, line: i32) -> Option<&'a str> {
        let Source::Text { text, line_starts } = self else {
            return None;
        };
        let start = line_starts[line as usize - 1] as usize;
        let end = line_starts.get(line as usize).map_or(text.len(), |&end| end as usize);
        Some(&text[start..end])
    }

    /// An offset's line and column in characters, both from 1.
    fn character_position(&self, offset: TextSize) -> (u32, u32) {
        let (line, column) = self.position(offset);
        let characters = match self.line_text(line) {
            Some(text) => text[..column as usize].chars().count() as u32,
            None => column.max(0) as u32,
        };
        (line.max(0) as u32, characters + 1)
    }

    /// A `SyntaxError` at a place.
    pub(crate) fn error(&self, range: TextRange, message: impl Into<String>) -> SyntaxError {
        self.error_of_kind(SyntaxErrorKind::Syntax, range, message)
    }

    /// An error of any kind at a place.
    pub(crate) fn error_of_kind(&self, kind: SyntaxErrorKind, range: TextRange, message: impl Into<String>) -> SyntaxError {
        let (lineno, offset) = self.character_position(range.start());
        let (end_lineno, end_offset) = self.character_position(range.end());
        let text = self.line_text(lineno as i32).map(str::to_owned);
        SyntaxError { kind, message: message.into(), lineno, offset, end_lineno, end_offset, text, metadata: None }
    }

    /// A warning about a place.
    pub(crate) fn warning(&self, range: TextRange, message: impl Into<String>) -> SyntaxWarning {
        let SyntaxError { message, lineno, offset, end_lineno, end_offset, text, .. } = self.error(range, message);
        SyntaxWarning { message, lineno, offset, end_lineno, end_offset, text }
    }

    /// Where a `def` or `class` statement itself begins: after its decorators, which the parser counts in.
    pub(crate) fn definition_start(&self, statement: TextRange, last_decorator_end: Option<TextSize>) -> TextSize {
        let (Source::Text { text, .. }, Some(mut offset)) = (self, last_decorator_end) else {
            return statement.start();
        };
        loop {
            let rest = &text[usize::from(offset)..];
            let skipped = rest.len() - rest.trim_start().len();
            offset += TextSize::from(skipped as u32);
            let rest = &rest[skipped..];
            if !rest.starts_with(['#', '\\', ')']) {
                return offset;
            }
            // A comment, a continuation line, or the parenthesis around the decorator.
            let skipped = if rest.starts_with('#') { rest.find('\n').unwrap_or(rest.len()) } else { 1 };
            offset += TextSize::from(skipped as u32);
        }
    }

    /// The characters of a string literal, as WTF-8.
    pub(crate) fn string(&self, node: &StringLiteral) -> Vec<u8> {
        match self {
            Source::Text { text, .. } => {
                let raw = node.flags.prefix().is_raw();
                text::with_surrogates(&node.value, &text[node.content_range()], raw, false)
            }
            Source::Tree(tree) => tree.text(node.range.start()).unwrap_or(node.value.as_bytes()).to_vec(),
        }
    }

    /// The characters of a piece of an f-string or t-string, as WTF-8.
    pub(crate) fn string_piece(&self, node: &InterpolatedStringLiteralElement, raw: bool) -> Vec<u8> {
        match self {
            Source::Text { text, .. } => text::with_surrogates(&node.value, &text[node.range], raw, true),
            Source::Tree(tree) => tree.text(node.range.start()).unwrap_or(node.value.as_bytes()).to_vec(),
        }
    }

    /// The expression of an interpolation as it is written, parentheses included.
    pub(crate) fn interpolation_text(&self, element: &InterpolatedElement) -> Vec<u8> {
        let text = match self {
            Source::Text { text, .. } => text,
            Source::Tree(tree) => return tree.text(element.range.start()).unwrap_or_default().to_vec(),
        };
        let start = element.range.start() + TextSize::from(1);
        let after = element.expression.range().end();
        let end = match &element.format_spec {
            Some(spec) => spec.range.start() - TextSize::from(1),
            None => element.range.end() - TextSize::from(1),
        };
        let mut tail = &text[TextRange::new(after, end)];
        if element.conversion != ConversionFlag::None {
            tail = tail.split('!').next().unwrap_or_default();
        }
        if element.debug_text.is_some() {
            tail = tail.rsplit_once('=').map_or(tail, |(before, _)| before);
        }
        let end = after + TextSize::from(tail.len() as u32);
        text::without_comments(&text[TextRange::new(start, end)]).into_owned().into_bytes()
    }
}

/// Where the lines of a text begin.
pub(crate) fn line_starts(text: &str) -> Vec<u32> {
    let newlines = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at as u32 + 1);
    std::iter::once(0).chain(newlines).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_bytes_and_errors_count_characters() {
        let source = Source::new("a\nä = ü\n");
        let range = TextRange::new(7.into(), 9.into());
        assert_eq!(source.position(range.start()), (2, 5));
        let error = source.error(range, "bad");
        assert_eq!((error.lineno, error.offset, error.end_offset), (2, 5, 6));
        assert_eq!(error.text.as_deref(), Some("ä = ü\n"));
    }

    #[test]
    fn line_ends_are_translated() {
        assert_eq!(Source::normalize("a\r\nb\rc\n").as_deref(), Some("a\nb\nc\n"));
        assert_eq!(Source::normalize("a\n"), None);
    }

    #[test]
    fn a_definition_begins_after_its_decorators() {
        let text = "@(a)  # one\n# two\n\n  def f(): pass";
        let start = Source::new(text).definition_start(TextRange::new(0.into(), 30.into()), Some(3.into()));
        assert!(text[usize::from(start)..].starts_with("def"));
    }
}
