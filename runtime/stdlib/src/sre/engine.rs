//! The engine: runs a [`Program`] over text of one, two or four bytes a character, with backtracking.
//!
//! It keeps two stacks, so that nothing nests natively. *Choices* are the places to go on from when a match fails; the *trail* has what
//! registers held before they were changed, and each choice knows how much of the trail is older than itself. To fail is to put the newest
//! choice's registers back and to go on from there; to commit (atomic groups, assertions, possessive loops) is to drop the choices newer
//! than a fence, while the trail stays. Memory for the stacks may run out (MemoryError), and signals are seen to between steps.

use super::charset::{One, is_ascii_word, is_locale_word, is_unicode_word};
use super::code::{At, MAXREPEAT};
use super::program::{Loop, Op, Program};
use super::search::Unit;
use limpid_vm::object::R;
use limpid_vm::thread::Thread;
use smallvec::SmallVec;

/// What a register holds that holds nothing. As a count of rounds it is one less than none.
const UNSET: usize = usize::MAX;

/// How to search.
#[derive(Clone, Copy)]
pub(super) struct Attempt {
    /// Where to begin.
    pub start: usize,
    /// Where to end.
    pub end: usize,
    /// The match begins at `start`.
    pub anchored: bool,
    /// It ends at `end`.
    pub whole: bool,
    /// It is not empty at `start`.
    pub must_advance: bool,
}

/// A place to go on from.
struct Choice {
    /// The step that made it, which knows how to go on.
    op: u32,
    /// How many entries of the trail are older.
    trail: usize,
    at: usize,
    /// Of the repetition of one character: where it cannot go beyond, back or forth.
    limit: usize,
}

/// A part that is for good once it matched.
#[derive(Clone, Copy, Default)]
struct Fence {
    /// How many choices there were before it.
    choices: usize,
    /// Where it began.
    at: usize,
}

/// What the engine works with; it may be used for search after search with one program. After a match it tells where that was.
#[derive(Default)]
pub(super) struct State {
    registers: SmallVec<[usize; 24]>,
    fences: SmallVec<[Fence; 4]>,
    choices: Vec<Choice>,
    trail: Vec<(usize, usize)>,
    steps: u32,
    /// Where the match begins.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
}

fn push<T>(t: &Thread, stack: &mut Vec<T>, item: T) -> R<()> {
    if stack.len() == stack.capacity() && stack.try_reserve(1).is_err() {
        return Err(limpid_vm::exc::raise_memory_error(t));
    }
    stack.push(item);
    Ok(())
}

impl State {
    /// Where a group (from 0) starts and ends, if it took part.
    pub fn group(&self, group: usize) -> Option<(usize, usize)> {
        let (start, end) = (self.registers[2 * group], self.registers[2 * group + 1]);
        (start != UNSET && end != UNSET && start <= end).then_some((start, end))
    }

    /// The number, from 1, of the group that ended last.
    pub fn last_group(&self, p: &Program) -> Option<usize> {
        let last = self.registers[p.last_group_register()];
        (last != UNSET).then_some(last)
    }

    fn reset(&mut self, p: &Program) {
        // Nearly always they have the sizes of the last attempt's.
        if self.registers.len() != p.registers || self.fences.len() != p.fences.len() {
            self.registers.resize(p.registers, UNSET);
            self.fences.resize(p.fences.len(), Fence::default());
        }
        self.registers.fill(UNSET);
        self.choices.clear();
        self.trail.clear();
    }

    #[inline(always)]
    fn set(&mut self, t: &Thread, register: usize, to: usize) -> R<()> {
        // Without a choice there is nothing to go back to.
        if !self.choices.is_empty() {
            push(t, &mut self.trail, (register, self.registers[register]))?;
        }
        self.registers[register] = to;
        Ok(())
    }

    #[inline(always)]
    fn choose(&mut self, t: &Thread, op: usize, at: usize, limit: usize) -> R<()> {
        let trail = self.trail.len();
        push(t, &mut self.choices, Choice { op: op as u32, trail, at, limit })
    }

    /// Counts a step; now and then it does what other threads and signals ask for.
    #[inline(always)]
    fn step(&mut self, t: &Thread) -> R<()> {
        self.steps = self.steps.wrapping_add(1);
        if self.steps & 0xFFF == 0 { t.poll() } else { Ok(()) }
    }

