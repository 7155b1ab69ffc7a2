//! Tests of one character: literals, kinds, sets, and what case is folded to.
//!
//! A set keeps the answers for the first 256 characters in a table, and for others the code it was compiled to.

use super::code::{Category, Opcode};
use limpid_vm::types::str::unicode;

/// How characters are compared regardless of case.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fold {
    /// They are not: case counts.
    Not,
    /// Within ASCII.
    Ascii,
    /// By the C library's locale, below 256.
    Locale,
    /// By Unicode's simple lower case.
    Unicode,
}

impl Fold {
    /// A character's lower case.
    #[inline]
    pub fn lower(self, c: u32) -> u32 {
        match self {
            Fold::Not => c,
            Fold::Ascii => lower_ascii(c),
            Fold::Locale => lower_locale(c),
            Fold::Unicode => lower_unicode(c),
        }
    }
}

/// ASCII's lower case.
#[inline]
pub(super) fn lower_ascii(c: u32) -> u32 {
    if (b'A' as u32..=b'Z' as u32).contains(&c) { c | 0x20 } else { c }
}

/// Unicode's lower case, one character for one.
#[inline]
pub(super) fn lower_unicode(c: u32) -> u32 {
    if c < 0x80 { lower_ascii(c) } else { unicode::to_lower(c).chars()[0] }
}

/// Unicode's upper case, one character for one.
#[inline]
pub(super) fn upper_unicode(c: u32) -> u32 {
    unicode::to_upper(c).chars()[0]
}

/// The locale's lower case.
pub(super) fn lower_locale(c: u32) -> u32 {
    // SAFETY: the function takes any value of an unsigned char.
    if c < 256 { unsafe { libc::tolower(c as i32) as u32 } } else { c }
}

fn upper_locale(c: u32) -> u32 {
    // SAFETY: the function takes any value of an unsigned char.
    if c < 256 { unsafe { libc::toupper(c as i32) as u32 } } else { c }
}

/// Is it a letter or digit in the locale, or an underscore?
pub(super) fn is_locale_word(c: u32) -> bool {
    // SAFETY: the function takes any value of an unsigned char.
    c == '_' as u32 || c < 256 && unsafe { libc::isalnum(c as i32) != 0 }
}

/// Is it a letter or digit of ASCII, or an underscore?
#[inline]
pub(super) fn is_ascii_word(c: u32) -> bool {
    c < 128 && (c as u8 == b'_' || (c as u8).is_ascii_alphanumeric())
}

/// Is it a letter or a number of Unicode, or an underscore?
#[inline]
pub(super) fn is_unicode_word(c: u32) -> bool {
    c == '_' as u32 || unicode::is_alnum(c)
}

impl Category {
    fn has(self, c: u32) -> bool {
        let is_digit = || c < 128 && (c as u8).is_ascii_digit();
        let is_space = || matches!(c, 9..=13 | 32);
        match self {
            Category::Digit => is_digit(),
            Category::NotDigit => !is_digit(),
            Category::Space => is_space(),
            Category::NotSpace => !is_space(),
            Category::Word => is_ascii_word(c),
            Category::NotWord => !is_ascii_word(c),
            Category::Linebreak => c == '\n' as u32,
            Category::NotLinebreak => c != '\n' as u32,
            Category::LocWord => is_locale_word(c),
            Category::LocNotWord => !is_locale_word(c),
            Category::UniDigit => unicode::is_decimal(c),
            Category::UniNotDigit => !unicode::is_decimal(c),
            Category::UniSpace => unicode::is_space(c),
            Category::UniNotSpace => !unicode::is_space(c),
            Category::UniWord => is_unicode_word(c),
            Category::UniNotWord => !is_unicode_word(c),
            Category::UniLinebreak => unicode::is_line_break(c),
            Category::UniNotLinebreak => !unicode::is_line_break(c),
        }
    }

    fn depends_on_locale(self) -> bool {
        matches!(self, Category::LocWord | Category::LocNotWord)
    }
}

/// One rule of a set.
enum Rule {
    Category(Category),
    /// Bits of the first 256 characters.
    Bits([u32; 8]),
    /// Bits of the first 65,536: for each 256 of them the number of a block of bits.
    Blocks(Box<[u8; 256]>, Box<[[u32; 8]]>),
    Literal(u32),
    Range(u32, u32),
    /// The same of a character or its upper case.
    RangeIgnore(u32, u32),
    /// From here on characters are outside that were inside, and the other way round.
    Negate,
}

fn bit(bits: &[u32; 8], c: u32) -> bool {
    bits[(c >> 5) as usize & 7] >> (c & 31) & 1 != 0
}

impl Rule {
    fn holds(&self, c: u32) -> bool {
        match self {
            Rule::Category(category) => category.has(c),
            Rule::Bits(bits) => c < 256 && bit(bits, c),
            Rule::Blocks(index, blocks) => c < 0x10000 && bit(&blocks[index[(c >> 8) as usize] as usize], c & 255),
            Rule::Literal(literal) => c == *literal,
            Rule::Range(low, high) => (*low..=*high).contains(&c),
            Rule::RangeIgnore(low, high) => (*low..=*high).contains(&c) || (*low..=*high).contains(&upper_unicode(c)),
            Rule::Negate => false,
        }
    }
}

