//! What a Python program sees of `set` and `frozenset`.

use super::{FrozenSet, Set, as_set, hash_of_key, iterator, operators};
use crate::args::{Args, FnDef};
use crate::names;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::{call, hash};
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::repr::{ReprGuard, ReprText};
use crate::types::{List, Tuple, Type, TypeDef, builtin, flag, generic_alias, int};
use limpid_heap::Value;

/// The receiver of a method of either type.
fn receiver(v: Value) -> Ref<Set> {
    debug_assert!(as_set(v).is_some());
    // SAFETY: method descriptors and slot wrappers check the receiver's type, and both types begin with a Set.
    unsafe { Ref::from_value(v) }
}

/// The arguments of a method that takes any number of iterables.
fn others(a: &[Value]) -> &[Value] {
    // SAFETY: `*others` is bound to a tuple.
    let tuple = unsafe { Ref::<Tuple>::from_value(a[1]) };
    // SAFETY: the tuple is referred to by `a` for as long as the slice lives, and it does not change.
    unsafe { std::slice::from_raw_parts(tuple.as_slice().as_ptr(), tuple.len()) }
}

// ---- construction ----

fn set_new(t: &Thread, class: Value, _: Args<'_>) -> R {
    // SAFETY: the receiver of `__new__` is a class.
    Ok(Set::new_instance(t, unsafe { Ref::<Type>::from_value(class) }).value())
}

fn set_init(t: &Thread, v: Value, args: Args<'_>) -> R<()> {
    args.no_keywords(t, "set")?;
    let iterable = one_iterable(t, v.class(), args)?;
    let set = receiver(v);
    if !set.is_empty() {
        set.clear(t);
    }
    match iterable {
        Some(iterable) => set.update_from(t, iterable),
        None => Ok(()),
    }
}

fn frozenset_new(t: &Thread, class: Value, args: Args<'_>) -> R {
    // SAFETY: the receiver of `__new__` is a class.
    let class = unsafe { Ref::<Type>::from_value(class) };
    let own_init = builtin::FROZENSET.slots().init.map(|f| f as usize);
    if class.slots().init.map(|f| f as usize) == own_init {
        args.no_keywords(t, "frozenset")?;
    }
    let iterable = one_iterable(t, class, args)?;
    match iterable {
        Some(iterable) if class == builtin::FROZENSET && iterable.class() == class => Ok(iterable),
        Some(iterable) => {
            let set = Set::new_instance(t, class);
            set.update_from(t, iterable)?;
            Ok(set.value())
        }
        None => Ok(Set::new_instance(t, class).value()),
    }
}

fn one_iterable(t: &Thread, class: Ref<Type>, args: Args<'_>) -> R<Option<Value>> {
    match *args.pos() {
        [] => Ok(None),
        [iterable] => Ok(Some(iterable)),
        ref more => raise!(t, TypeError, "{} expected at most 1 argument, got {}", class.display_name(), more.len()),
    }
}

fn reduce(t: &Thread, a: &[Value]) -> R {
    let keys = List::with_capacity(t, receiver(a[0]).len())?;
    for (key, _) in receiver(a[0]).entries() {
        keys.append(t, key)?;
    }
    let state = call::call_method(t, a[0], names::__getstate__, &[])?;
    let args = Tuple::from_slice(t, &[keys.value()]);
    Ok(Tuple::from_slice(t, &[a[0].class().value(), args.value(), state]).value())
}

fn size_of(t: &Thread, a: &[Value]) -> R {
    let table = receiver(a[0]).table().map_or(0, |table| table.size());
    Ok(int::from_usize(t, a[0].class().instance_size() + table))
}

// ---- slots ----

fn repr(t: &Thread, v: Value) -> R {
    let set = receiver(v);
    let name = v.class().display_name();
    if set.is_empty() {
        return ReprText::new(&format!("{name}()")).finish(t);
    }
    let Some(_guard) = ReprGuard::enter(t, v) else {
        return ReprText::new(&format!("{name}(...)")).finish(t);
    };
    let plain = v.class() == builtin::SET;
    let mut text = ReprText::new(&if plain { "{".to_owned() } else { format!("{name}({{") });
    text.items(t, set.entries().map(|(key, _)| key))?;
    text.text(if plain { "}" } else { "})" });
    text.finish(t)
}

fn frozenset_hash(_: &Thread, v: Value) -> R<i64> {
    Ok(frozen_hash(receiver(v)))
}

fn frozen_hash(set: Ref<Set>) -> i64 {
    match set.table() {
        Some(table) => table.frozen_hash(),
        None => super::table::hash_of_hashes(std::iter::empty(), 0),
    }
}

fn contains(t: &Thread, set: Value, key: Value) -> R<bool> {
    let hash = hash_of_key(t, key)?;
    receiver(set).contains_hashed(t, key, hash)
}

