//! Signals that a program picks to have its stacks written.

use super::Target;
use super::fatal::use_own_stack;
use limpid_heap::Value;
use limpid_vm::object::R;
use limpid_vm::protocol::{number, truth::truth};
use limpid_vm::raise;
use limpid_vm::root::Root;
use limpid_vm::stack_dump::{self, Out};
use limpid_vm::thread::Thread;
use limpid_vm::types::exceptions::raise_os_error;
use std::cell::UnsafeCell;
use std::io;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering::Relaxed, Ordering::SeqCst};

const NSIG: usize = 65;

/// A signal that may be registered.
struct Registered {
    enabled: AtomicBool,
    fd: AtomicI32,
    all_threads: AtomicBool,
    chain: AtomicBool,
    file: Root,
    previous: UnsafeCell<MaybeUninit<libc::sigaction>>,
}

// SAFETY: `previous` is written before `enabled` is set, and by Python code only, which answers for doing it in two threads at once.
unsafe impl Sync for Registered {}

static SIGNALS: [Registered; NSIG] = [const {
    Registered {
        enabled: AtomicBool::new(false),
        fd: AtomicI32::new(-1),
        all_threads: AtomicBool::new(false),
        chain: AtomicBool::new(false),
        file: Root::new(),
        previous: UnsafeCell::new(MaybeUninit::uninit()),
    }
}; NSIG];

fn signal_of(t: &Thread, v: Value) -> R<usize> {
    let n = number::index_i32(t, v)?;
    if [libc::SIGBUS, libc::SIGILL, libc::SIGFPE, libc::SIGABRT, libc::SIGSEGV].contains(&n) {
        raise!(t, RuntimeError, "signal {n} cannot be registered, use enable() instead")
    }
    match usize::try_from(n) {
        Ok(n) if (1..NSIG).contains(&n) => Ok(n),
        _ => raise!(t, ValueError, "signal number out of range"),
    }
}

/// Installs the handler.
///
/// # Safety
/// `previous` is NULL or has room for an action.
unsafe fn install(signal: usize, chain: bool, previous: *mut libc::sigaction) -> io::Result<()> {
    // SAFETY: zero is a valid value; the handler is a function of the right type.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_signal as extern "C" fn(i32) as libc::sighandler_t;
        // Calls are repeated after the dump; and the handler of before must get its signal while this one runs.
        action.sa_flags = libc::SA_RESTART | libc::SA_ONSTACK | if chain { libc::SA_NODEFER } else { 0 };
        if libc::sigaction(signal as i32, &action, previous) < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

pub(super) fn register(t: &Thread, a: &[Value]) -> R {
    let n = signal_of(t, a[0])?;
    let all = a[2].is_null() || truth(t, a[2])?;
    let chain = !a[3].is_null() && truth(t, a[3])?;
    let target = Target::new(t, a[1])?;
    let s = &SIGNALS[n];
    s.file.set(target.file);
    s.fd.store(target.fd, Relaxed);
    s.all_threads.store(all, Relaxed);
    s.chain.store(chain, Relaxed);
    use_own_stack();
    if !s.enabled.load(SeqCst) {
        // SAFETY: the room is this signal's own.
        unsafe { install(n, chain, s.previous.get().cast()) }.map_err(|e| raise_os_error(t, &e))?;
        s.enabled.store(true, SeqCst);
    }
    Ok(Value::NONE)
}

pub(super) fn unregister(t: &Thread, a: &[Value]) -> R {
    let n = signal_of(t, a[0])?;
    let s = &SIGNALS[n];
    if !s.enabled.swap(false, SeqCst) {
        return Ok(Value::FALSE);
    }
    // SAFETY: written when it was registered.
    unsafe { libc::sigaction(n as i32, s.previous.get().cast(), std::ptr::null_mut()) };
    s.file.set(Value::NULL);
    Ok(Value::TRUE)
}

extern "C" fn on_signal(signal: i32) {
    let Some(s) = SIGNALS.get(signal as usize).filter(|s| s.enabled.load(SeqCst)) else { return };
    // SAFETY: this thread's errno.
    let errno = unsafe { *libc::__errno_location() };
    let out = Out(s.fd.load(Relaxed));
    if s.all_threads.load(Relaxed) {
        stack_dump::all(out, true);
    } else {
        stack_dump::current(out);
    }
    if s.chain.load(Relaxed) {
        // SAFETY: the action of before was written when this one was installed.
        unsafe {
            libc::sigaction(signal, s.previous.get().cast(), std::ptr::null_mut());
            *libc::__errno_location() = errno;
            libc::raise(signal);
            let _ = install(signal as usize, true, std::ptr::null_mut());
        }
    }
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
}