    /// Searches `text`. True: `self` tells what was found.
    pub fn search<C: Unit>(&mut self, t: &Thread, p: &Program, text: &[C], attempt: Attempt) -> R<bool> {
        let Some(text) = text.get(..attempt.end) else { return Ok(false) };
        let Some(last) = attempt.end.checked_sub(p.min_width) else { return Ok(false) };
        let refused = if attempt.must_advance { attempt.start } else { UNSET };
        if attempt.anchored {
            return if attempt.start <= last { self.run(t, p, text, attempt.start, attempt.whole, refused) } else { Ok(false) };
        }
        let mut from = attempt.start;
        while let Some(start) = p.start.next(text, from, last) {
            if self.run(t, p, text, start, attempt.whole, refused)? {
                return Ok(true);
            }
            self.step(t)?;
            from = start + 1;
        }
        Ok(false)
    }

    /// Runs the program from one place; a match must end at the end of the text if it is to be `whole`, and may not end at `refused`.
    fn run<C: Unit>(&mut self, t: &Thread, p: &Program, text: &[C], start: usize, whole: bool, refused: usize) -> R<bool> {
        self.reset(p);
        let (mut op, mut at) = (0usize, start);
        loop {
            let went_on = match p.ops[op] {
                Op::Accept => {
                    if (!whole || at == text.len()) && at != refused {
                        (self.start, self.end) = (start, at);
                        return Ok(true);
                    }
                    false
                }
                Op::Fail => false,
                Op::One(one) => {
                    let passes = at < text.len() && one.accepts(text[at].code(), &p.sets);
                    at += 1;
                    op += 1;
                    passes
                }
                Op::At(place) => {
                    op += 1;
                    is_at(place, text, at)
                }
                Op::Mark(mark) => {
                    self.set(t, mark as usize, at)?;
                    if mark % 2 == 1 {
                        self.set(t, p.last_group_register(), mark as usize / 2 + 1)?;
                    }
                    op += 1;
                    true
                }
                Op::GroupRef(group, fold) => {
                    op += 1;
                    match self.group(group as usize) {
                        Some((start, end)) if end - start <= text.len() - at => {
                            let there = &text[at..at + (end - start)];
                            at += end - start;
                            text[start..end].iter().zip(there).all(|(a, b)| {
                                let (a, b) = (a.code(), b.code());
                                a == b || fold.lower(a) == fold.lower(b)
                            })
                        }
                        _ => false,
                    }
                }
                Op::UnlessGroup(group, other) => {
                    op = if self.group(group as usize).is_some() { op + 1 } else { other as usize };
                    true
                }
                Op::Jump(to) => {
                    op = to as usize;
                    true
                }
                Op::Branch(other) => {
                    // A branch that fails with its first character needs no choice.
                    let hopeless = match p.ops[op + 1] {
                        Op::One(one) => at >= text.len() || !one.accepts(text[at].code(), &p.sets),
                        _ => false,
                    };
                    if hopeless {
                        op = other as usize;
                    } else {
                        self.choose(t, op, at, 0)?;
                        op += 1;
                    }
                    true
                }
                Op::Greedy { min, max } => {
                    let least = at.saturating_add(min as usize);
                    let most = at + count(p, op, &text[at..], max);
                    match greedy_end(p, op, text, least, most) {
                        Some(end) => {
                            if end > least {
                                self.choose(t, op, end, least)?;
                            }
                            at = end;
                            op += 2;
                            true
                        }
                        None => false,
                    }
                }
                Op::Lazy { min, max } => {
                    let limit = at.saturating_add(bound(max));
                    let least = at + count(p, op, &text[at..], min);
                    match lazy_end(p, op, text, least, limit) {
                        Some(end) if least - at == min as usize => {
                            self.choose(t, op, end, limit)?;
                            at = end;
                            op += 2;
                            true
                        }
                        _ => false,
                    }
                }
                Op::Possessive { min, max } => {
                    let n = count(p, op, &text[at..], max);
                    at += n;
                    op += 2;
                    n >= min as usize
                }
                Op::Loop { id, until } => {
                    let register = p.loops[id as usize].register;
                    self.set(t, register, UNSET)?;
                    self.set(t, register + 1, UNSET)?;
                    op = until as usize;
                    true
                }
                Op::MaxUntil(id) => {
                    self.step(t)?;
                    let l = &p.loops[id as usize];
                    let rounds = self.registers[l.register].wrapping_add(1);
                    if rounds < l.min as usize {
                        self.set(t, l.register, rounds)?;
                        op = l.body as usize;
                    } else if l.allows(rounds) && at != self.registers[l.register + 1] {
                        self.choose(t, op, at, 0)?;
                        self.begin_round(t, l, rounds, at)?;
                        op = l.body as usize;
                    } else {
                        op += 1;
                    }
                    true
                }
                Op::MinUntil(id) => {
                    self.step(t)?;
                    let l = &p.loops[id as usize];
                    let rounds = self.registers[l.register].wrapping_add(1);
                    if rounds < l.min as usize {
                        self.set(t, l.register, rounds)?;
                        op = l.body as usize;
                    } else {
                        self.choose(t, op, at, 0)?;
                        op += 1;
                    }
                    true
                }
                Op::PossessiveLoop(id) => {
                    let register = p.loops[id as usize].register;
                    self.set(t, register, 0)?;
                    self.set(t, register + 1, UNSET)?;
                    op += 1;
                    true
                }
                Op::PossessiveNext { id, end } => {
                    self.step(t)?;
                    let l = &p.loops[id as usize];
                    let rounds = self.registers[l.register];
                    self.fences[l.fence as usize] = Fence { choices: self.choices.len(), at };
                    if rounds < l.min as usize {
                        op += 1;
                    } else if l.allows(rounds) && at != self.registers[l.register + 1] {
                        self.choose(t, op, at, 0)?;
                        self.set(t, l.register + 1, at)?;
                        op += 1;
                    } else {
                        op = end as usize;
                    }
                    true
                }
                Op::PossessiveEnd { id, next } => {
                    let l = &p.loops[id as usize];
                    self.choices.truncate(self.fences[l.fence as usize].choices);
                    self.set(t, l.register, self.registers[l.register] + 1)?;
                    op = next as usize;
                    true
                }
                Op::Atomic(id) => {
                    self.fences[id as usize] = Fence { choices: self.choices.len(), at };
                    op += 1;
                    true
                }
                Op::AtomicEnd(id) => {
                    self.choices.truncate(self.fences[id as usize].choices);
                    op += 1;
                    true
                }
                Op::Assert { id, back } => {
                    self.fences[id as usize] = Fence { choices: self.choices.len(), at };
                    op += 1;
                    let there = at.checked_sub(back as usize);
                    at = there.unwrap_or(at);
                    there.is_some()
                }
                Op::AssertEnd(id) => {
                    let fence = self.fences[id as usize];
                    self.choices.truncate(fence.choices);
                    at = fence.at;
                    op += 1;
                    true
                }
                Op::AssertNot { id, back } => {
                    if let Some(there) = at.checked_sub(back as usize) {
                        self.fences[id as usize] = Fence { choices: self.choices.len(), at };
                        self.choose(t, op, at, 0)?;
                        at = there;
                        op += 1;
                    } else {
                        op = p.fences[id as usize] as usize;
                    }
                    true
                }
                Op::AssertNotEnd(id) => {
                    // Its own choice goes too. What its registers held comes back with an older one.
                    self.choices.truncate(self.fences[id as usize].choices);
                    false
                }
            };
            if !went_on {
                match self.back(t, p, text)? {
                    Some(place) => (op, at) = place,
                    None => return Ok(false),
                }
            }
        }
    }

