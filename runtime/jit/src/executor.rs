//! Executors: compiled traces, the exits where they are left, and what a thread keeps of them.
//!
//! An executor belongs to one thread, which alone runs it and links it; a worker makes its machine code meanwhile ([`crate::worker`]).
//! What an exit leads to is in its first word, and where a loop's code is in the first word of its executor, so traces are linked to each
//! other by stores of one word, and no code is ever changed.
//!
//! Executors are *retired* all at once, or those that refer to what has died ([`crate::references`]): nothing leads to their code any
//! more, but it stays until the thread runs none.

use crate::backend::code::{self, Piece};
use crate::ir::{Layout, Ty};
use crate::junction::Junction;
use crate::references::{References, Seen};
use crate::uop_counts::{Counts, Totals};
use crate::worth::{Loop, Watch};
use limpid_heap::ShapeRef;
use limpid_pystats::exits::Place;
use limpid_pystats::model::Stats;
use limpid_vm::interp::backoff;
use limpid_vm::stats;
use limpid_vm::thread::Thread;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use std::cell::Cell;
use std::ffi::CStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering::*};

/// Words of a thread's buffer: how many values a snapshot may name.
pub const BUFFER_WORDS: usize = 512;
/// How many junctions are found without a search.
const RECENT: usize = 64;
const NO_JUNCTION: (usize, *const Junction) = (0, std::ptr::null());
/// A loop whose entry did not fit that often is recorded anew.
const MISSES: u16 = 64;
/// How many traces may go on from the exits of a loop, and from the exits of those.
const MOST_TRACES: u16 = 64;

/// A place of the first frame that a loop takes as an input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Which variable or place of the value stack.
    pub place: u32,
    /// As what.
    pub ty: Ty,
    /// The shape that it has to have.
    pub shape: Option<ShapeRef>,
    /// No round changes it, so it is in memory too.
    pub fixed: bool,
}

/// Where an exit has a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// Nowhere: it is this word.
    Constant(u64),
    /// In a word of the buffer, in this representation.
    Buffer(u32, Ty),
    /// It is this one of the objects that the exit makes.
    Object(u32),
}

/// An object that an exit makes.
#[derive(Clone, Debug)]
pub struct ExitObject {
    /// What it looks like.
    pub layout: Arc<Layout>,
    /// It is this value, unless that is [`NOT_MADE`](crate::ir::NOT_MADE).
    pub unless: Option<Source>,
    /// What it holds.
    pub parts: Vec<Source>,
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
    /// The objects that are made, each behind those that it holds.
    pub objects: Vec<ExitObject>,
    /// What has failed: the name of a uop.
    pub reason: &'static CStr,
    /// What has failed needs Python code.
    pub needs_python: bool,
    /// What the whole loop relies on is not so.
    pub is_miss: bool,
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
    /// The executor that goes on from here once it has code, or NULL.
    pub side: Cell<*const Executor>,
    /// It is to be taken whatever its guards find: for testing ([`crate::leave_once`]).
    pub is_forced: Cell<bool>,
    /// The executor is retired: nothing is to be recorded from here.
    pub dead: Cell<bool>,
    /// The executor of the loop that this belongs to, be it through other exits.
    pub root: Cell<*const Executor>,
    /// Where it is counted, once it was taken.
    pub place: Cell<Option<&'static Place>>,
}

impl Exit {
    /// What was recorded here could not be compiled.
    pub fn failed(&self) {
        self.generation.set(self.generation.get().saturating_add(1));
    }

    /// It leads back to the interpreter again.
    pub fn unlink(&self) {
        self.target.set(code::exit_stub());
        self.side.set(std::ptr::null());
    }

    /// An exit that leads back to the interpreter.
    pub fn new(state: ExitState) -> Exit {
        Exit {
            target: Cell::new(code::exit_stub()),
            state,
            counter: Cell::new(backoff::SIDE_EXIT.load(Relaxed)),
            generation: Cell::new(0),
            side: Cell::new(std::ptr::null()),
            is_forced: Cell::new(crate::leave_once::is_wanted()),
            dead: Cell::new(false),
            root: Cell::new(std::ptr::null()),
            place: Cell::new(None),
        }
    }
}

/// How far an executor is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Its code is being made.
    Waiting,
    /// It can run.
    Ready,
    /// There is no code for it.
    Failed,
    /// It is not to be entered any more.
    Retired,
}

