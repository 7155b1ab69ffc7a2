//! What a pattern's code is translated to: a flat program for the [engine](super::engine), checked once so that the engine need not.
//!
//! Registers hold what backtracking restores: where groups start and end ("marks"), the last group that ended, and two for each loop.

use super::charset::{CharSet, Fold, One};
use super::code::{At, MAXREPEAT, Opcode, info};
use super::search::Start;
use limpid_vm::object::R;
use limpid_vm::raise;
use limpid_vm::thread::Thread;

/// One step. Jumps are indices into [`Program::ops`].
#[derive(Clone, Copy)]
pub(super) enum Op {
    /// The whole pattern matched.
    Accept,
    /// It does not match.
    Fail,
    /// A character that passes.
    One(One),
    /// A place that fits.
    At(At),
    /// Sets a mark to where we are.
    Mark(u32),
    /// The text that a group matched.
    GroupRef(u32, Fold),
    /// Jumps if a group did not take part.
    UnlessGroup(u32, u32),
    /// On.
    Jump(u32),
    /// Tries what follows; if that fails, goes on there.
    Branch(u32),
    /// As many as possible of the `One` that follows, then the rest after it.
    Greedy { min: u32, max: u32 },
    /// As few as possible of the `One` that follows.
    Lazy { min: u32, max: u32 },
    /// As many as possible of the `One` that follows, for good.
    Possessive { min: u32, max: u32 },
    /// Enters a loop: its counter is reset, then `until` decides.
    Loop { id: u32, until: u32 },
    /// Again, if possible, else on.
    MaxUntil(u32),
    /// On, if possible, else again.
    MinUntil(u32),
    /// Enters a loop whose every round is for good. Its `PossessiveNext` follows.
    PossessiveLoop(u32),
    /// Once more, if possible, else on at `end`.
    PossessiveNext { id: u32, end: u32 },
    /// The end of a round.
    PossessiveEnd { id: u32, next: u32 },
    /// What follows until `AtomicEnd` is for good once it matched.
    Atomic(u32),
    /// The end of that.
    AtomicEnd(u32),
    /// What follows until `AssertEnd` matches that many characters before this place, which does not change.
    Assert { id: u32, back: u32 },
    /// The end of that.
    AssertEnd(u32),
    /// What follows until `AssertNotEnd` does not match that many characters before this place, which does not change.
    AssertNot { id: u32, back: u32 },
    /// It did match.
    AssertNotEnd(u32),
}

const _: () = assert!(size_of::<Op>() <= 16);

/// A loop.
pub(super) struct Loop {
    pub min: u32,
    pub max: u32,
    pub body: u32,
    /// The register of the number of rounds that ended; the one after it holds where the last round began.
    pub register: usize,
    /// The fence of one whose rounds are for good, else 0.
    pub fence: u32,
}

impl Loop {
    /// May there be a round more after that many?
    #[inline(always)]
    pub fn allows(&self, rounds: usize) -> bool {
        rounds < self.max as usize || self.max == MAXREPEAT
    }
}

/// A pattern as the engine runs it.
pub(super) struct Program {
    pub ops: Box<[Op]>,
    pub sets: Box<[CharSet]>,
    pub loops: Box<[Loop]>,
    /// For each fence (a part that is for good once it matched): if it is an assertion's, where its end is, else 0.
    pub fences: Box<[u32]>,
    pub registers: usize,
    pub groups: usize,
    /// How many characters a match has at least.
    pub min_width: usize,
    /// How to find where a match may begin.
    pub start: Start,
}

impl Program {
    /// The register of the last group that ended.
    pub fn last_group_register(&self) -> usize {
        2 * self.groups
    }

