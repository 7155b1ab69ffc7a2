//! The table behind a set: open addressing, in one heap cell.
//!
//! ```text
//!  0        8       16     24       32                32 + 8*places
//! +--------+-------+------+--------+-- keys ----------+--------+--------+-- hashes --------+
//! | header | count | used | filled | places values    | frozen | finger | places numbers   |
//! +--------+-------+------+--------+------------------+--------+--------+------------------+
//! ```
//!
//! The cell is an array for the collector: `count` words after it, which are `used`, `filled` and the keys. A place is free (NULL), in
//! use, or held a key that was removed ([`REMOVED`]); it is never used twice, so a place means the same key for as long as the table
//! lives, and `filled`, the number of places that are not free, tells whether a key was added.
//!
//! Readers probe without a lock while one writer, holding the set's lock, fills a place: it writes the hash, then the key.
//!
//! Where a key goes follows CPython's table: the places after the hash's own are tried first, which are in the same cache line, before
//! the search jumps. So sets of small numbers come out in the order that programs have got used to.

use crate::object::{R, Ref, Slot};
use crate::protocol::compare::identical_or_equal_now;
use crate::thread::Thread;
use limpid_heap::Value;
use limpid_heap::{Header, Kind, ShapeRef};
use std::sync::atomic::{
    AtomicI64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};

/// The table behind a set; see the module's page.
#[repr(C)]
pub struct Table {
    header: Header,
    count: usize,
    used: AtomicUsize,
    filled: AtomicUsize,
    keys: [Slot; 0],
}

/// What follows the keys.
#[repr(C)]
struct Tail {
    /// The hash of the frozenset the table belongs to; -1 (which is no hash) when it was not asked for yet.
    frozen: AtomicI64,
    /// Where [`Table::pop`] goes on.
    finger: AtomicUsize,
    hashes: [AtomicI64; 0],
}

/// Bytes before the keys.
const KEYS_OFFSET: usize = size_of::<Table>();
/// Words counted as the array's besides keys.
const COUNTERS: usize = 2;
/// The fewest places of a table.
const SMALLEST: usize = 8;
/// How many neighbours of a place are tried before the search jumps.
const NEIGHBOURS: usize = 9;
/// How much of the hash each jump takes into account.
const PERTURB_SHIFT: u32 = 5;
/// A key was here. No value that a program can see.
const REMOVED: Value = Value::from_bits(0xFFFC << 48 | 0xFFFF);

/// What a crowded table with so many keys is made larger than.
pub fn grown(used: usize) -> usize {
    if used > 50_000 { used * 2 } else { used * 4 }
}

/// Where a key is, or would go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// It is here.
    Taken(usize),
    /// It is absent and would go here.
    Free(usize),
    /// That cannot be told without running a Python program's `__eq__`.
    Unsure,
}

/// The places at which a key with a certain hash may be.
struct Probe {
    mask: usize,
    /// Where the search jumped to last.
    start: usize,
    /// The place that is next.
    place: usize,
    /// How many neighbours are left.
    neighbours: usize,
    perturb: usize,
}

impl Probe {
    #[inline(always)]
    fn new(hash: i64, mask: usize) -> Probe {
        let start = hash as usize & mask;
        Probe { mask, start, place: start, neighbours: Probe::neighbours(start, mask), perturb: hash as usize }
    }

    /// Neighbours are tried only where all of them lie inside of the table.
    #[inline(always)]
    fn neighbours(start: usize, mask: usize) -> usize {
        if start + NEIGHBOURS <= mask { NEIGHBOURS } else { 0 }
    }

    #[inline(always)]
    fn advance(&mut self) {
        if self.neighbours > 0 {
            self.neighbours -= 1;
            self.place += 1;
            return;
        }
        self.perturb >>= PERTURB_SHIFT;
        self.start = self.start.wrapping_mul(5).wrapping_add(1).wrapping_add(self.perturb) & self.mask;
        self.place = self.start;
        self.neighbours = Probe::neighbours(self.start, self.mask);
    }
}

impl Table {
    /// An empty table with more than `n` places.
    pub fn new(t: &Thread, n: usize) -> R<Ref<Table>> {
        let places = n.checked_add(1).and_then(usize::checked_next_power_of_two).unwrap_or(usize::MAX / 64).max(SMALLEST);
        let size = KEYS_OFFSET + size_of::<Tail>() + places * 16;
        let header = Header::new(ShapeRef::NONE, Kind::Array, 0);
        let table = t.try_alloc_bytes(size, header)?.as_ptr() as *mut Table;
        // SAFETY: a new, zeroed cell of that size; zero is "free" everywhere.
        unsafe {
            (*table).count = places + COUNTERS;
            let table = Ref::from_ptr(table);
            table.tail().frozen.store(-1, Relaxed);
            Ok(table)
        }
    }

