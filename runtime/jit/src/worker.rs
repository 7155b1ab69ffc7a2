//! The thread that makes machine code while the program goes on.
//!
//! Jobs are done in the order in which they come. The worker is started with the first one; it touches no Python object and is no thread of
//! the runtime.

use crate::backend::{self, Job};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicPtr, Ordering::*};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The worker may be waiting while the process forks, so it does it by the standard library's means, which have no state but their own.
struct Queue {
    jobs: Mutex<VecDeque<Job>>,
    wake: Condvar,
}

/// The queue of the running worker, NULL while there is none. Never freed, for the worker waits on it.
static QUEUE: AtomicPtr<Queue> = AtomicPtr::new(std::ptr::null_mut());
/// Held while a worker is started.
static START: Mutex<()> = Mutex::new(());

/// Has a job done soon; at once if there can be no worker.
pub fn submit(job: Job) {
    match queue() {
        Some(queue) => {
            lock(&queue.jobs).push_back(job);
            queue.wake.notify_one();
        }
        None => backend::make(job),
    }
}

fn queue() -> Option<&'static Queue> {
    let mut queue = QUEUE.load(Acquire);
    if queue.is_null() {
        let _guard = lock(&START);
        queue = QUEUE.load(Acquire);
        if queue.is_null() {
            queue = start()?;
            QUEUE.store(queue, Release);
        }
    }
    // SAFETY: never freed.
    Some(unsafe { &*queue })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn start() -> Option<*mut Queue> {
    let queue: &'static Queue = Box::leak(Box::new(Queue { jobs: Mutex::default(), wake: Condvar::new() }));
    let worker = std::thread::Builder::new().name("jit".to_owned());
    // A new thread has its parent's signal mask: signals are for the threads of the program.
    let spawned = without_signals(|| worker.spawn(|| work(queue)));
    spawned.ok().map(|_| std::ptr::from_ref(queue).cast_mut())
}

fn without_signals<T>(f: impl FnOnce() -> T) -> T {
    // SAFETY: plain calls with valid pointers.
    unsafe {
        let (mut all, mut before) = (std::mem::zeroed(), std::mem::zeroed());
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before);
        let result = f();
        libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut());
        result
    }
}

fn work(queue: &Queue) {
    let mut jobs = lock(&queue.jobs);
    loop {
        match jobs.pop_front() {
            Some(job) => {
                drop(jobs);
                backend::make(job);
                jobs = lock(&queue.jobs);
            }
            None => jobs = queue.wake.wait(jobs).unwrap_or_else(PoisonError::into_inner),
        }
    }
}

/// In a child process after a fork: there is no worker, and what it had to do is not done.
pub fn after_fork() {
    QUEUE.store(std::ptr::null_mut(), Release);
}
