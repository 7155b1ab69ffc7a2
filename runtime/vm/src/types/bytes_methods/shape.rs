//! Methods that pad, strip, join, replace or translate.

use super::{ByteText, argument, is_space_char};
use crate::object::{R, ValueExt};
use crate::protocol::{iter, number};
use crate::thread::Thread;
use crate::types::memory::{Buffer, get_buffer, has_buffer};
use crate::types::str::pieces::{self, Side};
use crate::types::{Bytearray, Bytes, int};
use limpid_heap::Value;

/// The single byte that fills.
fn fill_byte(t: &Thread, v: Value, method: &str) -> R<u8> {
    if v.is_null() {
        return Ok(b' ');
    }
    let contents = if let Some(b) = v.downcast::<Bytes>() {
        b.contents()
    } else if let Some(b) = v.downcast::<Bytearray>() {
        b.contents()
    } else {
        raise!(t, TypeError, "{method}() argument 2 must be a byte string of length 1, not {}", v.class().display_name())
    };
    match contents {
        [b] => Ok(*b),
        more => raise!(
            t,
            TypeError,
            "{method}(): argument 2 must be a byte string of length 1, not a {} object of length {}",
            v.class().display_name(),
            more.len()
        ),
    }
}

fn padded<T: ByteText>(t: &Thread, v: Value, left: usize, right: usize, fill: u8) -> R {
    if left + right == 0 {
        return T::unchanged(t, v);
    }
    let contents = T::contents(v);
    let mut out = Vec::new();
    if out.try_reserve_exact(left + contents.len() + right).is_err() {
        return Err(t.raise_value(t.runtime().memory_error.get()));
    }
    out.resize(left, fill);
    out.extend_from_slice(contents);
    out.resize(left + contents.len() + right, fill);
    T::make(t, &out)
}

/// How much is missing to a width.
fn missing(t: &Thread, width: Value, len: usize) -> R<usize> {
    Ok((number::index_isize(t, width)?.max(0) as usize).saturating_sub(len))
}

pub(crate) fn center<T: ByteText>(t: &Thread, a: &[Value]) -> R {
    let fill = fill_byte(t, a[2], "center")?;
    let len = T::contents(a[0]).len();
    let pad = missing(t, a[1], len)?;
    let left = pad / 2 + (pad & (pad + len) & 1);
    padded::<T>(t, a[0], left, pad - left, fill)
}

pub(crate) fn ljust<T: ByteText>(t: &Thread, a: &[Value]) -> R {
    let fill = fill_byte(t, a[2], "ljust")?;
    padded::<T>(t, a[0], 0, missing(t, a[1], T::contents(a[0]).len())?, fill)
}

pub(crate) fn rjust<T: ByteText>(t: &Thread, a: &[Value]) -> R {
    let fill = fill_byte(t, a[2], "rjust")?;
    padded::<T>(t, a[0], missing(t, a[1], T::contents(a[0]).len())?, 0, fill)
}

pub(crate) fn zfill<T: ByteText>(t: &Thread, a: &[Value]) -> R {
    let contents = T::contents(a[0]);
    let pad = missing(t, a[1], contents.len())?;
    if pad == 0 {
        return T::unchanged(t, a[0]);
    }
    let (sign, digits) = match contents {
        [sign @ (b'+' | b'-'), digits @ ..] => (Some(*sign), digits),
        _ => (None, contents),
    };
    let mut out = Vec::new();
    if out.try_reserve_exact(pad + contents.len()).is_err() {
        return Err(t.raise_value(t.runtime().memory_error.get()));
    }
    out.extend(sign);
    out.resize(out.len() + pad, b'0');
    out.extend_from_slice(digits);
    T::make(t, &out)
}

pub(crate) fn expand_tabs<T: ByteText>(t: &Thread, a: &[Value]) -> R {
    let size = if a[1].is_null() { 8 } else { int::to_i32(t, a[1])?.max(0) as usize };
    match pieces::expand_tabs(T::contents(a[0]), size) {
        Some(out) => T::make(t, &out),
        None => raise!(t, OverflowError, "result too long"),
    }
}

fn stripped<T: ByteText>(t: &Thread, a: &[Value], side: Side) -> R {
    let contents = T::contents(a[0]);
    let range = if a[1].is_null() || a[1].is_none() {
        pieces::strip(contents, side, is_space_char)
    } else {
        let off = argument(t, a[1])?;
        pieces::strip(contents, side, |c| memchr::memchr(c as u8, off.as_slice()).is_some())
    };
    if range.len() == contents.len() { T::unchanged(t, a[0]) } else { T::make(t, &contents[range]) }
}

pub(crate) fn strip<T: ByteText>(t: &Thread, a: &[Value]) -> R {
    stripped::<T>(t, a, Side::Both)
}

pub(crate) fn lstrip<T: ByteText>(t: &Thread, a: &[Value]) -> R {
    stripped::<T>(t, a, Side::Left)
}

