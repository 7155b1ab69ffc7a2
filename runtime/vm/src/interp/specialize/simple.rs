//! Families that look at the types of their operands only.

use super::{due, failure, success};
use crate::interp::regs::Regs;
use crate::object::{Ref, ValueExt};
use crate::protocol::attr;
use crate::stats::Failure;
use crate::types::iterators::pairs::yields_pairs;
use crate::types::{Function, Range, builtin, flag};
use limpid_bytecode::{BinaryOperator, Opcode};
use limpid_heap::Value;

/// `TO_BOOL`
pub fn to_bool(r: &Regs) {
    if !due(r) {
        return;
    }
    let v = r.peek(1);
    let shape = v.shape();
    let op = if v.is_bool() {
        Opcode::TO_BOOL_BOOL
    } else if v.is_int() {
        Opcode::TO_BOOL_INT
    } else if v.is_none() {
        Opcode::TO_BOOL_NONE
    } else if v.is_cell() && shape == builtin::shapes::LIST {
        Opcode::TO_BOOL_LIST
    } else if v.is_cell() && shape == builtin::shapes::STR {
        Opcode::TO_BOOL_STR
    } else if v.is_cell() && v.class().slots().bool.is_none() && v.class().slots().len.is_none() {
        match v.class().assign_version() {
            Some(version) => {
                r.set_cache32(2, version);
                Opcode::TO_BOOL_ALWAYS_TRUE
            }
            None => return failure(r, Failure::OutOfVersions),
        }
    } else {
        return failure(r, Failure::OtherType);
    };
    success(r, op);
}

/// `BINARY_OP`
pub fn binary_op(r: &Regs, o: u32) {
    if !due(r) {
        return;
    }
    let (a, b) = (r.peek(2), r.peek(1));
    let op = BinaryOperator::from_oparg(o).unwrap_or(BinaryOperator::Add);
    match choose_binary(r, op, a, b) {
        Some(special) => success(r, special),
        None => failure(r, Failure::OtherType),
    }
}

fn choose_binary(r: &Regs, op: BinaryOperator, a: Value, b: Value) -> Option<Opcode> {
    use BinaryOperator as B;
    if op == B::Subscript {
        return choose_subscript(r, a, b);
    }
    let plain = op.plain();
    if Value::both_int(a, b) {
        return match plain {
            B::Add => Some(Opcode::BINARY_OP_ADD_INT),
            B::Subtract => Some(Opcode::BINARY_OP_SUBTRACT_INT),
            B::Multiply => Some(Opcode::BINARY_OP_MULTIPLY_INT),
            B::And | B::Or | B::Xor | B::LeftShift | B::RightShift => Some(Opcode::BINARY_OP_BITS_INT),
            B::FloorDivide | B::Remainder | B::TrueDivide => Some(Opcode::BINARY_OP_DIVIDE_INT),
            _ => None,
        };
    }
    if a.is_float() && b.is_float() {
        return match plain {
            B::Add => Some(Opcode::BINARY_OP_ADD_FLOAT),
            B::Subtract => Some(Opcode::BINARY_OP_SUBTRACT_FLOAT),
            B::Multiply => Some(Opcode::BINARY_OP_MULTIPLY_FLOAT),
            B::TrueDivide => Some(Opcode::BINARY_OP_MIXED_FLOAT),
            _ => None,
        };
    }
    if (a.is_float() && b.is_int()) || (a.is_int() && b.is_float()) {
        return matches!(plain, B::Add | B::Subtract | B::Multiply | B::TrueDivide).then_some(Opcode::BINARY_OP_MIXED_FLOAT);
    }
    if plain == B::Add && a.shape() == builtin::shapes::STR && b.shape() == builtin::shapes::STR && a.is_cell() && b.is_cell() {
        return Some(Opcode::BINARY_OP_ADD_UNICODE);
    }
    None
}

fn choose_subscript(r: &Regs, a: Value, b: Value) -> Option<Opcode> {
    if !a.is_cell() {
        return None;
    }
    let shape = a.shape();
    if b.is_int() {
        if shape == builtin::shapes::LIST {
            return Some(Opcode::BINARY_OP_SUBSCR_LIST_INT);
        }
        if shape == builtin::shapes::TUPLE {
            return Some(Opcode::BINARY_OP_SUBSCR_TUPLE_INT);
        }
        if shape == builtin::shapes::STR {
            return Some(Opcode::BINARY_OP_SUBSCR_STR_INT);
        }
    }
    if shape == builtin::shapes::DICT {
        return Some(Opcode::BINARY_OP_SUBSCR_DICT);
    }
    let class = a.class();
    if class.has(flag::HEAP_TYPE)
        && let Some(f) = attr::type_lookup(class, crate::names::__getitem__).and_then(|v| v.exact::<Function>())
        && f.code().argcount == 2
    {
        r.set_cache32(4, class.assign_version()?);
        class.known_getitem.set(r.t(), class, f.value());
        return Some(Opcode::BINARY_OP_SUBSCR_GETITEM);
    }
    (!class.has(flag::HEAP_TYPE) && class.slots().getitem.is_some()).then_some(Opcode::BINARY_OP_SUBSCR_NATIVE)
}

