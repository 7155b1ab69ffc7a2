//! Jumps and reachability.

use limpid_bytecode::Opcode;

use crate::ir::{BlockId, Graph, Instr, Op};

/// An exit block of at most this many instructions is copied to where it is jumped to.
const MAX_COPIED: usize = 4;

/// Where each block is in the order, and how often control enters it.
pub(super) struct Flow {
    /// The position in [`Graph::order`] of each block; `usize::MAX` for those that are not in it.
    pub(super) position: Vec<usize>,
    /// Jumps to a block and falls into it; the entry counts once, handlers do not.
    pub(super) predecessors: Vec<u32>,
}

impl Flow {
    pub(super) fn new(graph: &Graph) -> Flow {
        let mut flow = Flow { position: vec![usize::MAX; graph.blocks.len()], predecessors: vec![0; graph.blocks.len()] };
        flow.predecessors[Graph::ENTRY.0 as usize] = 1;
        for (position, &id) in graph.order.iter().enumerate() {
            flow.position[id.0 as usize] = position;
            for successor in successors(graph, position) {
                flow.predecessors[successor.0 as usize] += 1;
            }
        }
        flow
    }

    pub(super) fn predecessors(&self, id: BlockId) -> u32 {
        self.predecessors[id.0 as usize]
    }
}

/// The blocks that control may go to from the one at a position, without exceptions.
pub(super) fn successors(graph: &Graph, position: usize) -> impl Iterator<Item = BlockId> {
    let block = &graph[graph.order[position]];
    let jump = block.instrs.last().filter(|last| last.is_jump()).and_then(|last| last.target);
    let next = graph.order.get(position + 1).copied().filter(|_| block.falls_through());
    jump.into_iter().chain(next)
}

/// Makes jumps and handlers name the block that has the next instruction, and forgets blocks without any.
pub(super) fn skip_empty_blocks(graph: &mut Graph) {
    let mut full = vec![None; graph.blocks.len()];
    let mut next = None;
    for &id in graph.order.iter().rev() {
        if !graph[id].instrs.is_empty() {
            next = Some(id);
        }
        full[id.0 as usize] = next;
    }
    let find = |id: BlockId| full[id.0 as usize].unwrap_or(id);
    for instr in graph.instrs_mut() {
        instr.target = instr.target.map(find);
    }
    for index in 0..graph.handlers.len() {
        let block = find(graph.handlers[index].block);
        graph.handlers[index].block = block;
        graph[block].is_handler = true;
    }
    let blocks = &graph.blocks;
    graph.order.retain(|id| *id == Graph::ENTRY || !blocks[id.0 as usize].instrs.is_empty());
}

/// Copies short blocks that leave the function to the jumps to them.
pub(super) fn inline_exits(graph: &mut Graph) {
    for position in 0..graph.order.len() {
        let id = graph.order[position];
        while let Some(jump) = graph[id].instrs.last().filter(|last| last.is_unconditional_jump()) {
            let target = &graph[jump.target.expect("a jump has a target")];
            if !target.exits() || target.instrs.len() > MAX_COPIED {
                break;
            }
            let copied = target.instrs.clone();
            let block = &mut graph[id];
            block.instrs.last_mut().expect("it ends in a jump").set_nop();
            block.instrs.extend(copied);
        }
    }
}

/// Removes blocks that control does not reach.
pub(super) fn remove_unreachable(graph: &mut Graph) {
    let mut position = vec![usize::MAX; graph.blocks.len()];
    for (index, id) in graph.order.iter().enumerate() {
        position[id.0 as usize] = index;
    }
    let mut reached = vec![false; graph.blocks.len()];
    let mut work = vec![Graph::ENTRY];
    while let Some(id) = work.pop() {
        if std::mem::replace(&mut reached[id.0 as usize], true) {
            continue;
        }
        work.extend(successors(graph, position[id.0 as usize]));
        for instr in &graph[id].instrs {
            // A handler that covers nothing stays as well: it is part of what can be seen of the program.
            work.extend(instr.target.filter(|_| instr.is_setup()));
            work.extend(instr.handler.map(|handler| graph.handlers[handler.0 as usize].block));
        }
    }
    graph.order.retain(|id| reached[id.0 as usize]);
}

/// Makes jumps to jumps go to their end.
pub(super) fn thread_jumps(graph: &mut Graph) {
    for position in 0..graph.order.len() {
        let id = graph.order[position];
        // A chain of jumps may be a cycle: `while True: pass`.
        for _ in 0..graph.order.len() {
            let Some(last) = graph[id].instrs.last().copied() else {
                break;
            };
            let Some(target) = last.target.filter(|_| last.is_jump()) else {
                break;
            };
            let Some(first) = graph[target].instrs.first().copied() else {
                break;
            };
            let Some(threaded) = thread(graph, &last, &first, target) else {
                break;
            };
            if threaded.target == last.target {
                break;
            }
            let block = &mut graph[id];
            block.instrs.last_mut().expect("it ends in a jump").set_nop();
            block.instrs.push(threaded);
        }
    }
}

/// What a jump to a block that begins with `first` can be replaced by.
fn thread(graph: &Graph, jump: &Instr, first: &Instr, target: BlockId) -> Option<Instr> {
    let unconditional = matches!(first.op, Op::Jump | Op::JumpNoInterrupt);
    match jump.op {
        Op::Jump if first.op == Op::Jump => {}
        Op::Jump if first.op == Op::JumpNoInterrupt => {}
        Op::JumpNoInterrupt if unconditional => {}
        Op::JumpIfFalse | Op::JumpIfTrue if first.op == jump.op || first.op == Op::Jump => {}
        // The value is known: the other jump is not taken.
        Op::JumpIfFalse | Op::JumpIfTrue if matches!(first.op, Op::JumpIfFalse | Op::JumpIfTrue) => {
            let position = graph.order.iter().position(|&id| id == target)?;
            let next = *graph.order.get(position + 1)?;
            return (graph[target].instrs.len() == 1).then_some(Instr { target: Some(next), ..*jump });
        }
        Op::Real(Opcode::POP_JUMP_IF_FALSE | Opcode::POP_JUMP_IF_TRUE | Opcode::POP_JUMP_IF_NONE | Opcode::POP_JUMP_IF_NOT_NONE)
            if first.op == Op::Jump => {}
        _ => return None,
    }
    let op = if jump.op == Op::JumpNoInterrupt { first.op } else { jump.op };
    Some(Instr { op, target: first.target, location: first.location, ..*jump })
}
