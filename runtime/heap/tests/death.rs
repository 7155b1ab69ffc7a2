//! What happens to those that die: weak references, finalizers, native resources.

mod common;

use common::*;
use limpid_heap::{
    Config, Generation, HEAP_BASE, Header, Kind, Mutator, ShapeRef, Value, collect, register_drop, register_finalizer, register_weak,
    unregister_finalizer,
};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Collections are global: one test at a time, so that what is collected is its own.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    let guard = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    start(Config { poison: true, parallel: 1, ..Config::default() });
    for list in [&TOY.roots, &TOY.finalized, &TOY.cleared] {
        list.lock().unwrap().clear();
    }
    guard
}

/// The words of the cells that tests expect back, hidden from conservative scanning.
fn hide(v: Value) -> u64 {
    !v.bits()
}

fn take(list: &Mutex<Vec<Value>>) -> Vec<u64> {
    list.lock().unwrap().drain(..).map(hide).collect()
}

#[test]
fn a_weak_reference_is_cleared_when_its_referent_dies() {
    let _turn = alone();
    attached(|m| {
        for generation in [Generation::Young, Generation::Full] {
            let (kept, lost) = in_clean_stack(|| {
                let referent = object(m, 1);
                root(referent);
                let kept = weak(m, referent);
                let lost = weak(m, object(m, 1));
                root(kept);
                root(lost);
                (hide(kept), hide(lost))
            });
            in_clean_stack(|| collect(m, generation));
            let (kept, lost) = (Value::from_bits(!kept), Value::from_bits(!lost));
            assert!(referent(kept).is_cell());
            assert!(referent(lost).is_null());
            assert_eq!(take(&TOY.cleared), [hide(lost)]);
            TOY.roots.lock().unwrap().clear();
        }
    });
}

#[test]
fn who_keeps_addresses_is_told_which_are_dead() {
    let _turn = alone();
    attached(|m| {
        // Old ones die in full collections only; 40,000 bytes have blocks of their own.
        for (age, generation) in [(0, Generation::Young), (0, Generation::Full), (1, Generation::Full)] {
            for size in [8, 100, 40_000] {
                let kept = in_clean_stack(|| {
                    let (kept, lost) = (bytes(m, size), bytes(m, size));
                    root(kept);
                    root(lost);
                    for _ in 0..age {
                        collect(m, Generation::Young);
                    }
                    unroot(lost);
                    let addresses = [hide(kept), hide(kept) - 13, hide(lost), hide(lost) - 13, !17, !(HEAP_BASE as u64)];
                    TOY.addresses.lock().unwrap().extend(addresses);
                    hide(kept)
                });
                in_clean_stack(|| collect(m, Generation::Young));
                if age > 0 {
                    assert_eq!(TOY.addresses.lock().unwrap().len(), 6);
                }
                in_clean_stack(|| collect(m, generation));
                assert_eq!(*TOY.addresses.lock().unwrap(), [kept, kept - 13, !17, !(HEAP_BASE as u64)]);
                TOY.addresses.lock().unwrap().clear();
                TOY.roots.lock().unwrap().clear();
            }
        }
    });
}

#[test]
fn an_old_weak_reference_is_cleared_by_a_full_collection_only() {
    let _turn = alone();
    attached(|m| {
        let reference = in_clean_stack(|| {
            let target = object(m, 1);
            root(target);
            let reference = weak(m, target);
            root(reference);
            collect(m, Generation::Young);
            unroot(target);
            hide(reference)
        });
        in_clean_stack(|| collect(m, Generation::Young));
        assert!(referent(Value::from_bits(!reference)).is_cell());
        collect_all(m);
        assert!(referent(Value::from_bits(!reference)).is_null());
        assert_eq!(take(&TOY.cleared), [reference]);
    });
}

#[test]
fn a_dead_weak_reference_is_not_reported() {
    let _turn = alone();
    attached(|m| {
        in_clean_stack(|| {
            weak(m, object(m, 1));
        });
        collect_all(m);
        assert_eq!(take(&TOY.cleared), []);
    });
}

#[test]
fn a_weak_reference_that_was_given_up_is_not_reported() {
    let _turn = alone();
    attached(|m| {
        in_clean_stack(|| {
            let reference = weak(m, object(m, 1));
            root(reference);
            word(reference, 1).store(0, Relaxed);
        });
        collect_all(m);
        assert_eq!(take(&TOY.cleared), []);
    });
}

#[test]
fn weak_references_to_a_large_cell() {
    let _turn = alone();
    attached(|m| {
        let reference = in_clean_stack(|| {
            let reference = weak(m, array(m, 100_000));
            root(reference);
            hide(reference)
        });
        collect_all(m);
        assert!(referent(Value::from_bits(!reference)).is_null());
    });
}

fn finalizable(m: &Mutator, slots: usize) -> Value {
    let new = object(m, slots);
    register_finalizer(m, new);
    new
}

