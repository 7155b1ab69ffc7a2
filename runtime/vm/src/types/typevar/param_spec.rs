//! `typing.ParamSpec`, and its `args` and `kwargs`.

use super::{Options, call_typing, calling_module, constant_evaluator, evaluated, name_text, no_default, variance_prefix};
use crate::args::{Args, FnDef, GetSet, receiver};
use crate::names;
use crate::object::{R, Ref, Slot, ValueExt, header_of};
use crate::protocol::compare;
use crate::slots::{Compare, SlotTable};
use crate::thread::Thread;
use crate::types::{Dict, Str, TypeDef, builtin, flag, union};
use limpid_heap::{Header, Value};
use std::mem::offset_of;

/// The layout of a parameter specification.
#[repr(C)]
pub struct ParamSpec {
    header: Header,
    name: Slot,
    bound: Slot,
    default: Slot,
    pub(super) evaluate_default: Slot,
    variance: Slot,
    dict: Slot,
}

layout!(ParamSpec, builtin::PARAM_SPEC, Slots);

const COVARIANT: i64 = 1;
const CONTRAVARIANT: i64 = 2;
const INFERRED: i64 = 4;

fn make(t: &Thread, name: Value, bound: Value, default: Value, variance: i64) -> R {
    let dict = Dict::new(t);
    dict.set_name(t, names::__module__, calling_module(t))?;
    Ok(t.alloc(ParamSpec {
        header: header_of::<ParamSpec>(),
        name: Slot::new(name),
        bound: Slot::new(bound),
        default: Slot::new(default),
        evaluate_default: Slot::NULL,
        variance: Slot::new(Value::int(variance)),
        dict: Slot::new(dict.value()),
    })
    .value())
}

/// A parameter specification of a type parameter list.
pub fn new_param_spec(t: &Thread, name: Value) -> R {
    make(t, name, Value::NONE, Value::NULL, INFERRED)
}

fn new(t: &Thread, _: Value, args: Args<'_>) -> R {
    let o = Options::parse(t, "ParamSpec", args, &["bound", "default", "covariant", "contravariant", "infer_variance"])?;
    let (covariant, contravariant, inferred) = (o.flag(t, "covariant")?, o.flag(t, "contravariant")?, o.flag(t, "infer_variance")?);
    if covariant && contravariant {
        raise!(t, ValueError, "Bivariant types are not supported.");
    }
    if inferred && (covariant || contravariant) {
        raise!(t, ValueError, "Variance cannot be specified with infer_variance.");
    }
    let bound = match o.args.keyword("bound").filter(|b| !b.is_none()) {
        Some(b) => call_typing(t, "_type_check", &[b, Str::new(t, "Bound must be a type.").value()])?,
        None => Value::NONE,
    };
    let variance = (covariant as i64 * COVARIANT) | (contravariant as i64 * CONTRAVARIANT) | (inferred as i64 * INFERRED);
    make(t, o.name, bound, o.default(), variance)
}

fn spec(v: Value) -> Ref<ParamSpec> {
    receiver::<ParamSpec>(v)
}

fn has(v: Value, bit: i64) -> bool {
    spec(v).variance.get().as_int() & bit != 0
}

fn repr(t: &Thread, v: Value) -> R {
    let prefix = variance_prefix(has(v, COVARIANT), has(v, CONTRAVARIANT), has(v, INFERRED));
    Ok(Str::new(t, &format!("{prefix}{}", name_text(spec(v).name.get()))).value())
}

fn has_default(_: &Thread, a: &[Value]) -> R {
    let v = spec(a[0]);
    let given = v.default.opt().is_some_and(|d| d != no_default());
    Ok(Value::bool(given || v.evaluate_default.opt().is_some()))
}

