//! `OrderedDict`: a dict that can change its order, and whose order counts when it is compared with another one.
//!
//! It has no order besides the dict's own: an entry that is moved gets another place in the dict's table
//! ([`limpid_vm::types::dict::order`]). All changes go through `Dict::with_entry` and `Dict::with_entries`, so that what is counted here
//! changes together with the entries.
//!
//! What is peculiar to CPython's, whose order is a list beside the dict, is kept: values are looked up by their keys while one iterates
//! (which matters for keys that change their hashes), and removing keys by methods of `dict` is an error that is noticed later.

mod iterator;
mod views;

use iterator::OrderedDictIterator;
use limpid_heap::Value;
use limpid_vm::args::{Args, FnDef, receiver};
use limpid_vm::exc;
use limpid_vm::object::{R, Ref, Slot, ValueExt};
use limpid_vm::protocol::{attr, call, compare, iter, sequence, text, truth};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::{Compare, SlotTable};
use limpid_vm::thread::Thread;
use limpid_vm::types::dict::order::Entries;
use limpid_vm::types::repr::{ReprGuard, ReprText};
use limpid_vm::types::{Dict, Tuple, Type, TypeDef, builtin, flag};
use limpid_vm::{layout, names, raise};
use std::mem::offset_of;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

pub use iterator::{ITERATOR, ITERATOR_DEF};
pub use views::{ITEMS, ITEMS_DEF, KEYS, KEYS_DEF, VALUES, VALUES_DEF};

/// The layout.
#[repr(C)]
pub struct OrderedDict {
    dict: Dict,
    /// The instance's attributes: a dict, or NULL.
    attributes: Slot,
    /// How often keys were added, removed or moved.
    changes: AtomicUsize,
    /// How many entries there are by what was added and removed here. Methods of `dict` do not count: if there are fewer, they have removed
    /// some.
    counted: AtomicUsize,
}

/// `collections.OrderedDict`
pub static ORDERED_DICT: TypeCell = TypeCell::new();
layout!(OrderedDict, ORDERED_DICT.get(), Slots);

/// Which end of an ordered dict.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    First,
    Last,
}

impl OrderedDict {
    /// Notes, with the lock held, a change of keys or order: so many entries were added, or (a negative number) are about to be removed.
    fn changed(&self, more: isize) {
        self.changes.store(self.changes.load(Relaxed).wrapping_add(1) & u32::MAX as usize, Relaxed);
        self.counted.store(self.counted.load(Relaxed).saturating_add_signed(more), Relaxed);
    }

    /// Adds an entry, with the lock held.
    fn add(&self, entries: &Entries<'_>, key: Value, hash: i64, value: Value) -> R<()> {
        entries.add(key, hash, value)?;
        self.changed(1);
        Ok(())
    }

    fn changes(&self) -> usize {
        self.changes.load(Relaxed)
    }

    /// RuntimeError if there were changes.
    fn check_unchanged(&self, t: &Thread, changes: usize) -> R<()> {
        if self.changes() == changes { Ok(()) } else { raise!(t, RuntimeError, "OrderedDict mutated during iteration") }
    }
}

fn dict_of(this: Ref<OrderedDict>) -> Ref<Dict> {
    receiver(this.value())
}

fn is_exact(v: Value) -> bool {
    v.class() == ORDERED_DICT.get()
}

fn new(t: &Thread, class: Value, _: Args<'_>) -> R {
    // SAFETY: the receiver of `__new__` is a class.
    let class = unsafe { Ref::<Type>::from_value(class) };
    // Zeroed, it is an empty dict without attributes.
    limpid_vm::types::type_::alloc_instance(t, class)
}

/// A new empty one.
fn empty(t: &Thread) -> R<Ref<OrderedDict>> {
    Ok(receiver(new(t, ORDERED_DICT.get().value(), Args::NONE)?))
}

// ---- changes ----

fn put(t: &Thread, this: Ref<OrderedDict>, key: Value, value: Value) -> R<()> {
    dict_of(this).with_entry(t, key, |entries, hash, found| match found {
        Some(i) => {
            entries.set_value(i, value);
            Ok(())
        }
        None => this.add(entries, key, hash, value),
    })
}

