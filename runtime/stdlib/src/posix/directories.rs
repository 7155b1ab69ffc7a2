//! Directories and what is in them.

use super::{check_path, path_error, retry, two_paths_error};
use crate::fs::{Argument, to_value};
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::object::R;
use limpid_vm::protocol::truth::truth;
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::{List, ValueList, int};
use std::ffi::{CStr, CString};
use std::io;

pub(super) const FUNCTIONS: &[FnDef] = &[
    FnDef::def("getcwd", "", |t, _| current(t, false)),
    FnDef::def("getcwdb", "", |t, _| current(t, true)),
    FnDef::def("chdir", "path", chdir),
    FnDef::def("fchdir", "fd", |t, a| {
        let fd = super::file_descriptor(t, a[0])?;
        // SAFETY: a plain system call.
        super::check(t, retry(t, || unsafe { libc::fchdir(fd) } as i64)?)?;
        Ok(Value::NONE)
    }),
    FnDef::def("listdir", "path=None", listdir),
    FnDef::def("mkdir", "path, mode=511, *, dir_fd=None", mkdir),
    FnDef::def("rmdir", "path, *, dir_fd=None", rmdir),
    FnDef::def("rename", "src, dst, *, src_dir_fd=None, dst_dir_fd=None", |t, a| rename(t, a, "rename")),
    FnDef::def("replace", "src, dst, *, src_dir_fd=None, dst_dir_fd=None", |t, a| rename(t, a, "replace")),
    FnDef::def("remove", "path, *, dir_fd=None", |t, a| unlink(t, a, "remove")),
    FnDef::def("unlink", "path, *, dir_fd=None", |t, a| unlink(t, a, "unlink")),
    FnDef::def("link", "src, dst, *, src_dir_fd=None, dst_dir_fd=None, follow_symlinks=True", link),
    FnDef::def("symlink", "src, dst, target_is_directory=False, *, dir_fd=None", symlink),
    FnDef::def("readlink", "path, *, dir_fd=None", readlink),
    FnDef::def("chroot", "path", |t, a| {
        let p = Argument::path("chroot").parse(t, a[0])?;
        // SAFETY: a NUL-terminated name.
        check_path(t, retry(t, || unsafe { libc::chroot(p.name.as_ptr()) } as i64)?, p.given)?;
        Ok(Value::NONE)
    }),
];

/// The directory that a relative name starts from.
pub(super) fn dir_fd(t: &Thread, v: Value) -> R<i32> {
    if v.is_null() || v.is_none() {
        return Ok(libc::AT_FDCWD);
    }
    if !int::is_int(v) {
        use limpid_vm::object::ValueExt;
        raise!(t, TypeError, "argument should be integer or None, not {}", v.class().display_name());
    }
    Ok(int::to_i64(t, v)? as i32)
}

fn current(t: &Thread, bytes: bool) -> R {
    match std::env::current_dir() {
        Ok(dir) => to_value(t, dir.as_os_str().as_encoded_bytes(), bytes),
        Err(e) => Err(path_error(t, &e, Value::NULL)),
    }
}

fn chdir(t: &Thread, a: &[Value]) -> R {
    let p = Argument::path_or_fd("chdir").parse(t, a[0])?;
    // SAFETY: a NUL-terminated name or a number.
    let result = retry(t, || unsafe { p.fd.map_or_else(|| libc::chdir(p.name.as_ptr()), |fd| libc::fchdir(fd)) } as i64)?;
    check_path(t, result, p.given)?;
    Ok(Value::NONE)
}

/// Calls `f` with the name of each entry of a directory and the rest of what the system tells of it, but for `.` and `..`.
pub(super) fn each_entry(name: &CStr, fd: Option<i32>, mut f: impl FnMut(&CStr, &libc::dirent)) -> io::Result<()> {
    // SAFETY: a NUL-terminated name, or a descriptor of which the stream gets a duplicate; the stream is closed at the end, and `f` has done
    // with an entry before the next one is read.
    unsafe {
        let dir = match fd {
            Some(fd) => {
                let own = libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0);
                if own < 0 {
                    return Err(io::Error::last_os_error());
                }
                let dir = libc::fdopendir(own);
                if !dir.is_null() {
                    libc::rewinddir(dir);
                }
                dir
            }
            None => libc::opendir(name.as_ptr()),
        };
        if dir.is_null() {
            return Err(io::Error::last_os_error());
        }
        loop {
            *libc::__errno_location() = 0;
            let entry = libc::readdir(dir);
            if entry.is_null() {
                let e = io::Error::last_os_error();
                libc::closedir(dir);
                return if e.raw_os_error() == Some(0) { Ok(()) } else { Err(e) };
            }
            let name = CStr::from_ptr((*entry).d_name.as_ptr());
            if name != c"." && name != c".." {
                f(name, &*entry);
            }
        }
    }
}

