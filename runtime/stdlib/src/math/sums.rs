//! Sums and products of iterables.

use limpid_heap::Value;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{iter, number};
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Tuple, int};
use pymath::Error;
use pymath::math as real;

pub(super) fn fsum(t: &Thread, a: &[Value]) -> R {
    let it = iter::get_iter(t, a[0])?;
    let mut raised = None;
    let items = std::iter::from_fn(|| {
        match iter::next(t, it).and_then(|v| if v.is_null() { Ok(None) } else { number::as_float(t, v).map(Some) }) {
            Ok(x) => x,
            Err(r) => {
                raised = Some(r);
                None
            }
        }
    });
    let sum = real::fsum(items);
    match (raised, sum) {
        (Some(r), _) => Err(r),
        (None, Ok(x)) => Ok(Value::float(x)),
        (None, Err(Error::ERANGE)) => raise!(t, OverflowError, "intermediate overflow in fsum"),
        (None, Err(Error::EDOM)) => raise!(t, ValueError, "-inf + inf in fsum"),
    }
}

/// A point's coordinates.
fn point(t: &Thread, v: Value) -> R<Ref<Tuple>> {
    match v.downcast::<Tuple>() {
        Some(tuple) => Ok(tuple),
        None => iter::to_tuple(t, v),
    }
}

pub(super) fn dist(t: &Thread, a: &[Value]) -> R {
    let (p, q) = (point(t, a[0])?, point(t, a[1])?);
    if p.len() != q.len() {
        raise!(t, ValueError, "both points must have the same number of dimensions");
    }
    let (p, q) = (super::floats(t, p.as_slice())?, super::floats(t, q.as_slice())?);
    Ok(Value::float(real::dist(&p, &q)))
}

pub(super) fn prod(t: &Thread, a: &[Value]) -> R {
    let mut result = a[1].non_null().unwrap_or(Value::int(1));
    iter::for_each(t, a[0], |v| {
        result = number::mul(t, result, v)?;
        Ok(())
    })?;
    Ok(result)
}

/// A sum of floats in three parts, each what rounding has cost the one before.
#[derive(Clone, Copy, Default)]
struct Triple {
    high: f64,
    low: f64,
    tiny: f64,
}

/// The sum rounded, and what rounding cost: `a + b` exactly.
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let of_b = sum - a;
    (sum, (a - (sum - of_b)) + (b - of_b))
}

impl Triple {
    /// Adds the product `x * y`.
    fn add_product(self, x: f64, y: f64) -> Triple {
        let product = x * y;
        let rest = x.mul_add(y, -product);
        let (high, lost) = two_sum(self.high, product);
        let (low, lost_low) = two_sum(self.low, rest);
        let (low, lost_too) = two_sum(low, lost);
        Triple { high, low, tiny: self.tiny + lost_low + lost_too }
    }

    fn value(self) -> f64 {
        let (sum, lost) = two_sum(self.low, self.high);
        self.tiny + lost + sum
    }
}

/// Two factors as floats, if one of them is a float and the other one, or an int that has a float.
fn float_pair(t: &Thread, p: Value, q: Value) -> R<Option<(f64, f64)>> {
    let as_float = |v: Value| {
        if v.is_float() {
            return Ok(Some(v.as_float()));
        }
        if !int::is_exact(v) && !v.is_bool() {
            return Ok(None);
        }
        match int::to_f64(t, v) {
            Ok(x) => Ok(Some(x)),
            Err(_) => t.catch(limpid_vm::exc::OverflowError).map(|()| None),
        }
    };
    if !p.is_float() && !q.is_float() {
        return Ok(None);
    }
    Ok(as_float(p)?.zip(as_float(q)?))
}

/// First as long as there are only ints that fit in 64 bits, then as long as there are floats, with extended precision; then by the
/// numbers' own operators.
pub(super) fn sumprod(t: &Thread, a: &[Value]) -> R {
    let (ps, qs) = (iter::get_iter(t, a[0])?, iter::get_iter(t, a[1])?);
    let mut total = Value::int(0);
    let mut ints = Some(0i64);
    let mut floats = Some(Triple::default());
    let mut used = false;
    loop {
        let (p, q) = (iter::next(t, ps)?, iter::next(t, qs)?);
        if p.is_null() != q.is_null() {
            raise!(t, ValueError, "Inputs are not the same length");
        }
        let finished = p.is_null();
        if let Some(sum) = ints {
            let pair = (!finished && int::is_exact(p) && int::is_exact(q)).then(|| int::as_i64_opt(p).zip(int::as_i64_opt(q))).flatten();
            if let Some(next) = pair.and_then(|(p, q)| sum.checked_add(p.checked_mul(q)?)) {
                ints = Some(next);
                continue;
            }
            ints = None;
            total = int::from_i64(t, sum);
        }
        if let Some(sum) = floats {
            let pair = if finished { None } else { float_pair(t, p, q)? };
            if let Some(next) = pair.map(|(p, q)| sum.add_product(p, q)).filter(|n| n.high.is_finite()) {
                floats = Some(next);
                used = true;
                continue;
            }
            floats = None;
            if used {
                total = number::add(t, total, Value::float(sum.value()))?;
            }
        }
        if finished {
            return Ok(total);
        }
        total = number::add(t, total, number::mul(t, p, q)?)?;
    }
}
