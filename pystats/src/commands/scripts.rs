//! `pystats scripts`: the tracing scripts, ready to run.

use super::{Error, output, process};
use clap::{Parser, Subcommand};
use limpid_pystats::scripts::{self, SCRIPTS, Script, TAPSET};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// List, show or write the tracing scripts for bpftrace and SystemTap
#[derive(Parser)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Tell what scripts there are and what they do
    List,
    /// Print a script
    Show {
        /// Its name
        name: String,
        #[command(flatten)]
        binary: Binary,
    },
    /// Write all scripts to a directory, with the tapset that those for SystemTap need
    Export {
        /// The directory; it is made if it is missing
        directory: PathBuf,
        #[command(flatten)]
        binary: Binary,
    },
}

#[derive(clap::Args)]
#[group(multiple = false)]
struct Binary {
    /// Fill in the path of this binary; without it the path is the scripts' first parameter
    #[arg(long, value_name = "PATH")]
    binary: Option<PathBuf>,
    /// Fill in the path of the binary that this process runs
    #[arg(long, value_name = "PID")]
    pid: Option<u32>,
}

impl Binary {
    /// The real path of the binary, if one was asked for.
    fn path(&self) -> Result<Option<PathBuf>, Error> {
        if let Some(pid) = self.pid {
            return process::executable(pid).map(Some);
        }
        let named = |path: &PathBuf| fs::canonicalize(path).map_err(|error| format!("{}: {error}", path.display()));
        Ok(self.binary.as_ref().map(named).transpose()?)
    }
}

fn text(script: &Script, binary: Option<&Path>) -> Result<String, Error> {
    Ok(match binary {
        Some(binary) => script.with_binary(binary)?,
        None => script.text.to_owned(),
    })
}

/// Lists, shows or exports.
pub fn run(arguments: Arguments) -> Result<(), Error> {
    match arguments.action {
        Action::List => {
            output::write(None, |out| SCRIPTS.iter().try_for_each(|script| writeln!(out, "{:<18} {}", script.file, script.summary())))
        }
        Action::Show { name, binary } => {
            let script = scripts::find(&name).ok_or_else(|| format!("no script named {name}; `pystats scripts list` lists them"))?;
            let text = text(script, binary.path()?.as_deref())?;
            output::write(None, |out| out.write_all(text.as_bytes()))
        }
        Action::Export { directory, binary } => {
            let binary = binary.path()?;
            let named = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
            let tapset = directory.join("tapset");
            fs::create_dir_all(&tapset).map_err(|error| named(&tapset, error))?;
            for script in SCRIPTS.iter().chain(TAPSET) {
                let path = directory.join(script.file);
                let written = fs::write(&path, text(script, binary.as_deref())?);
                let executable = written.and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o755)));
                executable.map_err(|error| named(&path, error))?;
            }
            println!("{} scripts in {}", SCRIPTS.len(), directory.display());
            Ok(())
        }
    }
}
