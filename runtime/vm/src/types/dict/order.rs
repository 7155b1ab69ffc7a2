//! A dict's entries with its lock held, for types whose layout begins with a dict's and that keep account of the entries' number and order:
//! `OrderedDict`.
//!
//! The order of a dict is that of its table, so an entry that is to be the last moves to the next place there, and one that is to be the
//! first to a place in front of the others. For that a table is made with a gap as long as the entries are many, so that on average a move
//! takes constant time. Readers, who take no lock, find the key of an entry that moves at any time.

use super::table::{Found, Table};
use super::{Dict, hash_key};
use crate::object::{R, Ref};
use crate::thread::Thread;
use limpid_heap::Value;

/// The entries of a dict whose lock is held.
pub struct Entries<'a> {
    t: &'a Thread,
    dict: Ref<Dict>,
}

impl Ref<Dict> {
    /// Hands the dict's entries to `f`, with the lock held: it must not run Python code.
    pub fn with_entries<T>(self, t: &Thread, f: impl FnOnce(&Entries<'_>) -> T) -> T {
        let _guard = t.lock(self);
        f(&Entries { t, dict: self })
    }

    /// As [`Dict::with_entries`], with the hash of a key and the number of its live entry, if there is one.
    pub fn with_entry<T>(self, t: &Thread, key: Value, f: impl FnOnce(&Entries<'_>, i64, Found) -> R<T>) -> R<T> {
        let hash = hash_key(t, key)?;
        let entries = Entries { t, dict: self };
        {
            let _guard = t.lock(self);
            if let Ok(found) = self.table().map_or(Ok(None), |table| table.find_now(key, hash)) {
                return f(&entries, hash, found);
            }
        }
        self.locked_after_search(t, key, hash, |found| f(&entries, hash, found))
    }
}

impl Entries<'_> {
    fn table(&self) -> Option<Ref<Table>> {
        self.dict.table()
    }

    /// The value of an entry that was found.
    pub fn value(&self, i: usize) -> Value {
        self.table().and_then(|table| table.value_at(i)).unwrap_or(Value::NONE)
    }

    /// Replaces the value of an entry that was found.
    pub fn set_value(&self, i: usize, value: Value) {
        if let Some(table) = self.table() {
            table.set_value(self.t, i, value);
        }
    }

    /// Adds an entry for a key that is absent.
    pub fn add(&self, key: Value, hash: i64, value: Value) -> R<()> {
        self.dict.insert_new(self.t, key, hash, value)
    }

    /// Removes an entry that was found; its value.
    pub fn remove(&self, i: usize) -> Option<Value> {
        self.table()?.remove(self.t, i)
    }

    /// Where the first entry is, or a place before it.
    pub fn start(&self) -> usize {
        self.table().map_or(0, |table| table.front().first)
    }

    /// The place behind all entries.
    pub fn end(&self) -> usize {
        self.table().map_or(0, |table| table.filled())
    }

    /// Removes the last entry.
    pub fn pop_last(&self) -> Option<(Value, Value)> {
        self.table()?.remove_last(self.t)
    }

    /// Removes the first entry.
    pub fn pop_first(&self) -> Option<(Value, Value)> {
        let table = self.table()?;
        let front = table.front();
        let (i, key, value) = table.next_alive(front.first)?;
        table.remove(self.t, i);
        table.set_front(i + 1, front.gap);
        Some((key, value))
    }

    /// Removes all entries.
    pub fn clear(&self) {
        self.dict.clear_locked(self.t);
    }

    /// Is an entry that was found the last one?
    pub fn is_last(&self, i: usize) -> bool {
        self.table().and_then(|table| table.previous_alive(usize::MAX)).is_none_or(|(last, ..)| last == i)
    }

    /// Is an entry that was found the first one?
    pub fn is_first(&self, i: usize) -> bool {
        self.table().and_then(|table| table.next_alive(table.front().first)).is_none_or(|(first, ..)| first == i)
    }

    /// Makes an entry that was found the last one.
    pub fn move_to_back(&self, mut i: usize) -> R<()> {
        let Some(mut table) = self.table() else { return Ok(()) };
        if table.filled() == table.capacity() {
            let (key, hash) = (table.key_at(i), table.hash_at(i));
            table = self.dict.replace_table(self.t, roomy(table.used()), 0)?;
            i = table.number_of(key, hash);
        }
        table.relocate(self.t, i, table.filled());
        Ok(())
    }

    /// Makes an entry that was found the first one.
    pub fn move_to_front(&self, mut i: usize) -> R<()> {
        let Some(mut table) = self.table() else { return Ok(()) };
        let mut gap = table.front().gap;
        if gap == 0 {
            let (key, hash) = (table.key_at(i), table.hash_at(i));
            gap = table.used();
            table = self.dict.replace_table(self.t, roomy(table.used()), gap)?;
            i = table.number_of(key, hash);
        }
        // Before the place is filled: what is known of the front may lie in there.
        table.set_front(gap - 1, gap - 1);
        table.relocate(self.t, i, gap - 1);
        Ok(())
    }
}

/// Room for so many entries, and half as many to come.
pub(super) const fn roomy(used: usize) -> usize {
    used + used / 2 + 1
}
