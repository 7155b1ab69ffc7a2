//! What a time zone file says: when the offset from UTC changes. Nothing here knows of Python objects.
//!
//! A kind of time is an offset from UTC, what of it is daylight saving time, and a name; kinds are numbered.

use super::rule::{Change, Rule};

/// A kind of time.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Kind {
    /// Seconds east of UTC.
    pub(super) offset: i64,
    /// What of that is daylight saving time.
    pub(super) daylight: i64,
    pub(super) name: String,
}

/// What a file has.
pub(super) struct File {
    pub(super) kinds: Vec<Kind>,
    /// Which of the kinds are daylight saving time.
    pub(super) is_daylight: Vec<bool>,
    /// When the kind of time changes, in seconds since 1970 UTC.
    pub(super) times: Vec<i64>,
    /// To which kind.
    pub(super) after: Vec<usize>,
    /// What holds later; None: there is no rule.
    pub(super) rule: Option<Rule>,
}

/// A time zone.
pub(super) struct Zone {
    pub(super) kinds: Vec<Kind>,
    times: Vec<i64>,
    /// The times on local clocks, without and with the fold.
    local: [Vec<i64>; 2],
    after: Vec<usize>,
    /// The kind before the first change.
    before: usize,
    later: Later,
    /// Is it always the same kind of time?
    pub(super) always: Option<usize>,
}

/// What holds after the last change.
enum Later {
    Kind(usize),
    Rule { standard: usize, daylight: usize, changes: [Change; 2] },
}

impl Zone {
    /// The time zone that a file describes. None: it has no kind of time.
    pub(super) fn new(file: File) -> Option<Zone> {
        let File { mut kinds, is_daylight, times, after, rule } = file;
        infer_daylight(&mut kinds, &is_daylight, &after);
        let local = local_times(&times, &after, &kinds);
        let before = is_daylight.iter().position(|daylight| !daylight).or(after.first().copied()).unwrap_or(0);
        let in_file = kinds.len();
        let mut add = |kind| {
            kinds.push(kind);
            kinds.len() - 1
        };
        let later = match rule {
            None => Later::Kind(after.last().copied().or(in_file.checked_sub(1))?),
            Some(Rule { standard, daylight }) => {
                let offset = standard.offset;
                let standard = add(Kind { offset, daylight: 0, name: standard.name });
                match daylight {
                    None => Later::Kind(standard),
                    Some(daylight) => {
                        let time = daylight.time;
                        let kind = Kind { offset: time.offset, daylight: time.offset - offset, name: time.name };
                        Later::Rule { standard, daylight: add(kind), changes: daylight.changes }
                    }
                }
            }
        };
        let always = match later {
            Later::Kind(kind) if in_file == 0 || in_file == 1 && kinds[0] == kinds[kind] => Some(kind),
            _ => None,
        };
        Some(Zone { kinds, times, local, after, before, later, always })
    }

    /// The kind of time when local clocks show so many seconds since the beginning of 1970, in this year.
    pub(super) fn at_local(&self, seconds: i64, year: i32, fold: bool) -> usize {
        let times = &self.local[fold as usize];
        if times.last().is_none_or(|last| seconds > *last) {
            return self.later.at_local(&self.kinds, seconds, year, fold);
        }
        match times.partition_point(|time| *time <= seconds) {
            0 => self.before,
            n => self.after[n - 1],
        }
    }

    /// The kind of time at a timestamp, and whether local clocks show the same a second time.
    pub(super) fn at_utc(&self, seconds: i64, year: i32) -> (usize, bool) {
        let beyond = self.times.last().is_none_or(|last| seconds > *last);
        match &self.later {
            Later::Rule { .. } if beyond => return self.later.at_utc(&self.kinds, seconds, year),
            Later::Kind(kind) if self.times.is_empty() => return (*kind, false),
            _ => {}
        }
        let n = self.times.partition_point(|time| *time <= seconds);
        if n == 0 {
            return (self.before, false);
        }
        let (previous, kind) = (if n >= 2 { self.after[n - 2] } else { self.before }, self.after[n - 1]);
        let set_back = self.kinds[previous].offset - self.kinds[kind].offset;
        let kind = match self.later {
            Later::Kind(later) if beyond => later,
            _ => kind,
        };
        (kind, set_back > seconds.saturating_sub(self.times[n - 1]))
    }
}

impl Later {
    fn at_local(&self, kinds: &[Kind], seconds: i64, year: i32, fold: bool) -> usize {
        let (standard, daylight, changes) = match self {
            Later::Kind(kind) => return *kind,
            Later::Rule { standard, daylight, changes } => (*standard, *daylight, changes),
        };
        let saved = kinds[daylight].daylight;
        let (mut start, mut end) = (changes[0].in_year(year), changes[1].in_year(year));
        // Both readings of a time belong to the earlier of the two kinds without the fold, and to the later one with it.
        if fold == (saved >= 0) {
            end -= saved;
        } else {
            start += saved;
        }
        if is_between(seconds, start, end) { daylight } else { standard }
    }

    fn at_utc(&self, kinds: &[Kind], seconds: i64, year: i32) -> (usize, bool) {
        let (standard, daylight, changes) = match self {
            Later::Kind(kind) => return (*kind, false),
            Later::Rule { standard, daylight, changes } => (*standard, *daylight, changes),
        };
        let saved = kinds[daylight].daylight;
        let start = changes[0].in_year(year) - kinds[standard].offset;
        let end = changes[1].in_year(year) - kinds[daylight].offset;
        let twice = if saved > 0 { end..end + saved } else { start..start - saved };
        (if is_between(seconds, start, end) { daylight } else { standard }, twice.contains(&seconds))
    }
}

/// Is a time in the part of a year that goes from `start` to `end`, perhaps by way of the year's end?
fn is_between(seconds: i64, start: i64, end: i64) -> bool {
    if start < end { (start..end).contains(&seconds) } else { !(end..start).contains(&seconds) }
}

/// Finds out what of the offsets is daylight saving time: the difference to the standard time before or after it.
fn infer_daylight(kinds: &mut [Kind], is_daylight: &[bool], after: &[usize]) {
    const AN_HOUR: i64 = 3600;
    for i in 1..after.len() {
        let kind = after[i];
        if !is_daylight[kind] || kinds[kind].daylight != 0 {
            continue;
        }
        let difference = |other: usize| if is_daylight[other] { 0 } else { kinds[kind].offset - kinds[other].offset };
        let before = difference(after[i - 1]);
        // Of the last kind CPython does not look at what follows.
        kinds[kind].daylight = match after.get(i + 1) {
            Some(next) if before == 0 && kind + 1 < kinds.len() => difference(*next),
            _ => before,
        };
    }
    for (kind, _) in kinds.iter_mut().zip(is_daylight).filter(|(kind, daylight)| **daylight && kind.daylight == 0) {
        kind.daylight = AN_HOUR;
    }
}

/// The times of the changes on local clocks: from when on the kind after it holds, without and with the fold.
fn local_times(times: &[i64], after: &[usize], kinds: &[Kind]) -> [Vec<i64>; 2] {
    let mut local = [times.to_vec(), times.to_vec()];
    let mut previous = kinds.first().map_or(0, |kind| kind.offset);
    for (i, kind) in after.iter().enumerate() {
        let offset = kinds[*kind].offset;
        local[0][i] = times[i].saturating_add(offset.max(previous));
        local[1][i] = times[i].saturating_add(offset.min(previous));
        previous = offset;
    }
    local
}
