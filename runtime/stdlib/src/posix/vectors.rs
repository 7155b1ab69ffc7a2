//! Reading and writing several buffers, and copying between descriptors.

use super::events::count_of;
use super::{check, retry};
use crate::constants;
use crate::posix::descriptors::fd_of;
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::object::{R, Ref};
use limpid_vm::protocol::{iter, number, sequence};
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::exceptions::raise_os_error;
use limpid_vm::types::memory::{Buffer, get_buffer, get_writable_buffer};
use limpid_vm::types::{Module, ValueList, int};
use std::io;

pub(super) const FUNCTIONS: &[FnDef] = &[
    FnDef::def("readv", "fd, buffers, /", |t, a| {
        let fd = fd_of(t, a[0])?;
        let mut targets = Vectors::new(t, a[1], "readv() arg 2 must be a sequence", true)?;
        let v = targets.system();
        // SAFETY: buffers of those lengths.
        let n = check(t, retry(t, || unsafe { libc::readv(fd, v.as_ptr(), v.len() as i32) } as i64)?)?;
        Ok(int::from_i64(t, n))
    }),
    FnDef::def("preadv", "fd, buffers, offset, flags=0, /", |t, a| {
        let fd = fd_of(t, a[0])?;
        let (offset, flags) = (int::to_i64(t, number::index(t, a[2])?)?, if a[3].is_null() { 0 } else { number::index_i32(t, a[3])? });
        let mut targets = Vectors::new(t, a[1], "preadv() arg 2 must be a sequence", true)?;
        let v = targets.system();
        // SAFETY: buffers of those lengths.
        let n = check(t, retry(t, || unsafe { libc::preadv2(fd, v.as_ptr(), v.len() as i32, offset, flags) } as i64)?)?;
        Ok(int::from_i64(t, n))
    }),
    FnDef::def("writev", "fd, buffers, /", |t, a| {
        let fd = fd_of(t, a[0])?;
        let mut sources = Vectors::new(t, a[1], "writev() arg 2 must be a sequence", false)?;
        let v = sources.system();
        // SAFETY: buffers of those lengths.
        let n = check(t, retry(t, || unsafe { libc::writev(fd, v.as_ptr(), v.len() as i32) } as i64)?)?;
        Ok(int::from_i64(t, n))
    }),
    FnDef::def("pwritev", "fd, buffers, offset, flags=0, /", |t, a| {
        let fd = fd_of(t, a[0])?;
        let (offset, flags) = (int::to_i64(t, number::index(t, a[2])?)?, if a[3].is_null() { 0 } else { number::index_i32(t, a[3])? });
        let mut sources = Vectors::new(t, a[1], "pwritev() arg 2 must be a sequence", false)?;
        let v = sources.system();
        // SAFETY: buffers of those lengths.
        let n = check(t, retry(t, || unsafe { libc::pwritev2(fd, v.as_ptr(), v.len() as i32, offset, flags) } as i64)?)?;
        Ok(int::from_i64(t, n))
    }),
    FnDef::def("sendfile", "out_fd, in_fd, offset, count", |t, a| {
        let (out, input) = (fd_of(t, a[0])?, fd_of(t, a[1])?);
        let mut offset = offset(t, a[2])?;
        let count = match usize::try_from(number::index_isize(t, a[3])?) {
            Ok(n) => n,
            Err(_) => return Err(raise_os_error(t, &io::Error::from_raw_os_error(libc::EINVAL))),
        };
        // SAFETY: the offset is NULL or a number of our own.
        let result = retry(t, || unsafe { libc::sendfile(out, input, pointer(&mut offset), count) as i64 })?;
        Ok(int::from_i64(t, check(t, result)?))
    }),
    FnDef::def("copy_file_range", "src, dst, count, offset_src=None, offset_dst=None", |t, a| {
        let (from, to) = (fd_of(t, a[0])?, fd_of(t, a[1])?);
        let n = count_of(t, a[2])?;
        let (mut source, mut target) = (offset(t, a[3])?, offset(t, a[4])?);
        // SAFETY: the offsets are NULL or numbers of our own.
        let result = retry(t, || unsafe { libc::copy_file_range(from, pointer(&mut source), to, pointer(&mut target), n, 0) as i64 })?;
        Ok(int::from_i64(t, check(t, result)?))
    }),
    FnDef::def("splice", "src, dst, count, offset_src=None, offset_dst=None, flags=0", |t, a| {
        let (from, to) = (fd_of(t, a[0])?, fd_of(t, a[1])?);
        let n = count_of(t, a[2])?;
        let (mut source, mut target) = (offset(t, a[3])?, offset(t, a[4])?);
        let flags = if a[5].is_null() { 0 } else { int::to_u64_masked(t, number::index(t, a[5])?)? as u32 };
        // SAFETY: as above.
        let result = retry(t, || unsafe { libc::splice(from, pointer(&mut source), to, pointer(&mut target), n, flags) as i64 })?;
        Ok(int::from_i64(t, check(t, result)?))
    }),
    FnDef::def("lockf", "fd, command, length, /", |t, a| {
        let (fd, command, len) = (fd_of(t, a[0])?, number::index_i32(t, a[1])?, int::to_i64(t, number::index(t, a[2])?)?);
        // SAFETY: a plain system call.
        check(t, retry(t, || unsafe { libc::lockf(fd, command, len) } as i64)?)?;
        Ok(Value::NONE)
    }),
    FnDef::def("posix_fallocate", "fd, offset, length, /", |t, a| {
        let (fd, offset, len) = (fd_of(t, a[0])?, int::to_i64(t, a[1])?, int::to_i64(t, a[2])?);
        // SAFETY: a plain system call.
        until_done(t, || unsafe { libc::posix_fallocate(fd, offset, len) })
    }),
    FnDef::def("posix_fadvise", "fd, offset, length, advice, /", |t, a| {
        let (fd, offset, len) = (fd_of(t, a[0])?, int::to_i64(t, a[1])?, int::to_i64(t, a[2])?);
        let advice = number::index_i32(t, a[3])?;
        // SAFETY: a plain system call.
        until_done(t, || unsafe { libc::posix_fadvise(fd, offset, len, advice) })
    }),
    FnDef::def("sync", "", |t, _| {
        // SAFETY: always succeeds.
        t.blocking(|| unsafe { libc::sync() });
        Ok(Value::NONE)
    }),
];

