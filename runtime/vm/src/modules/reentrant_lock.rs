//! A lock for Python code that the thread which holds it may take again: the import lock, the one of the warning filters.

use crate::raw_lock::RawLock;
use crate::thread::Thread;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

/// How long one waits before one looks again.
const SLICE: Duration = Duration::from_secs(1);

/// A lock that its holder may take again. Waiting for it does not hold up the collector.
#[derive(Default)]
pub struct ReentrantLock {
    raw: RawLock,
    /// Who holds it; 0: nobody. Only the holder writes it, so each thread sees whether it is the one.
    owner: AtomicU64,
    /// How often; the holder's.
    depth: AtomicUsize,
}

impl ReentrantLock {
    /// Takes the lock.
    pub fn acquire(&self, t: &Thread) {
        if self.try_acquire(t) {
            return;
        }
        t.blocking(|| {
            let mut waiter = self.raw.waiter();
            while !waiter.wait(SLICE) {}
        });
        self.taken(t);
    }

    /// Takes the lock if no other thread holds it.
    pub fn try_acquire(&self, t: &Thread) -> bool {
        let can = self.is_held(t) || self.raw.try_lock();
        if can {
            self.taken(t);
        }
        can
    }

    fn taken(&self, t: &Thread) {
        self.owner.store(t.ident.get(), Relaxed);
        self.depth.fetch_add(1, Relaxed);
    }

    /// Gives it back; false if this thread does not hold it.
    pub fn release(&self, t: &Thread) -> bool {
        if !self.is_held(t) {
            return false;
        }
        if self.depth.fetch_sub(1, Relaxed) == 1 {
            self.owner.store(0, Relaxed);
            self.raw.unlock();
        }
        true
    }

    /// Does this thread hold it?
    pub fn is_held(&self, t: &Thread) -> bool {
        self.owner.load(Relaxed) == t.ident.get()
    }

    /// In the child of a fork: whoever else held it does not exist.
    pub fn after_fork_child(&self, t: &Thread) {
        if !self.is_held(t) {
            self.owner.store(0, Relaxed);
            self.depth.store(0, Relaxed);
            self.raw.reset();
        }
    }
}
