//! The operations of the specification that matter for speed; see [`number`](super::number).

use super::number::{
    Kind, Number, Rounding, Settings, Small, digits_of, digits_of_small, divide_small, exceeds_memory, is_multiple_of_five, power_of_ten,
    small, small_scaled, status,
};
use dashu_int::UBig;
use dashu_int::ops::DivRem;

/// The NaN that an operation gives for an operand that is one.
pub fn check_nans(a: &Number, b: Option<&Number>, c: &Settings, flags: &mut u32) -> Option<Number> {
    let b_kind = b.map_or(Kind::Finite, |b| b.kind);
    let chosen = match (a.kind, b_kind, b) {
        (Kind::Signalling, ..) => a,
        (_, Kind::Signalling, Some(b)) => b,
        (Kind::Quiet, ..) => a,
        (_, Kind::Quiet, Some(b)) => b,
        _ => return None,
    };
    if chosen.kind == Kind::Signalling {
        *flags |= status::INVALID_OPERATION;
    }
    Some(Number { kind: Kind::Quiet, ..chosen.clone() }.finish(c, flags))
}

/// Coefficients of two words at most, of finite numbers none of which is zero.
#[inline]
fn small_pair(a: &Number, b: &Number) -> Option<(u128, u128)> {
    if !a.is_finite() || !b.is_finite() {
        return None;
    }
    let pair = (small(&a.coefficient)?, small(&b.coefficient)?);
    (pair.0 != 0 && pair.1 != 0).then_some(pair)
}

/// The exact sum of small numbers, the second of which has this sign, if it is small as well and not zero.
#[inline]
fn add_small(a: &Number, b: &Number, b_negative: bool) -> Option<Small> {
    let (mut x, mut y) = small_pair(a, b)?;
    if a.exponent > b.exponent {
        x = small_scaled(x, a.exponent.checked_sub(b.exponent)?)?;
    } else if b.exponent > a.exponent {
        y = small_scaled(y, b.exponent.checked_sub(a.exponent)?)?;
    }
    let (negative, sum) = if a.negative == b_negative {
        (a.negative, x.checked_add(y)?)
    } else if x > y {
        (a.negative, x - y)
    } else {
        (b_negative, y - x)
    };
    (sum != 0).then(|| Small { negative, coefficient: sum, exponent: a.exponent.min(b.exponent) })
}

/// The exact quotient of small numbers, or so many digits of it that it can be rounded; None if that is more than is small.
#[inline]
fn divide_small_numbers(a: &Number, b: &Number, prec: i64) -> Option<Small> {
    let (x, y) = small_pair(a, b)?;
    let shift = digits_of_small(y) - digits_of_small(x) + prec.checked_add(1)?;
    let (quotient, rest) = if shift >= 0 { divide_small(small_scaled(x, shift)?, y) } else { divide_small(x, small_scaled(y, -shift)?) };
    if rest == 0 {
        // Zeros at its end are taken off, which the general function does.
        return None;
    }
    // So that rounding sees that it is not exact.
    let coefficient = quotient + is_multiple_of_five(quotient) as u128;
    Some(Small { negative: a.negative != b.negative, coefficient, exponent: a.exponent - b.exponent - shift })
}

/// `a + b`
pub fn add(a: &Number, b: &Number, c: &Settings, flags: &mut u32) -> Number {
    if let Some(sum) = add_small(a, b, b.negative) {
        return sum.finish(c, flags);
    }
    if let Some(nan) = check_nans(a, Some(b), c, flags) {
        return nan;
    }
    if a.is_infinite() {
        if b.is_infinite() && a.negative != b.negative {
            return Number::invalid(flags, status::INVALID_OPERATION);
        }
        return a.clone();
    }
    if b.is_infinite() {
        return b.clone();
    }
    let exponent = a.exponent.min(b.exponent);
    match (a.coefficient.is_zero(), b.coefficient.is_zero()) {
        (true, true) => {
            let negative = if a.negative == b.negative { a.negative } else { c.rounding == Rounding::Floor };
            return Number::zero(negative, exponent).finish(c, flags);
        }
        (true, false) => return add_to_zero(b, exponent, c, flags),
        (false, true) => return add_to_zero(a, exponent, c, flags),
        (false, false) => {}
    }
    if a.exponent == b.exponent {
        return add_aligned(a.negative, &a.coefficient, b.negative, &b.coefficient, exponent, c).finish(c, flags);
    }
    let (high, low) = if a.exponent > b.exponent { (a, b) } else { (b, a) };
    // A number far below the other one's last digit only matters as something that is not zero.
    let high_digits = high.digits();
    let least = high.exponent.saturating_add((high_digits - c.prec.saturating_add(2)).min(-1));
    if low.exponent + low.digits() - 1 < least {
        if exceeds_memory(high.exponent - least, flags) {
            return Number::nan();
        }
        let coefficient = &high.coefficient * power_of_ten((high.exponent - least) as usize);
        return add_aligned(high.negative, &coefficient, low.negative, &UBig::ONE, least, c).finish(c, flags);
    }
    if exceeds_memory(high.exponent - low.exponent, flags) {
        return Number::nan();
    }
    let coefficient = &high.coefficient * power_of_ten((high.exponent - low.exponent) as usize);
    add_aligned(high.negative, &coefficient, low.negative, &low.coefficient, low.exponent, c).finish(c, flags)
}

