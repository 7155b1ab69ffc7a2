//! `Future`: a result that is not there yet, and whom to tell when it is.

use super::{CANCELLED_ERROR, Imported, call_soon, future_iter, invalid_state, null_if_none, or_none, registry, task};
use limpid_heap::{Header, Value};
use limpid_vm::args::{Args, FnDef, GetSet, Signature, receiver};
use limpid_vm::object::{R, Raised, Ref, Slot, ValueExt, header_of};
use limpid_vm::protocol::{attr, call, compare, truth};
use limpid_vm::root::TypeCell;
use limpid_vm::slots::SlotTable;
use limpid_vm::thread::Thread;
use limpid_vm::types::context::Context;
use limpid_vm::types::{Dict, Exception, List, Str, Tuple, Type, TypeDef, ValueList, flag, generic_alias, int, set, str};
use limpid_vm::{exc, layout, names, raise};
use std::mem::offset_of;

/// The states of a future, as they are kept.
pub(super) mod state {
    use limpid_heap::Value;

    pub const PENDING: Value = Value::int(0);
    pub const CANCELLED: Value = Value::int(1);
    pub const FINISHED: Value = Value::int(2);
}

/// The layout, with which a task's begins. Everything is NULL unless said otherwise.
#[repr(C)]
pub(super) struct Future {
    header: Header,
    /// NULL before `__init__`.
    pub event_loop: Slot,
    /// One of [`state`].
    state: Slot,
    /// A callback and its context: there is seldom more than one.
    callback: Slot,
    callback_context: Slot,
    /// A list of pairs: more callbacks.
    callbacks: Slot,
    result: Slot,
    exception: Slot,
    traceback: Slot,
    pub source_traceback: Slot,
    pub cancel_message: Slot,
    /// The CancelledError that ended a task, until it is raised again.
    pub cancelled_error: Slot,
    /// A future, or a set of them: who waits for this one.
    awaited_by: Slot,
    /// A bool: nobody has asked for the exception yet.
    pub unretrieved: Slot,
    /// A bool: it was yielded by its own iterator.
    blocking: Slot,
    /// Attributes that a program adds.
    dict: Slot,
}

/// `_asyncio.Future`
pub(super) static FUTURE: TypeCell = TypeCell::new();
layout!(Future, FUTURE.get(), Slots);

impl Future {
    /// A new one, before `__init__`.
    pub fn empty(header: Header) -> Future {
        Future {
            header,
            event_loop: Slot::NULL,
            state: Slot::new(state::PENDING),
            callback: Slot::NULL,
            callback_context: Slot::NULL,
            callbacks: Slot::NULL,
            result: Slot::NULL,
            exception: Slot::NULL,
            traceback: Slot::NULL,
            source_traceback: Slot::NULL,
            cancel_message: Slot::NULL,
            cancelled_error: Slot::NULL,
            awaited_by: Slot::NULL,
            unretrieved: Slot::new(Value::FALSE),
            blocking: Slot::new(Value::FALSE),
            dict: Slot::NULL,
        }
    }

    pub fn state(&self) -> Value {
        self.state.get()
    }

    pub fn is_blocking(&self) -> bool {
        self.blocking.get() == Value::TRUE
    }

    /// The exception, if it ended with one.
    pub fn exception(&self) -> Option<Value> {
        self.exception.opt()
    }
}

/// Says whether its own iterator has yielded it.
pub(super) fn mark_blocking(t: &Thread, this: Ref<Future>, on: bool) {
    this.blocking.set(t, this, Value::bool(on));
}

/// Says whether it has an exception that nobody has asked for.
pub(super) fn mark_unretrieved(t: &Thread, this: Ref<Future>, on: bool) {
    this.unretrieved.set(t, this, Value::bool(on));
}

/// A future or task of these types, or of classes derived from them.
pub(super) fn as_future(v: Value) -> Option<Ref<Future>> {
    v.downcast::<Future>()
}

