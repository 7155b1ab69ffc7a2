//! The number behind a `timedelta`: days, seconds and microseconds.

use dashu_int::IBig;
use dashu_int::ops::{Abs, DivRem};
use limpid_vm::object::R;
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::tuple::TupleHash;
use std::cmp::Ordering;

/// Seconds in a day.
const DAY: i64 = super::fields::DAY;
/// Microseconds in a second.
pub(super) const SECOND: i64 = 1_000_000;

/// A span of time. Seconds are less than a day, microseconds less than a second, and neither is negative.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    pub(super) days: i32,
    pub(super) seconds: i32,
    pub(super) microseconds: i32,
}

impl Span {
    /// The most days there can be, in either direction.
    pub(super) const MAX_DAYS: i32 = 999_999_999;
    pub(super) const ZERO: Span = Span { days: 0, seconds: 0, microseconds: 0 };
    pub(super) const MIN: Span = Span { days: -Span::MAX_DAYS, ..Span::ZERO };
    pub(super) const MAX: Span = Span { days: Span::MAX_DAYS, seconds: DAY as i32 - 1, microseconds: SECOND as i32 - 1 };
    pub(super) const RESOLUTION: Span = Span { microseconds: 1, ..Span::ZERO };

    /// A span of parts that may be negative or large; OverflowError when there are too many days.
    pub(super) fn of_parts(t: &Thread, days: i64, seconds: i64, microseconds: i64) -> R<Span> {
        let seconds = seconds + microseconds.div_euclid(SECOND);
        let days = days + seconds.div_euclid(DAY);
        if days.unsigned_abs() > Span::MAX_DAYS as u64 {
            raise!(t, OverflowError, "days={days}; must have magnitude <= {}", Span::MAX_DAYS)
        }
        Ok(Span { days: days as i32, seconds: seconds.rem_euclid(DAY) as i32, microseconds: microseconds.rem_euclid(SECOND) as i32 })
    }

    /// A span of so many seconds, less than a hundred million years.
    pub(super) const fn of_seconds(seconds: i64) -> Span {
        Span { days: seconds.div_euclid(DAY) as i32, seconds: seconds.rem_euclid(DAY) as i32, microseconds: 0 }
    }

    /// A span of so many microseconds; OverflowError for too many.
    pub(super) fn of_microseconds(t: &Thread, microseconds: i128) -> R<Span> {
        if let Ok(n) = i64::try_from(microseconds) {
            return Span::of_parts(t, 0, n.div_euclid(SECOND), n.rem_euclid(SECOND));
        }
        let seconds = microseconds.div_euclid(SECOND as i128);
        match i32::try_from(seconds.div_euclid(DAY as i128)) {
            Ok(days) => {
                let rest = seconds.rem_euclid(DAY as i128) as i64;
                Span::of_parts(t, days as i64, rest, microseconds.rem_euclid(SECOND as i128) as i64)
            }
            Err(_) => too_many_days(t),
        }
    }

    /// As [`Span::of_microseconds`], for a number of any size.
    pub(super) fn of_big(t: &Thread, microseconds: &IBig) -> R<Span> {
        match i128::try_from(microseconds) {
            Ok(n) => Span::of_microseconds(t, n),
            Err(_) => too_many_days(t),
        }
    }

    /// All in microseconds.
    pub(super) const fn in_microseconds(self) -> i128 {
        self.days as i128 * (DAY * SECOND) as i128 + (self.seconds as i64 * SECOND + self.microseconds as i64) as i128
    }

    pub(super) const fn is_zero(self) -> bool {
        self.days == 0 && self.seconds == 0 && self.microseconds == 0
    }

    pub(super) fn plus(self, t: &Thread, other: Span) -> R<Span> {
        Span::of_parts(
            t,
            self.days as i64 + other.days as i64,
            self.seconds as i64 + other.seconds as i64,
            self.microseconds as i64 + other.microseconds as i64,
        )
    }

    pub(super) fn minus(self, t: &Thread, other: Span) -> R<Span> {
        Span::of_parts(
            t,
            self.days as i64 - other.days as i64,
            self.seconds as i64 - other.seconds as i64,
            self.microseconds as i64 - other.microseconds as i64,
        )
    }

    /// The hash of the tuple of days, seconds and microseconds.
    pub(super) fn hash(self) -> i64 {
        let mut hash = TupleHash::new();
        for part in [self.days, self.seconds, self.microseconds] {
            hash.add(if part == -1 { -2 } else { part as i64 });
        }
        hash.finish()
    }

    /// Can it be the offset of a time zone: is it less than a day, in either direction?
    pub(super) fn is_offset(self) -> bool {
        self > Span { days: -1, ..Span::ZERO } && self.days < 1
    }

    /// The sign of an offset, and its seconds and microseconds without it.
    pub(super) fn offset_parts(self) -> (char, i32, i32) {
        if self.days >= 0 {
            return ('+', self.seconds, self.microseconds);
        }
        let microseconds = -self.in_microseconds() as i64;
        ('-', (microseconds / SECOND) as i32, (microseconds % SECOND) as i32)
    }
}

#[cold]
fn too_many_days<T>(t: &Thread) -> R<T> {
    raise!(t, OverflowError, "Python int too large to convert to C int")
}

/// The integer nearest to a quotient; the even one if two are. The divisor is not zero.
pub(super) fn nearest(dividend: &IBig, divisor: &IBig) -> IBig {
    let (quotient, remainder) = dividend.div_rem(divisor);
    let away = match (&remainder * IBig::from(2)).abs().cmp(&divisor.abs()) {
        Ordering::Less => false,
        Ordering::Equal => &quotient & IBig::ONE == IBig::ONE,
        Ordering::Greater => true,
    };
    if !away {
        return quotient;
    }
    let negative = (dividend < &IBig::ZERO) != (divisor < &IBig::ZERO);
    if negative { quotient - IBig::ONE } else { quotient + IBig::ONE }
}
