//! Tier 2: machine code for hot loops.
//!
//! The interpreter records a round of a hot loop, or what follows an exit of a trace that is often taken ([`limpid_vm::tier2`]). Here the
//! recording becomes machine code:
//!
//! * [`lower`]: instructions to uops in SSA form ([`ir`]): types and constants are tracked, redundant guards and loads are left out, calls
//!   are inlined, their frames exist in snapshots only;
//! * [`optimize`]: what is the same in every round is moved in front of the loop, or done by its first round only; objects that nobody
//!   gets to know are not made, what is unused is dropped;
//! * [`backend`]: uops to machine code, by Cranelift, or what interprets them; [`helpers`]: functions that code calls;
//! * [`worker`]: the thread that does the last step while the program goes on;
//! * [`executor`]: what comes of it; [`junction`]: where traces meet; [`references`]: what its life depends on; [`run`]: running it, and
//!   going on in the interpreter where it is left;
//! * [`source_map`]: the lines that a trace comes from, and [`dump`]: writing about it, for those who look at it;
//! * [`leave_once`]: leaving through every exit, for tests; [`cells`]: headers of new cells;
//! * [`budget`]: how much time all this may take; [`worth`]: which loops and frames run faster for it;
//!   [`uop_counts`]: how often uops run.
//!
//! Rules that keep it sound: before anything that may run Python, the interpreter's stack has everything it has in the interpreter
//! ([`lower`] writes it). What machine code holds in registers and on the native stack the collector finds there; what the code itself
//! refers to is alive while executors run, and when it dies the code is given up ([`references`]). A guard leaves before the instruction it
//! belongs to has done anything. Whatever others may change is loaded again in every round and after every call, but while the thread is
//! alone: then it is known who can.

// The ways in and out of machine code are written for one architecture so far; elsewhere, without an interpreter, this crate is empty.
#![cfg(any(feature = "tier2-interpreter", all(feature = "machine-code", target_arch = "x86_64")))]

pub mod backend;
pub mod budget;
pub mod cells;
pub mod dump;
pub mod executor;
pub mod helpers;
pub mod ir;
pub mod junction;
pub mod leave_once;
pub mod lower;
pub mod optimize;
pub mod references;
pub mod run;
pub mod source_map;
pub mod uop_counts;
pub mod worker;
pub mod worth;

use backend::{Job, code};
use dump::Dump;
use executor::{Executor, Exit, Phase, State};
use ir::Trace;
use limpid_bytecode::Opcode;
use limpid_heap::{Dead, Tracer};
use limpid_probes as probes;
use limpid_pystats::live::LIVE;
use limpid_pystats::model::Stats;
use limpid_vm::interp::backoff;
use limpid_vm::interp::regs::Regs;
use limpid_vm::runtime::{Options, Runtime};
use limpid_vm::stats;
use limpid_vm::thread::Thread;
use limpid_vm::tier2::recorder::{End, Origin};
use limpid_vm::tier2::{self, EntryPoints, Recording};
use lower::{Abort, LinkTarget, Lowered};
use references::References;
use source_map::SourceMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use uop_counts::Counts;
use worth::{LUCKLESS, Moment, Next, Watch};

/// Executors a thread may have: their numbers are cache words.
const MOST_EXECUTORS: usize = u16::MAX as usize;
/// Rounds of fewer uops do not count themselves: that would take too long.
const SHORT: usize = 24;

/// Has hot loops compiled from now on.
pub fn install(options: &Options) {
    leave_once::look_for_option(options);
    tier2::install(EntryPoints {
        is_due,
        compile: |t, recording| budget::charge(|| compile(t, recording)).0,
        run: run::run,
        called_often: run::called_often,
        call: run::call,
        enter: run::enter,
        left: run::left,
        forget,
        after_fork,
        trace,
        forget_dead,
        retire,
        collect,
        uop_names: ir::Op::NAMES,
    });
}

/// The value of an option `-X NAME` or `-X NAME=VALUE`.
fn option(name: &str) -> Option<Option<&'static str>> {
    let options = &Runtime::get().options.x_options;
    options.iter().rev().find(|o| o.0 == name).map(|o| o.1.as_deref())
}

/// Is everything compiled at once, however long it takes?
fn waits() -> bool {
    option("jit-wait").is_some()
}

/// May something more be recorded and compiled?
pub(crate) fn may_compile() -> bool {
    budget::allows() || waits()
}

