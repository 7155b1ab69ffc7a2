//! The runtime as a whole: what all threads of all interpreters share, how threads come and go, start-up.

use crate::finalization;
use crate::instrument;
use crate::instrument::deliver::NotedJump;
use crate::interp::attribute_cache::AttributeCache;
use crate::interp::dispatch;
use crate::interpreter::{Interpreter, Life, Permissions};
use crate::interpreter_stack::InterpreterStack;
use crate::modules::sys::remote;
use crate::object::{R, Ref, Slot};
use crate::root::Root;
use crate::shape::Shape;
use crate::stack_offsets;
use crate::stats;
use crate::thread::{HandledException, NATIVE_STACK_RESERVE, Thread, ThreadSlot, request};
use crate::types::code_copies::{self, Runs};
use crate::types::str::InternTable;
use crate::types::{Dict, MethodCache, Str, builtin};
use limpid_heap::{CollectionReport, Config, Dead, Embedder, Generation, Mutator, Request, ShapeRef, Stress, Tracer, Value};
use limpid_probes as probes;
use limpid_pystats::live::LIVE;
use parking_lot::Mutex;
use std::cell::{Cell, UnsafeCell};
use std::collections::{HashSet, VecDeque};
use std::ffi::{CStr, OsString};
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// What the command line and the environment say, `sys.flags` and more.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// `-d`
    pub debug: u32,
    /// `-i`
    pub inspect: u32,
    /// `-i` or a REPL.
    pub interactive: u32,
    /// `-O`
    pub optimize: u32,
    /// `-B`
    pub dont_write_bytecode: bool,
    /// `-s`
    pub no_user_site: bool,
    /// `-S`
    pub no_site: bool,
    /// `-E`
    pub ignore_environment: bool,
    /// `-v`
    pub verbose: u32,
    /// `-b`
    pub bytes_warning: u32,
    /// `-q`
    pub quiet: bool,
    /// `-I`
    pub isolated: bool,
    /// `-P`
    pub safe_path: bool,
    /// `-X dev`
    pub dev_mode: bool,
    /// `-X utf8`
    pub utf8_mode: bool,
    /// `-X warn_default_encoding`
    pub warn_default_encoding: bool,
    /// `-u`
    pub unbuffered: bool,
    /// `-X int_max_str_digits`; None is the default.
    pub int_max_str_digits: Option<u32>,
    /// `-X no_debug_ranges`: code objects have no columns.
    pub no_debug_ranges: bool,
    /// `-X cpu_count`; None: the system is asked.
    pub cpu_count: Option<i32>,
    /// `-W`
    pub warn_options: Vec<String>,
    /// `-X`: name and value.
    pub x_options: Vec<(String, Option<String>)>,
    /// `sys.argv`
    pub argv: Vec<OsString>,
    /// `sys.orig_argv`
    pub orig_argv: Vec<OsString>,
    /// The program, as it was started.
    pub executable: OsString,
    /// `sys.path` before site has run.
    pub path: Vec<String>,
    /// The hash seed; None is random.
    pub hash_seed: Option<u32>,
    /// Are hot loops compiled? `PYTHON_JIT`
    pub jit: bool,
    /// The first counter of a loop that is to be compiled, see [`crate::interp::backoff`], ...
    pub jit_loop_counter: u16,
    /// ... and that of an exit of a trace.
    pub jit_exit_counter: u16,
    /// What is perf told about machine code?
    pub perf: Option<PerfSupport>,
    /// Do threads specialize copies of the code? `-X tlbc=0` says no.
    pub tlbc: bool,
    /// `-X pystats`
    pub stats: bool,
    /// `-X heaplimit=`, in bytes.
    pub heap_limit: Option<usize>,
    /// Collect at every n-th slow path, and poison what is freed.
    pub gc_stress: Option<u32>,
}

