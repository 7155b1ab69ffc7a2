//! Is it worth while to enter a function's machine code when Python code calls it?
//!
//! Nobody waits for such a call, so that it cannot be compared with one in the interpreter. But what entering and leaving code takes is known,
//! and so is how many instructions it does in between. Now and then some calls are measured. If entering the code takes longer than its
//! instructions save, the function *rests*, each time for longer.

use super::{DEAREST, SAVED, SOON_LEFT};
use std::cell::Cell;

/// So many calls are measured in a row ...
const ROW: u32 = 128;
/// ... once so many have run: other traces have to go on from the exits of the first one.
const WARM_UP: u32 = 4096;
/// So many calls are not measured once code was worth it; each time it is twice as many, up to two to the power of `MOST_DOUBLINGS`.
const UNMEASURED: u32 = 16_384;
const MOST_DOUBLINGS: u8 = 8;

/// Measures the calls of a function that has code.
#[derive(Debug)]
pub struct FunctionWatch {
    /// How many calls go by until some are measured.
    unmeasured: Cell<u32>,
    /// Calls of the row, the cycles they took, those of them that entering and leaving took, and the instructions that were done.
    calls: Cell<u32>,
    cycles: Cell<u64>,
    overhead: Cell<u64>,
    instructions: Cell<u64>,
    /// How often the code was found to be worth it, and not to be.
    good: Cell<u8>,
    rests: Cell<u8>,
    /// How often the function's counter is to trigger until its code is entered again.
    passes: Cell<u32>,
}

impl Default for FunctionWatch {
    fn default() -> FunctionWatch {
        FunctionWatch {
            unmeasured: Cell::new(WARM_UP),
            calls: Cell::new(0),
            cycles: Cell::new(0),
            overhead: Cell::new(0),
            instructions: Cell::new(0),
            good: Cell::new(0),
            rests: Cell::new(0),
            passes: Cell::new(0),
        }
    }
}

impl FunctionWatch {
    /// The code is about to be entered. Is that measured?
    pub fn begin(&self) -> bool {
        let unmeasured = self.unmeasured.get();
        self.unmeasured.set(unmeasured.saturating_sub(1));
        unmeasured == 0
    }

    /// A measured call took so many cycles, of which so many were spent on entering and leaving code, and did so many instructions. True: the
    /// function is to rest.
    pub fn ran(&self, cycles: u64, overhead: u64, instructions: u64) -> bool {
        self.calls.set(self.calls.get() + 1);
        self.cycles.set(self.cycles.get() + cycles);
        self.overhead.set(self.overhead.get() + overhead.min(DEAREST));
        self.instructions.set(self.instructions.get() + instructions);
        if self.calls.get() < ROW {
            return false;
        }
        self.calls.set(0);
        let (cycles, overhead, instructions) = (self.cycles.take(), self.overhead.take(), self.instructions.take());
        let rests = overhead > instructions * SAVED && overhead * SOON_LEFT > cycles;
        if rests {
            self.unmeasured.set(WARM_UP);
            self.passes.set(1 << self.rests.get());
            self.rests.set((self.rests.get() + 1).min(MOST_DOUBLINGS));
            self.good.set(0);
        } else {
            self.unmeasured.set(UNMEASURED << self.good.get());
            self.good.set((self.good.get() + 1).min(MOST_DOUBLINGS));
        }
        rests
    }

    /// The counter of a resting function has triggered. Does it go on resting?
    pub fn rests(&self) -> bool {
        let passes = self.passes.get().saturating_sub(1);
        self.passes.set(passes);
        passes > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls until the function is to rest, but so often at most; how often that was.
    fn call(w: &FunctionWatch, times: u32, cycles: u64, overhead: u64, instructions: u64) -> u32 {
        (0..times).find(|_| w.begin() && w.ran(cycles, overhead, instructions)).unwrap_or(times)
    }

    #[test]
    fn functions_that_do_little_rest_and_come_back() {
        let w = FunctionWatch::default();
        assert_eq!(call(&w, u32::MAX, 200, 150, 10), WARM_UP + ROW - 1);
        assert!(!w.rests());
        assert_eq!(call(&w, u32::MAX, 200, 150, 10), WARM_UP + ROW - 1);
        assert!(w.rests());
        assert!(!w.rests());
    }

    #[test]
    fn functions_that_do_much_or_take_long_go_on() {
        let w = FunctionWatch::default();
        assert_eq!(call(&w, 100_000, 1000, 150, 100), 100_000);
        assert_eq!(call(&w, 100_000, 100_000, 150, 10), 100_000);
    }
}
