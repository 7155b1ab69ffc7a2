//! What a thread counts.
//!
//! Each thread has its own block and counts into it with plain stores. A block is in force while the interpreter counts ([`switch`]), so the
//! checks on slow paths are one load; instructions are counted by a dispatch table that belongs to the block ([`crate::interp::counting`]),
//! which costs nothing when it is not in force. Blocks are added into the interpreter's when their thread ends, and while all threads stand
//! still when a report is made. A block is kept until its thread ends: a handler further up the native stack may still have its table.
//!
//! Besides, some things that are rare are counted always, in the process's live segment ([`limpid_pystats::live`]).

use crate::interp::counting::CountingTable;
use crate::interp::dispatch::Table;
use crate::thread::{Thread, request};
use crate::tier2;
use limpid_bytecode::{INSTRUMENTED, OPCODE_COUNT, Opcode};
use limpid_heap::{CollectionReport, Generation};
use limpid_pystats::dump::{self, Exit, Names};
use limpid_pystats::exits;
use limpid_pystats::folder;
use limpid_pystats::live::LIVE;
use limpid_pystats::model::{Block, EvalCall, Stats};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::{AcqRel, Acquire};

/// Why an instruction could not be specialized: the numbers of the statistics' failure kinds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum Failure {
    /// The operands' types have no specialized form.
    OtherType = 0,
    /// A table is too big for the cache.
    OutOfRange = 2,
    /// Versions have run out.
    OutOfVersions = 3,
    /// The namespace is no exact dict.
    NotADict = 4,
    /// An attribute that is not there, or not on the class.
    NotFound = 5,
    /// A property that is not a simple Python function.
    Property = 6,
    /// A method read without being called.
    Method = 7,
    /// A descriptor that has to be asked.
    Descriptor = 8,
    /// A class with a metaclass of its own.
    Metaclass = 9,
}

/// A thread's block.
pub struct ThreadStats {
    /// The counters.
    pub counters: Stats,
    instructions: Box<CountingTable>,
}

impl ThreadStats {
    /// Adds what was counted to `total` and forgets it. The thread calls this, or stands still.
    fn collect(&self, total: &Stats) {
        self.instructions.collect(&self.counters, total);
        self.counters.merge_into(total);
        self.counters.clear();
    }
}

/// The thread's block, if counting is on.
#[inline(always)]
pub fn block(t: &Thread) -> Option<&ThreadStats> {
    if !cfg!(feature = "pystats") {
        return None;
    }
    // SAFETY: the block is freed by its own thread only, in `discard` when it ends.
    unsafe { t.stats.get().as_ref() }
}

/// The block that a thread has counted in, even if counting is off now.
fn kept(t: &Thread) -> Option<&ThreadStats> {
    // SAFETY: as in `block`.
    unsafe { t.stats_kept.get().as_ref() }
}

/// Counts something, if counting is on.
#[inline(always)]
pub fn count(t: &Thread, what: impl FnOnce(&Stats)) {
    if let Some(b) = block(t) {
        what(&b.counters);
    }
}

/// A cell of the heap of this size was allocated.
pub fn allocated(size: usize) {
    if let Some(t) = crate::runtime::current() {
        count(t, |s| s.objects.allocated(size));
    }
}

/// Native code enters the interpreter loop.
#[inline(always)]
pub fn entered(t: &Thread, generator: bool) {
    if let Some(b) = block(t) {
        b.counters.calls.pyeval_calls.increment();
        b.counters.calls.eval(EvalCall::Total);
        b.counters.calls.eval(if generator { EvalCall::Generator } else { EvalCall::Vector });
    }
}

/// An instruction runs that is recorded for a trace, by that table and not by the one that counts.
pub fn recorded(t: &Thread, op: u8, oparg: u32) {
    if let Some(b) = block(t) {
        b.instructions.count(op);
        if Opcode::from_u8(op).is_some_and(|op| op.family() == Opcode::RESUME) {
            b.instructions.count_frame(oparg);
        }
    }
}

