//! Looking names up along the MRO, with a cache, and what makes caches forget.
//!
//! Each thread has a table of lookups keyed by the class's version and the name. Versions are never used twice and a class loses its
//! version when it or a base changes, so an entry is right or cannot be found; nothing is ever removed. The values need no tracing: while
//! a version is in force the class keeps them alive, afterwards they are never read.
//!
//! Whoever changes a class changes it first and takes the version away then: a lookup under way may remember the old value for the old
//! version only.

use crate::object::{Ref, ValueExt};
use crate::shape::Shape;
use crate::stats;
use crate::thread::Thread;
use crate::types::type_::subclasses;
use crate::types::{Str, Type};
use limpid_heap::Value;
use std::cell::Cell;

const ENTRIES: usize = 1 << 12;

/// One remembered lookup; version 0 is never asked for.
struct Entry {
    version: Cell<u32>,
    name: Cell<u64>,
    /// NULL: the class has no such attribute.
    value: Cell<Value>,
}

/// A thread's remembered lookups; see the module's page.
pub struct MethodCache(Box<[Entry]>);

impl MethodCache {
    /// An empty one.
    pub fn new() -> MethodCache {
        // SAFETY: an entry of zeros is an empty one. Pages that are never touched take no memory.
        MethodCache(unsafe { Box::new_zeroed_slice(ENTRIES).assume_init() })
    }

    #[inline(always)]
    fn entry(&self, version: u32, name: Value) -> &Entry {
        // Names are at least 16 bytes apart; versions are handed out one after the other.
        let i = ((name.bits() >> 4) as usize ^ (version as usize).wrapping_mul(11)) & (ENTRIES - 1);
        &self.0[i]
    }
}

impl Default for MethodCache {
    fn default() -> Self {
        MethodCache::new()
    }
}

/// Does a name, a str, have two underscores at both ends?
fn is_dunder(name: Value) -> bool {
    // SAFETY: names are strings.
    let name = unsafe { Ref::<Str>::from_value(name) };
    let name = name.raw_bytes();
    name.len() > 4 && name.starts_with(b"__") && name.ends_with(b"__")
}

/// The attribute `name` of a class: the first found in the namespaces along its MRO.
#[inline]
pub fn lookup(t: &Thread, class: Ref<Type>, name: Value) -> Option<Value> {
    // SAFETY: names are strings.
    let interned = unsafe { Ref::<Str>::from_value(name) }.is_interned();
    let version = class.version();
    if !interned || version == 0 {
        return lookup_uncached(t, class, name, interned);
    }
    let entry = t.method_cache.entry(version, name);
    if entry.version.get() == version && entry.name.get() == name.bits() {
        stats::count(t, |s| {
            let hits = if is_dunder(name) { &s.objects.type_cache_dunder_hits } else { &s.objects.type_cache_hits };
            hits.increment();
        });
        return entry.value.get().non_null();
    }
    lookup_uncached(t, class, name, interned)
}

#[cold]
#[inline(never)]
fn lookup_uncached(t: &Thread, class: Ref<Type>, name: Value, interned: bool) -> Option<Value> {
    // The version comes first, so that a change meanwhile makes it worthless.
    let version = if interned { class.assign_version() } else { None };
    let found = find(class, name).map(|(_, v)| v);
    if let Some(version) = version {
        let entry = t.method_cache.entry(version, name);
        stats::count(t, |s| {
            let misses = if is_dunder(name) { &s.objects.type_cache_dunder_misses } else { &s.objects.type_cache_misses };
            misses.increment();
            if entry.version.get() != 0 {
                s.objects.type_cache_collisions.increment();
            }
        });
        entry.version.set(0);
        entry.name.set(name.bits());
        entry.value.set(found.unwrap_or(Value::NULL));
        entry.version.set(version);
    }
    found
}

/// The class along the MRO that has `name` in its namespace, and what it has there.
pub fn find(class: Ref<Type>, name: Value) -> Option<(Ref<Type>, Value)> {
    class.mro.opt()?;
    class.mro().as_slice().iter().find_map(|c| {
        // SAFETY: an MRO consists of types.
        let c = unsafe { Ref::<Type>::from_value(*c) };
        c.dict().get_name(name).map(|v| (c, v))
    })
}

/// A class has changed: nobody may rely on what was found out about it or about classes derived from it.
pub fn invalidate(class: Ref<Type>) {
    class.clear_version();
    for shape in [&class.shape, &class.dict_shape] {
        if let Some(shape) = shape.opt() {
            // SAFETY: the fields refer to shapes.
            unsafe { Ref::<Shape>::from_value(shape) }.invalidate();
        }
    }
    subclasses::each(class, invalidate);
}
