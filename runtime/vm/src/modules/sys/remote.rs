//! `sys.remote_exec` (PEP 768): a process has another one run a script at its main thread's next safe point.
//!
//! Each process has a mailbox in a section of its own, which others find in its executable file. Who sends writes the script's path and
//! then sets the request, a byte of the main thread's eval breaker that nobody else writes as a whole: the bits of other requests are not
//! touched.

use crate::args::FnDef;
use crate::exc;
use crate::modules::import::import_text;
use crate::object::{R, Raised, ValueExt};
use crate::protocol::{attr, call};
use crate::thread::{Thread, request};
use crate::types::exceptions::{raise_os_error, raise_os_error_with_names};
use crate::types::{Bytes, Dict, Str, int};
use crate::{error_report, names};
use limpid_heap::Value;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::mem::offset_of;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicPtr, AtomicU8, AtomicU32, Ordering::*};

pub(super) const FUNCTIONS: &[FnDef] = &[
    FnDef::def("is_remote_debug_enabled", "", |_, _| Ok(Value::bool(is_enabled())))
        .doc("Return True if remote debugging is enabled, False otherwise."),
    FnDef::def("remote_exec", "pid, script", remote_exec).doc(
        "Executes a file containing Python code in a given remote Python process.\n\nThis function returns immediately, and the code will \
         be executed by the\ntarget process's main thread at the next available opportunity, similarly\nto how signals are handled. There \
         is no interface to determine when the\ncode has been executed. The caller is responsible for making sure that\nthe file still \
         exists whenever the remote process tries to read it and that\nit hasn't been overwritten.\n\nArgs:\n     pid (int): The process \
         ID of the target Python process.\n     script (str|bytes): The path to a file containing\n         the Python code to be executed.",
    ),
];

/// The longest path, with the NUL behind it.
const PATH_SIZE: usize = 4096;
const SECTION: &[u8] = b".limpid.remote";
const MAGIC: [u8; 8] = *b"LIMPIDR1";
/// Which byte of the eval breaker the request is.
const REQUEST_BYTE: usize = request::REMOTE_SCRIPT.trailing_zeros() as usize / 8;
const _: () = assert!(request::REMOTE_SCRIPT == 1 << (REQUEST_BYTE * 8) && cfg!(target_endian = "little"));

/// What others write into; see the module's page.
#[repr(C)]
struct Mailbox {
    magic: [u8; 8],
    /// May others send scripts?
    enabled: AtomicU32,
    /// A path has been written.
    pending: AtomicU32,
    /// The eval breaker of the main thread.
    breaker: AtomicPtr<AtomicU32>,
    path: [AtomicU8; PATH_SIZE],
}

/// This process's mailbox.
#[used]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".limpid.remote"))]
static MAILBOX: Mailbox = Mailbox {
    magic: MAGIC,
    enabled: AtomicU32::new(0),
    pending: AtomicU32::new(0),
    breaker: AtomicPtr::new(std::ptr::null_mut()),
    path: [const { AtomicU8::new(0) }; PATH_SIZE],
};

/// The main thread is this one: it gets the scripts, unless the options say that nobody may send any.
pub(crate) fn open(t: &Thread) {
    let options = &t.runtime().options;
    let disabled = options.x_options.iter().any(|(name, _)| name == "disable-remote-debug")
        || !options.ignore_environment && std::env::var_os("PYTHON_DISABLE_REMOTE_DEBUG").is_some_and(|v| !v.is_empty());
    MAILBOX.breaker.store((&raw const t.mutator.eval_breaker).cast_mut(), Release);
    MAILBOX.enabled.store(u32::from(!disabled), Release);
}

/// The main thread is about to go.
pub(crate) fn close() {
    MAILBOX.enabled.store(0, Release);
}

fn is_enabled() -> bool {
    MAILBOX.enabled.load(Relaxed) != 0
}

/// Runs the script that was sent. What it raises is told of, and no more.
pub(crate) fn run_script(t: &Thread) {
    if !is_enabled() || MAILBOX.pending.swap(0, Acquire) == 0 {
        return;
    }
    let path: Vec<u8> = MAILBOX.path.iter().map(|b| b.load(Relaxed)).take_while(|b| *b != 0).collect();
    if run_file(t, &path).is_err() {
        error_report::unraisable_with_message(t, "Exception ignored while running a remote debugger script", Value::NONE);
    }
}

fn run_file(t: &Thread, path: &[u8]) -> R<()> {
    let path = super::decode_filesystem(t, path)?.value();
    super::audit(t, "cpython.remote_debugger_script", &[path])?;
    let file = call::call(t, attr::get_attr_text(t, import_text(t, "io")?, "open_code")?, &[path])?;
    let source = call::call_method(t, file, names::read, &[]);
    call::call_method(t, file, names::close, &[])?;
    let builtins = import_text(t, "builtins")?;
    let mode = Str::new(t, "exec").value();
    let code = call::call(t, attr::get_attr_text(t, builtins, "compile")?, &[source?, path, mode])?;
    let namespace = Dict::new(t);
    namespace.set_text(t, "__name__", Str::new(t, "__main__").value())?;
    namespace.set_text(t, "__file__", path)?;
    call::call(t, attr::get_attr_text(t, builtins, "exec")?, &[code, namespace.value()]).map(|_| ())
}

