//! The order of blocks in memory.

use super::flow::successors;
use crate::ir::{Block, BlockId, Graph, Instr, Location, Op};

/// Moves blocks that only exceptions lead to behind all others.
pub(super) fn move_cold_blocks(graph: &mut Graph) {
    let mut position = vec![usize::MAX; graph.blocks.len()];
    for (index, id) in graph.order.iter().enumerate() {
        position[id.0 as usize] = index;
    }
    let mut warm = vec![false; graph.blocks.len()];
    let mut work = vec![Graph::ENTRY];
    while let Some(id) = work.pop() {
        if !std::mem::replace(&mut warm[id.0 as usize], true) {
            work.extend(successors(graph, position[id.0 as usize]));
        }
    }
    let is_warm = |id: BlockId| warm.get(id.0 as usize).copied().unwrap_or(false);
    let order = std::mem::take(&mut graph.order);
    let mut cold = Vec::new();
    for (position, &id) in order.iter().enumerate() {
        if is_warm(id) {
            graph.order.push(id);
            continue;
        }
        graph[id].cold = true;
        cold.push(id);
        // The block after a cold one may stay where it is.
        if let Some(&next) = order.get(position + 1)
            && is_warm(next)
            && graph[id].falls_through()
        {
            let handler = graph[id].instrs.last().and_then(|last| last.handler);
            let jump = Instr { op: Op::JumpNoInterrupt, arg: 0, target: Some(next), location: Location::NONE, handler };
            graph.blocks.push(Block { instrs: vec![jump], cold: true, ..Block::default() });
            cold.push(BlockId(graph.blocks.len() as u32 - 1));
        }
    }
    graph.order.extend(cold);
}
