//! Traces to programs: each value gets a register.

use crate::backend::Job;
use crate::executor::Executor;
use crate::ir::{BodyCall, Id, Layout, Op, Resumption, Trace, Ty};
use crate::uop_counts::is_run;
use std::cell::Cell;
use std::mem::size_of_val;
use std::sync::Arc;

/// The most registers that a program may have: they are on the native stack.
pub const MOST_REGISTERS: usize = 4096;

/// A uop.
pub struct Instruction {
    pub op: Op,
    /// The representation of its first operand.
    pub ty: Ty,
    /// Where its operands are among those of the program, and how many there are.
    pub operands: (u32, u32),
    /// Its number.
    pub imm: i64,
    /// The exit that it leaves through, if it does.
    pub exit: Option<u32>,
    /// The register that it makes.
    pub to: u32,
    /// Where the registers that nobody asks for any more are among those of the program, and how many there are.
    pub dying: (u32, u32),
}

/// A trace to be run.
pub struct Program {
    /// What it belongs to.
    pub executor: *const Executor,
    /// The thread's buffer.
    pub buffer: *const Cell<u64>,
    /// The uops that run, and where the body begins.
    pub instructions: Vec<Instruction>,
    pub body: usize,
    /// The registers of operands, instruction by instruction.
    pub operands: Vec<u32>,
    /// Registers whose last use an instruction is, instruction by instruction.
    pub dying: Vec<u32>,
    /// How many registers there are.
    pub registers: usize,
    /// Registers that have a constant from the start, ...
    pub constants: Vec<(u32, u64)>,
    /// ... and those with an address, so many bytes behind the first frame.
    pub addresses: Vec<(u32, i64)>,
    /// See [`Trace::is_peeled`].
    pub is_peeled: bool,
    /// In a loop, what is copied from one register to another at the end of a round.
    pub again: Option<Vec<(u32, u32)>>,
    /// By exit: the registers that go to the words of the buffer.
    pub exits: Vec<Vec<u32>>,
    /// As in the trace.
    pub calls: Vec<BodyCall>,
    pub resumptions: Vec<Resumption>,
    pub returns: Vec<(u64, u64)>,
    pub layouts: Vec<Arc<Layout>>,
}

impl Program {
    /// The program of a trace. None: it would take too many registers.
    pub fn new(job: &Job) -> Option<Program> {
        let trace = &job.trace;
        let runs = |id: &&Id| is_run(trace.uop(**id).op);
        let mut places = Places::new(trace);
        let (mut instructions, mut operands) = (Vec::new(), Vec::new());
        for id in trace.entry.iter().chain(&trace.body).filter(runs) {
            let uop = trace.uop(*id);
            let start = operands.len() as u32;
            operands.extend(uop.args.iter().map(|id| places.of(*id)));
            instructions.push(Instruction {
                op: uop.op,
                ty: uop.args.first().map_or(Ty::None, |id| trace.uop(*id).ty),
                operands: (start, uop.args.len() as u32),
                imm: uop.imm,
                exit: uop.exit,
                to: places.of(*id),
                dying: (0, 0),
            });
        }
        let exits: Vec<Vec<u32>> = job.words.iter().map(|words| words.ids.iter().map(|id| places.of(*id)).collect()).collect();
        let again = trace.next.as_ref().map(|next| places.copies(&trace.inputs, next));
        if places.count as usize > MOST_REGISTERS {
            return None;
        }
        let body = trace.entry.iter().filter(runs).count();
        let mut last = places.last_uses(&instructions, &operands, &exits, body, again.as_deref());
        last.sort_unstable();
        let mut start = 0;
        for deaths in last.chunk_by(|a, b| a.0 == b.0) {
            instructions[deaths[0].0].dying = (start, deaths.len() as u32);
            start += deaths.len() as u32;
        }
        Some(Program {
            executor: &raw const *job.executor,
            buffer: job.buffer as *const Cell<u64>,
            instructions,
            body,
            operands,
            dying: last.into_iter().map(|(_, register)| register).collect(),
            registers: places.count as usize,
            constants: places.constants,
            addresses: places.addresses,
            is_peeled: trace.is_peeled(),
            again,
            exits,
            calls: trace.calls.clone(),
            resumptions: trace.resumptions.clone(),
            returns: trace.returns.clone(),
            layouts: trace.layouts.clone(),
        })
    }

