//! The supply of blocks that all threads share: which are free, which have room left, which were allocated from since the last
//! collection. Threads come here once for each 64 KiB they allocate.
//!
//! A free block is *clean* (its memory was never used or given back: it reads as zero) or *dirty* (still mapped, holds garbage). Dirty
//! blocks are preferred for small cells, which costs no page faults; the collector decides how many of them stay.
//!
//! The limit of the heap is checked here, in blocks. [`Demand::Reserve`] may exceed it by [`RESERVE`] blocks: small allocations never
//! fail, they only raise a request that the embedder answers soon.

use crate::OutOfMemory;
use crate::freeze::Frozen;
use crate::layout::*;
use crate::region::{self, Block, Use};
use crate::registry::Registrations;
use crate::runs::FreeRuns;
use crate::sync::lock;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, MutexGuard};

/// Blocks of small cells that only [`Demand::Reserve`] gets: 4 MiB.
const RESERVE: usize = 64;

/// How far a request may go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Demand {
    /// Up to the limit.
    Normal,
    /// Into the reserve.
    Reserve,
}

/// Blocks a request got.
pub(crate) struct Taken {
    pub(crate) start: u32,
    /// They hold garbage.
    pub(crate) dirty: bool,
}

pub(crate) struct Pool {
    clean: FreeRuns,
    dirty: FreeRuns,
    /// Dirty single blocks, the next to be used last.
    singles: Vec<u32>,
    /// Kept for when the system gives no more memory.
    emergency: FreeRuns,
    /// Blocks that are not free.
    in_use: usize,
    /// The most blocks that `in_use` may come to without the reserve.
    limit: usize,
    /// Blocks beyond the limit that large cells which could not be refused have: the reserve for small ones begins behind them.
    overdraft: usize,
    /// For each class, blocks with at least half of their cells free that were not allocated from since the last collection.
    pub(crate) roomy: [Vec<u32>; CLASSES],
    /// The same with less room. Their gaps are short, so finding one after the other takes longer than making cells in an empty block.
    pub(crate) tight: [Vec<u32>; CLASSES],
    /// For each class, used blocks with free cells whose threads have ended.
    pub(crate) abandoned: [Vec<u32>; CLASSES],
    /// Blocks of small cells that were allocated from since the last collection.
    pub(crate) used: Vec<u32>,
    /// Large cells allocated since the last collection.
    pub(crate) large_young: Vec<u32>,
    /// Large cells that survived a collection.
    pub(crate) large_old: Vec<u32>,
    /// What threads that have ended left: see [`crate::Mutator`].
    pub(crate) remembered: Vec<usize>,
    pub(crate) registrations: Registrations,
    /// Registrations that survived a collection.
    pub(crate) old_registrations: Registrations,
    /// Bytes of cells that survived the last collection.
    pub(crate) live: usize,
    pub(crate) frozen: Option<Frozen>,
}

static POOL: Mutex<Pool> = Mutex::new(Pool {
    clean: FreeRuns::new(),
    dirty: FreeRuns::new(),
    singles: Vec::new(),
    emergency: FreeRuns::new(),
    in_use: 0,
    limit: usize::MAX,
    overdraft: 0,
    roomy: [const { Vec::new() }; CLASSES],
    tight: [const { Vec::new() }; CLASSES],
    abandoned: [const { Vec::new() }; CLASSES],
    used: Vec::new(),
    large_young: Vec::new(),
    large_old: Vec::new(),
    remembered: Vec::new(),
    registrations: Registrations::new(),
    old_registrations: Registrations::new(),
    live: 0,
    frozen: None,
});

/// The pool, locked. Nobody reaches a safepoint with it.
pub(crate) fn pool() -> MutexGuard<'static, Pool> {
    lock(&POOL)
}

impl Pool {
    /// Sets the limit, in bytes, and the reserve aside.
    pub(crate) fn prepare(&mut self, limit: Option<usize>) {
        self.limit = limit.map_or(usize::MAX, |bytes| bytes.div_ceil(BLOCK));
        self.refill_reserve();
    }

    /// Bytes of blocks that are not free.
    pub(crate) fn bytes_in_use(&self) -> usize {
        self.in_use * BLOCK
    }

    /// Takes `count` blocks in a row.
    pub(crate) fn take(&mut self, count: u32, demand: Demand) -> Result<Taken, OutOfMemory> {
        let wanted = self.in_use + count as usize;
        let reserve = if demand == Demand::Reserve { self.overdraft + RESERVE } else { 0 };
        let large = demand == Demand::Reserve && count > 1;
        if wanted > self.limit.saturating_add(reserve) && !large {
            return Err(OutOfMemory);
        }
        let taken = self.find(count, demand).ok_or(OutOfMemory)?;
        self.in_use = wanted;
        if large {
            self.overdraft = self.overdraft.max(wanted.saturating_sub(self.limit));
        }
        Ok(taken)
    }

