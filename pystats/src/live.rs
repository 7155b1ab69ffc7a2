//! The live segment: what a running process counts all the time, where other processes can read it.
//!
//! It is a static in a section of its own, so it costs nothing at start-up, a fork gets a copy, and a reader finds it in the file by
//! the section's name, and from there in the process. It describes itself: a reader needs to know the layout below, but none of the
//! fields.
//!
//! ```text
//!  0   "LIMPLIVE"                   magic
//!  8   u32 version                  of this layout
//!  12  u32 size of a field          fields may grow at their end
//!  16  u32 number of fields
//!  20  u32 offset of the first      from the start of the segment
//!  24  fields: name [u8; 40], padded with NULs; u32 kind; u32 unit; u64 value
//! ```
//!
//! Invariants
//! - Counters only grow. Each is right at any time by itself; two of them need not be of the same moment.
//! - Whoever counts does so on a path that is slow anyway: with an atomic addition, as several threads may be there.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The section that holds the segment.
pub const SECTION: &str = ".limpid.live";
/// What the segment begins with.
pub const MAGIC: [u8; 8] = *b"LIMPLIVE";
/// The version of the layout, not of the list of fields.
pub const VERSION: u32 = 1;
/// The longest name.
pub const NAME_SIZE: usize = 40;

/// Does a value only grow?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Kind {
    /// It only grows.
    Counter = 0,
    /// It is as it is now.
    Gauge = 1,
}

/// What a value is a number of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Unit {
    /// Things.
    Number = 0,
    /// Nanoseconds.
    Nanoseconds = 1,
    /// Bytes.
    Bytes = 2,
}

/// A value with its description.
#[repr(C)]
pub struct Field {
    name: [u8; NAME_SIZE],
    kind: Kind,
    unit: Unit,
    value: AtomicU64,
}

impl Field {
    const fn new(name: &str, kind: Kind, unit: Unit) -> Field {
        let (bytes, mut padded, mut at) = (name.as_bytes(), [0; NAME_SIZE], 0);
        while at < bytes.len() {
            padded[at] = bytes[at];
            at += 1;
        }
        Field { name: padded, kind, unit, value: AtomicU64::new(0) }
    }

    /// Counts `n`.
    pub fn add(&self, n: u64) {
        self.value.fetch_add(n, Relaxed);
    }

    /// Sets a gauge.
    pub fn set(&self, value: u64) {
        self.value.store(value, Relaxed);
    }

    /// Sets a gauge that holds the greatest value so far.
    pub fn raise(&self, value: u64) {
        self.value.fetch_max(value, Relaxed);
    }

    /// The value.
    pub fn get(&self) -> u64 {
        self.value.load(Relaxed)
    }
}

macro_rules! segment {
    ($( $name:ident: $kind:ident $unit:ident, $help:literal; )*) => {
        /// The segment.
        #[repr(C)]
        pub struct Segment {
            magic: [u8; 8],
            version: u32,
            field_size: u32,
            fields: u32,
            offset: u32,
            $( #[doc = $help] pub $name: Field, )*
        }

        /// This process's segment.
        #[used]
        #[cfg_attr(target_os = "linux", unsafe(link_section = ".limpid.live"))]
        pub static LIVE: Segment = Segment {
            magic: MAGIC,
            version: VERSION,
            field_size: size_of::<Field>() as u32,
            fields: [$(stringify!($name)),*].len() as u32,
            offset: 24,
            $( $name: Field::new(stringify!($name), Kind::$kind, Unit::$unit), )*
        };

        /// What each field means.
        pub const HELP: &[(&str, &str)] = &[$( (stringify!($name), $help), )*];
    };
}

// The list.
segment! {
    collections_young: Counter Number, "Garbage collections of young objects.";
    collections_full: Counter Number, "Garbage collections of all objects.";
    collection_time: Counter Nanoseconds, "Time that garbage collections took.";
    collection_longest: Gauge Nanoseconds, "The longest garbage collection.";
    cells_freed: Counter Number, "Cells of the heap that collections have freed.";
    heap_live: Gauge Bytes, "Bytes of the heap in use after the last collection.";
    heap_size: Gauge Bytes, "Bytes of the heap's blocks after the last collection.";
    world_stops: Counter Number, "Times that all threads were stopped.";
    world_stop_time: Counter Nanoseconds, "Time that all threads stood still.";
    world_stop_longest: Gauge Nanoseconds, "The longest time that all threads stood still.";
    threads_started: Counter Number, "Threads that have begun to run Python code.";
    threads_ended: Counter Number, "Threads that run no more Python code.";
    exceptions_raised: Counter Number, "Exceptions raised by a raise statement.";
    allocated: Counter Bytes, "Bytes allocated, as of the last collection.";
    jit_traces: Counter Number, "Traces that machine code was made of.";
    jit_compile_time: Counter Nanoseconds, "Time that making machine code took.";
    jit_code_size: Gauge Bytes, "Bytes of machine code in use.";
    jit_exits: Counter Number, "Times that machine code was left for the interpreter.";
    jit_invalidated: Counter Number, "Traces that were thrown away.";
    statistics_written: Counter Number, "Times that statistics were written to a file.";
    counting: Gauge Number, "1 while instructions are counted.";
    lock_waits: Counter Number, "Times a thread had to wait for a lock of the program.";
    lock_wait_time: Counter Nanoseconds, "Time that threads waited for locks of the program.";
}

const _: () = assert!(size_of::<Field>() == NAME_SIZE + 16);
const _: () = assert!(std::mem::offset_of!(Segment, collections_young) == 24);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_described() {
        assert_eq!(HELP.len(), LIVE.fields as usize);
        assert_eq!(size_of::<Segment>(), 24 + HELP.len() * size_of::<Field>());
        for (name, help) in HELP {
            assert!(name.len() < NAME_SIZE && help.ends_with('.'), "{name}: {help}");
        }
    }

    #[test]
    fn values() {
        let field = Field::new("longest", Kind::Gauge, Unit::Nanoseconds);
        field.raise(7);
        field.raise(5);
        assert_eq!((&field.name[..9], field.get()), (&b"longest\0\0"[..], 7));
        field.set(2);
        field.add(1);
        assert_eq!(field.get(), 3);
    }
}
