//! Attributes of objects whose shapes vary from one execution of an instruction to the next.
//!
//! Where an instruction sees one shape, its own cache words answer. Where it sees several, it would go the long way each time; so each
//! thread remembers where attributes were found, by the version of the shape and the name. A version certifies the shape and its class as
//! they are and is never used twice: an entry is right or cannot be found, and nothing is ever removed. Values need no tracing, as in the
//! cache of method lookups.

use crate::object::Ref;
use crate::protocol::attr::{self, LoadKind, StoreKind};
use crate::shape::Shape;
use crate::thread::Thread;
use limpid_heap::Value;
use std::cell::Cell;

const ENTRIES: usize = 1 << 10;

/// Where an attribute is.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Place {
    /// The long way has to be gone.
    Unknown = 0,
    /// In the object at this offset, unless there is NULL.
    Slot(u16),
    /// A function of the class, to be called with the object.
    Method(Value),
    /// Something in the class that is no descriptor.
    ClassValue(Value),
}

/// In an entry's key: it tells where to store. Names are cells, so the bit is free.
const STORE: u64 = 1;

struct Entry {
    version: Cell<u32>,
    /// The name, with [`STORE`] or without.
    key: Cell<u64>,
    place: Cell<Place>,
}

/// A thread's remembered places.
pub struct AttributeCache(Box<[Entry]>);

impl AttributeCache {
    /// An empty one.
    pub fn new() -> AttributeCache {
        // SAFETY: an entry of zeros is valid: no version, `Place::Unknown`. Pages that are never touched take no memory.
        AttributeCache(unsafe { Box::new_zeroed_slice(ENTRIES).assume_init() })
    }

    #[inline(always)]
    fn entry(&self, version: u32, key: u64) -> &Entry {
        // Names are at least 16 bytes apart; versions are handed out one after the other. Loads and stores of the same attribute follow each
        // other, so they are to lie apart.
        let hash = (key >> 4) as usize ^ ((key & STORE) as usize * (ENTRIES / 2)) ^ (version as usize).wrapping_mul(11);
        &self.0[hash & (ENTRIES - 1)]
    }

    /// Where objects of a shape have an attribute; `name` is interned.
    #[inline]
    pub fn find(&self, shape: Ref<Shape>, name: Value) -> Place {
        match self.look(shape, name.bits()) {
            Some(place) => place,
            None => self.fill(shape, name),
        }
    }

    /// Where an attribute that objects of a shape have already is stored to: an offset in the object. `name` is interned.
    #[inline]
    pub fn find_to_store(&self, t: &Thread, object: Value, shape: Ref<Shape>, name: Value) -> Option<u16> {
        match self.look(shape, name.bits() | STORE) {
            Some(Place::Slot(offset)) => Some(offset),
            Some(_) => None,
            None => self.fill_to_store(t, object, shape, name),
        }
    }

    /// What was found out before. Nothing is called from here, so that a handler may do this inline.
    #[inline(always)]
    fn look(&self, shape: Ref<Shape>, key: u64) -> Option<Place> {
        let version = shape.version();
        let entry = self.entry(version, key);
        (version != 0 && entry.version.get() == version && entry.key.get() == key).then(|| entry.place.get())
    }

    /// As [`AttributeCache::find`], if it was found out before.
    #[inline(always)]
    pub fn known(&self, shape: Ref<Shape>, name: Value) -> Option<Place> {
        self.look(shape, name.bits())
    }

    /// As [`AttributeCache::find_to_store`], if it was found out before.
    #[inline(always)]
    pub fn known_to_store(&self, shape: Ref<Shape>, name: Value) -> Option<u16> {
        match self.look(shape, name.bits() | STORE) {
            Some(Place::Slot(offset)) => Some(offset),
            _ => None,
        }
    }

    #[cold]
    #[inline(never)]
    fn fill(&self, shape: Ref<Shape>, name: Value) -> Place {
        // The version comes first, so that a change meanwhile makes it worthless.
        let Some(version) = shape.assign_version() else { return Place::Unknown };
        let place = match attr::describe_load(shape.class(), shape, name) {
            LoadKind::Slot(offset) | LoadKind::Member(offset) => Place::Slot(offset),
            LoadKind::Method(f) => Place::Method(f),
            LoadKind::ClassValue(v) => Place::ClassValue(v),
            LoadKind::MethodWithoutDict(..) | LoadKind::Property(_) | LoadKind::Descriptor(_) | LoadKind::Other => Place::Unknown,
        };
        self.note(version, name.bits(), place);
        place
    }

    #[cold]
    #[inline(never)]
    fn fill_to_store(&self, t: &Thread, object: Value, shape: Ref<Shape>, name: Value) -> Option<u16> {
        // As in `fill`.
        let version = shape.assign_version()?;
        let place = match attr::describe_store(t, object, shape, name) {
            StoreKind::Slot(offset) | StoreKind::Member(offset) => Some(offset),
            StoreKind::AddSlot(..) | StoreKind::Other => None,
        };
        self.note(version, name.bits() | STORE, place.map_or(Place::Unknown, Place::Slot));
        place
    }

    fn note(&self, version: u32, key: u64, place: Place) {
        let entry = self.entry(version, key);
        entry.version.set(version);
        entry.key.set(key);
        entry.place.set(place);
    }
}

impl Default for AttributeCache {
    fn default() -> Self {
        AttributeCache::new()
    }
}
