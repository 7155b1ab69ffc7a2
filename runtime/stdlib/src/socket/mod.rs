//! `_socket`: the network.
//!
//! * [`object`]: the socket type and its life; [`wait`]: how its calls block and time out; [`transfer`], [`messages`], [`options`]: its
//!   methods;
//! * [`address`]: addresses from Python and back; [`resolver`]: names and addresses; [`functions`]: the other functions of the module.

mod address;
mod constants;
mod functions;
mod messages;
mod object;
mod options;
mod resolver;
mod transfer;
mod wait;

use crate::exception_class::{self, ExceptionClass};
use limpid_heap::Value;
use limpid_vm::exc;
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Raised, Ref};
use limpid_vm::root::TypeCell;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Module, Str, type_};
use std::ffi::CStr;

/// `_socket`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "Implementation module for socket operations.\n\nSee the socket module for documentation.",
    init,
    ..ModuleDef::named("_socket")
};

/// `socket.gaierror` and `socket.herror`
static RESOLVER_ERROR: TypeCell = TypeCell::new();
static HOST_ERROR: TypeCell = TypeCell::new();

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    for f in functions::FUNCTIONS.iter().chain(resolver::FUNCTIONS) {
        limpid_vm::modules::add_function(t, m, f)?;
    }
    let dict = m.dict();
    crate::constants::add(t, m, constants::NAMED)?;
    crate::constants::add(t, m, constants::OTHERS)?;
    let class = type_::create_native(t, &object::SOCKET_DEF, &object::SOCKET)?;
    dict.set_text(t, "socket", class.value())?;
    dict.set_text(t, "SocketType", class.value())?;
    dict.set_text(t, "error", exc::OSError.value())?;
    dict.set_text(t, "timeout", exc::TimeoutError.value())?;
    dict.set_text(t, "has_ipv6", Value::TRUE)?;
    for (name, cell) in [("socket.gaierror", &RESOLVER_ERROR), ("socket.herror", &HOST_ERROR)] {
        exception_class::add(t, m, cell, &ExceptionClass { name, doc: "", base: || exc::OSError })?;
    }
    Ok(())
}

fn raise_in(t: &Thread, class: &TypeCell, code: i32, text: &str) -> Raised {
    t.raise_with(class.get(), &[Value::int(code as i64), Str::new(t, text).value()])
}

/// `socket.gaierror` for a result of `getaddrinfo`.
fn resolver_error(t: &Thread, code: i32) -> Raised {
    if code == libc::EAI_SYSTEM {
        return limpid_vm::types::exceptions::raise_os_error(t, &std::io::Error::last_os_error());
    }
    // SAFETY: the C library's constant text.
    let text = unsafe { CStr::from_ptr(libc::gai_strerror(code)) };
    raise_in(t, &RESOLVER_ERROR, code, &text.to_string_lossy())
}

/// `socket.herror`
fn host_error(t: &Thread, code: i32) -> Raised {
    unsafe extern "C" {
        fn hstrerror(code: libc::c_int) -> *const libc::c_char;
    }
    // SAFETY: the C library's constant text.
    let text = unsafe { CStr::from_ptr(hstrerror(code)) };
    raise_in(t, &HOST_ERROR, code, &text.to_string_lossy())
}
