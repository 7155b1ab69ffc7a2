//! `_library`: what `_libraryimport` needs to import from the embedded library.

use super::{CODE, entries, file, is_folder};
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::embedded;
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::raise;
use limpid_vm::root::Root;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Bytes, Code, List, Str, Tuple};
use std::borrow::Cow;

/// The module.
pub static MODULE: ModuleDef = ModuleDef {
    doc: "The Python part of the standard library, which the program carries in itself. Paths are relative to its root.",
    functions: &[
        FnDef::def("is_file", "path, /", |t, a| Ok(Value::bool(file(&path(t, a[0])?).is_some()))).doc("Is there a file with this path?"),
        FnDef::def("is_folder", "path, /", |t, a| Ok(Value::bool(is_folder(&path(t, a[0])?)))).doc("Is there a folder with this path?"),
        FnDef::def("entries", "folder, /", list_entries)
            .doc("The names of what a folder contains, those of folders with a slash behind them."),
        FnDef::def("data", "path, /", data).doc("What is in a file; None if there is none."),
        FnDef::def("command", "", |_, _| Ok(COMMAND.opt().unwrap_or(Value::NONE)))
            .doc("The code and the text of the program that was given on the command line; None if there was none."),
        FnDef::def("code", "path, filename, /", code).doc("The code object of a module; None if there is none."),
    ],
    ..ModuleDef::named("_library")
};

static COMMAND: Root = Root::new();

/// Remembers a program that stands in no file. `linecache` asks for it when it is imported, so that tracebacks can show its lines.
pub fn set_command(t: &Thread, code: Ref<Code>, text: &str) {
    COMMAND.set(Tuple::from_slice(t, &[code.value(), Str::new(t, text).value()]).value());
}

fn path<'a>(t: &Thread, v: Value) -> R<Cow<'a, str>> {
    match v.downcast::<Str>() {
        Some(s) => Ok(Cow::Owned(s.to_string_lossy().into_owned())),
        None => raise!(t, TypeError, "path must be str, not {}", v.class().display_name()),
    }
}

fn list_entries(t: &Thread, a: &[Value]) -> R {
    let list = List::new(t);
    for name in entries(&path(t, a[0])?) {
        list.append(t, Str::new(t, name).value())?;
    }
    Ok(list.value())
}

fn data(t: &Thread, a: &[Value]) -> R {
    match file(&path(t, a[0])?) {
        Some(file) => Ok(Bytes::from_slice(t, &file.read())?.value()),
        None => Ok(Value::NONE),
    }
}

fn code(t: &Thread, a: &[Value]) -> R {
    let Some(module) = file(&path(t, a[0])?).and_then(|f| f.code()) else { return Ok(Value::NONE) };
    let filename = path(t, a[1])?;
    match embedded::decode(CODE, module) {
        Ok(mut data) => {
            set_filename(&mut data, &filename);
            Ok(Code::from_data(t, &data)?.value())
        }
        Err(error) => raise!(t, ImportError, "{error}"),
    }
}

fn set_filename(data: &mut limpid_bytecode::CodeData, filename: &str) {
    data.filename = filename.to_owned();
    for c in &mut data.consts {
        if let limpid_bytecode::Constant::Code(inner) = c {
            set_filename(inner, filename);
        }
    }
}
