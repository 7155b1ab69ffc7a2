//! Is it worth while to run a frame that native code calls as machine code?
//!
//! Such a frame has no rounds, but native code waits for it, so what a call takes is known exactly. Now and then calls are measured in several
//! rows, and each runs as machine code or in the interpreter as it happens: what is called in turn need not be alike. Where the interpreter is
//! faster (what it calls may well run machine code of its own), the frames *rest*, each time for longer. Looking at the clock takes its time,
//! so as long as machine code is faster, most calls are not measured.

use super::pauses::Pauses;
use std::cell::Cell;

/// Calls of a row.
const ROW: u16 = 128;
/// How many rows are measured. What is in the middle of them counts, for something may disturb one.
const ROWS: usize = 9;
/// No call counts for more than so many times the mean of a row: the thread may have waited, or collected garbage.
const LONGEST: u64 = 8;
/// How a call is to run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// As machine code.
    Code,
    /// In the interpreter.
    Interpreter,
}

/// Measures the calls of a frame that has code.
#[derive(Debug)]
pub struct CallWatch {
    pauses: Pauses,
    /// The frame of the call that is measured, NULL if none is. It may call itself.
    frame: Cell<*const u64>,
    since: Cell<u64>,
    /// How the next calls are to run, and how often to run so; see [`CallWatch::draw`].
    way: Cell<Way>,
    times: Cell<u8>,
    random: Cell<u32>,
    /// Calls of the row, and what they took, by their ways.
    calls: [Cell<u16>; 2],
    cycles: [Cell<u64>; 2],
    /// The lowest mean of a row.
    mean: Cell<u64>,
    /// How many rows there were, and how many times as long as in the interpreter a call took in each.
    row: Cell<usize>,
    ratios: [Cell<f64>; ROWS],
}

impl Default for CallWatch {
    fn default() -> CallWatch {
        CallWatch {
            pauses: Pauses::default(),
            frame: Cell::new(std::ptr::null()),
            since: Cell::new(0),
            way: Cell::new(Way::Code),
            times: Cell::new(0),
            random: Cell::new(1),
            calls: Default::default(),
            cycles: Default::default(),
            mean: Cell::new(u64::MAX),
            row: Cell::new(0),
            ratios: Default::default(),
        }
    }
}

impl CallWatch {
    /// A frame is called: how is it to run?
    pub fn begin(&self, frame: *const u64, clock: impl FnOnce() -> u64) -> Way {
        if self.pauses.passes_by() {
            return Way::Code;
        }
        if !(self.frame.get().is_null() || self.frame.get() == frame) {
            return Way::Code;
        }
        self.frame.set(frame);
        self.since.set(clock());
        self.draw()
    }

    /// How a call is to run. Some in a row run alike, for neither way is as fast when the other one was just taken.
    fn draw(&self) -> Way {
        if self.times.get() == 0 {
            // The upper bits of a linear congruential generator.
            let random = self.random.get().wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            self.random.set(random);
            self.times.set(1 + (random >> 28) as u8);
            self.way.set(if random >> 27 & 1 == 0 { Way::Code } else { Way::Interpreter });
        }
        self.times.set(self.times.get() - 1);
        self.way.get()
    }

    /// The call of a frame is over. True: from now on such frames rest.
    pub fn end(&self, frame: *const u64, clock: impl FnOnce() -> u64) -> bool {
        if self.frame.get() != frame {
            return false;
        }
        self.frame.set(std::ptr::null());
        let way = self.way.get() as usize;
        let cycles = clock().saturating_sub(self.since.get()).min(self.mean.get().saturating_mul(LONGEST));
        self.cycles[way].set(self.cycles[way].get() + cycles);
        self.calls[way].set(self.calls[way].get() + 1);
        if self.calls.iter().map(Cell::get).sum::<u16>() < ROW {
            return false;
        }
        let mean = self.cycles.iter().map(Cell::get).sum::<u64>() / ROW as u64;
        self.mean.set(self.mean.get().min(mean.max(1)));
        let [code, interpreter] = [0, 1].map(|way| self.cycles[way].take() as f64 / self.calls[way].take() as f64);
        self.ratios[self.row.get()].set(code / interpreter);
        self.row.set(self.row.get() + 1);
        if self.row.get() < ROWS {
            return false;
        }
        self.row.set(0);
        self.mean.set(u64::MAX);
        !self.is_worth_it()
    }

    fn is_worth_it(&self) -> bool {
        let mut ratios = self.ratios.each_ref().map(Cell::get);
        ratios.sort_by(f64::total_cmp);
        // Not a number is above all numbers.
        let is_worth_it = ratios[ROWS / 2] <= 1.0;
        self.pauses.judged(is_worth_it);
        is_worth_it
    }

    /// The counter of resting frames has triggered. Do they go on resting?
    pub fn rests(&self) -> bool {
        self.pauses.rests()
    }
}

#[cfg(test)]
mod tests {
    use super::super::pauses::WARM_UP;
    use super::*;

    /// Calls so often, or until frames are to rest; how often each way was taken, and whether they are to rest.
    fn call(w: &CallWatch, times: u32, code: u64, interpreter: u64) -> (u32, u32, bool) {
        let frame = std::ptr::dangling::<u64>();
        let (mut by_code, mut by_interpreter) = (0, 0);
        for _ in 0..times {
            let taken = match w.begin(frame, || 0) {
                Way::Code => {
                    by_code += 1;
                    code
                }
                Way::Interpreter => {
                    by_interpreter += 1;
                    interpreter
                }
            };
            if w.end(frame, || taken) {
                return (by_code, by_interpreter, true);
            }
        }
        (by_code, by_interpreter, false)
    }

    const MEASURED: u32 = ROW as u32 * ROWS as u32;

    #[test]
    fn frames_rest_when_the_interpreter_is_faster_and_come_back() {
        let w = CallWatch::default();
        let (by_code, by_interpreter, rests) = call(&w, u32::MAX, 11, 10);
        assert_eq!(by_code + by_interpreter, WARM_UP + MEASURED);
        assert!((MEASURED / 3..=MEASURED * 2 / 3).contains(&by_interpreter), "{by_interpreter}");
        assert!(rests && !w.rests());
        assert!(call(&w, u32::MAX, 11, 10).2);
        assert!(w.rests());
        assert!(!w.rests());
    }

    #[test]
    fn most_calls_of_frames_that_are_worth_it_are_not_measured() {
        let w = CallWatch::default();
        let (_, by_interpreter, rests) = call(&w, 1_000_000, 10, 10);
        assert!(by_interpreter < 1_000_000 / 200 && !rests);
    }

    #[test]
    fn calls_that_take_different_times_in_turn_are_compared_with_their_likes() {
        let w = CallWatch::default();
        let frame = std::ptr::dangling::<u64>();
        for i in 0..100_000 {
            let way = w.begin(frame, || 0);
            let taken = if i % 16 == 0 { 600 } else { 100 };
            assert!(!w.end(frame, || if way == Way::Code { taken / 2 } else { taken }));
        }
    }

    #[test]
    fn a_call_within_a_call_is_not_measured() {
        let w = CallWatch::default();
        call(&w, WARM_UP, 1, 1);
        let (outer, inner) = (std::ptr::dangling::<u64>(), std::ptr::without_provenance::<u64>(16));
        w.begin(outer, || 0);
        assert_eq!(w.begin(inner, || unreachable!()), Way::Code);
        assert!(!w.end(inner, || unreachable!()));
        assert!(!w.end(outer, || 1));
    }
}