/// A compiled trace.
#[repr(C)]
pub struct Executor {
    /// Where links to it go: its machine code, or the stub that goes on in the interpreter while it has none.
    code: AtomicPtr<u8>,
    /// The phase and its code, changed together with `code`.
    made: Mutex<(Phase, Option<Piece>)>,
    /// The header of its loop; NULL if it continues an exit.
    pub header: *const u16,
    /// Its inputs, if it is a loop.
    pub entry: Vec<Entry>,
    /// Its exits. The machine code knows their addresses.
    pub exits: Vec<Box<Exit>>,
    /// What the code refers to.
    pub references: References,
    /// How often the entry may still not fit, or what the loop relies on not be so.
    misses: Cell<u16>,
    /// Its code is in the statistics.
    is_counted: Cell<bool>,
    /// Is it worth entering?
    pub watch: Watch,
    /// How many traces go on from it, if it is a loop.
    traces: Cell<u16>,
    /// Where its code counts the instructions that it stands for, or NULL.
    pub instructions: *const Cell<u64>,
    /// What its code counts, if it was made while the statistics were on.
    pub counts: Option<Box<Counts>>,
}

// SAFETY: the worker uses `code` and `made`, which are made for that, and what never changes; the rest belongs to the thread.
unsafe impl Send for Executor {}
// SAFETY: as above.
unsafe impl Sync for Executor {}

fn no_code() -> *mut u8 {
    code::leave_stub().cast_mut()
}

impl Executor {
    /// An executor without code.
    pub fn new(header: *const u16, entry: Vec<Entry>, exits: Vec<Box<Exit>>, references: References, watch: Watch) -> Executor {
        Executor {
            code: AtomicPtr::new(no_code()),
            made: Mutex::new((Phase::Waiting, None)),
            header,
            entry,
            exits,
            references,
            misses: Cell::new(MISSES),
            is_counted: Cell::new(false),
            watch,
            traces: Cell::new(0),
            instructions: std::ptr::null(),
            counts: None,
        }
    }

    /// One that was retired, and which nothing refers to.
    pub fn nothing() -> Executor {
        let e = Executor::new(std::ptr::null(), Vec::new(), Vec::new(), References::default(), Watch::new(0, 0, 0));
        e.retire();
        e
    }

    /// A trace is to go on from one of its exits, or from those of such traces. False: there are enough.
    pub fn may_grow(&self) -> bool {
        self.traces.get() < MOST_TRACES
    }

    /// One more trace goes on from it.
    pub fn grow(&self) {
        self.traces.set(self.traces.get() + 1);
    }

    /// It was entered in vain. May that happen again?
    pub fn may_miss(&self) -> bool {
        let misses = self.misses.get();
        self.misses.set(misses.saturating_sub(1));
        misses > 0
    }

    /// Its code, once it has some.
    pub fn code(&self) -> Option<*const u8> {
        let code = self.code.load(Acquire);
        (code != no_code()).then_some(code.cast_const())
    }

    /// Has the statistics know how much memory its code takes; the worker that has made it has none.
    pub fn count_memory(&self, t: &Thread) {
        let Some(b) = stats::block(t).filter(|_| !self.is_counted.get()) else { return };
        let Some(piece) = self.made.lock().1 else { return };
        self.is_counted.set(true);
        let counters = b.counters.optimization.get();
        counters.jit_total_memory_size.add(piece.size() as u64);
        counters.jit_code_size.add(piece.size() as u64);
        counters.trace_total_memory_hist.record(piece.size() as u64);
    }

    /// How far it is.
    pub fn phase(&self) -> Phase {
        self.made.lock().0
    }

    /// The code was made, or could not be.
    pub fn finish(&self, piece: Option<Piece>) {
        let mut made = self.made.lock();
        made.1 = piece;
        if made.0 != Phase::Waiting {
            return;
        }
        match piece {
            Some(piece) => {
                made.0 = Phase::Ready;
                self.code.store(piece.address().cast_mut(), Release);
            }
            None => made.0 = Phase::Failed,
        }
    }

    /// Nothing is to lead to it any more. The thread stands still, or calls this.
    pub(crate) fn retire(&self) {
        let mut made = self.made.lock();
        made.0 = Phase::Retired;
        self.code.store(no_code(), Release);
        for exit in &self.exits {
            exit.unlink();
            exit.dead.set(true);
        }
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        if let Some(piece) = self.made.get_mut().1 {
            code::free(piece);
        }
    }
}

