//! `select.epoll`

use super::timeout;
use crate::constants::{self, constants};
use crate::posix::file_descriptor;
use crate::seconds::{self, Deadline, MILLISECOND, Rounding, SECOND};
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, GetSet, Signature, receiver};
use limpid_vm::object::{R, Ref, header_of};
use limpid_vm::protocol::number;
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::exceptions::raise_os_error;
use limpid_vm::types::{List, Module, Tuple, Type, TypeDef, ValueList, flag, int, type_};
use limpid_vm::{layout, raise};
use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicI64, Ordering::AcqRel, Ordering::Acquire};

/// The layout of an epoll object.
#[repr(C)]
struct Epoll {
    header: Header,
    /// -1: closed.
    fd: AtomicI64,
}

static EPOLL: TypeCell = TypeCell::new();
layout!(Epoll, EPOLL.get(), Leaf);

pub(super) fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    let class = type_::create_native(t, &EPOLL_DEF, &EPOLL)?;
    m.dict().set_text(t, "epoll", class.value())?;
    constants::add(
        t,
        m,
        constants! {
            EPOLLIN EPOLLOUT EPOLLPRI EPOLLERR EPOLLHUP EPOLLRDHUP EPOLLONESHOT EPOLLRDNORM EPOLLRDBAND EPOLLWRNORM EPOLLWRBAND EPOLLMSG
            EPOLLEXCLUSIVE EPOLL_CLOEXEC
        },
    )?;
    constants::add_one(t, m, "EPOLLET", libc::EPOLLET as u32 as i64)?;
    constants::add_one(t, m, "EPOLLWAKEUP", libc::EPOLLWAKEUP as u32 as i64)
}

fn allocate(t: &Thread, class: Ref<Type>, fd: i32) -> Value {
    let object = t.alloc_instance(class, Epoll { header: header_of::<Epoll>(), fd: AtomicI64::new(fd as i64) });
    // SAFETY: the function closes what the object owns.
    unsafe { limpid_heap::register_drop(&t.mutator, NonNull::new_unchecked(object.ptr().cast()), close_dead) };
    object.value()
}

unsafe fn close_dead(p: *mut u8) {
    // SAFETY: registered for epoll objects only; the cell is dead.
    let fd = unsafe { (*(p as *mut Epoll)).fd.load(Acquire) };
    if fd >= 0 {
        // SAFETY: the object's own descriptor.
        unsafe { libc::close(fd as i32) };
    }
}

fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::parse("sizehint=-1, flags=0");
    args.bind(t, "epoll", &SIGNATURE, |a| {
        let hint = if a[0].is_null() { -1 } else { number::index_i32(t, a[0])? };
        let flags = if a[1].is_null() { 0 } else { number::index_i32(t, a[1])? };
        if hint != -1 && hint <= 0 {
            raise!(t, ValueError, "negative sizehint")
        }
        if flags != 0 && flags != libc::EPOLL_CLOEXEC {
            raise!(t, OSError, "invalid flags")
        }
        // SAFETY: a plain system call.
        let fd = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if fd < 0 {
            return Err(raise_os_error(t, &io::Error::last_os_error()));
        }
        // SAFETY: `__new__` is called with a class.
        Ok(allocate(t, unsafe { Ref::from_value(class) }, fd))
    })
}

fn open(t: &Thread, v: Value) -> R<i32> {
    match receiver::<Epoll>(v).fd.load(Acquire) {
        fd if fd >= 0 => Ok(fd as i32),
        _ => raise!(t, ValueError, "I/O operation on closed epoll object"),
    }
}

fn close(t: &Thread, a: &[Value]) -> R {
    let fd = receiver::<Epoll>(a[0]).fd.swap(-1, AcqRel);
    // SAFETY: the object's own descriptor, which it no longer has.
    if fd >= 0 && t.blocking(|| unsafe { libc::close(fd as i32) }) < 0 {
        return Err(raise_os_error(t, &io::Error::last_os_error()));
    }
    Ok(Value::NONE)
}

fn control(t: &Thread, v: Value, operation: i32, fd: Value, events: u32) -> R {
    let own = open(t, v)?;
    let fd = file_descriptor(t, fd)?;
    let mut event = libc::epoll_event { events, u64: fd as u64 };
    // SAFETY: a structure of the right type.
    if unsafe { libc::epoll_ctl(own, operation, fd, &mut event) } < 0 {
        return Err(raise_os_error(t, &io::Error::last_os_error()));
    }
    Ok(Value::NONE)
}

fn mask(t: &Thread, v: Value) -> R<u32> {
    if v.is_null() {
        return Ok((libc::EPOLLIN | libc::EPOLLPRI | libc::EPOLLOUT) as u32);
    }
    Ok(int::to_u64_masked(t, number::index(t, v)?)? as u32)
}

