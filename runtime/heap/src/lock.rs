//! The lock that every cell has in its header: one byte, held for the few instructions in which a container changes.
//!
//! 0 is free, 1 held, 2 held with others waiting. Who has to wait spins for a moment and then sleeps in the kernel, detached, so that a
//! collection does not wait for the lock's holder to run.

use crate::cell::Header;
use crate::futex;
use crate::mutator::Mutator;
use std::hint::spin_loop;
use std::sync::atomic::{
    AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};
use std::time::Duration;

const FREE: u8 = 0;
const HELD: u8 = 1;
const WAITED_FOR: u8 = 2;

/// How often a lock is looked at before the thread sleeps.
const SPINS: u32 = 100;

/// Holds the lock of a cell; dropping it unlocks.
pub struct ObjectLock<'a> {
    header: &'a Header,
}

/// Locks a cell. Not re-entrant. The holder may allocate, but neither waits for other threads nor runs Python code.
#[inline(always)]
pub fn lock<'a>(m: &Mutator, header: &'a Header) -> ObjectLock<'a> {
    if header.lock.compare_exchange(FREE, HELD, Acquire, Relaxed).is_err() {
        lock_slow(m, header);
    }
    ObjectLock { header }
}

/// Locks a cell if that takes no waiting.
#[inline(always)]
pub fn try_lock(header: &Header) -> Option<ObjectLock<'_>> {
    let free = header.lock.compare_exchange(FREE, HELD, Acquire, Relaxed).is_ok();
    free.then(|| ObjectLock { header })
}

/// Locks two cells, which may be the same one, in an order that every thread keeps.
pub fn lock_both<'a>(m: &Mutator, a: &'a Header, b: &'a Header) -> (ObjectLock<'a>, Option<ObjectLock<'a>>) {
    let (first, second) = if std::ptr::from_ref(a) <= std::ptr::from_ref(b) { (a, b) } else { (b, a) };
    let outer = lock(m, first);
    let inner = (!std::ptr::eq(first, second)).then(|| lock(m, second));
    (outer, inner)
}

impl Drop for ObjectLock<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.header.lock.compare_exchange(HELD, FREE, Release, Relaxed).is_err() {
            unlock_slow(self.header);
        }
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
