//! Where machine code lies: one piece of memory that is mapped twice, once to write and once to run, so no page is ever both.
//!
//! It is near the program's own code, so that calls of functions there are relative. Code is never moved. What is freed is used again;
//! the owner sees to it that nobody runs it any more.

use limpid_pystats::live::LIVE;
use limpid_pystats::machine_code::PIECES;
use parking_lot::Mutex;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::*};

/// Address space for machine code, in bytes; pages are used as they are needed.
const CAPACITY: usize = 64 << 20;
/// Of these, how much may be in use before executors have to go.
const LIMIT: usize = 48 << 20;
/// Pieces start at multiples of this.
const ALIGNMENT: usize = 32;

/// The heap in use, NULL before the first piece. One that a fork has left behind is never freed: code in it may be running.
static HEAP: AtomicPtr<Mutex<CodeHeap>> = AtomicPtr::new(ptr::null_mut());
/// Bytes in use.
static IN_USE: AtomicUsize = AtomicUsize::new(0);

/// A piece of the heap that is in use. None if there is no room.
pub fn allocate(size: usize) -> Option<Piece> {
    if HEAP.load(Acquire).is_null() {
        let made = Box::into_raw(Box::new(Mutex::new(CodeHeap::new()?)));
        if HEAP.compare_exchange(ptr::null_mut(), made, AcqRel, Acquire).is_err() {
            // SAFETY: nobody else has seen it.
            let unused = unsafe { Box::from_raw(made) };
            unused.into_inner().unmap();
        }
    }
    // SAFETY: a heap is never freed once others may see it.
    let piece = unsafe { &*HEAP.load(Acquire) }.lock().allocate(size)?;
    IN_USE.fetch_add(piece.size, Relaxed);
    LIVE.jit_code_size.set(IN_USE.load(Relaxed) as u64);
    Some(piece)
}

/// Gives a piece back that nobody runs any more.
pub fn free(piece: Piece) {
    PIECES.remove(piece.runnable as usize);
    // SAFETY: as in `allocate`.
    if let Some(heap) = unsafe { HEAP.load(Acquire).as_ref() } {
        IN_USE.fetch_sub(heap.lock().free(piece), Relaxed);
        LIVE.jit_code_size.set(IN_USE.load(Relaxed) as u64);
    }
}

/// Is more in use than there should be?
pub fn is_full() -> bool {
    IN_USE.load(Relaxed) > LIMIT
}

/// New code goes to a new heap; what is in the old one stays where it is.
pub fn leave() {
    PIECES.after_fork();
    HEAP.store(ptr::null_mut(), Release);
    IN_USE.store(0, Relaxed);
}

/// The memory.
struct CodeHeap {
    writable: *mut u8,
    runnable: *mut u8,
    top: usize,
    /// Pieces that are free again, offset and size, in order; no two of them touch.
    free: Vec<(usize, usize)>,
}

// SAFETY: the addresses mean the same in all threads; the heap is used behind a lock.
unsafe impl Send for CodeHeap {}

/// A piece of the heap.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    offset: usize,
    size: usize,
    /// Where to write it.
    pub writable: *mut u8,
    /// Where it runs.
    pub runnable: *const u8,
}

impl CodeHeap {
    /// Maps the memory. None if the system refuses.
    fn new() -> Option<CodeHeap> {
        const MB: usize = 1 << 20;
        let near = (super::leave_stub() as usize) & !(MB - 1);
        // Below the program. One that is linked at a low address has no room there: then as far above it as calls reach, for native
        // code's heap grows upwards from the program's end.
        let below = (64 * MB..1800 * MB).step_by(16 * MB).filter_map(|distance| near.checked_sub(distance + CAPACITY));
        let above = (256 * MB..1800 * MB).rev().step_by(16 * MB).map(|distance| near + (distance & !(MB - 1)));
        for wanted in below.chain(above) {
            // SAFETY: fresh mappings at addresses that nothing is mapped at, made accessible one way each.
            unsafe {
                let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE | libc::MAP_NORESERVE;
                let runnable = libc::mmap(wanted as *mut libc::c_void, CAPACITY, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
                if runnable == libc::MAP_FAILED {
                    continue;
                }
                let writable = libc::mremap(runnable, 0, CAPACITY, libc::MREMAP_MAYMOVE);
                if writable == libc::MAP_FAILED || libc::mprotect(runnable, CAPACITY, libc::PROT_READ | libc::PROT_EXEC) != 0 {
                    return None;
                }
                super::shown::register(runnable.cast(), CAPACITY);
                return Some(CodeHeap { writable: writable.cast(), runnable: runnable.cast(), top: 0, free: Vec::new() });
            }
        }
        None
    }

    /// A piece of memory, if there is room.
    fn allocate(&mut self, size: usize) -> Option<Piece> {
        let size = size.next_multiple_of(ALIGNMENT);
        let offset = match self.free.iter().position(|f| f.1 >= size) {
            Some(i) => {
                let (offset, room) = self.free[i];
                if room > size {
                    self.free[i] = (offset + size, room - size);
                } else {
                    self.free.remove(i);
                }
                offset
            }
            None if self.top + size <= CAPACITY => {
                self.top += size;
                self.top - size
            }
            None => return None,
        };
        // SAFETY: inside both mappings.
        let (writable, runnable) = unsafe { (self.writable.add(offset), self.runnable.add(offset)) };
        Some(Piece { offset, size, writable, runnable })
    }

    /// Gives a piece back; its size.
    fn free(&mut self, piece: Piece) -> usize {
        // A piece of a heap that a fork has left behind is no piece of this one.
        if !ptr::eq(piece.runnable, self.runnable.wrapping_add(piece.offset)) {
            return 0;
        }
        let at = self.free.partition_point(|f| f.0 < piece.offset);
        self.free.insert(at, (piece.offset, piece.size));
        for i in [at + 1, at] {
            if i > 0 && i < self.free.len() && self.free[i - 1].0 + self.free[i - 1].1 == self.free[i].0 {
                self.free[i - 1].1 += self.free[i].1;
                self.free.remove(i);
            }
        }
        if let Some(last) = self.free.pop_if(|f| f.0 + f.1 == self.top) {
            self.top = last.0;
        }
        piece.size
    }

    /// Gives the memory back.
    fn unmap(self) {
        // SAFETY: both mappings were made by `new`, and nothing in them is used.
        unsafe {
            libc::munmap(self.writable.cast(), CAPACITY);
            libc::munmap(self.runnable.cast(), CAPACITY);
        }
    }
}

impl Piece {
    /// Where it runs.
    pub fn address(&self) -> *const u8 {
        self.runnable
    }

    /// How many bytes it has.
    pub fn size(&self) -> usize {
        self.size
    }
}
