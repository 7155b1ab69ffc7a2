//! Expressions from the conditional expression down to the power operator.

use crate::error::SyntaxErrorKind;
use crate::parse_errors::node::{Kind, Node, Span};
use crate::parse_errors::parser::{Parsed, Parser, Rule, one_of};
use crate::parse_errors::token::TokenKind;

/// Statements of old that were written like a call without parentheses.
const LEGACY_STATEMENTS: [&[u8]; 2] = [b"print", b"exec"];
const SOFT_KEYWORDS: [&[u8]; 4] = [b"_", b"case", b"match", b"type"];

/// Binary operators by precedence, loosest first.
const BITWISE: [(Rule, &[&str]); 3] = [(Rule::BitwiseOr, &["|"]), (Rule::BitwiseXor, &["^"]), (Rule::BitwiseAnd, &["&"])];

impl Parser<'_> {
    /// Expressions separated by commas: a tuple unless it is only one without a comma.
    pub(super) fn expressions(&mut self) -> Parsed<Node> {
        self.tuple_of(Self::expression)
    }

    /// The same with starred ones among them.
    pub(super) fn star_expressions(&mut self) -> Parsed<Node> {
        self.tuple_of(Self::star_expression)
    }

    fn tuple_of(&mut self, mut item: impl FnMut(&mut Self) -> Parsed<Node>) -> Parsed<Node> {
        let begin = self.begin()?;
        let items = self.commas(&mut item)?;
        let trailing_comma = self.attempt(|p| p.op(","))?.is_some();
        match items[..] {
            [only] if !trailing_comma => Ok(only),
            _ => Ok(self.node(Kind::Tuple, begin, &items)),
        }
    }

    pub(super) fn star_expression(&mut self) -> Parsed<Node> {
        self.remember(Rule::StarExpression, |p| one_of!(p, Self::starred_operand, Self::expression))
    }

    /// `*a`
    fn starred_operand(&mut self) -> Parsed<Node> {
        let begin = self.begin()?;
        self.op("*")?;
        let operand = self.bitwise_or()?;
        Ok(self.node(Kind::Starred, begin, &[operand]))
    }

    pub(super) fn star_named_expression(&mut self) -> Parsed<Node> {
        one_of!(self, Self::starred_operand, Self::named_expression)
    }

    pub(super) fn star_named_expressions(&mut self) -> Parsed<Vec<Node>> {
        self.commas_and_more(Self::star_named_expression)
    }

    pub(super) fn yield_expression(&mut self) -> Parsed<Node> {
        let begin = self.begin()?;
        self.word("yield")?;
        one_of!(
            self,
            |p| {
                p.word("from")?;
                p.expression().map(drop)
            },
            |p| p.attempt(Self::star_expressions).map(drop),
        )?;
        Ok(self.node(Kind::Yield, begin, &[]))
    }

    /// `a := b`
    pub(super) fn assignment_expression(&mut self) -> Parsed<Node> {
        let begin = self.begin()?;
        self.kind(TokenKind::Name)?;
        self.op(":=")?;
        self.expression()?;
        Ok(self.node(Kind::Named, begin, &[]))
    }

    pub(super) fn named_expression(&mut self) -> Parsed<Node> {
        if let Some(assignment) = self.attempt(Self::assignment_expression)? {
            return Ok(assignment);
        }
        self.mistake(|p| p.remember(Rule::InvalidNamedExpression, Self::invalid_named_expression))?;
        self.plain_expression()
    }

    /// An expression that is no target of `:=`.
    pub(super) fn plain_expression(&mut self) -> Parsed<Node> {
        let expression = self.expression()?;
        self.refuse(|p| p.op(":="))?;
        Ok(expression)
    }

    fn invalid_named_expression(&mut self) -> Parsed<Node> {
        one_of!(
            self,
            |p| {
                let target = p.expression()?;
                p.op(":=")?;
                p.expression()?;
                let message = format!("cannot use assignment expressions with {}", p.name_of(target));
                Err(p.raise(p.span(target), message))
            },
            |p| {
                let name = p.kind(TokenKind::Name)?;
                p.op("=")?;
                let value = p.bitwise_or()?;
                p.refuse(|p| p.op_in(&["=", ":="]))?;
                let message = "invalid syntax. Maybe you meant '==' or ':=' instead of '='?";
                Err(p.raise(p.span(value).after(name.into()), message))
            },
            |p| {
                p.refuse(|p| one_of!(p, Self::list, Self::tuple, Self::generator, Self::constant_name))?;
                let target = p.bitwise_or()?;
                p.op("=")?;
                p.bitwise_or()?;
                p.refuse(|p| p.op_in(&["=", ":="]))?;
                let name = p.name_of(target);
                let message = format!("cannot assign to {name} here. Maybe you meant '==' instead of '='?");
                Err(p.raise(p.span(target), message))
            },
        )
    }

    pub(super) fn expression(&mut self) -> Parsed<Node> {
        self.remember(Rule::Expression, |p| {
            p.mistake(Self::invalid_expression)?;
            p.mistake(Self::invalid_legacy_statement)?;
            p.expression_without_mistakes()
        })
    }

    /// An expression, but what is inside it looks for mistakes.
    fn expression_without_mistakes(&mut self) -> Parsed<Node> {
        let begin = self.begin()?;
        let Some(first) = self.attempt(Self::disjunction)? else { return self.lambda() };
        let conditional = self.attempt(|p| {
            p.condition()?;
            p.word("else")?;
            p.expression()
        })?;
        match conditional {
            Some(_) => Ok(self.node(Kind::Conditional, begin, &[])),
            None => Ok(first),
        }
    }

    /// `if a`
    pub(super) fn condition(&mut self) -> Parsed<Node> {
        self.word("if")?;
        self.disjunction()
    }

    fn invalid_expression(&mut self) -> Parsed {
        one_of!(
            self,
            |p| {
                p.kind(TokenKind::String)?;
                let between = p.some(|p| {
                    p.refuse(|p| p.kind(TokenKind::String))?;
                    p.undiagnosed(Self::expression_without_mistakes)
                })?;
                p.kind(TokenKind::String)?;
                let span = p.span(between[0]).to(p.span(between[between.len() - 1]));
                Err(p.raise(span, "invalid syntax. Is this intended to be part of the string?"))
            },
            |p| {
                p.refuse(Self::name_before_string_or_soft_keyword)?;
                let first = p.disjunction()?;
                let second = p.undiagnosed(Self::expression_without_mistakes)?;
                if p.is_legacy_statement(first) || p.bracket_depth() == 0 {
                    return Ok(());
                }
                let span = p.span(first).to(p.span(second));
                Err(p.raise(span, "invalid syntax. Perhaps you forgot a comma?"))
            },
            |p| {
                let value = p.disjunction()?;
                let condition = p.condition()?;
                p.refuse(|p| one_of!(p, |p| p.word("else"), |p| p.op(":")))?;
                let span = p.span(value).to(p.span(condition));
                Err(p.raise(span, "expected 'else' after 'if' expression"))
            },
            |p| {
                p.disjunction()?;
                p.condition()?;
                p.word("else")?;
                p.refuse(Self::expression)?;
                Err(p.raise_at_next("expected expression after 'else', but statement is given"))
            },
            |p| {
                let statement = one_of!(p, |p| p.word("pass"), |p| p.word("break"), |p| p.word("continue"))?;
                p.condition()?;
                p.word("else")?;
                p.simple_statement()?;
                Err(p.raise(statement.into(), "expected expression before 'if', but statement is given"))
            },
            |p| p.lambda_before_text(TokenKind::FStringMiddle, 'f'),
            |p| p.lambda_before_text(TokenKind::TStringMiddle, 't'),
        )
    }

    fn name_before_string_or_soft_keyword(&mut self) -> Parsed {
        let name = self.kind(TokenKind::Name)?;
        if SOFT_KEYWORDS.contains(&self.text(name)) {
            return Ok(());
        }
        self.kind(TokenKind::String).map(drop)
    }

    /// `f"{lambda: 1}"`: the colon begins the format specification.
    fn lambda_before_text(&mut self, text: TokenKind, letter: char) -> Parsed {
        let lambda = self.word("lambda")?;
        self.attempt(Self::lambda_parameters)?;
        let colon = self.op(":")?;
        self.expect(|p| p.kind(text))?;
        let span = Span::from(lambda).to(colon.into());
        Err(self.raise(span, format!("{letter}-string: lambda expressions are not allowed without parentheses")))
    }

    fn is_legacy_statement(&self, node: Node) -> bool {
        self.node_kind(node) == Kind::Name && LEGACY_STATEMENTS.contains(&self.text(self.first_token(node)))
    }

    /// `print "a"`
    fn invalid_legacy_statement(&mut self) -> Parsed {
        let name = self.kind(TokenKind::Name)?;
        self.refuse(|p| p.op("("))?;
        let rest = self.star_expressions()?;
        if !LEGACY_STATEMENTS.contains(&self.text(name)) {
            return Ok(());
        }
        let text = String::from_utf8_lossy(self.text(name)).into_owned();
        let message = format!("Missing parentheses in call to '{text}'. Did you mean {text}(...)?");
        Err(self.raise(self.span(rest).after(name.into()), message))
    }

    fn lambda(&mut self) -> Parsed<Node> {
        let begin = self.begin()?;
        self.word("lambda")?;
        self.attempt(Self::lambda_parameters)?;
        self.op(":")?;
        self.expression()?;
        Ok(self.node(Kind::Lambda, begin, &[]))
    }

    pub(super) fn disjunction(&mut self) -> Parsed<Node> {
        self.remember(Rule::Disjunction, |p| p.operands("or", Self::conjunction))
    }

    fn conjunction(&mut self) -> Parsed<Node> {
        self.remember(Rule::Conjunction, |p| p.operands("and", Self::inversion))
    }

    fn operands(&mut self, word: &str, operand: fn(&mut Self) -> Parsed<Node>) -> Parsed<Node> {
        let begin = self.begin()?;
        let first = operand(self)?;
        let others = self.many(|p| {
            p.word(word)?;
            operand(p)
        })?;
        Ok(if others.is_empty() { first } else { self.node(Kind::Operation, begin, &[]) })
    }

    fn inversion(&mut self) -> Parsed<Node> {
        self.remember(Rule::Inversion, |p| {
            let begin = p.begin()?;
            if p.attempt(|p| p.word("not"))?.is_none() {
                return p.comparison();
            }
            p.inversion()?;
            Ok(p.node(Kind::Operation, begin, &[]))
        })
    }

    fn comparison(&mut self) -> Parsed<Node> {
        let begin = self.begin()?;
        let left = self.bitwise_or()?;
        let operators = self.many(|p| {
            let is_in = p.comparison_operator()?;
            p.bitwise_or()?;
            Ok(is_in)
        })?;
        Ok(match operators.first() {
            None => left,
            Some(&first_is_in) => self.node(Kind::Comparison { first_is_in }, begin, &[left]),
        })
    }

    /// Takes an operator; tells whether it is `in`.
    fn comparison_operator(&mut self) -> Parsed<bool> {
        one_of!(
            self,
            |p| p.op_in(&["==", "<=", "<", ">=", ">"]).map(|_| false),
            |p| p.unequal().map(|()| false),
            |p| {
                p.word("not")?;
                p.word("in").map(|_| false)
            },
            |p| p.word("in").map(|_| true),
            |p| {
                p.word("is")?;
                p.attempt(|p| p.word("not")).map(|_| false)
            },
        )
    }

    /// `!=`, or `<>` where the language is benevolent.
    fn unequal(&mut self) -> Parsed {
        let token = self.op_in(&["!=", "<>"])?;
        let is_old = self.text(token) == b"<>";
        let message = match (is_old, self.reading.barry_as_bdfl) {
            (true, false) => "invalid syntax.  Maybe you meant '!=' instead of '<>'?",
            (false, true) => "with Barry as BDFL, use '<>' instead of '!='",
            _ => return Ok(()),
        };
        Err(self.raise_at_last(SyntaxErrorKind::Syntax, message))
    }

    pub(super) fn bitwise_or(&mut self) -> Parsed<Node> {
        self.bitwise(0)
    }

    fn bitwise(&mut self, level: usize) -> Parsed<Node> {
        let Some(&(rule, operators)) = BITWISE.get(level) else { return self.shift() };
        self.remember(rule, |p| p.left_associative(operators, |p| p.bitwise(level + 1)))
    }

    fn left_associative(&mut self, operators: &[&str], mut operand: impl FnMut(&mut Self) -> Parsed<Node>) -> Parsed<Node> {
        let begin = self.begin()?;
        let first = operand(self)?;
        let others = self.many(|p| {
            p.op_in(operators)?;
            operand(p)
        })?;
        Ok(if others.is_empty() { first } else { self.node(Kind::Operation, begin, &[]) })
    }

    fn shift(&mut self) -> Parsed<Node> {
        self.remember(Rule::Shift, |p| {
            p.mistake(|p| {
                p.sum()?;
                p.op_in(&["+", "-", "*", "/", "%", "//", "@"])?;
                p.invalid_not(Self::inversion)
            })?;
            p.left_associative(&["<<", ">>"], Self::sum)
        })
    }

    /// `1 + not 2`
    fn invalid_not(&mut self, operand: fn(&mut Self) -> Parsed<Node>) -> Parsed {
        let not = self.word("not")?;
        let operand = operand(self)?;
        Err(self.raise(self.span(operand).after(not.into()), "'not' after an operator must be parenthesized"))
    }

    fn sum(&mut self) -> Parsed<Node> {
        self.remember(Rule::Sum, |p| p.left_associative(&["+", "-"], Self::term))
    }

    fn term(&mut self) -> Parsed<Node> {
        self.remember(Rule::Term, |p| {
            p.mistake(|p| {
                p.op_in(&["+", "-", "~"])?;
                p.invalid_not(Self::factor)
            })?;
            p.left_associative(&["*", "/", "//", "%", "@"], Self::factor)
        })
    }

    fn factor(&mut self) -> Parsed<Node> {
        self.remember(Rule::Factor, |p| {
            let begin = p.begin()?;
            if p.attempt(|p| p.op_in(&["+", "-", "~"]))?.is_none() {
                return p.power();
            }
            p.factor()?;
            Ok(p.node(Kind::Operation, begin, &[]))
        })
    }

    fn power(&mut self) -> Parsed<Node> {
        let begin = self.begin()?;
        let base = self.await_primary()?;
        let exponent = self.attempt(|p| {
            p.op("**")?;
            p.factor()
        })?;
        Ok(if exponent.is_none() { base } else { self.node(Kind::Operation, begin, &[]) })
    }

    fn await_primary(&mut self) -> Parsed<Node> {
        self.remember(Rule::AwaitPrimary, |p| {
            let begin = p.begin()?;
            if p.attempt(|p| p.word("await"))?.is_none() {
                return p.primary();
            }
            p.primary()?;
            Ok(p.node(Kind::Await, begin, &[]))
        })
    }
}