fn remote_exec(t: &Thread, a: &[Value]) -> R {
    let pid = int::to_i32(t, a[0])?;
    let encode = attr::get_attr_text(t, import_text(t, "os")?, "fsencode")?;
    let path = call::call(t, encode, &[a[1]])?;
    let Some(bytes) = path.downcast::<Bytes>() else { raise!(t, TypeError, "the script's path must be str or bytes") };
    super::audit(t, "sys.remote_exec", &[a[0], a[1]])?;
    if !is_enabled() {
        raise!(t, RuntimeError, "Remote debugging is not enabled");
    }
    let path = bytes.as_slice();
    if let Err(error) = File::open(OsStr::from_bytes(path)) {
        return Err(raise_os_error_with_names(t, &error, a[1], Value::NULL));
    }
    if path.len() >= PATH_SIZE || path.contains(&0) {
        raise!(t, ValueError, "the script's path is too long, or has a null character");
    }
    let sent = send(pid, path);
    sent.map_err(|problem| problem.raise(t, pid))?;
    // In this process it happens at once.
    t.poll()?;
    Ok(Value::NONE)
}

/// Why a script cannot be sent.
enum Problem {
    System(io::Error),
    NoMailbox,
    Disabled,
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Problem {
        Problem::System(error)
    }
}

impl Problem {
    fn raise(&self, t: &Thread, pid: i32) -> Raised {
        match self {
            Problem::System(error) => raise_os_error(t, error),
            Problem::NoMailbox => t.raise(exc::RuntimeError, &format!("process {pid} is no Python of this kind")),
            Problem::Disabled => t.raise(exc::RuntimeError, "Remote debugging is not enabled in the remote process"),
        }
    }
}

fn send(pid: i32, path: &[u8]) -> Result<(), Problem> {
    let process = Process(pid);
    let mailbox = process.find_mailbox()?;
    if process.read::<8>(mailbox)? != MAGIC {
        return Err(Problem::NoMailbox);
    }
    if u32::from_ne_bytes(process.read(mailbox + offset_of!(Mailbox, enabled))?) == 0 {
        return Err(Problem::Disabled);
    }
    let breaker = usize::from_ne_bytes(process.read(mailbox + offset_of!(Mailbox, breaker))?);
    process.write(mailbox + offset_of!(Mailbox, path), &[path, &[0]].concat())?;
    process.write(mailbox + offset_of!(Mailbox, pending), &1u32.to_ne_bytes())?;
    Ok(process.write(breaker + REQUEST_BYTE, &[1])?)
}

/// A process by its number.
struct Process(i32);

impl Process {
    fn read<const N: usize>(&self, address: usize) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        let local = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: N };
        let remote = libc::iovec { iov_base: address as *mut _, iov_len: N };
        // SAFETY: this memory is as long as told; the other's address is the system's affair.
        complete(unsafe { libc::process_vm_readv(self.0, &raw const local, 1, &raw const remote, 1, 0) }, N)?;
        Ok(bytes)
    }

    fn write(&self, address: usize, bytes: &[u8]) -> io::Result<()> {
        let local = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
        let remote = libc::iovec { iov_base: address as *mut _, iov_len: bytes.len() };
        // SAFETY: as above.
        complete(unsafe { libc::process_vm_writev(self.0, &raw const local, 1, &raw const remote, 1, 0) }, bytes.len())
    }

    /// Where its mailbox is: the section is found in the executable, the executable in the process's memory.
    fn find_mailbox(&self) -> Result<usize, Problem> {
        let path = format!("/proc/{}/exe", self.0);
        let mut file = File::open(&path)?;
        let metadata = file.metadata()?;
        let offset = section_offset(&mut file)?.ok_or(Problem::NoMailbox)?;
        let maps = fs::read_to_string(format!("/proc/{}/maps", self.0))?;
        let address = maps.lines().find_map(|line| {
            let mut fields = line.split_ascii_whitespace();
            let (start, end) = fields.next()?.split_once('-')?;
            let (start, end) = (usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?);
            let at = usize::from_str_radix(fields.nth(1)?, 16).ok()?;
            let inode: u64 = fields.nth(1)?.parse().ok()?;
            (inode == metadata.ino() && (at..at + (end - start)).contains(&offset)).then(|| start + (offset - at))
        });
        address.ok_or(Problem::NoMailbox)
    }
}

fn complete(done: isize, wanted: usize) -> io::Result<()> {
    match done {
        -1 => Err(io::Error::last_os_error()),
        n if n as usize == wanted => Ok(()),
        _ => Err(io::Error::from_raw_os_error(libc::EFAULT)),
    }
}

/// Where the mailbox's section is in an ELF file of 64 bits; None if it has none.
fn section_offset(file: &mut File) -> io::Result<Option<usize>> {
    let header = read_at::<64>(file, 0)?;
    if header[..5] != *b"\x7fELF\x02" {
        return Ok(None);
    }
    let (table, size, count, names) =
        (number(&header[0x28..0x30]), number(&header[0x3a..0x3c]), number(&header[0x3c..0x3e]), number(&header[0x3e..0x40]));
    let section = |file: &mut File, i: u64| read_at::<64>(file, table + i * size);
    let names = number(&section(file, names)?[0x18..0x20]);
    for i in 0..count {
        let header = section(file, i)?;
        let mut name = [0; SECTION.len() + 1];
        file.seek(SeekFrom::Start(names + number(&header[..4])))?;
        // The last name of the table may be shorter than what is left of the file.
        if file.read(&mut name)? == name.len() && name[..SECTION.len()] == *SECTION && name[SECTION.len()] == 0 {
            return Ok(Some(number(&header[0x18..0x20]) as usize));
        }
    }
    Ok(None)
}

fn read_at<const N: usize>(file: &mut File, offset: u64) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// A little-endian number.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |n, b| n << 8 | u64::from(*b))
}
