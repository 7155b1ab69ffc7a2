//! Running executors, and going on in the interpreter where they are left.
//!
//! Code gets its inputs in the thread's buffer and leaves its state there, as raw words; an [`Exit`] tells what each word is.

use crate::backend::{self, Left};
use crate::executor::{BUFFER_WORDS, Entry, Executor, Exit, ExitState, Phase, Source, State};
use crate::ir::{MOST_OBJECTS, NOT_MADE, Ty};
use crate::lower::DEEPEST;
use crate::worth::calls::Way;
use crate::worth::{self, Moment, Verdict, Watch};
use crate::{may_compile, set_counter, unset_executor};
use limpid_bytecode::Opcode;
use limpid_heap::Value;
use limpid_probes as probes;
use limpid_pystats::exits::{self, Place};
use limpid_pystats::live::LIVE;
use limpid_vm::interp::backoff;
use limpid_vm::interp::frame::{Frame, exhausted_exit_pc, exit_pc};
use limpid_vm::interp::regs::{Regs, Step};
use limpid_vm::interp::trace::line_at;
use limpid_vm::object::ValueExt;
use limpid_vm::stats;
use limpid_vm::thread::Thread;
use limpid_vm::tier2::{self, recorder::Origin};
use std::cell::Cell;
use std::ffi::CStr;
use std::sync::atomic::Ordering::Relaxed;

/// How many traces are made for one instruction, each for what those before have not expected. Then it is a junction.
pub(crate) const MOST_GENERATIONS: u8 = 6;
/// So many of them are made soon, further ones only after an exit was taken very often: what the first ones expect may be over for good.
pub(crate) const SOON: u8 = 4;

/// A value in a representation as a raw word; None if it is not of that kind.
fn unbox(v: Value, e: &Entry) -> Option<u64> {
    match e.ty {
        Ty::Int => v.is_int().then(|| v.shifted() as u64),
        Ty::Float => v.is_float().then(|| v.as_float().to_bits()),
        _ => e.shape.is_none_or(|shape| v.is_cell() && v.shape() == shape).then(|| v.bits()),
    }
}

/// The value of a raw word.
pub(crate) fn rebox(word: u64, ty: Ty) -> Value {
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
    let state = Running::of(t);
    // SAFETY: executors stay where they are while something runs.
    let executor = unsafe {
        let executors = &(*State::of(t)).executors;
        executors.get(number as usize).map(|e| &*std::sync::Arc::as_ptr(e))
    };
    let Some(executor) = executor.filter(|e| e.header == r.pc) else {
        unset_executor(jump);
        return Step::Jump;
    };
    let called = if executor.watch.is_measuring() { worth::cycles() } else { 0 };
    let Some(code) = executor.code() else {
        if executor.phase() != Phase::Waiting {
            give_up(r.t(), jump, executor);
        }
        return Step::Jump;
    };
    for (word, e) in state.buffer.iter().zip(&executor.entry) {
        // SAFETY: the frame has the place, being of the code that the executor was made for.
        match unbox(unsafe { *r.fp.add(e.place as usize) }, e) {
            Some(raw) => word.set(raw),
            None => {
                missed(r, jump, executor);
                return Step::Jump;
            }
        }
    }
    executor.count_memory(t);
    let is_measured = executor.watch.begin();
    let clock = || if is_measured { worth::cycles() } else { 0 };
    let start = clock();
    let rounds = Rounds::new(&executor.watch, start);
    let done = state.instructions.get();
    // SAFETY: the inputs were put in the buffer, and the frame is of the right code.
    let (step, times) = unsafe {
        state.run(r, code, || {
            let now = clock();
            if is_measured {
                rounds.left(now);
            }
            now
        })
    };
    if is_measured {
        executor.watch.skip(rounds.ignored());
        executor.watch.cost((start - called).saturating_add(times.gone - times.left), state.instructions.get() - done);
        match executor.watch.ran(start, start + rounds.taken.get(), worth::idle) {
            Verdict::GoOn => {}
            verdict => pause(t, jump, executor, verdict),
        }
    }
    step
}

