//! Attributes and classes: getattr and its kin, dir, vars, isinstance, callable, id, hash, repr.

use crate::args::{Args, FnDef};
use crate::names;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::{attr, call, hash, isinstance, iter, text};
use crate::thread::Thread;
use crate::types::{List, builtin, int};
use limpid_heap::Value;

pub(super) const FUNCTIONS: &[FnDef] = &[
    FnDef::def("ascii", "obj, /", |t, a| Ok(text::ascii(t, a[0])?.value())).doc(
        "Return an ASCII-only representation of an object.\n\nAs repr(), return a string containing a printable representation of an\n\
         object, but escape the non-ASCII characters in the string returned by\nrepr() using \\\\x, \\\\u or \\\\U escapes.",
    ),
    FnDef::def("callable", "obj, /", |_, a| Ok(Value::bool(call::is_callable(a[0])))).doc(
        "Return whether the object is callable (i.e., some kind of function).\n\nNote that classes are callable, as are instances of \
         classes with a\n__call__() method.",
    ),
    FnDef::def("delattr", "obj, name, /", delattr)
        .doc("Deletes the named attribute from the given object.\n\ndelattr(x, 'y') is equivalent to ``del x.y``"),
    FnDef::raw("dir", "*args", dir).doc(
        "dir([object]) -> list of strings\n\nIf called without an argument, return the names in the current scope.\nElse, return an \
         alphabetized list of names comprising (some of) the attributes\nof the given object, and of attributes reachable from it.",
    ),
    FnDef::def("format", "value, format_spec='', /", format).doc(
        "Return type(value).__format__(value, format_spec)\n\nMany built-in types implement format_spec according to the\n\
              Format Specification Mini-language. See help('FORMATTING') for details.",
    ),
    FnDef::raw("getattr", "*args", getattr).doc(
        "getattr(object, name[, default]) -> value\n\nGet a named attribute from an object; getattr(x, 'y') is equivalent to x.y.\n\
         When a default argument is given, it is returned when the attribute doesn't\nexist; without it, an exception is raised in \
         that case.",
    ),
    FnDef::def("hasattr", "obj, name, /", hasattr).doc(
        "Return whether the object has an attribute with the given name.\n\nThis is done by calling getattr(obj, name) and catching \
         AttributeError.",
    ),
    FnDef::def("hash", "obj, /", |t, a| Ok(int::from_i64(t, hash::hash_value(t, a[0])?))).doc(
        "Return the hash value for the given object.\n\nTwo objects that compare equal must also have the same hash value, but the\n\
         reverse is not necessarily true.",
    ),
    FnDef::def("id", "obj, /", |t, a| Ok(int::from_i64(t, identity(a[0])))).doc(
        "Return the identity of an object.\n\nThis is guaranteed to be unique among simultaneously existing objects.\n\
         (CPython uses the object's memory address.)",
    ),
    FnDef::def("isinstance", "obj, class_or_tuple, /", |t, a| Ok(Value::bool(isinstance::is_instance(t, a[0], a[1])?))).doc(
        "Return whether an object is an instance of a class or of a subclass thereof.\n\nA tuple, as in ``isinstance(x, (A, B, ...))``, \
         may be given as the target to\ncheck against. This is equivalent to ``isinstance(x, A) or isinstance(x, B)\nor ...`` etc.",
    ),
    FnDef::def("issubclass", "cls, class_or_tuple, /", |t, a| Ok(Value::bool(isinstance::is_subclass(t, a[0], a[1])?))).doc(
        "Return whether 'cls' is derived from another class or is the same class.\n\nA tuple, as in ``issubclass(x, (A, B, ...))``, may \
         be given as the target to\ncheck against. This is equivalent to ``issubclass(x, A) or issubclass(x, B)\nor ...``.",
    ),
    FnDef::def("repr", "obj, /", |t, a| Ok(text::repr(t, a[0])?.value())).doc(
        "Return the canonical string representation of the object.\n\nFor many object types, including most builtins, eval() will \
         return\na value equal to the original object when evaluating repr(obj).",
    ),
    FnDef::def("setattr", "obj, name, value, /", setattr)
        .doc("Sets the named attribute on the given object to the specified value.\n\nsetattr(x, 'y', v) is equivalent to ``x.y = v``"),
    FnDef::raw("vars", "*args", vars).doc(
        "vars([object]) -> dictionary\n\nWithout arguments, equivalent to locals().\nWith an argument, equivalent to object.__dict__.",
    ),
];

