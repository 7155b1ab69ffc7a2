//! Python stacks written to a descriptor from wherever the process may be: a signal handler, another thread, a crash.
//!
//! Nothing here allocates, takes a lock that it would have to wait for, or changes anything. What is read may be changing, or be damaged:
//! a frame that does not look like one ends the dump of its thread.

use crate::interp::frame::Frame;
use crate::interp::trace::line_at;
use crate::object::ValueExt;
use crate::runtime::{self, Runtime};
use crate::thread::Thread;
use crate::types::builtin;
use limpid_heap::{GRANULE, HEAP_BASE, HEAP_SIZE};
use std::ffi::{CStr, c_char};

/// How many frames of a thread are written.
const MAX_FRAMES: usize = 100;
/// How many threads are written.
const MAX_THREADS: usize = 100;
/// How many characters of a name are written.
const MAX_NAME: usize = 500;

/// Writes without a buffer of its own: what was written stays written when the process dies.
#[derive(Clone, Copy)]
pub struct Out(pub i32);

impl Out {
    /// Text as it is.
    pub fn text(self, s: &str) {
        self.bytes(s.as_bytes());
    }

    fn bytes(self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            // SAFETY: a buffer of that length.
            let n = unsafe { libc::write(self.0, bytes.as_ptr().cast(), bytes.len()) };
            // SAFETY: this thread's errno.
            if n < 0 && unsafe { *libc::__errno_location() } != libc::EINTR {
                return;
            }
            bytes = &bytes[n.max(0) as usize..];
        }
    }

    /// A number.
    pub fn decimal(self, mut n: u64) {
        let mut digits = [0; 20];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + (n % 10) as u8;
            n /= 10;
            if n == 0 {
                return self.bytes(&digits[at..]);
            }
        }
    }

    /// A number in hexadecimal digits, at least `width` of them.
    pub fn hexadecimal(self, n: u64, width: usize) {
        let mut digits = [b'0'; 16];
        let (mut at, mut rest) = (digits.len(), n);
        while rest != 0 {
            at -= 1;
            digits[at] = b"0123456789abcdef"[(rest % 16) as usize];
            rest /= 16;
        }
        self.bytes(&digits[at.min(digits.len() - width.min(digits.len()))..]);
    }

    /// A name in ASCII: other characters as Python escapes them, too many of them cut off.
    pub fn name(self, name: &CStr) {
        let mut count = 0;
        for chunk in name.to_bytes().utf8_chunks() {
            for c in chunk.valid().chars() {
                if count == MAX_NAME {
                    return self.text("...");
                }
                count += 1;
                match c as u32 {
                    0x20..=0x7e => self.bytes(&[c as u8]),
                    n @ 0..=0xff => {
                        self.text("\\x");
                        self.hexadecimal(n as u64, 2);
                    }
                    n @ 0x100..=0xffff => {
                        self.text("\\u");
                        self.hexadecimal(n as u64, 4);
                    }
                    n => {
                        self.text("\\U");
                        self.hexadecimal(n as u64, 8);
                    }
                }
            }
        }
    }
}

/// Writes the stack of the thread that runs.
pub fn current(out: Out) {
    out.text("Stack (most recent call first):\n");
    match runtime::current() {
        Some(t) => frames(out, t),
        None => out.text("  <tstate is freed>\n"),
    }
}

/// Writes the stacks of all threads, newest first; `known` says whether the running one is told from the others. Other threads had better
/// stand still.
pub fn all(out: Out, known: bool) {
    let running = runtime::current().filter(|_| known);
    let complete = Runtime::try_get().is_some_and(|i| {
        let mut first = true;
        i.try_each_thread(MAX_THREADS, |t| {
            if !first {
                out.text("\n");
            }
            first = false;
            header(out, t, running.is_some_and(|r| std::ptr::eq(r, t)));
            frames(out, t);
        })
    });
    if !complete && let Some(t) = running {
        header(out, t, true);
        frames(out, t);
    }
}

/// Writes the stacks of the other threads, newest first, of those that stand still.
pub fn others(out: Out) {
    let running = runtime::current();
    let Some(runtime) = Runtime::try_get() else { return };
    runtime.try_each_thread(MAX_THREADS, |t| {
        if running.is_some_and(|r| std::ptr::eq(r, t)) {
            return;
        }
        out.text("\n");
        header(out, t, false);
        if t.mutator.stands_still() {
            frames(out, t);
        } else {
            out.text("  <running>\n");
        }
    });
}

fn header(out: Out, t: &Thread, is_current: bool) {
    out.text(if is_current { "Current thread 0x" } else { "Thread 0x" });
    let ident = t.ident.get();
    out.hexadecimal(ident, 16);
    let mut name = [0 as c_char; 16];
    // SAFETY: threads in the list are alive, and the buffer has that length.
    let result = unsafe { libc::pthread_getname_np(ident as libc::pthread_t, name.as_mut_ptr(), name.len()) };
    if result == 0 && name[0] != 0 {
        out.text(" [");
        // SAFETY: NUL-terminated by the call.
        out.name(unsafe { CStr::from_ptr(name.as_ptr()) });
        out.text("]");
    }
    out.text(" (most recent call first):\n");
}

/// Is this a place where a frame can be?
fn is_place(t: &Thread, f: Frame) -> bool {
    let p = f.0;
    p.is_aligned() && (f.is_generator() || (p > t.stack.base() && p < t.stack.end()))
}

/// Does the frame run a function?
fn has_function(f: Frame) -> bool {
    let v = f.function_value();
    let offset = v.bits().wrapping_sub(HEAP_BASE as u64);
    v.is_cell() && offset < HEAP_SIZE as u64 && offset.is_multiple_of(GRANULE as u64) && v.shape() == builtin::FUNCTION.root_shape()
}

fn frames(out: Out, t: &Thread) {
    let mut f = Frame(t.fp.get());
    let mut pc = t.pc.get();
    if f.is_none() {
        return out.text("  <no Python frame>\n");
    }
    let mut count = 0;
    while !f.is_none() && is_place(t, f) {
        if !f.is_shim() {
            if count == MAX_FRAMES {
                return out.text("  ...\n");
            }
            if !has_function(f) {
                return out.text("  <invalid frame>\n");
            }
            frame(out, f, pc);
            count += 1;
        }
        // The word before the one it returns to belongs to the call.
        pc = f.return_pc().wrapping_sub(1);
        f = f.previous();
    }
}

fn frame(out: Out, f: Frame, pc: *const u16) {
    let code = f.code();
    out.text("  File \"");
    // SAFETY: the code's names are NUL-terminated and live as long as it.
    let (file, name) = unsafe { (CStr::from_ptr(code.file_c()), CStr::from_ptr(code.name_c())) };
    out.name(file);
    out.text("\", line ");
    out.decimal(line_at(code, code.offset_of(pc)).max(0) as u64);
    out.text(" in ");
    out.name(name);
    out.text("\n");
}
