//! Parameters of functions and lambdas, and type parameters.

use crate::error::SyntaxErrorKind;
use crate::parse_errors::node::{Kind, Node, Span};
use crate::parse_errors::parser::{Parsed, Parser, Rule, Stop, one_of};
use crate::parse_errors::token::{Token, TokenKind};

/// What differs between the parameters of `def` and those of `lambda`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Style {
    /// What ends the list.
    end: &'static str,
    annotated: bool,
}

const DEF: Style = Style { end: ")", annotated: true };
const LAMBDA: Style = Style { end: ":", annotated: false };

impl Parser<'_> {
    pub(super) fn parameters(&mut self) -> Parsed {
        self.parameters_in(DEF)
    }

    pub(super) fn lambda_parameters(&mut self) -> Parsed {
        self.parameters_in(LAMBDA)
    }

    fn parameters_in(&mut self, style: Style) -> Parsed {
        self.mistake(|p| p.invalid_parameters(style))?;
        one_of!(
            self,
            |p| {
                p.slash_without_default(style)?;
                p.many(|p| p.parameter_without_default(style))?;
                p.parameters_with_default(style)
            },
            |p| {
                p.slash_with_default(style)?;
                p.parameters_with_default(style)
            },
            |p| {
                p.some(|p| p.parameter_without_default(style))?;
                p.parameters_with_default(style)
            },
            |p| {
                p.some(|p| p.parameter_with_default(style))?;
                p.attempt(|p| p.star_parameters(style)).map(drop)
            },
            |p| p.star_parameters(style),
        )
    }

    fn parameters_with_default(&mut self, style: Style) -> Parsed {
        self.many(|p| p.parameter_with_default(style))?;
        self.attempt(|p| p.star_parameters(style)).map(drop)
    }

    fn parameter(&mut self, style: Style) -> Parsed<Token> {
        let name = self.kind(TokenKind::Name)?;
        if style.annotated {
            self.attempt(|p| {
                p.op(":")?;
                p.expression()
            })?;
        }
        Ok(name)
    }

    fn default(&mut self) -> Parsed {
        let default = self.attempt(|p| {
            p.op("=")?;
            p.expression()
        })?;
        if default.is_some() {
            return Ok(());
        }
        self.mistake(|p| {
            let equals = p.op("=")?;
            p.expect(|p| p.op_in(&[")", ","]))?;
            Err::<(), _>(p.raise(equals.into(), "expected default value expression"))
        })?;
        Err(Stop::Mismatch)
    }

    /// A comma follows, or the end of the list.
    fn end_of_parameter(&mut self, style: Style) -> Parsed {
        if self.attempt(|p| p.op(","))?.is_none() {
            self.expect(|p| p.op(style.end))?;
        }
        Ok(())
    }

    /// Gives where the parameter is, without what follows it.
    fn parameter_without_default(&mut self, style: Style) -> Parsed<Span> {
        let begin = self.begin()?;
        self.parameter(style)?;
        let span = self.span_from(begin);
        self.end_of_parameter(style)?;
        Ok(span)
    }

    fn parameter_with_default(&mut self, style: Style) -> Parsed {
        self.parameter(style)?;
        self.default()?;
        self.end_of_parameter(style)
    }

    fn parameter_maybe_default(&mut self, style: Style) -> Parsed {
        self.parameter(style)?;
        self.attempt(Self::default)?;
        self.end_of_parameter(style)
    }

    fn end_of_slash(&mut self, style: Style) -> Parsed {
        self.op("/")?;
        self.end_of_parameter(style)
    }

    fn slash_without_default(&mut self, style: Style) -> Parsed {
        self.some(|p| p.parameter_without_default(style))?;
        self.end_of_slash(style)
    }

    fn slash_with_default(&mut self, style: Style) -> Parsed {
        self.many(|p| p.parameter_without_default(style))?;
        self.some(|p| p.parameter_with_default(style))?;
        self.end_of_slash(style)
    }

    fn any_slash(&mut self, style: Style) -> Parsed {
        one_of!(self, |p| p.slash_without_default(style), |p| p.slash_with_default(style))
    }

    /// What begins with a star, up to the end.
    fn star_parameters(&mut self, style: Style) -> Parsed {
        self.mistake(|p| p.invalid_star_parameters(style))?;
        one_of!(
            self,
            |p| {
                p.op("*")?;
                p.parameter_without_default(style)?;
                p.keyword_only_parameters(style)
            },
            |p| {
                if !style.annotated {
                    return Err(Stop::Mismatch);
                }
                p.op("*")?;
                p.kind(TokenKind::Name)?;
                p.op(":")?;
                p.star_expression()?;
                p.end_of_parameter(style)?;
                p.keyword_only_parameters(style)
            },
            |p| {
                p.op("*")?;
                p.op(",")?;
                p.parameter_maybe_default(style)?;
                p.keyword_only_parameters(style)
            },
            |p| p.double_star_parameter(style),
        )
    }

    fn keyword_only_parameters(&mut self, style: Style) -> Parsed {
        self.many(|p| p.parameter_maybe_default(style))?;
        self.attempt(|p| p.double_star_parameter(style)).map(drop)
    }

    fn double_star_parameter(&mut self, style: Style) -> Parsed {
        self.mistake(|p| p.invalid_double_star_parameter(style))?;
        self.op("**")?;
        self.parameter_without_default(style).map(drop)
    }

    fn invalid_parameters(&mut self, style: Style) -> Parsed {
        one_of!(
            self,
            |p| {
                let slash = p.op("/")?;
                p.op(",")?;
                Err(p.raise(slash.into(), "at least one argument must precede /"))
            },
            |p| {
                p.any_slash(style)?;
                p.many(|p| p.parameter_maybe_default(style))?;
                let slash = p.op("/")?;
                Err(p.raise(slash.into(), "/ may appear only once"))
            },
            |p| {
                p.attempt(|p| p.slash_without_default(style))?;
                p.many(|p| p.parameter_without_default(style))?;
                one_of!(p, |p| p.slash_with_default(style), |p| { p.some(|p| p.parameter_with_default(style)).map(drop) })?;
                let wrong = p.parameter_without_default(style)?;
                Err(p.raise(wrong, "parameter without a default follows parameter with a default"))
            },
            |p| p.invalid_parenthesized_parameters(style),
            |p| {
                p.attempt(|p| p.any_slash(style))?;
                p.many(|p| p.parameter_maybe_default(style))?;
                p.op("*")?;
                p.comma_or_parameter(style)?;
                p.many(|p| p.parameter_maybe_default(style))?;
                let slash = p.op("/")?;
                Err(p.raise(slash.into(), "/ must be ahead of *"))
            },
            |p| {
                p.some(|p| p.parameter_maybe_default(style))?;
                p.op("/")?;
                let star = p.op("*")?;
                Err(p.raise(star.into(), "expected comma between / and *"))
            },
        )
    }

    fn invalid_parenthesized_parameters(&mut self, style: Style) -> Parsed {
        self.many(|p| p.parameter_without_default(style))?;
        let open = self.op("(")?;
        if style.annotated {
            self.some(|p| p.parameter_without_default(style))?;
            self.attempt(|p| p.op(","))?;
        } else {
            self.commas_and_more(|p| p.parameter(style))?;
        }
        let close = self.op(")")?;
        let what = if style.annotated { "Function" } else { "Lambda expression" };
        Err(self.raise(Span::from(open).to(close.into()), format!("{what} parameters cannot be parenthesized")))
    }

    fn comma_or_parameter(&mut self, style: Style) -> Parsed {
        one_of!(self, |p| p.op(",").map(drop), |p| p.parameter_without_default(style).map(drop))
    }

    fn invalid_star_parameters(&mut self, style: Style) -> Parsed {
        one_of!(
            self,
            |p| {
                let star = p.op("*")?;
                one_of!(p, |p| p.op(style.end).map(drop), |p| {
                    p.op(",")?;
                    p.op_in(&[style.end, "**"]).map(drop)
                })?;
                const MESSAGE: &str = "named arguments must follow bare *";
                if style.annotated { Err(p.raise(star.into(), MESSAGE)) } else { Err(p.raise_at_last(SyntaxErrorKind::Syntax, MESSAGE)) }
            },
            |p| {
                p.op("*")?;
                p.parameter(style)?;
                let equals = p.op("=")?;
                Err(p.raise(equals.into(), "var-positional argument cannot have default value"))
            },
            |p| {
                p.op("*")?;
                p.comma_or_parameter(style)?;
                p.many(|p| p.parameter_maybe_default(style))?;
                let star = p.op("*")?;
                p.comma_or_parameter(style)?;
                Err(p.raise(star.into(), "* argument may appear only once"))
            },
        )
    }

    fn invalid_double_star_parameter(&mut self, style: Style) -> Parsed {
        const AFTER: &str = "arguments cannot follow var-keyword argument";
        one_of!(
            self,
            |p| {
                p.op("**")?;
                p.parameter(style)?;
                let equals = p.op("=")?;
                Err(p.raise(equals.into(), "var-keyword argument cannot have default value"))
            },
            |p| {
                p.op("**")?;
                p.parameter(style)?;
                p.op(",")?;
                let begin = p.begin()?;
                p.parameter(style)?;
                let span = p.span_from(begin);
                Err(p.raise(span, AFTER))
            },
            |p| {
                p.op("**")?;
                p.parameter(style)?;
                p.op(",")?;
                let token = p.op_in(&["*", "**", "/"])?;
                Err(p.raise(token.into(), AFTER))
            },
        )
    }

    /// `[T: int, *Ts, **P = [int]]`
    pub(super) fn type_parameters(&mut self) -> Parsed {
        self.mistake(|p| {
            p.op("[")?;
            let close = p.op("]")?;
            Err::<(), _>(p.raise_from(Span::from(close).start, "Type parameter list cannot be empty"))
        })?;
        self.op("[")?;
        self.commas_and_more(Self::type_parameter)?;
        self.op("]").map(drop)
    }

    fn type_parameter(&mut self) -> Parsed<Node> {
        self.remember(Rule::TypeParameter, |p| {
            let begin = p.begin()?;
            one_of!(
                p,
                |p| {
                    p.kind(TokenKind::Name)?;
                    p.attempt(|p| {
                        p.op(":")?;
                        p.expression()
                    })?;
                    p.type_parameter_default(Self::expression)
                },
                |p| {
                    p.mistake(Self::invalid_type_parameter)?;
                    p.op("*")?;
                    p.kind(TokenKind::Name)?;
                    p.type_parameter_default(Self::star_expression)
                },
                |p| {
                    p.op("**")?;
                    p.kind(TokenKind::Name)?;
                    p.type_parameter_default(Self::expression)
                },
            )?;
            Ok(p.node(Kind::Other, begin, &[]))
        })
    }

    fn type_parameter_default(&mut self, default: fn(&mut Self) -> Parsed<Node>) -> Parsed {
        self.attempt(|p| {
            p.op("=")?;
            default(p)
        })?;
        Ok(())
    }

    fn invalid_type_parameter(&mut self) -> Parsed {
        let stars = self.op_in(&["*", "**"])?;
        let what = if self.text(stars) == b"*" { "TypeVarTuple" } else { "ParamSpec" };
        self.kind(TokenKind::Name)?;
        let colon = self.op(":")?;
        let bound = self.expression()?;
        let noun = if self.node_kind(bound) == Kind::Tuple { "constraints" } else { "bound" };
        Err(self.raise_from(Span::from(colon).start, format!("cannot use {noun} with {what}")))
    }
}