/// Is it a future or task whose methods no class has overridden?
pub(super) fn is_plain(v: Value) -> bool {
    let class = v.class();
    class == FUTURE.get() || class == task::TASK.get()
}

/// The future, after `__init__`.
pub(super) fn initialized(t: &Thread, v: Value) -> R<Ref<Future>> {
    let this = receiver::<Future>(v);
    if this.event_loop.get().is_null() {
        raise!(t, RuntimeError, "Future object is not initialized.")
    }
    Ok(this)
}

fn new(t: &Thread, class: Value, _: Args<'_>) -> R {
    // SAFETY: the receiver of `__new__` is a class.
    Ok(t.alloc_instance(unsafe { Ref::<Type>::from_value(class) }, Future::empty(header_of::<Future>())).value())
}

fn init(t: &Thread, v: Value, args: Args<'_>) -> R<()> {
    static SIGNATURE: Signature = Signature::parse("*, loop=None");
    args.bind(t, "Future", &SIGNATURE, |a| initialize(t, receiver(v), a[0]))
}

/// `Future.__init__`, for tasks as well.
pub(super) fn initialize(t: &Thread, this: Ref<Future>, event_loop: Value) -> R<()> {
    static EXTRACT_STACK: Imported = Imported::new("traceback", "extract_stack");
    let fresh = Future::empty(header_of::<Future>());
    let given = if event_loop.is_null() { Value::NONE } else { event_loop };
    let event_loop = if given.is_none() { registry::get_event_loop(t)? } else { given };
    if this.event_loop.opt().is_some() {
        // It is initialized once more.
        for (slot, v) in [
            (&this.state, &fresh.state),
            (&this.callback, &fresh.callback),
            (&this.callback_context, &fresh.callback_context),
            (&this.callbacks, &fresh.callbacks),
            (&this.result, &fresh.result),
            (&this.exception, &fresh.exception),
            (&this.traceback, &fresh.traceback),
            (&this.source_traceback, &fresh.source_traceback),
            (&this.cancel_message, &fresh.cancel_message),
            (&this.cancelled_error, &fresh.cancelled_error),
            (&this.awaited_by, &fresh.awaited_by),
            (&this.unretrieved, &fresh.unretrieved),
            (&this.blocking, &fresh.blocking),
        ] {
            slot.set(t, this, v.get());
        }
    }
    this.event_loop.set(t, this, event_loop);
    let debug = call::call_method(t, event_loop, names::get_debug, &[])?;
    if truth::truth(t, debug)? {
        let stack = call::call(t, EXTRACT_STACK.get(t)?, &[])?;
        this.source_traceback.set(t, this, stack);
    }
    Ok(())
}

// ---- ending ----

/// Has the loop call all callbacks.
fn schedule_callbacks(t: &Thread, this: Ref<Future>) -> R<()> {
    let event_loop = this.event_loop.get();
    if let Some(callback) = this.callback.opt() {
        let context = this.callback_context.get();
        this.callback.set(t, this, Value::NULL);
        this.callback_context.set(t, this, Value::NULL);
        call_soon(t, event_loop, callback, this.value(), context)?;
    }
    if let Some(list) = this.callbacks.opt() {
        this.callbacks.set(t, this, Value::NULL);
        for pair in receiver::<List>(list).snapshot(t).iter() {
            let pair = receiver::<Tuple>(pair);
            call_soon(t, event_loop, pair.get(0), this.value(), pair.get(1))?;
        }
    }
    Ok(())
}

/// `Future.cancel`; false if it is done already.
pub(super) fn cancel(t: &Thread, this: Ref<Future>, message: Value) -> R<bool> {
    mark_unretrieved(t, this, false);
    if this.state() != state::PENDING {
        return Ok(false);
    }
    this.state.set(t, this, state::CANCELLED);
    this.cancel_message.set(t, this, null_if_none(message));
    schedule_callbacks(t, this)?;
    Ok(true)
}

