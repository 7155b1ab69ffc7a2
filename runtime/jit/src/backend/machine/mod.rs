//! Machine code, by Cranelift.
//!
//! An executor is one function of the calling convention for tail calls: it gets the address of its first frame, has the thread in the
//! pinned register, loads its inputs from the thread's buffer and ends in a tail call: of another executor or of a stub that returns to
//! Rust. Optimization is off: it has been done, and Cranelift's would repeat in every exit what leads to the exit's values.
//!
//! * [`translate`]: uops to Cranelift's instructions; [`places`]: which frames those have who look from outside;
//! * [`code_heap`]: where code lies; [`entry`]: the way in and out; [`shown`]: what debuggers and profilers get to know of it.

mod code_heap;
mod entry;
mod places;
mod shown;
mod translate;

pub use code_heap::{Piece, free, is_full};
pub use entry::enter;

use super::Job;
use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{Context, FinalizedRelocTarget};
use cranelift_frontend::FunctionBuilderContext;
use limpid_pystats::machine_code::PIECES;
use std::cell::Cell;
use std::sync::OnceLock;
use translate::Translation;

/// Is the interpreter to run a loop that it runs faster?
pub const COMPETES: bool = true;

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

/// Where an exit leads that no trace goes on from.
pub fn exit_stub() -> *const u8 {
    entry::exit_stub as *const () as *const u8
}

/// Where links lead to what has no code.
pub fn leave_stub() -> *const u8 {
    entry::leave_stub as *const () as *const u8
}

/// In a child process after a fork: new code goes elsewhere, and is told of elsewhere.
pub fn leave() {
    code_heap::leave();
    shown::after_fork();
}

/// What compiling takes in memory: kept for the next trace, unless it has failed and may have left anything behind.
struct Space {
    context: Context,
    builder: FunctionBuilderContext,
}

thread_local! {
    static SPACE: Cell<Option<Box<Space>>> = const { Cell::new(None) };
}

/// Makes machine code. None: it cannot be made, or there is no room for it.
pub fn compile(job: &Job) -> Option<Piece> {
    let new = || Box::new(Space { context: Context::new(), builder: FunctionBuilderContext::new() });
    let mut space = SPACE.take().unwrap_or_else(new);
    let piece = compile_in(&mut space, job);
    if piece.is_some() {
        space.context.clear();
        SPACE.set(Some(space));
    }
    piece
}

fn compile_in(space: &mut Space, job: &Job) -> Option<Piece> {
    let isa = isa()?;
    let Space { context, builder } = space;
    Translation::new(&job.trace, job.buffer, &job.executor, &job.words).function(context, builder, &**isa)?;
    context.set_disasm(job.dump.is_some());
    let clif = job.dump.is_some().then(|| context.func.display().to_string());
    context.compile(&**isa, &mut ControlPlane::default()).ok()?;
    let piece = install(context)?;
    let code = context.compiled_code()?;
    let start = piece.runnable as usize;
    let locations = code.buffer.get_srclocs_sorted();
    PIECES.add(start, start + code.code_buffer().len(), places::words(locations, &job.trace.snapshots));
    if let Some(map) = &job.source_map {
        shown::tell(&piece, code.code_buffer(), locations, map);
    }
    if let (Some(dump), Some(clif)) = (&job.dump, clif) {
        dump.write("clif", &clif);
        dump.write("asm", code.vcode.as_deref().unwrap_or_default());
    }
    Some(piece)
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
