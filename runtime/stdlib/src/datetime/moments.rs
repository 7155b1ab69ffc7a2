//! Datetimes of timestamps, of text, of the clock, and in other time zones.

use super::calendar;
use super::date::{self, DATE, Date};
use super::date_time::{self, DateTime, construct, utc_offset};
use super::fields::DateFields;
use super::local::{self, Clock};
use super::span::Span;
use super::time::{TIME, Time};
use super::{parse, text, tzinfo};
use limpid_heap::Value;
use limpid_vm::args::receiver;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{call, number};
use limpid_vm::thread::Thread;
use limpid_vm::types::{Type, int};
use limpid_vm::{names, raise, warnings};

/// A datetime of a class at a moment, in a time zone, or the local one for None.
fn at(t: &Thread, class: Ref<Type>, (seconds, microsecond): (i64, i32), zone: Value) -> R {
    let clock = if zone.is_none() { Clock::Local } else { Clock::Utc };
    let (date, time) = local::at(t, seconds, microsecond, clock, zone.is_none())?;
    let made = construct(t, class, date, time, zone)?;
    if zone.is_none() { Ok(made) } else { call::call_method(t, zone, names::fromutc, &[made]) }
}

/// A datetime of a class that shows UTC, but has no time zone.
fn utc_at(t: &Thread, class: Ref<Type>, (seconds, microsecond): (i64, i32)) -> R {
    let (date, time) = local::at(t, seconds, microsecond, Clock::Utc, false)?;
    construct(t, class, date, time, Value::NONE)
}

pub(super) fn now(t: &Thread, class: Ref<Type>, zone: Value) -> R {
    let zone = tzinfo::argument(t, zone)?;
    at(t, class, local::now(), zone)
}

pub(super) fn utc_now(t: &Thread, class: Ref<Type>) -> R {
    warnings::deprecated(
        t,
        "datetime.datetime.utcnow() is deprecated and scheduled for removal in a future version. Use timezone-aware objects to represent \
         datetimes in UTC: datetime.datetime.now(datetime.UTC).",
    )?;
    utc_at(t, class, local::now())
}

pub(super) fn from_timestamp(t: &Thread, class: Ref<Type>, timestamp: Value, zone: Value) -> R {
    let zone = tzinfo::argument(t, zone)?;
    at(t, class, local::split(t, timestamp)?, zone)
}

pub(super) fn utc_from_timestamp(t: &Thread, class: Ref<Type>, timestamp: Value) -> R {
    warnings::deprecated(
        t,
        "datetime.datetime.utcfromtimestamp() is deprecated and scheduled for removal in a future version. Use timezone-aware objects to \
         represent datetimes in UTC: datetime.datetime.fromtimestamp(timestamp, datetime.UTC).",
    )?;
    utc_at(t, class, local::split(t, timestamp)?)
}

/// `combine(cls, date, time, tzinfo)`
pub(super) fn combine(t: &Thread, a: &[Value]) -> R {
    if !a[1].is_instance(DATE.get()) {
        raise!(t, TypeError, "combine() argument 1 must be datetime.date, not {}", text::type_name(a[1]))
    }
    if !a[2].is_instance(TIME.get()) {
        raise!(t, TypeError, "combine() argument 2 must be datetime.time, not {}", text::type_name(a[2]))
    }
    let time = receiver::<Time>(a[2]);
    let zone = if a[3].is_null() { time.zone() } else { tzinfo::argument(t, a[3])? };
    construct(t, receiver(a[0]), receiver::<Date>(a[1]).fields(), time.fields(), zone)
}

/// `fromisoformat(cls, text)`
pub(super) fn from_iso_format(t: &Thread, a: &[Value]) -> R {
    let text = date::iso_argument(t, a[1])?;
    let Some(((mut year, mut month, mut day), time)) = parse::date_and_time(&parse::bytes_of(&text)) else {
        return date::invalid_iso_format(t, a[1]);
    };
    let zone = time.zone(t)?;
    if time.hour == 24 && (1..=12).contains(&month) && day <= calendar::days_in_month(year, month) {
        time.check_midnight(t)?;
        day += 1;
        if day > calendar::days_in_month(year, month) {
            (month, day) = (month + 1, 1);
        }
        if month > 12 {
            (year, month) = (year + 1, 1);
        }
    }
    let date = DateFields::checked(t, year, month, day)?;
    construct(t, receiver(a[0]), date, time.fields(t)?, zone)
}

/// `timestamp(self)`
pub(super) fn timestamp(t: &Thread, this: Ref<DateTime>) -> R {
    const SECOND: i64 = super::span::SECOND;
    let microsecond = this.time().microsecond();
    let offset = match utc_offset(t, this)? {
        Some(offset) => offset,
        None if this.zone().is_none() => {
            let seconds = local::timestamp_of(t, this.date(), this.time())?;
            return Ok(Value::float(seconds as f64 + microsecond as f64 / 1e6));
        }
        None => raise!(t, TypeError, "can't subtract offset-naive and offset-aware datetimes"),
    };
    // Both fit: a date has less than ten thousand years.
    let microseconds = local::seconds_of(this.date(), this.time()) * SECOND + microsecond as i64 - offset.in_microseconds() as i64;
    if microseconds.unsigned_abs() < 1 << 53 {
        return Ok(Value::float(microseconds as f64 / SECOND as f64));
    }
    number::true_div(t, int::from_i64(t, microseconds), Value::int(SECOND))
}

/// `astimezone(self, tz)`
pub(super) fn as_time_zone(t: &Thread, this: Ref<DateTime>, zone: Value) -> R {
    let zone = tzinfo::argument(t, zone)?;
    let own = if this.zone().is_none() { local::zone_of(t, this.date(), this.time())? } else { this.zone() };
    if own == zone {
        return Ok(this.value());
    }
    let offset = match tzinfo::utc_offset(t, own, this.value())? {
        Some(offset) => offset,
        None => {
            // The zone does not know: it is a local time.
            let local = local::zone_of(t, this.date(), this.time())?;
            if local == zone {
                return Ok(this.value());
            }
            tzinfo::utc_offset(t, local, this.value())?.unwrap_or(Span::ZERO)
        }
    };
    let utc = date_time::shifted_back(t, this, offset)?;
    let Some(utc) = utc.downcast::<DateTime>() else { return Ok(utc) };
    let zone = if zone.is_none() { local::zone_at(t, local::seconds_of(utc.date(), utc.time()))? } else { zone };
    let utc = date_time::make_of(t, utc.value().class(), utc.date(), utc.time(), zone);
    call::call_method(t, zone, names::fromutc, &[utc])
}
