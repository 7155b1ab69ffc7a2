//! A tokenizer that refuses what CPython's refuses, with the same words.
//!
//! It works on UTF-8 whose line ends are `\n` and reads a line at a time, as CPython's does: where the current line ends and what has been
//! read so far decides which error wins. Text without a final newline is tokenized as it is; a caller that wants one adds it.

mod interpolated;
mod numbers;
mod strings;

use super::token::{Token, TokenKind, is_keyword, operator_length};
use interpolated::Interpolated;

/// How deep blocks can be nested.
const MAX_INDENTS: usize = 100;
/// How deep brackets can be nested.
const MAX_BRACKETS: usize = 200;
const TAB_SIZE: u32 = 8;

/// Why tokenizing has come to an end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// It has not.
    Going,
    /// The end of the text.
    End,
    /// The end of the text, within a triple-quoted string.
    EndInTripleQuotes,
    /// The end of the text, within a string with single quotes.
    EndInQuotes,
    /// [`Tokenizer::failure`] tells.
    Failed,
    /// A line is indented like none of the blocks around it.
    Dedent,
    /// Tabs and spaces are mixed such that their meaning depends on the width of a tab.
    TabsAndSpaces,
    /// More than a hundred blocks within each other.
    TooManyIndents,
    /// Something follows a backslash.
    LineContinuation,
}

/// A text that cannot be tokenized.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// What CPython says.
    pub message: String,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub offset: u32,
    /// The column after the end, in characters, from 1.
    pub end_offset: u32,
}

/// An open bracket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bracket {
    /// Which one.
    pub byte: u8,
    /// Its line.
    pub line: u32,
    /// Its column in bytes, from 0.
    pub column: u32,
}

#[derive(Clone, Copy)]
struct Indent {
    /// Its width if a tab goes to the next multiple of eight.
    column: u32,
    /// Its width if a tab counts as a space.
    tab_as_space: u32,
}

/// See the module's page.
pub struct Tokenizer<'a> {
    text: &'a [u8],
    /// The byte that is read next.
    at: usize,
    line: u32,
    line_start: usize,
    /// The end of the current line, newline included.
    line_end: usize,
    /// Where the line begins that the current token began in: CPython's idea of the text around an error.
    buffer_start: usize,
    in_token: bool,
    at_line_start: bool,
    indents: Vec<Indent>,
    /// Indents (positive) or dedents (negative) that are still to be given.
    pending_indents: i32,
    brackets: Vec<Bracket>,
    interpolated: Vec<Interpolated>,
    status: Status,
    failure: Option<Failure>,
    /// Does it give comments and line ends that mean nothing, and accept what only looks wrong?
    all_tokens: bool,
    after_comment_line: bool,
}

