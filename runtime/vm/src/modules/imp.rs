//! `_imp`: what `importlib._bootstrap` needs of the interpreter: native and frozen modules, the import lock.

use crate::args::FnDef;
use crate::modules::{self, ModuleDef};
use crate::object::{R, Ref, ValueExt};
use crate::protocol::{attr, text};
use crate::runtime::{FrozenModule, modules as loaded_modules};
use crate::thread::Thread;
use crate::types::{Bytes, Code, List, Module, Str, Tuple, ValueList, builtin, int};
use crate::{embedded, exc, interpreter, names};
use limpid_bytecode::CodeData;
use limpid_bytecode::marshal;
use limpid_heap::Value;
use siphasher::sip::SipHasher13;

/// The declaration of the module.
pub static MODULE: ModuleDef = ModuleDef {
    doc: "(Extremely) low-level import machinery bits as used by importlib.",
    functions: FUNCTIONS,
    init,
    ..ModuleDef::named("_imp")
};

const FUNCTIONS: &[FnDef] = &[
    FnDef::def("_fix_co_filename", "code, path, /", fix_co_filename)
        .doc("Changes code.co_filename to specify the passed-in file name."),
    FnDef::def("_frozen_module_names", "", |t, _| {
        let mut list = ValueList::new(t);
        (t.runtime().frozen.names)().iter().for_each(|n| list.push(t, Str::new(t, n).value()));
        Ok(List::from_slice(t, list.as_slice())?.value())
    })
    .doc("Returns the list of available frozen modules."),
    FnDef::def("_override_frozen_modules_for_tests", "override, /", |t, a| {
        // The library exists in this form only, so there is nothing to choose between.
        int::to_i64(t, a[0])?;
        Ok(Value::NONE)
    })
    .doc("(internal-only) Override PyConfig.use_frozen_modules."),
    FnDef::def("_override_multi_interp_extensions_check", "override, /", |t, a| {
        int::to_i64(t, a[0])?;
        Ok(Value::int(0))
    })
    .doc("(internal-only) Override PyInterpreterConfig.check_multi_interp_extensions."),
    FnDef::def("acquire_lock", "", |t, _| {
        t.interpreter().import_lock.acquire(t);
        Ok(Value::NONE)
    })
    .doc("Acquires the interpreter's import lock for the current thread.\n\nThis lock should be used by import hooks to ensure thread-safety when importing modules. On platforms without threads, this function does nothing."),
    FnDef::def("create_builtin", "spec, /", create_builtin).doc("Create an extension module."),
    FnDef::def("exec_builtin", "mod, /", |_, _| Ok(Value::int(0))).doc("Initialize a built-in module."),
    FnDef::def("extension_suffixes", "", |t, _| Ok(List::new(t).value()))
        .doc("Returns the list of file suffixes used to identify extension modules."),
    FnDef::def("find_frozen", "name, /, *, withdata=False", find_frozen).doc(
        "Return info about the corresponding frozen module (if there is one) or None.\n\nThe returned info (a 2-tuple):\n\n * data         \
         the raw marshalled bytes\n * is_package   whether or not it is a package\n * origname     the originally frozen module's name, or \
         None if not\n                a stdlib module (this will usually be the same as\n                the module's current name)",
    ),
    FnDef::def("get_frozen_object", "name, data=None, /", get_frozen_object).doc("Create a code object for a frozen module."),
    FnDef::def("init_frozen", "name, /", init_frozen).doc("Initializes a frozen module."),
    FnDef::def("is_builtin", "name, /", |t, a| Ok(Value::int(is_native(&text(t, a[0], "is_builtin")?))))
        .doc("Returns True if the module name corresponds to a built-in module."),
    FnDef::def("is_frozen", "name, /", |t, a| Ok(Value::bool(frozen(t, &text(t, a[0], "is_frozen")?).is_some())))
        .doc("Returns True if the module name corresponds to a frozen module."),
    FnDef::def("is_frozen_package", "name, /", |t, a| {
        Ok(Value::bool(require_frozen(t, a[0], "is_frozen_package")?.is_package))
    })
    .doc("Returns True if the module name is of a frozen package."),
    FnDef::def("lock_held", "", |t, _| Ok(Value::bool(t.interpreter().import_lock.is_held(t))))
        .doc("Return True if the import lock is currently held, else False.\n\nOn platforms without threads, return False."),
    FnDef::def("release_lock", "", |t, _| {
        if !t.interpreter().import_lock.release(t) {
            raise!(t, RuntimeError, "not holding the import lock")
        }
        Ok(Value::NONE)
    })
    .doc("Release the interpreter's import lock.\n\nOn platforms without threads, this function does nothing."),
    FnDef::def("source_hash", "key, source", source_hash),
];

