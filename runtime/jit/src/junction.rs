//! Junctions: instructions where traces meet that come from frames at any depth.
//!
//! Generators that delegate to each other are resumed and yield through a chain of frames, whose length differs from time to time. A trace
//! that followed all of it would be one of very many. So it ends in front of the next delegation, with everything in memory, and goes on
//! in the trace of that instruction, whichever frame it is in: that one handles one link of the chain and often leads to itself.
//!
//! The same is done where functions begin that call themselves, for each level would have as many paths as there are through the function.
//! And it is done where traces from too many exits have been made already: what has none of its own goes on in one that all share.
//! It is also done where a trace's last instruction may lead to many places: an exception that leaves its first frame is caught by whoever
//! has called that, and a frame that somebody has an object of is not known well enough to go on in it.
//!
//! A junction has its code in its first word, as executors do, so that [`crate::ir::Op::Link`] leads to either.

use crate::backend::code;
use crate::executor::{Executor, Phase};
use crate::worth::LUCKLESS;
use crate::worth::calls::CallWatch;
use crate::worth::functions::FunctionWatch;
use limpid_vm::interp::backoff;
use std::cell::Cell;
use std::sync::atomic::Ordering::Relaxed;

/// An instruction where traces meet.
#[repr(C)]
pub struct Junction {
    code: Cell<*const u8>,
    executor: Cell<*const Executor>,
    counter: Cell<u16>,
    /// How often it was recorded or compiled in vain.
    times: Cell<u8>,
    /// Whether it is worth while to enter its code for frames that native code calls.
    pub calls: CallWatch,
    /// Likewise for functions that Python code calls.
    pub function: FunctionWatch,
}

impl Default for Junction {
    /// One that leads back to the interpreter.
    fn default() -> Junction {
        Junction {
            code: Cell::new(code::leave_stub()),
            executor: Cell::new(std::ptr::null()),
            counter: Cell::new(backoff::SIDE_EXIT.load(Relaxed)),
            times: Cell::new(0),
            calls: CallWatch::default(),
            function: FunctionWatch::default(),
        }
    }
}

impl Junction {
    /// Its trace is compiled, or going to be.
    pub fn set(&self, executor: *const Executor) {
        self.executor.set(executor);
    }

    /// Its code, if it has some.
    #[inline]
    pub fn code(&self) -> Option<*const u8> {
        let code = self.code.get();
        (!std::ptr::eq(code, code::leave_stub())).then_some(code)
    }

    /// Machine code was left here. Is a trace to be recorded?
    pub fn left(&self) -> bool {
        // SAFETY: executors stay while something refers to them.
        if let Some(executor) = unsafe { self.executor.get().as_ref() } {
            match executor.code() {
                Some(code) => self.code.set(code),
                None if executor.phase() == Phase::Failed => {
                    self.executor.set(std::ptr::null());
                    self.failed();
                }
                None => {}
            }
            return false;
        }
        if self.is_luckless() {
            return false;
        }
        let counter = self.counter.get();
        let triggers = backoff::triggers(counter);
        self.counter.set(if triggers { backoff::restart(counter) } else { backoff::advance(counter) });
        triggers
    }

    /// Is it not tried any more?
    pub fn is_luckless(&self) -> bool {
        self.times.get() >= LUCKLESS
    }

    /// It was recorded or compiled in vain. After some times it is not tried any more.
    pub fn failed(&self) {
        self.times.set(self.times.get().saturating_add(1));
    }

    /// The executor of its trace, or NULL.
    pub fn executor(&self) -> *const Executor {
        self.executor.get()
    }

    /// Its executor is retired.
    pub fn clear(&self) {
        self.code.set(code::leave_stub());
        self.executor.set(std::ptr::null());
    }
}
