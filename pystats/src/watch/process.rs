//! A process that tells of itself in a section of its program, the live segment or the table of offsets: where it is, and what is in it.

use crate::live::{MAGIC, NAME_SIZE, SECTION, VERSION};
use object::{Object, ObjectSection, ObjectSegment};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

/// A value of the segment.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// What it is called.
    pub name: String,
    /// Does it only grow?
    pub counter: bool,
    /// What it is a number of.
    pub unit: Unit,
    /// The value.
    pub value: u64,
}

/// What a value is a number of; a unit that a newer segment has is shown as a plain number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Number,
    /// Nanoseconds.
    Nanoseconds,
    /// Bytes.
    Bytes,
}

/// Why a process cannot be watched.
#[derive(Debug)]
pub enum Error {
    /// There is no such process.
    Missing(u32),
    /// It belongs to another user.
    Forbidden(u32),
    /// What it runs has no segment.
    NotLimpid(u32, PathBuf),
    /// The segment has a layout that is not known here.
    Version(u32, u32),
    /// Anything else.
    Io(u32, io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Error::Missing(pid) => write!(f, "there is no process {pid}"),
            Error::Forbidden(pid) => {
                let scope = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_default();
                write!(f, "process {pid} may not be read: run this as {}", who_may(&scope))
            }
            Error::NotLimpid(pid, path) => write!(f, "process {pid} runs {}, which is not a limpid that can be watched", path.display()),
            Error::Version(pid, version) => write!(f, "process {pid} has statistics of version {version}: a newer pystats is needed"),
            Error::Io(pid, error) => write!(f, "process {pid}: {error}"),
        }
    }
}

/// Who may read a process, where the kernel restricts that so (`kernel.yama.ptrace_scope`; empty where there is no such thing).
fn who_may(scope: &str) -> &'static str {
    match scope.trim() {
        "" | "0" => "its user or as root",
        _ => "root; its user may where kernel.yama.ptrace_scope is 0",
    }
}

impl std::error::Error for Error {}

impl Error {
    /// The reason behind an error of the system.
    pub fn new(pid: u32, error: io::Error) -> Error {
        match error.raw_os_error() {
            Some(libc::ENOENT | libc::ESRCH) => Error::Missing(pid),
            Some(libc::EPERM | libc::EACCES) => Error::Forbidden(pid),
            _ => Error::Io(pid, error),
        }
    }
}

/// Where the segment lies in a program: its address in the file's own terms, its size, and the address of the first byte of the file.
#[derive(Clone, Copy)]
struct Place {
    address: u64,
    size: u64,
    base: u64,
}

/// A process that can be watched.
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Its command line, blanks between the arguments.
    pub command: String,
    /// Where the section lies in it.
    address: usize,
    size: usize,
}

/// Knows where the section lies in the programs that it has seen.
pub struct Finder {
    section: &'static str,
    places: HashMap<(u64, u64), Option<Place>>,
}

impl Default for Finder {
    /// Finds the live segment.
    fn default() -> Finder {
        Finder::of(SECTION)
    }
}

impl Finder {
    /// Finds this section.
    pub fn of(section: &'static str) -> Finder {
        Finder { section, places: HashMap::new() }
    }

    /// Opens a process.
    pub fn open(&mut self, pid: u32) -> Result<Process, Error> {
        use std::os::unix::fs::MetadataExt;
        let error = |error| Error::new(pid, error);
        let executable = PathBuf::from(format!("/proc/{pid}/exe"));
        let path = fs::read_link(&executable).map_err(error)?;
        let file = fs::metadata(&executable).map_err(error)?;
        // The link leads to the file also where its path has another meaning, in a container for instance, or none any more.
        let section = self.section;
        let place = *self.places.entry((file.dev(), file.ino())).or_insert_with(|| place_in(&executable, section));
        let place = place.ok_or_else(|| Error::NotLimpid(pid, path.clone()))?;
        let maps = fs::read_to_string(format!("/proc/{pid}/maps")).map_err(error)?;
        let base = base_in(&maps, file.ino()).ok_or(Error::NotLimpid(pid, path))?;
        let command = fs::read(format!("/proc/{pid}/cmdline")).map_err(error)?;
        let arguments: Vec<_> = command.split(|&byte| byte == 0).map(String::from_utf8_lossy).collect();
        Ok(Process {
            pid,
            command: arguments.join(" ").trim_end().to_owned(),
            address: (base + (place.address - place.base)) as usize,
            size: place.size as usize,
        })
    }

