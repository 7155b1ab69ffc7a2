//! `list`: a reference to a storage cell and a length.
//!
//! The storage knows its own capacity (the count word of an array cell), and every place behind the last item is NULL. So a reader takes
//! no lock: it loads the storage once, checks the index against that storage's capacity, and finds either an item or NULL. Writers hold
//! the list's lock; growing publishes a new storage, the old one stays valid for whoever still reads it.
//!
//! Items that other threads may be reading are moved word by word with atomic stores ([`Storage::move_items`]); memory is copied at once
//! only from a storage whose lock is held to one that nobody else knows.

use crate::object::{R, Ref, Slot, ValueExt, header_of};
use crate::protocol::iter;
use crate::slots::Compare;
use crate::thread::Thread;
use crate::types::slice::{Bounds, Indices};
use crate::types::{Tuple, builtin};
use limpid_heap::{Header, Value};
use std::sync::atomic::{
    AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
    fence,
};

mod merge_sort;
mod methods;
mod sort;

pub use methods::LIST_DEF;

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
/// From so many items on lists grow more slowly: 16 MiB.
const MANY: usize = 2 << 20;
/// A storage of this capacity or less is not exchanged for a smaller one.
const SMALL_CAPACITY: usize = 32;

impl Storage {
    /// Where the capacity is.
    pub const CAPACITY: usize = std::mem::offset_of!(Storage, capacity);
    /// Where the items are.
    pub const ITEMS: usize = size_of::<Storage>();

    fn new(t: &Thread, capacity: usize) -> R<Ref<Storage>> {
        let size = capacity.checked_mul(8).and_then(|n| n.checked_add(STORAGE_OVERHEAD)).unwrap_or(usize::MAX / 2);
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

    /// The place at `i`, which is below the capacity.
    #[inline(always)]
    fn place(&self, i: usize) -> &Slot {
        debug_assert!(i < self.capacity);
        // SAFETY: by contract.
        unsafe { &*self.items.as_ptr().add(i) }
    }

    /// The first `n` items. The caller holds the list's lock for as long as the slice is in use, or nobody else knows the storage.
    #[inline]
    fn as_slice(&self, n: usize) -> &[Value] {
        debug_assert!(n <= self.capacity);
        // SAFETY: in range; nobody writes meanwhile, by contract.
        unsafe { std::slice::from_raw_parts(self.items.as_ptr() as *const Value, n) }
    }

    /// Copies values to `at` and following of a storage that nobody else knows and that was allocated after the last safepoint.
    fn fill(&self, at: usize, values: &[Value]) {
        assert!(at + values.len() <= self.capacity);
        // SAFETY: in range, and not shared yet; the cell is new, so it needs no barrier.
        unsafe { std::ptr::copy_nonoverlapping(values.as_ptr(), (self.items.as_ptr() as *mut Value).add(at), values.len()) };
    }

    /// As [`Storage::fill`] from the first place on, one value after the other.
    fn fill_with(&self, values: impl Iterator<Item = Value>) {
        for (i, v) in values.take(self.capacity).enumerate() {
            // SAFETY: in range, and as in `fill`.
            unsafe { (self.items.as_ptr() as *mut Value).add(i).write(v) };
        }
    }

    /// Empties the places from `start` to `end`. The caller holds the list's lock.
    fn clear_items(&self, start: usize, end: usize) {
        for i in start..end {
            self.place(i).word().store(0, Relaxed);
        }
    }
}

impl Ref<Storage> {
    /// Moves `n` items from place `from` to place `to` while others may read them. The caller holds the list's lock.
    fn move_items(self, t: &Thread, from: usize, to: usize, n: usize) {
        debug_assert!(from + n <= self.capacity && to + n <= self.capacity);
        if from == to || n == 0 {
            return;
        }
        let copy = |i: usize| {
            let word = self.place(from + i).word().load(Relaxed);
            self.place(to + i).word().store(word, Relaxed);
        };
        if to <= from {
            (0..n).for_each(copy)
        } else {
            (0..n).rev().for_each(copy)
        }
        self.barrier(t);
    }

    /// Writes values to `at` and following while others may read there. The caller holds the list's lock, and the values are not in
    /// this storage.
    fn write_items(self, t: &Thread, at: usize, values: impl Iterator<Item = Value>) {
        // What the values refer to was initialised before others can find it here.
        fence(Release);
        for (i, v) in values.enumerate() {
            self.place(at + i).word().store(v.bits(), Relaxed);
        }
        self.barrier(t);
    }

