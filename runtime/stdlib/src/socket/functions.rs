//! Functions of the module besides those about names.

use super::object;
use crate::fs;
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::modules::sys;
use limpid_vm::object::{R, ValueExt};
use limpid_vm::protocol::number;
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::exceptions::raise_os_error;
use limpid_vm::types::memory::get_buffer;
use limpid_vm::types::{Bytes, List, Str, Tuple, ValueList, int};
use std::ffi::{CStr, CString};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};

pub(super) const FUNCTIONS: &[FnDef] = &[
    FnDef::def("close", "fd, /", |t, a| {
        object::close_fd(t, number::index_i32(t, a[0])?)?;
        Ok(Value::NONE)
    })
    .doc("Close an integer socket file descriptor."),
    FnDef::def("dup", "fd, /", |t, a| {
        let fd = number::index_i32(t, a[0])?;
        // SAFETY: a plain system call.
        let copy = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0) };
        if copy < 0 {
            return Err(raise_os_error(t, &io::Error::last_os_error()));
        }
        Ok(Value::int(copy as i64))
    })
    .doc("Duplicate an integer socket file descriptor."),
    FnDef::def("socketpair", "family=AF_UNIX, type=SOCK_STREAM, proto=0, /", socketpair).doc("Create a pair of sockets."),
    FnDef::def("getdefaulttimeout", "", object::default_timeout).doc("Returns the default timeout in seconds (float) for new sockets."),
    FnDef::def("setdefaulttimeout", "timeout, /", object::set_default_timeout)
        .doc("Set the default timeout in seconds (float) for new sockets."),
    FnDef::def("gethostname", "", |t, _| {
        sys::audit(t, "socket.gethostname", &[])?;
        let mut name = [0u8; 256];
        // SAFETY: a buffer of that length; its last byte stays 0.
        if unsafe { libc::gethostname(name.as_mut_ptr().cast(), name.len() - 1) } < 0 {
            return Err(raise_os_error(t, &io::Error::last_os_error()));
        }
        let end = name.iter().position(|b| *b == 0).unwrap_or(name.len());
        fs::to_value(t, &name[..end], false)
    })
    .doc("Return the current host name."),
    FnDef::def("sethostname", "name, /", |t, a| {
        let name = match a[0].downcast::<Str>() {
            Some(s) => fs::encode(t, s)?,
            None => get_buffer(t, a[0])?.as_slice().to_vec(),
        };
        sys::audit(t, "socket.sethostname", a)?;
        // SAFETY: a buffer of that length.
        if unsafe { libc::sethostname(name.as_ptr().cast(), name.len()) } < 0 {
            return Err(raise_os_error(t, &io::Error::last_os_error()));
        }
        Ok(Value::NONE)
    })
    .doc("Sets the hostname to name."),
    FnDef::def("ntohs", "integer, /", |t, a| swap16(t, a[0])).doc("Convert a 16-bit unsigned integer from network to host byte order."),
    FnDef::def("htons", "integer, /", |t, a| swap16(t, a[0])).doc("Convert a 16-bit unsigned integer from host to network byte order."),
    FnDef::def("ntohl", "integer, /", |t, a| swap32(t, a[0])).doc("Convert a 32-bit unsigned integer from network to host byte order."),
    FnDef::def("htonl", "integer, /", |t, a| swap32(t, a[0])).doc("Convert a 32-bit unsigned integer from host to network byte order."),
    FnDef::def("inet_aton", "ip_addr, /", inet_aton).doc(
        "Convert an IP address in string format (123.45.67.89) to the 32-bit packed binary format used in low-level network functions.",
    ),
    FnDef::def("inet_ntoa", "packed_ip, /", |t, a| {
        let buffer = get_buffer(t, a[0])?;
        match <[u8; 4]>::try_from(buffer.as_slice()) {
            Ok(ip) => Ok(Str::new(t, &Ipv4Addr::from(ip).to_string()).value()),
            Err(_) => raise!(t, OSError, "packed IP wrong length"),
        }
    })
    .doc("Convert an IP address from 32-bit packed binary format to string format."),
    FnDef::def("inet_pton", "address_family, ip_string, /", inet_pton)
        .doc("Convert an IP address from string format to a packed string suitable for use with low-level network functions."),
    FnDef::def("inet_ntop", "address_family, packed_ip, /", inet_ntop)
        .doc("Convert a packed IP address of the given family to string format."),
    FnDef::def("if_nameindex", "", if_nameindex).doc("Returns a list of network interface information (index, name) tuples."),
    FnDef::def("if_nametoindex", "oname, /", |t, a| {
        let name = fs::Argument { function: "if_nametoindex", name: "argument", allow_fd: false }.parse(t, a[0])?;
        // SAFETY: a NUL-terminated name.
        match unsafe { libc::if_nametoindex(name.name.as_ptr()) } {
            0 => Err(raise_os_error(t, &io::Error::last_os_error())),
            n => Ok(Value::int(n as i64)),
        }
    })
    .doc("Returns the interface index corresponding to the interface name if_name."),
    FnDef::def("if_indextoname", "if_index, /", |t, a| {
        let v = number::index(t, a[0])?;
        if int::is_negative(v) {
            raise!(t, ValueError, "Value must be a positive integer")
        }
        let Some(index) = int::as_i64_opt(v).and_then(|n| u32::try_from(n).ok()) else {
            raise!(t, OverflowError, "Python int too large for C int")
        };
        let mut name = [0; libc::IF_NAMESIZE];
        // SAFETY: room for a name.
        if unsafe { libc::if_indextoname(index, name.as_mut_ptr()) }.is_null() {
            return Err(raise_os_error(t, &io::Error::last_os_error()));
        }
        // SAFETY: NUL-terminated by the call.
        fs::to_value(t, unsafe { CStr::from_ptr(name.as_ptr()) }.to_bytes(), false)
    })
    .doc("Returns the interface name corresponding to the interface index if_index."),
    FnDef::def("CMSG_LEN", "length, /", |t, a| {
        cmsg(t, a[0], "CMSG_LEN", |n| {
            // SAFETY: arithmetic only.
            unsafe { libc::CMSG_LEN(n) }
        })
    })
    .doc("Return the total length, without trailing padding, of an ancillary data item with associated data of the given length."),
    FnDef::def("CMSG_SPACE", "length, /", |t, a| {
        cmsg(t, a[0], "CMSG_SPACE", |n| {
            // SAFETY: arithmetic only.
            unsafe { libc::CMSG_SPACE(n) }
        })
    })
    .doc("Return the buffer size needed for recvmsg() to receive an ancillary data item with associated data of the given length."),
];

