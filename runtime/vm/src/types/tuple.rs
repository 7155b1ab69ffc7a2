//! `tuple`: header, length, items in one cell, never changed once it is published.

use crate::object::{R, Ref, Slot, header_of};
use crate::thread::Thread;
use crate::types::builtin;
use limpid_heap::{Header, Value};

/// The layout of a tuple.
#[repr(C)]
pub struct Tuple {
    header: Header,
    len: usize,
    items: [Slot; 0],
}

crate::layout!(Tuple, builtin::TUPLE, Array);

/// Bytes before the items.
pub const TUPLE_OVERHEAD: usize = size_of::<Tuple>();

impl Tuple {
    /// A tuple of these values.
    pub fn from_slice(t: &Thread, values: &[Value]) -> Ref<Tuple> {
        if values.is_empty() && builtin::is_ready() {
            // SAFETY: the empty tuple is a tuple.
            return unsafe { Ref::from_value(t.empty_tuple()) };
        }
        match Tuple::try_from_slice(t, values) {
            Ok(tuple) => tuple,
            Err(_) => {
                t.take_exception();
                // SAFETY: as above; the pending MemoryError request stops the program at its next poll.
                unsafe { Ref::from_value(t.empty_tuple()) }
            }
        }
    }

    /// A tuple of these values; MemoryError when there is no room.
    pub fn try_from_slice(t: &Thread, values: &[Value]) -> R<Ref<Tuple>> {
        // SAFETY: `init` fills all items.
        unsafe { Tuple::build(t, header_of::<Tuple>(), TUPLE_OVERHEAD + values.len() * 8, values) }
    }

    /// A cell whose layout begins with a tuple: `size` bytes in all, this header, these items.
    ///
    /// # Safety
    /// The header's kind is [`limpid_heap::Kind::Array`] and `size` has room for the items.
    pub unsafe fn build(t: &Thread, header: Header, size: usize, values: &[Value]) -> R<Ref<Tuple>> {
        let p = t.try_alloc_bytes(size, header)?.as_ptr() as *mut Tuple;
        // SAFETY: a new, zeroed cell with room for the items; young, so no barrier is needed.
        unsafe {
            std::ptr::copy_nonoverlapping(values.as_ptr(), (*p).items.as_ptr() as *mut Value, values.len());
            (*p).len = values.len();
            Ok(Ref::from_ptr(p))
        }
    }

    /// How many items it has.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Has it no items?
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The item at `i`.
    ///
    /// # Panics
    /// When `i` is out of range.
    #[inline(always)]
    pub fn get(&self, i: usize) -> Value {
        self.as_slice()[i]
    }

    /// The items.
    #[inline(always)]
    pub fn as_slice(&self) -> &[Value] {
        // SAFETY: `len` items, written before the tuple was published and never again.
        unsafe { std::slice::from_raw_parts(self.items.as_ptr() as *const Value, self.len) }
    }
}

impl Thread {
    /// `()`, of which there is one.
    #[inline(always)]
    pub fn empty_tuple(&self) -> Value {
        self.interpreter().empty_tuple.get()
    }
}
