//! Text to int, as `int("...", base)` reads it.

use super::text::{MAX_STR_DIGITS_THRESHOLD, max_str_digits};
use super::{from_i64, from_magnitude};
use crate::object::R;
use crate::thread::Thread;
use dashu_int::UBig;
use limpid_heap::Value;

/// Why text is no int.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Refused {
    Syntax,
    /// That many decimal digits are more than the limit.
    TooLong(usize),
}

/// The int that ASCII text spells, or None when it spells none: blanks around, a sign, a base prefix, single underscores between digits.
/// Base 0 takes it from the prefix. ValueError for too many decimal digits.
pub fn from_text(t: &Thread, text: &[u8], base: u32) -> R<Option<Value>> {
    match parse(text, base, max_str_digits(t)) {
        Ok((negative, Magnitude::Small(m))) => Ok(Some(from_i64(t, if negative { -(m as i64) } else { m as i64 }))),
        Ok((negative, Magnitude::Big(m))) => from_magnitude(t, negative, &m).map(Some),
        Err(Refused::Syntax) => Ok(None),
        Err(Refused::TooLong(digits)) => {
            let limit = max_str_digits(t);
            raise!(
                t,
                ValueError,
                "Exceeds the limit ({limit} digits) for integer string conversion: value has {digits} digits; \
                 use sys.set_int_max_str_digits() to increase the limit"
            )
        }
    }
}

enum Magnitude {
    /// Below 2**63.
    Small(u64),
    Big(UBig),
}

/// `limit`: how many decimal digits there may be, 0 for any number.
fn parse(text: &[u8], base: u32, limit: usize) -> Result<(bool, Magnitude), Refused> {
    let text = trim(text);
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let prefix = match text {
        [b'0', b'x' | b'X', ..] => 16,
        [b'0', b'o' | b'O', ..] => 8,
        [b'0', b'b' | b'B', ..] => 2,
        _ => 0,
    };
    let (base, digits) = match base {
        0 if prefix != 0 => (prefix, &text[2..]),
        0 => {
            // Without a prefix, a number other than 0 must not begin with 0.
            if text.first() == Some(&b'0') && !text.iter().all(|c| matches!(c, b'0' | b'_')) {
                return Err(Refused::Syntax);
            }
            (10, text)
        }
        _ if base == prefix => (base, &text[2..]),
        _ => (base, text),
    };
    // One underscore may follow the prefix.
    let digits = if digits.len() < text.len() { digits.strip_prefix(b"_").unwrap_or(digits) } else { digits };
    Ok((negative, parse_digits(digits, base, limit)?))
}

fn parse_digits(digits: &[u8], base: u32, limit: usize) -> Result<Magnitude, Refused> {
    let mut m = 0u64;
    let mut overflow = false;
    let mut count = 0;
    let mut after_digit = false;
    for &c in digits {
        match (c as char).to_digit(36) {
            Some(d) if d < base => {
                count += 1;
                after_digit = true;
                match m.checked_mul(base as u64).and_then(|m| m.checked_add(d as u64)) {
                    Some(next) if !overflow => m = next,
                    _ => overflow = true,
                }
            }
            None if c == b'_' && after_digit => after_digit = false,
            _ => return Err(Refused::Syntax),
        }
    }
    if !after_digit {
        return Err(Refused::Syntax);
    }
    if !overflow && m >> 63 == 0 {
        return Ok(Magnitude::Small(m));
    }
    if limit > 0 && count > limit && count > MAX_STR_DIGITS_THRESHOLD && !base.is_power_of_two() {
        return Err(Refused::TooLong(count));
    }
    let text: String = digits.iter().filter(|c| **c != b'_').map(|c| *c as char).collect();
    UBig::from_str_radix(&text, base).map(Magnitude::Big).map_err(|_| Refused::Syntax)
}

/// Without the ASCII white space around it.
pub fn trim(text: &[u8]) -> &[u8] {
    let blank = |c: &u8| matches!(c, b' ' | b'\t'..=b'\r');
    let start = text.iter().position(|c| !blank(c)).unwrap_or(text.len());
    let end = text.iter().rposition(|c| !blank(c)).map_or(start, |i| i + 1);
    &text[start..end]
}

#[cfg(test)]
mod tests {
    use super::super::text::DEFAULT_MAX_STR_DIGITS;
    use super::*;

    fn value(text: &str, base: u32) -> Option<String> {
        match parse(text.as_bytes(), base, DEFAULT_MAX_STR_DIGITS) {
            Ok((negative, m)) => {
                let m = match m {
                    Magnitude::Small(m) => m.to_string(),
                    Magnitude::Big(m) => m.to_string(),
                };
                Some(if negative { format!("-{m}") } else { m })
            }
            Err(_) => None,
        }
    }

    #[test]
    fn accepts_what_python_accepts() {
        for (text, base, expected) in [
            ("  12 \n", 10, "12"),
            ("-0x_1f", 0, "-31"),
            ("0x1f", 16, "31"),
            ("1f", 16, "31"),
            ("0b1", 16, "177"),
            ("00_0", 0, "0"),
            ("007", 10, "7"),
            ("1_000", 10, "1000"),
            ("zz", 36, "1295"),
            ("9223372036854775808", 10, "9223372036854775808"),
            ("1_0000000000000000000000", 16, "309485009821345068724781056"),
        ] {
            assert_eq!(value(text, base).as_deref(), Some(expected), "{text} {base}");
        }
    }

    #[test]
    fn refuses_the_rest() {
        for (text, base) in [
            ("", 10),
            ("_1", 10),
            ("1_", 10),
            ("1__0", 10),
            ("0x", 16),
            ("0x__1", 16),
            ("010", 0),
            ("2", 2),
            ("- 1", 10),
            ("+", 10),
            ("0_7", 0),
        ] {
            assert_eq!(value(text, base), None, "{text} {base}");
        }
    }
}
