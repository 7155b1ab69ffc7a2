//! Floats as decimal text: the one place that lays digits out, for `repr`, `format`, `%` and `complex`.

use crate::types::str::AsciiText;
use std::io::Write as _;

/// How a float is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// The fewest digits that give the same float back; with an exponent below 1e-4 and from 1e16 on.
    Repr,
    /// With an exponent.
    Exponent,
    /// Without an exponent.
    Fixed,
    /// With so many significant digits; with an exponent where the number is small or needs more digits than that.
    General,
}

/// How a float is written, in detail.
#[derive(Clone, Copy, Debug)]
pub struct FloatStyle {
    /// See [`Form`].
    pub form: Form,
    /// Digits after the point, or significant digits. Not for `Repr`.
    pub precision: usize,
    /// Always with a point, and General keeps trailing zeros.
    pub alternate: bool,
    /// With `.0` when it would look like an int.
    pub dot_zero: bool,
    /// `E`, `INF`, `NAN`.
    pub upper: bool,
}

impl FloatStyle {
    /// `repr(float)`.
    pub const REPR: FloatStyle = FloatStyle { form: Form::Repr, precision: 0, alternate: false, dot_zero: true, upper: false };
}

/// A double's exact decimal value has no more digits than this behind the point, so further ones are zeros.
const MAX_DIGITS: usize = 1100;

/// Appends a float. NaN has no sign.
pub fn write_float(out: &mut AsciiText, f: f64, style: FloatStyle) {
    if f.is_nan() {
        out.extend_from_slice(if style.upper { b"NAN" } else { b"nan" });
        return;
    }
    if f.is_sign_negative() {
        out.push(b'-');
    }
    let f = f.abs();
    if f.is_infinite() {
        out.extend_from_slice(if style.upper { b"INF" } else { b"inf" });
        return;
    }
    match style.form {
        Form::Repr => {
            let d = Decimal::shortest(f);
            let exponential = d.point <= -4 || d.point > 16;
            d.write(out, exponential, d.digits.len(), style);
        }
        Form::Exponent => Decimal::rounded(f, style.precision).write(out, true, style.precision.saturating_add(1), style),
        Form::Fixed => {
            // Writing to memory cannot fail.
            let _ = write!(out, "{f:.*}", style.precision.min(MAX_DIGITS));
            if style.precision == 0 && style.alternate {
                out.push(b'.');
            }
            pad(out, style.precision.saturating_sub(MAX_DIGITS));
        }
        Form::General => {
            let precision = style.precision.max(1);
            let mut d = Decimal::rounded(f, precision - 1);
            d.trim();
            let exponential = d.point <= -4 || d.point > precision as i64 - style.dot_zero as i64;
            let wanted = if style.alternate { precision } else { d.digits.len() };
            d.write(out, exponential, wanted, style);
        }
    }
}

fn pad(out: &mut AsciiText, zeros: usize) {
    out.resize(out.len() + zeros, b'0');
}

/// Decimal digits of a number, `0.d1d2d3... * 10**point`. Zero is `0.0 * 10**1`.
struct Decimal {
    digits: AsciiText,
    point: i64,
}

impl Decimal {
    /// The fewest digits that give `f` back.
    fn shortest(f: f64) -> Decimal {
        let mut buffer = zmij::Buffer::new();
        let mut d = Decimal::parse(buffer.format_finite(f).as_bytes());
        d.trim();
        d
    }

    /// `f` rounded to one digit before the point and so many after it.
    fn rounded(f: f64, fraction: usize) -> Decimal {
        let mut text = AsciiText::new();
        let _ = write!(text, "{f:.*e}", fraction.min(MAX_DIGITS));
        Decimal::parse(&text)
    }

    /// From `123.45` or `1.2345e2`.
    fn parse(text: &[u8]) -> Decimal {
        let (mantissa, exponent) = match text.iter().position(|c| *c == b'e') {
            Some(e) => (&text[..e], parse_exponent(&text[e + 1..])),
            None => (text, 0),
        };
        let whole = mantissa.iter().position(|c| *c == b'.').unwrap_or(mantissa.len());
        let mut digits: AsciiText = mantissa.iter().copied().filter(|c| *c != b'.').collect();
        let zeros = digits.iter().take_while(|c| **c == b'0').count();
        if zeros == digits.len() {
            // A rounded zero keeps its digits.
            return Decimal { digits, point: 1 };
        }
        digits.drain(..zeros);
        Decimal { digits, point: whole as i64 - zeros as i64 + exponent }
    }

