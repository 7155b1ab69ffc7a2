//! Forking while other threads run.

mod common;

use common::*;
use limpid_heap::{Config, Generation, Mutator, Stress, Value, after_fork_child, after_fork_parent, before_fork, collect, lock};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

fn list(m: &Mutator, length: i64) -> Value {
    let mut head = Value::NULL;
    for i in 0..length {
        let node = object(m, 2);
        set(m, node, 0, head);
        set(m, node, 1, Value::int(i));
        head = node;
    }
    head
}

fn length(mut head: Value) -> i64 {
    let mut count = 0;
    while head.is_cell() {
        count += 1;
        head = get(head, 0);
    }
    count
}

/// What the child does; the exit code tells whether it worked.
fn child(m: &Mutator, inherited: Value) -> bool {
    let mine = list(m, 20_000);
    collect(m, Generation::Full);
    // A full collection with helpers, new threads, and an old object's lock.
    let big = list(m, 400_000);
    collect(m, Generation::Full);
    drop(lock(m, header(inherited)));
    let other = m.blocking(|| attached(|m| length(list(m, 20_000))));
    length(mine) == 20_000 && length(inherited) == 5000 && length(big) == 400_000 && other == 20_000
}

#[test]
fn the_child_goes_on_alone() {
    start(Config { stress: Stress { every: 50, all_slow: false }, parallel: 3, ..Config::default() });
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Threads that allocate, block, and start collections at any moment.
        for i in 0..3 {
            let done = &done;
            scope.spawn(move || {
                with_mutator(|m| {
                    while !done.load(Relaxed) {
                        assert_eq!(length(list(m, 300)), 300);
                        m.blocking(std::thread::yield_now);
                        if i == 0 {
                            collect(m, Generation::Young);
                        }
                    }
                });
            });
        }
        with_mutator(|m| {
            let big = list(m, 400_000);
            collect(m, Generation::Full);
            for _ in 0..20 {
                let inherited = list(m, 5000);
                let forking = before_fork(m);
                // SAFETY: the child calls only what the fork functions make safe, and leaves with `_exit`.
                let pid = unsafe { libc::fork() };
                assert!(pid >= 0);
                if pid == 0 {
                    after_fork_child(forking);
                    // A deadlock in the child ends the test.
                    // SAFETY: plain calls.
                    unsafe {
                        libc::alarm(20);
                        libc::_exit(if child(m, inherited) { 0 } else { 1 });
                    }
                }
                after_fork_parent(forking);
                let mut status = 0;
                // SAFETY: `status` is valid for the call.
                m.blocking(|| unsafe { libc::waitpid(pid, &mut status, 0) });
                assert_eq!(status, 0, "the child failed");
                assert_eq!(length(inherited), 5000);
            }
            assert_eq!(length(big), 400_000);
        });
        done.store(true, Relaxed);
    });
}
