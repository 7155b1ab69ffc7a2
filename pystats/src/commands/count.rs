//! `pystats count`: has a running process count instructions for some seconds, and reports that.

use super::{Error, output, process};
use clap::Parser;
use limpid_pystats::counts::Counts;
use limpid_pystats::folder;
use limpid_pystats::report;
use limpid_pystats::watch::counting::Counting;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long a process may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Have a running process count instructions for some seconds, and report what it has counted
///
/// As with -X pystats, but switched on from outside, without a restart. While it counts, the process is up to two and a half times as slow.
/// It is stopped for some microseconds at the start and at the end.
#[derive(Parser)]
pub struct Arguments {
    /// The process
    pid: u32,
    /// How long; Ctrl-C ends it earlier
    #[arg(short, long, value_name = "SECONDS", default_value = "5", value_parser = super::live::seconds)]
    duration: f64,
    /// Keep the dump in this file, to be read by the other subcommands
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// How the report looks
    #[arg(long, value_enum, default_value_t = super::report::Format::Text)]
    format: super::report::Format,
}

/// Counts and reports.
pub fn run(arguments: Arguments) -> Result<(), Error> {
    let counting = Counting::open(arguments.pid)?;
    if counting.is_on()? {
        return Err(format!("process {} counts already", arguments.pid).into());
    }
    process::catch_interrupts();
    let silent = || format!("process {} does not answer: all its threads wait in functions that are not written in Python", arguments.pid);
    if !counting.start(PATIENCE)? {
        return Err(silent().into());
    }
    let end = Instant::now() + Duration::from_secs_f64(arguments.duration);
    while Instant::now() < end && !process::interrupted() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let file = counting.finish(PATIENCE)?.ok_or_else(silent)?;
    let counts = Counts::read([&file]);
    // It was made for this command only; what cannot be removed is replaced the next time.
    let _ = std::fs::remove_file(&file);
    let counts = counts?;
    if let Some(path) = &arguments.output {
        folder::write_output(path, |out| counts.write(out)).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    output::write(None, |out| arguments.format.write(out, &report::make(&counts)))
}
