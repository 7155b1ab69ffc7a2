//! Free runs of blocks: which there are, the best fit for a request, neighbours joined.

use std::collections::{BTreeMap, BTreeSet};

/// A set of disjoint runs of blocks.
pub(crate) struct FreeRuns {
    by_start: BTreeMap<u32, u32>,
    by_length: BTreeSet<(u32, u32)>,
    blocks: usize,
}

impl FreeRuns {
    pub(crate) const fn new() -> FreeRuns {
        FreeRuns { by_start: BTreeMap::new(), by_length: BTreeSet::new(), blocks: 0 }
    }

    /// The number of blocks in all runs.
    pub(crate) fn blocks(&self) -> usize {
        self.blocks
    }

    /// Adds a run, which touches none of the others' blocks.
    pub(crate) fn insert(&mut self, mut start: u32, mut length: u32) {
        self.blocks += length as usize;
        let before = self.by_start.range(..start).next_back();
        if let Some((&other, &count)) = before.filter(|(other, count)| *other + *count == start) {
            self.unlink(other, count);
            start = other;
            length += count;
        }
        if let Some(&count) = self.by_start.get(&(start + length)) {
            self.unlink(start + length, count);
            length += count;
        }
        self.link(start, length);
    }

    /// Takes `length` blocks in a row, from the smallest run that has as many.
    pub(crate) fn take(&mut self, length: u32) -> Option<u32> {
        let &(count, start) = self.by_length.range((length, 0)..).next()?;
        self.unlink(start, count);
        if count > length {
            self.link(start + length, count - length);
        }
        self.blocks -= length as usize;
        Some(start)
    }

    /// Takes the longest run.
    pub(crate) fn take_longest(&mut self) -> Option<(u32, u32)> {
        let &(length, start) = self.by_length.last()?;
        self.unlink(start, length);
        self.blocks -= length as usize;
        Some((start, length))
    }

    fn link(&mut self, start: u32, length: u32) {
        self.by_start.insert(start, length);
        self.by_length.insert((length, start));
    }

    fn unlink(&mut self, start: u32, length: u32) {
        self.by_start.remove(&start);
        self.by_length.remove(&(length, start));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_joined_on_both_sides() {
        let mut runs = FreeRuns::new();
        runs.insert(10, 2);
        runs.insert(14, 2);
        assert_eq!(runs.take(5), None);
        runs.insert(12, 2);
        assert_eq!(runs.blocks(), 6);
        assert_eq!(runs.take(6), Some(10));
        assert_eq!(runs.blocks(), 0);
        assert_eq!(runs.take(1), None);
    }

    #[test]
    fn the_smallest_run_that_fits_is_split() {
        let mut runs = FreeRuns::new();
        runs.insert(0, 100);
        runs.insert(200, 5);
        assert_eq!(runs.take(3), Some(200));
        assert_eq!(runs.take(3), Some(0));
        assert_eq!(runs.take(2), Some(203));
        assert_eq!(runs.take_longest(), Some((3, 97)));
        assert_eq!(runs.take_longest(), None);
    }
}
