//! `mappingproxy`: a mapping that can only be read, as a class's `__dict__` is.

use crate::args::{Args, FnDef, Signature, receiver};
use crate::names;
use crate::object::{R, Ref, Slot, ValueExt, header_of};
use crate::protocol::{attr, call, compare, hash, iter, number, sequence, text};
use crate::slots::{Compare, SlotTable};
use crate::thread::Thread;
use crate::types::{Dict, List, Str, Tuple, TypeDef, builtin, flag, generic_alias};
use limpid_heap::{Header, Value};

/// The layout of a mapping proxy.
#[repr(C)]
pub struct MappingProxy {
    header: Header,
    /// The mapping that is shown.
    pub mapping: Slot,
}

crate::layout!(MappingProxy, builtin::MAPPING_PROXY, Slots);

/// `types.MappingProxyType`
pub static MAPPING_PROXY_DEF: TypeDef = TypeDef {
    doc: "mappingproxy(mapping)\n--\n\nRead-only proxy of a mapping.",
    flags: flag::MAPPING,
    slots: SlotTable {
        repr: Some(|t, p| {
            let inner = text::repr(t, mapping(p))?;
            Ok(Str::try_new(t, &format!("mappingproxy({})", inner.to_string_lossy()))?.value())
        }),
        str: Some(|t, p| Ok(text::str_of(t, mapping(p))?.value())),
        hash: Some(|t, p| hash::hash_value(t, checked(t, p)?)),
        richcompare: Some(|t, p, other, op: Compare| match p.exact::<MappingProxy>() {
            Some(p) => compare::rich_compare(t, p.mapping.get(), other, op),
            None => Ok(Value::NOT_IMPLEMENTED),
        }),
        new: Some(new),
        iter: Some(|t, p| iter::get_iter(t, checked(t, p)?)),
        len: Some(|t, p| sequence::len(t, checked(t, p)?)),
        getitem: Some(|t, p, key| sequence::get_item(t, checked(t, p)?, key)),
        contains: Some(|t, p, key| sequence::contains(t, checked(t, p)?, key)),
        or: Some(|t, a, b| number::or(t, unwrap(a), unwrap(b))),
        ior: Some(|t, p, _| raise!(t, TypeError, "'|=' is not supported by {}; use '|' instead", p.class().display_name())),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::def("get", "self, key, default=None, /", |t, a| {
            let default = a[2].non_null().unwrap_or(Value::NONE);
            call::call_method(t, mapping(a[0]), names::get, &[a[1], default])
        })
        .doc("Return the value for key if key is in the mapping, else default."),
        FnDef::def("keys", "self, /", |t, a| call::call_method(t, mapping(a[0]), names::keys, &[]))
            .doc("a set-like object providing a view on the underlying mapping's keys"),
        FnDef::def("values", "self, /", |t, a| call::call_method(t, mapping(a[0]), names::values, &[]))
            .doc("an object providing a view on the underlying mapping's values"),
        FnDef::def("items", "self, /", |t, a| call::call_method(t, mapping(a[0]), names::items, &[]))
            .doc("a set-like object providing a view on the underlying mapping's items"),
        FnDef::def("copy", "self, /", |t, a| call::call_method(t, mapping(a[0]), names::copy, &[]))
            .doc("a shallow copy of the underlying mapping"),
        FnDef::def("__reversed__", "self, /", |t, a| call::call_method(t, mapping(a[0]), names::__reversed__, &[]))
            .doc("reverse iterator over the underlying mapping's keys"),
        FnDef::class_def("__class_getitem__", "cls, item, /", |t, a| generic_alias::class_getitem(t, a[0], a[1])).doc("See PEP 585"),
    ],
    ..TypeDef::of::<MappingProxy>("mappingproxy")
};

impl MappingProxy {
    /// A read-only view of a mapping.
    pub fn new(t: &Thread, mapping: Value) -> Ref<MappingProxy> {
        t.alloc(MappingProxy { header: header_of::<MappingProxy>(), mapping: Slot::new(mapping) })
    }
}

fn mapping(p: Value) -> Value {
    receiver::<MappingProxy>(p).mapping.get()
}

/// The mapping, for what native code does with it: it may be a proxy again.
fn checked(t: &Thread, p: Value) -> R {
    t.check_stack("")?;
    Ok(mapping(p))
}

fn unwrap(v: Value) -> Value {
    v.exact::<MappingProxy>().map_or(v, |p| p.mapping.get())
}

const NEW: Signature = Signature::parse("mapping");

fn new(t: &Thread, _class: Value, args: Args<'_>) -> R {
    args.bind(t, "mappingproxy", &NEW, |a| {
        let is_sequence = a[0].downcast::<List>().is_some() || a[0].downcast::<Tuple>().is_some();
        if a[0].class().slots().getitem.is_none() || is_sequence || !is_mapping(t, a[0]) {
            raise!(t, TypeError, "mappingproxy() argument must be a mapping, not {}", a[0].class().display_name());
        }
        Ok(MappingProxy::new(t, a[0]).value())
    })
}

/// Strings and the like have subscripts but are no mappings; classes written in Python are taken at their word.
fn is_mapping(t: &Thread, v: Value) -> bool {
    v.downcast::<Dict>().is_some()
        || v.class().has(flag::HEAP_TYPE)
        || v.class().has(flag::MAPPING)
        || attr::lookup(t, v.class(), names::keys).is_some()
}
