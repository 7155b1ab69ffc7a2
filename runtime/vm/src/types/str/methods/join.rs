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
    // SAFETY: the values were tested to be strings.
    let pieces = values.iter().map(|v| unsafe { Ref::<Str>::from_value(*v) });
    if width.bytes() == 1 {
        join_narrow(out, separator.raw_bytes(), pieces);
        return Ok(out.value());
    }
    let mut at = 0;
    for (i, piece) in pieces.enumerate() {
        // SAFETY: `out` is new, as wide as the widest piece, and as long as all together.
        unsafe {
            if i > 0 {
                out.write_chars(at, &separator);
                at += separator.len();
            }
            out.write_chars(at, &piece);
        }
        at += piece.len();
    }
    Ok(out.value())
}

/// Fills `out`, which is new, when all that is joined has a byte a character.
fn join_narrow(out: Ref<Str>, separator: &[u8], pieces: impl Iterator<Item = Ref<Str>>) {
    // SAFETY: nobody else has seen `out`, and it has `len` bytes of characters.
    let mut rest = unsafe { std::slice::from_raw_parts_mut(out.data_ptr(), out.len()) };
    let mut put = |bytes: &[u8]| {
        let (here, behind) = std::mem::take(&mut rest).split_at_mut(bytes.len());
        here.copy_from_slice(bytes);
        rest = behind;
    };
    for (i, piece) in pieces.enumerate() {
        if i > 0 {
            put(separator);
        }
        put(piece.raw_bytes());
    }
}