/// A number and a zero whose exponents' minimum this is.
fn add_to_zero(a: &Number, exponent: i64, c: &Settings, flags: &mut u32) -> Number {
    let exponent = exponent.max(a.exponent.saturating_sub(c.prec).saturating_sub(1));
    a.rescaled(exponent.min(a.exponent), c.rounding, flags).0.finish(c, flags)
}

/// The sum of two numbers with the same exponent.
fn add_aligned(a_negative: bool, a: &UBig, b_negative: bool, b: &UBig, exponent: i64, c: &Settings) -> Number {
    if a_negative == b_negative {
        return Number::finite(a_negative, a + b, exponent);
    }
    match a.cmp(b) {
        std::cmp::Ordering::Equal => Number::zero(c.rounding == Rounding::Floor, exponent),
        std::cmp::Ordering::Greater => Number::finite(a_negative, a - b, exponent),
        std::cmp::Ordering::Less => Number::finite(b_negative, b - a, exponent),
    }
}

/// `a - b`
pub fn subtract(a: &Number, b: &Number, c: &Settings, flags: &mut u32) -> Number {
    if let Some(difference) = add_small(a, b, !b.negative) {
        return difference.finish(c, flags);
    }
    if let Some(nan) = check_nans(a, Some(b), c, flags) {
        return nan;
    }
    add(a, &b.clone().negated(), c, flags)
}

/// `a * b`
pub fn multiply(a: &Number, b: &Number, c: &Settings, flags: &mut u32) -> Number {
    if let Some((x, y)) = small_pair(a, b)
        && let Some(product) = x.checked_mul(y)
    {
        let (negative, exponent) = (a.negative != b.negative, a.exponent + b.exponent);
        return Small { negative, coefficient: product, exponent }.finish(c, flags);
    }
    if let Some(nan) = check_nans(a, Some(b), c, flags) {
        return nan;
    }
    multiply_exactly(a, b, flags).finish(c, flags)
}

/// `a * b` of numbers that are no NaN, not rounded.
fn multiply_exactly(a: &Number, b: &Number, flags: &mut u32) -> Number {
    let negative = a.negative != b.negative;
    if a.is_infinite() || b.is_infinite() {
        if a.is_zero() || b.is_zero() {
            return Number::invalid(flags, status::INVALID_OPERATION);
        }
        return Number::infinity(negative);
    }
    Number::finite(negative, &a.coefficient * &b.coefficient, a.exponent + b.exponent)
}

/// `a * b + d`, rounded once.
pub fn fused_multiply_add(a: &Number, b: &Number, d: &Number, c: &Settings, flags: &mut u32) -> Number {
    let product = if a.is_nan() || b.is_nan() {
        // A signalling addend comes before a quiet factor.
        if d.kind == Kind::Signalling && a.kind != Kind::Signalling && b.kind != Kind::Signalling {
            return check_nans(d, None, c, flags).unwrap_or_else(Number::nan);
        }
        return check_nans(a, Some(b), c, flags).unwrap_or_else(Number::nan);
    } else if d.is_nan() && !(a.is_infinite() && b.is_zero() || a.is_zero() && b.is_infinite()) {
        return check_nans(d, None, c, flags).unwrap_or_else(Number::nan);
    } else {
        multiply_exactly(a, b, flags)
    };
    if product.is_nan() {
        return product;
    }
    add(&product, d, c, flags)
}

