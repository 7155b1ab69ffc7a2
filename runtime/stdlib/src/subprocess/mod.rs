//! `_posixsubprocess`: starting a program in a new process.
//!
//! Everything the child needs is prepared in the parent ([`Plan`]); between the fork and the new program the child runs only
//! [`child::run`], which neither allocates nor takes a lock, because the parent's other threads may have been doing either. Without a
//! Python function to call in the child (`preexec_fn`) the child even shares the parent's memory until the new program starts, on a stack
//! of its own, which spares the kernel the copy of the page tables.

mod child;

use crate::fs::Argument;
use crate::posix;
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::modules::{ModuleDef, sys};
use limpid_vm::object::{R, ValueExt};
use limpid_vm::protocol::{call, iter, number, truth::truth};
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::exceptions::raise_os_error;
use limpid_vm::types::{Bytes, Tuple, int};
use std::ffi::{CString, c_char};
use std::io;

/// `_posixsubprocess`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "A POSIX helper for the subprocess module.",
    functions: &[FnDef::def(
        "fork_exec",
        "args, executable_list, close_fds, pass_fds, cwd, env, p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite, errpipe_read, \
         errpipe_write, restore_signals, call_setsid, pgid_to_set, gid, extra_groups, uid, child_umask, preexec_fn, /",
        fork_exec,
    )
    .doc("Spawn a fresh new child process.")],
    ..ModuleDef::named("_posixsubprocess")
};

/// What the child is to do, in memory that only needs to be read.
struct Plan {
    /// NULL-terminated; the strings are kept in `_strings`.
    argv: Vec<*const c_char>,
    /// The same; None takes the parent's environment.
    envp: Option<Vec<*const c_char>>,
    /// The names to try.
    executables: Vec<*const c_char>,
    cwd: *const c_char,
    close_fds: bool,
    /// Sorted.
    pass_fds: Vec<i32>,
    /// The child's and the parent's end of its standard input, output and error; -1 where there is none.
    pipes: Pipes,
    restore_signals: bool,
    new_session: bool,
    process_group: i32,
    gid: Option<u32>,
    groups: Option<Vec<u32>>,
    uid: Option<u32>,
    umask: i32,
    /// The signal mask that the new program starts with.
    mask: libc::sigset_t,
    _strings: Vec<CString>,
}

/// Descriptors of both processes.
#[derive(Clone, Copy)]
struct Pipes {
    p2cread: i32,
    p2cwrite: i32,
    c2pread: i32,
    c2pwrite: i32,
    errread: i32,
    errwrite: i32,
    errpipe_read: i32,
    errpipe_write: i32,
}

/// NUL-terminated strings of a sequence.
fn strings(t: &Thread, v: Value, keep: &mut Vec<CString>) -> R<Vec<*const c_char>> {
    let mut pointers = Vec::new();
    iter::for_each(t, v, |item| {
        let text = Argument { function: "fork_exec", name: "argument", allow_fd: false }.parse(t, item).map_err(|raised| {
            if t.exception_is(limpid_vm::exc::ValueError) {
                t.take_exception();
                let what = if item.downcast::<Bytes>().is_some() { "byte" } else { "character" };
                return limpid_vm::err!(t, ValueError, "embedded null {what}");
            }
            if t.exception_is(limpid_vm::exc::TypeError) && item.downcast::<Bytes>().is_none() {
                t.take_exception();
                return limpid_vm::err!(t, TypeError, "expected str, bytes or os.PathLike object, not {}", item.class().display_name());
            }
            raised
        })?;
        pointers.push(text.name.as_ptr());
        keep.push(text.name);
        Ok(())
    })?;
    pointers.push(std::ptr::null());
    Ok(pointers)
}