    /// All processes of this machine that can be watched.
    pub fn all(&mut self) -> Vec<Process> {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let mut pids: Vec<u32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
        pids.sort_unstable();
        pids.into_iter().filter_map(|pid| self.open(pid).ok()).collect()
    }
}

fn place_in(executable: &Path, section: &str) -> Option<Place> {
    // Only what is looked at is read: with all that debuggers want to know such a file is large.
    let bytes = object::ReadCache::new(fs::File::open(executable).ok()?);
    let file = object::File::parse(&bytes).ok().filter(|file| file.format() == object::BinaryFormat::Elf)?;
    let section = file.section_by_name(section)?;
    let base = file.segments().find(|segment| segment.file_range().0 == 0)?.address();
    Some(Place { address: section.address(), size: section.size(), base })
}

/// The address at which the start of the file lies in memory.
fn base_in(maps: &str, inode: u64) -> Option<u64> {
    maps.lines().find_map(|line| {
        // address-end permissions offset device inode path
        let mut words = line.split_ascii_whitespace();
        let range = words.next()?;
        let (offset, found) = (words.nth(1)?, words.nth(1)?);
        (u64::from_str_radix(offset, 16) == Ok(0) && found.parse() == Ok(inode)).then_some(())?;
        u64::from_str_radix(range.split_once('-')?.0, 16).ok()
    })
}

impl Process {
    /// The section as it is now.
    pub fn section(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![0; self.size];
        self.memory(self.address as u64, &mut bytes).map_err(|error| Error::new(self.pid, error))?;
        Ok(bytes)
    }

