//! The services of the `gc` module: thresholds, counts, statistics, freezing. In a process of its own: they are global.

mod common;

use common::*;
use limpid_heap::{Config, Generation, Mutator, Value, collect, freeze, frozen_objects, is_cell_start, policy, unfreeze};
use std::sync::{Mutex, MutexGuard, PoisonError};

const YOUNG: usize = 4 << 20;

fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    let guard = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    start(Config { young: YOUNG, poison: true, ..Config::default() });
    TOY.roots.lock().unwrap().clear();
    guard
}

fn collections(generation: Generation) -> u64 {
    policy::stats()[generation as usize].collections
}

/// Allocates this many bytes of garbage.
fn garbage(m: &Mutator, size: usize) {
    for _ in 0..size / 64 {
        std::hint::black_box(object(m, 7));
    }
}

#[test]
fn minor_collections_happen_by_the_first_threshold() {
    let _turn = alone();
    attached(|m| {
        assert_eq!(policy::thresholds(), [2000, 10, 0]);
        for (thresholds, expected) in [([2000, 10, 0], 10), ([4000, 10, 0], 5), ([1000, 10, 0], 80)] {
            policy::set_thresholds(thresholds);
            assert_eq!(policy::thresholds(), thresholds);
            collect(m, Generation::Young);
            assert!(policy::progress(thresholds[0]) < thresholds[0] / 10);
            let before = collections(Generation::Young);
            garbage(m, 10 * YOUNG);
            let minor = collections(Generation::Young) - before;
            assert!(minor.abs_diff(expected) <= expected / 5, "{minor} instead of {expected}");
        }
        policy::set_thresholds([2000, 10, 0]);
        collect(m, Generation::Young);
        garbage(m, YOUNG / 2);
        let young = policy::progress(2000);
        assert!((900..1300).contains(&young), "{young}");
    });
}

/// Keeps `size` bytes alive as a list.
fn keep(m: &Mutator, size: usize) {
    let mut list = Value::NULL;
    for _ in 0..size / 64 {
        let node = object(m, 7);
        set(m, node, 0, list);
        list = node;
    }
    root(list);
}

#[test]
fn full_collections_happen_as_the_heap_grows_and_later_if_disabled() {
    let _turn = alone();
    attached(|m| {
        for enabled in [true, false] {
            TOY.roots.lock().unwrap().clear();
            collect_all(m);
            if enabled {
                policy::enable()
            } else {
                policy::disable()
            }
            assert_eq!(policy::is_enabled(), enabled);
            let before = collections(Generation::Full);
            in_clean_stack(|| keep(m, 100 << 20));
            assert_eq!(collections(Generation::Full) - before, enabled as u64);
            // While collections are put off, minor ones are 16 times as rare, and it is one of those that becomes a full one.
            in_clean_stack(|| keep(m, if enabled { 60 << 20 } else { 220 << 20 }));
            assert!(collections(Generation::Full) > before);
        }
        policy::enable();
        TOY.roots.lock().unwrap().clear();
        collect_all(m);
    });
}

#[test]
fn statistics_add_up() {
    let _turn = alone();
    attached(|m| {
        collect_all(m);
        let before = policy::stats();
        let mut dead = [0, 0];
        for generation in [Generation::Young, Generation::Full, Generation::Young] {
            in_clean_stack(|| garbage(m, 6400));
            dead[generation as usize] += in_clean_stack(|| collect(m, generation)).collected as u64;
        }
        let after = policy::stats();
        assert_eq!(after[0].collections - before[0].collections, 2);
        assert_eq!(after[1].collections - before[1].collections, 1);
        assert_eq!([after[0].collected - before[0].collected, after[1].collected - before[1].collected], dead);
        assert!(dead[0] >= 200 && dead[1] >= 100);
    });
}

#[test]
fn frozen_cells_stay_and_their_new_references_count() {
    let _turn = alone();
    attached(|m| {
        let shape = in_clean_stack(|| {
            let shape = object(m, 1);
            root(shape);
            !shape.bits()
        });
        let new = |slots| !shaped(m, Value::from_bits(!shape), slots).bits();
        let alive = |hidden: u64| in_clean_stack(|| is_cell_start(!hidden as usize));
        let (dead_soon, small, large) = in_clean_stack(|| {
            let (dead_soon, small, large) = (new(2), new(2), array(m, 50_000));
            [Value::from_bits(!dead_soon), Value::from_bits(!small), large].into_iter().for_each(root);
            (dead_soon, small, !large.bits())
        });
        in_clean_stack(|| freeze(m));
        assert!(frozen_objects() >= 2);
        in_clean_stack(|| {
            unroot(Value::from_bits(!dead_soon));
            unroot(Value::from_bits(!small));
            unroot(Value::from_bits(!large));
        });
        // Nothing but frozen cells refers to the new ones.
        let (first, second) = in_clean_stack(|| {
            let (first, second) = (new(1), new(1));
            set(m, Value::from_bits(!small), 0, Value::from_bits(!first));
            set(m, Value::from_bits(!large), 40_000, Value::from_bits(!second));
            (first, second)
        });
        for generation in [Generation::Full, Generation::Young, Generation::Full, Generation::Full] {
            in_clean_stack(|| collect(m, generation));
            assert!([dead_soon, small, large, first, second].into_iter().all(alive));
        }
        // What they no longer refer to dies.
        in_clean_stack(|| set(m, Value::from_bits(!large), 40_000, Value::NULL));
        collect_all(m);
        assert!(alive(first) && !alive(second));
        in_clean_stack(|| unfreeze(m));
        assert_eq!(frozen_objects(), 0);
        collect_all(m);
        assert!(![dead_soon, small, large, first].into_iter().any(alive));
    });
}
