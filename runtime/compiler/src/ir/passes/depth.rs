//! How deep the value stack gets.

use limpid_bytecode::Opcode;

use super::flow::successors;
use crate::ir::{BlockId, Graph, Instr, Op};

/// Computes the stack depth of each handler, and the deepest the stack gets.
///
/// # Panics
///
/// If two ways to a block disagree about the depth there: the code generator is wrong.
pub(crate) fn stack_depth(graph: &mut Graph) -> u32 {
    let mut position = vec![usize::MAX; graph.blocks.len()];
    for (index, id) in graph.order.iter().enumerate() {
        position[id.0 as usize] = index;
    }
    let mut depths = Depths { at: vec![None; graph.blocks.len()], work: Vec::new() };
    depths.reach(Graph::ENTRY, 0);
    let mut deepest = 0;
    while let Some(id) = depths.work.pop() {
        let mut depth = depths.at[id.0 as usize].expect("the block has been reached");
        for index in 0..graph[id].instrs.len() {
            let instr = graph[id].instrs[index];
            deepest = deepest.max(depth);
            if instr.is_setup() {
                let handler = &mut graph.handlers[instr.arg as usize];
                handler.depth = depth - u32::from(instr.op == Op::SetupWith);
                let (block, depth) = (handler.block, handler.depth + u32::from(handler.lasti) + 1);
                deepest = deepest.max(depth);
                depths.reach(block, depth);
                continue;
            }
            if instr.is(Opcode::FOR_ITER) {
                depths.reach(instr.target.expect("a jump has a target"), depth);
            }
            let (pops, pushes) = effect(&instr);
            depth = depth.checked_sub(pops).unwrap_or_else(|| panic!("{instr:?} pops an empty stack")) + pushes;
            deepest = deepest.max(depth);
        }
        let exhausts = graph[id].instrs.last().is_some_and(|last| last.is(Opcode::FOR_ITER));
        let jump = graph[id].instrs.last().and_then(|last| last.target);
        for successor in successors(graph, position[id.0 as usize]) {
            if !(exhausts && Some(successor) == jump) {
                depths.reach(successor, depth);
            }
        }
    }
    deepest
}

struct Depths {
    at: Vec<Option<u32>>,
    work: Vec<BlockId>,
}

impl Depths {
    fn reach(&mut self, id: BlockId, depth: u32) {
        match &mut self.at[id.0 as usize] {
            Some(known) => assert_eq!(*known, depth, "stack depth of {id:?}"),
            unknown => {
                *unknown = Some(depth);
                self.work.push(id);
            }
        }
    }
}

/// How many values an instruction pops and pushes.
fn effect(instr: &Instr) -> (u32, u32) {
    match instr.op {
        Op::Real(opcode) => {
            let (pops, pushes) = opcode.stack_effect(instr.arg as i32);
            (pops as u32, pushes as u32)
        }
        Op::LoadClosure => (0, 1),
        Op::StoreFastMaybeNull => (1, 0),
        Op::Jump | Op::JumpNoInterrupt | Op::JumpIfFalse | Op::JumpIfTrue | Op::SetupFinally | Op::SetupCleanup | Op::SetupWith => (0, 0),
    }
}
