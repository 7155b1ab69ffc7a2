//! A reader of declarations: words, literals and what is between them. It notes the pieces it has read, which are reported one by one where
//! nothing else is.

use super::codes::Code;
use super::core::ExternalId;
use super::scan::{self, Step, Stop};
use std::ops::Range;

/// See the module's page.
pub(super) struct Reader<'s> {
    /// The text.
    pub s: &'s str,
    /// How far it was read.
    pub at: usize,
    /// What was read.
    pub pieces: Vec<Range<usize>>,
    /// Names have one colon at most, those of entities and notations none.
    namespaces: bool,
}

impl<'s> Reader<'s> {
    /// Reads from `at` on, with or without namespaces.
    pub fn new(s: &'s str, at: usize, namespaces: bool) -> Reader<'s> {
        Reader { s, at, pieces: Vec::new(), namespaces }
    }

    fn take_to(&mut self, end: usize) -> &'s str {
        let piece = self.at..end;
        self.pieces.push(piece.clone());
        self.at = end;
        &self.s[piece]
    }

    /// Passes what the caller has seen.
    pub fn mark(&mut self, what: &str) {
        self.take_to(self.at + what.len());
    }

    /// The next byte.
    pub fn peek(&self) -> Step<u8> {
        self.s.as_bytes().get(self.at).copied().ok_or(Stop::Incomplete)
    }

    /// What is next must not be.
    pub fn unexpected(&self) -> Stop {
        scan::misplaced(self.s, self.at, Code::SYNTAX)
    }

    /// Passes white space; whether there is some.
    pub fn space(&mut self) -> Step<bool> {
        let end = scan::skip_space(self.s, self.at);
        if end == self.s.len() {
            return Err(Stop::Incomplete);
        }
        let any = end > self.at;
        if any {
            self.take_to(end);
        }
        Ok(any)
    }

    /// Passes white space that must be there.
    pub fn need_space(&mut self) -> Step {
        if self.space()? { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Does the text end here, with a whole word or none?
    pub fn at_end(&self) -> bool {
        let rest = self.at..self.s.len();
        rest.is_empty() || scan::skip_space(self.s, self.at) == rest.end || self.s[rest].chars().all(|c| c.is_alphanumeric())
    }

    /// Passes a byte, if it is next.
    pub fn take(&mut self, byte: u8) -> Step<bool> {
        let found = self.peek()? == byte;
        if found {
            self.take_to(self.at + 1);
        }
        Ok(found)
    }

    /// Makes one piece of the last two.
    pub fn join_last(&mut self) {
        if let Some(last) = self.pieces.pop()
            && let Some(before) = self.pieces.last_mut()
        {
            before.end = last.end;
        }
    }

    /// Passes a byte that must be next.
    pub fn need(&mut self, byte: u8) -> Step {
        if self.take(byte)? { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Passes a text, if it is next.
    pub fn take_text(&mut self, what: &str) -> Step<bool> {
        let found = scan::begins(self.s, self.at, what)?;
        if found {
            self.mark(what);
        }
        Ok(found)
    }

    /// Passes a name.
    pub fn name(&mut self) -> Step<&'s str> {
        match scan::name(self.s, self.at) {
            Ok(end) => {
                scan::word_end(self.s, end)?;
                if self.namespaces && scan::split(&self.s[self.at..end], self.at).is_err() {
                    return Err(Stop::Failed(Code::SYNTAX, self.at));
                }
                Ok(self.take_to(end))
            }
            Err(Stop::Failed(..)) => Err(self.unexpected()),
            Err(stop) => Err(stop),
        }
    }

    /// Passes the name of an entity or a notation.
    pub fn plain_name(&mut self) -> Step<&'s str> {
        let start = self.at;
        let name = self.name()?;
        if self.namespaces && name.contains(':') { Err(Stop::Failed(Code::SYNTAX, start)) } else { Ok(name) }
    }

    /// Passes a name token: of an enumeration.
    pub fn name_token(&mut self) -> Step<&'s str> {
        match scan::name_token(self.s, self.at) {
            Ok(end) => {
                scan::word_end(self.s, end)?;
                Ok(self.take_to(end))
            }
            Err(Stop::Failed(..)) => Err(self.unexpected()),
            Err(stop) => Err(stop),
        }
    }

    /// Passes a quoted text; what is between the quotes, and where that is.
    pub fn literal(&mut self) -> Step<(&'s str, usize)> {
        let quote = self.peek()?;
        if !matches!(quote, b'"' | b'\'') {
            return Err(self.unexpected());
        }
        let start = self.at + 1;
        let end = scan::find(self.s, start, if quote == b'"' { "\"" } else { "'" })?;
        scan::literal_end(self.s, end + 1)?;
        self.take_to(end + 1);
        Ok((&self.s[start..end], start))
    }

    /// Passes `SYSTEM "address"` or `PUBLIC "identifier" "address"`. Without `address` the latter's address may be missing.
    pub fn external_id(&mut self, address: bool) -> Step<ExternalId> {
        let start = self.at;
        let mut id = ExternalId::default();
        match self.name()? {
            "SYSTEM" => self.need_space()?,
            "PUBLIC" => {
                self.need_space()?;
                let (public, at) = self.literal()?;
                if let Some(i) = public.find(|c: char| !(c.is_ascii_alphanumeric() || " \r\n-'()+,./:=?;!*#@$_%".contains(c))) {
                    return Err(Stop::Failed(Code::PUBLICID, at + i));
                }
                id.public = Some(public.split_ascii_whitespace().collect::<Vec<_>>().join(" "));
                let any = self.space()?;
                if !address && !matches!(self.peek()?, b'"' | b'\'') {
                    return Ok(id);
                }
                if !any {
                    return Err(self.unexpected());
                }
            }
            _ => return Err(Stop::Failed(Code::SYNTAX, start)),
        }
        id.system = Some(self.literal()?.0.to_string());
        Ok(id)
    }
}
