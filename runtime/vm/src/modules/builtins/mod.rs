//! `builtins`: the functions, types and exceptions that every module sees.

use crate::modules::ModuleDef;
use crate::object::{R, Ref, ValueExt};
use crate::root::InterpreterRoot;
use crate::thread::Thread;
use crate::types::{Module, Type, builtin as b};
use crate::{exc, names};
use limpid_heap::Value;

mod attributes;
mod build_class;
mod characters;
mod code;
mod console;
mod import;
mod iteration;
mod numbers;
pub mod sum;

pub use build_class::build_class;

static FUNCTIONS: &[&[crate::args::FnDef]] = &[
    attributes::FUNCTIONS,
    build_class::FUNCTIONS,
    characters::FUNCTIONS,
    code::FUNCTIONS,
    console::FUNCTIONS,
    import::FUNCTIONS,
    iteration::FUNCTIONS,
    numbers::FUNCTIONS,
];

static MODULE: ModuleDef = ModuleDef {
    doc: "Built-in functions, types, exceptions, and other objects.\n\nThis module provides direct access to all 'built-in'\n\
          identifiers of Python; for example, builtins.len is\nthe full name for the built-in function len().\n\n\
          This module is not normally accessed explicitly by most\napplications, but can be useful in modules that provide\n\
          objects with the same name as a builtin and need the\nbuilt-in of that name.",
    ..ModuleDef::named("builtins")
};

const TYPES: &[Ref<Type>] = &[
    b::BOOL,
    b::MEMORYVIEW,
    b::BYTEARRAY,
    b::BYTES,
    b::CLASSMETHOD,
    b::COMPLEX,
    b::DICT,
    b::ENUMERATE,
    b::FILTER,
    b::FLOAT,
    b::FROZENSET,
    b::PROPERTY,
    b::INT,
    b::LIST,
    b::MAP,
    b::OBJECT,
    b::RANGE,
    b::REVERSED,
    b::SET,
    b::SLICE,
    b::STATICMETHOD,
    b::STR,
    b::SUPER,
    b::TUPLE,
    b::TYPE,
    b::ZIP,
];

/// A new module `builtins`. It lacks `open`, which [`add_open`] puts in when `io` can be imported.
pub fn create(t: &Thread) -> R<Ref<Module>> {
    let module = super::create_empty(t, &MODULE)?;
    let dict = module.dict();
    for f in FUNCTIONS.iter().copied().flatten() {
        let function = crate::types::BuiltinFunction::new(t, f, module.value(), names::builtins);
        dict.set_text(t, f.name, function.value())?;
    }
    for (name, value) in [
        ("None", Value::NONE),
        ("Ellipsis", Value::ELLIPSIS),
        ("NotImplemented", Value::NOT_IMPLEMENTED),
        ("False", Value::FALSE),
        ("True", Value::TRUE),
    ] {
        dict.set_text(t, name, value)?;
    }
    dict.set_name(t, names::__debug__, Value::bool(t.runtime().options.optimize == 0))?;
    for class in TYPES {
        dict.set_name(t, class.name.get(), class.value())?;
    }
    for (name, class) in exc::NAMED {
        dict.set_text(t, name, class.value())?;
    }
    sum::create_type(t)?;
    for (name, root) in &ORIGINALS {
        root.set(t, dict.get_text(t, name).unwrap_or(Value::NULL));
    }
    dict.set_text(t, "EnvironmentError", exc::OSError.value())?;
    dict.set_text(t, "IOError", exc::OSError.value())?;
    Ok(module)
}

/// Functions that the interpreter uses itself, whatever a program does to the module.
static ORIGINALS: [(&str, InterpreterRoot); 7] = [
    ("all", InterpreterRoot::new()),
    ("any", InterpreterRoot::new()),
    ("max", InterpreterRoot::new()),
    ("min", InterpreterRoot::new()),
    ("sorted", InterpreterRoot::new()),
    ("sum", InterpreterRoot::new()),
    ("__import__", InterpreterRoot::new()),
];

/// One of [`ORIGINALS`].
pub(super) fn original(t: &Thread, name: &str) -> Option<Value> {
    ORIGINALS.iter().find(|(n, _)| *n == name).and_then(|(_, root)| root.opt(t))
}

/// Can the object be asked for items by key? What namespaces must be.
fn is_mapping(v: Value) -> bool {
    v.class().slots().getitem.is_some()
}

/// Makes `open` be `io.open`.
pub fn add_open(t: &Thread, builtins: Ref<Module>) -> R<()> {
    let io = crate::modules::import::import_module(t, names::io)?;
    let open = crate::protocol::attr::get_attr(t, io, names::open)?;
    builtins.dict().set_name(t, names::open, open)
}
