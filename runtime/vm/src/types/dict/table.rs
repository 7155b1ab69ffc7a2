//! The table behind a dict: entries in insertion order and an open-addressing index of them, in one heap cell.
//!
//! ```text
//!  0        8         12    13    16     20       24       28    32                       32 + 24*capacity
//! +--------+---------+-----+-----+------+--------+--------+-----+-- entries --------------+-- index ----------------+
//! | header | version |flags|log2 | used | filled |capacity| end | hash, key, value  ...   | 2^log2 numbers of 1,2,4 B |
//! +--------+---------+-----+-----+------+--------+--------+-----+-------------------------+-------------------------+
//! ```
//!
//! Entries are only ever appended; a removed one has NULL as key and value and its place is not used again, so an entry's number means
//! the same key for as long as the table lives, and `filled` tells whether a key was added. An index place holds 0 for empty, or the
//! entry's number plus one; that of a removed entry keeps it (its key is NULL, so nothing matches and probing goes on) until a new entry
//! takes the place over. No entry at or behind `end` is alive: that is where the search for the last one starts. For a change of order
//! ([`super::order`]) an entry's content moves to one that was never used: behind the others, or in a gap that the table was made with in
//! front of them. It keeps its place in the index.
//!
//! Readers probe without a lock while one writer, holding the dict's lock, appends: it writes hash, value, then key, then publishes the
//! index place. `version` is 0 until an inline cache asks for one, and 0 again *after* a key was added or removed: it certifies which
//! names are there and where. So who asks for a version does it first and looks then.

use crate::object::{R, Ref, Slot, ValueExt};
use crate::protocol::compare::identical_or_equal_now;
use crate::thread::Thread;
use crate::types::{Str, builtin};
use limpid_heap::{Header, ShapeRef, Tracer, Value};
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU16, AtomicU32, Ordering};

/// The collector's number for tables.
pub const TABLE_KIND: u8 = 8;

/// One key and its value.
#[repr(C)]
pub struct Entry {
    hash: AtomicI64,
    key: Slot,
    value: Slot,
}

/// The table behind a dict; see the module's page.
#[repr(C)]
pub struct Table {
    header: Header,
    version: AtomicU32,
    flags: AtomicU8,
    index_log2: u8,
    _reserved: u16,
    used: AtomicU32,
    filled: AtomicU32,
    capacity: u32,
    end: AtomicU32,
    entries: [Entry; 0],
}

/// A key that is no str was added once.
const HAS_OTHER_KEYS: u8 = 1;
/// The first entry is not alive, and in place of its hash there is a [`Front`].
const HAS_FRONT: u8 = 2;
/// The smallest index has 2^this places.
const SMALLEST_LOG2: u8 = 3;
/// Bytes before the entries; the interpreter's handlers rely on these two.
pub const ENTRIES_OFFSET: usize = size_of::<Table>();
/// Bytes an entry.
pub const ENTRY_SIZE: usize = size_of::<Entry>();
const _: () = assert!(ENTRIES_OFFSET == 32 && ENTRY_SIZE == 24);

/// What is known of the places before the first live entry.
#[derive(Clone, Copy)]
pub(super) struct Front {
    /// No entry before this one is alive.
    pub(super) first: usize,
    /// The places before this one were never used.
    pub(super) gap: usize,
}

/// Where a search stands.
pub struct Probe {
    place: usize,
    perturb: u64,
}

/// The number of the entry that was found.
pub type Found = Option<usize>;

/// That keys are equal cannot be told without running a Python program's `__eq__`.
pub struct Unsure;

/// How many entries an index of 2^log2 places serves: two thirds of it may be in use.
#[inline(always)]
const fn capacity_of(log2: u8) -> usize {
    ((1usize << log2) * 2) / 3
}

/// The smallest index that serves `n` entries.
fn log2_for(n: usize) -> u8 {
    let places = n.saturating_mul(3).div_ceil(2).checked_next_power_of_two().unwrap_or(1 << 63);
    (places.trailing_zeros() as u8).max(SMALLEST_LOG2)
}

/// Bytes of a number in an index: it counts the entries from one.
#[inline(always)]
const fn index_width(log2: u8) -> usize {
    match log2 {
        0..=8 => 1,
        9..=16 => 2,
        _ => 4,
    }
}

