//! What keeps a cell alive, and what the walk over all objects finds.

mod common;

use common::*;
use limpid_heap::{
    Config, Generation, HEAP_BASE, Header, IMMORTAL_BASE, Kind, Mutator, ShapeRef, Tracer, Value, cell_size, collect, each_object,
    each_referent, immortal_addr, immortal_alloc, is_cell_start, register_tracer,
};
use std::collections::HashSet;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One test at a time: they ask what is alive in the whole heap.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    let guard = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    start(Config { poison: true, parallel: 1, ..Config::default() });
    TOY.roots.lock().unwrap().clear();
    guard
}

/// Is the cell with this hidden address alive?
fn alive(hidden: u64) -> bool {
    in_clean_stack(|| is_cell_start(!hidden as usize))
}

#[test]
fn interior_pointers_keep_cells_of_every_size() {
    let _turn = alone();
    attached(|m| {
        for size in [16, 40, 100, 1000, 5000, 20_000, 32_000, 40_000, 70_000, 1_000_000] {
            for inside in [0, 1, 8, size / 2, size - 1, size] {
                let hidden = in_clean_stack(|| {
                    let (hidden, pointer) = in_clean_stack(|| {
                        let cell = bytes(m, size - 8);
                        // The last one points just past the contents, as an iterator at its end does.
                        (!cell.bits(), black_box(cell.bits() as usize + inside))
                    });
                    for generation in [Generation::Young, Generation::Full] {
                        in_clean_stack(|| collect(m, generation));
                        assert!(alive(hidden), "{inside} of {size}");
                    }
                    black_box(pointer);
                    hidden
                });
                collect_all(m);
                assert!(!alive(hidden), "{inside} of {size}");
            }
        }
    });
}

#[test]
fn the_stacks_of_blocked_and_parked_threads_are_scanned() {
    let _turn = alone();
    let (to_main, from_thread) = std::sync::mpsc::channel();
    let (to_thread, from_main) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            with_mutator(|m| {
                let cell = bytes(m, 64);
                to_main.send(!cell.bits()).unwrap();
                m.blocking(|| from_main.recv().unwrap());
                word(black_box(cell), 1).store(7, Relaxed);
            });
        });
        let hidden = from_thread.recv().unwrap();
        with_mutator(|m| {
            for _ in 0..3 {
                collect_all(m);
                assert!(alive(hidden));
            }
            to_thread.send(()).unwrap();
        });
    });
}

#[test]
fn a_mixed_cell_refers_to_starts_of_cells() {
    let _turn = alone();
    attached(|m| {
        let (started, middle) = in_clean_stack(|| {
            let header = Header::new(ShapeRef::NONE, Kind::Mixed, 0);
            let mixed = Value::cell(m.alloc(64, header).as_ptr());
            root(mixed);
            let (a, b) = (bytes(m, 64), bytes(m, 64));
            word(mixed, 1).store(12345, Relaxed);
            word(mixed, 2).store(a.bits(), Relaxed);
            word(mixed, 3).store(b.bits() + 16, Relaxed);
            word(mixed, 4).store(u64::MAX, Relaxed);
            (!a.bits(), !b.bits())
        });
        for generation in [Generation::Young, Generation::Full, Generation::Full] {
            in_clean_stack(|| collect(m, generation));
            assert!(alive(started));
        }
        assert!(!alive(middle));
    });
}

/// Traces the second word only.
unsafe fn trace_second(header: *const Header, tracer: &mut Tracer) {
    // SAFETY: cells of this kind have three words.
    tracer.slot(unsafe { &*header.cast::<AtomicU64>().add(2) });
}

#[test]
fn registered_kinds_are_traced_by_their_function() {
    let _turn = alone();
    const KIND: u8 = 77;
    register_tracer(KIND, trace_second);
    attached(|m| {
        let (ignored, traced) = in_clean_stack(|| {
            let header = Header::with_raw_kind(ShapeRef::NONE, KIND, 0);
            let custom = Value::cell(m.alloc(24, header).as_ptr());
            root(custom);
            let (a, b) = (bytes(m, 64), bytes(m, 64));
            word(custom, 1).store(a.bits(), Relaxed);
            word(custom, 2).store(b.bits(), Relaxed);
            (!a.bits(), !b.bits())
        });
        collect_all(m);
        assert!(!alive(ignored) && alive(traced));
    });
}

