//! `list.sort`.
//!
//! While a list is sorted it looks empty; its storage belongs to the sort. What goes through the sort itself is a Rust vector of values:
//! allowed because the storage and the list of keys hold the same values all the time. Ints, floats and strings, the common keys, are
//! compared natively and sorted by the standard library, whose sort wants a total order that never fails; everything else goes
//! through [`merge_sort`].

use super::{List, Storage};
use crate::object::{R, Ref, ValueExt};
use crate::protocol::{call, compare};
use crate::slots::Compare;
use crate::thread::Thread;
use crate::types::str::Chars;
use crate::types::{Str, Tuple, ValueList, builtin};
use limpid_heap::{Value, keep_alive};
use std::cmp::Ordering;
use std::sync::atomic::Ordering::Release;

/// A key, and the item it belongs to.
type Keyed = (Value, Value);

impl List {
    /// Sorts a list in place; `key` is a function or None.
    pub fn sort(list: Ref<List>, t: &Thread, key: Value, reverse: bool) -> R<()> {
        // An empty storage of its own: whatever anybody does to the list meanwhile puts another one there.
        let marker = Storage::new(t, 0)?;
        let (storage, n) = {
            let _guard = t.lock(list);
            let storage = list.storage();
            let n = list.len();
            list.set_len(0);
            list.storage.set(t, list, marker.value());
            (storage, n)
        };
        let result = match storage {
            Some(storage) if n > 1 => sort_storage(t, storage, n, key, reverse),
            // The key function is called all the same.
            Some(storage) if n == 1 && !key.is_none() => call::call(t, key, &[storage.place(0).get()]).map(|_| ()),
            _ => Ok(()),
        };
        let _guard = t.lock(list);
        let untouched = list.storage() == Some(marker) && list.is_empty();
        list.storage.set(t, list, storage.map_or(Value::NULL, |s| s.value()));
        list.set_len(n);
        drop(_guard);
        result?;
        if !untouched {
            raise!(t, ValueError, "list modified during sort")
        }
        Ok(())
    }
}

/// Sorts the first `n` items of a storage that nobody writes to meanwhile.
fn sort_storage(t: &Thread, storage: Ref<Storage>, n: usize, key: Value, reverse: bool) -> R<()> {
    let items = storage.as_slice(n);
    let result;
    if key.is_none() {
        let mut sorted = items.to_vec();
        result = sort_values(t, &mut sorted, |v| *v, reverse);
        write_back(t, storage, sorted.iter().copied());
    } else {
        let mut keys = ValueList::with_capacity(t, n);
        for &item in items {
            let k = call::call(t, key, &[item])?;
            keys.push(t, k);
        }
        let mut sorted: Vec<Keyed> = keys.as_slice().iter().copied().zip(items.iter().copied()).collect();
        result = sort_values(t, &mut sorted, |pair| pair.0, reverse);
        write_back(t, storage, sorted.iter().map(|pair| pair.1));
        keep_alive(keys);
    }
    keep_alive(storage);
    result
}

/// Puts the items back. Readers that found the storage before the sort began may see any of them.
fn write_back(t: &Thread, storage: Ref<Storage>, items: impl Iterator<Item = Value>) {
    for (i, v) in items.enumerate() {
        storage.place(i).word().store(v.bits(), Release);
    }
    storage.barrier(t);
}

/// What all keys are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Int,
    Float,
    Str,
    Other,
}

fn kind_of(v: Value) -> Kind {
    if v.is_int() {
        Kind::Int
    } else if v.is_float() && !v.as_float().is_nan() {
        Kind::Float
    } else if v.is_cell() && v.class() == builtin::STR {
        Kind::Str
    } else {
        Kind::Other
    }
}

