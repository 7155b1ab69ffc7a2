//! `pystats`: reads what the interpreter counted, and looks into running programs.

mod commands;

use clap::{CommandFactory, Parser, Subcommand};
use std::process::ExitCode;

/// Statistics and tracing of Python programs
///
/// Reads what Limpid, or CPython built with --enable-pystats, has counted, and looks into programs that run.
#[derive(Parser)]
#[command(name = "pystats", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(commands::run::Arguments),
    Report(commands::report::Arguments),
    Diff(commands::diff::Arguments),
    Export(commands::export::Arguments),
    Live(commands::live::Arguments),
    Count(commands::count::Arguments),
    Exits(commands::exits::Arguments),
    Top(commands::top::Arguments),
    Serve(commands::serve::Arguments),
    #[cfg(feature = "trace")]
    Trace(commands::trace::Arguments),
    Stacks(commands::stacks::Arguments),
    #[cfg(feature = "trace")]
    Record(commands::record::Arguments),
    Scripts(commands::scripts::Arguments),
    Completions(commands::completions::Arguments),
    Man(commands::man::Arguments),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Run(arguments) => commands::run::run(arguments),
        Command::Report(arguments) => commands::report::run(arguments).map(done),
        Command::Diff(arguments) => commands::diff::run(arguments).map(done),
        Command::Export(arguments) => commands::export::run(arguments).map(done),
        Command::Live(arguments) => commands::live::run(arguments).map(done),
        Command::Count(arguments) => commands::count::run(arguments).map(done),
        Command::Exits(arguments) => commands::exits::run(arguments).map(done),
        Command::Top(arguments) => commands::top::run(arguments).map(done),
        Command::Serve(arguments) => commands::serve::run(arguments).map(done),
        #[cfg(feature = "trace")]
        Command::Trace(arguments) => commands::trace::run(arguments),
        Command::Stacks(arguments) => commands::stacks::run(arguments).map(done),
        #[cfg(feature = "trace")]
        Command::Record(arguments) => commands::record::run(arguments).map(done),
        Command::Scripts(arguments) => commands::scripts::run(arguments).map(done),
        Command::Completions(arguments) => commands::completions::run(arguments, Arguments::command()).map(done),
        Command::Man(arguments) => commands::man::run(arguments, Arguments::command()).map(done),
    };
    result.unwrap_or_else(|error| {
        eprintln!("pystats: {error}");
        ExitCode::FAILURE
    })
}

fn done((): ()) -> ExitCode {
    ExitCode::SUCCESS
}
