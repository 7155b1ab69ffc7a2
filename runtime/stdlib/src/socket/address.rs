//! Addresses of sockets, as Python programs write them and as the system does.

use super::object::Socket;
use super::resolver;
use crate::fs;
use limpid_heap::Value;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::number;
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::memory::get_buffer;
use limpid_vm::types::{Bytes, Str, Tuple, int};
use std::ffi::CStr;
use std::mem::{offset_of, size_of};
use std::net::{Ipv4Addr, Ipv6Addr};

/// An address of any family.
#[derive(Clone)]
pub(super) struct Address {
    storage: libc::sockaddr_storage,
    len: libc::socklen_t,
}

impl Address {
    /// Room for an address.
    pub(super) fn empty() -> Address {
        // SAFETY: zero is a valid value of every field.
        Address { storage: unsafe { std::mem::zeroed() }, len: size_of::<libc::sockaddr_storage>() as u32 }
    }

    /// An address from the structure of its family.
    fn of<T: Copy>(structure: T) -> Address {
        let mut a = Address::empty();
        a.set(structure, size_of::<T>());
        a
    }

    fn set<T: Copy>(&mut self, structure: T, len: usize) {
        const { assert!(size_of::<T>() <= size_of::<libc::sockaddr_storage>()) };
        // SAFETY: the structure fits, and any address structure may be kept there.
        unsafe { (&raw mut self.storage).cast::<T>().write(structure) };
        self.len = len as u32;
    }

    /// An address that the C library has made.
    ///
    /// # Safety
    /// `p` points to `len` bytes of an address.
    pub(super) unsafe fn from_raw(p: *const libc::sockaddr, len: libc::socklen_t) -> Address {
        let mut a = Address::empty();
        let len = len.min(a.len);
        // SAFETY: by contract, and no more than there is room.
        unsafe { std::ptr::copy_nonoverlapping(p.cast::<u8>(), (&raw mut a.storage).cast::<u8>(), len as usize) };
        a.len = len;
        a
    }

    fn view<T: Copy>(&self) -> T {
        const { assert!(size_of::<T>() <= size_of::<libc::sockaddr_storage>()) };
        // SAFETY: the storage is initialised and at least as long.
        unsafe { (&raw const self.storage).cast::<T>().read() }
    }

    /// For system calls that read it.
    pub(super) fn as_ptr(&self) -> *const libc::sockaddr {
        (&raw const self.storage).cast()
    }

    /// For system calls that fill it in.
    pub(super) fn as_mut_ptr(&mut self) -> *mut libc::sockaddr {
        (&raw mut self.storage).cast()
    }

    /// Its length.
    pub(super) fn len(&self) -> libc::socklen_t {
        self.len
    }

    /// For system calls that fill it in.
    pub(super) fn len_mut(&mut self) -> *mut libc::socklen_t {
        &raw mut self.len
    }

    /// Its family.
    pub(super) fn family(&self) -> i32 {
        self.storage.ss_family as i32
    }

    fn bytes(&self) -> &[u8] {
        let len = (self.len as usize).min(size_of::<libc::sockaddr_storage>());
        // SAFETY: the storage is initialised and at least as long.
        unsafe { std::slice::from_raw_parts((&raw const self.storage).cast::<u8>(), len) }
    }

