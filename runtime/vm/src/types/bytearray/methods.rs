//! The methods of bytearray that bytes has not, and the list of all.

use super::{Bytearray, receiver};
use crate::args::FnDef;
use crate::names;
use crate::object::{R, ValueExt};
use crate::protocol::{call, number, sequence};
use crate::thread::Thread;
use crate::types::bytes_methods::{ByteText, byte_methods, is_iterable};
use crate::types::memory::get_buffer_opt;
use crate::types::{Str, Tuple, bytes, int};
use limpid_heap::Value;

pub(super) static METHODS: &[FnDef] = byte_methods![Bytearray;
    FnDef::def("append", "self, item, /", append).doc(
        "Append a single item to the end of the bytearray.\n\n  item\n    The item to be appended."),
    FnDef::def("clear", "self, /", |t, a| {
        receiver(a[0]).replace_all(t, &[])?;
        Ok(Value::NONE)
    })
    .doc("Remove all items from the bytearray."),
    FnDef::def("copy", "self, /", |t, a| Bytearray::make(t, Bytearray::contents(a[0]))).doc("Return a copy of B."),
    FnDef::def("extend", "self, iterable_of_ints, /", extend).doc(
        "Append all the items from the iterator or sequence to the bytearray.\n\n  iterable_of_ints\n    The iterable of items to append."),
    FnDef::def("insert", "self, index, item, /", insert).doc(
        "Insert a single item into the bytearray before the given index.\n\n  index\n    The index where the value is to be inserted.\n\
         \x20 item\n    The item to be inserted."),
    FnDef::def("pop", "self, index=-1, /", pop).doc(
        "Remove and return a single item from B.\n\n  index\n    The index from where to remove the item.\n    -1 (the default value) means remove \
         the last item.\n\nIf no index argument is given, will pop the last item."),
    FnDef::def("remove", "self, value, /", remove).doc(
        "Remove the first occurrence of a value in the bytearray.\n\n  value\n    The value to remove."),
    FnDef::def("resize", "self, size, /", resize).doc(
        "Resize the internal buffer of bytearray to len.\n\n  size\n    New size to resize to."),
    FnDef::def("reverse", "self, /", |t, a| {
        let array = receiver(a[0]);
        let _guard = t.lock(array);
        array.contents_mut().reverse();
        Ok(Value::NONE)
    })
    .doc("Reverse the order of the values in B in place."),
    FnDef::def("__alloc__", "self, /", |t, a| Ok(int::from_usize(t, receiver(a[0]).capacity()))).doc(
        "B.__alloc__() -> int\n\nReturn the number of bytes actually allocated."),
    FnDef::def("__reduce__", "self, /", |t, a| reduced(t, a[0], 2)).doc("Return state information for pickling."),
    FnDef::def("__reduce_ex__", "self, proto=0, /", |t, a| {
        let protocol = if a[1].is_null() { 0 } else { int::to_i32(t, a[1])? };
        reduced(t, a[0], protocol)
    })
    .doc("Return state information for pickling."),
    FnDef::def("__sizeof__", "self, /", |t, a| {
        Ok(int::from_usize(t, size_of::<Bytearray>() + receiver(a[0]).capacity()))
    })
    .doc("Returns the size of the bytearray object in memory, in bytes."),
];

fn append(t: &Thread, a: &[Value]) -> R {
    let b = int::to_byte_value(t, a[1], "bytearray")?;
    let array = receiver(a[0]);
    let len = array.len();
    array.splice(t, len, len, &[b])?;
    Ok(Value::NONE)
}

fn extend(t: &Thread, a: &[Value]) -> R {
    let array = receiver(a[0]);
    let contents = if a[0] == a[1] {
        array.contents().to_vec()
    } else if let Some(buffer) = get_buffer_opt(t, a[1])? {
        buffer.to_contiguous().into_owned()
    } else {
        if a[1].downcast::<Str>().is_some() {
            raise!(t, TypeError, "expected iterable of integers; got: 'str'")
        }
        if !is_iterable(a[1]) {
            raise!(t, TypeError, "can't extend bytearray with {}", a[1].class().display_name())
        }
        bytes::collect_bytes(t, a[1], "bytearray")?
    };
    let len = array.len();
    array.splice(t, len, len, &contents)?;
    Ok(Value::NONE)
}

fn insert(t: &Thread, a: &[Value]) -> R {
    let index = number::index_isize(t, a[1])?;
    let b = int::to_byte_value(t, a[2], "bytearray")?;
    let array = receiver(a[0]);
    let len = array.len() as isize;
    let at = if index < 0 { (index + len).max(0) } else { index.min(len) } as usize;
    array.splice(t, at, at, &[b])?;
    Ok(Value::NONE)
}

fn pop(t: &Thread, a: &[Value]) -> R {
    let index = if a[1].is_null() { -1 } else { number::index_isize(t, a[1])? };
    let array = receiver(a[0]);
    let contents = array.contents();
    if contents.is_empty() {
        raise!(t, IndexError, "pop from empty bytearray")
    }
    let Some(i) = sequence::resolve_index(index, contents.len()) else { raise!(t, IndexError, "pop index out of range") };
    let b = contents[i];
    array.splice(t, i, i + 1, &[])?;
    Ok(Value::int(b as i64))
}

fn remove(t: &Thread, a: &[Value]) -> R {
    let b = int::to_byte_value(t, a[1], "bytearray")?;
    let array = receiver(a[0]);
    let Some(i) = memchr::memchr(b, array.contents()) else { raise!(t, ValueError, "value not found in bytearray") };
    array.splice(t, i, i + 1, &[])?;
    Ok(Value::NONE)
}

fn resize(t: &Thread, a: &[Value]) -> R {
    let size = number::index_isize(t, a[1])?;
    if size < 0 {
        raise!(t, ValueError, "bytearray.resize(): new size must be >= 0, got {size}")
    }
    receiver(a[0]).resize(t, size as usize)?;
    Ok(Value::NONE)
}

/// `(class, arguments, state)`
fn reduced(t: &Thread, v: Value, protocol: i32) -> R {
    let state = call::call_method(t, v, names::__getstate__, &[])?;
    let contents = Bytearray::contents(v);
    let args = if protocol >= 3 {
        let copy = crate::types::Bytes::from_slice(t, contents)?;
        Tuple::from_slice(t, &[copy.value()])
    } else if contents.is_empty() {
        Tuple::from_slice(t, &[])
    } else {
        // As text, which old protocols can carry.
        let text = Str::from_latin1(t, contents)?;
        Tuple::from_slice(t, &[text.value(), Str::try_new(t, "latin-1")?.value()])
    };
    Ok(Tuple::from_slice(t, &[v.class().value(), args.value(), state]).value())
}
