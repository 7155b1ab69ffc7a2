//! Iteration over dicts: over keys, values or items, forwards or backwards.

use super::Dict;
use crate::args::FnDef;
use crate::names;
use crate::object::{R, Ref, Slot, ValueExt};
use crate::protocol::iter;
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::{Tuple, TypeDef, builtin, iterators};
use limpid_heap::{Header, Kind, ShapeRef, Value};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// What an iterator yields.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum What {
    Keys,
    Values,
    Items,
}

/// The layout of all of these iterators. `WHAT` and `REVERSED` tell the types apart.
#[repr(C)]
pub struct DictIterator<const WHAT: usize, const REVERSED: bool> {
    header: Header,
    /// The dict; NULL at the end.
    dict: Slot,
    /// Forwards: the number of the entry to look at next. Backwards: one more than that.
    position: AtomicUsize,
    /// How many entries the dict had.
    used: AtomicUsize,
    /// How many are to come.
    left: AtomicUsize,
}

const KEYS: usize = What::Keys as usize;
const VALUES: usize = What::Values as usize;
const ITEMS: usize = What::Items as usize;

crate::layout!(DictIterator<KEYS, false>, builtin::DICT_KEY_ITERATOR, Slots);
crate::layout!(DictIterator<VALUES, false>, builtin::DICT_VALUE_ITERATOR, Slots);
crate::layout!(DictIterator<ITEMS, false>, builtin::DICT_ITEM_ITERATOR, Slots);
crate::layout!(DictIterator<KEYS, true>, builtin::DICT_REVERSE_KEY_ITERATOR, Slots);
crate::layout!(DictIterator<VALUES, true>, builtin::DICT_REVERSE_VALUE_ITERATOR, Slots);
crate::layout!(DictIterator<ITEMS, true>, builtin::DICT_REVERSE_ITEM_ITERATOR, Slots);

/// In `used`: the size has changed, which every further `next` says as well.
const CHANGED: usize = u32::MAX as usize + 1;

/// All of these iterators look the same; only their shapes differ.
type AnyIterator = DictIterator<KEYS, false>;
const WORDS: u8 = (size_of::<AnyIterator>() / 8 - 1) as u8;

fn new_iterator(t: &Thread, dict: Ref<Dict>, shape: ShapeRef, reversed: bool) -> Value {
    let start = if reversed { dict.table().map_or(0, |table| table.filled()) } else { 0 };
    t.alloc_cell(AnyIterator {
        header: Header::new(shape, Kind::Slots, WORDS),
        dict: Slot::new(dict.value()),
        position: AtomicUsize::new(start),
        used: AtomicUsize::new(dict.len()),
        left: AtomicUsize::new(dict.len()),
    })
    .value()
}

/// An iterator over a dict's keys, values or items.
pub fn iterator(t: &Thread, dict: Ref<Dict>, what: What) -> Value {
    let shape = match what {
        What::Keys => builtin::shapes::DICT_KEY_ITERATOR,
        What::Values => builtin::shapes::DICT_VALUE_ITERATOR,
        What::Items => builtin::shapes::DICT_ITEM_ITERATOR,
    };
    new_iterator(t, dict, shape, false)
}

/// An iterator over a dict's keys, values or items from the last to the first.
pub fn reverse_iterator(t: &Thread, dict: Ref<Dict>, what: What) -> Value {
    let shape = match what {
        What::Keys => builtin::shapes::DICT_REVERSE_KEY_ITERATOR,
        What::Values => builtin::shapes::DICT_REVERSE_VALUE_ITERATOR,
        What::Items => builtin::shapes::DICT_REVERSE_ITEM_ITERATOR,
    };
    new_iterator(t, dict, shape, true)
}

/// `iter(dict)`. A subclass whose slot is this one iterates like a dict.
pub fn dict_iter(t: &Thread, v: Value) -> R {
    // SAFETY: the slot of dict and its subclasses.
    Ok(iterator(t, unsafe { Ref::from_value(v) }, What::Keys))
}

fn receiver(v: Value) -> Ref<AnyIterator> {
    // SAFETY: descriptors and slots check the receiver's type, and all six have this layout.
    unsafe { Ref::from_value(v) }
}

impl AnyIterator {
    #[inline(always)]
    fn dict(&self) -> Option<Ref<Dict>> {
        // SAFETY: the field is a dict or NULL.
        self.dict.opt().map(|v| unsafe { Ref::from_value(v) })
    }

