//! The attached threads, and stopping them all.
//!
//! A thread is *attached* while it may touch cells, *detached* while it does not (before its first and after its last cell, and around
//! calls that block), and *suspended* while the world is stopped. Only attached threads are waited for: a detached one is suspended on
//! the spot by changing its state, and its attempt to attach fails until the world runs again.
//!
//! ```text
//!                attach, by the thread
//!           .------------------------------.
//!           |                              v
//!       DETACHED                       ATTACHED
//!       |     ^ ^                       |    |
//!  stop |     | '-----------------------'    | at a safepoint, by the thread,
//!       v     | resume    detach             | when a stop is wanted
//!      SUSPENDED <---------------------------'
//! ```
//!
//! Whoever leaves ATTACHED has published its stack pointer with its registers spilled above it.

use crate::embedder::embedder;
use crate::lock::{free_immortal_locks, free_locks_of};
use crate::mutator::Mutator;
use crate::spill::{stack_base, with_spilled};
use crate::sync::{lock, wait};
use std::ffi::CStr;
use std::ptr;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// A bit of [`Mutator::eval_breaker`]: the world is being stopped, go to a safepoint.
pub const STOP: u32 = 1;
/// A bit of [`Mutator::eval_breaker`]: the heap is over its limit; raise the out-of-memory error and clear the bit.
pub const MEMORY: u32 = 2;
/// A bit of [`Mutator::eval_breaker`]: a collection is due; call [`Mutator::collect_as_asked`].
pub const COLLECT: u32 = 1 << 16;

pub(crate) const DETACHED: u32 = 0;
pub(crate) const ATTACHED: u32 = 1;
const SUSPENDED: u32 = 2;

pub(crate) struct World {
    threads: Mutex<Threads>,
    /// The world runs again.
    resumed: Condvar,
    /// A thread has left ATTACHED while a stop is going on.
    left: Condvar,
}

struct Threads {
    mutators: Vec<*const Mutator>,
    /// The thread that stops the world or has stopped it.
    stopper: *const Mutator,
    /// How many stops of that thread are nested.
    depth: u32,
    stats: StopStats,
}

// SAFETY: mutators are address-stable from `attach` to `detach_for_exit`; others touch only their atomics, or all of them while their
// threads are suspended.
unsafe impl Send for Threads {}

/// Figures over all stops of the world so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct StopStats {
    /// How often the world was stopped.
    pub stops: u64,
    /// Nanoseconds from the wish to stop until all threads stood still.
    pub waited: u64,
    /// Nanoseconds from then until they could go on.
    pub stopped: u64,
    /// The longest single stop, waiting included.
    pub longest: u64,
}

pub(crate) static WORLD: World = World {
    threads: Mutex::new(Threads {
        mutators: Vec::new(),
        stopper: ptr::null(),
        depth: 0,
        stats: StopStats { stops: 0, waited: 0, stopped: 0, longest: 0 },
    }),
    resumed: Condvar::new(),
    left: Condvar::new(),
};

/// Proof that every attached thread but the current one stands still.
pub struct StoppedWorld {
    _private: (),
}

impl StoppedWorld {
    /// Calls a function with each attached thread, the stopping one included.
    pub fn each_mutator(&self, mut f: impl FnMut(&Mutator)) {
        for &mutator in &lock(&WORLD.threads).mutators {
            // SAFETY: it stays attached, hence valid, while the world is stopped; its own thread does not run (or is this one).
            f(unsafe { &*mutator });
        }
    }
}

/// Figures over all stops so far.
pub fn stop_stats() -> StopStats {
    lock(&WORLD.threads).stats
}

impl World {
    fn attach(&self, mutator: &Mutator) {
        let mut threads = lock(&self.threads);
        while !threads.stopper.is_null() {
            threads = wait(&self.resumed, threads);
        }
        mutator.state.store(ATTACHED, SeqCst);
        threads.mutators.push(mutator);
    }

