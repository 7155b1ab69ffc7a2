//! `set` and `frozenset`: a reference to a [`table`], or NULL while the set is empty.
//!
//! As with dicts, readers take no lock: they load the table once and work on that. Writers hold the set's lock. Comparing keys may run
//! a Python program's `__eq__`, which must not happen under the lock: so a writer first looks under the lock without running any
//! ([`table::Table::find_now`]), which nearly always tells; if not, it looks without the lock and checks under it that nothing was
//! added meanwhile.

use crate::object::{R, Ref, Slot, ValueExt, header_of};
use crate::protocol::{compare::values_equal, hash::hash_value, iter};
use crate::thread::Thread;
use crate::types::dict::{Dict, DictKeys};
use crate::types::{Type, builtin};
use limpid_heap::{Header, Value};

mod iterator;
mod methods;
mod operators;
pub mod table;

pub use iterator::{SET_ITERATOR_DEF, SetIterator};
pub use methods::{FROZENSET_DEF, SET_DEF};
pub use operators::{difference_update, symmetric_difference_update};

use table::{Place, Table};

/// The layout of a set, and of a frozenset.
#[repr(C)]
pub struct Set {
    header: Header,
    table: Slot,
}

crate::layout!(Set, builtin::SET, Slots);

/// A frozenset: a set that nobody changes after it was made.
#[repr(C)]
pub struct FrozenSet {
    set: Set,
}

crate::layout!(FrozenSet, builtin::FROZENSET, Slots);

/// `set()`.
pub fn new_set(t: &Thread) -> Value {
    Set::new(t).value()
}

/// `frozenset(values)`.
pub fn new_frozenset(t: &Thread, values: &[Value]) -> R {
    let set = Set::new_frozen(t);
    for &v in values {
        set.add(t, v)?;
    }
    Ok(set.value())
}

/// The hash of a key. A TypeError says that it was to be a set's element.
#[inline]
pub fn hash_key(t: &Thread, key: Value) -> R<i64> {
    hash_value(t, key).map_err(|raised| crate::types::dict::explain_unhashable(t, raised, key, "a set element"))
}

/// Adds a value to `set`, which is known to be a set; tells whether it was absent.
#[inline]
pub fn add_value(t: &Thread, set: Value, v: Value) -> R<bool> {
    // SAFETY: by contract.
    unsafe { Ref::<Set>::from_value(set) }.add(t, v)
}

/// Is a value in `set`, which is known to be a set or frozenset?
#[inline]
pub fn contains_value(t: &Thread, set: Value, v: Value) -> R<bool> {
    // SAFETY: by contract.
    let set = unsafe { Ref::<Set>::from_value(set) };
    set.contains_hashed(t, v, hash_of_key(t, v)?)
}

/// The hash that an argument of `in`, `remove` and `discard` is looked up with: a set stands for the frozenset with its keys.
pub(super) fn hash_of_key(t: &Thread, key: Value) -> R<i64> {
    match hash_key(t, key) {
        Err(_) if key.is_instance(builtin::SET) => {
            t.catch(crate::exc::TypeError)?;
            // SAFETY: an instance of set.
            let key = unsafe { Ref::<Set>::from_value(key) };
            let hashes = key.entries().map(|(_, hash)| hash);
            Ok(table::hash_of_hashes(hashes, key.len()))
        }
        hash => hash,
    }
}

/// The value as a set, if it is a set or frozenset or an instance of a subclass.
#[inline]
pub fn as_set(v: Value) -> Option<Ref<Set>> {
    if !v.is_cell() {
        return None;
    }
    let class = v.class();
    let is_set =
        class == builtin::SET || class == builtin::FROZENSET || class.is_subtype(builtin::SET) || class.is_subtype(builtin::FROZENSET);
    // SAFETY: all of these begin with a Set.
    is_set.then(|| unsafe { Ref::from_value(v) })
}

/// The value as a set, if its class is exactly `frozenset`.
#[inline]
pub fn as_exact_frozenset(v: Value) -> Option<Ref<Set>> {
    v.exact::<FrozenSet>().map(|frozen| receiver_set(frozen.value()))
}

fn receiver_set(v: Value) -> Ref<Set> {
    // SAFETY: callers know that it is a set or a frozenset; both begin with a Set.
    unsafe { Ref::from_value(v) }
}

impl Set {
    /// The fields of an empty set or frozenset, for instances of subclasses.
    pub fn empty_layout() -> Set {
        Set { header: header_of::<Set>(), table: Slot::NULL }
    }

    /// An empty set.
    pub fn new(t: &Thread) -> Ref<Set> {
        t.alloc(Set::empty_layout())
    }

    /// An empty frozenset, to be filled before anybody else sees it.
    pub fn new_frozen(t: &Thread) -> Ref<Set> {
        let set = Set { header: header_of::<FrozenSet>(), table: Slot::NULL };
        t.alloc_cell(set)
    }

    /// An empty instance of `class`, which is set, frozenset or derives from one of them.
    fn new_instance(t: &Thread, class: Ref<Type>) -> Ref<Set> {
        if class == builtin::SET {
            Set::new(t)
        } else if class == builtin::FROZENSET {
            Set::new_frozen(t)
        } else {
            t.alloc_instance(class, Set::empty_layout())
        }
    }

