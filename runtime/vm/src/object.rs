//! References to objects and the fields inside them.
//!
//! Every object is a heap cell that starts with a [`Header`]; a Rust structure `#[repr(C)]` with the header as its first field describes
//! the rest. [`Ref<T>`] is a typed reference to one: `Copy`, kept alive by being on the native stack, an interpreter stack or in another
//! object. A field that holds a value is a [`Slot`]; it is read with one atomic load and written only through [`Slot::set`], which runs
//! the collector's barrier.
//!
//! Rules for whoever writes native code (each follows from the conservative scan of native stacks):
//! * a `Value` or a `Ref` may live in local variables, arguments and arrays on the stack for as long as you like;
//! * it must never be the only reference from malloc memory: no `Vec<Value>`, `Box`, `HashMap`, thread-local, channel. Use
//!   [`crate::types::ValueList`], which lives in the heap;
//! * a field of a new object is initialised before the next allocation;
//! * a raw pointer into a cell's buffer keeps the cell alive while it is in a local variable that is used later.

use crate::thread::Thread;
use crate::types::Type;
use limpid_heap::{Header, Kind, ShapeRef, Value};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

/// A Python exception has been raised: it is the thread's current exception ([`Thread::take_exception`]).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Raised;

/// What native code returns: a value, or [`Raised`].
pub type R<T = Value> = Result<T, Raised>;

/// A field of an object that holds a value.
#[repr(transparent)]
pub struct Slot(AtomicU64);

impl Slot {
    /// A slot of an object under construction.
    #[inline(always)]
    pub const fn new(v: Value) -> Slot {
        Slot(AtomicU64::new(v.bits()))
    }

    /// An empty slot.
    #[allow(clippy::declare_interior_mutable_const, reason = "what new slots begin with: each use makes another one")]
    pub const NULL: Slot = Slot::new(Value::NULL);

    /// The value. What it refers to was initialised before it was stored.
    #[inline(always)]
    pub fn get(&self) -> Value {
        Value::from_bits(self.0.load(Ordering::Acquire))
    }

    /// The value, or None when the slot is empty.
    #[inline(always)]
    pub fn opt(&self) -> Option<Value> {
        let v = self.get();
        if v.is_null() { None } else { Some(v) }
    }

    /// Stores a value; `owner` is the cell this slot is in.
    #[inline(always)]
    pub fn set<T>(&self, t: &Thread, owner: Ref<T>, v: Value) {
        // SAFETY: the slot lies in the live cell `owner`.
        unsafe { limpid_heap::store(&t.mutator, owner.header(), &self.0, v) }
    }

    /// Stores a value if the slot still holds `old`.
    #[inline]
    pub fn compare_exchange<T>(&self, t: &Thread, owner: Ref<T>, old: Value, new: Value) -> Result<(), Value> {
        // SAFETY: as in `set`; the barrier precedes the store.
        unsafe { limpid_heap::write_barrier(&t.mutator, owner.header()) };
        match self.0.compare_exchange(old.bits(), new.bits(), Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Ok(()),
            Err(now) => Err(Value::from_bits(now)),
        }
    }

    /// Takes the value out, if there is one: of several threads that do this at once one gets it.
    #[inline]
    pub fn take(&self) -> Option<Value> {
        // NULL keeps nothing alive, so the collector need not hear of it.
        Value::from_bits(self.0.swap(Value::NULL.bits(), Ordering::AcqRel)).non_null()
    }

