//! A collection, from the wish for one to its report.
//!
//! Generations are *sticky mark bits*: a cell that survives stays marked, and that is what makes it old. A minor collection keeps the
//! marks and starts from the roots and the remembered cells, so it visits nothing but young cells; a full one clears the marks first
//! (a snapshot of what was allocated remains, for the words that have to be looked up).
//!
//! The order in which the dead are treated:
//! 1. Everything reachable from the roots is marked.
//! 2. Objects with finalizers that are not marked are resurrected, with all they refer to.
//! 3. If the program wants to see its garbage, that is resurrected, too.
//! 4. Weak references to what is still not marked are cleared.
//! 5. Native resources of what is not marked are dropped.
//! 6. Blocks are swept: those without marks are free, those with room go on the lists to allocate from.

use crate::cell::Header;
use crate::embedder::{Config, embedder};
use crate::layout::{FIRST_BLOCK, MARKS, SNAPSHOT};
use crate::mutator::Mutator;
use crate::parallel;
use crate::pool::{Pool, pool};
use crate::region::{self, Block};
use crate::registry::{Registrations, Weak};
use crate::tracer::Tracer;
use crate::world::StoppedWorld;
use crate::{Value, census, freeze, immortal, policy, sweep};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

/// How much a collection looks at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Generation {
    /// The cells allocated since the last collection.
    Young,
    /// All cells.
    Full,
}

/// What a collection did.
#[derive(Clone, Copy, Debug)]
pub struct CollectionReport {
    /// What it looked at.
    pub generation: Generation,
    /// Bytes allocated since the collection before.
    pub allocated: usize,
    /// Cells that died.
    pub collected: usize,
    /// Their bytes.
    pub freed: usize,
    /// Objects found dead that programs take for garbage: cycles and what they refer to, as far as [`crate::Embedder::is_garbage`] counts it;
    /// those that were saved as well. Counted if the program has asked for the collection or somebody watches, otherwise 0.
    pub objects: usize,
    /// Cells that are garbage and stay. There are none: kept for the statistics of those who expect the field.
    pub uncollectable: usize,
    /// Objects handed to [`crate::Embedder::queue_finalizer`].
    pub finalized: usize,
    /// Bytes of all live cells, those of dead old ones included after a minor collection.
    pub live: usize,
    /// Bytes of blocks in use.
    pub heap: usize,
    /// Nanoseconds the collection took, with the world stopped.
    pub ns: u64,
}

impl CollectionReport {
    /// What a collection that did not take place did.
    pub(crate) fn nothing(generation: Generation) -> CollectionReport {
        CollectionReport {
            generation,
            allocated: 0,
            collected: 0,
            freed: 0,
            objects: 0,
            uncollectable: 0,
            finalized: 0,
            live: 0,
            heap: 0,
            ns: 0,
        }
    }
}

/// A collection that somebody asks for.
#[derive(Clone, Copy)]
pub struct Request {
    /// How much it looks at.
    pub generation: Generation,
    /// Count the garbage? That looks at each dead cell.
    pub census: bool,
    /// Keep what is counted, and hand it to [`crate::Embedder::saved_garbage`]?
    pub save: bool,
    /// Nothing below this address of the calling thread's native stack refers to a cell that is needed; 0 if nothing is known.
    pub stack_from: usize,
}

impl Request {
    /// Nothing special about it.
    pub(crate) fn plain(generation: Generation) -> Request {
        Request { generation, census: false, save: false, stack_from: 0 }
    }
}

/// Collects now. If the calling thread is inside of a collection already (in a hook of the embedder) nothing happens.
pub fn collect(m: &Mutator, generation: Generation) -> CollectionReport {
    policy::explicit(m, Request { census: true, ..Request::plain(generation) })
}

/// As [`collect`], with all that can be said about it.
///
/// # Safety
/// What `stack_from` promises is so: it lies within the calling thread's native stack, and cells that only what is below refers to are
/// not used any more.
pub unsafe fn collect_as(m: &Mutator, request: Request) -> CollectionReport {
    policy::explicit(m, request)
}

