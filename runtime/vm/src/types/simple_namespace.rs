//! `types.SimpleNamespace`: an object whose attributes are what it was made with.

use crate::args::{Args, FnDef};
use crate::layout;
use crate::names;
use crate::object::{R, Ref, Slot, ValueExt, header_of};
use crate::protocol::{attr, call, compare, text};
use crate::slots::{Compare, SlotTable};
use crate::thread::Thread;
use crate::types::{Dict, Str, Tuple, Type, TypeDef, ValueList, builtin, flag};
use limpid_heap::{Header, Value};

/// The layout of a namespace: just its attribute dict.
#[repr(C)]
pub struct SimpleNamespace {
    header: Header,
    dict: Slot,
}

layout!(SimpleNamespace, builtin::SIMPLE_NAMESPACE, Slots);

/// A namespace with these attributes.
pub fn from_dict(t: &Thread, dict: Ref<Dict>) -> Value {
    t.alloc(SimpleNamespace { header: header_of::<SimpleNamespace>(), dict: Slot::new(dict.value()) }).value()
}

fn dict_of(t: &Thread, v: Value) -> R<Ref<Dict>> {
    match attr::get_attr(t, v, names::__dict__)?.downcast::<Dict>() {
        Some(d) => Ok(d),
        None => raise!(t, TypeError, "__dict__ must be a dict"),
    }
}

fn new(t: &Thread, class: Value, _: Args<'_>) -> R {
    // SAFETY: `__new__` is called with a class.
    let class = unsafe { Ref::<Type>::from_value(class) };
    let dict = Dict::new(t);
    Ok(t.alloc_instance(class, SimpleNamespace { header: header_of::<SimpleNamespace>(), dict: Slot::new(dict.value()) }).value())
}

fn init(t: &Thread, v: Value, args: Args<'_>) -> R<()> {
    let dict = dict_of(t, v)?;
    match args.pos() {
        [] => {}
        [from] => {
            let copy = Dict::new(t);
            copy.update_from(t, *from)?;
            for (k, value) in copy.iter() {
                if k.downcast::<Str>().is_none() {
                    raise!(t, TypeError, "keywords must be strings");
                }
                dict.set_item(t, k, value)?;
            }
        }
        more => raise!(t, TypeError, "{} expected at most 1 positional argument, got {}", v.class().display_name(), more.len()),
    }
    for (k, value) in args.keywords() {
        dict.set_item(t, k, value)?;
    }
    Ok(())
}

fn repr(t: &Thread, v: Value) -> R {
    let name = if v.class() == builtin::SIMPLE_NAMESPACE { "namespace".to_owned() } else { v.class().display_name() };
    let Some(_guard) = crate::types::repr::ReprGuard::enter(t, v) else { return Ok(Str::new(t, &format!("{name}(...)")).value()) };
    let dict = dict_of(t, v)?;
    let mut parts = ValueList::new(t);
    parts.push(t, Str::new(t, &format!("{name}(")).value());
    for (i, (k, value)) in dict.iter().enumerate() {
        if i > 0 {
            parts.push(t, names::comma_space);
        }
        parts.push(t, text::str_of(t, k)?.value());
        parts.push(t, Str::new(t, "=").value());
        parts.push(t, text::repr(t, value)?.value());
    }
    parts.push(t, Str::new(t, ")").value());
    Ok(Str::concat_all(t, parts.as_slice())?.value())
}

fn richcompare(t: &Thread, a: Value, b: Value, op: Compare) -> R {
    if !a.is_instance(builtin::SIMPLE_NAMESPACE) || !b.is_instance(builtin::SIMPLE_NAMESPACE) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    compare::rich_compare(t, dict_of(t, a)?.value(), dict_of(t, b)?.value(), op)
}

fn reduce(t: &Thread, a: &[Value]) -> R {
    let dict = dict_of(t, a[0])?;
    Ok(Tuple::from_slice(t, &[a[0].class().value(), t.empty_tuple(), dict.value()]).value())
}

fn replace(t: &Thread, args: Args<'_>) -> R {
    let [v] = args.pos() else { raise!(t, TypeError, "__replace__() takes no positional arguments") };
    let copy = call::call(t, v.class().value(), &[])?;
    let dict = dict_of(t, copy)?;
    dict.merge(t, dict_of(t, *v)?, true)?;
    for (k, value) in args.keywords() {
        dict.set_item(t, k, value)?;
    }
    Ok(copy)
}

/// `types.SimpleNamespace`
pub static SIMPLE_NAMESPACE_DEF: TypeDef = TypeDef {
    doc: "SimpleNamespace(mapping_or_iterable=(), /, **kwargs)\n--\n\nA simple attribute-based namespace.",
    flags: flag::BASE_TYPE,
    slots: SlotTable {
        new: Some(new),
        init: Some(init),
        repr: Some(repr),
        richcompare: Some(richcompare),
        hash: Some(|t, v| raise!(t, TypeError, "unhashable type: '{}'", v.class().display_name())),
        ..SlotTable::EMPTY
    },
    methods: &[FnDef::def("__reduce__", "self, /", reduce), FnDef::raw("__replace__", "self, /, **changes", replace)],
    has_dict: true,
    ..TypeDef::of::<SimpleNamespace>("types.SimpleNamespace")
};
