//! The layout of generators, coroutines and async generators, and how they are resumed.
//!
//! The frame lies inside the object ([`crate::interp::frame`]), so resuming one is linking a frame, not copying it. The state changes by
//! compare-and-exchange only: whoever moves it to `EXECUTING` owns the frame; everybody else sees "already executing".
//!
//! ```text
//!                    +-----------------------------------------------+
//!  CREATED --------> |                                               | --> CLEARED (returned, raised, closed)
//!                    |                  EXECUTING                    |
//!  SUSPENDED <-----> |                                               |
//!  SUSPENDED_YIELD_FROM <-> (LOCKED: the delegate is being looked at)|
//!                    +-----------------------------------------------+
//! ```
//!
//! A suspended frame is traced up to its saved `sp`. The barrier for what a running generator writes into its own frame is taken when it
//! is suspended again; while it runs it is a root, by the thread's chain of frames.

use crate::interp::frame::{Frame, HEADER};
use crate::object::{R, Ref, Slot, ValueExt};
use crate::thread::{HandledException, Thread};
use crate::types::code::Bytecode;
use crate::types::generator_state::GeneratorState;
use crate::types::{Code, Type, builtin};
use limpid_bytecode::CodeFlags;
use limpid_heap::{Header, Tracer, Value};
use std::cell::Cell;
use std::mem::offset_of;
use std::sync::atomic::AtomicU8;

pub use crate::types::generator_state as state;

/// The collector's number for generators.
pub const GENERATOR_KIND: u8 = 9;

/// The layout of a generator, coroutine or async generator; the frame follows.
#[repr(C)]
pub struct Generator {
    header: Header,
    /// `__name__`.
    pub name: Slot,
    /// `__qualname__`.
    pub qualname: Slot,
    /// `cr_origin` of a coroutine, NULL otherwise.
    pub origin: Slot,
    /// The finalizer hook of an async generator, or NULL.
    pub finalizer: Slot,
    /// What it is handling while it is suspended or runs.
    pub handled: HandledException,
    state: GeneratorState,
    /// `ag_running`: an asend or athrow object is in flight.
    pub async_running: AtomicU8,
    /// An async generator that was closed.
    pub async_closed: AtomicU8,
    /// The async generator hooks were called.
    pub hooks_inited: AtomicU8,
    /// When it returns, its caller wants the value on its stack (SEND), not just to go on (a `for` loop).
    wants_value: Cell<bool>,
    /// Where it goes on.
    pub pc: Cell<*const u16>,
    /// The thread whose copy of the instructions `pc` is in, by its serial number; 0: none. Whoever else resumes it goes to its own first.
    runner: Cell<u64>,
    /// The top of its value stack while suspended, or while it calls something.
    pub sp: Cell<*mut Value>,
    /// The top of the caller's value stack.
    pub caller_sp: Cell<*mut Value>,
    /// Where the thread's stack is free, for frames called from this one.
    pub stack_top: Cell<*mut Value>,
    /// Where the caller goes on when this generator returns.
    exhausted_pc: Cell<*const u16>,
    frame: [Value; HEADER],
}

/// The distance from the object to the first local.
const FRAME_OFFSET: usize = size_of::<Generator>();

/// How a resumed generator came back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sent {
    /// It yielded this.
    Yielded(Value),
    /// It returned this: it is over.
    Returned(Value),
}

impl Generator {
    /// The distance from the object to the frame.
    pub const FRAME_OFFSET: usize = FRAME_OFFSET;
    /// Where machine code finds the state, ...
    pub const STATE: usize = offset_of!(Generator, state);
    /// ... whether the caller wants the value that is returned, ...
    pub const WANTS_VALUE: usize = offset_of!(Generator, wants_value);
    /// ... and where the caller goes on then.
    pub const EXHAUSTED_PC: usize = offset_of!(Generator, exhausted_pc);