// ---- methods of both ----

fn union(t: &Thread, a: &[Value]) -> R {
    let result = operators::copy(t, receiver(a[0]))?;
    for &other in others(a) {
        result.update_from(t, other)?;
    }
    Ok(result.value())
}

fn intersection_of_all(t: &Thread, a: &[Value]) -> R<Ref<Set>> {
    match others(a) {
        [] => operators::copy(t, receiver(a[0])),
        [first, rest @ ..] => {
            let mut result = operators::intersection(t, receiver(a[0]), *first)?;
            for &other in rest {
                result = operators::intersection(t, result, other)?;
            }
            Ok(result)
        }
    }
}

fn intersection(t: &Thread, a: &[Value]) -> R {
    Ok(intersection_of_all(t, a)?.value())
}

fn difference(t: &Thread, a: &[Value]) -> R {
    let [first, rest @ ..] = others(a) else { return Ok(operators::copy(t, receiver(a[0]))?.value()) };
    let result = operators::difference(t, receiver(a[0]), *first)?;
    for &other in rest {
        operators::difference_update(t, result, other)?;
    }
    Ok(result.value())
}

fn symmetric_difference(t: &Thread, a: &[Value]) -> R {
    Ok(operators::symmetric_difference(t, receiver(a[0]), a[1])?.value())
}

fn is_disjoint(t: &Thread, a: &[Value]) -> R {
    Ok(Value::bool(operators::is_disjoint(t, receiver(a[0]), a[1])?))
}

fn is_subset(t: &Thread, a: &[Value]) -> R {
    let set = receiver(a[0]);
    let answer = match as_set(a[1]) {
        Some(other) => operators::is_subset(t, set, other)?,
        None => operators::intersection(t, set, a[1])?.len() == set.len(),
    };
    Ok(Value::bool(answer))
}

fn is_superset(t: &Thread, a: &[Value]) -> R {
    let set = receiver(a[0]);
    if let Some(other) = as_set(a[1]) {
        return Ok(Value::bool(operators::is_subset(t, other, set)?));
    }
    let iterator = crate::protocol::iter::get_iter(t, a[1])?;
    loop {
        let key = crate::protocol::iter::next(t, iterator)?;
        if key.is_null() {
            return Ok(Value::TRUE);
        }
        if !set.contains(t, key)? {
            return Ok(Value::FALSE);
        }
        t.poll()?;
    }
}

fn copy(t: &Thread, a: &[Value]) -> R {
    if a[0].class() == builtin::FROZENSET {
        return Ok(a[0]);
    }
    Ok(operators::copy(t, receiver(a[0]))?.value())
}

fn class_getitem(t: &Thread, a: &[Value]) -> R {
    generic_alias::class_getitem(t, a[0], a[1])
}

// ---- methods of set ----

fn add(t: &Thread, a: &[Value]) -> R {
    receiver(a[0]).add(t, a[1])?;
    Ok(Value::NONE)
}

fn discard(t: &Thread, a: &[Value]) -> R {
    let hash = hash_of_key(t, a[1])?;
    receiver(a[0]).discard_hashed(t, a[1], hash)?;
    Ok(Value::NONE)
}

fn remove(t: &Thread, a: &[Value]) -> R {
    let hash = hash_of_key(t, a[1])?;
    if receiver(a[0]).discard_hashed(t, a[1], hash)? {
        return Ok(Value::NONE);
    }
    Err(crate::exc::raise_key_error(t, a[1]))
}

fn pop(t: &Thread, a: &[Value]) -> R {
    match receiver(a[0]).pop(t) {
        Some(key) => Ok(key),
        None => raise!(t, KeyError, "pop from an empty set"),
    }
}

fn clear(t: &Thread, a: &[Value]) -> R {
    receiver(a[0]).clear(t);
    Ok(Value::NONE)
}

fn update(t: &Thread, a: &[Value]) -> R {
    for &other in others(a) {
        receiver(a[0]).update_from(t, other)?;
    }
    Ok(Value::NONE)
}

fn intersection_update(t: &Thread, a: &[Value]) -> R {
    receiver(a[0]).take_from(t, intersection_of_all(t, a)?);
    Ok(Value::NONE)
}

fn difference_update(t: &Thread, a: &[Value]) -> R {
    for &other in others(a) {
        operators::difference_update(t, receiver(a[0]), other)?;
    }
    Ok(Value::NONE)
}

fn symmetric_difference_update(t: &Thread, a: &[Value]) -> R {
    operators::symmetric_difference_update(t, receiver(a[0]), a[1])?;
    Ok(Value::NONE)
}

// ---- declarations ----

const COPY: FnDef = FnDef::def("copy", "self, /", copy).doc("Return a shallow copy of a set.");
const DIFFERENCE: FnDef =
    FnDef::def("difference", "self, /, *others", difference).doc("Return a new set with elements in the set that are not in the others.");