impl<'a> Tokenizer<'a> {
    /// The tokens a parser wants.
    pub fn new(text: &'a str) -> Tokenizer<'a> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).as_bytes();
        Tokenizer {
            text,
            at: 0,
            line: 0,
            line_start: 0,
            line_end: 0,
            buffer_start: 0,
            in_token: false,
            at_line_start: true,
            indents: vec![Indent { column: 0, tab_as_space: 0 }],
            pending_indents: 0,
            brackets: Vec::new(),
            interpolated: Vec::new(),
            status: Status::Going,
            failure: None,
            all_tokens: false,
            after_comment_line: false,
        }
    }

    /// All tokens, comments and meaningless line ends included, with fewer errors: what the module `tokenize` shows.
    pub fn with_all_tokens(text: &'a str) -> Tokenizer<'a> {
        Tokenizer { all_tokens: true, ..Tokenizer::new(text) }
    }

    /// The text, without its byte order mark.
    pub fn text(&self) -> &'a [u8] {
        self.text
    }

    /// Why the last token was an error or the end.
    pub fn status(&self) -> Status {
        self.status
    }

    /// What the tokenizer itself has to say about the error.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// The open brackets.
    pub fn brackets(&self) -> &[Bracket] {
        &self.brackets
    }

    /// The line being read and how many bytes of it have been.
    pub fn position(&self) -> (u32, usize) {
        (self.line, self.at - self.line_start)
    }

    /// The text of a line, without its newline.
    pub fn line_text(&self, line: u32) -> String {
        let mut lines = self.text.split(|&byte| byte == b'\n');
        String::from_utf8_lossy(lines.nth(line.max(1) as usize - 1).unwrap_or_default()).into_owned()
    }

    /// The lines that the current token is in, as far as they have been read.
    pub fn lines_around(&self) -> &'a [u8] {
        &self.text[self.buffer_start..self.line_end]
    }

    /// Forgets the open blocks; the dedents that end them come next.
    pub fn close_blocks(&mut self) {
        self.pending_indents = 1 - self.indents.len() as i32;
        self.indents.truncate(1);
    }

    /// Is an f-string or a t-string open?
    pub fn in_interpolated(&self) -> bool {
        !self.interpolated.is_empty()
    }

    /// Are blocks open?
    pub fn in_block(&self) -> bool {
        self.indents.len() > 1
    }

    /// What is left of the text.
    pub fn rest(&self) -> &'a [u8] {
        &self.text[self.at..]
    }

    /// The next token. After the end or an error there is nothing else to come.
    pub fn next_token(&mut self) -> Token {
        let token = match self.interpolated.last() {
            Some(string) if string.in_text => self.interpolated_token(),
            _ => self.ordinary_token(),
        };
        // Where such a token ends shows at the next byte: CPython's tokenizer has seen then that there is none.
        let looks_ahead = matches!(token.kind, TokenKind::Name | TokenKind::Keyword | TokenKind::Number | TokenKind::Operator);
        if looks_ahead && self.at == self.text.len() {
            self.status = Status::End;
        }
        token
    }

    /// The next byte; `None` at the end and after an error.
    fn next(&mut self) -> Option<u8> {
        if self.at == self.line_end {
            if self.status != Status::Going {
                return None;
            }
            if self.at == self.text.len() {
                self.status = Status::End;
                return None;
            }
            self.line += 1;
            self.line_start = self.at;
            if !self.in_token {
                self.buffer_start = self.at;
            }
            self.line_end = memchr::memchr(b'\n', &self.text[self.at..]).map_or(self.text.len(), |length| self.at + length + 1);
            if self.text[self.line_start..self.line_end].contains(&0) {
                self.fail("source code cannot contain null bytes");
                self.at = self.line_end;
                return None;
            }
        }
        self.at += 1;
        Some(self.text[self.at - 1])
    }

    fn back(&mut self, byte: Option<u8>) {
        self.at -= byte.is_some() as usize;
    }

    /// What [`Tokenizer::next`] will give within this line.
    fn peek(&self) -> Option<u8> {
        self.text[..self.line_end].get(self.at).copied()
    }

    /// A token from its first byte to where reading has come.
    fn token(&self, kind: TokenKind, start: usize) -> Token {
        self.token_until(kind, start, self.at)
    }

    fn token_until(&self, kind: TokenKind, start: usize, end: usize) -> Token {
        // What begins in an earlier line is a string; its own code sets where.
        let column = if start >= self.line_start { (start - self.line_start) as i32 } else { -1 };
        Token {
            kind,
            start,
            end,
            line: self.line,
            column,
            end_line: self.line,
            end_column: end as i32 - self.line_start as i32,
            depth: self.brackets.len() as u32,
        }
    }

    /// A token that stands for no text.
    fn empty_token(&self, kind: TokenKind) -> Token {
        Token { column: -1, end_column: -1, ..self.token(kind, self.at) }
    }

    /// How many characters a piece of text has.
    fn characters(&self, start: usize, end: usize) -> u32 {
        self.text[start..end].iter().filter(|&&byte| byte & 0xC0 != 0x80).count() as u32
    }

    /// Fails at the byte that was read last.
    fn fail(&mut self, message: impl Into<String>) -> Token {
        let offset = self.characters(self.line_start, self.at);
        self.fail_with(message.into(), offset, offset)
    }

    /// Fails because of the text from `start` to before `end`.
    fn fail_range(&mut self, start: usize, end: usize, message: impl Into<String>) -> Token {
        let offset = self.characters(self.line_start, start) + 1;
        let end_offset = self.characters(self.line_start, end);
        self.fail_with(message.into(), offset, end_offset)
    }

    fn fail_with(&mut self, message: String, offset: u32, end_offset: u32) -> Token {
        self.failure = Some(Failure { message, line: self.line, offset, end_offset });
        self.fail_as(Status::Failed)
    }

    fn fail_as(&mut self, status: Status) -> Token {
        self.status = status;
        self.empty_token(TokenKind::Error)
    }

    /// Fails because of the whole line.
    fn fail_line(&mut self, status: Status) -> Token {
        self.at = self.line_end;
        self.fail_as(status)
    }

    fn ordinary_token(&mut self) -> Token {
        let mut is_blank = false;
        loop {
            self.in_token = false;
            if self.at_line_start {
                self.at_line_start = false;
                match self.indentation() {
                    Ok(blank) => is_blank = blank,
                    Err(error) => return error,
                }
            }
            if self.pending_indents != 0 {
                return self.pending_indent();
            }
            if let Some(token) = self.token_in_line(is_blank) {
                return token;
            }
        }
    }

    /// Reads the white space a line begins with and compares it with the blocks around. Is the line blank?
    fn indentation(&mut self) -> Result<bool, Token> {
        let mut indent = Indent { column: 0, tab_as_space: 0 };
        // A line continued by a backslash is indented as far as the first backslash.
        let mut continued: Option<Indent> = None;
        let byte = loop {
            match self.next() {
                Some(b' ') => {
                    indent.column += 1;
                    indent.tab_as_space += 1;
                }
                Some(b'\t') => {
                    indent.column = (indent.column / TAB_SIZE + 1) * TAB_SIZE;
                    indent.tab_as_space += 1;
                }
                Some(b'\x0C') => indent = Indent { column: 0, tab_as_space: 0 },
                Some(b'\\') => {
                    if continued.is_none_or(|indent| indent.column == 0) {
                        continued = Some(Indent { column: indent.column, tab_as_space: indent.column });
                    }
                    self.continue_line()?;
                }
                other => break other,
            }
        };
        self.back(byte);
        if matches!(byte, Some(b'#' | b'\n')) {
            return Ok(true);
        }
        if self.brackets.is_empty() {
            let indent = continued.filter(|indent| indent.column > 0).unwrap_or(indent);
            self.compare_indent(indent)?;
        }
        Ok(false)
    }

    fn compare_indent(&mut self, indent: Indent) -> Result<(), Token> {
        let around = self.indents[self.indents.len() - 1];
        if indent.column > around.column {
            if self.indents.len() >= MAX_INDENTS {
                return Err(self.fail_line(Status::TooManyIndents));
            }
            if indent.tab_as_space <= around.tab_as_space {
                return Err(self.fail_line(Status::TabsAndSpaces));
            }
            self.pending_indents += 1;
            self.indents.push(indent);
            return Ok(());
        }
        while self.indents.len() > 1 && indent.column < self.indents[self.indents.len() - 1].column {
            self.pending_indents -= 1;
            self.indents.pop();
        }
        let around = self.indents[self.indents.len() - 1];
        if indent.column != around.column {
            return Err(self.fail_line(Status::Dedent));
        }
        if indent.tab_as_space != around.tab_as_space {
            return Err(self.fail_line(Status::TabsAndSpaces));
        }
        Ok(())
    }

    fn pending_indent(&mut self) -> Token {
        let kind = if self.pending_indents < 0 { TokenKind::Dedent } else { TokenKind::Indent };
        self.pending_indents -= self.pending_indents.signum();
        match (self.all_tokens, kind) {
            (true, TokenKind::Indent) => self.token(kind, self.line_start),
            (true, _) => self.token(kind, self.at),
            (false, _) => self.empty_token(kind),
        }
    }

    /// After a backslash: nothing but the end of the line may follow, and another line.
    fn continue_line(&mut self) -> Result<(), Token> {
        if self.next() != Some(b'\n') {
            return Err(self.fail_as(Status::LineContinuation));
        }
        match self.next() {
            None => {
                self.at = self.line_end;
                Err(self.fail_as(Status::End))
            }
            byte => {
                self.back(byte);
                Ok(())
            }
        }
    }

    /// The next token of the line; `None` if the line ends without one that counts.
    fn token_in_line(&mut self, is_blank: bool) -> Option<Token> {
        let byte = loop {
            match self.next() {
                Some(b' ' | b'\t' | b'\x0C') => {}
                Some(b'\\') => {
                    self.in_token = true;
                    if let Err(error) = self.continue_line() {
                        return Some(error);
                    }
                    self.in_token = false;
                }
                other => break other,
            }
        };
        let mut byte = byte;
        let start = self.at - byte.is_some() as usize;
        self.in_token = true;
        if byte == Some(b'#') {
            while !matches!(byte, None | Some(b'\n')) {
                byte = self.next();
            }
            if self.all_tokens {
                self.back(byte);
                self.after_comment_line = is_blank;
                return Some(self.token(TokenKind::Comment, start));
            }
        }
        let Some(byte) = byte else {
            let at_end = self.brackets.is_empty() && self.status == Status::End;
            return Some(self.empty_token(if at_end { TokenKind::EndMarker } else { TokenKind::Error }));
        };
        match byte {
            b'\n' => self.line_end_token(start, is_blank),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.. => Some(self.name_or_string(start)),
            b'0'..=b'9' => Some(self.number(start)),
            b'.' if self.peek().is_some_and(|next| next.is_ascii_digit()) => Some(self.number(start)),
            b'\'' | b'"' => Some(self.string(start, byte)),
            _ => Some(self.operator(start, byte)),
        }
    }

    fn line_end_token(&mut self, start: usize, is_blank: bool) -> Option<Token> {
        self.at_line_start = true;
        let follows_comment = std::mem::take(&mut self.after_comment_line);
        if is_blank || !self.brackets.is_empty() || (follows_comment && self.all_tokens) {
            return self.all_tokens.then(|| self.token(TokenKind::BlankNewline, start));
        }
        Some(self.token(TokenKind::Newline, start))
    }

    fn name_or_string(&mut self, start: usize) -> Token {
        if let Some(string) = self.prefixed_string(start) {
            return string;
        }
        while self.peek().is_some_and(is_name_byte) {
            self.at += 1;
        }
        let name = &self.text[start..self.at];
        if !name.is_ascii()
            && !self.all_tokens
            && let Some(error) = self.check_name(start)
        {
            return error;
        }
        let kind = if is_keyword(name) { TokenKind::Keyword } else { TokenKind::Name };
        self.token(kind, start)
    }

    /// The error in a name with other characters than those of ASCII.
    fn check_name(&mut self, start: usize) -> Option<Token> {
        let name = str::from_utf8(&self.text[start..self.at]).expect("names end where characters do");
        let belongs = |(at, character): &(usize, char)| {
            if *at == 0 { *character == '_' || unicode_ident::is_xid_start(*character) } else { unicode_ident::is_xid_continue(*character) }
        };
        let (at, wrong) = name.char_indices().find(|item| !belongs(item))?;
        self.at = start + at + wrong.len_utf8();
        Some(self.fail(wrong_character(wrong)))
    }

    fn operator(&mut self, start: usize, byte: u8) -> Token {
        if byte == b':' && self.begins_format_spec() {
            return self.token(TokenKind::Operator, start);
        }
        let length = match &self.text[start..self.line_end] {
            // Only the grammar knows it.
            [b'<', b'>', ..] if self.all_tokens => 1,
            text => operator_length(text),
        };
        if length > 1 {
            self.at = start + length;
            return self.token(TokenKind::Operator, start);
        }
        let error = match byte {
            b'(' | b'[' | b'{' => self.open_bracket(start, byte),
            b')' | b']' | b'}' => self.close_bracket(byte),
            _ if byte.is_ascii_control() => Some(self.fail(wrong_character(byte as char))),
            _ => None,
        };
        error.unwrap_or_else(|| self.token(TokenKind::Operator, start))
    }

    fn open_bracket(&mut self, start: usize, byte: u8) -> Option<Token> {
        if self.brackets.len() >= MAX_BRACKETS {
            return Some(self.fail("too many nested parentheses"));
        }
        let column = (start - self.line_start) as u32;
        self.brackets.push(Bracket { byte, line: self.line, column });
        if let Some(string) = self.interpolated.last_mut() {
            string.depth += 1;
        }
        None
    }

    fn close_bracket(&mut self, byte: u8) -> Option<Token> {
        let closing = byte as char;
        if let Some(string) = self.interpolated.last()
            && string.depth == 0
            && byte == b'}'
        {
            let message = format!("{}-string: single '}}' is not allowed", string.letter());
            return Some(self.fail(message));
        }
        match self.brackets.pop() {
            None if !self.all_tokens => return Some(self.fail(format!("unmatched '{closing}'"))),
            Some(opening) if !self.all_tokens && !matches(opening.byte, byte) => {
                return Some(self.fail_unmatched(opening, closing));
            }
            _ => {}
        }
        self.leave_field(byte)
    }

    fn fail_unmatched(&mut self, opening: Bracket, closing: char) -> Token {
        if let Some(string) = self.interpolated.last()
            && opening.byte == b'{'
            && string.depth - 1 == string.field_depth
        {
            let message = format!("{}-string: unmatched '{closing}'", string.letter());
            return self.fail(message);
        }
        let bracket = opening.byte as char;
        let line = if opening.line == self.line { String::new() } else { format!(" on line {}", opening.line) };
        self.fail(format!("closing parenthesis '{closing}' does not match opening parenthesis '{bracket}'{line}"))
    }
}