/// What perf is told about machine code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PerfSupport {
    /// Where the code of each function is: `-X perf`
    Map,
    /// The code itself, with its lines: `-X perf_jit`
    Dump,
}

/// Finds modules of the embedded library.
#[derive(Clone, Copy)]
pub struct FrozenLibrary {
    /// The module with a name, if there is one.
    pub find: fn(&str) -> Option<FrozenModule>,
    /// All names.
    pub names: fn() -> Vec<&'static str>,
    /// The code of all modules, one after the other.
    pub code: &'static [u8],
}

/// A module of the embedded library.
#[derive(Clone, Copy)]
pub struct FrozenModule {
    /// Its code in the format of [`limpid_bytecode::marshal`].
    pub code: &'static [u8],
    /// Is it a package?
    pub is_package: bool,
    /// The module whose code it has, `<` in front if that is a package which this is not; differs from its name for an alias.
    pub origname: Option<&'static str>,
}

/// What all threads share, whichever interpreter they belong to. What each interpreter has for itself is in [`Interpreter`].
pub struct Runtime {
    /// What the command line and the environment say.
    pub options: Options,
    /// The embedded library.
    pub frozen: FrozenLibrary,
    /// The interned strings.
    pub interned: InternTable,
    /// `()`
    pub empty_tuple: Root,
    /// Raised when there is no memory to make another.
    pub memory_error: Root,
    latin1: [Root; 256],
    /// `-X tlbc`
    pub specializes: bool,
    /// Runs the Python handlers of signals that have arrived; the module `_signal` sets it.
    pub signal_handler: OnceLock<fn(&Thread) -> R<()>>,
    /// Notes a signal as if it had arrived; the module `_signal` sets it.
    pub interrupt: OnceLock<fn(i32)>,
    /// The thread that runs the main program.
    pub main_ident: AtomicU64,
    /// The interpreters, the main one first, each from its beginning to its end.
    pub(crate) interpreters: Mutex<Vec<Arc<Interpreter>>>,
    /// How the others begin and end.
    pub life: OnceLock<Life>,
    threads: Mutex<Vec<ThreadPointer>>,
    bytecode_indices: Mutex<BytecodeIndices>,
    /// What collections have found to be finalized.
    pub(crate) arrived: finalization::Queue,
    /// What collections have saved for the program to see.
    saved_garbage: Mutex<VecDeque<Value>>,
    /// Collections that the listener was not told of yet.
    collections: Mutex<Vec<CollectionReport>>,
    /// What is told of collections that nobody asked for.
    collection_listener: OnceLock<CollectionListener>,
}

/// Whose copies of the code are whose.
#[derive(Default)]
struct BytecodeIndices {
    used: HashSet<u32>,
    /// How many threads there have been at a time since copies were dropped.
    most: usize,
}

/// So many copies of code may wait for a thread that takes over their index.
const SPARE_COPIES: usize = 16;

#[derive(Clone, Copy, PartialEq, Eq)]
struct ThreadPointer(*const Thread);
// SAFETY: threads are shared as Thread's own Sync says; the pointer is removed from the list before the thread is freed.
unsafe impl Send for ThreadPointer {}

static RUNTIME: OnceLock<Runtime> = OnceLock::new();

thread_local! {
    static CURRENT: Cell<*const Thread> = const { Cell::new(std::ptr::null()) };
    /// [`native_limit`], once it was asked for.
    static NATIVE_LIMIT: Cell<usize> = const { Cell::new(0) };
}

struct Hooks;

impl Embedder for Hooks {
    fn trace_roots(&self, tracer: &mut Tracer) {
        let Some(runtime) = RUNTIME.get() else { return };
        crate::root::trace(tracer);
        runtime.interned.trace(tracer);
        runtime.arrived.trace(tracer);
        runtime.saved_garbage.lock().iter().for_each(|v| tracer.value(*v));
        runtime.interpreters.lock().iter().for_each(|i| i.trace(tracer));
        for p in runtime.threads.lock().iter() {
            // SAFETY: threads in the list are alive, and stand still while roots are traced.
            trace_thread(unsafe { &*p.0 }, tracer);
        }
    }