/// Sorts by keys. A reversed sort is stable, too: equal items keep their order.
fn sort_values<T: Copy>(t: &Thread, items: &mut [T], key: impl Fn(&T) -> Value, reverse: bool) -> R<()> {
    if reverse {
        items.reverse();
    }
    let first = kind_of(key(&items[0]));
    let kind = if items.iter().all(|x| kind_of(key(x)) == first) { first } else { Kind::Other };
    let result = match kind {
        Kind::Int => {
            items.sort_by_key(|x| key(x).as_int());
            Ok(())
        }
        Kind::Float => {
            // Without NaN this is a total order.
            items.sort_by(|a, b| key(a).as_float().partial_cmp(&key(b).as_float()).unwrap_or(Ordering::Equal));
            Ok(())
        }
        Kind::Str => {
            sort_by_text(items, &key);
            Ok(())
        }
        Kind::Other => super::merge_sort::sort(items, |a, b| {
            t.poll()?;
            less(t, key(&a), key(&b))
        }),
    };
    if reverse {
        items.reverse();
    }
    result
}

/// Sorts by keys that are strings. Most comparisons need only the first characters, which are put beside each item.
fn sort_by_text<T: Copy>(items: &mut [T], key: impl Fn(&T) -> Value) {
    let text = |x: &T| {
        // SAFETY: all keys are strings.
        unsafe { Ref::<Str>::from_value(key(x)) }
    };
    let mut prefixed: Vec<(u64, T)> = items.iter().map(|x| (prefix(&text(x)), *x)).collect();
    prefixed.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| compare_text(&text(&a.1), &text(&b.1))));
    items.iter_mut().zip(prefixed).for_each(|(item, (_, sorted))| *item = sorted);
}

/// The first eight characters in a number whose order is never the opposite of the strings' order. A character above 254 ends it.
fn prefix(s: &Str) -> u64 {
    let mut bytes = [0; 8];
    match s.chars() {
        Chars::Ascii(chars) => {
            let n = chars.len().min(8);
            bytes[..n].copy_from_slice(&chars[..n]);
        }
        _ => {
            for (byte, c) in bytes.iter_mut().zip(s.code_points()) {
                *byte = c.min(255) as u8;
                if c >= 255 {
                    break;
                }
            }
        }
    }
    u64::from_be_bytes(bytes)
}

fn compare_text(a: &Str, b: &Str) -> Ordering {
    match (a.chars(), b.chars()) {
        (Chars::Ascii(a) | Chars::Latin1(a), Chars::Ascii(b) | Chars::Latin1(b)) => a.cmp(b),
        _ => a.code_points().cmp(b.code_points()),
    }
}

/// `a < b`
fn less(t: &Thread, a: Value, b: Value) -> R<bool> {
    if a.is_cell() && b.is_cell() && a.class() == builtin::TUPLE && b.class() == builtin::TUPLE {
        // SAFETY: just tested.
        let (a, b) = unsafe { (Ref::<Tuple>::from_value(a), Ref::<Tuple>::from_value(b)) };
        return less_tuples(t, a, b);
    }
    if let (Some(a), Some(b)) = (a.exact::<Str>(), b.exact::<Str>()) {
        return Ok(compare_text(&a, &b).is_lt());
    }
    compare::compare_bool(t, a, b, Compare::Lt)
}

/// `a < b` of tuples: by the first items that differ.
fn less_tuples(t: &Thread, a: Ref<Tuple>, b: Ref<Tuple>) -> R<bool> {
    t.check_stack(" in comparison")?;
    for (&x, &y) in a.as_slice().iter().zip(b.as_slice()) {
        if !compare::values_equal(t, x, y)? {
            return less(t, x, y);
        }
    }
    Ok(a.len() < b.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_tell_what_has_a_total_order() {
        assert!(kind_of(Value::int(3)) == Kind::Int);
        assert!(kind_of(Value::float(3.0)) == Kind::Float);
        assert!(kind_of(Value::float(f64::NAN)) == Kind::Other);
        assert!(kind_of(Value::TRUE) == Kind::Other);
    }
}
