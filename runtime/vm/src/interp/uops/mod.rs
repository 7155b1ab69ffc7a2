//! The uops: what instructions consist of, one inlined function each, named as in the table of instructions.
//!
//! A uop takes the registers and the oparg. What is fast it does itself; everything else it hands to a function behind
//! [`Flow::Slow`](crate::interp::regs::Flow::Slow), before it has changed anything. Rules, because a handler must end in a tail call: no
//! address of a local leaves the uop, no value with a destructor lives in it, and whoever calls something that can reach a safepoint
//! calls `r.save()` before.

#![allow(non_snake_case, reason = "uops are named as in the table of instructions")]

mod attributes;
mod build;
mod calls;
mod exceptions;
mod frames;
mod generators;
mod imports;
mod iteration;
mod jumps;
mod names;
mod operators;
pub(crate) mod resume;
mod special_methods;
mod stack;
mod subscripts;
mod unpack;

pub use attributes::*;
pub use build::*;
pub use calls::*;
pub use exceptions::*;
pub use frames::*;
pub use generators::*;
pub use imports::*;
pub use iteration::*;
pub use jumps::*;
pub use names::*;
pub use operators::*;
pub use resume::*;
pub use special_methods::*;
pub use stack::*;
pub use subscripts::*;
pub use unpack::*;

/// In a slow function: the value of an `R`, or leave with the error.
macro_rules! attempt {
    ($e:expr) => {
        match $e {
            Ok(v) => v,
            Err(_) => return $crate::interp::regs::Step::Error,
        }
    };
}
pub(crate) use attempt;

/// In a uop: the value of an `R` that a function out of line gives, or leave with the error. The registers have been saved before. The error
/// costs nothing on the way: an `R` comes back in two machine registers.
macro_rules! attempt_here {
    ($e:expr) => {
        match $e {
            Ok(v) => v,
            Err(_) => return $crate::interp::regs::Flow::Slow($crate::interp::uops::raised),
        }
    };
}
pub(crate) use attempt_here;

/// Declares the general form of an instruction: a uop that leads to a slow function.
macro_rules! slow_uops {
    ($($(#[$doc:meta])* $name:ident = $f:path;)*) => {
        $($(#[$doc])* #[inline(always)]
        pub fn $name(_r: &mut $crate::interp::regs::Regs, _o: u32) -> $crate::interp::regs::Flow {
            $crate::interp::regs::Flow::Slow($f)
        })*
    };
}
pub(crate) use slow_uops;
