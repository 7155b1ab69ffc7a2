//! Where frames start and resume, and where they leave the loop.

use super::{attempt, slow_uops};
use crate::instrument;
use crate::interp::backoff;
use crate::interp::regs::{Flow, Regs, Step};
use crate::interp::trace;
use crate::tier2;
use limpid_bytecode::{INSTRUMENTED, Opcode};
use limpid_probes as probes;
use std::sync::atomic::Ordering::Relaxed;

/// Anything to do at the start of a frame besides running it?
#[inline(always)]
pub fn CHECK_RESUME(r: &mut Regs, _o: u32) -> Flow {
    // One branch for both, so that what nobody traces costs one instruction.
    if is_checked(r) {
        return Flow::Slow(resume_slow);
    }
    Flow::Next
}

/// Is there anything to do?
#[inline(always)]
pub fn is_checked(r: &Regs) -> bool {
    r.t().mutator.eval_breaker.load(Relaxed) as u64 | probes::frame_tracers() != 0
}

/// Has anybody asked something of this thread?
#[inline(always)]
pub fn CHECK_BREAKER(r: &mut Regs, _o: u32) -> Flow {
    if r.t().mutator.eval_breaker.load(Relaxed) != 0 {
        return Flow::Slow(poll_and_jump_back);
    }
    Flow::Next
}

/// Counts the calls of a function.
#[inline(always)]
pub fn COUNT_CALL(r: &mut Regs, _o: u32) -> Flow {
    let counter = r.cache(1);
    if backoff::triggers(counter) {
        return Flow::Slow(tier2::hot_function);
    }
    r.set_cache(1, backoff::advance(counter));
    Flow::Next
}

/// Goes on in a function's machine code.
#[inline(always)]
pub fn CALL_TRACE(_r: &mut Regs, _o: u32) -> Flow {
    Flow::Slow(tier2::enter_function)
}

slow_uops! {
    /// The first time here.
    RESUME_GENERIC = resume_first;
}

unsafe fn resume_first(r: &mut Regs, o: u32) -> Step {
    if crate::interp::specialize::is_enabled(r.t()) {
        let is_function = o & 3 == 0 && !r.frame().is_generator();
        if is_function && tier2::is_enabled() {
            r.set_cache(1, backoff::first_of_function());
            r.set_opcode(Opcode::RESUME_CHECK_COUNTING);
        } else {
            r.set_opcode(Opcode::RESUME_CHECK);
        }
    }
    // SAFETY: the same instruction.
    unsafe { resume_slow(r, o) }
}

/// A frame starts or resumes, and there may be something to do besides running it.
///
/// # Safety
/// The registers are those of a frame at a `RESUME` with the oparg `o`.
pub unsafe fn resume_slow(r: &mut Regs, o: u32) -> Step {
    // Once the code is up to date this instruction may have events to deliver.
    if r.t().tracing.get() == 0 && instrument::refresh(r.t(), r.frame().code()) && r.word() as u8 == INSTRUMENTED {
        return Step::Jump;
    }
    trace::entry(r.t(), r.frame(), o & 3 != 0);
    attempt!(r.t().poll());
    Step::Next
}

unsafe fn poll_and_jump_back(r: &mut Regs, o: u32) -> Step {
    let t = r.t();
    // Finalizers may run here, and jump themselves.
    attempt!(t.noted_jump.keep(|| t.poll()));
    r.skip(1 + Opcode::JUMP_BACKWARD.caches() as isize - o as isize);
    Step::Jump
}

/// Leaves the loop with the value on the stack.
#[inline(always)]
pub fn EXIT_INTERPRETER(r: &mut Regs, _o: u32) -> Flow {
    let v = r.pop();
    r.t().result.set(v);
    r.t().left_at.set(r.pc);
    Flow::Exit
}
