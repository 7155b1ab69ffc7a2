//! Counting instructions: a thread's own dispatch table, with the counts behind it.
//!
//! All that is counted for an instruction is the pair that it makes with the one before; how often an instruction ran, and how often a
//! specialized one did its work, follows from that when the counts are collected ([`CountingTable::collect`]). The table is the dispatch
//! table of its thread ([`super::dispatch`]), so that a handler has it in a register, and every address below follows from that register:
//!
//! ```text
//! mov  rax, [r9 + 0x800]              the counts of pairs with the instruction before
//! inc  qword [rax + 8 * OPCODE]       this pair
//! lea  rax, [r9 + 0x810 + 0x800 * OPCODE]
//! mov  [r9 + 0x800], rax              what the next one counts in
//! ...                                 the handler itself if it is short, otherwise a jump there
//! ```
//!
//! What that costs is told by `scripts/bench --stats`: a loop that calls an empty function takes about 1.5 times as long; programs that
//! allocate much about twice, because allocations are counted as well.
//! Before, one stub for all instructions looked the instruction up again, found two counters through the thread, tested whether it was a
//! specialized one, and asked the eight tools what they want, for each instruction: 5.5 times.

use super::dispatch::{COUNTING_HANDLERS, Table};
use limpid_bytecode::Opcode;
use limpid_pystats::model::{Counter, OPCODES, Stats};
use std::cell::Cell;

/// Counts by the opcode that follows.
type Row = [Counter; OPCODES];

/// A dispatch table that counts.
#[repr(C)]
pub struct CountingTable {
    handlers: Table,
    /// What the next instruction counts in: one of `pairs`.
    row: Cell<*const Row>,
    /// Functions that began to run, or generators.
    frames: Counter,
    pairs: [Row; OPCODES],
}

const _: () = assert!(std::mem::size_of::<CountingTable>() < 520 << 10, "a thread's share of memory");

impl CountingTable {
    /// A table where nothing was counted yet.
    pub fn new() -> Box<CountingTable> {
        let mut table = Box::<CountingTable>::new_zeroed();
        let p = table.as_mut_ptr();
        // SAFETY: zeros are valid counters; the rest is written here. Pages of pairs that do not occur are never touched.
        unsafe {
            (&raw mut (*p).handlers).write(COUNTING_HANDLERS);
            (&raw mut (*p).row).write(Cell::new(&raw const (*p).pairs[Opcode::CACHE as usize]));
            table.assume_init()
        }
    }

    /// The counting table that a handler runs with.
    ///
    /// # Safety
    /// It is one.
    #[inline(always)]
    pub unsafe fn of<'a>(table: *const Table) -> &'a CountingTable {
        // SAFETY: the handlers are its first field.
        unsafe { &*table.cast() }
    }

    /// The part of it that instructions are dispatched through.
    pub fn handlers(&self) -> *const Table {
        &raw const self.handlers
    }

    /// Counts an instruction.
    #[inline(always)]
    pub fn count(&self, op: u8) {
        // SAFETY: `row` is one of `pairs`.
        let row = unsafe { &*self.row.get() };
        row[op as usize].increment();
        self.row.set(&raw const self.pairs[op as usize]);
    }

    /// A RESUME with this operand runs: counts the frame if it has just begun.
    #[inline(always)]
    pub fn count_frame(&self, o: u32) {
        /// The bits of the operand that tell where the RESUME stands: 0 is the start of a function.
        const PLACE: u32 = 3;
        if o & PLACE == 0 {
            self.frames.increment();
        }
    }

    /// Adds what was counted to `total`, and forgets it. `own` is what the thread has counted elsewhere and has yet to add: its misses
    /// tell which specialized instructions did not do their work. The thread itself calls this, or stands still.
    pub fn collect(&self, own: &Stats, total: &Stats) {
        let opcodes = total.opcodes.get();
        let mut executed = [0; OPCODES];
        for (first, row) in self.pairs.iter().enumerate() {
            for (next, counter) in row.iter().enumerate().filter(|(_, counter)| counter.get() != 0) {
                opcodes[first].pair_count.get()[next].add(counter.get());
                executed[next] += counter.get();
                counter.clear();
            }
        }
        let missed = |op: usize| own.opcodes.allocated().map_or(0, |opcodes| opcodes[op].miss.get());
        for (op, count) in executed.into_iter().enumerate().filter(|(_, count)| *count != 0) {
            opcodes[op].execution_count.add(count);
            if let Some(special) = Opcode::from_u8(op as u8).filter(|op| op.is_specialized()) {
                opcodes[special.family() as usize].hit.add(count.saturating_sub(missed(op)));
            }
        }
        total.calls.frames_pushed.add(self.frames.get());
        self.frames.clear();
    }
}
