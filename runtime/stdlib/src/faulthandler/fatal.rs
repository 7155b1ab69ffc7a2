//! Handlers of the signals that end a program: they write the stacks, then let the signal do what it would have done.

use super::{Target, native};
use limpid_heap::Value;
use limpid_vm::modules;
use limpid_vm::object::{R, ValueExt};
use limpid_vm::protocol::truth::truth;
use limpid_vm::root::Root;
use limpid_vm::runtime;
use limpid_vm::stack_dump::{self, Out};
use limpid_vm::thread::Thread;
use limpid_vm::types::exceptions::raise_os_error;
use limpid_vm::types::{Dict, Module, Str, set};
use std::cell::UnsafeCell;
use std::io;
use std::mem::MaybeUninit;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering::Relaxed, Ordering::SeqCst};
use std::time::Duration;

/// A signal with its handler.
struct Fatal {
    signal: i32,
    name: &'static str,
    installed: AtomicBool,
    previous: UnsafeCell<MaybeUninit<libc::sigaction>>,
}

// SAFETY: `previous` is written before `installed` is set and read only by who clears `installed`.
unsafe impl Sync for Fatal {}

const fn fatal(signal: i32, name: &'static str) -> Fatal {
    Fatal { signal, name, installed: AtomicBool::new(false), previous: UnsafeCell::new(MaybeUninit::uninit()) }
}

/// SIGSEGV comes last, so that it is the last to be given back.
static SIGNALS: [Fatal; 5] = [
    fatal(libc::SIGBUS, "Bus error"),
    fatal(libc::SIGILL, "Illegal instruction"),
    fatal(libc::SIGFPE, "Floating-point exception"),
    fatal(libc::SIGABRT, "Aborted"),
    fatal(libc::SIGSEGV, "Segmentation fault"),
];

static ENABLED: AtomicBool = AtomicBool::new(false);
static FD: AtomicI32 = AtomicI32::new(-1);
static ALL_THREADS: AtomicBool = AtomicBool::new(true);
static C_STACK: AtomicBool = AtomicBool::new(true);
/// Keeps the file object alive.
static FILE: Root = Root::new();

pub(super) fn enable(t: &Thread, a: &[Value]) -> R {
    let target = Target::new(t, a[0])?;
    let flag = |v: Value| if v.is_null() { Ok(true) } else { truth(t, v) };
    let (all, c_stack) = (flag(a[1])?, flag(a[2])?);
    FILE.set(target.file);
    FD.store(target.fd, Relaxed);
    ALL_THREADS.store(all, Relaxed);
    C_STACK.store(c_stack, Relaxed);
    native::prepare();
    use_own_stack();
    if !ENABLED.swap(true, SeqCst) {
        SIGNALS.iter().try_for_each(install).map_err(|e| raise_os_error(t, &e))?;
    }
    Ok(Value::NONE)
}

/// Gives this thread a stack for signal handlers: its own may be what has overflowed.
pub(super) fn use_own_stack() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        const SIZE: usize = 128 << 10;
        // SAFETY: a mapping of our own, which stays.
        unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let memory = libc::mmap(std::ptr::null_mut(), SIZE, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
            if memory != libc::MAP_FAILED {
                let stack = libc::stack_t { ss_sp: memory, ss_flags: 0, ss_size: SIZE };
                libc::sigaltstack(&stack, std::ptr::null_mut());
            }
        }
    });
}

fn install(f: &Fatal) -> io::Result<()> {
    // SAFETY: zero is a valid value; the handler is a function of the right type; the room is this signal's own.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_signal as extern "C" fn(i32) as libc::sighandler_t;
        action.sa_flags = libc::SA_NODEFER | libc::SA_ONSTACK;
        if libc::sigaction(f.signal, &action, f.previous.get().cast()) < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    f.installed.store(true, SeqCst);
    Ok(())
}

