//! `pystats trace`: follows the calls of a program that runs, or of a command.

use super::process::{self, Stopped};
use super::{Error, output};
use clap::{Parser, ValueEnum};
use limpid_pystats::folder;
use limpid_pystats::trace::monitored::{self, Monitored};
use limpid_pystats::trace::output::{chrome, flow, folded, json, pprof, speedscope, table};
use limpid_pystats::trace::session::{Options, Session};
use limpid_pystats::trace::tree::{Function, Trace};
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

/// How often the events are looked at.
const POLL: Duration = Duration::from_millis(20);

/// Trace the calls of Python functions
///
/// Shows how often each function was called and how long it took, the slowest calls with their callers, garbage collections, imports,
/// exceptions, waits for locks, what the just-in-time compiler does, and stops of all threads. The kernel does the counting (eBPF): the program needs no change and no restart. Each call
/// takes about a microsecond and a half longer while it is traced. That needs root; without it a command is traced from inside, by
/// sys.monitoring, which takes several times as long and tells nothing of stops.
#[derive(Parser)]
pub struct Arguments {
    /// The process to trace, until it ends, Ctrl-C, or --duration
    #[arg(short, long, required_unless_present = "command", conflicts_with = "command")]
    pid: Option<u32>,
    /// The binary with the probes, if the command or process is not that
    #[arg(long, value_name = "PATH")]
    binary: Option<PathBuf>,
    /// End the trace after so many seconds
    #[arg(short, long, value_name = "SECONDS")]
    duration: Option<f64>,
    /// What is shown
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Write to this file instead of the terminal
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Trace the command from inside, by sys.monitoring, even if the kernel could
    #[arg(long, conflicts_with = "pid")]
    monitor: bool,
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    limits: Limits,
    /// The command to trace, from its start to its end
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

#[derive(clap::Args)]
#[command(next_help_heading = "What is of interest")]
struct Filter {
    /// Only functions whose name has this in it
    #[arg(long, value_name = "TEXT")]
    function: Option<String>,
    /// Only functions whose file has this in it
    #[arg(long, value_name = "TEXT")]
    file: Option<String>,
    /// Only this thread, by the number that threading.get_native_id() returns
    #[arg(long, value_name = "TID")]
    thread: Option<u32>,
    /// In flow and chrome, only calls that take at least so many milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0.0)]
    min_duration: f64,
}

#[derive(clap::Args)]
#[command(next_help_heading = "How much")]
struct Limits {
    /// The slowest calls that are shown
    #[arg(long, value_name = "N", default_value_t = 10)]
    slowest: usize,
    /// The functions that are shown in the table
    #[arg(long, value_name = "N", default_value_t = 40)]
    rows: usize,
    /// In flow and chrome, about one of so many calls; what is counted and timed is all of them
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    sample: u32,
    /// The events that are kept for flow and chrome
    #[arg(long, value_name = "N", default_value_t = 5_000_000)]
    events: usize,
    /// MiB of the buffer for events, a power of two
    #[arg(long, value_name = "MIB", default_value_t = 16, value_parser = power_of_two)]
    buffer: u32,
    /// Call paths that are told apart
    #[arg(long, value_name = "N", default_value_t = 16_384, value_parser = clap::value_parser!(u32).range(16..=1 << 20))]
    paths: u32,
    /// Threads that are followed at the same time
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=1 << 14))]
    threads: u32,
    /// Nested calls that are followed in a thread
    #[arg(long, value_name = "N", default_value_t = 1_024, value_parser = clap::value_parser!(u32).range(1..=1 << 13))]
    depth: u32,
}