impl Table {
    /// Where the version is.
    pub const VERSION: usize = std::mem::offset_of!(Table, version);

    /// Where the value of entry `i` is.
    pub const fn value_offset(i: usize) -> usize {
        ENTRIES_OFFSET + i * ENTRY_SIZE + std::mem::offset_of!(Entry, value)
    }

    /// An empty table with room for `n` entries.
    pub fn new(t: &Thread, n: usize) -> R<Ref<Table>> {
        Table::with_index(t, log2_for(n))
    }

    fn with_index(t: &Thread, log2: u8) -> R<Ref<Table>> {
        if log2 >= 32 {
            return Err(t.raise_value(t.runtime().memory_error.get()));
        }
        let capacity = capacity_of(log2);
        let header = Header::with_raw_kind(ShapeRef::NONE, TABLE_KIND, 0);
        let p = t.try_alloc_bytes(Table::size_with_index(log2), header)?.as_ptr() as *mut Table;
        // SAFETY: a new, zeroed cell of that size; zero is "empty" everywhere.
        unsafe {
            (*p).index_log2 = log2;
            (*p).capacity = capacity as u32;
            Ok(Ref::from_ptr(p))
        }
    }

    fn size_with_index(log2: u8) -> usize {
        ENTRIES_OFFSET + capacity_of(log2) * ENTRY_SIZE + (index_width(log2) << log2)
    }

    /// Bytes of the cell.
    pub fn size(&self) -> usize {
        Table::size_with_index(self.index_log2)
    }

