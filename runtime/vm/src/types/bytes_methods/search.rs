//! `find`, `count`, `startswith` and their kind.

use super::{ByteText, Pattern};
use crate::object::{R, ValueExt};
use crate::thread::Thread;
use crate::types::memory::{get_buffer, has_buffer};
use crate::types::slice;
use crate::types::str::search::{Needle, find as find_in, rfind as rfind_in};
use crate::types::{Tuple, int};
use limpid_heap::Value;

/// The range that the optional arguments `start` and `end` mean; None when it begins behind the end.
pub(crate) fn range(t: &Thread, start: Value, end: Value, len: usize) -> R<Option<(usize, usize)>> {
    if start.is_null() && end.is_null() {
        return Ok(Some((0, len)));
    }
    let none = |v: Value| if v.is_null() { Value::NONE } else { v };
    let bounds = slice::bounds(t, none(start), none(end), Value::NONE)?;
    if bounds.start() > len as isize {
        return Ok(None);
    }
    let indices = bounds.within(len);
    Ok((indices.start <= indices.stop).then_some((indices.start as usize, indices.stop as usize)))
}

fn position<T: ByteText>(t: &Thread, a: &[Value], search: impl Fn(&[u8], &[u8]) -> Option<usize>) -> R<Option<usize>> {
    // Converting the arguments may run Python code, which must not resize a bytearray.
    let _export = if T::NAME == "bytes" { None } else { Some(get_buffer(t, a[0])?) };
    let pattern = Pattern::of(t, a[1])?;
    let contents = T::contents(a[0]);
    let Some((start, end)) = range(t, a[2], a[3], contents.len())? else { return Ok(None) };
    // That code may have replaced the contents all the same.
    let contents = T::contents(a[0]);
    let end = end.min(contents.len());
    let Some(part) = contents.get(start..end) else { return Ok(None) };
    Ok(search(part, pattern.as_slice()).map(|i| start + i))
}

fn or_minus_one(t: &Thread, found: Option<usize>) -> Value {
    found.map_or(Value::int(-1), |i| int::from_usize(t, i))
}

pub(crate) fn find<T: ByteText>(t: &Thread, a: &[Value]) -> R {
    Ok(or_minus_one(t, position::<T>(t, a, find_in)?))
}

pub(crate) fn rfind<T: ByteText>(t: &Thread, a: &[Value]) -> R {
    Ok(or_minus_one(t, position::<T>(t, a, rfind_in)?))
}

fn or_error(t: &Thread, found: Option<usize>) -> R {
    match found {
        Some(i) => Ok(int::from_usize(t, i)),
        None => raise!(t, ValueError, "subsection not found"),
    }
}

pub(crate) fn index<T: ByteText>(t: &Thread, a: &[Value]) -> R {
    or_error(t, position::<T>(t, a, find_in)?)
}

pub(crate) fn rindex<T: ByteText>(t: &Thread, a: &[Value]) -> R {
    or_error(t, position::<T>(t, a, rfind_in)?)
}

pub(crate) fn count<T: ByteText>(t: &Thread, a: &[Value]) -> R {
    // As in `position`.
    let _export = if T::NAME == "bytes" { None } else { Some(get_buffer(t, a[0])?) };
    let pattern = Pattern::of(t, a[1])?;
    let contents = T::contents(a[0]);
    let n = match range(t, a[2], a[3], contents.len())? {
        Some((start, end)) => {
            let contents = T::contents(a[0]);
            let part = contents.get(start..end.min(contents.len())).unwrap_or(&[]);
            Needle::new(pattern.as_slice()).count(part, usize::MAX)
        }
        None => 0,
    };
    Ok(int::from_usize(t, n))
}

fn matches_end<T: ByteText>(t: &Thread, a: &[Value], name: &str, test: fn(&[u8], &[u8]) -> bool) -> R {
    let one = |v: Value| -> R<bool> {
        let affix = get_buffer(t, v)?;
        let Some((start, end)) = range(t, a[2], a[3], T::contents(a[0]).len())? else { return Ok(false) };
        let contents = T::contents(a[0]);
        Ok(contents.get(start..end.min(contents.len())).is_some_and(|part| test(part, affix.as_slice())))
    };
    if let Some(tuple) = a[1].downcast::<Tuple>() {
        for v in tuple.as_slice() {
            if one(*v)? {
                return Ok(Value::TRUE);
            }
        }
        return Ok(Value::FALSE);
    }
    if !has_buffer(a[1]) {
        raise!(t, TypeError, "{name} first arg must be bytes or a tuple of bytes, not {}", a[1].class().display_name())
    }
    one(a[1]).map(Value::bool)
}

pub(crate) fn starts_with<T: ByteText>(t: &Thread, a: &[Value]) -> R {
    matches_end::<T>(t, a, "startswith", |part, affix| part.starts_with(affix))
}

pub(crate) fn ends_with<T: ByteText>(t: &Thread, a: &[Value]) -> R {
    matches_end::<T>(t, a, "endswith", |part, affix| part.ends_with(affix))
}
