//! `pystats diff`: what is different between two runs, or between two directories of runs.

use super::report::{Format, read};
use super::{Error, output};
use clap::Parser;
use limpid_pystats::diff;
use std::path::PathBuf;

/// Compare the statistics of two runs, or of two directories of runs
///
/// Shows what is not the same in both, the greatest relative change first: the count in BASE, the count in HEAD, and the change.
#[derive(Parser)]
pub struct Arguments {
    /// A dump, or a directory of dumps (*.txt), which are added up
    base: PathBuf,
    /// The same, to compare with it
    head: PathBuf,
    /// How the comparison looks
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write to this file instead of the terminal
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Reads both and compares.
pub fn run(arguments: Arguments) -> Result<(), Error> {
    let (base, head) = (read(&[arguments.base])?, read(&[arguments.head])?);
    let sections = diff::make(&base, &head);
    output::write(arguments.output.as_deref(), |out| match sections.is_empty() {
        true if matches!(arguments.format, Format::Text | Format::Markdown) => writeln!(out, "No difference."),
        _ => arguments.format.write(out, &sections),
    })
}
