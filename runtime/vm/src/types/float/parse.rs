//! Text to float, as `float("...")` reads it.

use crate::types::int::trim;
use crate::types::str::AsciiText;

/// The float that ASCII text spells; None when it spells none. Blanks around and single underscores between digits are allowed.
pub fn parse(text: &[u8]) -> Option<f64> {
    let text = trim(text);
    if text.contains(&b'_') { parse_plain(&without_underscores(text)?) } else { parse_plain(text) }
}

/// As [`parse`], for text without blanks and underscores.
pub fn parse_plain(text: &[u8]) -> Option<f64> {
    // Rust's grammar is Python's, apart from blanks and underscores.
    let f: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    // Whether Rust keeps the sign of "-nan" is not promised.
    Some(if f.is_nan() { f.copysign(if text.first() == Some(&b'-') { -1.0 } else { 1.0 }) } else { f })
}

/// The text without its underscores; None when one is not between two digits.
pub fn without_underscores(text: &[u8]) -> Option<AsciiText> {
    let mut out = AsciiText::new();
    for (i, &c) in text.iter().enumerate() {
        if c != b'_' {
            out.push(c);
        } else if i == 0 || !text[i - 1].is_ascii_digit() || !text.get(i + 1).is_some_and(u8::is_ascii_digit) {
            return None;
        }
    }
    Some(out)
}

/// How long the longest beginning of the text is that spells a float (no blanks, no underscores); 0 for none.
pub fn prefix_len(text: &[u8]) -> usize {
    let sign = matches!(text.first(), Some(b'+' | b'-')) as usize;
    let rest = &text[sign..];
    for word in [&b"infinity"[..], b"inf", b"nan"] {
        if rest.len() >= word.len() && rest[..word.len()].eq_ignore_ascii_case(word) {
            return sign + word.len();
        }
    }
    let digits = |from: usize| rest[from..].iter().take_while(|c| c.is_ascii_digit()).count();
    let whole = digits(0);
    let mut end = whole;
    let mut fraction = 0;
    if rest.get(end) == Some(&b'.') {
        fraction = digits(end + 1);
        end += 1 + fraction;
    }
    if whole + fraction == 0 {
        return 0;
    }
    if matches!(rest.get(end), Some(b'e' | b'E')) {
        let exponent_sign = matches!(rest.get(end + 1), Some(b'+' | b'-')) as usize;
        let exponent = digits((end + 1 + exponent_sign).min(rest.len()));
        if exponent > 0 {
            end += 1 + exponent_sign + exponent;
        }
    }
    sign + end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_python_accepts() {
        for (text, f) in [
            (" 1.5\n", 1.5),
            ("1.", 1.0),
            (".5", 0.5),
            ("-1e3", -1000.0),
            ("1_0.0_1e1_0", 10.01e10),
            ("+Infinity", f64::INFINITY),
            ("-iNf", f64::NEG_INFINITY),
            ("1e400", f64::INFINITY),
        ] {
            assert_eq!(parse(text.as_bytes()), Some(f), "{text}");
        }
        assert!(parse(b"-nan").unwrap().is_nan());
    }

    #[test]
    fn refuses_the_rest() {
        for text in ["", ".", "e5", "1e", "1_", "_1", "1__0", "1_.0", "1._0", "0x1", "infin", "1 2", "--1", "in_f"] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn prefixes() {
        for (text, n) in
            [("1.5e3j", 5), ("1ej", 1), ("-.5+", 3), ("infinityj", 8), ("infj", 3), (".", 0), ("j", 0), ("1e+j", 1), ("+1.", 3)]
        {
            assert_eq!(prefix_len(text.as_bytes()), n, "{text}");
        }
    }
}
