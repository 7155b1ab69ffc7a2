//! String and bytes literals, and the prefixes of all literals with quotes.

use super::{Status, Tokenizer};
use crate::parse_errors::token::{Token, TokenKind};

/// Pairs of prefixes that exclude each other, in the order in which they are looked for.
const INCOMPATIBLE: [(u8, u8); 7] = [(b'u', b'b'), (b'u', b'r'), (b'u', b'f'), (b'u', b't'), (b'b', b'f'), (b'b', b't'), (b'f', b't')];

impl Tokenizer<'_> {
    /// The literal that begins at `start` if what stands there is a prefix; its first letter has been read.
    pub(super) fn prefixed_string(&mut self, start: usize) -> Option<Token> {
        let rest = &self.text[start..self.line_end];
        let mut seen = [false; 128];
        let is_new_prefix = |byte: &&u8| {
            let letter = byte.to_ascii_lowercase();
            matches!(letter, b'b' | b'r' | b'u' | b'f' | b't') && !std::mem::replace(&mut seen[letter as usize], true)
        };
        let length = rest.iter().take_while(is_new_prefix).count();
        let quote = *rest.get(length).filter(|byte| matches!(byte, b'\'' | b'"'))?;
        self.at = start + length + 1;
        let saw = |letter: u8| seen[letter as usize];
        if let Some(&(one, other)) = INCOMPATIBLE.iter().find(|&&(one, other)| saw(one) && saw(other)) {
            let message = format!("'{}' and '{}' prefixes are incompatible", one as char, other as char);
            return Some(self.fail_range(start, self.at, message));
        }
        Some(if saw(b'f') || saw(b't') { self.begin_interpolated(start, quote, saw(b'r'), saw(b't')) } else { self.string(start, quote) })
    }

    /// Does the quote that has been read belong to three of them? Then reads the others.
    pub(super) fn opens_triple(&mut self, quote: u8) -> bool {
        let triple = self.text[self.at..self.line_end].starts_with(&[quote, quote]);
        if triple {
            self.at += 2;
        }
        triple
    }

    /// The literal that begins at `start`, whose opening quote has been read.
    pub(super) fn string(&mut self, start: usize, quote: u8) -> Token {
        let (first_line, first_line_start) = (self.line, self.line_start);
        let triple = self.opens_triple(quote);
        let needed = if triple { 3 } else { 1 };
        let mut quotes = 0;
        let mut escaped_quote = false;
        while quotes < needed {
            let mut byte = self.next();
            if self.status == Status::Failed {
                return self.empty_token(TokenKind::Error);
            }
            if byte.is_none() || (byte == Some(b'\n') && !triple) {
                let detected = self.line;
                self.at = start + 1;
                (self.line, self.line_start) = (first_line, first_line_start);
                return self.fail_unterminated(quote, triple, byte.is_none(), escaped_quote, detected);
            }
            quotes = if byte == Some(quote) { quotes + 1 } else { 0 };
            if byte == Some(b'\\') {
                byte = self.next();
                escaped_quote |= byte == Some(quote);
            }
        }
        let column = (start - first_line_start) as i32;
        Token { line: first_line, column, ..self.token(TokenKind::String, start) }
    }

    fn fail_unterminated(&mut self, quote: u8, triple: bool, at_end: bool, escaped_quote: bool, detected: u32) -> Token {
        if let Some(outer) = self.interpolated.last()
            && (outer.quote, outer.triple) == (quote, triple)
        {
            let message = format!("{}-string: expecting '}}'", outer.letter());
            return self.fail(message);
        }
        let (kind, status) = match triple {
            true => ("triple-quoted string", Status::EndInTripleQuotes),
            false => ("string", Status::EndInQuotes),
        };
        let hint = if escaped_quote && !triple { "; perhaps you escaped the end quote?" } else { "" };
        let error = self.fail(format!("unterminated {kind} literal (detected at line {detected}){hint}"));
        if at_end {
            self.status = status;
        }
        error
    }
}
