//! `_thread`: starting threads, locks, thread-local data.

mod handle;
mod local;
mod lock;

use crate::args::FnDef;
use crate::exc;
use crate::finalization;
use crate::interpreter_stack::InterpreterStack;
use crate::modules::ModuleDef;
use crate::names;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::call;
use crate::runtime;
use crate::sync::{self, futex};
use crate::thread::{NATIVE_STACK_RESERVE, Thread, request};
use crate::types::struct_sequence::StructSequenceDef;
use crate::types::{Bytes, Dict, Module, Tuple, int, type_};
use limpid_heap::Value;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

pub use lock::{LOCK, Lock, RLOCK, acquire_now, new_lock};

/// `_thread`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "This module provides primitive operations to write multi-threaded programs.\nThe 'threading' module provides a more convenient interface.",
    functions: &[
        FnDef::def("start_new_thread", "function, args, kwargs={}, /", start_new_thread),
        FnDef::def("start_new", "function, args, kwargs={}, /", start_new_thread),
        FnDef::def("start_joinable_thread", "function, handle=None, daemon=True", start_joinable_thread),
        FnDef::def("daemon_threads_allowed", "", |t, _| Ok(Value::bool(t.interpreter().permissions.daemon_threads))),
        FnDef::def("allocate_lock", "", |t, _| Ok(new_lock(t))),
        FnDef::def("allocate", "", |t, _| Ok(new_lock(t))),
        FnDef::def("get_ident", "", |t, _| Ok(int::from_u64(t, t.ident.get()))),
        // SAFETY: always succeeds.
        FnDef::def("get_native_id", "", |_, _| Ok(Value::int(unsafe { libc::gettid() } as i64))),
        FnDef::def("_get_main_thread_ident", "", |t, _| Ok(int::from_u64(t, t.runtime().main_ident.load(Ordering::Relaxed)))),
        FnDef::def("_is_main_interpreter", "", |t, _| Ok(Value::bool(t.interpreter().is_main()))),
        FnDef::def("_count", "", |t, _| Ok(Value::int(running(t) as i64))),
        FnDef::def("stack_size", "size=0, /", stack_size),
        FnDef::def("exit", "", exit_thread),
        FnDef::def("exit_thread", "", exit_thread),
        FnDef::def("interrupt_main", "signum=2, /", interrupt_main),
        FnDef::def("_shutdown", "", |t, _| shutdown(t).map(|()| Value::NONE)),
        FnDef::def("_make_thread_handle", "ident, /", handle::make_done),
        FnDef::def("_excepthook", "args, /", excepthook),
        FnDef::def("set_name", "name", set_name).doc("Set the name of the current thread."),
        FnDef::def("_get_name", "", get_name).doc("Get the name of the current thread."),
    ],
    init,
    ..ModuleDef::named("_thread")
};

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    let dict = m.dict();
    for (cell, def, names) in [
        (&lock::LOCK, &lock::LOCK_DEF, &["lock", "LockType"][..]),
        (&lock::RLOCK, &lock::RLOCK_DEF, &["RLock"][..]),
        (&handle::HANDLE, &handle::HANDLE_DEF, &["_ThreadHandle"][..]),
        (&local::LOCAL, &local::LOCAL_DEF, &["_local"][..]),
    ] {
        let class = type_::create_native(t, def, cell)?;
        for name in names {
            dict.set_text(t, name, class.value())?;
        }
    }
    dict.set_text(t, "error", exc::RuntimeError.value())?;
    dict.set_text(t, "_NAME_MAXLEN", Value::int(NAME_MAXLEN as i64))?;
    dict.set_text(t, "TIMEOUT_MAX", Value::float(lock::TIMEOUT_MAX))?;
    let args = crate::types::struct_sequence::make_type(t, &EXCEPT_HOOK_ARGS)?;
    dict.set_text(t, "_ExceptHookArgs", args.value())
}

static EXCEPT_HOOK_ARGS: StructSequenceDef = StructSequenceDef {
    name: "_thread._ExceptHookArgs",
    doc: "What threading.excepthook is called with.",
    fields: &[
        ("exc_type", "Exception type"),
        ("exc_value", "Exception value"),
        ("exc_traceback", "Exception traceback"),
        ("thread", "Thread"),
    ],
    visible: 4,
    instantiable: true,
};

