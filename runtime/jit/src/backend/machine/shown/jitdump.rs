//! `-X perf_jit`: `/tmp/jit-PID.dump`, from which `perf inject --jit` makes object files with code, names and lines.
//!
//! The format is described in `tools/perf/Documentation/jitdump-specification.txt` of Linux. perf finds the file because a page of it was
//! mapped executable while it recorded, and puts its records in order by the monotonic clock: `perf record -k mono`.

use super::super::Piece;
use super::Lines;
use crate::budget::nanoseconds;
use crate::source_map::{Function, SourceMap};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::ptr;

const MAGIC: u32 = 0x4A69_5444;
const VERSION: u32 = 1;
const HEADER_SIZE: u32 = 40;
/// `EM_X86_64`, `EM_AARCH64`
const MACHINE: u32 = if cfg!(target_arch = "x86_64") { 62 } else { 183 };
const CODE_LOAD: u32 = 0;
const CODE_DEBUG_INFO: u32 = 2;
/// What each record begins with.
const PREFIX_SIZE: usize = 16;

/// Where perf looks for it.
pub fn path() -> PathBuf {
    format!("/tmp/jit-{}.dump", std::process::id()).into()
}

/// A new file, with its header.
pub fn create() -> io::Result<File> {
    let mut file = File::options().read(true).write(true).create(true).truncate(true).open(path())?;
    let mut header = Vec::new();
    for word in [MAGIC, VERSION, HEADER_SIZE, MACHINE, 0, std::process::id()] {
        header.extend(word.to_ne_bytes());
    }
    header.extend(now().to_ne_bytes());
    header.extend(0u64.to_ne_bytes());
    file.write_all(&header)?;
    // SAFETY: a fresh mapping that nobody refers to; it stays for as long as the process does.
    let mapped = unsafe { libc::mmap(ptr::null_mut(), 4096, libc::PROT_READ | libc::PROT_EXEC, libc::MAP_PRIVATE, file.as_raw_fd(), 0) };
    if mapped == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(file) }
}

/// Adds a piece of code: `bytes`, the `number`th.
pub fn write(file: &mut File, number: u64, piece: &Piece, bytes: &[u8], lines: &[Lines], source: &SourceMap) -> io::Result<()> {
    let Some(first) = lines.first() else { return Ok(()) };
    let address = piece.runnable as u64;
    let mut records = Vec::new();

    let mut entries = Vec::new();
    for line in lines {
        entries.extend((address + line.start as u64).to_ne_bytes());
        entries.extend(line.place.line.to_ne_bytes());
        entries.extend(0u32.to_ne_bytes());
        add_text(&mut entries, &source.function_at(line.place).file);
    }
    let mut info = Vec::new();
    info.extend(address.to_ne_bytes());
    info.extend((lines.len() as u64).to_ne_bytes());
    info.extend(entries);
    add_record(&mut records, CODE_DEBUG_INFO, &info);

    let mut load = Vec::new();
    for id in [std::process::id(), thread_id()] {
        load.extend(id.to_ne_bytes());
    }
    for word in [address, address, bytes.len() as u64, number] {
        load.extend(word.to_ne_bytes());
    }
    let Function { name, file: path } = source.function_at(first.place);
    add_text(&mut load, &format!("py::{name}:{path}"));
    load.extend(bytes);
    add_record(&mut records, CODE_LOAD, &load);
    file.write_all(&records)
}

fn add_record(to: &mut Vec<u8>, kind: u32, content: &[u8]) {
    to.extend(kind.to_ne_bytes());
    to.extend(((PREFIX_SIZE + content.len()) as u32).to_ne_bytes());
    to.extend(now().to_ne_bytes());
    to.extend(content);
}

/// Text ends at a NUL, so none may be in it.
fn add_text(to: &mut Vec<u8>, text: &str) {
    to.extend(text.bytes().filter(|b| *b != 0));
    to.push(0);
}

fn thread_id() -> u32 {
    // SAFETY: no arguments, cannot fail.
    unsafe { libc::gettid() as u32 }
}

/// Nanoseconds of the monotonic clock.
fn now() -> u64 {
    nanoseconds(libc::CLOCK_MONOTONIC)
}
