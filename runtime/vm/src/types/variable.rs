//! Cells of immutable objects whose size differs from one to the next: str, bytes, int and the instances of their subclasses.
//!
//! An instance of a subclass has its `__slots__` members and its attribute dict in the last words of its cell (the contents' end is no
//! fixed place), and the collector looks at each word of it ([`limpid_heap::Kind::Mixed`], the subclass's kind).

use crate::object::{Layout, R, Ref, header_of};
use crate::thread::Thread;
use crate::types::Type;

/// A zeroed cell of `size` bytes, header included, for an instance of `class`, which is `T::class()` or derives from it.
#[inline]
pub fn alloc<T: Layout>(t: &Thread, class: Ref<Type>, size: usize) -> R<Ref<T>> {
    debug_assert!(size >= size_of::<T>());
    if class == T::class() {
        let p = t.try_alloc_bytes(size, header_of::<T>())?;
        // SAFETY: a new cell of this layout.
        return Ok(unsafe { Ref::from_ptr(p.as_ptr().cast()) });
    }
    let p = t.try_alloc_bytes(size + class.tail_size(), class.instance_header())?;
    // SAFETY: as above; a subclass's layout begins with its base's.
    let instance: Ref<T> = unsafe { Ref::from_ptr(p.as_ptr().cast()) };
    class.on_new_instance(t, instance.value());
    Ok(instance)
}
