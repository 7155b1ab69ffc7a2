//! `_warnings`: the native core of the module warnings: which filter applies, what was shown already, who is to blame.
//!
//! The filters are an ordinary list that Python code changes in place. Where a registry remembers what was shown, a version number tells
//! whether the filters have changed since.

use crate::args::FnDef;
use crate::modules::reentrant_lock::ReentrantLock;
use crate::modules::{ModuleDef, sys};
use crate::names;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::{attr, call, isinstance, iter, number, text, truth};
use crate::root::InterpreterRoot;
use crate::thread::Thread;
use crate::types::context::ContextVar;
use crate::types::{Dict, FrameObject, List, Module, Str, Tuple, Type, builtin, frame, int};
use crate::{error_report, exc, interpreter, runtime};
use limpid_heap::Value;
use std::sync::atomic::{AtomicI64, Ordering};

/// The declaration of the module.
pub static MODULE: ModuleDef = ModuleDef {
    doc: "_warnings provides basic warning filtering support.\nIt is a helper module to speed up interpreter start-up.",
    functions: FUNCTIONS,
    init,
    ..ModuleDef::named("_warnings")
};

const FUNCTIONS: &[FnDef] = &[
    FnDef::def("_acquire_lock", "", |t, _| {
        t.interpreter().warning_filters.lock.acquire(t);
        Ok(Value::NONE)
    }),
    FnDef::def("_filters_mutated_lock_held", "", |t, _| {
        let filters = &t.interpreter().warning_filters;
        if !filters.lock.is_held(t) {
            raise!(t, RuntimeError, "warnings lock is not held")
        }
        filters.version.fetch_add(1, Ordering::Relaxed);
        Ok(Value::NONE)
    }),
    FnDef::def("_release_lock", "", |t, _| {
        if !t.interpreter().warning_filters.lock.release(t) {
            raise!(t, RuntimeError, "cannot release un-acquired lock")
        }
        Ok(Value::NONE)
    }),
    FnDef::def("warn", "message, category=None, stacklevel=1, source=None, *, skip_file_prefixes=()", warn_function).doc(
        "Issue a warning, or maybe ignore it or raise an exception.\n\nmessage\n  Text of the warning message.\ncategory\n  The Warning \
         category subclass. Defaults to UserWarning.\nstacklevel\n  How far up the call stack to make this warning appear. A value of 2 \
         for\n  example attributes the warning to the caller of the code calling warn().\nsource\n  If supplied, the destroyed object \
         which emitted a ResourceWarning\nskip_file_prefixes\n  An optional tuple of module filename prefixes indicating frames to \
         skip\n  during stacklevel computations for stack frame attribution.",
    ),
    FnDef::def(
        "warn_explicit",
        "message, category, filename, lineno, module=None, registry=None, module_globals=None, source=None",
        warn_explicit_function,
    )
    .doc("Issue a warning, or maybe ignore it or raise an exception."),
];

/// What an interpreter knows of its filters besides the list.
#[derive(Default)]
pub(crate) struct Filters {
    /// Held while they change.
    lock: ReentrantLock,
    /// Counts the changes.
    version: AtomicI64,
}

/// In the child of a fork.
pub fn after_fork_child(t: &Thread) {
    interpreter::all(t).iter().for_each(|i| i.warning_filters.lock.after_fork_child(t));
}

static FILTERS: InterpreterRoot = InterpreterRoot::new();
static ONCE_REGISTRY: InterpreterRoot = InterpreterRoot::new();
static DEFAULT_ACTION: InterpreterRoot = InterpreterRoot::new();
static CONTEXT: InterpreterRoot = InterpreterRoot::new();

fn init(t: &Thread, module: Ref<Module>) -> R<()> {
    prepare(t)?;
    let dict = module.dict();
    dict.set_text(t, "filters", FILTERS.get(t))?;
    dict.set_text(t, "_onceregistry", ONCE_REGISTRY.get(t))?;
    dict.set_text(t, "_defaultaction", DEFAULT_ACTION.get(t))?;
    dict.set_text(t, "_warnings_context", CONTEXT.get(t))
}

