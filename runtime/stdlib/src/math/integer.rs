//! Functions of integers. Long products are balanced trees, so that their cost is that of the last multiplications.

use dashu_int::UBig;
use dashu_int::ops::SquareRoot;
use limpid_heap::Value;
use limpid_vm::object::{R, ValueExt};
use limpid_vm::protocol::number;
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::int::Parts;
use limpid_vm::types::{Tuple, int};

/// A number as `m * 2**e` with `m` from 0.5 to 1, rounded to a float.
pub(super) fn mantissa(n: &Parts<'_>) -> (f64, u64) {
    let bits = n.bit_length();
    let shift = bits.saturating_sub(64);
    let mut top = [0; 2];
    let lost = int::magnitude::shift_right(&mut top, &n.digits[(shift / 64) as usize..], shift % 64)
        || int::magnitude::any_bit_below(n.digits, shift);
    let m = (top[0] | lost as u64) as f64;
    (m * 2f64.powi(-((bits - shift) as i32)), bits)
}

/// The product of the numbers `from..=to`. Asks now and then whether to go on.
fn product(t: &Thread, from: u64, to: u64) -> R<UBig> {
    const FEW: u64 = 16;
    if to < from {
        return Ok(UBig::ONE);
    }
    if to - from < FEW {
        let (mut all, mut part) = (UBig::ONE, 1u64);
        for n in from..=to {
            part = match part.checked_mul(n) {
                Some(p) => p,
                None => {
                    all *= part;
                    n
                }
            };
        }
        return Ok(all * part);
    }
    t.poll()?;
    let middle = from + (to - from) / 2;
    Ok(product(t, from, middle)? * product(t, middle + 1, to)?)
}

/// `n * (n - 1) * ...`, `k` factors, for a number of any size.
fn falling(t: &Thread, n: &UBig, k: u64) -> R<UBig> {
    if let Ok(n) = u64::try_from(n) {
        return product(t, n - k + 1, n);
    }
    if k == 1 {
        return Ok(n.clone());
    }
    t.poll()?;
    let half = k / 2;
    Ok(falling(t, n, half)? * falling(t, &(n - UBig::from(half)), k - half)?)
}

fn magnitude(v: Value) -> UBig {
    int::parts(v, &mut 0).to_ubig()
}

pub(super) fn factorial(t: &Thread, a: &[Value]) -> R {
    let n = number::index(t, a[0])?;
    if int::is_negative(n) {
        raise!(t, ValueError, "factorial() not defined for negative values");
    }
    let Some(n) = int::as_i64_opt(n) else {
        raise!(t, OverflowError, "factorial() argument should not exceed {}", i64::MAX);
    };
    int::from_magnitude(t, false, &product(t, 1, n as u64)?)
}

/// An argument that must not be negative.
fn count(t: &Thread, v: Value, name: &str) -> R {
    let n = number::index(t, v)?;
    if int::is_negative(n) {
        raise!(t, ValueError, "{name} must be a non-negative integer");
    }
    Ok(n)
}

pub(super) fn perm(t: &Thread, a: &[Value]) -> R {
    if a[1].is_null() || a[1].is_none() {
        return factorial(t, a);
    }
    let (n, k) = (number::index(t, a[0])?, number::index(t, a[1])?);
    let (n, k) = (count(t, n, "n")?, count(t, k, "k")?);
    if int::compare(n, k).is_lt() {
        return Ok(Value::int(0));
    }
    match int::as_i64_opt(k) {
        None => raise!(t, OverflowError, "k must not exceed {}", i64::MAX),
        Some(0) => Ok(Value::int(1)),
        Some(k) => int::from_magnitude(t, false, &falling(t, &magnitude(n), k as u64)?),
    }
}

pub(super) fn comb(t: &Thread, a: &[Value]) -> R {
    let (n, k) = (number::index(t, a[0])?, number::index(t, a[1])?);
    let (n, k) = (count(t, n, "n")?, count(t, k, "k")?);
    if int::compare(n, k).is_lt() {
        return Ok(Value::int(0));
    }
    let other = int::subtract(t, n, k)?;
    let k = if int::compare(other, k).is_lt() { other } else { k };
    match int::as_i64_opt(k) {
        None => raise!(t, OverflowError, "min(n - k, k) must not exceed {}", i64::MAX),
        Some(0) => Ok(Value::int(1)),
        Some(k) => int::from_magnitude(t, false, &choose(t, &magnitude(n), k as u64)?),
    }
}

/// The binomial coefficient for `1 <= k <= n`.
fn choose(t: &Thread, n: &UBig, k: u64) -> R<UBig> {
    if let Some(c) = u64::try_from(n).ok().and_then(|n| choose_small(n, k)) {
        return Ok(UBig::from(c));
    }
    if k == 1 {
        return Ok(n.clone());
    }
    // C(n, k) = C(n, j) * C(n - j, k - j) / C(k, j)
    t.poll()?;
    let j = k / 2;
    Ok(choose(t, n, j)? * choose(t, &(n - UBig::from(j)), k - j)? / choose(t, &UBig::from(k), j)?)
}

/// A coefficient that fits, computed without anything that does not.
fn choose_small(n: u64, k: u64) -> Option<u64> {
    let mut c = 1u64;
    for i in 0..k {
        c = u64::try_from(c as u128 * (n - i) as u128 / (i + 1) as u128).ok()?;
    }
    Some(c)
}

pub(super) fn isqrt(t: &Thread, a: &[Value]) -> R {
    let n = number::index(t, a[0])?;
    if int::is_negative(n) {
        raise!(t, ValueError, "isqrt() argument must be nonnegative");
    }
    match int::as_u64_opt(n) {
        Some(n) => Ok(int::from_u64(t, n.isqrt())),
        None => int::from_magnitude(t, false, &magnitude(n).sqrt()),
    }
}

/// Folds the arguments, each made an int.
fn fold(t: &Thread, args: Value, empty: i64, f: impl Fn(Value, Value) -> R) -> R {
    let Some(args) = args.downcast::<Tuple>() else { return Ok(Value::int(empty)) };
    let Some((first, rest)) = args.as_slice().split_first() else { return Ok(Value::int(empty)) };
    let mut result = int::absolute(t, number::index(t, *first)?)?;
    for v in rest {
        result = f(result, number::index(t, *v)?)?;
    }
    Ok(result)
}

pub(super) fn gcd(t: &Thread, a: &[Value]) -> R {
    fold(t, a[0], 0, |x, y| int::gcd(t, x, y))
}

pub(super) fn lcm(t: &Thread, a: &[Value]) -> R {
    fold(t, a[0], 1, |x, y| {
        if int::is_zero(x) || int::is_zero(y) {
            return Ok(Value::int(0));
        }
        let part = int::floor_div(t, x, int::gcd(t, x, y)?)?;
        int::absolute(t, int::multiply(t, part, y)?)
    })
}
