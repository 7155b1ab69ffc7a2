//! Names of files as text, and limits of the file systems they are in.

use super::{check_path, retry};
use crate::fs::{self, Argument};
use crate::posix::directories::dir_fd;
use crate::posix::environment::constant;
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::object::{R, ValueExt};
use limpid_vm::protocol::number;
use limpid_vm::thread::Thread;
use limpid_vm::types::exceptions::raise_os_error;
use limpid_vm::types::{Bytes, Str, Tuple, int};
use std::io;

pub(super) const FUNCTIONS: &[FnDef] = &[
    FnDef::def("_path_normpath", "path", |t, a| {
        let path = fs::fspath(t, a[0])?;
        match (path.downcast::<Str>(), path.downcast::<Bytes>()) {
            (Some(s), _) => {
                let chars: Vec<u32> = s.code_points().collect();
                Ok(Str::from_chars(t, normalized(&chars).into_iter())?.value())
            }
            (_, Some(b)) => Ok(Bytes::from_slice(t, &normalized(b.as_slice()))?.value()),
            _ => Ok(path),
        }
    })
    .doc("Normalize path, eliminating double slashes, etc."),
    FnDef::def("_path_splitroot_ex", "path, /", |t, a| {
        let path = fs::fspath(t, a[0])?;
        let parts = match (path.downcast::<Str>(), path.downcast::<Bytes>()) {
            (Some(s), _) => {
                let chars: Vec<u32> = s.code_points().take(3).collect();
                let root = root_length(&chars);
                [Str::new(t, "").value(), s.slice(t, 0, root)?.value(), s.slice(t, root, s.len())?.value()]
            }
            (_, Some(b)) => {
                let (root, tail) = b.as_slice().split_at(root_length(b.as_slice()));
                [Bytes::empty(t)?.value(), Bytes::from_slice(t, root)?.value(), Bytes::from_slice(t, tail)?.value()]
            }
            _ => [Value::NONE; 3],
        };
        Ok(Tuple::from_slice(t, &parts).value())
    })
    .doc("Split a pathname into drive, root and tail."),
    FnDef::def("pathconf", "path, name", |t, a| {
        let p = Argument::path_or_fd("pathconf").parse(t, a[0])?;
        let name = constant(t, a[1], super::constants::PATHCONF_NAMES)? as i32;
        // SAFETY: a NUL-terminated name or a number.
        limit(t, a[0], || unsafe { p.fd.map_or_else(|| libc::pathconf(p.name.as_ptr(), name), |fd| libc::fpathconf(fd, name)) })
    }),
    FnDef::def("fpathconf", "fd, name, /", |t, a| {
        let fd = crate::posix::file_descriptor(t, a[0])?;
        let name = constant(t, a[1], super::constants::PATHCONF_NAMES)? as i32;
        // SAFETY: a plain query.
        limit(t, Value::NULL, || unsafe { libc::fpathconf(fd, name) })
    }),
    FnDef::def("mknod", "path, mode=384, device=0, *, dir_fd=None", |t, a| {
        let p = Argument::path("mknod").parse(t, a[0])?;
        let mode = if a[1].is_null() { 0o600 } else { number::index_i32(t, a[1])? as libc::mode_t };
        let device = if a[2].is_null() { 0 } else { int::to_u64(t, number::index(t, a[2])?)? };
        let dir = dir_fd(t, a[3])?;
        // SAFETY: a NUL-terminated name.
        check_path(t, retry(t, || unsafe { libc::mknodat(dir, p.name.as_ptr(), mode, device) } as i64)?, p.given)?;
        Ok(Value::NONE)
    }),
];

/// A limit; -1 is an error only if errno says so.
fn limit(t: &Thread, path: Value, call: impl Fn() -> libc::c_long) -> R {
    // SAFETY: this thread's errno.
    let (n, e) = t.blocking(|| unsafe {
        *libc::__errno_location() = 0;
        (call(), io::Error::last_os_error())
    });
    if n == -1 && e.raw_os_error() != Some(0) {
        return Err(if path.is_null() { raise_os_error(t, &e) } else { super::path_error(t, &e, path) });
    }
    Ok(int::from_i64(t, n))
}

const SLASH: u8 = b'/';
const DOT: u8 = b'.';

/// How long the root of a path is: none, one slash, or two that mean something of their own.
fn root_length<C: Copy + PartialEq + From<u8>>(path: &[C]) -> usize {
    let slash = |i: usize| path.get(i).is_some_and(|c| *c == SLASH.into());
    match (slash(0), slash(1), slash(2)) {
        (false, ..) => 0,
        (true, true, false) => 2,
        _ => 1,
    }
}

/// The path without `.`, without `..` where that can be told, and with single slashes.
fn normalized<C: Copy + PartialEq + From<u8>>(path: &[C]) -> Vec<C> {
    let (slash, dot) = (C::from(SLASH), C::from(DOT));
    let root = root_length(path);
    let mut parts: Vec<&[C]> = Vec::new();
    for part in path.split(|c| *c == slash) {
        if part.is_empty() || part == [dot] {
            continue;
        }
        let is_up = part == [dot, dot];
        let can_go_up = parts.last().is_some_and(|last| *last != [dot, dot]);
        if is_up && can_go_up {
            parts.pop();
        } else if !is_up || root == 0 {
            parts.push(part);
        }
    }
    let mut out = vec![slash; root];
    out.extend(parts.join(&slash));
    if out.is_empty() {
        out.push(dot);
    }
    out
}
