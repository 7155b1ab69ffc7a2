//! Is an object true? `bool(v)`, `if v`, `not v`.

use crate::object::{R, ValueExt};
use crate::thread::Thread;
use limpid_heap::Value;

/// The truth of a value: what `__bool__` says, or else whether `__len__` is not zero, or else true.
#[inline]
pub fn truth(t: &Thread, v: Value) -> R<bool> {
    if v.is_bool() || v.is_none() {
        return Ok(v == Value::TRUE);
    }
    if v.is_int() {
        return Ok(v != Value::int(0));
    }
    truth_by_slot(t, v)
}

fn truth_by_slot(t: &Thread, v: Value) -> R<bool> {
    let class = v.class();
    let slots = class.slots();
    if let Some(f) = slots.bool {
        return f(t, v);
    }
    match slots.len {
        Some(f) => Ok(f(t, v)? != 0),
        None => Ok(true),
    }
}
