//! The type `socket`: making sockets, connecting them, closing them.

use super::address::{self, Address};
use super::wait::{self, Outcome, Ready};
use super::{messages, options, transfer};
use crate::posix::check;
use crate::seconds::{self, Deadline, Rounding, SECOND};
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, GetSet, Signature, receiver};
use limpid_vm::modules::sys;
use limpid_vm::object::{R, Ref, ValueExt, header_of};
use limpid_vm::protocol::{number, text, truth::truth};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::exceptions::raise_os_error;
use limpid_vm::types::{Str, Tuple, Type, TypeDef, flag, int};
use limpid_vm::{exc, layout, raise};
use std::io;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicI32, AtomicI64};

/// The layout of a socket.
#[repr(C)]
pub(super) struct Socket {
    header: Header,
    /// -1: closed.
    fd: AtomicI32,
    family: AtomicI32,
    kind: AtomicI32,
    protocol: AtomicI32,
    /// Nanoseconds; -1 blocks, 0 does not.
    timeout: AtomicI64,
}

pub(super) static SOCKET: TypeCell = TypeCell::new();
layout!(Socket, SOCKET.get(), Leaf);

/// The timeout of new sockets, as in [`Socket::timeout`].
static DEFAULT_TIMEOUT: AtomicI64 = AtomicI64::new(-1);

impl Socket {
    /// The descriptor, -1 when it is closed.
    pub(super) fn fd(&self) -> i32 {
        self.fd.load(Acquire)
    }

    /// The address family.
    pub(super) fn family(&self) -> i32 {
        self.family.load(Relaxed)
    }

    /// The protocol.
    pub(super) fn protocol(&self) -> i32 {
        self.protocol.load(Relaxed)
    }

    /// Nanoseconds that calls may block; None is for ever.
    pub(super) fn timeout(&self) -> Option<i64> {
        let n = self.timeout.load(Relaxed);
        (n >= 0).then_some(n)
    }
}

/// The socket that a method was called on.
pub(super) fn socket(v: Value) -> Ref<Socket> {
    receiver::<Socket>(v)
}

fn new(t: &Thread, class: Value, _: Args<'_>) -> R {
    // SAFETY: `__new__` is called with a class.
    let class = unsafe { Ref::<Type>::from_value(class) };
    let s = Socket {
        header: header_of::<Socket>(),
        fd: AtomicI32::new(-1),
        family: AtomicI32::new(0),
        kind: AtomicI32::new(0),
        protocol: AtomicI32::new(0),
        timeout: AtomicI64::new(-1),
    };
    let s = t.alloc_instance(class, s);
    if class == SOCKET.get() {
        class.on_new_instance(t, s.value());
    }
    Ok(s.value())
}

fn init(t: &Thread, v: Value, args: Args<'_>) -> R<()> {
    static SIGNATURE: Signature = Signature::parse("family=-1, type=-1, proto=-1, fileno=None");
    args.bind(t, "socket", &SIGNATURE, |a| {
        let number = |v: Value| if v.is_null() { Ok(-1) } else { number::index_i32(t, v) };
        let (mut family, mut kind, mut protocol) = (number(a[0])?, number(a[1])?, number(a[2])?);
        let fd = if a[3].is_null() || a[3].is_none() {
            let or = |n: i32, default| if n == -1 { default } else { n };
            (family, kind, protocol) = (or(family, libc::AF_INET), or(kind, libc::SOCK_STREAM), or(protocol, 0));
            sys::audit(t, "socket.__new__", &[v, Value::int(family as i64), Value::int(kind as i64), Value::int(protocol as i64)])?;
            // SAFETY: a plain system call.
            let fd = t.blocking(|| unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, protocol) });
            if fd < 0 {
                return Err(raise_os_error(t, &io::Error::last_os_error()));
            }
            fd
        } else {
            adopted(t, a[3], &mut family, &mut kind, &mut protocol)?
        };
        let s = socket(v);
        s.family.store(family, Relaxed);
        s.kind.store(kind & !(libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC), Relaxed);
        s.protocol.store(protocol, Relaxed);
        let timeout = if kind & libc::SOCK_NONBLOCK != 0 { 0 } else { DEFAULT_TIMEOUT.load(Relaxed) };
        s.timeout.store(timeout, Relaxed);
        let before = s.fd.swap(fd, AcqRel);
        if before >= 0 && before != fd {
            // SAFETY: the socket's own descriptor of before.
            unsafe { libc::close(before) };
        }
        if timeout >= 0 {
            set_blocking(t, fd, false)?;
        }
        Ok(())
    })
}

