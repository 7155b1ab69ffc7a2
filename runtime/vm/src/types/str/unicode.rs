//! Properties and case mappings of characters, Unicode 16.
//!
//! The tables are those of crates; this is what Python's notions are in their terms. Lone surrogates have no case and no class.

use caseless::Caseless;
use unicode_general_category::{GeneralCategory, get_general_category};

/// The general category; lone surrogates are `Surrogate`.
#[inline]
pub fn category(c: u32) -> GeneralCategory {
    char::from_u32(c).map_or(GeneralCategory::Surrogate, get_general_category)
}

/// Is it white space?
#[inline]
pub fn is_space(c: u32) -> bool {
    match c {
        0..0x80 => matches!(c, 9..=13 | 0x1C..=0x20),
        _ => matches!(c, 0x85 | 0xA0 | 0x1680 | 0x2000..=0x200A | 0x2028 | 0x2029 | 0x202F | 0x205F | 0x3000),
    }
}

/// Does it end a line?
#[inline]
pub fn is_line_break(c: u32) -> bool {
    matches!(c, 10..=13 | 0x1C..=0x1E | 0x85 | 0x2028 | 0x2029)
}

/// Is it a letter?
#[inline]
pub fn is_alpha(c: u32) -> bool {
    use GeneralCategory::*;
    if c < 0x80 {
        return (c as u8).is_ascii_alphabetic();
    }
    matches!(category(c), UppercaseLetter | LowercaseLetter | TitlecaseLetter | ModifierLetter | OtherLetter)
}

/// Is it a digit of a decimal number?
#[inline]
pub fn is_decimal(c: u32) -> bool {
    if c < 0x80 { (c as u8).is_ascii_digit() } else { category(c) == GeneralCategory::DecimalNumber }
}

/// The value of a decimal digit.
pub fn decimal_value(c: u32) -> Option<u8> {
    if c < 0x80 {
        return (c as u8).is_ascii_digit().then(|| c as u8 - b'0');
    }
    if !is_decimal(c) {
        return None;
    }
    // Decimal digits come in whole sets of ten, zero first; sets that adjoin each other are still sets of ten.
    let mut start = c;
    while is_decimal(start - 1) {
        start -= 1;
    }
    Some(((c - start) % 10) as u8)
}

/// Digits that are not decimal: superscripts, circled digits and the like. Unicode adds no more of them.
const OTHER_DIGITS: [(u32, u32); 20] = [
    (0xB2, 0xB3),
    (0xB9, 0xB9),
    (0x1369, 0x1371),
    (0x19DA, 0x19DA),
    (0x2070, 0x2070),
    (0x2074, 0x2079),
    (0x2080, 0x2089),
    (0x2460, 0x2468),
    (0x2474, 0x247C),
    (0x2488, 0x2490),
    (0x24EA, 0x24EA),
    (0x24F5, 0x24FD),
    (0x24FF, 0x24FF),
    (0x2776, 0x277E),
    (0x2780, 0x2788),
    (0x278A, 0x2792),
    (0x10A40, 0x10A43),
    (0x10E60, 0x10E68),
    (0x11052, 0x1105A),
    (0x1F100, 0x1F10A),
];

/// Ideographs that are numbers.
const NUMERIC_IDEOGRAPHS: [u32; 91] = [
    0x3405, 0x3483, 0x382A, 0x3B4D, 0x4E00, 0x4E03, 0x4E07, 0x4E09, 0x4E24, 0x4E5D, 0x4E8C, 0x4E94, 0x4E96, 0x4EAC, 0x4EBF, 0x4EC0, 0x4EDF,
    0x4EE8, 0x4F0D, 0x4F70, 0x4FE9, 0x5006, 0x5104, 0x5146, 0x5169, 0x516B, 0x516D, 0x5341, 0x5343, 0x5344, 0x5345, 0x534C, 0x53C1, 0x53C2,
    0x53C3, 0x53C4, 0x56DB, 0x58F1, 0x58F9, 0x5E7A, 0x5EFE, 0x5EFF, 0x5F0C, 0x5F0D, 0x5F0E, 0x5F10, 0x62D0, 0x62FE, 0x634C, 0x67D2, 0x6D1E,
    0x6F06, 0x7396, 0x767E, 0x7695, 0x79ED, 0x8086, 0x842C, 0x8CAE, 0x8CB3, 0x8D30, 0x920E, 0x94A9, 0x9621, 0x9646, 0x964C, 0x9678, 0x96F6,
    0xF96B, 0xF973, 0xF978, 0xF9B2, 0xF9D1, 0xF9D3, 0xF9FD, 0x20001, 0x20064, 0x200E2, 0x20121, 0x2092A, 0x20983, 0x2098C, 0x2099C,
    0x20AEA, 0x20AFD, 0x20B19, 0x22390, 0x22998, 0x23B1B, 0x2626D, 0x2F890,
];

/// Is it a digit, decimal or not?
#[inline]
pub fn is_digit(c: u32) -> bool {
    is_decimal(c) || c >= 0x80 && OTHER_DIGITS.iter().any(|(first, last)| (*first..=*last).contains(&c))
}

/// Is it a number?
#[inline]
pub fn is_numeric(c: u32) -> bool {
    use GeneralCategory::*;
    if c < 0x80 {
        return (c as u8).is_ascii_digit();
    }
    matches!(category(c), DecimalNumber | LetterNumber | OtherNumber) || NUMERIC_IDEOGRAPHS.binary_search(&c).is_ok()
}

