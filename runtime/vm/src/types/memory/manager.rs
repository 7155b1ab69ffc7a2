//! What memoryviews of one buffer share: the buffer, until all of them are released.

use super::{Buffer, Release};
use crate::object::{R, Ref, Slot, ValueExt, header_of};
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::{TypeDef, builtin, flag};
use limpid_heap::{Generation, Header, ShapeRef, Value};
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

/// Releases the buffers of memoryviews that are garbage: before an object refuses something because it has lent buffers, as many as
/// `lent` says, it makes sure that somebody still has one.
pub fn release_garbage(t: &Thread, lent: &AtomicUsize) -> R<()> {
    release_young_garbage(t, lent)?;
    if lent.load(Ordering::Acquire) > 0 {
        limpid_heap::collect(&t.mutator, Generation::Full);
        t.poll()?;
    }
    Ok(())
}

/// Most views are let go of soon after they were made: a minor collection finds them in a hundredth of the time.
fn release_young_garbage(t: &Thread, lent: &AtomicUsize) -> R<()> {
    if lent.load(Ordering::Acquire) > 0 {
        limpid_heap::clear_dead_stack();
        limpid_heap::collect(&t.mutator, Generation::Young);
        t.poll()?;
    }
    Ok(())
}

/// The same for an object whose memory is a cell, so that what has been lent stays valid whatever the object does: buffers end as well
/// that only native stacks refer to. Calls that are over leave references there, which a collection takes for real ones.
pub fn release_unreachable(t: &Thread, owner: Value, lent: &AtomicUsize) -> R<()> {
    release_young_garbage(t, lent)?;
    if lent.load(Ordering::Acquire) == 0 {
        return Ok(());
    }
    t.mutator.stop_world(c"buffers", |world| {
        // Backing arrays have no shape, and no class to ask for.
        let managed = |cell: Value| {
            let object = (cell.shape() != ShapeRef::NONE).then_some(cell)?;
            object.exact::<ManagedBuffer>().filter(|m| m.token.get() == owner && m.views.load(Ordering::Acquire) > 0)
        };
        if limpid_heap::reachable_from_roots(world, &mut |cell| managed(cell).is_some()) {
            return;
        }
        limpid_heap::each_object(world, &mut |object| {
            if let Some(m) = managed(object) {
                m.end(t);
            }
        });
    });
    t.poll()
}

/// The buffer's owner, for programs: None when there is none.
pub(super) fn owner_or_none(owner: Value) -> Value {
    if owner.is_null() { Value::NONE } else { owner }
}
