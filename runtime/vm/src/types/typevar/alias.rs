//! `type X = ...`

use super::{constant_evaluator, evaluated, name_text};
use crate::args::{Args, FnDef, GetSet, Signature, receiver};
use crate::object::{R, Ref, Slot, ValueExt, header_of};
use crate::protocol::{attr, iter, text};
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::{Str, Tuple, TypeDef, ValueList, builtin, flag, generic_alias, union};
use limpid_heap::{Header, Value};

/// The layout of a type alias.
#[repr(C)]
pub struct TypeAlias {
    header: Header,
    name: Slot,
    type_params: Slot,
    value: Slot,
    evaluate: Slot,
    module: Slot,
}

layout!(TypeAlias, builtin::TYPE_ALIAS, Slots);

fn make(t: &Thread, name: Value, type_params: Value, value: Value, evaluate: Value) -> Value {
    t.alloc(TypeAlias {
        header: header_of::<TypeAlias>(),
        name: Slot::new(name),
        type_params: Slot::new(type_params),
        value: Slot::new(value),
        evaluate: Slot::new(evaluate),
        module: Slot::new(super::calling_module(t)),
    })
    .value()
}

/// An alias of a `type` statement; its value is a function to evaluate.
pub fn new_type_alias(t: &Thread, name: Value, type_params: Value, evaluate: Value) -> R {
    let params = if type_params.is_none() { Value::NULL } else { type_params };
    Ok(make(t, name, params, Value::NULL, evaluate))
}

fn new(t: &Thread, _: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::parse("name, value, *, type_params=()");
    args.bind(t, "typealias", &SIGNATURE, |a| {
        if a[0].downcast::<Str>().is_none() {
            raise!(t, TypeError, "typealias() argument 'name' must be str, not {}", a[0].class().display_name());
        }
        let params = match a[2].non_null().map(|p| (p, p.downcast::<Tuple>())) {
            None => Value::NULL,
            Some((p, Some(tuple))) => {
                check_parameters(t, tuple)?;
                if tuple.is_empty() { Value::NULL } else { p }
            }
            Some((_, None)) => raise!(t, TypeError, "type_params must be a tuple"),
        };
        Ok(make(t, a[0], params, a[1], Value::NULL))
    })
}

/// Are these type parameters, those with a default behind those without?
fn check_parameters(t: &Thread, parameters: Ref<Tuple>) -> R<()> {
    let mut has_default = false;
    for &p in parameters.as_slice() {
        if ![builtin::TYPE_VAR, builtin::PARAM_SPEC, builtin::TYPE_VAR_TUPLE].iter().any(|class| p.is_instance(*class)) {
            raise!(t, TypeError, "Expected a type param, got {}", text::repr(t, p)?.to_string_lossy());
        }
        if attr::get_attr_text(t, p, "__default__")? != super::no_default() {
            has_default = true;
        } else if has_default {
            raise!(t, TypeError, "non-default type parameter '{}' follows default type parameter", text::repr(t, p)?.to_string_lossy());
        }
    }
    Ok(())
}

fn alias(v: Value) -> Ref<TypeAlias> {
    receiver::<TypeAlias>(v)
}

/// The parameters with type variable tuples unpacked.
fn parameters(t: &Thread, v: Value) -> R {
    let Some(params) = alias(v).type_params.opt().and_then(|p| p.downcast::<Tuple>()) else { return Ok(t.empty_tuple()) };
    let mut out = ValueList::new(t);
    for &p in params.as_slice() {
        if p.class() == builtin::TYPE_VAR_TUPLE {
            for u in iter::collect(t, p)?.iter() {
                out.push(t, u);
            }
        } else {
            out.push(t, p);
        }
    }
    Ok(super::tuple_of(t, out))
}

fn getitem(t: &Thread, v: Value, item: Value) -> R {
    if alias(v).type_params.opt().is_none() {
        raise!(t, TypeError, "Only generic type aliases are subscriptable");
    }
    Ok(generic_alias::new(t, v, super::as_tuple(t, item).value(), false))
}

/// `typing.TypeAliasType`
pub static TYPE_ALIAS_DEF: TypeDef = TypeDef {
    doc: "Type alias.",
    flags: flag::WEAK_REFERENCES,
    slots: SlotTable {
        new: Some(new),
        repr: Some(|t, v| Ok(Str::new(t, &name_text(alias(v).name.get())).value())),
        getitem: Some(getitem),
        or: Some(union::or),
        iter: Some(|t, v| {
            let unpacked = crate::protocol::sequence::get_item(t, super::typing_function(t, "Unpack")?, v)?;
            iter::get_iter(t, Tuple::from_slice(t, &[unpacked]).value())
        }),
        ..SlotTable::EMPTY
    },
    methods: &[FnDef::def("__reduce__", "self, /", |_, a| Ok(alias(a[0]).name.get()))],
    getset: &[
        GetSet::getter("__name__", |_, v| Ok(alias(v).name.get())),
        GetSet::getter("__value__", |t, v| evaluated(t, alias(v), &alias(v).value, &alias(v).evaluate, Value::NONE)),
        GetSet::getter("__type_params__", |t, v| Ok(alias(v).type_params.opt().unwrap_or(t.empty_tuple()))),
        GetSet::getter("__parameters__", parameters),
        GetSet::getter("__module__", |_, v| Ok(alias(v).module.get())),
        GetSet::getter("evaluate_value", |t, v| Ok(constant_evaluator(t, &alias(v).value, &alias(v).evaluate))),
    ],
    ..TypeDef::of::<TypeAlias>("typing.TypeAliasType")
};
