//! Sets of signals: the mask of a thread, what is pending, waiting for signals, and sending them.

use super::{NSIG, signal_number};
use crate::posix::{check, retry};
use crate::seconds::{self, Deadline, Rounding, SECOND};
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::object::{R, Ref};
use limpid_vm::protocol::{iter, number};
use limpid_vm::raise;
use limpid_vm::root::TypeCell;
use limpid_vm::thread::Thread;
use limpid_vm::types::exceptions::raise_os_error;
use limpid_vm::types::struct_sequence::{self, StructSequenceDef};
use limpid_vm::types::{Module, Str, int, set};
use std::ffi::CStr;
use std::io;

pub(super) const FUNCTIONS: &[FnDef] = &[
    FnDef::def("pause", "", |t, _| {
        // SAFETY: a plain system call.
        t.blocking(|| unsafe { libc::pause() });
        t.poll()?;
        Ok(Value::NONE)
    })
    .doc("Wait until a signal arrives."),
    FnDef::def("pthread_kill", "thread_id, signalnum, /", |t, a| {
        let (thread, n) = (int::to_u64(t, number::index(t, a[0])?)?, number::index_i32(t, a[1])?);
        // SAFETY: the caller answers for the thread, as in Python.
        match unsafe { libc::pthread_kill(thread as libc::pthread_t, n) } {
            0 => {}
            e => return Err(raise_os_error(t, &io::Error::from_raw_os_error(e))),
        }
        t.poll()?;
        Ok(Value::NONE)
    })
    .doc("Send a signal to a thread."),
    FnDef::def("raise_signal", "signalnum, /", |t, a| {
        let n = number::index_i32(t, a[0])?;
        // SAFETY: a plain call; what the signal does is the program's business.
        if unsafe { libc::raise(n) } != 0 {
            return Err(raise_os_error(t, &io::Error::last_os_error()));
        }
        t.poll()?;
        Ok(Value::NONE)
    })
    .doc("Send a signal to the executing process."),
    FnDef::def("pthread_sigmask", "how, mask, /", |t, a| {
        let how = number::index_i32(t, a[0])?;
        let mask = from_iterable(t, a[1])?;
        let mut old = empty();
        // SAFETY: two signal sets.
        match unsafe { libc::pthread_sigmask(how, &mask, &mut old) } {
            0 => {}
            e => return Err(raise_os_error(t, &io::Error::from_raw_os_error(e))),
        }
        // What was unblocked may have arrived.
        t.poll()?;
        to_set(t, &old)
    })
    .doc("Fetch and/or change the signal mask of the calling thread."),
    FnDef::def("sigpending", "", |t, _| {
        let mut pending = empty();
        // SAFETY: room for the result.
        check(t, retry(t, || unsafe { libc::sigpending(&mut pending) } as i64)?)?;
        to_set(t, &pending)
    })
    .doc("Examine pending signals."),
    FnDef::def("sigwait", "sigset, /", |t, a| {
        let wanted = from_iterable(t, a[0])?;
        let mut n = 0;
        loop {
            // SAFETY: a signal set and room for the result.
            match t.blocking(|| unsafe { libc::sigwait(&wanted, &mut n) }) {
                0 => return Ok(Value::int(n as i64)),
                libc::EINTR => t.poll()?,
                e => return Err(raise_os_error(t, &io::Error::from_raw_os_error(e))),
            }
        }
    })
    .doc("Wait for a signal."),
    FnDef::def("sigwaitinfo", "sigset, /", |t, a| {
        let wanted = from_iterable(t, a[0])?;
        let mut info = no_info();
        // SAFETY: a signal set and room for the result.
        check(t, retry(t, || unsafe { libc::sigwaitinfo(&wanted, &mut info) } as i64)?)?;
        to_info(t, &info)
    })
    .doc("Wait synchronously until one of the signals in *sigset* is delivered."),
    FnDef::def("sigtimedwait", "sigset, timeout, /", timed_wait).doc("Like sigwaitinfo(), but with a timeout."),
    FnDef::def("strsignal", "signalnum, /", |t, a| {
        let n = signal_number(t, a[0])?;
        // SAFETY: the C library's text, copied at once.
        let text = unsafe {
            let p = libc::strsignal(n);
            if p.is_null() { None } else { Some(CStr::from_ptr(p).to_string_lossy().into_owned()) }
        };
        Ok(text.filter(|s| !s.starts_with("Unknown signal")).map_or(Value::NONE, |s| Str::new(t, &s).value()))
    })
    .doc("Return the system description of the given signal."),
    FnDef::def("valid_signals", "", |t, _| {
        let mut all = empty();
        // SAFETY: a signal set. The C library leaves out those that it uses itself.
        unsafe { libc::sigfillset(&mut all) };
        to_set(t, &all)
    })
    .doc("Return a set of valid signal numbers on this platform."),
    FnDef::def("pidfd_send_signal", "pidfd, signalnum, siginfo=None, flags=0, /", |t, a| {
        let (fd, n) = (number::index_i32(t, a[0])?, number::index_i32(t, a[1])?);
        if !a[2].is_null() && !a[2].is_none() {
            raise!(t, TypeError, "siginfo must be None")
        }
        let flags = if a[3].is_null() { 0 } else { number::index_i32(t, a[3])? };
        // SAFETY: a plain system call.
        let result = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd, n, std::ptr::null::<libc::siginfo_t>(), flags) };
        if result < 0 {
            return Err(raise_os_error(t, &io::Error::last_os_error()));
        }
        Ok(Value::NONE)
    })
    .doc("Send a signal to a process referred to by a pid file descriptor."),
];