    /// Translates code; RuntimeError if it is none.
    pub fn new(t: &Thread, code: &[u32], groups: usize) -> R<Program> {
        let mut translator = Translator { t, code, groups, ops: vec![], sets: vec![], loops: vec![], fences: vec![] };
        let (mut min_width, mut prefix, mut at) = (0, &[][..], 0);
        if code.first() == Some(&(Opcode::Info as u32)) {
            let skip = translator.word(1)? as usize;
            let flags = translator.word(2)?;
            min_width = translator.word(3)? as usize;
            at = 1 + skip;
            if flags & info::PREFIX != 0 {
                let length = translator.word(5)? as usize;
                prefix = match code.get(7..7usize.saturating_add(length)) {
                    Some(prefix) if length > 0 => prefix,
                    _ => return translator.invalid(),
                };
            }
        }
        let end = code.len().wrapping_sub(1);
        if code.last() != Some(&(Opcode::Success as u32)) || at > end {
            return translator.invalid();
        }
        translator.sequence(at, end)?;
        translator.ops.push(Op::Accept);
        let Translator { ops, sets, loops, fences, .. } = translator;
        let start = Start::new(&ops, &sets, &loops, &fences, prefix);
        let registers = 2 * groups + 1 + 2 * loops.len();
        Ok(Program { ops: ops.into(), sets: sets.into(), loops: loops.into(), fences: fences.into(), registers, groups, min_width, start })
    }
}

struct Translator<'a> {
    t: &'a Thread,
    code: &'a [u32],
    groups: usize,
    ops: Vec<Op>,
    sets: Vec<CharSet>,
    loops: Vec<Loop>,
    fences: Vec<u32>,
}