/// Removes a key; its value if it had one.
fn take(t: &Thread, this: Ref<OrderedDict>, key: Value) -> R<Option<Value>> {
    dict_of(this).with_entry(t, key, |entries, _, found| {
        Ok(found.and_then(|i| {
            this.changed(-1);
            entries.remove(i)
        }))
    })
}

/// `this[key] = value`, as the class has it.
fn set_by_class(t: &Thread, this: Ref<OrderedDict>, key: Value, value: Value) -> R<()> {
    if is_exact(this.value()) { put(t, this, key, value) } else { sequence::set_item(t, this.value(), key, value) }
}

fn set_item(t: &Thread, v: Value, key: Value, value: Value) -> R<()> {
    if !value.is_null() {
        return put(t, receiver(v), key, value);
    }
    match take(t, receiver(v), key)? {
        Some(_) => Ok(()),
        None => Err(exc::raise_key_error(t, key)),
    }
}

fn set_default(t: &Thread, a: &[Value]) -> R {
    let (this, key, default) = (receiver::<OrderedDict>(a[0]), a[1], a[2].non_null().unwrap_or(Value::NONE));
    if is_exact(a[0]) {
        return dict_of(this).with_entry(t, key, |entries, hash, found| match found {
            Some(i) => Ok(entries.value(i)),
            None => this.add(entries, key, hash, default).map(|()| default),
        });
    }
    if sequence::contains(t, a[0], key)? {
        return sequence::get_item(t, a[0], key);
    }
    sequence::set_item(t, a[0], key, default)?;
    Ok(default)
}

fn pop(t: &Thread, a: &[Value]) -> R {
    match take(t, receiver(a[0]), a[1])?.or(a[2].non_null()) {
        Some(value) => Ok(value),
        None => Err(exc::raise_key_error(t, a[1])),
    }
}

/// The argument `last`, which is true when it is left out.
fn end_argument(t: &Thread, v: Value) -> R<End> {
    Ok(if v.is_null() || truth::truth(t, v)? { End::Last } else { End::First })
}

fn pop_item(t: &Thread, a: &[Value]) -> R {
    let (this, end) = (receiver::<OrderedDict>(a[0]), end_argument(t, a[1])?);
    let popped = dict_of(this).with_entries(t, |entries| {
        if !dict_of(this).is_empty() {
            this.changed(-1);
        }
        if end == End::Last { entries.pop_last() } else { entries.pop_first() }
    });
    match popped {
        Some((key, value)) => Ok(Tuple::from_slice(t, &[key, value]).value()),
        None => raise!(t, KeyError, "dictionary is empty"),
    }
}

fn move_to_end(t: &Thread, a: &[Value]) -> R {
    let (this, end) = (receiver::<OrderedDict>(a[0]), end_argument(t, a[2])?);
    let found = dict_of(this).with_entry(t, a[1], |entries, _, found| {
        let Some(i) = found else { return Ok(false) };
        if end == End::Last && !entries.is_last(i) {
            this.changed(0);
            entries.move_to_back(i)?;
        } else if end == End::First && !entries.is_first(i) {
            this.changed(0);
            entries.move_to_front(i)?;
        }
        Ok(true)
    })?;
    if found { Ok(Value::NONE) } else { Err(exc::raise_key_error(t, a[1])) }
}

fn clear(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<OrderedDict>(a[0]);
    dict_of(this).with_entries(t, |entries| {
        this.changed(isize::MIN);
        entries.clear();
    });
    Ok(Value::NONE)
}

// ---- taking over from others ----

fn init(t: &Thread, v: Value, args: Args<'_>) -> R<()> {
    let given = args.pos().len();
    if given > 1 {
        raise!(t, TypeError, "expected at most 1 arguments, got {given}")
    }
    update_with(t, receiver(v), args)
}

fn update(t: &Thread, args: Args<'_>) -> R {
    let rest = args.skip_first();
    let given = rest.pos().len();
    if given > 1 {
        raise!(t, TypeError, "update() takes at most 1 positional argument ({given} given)")
    }
    update_with(t, receiver(args.all()[0]), rest)?;
    Ok(Value::NONE)
}

fn update_with(t: &Thread, this: Ref<OrderedDict>, args: Args<'_>) -> R<()> {
    if let [other] = *args.pos() {
        update_from(t, this, other)?;
    }
    args.keywords().try_for_each(|(name, value)| set_by_class(t, this, name, value))
}

