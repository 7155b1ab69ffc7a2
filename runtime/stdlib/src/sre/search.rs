//! Where a match may begin: what a search looks for before it starts the engine.

use super::charset::{CharSet, Fold, One};
use super::code::At;
use super::program::{Loop, Op};
use memchr::memmem::Finder;

/// A character as a string stores it.
pub(super) trait Unit: Copy {
    /// Its code point.
    fn code(self) -> u32;

    /// The first of these characters with that code point.
    fn find(text: &[Self], code: u32) -> Option<usize> {
        text.iter().position(|c| c.code() == code)
    }

    /// The last of these characters with that code point.
    fn find_last(text: &[Self], code: u32) -> Option<usize> {
        text.iter().rposition(|c| c.code() == code)
    }

    /// The first place of a literal.
    fn find_literal(text: &[Self], literal: &Literal) -> Option<usize> {
        let (first, rest) = literal.text.split_first()?;
        let mut at = 0;
        loop {
            at += Self::find(&text[at..], *first)? + 1;
            let found = text.get(at..at + rest.len())?;
            if found.iter().zip(rest).all(|(c, code)| c.code() == *code) {
                return Some(at - 1);
            }
        }
    }

    /// The first character whose code point is in the set.
    fn find_first_of(text: &[Self], set: &First) -> Option<usize> {
        text.iter().position(|c| set.has(c.code()))
    }
}

impl Unit for u8 {
    #[inline(always)]
    fn code(self) -> u32 {
        self as u32
    }

    #[inline]
    fn find(text: &[u8], code: u32) -> Option<usize> {
        memchr::memchr(u8::try_from(code).ok()?, text)
    }

    #[inline]
    fn find_last(text: &[u8], code: u32) -> Option<usize> {
        memchr::memrchr(u8::try_from(code).ok()?, text)
    }

    fn find_literal(text: &[u8], literal: &Literal) -> Option<usize> {
        literal.finder.as_ref()?.find(text)
    }

    fn find_first_of(text: &[u8], set: &First) -> Option<usize> {
        match set.few[..] {
            [a] => memchr::memchr(a, text),
            [a, b] => memchr::memchr2(a, b, text),
            [a, b, c] => memchr::memchr3(a, b, c, text),
            _ => text.iter().position(|c| set.has(*c as u32)),
        }
    }
}

impl Unit for u16 {
    #[inline(always)]
    fn code(self) -> u32 {
        self as u32
    }
}

impl Unit for u32 {
    #[inline(always)]
    fn code(self) -> u32 {
        self
    }
}

/// Text that every match begins with.
pub(super) struct Literal {
    text: Box<[u32]>,
    /// Finds it in text of one byte a character; None when it cannot occur there.
    finder: Option<Finder<'static>>,
}

/// The characters that a match may begin with.
#[derive(Clone, Default)]
pub(super) struct First {
    bits: [u64; 4],
    /// Characters from 256 on: any of them.
    others: bool,
    /// Those below 256, if they are at most three.
    few: Vec<u8>,
}

impl First {
    #[inline(always)]
    fn has(&self, c: u32) -> bool {
        if c < 256 { self.has_low(c) } else { self.others }
    }

    #[inline(always)]
    fn has_low(&self, c: u32) -> bool {
        self.bits[(c >> 6) as usize & 3] >> (c & 63) & 1 != 0
    }

    fn add_low(&mut self, test: impl Fn(u32) -> bool) {
        for c in (0..256).filter(|c| test(*c)) {
            self.bits[c as usize / 64] |= 1 << (c % 64);
        }
    }

    /// Adds the characters that pass a test; false: all do, or it depends on the locale.
    fn add(&mut self, one: One, sets: &[CharSet]) -> bool {
        match one {
            One::All | One::NotFolded(..) | One::Folded(Fold::Locale, _) => return false,
            One::Never => {}
            One::Any => {
                self.add_low(|c| c != '\n' as u32);
                self.others = true;
            }
            One::Char(c) if c < 256 => self.bits[c as usize / 64] |= 1 << (c % 64),
            One::Char(_) => self.others = true,
            One::NotChar(not) => {
                self.add_low(|c| c != not);
                self.others = true;
            }
            One::Folded(fold, literal) => {
                self.add_low(|c| fold.lower(c) == literal);
                self.others = true;
            }
            One::Set(set) => {
                let Some(low) = sets[set as usize].low_bits() else { return false };
                self.bits.iter_mut().zip(low).for_each(|(bits, low)| *bits |= low);
                self.others = true;
            }
        }
        true
    }
}