/// Counts the rounds of a loop whose code is left and entered again through junctions, and their time.
struct Rounds<'a> {
    watch: &'a Watch,
    /// How many there had been when code was left the last time ...
    seen: Cell<u64>,
    /// ... that there was a new one, and when that was.
    since: Cell<u64>,
    taken: Cell<u64>,
    /// Rounds between which so much time has passed that something else was done meanwhile.
    strange: Cell<u64>,
    is_first: Cell<bool>,
}

impl Rounds<'_> {
    fn new(watch: &Watch, now: u64) -> Rounds<'_> {
        let seen = Cell::new(watch.rounds.get());
        Rounds { watch, seen, since: Cell::new(now), taken: Cell::new(0), strange: Cell::new(0), is_first: Cell::new(true) }
    }

    /// Code was left. Until then it was the loop's; what is done from a junction on belongs to the loop only if that comes to its header.
    fn left(&self, now: u64) {
        let rounds = self.watch.rounds.get();
        let new = rounds - self.seen.get();
        let is_first = self.is_first.replace(false);
        if new == 0 && !is_first {
            return;
        }
        self.seen.set(rounds);
        let taken = now.saturating_sub(self.since.replace(now));
        if is_first || taken <= self.watch.most(new) {
            self.taken.set(self.taken.get() + taken);
        } else {
            self.strange.set(self.strange.get() + new);
        }
    }

    /// How many rounds there were in a time that does not count.
    fn ignored(&self) -> u64 {
        self.strange.get() + self.watch.rounds.get() - self.seen.get()
    }
}

/// What the compiler keeps for a thread, as far as running machine code needs it.
struct Running<'a> {
    buffer: &'a [Cell<u64>; BUFFER_WORDS],
    executors: &'a Cell<u32>,
    uops: &'a Cell<u64>,
    instructions: &'a Cell<u64>,
}

