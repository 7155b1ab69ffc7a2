//! `fcntl`: control of descriptors, and locks on files.

use crate::constants::{self, constants};
use crate::fs;
use crate::posix::{check, file_descriptor, retry};
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::modules::{ModuleDef, sys};
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{number, truth::truth};
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::memory::{Buffer, get_buffer, get_buffer_with, has_buffer, request};
use limpid_vm::types::{Bytes, Module, Str, int};
use std::ffi::c_int;

/// `fcntl`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "This module performs file control and I/O control on file\ndescriptors.  It is an interface to the fcntl() and ioctl() Unix\nroutines. \
           File descriptors can be obtained with the fileno() method of\na file or socket object.",
    functions: &[
        FnDef::def("fcntl", "fd, cmd, arg=0, /", fcntl).doc("Perform the operation `cmd` on file descriptor fd."),
        FnDef::def("ioctl", "fd, request, arg=0, mutate_flag=True, /", ioctl).doc("Perform the operation request on file descriptor fd."),
        FnDef::def("flock", "fd, operation, /", |t, a| {
            let (fd, operation) = (file_descriptor(t, a[0])?, number::index_i32(t, a[1])?);
            sys::audit(t, "fcntl.flock", a)?;
            // SAFETY: a plain system call.
            check(t, retry(t, || unsafe { libc::flock(fd, operation) } as i64)?)?;
            Ok(Value::NONE)
        })
        .doc("Perform the lock operation `operation` on file descriptor `fd`."),
        FnDef::def("lockf", "fd, cmd, len=0, start=0, whence=0, /", lockf).doc("A wrapper around the fcntl() locking calls."),
    ],
    init,
    ..ModuleDef::named("fcntl")
};

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    constants::add(
        t,
        m,
        constants! {
            LOCK_SH LOCK_EX LOCK_NB LOCK_UN F_DUPFD F_DUPFD_CLOEXEC F_GETFD F_SETFD F_GETFL F_SETFL F_GETLK F_SETLK F_SETLKW F_OFD_GETLK
            F_OFD_SETLK F_OFD_SETLKW F_GETOWN F_SETOWN F_RDLCK F_WRLCK F_UNLCK F_SETLEASE F_GETLEASE F_NOTIFY F_SETPIPE_SZ F_GETPIPE_SZ
            F_ADD_SEALS F_GET_SEALS F_SEAL_SEAL F_SEAL_SHRINK F_SEAL_GROW F_SEAL_WRITE F_SEAL_FUTURE_WRITE FD_CLOEXEC
        },
    )?;
    constants::add(
        t,
        m,
        &[
            ("FASYNC", libc::O_ASYNC as i64),
            ("FICLONE", 0x4004_9409),
            ("FICLONERANGE", 0x4020_940d),
            ("F_EXLCK", 4),
            ("F_SHLCK", 8),
            ("F_GETLK64", libc::F_GETLK as i64),
            ("F_SETLK64", libc::F_SETLK as i64),
            ("F_SETLKW64", libc::F_SETLKW as i64),
            ("F_SETSIG", 10),
            ("F_GETSIG", 11),
            ("F_SETOWN_EX", 15),
            ("F_GETOWN_EX", 16),
            ("F_OWNER_TID", 0),
            ("F_OWNER_PID", 1),
            ("F_OWNER_PGRP", 2),
            ("F_GET_RW_HINT", 1035),
            ("F_SET_RW_HINT", 1036),
            ("F_GET_FILE_RW_HINT", 1037),
            ("F_SET_FILE_RW_HINT", 1038),
            ("RWH_WRITE_LIFE_NOT_SET", 0),
            ("RWH_WRITE_LIFE_NONE", 1),
            ("RWH_WRITE_LIFE_SHORT", 2),
            ("RWH_WRITE_LIFE_MEDIUM", 3),
            ("RWH_WRITE_LIFE_LONG", 4),
            ("RWH_WRITE_LIFE_EXTREME", 5),
            ("LOCK_MAND", 32),
            ("LOCK_READ", 64),
            ("LOCK_WRITE", 128),
            ("LOCK_RW", 192),
            ("DN_ACCESS", 1),
            ("DN_MODIFY", 2),
            ("DN_CREATE", 4),
            ("DN_DELETE", 8),
            ("DN_RENAME", 16),
            ("DN_ATTRIB", 32),
            ("DN_MULTISHOT", 0x8000_0000),
        ],
    )
}

/// What the third argument is: a number, or bytes that the call reads and changes.
enum Argument {
    Number(c_int),
    Bytes(Vec<u8>),
}

/// Room that calls get beyond what was given, since nobody knows how much they write.
const ROOM: usize = 1024;

