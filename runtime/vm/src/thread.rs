//! A thread that runs Python code.
//!
//! [`Thread`] is what every native function gets as its first argument: the heap's mutator, the interpreter's stack and saved registers,
//! the current exception. One exists for each OS thread that is attached; it never moves. Fields that other threads may touch are
//! atomics, everything else belongs to its own thread.

use crate::args::FnDef;
use crate::instrument::deliver::NotedJump;
use crate::instrument::events::Event;
use crate::interp::attribute_cache::AttributeCache;
use crate::interp::frame::{Frame, NativeEntry};
use crate::interpreter::Interpreter;
use crate::interpreter_stack::InterpreterStack;
use crate::object::{Layout, R, Raised, Ref, ValueExt};
use crate::runtime::Runtime;
use crate::types::code_copies::Runs;
use crate::types::{BuiltinFunction, Exception, Type};
use limpid_bytecode::Opcode;
use limpid_heap::{Header, Kind, Mutator, ShapeRef, Value};
use std::cell::{Cell, UnsafeCell};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicU16, Ordering::Relaxed};

/// Requests in [`Mutator::eval_breaker`]; the heap owns bits 0, 1 and 16.
pub mod request {
    /// A signal has arrived and this thread runs the handlers.
    pub const SIGNAL: u32 = 1 << 2;
    /// An exception was sent to this thread by another.
    pub const ASYNC_EXCEPTION: u32 = 1 << 3;
    /// Finalizers or weak reference callbacks are queued.
    pub const FINALIZERS: u32 = 1 << 4;
    /// The interpreter's tables change (statistics, instrumentation): take the new one.
    pub const TABLE: u32 = 1 << 5;
    /// The interpreter is going down: a daemon thread stops here.
    pub const EXIT: u32 = 1 << 6;
    /// Somebody outside of the process has a wish about statistics.
    pub const STATISTICS: u32 = 1 << 7;
    /// Another process has sent a script. The only bit of its byte, which that process writes.
    pub const REMOTE_SCRIPT: u32 = 1 << 8;
}

/// The exception being handled in a frame stack or a generator, `sys.exception()`.
#[repr(C)]
pub struct HandledException {
    /// The exception, or None.
    pub value: Cell<Value>,
    /// The state of whoever resumed this generator.
    pub previous: Cell<*const HandledException>,
}

impl HandledException {
    /// Nothing is being handled.
    pub const fn new() -> HandledException {
        HandledException { value: Cell::new(Value::NONE), previous: Cell::new(std::ptr::null()) }
    }
}

impl Default for HandledException {
    fn default() -> Self {
        Self::new()
    }
}

/// How far natively nested calls may go before they raise RecursionError: bytes left at the end of the native stack, of a small one a
/// quarter.
pub const NATIVE_STACK_RESERVE: usize = 256 << 10;

