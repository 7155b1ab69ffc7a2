//! `-X perf`: `/tmp/perf-PID.map`, a line for each piece of code: where it is, how long, and whose it is.
//!
//! Calls are inlined in traces. So a trace has a line for each stretch that belongs to one function, and perf's report adds up what a function
//! takes wherever it was inlined. Names are written as CPython writes them, `py::NAME:FILE`.

use super::super::Piece;
use super::Lines;
use crate::source_map::{Function, SourceMap};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

/// Where perf looks for it.
pub fn path() -> PathBuf {
    format!("/tmp/perf-{}.map", std::process::id()).into()
}

/// A new file.
pub fn create() -> io::Result<File> {
    File::create(path())
}

/// Adds a piece of code that is `len` bytes long.
pub fn write(file: &mut File, piece: &Piece, len: usize, lines: &[Lines], source: &SourceMap) -> io::Result<()> {
    let mut text = String::new();
    let mut parts = lines.chunk_by(|a, b| a.place.function == b.place.function).peekable();
    while let Some(part) = parts.next() {
        let start = part[0].start;
        let end = parts.peek().map_or(len, |next| next[0].start);
        let Function { name, file } = source.function_at(part[0].place);
        let _ = writeln!(text, "{:x} {:x} py::{name}:{file}", piece.runnable as usize + start, end - start);
    }
    file.write_all(text.as_bytes())
}
