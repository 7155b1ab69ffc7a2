//! Instructions as functions that machine code calls: what has no lowering of its own runs here, in the interpreter's own words.
//!
//! A body does exactly what the handler of the instruction does, exceptions and their handlers included, but returns instead of going to
//! the next instruction. Where the interpreter goes on is in the thread's saved registers and is the result; NULL leaves the
//! interpreter's loop.

#![allow(non_snake_case, reason = "bodies are named as their instructions")]

use crate::interp::dispatch::{Table, slow_call};
use crate::interp::regs::{Flow, Regs};
use crate::interp::uops::*;
use crate::thread::Thread;
use limpid_bytecode::{Opcode, for_each_instruction};
use limpid_heap::Value;

/// The body of an instruction: runs it in the frame that the registers tell.
pub type Body = unsafe extern "C" fn(*const u16, *mut Value, *mut Value, *const Thread, u64) -> *const u16;

/// Runs the instruction at `pc` in the form that it has now. Which one that is may change after a trace was recorded, and with it what its
/// caches mean.
///
/// # Safety
/// The registers are those of a frame at an instruction.
pub unsafe extern "C" fn current(pc: *const u16, sp: *mut Value, fp: *mut Value, th: *const Thread, o: u64) -> *const u16 {
    let r = Regs { pc, sp, fp, th };
    let op = Opcode::from_u8(r.word() as u8).unwrap_or(Opcode::CACHE);
    // SAFETY: by contract.
    unsafe { body(op)(pc, sp, fp, th, o) }
}

/// Runs an instruction that returns or yields, and leaves the interpreter's loop if the frame was called by native code.
///
/// # Safety
/// The registers are those of a frame at an instruction.
pub unsafe extern "C" fn to_native(pc: *const u16, sp: *mut Value, fp: *mut Value, th: *const Thread, o: u64) -> *const u16 {
    // SAFETY: by contract.
    let next = unsafe { current(pc, sp, fp, th, o) };
    // SAFETY: the thread's saved registers are those after the instruction.
    unsafe {
        match next.as_ref() {
            Some(word) if *word as u8 == Opcode::INTERPRETER_EXIT as u8 => {
                functions::INTERPRETER_EXIT(next, (*th).sp.get(), (*th).fp.get(), th, 0)
            }
            _ => next,
        }
    }
}

/// After the uops of a body that did not just run through.
#[inline(never)]
unsafe fn leave(flow: Flow, family: Opcode, r: &Regs, o: u64) -> *const u16 {
    match flow {
        Flow::Next | Flow::Jump => {
            r.save();
            r.pc
        }
        // SAFETY: the same registers.
        Flow::Deopt => unsafe { body(family)(r.pc, r.sp, r.fp, r.th, o) },
        Flow::Slow(f) => {
            // SAFETY: the registers are those of a frame at an instruction.
            if unsafe { slow_call(r.pc, r.sp, r.fp, r.th, o, f as *const Table) } { r.t().pc.get() } else { std::ptr::null() }
        }
        Flow::Extend => unreachable!("opargs are put together while a trace is recorded"),
        Flow::Exit => std::ptr::null(),
    }
}

macro_rules! define_bodies {
    (($o:ident)
     base { $($name:ident [$caches:literal] $operand:ident ($pops:expr => $pushes:expr) = $($uop:ident)+;)* }
     specialized { $($special:ident of $family:ident = $($special_uop:ident)+;)* }) => {
        mod functions {
            use super::*;
            $(define_bodies! { @body $name $name $($uop)+ })*
            $(define_bodies! { @body $special $family $($special_uop)+ })*
        }

        /// The body of an instruction.
        pub fn body(op: Opcode) -> Body {
            match op {
                $(Opcode::$name => functions::$name,)*
                $(Opcode::$special => functions::$special,)*
            }
        }
    };
    (@body $name:ident $family:ident $($uop:ident)+) => {
        pub unsafe extern "C" fn $name(pc: *const u16, sp: *mut Value, fp: *mut Value, th: *const Thread, o: u64) -> *const u16 {
            let mut r = Regs { pc, sp, fp, th };
            let flow = 'instruction: {
                $(match $uop(&mut r, o as u32) {
                    Flow::Next => {}
                    other => break 'instruction other,
                })+
                r.skip(1 + Opcode::$family.caches() as isize);
                Flow::Next
            };
            if let Flow::Next | Flow::Jump = flow {
                r.save();
                return r.pc;
            }
            // SAFETY: the registers are those of a frame at an instruction.
            unsafe { leave(flow, Opcode::$family, &Regs { pc: r.pc, sp: r.sp, fp: r.fp, th }, o) }
        }
    };
}
for_each_instruction!(define_bodies);
