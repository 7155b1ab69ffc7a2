//! Machine code, by Cranelift.
//!
//! An executor is one function of the calling convention for tail calls: it gets the address of its first frame, has the thread in the
//! pinned register, loads its inputs from the thread's buffer and ends in a tail call: of another executor or of a stub that returns to
//! Rust. Optimization is off: it has been done, and Cranelift's would repeat in every exit what leads to the exit's values.

mod places;
mod translate;

use crate::budget;
use crate::code_heap::{self, Piece};
use crate::executor::{BUFFER_WORDS, Executor, Exit, ExitFrame, ExitState, Source};
use crate::ir::{Id, Op, Trace, Ty};
use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{Context, FinalizedRelocTarget};
use limpid_heap::Value;
use limpid_probes as probes;
use limpid_pystats::live::LIVE;
use limpid_pystats::machine_code::PIECES;
use std::ffi::CStr;
use std::sync::{Arc, OnceLock};
use translate::Translation;

/// The most code an executor may have.
const LARGEST: usize = 1 << 20;

fn isa() -> Option<&'static OwnedTargetIsa> {
    static ISA: OnceLock<Option<OwnedTargetIsa>> = OnceLock::new();
    ISA.get_or_init(|| {
        let mut flags = settings::builder();
        for (name, value) in [
            ("opt_level", "none"),
            ("regalloc_algorithm", "backtracking"),
            ("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" }),
            ("enable_pinned_reg", "true"),
            ("is_pic", "false"),
            ("enable_alias_analysis", "false"),
            ("preserve_frame_pointers", "true"),
            ("enable_probestack", "false"),
            ("unwind_info", "false"),
        ] {
            flags.set(name, value).ok()?;
        }
        cranelift_native::builder().ok()?.finish(settings::Flags::new(flags)).ok()
    })
    .as_ref()
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

/// Makes machine code of a trace.
pub fn make(job: Job) {
    let (piece, ns) = budget::charge(|| compile(&job));
    budget::made(job.planned, job.trace.uop_count(), ns);
    job.executor.finish(piece);
    LIVE.jit_traces.add(1);
    LIVE.jit_compile_time.add(ns);
    if probes::jit__compile__done::enabled() {
        let bytes = piece.map_or(0, |p| p.size());
        probes::jit__compile__done::fire(job.trace.uop_count() as i64, bytes as i64, ns);
    }
}

fn compile(job: &Job) -> Option<Piece> {
    let isa = isa()?;
    let mut context = Context::new();
    Translation::new(&job.trace, job.buffer, &job.executor, &job.words).function(&mut context, &**isa)?;
    context.compile(&**isa, &mut ControlPlane::default()).ok()?;
    let piece = install(&context)?;
    let code = context.compiled_code()?;
    let start = piece.runnable as usize;
    PIECES.add(start, start + code.code_buffer().len(), places::words(code.buffer.get_srclocs_sorted(), &job.trace.snapshots));
    Some(piece)
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

/// Puts compiled code where it can run.
fn install(context: &Context) -> Option<Piece> {
    let code = context.compiled_code()?;
    let bytes = code.code_buffer();
    if bytes.len() > LARGEST {
        return None;
    }
    let piece = code_heap::allocate(bytes.len())?;
    // SAFETY: the piece is as long as the code and belongs to nobody else; places to relocate lie inside it.
    unsafe {
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), piece.writable, bytes.len());
        for r in code.buffer.relocs() {
            // The only things that are referred to are inside the function.
            let FinalizedRelocTarget::Func(offset) = r.target else {
                code_heap::free(piece);
                return None;
            };
            let target = piece.runnable as i64 + offset as i64 + r.addend;
            let place = piece.writable.add(r.offset as usize);
            let from = piece.runnable as i64 + r.offset as i64;
            match r.kind {
                Reloc::X86PCRel4 | Reloc::X86CallPCRel4 => (place as *mut i32).write_unaligned((target - from) as i32),
                Reloc::Abs8 => (place as *mut i64).write_unaligned(target),
                _ => {
                    code_heap::free(piece);
                    return None;
                }
            }
        }
    }
    Some(piece)
}
