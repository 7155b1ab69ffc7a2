//! Words in memory. What other threads may see is ordered as every load and store of machine code is.

use limpid_heap::Header;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::*};

/// 64 bits at an address plus an offset.
///
/// # Safety
/// They are there, aligned, and nothing but atomic operations of other threads changes them meanwhile.
pub unsafe fn load(address: u64, offset: i64) -> u64 {
    // SAFETY: by contract.
    unsafe { (*(address.wrapping_add_signed(offset) as *const AtomicU64)).load(Acquire) }
}

/// 32 bits at an address plus an offset.
///
/// # Safety
/// As for [`load`].
pub unsafe fn load32(address: u64, offset: i64) -> u32 {
    // SAFETY: by contract.
    unsafe { (*(address.wrapping_add_signed(offset) as *const AtomicU32)).load(Acquire) }
}

/// Stores 64 bits at an address plus an offset; 0, for uops that store make nothing.
///
/// # Safety
/// As for [`load`]; it is not a reference in a cell that may be old.
pub unsafe fn store(address: u64, offset: i64, word: u64) -> u64 {
    // SAFETY: by contract.
    unsafe { (*(address.wrapping_add_signed(offset) as *const AtomicU64)).store(word, Release) }
    0
}

/// Has the cell at an address no need of the collector's barrier?
///
/// # Safety
/// There is one.
pub unsafe fn is_new(cell: u64) -> bool {
    // SAFETY: by contract.
    unsafe { (*(cell as *const Header)).gc.load(Relaxed) & Header::OLD_UNLOGGED == 0 }
}