    /// As Python programs see it.
    pub(super) fn to_value(&self, t: &Thread, protocol: i32) -> R {
        if self.len == 0 {
            return Ok(Value::NONE);
        }
        let n = |i: u32| Value::int(i as i64);
        let parts = match self.family() {
            libc::AF_INET => {
                let a = self.view::<libc::sockaddr_in>();
                let host = Ipv4Addr::from(u32::from_be(a.sin_addr.s_addr)).to_string();
                vec_of(t, &[Str::new(t, &host).value(), n(u16::from_be(a.sin_port) as u32)])
            }
            libc::AF_INET6 => {
                let a = self.view::<libc::sockaddr_in6>();
                let host = Str::new(t, &Ipv6Addr::from(a.sin6_addr.s6_addr).to_string()).value();
                vec_of(t, &[host, n(u16::from_be(a.sin6_port) as u32), n(u32::from_be(a.sin6_flowinfo)), n(a.sin6_scope_id)])
            }
            libc::AF_UNIX => return self.unix_to_value(t),
            libc::AF_NETLINK => {
                let a = self.view::<libc::sockaddr_nl>();
                vec_of(t, &[n(a.nl_pid), n(a.nl_groups)])
            }
            libc::AF_VSOCK => {
                let a = self.view::<libc::sockaddr_vm>();
                vec_of(t, &[n(a.svm_cid), n(a.svm_port)])
            }
            libc::AF_PACKET => {
                let a = self.view::<libc::sockaddr_ll>();
                let name = Str::new(t, &interface_name(a.sll_ifindex)).value();
                let hardware = Bytes::from_slice(t, &a.sll_addr[..(a.sll_halen as usize).min(8)])?.value();
                let numbers = [n(u16::from_be(a.sll_protocol) as u32), n(a.sll_pkttype as u32), n(a.sll_hatype as u32)];
                vec_of(t, &[name, numbers[0], numbers[1], numbers[2], hardware])
            }
            libc::AF_CAN => {
                let a = self.view::<libc::sockaddr_can>();
                let name = Str::new(t, &interface_name(a.can_ifindex)).value();
                if protocol == libc::CAN_ISOTP {
                    // SAFETY: plain numbers in a union.
                    let tp = unsafe { a.can_addr.tp };
                    vec_of(t, &[name, n(tp.rx_id), n(tp.tx_id)])
                } else {
                    vec_of(t, &[name])
                }
            }
            family => vec_of(t, &[n(family as u32), Bytes::from_slice(t, &self.bytes()[2.min(self.bytes().len())..])?.value()]),
        };
        Ok(parts)
    }

    fn unix_to_value(&self, t: &Thread) -> R {
        let path = &self.bytes()[offset_of!(libc::sockaddr_un, sun_path).min(self.bytes().len())..];
        match path.first() {
            // A name in the kernel's own space, which may contain anything.
            Some(0) => Ok(Bytes::from_slice(t, path)?.value()),
            _ => {
                let end = path.iter().position(|b| *b == 0).unwrap_or(path.len());
                fs::to_value(t, &path[..end], false)
            }
        }
    }
}

fn vec_of(t: &Thread, values: &[Value]) -> Value {
    Tuple::from_slice(t, values).value()
}

fn interface_name(index: i32) -> String {
    let mut name = [0; libc::IF_NAMESIZE];
    // SAFETY: room for a name.
    if index == 0 || unsafe { libc::if_indextoname(index as u32, name.as_mut_ptr()) }.is_null() {
        return String::new();
    }
    // SAFETY: the name is NUL-terminated.
    unsafe { CStr::from_ptr(name.as_ptr()) }.to_string_lossy().into_owned()
}

fn interface_index(t: &Thread, v: Value) -> R<i32> {
    let Some(name) = v.downcast::<Str>() else { raise!(t, TypeError, "argument 1 must be str, not {}", v.class().display_name()) };
    let bytes = fs::encode(t, name)?;
    if bytes.is_empty() {
        return Ok(0);
    }
    let Ok(name) = std::ffi::CString::new(bytes) else { raise!(t, ValueError, "embedded null character") };
    // SAFETY: a NUL-terminated name.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(limpid_vm::types::exceptions::raise_os_error(t, &std::io::Error::last_os_error())),
        n => Ok(n as i32),
    }
}

/// The tuple that an address of a family is.
fn tuple_of<'a>(t: &Thread, v: Value, function: &str, family: &str) -> R<&'a [Value]> {
    match v.downcast::<Tuple>() {
        Some(tuple) => Ok(tuple.as_slice()),
        None => raise!(t, TypeError, "{function}(): {family} address must be tuple, not {}", v.class().display_name()),
    }
}

fn port_of(t: &Thread, v: Value, function: &str) -> R<u16> {
    let n = int::as_i64_opt(number::index(t, v)?).unwrap_or(-1);
    match u16::try_from(n) {
        Ok(port) => Ok(port),
        Err(_) => raise!(t, OverflowError, "{function}(): port must be 0-65535."),
    }
}

fn u32_of(t: &Thread, v: Value) -> R<u32> {
    Ok(int::to_u64_masked(t, number::index(t, v)?)? as u32)
}

