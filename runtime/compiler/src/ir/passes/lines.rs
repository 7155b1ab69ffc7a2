//! Places in the source for instructions that have none of their own.

use super::flow::Flow;
use crate::ir::{Block, BlockId, Graph, Location, NEXT_LOCATION};

/// Replaces [`NEXT_LOCATION`].
pub(super) fn resolve_next(graph: &mut Graph) {
    for position in 0..graph.order.len() {
        let id = graph.order[position];
        for index in 0..graph[id].instrs.len() {
            if graph[id].instrs[index].location != NEXT_LOCATION {
                continue;
            }
            let rest = graph[id].instrs[index + 1..].iter();
            let after = graph.order[position + 1..].iter().flat_map(|&id| &graph[id].instrs);
            let next = rest.chain(after).map(|instr| instr.location).find(|location| *location != NEXT_LOCATION);
            graph[id].instrs[index].location = next.unwrap_or(Location::NONE);
        }
    }
}

/// An instruction without a place takes that of the one before, where only one can be before it.
pub(super) fn resolve(graph: &mut Graph) {
    copy_exits(graph);
    let flow = Flow::new(graph);
    for position in 0..graph.order.len() {
        let id = graph.order[position];
        let mut before = Location::NONE;
        for instr in graph[id].instrs.iter_mut().filter(|instr| !instr.is_setup()) {
            if instr.location.line < 0 {
                instr.location = before;
            } else {
                before = instr.location;
            }
        }
        let jump = graph[id].instrs.last().filter(|last| last.is_jump()).and_then(|last| last.target);
        let next = graph.order.get(position + 1).copied().filter(|_| graph[id].falls_through());
        for successor in [jump, next].into_iter().flatten() {
            if flow.predecessors(successor) == 1
                && let Some(first) = graph[successor].instrs.iter_mut().find(|instr| !instr.is_setup())
                && first.location.line < 0
            {
                first.location = before;
            }
        }
    }
}

/// A block without a line that leaves the function is copied for each jump to it, so that each return has the line it comes from.
fn copy_exits(graph: &mut Graph) {
    let mut flow = Flow::new(graph);
    let mut order = Vec::with_capacity(graph.order.len());
    let mut copies: Vec<(BlockId, BlockId)> = Vec::new();
    for &id in &graph.order {
        let Some(last) = graph.blocks[id.0 as usize].instrs.last().copied().filter(|last| last.is_jump()) else {
            continue;
        };
        let target = last.target.expect("a jump has a target");
        if flow.predecessors(target) > 1 && is_exit_without_line(&graph.blocks[target.0 as usize]) {
            let mut copy = graph.blocks[target.0 as usize].clone();
            copy.instrs[0].location = last.location;
            let copy_id = BlockId(graph.blocks.len() as u32);
            graph.blocks.push(copy);
            let jump = graph.blocks[id.0 as usize].instrs.last_mut().expect("it ends in a jump");
            jump.target = Some(copy_id);
            flow.predecessors[target.0 as usize] -= 1;
            copies.push((target, copy_id));
        }
    }
    for &id in &graph.order {
        order.push(id);
        // The newest copy comes first; the order among them does not matter, none falls through.
        order.extend(copies.iter().filter(|(target, _)| *target == id).map(|(_, copy)| *copy));
    }
    graph.order = order;
    // What is left is fallen into, from one place.
    for position in 1..graph.order.len() {
        let (before, id) = (graph.order[position - 1], graph.order[position]);
        if graph[before].falls_through()
            && is_exit_without_line(&graph[id])
            && let Some(location) = graph[before].instrs.last().map(|last| last.location)
        {
            graph[id].instrs[0].location = location;
        }
    }
}

fn is_exit_without_line(block: &Block) -> bool {
    block.exits() && block.instrs.iter().all(|instr| instr.location.line < 0)
}
