//! What machine code refers to by address, and what becomes of it when that dies.
//!
//! Code has the addresses of values, classes, shapes and instructions in it. They are weak references: code does not keep alive what it was
//! made for, and is retired when some of that dies, for soon something else will have the address. Only while a thread runs code is all that
//! its code refers to alive. The thread's tables by addresses of instructions forget those of code objects that die.

use crate::executor::{Executor, State};
use crate::ir::{Id, Op, Trace};
use crate::lower::Lowered;
use limpid_heap::{Dead, HEAP_BASE, HEAP_SIZE, ShapeRef, Tracer};
use rustc_hash::FxHashSet;
use std::sync::Arc;

/// What the code of an executor refers to.
#[derive(Default)]
pub struct References {
    /// Words that point to cells or into them, each once.
    words: Vec<usize>,
    /// Executors and junctions that it goes on in.
    links: Vec<usize>,
}

impl References {
    /// What the code of a trace is going to refer to.
    pub fn of(lowered: &Lowered) -> References {
        let trace = &lowered.trace;
        let shapes = lowered.entry.iter().filter_map(|e| e.shape).map(address);
        let snapshots = trace.snapshots.iter().flat_map(|s| s.frames.iter().flat_map(|f| [f.return_pc, f.code]).chain([s.pc]));
        let calls = trace.calls.iter().flat_map(|call| [call.pc, call.expected]);
        let resumptions = trace.resumptions.iter().flat_map(|r| [r.pc, r.return_pc, r.exhausted_pc]);
        let returns = trace.returns.iter().flat_map(|(code, pc)| [*code, *pc]);
        let places = snapshots.chain(calls).chain(resumptions).chain(returns).map(|word| word as usize);
        let (mut links, mut numbers) = (Vec::new(), Vec::new());
        for id in used(trace) {
            let uop = trace.uop(id);
            match uop.op {
                Op::Link => links.push(uop.imm as usize),
                Op::Make | Op::MakeUnless => {}
                Op::GuardShape => numbers.push(address(ShapeRef(uop.imm as u32))),
                Op::AddSlot => numbers.push(address(ShapeRef((uop.imm >> 16) as u32))),
                _ => numbers.push(uop.imm as usize),
            }
        }
        let layouts = trace.layouts.iter().map(|layout| address(ShapeRef(layout.header as u32)));
        let mut words: Vec<usize> = shapes.chain(places).chain(layouts).chain(numbers).filter(|word| is_in_heap(*word)).collect();
        words.sort_unstable();
        words.dedup();
        References { words, links }
    }

    /// Hands it to the collector.
    pub fn trace(&self, tracer: &mut Tracer) {
        self.words.iter().for_each(|word| tracer.word(*word));
    }

    fn touches(&self, dead: &Dead) -> bool {
        self.words.iter().any(|word| dead.contains(*word))
    }
}

fn address(shape: ShapeRef) -> usize {
    shape.ptr::<u8>() as usize
}

fn is_in_heap(word: usize) -> bool {
    (HEAP_BASE..HEAP_BASE + HEAP_SIZE).contains(&word)
}

/// The uops that run, and those that they or exits name.
fn used(trace: &Trace) -> FxHashSet<Id> {
    let mut used: FxHashSet<Id> = trace.entry.iter().chain(&trace.body).copied().collect();
    for id in used.clone() {
        used.extend(&trace.uop(id).args);
    }
    used.extend((0..trace.snapshots.len() as u32).flat_map(|exit| trace.snapshot_ids(exit)));
    used.extend(trace.next.iter().flatten());
    used
}

/// What there was at the last collection: minor ones need not look at it again.
#[derive(Default)]
pub struct Seen {
    /// So many executors, the first ones.
    pub executors: usize,
    /// Loops and junctions that there were *not*.
    pub places: Vec<usize>,
}

impl State {
    /// Retires the executors that refer to what has died, and forgets its loops and junctions; how many executors that are.
    pub fn forget_dead(&mut self, dead: &Dead) -> usize {
        self.forget_places(dead);
        let first = if dead.is_minor() { self.seen.executors } else { 0 };
        self.seen.executors = self.executors.len();
        let touched = self.executors[first..].iter().filter(|e| e.references.touches(dead));
        let mut doomed: FxHashSet<*const Executor> = touched.map(Arc::as_ptr).collect();
        if !doomed.is_empty() {
            self.add_dependents(&mut doomed);
            self.retire_these(&doomed);
        }
        doomed.len()
    }

    /// Retires an executor, and those that lead to it.
    pub(crate) fn retire_with_dependents(&mut self, executor: &Executor) {
        let mut doomed = FxHashSet::from_iter([std::ptr::from_ref(executor)]);
        self.add_dependents(&mut doomed);
        self.retire_these(&doomed);
    }

    fn forget_places(&mut self, dead: &Dead) {
        let new = std::mem::take(&mut self.seen.places);
        if dead.is_minor() {
            let gone: FxHashSet<usize> = new.into_iter().filter(|place| dead.contains(*place)).collect();
            if !gone.is_empty() {
                self.loops.retain(|place, _| !gone.contains(place));
                self.forget_junctions(|place| gone.contains(&place));
            }
        } else {
            self.loops.retain(|place, _| !dead.contains(*place));
            self.forget_junctions(|place| dead.contains(place));
        }
    }

    /// The code of some executors has the addresses of others, or of their exits.
    fn add_dependents(&self, doomed: &mut FxHashSet<*const Executor>) {
        loop {
            let depends = |e: &&Arc<Executor>| {
                let links = e.references.links.iter().map(|link| *link as *const Executor);
                let root = e.exits.first().map(|exit| exit.root.get());
                !doomed.contains(&Arc::as_ptr(e)) && links.chain(root).any(|other| doomed.contains(&other))
            };
            let more: Vec<*const Executor> = self.executors.iter().filter(depends).map(Arc::as_ptr).collect();
            if more.is_empty() {
                return;
            }
            doomed.extend(more);
        }
    }

    fn retire_these(&mut self, doomed: &FxHashSet<*const Executor>) {
        for l in self.loops.values_mut() {
            if l.executor.and_then(|number| self.executors.get(number)).is_some_and(|e| doomed.contains(&Arc::as_ptr(e))) {
                l.died();
            }
        }
        // The others keep their numbers.
        let nothing = Arc::new(Executor::nothing());
        for e in &mut self.executors {
            if doomed.contains(&Arc::as_ptr(e)) {
                e.retire();
                self.retired.push(std::mem::replace(e, nothing.clone()));
            } else {
                e.exits.iter().filter(|exit| doomed.contains(&exit.side.get())).for_each(|exit| exit.unlink());
            }
        }
        self.junctions.values().filter(|j| doomed.contains(&j.executor())).for_each(|j| j.clear());
        self.times_retired += 1;
    }
}
