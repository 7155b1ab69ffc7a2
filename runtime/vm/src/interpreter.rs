//! An interpreter: what Python programs of one process have for themselves, each with its own modules.
//!
//! The process begins with one, the *main* one. Each [`Thread`] belongs to one interpreter for its whole life. What is not here is shared by
//! all of them ([`crate::runtime`]): the heap with its collector, the interned strings, the native types and what can never change. Values
//! that native modules keep for an interpreter are in its table of [`InterpreterRoot`](crate::root::InterpreterRoot)s.

use crate::collecting::{self, Collecting};
use crate::finalization;
use crate::instrument::Instrumentation;
use crate::interp::dispatch;
use crate::interpreter_stack::InterpreterStack;
use crate::modules::reentrant_lock::ReentrantLock;
use crate::modules::thread::Threads;
use crate::modules::warnings;
use crate::object::{R, ValueExt};
use crate::root::{Held, ROOTS};
use crate::runtime;
use crate::thread::Thread;
use crate::types::Dict;
use crate::types::int::text::DEFAULT_MAX_STR_DIGITS;
use limpid_heap::{Generation, Tracer, Value};
use limpid_pystats::model::Stats;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, AtomicPtr, AtomicU32, AtomicUsize, Ordering};

/// What the programs of an interpreter may do to the process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Permissions {
    /// Fork it.
    pub fork: bool,
    /// Replace it by another program.
    pub exec: bool,
    /// Start threads.
    pub threads: bool,
    /// Start threads that nobody waits for.
    pub daemon_threads: bool,
}

impl Permissions {
    /// Those of the main interpreter.
    pub const ALL: Permissions = Permissions { fork: true, exec: true, threads: true, daemon_threads: true };
}

/// How interpreters besides the main one begin and end; who starts the runtime knows.
pub struct Life {
    /// Makes the modules of a new interpreter, on a thread of it.
    pub start: fn(&Thread) -> R<()>,
    /// Does what a program expects of its end, on a thread of it: joins threads, calls exit functions, writes what is buffered.
    pub end: fn(&Thread),
}

/// See the module's page.
pub struct Interpreter {
    /// `0` is the main interpreter; a number is never used again.
    pub id: i64,
    /// What its programs may do.
    pub permissions: Permissions,
    /// The dict of the module builtins.
    pub builtins: Held,
    /// `len` and `isinstance`, for the specializer.
    pub builtin_len: Held,
    /// See `builtin_len`.
    pub builtin_isinstance: Held,
    /// The dict of the module sys.
    pub sys_dict: Held,
    /// `sys.modules`
    pub modules: Held,
    /// `importlib._bootstrap`
    pub importlib: Held,
    pub(crate) roots: [Held; ROOTS],
    /// What its programs have told the collector.
    pub collecting: Collecting,
    /// What tools want to be told.
    pub instrumentation: Instrumentation,
    /// The dispatch table for plain running, which threads take at their next request unless they count.
    pub table: AtomicPtr<dispatch::Table>,
    /// Are statistics being counted? See [`crate::stats::switch`].
    pub counts: AtomicBool,
    /// What its threads have counted.
    pub stats: Mutex<Box<Stats>>,
    /// `sys.set_coroutine_origin_tracking_depth`
    pub coroutine_origin_depth: AtomicI32,
    /// The interpreter is going down.
    pub finalizing: AtomicBool,
    /// The stack of a thread that has done something here ([`enter`]), for the next.
    spare_stack: Mutex<Option<InterpreterStack>>,
    /// What is to be finalized by its threads.
    pub(crate) finalization: finalization::Queue,
    /// `sys.getrecursionlimit()`
    pub(crate) recursion_limit: AtomicU32,
    /// `sys.get_int_max_str_digits()`: 0 is no limit.
    pub max_str_digits: AtomicUsize,
    /// The import lock.
    pub(crate) import_lock: ReentrantLock,
    /// Who changes the filters of warnings, and how often that has happened.
    pub(crate) warning_filters: warnings::Filters,
    /// The threads that its programs have started.
    pub(crate) threads: Threads,
}

static NEXT_ID: AtomicI64 = AtomicI64::new(0);

/// The recursion limit of a program that sets none.
const DEFAULT_RECURSION_LIMIT: u32 = 1000;

/// Has there never been another than the main interpreter?
pub(crate) fn is_only_one() -> bool {
    NEXT_ID.load(Ordering::Relaxed) <= 1
}

impl Interpreter {
    /// A new interpreter without modules.
    pub(crate) fn new(permissions: Permissions, counts: bool) -> Arc<Interpreter> {
        let max_str_digits = runtime::Runtime::get().options.int_max_str_digits;
        Arc::new(Interpreter {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            permissions,
            builtins: Held::new(),
            builtin_len: Held::new(),
            builtin_isinstance: Held::new(),
            sys_dict: Held::new(),
            modules: Held::new(),
            importlib: Held::new(),
            roots: [const { Held::new() }; ROOTS],
            collecting: Collecting::default(),
            instrumentation: Instrumentation::default(),
            table: AtomicPtr::new((&raw const dispatch::PLAIN).cast_mut()),
            counts: AtomicBool::new(counts),
            stats: Mutex::new(Box::default()),
            coroutine_origin_depth: AtomicI32::new(0),
            finalizing: AtomicBool::new(false),
            spare_stack: Mutex::default(),
            finalization: finalization::Queue::new(),
            recursion_limit: AtomicU32::new(DEFAULT_RECURSION_LIMIT),
            max_str_digits: AtomicUsize::new(max_str_digits.map_or(DEFAULT_MAX_STR_DIGITS, |digits| digits as usize)),
            import_lock: ReentrantLock::default(),
            warning_filters: warnings::Filters::default(),
            threads: Threads::default(),
        })
    }