/// `Future.set_result`
pub(super) fn set_result(t: &Thread, this: Ref<Future>, result: Value) -> R<()> {
    if this.state() != state::PENDING {
        return invalid_state(t, "invalid state");
    }
    this.result.set(t, this, result);
    this.state.set(t, this, state::FINISHED);
    schedule_callbacks(t, this)
}

/// `Future.set_exception`
pub(super) fn set_exception(t: &Thread, this: Ref<Future>, exception: Value) -> R<()> {
    if this.state() != state::PENDING {
        return invalid_state(t, "invalid state");
    }
    let is_class = exception.downcast::<Type>().is_some_and(|class| class.is_subtype(exc::BaseException));
    let mut e = if is_class { call::call(t, exception, &[])? } else { exception };
    if !e.is_instance(exc::BaseException) {
        raise!(t, TypeError, "invalid exception object")
    }
    if e.is_instance(exc::StopIteration) {
        let message = Str::new(t, "StopIteration interacts badly with generators and cannot be raised into a Future").value();
        let wrapped = Exception::instantiate(t, exc::RuntimeError, &[message])?;
        Exception::set_cause(t, wrapped, e);
        Exception::set_context(t, wrapped, e);
        e = wrapped;
    }
    this.exception.set(t, this, e);
    this.traceback.set(t, this, Exception::traceback(e));
    this.state.set(t, this, state::FINISHED);
    schedule_callbacks(t, this)?;
    mark_unretrieved(t, this, true);
    if this.value().class() == FUTURE.get() {
        // It dies unheard otherwise.
        limpid_heap::register_finalizer(&t.mutator, this.value());
    }
    Ok(())
}

/// The CancelledError to raise. Not to be called twice for one cancellation: the saved one is forgotten.
pub(super) fn make_cancelled_error(t: &Thread, this: Ref<Future>) -> R {
    if let Some(e) = this.cancelled_error.opt() {
        this.cancelled_error.set(t, this, Value::NULL);
        return Ok(e);
    }
    let class = CANCELLED_ERROR.get(t)?;
    match this.cancel_message.opt() {
        Some(message) => call::call(t, class, &[message]),
        None => call::call(t, class, &[]),
    }
}

fn raise_cancelled(t: &Thread, this: Ref<Future>) -> Raised {
    match make_cancelled_error(t, this) {
        Ok(e) => exc::raise_new(t, e),
        Err(raised) => raised,
    }
}

/// The future's result, or its exception, raised.
pub(super) fn result(t: &Thread, this: Ref<Future>) -> R {
    match this.state() {
        state::CANCELLED => return Err(raise_cancelled(t, this)),
        state::PENDING => return invalid_state(t, "Result is not set."),
        _ => {}
    }
    mark_unretrieved(t, this, false);
    match this.exception.opt() {
        None => Ok(or_none(&this.result)),
        Some(e) => {
            Exception::set_traceback(t, e, or_none(&this.traceback));
            Err(exc::raise_new(t, e))
        }
    }
}

fn exception(t: &Thread, a: &[Value]) -> R {
    let this = receiver::<Future>(a[0]);
    match this.state() {
        state::CANCELLED => return Err(raise_cancelled(t, this)),
        state::PENDING => return invalid_state(t, "Exception is not set."),
        _ => {}
    }
    mark_unretrieved(t, this, false);
    Ok(or_none(&this.exception))
}

// ---- callbacks ----

/// `Future.add_done_callback`
pub(super) fn add_done_callback(t: &Thread, this: Ref<Future>, f: Value, context: Value) -> R<()> {
    if this.state() != state::PENDING {
        return call_soon(t, this.event_loop.get(), f, this.value(), context);
    }
    if let Some(list) = this.callbacks.opt() {
        return receiver::<List>(list).append(t, Tuple::from_slice(t, &[f, context]).value());
    }
    if this.callback.opt().is_none() {
        this.callback.set(t, this, f);
        this.callback_context.set(t, this, context);
        return Ok(());
    }
    let list = List::from_slice(t, &[Tuple::from_slice(t, &[f, context]).value()])?;
    this.callbacks.set(t, this, list.value());
    Ok(())
}