/// The threads that the programs of an interpreter have started.
#[derive(Default)]
pub struct Threads {
    /// How many run.
    running: AtomicUsize,
    /// Those that the end of the interpreter waits for.
    join_at_exit: Mutex<Vec<Arc<Done>>>,
}

/// The stack of new threads in bytes; 0 is the default.
static STACK_SIZE: AtomicUsize = AtomicUsize::new(0);
/// The default: as much as the main thread has on most systems.
const DEFAULT_STACK: usize = 8 << 20;
/// What a thread gets whose program asks for less.
const LEAST_STACK: usize = 512 << 10;

/// What other threads may wait for: the end of a thread. There is no lock in it, which a fork could leave behind locked.
#[derive(Default)]
pub struct Done {
    /// The thread's identity, set by itself before it runs anything: who starts it may hear of it later.
    ident: AtomicU64,
    /// 1 when it is over.
    finished: AtomicU32,
}

/// All that may not have happened yet.
static AHEAD: Mutex<Vec<Weak<Done>>> = Mutex::new(Vec::new());

impl Done {
    /// The end of a thread that is running or about to, as `ident` if that is known.
    fn ahead(ident: u64) -> Arc<Done> {
        let done = Arc::new(Done { ident: AtomicU64::new(ident), ..Done::default() });
        let mut list = AHEAD.lock();
        list.retain(|other| other.upgrade().is_some_and(|done| !done.is_set()));
        list.push(Arc::downgrade(&done));
        done
    }

    fn set(&self) {
        self.finished.store(1, Ordering::Release);
        futex::wake_all(&self.finished);
    }

    fn is_set(&self) -> bool {
        self.finished.load(Ordering::Acquire) != 0
    }

    /// Waits, at most for so long; is it over?
    fn wait(&self, most: Duration) -> bool {
        if !self.is_set() && !most.is_zero() {
            futex::wait(&self.finished, 0, most);
        }
        self.is_set()
    }
}

/// How many threads that this module has made run in the interpreter.
pub fn running(t: &Thread) -> usize {
    t.interpreter().threads.running.load(Ordering::Relaxed)
}

/// The thread ends: its attributes of thread-local objects go.
pub(crate) fn forget_locals(t: &Thread) {
    local::forget_thread(t);
}

/// After a fork, in the child: all threads but this one are over.
pub fn after_fork_child(t: &Thread) {
    sync::after_fork_child();
    let is_main = t.runtime().main_ident.load(Ordering::Relaxed) == t.ident.get();
    t.interpreter().threads.running.store(if is_main { 0 } else { 1 }, Ordering::Relaxed);
    for done in AHEAD.lock().iter().filter_map(Weak::upgrade) {
        if done.ident.load(Ordering::Acquire) != t.ident.get() {
            done.set();
        }
    }
}

/// What the new thread needs, kept alive by being a root until it has taken it.
struct Start {
    function: Value,
    args: Value,
    kwargs: Value,
}
// SAFETY: the values are kept alive by the starter, which waits until the thread has them on its own stack.
unsafe impl Send for Start {}

/// Starts a thread that calls `function`; `started` is told its identity.
fn spawn(
    t: &Thread,
    function: Value,
    args: Ref<Tuple>,
    kwargs: Option<Ref<Dict>>,
    done: Arc<Done>,
    on_error: fn(&Thread, Value),
) -> R<u64> {
    if !t.interpreter().permissions.threads {
        done.set();
        raise!(t, RuntimeError, "thread is not supported for isolated subinterpreters");
    }
    if t.interpreter().finalizing.load(Ordering::Acquire) {
        done.set();
        raise!(t, PythonFinalizationError, "can't create new thread at interpreter shutdown");
    }
    let start = Start { function, args: args.value(), kwargs: kwargs.map_or(Value::NULL, |d| d.value()) };
    let Some(stack) = InterpreterStack::new() else {
        done.set();
        raise!(t, RuntimeError, "can't start new thread");
    };
    let (tell, told) = std::sync::mpsc::sync_channel::<u64>(1);
    let size = match STACK_SIZE.load(Ordering::Relaxed) {
        0 => DEFAULT_STACK,
        n => (n + NATIVE_STACK_RESERVE).max(LEAST_STACK),
    };
    let finished = done.clone();
    let interpreter = t.interpreter().clone();
    let spawned = std::thread::Builder::new().stack_size(size).spawn(move || {
        // The whole of it moves in, not its fields: they are on this stack from here on.
        let start = start;
        let t = runtime::attach(interpreter, stack);
        let Start { function, args, kwargs } = start;
        t.interpreter().threads.running.fetch_add(1, Ordering::Relaxed);
        finished.ident.store(t.ident.get(), Ordering::Release);
        let _ = tell.send(t.ident.get());
        // SAFETY: the starter has passed a tuple, and a dict or NULL.
        let (args, kwargs) = unsafe { (Ref::<Tuple>::from_value(args), kwargs.non_null().map(|d| Ref::<Dict>::from_value(d))) };
        if call::call_unpacked(t, function, args, kwargs).is_err() {
            on_error(t, function);
        }
        forget_locals(t);
        finalization::run(t);
        t.interpreter().threads.running.fetch_sub(1, Ordering::Relaxed);
        runtime::detach(t);
        finished.set();
    });
    if spawned.is_err() {
        done.set();
        raise!(t, RuntimeError, "can't start new thread");
    }
    // Until the new thread has answered, this frame keeps what it was given alive.
    let ident = t.blocking(|| told.recv());
    limpid_heap::keep_alive((function, args.value(), kwargs.map_or(Value::NULL, |d| d.value())));
    ident.map_err(|_| err!(t, RuntimeError, "can't start new thread"))
}

