//! `dict`: insertion-ordered, lock-free to read.
//!
//! A dict is one reference to a [`Table`], or NULL while it is empty. Everything about its content is in that one cell (see
//! [`table`]), so a reader that has loaded the reference works on something consistent, and a lookup takes no lock. Writers hold the
//! dict's lock; what does not fit any more goes into a new table.
//!
//! Comparing keys may run a Python program's `__eq__`, which must not happen under the lock. So a writer first looks under the lock
//! without running any ([`Table::find_now`]), which nearly always tells; if not, it looks without the lock and checks under it that no
//! key was added meanwhile.

use crate::object::{R, Raised, Ref, Slot, ValueExt, header_of};
use crate::protocol::{compare::values_equal, hash::hash_value};
use crate::thread::Thread;
use crate::types::{Str, Type, builtin};
use limpid_heap::{Header, Value};

mod iterators;
mod methods;
pub mod order;
pub mod table;
pub mod update;
mod views;

pub use iterators::{
    DICT_ITEM_ITERATOR_DEF, DICT_KEY_ITERATOR_DEF, DICT_REVERSE_ITEM_ITERATOR_DEF, DICT_REVERSE_KEY_ITERATOR_DEF,
    DICT_REVERSE_VALUE_ITERATOR_DEF, DICT_VALUE_ITERATOR_DEF, may_have_next, next_item,
};
pub use methods::{DICT_DEF, item_or_missing};
pub use views::{
    DICT_ITEMS_DEF, DICT_KEYS_DEF, DICT_VALUES_DEF, DictItems, DictKeys, DictValues, dict_of, items_view, keys_view, values_view,
    view_of_class,
};

use table::{Found, Table, Unsure};

/// The layout of a dict.
#[repr(C)]
pub struct Dict {
    header: Header,
    table: Slot,
}

crate::layout!(Dict, builtin::DICT, Slots);

/// The dict has changed while a key was being compared: look again.
struct Retry;

/// The hash of a key. A TypeError says that it was to be a dict's key.
#[inline]
pub fn hash_key(t: &Thread, key: Value) -> R<i64> {
    hash_value(t, key).map_err(|raised| explain_unhashable(t, raised, key, "a dict key"))
}

/// Makes the TypeError that hashing `key` has raised say what the hash was needed for.
#[cold]
pub fn explain_unhashable(t: &Thread, raised: Raised, key: Value, role: &str) -> Raised {
    let cause = t.exception();
    if cause.class() != crate::exc::TypeError {
        return raised;
    }
    t.take_exception();
    let Ok(reason) = crate::protocol::text::str_of(t, cause) else { return raised };
    let name = full_name(key.class());
    err!(t, TypeError, "cannot use '{name}' as {role} ({})", reason.to_string_lossy())
}

/// A class's name with its module, unless everybody knows that.
pub(crate) fn full_name(class: Ref<Type>) -> String {
    let module = class.dict().get_name(crate::names::__module__).and_then(|m| m.downcast::<Str>());
    let name = class.qualname.get().downcast::<Str>().map_or_else(|| class.display_name(), |s| s.to_string_lossy().into_owned());
    match module {
        Some(m) if !m.eq_str("builtins") && !m.eq_str("__main__") => format!("{}.{name}", m.to_string_lossy()),
        _ => name,
    }
}

impl Dict {
    /// Where the table is.
    pub const TABLE: usize = std::mem::offset_of!(Dict, table);

    /// An empty dict.
    #[inline]
    pub fn new(t: &Thread) -> Ref<Dict> {
        t.alloc(Dict::empty_layout())
    }

    /// The fields of an empty dict, for instances of subclasses and of types whose layout begins with a dict's.
    pub fn empty_layout() -> Dict {
        Dict { header: header_of::<Dict>(), table: Slot::NULL }
    }

