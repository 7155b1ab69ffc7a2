//! The direct subclasses of a class: weak references, so that a class without instances and references goes away.

use crate::object::{Ref, Slot, ValueExt, plain_header};
use crate::thread::Thread;
use crate::types::{Type, ValueList, flag};
use limpid_heap::{Header, Kind, ShapeRef, Value, register_weak};

/// A weak reference to a class: no object, just a word that the collector empties.
#[repr(C)]
struct WeakEntry {
    header: Header,
    class: Slot,
}

/// The class an entry of the list refers to: builtin types are listed themselves, others weakly.
fn class_of(entry: Value) -> Option<Ref<Type>> {
    let class = if entry.shape() == ShapeRef::NONE {
        // SAFETY: an entry that is no object is a WeakEntry.
        unsafe { Ref::<WeakEntry>::from_value(entry) }.class.opt()?
    } else {
        entry
    };
    // SAFETY: the entries refer to types.
    Some(unsafe { Ref::from_value(class) })
}

fn list(class: Ref<Type>) -> Option<ValueList> {
    class.subclasses.opt().map(ValueList::from_cell)
}

/// Adds a direct subclass.
pub(crate) fn add(t: &Thread, class: Ref<Type>, subclass: Ref<Type>) {
    let entry = if subclass.has(flag::HEAP_TYPE) {
        let entry = t.alloc_cell(WeakEntry { header: plain_header(Kind::Leaf), class: Slot::new(subclass.value()) });
        register_weak(&t.mutator, entry.value(), entry.class.word(), subclass.value());
        entry.value()
    } else {
        subclass.value()
    };
    rebuild(t, class, |_| true, entry);
}

/// Removes a direct subclass.
pub(super) fn remove(t: &Thread, class: Ref<Type>, subclass: Ref<Type>) {
    rebuild(t, class, |c| c != subclass, Value::NULL);
}

/// Publishes a list with those that are alive and kept, and one more entry unless it is NULL. Readers go on with the old list.
fn rebuild(t: &Thread, class: Ref<Type>, keep: impl Fn(Ref<Type>) -> bool, new: Value) {
    let _guard = t.lock(class);
    let mut kept = ValueList::with_capacity(t, list(class).map_or(0, |l| l.len()) + 1);
    for entry in list(class).into_iter().flat_map(|l| l.iter()) {
        if class_of(entry).is_some_and(&keep) {
            kept.push(t, entry);
        }
    }
    if !new.is_null() {
        kept.push(t, new);
    }
    class.subclasses.set(t, class, kept.cell());
}

/// Calls a function with each direct subclass.
pub fn each(class: Ref<Type>, mut f: impl FnMut(Ref<Type>)) {
    list(class).into_iter().flat_map(|l| l.iter()).filter_map(class_of).for_each(&mut f);
}