/// What compiled files begin with: two bytes that tell instruction sets and formats apart, and a line end that survives no text conversion.
pub const MAGIC_TOKEN: i64 = {
    let set = marshal::INSTRUCTION_SET ^ marshal::FORMAT_VERSION;
    ((set ^ set >> 16) & 0xFFFF) as i64 | 0x0A0D_0000
};

fn init(t: &Thread, module: Ref<Module>) -> R<()> {
    let dict = module.dict();
    dict.set_text(t, "check_hash_based_pycs", Str::new(t, "default").value())?;
    dict.set_text(t, "pyc_magic_number_token", Value::int(MAGIC_TOKEN))
}

fn text(t: &Thread, v: Value, function: &str) -> R<String> {
    match v.downcast::<Str>() {
        Some(s) => Ok(s.to_string_lossy().into_owned()),
        None => raise!(t, TypeError, "{function}() argument must be str, not {}", v.class().display_name()),
    }
}

// ---- native modules ----

/// -1 for modules that are made once, at start-up; 1 for others.
fn is_native(name: &str) -> i64 {
    match name {
        "builtins" | "sys" => -1,
        _ => modules::find(name).is_some().into(),
    }
}

/// Makes the native module that a spec names; None if there is none.
fn create_builtin(t: &Thread, a: &[Value]) -> R {
    let name = attr::get_attr(t, a[0], names::name)?;
    let text = text(t, name, "create_builtin")?;
    if let "builtins" | "sys" = &*text {
        return Ok(modules::startup_module(t, &text).unwrap_or(Value::NONE));
    }
    match modules::find(&text) {
        Some(def) => Ok(modules::create(t, def)?.value()),
        None => Ok(Value::NONE),
    }
}

// ---- frozen modules ----

fn frozen(t: &Thread, name: &str) -> Option<FrozenModule> {
    (t.runtime().frozen.find)(name)
}

fn require_frozen(t: &Thread, name: Value, function: &str) -> R<FrozenModule> {
    let text = text(t, name, function)?;
    match frozen(t, &text) {
        Some(module) => Ok(module),
        None => Err(raise_not_frozen(t, name)),
    }
}

fn raise_not_frozen(t: &Thread, name: Value) -> crate::object::Raised {
    let shown = name.downcast::<Str>().map_or_else(String::new, |s| s.to_string_lossy().into_owned());
    exc::raise_import_error(t, exc::ImportError, &format!("No such frozen object named {shown}"), name, Value::NULL)
}

fn find_frozen(t: &Thread, a: &[Value]) -> R {
    let name = text(t, a[0], "find_frozen")?;
    let Some(module) = frozen(t, &name) else { return Ok(Value::NONE) };
    let data = match a[1].non_null() {
        Some(wanted) if crate::protocol::truth::truth(t, wanted)? => Bytes::from_slice(t, module.code)?.value(),
        _ => Value::NONE,
    };
    let origname = module.origname.map_or(Value::NONE, |name| Str::new(t, name).value());
    Ok(Tuple::from_slice(t, &[data, Value::bool(module.is_package), origname]).value())
}

/// The code object of a frozen module.
pub fn frozen_code(t: &Thread, name: Value) -> R<Ref<Code>> {
    let module = require_frozen(t, name, "get_frozen_object")?;
    code_from(t, embedded::decode(t.runtime().frozen.code, module.code), name)
}