/// A thread that runs Python code; see the module's page.
#[repr(C)]
pub struct Thread {
    /// Allocation, barrier, requests. First, so that the interpreter's handlers reach it without an offset.
    pub mutator: Mutator,
    /// The instruction that called native code, and the top of the stack and the frame at that moment.
    pub pc: Cell<*const u16>,
    /// See `pc`.
    pub sp: Cell<*mut Value>,
    /// See `pc`.
    pub fp: Cell<*mut Value>,
    /// The calls of frames by native code, innermost first.
    pub(crate) entries: Cell<*const NativeEntry>,
    /// The end of the interpreter stack that frames may use.
    pub stack_limit: Cell<*mut Value>,
    /// The dispatch table in force.
    pub table: Cell<*const ()>,
    /// The state of tier 2, NULL before the first hot loop.
    pub tier2: Cell<*mut crate::tier2::ThreadState>,
    /// A view of a frame's variables was made (`f_locals`), or tools began to watch: machine code, which looks here after whatever may run
    /// Python, is to be left.
    pub leave_trace: Cell<u8>,
    /// The first frame of the machine code that runs; it writes that itself.
    pub trace_frame: Cell<*mut Value>,
    /// Where attributes were found.
    pub attribute_cache: AttributeCache,
    /// For whether a line starts where a jump leads.
    pub noted_jump: NotedJump,
    /// How many callbacks of tools run; they hear of nothing meanwhile.
    pub tracing: Cell<u32>,
    /// The event that a trace or profile function of this thread is being told of, and the frame it concerns.
    pub event: Cell<Option<(Event, Frame)>>,
    /// Where that frame is to go on instead, as a word of its code, and how many values its stack has there.
    pub redirected: Cell<Option<(usize, usize)>>,
    /// The exception being unwound was raised again, not raised.
    pub reraising: Cell<bool>,
    /// Which copy of the bytecode this thread specializes; 0 is the one inside the code object.
    pub bytecode_index: Cell<u32>,
    /// How often it has run what it has no copy of.
    pub(crate) runs: Runs,
    /// Where the native stack was when the innermost interpreter loop was entered, all registers above it. 0 while something other than
    /// handlers of the interpreter, and one native function that a handler has called, may keep values further down.
    pub loop_stack: Cell<usize>,
    /// How deep calls are nested, and the most that is allowed.
    pub depth: Cell<u32>,
    /// See `depth`; `sys.setrecursionlimit`.
    pub depth_limit: Cell<u32>,
    /// Where the exception that is being raised again was raised first, as a word of the current frame's code.
    pub reraised_at: Cell<Option<usize>>,
    /// The instruction that has left an interpreter loop with a value.
    pub left_at: Cell<*const u16>,
    /// The value that leaves an interpreter loop.
    pub result: Cell<Value>,
    /// The raised exception, or NULL.
    pub(crate) exception: Cell<Value>,
    /// The innermost handled exception.
    pub handled: Cell<*const HandledException>,
    /// The bottom of the chain in `handled`.
    pub handled_base: HandledException,
    /// The lowest native stack address calls may reach.
    pub native_limit: Cell<usize>,
    /// The interpreter stack.
    pub stack: InterpreterStack,
    /// The exception another thread has sent, or NULL.
    pub async_exception: crate::object::Slot,
    /// Statistics are counted here; NULL while nothing is counted.
    pub stats: Cell<*mut crate::stats::ThreadStats>,
    /// The same, to the end of the thread.
    pub stats_kept: Cell<*mut crate::stats::ThreadStats>,
    /// Tells it from all threads that the process has had.
    pub serial: u64,
    /// `threading.get_ident()`.
    pub ident: Cell<u64>,
    /// Its number for the system, `threading.get_native_id()`.
    pub(crate) native_id: Cell<u64>,
    /// The next in the list of threads, for readers outside the process.
    pub(crate) next: AtomicPtr<Thread>,
    /// The thread's context variables: a Context or NULL.
    pub context: Cell<Value>,
    /// Values that belong to this thread and are traced with it, by [`ThreadSlot`].
    pub(crate) slots: [Cell<Value>; ThreadSlot::COUNT],
    /// The generation that the thread collects because the program said so, by the number that programs know it by.
    pub(crate) collecting: Cell<Option<i32>>,
    /// Is the thread running finalizers?
    pub(crate) finalizing: Cell<bool>,
    /// The bits of the exception that a signal's handler raised last, to be compared with only.
    pub(crate) interrupt: Cell<u64>,
    /// Objects whose repr is being made, so that a cycle ends in `...`.
    pub(crate) repr_stack: UnsafeCell<Vec<u64>>,
    /// Method lookups, by type version and name.
    pub(crate) method_cache: crate::types::MethodCache,
    pub(crate) runtime: &'static Runtime,
    pub(crate) interpreter: Arc<Interpreter>,
    /// Its number, for readers outside the process.
    pub(crate) interpreter_id: i64,
}

/// Per-thread values that modules keep, each traced as a root.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum ThreadSlot {
    /// Weak references to the thread-local objects in which it has attributes: a value list.
    Locals,
    /// The running asyncio event loop.
    RunningLoop,
    /// The running asyncio task.
    RunningTask,
    /// Trace and profile functions.
    TraceFunction,
    /// See `TraceFunction`.
    ProfileFunction,
    /// Async generator hooks.
    AsyncGenFirstIter,
    /// See `AsyncGenFirstIter`.
    AsyncGenFinalizer,
    /// The thread's own handle object.
    Handle,
}

impl ThreadSlot {
    /// How many there are.
    pub const COUNT: usize = 8;
}

// SAFETY: other threads only touch the atomics in it; everything else is used by its own thread, or by the collector while it stands still.
unsafe impl Sync for Thread {}

