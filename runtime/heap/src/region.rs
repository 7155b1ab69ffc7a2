//! The reserved address space: how it is reserved and given memory, the mark bits, and the table of blocks.
//!
//! Knows nothing of cells' contents. Everything is reached by address arithmetic on the constants of [`crate::layout`]; entries of
//! blocks below [`top`] are always backed by memory.

use crate::cell::{GRANULE, HEAP_BASE, HEAP_SIZE};
use crate::layout::*;
use std::ops::Range;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering::*};

/// Blocks with a number below this have been used at least once.
static TOP: AtomicU32 = AtomicU32::new(0);
/// Blocks with a number below this have memory behind them.
static COMMITTED: AtomicU32 = AtomicU32::new(0);
/// How many blocks were reserved.
static CAPACITY: AtomicU32 = AtomicU32::new(0);

/// What a block is used for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Use {
    /// Nothing.
    Free = 0,
    /// Cells of one size class.
    Small = 1,
    /// The first block of a large cell.
    Large = 2,
    /// A further block of a large cell.
    LargeRest = 3,
}

/// An entry of the block table.
#[repr(C, align(16))]
pub(crate) struct Block {
    usage: AtomicU8,
    class: AtomicU8,
    flags: AtomicU8,
    _unused: u8,
    /// Small: every cell below this offset is allocated (or, while threads run, about to be), those above only if they are marked.
    pub(crate) allocated: AtomicU32,
    /// Small: bytes from this offset on have never been written since the system gave them, so they are zero.
    pub(crate) touched: AtomicU32,
    /// Small: marked cells after the last collection. Large: blocks in the run. LargeRest: distance to the first block.
    pub(crate) count: AtomicU32,
}

const _: () = assert!(size_of::<Block>() == 16);

impl Block {
    /// The block was allocated from since the last collection and is on the pool's list of such.
    pub(crate) const USED: u8 = 1;
    /// Some granules of this large cell were stored to and their bits are set: see [`crate::barrier`].
    pub(crate) const CARDS: u8 = 2;

    #[inline(always)]
    pub(crate) fn usage(&self) -> Use {
        match self.usage.load(Acquire) {
            1 => Use::Small,
            2 => Use::Large,
            3 => Use::LargeRest,
            _ => Use::Free,
        }
    }

    pub(crate) fn set_usage(&self, usage: Use) {
        self.usage.store(usage as u8, Release);
    }

    #[inline(always)]
    pub(crate) fn class(&self) -> usize {
        self.class.load(Relaxed) as usize
    }

    /// Does the block hold small cells that refer to nothing, see [`Header::is_leaf`](crate::Header::is_leaf)?
    #[inline(always)]
    pub(crate) fn holds_leaves(&self) -> bool {
        self.class() >= FIRST_LEAF_CLASS
    }

    pub(crate) fn set_class(&self, class: usize) {
        self.class.store(class as u8, Relaxed);
    }

    /// The block was written to up to this offset. To be called by the thread whose block it is.
    #[inline]
    pub(crate) fn touch(&self, offset: usize) {
        if offset as u32 > self.touched.load(Relaxed) {
            self.touched.store(offset as u32, Relaxed);
        }
    }

    /// Is the flag set?
    pub(crate) fn has(&self, flag: u8) -> bool {
        self.flags.load(Relaxed) & flag != 0
    }

    /// Sets a flag and tells whether it was clear.
    pub(crate) fn raise(&self, flag: u8) -> bool {
        self.flags.fetch_or(flag, Relaxed) & flag == 0
    }

    /// Clears a flag and tells whether it was set.
    pub(crate) fn lower(&self, flag: u8) -> bool {
        self.flags.fetch_and(!flag, Relaxed) & flag != 0
    }
}

/// The table entry of a block below [`top`].
#[inline(always)]
pub(crate) fn block(number: u32) -> &'static Block {
    debug_assert!((number as usize) < BLOCKS);
    // SAFETY: the table is reserved for all blocks and committed up to COMMITTED, which callers stay below; all bit patterns are valid
    // and every field is atomic.
    unsafe { &*(TABLE as *const Block).add(number as usize) }
}

