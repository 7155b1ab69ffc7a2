//! Is a loop's machine code worth entering?
//!
//! Both ways of running a loop are measured, in clock cycles a round: in the interpreter before the loop is recorded and whenever its code
//! *rests* ([`Loop`]), and while it has code ([`Watch`]). Code that takes longer than the interpreter several times in a row rests, each
//! time for longer; meanwhile no traces grow from its exits. So does code that is left so soon that entering and leaving it takes longer than
//! its instructions save. Code that does not is measured now and then only. Whatever the reason, a program is not slower than without code
//! for long. Frames that native code calls have judges of their own ([`calls`]), and so have functions that Python code calls ([`functions`]).
//!
//! What lies between two rounds need not belong to the loop: a function that has it may be called now and then. So rounds of the interpreter
//! are measured in several batches of which not the longest counts, and of the time between leaving the code and entering it again no more
//! counts than two rounds take. What the thread has spent waiting, or while others had its processor, does not count.

pub mod calls;
pub mod functions;
mod pauses;
#[cfg(test)]
mod tests;

use crate::budget::nanoseconds;
use limpid_vm::interp::backoff;
use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::Relaxed;

/// Rounds of a batch that is measured in the interpreter.
const BATCH: u16 = 32;
/// How many batches are measured.
const BATCHES: usize = 4;
/// Which of them counts, in order of their length.
const TYPICAL: usize = 1;
/// Code is judged after so many rounds ...
const WINDOW_ROUNDS: u64 = 64;
/// ... that have taken so many cycles.
const WINDOW_CYCLES: u64 = 3_000_000;
/// So many bad windows in a row are enough.
const PATIENCE: u8 = 3;
/// After so many good ones in a row ...
const PROVEN: u8 = 4;
/// ... as many entries go by unmeasured as so many windows have: looking at the clock takes its time where rounds are few and short.
const UNMEASURED_WINDOWS: u32 = 15;
/// The interpreter is measured again, where it was not even twice as slow, after `PROVEN` good windows and then after so many times as many
/// each time: the first rounds of a loop may have been slower than others, for what they need was not there yet.
const CHECKED_SELDOMER: u32 = 16;
/// For how many cycles code rests the first time; each time it is twice as long, up to two to the power of `LONGEST_REST` times.
const REST: u64 = 20_000_000;
const LONGEST_REST: u32 = 12;
/// It rests at least so many times as long as its code took while it was found to be slow: a window is as long as an entry, if that is long.
const REST_AT_LEAST: u64 = 8;
/// How many rounds go by until a loop whose code rests is looked at again.
const ROUNDS_OF_REST: u16 = 512;
/// A loop may be tried in vain so often before it is passed over.
pub const LUCKLESS: u8 = 5;
/// The most that an unlucky loop is passed over is two to this power.
const MOST_DOUBLINGS: u8 = 20;
/// Machine code of an instruction saves about so many cycles. A loop whose entries cost more than its rounds save rests ...
const SAVED: u64 = 4;
/// ... if it is left soon: so many times the cost of its entries is more than its code takes, with what goes on from its exits.
const SOON_LEFT: u64 = 16;
/// No entry counts for more cycles than this: the thread may have waited.
const DEAREST: u64 = 4096;
/// A batch in which the thread waits for more cycles than this is not measured.
const UNDISTURBED: u64 = 150_000;

/// A moment in a thread.
#[derive(Clone, Copy, Default, Debug)]
pub struct Moment {
    /// What the processor's clock shows.
    pub cycles: u64,
    /// For how many of them the thread has not run.
    pub idle: u64,
}

impl Moment {
    /// Now.
    pub fn now() -> Moment {
        Moment { cycles: cycles(), idle: idle() }
    }
}

/// What the processor's clock shows; nanoseconds where it has none that programs read.
pub fn cycles() -> u64 {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: reads the processor's clock.
    return unsafe { std::arch::x86_64::_rdtsc() };
    #[cfg(not(target_arch = "x86_64"))]
    nanoseconds(libc::CLOCK_MONOTONIC)
}

/// For how many cycles this thread has not run. The first time it is a guess.
pub fn idle() -> u64 {
    /// What both clocks showed.
    static FIRST: OnceLock<(u64, u64)> = OnceLock::new();
    let (now, at) = (nanoseconds(libc::CLOCK_MONOTONIC), cycles());
    let (first, first_at) = *FIRST.get_or_init(|| (now, at));
    let rate = match now.saturating_sub(first) {
        0 => 1.0,
        passed => at.saturating_sub(first_at) as f64 / passed as f64,
    };
    (now.saturating_sub(nanoseconds(libc::CLOCK_THREAD_CPUTIME_ID)) as f64 * rate) as u64
}

