//! Large cells: zeroed, reused, given back, scanned by cards.

mod common;

use common::*;
use limpid_heap::{Config, Generation, Mutator, Value, cell_size, collect, write_barrier};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, MutexGuard, PoisonError};

fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    let guard = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    start(Config::default());
    TOY.roots.lock().unwrap().clear();
    guard
}

#[test]
fn new_cells_are_zero_whatever_was_there_before() {
    let _turn = alone();
    attached(|m| {
        let mut random = Random(99);
        for round in 0..60 {
            in_clean_stack(|| {
                for _ in 0..200 {
                    let size = match random.below(20) {
                        0 => 100_000 + random.below(400_000),
                        n => 16 + random.below(n * n * 60),
                    };
                    let v = bytes(m, size);
                    for n in 1..size / 8 {
                        assert_eq!(word(v, n).swap(u64::MAX >> 16, Relaxed), 0);
                    }
                }
            });
            if round % 10 == 9 {
                in_clean_stack(|| collect(m, if round % 20 == 9 { Generation::Young } else { Generation::Full }));
            }
        }
    });
}

/// Resident memory in bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[test]
fn freed_memory_goes_back_to_the_system() {
    let _turn = alone();
    attached(|m| {
        for small in [false, true] {
            let before = resident();
            in_clean_stack(|| {
                // 256 MiB of live cells, written to.
                for _ in 0..64 {
                    let mut list = Value::NULL;
                    if small {
                        for _ in 0..4 << 14 {
                            let node = object(m, 7);
                            set(m, node, 0, list);
                            list = node;
                        }
                    } else {
                        list = bytes(m, 4 << 20);
                        (1..1 << 19).for_each(|n| word(list, n).store(1, Relaxed));
                    }
                    root(list);
                }
                assert!(resident() > before + (200 << 20));
            });
            TOY.roots.lock().unwrap().clear();
            collect_all(m);
            assert!(resident() < before + (64 << 20), "small: {small}");
        }
    });
}

#[test]
fn stores_to_an_old_large_array_are_found_by_cards() {
    let _turn = alone();
    const COUNT: usize = 300_000;
    attached(|m| {
        let table = array(m, COUNT);
        root(table);
        assert_eq!(cell_size(table) % 65536, 0);
        for generation in [Generation::Young, Generation::Full, Generation::Young] {
            collect(m, generation);
            let indices = [0, 1, 2, 63, 64, 4095, 4096, 65_535, 65_536, COUNT - 2, COUNT - 1];
            for i in indices {
                in_clean_stack(|| {
                    let v = object(m, 1);
                    set(m, v, 0, Value::int(i as i64));
                    set(m, table, i, v);
                });
            }
            for _ in 0..3 {
                in_clean_stack(|| collect(m, Generation::Young));
                overwrite_garbage(m);
                assert!(indices.iter().all(|i| get(get(table, *i), 0).as_int() == *i as i64));
            }
        }
        // A bulk move after single stores, and the other way round.
        for bulk_first in [true, false] {
            in_clean_stack(|| collect(m, Generation::Full));
            let single = || set(m, table, 1000, object(m, 1));
            let bulk = || {
                word(table, 2 + 2000).store(object(m, 1).bits(), Relaxed);
                // SAFETY: a live cell.
                unsafe { write_barrier(m, table.as_ptr()) };
            };
            in_clean_stack(|| {
                if bulk_first {
                    bulk();
                    single();
                } else {
                    single();
                    bulk();
                }
                set(m, get(table, 1000), 0, Value::int(1));
                set(m, get(table, 2000), 0, Value::int(2));
            });
            for _ in 0..2 {
                in_clean_stack(|| collect(m, Generation::Young));
                overwrite_garbage(m);
                assert_eq!((get(get(table, 1000), 0), get(get(table, 2000), 0)), (Value::int(1), Value::int(2)));
            }
        }
        unroot(table);
    });
}

/// Allocates enough small objects to reuse the memory of dead ones.
fn overwrite_garbage(m: &Mutator) {
    in_clean_stack(|| {
        for _ in 0..10_000 {
            let v = object(m, 1);
            set(m, v, 0, Value::int(-1));
        }
    });
}

#[test]
fn deep_and_wide_structures_are_marked() {
    let _turn = alone();
    attached(|m| {
        // A list a million long, hanging off the end of an array of half a million.
        let wide = array(m, 500_000);
        root(wide);
        let mut deep = Value::NULL;
        for i in 0..1_000_000 {
            let node = object(m, 2);
            set(m, node, 0, deep);
            set(m, node, 1, Value::int(i));
            deep = node;
        }
        for i in 0..499_999 {
            let node = object(m, 1);
            set(m, node, 0, Value::int(i as i64));
            set(m, wide, i, node);
        }
        set(m, wide, 499_999, deep);
        for _ in 0..3 {
            collect(m, Generation::Full);
            overwrite_garbage(m);
        }
        for i in 0..499_999 {
            assert_eq!(get(get(wide, i), 0).as_int(), i as i64);
        }
        let mut node = get(wide, 499_999);
        for i in (0..1_000_000).rev() {
            assert_eq!(get(node, 1).as_int(), i);
            node = get(node, 0);
        }
        unroot(wide);
    });
}
