//! Code between syntax tree and code object: basic blocks of instructions, a control-flow graph.
//!
//! A block is a run of instructions that is entered at the top only; a jump ends it, and without one the block falls through to the next
//! in [`Graph::order`]. Jumps name blocks. Which handler covers an instruction is stored in the instruction, so blocks can be moved,
//! copied and removed freely.
//!
//! Beside the instructions of the table there are *pseudo* instructions ([`Op`]), which the passes replace before assembly.

pub(crate) mod passes;

pub(crate) use limpid_bytecode::Location;
use limpid_bytecode::Opcode;

/// The location of whatever instruction comes next.
pub(crate) const NEXT_LOCATION: Location = Location { line: -2, end_line: -2, column: -2, end_column: -2 };

/// Index of a block in its graph.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct BlockId(pub(crate) u32);

/// Index of an exception handler in its graph.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct HandlerId(pub(crate) u32);

/// An instruction of the table or a pseudo instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Op {
    /// An instruction of the table.
    Real(Opcode),
    /// A jump whose direction is not known yet.
    Jump,
    /// The same where the interpreter does not look for requests: in loops that wait for another generator.
    JumpNoInterrupt,
    /// Jumps if the value on top is false, and leaves it on the stack.
    JumpIfFalse,
    /// Jumps if the value on top is true, and leaves it on the stack.
    JumpIfTrue,
    /// From here on a handler is in force; its stack is the one here plus the exception.
    SetupFinally,
    /// The same for a handler that also gets the position of the raising instruction.
    SetupCleanup,
    /// The same in a `with` statement: what `__enter__` returned, on top here, is not on the handler's stack.
    SetupWith,
    /// `LOAD_FAST` of a cell itself; the argument counts cells and free variables.
    LoadClosure,
    /// `STORE_FAST` of a value that may be NULL: the end of an inlined comprehension.
    StoreFastMaybeNull,
}

impl From<Opcode> for Op {
    fn from(opcode: Opcode) -> Op {
        Op::Real(opcode)
    }
}

/// One instruction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instr {
    pub(crate) op: Op,
    pub(crate) arg: u32,
    /// Where it jumps; for `Setup*` the handler's block.
    pub(crate) target: Option<BlockId>,
    pub(crate) location: Location,
    /// Who handles an exception raised here.
    pub(crate) handler: Option<HandlerId>,
}

impl Instr {
    pub(crate) fn is(&self, opcode: Opcode) -> bool {
        self.op == Op::Real(opcode)
    }

    /// Makes it do nothing; its place in the source stays.
    pub(crate) fn set_nop(&mut self) {
        self.op = Op::Real(Opcode::NOP);
        self.arg = 0;
        self.target = None;
    }

    /// Does it jump to `target` always?
    pub(crate) fn is_unconditional_jump(&self) -> bool {
        matches!(
            self.op,
            Op::Jump | Op::JumpNoInterrupt | Op::Real(Opcode::JUMP_FORWARD | Opcode::JUMP_BACKWARD | Opcode::JUMP_BACKWARD_NO_INTERRUPT)
        )
    }

    /// Does it jump to `target` or go on, depending on a value?
    pub(crate) fn is_conditional_jump(&self) -> bool {
        self.is_pop_jump() || matches!(self.op, Op::JumpIfFalse | Op::JumpIfTrue)
    }

    /// Is it one of the `POP_JUMP_IF` instructions?
    pub(crate) fn is_pop_jump(&self) -> bool {
        matches!(
            self.op,
            Op::Real(Opcode::POP_JUMP_IF_FALSE | Opcode::POP_JUMP_IF_TRUE | Opcode::POP_JUMP_IF_NONE | Opcode::POP_JUMP_IF_NOT_NONE)
        )
    }

    /// Is `target` a block that control may go to from here?
    pub(crate) fn is_jump(&self) -> bool {
        self.is_unconditional_jump() || self.is_conditional_jump() || matches!(self.op, Op::Real(Opcode::FOR_ITER | Opcode::SEND))
    }

    /// Does it put a handler in force?
    pub(crate) fn is_setup(&self) -> bool {
        matches!(self.op, Op::SetupFinally | Op::SetupCleanup | Op::SetupWith)
    }

    /// Does it leave the function?
    pub(crate) fn is_exit(&self) -> bool {
        matches!(self.op, Op::Real(Opcode::RETURN_VALUE | Opcode::RAISE_VARARGS | Opcode::RERAISE))
    }

    /// Does control never reach the instruction after it?
    pub(crate) fn ends_flow(&self) -> bool {
        self.is_exit() || self.is_unconditional_jump()
    }

    /// Is it the last one of its block?
    pub(crate) fn ends_block(&self) -> bool {
        self.is_exit() || self.is_jump()
    }
}

/// A run of instructions entered at the top.
#[derive(Clone, Default, Debug)]
pub(crate) struct Block {
    pub(crate) instrs: Vec<Instr>,
    /// It handles exceptions.
    pub(crate) is_handler: bool,
    /// Reached through handlers only.
    pub(crate) cold: bool,
}

impl Block {
    /// Does control go on to the next block?
    pub(crate) fn falls_through(&self) -> bool {
        self.instrs.last().is_none_or(|last| !last.ends_flow())
    }

    /// Does the block leave the function?
    pub(crate) fn exits(&self) -> bool {
        self.instrs.last().is_some_and(Instr::is_exit)
    }
}

/// Where exceptions go from a stretch of code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handler {
    pub(crate) block: BlockId,
    /// It gets the position of the raising instruction below the exception.
    pub(crate) lasti: bool,
    /// The number of values kept on the stack, known after [`passes::stack_depth`].
    pub(crate) depth: u32,
}

/// The code of one function, class body or module.
#[derive(Debug)]
pub(crate) struct Graph {
    pub(crate) blocks: Vec<Block>,
    /// The blocks as they follow each other.
    pub(crate) order: Vec<BlockId>,
    pub(crate) handlers: Vec<Handler>,
}

impl Graph {
    /// Where control enters.
    pub(crate) const ENTRY: BlockId = BlockId(0);

    /// A graph of one empty block.
    pub(crate) fn new() -> Graph {
        Graph { blocks: vec![Block::default()], order: vec![Graph::ENTRY], handlers: Vec::new() }
    }

    /// Makes a block that is not in order yet.
    pub(crate) fn new_block(&mut self) -> BlockId {
        self.blocks.push(Block::default());
        BlockId(self.blocks.len() as u32 - 1)
    }

    /// Makes a handler for `setup`.
    pub(crate) fn new_handler(&mut self, setup: Op, block: BlockId) -> HandlerId {
        self[block].is_handler = true;
        let lasti = matches!(setup, Op::SetupCleanup | Op::SetupWith);
        self.handlers.push(Handler { block, lasti, depth: 0 });
        HandlerId(self.handlers.len() as u32 - 1)
    }

    /// All instructions in order.
    pub(crate) fn instrs_mut(&mut self) -> impl Iterator<Item = &mut Instr> {
        self.blocks.iter_mut().flat_map(|block| &mut block.instrs)
    }
}

impl std::ops::Index<BlockId> for Graph {
    type Output = Block;

    fn index(&self, id: BlockId) -> &Block {
        &self.blocks[id.0 as usize]
    }
}

impl std::ops::IndexMut<BlockId> for Graph {
    fn index_mut(&mut self, id: BlockId) -> &mut Block {
        &mut self.blocks[id.0 as usize]
    }
}
