//! How much time compiling may take: a share of what the process has run, and something to begin with.
//!
//! Counters trigger in proportion to how often code runs; so when nothing more is recorded for a while, what is hottest asks first again.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Nanoseconds that may be spent at once, ...
const ALLOWANCE: u64 = 100_000_000;
/// ... and one in so many of those that the process has run: 4.5 % of what runs for five seconds.
const SHARE: u64 = 40;
/// What machine code of a uop takes, in nanoseconds, before any was made.
const FIRST_GUESS: u64 = 12_000;

/// Nanoseconds spent.
static SPENT: AtomicU64 = AtomicU64::new(0);
/// What traces that wait for machine code are going to take.
static PENDING: AtomicU64 = AtomicU64::new(0);
/// Nanoseconds and uops of all machine code so far.
static MADE: AtomicU64 = AtomicU64::new(0);
static UOPS: AtomicU64 = AtomicU64::new(0);

/// May something more be recorded and compiled?
pub fn allows() -> bool {
    let spent = SPENT.load(Relaxed) + PENDING.load(Relaxed);
    spent < ALLOWANCE || spent < ALLOWANCE + nanoseconds(libc::CLOCK_PROCESS_CPUTIME_ID) / SHARE
}

/// Does something that counts; its result, and how many nanoseconds of the thread it took.
pub fn charge<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let start = nanoseconds(libc::CLOCK_THREAD_CPUTIME_ID);
    let result = work();
    let taken = nanoseconds(libc::CLOCK_THREAD_CPUTIME_ID).saturating_sub(start);
    SPENT.fetch_add(taken, Relaxed);
    (result, taken)
}

/// What machine code for so many uops is going to take; it counts until it [is made](made).
pub fn plan(uops: usize) -> u64 {
    let uops = uops as u64;
    let planned = match UOPS.load(Relaxed) {
        0 => uops * FIRST_GUESS,
        before => uops * (MADE.load(Relaxed) / before),
    };
    PENDING.fetch_add(planned, Relaxed);
    planned
}

/// Machine code that was planned has been made, of so many uops in so many nanoseconds.
pub fn made(planned: u64, uops: usize, taken: u64) {
    PENDING.fetch_sub(planned, Relaxed);
    MADE.fetch_add(taken, Relaxed);
    UOPS.fetch_add(uops as u64, Relaxed);
}

/// In a child process after a fork: what was waiting is not made.
pub fn after_fork() {
    PENDING.store(0, Relaxed);
}

/// What a clock shows.
pub fn nanoseconds(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a valid pointer; where there is no such clock, the time stays 0.
    unsafe { libc::clock_gettime(clock, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
