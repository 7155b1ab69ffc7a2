//! Emitting instructions, folding them with the ones before.
//!
//! Everything here looks at the end of the current block only. Nothing jumps into the middle of a block, so what the last instructions
//! leave on the stack is known whatever came before.

use limpid_bytecode::{ComparisonArg, Constant, Opcode};

use super::Compiler;
use super::fold;
use crate::ir::{BlockId, HandlerId, Instr, Location, Op};

impl<'a> Compiler<'a> {
    pub(super) fn new_block(&mut self) -> BlockId {
        self.unit.graph.new_block()
    }

    /// Goes on in a block that jumps may name, after what has been emitted.
    pub(super) fn use_block(&mut self, block: BlockId) {
        self.unit.graph.order.push(block);
        self.unit.current = block;
    }

    /// Goes on in a new block.
    pub(super) fn next_block(&mut self) -> BlockId {
        let block = self.new_block();
        self.use_block(block);
        block
    }

    fn push(&mut self, op: Op, arg: u32, target: Option<BlockId>, location: Location) {
        if self.unit.graph[self.unit.current].instrs.last().is_some_and(Instr::ends_block) {
            self.next_block();
        }
        self.emitted += 1;
        let handler = self.unit.handler;
        let current = self.unit.current;
        self.unit.graph[current].instrs.push(Instr { op, arg, target, location, handler });
    }

    /// The instructions of the current block.
    fn emitted(&mut self) -> &mut Vec<Instr> {
        let current = self.unit.current;
        &mut self.unit.graph[current].instrs
    }

    fn last(&mut self) -> Option<&mut Instr> {
        self.emitted().last_mut()
    }

    /// Emits an instruction without an argument.
    pub(super) fn emit(&mut self, opcode: Opcode, location: Location) {
        self.emit_arg(opcode, 0, location);
    }

    /// Emits an instruction.
    pub(super) fn emit_arg(&mut self, opcode: Opcode, arg: u32, location: Location) {
        let folded = match opcode {
            Opcode::BINARY_OP => self.fold_binary(arg, location),
            Opcode::UNARY_NEGATIVE | Opcode::UNARY_INVERT | Opcode::UNARY_NOT => self.fold_unary(opcode, location),
            Opcode::CALL_INTRINSIC_1 => self.fold_intrinsic(arg, location),
            Opcode::TO_BOOL => self.fold_to_bool(location),
            Opcode::BUILD_TUPLE => self.fold_tuple(arg, location),
            Opcode::BUILD_LIST | Opcode::BUILD_SET => self.fold_collection(opcode, arg, location),
            Opcode::GET_ITER | Opcode::CONTAINS_OP => {
                self.fold_container();
                false
            }
            Opcode::UNPACK_SEQUENCE => self.fold_unpack(arg, location),
            Opcode::PUSH_NULL => self.fold_null(),
            Opcode::POP_TOP => self.fold_pop(location),
            _ => false,
        };
        if !folded {
            self.push(Op::Real(opcode), arg, None, location);
        }
    }

    /// Emits a jump.
    pub(super) fn emit_jump(&mut self, op: impl Into<Op>, target: BlockId, location: Location) {
        let mut op = op.into();
        if let Some(taken) = self.fold_condition(op) {
            if !taken {
                return;
            }
            op = Op::Jump;
        }
        if let Op::Real(opcode @ (Opcode::POP_JUMP_IF_FALSE | Opcode::POP_JUMP_IF_TRUE)) = op {
            op = Op::Real(self.fold_none_test(opcode));
        }
        self.push(op, 0, Some(target), location);
    }

    /// Puts a handler in force. Ends with [`Compiler::restore_handler`].
    pub(super) fn setup(&mut self, op: Op, block: BlockId, location: Location) -> Option<HandlerId> {
        // The line of a `try` is an event although nothing happens there.
        self.emit(Opcode::NOP, location);
        self.push(op, 0, Some(block), Location::NONE);
        let handler = self.unit.graph.new_handler(op, block);
        self.last().expect("just pushed").arg = handler.0;
        self.unit.handler.replace(handler)
    }

    /// Goes back to the handler that was in force before a [`Compiler::setup`].
    pub(super) fn restore_handler(&mut self, handler: Option<HandlerId>) {
        self.unit.handler = handler;
    }

