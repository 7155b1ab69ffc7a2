//! A lock for Python code that the thread which holds it may take again: the import lock, the one of the warning filters.

use crate::thread::Thread;
use parking_lot::{Condvar, Mutex};

/// Who holds a lock, and how often.
#[derive(Default)]
struct Holder {
    owner: Option<u64>,
    depth: usize,
}

/// A lock that its holder may take again. Waiting for it does not hold up the collector.
pub struct ReentrantLock {
    holder: Mutex<Holder>,
    released: Condvar,
}

impl ReentrantLock {
    /// A free lock.
    pub const fn new() -> ReentrantLock {
        ReentrantLock { holder: Mutex::new(Holder { owner: None, depth: 0 }), released: Condvar::new() }
    }

    /// Takes the lock.
    pub fn acquire(&self, t: &Thread) {
        let me = Some(t.ident.get());
        let take = |holder: &mut Holder| {
            let free = holder.owner.is_none() || holder.owner == me;
            if free {
                holder.owner = me;
                holder.depth += 1;
            }
            free
        };
        if take(&mut self.holder.lock()) {
            return;
        }
        t.blocking(|| {
            let mut holder = self.holder.lock();
            while !take(&mut holder) {
                self.released.wait(&mut holder);
            }
        });
    }

    /// Gives it back; false if this thread does not hold it.
    pub fn release(&self, t: &Thread) -> bool {
        let mut holder = self.holder.lock();
        if holder.owner != Some(t.ident.get()) {
            return false;
        }
        holder.depth -= 1;
        if holder.depth == 0 {
            holder.owner = None;
            self.released.notify_one();
        }
        true
    }

    /// Does this thread hold it?
    pub fn is_held(&self, t: &Thread) -> bool {
        self.holder.lock().owner == Some(t.ident.get())
    }
}

impl Default for ReentrantLock {
    fn default() -> Self {
        ReentrantLock::new()
    }
}