    fn detach_for_exit(&self, mutator: &Mutator) {
        let mut threads = lock(&self.threads);
        // Not while somebody stops the world: the collector may be reading this thread's stack.
        while !threads.stopper.is_null() && !ptr::eq(threads.stopper, mutator) {
            threads = self.suspend(mutator, threads);
        }
        mutator.retire();
        mutator.state.store(DETACHED, SeqCst);
        threads.mutators.retain(|other| !ptr::eq(*other, mutator));
    }

    /// Suspends the current, attached thread until the stop that is going on has ended. Its stack pointer is published.
    fn suspend<'a>(&self, m: &Mutator, mut threads: MutexGuard<'a, Threads>) -> MutexGuard<'a, Threads> {
        m.state.store(SUSPENDED, SeqCst);
        self.left.notify_all();
        loop {
            threads = wait(&self.resumed, threads);
            if m.state.compare_exchange(DETACHED, ATTACHED, SeqCst, SeqCst).is_ok() {
                return threads;
            }
        }
    }

    fn stop(&self, me: &Mutator) {
        let mut threads = lock(&self.threads);
        if ptr::eq(threads.stopper, me) {
            threads.depth += 1;
            return;
        }
        while !threads.stopper.is_null() {
            threads = self.suspend(me, threads);
        }
        threads.stopper = me;
        threads.depth = 1;
        let mut running = Vec::with_capacity(threads.mutators.len());
        for &mutator in threads.mutators.iter().filter(|m| !ptr::eq(**m, me)) {
            // SAFETY: attached, hence valid.
            let mutator = unsafe { &*mutator };
            mutator.eval_breaker.fetch_or(STOP, SeqCst);
            running.push(mutator);
        }
        loop {
            running.retain(|m| match m.state.compare_exchange(DETACHED, SUSPENDED, SeqCst, SeqCst) {
                Ok(_) => false,
                Err(state) => state == ATTACHED,
            });
            if running.is_empty() {
                return;
            }
            threads = wait(&self.left, threads);
        }
    }

    /// Ends a stop; tells whether it was the outermost.
    fn resume(&self, waited: u64, since: Instant) -> bool {
        let mut threads = lock(&self.threads);
        threads.depth -= 1;
        if threads.depth > 0 {
            return false;
        }
        for &mutator in threads.mutators.iter().filter(|m| !ptr::eq(**m, threads.stopper)) {
            // SAFETY: attached, hence valid.
            let mutator = unsafe { &*mutator };
            mutator.eval_breaker.fetch_and(!STOP, SeqCst);
            // All of them are suspended, unless they were not waited for.
            let _ = mutator.state.compare_exchange(SUSPENDED, DETACHED, SeqCst, SeqCst);
        }
        threads.stopper = ptr::null();
        let stopped = since.elapsed().as_nanos() as u64;
        threads.stats.stops += 1;
        threads.stats.waited += waited;
        threads.stats.stopped += stopped;
        threads.stats.longest = threads.stats.longest.max(waited + stopped);
        self.resumed.notify_all();
        true
    }
}

/// Attaches again when a blocking call is over, also if it ends in a panic.
struct Reattach<'a>(&'a Mutator);

impl Drop for Reattach<'_> {
    fn drop(&mut self) {
        let state = &self.0.state;
        if state.compare_exchange(DETACHED, ATTACHED, SeqCst, SeqCst).is_err() {
            let mut threads = lock(&WORLD.threads);
            while state.compare_exchange(DETACHED, ATTACHED, SeqCst, SeqCst).is_err() {
                threads = wait(&WORLD.resumed, threads);
            }
        }
    }
}

impl Mutator {
    /// Makes the current operating-system thread one of those that may touch cells. Waits while the world is stopped.
    ///
    /// # Safety
    /// `self` stays where it is until [`Mutator::detach_for_exit`], which this same thread calls; other mutators of the thread are in
    /// [`Mutator::blocking`] meanwhile. All other functions of the mutator are called by this thread only.
    pub unsafe fn attach(&self) {
        self.stack_base.store(stack_base(), Relaxed);
        WORLD.attach(self);
    }

