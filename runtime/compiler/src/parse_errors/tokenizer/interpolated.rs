//! f-strings and t-strings: text in which replacement fields are tokenized like other code.

use super::{Status, Tokenizer};
use crate::parse_errors::token::{Token, TokenKind};

/// How deep such strings can be nested.
const MAX_STRINGS: usize = 149;
/// How deep fields can be nested in format specifications.
const MAX_FIELDS: i32 = 3;

/// An f-string or t-string that is being read.
pub(super) struct Interpolated {
    pub(super) quote: u8,
    pub(super) triple: bool,
    /// Is the next token text, not code?
    pub(super) in_text: bool,
    /// Brackets that are open within the string.
    pub(super) depth: i32,
    /// The depth around the innermost field; -1 outside of fields.
    pub(super) field_depth: i32,
    raw: bool,
    is_template: bool,
    start: usize,
    line: u32,
    line_start: usize,
    in_format_spec: bool,
}

impl Interpolated {
    /// The letter that errors name the kind of string by.
    pub(super) fn letter(&self) -> char {
        if self.is_template { 't' } else { 'f' }
    }

    fn kind(&self, of_f_string: TokenKind, of_template: TokenKind) -> TokenKind {
        if self.is_template { of_template } else { of_f_string }
    }

    fn quotes(&self) -> usize {
        if self.triple { 3 } else { 1 }
    }

    fn leave_text(&mut self) {
        self.in_text = false;
        self.in_format_spec = false;
    }
}

impl Tokenizer<'_> {
    /// The opening quote has been read.
    pub(super) fn begin_interpolated(&mut self, start: usize, quote: u8, raw: bool, is_template: bool) -> Token {
        let triple = self.opens_triple(quote);
        if self.interpolated.len() >= MAX_STRINGS {
            return self.fail("too many nested f-strings or t-strings");
        }
        let string = Interpolated {
            quote,
            triple,
            in_text: true,
            depth: 0,
            field_depth: -1,
            raw,
            is_template,
            start,
            line: self.line,
            line_start: self.line_start,
            in_format_spec: false,
        };
        let kind = string.kind(TokenKind::FStringStart, TokenKind::TStringStart);
        self.interpolated.push(string);
        self.token(kind, start)
    }

    fn innermost(&mut self) -> &mut Interpolated {
        self.interpolated.last_mut().expect("called within such a string only")
    }

    /// Is the `:` that has been read the one between a field's expression and its format specification?
    pub(super) fn begins_format_spec(&mut self) -> bool {
        let Some(string) = self.interpolated.last_mut() else { return false };
        if string.field_depth < 0 || string.depth - 1 != string.field_depth {
            return false;
        }
        string.in_text = true;
        string.in_format_spec = true;
        true
    }

    /// A closing bracket has been read.
    pub(super) fn leave_field(&mut self, byte: u8) -> Option<Token> {
        let string = self.interpolated.last_mut()?;
        string.depth -= 1;
        if string.depth < 0 {
            let message = format!("{}-string: unmatched '{}'", string.letter(), byte as char);
            return Some(self.fail(message));
        }
        if byte == b'}' && string.depth == string.field_depth {
            string.field_depth -= 1;
            string.in_text = true;
            string.in_format_spec = false;
        }
        None
    }

    fn enter_field(&mut self) -> Result<(), Token> {
        let string = self.innermost();
        string.field_depth += 1;
        if string.field_depth >= MAX_FIELDS {
            let message = format!("{}-string: expressions nested too deeply", string.letter());
            return Err(self.fail(message));
        }
        string.in_text = false;
        Ok(())
    }

    /// The next token where the string is text.
    pub(super) fn interpolated_token(&mut self) -> Token {
        let start = self.at;
        self.in_token = true;
        let (first_line, first_line_start) = (self.line, self.line_start);
        let rest = &self.text[self.at..self.line_end];
        if rest.first() == Some(&b'{') && rest.get(1) != Some(&b'{') {
            return match self.enter_field() {
                Ok(()) => self.ordinary_token(),
                Err(error) => error,
            };
        }
        let string = self.interpolated.last().expect("called within such a string only");
        let (quote, quotes) = (string.quote, string.quotes());
        if rest.starts_with(&[quote; 3][..quotes]) {
            let kind = string.kind(TokenKind::FStringEnd, TokenKind::TStringEnd);
            self.at += quotes;
            self.interpolated.pop();
            return self.token(kind, start);
        }
        match self.interpolated_text() {
            Ok(end) => {
                let kind = self.innermost().kind(TokenKind::FStringMiddle, TokenKind::TStringMiddle);
                let column = (start - first_line_start) as i32;
                Token { line: first_line, column, ..self.token_until(kind, start, end) }
            }
            Err(error) => error,
        }
    }

    /// Reads text up to a field or the closing quote; gives its end, which is before the second of two braces.
    fn interpolated_text(&mut self) -> Result<usize, Token> {
        let string = self.innermost();
        let (quote, needed, raw) = (string.quote, string.quotes(), string.raw);
        let in_format_spec = string.in_format_spec && string.field_depth >= 0;
        let mut quotes = 0;
        let mut named_escape = false;
        while quotes < needed {
            let byte = self.next();
            if self.status == Status::Failed {
                return Err(self.empty_token(TokenKind::Error));
            }
            let Some(byte) = byte.filter(|&byte| byte != b'\n' || needed == 3) else {
                return Err(self.fail_unterminated_interpolated(byte, in_format_spec));
            };
            if byte == quote {
                quotes += 1;
                continue;
            }
            quotes = 0;
            match byte {
                b'{' if self.peek() == Some(b'{') && !in_format_spec => {
                    self.at += 1;
                    return Ok(self.at - 1);
                }
                b'{' => {
                    self.at -= 1;
                    self.enter_field()?;
                    self.innermost().leave_text();
                    return Ok(self.at);
                }
                b'}' if named_escape => return Ok(self.at),
                b'}' if self.peek() == Some(b'}') && !in_format_spec && self.innermost().depth == 0 => {
                    self.at += 1;
                    return Ok(self.at - 1);
                }
                b'}' => {
                    self.at -= 1;
                    self.innermost().leave_text();
                    return Ok(self.at);
                }
                b'\\' => {
                    let escaped = self.next();
                    if matches!(escaped, Some(b'{' | b'}')) {
                        self.back(escaped);
                    } else if escaped == Some(b'N') && !raw && self.peek() == Some(b'{') {
                        self.at += 1;
                        named_escape = true;
                    }
                }
                _ => {}
            }
        }
        self.at -= needed;
        Ok(self.at)
    }

    /// The line or the text ended within the string; `byte` is the newline.
    fn fail_unterminated_interpolated(&mut self, byte: Option<u8>, in_format_spec: bool) -> Token {
        let string = self.innermost();
        let letter = string.letter();
        let triple = string.triple;
        if in_format_spec && byte.is_some() {
            return self.fail(format!("{letter}-string: newlines are not allowed in format specifiers for single quoted {letter}-strings"));
        }
        let (start, line, line_start) = (string.start, string.line, string.line_start);
        let detected = self.line;
        self.at = start + 1;
        (self.line, self.line_start) = (line, line_start);
        let quoted = if triple { "triple-quoted " } else { "" };
        let error = self.fail(format!("unterminated {quoted}{letter}-string literal (detected at line {detected})"));
        if triple && byte.is_none() {
            self.status = Status::EndInTripleQuotes;
        }
        error
    }
}
