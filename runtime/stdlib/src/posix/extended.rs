//! Extended attributes of files.

use super::{check_path, retry};
use crate::constants;
use crate::fs::{self, Argument, Path};
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::object::{R, Ref};
use limpid_vm::protocol::{number, truth::truth};
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::memory::get_buffer;
use limpid_vm::types::{Bytes, List, Module, ValueList};
use std::ffi::c_char;

pub(super) const FUNCTIONS: &[FnDef] = &[
    FnDef::def("getxattr", "path, attribute, *, follow_symlinks=True", |t, a| {
        let (path, name, follow) = arguments(t, a[0], a[1], a[2], "getxattr")?;
        let value = whole(t, &path, |p, n| {
            // SAFETY: NUL-terminated names or a number, and a buffer of that length.
            unsafe {
                match path.fd {
                    Some(fd) => libc::fgetxattr(fd, name.name.as_ptr(), p.cast(), n),
                    None if follow => libc::getxattr(path.name.as_ptr(), name.name.as_ptr(), p.cast(), n),
                    None => libc::lgetxattr(path.name.as_ptr(), name.name.as_ptr(), p.cast(), n),
                }
            }
        })?;
        Ok(Bytes::from_slice(t, &value)?.value())
    }),
    FnDef::def("setxattr", "path, attribute, value, flags=0, *, follow_symlinks=True", |t, a| {
        let (path, name, follow) = arguments(t, a[0], a[1], a[4], "setxattr")?;
        let value = get_buffer(t, a[2])?;
        let flags = if a[3].is_null() { 0 } else { number::index_i32(t, a[3])? };
        let bytes = value.as_slice();
        // SAFETY: NUL-terminated names or a number, and a buffer of that length.
        let result = retry(t, || unsafe {
            let (p, n) = (bytes.as_ptr().cast(), bytes.len());
            match path.fd {
                Some(fd) => libc::fsetxattr(fd, name.name.as_ptr(), p, n, flags) as i64,
                None if follow => libc::setxattr(path.name.as_ptr(), name.name.as_ptr(), p, n, flags) as i64,
                None => libc::lsetxattr(path.name.as_ptr(), name.name.as_ptr(), p, n, flags) as i64,
            }
        })?;
        check_path(t, result, path.given)?;
        Ok(Value::NONE)
    }),
    FnDef::def("removexattr", "path, attribute, *, follow_symlinks=True", |t, a| {
        let (path, name, follow) = arguments(t, a[0], a[1], a[2], "removexattr")?;
        // SAFETY: NUL-terminated names or a number.
        let result = retry(t, || unsafe {
            match path.fd {
                Some(fd) => libc::fremovexattr(fd, name.name.as_ptr()) as i64,
                None if follow => libc::removexattr(path.name.as_ptr(), name.name.as_ptr()) as i64,
                None => libc::lremovexattr(path.name.as_ptr(), name.name.as_ptr()) as i64,
            }
        })?;
        check_path(t, result, path.given)?;
        Ok(Value::NONE)
    }),
    FnDef::def("listxattr", "path=None, *, follow_symlinks=True", |t, a| {
        let path = Argument::path_or_fd("listxattr").parse(t, a[0])?;
        let follow = a[1].is_null() || truth(t, a[1])?;
        check_follow(t, &path, follow, "listxattr")?;
        let names = whole(t, &path, |p, n| {
            // SAFETY: a NUL-terminated name or a number, and a buffer of that length.
            unsafe {
                let p = p.cast::<c_char>();
                match path.fd {
                    Some(fd) => libc::flistxattr(fd, p, n),
                    None if follow => libc::listxattr(path.name.as_ptr(), p, n),
                    None => libc::llistxattr(path.name.as_ptr(), p, n),
                }
            }
        })?;
        let mut list = ValueList::new(t);
        for name in names.split(|b| *b == 0).filter(|name| !name.is_empty()) {
            list.push(t, fs::to_value(t, name, false)?);
        }
        Ok(List::from_slice(t, list.as_slice())?.value())
    }),
];

pub(super) fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    constants::add(t, m, constants::constants!(XATTR_CREATE XATTR_REPLACE))
}

fn check_follow(t: &Thread, path: &Path, follow: bool, function: &str) -> R<()> {
    if path.fd.is_some() && !follow {
        raise!(t, ValueError, "{function}: cannot use fd and follow_symlinks together")
    }
    Ok(())
}

fn arguments(t: &Thread, path: Value, name: Value, follow: Value, function: &'static str) -> R<(Path, Path, bool)> {
    let path = Argument::path_or_fd(function).parse(t, path)?;
    let name = Argument { function, name: "attribute", allow_fd: false }.parse(t, name)?;
    let follow = follow.is_null() || truth(t, follow)?;
    check_follow(t, &path, follow, function)?;
    Ok((path, name, follow))
}

/// What a call gives that has to be told how much room there is.
fn whole(t: &Thread, path: &Path, call: impl Fn(*mut u8, usize) -> isize) -> R<Vec<u8>> {
    // As much as the kernel allows for values and for lists of names.
    let mut size = 256;
    loop {
        let mut buffer = vec![0u8; size];
        match retry(t, || call(buffer.as_mut_ptr(), buffer.len()) as i64)? {
            Err(e) if e.raw_os_error() == Some(libc::ERANGE) && size < 65536 => size = 65536,
            result => {
                let n = check_path(t, result, path.given)?;
                buffer.truncate(n as usize);
                return Ok(buffer);
            }
        }
    }
}
