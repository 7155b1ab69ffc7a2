//! What the system knows about a file.

use super::{check, check_path, retry};
use crate::fs::Argument;
use crate::posix::descriptors::fd_of;
use crate::posix::directories::dir_fd;
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::object::{R, Ref};
use limpid_vm::protocol::truth::truth;
use limpid_vm::root::TypeCell;
use limpid_vm::thread::Thread;
use limpid_vm::types::struct_sequence::{self, StructSequenceDef};
use limpid_vm::types::{Module, int};

pub(super) const FUNCTIONS: &[FnDef] = &[
    FnDef::def("stat", "path, *, dir_fd=None, follow_symlinks=True", |t, a| {
        let follow = a[2].is_null() || truth(t, a[2])?;
        stat(t, a[0], a[1], follow, Argument::path_or_fd("stat"))
    }),
    FnDef::def("lstat", "path, *, dir_fd=None", |t, a| stat(t, a[0], a[1], false, Argument::path("lstat"))),
    FnDef::def("fstat", "fd", |t, a| {
        let fd = fd_of(t, a[0])?;
        let mut s = empty();
        // SAFETY: room for the result.
        check(t, retry(t, || unsafe { libc::fstat(fd, &mut s) } as i64)?)?;
        from_stat(t, &s)
    }),
    FnDef::def("statvfs", "path", |t, a| statvfs(t, a[0])),
    FnDef::def("fstatvfs", "fd, /", |t, a| statvfs(t, a[0])),
];

static STAT_RESULT: TypeCell = TypeCell::new();
static STAT_DEF: StructSequenceDef = StructSequenceDef {
    name: "os.stat_result",
    doc: "What os.stat() and its relatives report of a file.",
    fields: &[
        ("st_mode", "protection bits"),
        ("st_ino", "inode"),
        ("st_dev", "device"),
        ("st_nlink", "number of hard links"),
        ("st_uid", "user ID of owner"),
        ("st_gid", "group ID of owner"),
        ("st_size", "total size, in bytes"),
        ("", ""),
        ("", ""),
        ("", ""),
        ("st_atime", "time of last access"),
        ("st_mtime", "time of last modification"),
        ("st_ctime", "time of last change"),
        ("st_atime_ns", "time of last access in nanoseconds"),
        ("st_mtime_ns", "time of last modification in nanoseconds"),
        ("st_ctime_ns", "time of last change in nanoseconds"),
        ("st_blksize", "blocksize for filesystem I/O"),
        ("st_blocks", "number of blocks allocated"),
        ("st_rdev", "device type (if inode device)"),
    ],
    visible: 10,
    instantiable: true,
};

static STATVFS_RESULT: TypeCell = TypeCell::new();
static STATVFS_DEF: StructSequenceDef = StructSequenceDef {
    name: "os.statvfs_result",
    doc: "What os.statvfs() reports of a file system.",
    fields: &[
        ("f_bsize", ""),
        ("f_frsize", ""),
        ("f_blocks", ""),
        ("f_bfree", ""),
        ("f_bavail", ""),
        ("f_files", ""),
        ("f_ffree", ""),
        ("f_favail", ""),
        ("f_flag", ""),
        ("f_namemax", ""),
        ("f_fsid", ""),
    ],
    visible: 10,
    instantiable: true,
};

static TERMINAL_SIZE: TypeCell = TypeCell::new();
static TERMINAL_SIZE_DEF: StructSequenceDef = StructSequenceDef {
    name: "os.terminal_size",
    doc: "The size of a terminal: (columns, lines).",
    fields: &[("columns", "width of the terminal window in characters"), ("lines", "height of the terminal window in characters")],
    visible: 2,
    instantiable: true,
};

pub(super) fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    for (cell, def, name) in [
        (&STAT_RESULT, &STAT_DEF, "stat_result"),
        (&STATVFS_RESULT, &STATVFS_DEF, "statvfs_result"),
        (&TERMINAL_SIZE, &TERMINAL_SIZE_DEF, "terminal_size"),
    ] {
        let class = struct_sequence::create_type(t, def, cell)?;
        m.dict().set_text(t, name, class.value())?;
    }
    Ok(())
}

