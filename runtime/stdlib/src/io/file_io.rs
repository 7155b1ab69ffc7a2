//! `FileIO`: a file descriptor as a raw stream.

use super::base::RAW_IO_BASE;
use super::{size, unsupported, whence};
use crate::fs::Argument;
use crate::posix::retry;
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, GetSet, Signature, receiver};
use limpid_vm::object::{R, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::{attr, call, text, truth};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::exceptions::{raise_os_error, raise_os_error_with_names};
use limpid_vm::types::memory::{get_buffer, get_writable_buffer};
use limpid_vm::types::{Bytes, Str, Type, TypeDef, flag, int};
use limpid_vm::{exc, layout, names, raise};
use std::io;
use std::mem::offset_of;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

/// `io.FileIO`
pub static FILE_IO: TypeCell = TypeCell::new();

/// The layout.
#[repr(C)]
pub struct FileIo {
    header: Header,
    dict: Slot,
    /// -1: closed.
    fd: AtomicI64,
    flags: AtomicU64,
    block_size: AtomicU64,
}
layout!(FileIo, FILE_IO.get(), Slots);

const READABLE: u64 = 1;
const WRITABLE: u64 = 2;
const APPENDING: u64 = 4;
const CREATED: u64 = 8;
const CLOSE_FD: u64 = 16;
const SEEKABLE: u64 = 32;
const SEEKABLE_KNOWN: u64 = 64;
/// Whoever finalizes it warns of the file himself.
const FINALIZING: u64 = 128;

fn new(t: &Thread, class: Value, _: Args<'_>) -> R {
    // SAFETY: `__new__` is called with a class.
    let class = unsafe { Ref::<Type>::from_value(class) };
    let file = FileIo {
        header: header_of::<FileIo>(),
        dict: Slot::NULL,
        fd: AtomicI64::new(-1),
        flags: AtomicU64::new(CLOSE_FD),
        block_size: AtomicU64::new(super::DEFAULT_BUFFER_SIZE as u64),
    };
    let file = t.alloc_instance(class, file);
    if class == FILE_IO.get() {
        class.on_new_instance(t, file.value());
    }
    Ok(file.value())
}

/// What a mode string means: open flags and ours.
fn parse_mode(t: &Thread, mode: &str) -> R<(i32, u64)> {
    let (mut kinds, mut plus, mut flags, mut open) = (0, false, 0, 0);
    for c in mode.chars() {
        match c {
            'r' => {
                kinds += 1;
                flags |= READABLE;
            }
            'w' => {
                kinds += 1;
                flags |= WRITABLE;
                open |= libc::O_CREAT | libc::O_TRUNC;
            }
            'x' => {
                kinds += 1;
                flags |= WRITABLE | CREATED;
                open |= libc::O_CREAT | libc::O_EXCL;
            }
            'a' => {
                kinds += 1;
                flags |= WRITABLE | APPENDING;
                open |= libc::O_CREAT | libc::O_APPEND;
            }
            'b' => {}
            '+' if !plus => {
                plus = true;
                flags |= READABLE | WRITABLE;
            }
            _ => raise!(t, ValueError, "invalid mode: {mode}"),
        }
    }
    if kinds != 1 {
        raise!(t, ValueError, "Must have exactly one of create/read/write/append mode and at most one plus");
    }
    open |= match (flags & READABLE != 0, flags & WRITABLE != 0) {
        (true, true) => libc::O_RDWR,
        (true, false) => libc::O_RDONLY,
        _ => libc::O_WRONLY,
    };
    Ok((open | libc::O_CLOEXEC, flags))
}

fn init(t: &Thread, v: Value, args: Args<'_>) -> R<()> {
    static SIGNATURE: Signature = Signature::parse("file, mode='r', closefd=True, opener=None");
    args.bind(t, "FileIO", &SIGNATURE, |a| {
        let f = receiver::<FileIo>(v);
        let mode = match a[1].non_null().map(|v| (v, v.downcast::<Str>())) {
            None => "r".to_owned(),
            Some((_, Some(mode))) => mode.to_string_lossy().into_owned(),
            Some((v, None)) => raise!(t, TypeError, "FileIO() argument 'mode' must be str, not {}", v.class().display_name()),
        };
        let (open_flags, mut flags) = parse_mode(t, &mode)?;
        let close_fd = a[2].is_null() || truth::truth(t, a[2])?;
        if close_fd {
            flags |= CLOSE_FD;
        }
        if a[0].is_float() {
            raise!(t, TypeError, "integer argument expected, got float");
        }
        if a[0].is_bool() {
            limpid_vm::warnings::warn(t, exc::RuntimeWarning, "bool is used as a file descriptor", 1)?;
        }
        let (fd, own) = if int::is_int(a[0]) {
            let fd = int::to_i64(t, a[0])?;
            if fd < 0 {
                raise!(t, ValueError, "negative file descriptor");
            }
            (fd, false)
        } else {
            if !close_fd {
                raise!(t, ValueError, "Cannot use closefd=False with file name");
            }
            let path = Argument { function: "open", name: "file", allow_fd: false }.parse(t, a[0])?;
            let opener = if a[3].is_null() { Value::NONE } else { a[3] };
            if opener.is_none() {
                // SAFETY: a NUL-terminated name.
                let result = retry(t, || unsafe { libc::open(path.name.as_ptr(), open_flags, 0o666) } as i64)?;
                (result.map_err(|e| raise_os_error_with_names(t, &e, a[0], Value::NULL))?, true)
            } else {
                let fd = call::call(t, opener, &[a[0], Value::int(open_flags as i64)])?;
                if !int::is_int(fd) {
                    raise!(t, TypeError, "expected integer from opener");
                }
                let fd = int::to_i64(t, fd)?;
                if fd < 0 {
                    raise!(t, ValueError, "opener returned {fd}");
                }
                crate::posix::set_inheritable(t, fd as i32, false)?;
                (fd, true)
            }
        };
        f.fd.store(fd, Relaxed);
        f.flags.store(flags, Relaxed);
        if let Err(raised) = check_file(t, f, fd as i32, a[0]) {
            if own {
                // SAFETY: opened above.
                unsafe { libc::close(fd as i32) };
            }
            f.fd.store(-1, Relaxed);
            return Err(raised);
        }
        attr::set_attr(t, v, names::name, a[0])?;
        if flags & APPENDING != 0 {
            // SAFETY: a plain system call; a pipe cannot be positioned, and need not be.
            unsafe { libc::lseek(fd as i32, 0, libc::SEEK_END) };
        }
        Ok(())
    })
}

/// A folder cannot be read as a file; remembers the block size.
fn check_file(t: &Thread, f: Ref<FileIo>, fd: i32, name: Value) -> R<()> {
    // SAFETY: zero is a valid value, and the call fills it in.
    let (result, stat) = unsafe {
        let mut s: libc::stat = std::mem::zeroed();
        (libc::fstat(fd, &mut s), s)
    };
    if result < 0 {
        let e = io::Error::last_os_error();
        return if e.raw_os_error() == Some(libc::EBADF) { Err(raise_os_error_with_names(t, &e, name, Value::NULL)) } else { Ok(()) };
    }
    if stat.st_mode & libc::S_IFMT == libc::S_IFDIR {
        let e = io::Error::from_raw_os_error(libc::EISDIR);
        return Err(raise_os_error_with_names(t, &e, name, Value::NULL));
    }
    if stat.st_blksize > 1 {
        f.block_size.store(stat.st_blksize as u64, Relaxed);
    }
    Ok(())
}

fn file(v: Value) -> Ref<FileIo> {
    receiver::<FileIo>(v)
}

fn fd_of(t: &Thread, v: Value) -> R<i32> {
    match file(v).fd.load(Relaxed) {
        fd if fd >= 0 => Ok(fd as i32),
        _ => raise!(t, ValueError, "I/O operation on closed file"),
    }
}

fn has(v: Value, bit: u64) -> bool {
    file(v).flags.load(Relaxed) & bit != 0
}

fn check_mode(t: &Thread, v: Value, bit: u64) -> R<i32> {
    let fd = fd_of(t, v)?;
    if !has(v, bit) {
        return Err(unsupported(t, if bit == READABLE { "File not open for reading" } else { "File not open for writing" }));
    }
    Ok(fd)
}

/// A result, None if the call would have blocked.
fn unless_blocked(t: &Thread, result: io::Result<i64>) -> R<Option<i64>> {
    match result {
        Ok(n) => Ok(Some(n)),
        Err(e) if e.raw_os_error() == Some(libc::EAGAIN) => Ok(None),
        Err(e) => Err(raise_os_error(t, &e)),
    }
}

fn read(t: &Thread, a: &[Value]) -> R {
    let fd = check_mode(t, a[0], READABLE)?;
    let Some(n) = size(t, a[1])? else { return readall(t, a) };
    let mut buffer = Vec::new();
    if buffer.try_reserve_exact(n).is_err() {
        return Err(t.raise(exc::MemoryError, ""));
    }
    buffer.resize(n, 0u8);
    // SAFETY: a buffer of that length.
    match unless_blocked(t, retry(t, || unsafe { libc::read(fd, buffer.as_mut_ptr().cast(), n) } as i64)?)? {
        Some(got) => Ok(Bytes::from_slice(t, &buffer[..got as usize])?.value()),
        None => Ok(Value::NONE),
    }
}

fn readall(t: &Thread, a: &[Value]) -> R {
    let fd = check_mode(t, a[0], READABLE)?;
    let mut all: Vec<u8> = Vec::new();
    // SAFETY: plain queries; zero is a valid value.
    let expected = unsafe {
        let mut s: libc::stat = std::mem::zeroed();
        let at = libc::lseek(fd, 0, libc::SEEK_CUR);
        if libc::fstat(fd, &mut s) == 0 && at >= 0 { (s.st_size - at).max(0) as usize } else { 0 }
    };
    let mut step = expected.saturating_add(1).max(8192);
    loop {
        let start = all.len();
        if all.try_reserve(step).is_err() {
            return Err(t.raise(exc::MemoryError, ""));
        }
        all.resize(start + step, 0);
        let rest = &mut all[start..];
        // SAFETY: a buffer of that length.
        let got = unless_blocked(t, retry(t, || unsafe { libc::read(fd, rest.as_mut_ptr().cast(), rest.len()) } as i64)?)?;
        all.truncate(start + got.unwrap_or(0) as usize);
        match got {
            None if all.is_empty() => return Ok(Value::NONE),
            None | Some(0) => break,
            Some(_) => step = all.len().clamp(8192, 16 << 20),
        }
    }
    Ok(Bytes::from_slice(t, &all)?.value())
}

fn readinto(t: &Thread, a: &[Value]) -> R {
    let fd = check_mode(t, a[0], READABLE)?;
    let mut into = get_writable_buffer(t, a[1], "readinto() argument")?;
    let bytes = into.as_mut_slice();
    // SAFETY: a buffer of that length.
    let got = unless_blocked(t, retry(t, || unsafe { libc::read(fd, bytes.as_mut_ptr().cast(), bytes.len()) } as i64)?)?;
    Ok(got.map_or(Value::NONE, Value::int))
}

fn write(t: &Thread, a: &[Value]) -> R {
    let fd = check_mode(t, a[0], WRITABLE)?;
    let data = get_buffer(t, a[1])?;
    let bytes = data.as_slice();
    // SAFETY: a buffer of that length.
    let n = unless_blocked(t, retry(t, || unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) } as i64)?)?;
    Ok(n.map_or(Value::NONE, Value::int))
}