fn give_back(f: &Fatal) {
    if f.installed.swap(false, SeqCst) {
        // SAFETY: written when it was installed.
        unsafe { libc::sigaction(f.signal, f.previous.get().cast(), std::ptr::null_mut()) };
    }
}

/// Gives the signals back; false if it was not enabled.
pub(super) fn disable() -> bool {
    let was = ENABLED.swap(false, SeqCst);
    if was {
        SIGNALS.iter().for_each(give_back);
        FILE.set(Value::NULL);
    }
    was
}

pub(super) fn is_enabled() -> bool {
    ENABLED.load(Relaxed)
}

extern "C" fn on_signal(signal: i32) {
    let Some(f) = SIGNALS.iter().find(|f| f.signal == signal) else { return };
    // SAFETY: this thread's errno.
    let errno = unsafe { *libc::__errno_location() };
    // A fault in here ends the process.
    give_back(f);
    let out = Out(FD.load(Relaxed));
    out.text("Fatal Python error: ");
    out.text(f.name);
    out.text("\n\n");
    if ALL_THREADS.load(Relaxed) {
        // So says CPython, and programs look for it. What can be shown of them comes last.
        out.text("<Cannot show all threads while the GIL is disabled>\n");
    }
    stack_dump::current(out);
    extension_modules(out);
    if C_STACK.load(Relaxed) {
        native::dump(out);
    }
    if ALL_THREADS.load(Relaxed) {
        other_threads(out);
    }
    // SAFETY: as above; the signal does now what it would have done.
    unsafe {
        *libc::__errno_location() = errno;
        libc::raise(signal);
    }
}

/// Writes the stacks of the other threads, which stand still meanwhile.
fn other_threads(out: Out) {
    let Some(t) = runtime::current() else { return };
    let _halt = limpid_heap::halt_others(&t.mutator, PATIENCE);
    stack_dump::others(out);
}

/// So long other threads are waited for.
const PATIENCE: Duration = Duration::from_millis(500);

/// Writes the names of the native modules that are imported and do not belong to the standard library.
fn extension_modules(out: Out) {
    let Some(i) = runtime::current().map(Thread::interpreter) else { return };
    let Some(modules) = i.modules.opt().and_then(|m| m.downcast::<Dict>()) else { return };
    let Some(sys) = i.sys_dict.opt().and_then(|d| d.downcast::<Dict>()) else { return };
    let (mut position, mut known) = (0, Value::NULL);
    while let Some((k, v)) = sys.next_entry(&mut position) {
        if k.downcast::<Str>().is_some_and(|k| k.eq_str("stdlib_module_names")) {
            known = v;
        }
    }
    let standard = known.non_null().and_then(set::as_set);
    let is_standard = |name: &str| standard.is_some_and(|s| s.entries().any(|(v, _)| v.downcast::<Str>().is_some_and(|v| v.eq_str(name))));
    let (mut position, mut count) = (0, 0);
    while let Some((k, v)) = modules.next_entry(&mut position) {
        let (Some(name), Some(_)) = (k.downcast::<Str>(), v.downcast::<Module>()) else { continue };
        let Some(name) = name.as_ascii() else { continue };
        if !modules::is_native(name) || is_standard(name) {
            continue;
        }
        out.text(if count == 0 { "\nExtension modules: " } else { ", " });
        out.text(name);
        count += 1;
    }
    if count > 0 {
        out.text(" (total: ");
        out.decimal(count);
        out.text(")\n");
    }
}

/// Ends the process as CPython's fatal errors do.
pub(super) fn fatal_error(function: &str, message: &str) -> ! {
    let out = Out(2);
    out.text("Fatal Python error: ");
    out.text(function);
    out.text(": ");
    out.text(message);
    out.text("\nPython runtime state: initialized\n\n");
    stack_dump::current(out);
    native::dump(out);
    // The stacks are written already.
    SIGNALS.iter().for_each(give_back);
    // SAFETY: ends the process.
    unsafe { libc::abort() }
}
