//! The rule with which a time zone file ends: standard time, and from when to when in a year there is daylight saving time.
//!
//! It is written as POSIX has it: `CET-1CEST,M3.5.0,M10.5.0/3`. Offsets are positive west of Greenwich in there; here they are positive
//! east of it.

use super::super::calendar::{self, EPOCH_ORDINAL};
use super::super::fields::DAY;

/// A rule as it is written.
pub(super) struct Rule {
    pub(super) standard: Named,
    pub(super) daylight: Option<Daylight>,
}

/// A name and an offset from UTC in seconds.
pub(super) struct Named {
    pub(super) name: String,
    pub(super) offset: i64,
}

/// Daylight saving time, and when it begins and ends.
pub(super) struct Daylight {
    pub(super) time: Named,
    pub(super) changes: [Change; 2],
}

/// A moment of each year on the clocks that are in use before it.
pub(super) struct Change {
    day: Day,
    /// Since the day's beginning; may be negative, and longer than a day.
    seconds: i64,
}

/// A day of each year.
enum Day {
    /// From 1 to 365; the 29th of February is not counted.
    Julian(i32),
    /// From 0 to 365. As CPython has it, 0 is the last day of the year before: so all of a year is daylight saving time by `0/0,J365/25`.
    Ordinal(i32),
    /// The day of a month's week, 0 is Sunday; week 5 is the last.
    Weekday { month: i32, week: i32, day: i32 },
}

impl Change {
    /// The moment in a year, in seconds since the beginning of 1970 on the same clocks.
    pub(super) fn in_year(&self, year: i32) -> i64 {
        let first = calendar::ordinal(year, 1, 1);
        let ordinal = match self.day {
            Day::Julian(n) => first + n - 1 + (n >= 60 && calendar::days_in_month(year, 2) == 29) as i32,
            Day::Ordinal(n) => first + n - 1,
            Day::Weekday { month, week, day } => {
                let first_of_month = calendar::ordinal(year, month, 1);
                let sunday_based = (calendar::weekday(first_of_month) + 1) % 7;
                let n = (day - sunday_based).rem_euclid(7) + (week - 1) * 7;
                let beyond = n >= calendar::days_in_month(year, month);
                first_of_month + n - if beyond { 7 } else { 0 }
            }
        };
        (ordinal - EPOCH_ORDINAL) as i64 * DAY + self.seconds
    }
}

impl Rule {
    /// The rule in a text; else what is wrong with it.
    pub(super) fn parse(text: &[u8]) -> Result<Rule, &'static str> {
        let mut text = Reader(text);
        let name = text.name().ok_or("Invalid STD format in")?;
        let standard = Named { name, offset: text.offset().ok_or("Invalid STD offset in")? };
        if text.0.is_empty() {
            return Ok(Rule { standard, daylight: None });
        }
        let name = text.name().ok_or("Invalid DST format in")?;
        let default = text.0.first() == Some(&b',');
        let offset = if default { standard.offset + 3600 } else { text.offset().ok_or("Invalid DST offset in")? };
        let mut change = || {
            if !text.take(b',') {
                return Err("Missing transition rules in TZ string:");
            }
            text.change().ok_or("Malformed transition rule in TZ string:")
        };
        let changes = [change()?, change()?];
        if !text.0.is_empty() {
            return Err("Extraneous characters at end of TZ string:");
        }
        Ok(Rule { standard, daylight: Some(Daylight { time: Named { name, offset }, changes }) })
    }
}

/// Text that is read from the front.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take(&mut self, c: u8) -> bool {
        let next = self.0.first() == Some(&c);
        if next {
            self.0 = &self.0[1..];
        }
        next
    }

    /// The characters at the front of which something holds.
    fn span(&mut self, f: impl Fn(u8) -> bool) -> &[u8] {
        let (span, rest) = self.0.split_at(self.0.iter().take_while(|c| f(**c)).count());
        self.0 = rest;
        span
    }

    /// A number of at least and at most so many digits.
    fn number(&mut self, least: usize, most: usize) -> Option<i32> {
        let digits = self.0.iter().take(most).take_while(|c| c.is_ascii_digit()).count();
        if digits < least {
            return None;
        }
        let (number, rest) = self.0.split_at(digits);
        self.0 = rest;
        Some(number.iter().fold(0, |n, c| n * 10 + (c - b'0') as i32))
    }

    /// A name: letters, or between angle brackets digits and signs as well.
    fn name(&mut self) -> Option<String> {
        let name = if self.take(b'<') {
            let name = self.span(|c| c.is_ascii_alphanumeric() || c == b'+' || c == b'-').to_vec();
            if !self.take(b'>') {
                return None;
            }
            name
        } else {
            self.span(|c| c.is_ascii_alphabetic()).to_vec()
        };
        String::from_utf8(name).ok().filter(|name| !name.is_empty())
    }

    /// Hours, and perhaps minutes and seconds, in seconds.
    fn time(&mut self, most_hours: i32) -> Option<i64> {
        let negative = self.take(b'-');
        if !negative {
            self.take(b'+');
        }
        let hours = self.number(1, 3).filter(|hours| *hours <= most_hours)?;
        let mut parts = [0, 0];
        for part in &mut parts {
            if !self.take(b':') {
                break;
            }
            *part = self.number(2, 2).filter(|n| *n < 60)?;
        }
        let seconds = hours as i64 * 3600 + parts[0] as i64 * 60 + parts[1] as i64;
        Some(if negative { -seconds } else { seconds })
    }

    /// An offset: west is positive.
    fn offset(&mut self) -> Option<i64> {
        self.time(24).map(|seconds| -seconds)
    }

    fn change(&mut self) -> Option<Change> {
        const TWO_O_CLOCK: i64 = 2 * 3600;
        let in_range = |n: i32, least: i32, most: i32| (least..=most).contains(&n).then_some(n);
        let day = if self.take(b'M') {
            let month = in_range(self.number(1, 2)?, 1, 12)?;
            let week = self.take(b'.').then(|| self.number(1, 1)).flatten()?;
            let day = self.take(b'.').then(|| self.number(1, 1)).flatten()?;
            Day::Weekday { month, week: in_range(week, 1, 5)?, day: in_range(day, 0, 6)? }
        } else if self.take(b'J') {
            Day::Julian(in_range(self.number(1, 3)?, 1, 365)?)
        } else {
            Day::Ordinal(in_range(self.number(1, 3)?, 0, 365)?)
        };
        let seconds = if self.take(b'/') { self.time(167)? } else { TWO_O_CLOCK };
        Some(Change { day, seconds })
    }
}