/// Are loops and frames measured? Those who count less than a batch want code at once.
pub fn are_judged() -> bool {
    backoff::parts(backoff::JUMP_BACKWARD.load(Relaxed)).0 >= BATCH
}

/// What to do with a loop whose code has run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Enter it again.
    GoOn,
    /// Let it rest: it was slow for so many cycles.
    Rest(u64),
    /// Measure some rounds in the interpreter, then enter it again.
    Compare,
}

/// What to do with a loop whose counter has triggered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// The counter has been started again: leave it at that.
    Later,
    /// Count so many rounds.
    Count(u16),
    /// Record a round.
    Record,
    /// Enter the executor with this number.
    Enter(usize),
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
enum Phase {
    /// Its rounds were counted, but not measured.
    #[default]
    Fresh,
    /// Rounds in the interpreter are measured.
    Measuring,
    /// It is to be recorded.
    Hot,
    /// Its code is entered.
    Entered,
    /// Its code is not entered until the clock shows this, be it that the interpreter was measured again.
    Resting(u64),
}

/// A loop that is or was hot.
#[derive(Default, Debug)]
pub struct Loop {
    /// The number of its executor.
    pub executor: Option<usize>,
    phase: Phase,
    /// The jump whose rounds are measured, of those that lead to the header.
    jump: usize,
    since: Moment,
    batches: Vec<u64>,
    /// Cycles of a batch in the interpreter, 0 if that is not known.
    pub interpreted: u64,
    rests: u32,
    /// Its code is not to expect that the thread is alone, and that objects are different ones: that was so too often.
    pub is_plain: bool,
    /// How often it was recorded or compiled in vain, and how often it is passed over before it is tried again.
    times: u8,
    passes: u32,
    /// How often something has died that its code referred to.
    deaths: u8,
}

impl Loop {
    /// The counter of a jump to the header has triggered.
    pub fn triggered(&mut self, jump: usize, now: Moment) -> Next {
        let phase = self.phase;
        match phase {
            Phase::Fresh if !are_judged() => {
                self.phase = Phase::Hot;
                self.triggered(jump, now)
            }
            Phase::Fresh => {
                self.phase = Phase::Measuring;
                self.measure(jump, now)
            }
            Phase::Measuring if jump != self.jump => Next::Later,
            Phase::Measuring if !self.measured(now) => Next::Count(BATCH),
            Phase::Measuring => {
                self.phase = Phase::Hot;
                Next::Record
            }
            Phase::Hot if self.passes > 0 => {
                self.passes -= 1;
                Next::Later
            }
            Phase::Hot => Next::Record,
            Phase::Entered => self.executor.map_or(Next::Record, Next::Enter),
            Phase::Resting(_) if jump != self.jump => Next::Later,
            Phase::Resting(_) if self.batches.len() < BATCHES && !self.measured(now) => Next::Count(BATCH),
            Phase::Resting(until) if now.cycles < until => Next::Count(ROUNDS_OF_REST),
            Phase::Resting(_) => {
                self.phase = Phase::Entered;
                self.triggered(jump, now)
            }
        }
    }

    fn measure(&mut self, jump: usize, now: Moment) -> Next {
        self.jump = jump;
        self.batches.clear();
        self.since = now;
        Next::Count(BATCH)
    }

    /// A batch of rounds is over; was it the last one?
    fn measured(&mut self, now: Moment) -> bool {
        let since = std::mem::replace(&mut self.since, now);
        if now.idle.saturating_sub(since.idle) < UNDISTURBED {
            self.batches.push(now.cycles.saturating_sub(since.cycles));
        }
        if self.batches.len() < BATCHES {
            return false;
        }
        self.batches.sort_unstable();
        self.interpreted = self.batches[TYPICAL].max(1);
        true
    }

    /// It has an executor.
    pub fn compiled(&mut self, number: usize) {
        self.executor = Some(number);
        self.phase = Phase::Entered;
    }

    /// Its code is not to be entered for a while, for it was slow for so many cycles. How many rounds the counter of the jump is to count.
    pub fn rest(&mut self, jump: usize, now: Moment, slow: u64) -> u16 {
        self.phase = Phase::Resting(now.cycles + (REST << self.rests).max(slow * REST_AT_LEAST));
        self.rests = (self.rests + 1).min(LONGEST_REST);
        self.measure(jump, now);
        BATCH
    }

