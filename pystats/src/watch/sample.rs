//! Readings of a process, what has changed from one to the next, and its threads.

use super::process::{Error, Process, Unit, Value};
use serde_json::{Map, json};
use std::fs;
use std::time::Instant;

/// A reading.
pub struct Sample {
    taken: Instant,
    /// The values of the segment.
    pub values: Vec<Value>,
    /// The threads that run now.
    pub threads: Vec<Thread>,
}

/// A thread, as the system knows it.
#[derive(Clone, Debug)]
pub struct Thread {
    /// Its number.
    pub tid: u32,
    /// Its name.
    pub name: String,
    /// R runs, S sleeps, D waits for a device.
    pub state: char,
    /// The processor time it has taken, in seconds.
    pub cpu: f64,
}

/// A reading against the one before.
pub struct Change<'a> {
    /// The seconds between them.
    pub seconds: f64,
    /// The values, with what was added each second.
    pub values: Vec<(&'a Value, f64)>,
    /// The threads, with the share of a processor that each took.
    pub threads: Vec<(&'a Thread, f64)>,
}

impl Sample {
    /// Reads a process.
    pub fn take(process: &Process) -> Result<Sample, Error> {
        Ok(Sample { values: process.read()?, threads: threads(process.pid), taken: Instant::now() })
    }

    /// What has changed since `earlier`.
    pub fn since(&self, earlier: &Sample) -> Change<'_> {
        let seconds = self.taken.duration_since(earlier.taken).as_secs_f64();
        let per_second = |change: f64| if seconds > 0.0 { change / seconds } else { 0.0 };
        let value = |value: &Value| earlier.values.iter().find(|other| other.name == value.name).map_or(value.value, |other| other.value);
        let cpu = |thread: &Thread| earlier.threads.iter().find(|other| other.tid == thread.tid).map_or(0.0, |other| other.cpu);
        Change {
            seconds,
            values: self.values.iter().map(|new| (new, per_second(new.value.saturating_sub(value(new)) as f64))).collect(),
            threads: self.threads.iter().map(|new| (new, per_second((new.cpu - cpu(new)).max(0.0)))).collect(),
        }
    }
}

impl Change<'_> {
    /// One line of JSON: each value under its name, counters also by second under `NAME_per_second`.
    pub fn json(&self, pid: u32) -> serde_json::Value {
        let mut values = Map::new();
        for (value, rate) in &self.values {
            values.insert(value.name.clone(), json!(value.value));
            if value.counter {
                values.insert(format!("{}_per_second", value.name), json!(rate));
            }
        }
        let thread = |(thread, share): &(&Thread, f64)| json!({ "tid": thread.tid, "name": thread.name, "state": thread.state.to_string(), "cpu_seconds": thread.cpu, "cpu_share": share });
        let threads: Vec<_> = self.threads.iter().map(thread).collect();
        json!({ "pid": pid, "seconds": self.seconds, "values": values, "threads": threads })
    }
}

/// The threads of a process; none if it has ended meanwhile.
pub fn threads(pid: u32) -> Vec<Thread> {
    let entries = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let mut threads: Vec<Thread> = entries
        .filter_map(|entry| {
            let tid = entry.file_name().to_str()?.parse().ok()?;
            thread(tid, &fs::read_to_string(entry.path().join("stat")).ok()?)
        })
        .collect();
    threads.sort_by_key(|thread| thread.tid);
    threads
}

/// A thread from its line in /proc: `tid (name) state ...`; the 12th and 13th words after the name are ticks of processor time.
fn thread(tid: u32, stat: &str) -> Option<Thread> {
    let (before, after) = stat.rsplit_once(") ")?;
    let name = before.split_once('(')?.1.to_owned();
    let words: Vec<&str> = after.split(' ').collect();
    let ticks = words.get(11)?.parse::<u64>().ok()? + words.get(12)?.parse::<u64>().ok()?;
    // SAFETY: a plain query.
    let frequency = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    Some(Thread { tid, name, state: words.first()?.chars().next()?, cpu: ticks as f64 / frequency as f64 })
}

/// A value for people: with its unit.
pub fn show(value: u64, unit: Unit) -> String {
    let scaled = |steps: &[(&str, f64)]| {
        let value = value as f64;
        let (name, size) = steps.iter().rev().find(|(_, size)| value >= *size).unwrap_or(&steps[0]);
        if *size == 1.0 { format!("{value} {name}") } else { format!("{:.1} {name}", value / size) }
    };
    match unit {
        Unit::Number => value.to_string(),
        Unit::Nanoseconds => scaled(&[("ns", 1.0), ("us", 1e3), ("ms", 1e6), ("s", 1e9)]),
        Unit::Bytes => scaled(&[("B", 1.0), ("KiB", 1024.0), ("MiB", 1048576.0), ("GiB", 1073741824.0)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::LIVE;
    use crate::watch::process::Finder;
    use std::time::Duration;

    #[test]
    fn rates() {
        let process = Finder::default().open(std::process::id()).unwrap();
        let earlier = Sample::take(&process).unwrap();
        LIVE.exceptions_raised.add(50);
        std::thread::sleep(Duration::from_millis(50));
        let now = Sample::take(&process).unwrap();
        let change = now.since(&earlier);
        let (_, rate) = change.values.iter().find(|(value, _)| value.name == "exceptions_raised").unwrap();
        assert!((100.0..=1000.0).contains(rate), "{rate}");
        let line = change.json(7);
        assert_eq!(line["pid"], 7);
        assert!(line["values"]["exceptions_raised"].as_u64() >= Some(50));
        assert!(line["values"]["exceptions_raised_per_second"].as_f64() > Some(0.0));
        assert!(line["threads"].as_array().unwrap().iter().any(|thread| thread["tid"] == std::process::id()));
    }

    #[test]
    fn names_of_threads_may_have_anything() {
        let thread = thread(5, "5 (a) (b) R 1 5 5 0 -1 4194304 97 0 0 0 300 100 0 0 20 0 1 0 9").unwrap();
        assert_eq!((thread.name.as_str(), thread.state), ("a) (b", 'R'));
        assert!((thread.cpu - 4.0).abs() < 0.01, "{}", thread.cpu);
    }

    #[test]
    fn values_have_units() {
        assert_eq!(show(999, Unit::Nanoseconds), "999 ns");
        assert_eq!(show(1_500_000, Unit::Nanoseconds), "1.5 ms");
        assert_eq!(show(3 << 20, Unit::Bytes), "3.0 MiB");
        assert_eq!(show(0, Unit::Bytes), "0 B");
        assert_eq!(show(1234, Unit::Number), "1234");
    }
}
