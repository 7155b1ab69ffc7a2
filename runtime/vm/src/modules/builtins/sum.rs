//! `sum()`: whole numbers, then floats, then complex numbers are added without making an object for each step.

use crate::object::{R, ValueExt, header_of};
use crate::protocol::{iter, number};
use crate::root::TypeCell;
use crate::thread::Thread;
use crate::types::{Complex, TypeDef, builtin, complex, flag, int, type_};
use limpid_bytecode::BinaryOperator;
use limpid_heap::{Header, ShapeRef, Value};
use std::cell::Cell;

/// A sum of floats in which the error of each addition is kept and added at the end (Neumaier's variant of Kahan's algorithm).
#[derive(Clone, Copy)]
struct Compensated {
    high: f64,
    low: f64,
}

impl Compensated {
    fn of(high: f64) -> Compensated {
        Compensated { high, low: 0.0 }
    }

    fn add(&mut self, x: f64) {
        let sum = self.high + x;
        self.low += if self.high.abs() >= x.abs() { (self.high - sum) + x } else { (x - sum) + self.high };
        self.high = sum;
    }

    fn value(self) -> f64 {
        // A compensation of infinities is NaN and says nothing.
        if self.low != 0.0 && self.low.is_finite() { self.high + self.low } else { self.high }
    }
}

/// What the items so far come to.
#[derive(Clone, Copy)]
enum Total {
    Float(Compensated),
    Complex(Compensated, Compensated),
    /// An int, or no number at all.
    Object(Value),
}

impl Total {
    #[inline]
    fn of(v: Value) -> Total {
        if v.is_float() {
            return Total::Float(Compensated::of(v.as_float()));
        }
        match exact_complex(v) {
            Some((real, imaginary)) => Total::Complex(Compensated::of(real), Compensated::of(imaginary)),
            None => Total::Object(v),
        }
    }

    #[inline]
    fn add(self, t: &Thread, item: Value) -> R<Total> {
        match self {
            Total::Object(total) if total.is_int() && (item.is_int() || item.is_bool()) => {
                let x = if item.is_int() { item.as_int() } else { i64::from(item == Value::TRUE) };
                return Ok(Total::Object(int::from_i64(t, total.as_int() + x)));
            }
            Total::Float(mut sum) => {
                if add_real(&mut sum, item) {
                    return Ok(Total::Float(sum));
                }
            }
            Total::Complex(mut real, mut imaginary) => {
                if let Some((re, im)) = exact_complex(item) {
                    real.add(re);
                    imaginary.add(im);
                    return Ok(Total::Complex(real, imaginary));
                }
                if add_real(&mut real, item) {
                    return Ok(Total::Complex(real, imaginary));
                }
            }
            Total::Object(_) => {}
        }
        let total = number::binary(t, BinaryOperator::Add, self.value(t), item)?;
        if item.is_cell() {
            t.poll()?;
        }
        Ok(Total::of(total))
    }

    fn value(self, t: &Thread) -> Value {
        match self {
            Total::Object(v) => v,
            Total::Float(sum) => Value::float(sum.value()),
            Total::Complex(real, imaginary) => complex::new(t, real.value(), imaginary.value()),
        }
    }
}

/// Adds a float or an inline int. False: the item is neither.
#[inline]
fn add_real(sum: &mut Compensated, item: Value) -> bool {
    if item.is_float() {
        sum.add(item.as_float());
    } else if item.is_int() {
        sum.high += item.as_int() as f64;
    } else {
        return false;
    }
    true
}

fn exact_complex(v: Value) -> Option<(f64, f64)> {
    complex::as_parts(v.exact::<Complex>()?.value())
}

/// `sum(iterable, start)`
pub(super) fn sum(t: &Thread, a: &[Value]) -> R {
    let iterator = iter::get_iter(t, a[0])?;
    let next = iter::next_function(t, iterator)?;
    let mut total = match a[1].non_null() {
        None => Total::Object(Value::int(0)),
        Some(start) if start.is_instance(builtin::STR) => {
            raise!(t, TypeError, "sum() can't sum strings [use ''.join(seq) instead]")
        }
        Some(start) if start.is_instance(builtin::BYTES) => {
            raise!(t, TypeError, "sum() can't sum bytes [use b''.join(seq) instead]")
        }
        Some(start) if start.is_instance(builtin::BYTEARRAY) => {
            raise!(t, TypeError, "sum() can't sum bytearray [use b''.join(seq) instead]")
        }
        Some(start) => Total::of(start),
    };
    loop {
        let item = next(t, iterator)?;
        if item.is_null() {
            return Ok(total.value(t));
        }
        total = total.add(t, item)?;
    }
}

// ---- `sum(x for ...)`, which runs the generator in place ----

/// The sum so far, once it is made of floats or complex numbers: no program sees it.
#[repr(C)]
pub struct Accumulator {
    header: Header,
    /// Never [`Total::Object`].
    total: Cell<Total>,
}

static ACCUMULATOR: TypeCell = TypeCell::new();
layout!(Accumulator, ACCUMULATOR.get(), Leaf);

static ACCUMULATOR_DEF: TypeDef = TypeDef { flags: flag::DISALLOW_INSTANTIATION, ..TypeDef::of::<Accumulator>("accumulator") };

pub(super) fn create_type(t: &Thread) -> R<()> {
    type_::create_native(t, &ACCUMULATOR_DEF, &ACCUMULATOR).map(drop)
}

/// What a sum comes to with the next item: an accumulator, or the sum itself. It starts with 0.
pub fn add(t: &Thread, so_far: Value, item: Value) -> R {
    if let Some(accumulator) = so_far.exact::<Accumulator>() {
        return match accumulator.total.get().add(t, item)? {
            Total::Object(v) => Ok(v),
            numbers => {
                accumulator.total.set(numbers);
                Ok(so_far)
            }
        };
    }
    match Total::Object(so_far).add(t, item)? {
        Total::Object(v) => Ok(v),
        numbers => Ok(t.alloc(Accumulator { header: header_of::<Accumulator>(), total: Cell::new(numbers) }).value()),
    }
}

/// The shape of a sum so far to which a number that is no cell can be added without Python code, besides that of an inline int.
pub fn accumulator_shape() -> ShapeRef {
    header_of::<Accumulator>().shape()
}

/// What [`add`] has come to.
pub fn result(t: &Thread, so_far: Value) -> Value {
    so_far.exact::<Accumulator>().map_or(so_far, |accumulator| accumulator.total.get().value(t))
}
