//! Code at run time: compile, eval, exec, and the namespaces it runs in.

use crate::args::FnDef;
use crate::interp::{calls, run_code};
use crate::modules::source::{self, Mode};
use crate::modules::sys;
use crate::names;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::number;
use crate::thread::Thread;
use crate::types::{Cell, Code, Dict, Tuple, frame, int};
use limpid_heap::Value;

pub(super) const FUNCTIONS: &[FnDef] = &[
    FnDef::def("compile", "source, filename, mode, flags=0, dont_inherit=False, optimize=-1, *, _feature_version=-1", compile).doc(
        "Compile source into a code object that can be executed by exec() or eval().\n\nThe source code may represent a Python module, \
         statement or expression.\nThe filename will be used for run-time error messages.\nThe mode must be 'exec' to compile a module, \
         'single' to compile a\nsingle (interactive) statement, or 'eval' to compile an expression.\nThe flags argument, if present, \
         controls which future statements influence\nthe compilation of the code.\nThe dont_inherit argument, if true, stops the \
         compilation inheriting\nthe effects of any future statements in effect in the code calling\ncompile; if absent or false these \
         statements do influence the compilation,\nin addition to any features explicitly specified.",
    ),
    FnDef::def("eval", "source, /, globals=None, locals=None", eval).doc(
        "Evaluate the given source in the context of globals and locals.\n\nThe source may be a string representing a Python \
         expression\nor a code object as returned by compile().\nThe globals must be a dictionary and locals can be any mapping,\n\
         defaulting to the current globals and locals.\nIf only globals is given, locals defaults to it.",
    ),
    FnDef::def("exec", "source, /, globals=None, locals=None, *, closure=None", exec).doc(
        "Execute the given source in the context of globals and locals.\n\nThe source may be a string representing one or more Python \
         statements\nor a code object as returned by compile().\nThe globals must be a dictionary and locals can be any mapping,\n\
         defaulting to the current globals and locals.\nIf only globals is given, locals defaults to it.\nThe closure must be a tuple \
         of cellvars, and can only be used\nwhen source is a code object requiring exactly that many cellvars.",
    ),
    FnDef::def("globals", "", |t, _| current_globals(t).map(|g| g.value())).doc(
        "Return the dictionary containing the current scope's global variables.\n\nNOTE: Updates to this dictionary *will* affect name \
         lookups in the current\nglobal scope and vice-versa.",
    ),
    FnDef::def("locals", "", |t, _| current_locals(t)).doc(
        "Return a dictionary containing the current scope's local variables.\n\nNOTE: Whether or not updates to this dictionary will \
         affect name lookups in\nthe local scope and vice-versa is *implementation dependent* and not\ncovered by any backwards \
         compatibility guarantees.",
    ),
];

/// The global variables of the Python code that runs.
pub(super) fn current_globals(t: &Thread) -> R<Ref<Dict>> {
    match t.current_frame() {
        Some(f) => Ok(f.function().globals()),
        None => raise!(t, SystemError, "globals() called when no Python code runs"),
    }
}

/// The local variables of the Python code that runs.
pub(super) fn current_locals(t: &Thread) -> R {
    match t.current_frame() {
        Some(f) => frame::object_of(t, f).locals(t),
        None => raise!(t, SystemError, "frame does not exist"),
    }
}

/// The namespaces for `eval` and `exec`.
fn namespaces(t: &Thread, function: &str, globals: Value, locals: Value) -> R<(Ref<Dict>, Value)> {
    let given = |v: Value| v.non_null().filter(|v| !v.is_none());
    let (globals, locals) = match (given(globals), given(locals)) {
        (None, locals) => {
            let Some(f) = t.current_frame() else { raise!(t, SystemError, "globals and locals cannot be NULL") };
            let locals = match locals {
                Some(locals) => locals,
                None => frame::object_of(t, f).locals(t)?,
            };
            (f.function().globals(), locals)
        }
        (Some(globals), locals) => {
            let Some(dict) = globals.downcast::<Dict>() else {
                let class = globals.class().display_name();
                match function {
                    "exec" => raise!(t, TypeError, "exec() globals must be a dict, not {class}"),
                    _ if super::is_mapping(globals) => {
                        raise!(t, TypeError, "globals must be a real dict; try eval(code, {{}}, mapping)")
                    }
                    _ => raise!(t, TypeError, "globals must be a dict"),
                }
            };
            (dict, locals.unwrap_or(globals))
        }
    };
    if !super::is_mapping(locals) {
        let class = locals.class().display_name();
        match function {
            "exec" => raise!(t, TypeError, "locals must be a mapping or None, not {class}"),
            _ => raise!(t, TypeError, "locals must be a mapping"),
        }
    }
    calls::builtins_of(t, globals)?;
    Ok((globals, locals))
}

