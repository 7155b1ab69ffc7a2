//! Syntax trees on their own: for `ast.parse`, and for compiling what it gave.

use std::borrow::Cow;

use limpid_bytecode::Constant;
use ruff_python_ast::{Decorator, Int, InterpolatedElement, InterpolatedStringLiteralElement, Mod, StringLiteral};
use ruff_text_size::{Ranged, TextRange, TextSize};
use rustc_hash::FxHashMap;

use crate::codegen::literals;
use crate::error::SyntaxError;
use crate::parse::Tree;
use crate::source::{Source, line_starts};
use crate::text;

/// The tree of a text, and what only the text tells about its nodes.
pub struct SyntaxTree {
    text: String,
    tree: Tree,
    line_starts: Vec<u32>,
}

impl SyntaxTree {
    pub(crate) fn new(text: String, tree: Tree) -> SyntaxTree {
        SyntaxTree { line_starts: line_starts(&text), text, tree }
    }

    fn source(&self) -> Source<'_> {
        Source::Text { text: &self.text, line_starts: Cow::Borrowed(&self.line_starts) }
    }

    /// The root.
    pub fn program(&self) -> &Mod {
        self.tree.program()
    }

    /// The text, with `\n` at the end of lines.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Line (from 1) and column in bytes (from 0) of an offset.
    pub fn position(&self, offset: TextSize) -> (i32, i32) {
        self.source().position(offset)
    }

    /// Where a `def` or `class` statement itself begins: the parser counts its decorators in.
    pub fn definition_start(&self, statement: TextRange, decorators: &[Decorator]) -> TextSize {
        self.source().definition_start(statement, decorators.last().map(Ranged::end))
    }

    /// The characters of a string literal, as WTF-8: the tree has no lone surrogates.
    pub fn string(&self, node: &StringLiteral) -> Vec<u8> {
        self.source().string(node)
    }

    /// The characters of a piece of an f-string or t-string, as WTF-8.
    pub fn string_piece(&self, node: &InterpolatedStringLiteralElement, raw: bool) -> Vec<u8> {
        self.source().string_piece(node, raw)
    }

    /// What an interpolation shows in front of its value, if it does.
    pub fn debug_text(&self, node: &InterpolatedElement) -> Option<String> {
        node.debug_text.as_ref().map(|text| text::without_comments(text.as_str()).into_owned())
    }

    /// The value of an int literal.
    pub fn int(&self, value: &Int, range: TextRange) -> Result<Constant, SyntaxError> {
        literals::int(value).map_err(|message| self.source().error(range, message))
    }

    /// The expression of an interpolation as it is written.
    pub fn interpolation_text(&self, node: &InterpolatedElement) -> String {
        String::from_utf8_lossy(&self.source().interpolation_text(node)).into_owned()
    }
}

/// What a tree that was made by hand cannot hold: places in a text that need not exist, and strings with lone surrogates.
///
/// An offset in such a tree is a number that [`TreeSource::add_position`] gave. The identifier after the dot of an attribute begins its
/// own length before the end of the attribute; the range of a decorated definition begins at its `def` or `class`; generator expressions
/// are parenthesized.
#[derive(Default)]
pub struct TreeSource {
    positions: Vec<(i32, i32)>,
    texts: FxHashMap<TextSize, Box<[u8]>>,
}

impl TreeSource {
    /// An offset that stands for a line (from 1) and a column in bytes (from 0).
    pub fn add_position(&mut self, line: i32, column: i32) -> TextSize {
        self.positions.push((line, column));
        TextSize::from(self.positions.len() as u32 - 1)
    }

    /// The characters, as WTF-8, of the string literal, the piece of an f-string or the expression of a t-string's interpolation that
    /// begins at an offset.
    pub fn set_text(&mut self, start: TextSize, text: &[u8]) {
        self.texts.insert(start, text.into());
    }

    pub(crate) fn position(&self, offset: TextSize) -> (i32, i32) {
        self.positions.get(usize::from(offset)).copied().unwrap_or((-1, -1))
    }

    pub(crate) fn length(&self) -> usize {
        self.positions.len()
    }

    pub(crate) fn text(&self, start: TextSize) -> Option<&[u8]> {
        self.texts.get(&start).map(|text| &**text)
    }
}
