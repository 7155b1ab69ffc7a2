//! `list`: a reference to a storage cell and a length.
//!
//! The storage knows its own capacity (the count word of an array cell), and every place behind the last item is NULL. So a reader takes
//! no lock: it loads the storage once, checks the index against that storage's capacity, and finds either an item or NULL. Writers hold
//! the list's lock; growing publishes a new storage, the old one stays valid for whoever still reads it.

use crate::object::{R, Ref, Slot, header_of};
use crate::thread::Thread;
use crate::types::builtin;
use limpid_heap::{Header, Value};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The layout of a list.
#[repr(C)]
pub struct List {
    header: Header,
    storage: Slot,
    len: AtomicUsize,
}

crate::layout!(List, builtin::LIST, Slots);

/// The items of a list; `capacity` of them, NULL behind the last.
#[repr(C)]
pub struct Storage {
    header: Header,
    capacity: usize,
    items: [Slot; 0],
}

const STORAGE_OVERHEAD: usize = size_of::<Storage>();

impl Storage {
    fn new(t: &Thread, capacity: usize) -> R<Ref<Storage>> {
        let size = STORAGE_OVERHEAD + capacity.checked_mul(8).unwrap_or(usize::MAX / 2);
        let p = t.try_alloc_bytes(size, t.array_header())?.as_ptr() as *mut Storage;
        // SAFETY: a new, zeroed cell.
        unsafe {
            (*p).capacity = capacity;
            Ok(Ref::from_ptr(p))
        }
    }

    /// How many places there are.
    #[inline(always)]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// The place at `i`, if the storage has it.
    #[inline(always)]
    pub fn slot(&self, i: usize) -> Option<&Slot> {
        // SAFETY: in range of the capacity.
        (i < self.capacity).then(|| unsafe { &*self.items.as_ptr().add(i) })
    }
}

impl List {
    /// An empty list with room for `capacity` items.
    pub fn with_capacity(t: &Thread, capacity: usize) -> R<Ref<List>> {
        let storage = if capacity == 0 { Value::NULL } else { Storage::new(t, capacity)?.value() };
        Ok(t.alloc(List { header: header_of::<List>(), storage: Slot::new(storage), len: AtomicUsize::new(0) }))
    }

    /// An empty list.
    pub fn new(t: &Thread) -> Ref<List> {
        t.alloc(List { header: header_of::<List>(), storage: Slot::NULL, len: AtomicUsize::new(0) })
    }

    /// The fields of an empty list, for instances of subclasses.
    pub fn empty_layout() -> List {
        List { header: header_of::<List>(), storage: Slot::NULL, len: AtomicUsize::new(0) }
    }

    /// A list of these values.
    pub fn from_slice(t: &Thread, values: &[Value]) -> R<Ref<List>> {
        let list = List::with_capacity(t, values.len())?;
        if let Some(storage) = list.storage() {
            // SAFETY: the storage is new, has that many places, and was allocated after the values were made.
            unsafe { std::ptr::copy_nonoverlapping(values.as_ptr(), storage.items.as_ptr() as *mut Value, values.len()) };
            // SAFETY: the storage may have been born old when it is large.
            unsafe { limpid_heap::write_barrier(&t.mutator, storage.header()) };
            list.len.store(values.len(), Ordering::Release);
        }
        Ok(list)
    }

    /// The storage, if there is one.
    #[inline(always)]
    pub fn storage(&self) -> Option<Ref<Storage>> {
        // SAFETY: the field refers to a storage or is NULL.
        self.storage.opt().map(|s| unsafe { Ref::from_value(s) })
    }

    /// How many items it has.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len.load(Ordering::Acquire)
    }

    /// Has it no items?
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The item at `i`, if there is one. Takes no lock.
    #[inline(always)]
    pub fn get(&self, i: usize) -> Option<Value> {
        self.storage()?.slot(i)?.opt()
    }

    /// Sets the length; the caller holds the lock, and places behind it are NULL.
    pub fn set_len(&self, len: usize) {
        self.len.store(len, Ordering::Release);
    }
}

impl Ref<List> {
    /// Appends an item. Takes the lock.
    #[inline]
    pub fn append(self, t: &Thread, v: Value) -> R<()> {
        let _guard = t.lock(self);
        self.append_locked(t, v)
    }

    /// Appends an item; the caller holds the lock or nobody else knows the list.
    #[inline]
    pub fn append_locked(self, t: &Thread, v: Value) -> R<()> {
        let len = self.len.load(Ordering::Relaxed);
        let storage = match self.storage() {
            Some(s) if len < s.capacity => s,
            _ => self.grow(t, len + 1)?,
        };
        // SAFETY: `len` is below the capacity.
        unsafe { &*storage.items.as_ptr().add(len) }.set(t, storage, v);
        self.len.store(len + 1, Ordering::Release);
        Ok(())
    }

    /// Publishes a storage with room for at least `needed` items, with some to spare; the caller holds the lock.
    #[cold]
    #[inline(never)]
    pub fn grow(self, t: &Thread, needed: usize) -> R<Ref<Storage>> {
        let capacity = needed + (needed >> 3) + if needed < 9 { 3 } else { 6 };
        self.replace_storage(t, capacity)
    }

    /// Publishes a storage of this capacity with the same items.
    pub fn replace_storage(self, t: &Thread, capacity: usize) -> R<Ref<Storage>> {
        let new = Storage::new(t, capacity)?;
        if let Some(old) = self.storage() {
            let n = self.len().min(capacity);
            // SAFETY: both have at least `n` places; the new one is not published yet.
            unsafe { std::ptr::copy_nonoverlapping(old.items.as_ptr() as *const Value, new.items.as_ptr() as *mut Value, n) };
            // SAFETY: a large cell may be born old.
            unsafe { limpid_heap::write_barrier(&t.mutator, new.header()) };
        }
        self.storage.set(t, self, new.value());
        Ok(new)
    }

    /// Replaces the item at `i`; false when there is none. Takes the lock.
    #[inline]
    pub fn set(self, t: &Thread, i: usize, v: Value) -> bool {
        let _guard = t.lock(self);
        if i >= self.len.load(Ordering::Relaxed) {
            return false;
        }
        match self.storage() {
            Some(s) => {
                // SAFETY: `i` is below the length, so below the capacity.
                unsafe { &*s.items.as_ptr().add(i) }.set(t, s, v);
                true
            }
            None => false,
        }
    }

    /// A copy of the items as they are now, safe from later changes.
    pub fn snapshot(self, t: &Thread) -> crate::types::ValueList {
        let _guard = t.lock(self);
        let mut out = crate::types::ValueList::with_capacity(t, self.len());
        for i in 0..self.len() {
            out.push(t, self.get(i).unwrap_or(Value::NULL));
        }
        out
    }
}
