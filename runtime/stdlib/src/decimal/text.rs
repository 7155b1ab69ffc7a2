//! Numbers as text: reading them, and writing them in scientific or engineering notation.

use super::number::{Kind, MAX_EMAX, Number};
use dashu_int::UBig;

/// The number that ASCII text spells: blanks around it, and underscores anywhere, do not count.
pub fn parse(text: &[u8]) -> Option<Number> {
    let text = text.trim_ascii();
    let kept: Vec<u8>;
    let text = if text.contains(&b'_') {
        kept = text.iter().copied().filter(|c| *c != b'_').collect();
        &kept
    } else {
        text
    };
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    match text.first()?.to_ascii_lowercase() {
        b'0'..=b'9' | b'.' => parse_finite(negative, text),
        b'i' => (text.eq_ignore_ascii_case(b"inf") || text.eq_ignore_ascii_case(b"infinity")).then(|| Number::infinity(negative)),
        b'n' => parse_nan(negative, Kind::Quiet, text),
        b's' => parse_nan(negative, Kind::Signalling, &text[1..]),
        _ => None,
    }
}

fn parse_nan(negative: bool, kind: Kind, text: &[u8]) -> Option<Number> {
    let (name, payload) = text.split_at_checked(3)?;
    (name.eq_ignore_ascii_case(b"nan") && payload.iter().all(u8::is_ascii_digit)).then_some(())?;
    Some(Number { negative, kind, exponent: 0, coefficient: parse_digits(payload, &[])? })
}

/// The integer that two runs of digits spell.
fn parse_digits(whole: &[u8], fraction: &[u8]) -> Option<UBig> {
    const FEW: usize = 38;
    if whole.len() + fraction.len() <= FEW {
        let digits = whole.iter().chain(fraction);
        return Some(UBig::from_dword(digits.fold(0u128, |n, c| n * 10 + (c - b'0') as u128)));
    }
    let all = [whole, fraction].concat();
    UBig::from_str_radix(std::str::from_utf8(&all).ok()?, 10).ok()
}

fn parse_finite(negative: bool, text: &[u8]) -> Option<Number> {
    let count = |s: &[u8]| s.iter().take_while(|c| c.is_ascii_digit()).count();
    let (whole, rest) = text.split_at(count(text));
    let (fraction, rest) = match rest {
        [b'.', rest @ ..] => rest.split_at(count(rest)),
        rest => (&[][..], rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut exponent = 0i64;
    if let [b'e' | b'E', rest @ ..] = rest {
        let (minus, digits) = match rest {
            [b'-', digits @ ..] => (true, digits),
            [b'+', digits @ ..] => (false, digits),
            digits => (false, digits),
        };
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        // What is beyond all limits may be cut short: it stays beyond them.
        exponent = digits.iter().fold(0i64, |n, c| n.saturating_mul(10).saturating_add((c - b'0') as i64).min(2 * MAX_EMAX));
        if minus {
            exponent = -exponent;
        }
    } else if !rest.is_empty() {
        return None;
    }
    Some(Number::finite(negative, parse_digits(whole, fraction)?, exponent - fraction.len() as i64))
}

/// The digits of a coefficient.
pub fn digits(n: &UBig) -> String {
    match n.as_words() {
        [] => "0".to_string(),
        [word] => word.to_string(),
        _ => n.to_string(),
    }
}

/// A number in scientific notation, or in engineering notation: with exponents that are multiples of three.
pub fn write(n: &Number, engineering: bool, capitals: bool) -> String {
    let sign = if n.negative { "-" } else { "" };
    let payload = || if n.coefficient.is_zero() { String::new() } else { digits(&n.coefficient) };
    match n.kind {
        Kind::Infinite => return format!("{sign}Infinity"),
        Kind::Quiet => return format!("{sign}NaN{}", payload()),
        Kind::Signalling => return format!("{sign}sNaN{}", payload()),
        Kind::Finite => {}
    }
    let digits = digits(&n.coefficient);
    let len = digits.len() as i64;
    // How many digits are left of where the point would be without an exponent, and of where it is.
    let left = n.exponent + len;
    let place = if n.exponent <= 0 && left > -6 {
        left
    } else if !engineering {
        1
    } else if n.coefficient.is_zero() {
        (left + 1).rem_euclid(3) - 1
    } else {
        (left - 1).rem_euclid(3) + 1
    };
    let mut out = String::with_capacity(digits.len() + 8);
    out.push_str(sign);
    if place <= 0 {
        out.push_str("0.");
        (place..0).for_each(|_| out.push('0'));
        out.push_str(&digits);
    } else if place >= len {
        out.push_str(&digits);
        (len..place).for_each(|_| out.push('0'));
    } else {
        out.push_str(&digits[..place as usize]);
        out.push('.');
        out.push_str(&digits[place as usize..]);
    }
    if left != place {
        out.push(if capitals { 'E' } else { 'e' });
        out.push_str(&format!("{:+}", left - place));
    }
    out
}
