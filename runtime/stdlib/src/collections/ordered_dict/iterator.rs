//! Iteration over ordered dicts: over keys, values or items, from either end.

use super::{End, OrderedDict, dict_of};
use limpid_heap::{Header, Value};
use limpid_vm::args::{FnDef, receiver};
use limpid_vm::exc;
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::iter;
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::iterators::{builtin_function, itself};
use limpid_vm::types::{Tuple, TypeDef, builtin, flag};
use limpid_vm::{layout, names, raise};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// What an iterator yields.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Keys,
    Values,
    Items,
}

/// The layout.
#[repr(C)]
pub struct OrderedDictIterator {
    header: Header,
    /// The ordered dict; NULL at the end.
    dict: Slot,
    /// From the first: the place to look at next. From the last: the one after that.
    position: AtomicUsize,
    /// How many entries are to come.
    left: AtomicUsize,
    /// How many entries there were, and how many changes.
    len: AtomicUsize,
    changes: AtomicUsize,
    /// A [`What`], and a bit for iteration from the last.
    mode: AtomicUsize,
}

/// `odict_iterator`
pub static ITERATOR: TypeCell = TypeCell::new();
layout!(OrderedDictIterator, ITERATOR.get(), Slots);

const BACKWARDS: usize = 1 << 2;
/// In `len`: it has changed, which every further `next` says as well.
const CHANGED: usize = u32::MAX as usize + 1;

/// Is the hash of a key always the same, so that it need not be looked up again?
fn has_fixed_hash(key: Value) -> bool {
    [builtin::STR, builtin::INT, builtin::FLOAT, builtin::BYTES, builtin::BOOL, builtin::NONE_TYPE].contains(&key.class())
}

impl OrderedDictIterator {
    /// An iterator from one of the ends.
    pub(super) fn new(t: &Thread, dict: Ref<OrderedDict>, what: What, from: End) -> Ref<OrderedDictIterator> {
        let content = dict_of(dict);
        // Together, or the place would be that of another table.
        let (start, len, changes) = content.with_entries(t, |entries| {
            let start = if from == End::First { entries.start() } else { entries.end() };
            (start, content.len(), dict.changes())
        });
        t.alloc(OrderedDictIterator {
            header: header_of::<OrderedDictIterator>(),
            dict: Slot::new(dict.value()),
            position: AtomicUsize::new(start),
            left: AtomicUsize::new(len),
            len: AtomicUsize::new(len),
            changes: AtomicUsize::new(changes),
            mode: AtomicUsize::new(what as usize | if from == End::Last { BACKWARDS } else { 0 }),
        })
    }

    /// An iterator over the keys.
    pub(super) fn keys(t: &Thread, dict: Ref<OrderedDict>) -> Ref<OrderedDictIterator> {
        OrderedDictIterator::new(t, dict, What::Keys, End::First)
    }

    /// An iterator over the keys from the last to the first.
    pub(super) fn reversed_keys(t: &Thread, dict: Ref<OrderedDict>) -> Ref<OrderedDictIterator> {
        OrderedDictIterator::new(t, dict, What::Keys, End::Last)
    }
}

/// The next key with the value in its entry; None at the end.
pub(super) fn advance(t: &Thread, this: Ref<OrderedDictIterator>) -> R<Option<(Value, Value)>> {
    let Some(dict) = this.dict.opt().map(receiver::<OrderedDict>) else { return Ok(None) };
    let content = dict_of(dict);
    let left = this.left.load(Relaxed);
    if left == 0 {
        this.dict.set(t, this, Value::NULL);
        return Ok(None);
    }
    if let Err(raised) = dict.check_unchanged(t, this.changes.load(Relaxed)) {
        this.dict.set(t, this, Value::NULL);
        return Err(raised);
    }
    if content.len() != this.len.load(Relaxed) {
        this.len.store(CHANGED, Relaxed);
        raise!(t, RuntimeError, "OrderedDict changed size during iteration")
    }
    if content.len() < dict.counted.load(Relaxed) {
        raise!(t, KeyError, "a key was removed by a method of dict")
    }
    let position = this.position.load(Relaxed);
    let backwards = this.mode.load(Relaxed) & BACKWARDS != 0;
    let found = content.table().and_then(|table| if backwards { table.previous_alive(position) } else { table.next_alive(position) });
    let Some((i, key, value)) = found else {
        this.dict.set(t, this, Value::NULL);
        return Ok(None);
    };
    this.position.store(if backwards { i } else { i + 1 }, Relaxed);
    this.left.store(left - 1, Relaxed);
    Ok(Some((key, value)))
}

/// The value of a key that [`advance`] gave: the one in its entry, or what looking the key up finds.
pub(super) fn value_of(t: &Thread, this: Ref<OrderedDictIterator>, key: Value, value: Value) -> R {
    if has_fixed_hash(key) {
        return Ok(value);
    }
    let found = match this.dict.opt() {
        Some(dict) => receiver::<limpid_vm::types::Dict>(dict).get(t, key)?,
        None => Some(value),
    };
    found.ok_or_else(|| exc::raise_key_error(t, key))
}

fn next(t: &Thread, v: Value) -> R {
    let this = receiver::<OrderedDictIterator>(v);
    let Some((key, value)) = advance(t, this)? else { return Ok(Value::NULL) };
    match this.mode.load(Relaxed) & !BACKWARDS {
        what if what == What::Keys as usize => Ok(key),
        what if what == What::Values as usize => value_of(t, this, key, value),
        _ => Ok(Tuple::from_slice(t, &[key, value_of(t, this, key, value)?]).value()),
    }
}

fn reduce(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<OrderedDictIterator>(a[0]);
    let number = |n: &AtomicUsize| AtomicUsize::new(n.load(Relaxed));
    // A copy is consumed in place of the iterator itself.
    let copy = t.alloc(OrderedDictIterator {
        header: header_of::<OrderedDictIterator>(),
        dict: Slot::new(this.dict.get()),
        position: number(&this.position),
        left: number(&this.left),
        len: number(&this.len),
        changes: number(&this.changes),
        mode: number(&this.mode),
    });
    let rest = Tuple::from_slice(t, &[iter::to_list(t, copy.value())?.value()]);
    Ok(Tuple::from_slice(t, &[builtin_function(t, names::iter)?, rest.value()]).value())
}

/// `odict_iterator`
pub static ITERATOR_DEF: TypeDef = TypeDef {
    flags: flag::DISALLOW_INSTANTIATION,
    slots: SlotTable { iter: Some(itself), next: Some(next), ..SlotTable::EMPTY },
    methods: &[FnDef::def("__reduce__", "self, /", reduce).doc("Return state information for pickling")],
    ..TypeDef::of::<OrderedDictIterator>("odict_iterator")
};