    pub(super) fn load_const(&mut self, constant: Constant, location: Location) {
        let index = self.unit.consts.add(constant);
        self.push(Op::Real(Opcode::LOAD_CONST), index, None, location);
    }

    /// Emits a pseudo instruction.
    pub(super) fn push_pseudo(&mut self, op: Op, arg: u32, location: Location) {
        self.push(op, arg, None, location);
    }

    /// The constants the last `count` instructions load, if that is what they do.
    fn last_constants(&mut self, count: usize) -> Option<Vec<Constant>> {
        let current = self.unit.current;
        let instrs = &self.unit.graph[current].instrs;
        let loads = &instrs[instrs.len().checked_sub(count)?..];
        if !loads.iter().all(|instr| instr.is(Opcode::LOAD_CONST)) {
            return None;
        }
        let consts = &self.unit.consts;
        let constants = loads.iter().map(|instr| consts.get(instr.arg));
        // Code is not a value.
        if constants.clone().any(|constant| matches!(constant, Constant::Code(_))) {
            return None;
        }
        Some(constants.cloned().collect())
    }

    /// Replaces the last `count` instructions by the load of a constant.
    fn replace_by_const(&mut self, count: usize, constant: Constant, location: Location) {
        let instrs = self.emitted();
        instrs.truncate(instrs.len() - count);
        self.load_const(constant, location);
    }

    fn fold_binary(&mut self, operator: u32, location: Location) -> bool {
        let Some(operands) = self.last_constants(2) else {
            return false;
        };
        match fold::binary(operator, &operands[0], &operands[1]) {
            Some(value) => self.replace_by_const(2, value, location),
            None => return false,
        }
        true
    }

    fn fold_unary(&mut self, opcode: Opcode, location: Location) -> bool {
        if opcode == Opcode::UNARY_NOT
            && let Some(last) = self.last()
            && matches!(last.op, Op::Real(Opcode::IS_OP | Opcode::CONTAINS_OP))
        {
            last.arg ^= 1;
            last.location = location;
            return true;
        }
        let Some(operands) = self.last_constants(1) else {
            return false;
        };
        match fold::unary(opcode, &operands[0]) {
            Some(value) => self.replace_by_const(1, value, location),
            None => return false,
        }
        true
    }

    fn fold_intrinsic(&mut self, arg: u32, location: Location) -> bool {
        if arg != limpid_bytecode::Intrinsic1::UnaryPositive as u32 {
            return false;
        }
        let Some(operands) = self.last_constants(1) else {
            return false;
        };
        match fold::positive(&operands[0]) {
            Some(value) => self.replace_by_const(1, value, location),
            None => return false,
        }
        true
    }

    /// What is a bool already needs no conversion.
    fn fold_to_bool(&mut self, location: Location) -> bool {
        match self.last() {
            Some(last) if last.is(Opcode::COMPARE_OP) => {
                last.arg |= u32::from(ComparisonArg::BOOL);
                return true;
            }
            Some(Instr { op: Op::Real(Opcode::IS_OP | Opcode::CONTAINS_OP | Opcode::UNARY_NOT | Opcode::TO_BOOL), .. }) => return true,
            _ => {}
        }
        let Some(operands) = self.last_constants(1) else {
            return false;
        };
        self.replace_by_const(1, Constant::Bool(fold::truth(&operands[0])), location);
        true
    }

    fn fold_tuple(&mut self, count: u32, location: Location) -> bool {
        let Some(items) = self.last_constants(count as usize) else {
            return false;
        };
        self.replace_by_const(count as usize, Constant::Tuple(items.into()), location);
        true
    }

    /// A list or set of constants is filled from one constant.
    fn fold_collection(&mut self, opcode: Opcode, count: u32, location: Location) -> bool {
        if count < 3 {
            return false;
        }
        let Some(items) = self.last_constants(count as usize) else {
            return false;
        };
        let instrs = self.emitted();
        instrs.truncate(instrs.len() - count as usize);
        self.push(Op::Real(opcode), 0, None, location);
        if opcode == Opcode::BUILD_LIST {
            self.load_const(Constant::Tuple(items.into()), location);
            self.push(Op::Real(Opcode::LIST_EXTEND), 1, None, location);
        } else {
            self.load_const(fold::frozenset(items), location);
            self.push(Op::Real(Opcode::SET_UPDATE), 1, None, location);
        }
        true
    }

