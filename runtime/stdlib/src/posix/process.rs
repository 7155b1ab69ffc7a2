//! Processes: who we are, starting others, waiting for them.

use super::{check, path_error, retry};
use crate::fs::{self, Argument};
use limpid_heap::Value;
use limpid_vm::args::{Args, FnDef};
use limpid_vm::modules::{imp, sys, thread, warnings};
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{call, iter, number};
use limpid_vm::raise;
use limpid_vm::root::{InterpreterRoot, TypeCell};
use limpid_vm::thread::Thread;
use limpid_vm::types::struct_sequence::{self, StructSequenceDef};
use limpid_vm::types::{Bytes, Dict, List, Module, Str, Tuple, ValueList, set};
use std::ffi::{CString, c_char};
use std::io;

macro_rules! id {
    ($name:literal, $call:ident) => {
        // SAFETY: always succeeds.
        FnDef::def($name, "", |_, _| Ok(Value::int(unsafe { libc::$call() } as i64)))
    };
}

pub(super) const FUNCTIONS: &[FnDef] = &[
    id!("getpid", getpid),
    id!("getppid", getppid),
    id!("getuid", getuid),
    id!("geteuid", geteuid),
    id!("getgid", getgid),
    id!("getegid", getegid),
    id!("getpgrp", getpgrp),
    FnDef::def("getpgid", "pid", |t, a| {
        numbers(t, a, |n| {
            // SAFETY: a plain system call.
            unsafe { libc::getpgid(n[0]) as i64 }
        })
    }),
    FnDef::def("getsid", "pid, /", |t, a| {
        numbers(t, a, |n| {
            // SAFETY: as above.
            unsafe { libc::getsid(n[0]) as i64 }
        })
    }),
    FnDef::def("setsid", "", |t, a| {
        numbers(t, a, |_| {
            // SAFETY: as above.
            unsafe { libc::setsid() as i64 }
        })
    }),
    FnDef::def("setpgid", "pid, pgrp, /", |t, a| {
        nothing(t, a, |n| {
            // SAFETY: as above.
            unsafe { libc::setpgid(n[0], n[1]) as i64 }
        })
    }),
    FnDef::def("setpgrp", "", |t, a| {
        nothing(t, a, |_| {
            // SAFETY: as above.
            unsafe { libc::setpgid(0, 0) as i64 }
        })
    }),
    FnDef::def("kill", "pid, signal, /", |t, a| {
        signalled(t, a, |n| {
            // SAFETY: as above.
            unsafe { libc::kill(n[0], n[1]) as i64 }
        })
    }),
    FnDef::def("killpg", "pgid, signal, /", |t, a| {
        signalled(t, a, |n| {
            // SAFETY: as above.
            unsafe { libc::killpg(n[0], n[1]) as i64 }
        })
    }),
    FnDef::def("nice", "increment, /", |t, a| {
        let n = number::index_i32(t, a[0])?;
        // SAFETY: a plain system call; -1 may be a result, so errno tells.
        let (r, e) = unsafe {
            *libc::__errno_location() = 0;
            (libc::nice(n), io::Error::last_os_error())
        };
        if r == -1 && e.raw_os_error() != Some(0) {
            check(t, Err(e))?;
        }
        Ok(Value::int(r as i64))
    }),
    FnDef::def("_exit", "status", |t, a| {
        let code = number::index_i32(t, a[0])?;
        // SAFETY: ends the process.
        unsafe { libc::_exit(code) }
    }),
    FnDef::def("abort", "", |_, _| std::process::abort()),
    FnDef::def("fork", "", |t, _| fork(t)),
    FnDef::raw("register_at_fork", "*, before=None, after_in_child=None, after_in_parent=None", register_at_fork),
    FnDef::def("execv", "path, argv, /", |t, a| exec(t, a[0], a[1], None)),
    FnDef::def("execve", "path, argv, env", |t, a| exec(t, a[0], a[1], Some(a[2]))),
    FnDef::def("system", "command", |t, a| {
        let command = Argument { function: "system", name: "command", allow_fd: false }.parse(t, a[0])?;
        // SAFETY: a NUL-terminated string.
        Ok(Value::int(t.blocking(|| unsafe { libc::system(command.name.as_ptr()) }) as i64))
    }),
    FnDef::def("times", "", times),
    FnDef::def("sched_yield", "", |t, _| {
        t.blocking(std::thread::yield_now);
        Ok(Value::NONE)
    }),
    FnDef::def("sched_getaffinity", "pid, /", |t, a| {
        let pid = number::index_i32(t, a[0])?;
        // SAFETY: zero is the empty set, and the call fills it in.
        let mut cpus: libc::cpu_set_t = unsafe { std::mem::zeroed() };
        // SAFETY: as above.
        check(t, retry(t, || unsafe { libc::sched_getaffinity(pid, size_of_val(&cpus), &mut cpus) } as i64)?)?;
        let result = set::new_set(t);
        for cpu in 0..libc::CPU_SETSIZE as usize {
            // SAFETY: in range.
            if unsafe { libc::CPU_ISSET(cpu, &cpus) } {
                set::add_value(t, result, Value::int(cpu as i64))?;
            }
        }
        Ok(result)
    }),
];