/// The address that `v` means for a socket; `function` is who asks, for messages.
pub(super) fn parse(t: &Thread, s: Ref<Socket>, v: Value, function: &str) -> R<Address> {
    match s.family() {
        libc::AF_INET => {
            let [host, port] = tuple_of(t, v, function, "AF_INET")? else {
                raise!(t, TypeError, "{function}(): AF_INET address must be a pair (host, port)")
            };
            let mut found = resolver::first_address(t, *host, libc::AF_INET)?.view::<libc::sockaddr_in>();
            found.sin_port = port_of(t, *port, function)?.to_be();
            Ok(Address::of(found))
        }
        libc::AF_INET6 => {
            let parts = tuple_of(t, v, function, "AF_INET6")?;
            if !(2..=4).contains(&parts.len()) {
                raise!(t, TypeError, "{function}(): AF_INET6 address must be a tuple (host, port[, flowinfo[, scopeid]])")
            }
            let mut found = resolver::first_address(t, parts[0], libc::AF_INET6)?.view::<libc::sockaddr_in6>();
            found.sin6_port = port_of(t, parts[1], function)?.to_be();
            if let Some(flow) = parts.get(2) {
                let flow = u32_of(t, *flow)?;
                if flow > 0xfffff {
                    raise!(t, OverflowError, "{function}(): flowinfo must be 0-1048575.")
                }
                found.sin6_flowinfo = flow.to_be();
            }
            if let Some(scope) = parts.get(3) {
                found.sin6_scope_id = u32_of(t, *scope)?;
            }
            Ok(Address::of(found))
        }
        libc::AF_UNIX => unix(t, v),
        libc::AF_NETLINK => {
            let [pid, groups] = tuple_of(t, v, function, "AF_NETLINK")? else {
                raise!(t, TypeError, "{function}(): AF_NETLINK address must be a pair (pid, groups)")
            };
            // SAFETY: zero is a valid value of every field.
            let mut a: libc::sockaddr_nl = unsafe { std::mem::zeroed() };
            a.nl_family = libc::AF_NETLINK as u16;
            (a.nl_pid, a.nl_groups) = (u32_of(t, *pid)?, u32_of(t, *groups)?);
            Ok(Address::of(a))
        }
        libc::AF_VSOCK => {
            let [cid, port] = tuple_of(t, v, function, "AF_VSOCK")? else {
                raise!(t, TypeError, "{function}(): AF_VSOCK address must be a pair (CID, port)")
            };
            // SAFETY: zero is a valid value of every field.
            let mut a: libc::sockaddr_vm = unsafe { std::mem::zeroed() };
            a.svm_family = libc::AF_VSOCK as u16;
            (a.svm_cid, a.svm_port) = (u32_of(t, *cid)?, u32_of(t, *port)?);
            Ok(Address::of(a))
        }
        libc::AF_PACKET => packet(t, v, function),
        libc::AF_CAN => can(t, s, v, function),
        libc::AF_ALG => algorithm(t, v, function),
        _ => raise!(t, OSError, "{function}(): bad family"),
    }
}

fn unix(t: &Thread, v: Value) -> R<Address> {
    let path = match v.downcast::<Str>() {
        Some(s) => fs::encode(t, s)?,
        None => get_buffer(t, v)?.as_slice().to_vec(),
    };
    // SAFETY: zero is a valid value of every field.
    let mut a: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    a.sun_family = libc::AF_UNIX as u16;
    let is_abstract = path.first() == Some(&0);
    // A name in the file system needs room for a NUL.
    if path.len() + !is_abstract as usize > a.sun_path.len() {
        raise!(t, OSError, "AF_UNIX path too long")
    }
    for (to, from) in a.sun_path.iter_mut().zip(&path) {
        *to = *from as libc::c_char;
    }
    // Without a name the kernel picks one.
    let with_nul = !is_abstract && !path.is_empty();
    let mut address = Address::empty();
    address.set(a, offset_of!(libc::sockaddr_un, sun_path) + path.len() + with_nul as usize);
    Ok(address)
}

fn packet(t: &Thread, v: Value, function: &str) -> R<Address> {
    let parts = tuple_of(t, v, function, "AF_PACKET")?;
    if !(2..=5).contains(&parts.len()) {
        raise!(t, TypeError, "{function}(): AF_PACKET address must be a tuple of two to five elements")
    }
    // SAFETY: zero is a valid value of every field.
    let mut a: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    a.sll_family = libc::AF_PACKET as u16;
    a.sll_ifindex = interface_index(t, parts[0])?;
    let Ok(protocol) = u16::try_from(int::as_i64_opt(number::index(t, parts[1])?).unwrap_or(-1)) else {
        raise!(t, OverflowError, "{function}(): proto must be 0-65535.")
    };
    a.sll_protocol = protocol.to_be();
    if let Some(kind) = parts.get(2) {
        a.sll_pkttype = u32_of(t, *kind)? as u8;
    }
    if let Some(kind) = parts.get(3) {
        a.sll_hatype = u32_of(t, *kind)? as u16;
    }
    if let Some(hardware) = parts.get(4) {
        let buffer = get_buffer(t, *hardware)?;
        if buffer.len > 8 {
            raise!(t, ValueError, "hardware address must be 8 bytes or less")
        }
        a.sll_addr[..buffer.len].copy_from_slice(buffer.as_slice());
        a.sll_halen = buffer.len as u8;
    }
    Ok(Address::of(a))
}

