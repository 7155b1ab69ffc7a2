//! `Task`: a coroutine that runs step by step, and the future of its result.
//!
//! A step sends into the coroutine. What it yields is a future to wait for, or None to go on in the loop's next round.

pub(super) mod step_wrapper;

use super::future::{self, FUTURE, Future, state};
use super::{CANCELLED_ERROR, Imported, MESSAGE_KEYWORD, call_soon, invalid_state, null_if_none, or_none, registry};
use limpid_heap::Value;
use limpid_vm::args::{Args, FnDef, GetSet, Signature, receiver};
use limpid_vm::object::{R, Raised, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::{attr, call, text, truth};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::context::Context;
use limpid_vm::types::generator::Sent;
use limpid_vm::types::{BuiltinFunction, Exception, Str, Type, TypeDef, builtin, coroutine, flag, generic_alias, int};
use limpid_vm::{exc, layout, names, raise};
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

/// The layout. The slots are NULL unless said otherwise.
#[repr(C)]
pub(super) struct Task {
    future: Future,
    context: Slot,
    coroutine: Slot,
    /// A str, or a number to be shown as `Task-n`.
    name: Slot,
    /// What it waits for.
    waiting_for: Slot,
    /// A bool: the next step throws CancelledError.
    must_cancel: Slot,
    /// A bool: its death before it is done is told of.
    log_pending: Slot,
    /// An int: how often it was to be cancelled.
    cancel_requests: Slot,
}

/// `_asyncio.Task`
pub(super) static TASK: TypeCell = TypeCell::new();
layout!(Task, TASK.get(), Slots);

impl Task {
    fn must_cancel(&self) -> bool {
        self.must_cancel.get() == Value::TRUE
    }
}

fn as_base(task: Ref<Task>) -> Ref<Future> {
    // SAFETY: a task's layout begins with a future's.
    unsafe { task.cast() }
}

/// Has it ended?
pub(super) fn is_done(task: Ref<Task>) -> bool {
    as_base(task).state() != state::PENDING
}

fn new(t: &Thread, class: Value, _: Args<'_>) -> R {
    let fields = Task {
        future: Future::empty(header_of::<Task>()),
        context: Slot::NULL,
        coroutine: Slot::NULL,
        name: Slot::NULL,
        waiting_for: Slot::NULL,
        must_cancel: Slot::new(Value::FALSE),
        log_pending: Slot::new(Value::TRUE),
        cancel_requests: Slot::new(Value::int(0)),
    };
    // SAFETY: the receiver of `__new__` is a class.
    let class = unsafe { Ref::<Type>::from_value(class) };
    let task = t.alloc_instance(class, fields);
    if class == TASK.get() {
        // Until it is done.
        limpid_heap::register_finalizer(&t.mutator, task.value());
    } else {
        registry::remove_when_dead(t, task);
    }
    Ok(task.value())
}

fn is_coroutine(t: &Thread, v: Value) -> R<bool> {
    static IS_COROUTINE: Imported = Imported::new("asyncio.coroutines", "iscoroutine");
    Ok(v.class() == builtin::COROUTINE || truth::truth(t, call::call(t, IS_COROUTINE.get(t)?, &[v])?)?)
}

fn init(t: &Thread, v: Value, args: Args<'_>) -> R<()> {
    static SIGNATURE: Signature = Signature::parse("coro, *, loop=None, name=None, context=None, eager_start=False");
    static COUNT: AtomicI64 = AtomicI64::new(1);
    args.bind(t, "Task", &SIGNATURE, |a| {
        let this = receiver::<Task>(v);
        future::initialize(t, as_base(this), a[1])?;
        if !is_coroutine(t, a[0])? {
            this.log_pending.set(t, this, Value::FALSE);
            raise!(t, TypeError, "a coroutine was expected, got {}", text::repr(t, a[0])?.to_string_lossy())
        }
        let context = match null_if_none_or_null(a[3]) {
            Some(context) => context,
            None => Context::copy_current(t).value(),
        };
        let name = match null_if_none_or_null(a[2]) {
            Some(name) => text::str_of(t, name)?.value(),
            None => Value::int(COUNT.fetch_add(1, Relaxed)),
        };
        this.context.set(t, this, context);
        this.coroutine.set(t, this, a[0]);
        this.name.set(t, this, name);
        this.waiting_for.set(t, this, Value::NULL);
        this.must_cancel.set(t, this, Value::FALSE);
        this.log_pending.set(t, this, Value::TRUE);
        this.cancel_requests.set(t, this, Value::int(0));
        let event_loop = as_base(this).event_loop.get();
        let eager = !a[4].is_null() && truth::truth(t, a[4])?;
        if eager && truth::truth(t, call::call_method(t, event_loop, names::is_running, &[])?)? {
            return start_eagerly(t, this);
        }
        schedule_step(t, this, Value::NULL)?;
        registry::add(t, this);
        Ok(())
    })
}

fn null_if_none_or_null(v: Value) -> Option<Value> {
    v.non_null().filter(|v| !v.is_none())
}

// ---- steps ----

/// What a loop calls when the future that a task waits for is done.
static WAKEUP: FnDef = FnDef::def("task_wakeup", "self, future, /", |t, a| {
    wake_up(t, receiver(a[0]), a[1])?;
    Ok(Value::NONE)
});

/// Has the loop run a step, which throws `e` into the coroutine unless it is NULL.
fn schedule_step(t: &Thread, task: Ref<Task>, e: Value) -> R<()> {
    let step = step_wrapper::new(t, task.value(), e);
    call_soon(t, as_base(task).event_loop.get(), step, Value::NULL, task.context.get())
}

/// A step; `e` is what it throws into the coroutine, or NULL.
pub(super) fn step(t: &Thread, task: Ref<Task>, e: Value) -> R<()> {
    let event_loop = as_base(task).event_loop.get();
    registry::enter_task(t, event_loop, task.value())?;
    let result = run_step(t, task, e);
    let raised = t.take_exception();
    registry::leave_task(t, event_loop, task.value())?;
    if !raised.is_null() {
        t.raise_value(raised);
    }
    result
}

/// The first step, in the middle of whatever runs.
fn start_eagerly(t: &Thread, task: Ref<Task>) -> R<()> {
    let event_loop = as_base(task).event_loop.get();
    let before = registry::swap_current_task(t, event_loop, task.value())?;
    registry::add(t, task);
    let context = task.context.get();
    let result = match context.downcast::<Context>() {
        Some(context) => context.enter(t).and_then(|()| {
            let result = run_step(t, task, Value::NULL);
            let raised = t.take_exception();
            context.exit(t)?;
            if !raised.is_null() {
                t.raise_value(raised);
            }
            result
        }),
        None => Err(limpid_vm::err!(t, TypeError, "context must be a Context, not '{}'", context.class().display_name())),
    };
    let raised = t.take_exception();
    registry::swap_current_task(t, event_loop, before)?;
    if is_done(task) {
        task.coroutine.set(t, task, Value::NULL);
    }
    if !raised.is_null() {
        t.raise_value(raised);
    }
    result
}

fn run_step(t: &Thread, task: Ref<Task>, mut e: Value) -> R<()> {
    let this = as_base(task);
    if is_done(task) {
        let (shown, e) = (text::repr(t, task.value())?, text::repr(t, if e.is_null() { Value::NONE } else { e })?);
        return invalid_state(t, &format!("__step(): already done: {} {}", shown.to_string_lossy(), e.to_string_lossy()));
    }
    if task.must_cancel() {
        if e.is_null() || !e.is_instance(CANCELLED_ERROR.class(t)?) {
            e = future::make_cancelled_error(t, this)?;
        }
        task.must_cancel.set(t, task, Value::FALSE);
    }
    task.waiting_for.set(t, task, Value::NULL);
    match resume(t, task.coroutine.get(), e) {
        Ok(Sent::Yielded(v)) => return yielded(t, task, v),
        Ok(Sent::Returned(v)) => returned(t, task, v)?,
        Err(_) => raised(t, task)?,
    }
    done(t, task);
    Ok(())
}

/// Runs the coroutine until it yields or ends.
fn resume(t: &Thread, coroutine: Value, e: Value) -> R<Sent> {
    if let Some(g) = coroutine::as_generator(coroutine) {
        return if e.is_null() { coroutine::send(t, g, Value::NONE) } else { coroutine::throw(t, g, e, false) };
    }
    let sent = if e.is_null() {
        call::call_method(t, coroutine, names::send, &[Value::NONE])
    } else {
        call::call_method(t, coroutine, names::throw, &[e])
    };
    match sent {
        Ok(v) => Ok(Sent::Yielded(v)),
        Err(_) if t.exception_is(exc::StopIteration) => Ok(Sent::Returned(exc::take_stop_iteration_value(t))),
        Err(raised) => Err(raised),
    }
}

/// The task is done: nobody has to know of it any more.
fn done(t: &Thread, task: Ref<Task>) {
    registry::remove(t, task);
    let this = as_base(task);
    if task.value().class() == TASK.get() && this.unretrieved.get() != Value::TRUE {
        limpid_heap::unregister_finalizer(task.value());
    }
}

fn returned(t: &Thread, task: Ref<Task>, v: Value) -> R<()> {
    let this = as_base(task);
    if task.must_cancel() {
        // It was cancelled right before the coroutine ended.
        task.must_cancel.set(t, task, Value::FALSE);
        return future::cancel(t, this, or_none(&this.cancel_message)).map(|_| ());
    }
    future::set_result(t, this, v)
}

fn raised(t: &Thread, task: Ref<Task>) -> R<()> {
    let this = as_base(task);
    let e = t.take_exception();
    if e.is_instance(CANCELLED_ERROR.class(t)?) {
        this.cancelled_error.set(t, this, e);
        return future::cancel(t, this, Value::NONE).map(|_| ());
    }
    future::set_exception(t, this, e)?;
    if e.is_instance(exc::KeyboardInterrupt) || e.is_instance(exc::SystemExit) {
        done(t, task);
        return Err(t.raise_value(e));
    }
    Ok(())
}

/// The next step throws RuntimeError: the coroutine has yielded what it must not.
#[cold]
fn reject(t: &Thread, task: Ref<Task>, message: &str) -> R<()> {
    let e = Exception::instantiate(t, exc::RuntimeError, &[Str::new(t, message).value()])?;
    schedule_step(t, task, e)
}

/// The coroutine has yielded.
fn yielded(t: &Thread, task: Ref<Task>, v: Value) -> R<()> {
    let shown = |v: Value| text::repr(t, v).map(|s| s.to_string_lossy().into_owned());
    if v.is_none() {
        return schedule_step(t, task, Value::NULL);
    }
    let blocking = if future::is_plain(v) {
        Some(receiver::<Future>(v).is_blocking())
    } else {
        match attr::get_attr_opt(t, v, names::_asyncio_future_blocking)? {
            Some(blocking) if !blocking.is_none() => Some(truth::truth(t, blocking)?),
            _ => None,
        }
    };
    let Some(blocking) = blocking else {
        if v.class() == builtin::GENERATOR {
            let message = format!("yield was used instead of yield from for generator in task {} with {}", shown(task.value())?, shown(v)?);
            return reject(t, task, &message);
        }
        return reject(t, task, &format!("Task got bad yield: {}", shown(v)?));
    };
    if future::loop_of(t, v)? != as_base(task).event_loop.get() {
        let message = format!("Task {} got Future {} attached to a different loop", shown(task.value())?, shown(v)?);
        return reject(t, task, &message);
    }
    if !blocking {
        let message = format!("yield was used instead of yield from in task {} with {}", shown(task.value())?, shown(v)?);
        return reject(t, task, &message);
    }
    if v == task.value() {
        return reject(t, task, &format!("Task cannot await on itself: {}", shown(v)?));
    }
    future::add_to_awaited_by(t, v, task.value())?;
    let wakeup = BuiltinFunction::bound(t, &WAKEUP, task.value()).value();
    if future::is_plain(v) {
        let other = receiver::<Future>(v);
        future::mark_blocking(t, other, false);
        future::add_done_callback(t, other, wakeup, task.context.get())?;
    } else {
        attr::set_attr(t, v, names::_asyncio_future_blocking, Value::FALSE)?;
        let f = attr::get_attr(t, v, names::add_done_callback)?;
        call::call_args(t, f, Args::with_keywords(&[wakeup, task.context.get()], super::CONTEXT_KEYWORD.get()))?;
    }
    task.waiting_for.set(t, task, v);
    if task.must_cancel() && cancel_other(t, v, or_none(&as_base(task).cancel_message))? {
        task.must_cancel.set(t, task, Value::FALSE);
    }
    Ok(())
}

/// `other.cancel(msg=message)`
fn cancel_other(t: &Thread, other: Value, message: Value) -> R<bool> {
    if other.class() == FUTURE.get() {
        return future::cancel(t, receiver(other), message);
    }
    if other.class() == TASK.get() {
        return cancel(t, receiver(other), message);
    }
    let f = attr::get_attr(t, other, names::cancel)?;
    truth::truth(t, call::call_args(t, f, Args::with_keywords(&[message], MESSAGE_KEYWORD.get()))?)
}

/// What the task has waited for is done.
fn wake_up(t: &Thread, task: Ref<Task>, other: Value) -> R<()> {
    future::discard_from_awaited_by(t, other, task.value())?;
    let outcome = if future::is_plain(other) {
        let other = receiver::<Future>(other);
        if other.state() == state::FINISHED && other.exception().is_none() {
            // The usual end; the coroutine gets the value from the future.
            return step(t, task, Value::NULL);
        }
        future::result(t, other)
    } else {
        call::call_method(t, other, names::result, &[])
    };
    match outcome {
        Ok(_) => step(t, task, Value::NULL),
        Err(Raised) => {
            let e = t.take_exception();
            step(t, task, e)
        }
    }
}

// ---- methods ----

/// `Task.cancel`
fn cancel(t: &Thread, task: Ref<Task>, message: Value) -> R<bool> {
    let this = as_base(task);
    future::mark_unretrieved(t, this, false);
    if is_done(task) {
        return Ok(false);
    }
    task.cancel_requests.set(t, task, Value::int(task.cancel_requests.get().as_int() + 1));
    if let Some(other) = task.waiting_for.opt()
        && cancel_other(t, other, message)?
    {
        // It stays: it may be a task that ignores this, to be cancelled once more.
        return Ok(true);
    }
    // The next step is under way.
    task.must_cancel.set(t, task, Value::TRUE);
    this.cancel_message.set(t, this, null_if_none(message));
    Ok(true)
}

fn uncancel(t: &Thread, a: &[Value]) -> R {
    let task = receiver::<Task>(a[0]);
    let requests = task.cancel_requests.get().as_int();
    if requests > 0 {
        task.cancel_requests.set(t, task, Value::int(requests - 1));
        if requests == 1 {
            task.must_cancel.set(t, task, Value::FALSE);
        }
    }
    Ok(task.cancel_requests.get())
}

fn get_name(t: &Thread, a: &[Value]) -> R {
    let task = receiver::<Task>(a[0]);
    let name = or_none(&task.name);
    if name.is_int() {
        let name = Str::new(t, &format!("Task-{}", name.as_int())).value();
        task.name.set(t, task, name);
        return Ok(name);
    }
    Ok(name)
}

fn set_name(t: &Thread, a: &[Value]) -> R {
    let task = receiver::<Task>(a[0]);
    let name = text::str_of(t, a[1])?.value();
    task.name.set(t, task, name);
    Ok(Value::NONE)
}

fn get_stack(t: &Thread, a: &[Value]) -> R {
    static GET_STACK: Imported = Imported::new("asyncio.base_tasks", "_task_get_stack");
    call::call(t, GET_STACK.get(t)?, &[a[0], a[1].non_null().unwrap_or(Value::NONE)])
}

fn print_stack(t: &Thread, a: &[Value]) -> R {
    static PRINT_STACK: Imported = Imported::new("asyncio.base_tasks", "_task_print_stack");
    let given = |v: Value| v.non_null().unwrap_or(Value::NONE);
    call::call(t, PRINT_STACK.get(t)?, &[a[0], given(a[1]), given(a[2])])
}

fn repr(t: &Thread, v: Value) -> R {
    static TASK_REPR: Imported = Imported::new("asyncio.base_tasks", "_task_repr");
    future::initialized(t, v)?;
    call::call(t, TASK_REPR.get(t)?, &[v])
}

/// Tells of a task that dies before it is done.
fn finalize(t: &Thread, v: Value) -> R<()> {
    let task = receiver::<Task>(v);
    let this = as_base(task);
    registry::remove(t, task);
    if this.event_loop.get().is_null() {
        return Ok(());
    }
    if !is_done(task) && task.log_pending.get() == Value::TRUE {
        future::report(t, this, "Task was destroyed but it is pending!", "task", &[])?;
    }
    future::finalize(t, v)
}

fn set_log_pending(t: &Thread, v: Value, value: Value) -> R<()> {
    if value.is_null() {
        raise!(t, AttributeError, "cannot delete attribute")
    }
    let task = receiver::<Task>(v);
    let on = truth::truth(t, value)?;
    task.log_pending.set(t, task, Value::bool(on));
    Ok(())
}

/// `_asyncio.Task`
pub(super) static TASK_DEF: TypeDef = TypeDef {
    doc: "Task(coro, *, loop=<unrepresentable>, name=None, context=None,\n     eager_start=False)\n--\n\nA coroutine wrapped in a Future.",
    base: Some(|| FUTURE.get()),
    flags: flag::BASE_TYPE | flag::WEAK_REFERENCES,
    slots: SlotTable { new: Some(new), init: Some(init), repr: Some(repr), finalize: Some(finalize), ..SlotTable::EMPTY },
    methods: &[
        FnDef::def("set_result", "self, result, /", |t, _| raise!(t, RuntimeError, "Task does not support set_result operation")),
        FnDef::def("set_exception", "self, exception, /", |t, _| raise!(t, RuntimeError, "Task does not support set_exception operation")),
        FnDef::def("cancel", "self, /, msg=None", |t, a| {
            future::initialized(t, a[0])?;
            cancel(t, receiver(a[0]), a[1].non_null().unwrap_or(Value::NONE)).map(Value::bool)
        })
        .doc("Request that this task cancel itself."),
        FnDef::def("cancelling", "self, /", |_, a| Ok(receiver::<Task>(a[0]).cancel_requests.get()))
            .doc("Return the count of the task's cancellation requests."),
        FnDef::def("uncancel", "self, /", uncancel).doc("Decrement the task's count of cancellation requests."),
        FnDef::def("get_name", "self, /", get_name),
        FnDef::def("set_name", "self, value, /", set_name),
        FnDef::def("get_coro", "self, /", |_, a| Ok(or_none(&receiver::<Task>(a[0]).coroutine))),
        FnDef::def("get_context", "self, /", |_, a| Ok(or_none(&receiver::<Task>(a[0]).context))),
        FnDef::def("get_stack", "self, /, *, limit=None", get_stack).doc("Return the list of stack frames for this task's coroutine."),
        FnDef::def("print_stack", "self, /, *, limit=None, file=None", print_stack)
            .doc("Print the stack or traceback for this task's coroutine."),
        FnDef::class_def("__class_getitem__", "cls, object, /", |t, a| generic_alias::class_getitem(t, a[0], a[1])).doc("See PEP 585"),
    ],
    getset: &[
        GetSet::property("_log_destroy_pending", |_, v| Ok(receiver::<Task>(v).log_pending.get()), set_log_pending),
        GetSet::getter("_must_cancel", |_, v| Ok(receiver::<Task>(v).must_cancel.get())),
        GetSet::getter("_coro", |_, v| Ok(or_none(&receiver::<Task>(v).coroutine))),
        GetSet::getter("_fut_waiter", |_, v| Ok(or_none(&receiver::<Task>(v).waiting_for))),
        GetSet::getter("_num_cancels_requested", |t, v| Ok(int::from_i64(t, receiver::<Task>(v).cancel_requests.get().as_int()))),
    ],
    ..TypeDef::of::<Task>("_asyncio.Task")
};