fn add_done_callback_method(t: &Thread, a: &[Value]) -> R {
    let this = initialized(t, a[0])?;
    let context = match a[2].non_null() {
        Some(context) => context,
        None => Context::copy_current(t).value(),
    };
    add_done_callback(t, this, a[1], context)?;
    Ok(Value::NONE)
}

fn remove_done_callback(t: &Thread, a: &[Value]) -> R {
    let this = initialized(t, a[0])?;
    let mut removed = 0;
    if let Some(callback) = this.callback.opt()
        && compare::values_equal(t, callback, a[1])?
    {
        this.callback.set(t, this, Value::NULL);
        this.callback_context.set(t, this, Value::NULL);
        removed += 1;
    }
    if let Some(list) = this.callbacks.opt() {
        let before = receiver::<List>(list).snapshot(t);
        let mut kept = ValueList::with_capacity(t, before.len());
        for pair in before.iter() {
            if compare::values_equal(t, receiver::<Tuple>(pair).get(0), a[1])? {
                removed += 1;
            } else {
                kept.push(t, pair);
            }
        }
        // Comparing may have run anything; what was added meanwhile stays.
        if let Some(now) = this.callbacks.opt() {
            receiver::<List>(now).snapshot(t).iter().skip(before.len()).for_each(|pair| kept.push(t, pair));
            let rest = if kept.is_empty() { Value::NULL } else { List::from_slice(t, kept.as_slice())?.value() };
            this.callbacks.set(t, this, rest);
        }
    }
    Ok(int::from_usize(t, removed))
}

fn callbacks(t: &Thread, v: Value) -> R {
    let this = receiver::<Future>(v);
    let mut all = ValueList::new(t);
    if let Some(callback) = this.callback.opt() {
        all.push(t, Tuple::from_slice(t, &[callback, or_none(&this.callback_context)]).value());
    }
    if let Some(list) = this.callbacks.opt() {
        receiver::<List>(list).snapshot(t).iter().for_each(|pair| all.push(t, pair));
    }
    if all.is_empty() { Ok(Value::NONE) } else { Ok(List::from_slice(t, all.as_slice())?.value()) }
}

// ---- who waits ----

/// Records that one future waits for another; others than those of these types are left alone.
pub(super) fn add_to_awaited_by(t: &Thread, future: Value, waiter: Value) -> R<()> {
    let (Some(future), Some(_)) = (as_future(future), as_future(waiter)) else { return Ok(()) };
    match future.awaited_by.opt() {
        None => future.awaited_by.set(t, future, waiter),
        Some(several) if set::as_set(several).is_some() => drop(set::add_value(t, several, waiter)?),
        Some(one) if one == waiter => {}
        Some(one) => {
            let several = set::new_set(t);
            set::add_value(t, several, one)?;
            set::add_value(t, several, waiter)?;
            future.awaited_by.set(t, future, several);
        }
    }
    Ok(())
}

/// Takes back [`add_to_awaited_by`].
pub(super) fn discard_from_awaited_by(t: &Thread, future: Value, waiter: Value) -> R<()> {
    let (Some(future), Some(_)) = (as_future(future), as_future(waiter)) else { return Ok(()) };
    match future.awaited_by.opt() {
        Some(one) if one == waiter => future.awaited_by.set(t, future, Value::NULL),
        Some(several) => {
            if let Some(several) = set::as_set(several) {
                several.discard(t, waiter)?;
            }
        }
        None => {}
    }
    Ok(())
}

