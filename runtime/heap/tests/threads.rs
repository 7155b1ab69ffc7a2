//! Many threads: allocation, stops of the world, locks.

mod common;

use common::*;
use limpid_heap::{Config, Generation, Kind, Mutator, Stress, Value, collect, lock, lock_both, stop_stats, try_lock};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

fn setup() {
    start(Config { stress: Stress { every: 40, all_slow: false }, poison: true, young: 1 << 20, parallel: 2, ..Config::default() });
}

/// Builds a list of `length` objects and checks it.
fn build_and_check(m: &Mutator, length: i64) {
    let mut head = Value::NULL;
    for i in 0..length {
        let node = object(m, 2);
        set(m, node, 0, head);
        set(m, node, 1, Value::int(i));
        head = node;
        m.safepoint();
    }
    for i in (0..length).rev() {
        assert_eq!(get(head, 1).as_int(), i);
        head = get(head, 0);
    }
    assert!(head.is_null());
}

#[test]
fn nobody_moves_while_the_world_is_stopped() {
    setup();
    let steps: [AtomicU64; 4] = Default::default();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for step in &steps {
            let done = &done;
            scope.spawn(move || {
                with_mutator(|m| {
                    while !done.load(Relaxed) {
                        step.fetch_add(1, Relaxed);
                        build_and_check(m, 20);
                    }
                });
            });
        }
        let stoppers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    with_mutator(|m| {
                        for i in 0..200 {
                            m.stop_world(c"test", |world| {
                                let look = || steps.iter().map(|s| s.load(Relaxed)).collect::<Vec<_>>();
                                let before = look();
                                if i % 20 == 0 {
                                    std::thread::sleep(Duration::from_millis(1));
                                }
                                // Stops nest, and a collection is one.
                                m.stop_world(c"inner", |_| assert_eq!(look(), before));
                                if i % 50 == 0 {
                                    collect(m, Generation::Full);
                                }
                                assert_eq!(look(), before);
                                let mut mutators = 0;
                                world.each_mutator(|_| mutators += 1);
                                assert!(mutators >= 2);
                            });
                            build_and_check(m, 10);
                        }
                    });
                })
            })
            .collect();
        for stopper in stoppers {
            stopper.join().unwrap();
        }
        done.store(true, Relaxed);
    });
    let stats = stop_stats();
    assert!(stats.stops >= 400 && stats.stopped > 0 && stats.longest >= 1_000_000);
}

#[test]
fn threads_come_and_go_while_others_collect() {
    setup();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            with_mutator(|m| {
                while !done.load(Relaxed) {
                    build_and_check(m, 500);
                }
            });
        });
        for _ in 0..40 {
            let short: Vec<_> = (0..4).map(|i| scope.spawn(move || with_mutator(|m| build_and_check(m, 50 * i)))).collect();
            for thread in short {
                thread.join().unwrap();
            }
        }
        done.store(true, Relaxed);
    });
}

#[test]
fn a_blocked_thread_does_not_hold_up_a_stop() {
    setup();
    let (wake, sleeper) = std::sync::mpsc::channel::<()>();
    let (ready, wait) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            with_mutator(|m| {
                let kept = object(m, 1);
                set(m, kept, 0, Value::int(42));
                m.blocking(|| {
                    ready.send(()).unwrap();
                    sleeper.recv().unwrap();
                });
                assert_eq!(get(kept, 0).as_int(), 42);
            });
        });
        wait.recv().unwrap();
        with_mutator(|m| {
            for _ in 0..20 {
                collect(m, Generation::Full);
            }
            // It cannot attach while the world is stopped: it ends after this.
            m.stop_world(c"test", |_| wake.send(()).unwrap());
        });
    });
}

