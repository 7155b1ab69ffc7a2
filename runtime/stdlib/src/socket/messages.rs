//! Messages: data in several buffers, with ancillary data.

use super::address::{self, Address};
use super::object::{Socket, socket};
use super::transfer::buffer_of;
use super::wait::{self, Ready};
use limpid_heap::Value;
use limpid_vm::modules::sys;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{iter, number};
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::memory::{Buffer, get_buffer, get_writable_buffer};
use limpid_vm::types::{Bytes, List, Tuple, ValueList, int};
use std::mem::size_of;

/// Ancillary data must be aligned as its headers are.
type Word = libc::cmsghdr;

const WORD: usize = size_of::<Word>();

/// Memory for ancillary data, `len` bytes of it in use.
struct Control {
    memory: Vec<Word>,
    len: usize,
}

impl Control {
    fn new(t: &Thread, len: usize) -> R<Control> {
        let mut memory = Vec::new();
        if memory.try_reserve_exact(len.div_ceil(WORD)).is_err() {
            raise!(t, MemoryError, "")
        }
        // SAFETY: zero is a valid value of every field.
        memory.resize(len.div_ceil(WORD), unsafe { std::mem::zeroed() });
        Ok(Control { memory, len })
    }

    fn ptr(&mut self) -> *mut libc::c_void {
        if self.len == 0 { std::ptr::null_mut() } else { self.memory.as_mut_ptr().cast() }
    }
}

/// A message's structure without anything.
fn message(buffers: &mut [libc::iovec]) -> libc::msghdr {
    // SAFETY: zero is a valid value of every field.
    let mut m: libc::msghdr = unsafe { std::mem::zeroed() };
    m.msg_iov = buffers.as_mut_ptr();
    m.msg_iovlen = buffers.len() as _;
    m
}

fn control_size(t: &Thread, v: Value, function: &str) -> R<usize> {
    let n = if v.is_null() { 0 } else { number::index_isize(t, v)? };
    match usize::try_from(n) {
        Ok(n) if n <= i32::MAX as usize => Ok(n),
        _ => raise!(t, ValueError, "invalid ancillary data buffer length in {function}()"),
    }
}

/// Receives into buffers: how much, ancillary data, flags, the sender's address.
fn receive(t: &Thread, s: Ref<Socket>, buffers: &mut [libc::iovec], control: usize, flags: i32) -> R<(usize, [Value; 3])> {
    let mut control = Control::new(t, control)?;
    let mut from = Address::empty();
    let mut m = message(buffers);
    let n = wait::call(t, s, Ready::Read, |fd| {
        from = Address::empty();
        m.msg_name = from.as_mut_ptr().cast();
        m.msg_namelen = from.len();
        m.msg_control = control.ptr();
        m.msg_controllen = control.len as _;
        // SAFETY: buffers of the lengths that the structure tells.
        unsafe { libc::recvmsg(fd, &mut m, flags) }
    })?;
    // SAFETY: the kernel has filled in that length of the address.
    let from = unsafe { Address::from_raw(from.as_ptr(), m.msg_namelen) };
    let ancillary = ancillary(t, &m)?;
    Ok((n, [ancillary, Value::int(m.msg_flags as i64), from.to_value(t, s.protocol())?]))
}

/// The ancillary data of a message, as a list of tuples (level, type, data).
fn ancillary(t: &Thread, m: &libc::msghdr) -> R {
    let mut list = ValueList::new(t);
    if m.msg_controllen > 0 {
        #[allow(clippy::unnecessary_cast, reason = "its type depends on the C library")]
        let end = m.msg_control as usize + m.msg_controllen as usize;
        // SAFETY: the kernel has written headers and data; a length that goes beyond the end, as after truncation, is cut.
        unsafe {
            let mut header = libc::CMSG_FIRSTHDR(m);
            while !header.is_null() {
                let data = libc::CMSG_DATA(header);
                let head = data as usize - header as usize;
                let wanted = ((*header).cmsg_len as usize).saturating_sub(head);
                let there = wanted.min(end.saturating_sub(data as usize));
                let bytes = std::slice::from_raw_parts(data, there);
                let entry =
                    [Value::int((*header).cmsg_level as i64), Value::int((*header).cmsg_type as i64), Bytes::from_slice(t, bytes)?.value()];
                list.push(t, Tuple::from_slice(t, &entry).value());
                if there < wanted {
                    limpid_vm::warnings::warn(
                        t,
                        limpid_vm::exc::RuntimeWarning,
                        "received malformed or improperly-truncated ancillary data",
                        1,
                    )?;
                    break;
                }
                header = libc::CMSG_NXTHDR(m, header);
            }
        }
    }
    Ok(List::from_slice(t, list.as_slice())?.value())
}

