//! `repr()`, `str()`, `ascii()` and `format()` of any object.

use super::attr::lookup_special;
use super::call::call;
use crate::names;
use crate::object::{R, Ref, ValueExt};
use crate::thread::Thread;
use crate::types::str::{Chars, format_spec, repr as str_repr};
use crate::types::{Str, builtin, int};
use limpid_heap::Value;

/// The str that a method has given, or TypeError.
fn checked(t: &Thread, v: Value, method: &str) -> R<Ref<Str>> {
    match v.downcast::<Str>() {
        Some(s) => Ok(s),
        None => raise!(t, TypeError, "{method} returned non-string (type {})", v.class().display_name()),
    }
}

/// `repr(v)`.
#[inline]
pub fn repr(t: &Thread, v: Value) -> R<Ref<Str>> {
    if v.is_int() {
        return int::text::repr(t, v);
    }
    let class = v.class();
    if class == builtin::STR {
        // SAFETY: just tested.
        return str_repr::repr(t, unsafe { Ref::from_value(v) });
    }
    match class.slots().repr {
        Some(f) => {
            t.check_stack("")?;
            let v = f(t, v)?;
            checked(t, v, "__repr__")
        }
        None => Str::try_new(t, &format!("<{} object at {:#x}>", class.display_name(), v.bits())),
    }
}

/// `str(v)`.
#[inline]
pub fn str_of(t: &Thread, v: Value) -> R<Ref<Str>> {
    if v.is_int() {
        return int::text::repr(t, v);
    }
    let class = v.class();
    if class == builtin::STR {
        // SAFETY: just tested.
        return Ok(unsafe { Ref::from_value(v) });
    }
    match class.slots().str {
        Some(f) => {
            t.check_stack("")?;
            let v = f(t, v)?;
            checked(t, v, "__str__")
        }
        None => repr(t, v),
    }
}

/// `ascii(v)`: the repr with what is not ASCII escaped.
pub fn ascii(t: &Thread, v: Value) -> R<Ref<Str>> {
    let s = repr(t, v)?;
    if let Chars::Ascii(_) = s.chars() {
        return Ok(s);
    }
    str_repr::escape_non_ascii(t, s)
}

/// `format(v, spec)`; the spec is a str, NULL for an empty one.
#[inline]
pub fn format_value(t: &Thread, v: Value, spec: Value) -> R<Ref<Str>> {
    let empty = match spec.downcast::<Str>() {
        Some(s) => s.is_empty(),
        None if spec.is_null() => true,
        None => raise!(t, TypeError, "Format specifier must be a string, not {}", spec.class().display_name()),
    };
    if empty && (v.is_int() || v.is_float() || v.class() == builtin::STR) {
        return str_of(t, v);
    }
    if !empty {
        // SAFETY: tested above.
        let spec = unsafe { Ref::<Str>::from_value(spec) };
        if v.is_int() {
            return format_spec::format_int(t, v, spec);
        }
        if v.is_float() {
            return format_spec::format_float(t, v, v.as_float(), spec);
        }
        if let Some(s) = v.exact::<Str>() {
            return format_spec::format_str(t, s, spec);
        }
    }
    format_by_method(t, v, if spec.is_null() { names::empty } else { spec })
}

fn format_by_method(t: &Thread, v: Value, spec: Value) -> R<Ref<Str>> {
    let Some(method) = lookup_special(t, v, names::__format__)? else {
        raise!(t, TypeError, "Type {} doesn't define __format__", v.class().display_name())
    };
    let result = call(t, method, &[spec])?;
    match result.downcast::<Str>() {
        Some(s) => Ok(s),
        None => raise!(t, TypeError, "__format__ must return a str, not {}", result.class().display_name()),
    }
}
