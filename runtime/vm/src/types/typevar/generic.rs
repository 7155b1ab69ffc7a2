//! `typing.Generic`, `typing.NoDefault`, and evaluators of constants.

use super::{call_typing, typing_function};
use crate::args::{Args, FnDef, receiver};
use crate::object::{R, Slot, ValueExt, header_of};
use crate::protocol::{call, sequence};
use crate::root::Root;
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::{BuiltinFunction, Str, Tuple, TypeDef, ValueList, builtin, flag, object};
use limpid_heap::{Header, Value};

/// The layout of instances of Generic itself: nothing.
#[repr(C)]
pub struct Generic {
    header: Header,
}

layout!(Generic, builtin::GENERIC, Leaf);

fn forward(t: &Thread, args: Args<'_>, name: &str) -> R {
    call::call_args(t, typing_function(t, name)?, args)
}

/// `typing.Generic`
pub static GENERIC_DEF: TypeDef = TypeDef {
    doc: "Abstract base class for generic types.",
    flags: flag::BASE_TYPE | flag::WEAK_REFERENCES,
    slots: SlotTable { new: Some(object::new), ..SlotTable::EMPTY },
    methods: &[
        FnDef {
            binding: crate::args::Binding::Class,
            ..FnDef::raw("__class_getitem__", "cls, *args, **kwargs", |t, a| forward(t, a, "_generic_class_getitem"))
        },
        FnDef {
            binding: crate::args::Binding::Class,
            ..FnDef::raw("__init_subclass__", "cls, *args, **kwargs", |t, a| forward(t, a, "_generic_init_subclass"))
        },
    ],
    ..TypeDef::of::<Generic>("typing.Generic")
};

/// `Generic[params]`, with type variable tuples unpacked.
pub fn subscript_generic(t: &Thread, params: Value) -> R {
    let mut out = ValueList::new(t);
    for &p in super::as_tuple(t, params).as_slice() {
        if p.class() == builtin::TYPE_VAR_TUPLE {
            out.push(t, sequence::get_item(t, typing_function(t, "Unpack")?, p)?);
        } else {
            out.push(t, p);
        }
    }
    let params = Tuple::from_slice(t, out.as_slice());
    call_typing(t, "_GenericAlias", &[builtin::GENERIC.value(), params.value()])
}

/// The layout of `typing.NoDefault`.
#[repr(C)]
pub struct NoDefault {
    header: Header,
}

layout!(NoDefault, builtin::NO_DEFAULT, Leaf);

static NO_DEFAULT: Root = Root::new();

/// `typing.NoDefault`, of which there is one.
pub fn no_default() -> Value {
    if NO_DEFAULT.get().is_null()
        && let Some(t) = crate::runtime::current()
    {
        NO_DEFAULT.set(t.alloc(NoDefault { header: header_of::<NoDefault>() }).value());
    }
    NO_DEFAULT.get()
}

/// `typing.NoDefaultType`
pub static NO_DEFAULT_DEF: TypeDef = TypeDef {
    doc: "The type of the NoDefault singleton.",
    slots: SlotTable {
        new: Some(|t, _, args| match args.is_empty() {
            true => Ok(no_default()),
            false => raise!(t, TypeError, "NoDefaultType takes no arguments"),
        }),
        repr: Some(|t, _| Ok(Str::new(t, "typing.NoDefault").value())),
        ..SlotTable::EMPTY
    },
    methods: &[FnDef::def("__reduce__", "self, /", |t, _| Ok(Str::new(t, "NoDefault").value()))],
    ..TypeDef::of::<NoDefault>("typing.NoDefaultType")
};

/// A function of one parameter, the format, that gives this value.
pub fn constant_evaluator(t: &Thread, v: Value) -> Value {
    static DEF: FnDef = FnDef::def("constevaluator", "self, format, /", |_, a| Ok(receiver::<Holder>(a[0]).value.get()));
    let holder = t.alloc(Holder { header: header_of::<Holder>(), value: Slot::new(v) });
    BuiltinFunction::new(t, &DEF, holder.value(), Value::NONE).value()
}

/// Keeps the value of a constant evaluator: a cell, whose class nobody sees.
#[repr(C)]
struct Holder {
    header: Header,
    value: Slot,
}

layout!(Holder, builtin::CELL, Slots);

/// Fills in a missing argument from the parameter's default.
pub fn prepare_default(t: &Thread, parameter: Value, alias: Value, params: Value, args: Value) -> R {
    let (Some(params), Some(args)) = (params.downcast::<Tuple>(), args.downcast::<Tuple>()) else { return Ok(args) };
    let Some(index) = params.as_slice().iter().position(|p| *p == parameter) else { return Ok(args.value()) };
    if index < args.len() {
        return Ok(args.value());
    }
    let default = crate::protocol::attr::get_attr_text(t, parameter, "__default__")?;
    if index == args.len() && default != no_default() {
        let mut list = ValueList::from_slice(t, args.as_slice());
        list.push(t, default);
        return Ok(Tuple::from_slice(t, list.as_slice()).value());
    }
    let mut required = 0;
    for &p in params.as_slice() {
        required += usize::from(crate::protocol::attr::get_attr_text(t, p, "__default__")? == no_default());
    }
    let at_least = if required < params.len() { "at least " } else { "" };
    let shown = crate::protocol::text::repr(t, alias)?;
    raise!(t, TypeError, "Too few arguments for {}; actual {}, expected {at_least}{required}", shown.to_string_lossy(), args.len())
}
