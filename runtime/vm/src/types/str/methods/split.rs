//! `split`, `partition` and their kind.

use super::{exact, receiver, with_both, with_units};
use crate::names;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::truth;
use crate::thread::Thread;
use crate::types::bytes_methods::limit;
use crate::types::str::search::{find as find_in, rfind as rfind_in};
use crate::types::str::{Str, pieces, unicode};
use crate::types::{List, Tuple};
use limpid_heap::Value;
use std::ops::Range;

/// The separator of a split; None for white space.
fn separator(t: &Thread, v: Value) -> R<Option<Ref<Str>>> {
    if v.is_null() || v.is_none() {
        return Ok(None);
    }
    let Some(s) = v.downcast::<Str>() else { raise!(t, TypeError, "must be str or None, not {}", v.class().display_name()) };
    check_separator(t, s)?;
    Ok(Some(s))
}

fn check_separator(t: &Thread, s: Ref<Str>) -> R<()> {
    if s.is_empty() {
        raise!(t, ValueError, "empty separator")
    }
    Ok(())
}

/// Puts the pieces of `s` in a list.
fn collector<'a>(t: &'a Thread, s: Ref<Str>, list: Ref<List>) -> impl FnMut(Range<usize>) -> R<()> + 'a {
    move |r| {
        let piece = s.slice(t, r.start, r.end)?;
        list.append_locked(t, piece.value())
    }
}

pub(super) fn split(t: &Thread, a: &[Value]) -> R {
    let s = receiver(a[0]);
    let max = limit(t, a[2])?;
    let list = List::new(t);
    match separator(t, a[1])? {
        None => with_units!(s, units => pieces::split_whitespace(units, max, unicode::is_space, collector(t, s, list)))?,
        Some(separator) => with_both!(s, separator, list.append_locked(t, exact(t, a[0])?), |units, separator| {
            pieces::split(units, separator, max, collector(t, s, list))
        })?,
    }
    Ok(list.value())
}

pub(super) fn rsplit(t: &Thread, a: &[Value]) -> R {
    let s = receiver(a[0]);
    let max = limit(t, a[2])?;
    let list = List::new(t);
    match separator(t, a[1])? {
        None => with_units!(s, units => pieces::rsplit_whitespace(units, max, unicode::is_space, collector(t, s, list)))?,
        Some(separator) => with_both!(s, separator, list.append_locked(t, exact(t, a[0])?), |units, separator| {
            pieces::rsplit(units, separator, max, collector(t, s, list))
        })?,
    }
    list.reverse(t);
    Ok(list.value())
}

pub(super) fn split_lines(t: &Thread, a: &[Value]) -> R {
    let s = receiver(a[0]);
    let keep = !a[1].is_null() && truth::truth(t, a[1])?;
    let list = List::new(t);
    with_units!(s, units => pieces::split_lines(units, keep, unicode::is_line_break, collector(t, s, list)))?;
    Ok(list.value())
}

fn partition_argument(t: &Thread, v: Value) -> R<Ref<Str>> {
    let Some(s) = v.downcast::<Str>() else { raise!(t, TypeError, "must be str, not {}", v.class().display_name()) };
    check_separator(t, s)?;
    Ok(s)
}

/// `(before, separator, after)`
fn around(t: &Thread, s: Ref<Str>, separator: Ref<Str>, i: usize) -> R {
    let (before, after) = (s.slice(t, 0, i)?, s.slice(t, i + separator.len(), s.len())?);
    Ok(Tuple::from_slice(t, &[before.value(), separator.value(), after.value()]).value())
}

pub(super) fn partition(t: &Thread, a: &[Value]) -> R {
    let (s, separator) = (receiver(a[0]), partition_argument(t, a[1])?);
    match with_both!(s, separator, None, |units, separator| find_in(units, separator)) {
        Some(i) => around(t, s, separator, i),
        None => Ok(Tuple::from_slice(t, &[exact(t, a[0])?, names::empty, names::empty]).value()),
    }
}

pub(super) fn rpartition(t: &Thread, a: &[Value]) -> R {
    let (s, separator) = (receiver(a[0]), partition_argument(t, a[1])?);
    match with_both!(s, separator, None, |units, separator| rfind_in(units, separator)) {
        Some(i) => around(t, s, separator, i),
        None => Ok(Tuple::from_slice(t, &[names::empty, names::empty, exact(t, a[0])?]).value()),
    }
}