fn seek(t: &Thread, a: &[Value]) -> R {
    let fd = fd_of(t, a[0])?;
    let (offset, how) = (int::to_i64(t, a[1])?, whence(t, a[2])? as i32);
    // SAFETY: a plain system call.
    let n = retry(t, || unsafe { libc::lseek(fd, offset, how) })?.map_err(|e| raise_os_error(t, &e))?;
    Ok(int::from_i64(t, n))
}

fn tell(t: &Thread, a: &[Value]) -> R {
    let fd = fd_of(t, a[0])?;
    // SAFETY: a plain system call.
    let n = retry(t, || unsafe { libc::lseek(fd, 0, libc::SEEK_CUR) })?.map_err(|e| raise_os_error(t, &e))?;
    Ok(int::from_i64(t, n))
}

fn truncate(t: &Thread, a: &[Value]) -> R {
    let fd = check_mode(t, a[0], WRITABLE)?;
    let at = if a[1].is_null() || a[1].is_none() { tell(t, a)? } else { a[1] };
    let n = int::to_i64(t, at)?;
    // SAFETY: a plain system call.
    retry(t, || unsafe { libc::ftruncate(fd, n) } as i64)?.map_err(|e| raise_os_error(t, &e))?;
    Ok(at)
}

fn seekable(t: &Thread, a: &[Value]) -> R {
    let fd = fd_of(t, a[0])?;
    let f = file(a[0]);
    if !has(a[0], SEEKABLE_KNOWN) {
        // SAFETY: a plain system call.
        let yes = unsafe { libc::lseek(fd, 0, libc::SEEK_CUR) } >= 0;
        f.flags.fetch_or(SEEKABLE_KNOWN | if yes { SEEKABLE } else { 0 }, Relaxed);
    }
    Ok(Value::bool(has(a[0], SEEKABLE)))
}

