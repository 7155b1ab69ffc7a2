//! When to collect, and the numbers of the `gc` module.
//!
//! A minor collection is due when [`Config::young`] bytes were allocated for each thread that allocates. It becomes a full one when the
//! old cells have grown to twice what the last full collection left. Both are scaled by the thresholds that programs set, see
//! [`set_thresholds`].

use crate::collect::{self, CollectionReport, Generation, Request};
use crate::embedder::Config;
use crate::layout::BLOCK;
use crate::mutator::Mutator;
use crate::role::Role;
use crate::sync::lock;
use crate::world;
use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::Relaxed};

/// The default of [`Config::young`]: what stays in the caches near a core. Of programs that allocate all the time, coroutines and lists
/// of tuples take 7 to 16 % less time with it than with 16 MiB; with 1 MiB they gain as much again, and others lose, of whose young
/// objects more survive.
pub const DEFAULT_YOUNG: usize = 2 << 20;
/// More threads than this do not add to it: what they allocate together leaves the caches that they share.
const MOST_THREADS: usize = 8;
/// The growth of the old cells is not counted from less than this.
const FULL_FLOOR: usize = 32 << 20;

/// Bytes handed to threads for allocation since the last collection.
static HANDED_OUT: AtomicUsize = AtomicUsize::new(0);
/// What of them was used up, a block or a large cell at a time.
static ALLOCATED: AtomicUsize = AtomicUsize::new(0);
/// How many make a collection due.
static DUE_AT: AtomicUsize = AtomicUsize::new(usize::MAX);
/// [`Config::young`].
static YOUNG: AtomicUsize = AtomicUsize::new(DEFAULT_YOUNG);
/// [`Config::limit`], or the largest number.
static LIMIT: AtomicUsize = AtomicUsize::new(usize::MAX);
/// What [`DUE_AT`] is for one thread.
static BUDGET: AtomicUsize = AtomicUsize::new(usize::MAX);
/// The threads that have allocated since the last collection. One that waits for others must not make theirs rarer: what a thread
/// allocates between two collections is to stay in the caches.
static ALLOCATING: AtomicUsize = AtomicUsize::new(0);
/// How many collections there were, by which a thread knows whether it is counted in [`ALLOCATING`].
static ROUND: AtomicU32 = AtomicU32::new(1);
/// How many collections in a row, each because memory was short, have left it short.
static FRUITLESS: AtomicU32 = AtomicU32::new(0);
static ENABLED: AtomicBool = AtomicBool::new(true);

static BOOKS: Mutex<Books> = Mutex::new(Books {
    thresholds: DEFAULT_THRESHOLDS,
    stats: [GenerationStats { collections: 0, collected: 0, objects: 0, uncollectable: 0 }; 2],
    live: 0,
    live_after_full: 0,
    minor_since_full: 0,
});

/// What an object is taken to need, all that belongs to it included, where a threshold counts objects.
const OBJECT_SIZE: usize = 256;
/// From here on a threshold is meant to tune a program, as the 700 that was CPython's default for long: it gets [`WORTHWHILE`] at least.
const FEW: usize = 200;
/// Bytes after which a minor collection costs little beside the allocations.
const WORTHWHILE: usize = 512 << 10;
/// How many times as rare minor collections are while the program has put collections off.
const PUT_OFF: usize = 16;
/// CPython's defaults.
pub const DEFAULT_THRESHOLDS: [usize; 3] = [2000, 10, 0];

struct Books {
    thresholds: [usize; 3],
    stats: [GenerationStats; 2],
    live: usize,
    live_after_full: usize,
    minor_since_full: usize,
}

/// Totals over the collections of a generation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GenerationStats {
    /// How many there were.
    pub collections: u64,
    /// Cells that died.
    pub collected: u64,
    /// [`CollectionReport::objects`].
    pub objects: u64,
    /// Always 0.
    pub uncollectable: u64,
}

impl GenerationStats {
    /// Counts a collection.
    pub fn add(&mut self, report: &CollectionReport) {
        self.collections += 1;
        self.collected += report.collected as u64;
        self.objects += report.objects as u64;
    }
}

pub(crate) fn configure(config: &Config) {
    let limit = config.limit.unwrap_or(usize::MAX);
    LIMIT.store(limit, Relaxed);
    YOUNG.store(config.young.min(limit / 4).max(1), Relaxed);
    BUDGET.store(young_budget(DEFAULT_THRESHOLDS), Relaxed);
    set_due();
}

