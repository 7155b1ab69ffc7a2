//! Subscripts of memoryviews.

use super::item::{self, size_of_code};
use super::view::{Dims, Memoryview, Shown};
use super::{get_buffer_with, request};
use crate::object::{R, Ref, ValueExt};
use crate::protocol::sequence;
use crate::thread::Thread;
use crate::types::Tuple;
use crate::types::slice::{Indices, Slice, indices};
use crate::types::str::numeric_text;
use limpid_heap::Value;

/// What a key stands for.
enum Key {
    /// `...`, or `()` in a view without dimensions.
    Everything {
        scalar: bool,
    },
    Index(isize),
    Slice(Ref<Slice>),
    Indices(Ref<Tuple>),
}

fn parse_key(t: &Thread, view: Ref<Memoryview>, key: Value) -> R<Key> {
    if view.dimensions() == 0 {
        return match key.exact::<Tuple>() {
            Some(tuple) if tuple.is_empty() => Ok(Key::Everything { scalar: true }),
            _ if key == Value::ELLIPSIS => Ok(Key::Everything { scalar: false }),
            _ => raise!(t, TypeError, "invalid indexing of 0-dim memory"),
        };
    }
    if sequence::is_index(key) {
        return Ok(Key::Index(sequence::index_of_key(t, key)?));
    }
    if let Some(slice) = key.downcast::<Slice>() {
        return Ok(Key::Slice(slice));
    }
    if let Some(tuple) = key.downcast::<Tuple>() {
        if tuple.as_slice().iter().all(|v| sequence::is_index(*v)) {
            return Ok(Key::Indices(tuple));
        }
        if tuple.as_slice().iter().all(|v| v.downcast::<Slice>().is_some()) {
            raise!(t, NotImplementedError, "multi-dimensional slicing is not implemented")
        }
    }
    raise!(t, TypeError, "memoryview: invalid slice key")
}

/// Where item `index` of a dimension is.
fn offset(t: &Thread, dims: &Dims, dimension: usize, index: isize) -> R<isize> {
    match sequence::resolve_index(index, dims.shape[dimension]) {
        Some(i) => Ok(i as isize * dims.strides[dimension]),
        None => raise!(t, IndexError, "index out of bounds on dimension {}", dimension + 1),
    }
}

/// Where the item with these indices is.
fn item_at(t: &Thread, view: Ref<Memoryview>, key: Ref<Tuple>) -> R<*mut u8> {
    let dims = view.dims();
    let (wanted, given) = (dims.shape.len(), key.len());
    if given < wanted {
        raise!(t, NotImplementedError, "sub-views are not implemented")
    }
    if given > wanted {
        raise!(t, TypeError, "cannot index {wanted}-dimension view with {given}-element tuple")
    }
    let mut ptr = view.data();
    for (i, v) in key.as_slice().iter().enumerate() {
        let index = sequence::index_of_key(t, *v)?;
        // SAFETY: the offset is inside the memory that the dimensions describe.
        ptr = unsafe { ptr.offset(offset(t, &dims, i, index)?) };
    }
    Ok(ptr)
}

/// Where item `index` of a view of one dimension is.
#[inline]
fn single_item(t: &Thread, view: Ref<Memoryview>, index: isize) -> R<*mut u8> {
    if view.dimensions() != 1 {
        raise!(t, NotImplementedError, "multi-dimensional sub-views are not implemented")
    }
    match sequence::resolve_index(index, view.len()) {
        // SAFETY: inside the memory that the view describes.
        Some(i) => Ok(unsafe { view.data().offset(i as isize * view.stride()) }),
        None => raise!(t, IndexError, "index out of bounds on dimension 1"),
    }
}

/// The item at a known index, for iteration and search.
pub(super) fn nth(t: &Thread, view: Ref<Memoryview>, i: usize) -> R {
    view.check(t)?;
    let code = view.code(t)?;
    let ptr = single_item(t, view, i as isize)?;
    // SAFETY: an item of the view.
    unsafe { item::unpack(t, code, ptr) }
}