    /// An empty dict with room for `n` entries.
    pub fn with_capacity(t: &Thread, n: usize) -> R<Ref<Dict>> {
        let d = Dict::new(t);
        if n > 0 {
            let table = Table::new(t, n)?;
            d.table.set(t, d, table.value());
        }
        Ok(d)
    }

    /// The table, if there is one.
    #[inline(always)]
    pub fn table(&self) -> Option<Ref<Table>> {
        // SAFETY: the field refers to a table or is NULL.
        self.table.opt().map(|v| unsafe { Ref::from_value(v) })
    }

    /// How many entries there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.table().map_or(0, |table| table.used())
    }

    /// Is it empty?
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    // ---- lookup ----

    /// The value of a key that is a str; `name` need not be interned. Never runs Python code.
    #[inline]
    pub fn get_name(&self, name: Value) -> Option<Value> {
        debug_assert!(name.is_instance(builtin::STR));
        let table = self.table()?;
        // SAFETY: names are strings.
        let s = unsafe { Ref::<Str>::from_value(name) };
        table.find_str(s).and_then(|i| table.value_at(i))
    }

    /// The value of a key that is this text.
    pub fn get_text(&self, t: &Thread, text: &str) -> Option<Value> {
        self.get_name(Str::new(t, text).value())
    }

    // ---- iteration ----

    /// The entry at or after `position` in insertion order, and the position to go on from. Start with 0. Entries added meanwhile may or
    /// may not be seen; to notice changes compare [`Dict::len`].
    #[inline]
    pub fn next_entry(&self, position: &mut usize) -> Option<(Value, Value)> {
        let (i, key, value) = self.table()?.next_alive(*position)?;
        *position = i + 1;
        Some((key, value))
    }

    /// As [`Dict::next_entry`]: the key and its hash.
    #[inline]
    pub fn next_key(&self, position: &mut usize) -> Option<(Value, i64)> {
        let table = self.table()?;
        let (i, key, _) = table.next_alive(*position)?;
        *position = i + 1;
        Some((key, table.hash_at(i)))
    }

    /// The entries, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Value, Value)> + '_ {
        let mut position = 0;
        std::iter::from_fn(move || self.next_entry(&mut position))
    }

    /// Where an interned name is in the table, for inline caches: the index stays right for as long as the table is the dict's and the
    /// value there is not NULL.
    pub fn index_of_name(&self, name: Value) -> Option<usize> {
        // SAFETY: names are strings.
        self.table()?.find_str(unsafe { Ref::<Str>::from_value(name) })
    }
}

impl Ref<Dict> {
    /// The value of a key. Runs the key's `__hash__` and `__eq__` where it has its own.
    #[inline]
    pub fn get(self, t: &Thread, key: Value) -> R<Option<Value>> {
        let hash = hash_key(t, key)?;
        self.get_hashed(t, key, hash)
    }

    /// As [`Dict::get`], the hash being known.
    #[inline]
    pub fn get_hashed(self, t: &Thread, key: Value, hash: i64) -> R<Option<Value>> {
        let Some(table) = self.table() else { return Ok(None) };
        match table.find_now(key, hash) {
            Ok(None) => Ok(None),
            Ok(Some(i)) => match table.value_at(i) {
                Some(value) => Ok(Some(value)),
                None => self.get_slowly(t, key, hash),
            },
            Err(Unsure) => self.get_slowly(t, key, hash),
        }
    }

    /// As [`Dict::get_hashed`], if that needs no Python code.
    #[inline]
    pub fn get_now(self, key: Value, hash: i64) -> Option<Option<Value>> {
        let Some(table) = self.table() else { return Some(None) };
        table.find_now(key, hash).ok().map(|found| found.and_then(|i| table.value_at(i)))
    }

