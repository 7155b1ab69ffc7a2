//! Literals with quotes: what may stand side by side, what may be within them.

use crate::error::SyntaxErrorKind;
use crate::parse_errors::escapes;
use crate::parse_errors::node::{Kind, Node, Span};
use crate::parse_errors::parser::{Parsed, Parser, Rule, Stop, one_of};
use crate::parse_errors::token::{Token, TokenKind};

/// The two kinds of strings with replacement fields.
#[derive(Clone, Copy)]
struct Interpolation {
    letter: char,
    start: TokenKind,
    middle: TokenKind,
    end: TokenKind,
    kind: Kind,
}

const F_STRING: Interpolation = Interpolation {
    letter: 'f',
    start: TokenKind::FStringStart,
    middle: TokenKind::FStringMiddle,
    end: TokenKind::FStringEnd,
    kind: Kind::FString,
};

const T_STRING: Interpolation = Interpolation {
    letter: 't',
    start: TokenKind::TStringStart,
    middle: TokenKind::TStringMiddle,
    end: TokenKind::TStringEnd,
    kind: Kind::TString,
};

/// A literal among those side by side.
#[derive(Clone, Copy)]
struct Part {
    node: Node,
    is_bytes: bool,
}

impl Parser<'_> {
    /// Literals side by side.
    pub(super) fn strings(&mut self) -> Parsed<Node> {
        self.remember(Rule::Strings, |p| {
            let begin = p.begin()?;
            p.mistake(Self::invalid_mixture)?;
            one_of!(
                p,
                |p| {
                    let parts = p.some(Self::ordinary_part)?;
                    if parts.iter().any(|part| part.is_bytes != parts[0].is_bytes) {
                        return Err(p.raise_at_last(SyntaxErrorKind::Syntax, "cannot mix bytes and nonbytes literals"));
                    }
                    let has_fields = parts.iter().any(|part| p.node_kind(part.node) == Kind::FString);
                    Ok(p.node(if has_fields { Kind::FString } else { Kind::Literal }, begin, &[]))
                },
                |p| {
                    p.some(|p| p.interpolated(T_STRING))?;
                    Ok(p.node(Kind::TString, begin, &[]))
                },
            )
        })
    }

    fn ordinary_part(&mut self) -> Parsed<Part> {
        one_of!(self, |p| p.interpolated(F_STRING).map(|node| Part { node, is_bytes: false }), Self::string)
    }

    fn invalid_mixture(&mut self) -> Parsed {
        const MESSAGE: &str = "cannot mix t-string literals with string or bytes literals";
        one_of!(
            self,
            |p| {
                let ordinary = p.some(Self::ordinary_part)?;
                let template = p.interpolated(T_STRING)?;
                let last = ordinary[ordinary.len() - 1].node;
                Err(p.raise(p.span(last).to(p.span(template)), MESSAGE))
            },
            |p| {
                let templates = p.some(|p| p.interpolated(T_STRING))?;
                let ordinary = p.ordinary_part()?;
                let last = templates[templates.len() - 1];
                Err(p.raise(p.span(last).to(p.span(ordinary.node)), MESSAGE))
            },
        )
    }

    fn string(&mut self) -> Parsed<Part> {
        let begin = self.begin()?;
        let token = self.kind(TokenKind::String)?;
        let literal = self.text(token);
        let quote = literal.iter().position(|byte| matches!(byte, b'\'' | b'"')).expect("a string has quotes");
        let (prefix, quoted) = literal.split_at(quote);
        let has_prefix = |letter: u8| prefix.iter().any(|byte| byte.eq_ignore_ascii_case(&letter));
        let quotes = if quoted.len() >= 6 && quoted[1] == quoted[0] && quoted[2] == quoted[0] { 3 } else { 1 };
        let content = &quoted[quotes..quoted.len() - quotes];
        let is_bytes = has_prefix(b'b');
        if is_bytes && !content.is_ascii() {
            return Err(self.raise(token.into(), "bytes can only contain ASCII literal characters"));
        }
        if !has_prefix(b'r') {
            let error = if is_bytes { escapes::error_in_bytes(content) } else { escapes::error_in_text(content) };
            self.check_escapes(error)?;
        }
        Ok(Part { node: self.node(Kind::Literal, begin, &[]), is_bytes })
    }

    fn check_escapes(&mut self, error: Option<String>) -> Parsed {
        match error {
            Some(message) => Err(self.raise_at_last(SyntaxErrorKind::Syntax, message)),
            None => Ok(()),
        }
    }

    fn interpolated(&mut self, string: Interpolation) -> Parsed<Node> {
        let begin = self.begin()?;
        let start = self.kind(string.start)?;
        let raw = self.text(start).iter().any(|byte| byte.eq_ignore_ascii_case(&b'r'));
        let texts = self.many(|p| one_of!(p, |p| p.replacement_field(string, raw).map(|()| None), |p| p.kind(string.middle).map(Some)))?;
        self.kind(string.end)?;
        if !raw {
            for text in texts.into_iter().flatten() {
                self.check_text(text)?;
            }
        }
        Ok(self.node(string.kind, begin, &[]))
    }

    fn check_text(&mut self, text: Token) -> Parsed {
        let error = escapes::error_in_text(self.text(text));
        self.check_escapes(error)
    }

    /// `{a!r:b}`
    fn replacement_field(&mut self, string: Interpolation, raw: bool) -> Parsed {
        let field = self.attempt(|p| {
            p.op("{")?;
            p.annotated_value()?;
            p.attempt(|p| p.op("="))?;
            p.attempt(|p| p.conversion(string))?;
            p.attempt(|p| p.format_spec(string, raw))?;
            p.op("}").map(drop)
        })?;
        if field.is_some() {
            return Ok(());
        }
        self.mistake(|p| p.invalid_replacement_field(string, raw))?;
        Err(Stop::Mismatch)
    }

    fn conversion(&mut self, string: Interpolation) -> Parsed {
        let letter = string.letter;
        let mark = self.op("!")?;
        let name = self.kind(TokenKind::Name)?;
        if mark.end != name.start {
            let span = Span::from(mark).to(name.into());
            let message = format!("{letter}-string: conversion type must come right after the exclamation mark");
            return Err(self.raise(span, message));
        }
        let text = self.text(name);
        if !matches!(text, b"s" | b"r" | b"a") {
            let text = String::from_utf8_lossy(text).into_owned();
            let message = format!("{letter}-string: invalid conversion character '{text}': expected 's', 'r', or 'a'");
            return Err(self.raise(name.into(), message));
        }
        Ok(())
    }

    fn format_spec(&mut self, string: Interpolation, raw: bool) -> Parsed {
        self.op(":")?;
        self.many(|p| p.format_spec_part(string, raw)).map(drop)
    }

    fn format_spec_part(&mut self, string: Interpolation, raw: bool) -> Parsed {
        one_of!(
            self,
            |p| {
                let text = p.kind(string.middle)?;
                if raw { Ok(()) } else { p.check_text(text) }
            },
            |p| p.replacement_field(string, raw),
        )
    }

    fn invalid_replacement_field(&mut self, string: Interpolation, raw: bool) -> Parsed {
        let letter = string.letter;
        one_of!(
            self,
            |p| {
                p.op("{")?;
                let token = p.op_in(&["=", "!", ":", "}"])?;
                let text = String::from_utf8_lossy(p.text(token)).into_owned();
                Err(p.raise(token.into(), format!("{letter}-string: valid expression required before '{text}'")))
            },
            |p| {
                p.op("{")?;
                p.refuse(Self::annotated_value)?;
                Err(p.raise_at_next(format!("{letter}-string: expecting a valid expression after '{{'")))
            },
            |p| p.missing_in_field(string, &["=", "!", ":", "}"], "'=', or '!', or ':', or '}'", |_| Ok(())),
            |p| p.missing_in_field(string, &["!", ":", "}"], "'!', or ':', or '}'", |p| p.op("=").map(drop)),
            |p| {
                p.op("{")?;
                p.annotated_value()?;
                p.attempt(|p| p.op("="))?;
                p.invalid_conversion(letter)
            },
            |p| p.missing_in_field(string, &[":", "}"], "':' or '}'", Self::maybe_conversion),
            |p| {
                p.missing_in_field(string, &["}"], "'}', or format specs", |p| {
                    p.maybe_conversion()?;
                    p.format_spec(string, raw)
                })
            },
            |p| p.missing_in_field(string, &["}"], "'}'", Self::maybe_conversion),
        )
    }

    /// A field whose expression is followed by what `rest` takes but then by none of these.
    fn missing_in_field(
        &mut self,
        string: Interpolation,
        follow: &[&str],
        expected: &str,
        rest: impl FnOnce(&mut Self) -> Parsed,
    ) -> Parsed {
        self.op("{")?;
        self.annotated_value()?;
        rest(self)?;
        self.refuse(|p| p.op_in(follow))?;
        Err(self.raise_at_next(format!("{}-string: expecting {expected}", string.letter)))
    }

    fn maybe_conversion(&mut self) -> Parsed {
        self.attempt(|p| p.op("="))?;
        self.attempt(|p| {
            p.op("!")?;
            p.kind(TokenKind::Name)
        })?;
        Ok(())
    }

    fn invalid_conversion(&mut self, letter: char) -> Parsed {
        one_of!(
            self,
            |p| {
                p.op("!")?;
                p.expect(|p| p.op_in(&[":", "}"]))?;
                Err(p.raise_at_next(format!("{letter}-string: missing conversion character")))
            },
            |p| {
                p.op("!")?;
                p.refuse(|p| p.kind(TokenKind::Name))?;
                Err(p.raise_at_next(format!("{letter}-string: invalid conversion character")))
            },
        )
    }
}
