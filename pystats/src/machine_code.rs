//! Which Python code a piece of machine code stands for, where other processes can read it: its calls are inlined, so the frames that the
//! program has are not in memory.
//!
//! The table of offsets ([`crate::offsets`]) has the address of the first chunk's address.
//!
//! ```text
//! chunk:  u64 address of the next chunk, 0 if there is none; then pieces, as many as the table of offsets says
//! piece:  u64 where it starts, 0 if it is unused; u64 where it ends; u64 address of its words; u64 how many there are
//! words:  for each place, in order: how many bytes it is from the start, how many frames there are, and of each, the outermost first,
//!         its code (0: it is none of the program's), where it is, in words from `thread_trace` (NOWHERE: elsewhere), and the instruction
//! ```
//!
//! Invariants
//! - Chunks are never freed. The words of a piece are, with its machine code: who reads them has to check what they say.

use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering::*};

/// Pieces in a chunk.
pub const CHUNK: usize = 127;
/// The place of a frame whose place is not known.
pub const NOWHERE: u64 = 1 << 63;

/// A piece of machine code.
#[repr(C)]
#[derive(Default)]
struct Piece {
    start: AtomicUsize,
    end: AtomicUsize,
    words: AtomicPtr<u64>,
    count: AtomicU64,
}

#[repr(C)]
struct Chunk {
    next: AtomicPtr<Chunk>,
    pieces: [Piece; CHUNK],
}

/// The chunks.
#[repr(C)]
pub struct Pieces {
    first: AtomicPtr<Chunk>,
    /// Is somebody changing them? A lock that can be taken away from a thread that a fork has left behind.
    busy: AtomicBool,
}

/// This process's machine code.
pub static PIECES: Pieces = Pieces { first: AtomicPtr::new(std::ptr::null_mut()), busy: AtomicBool::new(false) };

impl Pieces {
    /// Machine code with these places lies there.
    pub fn add(&self, start: usize, end: usize, words: Box<[u64]>) {
        self.lock();
        let piece = self.find(0).unwrap_or_else(|| {
            let chunk = Chunk { next: AtomicPtr::new(self.first.load(Acquire)), pieces: std::array::from_fn(|_| Piece::default()) };
            let chunk = Box::into_raw(Box::new(chunk));
            self.first.store(chunk, Release);
            // SAFETY: just made; chunks are never freed.
            unsafe { &(*chunk).pieces[0] }
        });
        piece.end.store(end, Relaxed);
        piece.count.store(words.len() as u64, Relaxed);
        piece.words.store(Box::into_raw(words).cast(), Relaxed);
        piece.start.store(start, Release);
        self.unlock();
    }

    /// The machine code that starts there is freed.
    pub fn remove(&self, start: usize) {
        self.lock();
        if let Some(piece) = self.find(start) {
            piece.start.store(0, Release);
            let words = std::ptr::slice_from_raw_parts_mut(piece.words.load(Relaxed), piece.count.load(Relaxed) as usize);
            // SAFETY: made by `add`, and only this takes it back, under the lock.
            drop(unsafe { Box::from_raw(words) });
        }
        self.unlock();
    }

    /// In the child after a fork: whoever was changing the pieces is no more.
    pub fn after_fork(&self) {
        self.unlock();
    }

    fn lock(&self) {
        while self.busy.swap(true, Acquire) {
            std::thread::yield_now();
        }
    }

    fn unlock(&self) {
        self.busy.store(false, Release);
    }

    fn find(&self, start: usize) -> Option<&Piece> {
        let mut chunk = self.first.load(Acquire);
        // SAFETY: chunks are never freed.
        while let Some(this) = unsafe { chunk.as_ref() } {
            if let Some(piece) = this.pieces.iter().find(|piece| piece.start.load(Relaxed) == start) {
                return Some(piece);
            }
            chunk = this.next.load(Acquire);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_and_go() {
        let pieces = Pieces { first: AtomicPtr::default(), busy: AtomicBool::default() };
        for start in 1..=300 {
            pieces.add(start * 100, start * 100 + 50, vec![start as u64].into());
        }
        let piece = pieces.find(20_000).unwrap();
        assert_eq!((piece.end.load(Relaxed), piece.count.load(Relaxed)), (20_050, 1));
        pieces.remove(20_000);
        pieces.remove(20_000);
        assert!(pieces.find(20_000).is_none() && pieces.find(30_000).is_some());
        let unused = std::ptr::from_ref(pieces.find(0).unwrap());
        pieces.add(7, 8, Box::default());
        assert!(std::ptr::eq(pieces.find(7).unwrap(), unused));
    }
}
