//! Where the output of a subcommand goes.

use super::Error;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Writes to a file, or to the terminal if there is none.
pub fn write(path: Option<&Path>, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Error> {
    match path {
        Some(path) => {
            let named = |error: io::Error| format!("{}: {error}", path.display());
            let mut out = BufWriter::new(File::create(path).map_err(named)?);
            write(&mut out).and_then(|()| out.flush()).map_err(named)?;
        }
        None => {
            let mut out = BufWriter::new(io::stdout().lock());
            match write(&mut out).and_then(|()| out.flush()) {
                // Whoever read it has seen enough.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
                other => other?,
            }
        }
    }
    Ok(())
}
