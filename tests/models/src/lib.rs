//! Models of Limpid's lock-free structures.
//!
//! `loom` runs a model again and again, each time with another order of what its threads do to atomics, and with every value that the
//! memory orderings allow a load to see. [`raw_lock`] and [`generator_state`] are the runtime's own files: they take their atomics from
//! `crate::sync`, which is [`sync`] here. The other models (tests/) are small copies; each says what it is a copy of.
//!
//! `cargo test -p limpid-models`; LOOM_LOG=1 and LOOM_LOCATION=1 show what a failing order was.

#[path = "../../../runtime/vm/src/types/generator_state.rs"]
pub mod generator_state;
#[path = "../../../runtime/vm/src/raw_lock.rs"]
pub mod raw_lock;

/// What the runtime's module of this name has, made of loom's parts.
pub mod sync {
    pub use loom::hint::spin_loop;
    pub use loom::sync::atomic::{AtomicU8, AtomicU32, Ordering};
    use std::cell::Cell;
    use std::time::Duration;

    thread_local! {
        static ELAPSED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    }

    /// How long everything has taken, for all threads of the models that this thread runs.
    pub fn set_elapsed(time: Duration) {
        ELAPSED.set(time);
    }

    /// A clock that stands still.
    pub struct Instant;

    impl Instant {
        /// The present.
        pub fn now() -> Instant {
            Instant
        }

        /// What was set.
        pub fn elapsed(&self) -> Duration {
            ELAPSED.get()
        }
    }

    /// There are no forks in models.
    pub fn fork_generation() -> u8 {
        0
    }

    /// Waiting for a word; a model has one.
    pub mod futex {
        use super::{AtomicU32, Ordering};
        use loom::sync::{Condvar, Mutex};
        use std::time::Duration;

        loom::lazy_static! {
            static ref SLEEPERS: (Mutex<()>, Condvar) = (Mutex::new(()), Condvar::new());
        }

        /// Sleeps until it is woken if the word is still `expected`: a lost wake-up is a deadlock here.
        pub fn wait(word: &AtomicU32, expected: u32, _: Duration) {
            let guard = SLEEPERS.0.lock().unwrap();
            if word.load(Ordering::SeqCst) == expected {
                drop(SLEEPERS.1.wait(guard).unwrap());
            }
        }

        /// Wakes one that sleeps.
        pub fn wake_one(_: &AtomicU32) {
            let _guard = SLEEPERS.0.lock().unwrap();
            SLEEPERS.1.notify_one();
        }
    }
}