    fn queue_finalizer(&self, object: Value) {
        if let Some(runtime) = RUNTIME.get() {
            runtime.arrived.push_object(object);
            runtime.request_finalizers();
        }
    }

    fn weakref_cleared(&self, weakref: Value) {
        // The runtime's own weak references, as from a class to its subclasses, are no objects and have no callback.
        if crate::object::ValueExt::shape(weakref) == limpid_heap::ShapeRef::NONE {
            return;
        }
        if let Some(runtime) = RUNTIME.get() {
            runtime.arrived.push_weakref(weakref);
            runtime.request_finalizers();
        }
    }

    fn forget_dead(&self, dead: &Dead) {
        if let Some(runtime) = RUNTIME.get().filter(|_| crate::tier2::is_enabled()) {
            runtime.each_thread(|t| crate::tier2::forget_dead(t, dead));
        }
    }

    fn is_garbage(&self, object: Value) -> bool {
        crate::object::may_be_tracked(object)
    }

    fn saved_garbage(&self, object: Value) {
        if let Some(runtime) = RUNTIME.get() {
            runtime.saved_garbage.lock().push_back(object);
        }
    }

    fn wants_census(&self) -> bool {
        probes::gc__done::enabled() || current().is_some_and(|t| stats::block(t).is_some())
    }

    fn before_collection(&self, generation: Generation) {
        if probes::gc__start::enabled() {
            probes::gc__start::fire(number_told(generation));
        }
    }

    fn after_collection(&self, report: &CollectionReport) {
        if probes::gc__done::enabled() {
            probes::gc__done::fire(report.objects as i64);
        }
        stats::collected(current(), number_told(report.generation) as usize, report);
        let Some(runtime) = RUNTIME.get().filter(|r| r.collection_listener.get().is_some()) else { return };
        if current().is_some_and(|t| t.collecting.get().is_none()) {
            runtime.collections.lock().push(*report);
            runtime.request_finalizers();
        }
    }

    fn watches_allocations(&self) -> bool {
        probes::object__alloc::enabled() || current().is_some_and(|t| stats::block(t).is_some())
    }

    fn allocated(&self, shape: ShapeRef, size: usize) {
        stats::allocated(size);
        if !probes::object__alloc::enabled() {
            return;
        }
        if shape == ShapeRef::NONE {
            probes::object__alloc::fire(c"(storage)".as_ptr(), size as u64);
            return;
        }
        // SAFETY: the shape of a cell that is being allocated is alive, and so is its class.
        let class = unsafe { Ref::<Shape>::from_shape_ref(shape) }.class();
        // The first types get their names when there is a type of strings.
        let name = match class.name.opt() {
            // SAFETY: names of types are strings.
            Some(name) => unsafe { Ref::<Str>::from_value(name) }.data_ptr() as *const _,
            None => c"(unnamed)".as_ptr(),
        };
        probes::object__alloc::fire(name, size as u64);
    }

    fn world_stopped(&self, reason: &'static CStr, _waited: u64, stopped: u64) {
        if probes::stop__world__start::enabled() {
            probes::stop__world__start::fire(reason.as_ptr());
        }
        if probes::stop__world__done::enabled() {
            probes::stop__world__done::fire(stopped);
        }
        stats::world_stopped(current(), stopped);
    }
}