    /// The word itself, for the heap's interface.
    #[inline(always)]
    pub fn word(&self) -> &AtomicU64 {
        &self.0
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

/// A native object layout.
///
/// # Safety
/// The structure is `#[repr(C)]`, its first field is a [`Header`], and `KIND` and `SLOTS` tell the collector the truth about the rest.
pub unsafe trait Layout: Sized + 'static {
    /// How the collector traces it.
    const KIND: u8;
    /// For [`Kind::Slots`]: the number of value words after the header.
    const SLOTS: u8;
    /// The Python type whose instances start with this layout.
    fn class() -> Ref<Type>;
}

/// A typed reference to a live object.
#[repr(transparent)]
pub struct Ref<T>(NonNull<T>, PhantomData<*const T>);

impl<T> Clone for Ref<T> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Ref<T> {}
impl<T> PartialEq for Ref<T> {
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<T> Eq for Ref<T> {}
// SAFETY: objects are shared between threads by design; their fields are atomics or guarded by the object's lock.
unsafe impl<T> Send for Ref<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Ref<T> {}

impl<T> Ref<T> {
    /// A reference from an address.
    ///
    /// # Safety
    /// `p` is the start of a live cell whose layout begins with `T`.
    #[inline(always)]
    pub const unsafe fn from_ptr(p: *mut T) -> Ref<T> {
        // SAFETY: a live cell's address is not null.
        Ref(unsafe { NonNull::new_unchecked(p) }, PhantomData)
    }

    /// A reference from a value that is known to be one.
    ///
    /// # Safety
    /// `v` refers to a live cell whose layout begins with `T`.
    #[inline(always)]
    pub unsafe fn from_value(v: Value) -> Ref<T> {
        debug_assert!(v.is_cell());
        // SAFETY: by contract.
        unsafe { Ref::from_ptr(v.as_ptr()) }
    }

    /// The untyped reference.
    #[inline(always)]
    pub fn value(self) -> Value {
        Value::cell(self.0.as_ptr())
    }

    /// The address.
    #[inline(always)]
    pub const fn ptr(self) -> *mut T {
        self.0.as_ptr()
    }

    /// The cell's header.
    #[inline(always)]
    pub fn header<'a>(self) -> &'a Header {
        // SAFETY: every cell starts with its header and outlives the references to it.
        unsafe { &*(self.0.as_ptr() as *const Header) }
    }

    /// The same object seen as another layout.
    ///
    /// # Safety
    /// The object's layout begins with `U`.
    #[inline(always)]
    pub unsafe fn cast<U>(self) -> Ref<U> {
        // SAFETY: by contract.
        unsafe { Ref::from_ptr(self.0.as_ptr().cast()) }
    }
}

impl<T> Deref for Ref<T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: a Ref refers to a live, initialised object; mutation goes through atomics and cells.
        unsafe { self.0.as_ref() }
    }
}

impl<T> fmt::Debug for Ref<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.value())
    }
}

impl<T> From<Ref<T>> for Value {
    #[inline(always)]
    fn from(r: Ref<T>) -> Value {
        r.value()
    }
}

/// What any value can be asked, independent of its type.
pub trait ValueExt {
    /// The shape word of a cell, [`ShapeRef::NONE`] for anything else.
    fn shape(self) -> ShapeRef;
    /// The object's class, `type(v)`.
    fn class(self) -> Ref<Type>;
    /// The object as a `T`, if its class is exactly `T::class()`.
    fn exact<T: Layout>(self) -> Option<Ref<T>>;
    /// The object as a `T`, if its class is `T::class()` or derives from it.
    fn downcast<T: Layout>(self) -> Option<Ref<T>>;
    /// Is its class `class` or derived from it (by the MRO, not `__instancecheck__`)?
    #[allow(clippy::wrong_self_convention, reason = "a value is a word that is copied")]
    fn is_instance(self, class: Ref<Type>) -> bool;
    /// `Some` unless NULL.
    fn non_null(self) -> Option<Value>;
}

impl ValueExt for Value {
    #[inline(always)]
    fn shape(self) -> ShapeRef {
        if self.is_cell() {
            // SAFETY: a cell value refers to a live cell.
            unsafe { limpid_heap::cell::header(self) }.shape()
        } else {
            ShapeRef::NONE
        }
    }

