//! `d.keys()`, `d.values()`, `d.items()`: what is in a dict at the time of asking.
//!
//! Views of keys and items behave like sets; the result of an operator is a set.

use super::Dict;
use super::iterators::{What, iterator, reverse_iterator};
use crate::args::{FnDef, GetSet};
use crate::object::{R, Ref, Slot, ValueExt};
use crate::protocol::{compare::values_equal, hash, iter, sequence};
use crate::slots::{Compare, SlotTable};
use crate::thread::Thread;
use crate::types::repr::{ReprGuard, ReprText};
use crate::types::set::{self, Set};
use crate::types::{MappingProxy, Tuple, Type, TypeDef, builtin};
use limpid_heap::{Header, Kind, ShapeRef, Value};

/// The layout of all views.
#[repr(C)]
pub struct DictView {
    header: Header,
    dict: Slot,
}

/// `d.keys()`
#[repr(C)]
pub struct DictKeys(DictView);
/// `d.values()`
#[repr(C)]
pub struct DictValues(DictView);
/// `d.items()`
#[repr(C)]
pub struct DictItems(DictView);

crate::layout!(DictKeys, builtin::DICT_KEYS, Slots);
crate::layout!(DictValues, builtin::DICT_VALUES, Slots);
crate::layout!(DictItems, builtin::DICT_ITEMS, Slots);

impl DictKeys {
    /// The dict whose keys these are.
    pub fn dict(&self) -> Ref<Dict> {
        self.0.dict()
    }
}

impl DictView {
    fn dict(&self) -> Ref<Dict> {
        // SAFETY: the field always refers to a dict.
        unsafe { Ref::from_value(self.dict.get()) }
    }
}

fn new_view(t: &Thread, dict: Ref<Dict>, shape: ShapeRef) -> Value {
    t.alloc_cell(DictView { header: Header::new(shape, Kind::Slots, 1), dict: Slot::new(dict.value()) }).value()
}

/// A view of a dict, of a class derived from one of the three.
pub fn view_of_class(t: &Thread, dict: Ref<Dict>, class: Ref<Type>) -> Value {
    new_view(t, dict, class.root_shape())
}

/// `d.keys()`
pub fn keys_view(t: &Thread, dict: Ref<Dict>) -> Value {
    new_view(t, dict, builtin::shapes::DICT_KEYS)
}

/// `d.values()`
pub fn values_view(t: &Thread, dict: Ref<Dict>) -> Value {
    new_view(t, dict, builtin::shapes::DICT_VALUES)
}

/// `d.items()`
pub fn items_view(t: &Thread, dict: Ref<Dict>) -> Value {
    new_view(t, dict, builtin::shapes::DICT_ITEMS)
}

/// The dict that a view is of.
pub fn dict_of(view: Value) -> Ref<Dict> {
    // SAFETY: descriptors and slots check the receiver's type, and all three have this layout.
    unsafe { Ref::<DictView>::from_value(view) }.dict()
}

fn is_set_like(v: Value) -> bool {
    v.is_instance(builtin::DICT_KEYS) || v.is_instance(builtin::DICT_ITEMS)
}

// ---- slots ----

fn len(_: &Thread, v: Value) -> R<usize> {
    Ok(dict_of(v).len())
}

fn repr(t: &Thread, v: Value) -> R {
    let Some(_guard) = ReprGuard::enter(t, v) else { return ReprText::new("...").finish(t) };
    let items = iter::to_list(t, v)?;
    let mut text = ReprText::new(&v.class().display_name());
    text.text("([");
    text.items(t, items.items())?;
    text.text("])");
    text.finish(t)
}

fn keys_contain(t: &Thread, v: Value, key: Value) -> R<bool> {
    dict_of(v).contains(t, key)
}

fn items_contain(t: &Thread, v: Value, item: Value) -> R<bool> {
    let Some(pair) = item.downcast::<Tuple>() else { return Ok(false) };
    let [key, value] = *pair.as_slice() else { return Ok(false) };
    match dict_of(v).get(t, key)? {
        Some(found) => values_equal(t, found, value),
        None => Ok(false),
    }
}

fn all_contained(t: &Thread, v: Value, other: Value) -> R<bool> {
    let iterator = iter::get_iter(t, v)?;
    loop {
        let x = iter::next(t, iterator)?;
        if x.is_null() {
            return Ok(true);
        }
        if !sequence::contains(t, other, x)? {
            return Ok(false);
        }
    }
}

fn richcompare(t: &Thread, v: Value, other: Value, op: Compare) -> R {
    if set::as_set(other).is_none() && !is_set_like(other) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let (n, m) = (sequence::len(t, v)?, sequence::len(t, other)?);
    let answer = match op {
        Compare::Eq => n == m && all_contained(t, v, other)?,
        Compare::Ne => n != m || !all_contained(t, v, other)?,
        Compare::Lt => n < m && all_contained(t, v, other)?,
        Compare::Le => n <= m && all_contained(t, v, other)?,
        Compare::Gt => n > m && all_contained(t, other, v)?,
        Compare::Ge => n >= m && all_contained(t, other, v)?,
    };
    Ok(Value::bool(answer))
}

