//! Methods that pad, strip or replace.

use super::{exact, from_units, receiver, str_argument, with_units};
use crate::object::{R, Ref, ValueExt};
use crate::protocol::number;
use crate::thread::Thread;
use crate::types::bytes_methods::limit;
use crate::types::int;
use crate::types::str::builder::check_width;
use crate::types::str::pieces::{self, Side};
use crate::types::str::search::Unit;
use crate::types::str::{Chars, Str, StrBuilder, Width, unicode};
use limpid_heap::Value;

/// The character that fills.
fn fill_char(t: &Thread, v: Value) -> R<u32> {
    if v.is_null() {
        return Ok(' ' as u32);
    }
    let Some(s) = v.downcast::<Str>() else {
        raise!(t, TypeError, "The fill character must be a unicode character, not {}", v.class().display_name())
    };
    if s.len() != 1 {
        raise!(t, TypeError, "The fill character must be exactly one character long")
    }
    Ok(s.char_at(0))
}

/// How much is missing to a width.
fn missing(t: &Thread, width: Value, len: usize) -> R<usize> {
    Ok((number::index_isize(t, width)?.max(0) as usize).saturating_sub(len))
}

fn padded(t: &Thread, v: Value, left: usize, right: usize, fill: u32) -> R {
    if left + right == 0 {
        return exact(t, v);
    }
    let s = receiver(v);
    let len = left.saturating_add(s.len()).saturating_add(right);
    if len > isize::MAX as usize / 4 {
        raise!(t, OverflowError, "padded string is too long")
    }
    let width = s.width().max(Width::of_char(fill));
    let out = Str::alloc(t, width, len)?;
    // SAFETY: the string is new, wide enough, and has room for the padding and the text.
    unsafe {
        match width {
            Width::Ascii | Width::Latin1 => fill_ends(out.data_ptr(), left, len - right, len, fill as u8),
            Width::Ucs2 => fill_ends(out.data_ptr() as *mut u16, left, len - right, len, fill as u16),
            Width::Ucs4 => fill_ends(out.data_ptr() as *mut u32, left, len - right, len, fill),
        }
        out.write_chars(left, &s);
    }
    Ok(out.value())
}

/// # Safety
/// `data` has room for `len` characters.
unsafe fn fill_ends<U: Unit>(data: *mut U, left: usize, right: usize, len: usize, fill: U) {
    // SAFETY: by contract; the memory is zeroed, so it may be seen as a slice.
    let data = unsafe { std::slice::from_raw_parts_mut(data, len) };
    data[..left].fill(fill);
    data[right..].fill(fill);
}

pub(super) fn center(t: &Thread, a: &[Value]) -> R {
    let len = receiver(a[0]).len();
    let pad = missing(t, a[1], len)?;
    let left = pad / 2 + (pad & pad.wrapping_add(len) & 1);
    padded(t, a[0], left, pad - left, fill_char(t, a[2])?)
}

pub(super) fn ljust(t: &Thread, a: &[Value]) -> R {
    let pad = missing(t, a[1], receiver(a[0]).len())?;
    padded(t, a[0], 0, pad, fill_char(t, a[2])?)
}

pub(super) fn rjust(t: &Thread, a: &[Value]) -> R {
    let pad = missing(t, a[1], receiver(a[0]).len())?;
    padded(t, a[0], pad, 0, fill_char(t, a[2])?)
}

pub(super) fn zfill(t: &Thread, a: &[Value]) -> R {
    let s = receiver(a[0]);
    let pad = missing(t, a[1], s.len())?;
    if pad == 0 {
        return exact(t, a[0]);
    }
    let signed = !s.is_empty() && matches!(s.char_at(0), 0x2B | 0x2D);
    if !signed {
        return padded(t, a[0], pad, 0, '0' as u32);
    }
    check_width(t, pad)?;
    let mut out = StrBuilder::with_capacity(pad + s.len());
    out.push(s.char_at(0));
    out.push_repeated('0' as u32, pad);
    out.push_slice(s, 1, s.len());
    Ok(out.finish(t)?.value())
}