fn close(t: &Thread, a: &[Value]) -> R {
    let f = file(a[0]);
    let base = attr::get_attr_text(t, RAW_IO_BASE.get().value(), "close")?;
    let base_result = call::call(t, base, &[a[0]]);
    if !has(a[0], CLOSE_FD) {
        f.fd.store(-1, Relaxed);
        return base_result;
    }
    let saved = base_result.is_err().then(|| t.take_exception());
    let fd = f.fd.swap(-1, Relaxed);
    if fd >= 0 {
        // SAFETY: the descriptor is this file's own.
        let result = t.blocking(|| unsafe { libc::close(fd as i32) });
        let e = io::Error::last_os_error();
        if result < 0 && saved.is_none() && e.raw_os_error() != Some(libc::EINTR) {
            return Err(raise_os_error(t, &e));
        }
    }
    match saved {
        Some(e) => Err(t.raise_value(e)),
        None => Ok(Value::NONE),
    }
}

fn mode_text(v: Value) -> &'static str {
    match (has(v, CREATED), has(v, APPENDING), has(v, READABLE), has(v, WRITABLE)) {
        (true, _, true, _) => "xb+",
        (true, ..) => "xb",
        (_, true, true, _) => "ab+",
        (_, true, ..) => "ab",
        (_, _, true, true) => "rb+",
        (_, _, true, _) => "rb",
        _ => "wb",
    }
}

