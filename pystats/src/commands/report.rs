//! `pystats report`: what the dumps of one or many runs say, all added up.

use super::{Error, output};
use clap::{Parser, ValueEnum};
use limpid_pystats::counts::Counts;
use limpid_pystats::folder;
use limpid_pystats::report::{self, Section};
use std::io::{self, Write};
use std::path::PathBuf;

/// Report the statistics of one or many runs, added up
#[derive(Parser)]
pub struct Arguments {
    /// Dumps, or directories of dumps (*.txt), of Limpid or of CPython 3.12 and later
    #[arg(value_name = "DIR|FILE", default_value = folder::DIRECTORY)]
    inputs: Vec<PathBuf>,
    /// How the report looks
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write to this file instead of the terminal
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Only the sections whose title starts so, in any case; may be given more than once
    #[arg(long, value_name = "TITLE")]
    section: Vec<String>,
}

/// How a report looks.
#[derive(Clone, Copy, ValueEnum)]
pub enum Format {
    /// For the terminal
    Text,
    Markdown,
    Json,
    Csv,
}

impl Format {
    /// Writes a report.
    pub fn write(self, out: &mut dyn Write, sections: &[Section]) -> io::Result<()> {
        match self {
            Format::Text => report::text::write(out, sections),
            Format::Markdown => report::markdown::write(out, sections),
            Format::Json => report::json::write(out, sections),
            Format::Csv => report::csv::write(out, sections),
        }
    }
}

/// Adds up dumps, and tells what it did not understand on the error output.
pub fn read(inputs: &[PathBuf]) -> Result<Counts, Error> {
    let counts = Counts::read(inputs)?;
    for warning in &counts.warnings {
        eprintln!("pystats: {warning}");
    }
    Ok(counts)
}

/// Reads and reports.
pub fn run(arguments: Arguments) -> Result<(), Error> {
    let counts = read(&arguments.inputs)?;
    let mut sections = report::make(&counts);
    if !arguments.section.is_empty() {
        let titles: Vec<String> = arguments.section.iter().map(|title| title.to_lowercase()).collect();
        sections.retain(|section| titles.iter().any(|title| section.title.to_lowercase().starts_with(title)));
        if sections.is_empty() {
            return Err("no section with content has such a title".into());
        }
    }
    output::write(arguments.output.as_deref(), |out| arguments.format.write(out, &sections))
}
