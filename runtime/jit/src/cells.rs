//! Headers of new cells, as the words that machine code writes.

use limpid_heap::{CLASS_SIZES, Header, Kind, size_class};
use limpid_vm::thread::Thread;
use std::mem::offset_of;

/// Where a header has the collector's bits.
const GC_SHIFT: u32 = 8 * offset_of!(Header, gc) as u32;

/// A header as the word that it is in memory.
pub fn word_of(header: Header) -> u64 {
    // SAFETY: eight bytes, each of which has a value.
    unsafe { std::mem::transmute(header) }
}

/// The header of a cell of so many bytes, with the number of its size class in place of the collector's bits: a new cell has none.
pub fn with_class(header: Header, size: usize) -> u64 {
    word_of(header) | (size_class(size) as u64) << GC_SHIFT
}

/// The header and the size class in such a word.
pub fn without_class(word: u64) -> (u64, usize) {
    let class = (word >> GC_SHIFT) as u8;
    (word & !(u64::from(u8::MAX) << GC_SHIFT), class as usize)
}

/// A new cell, given such a word. No safepoint.
pub fn make(t: &Thread, word: u64) -> *mut u64 {
    let (header, class) = without_class(word);
    // SAFETY: the word was made of a header.
    let header: Header = unsafe { std::mem::transmute(header) };
    // What is no object with slots gets a byte more than is asked for.
    let slack = (header.kind() != Kind::Slots as u8) as usize;
    t.mutator.alloc_now(CLASS_SIZES[class] as usize - slack, header).as_ptr().cast()
}

#[cfg(test)]
mod tests {
    use super::*;
    use limpid_heap::ShapeRef;

    #[test]
    fn a_header_and_its_size_class_in_one_word() {
        let header = || Header::new(ShapeRef(0x0123_4567), Kind::Slots, 200);
        let (word, class) = without_class(with_class(header(), 100));
        assert_eq!(word, word_of(header()));
        assert_eq!(CLASS_SIZES[class], 112);
    }
}
