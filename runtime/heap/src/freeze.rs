//! Frozen cells: those that existed when the program called `gc.freeze`. Full collections take them for alive without looking at them.
//!
//! They keep their marks in a full collection, so marking stops at them. A frozen cell can refer to others only if it was stored to
//! after it was frozen; the barrier has noted that, and from then on each full collection scans the cell again.

use crate::cell::{GRANULE, HEAP_BASE};
use crate::collect::{self, Generation};
use crate::layout::{FIRST_BLOCK, MARKS, block_address};
use crate::mutator::Mutator;
use crate::pool::{Pool, pool};
use crate::region::{self, Block};
use crate::role::Role;
use crate::walk::each_object;
use std::sync::atomic::Ordering::Relaxed;

/// What is frozen.
pub(crate) struct Frozen {
    /// The mark bits, from [`FIRST_BLOCK`] on.
    marks: Vec<u64>,
    /// How many objects.
    objects: usize,
    /// Frozen cells that were stored to since.
    written: Vec<usize>,
}

/// Collects everything and freezes what is left. Frozen cells stay so until [`unfreeze`].
pub fn freeze(m: &Mutator) {
    m.stop_world(c"gc.freeze", |world| {
        let Some(_role) = Role::take(m) else {
            return;
        };
        collect::run(m, collect::Request::plain(Generation::Full));
        let mut objects = 0;
        each_object(world, &mut |_| objects += 1);
        let mut pool = pool();
        let blocks = FIRST_BLOCK..region::top();
        let words = blocks.flat_map(|number| region::words_of(MARKS, number));
        let marks = words.map(|word| word.load(Relaxed)).collect();
        let written = pool.frozen.take().map_or(Vec::new(), |frozen| frozen.written);
        pool.frozen = Some(Frozen { marks, objects, written });
    });
}

/// Lets full collections look at all cells again.
pub fn unfreeze(m: &Mutator) {
    m.stop_world(c"gc.unfreeze", |_| pool().frozen = None);
}

/// How many objects are frozen.
pub fn frozen_objects() -> usize {
    pool().frozen.as_ref().map_or(0, |frozen| frozen.objects)
}

impl Frozen {
    fn contains(&self, cell: usize) -> bool {
        let granule = (cell - HEAP_BASE) / GRANULE;
        let bit = granule.checked_sub(FIRST_BLOCK as usize * BLOCK_GRANULES);
        let word = bit.and_then(|bit| self.marks.get(bit / 64));
        word.is_some_and(|word| word >> (granule % 64) & 1 != 0)
    }

    /// The frozen cells that may refer to others.
    pub(crate) fn written(&self) -> &[usize] {
        &self.written
    }

    /// Sets the marks of the frozen cells; no others are set.
    pub(crate) fn mark_all(&self) {
        let blocks = (FIRST_BLOCK..).zip(self.marks.chunks_exact(BLOCK_GRANULES / 64));
        for (number, words) in blocks {
            for (mark, word) in region::words_of(MARKS, number).iter().zip(words) {
                mark.store(*word, Relaxed);
            }
        }
    }
}

const BLOCK_GRANULES: usize = crate::layout::BLOCK / GRANULE;

/// Takes down which frozen cells were stored to since the last collection.
pub(crate) fn note_stores(pool: &mut Pool) {
    let Some(frozen) = &mut pool.frozen else {
        return;
    };
    let has_cards = |first: &&u32| region::block(**first).has(Block::CARDS);
    let large = pool.large_old.iter().filter(has_cards).map(|first| block_address(*first));
    let stored = pool.remembered.iter().copied().chain(large);
    let mut written: Vec<usize> = stored.filter(|cell| frozen.contains(*cell)).collect();
    frozen.written.append(&mut written);
    frozen.written.sort_unstable();
    frozen.written.dedup();
}