    #[cold]
    fn get_slowly(self, t: &Thread, key: Value, hash: i64) -> R<Option<Value>> {
        loop {
            let Some(table) = self.table() else { return Ok(None) };
            if let Ok(found) = self.find(t, table, key, hash)? {
                let Some(i) = found else { return Ok(None) };
                // An entry that is gone since it was found was removed, or it has moved.
                if let Some(value) = table.value_at(i) {
                    return Ok(Some(value));
                }
            }
            t.poll()?;
        }
    }

    /// Has it this key?
    pub fn contains(self, t: &Thread, key: Value) -> R<bool> {
        Ok(self.get(t, key)?.is_some())
    }

    /// Looks for a key with the keys' own `__eq__`.
    fn find(self, t: &Thread, table: Ref<Table>, key: Value, hash: i64) -> R<Result<Found, Retry>> {
        let mut probe = table.probe(hash);
        while let Some(i) = table.next_match(&mut probe, hash) {
            let k = table.key_at(i);
            if k == key {
                return Ok(Ok(Some(i)));
            }
            if k.is_null() {
                return Ok(Err(Retry));
            }
            let equal = values_equal(t, k, key)?;
            if self.table() != Some(table) || table.key_at(i) != k {
                return Ok(Err(Retry));
            }
            if equal {
                return Ok(Ok(Some(i)));
            }
        }
        Ok(Ok(None))
    }

    // ---- changes ----

    /// Sets a key's value.
    #[inline]
    pub fn set_item(self, t: &Thread, key: Value, value: Value) -> R<()> {
        let hash = hash_key(t, key)?;
        self.set_hashed(t, key, hash, value)
    }

    /// As [`Dict::set_hashed`], if that needs no Python code; false otherwise.
    #[inline]
    pub fn set_now(self, t: &Thread, key: Value, hash: i64, value: Value) -> R<bool> {
        Ok(self.update_entry_now(t, key, hash, &|_| Some(value))?.is_ok())
    }

    /// Sets the value of an interned or other str key.
    #[inline]
    pub fn set_name(self, t: &Thread, name: Value, value: Value) -> R<()> {
        self.set_item(t, name, value)
    }

    /// Sets the value of a key given as text, which is interned.
    pub fn set_text(self, t: &Thread, text: &str, value: Value) -> R<()> {
        self.set_item(t, crate::types::str::intern(t, text), value)
    }

    /// As [`Dict::set_item`], the hash being known.
    #[inline]
    pub fn set_hashed(self, t: &Thread, key: Value, hash: i64, value: Value) -> R<()> {
        self.update_entry(t, key, hash, |_| Some(value)).map(|_| ())
    }

    /// Sets the key's value unless it has one; the value it has then.
    pub fn set_default(self, t: &Thread, key: Value, value: Value) -> R {
        let hash = hash_key(t, key)?;
        self.set_default_hashed(t, key, hash, value)
    }

    /// As [`Dict::set_default`], the hash being known.
    pub fn set_default_hashed(self, t: &Thread, key: Value, hash: i64, value: Value) -> R {
        let old = self.update_entry(t, key, hash, |old| if old.is_none() { Some(value) } else { None })?;
        Ok(old.unwrap_or(value))
    }

    /// As [`Dict::set_default_hashed`], if that needs no Python code.
    pub fn set_default_now(self, t: &Thread, key: Value, hash: i64, value: Value) -> R<Option<Value>> {
        let old = self.update_entry_now(t, key, hash, &|old| if old.is_none() { Some(value) } else { None })?;
        Ok(old.ok().map(|old| old.unwrap_or(value)))
    }

    /// Finds the key's entry and lets `f` say, given its value, what to store (None: leave it). The value before. `f` is called with the
    /// lock held.
    #[inline]
    fn update_entry(self, t: &Thread, key: Value, hash: i64, f: impl Fn(Option<Value>) -> Option<Value>) -> R<Option<Value>> {
        match self.update_entry_now(t, key, hash, &f)? {
            Ok(old) => Ok(old),
            Err(Unsure) => self.update_entry_slowly(t, key, hash, &f),
        }
    }

