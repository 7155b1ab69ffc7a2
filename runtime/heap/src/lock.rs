//! The lock that every cell has in its header: one byte, held for the few instructions in which a container changes.
//!
//! While only one thread uses the heap ([`set_alone`]), nothing is locked: an atomic exchange waits until all earlier stores have left the
//! processor's store buffer, which in a loop over a big list costs a cache miss each time (a sieve of three million took 2.7 times as
//! long with it).
//!
//! 0 is free, 1 held, 2 held with others waiting. Who has to wait spins for a moment and then sleeps in the kernel, detached, so that a
//! collection does not wait for the lock's holder to run.

use crate::cell::Header;
use crate::layout::MARKS;
use crate::mutator::Mutator;
use crate::{futex, immortal, region};
use std::hint::spin_loop;
use std::sync::atomic::{
    AtomicBool, AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};
use std::time::Duration;

const FREE: u8 = 0;
const HELD: u8 = 1;
const WAITED_FOR: u8 = 2;

/// How often a lock is looked at before the thread sleeps.
const SPINS: u32 = 100;

static ALONE: AtomicBool = AtomicBool::new(false);

/// Says whether just one thread uses the heap, so that it need not lock. To be called with `false` while that one is not changing
/// anything: it waits for the new thread to attach. May be called with `true` at any moment by the last thread to leave.
pub fn set_alone(alone: bool) {
    ALONE.store(alone, Release);
}

/// Does only the calling thread use the heap? It stays so until the thread makes another one or waits for one.
#[inline(always)]
pub fn is_alone() -> bool {
    ALONE.load(Acquire)
}

/// Where machine code reads what [`is_alone`] tells.
pub fn alone_flag() -> *const AtomicBool {
    &raw const ALONE
}

/// Holds the lock of a cell; dropping it unlocks.
pub struct ObjectLock<'a> {
    /// None: the thread was alone when it took the lock. It still is, for it starts no other one meanwhile.
    header: Option<&'a Header>,
}

/// Locks a cell. Not re-entrant. The holder may allocate, but neither waits for other threads nor runs Python code.
#[inline(always)]
pub fn lock<'a>(m: &Mutator, header: &'a Header) -> ObjectLock<'a> {
    // Acquire: what the thread before the last one did is seen without its lock.
    if is_alone() {
        return ObjectLock { header: None };
    }
    if header.lock.compare_exchange(FREE, HELD, Acquire, Relaxed).is_err() {
        lock_slow(m, header);
    }
    ObjectLock { header: Some(header) }
}

/// Locks a cell if that takes no waiting.
#[inline(always)]
pub fn try_lock(header: &Header) -> Option<ObjectLock<'_>> {
    if is_alone() {
        return Some(ObjectLock { header: None });
    }
    let free = header.lock.compare_exchange(FREE, HELD, Acquire, Relaxed).is_ok();
    // Not `then_some`: a guard that is made and dropped unlocks.
    free.then(|| ObjectLock { header: Some(header) })
}

/// Locks two cells, which may be the same one, in an order that every thread keeps.
pub fn lock_both<'a>(m: &Mutator, a: &'a Header, b: &'a Header) -> (ObjectLock<'a>, Option<ObjectLock<'a>>) {
    let (first, second) = if std::ptr::from_ref(a) <= std::ptr::from_ref(b) { (a, b) } else { (b, a) };
    let outer = lock(m, first);
    let inner = (!std::ptr::eq(first, second)).then(|| lock(m, second));
    (outer, inner)
}

impl ObjectLock<'_> {
    /// Unlocks if nobody waits. False: the lock is still held, and [`unlock_contended`] has to be called.
    #[inline(always)]
    #[must_use]
    pub fn try_unlock(self) -> bool {
        let header = self.header;
        std::mem::forget(self);
        header.is_none_or(|header| header.lock.compare_exchange(HELD, FREE, Release, Relaxed).is_ok())
    }
}

/// Unlocks and wakes who waits.
///
/// # Safety
/// The calling thread holds the lock, and no guard of it is left.
pub unsafe fn unlock_contended(header: &Header) {
    unlock_slow(header);
}

impl Drop for ObjectLock<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        let Some(header) = self.header else { return };
        if header.lock.compare_exchange(HELD, FREE, Release, Relaxed).is_err() {
            unlock_slow(header);
        }
    }
}

/// Frees the locks that a thread held which does not exist in the child of a fork. It stood still, be it in the middle of a change for
/// which it had to allocate; its guards, which refer to the cells, are on its stack.
///
/// # Safety
/// The thread's stack is still mapped, and no other thread runs.
pub(crate) unsafe fn free_locks_of(gone: &Mutator) {
    let (low, high) = (gone.sp.load(Relaxed), gone.stack_base.load(Relaxed));
    for address in (low.next_multiple_of(8)..high & !7).step_by(8) {
        // SAFETY: by contract.
        let word = unsafe { (address as *const usize).read_volatile() };
        if let Some(cell) = region::resolve(word, MARKS) {
            // SAFETY: an allocated cell, which begins with its header.
            unsafe { free(cell) };
        }
    }
}

/// The same for cells that live for ever.
///
/// # Safety
/// No other thread runs.
pub(crate) unsafe fn free_immortal_locks() {
    // SAFETY: a cell begins with its header.
    immortal::each_cell(|cell| unsafe { free(cell) });
}

unsafe fn free(cell: usize) {
    // SAFETY: by contract of the callers.
    let lock = unsafe { &(*(cell as *const Header)).lock };
    // A page that is not written to stays one page for both processes.
    if lock.load(Relaxed) != FREE {
        lock.store(FREE, Relaxed);
    }
}

#[cold]
#[inline(never)]
fn lock_slow(m: &Mutator, header: &Header) {
    for _ in 0..SPINS {
        if header.lock.load(Relaxed) == FREE && header.lock.compare_exchange(FREE, HELD, Acquire, Relaxed).is_ok() {
            return;
        }
        m.safepoint();
        spin_loop();
    }
    let word = futex_word(header);
    // Who gets the lock from here on marks it as waited for: it cannot know whether others wait as well.
    while header.lock.swap(WAITED_FOR, Acquire) != FREE {
        let seen = word.load(Relaxed);
        if (seen >> LOCK_SHIFT) as u8 == WAITED_FOR {
            m.blocking(|| futex::wait(word, seen, PATIENCE));
        }
    }
}

#[cold]
#[inline(never)]
fn unlock_slow(header: &Header) {
    header.lock.store(FREE, Release);
    futex::wake_one(futex_word(header));
}

/// A sleeper looks again after this time at the latest. Waking is never lost between running threads; this is for the child of a fork
/// whose parent's other threads were about to wake it.
const PATIENCE: Duration = Duration::from_millis(100);

/// Where the lock byte is in the word that the kernel compares.
const LOCK_SHIFT: u32 = if cfg!(target_endian = "little") { 8 } else { 16 };

/// The half of the header that holds the lock byte.
fn futex_word(header: &Header) -> &AtomicU32 {
    let word = std::ptr::from_ref(header).cast::<u32>().wrapping_add(1);
    // SAFETY: the second half of a header, aligned to four bytes; the kernel and this module read it as a whole.
    unsafe { AtomicU32::from_ptr(word.cast_mut()) }
}