fn socketpair(t: &Thread, a: &[Value]) -> R {
    let number = |v: Value, default| if v.is_null() { Ok(default) } else { number::index_i32(t, v) };
    let (family, kind, protocol) = (number(a[0], libc::AF_UNIX)?, number(a[1], libc::SOCK_STREAM)?, number(a[2], 0)?);
    let mut ends = [0; 2];
    // SAFETY: room for two descriptors.
    if t.blocking(|| unsafe { libc::socketpair(family, kind | libc::SOCK_CLOEXEC, protocol, ends.as_mut_ptr()) }) < 0 {
        return Err(raise_os_error(t, &io::Error::last_os_error()));
    }
    let mut sockets = [Value::NULL; 2];
    for (s, fd) in sockets.iter_mut().zip(ends) {
        let arguments = [family, kind, protocol, fd].map(|n| Value::int(n as i64));
        *s = limpid_vm::protocol::call::call(t, object::SOCKET.get().value(), &arguments)?;
    }
    Ok(Tuple::from_slice(t, &sockets).value())
}

fn swap16(t: &Thread, v: Value) -> R {
    let n = unsigned(t, v, u16::MAX as i64, "uint16_t")?;
    Ok(Value::int((n as u16).to_be() as i64))
}

fn swap32(t: &Thread, v: Value) -> R {
    let n = unsigned(t, v, u32::MAX as i64, "uint32_t")?;
    Ok(Value::int((n as u32).to_be() as i64))
}

/// A number without a sign that fits in a type of C.
fn unsigned(t: &Thread, v: Value, most: i64, name: &str) -> R<i64> {
    let v = number::index(t, v)?;
    if int::is_negative(v) {
        raise!(t, ValueError, "Cannot convert negative int")
    }
    match int::as_i64_opt(v).filter(|n| *n <= most) {
        Some(n) => Ok(n),
        None => raise!(t, OverflowError, "Python int too large to convert to C {name}"),
    }
}

fn c_text(t: &Thread, v: Value, function: &str, position: &str) -> R<CString> {
    let Some(s) = v.downcast::<Str>() else {
        raise!(t, TypeError, "{function}() argument{position} must be str, not {}", v.class().display_name())
    };
    match CString::new(fs::encode(t, s)?) {
        Ok(s) => Ok(s),
        Err(_) => raise!(t, ValueError, "embedded null character"),
    }
}

