//! Evaluating operators on constants.
//!
//! `None` means that the operation is left to the running program: it raises, it would make a constant that is much bigger than its
//! source text, or it is too rare to be worth it.

use dashu_int::{IBig, Sign, UBig, ops::BitTest};
use limpid_bytecode::{BinaryOperator, Constant, Opcode};

/// The most bits an int may get by `*`, `**` and `<<`.
const MAX_INT_BITS: usize = 128;
/// The most items a tuple may get by `*`.
const MAX_TUPLE_SIZE: usize = 256;
/// The most bytes a string may get by `*`.
const MAX_STR_SIZE: usize = 4096;

/// An int constant.
pub(crate) fn int(value: IBig) -> Constant {
    if let Ok(value) = i64::try_from(&value) {
        return Constant::Int(value);
    }
    let (sign, magnitude) = value.into_parts();
    let bytes = magnitude.to_le_bytes();
    let digits = bytes.chunks(8).map(|chunk| {
        let mut digit = [0; 8];
        digit[..chunk.len()].copy_from_slice(chunk);
        u64::from_le_bytes(digit)
    });
    Constant::BigInt { negative: sign == Sign::Negative, digits: digits.collect() }
}

/// The value of an int or bool constant.
fn as_int(constant: &Constant) -> Option<IBig> {
    match constant {
        Constant::Int(value) => Some(IBig::from(*value)),
        Constant::Bool(value) => Some(IBig::from(i64::from(*value))),
        Constant::BigInt { negative, digits } => {
            let bytes: Vec<u8> = digits.iter().flat_map(|digit| digit.to_le_bytes()).collect();
            let sign = if *negative { Sign::Negative } else { Sign::Positive };
            Some(IBig::from_parts(sign, UBig::from_le_bytes(&bytes)))
        }
        _ => None,
    }
}

/// The value of a number as a float, if nothing is lost.
fn as_float(constant: &Constant) -> Option<f64> {
    const EXACT: i64 = 1 << 53;
    match constant {
        Constant::Float(value) => Some(*value),
        Constant::Int(value) if (-EXACT..=EXACT).contains(value) => Some(*value as f64),
        Constant::Bool(value) => Some(f64::from(u8::from(*value))),
        _ => None,
    }
}

/// The simplest number that equals a constant; any other constant itself.
pub(super) fn simplest_equal(constant: &Constant) -> Constant {
    match constant {
        Constant::Complex(real, imaginary) if *imaginary == 0.0 => simplest_equal(&Constant::Float(*real)),
        Constant::Float(value) if value.fract() == 0.0 && value.abs() < 1e18 => Constant::Int(*value as i64),
        _ => as_int(constant).map_or_else(|| constant.clone(), int),
    }
}

/// `operator operand` for `-`, `~` and `not`.
pub(super) fn unary(opcode: Opcode, operand: &Constant) -> Option<Constant> {
    match (opcode, operand) {
        (Opcode::UNARY_NOT, _) => Some(Constant::Bool(!truth(operand))),
        (Opcode::UNARY_NEGATIVE, Constant::Float(value)) => Some(Constant::Float(-value)),
        (Opcode::UNARY_NEGATIVE, Constant::Complex(real, imaginary)) => Some(Constant::Complex(-real, -imaginary)),
        (Opcode::UNARY_NEGATIVE, _) => Some(int(-as_int(operand)?)),
        // Inverting a bool warns when it runs.
        (Opcode::UNARY_INVERT, Constant::Int(_) | Constant::BigInt { .. }) => Some(int(!as_int(operand)?)),
        _ => None,
    }
}

/// `+operand`
pub(super) fn positive(operand: &Constant) -> Option<Constant> {
    match operand {
        Constant::Float(_) | Constant::Complex(..) => Some(operand.clone()),
        _ => as_int(operand).map(int),
    }
}

/// `bool(constant)`
pub(super) fn truth(constant: &Constant) -> bool {
    match constant {
        Constant::None => false,
        Constant::Bool(value) => *value,
        Constant::Int(value) => *value != 0,
        Constant::Float(value) => *value != 0.0,
        Constant::Complex(real, imaginary) => *real != 0.0 || *imaginary != 0.0,
        Constant::Str(value) | Constant::Bytes(value) => !value.is_empty(),
        Constant::Tuple(items) | Constant::FrozenSet(items) => !items.is_empty(),
        Constant::Ellipsis | Constant::BigInt { .. } | Constant::Slice(_) | Constant::Code(_) => true,
    }
}