/// Takes over the entries of a mapping, or pairs.
fn update_from(t: &Thread, this: Ref<OrderedDict>, other: Value) -> R<()> {
    if let Some(other) = other.exact::<Dict>() {
        let mut position = 0;
        while let Some((key, value)) = other.next_entry(&mut position) {
            set_by_class(t, this, key, value)?;
        }
        return Ok(());
    }
    if let Some(keys) = attr::get_attr_opt(t, other, names::keys)? {
        let keys = call::call(t, keys, &[])?;
        return iter::for_each(t, keys, |key| set_by_class(t, this, key, sequence::get_item(t, other, key)?));
    }
    match attr::get_attr_opt(t, other, names::items)? {
        Some(items) => add_pairs(t, this, call::call(t, items, &[])?),
        None => add_pairs(t, this, other),
    }
}

fn add_pairs(t: &Thread, this: Ref<OrderedDict>, pairs: Value) -> R<()> {
    iter::for_each(t, pairs, |pair| {
        let items = iter::collect(t, pair)?;
        match items.len() {
            2 => set_by_class(t, this, items.get(0), items.get(1)),
            0 => raise!(t, ValueError, "need more than 0 values to unpack"),
            1 => raise!(t, ValueError, "need more than 1 value to unpack"),
            _ => raise!(t, ValueError, "too many values to unpack (expected 2)"),
        }
    })
}

fn from_keys(t: &Thread, a: &[Value]) -> R {
    let value = a[2].non_null().unwrap_or(Value::NONE);
    let made = call::call(t, a[0], &[])?;
    iter::for_each(t, a[1], |key| sequence::set_item(t, made, key, value))?;
    Ok(made)
}

fn copy(t: &Thread, a: &[Value]) -> R {
    let (this, exact) = (receiver::<OrderedDict>(a[0]), is_exact(a[0]));
    let copy = if exact { empty(t)?.value() } else { call::call(t, a[0].class().value(), &[])? };
    let (changes, keys) = (this.changes(), OrderedDictIterator::keys(t, this));
    while let Some((key, value)) = iterator::advance(t, keys)? {
        if exact {
            put(t, receiver(copy), key, iterator::value_of(t, keys, key, value)?)?;
        } else {
            let value = sequence::get_item(t, a[0], key)?;
            this.check_unchanged(t, changes)?;
            sequence::set_item(t, copy, key, value)?;
        }
        this.check_unchanged(t, changes)?;
    }
    Ok(copy)
}

