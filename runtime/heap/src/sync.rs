//! Locks of the heap's own state.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks. A panic while the lock was held does not matter to those who come after: the state these locks guard is changed in steps that
/// each leave it valid.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