/// One past the highest block ever used.
#[inline(always)]
pub(crate) fn top() -> u32 {
    TOP.load(Acquire)
}

/// How many blocks the region has room for.
pub(crate) fn capacity() -> u32 {
    CAPACITY.load(Relaxed)
}

/// The word of a bitmap (`MARKS` or `SNAPSHOT`) that holds the bit of the granule at `address`, and the bit.
#[inline(always)]
pub(crate) fn bit<'a>(bitmap: usize, address: usize) -> (&'a AtomicU64, u64) {
    let granule = (address - HEAP_BASE) / GRANULE;
    // SAFETY: bitmaps are reserved for the whole region and committed with the blocks they belong to.
    let word = unsafe { &*(bitmap as *const AtomicU64).add(granule / 64) };
    (word, 1 << (granule % 64))
}

/// Is the granule's bit set?
#[inline(always)]
pub(crate) fn is_set(bitmap: usize, address: usize) -> bool {
    let (word, bit) = bit(bitmap, address);
    word.load(Relaxed) & bit != 0
}

/// The first granule of `from..to` whose mark bit is set, or `to`.
pub(crate) fn next_mark(from: usize, to: usize) -> usize {
    let end = (to - HEAP_BASE) / GRANULE;
    let mut granule = (from - HEAP_BASE) / GRANULE;
    while granule < end {
        let (word, _) = bit(MARKS, HEAP_BASE + granule * GRANULE);
        let rest = word.load(Relaxed) >> (granule % 64);
        if rest != 0 {
            let found = granule + rest.trailing_zeros() as usize;
            return (HEAP_BASE + found * GRANULE).min(to);
        }
        granule = (granule | 63) + 1;
    }
    to
}

/// The words of a bitmap that belong to a block.
pub(crate) fn words_of<'a>(bitmap: usize, block: u32) -> &'a [AtomicU64; MARK_BYTES_PER_BLOCK / 8] {
    // SAFETY: as for `bit`.
    unsafe { &*((bitmap + block as usize * MARK_BYTES_PER_BLOCK) as *const _) }
}

/// The bytes of a bitmap that belong to a range of blocks.
pub(crate) fn bitmap_range(bitmap: usize, blocks: Range<u32>) -> Range<usize> {
    bitmap + blocks.start as usize * MARK_BYTES_PER_BLOCK..bitmap + blocks.end as usize * MARK_BYTES_PER_BLOCK
}

/// Reserves the region. Ends the process with a message if the address range is not to be had.
pub(crate) fn reserve() {
    let mut size = HEAP_SIZE;
    loop {
        let bitmap = size / GRANULE / 8;
        let table = size / BLOCK * size_of::<Block>();
        let parts = [(HEAP_BASE, size), (MARKS, bitmap), (SNAPSHOT, bitmap), (TABLE, table)];
        let failed = parts.iter().position(|(at, size)| !reserve_at(*at, *size));
        let Some(done) = failed else { break };
        for (at, size) in &parts[..done] {
            // SAFETY: we mapped exactly this a moment ago and nobody knows of it.
            unsafe { libc::munmap(*at as *mut _, *size) };
        }
        size /= 2;
        if size < 256 << 20 {
            let error = std::io::Error::last_os_error();
            eprintln!("limpid: cannot reserve the heap's address range at {HEAP_BASE:#x}: {error}");
            std::process::exit(1);
        }
    }
    CAPACITY.store((size / BLOCK) as u32, Relaxed);
    TOP.store(FIRST_BLOCK, Release);
    if !commit_to(FIRST_BLOCK) {
        let error = std::io::Error::last_os_error();
        eprintln!("limpid: cannot get memory for the heap: {error}");
        std::process::exit(1);
    }
}

fn reserve_at(address: usize, size: usize) -> bool {
    // SAFETY: MAP_FIXED_NOREPLACE never touches an existing mapping.
    unsafe {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED_NOREPLACE;
        let p = libc::mmap(address as *mut _, size, libc::PROT_NONE, flags, -1, 0);
        if p == libc::MAP_FAILED {
            return false;
        }
        // A kernel older than the flag takes the address as a hint.
        if p as usize != address {
            libc::munmap(p, size);
            return false;
        }
    }
    true
}

