//! Sending and receiving plain data.

use super::address::{self, Address};
use super::object::{Socket, socket};
use super::wait::{self, Ready};
use crate::seconds::Deadline;
use limpid_heap::Value;
use limpid_vm::args::Args;
use limpid_vm::modules::sys;
use limpid_vm::object::{R, Ref};
use limpid_vm::protocol::number;
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::memory::{get_buffer, get_writable_buffer};
use limpid_vm::types::{Bytes, Tuple, int};

fn flags_of(t: &Thread, v: Value) -> R<i32> {
    if v.is_null() { Ok(0) } else { number::index_i32(t, v) }
}

/// A buffer of our own of the length a program asks for.
pub(super) fn buffer_of(t: &Thread, v: Value, function: &str) -> R<Vec<u8>> {
    let n = number::index_isize(t, v)?;
    let Ok(n) = usize::try_from(n) else { raise!(t, ValueError, "negative buffersize in {function}") };
    let mut buffer = Vec::new();
    if buffer.try_reserve_exact(n).is_err() {
        raise!(t, MemoryError, "")
    }
    buffer.resize(n, 0);
    Ok(buffer)
}

fn receive(t: &Thread, s: Ref<Socket>, to: &mut [u8], flags: i32) -> R<usize> {
    if to.is_empty() {
        return Ok(0);
    }
    // SAFETY: a buffer of that length.
    wait::call(t, s, Ready::Read, |fd| unsafe { libc::recv(fd, to.as_mut_ptr().cast(), to.len(), flags) })
}

fn receive_from(t: &Thread, s: Ref<Socket>, to: &mut [u8], flags: i32) -> R<(usize, Value)> {
    let mut from = Address::empty();
    let n = wait::call(t, s, Ready::Read, |fd| {
        from = Address::empty();
        // SAFETY: a buffer of that length, and room for an address.
        unsafe { libc::recvfrom(fd, to.as_mut_ptr().cast(), to.len(), flags, from.as_mut_ptr(), from.len_mut()) }
    })?;
    Ok((n, from.to_value(t, s.protocol())?))
}

pub(super) fn recv(t: &Thread, a: &[Value]) -> R {
    let mut buffer = buffer_of(t, a[1], "recv")?;
    let n = receive(t, socket(a[0]), &mut buffer, flags_of(t, a[2])?)?;
    Ok(Bytes::from_slice(t, &buffer[..n])?.value())
}

pub(super) fn recvfrom(t: &Thread, a: &[Value]) -> R {
    let mut buffer = buffer_of(t, a[1], "recvfrom")?;
    let (n, from) = receive_from(t, socket(a[0]), &mut buffer, flags_of(t, a[2])?)?;
    let data = Bytes::from_slice(t, &buffer[..n])?.value();
    Ok(Tuple::from_slice(t, &[data, from]).value())
}

/// How much of a buffer of `len` bytes is to be filled: all of it if `v` is missing or zero.
fn length_in(t: &Thread, v: Value, len: usize, function: &str, refusal: &str) -> R<usize> {
    let n = if v.is_null() { 0 } else { number::index_isize(t, v)? };
    match usize::try_from(n) {
        Ok(0) => Ok(len),
        Ok(n) if n <= len => Ok(n),
        Ok(_) => raise!(t, ValueError, "{refusal}"),
        Err(_) => raise!(t, ValueError, "negative buffersize in {function}"),
    }
}

pub(super) fn recv_into(t: &Thread, a: &[Value]) -> R {
    let mut buffer = get_writable_buffer(t, a[1], "recv_into() argument 1")?;
    let n = length_in(t, a[2], buffer.len, "recv_into", "buffer too small for requested bytes")?;
    let flags = flags_of(t, a[3])?;
    Ok(int::from_usize(t, receive(t, socket(a[0]), &mut buffer.as_mut_slice()[..n], flags)?))
}

pub(super) fn recvfrom_into(t: &Thread, a: &[Value]) -> R {
    let mut buffer = get_writable_buffer(t, a[1], "recvfrom_into() argument 1")?;
    let n = length_in(t, a[2], buffer.len, "recvfrom_into", "nbytes is greater than the length of the buffer")?;
    let flags = flags_of(t, a[3])?;
    let (n, from) = receive_from(t, socket(a[0]), &mut buffer.as_mut_slice()[..n], flags)?;
    Ok(Tuple::from_slice(t, &[int::from_usize(t, n), from]).value())
}

pub(super) fn send(t: &Thread, a: &[Value]) -> R {
    let data = get_buffer(t, a[1])?;
    let flags = flags_of(t, a[2])?;
    let bytes = data.as_slice();
    // SAFETY: a buffer of that length.
    let n = wait::call(t, socket(a[0]), Ready::Write, |fd| unsafe { libc::send(fd, bytes.as_ptr().cast(), bytes.len(), flags) })?;
    Ok(int::from_usize(t, n))
}

pub(super) fn sendall(t: &Thread, a: &[Value]) -> R {
    let s = socket(a[0]);
    let data = get_buffer(t, a[1])?;
    let flags = flags_of(t, a[2])?;
    let mut rest = data.as_slice();
    // The timeout is one for all of it.
    let deadline = Deadline::after(s.timeout().filter(|n| *n > 0));
    while !rest.is_empty() {
        if deadline.left() == Some(0) {
            raise!(t, TimeoutError, "timed out")
        }
        // SAFETY: a buffer of that length.
        let n = wait::call_until(t, s, Ready::Write, &deadline, |fd| unsafe { libc::send(fd, rest.as_ptr().cast(), rest.len(), flags) })?;
        rest = &rest[n..];
        t.poll()?;
    }
    Ok(Value::NONE)
}

pub(super) fn sendto(t: &Thread, args: Args<'_>) -> R {
    args.no_keywords(t, "sendto")?;
    let (v, data, flags, to) = match args.pos() {
        [v, data, to] => (*v, *data, 0, *to),
        [v, data, flags, to] => {
            get_buffer(t, *data)?;
            (*v, *data, number::index_i32(t, *flags)?, *to)
        }
        given => raise!(t, TypeError, "sendto() takes 2 or 3 arguments ({} given)", given.len().saturating_sub(1)),
    };
    let s = socket(v);
    let data = get_buffer(t, data)?;
    let address = address::parse(t, s, to, "sendto")?;
    sys::audit(t, "socket.sendto", &[v, to])?;
    let bytes = data.as_slice();
    // SAFETY: a buffer and an address of those lengths.
    let n = wait::call(t, s, Ready::Write, |fd| unsafe {
        libc::sendto(fd, bytes.as_ptr().cast(), bytes.len(), flags, address.as_ptr(), address.len())
    })?;
    Ok(int::from_usize(t, n))
}
