//! Instructions that do nothing.
//!
//! A NOP stays where it is the only instruction of its line: a tracer must see the line.

use limpid_bytecode::Opcode;

use super::flow::{Flow, skip_empty_blocks};
use crate::ir::{Graph, Instr, Op};

/// Removes NOPs and jumps to the next instruction.
pub(super) fn remove(graph: &mut Graph) {
    loop {
        let flow = Flow::new(graph);
        for position in 0..graph.order.len() {
            remove_nops(graph, position, line_before(graph, &flow, position));
        }
        skip_empty_blocks(graph);
        if !remove_jumps(graph) {
            return;
        }
    }
}

/// The line that control comes from to a block, if that is the block before and no other.
fn line_before(graph: &Graph, flow: &Flow, position: usize) -> i32 {
    let id = graph.order[position];
    let before = position.checked_sub(1).map(|before| &graph[graph.order[before]]);
    match before {
        Some(before) if before.falls_through() && flow.predecessors(id) == 1 && !graph[id].is_handler => {
            before.instrs.iter().rfind(|instr| !instr.is_setup()).map_or(-1, |last| last.location.line)
        }
        _ => -1,
    }
}

fn remove_nops(graph: &mut Graph, position: usize, mut previous: i32) {
    let id = graph.order[position];
    let mut instrs = std::mem::take(&mut graph[id].instrs);
    let mut kept = Vec::with_capacity(instrs.len());
    for index in 0..instrs.len() {
        let instr = instrs[index];
        let line = instr.location.line;
        if instr.is_setup() {
            kept.push(instr);
            continue;
        }
        if instr.is(Opcode::NOP) && (line < 0 || line == previous) {
            continue;
        }
        if instr.is(Opcode::NOP) {
            // What puts a handler in force is no instruction in the end.
            match instrs[index + 1..].iter_mut().find(|next| !next.is_setup()) {
                Some(next) if next.location.line == line => continue,
                Some(next) if next.location.line < 0 => {
                    next.location = instr.location;
                    continue;
                }
                Some(_) => {}
                None if first_line(graph, position + 1) == Some(line) => continue,
                None => {}
            }
        }
        previous = line;
        kept.push(instr);
    }
    graph[id].instrs = kept;
}

/// The line of the first instruction from a position on that is certain to stay.
fn first_line(graph: &Graph, position: usize) -> Option<i32> {
    let blocks = graph.order[position..].iter().map(|&id| &graph[id]);
    let block = blocks.into_iter().find(|block| !block.instrs.is_empty())?;
    let stays = |instr: &Instr| !instr.is_setup() && (!instr.is(Opcode::NOP) || instr.location.line >= 0);
    Some(block.instrs.iter().find(|instr| stays(instr))?.location.line)
}

fn remove_jumps(graph: &mut Graph) -> bool {
    let mut changed = false;
    for position in 0..graph.order.len() {
        let next = graph.order.get(position + 1).copied();
        let id = graph.order[position];
        if let Some(last) = graph[id].instrs.last_mut()
            && matches!(last.op, Op::Jump | Op::JumpNoInterrupt)
            && last.target == next
        {
            last.set_nop();
            changed = true;
        }
    }
    changed
}