/// An exception that a thread's function let out.
fn report_error(t: &Thread, function: Value) {
    if t.exception_is(exc::SystemExit) {
        t.take_exception();
        return;
    }
    crate::error_report::unraisable(t, function);
}

fn start_new_thread(t: &Thread, a: &[Value]) -> R {
    if !call::is_callable(a[0]) {
        raise!(t, TypeError, "first arg must be callable");
    }
    let Some(args) = a[1].downcast::<Tuple>() else { raise!(t, TypeError, "2nd arg must be a tuple") };
    let kwargs = match a[2].non_null() {
        None => None,
        Some(k) => match k.downcast::<Dict>() {
            Some(d) => Some(d),
            None => raise!(t, TypeError, "optional 3rd arg must be a dictionary"),
        },
    };
    let ident = spawn(t, a[0], args, kwargs, Done::ahead(0), report_error)?;
    Ok(int::from_u64(t, ident))
}

fn start_joinable_thread(t: &Thread, a: &[Value]) -> R {
    if !call::is_callable(a[0]) {
        raise!(t, TypeError, "thread function must be callable");
    }
    let handle = match a[1].non_null().filter(|h| !h.is_none()) {
        Some(h) => match h.exact::<handle::Handle>() {
            Some(h) => h,
            None => raise!(t, TypeError, "'handle' must be a _ThreadHandle"),
        },
        None => handle::new(t),
    };
    let daemon = a[2].is_null() || crate::protocol::truth::truth(t, a[2])?;
    if daemon && !t.interpreter().permissions.daemon_threads {
        raise!(t, RuntimeError, "daemon threads are disabled in this (sub)interpreter");
    }
    let done = Done::ahead(0);
    if !handle.begin(done.clone()) {
        raise!(t, RuntimeError, "thread already started");
    }
    if !daemon {
        let mut list = t.interpreter().threads.join_at_exit.lock();
        list.retain(|d| !d.is_set());
        list.push(done.clone());
    }
    match spawn(t, a[0], Tuple::from_slice(t, &[]), None, done, report_error) {
        Ok(_) => Ok(handle.value()),
        Err(raised) => {
            handle.reset();
            Err(raised)
        }
    }
}

/// Waits for the end of all threads that are not daemons.
pub fn shutdown(t: &Thread) -> R<()> {
    loop {
        let next = t.interpreter().threads.join_at_exit.lock().pop();
        let Some(done) = next else { return Ok(()) };
        wait(t, &done, None)?;
    }
}

/// How long a thread waits before it looks whether there is something else to do.
const SLICE: Duration = Duration::from_millis(20);

/// How long a thread waits already, in [`SLICE`]s.
struct Waited {
    slices: u32,
    /// When it looks next whether the whole program is waiting.
    next_look: u32,
}

impl Waited {
    const FIRST_LOOK: u32 = 15;
    /// Another thread may just have been about to wait again.
    const LOOK_AGAIN: u32 = 3;
    /// Once the whole program was found waiting the next look is so many times later: what is done meanwhile is little.
    const LATER: u32 = 16;

    fn begin() -> Waited {
        Waited { slices: 0, next_look: Waited::FIRST_LOOK }
    }

