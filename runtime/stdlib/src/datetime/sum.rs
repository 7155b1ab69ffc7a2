//! The sum of a timedelta's arguments: whole and broken numbers of days, seconds and so on.

use super::fields::DAY;
use super::span::{SECOND, Span};
use dashu_int::IBig;
use limpid_heap::Value;
use limpid_vm::object::{R, ValueExt};
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::{float, int};

/// A unit of time in microseconds.
struct Unit {
    name: &'static str,
    microseconds: i64,
}

/// The units in the order of a timedelta's parameters.
const UNITS: [Unit; 7] = [
    Unit { name: "days", microseconds: DAY * SECOND },
    Unit { name: "seconds", microseconds: SECOND },
    Unit { name: "microseconds", microseconds: 1 },
    Unit { name: "milliseconds", microseconds: 1000 },
    Unit { name: "minutes", microseconds: 60 * SECOND },
    Unit { name: "hours", microseconds: 3600 * SECOND },
    Unit { name: "weeks", microseconds: 7 * DAY * SECOND },
];

/// The order in which the fractions are added: that of CPython, for what floats lose in it.
const ORDER: [usize; 7] = [2, 3, 1, 4, 5, 0, 6];

/// A sum of microseconds.
#[derive(Default)]
pub(super) struct Sum {
    /// Terms of 64-bit numbers of units; seven of them fit.
    whole: i128,
    /// Terms of larger numbers.
    large: IBig,
    /// Parts of a microsecond.
    fraction: f64,
}

impl Sum {
    /// The span that is the sum of a timedelta's arguments.
    pub(super) fn of_arguments(t: &Thread, arguments: &[Value]) -> R<Span> {
        let mut sum = Sum::default();
        for i in ORDER {
            if !arguments[i].is_null() {
                sum.add(t, &UNITS[i], arguments[i])?;
            }
        }
        sum.finish(t)
    }

    #[inline]
    fn add(&mut self, t: &Thread, unit: &Unit, v: Value) -> R<()> {
        if let Some(n) = int::as_i64_opt(v) {
            self.whole += n as i128 * unit.microseconds as i128;
            return Ok(());
        }
        self.add_other(t, unit, v)
    }

    fn add_other(&mut self, t: &Thread, unit: &Unit, v: Value) -> R<()> {
        if int::is_int(v) {
            self.large += int::parts(v, &mut 0).to_ibig() * unit.microseconds;
            return Ok(());
        }
        let Some(f) = float::as_f64_opt(v) else {
            raise!(t, TypeError, "unsupported type for timedelta {} component: {}", unit.name, v.class().display_name())
        };
        let whole = int::from_f64(t, f.trunc())?;
        match int::as_i64_opt(whole) {
            Some(n) => self.whole += n as i128 * unit.microseconds as i128,
            None => self.large += int::parts(whole, &mut 0).to_ibig() * unit.microseconds,
        }
        let rest = f.fract() * unit.microseconds as f64;
        self.whole += rest.trunc() as i128;
        self.fraction += rest.fract();
        Ok(())
    }

    fn finish(self, t: &Thread) -> R<Span> {
        if self.large == IBig::ZERO {
            return Span::of_microseconds(t, self.whole + rounded(self.fraction, self.whole & 1 != 0));
        }
        let whole = IBig::from(self.whole) + self.large;
        let odd = &whole & IBig::ONE == IBig::ONE;
        Span::of_big(t, &(whole + rounded(self.fraction, odd)))
    }
}

/// A fraction rounded so that its sum with a number, which is odd or not, is the nearest; the even one if two are.
fn rounded(fraction: f64, odd: bool) -> i128 {
    let nearest = fraction.round();
    if (nearest - fraction).abs() != 0.5 {
        return nearest as i128;
    }
    let odd = odd as i128;
    2 * ((fraction + odd as f64) * 0.5).round() as i128 - odd
}
