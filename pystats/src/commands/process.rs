//! Other processes: those that run already, and those that are started for a subcommand.

use super::Error;
use std::ffi::{OsStr, OsString};
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::{env, fs};

/// The path of what a process runs.
pub fn executable(pid: u32) -> Result<PathBuf, Error> {
    let path = fs::read_link(format!("/proc/{pid}/exe")).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => format!("there is no process {pid}"),
        io::ErrorKind::PermissionDenied => format!("process {pid} belongs to another user: run this as root"),
        _ => format!("process {pid}: {error}"),
    })?;
    if !path.exists() {
        return Err(format!("process {pid} runs {}: the file is gone, so no tracer can read it", path.display()).into());
    }
    Ok(path)
}

/// Makes a named pipe that only this user may open.
#[cfg(feature = "trace")]
pub fn make_pipe(path: &Path) -> Result<(), Error> {
    let name = std::ffi::CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: the name is a string.
    if unsafe { libc::mkfifo(name.as_ptr(), 0o600) } < 0 {
        return Err(format!("{}: {}", path.display(), io::Error::last_os_error()).into());
    }
    Ok(())
}

/// Is there such a process, and has it not ended?
pub fn exists(pid: u32) -> bool {
    // After the name, which may have any characters but ends with the last parenthesis, comes the state; Z and X have ended.
    let stat = fs::read(format!("/proc/{pid}/stat")).unwrap_or_default();
    let end = stat.iter().rposition(|&byte| byte == b')');
    end.and_then(|end| stat.get(end + 2)).is_some_and(|state| !b"ZX".contains(state))
}

/// The real path of a program, looked for as a shell does.
pub fn find(program: &OsStr) -> Result<PathBuf, Error> {
    let found = if program.as_bytes().contains(&b'/') {
        Some(PathBuf::from(program))
    } else {
        let path = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&path).map(|folder| folder.join(program)).find(|path| path.is_file())
    };
    let found = found.ok_or_else(|| format!("{}: there is no such program in PATH", program.display()))?;
    Ok(fs::canonicalize(&found).map_err(|error| format!("{}: {error}", found.display()))?)
}

/// The exit status to end with after a program ended so: a signal counts as in a shell.
pub fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// From now on Ctrl-C only shows in [`interrupted`].
pub fn catch_interrupts() {
    extern "C" fn note(_signal: i32) {
        INTERRUPTED.store(true, Ordering::Relaxed);
    }
    for signal in [libc::SIGINT, libc::SIGTERM] {
        // SAFETY: the handler only stores to an atomic.
        unsafe { libc::signal(signal, note as *const () as libc::sighandler_t) };
    }
}

/// Has Ctrl-C been pressed?
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// A program that has been started but stands still before its first instruction, so that there is time to attach to it.
///
/// The process waits in a pipe before it becomes the program. Starting it returns when it has, so another thread does that.
pub struct Stopped {
    /// The process.
    pub pid: u32,
    go: Option<PipeWriter>,
    start: Option<JoinHandle<io::Result<Child>>>,
    child: Option<Child>,
}

impl Stopped {
    /// Starts a program.
    pub fn start(program: &Path, arguments: &[OsString]) -> Result<Stopped, Error> {
        let (mut pid_of_child, told) = io::pipe()?;
        let (waiting, go) = io::pipe()?;
        let mut command = Command::new(program);
        command.args(arguments);
        let parents_end = go.as_raw_fd();
        // SAFETY: between fork and exec only system calls are made.
        unsafe { command.pre_exec(move || stand_still(&told, &waiting, parents_end)) };
        let start = std::thread::spawn(move || command.spawn());
        let mut pid = [0; 4];
        pid_of_child.read_exact(&mut pid)?;
        Ok(Stopped { pid: u32::from_ne_bytes(pid), go: Some(go), start: Some(start), child: None })
    }

    /// Lets it run.
    pub fn go(&mut self) -> Result<(), Error> {
        if let Some(mut go) = self.go.take() {
            go.write_all(b"!")?;
        }
        if let Some(start) = self.start.take() {
            self.child = Some(start.join().map_err(|_| "the program could not be started")??);
        }
        Ok(())
    }

    /// How it ended, if it has.
    pub fn status(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.as_mut().map_or(Ok(None), Child::try_wait)
    }

    /// Waits until it ends.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.as_mut().ok_or_else(|| io::Error::other("the program was not started"))?.wait()
    }
}

impl Drop for Stopped {
    /// A process that was never let go ends; it is waited for, because it still tells this one why it became no program.
    fn drop(&mut self) {
        drop(self.go.take());
        if let Some(start) = self.start.take() {
            let _ = start.join();
        }
    }
}

/// Tells the process's number and waits for a byte. Without one the parent has given up: then there is nothing to run.
fn stand_still(told: &PipeWriter, waiting: &PipeReader, parents_end: i32) -> io::Result<()> {
    // SAFETY: this process's copy of the parent's end, which nobody here uses; otherwise it would wait for itself.
    unsafe { libc::close(parents_end) };
    let (mut told, mut waiting) = (told, waiting);
    told.write_all(&std::process::id().to_ne_bytes())?;
    waiting.read_exact(&mut [0])
}
