//! Format specifications applied to numbers.

use super::{Grouping, Spec, check_width, padded};
use crate::object::{R, Ref};
use crate::protocol::text::str_of;
use crate::thread::Thread;
use crate::types::float::text::{FloatStyle, Form, write_float};
use crate::types::str::{AsciiText, Str, StrBuilder};
use crate::types::{complex, int};
use limpid_heap::Value;

/// A number's text in parts: sign, prefix, digits before the point, and what follows them.
struct NumberText<'a> {
    /// 0 for none.
    sign: u8,
    prefix: &'a [u8],
    whole: &'a [u8],
    rest: &'a [u8],
}

/// `format(i, spec)` of an int.
pub fn format_int(t: &Thread, v: Value, spec: Ref<Str>) -> R<Ref<Str>> {
    if spec.is_empty() {
        return str_of(t, v);
    }
    let spec = Spec::parse(t, v, spec, b'>', b'd')?;
    let base = match u8::try_from(spec.kind) {
        Ok(b'd' | b'n') => 10,
        Ok(b'b') => 2,
        Ok(b'o') => 8,
        Ok(b'x' | b'X') => 16,
        Ok(b'c') => 0,
        Ok(b'e' | b'E' | b'f' | b'F' | b'g' | b'G' | b'%') => {
            let f = int::to_f64(t, v)?;
            return write_padded_float(t, v, f, &spec);
        }
        _ => return spec.unknown_kind(t, v),
    };
    if spec.precision.is_some() {
        raise!(t, ValueError, "Precision not allowed in integer format specifier")
    }
    if spec.no_negative_zero {
        raise!(t, ValueError, "Negative zero coercion (z) not allowed in format specifier with integer format specifier")
    }
    if base == 0 {
        return format_char(t, v, &spec);
    }
    let mut text = AsciiText::new();
    let mut small = [0; 20];
    let digits: &[u8] = match int::as_i64_opt(v) {
        Some(i) if base == 10 => int::text::decimal_i64(i, &mut small).as_bytes(),
        _ => {
            int::text::write_radix(t, v, base, &mut text)?;
            if spec.kind == b'X' as u32 {
                text.make_ascii_uppercase();
            }
            &text
        }
    };
    let negative = digits.first() == Some(&b'-');
    let prefix: &[u8] = match (spec.alternate, u8::try_from(spec.kind)) {
        (true, Ok(b'b')) => b"0b",
        (true, Ok(b'o')) => b"0o",
        (true, Ok(b'x')) => b"0x",
        (true, Ok(b'X')) => b"0X",
        _ => b"",
    };
    let number = NumberText { sign: sign_for(&spec, negative), prefix, whole: &digits[negative as usize..], rest: b"" };
    let group = if base == 10 { 3 } else { 4 };
    finish(t, &spec, &number, group)
}

/// The type `c`: the character with this number.
fn format_char(t: &Thread, v: Value, spec: &Spec) -> R<Ref<Str>> {
    if spec.sign != 0 {
        raise!(t, ValueError, "Sign not allowed with integer format specifier 'c'")
    }
    if spec.alternate {
        raise!(t, ValueError, "Alternate form (#) not allowed with integer format specifier 'c'")
    }
    let c @ 0..0x110000 = int::to_i64(t, v)? else { raise!(t, OverflowError, "%c arg not in range(0x110000)") };
    let (left, right) = spec.padding(1);
    check_width(t, spec.width)?;
    // A number's sign would be left of the padding, and there is none.
    let (left, right) = if spec.align == b'=' { (right, left) } else { (left, right) };
    let mut out = StrBuilder::new();
    out.push_repeated(spec.fill, left);
    out.push(c as u32);
    out.push_repeated(spec.fill, right);
    out.finish(t)
}

fn sign_for(spec: &Spec, negative: bool) -> u8 {
    match spec.sign {
        _ if negative => b'-',
        b'+' => b'+',
        b' ' => b' ',
        _ => 0,
    }
}

