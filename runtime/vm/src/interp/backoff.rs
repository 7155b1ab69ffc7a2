//! Backoff counters: when to try something that costs time again.
//!
//! ```text
//!  15           4 3       0
//! +--------------+---------+
//! |    value     | backoff |
//! +--------------+---------+
//! ```
//!
//! A counter counts `value` down to 0 and then triggers. An attempt that fails starts it again with twice the value (`backoff` is the
//! exponent, at most 12), so what never works is tried less and less often. CPython's format and numbers.

use limpid_bytecode::Opcode;
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};

const BITS: u16 = 4;
/// The largest exponent.
pub const MAX_BACKOFF: u16 = 12;
/// The largest value.
pub const MAX_VALUE: u16 = (1 << MAX_BACKOFF) - 1;

/// A counter with this value and exponent.
pub const fn make(value: u16, backoff: u16) -> u16 {
    value << BITS | backoff
}

/// A new instruction: specialize it the second time it runs.
pub const WARM_UP: u16 = make(1, 1);
/// A specialized instruction: it may miss this often before it is specialized anew.
pub const COOL_DOWN: u16 = make(52, 0);
/// A loop: record a trace after so many rounds. Written once, while the runtime starts, as is the next one.
pub static JUMP_BACKWARD: AtomicU16 = AtomicU16::new(make(511, 9));
/// A side exit of a trace: record what goes on from there after it was taken so often.
pub static SIDE_EXIT: AtomicU16 = AtomicU16::new(make(255, 8));
/// The history of a conditional jump that has not run: alternating outcomes, so that neither side is expected.
pub const NO_HISTORY: u16 = 0x5555;

/// Value and exponent of a counter.
pub const fn parts(counter: u16) -> (u16, u16) {
    (counter >> BITS, counter & ((1 << BITS) - 1))
}

/// Does the counter trigger now?
#[inline(always)]
pub const fn triggers(counter: u16) -> bool {
    counter < 1 << BITS
}

/// How many times an instruction runs until the counter has triggered.
pub const fn rounds(counter: u16) -> i64 {
    (counter >> BITS) as i64 + 1
}

/// One step down.
#[inline(always)]
pub const fn advance(counter: u16) -> u16 {
    counter - (1 << BITS)
}

/// After a failed attempt.
pub const fn restart(counter: u16) -> u16 {
    let backoff = counter & ((1 << BITS) - 1);
    let backoff = if backoff < MAX_BACKOFF { backoff + 1 } else { MAX_BACKOFF };
    make((1 << backoff) - 1, backoff)
}

/// A function that Python code calls: record it after so many calls, for what is in its loops comes first.
pub fn first_of_function() -> u16 {
    const TIMES: u16 = 4;
    let (rounds, backoff) = parts(JUMP_BACKWARD.load(Relaxed));
    make(((rounds + 1) * TIMES - 1).min(MAX_VALUE), (backoff + 2).min(MAX_BACKOFF))
}

/// What the first cache word of a new instruction holds.
pub fn first_counter(family: Opcode) -> u16 {
    match family {
        Opcode::POP_JUMP_IF_FALSE | Opcode::POP_JUMP_IF_TRUE | Opcode::POP_JUMP_IF_NONE | Opcode::POP_JUMP_IF_NOT_NONE => NO_HISTORY,
        Opcode::JUMP_BACKWARD => JUMP_BACKWARD.load(Relaxed),
        Opcode::RESUME => SIDE_EXIT.load(Relaxed),
        _ => WARM_UP,
    }
}
