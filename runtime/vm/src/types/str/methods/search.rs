//! `find`, `count`, `startswith` and their kind.

use super::{exact, only_str_argument, receiver, str_argument, with_both};
use crate::object::{R, Ref, ValueExt};
use crate::thread::Thread;
use crate::types::bytes_methods::range;
use crate::types::str::Str;
use crate::types::str::search::{Needle, find as find_in, rfind as rfind_in};
use crate::types::{Tuple, int};
use limpid_heap::Value;

/// Where the argument is between the optional bounds.
macro_rules! position {
    ($t:expr, $a:expr, $method:literal, $search:path) => {{
        let s = receiver($a[0]);
        let sub = str_argument($t, $a[1], $method, 1)?;
        match range($t, $a[2], $a[3], s.len())? {
            Some((start, end)) => with_both!(s, sub, None, |text, sub| $search(&text[start..end], sub)).map(|i| start + i),
            None => None,
        }
    }};
}

fn or_minus_one(t: &Thread, found: Option<usize>) -> Value {
    found.map_or(Value::int(-1), |i| int::from_usize(t, i))
}

fn or_error(t: &Thread, found: Option<usize>) -> R {
    match found {
        Some(i) => Ok(int::from_usize(t, i)),
        None => raise!(t, ValueError, "substring not found"),
    }
}

pub(super) fn find(t: &Thread, a: &[Value]) -> R {
    Ok(or_minus_one(t, position!(t, a, "find", find_in)))
}

pub(super) fn rfind(t: &Thread, a: &[Value]) -> R {
    Ok(or_minus_one(t, position!(t, a, "rfind", rfind_in)))
}

pub(super) fn index(t: &Thread, a: &[Value]) -> R {
    or_error(t, position!(t, a, "index", find_in))
}

pub(super) fn rindex(t: &Thread, a: &[Value]) -> R {
    or_error(t, position!(t, a, "rindex", rfind_in))
}

pub(super) fn count(t: &Thread, a: &[Value]) -> R {
    let s = receiver(a[0]);
    let sub = str_argument(t, a[1], "count", 1)?;
    let n = match range(t, a[2], a[3], s.len())? {
        Some((start, end)) => with_both!(s, sub, 0, |text, sub| Needle::new(sub).count(&text[start..end], usize::MAX)),
        None => 0,
    };
    Ok(int::from_usize(t, n))
}

#[derive(Clone, Copy)]
enum End {
    Start,
    Stop,
}

fn has_affix(s: Ref<Str>, affix: Ref<Str>, range: Option<(usize, usize)>, which: End) -> bool {
    let Some((start, end)) = range else { return false };
    with_both!(s, affix, false, |text, affix| match which {
        End::Start => text[start..end].starts_with(affix),
        End::Stop => text[start..end].ends_with(affix),
    })
}

fn matches_end(t: &Thread, a: &[Value], name: &str, which: End) -> R {
    let s = receiver(a[0]);
    let range = range(t, a[2], a[3], s.len())?;
    if let Some(affix) = a[1].downcast::<Str>() {
        return Ok(Value::bool(has_affix(s, affix, range, which)));
    }
    let Some(tuple) = a[1].downcast::<Tuple>() else {
        raise!(t, TypeError, "{name} first arg must be str or a tuple of str, not {}", a[1].class().display_name())
    };
    for v in tuple.as_slice() {
        let Some(affix) = v.downcast::<Str>() else {
            raise!(t, TypeError, "tuple for {name} must only contain str, not {}", v.class().display_name())
        };
        if has_affix(s, affix, range, which) {
            return Ok(Value::TRUE);
        }
    }
    Ok(Value::FALSE)
}

pub(super) fn starts_with(t: &Thread, a: &[Value]) -> R {
    matches_end(t, a, "startswith", End::Start)
}

pub(super) fn ends_with(t: &Thread, a: &[Value]) -> R {
    matches_end(t, a, "endswith", End::Stop)
}

pub(super) fn remove_prefix(t: &Thread, a: &[Value]) -> R {
    let s = receiver(a[0]);
    let prefix = only_str_argument(t, a[1], "removeprefix")?;
    if !prefix.is_empty() && has_affix(s, prefix, Some((0, s.len())), End::Start) {
        return Ok(s.slice(t, prefix.len(), s.len())?.value());
    }
    exact(t, a[0])
}

pub(super) fn remove_suffix(t: &Thread, a: &[Value]) -> R {
    let s = receiver(a[0]);
    let suffix = only_str_argument(t, a[1], "removesuffix")?;
    if !suffix.is_empty() && has_affix(s, suffix, Some((0, s.len())), End::Stop) {
        return Ok(s.slice(t, 0, s.len() - suffix.len())?.value());
    }
    exact(t, a[0])
}