/// Makes an executor of a recording; what cannot be compiled is left to the interpreter.
fn compile(t: &Thread, recording: &mut Recording) {
    if let Some(b) = stats::block(t) {
        let counters = b.counters.optimization.get();
        counters.attempts.increment();
        counters.trace_length_hist.record(recording.steps.len() as u64);
    }
    let result = match recording.origin {
        _ if recording.steps.is_empty() => Err(Abort::Empty),
        Origin::Loop { jump, header } => compile_loop(t, recording, jump, header),
        // SAFETY: the exit whose trace was recorded; retired executors are not freed while something is recorded.
        Origin::Exit(exit) => compile_exit(t, recording, unsafe { &*(exit as *const Exit) }),
        Origin::Junction(pc) => compile_junction(t, recording, pc, lower::lower_junction),
        Origin::Function(resume) => {
            let result = compile_junction(t, recording, resume, lower::lower_function);
            has_form(t, resume, result, Opcode::RESUME_CHECK_JIT)
        }
        Origin::Frame { pc, resume } => {
            let result = compile_junction(t, recording, pc, lower::lower_frame);
            has_form(t, resume, result, Opcode::RESUME_CHECK)
        }
    };
    match result {
        Ok(()) => count_end(t, recording.end),
        Err(abort) => {
            if let Some(dump) = Dump::of(recording) {
                dump.aborted(abort.reason());
            }
            tell_abort(t, abort);
            match recording.origin {
                Origin::Loop { jump, header } => {
                    // SAFETY: as in `compile_exit`.
                    let times = unsafe { (*State::of(t)).loop_at(header).bad_luck() };
                    if recording.end == End::Leaves && times <= LUCKLESS {
                        // It was the loop's last round. Counters count to powers of two, as loops often do.
                        set_counter(jump, backoff::make(times as u16 * 3, backoff::MAX_BACKOFF));
                    }
                }
                // SAFETY: as above.
                Origin::Junction(pc) => unsafe { (*State::of(t)).junction_at(pc).failed() },
                Origin::Function(_) | Origin::Frame { .. } => {}
                // The loop that it leads to may have an executor the next time.
                Origin::Exit(_) if matches!(abort, Abort::Empty) && recording.end == End::OtherLoop => {}
                // SAFETY: as above.
                Origin::Exit(exit) => unsafe { (*(exit as *const Exit)).failed() },
            }
        }
    }
}

fn compile_loop(t: &Thread, recording: &Recording, jump: *const u16, header: *const u16) -> Result<(), Abort> {
    let (target, times) = link_target(t, recording);
    let lowered = lower::lower_loop(recording, target.as_ref(), t)?;
    let number = add(t, recording, lowered, header, times)?;
    set_executor(jump, number);
    Ok(())
}

fn compile_exit(t: &Thread, recording: &Recording, exit: &Exit) -> Result<(), Abort> {
    let (target, times) = link_target(t, recording);
    if exit.dead.get() {
        return Err(Abort::Retired);
    }
    let lowered = if run::may_grow(exit) {
        lower::lower_exit(recording, target.as_ref(), t, &exit.state, exit.generation.get() + 1 >= run::MOST_GENERATIONS)?
    } else {
        lower::lower_way(recording, t, &exit.state)?
    };
    let number = add(t, recording, lowered, std::ptr::null(), times)?;
    // SAFETY: the state belongs to this thread, and nothing else refers into it.
    let executor = unsafe { Arc::as_ptr(&(&(*State::of(t)).executors)[number]) };
    // SAFETY: executors stay while something refers to them.
    let (exits, root) = unsafe { (&(*executor).exits, &*exit.root.get()) };
    root.grow();
    let generation = exit.generation.get() + 1;
    for e in exits {
        e.root.set(root);
    }
    for e in exits.iter().filter(|e| e.state.pc == exit.state.pc) {
        e.generation.set(generation);
        if generation >= run::SOON {
            e.counter.set(backoff::make(backoff::MAX_VALUE, backoff::MAX_BACKOFF));
        }
    }
    exit.side.set(executor);
    Ok(())
}

/// How a recording becomes a trace that starts with everything in memory.
type LowerFromMemory = fn(&Recording, Option<&LinkTarget>, &Thread) -> Result<Lowered, Abort>;

fn compile_junction(t: &Thread, recording: &Recording, pc: *const u16, lower: LowerFromMemory) -> Result<(), Abort> {
    let (target, times) = link_target(t, recording);
    let lowered = lower(recording, target.as_ref(), t)?;
    let number = add(t, recording, lowered, std::ptr::null(), times)?;
    // SAFETY: as in `compile_exit`.
    let state = unsafe { &mut *State::of(t) };
    let executor = Arc::as_ptr(&state.executors[number]);
    for e in state.executors[number].exits.iter().filter(|e| e.state.pc == pc as u64) {
        e.generation.set(1);
    }
    state.junction_at(pc).set(executor);
    Ok(())
}