/// Makes filters and registries if they do not exist: warnings may be issued before the module is imported.
fn prepare(t: &Thread) -> R<()> {
    if FILTERS.opt(t).is_some() {
        return Ok(());
    }
    let filter = |class: Ref<Type>, action: &str, module: Option<&str>| {
        let text = |s: &str| crate::types::str::intern(t, s);
        let module = module.map_or(Value::NONE, text);
        Tuple::from_slice(t, &[text(action), Value::NONE, class.value(), module, Value::int(0)]).value()
    };
    let filters = [
        filter(exc::DeprecationWarning, "default", Some("__main__")),
        filter(exc::DeprecationWarning, "ignore", None),
        filter(exc::PendingDeprecationWarning, "ignore", None),
        filter(exc::ImportWarning, "ignore", None),
        filter(exc::ResourceWarning, "ignore", None),
    ];
    ONCE_REGISTRY.set(t, Dict::new(t).value());
    DEFAULT_ACTION.set(t, crate::types::str::intern(t, "default"));
    let name = crate::types::str::intern(t, "_warnings_context");
    CONTEXT.set(t, ContextVar::new(t, name, Value::NULL).value());
    FILTERS.set(t, List::from_slice(t, &filters)?.value());
    Ok(())
}

/// Issues a warning about the code that runs, or its callers for a higher level.
pub fn warn(t: &Thread, category: Ref<Type>, message: &str, stack_level: isize) -> R<()> {
    let message = Str::new(t, message).value();
    warn_about(t, message, category, stack_level, Value::NULL, &[])
}

/// Issues a DeprecationWarning about the code that runs.
pub fn deprecated(t: &Thread, message: &str) -> R<()> {
    warn(t, exc::DeprecationWarning, message, 1)
}

/// A coroutine dies that nobody has awaited.
pub fn unawaited_coroutine(t: &Thread, coroutine: Value) {
    let outcome = match warnings_attribute(t, "_warn_unawaited_coroutine", true) {
        Ok(Some(warn)) => call::call(t, warn, &[coroutine]).map(|_| ()),
        Ok(None) => attr::get_attr(t, coroutine, names::__qualname__).and_then(|name| text::str_of(t, name)).and_then(|name| {
            let message = format!("coroutine '{}' was never awaited", name.to_string_lossy());
            warn_with_source(t, exc::RuntimeWarning, &message, 1, coroutine)
        }),
        Err(raised) => Err(raised),
    };
    if outcome.is_err() {
        error_report::unraisable_with_message(t, "Exception ignored while finalizing coroutine", coroutine);
    }
}

/// An awaitable that a method of an async generator has given dies, and nobody has awaited it.
pub fn unawaited_method(t: &Thread, awaitable: Value, method: &str, generator: Value) {
    let outcome = text::str_of(t, generator).and_then(|generator| {
        let message = format!("coroutine method '{method}' of '{}' was never awaited", generator.to_string_lossy());
        warn_with_source(t, exc::RuntimeWarning, &message, 1, awaitable)
    });
    if outcome.is_err() {
        error_report::unraisable_with_message(t, "Exception ignored while finalizing coroutine method", awaitable);
    }
}

/// As [`warn`], with the object that the warning is about: one that was not closed, say.
pub fn warn_with_source(t: &Thread, category: Ref<Type>, message: &str, stack_level: isize, source: Value) -> R<()> {
    let message = Str::new(t, message).value();
    warn_about(t, message, category, stack_level, source, &[])
}

/// Issues a warning about a place; `module` and `registry` may be NULL.
pub fn warn_explicit(t: &Thread, category: Ref<Type>, message: Value, file: Value, line: usize, module: Value, registry: Value) -> R<()> {
    let place = Place { file, line, module, registry };
    issue(t, category, message, &place, Value::NULL, Value::NULL)
}

/// What a warning is about.
struct Place {
    file: Value,
    line: usize,
    /// The module's name, NULL if it is not known.
    module: Value,
    /// What was shown already for this module: a dict, NULL or None for nothing.
    registry: Value,
}

