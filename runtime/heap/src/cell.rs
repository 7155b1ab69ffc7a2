//! The first word of every heap cell, and what the collector reads there.
//!
//! ```text
//!  byte 0..4    4     5      6      7
//! +-----------+-----+------+------+-------+
//! |   shape   | gc  | lock | kind | slots |
//! +-----------+-----+------+------+-------+
//! ```
//!
//! * `shape`: a compressed reference (see [`ShapeRef`]) to the cell that tells what this object is. The collector keeps that cell alive
//!   and otherwise does not look into it. 0 for a cell that is no object of its own (a backing array).
//! * `gc`: bit 0 set means "old, and not yet in the remembered set": the bit that the store barrier tests. Bit 1: the cell is on the
//!   finalization list. Bit 2: a weak reference to it exists.
//! * `lock`: the lock of the object, one byte (0 free, 1 held, 2 held and waited for).
//! * `kind`: how the collector finds the references in it, [`Kind`].
//! * `slots`: for [`Kind::Slots`], the number of words after the header that are values.

use crate::Value;
use crate::layout::{IMMORTAL_BASE, IMMORTAL_SIZE};
use crate::lock::is_alone;
use std::sync::atomic::{
    AtomicU8, AtomicU32,
    Ordering::{Relaxed, Release},
};

/// Where the heap's region starts. Fixed, so that range tests and [`ShapeRef`]s need no load. 32 TiB is far from everything the kernel
/// places by itself on x86-64 and aarch64 with 47 and 48 address bits.
pub const HEAP_BASE: usize = 0x2000_0000_0000;
/// The size of the region: as much as a 32-bit count of granules can name.
pub const HEAP_SIZE: usize = 1 << 36;
/// All cells start at multiples of this.
pub const GRANULE: usize = 16;

/// A reference to a cell in 32 bits: its distance from [`HEAP_BASE`] in granules. 0 is "none".
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(transparent)]
pub struct ShapeRef(pub u32);

impl ShapeRef {
    /// No shape.
    pub const NONE: ShapeRef = ShapeRef(0);

    /// The compressed form of a cell's address.
    #[inline(always)]
    pub fn of<T>(cell: *const T) -> ShapeRef {
        debug_assert!((cell as usize).wrapping_sub(HEAP_BASE) < HEAP_SIZE);
        ShapeRef(((cell as usize - HEAP_BASE) / GRANULE) as u32)
    }

    /// Can the cell die? Not if it is immortal.
    #[inline(always)]
    pub(crate) const fn is_mortal(self) -> bool {
        self.0 >= ((IMMORTAL_BASE + IMMORTAL_SIZE - HEAP_BASE) / GRANULE) as u32
    }

    /// The cell's address.
    #[inline(always)]
    pub const fn ptr<T>(self) -> *mut T {
        (HEAP_BASE + self.0 as usize * GRANULE) as *mut T
    }
}

/// How the collector finds the references in a cell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    /// There are none.
    Leaf = 0,
    /// The first `slots` words after the header are values or words that cannot be taken for one (small numbers).
    Slots = 1,
    /// The word after the header is a count (`AtomicUsize`), followed by that many values.
    Array = 2,
    /// Any word of the cell may be a reference to the start of a cell, or not: each is looked up. For native structures whose fields
    /// are mixed and which are few.
    Mixed = 3,
    /// Kinds from here on are traced by a function the embedder registered, [`crate::register_tracer`].
    FirstCustom = 8,
}

/// The first word of every heap cell; see the module's page.
#[repr(C, align(8))]
pub struct Header {
    shape: AtomicU32,
    /// The collector's bits, see [`Header::OLD_UNLOGGED`] and following.
    pub gc: AtomicU8,
    /// The object's lock byte.
    pub lock: AtomicU8,
    kind: u8,
    slots: u8,
}

const _: () = assert!(size_of::<Header>() == 8);

impl Header {
    /// The cell is old and not in the remembered set: a store into it has to log it first.
    pub const OLD_UNLOGGED: u8 = 1;
    /// The cell is on the finalization list.
    pub const FINALIZE: u8 = 2;
    /// A weak reference to the cell exists.
    pub const WEAKLY_REFERENCED: u8 = 4;
    /// `__del__` has run: it never runs again.
    pub const FINALIZED: u8 = 8;

    /// Does a store into the cell have to be logged first?
    #[inline(always)]
    pub fn is_unlogged(&self) -> bool {
        self.gc.load(Relaxed) & Header::OLD_UNLOGGED != 0
    }

    /// Sets bits of the collector's byte.
    #[inline]
    pub(crate) fn set_bits(&self, bits: u8) {
        // An atomic exchange takes as long as the rest of making a small object.
        if is_alone() {
            self.gc.store(self.gc.load(Relaxed) | bits, Relaxed);
        } else {
            self.gc.fetch_or(bits, Relaxed);
        }
    }

    /// Clears bits of the collector's byte.
    #[inline]
    pub(crate) fn clear_bits(&self, bits: u8) {
        if is_alone() {
            self.gc.store(self.gc.load(Relaxed) & !bits, Relaxed);
        } else {
            self.gc.fetch_and(!bits, Relaxed);
        }
    }

    /// As [`publish_shape`](crate::publish_shape) for a cell that is not [`is_unlogged`](Header::is_unlogged).
    #[inline(always)]
    pub fn publish_shape_of_logged(&self, shape: ShapeRef) {
        debug_assert!(!self.is_unlogged());
        self.shape.store(shape.0, Release);
    }

    /// A header for a new cell.
    #[inline(always)]
    pub const fn new(shape: ShapeRef, kind: Kind, slots: u8) -> Header {
        Header::with_raw_kind(shape, kind as u8, slots)
    }

    /// A header for a new cell of a registered kind.
    #[inline(always)]
    pub const fn with_raw_kind(shape: ShapeRef, kind: u8, slots: u8) -> Header {
        Header { shape: AtomicU32::new(shape.0), gc: AtomicU8::new(0), lock: AtomicU8::new(0), kind, slots }
    }

    /// The shape. One relaxed load; what it guards was stored before the shape was, so on the architectures we run on a data dependency
    /// or `Acquire` on the slot is enough.
    #[inline(always)]
    pub fn shape(&self) -> ShapeRef {
        ShapeRef(self.shape.load(Relaxed))
    }

    /// The shape's word, for publishing a new one.
    #[inline(always)]
    pub fn shape_word(&self) -> &AtomicU32 {
        &self.shape
    }

    /// How the collector traces this cell: a [`Kind`] or a registered number.
    #[inline(always)]
    pub fn kind(&self) -> u8 {
        self.kind
    }

    /// Is there nothing that the cell keeps alive, neither by its contents nor by its shape? Neither of them changes.
    #[inline(always)]
    pub fn is_leaf(&self) -> bool {
        self.kind == Kind::Leaf as u8 && !self.shape().is_mortal()
    }

    /// The number of value words after the header, for [`Kind::Slots`].
    #[inline(always)]
    pub fn slots(&self) -> usize {
        self.slots as usize
    }
}

/// The header of the cell a value refers to.
///
/// # Safety
/// `v.is_cell()` holds and the cell is alive.
#[inline(always)]
pub unsafe fn header<'a>(v: Value) -> &'a Header {
    // SAFETY: every live cell starts with its header, by the allocator's contract.
    unsafe { &*v.as_ptr::<Header>() }
}
