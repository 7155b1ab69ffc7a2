//! `float.hex` and `float.fromhex`.

use crate::types::int::trim;
use std::fmt::Write as _;

/// `f.hex()`
pub fn to_hex(f: f64) -> String {
    if !f.is_finite() {
        return if f.is_nan() {
            "nan".into()
        } else if f > 0.0 {
            "inf".into()
        } else {
            "-inf".into()
        };
    }
    let sign = if f.is_sign_negative() { "-" } else { "" };
    if f == 0.0 {
        return format!("{sign}0x0.0p+0");
    }
    let bits = f.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    let (lead, exponent) = match (bits >> 52 & 0x7FF) as i32 {
        0 => (0, -1022),
        e => (1, e - 1023),
    };
    let mut out = format!("{sign}0x{lead}.{fraction:013x}p");
    let _ = write!(out, "{exponent:+}");
    out
}

/// Why text is no hexadecimal float.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// It is written wrong.
    Syntax,
    /// No float is that large.
    Overflow,
}

/// `float.fromhex(text)`
pub fn from_hex(text: &[u8]) -> Result<f64, Refused> {
    let text = trim(text);
    let (negative, rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let sign = |f: f64| if negative { -f } else { f };
    let lower = rest.to_ascii_lowercase();
    match &lower[..] {
        b"inf" | b"infinity" => return Ok(sign(f64::INFINITY)),
        b"nan" => return Ok(sign(f64::NAN)),
        _ => {}
    }
    let body = lower.strip_prefix(b"0x").unwrap_or(&lower);
    let (mantissa, exponent) = match body.iter().position(|c| *c == b'p') {
        Some(p) => (&body[..p], parse_exponent(&body[p + 1..])?),
        None => (body, 0),
    };
    let (whole, fraction) = match mantissa.iter().position(|c| *c == b'.') {
        Some(p) => (&mantissa[..p], &mantissa[p + 1..]),
        None => (mantissa, &b""[..]),
    };
    if whole.len() + fraction.len() == 0 {
        return Err(Refused::Syntax);
    }
    // The first 64 bits from the leading digit on, and whether anything follows.
    let (mut top, mut sticky, mut dropped) = (0u64, false, 0i64);
    for c in whole.iter().chain(fraction) {
        let digit = (*c as char).to_digit(16).ok_or(Refused::Syntax)?;
        if top >> 60 == 0 {
            top = top << 4 | digit as u64;
        } else {
            sticky |= digit != 0;
            dropped += 1;
        }
    }
    if top == 0 {
        return Ok(sign(0.0));
    }
    let exponent = exponent.saturating_add((dropped - fraction.len() as i64).saturating_mul(4));
    compose(top, sticky, exponent).map(sign).ok_or(Refused::Overflow)
}

fn parse_exponent(text: &[u8]) -> Result<i64, Refused> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Refused::Syntax);
    }
    // Far from the ends of the range, so that adding to it cannot overflow.
    let e = digits.iter().fold(0i64, |e, d| (e * 10 + (d - b'0') as i64).min(i64::MAX / 100));
    Ok(if negative { -e } else { e })
}

/// `(top, and something more if sticky) * 2**exponent`, rounded to the nearest, ties to even; None when it overflows.
fn compose(top: u64, sticky: bool, exponent: i64) -> Option<f64> {
    let shift = top.leading_zeros();
    let (top, exponent) = (top << shift, exponent.saturating_sub(shift as i64));
    // The exponent of the leading bit.
    let lead = exponent.saturating_add(63);
    if lead > 1023 {
        return None;
    }
    if lead < -1075 {
        return Some(0.0);
    }
    // Bits that a double has room for: fewer when it is subnormal.
    let precision = if lead >= -1022 { 53 } else { (lead + 1075) as u32 };
    let drop = 64 - precision;
    let kept = if drop == 64 { 0 } else { top >> drop };
    let rest = if drop == 64 { top } else { top & ((1 << drop) - 1) };
    let half = 1u64 << (drop - 1);
    let up = rest > half || (rest == half && (sticky || kept & 1 != 0));
    let rounded = kept + up as u64;
    let bits = if lead >= -1022 {
        // A carry out of the fraction goes into the exponent, as it should.
        (((lead + 1023) as u64) << 52) + (rounded - (1 << 52))
    } else {
        rounded
    };
    Some(f64::from_bits(bits)).filter(|f| f.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips() {
        for f in [1.0, -0.1, 5e-324, 2.5e-310, f64::MAX, f64::MIN_POSITIVE, 12345.678] {
            assert_eq!(from_hex(to_hex(f).as_bytes()), Ok(f), "{f}");
        }
        assert_eq!(to_hex(1.0), "0x1.0000000000000p+0");
        assert_eq!(to_hex(-0.1), "-0x1.999999999999ap-4");
        assert_eq!(to_hex(5e-324), "0x0.0000000000001p-1022");
    }

    #[test]
    fn rounding_and_limits() {
        assert_eq!(from_hex(b" 0x.8p1 "), Ok(1.0));
        assert_eq!(from_hex(b"1.00000000000008"), Ok(1.0));
        assert_eq!(from_hex(b"1.000000000000080000001"), Ok(1.0 + f64::EPSILON));
        assert_eq!(from_hex(b"0x1p-1075"), Ok(0.0));
        assert_eq!(from_hex(b"0x1.00001p-1075"), Ok(5e-324));
        assert_eq!(from_hex(b"0x1p-99999999999999999999"), Ok(0.0));
        assert_eq!(from_hex(b"0x1p1024"), Err(Refused::Overflow));
        assert_eq!(from_hex(b"0x1.fffffffffffff8p1023"), Err(Refused::Overflow));
        for text in [&b""[..], b"0x", b"1p", b"1..0", b"0x1g", b"- 1", b"."] {
            assert_eq!(from_hex(text), Err(Refused::Syntax));
        }
    }
}