/// The descriptor of a socket that exists; what is not given is asked of the system.
fn adopted(t: &Thread, v: Value, family: &mut i32, kind: &mut i32, protocol: &mut i32) -> R<i32> {
    if v.is_float() {
        raise!(t, TypeError, "integer argument expected, got float")
    }
    let fd = number::index_i32(t, v)?;
    if fd < 0 {
        raise!(t, ValueError, "negative file descriptor")
    }
    let mut own = Address::empty();
    // SAFETY: room for an address.
    if unsafe { libc::getsockname(fd, own.as_mut_ptr(), own.len_mut()) } < 0 {
        let e = io::Error::last_os_error();
        // Anything else than "no socket" does not matter if the family is known.
        if *family == -1 || matches!(e.raw_os_error(), Some(libc::EBADF | libc::ENOTSOCK)) {
            return Err(raise_os_error(t, &e));
        }
    } else if *family == -1 {
        *family = own.family();
    }
    let ask = |option| -> R<i32> {
        let (mut n, mut len) = (0i32, size_of::<i32>() as u32);
        // SAFETY: room for a number.
        let result = unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, option, (&raw mut n).cast(), &mut len) };
        if result < 0 { Err(raise_os_error(t, &io::Error::last_os_error())) } else { Ok(n) }
    };
    if *kind == -1 {
        *kind = ask(libc::SO_TYPE)?;
    }
    if *protocol == -1 {
        *protocol = ask(libc::SO_PROTOCOL)?;
    }
    Ok(fd)
}

/// Sets whether the system blocks.
fn set_blocking(t: &Thread, fd: i32, blocking: bool) -> R<()> {
    let mut nonblocking = !blocking as libc::c_int;
    // SAFETY: a number.
    let result = unsafe { libc::ioctl(fd, libc::FIONBIO, &mut nonblocking) };
    check(t, if result < 0 { Err(io::Error::last_os_error()) } else { Ok(0) })?;
    Ok(())
}

/// A timeout argument: None, or a number of seconds that is not negative; -1 for None.
fn parse_timeout(t: &Thread, v: Value) -> R<i64> {
    if v.is_none() {
        return Ok(-1);
    }
    let n = seconds::nanoseconds(t, v, SECOND, Rounding::Timeout)?;
    if n < 0 {
        raise!(t, ValueError, "Timeout value out of range")
    }
    if seconds::in_units(n, SECOND) > i32::MAX as i64 * 1000 {
        raise!(t, OverflowError, "timeout doesn't fit into C timeval")
    }
    Ok(n)
}

fn timeout_value(n: i64) -> Value {
    if n < 0 { Value::NONE } else { Value::float(n as f64 / SECOND as f64) }
}

/// `socket.getdefaulttimeout`
pub(super) fn default_timeout(_: &Thread, _: &[Value]) -> R {
    Ok(timeout_value(DEFAULT_TIMEOUT.load(Relaxed)))
}

/// `socket.setdefaulttimeout`
pub(super) fn set_default_timeout(t: &Thread, a: &[Value]) -> R {
    DEFAULT_TIMEOUT.store(parse_timeout(t, a[0])?, Relaxed);
    Ok(Value::NONE)
}

fn accept(t: &Thread, a: &[Value]) -> R {
    let s = socket(a[0]);
    let mut from = Address::empty();
    let fd = wait::call(t, s, Ready::Read, |fd| {
        from = Address::empty();
        // SAFETY: room for an address.
        unsafe { libc::accept4(fd, from.as_mut_ptr(), from.len_mut(), libc::SOCK_CLOEXEC) as isize }
    })?;
    let from = from.to_value(t, s.protocol()).inspect_err(|_| {
        // SAFETY: the new descriptor, which nobody will have.
        unsafe { libc::close(fd as i32) };
    })?;
    Ok(Tuple::from_slice(t, &[Value::int(fd as i64), from]).value())
}

