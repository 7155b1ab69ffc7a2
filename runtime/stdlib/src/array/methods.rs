//! The methods of arrays.

use super::code::Kind;
use super::{Array, length, pickle, plain, tuple};
use limpid_heap::Value;
use limpid_vm::args::{FnDef, GetSet, receiver};
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{call, compare, number, sequence};
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::memory::get_buffer;
use limpid_vm::types::{Bytes, List, Str, generic_alias, int};

/// The index of the first item from `start` to `end` that equals `v`.
pub(super) fn find(t: &Thread, this: Ref<Array>, v: Value, start: usize, end: usize) -> R<Option<usize>> {
    let mut i = start;
    while i < end {
        let Some(item) = this.item(t, i)? else { break };
        if compare::values_equal(t, item, v)? {
            return Ok(Some(i));
        }
        i += 1;
    }
    Ok(None)
}

fn index(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Array>(a[0]);
    let len = this.len();
    let start = if a[2].is_null() { 0 } else { sequence::search_bound(t, a[2], 0, len)? };
    let end = if a[3].is_null() { usize::MAX } else { sequence::search_bound(t, a[3], 0, len)? };
    match find(t, this, a[1], start, end)? {
        Some(i) => Ok(length(t, i)),
        None => raise!(t, ValueError, "array.index(x): x not in array"),
    }
}

fn count(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Array>(a[0]);
    let (mut from, mut n) = (0, 0);
    while let Some(i) = find(t, this, a[1], from, usize::MAX)? {
        (from, n) = (i + 1, n + 1);
    }
    Ok(length(t, n))
}

/// Takes the item at `i` out.
fn remove_at(t: &Thread, this: Ref<Array>, i: usize) -> R<()> {
    let size = this.code.size;
    this.resize(t, |items| {
        if (i + 1) * size <= items.len() {
            items.drain(i * size..(i + 1) * size);
        }
    })
}

fn remove(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Array>(a[0]);
    match find(t, this, a[1], 0, usize::MAX)? {
        Some(i) => remove_at(t, this, i)?,
        None => raise!(t, ValueError, "array.remove(x): x not in array"),
    }
    Ok(Value::NONE)
}

fn pop(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Array>(a[0]);
    let at = if a[1].is_null() { -1 } else { number::index_isize(t, a[1])? };
    let len = this.len();
    if len == 0 {
        raise!(t, IndexError, "pop from empty array")
    }
    let Some(i) = sequence::resolve_index(at, len) else { raise!(t, IndexError, "pop index out of range") };
    let Some(item) = this.item(t, i)? else { raise!(t, IndexError, "pop index out of range") };
    remove_at(t, this, i)?;
    Ok(item)
}

fn insert(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Array>(a[0]);
    let at = number::index_isize(t, a[1])?;
    let item = this.code.convert(t, a[2])?;
    let size = this.code.size;
    this.resize(t, |items| {
        let len = (items.len() / size) as isize;
        let at = if at < 0 { (at + len).max(0) } else { at.min(len) } as usize * size;
        items.splice(at..at, item[..size].iter().copied());
    })?;
    Ok(Value::NONE)
}

fn reverse(_: &Thread, a: &[Value]) -> R {
    let this = receiver::<Array>(a[0]);
    let mut items = this.items.lock();
    // Reversed bytes are reversed items with their own bytes in the wrong order.
    items.reverse();
    items.chunks_exact_mut(this.code.size).for_each(<[u8]>::reverse);
    Ok(Value::NONE)
}

fn byteswap(_: &Thread, a: &[Value]) -> R {
    let this = receiver::<Array>(a[0]);
    this.items.lock().chunks_exact_mut(this.code.size).for_each(<[u8]>::reverse);
    Ok(Value::NONE)
}

fn from_list(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Array>(a[0]);
    let Some(list) = a[1].downcast::<List>() else { raise!(t, TypeError, "arg must be list") };
    let mut bytes = Vec::new();
    let len = list.len();
    for i in 0..len {
        let item = match list.get(i) {
            Some(v) => this.code.convert(t, v)?,
            None => raise!(t, RuntimeError, "list changed size during iteration"),
        };
        if list.len() != len {
            raise!(t, RuntimeError, "list changed size during iteration")
        }
        bytes.extend_from_slice(&item[..this.code.size]);
    }
    this.append_bytes(t, &bytes)?;
    Ok(Value::NONE)
}

fn from_bytes(t: &Thread, a: &[Value]) -> R {
    let buffer = get_buffer(t, a[1])?;
    // The array itself may be what is appended.
    let bytes = buffer.as_slice().to_vec();
    if buffer.itemsize != 1 && a[1].downcast::<Array>().is_none() {
        raise!(t, TypeError, "a bytes-like object is required")
    }
    drop(buffer);
    receiver::<Array>(a[0]).append_from_bytes(t, &bytes)?;
    Ok(Value::NONE)
}

fn from_file(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Array>(a[0]);
    let n = number::index_isize(t, a[2])?;
    if n < 0 {
        raise!(t, ValueError, "negative count")
    }
    let Some(wanted) = (n as usize).checked_mul(this.code.size).filter(|n| *n <= isize::MAX as usize) else {
        return Err(t.raise_value(t.runtime().memory_error.get()));
    };
    let read = call::call_method_text(t, a[1], "read", &[length(t, wanted)])?;
    let Some(bytes) = read.downcast::<Bytes>() else { raise!(t, TypeError, "read() didn't return bytes") };
    this.append_from_bytes(t, bytes.contents())?;
    if bytes.len() != wanted {
        raise!(t, EOFError, "read() didn't return enough bytes")
    }
    Ok(Value::NONE)
}

