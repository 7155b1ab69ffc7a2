//! `pystats export`: the counts of dumps for other programs.

use super::report::{self, read};
use super::{Error, output};
use clap::{Parser, ValueEnum};
use limpid_pystats::{export, folder};
use std::path::PathBuf;

/// Write the counts of one or many runs, added up, for other programs
///
/// Each count becomes a measurement: a name, labels (opcode, generation and so on) and a value. Markdown has the report's tables.
#[derive(Parser)]
pub struct Arguments {
    /// Dumps, or directories of dumps (*.txt), of Limpid or of CPython 3.12 and later
    #[arg(value_name = "DIR|FILE", default_value = folder::DIRECTORY)]
    inputs: Vec<PathBuf>,
    /// What is written
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
    /// Write to this file instead of the terminal
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// [{"name", "labels", "value"}, ...]
    Json,
    /// Columns name, labels, value
    Csv,
    /// The tables of the report
    Markdown,
    /// For Prometheus and its relatives
    Openmetrics,
}

/// Reads and exports.
pub fn run(arguments: Arguments) -> Result<(), Error> {
    let counts = read(&arguments.inputs)?;
    let measurements = export::measurements(&counts);
    output::write(arguments.output.as_deref(), |out| match arguments.format {
        Format::Json => export::json(out, &measurements),
        Format::Csv => export::csv(out, &measurements),
        Format::Markdown => report::Format::Markdown.write(out, &limpid_pystats::report::make(&counts)),
        Format::Openmetrics => export::openmetrics(out, &measurements),
    })
}
