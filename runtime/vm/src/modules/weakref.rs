//! `_weakref`: weak references for the module weakref.

use crate::args::FnDef;
use crate::modules::ModuleDef;
use crate::object::{R, Ref, ValueExt};
use crate::thread::Thread;
use crate::types::{Dict, List, Module, builtin, int, weakref};
use limpid_heap::Value;

/// The declaration of the module.
pub static MODULE: ModuleDef =
    ModuleDef { doc: "Weak-reference support module.", functions: FUNCTIONS, init, ..ModuleDef::named("_weakref") };

const FUNCTIONS: &[FnDef] = &[
    FnDef::def("_remove_dead_weakref", "dct, key, /", remove_dead).doc("Atomically remove key from dict if it points to a dead weakref."),
    FnDef::def("getweakrefcount", "object, /", |t, a| Ok(int::from_usize(t, weakref::weakrefs_of(t, a[0]).len())))
        .doc("Return the number of weak references to 'object'."),
    FnDef::def("getweakrefs", "object, /", |t, a| Ok(List::from_slice(t, weakref::weakrefs_of(t, a[0]).as_slice())?.value()))
        .doc("Return a list of all weak reference objects pointing to 'object'."),
    FnDef::raw("proxy", "object, callback=None, /", weakref::new_proxy).doc(
        "Create a proxy object that weakly references 'object'.\n\n'callback', if given, is called with a reference to the\nproxy when \
         'object' is about to be finalized.",
    ),
];

fn init(t: &Thread, module: Ref<Module>) -> R<()> {
    let dict = module.dict();
    dict.set_text(t, "ref", builtin::WEAKREF.value())?;
    dict.set_text(t, "ReferenceType", builtin::WEAKREF.value())?;
    dict.set_text(t, "ProxyType", builtin::WEAK_PROXY.value())?;
    dict.set_text(t, "CallableProxyType", builtin::WEAK_CALLABLE_PROXY.value())
}

fn remove_dead(t: &Thread, a: &[Value]) -> R {
    let Some(dict) = a[0].downcast::<Dict>() else {
        raise!(t, TypeError, "_remove_dead_weakref() argument 1 must be dict, not {}", a[0].class().display_name())
    };
    // Another thread may store a live one meanwhile, and lose it: it is put back.
    let is_dead = |v: Value| v.is_instance(builtin::WEAKREF) && weakref::referent(v).is_none();
    if dict.get(t, a[1])?.is_some_and(is_dead)
        && let Some(removed) = dict.remove(t, a[1])?
        && !is_dead(removed)
    {
        dict.set_default(t, a[1], removed)?;
    }
    Ok(Value::NONE)
}
