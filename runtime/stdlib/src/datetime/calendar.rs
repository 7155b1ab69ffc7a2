//! The proleptic Gregorian calendar: years, months and days, numbers of days, ISO weeks.
//!
//! Day 1 is the first of January of the year 1. Nothing here knows of Python objects, and nothing checks ranges.

/// The first year that a date can have.
pub(super) const MIN_YEAR: i32 = 1;
/// The last one.
pub(super) const MAX_YEAR: i32 = 9999;
/// The number of the last day of [`MAX_YEAR`].
pub(super) const MAX_ORDINAL: i32 = 3_652_059;
/// The number of the first of January 1970.
pub(super) const EPOCH_ORDINAL: i32 = 719_163;

/// Days in 400 years, after which everything repeats.
const CYCLE: u32 = 146_097;

fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// How many days a month has.
pub(super) fn days_in_month(year: i32, month: i32) -> i32 {
    match month {
        2 => 28 + is_leap(year) as i32,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// How many days of the year precede a month.
fn days_before_month(year: i32, month: i32) -> i32 {
    const BEFORE: [i32; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    BEFORE[month as usize - 1] + (month > 2 && is_leap(year)) as i32
}

/// The number of the last day before a year.
fn days_before_year(year: i32) -> i32 {
    let y = year - 1;
    y * 365 + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400)
}

/// The number of a day.
pub(super) fn ordinal(year: i32, month: i32, day: i32) -> i32 {
    days_before_year(year) + days_before_month(year, month) + day
}

/// The number of a day in its year, from 1.
pub(super) fn day_of_year(year: i32, month: i32, day: i32) -> i32 {
    days_before_month(year, month) + day
}

/// Year, month and day of the day with a number, which is positive.
pub(super) fn from_ordinal(ordinal: i32) -> (i32, i32, i32) {
    // Counted in years that begin with March, the leap day is the last of its year, its four years, its century and its cycle.
    const MARCH_TO_DECEMBER: u32 = 306;
    let days = ordinal as u32 - 1 + MARCH_TO_DECEMBER;
    let (cycle, of_cycle) = (days / CYCLE, days % CYCLE);
    let year_of_cycle = (of_cycle - of_cycle / 1460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
    let of_year = of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    // From March on five months have 153 days, again and again.
    let month_of_year = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_of_year + 2) / 5 + 1;
    let month = if month_of_year < 10 { month_of_year + 3 } else { month_of_year - 9 };
    ((cycle * 400 + year_of_cycle + (month <= 2) as u32) as i32, month as i32, day as i32)
}

/// The day of the week, Monday is 0.
pub(super) fn weekday(ordinal: i32) -> i32 {
    (ordinal + 6).rem_euclid(7)
}

/// The number of the Monday with which the first ISO week of a year begins: the week with the year's first Thursday.
fn first_monday(year: i32) -> i32 {
    let first = ordinal(year, 1, 1);
    let weekday = weekday(first);
    first - weekday + if weekday > 3 { 7 } else { 0 }
}

/// ISO year, week and weekday (from 1) of a day of `year`.
pub(super) fn iso_calendar(year: i32, ordinal: i32) -> (i32, i32, i32) {
    let iso_year = if ordinal < first_monday(year) {
        year - 1
    } else if ordinal >= first_monday(year + 1) {
        year + 1
    } else {
        year
    };
    let days = ordinal - first_monday(iso_year);
    (iso_year, days / 7 + 1, days % 7 + 1)
}

/// What of an ISO year, week and weekday is out of range.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum IsoError {
    Year,
    Week,
    Weekday,
}

/// Year, month and day of a day of an ISO week. The last week of [`MAX_YEAR`] has days in the year after.
pub(super) fn from_iso_calendar(year: i32, week: i32, weekday: i32) -> Result<(i32, i32, i32), IsoError> {
    if !(MIN_YEAR..=MAX_YEAR).contains(&year) {
        return Err(IsoError::Year);
    }
    let weeks = (first_monday(year + 1) - first_monday(year)) / 7;
    if !(1..=weeks).contains(&week) {
        return Err(IsoError::Week);
    }
    if !(1..=7).contains(&weekday) {
        return Err(IsoError::Weekday);
    }
    Ok(from_ordinal(first_monday(year) + (week - 1) * 7 + weekday - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_days_have_their_numbers() {
        let mut n = 0;
        for year in MIN_YEAR..=MAX_YEAR {
            for month in 1..=12 {
                for day in 1..=days_in_month(year, month) {
                    n += 1;
                    assert_eq!(ordinal(year, month, day), n);
                    assert_eq!(from_ordinal(n), (year, month, day));
                }
            }
        }
        assert_eq!(n, MAX_ORDINAL);
        assert_eq!(ordinal(1970, 1, 1), EPOCH_ORDINAL);
    }

    #[test]
    fn all_days_have_their_iso_weeks() {
        for n in 1..=MAX_ORDINAL {
            let (year, ..) = from_ordinal(n);
            let (iso_year, week, day) = iso_calendar(year, n);
            assert_eq!(day - 1, weekday(n));
            if (MIN_YEAR..=MAX_YEAR).contains(&iso_year) {
                assert_eq!(from_iso_calendar(iso_year, week, day), Ok(from_ordinal(n)));
            }
        }
        assert_eq!(from_iso_calendar(2021, 53, 1), Err(IsoError::Week));
        assert_eq!(iso_calendar(2021, ordinal(2021, 1, 3)), (2020, 53, 7));
    }
}