    /// How many bytes it takes, about.
    pub fn size(&self) -> usize {
        size_of_val(self)
            + size_of_val(&*self.instructions)
            + size_of_val(&*self.operands)
            + size_of_val(&*self.dying)
            + self.exits.iter().map(|words| size_of_val(&**words)).sum::<usize>()
    }
}

/// Which register each value has.
struct Places<'a> {
    trace: &'a Trace,
    known: Vec<Option<u32>>,
    count: u32,
    constants: Vec<(u32, u64)>,
    addresses: Vec<(u32, i64)>,
}

impl Places<'_> {
    fn new(trace: &Trace) -> Places<'_> {
        Places { trace, known: vec![None; trace.uops.len()], count: 0, constants: Vec::new(), addresses: Vec::new() }
    }

    fn new_register(&mut self) -> u32 {
        self.count += 1;
        self.count - 1
    }

    fn of(&mut self, id: Id) -> u32 {
        if let Some(register) = self.known[id.0 as usize] {
            return register;
        }
        let register = self.new_register();
        self.known[id.0 as usize] = Some(register);
        let uop = self.trace.uop(id);
        match uop.op {
            Op::Const => self.constants.push((register, uop.imm as u64)),
            Op::Frame => self.addresses.push((register, uop.imm)),
            _ => {}
        }
        register
    }

    /// The last instruction that asks for each register; none for those that the next round asks for, and those that are there from the start.
    fn last_uses(
        &self,
        instructions: &[Instruction],
        operands: &[u32],
        exits: &[Vec<u32>],
        body: usize,
        again: Option<&[(u32, u32)]>,
    ) -> Vec<(usize, u32)> {
        let mut last: Vec<Option<usize>> = vec![None; self.count as usize];
        let mut lives_on = vec![false; self.count as usize];
        for (at, i) in instructions.iter().enumerate() {
            let asked = &operands[i.operands.0 as usize..][..i.operands.1 as usize];
            let left = i.exit.map_or(&[][..], |exit| &exits[exit as usize]);
            for register in asked.iter().chain(left).chain([&i.to]).map(|register| *register as usize) {
                // Made in front of the body, and asked for in each round.
                lives_on[register] |= again.is_some() && at >= body && last[register].is_some_and(|before| before < body);
                last[register] = Some(at);
            }
        }
        let from_start = self.constants.iter().map(|c| c.0).chain(self.addresses.iter().map(|a| a.0));
        for register in from_start.chain(again.into_iter().flatten().flat_map(|(from, to)| [*from, *to])) {
            lives_on[register as usize] = true;
        }
        let registers = (0..self.count).filter(|register| !lives_on[*register as usize]);
        registers.filter_map(|register| Some((last[register as usize]?, register))).collect()
    }

    /// What makes the values of the next round the inputs: all at once, so first everything goes elsewhere.
    fn copies(&mut self, inputs: &[Id], next: &[Id]) -> Vec<(u32, u32)> {
        let (mut out, mut back) = (Vec::new(), Vec::new());
        for (input, next) in inputs.iter().zip(next).filter(|(input, next)| input != next) {
            let between = self.new_register();
            out.push((self.of(*next), between));
            back.push((between, self.of(*input)));
        }
        out.extend(back);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two inputs change places: neither may be overwritten before it was read.
    #[test]
    fn inputs_of_the_next_round_are_copied_at_once() {
        let trace = Trace::parse(
            "entry:
                v0: int = input #0
                v1: int = input #1
             body:
                guard_breaker !0
             again [v1, v0]
             !0: at 10 []",
        );
        let mut places = Places::new(&trace);
        let copies = places.copies(&trace.inputs, trace.next.as_ref().unwrap());
        let mut registers = vec![0; places.count as usize];
        let (a, b) = (places.of(Id(0)) as usize, places.of(Id(1)) as usize);
        (registers[a], registers[b]) = (1, 2);
        for (from, to) in copies {
            registers[to as usize] = registers[from as usize];
        }
        assert_eq!((registers[a], registers[b]), (2, 1));
    }
}