/// What a collection has found to be dead, while the memory of that is untouched.
pub struct Dead {
    is_minor: bool,
}

impl Dead {
    /// Was this a minor collection? Then what was there at the last one is alive.
    pub fn is_minor(&self) -> bool {
        self.is_minor
    }

    /// Is the word a pointer to a dead cell, or into one? It was one to a live cell, or to none at all, at the last collection.
    pub fn contains(&self, word: usize) -> bool {
        region::resolve(word, allocated_before(self.is_minor)).is_some_and(|cell| !is_marked(cell))
    }
}

/// The bitmap of the cells that a collection had found alive before the one in progress.
pub(crate) fn allocated_before(is_minor: bool) -> usize {
    if is_minor { MARKS } else { SNAPSHOT }
}

/// Runs a collection: hooks, stop, statistics. The caller has made sure that it is the only one.
pub(crate) fn run(m: &Mutator, request: Request) -> CollectionReport {
    embedder().before_collection(request.generation);
    let report = m.stop_world(c"gc", |world| {
        let start = Instant::now();
        let mut report = collection(world, m, request);
        report.ns = start.elapsed().as_nanos() as u64;
        policy::note(&report);
        report
    });
    embedder().after_collection(&report);
    report
}

fn collection(world: &StoppedWorld, me: &Mutator, request: Request) -> CollectionReport {
    world.each_mutator(|m| {
        m.publish_cursors();
        m.hand_over();
    });
    let generation = request.generation;
    let mut pool = pool();
    let mut registrations = std::mem::replace(&mut pool.registrations, Registrations::new());
    let full = generation == Generation::Full;
    freeze::note_stores(&mut pool);
    if full {
        registrations.take_all(&mut pool.old_registrations);
        take_snapshot(&pool);
    }
    let mut tracer = Tracer::new(!full);
    trace_stacks(world, me, request.stack_from, &mut tracer);
    embedder().trace_roots(&mut tracer);
    trace_old(&mut pool, full, &mut tracer);
    if full && parallel::wanted() && pool.live > PARALLEL_FROM {
        parallel::mark(tracer.take_all_work());
    } else {
        tracer.drain();
    }
    let finalize = resurrect(&mut registrations.finalizers, &mut tracer);
    let census = request.census || embedder().wants_census();
    let (objects, garbage) = if census { census::garbage(&pool, full, request.save) } else { (0, Vec::new()) };
    garbage.iter().for_each(|object| tracer.value(*object));
    tracer.drain();
    let cleared = clear_weak(&mut registrations.weak);
    embedder().forget_dead(&Dead { is_minor: !full });
    registrations.drops.retain(|entry| {
        let alive = is_marked(entry.cell);
        if !alive {
            // SAFETY: the cell is dead but its memory untouched; the function was registered for it.
            unsafe { (entry.run)(entry.cell as *mut u8) };
        }
        alive
    });
    pool.old_registrations.take_all(&mut registrations);
    let swept = sweep::sweep(&mut pool, full);
    world.each_mutator(Mutator::reset_cursors);
    pool.live = if full { swept.live } else { pool.live + swept.live };
    let keep = policy::bytes_to_keep(pool.live);
    pool.settle(keep);
    let report = CollectionReport {
        generation,
        allocated: policy::allocated(),
        collected: swept.dead,
        freed: swept.freed,
        objects,
        uncollectable: 0,
        finalized: finalize.len(),
        live: pool.live,
        heap: pool.bytes_in_use(),
        ns: 0,
    };
    drop(pool);
    finalize.iter().for_each(|object| embedder().queue_finalizer(cell(*object)));
    cleared.iter().for_each(|weakref| embedder().weakref_cleared(*weakref));
    garbage.iter().for_each(|object| embedder().saved_garbage(*object));
    report
}

/// Live bytes from which on a full collection uses the helpers.
const PARALLEL_FROM: usize = 8 << 20;