    fn begin_round(&mut self, t: &Thread, l: &Loop, rounds: usize, at: usize) -> R<()> {
        self.set(t, l.register, rounds)?;
        self.set(t, l.register + 1, at)
    }

    /// Goes back to the newest choice: the step and the place to go on from. None: there is no choice.
    fn back<C: Unit>(&mut self, t: &Thread, p: &Program, text: &[C]) -> R<Option<(usize, usize)>> {
        loop {
            self.step(t)?;
            let Some(choice) = self.choices.last_mut() else { return Ok(None) };
            while self.trail.len() > choice.trail
                && let Some((register, held)) = self.trail.pop()
            {
                self.registers[register] = held;
            }
            let (op, at) = (choice.op as usize, choice.at);
            match p.ops[op] {
                Op::Greedy { .. } => match greedy_end(p, op, text, choice.limit, at - 1) {
                    Some(end) => {
                        choice.at = end;
                        if end == choice.limit {
                            self.choices.pop();
                        }
                        return Ok(Some((op + 2, end)));
                    }
                    None => {
                        self.choices.pop();
                    }
                },
                Op::Lazy { .. } => {
                    let one_more = at < choice.limit && count(p, op, &text[at..], 1) == 1;
                    match if one_more { lazy_end(p, op, text, at + 1, choice.limit) } else { None } {
                        Some(end) => {
                            choice.at = end;
                            return Ok(Some((op + 2, end)));
                        }
                        None => {
                            self.choices.pop();
                        }
                    }
                }
                Op::MinUntil(id) => {
                    self.choices.pop();
                    let l = &p.loops[id as usize];
                    let rounds = self.registers[l.register].wrapping_add(1);
                    if l.allows(rounds) && at != self.registers[l.register + 1] {
                        self.begin_round(t, l, rounds, at)?;
                        return Ok(Some((l.body as usize, at)));
                    }
                }
                made_by => {
                    self.choices.pop();
                    let next = match made_by {
                        Op::Branch(other) => other,
                        Op::PossessiveNext { end, .. } => end,
                        Op::AssertNot { id, .. } => p.fences[id as usize],
                        _ => op as u32 + 1,
                    };
                    return Ok(Some((next as usize, at)));
                }
            }
        }
    }
}

