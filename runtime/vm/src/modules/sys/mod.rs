//! `sys`: what the interpreter tells about itself, and what can be set in it.

use crate::args::FnDef;
use crate::modules::ModuleDef;
use crate::names;
use crate::object::{R, Ref};
use crate::thread::Thread;
use crate::types::{Dict, Module};
use limpid_heap::Value;
use std::sync::atomic::{AtomicI64, Ordering};

mod audit;
mod frames;
mod hooks;
mod info;
mod limits;
mod monitoring;
mod objects;
mod paths;
pub(crate) mod remote;
mod statistics;
mod stdlib_names;

pub use crate::error_report::unraisable_with_message as unraisable;
pub use audit::{audit, audit_import};
pub use info::{HEX_VERSION, VERSION, version_text};
pub use paths::decode_filesystem;

static FUNCTIONS: &[&[FnDef]] = &[
    audit::FUNCTIONS,
    frames::FUNCTIONS,
    hooks::FUNCTIONS,
    limits::FUNCTIONS,
    objects::FUNCTIONS,
    remote::FUNCTIONS,
    statistics::FUNCTIONS,
];

static MODULE: ModuleDef = ModuleDef {
    doc: "This module provides access to some objects used or maintained by the\ninterpreter and to functions that interact strongly with \
          the interpreter.",
    ..ModuleDef::named("sys")
};

/// A new module `sys`, whose dict becomes the interpreter's.
pub fn create(t: &Thread) -> R<Ref<Module>> {
    let module = super::create_empty(t, &MODULE)?;
    let dict = module.dict();
    t.interpreter().sys_dict.set(dict.value());
    for f in FUNCTIONS.iter().copied().flatten() {
        let function = crate::types::BuiltinFunction::new(t, f, module.value(), names::sys);
        dict.set_text(t, f.name, function.value())?;
    }
    // The import system may have something to say (-v) before there are streams.
    for stream in [names::stdin, names::stdout, names::stderr] {
        dict.set_name(t, stream, Value::NONE)?;
    }
    let modules = Dict::new(t).value();
    t.interpreter().modules.set(modules);
    dict.set_name(t, names::modules, modules)?;
    info::add(t, dict)?;
    paths::add(t, dict)?;
    hooks::add(t, dict)?;
    objects::add(t, dict)?;
    monitoring::add(t, dict)?;
    Ok(module)
}

/// The dict of the module.
pub fn dict(t: &Thread) -> Option<Ref<Dict>> {
    use crate::object::ValueExt;
    // SAFETY: set to the module's dict.
    t.interpreter().sys_dict.get().non_null().map(|d| unsafe { Ref::from_value(d) })
}

/// An attribute of the module, if there is one. `name` is a str.
pub fn attribute(t: &Thread, name: Value) -> Option<Value> {
    dict(t)?.get_name(name)
}

/// Sets an attribute of the module.
pub fn set_attribute(t: &Thread, name: Value, value: Value) -> R<()> {
    match dict(t) {
        Some(d) => d.set_name(t, name, value),
        None => Ok(()),
    }
}

/// No exit is asked for.
const NO_EXIT: i64 = i64::MIN;
static EXIT: AtomicI64 = AtomicI64::new(NO_EXIT);

/// An exception hook has raised SystemExit: the program ends with this status.
pub fn request_exit(_: &Thread, status: i32) {
    EXIT.store(status.into(), Ordering::Relaxed);
}

/// The status that an exception hook has asked to end the program with.
pub fn requested_exit() -> Option<i32> {
    match EXIT.load(Ordering::Relaxed) {
        NO_EXIT => None,
        status => Some(status as i32),
    }
}
