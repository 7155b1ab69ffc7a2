//! Permissions, owners and times of files.

use super::{check, check_path, retry};
use crate::fs::Argument;
use crate::posix::descriptors::fd_of;
use crate::posix::directories::dir_fd;
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::object::{R, ValueExt};
use limpid_vm::protocol::{number, truth::truth};
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Tuple, int};

pub(super) const FUNCTIONS: &[FnDef] = &[
    FnDef::def("access", "path, mode, *, dir_fd=None, effective_ids=False, follow_symlinks=True", |t, a| {
        let p = Argument::path("access").parse(t, a[0])?;
        let (mode, dir) = (int::to_i64(t, a[1])? as i32, dir_fd(t, a[2])?);
        let mut flags = 0;
        if !a[3].is_null() && truth(t, a[3])? {
            flags |= libc::AT_EACCESS;
        }
        if !a[4].is_null() && !truth(t, a[4])? {
            flags |= libc::AT_SYMLINK_NOFOLLOW;
        }
        // SAFETY: a NUL-terminated name.
        Ok(Value::bool(t.blocking(|| unsafe { libc::faccessat(dir, p.name.as_ptr(), mode, flags) }) == 0))
    }),
    FnDef::def("chmod", "path, mode, *, dir_fd=None, follow_symlinks=True", |t, a| {
        let p = Argument::path_or_fd("chmod").parse(t, a[0])?;
        let (mode, dir) = (int::to_i64(t, a[1])? as libc::mode_t, dir_fd(t, a[2])?);
        let flags = if a[3].is_null() || truth(t, a[3])? { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
        // SAFETY: a NUL-terminated name or a number.
        let result = retry(t, || unsafe {
            p.fd.map_or_else(|| libc::fchmodat(dir, p.name.as_ptr(), mode, flags), |fd| libc::fchmod(fd, mode)) as i64
        })?;
        check_path(t, result, p.given)?;
        Ok(Value::NONE)
    }),
    FnDef::def("fchmod", "fd, mode", |t, a| {
        let (fd, mode) = (fd_of(t, a[0])?, int::to_i64(t, a[1])? as libc::mode_t);
        // SAFETY: a plain system call.
        check(t, retry(t, || unsafe { libc::fchmod(fd, mode) } as i64)?)?;
        Ok(Value::NONE)
    }),
    FnDef::def("chown", "path, uid, gid, *, dir_fd=None, follow_symlinks=True", |t, a| {
        let flags = if a[4].is_null() || truth(t, a[4])? { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
        chown(t, a, dir_fd(t, a[3])?, flags)
    }),
    FnDef::def("lchown", "path, uid, gid", |t, a| chown(t, a, libc::AT_FDCWD, libc::AT_SYMLINK_NOFOLLOW)),
    FnDef::def("fchown", "fd, uid, gid", |t, a| chown(t, a, libc::AT_FDCWD, 0)),
    FnDef::def("umask", "mask, /", |t, a| {
        let mask = int::to_i64(t, a[0])? as libc::mode_t;
        // SAFETY: always succeeds.
        Ok(Value::int(unsafe { libc::umask(mask) } as i64))
    }),
    FnDef::def("utime", "path, times=None, *, ns=None, dir_fd=None, follow_symlinks=True", utime),
    FnDef::def("mkfifo", "path, mode=438, *, dir_fd=None", |t, a| {
        let p = Argument::path("mkfifo").parse(t, a[0])?;
        let mode = if a[1].is_null() { 0o666 } else { int::to_i64(t, a[1])? as libc::mode_t };
        let dir = dir_fd(t, a[2])?;
        // SAFETY: a NUL-terminated name.
        check_path(t, retry(t, || unsafe { libc::mkfifoat(dir, p.name.as_ptr(), mode) } as i64)?, p.given)?;
        Ok(Value::NONE)
    }),
    FnDef::def("major", "device, /", |t, a| Ok(Value::int(libc::major(int::to_u64(t, a[0])?) as i64))),
    FnDef::def("minor", "device, /", |t, a| Ok(Value::int(libc::minor(int::to_u64(t, a[0])?) as i64))),
    FnDef::def("makedev", "major, minor, /", |t, a| {
        Ok(int::from_u64(t, libc::makedev(int::to_i64(t, a[0])? as u32, int::to_i64(t, a[1])? as u32)))
    }),
];

fn chown(t: &Thread, a: &[Value], dir: i32, flags: i32) -> R {
    let p = Argument::path_or_fd("chown").parse(t, a[0])?;
    let (uid, gid) = (int::to_i64(t, a[1])? as u32, int::to_i64(t, a[2])? as u32);
    // SAFETY: a NUL-terminated name or a number.
    let result = retry(t, || unsafe {
        p.fd.map_or_else(|| libc::fchownat(dir, p.name.as_ptr(), uid, gid, flags), |fd| libc::fchown(fd, uid, gid)) as i64
    })?;
    check_path(t, result, p.given)?;
    Ok(Value::NONE)
}

/// Seconds as an int or a float.
fn from_seconds(t: &Thread, v: Value) -> R<libc::timespec> {
    if int::is_int(v) {
        return Ok(libc::timespec { tv_sec: int::to_i64(t, v)?, tv_nsec: 0 });
    }
    let seconds = number::as_float(t, v)?;
    if !seconds.is_finite() || seconds.abs() > i64::MAX as f64 {
        raise!(t, OverflowError, "timestamp out of range for platform time_t");
    }
    let whole = seconds.floor();
    let nanos = ((seconds - whole) * 1e9).floor() as i64;
    Ok(libc::timespec { tv_sec: whole as i64, tv_nsec: nanos.min(999_999_999) })
}

fn from_nanos(t: &Thread, v: Value) -> R<libc::timespec> {
    let n = int::to_i64(t, v)?;
    Ok(libc::timespec { tv_sec: n.div_euclid(1_000_000_000), tv_nsec: n.rem_euclid(1_000_000_000) })
}

fn utime(t: &Thread, a: &[Value]) -> R {
    let p = Argument::path_or_fd("utime").parse(t, a[0])?;
    let given = |v: Value| !v.is_null() && !v.is_none();
    let pair = |t: &Thread, v: Value, f: fn(&Thread, Value) -> R<libc::timespec>, what: &str| -> R<[libc::timespec; 2]> {
        match v.downcast::<Tuple>().filter(|p| p.len() == 2) {
            Some(p) => Ok([f(t, p.get(0))?, f(t, p.get(1))?]),
            None => raise!(t, TypeError, "utime: '{what}' must be either a tuple of two ints or None"),
        }
    };
    let times = match (given(a[1]), given(a[2])) {
        (true, true) => raise!(t, ValueError, "utime: you may specify either 'times' or 'ns' but not both"),
        (true, false) => Some(pair(t, a[1], from_seconds, "times")?),
        (false, true) => Some(pair(t, a[2], from_nanos, "ns")?),
        (false, false) => None,
    };
    let dir = dir_fd(t, a[3])?;
    let flags = if a[4].is_null() || truth(t, a[4])? { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
    let times = times.as_ref().map_or(std::ptr::null(), |p| p.as_ptr());
    // SAFETY: a NUL-terminated name or a number, and two times or NULL.
    let result = retry(t, || unsafe {
        p.fd.map_or_else(|| libc::utimensat(dir, p.name.as_ptr(), times, flags), |fd| libc::futimens(fd, times)) as i64
    })?;
    check_path(t, result, p.given)?;
    Ok(Value::NONE)
}
