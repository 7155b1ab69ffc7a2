//! Global references that the collector must know.
//!
//! A `static X: Root` registers itself in a linked list when it first holds something; the list is traced as a root. Stores need no
//! barrier, because roots are looked at in every collection.

use crate::object::{Ref, ValueExt};
use crate::types::Type;
use limpid_heap::{Tracer, Value};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};

static FIRST: AtomicPtr<Root> = AtomicPtr::new(std::ptr::null_mut());

/// A global reference.
pub struct Root {
    value: AtomicU64,
    next: AtomicPtr<Root>,
    registered: AtomicBool,
}

impl Root {
    /// An empty one.
    pub const fn new() -> Root {
        Root { value: AtomicU64::new(0), next: AtomicPtr::new(std::ptr::null_mut()), registered: AtomicBool::new(false) }
    }

    /// The value, NULL when it is empty.
    #[inline(always)]
    pub fn get(&self) -> Value {
        Value::from_bits(self.value.load(Ordering::Acquire))
    }

    /// The value, if there is one.
    #[inline]
    pub fn opt(&self) -> Option<Value> {
        self.get().non_null()
    }

    /// Replaces the value.
    pub fn set(&'static self, v: Value) {
        self.register();
        self.value.store(v.bits(), Ordering::Release);
    }

    /// Replaces the value; the one before.
    pub fn replace(&'static self, v: Value) -> Value {
        self.register();
        Value::from_bits(self.value.swap(v.bits(), Ordering::AcqRel))
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