    /// An empty table as large as one that has grown with so many keys.
    pub fn for_keys(t: &Thread, n: usize) -> R<Ref<Table>> {
        let mut places = SMALLEST;
        loop {
            let crowded = ((places - 1) * 3).div_ceil(5);
            if n < crowded {
                return Table::new(t, places - 1);
            }
            places = grown(crowded).saturating_add(1).next_power_of_two();
        }
    }

    /// How many places there are.
    #[inline(always)]
    pub fn places(&self) -> usize {
        self.count - COUNTERS
    }

    #[inline(always)]
    fn mask(&self) -> usize {
        self.places() - 1
    }

    /// How many keys there are.
    #[inline(always)]
    pub fn used(&self) -> usize {
        self.used.load(Relaxed)
    }

    /// How many places are not free. Changes when a key is added.
    #[inline(always)]
    pub fn filled(&self) -> usize {
        self.filled.load(Acquire)
    }

    /// Has no key been removed?
    pub fn is_dense(&self) -> bool {
        self.used() == self.filled()
    }

    #[inline(always)]
    fn tail(&self) -> &Tail {
        // SAFETY: the tail follows the keys in the same cell.
        unsafe { &*(self.keys.as_ptr().add(self.places()) as *const Tail) }
    }

    #[inline(always)]
    fn slot(&self, i: usize) -> &Slot {
        debug_assert!(i < self.places());
        // SAFETY: places come from a probe, which masks them, or from a loop below `places`.
        unsafe { &*self.keys.as_ptr().add(i) }
    }

    #[inline(always)]
    fn hash_slot(&self, i: usize) -> &AtomicI64 {
        debug_assert!(i < self.places());
        // SAFETY: as in `slot`.
        unsafe { &*self.tail().hashes.as_ptr().add(i) }
    }

    /// The hash of the key at place `i`.
    #[inline(always)]
    pub fn hash_at(&self, i: usize) -> i64 {
        self.hash_slot(i).load(Relaxed)
    }

    /// The key at place `i`.
    #[inline(always)]
    pub fn key_at(&self, i: usize) -> Option<Value> {
        let key = self.slot(i).get();
        (!key.is_null() && key != REMOVED).then_some(key)
    }

    /// Keys with their hashes, in no particular order.
    pub fn entries(&self) -> impl Iterator<Item = (Value, i64)> + '_ {
        (0..self.places()).filter_map(|i| Some((self.key_at(i)?, self.hash_at(i))))
    }

    /// The next key at or after `position`, which moves behind it.
    #[inline]
    pub fn next_key(&self, position: &mut usize) -> Option<Value> {
        while *position < self.places() {
            let i = *position;
            *position += 1;
            if let Some(key) = self.key_at(i) {
                return Some(key);
            }
        }
        None
    }

    /// Looks for a key without running a Python program's code.
    #[inline(always)]
    pub fn find_now(&self, key: Value, hash: i64) -> Place {
        // Most searches end where they begin.
        let first = hash as usize & self.mask();
        match self.slot(first).get() {
            k if k == key => Place::Taken(first),
            Value::NULL => Place::Free(first),
            _ => self.search_now(key, hash),
        }
    }

    fn search_now(&self, key: Value, hash: i64) -> Place {
        let mut probe = Probe::new(hash, self.mask());
        loop {
            let i = probe.place;
            let k = self.slot(i).get();
            if k.is_null() {
                return Place::Free(i);
            }
            if k == key {
                return Place::Taken(i);
            }
            if k != REMOVED && self.hash_at(i) == hash {
                match identical_or_equal_now(k, key) {
                    Some(true) => return Place::Taken(i),
                    Some(false) => {}
                    None => return Place::Unsure,
                }
            }
            probe.advance();
        }
    }

    /// Looks for a key; `equal` compares it to a key that has the same hash. None when `equal` says so.
    pub fn find_by(&self, key: Value, hash: i64, mut equal: impl FnMut(usize, Value) -> R<Option<bool>>) -> R<Option<Place>> {
        let mut probe = Probe::new(hash, self.mask());
        loop {
            let i = probe.place;
            let k = self.slot(i).get();
            if k.is_null() {
                return Ok(Some(Place::Free(i)));
            }
            if k == key {
                return Ok(Some(Place::Taken(i)));
            }
            if k != REMOVED && self.hash_at(i) == hash {
                match equal(i, k)? {
                    Some(true) => return Ok(Some(Place::Taken(i))),
                    Some(false) => {}
                    None => return Ok(None),
                }
            }
            probe.advance();
        }
    }

    /// Are so few places free that probing becomes slow?
    #[inline(always)]
    pub fn is_crowded(&self) -> bool {
        self.filled.load(Relaxed) * 5 >= self.mask() * 3
    }

    /// The same keys in a new table with more than `n` places. The caller holds the set's lock.
    pub fn resized(&self, t: &Thread, n: usize) -> R<Ref<Table>> {
        let table = Table::new(t, n)?;
        for (key, hash) in self.entries() {
            table.insert_absent(t, key, hash);
        }
        Ok(table)
    }

    /// The hash of a frozenset with these keys.
    pub fn frozen_hash(&self) -> i64 {
        let known = self.tail().frozen.load(Relaxed);
        if known != -1 {
            return known;
        }
        let hash = hash_of_hashes(self.entries().map(|(_, hash)| hash), self.used());
        self.tail().frozen.store(hash, Relaxed);
        hash
    }

    /// Bytes of the cell.
    pub fn size(&self) -> usize {
        KEYS_OFFSET + size_of::<Tail>() + self.places() * 16
    }
}

