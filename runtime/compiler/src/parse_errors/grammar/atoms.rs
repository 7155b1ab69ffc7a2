//! Names, literals, collections, comprehensions, and what may follow them: attributes, subscripts, calls.

use crate::error::SyntaxErrorKind;
use crate::parse_errors::node::{Kind, Node, Span, TargetUse};
use crate::parse_errors::parser::{Parsed, Parser, Rule, Stop, one_of};
use crate::parse_errors::token::TokenKind;

impl Parser<'_> {
    pub(super) fn name(&mut self) -> Parsed<Node> {
        let begin = self.begin()?;
        self.kind(TokenKind::Name)?;
        Ok(self.node(Kind::Name, begin, &[]))
    }

    pub(super) fn primary(&mut self) -> Parsed<Node> {
        self.remember(Rule::Primary, |p| {
            let begin = p.begin()?;
            let mut primary = p.atom()?;
            while let Some(kind) = p.attempt(Self::trailer)? {
                primary = p.node(kind, begin, &[]);
            }
            Ok(primary)
        })
    }

    /// `.a`, `(a)` or `[a]`
    pub(super) fn trailer(&mut self) -> Parsed<Kind> {
        one_of!(
            self,
            |p| {
                p.op(".")?;
                p.kind(TokenKind::Name).map(|_| Kind::Attribute)
            },
            |p| p.generator().map(|_| Kind::Call),
            |p| {
                p.op("(")?;
                p.attempt(Self::arguments)?;
                p.op(")").map(|_| Kind::Call)
            },
            |p| {
                p.op("[")?;
                p.slices()?;
                p.op("]").map(|_| Kind::Subscript)
            },
        )
    }

    pub(super) fn slices(&mut self) -> Parsed {
        let only = self.attempt(|p| {
            p.slice()?;
            p.refuse(|p| p.op(","))
        })?;
        if only.is_none() {
            self.commas_and_more(|p| one_of!(p, Self::slice, |p| p.starred_expression().map(drop)))?;
        }
        Ok(())
    }

    fn slice(&mut self) -> Parsed {
        one_of!(
            self,
            |p| {
                p.attempt(Self::expression)?;
                p.op(":")?;
                p.attempt(Self::expression)?;
                p.attempt(|p| {
                    p.op(":")?;
                    p.attempt(Self::expression)
                })?;
                Ok(())
            },
            |p| p.named_expression().map(drop),
        )
    }

    /// `True`, `False` or `None`
    pub(super) fn constant_name(&mut self) -> Parsed<Node> {
        let begin = self.begin()?;
        let token = self.kind(TokenKind::Keyword)?;
        let kind = match self.text(token) {
            b"True" => Kind::True,
            b"False" => Kind::False,
            b"None" => Kind::None,
            _ => return Err(Stop::Mismatch),
        };
        Ok(self.node(kind, begin, &[]))
    }

    pub(super) fn atom(&mut self) -> Parsed<Node> {
        let token = self.peek()?;
        match token.kind {
            TokenKind::Name => self.name(),
            TokenKind::Keyword => self.constant_name(),
            TokenKind::String | TokenKind::FStringStart | TokenKind::TStringStart => self.strings(),
            TokenKind::Number => self.number(),
            TokenKind::Operator => match self.text(token) {
                b"(" => one_of!(self, Self::tuple, Self::group, Self::generator),
                b"[" => one_of!(self, Self::list, Self::list_comprehension),
                b"{" => one_of!(self, Self::dict, Self::set, Self::dict_comprehension, Self::set_comprehension),
                b"..." => {
                    let begin = self.begin()?;
                    self.op("...")?;
                    Ok(self.node(Kind::Ellipsis, begin, &[]))
                }
                _ => Err(Stop::Mismatch),
            },
            _ => Err(Stop::Mismatch),
        }
    }

    pub(super) fn number(&mut self) -> Parsed<Node> {
        let begin = self.begin()?;
        self.kind(TokenKind::Number)?;
        Ok(self.node(Kind::Literal, begin, &[]))
    }

    /// An expression in parentheses; its node is that of the expression.
    fn group(&mut self) -> Parsed<Node> {
        let group = self.attempt(|p| {
            p.op("(")?;
            let inner = one_of!(p, Self::yield_expression, Self::named_expression)?;
            p.op(")")?;
            Ok(inner)
        })?;
        if let Some(inner) = group {
            return Ok(inner);
        }
        self.mistake(Self::invalid_group)?;
        Err(Stop::Mismatch)
    }

    fn invalid_group(&mut self) -> Parsed {
        one_of!(
            self,
            |p| {
                p.op("(")?;
                let starred = p.starred_expression()?;
                p.op(")")?;
                Err(p.raise(p.span(starred), "cannot use starred expression here"))
            },
            |p| {
                p.op("(")?;
                let stars = p.op("**")?;
                p.expression()?;
                p.op(")")?;
                Err(p.raise(stars.into(), "cannot use double starred expression here"))
            },
        )
    }

    pub(super) fn tuple(&mut self) -> Parsed<Node> {
        let begin = self.begin()?;
        self.op("(")?;
        let items = self.attempt(|p| {
            let mut items = vec![p.star_named_expression()?];
            p.op(",")?;
            items.extend(p.attempt(Self::star_named_expressions)?.unwrap_or_default());
            Ok(items)
        })?;
        self.op(")")?;
        Ok(self.node(Kind::Tuple, begin, &items.unwrap_or_default()))
    }

    pub(super) fn list(&mut self) -> Parsed<Node> {
        let begin = self.begin()?;
        self.op("[")?;
        let items = self.attempt(Self::star_named_expressions)?;
        self.op("]")?;
        Ok(self.node(Kind::List, begin, &items.unwrap_or_default()))
    }

    fn set(&mut self) -> Parsed<Node> {
        let begin = self.begin()?;
        self.op("{")?;
        self.star_named_expressions()?;
        self.op("}")?;
        Ok(self.node(Kind::Set, begin, &[]))
    }

    fn dict(&mut self) -> Parsed<Node> {
        let begin = self.begin()?;
        let dict = self.attempt(|p| {
            p.op("{")?;
            p.attempt(|p| p.commas_and_more(Self::dict_item))?;
            p.op("}").map(drop)
        })?;
        if dict.is_some() {
            return Ok(self.node(Kind::Dict, begin, &[]));
        }
        // These mistakes are looked for in the first pass already, before those in the items themselves.
        self.op("{")?;
        self.invalid_dict_items()?;
        Err(Stop::Mismatch)
    }

    fn dict_item(&mut self) -> Parsed {
        one_of!(
            self,
            |p| {
                p.op("**")?;
                p.bitwise_or().map(drop)
            },
            Self::key_and_value,
        )
    }

    fn key_and_value(&mut self) -> Parsed {
        self.expression()?;
        self.op(":")?;
        self.expression().map(drop)
    }

    fn invalid_dict_items(&mut self) -> Parsed {
        one_of!(
            self,
            |p| {
                p.commas(Self::dict_item)?;
                p.op(",")?;
                p.invalid_key_and_value()
            },
            Self::starred_value,
            Self::missing_value,
        )
    }

    fn invalid_key_and_value(&mut self) -> Parsed {
        one_of!(
            self,
            |p| {
                let key = p.expression()?;
                p.refuse(|p| p.op(":"))?;
                let end = p.span(key).end;
                let line = p.span(key).start.line;
                let message = "':' expected after dictionary key";
                let kind = SyntaxErrorKind::Syntax;
                Err(p.raise_as(kind, message, (line, end.column), (end.line, 0)))
            },
            Self::starred_value,
            Self::missing_value,
        )
    }

    /// `a: *b`
    fn starred_value(&mut self) -> Parsed {
        self.expression()?;
        self.op(":")?;
        let star = self.op("*")?;
        self.bitwise_or()?;
        let start = Span::from(star).start;
        Err(self.raise_from(start, "cannot use a starred expression in a dictionary value"))
    }

    /// `a:` and no more
    fn missing_value(&mut self) -> Parsed {
        self.expression()?;
        let colon = self.op(":")?;
        self.expect(|p| p.op_in(&["}", ","]))?;
        Err(self.raise(colon.into(), "expression expected after dictionary key and ':'"))
    }

    // Comprehensions.

    pub(super) fn generator(&mut self) -> Parsed<Node> {
        self.comprehension(Kind::Generator, "(", ")", |p| one_of!(p, Self::assignment_expression, Self::plain_expression))
    }

    fn list_comprehension(&mut self) -> Parsed<Node> {
        self.comprehension(Kind::ListComprehension, "[", "]", Self::named_expression)
    }

    fn set_comprehension(&mut self) -> Parsed<Node> {
        self.comprehension(Kind::SetComprehension, "{", "}", Self::named_expression)
    }

    fn comprehension(&mut self, kind: Kind, open: &str, close: &str, element: impl FnOnce(&mut Self) -> Parsed<Node>) -> Parsed<Node> {
        let begin = self.begin()?;
        let comprehension = self.attempt(|p| {
            p.op(open)?;
            element(p)?;
            p.comprehension_clauses()?;
            p.op(close).map(drop)
        })?;
        if comprehension.is_some() {
            return Ok(self.node(kind, begin, &[]));
        }
        self.mistake(Self::invalid_comprehension)?;
        Err(Stop::Mismatch)
    }

    fn invalid_comprehension(&mut self) -> Parsed {
        const MESSAGE: &str = "did you forget parentheses around the comprehension target?";
        one_of!(
            self,
            |p| {
                p.op_in(&["[", "(", "{"])?;
                let starred = p.starred_expression()?;
                p.comprehension_clauses()?;
                Err(p.raise(p.span(starred), "iterable unpacking cannot be used in comprehension"))
            },
            |p| {
                p.op_in(&["[", "{"])?;
                let first = p.star_named_expression()?;
                p.op(",")?;
                let others = p.star_named_expressions()?;
                p.comprehension_clauses()?;
                let span = p.span(first).to(p.span(others[others.len() - 1]));
                Err(p.raise(span, MESSAGE))
            },
            |p| {
                p.op_in(&["[", "{"])?;
                let first = p.star_named_expression()?;
                let comma = p.op(",")?;
                p.comprehension_clauses()?;
                let span = p.span(first).to(comma.into());
                Err(p.raise(span, MESSAGE))
            },
        )
    }

    fn dict_comprehension(&mut self) -> Parsed<Node> {
        let begin = self.begin()?;
        let comprehension = self.attempt(|p| {
            p.op("{")?;
            p.key_and_value()?;
            p.comprehension_clauses()?;
            p.op("}").map(drop)
        })?;
        if comprehension.is_some() {
            return Ok(self.node(Kind::DictComprehension, begin, &[]));
        }
        self.mistake(|p| {
            p.op("{")?;
            let stars = p.op("**")?;
            p.bitwise_or()?;
            p.comprehension_clauses()?;
            p.op("}")?;
            Err::<(), _>(p.raise(stars.into(), "dict unpacking cannot be used in dict comprehension"))
        })?;
        Err(Stop::Mismatch)
    }

    /// `for a in b if c ...`; gives the last expression.
    pub(super) fn comprehension_clauses(&mut self) -> Parsed<Node> {
        let clauses = self.some(Self::comprehension_clause)?;
        Ok(clauses[clauses.len() - 1])
    }

    fn comprehension_clause(&mut self) -> Parsed<Node> {
        let targets = self.attempt(|p| {
            p.attempt(|p| p.word("async"))?;
            p.word("for")?;
            p.star_targets()?;
            p.word("in").map(drop)
        })?;
        if targets.is_some() {
            let iterable = self.disjunction()?;
            let conditions = self.many(Self::condition)?;
            return Ok(conditions.last().copied().unwrap_or(iterable));
        }
        self.mistake(|p| {
            p.attempt(|p| p.word("async"))?;
            p.word("for")?;
            p.commas_and_more(Self::bitwise_or)?;
            p.refuse(|p| p.word("in"))?;
            let kind = SyntaxErrorKind::Syntax;
            Err::<(), _>(p.raise_at_last(kind, "'in' expected after for-loop variables"))
        })?;
        self.mistake(Self::invalid_for_target)?;
        Err(Stop::Mismatch)
    }

    pub(super) fn invalid_for_target(&mut self) -> Parsed {
        self.attempt(|p| p.word("async"))?;
        self.word("for")?;
        let target = self.star_expressions()?;
        self.check_target(target, TargetUse::Loop)
    }
}
