//! `pystats stacks`: where each thread of a running process is in its Python code.

use super::{Error, output, process};
use clap::Parser;
use limpid_pystats::watch::process::Error as Unwatched;
use limpid_pystats::watch::stacks::{Frame, Reader, Stack};
use serde_json::json;
use std::io::{self, Write};
use std::time::Duration;

/// Show the Python stacks of all threads of a running process
///
/// The innermost function comes first. The stacks are read from outside: the process does nothing for it. A thread that runs is stopped for
/// some microseconds while its stack is read, one that waits is not. Calls that the just-in-time compiler has inlined are shown as
/// well; inside machine code, the line is that of the last guard that was passed.
#[derive(Parser)]
pub struct Arguments {
    /// The process
    pid: u32,
    /// Show them again every so many seconds, until Ctrl-C or the end of the process
    #[arg(short, long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "1", value_parser = super::live::seconds)]
    watch: Option<f64>,
    /// Stop no thread: one that runs is shown where it has last called a function that is not written in Python
    #[arg(long)]
    no_stop: bool,
    /// A line of JSON each time
    #[arg(long)]
    json: bool,
}

/// Reads and prints.
pub fn run(arguments: Arguments) -> Result<(), Error> {
    let mut reader = Reader::open(arguments.pid)?;
    process::catch_interrupts();
    let mut first = true;
    while !process::interrupted() {
        let stacks = match reader.stacks(!arguments.no_stop) {
            // It has ended.
            Err(Unwatched::Missing(_)) if !first => break,
            other => other?,
        };
        output::write(None, |out| if arguments.json { json_line(out, arguments.pid, &stacks) } else { text(out, &reader, &stacks) })?;
        let Some(seconds) = arguments.watch else { break };
        std::thread::sleep(Duration::from_secs_f64(seconds));
        first = false;
    }
    Ok(())
}

/// What the letter of a thread's state means.
fn state(letter: char) -> &'static str {
    match letter {
        'R' => "running",
        'S' => "waiting",
        'D' => "waiting for a device",
        'T' | 't' => "stopped",
        _ => "ending",
    }
}

fn text(out: &mut dyn Write, reader: &Reader, stacks: &[Stack]) -> io::Result<()> {
    writeln!(out, "Process {}: {}", reader.process.pid, reader.process.command)?;
    for stack in stacks {
        writeln!(out, "\nThread {} \"{}\", {}", stack.tid, stack.name, state(stack.state))?;
        for frame in &stack.frames {
            writeln!(out, "    {}", place(frame))?;
        }
        if stack.frames.is_empty() {
            writeln!(out, "    no Python code")?;
        }
    }
    writeln!(out)
}

fn place(frame: &Frame) -> String {
    match frame.line {
        Some(line) => format!("{} ({}:{line})", frame.function, frame.file),
        None => format!("{} ({})", frame.function, frame.file),
    }
}

fn json_line(out: &mut dyn Write, pid: u32, stacks: &[Stack]) -> io::Result<()> {
    let frame = |frame: &Frame| json!({ "function": &*frame.function, "file": &*frame.file, "line": frame.line });
    let thread = |stack: &Stack| {
        let frames: Vec<_> = stack.frames.iter().map(frame).collect();
        json!({ "tid": stack.tid, "name": stack.name, "state": stack.state.to_string(), "frames": frames })
    };
    writeln!(out, "{}", json!({ "pid": pid, "threads": stacks.iter().map(thread).collect::<Vec<_>>() }))
}
