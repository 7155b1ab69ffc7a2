//! Tier 2 as the interpreter sees it: when a loop is hot, what has happened in it, and the few functions through which machine code is
//! made and run.
//!
//! A loop that went round often enough has its next round *recorded*: the thread takes a dispatch table whose stub notes each instruction
//! ([`recorder`]) and then runs the plain handler. When the round is complete, the compiler (the crate `limpid-jit`, known here only by
//! [`EntryPoints`]) makes an *executor* of it, and the loop's `JUMP_BACKWARD` becomes `JUMP_BACKWARD_JIT` with the executor's number in
//! its cache. Without a compiler nothing of this happens, and a loop's counter just goes on counting.
//!
//! Everything here belongs to one thread: its copy of the bytecode, its recording, its executors. So nothing is locked, and any number
//! of threads record and run traces at once. When tools begin to watch what a program does, all threads stand still and lose their
//! executors ([`retire_all`]): machine code does not look for marks.

pub mod bodies;
pub mod recorder;

pub use recorder::Recording;

use crate::interp::backoff;
use crate::interp::dispatch::{PLAIN, RECORDING, Table};
use crate::interp::regs::{Regs, Step};
use crate::interp::trace::line_at;
use crate::interp::uops::resume::{is_checked, resume_slow};
use crate::runtime::Runtime;
use crate::thread::{Thread, request};
use limpid_bytecode::{INSTRUMENTED, Opcode};
use limpid_heap::{Dead, Value};
use limpid_probes as probes;
use limpid_pystats::model::Stats;
use recorder::Origin;
use std::cell::{Cell, UnsafeCell};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Relaxed};

/// What a compiler offers.
pub struct EntryPoints {
    /// Is the loop that this jump leads to the header of to be recorded, now that its counter has triggered?
    pub is_due: fn(&Thread, *const u16, *const u16) -> bool,
    /// Makes an executor of a recording that has just ended.
    pub compile: fn(&Thread, &mut Recording),
    /// Runs the executor whose number is in the cache of a jump; the registers are those after the jump. Afterwards they are where the
    /// interpreter is to go on.
    pub run: unsafe fn(&mut Regs, *const u16, u16) -> Step,
    /// The counter of the function that starts at the registers, which Python code has called, has triggered.
    pub called_often: fn(&Regs),
    /// Runs the machine code of the function that starts at the registers, which Python code has called.
    pub call: unsafe fn(&mut Regs) -> Step,
    /// Native code has started or resumed a frame at the registers where [`is_hot_frame`]: runs its machine code, or has some made. The
    /// second argument is the `RESUME` there.
    pub enter: unsafe fn(&mut Regs, &Regs) -> Step,
    /// What native code has started or resumed there, at these registers, has returned or yielded.
    pub left: fn(&Regs, &Regs),
    /// A thread ends: frees what [`ThreadState::compiler`] refers to.
    pub forget: unsafe fn(*mut ()),
    /// A child process after a fork has this thread only.
    pub after_fork: fn(&Thread),
    /// Hands the collector what the machine code that a thread runs refers to.
    pub trace: unsafe fn(*mut (), &mut limpid_heap::Tracer),
    /// Retires the executors of a thread, which stands still, that refer to what has died.
    pub forget_dead: unsafe fn(*mut (), &Dead),
    /// No executor of a thread, which stands still, is to be entered any more.
    pub retire: unsafe fn(*mut ()),
    /// Adds what the machine code of a thread has counted to the statistics and forgets it. The thread stands still, or calls this.
    pub collect: unsafe fn(*mut (), &Stats),
    /// The names of the micro-operations, by number.
    pub uop_names: &'static [&'static str],
}

static ENTRY_POINTS: OnceLock<EntryPoints> = OnceLock::new();
static AVAILABLE: AtomicBool = AtomicBool::new(false);

/// A compiler was built in, if it is used or not.
pub fn set_available() {
    AVAILABLE.store(true, Relaxed);
}

/// Was a compiler built in?
pub fn is_available() -> bool {
    AVAILABLE.load(Relaxed)
}

/// From now on hot loops are compiled. Once in a process.
pub fn install(entry_points: EntryPoints) {
    let _ = ENTRY_POINTS.set(entry_points);
}

/// Are hot loops compiled?
#[inline]
pub fn is_enabled() -> bool {
    ENTRY_POINTS.get().is_some()
}

/// What tier 2 keeps for a thread that has met a hot loop.
pub struct ThreadState {
    /// The recording, in progress or the last one.
    recording: UnsafeCell<Recording>,
    is_recording: Cell<bool>,
    /// How many native calls out of the recording are in progress.
    suspended: Cell<u32>,
    /// The compiler's own state, or NULL.
    pub compiler: Cell<*mut ()>,
    /// Does machine code run, not counting what has called into native code that runs Python again?
    pub active: Cell<bool>,
}

