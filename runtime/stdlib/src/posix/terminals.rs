//! Terminals, real and pretended.

use super::{check, retry};
use crate::fs;
use crate::posix::descriptors::{fd_of, set_inheritable};
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::object::R;
use limpid_vm::protocol::number;
use limpid_vm::thread::Thread;
use limpid_vm::types::exceptions::raise_os_error;
use limpid_vm::types::{Str, Tuple};
use std::ffi::{CStr, c_char};
use std::io;

pub(super) const FUNCTIONS: &[FnDef] = &[
    FnDef::def("isatty", "fd, /", |t, a| {
        let fd = fd_of(t, a[0])?;
        // SAFETY: a plain system call.
        Ok(Value::bool(unsafe { libc::isatty(fd) } == 1))
    }),
    FnDef::def("ttyname", "fd, /", |t, a| {
        let fd = fd_of(t, a[0])?;
        // SAFETY: the call is told how long its buffer is.
        name_of(t, |p, n| unsafe { libc::ttyname_r(fd, p, n) })
    }),
    FnDef::def("ptsname", "fd, /", |t, a| {
        let fd = fd_of(t, a[0])?;
        // SAFETY: as above.
        name_of(t, |p, n| unsafe { libc::ptsname_r(fd, p, n) })
    }),
    FnDef::def("ctermid", "", |t, _| {
        let mut name = [0 as c_char; 1024];
        // SAFETY: a buffer that is longer than any such name.
        let name = unsafe { CStr::from_ptr(ctermid(name.as_mut_ptr())) };
        fs::to_value(t, name.to_bytes(), false)
    }),
    FnDef::def("openpty", "", |t, _| {
        let (mut main, mut other) = (-1, -1);
        // SAFETY: room for two descriptors.
        let result = unsafe { libc::openpty(&mut main, &mut other, std::ptr::null_mut(), std::ptr::null(), std::ptr::null()) };
        check(t, if result < 0 { Err(io::Error::last_os_error()) } else { Ok(0) })?;
        set_inheritable(t, main, false)?;
        set_inheritable(t, other, false)?;
        Ok(Tuple::from_slice(t, &[Value::int(main as i64), Value::int(other as i64)]).value())
    }),
    FnDef::def("forkpty", "", |t, _| {
        let mut main = -1;
        let pid = super::process::fork_by(t, "forkpty", || {
            // SAFETY: the process is prepared for a fork; room for a descriptor.
            unsafe { libc::forkpty(&mut main, std::ptr::null_mut(), std::ptr::null(), std::ptr::null()) }
        })?;
        Ok(Tuple::from_slice(t, &[pid, Value::int(main as i64)]).value())
    }),
    FnDef::def("login_tty", "fd, /", |t, a| {
        let fd = crate::posix::file_descriptor(t, a[0])?;
        // SAFETY: a plain call.
        check(t, retry(t, || unsafe { libc::login_tty(fd) } as i64)?)?;
        Ok(Value::NONE)
    }),
    FnDef::def("posix_openpt", "oflag, /", |t, a| {
        let flags = number::index_i32(t, a[0])?;
        // SAFETY: a plain system call.
        let fd = check(t, retry(t, || unsafe { libc::posix_openpt(flags | libc::O_CLOEXEC) } as i64)?)?;
        Ok(Value::int(fd))
    }),
    FnDef::def("grantpt", "fd, /", |t, a| {
        let fd = crate::posix::file_descriptor(t, a[0])?;
        // SAFETY: a plain call.
        check(t, retry(t, || unsafe { libc::grantpt(fd) } as i64)?)?;
        Ok(Value::NONE)
    }),
    FnDef::def("unlockpt", "fd, /", |t, a| {
        let fd = crate::posix::file_descriptor(t, a[0])?;
        // SAFETY: a plain call.
        check(t, retry(t, || unsafe { libc::unlockpt(fd) } as i64)?)?;
        Ok(Value::NONE)
    }),
    FnDef::def("tcgetpgrp", "fd, /", |t, a| {
        let fd = fd_of(t, a[0])?;
        // SAFETY: a plain system call.
        Ok(Value::int(check(t, retry(t, || unsafe { libc::tcgetpgrp(fd) } as i64)?)?))
    }),
    FnDef::def("tcsetpgrp", "fd, pgid, /", |t, a| {
        let (fd, group) = (fd_of(t, a[0])?, number::index_i32(t, a[1])?);
        // SAFETY: a plain system call.
        check(t, retry(t, || unsafe { libc::tcsetpgrp(fd, group) } as i64)?)?;
        Ok(Value::NONE)
    }),
    FnDef::def("device_encoding", "fd", |t, a| {
        let fd = fd_of(t, a[0])?;
        // SAFETY: a plain system call.
        if unsafe { libc::isatty(fd) } != 1 {
            return Ok(Value::NONE);
        }
        if t.runtime().options.utf8_mode {
            return Ok(Str::new(t, "utf-8").value());
        }
        // SAFETY: the C library's own text.
        let name = unsafe { CStr::from_ptr(libc::nl_langinfo(libc::CODESET)) };
        fs::to_value(t, name.to_bytes(), false)
    }),
    FnDef::def("get_terminal_size", "fd=1, /", super::stat::terminal_size),
];

unsafe extern "C" {
    fn ctermid(name: *mut c_char) -> *mut c_char;
}

fn name_of(t: &Thread, call: impl Fn(*mut c_char, usize) -> i32) -> R {
    let mut name = [0 as c_char; 1024];
    match call(name.as_mut_ptr(), name.len()) {
        // SAFETY: NUL-terminated by the call.
        0 => fs::to_value(t, unsafe { CStr::from_ptr(name.as_ptr()) }.to_bytes(), false),
        e => Err(raise_os_error(t, &io::Error::from_raw_os_error(e))),
    }
}
