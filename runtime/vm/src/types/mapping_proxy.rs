//! `mappingproxy`: a read-only view of a mapping, such as a class's `__dict__`.

use crate::args::{Args, FnDef, receiver};
use crate::layout;
use crate::object::{R, Slot, ValueExt, header_of};
use crate::protocol::{call, compare, hash, iter, number, sequence, text};
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::{List, Str, Tuple, TypeDef, builtin, flag, generic_alias};
use limpid_bytecode::BinaryOperator;
use limpid_heap::{Header, Value};

/// The layout of a proxy.
#[repr(C)]
pub struct MappingProxy {
    header: Header,
    mapping: Slot,
}

layout!(MappingProxy, builtin::MAPPING_PROXY, Slots);

/// A read-only view of a mapping.
pub fn new(t: &Thread, mapping: Value) -> Value {
    t.alloc(MappingProxy { header: header_of::<MappingProxy>(), mapping: Slot::new(mapping) }).value()
}

/// The mapping behind a proxy; anything else is itself.
pub fn unwrap(v: Value) -> Value {
    v.exact::<MappingProxy>().map_or(v, |p| p.mapping.get())
}

fn mapping(v: Value) -> Value {
    receiver::<MappingProxy>(v).mapping.get()
}

fn make(t: &Thread, _: Value, args: Args<'_>) -> R {
    args.no_keywords(t, "mappingproxy")?;
    let &[m] = args.pos() else {
        raise!(t, TypeError, "mappingproxy() missing required argument 'mapping' (pos 1)");
    };
    let is_mapping = m.class().slots().getitem.is_some() && m.exact::<List>().is_none() && m.exact::<Tuple>().is_none();
    if !is_mapping {
        raise!(t, TypeError, "mappingproxy() argument must be a mapping, not {}", m.class().display_name());
    }
    Ok(new(t, m))
}

fn repr(t: &Thread, v: Value) -> R {
    let inner = text::repr(t, mapping(v))?;
    let open = Str::new(t, "mappingproxy(").value();
    Ok(Str::concat_all(t, &[open, inner.value(), Str::new(t, ")").value()])?.value())
}

/// Calls the mapping's method of the same name.
fn forward(t: &Thread, a: &[Value], name: &str) -> R {
    let n = a.iter().take_while(|v| !v.is_null()).count();
    call::call_method_text(t, mapping(a[0]), name, &a[1..n])
}

/// `mappingproxy`
pub static MAPPING_PROXY_DEF: TypeDef = TypeDef {
    doc: "mappingproxy(mapping)\n--\n\nRead-only proxy of a mapping.",
    flags: flag::MAPPING,
    slots: SlotTable {
        new: Some(make),
        repr: Some(repr),
        str: Some(|t, v| Ok(text::str_of(t, mapping(v))?.value())),
        hash: Some(|t, v| hash::hash_value(t, mapping(v))),
        len: Some(|t, v| sequence::len(t, mapping(v))),
        getitem: Some(|t, v, key| sequence::get_item(t, mapping(v), key)),
        contains: Some(|t, v, key| sequence::contains(t, mapping(v), key)),
        iter: Some(|t, v| iter::get_iter(t, mapping(v))),
        richcompare: Some(|t, a, b, op| compare::rich_compare(t, mapping(a), unwrap(b), op)),
        or: Some(|t, a, b| number::binary(t, BinaryOperator::Or, unwrap(a), unwrap(b))),
        ior: Some(|t, v, _| raise!(t, TypeError, "'|=' is not supported by {}; use '|' instead", v.class().display_name())),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::def("get", "self, key, default=None, /", |t, a| forward(t, a, "get")),
        FnDef::def("keys", "self, /", |t, a| forward(t, a, "keys")),
        FnDef::def("values", "self, /", |t, a| forward(t, a, "values")),
        FnDef::def("items", "self, /", |t, a| forward(t, a, "items")),
        FnDef::def("copy", "self, /", |t, a| forward(t, a, "copy")),
        FnDef::def("__reversed__", "self, /", |t, a| forward(t, a, "__reversed__")),
        FnDef::class_def("__class_getitem__", "cls, item, /", |t, a| generic_alias::class_getitem(t, a[0], a[1])),
    ],
    ..TypeDef::of::<MappingProxy>("mappingproxy")
};
