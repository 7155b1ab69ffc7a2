//! What the interpreter calls back: displaying values, uncaught exceptions, breakpoints, async generators.

use crate::args::{Args, FnDef};
use crate::error_report;
use crate::names;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::{attr, call, text};
use crate::root::TypeCell;
use crate::thread::{Thread, ThreadSlot};
use crate::types::struct_sequence::{self, StructSequenceDef};
use crate::types::{Dict, Str, int};
use crate::{exc, runtime};
use limpid_heap::Value;
use std::sync::atomic::Ordering;

pub(super) const FUNCTIONS: &[FnDef] = &[
    FnDef::raw("breakpointhook", "*args, **kws", breakpoint_hook)
        .doc("breakpointhook(*args, **kws)\n\nThis hook function is called by built-in breakpoint()."),
    FnDef::def("displayhook", "object, /", display_hook).doc("Print an object to sys.stdout and also save it in builtins._"),
    FnDef::def("excepthook", "exctype, value, traceback, /", |t, a| {
        error_report::default_excepthook(t, a[1], a[2]);
        Ok(Value::NONE)
    })
    .doc("Handle an exception by displaying it with a traceback on sys.stderr."),
    FnDef::def("exit", "status=None, /", exit).doc(
        "Exit the interpreter by raising SystemExit(status).\n\nIf the status is omitted or None, it defaults to zero (i.e., success).\n\
         If the status is an integer, it will be used as the system exit status.\nIf it is another kind of object, it will be printed and \
         the system\nexit status will be one (i.e., failure).",
    ),
    FnDef::def("get_asyncgen_hooks", "", get_asyncgen_hooks)
        .doc("Return the installed asynchronous generators hooks.\n\nThis returns a namedtuple of the form (firstiter, finalizer)."),
    FnDef::def("get_coroutine_origin_tracking_depth", "", |t, _| {
        Ok(Value::int(t.interpreter().coroutine_origin_depth.load(Ordering::Relaxed).into()))
    })
    .doc("Check status of origin tracking for coroutine objects in this thread."),
    FnDef::def("set_asyncgen_hooks", "firstiter=<unrepresentable>, finalizer=<unrepresentable>", set_asyncgen_hooks)
        .doc("set_asyncgen_hooks([firstiter] [, finalizer])\n\nSet a finalizer for async generators objects."),
    FnDef::def("set_coroutine_origin_tracking_depth", "depth", set_origin_depth).doc(
        "Enable or disable origin tracking for coroutine objects in this thread.\n\nCoroutine objects will track 'depth' frames of \
         traceback information\nabout where they came from, available in their cr_origin attribute.\n\nSet a depth of 0 to disable.",
    ),
    FnDef::def("unraisablehook", "unraisable, /", |t, a| {
        error_report::default_unraisable_hook(t, a[0])?;
        Ok(Value::NONE)
    })
    .doc(
        "Handle an unraisable exception.\n\nThe unraisable argument has the following attributes:\n\n* exc_type: Exception type.\n* \
         exc_value: Exception value, can be None.\n* exc_traceback: Exception traceback, can be None.\n* err_msg: Error message, can be \
         None.\n* object: Object causing the exception, can be None.",
    ),
];

static ASYNCGEN_HOOKS: StructSequenceDef =
    StructSequenceDef { name: "asyncgen_hooks", doc: "", fields: &[("firstiter", ""), ("finalizer", "")], visible: 2, instantiable: true };
static ASYNCGEN_HOOKS_TYPE: TypeCell = TypeCell::new();

/// Keeps the hooks as they are under their second names.
pub(super) fn add(t: &Thread, dict: Ref<Dict>) -> R<()> {
    for name in ["displayhook", "excepthook", "breakpointhook", "unraisablehook"] {
        if let Some(hook) = dict.get_text(t, name) {
            dict.set_text(t, &format!("__{name}__"), hook)?;
        }
    }
    dict.set_text(t, "UnraisableHookArgs", error_report::create_unraisable_args(t)?)?;
    struct_sequence::create_type(t, &ASYNCGEN_HOOKS, &ASYNCGEN_HOOKS_TYPE).map(drop)
}

fn exit(t: &Thread, a: &[Value]) -> R {
    let status = a[0].non_null().unwrap_or(Value::NONE);
    let args: &[Value] = if status.is_none() { &[] } else { &[status] };
    // A tuple is the constructor's arguments, as where exceptions are raised by class and value.
    match status.downcast::<crate::types::Tuple>() {
        Some(tuple) => Err(t.raise_with(exc::SystemExit, tuple.as_slice())),
        None => Err(t.raise_with(exc::SystemExit, args)),
    }
}

