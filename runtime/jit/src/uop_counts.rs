//! How often each uop runs in machine code, for the statistics.
//!
//! To count every uop would take longer than to run it. So code that is made while the statistics are on counts how often it is entered, how
//! often its body begins, and how often it is left at each uop. The rest follows when somebody asks: a uop ran as often as its part of the
//! trace began, less the times that it was left before. All code is retired when counting begins or ends; other code pays nothing for this.
//!
//! Invariants
//! - The thread that the code belongs to counts, with plain stores. Somebody else looks only while it stands still.
//! - What was told is forgotten. A trace that is under way at that moment is told as if it went to the end.

use crate::ir::{Id, Op, Trace};
use limpid_pystats::model::{Block, OptimizationStats, Stats};
use std::cell::Cell;

/// What the code of an executor counts.
pub struct Counts {
    /// How often it was entered.
    pub entered: Cell<u64>,
    /// How often its body began: that of a loop in each round.
    pub begun: Cell<u64>,
    /// By uop: how often it was left there.
    pub left: Box<[Cell<u64>]>,
    /// Where the thread adds up the uops that it runs.
    pub run: *const Cell<u64>,
    /// The uops in the order in which they run.
    uops: Box<[Op]>,
    /// How many of them come before the body.
    before: usize,
}

/// Is there machine code for a uop?
pub fn is_run(op: Op) -> bool {
    !matches!(op, Op::Const | Op::Frame)
}

impl Counts {
    /// For the code of a trace; the thread adds up its uops in `run`.
    pub fn new(trace: &Trace, run: *const Cell<u64>) -> Box<Counts> {
        let ops = |ids: &[Id]| ids.iter().map(|id| trace.uop(*id).op).filter(|op| is_run(*op)).collect::<Vec<_>>();
        let (mut uops, body) = (ops(&trace.entry), ops(&trace.body));
        let before = uops.len();
        uops.extend(body);
        Box::new(Counts {
            entered: Cell::new(0),
            begun: Cell::new(0),
            left: vec![Cell::new(0); uops.len()].into(),
            run,
            uops: uops.into(),
            before,
        })
    }

    /// Adds what was counted to `total` and forgets it.
    pub fn collect(&self, total: &OptimizationStats) {
        let mut times = self.entered.take();
        if times == 0 && self.begun.get() == 0 {
            return;
        }
        let uops = total.uops.get();
        let mut previous: Option<usize> = None;
        for (at, (op, left)) in self.uops.iter().zip(&self.left).enumerate() {
            let op = *op as usize;
            if let Some(previous) = previous {
                uops[previous].pair_count.get()[op].add(times);
            }
            if at == self.before {
                let begun = self.begun.take();
                // All rounds but the first come from the end of the one before.
                if let Some(last) = self.uops.last() {
                    uops[*last as usize].pair_count.get()[op].add(begun.saturating_sub(times));
                }
                times = begun;
            }
            let left = left.take();
            uops[op].execution_count.add(times);
            uops[op].miss.add(left);
            total.uops_executed.add(times);
            times = times.saturating_sub(left);
            previous = Some(op);
        }
    }
}

/// What the executors of a thread have counted, those that are freed already included.
#[derive(Default)]
pub struct Totals(OptimizationStats);

impl Totals {
    /// An executor is freed.
    pub fn keep(&self, counts: &Counts) {
        counts.collect(&self.0);
    }

    /// Adds all to the statistics and forgets it.
    pub fn collect<'a>(&self, counts: impl Iterator<Item = &'a Counts>, total: &Stats) {
        counts.for_each(|counts| self.keep(counts));
        if self.0.uops_executed.get() != 0 {
            self.0.merge_into(total.optimization.get());
            self.0.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A loop of two uops behind two others: entered three times, ten rounds; left once in front of the loop, twice in it.
    #[test]
    fn what_follows_from_few_counters() {
        let run = Cell::new(0);
        let trace = Trace::parse(
            "entry:
                v0: int = input #0
                guard_int v0 !0
             body:
                v2: int = add_int v0 v0 !1
                guard_breaker !2
             again [v2]",
        );
        let counts = Counts::new(&trace, &run);
        counts.entered.set(3);
        counts.left[1].set(1);
        counts.begun.set(10);
        counts.left[2].set(2);
        let total = OptimizationStats::default();
        counts.collect(&total);
        let uops = total.uops.get();
        let times = |op: Op| uops[op as usize].execution_count.get();
        assert_eq!([Op::Input, Op::GuardInt, Op::AddInt, Op::GuardBreaker].map(times), [3, 3, 10, 8]);
        let pair = |a: Op, b: Op| uops[a as usize].pair_count.get()[b as usize].get();
        assert_eq!([pair(Op::Input, Op::GuardInt), pair(Op::GuardInt, Op::AddInt), pair(Op::AddInt, Op::GuardBreaker)], [3, 2, 8]);
        assert_eq!(pair(Op::GuardBreaker, Op::AddInt), 8);
        assert_eq!((uops[Op::AddInt as usize].miss.get(), total.uops_executed.get()), (2, 24));
        counts.collect(&total);
        assert_eq!(total.uops_executed.get(), 24);
    }
}