fn cell(address: usize) -> Value {
    Value::cell(address as *const Header)
}

fn is_marked(cell: usize) -> bool {
    region::is_set(MARKS, cell)
}

/// Copies the marks and clears them. Immortal and frozen cells stay marked.
fn take_snapshot(pool: &Pool) {
    for &first in &pool.large_old {
        region::block(first).lower(Block::CARDS);
    }
    let blocks = FIRST_BLOCK..region::top();
    let from = region::bitmap_range(MARKS, blocks.clone());
    let to = region::bitmap_range(SNAPSHOT, blocks);
    // SAFETY: both ranges are committed and of one length; no other thread runs.
    unsafe {
        std::ptr::copy_nonoverlapping(from.start as *const u8, to.start as *mut u8, from.len());
        std::ptr::write_bytes(from.start as *mut u8, 0, from.len());
    }
    if let Some(frozen) = &pool.frozen {
        frozen.mark_all();
    }
}

/// `from`: where to begin on the stack of the collecting thread, if that is further up than where it stands.
fn trace_stacks(world: &StoppedWorld, me: &Mutator, from: usize, tracer: &mut Tracer) {
    world.each_mutator(|m| {
        let sp = m.sp.load(Relaxed);
        let low = if std::ptr::eq(m, me) { sp.max(from) } else { sp };
        // SAFETY: the thread stands still with this much of its stack in use, or is the current one further down.
        unsafe { tracer.range_conservative(low, m.stack_base.load(Relaxed)) };
    });
}

/// Scans the old cells that may refer to young ones; for a full collection, the cells that are alive in any case.
fn trace_old(pool: &mut Pool, full: bool, tracer: &mut Tracer) {
    let mut remembered = std::mem::take(&mut pool.remembered);
    if full {
        immortal::each_cell(|cell| tracer.scan(cell));
        if let Some(frozen) = &pool.frozen {
            tracer.rescan(&mut frozen.written().to_vec());
        }
        return;
    }
    tracer.rescan(&mut remembered);
    for &first in &pool.large_old {
        let block = region::block(first);
        if block.lower(Block::CARDS) {
            tracer.scan_cards(first, block.count.load(Relaxed));
        }
    }
}

/// Takes the dead out of the list of objects with finalizers, brings them back to life and returns them in the order to finalize them.
fn resurrect(finalizers: &mut Vec<usize>, tracer: &mut Tracer) -> Vec<usize> {
    // SAFETY: entries are allocated cells, the dead ones not swept yet.
    let header = |cell: usize| unsafe { &*(cell as *const Header) };
    finalizers.retain(|cell| header(*cell).gc.load(Relaxed) & Header::FINALIZE != 0);
    let dead: Vec<usize> = finalizers.extract_if(.., |cell| !is_marked(*cell)).collect();
    if dead.is_empty() {
        return dead;
    }
    let ordered = tracer.mark_in_order(&dead);
    for &cell in &ordered {
        header(cell).gc.fetch_and(!Header::FINALIZE, Relaxed);
        header(cell).gc.fetch_or(Header::FINALIZED, Relaxed);
    }
    ordered
}

/// Clears the weak references to dead cells, forgets those that are dead themselves, and returns the live ones that were cleared.
fn clear_weak(weak: &mut Vec<Weak>) -> Vec<Value> {
    let mut cleared = Vec::new();
    weak.retain(|entry| {
        if !is_marked(entry.owner.bits() as usize) {
            return false;
        }
        // SAFETY: the slot is inside of a live cell.
        let slot = unsafe { &*entry.slot };
        let referent = slot.load(Relaxed);
        if referent == 0 || is_marked(referent as usize) {
            return referent != 0;
        }
        slot.store(0, Relaxed);
        cleared.push(entry.owner);
        false
    });
    cleared
}

/// Sets up from the configuration.
pub(crate) fn configure(config: &Config) {
    policy::configure(config);
    sweep::configure(config.poison);
    parallel::configure(config.parallel);
}
