//! Readings of a process, and what has changed from one to the next: as a whole, by interpreter, and by thread.

use super::process::{Error, Finder, Process, Unit, Value};
use super::threads::{self, Interpreter, Python, Thread};
use serde_json::{Map, json};
use std::time::Instant;

/// A process that readings are taken of.
pub struct Watched {
    /// The process.
    pub process: Process,
    python: Option<Python>,
}

impl Watched {
    /// Opens a process.
    pub fn open(pid: u32) -> Result<Watched, Error> {
        // A process that does not tell of its threads tells of its counters still.
        Ok(Watched { process: Finder::default().open(pid)?, python: Python::open(pid).ok() })
    }
}

/// A reading.
pub struct Sample {
    taken: Instant,
    /// The values of the segment.
    pub values: Vec<Value>,
    /// The threads that run now.
    pub threads: Vec<Thread>,
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
    pub fn take(watched: &Watched) -> Result<Sample, Error> {
        let values = watched.process.read()?;
        let threads = watched.python.as_ref().and_then(|python| python.threads().ok());
        let threads = threads.unwrap_or_else(|| threads::threads(watched.process.pid));
        Ok(Sample { values, threads, taken: Instant::now() })
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
        let thread = |(thread, share): &(&Thread, f64)| {
            json!({
                "tid": thread.tid, "name": thread.name, "state": thread.state.to_string(), "interpreter": thread.interpreter,
                "cpu_seconds": thread.cpu, "cpu_share": share,
            })
        };
        let interpreter = |interpreter: &Interpreter| {
            let Interpreter { number, threads, running, cpu, share } = interpreter;
            json!({ "interpreter": number, "threads": threads, "running": running, "cpu_seconds": cpu, "cpu_share": share })
        };
        let threads: Vec<_> = self.threads.iter().map(thread).collect();
        let interpreters: Vec<_> = self.interpreters().iter().map(interpreter).collect();
        json!({ "pid": pid, "seconds": self.seconds, "values": values, "interpreters": interpreters, "threads": threads })
    }

    /// The threads added up by interpreter, the main one first; last those that run no Python code.
    pub fn interpreters(&self) -> Vec<Interpreter> {
        let mut found: Vec<Interpreter> = Vec::new();
        for (thread, share) in &self.threads {
            let number = thread.interpreter;
            let at = found.iter().position(|other| other.number == number).unwrap_or_else(|| {
                found.push(Interpreter { number, threads: 0, running: 0, cpu: 0.0, share: 0.0 });
                found.len() - 1
            });
            let all = &mut found[at];
            all.threads += 1;
            all.running += usize::from(thread.state == 'R');
            all.cpu += thread.cpu;
            all.share += share;
        }
        found.sort_by_key(|interpreter| interpreter.number.unwrap_or(usize::MAX));
        found
    }
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
    use std::time::Duration;

    #[test]
    fn rates() {
        let process = Watched::open(std::process::id()).unwrap();
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
    fn threads_add_up() {
        let thread = |state, cpu, interpreter| Thread { tid: 7, name: String::new(), state, cpu, interpreter };
        let threads = [thread('S', 4.0, Some(1)), thread('R', 1.0, None), thread('R', 2.0, Some(0)), thread('R', 0.5, Some(1))];
        let change = Change { seconds: 1.0, values: Vec::new(), threads: threads.iter().zip([0.0, 0.5, 1.0, 0.25]).collect() };
        let found = change.interpreters();
        let found: Vec<_> = found.iter().map(|of| (of.number, of.threads, of.running, of.cpu, of.share)).collect();
        assert_eq!(found, [(Some(0), 1, 1, 2.0, 1.0), (Some(1), 2, 1, 4.5, 0.25), (None, 1, 1, 1.0, 0.5)]);
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
