//! Names of hosts, services and protocols.

use super::address::{self, Address};
use super::{host_error, resolver_error};
use crate::fs;
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::modules::sys;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{call, number};
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Bytearray, Bytes, List, Str, Tuple, ValueList, int};
use parking_lot::Mutex;
use std::ffi::{CStr, CString, c_char};
use std::net::Ipv4Addr;

pub(super) const FUNCTIONS: &[FnDef] = &[
    FnDef::def("getaddrinfo", "host, port, family=0, type=0, proto=0, flags=0", getaddrinfo)
        .doc("Resolve host and port into addrinfo struct."),
    FnDef::def("getnameinfo", "sockaddr, flags, /", getnameinfo).doc("Get host and port for a sockaddr."),
    FnDef::def("gethostbyname", "host, /", |t, a| {
        let found = first_address_with(t, host_name(t, a[0])?, libc::AF_INET)?;
        sys::audit(t, "socket.gethostbyname", a)?;
        numeric_host(t, &found)
    })
    .doc("Return the IP address (a string of the form '255.255.255.255') for a host."),
    FnDef::def("gethostbyname_ex", "host, /", |t, a| {
        let name = host_name(t, a[0])?;
        sys::audit(t, "socket.gethostbyname", a)?;
        // What is no name at all is refused with the resolver's error.
        let found = first_address_with(t, name.clone(), libc::AF_INET)?;
        host_entry(t, Question::Name(&name, found.family()))
    })
    .doc("Return the true host name, a list of aliases, and a list of IP addresses,\nfor a host."),
    FnDef::def("gethostbyaddr", "host, /", |t, a| {
        let name = host_name(t, a[0])?;
        sys::audit(t, "socket.gethostbyaddr", a)?;
        let found = first_address_with(t, name, libc::AF_UNSPEC)?;
        host_entry(t, Question::Address(address::ip_bytes(&found), found.family()))
    })
    .doc("Return the true host name, a list of aliases, and a list of IP addresses,\nfor a host."),
    FnDef::def("getservbyname", "servicename, protocolname=None, /", |t, a| {
        let (name, protocol) = (text(t, a[0], "getservbyname", 1)?, protocol_name(t, a[1], "getservbyname")?);
        let _guard = DATABASES.lock();
        // SAFETY: NUL-terminated names; the result is read before the lock is given up.
        let port = unsafe {
            let entry = libc::getservbyname(name.as_ptr(), protocol.as_ref().map_or(std::ptr::null(), |p| p.as_ptr()));
            entry.as_ref().map(|e| u16::from_be(e.s_port as u16))
        };
        match port {
            Some(port) => Ok(Value::int(port as i64)),
            None => raise!(t, OSError, "service/proto not found"),
        }
    })
    .doc("Return a port number from a service name and protocol name."),
    FnDef::def("getservbyport", "port, protocolname=None, /", |t, a| {
        let Ok(port) = u16::try_from(number::index_i32(t, a[0])?) else { raise!(t, OverflowError, "getservbyport: port must be 0-65535.") };
        let protocol = protocol_name(t, a[1], "getservbyport")?;
        let name = {
            let _guard = DATABASES.lock();
            // SAFETY: as above.
            unsafe {
                let entry = libc::getservbyport(port.to_be() as i32, protocol.as_ref().map_or(std::ptr::null(), |p| p.as_ptr()));
                entry.as_ref().map(|e| CStr::from_ptr(e.s_name).to_bytes().to_vec())
            }
        };
        match name {
            Some(name) => fs::to_value(t, &name, false),
            None => raise!(t, OSError, "port/proto not found"),
        }
    })
    .doc("Return the service name from a port number and protocol name."),
    FnDef::def("getprotobyname", "name, /", |t, a| {
        let name = text(t, a[0], "getprotobyname", 1)?;
        let _guard = DATABASES.lock();
        // SAFETY: as above.
        match unsafe { libc::getprotobyname(name.as_ptr()).as_ref().map(|e| e.p_proto) } {
            Some(n) => Ok(Value::int(n as i64)),
            None => raise!(t, OSError, "protocol not found"),
        }
    })
    .doc("Return the protocol number for the named protocol."),
];

