//! Objects that own memory outside the heap, and state of theirs that is locked while a thread may be stopped.

use limpid_vm::object::{Layout, Ref};
use limpid_vm::thread::Thread;
use parking_lot::{Mutex, MutexGuard};
use std::ptr::NonNull;

/// Has the layout's fields dropped when the object dies; for an object that has just been made.
pub fn dropped<L: Layout>(t: &Thread, object: Ref<L>) -> Ref<L> {
    // SAFETY: the function drops what the new object was made with.
    unsafe { limpid_heap::register_drop(&t.mutator, NonNull::new_unchecked(object.ptr().cast()), drop_fields::<L>) };
    object
}

unsafe fn drop_fields<L>(p: *mut u8) {
    // SAFETY: registered for an object of this layout only; the cell is dead.
    unsafe { std::ptr::drop_in_place(p as *mut L) }
}

/// Locks state that is held for long, or while the holder may wait for the collector: whoever waits for it must not hold that up.
pub fn lock<'m, T>(t: &Thread, state: &'m Mutex<T>) -> MutexGuard<'m, T> {
    match state.try_lock() {
        Some(guard) => guard,
        None => t.blocking(|| state.lock()),
    }
}
