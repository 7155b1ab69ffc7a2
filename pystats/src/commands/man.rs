//! `pystats man`: the manual pages, made from the same definitions as `--help`, and from the heads of the tracing scripts.

use super::Error;
use clap::{Command, Parser};
use limpid_pystats::scripts::{SCRIPTS, Script};
use std::fs;
use std::path::PathBuf;

/// Write the manual pages, one for each subcommand and for each tracing script, to a directory
#[derive(Parser)]
pub struct Arguments {
    /// The directory, ~/.local/share/man/man1 for instance; it is made if it is missing
    directory: PathBuf,
}

/// Writes the pages of `command`.
pub fn run(arguments: Arguments, command: Command) -> Result<(), Error> {
    let directory = &arguments.directory;
    let commands = fs::create_dir_all(directory).and_then(|()| clap_mangen::generate_to(command.disable_help_subcommand(true), directory));
    let page = |script: &Script| fs::write(directory.join(format!("{}.8", script.page_name())), script.man_page());
    let written = commands.and_then(|_| SCRIPTS.iter().try_for_each(page));
    written.map_err(|error| format!("{}: {error}", directory.display()).into())
}
