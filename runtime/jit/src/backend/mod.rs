//! What runs traces: [`code`], which is machine code, by Cranelift, or with the feature `tier2-interpreter` an interpreter of uops.
//!
//! The rest of the crate refers to code by addresses that only [`code`] looks behind: executors, junctions and exits hold them in one word,
//! and traces are linked by storing there. A module `code` has
//!
//! * `compile`, which makes a [`Piece`](code::Piece) of a [`Job`], and `free`; `is_full` and `leave`: is there too much of it, and all that
//!   there is belongs to the parent process;
//! * `enter`, which runs the code at an address until it is [`Left`];
//! * `exit_stub` and `leave_stub`, the addresses of what exits and links lead to when there is no code: they return to who has called
//!   `enter`, with an exit or with where the interpreter goes on;
//! * `COMPETES`: is the interpreter to run a loop that it runs faster?
//!
//! Code begins with its first frame and a word that it does not look at, and with its inputs in the thread's buffer; it hands the same on to
//! code that it is linked to.

mod exits;
#[cfg(feature = "tier2-interpreter")]
pub mod interpret;
#[cfg(not(feature = "tier2-interpreter"))]
pub mod machine;

#[cfg(feature = "tier2-interpreter")]
pub use interpret as code;
#[cfg(not(feature = "tier2-interpreter"))]
pub use machine as code;

pub use exits::{Exits, Words, exits};

use crate::budget;
use crate::dump::Dump;
use crate::executor::Executor;
use crate::ir::Trace;
use crate::source_map::SourceMap;
use limpid_heap::Value;
use limpid_probes as probes;
use limpid_pystats::live::LIVE;
use std::sync::Arc;

/// How code was left.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Left {
    /// The exit, or where the interpreter goes on (0: leaves its loop) if `frame` is NULL.
    pub what: usize,
    /// The first frame; NULL: the state is in memory and in the thread's saved registers.
    pub frame: *mut Value,
}

/// A trace to be compiled.
pub struct Job {
    /// What gets the code.
    pub executor: Arc<Executor>,
    /// The trace.
    pub trace: Trace,
    /// What each exit writes to the buffer.
    pub words: Vec<Words>,
    /// The address of the thread's buffer.
    pub buffer: usize,
    /// Nanoseconds that are [planned](budget::plan) for it.
    pub planned: u64,
    /// Where it comes from, if its code is shown to somebody.
    pub source_map: Option<SourceMap>,
    /// Where it is written about.
    pub dump: Option<Dump>,
}

/// Makes code of a trace.
pub fn make(job: Job) {
    let (piece, ns) = budget::charge(|| code::compile(&job));
    budget::made(job.planned, job.trace.uop_count(), ns);
    job.executor.finish(piece);
    LIVE.jit_traces.add(1);
    LIVE.jit_compile_time.add(ns);
    if probes::jit__compile__done::enabled() {
        let bytes = piece.map_or(0, |p| p.size());
        probes::jit__compile__done::fire(job.trace.uop_count() as i64, bytes as i64, ns);
    }
}
