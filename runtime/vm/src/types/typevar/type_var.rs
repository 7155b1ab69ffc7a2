//! `typing.TypeVar`

use super::{Options, call_typing, calling_module, constant_evaluator, evaluated, name_text, no_default, variance_prefix};
use crate::args::{Args, FnDef, GetSet, receiver};
use crate::names;
use crate::object::{R, Slot, ValueExt, header_of};
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::{Dict, Str, Tuple, TypeDef, builtin, flag, union};
use limpid_heap::{Header, Value};
use std::mem::offset_of;

/// The layout of a type variable.
#[repr(C)]
pub struct TypeVar {
    header: Header,
    name: Slot,
    bound: Slot,
    evaluate_bound: Slot,
    constraints: Slot,
    evaluate_constraints: Slot,
    default: Slot,
    pub(super) evaluate_default: Slot,
    /// Bits: covariant, contravariant, inferred variance.
    variance: Slot,
    dict: Slot,
}

layout!(TypeVar, builtin::TYPE_VAR, Slots);

const COVARIANT: i64 = 1;
const CONTRAVARIANT: i64 = 2;
const INFERRED: i64 = 4;

fn make(t: &Thread, name: Value, variance: i64) -> TypeVar {
    TypeVar {
        header: header_of::<TypeVar>(),
        name: Slot::new(name),
        bound: Slot::NULL,
        evaluate_bound: Slot::NULL,
        constraints: Slot::NULL,
        evaluate_constraints: Slot::NULL,
        default: Slot::NULL,
        evaluate_default: Slot::NULL,
        variance: Slot::new(Value::int(variance)),
        dict: Slot::new(Dict::new(t).value()),
    }
}

/// A type variable of a type parameter list; bound and constraints are functions to evaluate, or NULL.
pub fn new_typevar(t: &Thread, name: Value, evaluate_bound: Value, evaluate_constraints: Value) -> R {
    let init = make(t, name, INFERRED);
    let v = t.alloc(TypeVar { evaluate_bound: Slot::new(evaluate_bound), evaluate_constraints: Slot::new(evaluate_constraints), ..init });
    set_module(t, v.value())?;
    Ok(v.value())
}

fn set_module(t: &Thread, v: Value) -> R<()> {
    let module = calling_module(t);
    match receiver::<TypeVar>(v).dict.get().exact::<Dict>() {
        Some(d) => d.set_name(t, names::__module__, module),
        None => Ok(()),
    }
}

fn new(t: &Thread, _: Value, args: Args<'_>) -> R {
    let o = Options::parse(t, "TypeVar", args, &["bound", "default", "covariant", "contravariant", "infer_variance"])?;
    let (covariant, contravariant, inferred) = (o.flag(t, "covariant")?, o.flag(t, "contravariant")?, o.flag(t, "infer_variance")?);
    if covariant && contravariant {
        raise!(t, ValueError, "Bivariant types are not supported.");
    }
    if inferred && (covariant || contravariant) {
        raise!(t, ValueError, "Variance cannot be specified with infer_variance.");
    }
    let bound = match o.args.keyword("bound").filter(|b| !b.is_none()) {
        Some(b) => call_typing(t, "_type_check", &[b, Str::new(t, "Bound must be a type.").value()])?,
        None => Value::NULL,
    };
    if o.positional.len() == 1 {
        raise!(t, TypeError, "A single constraint is not allowed");
    }
    if !o.positional.is_empty() && !bound.is_null() {
        raise!(t, TypeError, "Constraints cannot be combined with bound=...");
    }
    let variance = (covariant as i64 * COVARIANT) | (contravariant as i64 * CONTRAVARIANT) | (inferred as i64 * INFERRED);
    let init = make(t, o.name, variance);
    let constraints = if o.positional.is_empty() { Value::NULL } else { Tuple::from_slice(t, o.positional).value() };
    let v = t.alloc(TypeVar { bound: Slot::new(bound), constraints: Slot::new(constraints), default: Slot::new(o.default()), ..init });
    set_module(t, v.value())?;
    Ok(v.value())
}

fn var(v: Value) -> crate::object::Ref<TypeVar> {
    receiver::<TypeVar>(v)
}

fn has(v: Value, bit: i64) -> bool {
    var(v).variance.get().as_int() & bit != 0
}

fn bound(t: &Thread, v: Value) -> R {
    evaluated(t, var(v), &var(v).bound, &var(v).evaluate_bound, Value::NONE)
}

fn constraints(t: &Thread, v: Value) -> R {
    evaluated(t, var(v), &var(v).constraints, &var(v).evaluate_constraints, t.empty_tuple())
}

fn default(t: &Thread, v: Value) -> R {
    evaluated(t, var(v), &var(v).default, &var(v).evaluate_default, no_default())
}

fn has_default(_: &Thread, a: &[Value]) -> R {
    let v = var(a[0]);
    let given = v.default.opt().is_some_and(|d| d != no_default());
    Ok(Value::bool(given || v.evaluate_default.opt().is_some()))
}

fn repr(t: &Thread, v: Value) -> R {
    let prefix = variance_prefix(has(v, COVARIANT), has(v, CONTRAVARIANT), has(v, INFERRED));
    Ok(Str::new(t, &format!("{prefix}{}", name_text(var(v).name.get()))).value())
}

/// `typing.TypeVar`
pub static TYPE_VAR_DEF: TypeDef = TypeDef {
    doc: "Type variable.",
    flags: flag::WEAK_REFERENCES,
    slots: SlotTable { new: Some(new), repr: Some(repr), or: Some(union::or_any), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("__typing_subst__", "self, arg, /", |t, a| call_typing(t, "_typevar_subst", &[a[0], a[1]])),
        FnDef::def("__typing_prepare_subst__", "self, alias, args, /", |t, a| {
            let params = crate::protocol::attr::get_attr(t, a[1], names::__parameters__)?;
            super::generic::prepare_default(t, a[0], a[1], params, a[2])
        }),
        FnDef::def("__reduce__", "self, /", |_, a| Ok(var(a[0]).name.get())),
        FnDef::def("has_default", "self, /", has_default),
        FnDef::def("__mro_entries__", "self, bases, /", |t, _| raise!(t, TypeError, "Cannot subclass an instance of TypeVar")),
    ],
    getset: &[
        GetSet::getter("__name__", |_, v| Ok(var(v).name.get())),
        GetSet::getter("__bound__", bound),
        GetSet::getter("__constraints__", constraints),
        GetSet::getter("__default__", default),
        GetSet::getter("__covariant__", |_, v| Ok(Value::bool(has(v, COVARIANT)))),
        GetSet::getter("__contravariant__", |_, v| Ok(Value::bool(has(v, CONTRAVARIANT)))),
        GetSet::getter("__infer_variance__", |_, v| Ok(Value::bool(has(v, INFERRED)))),
        GetSet::getter("evaluate_bound", |t, v| Ok(constant_evaluator(t, &var(v).bound, &var(v).evaluate_bound))),
        GetSet::getter("evaluate_constraints", |t, v| Ok(constant_evaluator(t, &var(v).constraints, &var(v).evaluate_constraints))),
        GetSet::getter("evaluate_default", |t, v| Ok(constant_evaluator(t, &var(v).default, &var(v).evaluate_default))),
    ],
    dict_offset: offset_of!(TypeVar, dict),
    ..TypeDef::of::<TypeVar>("typing.TypeVar")
};
