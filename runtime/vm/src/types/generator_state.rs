//! Who runs a generator: one word that changes by compare-and-exchange only.
//!
//! Whoever moves it to [`EXECUTING`] owns the frame until it releases it. What is seen in between is of no use afterwards: the answer to a
//! failed claim is the state that made it fail, not the one there is then.

use crate::sync::{AtomicU8, Ordering, spin_loop};

/// Not started.
pub const CREATED: u8 = 0;
/// At a `yield`.
pub const SUSPENDED: u8 = 1;
/// In a `yield from` or `await`.
pub const SUSPENDED_YIELD_FROM: u8 = 2;
/// As before, and somebody reads what it delegates to.
pub const SUSPENDED_YIELD_FROM_LOCKED: u8 = 3;
/// Running.
pub const EXECUTING: u8 = 4;
/// Over.
pub const CLEARED: u8 = 5;

/// The state; zero, as in a new cell, is [`CREATED`].
#[repr(transparent)]
pub struct GeneratorState(AtomicU8);

impl GeneratorState {
    /// A state.
    pub fn new(state: u8) -> GeneratorState {
        GeneratorState(AtomicU8::new(state))
    }

    /// The state at this moment.
    #[inline(always)]
    pub fn get(&self) -> u8 {
        self.0.load(Ordering::Acquire)
    }

    /// Tries to become the one who runs it: the state it was in, or as an error the one in which it cannot be run, [`EXECUTING`] or
    /// [`CLEARED`]. `alone`: there is no other thread, and an exchange would cost as much as the rest of resuming.
    #[inline(always)]
    pub fn claim(&self, alone: bool) -> Result<u8, u8> {
        let mut old = self.0.load(Ordering::Relaxed);
        loop {
            if old == SUSPENDED_YIELD_FROM_LOCKED {
                spin_loop();
                old = self.0.load(Ordering::Relaxed);
                continue;
            }
            if old >= EXECUTING {
                return Err(old);
            }
            if alone {
                self.0.store(EXECUTING, Ordering::Relaxed);
                return Ok(old);
            }
            match self.0.compare_exchange_weak(old, EXECUTING, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return Ok(old),
                Err(now) => old = now,
            }
        }
    }

    /// Tries to become the one who runs it, but only if it has not started: what was started has to be unwound.
    pub fn claim_created(&self) -> bool {
        self.0.compare_exchange(CREATED, EXECUTING, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Hands it back; only who has claimed it.
    #[inline(always)]
    pub fn release(&self, to: u8) {
        self.0.store(to, Ordering::Release);
    }

    /// Looks at the frame of one that is suspended in `yield from` or `await`, which nobody can resume meanwhile. None: it is not.
    pub fn look_at_delegate<T>(&self, look: impl FnOnce() -> T) -> Option<T> {
        if self.0.load(Ordering::Relaxed) != SUSPENDED_YIELD_FROM {
            return None;
        }
        self.0.compare_exchange(SUSPENDED_YIELD_FROM, SUSPENDED_YIELD_FROM_LOCKED, Ordering::AcqRel, Ordering::Relaxed).ok()?;
        let seen = look();
        self.0.store(SUSPENDED_YIELD_FROM, Ordering::Release);
        Some(seen)
    }
}
