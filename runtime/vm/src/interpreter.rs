//! An interpreter: what Python programs of one process have for themselves, each with its own modules.
//!
//! The process begins with one, the *main* one. Each [`Thread`] belongs to one interpreter for its whole life. What is not here is shared by
//! all of them ([`crate::runtime`]): the heap with its collector, the interned strings, the native types and what can never change. Values
//! that native modules keep for an interpreter are in its table of [`InterpreterRoot`](crate::root::InterpreterRoot)s.

use crate::instrument::Instrumentation;
use crate::interp::dispatch;
use crate::root::{Held, ROOTS};
use crate::thread::Thread;
use limpid_heap::Tracer;
use limpid_pystats::model::Stats;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, AtomicPtr, Ordering};

/// See the module's page.
pub struct Interpreter {
    /// `0` is the main interpreter; a number is never used again.
    pub id: i64,
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
}

static NEXT_ID: AtomicI64 = AtomicI64::new(0);

impl Interpreter {
    /// A new interpreter without modules.
    pub(crate) fn new(counts: bool) -> Arc<Interpreter> {
        Arc::new(Interpreter {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            builtins: Held::new(),
            builtin_len: Held::new(),
            builtin_isinstance: Held::new(),
            sys_dict: Held::new(),
            modules: Held::new(),
            importlib: Held::new(),
            roots: [const { Held::new() }; ROOTS],
            instrumentation: Instrumentation::default(),
            table: AtomicPtr::new((&raw const dispatch::PLAIN).cast_mut()),
            counts: AtomicBool::new(counts),
            stats: Mutex::new(Box::default()),
            coroutine_origin_depth: AtomicI32::new(0),
            finalizing: AtomicBool::new(false),
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

    /// Hands what it holds to the collector.
    pub(crate) fn trace(&self, tracer: &mut Tracer) {
        let own = [&self.builtins, &self.builtin_len, &self.builtin_isinstance, &self.sys_dict, &self.modules, &self.importlib];
        own.into_iter().chain(&self.roots).for_each(|held| tracer.value(held.get()));
    }
}
