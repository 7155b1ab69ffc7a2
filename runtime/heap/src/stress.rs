//! Collecting far too often, so that a missing root or barrier shows at once.

use crate::embedder::Stress;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

static EVERY: AtomicU32 = AtomicU32::new(0);
static PASSED: AtomicU32 = AtomicU32::new(0);
static ALL_SLOW: AtomicBool = AtomicBool::new(false);

/// Sets the mode; may be changed at any time.
pub fn configure(stress: Stress) {
    EVERY.store(stress.every, Relaxed);
    ALL_SLOW.store(stress.all_slow, Relaxed);
}

/// Does every allocation take the slow path?
pub(crate) fn all_slow() -> bool {
    ALL_SLOW.load(Relaxed)
}

/// Is it collected again and again?
pub(crate) fn is_on() -> bool {
    EVERY.load(Relaxed) != 0
}

/// Counts a slow path; is it one to collect at?
pub(crate) fn due() -> bool {
    let every = EVERY.load(Relaxed);
    every != 0 && PASSED.fetch_add(1, Relaxed) % every == every - 1
}
