//! The text of string literals.

use std::borrow::Cow;

/// Puts the lone surrogates of a literal back, which the parser has replaced by U+FFFD; the result is WTF-8.
///
/// `value` is what the parser made of `source`, the text between the quotes. Both are walked side by side: every escape sequence has made
/// a known number of characters. In f-strings (`braces`) a doubled brace has made one.
pub(crate) fn with_surrogates(value: &str, source: &str, raw: bool, braces: bool) -> Vec<u8> {
    if raw || !value.contains('\u{FFFD}') || !source.contains('\\') {
        return value.as_bytes().to_vec();
    }
    let mut text = Vec::with_capacity(value.len());
    let mut values = value.chars();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        rest = &rest[first.len_utf8()..];
        if braces && matches!(first, '{' | '}') && rest.starts_with(first) {
            rest = &rest[1..];
        }
        if first != '\\' {
            copy(&mut values, &mut text, 1);
            continue;
        }
        let Some(kind) = rest.chars().next() else {
            copy(&mut values, &mut text, 1);
            break;
        };
        let digits = match kind {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        match kind {
            '{' | '}' if braces => {
                // The brace may be doubled: it is looked at again.
                copy(&mut values, &mut text, 1);
                continue;
            }
            '\n' => rest = &rest[1..],
            'x' | 'u' | 'U' if rest.is_char_boundary(1 + digits) && rest.len() > digits => {
                let code = u32::from_str_radix(&rest[1..1 + digits], 16).unwrap_or(0);
                rest = &rest[1 + digits..];
                if (0xD800..0xE000).contains(&code) {
                    values.next();
                    push_surrogate(&mut text, code);
                } else {
                    copy(&mut values, &mut text, 1);
                }
            }
            'N' => {
                rest = &rest[rest.find('}').map_or(1, |end| end + 1)..];
                copy(&mut values, &mut text, 1);
            }
            '0'..='7' => {
                let digits = rest.bytes().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
                rest = &rest[digits..];
                copy(&mut values, &mut text, 1);
            }
            '\\' | '\'' | '"' | 'a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' => {
                rest = &rest[1..];
                copy(&mut values, &mut text, 1);
            }
            // Not an escape sequence: backslash and character stay.
            other => {
                rest = &rest[other.len_utf8()..];
                copy(&mut values, &mut text, 2);
            }
        }
    }
    text
}

fn copy(values: &mut std::str::Chars, text: &mut Vec<u8>, count: usize) {
    for character in values.take(count) {
        text.extend(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

/// Appends a surrogate, encoded as UTF-8 would encode it.
fn push_surrogate(text: &mut Vec<u8>, code: u32) {
    text.extend([0xE0 | (code >> 12) as u8, 0x80 | (code >> 6 & 0x3F) as u8, 0x80 | (code & 0x3F) as u8]);
}

/// Removes the indentation that all lines of a docstring but the first share.
pub(crate) fn clean_docstring(text: &[u8]) -> Vec<u8> {
    let expanded = expand_tabs(text);
    let mut lines = expanded.split(|&byte| byte == b'\n');
    let first = lines.next().unwrap_or_default();
    let blanks = |line: &[u8]| line.iter().take_while(|&&byte| byte == b' ').count();
    let rest: Vec<&[u8]> = lines.collect();
    let margin = rest.iter().filter(|line| blanks(line) < line.len()).map(|line| blanks(line)).min().unwrap_or(0);
    let mut cleaned = first[blanks(first)..].to_vec();
    for line in rest {
        cleaned.push(b'\n');
        cleaned.extend(&line[margin.min(blanks(line))..]);
    }
    cleaned
}

/// Replaces tabs at the beginning of lines by spaces up to the next multiple of eight.
fn expand_tabs(text: &[u8]) -> Vec<u8> {
    const TAB: usize = 8;
    let mut expanded = Vec::with_capacity(text.len());
    let mut column = 0;
    for &byte in text {
        match byte {
            b'\t' => {
                let blanks = TAB - column % TAB;
                expanded.resize(expanded.len() + blanks, b' ');
                column += blanks;
                continue;
            }
            b'\n' | b'\r' => column = 0,
            // A continuation byte is no column of its own.
            _ => column += usize::from(byte & 0xC0 != 0x80),
        }
        expanded.push(byte);
    }
    expanded
}

/// The text of an expression without its comments, which go as far as the end of their lines.
pub(crate) fn without_comments(text: &str) -> Cow<'_, str> {
    if !text.contains('#') {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    // The quotes that end the string literal around the current place.
    let mut quotes = "";
    while let Some(c) = rest.chars().next() {
        let mut length = c.len_utf8();
        match c {
            '\\' if !quotes.is_empty() => length += rest[1..].chars().next().map_or(0, char::len_utf8),
            _ if !quotes.is_empty() && rest.starts_with(quotes) => {
                length = quotes.len();
                quotes = "";
            }
            '\'' | '"' => {
                length = if rest.starts_with(&c.to_string().repeat(3)) { 3 } else { 1 };
                quotes = &rest[..length];
            }
            '#' => {
                rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
                continue;
            }
            _ => {}
        }
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surrogates_are_put_back() {
        let source = r"a\ud800\x41\udfff\n\N{BULLET}\q\101é\U0001F600\u0041";
        let value = "a\u{FFFD}A\u{FFFD}\n•\\qAé😀A";
        let mut expected = b"a\xED\xA0\x80A\xED\xBF\xBF\n".to_vec();
        expected.extend("•\\qAé😀A".as_bytes());
        assert_eq!(with_surrogates(value, source, false, false), expected);
        assert_eq!(with_surrogates("\u{FFFD}", "\u{FFFD}", false, false), "\u{FFFD}".as_bytes());
        assert_eq!(with_surrogates("{\u{FFFD}}", r"{{\udc80}}", false, true), b"{\xED\xB2\x80}");
    }

    #[test]
    fn docstrings_lose_their_indentation() {
        let text = "  First\n      second\n\n\tthird\n    ";
        assert_eq!(clean_docstring(text.as_bytes()), b"First\nsecond\n\n  third\n");
    }
}