impl ThreadState {
    /// Is something being recorded, be it that native code has interrupted it?
    pub fn is_recording(&self) -> bool {
        self.is_recording.get()
    }
}

impl Thread {
    /// The thread's state of tier 2, made at first use.
    pub fn tier2(&self) -> &ThreadState {
        if self.tier2.get().is_null() {
            let state = ThreadState {
                recording: UnsafeCell::new(Recording::default()),
                is_recording: Cell::new(false),
                suspended: Cell::new(0),
                compiler: Cell::new(std::ptr::null_mut()),
                active: Cell::new(false),
            };
            self.tier2.set(Box::into_raw(Box::new(state)));
        }
        // SAFETY: just made, and freed with the thread only.
        unsafe { &*self.tier2.get() }
    }

    fn tier2_if_any(&self) -> Option<&ThreadState> {
        // SAFETY: NULL, or a state that is freed with the thread only.
        unsafe { self.tier2.get().as_ref() }
    }
}

/// The compiler, and what it keeps for the thread, if it keeps anything.
fn compiler_of(t: &Thread) -> Option<(&'static EntryPoints, *mut ())> {
    let state = t.tier2_if_any()?.compiler.get();
    Some((ENTRY_POINTS.get()?, state)).filter(|_| !state.is_null())
}

/// Frees the state of a thread that ends.
pub fn forget(t: &Thread) {
    let state = t.tier2.replace(std::ptr::null_mut());
    if state.is_null() {
        return;
    }
    // SAFETY: made by `tier2`, and nobody else refers to it.
    let state = unsafe { Box::from_raw(state) };
    if let Some(e) = ENTRY_POINTS.get().filter(|_| !state.compiler.get().is_null()) {
        // SAFETY: the compiler has put its own state there.
        unsafe { (e.forget)(state.compiler.get()) };
    }
}

/// In a child process after a fork.
pub fn after_fork(t: &Thread) {
    if let (Some(e), Some(_)) = (ENTRY_POINTS.get(), t.tier2_if_any()) {
        (e.after_fork)(t);
    }
}

/// What is compiled is not to be run any more, by any thread: it would not tell tools what it does. All threads stand still; those in
/// machine code leave it at the end of the round, or after the call in which they are.
pub fn retire_all(runtime: &Runtime) {
    if !is_enabled() {
        return;
    }
    runtime.each_thread(|t| {
        if let Some((e, state)) = compiler_of(t) {
            // SAFETY: the compiler has put its own state there, and the thread stands still.
            unsafe { (e.retire)(state) };
            t.leave_trace.set(1);
        }
    });
    runtime.request_all(request::TABLE);
}

/// Adds what the machine code of a thread has counted to the statistics and forgets it. The thread stands still, or calls this.
pub fn collect(t: &Thread, total: &Stats) {
    if let Some((e, state)) = compiler_of(t) {
        // SAFETY: the compiler has put its own state there, and the thread stands still or calls this.
        unsafe { (e.collect)(state, total) };
    }
}

/// The names of the micro-operations of machine code, by number.
pub fn uop_names() -> &'static [&'static str] {
    ENTRY_POINTS.get().map_or(&[], |e| e.uop_names)
}

/// Hands the collector what a recording refers to.
pub fn trace_thread(t: &Thread, tracer: &mut limpid_heap::Tracer) {
    if let Some(state) = t.tier2_if_any() {
        // SAFETY: the thread stands still while its roots are traced.
        unsafe { &*state.recording.get() }.trace(tracer);
    }
    if let Some((e, state)) = compiler_of(t) {
        // SAFETY: as above; the compiler has put its own state there.
        unsafe { (e.trace)(state, tracer) };
    }
}

/// A thread's machine code that refers to what has died is not to be run any more. The thread stands still.
pub fn forget_dead(t: &Thread, dead: &Dead) {
    if let Some((e, state)) = compiler_of(t) {
        // SAFETY: the compiler has put its own state there, and the thread stands still.
        unsafe { (e.forget_dead)(state, dead) };
    }
}

/// Is the frame at the top running machine code?
pub fn is_active(t: &Thread) -> bool {
    t.tier2_if_any().is_some_and(|s| s.active.get())
}