fn repr(t: &Thread, v: Value) -> R {
    let kind = v.class().display_name();
    let fd = file(v).fd.load(Relaxed);
    if fd < 0 {
        return Ok(Str::new(t, &format!("<{kind} [closed]>")).value());
    }
    let close_fd = if has(v, CLOSE_FD) { "True" } else { "False" };
    let shown = match attr::get_attr_opt(t, v, names::name)? {
        Some(name) => format!("name={}", text::repr(t, name)?.to_string_lossy()),
        None => format!("fd={fd}"),
    };
    Ok(Str::new(t, &format!("<{kind} {shown} mode='{}' closefd={close_fd}>", mode_text(v))).value())
}

/// `_dealloc_warn`: a file was left open by whoever had `source`, which is the file or a stream in front of it.
fn dealloc_warn(t: &Thread, a: &[Value]) -> R {
    if file(a[0]).fd.load(Relaxed) >= 0 && has(a[0], CLOSE_FD) {
        let shown = text::repr(t, a[1])?;
        let message = format!("unclosed file {}", shown.to_string_lossy());
        if limpid_vm::warnings::warn_with_source(t, exc::ResourceWarning, &message, 1, a[1]).is_err() {
            limpid_vm::error_report::unraisable(t, a[0]);
        }
    }
    Ok(Value::NONE)
}

