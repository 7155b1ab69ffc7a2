//! `pystats completions`: what makes a shell complete the command's arguments.

use super::{Error, output};
use clap::{Command, Parser};
use clap_complete::Shell;

/// Print the completions for a shell
///
/// For bash, for instance: pystats completions bash > ~/.local/share/bash-completion/completions/pystats
#[derive(Parser)]
pub struct Arguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the completions of `command`.
pub fn run(arguments: Arguments, mut command: Command) -> Result<(), Error> {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "pystats", &mut text);
    output::write(None, |out| out.write_all(&text))
}
