//! `faulthandler`: the stacks of a program that crashes, hangs, or is asked for them by a signal.
//!
//! * [`fatal`]: handlers of the signals that end a program; [`user`]: handlers of signals a program picks; [`watchdog`]: a thread that
//!   writes the stacks after a time; [`native`]: the native stack; [`crash`]: ways to crash, for tests.

mod crash;
mod fatal;
mod native;
mod user;
mod watchdog;

use crate::posix::file_descriptor;
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::modules::{self, ModuleDef};
use limpid_vm::object::R;
use limpid_vm::protocol::{call, number, truth::truth};
use limpid_vm::raise;
use limpid_vm::stack_dump::{self, Out};
use limpid_vm::thread::Thread;
use limpid_vm::types::int;

/// `faulthandler`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "faulthandler module.",
    functions: &[
        FnDef::def("enable", "file=sys.stderr, all_threads=True, c_stack=True", fatal::enable).doc("Enable the fault handler."),
        FnDef::def("disable", "", |_, _| Ok(Value::bool(fatal::disable()))).doc("Disable the fault handler."),
        FnDef::def("is_enabled", "", |_, _| Ok(Value::bool(fatal::is_enabled()))).doc("Check if the handler is enabled."),
        FnDef::def("dump_traceback", "file=sys.stderr, all_threads=True", dump_traceback)
            .doc("Dump the traceback of the current thread, or of all threads if all_threads is True, into file."),
        FnDef::def("dump_c_stack", "file=sys.stderr", |t, a| {
            let target = Target::new(t, a[0])?;
            native::dump(Out(target.fd));
            t.poll()?;
            Ok(Value::NONE)
        })
        .doc("Dump the C stack of the current thread."),
        FnDef::def("dump_traceback_later", "timeout, repeat=False, file=sys.stderr, exit=False", watchdog::start)
            .doc("Dump the traceback of all threads in timeout seconds, or each timeout seconds if repeat is True."),
        FnDef::def("cancel_dump_traceback_later", "", |t, _| {
            watchdog::cancel(t);
            Ok(Value::NONE)
        })
        .doc("Cancel the previous call to dump_traceback_later()."),
        FnDef::def("register", "signum, file=sys.stderr, all_threads=True, chain=False", user::register)
            .doc("Register a handler for the signal 'signum'."),
        FnDef::def("unregister", "signum, /", user::unregister).doc("Unregister the handler of the signal registered by register()."),
        FnDef::def("_read_null", "", |_, _| crash::read_null()).doc("Read from NULL, raise a SIGSEGV or SIGBUS signal."),
        FnDef::def("_sigsegv", "release_gil=False, /", |_, _| crash::raise(libc::SIGSEGV)).doc("Raise a SIGSEGV signal."),
        FnDef::def("_sigabrt", "", |_, _| crash::raise(libc::SIGABRT)).doc("Raise a SIGABRT signal."),
        FnDef::def("_sigfpe", "", |_, _| crash::raise(libc::SIGFPE)).doc("Raise a SIGFPE signal."),
        FnDef::def("_fatal_error_c_thread", "", |t, _| crash::fatal_error_in_thread(t)).doc("Call Py_FatalError() in a new C thread."),
        FnDef::def("_stack_overflow", "", |t, _| crash::stack_overflow(t)).doc("Recursive call to raise a stack overflow."),
    ],
    ..ModuleDef::named("faulthandler")
};

/// Where a dump goes: a descriptor, and the file object it belongs to, which must not be closed meanwhile.
struct Target {
    fd: i32,
    file: Value,
}

impl Target {
    /// A file argument: missing is `sys.stderr`, a number is a descriptor.
    fn new(t: &Thread, v: Value) -> R<Target> {
        let file = match v {
            v if v.is_null() || v.is_none() => match modules::sys_attribute(t, "stderr")? {
                None => raise!(t, RuntimeError, "unable to get sys.stderr"),
                Some(f) if f.is_none() => raise!(t, RuntimeError, "sys.stderr is None"),
                Some(f) => f,
            },
            v if int::is_int(v) => {
                if v.is_bool() {
                    limpid_vm::warnings::warn(t, limpid_vm::exc::RuntimeWarning, "bool is used as a file descriptor", 1)?;
                }
                let fd = number::index_i32(t, v)?;
                if fd < 0 {
                    raise!(t, ValueError, "file is not a valid file descripter")
                }
                return Ok(Target { fd, file: Value::NONE });
            }
            v => v,
        };
        let fd = file_descriptor(t, call::call_method_text(t, file, "fileno", &[])?)?;
        if call::call_method_text(t, file, "flush", &[]).is_err() {
            // What the file object still has is lost at worst; the dump does not go through it.
            t.take_exception();
        }
        Ok(Target { fd, file })
    }
}

fn dump_traceback(t: &Thread, a: &[Value]) -> R {
    let target = Target::new(t, a[0])?;
    let out = Out(target.fd);
    if a[1].is_null() || truth(t, a[1])? {
        t.mutator.stop_world(c"faulthandler", |_| stack_dump::all(out, true));
    } else {
        stack_dump::current(out);
    }
    t.poll()?;
    Ok(Value::NONE)
}
