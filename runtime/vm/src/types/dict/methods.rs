//! What a Python program sees of `dict`.

use super::iterators::{What, dict_iter, reverse_iterator};
use super::{Dict, hash_key, items_view, keys_view, values_view};
use crate::args::{Args, FnDef, receiver};
use crate::names;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::{attr, call, compare::values_equal, hash, iter, sequence};
use crate::slots::{Compare, SlotTable};
use crate::thread::Thread;
use crate::types::repr::{ReprGuard, ReprText};
use crate::types::set::as_set;
use crate::types::{Tuple, Type, TypeDef, builtin, flag, generic_alias, int};
use limpid_heap::Value;

// ---- construction ----

fn dict_new(t: &Thread, class: Value, _: Args<'_>) -> R {
    // SAFETY: the receiver of `__new__` is a class.
    let class = unsafe { Ref::<Type>::from_value(class) };
    Ok(t.alloc_instance(class, Dict::empty_layout()).value())
}

fn dict_init(t: &Thread, v: Value, args: Args<'_>) -> R<()> {
    update_with(t, receiver(v), "dict", args)
}

/// What `dict(...)` and `d.update(...)` have in common.
fn update_with(t: &Thread, dict: Ref<Dict>, function: &str, args: Args<'_>) -> R<()> {
    match *args.pos() {
        [] => {}
        [v] => dict.update_from(t, v)?,
        ref more => raise!(t, TypeError, "{function} expected at most 1 argument, got {}", more.len()),
    }
    for (name, value) in args.keywords() {
        dict.set_item(t, name, value)?;
    }
    Ok(())
}

fn fromkeys(t: &Thread, a: &[Value]) -> R {
    let value = a[2].non_null().unwrap_or(Value::NONE);
    let result = call::call(t, a[0], &[])?;
    let Some(dict) = result.exact::<Dict>() else {
        iter::for_each(t, a[1], |key| sequence::set_item(t, result, key, value))?;
        return Ok(result);
    };
    if let Some(keys) = a[1].exact::<Dict>() {
        dict.reserve(t, keys.len())?;
        let mut position = 0;
        while let Some((key, hash)) = keys.next_key(&mut position) {
            dict.set_hashed(t, key, hash, value)?;
        }
    } else if let Some(keys) = as_set(a[1]).filter(|_| [builtin::SET, builtin::FROZENSET].contains(&a[1].class())) {
        dict.reserve(t, keys.len())?;
        for (key, hash) in keys.entries() {
            dict.set_hashed(t, key, hash, value)?;
        }
    } else {
        iter::for_each(t, a[1], |key| dict.set_item(t, key, value))?;
    }
    Ok(result)
}

// ---- slots ----

fn repr(t: &Thread, v: Value) -> R {
    let dict = receiver::<Dict>(v);
    let Some(_guard) = ReprGuard::enter(t, v) else { return ReprText::new("{...}").finish(t) };
    t.check_stack(" while getting the repr of an object")?;
    let mut text = ReprText::new("{");
    let mut position = 0;
    let mut first = true;
    while let Some((key, value)) = dict.next_entry(&mut position) {
        if !std::mem::take(&mut first) {
            text.text(", ");
        }
        text.repr(t, key)?;
        text.text(": ");
        text.repr(t, value)?;
        t.poll()?;
    }
    text.text("}");
    text.finish(t)
}