static SIGINFO: TypeCell = TypeCell::new();
static SIGINFO_DEF: StructSequenceDef = StructSequenceDef {
    name: "signal.struct_siginfo",
    doc: "struct_siginfo: Result from sigwaitinfo or sigtimedwait.\n\nThis object may be accessed either as a tuple of\n(si_signo, si_code, \
          si_errno, si_pid, si_uid, si_status, si_band),\nor via the attributes si_signo, si_code, and so on.",
    fields: &[
        ("si_signo", "signal number"),
        ("si_code", "signal code"),
        ("si_errno", "errno associated with this signal"),
        ("si_pid", "sending process ID"),
        ("si_uid", "real user ID of sending process"),
        ("si_status", "exit value or signal"),
        ("si_band", "band event for SIGPOLL"),
    ],
    visible: 7,
    instantiable: true,
};

pub(super) fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    let class = struct_sequence::create_type(t, &SIGINFO_DEF, &SIGINFO)?;
    m.dict().set_text(t, "struct_siginfo", class.value())
}

fn empty() -> libc::sigset_t {
    // SAFETY: zero is a valid value, and the call fills it in.
    unsafe {
        let mut s = std::mem::zeroed();
        libc::sigemptyset(&mut s);
        s
    }
}

fn no_info() -> libc::siginfo_t {
    // SAFETY: numbers and pointers that may be null.
    unsafe { std::mem::zeroed() }
}

/// A set of the numbers that an iterable gives.
pub(crate) fn from_iterable(t: &Thread, v: Value) -> R<libc::sigset_t> {
    let mut result = empty();
    iter::for_each(t, v, |n| {
        match int::as_i64_opt(number::index(t, n)?) {
            Some(n) if (1..NSIG as i64).contains(&n) => {
                // SAFETY: a signal set. Signals that the C library uses itself are refused, which does not matter.
                unsafe { libc::sigaddset(&mut result, n as i32) };
                Ok(())
            }
            Some(n) => raise!(t, ValueError, "signal number {n} out of range [1; {}]", NSIG - 1),
            None => raise!(t, OverflowError, "Python int too large to convert to C long"),
        }
    })?;
    Ok(result)
}

fn to_set(t: &Thread, signals: &libc::sigset_t) -> R {
    let result = set::new_set(t);
    for n in 1..NSIG {
        // SAFETY: a signal set and a number in range.
        if unsafe { libc::sigismember(signals, n) } == 1 {
            set::add_value(t, result, Value::int(n as i64))?;
        }
    }
    Ok(result)
}

fn to_info(t: &Thread, info: &libc::siginfo_t) -> R {
    // SAFETY: the fields overlap; for other signals they hold other numbers, as in C.
    let (pid, uid, status) = unsafe { (info.si_pid(), info.si_uid(), info.si_status()) };
    // The band is the first word after the head, as `si_pid` is.
    // SAFETY: within the structure.
    let band = unsafe { *(&raw const *info).cast::<libc::c_long>().add(2) };
    let n = |i: i32| Value::int(i as i64);
    let values = [n(info.si_signo), n(info.si_code), n(info.si_errno), n(pid), Value::int(uid as i64), n(status), int::from_i64(t, band)];
    struct_sequence::create(t, SIGINFO.get(), &values)
}

fn timed_wait(t: &Thread, a: &[Value]) -> R {
    let wanted = from_iterable(t, a[0])?;
    let timeout = seconds::nanoseconds(t, a[1], SECOND, Rounding::Ceiling)?;
    if timeout < 0 {
        raise!(t, ValueError, "timeout must be non-negative")
    }
    let deadline = Deadline::after(Some(timeout));
    loop {
        let left = seconds::timespec(deadline.left().unwrap_or(i64::MAX));
        let mut info = no_info();
        let result = t.blocking(|| {
            // SAFETY: a signal set, a time, and room for the result.
            if unsafe { libc::sigtimedwait(&wanted, &mut info, &left) } < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
        });
        match result {
            Ok(()) => return to_info(t, &info),
            Err(e) => match e.raw_os_error() {
                Some(libc::EAGAIN) => return Ok(Value::NONE),
                Some(libc::EINTR) => t.poll()?,
                _ => return Err(raise_os_error(t, &e)),
            },
        }
    }
}