/// A loop's counter has triggered: does the jump, and has the next round recorded if there is a tier 2. A slow function.
///
/// # Safety
/// The registers are those of a frame at a `JUMP_BACKWARD` with the oparg `o`.
pub unsafe fn hot_loop(r: &mut Regs, o: u32) -> Step {
    let jump = r.pc;
    r.set_cache(1, backoff::restart(r.cache(1)));
    r.skip(1 + Opcode::JUMP_BACKWARD.caches() as isize - o as isize);
    if ENTRY_POINTS.get().is_some_and(|e| (e.is_due)(r.t(), jump, r.pc)) {
        start_recording(r, Origin::Loop { jump, header: r.pc }, r.fp);
    }
    Step::Jump
}

/// The loop has an executor: does the jump and runs it. A slow function.
///
/// # Safety
/// The registers are those of a frame at a `JUMP_BACKWARD_JIT` with the oparg `o`.
pub unsafe fn enter_trace(r: &mut Regs, o: u32) -> Step {
    let (jump, executor) = (r.pc, r.cache(1));
    r.skip(1 + Opcode::JUMP_BACKWARD.caches() as isize - o as isize);
    // SAFETY: the registers are those after the jump; `run` finds out whether the executor is for it.
    run_machine_code(r, |e, r| unsafe { (e.run)(r, jump, executor) })
}

/// The counter of a function has triggered: has its frame recorded if there is a tier 2. A slow function.
///
/// # Safety
/// The registers are those of a frame at a `RESUME_CHECK_COUNTING`.
pub unsafe fn hot_function(r: &mut Regs, _o: u32) -> Step {
    if r.word() as u8 == INSTRUMENTED {
        // Machine code is not watched, and tools have been told of this call.
        r.set_cache(1, backoff::restart(r.cache(1)));
        return Step::Next;
    }
    let caller = r.frame().previous();
    if caller.is_none() || caller.is_shim() {
        // Its calls are judged by how long native code waits.
        r.set_cache(1, backoff::make(0, backoff::parts(r.cache(1)).1));
        r.set_opcode(Opcode::RESUME_CHECK);
    } else if let Some(e) = ENTRY_POINTS.get() {
        (e.called_often)(r);
    }
    Step::Jump
}

/// The function has machine code: runs it. A slow function.
///
/// # Safety
/// The registers are those of a frame at a `RESUME_CHECK_JIT` with the oparg `o`.
pub unsafe fn enter_function(r: &mut Regs, o: u32) -> Step {
    let (pc, fp) = (r.pc, r.fp);
    // SAFETY: by contract.
    let step = run_machine_code(r, |e, r| unsafe { (e.call)(r) });
    match step {
        // It has not run at all, or it has come to where it begins, in another call perhaps: this is done with the instruction.
        Step::Jump if (r.pc, r.fp) != (pc, fp) => Step::Jump,
        // SAFETY: by contract.
        Step::Jump if is_checked(r) => unsafe { resume_slow(r, o) },
        Step::Jump => Step::Next,
        step => step,
    }
}

/// In the cache of a `RESUME`: there is machine code for frames that native code starts or resumes here. No counter has this value.
pub const HAS_CODE: u16 = u16::MAX;
/// Likewise: it was recorded in vain often enough.
pub const STAYS_COLD: u16 = u16::MAX - 1;

/// The `RESUME` where a frame starts or resumes, or soon after, once it has run.
#[inline(always)]
fn resume_of(r: &Regs) -> Option<Regs> {
    let mut r = *r;
    loop {
        match Opcode::from_u8(r.word() as u8)? {
            Opcode::RESUME_CHECK => return Some(r),
            Opcode::MAKE_CELL | Opcode::COPY_FREE_VARS => r.skip(1),
            _ => return None,
        }
    }
}

/// Native code starts or resumes the frame at the registers: does it have machine code for that, or is some to be made? Otherwise counts.
#[inline]
pub fn is_hot_frame(r: &Regs) -> bool {
    if !is_enabled() {
        return false;
    }
    let Some(resume) = resume_of(r) else { return false };
    let counter = resume.cache(1);
    if counter >= STAYS_COLD || backoff::triggers(counter) {
        return counter != STAYS_COLD;
    }
    resume.set_cache(1, backoff::advance(counter));
    false
}

/// Runs the machine code of a [hot frame](is_hot_frame), or has some made.
///
/// # Safety
/// The registers are those of a frame at an instruction, saved in the thread.
pub unsafe fn enter_frame(r: &mut Regs) -> Step {
    match resume_of(r) {
        // SAFETY: by contract.
        Some(resume) => run_machine_code(r, |e, r| unsafe { (e.enter)(r, &resume) }),
        None => Step::Jump,
    }
}

