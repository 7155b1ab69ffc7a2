//! The table of offsets: what a profiler has to know to read the Python stacks of a process from outside.
//!
//! It is a static in a section of its own, found as the live segment is (`live`), and describes itself in the same way: names with values.
//! The runtime fills it in from its own types, so the table is right for the program that it lies in; a reader looks for the names it needs.
//!
//! ```text
//!  0   "LIMPSTAK"                   magic
//!  8   u32 version                  of this layout and of the meaning of the names
//!  12  u32 size of a field          fields may grow at their end
//!  16  u32 number of fields
//!  20  u32 offset of the first      from the start of the table
//!  24  fields: name [u8; 40], padded with NULs; u64 value
//! ```
//!
//! How counting is switched on from outside: all threads are stopped, the wish is written and the bit set in the requests of each thread. The
//! first that goes on does it. What was counted is written to the file `live-PID.txt` in the folder of the statistics (see [`crate::folder`]).
//!
//! How a stack is read
//! - `threads` is the address of a thread, 0 if there is none; at `thread_next` in each is the next one's.
//! - In a thread, `thread_frame` is the innermost frame and `thread_pc` the instruction it is at, as of when the thread last called into
//!   native code: for a thread that waits that is where it is.
//! - The words `frame_function`, `frame_previous` and `frame_return` lie so many bytes *below* the address of a frame. A frame without a
//!   function is none of the program's, and left out.
//! - Where the frame before stands: if this one returns to `native_return`, native code has called it, and the instruction is in the
//!   innermost entry of `thread_entries` that was not used yet (`entry_pc`; `entry_previous` is the next); otherwise it is one word of two
//!   bytes before the address that it returns to.
//! - A function has its code at `function_code`. The code's name and file are NUL-terminated UTF-8 at the addresses at `code_name` and
//!   `code_file`. Its instructions are those at `code_bytecode`, or a copy that is an item of the list at `code_copies`: whichever has
//!   the instruction. How far it is from `bytecode_words`, in words, is what the line table at `code_line_table`, a bytes object, gives a
//!   line for, in CPython's format.
//! - A thread whose program counter lies in a piece of machine code (see [`crate::machine_code`]) has the frames that the piece's last place
//!   at or before it tells; the first of them is in memory, so many words from `thread_trace`, and so is what is before it.

use std::sync::atomic::{AtomicPtr, Ordering};

/// The section that holds the table.
pub const SECTION: &str = ".limpid.stacks";
/// What the table begins with.
pub const MAGIC: [u8; 8] = *b"LIMPSTAK";
/// The version.
pub const VERSION: u32 = 1;
/// The longest name.
pub const NAME_SIZE: usize = 40;

/// A value with its name.
#[repr(C)]
pub struct Field {
    name: [u8; NAME_SIZE],
    // A pointer, because the address of a static is known to the linker only.
    value: AtomicPtr<()>,
}

impl Field {
    const fn new(name: &str, value: *const ()) -> Field {
        let (bytes, mut padded, mut at) = (name.as_bytes(), [0; NAME_SIZE], 0);
        while at < bytes.len() {
            padded[at] = bytes[at];
            at += 1;
        }
        Field { name: padded, value: AtomicPtr::new(value.cast_mut()) }
    }

    /// Changes the value.
    pub fn set(&self, value: *const ()) {
        self.value.store(value.cast_mut(), Ordering::Release);
    }
}

/// A value of the table that is an offset.
pub const fn offset(bytes: usize) -> *const () {
    std::ptr::without_provenance(bytes)
}

macro_rules! table {
    ($( $name:ident, $help:literal; )*) => {
        /// The table.
        #[repr(C)]
        pub struct Table {
            magic: [u8; 8],
            version: u32,
            field_size: u32,
            fields: u32,
            offset: u32,
            $( #[doc = $help] pub $name: Field, )*
        }

        /// Its values.
        #[derive(Clone, Debug)]
        pub struct Values<T> {
            $( #[doc = $help] pub $name: T, )*
        }

        impl Table {
            /// The table with these values.
            pub const fn new(values: Values<*const ()>) -> Table {
                Table {
                    magic: MAGIC,
                    version: VERSION,
                    field_size: size_of::<Field>() as u32,
                    fields: [$(stringify!($name)),*].len() as u32,
                    offset: std::mem::offset_of!(Table, offset) as u32 + 4,
                    $( $name: Field::new(stringify!($name), values.$name), )*
                }
            }
        }

        impl<T> Values<T> {
            /// Each value changed.
            pub fn map<U>(self, mut change: impl FnMut(T) -> U) -> Values<U> {
                Values { $( $name: change(self.$name), )* }
            }
        }

        impl Values<u64> {
            /// The values as they are found by name; an error with the name of one that is not there.
            pub fn named(find: impl Fn(&str) -> Option<u64>) -> Result<Values<u64>, &'static str> {
                Ok(Values { $( $name: find(stringify!($name)).ok_or(stringify!($name))?, )* })
            }
        }
    };
}

// The list.
table! {
    threads, "The address of the newest thread, 0 if there is none.";
    thread_next, "In a thread: the address of the next thread.";
    thread_id, "In a thread: its number for the system, 64 bits.";
    thread_interpreter, "In a thread: the number of its interpreter.";
    thread_pc, "In a thread: the instruction it was at when it last called native code.";
    thread_frame, "In a thread: the innermost frame then.";
    thread_entries, "In a thread: the innermost call of a frame by native code.";
    entry_pc, "In such an entry: the instruction that the frame before is at.";
    entry_previous, "In such an entry: the entry before.";
    native_return, "Where a frame returns to that native code has called.";
    frame_function, "Bytes below a frame: its function, 0 if it is none of the program's.";
    frame_previous, "Bytes below a frame: the frame that has called it, 0 for the outermost.";
    frame_return, "Bytes below a frame: the instruction of the frame before at which it goes on.";
    function_code, "In a function: its code.";
    code_name, "In code: the address of its name.";
    code_file, "In code: the address of its file's name.";
    code_first_line, "In code: the line that the line table starts from, 32 bits.";
    code_line_table, "In code: the line table, a bytes object.";
    code_bytecode, "In code: the instructions.";
    code_copies, "In code: the list of the threads' copies of the instructions, or 0.";
    bytecode_length, "In instructions: how many words there are.";
    bytecode_words, "In instructions: the first word.";
    list_length, "In a list: how many items there are.";
    list_items, "In a list: the first item.";
    bytes_length, "In a bytes object: how many bytes there are.";
    bytes_data, "In a bytes object: the first byte.";
    thread_trace, "In a thread: the first frame of the machine code that it is in.";
    machine_code, "The address of the address of the first chunk of pieces of machine code.";
    machine_code_chunk, "In such a chunk: how many pieces there are.";
    thread_requests, "In a thread: what is asked of it, a set of 32 bits.";
    statistics_request, "The address of a byte for wishes about statistics: 1 to count, 2 to write what was counted and stop counting.";
    statistics_bit, "The request to look there.";
}

const _: () = assert!(size_of::<Field>() == NAME_SIZE + 8);
const _: () = assert!(std::mem::offset_of!(Table, threads) == 24);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_by_name() {
        let values = Values::named(|name| Some(name.len() as u64)).unwrap();
        assert_eq!((values.threads, values.bytes_data), (7, 10));
        assert_eq!(Values::named(|name| (name != "code_name").then_some(0)).unwrap_err(), "code_name");
    }
}