    /// The table, if there is one.
    #[inline(always)]
    pub fn table(&self) -> Option<Ref<Table>> {
        // SAFETY: the field refers to a table or is NULL.
        self.table.opt().map(|v| unsafe { Ref::from_value(v) })
    }

    /// How many keys there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.table().map_or(0, |table| table.used())
    }

    /// Is it empty?
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The keys with their hashes, as they are in the table that is the set's now.
    pub fn entries(&self) -> impl Iterator<Item = (Value, i64)> + use<> {
        let table = self.table();
        let mut i = 0;
        std::iter::from_fn(move || {
            let table = table?;
            let key = table.next_key(&mut i)?;
            Some((key, table.hash_at(i - 1)))
        })
    }
}

impl Ref<Set> {
    /// Has it this key? Runs the key's `__hash__` and `__eq__` where it has its own.
    #[inline]
    pub fn contains(self, t: &Thread, key: Value) -> R<bool> {
        let hash = hash_key(t, key)?;
        self.contains_hashed(t, key, hash)
    }

    /// As [`Set::contains`], the hash being known.
    #[inline]
    pub fn contains_hashed(self, t: &Thread, key: Value, hash: i64) -> R<bool> {
        let Some(table) = self.table() else { return Ok(false) };
        match table.find_now(key, hash) {
            Place::Taken(_) => Ok(true),
            Place::Free(_) => Ok(false),
            Place::Unsure => self.contains_slowly(t, key, hash),
        }
    }

    /// As [`Set::contains_hashed`], if that needs no Python code.
    #[inline]
    pub fn contains_now(self, key: Value, hash: i64) -> Option<bool> {
        let Some(table) = self.table() else { return Some(false) };
        match table.find_now(key, hash) {
            Place::Taken(_) => Some(true),
            Place::Free(_) => Some(false),
            Place::Unsure => None,
        }
    }

    #[cold]
    fn contains_slowly(self, t: &Thread, key: Value, hash: i64) -> R<bool> {
        Ok(matches!(self.find(t, key, hash)?, Some((_, _, Place::Taken(_)))))
    }

    /// Looks for a key with the keys' own `__eq__`: the table, how many of its places were filled before, and the place. None: there is
    /// no table.
    fn find(self, t: &Thread, key: Value, hash: i64) -> R<Option<(Ref<Table>, usize, Place)>> {
        loop {
            let Some(table) = self.table() else { return Ok(None) };
            let filled = table.filled();
            let place = table.find_by(key, hash, |i, k| {
                let equal = values_equal(t, k, key)?;
                // The comparison may have changed the set: then what was found out so far is worth nothing.
                let same = self.table() == Some(table) && table.key_at(i) == Some(k);
                Ok(same.then_some(equal))
            })?;
            if let Some(place) = place {
                return Ok(Some((table, filled, place)));
            }
            t.poll()?;
        }
    }

    /// Adds a key; tells whether it was absent.
    #[inline]
    pub fn add(self, t: &Thread, key: Value) -> R<bool> {
        let hash = hash_key(t, key)?;
        self.add_hashed(t, key, hash)
    }

    /// As [`Set::add_hashed`], if that needs no Python code; otherwise None.
    pub fn add_now(self, t: &Thread, key: Value, hash: i64) -> R<Option<bool>> {
        let _guard = t.lock(self);
        let table = match self.table() {
            Some(table) => table,
            None => {
                let table = Table::new(t, 0)?;
                self.table.set(t, self, table.value());
                table
            }
        };
        match table.find_now(key, hash) {
            Place::Taken(_) => Ok(Some(false)),
            Place::Free(i) => self.fill_locked(t, table, i, key, hash).map(|()| Some(true)),
            Place::Unsure => Ok(None),
        }
    }

    /// As [`Set::add`], the hash being known.
    pub fn add_hashed(self, t: &Thread, key: Value, hash: i64) -> R<bool> {
        if let Some(added) = self.add_now(t, key, hash)? {
            return Ok(added);
        }
        loop {
            match self.find(t, key, hash)? {
                Some((_, _, Place::Taken(_))) => return Ok(false),
                Some((table, filled, Place::Free(i))) => {
                    let _guard = t.lock(self);
                    if self.table() == Some(table) && table.filled() == filled {
                        return self.fill_locked(t, table, i, key, hash).map(|()| true);
                    }
                }
                // Cleared meanwhile.
                _ => return self.add_hashed(t, key, hash),
            }
        }
    }

    /// As [`Set::add_hashed`] for a set that nobody else knows, which needs no lock.
    #[inline]
    fn add_unshared(self, t: &Thread, key: Value, hash: i64) -> R<()> {
        if let Some(table) = self.table()
            && let Place::Free(i) = table.find_now(key, hash)
        {
            return self.fill_locked(t, table, i, key, hash);
        }
        self.add_hashed(t, key, hash).map(|_| ())
    }

