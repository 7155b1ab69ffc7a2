//! Audit events: `sys.audit`, the hooks that hear of them, and the probe.

use crate::args::{Args, FnDef};
use crate::object::{R, Ref, ValueExt};
use crate::protocol::call;
use crate::root::InterpreterRoot;
use crate::thread::Thread;
use crate::types::{List, Str, Tuple, builtin};
use crate::{exc, names};
use limpid_heap::Value;
use limpid_probes as probes;
use std::sync::atomic::{AtomicBool, Ordering};

pub(super) const FUNCTIONS: &[FnDef] = &[
    FnDef::raw("audit", "event, /, *args", audit_function).doc("audit(event, *args)\n\nPasses the event to any hooks that are attached."),
    FnDef::def("addaudithook", "hook", add_hook).doc("Adds a new audit hook callback."),
];

/// The hooks: a list, or NULL while there are none.
static HOOKS: InterpreterRoot = InterpreterRoot::new();
static ACTIVE: AtomicBool = AtomicBool::new(false);

/// Tells hooks and tracers of an event. Costs two tests when nobody listens.
#[inline]
pub fn audit(t: &Thread, event: &str, args: &[Value]) -> R<()> {
    if ACTIVE.load(Ordering::Relaxed) || probes::audit::enabled() {
        return audit_slow(t, event, args);
    }
    Ok(())
}

/// The event `import`, with what finders go by.
pub fn audit_import(t: &Thread, name: Value) -> R<()> {
    if !ACTIVE.load(Ordering::Relaxed) && !probes::audit::enabled() {
        return Ok(());
    }
    let of_sys = |name: Value| super::attribute(t, name).unwrap_or(Value::NONE);
    let [path, meta_path, hooks] = [names::path, names::meta_path, names::path_hooks].map(of_sys);
    audit_slow(t, "import", &[name, Value::NONE, path, meta_path, hooks])
}

#[cold]
#[inline(never)]
fn audit_slow(t: &Thread, event: &str, args: &[Value]) -> R<()> {
    let event = crate::types::str::intern(t, event);
    dispatch(t, event, Tuple::from_slice(t, args))
}

fn dispatch(t: &Thread, event: Value, args: Ref<Tuple>) -> R<()> {
    if probes::audit::enabled() {
        let text = std::ffi::CString::new(event.downcast::<Str>().map_or_else(String::new, |s| s.to_string_lossy().into_owned()));
        let text = text.unwrap_or_default();
        probes::audit::fire(text.as_ptr(), args.ptr() as *const _);
    }
    let Some(hooks) = HOOKS.opt(t).and_then(|h| h.downcast::<List>()) else { return Ok(()) };
    for hook in hooks.snapshot(t).iter() {
        call::call(t, hook, &[event, args.value()])?;
    }
    Ok(())
}

fn audit_function(t: &Thread, args: Args<'_>) -> R {
    args.no_keywords(t, "sys.audit")?;
    let Some((event, rest)) = args.pos().split_first() else {
        raise!(t, TypeError, "audit() missing 1 required positional argument: 'event'")
    };
    if !event.is_instance(builtin::STR) {
        raise!(t, TypeError, "expected str for argument 'event', not {}", event.class().display_name())
    }
    if ACTIVE.load(Ordering::Relaxed) || probes::audit::enabled() {
        dispatch(t, *event, Tuple::from_slice(t, rest))?;
    }
    Ok(Value::NONE)
}

fn add_hook(t: &Thread, a: &[Value]) -> R {
    if audit(t, "sys.addaudithook", &[]).is_err() {
        // A hook may refuse others; an error of kind Exception is not told to who asked.
        t.catch(exc::Exception)?;
        return Ok(Value::NONE);
    }
    let hooks = match HOOKS.opt(t).and_then(|h| h.downcast::<List>()) {
        Some(hooks) => hooks,
        None => {
            let hooks = List::new(t);
            HOOKS.set(t, hooks.value());
            hooks
        }
    };
    hooks.append(t, a[0])?;
    ACTIVE.store(true, Ordering::Relaxed);
    Ok(Value::NONE)
}