fn can(t: &Thread, s: Ref<Socket>, v: Value, function: &str) -> R<Address> {
    let parts = tuple_of(t, v, function, "AF_CAN")?;
    // SAFETY: zero is a valid value of every field.
    let mut a: libc::sockaddr_can = unsafe { std::mem::zeroed() };
    a.can_family = libc::AF_CAN as u16;
    match (s.protocol(), parts) {
        (libc::CAN_RAW | libc::CAN_BCM, [name]) => a.can_ifindex = interface_index(t, *name)?,
        (libc::CAN_ISOTP, [name, receive, send]) => {
            a.can_ifindex = interface_index(t, *name)?;
            let (rx_id, tx_id) = (u32_of(t, *receive)?, u32_of(t, *send)?);
            (a.can_addr.tp.rx_id, a.can_addr.tp.tx_id) = (rx_id, tx_id);
        }
        (libc::CAN_RAW | libc::CAN_BCM | libc::CAN_ISOTP, _) => {
            raise!(t, TypeError, "{function}(): wrong number of elements in an AF_CAN address")
        }
        _ => raise!(t, OSError, "{function}(): unsupported CAN protocol"),
    }
    Ok(Address::of(a))
}

fn algorithm(t: &Thread, v: Value, function: &str) -> R<Address> {
    let parts = tuple_of(t, v, function, "AF_ALG")?;
    if !(2..=4).contains(&parts.len()) {
        raise!(t, TypeError, "{function}(): AF_ALG address must be a tuple (type, name[, feat[, mask]])")
    }
    // SAFETY: zero is a valid value of every field.
    let mut a: libc::sockaddr_alg = unsafe { std::mem::zeroed() };
    a.salg_family = libc::AF_ALG as u16;
    let text = |v: Value, to: &mut [u8], what: &str| -> R<()> {
        let Some(s) = v.downcast::<Str>() else { raise!(t, TypeError, "argument must be str, not {}", v.class().display_name()) };
        let bytes = fs::encode(t, s)?;
        if bytes.len() >= to.len() {
            raise!(t, ValueError, "AF_ALG {what} too long.")
        }
        to[..bytes.len()].copy_from_slice(&bytes);
        Ok(())
    };
    text(parts[0], &mut a.salg_type, "type")?;
    text(parts[1], &mut a.salg_name, "name")?;
    if let Some(feat) = parts.get(2) {
        a.salg_feat = u32_of(t, *feat)?;
    }
    if let Some(mask) = parts.get(3) {
        a.salg_mask = u32_of(t, *mask)?;
    }
    Ok(Address::of(a))
}

/// The address with the numbers that only `getnameinfo` is given.
pub(super) fn with_flow(address: Address, flow: u32, scope: u32) -> Address {
    let mut a = address.view::<libc::sockaddr_in6>();
    a.sin6_flowinfo = flow.to_be();
    a.sin6_scope_id = scope;
    Address::of(a)
}

/// The address of an IPv4 or IPv6 host, without a port.
pub(super) fn of_ip(bytes: &[u8]) -> Option<Address> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        // SAFETY: zero is a valid value of every field.
        let mut a: libc::sockaddr_in = unsafe { std::mem::zeroed() };
        a.sin_family = libc::AF_INET as u16;
        a.sin_addr.s_addr = u32::from_ne_bytes(v4);
        return Some(Address::of(a));
    }
    let v6 = <[u8; 16]>::try_from(bytes).ok()?;
    // SAFETY: as above.
    let mut a: libc::sockaddr_in6 = unsafe { std::mem::zeroed() };
    a.sin6_family = libc::AF_INET6 as u16;
    a.sin6_addr.s6_addr = Ipv6Addr::from(v6).octets();
    Some(Address::of(a))
}

/// The bytes of an IPv4 or IPv6 address.
pub(super) fn ip_bytes(a: &Address) -> Vec<u8> {
    match a.family() {
        libc::AF_INET => a.view::<libc::sockaddr_in>().sin_addr.s_addr.to_ne_bytes().to_vec(),
        _ => a.view::<libc::sockaddr_in6>().sin6_addr.s6_addr.to_vec(),
    }
}