impl<'a> Running<'a> {
    /// That of a thread, which may be going to run some.
    fn of(t: &'a Thread) -> Running<'a> {
        let state = State::of(t);
        // SAFETY: the state lives as long as the thread; nothing else refers into it now, and the reference ends before anything runs. The
        // buffer and the counters stay where they are.
        unsafe {
            if (*state).running.get() == 0 && !t.tier2().is_recording() {
                (*state).free_retired(t);
            }
            Running {
                buffer: &(*state).buffer,
                executors: &(*state).running,
                uops: &(*state).uops_run,
                instructions: &(*state).instructions,
            }
        }
    }

    /// Runs the code, which is entered from the interpreter; as [`run_code`].
    ///
    /// # Safety
    /// As for [`backend::code::enter`].
    unsafe fn run(&self, r: &mut Regs, code: *const u8, left: impl Fn() -> u64) -> (Step, Times) {
        let t = r.t();
        let outer_uops = stats::block(t).map(|b| {
            b.counters.optimization.get().traces_executed.increment();
            self.uops.replace(0)
        });
        self.executors.set(self.executors.get() + 1);
        let exposed = t.leave_trace.replace(0);
        // SAFETY: by contract.
        let result = unsafe { run_code(r, code, self.buffer, left) };
        t.leave_trace.set(t.leave_trace.get() | exposed);
        self.executors.set(self.executors.get() - 1);
        if let Some(outer) = outer_uops {
            let length = self.uops.replace(outer);
            stats::count(t, |s| s.optimization.get().trace_run_length_hist.record(length));
        }
        result
    }
}

/// Runs the machine code for a frame that native code starts or resumes, or has it recorded; see [`tier2::EntryPoints::enter`].
///
/// # Safety
/// The registers are those of the interpreter at an instruction, and at the `RESUME` that the frame comes to.
pub unsafe fn enter(r: &mut Regs, resume: &Regs) -> Step {
    let t = r.t();
    let counter = resume.cache(1);
    // SAFETY: as in `run`; the table is not referred to while anything runs or is recorded.
    let junction = unsafe { (*State::of(t)).junction(r.pc) };
    if counter != tier2::HAS_CODE {
        match junction.filter(|junction| !junction.executor().is_null()) {
            Some(junction) if junction.calls.rests() => rest(resume),
            Some(_) => resume.set_cache(1, tier2::HAS_CODE),
            None => {
                resume.set_cache(1, backoff::restart(counter));
                if may_compile() {
                    tier2::start_recording(r, Origin::Frame { pc: r.pc, resume: resume.pc }, r.fp);
                }
            }
        }
        return Step::Jump;
    }
    if let Some(code) = code_from_memory(r) {
        if is_judged() && junction.is_some_and(|junction| junction.calls.begin(r.fp.cast(), worth::cycles) == Way::Interpreter) {
            return Step::Jump;
        }
        // SAFETY: the code of the junction at the registers, whose frame it takes as it is.
        return unsafe { Running::of(t).run(r, code, || 0).0 };
    }
    match junction {
        // It has code from now on, if it has some by now.
        Some(junction) if !junction.executor().is_null() => _ = junction.left(),
        _ => resume.set_cache(1, backoff::restart(backoff::SIDE_EXIT.load(Relaxed))),
    }
    Step::Jump
}

/// The counter of a function has triggered; see [`tier2::EntryPoints::called_often`].
pub fn called_often(r: &Regs) {
    // SAFETY: as in `run`; the table is not referred to while anything is recorded.
    match unsafe { (*State::of(r.t())).junction(r.pc) } {
        Some(junction) if !junction.executor().is_null() && junction.function.rests() => rest(r),
        Some(junction) if !junction.executor().is_null() => {
            r.set_cache(1, tier2::HAS_CODE);
            r.set_opcode(Opcode::RESUME_CHECK_JIT);
        }
        Some(junction) if junction.is_luckless() => stay_cold(r),
        _ if calls_itself(r) => {
            r.set_cache(1, backoff::restart(r.cache(1)));
            if may_compile() {
                tier2::start_recording(r, Origin::Function(r.pc), r.fp);
            }
        }
        _ if is_last_try(r) => stay_cold(r),
        _ => r.set_cache(1, backoff::restart(r.cache(1))),
    }
}

/// Has the counter of a `RESUME` triggered as often as it is to be tried?
pub(crate) fn is_last_try(resume: &Regs) -> bool {
    backoff::parts(resume.cache(1)).1 == backoff::MAX_BACKOFF
}

/// Frames that come to a `RESUME` stay without machine code.
pub(crate) fn stay_cold(resume: &Regs) {
    resume.set_cache(1, tier2::STAYS_COLD);
    resume.set_opcode(Opcode::RESUME_CHECK);
}

/// Has the function that starts at the registers been called by itself, directly or not? Others run in loops, which have code: theirs as well
/// took more time than it saved, by a third in programs of many functions.
fn calls_itself(r: &Regs) -> bool {
    let code = r.frame().code();
    let mut frame = r.frame().previous();
    for _ in 0..DEEPEST {
        if frame.is_none() {
            return false;
        }
        if !frame.is_shim() && frame.code() == code {
            return true;
        }
        frame = frame.previous();
    }
    false
}

/// Runs the machine code of a function; see [`tier2::EntryPoints::call`].
///
/// # Safety
/// The registers are those of the interpreter at a `RESUME_CHECK_JIT`.
pub unsafe fn call(r: &mut Regs) -> Step {
    let (t, resume) = (r.t(), *r);
    // SAFETY: as in `enter`.
    let junction = unsafe { (*State::of(t)).junction(r.pc) }.filter(|junction| !junction.executor().is_null());
    let Some(junction) = junction else {
        // It was retired.
        count_calls(r, backoff::first_of_function());
        return Step::Jump;
    };
    let is_measured = is_judged() && junction.function.begin();
    let clock = || if is_measured { worth::cycles() } else { 0 };
    let called = clock();
    let Some(code) = code_from_memory(r) else {
        // It has code from now on, if it has some by now.
        junction.left();
        return Step::Jump;
    };
    let state = Running::of(t);
    let done = state.instructions.get();
    let start = clock();
    // SAFETY: the code of the junction at the registers, whose frame it takes as it is.
    let (step, times) = unsafe { state.run(r, code, clock) };
    if is_measured {
        let end = clock();
        let done = state.instructions.get() - done;
        // SAFETY: as in `enter`. What was there before may be gone, as the function may be.
        let junction = unsafe { (*State::of(t)).junction(resume.pc) };
        let overhead = (start - called) + times.outside;
        if junction.is_some_and(|junction| junction.function.ran(end - called, overhead, done)) {
            count_calls(&resume, backoff::make(backoff::MAX_VALUE, backoff::MAX_BACKOFF));
        }
    }
    step
}

/// The calls of a function at its `RESUME` are counted again.
fn count_calls(resume: &Regs, counter: u16) {
    resume.set_cache(1, counter);
    resume.set_opcode(Opcode::RESUME_CHECK_COUNTING);
}

/// What the clock showed.
#[derive(Clone, Copy, Default)]
struct Times {
    /// When machine code was left first, ...
    left: u64,
    /// ... and when the interpreter's state was there again.
    gone: u64,
    /// How long it took each time until the interpreter's state was there.
    outside: u64,
}

/// What native code has started or resumed at some registers has returned or yielded; see [`tier2::EntryPoints::left`].
pub fn left(r: &Regs, resume: &Regs) {
    if !is_judged() {
        return;
    }
    // SAFETY: as in `run`.
    let junction = unsafe { (*State::of(r.t())).junction(r.pc) };
    let are_to_rest = junction.is_some_and(|junction| junction.calls.end(r.fp.cast(), worth::cycles));
    if are_to_rest && resume.cache(1) == tier2::HAS_CODE {
        rest(resume);
    }
}

/// Frames that come to a `RESUME` are not to run as machine code for as long as its counter counts.
fn rest(resume: &Regs) {
    resume.set_cache(1, backoff::make(backoff::MAX_VALUE, backoff::MAX_BACKOFF));
}

/// Are frames judged?
fn is_judged() -> bool {
    backend::code::COMPETES && worth::are_judged()
}

/// Runs machine code, and goes on in that of the junctions where it is left. Besides what the interpreter is to do, when the first one was
/// left. Whenever one is, `left` is called, which tells the time.
///
/// # Safety
/// As for [`backend::code::enter`].
unsafe fn run_code(r: &mut Regs, code: *const u8, buffer: &[Cell<u64>; BUFFER_WORDS], left: impl Fn() -> u64) -> (Step, Times) {
    let t = r.t();
    let mut code = code;
    let mut entered = (std::ptr::null(), std::ptr::null_mut());
    let mut times: Option<Times> = None;
    loop {
        t.tier2().active.set(true);
        // SAFETY: by contract, or the code of a junction at these registers, whose frame it takes as it is.
        let ended = unsafe { backend::code::enter(r.fp, r.th, code) };
        t.tier2().active.set(false);
        let end = left();
        // SAFETY: this is how machine code was left.
        let step = unsafe { leave(r, ended, buffer) };
        let gone = left();
        let times = times.get_or_insert(Times { left: end, gone, outside: 0 });
        times.outside += gone - end;
        if !matches!(step, Step::Jump) {
            return (step, *times);
        }
        // One that is left where it was entered has done nothing.
        let has_moved = (r.pc, r.fp) != std::mem::replace(&mut entered, (r.pc, r.fp));
        match junction_code(r) {
            Some(next) if has_moved => code = next,
            _ => return (step, *times),
        }
    }
}

/// The code of the junction at the registers, unless machine code was asked to come to an end.
fn junction_code(r: &Regs) -> Option<*const u8> {
    if r.t().leave_trace.get() == 0 { code_from_memory(r) } else { None }
}

/// The code that goes on from the registers, if nothing has been asked of the thread.
fn code_from_memory(r: &Regs) -> Option<*const u8> {
    let t = r.t();
    let asked = t.mutator.eval_breaker.load(Relaxed) != 0 || t.tier2().is_recording();
    if asked || r.fp.is_null() || tier2::is_exposed(r) {
        return None;
    }
    // SAFETY: the state lives as long as the thread, and nothing else refers into it.
    unsafe { (*State::of(t)).junction(r.pc) }?.code()
}

/// The entry did not fit. When that happens often, the loop is recorded anew.
fn missed(r: &Regs, jump: *const u16, executor: &Executor) {
    if executor.may_miss() {
        return;
    }
    give_up(r.t(), jump, executor);
}

/// What a loop relies on was not so when it was entered. When that happens often, it is recorded anew, and expects nothing.
#[cold]
fn not_as_expected(t: &Thread, exit: &Exit) {
    // SAFETY: the root of an exit that is not dead.
    let executor = unsafe { &*exit.root.get() };
    if executor.may_miss() {
        return;
    }
    // SAFETY: the state lives as long as the thread, and nothing else refers into these tables. What is retired stays while code runs.
    let state = unsafe { &mut *State::of(t) };
    state.loop_at(executor.header).is_plain = true;
    state.retire_with_dependents(executor);
}

/// The loop's executor is of no use.
fn give_up(t: &Thread, jump: *const u16, executor: &Executor) {
    // SAFETY: the state lives as long as the thread, and nothing else refers into these tables.
    unsafe {
        let state = &mut *State::of(t);
        let l = state.loop_at(executor.header);
        l.lost();
        l.bad_luck();
    }
    unset_executor(jump);
}

/// The loop goes on in the interpreter for a while, for it runs faster there, or to see whether it does.
#[cold]
fn pause(t: &Thread, jump: *const u16, executor: &Executor, verdict: Verdict) {
    // SAFETY: as in `give_up`.
    let l = unsafe { (*State::of(t)).loop_at(executor.header) };
    let rounds = match verdict {
        Verdict::Rest(slow) => l.rest(jump as usize, Moment::now(), slow),
        _ => l.measure_again(jump as usize, Moment::now()),
    };
    set_counter(jump, backoff::make(rounds - 1, backoff::MAX_BACKOFF));
}

/// Machine code was left: gives the registers what it says.
unsafe fn leave(r: &mut Regs, left: Left, buffer: &[Cell<u64>; BUFFER_WORDS]) -> Step {
    let t = r.t();
    if left.frame.is_null() {
        if left.what == 0 {
            return Step::Exit;
        }
        (r.pc, r.sp, r.fp) = (left.what as *const u16, t.sp.get(), t.fp.get());
        come_to_junction(r);
        return Step::Jump;
    }
    // SAFETY: machine code passes the exit it has left through, which lives as long as its executor.
    let exit = unsafe { &*(left.what as *const Exit) };
    // SAFETY: by the caller's contract.
    let first = unsafe { materialize(r, left.frame, &exit.state, buffer) };
    if exit.is_forced.replace(false) {
        return Step::Jump;
    }
    LIVE.jit_exits.add(1);
    if let Some(place) = exit.place.get().or_else(|| place_of(r, exit)) {
        place.count();
    }
    if probes::jit__exit::enabled() {
        tell_exit(r, exit);
    }
    continue_exit(r, exit, first);
    Step::Jump
}

/// Links the trace that goes on from an exit, or has one recorded when the exit is taken often.
fn continue_exit(r: &Regs, exit: &Exit, first: *mut Value) {
    if exit.dead.get() {
        return;
    }
    if exit.state.is_miss {
        return not_as_expected(r.t(), exit);
    }
    if !may_grow(exit) && exit.side.get().is_null() {
        // What has not got past its instruction in a trace that started there might go round in circles.
        let leads_on = come_to_junction(r) && exit.generation.get() == 0;
        if !leads_on {
            return;
        }
    }
    if !exit.side.get().is_null() {
        // SAFETY: executors stay while something refers to them; `retire` has not been called, for the exit is not dead.
        let side = unsafe { &*exit.side.get() };
        match side.code() {
            Some(code) => {
                side.count_memory(r.t());
                exit.target.set(code);
            }
            None if side.phase() == Phase::Failed => exit.generation.set(MOST_GENERATIONS),
            None => {}
        }
        return;
    }
    let counter = exit.counter.get();
    if backoff::triggers(counter) {
        exit.counter.set(backoff::restart(counter));
        if may_compile() {
            tier2::start_recording(r, Origin::Exit(std::ptr::from_ref(exit) as usize), first);
        }
    } else {
        exit.counter.set(backoff::advance(counter));
    }
}

/// May a trace of its own go on from an exit that is not dead? Otherwise there are enough, and it goes on in the one that all share.
pub(crate) fn may_grow(exit: &Exit) -> bool {
    // SAFETY: the root of an exit that is not dead.
    exit.generation.get() < MOST_GENERATIONS && unsafe { &*exit.root.get() }.may_grow()
}

/// Machine code was left at an instruction where traces meet, or are to meet from now on, for too many lead there. One is recorded from
/// here when that happens often. Is there one already?
fn come_to_junction(r: &Regs) -> bool {
    let leads_nowhere = r.fp.is_null() || r.frame().is_shim() || r.pc == exit_pc() || r.pc == exhausted_exit_pc();
    if leads_nowhere {
        return false;
    }
    // SAFETY: as in `run`; the state is not referred to while anything is recorded.
    let junction = unsafe { (*State::of(r.t())).junction_at(r.pc) };
    if junction.left() && may_compile() {
        tier2::start_recording(r, Origin::Junction(r.pc), r.fp);
    }
    junction.code().is_some()
}

/// Where an exit is counted that was not taken before.
#[cold]
fn place_of(r: &Regs, exit: &Exit) -> Option<&'static Place> {
    let frame = r.frame();
    if !frame.is_shim() {
        let code = frame.code();
        let line = line_at(code, code.offset_of(r.pc));
        // SAFETY: names of files are strings that live as long as the code.
        let file = unsafe { CStr::from_ptr(code.file_c().cast()) };
        exit.place.set(Some(exits::place(file, line.max(0) as u32, exit.state.reason)));
    }
    exit.place.get()
}

