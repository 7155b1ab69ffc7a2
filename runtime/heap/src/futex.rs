//! Waiting for a word of memory to change. The kernel keeps the queue, so there is nothing in the process that a fork could leave in
//! the middle of a change.

use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// Waits while `word` holds `expected`, until somebody wakes it or the time is over; may also return for no reason.
pub(crate) fn wait(word: &AtomicU32, expected: u32, at_most: Duration) {
    let timeout = libc::timespec { tv_sec: at_most.as_secs() as libc::time_t, tv_nsec: at_most.subsec_nanos() as libc::c_long };
    let operation = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: the word and the timeout are valid for the call.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), operation, expected, &timeout) };
}

/// Wakes one of those who wait for the word.
pub(crate) fn wake_one(word: &AtomicU32) {
    let operation = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: the word is valid for the call.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), operation, 1) };
}
