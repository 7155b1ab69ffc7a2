//! Reading lists and dicts while another thread, which holds their lock, writes. Copies of the read and append paths of `types/list/mod.rs`
//! (`get`, `append_locked`, `grow`, `delete_locked`, `clear`) and `types/dict/table.rs` (`next_match`, `key_at`, `value_at`, the order of writing an entry,
//! `assign_version` and `retire`), with numbers for values and a fixed set of storages for the heap.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering::*};
use loom::thread;

/// Storage 0 has room for one item and storage 1, which comes after it, for three. Storage 2 is none, which a list has that was cleared; 3 comes
/// after it. 0 is NULL.
struct List {
    storage: AtomicUsize,
    len: AtomicUsize,
    storages: [Vec<AtomicUsize>; 4],
}

impl List {
    fn new() -> List {
        let items = |n| (0..n).map(|_| AtomicUsize::new(0)).collect();
        List { storage: AtomicUsize::new(0), len: AtomicUsize::new(0), storages: [items(1), items(3), items(0), items(1)] }
    }

    fn get(&self, i: usize) -> Option<usize> {
        let storage = &self.storages[self.storage.load(Acquire)];
        let value = storage.get(i)?.load(Acquire);
        (value != 0).then_some(value)
    }

    fn append(&self, value: usize) {
        let len = self.len.load(Relaxed);
        let mut current = self.storage.load(Relaxed);
        if len == self.storages[current].len() {
            for (i, item) in self.storages[current].iter().enumerate() {
                self.storages[current + 1][i].store(item.load(Relaxed), Relaxed);
            }
            current += 1;
            self.storage.store(current, Release);
        }
        self.storages[current][len].store(value, Release);
        self.len.store(len + 1, Release);
    }

    fn delete_first(&self) {
        let items = &self.storages[self.storage.load(Relaxed)];
        let len = self.len.load(Relaxed);
        for i in 1..len {
            items[i - 1].store(items[i].load(Relaxed), Relaxed);
        }
        self.len.store(len - 1, Release);
        items[len - 1].store(0, Relaxed);
    }

    fn clear(&self) {
        self.len.store(0, Release);
        self.storage.store(2, Release);
    }
}

/// An item that was there stays there while the list grows, and below the length that was seen there is an item.
#[test]
fn a_list_grows() {
    loom::model(|| {
        let list = Arc::new(List::new());
        list.append(10);
        let writer = {
            let list = list.clone();
            thread::spawn(move || {
                list.append(11);
                list.append(12);
            })
        };
        let len = list.len.load(Acquire);
        assert_eq!(list.get(0), Some(10));
        for i in 0..len {
            assert_eq!(list.get(i), Some(10 + i));
        }
        assert!(list.get(2).is_none_or(|v| v == 12) && list.get(3).is_none());
        writer.join().unwrap();
        assert_eq!((0..4).map(|i| list.get(i)).collect::<Vec<_>>(), [Some(10), Some(11), Some(12), None]);
    });
}

/// While the first item is removed there is one at each place below the new length: that which was there, or the one behind it.
#[test]
fn a_list_loses_its_first_item() {
    loom::model(|| {
        let list = Arc::new(List::new());
        (10..13).for_each(|value| list.append(value));
        let writer = {
            let list = list.clone();
            thread::spawn(move || list.delete_first())
        };
        let first = list.get(0);
        assert!(first == Some(10) || first == Some(11));
        assert!(first == Some(10) || list.get(0) == Some(11), "an item comes back");
        assert!(matches!(list.get(1), Some(11 | 12)));
        assert!(matches!(list.get(2), None | Some(12)));
        writer.join().unwrap();
        assert_eq!((0..3).map(|i| list.get(i)).collect::<Vec<_>>(), [Some(11), Some(12), None]);
    });
}

/// Whoever reads while a list is cleared and filled again finds what was there, nothing, or what there is now, in this order.
#[test]
fn a_list_is_cleared_and_filled() {
    loom::model(|| {
        let list = Arc::new(List::new());
        list.append(10);
        let writer = {
            let list = list.clone();
            thread::spawn(move || {
                list.clear();
                list.append(12);
            })
        };
        let seen = [list.get(0), list.get(0)].map(|v| [Some(10), None, Some(12)].iter().position(|known| *known == v));
        assert!(seen[0].is_some() && seen[0] <= seen[1], "{seen:?}");
        writer.join().unwrap();
        assert_eq!((list.get(0), list.len.load(Relaxed)), (Some(12), 1));
    });
}

/// A table with one index place and one entry.
struct Table {
    version: AtomicUsize,
    index: AtomicUsize,
    hash: AtomicUsize,
    key: AtomicUsize,
    value: AtomicUsize,
}

impl Table {
    fn new() -> Table {
        let zero = || AtomicUsize::new(0);
        Table { version: zero(), index: zero(), hash: zero(), key: zero(), value: zero() }
    }

    fn find(&self, key: usize) -> Option<usize> {
        if self.index.load(Acquire) == 0 || self.hash.load(Relaxed) != key + 1 || self.key.load(Acquire) != key {
            return None;
        }
        let value = self.value.load(Acquire);
        (value != 0).then_some(value)
    }

    fn insert(&self, key: usize, value: usize) {
        self.hash.store(key + 1, Relaxed);
        self.value.store(value, Release);
        self.key.store(key, Release);
        self.index.store(1, Release);
        self.retire();
    }

    fn remove(&self) {
        self.key.store(0, Release);
        self.value.store(0, Release);
        self.retire();
    }

    /// The runtime has a plain store here. `loom` would not know that it comes behind an exchange that has read an earlier one.
    fn retire(&self) {
        self.version.swap(0, AcqRel);
    }

    fn assign_version(&self, new: usize) -> usize {
        match self.version.compare_exchange(0, new, AcqRel, Acquire) {
            Ok(_) => new,
            Err(other) => other,
        }
    }
}

/// A reader finds an entry whole or not at all.
#[test]
fn a_key_appears() {
    loom::model(|| {
        let table = Arc::new(Table::new());
        let writer = {
            let table = table.clone();
            thread::spawn(move || table.insert(7, 70))
        };
        assert!(matches!(table.find(7), None | Some(70)));
        assert_eq!(table.find(8), None);
        // With the number of the entry published, all of it is.
        if table.index.load(Acquire) != 0 {
            assert_eq!((table.hash.load(Relaxed), table.key.load(Relaxed), table.value.load(Relaxed)), (8, 7, 70));
        }
        writer.join().unwrap();
        assert_eq!(table.find(7), Some(70));
    });
}

/// What was seen after a version was asked for holds for as long as the table has it: once the writer is done, a version that is still in
/// force certifies what there is.
fn a_version_certifies(change: fn(&Table)) {
    loom::model(move || {
        let table = Arc::new(Table::new());
        let writer = {
            let table = table.clone();
            thread::spawn(move || change(&table))
        };
        let version = table.assign_version(5);
        let seen = table.find(7);
        writer.join().unwrap();
        if table.version.load(Relaxed) == version {
            assert_eq!(table.find(7), seen);
        }
    });
}

#[test]
fn a_version_certifies_while_a_key_is_added() {
    a_version_certifies(|table| table.insert(7, 70));
}

#[test]
fn a_version_certifies_while_a_key_is_added_and_removed() {
    a_version_certifies(|table| {
        table.insert(7, 70);
        table.remove();
    });
}
