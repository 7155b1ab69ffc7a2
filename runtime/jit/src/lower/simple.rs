//! Variables, the value stack, jumps, numbers.

use super::build::is_stable;
use super::form::{is_equality, plain_operator, seen};
use super::{Abort, After, Lowering};
use crate::ir::{Id, Op, Ty};
use limpid_bytecode::{BinaryOperator, ComparisonArg, Opcode};
use limpid_heap::{ShapeRef, Value};
use limpid_vm::object::{Ref, ValueExt};
use limpid_vm::protocol::compare;
use limpid_vm::shape::Shape;
use limpid_vm::tier2::recorder::{Instruction, Observed};
use limpid_vm::types::List;
use limpid_vm::types::builtin::shapes;

impl Lowering<'_> {
    /// Lowers instruction `i`.
    pub(super) fn step(&mut self, i: usize) -> Result<After, Abort> {
        let recording = self.recording;
        let step = &recording.steps[i];
        let form = seen(step);
        if self.is_last && self.at_start && !is_conditional_jump(step.op) {
            return self.without_expectations(step, &recording.steps[i + 1]);
        }
        if self.jump(step, form)? || (step.next == step.following() && self.straight(step, form)?) {
            return Ok(After::Next);
        }
        self.calls(i)
    }

    /// Jumps, whose direction is that of the recording. False: it is none.
    fn jump(&mut self, step: &Instruction, form: Opcode) -> Result<bool, Abort> {
        use Opcode::*;
        let falls_through = step.next == step.following();
        let (value, taken_when_equal) = match form {
            NOP | NOT_TAKEN | JUMP_FORWARD | JUMP_BACKWARD_NO_INTERRUPT => return Ok(true),
            // Inside a generator, on the way to its next `yield`.
            JUMP_BACKWARD | JUMP_BACKWARD_JIT if step.next == step.jump_backward_target() => return Ok(true),
            POP_JUMP_IF_FALSE => (Value::FALSE, true),
            POP_JUMP_IF_TRUE => (Value::TRUE, true),
            POP_JUMP_IF_NONE => (Value::NONE, true),
            POP_JUMP_IF_NOT_NONE => (Value::NONE, false),
            FOR_ITER_RANGE => return self.next_of_range(step, falls_through),
            FOR_ITER_LIST => return self.next_of_list(falls_through),
            FOR_ITER_TUPLE => return self.next_of_tuple(falls_through),
            FOR_ITER_PAIR => return self.next_of_pairs(step),
            FOR_ITER_NATIVE if falls_through => return self.next_of_object(step),
            _ => return Ok(false),
        };
        // One that is not taken skips its marker.
        // SAFETY: the target of the jump.
        let taken = step.next == unsafe { step.following().add(step.oparg as usize) };
        let is_equal = taken == taken_when_equal;
        let id = self.peek(1)?;
        if self.ty(id) == Ty::Bool {
            let wanted = (value == Value::TRUE) == is_equal;
            match self.constant_of(id) {
                Some((_, b)) if (b != 0) == wanted => {}
                Some(_) => return Err(Abort::Contradiction),
                None => self.guard(if wanted { Op::GuardTrue } else { Op::GuardFalse }, &[id], 0),
            }
        } else {
            let id = self.value(id);
            if is_equal { self.guard_is(id, value.bits()) } else { self.guard_is_not(id, value.bits()) }
        }
        self.drop_n(1);
        Ok(true)
    }

    /// Instructions that were followed by the next one. False: there is no lowering for it.
    fn straight(&mut self, step: &Instruction, form: Opcode) -> Result<bool, Abort> {
        use Opcode::*;
        let o = step.oparg;
        match form {
            LOAD_FAST => {
                let v = self.local(o)?;
                self.push(v);
            }
            LOAD_FAST_CHECK => {
                let v = self.local(o)?;
                if self.ty(v) == Ty::Value {
                    self.guard_is_not(v, 0);
                }
                self.push(v);
            }
            LOAD_FAST_AND_CLEAR => {
                let v = self.local(o)?;
                self.push(v);
                let null = self.constant(Ty::Value, 0);
                self.set_local(o, null);
            }
            LOAD_FAST_LOAD_FAST => {
                let (a, b) = (self.local(o >> 4)?, self.local(o & 15)?);
                self.push(a);
                self.push(b);
            }
            STORE_FAST => {
                let v = self.pop()?;
                self.set_local(o, v);
            }
            STORE_FAST_LOAD_FAST => {
                let v = self.pop()?;
                self.set_local(o >> 4, v);
                let v = self.local(o & 15)?;
                self.push(v);
            }
            STORE_FAST_STORE_FAST => {
                let (a, b) = (self.pop()?, self.pop()?);
                self.set_local(o >> 4, a);
                self.set_local(o & 15, b);
            }
            LOAD_CONST => {
                let v = self.value_constant(Value::from_bits(step.cache64(1)));
                self.push(v);
            }
            LOAD_SMALL_INT => {
                let v = self.int_constant(o as i64);
                self.push(v);
            }
            POP_TOP => self.drop_n(1),
            POP_ITER => self.drop_n(2),
            PUSH_NULL => {
                let null = self.constant(Ty::Value, 0);
                self.push(null);
            }
            COPY => {
                let v = self.peek(o as usize)?;
                self.push(v);
            }
            SWAP => {
                let (top, other) = (self.peek(1)?, self.peek(o as usize)?);
                self.poke(1, other);
                self.poke(o as usize, top);
            }
            END_SEND => {
                let v = self.peek(1)?;
                self.drop_n(2);
                self.poke(1, v);
            }
            BINARY_OP_ADD_INT => return self.int_operation(Op::AddInt),
            BINARY_OP_SUBTRACT_INT => return self.int_operation(Op::SubInt),
            BINARY_OP_MULTIPLY_INT => return self.int_operation(Op::MulInt),
            BINARY_OP_BITS_INT => return self.bits(o),
            BINARY_OP_DIVIDE_INT => return self.divide(o),
            BINARY_OP_ADD_FLOAT => return self.float_operation(Op::AddFloat),
            BINARY_OP_SUBTRACT_FLOAT => return self.float_operation(Op::SubFloat),
            BINARY_OP_MULTIPLY_FLOAT => return self.float_operation(Op::MulFloat),
            BINARY_OP_MIXED_FLOAT => return self.mixed(step),
            COMPARE_OP_INT => return self.compare_int(o),
            COMPARE_OP_FLOAT => return self.compare_float(step),
            COMPARE_OP => return self.compare_objects(step),
            IS_OP => {
                let (a, b) = (self.peek(2)?, self.peek(1)?);
                let (a, b) = (self.value(a), self.value(b));
                let same = self.emit(Op::Compare, Ty::Bool, &[a, b], if o == 0 { 4 } else { 3 });
                self.replace(2, same);
            }
            UNARY_NOT => {
                let v = self.peek(1)?;
                if self.ty(v) != Ty::Bool {
                    return Ok(false);
                }
                let v = self.emit(Op::Not, Ty::Bool, &[v], 0);
                self.replace(1, v);
            }
            UNARY_NEGATIVE => return self.negative(step),
            UNARY_INVERT if matches!(step.operands[0], Observed::Int | Observed::Negative) => {
                let v = self.peek(1)?;
                let (v, ones) = (self.int(v)?, self.int_constant(-1));
                let v = self.emit(Op::Xor, Ty::Int, &[v, ones], 0);
                self.replace(1, v);
            }
            EXIT_INIT_CHECK => {
                let v = self.pop()?;
                let v = self.value(v);
                self.guard_is(v, Value::NONE.bits());
            }
            EXIT_OPERATOR_CHECK => return self.special_result(step),
            TO_BOOL_BOOL => {
                let v = self.peek(1)?;
                let v = self.boolean(v)?;
                self.replace(1, v);
            }
            TO_BOOL_INT => {
                let v = self.peek(1)?;
                let (v, zero) = (self.int(v)?, self.int_constant(0));
                let v = self.emit(Op::Compare, Ty::Bool, &[v, zero], 3);
                self.replace(1, v);
            }
            TO_BOOL_NONE => {
                let v = self.peek(1)?;
                let v = self.value(v);
                self.guard_is(v, Value::NONE.bits());
                let v = self.constant(Ty::Bool, 0);
                self.replace(1, v);
            }
            TO_BOOL_LIST => {
                let v = self.peek(1)?;
                let list = self.guard_shape(v, shapes::LIST)?;
                let len = self.load(list, List::LEN, Ty::Word);
                let zero = self.word_constant(0);
                let v = self.emit(Op::Compare, Ty::Bool, &[len, zero], 3);
                self.replace(1, v);
            }
            TO_BOOL_STR => {
                let v = self.peek(1)?;
                let s = self.guard_shape(v, shapes::STR)?;
                let (len, zero) = (self.str_len(s), self.word_constant(0));
                let v = self.emit(Op::Compare, Ty::Bool, &[len, zero], 3);
                self.replace(1, v);
            }
            TO_BOOL_ALWAYS_TRUE => return self.always_true(step),
            GET_ITER_VIRTUAL => {
                let v = self.peek(1)?;
                let Observed::Cell(shape) = step.operands[0] else { return Ok(false) };
                // That a range's numbers are small is tested where it is made into an iterator only.
                if ShapeRef(shape) == shapes::RANGE && !self.small_ranges.contains(&v) || !is_stable(ShapeRef(shape)) {
                    return Ok(false);
                }
                self.guard_shape(v, ShapeRef(shape))?;
                if o != 1 {
                    let zero = self.int_constant(0);
                    self.push(zero);
                }
            }
            _ => {
                let done = self.lookups(step, form)? || self.natives(step, form)? || self.objects(step, form)?;
                return Ok(done || self.builtins(step, form)?);
            }
        }
        Ok(true)
    }

    /// Drops `n` values and pushes one.
    pub(super) fn replace(&mut self, n: usize, v: Id) {
        self.drop_n(n);
        self.push(v);
    }

    fn two_ints(&mut self) -> Result<(Id, Id), Abort> {
        let (a, b) = (self.peek(2)?, self.peek(1)?);
        Ok((self.int(a)?, self.int(b)?))
    }

    fn two_floats(&mut self) -> Result<(Id, Id), Abort> {
        let (a, b) = (self.peek(2)?, self.peek(1)?);
        Ok((self.float(a)?, self.float(b)?))
    }

    /// Two numbers, each a float or an int as it was seen to be, as floats.
    fn two_numbers(&mut self, step: &Instruction) -> Result<[Id; 2], Abort> {
        let (a, b) = (self.peek(2)?, self.peek(1)?);
        let mut numbers = [a, b];
        for (id, observed) in numbers.iter_mut().zip([step.operands[1], step.operands[0]]) {
            *id = match observed {
                Observed::Int | Observed::Negative => {
                    let i = self.int(*id)?;
                    self.emit(Op::IntToFloat, Ty::Float, &[i], 0)
                }
                _ => self.float(*id)?,
            };
        }
        Ok(numbers)
    }

    pub(super) fn int_operation(&mut self, op: Op) -> Result<bool, Abort> {
        if self.at_start && self.needs_python {
            return Ok(false);
        }
        let (a, b) = self.two_ints()?;
        let v = self.emit(op, Ty::Int, &[a, b], 0);
        self.replace(2, v);
        Ok(true)
    }

    fn float_operation(&mut self, op: Op) -> Result<bool, Abort> {
        let (a, b) = self.two_floats()?;
        let v = self.emit(op, Ty::Float, &[a, b], 0);
        self.replace(2, v);
        Ok(true)
    }

    fn negative(&mut self, step: &Instruction) -> Result<bool, Abort> {
        let v = self.peek(1)?;
        let v = match step.operands[0] {
            Observed::Int | Observed::Negative => {
                let (v, zero) = (self.int(v)?, self.int_constant(0));
                self.emit(Op::SubInt, Ty::Int, &[zero, v], 0)
            }
            Observed::Float => {
                // Not a difference from zero, whose sign would be another.
                let (v, minus_one) = (self.float(v)?, self.constant(Ty::Float, (-1f64).to_bits() as i64));
                self.emit(Op::MulFloat, Ty::Float, &[v, minus_one], 0)
            }
            _ => return Ok(false),
        };
        self.replace(1, v);
        Ok(true)
    }

    fn bits(&mut self, o: u32) -> Result<bool, Abort> {
        use BinaryOperator as B;
        if self.at_start && self.needs_python {
            return Ok(false);
        }
        let (a, b) = self.two_ints()?;
        let count = self.constant_of(b).map(|(_, bits)| bits >> 15).filter(|n| (0..48).contains(n));
        let op = plain_operator(o);
        let v = match (op, count) {
            (Some(B::And), _) => self.emit(Op::And, Ty::Int, &[a, b], 0),
            (Some(B::Or), _) => self.emit(Op::Or, Ty::Int, &[a, b], 0),
            (Some(B::Xor), _) => self.emit(Op::Xor, Ty::Int, &[a, b], 0),
            (Some(B::RightShift), Some(n)) => self.emit(Op::ShiftRight, Ty::Int, &[a], n),
            (Some(B::LeftShift), Some(n)) => self.emit(Op::ShiftLeft, Ty::Int, &[a], n),
            (Some(op @ (B::RightShift | B::LeftShift)), None) if self.constant_of(b).is_none() => {
                let (count, places) = (self.emit(Op::IntToWord, Ty::Word, &[b], 0), self.word_constant(48));
                self.guard(Op::GuardBelow, &[count, places], 0);
                let op = if op == B::RightShift { Op::ShiftRightBy } else { Op::ShiftLeftBy };
                self.emit(op, Ty::Int, &[a, count], 0)
            }
            _ => return Ok(false),
        };
        self.replace(2, v);
        Ok(true)
    }

    fn divide(&mut self, o: u32) -> Result<bool, Abort> {
        use BinaryOperator as B;
        let (a, b) = self.two_ints()?;
        let power = self.constant_of(b).map(|(_, bits)| bits >> 15).filter(|n| *n > 0 && n & (n - 1) == 0);
        let v = match (plain_operator(o), power) {
            (Some(B::Remainder), Some(n)) => {
                let mask = self.constant(Ty::Int, (n - 1) << 15);
                self.emit(Op::And, Ty::Int, &[a, mask], 0)
            }
            (Some(B::FloorDivide), Some(n)) => self.emit(Op::ShiftRight, Ty::Int, &[a], n.trailing_zeros() as i64),
            (Some(op @ (B::Remainder | B::FloorDivide)), None) => {
                self.guard_divisor(a, b)?;
                let op = if op == B::Remainder { Op::Remainder } else { Op::FloorDivide };
                // The guards above are the only ones; the uop itself stays behind them.
                self.emit(op, Ty::Int, &[a, b], 0)
            }
            (Some(B::TrueDivide), _) => {
                self.guard_divisor(a, b)?;
                let (x, y) = (self.emit(Op::IntToFloat, Ty::Float, &[a], 0), self.emit(Op::IntToFloat, Ty::Float, &[b], 0));
                self.emit(Op::DivFloat, Ty::Float, &[x, y], 0)
            }
            _ => return Ok(false),
        };
        self.replace(2, v);
        Ok(true)
    }

    fn guard_divisor(&mut self, a: Id, b: Id) -> Result<(), Abort> {
        match self.constant_of(b) {
            Some((_, 0)) => return Err(Abort::Contradiction),
            Some((_, n)) if n != -1 << 15 => {}
            _ => {
                self.guard_is_not(b, 0);
                self.guard_is_not(a, i64::MIN as u64);
            }
        }
        Ok(())
    }

    /// Floats and ints mixed.
    fn mixed(&mut self, step: &Instruction) -> Result<bool, Abort> {
        use BinaryOperator as B;
        let op = match plain_operator(step.oparg) {
            Some(B::Add) => Op::AddFloat,
            Some(B::Subtract) => Op::SubFloat,
            Some(B::Multiply) => Op::MulFloat,
            Some(B::TrueDivide) => Op::DivFloat,
            Some(B::Power) => Op::PowFloat,
            _ => return Ok(false),
        };
        let exponent = self.peek(1)?;
        let any_base = match self.constant_of(exponent) {
            _ if op != Op::PowFloat => false,
            Some((Ty::Int, i)) => i >= 0,
            Some((Ty::Float, bits)) => (f64::from_bits(bits as u64)).fract() == 0.0 && bits >= 0,
            // There are too many special cases.
            _ => return Ok(false),
        };
        let numbers = self.two_numbers(step)?;
        let v = self.emit(op, Ty::Float, &numbers, any_base as i64);
        self.replace(2, v);
        Ok(true)
    }

    fn compare_int(&mut self, o: u32) -> Result<bool, Abort> {
        let (a, b) = self.two_ints()?;
        let v = self.emit(Op::Compare, Ty::Bool, &[a, b], mask(o) & 7);
        self.replace(2, v);
        Ok(true)
    }

    /// `==` or `!=` of objects whose classes compare identities.
    fn compare_objects(&mut self, step: &Instruction) -> Result<bool, Abort> {
        let [right, left, ..] = step.operands;
        if !is_equality(step.oparg) || ![left, right].iter().all(|operand| compares_identity(*operand)) {
            return Ok(false);
        }
        let (a, b) = (self.peek(2)?, self.peek(1)?);
        for (id, operand) in [(a, left), (b, right)] {
            if self.guard_class(id, Some(operand))?.is_none() {
                self.guard_is(id, Value::NONE.bits());
            }
        }
        let v = self.emit(Op::Compare, Ty::Bool, &[a, b], mask(step.oparg) & 7);
        self.replace(2, v);
        Ok(true)
    }

    fn compare_float(&mut self, step: &Instruction) -> Result<bool, Abort> {
        // An inline int is exact as a float.
        let numbers = self.two_numbers(step)?;
        let v = self.emit(Op::CompareFloat, Ty::Bool, &numbers, mask(step.oparg));
        self.replace(2, v);
        Ok(true)
    }
}

/// Is it a jump for which there are two ways, no more?
fn is_conditional_jump(op: Opcode) -> bool {
    use Opcode::*;
    matches!(op, POP_JUMP_IF_FALSE | POP_JUMP_IF_TRUE | POP_JUMP_IF_NONE | POP_JUMP_IF_NOT_NONE)
}

/// Does a value's class have no `==` of its own?
fn compares_identity(operand: Observed) -> bool {
    match operand {
        Observed::None => compare::compares_identity(Value::NONE.class()),
        // SAFETY: the recording keeps the shapes of such instructions alive.
        Observed::Cell(shape) => compare::compares_identity(unsafe { Ref::<Shape>::from_shape_ref(ShapeRef(shape)) }.class()),
        _ => false,
    }
}

/// The outcomes for which a comparison is true, as in [`Op::Compare`].
fn mask(o: u32) -> i64 {
    let bit = |outcome: u8, bit: i64| if o & outcome as u32 != 0 { bit } else { 0 };
    bit(ComparisonArg::LESS, 1) | bit(ComparisonArg::GREATER, 2) | bit(ComparisonArg::EQUAL, 4) | bit(ComparisonArg::UNORDERED, 8)
}
