//! Dates and times read from ISO 8601 text.
//!
//! Dates are `YYYY-MM-DD`, `YYYYMMDD`, `YYYY-Www`, `YYYYWww`, `YYYY-Www-D` and `YYYYWwwD`; times `HH`, `HH:MM`, `HH:MM:SS` with any number
//! of decimals behind a point or a comma, with or without the colons, and then `Z` or the offset from UTC in the same forms. Text is bytes
//! here, and a byte above 127 stands for any character that is not ASCII. None is text that means nothing; only the fields of calendar weeks
//! are checked for their ranges.

use super::fields::{DAY, TimeFields};
use super::span::{SECOND, Span};
use super::{calendar, timedelta, timezone};
use limpid_heap::Value;
use limpid_vm::object::{R, Ref};
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::Str;
use std::borrow::Cow;

/// A date: year, month and day.
pub(super) type Date = (i32, i32, i32);

/// A time, and its distance from UTC if there is one.
#[derive(Clone, Copy, Default)]
pub(super) struct Time {
    pub(super) hour: i32,
    pub(super) minute: i32,
    pub(super) second: i32,
    pub(super) microsecond: i32,
    pub(super) offset: Option<OffsetParts>,
}

impl Time {
    /// ValueError unless the time, whose hour is 24, is midnight.
    pub(super) fn check_midnight(&self, t: &Thread) -> R<()> {
        if self.minute == 0 && self.second == 0 && self.microsecond == 0 {
            return Ok(());
        }
        raise!(t, ValueError, "minute, second, and microsecond must be 0 when hour is 24")
    }

    /// The fields, but for the hour 24.
    pub(super) fn fields(&self, t: &Thread) -> R<TimeFields> {
        let hour = if self.hour == 24 { 0 } else { self.hour };
        TimeFields::checked(t, hour, self.minute, self.second, self.microsecond, 0)
    }

    /// The time zone with the offset, None without.
    pub(super) fn zone(&self, t: &Thread) -> R {
        match self.offset {
            None => Ok(Value::NONE),
            Some(offset) => timezone::with_offset(t, timedelta::make(t, offset.span()), Value::NULL),
        }
    }
}

/// An offset from UTC as it was read: up to 99 hours.
#[derive(Clone, Copy)]
pub(super) struct OffsetParts {
    seconds: i64,
    microseconds: i64,
}

impl OffsetParts {
    /// As a span, which may be too long for an offset.
    fn span(self) -> Span {
        let microseconds = self.seconds * SECOND + self.microseconds;
        let seconds = microseconds.div_euclid(SECOND);
        Span {
            days: seconds.div_euclid(DAY) as i32,
            seconds: seconds.rem_euclid(DAY) as i32,
            microseconds: microseconds.rem_euclid(SECOND) as i32,
        }
    }
}

/// The characters of a str as this module wants them.
pub(super) fn bytes_of(s: &Ref<Str>) -> Cow<'_, [u8]> {
    match s.as_ascii() {
        Some(text) => Cow::Borrowed(text.as_bytes()),
        None => Cow::Owned(s.code_points().map(|c| if c < 0x80 { c as u8 } else { u8::MAX }).collect()),
    }
}

/// Text that is read from the front.
struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    /// A number of exactly so many digits.
    fn number(&mut self, digits: usize) -> Option<i32> {
        let (number, rest) = self.rest.split_at_checked(digits)?;
        self.rest = rest;
        number.iter().try_fold(0, |n, c| c.is_ascii_digit().then(|| n * 10 + (c - b'0') as i32))
    }

    /// Takes a character if it is the next.
    fn take(&mut self, c: u8) -> bool {
        let next = self.rest.first() == Some(&c);
        if next {
            self.rest = &self.rest[1..];
        }
        next
    }

    fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}

/// A date that is the whole text.
pub(super) fn date(text: &[u8]) -> Option<Date> {
    let mut text = Reader { rest: text };
    let year = text.number(4)?;
    let separated = text.take(b'-');
    if text.take(b'W') {
        let week = text.number(2)?;
        let weekday = if text.is_empty() {
            1
        } else if separated == text.take(b'-') {
            text.number(1)?
        } else {
            return None;
        };
        let date = calendar::from_iso_calendar(year, week, weekday).ok()?;
        return text.is_empty().then_some(date);
    }
    let month = text.number(2)?;
    if separated != text.take(b'-') {
        return None;
    }
    let day = text.number(2)?;
    text.is_empty().then_some((year, month, day))
}

/// Where the date of a date and time ends, which any one character separates. The text has at least seven characters.
fn date_end(text: &[u8]) -> usize {
    let digit_at = |i: usize| text.get(i).is_some_and(u8::is_ascii_digit);
    if text.len() == 7 {
        return 7;
    }
    match (text[4], text[5]) {
        (b'-', b'W') if text.get(8) == Some(&b'-') => {
            // With digits after the next it is taken for a week, and the dash for what separates.
            if digit_at(10) { 8 } else { 10 }
        }
        (b'-', b'W') => 8,
        (b'-', _) => 10,
        (b'W', _) => {
            // Of a time the digits come in pairs.
            let digits = text[7..].iter().take_while(|c| c.is_ascii_digit()).count();
            match 7 + digits {
                end if end < 9 => end,
                end if end % 2 == 0 => 7,
                _ => 8,
            }
        }
        _ => 8,
    }
}

/// A date, and a time if one follows.
pub(super) fn date_and_time(text: &[u8]) -> Option<(Date, Time)> {
    if text.len() < 7 {
        return None;
    }
    let end = date_end(text);
    let date = date(text.get(..end)?)?;
    let time = if text.len() > end { time(&text[end + 1..])? } else { Time::default() };
    Some((date, time))
}

/// A time that is the whole text.
pub(super) fn time(text: &[u8]) -> Option<Time> {
    let Some(sign) = text.iter().position(|c| matches!(c, b'Z' | b'+' | b'-')) else { return clock(text) };
    let (front, zone) = (&text[..sign], &text[sign + 1..]);
    let offset = match text[sign] {
        b'Z' => zone.is_empty().then_some(OffsetParts { seconds: 0, microseconds: 0 })?,
        sign => {
            let offset = clock(zone)?;
            let seconds = (offset.hour * 3600 + offset.minute * 60 + offset.second) as i64;
            let direction = if sign == b'-' { -1 } else { 1 };
            OffsetParts { seconds: seconds * direction, microseconds: offset.microsecond as i64 * direction }
        }
    };
    Some(Time { offset: Some(offset), ..clock(front)? })
}

/// Hours, and perhaps minutes, seconds and decimals.
fn clock(text: &[u8]) -> Option<Time> {
    let mut text = Reader { rest: text };
    let mut parts = [text.number(2)?, 0, 0];
    let separated = text.rest.first() == Some(&b':');
    for part in &mut parts[1..] {
        if text.is_empty() {
            break;
        }
        if separated && !text.take(b':') {
            return None;
        }
        *part = text.number(2)?;
    }
    let [hour, minute, second] = parts;
    let microsecond = if text.is_empty() { 0 } else { decimals(&mut text)? };
    Some(Time { hour, minute, second, microsecond, offset: None })
}

/// A point or comma and the decimals behind it, in microseconds, rounded down.
fn decimals(text: &mut Reader<'_>) -> Option<i32> {
    const KEPT: usize = 6;
    if !(text.take(b'.') || text.take(b',')) || text.is_empty() || !text.rest.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = text.rest.iter().map(|c| (c - b'0') as i32).chain(std::iter::repeat(0));
    Some(digits.take(KEPT).fold(0, |n, digit| n * 10 + digit))
}