fn eval(t: &Thread, a: &[Value]) -> R {
    let (globals, locals) = namespaces(t, "eval", a[1], a[2])?;
    if let Some(code) = a[0].exact::<Code>() {
        sys::audit(t, "exec", &[a[0]])?;
        if code.nfree > 0 {
            raise!(t, TypeError, "code object passed to eval() may not contain free variables")
        }
        return run_code(t, code, globals, locals, Value::NULL);
    }
    let text = source::text_of(t, a[0], "eval", "string, bytes or code", names::string_file)?;
    let text = text.trim_start_matches([' ', '\t']);
    let options = source::Options { flags: source::inherited_flags(t), ..source::Options::new(t, names::string_file, Mode::Eval) };
    let code = source::compile(t, text, &options)?;
    run_code(t, code, globals, locals, Value::NULL)
}

fn exec(t: &Thread, a: &[Value]) -> R {
    let (globals, locals) = namespaces(t, "exec", a[1], a[2])?;
    let closure = a[3].non_null().filter(|c| !c.is_none());
    if let Some(code) = a[0].exact::<Code>() {
        let closure = checked_closure(t, code, closure)?;
        sys::audit(t, "exec", &[a[0]])?;
        run_code(t, code, globals, locals, closure)?;
        return Ok(Value::NONE);
    }
    if closure.is_some() {
        raise!(t, TypeError, "closure can only be used when source is a code object")
    }
    let text = source::text_of(t, a[0], "exec", "string, bytes or code", names::string_file)?;
    let options = source::Options { flags: source::inherited_flags(t), ..source::Options::new(t, names::string_file, Mode::Exec) };
    let code = source::compile(t, &text, &options)?;
    run_code(t, code, globals, locals, Value::NULL)?;
    Ok(Value::NONE)
}

fn checked_closure(t: &Thread, code: Ref<Code>, closure: Option<Value>) -> R {
    let wanted = code.nfree as usize;
    if wanted == 0 {
        return match closure {
            Some(_) => raise!(t, TypeError, "cannot use a closure with this code object"),
            None => Ok(Value::NULL),
        };
    }
    let is_right =
        |c: &Value| c.exact::<Tuple>().is_some_and(|c| c.len() == wanted && c.as_slice().iter().all(|cell| cell.exact::<Cell>().is_some()));
    match closure.filter(is_right) {
        Some(closure) => Ok(closure),
        None => raise!(t, TypeError, "code object requires a closure of exactly length {wanted}"),
    }
}

fn compile(t: &Thread, a: &[Value]) -> R {
    let filename = crate::modules::source::file_name(t, a[1])?;
    let mode = match a[2].downcast::<crate::types::Str>() {
        Some(mode) => mode.to_string_lossy().into_owned(),
        None => raise!(t, TypeError, "compile() argument 'mode' must be str, not {}", a[2].class().display_name()),
    };
    let number = |v: Value, default: i32| match v.non_null() {
        Some(v) => number::index(t, v).and_then(|i| int::to_i32(t, i)),
        None => Ok(default),
    };
    let flags = number(a[3], 0)?;
    let dont_inherit = match a[4].non_null() {
        Some(v) => crate::protocol::truth::truth(t, v)?,
        None => false,
    };
    let optimize = number(a[5], -1)?;
    let feature_version = number(a[6], -1)?;
    if flags & !source::flags::KNOWN != 0 {
        raise!(t, ValueError, "compile(): unrecognised flags")
    }
    if !(-1..=2).contains(&optimize) {
        raise!(t, ValueError, "compile(): invalid optimize value")
    }
    let only_ast = flags & source::flags::ONLY_AST != 0;
    let mode = match &*mode {
        "exec" => Mode::Exec,
        "eval" => Mode::Eval,
        "single" => Mode::Single,
        "func_type" if only_ast => Mode::FunctionType,
        "func_type" => raise!(t, ValueError, "compile() mode 'func_type' requires flag PyCF_ONLY_AST"),
        _ if only_ast => raise!(t, ValueError, "compile() mode must be 'exec', 'eval', 'single' or 'func_type'"),
        _ => raise!(t, ValueError, "compile() mode must be 'exec', 'eval' or 'single'"),
    };
    let mut options = source::Options::new(t, filename, mode);
    options.flags = flags | if dont_inherit { 0 } else { source::inherited_flags(t) };
    options.feature_version = feature_version;
    if optimize >= 0 {
        options.optimize = optimize as u32;
    }
    source::compile_value(t, a[0], &options)
}
