//! The import statement. Finding and loading is the business of `importlib._bootstrap`; here is what comes before and after.

use super::shadowing;
use crate::exc;
use crate::names;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::{attr, call, sequence, text, truth};
use crate::runtime;
use crate::thread::Thread;
use crate::types::{Dict, Exception, Module, Str, Traceback, builtin, int};
use limpid_heap::Value;
use limpid_probes as probes;
use std::ffi::CString;

/// `import name`, or `from name import ...` with `fromlist`: calls `__import__` if the program has replaced it.
pub fn import_name(t: &Thread, builtins: Value, globals: Value, locals: Value, name: Value, fromlist: Value, level: Value) -> R {
    let hook = match builtins.exact::<Dict>() {
        Some(d) => d.get_name(names::__import__),
        None if builtins.is_instance(builtin::MODULE) => attr::get_attr_opt(t, builtins, names::__import__)?,
        None => match sequence::get_item(t, builtins, names::__import__) {
            Ok(hook) => Some(hook),
            Err(_) => {
                t.catch(exc::KeyError)?;
                None
            }
        },
    };
    let Some(hook) = hook else { return Err(t.raise(exc::ImportError, "__import__ not found")) };
    if super::builtins::original(t, "__import__") == Some(hook) {
        let level = int::to_i64(t, level)?;
        return import_module_level(t, name, globals, fromlist, level);
    }
    let locals = locals.non_null().unwrap_or(Value::NONE);
    call::call(t, hook, &[name, globals, locals, fromlist, level])
}

/// `__import__(name, globals, locals, fromlist, level)`
pub fn import_module_level(t: &Thread, name: Value, globals: Value, fromlist: Value, level: i64) -> R {
    let Some(text) = name.downcast::<Str>() else { raise!(t, TypeError, "module name must be a string") };
    if level < 0 {
        raise!(t, ValueError, "level must be >= 0")
    }
    let absolute = if level > 0 {
        resolve_relative(t, text, globals, level)?
    } else {
        if text.is_empty() {
            raise!(t, ValueError, "Empty module name")
        }
        name
    };
    let module = find_and_load(t, absolute)?;
    let has_fromlist = match fromlist.non_null().filter(|f| !f.is_none()) {
        Some(list) => truth::truth(t, list)?,
        None => false,
    };
    if has_fromlist {
        if attr::get_attr_opt(t, module, names::__path__)?.is_none() {
            return Ok(module);
        }
        let importlib = t.interpreter().importlib.get();
        let import = attr::get_attr_text(t, importlib, "_gcd_import")?;
        let imported = call::call_method(t, importlib, names::_handle_fromlist, &[module, fromlist, import]);
        return without_import_frames(t, imported);
    }
    // `import a.b` gives a; `from . import x` without a list gives the package.
    let Some(dot) = text.code_points().position(|c| c == u32::from('.')) else { return Ok(module) };
    if level == 0 {
        let front = text.slice(t, 0, dot)?.value();
        return import_module_level(t, front, Value::NULL, Value::NULL, 0);
    }
    let Some(absolute) = absolute.downcast::<Str>() else { return Ok(module) };
    let cut = text.len() - dot;
    let front = absolute.slice(t, 0, absolute.len() - cut)?.value();
    match runtime::modules(t).get(t, front)? {
        Some(package) => Ok(package),
        None => {
            let shown = text::repr(t, front)?;
            raise!(t, KeyError, "{} not in sys.modules as expected", shown.to_string_lossy())
        }
    }
}

/// `__import__(name, globals, fromlist, level)` with Python values, None for what is not given.
pub fn import(t: &Thread, name: Value, globals: Value, fromlist: Value, level: Value) -> R {
    import_module_level(t, name, globals, fromlist, int::to_i64(t, level)?)
}

/// `import name`, the module itself for a dotted name.
pub fn import_module(t: &Thread, name: Value) -> R {
    if name.downcast::<Str>().is_some_and(|s| s.is_empty()) {
        raise!(t, ValueError, "Empty module name")
    }
    find_and_load(t, name)
}

/// As [`import_module`], the name as text.
pub fn import_text(t: &Thread, name: &str) -> R {
    import_module(t, crate::types::str::intern(t, name))
}

/// The module `name` of `sys.modules`; loads it if it is not there, waits if another thread is loading it.
fn find_and_load(t: &Thread, name: Value) -> R {
    let modules = runtime::modules(t);
    while let Some(module) = modules.get(t, name)?.filter(|m| !m.is_none()) {
        // If it failed in the other thread, it is not there any more: this thread tries.
        if !wait_until_initialized(t, module, name)? || modules.get(t, name)? == Some(module) {
            return Ok(module);
        }
    }
    super::sys::audit_import(t, name)?;
    let hook = super::builtins::original(t, "__import__").unwrap_or(Value::NONE);
    let loaded = traced(name, || call::call_method(t, t.interpreter().importlib.get(), names::_find_and_load, &[name, hook]));
    without_import_frames(t, loaded)
}