/// Traces what a thread refers to besides its native stack.
fn trace_thread(t: &Thread, tracer: &mut Tracer) {
    use crate::interp::frame::Frame;
    // An interpreter that is not in the list any more has ended, but for this thread.
    if t.interpreter().finalizing.load(Ordering::Relaxed) {
        t.interpreter().trace(tracer);
    }
    for v in [t.exception.get(), t.handled_base.value.get(), t.result.get(), t.context.get(), t.async_exception.get()] {
        tracer.value(v);
    }
    for v in &t.slots {
        tracer.value(v.get());
    }
    crate::tier2::trace_thread(t, tracer);
    // The stack in use ends at the saved top, or, while a generator runs, where the thread's stack was free when it was resumed.
    let fp = Frame(t.fp.get());
    let top = if !fp.is_none() && fp.is_generator() { fp.generator().stack_top.get() } else { t.sp.get() };
    // SAFETY: both ends lie in the thread's interpreter stack.
    unsafe { tracer.range_conservative(t.stack.base() as usize, top as usize) };
    // Running generators write their frames without a barrier, so they are looked at in every collection.
    let mut f = fp;
    while !f.is_none() {
        if f.is_generator() {
            let g = f.generator();
            tracer.value(g.value());
            let low = f.0 as usize - crate::interp::frame::HEADER * 8;
            let high = g.ptr() as usize + limpid_heap::cell_size(g.value());
            // SAFETY: both ends lie in the live generator.
            unsafe { tracer.range_conservative(low, high) };
            tracer.value(g.handled.value.get());
        }
        f = f.previous();
    }
}

impl Runtime {
    /// The process's runtime.
    ///
    /// # Panics
    /// Before [`start`].
    pub fn get() -> &'static Runtime {
        RUNTIME.get().expect("the runtime was started")
    }

    /// The runtime, if it was started.
    pub fn try_get() -> Option<&'static Runtime> {
        RUNTIME.get()
    }

    /// The interpreter that the process has begun with.
    pub fn main_interpreter(&self) -> Arc<Interpreter> {
        self.interpreters.lock()[0].clone()
    }

    /// The str of one character below 256.
    #[inline(always)]
    pub fn latin1_char(&self, c: u8) -> Ref<Str> {
        // SAFETY: all are made at start-up.
        unsafe { Ref::from_value(self.latin1[c as usize].get()) }
    }

    /// Sets a request for every thread.
    pub fn request_all(&self, bit: u32) {
        for p in self.threads.lock().iter() {
            // SAFETY: threads in the list are alive.
            unsafe { &*p.0 }.mutator.eval_breaker.fetch_or(bit, Ordering::AcqRel);
        }
    }

    /// Has the collecting thread, which allocates, see to what the collection has queued: so garbage does not come faster than it goes.
    fn request_finalizers(&self) {
        match current() {
            Some(t) => drop(t.mutator.eval_breaker.fetch_or(request::FINALIZERS, Ordering::AcqRel)),
            None => self.request_main_or_any(request::FINALIZERS),
        }
    }

    /// Sets a request for the main thread, or any other when it is gone. Called with the world stopped.
    fn request_main_or_any(&self, bit: u32) {
        let threads = self.threads.lock();
        let main = self.main_ident.load(Ordering::Relaxed);
        // SAFETY: threads in the list are alive.
        let target = threads.iter().map(|p| unsafe { &*p.0 }).find(|t| t.ident.get() == main);
        // SAFETY: as above.
        if let Some(t) = target.or_else(|| threads.first().map(|p| unsafe { &*p.0 })) {
            t.mutator.eval_breaker.fetch_or(bit, Ordering::AcqRel);
        }
    }

    /// Calls a function with every thread while none can end.
    pub fn each_thread(&self, mut f: impl FnMut(&Thread)) {
        for p in self.threads.lock().iter() {
            // SAFETY: threads in the list are alive.
            f(unsafe { &*p.0 });
        }
    }

    /// Calls a function with the threads, newest first, `most` of them, while none can end; does not wait for that: false if it is not
    /// possible.
    pub fn try_each_thread(&self, most: usize, mut f: impl FnMut(&Thread)) -> bool {
        let Some(threads) = self.threads.try_lock() else { return false };
        for p in threads.iter().rev().take(most) {
            // SAFETY: threads in the list are alive.
            f(unsafe { &*p.0 });
        }
        true
    }

    /// How many threads there are.
    pub fn thread_count(&self) -> usize {
        self.threads.lock().len()
    }

    /// Sends a request to the main thread. Not for signal handlers: see [`request_main_thread`].
    pub fn request_main(&self, bit: u32) {
        self.request_main_or_any(bit);
    }

    fn reserve_bytecode_index(&self) -> u32 {
        let mut indices = self.bytecode_indices.lock();
        let index = (0..).find(|i| !indices.used.contains(i)).unwrap_or(0);
        indices.used.insert(index);
        indices.most = indices.most.max(indices.used.len());
        index
    }

    /// Gives a thread's index back. When far fewer threads are left than there were, their copies of the code go.
    fn release_bytecode_index(&self, t: &Thread) {
        let mut indices = self.bytecode_indices.lock();
        indices.used.remove(&t.bytecode_index.get());
        let left = indices.used.len();
        let are_few = left * 2 + SPARE_COPIES < indices.most;
        if are_few {
            indices.most = left;
        }
        drop(indices);
        if are_few {
            code_copies::drop_unused(t, self);
        }
    }

    /// The indices of the threads there are.
    pub(crate) fn bytecode_indices_in_use(&self) -> HashSet<u32> {
        self.bytecode_indices.lock().used.clone()
    }
}

