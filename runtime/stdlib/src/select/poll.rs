//! `select.poll`

use super::{event_mask, milliseconds, timeout};
use crate::constants::{self, constants};
use crate::posix::file_descriptor;
use crate::seconds::{self, Deadline, MILLISECOND, Rounding};
use limpid_heap::{Header, Value};
use limpid_vm::args::{FnDef, receiver};
use limpid_vm::exc;
use limpid_vm::object::{R, Ref, header_of};
use limpid_vm::root::TypeCell;
use limpid_vm::thread::Thread;
use limpid_vm::types::exceptions::raise_os_error;
use limpid_vm::types::{List, Module, Tuple, TypeDef, ValueList, flag, type_};
use limpid_vm::{layout, raise};
use parking_lot::Mutex;
use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering::AcqRel, Ordering::Release};

/// The layout of a polling object.
#[repr(C)]
struct Poll {
    header: Header,
    /// A call of `poll` is going on.
    busy: AtomicBool,
    /// What is watched, in the order of registration.
    watched: Mutex<Vec<libc::pollfd>>,
}

static POLL: TypeCell = TypeCell::new();
layout!(Poll, POLL.get(), Leaf);

pub(super) fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    type_::create_native(t, &POLL_DEF, &POLL)?;
    constants::add(
        t,
        m,
        constants!(POLLIN POLLPRI POLLOUT POLLERR POLLHUP POLLNVAL POLLRDNORM POLLRDBAND POLLWRNORM POLLWRBAND POLLRDHUP),
    )?;
    constants::add_one(t, m, "POLLMSG", 0x400)
}

pub(super) fn poll(t: &Thread, _: &[Value]) -> R {
    let object = t.alloc(Poll { header: header_of::<Poll>(), busy: AtomicBool::new(false), watched: Mutex::new(Vec::new()) });
    // SAFETY: the function drops exactly what was made here.
    unsafe { limpid_heap::register_drop(&t.mutator, NonNull::new_unchecked(object.ptr().cast()), drop_watched) };
    Ok(object.value())
}

unsafe fn drop_watched(p: *mut u8) {
    // SAFETY: registered for polling objects only; the cell is dead.
    unsafe { std::ptr::drop_in_place(&raw mut (*(p as *mut Poll)).watched) }
}

fn register(t: &Thread, a: &[Value]) -> R {
    let fd = file_descriptor(t, a[1])?;
    let events = if a[2].is_null() { (libc::POLLIN | libc::POLLPRI | libc::POLLOUT) as u16 } else { event_mask(t, a[2])? };
    let object = receiver::<Poll>(a[0]);
    let mut watched = object.watched.lock();
    match watched.iter_mut().find(|w| w.fd == fd) {
        Some(w) => w.events = events as i16,
        None => watched.push(libc::pollfd { fd, events: events as i16, revents: 0 }),
    }
    Ok(Value::NONE)
}

fn modify(t: &Thread, a: &[Value]) -> R {
    let fd = file_descriptor(t, a[1])?;
    let events = event_mask(t, a[2])?;
    match receiver::<Poll>(a[0]).watched.lock().iter_mut().find(|w| w.fd == fd) {
        Some(w) => w.events = events as i16,
        None => return Err(raise_os_error(t, &io::Error::from_raw_os_error(libc::ENOENT))),
    }
    Ok(Value::NONE)
}

fn unregister(t: &Thread, a: &[Value]) -> R {
    let fd = file_descriptor(t, a[1])?;
    let object = receiver::<Poll>(a[0]);
    let mut watched = object.watched.lock();
    match watched.iter().position(|w| w.fd == fd) {
        Some(i) => {
            watched.remove(i);
            Ok(Value::NONE)
        }
        None => {
            drop(watched);
            Err(exc::raise_key_error(t, Value::int(fd as i64)))
        }
    }
}

fn wait(t: &Thread, a: &[Value]) -> R {
    let timeout = timeout(t, a[1], MILLISECOND, Rounding::Timeout, "timeout must be an integer or None")?;
    let deadline = Deadline::after(milliseconds(t, timeout)?);
    let object = receiver::<Poll>(a[0]);
    if object.busy.swap(true, AcqRel) {
        raise!(t, RuntimeError, "concurrent poll() invocation")
    }
    let result = wait_for(t, object, &deadline);
    object.busy.store(false, Release);
    let mut list = ValueList::new(t);
    for w in result?.iter().filter(|w| w.revents != 0) {
        let pair = [Value::int(w.fd as i64), Value::int(w.revents as u16 as i64)];
        list.push(t, Tuple::from_slice(t, &pair).value());
    }
    Ok(List::from_slice(t, list.as_slice())?.value())
}

fn wait_for(t: &Thread, object: Ref<Poll>, deadline: &Deadline) -> R<Vec<libc::pollfd>> {
    let mut watched = object.watched.lock().clone();
    loop {
        let left = deadline.left().map_or(-1, |n| seconds::in_units(n, MILLISECOND) as i32);
        let result = t.blocking(|| {
            // SAFETY: an array of that length.
            let n = unsafe { libc::poll(watched.as_mut_ptr(), watched.len() as libc::nfds_t, left) };
            if n < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
        });
        match result {
            Ok(()) => return Ok(watched),
            Err(e) if e.raw_os_error() == Some(libc::EINTR) => {
                t.poll()?;
                if deadline.left() == Some(0) {
                    return Ok(Vec::new());
                }
            }
            Err(e) => return Err(raise_os_error(t, &e)),
        }
    }
}

static POLL_DEF: TypeDef = TypeDef {
    flags: flag::DISALLOW_INSTANTIATION,
    methods: &[
        FnDef::def("register", "self, fd, eventmask=select.POLLIN|select.POLLPRI|select.POLLOUT, /", register)
            .doc("Register a file descriptor with the polling object."),
        FnDef::def("modify", "self, fd, eventmask, /", modify).doc("Modify an already registered file descriptor."),
        FnDef::def("unregister", "self, fd, /", unregister).doc("Remove a file descriptor being tracked by the polling object."),
        FnDef::def("poll", "self, timeout=None, /", wait).doc("Polls the set of registered file descriptors."),
    ],
    ..TypeDef::of::<Poll>("select.poll")
};
