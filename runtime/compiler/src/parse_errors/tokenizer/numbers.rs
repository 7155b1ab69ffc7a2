//! Numbers.

use super::{Tokenizer, is_name_byte};
use crate::parse_errors::token::{Token, TokenKind};

/// Words that may follow a number without a space.
const WORDS_AFTER_NUMBER: [&[u8]; 8] = [b"and", b"else", b"for", b"if", b"in", b"is", b"not", b"or"];

impl Tokenizer<'_> {
    /// The number that begins at `start`, whose first byte has been read.
    pub(super) fn number(&mut self, start: usize) -> Token {
        self.at = start;
        let end = match (self.text[start], self.byte_after(start)) {
            (b'0', Some(b'x' | b'X')) => self.prefixed_digits("hexadecimal", |byte| byte.is_ascii_hexdigit()),
            (b'0', Some(b'o' | b'O')) => self.prefixed_digits("octal", |byte| matches!(byte, b'0'..=b'7')),
            (b'0', Some(b'b' | b'B')) => self.prefixed_digits("binary", |byte| matches!(byte, b'0' | b'1')),
            _ => self.decimal(start),
        };
        match end {
            Ok(()) => self.token(TokenKind::Number, start),
            Err(error) => error,
        }
    }

    fn byte_after(&self, at: usize) -> Option<u8> {
        self.text[..self.line_end].get(at + 1).copied()
    }

    fn sees_digit(&self) -> bool {
        self.peek().is_some_and(|byte| byte.is_ascii_digit())
    }

    fn prefixed_digits(&mut self, kind: &str, is_digit: impl Fn(u8) -> bool) -> Result<(), Token> {
        self.at += 2;
        loop {
            if self.peek() == Some(b'_') {
                self.at += 1;
            }
            if !self.peek().is_some_and(&is_digit) {
                self.refuse_other_digit(kind)?;
                return Err(self.fail(format!("invalid {kind} literal")));
            }
            while self.peek().is_some_and(&is_digit) {
                self.at += 1;
            }
            if self.peek() != Some(b'_') {
                break;
            }
        }
        self.refuse_other_digit(kind)?;
        self.end_of_number(kind)
    }

    fn refuse_other_digit(&mut self, kind: &str) -> Result<(), Token> {
        match self.peek() {
            Some(digit @ b'0'..=b'9') => {
                self.at += 1;
                Err(self.fail(format!("invalid digit '{}' in {kind} literal", digit as char)))
            }
            _ => Ok(()),
        }
    }

    fn decimal(&mut self, start: usize) -> Result<(), Token> {
        let mut is_old_octal = false;
        if self.text[start] != b'.' {
            self.digits()?;
            let digits = &self.text[start..self.at];
            is_old_octal = digits[0] == b'0' && digits.iter().any(|byte| !matches!(byte, b'0' | b'_'));
        }
        if self.peek() == Some(b'.') {
            is_old_octal = false;
            self.at += 1;
            if self.sees_digit() {
                self.digits()?;
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            is_old_octal = false;
            if !self.exponent()? {
                // The letter begins a word.
                return self.end_of_number("decimal");
            }
        }
        if matches!(self.peek(), Some(b'j' | b'J')) {
            self.at += 1;
            return self.end_of_number("imaginary");
        }
        if is_old_octal && !self.all_tokens {
            let zeros = self.text[start..].iter().take_while(|byte| matches!(byte, b'0' | b'_')).count();
            return Err(self.fail_range(
                start,
                start + zeros + 1,
                "leading zeros in decimal integer literals are not permitted; use an 0o prefix for octal integers",
            ));
        }
        self.end_of_number("decimal")
    }

    /// Digits with underscores between them; the first is there.
    fn digits(&mut self) -> Result<(), Token> {
        loop {
            while self.sees_digit() {
                self.at += 1;
            }
            if self.peek() != Some(b'_') {
                return Ok(());
            }
            self.at += 1;
            if !self.sees_digit() {
                return Err(self.fail("invalid decimal literal"));
            }
        }
    }

    /// What begins with an `e`; false if it is no exponent.
    fn exponent(&mut self) -> Result<bool, Token> {
        match self.byte_after(self.at) {
            Some(b'+' | b'-') => {
                self.at += 2;
                if !self.sees_digit() {
                    return Err(self.fail("invalid decimal literal"));
                }
            }
            Some(b'0'..=b'9') => self.at += 1,
            _ => return Ok(false),
        }
        self.digits().map(|()| true)
    }

    /// A number must not run into a name, but for some keywords.
    fn end_of_number(&mut self, kind: &str) -> Result<(), Token> {
        let rest = &self.text[self.at..self.line_end];
        let is_word = |word: &&[u8]| {
            let Some(after) = rest.strip_prefix(*word) else { return false };
            // After `if`, `in` and `is` more letters may follow; the other words must end.
            word[0] == b'i' || !after.first().is_some_and(|&byte| is_name_byte(byte))
        };
        match rest.first() {
            _ if self.all_tokens || WORDS_AFTER_NUMBER.iter().any(is_word) => Ok(()),
            Some(&byte) if byte < 0x80 && is_name_byte(byte) => Err(self.fail(format!("invalid {kind} literal"))),
            _ => Ok(()),
        }
    }
}