/// A [hot frame](is_hot_frame) has returned or yielded to the native code that has started or resumed it at the registers.
pub fn hot_frame_left(r: &Regs) {
    if let (Some(e), Some(resume)) = (ENTRY_POINTS.get(), resume_of(r)) {
        (e.left)(r, &resume);
    }
}

/// Does something that may run machine code, unless the frame at the registers is not to run any now.
#[inline(always)]
fn run_machine_code(r: &mut Regs, run: impl FnOnce(&EntryPoints, &mut Regs) -> Step) -> Step {
    match ENTRY_POINTS.get() {
        Some(e) if runs_plainly(r.t()) && !is_exposed(r) => {
            // Machine code keeps values on the native stack, so a collection that it causes has to look there.
            let loop_stack = r.t().loop_stack.replace(0);
            let outer = r.t().trace_frame.get();
            let step = run(e, r);
            r.t().trace_frame.set(outer);
            r.t().loop_stack.set(loop_stack);
            step
        }
        _ => Step::Jump,
    }
}

/// Does nothing but the statistics watch what the thread does?
fn runs_plainly(t: &Thread) -> bool {
    let (plain, table) = (&raw const PLAIN, t.table.get() as *const Table);
    table == plain || crate::stats::is_counting_table(t, table) && t.interpreter().table.load(Acquire).cast_const() == plain
}

/// Can the variables of the frame be changed from outside, through `f_locals`? Machine code keeps them in registers.
pub fn is_exposed(r: &Regs) -> bool {
    let object = r.frame().object();
    // SAFETY: the word holds a frame object or NULL.
    !object.is_null() && unsafe { crate::object::Ref::<crate::types::frame::FrameObject>::from_value(object) }.is_exposed()
}

/// Has what happens from the registers on recorded, unless the thread records already or something else watches its instructions. `base`
/// is the frame that the trace starts in, which a trace from an exit may have called others from.
pub fn start_recording(r: &Regs, origin: Origin, base: *mut Value) {
    let t = r.t();
    let state = t.tier2();
    if state.suspended.get() > 0 || !runs_plainly(t) || is_exposed(r) {
        return;
    }
    if probes::jit__trace__start::enabled() && !r.frame().is_shim() {
        let code = r.frame().code();
        probes::jit__trace__start::fire(code.file_c(), code.name_c(), line_at(code, code.offset_of(r.pc)));
    }
    // SAFETY: nothing else refers to the recording: none is in progress, for then the table would be another one.
    unsafe { &mut *state.recording.get() }.start(origin, r, base);
    state.is_recording.set(true);
    t.table.set(&raw const RECORDING as *const ());
}

/// Notes the instruction that is about to run. False: the recording has ended, and the thread has its usual table again.
///
/// # Safety
/// The registers are those of a frame at an instruction, called by the recording table.
// Plain arguments: the stub could not end in a tail call if the address of a local of its had left it.
#[inline(never)]
pub unsafe extern "C" fn record(pc: *const u16, sp: *mut Value, fp: *mut Value, th: *const Thread, o: u32) -> bool {
    let r = &Regs { pc, sp, fp, th };
    let t = r.t();
    let state = t.tier2();
    // SAFETY: only this thread uses it, and only here while it is in progress.
    let recording = unsafe { &mut *state.recording.get() };
    if state.is_recording.get() && recording.add(r, o) {
        return true;
    }
    t.table.set(crate::interp::dispatch::usual_table(t).cast());
    if state.is_recording.replace(false)
        && let Some(e) = ENTRY_POINTS.get()
    {
        (e.compile)(t, recording);
        recording.clear();
    }
    false
}

/// Native code calls Python: that is no part of what is recorded, nor of the machine code that has called. To be given to [`resume`].
#[inline(always)]
pub fn suspend(t: &Thread) -> Suspended {
    match t.tier2_if_any() {
        None => Suspended { recording: false, active: false },
        Some(state) => {
            let recording = t.table.get() == &raw const RECORDING as *const ();
            if recording {
                state.suspended.set(state.suspended.get() + 1);
                t.table.set(crate::interp::dispatch::usual_table(t).cast());
            }
            Suspended { recording, active: state.active.replace(false) }
        }
    }
}

/// What was going on when native code called Python.
pub struct Suspended {
    recording: bool,
    active: bool,
}

/// Goes on with it.
#[inline(always)]
pub fn resume(t: &Thread, before: Suspended) {
    if !(before.recording || before.active) {
        return;
    }
    let state = t.tier2();
    state.active.set(before.active);
    if before.recording {
        state.suspended.set(state.suspended.get() - 1);
        if runs_plainly(t) {
            t.table.set(&raw const RECORDING as *const ());
        }
    }
}
