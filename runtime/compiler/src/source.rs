//! The text being compiled: from byte offsets to lines and columns, and to errors that name them.

use ruff_text_size::{Ranged, TextRange, TextSize};

use crate::error::{SyntaxError, SyntaxErrorKind, SyntaxWarning};
use crate::ir::Location;

/// A program's text and where its lines begin.
///
/// Lines end in `\n` only: [`Source::normalize`] has translated the others.
pub(crate) struct Source<'a> {
    text: &'a str,
    line_starts: Vec<u32>,
}

impl<'a> Source<'a> {
    /// Indexes a text.
    pub(crate) fn new(text: &'a str) -> Source<'a> {
        let newlines = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at as u32 + 1);
        Source { text, line_starts: std::iter::once(0).chain(newlines).collect() }
    }

    /// Translates `\r\n` and `\r` to `\n`, as Python's tokenizer does; `None` if there are none.
    pub(crate) fn normalize(text: &str) -> Option<String> {
        memchr::memchr(b'\r', text.as_bytes())?;
        Some(text.replace("\r\n", "\n").replace('\r', "\n"))
    }

    /// The whole text.
    pub(crate) fn text(&self) -> &'a str {
        self.text
    }

    /// The text of a node.
    pub(crate) fn slice(&self, range: TextRange) -> &'a str {
        &self.text[range]
    }

    /// Line (from 1) and column in bytes (from 0).
    pub(crate) fn position(&self, offset: TextSize) -> (u32, u32) {
        let offset = u32::from(offset);
        let line = self.line_starts.partition_point(|&start| start <= offset);
        (line as u32, offset - self.line_starts[line - 1])
    }

    /// The line of an offset, from 1.
    pub(crate) fn line(&self, offset: TextSize) -> u32 {
        self.position(offset).0
    }

    /// A node's place as the position table stores it.
    pub(crate) fn location(&self, node: &impl Ranged) -> Location {
        let range = node.range();
        let (line, column) = self.position(range.start());
        let (end_line, end_column) = self.position(range.end());
        Location { line: line as i32, end_line: end_line as i32, column: column as i32, end_column: end_column as i32 }
    }

    /// The text of a line, newline included.
    fn line_text(&self, line: u32) -> &'a str {
        let start = self.line_starts[line as usize - 1] as usize;
        let end = self.line_starts.get(line as usize).map_or(self.text.len(), |&end| end as usize);
        &self.text[start..end]
    }

    /// An offset's line and column in characters, both from 1.
    fn character_position(&self, offset: TextSize) -> (u32, u32) {
        let (line, column) = self.position(offset);
        let before = &self.line_text(line)[..column as usize];
        (line, before.chars().count() as u32 + 1)
    }

    /// A `SyntaxError` at a place.
    pub(crate) fn error(&self, range: TextRange, message: impl Into<String>) -> SyntaxError {
        self.error_of_kind(SyntaxErrorKind::Syntax, range, message)
    }

    /// An error of any kind at a place.
    pub(crate) fn error_of_kind(&self, kind: SyntaxErrorKind, range: TextRange, message: impl Into<String>) -> SyntaxError {
        let (lineno, offset) = self.character_position(range.start());
        let (end_lineno, end_offset) = self.character_position(range.end());
        let text = Some(self.line_text(lineno).to_owned());
        SyntaxError { kind, message: message.into(), lineno, offset, end_lineno, end_offset, text, metadata: None }
    }

    /// A warning about a place.
    pub(crate) fn warning(&self, range: TextRange, message: impl Into<String>) -> SyntaxWarning {
        let SyntaxError { message, lineno, offset, end_lineno, end_offset, text, .. } = self.error(range, message);
        SyntaxWarning { message, lineno, offset, end_lineno, end_offset, text }
    }

    /// Where a `def` or `class` statement itself begins: after its decorators, which the parser counts in.
    pub(crate) fn definition_start(&self, statement: TextRange, last_decorator_end: Option<TextSize>) -> TextSize {
        let Some(mut offset) = last_decorator_end else {
            return statement.start();
        };
        loop {
            let rest = &self.text[usize::from(offset)..];
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
