//! The machinery under the grammar: a parser that tries alternatives in order, remembers what it has tried, and stops at the first mistake
//! it knows.

use std::collections::HashMap;

use super::node::{Kind, Node, Nodes, Place, Span, TargetUse};
use super::token::{Token, TokenKind};
use super::tokenizer::{Status, Tokenizer};
use super::{Grammar, Reading};
use crate::error::{SyntaxError, SyntaxErrorKind};

/// Why a rule gives nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stop {
    /// The text is something else: the next alternative may fit.
    Mismatch,
    /// The text is wrong: [`Parser::raised`] tells how.
    Raised,
}

/// What a rule gives.
pub(super) type Parsed<T = ()> = Result<T, Stop>;

/// Rules whose results are remembered.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Rule {
    Arguments,
    AwaitPrimary,
    BitwiseAnd,
    BitwiseOr,
    BitwiseXor,
    Block,
    ClosedPattern,
    Conjunction,
    DelTarget,
    Disjunction,
    Expression,
    Factor,
    ImportStatement,
    InvalidNamedExpression,
    Inversion,
    Primary,
    Shift,
    SimpleStatement,
    StarExpression,
    StarTarget,
    Strings,
    Sum,
    TargetPrimary,
    TargetWithStarAtom,
    Term,
    TypeParameter,
}

/// How deep rules may call each other: about where CPython's parser gives up.
const MAX_DEPTH: u32 = 4000;
/// Stack space that must be left for a level, and how much is added when it is not.
const RED_ZONE: usize = 256 * 1024;
const SEGMENT: usize = 4 * 1024 * 1024;

