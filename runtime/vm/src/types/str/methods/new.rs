//! `str(...)`.

use super::copied;
use crate::args::{Args, Signature};
use crate::names;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::text;
use crate::thread::Thread;
use crate::types::memory::has_buffer;
use crate::types::str::{Str, codec};
use crate::types::{Type, builtin};
use limpid_heap::Value;

static SIGNATURE: Signature = Signature::parse("object='', encoding='utf-8', errors='strict'");

pub(super) fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    // SAFETY: the receiver of `__new__` is a class, checked by whoever calls the slot.
    let class = unsafe { Ref::<Type>::from_value(class) };
    if let ([v], 0) = (args.pos(), args.keyword_count()) {
        let s = text::str_of(t, *v)?;
        return in_class(t, class, s);
    }
    if args.pos().len() > 3 && args.keyword_count() == 0 {
        raise!(t, TypeError, "str expected at most 3 arguments, got {}", args.pos().len())
    }
    args.bind(t, "str", &SIGNATURE, |a| {
        let v = construct(t, a[0], a[1], a[2])?;
        match v.downcast::<Str>() {
            Some(s) => in_class(t, class, s),
            None => Ok(v),
        }
    })
}

fn construct(t: &Thread, object: Value, encoding: Value, errors: Value) -> R {
    let Some(object) = object.non_null() else { return Ok(names::empty) };
    if encoding.is_null() && errors.is_null() {
        return Ok(text::str_of(t, object)?.value());
    }
    let (encoding, errors) = codec::arguments(t, "str", encoding, errors)?;
    if object.is_instance(builtin::STR) {
        raise!(t, TypeError, "decoding str is not supported")
    }
    if !has_buffer(object) {
        raise!(t, TypeError, "decoding to str: need a bytes-like object, {} found", object.class().display_name())
    }
    let v = codec::decode_value(t, object, encoding, errors)?;
    codec::checked_str(t, v, encoding)
}

/// The text as an instance of a class.
fn in_class(t: &Thread, class: Ref<Type>, s: Ref<Str>) -> R {
    if class == builtin::STR { Ok(s.value()) } else { Ok(copied(t, s, class)?.value()) }
}
