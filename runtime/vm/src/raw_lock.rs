//! The lock behind Python's locks: one word, and the system's futex to wait for it.
//!
//! ```text
//!  bits  0       1       2        8..24              24..32
//!        LOCKED  WAITED  HANDED   number of hungry   generation of that number
//! ```
//!
//! `WAITED`: somebody may sleep. A waiter that has waited for some time is hungry. If there is one when the lock is given back, it is not
//! free but handed over (`HANDED`, still `LOCKED`): only who has waited may take it, so that threads which come by in the meantime cannot
//! starve it. A hungry waiter that gives up takes what was handed over, so that this never remains. What a fork leaves behind of other
//! threads' waiting is known by its generation.
//!
//! Anybody may unlock a lock that is locked, as in Python.

use crate::sync::{AtomicU32, Instant, Ordering::*, fork_generation, futex};
use std::time::Duration;

const LOCKED: u32 = 1;
const WAITED: u32 = 1 << 1;
const HANDED: u32 = 1 << 2;
const HUNGRY_SHIFT: u32 = 8;
const HUNGRY: u32 = 1 << HUNGRY_SHIFT;
const HUNGRY_MASK: u32 = 0xffff << HUNGRY_SHIFT;
const GENERATION_SHIFT: u32 = 24;
const FLAGS: u32 = LOCKED | WAITED | HANDED;

/// After so long a waiter is hungry.
pub const PATIENCE: Duration = Duration::from_millis(1);

/// The word without hungry waiters of another process.
fn of_this_process(word: u32) -> u32 {
    let now = u32::from(fork_generation()) << GENERATION_SHIFT;
    if word & HUNGRY_MASK == 0 || word & !(HUNGRY_MASK | FLAGS) == now { word } else { word & FLAGS }
}

/// The word with one hungry waiter more.
fn with_hungry(word: u32) -> u32 {
    let now = u32::from(fork_generation()) << GENERATION_SHIFT;
    word & (FLAGS | HUNGRY_MASK) | (now + HUNGRY)
}

/// The word with one hungry waiter less; a reset may have forgotten it.
fn without_hungry(word: u32) -> u32 {
    if word & HUNGRY_MASK <= HUNGRY { word & FLAGS } else { word - HUNGRY }
}

/// See the module's page.
#[repr(transparent)]
pub struct RawLock(AtomicU32);

impl Default for RawLock {
    fn default() -> RawLock {
        RawLock::new()
    }
}

impl RawLock {
    /// The word of a lock that is free.
    pub(crate) const FREE: u32 = 0;
    /// That of one that somebody has and nobody waits for.
    pub(crate) const TAKEN: u32 = LOCKED;

    /// A free lock.
    pub fn new() -> RawLock {
        RawLock(AtomicU32::new(RawLock::FREE))
    }

