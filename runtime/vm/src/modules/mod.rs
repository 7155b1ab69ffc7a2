//! The native modules: how one is declared, and those that the interpreter itself needs.
//!
//! A module is a [`ModuleDef`]: its functions, and a function that adds the rest. The crate `limpid-stdlib` hands in its own list by
//! [`register`]. [`create`] makes a module object; the import system calls it through [`imp`].

use crate::args::FnDef;
use crate::object::{R, Ref};
use crate::root::InterpreterRoot;
use crate::thread::Thread;
use crate::types::{BuiltinFunction, Module, Str};
use limpid_heap::Value;
use parking_lot::RwLock;

pub mod bootstrap;
pub mod builtins;
mod contextvars;
pub mod imp;
pub mod import;
pub mod reentrant_lock;
pub mod shadowing;
pub mod source;
pub mod sys;
pub mod thread;
pub mod warnings;
mod weakref;

/// A native module.
pub struct ModuleDef {
    /// Its name, with dots for a submodule.
    pub name: &'static str,
    /// The documentation string.
    pub doc: &'static str,
    /// Its functions.
    pub functions: &'static [FnDef],
    /// Adds what is not a function.
    pub init: fn(&Thread, Ref<Module>) -> R<()>,
}

impl ModuleDef {
    /// A module without anything; fill in the rest with `..ModuleDef::named("name")`.
    pub const fn named(name: &'static str) -> ModuleDef {
        ModuleDef { name, doc: "", functions: &[], init: |_, _| Ok(()) }
    }
}

/// The modules of this crate that are made like any other when they are imported. `builtins` and `sys` are made at start-up.
static OWN: &[&ModuleDef] = &[&imp::MODULE, &thread::MODULE, &warnings::MODULE, &weakref::MODULE, &contextvars::MODULE];

static REGISTERED: RwLock<Vec<&'static [&'static ModuleDef]>> = RwLock::new(Vec::new());

/// Adds modules that can be imported from now on.
pub fn register(modules: &'static [&'static ModuleDef]) {
    REGISTERED.write().push(modules);
}

/// The native module with a name.
pub fn find(name: &str) -> Option<&'static ModuleDef> {
    let registered = REGISTERED.read();
    OWN.iter().chain(registered.iter().flat_map(|list| list.iter())).copied().find(|m| m.name == name)
}

/// Is there a native module with this name? Does not allocate.
pub fn is_native(name: &str) -> bool {
    matches!(name, "builtins" | "sys") || find(name).is_some()
}

/// The names of all native modules, sorted.
pub fn native_names() -> Vec<&'static str> {
    let registered = REGISTERED.read();
    let others = OWN.iter().chain(registered.iter().flat_map(|list| list.iter())).map(|m| m.name);
    let mut names: Vec<_> = others.chain(["builtins", "sys"]).collect();
    names.sort_unstable();
    names
}

/// A new module object with what the declaration says.
pub fn create(t: &Thread, def: &'static ModuleDef) -> R<Ref<Module>> {
    let module = create_empty(t, def)?;
    (def.init)(t, module)?;
    Ok(module)
}

/// A new module object with the functions only: [`ModuleDef::init`] has yet to run.
pub fn create_empty(t: &Thread, def: &'static ModuleDef) -> R<Ref<Module>> {
    let name = crate::types::str::intern(t, def.name);
    let module = Module::new(t, name)?;
    let dict = module.dict();
    if !def.doc.is_empty() {
        dict.set_name(t, crate::names::__doc__, Str::new(t, def.doc).value())?;
    }
    for f in def.functions {
        dict.set_text(t, f.name, BuiltinFunction::new(t, f, module.value(), name).value())?;
    }
    Ok(module)
}

/// `builtins` and `sys`, once they are made.
static STARTUP: [(&str, InterpreterRoot); 2] = [("builtins", InterpreterRoot::new()), ("sys", InterpreterRoot::new())];

/// One of the modules that are made at start-up.
pub fn startup_module(t: &Thread, name: &str) -> Option<Value> {
    STARTUP.iter().find(|(n, _)| *n == name).and_then(|(_, module)| module.opt(t))
}

/// A function of `builtins` that the interpreter itself uses, as it was made, whatever a program has done to the module since.
pub fn builtin_named(t: &Thread, name: &str) -> R {
    match builtins::original(t, name) {
        Some(v) => Ok(v),
        None => raise!(t, NameError, "name '{name}' is not defined"),
    }
}

/// An attribute of `sys`, if there is one.
pub fn sys_attribute(t: &Thread, name: &str) -> R<Option<Value>> {
    Ok(sys::attribute(t, crate::types::str::intern(t, name)))
}

/// Adds a function to a module.
pub fn add_function(t: &Thread, module: Ref<Module>, f: &'static FnDef) -> R<()> {
    let dict = module.dict();
    let name = dict.get_name(crate::names::__name__).unwrap_or(Value::NONE);
    dict.set_text(t, f.name, BuiltinFunction::new(t, f, module.value(), name).value())
}
