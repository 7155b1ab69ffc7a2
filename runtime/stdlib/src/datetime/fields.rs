//! The fields of dates and times, packed, and the ranges that they are checked for.
//!
//! ```text
//!  DateFields, 32 bits: | year 16     | month 8  | day 8    |
//!  TimeFields, 64 bits: | 1 | 0 ... 0 | fold 1 | hour 8 | minute 8 | second 8 | microsecond 24 |
//! ```
//! The order of the numbers is that of the dates and times, and their bytes, the most significant first, are the state that pickles have.
//! Such a state is not checked but for the month and the hour: fields of a date or a time can be anything that fits in there.

use super::calendar::{self, MAX_YEAR, MIN_YEAR};
use limpid_heap::Value;
use limpid_vm::args::Args;
use limpid_vm::object::R;
use limpid_vm::protocol::number;
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::int;

/// Seconds in a day.
pub(super) const DAY: i64 = 24 * 60 * 60;

/// Year, month and day; see the module's page.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(transparent)]
pub(super) struct DateFields(u32);

impl DateFields {
    /// A date whose fields are in range.
    pub(super) const fn new(year: i32, month: i32, day: i32) -> DateFields {
        DateFields((year as u32) << 16 | (month as u32) << 8 | day as u32)
    }

    /// ValueError for fields that are out of range.
    pub(super) fn checked(t: &Thread, year: i32, month: i32, day: i32) -> R<DateFields> {
        if !(MIN_YEAR..=MAX_YEAR).contains(&year) {
            return year_out_of_range(t, year);
        }
        if !(1..=12).contains(&month) {
            raise!(t, ValueError, "month must be in 1..12, not {month}")
        }
        let days = calendar::days_in_month(year, month);
        if !(1..=days).contains(&day) {
            raise!(t, ValueError, "day {day} must be in range 1..{days} for month {month} in year {year}")
        }
        Ok(DateFields::new(year, month, day))
    }

    /// Refuses, in a call with too few arguments, those that are no numbers before the missing ones are.
    pub(super) fn check_arguments(t: &Thread, args: Args<'_>) -> R<()> {
        match args.pos() {
            given @ ([_] | [_, _]) if args.keyword_count() == 0 => given.iter().try_for_each(|v| argument(t, *v).map(drop)),
            _ => Ok(()),
        }
    }

    /// The date that a constructor's arguments describe.
    pub(super) fn of_arguments(t: &Thread, a: &[Value]) -> R<DateFields> {
        DateFields::checked(t, argument(t, a[0])?, argument(t, a[1])?, argument(t, a[2])?)
    }

    /// The same date but for the fields that are given.
    pub(super) fn replaced(self, t: &Thread, a: &[Value]) -> R<DateFields> {
        let (year, month) = (replaced(t, a[0], self.year())?, replaced(t, a[1], self.month())?);
        DateFields::checked(t, year, month, replaced(t, a[2], self.day())?)
    }

    /// Year, month and day.
    pub(super) fn values(self) -> [Value; 3] {
        [self.year(), self.month(), self.day()].map(|n| Value::int(n as i64))
    }

    /// The date with a number, if there is one.
    pub(super) fn from_ordinal(ordinal: i64) -> Option<DateFields> {
        if !(1..=calendar::MAX_ORDINAL as i64).contains(&ordinal) {
            return None;
        }
        let (year, month, day) = calendar::from_ordinal(ordinal as i32);
        Some(DateFields::new(year, month, day))
    }

    /// The date so many days later; OverflowError if there is none.
    pub(super) fn later(self, t: &Thread, days: i64) -> R<DateFields> {
        const SHORTEST_MONTH: i64 = 28;
        let day = self.day() as i64 + days;
        if (1..=SHORTEST_MONTH).contains(&day) {
            return Ok(DateFields::new(self.year(), self.month(), day as i32));
        }
        match DateFields::from_ordinal(self.ordinal() as i64 + days) {
            Some(date) => Ok(date),
            None => raise!(t, OverflowError, "date value out of range"),
        }
    }

    pub(super) const fn year(self) -> i32 {
        (self.0 >> 16) as i32
    }

    pub(super) const fn month(self) -> i32 {
        (self.0 >> 8 & 0xFF) as i32
    }

    pub(super) const fn day(self) -> i32 {
        (self.0 & 0xFF) as i32
    }

    /// The number of the day.
    pub(super) fn ordinal(self) -> i32 {
        calendar::ordinal(self.year(), self.month(), self.day())
    }

    /// The state in a pickle.
    pub(super) const fn state(self) -> [u8; 4] {
        self.0.to_be_bytes()
    }

    /// The date of a pickle's state. None: its month is none.
    pub(super) const fn from_state(state: [u8; 4]) -> Option<DateFields> {
        if state[2] >= 1 && state[2] <= 12 { Some(DateFields(u32::from_be_bytes(state))) } else { None }
    }
}

/// ValueError for a year.
#[cold]
pub(super) fn year_out_of_range<T>(t: &Thread, year: i32) -> R<T> {
    raise!(t, ValueError, "year must be in {MIN_YEAR}..{MAX_YEAR}, not {year}")
}

/// A time of the day, and which of two it is where clocks were set back; see the module's page. The uppermost bit is set so that the
/// collector does not take the word for a reference.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub(super) struct TimeFields(u64);

impl TimeFields {
    const NO_REFERENCE: u64 = 1 << 63;
    const FOLD: u64 = 1 << 48;
    /// Bytes of the state in a pickle.
    pub(super) const STATE: usize = 6;

