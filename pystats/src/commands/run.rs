//! `pystats run`: runs a program with counting on and collects what it and its children leave.

use super::{Error, process};
use clap::Parser;
use limpid_pystats::counts::{self, Counts};
use limpid_pystats::folder;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Run a program with counting on, and collect its statistics
///
/// What the program and the Python programs that it starts have counted is added up in one dump. The exit status is the program's.
#[derive(Parser)]
pub struct Arguments {
    /// The dump to write; without it a new one in /tmp/py_stats, whose name is printed to the error output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The program and its arguments
    #[arg(required = true, last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Runs, adds up, writes. The program's exit status is this one's.
pub fn run(arguments: Arguments) -> Result<ExitCode, Error> {
    let default = Path::new(folder::DIRECTORY);
    if arguments.output.is_none() {
        folder::prepare(default).map_err(|error| format!("{}: {error}", default.display()))?;
    }
    let own = folder::new_path(&std::env::temp_dir(), "pystats");
    folder::prepare(&own).map_err(|error| format!("{}: {error}", own.display()))?;
    let result = collect(&arguments, &own);
    fs::remove_dir_all(&own)?;
    result
}

/// Runs the program with `own` as the folder for dumps.
fn collect(arguments: &Arguments, own: &Path) -> Result<ExitCode, Error> {
    let (program, rest) = arguments.command.split_first().ok_or("no program to run")?;
    let mut command = Command::new(program);
    command.args(rest).env("PYTHONSTATS", "1").env(folder::VARIABLE, own);
    let status = command.status().map_err(|error| format!("{}: {error}", program.display()))?;
    let counts = match Counts::read([own]) {
        Err(counts::Error::Empty(_)) => {
            return Err(format!("{} has left no statistics: is it limpid, and did it end by itself?", program.display()).into());
        }
        other => other?,
    };
    let path = arguments.output.clone().unwrap_or_else(|| folder::new_path(Path::new(folder::DIRECTORY), "txt"));
    folder::write_output(&path, |out| counts.write(out)).map_err(|error| format!("{}: {error}", path.display()))?;
    if arguments.output.is_none() {
        eprintln!("pystats: the statistics are in {}", path.display());
    }
    Ok(process::exit_code(status))
}