    /// Its code is not to be entered until the interpreter was measured; as [`rest`](Loop::rest).
    pub fn measure_again(&mut self, jump: usize, now: Moment) -> u16 {
        self.phase = Phase::Resting(now.cycles);
        self.measure(jump, now);
        BATCH
    }

    /// It has no executor any more. If its code was resting, it goes on doing so.
    pub fn lost(&mut self) {
        if self.executor.take().is_some() && !matches!(self.phase, Phase::Resting(_)) {
            self.phase = Phase::Hot;
        }
    }

    /// Something that its code refers to has died, and the code with it. When that happens again and again, it is not made anew at once.
    pub fn died(&mut self) {
        self.lost();
        self.deaths = (self.deaths + 1).min(MOST_DOUBLINGS);
        self.passes = if self.deaths <= LUCKLESS { 0 } else { 1 << (self.deaths - LUCKLESS) };
    }

    /// Was it recorded in vain more than once, and has no executor yet?
    pub fn is_luckless(&self) -> bool {
        self.executor.is_none() && self.times > 1
    }

    /// It was recorded or compiled in vain: it is passed over for exponentially longer. How often that has happened.
    pub fn bad_luck(&mut self) -> u8 {
        self.times = (self.times + 1).min(MOST_DOUBLINGS);
        self.passes = if self.times <= LUCKLESS { 0 } else { 1 << (self.times - LUCKLESS) };
        self.times
    }
}

/// Measures a loop that has code.
#[derive(Debug)]
pub struct Watch {
    /// Rounds until now. Machine code counts at the loop's header, unless rounds are too short for that.
    pub rounds: Cell<u64>,
    /// About how many cycles a round takes that is not counted, 0 if rounds are.
    estimate: u64,
    /// What the interpreter takes for a batch, 0 if that is not known.
    interpreted: Cell<u64>,
    /// Instructions of a round.
    pub steps: usize,
    left_at: Cell<u64>,
    /// The window: its cycles, and how many rounds there were before it.
    cycles: Cell<u64>,
    /// Those in machine code, and those that entering and leaving it took.
    inside: Cell<u64>,
    overhead: Cell<u64>,
    /// Instructions that the code has done.
    instructions: Cell<u64>,
    rounds_before: Cell<u64>,
    /// For how many cycles the thread had not run before the window.
    idle_before: Cell<Option<u64>>,
    /// Bad and good windows in a row, longer ones counting for several, and what the bad ones took.
    bad: Cell<u8>,
    good: Cell<u8>,
    slow: Cell<u64>,
    /// How many windows were good, and after how many the interpreter is measured again.
    windows: Cell<u32>,
    next_check: Cell<u32>,
    /// How often it was entered in the window, and how many entries go by until the next one begins.
    entries: Cell<u32>,
    unmeasured: Cell<u32>,
    is_running: Cell<bool>,
    /// How many rounds there were when it was entered.
    rounds_at_entry: Cell<u64>,
}

impl Watch {
    /// For a loop that takes so many cycles a batch in the interpreter, and whose rounds have so many instructions. Rounds whose length is
    /// estimated are not counted.
    pub fn new(interpreted: u64, estimate: u64, steps: usize) -> Watch {
        Watch {
            rounds: Cell::new(0),
            estimate,
            interpreted: Cell::new(interpreted),
            steps,
            left_at: Cell::new(0),
            cycles: Cell::new(0),
            inside: Cell::new(0),
            overhead: Cell::new(0),
            instructions: Cell::new(0),
            rounds_before: Cell::new(0),
            idle_before: Cell::new(None),
            bad: Cell::new(0),
            good: Cell::new(0),
            slow: Cell::new(0),
            windows: Cell::new(0),
            next_check: Cell::new(PROVEN as u32),
            entries: Cell::new(0),
            unmeasured: Cell::new(0),
            is_running: Cell::new(false),
            rounds_at_entry: Cell::new(0),
        }
    }

    /// Is the next entry going to be measured, unless the code is running already?
    pub fn is_measuring(&self) -> bool {
        self.unmeasured.get() == 0
    }

    /// The code is about to run. True: [`Watch::ran`] is to be told how long. It may be running already, for a loop may call itself.
    pub fn begin(&self) -> bool {
        let unmeasured = self.unmeasured.get();
        if unmeasured > 0 {
            self.unmeasured.set(unmeasured - 1);
            if unmeasured == 1 {
                self.restart_later();
            }
            return false;
        }
        let is_outermost = !self.is_running.replace(true);
        if is_outermost {
            self.rounds_at_entry.set(self.rounds.get());
        }
        is_outermost
    }