fn wait(t: &Thread, a: &[Value]) -> R {
    let fd = open(t, a[0])?;
    let timeout = timeout(t, a[1], SECOND, Rounding::Timeout, "timeout must be an integer or None")?;
    if let Some(n) = timeout
        && i32::try_from(seconds::in_units(n, MILLISECOND)).is_err()
    {
        raise!(t, OverflowError, "timeout is too large")
    }
    let most = match a[2].is_null() {
        true => -1,
        false => number::index_i32(t, a[2])?,
    };
    let most = match most {
        -1 => libc::FD_SETSIZE - 1,
        n if n < 1 => raise!(t, ValueError, "maxevents must be greater than 0, got {n}"),
        n => n as usize,
    };
    let deadline = Deadline::after(timeout.filter(|n| *n >= 0));
    let mut events: Vec<libc::epoll_event> = Vec::new();
    if events.try_reserve_exact(most).is_err() {
        raise!(t, MemoryError, "")
    }
    loop {
        let left = deadline.left().map_or(-1, |n| seconds::in_units(n, MILLISECOND) as i32);
        let result = t.blocking(|| {
            // SAFETY: room for that many.
            let n = unsafe { libc::epoll_wait(fd, events.as_mut_ptr(), most as i32, left) };
            if n < 0 { Err(io::Error::last_os_error()) } else { Ok(n) }
        });
        match result {
            Ok(n) => {
                // SAFETY: that many were filled in.
                unsafe { events.set_len(n as usize) };
                break;
            }
            Err(e) if e.raw_os_error() == Some(libc::EINTR) => {
                t.poll()?;
                if deadline.left() == Some(0) {
                    break;
                }
            }
            Err(e) => return Err(raise_os_error(t, &e)),
        }
    }
    let mut list = ValueList::with_capacity(t, events.len());
    for event in &events {
        let pair = [Value::int(event.u64 as i32 as i64), Value::int(event.events as i64)];
        list.push(t, Tuple::from_slice(t, &pair).value());
    }
    Ok(List::from_slice(t, list.as_slice())?.value())
}

static EPOLL_DEF: TypeDef = TypeDef {
    doc: "select.epoll(sizehint=-1, flags=0)\n--\n\nReturns an epolling object.\n\n  sizehint\n    The expected number of events to be \
          registered.  It must be positive,\n    or -1 to use the default.  It is only used on older systems where\n    epoll_create1() is \
          not available; otherwise it has no effect (though its\n    value is still checked).\n  flags\n    Deprecated and completely ignored. \
           However, when supplied, its value\n    must be 0 or select.EPOLL_CLOEXEC, otherwise OSError is raised.",
    flags: flag::BASE_TYPE,
    slots: SlotTable { new: Some(new), ..SlotTable::EMPTY },
    methods: &[
        FnDef::class_def("fromfd", "cls, fd, /", |t, a| {
            let fd = number::index_i32(t, a[1])?;
            // SAFETY: the receiver of a class method is a class.
            Ok(allocate(t, unsafe { Ref::from_value(a[0]) }, fd))
        })
        .doc("Create an epoll object from a given control fd."),
        FnDef::def("close", "self, /", close).doc("Close the epoll control file descriptor."),
        FnDef::def("fileno", "self, /", |t, a| Ok(Value::int(open(t, a[0])? as i64))).doc("Return the epoll control file descriptor."),
        FnDef::def("register", "self, fd, eventmask=select.EPOLLIN|select.EPOLLPRI|select.EPOLLOUT", |t, a| {
            control(t, a[0], libc::EPOLL_CTL_ADD, a[1], mask(t, a[2])?)
        })
        .doc("Registers a new fd or raises an OSError if the fd is already registered."),
        FnDef::def("modify", "self, fd, eventmask", |t, a| control(t, a[0], libc::EPOLL_CTL_MOD, a[1], mask(t, a[2])?))
            .doc("Modify event mask for a registered file descriptor."),
        FnDef::def("unregister", "self, fd", |t, a| control(t, a[0], libc::EPOLL_CTL_DEL, a[1], 0))
            .doc("Remove a registered file descriptor from the epoll object."),
        FnDef::def("poll", "self, timeout=None, maxevents=-1", wait).doc("Wait for events on the epoll file descriptor."),
        FnDef::def("__enter__", "self, /", |t, a| open(t, a[0]).map(|_| a[0])),
        FnDef::def("__exit__", "self, exc_type=None, exc_value=None, exc_tb=None, /", |t, a| close(t, &a[..1])),
    ],
    getset: &[GetSet::getter("closed", |_, v| Ok(Value::bool(receiver::<Epoll>(v).fd.load(Acquire) < 0)))
        .doc("True if the epoll handler is closed")],
    ..TypeDef::of::<Epoll>("select.epoll")
};
