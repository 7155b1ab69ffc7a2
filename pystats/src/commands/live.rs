//! `pystats live`: what a running process counts, once or again and again.

use super::Error;
use clap::Parser;
use limpid_pystats::watch::process::{Finder, Process};
use limpid_pystats::watch::sample::{Change, Sample, show};
use std::io::{self, Write};
use std::time::Duration;

/// Show the counters of a running process
///
/// Collections, memory, threads, stops of all threads, exceptions, waits for locks: what each process counts all the time. It is read
/// without stopping the process.
#[derive(Parser)]
pub struct Arguments {
    /// The process
    pub pid: u32,
    #[command(flatten)]
    pub every: Every,
}

/// How often a process is looked at, and how that is printed.
#[derive(clap::Args)]
pub struct Every {
    /// Seconds between two readings
    #[arg(short, long, value_name = "SECONDS", default_value_t = 1.0, value_parser = seconds)]
    pub interval: f64,
    /// End after so many readings; without it at Ctrl-C, or when the process ends
    #[arg(short = 'n', long, value_name = "N")]
    pub count: Option<u64>,
    /// A line of JSON for each reading
    #[arg(long)]
    pub json: bool,
}

/// A number of seconds on the command line.
pub fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number")?;
    if (0.01..=86_400.0).contains(&seconds) { Ok(seconds) } else { Err("not between 0.01 and 86400".to_owned()) }
}

/// Reads and prints.
pub fn run(arguments: Arguments) -> Result<(), Error> {
    let process = Finder::default().open(arguments.pid)?;
    follow(&process, &arguments.every, |out, change| {
        if arguments.every.json { writeln!(out, "{}", change.json(process.pid)) } else { table(out, change) }
    })
}

/// Takes readings and hands each to `print`, with what changed since the one before.
pub fn follow(process: &Process, every: &Every, mut print: impl FnMut(&mut dyn Write, &Change) -> io::Result<()>) -> Result<(), Error> {
    let mut earlier = Sample::take(process)?;
    for reading in 0.. {
        if every.count.is_some_and(|count| reading >= count) {
            break;
        }
        std::thread::sleep(Duration::from_secs_f64(every.interval));
        let now = match Sample::take(process) {
            // It has ended.
            Err(limpid_pystats::watch::process::Error::Missing(_)) if reading != 0 => break,
            other => other?,
        };
        match print(&mut io::stdout().lock(), &now.since(&earlier)).and_then(|()| io::stdout().flush()) {
            // Whoever read it has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
            other => other?,
        }
        earlier = now;
    }
    Ok(())
}

/// The values, one a line, with what was added each second.
fn table(out: &mut dyn Write, change: &Change) -> io::Result<()> {
    writeln!(out, "{:<22} {:>12} {:>14}", "NAME", "VALUE", "A SECOND")?;
    for (value, rate) in &change.values {
        let rate = if value.counter { show(rate.round() as u64, value.unit) } else { String::new() };
        writeln!(out, "{:<22} {:>12} {rate:>14}", value.name, show(value.value, value.unit))?;
    }
    writeln!(out)
}
