//! Letters of bytes: ASCII only.

use super::ByteText;
use crate::object::R;
use crate::thread::Thread;
use limpid_heap::Value;

fn mapped<T: ByteText>(t: &Thread, v: Value, f: impl FnMut(u8) -> u8) -> R {
    let out: Vec<u8> = T::contents(v).iter().copied().map(f).collect();
    T::make(t, &out)
}

pub(crate) fn lower<T: ByteText>(t: &Thread, a: &[Value]) -> R {
    mapped::<T>(t, a[0], |c| c.to_ascii_lowercase())
}

pub(crate) fn upper<T: ByteText>(t: &Thread, a: &[Value]) -> R {
    mapped::<T>(t, a[0], |c| c.to_ascii_uppercase())
}

pub(crate) fn swap_case<T: ByteText>(t: &Thread, a: &[Value]) -> R {
    mapped::<T>(t, a[0], |c| if c.is_ascii_alphabetic() { c ^ 0x20 } else { c })
}

pub(crate) fn capitalize<T: ByteText>(t: &Thread, a: &[Value]) -> R {
    let mut first = true;
    mapped::<T>(t, a[0], |c| if std::mem::take(&mut first) { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
}

pub(crate) fn title<T: ByteText>(t: &Thread, a: &[Value]) -> R {
    let mut in_word = false;
    mapped::<T>(t, a[0], |c| {
        let mapped = if in_word { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() };
        in_word = c.is_ascii_alphabetic();
        mapped
    })
}

/// Are there bytes, all of this kind?
pub(crate) fn all<T: ByteText>(v: Value, kind: impl Fn(&u8) -> bool) -> Value {
    let contents = T::contents(v);
    Value::bool(!contents.is_empty() && contents.iter().all(kind))
}

pub(crate) fn is_lower<T: ByteText>(_: &Thread, a: &[Value]) -> R {
    let contents = T::contents(a[0]);
    Ok(Value::bool(contents.iter().any(u8::is_ascii_lowercase) && !contents.iter().any(u8::is_ascii_uppercase)))
}

pub(crate) fn is_upper<T: ByteText>(_: &Thread, a: &[Value]) -> R {
    let contents = T::contents(a[0]);
    Ok(Value::bool(contents.iter().any(u8::is_ascii_uppercase) && !contents.iter().any(u8::is_ascii_lowercase)))
}

pub(crate) fn is_title<T: ByteText>(_: &Thread, a: &[Value]) -> R {
    let (mut cased, mut in_word) = (false, false);
    for c in T::contents(a[0]) {
        if c.is_ascii_alphabetic() {
            if c.is_ascii_uppercase() == in_word {
                return Ok(Value::FALSE);
            }
            (cased, in_word) = (true, true);
        } else {
            in_word = false;
        }
    }
    Ok(Value::bool(cased))
}
