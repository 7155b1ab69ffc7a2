//! `typing.TypeVarTuple`

use super::{Options, call_typing, calling_module, constant_evaluator, evaluated, name_text, no_default};
use crate::args::{Args, FnDef, GetSet, receiver};
use crate::names;
use crate::object::{R, Ref, Slot, header_of};
use crate::protocol::{iter, sequence};
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::{Dict, Str, Tuple, TypeDef, builtin, flag};
use limpid_heap::{Header, Value};
use std::mem::offset_of;

/// The layout of a type variable tuple.
#[repr(C)]
pub struct TypeVarTuple {
    header: Header,
    name: Slot,
    default: Slot,
    pub(super) evaluate_default: Slot,
    dict: Slot,
}

layout!(TypeVarTuple, builtin::TYPE_VAR_TUPLE, Slots);

fn make(t: &Thread, name: Value, default: Value) -> R {
    let dict = Dict::new(t);
    dict.set_name(t, names::__module__, calling_module(t))?;
    Ok(t.alloc(TypeVarTuple {
        header: header_of::<TypeVarTuple>(),
        name: Slot::new(name),
        default: Slot::new(default),
        evaluate_default: Slot::NULL,
        dict: Slot::new(dict.value()),
    })
    .value())
}

/// A type variable tuple of a type parameter list.
pub fn new_typevar_tuple(t: &Thread, name: Value) -> R {
    make(t, name, Value::NULL)
}

fn new(t: &Thread, _: Value, args: Args<'_>) -> R {
    let o = Options::parse(t, "TypeVarTuple", args, &["default"])?;
    make(t, o.name, o.default())
}

fn var(v: Value) -> Ref<TypeVarTuple> {
    receiver::<TypeVarTuple>(v)
}

/// `*Ts`: one `Unpack[Ts]`.
fn unpack(t: &Thread, v: Value) -> R {
    let unpacked = sequence::get_item(t, super::typing_function(t, "Unpack")?, v)?;
    iter::get_iter(t, Tuple::from_slice(t, &[unpacked]).value())
}

fn has_default(_: &Thread, a: &[Value]) -> R {
    let given = var(a[0]).default.opt().is_some_and(|d| d != no_default());
    Ok(Value::bool(given || var(a[0]).evaluate_default.opt().is_some()))
}

/// `typing.TypeVarTuple`
pub static TYPE_VAR_TUPLE_DEF: TypeDef = TypeDef {
    doc: "Type variable tuple.",
    flags: flag::WEAK_REFERENCES,
    slots: SlotTable {
        new: Some(new),
        repr: Some(|t, v| Ok(Str::new(t, &name_text(var(v).name.get())).value())),
        iter: Some(unpack),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::def("__typing_subst__", "self, arg, /", |t, _| raise!(t, TypeError, "Substitution of bare TypeVarTuple is not supported")),
        FnDef::def("__typing_prepare_subst__", "self, alias, args, /", |t, a| {
            call_typing(t, "_typevartuple_prepare_subst", &[a[0], a[1], a[2]])
        }),
        FnDef::def("__reduce__", "self, /", |_, a| Ok(var(a[0]).name.get())),
        FnDef::def("has_default", "self, /", has_default),
        FnDef::def("__mro_entries__", "self, bases, /", |t, _| raise!(t, TypeError, "Cannot subclass an instance of TypeVarTuple")),
    ],
    getset: &[
        GetSet::getter("__name__", |_, v| Ok(var(v).name.get())),
        GetSet::getter("__default__", |t, v| evaluated(t, var(v), &var(v).default, &var(v).evaluate_default, no_default())),
        GetSet::getter("evaluate_default", |t, v| Ok(constant_evaluator(t, &var(v).default, &var(v).evaluate_default))),
    ],
    dict_offset: offset_of!(TypeVarTuple, dict),
    ..TypeDef::of::<TypeVarTuple>("typing.TypeVarTuple")
};
