//! `select.select`

use super::timeout;
use crate::posix::file_descriptor;
use crate::seconds::{self, Deadline, Rounding, SECOND};
use limpid_heap::Value;
use limpid_vm::exc;
use limpid_vm::object::{R, ValueExt};
use limpid_vm::protocol::iter;
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::exceptions::raise_os_error;
use limpid_vm::types::{List, Tuple, ValueList};
use std::io;

/// Objects and their descriptors.
struct Watched {
    objects: ValueList,
    descriptors: Vec<i32>,
}

impl Watched {
    fn new(t: &Thread, v: Value) -> R<Watched> {
        // A list may change while its objects are asked for their descriptors.
        let list = match v.downcast::<List>() {
            Some(list) => list,
            None => iter::to_list(t, v).map_err(|raised| {
                if t.exception_is(exc::TypeError) {
                    t.take_exception();
                    return limpid_vm::err!(t, TypeError, "arguments 1-3 must be sequences");
                }
                raised
            })?,
        };
        let (mut objects, mut descriptors) = (ValueList::new(t), Vec::new());
        while let Some(object) = list.get(objects.len()) {
            let fd = file_descriptor(t, object)?;
            objects.push(t, object);
            if fd as usize >= libc::FD_SETSIZE {
                raise!(t, ValueError, "filedescriptor out of range in select()")
            }
            if descriptors.len() >= libc::FD_SETSIZE {
                raise!(t, ValueError, "too many file descriptors in select()")
            }
            descriptors.push(fd);
        }
        Ok(Watched { objects, descriptors })
    }

    fn set(&self) -> libc::fd_set {
        // SAFETY: zero is the empty set; all numbers are in range.
        unsafe {
            let mut set = std::mem::zeroed();
            self.descriptors.iter().for_each(|fd| libc::FD_SET(*fd, &mut set));
            set
        }
    }

    fn ready(&self, t: &Thread, set: &libc::fd_set) -> R {
        let mut ready = ValueList::new(t);
        for (i, fd) in self.descriptors.iter().enumerate() {
            // SAFETY: all numbers are in range.
            if unsafe { libc::FD_ISSET(*fd, set) } {
                ready.push(t, self.objects.get(i));
            }
        }
        Ok(List::from_slice(t, ready.as_slice())?.value())
    }
}

pub(super) fn select(t: &Thread, a: &[Value]) -> R {
    let timeout = timeout(t, a[3], SECOND, Rounding::Timeout, "timeout must be a float or None")?;
    if timeout.is_some_and(|n| n < 0) {
        raise!(t, ValueError, "timeout must be non-negative")
    }
    let watched = [Watched::new(t, a[0])?, Watched::new(t, a[1])?, Watched::new(t, a[2])?];
    let highest = watched.iter().flat_map(|w| w.descriptors.iter().copied()).max().unwrap_or(-1);
    let deadline = Deadline::after(timeout);
    let sets = loop {
        let mut sets = watched.each_ref().map(Watched::set);
        let mut left = deadline.left().map(seconds::timeval);
        let result = t.blocking(|| {
            let [r, w, x] = &mut sets;
            let timeout = left.as_mut().map_or(std::ptr::null_mut(), |left| left as *mut libc::timeval);
            // SAFETY: three sets, and a time or NULL.
            if unsafe { libc::select(highest + 1, r, w, x, timeout) } < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
        });
        match result {
            Ok(()) => break sets,
            Err(e) if e.raw_os_error() == Some(libc::EINTR) => {
                t.poll()?;
                if deadline.left() == Some(0) {
                    // SAFETY: zero is the empty set.
                    break unsafe { std::mem::zeroed() };
                }
            }
            Err(e) => return Err(raise_os_error(t, &e)),
        }
    };
    let mut results = [Value::NULL; 3];
    for ((result, watched), set) in results.iter_mut().zip(&watched).zip(&sets) {
        *result = watched.ready(t, set)?;
    }
    Ok(Tuple::from_slice(t, &results).value())
}
