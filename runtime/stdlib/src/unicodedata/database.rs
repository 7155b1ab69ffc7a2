//! What is known of characters, in Unicode 16 and in Unicode 3.2.
//!
//! The tables of [`rustpython_unicode`] are those of a later Unicode; characters do not change their properties, so what is newer counts as
//! unassigned, which the runtime's own categories tell.

use limpid_vm::types::str::unicode::category;
use rustpython_unicode::{LookupResult, NormalizeForm, Ucd, character_name};
use rustpython_wtf8::{CodePoint, Wtf8};
use std::borrow::Cow;
use unicode_general_category::GeneralCategory as Category;

/// One of the two versions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Version {
    Latest,
    V3_2,
}

/// The code of a category: `Lu`.
const fn code(category: Category) -> &'static str {
    match category {
        Category::ClosePunctuation => "Pe",
        Category::ConnectorPunctuation => "Pc",
        Category::Control => "Cc",
        Category::CurrencySymbol => "Sc",
        Category::DashPunctuation => "Pd",
        Category::DecimalNumber => "Nd",
        Category::EnclosingMark => "Me",
        Category::FinalPunctuation => "Pf",
        Category::Format => "Cf",
        Category::InitialPunctuation => "Pi",
        Category::LetterNumber => "Nl",
        Category::LineSeparator => "Zl",
        Category::LowercaseLetter => "Ll",
        Category::MathSymbol => "Sm",
        Category::ModifierLetter => "Lm",
        Category::ModifierSymbol => "Sk",
        Category::NonspacingMark => "Mn",
        Category::OpenPunctuation => "Ps",
        Category::OtherLetter => "Lo",
        Category::OtherNumber => "No",
        Category::OtherPunctuation => "Po",
        Category::OtherSymbol => "So",
        Category::ParagraphSeparator => "Zp",
        Category::PrivateUse => "Co",
        Category::SpaceSeparator => "Zs",
        Category::SpacingMark => "Mc",
        Category::Surrogate => "Cs",
        Category::TitlecaseLetter => "Lt",
        Category::UppercaseLetter => "Lu",
        _ => "Cn",
    }
}

/// The decompositions that Unicode 3.2 had wrong, corrected in later versions: the character, and what it decomposed into.
const CORRECTED: [(u32, u32); 5] = [(0x2F868, 0x2136A), (0x2F874, 0x5F33), (0x2F91F, 0x43AB), (0x2F95F, 0x7AAE), (0x2F9BF, 0x4D57)];

impl Version {
    fn database(self) -> Ucd {
        Ucd::new(self == Version::Latest)
    }

    fn point(c: u32) -> CodePoint {
        CodePoint::from_u32(c).unwrap_or(CodePoint::from('\u{FFFD}'))
    }

    pub fn name_of_version(self) -> &'static str {
        match self {
            Version::Latest => "16.0.0",
            Version::V3_2 => "3.2.0",
        }
    }

    pub fn category(self, c: u32) -> &'static str {
        match self {
            Version::Latest => code(category(c)),
            Version::V3_2 => self.database().category(Version::point(c)),
        }
    }

    /// Is there such a character?
    pub fn is_assigned(self, c: u32) -> bool {
        category(c) != Category::Unassigned && (self == Version::Latest || rustpython_unicode::data::membership_3_2(c))
    }

    /// A property of an assigned character.
    fn of<T: Default>(self, c: u32, f: impl FnOnce(&Ucd, CodePoint) -> T) -> T {
        if self.is_assigned(c) { f(&self.database(), Version::point(c)) } else { T::default() }
    }

    pub fn bidirectional(self, c: u32) -> &'static str {
        if category(c) == Category::Surrogate { "L" } else { self.of(c, |u, c| u.bidirectional(c)) }
    }

    pub fn combining(self, c: u32) -> u8 {
        self.of(c, |u, c| u.combining(c))
    }

    pub fn is_mirrored(self, c: u32) -> bool {
        self.of(c, |u, c| u.mirrored(c) != 0)
    }

    /// Unassigned characters have a width, too.
    pub fn east_asian_width(self, c: u32) -> &'static str {
        if category(c) == Category::Unassigned {
            return if matches!(c, 0x3400..0x4DC0 | 0x4E00..0xA000 | 0xF900..0xFB00 | 0x20000..0x2FFFE | 0x30000..0x3FFFE) {
                "W"
            } else {
                "N"
            };
        }
        self.database().east_asian_width(Version::point(c))
    }

    pub fn decomposition(self, c: u32) -> String {
        if (0xAC00..0xD7A4).contains(&c) {
            // CPython composes and decomposes Hangul by rule, and says nothing of it here.
            return String::new();
        }
        // The database without history: the other one mixes the corrections up.
        if self.is_assigned(c) { Ucd::new(false).decomposition(Version::point(c)) } else { String::new() }
    }

    pub fn decimal(self, c: u32) -> Option<u64> {
        self.of(c, |u, c| u.decimal(c))
    }

    /// The same in all versions, as in CPython.
    pub fn digit(self, c: u32) -> Option<u64> {
        Version::Latest.of(c, |u, c| u.digit(c))
    }

    /// Of the old version what CPython has: the values of the latest one.
    pub fn numeric(self, c: u32) -> Option<f64> {
        self.of(c, |u, c| u.numeric(c).and_then(|_| Ucd::new(true).numeric(c)))
    }

    pub fn name(self, c: u32) -> Option<String> {
        char::from_u32(c).filter(|_| self.is_assigned(c)).and_then(character_name)
    }

    /// The character or the sequence of characters that has a name.
    pub fn lookup(self, name: &str) -> Option<Cow<'static, str>> {
        match self.database().lookup(name)? {
            // The old database has no aliases.
            LookupResult::Character(c) if self == Version::V3_2 && self.name(c as u32).is_none_or(|n| !n.eq_ignore_ascii_case(name)) => {
                None
            }
            LookupResult::Character(c) => self.is_assigned(c as u32).then(|| Cow::Owned(c.to_string())),
            LookupResult::Sequence(s) => Some(Cow::Borrowed(s)),
        }
    }

    /// The normal form of text. Characters that are not assigned stay as they are, and what is between them is normalized.
    pub fn normalize(self, form: NormalizeForm, text: impl Iterator<Item = u32>) -> Vec<u32> {
        let mut out = Vec::new();
        let mut run = String::new();
        let flush = |run: &mut String, out: &mut Vec<u32>| {
            if !run.is_empty() {
                let normal = rustpython_unicode::normalize(form, Wtf8::new(run.as_str()));
                out.extend(normal.code_points().map(|c| c.to_u32()));
                run.clear();
            }
        };
        for mut c in text {
            if self == Version::V3_2
                && let Some((_, original)) = CORRECTED.iter().find(|(from, _)| *from == c)
            {
                c = *original;
            }
            match char::from_u32(c).filter(|_| self.is_assigned(c)) {
                Some(ch) => run.push(ch),
                None => {
                    flush(&mut run, &mut out);
                    out.push(c);
                }
            }
        }
        flush(&mut run, &mut out);
        out
    }
}