// ---- who is to blame ----

fn code_file(f: Ref<FrameObject>) -> Option<Ref<Str>> {
    f.code().filename.get().downcast::<Str>()
}

fn contains(s: Ref<Str>, part: &str) -> bool {
    s.to_string_lossy().contains(part)
}

/// Frames of the import system are passed over.
fn is_internal(f: Ref<FrameObject>) -> bool {
    code_file(f).is_some_and(|file| contains(file, "importlib") && contains(file, "_bootstrap"))
}

fn back(t: &Thread, f: Ref<FrameObject>) -> Option<Ref<FrameObject>> {
    f.back(t).exact::<FrameObject>()
}

fn next_external(t: &Thread, f: Ref<FrameObject>, skip: &[String]) -> Option<Ref<FrameObject>> {
    let mut at = back(t, f);
    while let Some(f) = at {
        let skipped = code_file(f).is_some_and(|file| {
            let file = file.to_string_lossy();
            skip.iter().any(|prefix| file.starts_with(prefix.as_str()))
        });
        if !is_internal(f) && !skipped {
            return Some(f);
        }
        at = back(t, f);
    }
    None
}

/// The place that a warning with this level is about.
fn blame(t: &Thread, stack_level: isize, skip: &[String]) -> R<Place> {
    let mut level = stack_level;
    let mut at = t.current_frame().map(|f| frame::object_of(t, f));
    let every_frame = level <= 0 || at.is_some_and(is_internal);
    while level > 1
        && let Some(f) = at
    {
        level -= 1;
        at = if every_frame { back(t, f) } else { next_external(t, f, skip) };
    }
    let (globals, file, line) = match at {
        Some(f) => (f.function().globals(), f.code().filename.get(), f.line(t).max(0) as usize),
        None => match sys::dict(t) {
            Some(dict) => (dict, Str::new(t, "<sys>").value(), 0),
            None => (Dict::new(t), Str::new(t, "<sys>").value(), 0),
        },
    };
    let registry = match globals.get_name(names::__warningregistry__) {
        Some(registry) => registry,
        None => globals.set_default(t, names::__warningregistry__, Dict::new(t).value())?,
    };
    let module = match globals.get_name(names::__name__) {
        Some(name) if name.is_none() || name.is_instance(builtin::STR) => name,
        _ => Str::new(t, "<string>").value(),
    };
    Ok(Place { file, line, module, registry })
}

fn warn_about(t: &Thread, message: Value, category: Ref<Type>, stack_level: isize, source: Value, skip: &[String]) -> R<()> {
    let place = blame(t, stack_level, skip)?;
    issue(t, category, message, &place, Value::NULL, source)
}

// ---- what to do ----

/// An attribute of the module warnings, if that was imported.
fn warnings_attribute(t: &Thread, name: &str, try_import: bool) -> R<Option<Value>> {
    let module = if try_import && !t.interpreter().finalizing.load(Ordering::Relaxed) {
        match super::import::import_module(t, names::warnings) {
            Ok(module) => module,
            Err(_) => {
                t.catch(exc::ImportError)?;
                return Ok(None);
            }
        }
    } else {
        match runtime::modules(t).get(t, names::warnings)? {
            Some(module) => module,
            None => return Ok(None),
        }
    };
    attr::get_attr_opt(t, module, crate::types::str::intern(t, name))
}

/// Does a filter's pattern (None, a str, or a compiled regular expression) match a text?
fn matches(t: &Thread, pattern: Value, text: Value) -> R<bool> {
    if pattern.is_none() {
        return Ok(true);
    }
    if pattern.class() == builtin::STR {
        return crate::protocol::compare::values_equal(t, pattern, text);
    }
    let found = call::call_method_text(t, pattern, "match", &[text])?;
    truth::truth(t, found)
}