fn inet_aton(t: &Thread, a: &[Value]) -> R {
    unsafe extern "C" {
        fn inet_aton(text: *const libc::c_char, address: *mut libc::in_addr) -> libc::c_int;
    }
    let text = c_text(t, a[0], "inet_aton", "")?;
    let mut address = libc::in_addr { s_addr: 0 };
    // SAFETY: a NUL-terminated string and room for the result.
    if unsafe { inet_aton(text.as_ptr(), &mut address) } == 0 {
        raise!(t, OSError, "illegal IP address string passed to inet_aton")
    }
    Ok(Bytes::from_slice(t, &address.s_addr.to_ne_bytes())?.value())
}

fn inet_pton(t: &Thread, a: &[Value]) -> R {
    unsafe extern "C" {
        fn inet_pton(family: libc::c_int, text: *const libc::c_char, address: *mut libc::c_void) -> libc::c_int;
    }
    let family = number::index_i32(t, a[0])?;
    let text = c_text(t, a[1], "inet_pton", " 2")?;
    let mut bytes = [0u8; 16];
    // SAFETY: a NUL-terminated string and room for the longest result.
    match unsafe { inet_pton(family, text.as_ptr(), bytes.as_mut_ptr().cast()) } {
        1 if family == libc::AF_INET => Ok(Bytes::from_slice(t, &bytes[..4])?.value()),
        1 => Ok(Bytes::from_slice(t, &bytes)?.value()),
        0 => raise!(t, OSError, "illegal IP address string passed to inet_pton"),
        _ => Err(raise_os_error(t, &io::Error::last_os_error())),
    }
}

fn inet_ntop(t: &Thread, a: &[Value]) -> R {
    unsafe extern "C" {
        fn inet_ntop(
            family: libc::c_int,
            address: *const libc::c_void,
            text: *mut libc::c_char,
            len: libc::socklen_t,
        ) -> *const libc::c_char;
    }
    let family = number::index_i32(t, a[0])?;
    let buffer = get_buffer(t, a[1])?;
    let bytes = buffer.as_slice();
    match family {
        libc::AF_INET | libc::AF_INET6 => {}
        _ => raise!(t, ValueError, "unknown address family {family}"),
    }
    let wanted = if family == libc::AF_INET { size_of::<Ipv4Addr>() } else { size_of::<Ipv6Addr>() };
    if bytes.len() != wanted {
        raise!(t, ValueError, "invalid length of packed IP address string")
    }
    let mut text = [0; 64];
    // SAFETY: an address of the family's length and a buffer of that length.
    if unsafe { inet_ntop(family, bytes.as_ptr().cast(), text.as_mut_ptr(), text.len() as u32) }.is_null() {
        return Err(raise_os_error(t, &io::Error::last_os_error()));
    }
    // SAFETY: NUL-terminated by the call.
    fs::to_value(t, unsafe { CStr::from_ptr(text.as_ptr()) }.to_bytes(), false)
}

fn if_nameindex(t: &Thread, _: &[Value]) -> R {
    // SAFETY: the list ends with a zero index, and is given back after it was copied.
    let names = unsafe {
        let list = libc::if_nameindex();
        if list.is_null() {
            return Err(raise_os_error(t, &io::Error::last_os_error()));
        }
        let mut names = Vec::new();
        let mut p = list;
        while (*p).if_index != 0 && !(*p).if_name.is_null() {
            names.push(((*p).if_index, CStr::from_ptr((*p).if_name).to_bytes().to_vec()));
            p = p.add(1);
        }
        libc::if_freenameindex(list);
        names
    };
    let mut all = ValueList::new(t);
    for (index, name) in names {
        let pair = [Value::int(index as i64), fs::to_value(t, &name, false)?];
        all.push(t, Tuple::from_slice(t, &pair).value());
    }
    Ok(List::from_slice(t, all.as_slice())?.value())
}

fn cmsg(t: &Thread, v: Value, function: &str, f: fn(u32) -> u32) -> R {
    let n = number::index_isize(t, v)?;
    // The result must be an int of C.
    match u32::try_from(n).ok().filter(|n| *n <= i32::MAX as u32).map(f).filter(|n| *n <= i32::MAX as u32) {
        Some(n) => Ok(Value::int(n as i64)),
        None => raise!(t, OverflowError, "{function}() argument out of range"),
    }
}
