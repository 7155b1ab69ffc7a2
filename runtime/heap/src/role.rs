//! Who collects: one thread at a time, from its wish to do so until the embedder has heard the report.

use crate::mutator::Mutator;
use crate::sync::{lock, wait};
use crate::world;
use std::ptr;
use std::sync::{Condvar, Mutex, MutexGuard};

/// The thread that has the role, as an address; 0: none.
static COLLECTOR: Mutex<usize> = Mutex::new(0);
/// It has finished.
static FINISHED: Condvar = Condvar::new();

/// The role of the collecting thread.
pub(crate) struct Role {
    /// Whose it is afterwards.
    previous: usize,
}

impl Role {
    /// Takes the role if nobody has it.
    pub(crate) fn try_take(m: &Mutator) -> Option<Role> {
        let mut collector = lock(&COLLECTOR);
        let free = *collector == 0;
        if free {
            *collector = ptr::from_ref(m) as usize;
        }
        free.then(|| Role { previous: 0 })
    }

    /// Takes the role, if another thread has it after that has finished. None if this thread has it: it is inside of a collection.
    pub(crate) fn take(m: &Mutator) -> Option<Role> {
        let me = ptr::from_ref(m) as usize;
        let mut collector = lock(&COLLECTOR);
        if *collector == me {
            return None;
        }
        if world::is_stopped_by(m) {
            // Then another collector stands still too, before it begins or after it has ended. It goes on later.
            return Some(Role { previous: std::mem::replace(&mut *collector, me) });
        }
        drop(collector);
        m.blocking(|| {
            let mut collector = lock(&COLLECTOR);
            while *collector != 0 {
                collector = wait(&FINISHED, collector);
            }
            *collector = me;
        });
        Some(Role { previous: 0 })
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        *lock(&COLLECTOR) = self.previous;
        FINISHED.notify_all();
    }
}

/// Keeps other threads from taking the role, over a fork.
pub(crate) struct Held(MutexGuard<'static, usize>);

pub(crate) fn hold() -> Held {
    Held(lock(&COLLECTOR))
}

/// In the child of a fork no other thread has the role.
pub(crate) fn forget_others(mut held: Held, m: &Mutator) {
    if *held.0 != ptr::from_ref(m) as usize {
        *held.0 = 0;
    }
}
