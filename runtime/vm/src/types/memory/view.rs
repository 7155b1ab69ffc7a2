//! The layout of memoryviews, and what is known of their dimensions.

use super::manager::ManagedBuffer;
use super::{Buffer, get_buffer_with, item, request};
use crate::object::{R, Ref, Slot, ValueExt, header_of};
use crate::thread::Thread;
use crate::types::{Str, Tuple, builtin, int};
use limpid_heap::{Header, Value};
use smallvec::SmallVec;
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicUsize, Ordering};

const RELEASED: u8 = 1;
const READONLY: u8 = 2;

/// The layout of a memoryview.
#[repr(C)]
pub struct Memoryview {
    header: Header,
    manager: Slot,
    /// A str, NULL for unsigned bytes.
    format: Slot,
    /// Tuples, or NULL for the view of one dimension, which the next two fields describe.
    shape: Slot,
    strides: Slot,
    /// The length and the distance of items in the first dimension.
    len: usize,
    stride: isize,
    ptr: *mut u8,
    itemsize: usize,
    dimensions: u8,
    /// The character of the format, 0 for one that cannot be read.
    code: u8,
    state: AtomicU8,
    /// Buffers of the view itself that are in use.
    exports: AtomicUsize,
    /// -1: not computed yet.
    hash: AtomicI64,
}

crate::layout!(Memoryview, builtin::MEMORYVIEW, Mixed);

/// Shape and strides.
#[derive(Clone, Debug)]
pub(super) struct Dims {
    pub shape: SmallVec<[usize; 4]>,
    pub strides: SmallVec<[isize; 4]>,
}

/// What a view shows.
pub(super) struct Shown {
    pub ptr: *mut u8,
    pub itemsize: usize,
    pub format: Value,
    pub dims: Dims,
}

/// `memoryview(v)`
pub fn of_object(t: &Thread, v: Value) -> R {
    with_flags(t, v, request::FULL_RO)
}

/// A memoryview of an object whose buffer is asked for with these flags.
pub(super) fn with_flags(t: &Thread, v: Value, flags: u32) -> R {
    if let Some(view) = v.downcast::<Memoryview>() {
        view.check(t)?;
        if flags & request::WRITABLE != 0 && view.is_readonly() {
            raise!(t, BufferError, "memoryview: underlying buffer is not writable")
        }
        return Ok(view.same(t).value());
    }
    if v.class().slots().buffer.is_none() {
        raise!(t, TypeError, "memoryview: a bytes-like object is required, not '{}'", v.class().display_name())
    }
    from_buffer(t, get_buffer_with(t, v, flags)?)
}

/// A memoryview of memory that no object lends, which must live as long as the process. For the standard library.
pub fn from_memory(t: &Thread, ptr: *mut u8, len: usize, readonly: bool) -> R {
    let buffer = Buffer::simple(t, Value::NULL, Value::NULL, ptr, len, readonly, request::SIMPLE)?;
    from_buffer(t, buffer)
}

/// A memoryview that holds a buffer.
pub(super) fn from_buffer(t: &Thread, buffer: Buffer) -> R {
    if buffer.dimensions() > super::MAX_DIMENSIONS {
        raise!(t, ValueError, "memoryview: number of dimensions must not exceed {}", super::MAX_DIMENSIONS)
    }
    let shown = Shown {
        ptr: buffer.ptr,
        itemsize: buffer.itemsize,
        format: buffer.format,
        dims: Dims { shape: buffer.shape_vec().into(), strides: buffer.strides_vec().into() },
    };
    let readonly = buffer.readonly;
    let manager = ManagedBuffer::new(t, buffer);
    Ok(make(t, manager, shown, readonly).value())
}

fn make(t: &Thread, manager: Ref<ManagedBuffer>, shown: Shown, readonly: bool) -> Ref<Memoryview> {
    let Shown { ptr, itemsize, format, dims } = shown;
    let one = dims.shape.len() == 1;
    let (shape, strides) = if one {
        (Value::NULL, Value::NULL)
    } else {
        (tuple_of(t, dims.shape.iter().map(|n| *n as i64)), tuple_of(t, dims.strides.iter().map(|n| *n as i64)))
    };
    t.alloc(Memoryview {
        header: header_of::<Memoryview>(),
        manager: Slot::new(manager.value()),
        format: Slot::new(format),
        shape: Slot::new(shape),
        strides: Slot::new(strides),
        len: dims.shape.first().copied().unwrap_or(1),
        stride: dims.strides.first().copied().unwrap_or(0),
        ptr,
        itemsize,
        dimensions: dims.shape.len() as u8,
        code: item::code_of(format),
        state: AtomicU8::new(if readonly { READONLY } else { 0 }),
        exports: AtomicUsize::new(0),
        hash: AtomicI64::new(-1),
    })
}

