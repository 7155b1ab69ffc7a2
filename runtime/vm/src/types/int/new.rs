//! `int(...)`.

use super::{from_text, is_int, to_exact, to_subclass};
use crate::args::{Args, Signature};
use crate::object::{R, Ref, ValueExt};
use crate::protocol::{number, text};
use crate::thread::Thread;
use crate::types::memory::get_buffer_opt;
use crate::types::str::numeric_text;
use crate::types::{Bytearray, Bytes, Str, Type, builtin};
use limpid_heap::Value;

static SIGNATURE: Signature = Signature::parse("x=0, /, base=10");

pub(super) fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    // SAFETY: the receiver of `__new__` is a class, checked by whoever calls the slot.
    let class = unsafe { Ref::<Type>::from_value(class) };
    let v = match (args.pos(), args.keyword_count()) {
        ([], 0) => Value::int(0),
        ([x], 0) => number::to_int(t, *x)?,
        _ => args.bind(t, "int", &SIGNATURE, |a| with_base(t, a[0], a[1]))?,
    };
    if class == builtin::INT { to_exact(t, v) } else { to_subclass(t, class, v) }
}

/// `int(x, base)`
fn with_base(t: &Thread, x: Value, base: Value) -> R {
    if x.is_null() {
        raise!(t, TypeError, "int() missing string argument")
    }
    if base.is_null() {
        return number::to_int(t, x);
    }
    let base = number::index_clamped(t, base)?;
    if base != 0 && !(2..=36).contains(&base) {
        raise!(t, ValueError, "int() base must be >= 2 and <= 36, or 0")
    }
    let contents = if let Some(s) = x.downcast::<Str>() {
        numeric_text(s)
    } else if let Some(b) = x.downcast::<Bytes>() {
        b.contents().into()
    } else if let Some(b) = x.downcast::<Bytearray>() {
        b.contents().into()
    } else {
        raise!(t, TypeError, "int() can't convert non-string with explicit base")
    };
    parsed(t, x, &contents, base as u32)
}

/// `int(v)` of text, bytes and other buffers.
pub fn from_object(t: &Thread, v: Value) -> R {
    debug_assert!(!is_int(v));
    if let Some(s) = v.downcast::<Str>() {
        return parsed(t, v, &numeric_text(s), 10);
    }
    match get_buffer_opt(t, v)? {
        Some(buffer) => parsed(t, v, &buffer.to_contiguous(), 10),
        None => raise!(
            t,
            TypeError,
            "int() argument must be a string, a bytes-like object or a real number, not '{}'",
            v.class().display_name()
        ),
    }
}

fn parsed(t: &Thread, v: Value, contents: &[u8], base: u32) -> R {
    match from_text(t, contents, base)? {
        Some(i) => Ok(i),
        None => {
            // Other buffers are shown as bytes.
            let shown = if v.is_instance(builtin::STR) || v.is_instance(builtin::BYTES) || v.is_instance(builtin::BYTEARRAY) {
                text::repr(t, v)?
            } else {
                crate::types::bytes::repr(t, contents)?
            };
            let shown: String = shown.to_string_lossy().chars().take(200).collect();
            raise!(t, ValueError, "invalid literal for int() with base {base}: {shown}")
        }
    }
}
