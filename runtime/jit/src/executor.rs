//! Executors: compiled traces, how they are entered and what happens where they are left.
//!
//! Everything here belongs to one thread. Machine code gets its inputs in the thread's buffer and leaves its state there, as raw words; an
//! [`Exit`] tells what each word is. What an exit leads to is in its first word, so a trace that continues it is linked in by one store.

use crate::code_heap::Piece;
use crate::entry::{self, Left};
use crate::ir::Ty;
use crate::unset_executor;
use limpid_heap::{ShapeRef, Value};
use limpid_vm::interp::backoff;
use limpid_vm::interp::frame::Frame;
use limpid_vm::interp::regs::{Regs, Step};
use limpid_vm::object::ValueExt;
use limpid_vm::thread::Thread;
use limpid_vm::tier2::{self, recorder::Origin};
use rustc_hash::FxHashMap;
use std::cell::Cell;

/// Words of a thread's buffer: how many values a snapshot may name.
pub const BUFFER_WORDS: usize = 512;
/// A side exit is continued by a trace of its own after so many times.
const HOT_EXIT: u16 = 64 << 4 | 6;
/// How many traces are made for one instruction, each for what those before have not expected.
const MOST_GENERATIONS: u8 = 4;
/// A loop whose entry did not fit that often is recorded anew.
pub const MISSES: u16 = 64;

/// A place of the first frame that a loop takes as an input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Which variable or place of the value stack.
    pub place: u32,
    /// As what.
    pub ty: Ty,
    /// The shape that it has to have.
    pub shape: Option<ShapeRef>,
}

/// Where an exit has a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// Nowhere: it is this word.
    Constant(u64),
    /// In a word of the buffer, in this representation.
    Buffer(u32, Ty),
}

/// A frame at an exit.
#[derive(Clone, Debug)]
pub struct ExitFrame {
    /// What its place is measured from, if that is not the first frame.
    pub base: Option<Source>,
    /// Its place, in words.
    pub place: i32,
    /// Words of the interpreter's stack in use where it starts, counted from the start of the trace.
    pub extent: i32,
    /// Local variables.
    pub nlocals: u32,
    /// Words of variables and value stack in use.
    pub used: u32,
    /// Where it returns to.
    pub return_pc: u64,
    /// The function, if the header has to be written.
    pub header: Option<Source>,
    /// What has to be written.
    pub stores: Vec<(u32, Source)>,
}

/// The interpreter's state at an exit.
#[derive(Clone, Debug)]
pub struct ExitState {
    /// Where the interpreter goes on.
    pub pc: u64,
    /// The frames.
    pub frames: Vec<ExitFrame>,
    /// How many more frames the thread's depth counts than at the start.
    pub depth: i32,
}

/// Where a trace is left.
#[repr(C)]
pub struct Exit {
    /// The code that goes on from here.
    pub target: Cell<*const u8>,
    /// The state.
    pub state: ExitState,
    /// When to record a trace from here.
    pub counter: Cell<u16>,
    /// How many traces in a row have failed to get past this instruction.
    pub generation: Cell<u8>,
}

impl Exit {
    /// An exit that leads back to the interpreter.
    pub fn new(state: ExitState) -> Exit {
        Exit {
            target: Cell::new(entry::exit_stub as *const () as *const u8),
            state,
            counter: Cell::new(HOT_EXIT),
            generation: Cell::new(0),
        }
    }
}

/// A compiled trace.
pub struct Executor {
    /// Where it is in the code heap.
    pub piece: Piece,
    /// The header of its loop; NULL if it continues an exit.
    pub header: *const u16,
    /// Its inputs, if it is a loop.
    pub entry: Vec<Entry>,
    /// Its exits. The machine code knows their addresses.
    pub exits: Vec<Box<Exit>>,
    /// Constants in the code, for the collector.
    pub constants: Vec<u64>,
    /// How often the entry may still not fit.
    pub misses: Cell<u16>,
}

/// What the compiler keeps for a thread.
pub struct State {
    /// Inputs and exit states.
    pub buffer: Box<[Cell<u64>; BUFFER_WORDS]>,
    /// All executors, by the numbers in caches. Boxed, for the interpreter adds to them while one runs.
    pub executors: Vec<Box<Executor>>,
    /// The loops among them by their headers.
    pub loops: FxHashMap<usize, usize>,
    /// How many executors are running, one called from another through native code.
    pub running: Cell<u32>,
}

impl State {
    /// The state of a thread, made if it has none.
    #[allow(clippy::mut_from_ref, reason = "the state belongs to the thread, and every use is short")]
    pub fn of(t: &Thread) -> *mut State {
        let cell = &t.tier2().compiler;
        if cell.get().is_null() {
            let state = State {
                buffer: Box::new([const { Cell::new(0) }; BUFFER_WORDS]),
                executors: Vec::new(),
                loops: FxHashMap::default(),
                running: Cell::new(0),
            };
            cell.set(Box::into_raw(Box::new(state)).cast());
        }
        cell.get().cast()
    }
}

/// A value in a representation as a raw word; None if it is not of that kind.
fn unbox(v: Value, e: &Entry) -> Option<u64> {
    match e.ty {
        Ty::Int => v.is_int().then(|| v.shifted() as u64),
        Ty::Float => v.is_float().then(|| v.as_float().to_bits()),
        _ => e.shape.is_none_or(|shape| v.is_cell() && v.shape() == shape).then(|| v.bits()),
    }
}