fn or(t: &Thread, a: Value, b: Value) -> R {
    let (class, other) = if a.downcast::<OrderedDict>().is_some() { (a.class(), b) } else { (b.class(), a) };
    if other.downcast::<Dict>().is_none() {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let made = call::call(t, class.value(), &[a])?;
    match made.downcast::<OrderedDict>() {
        Some(this) => update_from(t, this, b)?,
        None => drop(call::call_method(t, made, names::update, &[b])?),
    }
    Ok(made)
}

fn or_in_place(t: &Thread, a: Value, b: Value) -> R {
    update_from(t, receiver(a), b)?;
    Ok(a)
}

// ---- comparison and the rest ----

/// Have both equal keys in the same order?
fn keys_equal(t: &Thread, a: Ref<OrderedDict>, b: Ref<OrderedDict>) -> R<bool> {
    let (changes, other_changes) = (a.changes(), b.changes());
    let (mut position, mut other_position) = (0, 0);
    loop {
        let (key, other) = match (dict_of(a).next_entry(&mut position), dict_of(b).next_entry(&mut other_position)) {
            (None, None) => return Ok(true),
            (Some((key, _)), Some((other, _))) => (key, other),
            _ => return Ok(false),
        };
        let equal = match compare::identical_or_equal_now(key, other) {
            Some(equal) => equal,
            None => {
                let equal = compare::values_equal(t, key, other)?;
                a.check_unchanged(t, changes)?;
                b.check_unchanged(t, other_changes)?;
                equal
            }
        };
        if !equal {
            return Ok(false);
        }
    }
}

fn rich_compare(t: &Thread, a: Value, b: Value, op: Compare) -> R {
    let (Compare::Eq | Compare::Ne, Some(as_dicts)) = (op, builtin::DICT.slots().richcompare) else { return Ok(Value::NOT_IMPLEMENTED) };
    let equal = as_dicts(t, a, b, Compare::Eq)?;
    if equal == Value::NOT_IMPLEMENTED {
        return Ok(equal);
    }
    let equal = equal == Value::TRUE
        && match b.downcast::<OrderedDict>() {
            Some(other) => keys_equal(t, receiver(a), other)?,
            None => true,
        };
    Ok(Value::bool(equal == (op == Compare::Eq)))
}

fn repr(t: &Thread, v: Value) -> R {
    let mut out = ReprText::new(super::short_name(&v.class().display_name()));
    if receiver::<Dict>(v).is_empty() {
        out.text("()");
        return out.finish(t);
    }
    let Some(_guard) = ReprGuard::enter(t, v) else { return ReprText::new("...").finish(t) };
    let content = Dict::new(t);
    content.update_from_pairs(t, if is_exact(v) { views::items(t, receiver(v)) } else { call::call_method(t, v, names::items, &[])? })?;
    out.text("(");
    out.str(text::repr(t, content.value())?);
    out.text(")");
    out.finish(t)
}

fn reduce(t: &Thread, a: &[Value]) -> R {
    let state = call::call_method(t, a[0], names::__getstate__, &[])?;
    let items = iter::get_iter(t, call::call_method(t, a[0], names::items, &[])?)?;
    Ok(Tuple::from_slice(t, &[a[0].class().value(), t.empty_tuple(), state, Value::NONE, items]).value())
}

/// `collections.OrderedDict`
pub static ORDERED_DICT_DEF: TypeDef = TypeDef {
    doc: "Dictionary that remembers insertion order",
    base: Some(|| builtin::DICT),
    flags: flag::BASE_TYPE | flag::WEAK_REFERENCES,
    dict_offset: offset_of!(OrderedDict, attributes),
    slots: SlotTable {
        new: Some(new),
        init: Some(init),
        repr: Some(repr),
        hash: Some(limpid_vm::protocol::hash::unhashable),
        richcompare: Some(rich_compare),
        iter: Some(|t, v| Ok(OrderedDictIterator::keys(t, receiver(v)).value())),
        setitem: Some(set_item),
        or: Some(or),
        ior: Some(or_in_place),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::class_def("fromkeys", "cls, /, iterable, value=None", from_keys)
            .doc("Create a new ordered dictionary with keys from iterable and values set to value."),
        FnDef::def("__reduce__", "self, /", reduce).doc("Return state information for pickling"),
        FnDef::def("setdefault", "self, /, key, default=None", set_default).doc(
            "Insert key with a value of default if key is not in the dictionary.\n\nReturn the value for key if key is in the dictionary, \
             else default.",
        ),
        FnDef::def("pop", "self, /, key, default=<unrepresentable>", pop).doc(
            "od.pop(key[,default]) -> v, remove specified key and return the corresponding value.\n\nIf the key is not found, return the \
             default if given; otherwise,\nraise a KeyError.",
        ),
        FnDef::def("popitem", "self, /, last=True", pop_item).doc(
            "Remove and return a (key, value) pair from the dictionary.\n\nPairs are returned in LIFO order if last is true or FIFO order if \
             false.",
        ),
        FnDef::def("keys", "self, /", |t, a| Ok(views::keys(t, receiver(a[0])))),
        FnDef::def("values", "self, /", |t, a| Ok(views::values(t, receiver(a[0])))),
        FnDef::def("items", "self, /", |t, a| Ok(views::items(t, receiver(a[0])))),
        FnDef::raw("update", "self, other=(), /, **kwargs", update),
        FnDef::def("clear", "self, /", clear).doc("od.clear() -> None.  Remove all items from od."),
        FnDef::def("copy", "self, /", copy).doc("od.copy() -> a shallow copy of od"),
        FnDef::def("__reversed__", "self, /", |t, a| Ok(OrderedDictIterator::reversed_keys(t, receiver(a[0])).value()))
            .doc("od.__reversed__() <==> reversed(od)"),
        FnDef::def("move_to_end", "self, /, key, last=True", move_to_end).doc(
            "Move an existing element to the end (or beginning if last is false).\n\nRaise KeyError if the element does not exist.",
        ),
    ],
    ..TypeDef::of::<OrderedDict>("collections.OrderedDict")
};