const INTERSECTION: FnDef =
    FnDef::def("intersection", "self, /, *others", intersection).doc("Return a new set with elements common to the set and all others.");
const IS_DISJOINT: FnDef = FnDef::def("isdisjoint", "self, other, /", is_disjoint).doc("Return True if two sets have a null intersection.");
const IS_SUBSET: FnDef = FnDef::def("issubset", "self, other, /", is_subset).doc("Report whether another set contains this set.");
const IS_SUPERSET: FnDef = FnDef::def("issuperset", "self, other, /", is_superset).doc("Report whether this set contains another set.");
const SYMMETRIC_DIFFERENCE: FnDef = FnDef::def("symmetric_difference", "self, other, /", symmetric_difference)
    .doc("Return a new set with elements in either the set or other but not both.");
const UNION: FnDef = FnDef::def("union", "self, /, *others", union).doc("Return a new set with elements from the set and all others.");
const REDUCE: FnDef = FnDef::def("__reduce__", "self, /", reduce).doc("Return state information for pickling.");
const SIZE_OF: FnDef = FnDef::def("__sizeof__", "self, /", size_of).doc("S.__sizeof__() -> size of S in memory, in bytes.");
const CLASS_GETITEM: FnDef = FnDef::class_def("__class_getitem__", "cls, object, /", class_getitem).doc("See PEP 585");

const COMMON_SLOTS: SlotTable = SlotTable {
    repr: Some(repr),
    richcompare: Some(operators::richcompare),
    iter: Some(iterator::set_iter),
    len: Some(|_, v| Ok(receiver(v).len())),
    contains: Some(contains),
    and: Some(operators::and),
    or: Some(operators::or),
    sub: Some(operators::sub),
    xor: Some(operators::xor),
    ..SlotTable::EMPTY
};

/// The type `set`.
pub static SET_DEF: TypeDef = TypeDef {
    doc: "Build an unordered collection of unique elements.",
    flags: flag::BASE_TYPE | flag::WEAK_REFERENCES | flag::MATCH_SELF,
    slots: SlotTable {
        new: Some(set_new),
        init: Some(set_init),
        hash: Some(hash::unhashable),
        iand: Some(operators::iand),
        ior: Some(operators::ior),
        isub: Some(operators::isub),
        ixor: Some(operators::ixor),
        ..COMMON_SLOTS
    },
    methods: &[
        FnDef::def("add", "self, object, /", add).doc("Add an element to a set.\n\nThis has no effect if the element is already present."),
        FnDef::def("clear", "self, /", clear).doc("Remove all elements from this set."),
        COPY,
        FnDef::def("discard", "self, object, /", discard).doc(
            "Remove an element from a set if it is a member.\n\nUnlike set.remove(), the discard() method does not raise\nan exception \
             when an element is missing from the set.",
        ),
        DIFFERENCE,
        FnDef::def("difference_update", "self, /, *others", difference_update).doc("Update the set, removing elements found in others."),
        INTERSECTION,
        FnDef::def("intersection_update", "self, /, *others", intersection_update)
            .doc("Update the set, keeping only elements found in it and all others."),
        IS_DISJOINT,
        IS_SUBSET,
        IS_SUPERSET,
        FnDef::def("pop", "self, /", pop).doc("Remove and return an arbitrary set element.\n\nRaises KeyError if the set is empty."),
        FnDef::def("remove", "self, object, /", remove)
            .doc("Remove an element from a set; it must be a member.\n\nIf the element is not a member, raise a KeyError."),
        SYMMETRIC_DIFFERENCE,
        FnDef::def("symmetric_difference_update", "self, other, /", symmetric_difference_update)
            .doc("Update the set, keeping only elements found in either set, but not in both."),
        UNION,
        FnDef::def("update", "self, /, *others", update).doc("Update the set, adding elements from all others."),
        REDUCE,
        SIZE_OF,
        CLASS_GETITEM,
    ],
    ..TypeDef::of::<Set>("set")
};

/// The type `frozenset`.
pub static FROZENSET_DEF: TypeDef = TypeDef {
    doc: "Build an immutable unordered collection of unique elements.",
    flags: flag::BASE_TYPE | flag::WEAK_REFERENCES | flag::MATCH_SELF,
    slots: SlotTable { new: Some(frozenset_new), hash: Some(frozenset_hash), ..COMMON_SLOTS },
    methods: &[
        COPY,
        DIFFERENCE,
        INTERSECTION,
        IS_DISJOINT,
        IS_SUBSET,
        IS_SUPERSET,
        SYMMETRIC_DIFFERENCE,
        UNION,
        REDUCE,
        SIZE_OF,
        CLASS_GETITEM,
    ],
    ..TypeDef::of::<FrozenSet>("frozenset")
};