fn bind(t: &Thread, a: &[Value]) -> R {
    let s = socket(a[0]);
    let to = address::parse(t, s, a[1], "bind")?;
    sys::audit(t, "socket.bind", a)?;
    let fd = s.fd();
    // SAFETY: an address of that length.
    let result = t.blocking(|| unsafe { libc::bind(fd, to.as_ptr(), to.len()) });
    if result < 0 {
        return Err(raise_os_error(t, &io::Error::last_os_error()));
    }
    Ok(Value::NONE)
}

/// Connects; the outcome is one of the system or that time is over.
fn connect_to(t: &Thread, s: Ref<Socket>, to: &Address) -> R<Outcome<usize>> {
    let fd = s.fd();
    let result = t.blocking(|| {
        // SAFETY: an address of that length.
        if unsafe { libc::connect(fd, to.as_ptr(), to.len()) } < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    });
    let Err(e) = result else { return Ok(Outcome::Done(0)) };
    let goes_on = match e.raw_os_error() {
        Some(libc::EINTR) => {
            t.poll()?;
            // It must not be called again, but waited for.
            s.timeout() != Some(0)
        }
        Some(libc::EINPROGRESS) => s.timeout().is_some_and(|n| n > 0),
        _ => false,
    };
    if !goes_on {
        return Ok(Outcome::Failed(e));
    }
    let deadline = Deadline::after(s.timeout());
    wait::outcome(t, s, Ready::Connect, &deadline, |fd| {
        let (mut error, mut len) = (0i32, size_of::<i32>() as u32);
        // SAFETY: room for a number; errno is this thread's.
        unsafe {
            if libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_ERROR, (&raw mut error).cast(), &mut len) < 0 {
                return -1;
            }
            if error == 0 || error == libc::EISCONN {
                return 0;
            }
            *libc::__errno_location() = error;
            -1
        }
    })
}

fn connect(t: &Thread, a: &[Value]) -> R {
    let s = socket(a[0]);
    let to = address::parse(t, s, a[1], "connect")?;
    sys::audit(t, "socket.connect", a)?;
    match connect_to(t, s, &to)? {
        Outcome::Done(_) => Ok(Value::NONE),
        Outcome::TimedOut => raise!(t, TimeoutError, "timed out"),
        Outcome::Failed(e) => Err(raise_os_error(t, &e)),
    }
}

fn connect_ex(t: &Thread, a: &[Value]) -> R {
    let s = socket(a[0]);
    let to = address::parse(t, s, a[1], "connect_ex")?;
    sys::audit(t, "socket.connect", a)?;
    Ok(Value::int(match connect_to(t, s, &to)? {
        Outcome::Done(_) => 0,
        Outcome::TimedOut => libc::EWOULDBLOCK as i64,
        Outcome::Failed(e) => e.raw_os_error().unwrap_or(0) as i64,
    }))
}

fn listen(t: &Thread, a: &[Value]) -> R {
    // Below zero it means zero.
    let backlog = if a[1].is_null() { libc::SOMAXCONN.min(128) } else { number::index_i32(t, a[1])?.max(0) };
    let fd = socket(a[0]).fd();
    // SAFETY: a plain system call.
    if t.blocking(|| unsafe { libc::listen(fd, backlog) }) < 0 {
        return Err(raise_os_error(t, &io::Error::last_os_error()));
    }
    Ok(Value::NONE)
}

fn shutdown(t: &Thread, a: &[Value]) -> R {
    let how = number::index_i32(t, a[1])?;
    let fd = socket(a[0]).fd();
    // SAFETY: a plain system call.
    if t.blocking(|| unsafe { libc::shutdown(fd, how) }) < 0 {
        return Err(raise_os_error(t, &io::Error::last_os_error()));
    }
    Ok(Value::NONE)
}