/// Takes the import system's own frames out of the traceback of a failure, unless imports are traced.
fn without_import_frames(t: &Thread, outcome: R) -> R {
    if outcome.is_err() && t.runtime().options.verbose == 0 {
        hide_import_frames(t);
    }
    outcome
}

/// Tells tracers of the loading of a module.
fn traced(name: Value, load: impl FnOnce() -> R) -> R {
    if !probes::import__find__load__start::enabled() && !probes::import__find__load__done::enabled() {
        return load();
    }
    let text = name.downcast::<Str>().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let text = CString::new(text).unwrap_or_default();
    probes::import__find__load__start::fire(text.as_ptr());
    let loaded = load();
    probes::import__find__load__done::fire(text.as_ptr(), loaded.is_ok() as i32);
    loaded
}

/// Takes the import system's own frames out of the current exception's traceback: all of them for an ImportError, for other exceptions
/// those that led to running the module.
fn hide_import_frames(t: &Thread) {
    let e = t.exception();
    let always = e.is_instance(exc::ImportError);
    let is_file = |tb: Ref<Traceback>, name: &str| {
        tb.code().filename.get().downcast::<Str>().is_some_and(|file| file.eq_str(&format!("<frozen importlib.{name}>")))
    };
    let is_part = |tb: Ref<Traceback>| is_file(tb, "_bootstrap") || is_file(tb, "_bootstrap_external");
    let ends_chunk =
        |tb: Ref<Traceback>| tb.code().name.get().downcast::<Str>().is_some_and(|name| name.eq_str("_call_with_frames_removed"));
    // The entry before the one looked at, and before the run of the import system's frames; None is the exception itself.
    let (mut previous, mut before_run) = (None::<Ref<Traceback>>, None);
    let mut inside = false;
    let mut at = Exception::traceback(e).exact::<Traceback>();
    while let Some(tb) = at {
        at = tb.next();
        let part = is_part(tb);
        if part && !inside {
            before_run = previous;
        }
        inside = part;
        if !part || !(always || ends_chunk(tb)) {
            previous = Some(tb);
            continue;
        }
        let rest = at.map_or(Value::NULL, |tb| tb.value());
        match before_run {
            Some(entry) => entry.set_next(t, rest),
            None => Exception::set_traceback(t, e, if rest.is_null() { Value::NONE } else { rest }),
        }
        previous = before_run;
    }
}

/// Waits until another thread has loaded the module; did it have to?
fn wait_until_initialized(t: &Thread, module: Value, name: Value) -> R<bool> {
    let Some(spec) = attr::get_attr_opt(t, module, names::__spec__)? else { return Ok(false) };
    if !is_initializing(t, spec)? {
        return Ok(false);
    }
    call::call_method(t, t.interpreter().importlib.get(), names::_lock_unlock_module, &[name]).map(|_| true)
}

fn is_initializing(t: &Thread, spec: Value) -> R<bool> {
    if spec.is_none() {
        return Ok(false);
    }
    match attr::get_attr_opt(t, spec, names::_initializing)? {
        Some(v) => truth::truth(t, v),
        None => Ok(false),
    }
}

/// The absolute name of a relative import.
fn resolve_relative(t: &Thread, name: Ref<Str>, globals: Value, level: i64) -> R {
    let Some(globals) = globals.non_null() else { raise!(t, KeyError, "'__name__' not in globals") };
    let Some(globals) = globals.downcast::<Dict>() else { raise!(t, TypeError, "globals must be a dict") };
    let package = calculate_package(t, globals)?;
    let mut end = package.len();
    for _ in 1..level {
        end = match package.code_points().take(end).rposition(|c| c == u32::from('.')) {
            Some(dot) => dot,
            None => raise!(t, ImportError, "attempted relative import beyond top-level package"),
        };
    }
    let base = package.slice(t, 0, end)?;
    if name.is_empty() {
        return Ok(base.value());
    }
    let chars: Vec<u32> = base.code_points().chain([u32::from('.')]).chain(name.code_points()).collect();
    Ok(Str::from_chars(t, chars.into_iter())?.value())
}

