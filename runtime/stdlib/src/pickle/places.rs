//! Where objects are in a pickler's memo, by their identity.
//!
//! A table with open addressing and a multiplicative hash: identities are addresses, so nobody can choose them to collide, and a pickle of
//! small objects asks for little else. Nothing is ever removed but everything at once.

/// The places of objects by their words; the pickler's list of the objects keeps them alive.
#[derive(Default)]
pub(super) struct Places {
    /// A power of two of entries, at most half of them in use; none before the first insertion. No object's word is 0.
    entries: Vec<(u64, u32)>,
    used: usize,
}

/// How many entries there are first.
const FIRST: usize = 64;

impl Places {
    /// The index of the entry for a word, or of the free one where it belongs.
    #[inline]
    fn index(&self, word: u64) -> usize {
        let mask = self.entries.len() - 1;
        let hash = word.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut i = (hash >> 32) as usize & mask;
        while self.entries[i].0 != word && self.entries[i].0 != 0 {
            i = (i + 1) & mask;
        }
        i
    }

    /// The place of an object, if it has one.
    #[inline]
    pub fn get(&self, word: u64) -> Option<u32> {
        if self.entries.is_empty() {
            return None;
        }
        let (found, place) = self.entries[self.index(word)];
        (found == word).then_some(place)
    }

    /// Gives an object a place.
    #[inline]
    pub fn insert(&mut self, word: u64, place: u32) {
        if self.used * 2 >= self.entries.len() {
            self.grow();
        }
        let i = self.index(word);
        self.used += (self.entries[i].0 == 0) as usize;
        self.entries[i] = (word, place);
    }

    #[cold]
    fn grow(&mut self) {
        let bigger = vec![(0, 0); (self.entries.len() * 4).max(FIRST)];
        for (word, place) in std::mem::replace(&mut self.entries, bigger) {
            if word != 0 {
                let i = self.index(word);
                self.entries[i] = (word, place);
            }
        }
    }

    /// No object has a place any more.
    pub fn clear(&mut self) {
        *self = Places::default();
    }

    /// How many bytes the table takes.
    pub fn size(&self) -> usize {
        self.entries.capacity() * size_of::<(u64, u32)>()
    }
}