static TIMES_RESULT: TypeCell = TypeCell::new();
static TIMES_DEF: StructSequenceDef = StructSequenceDef {
    name: "posix.times_result",
    doc: "The times that os.times() reports.",
    fields: &[("user", ""), ("system", ""), ("children_user", ""), ("children_system", ""), ("elapsed", "")],
    visible: 5,
    instantiable: true,
};

pub(super) fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    let class = struct_sequence::create_type(t, &TIMES_DEF, &TIMES_RESULT)?;
    m.dict().set_text(t, "times_result", class.value())
}

fn arguments(t: &Thread, a: &[Value]) -> R<[i32; 2]> {
    let mut n = [0; 2];
    for (to, v) in n.iter_mut().zip(a) {
        *to = number::index_i32(t, *v)?;
    }
    Ok(n)
}

fn numbers(t: &Thread, a: &[Value], f: fn([i32; 2]) -> i64) -> R {
    let n = arguments(t, a)?;
    Ok(Value::int(check(t, retry(t, || f(n))?)?))
}

fn nothing(t: &Thread, a: &[Value], f: fn([i32; 2]) -> i64) -> R {
    numbers(t, a, f).map(|_| Value::NONE)
}

/// Sends a signal; if it was for this process, its handler runs at once.
fn signalled(t: &Thread, a: &[Value], f: fn([i32; 2]) -> i64) -> R {
    sys::audit(t, "os.kill", a)?;
    nothing(t, a, f)?;
    t.poll()?;
    Ok(Value::NONE)
}

fn times(t: &Thread, _: &[Value]) -> R {
    // SAFETY: zero is a valid value, and the call fills it in.
    let (b, elapsed, ticks) = unsafe {
        let mut b: libc::tms = std::mem::zeroed();
        let elapsed = libc::times(&mut b);
        (b, elapsed, libc::sysconf(libc::_SC_CLK_TCK) as f64)
    };
    let values = [b.tms_utime, b.tms_stime, b.tms_cutime, b.tms_cstime, elapsed].map(|n| Value::float(n as f64 / ticks));
    struct_sequence::create(t, TIMES_RESULT.get(), &values)
}

static BEFORE: InterpreterRoot = InterpreterRoot::new();
static AFTER_IN_CHILD: InterpreterRoot = InterpreterRoot::new();
static AFTER_IN_PARENT: InterpreterRoot = InterpreterRoot::new();

fn register_at_fork(t: &Thread, args: Args<'_>) -> R {
    let mut any = false;
    for (name, root) in [("before", &BEFORE), ("after_in_child", &AFTER_IN_CHILD), ("after_in_parent", &AFTER_IN_PARENT)] {
        let Some(f) = args.keyword(name) else { continue };
        if !call::is_callable(f) {
            raise!(t, TypeError, "'{name}' must be callable, not {}", f.class().display_name());
        }
        let mut list = match root.opt(t) {
            Some(l) => ValueList::from_cell(l),
            None => ValueList::new(t),
        };
        list.push(t, f);
        root.set(t, list.cell());
        any = true;
    }
    if !any {
        raise!(t, TypeError, "At least one argument is required.");
    }
    Ok(Value::NONE)
}

/// Runs registered functions; what they raise is reported and forgotten.
fn run_hooks(t: &Thread, root: &InterpreterRoot, reversed: bool) {
    let Some(list) = root.opt(t).map(ValueList::from_cell) else { return };
    for i in 0..list.len() {
        let f = list.get(if reversed { list.len() - 1 - i } else { i });
        if call::call(t, f, &[]).is_err() {
            limpid_vm::error_report::unraisable(t, f);
        }
    }
}

/// Forks the process: in the child only this thread remains.
pub(crate) fn fork(t: &Thread) -> R {
    sys::audit(t, "os.fork", &[])?;
    // SAFETY: no lock of the heap is held by another thread, which `fork_by` sees to.
    fork_by(t, "fork", || unsafe { libc::fork() })
}

/// A DeprecationWarning if the process has other threads; the child has none of them, but what they had locked. The child is there in any
/// case, so a warning that is made an error is reported only.
fn warn_of_threads(t: &Thread, name: &str) {
    if thread::running(t) == 0 {
        return;
    }
    let pid = std::process::id();
    let message = format!("This process (pid={pid}) is multi-threaded, use of {name}() may lead to deadlocks in the child.");
    if warnings::deprecated(t, &message).is_err() {
        limpid_vm::error_report::unraisable(t, Value::NULL);
    }
}