#[test]
fn a_finalizer_runs_once_and_sees_what_its_object_refers_to() {
    let _turn = alone();
    attached(|m| {
        for generation in [Generation::Young, Generation::Full] {
            in_clean_stack(|| {
                let dying = finalizable(m, 1);
                let child = bytes(m, 100);
                set(m, dying, 0, child);
            });
            in_clean_stack(|| collect(m, generation));
            in_clean_stack(|| {
                let queue = TOY.finalized.lock().unwrap();
                assert_eq!(queue.len(), 1);
                assert_ne!(header(queue[0]).gc.load(Relaxed) & Header::FINALIZED, 0);
                assert_eq!(header(get(queue[0], 0)).kind(), Kind::Leaf as u8);
            });
            // Resurrected, and dead again: no second time.
            TOY.finalized.lock().unwrap().clear();
            collect_all(m);
            assert_eq!(take(&TOY.finalized), []);
        }
    });
}

#[test]
fn weak_references_last_until_a_resurrected_object_really_dies() {
    let _turn = alone();
    attached(|m| {
        let reference = in_clean_stack(|| {
            let reference = weak(m, finalizable(m, 1));
            root(reference);
            hide(reference)
        });
        collect_all(m);
        assert_eq!(take(&TOY.finalized).len(), 1);
        in_clean_stack(|| assert!(referent(Value::from_bits(!reference)).is_cell()));
        assert_eq!(take(&TOY.cleared), []);
        collect_all(m);
        assert!(referent(Value::from_bits(!reference)).is_null());
        assert_eq!(take(&TOY.cleared), [reference]);
    });
}

#[test]
fn outer_objects_are_finalized_before_inner_ones() {
    let _turn = alone();
    attached(|m| {
        for outer_first in [false, true] {
            // A chain of three through plain objects, registered in either order.
            let chain = in_clean_stack(|| {
                let chain = [object(m, 1), object(m, 1), object(m, 1)];
                for pair in chain.windows(2) {
                    let between = object(m, 1);
                    set(m, pair[0], 0, between);
                    set(m, between, 0, pair[1]);
                }
                for i in 0..3 {
                    register_finalizer(m, chain[if outer_first { i } else { 2 - i }]);
                }
                chain.map(hide)
            });
            collect_all(m);
            assert_eq!(take(&TOY.finalized), chain);
        }
    });
}

#[test]
fn cycles_of_finalizable_objects_are_finalized() {
    let _turn = alone();
    attached(|m| {
        in_clean_stack(|| {
            let (a, b) = (finalizable(m, 1), finalizable(m, 1));
            set(m, a, 0, b);
            set(m, b, 0, a);
        });
        collect_all(m);
        assert_eq!(take(&TOY.finalized).len(), 2);
    });
}

#[test]
fn an_unregistered_finalizer_does_not_run() {
    let _turn = alone();
    attached(|m| {
        in_clean_stack(|| unregister_finalizer(finalizable(m, 1)));
        collect_all(m);
        assert_eq!(take(&TOY.finalized), []);
    });
}

static DROPPED: AtomicUsize = AtomicUsize::new(0);

/// Adds the number in the cell to the sum of what was dropped.
unsafe fn note_drop(cell: *mut u8) {
    // SAFETY: registered for cells with a number after the header.
    let number = unsafe { *cell.cast::<u64>().add(1) };
    DROPPED.fetch_add(number as usize, Relaxed);
}

fn resource(m: &Mutator, number: u64, size: usize) -> Value {
    let header = Header::new(ShapeRef::NONE, Kind::Leaf, 0);
    let cell: NonNull<u8> = m.try_alloc(size, header).unwrap();
    let v = Value::cell(cell.as_ptr());
    word(v, 1).store(number, Relaxed);
    register_drop(m, cell, note_drop);
    v
}

#[test]
fn native_resources_are_dropped_once() {
    let _turn = alone();
    attached(|m| {
        DROPPED.store(0, Relaxed);
        in_clean_stack(|| {
            resource(m, 1, 16);
            resource(m, 10, 100_000);
            root(resource(m, 100, 16));
        });
        collect_all(m);
        assert_eq!(DROPPED.load(Relaxed), 11);
        TOY.roots.lock().unwrap().clear();
        collect_all(m);
        collect_all(m);
        assert_eq!(DROPPED.load(Relaxed), 111);
    });
}

#[test]
fn a_resource_that_a_finalizer_can_reach_is_kept_for_it() {
    let _turn = alone();
    attached(|m| {
        DROPPED.store(0, Relaxed);
        in_clean_stack(|| {
            let owner = finalizable(m, 1);
            set(m, owner, 0, resource(m, 1, 16));
        });
        collect_all(m);
        assert_eq!((take(&TOY.finalized).len(), DROPPED.load(Relaxed)), (1, 0));
        collect_all(m);
        assert_eq!(DROPPED.load(Relaxed), 1);
    });
}

#[test]
fn registrations_of_a_thread_that_ended_are_kept() {
    let _turn = alone();
    let reference = attached(|m| {
        in_clean_stack(|| {
            let reference = weak(m, object(m, 1));
            root(reference);
            hide(reference)
        })
    });
    attached(|m| {
        collect_all(m);
        assert!(referent(Value::from_bits(!reference)).is_null());
    });
}

#[test]
fn a_weak_reference_can_be_registered_again() {
    let _turn = alone();
    attached(|m| {
        in_clean_stack(|| {
            let reference = weak(m, object(m, 1));
            root(reference);
            let other = object(m, 1);
            word(reference, 1).store(other.bits(), Relaxed);
            register_weak(m, reference, word(reference, 1), other);
        });
        collect_all(m);
        assert_eq!(take(&TOY.cleared).len(), 1, "cleared once although registered twice");
    });
}
