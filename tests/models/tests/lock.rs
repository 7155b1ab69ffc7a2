//! The lock behind Python's locks: the runtime's own code.

use limpid_models::raw_lock::{PATIENCE, RawLock};
use limpid_models::sync::set_elapsed;
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(1000);

/// All orders with so many switches between threads.
fn check(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

struct Guarded {
    lock: RawLock,
    value: UnsafeCell<u32>,
}

// SAFETY: the value is used by who has the lock only; loom tells if not.
unsafe impl Sync for Guarded {}
// SAFETY: as above.
unsafe impl Send for Guarded {}

impl Guarded {
    fn new() -> Arc<Guarded> {
        Arc::new(Guarded { lock: RawLock::new(), value: UnsafeCell::new(0) })
    }

    fn take(&self) {
        if !self.lock.try_lock() {
            let mut waiter = self.lock.waiter();
            while !waiter.wait(LONG) {}
        }
    }

    fn add(&self) {
        // SAFETY: the lock is held.
        self.value.with_mut(|v| unsafe { *v += 1 });
    }

    fn use_it(&self) {
        self.take();
        self.add();
        assert!(self.lock.unlock());
    }
}

fn two_threads_and_this_one() {
    let shared = Guarded::new();
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let shared = shared.clone();
            thread::spawn(move || shared.use_it())
        })
        .collect();
    shared.use_it();
    threads.into_iter().for_each(|t| t.join().unwrap());
    assert!(!shared.lock.is_locked());
    // SAFETY: no other thread is left.
    shared.value.with(|v| assert_eq!(unsafe { *v }, 3));
}

#[test]
fn one_at_a_time() {
    check(2, || {
        set_elapsed(Duration::ZERO);
        two_threads_and_this_one();
    });
}

/// Whoever waits is hungry at once, so that the lock is always handed over.
#[test]
fn one_at_a_time_when_it_is_handed_over() {
    check(2, || {
        set_elapsed(PATIENCE);
        two_threads_and_this_one();
    });
}

/// Who gives up does not take the lock along, nor leave it handed over to nobody.
#[test]
fn giving_up() {
    check(3, || {
        set_elapsed(PATIENCE);
        let shared = Guarded::new();
        let impatient = {
            let shared = shared.clone();
            thread::spawn(move || {
                if !shared.lock.try_lock() {
                    let mut waiter = shared.lock.waiter();
                    if !waiter.wait(Duration::ZERO) && !waiter.give_up() {
                        return;
                    }
                }
                shared.add();
                assert!(shared.lock.unlock());
            })
        };
        shared.use_it();
        impatient.join().unwrap();
        assert!(shared.lock.try_lock());
    });
}

/// A waiter that is dropped, as when an exception ends its waiting, gives back what it was handed.
#[test]
fn dropping() {
    check(3, || {
        set_elapsed(PATIENCE);
        let shared = Guarded::new();
        let dropped = {
            let shared = shared.clone();
            thread::spawn(move || {
                let mut waiter = shared.lock.waiter();
                if waiter.wait(Duration::ZERO) {
                    assert!(shared.lock.unlock());
                }
            })
        };
        shared.use_it();
        dropped.join().unwrap();
        assert!(shared.lock.try_lock());
        assert!(shared.lock.unlock());
        assert!(!shared.lock.unlock());
    });
}