/// The same by a call that forks; its name is for messages.
pub(super) fn fork_by(t: &Thread, name: &str, call: impl FnOnce() -> libc::pid_t) -> R {
    if !t.interpreter().permissions.fork {
        raise!(t, RuntimeError, "fork not supported for isolated subinterpreters");
    }
    run_hooks(t, &BEFORE, true);
    imp::before_fork(t);
    let forking = limpid_heap::before_fork(&t.mutator);
    let pid = call();
    let error = io::Error::last_os_error();
    if pid == 0 {
        limpid_heap::after_fork_child(forking);
        limpid_vm::runtime::after_fork_child(t);
        imp::after_fork(t);
        crate::signal::forget_pending();
        run_hooks(t, &AFTER_IN_CHILD, false);
        return Ok(Value::int(0));
    }
    limpid_heap::after_fork_parent(forking);
    imp::after_fork(t);
    run_hooks(t, &AFTER_IN_PARENT, false);
    if pid > 0 {
        warn_of_threads(t, name);
    }
    check(t, if pid < 0 { Err(error) } else { Ok(pid as i64) })?;
    Ok(Value::int(pid as i64))
}

fn c_string(t: &Thread, v: Value) -> R<CString> {
    let v = fs::fspath(t, v)?;
    let bytes = match (v.downcast::<Str>(), v.downcast::<Bytes>()) {
        (Some(s), _) => fs::encode(t, s)?,
        (_, Some(b)) => b.as_slice().to_vec(),
        _ => Vec::new(),
    };
    match CString::new(bytes) {
        Ok(s) => Ok(s),
        Err(_) => raise!(t, ValueError, "embedded null byte"),
    }
}

/// The strings of a sequence.
pub(super) fn c_strings(t: &Thread, v: Value) -> R<Vec<CString>> {
    iter::collect(t, v)?.iter().map(|v| c_string(t, v)).collect()
}

fn exec(t: &Thread, path: Value, argv: Value, env: Option<Value>) -> R {
    let (argument, what) = match env {
        None => (Argument::path("execv"), "execv() arg 2"),
        Some(_) => (Argument::path_or_fd("execve"), "execve: argv"),
    };
    if !t.interpreter().permissions.exec {
        raise!(t, RuntimeError, "exec not supported for isolated subinterpreters");
    }
    let p = argument.parse(t, path)?;
    if argv.downcast::<List>().is_none() && argv.downcast::<Tuple>().is_none() {
        raise!(t, TypeError, "{what} must be a tuple or list");
    }
    let args = c_strings(t, argv)?;
    if args.is_empty() {
        raise!(t, ValueError, "{what} must not be empty");
    }
    if args[0].is_empty() {
        raise!(t, ValueError, "{what} first element cannot be empty");
    }
    let env = match env {
        None => None,
        Some(e) => {
            if e.downcast::<Dict>().is_none() && e.class().slots().getitem.is_none() {
                raise!(t, TypeError, "execve: environment must be a mapping object");
            }
            Some(environment(t, e)?)
        }
    };
    sys::audit(t, "os.exec", &[path, argv, Value::NONE])?;
    let pointers = |list: &[CString]| -> Vec<*const c_char> { list.iter().map(|s| s.as_ptr()).chain([std::ptr::null()]).collect() };
    let argv = pointers(&args);
    // SAFETY: NUL-terminated arrays of NUL-terminated strings.
    unsafe {
        match (env, p.fd) {
            (None, _) => libc::execv(p.name.as_ptr(), argv.as_ptr()),
            (Some(e), None) => libc::execve(p.name.as_ptr(), argv.as_ptr(), pointers(&e).as_ptr()),
            (Some(e), Some(fd)) => libc::fexecve(fd, argv.as_ptr(), pointers(&e).as_ptr()),
        }
    };
    Err(path_error(t, &io::Error::last_os_error(), p.given))
}

/// `NAME=value` strings of a mapping.
pub(crate) fn environment(t: &Thread, mapping: Value) -> R<Vec<CString>> {
    let keys = iter::collect(t, call::call_method_text(t, mapping, "keys", &[])?)?;
    let values = iter::collect(t, call::call_method_text(t, mapping, "values", &[])?)?;
    let mut out = Vec::new();
    for (k, v) in keys.iter().zip(values.iter()) {
        let mut entry = c_string(t, k)?.into_bytes();
        let value = c_string(t, v)?;
        if entry.is_empty() || entry[1..].contains(&b'=') {
            raise!(t, ValueError, "illegal environment variable name");
        }
        entry.push(b'=');
        entry.extend_from_slice(value.as_bytes());
        match CString::new(entry) {
            Ok(e) => out.push(e),
            Err(_) => raise!(t, ValueError, "embedded null byte"),
        }
    }
    Ok(out)
}
