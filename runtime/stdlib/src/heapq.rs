//! `_heapq`: heaps in lists, with the smallest item first or (`_max`) the largest.

use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::compare;
use limpid_vm::raise;
use limpid_vm::slots::Compare;
use limpid_vm::thread::Thread;
use limpid_vm::types::List;

/// `_heapq`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "Heap queue algorithm (a.k.a. priority queue).\n\nHeaps are arrays for which a[k] <= a[2*k+1] and a[k] <= a[2*k+2] for\nall k, counting \
          elements from 0.  For the sake of comparison,\nnon-existing elements are considered to be infinite.  The interesting\nproperty of a heap is \
          that a[0] is always its smallest element.\n",
    functions: &[
        FnDef::def("heappush", "heap, item, /", push::<false>).doc("Push item onto heap, maintaining the heap invariant."),
        FnDef::def("heappushpop", "heap, item, /", push_pop::<false>).doc(
            "Push item on the heap, then pop and return the smallest item from the heap.\n\nThe combined action runs more efficiently than \
             heappush() followed by\na separate call to heappop().",
        ),
        FnDef::def("heappop", "heap, /", pop::<false>).doc("Pop the smallest item off the heap, maintaining the heap invariant."),
        FnDef::def("heapreplace", "heap, item, /", replace::<false>).doc(
            "Pop and return the current smallest value, and add the new item.\n\nThis is more efficient than heappop() followed by heappush(), and \
             can be\nmore appropriate when using a fixed-size heap.  Note that the value\nreturned may be larger than item!  That constrains \
             reasonable uses of\nthis routine unless written as part of a conditional replacement:\n\n    if item > heap[0]:\n        item = \
             heapreplace(heap, item)",
        ),
        FnDef::def("heapify", "heap, /", heapify::<false>).doc("Transform list into a heap, in-place, in O(len(heap)) time."),
        FnDef::def("heappush_max", "heap, item, /", push::<true>).doc("Push item onto max heap, maintaining the heap invariant."),
        FnDef::def("heappushpop_max", "heap, item, /", push_pop::<true>).doc(
            "Maxheap variant of heappushpop.\n\nThe combined action runs more efficiently than heappush_max() followed by\na separate call to \
             heappop_max().",
        ),
        FnDef::def("heappop_max", "heap, /", pop::<true>).doc("Maxheap variant of heappop."),
        FnDef::def("heapreplace_max", "heap, item, /", replace::<true>).doc("Maxheap variant of heapreplace."),
        FnDef::def("heapify_max", "heap, /", heapify::<true>).doc("Maxheap variant of heapify."),
    ],
    init: |t, m| {
        const ABOUT: &str = "Heap queues\n\nA heap is a binary tree in an array in which no item is larger than the items\nbelow it, so the first one is the smallest.\n";
        m.dict().set_text(t, "__about__", limpid_vm::types::Str::new(t, ABOUT).value())
    },
    ..ModuleDef::named("_heapq")
};

/// The heap that a function was given.
fn heap<const MAX: bool>(t: &Thread, v: Value, function: &str) -> R<Ref<List>> {
    match v.downcast::<List>() {
        Some(list) => Ok(list),
        None => {
            let suffix = if MAX { "_max" } else { "" };
            raise!(t, TypeError, "{function}{suffix}() argument 1 must be list, not {}", v.class().display_name())
        }
    }
}

fn item(t: &Thread, list: Ref<List>, i: usize) -> R {
    match list.get(i) {
        Some(v) => Ok(v),
        None => raise!(t, IndexError, "index out of range"),
    }
}

/// Does `a` belong above `b`? Comparing may run a program, which must leave the list's length alone.
fn above<const MAX: bool>(t: &Thread, list: Ref<List>, a: Value, b: Value) -> R<bool> {
    let len = list.len();
    let answer = if MAX { compare::compare_bool(t, b, a, Compare::Lt)? } else { compare::compare_bool(t, a, b, Compare::Lt)? };
    if list.len() != len {
        raise!(t, RuntimeError, "list changed size during iteration")
    }
    Ok(answer)
}

/// Lets the item at `at` rise to its place, not above `top`.
fn rise<const MAX: bool>(t: &Thread, list: Ref<List>, top: usize, mut at: usize) -> R<()> {
    let moving = item(t, list, at)?;
    while at > top {
        let parent_at = (at - 1) / 2;
        let parent = item(t, list, parent_at)?;
        if !above::<MAX>(t, list, moving, parent)? {
            break;
        }
        swap(t, list, at, parent_at)?;
        at = parent_at;
    }
    Ok(())
}

/// Exchanges two items, as they are after the comparison.
fn swap(t: &Thread, list: Ref<List>, i: usize, j: usize) -> R<()> {
    let (a, b) = (item(t, list, i)?, item(t, list, j)?);
    list.set(t, i, b);
    list.set(t, j, a);
    Ok(())
}

/// Lets the item at `top` sink to the bottom, its place taken by children, and rise from there: it nearly always belongs near the bottom.
fn sink<const MAX: bool>(t: &Thread, list: Ref<List>, top: usize) -> R<()> {
    let len = list.len();
    let mut at = top;
    while at < len / 2 {
        let mut child = 2 * at + 1;
        if child + 1 < len && !above::<MAX>(t, list, item(t, list, child)?, item(t, list, child + 1)?)? {
            child += 1;
        }
        swap(t, list, at, child)?;
        at = child;
    }
    rise::<MAX>(t, list, top, at)
}

fn push<const MAX: bool>(t: &Thread, a: &[Value]) -> R {
    let list = heap::<MAX>(t, a[0], "heappush")?;
    list.append(t, a[1])?;
    rise::<MAX>(t, list, 0, list.len().saturating_sub(1))?;
    Ok(Value::NONE)
}

fn pop<const MAX: bool>(t: &Thread, a: &[Value]) -> R {
    let list = heap::<MAX>(t, a[0], "heappop")?;
    let Some(last) = list.pop(t, -1) else { raise!(t, IndexError, "index out of range") };
    let Some(first) = list.get(0) else { return Ok(last) };
    list.set(t, 0, last);
    sink::<MAX>(t, list, 0)?;
    Ok(first)
}

fn replace<const MAX: bool>(t: &Thread, a: &[Value]) -> R {
    let list = heap::<MAX>(t, a[0], "heapreplace")?;
    let first = item(t, list, 0)?;
    list.set(t, 0, a[1]);
    sink::<MAX>(t, list, 0)?;
    Ok(first)
}

fn push_pop<const MAX: bool>(t: &Thread, a: &[Value]) -> R {
    let list = heap::<MAX>(t, a[0], "heappushpop")?;
    let Some(first) = list.get(0) else { return Ok(a[1]) };
    let stays_out =
        !(if MAX { compare::compare_bool(t, a[1], first, Compare::Lt)? } else { compare::compare_bool(t, first, a[1], Compare::Lt)? });
    if stays_out {
        return Ok(a[1]);
    }
    replace::<MAX>(t, a)
}

fn heapify<const MAX: bool>(t: &Thread, a: &[Value]) -> R {
    let list = heap::<MAX>(t, a[0], "heapify")?;
    for i in (0..list.len() / 2).rev() {
        sink::<MAX>(t, list, i)?;
        t.poll()?;
    }
    Ok(Value::NONE)
}