/// The general form of a family runs without specializing: it is not yet time, or a specialized form `op` has met something else.
#[inline]
pub fn deferred(t: &Thread, op: u8, family: Opcode) {
    if let Some(b) = block(t)
        && !missed(b, op)
    {
        b.counters.opcodes.get()[family as usize].deferred.increment();
    }
}

/// Counts a miss if the instruction is a specialized one, whose general form runs.
fn missed(b: &ThreadStats, op: u8) -> bool {
    let Some(special) = Opcode::from_u8(op).filter(|op| op.is_specialized()) else { return false };
    let opcodes = b.counters.opcodes.get();
    opcodes[special as usize].miss.increment();
    opcodes[special.family() as usize].miss.increment();
    true
}

/// An instruction was specialized; it was `op` before.
pub fn specialized(t: &Thread, op: u8, family: Opcode) {
    if let Some(b) = block(t) {
        missed(b, op);
        b.counters.opcodes.get()[family as usize].success.increment();
    }
}

/// An instruction could not be specialized; it was `op` before.
pub fn failed(t: &Thread, op: u8, family: Opcode, kind: Failure) {
    if let Some(b) = block(t) {
        missed(b, op);
        b.counters.opcodes.get()[family as usize].fail(kind as usize);
    }
}

/// A garbage collection of this thread has ended.
pub fn collected(t: Option<&Thread>, number: usize, report: &CollectionReport) {
    if let Some(b) = t.and_then(block) {
        let gc = &b.counters.gc[number];
        gc.collections.increment();
        gc.objects_collected.add(report.objects as u64);
        gc.objects_not_transitively_reachable.add(report.objects as u64);
        b.counters.objects.frees.add(report.collected as u64);
    }
    match report.generation {
        Generation::Young => LIVE.collections_young.add(1),
        Generation::Full => LIVE.collections_full.add(1),
    }
    LIVE.allocated.add(report.allocated as u64);
    LIVE.collection_time.add(report.ns);
    LIVE.collection_longest.raise(report.ns);
    LIVE.cells_freed.add(report.collected as u64);
    LIVE.heap_live.set(report.live as u64);
    LIVE.heap_size.set(report.heap as u64);
}

/// All threads stood still for so many nanoseconds.
pub fn world_stopped(t: Option<&Thread>, ns: u64) {
    if let Some(b) = t.and_then(block) {
        b.counters.threads.world_stops.increment();
        b.counters.threads.world_stop_ns.add(ns);
    }
    LIVE.world_stops.add(1);
    LIVE.world_stop_time.add(ns);
    LIVE.world_stop_longest.raise(ns);
}

/// What somebody outside of the process wants; see [`limpid_pystats::offsets`].
pub static WISH: AtomicU8 = AtomicU8::new(0);

/// Does what somebody outside of the process wants.
pub fn fulfil_wish(t: &Thread) {
    match WISH.swap(0, AcqRel) {
        1 => switch(t, true),
        2 => {
            switch(t, false);
            // Whoever waits for the file sees that there is none; the program has nothing to do with it.
            let _ = write_as_told(t, Some(&format!("live-{}.txt", std::process::id())));
        }
        _ => {}
    }
}

/// Has all threads count, or stop counting; what was counted stays. They do so where they next look for requests.
pub fn switch(t: &Thread, on: bool) {
    let interpreter = t.interpreter();
    if interpreter.counts.swap(on, AcqRel) != on && tier2::is_enabled() {
        // Machine code counts from its first instruction on, or never.
        t.mutator.stop_world(c"statistics", |_| tier2::retire_all(t.runtime()));
    }
    LIVE.counting.set(on.into());
    t.runtime().request_all(request::TABLE);
}

/// The thread's own table if the interpreter counts. From here on the thread counts, or does not.
pub fn counting_table(t: &Thread) -> Option<*const Table> {
    if !cfg!(feature = "pystats") || !t.interpreter().counts.load(Acquire) {
        t.stats.set(std::ptr::null_mut());
        return None;
    }
    if t.stats_kept.get().is_null() {
        let block = ThreadStats { counters: Stats::default(), instructions: CountingTable::new() };
        t.stats_kept.set(Box::into_raw(Box::new(block)));
    }
    t.stats.set(t.stats_kept.get());
    kept(t).map(|b| b.instructions.handlers())
}