pub(super) fn tuple_of(t: &Thread, numbers: impl Iterator<Item = i64>) -> Value {
    let values: SmallVec<[Value; 8]> = numbers.map(|n| int::from_i64(t, n)).collect();
    // Lengths and distances of up to 2**48 are no cells, so nothing of the array has to be traced.
    Tuple::from_slice(t, &values).value()
}

impl Memoryview {
    /// Raises ValueError when it is released.
    #[inline]
    pub(super) fn check(&self, t: &Thread) -> R<()> {
        if self.is_released() {
            raise!(t, ValueError, "operation forbidden on released memoryview object")
        }
        Ok(())
    }

    pub(super) fn is_released(&self) -> bool {
        self.state.load(Ordering::Acquire) & RELEASED != 0
    }

    pub(super) fn is_readonly(&self) -> bool {
        self.state.load(Ordering::Relaxed) & READONLY != 0
    }

    pub(super) fn manager(&self) -> Ref<ManagedBuffer> {
        // SAFETY: the field always refers to a managed buffer.
        unsafe { Ref::from_value(self.manager.get()) }
    }

    /// The object that lends the memory, or None.
    pub(super) fn owner(&self) -> Value {
        super::manager::owner_or_none(self.manager().owner.get())
    }

    pub(super) fn data(&self) -> *mut u8 {
        self.ptr
    }

    pub(super) fn itemsize(&self) -> usize {
        self.itemsize
    }

    pub(super) fn dimensions(&self) -> usize {
        self.dimensions as usize
    }

    /// The length of the first dimension.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The distance of items in the first dimension.
    pub(super) fn stride(&self) -> isize {
        self.stride
    }

    /// The character of the format; NotImplementedError for one that cannot be read.
    pub(super) fn code(&self, t: &Thread) -> R<u8> {
        if self.code == 0 {
            raise!(t, NotImplementedError, "memoryview: unsupported format {}", self.format_text())
        }
        Ok(self.code)
    }

    /// As [`Memoryview::code`], 0 for one that cannot be read.
    pub(super) fn raw_code(&self) -> u8 {
        self.code
    }

    pub(super) fn format(&self) -> Value {
        self.format.get()
    }

    pub(super) fn format_text(&self) -> String {
        self.format.get().downcast::<Str>().map_or("B".into(), |s| s.to_string_lossy().into_owned())
    }

    pub(super) fn dims(&self) -> Dims {
        if self.dimensions == 1 {
            return Dims { shape: SmallVec::from_slice(&[self.len]), strides: SmallVec::from_slice(&[self.stride]) };
        }
        let numbers = |v: Value| {
            v.downcast::<Tuple>().map(|t| t.as_slice().iter().map(|v| int::as_i64_opt(*v).unwrap_or(0)).collect::<SmallVec<[i64; 4]>>())
        };
        Dims {
            shape: numbers(self.shape.get()).unwrap_or_default().iter().map(|n| *n as usize).collect(),
            strides: numbers(self.strides.get()).unwrap_or_default().iter().map(|n| *n as isize).collect(),
        }
    }

    /// How many bytes all items together have.
    pub(super) fn byte_count(&self) -> usize {
        if self.dimensions == 1 { self.len * self.itemsize } else { self.dims().count() * self.itemsize }
    }

    pub(super) fn is_c_contiguous(&self) -> bool {
        if self.dimensions == 1 {
            return self.len <= 1 || self.stride == self.itemsize as isize;
        }
        let dims = self.dims();
        is_c_contiguous(&dims.shape, &dims.strides, self.itemsize)
    }

    pub(super) fn is_f_contiguous(&self) -> bool {
        if self.dimensions == 1 {
            return self.is_c_contiguous();
        }
        let mut dims = self.dims();
        dims.shape.reverse();
        dims.strides.reverse();
        is_c_contiguous(&dims.shape, &dims.strides, self.itemsize)
    }

    /// A buffer of the view is no longer used.
    pub(super) fn end_export(&self) {
        self.exports.fetch_sub(1, Ordering::AcqRel);
    }

    pub(super) fn hash_word(&self) -> &AtomicI64 {
        &self.hash
    }
}

impl Dims {
    /// How many items there are.
    pub(super) fn count(&self) -> usize {
        self.shape.iter().product()
    }
}

impl Ref<Memoryview> {
    /// Another view of the same buffer.
    pub(super) fn derived(self, t: &Thread, shown: Shown, readonly: bool) -> Ref<Memoryview> {
        self.manager().add_view();
        make(t, self.manager(), shown, readonly)
    }

    /// Another view that shows the same.
    pub(super) fn same(self, t: &Thread) -> Ref<Memoryview> {
        self.derived(t, self.shown(), self.is_readonly())
    }

    /// A view of the bytes in the order in which they lie in memory; BufferError when there are gaps between them.
    pub fn flattened(self, t: &Thread) -> R {
        self.check(t)?;
        if !self.is_c_contiguous() && !self.is_f_contiguous() {
            raise!(t, BufferError, "cannot extract raw buffer from non-contiguous buffer")
        }
        let dims = Dims { shape: [self.byte_count()].as_slice().into(), strides: [1].as_slice().into() };
        Ok(self.derived(t, Shown { ptr: self.ptr, itemsize: 1, format: Value::NULL, dims }, self.is_readonly()).value())
    }

