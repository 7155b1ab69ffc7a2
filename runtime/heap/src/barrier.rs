//! Storing references into cells.
//!
//! A minor collection looks at young cells only, so it has to know which old cells refer to young ones. An old cell carries
//! [`Header::OLD_UNLOGGED`]; the first store to it after a collection clears the bit and puts the cell on the thread's list of
//! *remembered* cells, which are scanned again. Later stores to it test one bit.
//!
//! Scanning all of a large array because of one store would make filling it quadratic. So the bit of a large cell stays, and each store
//! to it sets a mark bit of the granule that was stored to (a large cell uses only the bit of its first granule otherwise): its
//! *cards*. A minor collection looks at the words of those granules.

use crate::Value;
use crate::cell::{GRANULE, Header, ShapeRef};
use crate::layout::{MARKS, block_of};
use crate::mutator::Mutator;
use crate::region::{self, Block, Use};
use std::sync::atomic::{
    AtomicU64,
    Ordering::{Relaxed, Release},
};

/// Stores a value in a slot of the cell `owner`: the one way to store a reference into a cell that may be old.
///
/// # Safety
/// `owner` is a live cell and `slot` lies inside it.
#[inline(always)]
pub unsafe fn store(m: &Mutator, owner: *const Header, slot: *const AtomicU64, v: Value) {
    // SAFETY: by contract.
    unsafe {
        (*slot).store(v.bits(), Release);
        if (*owner).gc.load(Relaxed) & Header::OLD_UNLOGGED != 0 {
            log_slot(m, owner, slot);
        }
    }
}

/// Tells the collector that references were stored all over `owner`: for bulk moves. To be called after the stores and before the next
/// safepoint.
///
/// # Safety
/// `owner` is a live cell.
#[inline(always)]
pub unsafe fn write_barrier(m: &Mutator, owner: *const Header) {
    // SAFETY: by contract.
    unsafe {
        if (*owner).gc.load(Relaxed) & Header::OLD_UNLOGGED != 0 {
            log(m, owner);
        }
    }
}

/// Gives a cell another shape; what readers find by it was stored before.
///
/// # Safety
/// `owner` is a live cell and `shape` refers to one.
#[inline(always)]
pub unsafe fn publish_shape(m: &Mutator, owner: *const Header, shape: ShapeRef) {
    // SAFETY: by contract.
    unsafe {
        (*owner).shape_word().store(shape.0, Release);
        write_barrier(m, owner);
    }
}

/// The slow path of [`store`], to be called if the owner has [`Header::OLD_UNLOGGED`] set.
///
/// # Safety
/// As for [`store`].
#[cold]
#[inline(never)]
pub unsafe fn log_slot(m: &Mutator, owner: *const Header, slot: *const AtomicU64) {
    let block = region::block(block_of(owner as usize));
    let first_granule = slot as usize - (owner as usize) < GRANULE;
    if block.usage() != Use::Large || first_granule {
        // SAFETY: by contract.
        unsafe { log(m, owner) };
        return;
    }
    let (word, bit) = region::bit(MARKS, slot as usize);
    if word.load(Relaxed) & bit == 0 {
        word.fetch_or(bit, Relaxed);
        block.raise(Block::CARDS);
    }
}

/// Remembers a cell, unless another thread was faster.
#[cold]
#[inline(never)]
unsafe fn log(m: &Mutator, owner: *const Header) {
    // SAFETY: by the callers' contract.
    let before = unsafe { (*owner).gc.fetch_and(!Header::OLD_UNLOGGED, Relaxed) };
    if before & Header::OLD_UNLOGGED != 0 {
        m.remember(owner);
    }
}
