//! `+ - * / // %` and `divmod` of ints.
//!
//! Each operation tries 64-bit numbers first. The functions are the type's slots: an operand that is no int makes them NotImplemented.

use super::magnitude::{self, SCHOOLBOOK_LIMIT};
use super::{Parts, build, build_signed, compare, fits_i64, from_i64, from_i128, from_magnitude, is_int, is_zero, parts, to_exact};
use crate::object::R;
use crate::thread::Thread;
use crate::types::Tuple;
use dashu_int::UBig;
use dashu_int::ops::DivRem;
use limpid_heap::Value;
use smallvec::SmallVec;

/// Leaves the function with NotImplemented unless both are ints.
macro_rules! both_ints {
    ($a:expr, $b:expr) => {
        if !Value::both_int($a, $b) && !($crate::types::int::is_int($a) && $crate::types::int::is_int($b)) {
            return Ok(Value::NOT_IMPLEMENTED);
        }
    };
}
pub(super) use both_ints;

/// `a + b`
pub fn add(t: &Thread, a: Value, b: Value) -> R {
    both_ints!(a, b);
    if let (Some(x), Some(y)) = (fits_i64(a), fits_i64(b)) {
        return match x.checked_add(y) {
            Some(sum) => Ok(from_i64(t, sum)),
            None => from_i128(t, x as i128 + y as i128),
        };
    }
    let (mut sa, mut sb) = (0, 0);
    add_parts(t, parts(a, &mut sa), parts(b, &mut sb))
}

/// `a - b`
pub fn subtract(t: &Thread, a: Value, b: Value) -> R {
    both_ints!(a, b);
    if let (Some(x), Some(y)) = (fits_i64(a), fits_i64(b)) {
        return match x.checked_sub(y) {
            Some(difference) => Ok(from_i64(t, difference)),
            None => from_i128(t, x as i128 - y as i128),
        };
    }
    let (mut sa, mut sb) = (0, 0);
    let b = parts(b, &mut sb);
    add_parts(t, parts(a, &mut sa), Parts { negative: !b.negative, ..b })
}

fn add_parts(t: &Thread, a: Parts<'_>, b: Parts<'_>) -> R {
    if a.negative == b.negative {
        return build(t, a.negative, a.digits.len().max(b.digits.len()) + 1, |out| magnitude::add(out, a.digits, b.digits));
    }
    let (a, b) = if magnitude::compare(a.digits, b.digits).is_ge() { (a, b) } else { (b, a) };
    build(t, a.negative, a.digits.len(), |out| magnitude::subtract(out, a.digits, b.digits))
}

/// `a * b`
pub fn multiply(t: &Thread, a: Value, b: Value) -> R {
    both_ints!(a, b);
    if let (Some(x), Some(y)) = (fits_i64(a), fits_i64(b)) {
        return match x.checked_mul(y) {
            Some(product) => Ok(from_i64(t, product)),
            None => from_i128(t, x as i128 * y as i128),
        };
    }
    let (mut sa, mut sb) = (0, 0);
    let (a, b) = (parts(a, &mut sa), parts(b, &mut sb));
    if a.is_zero() || b.is_zero() {
        return Ok(Value::int(0));
    }
    let negative = a.negative != b.negative;
    let len = a.digits.len() + b.digits.len();
    if a.digits.len().min(b.digits.len()) <= SCHOOLBOOK_LIMIT {
        return build(t, negative, len, |out| magnitude::multiply(out, a.digits, b.digits));
    }
    // The result's cell comes first: what is too big fails here, not in the multiplication.
    build(t, negative, len, |out| {
        let product = if std::ptr::eq(a.digits, b.digits) { a.to_ubig().sqr() } else { a.to_ubig() * b.to_ubig() };
        out[..product.as_words().len()].copy_from_slice(product.as_words());
    })
}

/// `-a` of an int.
pub fn negative(t: &Thread, a: Value) -> R {
    match fits_i64(a).and_then(i64::checked_neg) {
        Some(i) => Ok(from_i64(t, i)),
        None => {
            let mut scratch = 0;
            let p = parts(a, &mut scratch);
            super::from_digits(t, !p.negative, p.digits)
        }
    }
}

/// `abs(a)` of an int.
pub fn absolute(t: &Thread, a: Value) -> R {
    if super::is_negative(a) { negative(t, a) } else { to_exact(t, a) }
}

/// ZeroDivisionError of every division.
#[cold]
pub(crate) fn zero_division<T>(t: &Thread) -> R<T> {
    raise!(t, ZeroDivisionError, "division by zero")
}

/// `a // b`
pub fn floor_div(t: &Thread, a: Value, b: Value) -> R {
    both_ints!(a, b);
    Ok(divide(t, a, b, true, false)?.0)
}

/// `a % b`
pub fn remainder(t: &Thread, a: Value, b: Value) -> R {
    both_ints!(a, b);
    Ok(divide(t, a, b, false, true)?.1)
}

/// `divmod(a, b)`
pub fn div_mod_slot(t: &Thread, a: Value, b: Value) -> R {
    both_ints!(a, b);
    let (q, r) = div_mod(t, a, b)?;
    Ok(Tuple::from_slice(t, &[q, r]).value())
}

/// Quotient, rounded down, and remainder, with the divisor's sign, of two ints.
pub fn div_mod(t: &Thread, a: Value, b: Value) -> R<(Value, Value)> {
    divide(t, a, b, true, true)
}

