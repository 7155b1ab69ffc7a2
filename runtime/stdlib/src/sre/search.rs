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

    /// The first place where a match may begin.
    fn find_first(text: &[Self], first: &First) -> Option<usize> {
        first.scan(text)
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

    fn find_first(text: &[u8], first: &First) -> Option<usize> {
        let mut at = 0;
        loop {
            let rest = &text[at..];
            at += match first.few[..] {
                [a] => memchr::memchr(a, rest)?,
                [a, b] => memchr::memchr2(a, b, rest)?,
                [a, b, c] => memchr::memchr3(a, b, c, rest)?,
                _ => return first.scan(rest).map(|found| at + found),
            };
            let here = text.get(at..at + first.len)?;
            if here.iter().enumerate().all(|(i, c)| first.places_of(*c as u32) >> i & 1 != 0) {
                return Some(at);
            }
            at += 1;
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

/// The characters that a match may begin with, place by place: a match is at least as long as there are places.
pub(super) struct First {
    /// For each character below 256 a bit for each place at which it may be, the lowest for the first place.
    places: Box<[u8; 256]>,
    /// The places at which a character from 256 on may be.
    others: u8,
    /// How many places there are, from one to eight.
    len: usize,
    /// The characters of the first place below 256, if a search for them is likely to be faster than a look at each character.
    few: Vec<u8>,
}

/// How many places are looked at.
const MAX_PLACES: usize = u8::BITS as usize;
/// ... if the program can begin in too many ways.
const FEWER_PLACES: usize = 3;

impl First {
    #[inline(always)]
    fn places_of(&self, c: u32) -> u8 {
        match self.places.get(c as usize) {
            Some(places) => *places,
            None => self.others,
        }
    }

    /// Looks at each character once: a bit of `open` tells that so many characters up to this one fit.
    fn scan<C: Unit>(&self, text: &[C]) -> Option<usize> {
        let (mut open, all) = (0, 1 << (self.len - 1));
        let end = text.iter().position(|c| {
            open = (open << 1 | 1) & self.places_of(c.code());
            open & all != 0
        })?;
        Some(end + 1 - self.len)
    }
}

/// How to find where a match may begin.
#[allow(clippy::large_enum_variant, reason = "a pattern has one of them, and a search goes through no further pointer")]
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

/// The most steps that are looked through for first characters; of what is farther away nothing is known.
const MAX_STEPS: usize = 256;

/// Looks through a program for what its matches begin with.
struct Walk<'a> {
    ops: &'a [Op],
    sets: &'a [CharSet],
    loops: &'a [Loop],
    fences: &'a [u32],
    places: [u8; 256],
    others: u8,
    /// At how many places it is known what may be there.
    known: usize,
    /// For each loop the place at which its last round began.
    rounds: Vec<usize>,
    steps: usize,
}

impl<'a> Walk<'a> {
    /// Looks at so many places.
    fn new(ops: &'a [Op], sets: &'a [CharSet], loops: &'a [Loop], fences: &'a [u32], places: usize) -> Walk<'a> {
        let rounds = vec![0; loops.len()];
        let mut walk = Walk { ops, sets, loops, fences, places: [0; 256], others: 0, known: places, rounds, steps: 0 };
        walk.from(0, 0);
        walk
    }

    /// From this place on anything may follow.
    fn give_up(&mut self, place: usize) {
        self.known = self.known.min(place);
    }

    /// Adds the characters that pass a test to those of a place.
    fn add(&mut self, place: usize, one: One) {
        let bit = 1u8 << place;
        match one {
            One::All | One::NotFolded(..) | One::Folded(Fold::Locale, _) => return self.give_up(place),
            One::Never => return,
            One::Char(c) if c < 256 => {
                self.places[c as usize] |= bit;
                return;
            }
            One::Char(_) => {}
            One::Any => self.add_low(bit, |c| c != '\n' as u32),
            One::NotChar(not) => self.add_low(bit, |c| c != not),
            One::Folded(fold, literal) => self.add_low(bit, |c| fold.lower(c) == literal),
            One::Set(set) => {
                let Some(low) = self.sets[set as usize].low() else { return self.give_up(place) };
                self.add_low(bit, |c| low[c as usize]);
            }
        }
        self.others |= bit;
    }

    fn add_low(&mut self, bit: u8, test: impl Fn(u32) -> bool) {
        for (c, places) in self.places.iter_mut().enumerate() {
            *places |= if test(c as u32) { bit } else { 0 };
        }
    }

    /// Another round of a loop, unless the last one was empty.
    fn again(&mut self, id: u32, place: usize) {
        let began = self.rounds[id as usize];
        if place > began {
            self.rounds[id as usize] = place;
            self.from(self.loops[id as usize].body as usize, place);
            self.rounds[id as usize] = began;
        }
    }

    /// A loop whose body follows the step `at`.
    fn enter(&mut self, id: u32, at: usize, after: u32, place: usize) {
        if self.loops[id as usize].min == 0 {
            self.from(after as usize, place);
        }
        let began = std::mem::replace(&mut self.rounds[id as usize], place);
        self.from(at + 1, place);
        self.rounds[id as usize] = began;
    }

    /// Adds what a match of the program from `at` on may have at `place` and the places behind it.
    fn from(&mut self, mut at: usize, mut place: usize) {
        while place < self.known {
            self.steps += 1;
            if self.steps > MAX_STEPS {
                return self.give_up(place);
            }
            match self.ops[at] {
                Op::Accept | Op::GroupRef(..) => return self.give_up(place),
                Op::Fail | Op::AssertNotEnd(_) | Op::AssertEnd(_) => return,
                Op::One(one) => {
                    self.add(place, one);
                    place += 1;
                    at += 1;
                }
                Op::At(_) | Op::Mark(_) | Op::Atomic(_) | Op::AtomicEnd(_) | Op::PossessiveLoop(_) => at += 1,
                Op::MaxUntil(id) | Op::MinUntil(id) | Op::PossessiveEnd { id, .. } => {
                    self.again(id, place);
                    at += 1;
                }
                Op::Jump(to) => at = to as usize,
                Op::UnlessGroup(_, other) | Op::Branch(other) => {
                    self.from(at + 1, place);
                    at = other as usize;
                }
                Op::Greedy { min, max } | Op::Lazy { min, max } | Op::Possessive { min, max } => {
                    let Op::One(one) = self.ops[at + 1] else { return self.give_up(place) };
                    for n in 0..max {
                        if n >= min {
                            self.from(at + 2, place);
                        }
                        if place >= self.known {
                            return;
                        }
                        self.add(place, one);
                        place += 1;
                    }
                    at += 2;
                }
                Op::Loop { id, until } => return self.enter(id, at, until + 1, place),
                Op::PossessiveNext { id, end } => return self.enter(id, at, end, place),
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
        let walk = |places| Walk::new(ops, sets, loops, fences, places);
        let few_enough = |walk: &Walk| walk.steps <= MAX_STEPS;
        let walk = [MAX_PLACES, FEWER_PLACES].into_iter().map(walk).find(few_enough).unwrap_or_else(|| walk(1));
        if walk.known == 0 {
            return Start::Anywhere;
        }
        // Where other places tell a match apart, a search that often stops is slower than a look at each character.
        let most = if walk.known > 1 { 1 } else { 3 };
        let mut few: Vec<u8> = (0..=255).filter(|c| walk.places[*c as usize] & 1 != 0).take(most + 1).collect();
        if few.len() > most {
            few.clear();
        }
        Start::First(First { places: Box::new(walk.places), others: walk.others, len: walk.known, few })
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
                Start::First(first) => C::find_first(rest, first)?,
            };
        (found <= last).then_some(found)
    }
}
