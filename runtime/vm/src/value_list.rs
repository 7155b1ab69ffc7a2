//! A growable array of values in the heap: what native code uses where it would use `Vec<Value>`.
//!
//! The array is one cell of kind [`Kind::Array`]: header, length, values. A [`ValueList`] is just a reference to it, so it is kept alive
//! by being in a local variable or in a slot; growing makes a new cell. It is not for sharing between threads without a lock: readers
//! see the length first and then initialised values, but two writers would lose one's push.

use crate::object::{Ref, Slot};
use crate::thread::Thread;
use limpid_heap::{Header, Kind, ShapeRef, Value};
use std::sync::atomic::{AtomicUsize, Ordering};

#[repr(C)]
pub(crate) struct Array {
    header: Header,
    pub(crate) len: AtomicUsize,
    pub(crate) items: [Slot; 0],
}

const OVERHEAD: usize = size_of::<Array>();

/// A reference to a growable array of values; see the module's page.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ValueList {
    array: Ref<Array>,
    /// How many values there is room for; it is the same for as long as the array is.
    capacity: usize,
}

impl ValueList {
    /// An empty list with room for `capacity` values.
    pub fn with_capacity(t: &Thread, capacity: usize) -> ValueList {
        let p = t.mutator.alloc_any(OVERHEAD + capacity.max(2) * 8, Header::new(ShapeRef::NONE, Kind::Array, 0));
        // SAFETY: a new, zeroed cell of an Array.
        ValueList::of_array(unsafe { Ref::from_ptr(p.as_ptr() as *mut Array) })
    }

    /// An empty list.
    pub fn new(t: &Thread) -> ValueList {
        ValueList::with_capacity(t, 4)
    }

    /// A list of these values.
    pub fn from_slice(t: &Thread, values: &[Value]) -> ValueList {
        let list = ValueList::with_capacity(t, values.len());
        // SAFETY: the array is new, so that no barrier is needed, and has room for the values.
        unsafe { std::ptr::copy_nonoverlapping(values.as_ptr(), list.array.items.as_ptr() as *mut Value, values.len()) };
        list.array.len.store(values.len(), Ordering::Release);
        list
    }

    /// The list kept in a slot by [`ValueList::cell`].
    pub fn from_cell(cell: Value) -> ValueList {
        // SAFETY: only values made by `cell` are passed here.
        ValueList::of_array(unsafe { Ref::from_value(cell) })
    }

    fn of_array(array: Ref<Array>) -> ValueList {
        ValueList { array, capacity: (limpid_heap::cell_size(array.value()) - OVERHEAD - 1) / 8 }
    }

    /// The value at `i` of the list kept in a slot, if it is that long. Less work than [`ValueList::from_cell`], which finds out how much
    /// room there is.
    #[inline(always)]
    pub fn item(cell: Value, i: usize) -> Option<Value> {
        // SAFETY: only values made by `cell` are passed here.
        let array = unsafe { Ref::<Array>::from_value(cell) };
        // SAFETY: below the length there are initialised values.
        (i < array.len.load(Ordering::Acquire)).then(|| unsafe { (*array.items.as_ptr().add(i)).get() })
    }

    /// The array itself, to be kept in a slot. Never shown to a Python program.
    #[inline(always)]
    pub fn cell(self) -> Value {
        self.array.value()
    }

    /// How many values it holds.
    #[inline(always)]
    pub fn len(self) -> usize {
        self.array.len.load(Ordering::Acquire)
    }

    /// Is it empty?
    #[inline(always)]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    #[inline(always)]
    fn slot(&self, i: usize) -> &Slot {
        // SAFETY: callers check `i` against the length or the capacity.
        unsafe { &*self.array.items.as_ptr().add(i) }
    }

    /// The value at `i`.
    ///
    /// # Panics
    /// When `i` is out of range.
    #[inline(always)]
    pub fn get(self, i: usize) -> Value {
        assert!(i < self.len());
        self.slot(i).get()
    }

    /// Replaces the value at `i`.
    ///
    /// # Panics
    /// When `i` is out of range.
    pub fn set(self, t: &Thread, i: usize, v: Value) {
        assert!(i < self.len());
        self.slot(i).set(t, self.array, v);
    }

    /// Appends a value; the list may move to a new array.
    #[inline]
    pub fn push(&mut self, t: &Thread, v: Value) {
        let len = self.len();
        if len >= self.capacity {
            self.grow(t);
        }
        self.slot(len).set(t, self.array, v);
        self.array.len.store(len + 1, Ordering::Release);
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, t: &Thread) {
        let len = self.len();
        let bigger = ValueList::with_capacity(t, self.capacity * 2);
        for i in 0..len {
            bigger.slot(i).set(t, bigger.array, self.slot(i).get());
        }
        bigger.array.len.store(len, Ordering::Release);
        *self = bigger;
    }

    /// Takes the last value off.
    #[inline]
    pub fn pop(self) -> Option<Value> {
        let len = self.len();
        if len == 0 {
            return None;
        }
        let v = self.slot(len - 1).get();
        // NULL keeps nothing alive, so the collector need not hear of it.
        self.slot(len - 1).word().store(Value::NULL.bits(), Ordering::Relaxed);
        self.array.len.store(len - 1, Ordering::Release);
        Some(v)
    }

    /// Forgets all values from `len` on.
    #[inline]
    pub fn truncate(self, len: usize) {
        let before = self.len();
        if before <= len {
            return;
        }
        for i in len..before {
            self.slot(i).word().store(Value::NULL.bits(), Ordering::Relaxed);
        }
        self.array.len.store(len, Ordering::Release);
    }

    /// The values, one after the other.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = Value> + ExactSizeIterator {
        (0..self.len()).map(move |i| self.slot(i).get())
    }

    /// The values as a slice. Only for a list that nobody changes while the slice is in use: one that this thread alone has.
    pub fn as_slice(&self) -> &[Value] {
        // SAFETY: `len` values are initialised, and the list is not written meanwhile, by contract.
        unsafe { std::slice::from_raw_parts(self.array.items.as_ptr() as *const Value, self.len()) }
    }
}
