//! Jumps. Conditional ones keep the last 16 outcomes, for the trace recorder to expect the likely side.

use crate::interp::backoff;
use crate::interp::regs::{Flow, Regs};
use crate::tier2;
use limpid_heap::Value;

/// Jumps forward.
#[inline(always)]
pub fn JUMP_AHEAD(r: &mut Regs, o: u32) -> Flow {
    r.skip(1 + o as isize);
    Flow::Jump
}

/// Jumps back and counts the round.
#[inline(always)]
pub fn JUMP_BACK(r: &mut Regs, o: u32) -> Flow {
    let counter = r.cache(1);
    if backoff::triggers(counter) {
        return Flow::Slow(tier2::hot_loop);
    }
    r.set_cache(1, backoff::advance(counter));
    r.skip(2 - o as isize);
    Flow::Jump
}

/// Jumps back into machine code.
#[inline(always)]
pub fn JUMP_INTO_TRACE(_r: &mut Regs, _o: u32) -> Flow {
    Flow::Slow(tier2::enter_trace)
}

/// Jumps back.
#[inline(always)]
pub fn JUMP_BACK_QUIETLY(r: &mut Regs, o: u32) -> Flow {
    r.skip(1 - o as isize);
    Flow::Jump
}

#[inline(always)]
fn branch(r: &mut Regs, taken: bool, o: u32) -> Flow {
    if taken {
        // Keeps LLVM from turning the branch into a conditional move, which would make the next instruction wait for the test.
        // SAFETY: an empty instruction.
        unsafe { std::arch::asm!("", options(nomem, nostack, preserves_flags)) };
        r.set_cache(1, r.cache(1) << 1 | 1);
        r.drop_n(1);
        r.skip(2 + o as isize);
        return Flow::Jump;
    }
    r.set_cache(1, r.cache(1) << 1);
    r.drop_n(1);
    // Past NOT_TAKEN as well.
    r.skip(3);
    Flow::Jump
}

/// Jumps if the bool on top is False.
#[inline(always)]
pub fn JUMP_IF_FALSE(r: &mut Regs, o: u32) -> Flow {
    let taken = r.peek(1) == Value::FALSE;
    branch(r, taken, o)
}

/// Jumps if the bool on top is True.
#[inline(always)]
pub fn JUMP_IF_TRUE(r: &mut Regs, o: u32) -> Flow {
    let taken = r.peek(1) == Value::TRUE;
    branch(r, taken, o)
}

/// Jumps if the top is None.
#[inline(always)]
pub fn JUMP_IF_NONE(r: &mut Regs, o: u32) -> Flow {
    let taken = r.peek(1).is_none();
    branch(r, taken, o)
}

/// Jumps if the top is not None.
#[inline(always)]
pub fn JUMP_IF_NOT_NONE(r: &mut Regs, o: u32) -> Flow {
    let taken = !r.peek(1).is_none();
    branch(r, taken, o)
}