fn awaited_by(t: &Thread, v: Value) -> R {
    match receiver::<Future>(v).awaited_by.opt() {
        None => Ok(Value::NONE),
        Some(several) => match set::as_set(several) {
            Some(several) => {
                let mut members = ValueList::new(t);
                several.entries().for_each(|(member, _)| members.push(t, member));
                set::new_frozenset(t, members.as_slice())
            }
            None => set::new_frozenset(t, &[several]),
        },
    }
}

// ---- the end of an object ----

/// Tells the loop about a future that was forgotten: `name: value` for each of the pairs.
pub(super) fn report(t: &Thread, this: Ref<Future>, message: &str, what: &str, more: &[(&str, Value)]) -> R<()> {
    let context = Dict::new(t);
    context.set_text(t, "message", Str::new(t, message).value())?;
    for (name, v) in more {
        context.set_text(t, name, *v)?;
    }
    context.set_text(t, what, this.value())?;
    if let Some(stack) = this.source_traceback.opt() {
        context.set_text(t, "source_traceback", stack)?;
    }
    call::call_method(t, this.event_loop.get(), names::call_exception_handler, &[context.value()]).map(|_| ())
}

/// Tells of an exception that nobody has asked for.
pub(super) fn finalize(t: &Thread, v: Value) -> R<()> {
    let this = receiver::<Future>(v);
    let Some(e) = this.exception.opt().filter(|_| this.unretrieved.get() == Value::TRUE) else { return Ok(()) };
    mark_unretrieved(t, this, false);
    let name = v.class().display_name();
    let name = name.rsplit('.').next().unwrap_or(&name).to_string();
    report(t, this, &format!("{name} exception was never retrieved"), "future", &[("exception", e)])
}

// ---- the type ----

fn repr(t: &Thread, v: Value) -> R {
    static FUTURE_REPR: Imported = Imported::new("asyncio.base_futures", "_future_repr");
    initialized(t, v)?;
    call::call(t, FUTURE_REPR.get(t)?, &[v])
}

/// A member that a program reads as it is, None for nothing.
macro_rules! readable {
    ($name:literal, $field:ident) => {
        GetSet::getter($name, |_, v| Ok(or_none(&receiver::<Future>(v).$field)))
    };
}

fn set_blocking(t: &Thread, v: Value, value: Value) -> R<()> {
    if value.is_null() {
        raise!(t, AttributeError, "cannot delete attribute")
    }
    let on = truth::truth(t, value)?;
    mark_blocking(t, initialized(t, v)?, on);
    Ok(())
}

fn set_log_traceback(t: &Thread, v: Value, value: Value) -> R<()> {
    if value.is_null() {
        raise!(t, AttributeError, "cannot delete attribute")
    }
    if truth::truth(t, value)? {
        raise!(t, ValueError, "_log_traceback can only be set to False")
    }
    mark_unretrieved(t, receiver(v), false);
    Ok(())
}

/// `_state`
fn state_name(t: &Thread, v: Value) -> R {
    Ok(str::intern(
        t,
        match receiver::<Future>(v).state() {
            state::PENDING => "PENDING",
            state::CANCELLED => "CANCELLED",
            _ => "FINISHED",
        },
    ))
}