pub(super) fn get_item(t: &Thread, v: Value, key: Value) -> R {
    let view = crate::args::receiver::<Memoryview>(v);
    view.check(t)?;
    let ptr = match parse_key(t, view, key)? {
        Key::Everything { scalar: false } => return Ok(v),
        Key::Everything { scalar: true } => view.data(),
        Key::Index(i) => {
            view.code(t)?;
            single_item(t, view, i)?
        }
        Key::Indices(tuple) => {
            view.code(t)?;
            item_at(t, view, tuple)?
        }
        Key::Slice(slice) => {
            let range = indices(t, slice, view.dims().shape[0])?;
            view.check(t)?;
            return Ok(view.derived(t, sliced(view, range), view.is_readonly()).value());
        }
    };
    // Reading the key may have run Python code that released the view.
    view.check(t)?;
    // SAFETY: an item of the view.
    unsafe { item::unpack(t, view.code(t)?, ptr) }
}

/// What a slice of a view's first dimension shows.
fn sliced(view: Ref<Memoryview>, range: Indices) -> Shown {
    let mut shown = view.shown();
    // SAFETY: inside the memory that the view describes, or one past its end.
    shown.ptr = unsafe { shown.ptr.offset(range.start * view.stride()) };
    shown.dims.shape[0] = range.len;
    shown.dims.strides[0] = view.stride() * range.step;
    shown
}

pub(super) fn set_item(t: &Thread, v: Value, key: Value, value: Value) -> R<()> {
    let view = crate::args::receiver::<Memoryview>(v);
    view.check(t)?;
    view.code(t)?;
    if view.is_readonly() {
        raise!(t, TypeError, "cannot modify read-only memory")
    }
    if value.is_null() {
        raise!(t, TypeError, "cannot delete memory")
    }
    let ptr = match parse_key(t, view, key)? {
        Key::Everything { .. } => view.data(),
        Key::Index(i) => single_item(t, view, i)?,
        Key::Indices(tuple) => item_at(t, view, tuple)?,
        Key::Slice(slice) => return assign_slice(t, view, slice, value),
    };
    // Converting the value may run Python code that releases the view: it is written aside first.
    let mut item = [0u8; 8];
    let code = view.code(t)?;
    // SAFETY: the local array is large enough for every format.
    unsafe { item::pack(t, code, item.as_mut_ptr(), value)? };
    view.check(t)?;
    // SAFETY: an item of the view, which is writable.
    unsafe { std::ptr::copy_nonoverlapping(item.as_ptr(), ptr, size_of_code(code)) };
    Ok(())
}

/// `view[slice] = value`: of the same format and length.
fn assign_slice(t: &Thread, view: Ref<Memoryview>, slice: Ref<Slice>, value: Value) -> R<()> {
    if view.dimensions() != 1 {
        raise!(t, NotImplementedError, "memoryview slice assignments are currently restricted to ndim = 1")
    }
    let source = get_buffer_with(t, value, request::FULL_RO)?;
    let range = indices(t, slice, view.len())?;
    view.check(t)?;
    let same = source.dimensions() == 1
        && source.itemsize == view.itemsize()
        && plain_format(source.format) == plain_format(view.format())
        && source.shape_vec()[0] == range.len;
    if !same {
        raise!(t, ValueError, "memoryview assignment: lvalue and rvalue have different structures")
    }
    let size = view.itemsize();
    let target = sliced(view, range);
    let contents = source.to_contiguous();
    if target.dims.strides[0] == size as isize {
        // SAFETY: both describe `range.len` items, which may overlap.
        unsafe { std::ptr::copy(contents.as_ptr(), target.ptr, contents.len()) };
        return Ok(());
    }
    // The source may be the same memory.
    let contents = contents.into_owned();
    for (i, item) in contents.chunks_exact(size).enumerate() {
        // SAFETY: an item of the view, which is writable.
        unsafe { std::ptr::copy_nonoverlapping(item.as_ptr(), target.ptr.offset(i as isize * target.dims.strides[0]), size) };
    }
    Ok(())
}

/// A format without the mark of native formats.
fn plain_format(format: Value) -> Vec<u8> {
    let Some(s) = format.downcast::<crate::types::Str>() else { return b"B".to_vec() };
    let text = numeric_text(s);
    text.strip_prefix(b"@").unwrap_or(&text).to_vec()
}
