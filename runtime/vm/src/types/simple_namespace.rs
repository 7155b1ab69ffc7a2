//! `types.SimpleNamespace`: an object with nothing but attributes.

use crate::args::{Args, FnDef, GetSet};
use crate::names;
use crate::object::{R, Ref, Slot, ValueExt, header_of};
use crate::protocol::{attr, call, compare, text};
use crate::slots::{Compare, SlotTable};
use crate::thread::Thread;
use crate::types::descriptor::text as plain_text;
use crate::types::dict::full_name;
use crate::types::{Dict, Str, Tuple, Type, TypeDef, builtin, flag, instance};
use limpid_heap::{Header, Value};
use std::mem::offset_of;

/// The layout of a namespace.
#[repr(C)]
pub struct SimpleNamespace {
    header: Header,
    dict: Slot,
}

crate::layout!(SimpleNamespace, builtin::SIMPLE_NAMESPACE, Slots);

/// `types.SimpleNamespace`
pub static SIMPLE_NAMESPACE_DEF: TypeDef = TypeDef {
    doc: "A simple attribute-based namespace.",
    flags: flag::BASE_TYPE,
    slots: SlotTable {
        repr: Some(repr),
        richcompare: Some(richcompare),
        new: Some(|t, class, _| {
            // SAFETY: the receiver of `__new__` is a class, checked by whoever calls the slot.
            let class = unsafe { Ref::<Type>::from_value(class) };
            let empty = SimpleNamespace { header: header_of::<SimpleNamespace>(), dict: Slot::NULL };
            Ok(t.alloc_instance(class, empty).value())
        }),
        init: Some(init),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::def("__reduce__", "self, /", |t, a| {
            let state = dict(t, a[0])?.value();
            Ok(Tuple::from_slice(t, &[a[0].class().value(), t.empty_tuple(), state]).value())
        })
        .doc("Return state information for pickling"),
        FnDef::raw("__replace__", "self, /, **changes", replace)
            .doc("Return a copy of the namespace object with new values for the specified attributes."),
    ],
    getset: &[GetSet::getter("__dict__", |t, n| Ok(dict(t, n)?.value())).member()],
    dict_offset: offset_of!(SimpleNamespace, dict),
    ..TypeDef::of::<SimpleNamespace>("types.SimpleNamespace")
};

/// A namespace with the attributes that the dict holds.
pub fn from_dict(t: &Thread, dict: Ref<Dict>) -> Value {
    t.alloc(SimpleNamespace { header: header_of::<SimpleNamespace>(), dict: Slot::new(dict.value()) }).value()
}

fn dict(t: &Thread, n: Value) -> R<Ref<Dict>> {
    Ok(instance::dict(t, n)?.unwrap_or_else(|| Dict::new(t)))
}

fn init(t: &Thread, n: Value, args: Args<'_>) -> R<()> {
    let own = dict(t, n)?;
    match args.pos() {
        [] => {}
        [initial] => {
            let from = Dict::new(t);
            from.update_from(t, *initial)?;
            for (key, _) in from.iter() {
                if !key.is_instance(builtin::STR) {
                    raise!(t, TypeError, "keywords must be strings");
                }
            }
            own.merge(t, from, true)?;
        }
        more => raise!(t, TypeError, "{} expected at most 1 argument, got {}", n.class().display_name(), more.len()),
    }
    for (name, v) in args.keywords() {
        own.set_item(t, name, v)?;
    }
    Ok(())
}

fn repr(t: &Thread, n: Value) -> R {
    let name = if n.class() == builtin::SIMPLE_NAMESPACE { "namespace".to_string() } else { plain_text(n.class().name.get()) };
    let Some(_guard) = crate::types::repr::ReprGuard::enter(t, n) else {
        return Ok(Str::new(t, &format!("{name}(...)")).value());
    };
    let mut parts = Vec::new();
    let own = dict(t, n)?;
    let mut position = 0;
    while let Some((key, v)) = own.next_entry(&mut position) {
        if let Some(key) = key.downcast::<Str>().filter(|k| !k.is_empty()) {
            parts.push(format!("{}={}", key.to_string_lossy(), text::repr(t, v)?.to_string_lossy()));
        }
    }
    Ok(Str::try_new(t, &format!("{name}({})", parts.join(", ")))?.value())
}

fn richcompare(t: &Thread, a: Value, b: Value, op: Compare) -> R {
    if !a.is_instance(builtin::SIMPLE_NAMESPACE) || !b.is_instance(builtin::SIMPLE_NAMESPACE) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    compare::rich_compare(t, dict(t, a)?.value(), dict(t, b)?.value(), op)
}

fn replace(t: &Thread, args: Args<'_>) -> R {
    if args.pos().len() != 1 {
        raise!(t, TypeError, "__replace__() takes no positional arguments ({} given)", args.pos().len().saturating_sub(1));
    }
    let object = args.pos()[0];
    let copy = call::call(t, object.class().value(), &[])?;
    if !copy.is_instance(builtin::SIMPLE_NAMESPACE) {
        let (class, other) = (full_name(object.class()), full_name(copy.class()));
        raise!(t, TypeError, "expect types.SimpleNamespace type, but {class}() returned '{other}' object");
    }
    if let Some(own) = attr::get_attr_opt(t, copy, names::__dict__)?.and_then(|d| d.downcast::<Dict>()) {
        own.merge(t, dict(t, object)?, true)?;
        for (name, v) in args.keywords() {
            own.set_item(t, name, v)?;
        }
    }
    Ok(copy)
}
