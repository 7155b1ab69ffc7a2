//! Tier 2: machine code for hot loops.
//!
//! The interpreter records a round of a hot loop, or what follows an exit of a trace that is often taken ([`limpid_vm::tier2`]). Here the
//! recording becomes machine code:
//!
//! * [`lower`]: instructions to uops in SSA form ([`ir`]): types and constants are tracked, redundant guards and loads are left out, calls
//!   are inlined, their frames exist in snapshots only;
//! * [`optimize`]: what is the same in every round is moved in front of the loop, what is unused is dropped;
//! * [`backend`]: uops to machine code, by Cranelift; [`code_heap`]: where it lies; [`helpers`]: functions it calls;
//! * [`executor`]: running it, and going on in the interpreter where it is left; [`entry`]: the way in and out.
//!
//! Rules that keep it sound: before anything that may run Python, the interpreter's stack has everything it has in the interpreter
//! ([`lower`] writes it). What machine code holds in registers and on the native stack the collector finds there; constants in the code are
//! scanned while executors run. A guard leaves before the instruction it belongs to has done anything. Whatever others may change is
//! loaded again in every round and after every call.

// The ways in and out of machine code are written for one architecture so far; elsewhere this crate is empty.
#![cfg(target_arch = "x86_64")]

pub mod backend;
pub mod code_heap;
pub mod dump;
pub mod entry;
pub mod executor;
pub mod helpers;
pub mod ir;
pub mod lower;
pub mod optimize;

use executor::{Entry, Executor, MISSES, State};
use limpid_bytecode::Opcode;
use limpid_heap::Tracer;
use limpid_vm::interp::backoff;
use limpid_vm::interp::regs::Regs;
use limpid_vm::thread::Thread;
use limpid_vm::tier2::{self, EntryPoints, Recording, recorder::Origin};
use lower::{Abort, Executors, Lowered};
use std::cell::Cell;

/// Executors a thread may have: their numbers are cache words.
const MOST_EXECUTORS: usize = u16::MAX as usize;

/// Has hot loops compiled from now on.
pub fn install() {
    tier2::install(EntryPoints { compile, run: executor::run, forget, after_fork, trace });
}

struct Known<'a>(&'a State);

impl Executors for Known<'_> {
    fn loop_at(&self, header: *const u16) -> Option<(usize, &[Entry])> {
        let number = *self.0.loops.get(&(header as usize))?;
        Some((number, &self.0.executors[number].entry))
    }
}

/// Makes an executor of a recording; what cannot be compiled is left to the interpreter.
fn compile(t: &Thread, recording: &mut Recording) {
    // SAFETY: the state belongs to this thread, and nothing else refers into it now.
    let state = unsafe { &mut *State::of(t) };
    if recording.steps.is_empty() || state.executors.len() >= MOST_EXECUTORS {
        return;
    }
    match recording.origin {
        Origin::Loop { jump, header } => {
            let number = match state.loops.get(&(header as usize)) {
                Some(number) => *number,
                None => {
                    let Some(lowered) = told(recording, lower::lower_loop(recording, &Known(state))) else { return };
                    let Some(number) = add(state, lowered, header) else { return };
                    number
                }
            };
            set_executor(jump, number);
        }
        Origin::Exit(exit) => {
            // SAFETY: the exit whose trace was recorded; executors live as long as the thread.
            let exit = unsafe { &*(exit as *const executor::Exit) };
            let Some(lowered) = told(recording, lower::lower_exit(recording, &Known(state), &exit.state)) else { return };
            if let Some(number) = add(state, lowered, std::ptr::null()) {
                let executor = &state.executors[number];
                executor.exits.iter().filter(|e| e.state.pc == exit.state.pc).for_each(|e| e.generation.set(exit.generation.get() + 1));
                exit.target.set(executor.piece.runnable);
            }
        }
    }
}

/// Optimizes what was lowered, and writes it down if that was asked for.
fn told(recording: &Recording, lowered: Result<Lowered, Abort>) -> Option<Lowered> {
    match lowered {
        Ok(mut lowered) => {
            optimize::optimize(&mut lowered.trace);
            dump::dump(recording, &lowered.trace, "compiled");
            Some(lowered)
        }
        Err(abort) => {
            dump::dump(recording, &ir::Trace::default(), &format!("{abort:?}"));
            None
        }
    }
}

/// Compiles a trace; the number of its executor.
fn add(state: &mut State, lowered: Lowered, header: *const u16) -> Option<usize> {
    let (piece, exits) = backend::compile(&lowered.trace, state)?;
    let executor = Executor { piece, header, entry: lowered.entry, exits, constants: lowered.constants, misses: Cell::new(MISSES) };
    state.executors.push(Box::new(executor));
    let number = state.executors.len() - 1;
    if !header.is_null() {
        state.loops.insert(header as usize, number);
    }
    Some(number)
}

/// Has a loop's jump enter an executor.
fn set_executor(jump: *const u16, number: usize) {
    let r = Regs { pc: jump, sp: std::ptr::null_mut(), fp: std::ptr::null_mut(), th: std::ptr::null() };
    r.set_cache(1, number as u16);
    r.set_opcode(Opcode::JUMP_BACKWARD_JIT);
}

/// Has a loop's jump count again.
pub(crate) fn unset_executor(jump: *const u16) {
    let r = Regs { pc: jump, sp: std::ptr::null_mut(), fp: std::ptr::null_mut(), th: std::ptr::null() };
    r.set_cache(1, backoff::JUMP_BACKWARD);
    r.set_opcode(Opcode::JUMP_BACKWARD);
}

unsafe fn forget(state: *mut ()) {
    // SAFETY: made by `State::of`, and the thread has ended.
    let state = unsafe { Box::from_raw(state as *mut State) };
    state.executors.iter().for_each(|e| backend::free(e.piece));
}

/// The memory of the code is shared with the parent process: from now on new code goes elsewhere.
fn after_fork(_t: &Thread) {
    backend::leave_heap();
}

unsafe fn trace(state: *mut (), tracer: &mut Tracer) {
    // SAFETY: the thread stands still.
    let state = unsafe { &*(state as *const State) };
    if state.running.get() == 0 {
        return;
    }
    for e in &state.executors {
        let range = e.constants.as_ptr_range();
        // SAFETY: a vector that nobody changes now. What its words refer to may have died while nothing ran.
        unsafe { tracer.range_conservative(range.start as usize, range.end as usize) };
    }
}