/// The serial number of the next thread.
static NEXT_SERIAL: AtomicU64 = AtomicU64::new(1);

/// The main thread, for signal handlers: they may take no lock.
static MAIN_THREAD: AtomicPtr<Thread> = AtomicPtr::new(std::ptr::null_mut());

/// Sends a request to the main thread. Safe in a signal handler.
pub fn request_main_thread(bit: u32) {
    // SAFETY: the pointer is taken away before the thread is freed, which happens at the end of the process or in a child after a fork.
    if let Some(t) = unsafe { MAIN_THREAD.load(Ordering::Acquire).as_ref() } {
        t.mutator.eval_breaker.fetch_or(bit, Ordering::AcqRel);
    }
}

/// The thread that is attached to this OS thread.
pub fn current() -> Option<&'static Thread> {
    // SAFETY: set while the thread lives, to itself.
    unsafe { CURRENT.get().as_ref() }
}

/// Makes a Thread for the current OS thread, which is new, and attaches it. If there is one other thread, it waits for that.
pub fn attach(interpreter: Arc<Interpreter>, stack: InterpreterStack) -> &'static Thread {
    let t = begin(interpreter, stack);
    LIVE.threads_started.add(1);
    if probes::thread__start::enabled() {
        // SAFETY: always succeeds.
        probes::thread__start::fire(unsafe { libc::gettid() } as u64);
    }
    t
}

