//! Machine code, by Cranelift.
//!
//! An executor is one function of the calling convention for tail calls: it gets the address of its first frame, has the thread in the
//! pinned register, loads its inputs from the thread's buffer and ends in a tail call: of another executor or of a stub that returns to
//! Rust. Optimization is off: it has been done, and Cranelift's would repeat in every exit what leads to the exit's values.

mod translate;

use crate::code_heap::{CodeHeap, Piece};
use crate::executor::{BUFFER_WORDS, Exit, ExitFrame, ExitState, Source, State};
use crate::ir::{Id, Op, Trace, Ty};
use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{Context, FinalizedRelocTarget};
use limpid_heap::Value;
use parking_lot::Mutex;
use std::sync::OnceLock;
use translate::Translation;

/// The most code an executor may have.
const LARGEST: usize = 1 << 20;

static HEAP: Mutex<Option<CodeHeap>> = Mutex::new(None);

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

/// Compiles a trace; None if there is no room, or it is too big.
pub fn compile(trace: &Trace, state: &State) -> Option<(Piece, Vec<Box<Exit>>)> {
    let isa = isa()?;
    let mut exits = Vec::new();
    let mut numbers = Vec::new();
    for snapshot in 0..trace.snapshots.len() {
        let mut words = Vec::new();
        let exit = exit_state(trace, snapshot, &mut words)?;
        exits.push(Box::new(Exit::new(exit)));
        numbers.push(words);
    }
    let mut context = Context::new();
    Translation::new(trace, state, &exits, &numbers).function(&mut context, &**isa)?;
    context.compile(&**isa, &mut ControlPlane::default()).ok()?;
    Some((install(&context)?, exits))
}

/// What an exit's values are, and which of them are in which word of the buffer.
fn exit_state(trace: &Trace, snapshot: usize, words: &mut Vec<Id>) -> Option<ExitState> {
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
    Some(ExitState { pc: snapshot.pc, frames, depth: snapshot.depth })
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
    let mut heap = HEAP.lock();
    if heap.is_none() {
        *heap = CodeHeap::new();
    }
    let piece = heap.as_mut()?.allocate(bytes.len())?;
    drop(heap);
    // SAFETY: the piece is as long as the code and belongs to nobody else; places to relocate lie inside it.
    unsafe {
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), piece.writable, bytes.len());
        for r in code.buffer.relocs() {
            // The only things that are referred to are inside the function.
            let FinalizedRelocTarget::Func(offset) = r.target else {
                free(piece);
                return None;
            };
            let target = piece.runnable as i64 + offset as i64 + r.addend;
            let place = piece.writable.add(r.offset as usize);
            let from = piece.runnable as i64 + r.offset as i64;
            match r.kind {
                Reloc::X86PCRel4 | Reloc::X86CallPCRel4 => (place as *mut i32).write_unaligned((target - from) as i32),
                Reloc::Abs8 => (place as *mut i64).write_unaligned(target),
                _ => {
                    free(piece);
                    return None;
                }
            }
        }
    }
    Some(piece)
}

/// Gives back the code of an executor that will not run again.
pub fn free(piece: Piece) {
    if let Some(heap) = HEAP.lock().as_mut() {
        heap.free(piece);
    }
}

/// New code goes to a new heap; what is in the old one stays where it is.
pub fn leave_heap() {
    *HEAP.lock() = None;
}