/// `id(v)`: the address of a cell, the word itself for what is no cell.
pub(crate) fn identity(v: Value) -> i64 {
    v.bits() as i64 & i64::MAX
}

/// The name for `getattr` and its kin, interned so that lookups compare it by identity.
fn attribute_name(t: &Thread, v: Value) -> R {
    if !v.is_instance(builtin::STR) {
        raise!(t, TypeError, "attribute name must be string, not '{}'", v.class().display_name())
    }
    crate::types::str::intern_value(t, v)
}

fn getattr(t: &Thread, args: Args<'_>) -> R {
    args.no_keywords(t, "getattr")?;
    match args.pos() {
        [obj, name] => attr::get_attr(t, *obj, attribute_name(t, *name)?),
        [obj, name, default] => Ok(attr::get_attr_opt(t, *obj, attribute_name(t, *name)?)?.unwrap_or(*default)),
        few if few.len() < 2 => raise!(t, TypeError, "getattr expected at least 2 arguments, got {}", few.len()),
        many => raise!(t, TypeError, "getattr expected at most 3 arguments, got {}", many.len()),
    }
}

fn hasattr(t: &Thread, a: &[Value]) -> R {
    let name = attribute_name(t, a[1])?;
    Ok(Value::bool(attr::get_attr_opt(t, a[0], name)?.is_some()))
}

fn setattr(t: &Thread, a: &[Value]) -> R {
    attr::set_attr(t, a[0], attribute_name(t, a[1])?, a[2])?;
    Ok(Value::NONE)
}

fn delattr(t: &Thread, a: &[Value]) -> R {
    attr::del_attr(t, a[0], attribute_name(t, a[1])?)?;
    Ok(Value::NONE)
}

fn format(t: &Thread, a: &[Value]) -> R {
    let spec = if a[1].is_null() { names::empty } else { a[1] };
    if !spec.is_instance(builtin::STR) {
        raise!(t, TypeError, "format() argument 2 must be str, not {}", spec.class().display_name())
    }
    Ok(text::format_value(t, a[0], spec)?.value())
}

fn vars(t: &Thread, args: Args<'_>) -> R {
    args.no_keywords(t, "vars")?;
    match args.pos() {
        [] => super::code::current_locals(t),
        [obj] => match attr::get_attr_opt(t, *obj, names::__dict__)? {
            Some(dict) => Ok(dict),
            None => raise!(t, TypeError, "vars() argument must have __dict__ attribute"),
        },
        many => raise!(t, TypeError, "vars expected at most 1 argument, got {}", many.len()),
    }
}

fn dir(t: &Thread, args: Args<'_>) -> R {
    args.no_keywords(t, "dir")?;
    let names = match args.pos() {
        [] => {
            let locals = super::code::current_locals(t)?;
            let keys = call::call_method(t, locals, names::keys, &[])?;
            iter::to_list(t, keys)?
        }
        [obj] => names_of(t, *obj)?,
        many => raise!(t, TypeError, "dir expected at most 1 argument, got {}", many.len()),
    };
    List::sort(names, t, Value::NONE, false)?;
    Ok(names.value())
}

fn names_of(t: &Thread, obj: Value) -> R<Ref<List>> {
    let Some(method) = attr::lookup_special(t, obj, names::__dir__)? else { raise!(t, TypeError, "object does not provide __dir__") };
    let names = call::call(t, method, &[])?;
    iter::to_list(t, names)
}
