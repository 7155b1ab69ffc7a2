//! What memoryviews of one buffer share: the buffer, until all of them are released.

use super::{Buffer, Release};
use crate::object::{R, Ref, Slot, header_of};
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::{TypeDef, builtin, flag};
use limpid_heap::{Generation, Header, Value};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A buffer in a heap cell.
#[repr(C)]
pub struct ManagedBuffer {
    header: Header,
    /// `memoryview.obj`
    pub(super) owner: Slot,
    /// Keeps the bytes alive.
    backing: Slot,
    /// What the function gets that releases the buffer.
    token: Slot,
    release: Option<Release>,
    /// Memoryviews that are not released, or 0 when the buffer is.
    views: AtomicUsize,
}

// The function's address is no address of a cell.
crate::layout!(ManagedBuffer, builtin::MANAGED_BUFFER, Mixed);

/// A type that programs do not see.
pub static MANAGED_BUFFER_DEF: TypeDef = TypeDef {
    flags: flag::DISALLOW_INSTANTIATION,
    slots: SlotTable {
        // All memoryviews of the buffer have died without being released.
        finalize: Some(|t, v| {
            crate::args::receiver::<ManagedBuffer>(v).end(t);
            Ok(())
        }),
        ..SlotTable::EMPTY
    },
    ..TypeDef::of::<ManagedBuffer>("managedbuffer")
};

impl ManagedBuffer {
    /// Takes a buffer over, for one view.
    pub(super) fn new(t: &Thread, mut buffer: Buffer) -> Ref<ManagedBuffer> {
        let release = buffer.takes_release();
        let managed = t.alloc(ManagedBuffer {
            header: header_of::<ManagedBuffer>(),
            owner: Slot::new(buffer.owner),
            backing: Slot::new(buffer.backing),
            token: Slot::new(buffer.token),
            release,
            views: AtomicUsize::new(1),
        });
        if release.is_some() {
            limpid_heap::register_finalizer(&t.mutator, managed.value());
        }
        managed
    }

    /// There is one more view.
    pub(super) fn add_view(&self) {
        self.views.fetch_add(1, Ordering::AcqRel);
    }

    /// A view was released; with the last one the buffer ends.
    pub(super) fn drop_view(&self, t: &Thread) {
        let left = self.views.fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| n.checked_sub(1));
        if left == Ok(1)
            && let Some(release) = self.release
        {
            release(t, self.token.get());
        }
    }

    fn end(&self, t: &Thread) {
        if self.views.swap(0, Ordering::AcqRel) > 0
            && let Some(release) = self.release
        {
            release(t, self.token.get());
        }
    }
}

/// Releases the buffers of memoryviews that are garbage: before an object refuses something because it has lent a buffer, it makes sure
/// that somebody still has it.
pub fn release_garbage(t: &Thread) -> R<()> {
    clear_dead_stack();
    limpid_heap::collect(&t.mutator, Generation::Full);
    t.poll()
}

/// Overwrites what calls that are over have left on the native stack: the collector would take it for references.
#[inline(never)]
fn clear_dead_stack() {
    std::hint::black_box(&mut [0usize; 4096]);
}

/// The buffer's owner, for programs: None when there is none.
pub(super) fn owner_or_none(owner: Value) -> Value {
    if owner.is_null() { Value::NONE } else { owner }
}
