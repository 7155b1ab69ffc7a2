//! Which loop runs in a thread, which task it executes, and which tasks there are.
//!
//! Loop and task are words of the thread. Tasks that are not done are in one set for all threads, by address: it keeps none of them
//! alive. A task leaves the set when it is done or, if it never will be, when it is finalized or dropped, before its memory is used again.

use super::task::{self, Task};
use super::{Imported, future};
use crate::owned;
use limpid_heap::Value;
use limpid_vm::args::receiver;
use limpid_vm::names;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{call, iter, text, truth};
use limpid_vm::raise;
use limpid_vm::root::InterpreterRoot;
use limpid_vm::thread::{Thread, ThreadSlot};
use limpid_vm::types::{ValueList, set};
use parking_lot::Mutex;
use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::ptr::NonNull;

// ---- the running loop ----

/// The loop that runs in this thread.
pub(super) fn running_loop(t: &Thread) -> Option<Value> {
    t.slot(ThreadSlot::RunningLoop).filter(|v| !v.is_none())
}

pub(super) fn set_running_loop(t: &Thread, a: &[Value]) -> R {
    t.set_slot(ThreadSlot::RunningLoop, a[0]);
    Ok(Value::NONE)
}

pub(super) fn get_running_loop(t: &Thread, _: &[Value]) -> R {
    match running_loop(t) {
        Some(event_loop) => Ok(event_loop),
        None => raise!(t, RuntimeError, "no running event loop"),
    }
}

/// The running loop, or the one that the policy names.
pub(super) fn get_event_loop(t: &Thread) -> R {
    static GET_POLICY: Imported = Imported::new("asyncio.events", "_get_event_loop_policy");
    if let Some(event_loop) = running_loop(t) {
        return Ok(event_loop);
    }
    let policy = call::call(t, GET_POLICY.get(t)?, &[])?;
    call::call_method_text(t, policy, "get_event_loop", &[])
}

/// The loop that a program has named, or else the running one.
fn loop_or_running(t: &Thread, given: Value) -> R {
    if given.is_null() || given.is_none() { get_running_loop(t, &[]) } else { Ok(given) }
}

// ---- the running task ----

fn running_task(t: &Thread) -> Option<Value> {
    t.slot(ThreadSlot::RunningTask).filter(|v| !v.is_none())
}

fn check_loop(t: &Thread, event_loop: Value) -> R<()> {
    if running_loop(t) == Some(event_loop) {
        return Ok(());
    }
    raise!(t, RuntimeError, "loop {} is not the running loop", text::repr(t, event_loop)?.to_string_lossy())
}

/// A task begins to run.
pub(super) fn enter_task(t: &Thread, event_loop: Value, task: Value) -> R<()> {
    check_loop(t, event_loop)?;
    if let Some(other) = running_task(t) {
        let (task, other) = (text::repr(t, task)?, text::repr(t, other)?);
        raise!(
            t,
            RuntimeError,
            "Cannot enter into task {} while another task {} is being executed.",
            task.to_string_lossy(),
            other.to_string_lossy()
        )
    }
    t.set_slot(ThreadSlot::RunningTask, task);
    Ok(())
}

/// A task runs no more, for now.
pub(super) fn leave_task(t: &Thread, event_loop: Value, task: Value) -> R<()> {
    check_loop(t, event_loop)?;
    let running = running_task(t);
    if running != Some(task) {
        let (task, running) = (text::repr(t, task)?, text::repr(t, running.unwrap_or(Value::NONE))?);
        raise!(
            t,
            RuntimeError,
            "Invalid attempt to leave task {} while task {} is entered.",
            task.to_string_lossy(),
            running.to_string_lossy()
        )
    }
    t.set_slot(ThreadSlot::RunningTask, Value::NONE);
    Ok(())
}

/// Another task runs, or none; the one before.
pub(super) fn swap_current_task(t: &Thread, event_loop: Value, task: Value) -> R {
    check_loop(t, event_loop)?;
    let before = running_task(t).unwrap_or(Value::NONE);
    t.set_slot(ThreadSlot::RunningTask, task);
    Ok(before)
}

pub(super) fn current_task(t: &Thread, a: &[Value]) -> R {
    let event_loop = loop_or_running(t, a[0])?;
    if running_loop(t) == Some(event_loop) {
        return Ok(running_task(t).unwrap_or(Value::NONE));
    }
    // A loop of another thread.
    let mut found = Value::NONE;
    t.runtime().each_thread(|other| {
        if running_loop(other) == Some(event_loop) {
            found = running_task(other).unwrap_or(Value::NONE);
        }
    });
    Ok(found)
}

// ---- all tasks ----

/// The addresses of the tasks that are not done. No thread reaches a safepoint while it holds the lock.
static TASKS: Mutex<HashSet<usize, BuildHasherDefault<AddressHasher>>> = Mutex::new(HashSet::with_hasher(BuildHasherDefault::new()));