    fn find(&mut self, count: u32, demand: Demand) -> Option<Taken> {
        if count == 1
            && let Some(start) = self.singles.pop()
        {
            return Some(Taken { start, dirty: true });
        }
        if let Some(start) = self.dirty.take(count) {
            return Some(Taken { start, dirty: true });
        }
        let mut clean = self.clean.take(count).or_else(|| region::grow(count));
        if clean.is_none() {
            // No run is long enough, or the system gives no memory: make runs of what is in pieces.
            self.release_dirty(0);
            clean = self.clean.take(count);
        }
        if clean.is_none() && demand == Demand::Reserve {
            clean = self.emergency.take(count);
        }
        clean.map(|start| Taken { start, dirty: false })
    }

    /// A block of small cells of this class with at least one free cell, now on the list of used blocks.
    pub(crate) fn take_small(&mut self, class: usize, demand: Demand) -> Result<u32, OutOfMemory> {
        let started = self.abandoned[class].pop().or_else(|| self.roomy[class].pop());
        // Blocks in pieces come after free ones that are mapped, and before the heap grows.
        let nothing_mapped = self.singles.is_empty() && self.dirty.blocks() == 0;
        let tight = || nothing_mapped.then(|| self.tight[class].pop()).flatten();
        let number = match started.or_else(tight) {
            Some(number) => number,
            None => self.start_small(class, demand)?,
        };
        if region::block(number).raise(Block::USED) {
            self.used.push(number);
        }
        Ok(number)
    }

    /// An empty block, or, if there is none, one that is nearly full.
    fn start_small(&mut self, class: usize, demand: Demand) -> Result<u32, OutOfMemory> {
        let taken = match self.take(1, demand) {
            Ok(taken) => taken,
            Err(error) => return self.tight[class].pop().ok_or(error),
        };
        let block = region::block(taken.start);
        block.set_class(class);
        block.allocated.store(0, Relaxed);
        block.count.store(0, Relaxed);
        block.touched.store(if taken.dirty { BLOCK as u32 } else { 0 }, Relaxed);
        block.set_usage(Use::Small);
        Ok(taken.start)
    }

    /// Blocks for a large cell, entered in the table.
    pub(crate) fn take_large(&mut self, count: u32, demand: Demand) -> Result<Taken, OutOfMemory> {
        let taken = self.take(count, demand)?;
        for distance in 1..count {
            let block = region::block(taken.start + distance);
            block.count.store(distance, Relaxed);
            block.set_usage(Use::LargeRest);
        }
        let block = region::block(taken.start);
        block.count.store(count, Relaxed);
        block.set_class(0);
        block.set_usage(Use::Large);
        self.large_young.push(taken.start);
        Ok(taken)
    }

    /// Takes back a block of small cells that has none left.
    pub(crate) fn give_small(&mut self, number: u32) {
        region::block(number).set_usage(Use::Free);
        self.in_use -= 1;
        self.singles.push(number);
    }

    /// Takes back the blocks of a large cell.
    pub(crate) fn give_large(&mut self, start: u32) {
        let count = region::block(start).count.load(Relaxed);
        for number in start..start + count {
            region::block(number).set_usage(Use::Free);
        }
        self.in_use -= count as usize;
        self.dirty.insert(start, count);
    }

    /// Ends a sweep: keeps at most `keep` bytes of free blocks mapped and puts the single ones in the order they are best used in.
    pub(crate) fn settle(&mut self, keep: usize) {
        self.release_dirty(keep / BLOCK);
        self.refill_reserve();
        if self.in_use <= self.limit {
            self.overdraft = 0;
        }
        self.singles.sort_unstable_by(|a, b| b.cmp(a));
    }

    /// Gives free blocks back to the system until at most `keep` are left mapped: whole runs first, they cost the fewest calls.
    fn release_dirty(&mut self, keep: usize) {
        let excess = |pool: &Pool| (pool.dirty.blocks() + pool.singles.len()).saturating_sub(keep);
        if excess(self) == 0 {
            return;
        }
        let spare = self.singles.len().saturating_sub(keep);
        for number in self.singles.drain(..spare) {
            self.dirty.insert(number, 1);
        }
        loop {
            let excess = excess(self) as u32;
            let Some((start, length)) = (excess > 0).then(|| self.dirty.take_longest()).flatten() else {
                break;
            };
            let count = length.min(excess);
            if count < length {
                self.dirty.insert(start + count, length - count);
            }
            region::release(block_address(start)..block_address(start + count));
            self.clean.insert(start, count);
        }
    }

    fn refill_reserve(&mut self) {
        let missing = RESERVE - self.emergency.blocks();
        if missing == 0 {
            return;
        }
        for _ in 0..missing {
            let Some(start) = self.clean.take(1).or_else(|| region::grow(1)) else {
                break;
            };
            self.emergency.insert(start, 1);
        }
    }
}
