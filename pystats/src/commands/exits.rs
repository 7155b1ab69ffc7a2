//! `pystats exits`: where machine code of a running process is left.

use super::{Error, output};
use clap::Parser;
use limpid_pystats::watch::exits::{self, Exit};
use serde_json::json;
use std::io::{self, Write};

/// Show where machine code of a running process is left, by source line and reason
///
/// The just-in-time compiler makes machine code for what it has seen. Where something else comes, the interpreter goes on: an exit. One that
/// is taken often gets machine code of its own and is none any more. The process is not stopped. Its statistics (pystats report) end with
/// the same table.
#[derive(Parser)]
pub struct Arguments {
    /// The process
    pid: u32,
    /// Only so many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    top: usize,
    /// An array of JSON
    #[arg(long)]
    json: bool,
}

/// Reads and prints.
pub fn run(arguments: Arguments) -> Result<(), Error> {
    let mut found = exits::read(&exits::open(arguments.pid)?)?;
    let total = found.iter().map(|exit| exit.taken).sum();
    found.truncate(arguments.top);
    output::write(None, |out| if arguments.json { json_array(out, &found) } else { table(out, &found, total) })
}

fn json_array(out: &mut dyn Write, exits: &[Exit]) -> io::Result<()> {
    let exit = |exit: &Exit| json!({ "file": exit.file, "line": exit.line, "reason": exit.reason, "taken": exit.taken });
    writeln!(out, "{}", exits.iter().map(exit).collect::<serde_json::Value>())
}

fn table(out: &mut dyn Write, exits: &[Exit], total: u64) -> io::Result<()> {
    if exits.is_empty() {
        return writeln!(out, "Machine code was not left so far, or there is none: PYTHON_JIT=0 turns the just-in-time compiler off.");
    }
    writeln!(out, "{:>12} {:>6}  {:<20} LINE", "EXITS", "SHARE", "REASON")?;
    exits.iter().try_for_each(|exit| {
        let share = 100.0 * exit.taken as f64 / total as f64;
        writeln!(out, "{:>12} {share:>5.1}%  {:<20} {}:{}", exit.taken, exit.reason, exit.file, exit.line)
    })
}
