//! The table of offsets of a process ([`crate::offsets`]), and the threads that it leads to.

use super::process::{Error, Finder, Layout, Process};
use crate::offsets::{MAGIC, NAME_SIZE, SECTION, VERSION, Values};
use std::io;

/// The most threads that are looked at.
const MAX_THREADS: usize = 4096;

/// A process with the values of its table.
pub(super) fn open(pid: u32) -> Result<(Process, Values<u64>), Error> {
    let process = Finder::of(SECTION).open(pid)?;
    let at = values(pid, &process.section()?)?;
    Ok((process, at))
}

/// The addresses of the threads that run Python code now, the newest first. The list begins in the table, which is read anew.
pub(super) fn threads(process: &Process, at: &Values<u64>) -> Result<Vec<u64>, Error> {
    let mut thread = values(process.pid, &process.section()?)?.threads;
    let mut threads = Vec::new();
    while thread != 0 && threads.len() < MAX_THREADS {
        threads.push(thread);
        // A thread may end while the list is read; then so does the list.
        thread = word(process, thread, at.thread_next).unwrap_or(0);
    }
    Ok(threads)
}

/// The word at an offset from an address.
pub(super) fn word(process: &Process, address: u64, offset: u64) -> io::Result<u64> {
    let mut bytes = [0; 8];
    process.memory(address.wrapping_add(offset), &mut bytes)?;
    Ok(u64::from_ne_bytes(bytes))
}

/// The values in a table.
fn values(pid: u32, bytes: &[u8]) -> Result<Values<u64>, Error> {
    let layout = Layout { magic: MAGIC, version: VERSION, field: NAME_SIZE + 8, name: "table of offsets is" };
    let fields = layout.fields(pid, bytes)?;
    let find = |name: &str| {
        let named = |field: &&[u8]| field[..NAME_SIZE].split(|&byte| byte == 0).next() == Some(name.as_bytes());
        let field = fields.clone().find(named)?;
        Some(u64::from_ne_bytes(field[NAME_SIZE..NAME_SIZE + 8].try_into().ok()?))
    };
    Values::named(find).map_err(|name| Error::Io(pid, io::Error::other(format!("its table of offsets has no {name}"))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offsets::{Table, offset};

    /// A table in which all values are 7.
    fn table() -> Vec<u8> {
        let table = Table::new(Values::named(|_| Some(7)).map(|values| values.map(|value| offset(value as usize))).unwrap());
        // SAFETY: the bytes of a local variable, none of which is padding.
        unsafe { std::slice::from_raw_parts((&raw const table).cast::<u8>(), size_of::<Table>()) }.to_vec()
    }

    #[test]
    fn tables() {
        let mut bytes = table();
        assert_eq!(values(1, &bytes).unwrap().bytes_data, 7);
        let field = bytes.windows(9).position(|window| window == b"code_name").unwrap();
        bytes[field] = b'k';
        assert_eq!(values(1, &bytes).unwrap_err().to_string(), "process 1: its table of offsets has no code_name");
        bytes[8] = 9;
        assert!(matches!(values(1, &bytes).unwrap_err(), Error::Version(1, 9)));
        assert_eq!(values(1, &bytes[..4]).unwrap_err().to_string(), "process 1: its table of offsets is damaged");
    }
}