#[test]
fn immortal_cells_are_roots_at_known_addresses() {
    let _turn = alone();
    // The only immortal cells of this process, all of one size.
    let cells: Vec<Value> = (0..4)
        .map(|i| {
            let header = Header::new(ShapeRef(1), Kind::Slots, 3);
            let cell = immortal_alloc(32, header).as_ptr();
            assert_eq!(cell as usize, immortal_addr(i, 32));
            Value::cell(cell)
        })
        .collect();
    assert_eq!(cells[0].bits() as usize, IMMORTAL_BASE);
    const { assert!(IMMORTAL_BASE > HEAP_BASE) };
    assert_eq!(cell_size(cells[1]), 32);
    assert!(is_cell_start(cells[1].bits() as usize) && !is_cell_start(cells[1].bits() as usize + 16));
    attached(|m| {
        let first = in_clean_stack(|| {
            let v = bytes(m, 32);
            // The first stores need no barrier.
            word(cells[0], 1).store(v.bits(), Relaxed);
            !v.bits()
        });
        for generation in [Generation::Young, Generation::Young, Generation::Full] {
            in_clean_stack(|| collect(m, generation));
            assert!(alive(first));
        }
        let second = in_clean_stack(|| {
            let v = bytes(m, 32);
            set(m, cells[2], 1, v);
            !v.bits()
        });
        for generation in [Generation::Young, Generation::Full, Generation::Young] {
            in_clean_stack(|| collect(m, generation));
            assert!(alive(first) && alive(second));
        }
        in_clean_stack(|| set(m, cells[2], 1, Value::NULL));
        collect_all(m);
        assert!(!alive(second));
        let found = m.stop_world(c"test", |world| {
            let mut found = HashSet::new();
            each_object(world, &mut |v| {
                found.insert(v);
            });
            found
        });
        assert!(cells.iter().all(|cell| found.contains(cell)));
        in_clean_stack(|| set(m, cells[0], 0, Value::NULL));
    });
}

fn objects(m: &Mutator) -> Vec<u64> {
    m.stop_world(c"test", |world| {
        let mut found = Vec::new();
        each_object(world, &mut |v| found.push(!v.bits()));
        found
    })
}

#[test]
fn the_walk_finds_live_objects_once() {
    let _turn = alone();
    attached(|m| {
        collect_all(m);
        let before: HashSet<u64> = objects(m).into_iter().collect();
        let expected: HashSet<u64> = in_clean_stack(|| {
            let shape = object(m, 1);
            root(shape);
            let keep = array(m, 2000);
            root(keep);
            (0..2000)
                .map(|i| {
                    // Every other one dies; some are large; arrays have no shape and do not count.
                    let v = match i % 100 {
                        0 => {
                            let header = Header::new(ShapeRef::of(shape.as_ptr::<u8>()), Kind::Leaf, 0);
                            Value::cell(m.try_alloc(100_000, header).unwrap().as_ptr())
                        }
                        n => shaped(m, shape, 1 + n % 50),
                    };
                    if i % 2 == 0 {
                        set(m, keep, i, v);
                    }
                    (i, v)
                })
                .filter(|(i, _)| i % 2 == 0)
                .map(|(_, v)| !v.bits())
                .collect()
        });
        for generation in [None, Some(Generation::Young), Some(Generation::Full)] {
            if let Some(generation) = generation {
                in_clean_stack(|| collect(m, generation));
            }
            let found = objects(m);
            let new: HashSet<u64> = found.iter().filter(|v| !before.contains(v)).copied().collect();
            assert_eq!(found.len(), found.iter().collect::<HashSet<_>>().len());
            match generation {
                None => assert!(new.is_superset(&expected)),
                Some(_) => assert_eq!(new, expected),
            }
        }
    });
}

#[test]
fn reports_count_the_dead() {
    let _turn = alone();
    attached(|m| {
        collect_all(m);
        for generation in [Generation::Young, Generation::Full] {
            let keep = in_clean_stack(|| {
                let keep = array(m, 100);
                root(keep);
                for i in 0..1000 {
                    let v = object(m, 4);
                    if i % 10 == 0 {
                        set(m, keep, i / 10, v);
                    }
                }
                array(m, 50_000);
                !keep.bits()
            });
            let report = in_clean_stack(|| collect(m, generation));
            assert_eq!((report.generation, report.collected), (generation, 901));
            assert!(report.live > 100 * 48 && report.heap >= report.live && report.ns > 0);
            let report = in_clean_stack(|| collect(m, generation));
            assert_eq!(report.collected, 0);
            in_clean_stack(|| unroot(Value::from_bits(!keep)));
            assert_eq!(collect_all(m).collected, 101);
        }
    });
}

#[test]
fn referents_are_found_through_arrays() {
    let _turn = alone();
    attached(|m| {
        let shape = object(m, 1);
        let [owner, a, b] = [0; 3].map(|_| shaped(m, shape, 3));
        let backing = array(m, 3000);
        set(m, owner, 0, backing);
        set(m, owner, 1, Value::int(5));
        set(m, owner, 2, owner);
        for i in 0..3000 {
            set(m, backing, i, if i % 2 == 0 { a } else { b });
        }
        for generation in [Generation::Young, Generation::Full] {
            let found = m.stop_world(c"test", |world| {
                let mut found = Vec::new();
                each_referent(world, owner, &mut |v| found.push(v));
                found
            });
            assert_eq!(found.len(), 3);
            assert!([owner, a, b].iter().all(|v| found.contains(v)));
            // The bits of the header are as before: a store is still noticed.
            in_clean_stack(|| collect(m, generation));
        }
    });
}