fn flags_of(t: &Thread, v: Value) -> R<i32> {
    if v.is_null() { Ok(0) } else { number::index_i32(t, v) }
}

pub(super) fn recvmsg(t: &Thread, a: &[Value]) -> R {
    let mut buffer = buffer_of(t, a[1], "recvmsg()")?;
    let control = control_size(t, a[2], "recvmsg")?;
    let mut parts = [libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() }];
    let (n, [ancillary, flags, from]) = receive(t, socket(a[0]), &mut parts, control, flags_of(t, a[3])?)?;
    let data = Bytes::from_slice(t, &buffer[..n])?.value();
    Ok(Tuple::from_slice(t, &[data, ancillary, flags, from]).value())
}

pub(super) fn recvmsg_into(t: &Thread, a: &[Value]) -> R {
    let targets = iter::collect(t, a[1])?;
    let mut buffers = Vec::new();
    for v in targets.iter() {
        buffers.push(get_writable_buffer(t, v, "recvmsg_into() argument 1")?);
    }
    let control = control_size(t, a[2], "recvmsg_into")?;
    let mut parts: Vec<_> =
        buffers.iter_mut().map(|b| libc::iovec { iov_base: b.as_mut_slice().as_mut_ptr().cast(), iov_len: b.len }).collect();
    let (n, [ancillary, flags, from]) = receive(t, socket(a[0]), &mut parts, control, flags_of(t, a[3])?)?;
    // What the buffers belong to stays alive until here.
    limpid_heap::keep_alive(targets.cell());
    Ok(Tuple::from_slice(t, &[int::from_usize(t, n), ancillary, flags, from]).value())
}

/// Buffers to send, and what keeps their owners alive.
fn sources(t: &Thread, v: Value) -> R<(ValueList, Vec<Buffer>)> {
    let list = iter::collect(t, v).map_err(|raised| {
        if t.exception_is(limpid_vm::exc::TypeError) {
            t.take_exception();
            return limpid_vm::err!(t, TypeError, "sendmsg() argument 1 must be an iterable of bytes-like objects");
        }
        raised
    })?;
    let mut buffers = Vec::with_capacity(list.len());
    for v in list.iter() {
        buffers.push(get_buffer(t, v)?);
    }
    Ok((list, buffers))
}

fn vectors(buffers: &[Buffer]) -> Vec<libc::iovec> {
    buffers.iter().map(|b| libc::iovec { iov_base: b.ptr.cast(), iov_len: b.len }).collect()
}

/// One piece of ancillary data to send.
struct Piece {
    level: i32,
    kind: i32,
    data: Vec<u8>,
}

fn pieces(t: &Thread, v: Value) -> R<Vec<Piece>> {
    let mut pieces = Vec::new();
    if v.is_null() {
        return Ok(pieces);
    }
    let list = iter::collect(t, v).map_err(|raised| {
        if t.exception_is(limpid_vm::exc::TypeError) {
            t.take_exception();
            return limpid_vm::err!(t, TypeError, "sendmsg() argument 2 must be an iterable");
        }
        raised
    })?;
    for item in list.iter() {
        let Some(tuple) = item.downcast::<Tuple>().filter(|tuple| tuple.len() == 3) else {
            raise!(t, TypeError, "[sendmsg() ancillary data items] must be tuples (level, type, data)")
        };
        let (level, kind) = (number::index_i32(t, tuple.get(0))?, number::index_i32(t, tuple.get(1))?);
        pieces.push(Piece { level, kind, data: get_buffer(t, tuple.get(2))?.as_slice().to_vec() });
    }
    Ok(pieces)
}