impl Ref<Table> {
    /// Fills a free place. The caller holds the set's lock, and makes a larger table if this one is crowded then.
    #[inline]
    pub fn fill(self, t: &Thread, i: usize, key: Value, hash: i64) {
        self.hash_slot(i).store(hash, Relaxed);
        self.slot(i).set(t, self, key);
        self.used.store(self.used() + 1, Relaxed);
        self.filled.store(self.filled.load(Relaxed) + 1, Release);
    }

    /// Adds a key that is known to be absent to a table that is not crowded and in which nothing was removed. The caller holds the set's
    /// lock, or nobody else knows the table.
    pub fn insert_absent(self, t: &Thread, key: Value, hash: i64) {
        let mut probe = Probe::new(hash, self.mask());
        while !self.slot(probe.place).get().is_null() {
            probe.advance();
        }
        self.fill(t, probe.place, key, hash);
    }

    /// Removes the key at place `i`. The caller holds the set's lock.
    pub fn remove(self, t: &Thread, i: usize) {
        self.slot(i).set(t, self, REMOVED);
        self.used.store(self.used() - 1, Relaxed);
    }

    /// Removes some key. The caller holds the set's lock.
    pub fn pop(self, t: &Thread) -> Option<Value> {
        if self.used() == 0 {
            return None;
        }
        let mask = self.mask();
        let mut i = self.tail().finger.load(Relaxed) & mask;
        loop {
            if let Some(key) = self.key_at(i) {
                self.remove(t, i);
                self.tail().finger.store((i + 1) & mask, Relaxed);
                return Some(key);
            }
            i = (i + 1) & mask;
        }
    }

    /// A copy. The caller holds the set's lock, or the set is frozen.
    pub fn duplicate(self, t: &Thread) -> R<Ref<Table>> {
        let copy = Table::new(t, self.mask())?;
        let words = size_of::<Tail>() / 8 + 2 * self.places();
        // SAFETY: both cells have that many words after the counters, nobody else knows the copy, and nobody writes to the original,
        // by contract. The copy is new, so it needs no barrier.
        unsafe { std::ptr::copy_nonoverlapping(self.keys.as_ptr() as *const u64, copy.keys.as_ptr() as *mut u64, words) };
        copy.tail().frozen.store(-1, Relaxed);
        copy.used.store(self.used(), Relaxed);
        copy.filled.store(self.filled(), Release);
        Ok(copy)
    }
}

/// CPython's hash of a frozenset: independent of the order, and well spread though the hashes of neighbours often differ in few bits.
pub fn hash_of_hashes(hashes: impl Iterator<Item = i64>, len: usize) -> i64 {
    let mixed = hashes.fold(0u64, |all, hash| {
        let h = hash as u64;
        all ^ ((h ^ 89_869_747) ^ (h << 16)).wrapping_mul(3_644_798_167)
    });
    let mut hash = mixed ^ (len as u64).wrapping_add(1).wrapping_mul(1_927_868_237);
    hash ^= (hash >> 11) ^ (hash >> 25);
    hash = hash.wrapping_mul(69_069).wrapping_add(907_133_923);
    if hash == u64::MAX { 590_923_713 } else { hash as i64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_comes_to_every_place() {
        for mask in [7usize, 31, 127] {
            for hash in [0i64, 5, -3, i64::MAX, 0x1234_5678_9ABC] {
                let mut probe = Probe::new(hash, mask);
                let mut seen = vec![false; mask + 1];
                for _ in 0..(mask + 1) * 40 {
                    seen[probe.place] = true;
                    probe.advance();
                }
                assert!(seen.iter().all(|s| *s), "{mask} {hash}");
            }
        }
    }

    #[test]
    fn frozen_hashes_do_not_depend_on_order() {
        let forth = hash_of_hashes([1, 2, 3].into_iter(), 3);
        let back = hash_of_hashes([3, 2, 1].into_iter(), 3);
        assert_eq!(forth, back);
        assert_eq!(forth, -272_375_401_224_217_160);
        assert_eq!(hash_of_hashes([].into_iter(), 0), 133_146_708_735_736);
    }
}
