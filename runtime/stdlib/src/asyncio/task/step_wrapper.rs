//! What a loop calls to run a task's next step.

use super::Task;
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, GetSet, receiver};
use limpid_vm::object::{R, Slot, ValueExt, header_of};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::{TypeDef, flag};
use limpid_vm::{layout, raise};

/// The layout.
#[repr(C)]
pub(in crate::asyncio) struct StepWrapper {
    header: Header,
    task: Slot,
    /// What the step throws into the coroutine, or NULL.
    exception: Slot,
}

/// `TaskStepMethWrapper`
pub(in crate::asyncio) static STEP: TypeCell = TypeCell::new();
layout!(StepWrapper, STEP.get(), Slots);

/// The step of a task that throws an exception, or none when it is NULL.
pub(super) fn new(t: &Thread, task: Value, exception: Value) -> Value {
    t.alloc(StepWrapper { header: header_of::<StepWrapper>(), task: Slot::new(task), exception: Slot::new(exception) }).value()
}

fn call(t: &Thread, v: Value, args: Args<'_>) -> R {
    args.no_keywords(t, "function")?;
    if !args.is_empty() {
        raise!(t, TypeError, "function takes no positional arguments")
    }
    let this = receiver::<StepWrapper>(v);
    let task = this.task.get();
    super::step(t, receiver::<Task>(task), this.exception.get())?;
    Ok(Value::NONE)
}

/// `TaskStepMethWrapper`
pub(in crate::asyncio) static STEP_DEF: TypeDef = TypeDef {
    flags: flag::DISALLOW_INSTANTIATION,
    slots: SlotTable { call: Some(call), ..SlotTable::EMPTY },
    getset: &[
        GetSet::getter("__self__", |_, v| Ok(receiver::<StepWrapper>(v).task.opt().and_then(ValueExt::non_null).unwrap_or(Value::NONE))),
        GetSet::getter("__qualname__", |t, v| {
            let task = receiver::<StepWrapper>(v).task.get();
            limpid_vm::protocol::attr::get_attr(t, task.class().value(), limpid_vm::names::__qualname__)
        }),
    ],
    ..TypeDef::of::<StepWrapper>("TaskStepMethWrapper")
};
