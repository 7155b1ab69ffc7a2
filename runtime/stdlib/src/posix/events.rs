//! Descriptors that stand for events and times, and memory with a descriptor.

use super::{check, check_path, retry};
use crate::constants;
use crate::fs::Argument;
use crate::posix::file_descriptor;
use crate::seconds::{self, Rounding, SECOND};
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::object::{R, Ref};
use limpid_vm::protocol::number;
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::exceptions::raise_os_error;
use limpid_vm::types::{Module, Tuple, int};
use std::io;

pub(super) const FUNCTIONS: &[FnDef] = &[
    FnDef::def("eventfd", "initval, flags=524288", |t, a| {
        let n = int::to_u32(t, number::index(t, a[0])?)?;
        let flags = if a[1].is_null() { libc::EFD_CLOEXEC } else { number::index_i32(t, a[1])? };
        // SAFETY: a plain system call.
        Ok(Value::int(check(t, retry(t, || unsafe { libc::eventfd(n, flags) } as i64)?)?))
    }),
    FnDef::def("eventfd_read", "fd", |t, a| {
        let fd = file_descriptor(t, a[0])?;
        let mut n = 0;
        // SAFETY: room for the result.
        check(t, retry(t, || unsafe { libc::eventfd_read(fd, &mut n) } as i64)?)?;
        Ok(int::from_u64(t, n))
    }),
    FnDef::def("eventfd_write", "fd, value", |t, a| {
        let (fd, n) = (file_descriptor(t, a[0])?, int::to_u64(t, number::index(t, a[1])?)?);
        // SAFETY: a plain system call.
        check(t, retry(t, || unsafe { libc::eventfd_write(fd, n) } as i64)?)?;
        Ok(Value::NONE)
    }),
    FnDef::def("timerfd_create", "clockid, /, *, flags=524288", |t, a| {
        let clock = number::index_i32(t, a[0])?;
        let flags = if a[1].is_null() { libc::TFD_CLOEXEC } else { number::index_i32(t, a[1])? };
        // SAFETY: a plain system call.
        Ok(Value::int(check(t, retry(t, || unsafe { libc::timerfd_create(clock, flags | libc::TFD_CLOEXEC) } as i64)?)?))
    }),
    FnDef::def("timerfd_settime", "fd, /, *, flags=0, initial=0.0, interval=0.0", |t, a| {
        let time = |v: Value| {
            if v.is_null() { Ok(0) } else { seconds::nanoseconds(t, v, SECOND, Rounding::Floor) }
        };
        let (initial, interval) = (time(a[2])?, time(a[3])?);
        Ok(seconds_tuple(t, set_time(t, a, initial, interval)?))
    }),
    FnDef::def("timerfd_settime_ns", "fd, /, *, flags=0, initial=0, interval=0", |t, a| {
        let time = |v: Value| if v.is_null() { Ok(0) } else { int::to_i64(t, number::index(t, v)?) };
        let (initial, interval) = (time(a[2])?, time(a[3])?);
        Ok(nanoseconds_tuple(t, set_time(t, a, initial, interval)?))
    }),
    FnDef::def("timerfd_gettime", "fd, /", |t, a| Ok(seconds_tuple(t, get_time(t, a[0])?))),
    FnDef::def("timerfd_gettime_ns", "fd, /", |t, a| Ok(nanoseconds_tuple(t, get_time(t, a[0])?))),
    FnDef::def("memfd_create", "name, flags=1", |t, a| {
        let name = Argument { function: "memfd_create", name: "name", allow_fd: false }.parse(t, a[0])?;
        let flags = if a[1].is_null() { libc::MFD_CLOEXEC } else { int::to_u64_masked(t, number::index(t, a[1])?)? as u32 };
        // SAFETY: a NUL-terminated name.
        let result = retry(t, || unsafe { libc::memfd_create(name.name.as_ptr(), flags) } as i64)?;
        Ok(Value::int(check_path(t, result, Value::NULL)?))
    }),
    FnDef::def("pidfd_open", "pid, flags=0", |t, a| {
        let (pid, flags) = (number::index_i32(t, a[0])?, if a[1].is_null() { 0 } else { number::index_i32(t, a[1])? });
        // SAFETY: a plain system call.
        let fd = check(t, retry(t, || unsafe { libc::syscall(libc::SYS_pidfd_open, pid, flags) })?)?;
        Ok(Value::int(fd))
    }),
];

pub(super) fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    constants::add(
        t,
        m,
        constants::constants! {
            TFD_CLOEXEC TFD_NONBLOCK TFD_TIMER_ABSTIME TFD_TIMER_CANCEL_ON_SET MFD_HUGETLB MFD_HUGE_64KB MFD_HUGE_512KB MFD_HUGE_1MB
            MFD_HUGE_2MB MFD_HUGE_8MB MFD_HUGE_16MB MFD_HUGE_32MB MFD_HUGE_256MB MFD_HUGE_512MB MFD_HUGE_1GB MFD_HUGE_2GB MFD_HUGE_16GB
            MFD_HUGE_MASK MFD_HUGE_SHIFT
        },
    )
}

fn set_time(t: &Thread, a: &[Value], initial: i64, interval: i64) -> R<libc::itimerspec> {
    let fd = file_descriptor(t, a[0])?;
    let flags = if a[1].is_null() { 0 } else { number::index_i32(t, a[1])? };
    let new = libc::itimerspec { it_value: seconds::timespec(initial), it_interval: seconds::timespec(interval) };
    let mut old = new;
    // SAFETY: two structures.
    if unsafe { libc::timerfd_settime(fd, flags, &new, &mut old) } < 0 {
        return Err(raise_os_error(t, &io::Error::last_os_error()));
    }
    Ok(old)
}

fn get_time(t: &Thread, fd: Value) -> R<libc::itimerspec> {
    let fd = file_descriptor(t, fd)?;
    let mut now = libc::itimerspec { it_value: seconds::timespec(0), it_interval: seconds::timespec(0) };
    // SAFETY: room for the result.
    if unsafe { libc::timerfd_gettime(fd, &mut now) } < 0 {
        return Err(raise_os_error(t, &io::Error::last_os_error()));
    }
    Ok(now)
}

fn seconds_tuple(t: &Thread, timer: libc::itimerspec) -> Value {
    let n = |time: libc::timespec| Value::float(time.tv_sec as f64 + time.tv_nsec as f64 / 1e9);
    Tuple::from_slice(t, &[n(timer.it_value), n(timer.it_interval)]).value()
}

fn nanoseconds_tuple(t: &Thread, timer: libc::itimerspec) -> Value {
    let n = |time: libc::timespec| int::from_i64(t, time.tv_sec.saturating_mul(SECOND).saturating_add(time.tv_nsec));
    Tuple::from_slice(t, &[n(timer.it_value), n(timer.it_interval)]).value()
}

/// A count argument that must not be negative.
pub(super) fn count_of(t: &Thread, v: Value) -> R<usize> {
    match usize::try_from(number::index_isize(t, v)?) {
        Ok(n) => Ok(n),
        Err(_) => raise!(t, ValueError, "count cannot be negative"),
    }
}
