//! `_asyncio`: futures and tasks, the running loop, and which tasks there are.
//!
//! The Python modules of asyncio have the same in Python; they take what is here instead when it can be imported. Futures are not for use
//! by several threads at once, as in CPython; their fields are single words, so that misuse breaks no memory.

mod future;
mod future_iter;
mod registry;
mod task;

use limpid_heap::Value;
use limpid_vm::args::{Args, FnDef};
use limpid_vm::modules::{ModuleDef, import};
use limpid_vm::names;
use limpid_vm::object::{R, Ref, Slot, ValueExt};
use limpid_vm::protocol::{attr, call};
use limpid_vm::root::{InterpreterRoot, Root};
use limpid_vm::thread::Thread;
use limpid_vm::types::{Tuple, Type, type_};

/// `_asyncio`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "Accelerator module for asyncio",
    functions: &[
        FnDef::def("get_running_loop", "", registry::get_running_loop)
            .doc("Return the running event loop.  Raise a RuntimeError if there is none.\n\nThis function is thread-specific."),
        FnDef::def("_get_running_loop", "", |t, _| Ok(registry::running_loop(t).unwrap_or(Value::NONE)))
            .doc("Return the running event loop or None.\n\nThis is a low-level function intended to be used by event loops."),
        FnDef::def("_set_running_loop", "loop, /", registry::set_running_loop)
            .doc("Set the running event loop.\n\nThis is a low-level function intended to be used by event loops."),
        FnDef::def("get_event_loop", "", |t, _| registry::get_event_loop(t))
            .doc("Return an asyncio event loop: the running one, or else what the policy's\nget_event_loop() gives."),
        FnDef::def("current_task", "loop=None", registry::current_task).doc("Return a currently executed task."),
        FnDef::def("all_tasks", "loop=None", registry::all_tasks).doc("Return a set of all tasks for the loop."),
        FnDef::def("_register_task", "task", registry::register_task).doc("Register a new task in asyncio as executed by loop."),
        FnDef::def("_unregister_task", "task", registry::unregister_task).doc("Unregister a task."),
        FnDef::def("_register_eager_task", "task", registry::register_eager_task)
            .doc("Register a new task in asyncio as executed by loop."),
        FnDef::def("_unregister_eager_task", "task", registry::unregister_eager_task).doc("Unregister a task."),
        FnDef::def("_enter_task", "loop, task", |t, a| registry::enter_task(t, a[0], a[1]).map(|()| Value::NONE))
            .doc("Enter into task execution or resume suspended task."),
        FnDef::def("_leave_task", "loop, task", |t, a| registry::leave_task(t, a[0], a[1]).map(|()| Value::NONE))
            .doc("Leave task execution or suspend a task."),
        FnDef::def("_swap_current_task", "loop, task", |t, a| registry::swap_current_task(t, a[0], a[1]))
            .doc("Temporarily swap in the supplied task and return the original one (or None)."),
        FnDef::def("future_add_to_awaited_by", "fut, waiter, /", |t, a| future::add_to_awaited_by(t, a[0], a[1]).map(|()| Value::NONE))
            .doc("Record that `fut` is awaited on by `waiter`."),
        FnDef::def("future_discard_from_awaited_by", "fut, waiter, /", |t, a| {
            future::discard_from_awaited_by(t, a[0], a[1]).map(|()| Value::NONE)
        }),
    ],
    init: |t, m| {
        let dict = m.dict();
        dict.set_text(t, "Future", type_::create_native(t, &future::FUTURE_DEF, &future::FUTURE)?.value())?;
        dict.set_text(t, "Task", type_::create_native(t, &task::TASK_DEF, &task::TASK)?.value())?;
        type_::create_native(t, &future_iter::FUTURE_ITER_DEF, &future_iter::FUTURE_ITER)?;
        type_::create_native(t, &task::step_wrapper::STEP_DEF, &task::step_wrapper::STEP)?;
        CONTEXT_KEYWORD.set(Tuple::from_slice(t, &[names::context]).value());
        MESSAGE_KEYWORD.set(Tuple::from_slice(t, &[names::msg]).value());
        Ok(())
    },
    ..ModuleDef::named("_asyncio")
};

/// The tuple `("context",)`.
static CONTEXT_KEYWORD: Root = Root::new();
/// The tuple `("msg",)`.
static MESSAGE_KEYWORD: Root = Root::new();

/// Something of one of asyncio's Python modules, looked up when it is first needed: they import this module.
struct Imported {
    module: &'static str,
    name: &'static str,
    found: InterpreterRoot,
}

impl Imported {
    const fn new(module: &'static str, name: &'static str) -> Imported {
        Imported { module, name, found: InterpreterRoot::new() }
    }

    fn get(&'static self, t: &Thread) -> R {
        if let Some(v) = self.found.opt(t) {
            return Ok(v);
        }
        let module = import::import_text(t, self.module)?;
        let v = attr::get_attr_text(t, module, self.name)?;
        self.found.set(t, v);
        Ok(v)
    }

    fn class(&'static self, t: &Thread) -> R<Ref<Type>> {
        match self.get(t)?.downcast::<Type>() {
            Some(class) => Ok(class),
            None => limpid_vm::raise!(t, TypeError, "{}.{} is not a class", self.module, self.name),
        }
    }
}

static CANCELLED_ERROR: Imported = Imported::new("asyncio.exceptions", "CancelledError");
static INVALID_STATE_ERROR: Imported = Imported::new("asyncio.exceptions", "InvalidStateError");

/// Raises InvalidStateError.
#[cold]
fn invalid_state<T>(t: &Thread, message: &str) -> R<T> {
    let class = INVALID_STATE_ERROR.class(t)?;
    Err(t.raise(class, message))
}

/// `loop.call_soon(f, arg, context=context)`; NULL for no argument.
fn call_soon(t: &Thread, event_loop: Value, f: Value, arg: Value, context: Value) -> R<()> {
    let (method, receiver) = attr::get_method(t, event_loop, names::call_soon)?;
    let all = [receiver, f, arg, context];
    let without_arg = [receiver, f, context];
    let all = if arg.is_null() { &without_arg[..] } else { &all[..] };
    let all = if receiver.is_null() { &all[1..] } else { all };
    call::call_args(t, method, Args::with_keywords(all, CONTEXT_KEYWORD.get())).map(|_| ())
}

/// A slot's value as a program sees it.
fn or_none(slot: &Slot) -> Value {
    slot.opt().unwrap_or(Value::NONE)
}

/// NULL for None.
fn null_if_none(v: Value) -> Value {
    if v.is_none() { Value::NULL } else { v }
}