/// The first filter that applies.
fn search(t: &Thread, filters: Value, category: Ref<Type>, text: Value, line: usize, module: Value) -> R<Option<(Value, Value)>> {
    let Some(filters) = filters.downcast::<List>() else { raise!(t, ValueError, "warnings.filters must be a list") };
    let mut i = 0;
    // The list may change while patterns are matched.
    while let Some(item) = filters.get(i) {
        let Some(parts) = item.exact::<Tuple>().filter(|p| p.len() == 5) else {
            raise!(t, ValueError, "warnings.filters item {i} isn't a 5-tuple")
        };
        let [action, message, class, in_module, at_line] = parts.as_slice() else { unreachable!("five parts") };
        if !action.is_instance(builtin::STR) {
            raise!(t, TypeError, "action must be a string, not '{}'", action.class().display_name())
        }
        let wanted = number::index_isize(t, *at_line)?;
        if matches(t, *message, text)?
            && matches(t, *in_module, module)?
            && isinstance::is_subclass(t, category.value(), *class)?
            && (wanted == 0 || wanted == line as isize)
        {
            return Ok(Some((*action, item)));
        }
        i += 1;
    }
    Ok(None)
}

/// What to do with a warning, and the filter that says so.
fn action_for(t: &Thread, category: Ref<Type>, text: Value, line: usize, module: Value) -> R<(Value, Value)> {
    if let Some(context) = CONTEXT.get(t).exact::<ContextVar>().and_then(|var| var.get(t)) {
        let filters = attr::get_attr_text(t, context, "_filters")?;
        if let Some(found) = search(t, filters, category, text, line, module)? {
            return Ok(found);
        }
    }
    let filters = warnings_attribute(t, "filters", false)?.unwrap_or(FILTERS.get(t));
    if let Some(found) = search(t, filters, category, text, line, module)? {
        return Ok(found);
    }
    let default = warnings_attribute(t, "defaultaction", false)?.unwrap_or(DEFAULT_ACTION.get(t));
    if !default.is_instance(builtin::STR) {
        raise!(t, TypeError, "_warnings.defaultaction must be a string, not '{}'", default.class().display_name())
    }
    Ok((default, Value::NONE))
}

/// Was a warning with this key shown already? `mark` notes that it is now.
fn already_shown(t: &Thread, registry: Ref<Dict>, key: Value, mark: bool) -> R<bool> {
    let version = Value::int(t.interpreter().warning_filters.version.load(Ordering::Relaxed));
    let version_name = crate::types::str::intern(t, "version");
    if registry.get_name(version_name) != Some(version) {
        registry.clear(t);
        registry.set_name(t, version_name, version)?;
    } else if let Some(shown) = registry.get(t, key)?
        && truth::truth(t, shown)?
    {
        return Ok(true);
    }
    if mark {
        registry.set_item(t, key, Value::TRUE)?;
    }
    Ok(false)
}

/// A module's name from its file's.
fn module_of_file(t: &Thread, file: Value) -> R {
    let Some(file) = file.downcast::<Str>() else { return Ok(Str::new(t, "<unknown>").value()) };
    if file.is_empty() {
        return Ok(Str::new(t, "<unknown>").value());
    }
    if file.to_string_lossy().ends_with(".py") { Ok(file.slice(t, 0, file.len() - 3)?.value()) } else { Ok(file.value()) }
}

