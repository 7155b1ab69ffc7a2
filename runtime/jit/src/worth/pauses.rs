//! When calls are measured: some now and then as long as their code is worth while, and none while it rests.

use std::cell::Cell;

/// So many calls run as machine code before any is measured: other traces have to go on from the exits of the first one.
pub(super) const WARM_UP: u32 = 4096;
/// So many calls are not measured once machine code was worth it; each time it is twice as many, up to two to the power of `MOST_DOUBLINGS`.
const UNMEASURED: u32 = 16_384;
const MOST_DOUBLINGS: u8 = 8;

/// The pauses between measurements of calls, and those in which code rests.
#[derive(Debug)]
pub(super) struct Pauses {
    /// How many calls go by until some are measured.
    unmeasured: Cell<u32>,
    /// How often code was found to be worth it, and not to be.
    good: Cell<u8>,
    rests: Cell<u8>,
    /// How often a counter is to trigger until code is entered again.
    passes: Cell<u32>,
}

impl Default for Pauses {
    fn default() -> Pauses {
        Pauses { unmeasured: Cell::new(WARM_UP), good: Cell::new(0), rests: Cell::new(0), passes: Cell::new(0) }
    }
}

impl Pauses {
    /// A call begins. Does it go by unmeasured?
    pub fn passes_by(&self) -> bool {
        let unmeasured = self.unmeasured.get();
        self.unmeasured.set(unmeasured.saturating_sub(1));
        unmeasured > 0
    }

    /// Enough calls were measured: was code worth it? If not, it rests, each time for longer.
    pub fn judged(&self, is_worth_it: bool) {
        if is_worth_it {
            self.unmeasured.set(UNMEASURED << self.good.get());
            self.good.set((self.good.get() + 1).min(MOST_DOUBLINGS));
        } else {
            self.unmeasured.set(WARM_UP);
            self.passes.set(1 << self.rests.get());
            self.rests.set((self.rests.get() + 1).min(MOST_DOUBLINGS));
            self.good.set(0);
        }
    }

    /// The counter of code that rests has triggered. Does it go on resting?
    pub fn rests(&self) -> bool {
        let passes = self.passes.get().saturating_sub(1);
        self.passes.set(passes);
        passes > 0
    }
}
