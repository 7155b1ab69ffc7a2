//! Swaps that need not happen at run time.

use limpid_bytecode::Opcode;

use crate::ir::{Graph, Instr, Op};

/// Shortens runs of swaps, and removes swaps in front of stores by storing in the other order.
pub(super) fn apply(graph: &mut Graph) {
    for block in &mut graph.blocks {
        let instrs = &mut block.instrs;
        shorten_runs(instrs);
        for index in (0..instrs.len()).rev() {
            if instrs[index].is(Opcode::SWAP) {
                apply_swap(instrs, index);
            }
        }
    }
}

/// Replaces runs of swaps by the fewest that have the same effect.
fn shorten_runs(instrs: &mut [Instr]) {
    let mut start = 0;
    while start < instrs.len() {
        let length = instrs[start..].iter().take_while(|instr| instr.is(Opcode::SWAP)).count();
        if length > 1 {
            let run = &mut instrs[start..start + length];
            let swaps = fewest_swaps(run.iter().map(|swap| swap.arg as usize));
            for (index, swap) in run.iter_mut().enumerate() {
                match swaps.get(index) {
                    Some(&depth) => swap.arg = depth as u32,
                    None => swap.set_nop(),
                }
            }
        }
        start += length.max(1);
    }
}

/// The shortest row of swaps that does the same as another.
fn fewest_swaps(swaps: impl Iterator<Item = usize> + Clone) -> Vec<usize> {
    // Which value is to be where, the top of the stack first.
    let mut wanted: Vec<usize> = (0..swaps.clone().max().unwrap_or(0)).collect();
    swaps.for_each(|depth| wanted.swap(0, depth - 1));
    let mut actual: Vec<usize> = (0..wanted.len()).collect();
    let mut fewest = Vec::new();
    loop {
        // Where the value on top belongs; if that is the top, any place that has a wrong value.
        let place = match wanted.iter().position(|&value| value == actual[0]) {
            Some(0) | None => (0..wanted.len()).find(|&place| actual[place] != wanted[place]),
            place => place,
        };
        let Some(place) = place else {
            return fewest;
        };
        actual.swap(0, place);
        fewest.push(place + 1);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_swaps_are_shortened() {
        let fewest = |swaps: &[usize]| fewest_swaps(swaps.iter().copied());
        assert_eq!(fewest(&[2, 2]), []);
        assert_eq!(fewest(&[3, 2, 3, 2]).len(), 2);
        assert_eq!(fewest(&[3, 2, 3]).len(), 3);
        assert_eq!(fewest(&[3, 2]), [3, 2]);
        for swaps in [vec![4, 3, 2, 4], vec![2, 3, 4, 5, 2, 3], vec![5, 4, 5, 3, 2, 2]] {
            let run = |swaps: &[usize]| {
                let mut stack: Vec<usize> = (0..5).collect();
                swaps.iter().for_each(|depth| stack.swap(0, depth - 1));
                stack
            };
            let shortest = fewest(&swaps);
            assert_eq!(run(&shortest), run(&swaps));
            assert!(shortest.len() <= swaps.len());
        }
    }
}