pub(super) struct Parser<'a> {
    pub(super) tokenizer: Tokenizer<'a>,
    pub(super) reading: Reading,
    tokens: Vec<Token>,
    /// The token that is looked at next.
    at: usize,
    /// Are mistakes looked for? They are not in the first pass, nor where a mistake is a mere guess.
    diagnosing: bool,
    memo: HashMap<(Rule, u32), (Parsed<Node>, u32)>,
    pub(super) nodes: Nodes,
    raised: Option<SyntaxError>,
    depth: u32,
    /// Where the last compound statement that has been parsed begins.
    last_block: (u32, u32),
    /// In a single statement: has a token come since the last newline that was made up?
    begun: bool,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str, reading: Reading) -> Parser<'a> {
        Parser {
            tokenizer: Tokenizer::new(text),
            reading,
            tokens: Vec::new(),
            at: 0,
            diagnosing: false,
            memo: HashMap::new(),
            nodes: Nodes::default(),
            raised: None,
            depth: 0,
            last_block: (0, 0),
            begun: false,
        }
    }

    /// Goes back to the beginning, to look for mistakes this time.
    pub(super) fn begin_second_pass(&mut self) {
        self.at = 0;
        self.depth = 0;
        self.memo.clear();
        self.diagnosing = true;
    }

    pub(super) fn raised(&self) -> Option<&SyntaxError> {
        self.raised.as_ref()
    }

    /// Takes back what has been raised, for the sake of an error that counts more.
    pub(super) fn forget_raised(&mut self) {
        self.raised = None;
    }

    /// The last token that has been read.
    pub(super) fn last_token(&self) -> Option<Token> {
        self.tokens.last().copied()
    }

    // Tokens.

    /// The token at the position.
    pub(super) fn peek(&mut self) -> Parsed<Token> {
        if self.at == self.tokens.len() {
            self.read_token()?;
        }
        Ok(self.tokens[self.at])
    }

    fn read_token(&mut self) -> Parsed {
        let mut token = self.tokenizer.next_token();
        if self.reading.grammar == Grammar::Single && token.kind == TokenKind::EndMarker && self.begun {
            // A single statement need not end in a newline.
            token.kind = TokenKind::Newline;
            self.begun = false;
            if self.tokenizer.in_block() && !self.reading.keep_blocks_open {
                self.tokenizer.close_blocks();
            }
        } else {
            self.begun = true;
        }
        self.tokens.push(token);
        if token.kind == TokenKind::Error { Err(self.raise_tokenizer_error(token)) } else { Ok(()) }
    }

    pub(super) fn text(&self, token: Token) -> &'a [u8] {
        &self.tokenizer.text()[token.start..token.end]
    }

    /// Takes the next token if it is of this kind.
    pub(super) fn kind(&mut self, kind: TokenKind) -> Parsed<Token> {
        let token = self.peek()?;
        if token.kind != kind {
            return Err(Stop::Mismatch);
        }
        self.at += 1;
        Ok(token)
    }

    fn exact(&mut self, kind: TokenKind, text: &str) -> Parsed<Token> {
        let token = self.peek()?;
        if token.kind != kind || self.text(token) != text.as_bytes() {
            return Err(Stop::Mismatch);
        }
        self.at += 1;
        Ok(token)
    }

    /// Takes this operator.
    pub(super) fn op(&mut self, operator: &str) -> Parsed<Token> {
        self.exact(TokenKind::Operator, operator)
    }

    /// Takes one of these operators.
    pub(super) fn op_in(&mut self, operators: &[&str]) -> Parsed<Token> {
        let token = self.kind(TokenKind::Operator)?;
        let text = self.text(token);
        if operators.iter().any(|operator| operator.as_bytes() == text) {
            return Ok(token);
        }
        self.at -= 1;
        Err(Stop::Mismatch)
    }

    /// Takes this keyword.
    pub(super) fn word(&mut self, keyword: &str) -> Parsed<Token> {
        self.exact(TokenKind::Keyword, keyword)
    }

    /// Takes this name, which is a keyword only here.
    pub(super) fn soft_word(&mut self, name: &str) -> Parsed<Token> {
        self.exact(TokenKind::Name, name)
    }

    /// Takes this operator or raises.
    pub(super) fn forced_op(&mut self, operator: &str) -> Parsed<Token> {
        match self.op(operator) {
            Err(Stop::Mismatch) => {
                let token = self.peek()?;
                Err(self.raise(token.into(), format!("expected '{operator}'")))
            }
            result => result,
        }
    }

    /// Is one of these keywords next?
    pub(super) fn sees_word_in(&mut self, keywords: &[&str]) -> Parsed<bool> {
        let token = self.peek()?;
        let text = self.text(token);
        Ok(token.kind == TokenKind::Keyword && keywords.iter().any(|keyword| keyword.as_bytes() == text))
    }

    // Combinators.

    /// Tries a rule; what does not match is as if it had not been tried.
    pub(super) fn attempt<T>(&mut self, rule: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<Option<T>> {
        let at = self.at;
        match rule(self) {
            Ok(value) => Ok(Some(value)),
            Err(Stop::Mismatch) => {
                self.at = at;
                Ok(None)
            }
            Err(Stop::Raised) => Err(Stop::Raised),
        }
    }

    /// Would this rule match?
    pub(super) fn sees<T>(&mut self, rule: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<bool> {
        let at = self.at;
        let matched = self.attempt(rule)?.is_some();
        self.at = at;
        Ok(matched)
    }

    /// Goes on only if this rule would match.
    pub(super) fn expect<T>(&mut self, rule: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed {
        if self.sees(rule)? { Ok(()) } else { Err(Stop::Mismatch) }
    }

    /// Goes on only if this rule would not match.
    pub(super) fn refuse<T>(&mut self, rule: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed {
        if self.sees(rule)? { Err(Stop::Mismatch) } else { Ok(()) }
    }

    /// As often as it matches.
    pub(super) fn many<T>(&mut self, mut rule: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut found = Vec::new();
        while let Some(value) = self.attempt(&mut rule)? {
            found.push(value);
        }
        Ok(found)
    }

    /// As often as it matches, but at least once.
    pub(super) fn some<T>(&mut self, rule: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let found = self.many(rule)?;
        if found.is_empty() { Err(Stop::Mismatch) } else { Ok(found) }
    }

    /// At least once, with commas between.
    pub(super) fn commas<T>(&mut self, mut rule: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut found = vec![rule(self)?];
        while let Some(value) = self.attempt(|p| {
            p.op(",")?;
            rule(p)
        })? {
            found.push(value);
        }
        Ok(found)
    }

    /// At least once, with commas between and perhaps one at the end.
    pub(super) fn commas_and_more<T>(&mut self, rule: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let found = self.commas(rule)?;
        self.attempt(|p| p.op(","))?;
        Ok(found)
    }

    /// Looks for a mistake. A mistake that is recognised raises; the rule itself gives nothing.
    pub(super) fn mistake<T>(&mut self, rule: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed {
        if self.diagnosing {
            self.sees(rule)?;
        }
        Ok(())
    }

    /// Parses without looking for mistakes.
    pub(super) fn undiagnosed<T>(&mut self, rule: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        let diagnosing = std::mem::replace(&mut self.diagnosing, false);
        let result = rule(self);
        self.diagnosing = diagnosing;
        result
    }

    /// Parses a rule once at each position.
    pub(super) fn remember(&mut self, rule: Rule, parse: impl FnOnce(&mut Self) -> Parsed<Node>) -> Parsed<Node> {
        let key = (rule, self.at as u32);
        if let Some(&(result, at)) = self.memo.get(&key) {
            self.at = at as usize;
            return result;
        }
        let result = self.deeper(1, parse);
        if result != Err(Stop::Raised) {
            self.memo.insert(key, (result, self.at as u32));
        }
        result
    }

    /// Runs a rule that may contain itself; `levels` tells how many rules of CPython's grammar it stands for.
    pub(super) fn deeper<T>(&mut self, levels: u32, rule: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth + levels > MAX_DEPTH {
            let message = "Parser stack overflowed - Python source too complex to parse";
            return Err(self.raise_as(SyntaxErrorKind::Memory, message, (0, 0), (0, 0)));
        }
        self.depth += levels;
        let result = stacker::maybe_grow(RED_ZONE, SEGMENT, || rule(self));
        self.depth -= levels;
        result
    }

    // Nodes.

    /// The position, to be given to [`Parser::node`] when what begins here has been parsed.
    pub(super) fn begin(&mut self) -> Parsed<usize> {
        self.peek()?;
        Ok(self.at)
    }

    /// A node for what begins there and ends here.
    pub(super) fn node(&mut self, kind: Kind, begin: usize, children: &[Node]) -> Node {
        let span = self.span_from(begin);
        self.nodes.add(kind, span, begin, children)
    }

    /// The tokens from there to here.
    pub(super) fn tokens_since(&self, begin: usize) -> &[Token] {
        &self.tokens[begin..self.at]
    }

    pub(super) fn span_from(&self, begin: usize) -> Span {
        Span::from(self.tokens[begin]).to(self.tokens[self.at.max(begin + 1) - 1].into())
    }

    pub(super) fn span(&self, node: Node) -> Span {
        self.nodes.get(node).span
    }

    pub(super) fn node_kind(&self, node: Node) -> Kind {
        self.nodes.get(node).kind
    }

    /// How messages name the node.
    pub(super) fn name_of(&self, node: Node) -> &'static str {
        self.node_kind(node).name()
    }

    /// The node's first token.
    pub(super) fn first_token(&self, node: Node) -> Token {
        self.tokens[self.nodes.get(node).first]
    }

    /// How many brackets are open after the last token that has been taken.
    pub(super) fn bracket_depth(&self) -> u32 {
        self.tokens[self.at - 1].depth
    }

    /// A compound statement ends here.
    pub(super) fn note_block(&mut self, begin: usize) {
        let first = self.tokens[begin];
        if self.diagnosing && first.line >= self.last_block.0 {
            self.last_block = (first.line, first.column as u32);
        }
    }

    pub(super) fn last_block(&self) -> (u32, u32) {
        self.last_block
    }

    // Errors.

    /// The text is wrong here.
    pub(super) fn raise(&mut self, span: Span, message: impl Into<String>) -> Stop {
        let (start, end) = (span.start, span.end);
        let kind = SyntaxErrorKind::Syntax;
        self.raise_as(kind, message, (start.line, start.column + 1), (end.line, end.column + 1))
    }

    /// The text is wrong from here to where reading has come.
    pub(super) fn raise_from(&mut self, start: Place, message: impl Into<String>) -> Stop {
        let (line, column) = self.tokenizer.position();
        self.raise_as(SyntaxErrorKind::Syntax, message, (start.line, start.column + 1), (line, column as i32))
    }

    /// The text is wrong where reading has come to.
    pub(super) fn raise_at_last(&mut self, kind: SyntaxErrorKind, message: impl Into<String>) -> Stop {
        match self.tokens.last().copied() {
            Some(token) => self.raise_at(kind, token, message),
            None => self.raise_as(kind, message, (0, 0), (0, -1)),
        }
    }

    /// The next token is wrong.
    pub(super) fn raise_at_next(&mut self, message: impl Into<String>) -> Stop {
        match self.peek() {
            Ok(token) => self.raise_at(SyntaxErrorKind::Syntax, token, message),
            Err(stop) => stop,
        }
    }

    fn raise_at(&mut self, kind: SyntaxErrorKind, token: Token, message: impl Into<String>) -> Stop {
        let column = if token.column == -1 { self.tokenizer.position().1 as i32 } else { token.column + 1 };
        let end_column = if token.end_column == -1 { -1 } else { token.end_column + 1 };
        self.raise_as(kind, message, (token.line, column), (token.end_line, end_column))
    }

    /// Columns count bytes from 1; 0 and -1 stand for none.
    pub(super) fn raise_as(&mut self, kind: SyntaxErrorKind, message: impl Into<String>, start: (u32, i32), end: (u32, i32)) -> Stop {
        // The first one counts.
        if self.raised.is_none() {
            let text = self.text_around(start.0);
            self.raised = Some(SyntaxError {
                kind,
                message: message.into(),
                lineno: start.0,
                offset: character_column(&text, start.1),
                end_lineno: end.0,
                // In the text of the first line, even if the error ends in another one.
                end_offset: character_column(&text, end.1),
                text: Some(text),
                metadata: None,
            });
        }
        Stop::Raised
    }

    /// The text that is shown with an error in this line.
    fn text_around(&self, line: u32) -> String {
        let tokenizer = &self.tokenizer;
        if tokenizer.position().0 <= line && !tokenizer.lines_around().is_empty() {
            String::from_utf8_lossy(tokenizer.lines_around()).into_owned()
        } else {
            // It has been read completely: then CPython leaves out the newline.
            tokenizer.line_text(line)
        }
    }

    /// A block is missing after a line that ends in a colon.
    pub(super) fn raise_missing_block(&mut self, after: &str, line: u32) -> Stop {
        self.raise_at_last(SyntaxErrorKind::Indentation, format!("expected an indented block after {after} on line {line}"))
    }

    /// A colon is missing at the end of a line.
    pub(super) fn raise_missing_colon(&mut self) -> Stop {
        self.raise_at_last(SyntaxErrorKind::Syntax, "expected ':'")
    }

    /// Raises if part of the node cannot be a target.
    pub(super) fn check_target(&mut self, node: Node, target_use: TargetUse) -> Parsed {
        let Some(invalid) = self.nodes.invalid_target(node, target_use) else { return Ok(()) };
        let verb = if target_use == TargetUse::Deletion { "delete" } else { "assign to" };
        let message = format!("cannot {verb} {}", self.name_of(invalid));
        Err(self.raise(self.span(invalid), message))
    }

    pub(super) fn raise_unclosed_bracket(&mut self) -> Option<Stop> {
        let bracket = *self.tokenizer.brackets().last()?;
        let message = format!("'{}' was never closed", bracket.byte as char);
        let start = (bracket.line, bracket.column as i32 + 1);
        Some(self.raise_as(SyntaxErrorKind::Syntax, message, start, (bracket.line, 0)))
    }

    fn raise_tokenizer_error(&mut self, token: Token) -> Stop {
        if self.tokenizer.failure().is_some() {
            // It is in the tokenizer.
            return Stop::Raised;
        }
        let line = token.line;
        let (kind, message, column) = match self.tokenizer.status() {
            Status::End => {
                if let Some(stop) = self.raise_unclosed_bracket() {
                    return stop;
                }
                return self.raise_at_last(SyntaxErrorKind::Syntax, "unexpected EOF while parsing");
            }
            Status::Dedent => {
                let message = "unindent does not match any outer indentation level";
                return self.raise_at_last(SyntaxErrorKind::Indentation, message);
            }
            Status::TabsAndSpaces => (SyntaxErrorKind::Tab, "inconsistent use of tabs and spaces in indentation", 1),
            Status::TooManyIndents => (SyntaxErrorKind::Indentation, "too many levels of indentation", 1),
            Status::LineContinuation => {
                let message = "unexpected character after line continuation character";
                (SyntaxErrorKind::Syntax, message, self.tokenizer.position().1 as i32)
            }
            status => unreachable!("{status:?} without a failure"),
        };
        self.raise_as(kind, message, (line, column), (line, 0))
    }
}

/// The first of these rules that matches.
macro_rules! one_of {
    ($parser:expr, $($rule:expr),+ $(,)?) => {
        'found: {
            $(if let Some(value) = $parser.attempt($rule)? {
                break 'found Ok(value);
            })+
            Err($crate::parse_errors::parser::Stop::Mismatch)
        }
    };
}
pub(super) use one_of;

/// A column that counts bytes from 1, in characters; 0 stays 0, as does what is unknown.
fn character_column(text: &str, column: i32) -> u32 {
    let bytes = (column.max(0) as usize).min(text.len() + 1);
    let characters = text.char_indices().take_while(|&(at, _)| at < bytes).count() as u32;
    characters + (bytes > text.len()) as u32
}
