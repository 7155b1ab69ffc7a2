//! The arguments of a call.

use crate::error::SyntaxErrorKind;
use crate::parse_errors::node::{Kind, Node, Span};
use crate::parse_errors::parser::{Parsed, Parser, Rule, Stop, one_of};
use crate::parse_errors::token::TokenKind;

/// A keyword argument, or a positional one among them.
#[derive(Clone, Copy)]
enum KeywordArgument {
    Named,
    Starred(Node),
    DoubleStarred,
}

impl Parser<'_> {
    pub(super) fn arguments(&mut self) -> Parsed<Node> {
        self.remember(Rule::Arguments, |p| {
            let arguments = p.attempt(|p| {
                let arguments = p.argument_list()?;
                p.attempt(|p| p.op(","))?;
                p.expect(|p| p.op(")"))?;
                Ok(arguments)
            })?;
            if let Some(arguments) = arguments {
                return Ok(arguments);
            }
            p.mistake(Self::invalid_arguments)?;
            Err(Stop::Mismatch)
        })
    }

    fn argument_list(&mut self) -> Parsed<Node> {
        let begin = self.begin()?;
        let mut positional = self.attempt(|p| p.commas(Self::positional_argument))?.unwrap_or_default();
        let keywords = if positional.is_empty() {
            self.keyword_arguments()?
        } else {
            self.attempt(|p| {
                p.op(",")?;
                p.keyword_arguments()
            })?
            .unwrap_or_default()
        };
        let mut unpacks_mapping = false;
        for keyword in keywords {
            match keyword {
                KeywordArgument::Named => {}
                KeywordArgument::Starred(node) => positional.push(node),
                KeywordArgument::DoubleStarred => unpacks_mapping = true,
            }
        }
        Ok(self.node(Kind::Arguments { unpacks_mapping }, begin, &positional))
    }

    fn positional_argument(&mut self) -> Parsed<Node> {
        one_of!(self, Self::starred_expression, |p| {
            let value = one_of!(p, Self::assignment_expression, Self::plain_expression)?;
            p.refuse(|p| p.op("="))?;
            Ok(value)
        })
    }

    fn keyword_arguments(&mut self) -> Parsed<Vec<KeywordArgument>> {
        one_of!(
            self,
            |p| {
                let mut keywords = p.commas(Self::keyword_or_starred)?;
                let others = p.attempt(|p| {
                    p.op(",")?;
                    p.commas(Self::keyword_or_double_starred)
                })?;
                keywords.extend(others.unwrap_or_default());
                Ok(keywords)
            },
            |p| p.commas(Self::keyword_or_double_starred),
        )
    }

    fn keyword_argument(&mut self) -> Parsed<KeywordArgument> {
        self.kind(TokenKind::Name)?;
        self.op("=")?;
        self.expression()?;
        Ok(KeywordArgument::Named)
    }

    fn keyword_or_starred(&mut self) -> Parsed<KeywordArgument> {
        self.mistake(Self::invalid_keyword)?;
        one_of!(self, Self::keyword_argument, |p| p.starred_expression().map(KeywordArgument::Starred))
    }

    fn keyword_or_double_starred(&mut self) -> Parsed<KeywordArgument> {
        self.mistake(Self::invalid_keyword)?;
        one_of!(self, Self::keyword_argument, |p| {
            p.op("**")?;
            p.expression()?;
            Ok(KeywordArgument::DoubleStarred)
        })
    }

    pub(super) fn starred_expression(&mut self) -> Parsed<Node> {
        self.mistake(|p| {
            let star = p.op("*")?;
            p.expression()?;
            p.op("=")?;
            let value = p.expression()?;
            let span = p.span(value).after(star.into());
            Err::<(), _>(p.raise(span, "cannot assign to iterable argument unpacking"))
        })?;
        let begin = self.begin()?;
        let value = self.attempt(|p| {
            p.op("*")?;
            p.expression()
        })?;
        if let Some(value) = value {
            return Ok(self.node(Kind::Starred, begin, &[value]));
        }
        self.mistake(|p| {
            p.op("*")?;
            Err::<(), _>(p.raise_at_last(SyntaxErrorKind::Syntax, "Invalid star expression"))
        })?;
        Err(Stop::Mismatch)
    }

    fn invalid_keyword(&mut self) -> Parsed {
        one_of!(
            self,
            |p| {
                let constant = p.constant_name()?;
                let equals = p.op("=")?;
                let message = format!("cannot assign to {}", p.name_of(constant));
                Err(p.raise(p.span(constant).to(equals.into()), message))
            },
            Self::comprehension_as_keyword,
            |p| {
                p.refuse(|p| {
                    p.kind(TokenKind::Name)?;
                    p.op("=")
                })?;
                let target = p.expression()?;
                let equals = p.op("=")?;
                let message = "expression cannot contain assignment, perhaps you meant \"==\"?";
                Err(p.raise(p.span(target).to(equals.into()), message))
            },
            |p| {
                let stars = p.op("**")?;
                p.expression()?;
                p.op("=")?;
                let value = p.expression()?;
                let span = p.span(value).after(stars.into());
                Err(p.raise(span, "cannot assign to keyword argument unpacking"))
            },
        )
    }

    /// `f(a=b for c in d)`
    fn comprehension_as_keyword(&mut self) -> Parsed {
        let name = self.kind(TokenKind::Name)?;
        let equals = self.op("=")?;
        self.expression()?;
        self.comprehension_clauses()?;
        let span = Span::from(name).to(equals.into());
        Err(self.raise(span, "invalid syntax. Maybe you meant '==' or ':=' instead of '='?"))
    }

    fn invalid_arguments(&mut self) -> Parsed {
        const UNPARENTHESIZED: &str = "Generator expression must be parenthesized";
        one_of!(
            self,
            |p| {
                one_of!(
                    p,
                    |p| {
                        p.commas(Self::positional_argument)?;
                        p.op(",")?;
                        p.keyword_arguments().map(drop)
                    },
                    |p| p.keyword_arguments().map(drop),
                )?;
                let comma = p.op(",")?;
                p.commas(|p| {
                    p.starred_expression()?;
                    p.refuse(|p| p.op("="))
                })?;
                let start = Span::from(comma).start;
                Err(p.raise_from(start, "iterable argument unpacking follows keyword argument unpacking"))
            },
            |p| {
                let element = p.expression()?;
                let last = p.comprehension_clauses()?;
                p.op(",")?;
                p.attempt(|p| {
                    one_of!(p, |p| p.argument_list().map(drop), |p| {
                        p.expression()?;
                        p.comprehension_clauses().map(drop)
                    })
                })?;
                Err(p.raise(p.span(element).to(p.span(last)), UNPARENTHESIZED))
            },
            Self::comprehension_as_keyword,
            |p| {
                p.attempt(|p| {
                    p.argument_list()?;
                    p.op(",")
                })?;
                let name = p.kind(TokenKind::Name)?;
                let equals = p.op("=")?;
                p.expect(|p| p.op_in(&[",", ")"]))?;
                Err(p.raise(Span::from(name).to(equals.into()), "expected argument value expression"))
            },
            |p| {
                let arguments = p.argument_list()?;
                let last = p.comprehension_clauses()?;
                match p.nodes.get(arguments).children[..] {
                    [.., _, element] => Err(p.raise(p.span(element).to(p.span(last)), UNPARENTHESIZED)),
                    _ => Ok(()),
                }
            },
            |p| {
                p.argument_list()?;
                p.op(",")?;
                let element = p.expression()?;
                let last = p.comprehension_clauses()?;
                Err(p.raise(p.span(element).to(p.span(last)), UNPARENTHESIZED))
            },
            |p| {
                let arguments = p.argument_list()?;
                p.op(",")?;
                p.argument_list()?;
                let unpacking = match p.node_kind(arguments) {
                    Kind::Arguments { unpacks_mapping: true } => " unpacking",
                    _ => "",
                };
                let message = format!("positional argument follows keyword argument{unpacking}");
                Err(p.raise_at_last(SyntaxErrorKind::Syntax, message))
            },
        )
    }
}