/// Closes a descriptor; a connection that is gone is closed as well.
pub(super) fn close_fd(t: &Thread, fd: i32) -> R<()> {
    // SAFETY: the caller's own descriptor.
    let result = t.blocking(|| if unsafe { libc::close(fd) } < 0 { Err(io::Error::last_os_error()) } else { Ok(()) });
    match result {
        Err(e) if e.raw_os_error() != Some(libc::ECONNRESET) => Err(raise_os_error(t, &e)),
        _ => Ok(()),
    }
}

fn close(t: &Thread, a: &[Value]) -> R {
    let fd = socket(a[0]).fd.swap(-1, AcqRel);
    if fd != -1 {
        close_fd(t, fd)?;
    }
    Ok(Value::NONE)
}

fn own_name(t: &Thread, v: Value, call: unsafe extern "C" fn(i32, *mut libc::sockaddr, *mut u32) -> i32) -> R {
    let s = socket(v);
    let mut name = Address::empty();
    // SAFETY: room for an address.
    if unsafe { call(s.fd(), name.as_mut_ptr(), name.len_mut()) } < 0 {
        return Err(raise_os_error(t, &io::Error::last_os_error()));
    }
    name.to_value(t, s.protocol())
}

fn change_timeout(t: &Thread, v: Value, timeout: i64) -> R {
    let s = socket(v);
    s.timeout.store(timeout, Release);
    set_blocking(t, s.fd(), timeout < 0)?;
    Ok(Value::NONE)
}

/// A socket that nobody has any more: warns, then closes it.
fn finalize(t: &Thread, v: Value) -> R<()> {
    let s = socket(v);
    if s.fd() == -1 {
        return Ok(());
    }
    let warned = text::repr(t, v).and_then(|shown| {
        let message = format!("unclosed {}", shown.to_string_lossy());
        limpid_vm::warnings::warn_with_source(t, exc::ResourceWarning, &message, 1, v)
    });
    let fd = s.fd.swap(-1, AcqRel);
    if fd != -1 {
        // SAFETY: the socket's own descriptor.
        t.blocking(|| unsafe { libc::close(fd) });
    }
    warned
}

fn repr(t: &Thread, v: Value) -> R {
    let s = socket(v);
    let kind = s.kind.load(Relaxed);
    let text = format!("<socket object, fd={}, family={}, type={kind}, proto={}>", s.fd(), s.family(), s.protocol());
    Ok(Str::new(t, &text).value())
}

