//! `_bisect`: binary search in a sorted sequence.

use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, ValueExt};
use limpid_vm::protocol::{call, compare, number, sequence};
use limpid_vm::raise;
use limpid_vm::slots::Compare;
use limpid_vm::thread::Thread;
use limpid_vm::types::{List, int};

const SIGNATURE: &str = "a, x, lo=0, hi=None, *, key=None";

/// `_bisect`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "Bisection algorithms.\n\nThis module provides support for maintaining a list in sorted order without\nhaving to sort the list after each \
          insertion. For long lists of items with\nexpensive comparison operations, this can be an improvement over the more\ncommon approach.\n",
    functions: &[
        FnDef::def("bisect_right", SIGNATURE, |t, a| find::<true>(t, a, false).map(|i| int::from_usize(t, i))).doc(
            "Return the index where to insert item x in list a, assuming a is sorted.\n\nThe return value i is such that all e in a[:i] have e <= x, \
             and all e in\na[i:] have e > x.  So if x already appears in the list, a.insert(i, x) will\ninsert just after the rightmost x already \
             there.",
        ),
        FnDef::def("bisect", SIGNATURE, |t, a| find::<true>(t, a, false).map(|i| int::from_usize(t, i))).doc("Alias for bisect_right()."),
        FnDef::def("bisect_left", SIGNATURE, |t, a| find::<false>(t, a, false).map(|i| int::from_usize(t, i))).doc(
            "Return the index where to insert item x in list a, assuming a is sorted.\n\nThe return value i is such that all e in a[:i] have e < x, \
             and all e in\na[i:] have e >= x.  So if x already appears in the list, a.insert(i, x) will\ninsert just before the leftmost x already \
             there.",
        ),
        FnDef::def("insort_right", SIGNATURE, insert::<true>).doc(
            "Insert item x in list a, and keep it sorted assuming a is sorted.\n\nIf x is already in a, insert it to the right of the rightmost x.",
        ),
        FnDef::def("insort", SIGNATURE, insert::<true>).doc("Alias for insort_right()."),
        FnDef::def("insort_left", SIGNATURE, insert::<false>).doc(
            "Insert item x in list a, and keep it sorted assuming a is sorted.\n\nIf x is already in a, insert it to the left of the leftmost x.",
        ),
    ],
    ..ModuleDef::named("_bisect")
};

fn apply(t: &Thread, key: Value, v: Value) -> R {
    if key.is_null() || key.is_none() { Ok(v) } else { call::call(t, key, &[v]) }
}

/// Where an item belongs, behind or before its equals. Whether the key function is applied to the item too differs.
fn find<const RIGHT: bool>(t: &Thread, a: &[Value], apply_to_item: bool) -> R<usize> {
    let (sequence, mut item, key) = (a[0], a[1], a[4]);
    let low = if a[2].is_null() { 0 } else { number::index_isize(t, a[2])? };
    let Ok(mut low) = usize::try_from(low) else { raise!(t, ValueError, "lo must be non-negative") };
    let high = if a[3].is_null() || a[3].is_none() { -1 } else { number::index_isize(t, a[3])? };
    let mut high = match high {
        -1 => sequence::len(t, sequence)?,
        n => n.max(0) as usize,
    };
    if apply_to_item {
        item = apply(t, key, item)?;
    }
    let list = sequence.exact::<List>();
    while low < high {
        let middle = low + (high - low) / 2;
        let other = match list {
            Some(list) => match list.get(middle) {
                Some(v) => v,
                None => raise!(t, IndexError, "list index out of range"),
            },
            None => sequence::get_item(t, sequence, int::from_usize(t, middle))?,
        };
        let other = apply(t, key, other)?;
        let goes_left =
            if RIGHT { compare::compare_bool(t, item, other, Compare::Lt)? } else { !compare::compare_bool(t, other, item, Compare::Lt)? };
        if goes_left {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(low)
}

fn insert<const RIGHT: bool>(t: &Thread, a: &[Value]) -> R {
    let index = find::<RIGHT>(t, a, true)?;
    match a[0].exact::<List>() {
        Some(list) => list.insert(t, index as isize, a[1])?,
        None => drop(call::call_method_text(t, a[0], "insert", &[int::from_usize(t, index), a[1]])?),
    }
    Ok(Value::NONE)
}
