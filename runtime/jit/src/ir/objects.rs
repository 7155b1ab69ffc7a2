//! Objects that a trace makes with all that they hold, or does without until it is left.

use super::Id;
use crate::cells;
use limpid_heap::{MAX_SMALL, Value};
use limpid_vm::object::header_of;
use limpid_vm::thread::Thread;
use limpid_vm::types::Tuple;
use limpid_vm::types::tuple::TUPLE_OVERHEAD;

/// So many objects at most are made where a trace is left.
pub const MOST_OBJECTS: usize = 16;
/// Stands for an object that was not made, as the value of an input of a loop.
pub const NOT_MADE: u64 = 1;

/// What objects of a kind look like.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Layout {
    /// The header, with the number of the size class: see [`cells::with_class`].
    pub header: u64,
    /// It is a tuple, and has as many items as there are offsets.
    pub is_tuple: bool,
    /// Where it has what it holds, in bytes from its start.
    pub offsets: Vec<u32>,
}

impl Layout {
    /// That of tuples of so many items; None: they take more than a cell.
    pub fn of_tuples(items: usize) -> Option<Layout> {
        // With a byte of slack, as arrays have.
        let size = TUPLE_OVERHEAD + items * 8 + 1;
        let offsets = (0..items).map(|i| (TUPLE_OVERHEAD + i * 8) as u32);
        (size <= MAX_SMALL).then(|| Layout {
            header: cells::with_class(header_of::<Tuple>(), size),
            is_tuple: true,
            offsets: offsets.collect(),
        })
    }

    /// A new object. No safepoint.
    ///
    /// # Safety
    /// The values fit the layout, and nothing else is allocated before the object is stored somewhere.
    pub unsafe fn make(&self, t: &Thread, values: impl Iterator<Item = Value>) -> Value {
        let cell = cells::make(t, self.header);
        // SAFETY: the cell is new, and large enough for its layout.
        unsafe {
            if self.is_tuple {
                cell.byte_add(Tuple::LEN).write(self.offsets.len() as u64);
            }
            for (offset, v) in self.offsets.iter().zip(values) {
                cell.byte_add(*offset as usize).write(v.bits());
            }
        }
        Value::cell(cell)
    }
}

/// An object that an exit makes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Object {
    /// The value that stands for it in the snapshot.
    pub id: Id,
    /// The number of its layout.
    pub layout: u32,
    /// It is this value, unless that is [`NOT_MADE`].
    pub unless: Option<Id>,
    /// What it holds, in the order of the layout.
    pub parts: Vec<Id>,
}
