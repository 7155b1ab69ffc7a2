//! The table of interned strings: one object for each name, so that names are compared by identity.
//!
//! Names that code refers to are interned, and what `sys.intern` is given. They are immortal, as in CPython's free-threaded build: the
//! table is a root. Sharded, so that threads that load code do not wait for each other.

use crate::object::{R, Ref, ValueExt};
use crate::thread::Thread;
use crate::types::{Str, builtin};
use limpid_heap::{Tracer, Value};
use parking_lot::Mutex;
use std::collections::HashMap;

const SHARDS: usize = 16;

/// The table of interned strings.
#[derive(Default)]
pub struct InternTable {
    shards: [Mutex<HashMap<Box<[u8]>, Value>>; SHARDS],
}

impl InternTable {
    fn key(s: &Str) -> Box<[u8]> {
        let mut key = Vec::with_capacity(s.raw_bytes().len() + 1);
        key.push(s.width() as u8);
        key.extend_from_slice(s.raw_bytes());
        key.into()
    }

    pub(crate) fn intern(&self, s: Ref<Str>) -> Ref<Str> {
        let key = InternTable::key(&s);
        let shard = &self.shards[(s.hash() as usize) % SHARDS];
        let v = *shard.lock().entry(key).or_insert_with(|| {
            s.mark_interned();
            s.value()
        });
        // SAFETY: the table holds strings only.
        unsafe { Ref::from_value(v) }
    }

    /// How many strings there are.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    /// Is it empty?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Hands every string to the collector.
    pub fn trace(&self, tracer: &mut Tracer) {
        for shard in &self.shards {
            for v in shard.lock().values() {
                tracer.value(*v);
            }
        }
    }
}

/// The interned string with this text.
pub fn intern(t: &Thread, text: &str) -> Value {
    t.interpreter().interned.intern(Str::new(t, text)).value()
}

/// The interned string equal to `v`, which is a str; an instance of a subclass stays what it is.
pub fn intern_value(t: &Thread, v: Value) -> R {
    match v.downcast::<Str>() {
        Some(s) if s.is_interned() || v.class() != builtin::STR => Ok(v),
        Some(s) => Ok(t.interpreter().interned.intern(s).value()),
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