    /// The generator around a frame.
    #[inline(always)]
    pub fn of_frame(f: Frame) -> Ref<Generator> {
        // SAFETY: `f` lies in a generator.
        unsafe { Ref::from_ptr((f.0 as *mut u8).sub(FRAME_OFFSET) as *mut Generator) }
    }

    /// Makes the generator that takes over the frame `from`, which has just started: its function and locals move.
    pub fn from_frame(t: &Thread, from: Frame, pc: *const u16) -> R<Ref<Generator>> {
        let function = from.function();
        let code = function.code();
        let class = class_of(code);
        // One place more than the code needs: a native call made at full depth returns its value there.
        let size = FRAME_OFFSET + (code.frame_values() + 1) * 8;
        let header = Header::with_raw_kind(class.root_shape(), GENERATOR_KIND, 0);
        let p = t.try_alloc_bytes(size, header)?.as_ptr() as *mut Generator;
        // SAFETY: a new, zeroed cell of that size; zero is a valid value of every field.
        let g = unsafe { Ref::from_ptr(p) };
        let frame = g.frame();
        // SAFETY: the frame is part of the new cell; `from` has the code's locals.
        unsafe {
            frame.init(function.value(), Frame::NONE, std::ptr::null(), from.namespace());
            std::ptr::copy_nonoverlapping(from.0, frame.0, code.nlocalsplus as usize);
        }
        g.handled.value.set(Value::NONE);
        g.pc.set(pc);
        g.runner.set(t.serial);
        g.sp.set(frame.stack_base());
        g.name.set(t, g, function.name.get());
        g.qualname.set(t, g, function.qualname.get());
        limpid_heap::keep_alive(from.0);
        crate::types::frame::follow(t, from, g);
        // A generator that is dropped while suspended runs its `finally` blocks; a coroutine that was never awaited warns.
        if code.has_handlers || code.flags.has(CodeFlags::COROUTINE | CodeFlags::ASYNC_GENERATOR) {
            limpid_heap::register_finalizer(&t.mutator, g.value());
        }
        Ok(g)
    }

    /// Its state, see [`state`].
    #[inline(always)]
    pub fn state(&self) -> u8 {
        self.state.get()
    }

    /// Is it over?
    pub fn is_finished(&self) -> bool {
        self.state() == state::CLEARED
    }

    /// Tries to become the one who runs it: the state it was in, or as an error the one in which it cannot be run.
    #[inline(always)]
    pub fn claim(&self) -> Result<u8, u8> {
        self.state.claim(limpid_heap::is_alone())
    }

    /// Tries to become the one who runs it, but only if it has not started.
    pub fn claim_created(&self) -> bool {
        self.state.claim_created()
    }

    /// Hands it back; only who has claimed it.
    #[inline(always)]
    pub fn release(&self, to: u8) {
        self.state.release(to);
    }

    /// Does it go on in this thread's copy of the instructions? To be asked by who has claimed it.
    #[inline(always)]
    pub fn is_runner(&self, t: &Thread) -> bool {
        self.runner.get() == t.serial
    }

    /// Where the caller goes on when the generator returns, and whether it wants the value.
    #[inline(always)]
    pub fn on_return(&self) -> (*const u16, bool) {
        (self.exhausted_pc.get(), self.wants_value.get())
    }
}

impl Ref<Generator> {
    /// The frame inside.
    #[inline(always)]
    pub fn frame(self) -> Frame {
        // SAFETY: the frame follows the fields in the same cell.
        Frame(unsafe { (self.ptr() as *mut u8).add(FRAME_OFFSET) as *mut Value })
    }

    /// Has a claimed generator go on in this thread's copy of the instructions, wherever it was suspended: the specialized instructions
    /// of another thread, which may be running them, are not to be run.
    #[inline(always)]
    pub fn adopt(self, t: &Thread) {
        if !self.is_runner(t) {
            self.move_to_copy_of(t);
        }
    }

    #[cold]
    #[inline(never)]
    fn move_to_copy_of(self, t: &Thread) {
        let code = self.frame().code();
        // It may make a copy, and others may go away meanwhile.
        let entry = code.entry(t);
        // SAFETY: the same word of another copy.
        self.pc.set(unsafe { entry.add(code.offset_of(self.pc.get())) });
        self.runner.set(t.serial);
    }

