//! `round(float, digits)`, `float.as_integer_ratio`.

use super::text::{FloatStyle, Form, write_float};
use super::{pair, parse};
use crate::object::R;
use crate::thread::Thread;
use crate::types::int;
use crate::types::str::AsciiText;
use limpid_heap::Value;

/// `round(f, digits)`: the float nearest to the exact value rounded, ties to even, to so many digits behind the point.
pub fn round_to_digits(t: &Thread, f: f64, digits: isize) -> R {
    /// Beyond these, no digit of a double is rounded, or every one is.
    const MOST: isize = 323;
    const LEAST: isize = -308;
    if !f.is_finite() || digits > MOST {
        return Ok(Value::float(f));
    }
    if digits < LEAST {
        return Ok(Value::float(0.0 * f));
    }
    let mut text = AsciiText::new();
    if digits >= 0 {
        write_float(&mut text, f, FloatStyle { form: Form::Fixed, precision: digits as usize, dot_zero: false, ..FloatStyle::REPR });
    } else if let Some(whole) = rounded_before_the_point(f, -digits as usize, &mut text) {
        return Ok(Value::float(whole.copysign(f)));
    }
    let rounded = parse::parse_plain(&text).unwrap_or(f);
    if rounded.is_infinite() {
        raise!(t, OverflowError, "rounded value too large to represent")
    }
    Ok(Value::float(rounded))
}

/// Writes `f` rounded to a multiple of `10**places`, or gives it if it is zero.
fn rounded_before_the_point(f: f64, places: usize, out: &mut AsciiText) -> Option<f64> {
    let mut exact = AsciiText::new();
    // All digits of the whole part; the fraction matters for ties only.
    let magnitude = f.abs();
    write_float(&mut exact, magnitude.trunc(), FloatStyle { form: Form::Fixed, precision: 0, dot_zero: false, ..FloatStyle::REPR });
    if exact.len() < places {
        return Some(0.0);
    }
    let (kept, cut) = exact.split_at(exact.len() - places);
    let more = cut[1..].iter().any(|c| *c != b'0') || magnitude.fract() != 0.0;
    let odd = kept.last().is_some_and(|c| c & 1 != 0);
    let up = cut[0] > b'5' || cut[0] == b'5' && (more || odd);
    if f.is_sign_negative() {
        out.push(b'-');
    }
    let start = out.len();
    out.push(b'0');
    out.extend_from_slice(kept);
    if up {
        for c in out[start..].iter_mut().rev() {
            if *c == b'9' {
                *c = b'0';
            } else {
                *c += 1;
                break;
            }
        }
    }
    out.resize(out.len() + places, b'0');
    None
}

/// `f.as_integer_ratio()`
pub fn as_integer_ratio(t: &Thread, f: f64) -> R {
    if f.is_infinite() {
        raise!(t, OverflowError, "cannot convert Infinity to integer ratio")
    }
    if f.is_nan() {
        raise!(t, ValueError, "cannot convert NaN to integer ratio")
    }
    if f == 0.0 {
        return Ok(pair(t, Value::int(0), Value::int(1)));
    }
    let (mantissa, exponent) = int::decompose(f);
    let zeros = mantissa.trailing_zeros();
    let (mantissa, exponent) = ((mantissa >> zeros) as i64, exponent + zeros as i32);
    let numerator = int::from_i64(t, if f < 0.0 { -mantissa } else { mantissa });
    if exponent >= 0 {
        return Ok(pair(t, int::shift_left_by(t, numerator, exponent as u64)?, Value::int(1)));
    }
    let denominator = int::shift_left_by(t, Value::int(1), -exponent as u64)?;
    Ok(pair(t, numerator, denominator))
}
