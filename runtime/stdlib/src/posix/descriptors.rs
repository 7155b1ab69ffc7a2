//! File descriptors: opening, reading, writing, pipes.

use super::{check, check_path, retry};
use crate::fs::Argument;
use crate::posix::directories::dir_fd;
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::object::R;
use limpid_vm::protocol::{attr, call, truth::truth};
use limpid_vm::thread::Thread;
use limpid_vm::types::memory::get_buffer;
use limpid_vm::types::{Bytes, Tuple, int};
use limpid_vm::{exc, names, raise};

pub(super) const FUNCTIONS: &[FnDef] = &[
    FnDef::def("open", "path, flags, mode=511, *, dir_fd=None", open),
    FnDef::def("close", "fd", |t, a| {
        let fd = fd_of(t, a[0])?;
        // SAFETY: a plain system call; the descriptor's owner has asked for it. Not repeated: it is closed even when interrupted.
        let result = t.blocking(|| unsafe { libc::close(fd) });
        if result < 0 {
            let e = std::io::Error::last_os_error();
            if e.raw_os_error() != Some(libc::EINTR) {
                check(t, Err(e))?;
            }
        }
        Ok(Value::NONE)
    }),
    FnDef::def("closerange", "fd_low, fd_high, /", |t, a| {
        let (low, high) = (fd_of(t, a[0])?, fd_of(t, a[1])?);
        for fd in low.max(0)..high {
            // SAFETY: a plain system call.
            unsafe { libc::close(fd) };
        }
        Ok(Value::NONE)
    }),
    FnDef::def("read", "fd, length, /", read),
    FnDef::def("write", "fd, data, /", write),
    FnDef::def("pread", "fd, length, offset, /", pread),
    FnDef::def("pwrite", "fd, buffer, offset, /", pwrite),
    FnDef::def("readinto", "fd, buffer, /", readinto),
    FnDef::def("lseek", "fd, position, how, /", |t, a| {
        let (fd, position, how) = (fd_of(t, a[0])?, int::to_i64(t, a[1])?, int::to_i64(t, a[2])? as i32);
        // SAFETY: a plain system call.
        let n = check(t, retry(t, || unsafe { libc::lseek(fd, position, how) })?)?;
        Ok(int::from_i64(t, n))
    }),
    FnDef::def("dup", "fd, /", |t, a| {
        let fd = fd_of(t, a[0])?;
        // SAFETY: a plain system call.
        let n = check(t, retry(t, || unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0) } as i64)?)?;
        Ok(Value::int(n))
    }),
    FnDef::def("dup2", "fd, fd2, inheritable=True", dup2),
    FnDef::def("pipe", "", |t, _| pipe(t, libc::O_CLOEXEC)),
    FnDef::def("pipe2", "flags, /", |t, a| pipe(t, int::to_i64(t, a[0])? as i32)),
    FnDef::def("fsync", "fd", |t, a| {
        let fd = file_descriptor(t, a[0])?;
        // SAFETY: a plain system call.
        check(t, retry(t, || unsafe { libc::fsync(fd) } as i64)?)?;
        Ok(Value::NONE)
    }),
    FnDef::def("fdatasync", "fd", |t, a| {
        let fd = file_descriptor(t, a[0])?;
        // SAFETY: a plain system call.
        check(t, retry(t, || unsafe { libc::fdatasync(fd) } as i64)?)?;
        Ok(Value::NONE)
    }),
    FnDef::def("ftruncate", "fd, length, /", |t, a| {
        let (fd, n) = (fd_of(t, a[0])?, int::to_i64(t, a[1])?);
        // SAFETY: a plain system call.
        check(t, retry(t, || unsafe { libc::ftruncate(fd, n) } as i64)?)?;
        Ok(Value::NONE)
    }),
    FnDef::def("truncate", "path, length", |t, a| {
        let p = Argument::path_or_fd("truncate").parse(t, a[0])?;
        let n = int::to_i64(t, a[1])?;
        // SAFETY: a NUL-terminated name or a number.
        let result = retry(t, || unsafe { p.fd.map_or_else(|| libc::truncate(p.name.as_ptr(), n), |fd| libc::ftruncate(fd, n)) } as i64)?;
        check_path(t, result, p.given)?;
        Ok(Value::NONE)
    }),
    FnDef::def("get_inheritable", "fd, /", |t, a| {
        let fd = fd_of(t, a[0])?;
        // SAFETY: a plain system call.
        let flags = check(t, retry(t, || unsafe { libc::fcntl(fd, libc::F_GETFD) } as i64)?)?;
        Ok(Value::bool(flags & libc::FD_CLOEXEC as i64 == 0))
    }),
    FnDef::def("set_inheritable", "fd, inheritable, /", |t, a| {
        set_inheritable(t, fd_of(t, a[0])?, truth(t, a[1])?)?;
        Ok(Value::NONE)
    }),
    FnDef::def("get_blocking", "fd, /", |t, a| {
        let fd = fd_of(t, a[0])?;
        // SAFETY: a plain system call.
        let flags = check(t, retry(t, || unsafe { libc::fcntl(fd, libc::F_GETFL) } as i64)?)?;
        Ok(Value::bool(flags & libc::O_NONBLOCK as i64 == 0))
    }),
    FnDef::def("set_blocking", "fd, blocking, /", |t, a| {
        let (fd, blocking) = (fd_of(t, a[0])?, truth(t, a[1])?);
        // SAFETY: a plain system call.
        let flags = check(t, retry(t, || unsafe { libc::fcntl(fd, libc::F_GETFL) } as i64)?)? as i32;
        let flags = if blocking { flags & !libc::O_NONBLOCK } else { flags | libc::O_NONBLOCK };
        // SAFETY: as above.
        check(t, retry(t, || unsafe { libc::fcntl(fd, libc::F_SETFL, flags) } as i64)?)?;
        Ok(Value::NONE)
    }),
];

