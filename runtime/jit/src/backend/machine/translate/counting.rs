//! What machine code counts of itself: rounds, and uops while the statistics are on.

use super::{Function, flags};
use crate::uop_counts::Counts;
use cranelift_codegen::ir::InstBuilder;
use cranelift_codegen::ir::types::I64;
use std::cell::Cell;

impl Function<'_, '_> {
    pub(super) fn count_round(&mut self) {
        let watch = &self.t.executor.watch;
        if watch.counts_rounds() {
            self.add_to(&watch.rounds, 1);
            self.count_instructions();
        }
    }

    /// What the trace or a round of it stands for counts as done.
    pub(super) fn count_instructions(&mut self) {
        let executor = &self.t.executor;
        if !executor.instructions.is_null() {
            self.add_to(executor.instructions, executor.watch.steps);
        }
    }

    pub(super) fn add_to(&mut self, counter: *const Cell<u64>, n: usize) {
        let place = self.constant(counter as i64);
        let count = self.b.ins().load(I64, flags(), place, 0);
        let count = self.add_constant(count, n as i64);
        self.b.ins().store(flags(), count, place, 0);
    }

    /// Adds to a counter of the statistics, if the code is to count.
    pub(super) fn count(&mut self, which: impl FnOnce(&Counts) -> *const Cell<u64>, n: usize) {
        if let Some(counts) = &self.t.executor.counts {
            self.add_to(which(counts), n);
        }
    }

    /// The uops of this part have run up to the one at a position.
    pub(super) fn count_run(&mut self, end: usize) {
        self.count(|counts| counts.run, end - self.part);
    }

    /// The trace is left at the uop at a position.
    pub(super) fn count_left(&mut self, at: usize) {
        self.count(|counts| &counts.left[at], 1);
        self.count_run(at + 1);
    }
}