/// A repetition's maximum as a number.
#[inline(always)]
fn bound(max: u32) -> usize {
    if max == MAXREPEAT { usize::MAX } else { max as usize }
}

/// How many characters, up to `max`, the text begins with that pass the test after a step.
#[inline]
fn count<C: Unit>(p: &Program, op: usize, text: &[C], max: u32) -> usize {
    let Op::One(one) = p.ops[op + 1] else { return 0 };
    let text = &text[..text.len().min(bound(max))];
    let first_not = match one {
        One::All => None,
        One::Never => Some(0),
        One::Any => C::find(text, '\n' as u32),
        One::NotChar(c) => C::find(text, c),
        One::Char(code) => text.iter().position(|c| c.code() != code),
        One::Set(set) => {
            let set = &p.sets[set as usize];
            text.iter().position(|c| !set.contains(c.code()))
        }
        _ => text.iter().position(|c| !one.accepts(c.code(), &p.sets)),
    };
    first_not.unwrap_or(text.len())
}

/// The literal that must follow the repetition at a step.
#[inline]
fn literal_after(p: &Program, op: usize) -> Option<u32> {
    match p.ops[op + 2] {
        Op::One(One::Char(c)) => Some(c),
        _ => None,
    }
}

/// The last place from `least` to `most` where what follows a greedy repetition may begin.
#[inline]
fn greedy_end<C: Unit>(p: &Program, op: usize, text: &[C], least: usize, most: usize) -> Option<usize> {
    if least > most {
        return None;
    }
    match literal_after(p, op) {
        Some(c) => Some(least + C::find_last(&text[least..text.len().min(most + 1)], c)?),
        None => Some(most),
    }
}

/// The first place from `least` on, with all before it passing the test, where what follows a lazy repetition may begin.
#[inline]
fn lazy_end<C: Unit>(p: &Program, op: usize, text: &[C], least: usize, limit: usize) -> Option<usize> {
    let Some(c) = literal_after(p, op) else { return Some(least) };
    let Op::One(one) = p.ops[op + 1] else { return None };
    for (i, here) in text[least..].iter().enumerate() {
        let here = here.code();
        if here == c {
            return Some(least + i);
        }
        if least + i >= limit || !one.accepts(here, &p.sets) {
            return None;
        }
    }
    None
}

fn is_at<C: Unit>(place: At, text: &[C], at: usize) -> bool {
    let newline = |i: usize| text[i].code() == '\n' as u32;
    let is_boundary = |is_word: fn(u32) -> bool| {
        let before = at > 0 && is_word(text[at - 1].code());
        let after = at < text.len() && is_word(text[at].code());
        before != after
    };
    match place {
        At::Beginning | At::BeginningString => at == 0,
        At::BeginningLine => at == 0 || newline(at - 1),
        At::End => at == text.len() || at + 1 == text.len() && newline(at),
        At::EndLine => at == text.len() || newline(at),
        At::EndString => at == text.len(),
        At::Boundary => is_boundary(is_ascii_word),
        At::NonBoundary => !is_boundary(is_ascii_word),
        At::LocBoundary => is_boundary(is_locale_word),
        At::LocNonBoundary => !is_boundary(is_locale_word),
        At::UniBoundary => is_boundary(is_unicode_word),
        At::UniNonBoundary => !is_boundary(is_unicode_word),
    }
}