    #[inline]
    fn fill_locked(self, t: &Thread, table: Ref<Table>, i: usize, key: Value, hash: i64) -> R<()> {
        table.fill(t, i, key, hash);
        if table.is_crowded() { self.grow_locked(t, table) } else { Ok(()) }
    }

    #[cold]
    fn grow_locked(self, t: &Thread, table: Ref<Table>) -> R<()> {
        let larger = table.resized(t, table::grown(table.used()))?;
        self.table.set(t, self, larger.value());
        Ok(())
    }

    /// Removes a key; tells whether it was there.
    #[inline]
    pub fn discard(self, t: &Thread, key: Value) -> R<bool> {
        let hash = hash_key(t, key)?;
        self.discard_hashed(t, key, hash)
    }

    /// As [`Set::discard_hashed`], if that needs no Python code; otherwise None.
    pub fn discard_now(self, t: &Thread, key: Value, hash: i64) -> Option<bool> {
        let _guard = t.lock(self);
        let Some(table) = self.table() else { return Some(false) };
        match table.find_now(key, hash) {
            Place::Taken(i) => {
                table.remove(t, i);
                Some(true)
            }
            Place::Free(_) => Some(false),
            Place::Unsure => None,
        }
    }

    /// As [`Set::discard`], the hash being known.
    pub fn discard_hashed(self, t: &Thread, key: Value, hash: i64) -> R<bool> {
        if let Some(removed) = self.discard_now(t, key, hash) {
            return Ok(removed);
        }
        loop {
            let Some((table, _, Place::Taken(i))) = self.find(t, key, hash)? else { return Ok(false) };
            let _guard = t.lock(self);
            if self.table() == Some(table) {
                let there = table.key_at(i).is_some();
                if there {
                    table.remove(t, i);
                }
                return Ok(there);
            }
        }
    }

    /// Removes and gives some key.
    pub fn pop(self, t: &Thread) -> Option<Value> {
        let _guard = t.lock(self);
        self.table()?.pop(t)
    }

    /// Removes all keys.
    pub fn clear(self, t: &Thread) {
        let _guard = t.lock(self);
        self.table.set(t, self, Value::NULL);
    }

    /// Takes over the content of another set, which nobody else knows.
    fn take_from(self, t: &Thread, other: Ref<Set>) {
        let _guard = t.lock(self);
        self.table.set(t, self, other.table.get());
    }

    /// A copy of the table, None if the set is empty.
    fn duplicate_table(self, t: &Thread) -> R<Option<Ref<Table>>> {
        let _guard = t.lock(self);
        match self.table() {
            Some(table) if table.used() == 0 => Ok(None),
            Some(table) if table.is_dense() => table.duplicate(t).map(Some),
            Some(table) => table.resized(t, table.used() * 2).map(Some),
            None => Ok(None),
        }
    }

    /// A new instance of `class` with the same keys.
    fn copy_as(self, t: &Thread, class: Ref<Type>) -> R<Ref<Set>> {
        let copy = Set::new_instance(t, class);
        if let Some(table) = self.duplicate_table(t)? {
            copy.table.set(t, copy, table.value());
        }
        Ok(copy)
    }

    /// Adds the keys of another set.
    pub fn merge(self, t: &Thread, other: Ref<Set>) -> R<()> {
        if self == other || other.is_empty() {
            return Ok(());
        }
        if self.table().is_none()
            && let Some(table) = other.duplicate_table(t)?
        {
            let _guard = t.lock(self);
            if self.table().is_none() {
                self.table.set(t, self, table.value());
                return Ok(());
            }
        }
        self.reserve(t, other.len())?;
        for (key, hash) in other.entries() {
            self.add_hashed(t, key, hash)?;
        }
        Ok(())
    }

    /// Makes room for `n` more keys.
    fn reserve(self, t: &Thread, n: usize) -> R<()> {
        let _guard = t.lock(self);
        let Some(table) = self.table() else { return Ok(()) };
        if (table.filled() + n) * 5 >= table.places() * 3 {
            let larger = table.resized(t, (table.used() + n) * 2)?;
            self.table.set(t, self, larger.value());
        }
        Ok(())
    }

    /// Adds what iteration over `v` yields: `set.update(v)`.
    pub fn update_from(self, t: &Thread, v: Value) -> R<()> {
        if let Some(other) = as_set(v) {
            return self.merge(t, other);
        }
        for_each_hashed(t, v, |key, hash| self.add_hashed(t, key, hash).map(|_| ()))
    }
}

/// Calls `f` with what iteration over `v` yields and the hashes, which sets and dicts know.
fn for_each_hashed(t: &Thread, v: Value, mut f: impl FnMut(Value, i64) -> R<()>) -> R<()> {
    if let Some(set) = as_set(v) {
        return set.entries().try_for_each(|(key, hash)| f(key, hash));
    }
    let dict = v.exact::<Dict>().or_else(|| v.exact::<DictKeys>().and_then(|keys| keys.dict().value().exact()));
    if let Some(dict) = dict {
        let mut position = 0;
        while let Some((key, hash)) = dict.next_key(&mut position) {
            f(key, hash)?;
        }
        return Ok(());
    }
    iter::for_each(t, v, |key| f(key, hash_key(t, key)?))
}
