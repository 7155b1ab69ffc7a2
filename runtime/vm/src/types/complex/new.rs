//! `complex(...)` and `complex.from_number`.

use super::{Complex, Parts, as_parts, instance, parse, value};
use crate::args::{Args, Signature};
use crate::names;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::attr::lookup_special;
use crate::protocol::{call, number};
use crate::thread::Thread;
use crate::types::str::numeric_text;
use crate::types::{Str, Type, builtin};
use crate::warnings;
use limpid_heap::Value;

static SIGNATURE: Signature = Signature::parse("real=0, imag=0");

pub(super) fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    // SAFETY: the receiver of `__new__` is a class, checked by whoever calls the slot.
    let class = unsafe { Ref::<Type>::from_value(class) };
    if let ([v], 0) = (args.pos(), args.keyword_count()) {
        return from_one(t, class, *v);
    }
    args.bind(t, "complex", &SIGNATURE, |a| from_two(t, class, a[0], a[1]))
}

/// `complex(v)`
fn from_one(t: &Thread, class: Ref<Type>, v: Value) -> R {
    if class == builtin::COMPLEX && v.exact::<Complex>().is_some() {
        return Ok(v);
    }
    if let Some(s) = v.downcast::<Str>() {
        return match parse::parse(&numeric_text(s)) {
            Some(parts) => Ok(instance(t, class, parts)),
            None => raise!(t, ValueError, "complex() arg is a malformed string"),
        };
    }
    match number_parts(t, v)? {
        Some(parts) => Ok(instance(t, class, parts)),
        None => raise!(t, TypeError, "complex() argument must be a string or a number, not {}", v.class().display_name()),
    }
}

/// The parts of a number of any kind; None for what is no number.
fn number_parts(t: &Thread, v: Value) -> R<Option<Parts>> {
    if v.exact::<Complex>().is_some() {
        return Ok(Some(value(v)));
    }
    if let Some(z) = by_method(t, v)? {
        return Ok(Some(value(z)));
    }
    if let Some(z) = as_parts(v) {
        return Ok(Some(z));
    }
    let slots = v.class().slots();
    if slots.float.is_some() || slots.index.is_some() {
        return number::as_float(t, v).map(|re| Some((re, 0.0)));
    }
    Ok(None)
}

/// What `__complex__` gives, if there is one.
fn by_method(t: &Thread, v: Value) -> R<Option<Value>> {
    let Some(method) = lookup_special(t, v, names::__complex__)? else { return Ok(None) };
    let z = call::call(t, method, &[])?;
    if as_parts(z).is_none() {
        raise!(t, TypeError, "{}.__complex__() must return a complex, not {}", v.class().display_name(), z.class().display_name())
    }
    if z.class() != builtin::COMPLEX {
        let text = format!(
            "{}.__complex__() must return a complex, not {}.  The ability to return an instance of a strict subclass of complex is \
             deprecated, and may not be supported in a future version of Python.",
            v.class().display_name(),
            z.class().display_name()
        );
        warnings::deprecated(t, &text)?;
    }
    Ok(Some(z))
}

/// The parts of any number, as the module cmath takes them.
pub fn to_parts(t: &Thread, v: Value) -> R<Parts> {
    if let Some(parts) = as_parts(v) {
        return Ok(parts);
    }
    match by_method(t, v)? {
        Some(z) => Ok(value(z)),
        None => Ok((number::as_float(t, v)?, 0.0)),
    }
}

/// `complex(real, imag)`
fn from_two(t: &Thread, class: Ref<Type>, real: Value, imag: Value) -> R {
    let not_real = |which: &str, v: Value| format!("complex() argument '{which}' must be a real number, not {}", v.class().display_name());
    // Complex arguments are deprecated; their other parts are added where they belong.
    let mut re = (0.0, 0.0);
    if let Some(v) = real.non_null() {
        let slots = v.class().slots();
        let z = match as_parts(v) {
            Some(z) => Some(z),
            None => by_method(t, v)?.map(value),
        };
        if let Some(z) = z {
            warnings::deprecated(t, &not_real("real", v))?;
            re = z;
        } else if slots.float.is_some() || slots.index.is_some() {
            re.0 = number::as_float(t, v)?;
        } else {
            raise!(t, TypeError, "{}", not_real("real", v))
        }
    }
    let Some(v) = imag.non_null() else { return Ok(instance(t, class, re)) };
    if let Some(im) = as_parts(v) {
        warnings::deprecated(t, &not_real("imag", v))?;
        return Ok(instance(t, class, (re.0 - im.1, re.1 + im.0)));
    }
    let slots = v.class().slots();
    if slots.float.is_none() && slots.index.is_none() {
        raise!(t, TypeError, "{}", not_real("imag", v))
    }
    let im = number::as_float(t, v)?;
    let had_imaginary = re.1 != 0.0;
    Ok(instance(t, class, (re.0, if had_imaginary { re.1 + im } else { im })))
}

/// `complex.from_number(v)`
pub(super) fn from_number(t: &Thread, a: &[Value]) -> R {
    // SAFETY: the receiver of a class method of complex is complex or a subclass.
    let class = unsafe { Ref::<Type>::from_value(a[0]) };
    if class == builtin::COMPLEX && a[1].exact::<Complex>().is_some() {
        return Ok(a[1]);
    }
    let (re, im) = to_parts(t, a[1])?;
    if class == builtin::COMPLEX {
        return Ok(super::new(t, re, im));
    }
    call::call(t, a[0], &[super::new(t, re, im)])
}
