//! `pystats live`: what a running process counts, once or again and again.

use super::Error;
use clap::{Parser, ValueEnum};
use limpid_pystats::watch::sample::{Change, Sample, Watched, show};
use std::io::{self, Write};
use std::time::Duration;

/// Show the counters of a running process
///
/// Collections, memory, threads, stops of all threads, exceptions, waits for locks: what each process counts all the time. It is read
/// without stopping the process. With --by, what its interpreters and threads do.
#[derive(Parser)]
pub struct Arguments {
    /// The process
    pub pid: u32,
    /// Of what; JSON has all of it
    #[arg(long, value_enum, default_value_t = By::Process)]
    pub by: By,
    #[command(flatten)]
    pub every: Every,
}

/// What the rows of the table are of.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub enum By {
    /// The process: its counters
    Process,
    /// Its interpreters: how many threads they have, and what processor time those take
    Interpreter,
    /// Its threads: what they do, and what processor time they take
    Thread,
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
    let watched = Watched::open(arguments.pid)?;
    follow(&watched, &arguments.every, |out, change| match arguments.by {
        _ if arguments.every.json => writeln!(out, "{}", change.json(arguments.pid)),
        By::Process => table(out, change),
        By::Interpreter => interpreters(out, change),
        By::Thread => threads(out, change),
    })
}

/// Takes readings and hands each to `print`, with what changed since the one before.
pub fn follow(watched: &Watched, every: &Every, mut print: impl FnMut(&mut dyn Write, &Change) -> io::Result<()>) -> Result<(), Error> {
    let mut earlier = Sample::take(watched)?;
    for reading in 0.. {
        if every.count.is_some_and(|count| reading >= count) {
            break;
        }
        std::thread::sleep(Duration::from_secs_f64(every.interval));
        let now = match Sample::take(watched) {
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

/// The interpreters, one a line.
fn interpreters(out: &mut dyn Write, change: &Change) -> io::Result<()> {
    writeln!(out, "{:<11} {:>7} {:>7} {:>8} {:>10}", "INTERPRETER", "THREADS", "RUNNING", "CPU", "CPU TIME")?;
    for of in change.interpreters() {
        let (name, cpu, time) = (interpreter(of.number), share(of.share), format!("{:.1} s", of.cpu));
        writeln!(out, "{name:<11} {:>7} {:>7} {cpu:>8} {time:>10}", of.threads, of.running)?;
    }
    writeln!(out)
}

/// The threads, one a line.
fn threads(out: &mut dyn Write, change: &Change) -> io::Result<()> {
    writeln!(out, "{:<9} {:<11} {:<5} {:>8} {:>10}  NAME", "TID", "INTERPRETER", "STATE", "CPU", "CPU TIME")?;
    for (thread, of_processor) in &change.threads {
        let (name, cpu, time) = (interpreter(thread.interpreter), share(*of_processor), format!("{:.1} s", thread.cpu));
        writeln!(out, "{:<9} {name:<11} {:<5} {cpu:>8} {time:>10}  {}", thread.tid, thread.state, thread.name)?;
    }
    writeln!(out)
}

/// The number of an interpreter; threads that run no Python code have none.
pub fn interpreter(number: Option<usize>) -> String {
    number.map_or("-".to_owned(), |number| number.to_string())
}

/// A share of a processor.
pub fn share(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
