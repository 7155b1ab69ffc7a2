//! Sorting blocks after marking: free, with room, full.
//!
//! Nothing is done to the cells themselves. The mark bits say which live, and allocation goes through the gaps between them.

use crate::cell::Header;
use crate::layout::*;
use crate::pool::Pool;
use crate::region::{self, Block, Use};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// What dead cells are filled with if [`crate::Config::poison`] asks for it: no address, no value, no kind of cell.
pub const POISON: u64 = 0xFFF5_F5F5_F5F5_F5F5;

static POISONING: AtomicBool = AtomicBool::new(false);

pub(crate) fn configure(poison: bool) {
    POISONING.store(poison, Relaxed);
}

/// What a sweep found.
#[derive(Default)]
pub(crate) struct Swept {
    /// Cells that died, and their bytes.
    pub(crate) dead: usize,
    pub(crate) freed: usize,
    /// Bytes of cells: after a full collection of all that live, after a minor one of those that became old.
    pub(crate) live: usize,
}

/// Sweeps what the collection may have changed: all blocks, or those that were allocated from.
pub(crate) fn sweep(pool: &mut Pool, full: bool) -> Swept {
    let mut swept = Swept::default();
    let used = std::mem::take(&mut pool.used);
    pool.abandoned.iter_mut().for_each(Vec::clear);
    if full {
        pool.roomy.iter_mut().for_each(Vec::clear);
        pool.tight.iter_mut().for_each(Vec::clear);
        let small = |number: &u32| region::block(*number).usage() == Use::Small;
        for number in (FIRST_BLOCK..region::top()).filter(small) {
            sweep_small(pool, number, true, &mut swept);
        }
    } else {
        for number in used {
            sweep_small(pool, number, false, &mut swept);
        }
    }
    sweep_large(pool, full, &mut swept);
    swept
}

fn sweep_small(pool: &mut Pool, number: u32, full: bool, swept: &mut Swept) {
    let block = region::block(number);
    let class = block.class();
    let size = CLASS_SIZES[class] as usize;
    let before = block.count.load(Relaxed) as usize;
    let offset = block.allocated.load(Relaxed) as usize;
    // Cells below the offset were all allocated, above it those that were marked before.
    let allocated = offset / size + marks_from(if full { SNAPSHOT } else { MARKS }, number, offset);
    let live = marks_from(MARKS, number, 0);
    swept.dead += allocated - live;
    swept.freed += (allocated - live) * size;
    swept.live += if full { live } else { live - before } * size;
    block.lower(Block::USED);
    block.count.store(live as u32, Relaxed);
    block.allocated.store(0, Relaxed);
    if POISONING.load(Relaxed) {
        poison_small(number, class);
    }
    let cells = usable_bytes(class) / size;
    if live == 0 {
        pool.give_small(number);
    } else if live <= cells / 2 {
        pool.roomy[class].push(number);
    } else if live <= cells - cells.div_ceil(8) {
        pool.tight[class].push(number);
    }
}

/// How many mark bits a block has at and after an offset.
fn marks_from(bitmap: usize, number: u32, offset: usize) -> usize {
    let words = region::words_of(bitmap, number);
    let granule = offset / crate::GRANULE;
    let Some(first) = words.get(granule / 64) else {
        return 0;
    };
    let mut count = (first.load(Relaxed) >> (granule % 64)).count_ones();
    for word in &words[granule / 64 + 1..] {
        let word = word.load(Relaxed);
        // Most are zero; counting bits takes a dozen instructions on the oldest processors we run on.
        if word != 0 {
            count += word.count_ones();
        }
    }
    count as usize
}

fn sweep_large(pool: &mut Pool, full: bool, swept: &mut Swept) {
    let mut candidates = std::mem::take(&mut pool.large_young);
    if full {
        candidates.append(&mut pool.large_old);
    }
    for first in candidates {
        let cell = block_address(first);
        let bytes = region::block(first).count.load(Relaxed) as usize * BLOCK;
        if region::is_set(MARKS, cell) {
            swept.live += bytes;
            pool.large_old.push(first);
        } else {
            swept.dead += 1;
            swept.freed += bytes;
            if POISONING.load(Relaxed) {
                poison(cell, bytes);
            }
            pool.give_large(first);
        }
    }
}

fn poison_small(number: u32, class: usize) {
    let size = CLASS_SIZES[class] as usize;
    let base = block_address(number);
    let touched = base + region::block(number).touched.load(Relaxed) as usize;
    for cell in (base..base + usable_bytes(class)).step_by(size) {
        if cell + size <= touched && !region::is_set(MARKS, cell) {
            poison(cell, size);
        }
    }
}

fn poison(cell: usize, size: usize) {
    for address in (cell..cell + size).step_by(size_of::<Header>()) {
        // SAFETY: a dead cell, and no thread runs.
        unsafe { (address as *mut u64).write(POISON) };
    }
}
