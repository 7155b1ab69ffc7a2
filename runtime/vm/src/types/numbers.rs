//! Numbers of one kind, one after the other: what machine code reads and writes without calling anybody.
//!
//! An object whose type has [`flag::NUMBERS`] begins with [`Numbers`], which tells where its items are as long as no other thread runs.

use super::flag;
use crate::object::{Ref, ValueExt};
use limpid_heap::{Header, Value};
use std::mem::offset_of;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::Relaxed};

/// What the numbers are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum Format {
    /// No numbers that are inline values, or none of these.
    Other,
    /// Of 64 bits.
    F64,
    /// Of 32 bits.
    F32,
    /// Signed, of one byte.
    I8,
    /// Unsigned, of one byte.
    U8,
    /// Signed, of two bytes.
    I16,
    /// Unsigned, of two bytes.
    U16,
    /// Signed, of four bytes.
    I32,
    /// Unsigned, of four bytes.
    U32,
}

impl Format {
    /// All of them, by number.
    const ALL: [Format; 9] =
        [Format::Other, Format::F64, Format::F32, Format::I8, Format::U8, Format::I16, Format::U16, Format::I32, Format::U32];

    /// The format with a number.
    pub fn from_word(word: i64) -> Format {
        usize::try_from(word).ok().and_then(|i| Self::ALL.get(i)).copied().unwrap_or(Format::Other)
    }
}

/// Where an object's numbers are.
#[repr(C)]
#[derive(Debug)]
pub struct Numbers {
    start: AtomicPtr<u8>,
    count: AtomicUsize,
    format: Format,
}

/// The beginning of an object with numbers.
#[repr(C)]
struct Beginning {
    header: Header,
    numbers: Numbers,
}

impl Numbers {
    /// Where the address of the first one is in the object.
    pub const START: usize = offset_of!(Beginning, numbers) + offset_of!(Numbers, start);
    /// Where it is how many there are.
    pub const COUNT: usize = offset_of!(Beginning, numbers) + offset_of!(Numbers, count);
    /// Where the format is.
    pub const FORMAT: usize = offset_of!(Beginning, numbers) + offset_of!(Numbers, format);

    /// So many numbers.
    pub fn new(format: Format, start: *const u8, count: usize) -> Numbers {
        Numbers { start: AtomicPtr::new(start.cast_mut()), count: AtomicUsize::new(count), format }
    }

    /// They are elsewhere now.
    pub fn moved(&self, start: *const u8, count: usize) {
        self.start.store(start.cast_mut(), Relaxed);
        self.count.store(count, Relaxed);
    }

    /// The format of an object's numbers.
    pub fn format_of(v: Value) -> Format {
        if !v.is_cell() || !v.class().has(flag::NUMBERS) {
            return Format::Other;
        }
        // SAFETY: the flag says that the object begins so.
        unsafe { Ref::<Beginning>::from_value(v) }.numbers.format
    }
}