    /// The opposite of [`Mutator::attach`]: the current thread touches no cell from now on.
    pub fn detach_for_exit(&self) {
        with_spilled(|sp| {
            self.sp.store(sp, Relaxed);
            WORLD.detach_for_exit(self);
        });
    }

    /// Stands still here if the world is being stopped. A loop that runs for long calls this now and then.
    #[inline(always)]
    pub fn safepoint(&self) {
        if self.eval_breaker.load(Relaxed) & STOP != 0 {
            self.park();
        }
    }

    #[cold]
    #[inline(never)]
    fn park(&self) {
        with_spilled(|sp| {
            let threads = lock(&WORLD.threads);
            if !threads.stopper.is_null() && !ptr::eq(threads.stopper, self) {
                self.sp.store(sp, Relaxed);
                drop(WORLD.suspend(self, threads));
            }
        });
    }

    /// Runs `f`, which may wait for something, detached: the world can be stopped meanwhile. `f` touches no cell.
    #[inline]
    pub fn blocking<R>(&self, f: impl FnOnce() -> R) -> R {
        with_spilled(|sp| {
            debug_assert_eq!(self.state.load(Relaxed), ATTACHED);
            let _reattach = self.leave(sp);
            f()
        })
    }

    /// Detaches until the result is dropped. `sp` is where the stack ends that may refer to cells.
    fn leave(&self, sp: usize) -> Reattach<'_> {
        self.sp.store(sp, Relaxed);
        self.state.store(DETACHED, SeqCst);
        // A stop that began before this thread's state changed waits to be told.
        if self.eval_breaker.load(SeqCst) & STOP != 0 {
            let _threads = lock(&WORLD.threads);
            WORLD.left.notify_all();
        }
        Reattach(self)
    }

    /// Runs `f` attached, inside of what [`Mutator::blocking`] runs: a callback of a library that waits for input. What surrounds it on
    /// the stack still refers to no cell.
    pub fn unblocking<R>(&self, f: impl FnOnce() -> R) -> R {
        let sp = self.sp.load(Relaxed);
        drop(Reattach(self));
        struct Leave<'a>(&'a Mutator, usize);
        impl Drop for Leave<'_> {
            fn drop(&mut self) {
                std::mem::forget(self.0.leave(self.1));
            }
        }
        let _leave = Leave(self, sp);
        f()
    }

    /// Is the thread suspended while the world is stopped?
    pub fn stands_still(&self) -> bool {
        self.state.load(SeqCst) == SUSPENDED
    }

    /// Runs `f` while all other attached threads stand still. Stops of one thread nest; of two threads that want to stop the world the
    /// second stands still until the first is done.
    pub fn stop_world<R>(&self, reason: &'static CStr, f: impl FnOnce(&StoppedWorld) -> R) -> R {
        with_spilled(|sp| {
            let start = Instant::now();
            let outer = self.sp.swap(sp, Relaxed);
            WORLD.stop(self);
            let waited = start.elapsed().as_nanos() as u64;
            let since = Instant::now();
            let resume = Resume { mutator: self, outer, reason, waited, since };
            // A stop waited for may itself have published this thread's stack pointer.
            self.sp.store(sp, Relaxed);
            let result = f(&StoppedWorld { _private: () });
            drop(resume);
            result
        })
    }
}

/// Lets the world run again when a stop is over, also if it ends in a panic.
struct Resume<'a> {
    mutator: &'a Mutator,
    outer: usize,
    reason: &'static CStr,
    waited: u64,
    since: Instant,
}