    #[inline]
    fn barrier(self, t: &Thread) {
        // SAFETY: the storage is a live cell.
        unsafe { limpid_heap::write_barrier(&t.mutator, self.header()) };
    }
}

impl List {
    /// Where the storage is.
    pub const STORAGE: usize = std::mem::offset_of!(List, storage);
    /// Where the length is.
    pub const LEN: usize = std::mem::offset_of!(List, len);

    /// An empty list with room for `capacity` items.
    pub fn with_capacity(t: &Thread, capacity: usize) -> R<Ref<List>> {
        let storage = if capacity == 0 { Value::NULL } else { Storage::new(t, capacity)?.value() };
        Ok(t.alloc(List { header: header_of::<List>(), storage: Slot::new(storage), len: AtomicUsize::new(0) }))
    }

    /// An empty list.
    pub fn new(t: &Thread) -> Ref<List> {
        t.alloc(List::empty_layout())
    }

    /// The fields of an empty list, for instances of subclasses.
    pub fn empty_layout() -> List {
        List { header: header_of::<List>(), storage: Slot::NULL, len: AtomicUsize::new(0) }
    }

    /// A list of these values.
    pub fn from_slice(t: &Thread, values: &[Value]) -> R<Ref<List>> {
        if values.is_empty() {
            return Ok(List::new(t));
        }
        let storage = Storage::new(t, values.len())?;
        storage.fill(0, values);
        Ok(List::of_storage(t, storage, values.len()))
    }

    /// A list that owns this storage.
    fn of_storage(t: &Thread, storage: Ref<Storage>, len: usize) -> Ref<List> {
        t.alloc(List { header: header_of::<List>(), storage: Slot::new(storage.value()), len: AtomicUsize::new(len) })
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
        self.len.load(Acquire)
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

    /// The items as they are when their turn comes. Takes no lock.
    pub fn items(&self) -> impl Iterator<Item = Value> + '_ {
        (0..).map_while(|i| self.get(i))
    }

    /// Sets the length; the caller holds the lock, and places behind it are NULL.
    pub fn set_len(&self, len: usize) {
        self.len.store(len, Release);
    }
}

impl Ref<List> {
    // ---- single items ----

    /// Appends an item. Takes the lock.
    #[inline]
    pub fn append(self, t: &Thread, v: Value) -> R<()> {
        let _guard = t.lock(self);
        self.append_locked(t, v)
    }

    /// Appends an item; the caller holds the lock or nobody else knows the list.
    #[inline]
    pub fn append_locked(self, t: &Thread, v: Value) -> R<()> {
        let len = self.len.load(Relaxed);
        let storage = match self.storage() {
            Some(s) if len < s.capacity => s,
            _ => self.grow(t, len + 1)?,
        };
        storage.place(len).set(t, storage, v);
        self.set_len(len + 1);
        Ok(())
    }

    /// Replaces the item at `i`; false when there is none. Takes the lock.
    #[inline]
    pub fn set(self, t: &Thread, i: usize, v: Value) -> bool {
        let _guard = t.lock(self);
        if i >= self.len.load(Relaxed) {
            return false;
        }
        match self.storage() {
            Some(s) => {
                s.place(i).set(t, s, v);
                true
            }
            None => false,
        }
    }

    /// As [`List::set`] for who holds the lock, without telling the collector: true if [`List::log`] has to be called. None: there is no
    /// such item.
    #[inline(always)]
    pub(crate) fn set_locked(self, i: usize, v: Value) -> Option<bool> {
        if i >= self.len.load(Relaxed) {
            return None;
        }
        let storage = self.storage()?;
        storage.place(i).word().store(v.bits(), Release);
        Some(storage.header().is_unlogged())
    }

    /// Tells the collector that item `i` was stored, if it is still there.
    pub(crate) fn log(self, t: &Thread, i: usize) {
        if i < self.len.load(Relaxed)
            && let Some(storage) = self.storage()
        {
            // SAFETY: the item's place is in the storage.
            unsafe { limpid_heap::log_slot(&t.mutator, storage.header(), storage.place(i).word()) };
        }
    }

    /// Inserts an item before index `i`, which is clipped to the list. Takes the lock.
    pub fn insert(self, t: &Thread, i: isize, v: Value) -> R<()> {
        let _guard = t.lock(self);
        let len = self.len();
        let i = if i < 0 { i.saturating_add(len as isize).max(0) as usize } else { (i as usize).min(len) };
        let storage = match self.storage() {
            Some(s) if len < s.capacity => s,
            _ => self.grow(t, len + 1)?,
        };
        storage.move_items(t, i, i + 1, len - i);
        storage.place(i).set(t, storage, v);
        self.set_len(len + 1);
        Ok(())
    }