    /// As [`Dict::update_entry`], if that needs no Python code.
    #[inline]
    fn update_entry_now(
        self,
        t: &Thread,
        key: Value,
        hash: i64,
        f: &impl Fn(Option<Value>) -> Option<Value>,
    ) -> R<Result<Option<Value>, Unsure>> {
        let _guard = t.lock(self);
        let found = match self.table() {
            Some(table) => match table.find_now(key, hash) {
                Ok(found) => found,
                Err(Unsure) => return Ok(Err(Unsure)),
            },
            None => None,
        };
        self.store_locked(t, found, key, hash, f).map(Ok)
    }

    #[cold]
    fn update_entry_slowly(self, t: &Thread, key: Value, hash: i64, f: &dyn Fn(Option<Value>) -> Option<Value>) -> R<Option<Value>> {
        self.locked_after_search(t, key, hash, |found| self.store_locked(t, found, key, hash, &f))
    }

    /// Looks for a key with the keys' own `__eq__`, and calls `f` with the lock held while what was found holds.
    fn locked_after_search<T>(self, t: &Thread, key: Value, hash: i64, f: impl FnOnce(Found) -> R<T>) -> R<T> {
        loop {
            let table = self.table();
            // Read before the search: a key that is added while it runs must be noticed.
            let filled = table.map_or(0, |table| table.filled());
            let found = match table {
                Some(table) => match self.find(t, table, key, hash)? {
                    Ok(found) => found,
                    Err(Retry) => {
                        t.poll()?;
                        continue;
                    }
                },
                None => None,
            };
            let _guard = t.lock(self);
            // An entry that is gone may have moved to the front.
            let gone = || found.zip(table).is_some_and(|(i, table)| table.key_at(i).is_null());
            if self.table() == table && table.map_or(0, |table| table.filled()) == filled && !gone() {
                return f(found);
            }
        }
    }

    /// Stores what `f` says in the entry that was found, or in a new one; the caller holds the lock.
    #[inline]
    fn store_locked(
        self,
        t: &Thread,
        found: Found,
        key: Value,
        hash: i64,
        f: &impl Fn(Option<Value>) -> Option<Value>,
    ) -> R<Option<Value>> {
        if let (Some(table), Some(i)) = (self.table(), found)
            && let Some(old) = table.value_at(i)
        {
            if let Some(new) = f(Some(old)) {
                table.set_value(t, i, new);
            }
            return Ok(Some(old));
        }
        if let Some(new) = f(None) {
            self.insert_new(t, key, hash, new)?;
        }
        Ok(None)
    }

    /// Adds an entry for a key that is absent; the caller holds the lock.
    #[inline]
    fn insert_new(self, t: &Thread, key: Value, hash: i64, value: Value) -> R<()> {
        if let Some(table) = self.table()
            && table.insert(t, key, hash, value)
        {
            return Ok(());
        }
        let used = self.len();
        let larger = self.replace_table(t, order::roomy(used), 0)?;
        let fits = larger.insert(t, key, hash, value);
        debug_assert!(fits);
        Ok(())
    }

    /// Moves the entries to a new table with room for `n`, behind a gap; the caller holds the lock.
    #[cold]
    #[inline(never)]
    fn replace_table(self, t: &Thread, n: usize, gap: usize) -> R<Ref<Table>> {
        let old = self.table();
        let new = match old {
            Some(old) => old.compacted(t, n, gap)?,
            None => Table::new(t, n)?,
        };
        self.table.set(t, self, new.value());
        if let Some(old) = old {
            old.retire();
        }
        Ok(new)
    }

    /// Makes room for `n` more entries.
    pub fn reserve(self, t: &Thread, n: usize) -> R<()> {
        let _guard = t.lock(self);
        let (used, free) = self.table().map_or((0, 0), |table| (table.used(), table.capacity() - table.filled()));
        if free < n {
            self.replace_table(t, used + n, 0)?;
        }
        Ok(())
    }