impl Drop for Resume<'_> {
    fn drop(&mut self) {
        self.mutator.sp.store(self.outer, Relaxed);
        if WORLD.resume(self.waited, self.since) {
            embedder().world_stopped(self.reason, self.waited, self.since.elapsed().as_nanos() as u64);
        }
    }
}

/// The other threads stand still, as far as they have come to do so, until this is dropped.
pub struct Halt {
    since: Instant,
}

impl Drop for Halt {
    fn drop(&mut self) {
        WORLD.resume(0, self.since);
    }
}

/// Has the other threads stand still, for one that is in a signal handler and has something to say before the process ends: it waits neither
/// for a lock nor for a thread longer than `patience`, and allocates nothing. Which threads stand still then, [`Mutator::stands_still`]
/// tells. None: somebody else stops them just now, or keeps the list of them locked.
pub fn halt_others(me: &Mutator, patience: Duration) -> Option<Halt> {
    let since = Instant::now();
    let try_lock = || {
        loop {
            match WORLD.threads.try_lock() {
                Ok(threads) => return Some(threads),
                Err(_) if since.elapsed() > patience => return None,
                Err(_) => std::thread::sleep(PAUSE),
            }
        }
    };
    let mut threads = try_lock()?;
    if !threads.stopper.is_null() && !ptr::eq(threads.stopper, me) {
        return None;
    }
    threads.stopper = me;
    threads.depth += 1;
    drop(threads);
    let halt = Halt { since };
    while let Some(threads) = try_lock() {
        let others = threads.mutators.iter().filter(|m| !ptr::eq(**m, me));
        let running = others.fold(false, |running, &m| {
            // SAFETY: attached, hence valid.
            let m = unsafe { &*m };
            m.eval_breaker.fetch_or(STOP, SeqCst);
            running | (m.state.compare_exchange(DETACHED, SUSPENDED, SeqCst, SeqCst) == Err(ATTACHED))
        });
        drop(threads);
        if !running || since.elapsed() > patience {
            break;
        }
        std::thread::sleep(PAUSE);
    }
    Some(halt)
}

/// How long [`halt_others`] waits before it looks again.
const PAUSE: Duration = Duration::from_millis(1);

/// Do all other threads wait for something, detached?
pub(crate) fn others_wait(m: &Mutator) -> bool {
    let threads = lock(&WORLD.threads);
    // SAFETY: attached threads are valid.
    threads.mutators.iter().all(|other| ptr::eq(*other, m) || unsafe { &**other }.state.load(Relaxed) == DETACHED)
}

/// Is the world stopped, and by this thread?
pub(crate) fn is_stopped_by(m: &Mutator) -> bool {
    ptr::eq(lock(&WORLD.threads).stopper, m)
}

/// Stops the world for a fork.
pub(crate) fn begin_fork(m: &Mutator) {
    with_spilled(|sp| {
        m.sp.store(sp, Relaxed);
        WORLD.stop(m);
    });
}

pub(crate) fn end_fork() {
    WORLD.resume(0, Instant::now());
}

/// Keeps detached threads from attaching, over a fork.
pub(crate) struct Held(MutexGuard<'static, Threads>);

pub(crate) fn hold() -> Held {
    Held(lock(&WORLD.threads))
}

/// Leaves `m` as the only thread. What the others have remembered of old cells, and registered, counts on.
pub(crate) fn forget_others(mut held: Held, m: &Mutator) {
    // Mutators on the same stack are this same thread's, which waits in them.
    // SAFETY: attached when the process was forked, hence valid.
    let is_here = |other: &*const Mutator| unsafe { &**other }.stack_base() == m.stack_base();
    for &other in held.0.mutators.iter().filter(|other| !is_here(other)) {
        // SAFETY: attached when the process was forked, hence valid; its thread does not exist here, and its stack was copied.
        unsafe {
            free_locks_of(&*other);
            (*other).retire();
        }
    }
    // SAFETY: there is one thread only.
    unsafe { free_immortal_locks() };
    held.0.mutators.retain(is_here);
}