    /// Reads its memory at an address; all of it or nothing.
    pub fn memory(&self, address: u64, into: &mut [u8]) -> io::Result<()> {
        let local = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
        let remote = libc::iovec { iov_base: address as *mut libc::c_void, iov_len: into.len() };
        // SAFETY: `local` is a buffer of that size; what the kernel reads lies in the other process.
        match unsafe { libc::process_vm_readv(self.pid as i32, &local, 1, &remote, 1, 0) } {
            read if read < 0 => Err(io::Error::last_os_error()),
            read if (read as usize) < into.len() => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// Writes to its memory at an address. Its threads stand still.
    pub(super) fn write(&self, address: u64, bytes: &[u8]) -> io::Result<()> {
        let local = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
        let remote = libc::iovec { iov_base: address as *mut libc::c_void, iov_len: bytes.len() };
        // SAFETY: `local` is only read; what the kernel writes lies in the other process.
        match unsafe { libc::process_vm_writev(self.pid as i32, &local, 1, &remote, 1, 0) } {
            written if written < 0 => Err(io::Error::last_os_error()),
            written if (written as usize) < bytes.len() => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// The values as they are now.
    pub fn read(&self) -> Result<Vec<Value>, Error> {
        values(self.pid, &self.section()?)
    }
}

/// A kind of table that a process describes itself with: a header, then named fields.
pub(super) struct Layout {
    /// What it begins with.
    pub(super) magic: [u8; 8],
    /// The version that is understood.
    pub(super) version: u32,
    /// Bytes that a field has at least.
    pub(super) field: usize,
    /// What it is called, for messages.
    pub(super) name: &'static str,
}

impl Layout {
    /// The fields of a process's table.
    pub(super) fn fields<'a>(&self, pid: u32, bytes: &'a [u8]) -> Result<impl Iterator<Item = &'a [u8]> + Clone, Error> {
        let broken = || Error::Io(pid, io::Error::other(format!("its {} damaged", self.name)));
        let u32_at = |at: usize| Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        if !bytes.starts_with(&self.magic) {
            return Err(broken());
        }
        let version = u32_at(8).ok_or_else(broken)?;
        if version != self.version {
            return Err(Error::Version(pid, version));
        }
        let header = || Some((u32_at(12)? as usize, u32_at(16)? as usize, u32_at(20)? as usize));
        let (size, number, offset) = header().filter(|&(size, ..)| size >= self.field).ok_or_else(broken)?;
        Ok(bytes.get(offset..).ok_or_else(broken)?.chunks_exact(size).take(number))
    }
}

/// The values in a segment.
fn values(pid: u32, bytes: &[u8]) -> Result<Vec<Value>, Error> {
    let layout = Layout { magic: MAGIC, version: VERSION, field: NAME_SIZE + 16, name: "statistics are" };
    let fields = layout.fields(pid, bytes)?;
    let value = |field: &[u8]| {
        let name = &field[..NAME_SIZE];
        let end = name.iter().position(|&byte| byte == 0).unwrap_or(NAME_SIZE);
        let word = |at| u32::from_ne_bytes([field[at], field[at + 1], field[at + 2], field[at + 3]]);
        Value {
            name: String::from_utf8_lossy(&name[..end]).into_owned(),
            counter: word(NAME_SIZE) == 0,
            unit: match word(NAME_SIZE + 4) {
                1 => Unit::Nanoseconds,
                2 => Unit::Bytes,
                _ => Unit::Number,
            },
            value: u64::from_ne_bytes(field[NAME_SIZE + 8..NAME_SIZE + 16].try_into().expect("eight bytes")),
        }
    };
    Ok(fields.map(value).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::{HELP, LIVE};

    #[test]
    fn a_process_reads_itself() {
        LIVE.lock_waits.add(3);
        LIVE.heap_live.set(1 << 20);
        let process = Finder::default().open(std::process::id()).unwrap();
        assert!(process.command.contains("limpid_pystats"), "{}", process.command);
        let values = process.read().unwrap();
        assert_eq!(values.len(), HELP.len());
        let value = |name: &str| values.iter().find(|value| value.name == name).unwrap().clone();
        let lock_waits = Value { name: "lock_waits".to_owned(), counter: true, unit: Unit::Number, value: 3 };
        assert_eq!(value("lock_waits"), lock_waits);
        let heap_live = Value { name: "heap_live".to_owned(), counter: false, unit: Unit::Bytes, value: 1 << 20 };
        assert_eq!(value("heap_live"), heap_live);
        assert!(Finder::default().all().iter().any(|process| process.pid == std::process::id()));
    }

    #[test]
    fn others_are_told_apart() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let open = |pid| Finder::default().open(pid).err().unwrap().to_string();
        // Until the child has become `sleep`, it is this program.
        while fs::read_link(format!("/proc/{}/exe", child.id())).unwrap() == std::env::current_exe().unwrap() {}
        let error = open(child.id());
        assert!(error.ends_with("which is not a limpid that can be watched"), "{error}");
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(open(999_999_999), "there is no process 999999999");
    }

    #[test]
    fn who_may_read() {
        assert_eq!([who_may(""), who_may("0\n")], ["its user or as root"; 2]);
        assert_eq!(who_may("1\n"), "root; its user may where kernel.yama.ptrace_scope is 0");
    }

    #[test]
    fn segments_of_the_future() {
        let mut bytes = MAGIC.to_vec();
        assert_eq!(values(7, &bytes).unwrap_err().to_string(), "process 7: its statistics are damaged");
        bytes.extend(9_u32.to_ne_bytes());
        assert_eq!(values(7, &bytes).unwrap_err().to_string(), "process 7 has statistics of version 9: a newer pystats is needed");
        // A field may be longer than is known here.
        let mut bytes = MAGIC.to_vec();
        [VERSION, 64, 1, 24].iter().for_each(|word| bytes.extend(word.to_ne_bytes()));
        bytes.extend(
            [&b"new_value"[..], &[0; NAME_SIZE - 9], &[1, 0, 0, 0, 77, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]].concat(),
        );
        let new = Value { name: "new_value".to_owned(), counter: false, unit: Unit::Number, value: 5 };
        assert_eq!(values(7, &bytes).unwrap(), [new]);
    }
}
