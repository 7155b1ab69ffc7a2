//! The interpreter (tier 1).
//!
//! * [`frame`]: where functions keep their variables; [`regs`]: the interpreter's registers.
//! * [`uops`]: what instructions consist of; [`dispatch`]: how the table of instructions becomes handlers that jump to each other.
//! * [`calls`]: entering functions; [`unwind`]: exceptions; [`specialize`]: rewriting instructions for what they meet.
//! * [`counting`]: what counts instructions for the statistics; [`backoff`]: when to try again; [`trace`]: the function probes;
//!   [`intrinsics`]: rare operations behind an instruction.

pub mod attribute_cache;
pub mod backoff;
pub mod calls;
pub mod counting;
pub mod dispatch;
pub mod frame;
pub mod intrinsics;
pub mod regs;
pub mod specialize;
pub mod trace;
pub mod unwind;
pub mod uops;

pub use backoff::first_counter;
pub use calls::run_code;
