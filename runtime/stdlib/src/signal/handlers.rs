//! Handlers: from the arrival of a signal to the Python function that handles it.

use super::{NSIG, signal_number};
use crate::posix::{check, retry};
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::object::{R, ValueExt};
use limpid_vm::protocol::{call, truth};
use limpid_vm::root::Root;
use limpid_vm::thread::{Thread, request};
use limpid_vm::types::exceptions::raise_os_error;
use limpid_vm::types::{frame, int};
use limpid_vm::{error_report, raise, runtime};
use std::io;
use std::sync::atomic::Ordering::{AcqRel, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicI32};

/// `SIG_DFL` as Python programs see it.
pub(super) const DEFAULT: i64 = libc::SIG_DFL as i64;
/// `SIG_IGN`
pub(super) const IGNORE: i64 = libc::SIG_IGN as i64;

pub(super) const FUNCTIONS: &[FnDef] = &[
    FnDef::def("signal", "signalnum, handler, /", set_handler).doc("Set the action for the given signal."),
    FnDef::def("getsignal", "signalnum, /", |t, a| {
        let n = signal_number(t, a[0])?;
        Ok(HANDLERS[n as usize].opt().unwrap_or(Value::NONE))
    })
    .doc("Return the current action for the given signal."),
    FnDef::def("default_int_handler", "signalnum, frame, /", |t, _| Err(t.raise_with(limpid_vm::exc::KeyboardInterrupt, &[])))
        .doc("The default handler for SIGINT installed by Python.\n\nIt raises KeyboardInterrupt."),
    FnDef::def("set_wakeup_fd", "fd, /, *, warn_on_full_buffer=True", set_wakeup_fd)
        .doc("Sets the fd to be written to (with the signal number) when a signal comes in."),
    FnDef::def("siginterrupt", "signalnum, flag, /", siginterrupt).doc("Change system call restart behaviour."),
];

/// The Python handler of each signal; None for one that was installed by somebody else.
static HANDLERS: [Root; NSIG as usize] = [const { Root::new() }; NSIG as usize];
/// Signals that have arrived and whose handlers did not run yet.
static PENDING: [AtomicBool; NSIG as usize] = [const { AtomicBool::new(false) }; NSIG as usize];
/// Is any of them set?
static ANY_PENDING: AtomicBool = AtomicBool::new(false);

/// Where the numbers of arriving signals are written, or -1.
static WAKEUP_FD: AtomicI32 = AtomicI32::new(-1);
/// Is a full pipe worth a report?
static WARN_ON_FULL: AtomicBool = AtomicBool::new(true);
/// The error of a write that has failed, until it was reported.
static WAKEUP_ERROR: AtomicI32 = AtomicI32::new(0);

pub(super) fn init(t: &Thread) -> R<()> {
    // The handlers are those of the process: another module object, or interpreter, finds them as they are.
    if t.runtime().signal_handler.set(run_handlers).is_err() {
        return Ok(());
    }
    for n in 1..NSIG {
        // SAFETY: zero is a valid value; a query.
        let current = unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            (libc::sigaction(n, std::ptr::null(), &mut action) == 0).then_some(action.sa_sigaction)
        };
        HANDLERS[n as usize].set(match current {
            Some(libc::SIG_DFL) => Value::int(DEFAULT),
            Some(libc::SIG_IGN) => Value::int(IGNORE),
            _ => Value::NONE,
        });
    }
    let _ = t.runtime().interrupt.set(interrupt);
    Ok(())
}

/// What the system calls. May run in any thread at any time, so it does only what is safe in a signal handler.
extern "C" fn on_signal(signal: libc::c_int) {
    // SAFETY: this thread's errno, restored below for the code that was interrupted.
    let errno = unsafe { *libc::__errno_location() };
    arrive(signal);
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
}

/// Notes a signal and wakes the main thread.
fn arrive(signal: i32) {
    PENDING[signal as usize].store(true, Release);
    ANY_PENDING.store(true, Release);
    runtime::request_main_thread(request::SIGNAL);
    let fd = WAKEUP_FD.load(Relaxed);
    if fd < 0 {
        return;
    }
    let byte = signal as u8;
    // SAFETY: one byte to write.
    if unsafe { libc::write(fd, (&raw const byte).cast(), 1) } < 0 {
        // SAFETY: this thread's errno.
        let errno = unsafe { *libc::__errno_location() };
        if WARN_ON_FULL.load(Relaxed) || errno != libc::EAGAIN {
            WAKEUP_ERROR.store(errno, Release);
        }
    }
}

/// `_thread.interrupt_main`: as if the signal had arrived, if Python handles it.
fn interrupt(signal: i32) {
    let handler = HANDLERS[signal as usize].get();
    if handler != Value::int(DEFAULT) && handler != Value::int(IGNORE) {
        arrive(signal);
    }
}

fn is_main(t: &Thread) -> bool {
    t.interpreter().is_main() && t.ident.get() == t.runtime().main_ident.load(Relaxed)
}

