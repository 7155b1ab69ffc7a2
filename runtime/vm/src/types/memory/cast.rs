//! `memoryview.cast`.

use super::item::{code_of, size_of_code};
use super::view::{Dims, Memoryview, Shown, c_strides};
use crate::object::{R, Ref, ValueExt};
use crate::protocol::{iter, number};
use crate::thread::Thread;
use crate::types::{List, Str, Tuple, int};
use limpid_heap::Value;

/// `view.cast(format, shape)`
pub(super) fn cast(t: &Thread, a: &[Value]) -> R {
    let view = crate::args::receiver::<Memoryview>(a[0]);
    view.check(t)?;
    let Some(format) = a[1].downcast::<Str>() else {
        raise!(t, TypeError, "cast() argument 'format' must be str, not {}", a[1].class().display_name())
    };
    if !view.is_c_contiguous() {
        raise!(t, TypeError, "memoryview: casts are restricted to C-contiguous views")
    }
    let dims = view.dims();
    let has_shape = !a[2].is_null() && !a[2].is_none();
    if (has_shape || view.dimensions() != 1) && (dims.shape.contains(&0) || dims.strides.contains(&0)) {
        raise!(t, TypeError, "memoryview: cannot cast view with zeros in shape or strides")
    }
    let mut shape = None;
    if has_shape {
        if a[2].downcast::<List>().is_none() && a[2].downcast::<Tuple>().is_none() {
            raise!(t, TypeError, "shape must be a list or a tuple")
        }
        let given = iter::to_tuple(t, a[2])?;
        if given.len() > super::MAX_DIMENSIONS {
            raise!(t, ValueError, "memoryview: number of dimensions must not exceed {}", super::MAX_DIMENSIONS)
        }
        if view.dimensions() != 1 && given.len() != 1 {
            raise!(t, TypeError, "memoryview: cast must be 1D -> ND or ND -> 1D")
        }
        shape = Some(given);
    }
    let itemsize = checked_formats(t, view, format)?;
    let bytes = view.byte_count();
    if !bytes.is_multiple_of(itemsize) {
        raise!(t, TypeError, "memoryview: length is not a multiple of itemsize")
    }
    let lengths = match shape {
        Some(shape) => checked_shape(t, shape, itemsize, bytes)?,
        None => vec![bytes / itemsize],
    };
    view.check(t)?;
    let strides = c_strides(&lengths, itemsize).into();
    let shown = Shown { ptr: view.data(), itemsize, format: format.value(), dims: Dims { shape: lengths.into(), strides } };
    Ok(view.derived(t, shown, view.is_readonly()).value())
}

/// The size of an item of the new format; one of the two formats must be bytes.
fn checked_formats(t: &Thread, view: Ref<Memoryview>, format: Ref<Str>) -> R<usize> {
    let from = view.raw_code();
    if from == 0 {
        raise!(t, ValueError, "memoryview: source format must be a native single character format prefixed with an optional '@'")
    }
    let to = code_of(format.value());
    if to == 0 {
        raise!(t, ValueError, "memoryview: destination format must be a native single character format prefixed with an optional '@'")
    }
    let is_byte = |code: u8| matches!(code, b'b' | b'B' | b'c');
    if !is_byte(from) && !is_byte(to) {
        raise!(t, TypeError, "memoryview: cannot cast between two non-byte formats")
    }
    Ok(size_of_code(to))
}

fn checked_shape(t: &Thread, shape: Ref<Tuple>, itemsize: usize, bytes: usize) -> R<Vec<usize>> {
    let mut lengths = Vec::with_capacity(shape.len());
    let mut total = itemsize;
    for v in shape.as_slice() {
        if !int::is_int(*v) {
            raise!(t, TypeError, "memoryview.cast(): elements of shape must be integers")
        }
        let n = number::index_isize(t, *v)?;
        if n <= 0 {
            raise!(t, ValueError, "memoryview.cast(): elements of shape must be integers > 0")
        }
        total = match total.checked_mul(n as usize).filter(|n| *n <= isize::MAX as usize) {
            Some(total) => total,
            None => raise!(t, ValueError, "memoryview.cast(): product(shape) > SSIZE_MAX"),
        };
        lengths.push(n as usize);
    }
    if total != bytes {
        raise!(t, TypeError, "memoryview: product(shape) * itemsize != buffer size")
    }
    Ok(lengths)
}