/// `typing.ParamSpec`
pub static PARAM_SPEC_DEF: TypeDef = TypeDef {
    doc: "Parameter specification variable.",
    flags: flag::WEAK_REFERENCES,
    slots: SlotTable { new: Some(new), repr: Some(repr), or: Some(union::or_any), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("__typing_subst__", "self, arg, /", |t, a| call_typing(t, "_paramspec_subst", &[a[0], a[1]])),
        FnDef::def("__typing_prepare_subst__", "self, alias, args, /", |t, a| {
            call_typing(t, "_paramspec_prepare_subst", &[a[0], a[1], a[2]])
        }),
        FnDef::def("__reduce__", "self, /", |_, a| Ok(spec(a[0]).name.get())),
        FnDef::def("has_default", "self, /", has_default),
        FnDef::def("__mro_entries__", "self, bases, /", |t, _| raise!(t, TypeError, "Cannot subclass an instance of ParamSpec")),
    ],
    getset: &[
        GetSet::getter("__name__", |_, v| Ok(spec(v).name.get())),
        GetSet::getter("__bound__", |_, v| Ok(spec(v).bound.get())),
        GetSet::getter("__default__", |t, v| evaluated(t, spec(v), &spec(v).default, &spec(v).evaluate_default, no_default())),
        GetSet::getter("__covariant__", |_, v| Ok(Value::bool(has(v, COVARIANT)))),
        GetSet::getter("__contravariant__", |_, v| Ok(Value::bool(has(v, CONTRAVARIANT)))),
        GetSet::getter("__infer_variance__", |_, v| Ok(Value::bool(has(v, INFERRED)))),
        GetSet::getter("evaluate_default", |t, v| Ok(constant_evaluator(t, &spec(v).default, &spec(v).evaluate_default))),
        GetSet::getter("args", |t, v| Ok(t.alloc(ParamSpecArgs { header: header_of::<ParamSpecArgs>(), origin: Slot::new(v) }).value())),
        GetSet::getter("kwargs", |t, v| {
            Ok(t.alloc(ParamSpecKwargs { header: header_of::<ParamSpecKwargs>(), origin: Slot::new(v) }).value())
        }),
    ],
    dict_offset: offset_of!(ParamSpec, dict),
    ..TypeDef::of::<ParamSpec>("typing.ParamSpec")
};

/// `P.args`
#[repr(C)]
pub struct ParamSpecArgs {
    header: Header,
    origin: Slot,
}

layout!(ParamSpecArgs, builtin::PARAM_SPEC_ARGS, Slots);

/// `P.kwargs`
#[repr(C)]
pub struct ParamSpecKwargs {
    header: Header,
    origin: Slot,
}

layout!(ParamSpecKwargs, builtin::PARAM_SPEC_KWARGS, Slots);

fn origin(v: Value) -> Value {
    // Both have the same layout.
    // SAFETY: the callers' descriptors have checked the receiver.
    unsafe { Ref::<ParamSpecArgs>::from_value(v) }.origin.get()
}

fn part_repr(t: &Thread, v: Value, part: &str) -> R {
    let o = origin(v);
    let text = match o.exact::<ParamSpec>() {
        Some(p) => name_text(p.name.get()),
        None => crate::protocol::text::repr(t, o)?.to_string_lossy().into_owned(),
    };
    Ok(Str::new(t, &format!("{text}.{part}")).value())
}

fn part_compare(t: &Thread, a: Value, b: Value, op: Compare) -> R {
    if a.class() != b.class() || !matches!(op, Compare::Eq | Compare::Ne) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    compare::rich_compare(t, origin(a), origin(b), op)
}

fn part_new(t: &Thread, class: Value, args: Args<'_>) -> R {
    let [o] = args.pos() else { raise!(t, TypeError, "a parameter specification is needed") };
    if class == builtin::PARAM_SPEC_ARGS.value() {
        return Ok(t.alloc(ParamSpecArgs { header: header_of::<ParamSpecArgs>(), origin: Slot::new(*o) }).value());
    }
    Ok(t.alloc(ParamSpecKwargs { header: header_of::<ParamSpecKwargs>(), origin: Slot::new(*o) }).value())
}

const PART_METHODS: &[FnDef] = &[FnDef::def("__mro_entries__", "self, bases, /", |t, a| {
    raise!(t, TypeError, "Cannot subclass an instance of {}", a[0].class().display_name().trim_start_matches("typing."))
})];
const PART_ATTRIBUTES: &[GetSet] = &[GetSet::getter("__origin__", |_, v| Ok(origin(v)))];

/// `typing.ParamSpecArgs`
pub static PARAM_SPEC_ARGS_DEF: TypeDef = TypeDef {
    slots: SlotTable {
        new: Some(part_new),
        repr: Some(|t, v| part_repr(t, v, "args")),
        richcompare: Some(part_compare),
        ..SlotTable::EMPTY
    },
    flags: flag::WEAK_REFERENCES,
    methods: PART_METHODS,
    getset: PART_ATTRIBUTES,
    ..TypeDef::of::<ParamSpecArgs>("typing.ParamSpecArgs")
};

/// `typing.ParamSpecKwargs`
pub static PARAM_SPEC_KWARGS_DEF: TypeDef = TypeDef {
    slots: SlotTable {
        new: Some(part_new),
        repr: Some(|t, v| part_repr(t, v, "kwargs")),
        richcompare: Some(part_compare),
        ..SlotTable::EMPTY
    },
    flags: flag::WEAK_REFERENCES,
    methods: PART_METHODS,
    getset: PART_ATTRIBUTES,
    ..TypeDef::of::<ParamSpecKwargs>("typing.ParamSpecKwargs")
};