/// Issues a warning: raises it, shows it, or does nothing.
fn issue(t: &Thread, category: Ref<Type>, message: Value, place: &Place, source_line: Value, source: Value) -> R<()> {
    prepare(t)?;
    // A module whose name is gone is being torn down.
    if place.module.is_none() {
        return Ok(());
    }
    let registry = match place.registry.non_null().filter(|r| !r.is_none()) {
        None => None,
        Some(r) => match r.downcast::<Dict>() {
            Some(d) => Some(d),
            None => raise!(t, TypeError, "'registry' must be a dict or None"),
        },
    };
    let module = match place.module.non_null() {
        Some(module) => module,
        None => module_of_file(t, place.file)?,
    };
    let (text, message, category) = if message.is_instance(exc::Warning) {
        (text::str_of(t, message)?.value(), message, message.class())
    } else {
        (message, call::call(t, category.value(), &[message])?, category)
    };
    let line = int::from_usize(t, place.line);
    let key = Tuple::from_slice(t, &[text, category.value(), line]).value();
    if let Some(registry) = registry
        && already_shown(t, registry, key, false)?
    {
        return Ok(());
    }
    let (action, filter) = action_for(t, category, text, place.line, module)?;
    let action_text = action.downcast::<Str>().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    match &*action_text {
        "error" => return Err(exc::raise_new(t, message)),
        "ignore" => return Ok(()),
        _ => {}
    }
    let shown = match &*action_text {
        "always" | "all" => false,
        "once" => {
            let registry = match registry {
                Some(registry) => registry,
                None => once_registry(t)?,
            };
            registry.set_item(t, key, Value::TRUE)?;
            already_shown(t, once_registry(t)?, Tuple::from_slice(t, &[text, category.value()]).value(), true)?
        }
        "module" => match registry {
            Some(registry) => {
                registry.set_item(t, key, Value::TRUE)?;
                let key = Tuple::from_slice(t, &[text, category.value()]).value();
                already_shown(t, registry, key, true)?
            }
            None => false,
        },
        "default" => {
            if let Some(registry) = registry {
                registry.set_item(t, key, Value::TRUE)?;
            }
            false
        }
        _ => {
            let (action, filter) = (text::repr(t, action)?, text::str_of(t, filter)?);
            raise!(
                t,
                RuntimeError,
                "Unrecognized action ({}) in warnings.filters:\n {}",
                action.to_string_lossy(),
                filter.to_string_lossy()
            )
        }
    };
    if shown {
        return Ok(());
    }
    show(t, category, text, message, place, line, source_line, source)
}

fn once_registry(t: &Thread) -> R<Ref<Dict>> {
    let registry = warnings_attribute(t, "onceregistry", false)?.unwrap_or(ONCE_REGISTRY.get(t));
    match registry.downcast::<Dict>() {
        Some(registry) => Ok(registry),
        None => raise!(t, TypeError, "_warnings.onceregistry must be a dict, not '{}'", registry.class().display_name()),
    }
}

#[expect(clippy::too_many_arguments, reason = "what a warning consists of")]
fn show(
    t: &Thread,
    category: Ref<Type>,
    text: Value,
    message: Value,
    place: &Place,
    line: Value,
    source_line: Value,
    source: Value,
) -> R<()> {
    let Some(show) = warnings_attribute(t, "_showwarnmsg", !source.is_null())? else {
        return show_natively(t, category, text, place, source_line);
    };
    if !call::is_callable(show) {
        raise!(t, TypeError, "warnings._showwarnmsg() must be set to a callable")
    }
    let Some(class) = warnings_attribute(t, "WarningMessage", false)? else {
        raise!(t, RuntimeError, "unable to get warnings.WarningMessage")
    };
    let source = source.non_null().unwrap_or(Value::NONE);
    let details = call::call(t, class, &[message, category.value(), place.file, line, Value::NONE, Value::NONE, source])?;
    call::call(t, show, &[details]).map(|_| ())
}

/// For when the module warnings is not there.
fn show_natively(t: &Thread, category: Ref<Type>, text: Value, place: &Place, source_line: Value) -> R<()> {
    let file = text::str_of(t, place.file)?.to_string_lossy().into_owned();
    let text = text::str_of(t, text)?;
    let mut out = format!("{file}:{}: {}: {}\n", place.line, category.display_name(), text.to_string_lossy());
    let line = match source_line.non_null().and_then(|l| l.downcast::<Str>()) {
        Some(line) => Some(line.to_string_lossy().into_owned()),
        None => std::fs::read(&file).ok().and_then(|bytes| {
            let line = bytes.split(|b| *b == b'\n').nth(place.line.checked_sub(1)?)?.to_vec();
            Some(String::from_utf8_lossy(&line).into_owned())
        }),
    };
    if let Some(line) = line.as_deref().map(str::trim).filter(|l| !l.is_empty()) {
        out += &format!("  {line}\n");
    }
    error_report::write_stderr(t, &out);
    Ok(())
}

