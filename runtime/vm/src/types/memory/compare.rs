//! Equality and hash of memoryviews.

use super::item::{self, Scalar, code_of, size_of_code};
use super::view::{Memoryview, copy_items};
use super::{Buffer, get_buffer_with, request};
use crate::object::{R, Ref, ValueExt};
use crate::protocol::hash::{hash_bytes, hash_value};
use crate::slots::Compare;
use crate::thread::Thread;
use limpid_heap::Value;
use std::sync::atomic::Ordering;

pub(super) fn rich_compare(t: &Thread, a: Value, b: Value, op: Compare) -> R {
    if !matches!(op, Compare::Eq | Compare::Ne) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let view = crate::args::receiver::<Memoryview>(a);
    if view.is_released() || b.downcast::<Memoryview>().is_some_and(|b| b.is_released()) {
        return Ok(Value::bool((a == b) == (op == Compare::Eq)));
    }
    if !super::has_buffer(b) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let other = match get_buffer_with(t, b, request::FULL_RO) {
        Ok(other) => other,
        Err(_) => {
            t.take_exception();
            return Ok(Value::NOT_IMPLEMENTED);
        }
    };
    let own = view.export(t, request::FULL_RO)?;
    Ok(Value::bool(equal(t, &own, &other)? == (op == Compare::Eq)))
}

fn equal(t: &Thread, a: &Buffer, b: &Buffer) -> R<bool> {
    if a.shape_vec() != b.shape_vec() {
        return Ok(false);
    }
    let (code_a, code_b) = (code_of(a.format), code_of(b.format));
    if code_a == 0 || code_b == 0 {
        return super::python::equal_by_struct(t, a, b);
    }
    let (bytes_a, bytes_b) = (a.to_contiguous(), b.to_contiguous());
    // Equal bytes are equal items, unless they are floats.
    if code_a == code_b && !matches!(code_a, b'e' | b'f' | b'd' | b'?') {
        return Ok(bytes_a == bytes_b);
    }
    let items_a = bytes_a.chunks_exact(size_of_code(code_a));
    let items_b = bytes_b.chunks_exact(size_of_code(code_b));
    Ok(items_a.zip(items_b).all(|(x, y)| {
        // SAFETY: each chunk is an item of its format.
        unsafe { same(item::scalar(code_a, x.as_ptr()), item::scalar(code_b, y.as_ptr())) }
    }))
}

/// Are the objects equal that these items stand for?
fn same(a: Scalar, b: Scalar) -> bool {
    use Scalar::*;
    let whole = |s: Scalar| match s {
        Signed(i) => Some(i as i128),
        Unsigned(u) => Some(u as i128),
        Bool(b) => Some(b as i128),
        Float(f) if f == f.trunc() && f.abs() < 1e30 => Some(f as i128),
        _ => None,
    };
    match (a, b) {
        (Float(x), Float(y)) => x == y,
        (Char(x), Char(y)) => x == y,
        _ => whole(a).is_some() && whole(a) == whole(b),
    }
}

pub(super) fn hash(t: &Thread, v: Value) -> R<i64> {
    let view = crate::args::receiver::<Memoryview>(v);
    let known = view.hash_word().load(Ordering::Relaxed);
    if known != -1 {
        return Ok(known);
    }
    view.check(t)?;
    if !view.is_readonly() {
        raise!(t, ValueError, "cannot hash writable memoryview object")
    }
    if !matches!(view.raw_code(), b'B' | b'b' | b'c') {
        raise!(t, ValueError, "memoryview: hashing is restricted to formats 'B', 'b' or 'c'")
    }
    if !view.owner().is_none() {
        // The contents may only be hashed if they do not change, which their owner knows. Its `__hash__` must not release the view.
        let _export = view.export(t, request::FULL_RO)?;
        hash_value(t, view.owner())?;
    }
    let h = hash_bytes(&contents(view));
    view.hash_word().store(h, Ordering::Relaxed);
    Ok(h)
}

/// The bytes of all items in order.
pub(super) fn contents(view: Ref<Memoryview>) -> Vec<u8> {
    if view.is_c_contiguous() {
        return view.bytes().to_vec();
    }
    let dims = view.dims();
    let mut out = Vec::with_capacity(view.byte_count());
    // SAFETY: the dimensions describe the lent memory.
    unsafe { copy_items(view.data(), &dims.shape, &dims.strides, view.itemsize(), &mut |item| out.extend_from_slice(item)) };
    out
}