impl Translator<'_> {
    fn invalid<T>(&self) -> R<T> {
        raise!(self.t, RuntimeError, "invalid SRE code")
    }

    fn word(&self, at: usize) -> R<u32> {
        match self.code.get(at) {
            Some(word) => Ok(*word),
            None => self.invalid(),
        }
    }

    fn opcode(&self, at: usize) -> R<Opcode> {
        match Opcode::from_word(self.word(at)?) {
            Some(op) => Ok(op),
            None => self.invalid(),
        }
    }

    /// Where a distance leads to, which must lie in `at..=end`.
    fn target(&self, at: usize, distance_from: usize, end: usize) -> R<usize> {
        let target = distance_from.saturating_add(self.word(at)? as usize);
        if target > at && target <= end { Ok(target) } else { self.invalid() }
    }

    fn here(&self) -> u32 {
        self.ops.len() as u32
    }

    fn new_fence(&mut self) -> u32 {
        self.fences.push(0);
        self.fences.len() as u32 - 1
    }

    /// A loop, whose body begins here.
    fn new_loop(&mut self, min: u32, max: u32) -> R<u32> {
        if min > max {
            return self.invalid();
        }
        let id = self.loops.len();
        self.loops.push(Loop { min, max, body: 0, register: 2 * self.groups + 1 + 2 * id, fence: 0 });
        Ok(id as u32)
    }

    /// The part between two places, which ends with an operator at `end` that the caller treats.
    fn sequence(&mut self, mut at: usize, end: usize) -> R<()> {
        let t = self.t;
        t.check_stack("")?;
        while at < end {
            at = self.operation(at, end)?;
        }
        if at == end { Ok(()) } else { self.invalid() }
    }

    /// A part that ends with `SUCCESS` just before `end`.
    fn closed(&mut self, at: usize, end: usize) -> R<()> {
        if end <= at || self.opcode(end - 1)? != Opcode::Success {
            return self.invalid();
        }
        self.sequence(at, end - 1)
    }

    /// A test of one character and where its code ends; None if the code there is something else.
    fn one(&mut self, at: usize, end: usize) -> R<Option<(One, usize)>> {
        use Opcode::*;
        let op = self.opcode(at)?;
        let fold = match op {
            LiteralIgnore | NotLiteralIgnore | InIgnore => Fold::Ascii,
            LiteralLocIgnore | NotLiteralLocIgnore | InLocIgnore => Fold::Locale,
            LiteralUniIgnore | NotLiteralUniIgnore | InUniIgnore => Fold::Unicode,
            _ => Fold::Not,
        };
        Ok(Some(match op {
            Any => (One::Any, at + 1),
            AnyAll => (One::All, at + 1),
            Failure => (One::Never, at + 1),
            Literal => (One::Char(self.word(at + 1)?), at + 2),
            NotLiteral => (One::NotChar(self.word(at + 1)?), at + 2),
            LiteralIgnore | LiteralLocIgnore | LiteralUniIgnore => (One::Folded(fold, self.word(at + 1)?), at + 2),
            NotLiteralIgnore | NotLiteralLocIgnore | NotLiteralUniIgnore => (One::NotFolded(fold, self.word(at + 1)?), at + 2),
            In | InIgnore | InLocIgnore | InUniIgnore => {
                let after = self.target(at + 1, at + 1, end)?;
                match CharSet::parse(&self.code[at + 2..after], fold) {
                    Some((set, words)) if at + 2 + words == after => self.sets.push(set),
                    _ => return self.invalid(),
                }
                (One::Set(self.sets.len() as u32 - 1), after)
            }
            _ => return Ok(None),
        }))
    }

    fn mark(&self, group: u32) -> R<u32> {
        if (group as usize) < self.groups { Ok(group) } else { self.invalid() }
    }

    /// One operation; where it ends.
    fn operation(&mut self, at: usize, end: usize) -> R<usize> {
        if let Some((one, after)) = self.one(at, end)? {
            self.ops.push(if matches!(one, One::Never) { Op::Fail } else { Op::One(one) });
            return Ok(after);
        }
        match self.opcode(at)? {
            Opcode::At => {
                let Some(place) = At::from_word(self.word(at + 1)?) else { return self.invalid() };
                self.ops.push(Op::At(place));
                Ok(at + 2)
            }
            Opcode::Mark => {
                let mark = self.word(at + 1)?;
                self.mark(mark / 2)?;
                self.ops.push(Op::Mark(mark));
                Ok(at + 2)
            }
            op @ (Opcode::GroupRef | Opcode::GroupRefIgnore | Opcode::GroupRefLocIgnore | Opcode::GroupRefUniIgnore) => {
                let fold = match op {
                    Opcode::GroupRef => Fold::Not,
                    Opcode::GroupRefIgnore => Fold::Ascii,
                    Opcode::GroupRefLocIgnore => Fold::Locale,
                    _ => Fold::Unicode,
                };
                let group = self.mark(self.word(at + 1)?)?;
                self.ops.push(Op::GroupRef(group, fold));
                Ok(at + 2)
            }
            Opcode::GroupRefExists => self.conditional(at, end),
            Opcode::Branch => self.branches(at, end),
            Opcode::RepeatOne | Opcode::MinRepeatOne | Opcode::PossessiveRepeatOne => self.repeat_one(at, end),
            Opcode::Repeat => self.repeat(at, end),
            Opcode::PossessiveRepeat => self.possessive_repeat(at, end),
            Opcode::AtomicGroup => {
                let after = self.target(at + 1, at + 1, end)?;
                let id = self.new_fence();
                self.ops.push(Op::Atomic(id));
                self.closed(at + 2, after)?;
                self.ops.push(Op::AtomicEnd(id));
                Ok(after)
            }
            op @ (Opcode::Assert | Opcode::AssertNot) => {
                let after = self.target(at + 1, at + 1, end)?;
                let back = self.word(at + 2)?;
                let id = self.new_fence();
                let negative = op == Opcode::AssertNot;
                self.ops.push(if negative { Op::AssertNot { id, back } } else { Op::Assert { id, back } });
                self.closed(at + 3, after)?;
                self.ops.push(if negative { Op::AssertNotEnd(id) } else { Op::AssertEnd(id) });
                self.fences[id as usize] = self.here();
                Ok(after)
            }
            _ => self.invalid(),
        }
    }

    fn conditional(&mut self, at: usize, end: usize) -> R<usize> {
        let group = self.mark(self.word(at + 1)?)?;
        let no = self.target(at + 2, at + 1, end)?;
        let test = self.ops.len();
        self.ops.push(Op::UnlessGroup(group, 0));
        // The first part ends with a jump over the second, if there is a second: the part is translated operation by operation, because
        // what looks like a jump before `no` may be the operand of its last operation.
        let mut here = at + 3;
        while here < no && !(here + 2 == no && self.opcode(here)? == Opcode::Jump) {
            here = self.operation(here, no)?;
        }
        let mut after = no;
        if here < no {
            after = self.target(no - 1, no - 1, end)?;
            let jump = self.ops.len();
            self.ops.push(Op::Jump(0));
            self.ops[test] = Op::UnlessGroup(group, self.here());
            self.sequence(no, after)?;
            self.ops[jump] = Op::Jump(self.here());
        } else if here == no {
            self.ops[test] = Op::UnlessGroup(group, self.here());
        } else {
            return self.invalid();
        }
        Ok(after)
    }

    fn branches(&mut self, at: usize, end: usize) -> R<usize> {
        let (mut skip, mut jumps, mut after) = (at + 1, vec![], None);
        while self.word(skip)? != 0 {
            let next = self.target(skip, skip, end)?;
            // Each ends with a jump behind all of them.
            if next < skip + 3 || self.opcode(next - 2)? != Opcode::Jump {
                return self.invalid();
            }
            let jump_to = self.target(next - 1, next - 1, end)?;
            if *after.get_or_insert(jump_to) != jump_to {
                return self.invalid();
            }
            let branch = self.ops.len();
            let is_last = self.word(next)? == 0;
            if !is_last {
                self.ops.push(Op::Branch(0));
            }
            self.sequence(skip + 1, next - 2)?;
            if !is_last {
                jumps.push(self.ops.len());
                self.ops.push(Op::Jump(0));
                self.ops[branch] = Op::Branch(self.here());
            }
            skip = next;
        }
        if after != Some(skip + 1) {
            return self.invalid();
        }
        for jump in jumps {
            self.ops[jump] = Op::Jump(self.here());
        }
        Ok(skip + 1)
    }

    fn repeat_one(&mut self, at: usize, end: usize) -> R<usize> {
        let after = self.target(at + 1, at + 1, end)?;
        let (min, max) = (self.word(at + 2)?, self.word(at + 3)?);
        let Some((one, item_end)) = self.one(at + 4, after)? else { return self.invalid() };
        if min > max || item_end + 1 != after || self.opcode(item_end)? != Opcode::Success {
            return self.invalid();
        }
        self.ops.push(match self.opcode(at)? {
            Opcode::RepeatOne => Op::Greedy { min, max },
            Opcode::MinRepeatOne => Op::Lazy { min, max },
            _ => Op::Possessive { min, max },
        });
        self.ops.push(Op::One(one));
        Ok(after)
    }

    fn repeat(&mut self, at: usize, end: usize) -> R<usize> {
        let until = self.target(at + 1, at + 1, end)?;
        let id = self.new_loop(self.word(at + 2)?, self.word(at + 3)?)?;
        let start = self.ops.len();
        self.ops.push(Op::Loop { id, until: 0 });
        self.loops[id as usize].body = self.here();
        self.sequence(at + 4, until)?;
        self.ops[start] = Op::Loop { id, until: self.here() };
        self.ops.push(match self.opcode(until)? {
            Opcode::MaxUntil => Op::MaxUntil(id),
            Opcode::MinUntil => Op::MinUntil(id),
            _ => return self.invalid(),
        });
        Ok(until + 1)
    }

    fn possessive_repeat(&mut self, at: usize, end: usize) -> R<usize> {
        let success = self.target(at + 1, at + 1, end)?;
        let id = self.new_loop(self.word(at + 2)?, self.word(at + 3)?)?;
        self.loops[id as usize].fence = self.new_fence();
        self.ops.push(Op::PossessiveLoop(id));
        let next = self.here();
        self.ops.push(Op::PossessiveNext { id, end: 0 });
        self.loops[id as usize].body = self.here();
        self.closed(at + 4, success + 1)?;
        self.ops.push(Op::PossessiveEnd { id, next });
        self.ops[next as usize] = Op::PossessiveNext { id, end: self.here() };
        Ok(success + 1)
    }
}
