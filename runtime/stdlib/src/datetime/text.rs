//! Dates and times as text: ISO 8601, `ctime`, and what is put in the formats of `strftime`.

use super::calendar;
use super::fields::{DateFields, TimeFields};
use super::span::Span;
use limpid_heap::Value;
use limpid_vm::object::{R, ValueExt};
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::Str;
use limpid_vm::types::str::AsciiText;

/// Text under construction.
pub(super) type Text = AsciiText;

/// Adds a number with at least so many digits.
fn push_number<const DIGITS: usize>(out: &mut Text, n: i32) {
    let mut digits = [b'0'; DIGITS];
    let mut rest = n as u32;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    if rest == 0 {
        out.extend_from_slice(&digits);
    } else {
        out.extend_from_slice(n.to_string().as_bytes());
    }
}

/// Adds `YYYY-MM-DD`.
pub(super) fn push_date(out: &mut Text, date: DateFields) {
    push_number::<4>(out, date.year());
    out.push(b'-');
    push_number::<2>(out, date.month());
    out.push(b'-');
    push_number::<2>(out, date.day());
}

/// How much of a time is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Precision {
    /// Microseconds if there are any, else seconds.
    Auto,
    Hours,
    Minutes,
    Seconds,
    Milliseconds,
    Microseconds,
}

impl Precision {
    /// The argument of an `isoformat` method at a position.
    pub(super) fn argument(t: &Thread, v: Value, position: usize) -> R<Precision> {
        if v.is_null() {
            return Ok(Precision::Auto);
        }
        let Some(name) = v.downcast::<Str>() else {
            raise!(t, TypeError, "isoformat() argument {position} must be str, not {}", type_name(v))
        };
        Ok(match name.as_ascii() {
            Some("auto") => Precision::Auto,
            Some("hours") => Precision::Hours,
            Some("minutes") => Precision::Minutes,
            Some("seconds") => Precision::Seconds,
            Some("milliseconds") => Precision::Milliseconds,
            Some("microseconds") => Precision::Microseconds,
            _ => raise!(t, ValueError, "Unknown timespec value"),
        })
    }
}

/// Adds a time.
pub(super) fn push_time(out: &mut Text, time: TimeFields, precision: Precision) {
    let microsecond = time.microsecond();
    let precision = match precision {
        Precision::Auto if microsecond == 0 => Precision::Seconds,
        Precision::Auto => Precision::Microseconds,
        given => given,
    };
    push_number::<2>(out, time.hour());
    if precision == Precision::Hours {
        return;
    }
    out.push(b':');
    push_number::<2>(out, time.minute());
    if precision == Precision::Minutes {
        return;
    }
    out.push(b':');
    push_number::<2>(out, time.second());
    match precision {
        Precision::Milliseconds => {
            out.push(b'.');
            push_number::<3>(out, microsecond / 1000);
        }
        Precision::Microseconds => {
            out.push(b'.');
            push_number::<6>(out, microsecond);
        }
        _ => {}
    }
}

/// Adds the microseconds of a time as `%f` shows them.
pub(super) fn push_microseconds(out: &mut Text, microsecond: i32) {
    push_number::<6>(out, microsecond);
}

/// Adds an offset from UTC: sign, hours and minutes, and what there is of seconds and microseconds.
pub(super) fn push_offset(out: &mut Text, offset: Span, separator: &str) {
    let (sign, seconds, microseconds) = offset.offset_parts();
    out.push(sign as u8);
    push_number::<2>(out, seconds / 3600);
    out.extend_from_slice(separator.as_bytes());
    push_number::<2>(out, seconds / 60 % 60);
    if seconds % 60 != 0 || microseconds != 0 {
        out.extend_from_slice(separator.as_bytes());
        push_number::<2>(out, seconds % 60);
    }
    if microseconds != 0 {
        out.push(b'.');
        push_number::<6>(out, microseconds);
    }
}

/// `Sat Jun  6 16:26:11 1998`
pub(super) fn ctime(t: &Thread, date: DateFields, time: TimeFields) -> R {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = format!(
        "{} {} {:2} {:02}:{:02}:{:02} {:04}",
        DAYS[calendar::weekday(date.ordinal()) as usize],
        MONTHS[date.month() as usize - 1],
        date.day(),
        time.hour(),
        time.minute(),
        time.second(),
        date.year()
    );
    Ok(Str::from_ascii(t, text.as_bytes())?.value())
}

/// The name of an argument's type in messages: None is called so.
pub(super) fn type_name(v: Value) -> String {
    if v.is_none() { "None".to_owned() } else { v.class().display_name() }
}