/// Descriptors to keep: sorted, without repetition, none negative.
fn descriptors(t: &Thread, v: Value) -> R<Vec<i32>> {
    let Some(tuple) = v.downcast::<Tuple>() else {
        raise!(t, TypeError, "fork_exec() argument 4 must be tuple, not {}", v.class().display_name())
    };
    let mut fds = Vec::with_capacity(tuple.len());
    for v in tuple.as_slice() {
        let fd = if int::is_int(*v) { int::as_i64_opt(*v).and_then(|n| i32::try_from(n).ok()) } else { None };
        match fd {
            Some(fd) if fd >= 0 && fds.last().is_none_or(|last| fd > *last) => fds.push(fd),
            _ => raise!(t, ValueError, "bad value(s) in fds_to_keep"),
        }
    }
    Ok(fds)
}

/// An id, or None where the argument is None.
fn id(t: &Thread, v: Value, what: &str) -> R<Option<u32>> {
    if v.is_none() { Ok(None) } else { posix::id_of(t, v, what).map(Some) }
}

fn groups(t: &Thread, v: Value) -> R<Option<Vec<u32>>> {
    if v.is_none() {
        return Ok(None);
    }
    let list = iter::collect(t, v)?;
    if list.len() > 65536 {
        raise!(t, ValueError, "too many extra_groups")
    }
    let mut ids = Vec::with_capacity(list.len());
    for item in list.iter() {
        if !int::is_int(item) {
            raise!(t, TypeError, "extra_groups must be integers")
        }
        match posix::id_of(t, item, "gid") {
            Ok(n) => ids.push(n),
            Err(_) => {
                t.take_exception();
                raise!(t, ValueError, "invalid group id")
            }
        }
    }
    Ok(Some(ids))
}

fn fork_exec(t: &Thread, a: &[Value]) -> R {
    let close_fds = truth(t, a[2])?;
    let pass_fds = descriptors(t, a[3])?;
    let mut fds = [0; 8];
    for (to, v) in fds.iter_mut().zip(&a[6..14]) {
        *to = number::index_i32(t, *v)?;
    }
    let [p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite, errpipe_read, errpipe_write] = fds;
    let (restore_signals, new_session) = (truth(t, a[14])?, truth(t, a[15])?);
    let (process_group, umask) = (number::index_i32(t, a[16])?, number::index_i32(t, a[20])?);
    let preexec = (!a[21].is_none()).then_some(a[21]);
    if close_fds && errpipe_write < 3 {
        raise!(t, ValueError, "errpipe_write must be >= 3")
    }
    let mut keep = Vec::new();
    let executables = strings(t, a[1], &mut keep)?;
    let argv = strings(t, a[0], &mut keep)?;
    let envp = if a[5].is_none() { None } else { Some(strings(t, a[5], &mut keep)?) };
    let cwd = if a[4].is_none() { std::ptr::null() } else { strings(t, Tuple::from_slice(t, &a[4..5]).value(), &mut keep)?[0] };
    let mut plan = Plan {
        argv,
        envp,
        executables,
        cwd,
        close_fds,
        pass_fds,
        pipes: Pipes { p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite, errpipe_read, errpipe_write },
        restore_signals,
        new_session,
        process_group,
        gid: id(t, a[17], "gid")?,
        groups: groups(t, a[18])?,
        uid: id(t, a[19], "uid")?,
        umask,
        // SAFETY: zero is a valid value; filled in below.
        mask: unsafe { std::mem::zeroed() },
        _strings: keep,
    };
    // SAFETY: room for the result; a query.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &mut plan.mask) };
    sys::audit(t, "_posixsubprocess.fork_exec", &[])?;
    let pid = match preexec {
        Some(f) => fork_with(t, &plan, f)?,
        None => {
            let started = t.blocking(|| child::start(&plan));
            started.map_err(|e| raise_os_error(t, &e))?
        }
    };
    Ok(Value::int(pid as i64))
}

/// Forks for real and calls a Python function in the child.
fn fork_with(t: &Thread, plan: &Plan, f: Value) -> R<i32> {
    let pid = int::to_i32(t, posix::fork(t)?)?;
    if pid != 0 {
        return Ok(pid);
    }
    let call_it = || call::call(t, f, &[]).map(|_| ()).map_err(|_| ());
    child::run(plan, Some(&call_it))
}

/// The last error of the system.
fn last_errno() -> i32 {
    io::Error::last_os_error().raw_os_error().unwrap_or(0)
}