    /// Removes the item at an index (negative ones count from the end) and gives it; None when there is none. Takes the lock.
    #[inline]
    pub fn pop(self, t: &Thread, i: isize) -> Option<Value> {
        let _guard = t.lock(self);
        let len = self.len();
        let i = crate::protocol::sequence::resolve_index(i, len)?;
        let storage = self.storage()?;
        let v = storage.place(i).get();
        self.delete_locked(t, storage, i, i + 1);
        Some(v)
    }

    /// Removes the item at `i` if it is `v`. Takes the lock.
    fn remove_exactly(self, t: &Thread, i: usize, v: Value) -> bool {
        let _guard = t.lock(self);
        match self.storage() {
            Some(storage) if i < self.len() && storage.place(i).get() == v => {
                self.delete_locked(t, storage, i, i + 1);
                true
            }
            _ => false,
        }
    }

    // ---- storage ----

    /// Publishes a storage with room for at least `needed` items, with some to spare; the caller holds the lock.
    #[cold]
    #[inline(never)]
    pub fn grow(self, t: &Thread, needed: usize) -> R<Ref<Storage>> {
        // Growing copies, and what was copied from lies about until the next collection: so lists get half as much again, unless that is
        // very much.
        let capacity = needed + if needed < MANY { (needed >> 1) + 3 } else { needed >> 2 };
        self.replace_storage(t, capacity)
    }

    /// Publishes a storage of this capacity with the same items.
    pub fn replace_storage(self, t: &Thread, capacity: usize) -> R<Ref<Storage>> {
        let new = Storage::new(t, capacity)?;
        if let Some(old) = self.storage() {
            new.fill(0, old.as_slice(self.len().min(capacity)));
        }
        self.storage.set(t, self, new.value());
        Ok(new)
    }

    /// A storage with room for `n` items; the caller holds the lock.
    #[inline]
    fn storage_for(self, t: &Thread, n: usize) -> R<Ref<Storage>> {
        match self.storage() {
            Some(s) if n <= s.capacity => Ok(s),
            // Exactly what is needed for the first items: many lists never grow again.
            None => self.replace_storage(t, n),
            _ => self.grow(t, n),
        }
    }

    /// Makes room for `n` items in all, as a hint. Takes the lock.
    fn reserve(self, t: &Thread, n: usize) -> R<()> {
        let _guard = t.lock(self);
        self.storage_for(t, n).map(|_| ())
    }

    /// Removes the items from `start` to `end`; the caller holds the lock.
    #[inline]
    fn delete_locked(self, t: &Thread, storage: Ref<Storage>, start: usize, end: usize) {
        let len = self.len();
        let new_len = len - (end - start);
        if end < len {
            storage.move_items(t, end, start, len - end);
        }
        self.set_len(new_len);
        storage.clear_items(new_len, len);
        if new_len < storage.capacity / 4 && storage.capacity > SMALL_CAPACITY {
            self.shrink(t, new_len);
        }
    }

    #[cold]
    fn shrink(self, t: &Thread, len: usize) {
        if self.replace_storage(t, len * 2).is_err() {
            // The large storage serves as well.
            t.take_exception();
        }
    }

    /// Removes all items. Takes the lock.
    pub fn clear(self, t: &Thread) {
        let _guard = t.lock(self);
        self.set_len(0);
        self.storage.set(t, self, Value::NULL);
    }

    // ---- many items ----

    /// Appends values that do not change: those of a tuple, or of a slice of the native stack. Takes the lock.
    pub fn extend_from_slice(self, t: &Thread, values: &[Value]) -> R<()> {
        if values.is_empty() {
            return Ok(());
        }
        let _guard = t.lock(self);
        self.extend_locked(t, values)
    }

    fn extend_locked(self, t: &Thread, values: &[Value]) -> R<()> {
        let len = self.len();
        let storage = self.storage_for(t, len + values.len())?;
        storage.write_items(t, len, values.iter().copied());
        self.set_len(len + values.len());
        Ok(())
    }

    /// Appends what iteration over `v` yields.
    pub fn extend(self, t: &Thread, v: Value) -> R<()> {
        if let Some(tuple) = v.exact::<Tuple>() {
            return self.extend_from_slice(t, tuple.as_slice());
        }
        if let Some(list) = v.exact::<List>() {
            return self.extend_from_list(t, list);
        }
        let iterator = iter::get_iter(t, v)?;
        let hint = iter::length_hint(t, v, 8)?;
        let len = self.len();
        // A hint that is out of all bounds is wrong.
        if let Some(n) = len.checked_add(hint).filter(|n| isize::try_from(*n).is_ok()) {
            self.reserve(t, n)?;
        }
        iter::for_each_next(t, iterator, |x| self.append(t, x))?;
        self.trim(t, hint);
        Ok(())
    }