pub(super) fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    constants::add(t, m, constants::constants!(RWF_APPEND RWF_DSYNC RWF_HIPRI RWF_NOWAIT RWF_SYNC))
}

/// Runs a call that gives its error as result.
fn until_done(t: &Thread, call: impl Fn() -> i32) -> R {
    loop {
        match t.blocking(&call) {
            0 => return Ok(Value::NONE),
            libc::EINTR => t.poll()?,
            e => return Err(raise_os_error(t, &io::Error::from_raw_os_error(e))),
        }
    }
}

/// An offset; None uses the descriptor's own.
fn offset(t: &Thread, v: Value) -> R<Option<i64>> {
    if v.is_null() || v.is_none() { Ok(None) } else { int::to_i64(t, number::index(t, v)?).map(Some) }
}

fn pointer(offset: &mut Option<i64>) -> *mut i64 {
    offset.as_mut().map_or(std::ptr::null_mut(), |n| n as *mut i64)
}

/// The buffers of a sequence.
struct Vectors {
    /// Keeps their owners alive.
    _owners: ValueList,
    buffers: Vec<Buffer>,
}

impl Vectors {
    fn new(t: &Thread, v: Value, refusal: &str, writable: bool) -> R<Vectors> {
        if !iter::is_sequence(v) {
            raise!(t, TypeError, "{refusal}")
        }
        let mut owners = ValueList::new(t);
        let mut buffers = Vec::new();
        for i in 0..sequence::len(t, v)? {
            let item = sequence::get_item(t, v, Value::int(i as i64))?;
            owners.push(t, item);
            buffers.push(if writable { get_writable_buffer(t, item, "argument")? } else { get_buffer(t, item)? });
        }
        Ok(Vectors { _owners: owners, buffers })
    }

    fn system(&mut self) -> Vec<libc::iovec> {
        self.buffers.iter().map(|b| libc::iovec { iov_base: b.ptr.cast(), iov_len: b.len }).collect()
    }
}
