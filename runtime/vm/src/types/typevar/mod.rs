//! Type parameters: `TypeVar`, `ParamSpec`, `TypeVarTuple`, type aliases, and `Generic`.
//!
//! Bounds, constraints, defaults and alias values are evaluated when they are first asked for, by functions that the compiler makes.
//! What is more about typing than about the language is left to the module `typing`, as in CPython.

mod alias;
mod generic;
mod param_spec;
mod type_var;
mod type_var_tuple;

pub use alias::{TYPE_ALIAS_DEF, TypeAlias, new_type_alias};
pub use generic::{GENERIC_DEF, NO_DEFAULT_DEF, no_default, subscript_generic};
pub use param_spec::{PARAM_SPEC_ARGS_DEF, PARAM_SPEC_DEF, PARAM_SPEC_KWARGS_DEF, ParamSpec, new_param_spec};
pub use type_var::{TYPE_VAR_DEF, TypeVar, new_typevar};
pub use type_var_tuple::{TYPE_VAR_TUPLE_DEF, TypeVarTuple, new_typevar_tuple};

use crate::args::Args;
use crate::object::{R, Ref, Slot, ValueExt};
use crate::protocol::{attr, call};
use crate::thread::Thread;
use crate::types::{Str, Tuple, ValueList};
use limpid_heap::Value;

/// The format numbers of `annotationlib.Format`.
const FORMAT_VALUE: i64 = 1;

/// A function of the module typing.
fn typing_function(t: &Thread, name: &str) -> R {
    let typing = crate::modules::import::import(t, crate::names::typing, Value::NONE, Value::NONE, Value::int(0))?;
    attr::get_attr_text(t, typing, name)
}

/// Calls a function of the module typing.
fn call_typing(t: &Thread, name: &str, args: &[Value]) -> R {
    call::call(t, typing_function(t, name)?, args)
}

/// What stands for a type: itself, or a forward reference to what a string names; else TypeError with the message.
pub fn checked_type(t: &Thread, v: Value, message: &str) -> R {
    call_typing(t, "_type_check", &[v, Str::new(t, message).value()])
}

/// A value that is there, or evaluated now by its function and kept. `fallback` when there is neither.
fn evaluated<T>(t: &Thread, owner: Ref<T>, value: &Slot, evaluate: &Slot, fallback: Value) -> R {
    if let Some(v) = value.opt() {
        return Ok(v);
    }
    match evaluate.opt() {
        None => Ok(fallback),
        Some(f) => {
            let v = call::call(t, f, &[Value::int(FORMAT_VALUE)])?;
            value.set(t, owner, v);
            Ok(v)
        }
    }
}

/// The module that calls: where a type parameter made by a call says it is from.
fn calling_module(t: &Thread) -> Value {
    let name = t.current_frame().and_then(|f| f.function().globals().get_name(crate::names::__name__));
    name.unwrap_or(Value::NONE)
}

/// The keyword and positional arguments of a constructor: the name, the rest by name.
struct Options<'a> {
    name: Value,
    positional: &'a [Value],
    args: Args<'a>,
}

impl<'a> Options<'a> {
    fn parse(t: &Thread, function: &str, args: Args<'a>, allowed: &[&str]) -> R<Options<'a>> {
        for (k, _) in args.keywords() {
            let known = k.downcast::<Str>().is_some_and(|s| s.eq_str("name") || allowed.iter().any(|a| s.eq_str(a)));
            if !known {
                let shown = crate::protocol::text::str_of(t, k)?;
                raise!(t, TypeError, "{function}() got an unexpected keyword argument '{}'", shown.to_string_lossy());
            }
        }
        let (name, positional) = match args.pos() {
            [] => (args.keyword("name"), args.pos()),
            [first, rest @ ..] => (Some(*first), rest),
        };
        let Some(name) = name else { raise!(t, TypeError, "{function}() missing required argument 'name' (pos 1)") };
        if name.downcast::<Str>().is_none() {
            raise!(t, TypeError, "{function}() argument 'name' must be str, not {}", name.class().display_name());
        }
        Ok(Options { name, positional, args })
    }

    fn flag(&self, t: &Thread, name: &str) -> R<bool> {
        match self.args.keyword(name) {
            Some(v) => crate::protocol::truth::truth(t, v),
            None => Ok(false),
        }
    }

    fn default(&self) -> Value {
        self.args.keyword("default").unwrap_or(no_default())
    }
}

/// The prefix of a repr: `+`, `-`, `~`, or nothing when the variance is inferred.
fn variance_prefix(covariant: bool, contravariant: bool, inferred: bool) -> &'static str {
    match (inferred, covariant, contravariant) {
        (true, ..) => "",
        (_, true, _) => "+",
        (_, _, true) => "-",
        _ => "~",
    }
}

fn name_text(v: Value) -> String {
    v.downcast::<Str>().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Sets the default of a type parameter, as a function to evaluate.
pub fn set_default(t: &Thread, parameter: Value, evaluate: Value) -> R {
    if let Some(p) = parameter.exact::<TypeVar>() {
        p.evaluate_default.set(t, p, evaluate);
    } else if let Some(p) = parameter.exact::<ParamSpec>() {
        p.evaluate_default.set(t, p, evaluate);
    } else if let Some(p) = parameter.exact::<TypeVarTuple>() {
        p.evaluate_default.set(t, p, evaluate);
    } else {
        raise!(t, TypeError, "Expected a type param, got {}", parameter.class().display_name());
    }
    Ok(parameter)
}

/// A function that gives a constant when it is called with a format: what `evaluate_bound` and the like are for eager values.
fn constant_evaluator(t: &Thread, value: &Slot, evaluate: &Slot) -> Value {
    match (evaluate.opt(), value.opt()) {
        (Some(f), _) => f,
        (None, Some(v)) if v != no_default() => generic::constant_evaluator(t, v),
        _ => Value::NONE,
    }
}

/// A tuple of the items of a tuple, or the one value.
fn as_tuple(t: &Thread, v: Value) -> Ref<Tuple> {
    v.downcast::<Tuple>().unwrap_or_else(|| Tuple::from_slice(t, &[v]))
}

/// A list of values as a tuple.
fn tuple_of(t: &Thread, list: ValueList) -> Value {
    Tuple::from_slice(t, list.as_slice()).value()
}
