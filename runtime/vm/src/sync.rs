//! What the lock-free structures are made of. The models (tests/models) compile the same structures with a module of this name whose parts
//! let a model checker choose which thread goes on.

pub use std::hint::spin_loop;
pub use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
pub use std::time::Instant;

/// How many forks lie between the first process and this one; what overflows does not matter.
static FORKS: AtomicU8 = AtomicU8::new(0);

/// Which process this is, of those that have come of one another by fork: what threads have left in memory may be of an earlier one.
pub fn fork_generation() -> u8 {
    FORKS.load(Ordering::Relaxed)
}

/// In the child of a fork: a new generation begins.
pub fn after_fork_child() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

/// Waiting for a word to change, by the system's futex.
pub mod futex {
    use super::AtomicU32;
    use std::time::Duration;

    /// Sleeps until it is woken, at most so long, if the word is still `expected`. May come back for no reason.
    pub fn wait(word: &AtomicU32, expected: u32, timeout: Duration) {
        let timeout = libc::timespec { tv_sec: timeout.as_secs() as libc::time_t, tv_nsec: timeout.subsec_nanos() as libc::c_long };
        let operation = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
        // SAFETY: the word and the time live until the call returns.
        unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), operation, expected, &raw const timeout) };
    }

    /// Wakes one that sleeps.
    pub fn wake_one(word: &AtomicU32) {
        wake(word, 1);
    }

    /// Wakes all that sleep.
    pub fn wake_all(word: &AtomicU32) {
        wake(word, i32::MAX);
    }

    fn wake(word: &AtomicU32, most: i32) {
        // SAFETY: an address is all that this looks at.
        unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG, most) };
    }
}
