//! The buffer protocol: memory that one object lends to others, and `memoryview`, which shows it to Python programs.
//!
//! A [`Buffer`] is what the slot `buffer` of a type gives: where the bytes are and how they are to be read. It lives on the native stack,
//! keeps the owner alive, and tells the owner when it is dropped. A memoryview holds one for longer, in a heap cell ([`manager`]).

use crate::exc;
use crate::object::{R, ValueExt};
use crate::runtime;
use crate::thread::Thread;
use crate::types::{Tuple, int};
use limpid_heap::Value;
use std::borrow::Cow;

mod cast;
mod compare;
mod index;
mod item;
mod iterator;
mod manager;
mod methods;
mod python;
mod view;

pub use item::{f64_to_half, half_to_f64};
pub use iterator::MEMORY_ITERATOR_DEF;
pub use manager::{MANAGED_BUFFER_DEF, release_garbage, release_unreachable};
pub use methods::MEMORYVIEW_DEF;
pub use python::{buffer_method, python_buffer, release_method};
pub use view::{Memoryview, from_memory, of_object};

/// What a borrower asks for; CPython's numbers (`inspect.BufferFlags`).
pub mod request {
    /// Just bytes.
    pub const SIMPLE: u32 = 0;
    /// They must be writable.
    pub const WRITABLE: u32 = 1;
    /// The items' format.
    pub const FORMAT: u32 = 4;
    /// The lengths of the dimensions.
    pub const ND: u32 = 8;
    /// The distances of the items.
    pub const STRIDES: u32 = 0x10 | ND;
    /// Without gaps, the last index running fastest.
    pub const C_CONTIGUOUS: u32 = 0x20 | STRIDES;
    /// Without gaps, the first index running fastest.
    pub const F_CONTIGUOUS: u32 = 0x40 | STRIDES;
    /// Without gaps.
    pub const ANY_CONTIGUOUS: u32 = 0x80 | STRIDES;
    /// Any layout.
    pub const INDIRECT: u32 = 0x100 | STRIDES;
    /// Everything there is to know, read-only or not.
    pub const FULL_RO: u32 = INDIRECT | FORMAT;
}

/// The most dimensions that a buffer may have.
pub const MAX_DIMENSIONS: usize = 64;

/// Tells the owner that a buffer is no longer used: gets the thread and the buffer's `owner`.
pub type Release = fn(&Thread, Value);

/// Memory of an object, lent until it is dropped.
pub struct Buffer {
    /// The object that lends it, `memoryview.obj`; None when there is none.
    pub owner: Value,
    /// The heap cell that the bytes are in; NULL when they are elsewhere. Keeping it alive keeps the bytes valid.
    pub backing: Value,
    /// Where the first item is.
    pub ptr: *mut u8,
    /// How many bytes all items together have.
    pub len: usize,
    /// How many bytes an item has.
    pub itemsize: usize,
    /// Must they not be written?
    pub readonly: bool,
    /// The format of an item as the module struct writes it, a str; NULL for unsigned bytes.
    pub format: Value,
    /// The length of each dimension, a tuple; NULL for one dimension.
    pub shape: Value,
    /// The distance of items in each dimension in bytes, a tuple; NULL when there are no gaps and the last index runs fastest.
    pub strides: Value,
    release: Option<Release>,
    /// Passed to `release`: the owner, or what it wants instead.
    token: Value,
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let (Some(release), Some(t)) = (self.release, runtime::current()) {
            release(t, self.token);
        }
    }
}

impl Buffer {
    /// A buffer of unsigned bytes; BufferError when a writable one is asked for and it is read-only.
    #[inline]
    pub fn simple(t: &Thread, owner: Value, backing: Value, ptr: *mut u8, len: usize, readonly: bool, flags: u32) -> R<Buffer> {
        if readonly && flags & request::WRITABLE != 0 {
            raise!(t, BufferError, "Object is not writable.")
        }
        Ok(Buffer {
            owner,
            backing,
            ptr,
            len,
            itemsize: 1,
            readonly,
            format: Value::NULL,
            shape: Value::NULL,
            strides: Value::NULL,
            release: None,
            token: Value::NULL,
        })
    }

    /// The same buffer, whose end its owner is told of.
    #[inline]
    pub fn released_by(mut self, release: Release) -> Buffer {
        self.token = self.owner;
        self.release = Some(release);
        self
    }

    /// As [`Buffer::released_by`], with something else than the owner for the function.
    fn released_with(mut self, release: Release, token: Value) -> Buffer {
        self.token = token;
        self.release = Some(release);
        self
    }

    /// Does somebody want to know when it is no longer used?
    fn takes_release(&mut self) -> Option<Release> {
        self.release.take()
    }