/// `_asyncio.Future`
pub(super) static FUTURE_DEF: TypeDef = TypeDef {
    doc: "Future(*, loop=<unrepresentable>)\n--\n\nThis class is *almost* compatible with concurrent.futures.Future.\n\n    Differences:\n\n    \
          - result() and exception() do not take a timeout argument and\n      raise an exception when the future isn't done yet.\n\n    - \
          Callbacks registered with add_done_callback() are always called\n      via the event loop's call_soon_threadsafe().\n\n    - This \
          class is not compatible with the wait() and as_completed()\n      methods in the concurrent.futures package.",
    flags: flag::BASE_TYPE | flag::WEAK_REFERENCES,
    slots: SlotTable {
        new: Some(new),
        init: Some(init),
        repr: Some(repr),
        iter: Some(future_iter::new),
        await_: Some(future_iter::new),
        finalize: Some(finalize),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::def("result", "self, /", |t, a| result(t, receiver(a[0])))
            .doc("Return the result this future represents.\n\nIf the future has been cancelled, raises CancelledError."),
        FnDef::def("exception", "self, /", exception).doc("Return the exception that was set on this future."),
        FnDef::def("set_result", "self, result, /", |t, a| {
            initialized(t, a[0]).and_then(|this| set_result(t, this, a[1])).map(|()| Value::NONE)
        })
        .doc("Mark the future done and set its result."),
        FnDef::def("set_exception", "self, exception, /", |t, a| {
            initialized(t, a[0]).and_then(|this| set_exception(t, this, a[1])).map(|()| Value::NONE)
        })
        .doc("Mark the future done and set an exception."),
        FnDef::def("add_done_callback", "self, fn, /, *, context=None", add_done_callback_method)
            .doc("Add a callback to be run when the future becomes done."),
        FnDef::def("remove_done_callback", "self, fn, /", remove_done_callback)
            .doc("Remove all instances of a callback from the \"call when done\" list.\n\nReturns the number of callbacks removed."),
        FnDef::def("cancel", "self, /, msg=None", |t, a| {
            let this = initialized(t, a[0])?;
            cancel(t, this, a[1]).map(Value::bool)
        })
        .doc("Cancel the future and schedule callbacks."),
        FnDef::def("cancelled", "self, /", |_, a| Ok(Value::bool(receiver::<Future>(a[0]).state() == state::CANCELLED)))
            .doc("Return True if the future was cancelled."),
        FnDef::def("done", "self, /", |_, a| Ok(Value::bool(receiver::<Future>(a[0]).state() != state::PENDING)))
            .doc("Return True if the future is done."),
        FnDef::def("get_loop", "self, /", |t, a| Ok(initialized(t, a[0])?.event_loop.get()))
            .doc("Return the event loop the Future is bound to."),
        FnDef::def("_make_cancelled_error", "self, /", |t, a| make_cancelled_error(t, receiver(a[0])))
            .doc("Create the CancelledError to raise if the Future is cancelled."),
        FnDef::class_def("__class_getitem__", "cls, object, /", |t, a| generic_alias::class_getitem(t, a[0], a[1])).doc("See PEP 585"),
    ],
    getset: &[
        GetSet::getter("_state", state_name),
        GetSet::property("_asyncio_future_blocking", |_, v| Ok(Value::bool(receiver::<Future>(v).is_blocking())), set_blocking),
        readable!("_loop", event_loop),
        GetSet::getter("_callbacks", callbacks),
        readable!("_result", result),
        readable!("_exception", exception),
        GetSet::property("_log_traceback", |_, v| Ok(receiver::<Future>(v).unretrieved.get()), set_log_traceback),
        readable!("_source_traceback", source_traceback),
        GetSet::property(
            "_cancel_message",
            |_, v| Ok(or_none(&receiver::<Future>(v).cancel_message)),
            |t, v, value| {
                if value.is_null() {
                    raise!(t, AttributeError, "cannot delete attribute")
                }
                let this = receiver::<Future>(v);
                this.cancel_message.set(t, this, null_if_none(value));
                Ok(())
            },
        ),
        GetSet::getter("_asyncio_awaited_by", awaited_by),
    ],
    dict_offset: offset_of!(Future, dict),
    ..TypeDef::of::<Future>("_asyncio.Future")
};

/// The loop of anything that is like a future.
pub(super) fn loop_of(t: &Thread, v: Value) -> R {
    if is_plain(v) {
        return Ok(initialized(t, v)?.event_loop.get());
    }
    match attr::get_attr_opt(t, v, names::get_loop)? {
        Some(get_loop) => call::call(t, get_loop, &[]),
        None => attr::get_attr(t, v, names::_loop),
    }
}
