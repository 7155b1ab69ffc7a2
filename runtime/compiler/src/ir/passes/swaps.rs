//! Swaps that need not happen at run time.

use limpid_bytecode::Opcode;

use crate::ir::{Graph, Instr, Op};

/// Removes swaps in front of stores by storing in the other order.
pub(super) fn apply(graph: &mut Graph) {
    for block in &mut graph.blocks {
        let instrs = &mut block.instrs;
        for index in (0..instrs.len()).rev() {
            if instrs[index].is(Opcode::SWAP) {
                apply_swap(instrs, index);
            }
        }
    }
}

/// `SWAP n` exchanges the values that the next and the `n`-th next consumer take.
fn apply_swap(instrs: &mut [Instr], swap: usize) {
    let Some(first) = next_consumer(instrs, swap, None) else {
        return;
    };
    let line = instrs[first].location.line;
    let mut last = first;
    for _ in 1..instrs[swap].arg {
        match next_consumer(instrs, last, Some(line)) {
            Some(index) => last = index,
            None => return,
        }
    }
    // The order of two stores to one variable matters, also with a third between them.
    let variable = |instr: &Instr| (!instr.is(Opcode::POP_TOP)).then_some(instr.arg);
    let moved = [variable(&instrs[first]), variable(&instrs[last])];
    if moved[0].is_some() && moved[0] == moved[1] {
        return;
    }
    let between = instrs[first + 1..last].iter().filter(|instr| !instr.is(Opcode::NOP)).filter_map(variable);
    if between.into_iter().any(|variable| moved.contains(&Some(variable))) {
        return;
    }
    instrs[swap].set_nop();
    instrs.swap(first, last);
}

/// The next instruction that only takes the value on top of the stack.
fn next_consumer(instrs: &[Instr], from: usize, line: Option<i32>) -> Option<usize> {
    for (index, instr) in instrs.iter().enumerate().skip(from + 1) {
        // A line event must not move.
        if line.is_some_and(|line| line >= 0 && instr.location.line != line) {
            return None;
        }
        match instr.op {
            Op::Real(Opcode::NOP) => {}
            Op::Real(Opcode::STORE_FAST | Opcode::POP_TOP) | Op::StoreFastMaybeNull => {
                return Some(index);
            }
            _ => return None,
        }
    }
    None
}