/// A set of characters.
pub(super) struct CharSet {
    /// The answers for the first 256 characters; not used by sets that depend on the locale.
    low: [bool; 256],
    by_locale: bool,
    fold: Fold,
    rules: Box<[Rule]>,
}

impl CharSet {
    /// The set that some code means, up to and including its `FAILURE`, and how many words that are. None: it is no code of a set.
    pub fn parse(code: &[u32], fold: Fold) -> Option<(CharSet, usize)> {
        let (mut rules, mut at) = (Vec::new(), 0);
        loop {
            let op = Opcode::from_word(*code.get(at)?)?;
            let operands = &code[at + 1..];
            let (rule, words) = match op {
                Opcode::Failure => break,
                Opcode::Negate => (Rule::Negate, 0),
                Opcode::Literal => (Rule::Literal(*operands.first()?), 1),
                Opcode::Category => (Rule::Category(Category::from_word(*operands.first()?)?), 1),
                Opcode::Range => (Rule::Range(*operands.first()?, *operands.get(1)?), 2),
                Opcode::RangeUniIgnore => (Rule::RangeIgnore(*operands.first()?, *operands.get(1)?), 2),
                Opcode::Charset => (Rule::Bits(*operands.first_chunk()?), 8),
                Opcode::BigCharset => {
                    const INDEX_WORDS: usize = 256 / 4;
                    let count = *operands.first()? as usize;
                    let words = operands.get(1..1 + INDEX_WORDS)?;
                    let mut index = Box::new([0; 256]);
                    for (bytes, word) in index.chunks_exact_mut(4).zip(words) {
                        bytes.copy_from_slice(&word.to_ne_bytes());
                    }
                    let (blocks, _) = operands.get(1 + INDEX_WORDS..)?.as_chunks::<8>();
                    let blocks: Box<[[u32; 8]]> = blocks.get(..count)?.into();
                    if index.iter().any(|block| *block as usize >= count) {
                        return None;
                    }
                    (Rule::Blocks(index, blocks), 1 + INDEX_WORDS + 8 * count)
                }
                _ => return None,
            };
            rules.push(rule);
            at += 1 + words;
        }
        let by_locale = fold == Fold::Locale || rules.iter().any(|rule| matches!(rule, Rule::Category(c) if c.depends_on_locale()));
        let mut set = CharSet { low: [false; 256], by_locale, fold, rules: rules.into() };
        if !by_locale {
            set.low = std::array::from_fn(|c| set.decide(c as u32));
        }
        Some((set, at + 1))
    }

    /// Is a character in the set?
    #[inline(always)]
    pub fn contains(&self, c: u32) -> bool {
        match self.low.get(c as usize) {
            Some(answer) if !self.by_locale => *answer,
            _ => self.decide(c),
        }
    }

    /// The answers for the first 256 characters, if they are fixed.
    pub fn low(&self) -> Option<&[bool; 256]> {
        (!self.by_locale).then_some(&self.low)
    }

    #[cold]
    #[inline(never)]
    fn decide(&self, c: u32) -> bool {
        match self.fold {
            // Each rule is about both cases.
            Fold::Locale => self.by_rules(lower_locale(c), upper_locale(c)),
            fold => {
                let c = fold.lower(c);
                self.by_rules(c, c)
            }
        }
    }

    fn by_rules(&self, c: u32, other_case: u32) -> bool {
        let mut inside = true;
        for rule in &self.rules {
            if matches!(rule, Rule::Negate) {
                inside = !inside;
            } else if rule.holds(c) || other_case != c && rule.holds(other_case) {
                return inside;
            }
        }
        !inside
    }
}

/// A test of one character.
#[derive(Clone, Copy)]
pub(super) enum One {
    /// Any but a newline.
    Any,
    /// Any.
    All,
    /// None.
    Never,
    /// This one.
    Char(u32),
    /// Any but this one.
    NotChar(u32),
    /// This one, in lower case, regardless of case.
    Folded(Fold, u32),
    /// Any but this one.
    NotFolded(Fold, u32),
    /// One of the set with this number.
    Set(u32),
}

impl One {
    /// Does a character pass?
    #[inline(always)]
    pub fn accepts(self, c: u32, sets: &[CharSet]) -> bool {
        match self {
            One::Any => c != '\n' as u32,
            One::All => true,
            One::Never => false,
            One::Char(literal) => c == literal,
            One::NotChar(literal) => c != literal,
            One::Folded(fold, literal) => is_folded(fold, literal, c),
            One::NotFolded(fold, literal) => !is_folded(fold, literal, c),
            One::Set(set) => sets[set as usize].contains(c),
        }
    }
}

#[inline]
fn is_folded(fold: Fold, literal: u32, c: u32) -> bool {
    match fold {
        Fold::Locale => c == literal || lower_locale(c) == literal || upper_locale(c) == literal,
        _ => fold.lower(c) == literal,
    }
}
