//! The state of dates and times in pickles: the bytes of their fields, and the time zone.
//!
//! The classes are called with it. Pickles made by Python 2 have a str instead of bytes, one character for each byte.

use limpid_heap::Value;
use limpid_vm::object::{R, ValueExt};
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Bytes, Str, Tuple};

use super::tzinfo::TZ_INFO;

/// The state that a class is called with. None: this is none, by its type, its length, or what is at the place `key`.
#[inline]
pub(super) fn state<const N: usize>(t: &Thread, v: Value, key: usize, plausible: fn(u32) -> bool, what: &str) -> R<Option<[u8; N]>> {
    if v.is_int() {
        return Ok(None);
    }
    if let Some(bytes) = v.downcast::<Bytes>() {
        let state = <[u8; N]>::try_from(bytes.as_slice()).ok();
        return Ok(state.filter(|state| plausible(state[key] as u32)));
    }
    let Some(text) = v.downcast::<Str>().filter(|s| s.len() == N && plausible(s.char_at(key))) else { return Ok(None) };
    let mut state = [0; N];
    for (byte, c) in state.iter_mut().zip(text.code_points()) {
        *byte = match u8::try_from(c) {
            Ok(byte) => byte,
            Err(_) => raise!(
                t,
                ValueError,
                "Failed to encode latin1 string when unpickling a {what} object. pickle.load(data, encoding='latin1') is assumed."
            ),
        };
    }
    Ok(Some(state))
}

/// The time zone behind a state.
pub(super) fn zone(t: &Thread, args: &[Value]) -> R {
    match args.get(1) {
        None => Ok(Value::NONE),
        Some(zone) if zone.is_none() || zone.is_instance(TZ_INFO.get()) => Ok(*zone),
        Some(_) => raise!(t, TypeError, "bad tzinfo state arg"),
    }
}

/// What `__reduce__` gives: the class and what to call it with.
pub(super) fn reduce(t: &Thread, v: Value, state: &[u8], zone: Value) -> R {
    let args = [Bytes::from_slice(t, state)?.value(), zone];
    let given = if zone.is_none() { 1 } else { 2 };
    let args = Tuple::from_slice(t, &args[..given]).value();
    Ok(Tuple::from_slice(t, &[v.class().value(), args]).value())
}

/// The bit of the first byte (in a datetime, the third) that tells the fold, from protocol 4 on.
pub(super) const FOLD: u8 = 1 << 7;

/// Does a protocol number, the argument of `__reduce_ex__`, leave room for the fold?
pub(super) fn has_fold(t: &Thread, protocol: Value) -> R<bool> {
    Ok(super::fields::argument(t, protocol)? > 3)
}