/// Have both the same keys with equal values?
fn equal(t: &Thread, a: Ref<Dict>, b: Ref<Dict>) -> R<bool> {
    if a.len() != b.len() {
        return Ok(false);
    }
    let Some(table) = a.table() else { return Ok(true) };
    for i in 0..table.filled() {
        let Some((key, value)) = table.entry_at(i) else { continue };
        match b.get_hashed(t, key, table.hash_at(i))? {
            Some(other) if values_equal(t, value, other)? => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

fn richcompare(t: &Thread, a: Value, b: Value, op: Compare) -> R {
    let (Some(x), Some(y)) = (a.downcast::<Dict>(), b.downcast::<Dict>()) else { return Ok(Value::NOT_IMPLEMENTED) };
    match op {
        Compare::Eq => Ok(Value::bool(equal(t, x, y)?)),
        Compare::Ne => Ok(Value::bool(!equal(t, x, y)?)),
        _ => Ok(Value::NOT_IMPLEMENTED),
    }
}

/// `d[key]`; an instance of a subclass may have `__missing__`.
pub fn item_or_missing(t: &Thread, v: Value, key: Value) -> R {
    if let Some(value) = receiver::<Dict>(v).get(t, key)? {
        return Ok(value);
    }
    if v.class() != builtin::DICT
        && let Some(missing) = attr::lookup_special(t, v, names::__missing__)?
    {
        return call::call(t, missing, &[key]);
    }
    Err(crate::exc::raise_key_error(t, key))
}

fn set_item(t: &Thread, v: Value, key: Value, value: Value) -> R<()> {
    let dict = receiver::<Dict>(v);
    if !value.is_null() {
        return dict.set_item(t, key, value);
    }
    match dict.remove(t, key)? {
        Some(_) => Ok(()),
        None => Err(crate::exc::raise_key_error(t, key)),
    }
}

fn or(t: &Thread, a: Value, b: Value) -> R {
    let (Some(x), Some(_)) = (a.downcast::<Dict>(), b.downcast::<Dict>()) else { return Ok(Value::NOT_IMPLEMENTED) };
    let result = Dict::new(t);
    result.merge_mapping(t, x.value(), true)?;
    result.update_from(t, b)?;
    Ok(result.value())
}

fn ior(t: &Thread, a: Value, b: Value) -> R {
    receiver::<Dict>(a).update_from(t, b)?;
    Ok(a)
}

// ---- methods ----

fn get(t: &Thread, a: &[Value]) -> R {
    let found = receiver::<Dict>(a[0]).get(t, a[1])?;
    Ok(found.or(a[2].non_null()).unwrap_or(Value::NONE))
}

fn set_default(t: &Thread, a: &[Value]) -> R {
    receiver::<Dict>(a[0]).set_default(t, a[1], a[2].non_null().unwrap_or(Value::NONE))
}

fn pop(t: &Thread, a: &[Value]) -> R {
    let dict = receiver::<Dict>(a[0]);
    let removed = if dict.is_empty() {
        // The key must be hashable all the same, unless there is nothing to look in: as CPython has it.
        None
    } else {
        let hash = hash_key(t, a[1])?;
        dict.remove_hashed(t, a[1], hash)?
    };
    match removed.or(a[2].non_null()) {
        Some(value) => Ok(value),
        None => Err(crate::exc::raise_key_error(t, a[1])),
    }
}

fn pop_item(t: &Thread, a: &[Value]) -> R {
    match receiver::<Dict>(a[0]).pop_last(t) {
        Some((key, value)) => Ok(Tuple::from_slice(t, &[key, value]).value()),
        None => raise!(t, KeyError, "popitem(): dictionary is empty"),
    }
}

fn update(t: &Thread, args: Args<'_>) -> R {
    let dict = receiver::<Dict>(args.all()[0]);
    update_with(t, dict, "update", args.skip_first())?;
    Ok(Value::NONE)
}

fn clear(t: &Thread, a: &[Value]) -> R {
    receiver::<Dict>(a[0]).clear(t);
    Ok(Value::NONE)
}

fn copy(t: &Thread, a: &[Value]) -> R {
    let result = Dict::new(t);
    result.merge_mapping(t, a[0], true)?;
    Ok(result.value())
}

fn size_of(t: &Thread, a: &[Value]) -> R {
    let table = receiver::<Dict>(a[0]).table().map_or(0, |table| table.size());
    Ok(int::from_usize(t, a[0].class().instance_size() + table))
}

/// The type `dict`.
pub static DICT_DEF: TypeDef = TypeDef {
    doc: "dict() -> new empty dictionary\ndict(mapping) -> new dictionary initialized from a mapping object's\n    (key, value) \
          pairs\ndict(iterable) -> new dictionary initialized as if via:\n    d = {}\n    for k, v in iterable:\n        d[k] = \
          v\ndict(**kwargs) -> new dictionary initialized with the name=value pairs\n    in the keyword argument list.  For \
          example:  dict(one=1, two=2)",
    flags: flag::BASE_TYPE | flag::DICT_SUBCLASS | flag::MAPPING | flag::MATCH_SELF,
    slots: SlotTable {
        new: Some(dict_new),
        init: Some(dict_init),
        repr: Some(repr),
        hash: Some(hash::unhashable),
        richcompare: Some(richcompare),
        iter: Some(dict_iter),
        len: Some(|_, v| Ok(receiver::<Dict>(v).len())),
        getitem: Some(item_or_missing),
        setitem: Some(set_item),
        contains: Some(|t, v, key| receiver::<Dict>(v).contains(t, key)),
        or: Some(or),
        ior: Some(ior),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::def("__reversed__", "self, /", |t, a| Ok(reverse_iterator(t, receiver(a[0]), What::Keys)))
            .doc("Return a reverse iterator over the dict keys."),
        FnDef::def("__sizeof__", "self, /", size_of).doc("Return the size of the dict in memory."),
        FnDef::def("clear", "self, /", clear).doc("Remove all items from the dict."),
        FnDef::def("copy", "self, /", copy).doc("Return a shallow copy of the dict."),
        FnDef::class_def("fromkeys", "cls, iterable, value=None, /", fromkeys)
            .doc("Create a new dictionary with keys from iterable and values set to value."),
        FnDef::def("get", "self, key, default=None, /", get).doc("Return the value for key if key is in the dictionary, else default."),
        FnDef::def("items", "self, /", |t, a| Ok(items_view(t, receiver(a[0]))))
            .doc("Return a set-like object providing a view on the dict's items."),
        FnDef::def("keys", "self, /", |t, a| Ok(keys_view(t, receiver(a[0]))))
            .doc("Return a set-like object providing a view on the dict's keys."),
        FnDef::def("pop", "self, key, default=<unrepresentable>, /", pop).doc(
            "D.pop(k[,d]) -> v, remove specified key and return the corresponding value.\n\nIf the key is not found, return the \
             default if given; otherwise,\nraise a KeyError.",
        ),
        FnDef::def("popitem", "self, /", pop_item).doc(
            "Remove and return a (key, value) pair as a 2-tuple.\n\nPairs are returned in LIFO (last-in, first-out) order.\nRaises \
             KeyError if the dict is empty.",
        ),
        FnDef::def("setdefault", "self, key, default=None, /", set_default).doc(
            "Insert key with a value of default if key is not in the dictionary.\n\nReturn the value for key if key is in the \
             dictionary, else default.",
        ),
        FnDef::raw("update", "self, other=(), /, **kwargs", update).doc(
            "D.update([E, ]**F) -> None.  Update D from mapping/iterable E and F.\nIf E is present and has a .keys() method, then \
             does:  for k in E.keys(): D[k] = E[k]\nIf E is present and lacks a .keys() method, then does:  for k, v in E: D[k] = \
             v\nIn either case, this is followed by: for k in F:  D[k] = F[k]",
        ),
        FnDef::def("values", "self, /", |t, a| Ok(values_view(t, receiver(a[0]))))
            .doc("Return an object providing a view on the dict's values."),
        FnDef::class_def("__class_getitem__", "cls, object, /", |t, a| generic_alias::class_getitem(t, a[0], a[1])).doc("See PEP 585"),
    ],
    ..TypeDef::of::<Dict>("dict")
};