    fn copy(&self, t: &Thread, shape: ShapeRef) -> Value {
        t.alloc_cell(AnyIterator {
            header: Header::new(shape, Kind::Slots, WORDS),
            dict: Slot::new(self.dict.get()),
            position: AtomicUsize::new(self.position.load(Relaxed)),
            used: AtomicUsize::new(self.used.load(Relaxed)),
            left: AtomicUsize::new(self.left.load(Relaxed)),
        })
        .value()
    }

    #[cold]
    fn size_changed(&self, t: &Thread) -> crate::object::Raised {
        self.used.store(CHANGED, Relaxed);
        err!(t, RuntimeError, "dictionary changed size during iteration")
    }
}

impl Ref<AnyIterator> {
    /// The next entry; None at the end.
    #[inline(always)]
    fn advance(self, t: &Thread, reversed: bool) -> R<Option<(Value, Value)>> {
        let Some(dict) = self.dict() else { return Ok(None) };
        let table = dict.table();
        if table.map_or(0, |table| table.used()) != self.used.load(Relaxed) {
            return Err(self.size_changed(t));
        }
        let position = self.position.load(Relaxed);
        let found = match table {
            Some(table) if reversed && position > table.filled() => None,
            Some(table) if reversed => table.previous_alive(position),
            Some(table) => table.next_alive(position),
            None => None,
        };
        let Some((i, key, value)) = found else {
            self.dict.set(t, self, Value::NULL);
            return Ok(None);
        };
        let left = self.left.load(Relaxed);
        if left == 0 {
            self.dict.set(t, self, Value::NULL);
            raise!(t, RuntimeError, "dictionary keys changed during iteration")
        }
        self.left.store(left - 1, Relaxed);
        self.position.store(if reversed { i } else { i + 1 }, Relaxed);
        Ok(Some((key, value)))
    }
}

/// The next key and value of an iterator over items; None at the end.
pub fn next_item(t: &Thread, v: Value) -> R<Option<(Value, Value)>> {
    receiver(v).advance(t, false)
}

/// Is there another entry, as far as the iterator knows? Otherwise it ends or raises an exception, and that once only.
pub fn may_have_next(v: Value) -> bool {
    receiver(v).left.load(Relaxed) > 0
}

fn next<const WHAT: usize, const REVERSED: bool>(t: &Thread, v: Value) -> R {
    Ok(match receiver(v).advance(t, REVERSED)? {
        None => Value::NULL,
        Some((key, _)) if WHAT == KEYS => key,
        Some((_, value)) if WHAT == VALUES => value,
        Some((key, value)) => Tuple::from_slice(t, &[key, value]).value(),
    })
}

fn length_hint(_: &Thread, a: &[Value]) -> R {
    let this = receiver(a[0]);
    let same = this.dict().is_some_and(|dict| dict.len() == this.used.load(Relaxed));
    Ok(Value::int(if same { this.left.load(Relaxed) as i64 } else { 0 }))
}

fn reduce(t: &Thread, a: &[Value]) -> R {
    // A copy of the iterator is consumed in place of the iterator itself.
    let copy = receiver(a[0]).copy(t, a[0].shape());
    let rest = iter::to_list(t, copy)?;
    let args = Tuple::from_slice(t, &[rest.value()]);
    Ok(Tuple::from_slice(t, &[iterators::builtin_function(t, names::iter)?, args.value()]).value())
}

const METHODS: &[FnDef] = &[
    FnDef::def("__length_hint__", "self, /", length_hint).doc(iterators::HINT_DOC),
    FnDef::def("__reduce__", "self, /", reduce).doc(iterators::REDUCE_DOC),
];

macro_rules! iterator_types {
    ($($def:ident, $name:literal, $what:ident, $reversed:literal;)*) => {
        $(#[doc = concat!("The type `", $name, "`.")]
        pub static $def: TypeDef = TypeDef {
            slots: SlotTable { iter: Some(iterators::itself), next: Some(next::<$what, $reversed>), ..SlotTable::EMPTY },
            methods: METHODS,
            ..TypeDef::of::<DictIterator<$what, $reversed>>($name)
        };)*
    };
}

iterator_types! {
    DICT_KEY_ITERATOR_DEF, "dict_keyiterator", KEYS, false;
    DICT_VALUE_ITERATOR_DEF, "dict_valueiterator", VALUES, false;
    DICT_ITEM_ITERATOR_DEF, "dict_itemiterator", ITEMS, false;
    DICT_REVERSE_KEY_ITERATOR_DEF, "dict_reversekeyiterator", KEYS, true;
    DICT_REVERSE_VALUE_ITERATOR_DEF, "dict_reversevalueiterator", VALUES, true;
    DICT_REVERSE_ITEM_ITERATOR_DEF, "dict_reverseitemiterator", ITEMS, true;
}
