//! How a socket's calls block: not at all, for ever, or until a timeout.
//!
//! A socket with a timeout does not block in the system: it waits until it is ready, then calls, and waits again if somebody else was
//! faster.

use super::object::Socket;
use crate::seconds::{self, Deadline, MILLISECOND};
use limpid_vm::object::{R, Ref};
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::exceptions::raise_os_error;
use std::io;

/// What a call waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ready {
    /// Something to read.
    Read,
    /// Room to write.
    Write,
    /// The end of an attempt to connect.
    Connect,
}

/// How a call has ended that is not an error of the system.
pub(super) enum Outcome<T> {
    /// With a result.
    Done(T),
    /// The time was over.
    TimedOut,
    /// With an error of the system.
    Failed(io::Error),
}

/// Waits until a descriptor is ready; false when the time is over.
fn poll(t: &Thread, fd: i32, ready: Ready, deadline: &Deadline) -> R<io::Result<bool>> {
    let events = match ready {
        Ready::Read => libc::POLLIN,
        Ready::Write => libc::POLLOUT,
        Ready::Connect => libc::POLLOUT | libc::POLLERR,
    };
    loop {
        let left = deadline.left().map_or(-1, |n| seconds::in_units(n, MILLISECOND).min(i32::MAX as i64) as i32);
        let result = t.blocking(|| {
            let mut watched = libc::pollfd { fd, events, revents: 0 };
            // SAFETY: one structure.
            let n = unsafe { libc::poll(&mut watched, 1, left) };
            if n < 0 { Err(io::Error::last_os_error()) } else { Ok(n) }
        });
        match result {
            Ok(n) => return Ok(Ok(n > 0)),
            Err(e) if e.raw_os_error() == Some(libc::EINTR) => t.poll()?,
            Err(e) => return Ok(Err(e)),
        }
    }
}

/// Runs a system call on a socket as its timeout says. The call tells by errno and a negative result.
pub(super) fn outcome(t: &Thread, s: Ref<Socket>, ready: Ready, deadline: &Deadline, mut f: impl FnMut(i32) -> isize) -> R<Outcome<usize>> {
    let has_timeout = s.timeout().is_some_and(|n| n > 0);
    loop {
        let fd = s.fd();
        if fd >= 0 && (has_timeout || ready == Ready::Connect) {
            match poll(t, fd, ready, deadline)? {
                Ok(true) => {}
                Ok(false) => return Ok(Outcome::TimedOut),
                Err(e) => return Ok(Outcome::Failed(e)),
            }
        }
        loop {
            let result = t.blocking(|| {
                let n = f(fd);
                if n < 0 { Err(io::Error::last_os_error()) } else { Ok(n as usize) }
            });
            match result {
                Ok(n) => return Ok(Outcome::Done(n)),
                Err(e) => match e.raw_os_error() {
                    Some(libc::EINTR) => t.poll()?,
                    // Ready, but somebody else was faster, or a checksum was wrong.
                    Some(libc::EAGAIN) if has_timeout => break,
                    _ => return Ok(Outcome::Failed(e)),
                },
            }
        }
    }
}

/// The same with the outcome as result or exception, and the socket's timeout counted from now.
pub(super) fn call(t: &Thread, s: Ref<Socket>, ready: Ready, f: impl FnMut(i32) -> isize) -> R<usize> {
    call_until(t, s, ready, &Deadline::after(s.timeout().filter(|n| *n > 0)), f)
}

/// The same with a time that runs already.
pub(super) fn call_until(t: &Thread, s: Ref<Socket>, ready: Ready, deadline: &Deadline, f: impl FnMut(i32) -> isize) -> R<usize> {
    match outcome(t, s, ready, deadline, f)? {
        Outcome::Done(n) => Ok(n),
        Outcome::TimedOut => raise!(t, TimeoutError, "timed out"),
        Outcome::Failed(e) => Err(raise_os_error(t, &e)),
    }
}
