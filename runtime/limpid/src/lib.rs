//! The program `limpid`: Python's command line, and the runtime for other programs to embed.
//!
//! ```text
//!     command_line --config--> installation, locale --startup--> program, repl --shutdown--> exit status
//! ```
//!
//! Invariant: everything up to [`config`] is plain data and functions of it; what touches the runtime comes after.

pub mod command_line;
pub mod config;
mod dedent;
pub mod installation;
pub mod locale;
mod program;
mod repl;
pub mod shutdown;
mod startup;
mod streams;
mod usage;

use command_line::CommandLine;
use config::{Config, Fatal, Surroundings};
use program::Ending;
use std::ffi::OsString;

/// Runs the command line of this process. The exit status.
pub fn main(arguments: Vec<OsString>) -> i32 {
    let name = arguments.first().cloned().unwrap_or_else(|| "limpid".into());
    let shown = name.to_string_lossy();
    let line = match command_line::parse(arguments.get(1..).unwrap_or_default()) {
        Ok(line) => line,
        Err(mistake) => {
            eprint!("{mistake}\n{}", usage::hint(&shown));
            return 2;
        }
    };
    if let Some(topic) = line.help {
        return print(&usage::help(&shown, topic));
    }
    if line.version > 0 {
        return print(&usage::version(line.version));
    }
    match run(line, name.clone(), arguments) {
        Ok(Ending::Status(status)) => status,
        Ok(Ending::Interrupted) => die_of_interrupt(),
        Err(fatal) => {
            eprintln!("{fatal}");
            1
        }
    }
}

/// Prints what was asked for; standard output may be closed.
fn print(text: &str) -> i32 {
    use std::io::Write;
    let mut out = std::io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => 0,
        Err(_) => shutdown::LOST_OUTPUT,
    }
}

fn run(line: CommandLine, name: OsString, arguments: Vec<OsString>) -> Result<Ending, Fatal> {
    let silent = line.ignore_environment || line.isolated;
    let locale = locale::initialize(|name| std::env::var_os(name).filter(|_| !silent));
    let surroundings = Surroundings { variable: &|name| std::env::var_os(name), locale_is_c: locale.is_c };
    let mut config = Config::new(line, &surroundings)?;
    let installation = installation::find(&name, std::env::var_os("PATH"), config.home.as_deref());
    config.options.executable = installation.executable.clone().into();
    config.options.orig_argv = arguments;
    config.options.path =
        config.python_path.iter().flat_map(std::env::split_paths).chain([installation.library.clone()]).map(text).collect();
    let Some(t) = startup::start(&config, &installation, &locale) else { return Ok(Ending::Status(1)) };
    let ending = program::run(t, &config);
    match shutdown::finish(t) {
        true => Ok(ending),
        false => Ok(Ending::Status(shutdown::LOST_OUTPUT)),
    }
}

fn text(path: std::path::PathBuf) -> String {
    path.to_string_lossy().into_owned()
}

/// Ends the process as Ctrl-C ends one that does not handle it, so that the shell knows.
fn die_of_interrupt() -> i32 {
    // SAFETY: plain system calls.
    unsafe {
        libc::signal(libc::SIGINT, libc::SIG_DFL);
        libc::kill(libc::getpid(), libc::SIGINT);
    }
    128 + libc::SIGINT
}
