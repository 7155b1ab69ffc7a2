//! Instructions as words.

use limpid_bytecode::{Handler, LineTableWriter, Opcode};

use crate::ir::{BlockId, Graph, HandlerId, Instr, Location, Op};

/// An instruction at its place in memory.
struct Line {
    opcode: Opcode,
    /// For a jump known when all sizes are.
    arg: u32,
    target: Option<BlockId>,
    location: Location,
    handler: Option<HandlerId>,
    /// Words with `EXTENDED_ARG` in front and caches behind.
    size: u32,
    offset: u32,
}

/// All instructions in order, with their offsets.
pub(super) struct Program {
    lines: Vec<Line>,
    /// The first line of each block.
    starts: Vec<usize>,
}

impl Program {
    pub(super) fn new(graph: &Graph) -> Program {
        let mut program = Program { lines: Vec::new(), starts: vec![usize::MAX; graph.blocks.len()] };
        for (position, &id) in graph.order.iter().enumerate() {
            program.starts[id.0 as usize] = program.lines.len();
            for instr in &graph[id].instrs {
                program.push(graph, instr, position);
            }
        }
        program.place();
        program
    }

    fn push(&mut self, graph: &Graph, instr: &Instr, position: usize) {
        let started = instr.target.is_some_and(|target| self.starts[target.0 as usize] != usize::MAX);
        match instr.op {
            Op::SetupFinally | Op::SetupCleanup | Op::SetupWith => {}
            Op::Jump if started => self.push_line(Opcode::JUMP_BACKWARD, instr),
            Op::JumpNoInterrupt if started => self.push_line(Opcode::JUMP_BACKWARD_NO_INTERRUPT, instr),
            Op::Jump | Op::JumpNoInterrupt => self.push_line(Opcode::JUMP_FORWARD, instr),
            Op::Real(opcode) if instr.is_pop_jump() => {
                let not_taken = Instr { target: None, arg: 0, ..*instr };
                if !started {
                    self.push_line(opcode, instr);
                    self.push_line(Opcode::NOT_TAKEN, &not_taken);
                    return;
                }
                // Conditional jumps go forward only: jump over a jump back.
                let next = graph.order.get(position + 1).copied();
                self.push_line(inverted(opcode), &Instr { target: next, ..*instr });
                self.push_line(Opcode::NOT_TAKEN, &not_taken);
                self.push_line(Opcode::JUMP_BACKWARD, instr);
            }
            Op::Real(opcode) => self.push_line(opcode, instr),
            Op::JumpIfFalse | Op::JumpIfTrue | Op::LoadClosure | Op::StoreFastMaybeNull => {
                unreachable!("{:?} has been replaced", instr.op)
            }
        }
    }

    fn push_line(&mut self, opcode: Opcode, instr: &Instr) {
        let mut arg = instr.arg;
        // A pair of locals and the number of a handler are no jump distances.
        if instr.target.is_some() {
            arg = 0;
        }
        let size = size(opcode, arg);
        let Instr { target, location, handler, .. } = *instr;
        self.lines.push(Line { opcode, arg, target, location, handler, size, offset: 0 });
    }

    /// Finds offsets and jump distances. A longer distance may need an `EXTENDED_ARG`, which makes others longer, until nothing grows.
    fn place(&mut self) {
        loop {
            let mut offset = 0;
            for line in &mut self.lines {
                line.offset = offset;
                offset += line.size;
            }
            let mut grown = false;
            for index in 0..self.lines.len() {
                let Some(target) = self.lines[index].target else {
                    continue;
                };
                let target = self.lines[self.starts[target.0 as usize]].offset;
                let line = &mut self.lines[index];
                line.arg = target.abs_diff(line.offset + line.size);
                let size = size(line.opcode, line.arg);
                grown |= size > line.size;
                line.size = line.size.max(size);
            }
            if !grown {
                return;
            }
        }
    }

    /// Writes instructions and position table.
    pub(super) fn write(&self, words: &mut Vec<u16>, lines: &mut LineTableWriter) {
        for line in &self.lines {
            let caches = line.opcode.caches() as u32;
            for shift in (1..line.size - caches).rev() {
                let byte = line.arg.checked_shr(shift * 8).unwrap_or(0) as u8;
                words.push(Opcode::EXTENDED_ARG as u16 | u16::from(byte) << 8);
            }
            words.push(line.opcode as u16 | (line.arg as u16 & 0xFF) << 8);
            words.resize(words.len() + caches as usize, 0);
            lines.push(line.location, line.size);
        }
    }

    /// The exception table.
    pub(super) fn handlers(&self, graph: &Graph) -> Vec<Handler> {
        let mut rows: Vec<Handler> = Vec::new();
        for line in &self.lines {
            let Some(HandlerId(handler)) = line.handler else {
                continue;
            };
            let handler = &graph.handlers[handler as usize];
            let row = Handler {
                start: line.offset,
                end: line.offset + line.size,
                target: self.lines[self.starts[handler.block.0 as usize]].offset,
                depth: handler.depth,
                lasti: handler.lasti,
            };
            match rows.last_mut() {
                Some(last) if last.end == row.start && (last.target, last.depth, last.lasti) == (row.target, row.depth, row.lasti) => {
                    last.end = row.end;
                }
                _ => rows.push(row),
            }
        }
        rows
    }
}

/// Words of an instruction with its caches and the `EXTENDED_ARG`s it needs.
fn size(opcode: Opcode, arg: u32) -> u32 {
    let extended = (32 - arg.leading_zeros()).div_ceil(8).saturating_sub(1);
    1 + extended + opcode.caches() as u32
}

fn inverted(jump: Opcode) -> Opcode {
    match jump {
        Opcode::POP_JUMP_IF_FALSE => Opcode::POP_JUMP_IF_TRUE,
        Opcode::POP_JUMP_IF_TRUE => Opcode::POP_JUMP_IF_FALSE,
        Opcode::POP_JUMP_IF_NONE => Opcode::POP_JUMP_IF_NOT_NONE,
        Opcode::POP_JUMP_IF_NOT_NONE => Opcode::POP_JUMP_IF_NONE,
        other => unreachable!("{other:?} is no conditional jump"),
    }
}