/// How to find where a match may begin.
pub(super) enum Start {
    /// It may anywhere.
    Anywhere,
    /// At the beginning of the string only.
    Beginning,
    /// At the beginning of a line.
    Line,
    /// Where this text is.
    Literal(Literal),
    /// Where one of these characters is.
    First(First),
}

/// The most steps that are looked through for first characters; a pattern that begins in more ways begins anywhere.
const MAX_STEPS: usize = 256;

struct Walk<'a> {
    ops: &'a [Op],
    sets: &'a [CharSet],
    loops: &'a [Loop],
    fences: &'a [u32],
    first: First,
    steps: usize,
}

impl Walk<'_> {
    /// Adds the characters that a match of the program from `at` on may begin with; false: any, or it may be empty.
    fn from(&mut self, mut at: usize) -> bool {
        loop {
            self.steps += 1;
            if self.steps > MAX_STEPS {
                return false;
            }
            match self.ops[at] {
                Op::Accept | Op::GroupRef(..) => return false,
                Op::Fail | Op::AssertNotEnd(_) | Op::AssertEnd(_) => return true,
                Op::One(one) => return self.first.add(one, self.sets),
                Op::At(_) | Op::Mark(_) | Op::Atomic(_) | Op::AtomicEnd(_) => at += 1,
                Op::MaxUntil(_) | Op::MinUntil(_) | Op::PossessiveLoop(_) | Op::PossessiveEnd { .. } => at += 1,
                Op::Jump(to) => at = to as usize,
                Op::UnlessGroup(_, other) | Op::Branch(other) => {
                    if !self.from(at + 1) {
                        return false;
                    }
                    at = other as usize;
                }
                Op::Greedy { min, .. } | Op::Lazy { min, .. } | Op::Possessive { min, .. } => {
                    let Op::One(one) = self.ops[at + 1] else { return false };
                    if !self.first.add(one, self.sets) {
                        return false;
                    }
                    if min > 0 {
                        return true;
                    }
                    at += 2;
                }
                Op::Loop { id, until: after } | Op::PossessiveNext { id, end: after } => {
                    if self.loops[id as usize].min == 0 {
                        if !self.from(at + 1) {
                            return false;
                        }
                        at = after as usize;
                    } else {
                        at += 1;
                    }
                }
                Op::Assert { id, .. } | Op::AssertNot { id, .. } => at = self.fences[id as usize] as usize,
            }
        }
    }
}

impl Start {
    /// What a program, which begins with a literal or not, asks for.
    pub fn new(ops: &[Op], sets: &[CharSet], loops: &[Loop], fences: &[u32], prefix: &[u32]) -> Start {
        if !prefix.is_empty() {
            let bytes: Option<Vec<u8>> = prefix.iter().map(|c| u8::try_from(*c).ok()).collect();
            let finder = bytes.map(|bytes| Finder::new(&bytes).into_owned());
            return Start::Literal(Literal { text: prefix.into(), finder });
        }
        if let Op::At(At::Beginning | At::BeginningString) = ops[0] {
            return Start::Beginning;
        }
        if let Op::At(At::BeginningLine) = ops[0] {
            return Start::Line;
        }
        let mut walk = Walk { ops, sets, loops, fences, first: First::default(), steps: 0 };
        if !walk.from(0) {
            return Start::Anywhere;
        }
        let mut first = walk.first;
        let count: u32 = first.bits.iter().map(|bits| bits.count_ones()).sum();
        if count <= 3 {
            first.few = (0..256).filter(|c| first.has_low(*c)).map(|c| c as u8).collect();
        }
        Start::First(first)
    }

    /// The first place from `from` to `last` where a match may begin.
    #[inline]
    pub fn next<C: Unit>(&self, text: &[C], from: usize, last: usize) -> Option<usize> {
        if from > last {
            return None;
        }
        let rest = &text[from..];
        let newline = '\n' as u32;
        let found = from
            + match self {
                Start::Anywhere => 0,
                Start::Beginning => return (from == 0).then_some(0),
                Start::Line if from == 0 || text[from - 1].code() == newline => 0,
                Start::Line => C::find(rest, newline)? + 1,
                Start::Literal(literal) => C::find_literal(rest, literal)?,
                Start::First(first) => C::find_first_of(rest, first)?,
            };
        (found <= last).then_some(found)
    }
}
