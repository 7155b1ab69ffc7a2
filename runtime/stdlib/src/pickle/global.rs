//! Objects that a pickle names: functions and classes by module and qualified name.

use super::{PICKLING_ERROR, fail};
use limpid_heap::Value;
use limpid_vm::modules::{import, sys_attribute};
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{attr, call, iter, sequence, text};
use limpid_vm::root::InterpreterRoot;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Dict, Str, Tuple, Type, ValueList, str};
use limpid_vm::{exc, names};

/// The names in a dotted path.
pub(super) fn split(t: &Thread, path: Ref<Str>) -> R<ValueList> {
    let dot = Str::new(t, ".").value();
    iter::collect(t, call::call_method_text(t, path.value(), "split", &[dot])?)
}

/// Follows a dotted path.
pub(super) fn get_dotted(t: &Thread, object: Value, path: Ref<Str>) -> R {
    if path.as_ascii().is_some_and(|text| !text.contains('.')) {
        return attr::get_attr(t, object, str::intern_name(t, path.value())?);
    }
    split(t, path)?.iter().try_fold(object, |object, name| attr::get_attr(t, object, str::intern_name(t, name)?))
}

fn show(t: &Thread, v: Value) -> R<String> {
    Ok(text::repr(t, v)?.to_string_lossy().into_owned())
}

/// Raises another exception in place of the current one, which becomes its context.
pub(super) fn instead<T>(t: &Thread, class: Ref<Type>, message: &str) -> R<T> {
    let context = t.take_exception();
    let raised = t.raise(class, message);
    let e = t.take_exception();
    if !e.is_null() && !context.is_null() {
        attr::set_attr(t, e, names::__context__, context)?;
    }
    t.raise_value(e);
    Err(raised)
}

fn message_of(t: &Thread) -> R<String> {
    let e = t.take_exception();
    let text = text::str_of(t, e)?.to_string_lossy().into_owned();
    t.raise_value(e);
    Ok(text)
}

/// The name of the module in which `object` can be found under `name`.
pub(super) fn module_of(t: &Thread, object: Value, name: Ref<Str>) -> R<Ref<Str>> {
    let mut module_name = attr::get_attr_opt(t, object, names::__module__)?.filter(|m| !m.is_none());
    if name.to_string_lossy().split('.').any(|part| part == "<locals>") {
        return fail(t, &PICKLING_ERROR, &format!("Can't pickle local object {}", show(t, object)?));
    }
    if module_name.is_none() {
        module_name = Some(search(t, object, name)?);
    }
    let Some(found) = module_name.and_then(|m| m.downcast::<Str>()) else {
        return fail(t, &PICKLING_ERROR, &format!("Can't pickle {}: __module__ is not a string", show(t, object)?));
    };
    let module = match import::import_module(t, found.value()) {
        Ok(module) => module,
        Err(_) if t.exception_is(exc::ImportError) || t.exception_is(exc::ValueError) || t.exception_is(exc::KeyError) => {
            let reason = message_of(t)?;
            let context = t.take_exception();
            let what = show(t, object)?;
            t.raise_value(context);
            return instead(t, PICKLING_ERROR.get(), &format!("Can't pickle {what}: {reason}"));
        }
        Err(raised) => return Err(raised),
    };
    let full = || format!("{}.{}", found.to_string_lossy(), name.to_string_lossy());
    match get_dotted(t, module, name) {
        Ok(v) if v == object => Ok(found),
        Ok(_) => fail(t, &PICKLING_ERROR, &format!("Can't pickle {}: it's not the same object as {}", show(t, object)?, full())),
        Err(raised) if !t.exception_is(exc::AttributeError) => Err(raised),
        Err(_) => {
            let context = t.take_exception();
            let what = show(t, object)?;
            t.raise_value(context);
            instead(t, PICKLING_ERROR.get(), &format!("Can't pickle {what}: it's not found as {}", full()))
        }
    }
}

/// The module that has the object under the name, or `__main__`.
fn search(t: &Thread, object: Value, name: Ref<Str>) -> R {
    if let Some(modules) = sys_attribute(t, "modules")?.and_then(|m| m.downcast::<Dict>()) {
        for item in iter::collect(t, call::call_method_text(t, modules.copy(t)?.value(), "items", &[])?)?.iter() {
            let Some(pair) = item.downcast::<Tuple>() else { continue };
            let (module_name, module) = (pair.get(0), pair.get(1));
            let main = module_name.downcast::<Str>().is_some_and(|n| n.eq_str("__main__") || n.eq_str("__mp_main__"));
            if main || module.is_none() {
                continue;
            }
            match get_dotted(t, module, name) {
                Ok(v) if v == object => return Ok(module_name),
                Ok(_) => {}
                Err(_) => t.catch(exc::AttributeError)?,
            }
        }
    }
    Ok(names::__main__)
}

/// An object of another module that pickling needs again and again. It is looked for once, so a program that wants to change a table
/// changes the one that there is.
pub(super) struct Known {
    module: &'static str,
    name: &'static str,
    found: InterpreterRoot,
}

impl Known {
    const fn new(module: &'static str, name: &'static str) -> Known {
        Known { module, name, found: InterpreterRoot::new() }
    }

    /// The object.
    pub fn get(&'static self, t: &Thread) -> R {
        if let Some(v) = self.found.opt(t) {
            return Ok(v);
        }
        let v = attr::get_attr_text(t, import::import_text(t, self.module)?, self.name)?;
        self.found.set(t, v);
        Ok(v)
    }
}

pub(super) static DISPATCH_TABLE: Known = Known::new("copyreg", "dispatch_table");
pub(super) static EXTENSION_REGISTRY: Known = Known::new("copyreg", "_extension_registry");
pub(super) static INVERTED_REGISTRY: Known = Known::new("copyreg", "_inverted_registry");
pub(super) static EXTENSION_CACHE: Known = Known::new("copyreg", "_extension_cache");
pub(super) static NAME_MAPPING: Known = Known::new("_compat_pickle", "NAME_MAPPING");
pub(super) static IMPORT_MAPPING: Known = Known::new("_compat_pickle", "IMPORT_MAPPING");
pub(super) static REVERSE_NAME_MAPPING: Known = Known::new("_compat_pickle", "REVERSE_NAME_MAPPING");
pub(super) static REVERSE_IMPORT_MAPPING: Known = Known::new("_compat_pickle", "REVERSE_IMPORT_MAPPING");
pub(super) static CODECS_ENCODE: Known = Known::new("codecs", "encode");
pub(super) static GETATTR: Known = Known::new("builtins", "getattr");
pub(super) static PARTIAL: Known = Known::new("functools", "partial");

/// The entry of a table, if there is one.
pub(super) fn entry(t: &Thread, table: Value, key: Value) -> R<Option<Value>> {
    if let Some(dict) = table.downcast::<Dict>() {
        return dict.get(t, key);
    }
    match sequence::get_item(t, table, key) {
        Ok(v) => Ok(Some(v)),
        Err(_) => t.catch(exc::KeyError).map(|()| None),
    }
}
