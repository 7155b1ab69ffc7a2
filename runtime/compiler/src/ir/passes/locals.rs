//! Fast locals: which may be unbound, and which instructions can be joined.

use limpid_bytecode::Opcode;

use super::flow::successors;
use crate::ir::{Graph, Instr, Op};

/// Locals that superinstructions can name.
const MAX_PAIRED: u32 = 16;

/// A set of locals.
#[derive(Clone, PartialEq, Eq)]
struct LocalSet(Vec<u64>);

impl LocalSet {
    fn new(locals: usize) -> LocalSet {
        LocalSet(vec![0; locals.div_ceil(64)])
    }

    fn contains(&self, local: u32) -> bool {
        self.0[local as usize / 64] >> (local % 64) & 1 != 0
    }

    fn insert(&mut self, local: u32) {
        self.0[local as usize / 64] |= 1 << (local % 64);
    }

    fn remove(&mut self, local: u32) {
        self.0[local as usize / 64] &= !(1 << (local % 64));
    }

    /// Adds the members of another set; are there new ones?
    fn add_all(&mut self, other: &LocalSet) -> bool {
        let mut changed = false;
        for (word, &other) in self.0.iter_mut().zip(&other.0) {
            changed |= other & !*word != 0;
            *word |= other;
        }
        changed
    }
}

/// What is known where a block begins.
struct Unbound {
    /// Locals that may be unbound; `None` while the block has not been reached.
    at: Vec<Option<LocalSet>>,
    work: Vec<u32>,
}

impl Unbound {
    fn reach(&mut self, block: u32, unbound: &LocalSet) {
        let changed = match &mut self.at[block as usize] {
            Some(known) => known.add_all(unbound),
            unknown => {
                *unknown = Some(unbound.clone());
                true
            }
        };
        if changed {
            self.work.push(block);
        }
    }
}

/// Loads of locals that may be unbound check.
pub(super) fn check_unbound(graph: &mut Graph, parameters: usize, locals: usize) {
    if locals == 0 {
        return;
    }
    let mut entry = LocalSet::new(locals);
    (parameters..locals).for_each(|local| entry.insert(local as u32));
    let mut position = vec![usize::MAX; graph.blocks.len()];
    for (index, id) in graph.order.iter().enumerate() {
        position[id.0 as usize] = index;
    }
    let mut unbound = Unbound { at: vec![None; graph.blocks.len()], work: Vec::new() };
    unbound.reach(Graph::ENTRY.0, &entry);
    while let Some(block) = unbound.work.pop() {
        let mut state = unbound.at[block as usize].clone().expect("the block has been reached");
        let mut told = None;
        for instr in &graph.blocks[block as usize].instrs {
            // The handler sees the state before any of the instructions it covers. Binding a local cannot tell it anything new.
            if let Some(handler) = instr.handler
                && told != Some(handler)
            {
                unbound.reach(graph.handlers[handler.0 as usize].block.0, &state);
                told = Some(handler);
            }
            if transfer(instr, &mut state) {
                told = None;
            }
        }
        for successor in successors(graph, position[block as usize]) {
            unbound.reach(successor.0, &state);
        }
    }
    for (block, state) in graph.blocks.iter_mut().zip(unbound.at) {
        let Some(mut state) = state else {
            continue;
        };
        for instr in &mut block.instrs {
            if instr.is(Opcode::LOAD_FAST) && state.contains(instr.arg) {
                instr.op = Op::Real(Opcode::LOAD_FAST_CHECK);
            }
            transfer(instr, &mut state);
        }
    }
}

/// Applies an instruction; may a local have become unbound?
fn transfer(instr: &Instr, unbound: &mut LocalSet) -> bool {
    match instr.op {
        Op::Real(Opcode::STORE_FAST | Opcode::LOAD_FAST | Opcode::LOAD_FAST_CHECK) => {
            unbound.remove(instr.arg);
            false
        }
        Op::Real(Opcode::DELETE_FAST | Opcode::LOAD_FAST_AND_CLEAR) | Op::StoreFastMaybeNull => {
            unbound.insert(instr.arg);
            true
        }
        _ => false,
    }
}

/// Joins neighbouring loads and stores of the same line.
pub(super) fn combine(graph: &mut Graph) {
    for block in &mut graph.blocks {
        let mut combined: Vec<Instr> = Vec::with_capacity(block.instrs.len());
        for &instr in &block.instrs {
            match combined.last_mut() {
                Some(before) => match pair(before, &instr) {
                    Some(opcode) => {
                        before.arg = before.arg << 4 | instr.arg;
                        before.op = Op::Real(opcode);
                    }
                    None => combined.push(instr),
                },
                None => combined.push(instr),
            }
        }
        block.instrs = combined;
    }
}

fn pair(first: &Instr, second: &Instr) -> Option<Opcode> {
    let same_line = first.location.line == second.location.line || first.location.line < 0 || second.location.line < 0;
    if first.arg >= MAX_PAIRED || second.arg >= MAX_PAIRED || !same_line || first.handler != second.handler {
        return None;
    }
    match (first.op, second.op) {
        (Op::Real(Opcode::LOAD_FAST), Op::Real(Opcode::LOAD_FAST)) => Some(Opcode::LOAD_FAST_LOAD_FAST),
        (Op::Real(Opcode::STORE_FAST), Op::Real(Opcode::LOAD_FAST)) => Some(Opcode::STORE_FAST_LOAD_FAST),
        (Op::Real(Opcode::STORE_FAST), Op::Real(Opcode::STORE_FAST)) => Some(Opcode::STORE_FAST_STORE_FAST),
        _ => None,
    }
}