fn code_from(t: &Thread, data: Result<CodeData, marshal::Error>, name: Value) -> R<Ref<Code>> {
    match data {
        Ok(data) => Code::from_data(t, &data),
        Err(_) => {
            let shown = text::repr(t, name)?.to_string_lossy().into_owned();
            Err(exc::raise_import_error(t, exc::ImportError, &format!("Frozen object named {shown} is invalid"), name, Value::NULL))
        }
    }
}

fn get_frozen_object(t: &Thread, a: &[Value]) -> R {
    match a[1].non_null().filter(|d| !d.is_none()) {
        Some(data) => {
            let data = crate::types::bytes::from_buffer(t, data)?;
            // SAFETY: the function gives bytes.
            let data = unsafe { Ref::<Bytes>::from_value(data) };
            Ok(code_from(t, marshal::decode(data.as_slice()), a[0])?.value())
        }
        None => Ok(frozen_code(t, a[0])?.value()),
    }
}

/// Makes and runs a frozen module; it is in `sys.modules` afterwards.
pub fn import_frozen(t: &Thread, name: Value, code_name: Value) -> R<Ref<Module>> {
    let code = frozen_code(t, code_name)?;
    let module = Module::new(t, name)?;
    loaded_modules(t).set_item(t, name, module.value())?;
    let dict = module.dict();
    dict.set_name(t, names::__builtins__, t.interpreter().builtins.get())?;
    dict.set_text(t, "__origname__", code_name)?;
    crate::interp::run_code(t, code, dict, Value::NULL, Value::NULL)?;
    Ok(module)
}

fn init_frozen(t: &Thread, a: &[Value]) -> R {
    let name = text(t, a[0], "init_frozen")?;
    let Some(found) = frozen(t, &name) else { return Ok(Value::NONE) };
    let module = import_frozen(t, a[0], a[0])?;
    if found.is_package {
        module.dict().set_name(t, names::__path__, List::new(t).value())?;
    }
    Ok(module.value())
}

// ---- the rest ----

/// To be called before a fork: so no other thread is in the middle of something that the import lock guards.
pub fn before_fork(t: &Thread) {
    t.interpreter().import_lock.acquire(t);
}

/// To be called after it, in both processes.
pub fn after_fork(t: &Thread) {
    t.interpreter().import_lock.release(t);
}

/// In the child of a fork: the locks of other interpreters are free.
pub fn after_fork_child(t: &Thread) {
    interpreter::all(t).iter().for_each(|i| i.import_lock.after_fork_child(t));
}

fn fix_co_filename(t: &Thread, a: &[Value]) -> R {
    let Some(code) = a[0].exact::<Code>() else {
        raise!(t, TypeError, "_fix_co_filename() argument 1 must be code, not {}", a[0].class().display_name())
    };
    if !a[1].is_instance(builtin::STR) {
        raise!(t, TypeError, "_fix_co_filename() argument 2 must be str, not {}", a[1].class().display_name())
    }
    let old = code.filename.get();
    if !crate::protocol::compare::values_equal(t, old, a[1])? {
        replace_filename(t, code, old, a[1])?;
    }
    Ok(Value::NONE)
}

/// Changes the file of a code object and of those among its constants that come from the same file.
fn replace_filename(t: &Thread, code: Ref<Code>, old: Value, new: Value) -> R<()> {
    if !crate::protocol::compare::values_equal(t, code.filename.get(), old)? {
        return Ok(());
    }
    code.filename.set(t, code, new);
    // SAFETY: the field is a tuple.
    let consts = unsafe { Ref::<Tuple>::from_value(code.consts.get()) };
    consts.as_slice().iter().filter_map(|c| c.exact::<Code>()).try_for_each(|c| replace_filename(t, c, old, new))
}

fn source_hash(t: &Thread, a: &[Value]) -> R {
    let key = int::to_i64(t, a[0])?;
    let source = crate::types::bytes::from_buffer(t, a[1])?;
    // SAFETY: the function gives bytes.
    let source = unsafe { Ref::<Bytes>::from_value(source) };
    let h = SipHasher13::new_with_keys(key as u64, 0).hash(source.as_slice());
    Ok(Bytes::from_slice(t, &h.to_le_bytes())?.value())
}