/// `a / b`
pub fn divide(a: &Number, b: &Number, c: &Settings, flags: &mut u32) -> Number {
    if let Some(quotient) = divide_small_numbers(a, b, c.prec) {
        return quotient.finish(c, flags);
    }
    if let Some(nan) = check_nans(a, Some(b), c, flags) {
        return nan;
    }
    let negative = a.negative != b.negative;
    if a.is_infinite() {
        if b.is_infinite() {
            return Number::invalid(flags, status::INVALID_OPERATION);
        }
        return Number::infinity(negative);
    }
    if b.is_infinite() {
        *flags |= status::CLAMPED;
        return Number::zero(negative, c.etiny());
    }
    if b.coefficient.is_zero() {
        if a.coefficient.is_zero() {
            return Number::invalid(flags, status::DIVISION_UNDEFINED);
        }
        *flags |= status::DIVISION_BY_ZERO;
        return Number::infinity(negative);
    }
    let ideal = a.exponent - b.exponent;
    if a.coefficient.is_zero() {
        return Number::zero(negative, ideal).finish(c, flags);
    }
    let shift = b.digits() - a.digits() + c.prec + 1;
    if exceeds_memory(shift.abs(), flags) {
        return Number::nan();
    }
    let mut exponent = ideal - shift;
    let (mut quotient, rest) = if shift >= 0 {
        (&a.coefficient * power_of_ten(shift as usize)).div_rem(&b.coefficient)
    } else {
        (&a.coefficient).div_rem(&(&b.coefficient * power_of_ten(-shift as usize)))
    };
    if !rest.is_zero() {
        // So that rounding sees that it is not exact.
        if (&quotient % 5u8) == 0 {
            quotient += UBig::ONE;
        }
    } else {
        while exponent < ideal {
            let (tenth, last) = (&quotient).div_rem(UBig::from(10u8));
            if !last.is_zero() {
                break;
            }
            quotient = tenth;
            exponent += 1;
        }
    }
    Number::finite(negative, quotient, exponent).finish(c, flags)
}

/// Quotient, an integer, and remainder; None when the quotient has too many digits. No NaN, no infinite `a`, no `b` of zero.
fn divide_integer(a: &Number, b: &Number, c: &Settings, flags: &mut u32) -> Option<(Number, Number)> {
    let negative = a.negative != b.negative;
    let ideal = if b.is_infinite() { a.exponent } else { a.exponent.min(b.exponent) };
    let difference = a.adjusted() - b.adjusted();
    if a.coefficient.is_zero() || b.is_infinite() || difference <= -2 {
        return Some((Number::zero(negative, 0), a.rescaled(ideal, c.rounding, flags).0));
    }
    if difference > c.prec || exceeds_memory((a.exponent - b.exponent).abs(), flags) {
        return None;
    }
    let (quotient, rest) = if a.exponent >= b.exponent {
        (&a.coefficient * power_of_ten((a.exponent - b.exponent) as usize)).div_rem(&b.coefficient)
    } else {
        (&a.coefficient).div_rem(&(&b.coefficient * power_of_ten((b.exponent - a.exponent) as usize)))
    };
    (quotient.is_zero() || digits_of(&quotient) <= c.prec)
        .then(|| (Number::finite(negative, quotient, 0), Number::finite(a.negative, rest, ideal)))
}

/// `a // b`
pub fn divide_to_integer(a: &Number, b: &Number, c: &Settings, flags: &mut u32) -> Number {
    if let Some(nan) = check_nans(a, Some(b), c, flags) {
        return nan;
    }
    let negative = a.negative != b.negative;
    if a.is_infinite() {
        if b.is_infinite() {
            return Number::invalid(flags, status::INVALID_OPERATION);
        }
        return Number::infinity(negative);
    }
    if b.is_infinite() {
        return Number::zero(negative, 0);
    }
    if b.is_zero() {
        if a.is_zero() {
            return Number::invalid(flags, status::DIVISION_UNDEFINED);
        }
        *flags |= status::DIVISION_BY_ZERO;
        return Number::infinity(negative);
    }
    match divide_integer(a, b, c, flags) {
        Some((quotient, _)) => quotient.finish(c, flags),
        None => Number::invalid(flags, status::DIVISION_IMPOSSIBLE),
    }
}

/// `a % b`
pub fn remainder(a: &Number, b: &Number, c: &Settings, flags: &mut u32) -> Number {
    if let Some(nan) = check_nans(a, Some(b), c, flags) {
        return nan;
    }
    if a.is_infinite() {
        return Number::invalid(flags, status::INVALID_OPERATION);
    }
    if b.is_zero() {
        let condition = if a.is_zero() { status::DIVISION_UNDEFINED } else { status::INVALID_OPERATION };
        return Number::invalid(flags, condition);
    }
    match divide_integer(a, b, c, flags) {
        Some((_, rest)) => rest.finish(c, flags),
        None => Number::invalid(flags, status::DIVISION_IMPOSSIBLE),
    }
}