/// `COMPARE_OP`
pub fn compare_op(r: &Regs, o: u32) {
    if !due(r) {
        return;
    }
    let (a, b) = (r.peek(2), r.peek(1));
    let equality = matches!(o >> 5, 2 | 3);
    let op = if Value::both_int(a, b) {
        Opcode::COMPARE_OP_INT
    } else if a.is_float() && b.is_float() {
        Opcode::COMPARE_OP_FLOAT
    } else if equality && a.is_cell() && b.is_cell() && a.shape() == builtin::shapes::STR && b.shape() == builtin::shapes::STR {
        Opcode::COMPARE_OP_STR
    } else {
        return failure(r, Failure::OtherType);
    };
    success(r, op);
}

/// `CONTAINS_OP`
pub fn contains_op(r: &Regs) {
    if !due(r) {
        return;
    }
    let shape = r.peek(1).shape();
    if shape == builtin::shapes::SET || shape == builtin::shapes::FROZENSET {
        success(r, Opcode::CONTAINS_OP_SET)
    } else if shape == builtin::shapes::DICT {
        success(r, Opcode::CONTAINS_OP_DICT)
    } else if is_native(r.peek(1)) && r.peek(1).class().slots().contains.is_some() {
        success(r, Opcode::CONTAINS_OP_NATIVE)
    } else {
        failure(r, Failure::OtherType)
    }
}

/// `STORE_SUBSCR`
pub fn store_subscr(r: &Regs) {
    if !due(r) {
        return;
    }
    let (container, key) = (r.peek(2), r.peek(1));
    if container.shape() == builtin::shapes::LIST && key.is_int() && key.as_int() >= 0 {
        success(r, Opcode::STORE_SUBSCR_LIST_INT)
    } else if container.shape() == builtin::shapes::DICT {
        success(r, Opcode::STORE_SUBSCR_DICT)
    } else if is_native(container) && container.shape() != builtin::shapes::LIST && container.class().slots().setitem.is_some() {
        success(r, Opcode::STORE_SUBSCR_NATIVE)
    } else {
        failure(r, Failure::OtherType)
    }
}

/// `UNPACK_SEQUENCE`
pub fn unpack_sequence(r: &Regs, o: u32) {
    if !due(r) {
        return;
    }
    let shape = r.peek(1).shape();
    if shape == builtin::shapes::TUPLE {
        success(r, if o == 2 { Opcode::UNPACK_SEQUENCE_TWO_TUPLE } else { Opcode::UNPACK_SEQUENCE_TUPLE })
    } else if shape == builtin::shapes::LIST {
        success(r, Opcode::UNPACK_SEQUENCE_LIST)
    } else {
        failure(r, Failure::OtherType)
    }
}

/// `GET_ITER`
pub fn get_iter(r: &Regs) {
    if !due(r) {
        return;
    }
    let v = r.peek(1);
    let shape = v.shape();
    // SAFETY: the shape is a range's.
    let small_range = shape == builtin::shapes::RANGE && unsafe { Ref::<Range>::from_value(v) }.is_small();
    if v.is_cell() && (shape == builtin::shapes::LIST || shape == builtin::shapes::TUPLE || small_range) {
        success(r, Opcode::GET_ITER_VIRTUAL)
    } else if v.is_cell() && shape == builtin::shapes::GENERATOR {
        success(r, Opcode::GET_ITER_SELF)
    } else {
        failure(r, Failure::OtherType)
    }
}

/// Does its type come with the runtime?
fn is_native(v: Value) -> bool {
    v.is_cell() && !v.class().has(flag::HEAP_TYPE)
}

/// Is a loop's item unpacked into two at once?
fn unpacks_two(r: &Regs) -> bool {
    // SAFETY: a loop's body follows.
    let next = unsafe { r.pc.add(1 + Opcode::FOR_ITER.caches()).read() };
    next >> 8 == 2 && Opcode::from_u8(next as u8).is_some_and(|op| op.family() == Opcode::UNPACK_SEQUENCE)
}

/// `FOR_ITER`
pub fn for_iter(r: &Regs) {
    if !due(r) {
        return;
    }
    let (it, position) = (r.peek(2), r.peek(1));
    let shape = it.shape();
    let op = if !position.is_null() {
        if shape == builtin::shapes::RANGE {
            Opcode::FOR_ITER_RANGE
        } else if shape == builtin::shapes::LIST {
            Opcode::FOR_ITER_LIST
        } else {
            Opcode::FOR_ITER_TUPLE
        }
    } else if shape == builtin::shapes::GENERATOR {
        Opcode::FOR_ITER_GEN
    } else if yields_pairs(it) && unpacks_two(r) {
        Opcode::FOR_ITER_PAIR
    } else if is_native(it) && it.class().slots().next.is_some() {
        Opcode::FOR_ITER_NATIVE
    } else {
        return failure(r, Failure::OtherType);
    };
    success(r, op);
}

/// `SEND`
pub fn send(r: &Regs) {
    if !due(r) {
        return;
    }
    let (receiver, position) = (r.peek(3), r.peek(2));
    let shape = receiver.shape();
    if !position.is_null() {
        success(r, Opcode::SEND_VIRTUAL)
    } else if shape == builtin::shapes::GENERATOR || shape == builtin::shapes::COROUTINE {
        success(r, Opcode::SEND_GEN)
    } else if shape == builtin::shapes::ASYNC_GEN_ASEND {
        success(r, Opcode::SEND_ASYNC_GEN)
    } else {
        failure(r, Failure::OtherType)
    }
}