/// Quotient and remainder; the one that is not wanted is NULL.
#[inline]
fn divide(t: &Thread, a: Value, b: Value, want_q: bool, want_r: bool) -> R<(Value, Value)> {
    if is_zero(b) {
        return zero_division(t);
    }
    if let (Some(x), Some(y)) = (fits_i64(a), fits_i64(b))
        && (x != i64::MIN || y != -1)
    {
        let (mut q, mut r) = (x / y, x % y);
        if r != 0 && (r ^ y) < 0 {
            q -= 1;
            r += y;
        }
        return Ok((if want_q { from_i64(t, q) } else { Value::NULL }, if want_r { from_i64(t, r) } else { Value::NULL }));
    }
    let (mut sa, mut sb) = (0, 0);
    divide_parts(t, a, parts(a, &mut sa), parts(b, &mut sb), want_q, want_r)
}

fn divide_parts(t: &Thread, a_value: Value, a: Parts<'_>, b: Parts<'_>, want_q: bool, want_r: bool) -> R<(Value, Value)> {
    let signs_differ = a.negative != b.negative;
    if magnitude::compare(a.digits, b.digits).is_lt() {
        // The quotient is 0 or, rounded down, -1.
        if !signs_differ || a.is_zero() {
            return Ok((Value::int(0), if want_r { to_exact(t, a_value)? } else { Value::NULL }));
        }
        let r =
            if want_r { build(t, b.negative, b.digits.len(), |out| magnitude::subtract(out, b.digits, a.digits))? } else { Value::NULL };
        return Ok((Value::int(-1), r));
    }
    if let [d] = *b.digits {
        let mut rest = 0;
        let q = if want_q {
            build(t, signs_differ, a.digits.len() + 1, |out| {
                rest = magnitude::divide_by_digit(out, a.digits, d);
                if signs_differ && rest != 0 {
                    magnitude::increment(out);
                }
            })?
        } else {
            rest = magnitude::remainder_by_digit(a.digits, d);
            Value::NULL
        };
        let r = if !want_r {
            Value::NULL
        } else {
            let rest = if rest != 0 && signs_differ { d - rest } else { rest };
            build(t, b.negative, 1, |out| out[0] = rest)?
        };
        return Ok((q, r));
    }
    let n = b.digits.len();
    if !signs_differ && (a.digits.len() == n || a.digits.len() == n + 1 && magnitude::compare(&a.digits[1..], b.digits).is_lt()) {
        return divide_to_digit(t, a, b, want_q, want_r);
    }
    let divisor = b.to_ubig();
    let (mut q, mut r): (UBig, UBig) = if want_q { a.to_ubig().div_rem(&divisor) } else { (UBig::ZERO, a.to_ubig() % &divisor) };
    if signs_differ && !r.is_zero() {
        q += 1u8;
        r = divisor - r;
    }
    Ok((
        if want_q { from_magnitude(t, signs_differ, &q)? } else { Value::NULL },
        if want_r { from_magnitude(t, b.negative, &r)? } else { Value::NULL },
    ))
}

/// As [`divide`], for a quotient of one digit and numbers with the same sign.
fn divide_to_digit(t: &Thread, a: Parts<'_>, b: Parts<'_>, want_q: bool, want_r: bool) -> R<(Value, Value)> {
    let mut q = 0;
    let r = if want_r {
        build(t, b.negative, a.digits.len(), |out| q = magnitude::divide_to_digit(out, a.digits, b.digits))?
    } else {
        let mut rest: SmallVec<[u64; 64]> = SmallVec::from_elem(0, a.digits.len());
        q = magnitude::divide_to_digit(&mut rest, a.digits, b.digits);
        Value::NULL
    };
    let q = if want_q { build(t, false, 1, |out| out[0] = q)? } else { Value::NULL };
    Ok((q, r))
}

/// `a / b`: the nearest float.
pub fn true_divide(t: &Thread, a: Value, b: Value) -> R {
    const EXACT: u64 = 1 << f64::MANTISSA_DIGITS;
    both_ints!(a, b);
    if is_zero(b) {
        return zero_division(t);
    }
    if let (Some(x), Some(y)) = (fits_i64(a), fits_i64(b))
        && x.unsigned_abs() <= EXACT
        && y.unsigned_abs() <= EXACT
    {
        return Ok(Value::float(x as f64 / y as f64));
    }
    let (mut sa, mut sb) = (0, 0);
    match super::float::divide(parts(a, &mut sa), parts(b, &mut sb)) {
        Some(f) => Ok(Value::float(f)),
        None => raise!(t, OverflowError, "integer division result too large for a float"),
    }
}

/// Rounds `a` to the nearest multiple of `10**digits`, ties to the even one: `round(a, -digits)`.
pub fn round_to_power_of_ten(t: &Thread, a: Value, digits: Value) -> R {
    let ten = super::power(t, Value::int(10), digits)?;
    let (_, r) = div_mod(t, a, ten)?;
    let base = subtract(t, a, r)?;
    let twice = add(t, r, r)?;
    let up = match compare(twice, ten) {
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => {
            let (q, _) = div_mod(t, base, ten)?;
            is_odd(q)
        }
    };
    if up { add(t, base, ten) } else { Ok(base) }
}

/// Is the int odd?
pub fn is_odd(v: Value) -> bool {
    debug_assert!(is_int(v));
    let mut scratch = 0;
    parts(v, &mut scratch).digits.first().is_some_and(|d| d & 1 != 0)
}

/// `a - b` and so on need the sign of the result from the digits: for two's complement operations.
pub(super) fn build_from_twos_complement(t: &Thread, len: usize, fill: impl FnOnce(&mut [u64])) -> R {
    build_signed(t, len, |out| {
        fill(out);
        let negative = out.last().is_some_and(|top| top >> 63 != 0);
        if negative {
            magnitude::negate_twos_complement(out);
        }
        negative
    })
}