    /// How many entries are alive.
    #[inline(always)]
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed) as usize
    }

    /// How many entries were appended, removed ones included. Changes whenever a key is added.
    #[inline(always)]
    pub fn filled(&self) -> usize {
        self.filled.load(Ordering::Acquire) as usize
    }

    /// How many entries may be appended in all.
    #[inline(always)]
    pub fn capacity(&self) -> usize {
        self.capacity as usize
    }

    /// Were all keys ever added exact strings?
    #[inline(always)]
    pub fn all_str(&self) -> bool {
        self.flags.load(Ordering::Relaxed) & HAS_OTHER_KEYS == 0
    }

    /// The version that certifies names and their numbers, or 0.
    #[inline(always)]
    pub fn version(&self) -> u32 {
        self.version.load(Ordering::Relaxed)
    }

    /// As [`Table::version`], but gives it one if it has none. To be called before looking for what the version is to certify.
    pub fn assign_version(&self) -> Option<u32> {
        let v = self.version();
        if v != 0 {
            return Some(v);
        }
        let new = crate::shape::new_version()?;
        match self.version.compare_exchange(0, new, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Some(new),
            Err(other) => Some(other),
        }
    }

    /// Takes the version away: the table has changed, or the dict has another one now.
    #[inline(always)]
    pub fn retire(&self) {
        self.version.store(0, Ordering::Release);
    }

    #[inline(always)]
    fn entry(&self, i: usize) -> &Entry {
        debug_assert!(i < self.capacity as usize);
        // SAFETY: entry numbers come from the index or from a loop below `filled`, which never exceeds the capacity.
        unsafe { &*self.entries.as_ptr().add(i) }
    }

    /// The key of entry `i`, NULL if it was removed.
    #[inline(always)]
    pub fn key_at(&self, i: usize) -> Value {
        self.entry(i).key.get()
    }

    /// The value of entry `i`, if it was not removed.
    #[inline(always)]
    pub fn value_at(&self, i: usize) -> Option<Value> {
        self.entry(i).value.opt()
    }

    /// Key and value of entry `i`, if it was not removed.
    #[inline(always)]
    pub fn entry_at(&self, i: usize) -> Option<(Value, Value)> {
        let e = self.entry(i);
        Some((e.key.opt()?, e.value.opt()?))
    }

    /// The hash of entry `i`.
    #[inline(always)]
    pub fn hash_at(&self, i: usize) -> i64 {
        self.entry(i).hash.load(Ordering::Relaxed)
    }

    /// The number of the first entry from `from` on that was not removed, with its key and value.
    #[inline]
    pub fn next_alive(&self, from: usize) -> Option<(usize, Value, Value)> {
        (from..self.filled()).find_map(|i| self.entry_at(i).map(|(k, v)| (i, k, v)))
    }

    /// The number of the last entry before `before` that was not removed, with its key and value.
    #[inline]
    pub fn previous_alive(&self, before: usize) -> Option<(usize, Value, Value)> {
        let before = before.min(self.end.load(Ordering::Acquire) as usize);
        (0..before).rev().find_map(|i| self.entry_at(i).map(|(k, v)| (i, k, v)))
    }

    #[inline(always)]
    fn index_ptr(&self) -> *const u8 {
        // SAFETY: the index follows the entries in the same cell.
        unsafe { (self.entries.as_ptr() as *const u8).add(self.capacity as usize * ENTRY_SIZE) }
    }

    #[inline(always)]
    fn index_get(&self, place: usize) -> u32 {
        let p = self.index_ptr();
        // SAFETY: `place` is masked to the size of the index, whose width follows from its size.
        unsafe {
            match index_width(self.index_log2) {
                1 => (*(p.add(place) as *const AtomicU8)).load(Ordering::Acquire) as u32,
                2 => (*(p.add(place * 2) as *const AtomicU16)).load(Ordering::Acquire) as u32,
                _ => (*(p.add(place * 4) as *const AtomicU32)).load(Ordering::Acquire),
            }
        }
    }

    #[inline(always)]
    fn index_set(&self, place: usize, v: u32) {
        let p = self.index_ptr();
        // SAFETY: as in `index_get`.
        unsafe {
            match index_width(self.index_log2) {
                1 => (*(p.add(place) as *const AtomicU8)).store(v as u8, Ordering::Release),
                2 => (*(p.add(place * 2) as *const AtomicU16)).store(v as u16, Ordering::Release),
                _ => (*(p.add(place * 4) as *const AtomicU32)).store(v, Ordering::Release),
            }
        }
    }

    /// The start of a search.
    #[inline(always)]
    pub fn probe(&self, hash: i64) -> Probe {
        Probe { place: hash as usize & ((1 << self.index_log2) - 1), perturb: hash as u64 }
    }

    #[inline(always)]
    fn advance(&self, p: &mut Probe) {
        p.perturb >>= 5;
        p.place = (p.place.wrapping_mul(5).wrapping_add(p.perturb as usize).wrapping_add(1)) & ((1 << self.index_log2) - 1);
    }

    /// The next entry with this hash that is alive.
    #[inline]
    pub fn next_match(&self, p: &mut Probe, hash: i64) -> Found {
        loop {
            let number = self.index_get(p.place);
            if number == 0 {
                return None;
            }
            let i = number as usize - 1;
            let same_hash = self.hash_at(i) == hash;
            if same_hash && !self.key_at(i).is_null() {
                self.advance(p);
                return Some(i);
            }
            // What has no key any more may have moved since its number was read, and then the place has another one. The hash of the
            // first entry may have been overwritten after that.
            if (same_hash || i == 0) && self.index_get(p.place) != number {
                continue;
            }
            self.advance(p);
        }
    }

    /// The entry of a key, if that can be told without running a Python program's `__eq__`.
    #[inline(always)]
    pub fn find_now(&self, key: Value, hash: i64) -> Result<Found, Unsure> {
        // Most are the very key, in the first place where it may be.
        match self.index_get(self.probe(hash).place) {
            0 => Ok(None),
            number if self.key_at(number as usize - 1) == key => Ok(Some(number as usize - 1)),
            _ => self.search_now(key, hash),
        }
    }

    #[inline(never)]
    fn search_now(&self, key: Value, hash: i64) -> Result<Found, Unsure> {
        let mut probe = self.probe(hash);
        while let Some(i) = self.next_match(&mut probe, hash) {
            let k = self.key_at(i);
            if k == key {
                return Ok(Some(i));
            }
            if k.is_null() {
                // Removed or moved just now.
                probe = self.probe(hash);
                continue;
            }
            match identical_or_equal_now(k, key) {
                Some(true) => return Ok(Some(i)),
                Some(false) => {}
                None => return Err(Unsure),
            }
        }
        Ok(None)
    }

    /// The entry whose key is this text. Never runs Python code: of keys that are no exact strings only the text counts.
    #[inline]
    pub fn find_str(&self, s: Ref<Str>) -> Found {
        let hash = s.hash();
        let mut probe = self.probe(hash);
        while let Some(i) = self.next_match(&mut probe, hash) {
            let k = self.key_at(i);
            if k == s.value() {
                return Some(i);
            }
            if k.is_null() {
                probe = self.probe(hash);
                continue;
            }
            // SAFETY: just tested.
            if k.is_instance(builtin::STR) && unsafe { Ref::<Str>::from_value(k) }.equals(&s) {
                return Some(i);
            }
        }
        None
    }

    /// What is known of the places before the first live entry. The caller holds the dict's lock.
    pub(super) fn front(&self) -> Front {
        if self.flags.load(Ordering::Relaxed) & HAS_FRONT == 0 {
            return Front { first: 0, gap: 0 };
        }
        let numbers = self.hash_at(0);
        Front { first: numbers as u32 as usize, gap: (numbers >> 32) as usize }
    }

    /// Notes where the first live entry is, or a place before it, and how many places were never used. The caller holds the dict's lock.
    pub(super) fn set_front(&self, first: usize, gap: usize) {
        let flags = self.flags.load(Ordering::Relaxed) & !HAS_FRONT;
        if first == 0 {
            self.flags.store(flags, Ordering::Relaxed);
            return;
        }
        // Without a key the entry matches nothing, whatever hash it seems to have.
        self.entry(0).hash.store(first as i64 | (gap as i64) << 32, Ordering::Relaxed);
        self.flags.store(flags | HAS_FRONT, Ordering::Relaxed);
    }

    /// The number of the entry that has exactly this key, which is there. The caller holds the dict's lock.
    pub(super) fn number_of(&self, key: Value, hash: i64) -> usize {
        let mut probe = self.probe(hash);
        std::iter::from_fn(|| self.next_match(&mut probe, hash)).find(|i| self.key_at(*i) == key).unwrap_or(0)
    }

    /// The place in the index of entry `i`, which is alive.
    fn place_of(&self, i: usize) -> usize {
        let mut probe = self.probe(self.hash_at(i));
        while self.index_get(probe.place) as usize != i + 1 {
            self.advance(&mut probe);
        }
        probe.place
    }

    /// The place in the index for a new entry: one that is empty, or that of an entry that was removed.
    #[inline]
    fn free_place(&self, hash: i64) -> usize {
        let mut probe = self.probe(hash);
        loop {
            let number = self.index_get(probe.place);
            if number == 0 || self.key_at(number as usize - 1).is_null() {
                return probe.place;
            }
            self.advance(&mut probe);
        }
    }

    /// The live entries in a new table with room for `n`, behind so many places that are not used. The caller holds the dict's lock.
    pub(super) fn compacted(&self, t: &Thread, n: usize, gap: usize) -> R<Ref<Table>> {
        let new = Table::new(t, gap + n.max(self.used()))?;
        new.filled.store(gap as u32, Ordering::Relaxed);
        new.set_front(gap, gap);
        for i in 0..self.filled() {
            if let Some((k, v)) = self.entry_at(i) {
                new.insert(t, k, self.hash_at(i), v);
            }
        }
        Ok(new)
    }
}

