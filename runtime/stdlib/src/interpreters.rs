//! `_interpretercore`: what the library's modules `_interpreters`, `_interpqueues` and `_interpchannels` are built on.
//!
//! Interpreters share the heap, so a value gets from one to another as it is. Which values may, and how others are packed into such, is
//! decided in Python (`_crossdata`): this module is for those modules only.

use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::interpreter::{self, Interpreter, Permissions};
use limpid_vm::modules::{ModuleDef, import};
use limpid_vm::object::{R, ValueExt};
use limpid_vm::protocol::{attr, call, text, truth};
use limpid_vm::root::Root;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Dict, List, int};
use limpid_vm::{exc, raise};
use std::sync::Arc;

/// `_interpretercore`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "Interpreters of this process: for the modules of the library.",
    functions: &[
        FnDef::def("create", "fork, exec, threads, daemon_threads, /", create)
            .doc("Make an interpreter that may do these things. Its number."),
        FnDef::def("end", "id, /", end).doc("End an interpreter that does not run."),
        FnDef::def("call", "id, module, function, arguments, /", call_in).doc(
            "Call a function of a module of the library in an interpreter. Arguments and result are values that interpreters may share.",
        ),
        FnDef::def("current", "", |t, _| Ok(Value::int(t.interpreter().id))).doc("The number of this interpreter."),
        FnDef::def("ids", "", |t, _| {
            let list = List::new(t);
            interpreter::all(t).iter().try_for_each(|i| list.append(t, Value::int(i.id)))?;
            Ok(list.value())
        })
        .doc("The numbers of all interpreters, the oldest first."),
    ],
    init: |t, m| {
        if SHARED.opt().is_none() {
            SHARED.set(Dict::new(t).value());
        }
        m.dict().set_text(t, "shared", SHARED.get())
    },
    ..ModuleDef::named("_interpretercore")
};

/// A dict that all interpreters have in common. The main interpreter makes it: there is no other before it has imported this module.
static SHARED: Root = Root::new();

fn create(t: &Thread, a: &[Value]) -> R {
    let permissions = Permissions {
        fork: truth::truth(t, a[0])?,
        exec: truth::truth(t, a[1])?,
        threads: truth::truth(t, a[2])?,
        daemon_threads: truth::truth(t, a[3])?,
    };
    match interpreter::create(t, permissions) {
        Ok(interpreter) => Ok(Value::int(interpreter.id)),
        Err(problem) => raise!(t, RuntimeError, "{problem}"),
    }
}

fn look_up(t: &Thread, id: Value) -> R<Arc<Interpreter>> {
    match interpreter::find(t, int::to_i64(t, id)?) {
        Some(interpreter) => Ok(interpreter),
        None => raise!(t, LookupError, "no such interpreter"),
    }
}

fn end(t: &Thread, a: &[Value]) -> R {
    let interpreter = look_up(t, a[0])?;
    interpreter::end(t, &interpreter);
    Ok(Value::NONE)
}

fn call_in(t: &Thread, a: &[Value]) -> R {
    let interpreter = look_up(t, a[0])?;
    let outcome = interpreter::enter(t, &interpreter, |inner| {
        let result = (|| {
            let module = import::import_module(inner, a[1])?;
            let f = attr::get_attr(inner, module, a[2])?;
            let arguments = limpid_vm::protocol::iter::collect(inner, a[3])?;
            call::call(inner, f, arguments.as_slice())
        })();
        match result {
            Ok(v) => {
                t.hand_out(v);
                None
            }
            Err(_) => Some(describe(inner)),
        }
    });
    match outcome {
        Some(None) => Ok(t.take_handed()),
        Some(Some(problem)) => Err(t.raise(exc::RuntimeError, &problem)),
        None => raise!(t, MemoryError, ""),
    }
}

/// The current exception in words; it is none any more.
fn describe(t: &Thread) -> String {
    let e = t.take_exception();
    let name = e.class().display_name().to_string();
    match text::str_of(t, e) {
        Ok(s) => format!("{name}: {}", s.to_string_lossy()),
        Err(_) => {
            t.take_exception();
            name
        }
    }
}