fn set_due() {
    let threads = ALLOCATING.load(Relaxed).clamp(1, MOST_THREADS);
    DUE_AT.store(BUDGET.load(Relaxed).saturating_mul(threads).min(LIMIT.load(Relaxed) / 4).max(1), Relaxed);
}

/// Counts bytes that a thread is about to allocate from.
#[inline]
pub(crate) fn hand_out(bytes: usize) {
    HANDED_OUT.fetch_add(bytes, Relaxed);
}

/// Counts bytes that a thread has allocated. `counted` is the round in which it did so last.
///
/// Counted when a block is begun, the room in it made a collection due as soon as a thread had allocated a little of every size.
#[inline]
pub(crate) fn account(counted: &Cell<u32>, bytes: usize) {
    ALLOCATED.fetch_add(bytes, Relaxed);
    let round = ROUND.load(Relaxed);
    if counted.replace(round) != round {
        ALLOCATING.fetch_add(1, Relaxed);
        set_due();
    }
}

/// Has enough been allocated for a collection?
#[inline]
pub(crate) fn is_due() -> bool {
    ALLOCATED.load(Relaxed) > DUE_AT.load(Relaxed)
}

/// Collects because enough was allocated. If another thread is at it, this one simply goes on.
#[cold]
pub(crate) fn automatic(m: &Mutator) {
    let Some(_role) = Role::try_take(m) else {
        return;
    };
    // Somebody may have collected since the caller looked.
    if is_due() {
        collect::run(m, Request::plain(young_unless(full_is_due())));
    }
}

/// Collects for the stress mode: mostly young, every fourth time all.
#[cold]
pub(crate) fn for_stress(m: &Mutator) {
    if let Some(_role) = Role::try_take(m) {
        let full = lock(&BOOKS).minor_since_full >= 3;
        collect::run(m, Request::plain(young_unless(full)));
    }
}

fn young_unless(full: bool) -> Generation {
    if full { Generation::Full } else { Generation::Young }
}

/// Collects everything because memory is short, unless that was done a moment ago.
#[cold]
pub(crate) fn for_memory(m: &Mutator) {
    let fulls = || lock(&BOOKS).stats[Generation::Full as usize].collections;
    let before = fulls();
    if before > 0 && lock(&BOOKS).minor_since_full == 0 && HANDED_OUT.load(Relaxed) < worth_a_try() {
        FRUITLESS.store(0, Relaxed);
        return;
    }
    if let Some(_role) = Role::take(m)
        && fulls() == before
    {
        let report = collect::run(m, Request::plain(Generation::Full));
        if report.freed < most_worth() / 4 {
            FRUITLESS.fetch_add(1, Relaxed);
        } else {
            FRUITLESS.store(0, Relaxed);
        }
    }
}

/// How much must have been allocated since a full collection before another is tried because memory is short: twice as much after each
/// that did not help. Otherwise a heap that is nearly full would be collected for each of the last blocks, hundreds of times until the
/// program is told that there is no memory. Once it was told it may let go of much, so then the next try is soon.
fn worth_a_try() -> usize {
    const DOUBLINGS: u32 = 6;
    most_worth() >> (DOUBLINGS - FRUITLESS.load(Relaxed).min(DOUBLINGS))
}

/// The most that [`worth_a_try`] asks for. A collection that frees less than a quarter of it has not helped.
fn most_worth() -> usize {
    (LIMIT.load(Relaxed) / 16).min(YOUNG.load(Relaxed))
}

/// Collects everything if no thread has anything to do and there may be something to collect: a program may wait for files or sockets to be
/// closed that it refers to no more. False if there was something to do, so that another try soon is worth it.
#[cold]
pub fn when_idle(m: &Mutator) -> bool {
    if !is_enabled() || HANDED_OUT.load(Relaxed) == 0 {
        return true;
    }
    if world::others_wait(m)
        && let Some(_role) = Role::try_take(m)
    {
        collect::run(m, Request::plain(Generation::Full));
        return true;
    }
    false
}

/// Collects because the program says so.
pub(crate) fn explicit(m: &Mutator, request: Request) -> CollectionReport {
    match Role::take(m) {
        Some(_role) => collect::run(m, request),
        None => CollectionReport::nothing(request.generation),
    }
}

