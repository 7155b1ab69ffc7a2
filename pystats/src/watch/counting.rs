//! Has a running process count instructions for a while, from outside; [`crate::offsets`] tells how.
//!
//! Invariants
//! - The process is changed only while all its threads stand still, and only in the two places that the table of offsets names for that.
//! - Whether it does what is wanted is seen in its live segment. It does so when one of its threads next looks for requests: one that waits
//!   in native code looks when it comes back.

use super::process::{Error, Finder, Process};
use super::registers::Stopped;
use super::{table, threads};
use crate::folder;
use crate::offsets::Values;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What is wanted.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Wish {
    Count = 1,
    Write = 2,
}

/// A process that counts for somebody.
pub struct Counting {
    process: Process,
    live: Process,
    at: Values<u64>,
}

impl Counting {
    /// Opens a process.
    pub fn open(pid: u32) -> Result<Counting, Error> {
        let (process, at) = table::open(pid)?;
        Ok(Counting { process, live: Finder::default().open(pid)?, at })
    }

    /// Starts counting. False: the process has not begun to before `patience` was over.
    pub fn start(&self, patience: Duration) -> Result<bool, Error> {
        self.wish(Wish::Count)?;
        self.wait_for("counting", patience, |value| value != 0)
    }

    /// Is it counting already?
    pub fn is_on(&self) -> Result<bool, Error> {
        Ok(self.value("counting")? != 0)
    }

    /// Ends counting; the file with what was counted. None: the process has not written it before `patience` was over.
    pub fn finish(&self, patience: Duration) -> Result<Option<PathBuf>, Error> {
        let before = self.value("statistics_written")?;
        self.wish(Wish::Write)?;
        let written = self.wait_for("statistics_written", patience, |value| value != before)?;
        Ok(written.then(|| self.file()))
    }

    fn value(&self, name: &str) -> Result<u64, Error> {
        Ok(self.live.read()?.iter().find(|value| value.name == name).map_or(0, |value| value.value))
    }

    fn wait_for(&self, name: &str, patience: Duration, is_so: impl Fn(u64) -> bool) -> Result<bool, Error> {
        let end = Instant::now() + patience;
        loop {
            if is_so(self.value(name)?) {
                return Ok(true);
            }
            if Instant::now() > end {
                return Ok(false);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Tells the process.
    fn wish(&self, wish: Wish) -> Result<(), Error> {
        let pid = self.process.pid;
        let failed = |error| Error::new(pid, error);
        // As long as these live, nobody changes what is read and written here.
        let mut stopped: Vec<(u32, Stopped)> = Vec::new();
        loop {
            let known = stopped.len();
            for thread in threads::threads(pid) {
                if stopped.iter().all(|(tid, _)| *tid != thread.tid) {
                    match Stopped::new(thread.tid) {
                        Ok(guard) => stopped.push((thread.tid, guard)),
                        // It has ended meanwhile.
                        Err(error) if matches!(error.raw_os_error(), None | Some(libc::ESRCH)) => {}
                        Err(error) => return Err(failed(error)),
                    }
                }
            }
            // Until none is left that another one has started meanwhile.
            if stopped.len() == known {
                break;
            }
        }
        self.process.write(self.at.statistics_request, &[wish as u8]).map_err(failed)?;
        for thread in table::threads(&self.process, &self.at)? {
            let mut requests = [0; 4];
            self.process.memory(thread + self.at.thread_requests, &mut requests).map_err(failed)?;
            let asked = u32::from_ne_bytes(requests) | self.at.statistics_bit as u32;
            self.process.write(thread + self.at.thread_requests, &asked.to_ne_bytes()).map_err(failed)?;
        }
        Ok(())
    }

    /// Where the process writes what it has counted.
    fn file(&self) -> PathBuf {
        let pid = self.process.pid;
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let named = environment.split(|&byte| byte == 0).find_map(|entry| {
            let value = entry.strip_prefix(folder::VARIABLE.as_bytes())?.strip_prefix(b"=")?;
            (!value.is_empty()).then(|| String::from_utf8_lossy(value).into_owned())
        });
        // What it calls itself, in a container for instance.
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let own = status.lines().find_map(|line| line.strip_prefix("NSpid:")?.split_whitespace().last()?.parse().ok()).unwrap_or(pid);
        let named = named.unwrap_or_else(|| folder::DIRECTORY.to_owned());
        let within = if named.starts_with('/') { format!("root{named}") } else { format!("cwd/{named}") };
        PathBuf::from(format!("/proc/{pid}/{within}/live-{own}.txt"))
    }
}