/// Makes a Thread for the current OS thread and attaches it. If that has one already, it waits.
pub(crate) fn begin(interpreter: Arc<Interpreter>, stack: InterpreterStack) -> &'static Thread {
    let runtime = Runtime::get();
    let t: &'static Thread = Box::leak(Box::new(Thread {
        mutator: Mutator::new(),
        pc: Cell::new(std::ptr::null()),
        sp: Cell::new(stack.base()),
        fp: Cell::new(std::ptr::null_mut()),
        entries: Cell::new(std::ptr::null()),
        stack_limit: Cell::new(stack.end().wrapping_sub(4096)),
        table: Cell::new(interpreter.table.load(Ordering::Acquire) as *const ()),
        tier2: Cell::new(std::ptr::null_mut()),
        leave_trace: Cell::new(0),
        trace_frame: Cell::new(std::ptr::null_mut()),
        attribute_cache: AttributeCache::new(),
        noted_jump: NotedJump::new(),
        tracing: Cell::new(0),
        event: Cell::new(None),
        redirected: Cell::new(None),
        reraising: Cell::new(false),
        bytecode_index: Cell::new(runtime.reserve_bytecode_index()),
        runs: Runs::none(),
        loop_stack: Cell::new(0),
        depth: Cell::new(0),
        depth_limit: Cell::new(interpreter.recursion_limit.load(Ordering::Relaxed)),
        reraised_at: Cell::new(None),
        left_at: Cell::new(std::ptr::null()),
        result: Cell::new(Value::NULL),
        exception: Cell::new(Value::NULL),
        handled: Cell::new(std::ptr::null()),
        handled_base: HandledException::new(),
        native_limit: Cell::new(native_limit()),
        stack,
        async_exception: Slot::NULL,
        stats: Cell::new(std::ptr::null_mut()),
        stats_kept: Cell::new(std::ptr::null_mut()),
        serial: NEXT_SERIAL.fetch_add(1, Ordering::Relaxed),
        // SAFETY: always succeeds.
        ident: Cell::new(unsafe { libc::pthread_self() } as u64),
        // SAFETY: always succeeds.
        native_id: Cell::new(unsafe { libc::gettid() } as u64),
        next: AtomicPtr::new(std::ptr::null_mut()),
        context: Cell::new(Value::NULL),
        slots: [const { Cell::new(Value::NULL) }; ThreadSlot::COUNT],
        collecting: Cell::new(None),
        finalizing: Cell::new(false),
        interrupt: Cell::new(Value::NULL.bits()),
        repr_stack: UnsafeCell::new(Vec::new()),
        method_cache: MethodCache::new(),
        runtime,
        interpreter_id: interpreter.id,
        interpreter,
    }));
    t.handled.set(&t.handled_base);
    if !runtime.specializes {
        t.bytecode_index.set(0);
    }
    // SAFETY: the thread is leaked, so it stays where it is, and belongs to this OS thread.
    unsafe { t.mutator.attach() };
    let mut threads = runtime.threads.lock();
    threads.push(ThreadPointer(t));
    publish(&threads);
    limpid_heap::set_alone(threads.len() == 1);
    drop(threads);
    CURRENT.set(t);
    t.table.set(dispatch::usual_table(t).cast());
    t
}

/// This thread goes on, which has waited while another one of the same thread of the system ran.
pub(crate) fn resume(t: &Thread) {
    CURRENT.set(t);
}

/// Tells readers outside the process which threads there are.
fn publish(threads: &[ThreadPointer]) {
    // SAFETY: threads in the list are alive.
    stack_offsets::publish(threads.iter().map(|p| unsafe { &*p.0 }));
}

/// The number that Python programs know a generation by: everything is 2, there is nothing in between.
pub fn generation_number(generation: Generation) -> i32 {
    match generation {
        Generation::Young => 0,
        Generation::Full => 2,
    }
}

/// As [`generation_number`], or as the program has called what it wants to be collected.
fn number_told(generation: Generation) -> i32 {
    current().and_then(|t| t.collecting.get()).unwrap_or(generation_number(generation))
}

/// The lowest address native calls of this thread may reach.
fn native_limit() -> usize {
    if NATIVE_LIMIT.get() == 0 {
        NATIVE_LIMIT.set(find_native_limit());
    }
    NATIVE_LIMIT.get()
}

fn find_native_limit() -> usize {
    // SAFETY: plain queries of this thread's attributes.
    unsafe {
        let mut attr: libc::pthread_attr_t = std::mem::zeroed();
        if libc::pthread_getattr_np(libc::pthread_self(), &mut attr) != 0 {
            return 0;
        }
        let (mut low, mut size) = (std::ptr::null_mut(), 0);
        libc::pthread_attr_getstack(&attr, &mut low, &mut size);
        libc::pthread_attr_destroy(&mut attr);
        low as usize + NATIVE_STACK_RESERVE.min(size / 4)
    }
}