/// The value of a raw word.
fn rebox(word: u64, ty: Ty) -> Value {
    match ty {
        Ty::Int => Value::from_shifted(word as i64),
        Ty::Float => Value::float(f64::from_bits(word)),
        Ty::Bool => Value::bool(word != 0),
        Ty::Value | Ty::Word | Ty::None => Value::from_bits(word),
    }
}

/// Runs an executor; see [`tier2::EntryPoints::run`].
///
/// # Safety
/// The registers are those of the interpreter at the target of a jump whose cache holds this number.
pub unsafe fn run(r: &mut Regs, jump: *const u16, number: u16) -> Step {
    let t = r.t();
    let state = State::of(t);
    // SAFETY: the state lives as long as the thread; nothing refers into it here but this function, and executors are boxed.
    let (executors, buffer, running) = unsafe { (&(*state).executors, &raw const *(*state).buffer, &raw const (*state).running) };
    let Some(executor) = executors.get(number as usize) else {
        unset_executor(jump);
        return Step::Jump;
    };
    // SAFETY: executors, the buffer and the counter stay where they are until the thread ends.
    let (executor, buffer, running) = unsafe { (&*(&raw const **executor), &*buffer, &*running) };
    if executor.header != r.pc {
        unset_executor(jump);
        return Step::Jump;
    }
    for (word, e) in buffer.iter().zip(&executor.entry) {
        // SAFETY: the frame has the place, being of the code that the executor was made for.
        match unbox(unsafe { *r.fp.add(e.place as usize) }, e) {
            Some(raw) => word.set(raw),
            None => {
                missed(r, jump, executor);
                return Step::Jump;
            }
        }
    }
    running.set(running.get() + 1);
    let exposed = t.locals_exposed.replace(0);
    t.tier2().active.set(true);
    // SAFETY: the inputs were put in the buffer, and the frame is of the right code.
    let left = unsafe { entry::enter(r.fp, r.th, executor.piece.runnable) };
    t.tier2().active.set(false);
    t.locals_exposed.set(t.locals_exposed.get() | exposed);
    running.set(running.get() - 1);
    // SAFETY: this is how machine code was left.
    unsafe { leave(r, left, buffer) }
}

/// The entry did not fit. When that happens often, the loop is recorded anew.
fn missed(r: &Regs, jump: *const u16, executor: &Executor) {
    if executor.misses.get() > 0 {
        executor.misses.set(executor.misses.get() - 1);
        return;
    }
    // SAFETY: the state lives as long as the thread, and nothing else refers into the table of loops.
    unsafe { (*State::of(r.t())).loops.remove(&(executor.header as usize)) };
    unset_executor(jump);
}

/// Machine code was left: gives the registers what it says.
unsafe fn leave(r: &mut Regs, left: Left, buffer: &[Cell<u64>; BUFFER_WORDS]) -> Step {
    let t = r.t();
    if left.frame.is_null() {
        if left.what == 0 {
            return Step::Exit;
        }
        (r.pc, r.sp, r.fp) = (left.what as *const u16, t.sp.get(), t.fp.get());
        return Step::Jump;
    }
    // SAFETY: machine code passes the exit it has left through, which lives as long as its executor.
    let exit = unsafe { &*(left.what as *const Exit) };
    // SAFETY: by the caller's contract.
    unsafe { materialize(r, left.frame, &exit.state, buffer) };
    let counter = exit.counter.get();
    if exit.generation.get() >= MOST_GENERATIONS {
        return Step::Jump;
    }
    if backoff::triggers(counter) {
        exit.counter.set(backoff::restart(counter));
        tier2::start_recording(r, Origin::Exit(left.what), left.frame);
    } else {
        exit.counter.set(backoff::advance(counter));
    }
    Step::Jump
}

/// Writes frames and values where the interpreter has them.
unsafe fn materialize(r: &mut Regs, base: *mut Value, state: &ExitState, buffer: &[Cell<u64>; BUFFER_WORDS]) {
    let t = r.t();
    let value = |source: Source| match source {
        Source::Constant(bits) => Value::from_bits(bits),
        Source::Buffer(word, ty) => rebox(buffer[word as usize].get(), ty),
    };
    let mut previous = base;
    let last = state.frames.len() - 1;
    for (i, f) in state.frames.iter().enumerate() {
        // SAFETY: the trace has tested that the stack has room for its frames.
        unsafe {
            let from = f.base.map_or(base, |source| value(source).bits() as *mut Value);
            let fp = from.offset(f.place as isize);
            if let Some(function) = f.header {
                Frame(fp).init(value(function), Frame(previous), f.return_pc as *const u16, Value::NULL);
            }
            for (place, source) in &f.stores {
                *fp.add(*place as usize) = value(*source);
            }
            previous = fp;
            r.fp = fp;
            r.sp = fp.add(f.used as usize);
            if i < last && Frame(fp).is_generator() {
                Frame(fp).generator().sp.set(r.sp);
            }
        }
    }
    r.pc = state.pc as *const u16;
    let depth = t.depth.get() as i32 + state.frames.len() as i32 - 1 - state.depth;
    t.depth.set(depth as u32);
}
