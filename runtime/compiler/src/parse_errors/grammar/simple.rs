//! Simple statements.

use crate::error::SyntaxErrorKind;
use crate::parse_errors::node::{Kind, Node, Span, TargetUse};
use crate::parse_errors::parser::{Parsed, Parser, Rule, Stop, one_of};
use crate::parse_errors::token::TokenKind;

const AUGMENTED_ASSIGNMENTS: [&str; 13] = ["+=", "-=", "*=", "@=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>=", "**=", "//="];

impl Parser<'_> {
    pub(super) fn simple_statements(&mut self) -> Parsed {
        self.simple_statement()?;
        self.many(|p| {
            p.op(";")?;
            p.simple_statement()
        })?;
        self.attempt(|p| p.op(";"))?;
        self.kind(TokenKind::Newline).map(drop)
    }

    pub(super) fn simple_statement(&mut self) -> Parsed<Node> {
        self.remember(Rule::SimpleStatement, |p| {
            let begin = p.begin()?;
            one_of!(p, Self::assignment, Self::type_alias, |p| p.star_expressions().map(drop), Self::keyword_statement,)?;
            Ok(p.node(Kind::Other, begin, &[]))
        })
    }

    fn keyword_statement(&mut self) -> Parsed {
        let token = self.peek()?;
        if token.kind != TokenKind::Keyword {
            return Err(Stop::Mismatch);
        }
        match self.text(token) {
            b"return" => {
                self.word("return")?;
                self.attempt(Self::star_expressions).map(drop)
            }
            b"import" | b"from" => self.import_statement(),
            b"raise" => self.raise_statement(),
            b"pass" => self.word("pass").map(drop),
            b"del" => self.del_statement(),
            b"yield" => self.yield_expression().map(drop),
            b"assert" => self.assert_statement(),
            b"break" => self.word("break").map(drop),
            b"continue" => self.word("continue").map(drop),
            b"global" | b"nonlocal" => {
                self.kind(TokenKind::Keyword)?;
                self.commas(|p| p.kind(TokenKind::Name)).map(drop)
            }
            _ => Err(Stop::Mismatch),
        }
    }

    // Assignments.

    /// What may stand on the right of `=`.
    pub(super) fn annotated_value(&mut self) -> Parsed<Node> {
        one_of!(self, Self::yield_expression, Self::star_expressions)
    }

    fn augmented_operator(&mut self) -> Parsed {
        self.op_in(&AUGMENTED_ASSIGNMENTS).map(drop)
    }

    fn targets_and_equals(&mut self) -> Parsed {
        self.star_targets()?;
        self.op("=").map(drop)
    }

    fn assignment(&mut self) -> Parsed {
        let assigned = self.attempt(|p| {
            one_of!(
                p,
                |p| {
                    p.kind(TokenKind::Name)?;
                    p.annotation()
                },
                |p| {
                    one_of!(
                        p,
                        |p| {
                            p.op("(")?;
                            p.single_target()?;
                            p.op(")").map(drop)
                        },
                        |p| p.attribute_or_subscript_target().map(drop),
                    )?;
                    p.annotation()
                },
                |p| {
                    p.some(Self::targets_and_equals)?;
                    p.annotated_value()?;
                    p.refuse(|p| p.op("="))
                },
            )
        })?;
        if assigned.is_some() {
            return Ok(());
        }
        let augmented = self.attempt(|p| {
            p.single_target()?;
            p.augmented_operator()
        })?;
        if augmented.is_some() {
            return self.annotated_value().map(drop);
        }
        self.mistake(Self::invalid_assignment)?;
        Err(Stop::Mismatch)
    }

    /// `: a = b`
    fn annotation(&mut self) -> Parsed {
        self.op(":")?;
        self.expression()?;
        self.attempt(|p| {
            p.op("=")?;
            p.annotated_value()
        })?;
        Ok(())
    }

    fn invalid_assignment(&mut self) -> Parsed {
        one_of!(
            self,
            |p| {
                let target = p.annotated_collection()?;
                p.op(":")?;
                p.expression()?;
                let message = format!("only single target (not {}) can be annotated", p.name_of(target));
                Err(p.raise(p.span(target), message))
            },
            |p| {
                let first = p.star_named_expression()?;
                p.op(",")?;
                p.many(Self::star_named_expressions)?;
                p.op(":")?;
                p.expression()?;
                Err(p.raise(p.span(first), "only single target (not tuple) can be annotated"))
            },
            |p| {
                let target = p.expression()?;
                p.op(":")?;
                p.expression()?;
                Err(p.raise(p.span(target), "illegal target for annotation"))
            },
            |p| {
                p.many(Self::targets_and_equals)?;
                let target = p.star_expressions()?;
                p.op("=")?;
                p.check_target(target, TargetUse::Assignment)
            },
            |p| {
                p.many(Self::targets_and_equals)?;
                let target = p.yield_expression()?;
                p.op("=")?;
                Err(p.raise(p.span(target), "assignment to yield expression not possible"))
            },
            |p| {
                let target = p.star_expressions()?;
                p.augmented_operator()?;
                p.annotated_value()?;
                let name = p.name_of(target);
                Err(p.raise(p.span(target), format!("'{name}' is an illegal expression for augmented assignment")))
            },
        )
    }

    fn annotated_collection(&mut self) -> Parsed<Node> {
        self.deeper(1, |p| {
            one_of!(p, Self::list, Self::tuple, |p| {
                p.op("(")?;
                let inner = p.annotated_collection()?;
                p.op(")")?;
                Ok(inner)
            })
        })
    }

    fn type_alias(&mut self) -> Parsed {
        self.soft_word("type")?;
        self.kind(TokenKind::Name)?;
        self.attempt(Self::type_parameters)?;
        self.op("=")?;
        self.expression().map(drop)
    }

    // Statements with a keyword.

    fn raise_statement(&mut self) -> Parsed {
        self.word("raise")?;
        self.attempt(|p| {
            p.expression()?;
            p.attempt(|p| {
                p.word("from")?;
                p.expression()
            })
        })?;
        Ok(())
    }

    fn del_statement(&mut self) -> Parsed {
        let deleted = self.attempt(|p| {
            p.word("del")?;
            p.del_targets()?;
            p.expect(|p| one_of!(p, |p| p.op(";"), |p| p.kind(TokenKind::Newline)))
        })?;
        if deleted.is_some() {
            return Ok(());
        }
        self.mistake(|p| {
            p.word("del")?;
            let targets = p.star_expressions()?;
            p.check_target(targets, TargetUse::Deletion)
        })?;
        Err(Stop::Mismatch)
    }

    fn assert_statement(&mut self) -> Parsed {
        self.word("assert")?;
        self.expression()?;
        self.attempt(|p| {
            p.op(",")?;
            p.expression()
        })?;
        Ok(())
    }

    // Imports.

    fn import_statement(&mut self) -> Parsed {
        self.remember(Rule::ImportStatement, |p| {
            let begin = p.begin()?;
            p.mistake(Self::invalid_import)?;
            one_of!(
                p,
                |p| {
                    p.word("import")?;
                    p.commas(|p| p.imported(Self::dotted_name)).map(drop)
                },
                |p| {
                    p.word("from")?;
                    let dots = p.many(|p| p.op_in(&[".", "..."]))?;
                    let module = p.begin()?;
                    p.dotted_name()?;
                    p.word("import")?;
                    p.imported_names()?;
                    if dots.is_empty() {
                        p.note_future(module);
                    }
                    Ok(())
                },
                |p| {
                    p.word("from")?;
                    p.some(|p| p.op_in(&[".", "..."]))?;
                    p.word("import")?;
                    p.imported_names()
                },
            )?;
            Ok(p.node(Kind::Other, begin, &[]))
        })
        .map(drop)
    }

    fn invalid_import(&mut self) -> Parsed {
        let import = self.word("import")?;
        one_of!(
            self,
            |p| {
                p.commas(Self::dotted_name)?;
                p.word("from")?;
                p.dotted_name()?;
                let start = Span::from(import).start;
                Err(p.raise_from(start, "Did you mean to use 'from ... import ...' instead?"))
            },
            Self::missing_import_names,
        )
    }

    fn missing_import_names(&mut self) -> Parsed {
        let newline = self.kind(TokenKind::Newline)?;
        Err(self.raise_from(Span::from(newline).start, "Expected one or more names after 'import'"))
    }

    /// `from __future__ import barry_as_FLUFL` changes how the rest is read; `module` is where the name of the module begins.
    fn note_future(&mut self, module: usize) {
        let mut words = self.tokens_since(module).iter().map(|&token| self.text(token));
        let is_barry = words.next() == Some(b"__future__") && words.any(|word| word == b"barry_as_FLUFL");
        self.reading.barry_as_bdfl |= is_barry;
    }

    fn dotted_name(&mut self) -> Parsed {
        self.kind(TokenKind::Name)?;
        self.many(|p| {
            p.op(".")?;
            p.kind(TokenKind::Name)
        })
        .map(drop)
    }

    /// `a` or `a as b`
    fn imported(&mut self, name: fn(&mut Self) -> Parsed) -> Parsed {
        self.mistake(|p| {
            name(p)?;
            p.word("as")?;
            p.refuse(|p| {
                p.kind(TokenKind::Name)?;
                one_of!(p, |p| p.op_in(&[",", ")", ";"]), |p| p.kind(TokenKind::Newline))
            })?;
            let target = p.expression()?;
            let message = format!("cannot use {} as import target", p.name_of(target));
            Err::<(), _>(p.raise(p.span(target), message))
        })?;
        name(self)?;
        self.attempt(|p| {
            p.word("as")?;
            p.kind(TokenKind::Name)
        })?;
        Ok(())
    }

    fn imported_from(&mut self) -> Parsed {
        self.commas(|p| p.imported(|p| p.kind(TokenKind::Name).map(drop))).map(drop)
    }

    fn imported_names(&mut self) -> Parsed {
        let names = self.attempt(|p| {
            one_of!(
                p,
                |p| {
                    p.op("(")?;
                    p.imported_from()?;
                    p.attempt(|p| p.op(","))?;
                    p.op(")").map(drop)
                },
                |p| {
                    p.imported_from()?;
                    p.refuse(|p| p.op(","))
                },
                |p| p.op("*").map(drop),
            )
        })?;
        if names.is_some() {
            return Ok(());
        }
        self.mistake(|p| {
            one_of!(
                p,
                |p| {
                    p.imported_from()?;
                    p.op(",")?;
                    p.kind(TokenKind::Newline)?;
                    let message = "trailing comma not allowed without surrounding parentheses";
                    Err(p.raise_at_last(SyntaxErrorKind::Syntax, message))
                },
                Self::missing_import_names,
            )
        })?;
        Err(Stop::Mismatch)
    }
}
