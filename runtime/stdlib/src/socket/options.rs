//! `getsockopt` and `setsockopt`.

use super::object::{is_number, socket};
use limpid_heap::Value;
use limpid_vm::args::Args;
use limpid_vm::object::R;
use limpid_vm::protocol::number;
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::exceptions::raise_os_error;
use limpid_vm::types::memory::get_buffer;
use limpid_vm::types::{Bytes, int};
use std::ffi::c_void;
use std::io;

/// How long a value may be, as in CPython.
const MOST: i32 = 1024;

pub(super) fn get(t: &Thread, a: &[Value]) -> R {
    let s = socket(a[0]);
    let (level, option) = (number::index_i32(t, a[1])?, number::index_i32(t, a[2])?);
    let len = if a[3].is_null() { 0 } else { number::index_i32(t, a[3])? };
    if len == 0 {
        // Numbers of these sockets are longer.
        let is_long = s.family() == libc::AF_VSOCK;
        let (mut n, mut size) = (0u64, if is_long { size_of::<u64>() } else { size_of::<i32>() } as u32);
        // SAFETY: room for a number.
        if unsafe { libc::getsockopt(s.fd(), level, option, (&raw mut n).cast(), &mut size) } < 0 {
            return Err(raise_os_error(t, &io::Error::last_os_error()));
        }
        return Ok(if is_long { int::from_u64(t, n) } else { Value::int(n as i32 as i64) });
    }
    if !(0..=MOST).contains(&len) {
        raise!(t, OSError, "getsockopt buflen out of range")
    }
    let mut buffer = vec![0u8; len as usize];
    let mut size = len as u32;
    // SAFETY: a buffer of that length.
    if unsafe { libc::getsockopt(s.fd(), level, option, buffer.as_mut_ptr().cast(), &mut size) } < 0 {
        return Err(raise_os_error(t, &io::Error::last_os_error()));
    }
    Ok(Bytes::from_slice(t, &buffer[..size as usize])?.value())
}

pub(super) fn set(t: &Thread, args: Args<'_>) -> R {
    args.no_keywords(t, "setsockopt")?;
    let (v, level, option, value, len) = match args.pos() {
        [v, level, option, value] => (*v, *level, *option, *value, None),
        [v, level, option, value, len] => (*v, *level, *option, *value, Some(*len)),
        given if given.len() < 4 => {
            raise!(t, TypeError, "setsockopt() takes at least 3 arguments ({} given)", given.len().saturating_sub(1))
        }
        given => raise!(t, TypeError, "setsockopt() takes at most 4 arguments ({} given)", given.len() - 1),
    };
    let s = socket(v);
    let (level, option) = (number::index_i32(t, level)?, number::index_i32(t, option)?);
    let change = |p: *const c_void, len: u32| -> R {
        // SAFETY: a value of that length, or NULL where the option only wants the length.
        if unsafe { libc::setsockopt(s.fd(), level, option, p, len) } < 0 {
            return Err(raise_os_error(t, &io::Error::last_os_error()));
        }
        Ok(Value::NONE)
    };
    if let Some(len) = len {
        if !value.is_none() {
            raise!(t, TypeError, "setsockopt() argument 3 must be None when optlen is given")
        }
        return change(std::ptr::null(), number::index_i32(t, len)? as u32);
    }
    if is_number(value) && s.family() == libc::AF_VSOCK {
        let n = int::to_u64_masked(t, number::index(t, value)?)?;
        return change((&raw const n).cast(), size_of::<u64>() as u32);
    }
    if is_number(value) {
        let n = number::index_i32(t, value)?;
        return change((&raw const n).cast(), size_of::<i32>() as u32);
    }
    if value.is_none() {
        raise!(t, TypeError, "setsockopt() requires 4 arguments when the third argument is None")
    }
    let buffer = get_buffer(t, value)?;
    let bytes = buffer.as_slice();
    change(bytes.as_ptr().cast(), bytes.len() as u32)
}