/// Detaches the current thread for good: the thread of the system ends.
pub fn detach(t: &'static Thread) {
    if probes::thread__exit::enabled() {
        // SAFETY: always succeeds.
        probes::thread__exit::fire(unsafe { libc::gettid() } as u64);
    }
    LIVE.threads_ended.add(1);
    drop(finish(t));
}

/// Detaches and frees the current thread, but for its stack.
pub(crate) fn finish(t: &'static Thread) -> InterpreterStack {
    for slot in [ThreadSlot::TraceFunction, ThreadSlot::ProfileFunction] {
        if t.slot(slot).is_some() {
            instrument::legacy::set_function(t, slot, Value::NULL);
        }
    }
    stats::flush(t);
    stats::discard(t);
    crate::tier2::forget(t);
    let runtime = t.runtime();
    CURRENT.set(std::ptr::null());
    let this = std::ptr::from_ref(t).cast_mut();
    if MAIN_THREAD.compare_exchange(this, std::ptr::null_mut(), Ordering::AcqRel, Ordering::Relaxed).is_ok() {
        remote::close();
    }
    let mut threads = runtime.threads.lock();
    threads.retain(|p| !std::ptr::eq(p.0, t));
    publish(&threads);
    limpid_heap::set_alone(threads.len() == 1);
    drop(threads);
    if runtime.specializes {
        runtime.release_bytecode_index(t);
    }
    finalization::leave_to_others(t, runtime);
    t.mutator.detach_for_exit();
    // SAFETY: leaked in `begin`; it is in no list any more.
    let thread = unsafe { Box::from_raw(std::ptr::from_ref(t).cast_mut()) };
    thread.stack
}

/// A daemon thread meets the end of the interpreter: it sleeps until the process ends.
pub fn leave_daemon(t: &Thread) -> ! {
    t.mutator.blocking(|| {
        loop {
            std::thread::park();
        }
    })
}

/// A function that is told of a collection, where Python code may run.
pub type CollectionListener = fn(&Thread, &CollectionReport);

/// From now on this function is told of each collection that happens because memory was allocated, some time after it.
pub fn listen_to_collections(t: &Thread, listener: CollectionListener) {
    // The first one stays: there is only one that ever listens.
    let _ = t.runtime().collection_listener.set(listener);
}

/// Collects, without telling the listener.
pub fn collect(t: &Thread, generation: Generation) -> CollectionReport {
    // SAFETY: nothing is promised.
    unsafe { collect_as(t, generation_number(generation), Request { generation, census: true, save: false, stack_from: 0 }) }
}

/// As [`collect`], with all that can be said about it. Tools are told that it is the generation of this number.
///
/// # Safety
/// As [`limpid_heap::collect_as`].
pub unsafe fn collect_as(t: &Thread, number: i32, request: Request) -> CollectionReport {
    let before = t.collecting.replace(Some(number));
    limpid_heap::clear_dead_stack();
    // SAFETY: by contract.
    let report = unsafe { limpid_heap::collect_as(&t.mutator, request) };
    t.collecting.set(before);
    report
}

/// Forgets an object that a collection has saved and returns it; see [`Request::save`].
pub fn next_saved_garbage(t: &Thread) -> Option<Value> {
    t.runtime().saved_garbage.lock().pop_front()
}

/// Tells the listener of the collections that it has not heard of.
pub(crate) fn tell_of_collections(t: &Thread) {
    let runtime = t.runtime();
    if let Some(listener) = runtime.collection_listener.get() {
        let reports = std::mem::take(&mut *runtime.collections.lock());
        reports.iter().for_each(|report| listener(t, report));
    }
}

