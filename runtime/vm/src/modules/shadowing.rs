//! Modules that stand in the way of others: a program's own `random.py` next to it hides the library's. Errors about what such a module
//! lacks say so.

use super::sys;
use crate::names;
use crate::object::{R, ValueExt};
use crate::protocol::{attr, text, truth};
use crate::thread::Thread;
use crate::types::{Str, builtin, set};
use limpid_heap::Value;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The folder that the start of the program has put first in `sys.path`; empty for the current one.
static PROGRAM_FOLDER: OnceLock<PathBuf> = OnceLock::new();

/// Remembers which folder was put first in `sys.path` for the program's sake.
pub fn set_program_folder(folder: &Path) {
    // The first program of the process is the one that counts.
    let _ = PROGRAM_FOLDER.set(folder.to_owned());
}

/// What the file of a module with this name and spec may stand in the way of, to be put behind a message; None if nothing.
/// Of modules that are not the library's that is guessed while they are `initializing` only.
pub fn hint(t: &Thread, module: Value, spec: Value, initializing: bool) -> R<Option<String>> {
    let Some(origin) = file_of(t, spec)? else { return Ok(None) };
    let Some(path) = origin.downcast::<Str>().map(|s| s.to_string_lossy().into_owned()) else { return Ok(None) };
    if !lies_in_program_folder(Path::new(&path)) {
        return Ok(None);
    }
    let shown = text::repr(t, origin)?;
    let names = sys::attribute(t, crate::types::str::intern(t, "stdlib_module_names")).and_then(set::as_set);
    if let Some(names) = names
        && names.contains(t, module)?
    {
        let name = text::repr(t, module)?.to_string_lossy().into_owned();
        return Ok(Some(format!(
            " (consider renaming {} since it has the same name as the standard library module named {name} and prevents importing that \
             standard library module)",
            shown.to_string_lossy()
        )));
    }
    let guess = || format!(" (consider renaming {} if it has the same name as a library you intended to import)", shown.to_string_lossy());
    Ok(initializing.then(guess))
}

/// The file that a spec says its module is from.
pub fn file_of(t: &Thread, spec: Value) -> R<Option<Value>> {
    if spec.is_none() {
        return Ok(None);
    }
    match attr::get_attr_opt(t, spec, names::has_location)? {
        Some(has) if truth::truth(t, has)? => Ok(attr::get_attr_opt(t, spec, names::origin)?.filter(|o| o.is_instance(builtin::STR))),
        _ => Ok(None),
    }
}

/// Would a module in this file, or a package with this `__init__.py`, be found in the program's folder?
fn lies_in_program_folder(file: &Path) -> bool {
    let Some(folder) = PROGRAM_FOLDER.get() else { return false };
    let Some(parent) = file.parent() else { return false };
    let place = if file.file_name().is_some_and(|name| name == "__init__.py") { parent.parent() } else { Some(parent) };
    match std::env::current_dir() {
        Ok(current) if folder.as_os_str().is_empty() => place == Some(&current),
        _ => place == Some(folder),
    }
}