/// A frame that comes to a `RESUME` was compiled, or was not: gives the instruction its form from now on.
fn has_form(t: &Thread, resume: *const u16, result: Result<(), Abort>, form: Opcode) -> Result<(), Abort> {
    let r = Regs { pc: resume, sp: std::ptr::null_mut(), fp: std::ptr::null_mut(), th: t };
    match result {
        Ok(()) => {
            r.set_cache(1, tier2::HAS_CODE);
            r.set_opcode(form);
        }
        Err(_) if run::is_last_try(&r) => run::stay_cold(&r),
        Err(_) => {}
    }
    result
}

/// The executor of the loop that a recording ends at, and how often the thread's executors were retired until now.
fn link_target(t: &Thread, recording: &Recording) -> (Option<LinkTarget>, u32) {
    // SAFETY: as in `compile_exit`.
    let state = unsafe { &*State::of(t) };
    let last = recording.steps.last().filter(|_| recording.end == End::OtherLoop);
    let executor = last.and_then(|step| state.executor_of(step.jump_backward_target())).filter(|e| e.phase() != Phase::Failed);
    let target = executor.map(|e| LinkTarget { executor: Arc::as_ptr(e) as u64, entry: e.entry.clone() });
    (target, state.times_retired)
}

/// Has a trace compiled; the number of its executor.
fn add(t: &Thread, recording: &Recording, mut lowered: Lowered, header: *const u16, times_retired: u32) -> Result<usize, Abort> {
    let dump = Dump::of(recording);
    let before = dump.as_ref().map(|_| lowered.trace.to_string());
    optimize::optimize(&mut lowered.trace, &lowered.entry);
    let is_shown = dump.is_some() || Runtime::get().options.perf.is_some();
    let source_map = is_shown.then(|| SourceMap::of(&lowered.trace));
    if let (Some(dump), Some(map), Some(before)) = (&dump, &source_map, before) {
        dump.compiled(&lowered.trace, map, &before);
    }
    if let Some(b) = stats::block(t) {
        let counters = b.counters.optimization.get();
        counters.traces_created.increment();
        counters.optimizer_attempts.increment();
        counters.optimizer_successes.increment();
        counters.optimized_trace_length_hist.record(lowered.trace.uop_count() as u64);
    }
    // SAFETY: as in `compile_exit`. From here on no other thread can stop this one, so what the trace links to stays.
    let state = unsafe { &mut *State::of(t) };
    if state.times_retired != times_retired {
        return Err(Abort::Retired);
    }
    if state.executors.len() >= MOST_EXECUTORS || code::is_full() {
        // Everything goes; what is still hot comes back.
        tell_retired(t, state.retire());
        return Err(Abort::NoMemory);
    }
    let (exits, words) = backend::exits(&lowered.trace).ok_or(Abort::TooBig)?;
    if leave_once::is_wanted() {
        leave_once::add_uops(&mut lowered.trace);
    }
    let number = state.executors.len();
    let mut interpreted = 0;
    if !header.is_null() {
        let l = state.loop_at(header);
        l.compiled(number);
        interpreted = l.interpreted;
    }
    let watch = Watch::new(if code::COMPETES { interpreted } else { 0 }, estimate(&lowered.trace), recording.steps.len());
    let references = References::of(&lowered);
    let mut executor = Executor::new(header, lowered.entry, exits, references, watch);
    executor.instructions = &raw const state.instructions;
    executor.counts = stats::block(t).map(|_| Counts::new(&lowered.trace, &raw const state.uops_run));
    let executor = Arc::new(executor);
    for e in &executor.exits {
        e.root.set(Arc::as_ptr(&executor));
    }
    state.executors.push(executor.clone());
    let planned = budget::plan(lowered.trace.uop_count());
    let job = Job { executor, trace: lowered.trace, words, buffer: state.buffer.as_ptr() as usize, planned, source_map, dump };
    if waits() {
        backend::make(job)
    } else {
        worker::submit(job)
    }
    Ok(number)
}

/// How many cycles a round takes if it is too short to be counted: a uop takes about one. Otherwise 0.
fn estimate(trace: &Trace) -> u64 {
    let uops = trace.body.len();
    if trace.next.is_some() && uops < SHORT && trace.calls.is_empty() { uops.max(1) as u64 } else { 0 }
}

/// Counts why a trace ends where it does.
fn count_end(t: &Thread, end: End) {
    if let Some(b) = stats::block(t) {
        let counters = b.counters.optimization.get();
        match end {
            End::OtherLoop => counters.inner_loop.increment(),
            End::TooLong => counters.trace_too_long.increment(),
            End::Leaves => counters.trace_stack_underflow.increment(),
            End::Open | End::Closed | End::LeavesLoop | End::Raises => {}
        }
    }
}

