//! Where the program comes from: arguments, paths, and what the import system looks through.

use crate::names;
use crate::object::{R, Ref};
use crate::thread::Thread;
use crate::types::{Dict, List, Str, ValueList};
use limpid_heap::Value;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Text from the operating system: UTF-8, other bytes as lone surrogates from U+DC80 on.
pub fn decode_filesystem(t: &Thread, bytes: &[u8]) -> R<Ref<Str>> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Str::try_new(t, text);
    }
    let mut chars = Vec::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        chars.extend(chunk.valid().chars().map(u32::from));
        chars.extend(chunk.invalid().iter().map(|b| 0xDC00 + u32::from(*b)));
    }
    Str::from_chars(t, chars.into_iter())
}

fn text(t: &Thread, s: impl AsRef<OsStr>) -> R {
    Ok(decode_filesystem(t, s.as_ref().as_bytes())?.value())
}

fn list(t: &Thread, items: impl IntoIterator<Item = impl AsRef<OsStr>>) -> R {
    let mut values = ValueList::new(t);
    for item in items {
        values.push(t, text(t, item)?);
    }
    Ok(List::from_slice(t, values.as_slice())?.value())
}

/// The folder that the program is installed in: above the folder `bin`, if it lies in one.
fn prefix(executable: &Path) -> &Path {
    match executable.parent() {
        Some(folder) if folder.file_name().is_some_and(|n| n == "bin") => folder.parent().unwrap_or(folder),
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("/usr/local"),
    }
}

/// Adds arguments and paths.
pub(super) fn add(t: &Thread, dict: Ref<Dict>) -> R<()> {
    let o = &t.runtime().options;
    let set = |name: &str, v: Value| dict.set_text(t, name, v);
    set("argv", list(t, &o.argv)?)?;
    set("orig_argv", list(t, &o.orig_argv)?)?;
    set("path", list(t, &o.path)?)?;
    set("warnoptions", list(t, &o.warn_options)?)?;
    let x_options = Dict::new(t);
    for (name, value) in &o.x_options {
        let value = match value {
            Some(value) => text(t, value)?,
            None => Value::TRUE,
        };
        x_options.set_text(t, name, value)?;
    }
    set("_xoptions", x_options.value())?;
    let executable = text(t, &o.executable)?;
    set("executable", executable)?;
    set("_base_executable", executable)?;
    let prefix = text(t, prefix(Path::new(&o.executable)))?;
    for name in ["prefix", "exec_prefix", "base_prefix", "base_exec_prefix"] {
        set(name, prefix)?;
    }
    set("platlibdir", text(t, "lib")?)?;
    set("_stdlib_dir", Value::NONE)?;
    set("_home", Value::NONE)?;
    set("dont_write_bytecode", Value::bool(o.dont_write_bytecode))?;
    let pycache_prefix = match o.x_options.iter().find(|(name, _)| name == "pycache_prefix") {
        Some((_, Some(folder))) if !folder.is_empty() => text(t, folder)?,
        Some(_) => Value::NONE,
        None => match std::env::var_os("PYTHONPYCACHEPREFIX").filter(|v| !o.ignore_environment && !v.is_empty()) {
            Some(folder) => text(t, folder)?,
            None => Value::NONE,
        },
    };
    set("pycache_prefix", pycache_prefix)?;
    dict.set_name(t, names::meta_path, List::new(t).value())?;
    dict.set_name(t, names::path_hooks, List::new(t).value())?;
    dict.set_name(t, names::path_importer_cache, Dict::new(t).value())
}
