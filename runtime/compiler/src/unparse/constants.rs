//! `repr` of constants.

use dashu_int::{IBig, Sign, UBig};
use limpid_bytecode::Constant;

/// `repr(constant)`, except that infinity is written as a number and `...` as it is.
pub(crate) fn constant(constant: &Constant) -> String {
    match constant {
        Constant::None => "None".to_owned(),
        Constant::Bool(true) => "True".to_owned(),
        Constant::Bool(false) => "False".to_owned(),
        Constant::Ellipsis => "...".to_owned(),
        Constant::Int(value) => value.to_string(),
        Constant::BigInt { negative, digits } => {
            let bytes: Vec<u8> = digits.iter().flat_map(|digit| digit.to_le_bytes()).collect();
            let sign = if *negative { Sign::Negative } else { Sign::Positive };
            IBig::from_parts(sign, UBig::from_le_bytes(&bytes)).to_string()
        }
        Constant::Float(value) => float(*value, ".0"),
        Constant::Complex(real, imaginary) if *real == 0.0 && real.is_sign_positive() => {
            format!("{}j", float(*imaginary, ""))
        }
        Constant::Complex(real, imaginary) => {
            let imaginary = float(*imaginary, "");
            let sign = if imaginary.starts_with('-') { "" } else { "+" };
            format!("({}{sign}{imaginary}j)", float(*real, ""))
        }
        Constant::Str(text) => str_repr(text),
        Constant::Bytes(bytes) => bytes_repr(bytes),
        Constant::Tuple(items) => match &items[..] {
            [only] => format!("({},)", self::constant(only)),
            items => format!("({})", list(items)),
        },
        Constant::FrozenSet(items) => format!("frozenset({{{}}})", list(items)),
        Constant::Slice(parts) => format!("slice({})", list(&parts[..])),
        Constant::Code(code) => format!("<code {}>", code.name),
    }
}

fn list(items: &[Constant]) -> String {
    items.iter().map(constant).collect::<Vec<_>>().join(", ")
}

/// The shortest text that reads back as the float; `integral` follows one without a fraction.
fn float(value: f64, integral: &str) -> String {
    if value.is_infinite() {
        // Big enough to be read as infinity.
        return if value > 0.0 { "1e309" } else { "-1e309" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = format!("{value}");
        return if plain.contains('.') { plain } else { plain + integral };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// `repr` of a str.
pub(super) fn str_repr(text: &[u8]) -> String {
    let quote = quote(text);
    let mut repr = String::from(quote);
    let mut surrogate = Vec::new();
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\\' => repr.push_str("\\\\"),
                '\n' => repr.push_str("\\n"),
                '\r' => repr.push_str("\\r"),
                '\t' => repr.push_str("\\t"),
                _ if character == quote => repr.extend(['\\', quote]),
                ' '..='~' => repr.push(character),
                _ if is_printable(character) => repr.push(character),
                _ => match u32::from(character) {
                    code @ ..0x100 => repr.push_str(&format!("\\x{code:02x}")),
                    code @ ..0x10000 => repr.push_str(&format!("\\u{code:04x}")),
                    code => repr.push_str(&format!("\\U{code:08x}")),
                },
            }
        }
        // What is not UTF-8 is a surrogate, whose three bytes come one by one.
        if let [byte] = chunk.invalid() {
            surrogate.push(*byte);
        }
        if let [first, second, third] = surrogate[..] {
            let code = u32::from(first & 0x0F) << 12 | u32::from(second & 0x3F) << 6 | u32::from(third & 0x3F);
            repr.push_str(&format!("\\u{code:04x}"));
            surrogate.clear();
        }
    }
    repr.push(quote);
    repr
}

/// Is the character shown as itself? Unicode's unassigned, private, separator and control characters are not.
fn is_printable(character: char) -> bool {
    // Combining characters count as printable only behind another.
    String::from_iter(['a', character]).escape_debug().count() == 2
}

/// Double quotes only for text that has single ones and no double ones.
fn quote(text: &[u8]) -> char {
    if text.contains(&b'\'') && !text.contains(&b'"') { '"' } else { '\'' }
}

fn bytes_repr(bytes: &[u8]) -> String {
    let quote = quote(bytes);
    let mut repr = format!("b{quote}");
    for &byte in bytes {
        match byte {
            b'\\' => repr.push_str("\\\\"),
            b'\n' => repr.push_str("\\n"),
            b'\r' => repr.push_str("\\r"),
            b'\t' => repr.push_str("\\t"),
            _ if char::from(byte) == quote => repr.extend(['\\', quote]),
            b' '..=b'~' => repr.push(char::from(byte)),
            _ => repr.push_str(&format!("\\x{byte:02x}")),
        }
    }
    repr.push(quote);
    repr
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_python_does() {
        for (value, text) in [
            (1.0, "1.0"),
            (0.1, "0.1"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.5e-5, "1.5e-05"),
            (0.0001, "0.0001"),
            (-0.0, "-0.0"),
            (f64::INFINITY, "1e309"),
        ] {
            assert_eq!(constant(&Constant::Float(value)), text);
        }
        assert_eq!(constant(&Constant::Complex(0.0, 2.0)), "2j");
        assert_eq!(constant(&Constant::Complex(1.5, -2.0)), "(1.5-2j)");
        let big = Constant::BigInt { negative: true, digits: [0, 1].into() };
        assert_eq!(constant(&big), "-18446744073709551616");
    }

    #[test]
    fn strings_are_quoted_as_python_does() {
        assert_eq!(str_repr("it's \"é\" \u{7f}\u{200b}".as_bytes()), r#"'it\'s "é" \x7f\u200b'"#);
        assert_eq!(str_repr(b"\xed\xa0\x80a\xcc\x88"), "'\\ud800a\u{308}'");
        assert_eq!(bytes_repr(b"'\x00\xff"), r#"b"'\x00\xff""#);
    }
}
