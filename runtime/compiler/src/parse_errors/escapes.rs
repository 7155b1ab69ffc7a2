//! Escape sequences that cannot be decoded, in the words of CPython's codecs.

/// What is wrong with the escapes in the content of a string literal that is not raw.
pub(super) fn error_in_text(content: &[u8]) -> Option<String> {
    let content = String::from_utf8_lossy(content);
    let mut characters = content.char_indices().peekable();
    // CPython decodes a form of the text in which other characters than ASCII are escapes of ten characters.
    let mut position = 0;
    while let Some((at, character)) = characters.next() {
        if character != '\\' {
            position += decoded_length(character);
            continue;
        }
        // At the end of a piece of an f-string, before a brace, a backslash stands for itself.
        let (_, escaped) = characters.next()?;
        let rest = &content[at + 1 + escaped.len_utf8()..];
        let length = match escaped {
            'x' => hexadecimal(rest, 2),
            'u' => hexadecimal(rest, 4),
            'U' => hexadecimal(rest, 8),
            'N' => named_character(rest),
            _ => Ok(0),
        };
        match length {
            Ok(length) => {
                position += 2 + length;
                while characters.peek().is_some_and(|&(next, _)| next < at + 2 + length) {
                    characters.next();
                }
                if !escaped.is_ascii() {
                    position += 4 + decoded_length(escaped);
                }
            }
            Err((length, reason)) => {
                let end = position + 1 + length;
                return Some(format!("(unicode error) 'unicodeescape' codec can't decode bytes in position {position}-{end}: {reason}"));
            }
        }
    }
    None
}

fn decoded_length(character: char) -> usize {
    if character.is_ascii() { 1 } else { 10 }
}

/// The length of an escape after its letter, or how much of it was read and what is wrong.
type Escape = Result<usize, (usize, &'static str)>;

fn hexadecimal(rest: &str, digits: usize) -> Escape {
    let found = rest.bytes().take(digits).take_while(u8::is_ascii_hexdigit).count();
    if found < digits {
        let reason = match digits {
            2 => "truncated \\xXX escape",
            4 => "truncated \\uXXXX escape",
            _ => "truncated \\UXXXXXXXX escape",
        };
        return Err((found, reason));
    }
    if u32::from_str_radix(&rest[..digits], 16).is_ok_and(|code| code > char::MAX as u32) {
        return Err((digits, "illegal Unicode character"));
    }
    Ok(digits)
}

fn named_character(rest: &str) -> Escape {
    const MALFORMED: &str = "malformed \\N character escape";
    let Some(braced) = rest.strip_prefix('{') else { return Err((0, MALFORMED)) };
    let name_length = braced.find('}').unwrap_or(braced.len());
    let length = name_length + 2;
    if name_length == braced.len() {
        return Err((rest.len(), MALFORMED));
    }
    if name_length == 0 {
        return Err((length, MALFORMED));
    }
    match unicode_names2::character(&braced[..name_length]) {
        Some(_) => Ok(length),
        None => Err((length, "unknown Unicode character name")),
    }
}

/// What is wrong with the escapes in the content of a bytes literal that is not raw.
pub(super) fn error_in_bytes(content: &[u8]) -> Option<String> {
    let mut at = 0;
    while at < content.len() {
        if content[at] != b'\\' {
            at += 1;
            continue;
        }
        if content.get(at + 1) == Some(&b'x') {
            let digits = content[at + 2..].iter().take(2).take_while(|byte| byte.is_ascii_hexdigit()).count();
            if digits < 2 {
                return Some(format!("(value error) invalid \\x escape at position {at}"));
            }
        }
        at += 2;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_refused_as_the_codec_does() {
        let refused = |content: &str| {
            error_in_text(content.as_bytes()).map(|error| error.replace("(unicode error) 'unicodeescape' codec can't decode ", ""))
        };
        let error = |text: &str| Some(text.to_owned());
        assert_eq!(refused(r"a\x41\u0042\U00000043\N{BULLET}\é\q\0"), None);
        assert_eq!(refused(r"ab\x"), error(r"bytes in position 2-3: truncated \xXX escape"));
        assert_eq!(refused(r"\x1 "), error(r"bytes in position 0-2: truncated \xXX escape"));
        assert_eq!(refused(r"\u12"), error(r"bytes in position 0-3: truncated \uXXXX escape"));
        assert_eq!(refused(r"\U00110000"), error("bytes in position 0-9: illegal Unicode character"));
        assert_eq!(refused(r"é\N{NO SUCH THING}"), error("bytes in position 10-26: unknown Unicode character name"));
        assert_eq!(refused(r"\N"), error(r"bytes in position 0-1: malformed \N character escape"));
        assert_eq!(refused(r"\N{}"), error(r"bytes in position 0-3: malformed \N character escape"));
    }

    #[test]
    fn bytes_are_refused_as_the_codec_does() {
        assert_eq!(error_in_bytes(br"a\x41\\x\q"), None);
        assert_eq!(error_in_bytes(br"ab\x4"), Some(r"(value error) invalid \x escape at position 2".into()));
    }
}
