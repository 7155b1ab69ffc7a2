//! Start-up of the modules: builtins, sys and the import system.

use super::{STARTUP, builtins, imp, sys};
use crate::names;
use crate::object::{R, Ref};
use crate::protocol::call;
use crate::runtime;
use crate::thread::Thread;
use crate::types::Module;
use crate::types::str::intern;
use limpid_heap::Value;

/// Makes `builtins` and `sys`; nothing can be imported yet.
pub fn create_core(t: &Thread) -> R<()> {
    crate::exc::complete(t);
    let interpreter = t.interpreter();
    let builtins = builtins::create(t)?;
    let dict = builtins.dict();
    interpreter.builtins.set(dict.value());
    let function = |name: &str| dict.get_text(t, name).unwrap_or(Value::NULL);
    interpreter.builtin_len.set(function("len"));
    interpreter.builtin_isinstance.set(function("isinstance"));
    let sys = sys::create(t)?;
    let modules = runtime::modules(t);
    for ((name, root), module) in STARTUP.iter().zip([builtins, sys]) {
        root.set(t, module.value());
        modules.set_text(t, name, module.value())?;
    }
    Ok(())
}

/// Makes modules of the library importable: runs `importlib._bootstrap` and, for files, `importlib._bootstrap_external`.
pub fn install_importlib(t: &Thread) -> R<()> {
    let name = intern(t, "_frozen_importlib");
    let importlib = imp::import_frozen(t, name, intern(t, "importlib._bootstrap"))?;
    t.interpreter().importlib.set(importlib.value());
    let imp = super::create(t, &imp::MODULE)?;
    runtime::modules(t).set_text(t, imp::MODULE.name, imp.value())?;
    let sys = super::startup_module(t, "sys").unwrap_or(Value::NONE);
    call::call_method_text(t, importlib.value(), "_install", &[sys, imp.value()])?;
    Ok(())
}

/// Makes modules in files importable. Needs the native modules posix, marshal and _io.
pub fn install_external_importers(t: &Thread) -> R<()> {
    call::call_method(t, t.interpreter().importlib.get(), names::_install_external_importers, &[]).map(|_| ())
}

/// Makes a module `__main__` with an empty namespace.
pub fn create_main(t: &Thread) -> R<Ref<Module>> {
    let main = Module::new(t, names::__main__)?;
    runtime::modules(t).set_item(t, names::__main__, main.value())?;
    main.dict().set_name(t, names::__builtins__, super::startup_module(t, "builtins").unwrap_or(Value::NONE))?;
    Ok(main)
}
