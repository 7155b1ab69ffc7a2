//! `split`, `partition` and their kind.

use super::{ByteText, argument, is_space_char};
use crate::object::{R, Ref};
use crate::protocol::{number, truth};
use crate::thread::Thread;
use crate::types::str::pieces;
use crate::types::str::search::{find, rfind};
use crate::types::{List, Tuple};
use limpid_heap::Value;
use std::ops::Range;

/// The `maxsplit` argument: negative means all.
pub(crate) fn limit(t: &Thread, v: Value) -> R<usize> {
    if v.is_null() {
        return Ok(usize::MAX);
    }
    let n = number::index_isize(t, v)?;
    Ok(if n < 0 { usize::MAX } else { n as usize })
}

/// Makes a list of the pieces that `cut` emits.
fn listed<T: ByteText>(t: &Thread, v: Value, cut: impl FnOnce(&[u8], &mut dyn FnMut(Range<usize>) -> R<()>) -> R<()>) -> R<Ref<List>> {
    let list = List::new(t);
    let contents = T::contents(v);
    cut(contents, &mut |r| {
        let piece = if r.len() == contents.len() { T::unchanged(t, v)? } else { T::make(t, &contents[r])? };
        list.append_locked(t, piece)
    })?;
    Ok(list)
}

pub(crate) fn split<T: ByteText>(t: &Thread, a: &[Value]) -> R {
    let max = limit(t, a[2])?;
    if a[1].is_null() || a[1].is_none() {
        return Ok(listed::<T>(t, a[0], |c, emit| pieces::split_whitespace(c, max, is_space_char, emit))?.value());
    }
    let separator = argument(t, a[1])?;
    check_separator(t, separator.as_slice())?;
    Ok(listed::<T>(t, a[0], |c, emit| pieces::split(c, separator.as_slice(), max, emit))?.value())
}

pub(crate) fn rsplit<T: ByteText>(t: &Thread, a: &[Value]) -> R {
    let max = limit(t, a[2])?;
    let list = if a[1].is_null() || a[1].is_none() {
        listed::<T>(t, a[0], |c, emit| pieces::rsplit_whitespace(c, max, is_space_char, emit))?
    } else {
        let separator = argument(t, a[1])?;
        check_separator(t, separator.as_slice())?;
        listed::<T>(t, a[0], |c, emit| pieces::rsplit(c, separator.as_slice(), max, emit))?
    };
    list.reverse(t);
    Ok(list.value())
}

fn check_separator(t: &Thread, separator: &[u8]) -> R<()> {
    if separator.is_empty() {
        raise!(t, ValueError, "empty separator")
    }
    Ok(())
}

pub(crate) fn split_lines<T: ByteText>(t: &Thread, a: &[Value]) -> R {
    let keep = !a[1].is_null() && truth::truth(t, a[1])?;
    let list = listed::<T>(t, a[0], |c, emit| pieces::split_lines(c, keep, |c| matches!(c, 10 | 13), emit))?;
    Ok(list.value())
}

pub(crate) fn partition<T: ByteText>(t: &Thread, a: &[Value]) -> R {
    let separator = argument(t, a[1])?;
    check_separator(t, separator.as_slice())?;
    let contents = T::contents(a[0]);
    let parts = match find(contents, separator.as_slice()) {
        Some(i) => around::<T>(t, contents, i, a[1], separator.as_slice())?,
        None => [T::unchanged(t, a[0])?, T::make(t, &[])?, T::make(t, &[])?],
    };
    Ok(Tuple::from_slice(t, &parts).value())
}

pub(crate) fn rpartition<T: ByteText>(t: &Thread, a: &[Value]) -> R {
    let separator = argument(t, a[1])?;
    check_separator(t, separator.as_slice())?;
    let contents = T::contents(a[0]);
    let parts = match rfind(contents, separator.as_slice()) {
        Some(i) => around::<T>(t, contents, i, a[1], separator.as_slice())?,
        None => [T::make(t, &[])?, T::make(t, &[])?, T::unchanged(t, a[0])?],
    };
    Ok(Tuple::from_slice(t, &parts).value())
}

/// What is before a separator, the separator, and what is behind it.
fn around<T: ByteText>(t: &Thread, contents: &[u8], i: usize, separator: Value, text: &[u8]) -> R<[Value; 3]> {
    use crate::object::ValueExt;
    let middle = if T::NAME == "bytes" && separator.class() == crate::types::builtin::BYTES { separator } else { T::make(t, text)? };
    Ok([T::make(t, &contents[..i])?, middle, T::make(t, &contents[i + text.len()..])?])
}