fn tell_abort(t: &Thread, abort: Abort) {
    if probes::jit__trace__abort::enabled() {
        probes::jit__trace__abort::fire(abort.reason_c().as_ptr());
    }
    if let Some(b) = stats::block(t) {
        let counters = b.counters.optimization.get();
        match abort {
            Abort::TooShort | Abort::Empty => counters.trace_too_short.increment(),
            Abort::TooBig => counters.trace_too_long.increment(),
            Abort::NoMemory => counters.optimizer_failure_reason_no_memory.increment(),
            Abort::TooDeep => counters.recursive_call.increment(),
            Abort::Lost => counters.unknown_callee.increment(),
            Abort::Contradiction | Abort::Stale | Abort::Unstable | Abort::Retired => counters.low_confidence.increment(),
        }
    }
}

/// Has a loop's jump enter an executor.
fn set_executor(jump: *const u16, number: usize) {
    let r = Regs { pc: jump, sp: std::ptr::null_mut(), fp: std::ptr::null_mut(), th: std::ptr::null() };
    r.set_cache(1, number as u16);
    r.set_opcode(Opcode::JUMP_BACKWARD_JIT);
}

/// Has a loop's jump count again.
pub(crate) fn unset_executor(jump: *const u16) {
    set_counter(jump, backoff::restart(backoff::JUMP_BACKWARD.load(Relaxed)));
}

pub(crate) fn set_counter(jump: *const u16, counter: u16) {
    let r = Regs { pc: jump, sp: std::ptr::null_mut(), fp: std::ptr::null_mut(), th: std::ptr::null() };
    r.set_cache(1, counter);
    r.set_opcode(Opcode::JUMP_BACKWARD);
}

/// Is a loop whose counter has triggered to be recorded? Its rounds may have to be measured first, or it has an executor already.
fn is_due(t: &Thread, jump: *const u16, header: *const u16) -> bool {
    // SAFETY: as in `compile_exit`.
    let state = unsafe { &mut *State::of(t) };
    let l = state.loop_at(header);
    match l.triggered(jump as usize, Moment::now()) {
        Next::Record => return may_compile(),
        Next::Count(rounds) => set_counter(jump, backoff::make(rounds - 1, backoff::MAX_BACKOFF)),
        Next::Enter(number) => {
            let interpreted = l.interpreted;
            if let Some(executor) = state.executors.get(number) {
                executor.watch.compare_with(interpreted);
            }
            set_executor(jump, number);
        }
        Next::Later => {}
    }
    false
}

unsafe fn forget(state: *mut ()) {
    // SAFETY: made by `State::of`, and the thread has ended. A worker that still compiles for it has executors of its own to refer to.
    drop(unsafe { Box::from_raw(state as *mut State) });
}

/// The memory of the code is shared with the parent process: from now on new code goes elsewhere.
fn after_fork(t: &Thread) {
    code::leave();
    worker::after_fork();
    budget::after_fork();
    // SAFETY: as in `compile_exit`.
    unsafe { (*State::of(t)).abandon() };
}

unsafe fn retire(state: *mut ()) {
    // SAFETY: the thread stands still.
    let count = unsafe { (*(state as *mut State)).retire() };
    if let Some(t) = limpid_vm::runtime::current() {
        tell_retired(t, count);
    }
}

unsafe fn collect(state: *mut (), total: &Stats) {
    // SAFETY: the thread stands still, or calls this.
    unsafe { (*(state as *const State)).collect_uops(total) };
}

fn tell_retired(t: &Thread, count: usize) {
    LIVE.jit_invalidated.add(count as u64);
    if count > 0 && probes::jit__invalidate::enabled() {
        probes::jit__invalidate::fire(count as i64);
    }
    if let Some(b) = stats::block(t) {
        b.counters.optimization.get().executors_invalidated.add(count as u64);
    }
}

unsafe fn trace(state: *mut (), tracer: &mut Tracer) {
    // SAFETY: the thread stands still.
    let state = unsafe { &*(state as *const State) };
    if state.running.get() == 0 {
        return;
    }
    for e in state.all() {
        e.references.trace(tracer);
    }
}

unsafe fn forget_dead(state: *mut (), dead: &Dead) {
    // SAFETY: the thread stands still.
    let count = unsafe { (*(state as *mut State)).forget_dead(dead) };
    if let Some(t) = limpid_vm::runtime::current().filter(|_| count > 0) {
        tell_retired(t, count);
    }
}
