//! Time arguments: numbers of seconds or milliseconds as Python programs give them, in nanoseconds.

use limpid_heap::Value;
use limpid_vm::object::{R, ValueExt};
use limpid_vm::protocol::number;
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::{float, int};
use std::time::{Duration, Instant};

/// Nanoseconds in a second.
pub const SECOND: i64 = 1_000_000_000;
/// Nanoseconds in a millisecond.
pub const MILLISECOND: i64 = 1_000_000;

/// Where a float between two nanoseconds goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rounding {
    /// Down.
    Floor,
    /// Up.
    Ceiling,
    /// Away from zero, so that a timeout is never shorter than asked for and never turns into none.
    Timeout,
}

impl Rounding {
    fn float(self, f: f64) -> f64 {
        match self {
            Rounding::Floor => f.floor(),
            Rounding::Timeout if f < 0.0 => f.floor(),
            _ => f.ceil(),
        }
    }
}

/// A number of units (of `unit` nanoseconds) in nanoseconds.
pub fn nanoseconds(t: &Thread, v: Value, unit: i64, rounding: Rounding) -> R<i64> {
    let n = if let Some(f) = float::as_f64_opt(v) {
        if f.is_nan() {
            raise!(t, ValueError, "Invalid value NaN (not a number)")
        }
        let f = rounding.float(f * unit as f64);
        // The largest double below 2**63 is smaller than i64::MAX.
        (f.abs() < 9_223_372_036_854_775_807.0).then_some(f as i64)
    } else {
        if !number::is_index(v) {
            raise!(t, TypeError, "'{}' object cannot be interpreted as an integer or float", v.class().display_name())
        }
        int::as_i64_opt(number::index(t, v)?).and_then(|n| n.checked_mul(unit))
    };
    match n {
        Some(n) => Ok(n),
        None => raise!(t, OverflowError, "timestamp too large to convert to C PyTime_t"),
    }
}

/// Nanoseconds in units of `unit`, rounded up away from zero.
pub fn in_units(nanoseconds: i64, unit: i64) -> i64 {
    let whole = nanoseconds / unit;
    if nanoseconds % unit == 0 { whole } else { whole + nanoseconds.signum() }
}

/// When a wait of so many nanoseconds is over.
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// From now on; None waits for ever.
    pub fn after(nanoseconds: Option<i64>) -> Deadline {
        Deadline(nanoseconds.and_then(|n| Instant::now().checked_add(Duration::from_nanos(n.max(0) as u64))))
    }

    /// Nanoseconds left, zero when it is over; None for ever.
    pub fn left(&self) -> Option<i64> {
        self.0.map(|at| i64::try_from(at.saturating_duration_since(Instant::now()).as_nanos()).unwrap_or(i64::MAX))
    }
}

/// Nanoseconds as the C library's structure.
pub fn timespec(nanoseconds: i64) -> libc::timespec {
    libc::timespec { tv_sec: nanoseconds.div_euclid(SECOND), tv_nsec: nanoseconds.rem_euclid(SECOND) }
}

/// Nanoseconds as the C library's structure, rounded up.
pub fn timeval(nanoseconds: i64) -> libc::timeval {
    let microseconds = nanoseconds.div_euclid(1000) + (nanoseconds.rem_euclid(1000) != 0) as i64;
    libc::timeval { tv_sec: microseconds.div_euclid(1_000_000), tv_usec: microseconds.rem_euclid(1_000_000) }
}
