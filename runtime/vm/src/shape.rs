//! Shapes: what an object is, in one word of its header.
//!
//! A shape (hidden class) names the object's class and, for instances with attributes of their own, which attribute is in which slot.
//! Instances that got the same attributes in the same order share a shape; adding one follows a *transition* to a child shape. So one
//! compare of the shape word guards both class and layout, in inline caches and in traces.
//!
//! Instances of classes written in Python look like this; `A` is where the native part ends ([`Type::attrs_offset`]):
//!
//! ```text
//!  0        A        A+8      A+16            A+8+8*capacity
//! +--------+--------+--------+--------+-- --+--------+
//! | native | dict   | slot 0 | slot 1 | ... | last   |
//! +--------+--------+--------+--------+-- --+--------+
//! ```
//!
//! An instance is in one of two modes, told by its shape:
//! * *slots*: `dict` is NULL, attributes are in the slots. A slot may be NULL after `del`; its attribute is then absent.
//! * *dict* ([`Shape::is_dict_mode`]): `dict` refers to an ordinary dict object, the slots are unused. An instance goes there, once and
//!   for ever, when its `__dict__` is asked for, when it gets more attributes than it has slots, or when its order could not be kept.
//!   The change happens with the world stopped (free when no other thread is attached), because a store into a slot takes no lock: it
//!   must not be between its guard and its store while the slots are copied.
//!
//! A writer that adds an attribute holds the object's lock, stores the value, then publishes the new shape; a reader loads the shape
//! once and then the slot, so it sees an initialised one.
//!
//! [`Shape::version`] certifies what a cache has found out about the *class* as well: when a class changes, the versions of all its
//! shapes and its subclasses' are taken away, and whoever caches asks for a new one. Versions are never used twice.

use crate::object::{Ref, Slot};
use crate::thread::Thread;
use crate::types::{Type, ValueList};
use limpid_heap::{Header, Kind, ShapeRef, Value};
use std::sync::atomic::{AtomicU32, Ordering};

/// What an object is; see the module's page.
#[repr(C)]
pub struct Shape {
    header: Header,
    class: Slot,
    /// Attribute names in the order of their slots: a list that a whole line of descent shares, of which this shape uses the first `len`.
    keys: Slot,
    /// Children: a list of (name, shape) pairs, flat. The name NULL stands for the root shape that this one replaces.
    transitions: Slot,
    version: AtomicU32,
    len: u32,
    mode: u32,
    /// How many inline slots the instances have: the same in a whole tree of shapes.
    capacity: u32,
}

/// The number of value words, for the collector.
const SLOTS: u8 = 3;
/// The size of a shape cell: builtin shapes are laid out at this distance.
pub const SHAPE_SIZE: usize = 48;
const _: () = assert!(size_of::<Shape>() == SHAPE_SIZE);

const MODE_SLOTS: u32 = 0;
const MODE_DICT: u32 = 1;

/// How many children a shape may have.
const MAX_CHILDREN: usize = 64;

static NEXT_VERSION: AtomicU32 = AtomicU32::new(1);

impl Shape {
    /// Where the version is.
    pub const VERSION: usize = std::mem::offset_of!(Shape, version);
    /// Where the class is.
    pub const CLASS: usize = std::mem::offset_of!(Shape, class);

    /// The content of a shape without attributes, for instances with this many inline slots.
    pub(crate) fn root(class: Ref<Type>, capacity: usize) -> Shape {
        Shape {
            header: Shape::header(),
            class: Slot::new(class.value()),
            keys: Slot::NULL,
            transitions: Slot::NULL,
            version: AtomicU32::new(0),
            len: 0,
            mode: MODE_SLOTS,
            capacity: capacity as u32,
        }
    }

    /// The content of the shape of instances that keep their attributes in a dict.
    pub(crate) fn dict_root(class: Ref<Type>) -> Shape {
        Shape { mode: MODE_DICT, ..Shape::root(class, 0) }
    }

    /// The header of a shape cell. Shapes are no Python objects: they have no shape themselves.
    pub(crate) fn header() -> Header {
        Header::new(ShapeRef::NONE, Kind::Slots, SLOTS)
    }

    /// A new shape without attributes for instances of a class with this many inline slots.
    pub fn new_root(t: &Thread, class: Ref<Type>, capacity: usize) -> Ref<Shape> {
        t.alloc_cell(Shape::root(class, capacity))
    }

    /// A new shape for the instances of a class that keep their attributes in a dict.
    pub fn new_dict_mode(t: &Thread, class: Ref<Type>) -> Ref<Shape> {
        t.alloc_cell(Shape::dict_root(class))
    }

    /// The class of the objects with this shape.
    #[inline(always)]
    pub fn class(&self) -> Ref<Type> {
        // SAFETY: the field always refers to a type.
        unsafe { Ref::from_value(self.class.get()) }
    }

    /// Do the attributes live in a dict?
    #[inline(always)]
    pub fn is_dict_mode(&self) -> bool {
        self.mode == MODE_DICT
    }

