//! `_collections`: `deque`, `defaultdict`, `OrderedDict` and helpers of `namedtuple` and `Counter`, for the package `collections`.

mod default_dict;
mod deque;
mod ordered_dict;
mod tuple_getter;

use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{attr, call, iter, number, sequence};
use limpid_vm::thread::Thread;
use limpid_vm::types::{Dict, Module, builtin, type_};

/// `_collections`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "High performance data structures.\n- deque:        ordered collection accessible from endpoints only\n- defaultdict:  dict subclass with \
          a default value factory",
    functions: &[
        FnDef::def("_count_elements", "mapping, iterable, /", count_elements).doc("Count elements in the iterable, updating the mapping")
    ],
    init,
    ..ModuleDef::named("_collections")
};

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    for (cell, def) in [
        (&deque::DEQUE, &deque::DEQUE_DEF),
        (&deque::ITERATOR, &deque::ITERATOR_DEF),
        (&deque::REVERSE_ITERATOR, &deque::REVERSE_ITERATOR_DEF),
        (&default_dict::DEFAULT_DICT, &default_dict::DEFAULT_DICT_DEF),
        (&ordered_dict::ORDERED_DICT, &ordered_dict::ORDERED_DICT_DEF),
        (&tuple_getter::TUPLE_GETTER, &tuple_getter::TUPLE_GETTER_DEF),
    ] {
        let class = type_::create_native(t, def, cell)?;
        m.dict().set_text(t, short_name(def.name), class.value())?;
    }
    for (cell, def) in [
        (&ordered_dict::ITERATOR, &ordered_dict::ITERATOR_DEF),
        (&ordered_dict::KEYS, &ordered_dict::KEYS_DEF),
        (&ordered_dict::VALUES, &ordered_dict::VALUES_DEF),
        (&ordered_dict::ITEMS, &ordered_dict::ITEMS_DEF),
    ] {
        type_::create_native(t, def, cell)?;
    }
    Ok(())
}

/// Adds one to the mapping's value for each element. A subclass of dict that has its own `get` or `__setitem__` has them called.
fn count_elements(t: &Thread, a: &[Value]) -> R {
    let (mapping, one) = (a[0], Value::int(1));
    let own = |name: &str| {
        let name = limpid_vm::types::str::intern(t, name);
        attr::type_lookup(mapping.class(), name) == attr::type_lookup(builtin::DICT, name)
    };
    let plain = mapping.downcast::<Dict>().filter(|_| own("get") && own("__setitem__"));
    iter::for_each(t, a[1], |item| match plain {
        Some(dict) => {
            let new = match dict.get(t, item)? {
                Some(old) => number::add(t, old, one)?,
                None => one,
            };
            dict.set_item(t, item, new)
        }
        None => {
            let old = call::call_method_text(t, mapping, "get", &[item, Value::int(0)])?;
            sequence::set_item(t, mapping, item, number::add(t, old, one)?)
        }
    })?;
    Ok(Value::NONE)
}

/// A type's name without its module.
fn short_name(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}
