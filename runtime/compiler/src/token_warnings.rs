//! Warnings about the spelling of literals.

use ruff_python_ast::StringFlags;
use ruff_python_ast::token::{Token, TokenKind};
use ruff_python_parser::ParseError;
use ruff_text_size::{Ranged, TextRange, TextSize};

use crate::error::SyntaxWarning;
use crate::source::Source;

/// Looks at the tokens of a program, up to the error in it.
pub(crate) fn collect(source: &Source, tokens: &[Token], error: Option<&ParseError>, warnings: &mut Vec<SyntaxWarning>) {
    let end = error.map_or(source.text().len(), |error| usize::from(error.location.start()));
    let before_error = tokens.iter().take_while(|token| usize::from(token.start()) < end);
    for (index, token) in before_error.enumerate() {
        match token.kind() {
            TokenKind::String | TokenKind::FStringMiddle | TokenKind::TStringMiddle => {
                warnings.extend(escape_warning(source, *token));
            }
            TokenKind::Int | TokenKind::Float | TokenKind::Complex => {
                let next = tokens.get(index + 1);
                if next.is_some_and(|next| next.start() == token.end() && next.kind().is_non_soft_keyword()) {
                    let kind = match (token.kind(), source.slice(token.range()).get(1..2)) {
                        (TokenKind::Complex, _) => "imaginary",
                        (TokenKind::Int, Some("x" | "X")) => "hexadecimal",
                        (TokenKind::Int, Some("o" | "O")) => "octal",
                        (TokenKind::Int, Some("b" | "B")) => "binary",
                        _ => "decimal",
                    };
                    warnings.push(source.warning(token.range(), format!("invalid {kind} literal")));
                }
            }
            _ => {}
        }
    }
}

/// The first escape sequence of a string that means nothing.
fn escape_warning(source: &Source, token: Token) -> Option<SyntaxWarning> {
    let flags = token.string_flags()?;
    if flags.is_raw_string() {
        return None;
    }
    let mut start = usize::from(token.start());
    let mut text = source.slice(token.range());
    if token.kind() == TokenKind::String {
        let (opener, closer) = (usize::from(flags.opener_len()), usize::from(flags.closer_len()));
        text = text.get(opener..text.len().checked_sub(closer)?)?;
        start += opener;
    }
    let known: &[u8] = if flags.is_byte_string() { b"\n\\'\"abfnrtvx" } else { b"\n\\'\"abfnrtvxuUN" };
    let interpolated = token.kind() != TokenKind::String;
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\\', &bytes[at..]) {
        at += found;
        let escaped = text[at + 1..].chars().next()?;
        let length = match escaped {
            '0'..='7' => {
                let digits = bytes[at + 1..].iter().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
                if digits < 3 || bytes[at + 1] < b'4' {
                    at += 1 + digits;
                    continue;
                }
                digits
            }
            _ if escaped.is_ascii() && known.contains(&(escaped as u8)) => {
                at += 2;
                continue;
            }
            // A doubled brace is another matter than one that begins a field.
            '{' | '}' if interpolated && bytes.get(at + 2) == Some(&(escaped as u8)) => 1,
            _ => escaped.len_utf8(),
        };
        let range = TextRange::at(TextSize::from((start + at) as u32), TextSize::from(1 + length as u32));
        let sequence = source.slice(range);
        let kind = if escaped.is_ascii_digit() && escaped < '8' { "octal escape sequence" } else { "escape sequence" };
        let message = format!(
            "\"{sequence}\" is an invalid {kind}. Such sequences will not work in the future. Did you mean \
             \"\\{sequence}\"? A raw string is also an option."
        );
        return Some(source.warning(range, message));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warnings(text: &str) -> Vec<(u32, u32, String)> {
        let source = Source::new(text);
        let parsed = ruff_python_parser::parse_unchecked(text, ruff_python_parser::Mode::Module.into());
        let mut warnings = Vec::new();
        collect(&source, parsed.tokens(), parsed.errors().first(), &mut warnings);
        warnings
            .into_iter()
            .map(|warning| (warning.lineno, warning.offset, warning.message.split(" Such").next().unwrap().to_owned()))
            .collect()
    }

    #[test]
    fn meaningless_escapes_are_found() {
        let found = |line, column, text: &str| vec![(line, column, text.to_owned())];
        assert_eq!(warnings(r#"'\z\y'"#), found(1, 2, r#""\z" is an invalid escape sequence."#));
        assert_eq!(warnings("'''\n\\z'''"), found(2, 1, r#""\z" is an invalid escape sequence."#));
        assert_eq!(warnings(r"'\400'"), found(1, 2, r#""\400" is an invalid octal escape sequence."#));
        assert_eq!(warnings(r"b'\u'"), found(1, 3, r#""\u" is an invalid escape sequence."#));
        assert_eq!(warnings(r"f'{a}\d'"), found(1, 6, r#""\d" is an invalid escape sequence."#));
        assert_eq!(warnings(r#"'\0\377\x41\u0041\N{BULLET}\n\\' r'\z' "\"""#), []);
        assert_eq!(warnings(r"'\e' $ '\f\g'"), found(1, 2, r#""\e" is an invalid escape sequence."#));
    }

    #[test]
    fn keywords_right_behind_numbers_are_found() {
        let found = |column, kind: &str| vec![(1, column, format!("invalid {kind} literal"))];
        assert_eq!(warnings("1if x else y"), found(1, "decimal"));
        assert_eq!(warnings("[0x1for x in ()]"), found(2, "hexadecimal"));
        assert_eq!(warnings("x if 1jelse y"), found(6, "imaginary"));
        assert_eq!(warnings("1 if x else y"), []);
    }
}
