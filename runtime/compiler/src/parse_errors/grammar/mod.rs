//! CPython 3.14's grammar as far as errors need it: what is accepted, in the order in which alternatives are tried, and the mistakes
//! that have a message of their own, each at the place where it is looked for.
//!
//! A rule is a method that takes what it matches, or stops. Where several mistakes are possible the order of the alternatives decides,
//! and how far the text has been read decides where `invalid syntax` is reported; so both are CPython's.

mod arguments;
mod atoms;
mod compound;
mod expressions;
mod parameters;
mod patterns;
mod simple;
mod strings;
mod targets;

use super::Grammar;
use super::parser::{Parsed, Parser, one_of};
use super::token::TokenKind;

impl Parser<'_> {
    /// A whole text.
    pub(super) fn text_of(&mut self, grammar: Grammar) -> Parsed {
        match grammar {
            Grammar::File => {
                self.attempt(Self::statements)?;
                self.kind(TokenKind::EndMarker)?;
            }
            Grammar::Single => self.single_statement()?,
            Grammar::Expression => {
                self.expressions()?;
                self.many(|p| p.kind(TokenKind::Newline))?;
                self.kind(TokenKind::EndMarker)?;
            }
            Grammar::FunctionType => {
                self.op("(")?;
                self.attempt(Self::type_expressions)?;
                self.op(")")?;
                self.op("->")?;
                self.expression()?;
                self.many(|p| p.kind(TokenKind::Newline))?;
                self.kind(TokenKind::EndMarker)?;
            }
        }
        Ok(())
    }

    fn single_statement(&mut self) -> Parsed {
        one_of!(
            self,
            |p| {
                p.compound_statement()?;
                p.kind(TokenKind::Newline).map(drop)
            },
            Self::simple_statements,
            |p| p.kind(TokenKind::Newline).map(drop),
        )
    }

    fn type_expressions(&mut self) -> Parsed {
        one_of!(
            self,
            |p| {
                p.commas(Self::expression)?;
                p.attempt(|p| {
                    p.op(",")?;
                    p.starred_types()
                })?;
                Ok(())
            },
            Self::starred_types,
        )
    }

    /// `*a, **b` or one of them.
    fn starred_types(&mut self) -> Parsed {
        if self.attempt(|p| p.op("**"))?.is_some() {
            return self.expression().map(drop);
        }
        self.op("*")?;
        self.expression()?;
        self.attempt(|p| {
            p.op(",")?;
            p.op("**")?;
            p.expression()
        })?;
        Ok(())
    }
}