fn matches(opening: u8, closing: u8) -> bool {
    matches!((opening, closing), (b'(', b')') | (b'[', b']') | (b'{', b'}'))
}

/// Can this byte be part of an identifier?
fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn wrong_character(character: char) -> String {
    let code = character as u32;
    if is_printable(character) {
        format!("invalid character '{character}' (U+{code:04X})")
    } else {
        format!("invalid non-printable character U+{code:04X}")
    }
}

/// Does `str.isprintable()` say so? Debug output escapes what it does not.
fn is_printable(character: char) -> bool {
    // Behind another character, so that a combining one is not escaped for its own sake.
    !format!("a{character}").escape_debug().to_string().contains("\\u{")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    /// The tokens as `Kind text line:column-line:column`, one a line, up to the end or an error.
    fn shown(mut tokenizer: Tokenizer<'_>) -> String {
        let mut out = String::new();
        loop {
            let token = tokenizer.next_token();
            let text = String::from_utf8_lossy(&tokenizer.text()[token.start..token.end]).into_owned();
            let Token { kind, line, column, end_line, end_column, .. } = token;
            writeln!(out, "{kind:?} {text:?} {line}:{column}-{end_line}:{end_column}").expect("a String takes anything");
            match kind {
                TokenKind::EndMarker => return out,
                TokenKind::Error => {
                    let message = tokenizer.failure().map(|failure| failure.message.as_str());
                    return out + &format!("{:?} {message:?}\n", tokenizer.status());
                }
                _ => {}
            }
        }
    }

    #[test]
    fn a_parser_gets_what_matters() {
        let text = "if é:  # why\n\n    x = (1,\n  2)\ny\n";
        let expected = r##"Keyword "if" 1:0-1:2
Name "é" 1:3-1:5
Operator ":" 1:5-1:6
Newline "# why\n" 1:8-1:14
Indent "" 3:-1-3:-1
Name "x" 3:4-3:5
Operator "=" 3:6-3:7
Operator "(" 3:8-3:9
Number "1" 3:9-3:10
Operator "," 3:10-3:11
Number "2" 4:2-4:3
Operator ")" 4:3-4:4
Newline "\n" 4:4-4:5
Dedent "" 5:-1-5:-1
Name "y" 5:0-5:1
Newline "\n" 5:1-5:2
EndMarker "" 5:-1-5:-1
"##;
        assert_eq!(shown(Tokenizer::new(text)), expected);
    }

    #[test]
    fn all_tokens_cover_comments_and_blank_lines() {
        let text = "# a\n\nif b:  # c\n  d = [\n  ]\n";
        let expected = r##"Comment "# a" 1:0-1:3
BlankNewline "\n" 1:3-1:4
BlankNewline "\n" 2:0-2:1
Keyword "if" 3:0-3:2
Name "b" 3:3-3:4
Operator ":" 3:4-3:5
Comment "# c" 3:7-3:10
Newline "\n" 3:10-3:11
Indent "  " 4:0-4:2
Name "d" 4:2-4:3
Operator "=" 4:4-4:5
Operator "[" 4:6-4:7
BlankNewline "\n" 4:7-4:8
Operator "]" 5:2-5:3
Newline "\n" 5:3-5:4
Dedent "" 5:4-5:4
EndMarker "" 5:-1-5:-1
"##;
        assert_eq!(shown(Tokenizer::with_all_tokens(text)), expected);
    }

    #[test]
    fn strings_with_fields_are_many_tokens() {
        let text = "rf'{{a}}{b!r:>{c}}' t\"\"\"d\n{e=}\"\"\"\n";
        let expected = r##"FStringStart "rf'" 1:0-1:3
FStringMiddle "{" 1:3-1:4
FStringMiddle "a}" 1:5-1:7
Operator "{" 1:8-1:9
Name "b" 1:9-1:10
Operator "!" 1:10-1:11
Name "r" 1:11-1:12
Operator ":" 1:12-1:13
FStringMiddle ">" 1:13-1:14
Operator "{" 1:14-1:15
Name "c" 1:15-1:16
Operator "}" 1:16-1:17
FStringMiddle "" 1:17-1:17
Operator "}" 1:17-1:18
FStringEnd "'" 1:18-1:19
TStringStart "t\"\"\"" 1:20-1:24
TStringMiddle "d\n" 1:24-2:0
Operator "{" 2:0-2:1
Name "e" 2:1-2:2
Operator "=" 2:2-2:3
Operator "}" 2:3-2:4
TStringEnd "\"\"\"" 2:4-2:7
Newline "\n" 2:7-2:8
EndMarker "" 2:-1-2:-1
"##;
        assert_eq!(shown(Tokenizer::new(text)), expected);
    }

    #[test]
    fn errors_end_the_tokens() {
        let last_line = |text| shown(Tokenizer::new(text)).lines().last().map(str::to_owned);
        assert_eq!(last_line("(a"), Some("End None".into()));
        assert_eq!(last_line("if a:\n  b\n c\n"), Some("Dedent None".into()));
        assert_eq!(last_line("if a:\n        b\n\tc\n"), Some("TabsAndSpaces None".into()));
        assert_eq!(last_line("a \\ b\n"), Some("LineContinuation None".into()));
        assert_eq!(last_line("'a"), Some(r#"EndInQuotes Some("unterminated string literal (detected at line 1)")"#.into()));
        assert_eq!(last_line("1_000_\n"), Some(r#"Failed Some("invalid decimal literal")"#.into()));
    }
}
