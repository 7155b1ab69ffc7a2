//! The `match` statement and its patterns.

use crate::parse_errors::node::{Kind, Node};
use crate::parse_errors::parser::{Parsed, Parser, Rule, Stop, one_of};
use crate::parse_errors::token::TokenKind;

impl Parser<'_> {
    pub(super) fn match_statement(&mut self) -> Parsed {
        let matched = self.attempt(|p| {
            p.soft_word("match")?;
            p.match_subject()?;
            p.op(":")?;
            p.kind(TokenKind::Newline)?;
            p.kind(TokenKind::Indent)?;
            p.some(Self::case_block)?;
            p.kind(TokenKind::Dedent)
        })?;
        if matched.is_some() {
            return Ok(());
        }
        self.mistake(|p| {
            let keyword = p.soft_word("match")?;
            p.match_subject()?;
            p.missing_colon_or_block("'match' statement", keyword)
        })?;
        Err(Stop::Mismatch)
    }

    fn match_subject(&mut self) -> Parsed {
        one_of!(
            self,
            |p| {
                p.star_named_expression()?;
                p.op(",")?;
                p.attempt(Self::star_named_expressions).map(drop)
            },
            |p| p.named_expression().map(drop),
        )
    }

    fn case_block(&mut self) -> Parsed {
        self.mistake(|p| {
            let keyword = p.soft_word("case")?;
            p.patterns()?;
            p.attempt(Self::guard)?;
            p.missing_colon_or_block("'case' statement", keyword)
        })?;
        self.soft_word("case")?;
        self.patterns()?;
        self.attempt(Self::guard)?;
        self.op(":")?;
        self.block()
    }

    fn guard(&mut self) -> Parsed<Node> {
        self.word("if")?;
        self.named_expression()
    }

    fn patterns(&mut self) -> Parsed {
        one_of!(self, Self::open_sequence_pattern, |p| p.pattern().map(drop))
    }

    fn pattern(&mut self) -> Parsed<Node> {
        self.deeper(3, |p| {
            let named = p.attempt(|p| {
                let begin = p.begin()?;
                p.or_pattern()?;
                p.word("as")?;
                p.capture_target()?;
                Ok(p.node(Kind::Other, begin, &[]))
            })?;
            if let Some(named) = named {
                return Ok(named);
            }
            p.mistake(Self::invalid_as_pattern)?;
            p.or_pattern()
        })
    }

    fn invalid_as_pattern(&mut self) -> Parsed {
        one_of!(
            self,
            |p| {
                p.or_pattern()?;
                p.word("as")?;
                let underscore = p.soft_word("_")?;
                Err(p.raise(underscore.into(), "cannot use '_' as a target"))
            },
            |p| {
                p.or_pattern()?;
                p.word("as")?;
                let target = p.expression()?;
                let message = format!("cannot use {} as pattern target", p.name_of(target));
                Err(p.raise(p.span(target), message))
            },
        )
    }

    fn or_pattern(&mut self) -> Parsed<Node> {
        let begin = self.begin()?;
        let first = self.closed_pattern()?;
        let others = self.many(|p| {
            p.op("|")?;
            p.closed_pattern()
        })?;
        Ok(if others.is_empty() { first } else { self.node(Kind::Other, begin, &[]) })
    }

    fn closed_pattern(&mut self) -> Parsed<Node> {
        self.remember(Rule::ClosedPattern, |p| {
            let begin = p.begin()?;
            one_of!(
                p,
                |p| p.literal(|p| p.strings().map(drop)),
                Self::capture_target,
                |p| p.soft_word("_").map(drop),
                |p| {
                    p.attribute()?;
                    p.refuse_target_end()
                },
                |p| {
                    p.op("(")?;
                    p.pattern()?;
                    p.op(")").map(drop)
                },
                |p| {
                    p.op("[")?;
                    p.attempt(Self::sequence_items)?;
                    p.op("]").map(drop)
                },
                |p| {
                    p.op("(")?;
                    p.attempt(Self::open_sequence_pattern)?;
                    p.op(")").map(drop)
                },
                Self::mapping_pattern,
                Self::class_pattern,
            )?;
            Ok(p.node(Kind::Other, begin, &[]))
        })
    }

    /// A number, a string or a constant.
    fn literal(&mut self, strings: impl FnOnce(&mut Self) -> Parsed) -> Parsed {
        one_of!(
            self,
            |p| {
                p.attempt(|p| p.op("-"))?;
                p.number()?;
                p.refuse(|p| p.op_in(&["+", "-"]))
            },
            Self::complex_number,
            strings,
            |p| p.constant_name().map(drop),
        )
    }

    /// `1 + 2j`
    fn complex_number(&mut self) -> Parsed {
        self.attempt(|p| p.op("-"))?;
        let real = self.kind(TokenKind::Number)?;
        let is_imaginary = |text: &[u8]| text.ends_with(b"j") || text.ends_with(b"J");
        if is_imaginary(self.text(real)) {
            return Err(self.raise(real.into(), "real number required in complex literal"));
        }
        self.op_in(&["+", "-"])?;
        let imaginary = self.kind(TokenKind::Number)?;
        if !is_imaginary(self.text(imaginary)) {
            return Err(self.raise(imaginary.into(), "imaginary number required in complex literal"));
        }
        Ok(())
    }

    fn refuse_target_end(&mut self) -> Parsed {
        self.refuse(|p| p.op_in(&[".", "(", "="]))
    }

    fn capture_target(&mut self) -> Parsed {
        self.refuse(|p| p.soft_word("_"))?;
        self.kind(TokenKind::Name)?;
        self.refuse_target_end()
    }

    /// `a.b`
    fn attribute(&mut self) -> Parsed {
        self.kind(TokenKind::Name)?;
        self.some(Self::attribute_end).map(drop)
    }

    fn attribute_end(&mut self) -> Parsed {
        self.op(".")?;
        self.kind(TokenKind::Name).map(drop)
    }

    fn name_or_attribute(&mut self) -> Parsed {
        self.kind(TokenKind::Name)?;
        self.many(Self::attribute_end).map(drop)
    }

    fn open_sequence_pattern(&mut self) -> Parsed {
        self.maybe_star_pattern()?;
        self.op(",")?;
        self.attempt(Self::sequence_items).map(drop)
    }

    fn sequence_items(&mut self) -> Parsed {
        self.commas_and_more(Self::maybe_star_pattern).map(drop)
    }

    fn maybe_star_pattern(&mut self) -> Parsed {
        one_of!(
            self,
            |p| {
                p.op("*")?;
                one_of!(p, Self::capture_target, |p| p.soft_word("_").map(drop))
            },
            |p| p.pattern().map(drop),
        )
    }

    fn mapping_pattern(&mut self) -> Parsed {
        self.op("{")?;
        one_of!(
            self,
            |p| p.op("}").map(drop),
            |p| {
                p.rest_of_mapping()?;
                p.end_of_mapping()
            },
            |p| {
                p.mapping_items()?;
                p.op(",")?;
                p.rest_of_mapping()?;
                p.end_of_mapping()
            },
            |p| {
                p.mapping_items()?;
                p.end_of_mapping()
            },
        )
    }

    fn end_of_mapping(&mut self) -> Parsed {
        self.attempt(|p| p.op(","))?;
        self.op("}").map(drop)
    }

    /// `**rest`
    fn rest_of_mapping(&mut self) -> Parsed {
        self.op("**")?;
        self.capture_target()
    }

    fn mapping_items(&mut self) -> Parsed {
        self.commas(|p| {
            one_of!(p, |p| p.literal(|p| p.strings().map(drop)), Self::attribute)?;
            p.op(":")?;
            p.pattern()
        })
        .map(drop)
    }

    fn class_pattern(&mut self) -> Parsed {
        let class = self.attempt(|p| {
            p.name_or_attribute()?;
            p.op("(")?;
            one_of!(
                p,
                |p| p.op(")").map(drop),
                |p| {
                    p.commas(Self::pattern)?;
                    p.end_of_class()
                },
                |p| {
                    p.keyword_patterns()?;
                    p.end_of_class()
                },
                |p| {
                    p.commas(Self::pattern)?;
                    p.op(",")?;
                    p.keyword_patterns()?;
                    p.end_of_class()
                },
            )
        })?;
        if class.is_some() {
            return Ok(());
        }
        self.mistake(|p| {
            p.name_or_attribute()?;
            p.op("(")?;
            p.attempt(|p| {
                p.commas(Self::pattern)?;
                p.op(",")
            })?;
            p.keyword_patterns()?;
            p.op(",")?;
            let positional = p.commas(Self::pattern)?;
            let span = p.span(positional[0]).to(p.span(positional[positional.len() - 1]));
            Err::<(), _>(p.raise(span, "positional patterns follow keyword patterns"))
        })?;
        Err(Stop::Mismatch)
    }

    fn end_of_class(&mut self) -> Parsed {
        self.attempt(|p| p.op(","))?;
        self.op(")").map(drop)
    }

    fn keyword_patterns(&mut self) -> Parsed {
        self.commas(|p| {
            p.kind(TokenKind::Name)?;
            p.op("=")?;
            p.pattern()
        })
        .map(drop)
    }
}
