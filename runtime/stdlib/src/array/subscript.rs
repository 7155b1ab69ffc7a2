//! Subscripts, concatenation and repetition.

use super::{Array, index_of, plain};
use limpid_heap::Value;
use limpid_vm::args::receiver;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{number, sequence};
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::slice::{Indices, Slice};

pub(super) fn get_item(t: &Thread, v: Value, key: Value) -> R {
    let this = receiver::<Array>(v);
    if let Some(slice) = key.downcast::<Slice>() {
        let bounds = slice.bounds(t)?;
        let size = this.code.size;
        let items = this.items.lock();
        let range = bounds.within(items.len() / size);
        let picked = if range.step == 1 {
            items[range.start as usize * size..][..range.len * size].to_vec()
        } else {
            (0..range.len).flat_map(|i| &items[range.at(i) * size..][..size]).copied().collect()
        };
        drop(items);
        return Ok(plain(t, this.code, picked));
    }
    let found = match index_of(t, key)? {
        index @ 0.. if key.is_int() => this.item(t, index as usize)?,
        index => match sequence::resolve_index(index, this.len()) {
            Some(i) => this.item(t, i)?,
            None => None,
        },
    };
    match found {
        Some(v) => Ok(v),
        None => raise!(t, IndexError, "array index out of range"),
    }
}

pub(super) fn set_item(t: &Thread, v: Value, key: Value, value: Value) -> R<()> {
    let this = receiver::<Array>(v);
    if key.is_int()
        && let Ok(i) = usize::try_from(key.as_int())
        && let Some(item) = this.code.convert_now(value)
        && this.replace(i, item)
    {
        return Ok(());
    }
    if let Some(slice) = key.downcast::<Slice>() {
        return set_slice(t, this, slice, value);
    }
    let index = index_of(t, key)?;
    let Some(i) = sequence::resolve_index(index, this.len()) else { raise!(t, IndexError, "array assignment index out of range") };
    if value.is_null() {
        return this.resize(t, |items| {
            if this.place(i).end <= items.len() {
                items.drain(this.place(i));
            }
        });
    }
    let item = this.code.convert(t, value)?;
    if this.replace(i, item) { Ok(()) } else { raise!(t, IndexError, "array assignment index out of range") }
}

fn set_slice(t: &Thread, this: Ref<Array>, slice: Ref<Slice>, value: Value) -> R<()> {
    let size = this.code.size;
    let with = match value.non_null() {
        None => Vec::new(),
        Some(v) => match v.downcast::<Array>() {
            Some(other) if other.code == this.code => other.snapshot(),
            Some(_) => raise!(t, TypeError, "bad argument type for built-in operation"),
            None => raise!(t, TypeError, "can only assign array (not \"{}\") to array slice", v.class().display_name()),
        },
    };
    let bounds = slice.bounds(t)?;
    let range = bounds.within(this.len());
    if value.is_null() && range.step != 1 {
        return this.resize(t, |items| remove(items, bounds.within(items.len() / size).ascending(), size));
    }
    if range.step == 1 {
        if with.len() == range.len * size {
            let mut items = this.items.lock();
            if let Some(place) = items.get_mut(range.start as usize * size..(range.start as usize + range.len) * size) {
                place.copy_from_slice(&with);
                return Ok(());
            }
        }
        return this.resize(t, |items| {
            let range = bounds.within(items.len() / size);
            items.splice(range.start as usize * size..(range.start as usize + range.len) * size, with);
        });
    }
    if with.len() != range.len * size {
        raise!(t, ValueError, "attempt to assign array of size {} to extended slice of size {}", with.len() / size, range.len)
    }
    let mut items = this.items.lock();
    for (i, item) in with.chunks_exact(size).enumerate() {
        let at = range.at(i) * size;
        if let Some(place) = items.get_mut(at..at + size) {
            place.copy_from_slice(item);
        }
    }
    Ok(())
}

/// Removes the items of an ascending range.
fn remove(items: &mut Vec<u8>, range: Indices, size: usize) {
    if range.len == 0 {
        return;
    }
    let (start, step) = (range.start as usize, range.step as usize);
    let gone = |i: usize| i >= start && (i - start).is_multiple_of(step) && (i - start) / step < range.len;
    let kept = items.chunks_exact(size).enumerate().filter(|(i, _)| !gone(*i)).flat_map(|(_, item)| item).copied().collect();
    *items = kept;
}

pub(super) fn concat(t: &Thread, a: Value, b: Value) -> R {
    let this = receiver::<Array>(a);
    let Some(other) = b.downcast::<Array>() else {
        raise!(t, TypeError, "can only append array (not \"{}\") to array", b.class().display_name())
    };
    if other.code != this.code {
        raise!(t, TypeError, "bad argument type for built-in operation")
    }
    let mut items = this.snapshot();
    items.extend_from_slice(&other.snapshot());
    Ok(plain(t, this.code, items))
}

pub(super) fn concat_in_place(t: &Thread, a: Value, b: Value) -> R {
    if b.downcast::<Array>().is_none() {
        raise!(t, TypeError, "can only extend with array (not \"{}\")", b.class().display_name())
    }
    receiver::<Array>(a).extend(t, b)?;
    Ok(a)
}

/// How many repetitions a number means; MemoryError when they would be too long.
fn times(t: &Thread, len: usize, n: Value) -> R<usize> {
    let n = number::index_isize(t, n)?.max(0) as usize;
    // More than the address space has.
    match len.checked_mul(n).filter(|n| *n < 1 << 46) {
        Some(_) => Ok(n),
        None => Err(t.raise_value(t.runtime().memory_error.get())),
    }
}

pub(super) fn repeat(t: &Thread, v: Value, n: Value) -> R {
    let this = receiver::<Array>(v);
    let items = this.snapshot();
    let n = times(t, items.len(), n)?;
    Ok(plain(t, this.code, items.repeat(n)))
}

pub(super) fn repeat_in_place(t: &Thread, v: Value, n: Value) -> R {
    let this = receiver::<Array>(v);
    let items = this.snapshot();
    let n = times(t, items.len(), n)?;
    if !items.is_empty() && n != 1 {
        this.resize(t, |all| *all = items.repeat(n))?;
    }
    Ok(v)
}
