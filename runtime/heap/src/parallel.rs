//! The threads that help a full collection to mark.
//!
//! They are started when the first collection is big enough to need them, and then wait for the next one. Work is divided on demand: a
//! thread that has run out says so, and one that has plenty gives half of it away.

use crate::sync::{lock, wait};
use crate::tracer::Tracer;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, MutexGuard};

/// Cells and stretches of arrays to scan.
#[derive(Default)]
pub(crate) struct Work {
    pub(crate) cells: Vec<usize>,
    pub(crate) slices: Vec<Range<usize>>,
}

struct Marking {
    /// Work that nobody has yet.
    spare: Vec<Work>,
    /// Threads that take part, those of them that have no work, and those that have left because there is none.
    threads: usize,
    idle: usize,
    gone: usize,
    /// Helpers that exist, and those that still have to join the current marking.
    helpers: usize,
    to_join: usize,
}

static MARKING: Mutex<Marking> = Mutex::new(Marking { spare: Vec::new(), threads: 0, idle: 0, gone: 0, helpers: 0, to_join: 0 });
/// There is work, or all of it is done.
static NEWS: Condvar = Condvar::new();
/// A helper has nothing to do.
static HUNGRY: AtomicBool = AtomicBool::new(false);
/// Helpers to have at most.
static WANTED: AtomicUsize = AtomicUsize::new(0);

/// Sets how many threads mark, the collecting one included; 0 for as many as there are cores, at most four.
pub(crate) fn configure(threads: usize) {
    let threads = match threads {
        0 => std::thread::available_parallelism().map_or(1, |n| n.get()).min(4),
        n => n,
    };
    WANTED.store(threads - 1, Relaxed);
}

/// Is there a thread without work?
#[inline(always)]
pub(crate) fn hungry() -> bool {
    HUNGRY.load(Relaxed)
}

/// Gives work away.
pub(crate) fn give(work: Work) {
    lock(&MARKING).spare.push(work);
    NEWS.notify_all();
}

/// Waits for work; None when no thread has any: marking is done.
pub(crate) fn take() -> Option<Work> {
    let mut marking = lock(&MARKING);
    marking.idle += 1;
    loop {
        if let Some(work) = marking.spare.pop() {
            marking.idle -= 1;
            HUNGRY.store(marking.idle > 0, Relaxed);
            return Some(work);
        }
        if marking.idle == marking.threads {
            NEWS.notify_all();
            return None;
        }
        HUNGRY.store(true, Relaxed);
        marking = wait(&NEWS, marking);
    }
}

/// Scans `work` and all it leads to, with helpers.
pub(crate) fn mark(work: Work) {
    let wanted = WANTED.load(Relaxed);
    let mut marking = lock(&MARKING);
    while marking.helpers < wanted && spawn_helper() {
        marking.helpers += 1;
    }
    marking.threads = marking.helpers + 1;
    marking.idle = 0;
    marking.gone = 0;
    marking.to_join = marking.helpers;
    drop(marking);
    NEWS.notify_all();
    let mut tracer = Tracer::for_helper();
    tracer.add_work(work);
    tracer.drain();
    // All helpers have left before the next marking can start.
    let mut marking = lock(&MARKING);
    while marking.gone < marking.helpers {
        marking = wait(&NEWS, marking);
    }
    HUNGRY.store(false, Relaxed);
}

/// Does marking in parallel pay, or is it switched off?
pub(crate) fn wanted() -> bool {
    WANTED.load(Relaxed) > 0
}

/// Keeps helpers from changing anything, over a fork.
pub(crate) struct Held(MutexGuard<'static, Marking>);

pub(crate) fn hold() -> Held {
    Held(lock(&MARKING))
}

/// The child of a fork has no helpers; it starts new ones when it needs them.
pub(crate) fn forget_helpers(mut held: Held) {
    held.0.helpers = 0;
}

fn spawn_helper() -> bool {
    // Signals are for the threads of the program: a helper inherits a mask that blocks them all.
    // SAFETY: the sets are initialised before they are used.
    unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        let mut before: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before);
        let spawned = std::thread::Builder::new().name("gc-mark".into()).stack_size(256 << 10).spawn(help);
        libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut());
        spawned.is_ok()
    }
}

fn help() {
    loop {
        let mut marking = lock(&MARKING);
        while marking.to_join == 0 {
            marking = wait(&NEWS, marking);
        }
        marking.to_join -= 1;
        drop(marking);
        Tracer::for_helper().drain();
        let mut marking = lock(&MARKING);
        marking.gone += 1;
        NEWS.notify_all();
    }
}
