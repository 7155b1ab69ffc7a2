//! Targets of assignments, loops and `del`.

use crate::parse_errors::node::{Kind, Node};
use crate::parse_errors::parser::{Parsed, Parser, Rule, one_of};
use crate::parse_errors::token::TokenKind;

impl Parser<'_> {
    pub(super) fn star_targets(&mut self) -> Parsed {
        self.commas_and_more(Self::star_target).map(drop)
    }

    pub(super) fn star_target(&mut self) -> Parsed<Node> {
        self.remember(Rule::StarTarget, |p| {
            let begin = p.begin()?;
            let starred = p.attempt(|p| {
                p.op("*")?;
                p.refuse(|p| p.op("*"))?;
                p.star_target()
            })?;
            match starred {
                Some(target) => Ok(p.node(Kind::Starred, begin, &[target])),
                None => p.target_with_star_atom(),
            }
        })
    }

    fn target_with_star_atom(&mut self) -> Parsed<Node> {
        self.remember(Rule::TargetWithStarAtom, |p| one_of!(p, Self::attribute_or_subscript_target, Self::star_atom))
    }

    fn star_atom(&mut self) -> Parsed<Node> {
        let begin = self.begin()?;
        one_of!(
            self,
            Self::name,
            |p| {
                p.op("(")?;
                let target = p.target_with_star_atom()?;
                p.op(")")?;
                Ok(target)
            },
            |p| {
                p.op("(")?;
                p.attempt(|p| {
                    p.star_target()?;
                    p.expect(|p| p.op(","))?;
                    p.many(|p| {
                        p.op(",")?;
                        p.star_target()
                    })?;
                    p.attempt(|p| p.op(","))
                })?;
                p.op(")")?;
                Ok(p.node(Kind::Tuple, begin, &[]))
            },
            |p| {
                p.op("[")?;
                p.attempt(|p| p.commas_and_more(Self::star_target))?;
                p.op("]")?;
                Ok(p.node(Kind::List, begin, &[]))
            },
        )
    }

    /// What can be annotated or assigned to in place: a name, an attribute or a subscript, perhaps in parentheses.
    pub(super) fn single_target(&mut self) -> Parsed {
        self.deeper(1, |p| {
            one_of!(p, |p| p.attribute_or_subscript_target().map(drop), |p| p.name().map(drop), |p| {
                p.op("(")?;
                p.single_target()?;
                p.op(")").map(drop)
            },)
        })
    }

    pub(super) fn attribute_or_subscript_target(&mut self) -> Parsed<Node> {
        let begin = self.begin()?;
        self.target_primary()?;
        let kind = one_of!(
            self,
            |p| {
                p.op(".")?;
                p.kind(TokenKind::Name).map(|_| Kind::Attribute)
            },
            |p| {
                p.op("[")?;
                p.slices()?;
                p.op("]").map(|_| Kind::Subscript)
            },
        )?;
        self.refuse(Self::begins_trailer)?;
        Ok(self.node(kind, begin, &[]))
    }

    fn begins_trailer(&mut self) -> Parsed {
        self.op_in(&["(", "[", "."]).map(drop)
    }

    /// A primary as far as another trailer follows it.
    fn target_primary(&mut self) -> Parsed<Node> {
        self.remember(Rule::TargetPrimary, |p| {
            let begin = p.begin()?;
            let mut primary = p.atom()?;
            p.expect(Self::begins_trailer)?;
            while let Some(kind) = p.attempt(|p| {
                let kind = p.target_trailer()?;
                p.expect(Self::begins_trailer)?;
                Ok(kind)
            })? {
                primary = p.node(kind, begin, &[]);
            }
            Ok(primary)
        })
    }

    fn target_trailer(&mut self) -> Parsed<Kind> {
        one_of!(
            self,
            |p| {
                p.op(".")?;
                p.kind(TokenKind::Name).map(|_| Kind::Attribute)
            },
            |p| {
                p.op("[")?;
                p.slices()?;
                p.op("]").map(|_| Kind::Subscript)
            },
            |p| p.generator().map(|_| Kind::Call),
            |p| {
                p.op("(")?;
                p.attempt(Self::arguments)?;
                p.op(")").map(|_| Kind::Call)
            },
        )
    }

    pub(super) fn del_targets(&mut self) -> Parsed {
        self.commas_and_more(Self::del_target).map(drop)
    }

    fn del_target(&mut self) -> Parsed<Node> {
        self.remember(Rule::DelTarget, |p| one_of!(p, Self::attribute_or_subscript_target, Self::del_atom))
    }

    fn del_atom(&mut self) -> Parsed<Node> {
        let begin = self.begin()?;
        one_of!(
            self,
            Self::name,
            |p| {
                p.op("(")?;
                let target = p.del_target()?;
                p.op(")")?;
                Ok(target)
            },
            |p| {
                p.op("(")?;
                p.attempt(Self::del_targets)?;
                p.op(")")?;
                Ok(p.node(Kind::Tuple, begin, &[]))
            },
            |p| {
                p.op("[")?;
                p.attempt(Self::del_targets)?;
                p.op("]")?;
                Ok(p.node(Kind::List, begin, &[]))
            },
        )
    }
}
