//! Numbers: boxing, what is more than one instruction, comparisons.

use super::{CANONICAL_NAN, FLOAT_OFFSET, Function, INT_TAG};
use crate::helpers;
use crate::ir::{Id, Op, Ty};
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::types::{F64, I64};
use cranelift_codegen::ir::{AbiParam, InstBuilder, MemFlagsData, Signature, Value};
use cranelift_codegen::isa::CallConv;
use limpid_heap::Value as Python;

impl Function<'_, '_> {
    pub(super) fn box_value(&mut self, v: Value, ty: Ty) -> Value {
        match ty {
            Ty::Int => {
                let payload = self.shift_right_unsigned(v, PAYLOAD_SHIFT);
                self.or_constant(payload, INT_TAG)
            }
            Ty::Float => {
                let bits = self.float_bits(v);
                self.add_constant(bits, FLOAT_OFFSET)
            }
            Ty::Bool => {
                let v = self.b.ins().uextend(I64, v);
                self.or_constant(v, Python::FALSE.bits() as i64)
            }
            Ty::Value | Ty::Word | Ty::None => v,
        }
    }

    /// The bits of a float; of what is no number always the same.
    pub(super) fn float_bits(&mut self, v: Value) -> Value {
        let bits = self.b.ins().bitcast(I64, MemFlagsData::new(), v);
        let is_nan = self.b.ins().fcmp(FloatCC::Unordered, v, v);
        let nan = self.constant(CANONICAL_NAN);
        self.b.ins().select(is_nan, nan, bits)
    }

    /// The float with these bits in a Python value.
    pub(super) fn unbox_float(&mut self, v: Value) -> Value {
        let bits = self.add_constant(v, -FLOAT_OFFSET);
        self.b.ins().bitcast(F64, MemFlagsData::new(), bits)
    }

    /// Division that rounds to minus infinity, of shifted ints.
    pub(super) fn divide(&mut self, op: Op, x: Value, y: Value) -> Value {
        let quotient = self.b.ins().sdiv(x, y);
        let product = self.b.ins().imul(quotient, y);
        let rest = self.b.ins().isub(x, product);
        let has_rest = self.compare_constant(IntCC::NotEqual, rest, 0);
        let signs = self.b.ins().bxor(rest, y);
        let differ = self.compare_constant(IntCC::SignedLessThan, signs, 0);
        let off = self.b.ins().band(has_rest, differ);
        if op == Op::Remainder {
            let zero = self.constant(0);
            let correction = self.b.ins().select(off, y, zero);
            return self.b.ins().iadd(rest, correction);
        }
        let off = self.b.ins().uextend(I64, off);
        let quotient = self.b.ins().isub(quotient, off);
        self.shift_left(quotient, PAYLOAD_SHIFT)
    }

    /// The divisor, if it is a constant above 1.
    pub(super) fn constant_divisor(&self, id: Id) -> Option<i64> {
        let u = self.t.trace.uop(id);
        (u.op == Op::Const).then_some(u.imm >> PAYLOAD_SHIFT).filter(|n| *n > 1)
    }

    /// As [`divide`](Function::divide), by a constant: by a multiplication, which takes a third of the time. See [`Reciprocal`].
    pub(super) fn divide_by_constant(&mut self, op: Op, x: Value, divisor: i64) -> Value {
        let Reciprocal { factor, shift } = Reciprocal::of(divisor as u64);
        let number = self.shift_right(x, PAYLOAD_SHIFT);
        // ~x is -x - 1: x // d is ~(~x // d).
        let sign = self.shift_right(number, 63);
        let size = self.b.ins().bxor(number, sign);
        let factor = self.constant(factor as i64);
        let high = self.b.ins().umulhi(size, factor);
        let quotient = self.shift_right_unsigned(high, shift.into());
        let quotient = self.b.ins().bxor(quotient, sign);
        if op == Op::FloorDivide {
            return self.shift_left(quotient, PAYLOAD_SHIFT);
        }
        let divisor = self.constant(divisor << PAYLOAD_SHIFT);
        let product = self.b.ins().imul(quotient, divisor);
        self.b.ins().isub(x, product)
    }