    /// Without the zeros at the end.
    fn trim(&mut self) {
        let n = self.digits.iter().rposition(|c| *c != b'0').map_or(1, |i| i + 1);
        self.digits.truncate(n);
    }

    /// Writes it with as many significant digits as wanted.
    fn write(&self, out: &mut AsciiText, exponential: bool, wanted: usize, style: FloatStyle) {
        let zeros = wanted.saturating_sub(self.digits.len());
        if exponential {
            out.push(self.digits[0]);
            if wanted > 1 || style.alternate {
                out.push(b'.');
            }
            out.extend_from_slice(&self.digits[1..]);
            pad(out, zeros);
            out.push(if style.upper { b'E' } else { b'e' });
            let exponent = self.point - 1;
            let _ = write!(out, "{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.unsigned_abs());
            return;
        }
        if self.point <= 0 {
            out.extend_from_slice(b"0.");
            pad(out, -self.point as usize);
            out.extend_from_slice(&self.digits);
            return pad(out, zeros);
        }
        let whole = self.point as usize;
        let in_front = whole.min(self.digits.len());
        out.extend_from_slice(&self.digits[..in_front]);
        pad(out, whole - in_front);
        if wanted > whole {
            out.push(b'.');
            out.extend_from_slice(&self.digits[in_front..]);
            pad(out, zeros - (whole - in_front));
        } else if style.dot_zero {
            out.extend_from_slice(b".0");
        } else if style.alternate {
            out.push(b'.');
        }
    }
}

fn parse_exponent(text: &[u8]) -> i64 {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let e = digits.iter().fold(0, |e, d| e * 10 + (d - b'0') as i64);
    if negative { -e } else { e }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(f: f64, style: FloatStyle) -> String {
        let mut out = AsciiText::new();
        write_float(&mut out, f, style);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn repr() {
        for (f, expected) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (0.1, "0.1"),
            (123.456, "123.456"),
            (1e16, "1e+16"),
            (1e15, "1000000000000000.0"),
            (123456789012345680.0, "1.2345678901234568e+17"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (1e100, "1e+100"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
        ] {
            assert_eq!(text(f, FloatStyle::REPR), expected);
        }
    }

    #[test]
    fn with_precision() {
        let style = |form, precision| FloatStyle { form, precision, ..FloatStyle { dot_zero: false, ..FloatStyle::REPR } };
        for (f, form, precision, expected) in [
            (0.5, Form::Fixed, 0, "0"),
            (1.5, Form::Fixed, 0, "2"),
            (2.5, Form::Fixed, 0, "2"),
            (0.125, Form::Fixed, 2, "0.12"),
            (0.375, Form::Fixed, 2, "0.38"),
            (2.675, Form::Fixed, 2, "2.67"),
            (1e22, Form::Fixed, 1, "10000000000000000000000.0"),
            (0.0, Form::Exponent, 3, "0.000e+00"),
            (12345.678, Form::Exponent, 2, "1.23e+04"),
            (9.999, Form::Exponent, 1, "1.0e+01"),
            (12345.678, Form::General, 6, "12345.7"),
            (1234567.0, Form::General, 6, "1.23457e+06"),
            (0.0001, Form::General, 6, "0.0001"),
            (0.00001234, Form::General, 6, "1.234e-05"),
            (100.0, Form::General, 6, "100"),
            (0.0, Form::General, 6, "0"),
        ] {
            assert_eq!(text(f, style(form, precision)), expected, "{f} {form:?} {precision}");
        }
        assert_eq!(text(100.0, FloatStyle { alternate: true, ..style(Form::General, 6) }), "100.000");
        assert_eq!(text(0.0, FloatStyle { alternate: true, ..style(Form::General, 3) }), "0.00");
        assert_eq!(text(1.0, FloatStyle { alternate: true, ..style(Form::Exponent, 0) }), "1.e+00");
        assert_eq!(text(1.0, FloatStyle { dot_zero: true, ..style(Form::General, 12) }), "1.0");
        assert_eq!(text(0.1, style(Form::Fixed, 70_000)).len(), 70_002);
    }
}
