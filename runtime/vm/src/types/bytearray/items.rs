//! Subscripts, concatenation and repetition of bytearrays.

use super::{Bytearray, receiver};
use crate::object::{R, ValueExt};
use crate::protocol::{number, sequence};
use crate::thread::Thread;
use crate::types::bytes_methods::{self, ByteText};
use crate::types::memory::get_buffer_opt;
use crate::types::slice::{Slice, indices};
use crate::types::{builtin, bytes, int};
use limpid_heap::Value;

pub(super) fn get_item(t: &Thread, v: Value, key: Value) -> R {
    let array = receiver(v);
    if let Some(slice) = key.downcast::<Slice>() {
        let bounds = slice.bounds(t)?;
        let contents = array.contents();
        let range = bounds.within(contents.len());
        if range.step == 1 {
            let start = range.start as usize;
            return Bytearray::make(t, &contents[start..start + range.len]);
        }
        let picked: Vec<u8> = (0..range.len).map(|i| contents[range.at(i)]).collect();
        return Bytearray::make(t, &picked);
    }
    let index = key_index(t, key)?;
    let contents = array.contents();
    match sequence::resolve_index(index, contents.len()) {
        Some(i) => Ok(Value::int(contents[i] as i64)),
        None => raise!(t, IndexError, "bytearray index out of range"),
    }
}

fn key_index(t: &Thread, key: Value) -> R<isize> {
    if !sequence::is_index(key) {
        raise!(t, TypeError, "bytearray indices must be integers or slices, not {}", key.class().display_name())
    }
    sequence::index_of_key(t, key)
}

pub(super) fn set_item(t: &Thread, v: Value, key: Value, value: Value) -> R<()> {
    let array = receiver(v);
    if let Some(slice) = key.downcast::<Slice>() {
        if value.is_null() {
            let range = indices(t, slice, array.len())?.ascending();
            return delete_range(t, v, range.start as usize, range.step as usize, range.len);
        }
        if value.is_instance(builtin::INT) || value.is_instance(builtin::STR) {
            raise!(t, TypeError, "can assign only bytes, buffers, or iterables of ints in range(0, 256)")
        }
        let with = new_contents(t, v, value)?;
        let range = indices(t, slice, array.len())?;
        if with.is_empty() && range.step != 1 {
            // Nothing in place of an extended slice deletes it.
            let range = range.ascending();
            return delete_range(t, v, range.start as usize, range.step as usize, range.len);
        }
        if range.step == 1 {
            let start = range.start as usize;
            return array.splice(t, start, start + range.len, &with);
        }
        if with.len() != range.len {
            raise!(t, ValueError, "attempt to assign bytes of size {} to extended slice of size {}", with.len(), range.len)
        }
        let _guard = t.lock(array);
        let contents = array.contents_mut();
        for (i, b) in with.iter().enumerate() {
            if let Some(place) = contents.get_mut(range.at(i)) {
                *place = *b;
            }
        }
        return Ok(());
    }
    let index = key_index(t, key)?;
    if value.is_null() {
        let Some(i) = sequence::resolve_index(index, array.len()) else { raise!(t, IndexError, "bytearray index out of range") };
        return array.splice(t, i, i + 1, &[]);
    }
    let b = int::to_byte_value(t, value, "bytearray")?;
    let _guard = t.lock(array);
    let contents = array.contents_mut();
    match sequence::resolve_index(index, contents.len()) {
        Some(i) => {
            contents[i] = b;
            Ok(())
        }
        None => {
            drop(_guard);
            raise!(t, IndexError, "bytearray index out of range")
        }
    }
}

/// The bytes that are assigned to a slice: a copy, since the value may be the bytearray itself.
fn new_contents(t: &Thread, v: Value, value: Value) -> R<Vec<u8>> {
    if value == v {
        return Ok(receiver(v).contents().to_vec());
    }
    match get_buffer_opt(t, value)? {
        Some(buffer) => Ok(buffer.to_contiguous().into_owned()),
        None => bytes::collect_bytes(t, value, "bytearray"),
    }
}

fn delete_range(t: &Thread, v: Value, start: usize, step: usize, len: usize) -> R<()> {
    let array = receiver(v);
    if step == 1 {
        return array.splice(t, start, start + len, &[]);
    }
    if len == 0 {
        return Ok(());
    }
    let kept: Vec<u8> = array
        .contents()
        .iter()
        .enumerate()
        .filter(|(i, _)| *i < start || !(i - start).is_multiple_of(step) || (i - start) / step >= len)
        .map(|(_, b)| *b)
        .collect();
    array.replace_all(t, &kept)
}

pub(super) fn concat(t: &Thread, a: Value, b: Value) -> R {
    let left = bytes_methods::operand(t, a, b, a)?;
    let right = bytes_methods::operand(t, a, b, b)?;
    let sum = Bytearray::in_class(t, builtin::BYTEARRAY);
    sum.resize(t, left.len + right.len)?;
    let contents = sum.contents_mut();
    contents[..left.len].copy_from_slice(left.as_slice());
    contents[left.len..].copy_from_slice(right.as_slice());
    Ok(sum.value())
}

pub(super) fn concat_in_place(t: &Thread, a: Value, b: Value) -> R {
    let array = receiver(a);
    let right = bytes_methods::operand(t, a, b, b)?;
    let len = array.len();
    array.splice(t, len, len, right.as_slice())?;
    Ok(a)
}

/// How long `count` copies are; MemoryError when that is too long.
fn repeated_len(t: &Thread, len: usize, count: usize) -> R<usize> {
    match len.checked_mul(count).filter(|n| *n <= isize::MAX as usize) {
        Some(n) => Ok(n),
        None => Err(t.raise_value(t.runtime().memory_error.get())),
    }
}

pub(super) fn repeat(t: &Thread, v: Value, count: Value) -> R {
    let count = number::index_isize(t, count)?.max(0) as usize;
    let contents = receiver(v).contents();
    let out = Bytearray::in_class(t, builtin::BYTEARRAY);
    let len = repeated_len(t, contents.len(), count)?;
    if len > 0 {
        out.resize(t, len)?;
        bytes_methods::fill_repeated(out.contents_mut(), contents);
    }
    Ok(out.value())
}

pub(super) fn repeat_in_place(t: &Thread, v: Value, count: Value) -> R {
    let count = number::index_isize(t, count)?.max(0) as usize;
    let array = receiver(v);
    let own = array.contents().to_vec();
    let len = repeated_len(t, own.len(), count)?;
    if len != own.len() {
        array.resize(t, len)?;
        let _guard = t.lock(array);
        let contents = array.contents_mut();
        if !own.is_empty() && !contents.is_empty() {
            bytes_methods::fill_repeated(contents, &own);
        }
    }
    Ok(v)
}