/// Runs the Python handlers of the signals that have arrived. Does nothing in other threads than the main one.
fn run_handlers(t: &Thread) -> R<()> {
    if !is_main(t) {
        runtime::request_main_thread(request::SIGNAL);
        return Ok(());
    }
    let error = WAKEUP_ERROR.swap(0, AcqRel);
    if error != 0 {
        let _ = raise_os_error(t, &io::Error::from_raw_os_error(error));
        error_report::unraisable_without_object(t, "Exception ignored while trying to write to the signal wakeup fd");
    }
    if !ANY_PENDING.swap(false, AcqRel) {
        return Ok(());
    }
    let frame = t.current_frame().map_or(Value::NONE, |f| frame::object_of(t, f).value());
    for n in 1..NSIG {
        if !PENDING[n as usize].swap(false, AcqRel) {
            continue;
        }
        let handler = HANDLERS[n as usize].get();
        if handler.is_null() || handler.is_none() || handler == Value::int(DEFAULT) || handler == Value::int(IGNORE) {
            // The handler was taken away between the signal's arrival and now.
            let _ = t.raise(limpid_vm::exc::OSError, &format!("Signal {n} ignored due to race condition"));
            error_report::unraisable(t, Value::NONE);
            continue;
        }
        if let Err(raised) = call::call(t, handler, &[Value::int(n as i64), frame]) {
            // Those that are left come at the next opportunity.
            ANY_PENDING.store(true, Release);
            runtime::request_main_thread(request::SIGNAL);
            return Err(raised);
        }
    }
    Ok(())
}

/// In the child after a fork: what had arrived was the parent's.
pub(crate) fn forget_pending() {
    ANY_PENDING.store(false, Relaxed);
    PENDING.iter().for_each(|p| p.store(false, Relaxed));
}

fn set_handler(t: &Thread, a: &[Value]) -> R {
    let n = int::to_i32(t, limpid_vm::protocol::number::index(t, a[0])?)?;
    if !is_main(t) {
        raise!(t, ValueError, "signal only works in main thread of the main interpreter")
    }
    let n = match n {
        n if (1..NSIG).contains(&n) => n,
        _ => raise!(t, ValueError, "signal number out of range"),
    };
    let (handler, action) = match a[1] {
        v if int::is_int(v) && int::as_i64_opt(v) == Some(IGNORE) => (Value::int(IGNORE), libc::SIG_IGN),
        v if int::is_int(v) && int::as_i64_opt(v) == Some(DEFAULT) => (Value::int(DEFAULT), libc::SIG_DFL),
        v if call::is_callable(v) => (v, on_signal as extern "C" fn(i32) as libc::sighandler_t),
        _ => raise!(t, TypeError, "signal handler must be signal.SIG_IGN, signal.SIG_DFL, or a callable object"),
    };
    // Signals that are under way go to the handler they were sent to.
    t.poll()?;
    install(n, action, libc::SA_ONSTACK).map_err(|e| raise_os_error(t, &e))?;
    Ok(HANDLERS[n as usize].replace(handler).non_null().unwrap_or(Value::NONE))
}

fn install(signal: i32, action: libc::sighandler_t, flags: i32) -> io::Result<()> {
    // SAFETY: zero is a valid value; the handler is SIG_DFL, SIG_IGN or a function of the right type.
    unsafe {
        let mut new: libc::sigaction = std::mem::zeroed();
        new.sa_sigaction = action;
        new.sa_flags = flags;
        if libc::sigaction(signal, &new, std::ptr::null_mut()) == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

fn set_wakeup_fd(t: &Thread, a: &[Value]) -> R {
    let fd = limpid_vm::protocol::number::index_i32(t, a[0])?;
    let warn = a[1].is_null() || truth::truth(t, a[1])?;
    if !is_main(t) {
        raise!(t, ValueError, "set_wakeup_fd only works in main thread of the main interpreter")
    }
    if fd != -1 {
        // SAFETY: a plain system call.
        let flags = check(t, retry(t, || unsafe { libc::fcntl(fd, libc::F_GETFL) } as i64)?)?;
        if flags & libc::O_NONBLOCK as i64 == 0 {
            raise!(t, ValueError, "the fd {fd} must be in non-blocking mode")
        }
    }
    WARN_ON_FULL.store(warn, Relaxed);
    Ok(Value::int(WAKEUP_FD.swap(fd, AcqRel) as i64))
}

fn siginterrupt(t: &Thread, a: &[Value]) -> R {
    let n = signal_number(t, a[0])?;
    let interrupts = truth::truth(t, a[1])?;
    // SAFETY: zero is a valid value; the handler that is there stays.
    let result = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        let mut result = libc::sigaction(n, std::ptr::null(), &mut action);
        if result == 0 {
            if interrupts {
                action.sa_flags &= !libc::SA_RESTART;
            } else {
                action.sa_flags |= libc::SA_RESTART;
            }
            result = libc::sigaction(n, &action, std::ptr::null_mut());
        }
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    };
    result.map_err(|e| raise_os_error(t, &e))?;
    Ok(Value::NONE)
}