/// The C library's functions for services and protocols keep their results in one place for all threads.
static DATABASES: Mutex<()> = Mutex::new(());

fn text(t: &Thread, v: Value, function: &str, position: usize) -> R<CString> {
    let Some(s) = v.downcast::<Str>() else {
        raise!(t, TypeError, "{function}() argument {position} must be str, not {}", v.class().display_name())
    };
    match CString::new(fs::encode(t, s)?) {
        Ok(s) => Ok(s),
        Err(_) => raise!(t, ValueError, "embedded null character"),
    }
}

fn protocol_name(t: &Thread, v: Value, function: &str) -> R<Option<CString>> {
    if v.is_null() { Ok(None) } else { text(t, v, function, 2).map(Some) }
}

/// A host's name: ASCII as it is, other text as IDNA says.
fn host_name(t: &Thread, v: Value) -> R<CString> {
    let bytes = if let Some(s) = v.downcast::<Str>() {
        match s.as_ascii() {
            Some(ascii) => ascii.as_bytes().to_vec(),
            None => {
                let encoded = call::call_method_text(t, v, "encode", &[Str::new(t, "idna").value()]).map_err(|raised| {
                    if t.exception_is(limpid_vm::exc::UnicodeError) {
                        t.take_exception();
                        return limpid_vm::err!(t, TypeError, "encoding of hostname failed");
                    }
                    raised
                })?;
                match encoded.downcast::<Bytes>() {
                    Some(b) => b.as_slice().to_vec(),
                    None => raise!(t, TypeError, "encoding of hostname failed"),
                }
            }
        }
    } else if let Some(b) = v.downcast::<Bytes>() {
        b.as_slice().to_vec()
    } else if let Some(b) = v.downcast::<Bytearray>() {
        b.contents().to_vec()
    } else {
        raise!(t, TypeError, "str, bytes or bytearray expected, not {}", v.class().display_name())
    };
    match CString::new(bytes) {
        Ok(name) => Ok(name),
        Err(_) => raise!(t, TypeError, "host name must not contain null character"),
    }
}

/// Results of the C library's resolver, given back at the end.
struct Results(*mut libc::addrinfo);

impl Drop for Results {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: what `getaddrinfo` has given.
            unsafe { libc::freeaddrinfo(self.0) }
        }
    }
}

impl Results {
    fn iter(&self) -> impl Iterator<Item = &libc::addrinfo> {
        // SAFETY: a list that ends in NULL and lives as long as `self`.
        std::iter::successors(unsafe { self.0.as_ref() }, |entry| unsafe { entry.ai_next.as_ref() })
    }
}

/// The address of an entry.
fn address_of(entry: &libc::addrinfo) -> Address {
    // SAFETY: the resolver tells the length of its addresses.
    unsafe { Address::from_raw(entry.ai_addr, entry.ai_addrlen) }
}

fn resolve(t: &Thread, host: Option<&CStr>, service: Option<&CStr>, hints: &libc::addrinfo) -> R<Results> {
    let pointer = |s: Option<&CStr>| s.map_or(std::ptr::null(), CStr::as_ptr);
    let mut list = std::ptr::null_mut();
    // SAFETY: NUL-terminated strings or NULL, and room for the result.
    match t.blocking(|| unsafe { libc::getaddrinfo(pointer(host), pointer(service), hints, &mut list) }) {
        0 => Ok(Results(list)),
        code => Err(resolver_error(t, code)),
    }
}

fn hints(family: i32, kind: i32, protocol: i32, flags: i32) -> libc::addrinfo {
    // SAFETY: zero is a valid value of every field.
    let mut h: libc::addrinfo = unsafe { std::mem::zeroed() };
    (h.ai_family, h.ai_socktype, h.ai_protocol, h.ai_flags) = (family, kind, protocol, flags);
    h
}

