//! Buffers of objects that classes written in Python define: `__buffer__` and `__release_buffer__`.

use super::view::{Memoryview, with_flags};
use super::{Buffer, request};
use crate::modules::import::import_module_level;
use crate::names;
use crate::object::{R, ValueExt};
use crate::protocol::attr::lookup_special;
use crate::protocol::{call, compare::values_equal, iter, number};
use crate::thread::Thread;
use crate::types::{Bytes, Str, Tuple, int};
use limpid_heap::Value;

/// The slot `buffer` of a class that has `__buffer__`.
pub fn python_buffer(t: &Thread, v: Value, flags: u32) -> R<Buffer> {
    let Some(method) = lookup_special(t, v, names::__buffer__)? else {
        raise!(t, TypeError, "a bytes-like object is required, not '{}'", v.class().display_name())
    };
    let made = call::call(t, method, &[int::from_i64(t, flags as i64)])?;
    let Some(view) = made.downcast::<Memoryview>() else { raise!(t, TypeError, "__buffer__ returned non-memoryview object") };
    // The buffer is the view's, but its owner is the object, and both hear of its end.
    let mut buffer = view.export(t, flags)?;
    let inner = buffer.takes_release();
    debug_assert!(inner.is_some());
    let token = Tuple::from_slice(t, &[v, made]).value();
    buffer.owner = v;
    Ok(buffer.released_with(release_python, token))
}

/// Calls `__release_buffer__`, then releases the memoryview that `__buffer__` gave. Errors have nobody to go to.
fn release_python(t: &Thread, token: Value) {
    let Some(pair) = token.downcast::<Tuple>() else { return };
    let (owner, view) = (pair.get(0), pair.get(1));
    let pending = t.take_exception();
    let result = (|| -> R<()> {
        crate::args::receiver::<Memoryview>(view).end_export();
        if let Some(method) = lookup_special(t, owner, names::__release_buffer__)? {
            let shown = crate::args::receiver::<Memoryview>(view);
            if !shown.is_released() {
                call::call(t, method, &[view])?;
            }
        }
        crate::args::receiver::<Memoryview>(view).release(t)
    })();
    if result.is_err() {
        crate::error_report::unraisable(t, owner);
    }
    if !pending.is_null() {
        t.raise_value(pending);
    }
}

/// `object.__buffer__(flags)` of a native type: a memoryview.
pub fn buffer_method(t: &Thread, v: Value, flags: Value) -> R {
    let flags = number::index_isize(t, flags)?;
    let Ok(flags) = u32::try_from(flags) else { raise!(t, OverflowError, "buffer flags out of range") };
    with_flags(t, v, flags)
}

/// `object.__release_buffer__(view)` of a native type.
pub fn release_method(t: &Thread, v: Value, view: Value) -> R {
    let Some(view) = view.downcast::<Memoryview>() else { raise!(t, TypeError, "expected a memoryview object") };
    if view.is_released() {
        return Ok(Value::NONE);
    }
    if view.owner() != v {
        raise!(t, ValueError, "memoryview's buffer is not this object")
    }
    view.release(t)?;
    Ok(Value::NONE)
}

/// Compares items whose formats are not native, as the module struct reads them. What it cannot read is not equal.
pub(super) fn equal_by_struct(t: &Thread, a: &Buffer, b: &Buffer) -> R<bool> {
    match unpack_all(t, a).and_then(|x| Ok((x, unpack_all(t, b)?))) {
        Ok((x, y)) => values_equal(t, x, y),
        Err(_) => {
            t.catch(crate::exc::Exception)?;
            Ok(false)
        }
    }
}

fn unpack_all(t: &Thread, buffer: &Buffer) -> R {
    let format = match buffer.format.downcast::<Str>() {
        Some(s) => s,
        None => Str::new(t, "B"),
    };
    let module = import_module_level(t, Str::new(t, "_struct").value(), Value::NULL, Value::NULL, 0)?;
    let bytes = Bytes::from_slice(t, &buffer.to_contiguous())?;
    let items = call::call_method_text(t, module, "iter_unpack", &[format.value(), bytes.value()])?;
    Ok(iter::to_list(t, items)?.value())
}

/// The flags that `memoryview._from_flags` takes, from an int.
pub(super) fn flags_argument(t: &Thread, v: Value) -> R<u32> {
    let flags = number::index_i32(t, v)?;
    Ok(flags as u32 & (request::FULL_RO | request::WRITABLE | 0xFFF))
}