    /// A list or set that is only iterated over or searched need not be one.
    fn fold_container(&mut self) {
        let instrs = self.emitted();
        let length = instrs.len();
        match &mut instrs[..] {
            [.., build, load, extend]
                if build.arg == 0
                    && load.is(Opcode::LOAD_CONST)
                    && (build.is(Opcode::BUILD_LIST) && extend.is(Opcode::LIST_EXTEND)
                        || build.is(Opcode::BUILD_SET) && extend.is(Opcode::SET_UPDATE)) =>
            {
                instrs.swap(length - 3, length - 2);
                instrs.truncate(length - 2);
            }
            [.., build] if build.is(Opcode::BUILD_LIST) => {
                let (count, location) = (build.arg, build.location);
                instrs.pop();
                self.emit_arg(Opcode::BUILD_TUPLE, count, location);
            }
            [.., build] if build.is(Opcode::BUILD_SET) => {
                let (count, location) = (build.arg, build.location);
                if let Some(items) = self.constants_below_last(count as usize) {
                    self.replace_by_const(count as usize + 1, fold::frozenset(items), location);
                }
            }
            _ => {}
        }
    }

    /// The constants loaded by the `count` instructions before the last one.
    fn constants_below_last(&mut self, count: usize) -> Option<Vec<Constant>> {
        let last = self.emitted().pop()?;
        let constants = self.last_constants(count);
        self.emitted().push(last);
        constants
    }

    /// A short tuple that is made and taken apart at once is only turned around.
    fn fold_unpack(&mut self, count: u32, location: Location) -> bool {
        if !(1..=3).contains(&count) {
            return false;
        }
        let Some(&mut last) = self.last() else {
            return false;
        };
        if last.is(Opcode::BUILD_TUPLE) && last.arg == count {
            self.emitted().pop();
        } else if last.is(Opcode::LOAD_CONST)
            && let Constant::Tuple(items) = self.unit.consts.get(last.arg)
            && items.len() == count as usize
        {
            let items = items.clone();
            self.emitted().pop();
            for item in items {
                self.load_const(item, last.location);
            }
        } else {
            return false;
        }
        if count > 1 {
            self.push(Op::Real(Opcode::SWAP), count, None, location);
        }
        true
    }

    fn fold_null(&mut self) -> bool {
        match self.last() {
            Some(last) if last.is(Opcode::LOAD_GLOBAL) && last.arg & 1 == 0 => {
                last.arg |= 1;
                true
            }
            _ => false,
        }
    }

    /// A constant that is dropped at once need not be loaded; the lines are still events.
    fn fold_pop(&mut self, location: Location) -> bool {
        match self.last() {
            Some(last) if last.is(Opcode::LOAD_CONST) => {
                last.set_nop();
                self.push(Op::Real(Opcode::NOP), 0, None, location);
                true
            }
            _ => false,
        }
    }

    /// A jump that depends on a constant: is it taken?
    fn fold_condition(&mut self, op: Op) -> Option<bool> {
        let (pops, jumps_if) = match op {
            Op::Real(Opcode::POP_JUMP_IF_FALSE) => (true, false),
            Op::Real(Opcode::POP_JUMP_IF_TRUE) => (true, true),
            Op::JumpIfFalse => (false, false),
            Op::JumpIfTrue => (false, true),
            _ => return None,
        };
        let truth = fold::truth(&self.last_constants(1)?[0]);
        if pops {
            self.last().expect("a constant is loaded").set_nop();
        }
        Some(truth == jumps_if)
    }

    /// `x is None` in a condition is a jump of its own.
    fn fold_none_test(&mut self, jump: Opcode) -> Opcode {
        let current = self.unit.current;
        let [.., load, test] = &self.unit.graph[current].instrs[..] else {
            return jump;
        };
        if !test.is(Opcode::IS_OP) || !load.is(Opcode::LOAD_CONST) || !matches!(self.unit.consts.get(load.arg), Constant::None) {
            return jump;
        }
        let inverted = test.arg == 1;
        let instrs = self.emitted();
        instrs.truncate(instrs.len() - 2);
        if (jump == Opcode::POP_JUMP_IF_TRUE) != inverted { Opcode::POP_JUMP_IF_NONE } else { Opcode::POP_JUMP_IF_NOT_NONE }
    }
}
