//! Where everything is in the address space, and which sizes cells have.
//!
//! ```text
//! HEAP_BASE                                          HEAP_BASE + HEAP_SIZE
//! +---------+----------------+----------------------+-------+-----------+-------+
//! | block 0 | immortal cells | blocks of 64 KiB ... | marks | snapshot  | table |
//! | unused  | 4 MiB          |                      | 1/128 | 1/128     |       |
//! +---------+----------------+----------------------+-------+-----------+-------+
//! ```
//!
//! All of it is reserved at start-up and given memory only as it is used. The addresses are constants, so finding the mark bit of a cell
//! or the entry of a block is arithmetic without a load.
//!
//! A block holds cells of one size class, or is part of a run of blocks that holds one large cell. Blocks have no headers: cells of
//! 64 KiB / n bytes fit n times, and what the collector writes is apart from what it manages.

use crate::cell::{GRANULE, HEAP_BASE, HEAP_SIZE, Header, Kind};

/// The size of a block.
pub(crate) const BLOCK: usize = 1 << BLOCK_SHIFT;
pub(crate) const BLOCK_SHIFT: u32 = 16;
/// How many blocks the region has at most.
pub(crate) const BLOCKS: usize = HEAP_SIZE / BLOCK;

/// Where the cells of [`crate::immortal_alloc`] start: fixed, so that an embedder can compute their addresses at compile time.
pub const IMMORTAL_BASE: usize = HEAP_BASE + BLOCK;
/// How much room immortal cells have.
pub const IMMORTAL_SIZE: usize = 4 << 20;
/// The first block of the ordinary heap.
pub(crate) const FIRST_BLOCK: u32 = ((IMMORTAL_BASE + IMMORTAL_SIZE - HEAP_BASE) / BLOCK) as u32;

/// One mark bit for each granule of the region.
pub(crate) const MARKS: usize = HEAP_BASE + HEAP_SIZE;
/// Bytes of mark bits for each block.
pub(crate) const MARK_BYTES_PER_BLOCK: usize = BLOCK / GRANULE / 8;
/// The bits that tell which cells were allocated when a full collection started.
pub(crate) const SNAPSHOT: usize = MARKS + HEAP_SIZE / GRANULE / 8;
/// The block table.
pub(crate) const TABLE: usize = SNAPSHOT + HEAP_SIZE / GRANULE / 8;

/// The address at which a block starts.
#[inline(always)]
pub(crate) const fn block_address(block: u32) -> usize {
    HEAP_BASE + ((block as usize) << BLOCK_SHIFT)
}

/// The block an address of the region lies in.
#[inline(always)]
pub(crate) const fn block_of(address: usize) -> u32 {
    ((address - HEAP_BASE) >> BLOCK_SHIFT) as u32
}

/// Can this word be the address of a cell? One compare; false for NULL, small numbers and every value that is not a reference.
#[inline(always)]
pub(crate) const fn in_region(word: usize) -> bool {
    word.wrapping_sub(HEAP_BASE) < HEAP_SIZE
}

/// How many sizes of small cells there are.
const SIZES: usize = 34;
/// The number of size classes: each size twice, for cells that may refer to others and, from [`FIRST_LEAF_CLASS`] on, for those that do
/// not. So the block tells the collector that it need not look into a cell, whose memory stays untouched.
pub const CLASSES: usize = 2 * SIZES;
/// The first class of cells for which [`Header::is_leaf`](crate::Header::is_leaf) holds.
pub(crate) const FIRST_LEAF_CLASS: usize = SIZES;
/// The cell size of the last class.
const LARGEST: usize = 32768;
/// The largest request that is allocated from a size class, slack included (see [`crate::Mutator::alloc`]); larger ones get blocks of
/// their own.
pub const MAX_SMALL: usize = LARGEST - GRANULE;
/// The sizes of small cells: multiples of the granule that leave little of a block unused.
const CELL_SIZES: [u32; SIZES] = [
    16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 896, 1024, 1280, 1536, 2048, 2512, 3264, 4080,
    5456, 6544, 8192, 10912, 13104, 16384, 21840, 32768,
];

/// The cell size of each class.
pub const CLASS_SIZES: [u32; CLASSES] = {
    let mut sizes = [0; CLASSES];
    let mut class = 0;
    while class < CLASSES {
        sizes[class] = CELL_SIZES[class % SIZES];
        class += 1;
    }
    sizes
};

/// The size class of each number of granules.
static CLASS_OF_GRANULES: [u8; LARGEST / GRANULE + 1] = {
    let mut table = [0; LARGEST / GRANULE + 1];
    let (mut granules, mut class) = (0, 0);
    while granules < table.len() {
        if granules * GRANULE > CLASS_SIZES[class] as usize {
            class += 1;
        }
        table[granules] = class as u8;
        granules += 1;
    }
    table
};

/// 2^32 / size, rounded up: an offset in a block times this, shifted right by 32, is the number of the cell it lies in.
static RECIPROCALS: [u32; CLASSES] = {
    let mut table = [0; CLASSES];
    let mut class = 0;
    while class < CLASSES {
        table[class] = ((1u64 << 32) / CLASS_SIZES[class] as u64 + 1) as u32;
        class += 1;
    }
    table
};

/// The size class for cells of `size` bytes that may refer to others, header and slack included; at most [`MAX_SMALL`] plus a granule.
#[inline(always)]
pub fn size_class(size: usize) -> usize {
    CLASS_OF_GRANULES[size.div_ceil(GRANULE)] as usize
}

/// The size class for cells of `size` bytes with this header, without slack.
#[inline(always)]
pub(crate) fn class_for(size: usize, header: &Header) -> usize {
    let slack = (header.kind() != Kind::Slots as u8) as usize;
    size_class(size + slack) + if header.is_leaf() { FIRST_LEAF_CLASS } else { 0 }
}

/// The bytes of a block that cells of this class can use: a whole number of cells.
#[inline(always)]
pub(crate) const fn usable_bytes(class: usize) -> usize {
    BLOCK - BLOCK % CLASS_SIZES[class] as usize
}

/// The number of the cell that the byte at `offset` of a block belongs to.
#[inline(always)]
pub(crate) fn cell_index(offset: usize, class: usize) -> usize {
    ((offset as u64 * RECIPROCALS[class] as u64) >> 32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_ordered_multiples_of_the_granule() {
        assert!(CELL_SIZES.is_sorted());
        assert!(CELL_SIZES.iter().all(|size| size.is_multiple_of(GRANULE as u32)));
        assert_eq!(CELL_SIZES[SIZES - 1] as usize, LARGEST);
    }

    #[test]
    fn every_size_gets_the_smallest_class_that_holds_it() {
        for size in 1..=LARGEST {
            let class = size_class(size);
            assert!(CLASS_SIZES[class] as usize >= size);
            assert!(class == 0 || (CLASS_SIZES[class - 1] as usize) < size);
        }
    }

    #[test]
    fn reciprocals_divide_exactly() {
        for (class, size) in CLASS_SIZES.iter().enumerate() {
            for offset in 0..BLOCK {
                assert_eq!(cell_index(offset, class), offset / *size as usize);
            }
        }
    }
}
