//! What the collector has to do when certain cells die: weak references to clear, finalizers to run, native resources to drop.
//!
//! A thread notes registrations in a buffer of its own; collections gather the buffers. Entries made since the last collection are
//! *young*: a minor collection looks at those only, since nothing else can have died.

use crate::cell::Header;
use crate::embedder::embedder;
use crate::pool::pool;
use crate::{Mutator, Value};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A weak reference: a word in the cell `owner` that its tracer leaves out.
#[derive(Clone, Copy)]
pub(crate) struct Weak {
    pub(crate) owner: Value,
    pub(crate) slot: *const AtomicU64,
}

/// A cell with a native resource.
#[derive(Clone, Copy)]
pub(crate) struct Drop {
    pub(crate) cell: usize,
    pub(crate) run: unsafe fn(*mut u8),
}

/// Registrations of one age.
pub(crate) struct Registrations {
    pub(crate) weak: Vec<Weak>,
    pub(crate) finalizers: Vec<usize>,
    pub(crate) drops: Vec<Drop>,
}

// SAFETY: the pointers are to heap cells, which belong to no thread; only the collector follows them.
unsafe impl Send for Registrations {}

impl Registrations {
    pub(crate) const fn new() -> Registrations {
        Registrations { weak: Vec::new(), finalizers: Vec::new(), drops: Vec::new() }
    }

    /// Moves everything out of `other`.
    pub(crate) fn take_all(&mut self, other: &mut Registrations) {
        self.weak.append(&mut other.weak);
        self.finalizers.append(&mut other.finalizers);
        self.drops.append(&mut other.drops);
    }
}

/// Registers a weak reference: `slot`, a word inside `weakref` that its tracer does not trace, holds `referent`. When the referent dies
/// the slot becomes NULL and, if `weakref` itself is alive, the embedder hears of it ([`crate::Embedder::weakref_cleared`]). An object
/// that is resurrected to be finalized keeps its weak references until it really dies.
///
/// To give a weak reference up, store NULL to the slot.
pub fn register_weak(m: &Mutator, weakref: Value, slot: *const AtomicU64, referent: Value) {
    debug_assert!(weakref.is_cell() && referent.is_cell());
    // SAFETY: a live cell the caller holds.
    unsafe { (*referent.as_ptr::<Header>()).set_bits(Header::WEAKLY_REFERENCED) };
    m.registrations(|r| r.weak.push(Weak { owner: weakref, slot }));
}

/// Registers an object whose death the embedder wants to hear of before it happens: it is kept alive once more, marked
/// [`Header::FINALIZED`] and handed to [`crate::Embedder::queue_finalizer`].
pub fn register_finalizer(m: &Mutator, object: Value) {
    debug_assert!(object.is_cell());
    // SAFETY: a live cell the caller holds.
    unsafe { (*object.as_ptr::<Header>()).set_bits(Header::FINALIZE) };
    m.registrations(|r| r.finalizers.push(object.bits() as usize));
}

/// Takes back [`register_finalizer`]: for an object that has nothing left to finalize.
pub fn unregister_finalizer(object: Value) {
    // SAFETY: a live cell the caller holds.
    unsafe { (*object.as_ptr::<Header>()).clear_bits(Header::FINALIZE) };
}

/// Has the embedder finalize all objects that are registered, whether they are reachable or not, the newest first: at the end of a
/// program, so that what wraps something comes before it.
pub fn finalize_all(m: &Mutator) {
    m.stop_world(c"finalize", |world| {
        world.each_mutator(Mutator::hand_over);
        let mut pool = pool();
        let mut cells = std::mem::take(&mut pool.old_registrations.finalizers);
        cells.append(&mut pool.registrations.finalizers);
        drop(pool);
        for cell in cells.into_iter().rev() {
            // SAFETY: entries are allocated cells that were not swept.
            let bits = unsafe { &(*(cell as *const Header)).gc };
            if bits.load(Relaxed) & Header::FINALIZE != 0 {
                bits.fetch_and(!Header::FINALIZE, Relaxed);
                bits.fetch_or(Header::FINALIZED, Relaxed);
                embedder().queue_finalizer(Value::cell(cell as *const Header));
            }
        }
    });
}

/// Registers a native resource: `run` is called with the cell when it has died, after weak references to it are cleared and before its
/// memory is used again. It runs while the world is stopped and must not touch other cells, allocate, or wait.
pub fn register_drop(m: &Mutator, cell: NonNull<u8>, run: unsafe fn(*mut u8)) {
    m.registrations(|r| r.drops.push(Drop { cell: cell.as_ptr() as usize, run }));
}
