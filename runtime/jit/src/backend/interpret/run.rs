//! Running a program: once through what is in front of the body, and through the body, in a loop in rounds.

use super::program::{Instruction, MOST_REGISTERS, Program};
use super::{Next, leave_stub};
use crate::executor::Executor;
use crate::uop_counts::Counts;
use limpid_heap::Value;
use limpid_vm::thread::Thread;
use std::cell::Cell;
use std::ops::Range;

/// A uop that does not lead to the next one.
pub enum Way {
    /// Its guard leaves through its exit.
    Exit,
    /// The interpreter goes on there; its state is in memory and in the thread's saved registers.
    Interpreter(*const u16),
    /// Other code goes on.
    Linked(Next),
}

/// What a uop makes, if it leads to the next one; 0 if it makes nothing.
pub type Done = Result<u64, Way>;

/// A program that is running.
pub struct Run<'a> {
    pub program: &'a Program,
    pub registers: &'a [Cell<u64>],
    /// The first frame.
    pub frame: *mut Value,
    pub t: &'a Thread,
}

/// Runs a program until it is left.
///
/// # Safety
/// As for [`enter`](super::enter).
pub unsafe fn run(program: &Program, frame: *mut Value, t: &Thread) -> Next {
    // SAFETY: by contract.
    unsafe {
        match program.registers {
            0..=64 => run_with::<64>(program, frame, t),
            65..=256 => run_with::<256>(program, frame, t),
            257..=1024 => run_with::<1024>(program, frame, t),
            _ => run_with::<MOST_REGISTERS>(program, frame, t),
        }
    }
}

/// Runs a program of up to `N` registers. A function of its own for each number, so that no more of the native stack is taken.
#[inline(never)]
unsafe fn run_with<const N: usize>(program: &Program, frame: *mut Value, t: &Thread) -> Next {
    let registers = [const { Cell::new(0) }; N];
    // They are in memory, and what is stored in them stays there: somebody else looks at it.
    limpid_heap::keep_alive(registers.as_ptr());
    // SAFETY: by contract.
    unsafe { Run { program, registers: &registers, frame, t }.whole() }
}

impl Run<'_> {
    /// The executor whose program this is.
    pub fn executor(&self) -> &Executor {
        // SAFETY: the program belongs to it.
        unsafe { &*self.program.executor }
    }

    /// # Safety
    /// As for [`run`].
    unsafe fn whole(&self) -> Next {
        let p = self.program;
        self.t.trace_frame.set(self.frame);
        self.count(|counts| &counts.entered, 1);
        for (register, bits) in &p.constants {
            self.registers[*register as usize].set(*bits);
        }
        for (register, offset) in &p.addresses {
            self.registers[*register as usize].set((self.frame as u64).wrapping_add_signed(*offset));
        }
        // SAFETY: by contract; what is in front of the body makes what the body needs.
        match unsafe { self.rounds() } {
            Err(next) => next,
            Ok(()) => unreachable!("what is no loop ends with a uop that leaves"),
        }
    }

    unsafe fn rounds(&self) -> Result<(), Next> {
        let p = self.program;
        let end = p.instructions.len();
        if p.is_peeled {
            self.count_round();
        }
        // SAFETY: by contract.
        unsafe { self.part(0..p.body, 0)? };
        let part = if p.again.is_some() { p.body } else { 0 };
        if p.again.is_some() {
            self.count_run(p.body);
        }
        loop {
            self.count_round();
            self.count(|counts| &counts.begun, 1);
            // SAFETY: by contract.
            unsafe { self.part(p.body..end, part)? };
            let Some(again) = &p.again else { return Ok(()) };
            self.count_run(end - part);
            for (from, to) in again {
                self.registers[*to as usize].set(self.registers[*from as usize].get());
            }
        }
    }

    /// Runs some uops; uops are counted from the one at `start` on.
    unsafe fn part(&self, range: Range<usize>, start: usize) -> Result<(), Next> {
        for at in range {
            let i = &self.program.instructions[at];
            // SAFETY: by contract, and all uops before it led here.
            match unsafe { self.uop(i) } {
                Ok(word) => {
                    self.registers[i.to as usize].set(word);
                    // What it calls may wait for something to be garbage.
                    for register in &self.program.dying[i.dying.0 as usize..][..i.dying.1 as usize] {
                        self.registers[*register as usize].set(0);
                    }
                }
                Err(way) => return Err(self.leave(i, way, at, start)),
            }
        }
        Ok(())
    }

    /// The program is left at a uop.
    fn leave(&self, i: &Instruction, way: Way, at: usize, start: usize) -> Next {
        self.count_run(at + 1 - start);
        match way {
            Way::Linked(next) => next,
            Way::Interpreter(pc) => {
                self.count(|counts| &counts.left[at], 1);
                Next { code: leave_stub(), frame: self.frame, word: pc as usize }
            }
            Way::Exit => {
                self.count(|counts| &counts.left[at], 1);
                let number = i.exit.unwrap_or(0) as usize;
                for (word, register) in self.program.exits[number].iter().enumerate() {
                    self.set_input(word, self.registers[*register as usize].get());
                }
                let exit = &*self.executor().exits[number];
                Next { code: exit.target.get(), frame: self.frame, word: std::ptr::from_ref(exit) as usize }
            }
        }
    }

    /// A word of the buffer.
    pub fn input(&self, word: usize) -> u64 {
        // SAFETY: programs name words that the buffer has, and the thread alone uses it.
        unsafe { (*self.program.buffer.add(word)).get() }
    }

    /// Changes a word of the buffer.
    pub fn set_input(&self, word: usize, to: u64) {
        // SAFETY: as in `input`.
        unsafe { (*self.program.buffer.add(word)).set(to) }
    }

    /// Adds to a counter of the statistics, if the program is to count.
    fn count(&self, which: impl FnOnce(&Counts) -> *const Cell<u64>, n: usize) {
        if let Some(counts) = &self.executor().counts {
            // SAFETY: a counter of the executor or of its thread, which both live longer.
            let counter = unsafe { &*which(counts) };
            counter.set(counter.get() + n as u64);
        }
    }

    /// A round begins, if it is one of a loop.
    fn count_round(&self) {
        let executor = self.executor();
        if executor.watch.counts_rounds() && (self.program.again.is_some() || !executor.header.is_null()) {
            executor.watch.rounds.set(executor.watch.rounds.get() + 1);
        }
    }

    /// So many uops have run.
    fn count_run(&self, n: usize) {
        self.count(|counts| counts.run, n);
    }
}
