//! `pystats`: reads what the interpreter counted.

mod commands;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Reads the statistics that Limpid, or CPython built with --enable-pystats, leaves in /tmp/py_stats
#[derive(Parser)]
#[command(name = "pystats", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Report(commands::report::Arguments),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Report(arguments) => commands::report::run(arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pystats: {error}");
            ExitCode::FAILURE
        }
    }
}