/// A descriptor: an int, or an object with `fileno`.
pub(crate) fn fd_of(t: &Thread, v: Value) -> R<i32> {
    match i32::try_from(int::to_i64(t, limpid_vm::protocol::number::index(t, v)?)?) {
        Ok(fd) => Ok(fd),
        Err(_) => raise!(t, OverflowError, "signed integer is greater than maximum"),
    }
}

/// The descriptor of an int or of an object that has one, by its method `fileno`.
pub(crate) fn file_descriptor(t: &Thread, v: Value) -> R<i32> {
    let number = if int::is_int(v) {
        v
    } else {
        let Some(method) = attr::get_attr_opt(t, v, names::fileno)? else {
            raise!(t, TypeError, "argument must be an int, or have a fileno() method.")
        };
        let number = call::call(t, method, &[])?;
        if !int::is_int(number) {
            raise!(t, TypeError, "fileno() returned a non-integer")
        }
        number
    };
    if v.is_bool() {
        limpid_vm::warnings::warn(t, exc::RuntimeWarning, "bool is used as a file descriptor", 1)?;
    }
    match int::as_i64_opt(number).and_then(|n| i32::try_from(n).ok()) {
        Some(fd) if fd < 0 => raise!(t, ValueError, "file descriptor cannot be a negative integer ({fd})"),
        Some(fd) => Ok(fd),
        None => raise!(t, OverflowError, "Python int too large to convert to C int"),
    }
}

fn open(t: &Thread, a: &[Value]) -> R {
    let p = Argument::path("open").parse(t, a[0])?;
    let flags = int::to_i64(t, a[1])? as i32 | libc::O_CLOEXEC;
    let mode = if a[2].is_null() { 0o777 } else { int::to_i64(t, a[2])? as libc::c_uint };
    let dir = dir_fd(t, a[3])?;
    // SAFETY: a NUL-terminated name.
    let fd = check_path(t, retry(t, || unsafe { libc::openat(dir, p.name.as_ptr(), flags, mode) } as i64)?, p.given)?;
    Ok(Value::int(fd))
}

