//! Tells others where the Python stacks of this process are: the table of offsets, and the list of threads that it begins with.
//!
//! Here is where the table gets its values, from the types themselves. What the names mean is told in `limpid_pystats::offsets`.

use crate::interp::frame::{EXIT_CODE, HEADER, NativeEntry};
use crate::thread::Thread;
use crate::types::{Bytes, Code, Function, code};
use crate::value_list;
use limpid_pystats::machine_code::{CHUNK, PIECES};
use limpid_pystats::offsets::{Table, Values, offset};
use std::mem::offset_of;
use std::sync::atomic::Ordering;

/// The words of a frame's header, counted from its address downwards.
const fn below(words: usize) -> *const () {
    assert!(words <= HEADER);
    offset(words * 8)
}

/// This process's table.
#[used]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".limpid.stacks"))]
static STACKS: Table = Table::new(Values {
    threads: offset(0),
    thread_next: offset(offset_of!(Thread, next)),
    thread_id: offset(offset_of!(Thread, native_id)),
    thread_interpreter: offset(offset_of!(Thread, interpreter_id)),
    thread_pc: offset(offset_of!(Thread, pc)),
    thread_frame: offset(offset_of!(Thread, fp)),
    thread_entries: offset(offset_of!(Thread, entries)),
    entry_pc: offset(offset_of!(NativeEntry, pc)),
    entry_previous: offset(offset_of!(NativeEntry, previous)),
    native_return: (&raw const EXIT_CODE).cast(),
    frame_function: below(5),
    frame_previous: below(4),
    frame_return: below(3),
    function_code: offset(offset_of!(Function, code)),
    code_name: offset(offset_of!(Code, name_c)),
    code_file: offset(offset_of!(Code, file_c)),
    code_first_line: offset(offset_of!(Code, firstlineno)),
    code_line_table: offset(offset_of!(Code, linetable)),
    code_bytecode: offset(offset_of!(Code, bytecode)),
    code_copies: offset(offset_of!(Code, copies)),
    bytecode_length: offset(offset_of!(code::Bytecode, len)),
    bytecode_words: offset(code::BYTECODE_OFFSET),
    list_length: offset(offset_of!(value_list::Array, len)),
    list_items: offset(offset_of!(value_list::Array, items)),
    bytes_length: offset(offset_of!(Bytes, len)),
    bytes_data: offset(offset_of!(Bytes, data)),
    thread_trace: offset(offset_of!(Thread, trace_frame)),
    machine_code: (&raw const PIECES).cast(),
    machine_code_chunk: offset(CHUNK),
    thread_requests: offset(offset_of!(Thread, mutator) + offset_of!(limpid_heap::Mutator, eval_breaker)),
    statistics_request: (&raw const crate::stats::WISH).cast(),
    statistics_bit: offset(crate::thread::request::STATISTICS as usize),
});

/// These are the threads now, oldest first. To be called before one of those that were there is freed.
pub(crate) fn publish<'a>(threads: impl Iterator<Item = &'a Thread>) {
    let mut next: *const Thread = std::ptr::null();
    for thread in threads {
        thread.next.store(next.cast_mut(), Ordering::Release);
        next = std::ptr::from_ref(thread);
    }
    STACKS.threads.set(next.cast());
}
