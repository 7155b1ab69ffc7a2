//! Which form of an instruction a trace is made for.

use crate::helpers::hashes_natively;
use limpid_bytecode::{BinaryOperator, ComparisonArg, Opcode};
use limpid_heap::ShapeRef;
use limpid_vm::object::Ref;
use limpid_vm::shape::Shape;
use limpid_vm::tier2::recorder::{Instruction, Observed};
use limpid_vm::types::builtin::shapes;

/// The form of an instruction that fits what it has met while the trace was recorded. The instruction may have another one: one that it is
/// about to lose, or the general one because it was about to get one.
pub(super) fn seen(step: &Instruction) -> Opcode {
    use Observed::{Bool, Cell, Float, Int, Negative, None as Nothing};
    use Opcode::*;
    let is = |shape: ShapeRef, of: u32| shape.0 == of;
    match (step.op.family(), step.operands[1], step.operands[0]) {
        (BINARY_OP, Int | Negative, Int | Negative) => match plain_operator(step.oparg) {
            Some(BinaryOperator::Add) => BINARY_OP_ADD_INT,
            Some(BinaryOperator::Subtract) => BINARY_OP_SUBTRACT_INT,
            Some(BinaryOperator::Multiply) => BINARY_OP_MULTIPLY_INT,
            Some(BinaryOperator::FloorDivide | BinaryOperator::Remainder | BinaryOperator::TrueDivide) => BINARY_OP_DIVIDE_INT,
            _ => BINARY_OP_BITS_INT,
        },
        (BINARY_OP, Float, Float) => match plain_operator(step.oparg) {
            Some(BinaryOperator::Add) => BINARY_OP_ADD_FLOAT,
            Some(BinaryOperator::Subtract) => BINARY_OP_SUBTRACT_FLOAT,
            Some(BinaryOperator::Multiply) => BINARY_OP_MULTIPLY_FLOAT,
            _ => BINARY_OP_MIXED_FLOAT,
        },
        (BINARY_OP, Int | Negative | Float, Int | Negative | Float) => BINARY_OP_MIXED_FLOAT,
        (BINARY_OP, Cell(of), Int | Negative) if is_subscript(step.oparg) && is(shapes::LIST, of) => BINARY_OP_SUBSCR_LIST_INT,
        (BINARY_OP, Cell(of), Int | Negative) if is_subscript(step.oparg) && is(shapes::TUPLE, of) => BINARY_OP_SUBSCR_TUPLE_INT,
        (BINARY_OP, Cell(of), Int) if is_subscript(step.oparg) && is(shapes::STR, of) => BINARY_OP_SUBSCR_STR_INT,
        (BINARY_OP, Cell(of), key) if is_subscript(step.oparg) && is(shapes::DICT, of) && is_plain(key) => BINARY_OP_SUBSCR_DICT,
        (BINARY_OP, Cell(a), Cell(b)) if plain_operator(step.oparg) == Some(BinaryOperator::Add) && is(shapes::STR, a) && a == b => {
            BINARY_OP_ADD_UNICODE
        }
        (CONTAINS_OP, key, Cell(of)) if is(shapes::DICT, of) && is_plain(key) => CONTAINS_OP_DICT,
        (CONTAINS_OP, key, Cell(of)) if (is(shapes::SET, of) || is(shapes::FROZENSET, of)) && is_plain(key) => CONTAINS_OP_SET,
        (CONTAINS_OP, key, Cell(of)) if (is(shapes::LIST, of) || is(shapes::TUPLE, of)) && is_plain(key) => CONTAINS_OP_NATIVE,
        (CONTAINS_OP, Cell(a), Cell(of)) if is(shapes::STR, of) && a == of => CONTAINS_OP_NATIVE,
        (COMPARE_OP, Cell(a), Cell(b)) if is(shapes::STR, a) && a == b && is_equality(step.oparg) => COMPARE_OP_STR,
        (COMPARE_OP, Int | Negative, Int | Negative) => COMPARE_OP_INT,
        (COMPARE_OP, Int | Negative | Float, Int | Negative | Float) => COMPARE_OP_FLOAT,
        (TO_BOOL, _, Int | Negative) => TO_BOOL_INT,
        (TO_BOOL, _, Bool) => TO_BOOL_BOOL,
        (TO_BOOL, _, Nothing) => TO_BOOL_NONE,
        (TO_BOOL, _, Cell(of)) if is(shapes::LIST, of) => TO_BOOL_LIST,
        (TO_BOOL, _, Cell(of)) if is(shapes::STR, of) => TO_BOOL_STR,
        (TO_BOOL, _, Cell(_)) if step.op == TO_BOOL_ALWAYS_TRUE => TO_BOOL_ALWAYS_TRUE,
        (STORE_SUBSCR, Cell(of), Int) if is(shapes::LIST, of) => STORE_SUBSCR_LIST_INT,
        (STORE_SUBSCR, Cell(of), key) if is(shapes::DICT, of) && is_plain(key) => STORE_SUBSCR_DICT,
        (UNPACK_SEQUENCE, _, Cell(of)) if is(shapes::TUPLE, of) => UNPACK_SEQUENCE_TUPLE,
        (UNPACK_SEQUENCE, _, Cell(of)) if is(shapes::LIST, of) => UNPACK_SEQUENCE_LIST,
        (FOR_ITER, Cell(of), Int) if is(shapes::RANGE, of) => FOR_ITER_RANGE,
        (FOR_ITER, Cell(of), Int) if is(shapes::LIST, of) => FOR_ITER_LIST,
        (FOR_ITER, Cell(of), Int) if is(shapes::TUPLE, of) => FOR_ITER_TUPLE,
        // What is lowered under other names than these would be for other operands.
        (family @ (BINARY_OP | COMPARE_OP | CONTAINS_OP | TO_BOOL | STORE_SUBSCR | UNPACK_SEQUENCE), ..) => family,
        (FOR_ITER, ..) if matches!(step.op, FOR_ITER_RANGE | FOR_ITER_LIST | FOR_ITER_TUPLE) => FOR_ITER,
        _ => step.op,
    }
}

/// The operator, in-place forms as the plain ones.
pub(super) fn plain_operator(o: u32) -> Option<BinaryOperator> {
    let first = BinaryOperator::InplaceAdd as u32;
    BinaryOperator::from_oparg(if o >= first { o - first } else { o })
}

/// May a value be hashed without Python code? That of a tuple turns out when it is.
pub(super) fn is_plain(key: Observed) -> bool {
    match key {
        Observed::Cell(of) if [shapes::STR, shapes::TUPLE].contains(&ShapeRef(of)) => true,
        // SAFETY: the recording keeps the shapes of instructions with keys alive.
        Observed::Cell(of) => hashes_natively(unsafe { Ref::<Shape>::from_shape_ref(ShapeRef(of)) }.class()),
        Observed::Null | Observed::Special => false,
        _ => true,
    }
}

/// Is a comparison `==` or `!=`?
pub(super) fn is_equality(o: u32) -> bool {
    let (less, greater) = (o & ComparisonArg::LESS as u32 != 0, o & ComparisonArg::GREATER as u32 != 0);
    let equal = o & ComparisonArg::EQUAL as u32 != 0;
    less == greater && less != equal
}

fn is_subscript(o: u32) -> bool {
    BinaryOperator::from_oparg(o) == Some(BinaryOperator::Subscript)
}
