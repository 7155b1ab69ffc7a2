//! Is it worth while to enter a function's machine code when Python code calls it?
//!
//! Nobody waits for such a call, so that it cannot be compared with one in the interpreter. But what entering and leaving code takes is known,
//! and so is how many instructions it does in between. Now and then some calls are measured. If entering the code takes longer than its
//! instructions save, the function *rests*, each time for longer.

use super::pauses::Pauses;
use super::{DEAREST, SAVED, SOON_LEFT};
use std::cell::Cell;

/// So many calls are measured in a row.
const ROW: u32 = 128;

/// Measures the calls of a function that has code.
#[derive(Default, Debug)]
pub struct FunctionWatch {
    pauses: Pauses,
    /// Calls of the row, the cycles they took, those of them that entering and leaving took, and the instructions that were done.
    calls: Cell<u32>,
    cycles: Cell<u64>,
    overhead: Cell<u64>,
    instructions: Cell<u64>,
}

impl FunctionWatch {
    /// The code is about to be entered. Is that measured?
    pub fn begin(&self) -> bool {
        !self.pauses.passes_by()
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
        self.pauses.judged(!rests);
        rests
    }

    /// The counter of a resting function has triggered. Does it go on resting?
    pub fn rests(&self) -> bool {
        self.pauses.rests()
    }
}

#[cfg(test)]
mod tests {
    use super::super::pauses::WARM_UP;
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