/// `_socket.socket`
pub(super) static SOCKET_DEF: TypeDef = TypeDef {
    doc: "socket(family=AF_INET, type=SOCK_STREAM, proto=0) -> socket object\nsocket(family=-1, type=-1, proto=-1, fileno=None) -> socket \
          object\n\nOpen a socket of the given type.",
    flags: flag::BASE_TYPE,
    slots: SlotTable { new: Some(new), init: Some(init), repr: Some(repr), finalize: Some(finalize), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("_accept", "self, /", accept).doc("Wait for an incoming connection: its descriptor and address."),
        FnDef::def("bind", "self, address, /", bind).doc("Bind the socket to a local address."),
        FnDef::def("close", "self, /", close).doc("Close the socket.  It cannot be used after this call."),
        FnDef::def("connect", "self, address, /", connect).doc("Connect the socket to a remote address."),
        FnDef::def("connect_ex", "self, address, /", connect_ex)
            .doc("This is like connect(address), but returns an error code (the errno value)\ninstead of raising an exception."),
        FnDef::def("detach", "self, /", |_, a| Ok(Value::int(socket(a[0]).fd.swap(-1, AcqRel) as i64)))
            .doc("Close the socket object without closing the underlying file descriptor."),
        FnDef::def("fileno", "self, /", |_, a| Ok(Value::int(socket(a[0]).fd() as i64)))
            .doc("Return the integer file descriptor of the socket."),
        FnDef::def("getpeername", "self, /", |t, a| own_name(t, a[0], libc::getpeername)).doc("Return the address of the remote endpoint."),
        FnDef::def("getsockname", "self, /", |t, a| own_name(t, a[0], libc::getsockname)).doc("Return the address of the local endpoint."),
        FnDef::def("getsockopt", "self, level, option, buffersize=0, /", options::get).doc("Get a socket option."),
        FnDef::raw("setsockopt", "self, level, option, value, optlen=0, /", options::set).doc("Set a socket option."),
        FnDef::def("gettimeout", "self, /", |_, a| Ok(timeout_value(socket(a[0]).timeout.load(Relaxed))))
            .doc("Returns the timeout in seconds (float) associated with socket operations."),
        FnDef::def("settimeout", "self, timeout, /", |t, a| change_timeout(t, a[0], parse_timeout(t, a[1])?))
            .doc("Set a timeout on socket operations."),
        FnDef::def("getblocking", "self, /", |_, a| Ok(Value::bool(socket(a[0]).timeout.load(Relaxed) != 0)))
            .doc("Returns True if socket is in blocking mode, or False if it\nis in non-blocking mode."),
        FnDef::def("setblocking", "self, flag, /", |t, a| change_timeout(t, a[0], if truth(t, a[1])? { -1 } else { 0 }))
            .doc("Set the socket to blocking (flag is true) or non-blocking (false)."),
        FnDef::def("listen", "self, backlog=128, /", listen).doc("Enable a server to accept connections."),
        FnDef::def("recv", "self, bufsize, flags=0, /", transfer::recv).doc("Receive up to buffersize bytes from the socket."),
        FnDef::def("recv_into", "self, buffer, nbytes=0, flags=0", transfer::recv_into)
            .doc("A version of recv() that stores its data into a buffer rather than creating\na new string."),
        FnDef::def("recvfrom", "self, bufsize, flags=0, /", transfer::recvfrom)
            .doc("Like recv(buffersize, flags) but also return the sender's address info."),
        FnDef::def("recvfrom_into", "self, buffer, nbytes=0, flags=0", transfer::recvfrom_into)
            .doc("Like recv_into(buffer[, nbytes[, flags]]) but also return the sender's address info."),
        FnDef::def("send", "self, data, flags=0, /", transfer::send).doc("Send a data string to the socket."),
        FnDef::def("sendall", "self, data, flags=0, /", transfer::sendall).doc("Send a data string to the socket, all of it."),
        FnDef::raw("sendto", "self, data, flags_or_address, address=None, /", transfer::sendto)
            .doc("Like send(data, flags) but allows specifying the destination address."),
        FnDef::def("recvmsg", "self, bufsize, ancbufsize=0, flags=0, /", messages::recvmsg)
            .doc("Receive normal data and ancillary data from the socket."),
        FnDef::def("recvmsg_into", "self, buffers, ancbufsize=0, flags=0, /", messages::recvmsg_into)
            .doc("Receive normal data into buffers, and ancillary data, from the socket."),
        FnDef::def("sendmsg", "self, buffers, ancdata=(), flags=0, address=None, /", messages::sendmsg)
            .doc("Send normal and ancillary data to the socket."),
        FnDef::def("sendmsg_afalg", "self, msg=(), *, op, iv=None, assoclen=None, flags=0", messages::sendmsg_afalg)
            .doc("Set mode, IV and length of associated data for an AF_ALG operation socket."),
        FnDef::def("shutdown", "self, how, /", shutdown).doc("Shut down one or both halves of the connection."),
    ],
    getset: &[
        GetSet::getter("family", |_, v| Ok(Value::int(socket(v).family() as i64))).member().doc("the socket family"),
        GetSet::getter("type", |_, v| Ok(Value::int(socket(v).kind.load(Relaxed) as i64))).member().doc("the socket type"),
        GetSet::getter("proto", |_, v| Ok(Value::int(socket(v).protocol() as i64))).member().doc("the socket protocol"),
        GetSet::getter("timeout", |_, v| Ok(timeout_value(socket(v).timeout.load(Relaxed)))).doc("the socket timeout"),
    ],
    ..TypeDef::of::<Socket>("_socket.socket")
};

/// Is it an int, for arguments that may also be something else?
pub(super) fn is_number(v: Value) -> bool {
    int::is_int(v) || v.class().slots().index.is_some()
}
