//! How deep a program may be nested, and the stack space for it.
//!
//! The passes recurse over the tree. They run on stacks that grow ([`with_stack`]), so what limits them is a number, not the stack of
//! the thread that happens to compile. Two checks see to that:
//!
//! - [`Shape::of`] looks at the tokens before the parser does, whose recursion follows brackets, blocks and prefix operators;
//! - [`is_too_deep`] looks at the tree, which is also deep for a long chain such as `a.b.c.d`, where the parser only loops.
//!
//! A tree that may be deep must not be dropped by recursion either: [`dismantle`].

use std::cell::RefCell;

use ruff_python_ast::token::TokenKind;
use ruff_python_ast::visitor::transformer::{self, Transformer};
use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{Expr, ExprNoneLiteral, Mod, Stmt};
use ruff_python_parser::{Mode, lexer};

/// Stack space that must be left for one level of any pass.
const RED_ZONE: usize = 128 * 1024;
/// How much is added when it is not.
const SEGMENT: usize = 2 * 1024 * 1024;

/// How deep brackets can be nested, as in CPython.
const MAX_BRACKETS: usize = 200;
/// How deep blocks can be nested, as in CPython.
const MAX_BLOCKS: usize = 100;
/// How many operators can wait for their operand.
const MAX_PENDING: usize = 4000;
/// A lambda counts as this many of them: it is a code object of its own.
const LAMBDA: usize = 8;
/// How deep an expression can be.
const MAX_DEPTH: usize = 10_000;
/// An expression of at most this depth can be dropped by recursion on any stack.
const SHALLOW: usize = 500;

/// Runs one level of a recursion, with enough stack for it.
#[inline]
pub(crate) fn with_stack<T>(level: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(RED_ZONE, SEGMENT, level)
}

/// Why a program cannot be parsed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TooDeep {
    Brackets,
    Blocks,
    /// `- - - - 1`, `lambda: lambda: 1`, `1 if 1 else 1 if 1 else 1`
    Operators,
}

/// What the tokens of a program tell about its nesting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Its tree may be too deep to be dropped by recursion.
    pub(crate) may_be_deep: bool,
}

impl Shape {
    /// Looks at the tokens of a program.
    pub(crate) fn of(text: &str, mode: Mode) -> Result<Shape, TooDeep> {
        let mut lexer = lexer::lex(text, mode);
        let mut pending = Pending::default();
        let mut brackets: Vec<Pending> = Vec::new();
        let mut blocks = 0_usize;
        let (mut length, mut longest) = (0, 0);
        let mut after_operand = false;
        loop {
            let kind = lexer.next_token();
            length += 1;
            match kind {
                TokenKind::EndOfFile => break,
                TokenKind::Newline => {
                    longest = longest.max(std::mem::take(&mut length));
                    pending = Pending::default();
                    brackets.clear();
                }
                TokenKind::Indent => blocks += 1,
                TokenKind::Dedent => blocks = blocks.saturating_sub(1),
                TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => {
                    brackets.push(pending);
                    pending.outer += pending.prefixes + pending.tails;
                    (pending.prefixes, pending.tails) = (0, 0);
                }
                TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => pending = brackets.pop().unwrap_or_default(),
                TokenKind::Comma => (pending.prefixes, pending.tails) = (0, 0),
                // These extend to the end of the expression.
                TokenKind::Lambda => pending.tails += LAMBDA,
                TokenKind::Else | TokenKind::Yield | TokenKind::Async => pending.tails += 1,
                TokenKind::DoubleStar | TokenKind::Not | TokenKind::Await | TokenKind::Tilde => pending.prefixes += 1,
                TokenKind::Plus | TokenKind::Minus if !after_operand => pending.prefixes += 1,
                // Another operator ends the operand of a prefix.
                kind if kind.is_operator() && kind != TokenKind::Colon => pending.prefixes = 0,
                _ => {}
            }
            after_operand = ends_operand(kind);
            if brackets.len() > MAX_BRACKETS {
                return Err(TooDeep::Brackets);
            }
            if blocks >= MAX_BLOCKS {
                return Err(TooDeep::Blocks);
            }
            if pending.outer + pending.prefixes + pending.tails > MAX_PENDING {
                return Err(TooDeep::Operators);
            }
        }
        Ok(Shape { may_be_deep: longest.max(length) > SHALLOW })
    }
}