    /// How many inline slots its instances have.
    #[inline(always)]
    pub fn capacity(&self) -> usize {
        self.capacity as usize
    }

    /// How many attributes are laid out.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Has it no attributes?
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The name of the attribute in slot `i`.
    pub fn key(&self, i: usize) -> Value {
        debug_assert!(i < self.len());
        ValueList::from_cell(self.keys.get()).get(i)
    }

    /// The slot of an attribute. `name` is interned.
    #[inline]
    pub fn lookup(&self, name: Value) -> Option<usize> {
        if self.len == 0 {
            return None;
        }
        let keys = ValueList::from_cell(self.keys.get());
        (0..self.len()).find(|&i| keys.get(i) == name)
    }

    /// The version that certifies this shape and its class as they are now, or 0 when none was asked for.
    #[inline(always)]
    pub fn version(&self) -> u32 {
        self.version.load(Ordering::Relaxed)
    }

    /// As [`Shape::version`], but gives it one if it has none. None when versions have run out.
    pub fn assign_version(&self) -> Option<u32> {
        let v = self.version.load(Ordering::Relaxed);
        if v != 0 {
            return Some(v);
        }
        self.class().note_cached();
        let new = new_version()?;
        match self.version.compare_exchange(0, new, Ordering::AcqRel, Ordering::Relaxed) {
            Ok(_) => Some(new),
            Err(other) => Some(other),
        }
    }
}

impl Ref<Shape> {
    /// Takes the version away, here and in the descendants: the class has changed.
    pub(crate) fn invalidate(self) {
        self.version.store(0, Ordering::Release);
        if let Some(list) = self.transitions.opt() {
            let list = ValueList::from_cell(list);
            for i in (1..list.len()).step_by(2) {
                // SAFETY: odd entries are child shapes.
                unsafe { Ref::<Shape>::from_value(list.get(i)) }.invalidate();
            }
        }
    }
}

/// A number that was never a version before; None when they have run out.
pub fn new_version() -> Option<u32> {
    NEXT_VERSION.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |v| v.checked_add(1)).ok()
}

impl Ref<Shape> {
    /// The compressed reference stored in headers.
    #[inline(always)]
    pub fn shape_ref(self) -> ShapeRef {
        ShapeRef::of(self.ptr())
    }

    /// The shape that a compressed reference names.
    ///
    /// # Safety
    /// `r` came from the header of a live object or from [`Ref::shape_ref`] of a live shape.
    #[inline(always)]
    pub unsafe fn from_shape_ref(r: ShapeRef) -> Ref<Shape> {
        // SAFETY: by contract.
        unsafe { Ref::from_ptr(r.ptr()) }
    }

    /// The shape after adding an attribute; None when this shape has so many children that its instances are better off with dicts.
    /// `name` is interned. Takes the class's lock.
    pub fn child(self, t: &Thread, name: Value) -> Option<Ref<Shape>> {
        if let Some(found) = self.find_child(name) {
            return Some(found);
        }
        let _guard = t.lock(self.class());
        if let Some(found) = self.find_child(name) {
            return Some(found);
        }
        if self.transitions.opt().is_some_and(|l| ValueList::from_cell(l).len() >= 2 * MAX_CHILDREN) {
            return None;
        }
        // The line of descent that made the list may go on appending to it; a second child of one shape copies it.
        let mut keys = match self.keys.opt() {
            Some(k) if ValueList::from_cell(k).len() == self.len() => ValueList::from_cell(k),
            Some(k) => ValueList::from_slice(t, &ValueList::from_cell(k).as_slice()[..self.len()]),
            None => ValueList::with_capacity(t, 4),
        };
        keys.push(t, name);
        let child = t.alloc_cell(Shape { keys: Slot::new(keys.cell()), len: self.len + 1, ..Shape::root(self.class(), self.capacity()) });
        let mut list = match self.transitions.opt() {
            Some(l) => ValueList::from_cell(l),
            None => ValueList::with_capacity(t, 2),
        };
        list.push(t, name);
        list.push(t, child.value());
        self.transitions.set(t, self, list.cell());
        Some(child)
    }

    /// Makes this new root shape responsible for invalidating the one it replaces, whose instances live on.
    pub(crate) fn succeed(self, t: &Thread, old: Ref<Shape>) {
        let mut list = ValueList::with_capacity(t, 2);
        list.push(t, Value::NULL);
        list.push(t, old.value());
        self.transitions.set(t, self, list.cell());
    }

    fn find_child(self, name: Value) -> Option<Ref<Shape>> {
        let list = ValueList::from_cell(self.transitions.opt()?);
        let mut i = 0;
        while i + 1 < list.len() {
            if list.get(i) == name {
                // SAFETY: odd entries are child shapes.
                return Some(unsafe { Ref::from_value(list.get(i + 1)) });
            }
            i += 2;
        }
        None
    }
}