/// Starts the runtime and its main interpreter: heap, types, builtins and sys, but no import system yet. Once in a process.
pub fn start(options: Options, frozen: FrozenLibrary) -> &'static Thread {
    let stress = Stress { every: options.gc_stress.unwrap_or(0), all_slow: false };
    let config = Config { limit: options.heap_limit, stress, poison: options.gc_stress.is_some(), ..Config::default() };
    limpid_heap::init(config, &Hooks);
    limpid_heap::register_tracer(crate::types::dict::table::TABLE_KIND, crate::types::dict::table::trace);
    limpid_heap::register_tracer(crate::types::generator::GENERATOR_KIND, crate::types::generator::trace);
    crate::types::register_tracers();
    crate::protocol::hash::init_key(options.hash_seed);
    let counts = options.stats;
    let runtime = Runtime {
        specializes: options.tlbc,
        frozen,
        interned: InternTable::default(),
        empty_tuple: Root::new(),
        memory_error: Root::new(),
        latin1: [const { Root::new() }; 256],
        options,
        signal_handler: OnceLock::new(),
        interrupt: OnceLock::new(),
        main_ident: AtomicU64::new(0),
        interpreters: Mutex::new(Vec::new()),
        life: OnceLock::new(),
        threads: Mutex::new(Vec::new()),
        bytecode_indices: Mutex::default(),
        arrived: finalization::Queue::new(),
        saved_garbage: Mutex::new(VecDeque::new()),
        collections: Mutex::new(Vec::new()),
        collection_listener: OnceLock::new(),
    };
    assert!(RUNTIME.set(runtime).is_ok(), "the runtime is started once");
    let runtime = Runtime::get();
    let interpreter = Interpreter::new(Permissions::ALL, counts);
    runtime.interpreters.lock().push(interpreter.clone());
    let Some(stack) = InterpreterStack::new() else {
        eprintln!("Fatal Python error: no memory for the interpreter's stack");
        std::process::exit(1);
    };
    let t = attach(interpreter, stack);
    runtime.main_ident.store(t.ident.get(), Ordering::Relaxed);
    MAIN_THREAD.store(std::ptr::from_ref(t).cast_mut(), Ordering::Release);
    remote::open(t);
    builtin::init(t);
    t
}

/// Makes the strings of one character. Part of the set-up of types: str must exist.
pub(crate) fn create_characters(t: &Thread) -> R<()> {
    let runtime = t.runtime();
    for c in 0..=255u8 {
        let s = Str::from_latin1(t, &[c])?;
        let s = crate::types::str::intern_value(t, s.value())?;
        runtime.latin1[c as usize].set(s);
    }
    Ok(())
}

/// `sys.modules`
pub fn modules(t: &Thread) -> Ref<Dict> {
    // SAFETY: set at start-up to a dict, and only replaced by dicts.
    unsafe { Ref::from_value(t.interpreter().modules.get()) }
}

/// After a fork, in the child: only the calling thread is left.
pub fn after_fork_child(t: &Thread) {
    probes::after_fork_child();
    crate::tier2::after_fork(t);
    stats::after_fork_child(t);
    let runtime = t.runtime();
    // SAFETY: always succeeds.
    t.native_id.set(unsafe { libc::gettid() } as u64);
    let mut threads = runtime.threads.lock();
    // SAFETY: threads in the list are alive. Those with the same identity wait for this one further up its stack.
    threads.retain(|p| unsafe { &*p.0 }.ident.get() == t.ident.get());
    publish(&threads);
    limpid_heap::set_alone(threads.len() == 1);
    drop(threads);
    // The task runs in the other process.
    t.set_slot(ThreadSlot::RunningTask, Value::NULL);
    crate::modules::thread::after_fork_child(t);
    crate::modules::warnings::after_fork_child(t);
    crate::modules::imp::after_fork_child(t);
    runtime.main_ident.store(t.ident.get(), Ordering::Relaxed);
    MAIN_THREAD.store(std::ptr::from_ref(t).cast_mut(), Ordering::Release);
    remote::open(t);
    let mut indices = runtime.bytecode_indices.lock();
    indices.used.clear();
    indices.used.insert(t.bytecode_index.get());
}