    /// Removes a key; its value if it had one.
    pub fn remove(self, t: &Thread, key: Value) -> R<Option<Value>> {
        let hash = hash_key(t, key)?;
        self.remove_hashed(t, key, hash)
    }

    /// As [`Dict::remove_hashed`], if that needs no Python code.
    pub fn remove_now(self, t: &Thread, key: Value, hash: i64) -> Option<Option<Value>> {
        let _guard = t.lock(self);
        let Some(table) = self.table() else { return Some(None) };
        let found = table.find_now(key, hash).ok()?;
        Some(found.and_then(|i| table.remove(t, i)))
    }

    /// As [`Dict::remove`], the hash being known.
    pub fn remove_hashed(self, t: &Thread, key: Value, hash: i64) -> R<Option<Value>> {
        if let Some(removed) = self.remove_now(t, key, hash) {
            return Ok(removed);
        }
        loop {
            let Some(table) = self.table() else { return Ok(None) };
            match self.find(t, table, key, hash)? {
                Ok(Some(i)) => {
                    let _guard = t.lock(self);
                    if self.table() == Some(table) {
                        return Ok(table.remove(t, i));
                    }
                }
                Ok(None) => return Ok(None),
                Err(Retry) => t.poll()?,
            }
        }
    }

    /// Removes and gives the last entry.
    pub fn pop_last(self, t: &Thread) -> Option<(Value, Value)> {
        let _guard = t.lock(self);
        self.table()?.remove_last(t)
    }

    /// Removes all entries.
    pub fn clear(self, t: &Thread) {
        let _guard = t.lock(self);
        self.clear_locked(t);
    }

    /// As [`Dict::clear`]; the caller holds the lock.
    fn clear_locked(self, t: &Thread) {
        let old = self.table();
        self.table.set(t, self, Value::NULL);
        if let Some(old) = old {
            old.retire();
        }
    }

    // ---- copies ----

    /// A copy with the same entries.
    pub fn copy(self, t: &Thread) -> R<Ref<Dict>> {
        let copy = Dict::new(t);
        if let Some(table) = self.duplicate_table(t)? {
            copy.table.set(t, copy, table.value());
        }
        Ok(copy)
    }

    /// A copy of the table, None if the dict is empty.
    fn duplicate_table(self, t: &Thread) -> R<Option<Ref<Table>>> {
        let _guard = t.lock(self);
        match self.table() {
            Some(table) if table.used() > 0 => table.duplicate(t).map(Some),
            _ => Ok(None),
        }
    }

    /// Takes over the entries of another dict; without `replace`, keys that exist keep their values.
    pub fn merge(self, t: &Thread, other: Ref<Dict>, replace: bool) -> R<()> {
        if self == other || other.is_empty() {
            return Ok(());
        }
        if self.is_empty()
            && let Some(table) = other.duplicate_table(t)?
        {
            let _guard = t.lock(self);
            if self.is_empty() {
                let old = self.table();
                self.table.set(t, self, table.value());
                if let Some(old) = old {
                    old.retire();
                }
                return Ok(());
            }
        }
        if other.len() > self.len() {
            self.reserve(t, other.len())?;
        }
        let Some(table) = other.table() else { return Ok(()) };
        let filled = table.filled();
        let store = |value: Value| move |old: Option<Value>| (replace || old.is_none()).then_some(value);
        for i in 0..filled {
            let Some((key, value)) = table.entry_at(i) else { continue };
            let (hash, store) = (table.hash_at(i), store(value));
            if let Err(Unsure) = self.update_entry_now(t, key, hash, &store)? {
                self.update_entry_slowly(t, key, hash, &store)?;
                // What other threads add meanwhile is no concern of this one; what `__eq__` has done is an error.
                if other.table() != Some(table) || table.filled() != filled {
                    raise!(t, RuntimeError, "dict mutated during update")
                }
            }
        }
        Ok(())
    }
}