/// `format(f, spec)` of a float; `v` is the object itself.
pub fn format_float(t: &Thread, v: Value, f: f64, spec: Ref<Str>) -> R<Ref<Str>> {
    if spec.is_empty() {
        return str_of(t, v);
    }
    let spec = Spec::parse(t, v, spec, b'>', 0)?;
    write_padded_float(t, v, f, &spec)
}

fn write_padded_float(t: &Thread, v: Value, f: f64, spec: &Spec) -> R<Ref<Str>> {
    let Some(style) = float_style(t, spec, true)? else { return spec.unknown_kind(t, v) };
    let percent = spec.kind == b'%' as u32;
    let mut text = AsciiText::new();
    write_float(&mut text, if percent { f * 100.0 } else { f }, style);
    if spec.no_negative_zero {
        drop_negative_zero(&mut text);
    }
    if percent {
        text.push(b'%');
    }
    let grouped;
    let number = split(spec, &text);
    let rest = match spec.fraction_grouping.symbol() {
        Some(separator) => {
            grouped = group_fraction(number.rest, separator);
            &grouped[..]
        }
        None => number.rest,
    };
    finish(t, spec, &NumberText { rest, ..number }, 3)
}

/// How a float of this specification is written; None for a type that floats do not have.
fn float_style(t: &Thread, spec: &Spec, is_float: bool) -> R<Option<FloatStyle>> {
    let kind = u8::try_from(spec.kind).unwrap_or(b'?');
    let form = match kind {
        0 if spec.precision.is_none() => Form::Repr,
        0 | b'g' | b'G' | b'n' => Form::General,
        b'e' | b'E' => Form::Exponent,
        b'f' | b'F' => Form::Fixed,
        b'%' if is_float => Form::Fixed,
        _ => return Ok(None),
    };
    let precision = spec.precision.unwrap_or(6);
    if precision > i32::MAX as usize {
        raise!(t, ValueError, "precision too big")
    }
    Ok(Some(FloatStyle { form, precision, alternate: spec.alternate, dot_zero: kind == 0 && is_float, upper: kind.is_ascii_uppercase() }))
}

/// Takes the sign off a zero.
fn drop_negative_zero(text: &mut AsciiText) {
    let zero = text.first() == Some(&b'-') && text[1..].iter().take_while(|c| !matches!(c, b'e' | b'E')).all(|c| matches!(c, b'0' | b'.'));
    if zero {
        text.remove(0);
    }
}

fn split<'a>(spec: &Spec, text: &'a [u8]) -> NumberText<'a> {
    let negative = text.first() == Some(&b'-');
    let digits = &text[negative as usize..];
    let end = digits.iter().position(|c| !c.is_ascii_digit()).unwrap_or(digits.len());
    NumberText { sign: sign_for(spec, negative), prefix: b"", whole: &digits[..end], rest: &digits[end..] }
}

/// Puts separators between groups of three digits behind the point.
fn group_fraction(rest: &[u8], separator: u8) -> AsciiText {
    let mut out = AsciiText::new();
    let Some(fraction) = rest.strip_prefix(b".") else {
        out.extend_from_slice(rest);
        return out;
    };
    out.push(b'.');
    let digits = fraction.iter().take_while(|c| c.is_ascii_digit()).count();
    for (i, c) in fraction.iter().enumerate() {
        if i > 0 && i < digits && i % 3 == 0 {
            out.push(separator);
        }
        out.push(*c);
    }
    out
}

/// Puts the parts together and pads them.
fn finish(t: &Thread, spec: &Spec, n: &NumberText<'_>, group: usize) -> R<Ref<Str>> {
    let mut text = AsciiText::new();
    if n.sign != 0 {
        text.push(n.sign);
    }
    text.extend_from_slice(n.prefix);
    let around = text.len() + n.rest.len();
    let inner = spec.align == b'=';
    // Zeros between sign and digits are grouped like digits.
    let zeros_wanted = if inner && spec.fill == b'0' as u32 { spec.width.saturating_sub(around) } else { 0 };
    check_width(t, spec.width)?;
    if spec.grouping != Grouping::None && !n.whole.is_empty() {
        push_grouped(&mut text, n.whole, spec.grouping.symbol().unwrap_or(b','), group, zeros_wanted);
    } else {
        text.resize(text.len() + zeros_wanted.saturating_sub(n.whole.len()), b'0');
        text.extend_from_slice(n.whole);
    }
    text.extend_from_slice(n.rest);
    if !inner || text.len() >= spec.width {
        return padded(t, spec, &text);
    }
    let front = (n.sign != 0) as usize + n.prefix.len();
    let mut out = StrBuilder::with_capacity(spec.width);
    out.push_latin1(&text[..front]);
    out.push_repeated(spec.fill, spec.width - text.len());
    out.push_latin1(&text[front..]);
    out.finish(t)
}

