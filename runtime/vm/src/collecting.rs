//! What the programs of each interpreter have told the collector by `gc`: whether and how often to collect by itself, and what to leave
//! alone; and what it tells them.
//!
//! All interpreters have one heap. So what they want is put together: it is collected as often as that one wants it which wants it most
//! often, and what was frozen stays so as long as any of them wants that. A collection is counted for the interpreter whose program has
//! asked for it, or has allocated the memory that made it due.

use crate::interpreter::{self, Interpreter};
use crate::thread::Thread;
use limpid_heap::{CollectionReport, Generation, GenerationStats, policy};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// What one interpreter wants, and how often it has collected.
pub struct Collecting {
    enabled: AtomicBool,
    thresholds: Mutex<[usize; 3]>,
    frozen: AtomicBool,
    books: Mutex<Books>,
}

#[derive(Clone, Copy, Default)]
struct Books {
    stats: [GenerationStats; 2],
    /// How many minor collections there were since the last of an older generation, and how many of the middle generation, which only
    /// programs ask for, since the last full one.
    older: [usize; 2],
}

impl Default for Collecting {
    fn default() -> Collecting {
        Collecting {
            enabled: AtomicBool::new(true),
            thresholds: Mutex::new(policy::DEFAULT_THRESHOLDS),
            frozen: AtomicBool::new(false),
            books: Mutex::default(),
        }
    }
}

impl Collecting {
    /// `gc.isenabled()`
    pub fn is_enabled(&self) -> bool {
        self.enabled.load(Relaxed)
    }

    /// `gc.get_threshold()`
    pub fn thresholds(&self) -> [usize; 3] {
        *self.thresholds.lock()
    }

    /// Has this interpreter frozen what there was?
    pub fn has_frozen(&self) -> bool {
        self.frozen.load(Relaxed)
    }

    /// `gc.get_stats()`, of [young, full]
    pub fn stats(&self) -> [GenerationStats; 2] {
        self.books.lock().stats
    }

    /// A thread of this interpreter has collected. The world is stopped; nobody stops with the books open.
    pub(crate) fn note(&self, report: &CollectionReport) {
        let mut books = self.books.lock();
        books.stats[report.generation as usize].add(report);
        match report.generation {
            Generation::Young => books.older[0] += 1,
            Generation::Full => books.older = [0; 2],
        }
    }
}

/// `gc.get_count()`: the first number reaches the first threshold when a minor collection is due, the others count collections.
pub fn counts(t: &Thread) -> [usize; 3] {
    let collecting = &t.interpreter().collecting;
    let [minor, middle] = collecting.books.lock().older;
    [policy::progress(collecting.thresholds()[0]), minor, middle]
}

/// The last collection was a minor one, and the program has asked for one of the middle generation.
pub fn count_middle(t: &Thread) {
    let mut books = t.interpreter().collecting.books.lock();
    books.older = [0, books.older[1] + 1];
}

/// `gc.enable()` and `gc.disable()`
pub fn set_enabled(t: &Thread, enabled: bool) {
    t.interpreter().collecting.enabled.store(enabled, Relaxed);
    put_together(t);
}

/// `gc.set_threshold()`
pub fn set_thresholds(t: &Thread, thresholds: [usize; 3]) {
    *t.interpreter().collecting.thresholds.lock() = thresholds;
    put_together(t);
}

/// `gc.freeze()`
pub fn freeze(t: &Thread) {
    t.interpreter().collecting.frozen.store(true, Relaxed);
    limpid_heap::freeze(&t.mutator);
}

/// `gc.unfreeze()`
pub fn unfreeze(t: &Thread) {
    release(t, t.interpreter());
}

/// An interpreter wants nothing to be left alone any more.
fn release(t: &Thread, interpreter: &Arc<Interpreter>) {
    let had = interpreter.collecting.frozen.swap(false, Relaxed);
    if had && !interpreter::all(t).iter().any(|other| other.collecting.has_frozen()) {
        limpid_heap::unfreeze(&t.mutator);
    }
}

/// An interpreter has begun: what it wants counts.
pub(crate) fn begin(t: &Thread) {
    put_together(t);
}

/// An interpreter that is in no list any more has ended: what it wanted does not count any more.
pub(crate) fn end(t: &Thread, interpreter: &Arc<Interpreter>) {
    release(t, interpreter);
    put_together(t);
}

fn put_together(t: &Thread) {
    let all = interpreter::all(t);
    // 0 says that nothing is to be collected, as the largest threshold would.
    let often = |i: &&Arc<Interpreter>| i.collecting.thresholds()[0].wrapping_sub(1);
    let eager = all.iter().filter(|i| i.collecting.is_enabled()).min_by_key(often);
    match eager {
        Some(_) => policy::enable(),
        None => policy::disable(),
    }
    if let Some(i) = eager.or(all.first()) {
        policy::set_thresholds(i.collecting.thresholds());
    }
}
