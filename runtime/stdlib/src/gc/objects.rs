//! Objects and what refers to what.
//!
//! The heap is looked at while all threads stand still, when nothing may be allocated: what is found goes into a list with room made
//! before, and if there is too little of it, the search is repeated.

use limpid_heap::{Generation, ShapeRef, StoppedWorld, Value};
use limpid_vm::interp::frame::Frame;
use limpid_vm::interpreter::{self, Interpreter};
use limpid_vm::object::{R, Ref, ValueExt, may_be_tracked};
use limpid_vm::protocol::number;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Dict, List, Tuple, ValueList, flag};
use limpid_vm::{raise, runtime};
use std::collections::HashSet;
use std::ffi::CStr;
use std::sync::Arc;

/// Whether CPython's collector would track an object like this: can it be part of a cycle?
pub(super) fn is_tracked(v: Value) -> bool {
    if !v.is_cell() {
        return false;
    }
    if let Some(tuple) = v.exact::<Tuple>() {
        return tracks_any(tuple, TUPLE_DEPTH);
    }
    may_be_tracked(v)
}

/// How deep tuples in tuples are looked into.
const TUPLE_DEPTH: usize = 100;

/// Is any of the items tracked? A tuple of what is not tracked is not.
fn tracks_any(tuple: Ref<Tuple>, depth: usize) -> bool {
    tuple.as_slice().iter().any(|item| match item.exact::<Tuple>() {
        Some(inner) if depth > 0 => tracks_any(inner, depth - 1),
        _ => item.is_cell() && may_be_tracked(*item),
    })
}

/// What a search finds: `search` hands each find to its argument, with the world stopped.
fn gather(t: &Thread, reason: &'static CStr, search: impl Fn(&StoppedWorld, &mut dyn FnMut(Value))) -> ValueList {
    let mut room = 64;
    loop {
        let mut list = ValueList::with_capacity(t, room);
        let found = t.mutator.stop_world(reason, |world| {
            let mut found = 0;
            search(world, &mut |v| {
                found += 1;
                if found <= room {
                    list.push(t, v);
                }
            });
            found
        });
        if found <= room {
            return list;
        }
        room = found + found / 8;
    }
}

pub(super) fn get_objects(t: &Thread, a: &[Value]) -> R {
    let generation = if a[0].is_null() || a[0].is_none() { None } else { Some(number::index_isize(t, a[0])?).filter(|n| *n != -1) };
    match generation {
        // Without this, what is dead and not yet found to be would come along.
        None => drop(super::collect_for_caller(t, Generation::Full, 2)),
        Some(0..=2) => {}
        Some(n) if n < 0 => raise!(t, ValueError, "generation parameter cannot be negative"),
        Some(_) => raise!(t, ValueError, "generation parameter must be less than the number of available generations (3)"),
    }
    let wanted = |v: Value| match generation {
        None => true,
        Some(0) => !limpid_heap::is_old(v),
        Some(1) => false,
        Some(_) => limpid_heap::is_old(v),
    };
    let found = gather(t, c"gc.get_objects", |world, find| {
        let of_others = of_other_interpreters(t, world);
        limpid_heap::each_object(world, &mut |v| {
            // What nobody comes to any more belongs where its class does.
            let is_others = [v.bits(), v.class().value().bits()].iter().any(|bits| of_others.contains(bits));
            if wanted(v) && is_tracked(v) && !is_others {
                find(v);
            }
        });
    });
    Ok(List::from_slice(t, found.as_slice())?.value())
}

/// What other interpreters come to and this one does not: all have one heap.
fn of_other_interpreters(t: &Thread, world: &StoppedWorld) -> HashSet<u64> {
    let (own, others): (Vec<_>, Vec<_>) = interpreter::all(t).into_iter().partition(|i| Arc::ptr_eq(i, t.interpreter()));
    if others.is_empty() {
        return HashSet::new();
    }
    let own = reached_from(t, world, &own);
    reached_from(t, world, &others).difference(&own).copied().collect()
}

/// The cells that interpreters come to, from what they hold and from the frames of their threads.
fn reached_from(t: &Thread, world: &StoppedWorld, interpreters: &[Arc<Interpreter>]) -> HashSet<u64> {
    let (mut seen, mut next) = (HashSet::new(), Vec::new());
    let mut reach = |v: Value, next: &mut Vec<Value>| {
        if v.is_cell() && seen.insert(v.bits()) {
            next.push(v);
        }
    };
    for i in interpreters {
        i.each_held(|v| reach(v, &mut next));
        i.each_thread(t, |other| {
            let mut f = Frame(other.fp.get());
            while !f.is_none() {
                if !f.is_shim() {
                    reach(f.function_value(), &mut next);
                    (0..f.code().nlocalsplus as usize).for_each(|n| reach(f.local(n), &mut next));
                }
                f = f.previous();
            }
        });
    }
    while let Some(v) = next.pop() {
        limpid_heap::each_referent(world, v, &mut |referent| reach(referent, &mut next));
        if v.shape() != ShapeRef::NONE {
            reach(v.class().value(), &mut next);
        }
    }
    seen
}

/// How many tracked objects are young, and how many old.
pub(super) fn count(t: &Thread) -> [usize; 2] {
    t.mutator.stop_world(c"gc.DEBUG_STATS", |world| {
        let mut counts = [0; 2];
        limpid_heap::each_object(world, &mut |v| counts[usize::from(limpid_heap::is_old(v))] += usize::from(is_tracked(v)));
        counts
    })
}

pub(super) fn get_referrers(t: &Thread, a: &[Value]) -> R {
    let Some(objects) = a[0].exact::<Tuple>() else { return Ok(List::new(t).value()) };
    runtime::collect(t, Generation::Full);
    let found = gather(t, c"gc.get_referrers", |world, find| {
        limpid_heap::each_object(world, &mut |v| {
            let mut refers = false;
            if v != a[0] && is_tracked(v) {
                limpid_heap::each_referent(world, v, &mut |referent| refers |= objects.as_slice().contains(&referent));
            }
            if refers {
                find(v);
            }
        });
    });
    Ok(List::from_slice(t, found.as_slice())?.value())
}

pub(super) fn get_referents(t: &Thread, a: &[Value]) -> R {
    let list = List::new(t);
    let Some(objects) = a[0].exact::<Tuple>() else { return Ok(list.value()) };
    for object in objects.as_slice().iter().filter(|v| is_tracked(**v) || v.exact::<Tuple>().is_some()) {
        add_referents(t, *object, list)?;
    }
    Ok(list.value())
}

/// Adds what an object refers to. Numbers are no cells and found in the usual containers only.
fn add_referents(t: &Thread, object: Value, to: Ref<List>) -> R<()> {
    if let Some(tuple) = object.exact::<Tuple>() {
        return to.extend_from_slice(t, tuple.as_slice());
    }
    if let Some(list) = object.exact::<List>() {
        return to.extend_from_slice(t, list.snapshot(t).as_slice());
    }
    if let Some(dict) = object.exact::<Dict>() {
        for (key, v) in dict.iter() {
            to.append(t, key)?;
            to.append(t, v)?;
        }
        return Ok(());
    }
    let found = gather(t, c"gc.get_referents", |world, find| limpid_heap::each_referent(world, object, find));
    to.extend_from_slice(t, found.as_slice())?;
    let class = object.class();
    if class.has(flag::HEAP_TYPE) { to.append(t, class.value()) } else { Ok(()) }
}
