//! Is it worth while to run a frame that native code calls as machine code?
//!
//! Such a frame has no rounds, but native code waits for it, so what a call takes is known exactly. Now and then some batches of calls run
//! by turns as machine code and in the interpreter. Where the interpreter is faster, what it calls may well run machine code of its own, the
//! frames *rest*, each time for longer. Looking at the clock takes its time, so as long as machine code is faster, most calls are not measured.

use std::cell::Cell;

/// Calls of a batch.
const BATCH: u16 = 16;
/// Batches of each way. The middle one counts.
const BATCHES: usize = 5;
/// So many calls run as machine code before any is measured: other traces have to go on from its exits.
const WARM_UP: u32 = 4096;
/// So many calls are not measured once machine code was faster; each time it is twice as many, up to two to the power of `MOST_DOUBLINGS`.
const UNMEASURED: u32 = 16_384;
const MOST_DOUBLINGS: u8 = 8;

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
    /// How many calls go by until some are measured.
    unmeasured: Cell<u32>,
    /// The frame of the call that is measured, NULL if none is. It may call itself.
    frame: Cell<*const u64>,
    since: Cell<u64>,
    /// Calls of the batch, and what they took.
    calls: Cell<u16>,
    cycles: Cell<u64>,
    /// How many batches there were, and what each took: every second one is of the interpreter.
    batch: Cell<usize>,
    batches: [Cell<u64>; 2 * BATCHES],
    /// How often machine code was found to be faster, and slower.
    good: Cell<u8>,
    rests: Cell<u8>,
    /// How often the counter of the frame is to trigger until it runs as machine code again.
    passes: Cell<u32>,
}

impl Default for CallWatch {
    fn default() -> CallWatch {
        CallWatch {
            unmeasured: Cell::new(WARM_UP),
            frame: Cell::new(std::ptr::null()),
            since: Cell::new(0),
            calls: Cell::new(0),
            cycles: Cell::new(0),
            batch: Cell::new(0),
            batches: [const { Cell::new(0) }; 2 * BATCHES],
            good: Cell::new(0),
            rests: Cell::new(0),
            passes: Cell::new(0),
        }
    }
}

impl CallWatch {
    /// A frame is called: how is it to run?
    pub fn begin(&self, frame: *const u64, clock: impl FnOnce() -> u64) -> Way {
        let unmeasured = self.unmeasured.get();
        if unmeasured > 0 {
            self.unmeasured.set(unmeasured - 1);
            return Way::Code;
        }
        if !(self.frame.get().is_null() || self.frame.get() == frame) {
            return Way::Code;
        }
        self.frame.set(frame);
        self.since.set(clock());
        if self.batch.get() % 2 == 0 { Way::Code } else { Way::Interpreter }
    }

    /// The call of a frame is over. True: from now on such frames rest.
    pub fn end(&self, frame: *const u64, clock: impl FnOnce() -> u64) -> bool {
        if self.frame.get() != frame {
            return false;
        }
        self.frame.set(std::ptr::null());
        self.cycles.set(self.cycles.get() + clock().saturating_sub(self.since.get()));
        self.calls.set(self.calls.get() + 1);
        if self.calls.get() < BATCH {
            return false;
        }
        self.calls.set(0);
        self.batches[self.batch.get()].set(self.cycles.replace(0));
        self.batch.set(self.batch.get() + 1);
        if self.batch.get() < self.batches.len() {
            return false;
        }
        self.batch.set(0);
        !self.is_worth_it()
    }

    fn is_worth_it(&self) -> bool {
        let middle = |first: usize| {
            let mut batches = self.batches.iter().skip(first).step_by(2).map(Cell::get).collect::<Vec<_>>();
            batches.sort_unstable();
            batches[BATCHES / 2]
        };
        let is_worth_it = middle(0) <= middle(1);
        if is_worth_it {
            self.unmeasured.set(UNMEASURED << self.good.get());
            self.good.set((self.good.get() + 1).min(MOST_DOUBLINGS));
        } else {
            self.unmeasured.set(WARM_UP);
            self.passes.set(1 << self.rests.get());
            self.rests.set((self.rests.get() + 1).min(MOST_DOUBLINGS));
            self.good.set(0);
        }
        is_worth_it
    }

    /// The counter of resting frames has triggered. Do they go on resting?
    pub fn rests(&self) -> bool {
        let passes = self.passes.get().saturating_sub(1);
        self.passes.set(passes);
        passes > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls so often, or until frames are to rest; how often each way was taken, and whether they are to rest.
    fn call(w: &CallWatch, times: u32, code: u64, interpreter: u64) -> (u32, u32, bool) {
        let frame = 8 as *const u64;
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

    const MEASURED: u32 = BATCH as u32 * BATCHES as u32;

    #[test]
    fn frames_rest_when_the_interpreter_is_faster_and_come_back() {
        let w = CallWatch::default();
        assert_eq!(call(&w, u32::MAX, 11, 10), (WARM_UP + MEASURED, MEASURED, true));
        assert!(!w.rests());
        assert_eq!(call(&w, u32::MAX, 11, 10), (WARM_UP + MEASURED, MEASURED, true));
        assert!(w.rests());
        assert!(!w.rests());
    }

    #[test]
    fn most_calls_of_frames_that_are_worth_it_are_not_measured() {
        let w = CallWatch::default();
        assert_eq!(call(&w, 1_000_000, 10, 10).1, 6 * MEASURED);
    }

    #[test]
    fn a_call_within_a_call_is_not_measured() {
        let w = CallWatch::default();
        call(&w, WARM_UP + BATCH as u32, 1, 1);
        let (outer, inner) = (8 as *const u64, 16 as *const u64);
        assert_eq!(w.begin(outer, || 0), Way::Interpreter);
        assert_eq!(w.begin(inner, || unreachable!()), Way::Code);
        assert!(!w.end(inner, || unreachable!()));
        assert!(!w.end(outer, || 1));
    }
}