/// The names in a directory.
fn entries(name: &CStr, fd: Option<i32>) -> io::Result<Vec<CString>> {
    let mut names = Vec::new();
    each_entry(name, fd, |name, _| names.push(name.to_owned()))?;
    Ok(names)
}

fn listdir(t: &Thread, a: &[Value]) -> R {
    let p = Argument::path_or_fd("listdir").parse(t, a[0])?;
    match t.blocking(|| entries(&p.name, p.fd)) {
        Ok(names) => {
            let mut list = ValueList::with_capacity(t, names.len());
            for n in &names {
                list.push(t, to_value(t, n.as_bytes(), p.is_bytes)?);
            }
            Ok(List::from_slice(t, list.as_slice())?.value())
        }
        Err(e) => Err(path_error(t, &e, if p.given.is_none() { Value::NULL } else { p.given })),
    }
}

fn mkdir(t: &Thread, a: &[Value]) -> R {
    let p = Argument::path("mkdir").parse(t, a[0])?;
    let mode = if a[1].is_null() { 0o777 } else { int::to_i64(t, a[1])? as libc::mode_t };
    let dir = dir_fd(t, a[2])?;
    // SAFETY: a NUL-terminated name.
    check_path(t, retry(t, || unsafe { libc::mkdirat(dir, p.name.as_ptr(), mode) } as i64)?, p.given)?;
    Ok(Value::NONE)
}

fn rmdir(t: &Thread, a: &[Value]) -> R {
    let p = Argument::path("rmdir").parse(t, a[0])?;
    let dir = dir_fd(t, a[1])?;
    // SAFETY: a NUL-terminated name.
    check_path(t, retry(t, || unsafe { libc::unlinkat(dir, p.name.as_ptr(), libc::AT_REMOVEDIR) } as i64)?, p.given)?;
    Ok(Value::NONE)
}

fn unlink(t: &Thread, a: &[Value], function: &'static str) -> R {
    let p = Argument::path(function).parse(t, a[0])?;
    let dir = dir_fd(t, a[1])?;
    // SAFETY: a NUL-terminated name.
    check_path(t, retry(t, || unsafe { libc::unlinkat(dir, p.name.as_ptr(), 0) } as i64)?, p.given)?;
    Ok(Value::NONE)
}

fn source_and_target(function: &'static str) -> [Argument; 2] {
    ["src", "dst"].map(|name| Argument { function, name, allow_fd: false })
}

fn rename(t: &Thread, a: &[Value], function: &'static str) -> R {
    let [src, dst] = source_and_target(function);
    let (from, to) = (src.parse(t, a[0])?, dst.parse(t, a[1])?);
    let (from_dir, to_dir) = (dir_fd(t, a[2])?, dir_fd(t, a[3])?);
    // SAFETY: NUL-terminated names.
    retry(t, || unsafe { libc::renameat(from_dir, from.name.as_ptr(), to_dir, to.name.as_ptr()) } as i64)?
        .map_err(|e| two_paths_error(t, &e, from.given, to.given))?;
    Ok(Value::NONE)
}

fn link(t: &Thread, a: &[Value]) -> R {
    let [src, dst] = source_and_target("link");
    let (from, to) = (src.parse(t, a[0])?, dst.parse(t, a[1])?);
    let (from_dir, to_dir) = (dir_fd(t, a[2])?, dir_fd(t, a[3])?);
    let follow = a[4].is_null() || truth(t, a[4])?;
    let flags = if follow { libc::AT_SYMLINK_FOLLOW } else { 0 };
    // SAFETY: NUL-terminated names.
    retry(t, || unsafe { libc::linkat(from_dir, from.name.as_ptr(), to_dir, to.name.as_ptr(), flags) } as i64)?
        .map_err(|e| two_paths_error(t, &e, from.given, to.given))?;
    Ok(Value::NONE)
}

fn symlink(t: &Thread, a: &[Value]) -> R {
    let [src, dst] = source_and_target("symlink");
    let (from, to) = (src.parse(t, a[0])?, dst.parse(t, a[1])?);
    let dir = dir_fd(t, a[3])?;
    // SAFETY: NUL-terminated names.
    retry(t, || unsafe { libc::symlinkat(from.name.as_ptr(), dir, to.name.as_ptr()) } as i64)?
        .map_err(|e| two_paths_error(t, &e, from.given, to.given))?;
    Ok(Value::NONE)
}

fn readlink(t: &Thread, a: &[Value]) -> R {
    let p = Argument::path("readlink").parse(t, a[0])?;
    let dir = dir_fd(t, a[1])?;
    let mut buffer = vec![0u8; libc::PATH_MAX as usize + 1];
    // SAFETY: a NUL-terminated name and a buffer of that length.
    let result = retry(t, || unsafe { libc::readlinkat(dir, p.name.as_ptr(), buffer.as_mut_ptr().cast(), buffer.len()) } as i64)?;
    let n = check_path(t, result, p.given)?;
    to_value(t, &buffer[..n as usize], p.is_bytes)
}
