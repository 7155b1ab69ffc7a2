//! Where machine code lies: one piece of memory that is mapped twice, once to write and once to run, so no page is ever both.
//!
//! It is near the program's own code, so that calls of functions there are relative. Code is never moved. What is freed is used again;
//! the owner sees to it that nobody runs it any more.

use std::ptr;

/// Address space for machine code, in bytes; pages are used as they are needed.
const CAPACITY: usize = 64 << 20;
/// Pieces start at multiples of this.
const ALIGNMENT: usize = 32;

/// The memory.
pub struct CodeHeap {
    writable: *mut u8,
    runnable: *mut u8,
    top: usize,
    /// Pieces that are free again: offset and size.
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
    pub fn new() -> Option<CodeHeap> {
        let near = (crate::entry::leave_stub as *const () as usize) & !0xF_FFFF;
        let mut distance = 64usize << 20;
        // SAFETY: fresh mappings at addresses that nothing is mapped at, made accessible one way each.
        unsafe {
            while distance < (1800 << 20) {
                let wanted = near.wrapping_sub(distance + CAPACITY) as *mut libc::c_void;
                let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE | libc::MAP_NORESERVE;
                let runnable = libc::mmap(wanted, CAPACITY, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
                if runnable == libc::MAP_FAILED {
                    distance += 16 << 20;
                    continue;
                }
                let writable = libc::mremap(runnable, 0, CAPACITY, libc::MREMAP_MAYMOVE);
                if writable == libc::MAP_FAILED || libc::mprotect(runnable, CAPACITY, libc::PROT_READ | libc::PROT_EXEC) != 0 {
                    return None;
                }
                return Some(CodeHeap { writable: writable.cast(), runnable: runnable.cast(), top: 0, free: Vec::new() });
            }
        }
        None
    }

    /// A piece of memory, if there is room.
    pub fn allocate(&mut self, size: usize) -> Option<Piece> {
        let size = size.next_multiple_of(ALIGNMENT);
        let offset = match self.free.iter().position(|f| f.1 >= size) {
            Some(i) => {
                let (offset, room) = self.free[i];
                if room > size {
                    self.free[i] = (offset + size, room - size);
                } else {
                    self.free.swap_remove(i);
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

    /// Gives a piece back that nobody runs any more.
    pub fn free(&mut self, piece: Piece) {
        // A piece of a heap that a fork has left behind is no piece of this one.
        if ptr::eq(piece.runnable, self.runnable.wrapping_add(piece.offset)) {
            self.free.push((piece.offset, piece.size));
        }
    }
}
