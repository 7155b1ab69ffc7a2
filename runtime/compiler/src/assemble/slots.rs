//! The slots of a frame: locals, then cells that are no locals, then free variables.

use limpid_bytecode::{CodeFlags, LocalKind, Opcode, Operand};
use ruff_python_ast::name::Name;

use super::Layout;
use crate::ir::{Graph, Op};

/// Which variable is in which slot.
pub(super) struct Slots {
    pub(super) names: Vec<String>,
    /// [`LocalKind`] bits.
    pub(super) kinds: Vec<u8>,
    /// The slots of the cells, then of the free variables.
    pub(super) cells: Vec<u32>,
}

impl Slots {
    pub(super) fn new(layout: &Layout) -> Slots {
        let mut names: Vec<String> = layout.varnames.iter().map(Name::to_string).collect();
        let mut kinds: Vec<u8> = parameter_kinds(layout);
        let hidden = |name: &Name| {
            if layout.hidden.contains(name) { LocalKind::HIDDEN } else { 0 }
        };
        kinds.resize(names.len(), 0);
        for (kind, name) in kinds.iter_mut().zip(&layout.varnames) {
            *kind |= LocalKind::LOCAL | hidden(name);
        }
        let mut cells = Vec::new();
        for name in &layout.cellvars {
            // A parameter that is a cell is one variable.
            match layout.varnames.get_index_of(name) {
                Some(local) => {
                    kinds[local] |= LocalKind::CELL;
                    cells.push(local as u32);
                }
                None => {
                    cells.push(names.len() as u32);
                    names.push(name.to_string());
                    kinds.push(LocalKind::CELL);
                }
            }
        }
        for name in &layout.freevars {
            cells.push(names.len() as u32);
            names.push(name.to_string());
            kinds.push(LocalKind::FREE);
        }
        Slots { names, kinds, cells }
    }

    /// Turns the numbers of cells and free variables into slots.
    pub(super) fn resolve(&self, graph: &mut Graph) {
        for instr in graph.instrs_mut() {
            match instr.op {
                Op::LoadClosure => {
                    instr.op = Op::Real(Opcode::LOAD_FAST);
                    instr.arg = self.cells[instr.arg as usize];
                }
                Op::Real(opcode) if opcode.operand() == Operand::Cell || opcode == Opcode::MAKE_CELL => {
                    instr.arg = self.cells[instr.arg as usize];
                }
                _ => {}
            }
        }
    }
}

/// The kinds of the parameters, in the order of their slots.
fn parameter_kinds(layout: &Layout) -> Vec<u8> {
    let mut kinds = vec![LocalKind::ARG_POS; layout.posonlyargcount as usize];
    kinds.resize(layout.argcount as usize, LocalKind::ARG_POS | LocalKind::ARG_KW);
    kinds.resize((layout.argcount + layout.kwonlyargcount) as usize, LocalKind::ARG_KW);
    if layout.flags.has(CodeFlags::VARARGS) {
        kinds.push(LocalKind::ARG_VAR | LocalKind::ARG_POS);
    }
    if layout.flags.has(CodeFlags::VARKEYWORDS) {
        kinds.push(LocalKind::ARG_VAR | LocalKind::ARG_KW);
    }
    kinds
}