/// A frozenset of constants.
pub(super) fn frozenset(items: Vec<Constant>) -> Constant {
    Constant::FrozenSet(items.into())
}

/// `left operator right`
pub(super) fn binary(operator: u32, left: &Constant, right: &Constant) -> Option<Constant> {
    use BinaryOperator as Op;
    let operator = BinaryOperator::from_oparg(operator)?;
    match (operator, left, right) {
        (Op::Subscript, ..) => subscript(left, right),
        (Op::Add, Constant::Str(left), Constant::Str(right)) => Some(Constant::Str([&**left, right].concat().into())),
        (Op::Add, Constant::Bytes(left), Constant::Bytes(right)) => Some(Constant::Bytes([&**left, right].concat().into())),
        (Op::Add, Constant::Tuple(left), Constant::Tuple(right)) => Some(Constant::Tuple([&**left, right].concat().into())),
        (Op::Multiply, Constant::Int(times), items) | (Op::Multiply, items, Constant::Int(times))
            if matches!(items, Constant::Str(_) | Constant::Bytes(_) | Constant::Tuple(_)) =>
        {
            repeat(items, *times)
        }
        (Op::And, Constant::Bool(left), Constant::Bool(right)) => Some(Constant::Bool(left & right)),
        (Op::Or, Constant::Bool(left), Constant::Bool(right)) => Some(Constant::Bool(left | right)),
        (Op::Xor, Constant::Bool(left), Constant::Bool(right)) => Some(Constant::Bool(left ^ right)),
        _ => {
            if let (Some(left), Some(right)) = (as_int(left), as_int(right)) {
                integers(operator, left, right)
            } else if let (Some(left), Some(right)) = (as_float(left), as_float(right)) {
                floats(operator, left, right).map(Constant::Float)
            } else {
                complexes(operator, left, right)
            }
        }
    }
}

fn integers(operator: BinaryOperator, left: IBig, right: IBig) -> Option<Constant> {
    use BinaryOperator as Op;
    let zero = IBig::ZERO;
    let value = match operator {
        Op::Add => left + right,
        Op::Subtract => left - right,
        Op::Multiply if left.bit_len() + right.bit_len() <= MAX_INT_BITS => left * right,
        Op::FloorDivide | Op::Remainder if right != zero => {
            let (mut quotient, mut remainder) = (&left / &right, &left % &right);
            if remainder != zero && (remainder < zero) != (right < zero) {
                quotient -= 1;
                remainder += right;
            }
            if operator == Op::FloorDivide { quotient } else { remainder }
        }
        Op::TrueDivide => {
            let (left, right) = (as_float(&int(left))?, as_float(&int(right))?);
            return floats(operator, left, right).map(Constant::Float);
        }
        Op::Power => {
            let exponent = usize::try_from(&right).ok()?;
            if left.bit_len().checked_mul(exponent)? > MAX_INT_BITS {
                return None;
            }
            left.pow(exponent)
        }
        Op::LeftShift => {
            let shift = usize::try_from(&right).ok()?;
            if shift > MAX_INT_BITS || left != zero && left.bit_len() + shift > MAX_INT_BITS {
                return None;
            }
            left << shift
        }
        Op::RightShift => left >> usize::try_from(&right).ok()?,
        Op::And => left & right,
        Op::Or => left | right,
        Op::Xor => left ^ right,
        _ => return None,
    };
    Some(int(value))
}

fn floats(operator: BinaryOperator, left: f64, right: f64) -> Option<f64> {
    use BinaryOperator as Op;
    match operator {
        Op::Add => Some(left + right),
        Op::Subtract => Some(left - right),
        Op::Multiply => Some(left * right),
        Op::TrueDivide if right != 0.0 => Some(left / right),
        _ => None,
    }
}

/// A number that is complex or combined with one. A real operand has no imaginary part, not one that is zero.
fn complexes(operator: BinaryOperator, left: &Constant, right: &Constant) -> Option<Constant> {
    use BinaryOperator as Op;
    let (real, imaginary) = match (operator, left, right) {
        (Op::Add, Constant::Complex(a, b), Constant::Complex(c, d)) => (a + c, b + d),
        (Op::Subtract, Constant::Complex(a, b), Constant::Complex(c, d)) => (a - c, b - d),
        (Op::Add, Constant::Complex(a, b), real) | (Op::Add, real, Constant::Complex(a, b)) => (as_float(real)? + a, *b),
        (Op::Subtract, Constant::Complex(a, b), real) => (a - as_float(real)?, *b),
        (Op::Subtract, real, Constant::Complex(a, b)) => (as_float(real)? - a, -b),
        (Op::Multiply, Constant::Complex(a, b), real) | (Op::Multiply, real, Constant::Complex(a, b)) => {
            let real = as_float(real)?;
            (real * a, real * b)
        }
        _ => return None,
    };
    Some(Constant::Complex(real, imaginary))
}