/// The first address of a host, of a family.
pub(super) fn first_address(t: &Thread, host: Value, family: i32) -> R<Address> {
    first_address_with(t, host_name(t, host)?, family)
}

fn first_address_with(t: &Thread, name: CString, family: i32) -> R<Address> {
    if name.is_empty() {
        // Any address of this machine.
        let results = resolve(t, None, Some(c"0"), &hints(family, libc::SOCK_DGRAM, 0, libc::AI_PASSIVE))?;
        let mut all = results.iter();
        let first = all.next().map(address_of);
        if all.next().is_some() {
            raise!(t, OSError, "wildcard resolved to multiple address")
        }
        return first.ok_or_else(|| resolver_error(t, libc::EAI_NONAME));
    }
    if name.as_bytes() == b"255.255.255.255" || name.as_bytes() == b"<broadcast>" {
        if family != libc::AF_INET && family != libc::AF_UNSPEC {
            raise!(t, OSError, "address family mismatched")
        }
        return address::of_ip(&[255; 4]).ok_or_else(|| resolver_error(t, libc::EAI_NONAME));
    }
    // Numbers need no resolver.
    if family != libc::AF_INET6
        && let Ok(ip) = name.to_string_lossy().parse::<Ipv4Addr>()
        && let Some(found) = address::of_ip(&ip.octets())
    {
        return Ok(found);
    }
    let results = resolve(t, Some(&name), None, &hints(family, 0, 0, 0))?;
    let first = results.iter().next().map(address_of);
    first.ok_or_else(|| resolver_error(t, libc::EAI_NONAME))
}

/// The host of an address in numbers.
pub(super) fn numeric_host(t: &Thread, a: &Address) -> R {
    let mut host = [0 as c_char; libc::NI_MAXHOST as usize];
    // SAFETY: an address and a buffer of those lengths.
    let code = unsafe {
        libc::getnameinfo(a.as_ptr(), a.len(), host.as_mut_ptr(), host.len() as u32, std::ptr::null_mut(), 0, libc::NI_NUMERICHOST)
    };
    if code != 0 {
        return Err(resolver_error(t, code));
    }
    // SAFETY: NUL-terminated by the call.
    fs::to_value(t, unsafe { CStr::from_ptr(host.as_ptr()) }.to_bytes(), false)
}

/// The service argument: a number or a name.
fn service_name(t: &Thread, v: Value) -> R<Option<CString>> {
    if v.is_none() {
        return Ok(None);
    }
    let bytes = if int::is_int(v) {
        limpid_vm::protocol::text::str_of(t, int::to_exact(t, v)?)?.to_string_lossy().into_owned().into_bytes()
    } else if let Some(s) = v.downcast::<Str>() {
        match s.to_utf8() {
            Some(text) => text.into_owned().into_bytes(),
            None => {
                // Raises UnicodeEncodeError.
                call::call_method_text(t, v, "encode", &[])?;
                Vec::new()
            }
        }
    } else if let Some(b) = v.downcast::<Bytes>() {
        b.as_slice().to_vec()
    } else {
        raise!(t, OSError, "Int or String expected")
    };
    match CString::new(bytes) {
        Ok(s) => Ok(Some(s)),
        Err(_) => raise!(t, ValueError, "embedded null byte"),
    }
}