    /// How many dimensions it has.
    pub fn dimensions(&self) -> usize {
        self.shape.downcast::<Tuple>().map_or(1, |s| s.len())
    }

    /// Are the items one after the other, the last index running fastest?
    pub fn is_contiguous(&self) -> bool {
        self.strides.is_null() || view::is_c_contiguous(&self.shape_vec(), &self.strides_vec(), self.itemsize)
    }

    /// The length of each dimension.
    pub fn shape_vec(&self) -> Vec<usize> {
        match self.shape.downcast::<Tuple>() {
            Some(shape) => shape.as_slice().iter().map(|v| int::as_i64_opt(*v).unwrap_or(0) as usize).collect(),
            None => vec![self.len / self.itemsize.max(1)],
        }
    }

    /// The distance of items in each dimension.
    pub fn strides_vec(&self) -> Vec<isize> {
        match self.strides.downcast::<Tuple>() {
            Some(strides) => strides.as_slice().iter().map(|v| int::as_i64_opt(*v).unwrap_or(0) as isize).collect(),
            None => view::c_strides(&self.shape_vec(), self.itemsize),
        }
    }

    /// The bytes of a contiguous buffer. Another thread may write them meanwhile.
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        debug_assert!(self.is_contiguous());
        // SAFETY: the owner lends `len` bytes until the buffer is dropped.
        unsafe { std::slice::from_raw_parts(self.ptr, self.len) }
    }

    /// The bytes of a contiguous buffer that was asked for as writable.
    #[inline]
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        debug_assert!(!self.readonly && self.is_contiguous());
        // SAFETY: as in `as_slice`, and the owner lets them be written.
        unsafe { std::slice::from_raw_parts_mut(self.ptr, self.len) }
    }

    /// The bytes of all items in order, copied if there are gaps.
    pub fn to_contiguous(&self) -> Cow<'_, [u8]> {
        if self.is_contiguous() {
            return Cow::Borrowed(self.as_slice());
        }
        let mut out = Vec::with_capacity(self.len);
        // SAFETY: the owner lends the items that shape and strides describe.
        unsafe {
            view::copy_items(self.ptr, &self.shape_vec(), &self.strides_vec(), self.itemsize, &mut |item| out.extend_from_slice(item))
        };
        Cow::Owned(out)
    }
}

/// The contiguous bytes of an object; TypeError when it has no buffer.
#[inline]
pub fn get_buffer(t: &Thread, v: Value) -> R<Buffer> {
    match v.class().slots().buffer {
        Some(f) => contiguous(t, f(t, v, request::SIMPLE)?),
        None => not_bytes_like(t, v),
    }
}

#[cold]
fn not_bytes_like<T>(t: &Thread, v: Value) -> R<T> {
    raise!(t, TypeError, "a bytes-like object is required, not '{}'", v.class().display_name())
}

/// A simple request is for memory without gaps.
fn contiguous(t: &Thread, buffer: Buffer) -> R<Buffer> {
    if buffer.is_contiguous() {
        return Ok(buffer);
    }
    raise!(t, BufferError, "memoryview: underlying buffer is not C-contiguous")
}

/// As [`get_buffer`]; None when it has none. The layout is any ([`Buffer::to_contiguous`]).
#[inline]
pub fn get_buffer_opt(t: &Thread, v: Value) -> R<Option<Buffer>> {
    match v.class().slots().buffer {
        Some(f) => f(t, v, request::FULL_RO).map(Some),
        None => Ok(None),
    }
}

/// The contiguous bytes of an object, to be written; `what` names the argument in the error: `"readinto() argument"`.
pub fn get_writable_buffer(t: &Thread, v: Value, what: &str) -> R<Buffer> {
    let made = match v.class().slots().buffer {
        Some(f) => f(t, v, request::WRITABLE),
        None => not_bytes_like(t, v),
    };
    match made {
        Ok(buffer) => contiguous(t, buffer),
        Err(raised) if t.exception_is(exc::BufferError) || t.exception_is(exc::TypeError) => {
            let _ = raised;
            t.take_exception();
            raise!(t, TypeError, "{what} must be read-write bytes-like object, not {}", v.class().display_name())
        }
        Err(raised) => Err(raised),
    }
}

/// The buffer of an object as these [`request`] flags ask for it.
pub fn get_buffer_with(t: &Thread, v: Value, flags: u32) -> R<Buffer> {
    match v.class().slots().buffer {
        Some(f) => f(t, v, flags),
        None => not_bytes_like(t, v),
    }
}

/// Has the object a buffer?
#[inline]
pub fn has_buffer(v: Value) -> bool {
    v.class().slots().buffer.is_some()
}