fn length_of(t: &Thread, v: Value) -> R<usize> {
    match usize::try_from(int::to_i64(t, v)?) {
        Ok(n) => Ok(n),
        Err(_) => check(t, Err(std::io::Error::from_raw_os_error(libc::EINVAL))).map(|_| 0),
    }
}

fn read(t: &Thread, a: &[Value]) -> R {
    let (fd, n) = (fd_of(t, a[0])?, length_of(t, a[1])?);
    let mut buffer = Vec::new();
    if buffer.try_reserve_exact(n).is_err() {
        raise!(t, MemoryError, "");
    }
    buffer.resize(n, 0u8);
    // SAFETY: a buffer of that length.
    let got = check(t, retry(t, || unsafe { libc::read(fd, buffer.as_mut_ptr().cast(), n) } as i64)?)?;
    Ok(Bytes::from_slice(t, &buffer[..got as usize])?.value())
}

fn pread(t: &Thread, a: &[Value]) -> R {
    let (fd, n, offset) = (fd_of(t, a[0])?, length_of(t, a[1])?, int::to_i64(t, a[2])?);
    let mut buffer = vec![0u8; n];
    // SAFETY: a buffer of that length.
    let got = check(t, retry(t, || unsafe { libc::pread(fd, buffer.as_mut_ptr().cast(), n, offset) } as i64)?)?;
    Ok(Bytes::from_slice(t, &buffer[..got as usize])?.value())
}

fn write(t: &Thread, a: &[Value]) -> R {
    let fd = fd_of(t, a[0])?;
    let data = get_buffer(t, a[1])?;
    let bytes = data.as_slice();
    // SAFETY: the buffer is kept as it is while it is exported.
    let n = check(t, retry(t, || unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) } as i64)?)?;
    Ok(Value::int(n))
}

fn pwrite(t: &Thread, a: &[Value]) -> R {
    let (fd, offset) = (fd_of(t, a[0])?, int::to_i64(t, a[2])?);
    let data = get_buffer(t, a[1])?;
    let bytes = data.as_slice();
    // SAFETY: as in `write`.
    let n = check(t, retry(t, || unsafe { libc::pwrite(fd, bytes.as_ptr().cast(), bytes.len(), offset) } as i64)?)?;
    Ok(Value::int(n))
}

fn readinto(t: &Thread, a: &[Value]) -> R {
    let fd = fd_of(t, a[0])?;
    let mut data = limpid_vm::types::memory::get_writable_buffer(t, a[1], "readinto() argument 2")?;
    let bytes = data.as_mut_slice();
    // SAFETY: a buffer of that length.
    let n = check(t, retry(t, || unsafe { libc::read(fd, bytes.as_mut_ptr().cast(), bytes.len()) } as i64)?)?;
    Ok(Value::int(n))
}

/// Is the descriptor handed to programs that are started?
pub(crate) fn set_inheritable(t: &Thread, fd: i32, inheritable: bool) -> R<()> {
    let flags = if inheritable { 0 } else { libc::FD_CLOEXEC };
    // SAFETY: a plain system call.
    check(t, retry(t, || unsafe { libc::fcntl(fd, libc::F_SETFD, flags) } as i64)?)?;
    Ok(())
}

fn dup2(t: &Thread, a: &[Value]) -> R {
    let (fd, to) = (fd_of(t, a[0])?, fd_of(t, a[1])?);
    let inheritable = a[2].is_null() || truth(t, a[2])?;
    // SAFETY: a plain system call.
    let n = check(
        t,
        retry(t, || unsafe { if inheritable || fd == to { libc::dup2(fd, to) } else { libc::dup3(fd, to, libc::O_CLOEXEC) } } as i64)?,
    )?;
    Ok(Value::int(n))
}

fn pipe(t: &Thread, flags: i32) -> R {
    let mut ends = [0; 2];
    // SAFETY: room for two descriptors.
    check(t, retry(t, || unsafe { libc::pipe2(ends.as_mut_ptr(), flags) } as i64)?)?;
    Ok(Tuple::from_slice(t, &ends.map(|fd| Value::int(fd as i64))).value())
}