fn getaddrinfo(t: &Thread, a: &[Value]) -> R {
    let host = if a[0].is_none() {
        None
    } else if let Some(s) = a[0].downcast::<Str>() {
        let encoded = match s.as_ascii() {
            Some(ascii) => ascii.as_bytes().to_vec(),
            None => match call::call_method_text(t, a[0], "encode", &[Str::new(t, "idna").value()])?.downcast::<Bytes>() {
                Some(b) => b.as_slice().to_vec(),
                None => raise!(t, TypeError, "encoding of hostname failed"),
            },
        };
        Some(c_string(t, encoded)?)
    } else if let Some(b) = a[0].downcast::<Bytes>() {
        Some(c_string(t, b.as_slice().to_vec())?)
    } else {
        raise!(t, TypeError, "getaddrinfo() argument 1 must be string or None")
    };
    let service = service_name(t, a[1])?;
    let mut numbers = [0; 4];
    for (to, v) in numbers.iter_mut().zip(&a[2..6]) {
        if !v.is_null() {
            *to = number::index_i32(t, *v)?;
        }
    }
    let [family, kind, protocol, flags] = numbers;
    let shown = numbers.map(|n| Value::int(n as i64));
    sys::audit(t, "socket.getaddrinfo", &[a[0], a[1], shown[0], shown[1], shown[2], shown[3]])?;
    let results = resolve(t, host.as_deref(), service.as_deref(), &hints(family, kind, protocol, flags))?;
    let mut list = ValueList::new(t);
    for entry in results.iter() {
        let name = match entry.ai_canonname.is_null() {
            true => Vec::new(),
            // SAFETY: a NUL-terminated string of the list.
            false => unsafe { CStr::from_ptr(entry.ai_canonname) }.to_bytes().to_vec(),
        };
        let parts = [
            Value::int(entry.ai_family as i64),
            Value::int(entry.ai_socktype as i64),
            Value::int(entry.ai_protocol as i64),
            fs::to_value(t, &name, false)?,
            address_of(entry).to_value(t, -1)?,
        ];
        list.push(t, Tuple::from_slice(t, &parts).value());
    }
    Ok(List::from_slice(t, list.as_slice())?.value())
}

fn c_string(t: &Thread, bytes: Vec<u8>) -> R<CString> {
    match CString::new(bytes) {
        Ok(s) => Ok(s),
        Err(_) => raise!(t, ValueError, "embedded null character"),
    }
}

fn getnameinfo(t: &Thread, a: &[Value]) -> R {
    let flags = number::index_i32(t, a[1])?;
    let Some(tuple) = a[0].downcast::<Tuple>() else { raise!(t, TypeError, "getnameinfo() argument 1 must be a tuple") };
    let parts = tuple.as_slice();
    if !(2..=4).contains(&parts.len()) {
        raise!(t, TypeError, "getnameinfo(): illegal sockaddr argument")
    }
    let Some(host) = parts[0].downcast::<Str>() else { raise!(t, TypeError, "getnameinfo(): illegal sockaddr argument") };
    let port = number::index_i32(t, parts[1])?;
    let number = |i: usize| -> R<u32> {
        match parts.get(i) {
            Some(v) => Ok(int::to_u64_masked(t, number::index(t, *v)?)? as u32),
            None => Ok(0),
        }
    };
    let (flow, scope) = (number(2)?, number(3)?);
    if flow > 0xfffff {
        raise!(t, OverflowError, "getnameinfo(): flowinfo must be 0-1048575.")
    }
    sys::audit(t, "socket.getnameinfo", &a[..1])?;
    let host = c_string(t, fs::encode(t, host)?)?;
    let service = c_string(t, port.to_string().into_bytes())?;
    // The address must be in numbers, as it is where a tuple came from a socket.
    let results = resolve(t, Some(&host), Some(&service), &hints(libc::AF_UNSPEC, libc::SOCK_DGRAM, 0, libc::AI_NUMERICHOST))?;
    let mut all = results.iter();
    let Some(first) = all.next() else { return Err(resolver_error(t, libc::EAI_NONAME)) };
    if all.next().is_some() {
        raise!(t, OSError, "sockaddr resolved to multiple addresses")
    }
    let mut found = address_of(first);
    match found.family() {
        libc::AF_INET if parts.len() != 2 => raise!(t, OSError, "IPv4 sockaddr must be 2 tuple"),
        libc::AF_INET6 => found = address::with_flow(found, flow, scope),
        _ => {}
    }
    let (mut name, mut service) = ([0 as c_char; libc::NI_MAXHOST as usize], [0 as c_char; 32]);
    // SAFETY: an address and buffers of those lengths.
    let code = t.blocking(|| unsafe {
        let (host_len, service_len) = (name.len() as u32, service.len() as u32);
        libc::getnameinfo(found.as_ptr(), found.len(), name.as_mut_ptr(), host_len, service.as_mut_ptr(), service_len, flags)
    });
    if code != 0 {
        return Err(resolver_error(t, code));
    }
    // SAFETY: NUL-terminated by the call.
    let (name, service) = unsafe { (CStr::from_ptr(name.as_ptr()), CStr::from_ptr(service.as_ptr())) };
    let pair = [fs::to_value(t, name.to_bytes(), false)?, fs::to_value(t, service.to_bytes(), false)?];
    Ok(Tuple::from_slice(t, &pair).value())
}