pub(super) fn empty() -> libc::stat {
    // SAFETY: zero is a valid value of every field.
    unsafe { std::mem::zeroed() }
}

/// `os.stat_result`
pub(super) fn from_stat(t: &Thread, s: &libc::stat) -> R {
    let whole = |n: i64| int::from_i64(t, n);
    let seconds = |s: i64, ns: i64| Value::float(s as f64 + 1e-9 * ns as f64);
    let nanos = |s: i64, ns: i64| match s.checked_mul(1_000_000_000).and_then(|n| n.checked_add(ns)) {
        Some(n) => int::from_i64(t, n),
        None => Value::int(0),
    };
    struct_sequence::create(
        t,
        STAT_RESULT.get(),
        &[
            whole(s.st_mode as i64),
            int::from_u64(t, s.st_ino),
            int::from_u64(t, s.st_dev),
            whole(s.st_nlink as i64),
            whole(s.st_uid as i64),
            whole(s.st_gid as i64),
            whole(s.st_size),
            whole(s.st_atime),
            whole(s.st_mtime),
            whole(s.st_ctime),
            seconds(s.st_atime, s.st_atime_nsec),
            seconds(s.st_mtime, s.st_mtime_nsec),
            seconds(s.st_ctime, s.st_ctime_nsec),
            nanos(s.st_atime, s.st_atime_nsec),
            nanos(s.st_mtime, s.st_mtime_nsec),
            nanos(s.st_ctime, s.st_ctime_nsec),
            whole(s.st_blksize),
            whole(s.st_blocks),
            int::from_u64(t, s.st_rdev),
        ],
    )
}

fn stat(t: &Thread, path: Value, dir: Value, follow: bool, argument: Argument) -> R {
    let p = argument.parse(t, path)?;
    let dir = dir_fd(t, dir)?;
    let mut s = empty();
    let flags = if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
    // SAFETY: a NUL-terminated name or a number, and room for the result.
    let result = retry(t, || unsafe {
        match p.fd {
            Some(fd) => libc::fstat(fd, &mut s) as i64,
            None => libc::fstatat(dir, p.name.as_ptr(), &mut s, flags) as i64,
        }
    })?;
    check_path(t, result, p.given)?;
    from_stat(t, &s)
}

fn statvfs(t: &Thread, path: Value) -> R {
    let p = Argument::path_or_fd("statvfs").parse(t, path)?;
    // SAFETY: zero is a valid value of every field.
    let mut s: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: a NUL-terminated name or a number, and room for the result.
    let result = retry(t, || unsafe {
        match p.fd {
            Some(fd) => libc::fstatvfs(fd, &mut s) as i64,
            None => libc::statvfs(p.name.as_ptr(), &mut s) as i64,
        }
    })?;
    check_path(t, result, p.given)?;
    let values =
        [s.f_bsize, s.f_frsize, s.f_blocks, s.f_bfree, s.f_bavail, s.f_files, s.f_ffree, s.f_favail, s.f_flag, s.f_namemax, s.f_fsid]
            .map(|n| int::from_u64(t, n));
    struct_sequence::create(t, STATVFS_RESULT.get(), &values)
}

pub(super) fn terminal_size(t: &Thread, a: &[Value]) -> R {
    let fd = if a[0].is_null() { 1 } else { fd_of(t, a[0])? };
    // SAFETY: zero is a valid value, and the call fills it in.
    let mut size: libc::winsize = unsafe { std::mem::zeroed() };
    // SAFETY: as above.
    check(t, retry(t, || unsafe { libc::ioctl(fd, libc::TIOCGWINSZ, &mut size) } as i64)?)?;
    struct_sequence::create(t, TERMINAL_SIZE.get(), &[Value::int(size.ws_col as i64), Value::int(size.ws_row as i64)])
}