/// Appends digits with separators, after so many zeros that they are at least `min_width` characters together.
fn push_grouped(out: &mut AsciiText, digits: &[u8], separator: u8, group: usize, min_width: usize) {
    // With a separator before each group but the first, `n` digits take `n + (n - 1) / group` characters.
    let mut n = digits.len();
    let mut width = n + (n - 1) / group;
    if width < min_width {
        n = min_width / (group + 1) * group;
        while n + n.saturating_sub(1) / group < min_width {
            n += 1;
        }
        n = n.max(digits.len());
        width = n + (n - 1) / group;
    }
    debug_assert!(width >= min_width);
    for i in 0..n {
        if i > 0 && (n - i).is_multiple_of(group) {
            out.push(separator);
        }
        out.push(if i < n - digits.len() { b'0' } else { digits[i - (n - digits.len())] });
    }
}

/// `format(z, spec)` of a complex number; `v` is the object itself.
pub fn format_complex(t: &Thread, v: Value, (re, im): complex::Parts, spec: Ref<Str>) -> R<Ref<Str>> {
    if spec.is_empty() {
        return str_of(t, v);
    }
    let spec = Spec::parse(t, v, spec, b'>', 0)?;
    if spec.fill == b'0' as u32 {
        raise!(t, ValueError, "Zero padding is not allowed in complex format specifier")
    }
    if spec.align == b'=' {
        raise!(t, ValueError, "'=' alignment flag is not allowed in complex format specifier")
    }
    let Some(style) = float_style(t, &spec, false)? else { return spec.unknown_kind(t, v) };
    let plain = spec.kind == 0;
    let only_imaginary = plain && re == 0.0 && re.is_sign_positive();
    let mut text = AsciiText::new();
    if plain && !only_imaginary {
        text.push(b'(');
    }
    if !only_imaginary {
        push_part(&mut text, re, style, &spec);
    }
    let imaginary_spec = Spec { sign: if only_imaginary { spec.sign } else { b'+' }, ..spec };
    push_part(&mut text, im, style, &imaginary_spec);
    text.push(b'j');
    if plain && !only_imaginary {
        text.push(b')');
    }
    padded(t, &spec, &text)
}

fn push_part(out: &mut AsciiText, f: f64, style: FloatStyle, spec: &Spec) {
    let mut text = AsciiText::new();
    write_float(&mut text, f, style);
    if spec.no_negative_zero {
        drop_negative_zero(&mut text);
    }
    let n = split(spec, &text);
    if n.sign != 0 {
        out.push(n.sign);
    }
    match spec.grouping.symbol() {
        Some(separator) if !n.whole.is_empty() => push_grouped(out, n.whole, separator, 3, 0),
        _ => out.extend_from_slice(n.whole),
    }
    match spec.fraction_grouping.symbol() {
        Some(separator) => out.extend_from_slice(&group_fraction(n.rest, separator)),
        None => out.extend_from_slice(n.rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grouped(digits: &str, min_width: usize) -> String {
        let mut out = AsciiText::new();
        push_grouped(&mut out, digits.as_bytes(), b',', 3, min_width);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn groups_and_zeros() {
        assert_eq!(grouped("1234567", 0), "1,234,567");
        assert_eq!(grouped("123", 0), "123");
        assert_eq!(grouped("123", 4), "0,123");
        assert_eq!(grouped("123", 5), "0,123");
        assert_eq!(grouped("123", 6), "00,123");
        assert_eq!(grouped("1", 8), "0,000,001");
        assert_eq!(grouped("1234", 3), "1,234");
    }
}
