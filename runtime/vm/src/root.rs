//! Global references that the collector must know. Stores need no barrier, because roots are looked at in every collection.
//!
//! There are two kinds. A `static X: Root` holds one value for the process; it registers itself in a linked list when it first holds
//! something. It is for what all interpreters share: the native types and exception classes ([`TypeCell`]), sentinels and other objects
//! that cannot be changed. A `static X: InterpreterRoot` holds a value for each interpreter: whatever a program can change, and whatever
//! refers to a program's own objects (modules, registries, hooks, caches of imported names).

use crate::object::{Ref, ValueExt};
use crate::thread::Thread;
use crate::types::Type;
use limpid_heap::{Tracer, Value};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};

static FIRST: AtomicPtr<Root> = AtomicPtr::new(std::ptr::null_mut());

/// A global reference.
pub struct Root {
    held: Held,
    next: AtomicPtr<Root>,
    registered: AtomicBool,
}

impl Root {
    /// An empty one.
    pub const fn new() -> Root {
        Root { held: Held::new(), next: AtomicPtr::new(std::ptr::null_mut()), registered: AtomicBool::new(false) }
    }

    /// The value, NULL when it is empty.
    #[inline(always)]
    pub fn get(&self) -> Value {
        self.held.get()
    }

    /// The value, if there is one.
    #[inline]
    pub fn opt(&self) -> Option<Value> {
        self.held.opt()
    }

    /// Replaces the value.
    pub fn set(&'static self, v: Value) {
        self.register();
        self.held.set(v);
    }

    /// Replaces the value; the one before.
    pub fn replace(&'static self, v: Value) -> Value {
        self.register();
        self.held.replace(v)
    }

    fn register(&'static self) {
        if self.registered.swap(true, Ordering::AcqRel) {
            return;
        }
        let me = std::ptr::from_ref(self).cast_mut();
        let mut first = FIRST.load(Ordering::Acquire);
        loop {
            self.next.store(first, Ordering::Relaxed);
            match FIRST.compare_exchange(first, me, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return,
                Err(now) => first = now,
            }
        }
    }
}

impl Default for Root {
    fn default() -> Self {
        Root::new()
    }
}

/// Hands all global references to the collector.
pub fn trace(tracer: &mut Tracer) {
    let mut at = FIRST.load(Ordering::Acquire);
    // SAFETY: the list consists of statics.
    while let Some(root) = unsafe { at.as_ref() } {
        tracer.value(root.get());
        at = root.next.load(Ordering::Relaxed);
    }
}

/// A reference that an interpreter holds. Traced with it.
pub struct Held(AtomicU64);

impl Held {
    /// An empty one.
    pub const fn new() -> Held {
        Held(AtomicU64::new(0))
    }

    /// The value, NULL when it is empty.
    #[inline(always)]
    pub fn get(&self) -> Value {
        Value::from_bits(self.0.load(Ordering::Acquire))
    }

    /// The value, if there is one.
    #[inline]
    pub fn opt(&self) -> Option<Value> {
        self.get().non_null()
    }

    /// Replaces the value.
    pub fn set(&self, v: Value) {
        self.0.store(v.bits(), Ordering::Release);
    }

    /// Replaces the value; the one before.
    pub fn replace(&self, v: Value) -> Value {
        Value::from_bits(self.0.swap(v.bits(), Ordering::AcqRel))
    }
}

impl Default for Held {
    fn default() -> Self {
        Held::new()
    }
}

/// How many [`InterpreterRoot`]s there may be.
pub(crate) const ROOTS: usize = 96;

/// The place of the next [`InterpreterRoot`] that is used.
static NEXT_PLACE: AtomicUsize = AtomicUsize::new(0);

/// A global reference that each interpreter has its own of: a place in its table, which is taken at the first use.
pub struct InterpreterRoot(OnceLock<usize>);

impl InterpreterRoot {
    /// One that is empty in every interpreter.
    pub const fn new() -> InterpreterRoot {
        InterpreterRoot(OnceLock::new())
    }

    fn held<'a>(&self, t: &'a Thread) -> &'a Held {
        let place = *self.0.get_or_init(|| NEXT_PLACE.fetch_add(1, Ordering::Relaxed));
        &t.interpreter().roots[place]
    }

    /// The value, NULL when it is empty.
    #[inline]
    pub fn get(&self, t: &Thread) -> Value {
        self.held(t).get()
    }

    /// The value, if there is one.
    pub fn opt(&self, t: &Thread) -> Option<Value> {
        self.held(t).opt()
    }

    /// Replaces the value.
    pub fn set(&self, t: &Thread, v: Value) {
        self.held(t).set(v);
    }

    /// Replaces the value; the one before.
    pub fn replace(&self, t: &Thread, v: Value) -> Value {
        self.held(t).replace(v)
    }
}

impl Default for InterpreterRoot {
    fn default() -> Self {
        InterpreterRoot::new()
    }
}

/// The type object of a native type that is made when its module is.
pub struct TypeCell(Root);

impl TypeCell {
    /// Not made yet.
    pub const fn new() -> TypeCell {
        TypeCell(Root::new())
    }

    /// The type.
    ///
    /// # Panics
    /// When its module was not created yet.
    #[inline]
    pub fn get(&self) -> Ref<Type> {
        let v = self.0.get();
        assert!(!v.is_null(), "a native type is used before its module was created");
        // SAFETY: `set` stores types.
        unsafe { Ref::from_value(v) }
    }

    /// The type, if it was made.
    pub fn opt(&self) -> Option<Ref<Type>> {
        // SAFETY: `set` stores types.
        self.0.opt().map(|v| unsafe { Ref::from_value(v) })
    }

    /// Remembers the type.
    pub fn set(&'static self, class: Ref<Type>) {
        self.0.set(class.value());
    }
}

impl Default for TypeCell {
    fn default() -> Self {
        TypeCell::new()
    }
}