/// What the compiler keeps for a thread.
pub struct State {
    /// Inputs and exit states.
    pub buffer: Box<[Cell<u64>; BUFFER_WORDS]>,
    /// All executors, by the numbers in caches.
    pub executors: Vec<Arc<Executor>>,
    /// The hot loops by their headers.
    pub loops: FxHashMap<usize, Loop>,
    /// Where traces meet, by the addresses of instructions. They stay as long as the instructions, for code refers to them.
    pub(crate) junctions: FxHashMap<usize, Box<Junction>>,
    /// Those that were looked up last, each at a place that its address tells.
    recent: [Cell<(usize, *const Junction)>; RECENT],
    /// How many executors are running, one called from another through native code.
    pub running: Cell<u32>,
    /// How often all executors were retired.
    pub times_retired: u32,
    /// What there was at the last collection.
    pub(crate) seen: Seen,
    /// Executors that nothing leads to, and which may still be running.
    pub(crate) retired: Vec<Arc<Executor>>,
    /// How many uops have run since an executor was entered, as far as its code counts them.
    pub uops_run: Cell<u64>,
    /// How many instructions machine code has done; it counts them when it begins with a trace or a round.
    pub instructions: Cell<u64>,
    uops: Totals,
}

impl State {
    /// The state of a thread, made if it has none.
    pub fn of(t: &Thread) -> *mut State {
        let cell = &t.tier2().compiler;
        if cell.get().is_null() {
            let state = State {
                buffer: Box::new([const { Cell::new(0) }; BUFFER_WORDS]),
                executors: Vec::new(),
                loops: FxHashMap::default(),
                junctions: FxHashMap::default(),
                recent: [const { Cell::new(NO_JUNCTION) }; RECENT],
                running: Cell::new(0),
                times_retired: 0,
                seen: Seen::default(),
                retired: Vec::new(),
                uops_run: Cell::new(0),
                instructions: Cell::new(0),
                uops: Totals::default(),
            };
            cell.set(Box::into_raw(Box::new(state)).cast());
        }
        cell.get().cast()
    }

    /// What is known of the loop with a header.
    pub fn loop_at(&mut self, header: *const u16) -> &mut Loop {
        self.loops.entry(header as usize).or_insert_with_key(|header| {
            self.seen.places.push(*header);
            Loop::default()
        })
    }

    /// The junction at an instruction, made if there is none.
    pub fn junction_at(&mut self, pc: *const u16) -> &Junction {
        self.junctions.entry(pc as usize).or_insert_with_key(|pc| {
            self.seen.places.push(*pc);
            Box::default()
        })
    }

    /// The junction at an instruction.
    #[inline]
    pub fn junction(&self, pc: *const u16) -> Option<&Junction> {
        let pc = pc as usize;
        let recent = &self.recent[pc / 2 % RECENT];
        if recent.get().0 != pc {
            recent.set((pc, &raw const **self.junctions.get(&pc)?));
        }
        // SAFETY: junctions stay where they are until `forget_junctions`.
        unsafe { recent.get().1.as_ref() }
    }

    /// Forgets the junctions at some instructions.
    pub(crate) fn forget_junctions(&mut self, is_gone: impl Fn(usize) -> bool) {
        self.recent.iter().for_each(|recent| recent.set(NO_JUNCTION));
        self.junctions.retain(|pc, _| !is_gone(*pc));
    }

    fn forget_executors(&mut self) {
        self.loops.values_mut().for_each(Loop::lost);
        self.junctions.values().for_each(|junction| junction.clear());
        self.times_retired += 1;
        self.seen.executors = 0;
    }

    /// The executor of the loop with a header.
    pub fn executor_of(&self, header: *const u16) -> Option<&Arc<Executor>> {
        self.executors.get(self.loops.get(&(header as usize))?.executor?)
    }

    /// Retires all executors; how many that are.
    pub fn retire(&mut self) -> usize {
        let count = self.executors.len();
        self.executors.iter().for_each(|e| e.retire());
        self.retired.append(&mut self.executors);
        self.forget_executors();
        count
    }

    /// Frees what is retired. The thread runs no executor and refers to none.
    pub fn free_retired(&mut self, t: &Thread) {
        if self.retired.is_empty() {
            return;
        }
        if let Some(b) = stats::block(t) {
            let bytes = self.retired.iter().filter_map(|e| e.made.lock().1).map(|piece| piece.size() as u64).sum();
            b.counters.optimization.get().jit_freed_memory_size.add(bytes);
        }
        self.retired.iter().filter_map(|e| e.counts.as_ref()).for_each(|counts| self.uops.keep(counts));
        self.retired.clear();
    }

    /// Adds how often uops have run to the statistics, and forgets it. The thread stands still, or calls this.
    pub fn collect_uops(&self, total: &Stats) {
        self.uops.collect(self.all().filter_map(|e| e.counts.as_deref()), total);
    }

    /// After a fork, in the child: forgets all executors. Their code is in memory that belongs to the parent, and the worker may have
    /// held their locks.
    pub fn abandon(&mut self) {
        for executor in self.executors.drain(..).chain(self.retired.drain(..)) {
            std::mem::forget(executor);
        }
        self.uops = Totals::default();
        self.forget_executors();
    }

    /// The executors whose code may be running.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Executor>> {
        self.executors.iter().chain(&self.retired)
    }
}
