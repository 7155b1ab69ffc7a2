//! Text to complex, as `complex("...")` reads it.

use super::Parts;
use crate::types::float::parse::{parse_plain, prefix_len, without_underscores};
use crate::types::int::trim;

/// The number that ASCII text spells: `1`, `2j`, `1+2j`, in parentheses or not.
pub(super) fn parse(text: &[u8]) -> Option<Parts> {
    let text = trim(text);
    let text = match text {
        [b'(', inner @ .., b')'] => trim(inner),
        _ => text,
    };
    if text.contains(&b'_') { parse_sum(&without_underscores(text)?) } else { parse_sum(text) }
}

fn parse_sum(text: &[u8]) -> Option<Parts> {
    let n = prefix_len(text);
    let (first, rest) = text.split_at(n);
    if n == 0 {
        // `j`, `+j`, `-j`
        return Some((0.0, unit(text)?));
    }
    let first = parse_plain(first)?;
    match rest {
        [] => Some((first, 0.0)),
        [b'j' | b'J'] => Some((0.0, first)),
        [b'+' | b'-', ..] => match prefix_len(rest) {
            0 => Some((first, unit(rest)?)),
            n => matches!(rest[n..], [b'j' | b'J']).then_some((first, parse_plain(&rest[..n])?)),
        },
        _ => None,
    }
}

/// A `j` without a number.
fn unit(text: &[u8]) -> Option<f64> {
    match text {
        [b'j' | b'J'] | [b'+', b'j' | b'J'] => Some(1.0),
        [b'-', b'j' | b'J'] => Some(-1.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_python_accepts() {
        for (text, parts) in [
            ("1", (1.0, 0.0)),
            (" ( +4.25-6J )", (4.25, -6.0)),
            ("( j )", (0.0, 1.0)),
            ("1-j", (1.0, -1.0)),
            ("-1e3j", (0.0, -1000.0)),
            ("1e+2+3e-1j", (100.0, 0.3)),
            ("infj", (0.0, f64::INFINITY)),
            ("1_0+1_0j", (10.0, 10.0)),
        ] {
            assert_eq!(parse(text.as_bytes()), Some(parts), "{text}");
        }
    }

    #[test]
    fn refuses_the_rest() {
        for text in ["", "()", "1+2", "1j2", "1 + 2j", "((1))", "(1", "1e1ej", "1++2j", "1+2jj", "1+"] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }
}
