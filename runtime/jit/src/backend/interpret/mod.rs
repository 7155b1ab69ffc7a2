//! Uops without machine code, on any architecture.
//!
//! What would be one function of machine code is a [`Program`]: the uops of a trace in the order in which they run, with registers for their
//! operands. Its address stands for that of the code. What would be a jump to other code is a [`Next`], which [`enter`] follows.
//!
//! * [`program`]: traces to programs; [`run`]: running one; [`uops`]: what each uop does, with [`numbers`], [`memory`] and [`calls`].
//!
//! Invariants
//! - A register is a raw word, as those of the thread's buffer are: a Python value, a shifted int, a float's bits, 0 or 1, an address.
//! - Registers lie on the native stack, where the collector finds what they refer to. They are emptied after their last use.
//! - Exits are taken, rounds and uops counted exactly as machine code does it. Most of what machine code does by itself while its thread is
//!   alone is done by the functions that it calls otherwise.

mod calls;
mod memory;
mod numbers;
mod program;
mod run;
mod uops;

use super::{Job, Left};
use limpid_heap::Value;
use limpid_pystats::live::LIVE;
use limpid_vm::thread::Thread;
use program::Program;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Is the interpreter to run a loop that it runs faster? It always does.
pub const COMPETES: bool = false;

/// How many bytes programs may take before executors have to go.
const LIMIT: usize = 48 << 20;

/// Bytes that programs take.
static IN_USE: AtomicUsize = AtomicUsize::new(0);

/// What stands for the stubs; nothing looks behind their addresses.
static STUBS: [u8; 2] = [0; 2];

/// Where an exit leads that no trace goes on from.
pub fn exit_stub() -> *const u8 {
    &raw const STUBS[0]
}

/// Where links lead to what has no code.
pub fn leave_stub() -> *const u8 {
    &raw const STUBS[1]
}

/// A program that belongs to an executor.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    program: *const Program,
    size: usize,
}

impl Piece {
    /// What stands for it.
    pub fn address(&self) -> *const u8 {
        self.program.cast()
    }

    /// How many bytes it takes.
    pub fn size(&self) -> usize {
        self.size
    }
}

/// Makes a program. None: it would take too many registers.
pub fn compile(job: &Job) -> Option<Piece> {
    let program = Box::new(Program::new(job)?);
    let size = program.size();
    LIVE.jit_code_size.set((IN_USE.fetch_add(size, Relaxed) + size) as u64);
    Some(Piece { program: Box::into_raw(program), size })
}

/// Frees a program that nobody runs any more.
pub fn free(piece: Piece) {
    // SAFETY: made by `compile`; its executor is dropped.
    drop(unsafe { Box::from_raw(piece.program.cast_mut()) });
    LIVE.jit_code_size.set((IN_USE.fetch_sub(piece.size, Relaxed) - piece.size) as u64);
}

/// Do programs take more than they should?
pub fn is_full() -> bool {
    IN_USE.load(Relaxed) > LIMIT
}

/// In a child process after a fork: those of the parent are never freed.
pub fn leave() {
    IN_USE.store(0, Relaxed);
}

/// Where it goes on: other code, or a stub.
struct Next {
    code: *const u8,
    /// The first frame.
    frame: *mut Value,
    /// For the stubs: the exit, or where the interpreter goes on.
    word: usize,
}

/// Runs a program, and those that it leads to.
///
/// # Safety
/// The code is an executor's, its inputs are in the thread's buffer, and `frame` is the frame it was made for.
pub unsafe fn enter(frame: *mut Value, thread: *const Thread, code: *const u8) -> Left {
    let mut next = Next { code, frame, word: 0 };
    loop {
        if next.code == exit_stub() {
            return Left { what: next.word, frame: next.frame };
        }
        if next.code == leave_stub() {
            return Left { what: next.word, frame: std::ptr::null_mut() };
        }
        // SAFETY: what is no stub is a program, which stays while code is running; the rest by contract, or as that program has left it.
        next = unsafe { run::run(&*next.code.cast::<Program>(), next.frame, &*thread) };
    }
}