/// Is it a letter or a number?
#[inline]
pub fn is_alnum(c: u32) -> bool {
    if c < 0x80 { (c as u8).is_ascii_alphanumeric() } else { is_alpha(c) || is_numeric(c) }
}

/// Does `repr` show it as it is?
#[inline]
pub fn is_printable(c: u32) -> bool {
    use GeneralCategory::*;
    if c < 0x7F {
        return c >= 0x20;
    }
    !matches!(category(c), Control | Format | Surrogate | PrivateUse | Unassigned | LineSeparator | ParagraphSeparator | SpaceSeparator)
}

/// A property of the standard library's tables, which may know more characters than Unicode 16.
fn assigned(c: u32, property: impl Fn(char) -> bool) -> bool {
    char::from_u32(c).is_some_and(|ch| property(ch) && get_general_category(ch) != GeneralCategory::Unassigned)
}

/// Is it lower case?
#[inline]
pub fn is_lower(c: u32) -> bool {
    if c < 0x80 { (c as u8).is_ascii_lowercase() } else { assigned(c, char::is_lowercase) }
}

/// Is it upper case?
#[inline]
pub fn is_upper(c: u32) -> bool {
    if c < 0x80 { (c as u8).is_ascii_uppercase() } else { assigned(c, char::is_uppercase) }
}

/// Is it title case, like `ǅ`?
#[inline]
pub fn is_title(c: u32) -> bool {
    c >= 0x80 && category(c) == GeneralCategory::TitlecaseLetter
}

/// Does it have case?
#[inline]
pub fn is_cased(c: u32) -> bool {
    is_lower(c) || is_upper(c) || is_title(c)
}

/// Is it skipped when the letters around a sigma are looked at?
pub fn is_case_ignorable(c: u32) -> bool {
    use GeneralCategory::*;
    matches!(
        c,
        0x27 | 0x2E
            | 0x3A
            | 0xB7
            | 0x387
            | 0x55F
            | 0x5F4
            | 0x2018
            | 0x2019
            | 0x2024
            | 0x2027
            | 0xFE13
            | 0xFE52
            | 0xFE55
            | 0xFF07
            | 0xFF0E
            | 0xFF1A
    ) || matches!(category(c), NonspacingMark | EnclosingMark | Format | ModifierLetter | ModifierSymbol)
}

/// What a character becomes: up to three characters.
#[derive(Clone, Copy, Debug)]
pub struct Mapped([u32; 3]);

impl Mapped {
    fn from_table<const N: usize>(c: u32, mapped: [u32; N]) -> Mapped {
        let mut out = [0; 3];
        out[..N].copy_from_slice(&mapped);
        if out[0] == 0 {
            out[0] = c;
        }
        Mapped(out)
    }

    /// The characters.
    #[inline]
    pub fn chars(&self) -> &[u32] {
        let n = self.0[1..].iter().position(|c| *c == 0).map_or(3, |i| i + 1);
        &self.0[..n]
    }
}

/// Lower case; a sigma's context is the caller's business.
pub fn to_lower(c: u32) -> Mapped {
    char::from_u32(c).map_or(Mapped([c, 0, 0]), |ch| Mapped::from_table(c, unicode_case_mapping::to_lowercase(ch)))
}

/// Upper case.
pub fn to_upper(c: u32) -> Mapped {
    char::from_u32(c).map_or(Mapped([c, 0, 0]), |ch| Mapped::from_table(c, unicode_case_mapping::to_uppercase(ch)))
}

/// Title case.
pub fn to_title(c: u32) -> Mapped {
    char::from_u32(c).map_or(Mapped([c, 0, 0]), |ch| Mapped::from_table(c, unicode_case_mapping::to_titlecase(ch)))
}

/// What it is compared as without regard to case.
pub fn to_folded(c: u32) -> Mapped {
    let Some(ch) = char::from_u32(c) else { return Mapped([c, 0, 0]) };
    let mut out = [0; 3];
    for (to, from) in out.iter_mut().zip(std::iter::once(ch).default_case_fold()) {
        *to = from as u32;
    }
    Mapped(out)
}

/// May an identifier begin with it?
#[inline]
pub fn is_identifier_start(c: u32) -> bool {
    c == '_' as u32 || char::from_u32(c).is_some_and(unicode_ident::is_xid_start)
}

/// May it be inside an identifier?
#[inline]
pub fn is_identifier_continue(c: u32) -> bool {
    char::from_u32(c).is_some_and(unicode_ident::is_xid_continue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits() {
        assert_eq!(decimal_value('٣' as u32), Some(3));
        assert_eq!(decimal_value(0x1D7FF), Some(9));
        assert_eq!(decimal_value('²' as u32), None);
        assert!(is_digit('²' as u32) && is_numeric('½' as u32) && !is_digit('½' as u32) && is_numeric('四' as u32));
    }

    #[test]
    fn tables_are_sorted() {
        assert!(NUMERIC_IDEOGRAPHS.is_sorted() && OTHER_DIGITS.is_sorted());
    }

    #[test]
    fn cases() {
        assert_eq!(to_upper('ß' as u32).chars(), ['S' as u32, 'S' as u32]);
        assert_eq!(to_lower('İ' as u32).chars(), ['i' as u32, 0x307]);
        assert_eq!(to_folded('ẞ' as u32).chars(), ['s' as u32, 's' as u32]);
        assert_eq!(to_title('ǆ' as u32).chars(), ['ǅ' as u32]);
        assert_eq!(to_upper(0xD800).chars(), [0xD800]);
        assert_eq!(to_upper('ΐ' as u32).chars().len(), 3);
        assert_eq!(to_lower(0).chars(), [0]);
    }
}