/// Bytes handed to threads for allocation since the last collection.
pub(crate) fn allocated() -> usize {
    HANDED_OUT.load(Relaxed)
}

/// Enters a collection in the books. The world is stopped.
pub(crate) fn note(report: &CollectionReport) {
    let mut books = lock(&BOOKS);
    books.stats[report.generation as usize].add(report);
    books.live = report.live;
    match report.generation {
        Generation::Young => books.minor_since_full += 1,
        Generation::Full => {
            books.live_after_full = report.live;
            books.minor_since_full = 0;
        }
    }
    HANDED_OUT.store(0, Relaxed);
    ALLOCATED.store(0, Relaxed);
    ALLOCATING.store(0, Relaxed);
    ROUND.fetch_add(1, Relaxed);
}

/// How much free memory stays mapped after a collection. Large cells are made of several blocks in a row, of which there are few where
/// little is free: they would be made of fresh memory each time.
pub(crate) fn bytes_to_keep(live: usize) -> usize {
    (4 * YOUNG.load(Relaxed)).max(live / 2)
}

/// Figures over all collections so far, [young, full].
pub fn stats() -> [GenerationStats; 2] {
    lock(&BOOKS).stats
}

/// Lets automatic full collections happen as the heap grows.
pub fn enable() {
    ENABLED.store(true, Relaxed);
    set_thresholds(thresholds());
}

/// Puts automatic collections off. Without reference counts a program that calls this to save time still relies on memory coming
/// back: so minor collections happen [`PUT_OFF`] times as rarely, and full ones when the old cells have grown fourfold.
pub fn disable() {
    ENABLED.store(false, Relaxed);
    set_thresholds(thresholds());
}

/// Was [`enable`] called last?
pub fn is_enabled() -> bool {
    ENABLED.load(Relaxed)
}

/// The three numbers last set.
pub fn thresholds() -> [usize; 3] {
    lock(&BOOKS).thresholds
}

/// Sets CPython's three thresholds. They count objects there and scale bytes here: the first, how much is allocated from one minor
/// collection to the next (2000 stands for [`Config::young`], 0 is as [`disable`]; less asks for collections that come soon, so it
/// is taken for the number of objects that it is); the second, how much the old cells grow from one
/// full collection to the next (10 stands for doubling). The third is kept.
pub fn set_thresholds(thresholds: [usize; 3]) {
    lock(&BOOKS).thresholds = thresholds;
    BUDGET.store(young_budget(thresholds), Relaxed);
    set_due();
}

/// How far it is to the next minor collection, of a number that is reached when it is due.
pub fn progress(threshold: usize) -> usize {
    let (allocated, due) = (ALLOCATED.load(Relaxed), DUE_AT.load(Relaxed));
    (allocated as u128 * threshold as u128 / due.max(1) as u128) as usize
}

/// Have the old cells grown enough for a full collection?
fn full_is_due() -> bool {
    let books = lock(&BOOKS);
    let base = books.live_after_full.max(FULL_FLOOR);
    let eager = ENABLED.load(Relaxed) && books.thresholds[0] != 0;
    let growth = if eager { base } else { base.saturating_mul(3) };
    let growth = match books.thresholds[1] {
        0 => growth,
        t => scale(growth, t, DEFAULT_THRESHOLDS[1]),
    };
    books.live > base.saturating_add(growth).min(LIMIT.load(Relaxed) / 8 * 7)
}

fn young_budget(thresholds: [usize; 3]) -> usize {
    match thresholds[0] {
        t if t == 0 || !is_enabled() => YOUNG.load(Relaxed).saturating_mul(PUT_OFF),
        t if t < DEFAULT_THRESHOLDS[0] => {
            let least = if t < FEW { BLOCK } else { WORTHWHILE };
            (t * OBJECT_SIZE).max(least).min(YOUNG.load(Relaxed))
        }
        t => scale(YOUNG.load(Relaxed), t, DEFAULT_THRESHOLDS[0]),
    }
}

/// `bytes` times `threshold / default`, within a factor of 16.
fn scale(bytes: usize, threshold: usize, default: usize) -> usize {
    let scaled = bytes as u128 * threshold as u128 / default as u128;
    (scaled.min(usize::MAX as u128) as usize).clamp(bytes / 16, bytes.saturating_mul(16))
}