fn repeat(items: &Constant, times: i64) -> Option<Constant> {
    let times = usize::try_from(times.max(0)).ok()?;
    let fits = |length: usize, limit: usize| length.checked_mul(times).is_some_and(|length| length <= limit);
    match items {
        Constant::Str(text) if fits(text.len(), MAX_STR_SIZE) => Some(Constant::Str(text.repeat(times).into())),
        Constant::Bytes(bytes) if fits(bytes.len(), MAX_STR_SIZE) => Some(Constant::Bytes(bytes.repeat(times).into())),
        Constant::Tuple(items) if fits(items.len(), MAX_TUPLE_SIZE) => {
            Some(Constant::Tuple(vec![items; times].into_iter().flat_map(|items| items.iter().cloned()).collect()))
        }
        _ => None,
    }
}

fn subscript(container: &Constant, index: &Constant) -> Option<Constant> {
    let index = match index {
        Constant::Int(index) => *index,
        Constant::Bool(index) => i64::from(*index),
        _ => return None,
    };
    let position = |length: usize| {
        let index = if index < 0 { index + length as i64 } else { index };
        usize::try_from(index).ok().filter(|&index| index < length)
    };
    match container {
        Constant::Tuple(items) => Some(items[position(items.len())?].clone()),
        Constant::Bytes(bytes) => Some(Constant::Int(i64::from(bytes[position(bytes.len())?]))),
        Constant::Str(text) => {
            let characters: Vec<&[u8]> = wtf8_characters(text).collect();
            Some(Constant::Str(characters[position(characters.len())?].into()))
        }
        _ => None,
    }
}

/// Splits WTF-8 into its characters.
fn wtf8_characters(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_start = |byte: u8| byte & 0xC0 != 0x80;
    let mut rest = text;
    std::iter::from_fn(move || {
        let length = rest.iter().skip(1).position(|&byte| is_start(byte)).map_or(rest.len(), |at| at + 1);
        let (character, after) = rest.split_at(length);
        rest = after;
        (!character.is_empty()).then_some(character)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fold(operator: BinaryOperator, left: Constant, right: Constant) -> String {
        format!("{:?}", binary(operator as u32, &left, &right))
    }

    #[test]
    fn integers_divide_towards_minus_infinity() {
        for (left, right) in [(7, 2), (-7, 2), (7, -2), (-7, -2), (6, -3)] {
            let (quotient, remainder) = (f64::from(left) / f64::from(right), (left % right + right) % right);
            let operands = || (Constant::Int(left.into()), Constant::Int(right.into()));
            let (a, b) = operands();
            assert_eq!(fold(BinaryOperator::FloorDivide, a, b), format!("Some(Int({}))", quotient.floor()));
            let (a, b) = operands();
            assert_eq!(fold(BinaryOperator::Remainder, a, b), format!("Some(Int({remainder}))"));
        }
    }

    #[test]
    fn what_raises_or_grows_is_left_alone() {
        use BinaryOperator as Op;
        for (operator, left, right) in [
            (Op::FloorDivide, Constant::Int(1), Constant::Int(0)),
            (Op::TrueDivide, Constant::Float(1.0), Constant::Int(0)),
            (Op::Power, Constant::Int(2), Constant::Int(1000)),
            (Op::LeftShift, Constant::Int(1), Constant::Int(1000)),
            (Op::RightShift, Constant::Int(1), Constant::Int(-1)),
            (Op::Multiply, Constant::Str(b"abc"[..].into()), Constant::Int(100_000)),
            (Op::Add, Constant::Str(b"abc"[..].into()), Constant::Int(1)),
            (Op::Subscript, Constant::Tuple([].into()), Constant::Int(0)),
        ] {
            assert_eq!(fold(operator, left, right), "None");
        }
    }

    #[test]
    fn big_results_become_big_ints() {
        let folded = binary(BinaryOperator::Power as u32, &Constant::Int(2), &Constant::Int(64));
        assert!(matches!(folded, Some(Constant::BigInt { negative: false, digits }) if *digits == [0, 1]));
        let negated = unary(Opcode::UNARY_NEGATIVE, &Constant::Int(i64::MIN));
        assert!(matches!(negated, Some(Constant::BigInt { negative: false, digits }) if *digits == [1 << 63]));
    }
}