/// Is this the table with which the thread counts?
pub fn is_counting_table(t: &Thread, table: *const Table) -> bool {
    block(t).is_some_and(|b| b.instructions.handlers() == table)
}

/// Adds what this thread has counted to the interpreter's numbers and forgets it.
pub fn flush(t: &Thread) {
    if let Some(b) = kept(t) {
        let total = t.interpreter().stats.lock();
        b.collect(&total);
        tier2::collect(t, &total);
    }
}

/// Does something with the interpreter's numbers to which all threads have added theirs.
fn with_all<R>(t: &Thread, f: impl FnOnce(&mut Stats) -> R) -> R {
    let interpreter = t.interpreter();
    t.mutator.stop_world(c"statistics", |_| {
        let mut total = interpreter.stats.lock();
        interpreter.each_thread(t, |other| {
            if let Some(b) = kept(other) {
                b.collect(&total);
                tier2::collect(other, &total);
            }
        });
        f(&mut total)
    })
}

/// Forgets what was counted so far, by all threads.
pub fn clear(t: &Thread) {
    take(t);
}

/// What all threads have counted, which is forgotten.
fn take(t: &Thread) -> (Stats, Vec<Exit>) {
    with_all(t, |total| (std::mem::take(total), exits::take()))
}

/// In the child of a fork: what was counted before is the parent's to tell.
pub fn after_fork_child(t: &Thread) {
    if !was_on(t) {
        return;
    }
    let mut total = t.interpreter().stats.lock();
    if let Some(b) = kept(t) {
        b.collect(&total);
    }
    **total = Stats::default();
    exits::take();
}

/// Was anything ever counted?
pub fn was_on(t: &Thread) -> bool {
    t.interpreter().counts.load(Acquire) || kept(t).is_some()
}

/// Frees the thread's block, after [`flush`].
pub fn discard(t: &Thread) {
    t.stats.set(std::ptr::null_mut());
    let p = t.stats_kept.replace(std::ptr::null_mut());
    if !p.is_null() {
        // SAFETY: made by `counting_table` in this thread, which runs no handler any more; nobody else keeps it.
        drop(unsafe { Box::from_raw(p) });
    }
}

/// The names of all opcodes, by number.
pub fn opcode_names() -> [&'static str; 256] {
    let mut names = [""; 256];
    for op in Opcode::all().take(OPCODE_COUNT) {
        names[op as usize] = op.name();
    }
    names[INSTRUMENTED as usize] = "INSTRUMENTED";
    names
}

/// Writes the interpreter's numbers to a file in a directory, a new one if it has no name, and forgets them.
fn write(t: &Thread, directory: &Path, name: Option<&str>) -> std::io::Result<()> {
    let (total, exits) = take(t);
    let calls = &total.calls;
    let by_native = calls.pyeval_calls.get() - calls.eval_calls[EvalCall::Generator as usize].get();
    calls.inlined_py_calls.add(calls.frames_pushed.get().saturating_sub(by_native));
    let names = opcode_names();
    let path = name.map_or_else(|| folder::new_path(directory, "txt"), |name| directory.join(name));
    dump::write_file(&path, &total, &exits, &Names { opcodes: &names, specializable: &is_family, uops: tier2::uop_names() })?;
    LIVE.statistics_written.add(1);
    Ok(())
}

/// Writes them where the environment says, otherwise to the usual folder, and forgets them. An error comes with the place.
pub fn write_as_told(t: &Thread, name: Option<&str>) -> Result<(), (PathBuf, std::io::Error)> {
    let named = std::env::var_os(folder::VARIABLE).filter(|named| !named.is_empty() && !t.runtime().options.ignore_environment);
    let (place, ready) = match named {
        Some(named) => (PathBuf::from(named), Ok(())),
        None => (PathBuf::from(folder::DIRECTORY), folder::prepare(Path::new(folder::DIRECTORY))),
    };
    ready.and_then(|()| write(t, &place, name)).map_err(|error| (place, error))
}

/// Is this the general form of a family of specialized instructions?
fn is_family(op: u8) -> bool {
    Opcode::all().any(|special| special.is_specialized() && special.family() as u8 == op)
}