/// Lays ancillary data out as the kernel wants it.
fn lay_out(t: &Thread, pieces: &[Piece]) -> R<Control> {
    // SAFETY: arithmetic only.
    let len = pieces.iter().map(|p| unsafe { libc::CMSG_SPACE(p.data.len() as u32) } as usize).sum();
    let mut control = Control::new(t, len)?;
    // SAFETY: zero is a valid value of every field; there is room for every header with its data, by the sum above.
    unsafe {
        let mut m: libc::msghdr = std::mem::zeroed();
        m.msg_control = control.ptr();
        m.msg_controllen = len as _;
        let mut header = libc::CMSG_FIRSTHDR(&m);
        for piece in pieces {
            assert!(!header.is_null(), "the room for ancillary data was counted");
            (*header).cmsg_level = piece.level;
            (*header).cmsg_type = piece.kind;
            (*header).cmsg_len = libc::CMSG_LEN(piece.data.len() as u32) as _;
            std::ptr::copy_nonoverlapping(piece.data.as_ptr(), libc::CMSG_DATA(header), piece.data.len());
            header = libc::CMSG_NXTHDR(&m, header);
        }
    }
    Ok(control)
}

fn send(t: &Thread, s: Ref<Socket>, buffers: &[Buffer], control: &mut Control, flags: i32, to: Option<&Address>) -> R {
    let mut parts = vectors(buffers);
    let mut m = message(&mut parts);
    m.msg_control = control.ptr();
    m.msg_controllen = control.len as _;
    if let Some(to) = to {
        m.msg_name = to.as_ptr().cast_mut().cast();
        m.msg_namelen = to.len();
    }
    // SAFETY: buffers and an address of the lengths that the structure tells.
    let n = wait::call(t, s, Ready::Write, |fd| unsafe { libc::sendmsg(fd, &m, flags) })?;
    Ok(int::from_usize(t, n))
}

pub(super) fn sendmsg(t: &Thread, a: &[Value]) -> R {
    let s = socket(a[0]);
    let to = match a[4] {
        v if v.is_null() || v.is_none() => None,
        v => Some(address::parse(t, s, v, "sendmsg")?),
    };
    let flags = flags_of(t, a[3])?;
    sys::audit(t, "socket.sendmsg", &[a[0], if a[4].is_null() { Value::NONE } else { a[4] }])?;
    let (owners, buffers) = sources(t, a[1])?;
    let mut control = lay_out(t, &pieces(t, a[2])?)?;
    let sent = send(t, s, &buffers, &mut control, flags, to.as_ref());
    limpid_heap::keep_alive(owners.cell());
    sent
}

pub(super) fn sendmsg_afalg(t: &Thread, a: &[Value]) -> R {
    let s = socket(a[0]);
    if s.family() != libc::AF_ALG {
        raise!(t, OSError, "algset is only supported for AF_ALG")
    }
    let piece = |kind: i32, data: Vec<u8>| Piece { level: libc::SOL_ALG, kind, data };
    let operation = number::index_i32(t, a[2])?;
    if operation < 0 {
        raise!(t, TypeError, "Invalid or missing argument 'op'")
    }
    let mut pieces = vec![piece(libc::ALG_SET_OP, operation.to_ne_bytes().to_vec())];
    if !a[3].is_null() && !a[3].is_none() {
        let iv = get_buffer(t, a[3])?;
        let mut data = (iv.len as u32).to_ne_bytes().to_vec();
        data.extend_from_slice(iv.as_slice());
        pieces.push(piece(libc::ALG_SET_IV, data));
    }
    if !a[4].is_null() && !a[4].is_none() {
        let n = number::index_i32(t, a[4])?;
        if n < 0 {
            raise!(t, TypeError, "assoclen must be positive")
        }
        pieces.push(piece(libc::ALG_SET_AEAD_ASSOCLEN, n.to_ne_bytes().to_vec()));
    }
    let flags = flags_of(t, a[5])?;
    let (owners, buffers) = match a[1].is_null() {
        true => (ValueList::new(t), Vec::new()),
        false => sources(t, a[1])?,
    };
    let mut control = lay_out(t, &pieces)?;
    let sent = send(t, s, &buffers, &mut control, flags, None);
    limpid_heap::keep_alive(owners.cell());
    sent
}
