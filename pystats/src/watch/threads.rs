//! The threads of a process: as the system knows them, and in which interpreter each runs Python code.

use super::process::{Error, Process};
use super::table;
use crate::offsets::Values;
use std::fs;

/// A thread, as the system knows it.
#[derive(Clone, Debug)]
pub struct Thread {
    /// Its number.
    pub tid: u32,
    /// Its name.
    pub name: String,
    /// R runs, S sleeps, D waits for a device.
    pub state: char,
    /// The processor time it has taken, in seconds.
    pub cpu: f64,
    /// The interpreter that it runs Python code in, 0 being the main one; None: it is one of the runtime's own, a compiler's or collector's.
    pub interpreter: Option<usize>,
}

/// What the threads of an interpreter do together.
#[derive(Debug)]
pub struct Interpreter {
    /// Its number; None stands for the threads that run no Python code.
    pub number: Option<usize>,
    /// How many threads it has.
    pub threads: usize,
    /// How many of them run.
    pub running: usize,
    /// The processor time that those took which it has now, in seconds.
    pub cpu: f64,
    /// The share of a processor that they took since the reading before.
    pub share: f64,
}

/// Tells which threads of a process run Python code.
pub struct Python {
    process: Process,
    at: Values<u64>,
}

impl Python {
    /// Opens a process.
    pub fn open(pid: u32) -> Result<Python, Error> {
        let (process, at) = table::open(pid)?;
        Ok(Python { process, at })
    }

    /// The threads, with their interpreters.
    pub fn threads(&self) -> Result<Vec<Thread>, Error> {
        let mut threads = threads(self.process.pid);
        let word = |thread, offset| table::word(&self.process, thread, offset).unwrap_or(0);
        let addresses = table::threads(&self.process, &self.at)?;
        let known: Vec<(u64, u64)> =
            addresses.into_iter().map(|thread| (word(thread, self.at.thread_id), word(thread, self.at.thread_interpreter))).collect();
        set_interpreters(&mut threads, &known);
        Ok(threads)
    }
}

/// Gives threads their interpreters, of which `known` has the numbers by thread. A thread that runs another interpreter for a while is there
/// twice: what it runs now comes first.
fn set_interpreters(threads: &mut [Thread], known: &[(u64, u64)]) {
    for thread in threads {
        thread.interpreter = known.iter().find(|(tid, _)| *tid == u64::from(thread.tid)).map(|(_, interpreter)| *interpreter as usize);
    }
}

/// The threads of a process as the system knows them, by number; none if it has ended meanwhile.
pub fn threads(pid: u32) -> Vec<Thread> {
    let entries = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let mut threads: Vec<Thread> = entries
        .filter_map(|entry| {
            let tid = entry.file_name().to_str()?.parse().ok()?;
            thread(tid, &fs::read_to_string(entry.path().join("stat")).ok()?)
        })
        .collect();
    threads.sort_by_key(|thread| thread.tid);
    threads
}

/// A thread from its line in /proc: `tid (name) state ...`; the 12th and 13th words after the name are ticks of processor time.
fn thread(tid: u32, stat: &str) -> Option<Thread> {
    let (before, after) = stat.rsplit_once(") ")?;
    let name = before.split_once('(')?.1.to_owned();
    let words: Vec<&str> = after.split(' ').collect();
    let ticks = words.get(11)?.parse::<u64>().ok()? + words.get(12)?.parse::<u64>().ok()?;
    // SAFETY: a plain query.
    let frequency = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    Some(Thread { tid, name, state: words.first()?.chars().next()?, cpu: ticks as f64 / frequency as f64, interpreter: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_threads_may_have_anything() {
        let thread = thread(5, "5 (a) (b) R 1 5 5 0 -1 4194304 97 0 0 0 300 100 0 0 20 0 1 0 9").unwrap();
        assert_eq!((thread.name.as_str(), thread.state), ("a) (b", 'R'));
        assert!((thread.cpu - 4.0).abs() < 0.01, "{}", thread.cpu);
    }

    #[test]
    fn a_thread_has_the_interpreter_that_it_runs_now() {
        let mut threads: Vec<_> = (5..9).map(|tid| thread(tid, "5 (a) R 1 5 5 0 -1 4194304 97 0 0 0 0 0 0 0").unwrap()).collect();
        set_interpreters(&mut threads, &[(5, 1), (8, 1), (5, 0), (7, 0)]);
        let numbers: Vec<_> = threads.iter().map(|thread| thread.interpreter).collect();
        assert_eq!(numbers, [Some(1), None, Some(0), Some(1)]);
    }
}
