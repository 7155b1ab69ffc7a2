//! `pystats record`: looks at the stacks of a running process many times a second, and shows where its time goes.

use super::{Error, output, process};
use clap::{Parser, ValueEnum};
use limpid_pystats::trace::output::folded;
use limpid_pystats::watch::process::Error as Unwatched;
use limpid_pystats::watch::stacks::{Reader, Stack};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Sample the Python stacks of a running process, for a flame graph
///
/// The process is watched from outside, as `pystats stacks` does: it is not slowed down but for the moment in which a thread is looked at.
#[derive(Parser)]
pub struct Arguments {
    /// The process
    pid: u32,
    /// Samples a second
    #[arg(short, long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rate: u32,
    /// End after so many seconds; without it at Ctrl-C, or when the process ends
    #[arg(short, long, value_name = "SECONDS", value_parser = super::live::seconds)]
    duration: Option<f64>,
    /// Threads that wait, too
    #[arg(long)]
    idle: bool,
    /// What is shown
    #[arg(short, long, value_enum, default_value_t = Format::Folded)]
    format: Format,
    /// Write to this file instead of the terminal
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// A line for each stack with the number of its samples
    Folded,
    /// A flame graph (SVG)
    Flamegraph,
}

/// Samples, then shows.
pub fn run(arguments: Arguments) -> Result<(), Error> {
    let mut reader = Reader::open(arguments.pid)?;
    process::catch_interrupts();
    eprintln!("pystats: looking at process {} {} times a second; Ctrl-C ends it", arguments.pid, arguments.rate);
    let (began, interval) = (Instant::now(), Duration::from_secs(1) / arguments.rate);
    let end = arguments.duration.map(|seconds| began + Duration::from_secs_f64(seconds));
    let mut samples: BTreeMap<String, u64> = BTreeMap::new();
    let (mut taken, mut due) = (0, began);
    while !process::interrupted() && end.is_none_or(|end| Instant::now() < end) {
        let stacks = match reader.stacks(true) {
            Err(Unwatched::Missing(_)) if taken != 0 => break,
            other => other?,
        };
        for stack in stacks.iter().filter(|stack| arguments.idle || stack.state == 'R').filter(|stack| !stack.frames.is_empty()) {
            *samples.entry(path(stack)).or_default() += 1;
        }
        taken += 1;
        // Where that took too long, the next is due from now on.
        due = (due + interval).max(Instant::now());
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    if samples.is_empty() {
        return Err(format!("process {} has run no Python code in {taken} samples; with --idle, waiting counts too", arguments.pid).into());
    }
    let lines: Vec<String> = samples.iter().map(|(path, count)| format!("{path} {count}")).collect();
    output::write(arguments.output.as_deref(), |out| match arguments.format {
        Format::Folded => lines.iter().try_for_each(|line| writeln!(out, "{line}")),
        Format::Flamegraph => folded::graph(out, "Samples in Python functions", "samples", &lines),
    })
}

/// A stack in one line, the outermost function first. Semicolons separate frames, so there is none in them.
fn path(stack: &Stack) -> String {
    let name = |frame: &limpid_pystats::watch::stacks::Frame| format!("{} ({})", frame.function, frame.file).replace(';', ",");
    stack.frames.iter().rev().map(name).collect::<Vec<_>>().join(";")
}