/// `set(v)`
fn to_set(t: &Thread, v: Value) -> R<Ref<Set>> {
    let result = Set::new(t);
    result.update_from(t, v)?;
    Ok(result)
}

fn or(t: &Thread, a: Value, b: Value) -> R {
    let result = to_set(t, a)?;
    result.update_from(t, b)?;
    Ok(result.value())
}

fn sub(t: &Thread, a: Value, b: Value) -> R {
    let result = to_set(t, a)?;
    set::difference_update(t, result, b)?;
    Ok(result.value())
}

fn xor(t: &Thread, a: Value, b: Value) -> R {
    let result = to_set(t, a)?;
    set::symmetric_difference_update(t, result, b)?;
    Ok(result.value())
}

fn and(t: &Thread, a: Value, b: Value) -> R {
    // Whichever is written first, the view is asked and the other one is walked; of two views the smaller one.
    let (view, other) = if is_set_like(a) { (a, b) } else { (b, a) };
    let (view, other) = if is_set_like(other) && dict_of(other).len() > dict_of(view).len() { (other, view) } else { (view, other) };
    let result = Set::new(t);
    iter::for_each(t, other, |x| {
        if sequence::contains(t, view, x)? {
            result.add(t, x)?;
        }
        Ok(())
    })?;
    Ok(result.value())
}

fn is_disjoint(t: &Thread, a: &[Value]) -> R {
    let (view, other) = (a[0], a[1]);
    if view == other {
        return Ok(Value::bool(dict_of(view).is_empty()));
    }
    let sized = set::as_set(other).is_some() || is_set_like(other);
    let (walked, asked) = if sized && sequence::len(t, other)? > dict_of(view).len() { (view, other) } else { (other, view) };
    let iterator = iter::get_iter(t, walked)?;
    loop {
        let x = iter::next(t, iterator)?;
        if x.is_null() {
            return Ok(Value::TRUE);
        }
        if sequence::contains(t, asked, x)? {
            return Ok(Value::FALSE);
        }
        t.poll()?;
    }
}

fn mapping(t: &Thread, v: Value) -> R {
    Ok(MappingProxy::new(t, dict_of(v).value()).value())
}

// ---- declarations ----

const MAPPING: GetSet = GetSet::getter("mapping", mapping).doc("dictionary that this view refers to");
const IS_DISJOINT: FnDef =
    FnDef::def("isdisjoint", "self, other, /", is_disjoint).doc("Return True if the view and the given iterable have a null intersection.");

const SET_LIKE: SlotTable = SlotTable {
    repr: Some(repr),
    hash: Some(hash::unhashable),
    richcompare: Some(richcompare),
    len: Some(len),
    and: Some(and),
    or: Some(or),
    sub: Some(sub),
    xor: Some(xor),
    ..SlotTable::EMPTY
};

/// The type `dict_keys`.
pub static DICT_KEYS_DEF: TypeDef = TypeDef {
    slots: SlotTable { iter: Some(|t, v| Ok(iterator(t, dict_of(v), What::Keys))), contains: Some(keys_contain), ..SET_LIKE },
    methods: &[
        IS_DISJOINT,
        FnDef::def("__reversed__", "self, /", |t, a| Ok(reverse_iterator(t, dict_of(a[0]), What::Keys)))
            .doc("Return a reverse iterator over the dict keys."),
    ],
    getset: &[MAPPING],
    ..TypeDef::of::<DictKeys>("dict_keys")
};

/// The type `dict_values`.
pub static DICT_VALUES_DEF: TypeDef = TypeDef {
    slots: SlotTable { repr: Some(repr), len: Some(len), iter: Some(|t, v| Ok(iterator(t, dict_of(v), What::Values))), ..SlotTable::EMPTY },
    methods: &[FnDef::def("__reversed__", "self, /", |t, a| Ok(reverse_iterator(t, dict_of(a[0]), What::Values)))
        .doc("Return a reverse iterator over the dict values.")],
    getset: &[MAPPING],
    ..TypeDef::of::<DictValues>("dict_values")
};

/// The type `dict_items`.
pub static DICT_ITEMS_DEF: TypeDef = TypeDef {
    slots: SlotTable { iter: Some(|t, v| Ok(iterator(t, dict_of(v), What::Items))), contains: Some(items_contain), ..SET_LIKE },
    methods: &[
        IS_DISJOINT,
        FnDef::def("__reversed__", "self, /", |t, a| Ok(reverse_iterator(t, dict_of(a[0]), What::Items)))
            .doc("Return a reverse iterator over the dict items."),
    ],
    getset: &[MAPPING],
    ..TypeDef::of::<DictItems>("dict_items")
};