pub(super) fn expand_tabs(t: &Thread, a: &[Value]) -> R {
    let size = if a[1].is_null() { 8 } else { int::to_i32(t, a[1])?.max(0) as usize };
    let s = receiver(a[0]);
    with_units!(s, units => match pieces::expand_tabs(units, size) {
        Some(out) => from_units(t, &out),
        None => raise!(t, OverflowError, "new string is too long"),
    })
}

fn stripped(t: &Thread, a: &[Value], side: Side, method: &str) -> R {
    let s = receiver(a[0]);
    let range = if a[1].is_null() || a[1].is_none() {
        with_units!(s, units => pieces::strip(units, side, unicode::is_space))
    } else {
        let Some(off) = a[1].downcast::<Str>() else {
            raise!(t, TypeError, "{method} arg must be None or str, not {}", a[1].class().display_name())
        };
        match off.chars() {
            Chars::Ascii(chars) => {
                let set = chars.iter().fold(0u128, |set, c| set | 1 << c);
                with_units!(s, units => pieces::strip(units, side, |c| c < 128 && set >> c & 1 != 0))
            }
            _ => with_units!(s, units => pieces::strip(units, side, |c| off.code_points().any(|o| o == c))),
        }
    };
    Ok(s.slice(t, range.start, range.end)?.value())
}

pub(super) fn strip(t: &Thread, a: &[Value]) -> R {
    stripped(t, a, Side::Both, "strip")
}

pub(super) fn lstrip(t: &Thread, a: &[Value]) -> R {
    stripped(t, a, Side::Left, "lstrip")
}

pub(super) fn rstrip(t: &Thread, a: &[Value]) -> R {
    stripped(t, a, Side::Right, "rstrip")
}

pub(super) fn replace(t: &Thread, a: &[Value]) -> R {
    let s = receiver(a[0]);
    let (from, to) = (str_argument(t, a[1], "replace", 1)?, str_argument(t, a[2], "replace", 2)?);
    let max = limit(t, a[3])?;
    if to.len() > from.len() {
        let times = max.min(if from.is_empty() { s.len() + 1 } else { s.len() / from.len() });
        if (to.len() - from.len()).checked_mul(times).and_then(|n| n.checked_add(s.len())).is_none_or(|n| n > isize::MAX as usize / 4) {
            raise!(t, OverflowError, "replace string is too long")
        }
    }
    // What is wider than the text does not occur in it; what is put in may be wider.
    let width = s.width().max(to.width());
    if from.width() > width.max(Width::Latin1) {
        return exact(t, a[0]);
    }
    let replaced = match width {
        Width::Ascii | Width::Latin1 => replaced::<u8>(t, s, from, to, max),
        Width::Ucs2 => replaced::<u16>(t, s, from, to, max),
        Width::Ucs4 => replaced::<u32>(t, s, from, to, max),
    };
    replaced?.map_or_else(|| exact(t, a[0]), Ok)
}

fn replaced<U: Unit>(t: &Thread, s: Ref<Str>, from: Ref<Str>, to: Ref<Str>, max: usize) -> R<Option<Value>> {
    let (text, from, to) = (Units::<U>::of(s), Units::<U>::of(from), Units::<U>::of(to));
    match pieces::replace(text.as_slice(), from.as_slice(), to.as_slice(), max) {
        Some(out) => from_units(t, &out).map(Some),
        None => Ok(None),
    }
}

/// The characters of a string in a given width, which they fit in.
enum Units<'a, U> {
    Borrowed(&'a [U]),
    Owned(Vec<U>),
}

impl<'a, U: Unit> Units<'a, U> {
    fn of(s: Ref<Str>) -> Units<'a, U> {
        if s.width().bytes() == size_of::<U>() {
            // SAFETY: the string has `len` characters of this width and the caller holds it.
            return Units::Borrowed(unsafe { std::slice::from_raw_parts(s.data_ptr() as *const U, s.len()) });
        }
        Units::Owned(s.code_points().map(U::truncate).collect())
    }

    fn as_slice(&self) -> &[U] {
        match self {
            Units::Borrowed(units) => units,
            Units::Owned(units) => units,
        }
    }
}