    /// What is simple about powers; the rest is the interpreter's.
    pub(super) fn power(&mut self, x: Value, y: Value, any_base: bool, exit: u32) -> Value {
        if !any_base {
            let zero = self.b.ins().f64const(0.0);
            let positive = self.b.ins().fcmp(FloatCC::GreaterThan, x, zero);
            self.guard(positive, exit);
        }
        let mut signature = Signature::new(CallConv::SystemV);
        signature.params.extend([AbiParam::new(F64), AbiParam::new(F64)]);
        signature.returns.push(AbiParam::new(F64));
        let signature = self.b.import_signature(signature);
        let address = self.constant(helpers::power as *const () as i64);
        let call = self.b.ins().call_indirect(signature, address, &[x, y]);
        let result = self.b.inst_results(call)[0];
        let infinity = self.b.ins().f64const(f64::INFINITY);
        let size = self.b.ins().fabs(result);
        let finite = self.b.ins().fcmp(FloatCC::LessThan, size, infinity);
        self.guard(finite, exit);
        result
    }
}

/// How far the payload of an int is shifted.
const PAYLOAD_SHIFT: i64 = 15;

/// What to multiply by instead of dividing: `n / divisor` is `(n * factor) >> (64 + shift)`, rounded down, for all n of 48 bits.
///
/// With k = 64 + shift the factor is the next integer above 2^k / divisor, by less than 1. So the product is too large by less than n, which
/// may not reach 2^k / divisor, the distance to the next quotient: that holds if 2^k is at least 2^48 times the divisor. (Granlund and
/// Montgomery, Division by Invariant Integers using Multiplication, 1994.)
struct Reciprocal {
    factor: u64,
    shift: u32,
}

impl Reciprocal {
    /// For a divisor from 2 to 2^48.
    fn of(divisor: u64) -> Reciprocal {
        let bits = u64::BITS - divisor.leading_zeros();
        let shift = (48 + bits).saturating_sub(64);
        Reciprocal { factor: ((1u128 << (64 + shift)) / u128::from(divisor)) as u64 + 1, shift }
    }
}

/// The condition for a mask of [`Op::Compare`].
pub(super) fn int_condition(mask: i64) -> Option<IntCC> {
    Some(match mask {
        1 => IntCC::SignedLessThan,
        2 => IntCC::SignedGreaterThan,
        3 => IntCC::NotEqual,
        4 => IntCC::Equal,
        5 => IntCC::SignedLessThanOrEqual,
        6 => IntCC::SignedGreaterThanOrEqual,
        _ => return None,
    })
}

/// The condition for a mask of [`Op::CompareFloat`].
pub(super) fn float_condition(mask: i64) -> Option<FloatCC> {
    Some(match mask {
        1 => FloatCC::LessThan,
        2 => FloatCC::GreaterThan,
        4 => FloatCC::Equal,
        5 => FloatCC::LessThanOrEqual,
        6 => FloatCC::GreaterThanOrEqual,
        11 => FloatCC::NotEqual,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multiplying_by_the_reciprocal_divides() {
        let most = (1u64 << 48) - 1;
        let divisors =
            (2..200).chain([255, 256, 257, 1000, 65_535, 65_537, 1_000_003, (1 << 31) - 1, 1 << 32, (1 << 47) - 1, 1 << 47, most, 1 << 48]);
        for divisor in divisors {
            let r = Reciprocal::of(divisor);
            let near = |n: u64| (n.saturating_sub(2)..=n + 2).filter(|n| *n <= most);
            let multiples = (1..50).map(|i| i * divisor).chain([most / divisor * divisor, most / 2 / divisor * divisor, most]);
            for n in multiples.flat_map(near) {
                let quotient = ((u128::from(n) * u128::from(r.factor)) >> (64 + r.shift)) as u64;
                assert_eq!(quotient, n / divisor, "{n} / {divisor}");
            }
        }
    }
}