    fn extend_from_list(self, t: &Thread, other: Ref<List>) -> R<()> {
        if self == other {
            let copy = self.copy(t)?;
            return self.extend_from_list(t, copy);
        }
        let _guards = limpid_heap::lock_both(&t.mutator, self.header(), other.header());
        match other.storage() {
            Some(storage) => self.extend_locked(t, storage.as_slice(other.len())),
            None => Ok(()),
        }
    }

    /// Gives memory back that a wrong hint has reserved.
    fn trim(self, t: &Thread, hint: usize) {
        if hint > SMALL_CAPACITY {
            let _guard = t.lock(self);
            let len = self.len();
            if self.storage().is_some_and(|s| len < s.capacity / 2) {
                self.shrink(t, len);
            }
        }
    }

    /// A copy of the items as they are now, safe from later changes.
    pub fn snapshot(self, t: &Thread) -> crate::types::ValueList {
        let _guard = t.lock(self);
        match self.storage() {
            Some(storage) => crate::types::ValueList::from_slice(t, storage.as_slice(self.len())),
            None => crate::types::ValueList::new(t),
        }
    }

    /// A list with the same items.
    pub fn copy(self, t: &Thread) -> R<Ref<List>> {
        let _guard = t.lock(self);
        match self.storage() {
            Some(storage) => List::from_slice(t, storage.as_slice(self.len())),
            None => Ok(List::new(t)),
        }
    }

    /// A tuple of the items.
    pub fn to_tuple(self, t: &Thread) -> R<Ref<Tuple>> {
        let _guard = t.lock(self);
        match self.storage() {
            Some(storage) if !self.is_empty() => Tuple::try_from_slice(t, storage.as_slice(self.len())),
            // SAFETY: the empty tuple is a tuple.
            _ => Ok(unsafe { Ref::from_value(t.empty_tuple()) }),
        }
    }

    /// The items that a slice means, in a new list.
    pub fn slice(self, t: &Thread, bounds: Bounds) -> R<Ref<List>> {
        let _guard = t.lock(self);
        let indices = bounds.within(self.len());
        let Some(storage) = self.storage().filter(|_| indices.len > 0) else { return Ok(List::new(t)) };
        let items = storage.as_slice(self.len());
        if indices.step == 1 {
            return List::from_slice(t, &items[indices.at(0)..indices.at(0) + indices.len]);
        }
        let new = Storage::new(t, indices.len)?;
        new.fill_with((0..indices.len).map(|i| items[indices.at(i)]));
        Ok(List::of_storage(t, new, indices.len))
    }

    /// The items of both lists, in a new one.
    fn concat(self, t: &Thread, other: Ref<List>) -> R<Ref<List>> {
        let _guards = limpid_heap::lock_both(&t.mutator, self.header(), other.header());
        let (a, b) = (self.len(), other.len());
        if a + b == 0 {
            return Ok(List::new(t));
        }
        let new = Storage::new(t, a + b)?;
        if let Some(storage) = self.storage() {
            new.fill(0, storage.as_slice(a));
        }
        if let Some(storage) = other.storage() {
            new.fill(a, storage.as_slice(b));
        }
        Ok(List::of_storage(t, new, a + b))
    }

    /// The items `count` times over, in a new list.
    fn repeat(self, t: &Thread, count: usize) -> R<Ref<List>> {
        let _guard = t.lock(self);
        let len = self.len();
        let Some(storage) = self.storage().filter(|_| len > 0 && count > 0) else { return Ok(List::new(t)) };
        let new = Storage::new(t, len.saturating_mul(count))?;
        new.fill_repeated(storage.as_slice(len), count);
        Ok(List::of_storage(t, new, len * count))
    }

    /// Repeats the items in place.
    fn repeat_in_place(self, t: &Thread, count: usize) -> R<()> {
        if count == 0 {
            self.clear(t);
            return Ok(());
        }
        let _guard = t.lock(self);
        let len = self.len();
        let Some(storage) = self.storage().filter(|_| len > 0 && count > 1) else { return Ok(()) };
        let new = Storage::new(t, len.saturating_mul(count))?;
        new.fill_repeated(storage.as_slice(len), count);
        self.storage.set(t, self, new.value());
        self.set_len(len * count);
        Ok(())
    }