    pub(super) fn shown(self) -> Shown {
        Shown { ptr: self.ptr, itemsize: self.itemsize, format: self.format.get(), dims: self.dims() }
    }

    /// `release()`
    pub(super) fn release(self, t: &Thread) -> R<()> {
        if self.is_released() {
            return Ok(());
        }
        super::release_garbage(t, &self.exports)?;
        match self.exports.load(Ordering::Acquire) {
            0 => {}
            n => raise!(t, BufferError, "memoryview has {n} exported buffer{}", if n == 1 { "" } else { "s" }),
        }
        if self.state.fetch_or(RELEASED, Ordering::AcqRel) & RELEASED == 0 {
            self.manager().drop_view(t);
        }
        Ok(())
    }

    /// The slot `buffer`.
    pub(super) fn export(self, t: &Thread, flags: u32) -> R<Buffer> {
        self.check(t)?;
        let wants = |flag: u32| flags & flag == flag;
        if flags & request::WRITABLE != 0 && self.is_readonly() {
            raise!(t, BufferError, "memoryview: underlying buffer is not writable")
        }
        if wants(request::C_CONTIGUOUS) && !self.is_c_contiguous() || !wants(request::STRIDES) && !self.is_c_contiguous() {
            raise!(t, BufferError, "memoryview: underlying buffer is not C-contiguous")
        }
        if wants(request::F_CONTIGUOUS) && !self.is_f_contiguous() {
            raise!(t, BufferError, "memoryview: underlying buffer is not Fortran contiguous")
        }
        if wants(request::ANY_CONTIGUOUS) && !self.is_c_contiguous() && !self.is_f_contiguous() {
            raise!(t, BufferError, "memoryview: underlying buffer is not contiguous")
        }
        let formatted = flags & request::FORMAT != 0;
        if formatted && !wants(request::ND) {
            raise!(t, BufferError, "memoryview: cannot cast to unsigned bytes if the format flag is present")
        }
        let dims = self.dims();
        let plain = dims.shape.len() == 1;
        let mut buffer = Buffer::simple(t, self.value(), self.value(), self.ptr, dims.count() * self.itemsize, self.is_readonly(), 0)?;
        if wants(request::ND) {
            buffer.itemsize = self.itemsize;
            if !plain {
                buffer.shape = self.shape.get();
            }
        }
        if formatted {
            buffer.format = self.format.get();
        }
        if wants(request::STRIDES) && !self.is_c_contiguous() {
            buffer.shape = tuple_of(t, dims.shape.iter().map(|n| *n as i64));
            buffer.strides = tuple_of(t, dims.strides.iter().map(|n| *n as i64));
        }
        self.exports.fetch_add(1, Ordering::AcqRel);
        Ok(buffer.released_by(|_, owner| {
            crate::args::receiver::<Memoryview>(owner).end_export();
        }))
    }

    /// The bytes of a contiguous view.
    pub(super) fn bytes<'a>(self) -> &'a [u8] {
        debug_assert!(self.is_c_contiguous());
        // SAFETY: the managed buffer lends that many bytes; the caller holds the view.
        unsafe { std::slice::from_raw_parts(self.ptr, self.byte_count()) }
    }
}

/// The distances of items without gaps, the last index running fastest.
pub(super) fn c_strides(shape: &[usize], itemsize: usize) -> Vec<isize> {
    let mut strides = vec![itemsize as isize; shape.len()];
    for i in (1..shape.len()).rev() {
        strides[i - 1] = strides[i] * shape[i] as isize;
    }
    strides
}

/// Are there no gaps, the last index running fastest?
pub(super) fn is_c_contiguous(shape: &[usize], strides: &[isize], itemsize: usize) -> bool {
    if shape.contains(&0) {
        return true;
    }
    let mut expected = itemsize as isize;
    for (n, stride) in shape.iter().zip(strides).rev() {
        if *n > 1 && *stride != expected {
            return false;
        }
        expected *= *n as isize;
    }
    true
}

/// Calls `f` with the bytes of each item, the last index running fastest.
///
/// # Safety
/// `ptr` with these dimensions describes readable memory.
pub(super) unsafe fn copy_items(ptr: *const u8, shape: &[usize], strides: &[isize], itemsize: usize, f: &mut dyn FnMut(&[u8])) {
    match (shape, strides) {
        // SAFETY: by contract.
        ([], _) | (_, []) => f(unsafe { std::slice::from_raw_parts(ptr, itemsize) }),
        ([n, shape @ ..], [stride, strides @ ..]) => {
            for i in 0..*n {
                // SAFETY: by contract.
                unsafe { copy_items(ptr.offset(i as isize * stride), shape, strides, itemsize, f) };
            }
        }
    }
}