fn argument(t: &Thread, v: Value, function: &str) -> R<Argument> {
    if v.is_null() {
        return Ok(Argument::Number(0));
    }
    if let Some(s) = v.downcast::<Str>() {
        return Ok(Argument::Bytes(fs::encode(t, s)?));
    }
    if !number::is_index(v) && has_buffer(v) {
        return Ok(Argument::Bytes(get_buffer(t, v)?.as_slice().to_vec()));
    }
    if !number::is_index(v) {
        raise!(t, TypeError, "{function}() argument 3 must be an integer, a bytes-like object, or a string")
    }
    // Numbers of either sign that have 32 bits.
    Ok(Argument::Number(int::to_u64_masked(t, number::index(t, v)?)? as c_int))
}

fn fcntl(t: &Thread, a: &[Value]) -> R {
    let (fd, command) = (file_descriptor(t, a[0])?, number::index_i32(t, a[1])?);
    sys::audit(t, "fcntl.fcntl", &[a[0], a[1], if a[2].is_null() { Value::int(0) } else { a[2] }])?;
    match argument(t, a[2], "fcntl")? {
        Argument::Number(n) => {
            // SAFETY: the command is the program's; a number is what it takes, or it fails.
            let result = check(t, retry(t, || unsafe { libc::fcntl(fd, command, n) } as i64)?)?;
            Ok(int::from_i64(t, result))
        }
        Argument::Bytes(given) => {
            let mut buffer = given.clone();
            buffer.resize(given.len().max(ROOM) + 8, 0);
            // SAFETY: a buffer with room beyond what was given.
            check(t, retry(t, || unsafe { libc::fcntl(fd, command, buffer.as_mut_ptr()) } as i64)?)?;
            Ok(Bytes::from_slice(t, &buffer[..given.len()])?.value())
        }
    }
}

fn ioctl(t: &Thread, a: &[Value]) -> R {
    let fd = file_descriptor(t, a[0])?;
    let code = int::to_u64_masked(t, number::index(t, a[1])?)? as libc::Ioctl;
    let mutate = a[3].is_null() || truth(t, a[3])?;
    sys::audit(t, "fcntl.ioctl", &[a[0], a[1], if a[2].is_null() { Value::int(0) } else { a[2] }])?;
    if mutate
        && !a[2].is_null()
        && !number::is_index(a[2])
        && has_buffer(a[2])
        && let Some(mut target) = writable(t, a[2])?
    {
        let len = target.len;
        let mut buffer = target.as_slice().to_vec();
        buffer.resize(len.max(ROOM) + 8, 0);
        // SAFETY: a buffer with room beyond what was given.
        let result = retry(t, || unsafe { libc::ioctl(fd, code, buffer.as_mut_ptr()) } as i64)?;
        target.as_mut_slice().copy_from_slice(&buffer[..len]);
        return Ok(int::from_i64(t, check(t, result)?));
    }
    match argument(t, a[2], "ioctl")? {
        Argument::Number(n) => {
            // SAFETY: as in `fcntl`.
            let result = check(t, retry(t, || unsafe { libc::ioctl(fd, code, n) } as i64)?)?;
            Ok(int::from_i64(t, result))
        }
        Argument::Bytes(given) => {
            let mut buffer = given.clone();
            buffer.resize(given.len().max(ROOM) + 8, 0);
            // SAFETY: a buffer with room beyond what was given.
            check(t, retry(t, || unsafe { libc::ioctl(fd, code, buffer.as_mut_ptr()) } as i64)?)?;
            Ok(Bytes::from_slice(t, &buffer[..given.len()])?.value())
        }
    }
}

/// The buffer of an object if it can be written.
fn writable(t: &Thread, v: Value) -> R<Option<Buffer>> {
    match get_buffer_with(t, v, request::WRITABLE) {
        Ok(buffer) => Ok(Some(buffer)),
        Err(raised) if t.exception_is(limpid_vm::exc::BufferError) => {
            let _ = raised;
            t.take_exception();
            Ok(None)
        }
        Err(raised) => Err(raised),
    }
}

fn lockf(t: &Thread, a: &[Value]) -> R {
    let (fd, code) = (file_descriptor(t, a[0])?, number::index_i32(t, a[1])?);
    let number = |v: Value| if v.is_null() { Ok(0) } else { int::to_i64(t, number::index(t, v)?) };
    // SAFETY: zero is a valid value of every field.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = if code == libc::LOCK_UN {
        libc::F_UNLCK
    } else if code & libc::LOCK_SH != 0 {
        libc::F_RDLCK
    } else if code & libc::LOCK_EX != 0 {
        libc::F_WRLCK
    } else {
        raise!(t, ValueError, "unrecognized lockf argument")
    } as i16;
    (lock.l_len, lock.l_start) = (number(a[2])?, number(a[3])?);
    lock.l_whence = number(a[4])? as i16;
    sys::audit(t, "fcntl.lockf", &a[..2])?;
    let command = if code & libc::LOCK_NB != 0 { libc::F_SETLK } else { libc::F_SETLKW };
    // SAFETY: a filled structure.
    check(t, retry(t, || unsafe { libc::fcntl(fd, command, &lock) } as i64)?)?;
    Ok(Value::NONE)
}