impl Thread {
    /// What all threads share.
    #[inline(always)]
    pub fn runtime(&self) -> &'static Runtime {
        self.runtime
    }

    /// The interpreter this thread belongs to.
    #[inline(always)]
    pub fn interpreter(&self) -> &Arc<Interpreter> {
        &self.interpreter
    }

    /// Keeps a value alive for this thread, which waits while [`crate::interpreter::enter`] runs, until it takes it by [`Thread::take_handed`].
    pub fn hand_out(&self, v: Value) {
        self.result.set(v);
    }

    /// The value that was handed out last.
    pub fn take_handed(&self) -> Value {
        self.result.replace(Value::NULL)
    }

    /// Where the part of the native stack begins that has to be looked at for values when a native function is running that a handler of
    /// the interpreter has called, one of `functions`, which needs none of its own; 0 if it was called in another way. Values of the
    /// handlers are on the interpreter's stack.
    pub fn stack_of_callers(&self, functions: &[FnDef]) -> usize {
        // SAFETY: the saved registers are those of a call, whose operands are on the stack.
        let callable = unsafe {
            let word = (*(self.pc.get() as *const AtomicU16)).load(Relaxed);
            let is_call = Opcode::from_u8(word as u8).is_some_and(|op| op.family() == Opcode::CALL);
            is_call.then(|| *self.sp.get().sub((word >> 8) as usize + 2))
        };
        let called = callable.and_then(|f| f.exact::<BuiltinFunction>()).map(|f| std::ptr::from_ref(f.def()));
        if called.is_some_and(|def| functions.as_ptr_range().contains(&def)) { self.loop_stack.get() } else { 0 }
    }

    // ---- allocation ----

    /// A new cell with this content.
    #[inline(always)]
    pub fn alloc_cell<T>(&self, init: T) -> Ref<T> {
        const { assert!(size_of::<T>() <= 2048) };
        // SAFETY: `init` begins with a Header (every caller passes a cell structure) and fills the cell before the next allocation.
        unsafe {
            let header = std::ptr::read(&raw const init as *const Header);
            let p = self.mutator.alloc(size_of::<T>(), header).as_ptr() as *mut T;
            p.write(init);
            Ref::from_ptr(p)
        }
    }

    /// A new object of exactly the class `T::class()`.
    #[inline(always)]
    pub fn alloc<T: Layout>(&self, init: T) -> Ref<T> {
        self.alloc_cell(init)
    }

    /// A new instance of `class`, whose layout begins with `T`: native part as given, no attributes yet.
    pub fn alloc_instance<T: Layout>(&self, class: Ref<Type>, init: T) -> Ref<T> {
        if class == T::class() {
            return self.alloc_cell(init);
        }
        let size = class.instance_size();
        debug_assert!(size >= size_of::<T>());
        // Traced as the class says: it may have added attributes to a native part that refers to nothing.
        let p = self.mutator.alloc_any(size, class.instance_header()).as_ptr();
        // SAFETY: the cell is new and at least as long as T; the header stays as allocated, what follows T is zero.
        let object = unsafe {
            let body = size_of::<Header>();
            std::ptr::copy_nonoverlapping((&raw const init as *const u8).add(body), p.add(body), size_of::<T>() - body);
            Ref::from_ptr(p as *mut T)
        };
        std::mem::forget(init);
        class.on_new_instance(self, object.value());
        object
    }

    /// A zeroed cell of `size` bytes behind the header. Large ones can fail: MemoryError.
    #[inline]
    pub fn try_alloc_bytes(&self, size: usize, header: Header) -> R<NonNull<u8>> {
        self.mutator.try_alloc(size, header).map_err(|_| self.raise_memory_error())
    }

    // ---- exceptions ----

    /// Makes `exception` (an instance of BaseException) the current one.
    pub fn raise_value(&self, exception: Value) -> Raised {
        self.exception.set(exception);
        Raised
    }

    /// Raises a new exception of a class with one message.
    #[cold]
    #[inline(never)]
    pub fn raise(&self, class: Ref<Type>, message: &str) -> Raised {
        let text = crate::types::Str::new(self, message).value();
        self.raise_with(class, &[text])
    }

    /// Raises a new exception of a class made with these arguments.
    #[cold]
    #[inline(never)]
    pub fn raise_with(&self, class: Ref<Type>, args: &[Value]) -> Raised {
        match Exception::instantiate(self, class, args) {
            Ok(e) => {
                Exception::attach_context(self, e);
                self.raise_value(e)
            }
            Err(raised) => raised,
        }
    }

    /// The current exception, which is none any more.
    #[inline]
    pub fn take_exception(&self) -> Value {
        self.exception.replace(Value::NULL)
    }

    /// The current exception, or NULL.
    #[inline]
    pub fn exception(&self) -> Value {
        self.exception.get()
    }

    /// Is the current exception an instance of `class`?
    pub fn exception_is(&self, class: Ref<Type>) -> bool {
        use crate::object::ValueExt;
        let e = self.exception.get();
        !e.is_null() && e.is_instance(class)
    }

    /// Forgets the current exception if it is an instance of `class`; otherwise hands it on.
    pub fn catch(&self, class: Ref<Type>) -> R<()> {
        if self.exception_is(class) {
            self.exception.set(Value::NULL);
            Ok(())
        } else {
            Err(Raised)
        }
    }

    /// The exception being handled (`sys.exception()`), or None.
    pub fn handled_exception(&self) -> Value {
        let mut state = self.handled.get();
        while !state.is_null() {
            // SAFETY: the chain links live generators' states and ends in this thread's own.
            let s = unsafe { &*state };
            if !s.value.get().is_none() {
                return s.value.get();
            }
            state = s.previous.get();
        }
        Value::NONE
    }

    #[cold]
    fn raise_memory_error(&self) -> Raised {
        crate::exc::raise_memory_error(self)
    }

    // ---- requests ----

    /// Does what other threads or signals have asked of this one; native loops that run long call it now and then.
    #[inline(always)]
    pub fn poll(&self) -> R<()> {
        if self.mutator.eval_breaker.load(std::sync::atomic::Ordering::Relaxed) == 0 { Ok(()) } else { crate::breaker::handle(self) }
    }

    /// Runs `f`, which may block, without holding up stop-the-world requests. `f` must not touch the heap.
    pub fn blocking<T>(&self, f: impl FnOnce() -> T) -> T {
        self.mutator.blocking(f)
    }

    /// Locks an object; reads stay lock-free, every change of a container takes its lock.
    #[inline]
    pub fn lock<T>(&self, object: Ref<T>) -> limpid_heap::ObjectLock<'_> {
        limpid_heap::lock(&self.mutator, object.header())
    }

    /// Native code that may come to itself again calls this: RecursionError when this thread's native stack is nearly used up. `place` ends
    /// the message: `" in comparison"`. The recursion limit counts the frames of Python functions only.
    #[inline]
    pub fn check_stack(&self, place: &str) -> R<()> {
        let here = limpid_heap::stack_pointer();
        if here < self.native_limit.get() { Err(self.raise_stack_overflow(here, place)) } else { Ok(()) }
    }

    #[cold]
    #[inline(never)]
    fn raise_stack_overflow(&self, here: usize, place: &str) -> Raised {
        let used = self.mutator.stack_base().saturating_sub(here) >> 10;
        self.raise_with_reserve(&format!("Stack overflow (used {used} kB){place}"))
    }

    /// RecursionError: more frames than the limit, or than the interpreter stack has room for.
    #[cold]
    #[inline(never)]
    pub fn raise_recursion_error(&self) -> Raised {
        self.raise_with_reserve("maximum recursion depth exceeded")
    }

    fn raise_with_reserve(&self, message: &str) -> Raised {
        // Room for the error itself and its handlers.
        let limit = self.native_limit.get();
        let depth_limit = self.depth_limit.get();
        self.native_limit.set(limit.saturating_sub(NATIVE_STACK_RESERVE / 2));
        self.depth_limit.set(depth_limit.saturating_add(50));
        let raised = self.raise(crate::exc::RecursionError, message);
        self.native_limit.set(limit);
        self.depth_limit.set(depth_limit);
        raised
    }

    /// A value that belongs to this thread.
    pub fn slot(&self, which: ThreadSlot) -> Option<Value> {
        let v = self.slots[which as usize].get();
        if v.is_null() { None } else { Some(v) }
    }

    /// Replaces a value that belongs to this thread; NULL removes it.
    pub fn set_slot(&self, which: ThreadSlot, v: Value) {
        self.slots[which as usize].set(v);
    }

    /// A header for a backing array.
    #[inline(always)]
    pub fn array_header(&self) -> Header {
        Header::new(ShapeRef::NONE, Kind::Array, 0)
    }
}

/// Raises an exception with a formatted message and returns from the function: `raise!(t, TypeError, "no {x}")`.
#[macro_export]
macro_rules! raise {
    ($t:expr, $class:ident, $($message:tt)+) => {
        return Err($t.raise($crate::exc::$class, &format!($($message)+)))
    };
}

/// As [`raise!`], but gives the [`Raised`] instead of returning it.
#[macro_export]
macro_rules! err {
    ($t:expr, $class:ident, $($message:tt)+) => {
        $t.raise($crate::exc::$class, &format!($($message)+))
    };
}
