//! The system's clock and its local time zone.
//!
//! Timestamps are seconds since 1970 UTC. Local times are counted in the same way, as if they were UTC.

use super::calendar::EPOCH_ORDINAL;
use super::fields::{self, DAY, DateFields, TimeFields};
use super::span::Span;
use super::{calendar, timedelta, timezone};
use crate::time::calendar::{convert, timestamp, zone_name};
use limpid_heap::Value;
use limpid_vm::object::R;
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::exceptions::raise_os_error;
use limpid_vm::types::float;

/// The largest distance by which clocks were ever set back.
const MAX_FOLD: i64 = DAY;

/// Which time of the day a timestamp is turned into.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Clock {
    Local,
    Utc,
}

/// A timestamp broken down.
fn broken_down(t: &Thread, seconds: i64, clock: Clock) -> R<libc::tm> {
    let how = if clock == Clock::Local { libc::localtime_r } else { libc::gmtime_r };
    convert(seconds, how).map_err(|e| raise_os_error(t, &e))
}

fn date_of(t: &Thread, time: &libc::tm) -> R<DateFields> {
    DateFields::checked(t, time.tm_year.saturating_add(1900), time.tm_mon + 1, time.tm_mday)
}

/// The time of the day; a leap second is the second before.
fn time_of(time: &libc::tm, microsecond: i32, fold: bool) -> TimeFields {
    TimeFields::new(time.tm_hour, time.tm_min, time.tm_sec.min(59), microsecond, fold)
}

/// A date and time in seconds since the beginning of 1970 on the same clock.
pub(super) fn seconds_of(date: DateFields, time: TimeFields) -> i64 {
    (date.ordinal() - EPOCH_ORDINAL) as i64 * DAY + time.seconds()
}

/// What local clocks show at a timestamp, in seconds.
fn local(t: &Thread, seconds: i64) -> R<i64> {
    let time = broken_down(t, seconds, Clock::Local)?;
    let year = time.tm_year.saturating_add(1900);
    if !(calendar::MIN_YEAR..=calendar::MAX_YEAR).contains(&year) {
        return fields::year_out_of_range(t, year);
    }
    Ok(seconds_of(DateFields::new(year, time.tm_mon + 1, time.tm_mday), time_of(&time, 0, false)))
}

/// Date and time at a timestamp. `with_fold`: the fold is found out where clocks were set back.
pub(super) fn at(t: &Thread, seconds: i64, microsecond: i32, clock: Clock, with_fold: bool) -> R<(DateFields, TimeFields)> {
    if clock == Clock::Utc
        && let Some(date) = DateFields::from_ordinal(seconds.div_euclid(DAY) + EPOCH_ORDINAL as i64)
    {
        return Ok((date, TimeFields::after_midnight(seconds.rem_euclid(DAY), microsecond)));
    }
    let time = broken_down(t, seconds, clock)?;
    let date = date_of(t, &time)?;
    let fields = time_of(&time, microsecond, false);
    if !with_fold {
        return Ok((date, fields));
    }
    let shown = seconds_of(date, fields);
    let transition = shown - local(t, seconds - MAX_FOLD)? - MAX_FOLD;
    let fold = transition < 0 && local(t, seconds + transition)? == shown;
    Ok((date, fields.with_fold(fold)))
}

/// The local date at a timestamp as programs give it.
pub(super) fn date_at(t: &Thread, v: Value) -> R<DateFields> {
    date_of(t, &broken_down(t, timestamp(t, v)?, Clock::Local)?)
}

/// Seconds and microseconds now.
pub(super) fn now() -> (i64, i32) {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: room for the result. This clock can always be read.
    unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &mut time) };
    (time.tv_sec, (time.tv_nsec / 1000) as i32)
}

/// Seconds and microseconds of a timestamp as programs give it. What is between two microseconds goes to the nearest, to the even one
/// from the middle.
pub(super) fn split(t: &Thread, v: Value) -> R<(i64, i32)> {
    const SECOND: f64 = 1e6;
    let Some(f) = float::as_f64_opt(v) else { return Ok((timestamp(t, v)?, 0)) };
    if f.is_nan() {
        raise!(t, ValueError, "Invalid value NaN (not a number)")
    }
    let (mut seconds, mut microseconds) = (f.trunc(), (f.fract() * SECOND).round_ties_even());
    if microseconds >= SECOND {
        (seconds, microseconds) = (seconds + 1.0, microseconds - SECOND);
    } else if microseconds < 0.0 {
        (seconds, microseconds) = (seconds - 1.0, microseconds + SECOND);
    }
    // The largest double below 2**63 is smaller than i64::MAX.
    if seconds.is_nan() || seconds.abs() >= 9_223_372_036_854_775_807.0 {
        raise!(t, OverflowError, "timestamp out of range for platform time_t")
    }
    Ok((seconds as i64, microseconds as i32))
}

/// The timestamp at which local clocks show a date and time. If there are two, the fold tells which; if there is none, the one that there
/// would be with the offset before (or, with the fold, after) the clocks were set forward.
pub(super) fn timestamp_of(t: &Thread, date: DateFields, time: TimeFields) -> R<i64> {
    let shown = seconds_of(date, time);
    let fold = time.fold();
    let offset = local(t, shown)? - shown;
    let first = shown - offset;
    let shown_at_first = local(t, first)?;
    let other_offset = if shown_at_first == shown {
        // This is one; another would be before it, or after it with the fold.
        let elsewhere = if fold { first + MAX_FOLD } else { first - MAX_FOLD };
        let other = local(t, elsewhere)? - elsewhere;
        if other == offset {
            return Ok(first);
        }
        other
    } else {
        shown_at_first - first
    };
    let second = shown - other_offset;
    if local(t, second)? == shown {
        return Ok(second);
    }
    if shown_at_first == shown {
        return Ok(first);
    }
    Ok(if fold { first.min(second) } else { first.max(second) })
}

/// The local time zone at a timestamp, as a `timezone`.
pub(super) fn zone_at(t: &Thread, seconds: i64) -> R {
    let time = broken_down(t, seconds, Clock::Local)?;
    let offset = timedelta::make(t, Span::of_seconds(time.tm_gmtoff));
    timezone::with_offset(t, offset, zone_name(t, time.tm_zone)?)
}

/// The local time zone where local clocks show a date and time.
pub(super) fn zone_of(t: &Thread, date: DateFields, time: TimeFields) -> R {
    let seconds = timestamp_of(t, date, time)?;
    let other = timestamp_of(t, date, time.with_fold(!time.fold()))?;
    // They differ where clocks are set. Where they were set forward the one belongs to the other fold.
    let gap = other != seconds && (other > seconds) == time.fold();
    zone_at(t, if gap { other } else { seconds })
}
