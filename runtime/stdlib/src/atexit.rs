//! `atexit`

use limpid_heap::Value;
use limpid_vm::args::{Args, FnDef};
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{call, compare};
use limpid_vm::root::InterpreterRoot;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Dict, List, Tuple, int};
use limpid_vm::{error_report, raise};

/// `atexit`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "allow programmer to define multiple exit functions to be executed\nupon normal program termination.\n\nTwo public functions, register and \
          unregister, are defined.\n",
    functions: &[
        FnDef::raw("register", "func, /, *args, **kwargs", register).doc(
            "Register a function to be executed upon normal program termination\n\n    func - function to be called at exit\n    args - optional \
             arguments to pass to func\n    kwargs - optional keyword arguments to pass to func\n\n    func is returned to facilitate usage as a \
             decorator.",
        ),
        FnDef::def("unregister", "func, /", unregister).doc(
            "Unregister an exit function which was previously registered using\natexit.register\n\n    func - function to be unregistered",
        ),
        FnDef::def("_clear", "", |t, _| {
            callbacks(t).clear(t);
            Ok(Value::NONE)
        })
        .doc("Clear the list of previously registered exit functions."),
        FnDef::def("_run_exitfuncs", "", |t, _| {
            run(t);
            Ok(Value::NONE)
        })
        .doc("Run all registered exit functions."),
        FnDef::def("_ncallbacks", "", |t, _| Ok(int::from_usize(t, callbacks(t).len())))
            .doc("Return the number of registered exit functions."),
    ],
    init: |t, _| {
        callbacks(t);
        Ok(())
    },
    ..ModuleDef::named("atexit")
};

/// A list of what was registered: tuples of a function, a tuple and a dict.
static CALLBACKS: InterpreterRoot = InterpreterRoot::new();

fn callbacks(t: &Thread) -> Ref<List> {
    if CALLBACKS.get(t).is_null() {
        CALLBACKS.set(t, List::new(t).value());
    }
    // SAFETY: only lists are stored.
    unsafe { Ref::from_value(CALLBACKS.get(t)) }
}

/// A callback's function, arguments and keyword arguments.
fn parts(callback: Value) -> Option<(Value, Ref<Tuple>, Ref<Dict>)> {
    match *callback.exact::<Tuple>()?.as_slice() {
        [f, args, kwargs] => Some((f, args.exact()?, kwargs.exact()?)),
        _ => None,
    }
}

fn register(t: &Thread, args: Args<'_>) -> R {
    let [f, ref rest @ ..] = *args.pos() else { raise!(t, TypeError, "register() takes at least 1 argument (0 given)") };
    if !call::is_callable(f) {
        raise!(t, TypeError, "the first argument must be callable")
    }
    let (rest, kwargs) = (Tuple::from_slice(t, rest), Dict::new(t));
    for (name, v) in args.keywords() {
        kwargs.set_item(t, name, v)?;
    }
    callbacks(t).append(t, Tuple::from_slice(t, &[f, rest.value(), kwargs.value()]).value())?;
    Ok(f)
}

fn unregister(t: &Thread, a: &[Value]) -> R {
    let list = callbacks(t);
    let mut i = list.len();
    while i > 0 {
        i -= 1;
        let Some(callback) = list.get(i) else { continue };
        let Some((f, ..)) = parts(callback) else { continue };
        // Comparing may run a program that changes the list.
        if compare::values_equal(t, f, a[0])? && list.get(i) == Some(callback) {
            list.pop(t, i as isize);
        }
    }
    Ok(Value::NONE)
}

/// Calls what was registered, what came last first, and forgets it. What the functions register themselves is not called. Exceptions are
/// told of, and do not keep the others from being called.
pub fn run(t: &Thread) {
    for callback in callbacks(t).snapshot(t).iter().rev() {
        let Some((f, args, kwargs)) = parts(callback) else { continue };
        if call::call_unpacked(t, f, args, Some(kwargs)).is_err() {
            error_report::unraisable_with_message(t, "Exception ignored in atexit callback", f);
        }
    }
    callbacks(t).clear(t);
}