    /// Is it the one that the process has begun with?
    pub fn is_main(&self) -> bool {
        self.id == 0
    }

    /// Calls a function with every thread that belongs to it, while none can end.
    pub fn each_thread(self: &Arc<Self>, t: &Thread, mut f: impl FnMut(&Thread)) {
        t.runtime().each_thread(|other| {
            if Arc::ptr_eq(other.interpreter(), self) {
                f(other);
            }
        });
    }

    /// Forgets its modules, and finalizes what nothing refers to any more. What native code holds stays: finalizers may come to it.
    fn clear(&self, t: &Thread) {
        runtime::modules(t).clear(t);
        runtime::collect(t, Generation::Full);
        finalization::run(t);
    }

    /// `sys.setrecursionlimit`
    pub(crate) fn set_recursion_limit(self: &Arc<Self>, t: &Thread, limit: u32) {
        self.recursion_limit.store(limit, Ordering::Relaxed);
        self.each_thread(t, |other| other.depth_limit.set(limit));
    }

    /// Calls a function with what it holds.
    pub fn each_held(&self, f: impl FnMut(Value)) {
        let own = [&self.builtins, &self.builtin_len, &self.builtin_isinstance, &self.sys_dict, &self.modules, &self.importlib];
        own.into_iter().chain(&self.roots).map(Held::get).for_each(f);
    }

    /// Hands what it holds to the collector.
    pub(crate) fn trace(&self, tracer: &mut Tracer) {
        self.each_held(|v| tracer.value(v));
        self.instrumentation.trace(tracer);
        self.finalization.trace(tracer);
    }
}

/// Makes an interpreter with the modules that programs find at their start. The error is what went wrong, in words.
pub fn create(t: &Thread, permissions: Permissions) -> Result<Arc<Interpreter>, String> {
    let Some(life) = t.runtime().life.get() else { return Err("the runtime has not been started".to_owned()) };
    let interpreter = Interpreter::new(permissions, t.interpreter().counts.load(Ordering::Relaxed));
    t.runtime().interpreters.lock().push(interpreter.clone());
    collecting::begin(t);
    let started = enter(t, &interpreter, |t| {
        (life.start)(t).map_err(|_| {
            let e = t.take_exception();
            crate::protocol::text::str_of(t, e).map_or_else(|_| String::new(), |s| s.to_string_lossy().into_owned())
        })
    });
    match started {
        Some(Ok(())) => Ok(interpreter),
        Some(Err(message)) => {
            enter(t, &interpreter, |t| interpreter.clear(t));
            forget(t, &interpreter);
            Err(message)
        }
        None => {
            forget(t, &interpreter);
            Err("there is no memory for its stack".to_owned())
        }
    }
}

/// Ends an interpreter whose threads, but for those that nobody waits for, do not run Python code.
pub fn end(t: &Thread, interpreter: &Arc<Interpreter>) {
    let Some(life) = t.runtime().life.get() else { return };
    enter(t, interpreter, |t| {
        (life.end)(t);
        interpreter.finalizing.store(true, Ordering::Release);
        interpreter.clear(t);
    });
    forget(t, interpreter);
}

/// What it holds is garbage once its last thread has ended.
fn forget(t: &Thread, interpreter: &Arc<Interpreter>) {
    // From here on its threads hand to the collector what it holds.
    interpreter.finalizing.store(true, Ordering::Release);
    t.runtime().interpreters.lock().retain(|other| !Arc::ptr_eq(other, interpreter));
    collecting::end(t, interpreter);
    let mut is_left = true;
    interpreter.each_thread(t, |_| is_left = false);
    // Its code does not run any more: finalizers are told by that, too.
    if is_left && let Some(builtins) = interpreter.builtins.get().exact::<Dict>() {
        builtins.clear(t);
    }
}

/// The interpreter with a number, while it exists.
pub fn find(t: &Thread, id: i64) -> Option<Arc<Interpreter>> {
    t.runtime().interpreters.lock().iter().find(|i| i.id == id).cloned()
}

/// All interpreters, the oldest first.
pub fn all(t: &Thread) -> Vec<Arc<Interpreter>> {
    t.runtime().interpreters.lock().clone()
}

/// Runs something as a thread of an interpreter while the current thread waits: this thread of the system has a [`Thread`] for each of the
/// two. None if there is no memory for another.
///
/// A value that `f` is to hand out has to be put somewhere where the collector finds it, see [`Thread::hand_out`]; what it gets from
/// outside is kept by the waiting thread's stack.
pub fn enter<T>(t: &Thread, interpreter: &Arc<Interpreter>, f: impl FnOnce(&Thread) -> T) -> Option<T> {
    let spare = interpreter.spare_stack.lock().take();
    let stack = spare.or_else(InterpreterStack::new)?;
    let interpreter = interpreter.clone();
    Some(t.blocking(|| {
        let inner = runtime::begin(interpreter.clone(), stack);
        finalization::request_if_queued(inner);
        let result = f(inner);
        crate::modules::thread::forget_locals(inner);
        finalization::run(inner);
        let stack = runtime::finish(inner);
        *interpreter.spare_stack.lock() = Some(stack);
        runtime::resume(t);
        result
    }))
}