// ---- the module's functions ----

/// The class of a warning from what `warn` was given.
fn category_of(t: &Thread, message: Value, category: Value) -> R<Ref<Type>> {
    if message.is_instance(exc::Warning) {
        return Ok(message.class());
    }
    let Some(category) = category.non_null().filter(|c| !c.is_none()) else { return Ok(exc::UserWarning) };
    match category.downcast::<Type>() {
        Some(class) if class.is_subtype(exc::Warning) => Ok(class),
        _ => raise!(t, TypeError, "category must be a Warning subclass, not '{}'", category.class().display_name()),
    }
}

fn warn_function(t: &Thread, a: &[Value]) -> R {
    let mut stack_level = match a[2].non_null() {
        Some(v) => number::index_isize(t, v)?,
        None => 1,
    };
    let mut skip = Vec::new();
    if let Some(prefixes) = a[4].non_null() {
        let Some(prefixes) = prefixes.downcast::<Tuple>() else {
            raise!(t, TypeError, "warn() argument 'skip_file_prefixes' must be tuple, not {}", prefixes.class().display_name())
        };
        for prefix in prefixes.as_slice() {
            match prefix.downcast::<Str>() {
                Some(s) => skip.push(s.to_string_lossy().into_owned()),
                None => {
                    raise!(t, TypeError, "Found non-str '{}' in skip_file_prefixes.", prefix.class().display_name())
                }
            }
        }
        if !skip.is_empty() {
            stack_level = stack_level.max(2);
        }
    }
    let category = category_of(t, a[0], a[1])?;
    let source = a[3].non_null().filter(|s| !s.is_none()).unwrap_or(Value::NULL);
    warn_about(t, a[0], category, stack_level, source, &skip)?;
    Ok(Value::NONE)
}

fn warn_explicit_function(t: &Thread, a: &[Value]) -> R {
    let category = category_of(t, a[0], a[1])?;
    if !a[2].is_instance(builtin::STR) {
        raise!(t, TypeError, "warn_explicit() argument 'filename' must be str, not {}", a[2].class().display_name())
    }
    let line = number::index_i32(t, a[3])?;
    let place = Place { file: a[2], line: line.max(0) as usize, module: a[4], registry: a[5] };
    let source_line = match a[6].non_null().filter(|g| !g.is_none()) {
        Some(globals) => source_line(t, globals, line)?,
        None => Value::NULL,
    };
    let source = a[7].non_null().filter(|s| !s.is_none()).unwrap_or(Value::NULL);
    issue(t, category, a[0], &place, source_line, source)?;
    Ok(Value::NONE)
}

/// A line of a module's source, from its loader; NULL if that does not give it.
fn source_line(t: &Thread, globals: Value, line: i32) -> R {
    let Some(globals) = globals.downcast::<Dict>() else {
        raise!(t, TypeError, "module_globals must be a dict, not '{}'", globals.class().display_name())
    };
    let from_spec = match globals.get_name(names::__spec__).filter(|s| !s.is_none()) {
        Some(spec) => attr::get_attr_opt(t, spec, names::loader)?,
        None => None,
    };
    let loader = from_spec.filter(|l| !l.is_none()).or(globals.get_name(names::__loader__));
    let (Some(loader), Some(name)) = (loader, globals.get_name(names::__name__)) else { return Ok(Value::NULL) };
    let Some(get_source) = attr::get_attr_opt(t, loader, crate::types::str::intern(t, "get_source"))? else {
        return Ok(Value::NULL);
    };
    let source = call::call(t, get_source, &[name])?;
    if source.is_none() {
        return Ok(Value::NULL);
    }
    let lines = call::call_method_text(t, source, "splitlines", &[])?;
    let lines = iter::to_list(t, lines)?;
    Ok(usize::try_from(line - 1).ok().and_then(|i| lines.get(i)).unwrap_or(Value::NULL))
}