#[cold]
fn tell_exit(r: &Regs, exit: &Exit) {
    let frame = r.frame();
    if !frame.is_shim() {
        let code = frame.code();
        probes::jit__exit::fire(exit.state.reason.as_ptr(), code.file_c(), line_at(code, code.offset_of(r.pc)));
    }
}

/// A value at an exit that has made its objects, or some of them.
fn value_of(source: Source, buffer: &[Cell<u64>; BUFFER_WORDS], made: &[Value; MOST_OBJECTS]) -> Value {
    match source {
        Source::Constant(bits) => Value::from_bits(bits),
        Source::Buffer(word, ty) => rebox(buffer[word as usize].get(), ty),
        Source::Object(object) => made[object as usize],
    }
}

/// Writes frames and values where the interpreter has them; the first frame.
unsafe fn materialize(r: &mut Regs, base: *mut Value, state: &ExitState, buffer: &[Cell<u64>; BUFFER_WORDS]) -> *mut Value {
    let t = r.t();
    let mut made = [Value::NULL; MOST_OBJECTS];
    for (i, o) in state.objects.iter().enumerate() {
        let value = |source| value_of(source, buffer, &made);
        let known = o.unless.map(value).filter(|v| v.bits() != NOT_MADE);
        // SAFETY: the parts are those of the layout; no safepoint comes before the objects are in their frames.
        made[i] = known.unwrap_or_else(|| unsafe { o.layout.make(t, o.parts.iter().map(|part| value(*part))) });
    }
    let value = |source| value_of(source, buffer, &made);
    let (mut first, mut previous) = (base, base);
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
            if i == 0 {
                first = fp;
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
    first
}
