//! What is done to a graph before it is assembled.

mod depth;
mod flow;
mod layout;
mod lines;
mod locals;
mod nops;
mod swaps;

pub(crate) use depth::stack_depth;

use super::{Graph, Instr, Op};
use limpid_bytecode::{Constant, Opcode};

use crate::consts::ConstantPool;

/// Optimises a graph. `parameters` of the `locals` fast locals are bound from the start.
pub(crate) fn optimize(graph: &mut Graph, consts: &ConstantPool, parameters: usize, locals: usize) {
    lines::resolve_next(graph);
    flow::skip_empty_blocks(graph);
    flow::inline_exits(graph);
    flow::remove_unreachable(graph);
    lines::resolve(graph);
    flow::thread_jumps(graph);
    swaps::apply(graph);
    nops::remove(graph);
    flow::skip_empty_blocks(graph);
    flow::inline_exits(graph);
    flow::remove_unreachable(graph);
    nops::remove(graph);
    small_ints(graph, consts);
    locals::check_unbound(graph, parameters, locals);
    locals::combine(graph);
    layout::move_cold_blocks(graph);
    flow::skip_empty_blocks(graph);
    flow::remove_unreachable(graph);
    lines::resolve(graph);
    nops::remove(graph);
    flow::skip_empty_blocks(graph);
    expand_pseudo(graph);
}

/// Small ints need no constant.
fn small_ints(graph: &mut Graph, consts: &ConstantPool) {
    for instr in graph.instrs_mut().filter(|instr| instr.is(Opcode::LOAD_CONST)) {
        if let Constant::Int(value) = consts.get(instr.arg)
            && let Ok(value) = u8::try_from(*value)
        {
            instr.op = Op::Real(Opcode::LOAD_SMALL_INT);
            instr.arg = value.into();
        }
    }
}

/// Replaces the pseudo instructions that stand for others, except jumps and marks of handlers.
fn expand_pseudo(graph: &mut Graph) {
    for block in &mut graph.blocks {
        for instr in &mut block.instrs {
            if instr.op == Op::StoreFastMaybeNull {
                instr.op = Op::Real(Opcode::STORE_FAST);
            }
        }
        let Some(last) = block.instrs.last().copied() else {
            continue;
        };
        let jump = match last.op {
            Op::JumpIfFalse => Opcode::POP_JUMP_IF_FALSE,
            Op::JumpIfTrue => Opcode::POP_JUMP_IF_TRUE,
            _ => continue,
        };
        block.instrs.pop();
        let bools = [Opcode::CONTAINS_OP, Opcode::IS_OP, Opcode::UNARY_NOT];
        let is_bool = block.instrs.last().is_some_and(|value| bools.iter().any(|&opcode| value.is(opcode)));
        let real = |opcode: Opcode, arg: u32| Instr { op: Op::Real(opcode), arg, target: None, ..last };
        block.instrs.push(real(Opcode::COPY, 1));
        if !is_bool {
            block.instrs.push(real(Opcode::TO_BOOL, 0));
        }
        block.instrs.push(Instr { op: Op::Real(jump), ..last });
    }
}
