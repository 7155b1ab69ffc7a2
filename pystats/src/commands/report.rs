//! `pystats report`: what the dumps of one or many runs say, all added up.

use super::Error;
use clap::{Parser, ValueEnum};
use limpid_pystats::counts::Counts;
use limpid_pystats::dump;
use limpid_pystats::report::{self, Section};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

/// Report the statistics of one or many runs, added up
#[derive(Parser)]
pub struct Arguments {
    /// Dumps, or directories of dumps (*.txt), of Limpid or of CPython 3.12 and later
    #[arg(value_name = "DIR|FILE", default_value = dump::DIRECTORY)]
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

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Markdown,
    Json,
    Csv,
}

impl Format {
    fn write(self, out: &mut dyn Write, sections: &[Section]) -> io::Result<()> {
        match self {
            Format::Text => report::text::write(out, sections),
            Format::Markdown => report::markdown::write(out, sections),
            Format::Json => report::json::write(out, sections),
            Format::Csv => report::csv::write(out, sections),
        }
    }
}

/// Reads, reports, and tells what it did not understand on the error output.
pub fn run(arguments: Arguments) -> Result<(), Error> {
    let counts = Counts::read(&arguments.inputs)?;
    for warning in &counts.warnings {
        eprintln!("pystats: {warning}");
    }
    let mut sections = report::make(&counts);
    if !arguments.section.is_empty() {
        let titles: Vec<String> = arguments.section.iter().map(|title| title.to_lowercase()).collect();
        sections.retain(|section| titles.iter().any(|title| section.title.to_lowercase().starts_with(title)));
        if sections.is_empty() {
            return Err("no section with content has such a title".into());
        }
    }
    match &arguments.output {
        Some(path) => {
            let named = |error: io::Error| format!("{}: {error}", path.display());
            let mut out = BufWriter::new(File::create(path).map_err(named)?);
            arguments.format.write(&mut out, &sections).and_then(|()| out.flush()).map_err(named)?;
        }
        None => {
            let mut out = BufWriter::new(io::stdout().lock());
            let written = arguments.format.write(&mut out, &sections).and_then(|()| out.flush());
            match written {
                // Whoever read the report has seen enough of it.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
                other => other?,
            }
        }
    }
    Ok(())
}
