//! Where objects are in a pickler's memo, by their identity.
//!
//! A table with open addressing and a multiplicative hash: identities are addresses, so nobody can choose them to collide, and a pickle of
//! small objects asks for little else. Nothing is ever removed but everything at once, which is only to count on: an entry of another
//! generation is free. So the next pickle of a thread can use the table of the last one without clearing it.

use std::cell::Cell;

/// The places of objects by their words; the pickler's list of the objects keeps them alive.
pub(super) struct Places {
    /// A power of two of entries, at most half of them in use; none before the first insertion.
    entries: Vec<Entry>,
    used: usize,
    /// Never 0, which is what new entries have.
    generation: u32,
}

#[derive(Clone, Copy, Default)]
struct Entry {
    word: u64,
    place: u32,
    generation: u32,
}

/// How many entries there are first.
const FIRST: usize = 64;
/// How many entries a table may have that is kept for the next pickle.
const KEPT: usize = 1 << 12;

thread_local! {
    /// A table that nobody uses.
    static SPARE: Cell<Option<Places>> = const { Cell::new(None) };
}

impl Default for Places {
    fn default() -> Places {
        Places { entries: Vec::new(), used: 0, generation: 1 }
    }
}

impl Places {
    /// An empty table, if possible the one that the thread used last.
    pub fn reused() -> Places {
        SPARE.take().unwrap_or_default()
    }

    /// Leaves the table to the thread's next pickle.
    pub fn recycle(mut self) {
        if self.entries.len() <= KEPT {
            self.clear();
            SPARE.set(Some(self));
        }
    }

    /// The index of the entry for a word, or of the free one where it belongs.
    #[inline(always)]
    fn index(&self, word: u64) -> usize {
        let mask = self.entries.len() - 1;
        let hash = word.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut i = (hash >> 32) as usize & mask;
        while self.entries[i].word != word && self.entries[i].generation == self.generation {
            i = (i + 1) & mask;
        }
        i
    }

    /// The place of an object, if it has one.
    #[inline]
    pub fn get(&self, word: u64) -> Option<u32> {
        if self.used == 0 {
            return None;
        }
        let found = self.entries[self.index(word)];
        (found.generation == self.generation).then_some(found.place)
    }

    /// The place of an object; None: it had none and has `place` now.
    #[inline]
    pub fn get_or_insert(&mut self, word: u64, place: u32) -> Option<u32> {
        if self.used * 2 >= self.entries.len() {
            self.grow();
        }
        let i = self.index(word);
        let found = self.entries[i];
        if found.generation == self.generation {
            return Some(found.place);
        }
        self.used += 1;
        self.entries[i] = Entry { word, place, generation: self.generation };
        None
    }

    /// Gives an object a place, whether it had one or not.
    pub fn insert(&mut self, word: u64, place: u32) {
        if self.get_or_insert(word, place).is_some() {
            let i = self.index(word);
            self.entries[i].place = place;
        }
    }

    #[cold]
    fn grow(&mut self) {
        let bigger = vec![Entry::default(); (self.entries.len() * 4).max(FIRST)];
        for entry in std::mem::replace(&mut self.entries, bigger) {
            if entry.generation == self.generation {
                let i = self.index(entry.word);
                self.entries[i] = entry;
            }
        }
    }

    /// No object has a place any more.
    pub fn clear(&mut self) {
        self.used = 0;
        match self.generation.checked_add(1) {
            Some(next) => self.generation = next,
            None => *self = Places::default(),
        }
    }

    /// How many bytes the table takes.
    pub fn size(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cleared_table_knows_nothing_of_what_was_in_it() {
        let mut places = Places::default();
        for round in 0..3 {
            assert_eq!(places.get(8), None);
            for word in 1..200u64 {
                assert_eq!(places.get_or_insert(word * 8, word as u32 + round), None);
            }
            assert_eq!(places.get_or_insert(8, 0), Some(1 + round));
            assert_eq!(places.get(199 * 8), Some(199 + round));
            assert_eq!(places.get(200 * 8), None);
            places.clear();
        }
    }

    #[test]
    fn a_thread_uses_its_table_again() {
        let mut places = Places::reused();
        places.insert(8, 0);
        let size = places.size();
        places.recycle();
        let places = Places::reused();
        assert_eq!((places.size(), places.get(8)), (size, None));
    }
}