fn power_of_two(text: &str) -> Result<u32, String> {
    let number: u32 = text.parse().map_err(|_| "not a number")?;
    if number.is_power_of_two() && number <= 1024 { Ok(number) } else { Err("not a power of two up to 1024".to_owned()) }
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Format {
    /// Functions, slowest calls, and what happened besides
    Table,
    /// The same for programs
    Json,
    /// Calls in the order in which they began, indented
    Flow,
    /// A line for each call path with its nanoseconds
    Folded,
    /// A flame graph (SVG)
    Flamegraph,
    /// A time line for Perfetto or Chrome (JSON)
    Chrome,
    /// For speedscope.app (JSON)
    Speedscope,
    /// For pprof
    Pprof,
}

impl Filter {
    fn wants(&self, function: &Function) -> bool {
        let has = |text: &str, part: &Option<String>| part.as_ref().is_none_or(|part| text.contains(part.as_str()));
        has(&function.name, &self.function) && has(&function.file, &self.file)
    }
}

impl Arguments {
    fn options(&self) -> Options {
        let each_call = matches!(self.format, Format::Flow | Format::Chrome);
        Options {
            tid: self.filter.thread,
            calls: each_call.then_some((self.filter.min_duration * 1e6) as u64),
            sample: self.limits.sample,
            slowest: if matches!(self.format, Format::Table | Format::Json) { self.limits.slowest } else { 0 },
            events: self.limits.events,
            buffer: self.limits.buffer << 20,
            paths: self.limits.paths,
            threads: self.limits.threads,
            depth: self.limits.depth,
        }
    }

    fn write(&self, out: &mut dyn Write, trace: &Trace) -> io::Result<()> {
        let summaries = || {
            let mut summaries = trace.summaries();
            summaries.retain(|summary| self.filter.wants(&trace.functions[summary.function]));
            summaries
        };
        match self.format {
            Format::Table => table::write(out, trace, &summaries(), self.limits.rows),
            Format::Json => json::write(out, trace, &summaries()),
            Format::Flow => flow::write(out, trace),
            Format::Folded => folded::write(out, trace),
            Format::Flamegraph => folded::flame_graph(out, trace),
            Format::Chrome => chrome::write(out, trace),
            Format::Speedscope => speedscope::write(out, trace),
            Format::Pprof => pprof::write(out, trace),
        }
    }
}

/// Traces, and shows what was found. With a command the exit status is the command's.
pub fn run(arguments: Arguments) -> Result<ExitCode, Error> {
    let (trace, status) = match arguments.pid {
        Some(pid) => (trace_process(&arguments, pid)?, ExitCode::SUCCESS),
        None => trace_command(&arguments)?,
    };
    let mut trace = trace;
    trace.retain_events(|function| arguments.filter.wants(function));
    if arguments.format != Format::Table && arguments.format != Format::Json {
        // In those it is part of what is shown.
        table::missed(&mut io::stderr(), &trace.missed)?;
    }
    output::write(arguments.output.as_deref(), |out| arguments.write(out, &trace))?;
    Ok(status)
}

fn trace_process(arguments: &Arguments, pid: u32) -> Result<Trace, Error> {
    let executable = process::executable(pid)?;
    let binary = arguments.binary.as_ref().unwrap_or(&executable);
    process::catch_interrupts();
    let session = Session::start(binary, pid, &arguments.options())?;
    eprintln!("pystats: tracing process {pid}; Ctrl-C ends the trace");
    follow(&session, arguments.duration, || process::interrupted() || !process::exists(pid));
    Ok(session.finish()?)
}

fn trace_command(arguments: &Arguments) -> Result<(Trace, ExitCode), Error> {
    let program = process::find(&arguments.command[0])?;
    // Ctrl-C ends the command, which ends the trace.
    process::catch_interrupts();
    if arguments.monitor {
        return trace_from_inside(arguments, &program);
    }
    let binary = arguments.binary.as_ref().unwrap_or(&program);
    let mut child = Stopped::start(&program, &arguments.command[1..])?;
    let session = match Session::start(binary, child.pid, &arguments.options()) {
        Err(error) if error.is_forbidden() => {
            eprintln!("pystats: {error}; tracing from inside the program instead, which takes longer");
            drop(child);
            return trace_from_inside(arguments, &program);
        }
        other => other?,
    };
    child.go()?;
    let mut status = None;
    follow(&session, arguments.duration, || {
        status = child.status().transpose();
        status.is_some()
    });
    let trace = session.finish()?;
    let status = match status {
        Some(status) => process::exit_code(status?),
        // The duration is over: the command goes on without a tracer, and the trace is shown when it ends.
        None => process::exit_code(child.wait()?),
    };
    Ok((trace, status))
}

/// Traces a command by a module that it imports at its start.
fn trace_from_inside(arguments: &Arguments, program: &Path) -> Result<(Trace, ExitCode), Error> {
    let folder = folder::new_path(&std::env::temp_dir(), "pystats");
    folder::prepare(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let result = monitor(arguments, program, &folder);
    fs::remove_dir_all(&folder)?;
    result
}

fn monitor(arguments: &Arguments, program: &Path, folder: &Path) -> Result<(Trace, ExitCode), Error> {
    let pipe = folder.join("pipe");
    process::make_pipe(&pipe)?;
    fs::write(folder.join("sitecustomize.py"), monitored::PROGRAM)?;
    // It does not wait for the other end.
    let mut reader = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(&pipe)?;
    let before = std::env::var_os("PYTHONPATH").filter(|path| !path.is_empty());
    let mut path = folder.as_os_str().to_owned();
    if let Some(before) = &before {
        path.push(":");
        path.push(before);
    }
    let mut command = Command::new(program);
    command.args(&arguments.command[1..]).env("PYTHONPATH", path).env(monitored::PIPE, &pipe).env("PYTHONDONTWRITEBYTECODE", "1");
    if let Some(before) = before {
        command.env(monitored::PATH, before);
    }
    let mut child = command.spawn().map_err(|error| format!("{}: {error}", program.display()))?;
    let mut monitored = Monitored::new(child.id(), &arguments.options());
    let end = arguments.duration.map(|seconds| Instant::now() + Duration::from_secs_f64(seconds.clamp(0.0, 1e9)));
    let mut buffer = vec![0; 1 << 16];
    let mut ended = false;
    while end.is_none_or(|end| Instant::now() < end) {
        match reader.read(&mut buffer) {
            Ok(0) if ended => break,
            Ok(read) if read != 0 => monitored.take(&buffer[..read]),
            Err(error) if !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => return Err(error.into()),
            _ => {
                ended = child.try_wait()?.is_some();
                if !ended {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        }
    }
    // The program finds nobody there to tell anything, and goes on without.
    drop(reader);
    let status = process::exit_code(child.wait()?);
    if monitored.is_silent() {
        let program = program.display();
        return Err(format!("{program} tells nothing of its calls: it must be a Python, 3.12 or newer, without -I, -E and -S").into());
    }
    Ok((monitored.finish(), status))
}

/// Takes events until `done` says so, or the time is over.
fn follow(session: &Session, duration: Option<f64>, mut done: impl FnMut() -> bool) {
    let end = duration.and_then(|seconds| Instant::now().checked_add(Duration::try_from_secs_f64(seconds.max(0.0)).ok()?));
    while !done() && end.is_none_or(|end| Instant::now() < end) {
        session.poll(POLL);
    }
}