impl Ref<Table> {
    /// Replaces the value of entry `i`; the caller holds the dict's lock.
    #[inline(always)]
    pub fn set_value(self, t: &Thread, i: usize, v: Value) {
        self.entry(i).value.set(t, self, v);
    }

    /// Appends an entry for a key that is absent; false when the table is full. The caller holds the dict's lock.
    #[inline]
    pub fn insert(self, t: &Thread, key: Value, hash: i64, value: Value) -> bool {
        let i = self.filled.load(Ordering::Relaxed) as usize;
        if i >= self.capacity as usize {
            return false;
        }
        if self.all_str() && key.class() != builtin::STR {
            self.flags.store(self.flags.load(Ordering::Relaxed) | HAS_OTHER_KEYS, Ordering::Relaxed);
        }
        let place = self.free_place(hash);
        self.fill(t, i, key, hash, value, place);
        self.used.store(self.used.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        self.filled.store(i as u32 + 1, Ordering::Release);
        self.end.store(i as u32 + 1, Ordering::Release);
        self.retire();
        true
    }

    /// Writes an entry that was never used, and publishes it in a place of the index.
    #[inline(always)]
    fn fill(self, t: &Thread, i: usize, key: Value, hash: i64, value: Value, place: usize) {
        let e = self.entry(i);
        e.hash.store(hash, Ordering::Relaxed);
        e.value.set(t, self, value);
        e.key.set(t, self, key);
        self.index_set(place, i as u32 + 1);
    }

    /// Moves a live entry to one that was never used: the next, or one that was left free before all others. The caller holds the dict's
    /// lock. The key is in one or in both at any time, and its place in the index is the same.
    pub(super) fn relocate(self, t: &Thread, from: usize, to: usize) {
        let old = self.entry(from);
        self.fill(t, to, old.key.get(), self.hash_at(from), old.value.get(), self.place_of(from));
        old.value.set(t, self, Value::NULL);
        old.key.set(t, self, Value::NULL);
        if to >= self.filled() {
            self.filled.store(to as u32 + 1, Ordering::Release);
            self.end.store(to as u32 + 1, Ordering::Release);
        } else if self.end.load(Ordering::Relaxed) as usize == from + 1 {
            self.end.store(from as u32, Ordering::Release);
        }
        self.retire();
    }

    /// Removes entry `i`; its value. The caller holds the dict's lock.
    pub fn remove(self, t: &Thread, i: usize) -> Option<Value> {
        let e = self.entry(i);
        let old = e.value.opt()?;
        e.value.set(t, self, Value::NULL);
        e.key.set(t, self, Value::NULL);
        self.used.store(self.used.load(Ordering::Relaxed) - 1, Ordering::Relaxed);
        if self.end.load(Ordering::Relaxed) as usize == i + 1 {
            self.end.store(i as u32, Ordering::Release);
        }
        self.retire();
        Some(old)
    }

    /// Removes the last entry. The caller holds the dict's lock. Takes constant time on average, however many are removed in a row.
    pub fn remove_last(self, t: &Thread) -> Option<(Value, Value)> {
        let (i, key, value) = self.previous_alive(usize::MAX)?;
        self.end.store(i as u32 + 1, Ordering::Release);
        self.remove(t, i);
        Some((key, value))
    }

    /// A copy, without the removed entries if they are many. The caller holds the dict's lock.
    pub fn duplicate(self, t: &Thread) -> R<Ref<Table>> {
        let spacious = self.index_log2 > SMALLEST_LOG2 && self.used() < capacity_of(self.index_log2 - 1);
        if spacious || self.used() * 3 < self.filled() * 2 {
            return self.compacted(t, self.used(), 0);
        }
        let copy = Table::with_index(t, self.index_log2)?;
        // SAFETY: both cells have the same size, nobody else knows the copy, and nobody writes to the original, by contract. The copy is
        // new, so it needs no barrier.
        unsafe {
            let (from, to) = (self.ptr() as *const u8, copy.ptr() as *mut u8);
            let start = size_of::<Header>();
            std::ptr::copy_nonoverlapping(from.add(start), to.add(start), self.size() - start);
        }
        copy.retire();
        Ok(copy)
    }
}

/// Traces a table for the collector.
///
/// # Safety
/// `cell` is a live table.
pub unsafe fn trace(cell: *const Header, tracer: &mut Tracer) {
    // SAFETY: by contract.
    let table = unsafe { &*(cell as *const Table) };
    for i in 0..table.filled() {
        let e = table.entry(i);
        tracer.value(e.key.get());
        tracer.value(e.value.get());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capacities_grow_by_doubling_the_index() {
        for (n, capacity) in [(0, 5), (5, 5), (6, 10), (10, 10), (11, 21), (21, 21), (22, 42), (170, 170), (171, 341)] {
            assert_eq!(capacity_of(log2_for(n)), capacity, "{n}");
        }
    }

    #[test]
    fn every_entry_number_fits_into_the_index() {
        for log2 in SMALLEST_LOG2..32 {
            let largest = capacity_of(log2) as u64;
            assert!(largest < 1 << (8 * index_width(log2)), "{log2}");
        }
    }
}
