//! The codec registry: search functions, codecs found, error handlers. The module `_codecs` shows it to programs.

use super::handlers;
use crate::modules::import::import_module_level;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::{attr, call, truth};
use crate::root::InterpreterRoot;
use crate::thread::Thread;
use crate::types::{BuiltinFunction, Dict, List, Str, Tuple};
use limpid_heap::Value;

/// A list of functions.
static SEARCH_PATH: InterpreterRoot = InterpreterRoot::new();
/// Codecs by normalized name.
static CACHE: InterpreterRoot = InterpreterRoot::new();
/// Error handlers by name.
static ERRORS: InterpreterRoot = InterpreterRoot::new();

fn search_path(t: &Thread) -> Ref<List> {
    match SEARCH_PATH.get(t).downcast::<List>() {
        Some(list) => list,
        None => {
            let list = List::new(t);
            SEARCH_PATH.set(t, list.value());
            list
        }
    }
}

fn cache(t: &Thread) -> Ref<Dict> {
    match CACHE.get(t).downcast::<Dict>() {
        Some(dict) => dict,
        None => {
            let dict = Dict::new(t);
            CACHE.set(t, dict.value());
            dict
        }
    }
}

/// `codecs.register(search_function)`
pub fn register(t: &Thread, function: Value) -> R<()> {
    if !call::is_callable(function) {
        raise!(t, TypeError, "argument must be callable")
    }
    search_path(t).append(t, function)
}

/// `codecs.unregister(search_function)`
pub fn unregister(t: &Thread, function: Value) {
    let path = search_path(t);
    let kept = path.snapshot(t);
    let new = List::new(t);
    for f in kept.iter().filter(|f| *f != function) {
        // A list of this length was there before, so there is room for it.
        let _ = new.append(t, f);
    }
    if new.len() != path.len() {
        SEARCH_PATH.set(t, new.value());
        cache(t).clear(t);
    }
}

/// A name in lower case, everything that is no letter, digit or dot replaced by single underscores.
pub fn normalized(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut gap = false;
    for c in name.chars() {
        if c.is_ascii_alphanumeric() || c == '.' {
            if gap && !out.is_empty() {
                out.push('_');
            }
            gap = false;
            out.push(c.to_ascii_lowercase());
        } else {
            gap = true;
        }
    }
    out
}

/// `codecs.lookup(encoding)`: the codec's tuple.
pub fn lookup(t: &Thread, encoding: Ref<Str>) -> R<Ref<Tuple>> {
    let name = encoding.to_string_lossy();
    let key = Str::try_new(t, &normalized(&name))?.value();
    if let Some(found) = cache(t).get(t, key)?
        && let Some(codec) = found.downcast::<Tuple>()
    {
        return Ok(codec);
    }
    if search_path(t).is_empty() {
        // The package registers its search function when it is first imported.
        import_module_level(t, Str::new(t, "encodings").value(), Value::NULL, Value::NULL, 0)?;
    }
    let functions = search_path(t).snapshot(t);
    if functions.is_empty() {
        raise!(t, LookupError, "no codec search functions registered: can't find encoding")
    }
    for f in functions.iter() {
        let found = call::call(t, f, &[key])?;
        if found.is_none() {
            continue;
        }
        let Some(codec) = found.downcast::<Tuple>().filter(|c| c.len() == 4) else {
            raise!(t, TypeError, "codec search functions must return 4-tuples")
        };
        cache(t).set_item(t, key, found)?;
        return Ok(codec);
    }
    raise!(t, LookupError, "unknown encoding: {name}")
}

/// May `str.encode` and `bytes.decode` use the codec?
pub fn is_text_encoding(t: &Thread, codec: Ref<Tuple>) -> R<bool> {
    if codec.value().exact::<Tuple>().is_some() {
        return Ok(true);
    }
    match attr::get_attr_opt(t, codec.value(), Str::new(t, "_is_text_encoding").value())? {
        Some(v) => truth::truth(t, v),
        None => Ok(true),
    }
}

/// Adds a note to the current exception that tells which codec failed.
pub fn add_note(t: &Thread, action: &str, encoding: Ref<Str>) -> R<()> {
    let e = t.take_exception();
    let note = Str::new(t, &format!("{action} with '{}' codec failed", encoding.to_string_lossy()));
    if call::call_method_text(t, e, "add_note", &[note.value()]).is_err() {
        t.take_exception();
    }
    t.raise_value(e);
    Ok(())
}

fn errors(t: &Thread) -> R<Ref<Dict>> {
    if let Some(dict) = ERRORS.get(t).downcast::<Dict>() {
        return Ok(dict);
    }
    let dict = Dict::new(t);
    for (name, def) in handlers::HANDLERS {
        dict.set_text(t, name, BuiltinFunction::new(t, def, Value::NULL, Value::NULL).value())?;
    }
    ERRORS.set(t, dict.value());
    Ok(dict)
}

/// `codecs.register_error(name, handler)`
pub fn register_error(t: &Thread, name: Ref<Str>, handler: Value) -> R<()> {
    if !call::is_callable(handler) {
        raise!(t, TypeError, "handler must be callable")
    }
    errors(t)?.set_item(t, name.value(), handler)
}

/// `codecs._unregister_error(name)`: was there one?
pub fn unregister_error(t: &Thread, name: Ref<Str>) -> R<bool> {
    let text = name.to_string_lossy();
    if handlers::HANDLERS.iter().any(|(builtin, _)| *builtin == text) {
        raise!(t, ValueError, "cannot un-register built-in error handler '{text}'")
    }
    Ok(errors(t)?.remove(t, name.value())?.is_some())
}

/// `codecs.lookup_error(name)`; None is strict.
pub fn lookup_error(t: &Thread, name: Option<Ref<Str>>) -> R {
    let name = name.unwrap_or_else(|| Str::new(t, "strict"));
    match errors(t)?.get(t, name.value())? {
        Some(handler) => Ok(handler),
        None => raise!(t, LookupError, "unknown error handler name '{}'", name.to_string_lossy()),
    }
}

#[cfg(test)]
mod tests {
    use super::normalized;

    #[test]
    fn names() {
        assert_eq!(normalized("UTF-8"), "utf_8");
        assert_eq!(normalized(" Latin--1 "), "latin_1");
        assert_eq!(normalized("x.y-z"), "x.y_z");
    }
}
