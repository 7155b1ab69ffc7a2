//! The last step: from a graph to a code object.

mod encode;
mod slots;

use indexmap::IndexSet;
use limpid_bytecode::{CodeData, CodeFlags, Constant, LineTableWriter, Opcode, exceptiontable};
use ruff_python_ast::name::Name;
use rustc_hash::{FxBuildHasher, FxHashSet};

use crate::consts::ConstantPool;
use crate::ir::{Graph, Instr, Location, Op, passes};
use encode::Program;
use slots::Slots;

type NameSet = IndexSet<Name, FxBuildHasher>;

/// Everything a code object is made of.
pub(crate) struct Layout {
    pub(crate) graph: Graph,
    pub(crate) consts: ConstantPool,
    pub(crate) names: NameSet,
    pub(crate) varnames: NameSet,
    pub(crate) cellvars: NameSet,
    pub(crate) freevars: NameSet,
    /// Locals that only inlined comprehensions see.
    pub(crate) hidden: FxHashSet<Name>,
    pub(crate) name: String,
    pub(crate) qualname: String,
    pub(crate) filename: String,
    pub(crate) firstlineno: u32,
    pub(crate) flags: CodeFlags,
    pub(crate) argcount: u32,
    pub(crate) posonlyargcount: u32,
    pub(crate) kwonlyargcount: u32,
}

impl Layout {
    /// How many of the locals are parameters.
    fn parameters(&self) -> usize {
        let variadic = self.flags.0 & (CodeFlags::VARARGS | CodeFlags::VARKEYWORDS);
        (self.argcount + self.kwonlyargcount + variadic.count_ones()) as usize
    }
}

/// Makes the code object.
pub(crate) fn assemble(mut layout: Layout) -> CodeData {
    let slots = Slots::new(&layout);
    let parameters = layout.parameters();
    passes::optimize(&mut layout.graph, &layout.consts, parameters, layout.varnames.len());
    insert_prefix(&mut layout, &slots);
    slots.resolve(&mut layout.graph);
    let stacksize = passes::stack_depth(&mut layout.graph);
    let consts = compact(&mut layout.graph, layout.consts);

    let program = Program::new(&layout.graph);
    let mut instructions = Vec::new();
    let mut lines = LineTableWriter::new(layout.firstlineno);
    program.write(&mut instructions, &mut lines);
    let handlers = program.handlers(&layout.graph);
    CodeData {
        name: layout.name,
        qualname: layout.qualname,
        filename: layout.filename,
        firstlineno: layout.firstlineno,
        flags: layout.flags,
        argcount: layout.argcount,
        posonlyargcount: layout.posonlyargcount,
        kwonlyargcount: layout.kwonlyargcount,
        stacksize,
        instructions,
        consts,
        names: layout.names.iter().map(Name::to_string).collect(),
        localsplusnames: slots.names,
        localspluskinds: slots.kinds,
        linetable: lines.finish(),
        exceptiontable: exceptiontable::encode(handlers),
    }
}

/// Puts in front what makes the frame ready: the closure, the cells, the generator.
fn insert_prefix(layout: &mut Layout, slots: &Slots) {
    let instr = |opcode: Opcode, arg: usize, location: Location| Instr {
        op: Op::Real(opcode),
        arg: arg as u32,
        target: None,
        location,
        handler: None,
    };
    let mut prefix = Vec::new();
    if !layout.freevars.is_empty() {
        prefix.push(instr(Opcode::COPY_FREE_VARS, layout.freevars.len(), Location::NONE));
    }
    // In the order of their slots; the argument still counts cells.
    let mut cells: Vec<usize> = (0..layout.cellvars.len()).collect();
    cells.sort_by_key(|&cell| slots.cells[cell]);
    prefix.extend(cells.into_iter().map(|cell| instr(Opcode::MAKE_CELL, cell, Location::NONE)));
    const GENERATORS: u32 = CodeFlags::GENERATOR | CodeFlags::COROUTINE | CodeFlags::ASYNC_GENERATOR;
    if layout.flags.has(GENERATORS) {
        let location = Location::line(layout.firstlineno as i32);
        prefix.push(instr(Opcode::RETURN_GENERATOR, 0, location));
        prefix.push(instr(Opcode::POP_TOP, 0, location));
    }
    layout.graph[Graph::ENTRY].instrs.splice(0..0, prefix);
}

/// Keeps the constants that are used, and the first: it may be the docstring.
fn compact(graph: &mut Graph, consts: ConstantPool) -> Vec<Constant> {
    let consts = consts.into_vec();
    let mut used = vec![false; consts.len()];
    if let Some(first) = used.first_mut() {
        *first = true;
    }
    let order = graph.order.clone();
    for &id in &order {
        for instr in graph[id].instrs.iter().filter(|instr| instr.is(Opcode::LOAD_CONST)) {
            used[instr.arg as usize] = true;
        }
    }
    let mut index = 0;
    let indices: Vec<u32> = used
        .iter()
        .map(|&used| {
            index += u32::from(used);
            index.wrapping_sub(1)
        })
        .collect();
    for &id in &order {
        for instr in graph[id].instrs.iter_mut().filter(|instr| instr.is(Opcode::LOAD_CONST)) {
            instr.arg = indices[instr.arg as usize];
        }
    }
    consts.into_iter().zip(used).filter(|(_, used)| *used).map(|(constant, _)| constant).collect()
}
