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

use limpid_heap::Value;
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Raised, Ref};
use limpid_vm::protocol::call;
use limpid_vm::root::Root;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Dict, Module, Str, Tuple, Type, builtin, type_};
use limpid_vm::{exc, names};
use std::ffi::CStr;

/// `_socket`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "Implementation module for socket operations.\n\nSee the socket module for documentation.",
    init,
    ..ModuleDef::named("_socket")
};

/// `socket.gaierror` and `socket.herror`
static RESOLVER_ERROR: Root = Root::new();
static HOST_ERROR: Root = Root::new();

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
    for (name, root) in [("gaierror", &RESOLVER_ERROR), ("herror", &HOST_ERROR)] {
        let namespace = Dict::new(t);
        namespace.set_name(t, names::__module__, Str::new(t, "socket").value())?;
        let bases = Tuple::from_slice(t, &[exc::OSError.value()]).value();
        let class = call::call(t, builtin::TYPE.value(), &[Str::new(t, name).value(), bases, namespace.value()])?;
        root.set(class);
        dict.set_text(t, name, class)?;
    }
    Ok(())
}

fn raise_in(t: &Thread, class: &Root, code: i32, text: &str) -> Raised {
    // SAFETY: `init` stores classes.
    let class = unsafe { Ref::<Type>::from_value(class.get()) };
    t.raise_with(class, &[Value::int(code as i64), Str::new(t, text).value()])
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
