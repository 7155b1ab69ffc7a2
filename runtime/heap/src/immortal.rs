//! Cells that live as long as the process, at addresses that are the same in every run: what the embedder makes at start-up, in a fixed
//! order.
//!
//! They are marked from birth and never unmarked, so the collector passes over references to them. They count as old: a store to one is
//! remembered like a store to any old cell, and a full collection scans them all.

use crate::cell::{GRANULE, Header};
use crate::layout::{IMMORTAL_BASE, IMMORTAL_SIZE, MARKS, in_region};
use crate::pool::pool;
use crate::region;
use crate::sync::lock;
use std::ptr::NonNull;
use std::sync::Mutex;
use std::sync::atomic::Ordering::Relaxed;

/// Where the next cell goes.
static NEXT: Mutex<usize> = Mutex::new(IMMORTAL_BASE);

/// Allocates an immortal cell of `size` bytes, header included; bytes after the header are zero. The first is at [`IMMORTAL_BASE`], each
/// further one at the next multiple of the granule after the one before. For start-up: there is room for [`IMMORTAL_SIZE`] bytes only.
pub fn immortal_alloc(size: usize, header: Header) -> NonNull<u8> {
    let mut next = lock(&NEXT);
    let cell = *next;
    let end = cell + size.next_multiple_of(GRANULE);
    assert!(end <= IMMORTAL_BASE + IMMORTAL_SIZE, "there is no room for more immortal cells");
    // SAFETY: the area is committed, its memory zero, and the part up to `end` given to nobody yet.
    unsafe { (cell as *mut Header).write(header) };
    let (word, bit) = region::bit(MARKS, cell);
    word.fetch_or(bit, Relaxed);
    *next = end;
    // Born remembered: its first stores are plain ones.
    pool().remembered.push(cell);
    // SAFETY: not null.
    unsafe { NonNull::new_unchecked(cell as *mut u8) }
}

/// The address of the `index`-th immortal cell if all of them up to it have `size` bytes.
pub const fn immortal_addr(index: usize, size: usize) -> usize {
    IMMORTAL_BASE + index * size.next_multiple_of(GRANULE)
}

/// Is this the address of something immortal?
pub fn is_immortal(address: usize) -> bool {
    in_region(address) && address.wrapping_sub(IMMORTAL_BASE) < IMMORTAL_SIZE
}

/// The end of the last immortal cell.
fn end() -> usize {
    *lock(&NEXT)
}

/// Calls a function with the address of each immortal cell.
pub(crate) fn each_cell(mut f: impl FnMut(usize)) {
    let end = end();
    let mut cell = region::next_mark(IMMORTAL_BASE, end);
    while cell < end {
        f(cell);
        cell = region::next_mark(cell + GRANULE, end);
    }
}

/// The size of an immortal cell.
pub(crate) fn size_of_cell(cell: usize) -> usize {
    region::next_mark(cell + GRANULE, end()) - cell
}
