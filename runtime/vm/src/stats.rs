//! What a thread counts.
//!
//! Each thread has its own block and counts into it with plain stores. It is there only while counting is on ([`start`]), so the checks
//! on slow paths are one load; instructions are counted by a dispatch table of their own, which costs nothing when it is not in force.
//! Blocks are added into the interpreter's when the thread ends or when a report is made.
//!
//! Besides, some things that are rare are counted always, in the process's live segment ([`limpid_pystats::live`]).

use crate::instrument::running_table;
use crate::interp::dispatch;
use crate::thread::{Thread, request};
use limpid_bytecode::{OPCODE_COUNT, Opcode};
use limpid_heap::{CollectionReport, Generation};
use limpid_pystats::dump::{self, Names};
use limpid_pystats::folder;
use limpid_pystats::live::LIVE;
use limpid_pystats::model::{Block, Stats};
use std::cell::Cell;
use std::path::PathBuf;
use std::sync::atomic::Ordering::Release;

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

/// A thread's block, and the instruction before the current one.
#[derive(Default)]
pub struct ThreadStats {
    /// The counters.
    pub counters: Stats,
    last: Cell<u8>,
}

/// The thread's block, if counting is on.
#[inline(always)]
pub fn block(t: &Thread) -> Option<&ThreadStats> {
    // SAFETY: the block is freed by its own thread only, in `stop` when it ends.
    unsafe { t.stats.get().as_ref() }
}

/// Counts an instruction and the pair it makes with the one before.
pub fn count_instruction(t: &Thread, op: u8) {
    if let Some(b) = block(t) {
        let opcodes = b.counters.opcodes.get();
        opcodes[op as usize].execution_count.increment();
        opcodes[b.last.get() as usize].pair_count.get()[op as usize].increment();
        b.last.set(op);
        if let Some(opcode) = Opcode::from_u8(op)
            && opcode.is_specialized()
        {
            opcodes[opcode as usize].hit.increment();
        }
    }
}

/// The general form of a family ran because it is not yet time to specialize.
#[inline]
pub fn deferred(t: &Thread, family: Opcode) {
    if let Some(b) = block(t) {
        b.counters.opcodes.get()[family as usize].deferred.increment();
    }
}

/// An instruction was specialized.
pub fn specialized(t: &Thread, family: Opcode) {
    if let Some(b) = block(t) {
        b.counters.opcodes.get()[family as usize].success.increment();
    }
}

/// An instruction could not be specialized.
pub fn failed(t: &Thread, family: Opcode, kind: Failure) {
    if let Some(b) = block(t) {
        b.counters.opcodes.get()[family as usize].fail(kind as usize);
    }
}

/// A garbage collection has ended: what every process counts, for those who watch it.
pub fn collected(report: &CollectionReport) {
    match report.generation {
        Generation::Young => LIVE.collections_young.add(1),
        Generation::Full => LIVE.collections_full.add(1),
    }
    LIVE.collection_time.add(report.ns);
    LIVE.collection_longest.raise(report.ns);
    LIVE.cells_freed.add(report.collected as u64);
    LIVE.heap_live.set(report.live as u64);
    LIVE.heap_size.set(report.heap as u64);
}

/// All threads stood still for so many nanoseconds.
pub fn world_stopped(ns: u64) {
    LIVE.world_stops.add(1);
    LIVE.world_stop_time.add(ns);
    LIVE.world_stop_longest.raise(ns);
}

/// Starts counting in this thread.
pub fn start(t: &Thread) {
    if t.stats.get().is_null() {
        t.stats.set(Box::into_raw(Box::default()));
    }
    t.table.set(&raw const dispatch::COUNTING as *const ());
}

/// Has all threads count from now on, or no more; what was counted stays.
pub fn switch(t: &Thread, on: bool) {
    let interpreter = t.interpreter();
    t.mutator.stop_world(c"statistics", |_| {
        let table = if on { &raw const dispatch::COUNTING } else { running_table(&interpreter.instrumentation) };
        interpreter.table.store(table.cast_mut(), Release);
    });
    interpreter.request_all(request::TABLE);
    take_table(t);
}

/// Are the statistics on?
pub fn are_counted(t: &Thread) -> bool {
    std::ptr::eq(dispatch::usual_table(t), &raw const dispatch::COUNTING)
}

/// Takes the dispatch table that is in force.
pub fn take_table(t: &Thread) {
    if are_counted(t) { start(t) } else { t.table.set(dispatch::usual_table(t).cast()) }
}

/// Forgets what all threads have counted.
pub fn clear(t: &Thread) {
    gather(t);
    t.interpreter().stats.lock().clear();
}

/// Adds what this thread has counted to the interpreter's numbers and forgets it.
pub fn flush(t: &Thread) {
    if let Some(b) = block(t) {
        let total = t.interpreter().stats.lock();
        b.counters.merge_into(&total);
        b.counters.clear();
    }
}

/// Frees the thread's block, after [`flush`].
pub fn discard(t: &Thread) {
    let p = t.stats.replace(std::ptr::null_mut());
    if !p.is_null() {
        // SAFETY: made by `start` in this thread, and nobody else keeps it.
        drop(unsafe { Box::from_raw(p) });
    }
}

/// The names of all opcodes, by number.
pub fn opcode_names() -> [&'static str; 256] {
    let mut names = [""; 256];
    for op in Opcode::all().take(OPCODE_COUNT) {
        names[op as usize] = op.name();
    }
    names
}

/// Adds what all threads have counted to the interpreter's numbers.
fn gather(t: &Thread) {
    t.mutator.stop_world(c"statistics", |_| t.interpreter().each_thread(flush));
}

/// Writes the interpreter's numbers to a new file where `pystats report` looks for it, or in the folder that the environment names. An
/// error comes with the folder.
pub fn write(t: &Thread) -> Result<(), (PathBuf, std::io::Error)> {
    gather(t);
    let named = std::env::var_os(folder::VARIABLE).filter(|named| !named.is_empty() && !t.interpreter().options.ignore_environment);
    let directory = named.as_ref().map_or_else(|| PathBuf::from(folder::DIRECTORY), PathBuf::from);
    let names = opcode_names();
    let prepared = if named.is_some() { Ok(()) } else { folder::prepare(&directory) };
    let written = prepared.and_then(|()| {
        let total = t.interpreter().stats.lock();
        dump::write_file(&directory, &total, &Names { opcodes: &names, specializable: &is_family, uops: &[] }).map(|_| ())
    });
    written.map_err(|error| (directory, error))
}

/// Is this the general form of a family of specialized instructions?
fn is_family(op: u8) -> bool {
    Opcode::all().any(|special| special.is_specialized() && special.family() as u8 == op)
}