pub(crate) fn rstrip<T: ByteText>(t: &Thread, a: &[Value]) -> R {
    stripped::<T>(t, a, Side::Right)
}

pub(crate) fn remove_prefix<T: ByteText>(t: &Thread, a: &[Value]) -> R {
    let prefix = argument(t, a[1])?;
    match T::contents(a[0]).strip_prefix(prefix.as_slice()) {
        Some(rest) if prefix.len > 0 => T::make(t, rest),
        _ => T::unchanged(t, a[0]),
    }
}

pub(crate) fn remove_suffix<T: ByteText>(t: &Thread, a: &[Value]) -> R {
    let suffix = argument(t, a[1])?;
    match T::contents(a[0]).strip_suffix(suffix.as_slice()) {
        Some(rest) if suffix.len > 0 => T::make(t, rest),
        _ => T::unchanged(t, a[0]),
    }
}

pub(crate) fn replace<T: ByteText>(t: &Thread, a: &[Value]) -> R {
    let (from, to) = (argument(t, a[1])?, argument(t, a[2])?);
    let max = super::split::limit(t, a[3])?;
    let contents = T::contents(a[0]);
    if to.len > from.len {
        // An upper bound of the result's length.
        let times = max.min(contents.len().checked_div(from.len).unwrap_or(contents.len() + 1));
        if (to.len - from.len).checked_mul(times).and_then(|n| n.checked_add(contents.len())).is_none_or(|n| n > isize::MAX as usize) {
            raise!(t, OverflowError, "replace bytes are too long")
        }
    }
    match pieces::replace(contents, from.as_slice(), to.as_slice(), max) {
        Some(out) => T::make(t, &out),
        None => T::unchanged(t, a[0]),
    }
}

pub(crate) fn join<T: ByteText>(t: &Thread, a: &[Value]) -> R {
    // The separator must not be resized by Python code that runs here.
    let _export = if T::NAME == "bytes" { None } else { Some(get_buffer(t, a[0])?) };
    let separator = T::contents(a[0]).to_vec();
    // Kept as a list: converting an item may run Python code.
    let items = iter::collect(t, a[1]).map_err(|raised| {
        if t.exception_is(crate::exc::TypeError) && !super::is_iterable(a[1]) {
            t.take_exception();
            return err!(t, TypeError, "can only join an iterable");
        }
        raised
    })?;
    if let (1, Some(only)) = (items.len(), items.iter().next().and_then(|v| v.exact::<Bytes>()))
        && T::NAME == "bytes"
    {
        return Ok(only.value());
    }
    let mut out = Vec::new();
    for (i, v) in items.iter().enumerate() {
        if i > 0 {
            out.extend_from_slice(&separator);
        }
        if let Some(bytes) = v.exact::<Bytes>() {
            out.extend_from_slice(bytes.as_slice());
            continue;
        }
        if !has_buffer(v) {
            raise!(t, TypeError, "sequence item {i}: expected a bytes-like object, {} found", v.class().display_name())
        }
        out.extend_from_slice(get_buffer(t, v)?.as_slice());
    }
    T::make(t, &out)
}

/// The table that leaves every byte as it is.
static IDENTITY: [u8; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        table[i] = i as u8;
        i += 1;
    }
    table
};

pub(crate) fn translate<T: ByteText>(t: &Thread, a: &[Value]) -> R {
    let table: Option<Buffer> = if a[1].is_none() { None } else { Some(argument(t, a[1])?) };
    if table.as_ref().is_some_and(|table| table.len != 256) {
        raise!(t, ValueError, "translation table must be 256 characters long")
    }
    let contents = T::contents(a[0]);
    let map = table.as_ref().and_then(|table| table.as_slice().first_chunk()).unwrap_or(&IDENTITY);
    let deleting = if a[2].is_null() { None } else { Some(argument(t, a[2])?).filter(|bytes| bytes.len > 0) };
    let out: Vec<u8> = match deleting {
        None => contents.iter().map(|b| map[*b as usize]).collect(),
        Some(bytes) => {
            let mut deleted = [false; 256];
            bytes.as_slice().iter().for_each(|b| deleted[*b as usize] = true);
            let mut out = vec![0; contents.len()];
            let mut len = 0;
            for &b in contents {
                out[len] = map[b as usize];
                len += !deleted[b as usize] as usize;
            }
            out.truncate(len);
            out
        }
    };
    if out == contents { T::unchanged(t, a[0]) } else { T::make(t, &out) }
}

pub(crate) fn make_trans(t: &Thread, a: &[Value]) -> R {
    let (from, to) = (argument(t, a[0])?, argument(t, a[1])?);
    if from.len != to.len {
        raise!(t, ValueError, "maketrans arguments must have same length")
    }
    let mut table = IDENTITY;
    for (from, to) in from.as_slice().iter().zip(to.as_slice()) {
        table[*from as usize] = *to;
    }
    Ok(Bytes::from_slice(t, &table)?.value())
}
