//! `str.join`.

use super::{exact, receiver};
use crate::exc;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::iter;
use crate::thread::Thread;
use crate::types::str::{Str, Width};
use crate::types::{List, Tuple, bytes_methods};
use limpid_heap::Value;

pub(super) fn join(t: &Thread, a: &[Value]) -> R {
    join_values(t, receiver(a[0]), a[1])
}

/// `separator.join(values)`
pub fn join_values(t: &Thread, separator: Ref<Str>, values: Value) -> R {
    if let Some(tuple) = values.exact::<Tuple>() {
        return join_slice(t, separator, tuple.as_slice());
    }
    let items = match values.exact::<List>() {
        Some(list) => list.snapshot(t),
        None => match iter::collect(t, values) {
            Ok(items) => items,
            Err(_) if t.exception_is(exc::TypeError) && !bytes_methods::is_iterable(values) => {
                t.take_exception();
                raise!(t, TypeError, "can only join an iterable")
            }
            Err(raised) => return Err(raised),
        },
    };
    join_slice(t, separator, items.as_slice())
}

/// The strings `values`, with the separator between them.
pub fn join_slice(t: &Thread, separator: Ref<Str>, values: &[Value]) -> R {
    let (mut len, mut width) = (0usize, Width::Ascii);
    for (i, v) in values.iter().enumerate() {
        let Some(s) = v.downcast::<Str>() else {
            raise!(t, TypeError, "sequence item {i}: expected str instance, {} found", v.class().display_name())
        };
        width = width.max(s.width());
        len = len.saturating_add(s.len());
    }
    match values {
        [] => return Ok(crate::names::empty),
        [only] => return exact(t, *only),
        _ => {}
    }
    if !separator.is_empty() {
        width = width.max(separator.width());
        len = len.saturating_add(separator.len().saturating_mul(values.len() - 1));
    }
    if len > isize::MAX as usize / 4 {
        raise!(t, OverflowError, "join() result is too long for a Python string")
    }
    let out = Str::alloc(t, width, len)?;
    let mut at = 0;
    for (i, v) in values.iter().enumerate() {
        // SAFETY: `out` is new, as wide as the widest piece, and as long as all together; the values were tested to be strings.
        unsafe {
            if i > 0 {
                out.write_chars(at, &separator);
                at += separator.len();
            }
            let s = Ref::<Str>::from_value(*v);
            out.write_chars(at, &s);
            at += s.len();
        }
    }
    Ok(out.value())
}