    /// Reverses the items in place. Takes the lock.
    pub fn reverse(self, t: &Thread) {
        let _guard = t.lock(self);
        let Some(storage) = self.storage() else { return };
        let len = self.len();
        for i in 0..len / 2 {
            let (a, b) = (storage.place(i), storage.place(len - 1 - i));
            let (x, y) = (a.get(), b.get());
            a.word().store(y.bits(), Release);
            b.word().store(x.bits(), Release);
        }
        storage.barrier(t);
    }

    /// Replaces the items that a slice means by `values`, which is not this list.
    pub fn assign_slice(self, t: &Thread, bounds: Bounds, values: Ref<List>) -> R<()> {
        debug_assert!(self != values);
        let _guards = limpid_heap::lock_both(&t.mutator, self.header(), values.header());
        let indices = bounds.within(self.len());
        let n = values.len();
        let values = values.storage().filter(|_| n > 0);
        let values = values.as_ref().map_or(&[][..], |storage| storage.as_slice(n));
        if indices.step == 1 {
            return self.splice_locked(t, indices, values);
        }
        if indices.len != n {
            raise!(t, ValueError, "attempt to assign sequence of size {n} to extended slice of size {}", indices.len)
        }
        if let Some(storage) = self.storage() {
            for (i, &v) in values.iter().enumerate() {
                storage.place(indices.at(i)).set(t, storage, v);
            }
        }
        Ok(())
    }

    /// Replaces consecutive items; the caller holds the lock.
    fn splice_locked(self, t: &Thread, indices: Indices, values: &[Value]) -> R<()> {
        let len = self.len();
        let start = indices.start as usize;
        let end = start + indices.len;
        let new_len = len - indices.len + values.len();
        if new_len == 0 {
            self.set_len(0);
            self.storage.set(t, self, Value::NULL);
            return Ok(());
        }
        let storage = self.storage_for(t, new_len)?;
        if new_len >= len {
            storage.move_items(t, end, start + values.len(), len - end);
            storage.write_items(t, start, values.iter().copied());
            self.set_len(new_len);
        } else {
            storage.write_items(t, start, values.iter().copied());
            self.delete_locked(t, storage, start + values.len(), end);
        }
        Ok(())
    }

    /// Removes the items that a slice means.
    pub fn delete_slice(self, t: &Thread, bounds: Bounds) -> R<()> {
        let _guard = t.lock(self);
        let len = self.len();
        let indices = bounds.within(len).ascending();
        let Some(storage) = self.storage().filter(|_| indices.len > 0) else { return Ok(()) };
        if indices.len == len {
            self.set_len(0);
            self.storage.set(t, self, Value::NULL);
            return Ok(());
        }
        if indices.step == 1 {
            self.delete_locked(t, storage, indices.at(0), indices.at(0) + indices.len);
            return Ok(());
        }
        // Each stretch between two removed items moves to the left by one place more than the stretch before.
        for i in 0..indices.len {
            let from = indices.at(i) + 1;
            let end = if i + 1 < indices.len { indices.at(i + 1) } else { len };
            storage.move_items(t, from, from - 1 - i, end - from);
        }
        self.delete_locked(t, storage, len - indices.len, len);
        Ok(())
    }

    /// Compares lists as tuples are compared, whatever happens to them meanwhile.
    fn compare(self, t: &Thread, other: Ref<List>, op: Compare) -> R {
        if self.len() != other.len() && matches!(op, Compare::Eq | Compare::Ne) {
            return Ok(Value::bool(op == Compare::Ne));
        }
        let mut i = 0;
        while let (Some(x), Some(y)) = (self.get(i), other.get(i)) {
            if !crate::protocol::compare::values_equal(t, x, y)? {
                return match op {
                    Compare::Eq => Ok(Value::FALSE),
                    Compare::Ne => Ok(Value::TRUE),
                    _ => crate::protocol::compare::rich_compare(t, x, y, op),
                };
            }
            i += 1;
        }
        Ok(Value::bool(op.holds(self.len().cmp(&other.len()))))
    }
}

impl Storage {
    /// Fills a storage that nobody else knows with `count` copies of the items.
    fn fill_repeated(&self, items: &[Value], count: usize) {
        self.fill(0, items);
        let total = items.len() * count;
        let mut done = items.len();
        while done < total {
            let n = done.min(total - done);
            // What is there already is copied behind itself.
            // SAFETY: the two stretches do not overlap and lie inside of the capacity.
            unsafe {
                let start = self.items.as_ptr() as *mut Value;
                std::ptr::copy_nonoverlapping(start, start.add(done), n);
            }
            done += n;
        }
    }
}

/// `list.extend(v)`.
pub fn extend(t: &Thread, list: Ref<List>, v: Value) -> R<()> {
    list.extend(t, v)
}