/// `divmod(a, b)`
pub fn divide_with_remainder(a: &Number, b: &Number, c: &Settings, flags: &mut u32) -> (Number, Number) {
    if let Some(nan) = check_nans(a, Some(b), c, flags) {
        return (nan.clone(), nan);
    }
    let negative = a.negative != b.negative;
    if a.is_infinite() {
        let nan = Number::invalid(flags, status::INVALID_OPERATION);
        return if b.is_infinite() { (nan.clone(), nan) } else { (Number::infinity(negative), nan) };
    }
    if b.is_zero() {
        if a.is_zero() {
            let nan = Number::invalid(flags, status::DIVISION_UNDEFINED);
            return (nan.clone(), nan);
        }
        *flags |= status::DIVISION_BY_ZERO | status::INVALID_OPERATION;
        return (Number::infinity(negative), Number::nan());
    }
    match divide_integer(a, b, c, flags) {
        Some((quotient, rest)) => (quotient.finish(c, flags), rest.finish(c, flags)),
        None => {
            let nan = Number::invalid(flags, status::DIVISION_IMPOSSIBLE);
            (nan.clone(), nan)
        }
    }
}

/// `+a`: zero has no sign unless it is rounded down.
pub fn plus(a: &Number, c: &Settings, flags: &mut u32) -> Number {
    if let Some(nan) = check_nans(a, None, c, flags) {
        return nan;
    }
    let negative = if a.is_zero() { a.negative && c.rounding == Rounding::Floor } else { a.negative };
    a.clone().with_sign(negative).finish(c, flags)
}

/// `-a`
pub fn minus(a: &Number, c: &Settings, flags: &mut u32) -> Number {
    if let Some(nan) = check_nans(a, None, c, flags) {
        return nan;
    }
    let negative = if a.is_zero() { !a.negative && c.rounding == Rounding::Floor } else { !a.negative };
    a.clone().with_sign(negative).finish(c, flags)
}

/// `abs(a)`
pub fn absolute(a: &Number, c: &Settings, flags: &mut u32) -> Number {
    match check_nans(a, None, c, flags) {
        Some(nan) => nan,
        None => a.clone().with_sign(false).finish(c, flags),
    }
}

/// The number with the exponent of another one.
pub fn quantize(a: &Number, pattern: &Number, c: &Settings, flags: &mut u32) -> Number {
    if let Some(nan) = check_nans(a, Some(pattern), c, flags) {
        return nan;
    }
    if a.is_infinite() || pattern.is_infinite() {
        if a.is_infinite() && pattern.is_infinite() {
            return a.clone();
        }
        return Number::invalid(flags, status::INVALID_OPERATION);
    }
    let exponent = pattern.exponent;
    if exponent < c.etiny() || exponent > c.emax {
        return Number::invalid(flags, status::INVALID_OPERATION);
    }
    if a.coefficient.is_zero() {
        return Number::zero(a.negative, exponent).finish(c, flags);
    }
    let adjusted = a.adjusted();
    if adjusted > c.emax || adjusted - exponent + 1 > c.prec {
        return Number::invalid(flags, status::INVALID_OPERATION);
    }
    let (result, inexact) = a.rescaled(exponent, c.rounding, flags);
    if result.adjusted() > c.emax || result.digits() > c.prec {
        return Number::invalid(flags, status::INVALID_OPERATION);
    }
    if !result.coefficient.is_zero() && result.adjusted() < c.emin {
        *flags |= status::SUBNORMAL;
    }
    if exponent > a.exponent {
        *flags |= status::ROUNDED;
        if inexact {
            *flags |= status::INEXACT;
        }
    }
    result.finish(c, flags)
}

/// The nearest integer, in the context's rounding; `exact`: the conditions are told.
pub fn to_integral(a: &Number, exact: bool, c: &Settings, flags: &mut u32) -> Number {
    if let Some(nan) = check_nans(a, None, c, flags) {
        return nan;
    }
    if a.is_infinite() || a.exponent >= 0 {
        return a.clone();
    }
    let (result, inexact) = a.rescaled(0, c.rounding, flags);
    if exact {
        *flags |= if inexact {
            status::INEXACT | status::ROUNDED
        } else if a.is_zero() {
            0
        } else {
            status::ROUNDED
        };
    }
    result
}

/// The number without zeros at its end.
pub fn normalize(a: &Number, c: &Settings, flags: &mut u32) -> Number {
    if let Some(nan) = check_nans(a, None, c, flags) {
        return nan;
    }
    let mut result = a.clone().finish(c, flags);
    if result.is_infinite() {
        return result;
    }
    if result.coefficient.is_zero() {
        return Number::zero(result.negative, 0);
    }
    let most = if c.clamp { c.etop() } else { c.emax };
    while result.exponent < most {
        let (tenth, last) = (&result.coefficient).div_rem(UBig::from(10u8));
        if !last.is_zero() {
            break;
        }
        result.coefficient = tenth;
        result.exponent += 1;
    }
    result
}
