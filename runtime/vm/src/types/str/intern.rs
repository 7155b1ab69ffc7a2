//! The table of interned strings: one object for each name, so that names are compared by identity.
//!
//! Names that code refers to are interned, and what `sys.intern` is given. They are immortal, as in CPython's free-threaded build: the
//! table is a root. Sharded, so that threads that load code do not wait for each other.

use crate::object::{R, Ref, ValueExt};
use crate::protocol::hash::hash_bytes;
use crate::thread::Thread;
use crate::types::{Str, builtin};
use hashbrown::HashTable;
use limpid_heap::{Tracer, Value};
use parking_lot::Mutex;

const SHARDS: usize = 16;
/// Which bits of a hash choose the shard: neither those that choose a place in the shard's table nor those that it keeps of a hash.
const SHARD_SHIFT: u32 = 32;

/// The table of interned strings.
#[derive(Default)]
pub struct InternTable {
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Default)]
struct Shard {
    table: HashTable<Value>,
    /// Those of the table that a minor collection has to be told of: the others were there at an earlier one and are old.
    new: Vec<Value>,
}

/// A string of the table.
fn string(v: Value) -> Ref<Str> {
    // SAFETY: the table holds strings only.
    unsafe { Ref::from_value(v) }
}

impl InternTable {
    fn shard(&self, hash: i64) -> &Mutex<Shard> {
        &self.shards[(hash as u64 >> SHARD_SHIFT) as usize % SHARDS]
    }

    pub(crate) fn intern(&self, s: Ref<Str>) -> Ref<Str> {
        let hash = s.hash();
        let mut shard = self.shard(hash).lock();
        let Shard { table, new } = &mut *shard;
        let entry = table.entry(hash as u64, |v| string(*v).equals(&s), |v| string(*v).hash() as u64);
        let interned = entry.or_insert_with(|| {
            s.mark_interned();
            new.push(s.value());
            s.value()
        });
        string(*interned.get())
    }

    /// The interned string with this text, if there is one.
    fn find_ascii(&self, text: &str) -> Option<Value> {
        let hash = hash_bytes(text.as_bytes());
        self.shard(hash).lock().table.find(hash as u64, |v| string(*v).as_ascii() == Some(text)).copied()
    }

    /// How many strings there are.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().table.len()).sum()
    }

    /// Is it empty?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Hands the strings to the collector: all of them, or those that are new to a minor collection.
    pub fn trace(&self, tracer: &mut Tracer) {
        for shard in &self.shards {
            let mut shard = shard.lock();
            if tracer.is_minor() {
                shard.new.drain(..).for_each(|v| tracer.value(v));
            } else {
                shard.table.iter().for_each(|v| tracer.value(*v));
            }
        }
    }
}

/// The interned string with this text.
pub fn intern(t: &Thread, text: &str) -> Value {
    let table = &t.runtime().interned;
    // The hash of text that is not ASCII is not that of its UTF-8.
    let found = if text.is_ascii() { table.find_ascii(text) } else { None };
    found.unwrap_or_else(|| table.intern(Str::new(t, text)).value())
}

/// The interned string equal to `v`, which is a str; an instance of a subclass stays what it is.
pub fn intern_value(t: &Thread, v: Value) -> R {
    match v.downcast::<Str>() {
        Some(s) if s.is_interned() || v.class() != builtin::STR => Ok(v),
        Some(s) => Ok(t.runtime().interned.intern(s).value()),
        None => raise!(t, TypeError, "can't intern '{}'", v.class().display_name()),
    }
}

/// As [`intern_value`], for attribute names: an instance of a subclass of str stands for its text.
pub fn intern_name(t: &Thread, v: Value) -> R {
    match v.downcast::<Str>() {
        Some(s) if v.class() != builtin::STR => Ok(intern(t, &s.to_string_lossy())),
        _ => intern_value(t, v),
    }
}