/// Makes the next `count` blocks usable and returns the first. None if the region is full or the system gives no memory.
pub(crate) fn grow(count: u32) -> Option<u32> {
    let start = top();
    let end = start.checked_add(count).filter(|end| *end <= capacity())?;
    if end > COMMITTED.load(Relaxed) && !commit_to(end) {
        return None;
    }
    TOP.store(end, Release);
    Some(start)
}

/// Gives memory to the blocks below `end`, if possible some more in advance.
fn commit_to(end: u32) -> bool {
    let committed = COMMITTED.load(Relaxed);
    let ahead = (committed / 4).max(COMMIT_STEP);
    let generous = end.saturating_add(ahead).min(capacity());
    let end = if commit(committed..generous) {
        generous
    } else if commit(committed..end) {
        end
    } else {
        return false;
    };
    COMMITTED.store(end, Relaxed);
    true
}

/// Blocks whose memory is asked for at once, so that growing costs few system calls. 8 MiB.
const COMMIT_STEP: u32 = 128;

fn commit(blocks: Range<u32>) -> bool {
    let table = |block: u32| TABLE + block as usize * size_of::<Block>();
    let parts = [
        block_address(blocks.start)..HEAP_BASE + ((blocks.end as usize) << BLOCK_SHIFT),
        bitmap_range(MARKS, blocks.clone()),
        bitmap_range(SNAPSHOT, blocks.clone()),
        table(blocks.start)..table(blocks.end),
    ];
    parts.into_iter().all(|part| {
        // Whole pages of every size a kernel may use; what is rounded in on either side is ours as well.
        let (start, end) = (part.start & !(BLOCK - 1), part.end.next_multiple_of(BLOCK));
        // SAFETY: the range is inside of what `reserve` mapped.
        unsafe { libc::mprotect(start as *mut _, end - start, libc::PROT_READ | libc::PROT_WRITE) == 0 }
    })
}

/// Gives the memory behind a range of addresses back to the system; it reads as zero from then on.
pub(crate) fn release(range: Range<usize>) {
    // SAFETY: callers pass committed parts of the region that hold nothing any more.
    unsafe { libc::madvise(range.start as *mut _, range.len(), libc::MADV_DONTNEED) };
}

/// Asks for huge pages behind a large cell that is about to be filled: its page faults cost more than its contents otherwise.
pub(crate) fn prefer_huge_pages(range: Range<usize>) {
    // SAFETY: callers pass a committed part of the region; its contents stay as they are.
    unsafe { libc::madvise(range.start as *mut _, range.len(), libc::MADV_HUGEPAGE) };
}

/// Which cell, if any, contains the byte a word points to: for words that may or may not be references. `bitmap` tells which cells are
/// allocated: the marks, or, while a full collection rebuilds those, the snapshot.
#[inline]
pub(crate) fn resolve(word: usize, bitmap: usize) -> Option<usize> {
    if !in_region(word) {
        return None;
    }
    let number = block_of(word);
    if number < FIRST_BLOCK || number >= top() {
        return None;
    }
    let entry = block(number);
    let start = block_address(number);
    match entry.usage() {
        Use::Free => None,
        Use::Small => {
            let class = entry.class();
            let size = CLASS_SIZES[class] as usize;
            let offset = cell_index(word - start, class) * size;
            let inside = offset + size <= BLOCK;
            let allocated = inside && (offset < entry.allocated.load(Relaxed) as usize || is_set(bitmap, start + offset));
            allocated.then_some(start + offset)
        }
        Use::Large => Some(start),
        Use::LargeRest => Some(block_address(number - entry.count.load(Relaxed))),
    }
}

/// The size of an allocated cell, slack included.
pub(crate) fn cell_size(cell: usize) -> usize {
    let entry = block(block_of(cell));
    match entry.usage() {
        Use::Small => CLASS_SIZES[entry.class()] as usize,
        Use::Large => entry.count.load(Relaxed) as usize * BLOCK,
        Use::Free | Use::LargeRest => crate::immortal::size_of_cell(cell),
    }
}