    /// Has a generator that is in this copy of the instructions go on in the main one; all threads stand still.
    pub fn leave_copy(self, copy: Ref<Bytecode>, main: Ref<Bytecode>) {
        if copy.contains(self.pc.get()) {
            let at = (self.pc.get() as usize - copy.start() as usize) / 2;
            // SAFETY: the same word of another copy.
            self.pc.set(unsafe { main.start().add(at) });
            self.runner.set(0);
        }
    }

    /// Links a claimed generator's frame in front of the running one. The caller then continues at `pc` with `sp`.
    #[inline(always)]
    pub fn link(
        self,
        t: &Thread,
        caller: Frame,
        caller_sp: *mut Value,
        return_pc: *const u16,
        exhausted_pc: *const u16,
        wants_value: bool,
    ) {
        let frame = self.frame();
        frame.set_previous(caller);
        frame.set_return_pc(return_pc);
        self.caller_sp.set(caller_sp);
        self.stack_top.set(crate::interp::frame::free_stack(caller_sp, caller));
        self.exhausted_pc.set(exhausted_pc);
        self.wants_value.set(wants_value);
        self.handled.previous.set(t.handled.get());
        t.handled.set(&self.handled);
    }

    /// Takes the frame out of the thread's chain again, before the state is released.
    #[inline(always)]
    pub fn unlink(self, t: &Thread) {
        t.handled.set(self.handled.previous.get());
        // SAFETY: the generator is alive; its frame was written without a barrier while it ran.
        unsafe { limpid_heap::write_barrier(&t.mutator, self.header()) };
    }

    /// Forgets the frame's content once it is over.
    pub fn clear_frame(self) {
        let frame = self.frame();
        let code = frame.code();
        for i in 0..code.frame_values() {
            // SAFETY: the frame has that many places, and nobody runs it any more.
            unsafe { *frame.0.add(i) = Value::NULL };
        }
        self.sp.set(frame.stack_base());
    }

    /// What it delegates to, if it is suspended in `yield from` or `await`.
    pub fn delegate(self) -> Option<Value> {
        // SAFETY: suspended in SEND: receiver and position are on top of the stack.
        self.state.look_at_delegate(|| unsafe { *self.sp.get().sub(2) })?.non_null()
    }

    /// As [`Generator::delegate`], for who has claimed it and knows that it was suspended there.
    pub fn delegate_claimed(self) -> (Value, Value) {
        // SAFETY: as in `delegate`.
        unsafe { (*self.sp.get().sub(2), *self.sp.get().sub(1)) }
    }
}

/// The class of the object that a call of this code gives.
pub fn class_of(code: Ref<Code>) -> Ref<Type> {
    if code.flags.has(CodeFlags::COROUTINE) {
        builtin::COROUTINE
    } else if code.flags.has(CodeFlags::ASYNC_GENERATOR) {
        builtin::ASYNC_GENERATOR
    } else {
        builtin::GENERATOR
    }
}

/// Traces a generator for the collector.
///
/// # Safety
/// `cell` is a live generator.
pub unsafe fn trace(cell: *const Header, tracer: &mut Tracer) {
    // SAFETY: by contract.
    let g = unsafe { Ref::<Generator>::from_ptr(cell as *mut Generator) };
    for slot in [&g.name, &g.qualname, &g.origin, &g.finalizer] {
        tracer.value(slot.get());
    }
    tracer.value(g.handled.value.get());
    let frame = g.frame();
    let low = frame.0 as usize - HEADER * 8;
    let high = match g.state() {
        state::EXECUTING => cell as usize + limpid_heap::cell_size(Value::cell(cell)),
        _ => g.sp.get() as usize,
    };
    // SAFETY: both ends lie in the live cell.
    unsafe { tracer.range_conservative(low, high.max(frame.0 as usize)) };
}