    #[inline]
    fn class(self) -> Ref<Type> {
        use crate::types::builtin as b;
        if self.is_cell() {
            let shape = self.shape();
            debug_assert!(shape != ShapeRef::NONE, "a backing array has no class");
            // SAFETY: an object's shape is a live Shape cell.
            return unsafe { Ref::<crate::shape::Shape>::from_ptr(shape.ptr()) }.class();
        }
        if self.is_int() {
            b::INT
        } else if self.is_float() {
            b::FLOAT
        } else if self.is_bool() {
            b::BOOL
        } else if self.is_none() {
            b::NONE_TYPE
        } else if self == Value::ELLIPSIS {
            b::ELLIPSIS_TYPE
        } else {
            debug_assert!(self == Value::NOT_IMPLEMENTED, "{self:?} has no class");
            b::NOT_IMPLEMENTED_TYPE
        }
    }

    #[inline]
    fn exact<T: Layout>(self) -> Option<Ref<T>> {
        // SAFETY: an object whose class is exactly T::class() has the layout T.
        (self.is_cell() && self.class() == T::class()).then(|| unsafe { Ref::from_value(self) })
    }

    #[inline]
    fn downcast<T: Layout>(self) -> Option<Ref<T>> {
        // SAFETY: a subclass's layout begins with its base's.
        (self.is_cell() && self.is_instance(T::class())).then(|| unsafe { Ref::from_value(self) })
    }

    #[inline]
    fn is_instance(self, class: Ref<Type>) -> bool {
        let own = self.class();
        own == class || own.is_subtype(class)
    }

    #[inline(always)]
    fn non_null(self) -> Option<Value> {
        if self.is_null() { None } else { Some(self) }
    }
}

/// Declares a native layout: `layout!(List, builtin::LIST, Slots)` for a structure of value words after the header,
/// `layout!(File, FILE_TYPE.get(), Mixed)` for mixed fields, `Leaf` for no references at all.
#[macro_export]
macro_rules! layout {
    ($name:ty, $class:expr, Slots) => {
        // SAFETY: the structure is repr(C), starts with a Header, and all its other words are values or small numbers.
        unsafe impl $crate::object::Layout for $name {
            const KIND: u8 = limpid_heap::Kind::Slots as u8;
            const SLOTS: u8 = {
                assert!(size_of::<$name>() % 8 == 0);
                ((size_of::<$name>() - 8) / 8) as u8
            };
            #[inline(always)]
            fn class() -> $crate::object::Ref<$crate::types::Type> {
                $class
            }
        }
    };
    ($name:ty, $class:expr, $kind:ident) => {
        // SAFETY: the structure is repr(C), starts with a Header, and the kind is right for the rest.
        unsafe impl $crate::object::Layout for $name {
            const KIND: u8 = limpid_heap::Kind::$kind as u8;
            const SLOTS: u8 = 0;
            #[inline(always)]
            fn class() -> $crate::object::Ref<$crate::types::Type> {
                $class
            }
        }
    };
}

/// The header of a new, exact instance of a native layout.
#[inline(always)]
pub fn header_of<T: Layout>() -> Header {
    Header::with_raw_kind(T::class().root_shape(), T::KIND, T::SLOTS)
}

/// Marks a cell that is no object: a backing array, a table.
#[inline(always)]
pub const fn plain_header(kind: Kind) -> Header {
    Header::new(ShapeRef::NONE, kind, 0)
}

/// Would CPython's collector track objects of this one's class? That is, can they be part of a cycle? The object may be dead, as long as
/// its memory was not used again.
pub fn may_be_tracked(v: Value) -> bool {
    use crate::types::{Type, builtin, flag};
    let class = v.class();
    if class.has(flag::HEAP_TYPE) {
        return true;
    }
    if let Some(class) = v.downcast::<Type>() {
        return class.has(flag::HEAP_TYPE);
    }
    // SAFETY: a reference is to a cell.
    let leaf = unsafe { limpid_heap::cell::header(v) }.kind() == limpid_heap::Kind::Leaf as u8;
    !leaf && ![builtin::OBJECT, builtin::BYTEARRAY, builtin::COMPLEX, builtin::CODE].contains(&class)
}