    /// The beginning of the day.
    pub(super) const MIDNIGHT: TimeFields = TimeFields(TimeFields::NO_REFERENCE);

    /// A time whose fields are in range.
    pub(super) const fn new(hour: i32, minute: i32, second: i32, microsecond: i32, fold: bool) -> TimeFields {
        let clock = (hour as u64) << 40 | (minute as u64) << 32 | (second as u64) << 24 | microsecond as u64;
        TimeFields(TimeFields::NO_REFERENCE | clock).with_fold(fold)
    }

    /// ValueError for fields that are out of range.
    pub(super) fn checked(t: &Thread, hour: i32, minute: i32, second: i32, microsecond: i32, fold: i32) -> R<TimeFields> {
        if !(0..24).contains(&hour) {
            raise!(t, ValueError, "hour must be in 0..23, not {hour}")
        }
        if !(0..60).contains(&minute) {
            raise!(t, ValueError, "minute must be in 0..59, not {minute}")
        }
        if !(0..60).contains(&second) {
            raise!(t, ValueError, "second must be in 0..59, not {second}")
        }
        if !(0..1_000_000).contains(&microsecond) {
            raise!(t, ValueError, "microsecond must be in 0..999999, not {microsecond}")
        }
        if !(0..2).contains(&fold) {
            raise!(t, ValueError, "fold must be either 0 or 1, not {fold}")
        }
        Ok(TimeFields::new(hour, minute, second, microsecond, fold != 0))
    }

    /// The time that a constructor's arguments describe: four that may be left out, and the fold.
    pub(super) fn of_arguments(t: &Thread, a: &[Value], fold: Value) -> R<TimeFields> {
        let mut n = [0; 4];
        for (n, v) in n.iter_mut().zip(a) {
            if !v.is_null() {
                *n = argument(t, *v)?;
            }
        }
        let fold = if fold.is_null() { 0 } else { argument(t, fold)? };
        let [hour, minute, second, microsecond] = n;
        TimeFields::checked(t, hour, minute, second, microsecond, fold)
    }

    /// The same time but for the fields that are given.
    pub(super) fn replaced(self, t: &Thread, a: &[Value], fold: Value) -> R<TimeFields> {
        let mut n = [self.hour(), self.minute(), self.second(), self.microsecond()];
        for (n, v) in n.iter_mut().zip(a) {
            *n = replaced(t, *v, *n)?;
        }
        let [hour, minute, second, microsecond] = n;
        TimeFields::checked(t, hour, minute, second, microsecond, replaced(t, fold, self.fold() as i32)?)
    }

    /// Hour, minute, second and microsecond.
    pub(super) fn values(self) -> [Value; 4] {
        [self.hour(), self.minute(), self.second(), self.microsecond()].map(|n| Value::int(n as i64))
    }

    /// The time so many seconds, less than a day, and microseconds after midnight.
    pub(super) fn after_midnight(seconds: i64, microsecond: i32) -> TimeFields {
        let seconds = seconds as i32;
        TimeFields::new(seconds / 3600, seconds / 60 % 60, seconds % 60, microsecond, false)
    }

    pub(super) const fn hour(self) -> i32 {
        (self.0 >> 40 & 0xFF) as i32
    }

    pub(super) const fn minute(self) -> i32 {
        (self.0 >> 32 & 0xFF) as i32
    }

    pub(super) const fn second(self) -> i32 {
        (self.0 >> 24 & 0xFF) as i32
    }

    pub(super) const fn microsecond(self) -> i32 {
        (self.0 & 0xFF_FFFF) as i32
    }

    pub(super) const fn fold(self) -> bool {
        self.0 & TimeFields::FOLD != 0
    }

    /// Whole seconds since midnight.
    pub(super) const fn seconds(self) -> i64 {
        self.hour() as i64 * 3600 + self.minute() as i64 * 60 + self.second() as i64
    }

    /// The same time with another fold.
    pub(super) const fn with_fold(self, fold: bool) -> TimeFields {
        TimeFields(self.0 & !TimeFields::FOLD | if fold { TimeFields::FOLD } else { 0 })
    }

    /// What times are compared by: all but the fold.
    pub(super) const fn clock(self) -> u64 {
        self.with_fold(false).0
    }

    /// The state in a pickle; the fold is not in there.
    pub(super) const fn state(self) -> [u8; TimeFields::STATE] {
        let [_, _, state @ ..] = self.0.to_be_bytes();
        state
    }

    /// The time of a pickle's state.
    pub(super) const fn from_state(state: [u8; TimeFields::STATE], fold: bool) -> TimeFields {
        let [a, b, c, d, e, f] = state;
        TimeFields(TimeFields::NO_REFERENCE | u64::from_be_bytes([0, 0, a, b, c, d, e, f])).with_fold(fold)
    }
}

/// An argument that has to fit in 32 bits.
pub(super) fn argument(t: &Thread, v: Value) -> R<i32> {
    if v.is_int()
        && let Ok(n) = i32::try_from(v.as_int())
    {
        return Ok(n);
    }
    match int::as_i64_opt(number::index(t, v)?) {
        None => raise!(t, OverflowError, "Python int too large to convert to C long"),
        Some(n) => match i32::try_from(n) {
            Ok(n) => Ok(n),
            Err(_) if n < 0 => raise!(t, OverflowError, "signed integer is less than minimum"),
            Err(_) => raise!(t, OverflowError, "signed integer is greater than maximum"),
        },
    }
}

/// The new value of a field, or the old one if there is none.
fn replaced(t: &Thread, v: Value, old: i32) -> R<i32> {
    if v.is_null() { Ok(old) } else { number::index_i32(t, v) }
}