    /// What a round takes in the interpreter is known better.
    pub fn compare_with(&self, interpreted: u64) {
        self.interpreted.set(interpreted);
        self.bad.set(0);
        self.slow.set(0);
        self.good.set(0);
        self.unmeasured.set(0);
        self.restart_later();
    }

    fn restart(&self) {
        self.cycles.set(0);
        self.inside.set(0);
        self.overhead.set(0);
        self.instructions.set(0);
        self.entries.set(0);
        self.rounds_before.set(self.rounds.get());
    }

    /// As [`restart`](Watch::restart), some time after the last window.
    fn restart_later(&self) {
        self.restart();
        self.idle_before.set(None);
    }

    /// Do rounds count themselves in [`Watch::rounds`]?
    pub fn counts_rounds(&self) -> bool {
        self.estimate == 0
    }

    /// No more counts of the time that so many rounds took that were done elsewhere in between.
    pub fn most(&self, rounds: u64) -> u64 {
        (self.interpreted.get() * 2 / BATCH as u64).saturating_mul(rounds)
    }

    /// So many rounds were done in a time that does not count.
    pub fn skip(&self, rounds: u64) {
        self.rounds_before.set(self.rounds_before.get() + rounds);
    }

    /// Entering the code, which is about to be told to have [run](Watch::ran), and leaving it took so many cycles; it has done so many
    /// instructions, not counting rounds that do not count themselves.
    pub fn cost(&self, cycles: u64, instructions: u64) {
        self.overhead.set(self.overhead.get() + cycles.min(DEAREST));
        self.instructions.set(self.instructions.get() + instructions);
    }

    /// The code ran from one time to another; `idle` tells for how many cycles the thread has not run.
    pub fn ran(&self, start: u64, end: u64, idle: impl FnOnce() -> u64) -> Verdict {
        self.is_running.set(false);
        self.entries.set(self.entries.get() + 1);
        let inside = end.saturating_sub(start);
        let between = start.saturating_sub(self.left_at.replace(end)).min(self.most(1));
        self.cycles.set(self.cycles.get() + inside + between);
        self.inside.set(self.inside.get() + inside);
        // It may have been left before it came to the header.
        let counted = self.rounds.get().max(self.rounds_at_entry.get() + 1);
        self.rounds.set(counted + inside.checked_div(self.estimate).unwrap_or(0));
        let rounds = self.rounds.get() - self.rounds_before.get();
        if rounds < WINDOW_ROUNDS || self.cycles.get() < WINDOW_CYCLES {
            return Verdict::GoOn;
        }
        let uncounted = if self.counts_rounds() { 0 } else { rounds * self.steps as u64 };
        let overhead = self.overhead.get();
        let is_idle = overhead > (self.instructions.get() + uncounted) * SAVED && overhead * SOON_LEFT > self.inside.get();
        let idle = idle();
        let waited = self.idle_before.replace(Some(idle)).map(|before| idle.saturating_sub(before) / rounds);
        let verdict = self.judge(self.cycles.get() / rounds, waited, is_idle);
        self.restart();
        verdict
    }

    /// A window is over in which a round has taken so many cycles, of which the thread has waited for so many, if that is known. If it
    /// `is_idle`, entering the code was most of what was done.
    fn judge(&self, cycles: u64, waited: Option<u64>, is_idle: bool) -> Verdict {
        let interpreted = self.interpreted.get() / BATCH as u64;
        if interpreted > 0 && (cycles > interpreted || is_idle) {
            let is_slow = waited.is_some_and(|waited| cycles.saturating_sub(waited) > interpreted);
            if !(is_slow || is_idle) {
                return Verdict::GoOn;
            }
            self.good.set(0);
            self.slow.set(self.slow.get() + self.cycles.get());
            let windows = (self.cycles.get() / WINDOW_CYCLES).clamp(1, PATIENCE as u64) as u8;
            self.bad.set(self.bad.get() + windows);
            if self.bad.get() < PATIENCE {
                return Verdict::GoOn;
            }
            self.bad.set(0);
            return Verdict::Rest(self.slow.take());
        }
        self.bad.set(0);
        self.slow.set(0);
        self.good.set((self.good.get() + 1).min(PROVEN));
        self.windows.set(self.windows.get().saturating_add(1));
        if cycles * 2 > interpreted && interpreted > 0 && self.windows.get() >= self.next_check.get() {
            self.next_check.set(self.windows.get().saturating_mul(CHECKED_SELDOMER));
            return Verdict::Compare;
        }
        if self.good.get() == PROVEN {
            self.unmeasured.set(self.entries.get().saturating_mul(UNMEASURED_WINDOWS));
        }
        Verdict::GoOn
    }
}