fn display_hook(t: &Thread, a: &[Value]) -> R {
    let Some(builtins) = runtime::modules(t).get(t, names::builtins)? else { raise!(t, RuntimeError, "lost builtins module") };
    if a[0].is_none() {
        return Ok(Value::NONE);
    }
    // Printing may show `_` again.
    attr::set_attr(t, builtins, names::underscore, Value::NONE)?;
    let Some(out) = super::attribute(t, names::stdout).filter(|f| !f.is_none()) else { raise!(t, RuntimeError, "lost sys.stdout") };
    let shown = text::repr(t, a[0])?;
    if call::call_method(t, out, names::write, &[shown.value()]).is_err() {
        t.catch(exc::UnicodeEncodeError)?;
        write_escaped(t, out, shown)?;
    }
    call::call_method(t, out, names::write, &[names::newline])?;
    attr::set_attr(t, builtins, names::underscore, a[0])?;
    Ok(Value::NONE)
}

/// Writes text with escapes for what the file's encoding does not have.
fn write_escaped(t: &Thread, out: Value, shown: Ref<Str>) -> R<()> {
    let encoding = attr::get_attr(t, out, names::encoding)?;
    let escape = Str::new(t, "backslashreplace").value();
    let bytes = call::call_method(t, shown.value(), names::encode, &[encoding, escape])?;
    match attr::get_attr_opt(t, out, names::buffer)? {
        Some(buffer) => call::call_method(t, buffer, names::write, &[bytes])?,
        None => {
            let escaped = call::call_method(t, bytes, names::decode, &[encoding, names::strict])?;
            call::call_method(t, out, names::write, &[escaped])?
        }
    };
    Ok(())
}

fn breakpoint_hook(t: &Thread, args: Args<'_>) -> R {
    let chosen = std::env::var("PYTHONBREAKPOINT").ok().filter(|_| !t.runtime().options.ignore_environment);
    let target = match chosen.as_deref() {
        Some("0") => return Ok(Value::NONE),
        None | Some("") => "pdb.set_trace".to_owned(),
        Some(other) => other.to_owned(),
    };
    let (module, function) = target.rsplit_once('.').unwrap_or(("builtins", &target));
    let found = crate::modules::import::import_text(t, module).and_then(|m| attr::get_attr_text(t, m, function));
    match found {
        Ok(hook) => call::call_args(t, hook, args),
        Err(raised) => {
            if !t.exception_is(exc::ImportError) && !t.exception_is(exc::AttributeError) && !t.exception_is(exc::ValueError) {
                return Err(raised);
            }
            t.take_exception();
            let message = format!("Ignoring unimportable $PYTHONBREAKPOINT: \"{target}\"");
            crate::modules::warnings::warn(t, exc::RuntimeWarning, &message, 1)?;
            Ok(Value::NONE)
        }
    }
}

fn get_asyncgen_hooks(t: &Thread, _: &[Value]) -> R {
    let hook = |slot| t.slot(slot).unwrap_or(Value::NONE);
    let values = [hook(ThreadSlot::AsyncGenFirstIter), hook(ThreadSlot::AsyncGenFinalizer)];
    struct_sequence::create(t, ASYNCGEN_HOOKS_TYPE.get(), &values)
}

fn set_asyncgen_hooks(t: &Thread, a: &[Value]) -> R {
    let checked = |v: Value, what: &str| -> R<Option<Value>> {
        match v.non_null() {
            Some(v) if !v.is_none() && !call::is_callable(v) => {
                raise!(t, TypeError, "callable {what} expected, got {}", v.class().display_name())
            }
            v => Ok(v),
        }
    };
    let finalizer = checked(a[1], "finalizer")?;
    let first = checked(a[0], "firstiter")?;
    for (v, slot, event) in [
        (finalizer, ThreadSlot::AsyncGenFinalizer, "sys.set_asyncgen_hooks_finalizer"),
        (first, ThreadSlot::AsyncGenFirstIter, "sys.set_asyncgen_hooks_firstiter"),
    ] {
        if let Some(v) = v {
            super::audit(t, event, &[])?;
            t.set_slot(slot, if v.is_none() { Value::NULL } else { v });
        }
    }
    Ok(Value::NONE)
}

fn set_origin_depth(t: &Thread, a: &[Value]) -> R {
    let depth = int::to_i32(t, crate::protocol::number::index(t, a[0])?)?;
    if depth < 0 {
        raise!(t, ValueError, "depth must be >= 0")
    }
    t.interpreter().coroutine_origin_depth.store(depth, Ordering::Relaxed);
    Ok(Value::NONE)
}
