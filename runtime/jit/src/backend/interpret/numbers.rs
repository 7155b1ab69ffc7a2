//! Arithmetic, with the results that machine code has. Ints are shifted; see [`crate::ir`].

use super::run::{Done, Way};
use crate::helpers;
use crate::ir::Ty;
use limpid_vm::types::numbers::Format;
use std::cmp::Ordering;

/// The bits of a shifted int that are its payload.
const PAYLOAD: i64 = -(1 << 15);

/// Goes on if the condition holds.
pub fn guard(condition: bool) -> Done {
    if condition { Ok(0) } else { Err(Way::Exit) }
}

/// Goes on with a result, if there is one.
pub fn fits(result: Option<i64>) -> Done {
    result.map(|v| v as u64).ok_or(Way::Exit)
}

/// Is the order of two numbers one of those in the mask of a comparison: 1 less, 2 greater, 4 equal, 8 none?
pub fn compares(mask: i64, order: Option<Ordering>) -> u64 {
    let bit = match order {
        Some(Ordering::Less) => 1,
        Some(Ordering::Greater) => 2,
        Some(Ordering::Equal) => 4,
        None => 8,
    };
    (mask & bit != 0) as u64
}

/// An int shifted to the left, if it fits.
pub fn shift_left(v: i64, places: i64) -> Done {
    let shifted = v.wrapping_shl(places as u32);
    fits((shifted.wrapping_shr(places as u32) == v).then_some(shifted))
}

/// An int shifted to the right.
pub fn shift_right(v: i64, places: i64) -> u64 {
    (v.wrapping_shr(places as u32) & PAYLOAD) as u64
}

/// Division that rounds to minus infinity.
pub fn floor_divide(x: i64, y: i64) -> u64 {
    let quotient = x.wrapping_div(y);
    ((quotient - is_rounded_up(x, y) as i64) << 15) as u64
}

/// What remains of it.
pub fn remainder(x: i64, y: i64) -> u64 {
    let rest = x.wrapping_rem(y);
    (if is_rounded_up(x, y) { rest + y } else { rest }) as u64
}

/// Is a quotient that was rounded to zero too large?
fn is_rounded_up(x: i64, y: i64) -> bool {
    let rest = x.wrapping_rem(y);
    rest != 0 && (rest ^ y) < 0
}

/// A quotient whose divisor is not zero.
pub fn divide(x: f64, y: f64) -> Done {
    if y == 0.0 { Err(Way::Exit) } else { Ok((x / y).to_bits()) }
}

/// What is simple about powers; the rest is the interpreter's.
pub fn power(x: f64, y: f64, any_base: bool) -> Done {
    if !any_base && (x <= 0.0 || x.is_nan()) {
        return Err(Way::Exit);
    }
    let result = helpers::power(x, y);
    if result.is_finite() { Ok(result.to_bits()) } else { Err(Way::Exit) }
}

/// How a number of a format is when it is unboxed.
pub fn unboxed(format: i64) -> Ty {
    match Format::from_word(format) {
        Format::F64 | Format::F32 | Format::Other => Ty::Float,
        Format::I8 | Format::U8 | Format::I16 | Format::U16 | Format::I32 | Format::U32 => Ty::Int,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: i64 = 1 << 15;

    fn int(word: u64) -> i64 {
        word as i64 >> 15
    }

    #[test]
    fn division_rounds_down() {
        for (x, y, quotient, rest) in [(7, 2, 3, 1), (-7, 2, -4, 1), (7, -2, -4, -1), (-7, -2, 3, -1), (6, -2, -3, 0)] {
            let (x, y) = (x * ONE, y * ONE);
            assert_eq!((int(floor_divide(x, y)), int(remainder(x, y))), (quotient, rest));
        }
    }

    #[test]
    fn shifts_that_do_not_fit_leave() {
        assert!(matches!(shift_left(3 * ONE, 4), Ok(word) if int(word) == 48));
        assert!(shift_left(ONE, 48).is_err());
        assert_eq!(int(shift_right(-5 * ONE, 1)), -3);
    }

    #[test]
    fn what_is_no_number_has_no_order() {
        assert_eq!([1, 4, 11].map(|mask| compares(mask, f64::NAN.partial_cmp(&1.0))), [0, 0, 1]);
        assert_eq!([1, 2, 5].map(|mask| compares(mask, Some(2.cmp(&3)))), [1, 0, 1]);
    }
}