    /// Takes it if it is free.
    #[inline]
    pub fn try_lock(&self) -> bool {
        let mut word = match self.0.compare_exchange(RawLock::FREE, RawLock::TAKEN, Acquire, Relaxed) {
            Ok(_) => return true,
            Err(word) => word,
        };
        while word & LOCKED == 0 {
            match self.0.compare_exchange_weak(word, word | LOCKED, Acquire, Relaxed) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
        false
    }

    /// As [`RawLock::try_lock`]. `alone`: there is no other thread, and the exchange would cost as much as all the rest of `with lock`.
    #[inline]
    pub fn try_lock_if_alone(&self, alone: bool) -> bool {
        if alone && self.0.load(Relaxed) == 0 {
            self.0.store(LOCKED, Relaxed);
            return true;
        }
        self.try_lock()
    }

    /// As [`RawLock::unlock`]. `alone`: as in [`RawLock::try_lock_if_alone`].
    #[inline]
    pub fn unlock_if_alone(&self, alone: bool) -> bool {
        if alone && self.0.load(Relaxed) == LOCKED {
            self.0.store(0, Relaxed);
            return true;
        }
        self.unlock()
    }

    /// Does somebody have it, or is it on its way to somebody?
    #[inline]
    pub fn is_locked(&self) -> bool {
        self.0.load(Relaxed) & LOCKED != 0
    }

    /// Gives it back. False: it was not locked.
    #[inline]
    pub fn unlock(&self) -> bool {
        match self.0.compare_exchange(RawLock::TAKEN, RawLock::FREE, Release, Relaxed) {
            Ok(_) => true,
            Err(word) => self.unlock_slowly(word),
        }
    }

    #[cold]
    fn unlock_slowly(&self, mut word: u32) -> bool {
        loop {
            let known = of_this_process(word);
            if known & LOCKED == 0 || known & HANDED != 0 && known & HUNGRY_MASK != 0 {
                return false;
            }
            let next = if known & HUNGRY_MASK != 0 { known | HANDED } else { known & !FLAGS };
            match self.0.compare_exchange_weak(word, next, Release, Relaxed) {
                Ok(_) => {
                    if word & WAITED != 0 {
                        futex::wake_one(&self.0);
                    }
                    return true;
                }
                Err(now) => word = now,
            }
        }
    }

    /// Frees it whatever its state is: after a fork whoever had it or waited for it may not exist.
    pub fn reset(&self) {
        self.0.store(0, Release);
    }

    /// Begins to wait for it.
    pub fn waiter(&self) -> Waiter<'_> {
        Waiter { lock: self, since: Instant::now(), hungry: false }
    }
}

/// One who waits for a lock.
pub struct Waiter<'a> {
    lock: &'a RawLock,
    since: Instant,
    hungry: bool,
}

impl Waiter<'_> {
    /// Waits, at most for so long. True: the lock is taken.
    pub fn wait(&mut self, most: Duration) -> bool {
        let began = Instant::now();
        let word = &self.lock.0;
        loop {
            let old = word.load(Relaxed);
            if let Some(taken) = self.taken(old) {
                if word.compare_exchange_weak(old, taken, Acquire, Relaxed).is_ok() {
                    self.hungry = false;
                    return true;
                }
                continue;
            }
            let becomes_hungry = !self.hungry && self.since.elapsed() >= PATIENCE && old & HUNGRY_MASK != HUNGRY_MASK;
            let waited = if becomes_hungry { with_hungry(of_this_process(old)) | WAITED } else { old | WAITED };
            if waited != old && word.compare_exchange_weak(old, waited, Relaxed, Relaxed).is_err() {
                continue;
            }
            self.hungry |= becomes_hungry;
            let Some(left) = most.checked_sub(began.elapsed()).filter(|left| !left.is_zero()) else { return false };
            futex::wait(word, waited, if self.hungry { left } else { left.min(PATIENCE) });
        }
    }

    /// The word once this waiter has the lock, if it can have it.
    fn taken(&self, old: u32) -> Option<u32> {
        if old & LOCKED != 0 && old & HANDED == 0 {
            return None;
        }
        // Others may sleep, and nobody else knows.
        let taken = old & !HANDED | LOCKED | WAITED;
        Some(if self.hungry { without_hungry(taken) } else { taken })
    }

    /// Gives up. True: the lock was handed over meanwhile, and is taken.
    pub fn give_up(mut self) -> bool {
        self.leave()
    }

    fn leave(&mut self) -> bool {
        let word = &self.lock.0;
        while self.hungry {
            let old = word.load(Relaxed);
            let handed = old & HANDED != 0;
            let next = match self.taken(old) {
                Some(taken) if handed => taken,
                _ => without_hungry(old),
            };
            if word.compare_exchange_weak(old, next, AcqRel, Relaxed).is_ok() {
                self.hungry = false;
                return handed;
            }
        }
        false
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        if self.leave() {
            self.lock.unlock();
        }
    }
}