#[test]
fn blocking_and_stopping_race() {
    setup();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let blockers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    with_mutator(|m| {
                        let mut rounds = 0_u64;
                        while !done.load(Relaxed) {
                            let kept = object(m, 1);
                            set(m, kept, 0, Value::int(rounds as i64));
                            m.blocking(std::thread::yield_now);
                            assert_eq!(get(kept, 0).as_int(), rounds as i64);
                            rounds += 1;
                        }
                        rounds
                    })
                })
            })
            .collect();
        with_mutator(|m| {
            let end = Instant::now() + Duration::from_millis(300);
            while Instant::now() < end {
                m.stop_world(c"test", |_| ());
            }
        });
        done.store(true, Relaxed);
        assert!(blockers.into_iter().all(|thread| thread.join().unwrap() > 0));
    });
}

#[test]
fn a_shared_table_keeps_what_all_threads_store() {
    setup();
    const THREADS: usize = 4;
    const EACH: usize = 3000;
    attached(|m| {
        let table = array(m, THREADS * EACH);
        root(table);
        collect(m, Generation::Full);
        // The table is old and large, its elements young: cards are set from all sides.
        m.blocking(|| {
            std::thread::scope(|scope| {
                for thread in 0..THREADS {
                    scope.spawn(move || {
                        with_mutator(|m| {
                            for i in 0..EACH {
                                let v = object(m, 1);
                                set(m, v, 0, Value::int((i * THREADS + thread) as i64));
                                set(m, table, i * THREADS + thread, v);
                            }
                        });
                    });
                }
            });
        });
        for i in 0..THREADS * EACH {
            assert_eq!(get(get(table, i), 0).as_int(), i as i64);
        }
        unroot(table);
    });
}

#[test]
fn the_lock_of_an_object_excludes() {
    setup();
    const THREADS: usize = 4;
    const EACH: i64 = 4000;
    attached(|m| {
        let counter = object(m, 2);
        root(counter);
        m.blocking(|| {
            std::thread::scope(|scope| {
                for _ in 0..THREADS {
                    scope.spawn(|| {
                        with_mutator(|m| {
                            for i in 0..EACH {
                                let guard = lock(m, header(counter));
                                let count = get(counter, 0).as_int();
                                if i % 64 == 0 {
                                    // Others wait meanwhile, and a collection may happen.
                                    std::hint::black_box(bytes(m, 5000));
                                    std::thread::yield_now();
                                }
                                set(m, counter, 0, Value::int(count + 1));
                                drop(guard);
                            }
                        });
                    });
                }
            });
        });
        assert_eq!(get(counter, 0).as_int(), THREADS as i64 * EACH);
        assert_eq!(header(counter).lock.load(Relaxed), 0);
        unroot(counter);
    });
}

#[test]
fn two_locks_are_taken_in_one_order() {
    setup();
    let rounds = AtomicUsize::new(0);
    attached(|m| {
        let (a, b) = (object(m, 1), object(m, 1));
        root(a);
        root(b);
        m.blocking(|| {
            std::thread::scope(|scope| {
                for (first, second) in [(a, b), (b, a), (a, a)] {
                    let rounds = &rounds;
                    scope.spawn(move || {
                        with_mutator(|m| {
                            for _ in 0..2000 {
                                let guards = lock_both(m, header(first), header(second));
                                rounds.store(rounds.load(Relaxed) + 1, Relaxed);
                                drop(guards);
                            }
                        });
                    });
                }
            });
        });
        assert_eq!(rounds.load(Relaxed), 6000);
        unroot(a);
        unroot(b);
    });
}

#[test]
fn try_lock_does_not_wait() {
    setup();
    attached(|m| {
        let v = object(m, 1);
        let guard = try_lock(header(v)).expect("free");
        assert!(try_lock(header(v)).is_none());
        assert!(try_lock(header(v)).is_none(), "a failed attempt does not unlock");
        drop(guard);
        drop(lock(m, header(v)));
        assert!(try_lock(header(v)).is_some());
        assert_eq!(header(v).kind(), Kind::Slots as u8);
    });
}