/// `__package__`, or what stands in for it.
fn calculate_package(t: &Thread, globals: Ref<Dict>) -> R<Ref<Str>> {
    let given = |name: Value| globals.get_name(name).filter(|v| !v.is_none());
    let spec = given(names::__spec__);
    if let Some(package) = given(names::__package__) {
        let Some(package_text) = package.downcast::<Str>() else { raise!(t, TypeError, "package must be a string") };
        if let Some(spec) = spec {
            let parent = attr::get_attr(t, spec, names::parent)?;
            if !crate::protocol::compare::values_equal(t, package, parent)? {
                super::warnings::warn(t, exc::DeprecationWarning, "__package__ != __spec__.parent", 1)?;
            }
        }
        return non_empty(t, package_text);
    }
    if let Some(spec) = spec {
        let parent = attr::get_attr(t, spec, names::parent)?;
        let Some(parent) = parent.downcast::<Str>() else { raise!(t, TypeError, "__spec__.parent must be a string") };
        return non_empty(t, parent);
    }
    super::warnings::warn(
        t,
        exc::ImportWarning,
        "can't resolve package from __spec__ or __package__, falling back on __name__ and __path__",
        1,
    )?;
    let Some(name) = globals.get_name(names::__name__) else { raise!(t, KeyError, "'__name__' not in globals") };
    let Some(name) = name.downcast::<Str>() else { raise!(t, TypeError, "__name__ must be a string") };
    if globals.get_name(names::__path__).is_some() {
        return non_empty(t, name);
    }
    match name.code_points().rposition(|c| c == u32::from('.')) {
        Some(dot) => name.slice(t, 0, dot),
        None => raise!(t, ImportError, "attempted relative import with no known parent package"),
    }
}

fn non_empty(t: &Thread, package: Ref<Str>) -> R<Ref<Str>> {
    if package.is_empty() {
        raise!(t, ImportError, "attempted relative import with no known parent package")
    }
    Ok(package)
}

/// `from module import name`
pub fn import_from(t: &Thread, module: Value, name: Value) -> R {
    if let Some(v) = attr::get_attr_opt(t, module, name)? {
        return Ok(v);
    }
    // A submodule that is being imported is in sys.modules before it is an attribute of its package.
    let module_name = attr::get_attr_opt(t, module, names::__name__)?.and_then(|n| n.downcast::<Str>());
    if let (Some(package), Some(own)) = (module_name, name.downcast::<Str>()) {
        let chars: Vec<u32> = package.code_points().chain([u32::from('.')]).chain(own.code_points()).collect();
        let full = Str::from_chars(t, chars.into_iter())?.value();
        if let Some(submodule) = runtime::modules(t).get(t, full)? {
            return Ok(submodule);
        }
    }
    Err(raise_cannot_import(t, module, name, module_name)?)
}

fn raise_cannot_import(t: &Thread, module: Value, name: Value, module_name: Option<Ref<Str>>) -> R<crate::object::Raised> {
    let shown = text::repr(t, name)?.to_string_lossy().into_owned();
    let from = match module_name {
        Some(n) => text::repr(t, n.value())?.to_string_lossy().into_owned(),
        None => "'<unknown module name>'".into(),
    };
    let origin = origin_of(t, module)?;
    let spec = attr::get_attr_opt(t, module, names::__spec__)?.unwrap_or(Value::NONE);
    let initializing = is_initializing(t, spec)?;
    let hint = match module_name {
        Some(name) => shadowing::hint(t, name.value(), spec, initializing)?,
        None => None,
    };
    let message = match (&hint, &origin) {
        (Some(hint), _) => format!("cannot import name {shown} from {from}{hint}"),
        (None, Some(origin)) if initializing => {
            format!("cannot import name {shown} from partially initialized module {from} (most likely due to a circular import) ({origin})")
        }
        (None, Some(origin)) => format!("cannot import name {shown} from {from} ({origin})"),
        (None, None) => format!("cannot import name {shown} from {from} (unknown location)"),
    };
    let path = match &origin {
        Some(origin) => Str::new(t, origin).value(),
        None => Value::NULL,
    };
    let message = Str::new(t, &message).value();
    let module_name = module_name.map_or(Value::NULL, |n| n.value());
    let e = crate::types::exceptions::ImportError::create(t, exc::ImportError, message, module_name, path);
    e.name_from.set(t, e, name);
    Ok(exc::raise_new(t, e.value()))
}

fn origin_of(t: &Thread, module: Value) -> R<Option<String>> {
    let text = |v: Option<Value>| v.and_then(|v| v.downcast::<Str>()).map(|s| s.to_string_lossy().into_owned());
    if let Some(spec) = attr::get_attr_opt(t, module, names::__spec__)?.filter(|s| !s.is_none()) {
        let has_location = match attr::get_attr_opt(t, spec, names::has_location)? {
            Some(v) => truth::truth(t, v)?,
            None => false,
        };
        if has_location && let Some(origin) = text(attr::get_attr_opt(t, spec, names::origin)?) {
            return Ok(Some(origin));
        }
    }
    Ok(text(attr::get_attr_opt(t, module, names::__file__)?))
}

/// `sys.modules[name]`, a new and empty module if there is none.
pub fn add_module(t: &Thread, name: Value) -> R {
    let modules = runtime::modules(t);
    if let Some(module) = modules.get(t, name)?.filter(|m| m.is_instance(builtin::MODULE)) {
        return Ok(module);
    }
    let module = Module::new(t, name)?.value();
    sequence::set_item(t, modules.value(), name, module)?;
    Ok(module)
}