/// Operators that wait for their operand.
#[derive(Clone, Copy, Default)]
struct Pending {
    /// Outside of the innermost brackets.
    outer: usize,
    /// Whose operand is the next one.
    prefixes: usize,
    /// Whose operand is all that follows.
    tails: usize,
}

fn ends_operand(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::Name
            | TokenKind::Int
            | TokenKind::Float
            | TokenKind::Complex
            | TokenKind::String
            | TokenKind::FStringEnd
            | TokenKind::TStringEnd
            | TokenKind::Rpar
            | TokenKind::Rsqb
            | TokenKind::Rbrace
            | TokenKind::Ellipsis
            | TokenKind::None
            | TokenKind::True
            | TokenKind::False
    ) || kind.is_soft_keyword()
}

/// Is there an expression that is too deep to be compiled?
pub(crate) fn is_too_deep(program: &Mod) -> bool {
    let mut children = Children::default();
    match program {
        Mod::Module(module) => children.visit_body(&module.body),
        Mod::Expression(expression) => children.visit_expr(&expression.body),
    }
    let mut work: Vec<(&Expr, usize)> = children.0.drain(..).map(|expr| (expr, 1)).collect();
    while let Some((expr, depth)) = work.pop() {
        if depth > MAX_DEPTH {
            return true;
        }
        visitor::walk_expr(&mut children, expr);
        work.extend(children.0.drain(..).map(|child| (child, depth + 1)));
    }
    false
}

/// Collects the expressions that are directly in something.
#[derive(Default)]
struct Children<'a>(Vec<&'a Expr>);

impl<'a> Visitor<'a> for Children<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        with_stack(|| visitor::walk_stmt(self, statement));
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        self.0.push(expr);
    }
}

/// Drops a tree without recursing over its expressions.
pub(crate) fn dismantle(mut program: Mod) {
    let taken = Taken::default();
    match &mut program {
        Mod::Module(module) => taken.visit_body(&mut module.body),
        Mod::Expression(expression) => taken.visit_expr(&mut expression.body),
    }
    loop {
        let Some(mut expr) = taken.0.borrow_mut().pop() else {
            return;
        };
        transformer::walk_expr(&taken, &mut expr);
    }
}

/// Takes the expressions out of what they are directly in.
#[derive(Default)]
struct Taken(RefCell<Vec<Expr>>);

impl Transformer for Taken {
    fn visit_stmt(&self, statement: &mut Stmt) {
        with_stack(|| transformer::walk_stmt(self, statement));
    }

    fn visit_expr(&self, expr: &mut Expr) {
        let expr = std::mem::replace(expr, Expr::NoneLiteral(ExprNoneLiteral::default()));
        self.0.borrow_mut().push(expr);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> Result<bool, TooDeep> {
        Shape::of(text, Mode::Module).map(|shape| shape.may_be_deep)
    }

    #[test]
    fn nesting_is_found_in_tokens() {
        let nested = |open: &str, count: usize, close: &str| format!("{}1{}", open.repeat(count), close.repeat(count));
        assert_eq!(shape(&nested("(", 200, ")")), Ok(false));
        assert_eq!(shape(&nested("(", 201, ")")), Err(TooDeep::Brackets));
        assert_eq!(shape(&nested("-", 100_000, "")), Err(TooDeep::Operators));
        assert_eq!(shape(&nested("not ", 100_000, "")), Err(TooDeep::Operators));
        assert_eq!(shape(&nested("lambda: ", 100_000, "")), Err(TooDeep::Operators));
        assert_eq!(shape(&nested("1 if 1 else ", 100_000, "")), Err(TooDeep::Operators));
        assert_eq!(shape(&nested("1**", 100_000, "")), Err(TooDeep::Operators));
        assert_eq!(shape(&nested("-1, ", 100_000, "")), Ok(true));
        assert_eq!(shape(&nested("a - -1 + ", 100_000, "")), Ok(true));
        let blocks: String = (0..101).map(|level| format!("{}if x:\n", " ".repeat(level))).collect();
        assert_eq!(shape(&(blocks + &" ".repeat(101) + "pass\n")), Err(TooDeep::Blocks));
    }
}