/// An open file that nobody has any more: warns, then closes it.
fn finalize(t: &Thread, v: Value) -> R<()> {
    super::base::warn_left_open(t, v, v);
    super::base::finalize(t, v)
}

/// `io.FileIO`
pub static FILE_IO_DEF: TypeDef = TypeDef {
    doc: "FileIO(file, mode='r', closefd=True, opener=None)\n--\n\nA file descriptor as a raw stream.",
    base: Some(|| RAW_IO_BASE.get()),
    flags: flag::BASE_TYPE | flag::WEAK_REFERENCES,
    slots: SlotTable { new: Some(new), init: Some(init), repr: Some(repr), finalize: Some(finalize), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("read", "self, size=-1, /", read),
        FnDef::def("readall", "self, /", readall),
        FnDef::def("readinto", "self, buffer, /", readinto),
        FnDef::def("write", "self, data, /", write),
        FnDef::def("seek", "self, pos, whence=0, /", seek),
        FnDef::def("tell", "self, /", tell),
        FnDef::def("truncate", "self, size=None, /", truncate),
        FnDef::def("close", "self, /", close),
        FnDef::def("_dealloc_warn", "self, source, /", dealloc_warn),
        FnDef::def("seekable", "self, /", seekable),
        FnDef::def("readable", "self, /", |t, a| fd_of(t, a[0]).map(|_| Value::bool(has(a[0], READABLE)))),
        FnDef::def("writable", "self, /", |t, a| fd_of(t, a[0]).map(|_| Value::bool(has(a[0], WRITABLE)))),
        FnDef::def("fileno", "self, /", |t, a| Ok(Value::int(fd_of(t, a[0])? as i64))),
        FnDef::def("isatty", "self, /", |t, a| {
            let fd = fd_of(t, a[0])?;
            // SAFETY: a plain query.
            Ok(Value::bool(unsafe { libc::isatty(fd) } == 1))
        }),
        FnDef::def("_isatty_open_only", "self, /", |t, a| {
            let fd = fd_of(t, a[0])?;
            // SAFETY: a plain query.
            Ok(Value::bool(unsafe { libc::isatty(fd) } == 1))
        }),
    ],
    getset: &[
        GetSet::getter("closed", |_, v| Ok(Value::bool(file(v).fd.load(Relaxed) < 0))).doc("True if the file is closed"),
        GetSet::getter("closefd", |_, v| Ok(Value::bool(has(v, CLOSE_FD)))).doc("True if closing the file closes the descriptor"),
        GetSet::getter("mode", |t, v| Ok(Str::new(t, mode_text(v)).value())).doc("How the file was opened"),
        GetSet::getter("_blksize", |_, v| Ok(Value::int(file(v).block_size.load(Relaxed) as i64))),
        GetSet::property(
            "_finalizing",
            |_, v| Ok(Value::bool(has(v, FINALIZING))),
            |t, v, to| {
                if to.is_null() {
                    raise!(t, TypeError, "can't delete numeric/char attribute");
                }
                if truth::truth(t, to)? {
                    file(v).flags.fetch_or(FINALIZING, Relaxed);
                } else {
                    file(v).flags.fetch_and(!FINALIZING, Relaxed);
                }
                Ok(())
            },
        ),
    ],
    dict_offset: offset_of!(FileIo, dict),
    ..TypeDef::of::<FileIo>("_io.FileIO")
};