/// Addresses are no program's choice: multiplying them is hash enough.
#[derive(Default)]
struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|b| self.write_usize(*b as usize));
    }

    fn write_usize(&mut self, address: usize) {
        self.0 = (self.0 ^ address as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32);
    }
}

/// Tasks of other classes that a program has registered: a `WeakSet`, and a set of those that are in their first, eager step.
static OTHER_TASKS: InterpreterRoot = InterpreterRoot::new();
static OTHER_EAGER_TASKS: InterpreterRoot = InterpreterRoot::new();

/// Adds a task to the set.
pub(super) fn add(t: &Thread, task: Ref<Task>) {
    owned::lock(t, &TASKS).insert(task.ptr() as usize);
}

/// Takes a task out of the set.
pub(super) fn remove(t: &Thread, task: Ref<Task>) {
    owned::lock(t, &TASKS).remove(&(task.ptr() as usize));
}

/// Has a task leave the set when it dies. For instances of derived classes, which may have a finalizer of their own.
pub(super) fn remove_when_dead(t: &Thread, task: Ref<Task>) {
    unsafe fn forget(cell: *mut u8) {
        // The world is stopped, so that nobody holds the lock.
        TASKS.lock().remove(&(cell as usize));
    }
    // SAFETY: the function does not touch the cell.
    unsafe { limpid_heap::register_drop(&t.mutator, NonNull::new_unchecked(task.ptr().cast()), forget) };
}

/// The tasks in the set.
fn snapshot(t: &Thread) -> ValueList {
    let mut room = owned::lock(t, &TASKS).len();
    loop {
        let mut list = ValueList::with_capacity(t, room);
        let tasks = owned::lock(t, &TASKS);
        if tasks.len() <= room {
            // Nothing is allocated here, so that no task dies meanwhile.
            // SAFETY: what is in the set is a task whose memory is not used for anything else yet.
            tasks.iter().for_each(|task| list.push(t, unsafe { Ref::<Task>::from_ptr(*task as *mut Task) }.value()));
            return list;
        }
        room = tasks.len();
    }
}

pub(super) fn all_tasks(t: &Thread, a: &[Value]) -> R {
    let event_loop = loop_or_running(t, a[0])?;
    let found = set::new_set(t);
    for task in snapshot(t).iter() {
        let this = receiver::<future::Future>(task);
        if this.event_loop.get() == event_loop && this.state() == future::state::PENDING {
            set::add_value(t, found, task)?;
        }
    }
    for others in [OTHER_EAGER_TASKS.opt(t), OTHER_TASKS.opt(t)].into_iter().flatten() {
        for task in iter::collect(t, others)?.iter() {
            if future::loop_of(t, task)? == event_loop && !truth::truth(t, call::call_method(t, task, names::done, &[])?)? {
                set::add_value(t, found, task)?;
            }
        }
    }
    Ok(found)
}

/// The set of other tasks.
fn others(t: &Thread) -> R {
    static WEAK_SET: Imported = Imported::new("weakref", "WeakSet");
    if OTHER_TASKS.opt(t).is_none() {
        OTHER_TASKS.set(t, call::call(t, WEAK_SET.get(t)?, &[])?);
    }
    Ok(OTHER_TASKS.get(t))
}

fn eager_others(t: &Thread) -> Value {
    if OTHER_EAGER_TASKS.opt(t).is_none() {
        OTHER_EAGER_TASKS.set(t, set::new_set(t));
    }
    OTHER_EAGER_TASKS.get(t)
}

pub(super) fn register_task(t: &Thread, a: &[Value]) -> R {
    match a[0].downcast::<Task>() {
        Some(task) => add(t, task),
        None => drop(call::call_method(t, others(t)?, names::add, &[a[0]])?),
    }
    Ok(Value::NONE)
}

pub(super) fn unregister_task(t: &Thread, a: &[Value]) -> R {
    match a[0].downcast::<Task>() {
        Some(task) => remove(t, task),
        None => drop(call::call_method_text(t, others(t)?, "discard", &[a[0]])?),
    }
    Ok(Value::NONE)
}

pub(super) fn register_eager_task(t: &Thread, a: &[Value]) -> R {
    match a[0].downcast::<Task>() {
        Some(task) => add(t, task),
        None => drop(set::add_value(t, eager_others(t), a[0])?),
    }
    Ok(Value::NONE)
}

pub(super) fn unregister_eager_task(t: &Thread, a: &[Value]) -> R {
    match a[0].downcast::<Task>() {
        // It stays in the set until it is done.
        Some(task) if task::is_done(task) => remove(t, task),
        Some(_) => {}
        None => drop(call::call_method_text(t, eager_others(t), "discard", &[a[0]])?),
    }
    Ok(Value::NONE)
}