fn to_file(t: &Thread, a: &[Value]) -> R {
    const BLOCK: usize = 64 << 10;
    let bytes = receiver::<Array>(a[0]).snapshot();
    for block in bytes.chunks(BLOCK) {
        call::call_method_text(t, a[1], "write", &[Bytes::from_slice(t, block)?.value()])?;
    }
    Ok(Value::NONE)
}

fn from_unicode(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Array>(a[0]);
    let Some(s) = a[1].downcast::<Str>() else {
        raise!(t, TypeError, "fromunicode() argument must be str, not {}", a[1].class().display_name())
    };
    if this.code.kind != Kind::Text {
        raise!(t, ValueError, "fromunicode() may only be called on unicode type arrays ('u' or 'w')")
    }
    this.append_text(t, &s)?;
    Ok(Value::NONE)
}

fn to_unicode(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Array>(a[0]);
    if this.code.kind != Kind::Text {
        raise!(t, ValueError, "tounicode() may only be called on unicode type arrays ('u' or 'w')")
    }
    Ok(this.text(t)?.value())
}

fn buffer_info(t: &Thread, a: &[Value]) -> R {
    let items = receiver::<Array>(a[0]).items.lock().as_ptr() as usize;
    Ok(tuple(t, &[int::from_usize(t, items), length(t, receiver::<Array>(a[0]).len())]))
}

fn copy(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Array>(a[0]);
    Ok(plain(t, this.code, this.snapshot()))
}

pub(super) static METHODS: &[FnDef] = &[
    FnDef::def("append", "self, v, /", |t, a| {
        receiver::<Array>(a[0]).append(t, a[1])?;
        Ok(Value::NONE)
    })
    .doc("Append new value v to the end of the array."),
    FnDef::def("buffer_info", "self, /", buffer_info).doc(
        "Return a tuple (address, length) giving the current memory address and the length in items of the buffer used to hold array's \
              contents.",
    ),
    FnDef::def("byteswap", "self, /", byteswap).doc("Byteswap all items of the array."),
    FnDef::def("clear", "self, /", |t, a| {
        receiver::<Array>(a[0]).resize(t, Vec::clear)?;
        Ok(Value::NONE)
    })
    .doc("Remove all items from the array."),
    FnDef::def("count", "self, v, /", count).doc("Return number of occurrences of v in the array."),
    FnDef::def("extend", "self, bb, /", |t, a| {
        receiver::<Array>(a[0]).extend(t, a[1])?;
        Ok(Value::NONE)
    })
    .doc("Append items to the end of the array."),
    FnDef::def("frombytes", "self, buffer, /", from_bytes).doc(
        "Appends items from the string, interpreting it as an array of machine values, as if it had been read from a file using the \
              fromfile() method.",
    ),
    FnDef::def("fromfile", "self, f, n, /", from_file)
        .doc("Read n objects from the file object f and append them to the end of the array."),
    FnDef::def("fromlist", "self, list, /", from_list).doc("Append items to array from list."),
    FnDef::def("fromunicode", "self, ustr, /", from_unicode).doc("Extends this array with data from the unicode string ustr."),
    FnDef::def("index", "self, v, start=0, stop=sys.maxsize, /", index)
        .doc("Return index of first occurrence of v in the array.\n\nRaise ValueError if the value is not present."),
    FnDef::def("insert", "self, i, v, /", insert).doc("Insert a new item v into the array before position i."),
    FnDef::def("pop", "self, i=-1, /", pop).doc("Return the i-th element and delete it from the array.\n\ni defaults to -1."),
    FnDef::def("remove", "self, v, /", remove).doc("Remove the first occurrence of v in the array."),
    FnDef::def("reverse", "self, /", reverse).doc("Reverse the order of the items in the array."),
    FnDef::def("tobytes", "self, /", |t, a| Ok(Bytes::from_slice(t, &receiver::<Array>(a[0]).snapshot())?.value()))
        .doc("Convert the array to an array of machine values and return the bytes representation."),
    FnDef::def("tofile", "self, f, /", to_file).doc("Write all items (as machine values) to the file object f."),
    FnDef::def("tolist", "self, /", |t, a| Ok(receiver::<Array>(a[0]).to_list(t)?.value()))
        .doc("Convert array to an ordinary list with the same items."),
    FnDef::def("tounicode", "self, /", to_unicode).doc("Extends this array with data from the unicode string ustr."),
    FnDef::def("__copy__", "self, /", copy).doc("Return a copy of the array."),
    FnDef::def("__deepcopy__", "self, unused, /", copy).doc("Return a copy of the array."),
    FnDef::def("__reduce_ex__", "self, value, /", pickle::reduce).doc("Return state information for pickling."),
    FnDef::def("__sizeof__", "self, /", |t, a| {
        let size = size_of::<Array>() + receiver::<Array>(a[0]).items.lock().capacity();
        Ok(length(t, size))
    })
    .doc("Size of the array in memory, in bytes."),
    FnDef::class_def("__class_getitem__", "cls, object, /", |t, a| generic_alias::class_getitem(t, a[0], a[1])).doc("See PEP 585"),
];

pub(super) static GETSET: &[GetSet] = &[
    GetSet::getter("typecode", |t, v| Ok(Str::from_char(t, receiver::<Array>(v).code.letter as u32)?.value()))
        .doc("the typecode character used to create the array"),
    GetSet::getter("itemsize", |t, v| Ok(length(t, receiver::<Array>(v).code.size))).doc("the size, in bytes, of one array item"),
];
