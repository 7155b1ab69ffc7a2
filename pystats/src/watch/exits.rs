//! Where machine code of a running process is left: its table of exits ([`crate::exits`]), read from outside.

use super::process::{Error, Finder, Process};
use crate::exits::{MAGIC, SECTION, VERSION};
use std::io;

/// The most chunks that are looked at, should the list have no end.
const MAX_CHUNKS: usize = 1 << 14;
/// The longest name.
const MAX_NAME: usize = 4096;
/// Bytes of a place that are understood.
const PLACE: usize = 32;

/// A line that machine code is left at, for one reason.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exit {
    /// The file.
    pub file: String,
    /// The line where the interpreter goes on.
    pub line: u64,
    /// The micro-operation whose expectation did not hold.
    pub reason: String,
    /// How often, since the process began.
    pub taken: u64,
}

/// Opens a process.
pub fn open(pid: u32) -> Result<Process, Error> {
    Finder::of(SECTION).open(pid)
}

/// Its exits, the most frequent first.
pub fn read(process: &Process) -> Result<Vec<Exit>, Error> {
    let failed = |error| Error::new(process.pid, error);
    let table = process.section()?;
    let number = |at: usize| table.get(at..at + 4).map_or(0, |bytes| u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize);
    if !table.starts_with(&MAGIC) {
        return Err(failed(io::Error::other("its table of exits is damaged")));
    }
    if number(8) != VERSION as usize {
        return Err(Error::Version(process.pid, number(8) as u32));
    }
    let (size, places, offset) = (number(12), number(16), number(20));
    if !(PLACE..=4096).contains(&size) || !(1..=4096).contains(&places) || offset > 4096 {
        return Err(failed(io::Error::other("its table of exits is damaged")));
    }
    let mut chunk = word(&table, 24);
    let mut exits = Vec::new();
    for _ in 0..MAX_CHUNKS {
        if chunk == 0 {
            break;
        }
        let mut bytes = vec![0; offset + size * places];
        process.memory(chunk, &mut bytes).map_err(failed)?;
        for place in bytes[offset..].chunks_exact(size).filter(|place| word(place, 0) != 0) {
            exits.push(Exit {
                file: text(process, word(place, 0)),
                line: word(place, 16),
                reason: text(process, word(place, 8)),
                taken: word(place, 24),
            });
        }
        chunk = word(&bytes, 0);
    }
    exits.retain(|exit| exit.taken != 0);
    exits.sort_by(|a, b| b.taken.cmp(&a.taken).then_with(|| a.cmp(b)));
    Ok(exits)
}

fn word(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).map_or(0, |bytes| u64::from_ne_bytes(bytes.try_into().expect("eight bytes")))
}

/// The string at an address, as far as it can be read.
fn text(process: &Process, mut address: u64) -> String {
    let mut text = Vec::new();
    while text.len() < MAX_NAME {
        // Not across the end of a page: the next one may not be there.
        let mut piece = vec![0; (64 - address % 64) as usize];
        if process.memory(address, &mut piece).is_err() {
            break;
        }
        if let Some(end) = piece.iter().position(|&byte| byte == 0) {
            text.extend_from_slice(&piece[..end]);
            break;
        }
        address += piece.len() as u64;
        text.append(&mut piece);
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_reads_itself() {
        let place =
            crate::exits::place(c"a/file/whose/name/is/longer/than/one/piece/of/memory/that/is/read/at/once.py", 77, c"guard_shape");
        place.count();
        place.count();
        let exits = read(&open(std::process::id()).unwrap()).unwrap();
        let found = exits.iter().find(|exit| exit.line == 77).unwrap();
        assert!(found.file.ends_with("at/once.py"), "{}", found.file);
        assert_eq!((found.reason.as_str(), found.taken), ("guard_shape", 2));
    }
}