    /// What a thread does after each slice that it has waited.
    fn next_slice(&mut self, t: &Thread) -> R<()> {
        self.slices = self.slices.saturating_add(1);
        if self.slices == self.next_look {
            let seen = limpid_heap::policy::when_idle(&t.mutator);
            self.next_look = if seen { self.slices.saturating_mul(Waited::LATER) } else { self.slices.saturating_add(Waited::LOOK_AGAIN) };
        }
        t.poll()
    }
}

/// Waits for the end of a thread; false when time is over.
fn wait(t: &Thread, done: &Done, timeout: Option<Duration>) -> R<bool> {
    let deadline = timeout.map(|d| Instant::now() + d);
    let mut waited = Waited::begin();
    loop {
        let slice = match deadline {
            None => SLICE,
            Some(d) => d.saturating_duration_since(Instant::now()).min(SLICE),
        };
        if t.blocking(|| done.wait(slice)) {
            return Ok(true);
        }
        if deadline.is_some_and(|d| Instant::now() >= d) {
            return Ok(false);
        }
        waited.next_slice(t)?;
    }
}

fn stack_size(t: &Thread, a: &[Value]) -> R {
    let n = if a[0].is_null() { 0 } else { int::to_i64(t, a[0])? };
    let old = STACK_SIZE.load(Ordering::Relaxed);
    if !a[0].is_null() {
        if n < 0 {
            raise!(t, ValueError, "size must be 0 or a positive value");
        }
        if n != 0 && n < 32768 {
            raise!(t, ValueError, "size not valid: {n} bytes");
        }
        STACK_SIZE.store(n as usize, Ordering::Relaxed);
    }
    Ok(Value::int(old as i64))
}

fn exit_thread(t: &Thread, _: &[Value]) -> R {
    Err(t.raise_with(exc::SystemExit, &[]))
}

fn interrupt_main(t: &Thread, a: &[Value]) -> R {
    let signal = if a[0].is_null() { libc::SIGINT as i64 } else { int::to_i64(t, a[0])? };
    if !(1..=64).contains(&signal) {
        raise!(t, ValueError, "signal number out of range");
    }
    if let Some(interrupt) = t.runtime().interrupt.get() {
        interrupt(signal as i32);
        t.runtime().request_main(request::SIGNAL);
    }
    // In the main thread it happens at once.
    t.poll()?;
    Ok(Value::NONE)
}

/// As much of a thread's name as the system keeps, in bytes.
const NAME_MAXLEN: usize = 15;

fn set_name(t: &Thread, a: &[Value]) -> R {
    let name = crate::protocol::text::str_of(t, a[0])?;
    let encoded = call::call_method(t, name.value(), names::encode, &[names::utf_8, names::replace])?;
    // SAFETY: what a str encodes to is bytes.
    let encoded = unsafe { Ref::<Bytes>::from_value(encoded) };
    let mut bytes: Vec<u8> = encoded.as_slice().iter().copied().take_while(|b| *b != 0).take(NAME_MAXLEN).collect();
    bytes.push(0);
    // SAFETY: a NUL-terminated string of at most 16 bytes, for this thread.
    unsafe { libc::pthread_setname_np(libc::pthread_self(), bytes.as_ptr().cast()) };
    Ok(Value::NONE)
}

fn get_name(t: &Thread, _: &[Value]) -> R {
    let mut bytes = [0; NAME_MAXLEN + 1];
    // SAFETY: the system writes at most so many bytes, the last of them 0.
    if unsafe { libc::pthread_getname_np(libc::pthread_self(), bytes.as_mut_ptr().cast(), bytes.len()) } != 0 {
        bytes[0] = 0;
    }
    let len = bytes.iter().position(|b| *b == 0).unwrap_or(NAME_MAXLEN);
    call::call_method(t, Bytes::from_slice(t, &bytes[..len])?.value(), names::decode, &[names::utf_8, names::surrogateescape])
}

fn excepthook(t: &Thread, a: &[Value]) -> R {
    let args = a[0];
    let field = |i: i64| crate::protocol::sequence::get_item(t, args, Value::int(i));
    let (kind, value, traceback, thread) = (field(0)?, field(1)?, field(2)?, field(3)?);
    if kind == exc::SystemExit.value() {
        return Ok(Value::NONE);
    }
    crate::error_report::thread_exception(t, value, traceback, thread)?;
    Ok(Value::NONE)
}
