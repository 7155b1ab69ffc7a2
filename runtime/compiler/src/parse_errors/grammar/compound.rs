//! Compound statements and their blocks.

use crate::error::SyntaxErrorKind;
use crate::parse_errors::node::{Kind, Node, Span, TargetUse};
use crate::parse_errors::parser::{Parsed, Parser, Rule, Stop, one_of};
use crate::parse_errors::token::{Token, TokenKind};

impl Parser<'_> {
    pub(super) fn statements(&mut self) -> Parsed {
        self.some(|p| one_of!(p, Self::compound_statement, Self::simple_statements)).map(drop)
    }

    pub(super) fn compound_statement(&mut self) -> Parsed {
        let begin = self.begin()?;
        let token = self.peek()?;
        if self.text(token) == b"@" {
            return self.decorated();
        }
        match (token.kind, self.text(token)) {
            (TokenKind::Keyword, b"def") => self.function(),
            (TokenKind::Keyword, b"if") => self.if_statement(),
            (TokenKind::Keyword, b"class") => self.class(),
            (TokenKind::Keyword, b"with") => self.with_statement(),
            (TokenKind::Keyword, b"for") => self.for_statement(),
            (TokenKind::Keyword, b"try") => self.try_statement(),
            (TokenKind::Keyword, b"while") => self.while_statement(),
            (TokenKind::Keyword, b"async") => one_of!(self, Self::function, Self::with_statement, Self::for_statement),
            (TokenKind::Name, b"match") => self.match_statement(),
            _ => Err(Stop::Mismatch),
        }?;
        self.note_block(begin);
        Ok(())
    }

    fn decorated(&mut self) -> Parsed {
        let mut definition = |rule: fn(&mut Self) -> Parsed| {
            self.attempt(|p| {
                p.decorators()?;
                let begin = p.begin()?;
                rule(p)?;
                p.note_block(begin);
                Ok(())
            })
        };
        if definition(Self::function)?.is_none() {
            definition(Self::class)?.ok_or(Stop::Mismatch)?;
        }
        Ok(())
    }

    // What statements have in common.

    pub(super) fn block(&mut self) -> Parsed {
        self.remember(Rule::Block, |p| {
            let begin = p.begin()?;
            let block = p.attempt(|p| {
                one_of!(
                    p,
                    |p| {
                        p.kind(TokenKind::Newline)?;
                        p.kind(TokenKind::Indent)?;
                        p.statements()?;
                        p.kind(TokenKind::Dedent).map(drop)
                    },
                    Self::simple_statements,
                )
            })?;
            if block.is_some() {
                return Ok(p.node(Kind::Other, begin, &[]));
            }
            p.mistake(|p| {
                p.newline_without_indent()?;
                Err::<(), _>(p.raise_at_last(SyntaxErrorKind::Indentation, "expected an indented block"))
            })?;
            Err(Stop::Mismatch)
        })
        .map(drop)
    }

    fn newline_without_indent(&mut self) -> Parsed {
        self.kind(TokenKind::Newline)?;
        self.refuse(|p| p.kind(TokenKind::Indent))
    }

    /// After the head of a statement: the line ends without a colon, or with one but nothing is indented after it.
    pub(super) fn missing_colon_or_block(&mut self, what: &str, keyword: Token) -> Parsed {
        one_of!(
            self,
            |p| {
                p.kind(TokenKind::Newline)?;
                Err(p.raise_missing_colon())
            },
            |p| p.missing_block(what, keyword),
        )
    }

    fn missing_block(&mut self, what: &str, keyword: Token) -> Parsed {
        self.op(":")?;
        self.newline_without_indent()?;
        Err(self.raise_missing_block(what, keyword.line))
    }

    fn decorators(&mut self) -> Parsed {
        self.some(|p| {
            p.op("@")?;
            p.named_expression()?;
            p.kind(TokenKind::Newline)
        })
        .map(drop)
    }

    fn async_word(&mut self) -> Parsed {
        self.attempt(|p| p.word("async")).map(drop)
    }

    // Definitions.

    fn class(&mut self) -> Parsed {
        self.mistake(|p| {
            let class = p.word("class")?;
            p.class_head()?;
            p.missing_colon_or_block("class definition", class)
        })?;
        self.word("class")?;
        self.class_head()?;
        self.op(":")?;
        self.block()
    }

    fn class_head(&mut self) -> Parsed {
        self.kind(TokenKind::Name)?;
        self.attempt(Self::type_parameters)?;
        self.attempt(|p| {
            p.op("(")?;
            p.attempt(Self::arguments)?;
            p.op(")")
        })?;
        Ok(())
    }

    fn function(&mut self) -> Parsed {
        self.mistake(Self::invalid_function)?;
        self.async_word()?;
        self.word("def")?;
        self.kind(TokenKind::Name)?;
        self.attempt(Self::type_parameters)?;
        self.op("(")?;
        self.end_of_signature()?;
        self.op(":")?;
        self.block()
    }

    fn end_of_signature(&mut self) -> Parsed {
        self.attempt(Self::parameters)?;
        self.op(")")?;
        self.attempt(|p| {
            p.op("->")?;
            p.expression()
        })?;
        Ok(())
    }

    fn invalid_function(&mut self) -> Parsed {
        one_of!(
            self,
            |p| {
                p.async_word()?;
                let def = p.word("def")?;
                p.kind(TokenKind::Name)?;
                p.attempt(Self::type_parameters)?;
                p.op("(")?;
                p.end_of_signature()?;
                p.missing_block("function definition", def)
            },
            |p| {
                p.async_word()?;
                p.word("def")?;
                p.kind(TokenKind::Name)?;
                p.attempt(Self::type_parameters)?;
                p.forced_op("(")?;
                p.end_of_signature()?;
                p.forced_op(":")?;
                p.block()
            },
        )
    }

    // if, while

    fn if_statement(&mut self) -> Parsed {
        self.branch("if", "'if' statement")?;
        one_of!(self, Self::elif_branch, |p| p.attempt(Self::else_block).map(drop))
    }

    fn elif_branch(&mut self) -> Parsed {
        self.deeper(1, |p| {
            p.branch("elif", "'elif' statement")?;
            one_of!(p, Self::elif_branch, |p| p.attempt(Self::else_block).map(drop))
        })
    }

    /// A condition and its block.
    fn branch(&mut self, word: &str, what: &str) -> Parsed {
        self.mistake(|p| {
            let keyword = p.word(word)?;
            p.named_expression()?;
            p.missing_colon_or_block(what, keyword)
        })?;
        self.word(word)?;
        self.named_expression()?;
        self.op(":")?;
        self.block()
    }

    fn else_block(&mut self) -> Parsed {
        self.mistake(|p| {
            one_of!(
                p,
                |p| {
                    let keyword = p.word("else")?;
                    p.missing_block("'else' statement", keyword)
                },
                |p| {
                    p.word("else")?;
                    p.op(":")?;
                    p.block()?;
                    p.word("elif")?;
                    Err(p.raise_at_last(SyntaxErrorKind::Syntax, "'elif' block follows an 'else' block"))
                },
            )
        })?;
        self.word("else")?;
        self.forced_op(":")?;
        self.block()
    }

    fn while_statement(&mut self) -> Parsed {
        self.branch("while", "'while' statement")?;
        self.attempt(Self::else_block).map(drop)
    }

    // for

    fn for_statement(&mut self) -> Parsed {
        self.mistake(|p| {
            p.async_word()?;
            let keyword = p.word("for")?;
            p.star_targets()?;
            p.word("in")?;
            p.star_expressions()?;
            p.missing_colon_or_block("'for' statement", keyword)
        })?;
        let targets = self.attempt(|p| {
            p.async_word()?;
            p.word("for")?;
            p.star_targets()?;
            p.word("in")
        })?;
        if targets.is_none() {
            self.mistake(Self::invalid_for_target)?;
            return Err(Stop::Mismatch);
        }
        self.star_expressions()?;
        self.op(":")?;
        self.block()?;
        self.attempt(Self::else_block).map(drop)
    }

    // with

    fn with_statement(&mut self) -> Parsed {
        self.mistake(|p| p.invalid_with(|p, keyword| p.missing_block("'with' statement", keyword)))?;
        let with = self.attempt(|p| {
            p.async_word()?;
            p.word("with")?;
            one_of!(
                p,
                |p| {
                    p.op("(")?;
                    p.commas_and_more(Self::with_item)?;
                    p.op(")")?;
                    p.op(":").map(drop)
                },
                |p| {
                    p.commas(Self::with_item)?;
                    p.op(":").map(drop)
                },
            )?;
            p.block()
        })?;
        if with.is_some() {
            return Ok(());
        }
        self.mistake(|p| {
            p.invalid_with(|p, _| {
                p.kind(TokenKind::Newline)?;
                Err(p.raise_missing_colon())
            })
        })?;
        Err(Stop::Mismatch)
    }

    fn with_item(&mut self) -> Parsed {
        let named = self.attempt(|p| {
            p.expression()?;
            p.word("as")?;
            p.star_target()?;
            p.expect(|p| p.op_in(&[",", ")", ":"]))
        })?;
        if named.is_some() {
            return Ok(());
        }
        self.mistake(|p| {
            p.expression()?;
            p.word("as")?;
            let target = p.expression()?;
            p.expect(|p| p.op_in(&[",", ")", ":"]))?;
            p.check_target(target, TargetUse::Assignment)
        })?;
        self.expression().map(drop)
    }

    /// The head of a `with` statement and what makes it a mistake, with the items bare or in parentheses.
    fn invalid_with(&mut self, end: impl Fn(&mut Self, Token) -> Parsed) -> Parsed {
        one_of!(
            self,
            |p| {
                p.async_word()?;
                let keyword = p.word("with")?;
                p.commas(|p| p.loose_with_item(Self::expression))?;
                end(p, keyword)
            },
            |p| {
                p.async_word()?;
                let keyword = p.word("with")?;
                p.op("(")?;
                p.commas_and_more(|p| p.loose_with_item(Self::expressions))?;
                p.op(")")?;
                end(p, keyword)
            },
        )
    }

    fn loose_with_item(&mut self, value: fn(&mut Self) -> Parsed<Node>) -> Parsed {
        value(self)?;
        self.attempt(|p| {
            p.word("as")?;
            p.star_target()
        })?;
        Ok(())
    }

    // try

    fn try_statement(&mut self) -> Parsed {
        self.mistake(Self::invalid_try)?;
        self.word("try")?;
        self.forced_op(":")?;
        self.block()?;
        one_of!(
            self,
            Self::finally_block,
            |p| {
                p.some(|p| p.except_block(false))?;
                p.end_of_try()
            },
            |p| {
                p.some(|p| p.except_block(true))?;
                p.end_of_try()
            },
        )
    }

    fn end_of_try(&mut self) -> Parsed {
        self.attempt(Self::else_block)?;
        self.attempt(Self::finally_block).map(drop)
    }

    fn invalid_try(&mut self) -> Parsed {
        const MIXED: &str = "cannot have both 'except' and 'except*' on the same 'try'";
        one_of!(
            self,
            |p| {
                let keyword = p.word("try")?;
                p.missing_block("'try' statement", keyword)
            },
            |p| {
                p.word("try")?;
                p.op(":")?;
                p.block()?;
                if p.sees_word_in(&["except", "finally"])? {
                    return Err(Stop::Mismatch);
                }
                Err(p.raise_at_last(SyntaxErrorKind::Syntax, "expected 'except' or 'finally' block"))
            },
            |p| {
                p.word("try")?;
                p.op(":")?;
                p.many(Self::block)?;
                p.some(|p| p.except_block(false))?;
                let except = p.word("except")?;
                let star = p.op("*")?;
                p.expression()?;
                p.maybe_exception_name()?;
                p.op(":")?;
                Err(p.raise(Span::from(except).to(star.into()), MIXED))
            },
            |p| {
                p.word("try")?;
                p.op(":")?;
                p.many(Self::block)?;
                p.some(|p| p.except_block(true))?;
                let except = p.word("except")?;
                p.attempt(|p| {
                    p.expression()?;
                    p.maybe_exception_name()
                })?;
                p.op(":")?;
                Err(p.raise(except.into(), MIXED))
            },
        )
    }

    /// `as e`, or nothing
    fn maybe_exception_name(&mut self) -> Parsed {
        self.attempt(Self::exception_name).map(drop)
    }

    fn exception_name(&mut self) -> Parsed {
        self.word("as")?;
        self.kind(TokenKind::Name).map(drop)
    }

    /// `except`, or `except*`
    fn except_words(&mut self, star: bool) -> Parsed<Token> {
        let except = self.word("except")?;
        if star {
            self.op("*")?;
        }
        Ok(except)
    }

    fn except_block(&mut self, star: bool) -> Parsed {
        self.mistake(|p| p.except_without_block(star))?;
        let except = self.attempt(|p| {
            p.except_words(star)?;
            one_of!(
                p,
                |p| {
                    p.expression()?;
                    p.op(":").map(drop)
                },
                |p| {
                    p.expression()?;
                    p.exception_name()?;
                    p.op(":").map(drop)
                },
                |p| {
                    p.expressions()?;
                    p.op(":").map(drop)
                },
                |p| if star { Err(Stop::Mismatch) } else { p.op(":").map(drop) },
            )?;
            p.block()
        })?;
        if except.is_some() {
            return Ok(());
        }
        self.mistake(|p| p.invalid_except(star))?;
        Err(Stop::Mismatch)
    }

    fn except_without_block(&mut self, star: bool) -> Parsed {
        let what = if star { "'except*' statement" } else { "'except' statement" };
        one_of!(
            self,
            |p| {
                let except = p.except_words(star)?;
                p.expression()?;
                p.maybe_exception_name()?;
                p.missing_block(what, except)
            },
            |p| {
                if star {
                    return Err(Stop::Mismatch);
                }
                let except = p.except_words(star)?;
                p.missing_block(what, except)
            },
        )
    }

    fn invalid_except(&mut self, star: bool) -> Parsed {
        one_of!(
            self,
            |p| {
                p.except_words(star)?;
                let first = p.expression()?;
                p.op(",")?;
                p.expressions()?;
                p.exception_name()?;
                p.op(":")?;
                let message = "multiple exception types must be parenthesized when using 'as'";
                Err(p.raise_from(p.span(first).start, message))
            },
            |p| {
                p.except_words(star)?;
                p.expression()?;
                p.maybe_exception_name()?;
                p.kind(TokenKind::Newline)?;
                Err(p.raise_missing_colon())
            },
            |p| {
                p.except_words(star)?;
                if star {
                    one_of!(p, |p| p.kind(TokenKind::Newline), |p| p.op(":"))?;
                    return Err(p.raise_at_last(SyntaxErrorKind::Syntax, "expected one or more exception types"));
                }
                p.kind(TokenKind::Newline)?;
                Err(p.raise_missing_colon())
            },
            |p| {
                p.except_words(star)?;
                p.expression()?;
                p.word("as")?;
                let target = p.expression()?;
                p.op(":")?;
                p.block()?;
                let statement = if star { "except*" } else { "except" };
                let message = format!("cannot use {statement} statement with {}", p.name_of(target));
                Err(p.raise(p.span(target), message))
            },
        )
    }

    fn finally_block(&mut self) -> Parsed {
        self.mistake(|p| {
            let finally = p.word("finally")?;
            p.missing_block("'finally' statement", finally)
        })?;
        self.word("finally")?;
        self.forced_op(":")?;
        self.block()
    }
}
