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

#[cfg(feature = "tier2-interpreter")]
pub mod interpret;
#[cfg(not(feature = "tier2-interpreter"))]
pub mod machine;

#[cfg(feature = "tier2-interpreter")]
pub use interpret as code;
#[cfg(not(feature = "tier2-interpreter"))]
pub use machine as code;

use crate::budget;
use crate::executor::{BUFFER_WORDS, Executor, Exit, ExitFrame, ExitState, Source};
use crate::ir::{Id, Op, Trace, Ty};
use limpid_heap::Value;
use limpid_probes as probes;
use limpid_pystats::live::LIVE;
use std::ffi::CStr;
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
    /// The values of each exit, in the order of the buffer's words.
    pub words: Vec<Vec<Id>>,
    /// The address of the thread's buffer.
    pub buffer: usize,
    /// Nanoseconds that are [planned](budget::plan) for it.
    pub planned: u64,
}

/// The exits of a trace, and for each of them the values that are in the words of the buffer.
pub type Exits = (Vec<Box<Exit>>, Vec<Vec<Id>>);

/// The exits of a trace. None: too many values.
pub fn exits(trace: &Trace) -> Option<Exits> {
    let mut reasons = vec![(c"none", false); trace.snapshots.len()];
    for id in trace.entry.iter().chain(&trace.body).rev() {
        let uop = trace.uop(*id);
        if let Some(exit) = uop.exit {
            let (reason, needs_python) = &mut reasons[exit as usize];
            *reason = uop.op.name_c();
            *needs_python |= uop.op.avoids_python();
        }
    }
    let (mut exits, mut numbers) = (Vec::new(), Vec::new());
    for (snapshot, reason) in reasons.into_iter().enumerate() {
        let mut words = Vec::new();
        exits.push(Box::new(Exit::new(exit_state(trace, snapshot, reason, &mut words)?)));
        numbers.push(words);
    }
    Some((exits, numbers))
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

/// What an exit's values are, and which of them are in which word of the buffer.
fn exit_state(trace: &Trace, snapshot: usize, reason: (&'static CStr, bool), words: &mut Vec<Id>) -> Option<ExitState> {
    let snapshot = &trace.snapshots[snapshot];
    let mut source = |id: Id| {
        let uop = trace.uop(id);
        if uop.op == Op::Const {
            return Some(Source::Constant(constant_bits(uop.ty, uop.imm)));
        }
        let word = match words.iter().position(|known| *known == id) {
            Some(word) => word,
            None => {
                words.push(id);
                words.len() - 1
            }
        };
        (word < BUFFER_WORDS).then_some(Source::Buffer(word as u32, uop.ty))
    };
    let mut frames = Vec::new();
    for f in &snapshot.frames {
        let base = match f.base {
            Some(id) => Some(source(id)?),
            None => None,
        };
        let header = match f.header {
            Some(id) => Some(source(id)?),
            None => None,
        };
        let stores = f.stores.iter().map(|(place, id)| Some((*place, source(*id)?))).collect::<Option<Vec<_>>>()?;
        frames.push(ExitFrame {
            base,
            extent: f.extent,
            place: f.place,
            nlocals: f.nlocals,
            used: f.used,
            return_pc: f.return_pc,
            header,
            stores,
        });
    }
    let (reason, needs_python) = reason;
    Some(ExitState { pc: snapshot.pc, frames, depth: snapshot.depth, reason, needs_python })
}

/// The Python value of a constant.
fn constant_bits(ty: Ty, imm: i64) -> u64 {
    match ty {
        Ty::Int => Value::from_shifted(imm).bits(),
        Ty::Float => Value::float(f64::from_bits(imm as u64)).bits(),
        Ty::Bool => Value::bool(imm != 0).bits(),
        Ty::Value | Ty::Word | Ty::None => imm as u64,
    }
}
