//! A thread that writes the stacks of all threads when a time is over.

use super::Target;
use crate::seconds::{self, Rounding, SECOND};
use limpid_heap::Value;
use limpid_vm::object::R;
use limpid_vm::protocol::truth::truth;
use limpid_vm::raise;
use limpid_vm::root::Root;
use limpid_vm::stack_dump::{self, Out};
use limpid_vm::thread::Thread;
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What the watchdog is told while it sleeps.
#[derive(Default)]
struct Leash {
    cancelled: Mutex<bool>,
    changed: Condvar,
}

struct Watchdog {
    leash: Arc<Leash>,
    thread: JoinHandle<()>,
    process: u32,
}

static WATCHDOG: Mutex<Option<Watchdog>> = Mutex::new(None);
/// Keeps the file object alive.
static FILE: Root = Root::new();

/// What the watchdog does.
struct Order {
    fd: i32,
    timeout: Duration,
    repeat: bool,
    exit: bool,
    header: String,
}

pub(super) fn start(t: &Thread, a: &[Value]) -> R {
    let timeout = seconds::nanoseconds(t, a[0], SECOND, Rounding::Timeout)?;
    let flag = |v: Value| if v.is_null() { Ok(false) } else { truth(t, v) };
    let (repeat, exit) = (flag(a[1])?, flag(a[3])?);
    if timeout <= 0 {
        raise!(t, ValueError, "timeout must be greater than 0")
    }
    let target = Target::new(t, a[2])?;
    cancel(t);
    FILE.set(target.file);
    let order = Order { fd: target.fd, timeout: Duration::from_nanos(timeout as u64), repeat, exit, header: header(timeout as u64 / 1000) };
    let leash: Arc<Leash> = Arc::default();
    let held = leash.clone();
    // Signals are for the program's threads.
    // SAFETY: signal sets of our own.
    let spawned = unsafe {
        let (mut all, mut old) = (std::mem::zeroed(), std::mem::zeroed());
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_BLOCK, &all, &mut old);
        let spawned = std::thread::Builder::new().spawn(move || watch(&order, &held));
        libc::pthread_sigmask(libc::SIG_SETMASK, &old, std::ptr::null_mut());
        spawned
    };
    match spawned {
        Ok(thread) => *WATCHDOG.lock() = Some(Watchdog { leash, thread, process: std::process::id() }),
        Err(_) => raise!(t, RuntimeError, "unable to start watchdog thread"),
    }
    Ok(Value::NONE)
}

fn header(microseconds: u64) -> String {
    let (seconds, rest) = (microseconds / 1_000_000, microseconds % 1_000_000);
    let clock = format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if rest == 0 { format!("Timeout ({clock})!\n") } else { format!("Timeout ({clock}.{rest:06})!\n") }
}

fn watch(order: &Order, leash: &Leash) {
    let mut deadline = Instant::now() + order.timeout;
    loop {
        {
            let mut cancelled = leash.cancelled.lock();
            while !*cancelled && Instant::now() < deadline {
                leash.changed.wait_until(&mut cancelled, deadline);
            }
            if *cancelled {
                return;
            }
        }
        let out = Out(order.fd);
        out.text(&order.header);
        stack_dump::all(out, false);
        if order.exit {
            // SAFETY: ends the process without clean-up, as was asked for.
            unsafe { libc::_exit(1) }
        }
        if !order.repeat {
            return;
        }
        deadline = Instant::now() + order.timeout;
    }
}

/// Calls the watchdog off and waits until it is gone.
pub(super) fn cancel(t: &Thread) {
    let Some(dog) = WATCHDOG.lock().take() else { return };
    if dog.process == std::process::id() {
        *dog.leash.cancelled.lock() = true;
        dog.leash.changed.notify_all();
        // Whether it has panicked does not matter here.
        let _ = t.blocking(|| dog.thread.join());
    } else {
        // It was the parent's, before a fork.
        std::mem::forget(dog);
    }
    FILE.set(Value::NULL);
}