/// What the database of hosts is asked about.
enum Question<'a> {
    Name(&'a CStr, i32),
    Address(Vec<u8>, i32),
}

unsafe extern "C" {
    fn gethostbyname2_r(
        name: *const c_char,
        family: libc::c_int,
        entry: *mut libc::hostent,
        buffer: *mut c_char,
        len: usize,
        result: *mut *mut libc::hostent,
        error: *mut libc::c_int,
    ) -> libc::c_int;
    fn gethostbyaddr_r(
        address: *const libc::c_void,
        address_len: libc::socklen_t,
        family: libc::c_int,
        entry: *mut libc::hostent,
        buffer: *mut c_char,
        len: usize,
        result: *mut *mut libc::hostent,
        error: *mut libc::c_int,
    ) -> libc::c_int;
}

/// What the database knows of a host.
struct HostEntry {
    name: Vec<u8>,
    aliases: Vec<Vec<u8>>,
    addresses: Vec<Vec<u8>>,
}

fn ask(question: &Question<'_>) -> Result<HostEntry, i32> {
    let mut buffer = vec![0 as c_char; 16384];
    // SAFETY: zero is a valid value; a question of the right length; the results, which lie in the buffer, are copied before it goes.
    unsafe {
        let mut entry: libc::hostent = std::mem::zeroed();
        let (mut result, mut error) = (std::ptr::null_mut(), 0);
        let (p, len) = (buffer.as_mut_ptr(), buffer.len());
        match question {
            Question::Name(name, family) => gethostbyname2_r(name.as_ptr(), *family, &mut entry, p, len, &mut result, &mut error),
            Question::Address(bytes, family) => {
                gethostbyaddr_r(bytes.as_ptr().cast(), bytes.len() as u32, *family, &mut entry, p, len, &mut result, &mut error)
            }
        };
        let Some(entry) = result.as_ref() else { return Err(error) };
        let list = |mut p: *mut *mut c_char, length: Option<usize>| {
            let mut all = Vec::new();
            while !p.is_null() && !(*p).is_null() {
                all.push(match length {
                    Some(n) => std::slice::from_raw_parts((*p).cast::<u8>(), n).to_vec(),
                    None => CStr::from_ptr(*p).to_bytes().to_vec(),
                });
                p = p.add(1);
            }
            all
        };
        Ok(HostEntry {
            name: CStr::from_ptr(entry.h_name).to_bytes().to_vec(),
            aliases: list(entry.h_aliases, None),
            addresses: list(entry.h_addr_list, Some(entry.h_length as usize)),
        })
    }
}

fn host_entry(t: &Thread, question: Question<'_>) -> R {
    let entry = t.blocking(|| ask(&question)).map_err(|code| host_error(t, code))?;
    let (mut aliases, mut addresses) = (ValueList::new(t), ValueList::new(t));
    for name in &entry.aliases {
        aliases.push(t, fs::to_value(t, name, false)?);
    }
    for bytes in &entry.addresses {
        if let Some(a) = address::of_ip(bytes) {
            addresses.push(t, numeric_host(t, &a)?);
        }
    }
    let list = |l: ValueList| -> R<Ref<List>> { List::from_slice(t, l.as_slice()) };
    let parts = [fs::to_value(t, &entry.name, false)?, list(aliases)?.value(), list(addresses)?.value()];
    Ok(Tuple::from_slice(t, &parts).value())
}
