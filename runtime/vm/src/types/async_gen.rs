//! Async generators: the awaitables that `asend`, `athrow`, `aclose` and `__anext__` give.
//!
//! An async generator's frame yields two kinds of things: what it awaits, passed through to the event loop, and the values of its own
//! `yield`, which arrive wrapped ([`wrap`]). The awaitable that drives it ends with StopIteration when it sees a wrapped value.

use crate::args::{FnDef, GetSet, receiver};
use crate::exc;
use crate::object::{R, Raised, Ref, Slot, ValueExt, header_of};
use crate::protocol::{call, iter};
use crate::slots::SlotTable;
use crate::thread::{Thread, ThreadSlot};
use crate::types::coroutine::{self, exception_to_throw, to_next};
use crate::types::generator::Sent;
use crate::types::{Exception, Generator, Tuple, TypeDef, builtin, flag};
use limpid_heap::{Header, Value};
use std::sync::atomic::{AtomicU64, Ordering};

/// A value that an async generator has yielded.
#[repr(C)]
pub struct WrappedValue {
    header: Header,
    value: Slot,
}

layout!(WrappedValue, builtin::ASYNC_GEN_WRAPPED_VALUE, Slots);

/// Wraps what an async generator yields.
pub fn wrap(t: &Thread, v: Value) -> Value {
    t.alloc(WrappedValue { header: header_of::<WrappedValue>(), value: Slot::new(v) }).value()
}

/// `async_generator_wrapped_value`
pub static ASYNC_GEN_WRAPPED_VALUE_DEF: TypeDef =
    TypeDef { flags: flag::DISALLOW_INSTANTIATION, ..TypeDef::of::<WrappedValue>("async_generator_wrapped_value") };

/// States of an awaitable.
const INIT: u64 = 0;
const ITERATING: u64 = 1;
const CLOSED: u64 = 2;

/// What `asend` and `__anext__` give.
#[repr(C)]
pub struct Asend {
    header: Header,
    generator: Slot,
    value: Slot,
    state: AtomicU64,
}

layout!(Asend, builtin::ASYNC_GEN_ASEND, Slots);

/// What `athrow` and `aclose` give; `thrown` has the arguments of `athrow`, and is NULL for `aclose`.
#[repr(C)]
pub struct Athrow {
    header: Header,
    generator: Slot,
    thrown: Slot,
    state: AtomicU64,
}

layout!(Athrow, builtin::ASYNC_GEN_ATHROW, Slots);

fn generator_of(slot: &Slot) -> Ref<Generator> {
    // SAFETY: the field refers to an async generator.
    unsafe { Ref::from_value(slot.get()) }
}

/// Calls the hooks of `sys.set_asyncgen_hooks` for a generator that is about to run for the first time.
fn init_hooks(t: &Thread, g: Ref<Generator>) -> R<()> {
    if g.hooks_inited.swap(1, Ordering::AcqRel) != 0 {
        return Ok(());
    }
    if let Some(f) = t.slot(ThreadSlot::AsyncGenFinalizer) {
        g.finalizer.set(t, g, f);
        limpid_heap::register_finalizer(&t.mutator, g.value());
    }
    if let Some(f) = t.slot(ThreadSlot::AsyncGenFirstIter) {
        call::call(t, f, &[g.value()])?;
    }
    Ok(())
}

fn new_asend(t: &Thread, g: Value, v: Value) -> R {
    // SAFETY: the caller's receiver is an async generator.
    init_hooks(t, unsafe { Ref::from_value(g) })?;
    let state = AtomicU64::new(INIT);
    Ok(t.alloc(Asend { header: header_of::<Asend>(), generator: Slot::new(g), value: Slot::new(v), state }).value())
}

fn new_athrow(t: &Thread, g: Value, thrown: Value) -> R {
    // SAFETY: as above.
    init_hooks(t, unsafe { Ref::from_value(g) })?;
    let state = AtomicU64::new(INIT);
    let athrow = t.alloc(Athrow { header: header_of::<Athrow>(), generator: Slot::new(g), thrown: Slot::new(thrown), state });
    warn_unless_awaited(t, athrow.value());
    Ok(athrow.value())
}

/// The program hears of it when this dies without having been awaited. What `async for` makes is awaited at once.
fn warn_unless_awaited(t: &Thread, awaitable: Value) {
    limpid_heap::register_finalizer(&t.mutator, awaitable);
}

/// Warns of an awaitable that dies in its first state.
fn finalize(t: &Thread, v: Value, state: &AtomicU64, generator: &Slot, method: &str) -> R<()> {
    if state.load(Ordering::Acquire) == INIT {
        crate::warnings::unawaited_method(t, v, method, generator_of(generator).qualname.get());
    }
    Ok(())
}

/// What driving the generator gave, as the awaitable hands it on: a wrapped value ends the awaiting.
fn unwrap(t: &Thread, g: Ref<Generator>, result: R<Sent>) -> R<Sent> {
    match result {
        Ok(Sent::Yielded(v)) => match v.exact::<WrappedValue>() {
            Some(w) => {
                g.async_running.store(0, Ordering::Release);
                Ok(Sent::Returned(w.value.get()))
            }
            None => Ok(Sent::Yielded(v)),
        },
        Ok(Sent::Returned(_)) => {
            g.async_closed.store(1, Ordering::Release);
            g.async_running.store(0, Ordering::Release);
            Err(t.raise_with(exc::StopAsyncIteration, &[]))
        }
        Err(raised) => {
            if t.exception_is(exc::StopAsyncIteration) || t.exception_is(exc::GeneratorExit) {
                g.async_closed.store(1, Ordering::Release);
            }
            g.async_running.store(0, Ordering::Release);
            Err(raised)
        }
    }
}

fn claim_running(t: &Thread, g: Ref<Generator>, what: &str) -> R<()> {
    if g.async_running.swap(1, Ordering::AcqRel) != 0 {
        raise!(t, RuntimeError, "{what}: asynchronous generator is already running");
    }
    Ok(())
}

/// `asend.send(v)`: `Returned` is the value of the await.
pub fn send_asend(t: &Thread, asend: Value, v: Value) -> R<Sent> {
    let a = receiver::<Asend>(asend);
    let g = generator_of(&a.generator);
    let mut v = v;
    match a.state.load(Ordering::Acquire) {
        CLOSED => raise!(t, RuntimeError, "cannot reuse already awaited __anext__()/asend()"),
        INIT => {
            if g.async_running.load(Ordering::Acquire) != 0 {
                a.state.store(CLOSED, Ordering::Release);
                raise!(t, RuntimeError, "anext(): asynchronous generator is already running");
            }
            if v.is_none() {
                v = a.value.get();
            }
            a.state.store(ITERATING, Ordering::Release);
            claim_running(t, g, "anext()")?;
        }
        _ => {}
    }
    let sent = unwrap(t, g, coroutine::send(t, g, v));
    if !matches!(sent, Ok(Sent::Yielded(_))) {
        a.state.store(CLOSED, Ordering::Release);
    }
    sent
}

fn asend_throw(t: &Thread, args: &[Value]) -> R {
    let a = receiver::<Asend>(args[0]);
    let g = generator_of(&a.generator);
    match a.state.load(Ordering::Acquire) {
        CLOSED => raise!(t, RuntimeError, "cannot reuse already awaited __anext__()/asend()"),
        INIT => {
            if g.async_running.load(Ordering::Acquire) != 0 {
                a.state.store(CLOSED, Ordering::Release);
                raise!(t, RuntimeError, "anext(): asynchronous generator is already running");
            }
            a.state.store(ITERATING, Ordering::Release);
            claim_running(t, g, "anext()")?;
        }
        _ => {}
    }
    let e = exception_to_throw(t, args[1], args[2], args[3])?;
    let sent = unwrap(t, g, coroutine::throw(t, g, e, false));
    if !matches!(sent, Ok(Sent::Yielded(_))) {
        a.state.store(CLOSED, Ordering::Release);
    }
    to_next(t, sent?)
}

fn asend_close(t: &Thread, args: &[Value]) -> R {
    if receiver::<Asend>(args[0]).state.load(Ordering::Acquire) == CLOSED {
        return Ok(Value::NONE);
    }
    let e = Exception::instantiate(t, exc::GeneratorExit, &[])?;
    close_with(t, asend_throw(t, &[args[0], e, Value::NULL, Value::NULL]))
}

/// The outcome of throwing GeneratorExit into an awaitable to close it.
fn close_with(t: &Thread, result: R) -> R {
    match result {
        Ok(_) => raise!(t, RuntimeError, "coroutine ignored GeneratorExit"),
        Err(raised) => {
            let expected = [exc::StopIteration, exc::StopAsyncIteration, exc::GeneratorExit];
            if expected.into_iter().any(|c| t.exception_is(c)) {
                t.take_exception();
                return Ok(Value::NONE);
            }
            Err(raised)
        }
    }
}

/// `async_generator_asend`
pub static ASYNC_GEN_ASEND_DEF: TypeDef = TypeDef {
    flags: flag::DISALLOW_INSTANTIATION,
    slots: SlotTable {
        iter: Some(|_, v| Ok(v)),
        await_: Some(|_, v| Ok(v)),
        next: Some(|t, v| to_next(t, send_asend(t, v, Value::NONE)?)),
        finalize: Some(|t, v| {
            let a = receiver::<Asend>(v);
            finalize(t, v, &a.state, &a.generator, "asend")
        }),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::def("send", "self, value, /", |t, a| to_next(t, send_asend(t, a[0], a[1])?)),
        FnDef::def("throw", "self, type, value=None, traceback=None, /", asend_throw),
        FnDef::def("close", "self, /", asend_close),
    ],
    ..TypeDef::of::<Asend>("async_generator_asend")
};

fn name_of(a: &Athrow) -> &'static str {
    if a.thrown.get().is_null() { "aclose()" } else { "athrow()" }
}

fn send_athrow(t: &Thread, athrow: Value, v: Value) -> R<Sent> {
    let a = receiver::<Athrow>(athrow);
    let g = generator_of(&a.generator);
    let closing = a.thrown.get().is_null();
    let state = a.state.load(Ordering::Acquire);
    if state == CLOSED {
        raise!(t, RuntimeError, "cannot reuse already awaited aclose()/athrow()");
    }
    let result = if state == INIT {
        if g.async_running.load(Ordering::Acquire) != 0 {
            a.state.store(CLOSED, Ordering::Release);
            raise!(t, RuntimeError, "{}: asynchronous generator is already running", name_of(&a));
        }
        if g.async_closed.load(Ordering::Acquire) != 0 || (closing && g.is_finished()) {
            a.state.store(CLOSED, Ordering::Release);
            return if closing { Ok(Sent::Returned(Value::NONE)) } else { Err(t.raise_with(exc::StopAsyncIteration, &[])) };
        }
        if !v.is_none() {
            raise!(t, RuntimeError, "can't send non-None value to a just-started coroutine");
        }
        a.state.store(ITERATING, Ordering::Release);
        claim_running(t, g, name_of(&a))?;
        if closing {
            g.async_closed.store(1, Ordering::Release);
            let e = Exception::instantiate(t, exc::GeneratorExit, &[])?;
            coroutine::throw(t, g, e, false)
        } else {
            // SAFETY: not NULL, so the tuple of `ag_athrow`.
            let thrown = unsafe { Ref::<Tuple>::from_value(a.thrown.get()) };
            match thrown.as_slice() {
                &[kind, value, traceback] => match exception_to_throw(t, kind, value, traceback) {
                    Ok(e) => coroutine::throw(t, g, e, false),
                    Err(raised) => Err(raised),
                },
                _ => unreachable!("three arguments"),
            }
        }
    } else {
        coroutine::send(t, g, v)
    };
    finish_athrow(t, &a, g, result, closing)
}

fn finish_athrow(t: &Thread, a: &Athrow, g: Ref<Generator>, result: R<Sent>, closing: bool) -> R<Sent> {
    if !closing {
        let sent = unwrap(t, g, result);
        if !matches!(sent, Ok(Sent::Yielded(_))) {
            a.state.store(CLOSED, Ordering::Release);
        }
        return sent;
    }
    match result {
        Ok(Sent::Yielded(v)) if v.exact::<WrappedValue>().is_some() => {
            g.async_running.store(0, Ordering::Release);
            a.state.store(CLOSED, Ordering::Release);
            raise!(t, RuntimeError, "async generator ignored GeneratorExit")
        }
        Ok(Sent::Yielded(v)) => Ok(Sent::Yielded(v)),
        Ok(Sent::Returned(_)) => {
            g.async_running.store(0, Ordering::Release);
            a.state.store(CLOSED, Ordering::Release);
            Ok(Sent::Returned(Value::NONE))
        }
        Err(raised) => {
            g.async_running.store(0, Ordering::Release);
            a.state.store(CLOSED, Ordering::Release);
            if t.exception_is(exc::StopAsyncIteration) || t.exception_is(exc::GeneratorExit) {
                t.take_exception();
                return Ok(Sent::Returned(Value::NONE));
            }
            Err(raised)
        }
    }
}

fn athrow_throw(t: &Thread, args: &[Value]) -> R {
    let a = receiver::<Athrow>(args[0]);
    let g = generator_of(&a.generator);
    let closing = a.thrown.get().is_null();
    match a.state.load(Ordering::Acquire) {
        CLOSED => raise!(t, RuntimeError, "cannot reuse already awaited aclose()/athrow()"),
        INIT => {
            if g.async_running.load(Ordering::Acquire) != 0 {
                a.state.store(CLOSED, Ordering::Release);
                raise!(t, RuntimeError, "{}: asynchronous generator is already running", name_of(&a));
            }
            a.state.store(ITERATING, Ordering::Release);
            claim_running(t, g, name_of(&a))?;
        }
        _ => {}
    }
    let e = exception_to_throw(t, args[1], args[2], args[3])?;
    let result = coroutine::throw(t, g, e, false);
    to_next(t, finish_athrow(t, &a, g, result, closing)?)
}

fn athrow_close(t: &Thread, args: &[Value]) -> R {
    if receiver::<Athrow>(args[0]).state.load(Ordering::Acquire) == CLOSED {
        return Ok(Value::NONE);
    }
    let e = Exception::instantiate(t, exc::GeneratorExit, &[])?;
    close_with(t, athrow_throw(t, &[args[0], e, Value::NULL, Value::NULL]))
}

/// `async_generator_athrow`
pub static ASYNC_GEN_ATHROW_DEF: TypeDef = TypeDef {
    flags: flag::DISALLOW_INSTANTIATION,
    slots: SlotTable {
        iter: Some(|_, v| Ok(v)),
        await_: Some(|_, v| Ok(v)),
        next: Some(|t, v| to_next(t, send_athrow(t, v, Value::NONE)?)),
        finalize: Some(|t, v| {
            let a = receiver::<Athrow>(v);
            finalize(t, v, &a.state, &a.generator, if a.thrown.get().is_null() { "aclose" } else { "athrow" })
        }),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::def("send", "self, value, /", |t, a| to_next(t, send_athrow(t, a[0], a[1])?)),
        FnDef::def("throw", "self, type, value=None, traceback=None, /", athrow_throw),
        FnDef::def("close", "self, /", athrow_close),
    ],
    ..TypeDef::of::<Athrow>("async_generator_athrow")
};

fn ag_asend(t: &Thread, a: &[Value]) -> R {
    let asend = new_asend(t, a[0], a[1])?;
    warn_unless_awaited(t, asend);
    Ok(asend)
}

/// What is wrong with the arguments is told when they are used.
fn ag_athrow(t: &Thread, a: &[Value]) -> R {
    if !a[2].is_null() || !a[3].is_null() {
        crate::warnings::deprecated(t, "the (type, exc, tb) signature of athrow() is deprecated, use the single-arg signature instead.")?;
    }
    let thrown = [a[1], a[2], a[3]].map(|v| v.non_null().unwrap_or(Value::NONE));
    new_athrow(t, a[0], Tuple::from_slice(t, &thrown).value())
}

/// `async_generator`
pub static ASYNC_GENERATOR_DEF: TypeDef = TypeDef {
    flags: flag::DISALLOW_INSTANTIATION | flag::WEAK_REFERENCES,
    slots: SlotTable {
        repr: Some(coroutine::REPR),
        aiter: Some(|_, v| Ok(v)),
        anext: Some(|t, v| new_asend(t, v, Value::NONE)),
        finalize: Some(coroutine::finalize),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::def("asend", "self, value, /", ag_asend),
        FnDef::def("athrow", "self, type, value=None, traceback=None, /", ag_athrow),
        FnDef::def("aclose", "self, /", |t, a| new_athrow(t, a[0], Value::NULL)),
        FnDef::class_def("__class_getitem__", "cls, item, /", |t, a| crate::types::generic_alias::class_getitem(t, a[0], a[1])),
    ],
    getset: &[
        coroutine::NAME,
        coroutine::QUALNAME,
        GetSet::getter("ag_code", coroutine::CODE),
        GetSet::getter("ag_frame", coroutine::FRAME),
        GetSet::getter("ag_running", |_, v| {
            // SAFETY: the descriptor has checked the receiver.
            Ok(Value::bool(unsafe { Ref::<Generator>::from_value(v) }.async_running.load(Ordering::Acquire) != 0))
        }),
        GetSet::getter("ag_suspended", coroutine::SUSPENDED),
        GetSet::getter("ag_await", coroutine::DELEGATE),
    ],
    ..TypeDef::of::<Generator>("async_generator")
};

/// What `anext(it, default)` gives: the awaitable of `__anext__`, which gives the default at the end.
#[repr(C)]
pub struct AnextAwaitable {
    header: Header,
    awaitable: Slot,
    default: Slot,
}

layout!(AnextAwaitable, builtin::ANEXT_AWAITABLE, Slots);

/// Wraps the awaitable of `__anext__` for `anext` with a default.
pub fn new_anext_awaitable(t: &Thread, awaitable: Value, default: Value) -> Value {
    t.alloc(AnextAwaitable { header: header_of::<AnextAwaitable>(), awaitable: Slot::new(awaitable), default: Slot::new(default) }).value()
}

/// The iterator behind the awaitable, and StopAsyncIteration turned into the default.
fn drive(t: &Thread, v: Value, f: impl FnOnce(Value) -> R) -> R {
    let a = receiver::<AnextAwaitable>(v);
    let mut it = coroutine::get_awaitable(t, a.awaitable.get(), 0)?;
    if it.shape() == builtin::shapes::COROUTINE {
        it = crate::protocol::call::call_method(t, it, crate::names::__await__, &[])?;
    }
    match f(it) {
        Err(_) if t.exception_is(exc::StopAsyncIteration) => {
            t.take_exception();
            let stop = exc::new_stop_iteration(t, a.default.get())?;
            t.raise_value(stop);
            Err(Raised)
        }
        other => other,
    }
}

/// `anext_awaitable`
pub static ANEXT_AWAITABLE_DEF: TypeDef = TypeDef {
    flags: flag::DISALLOW_INSTANTIATION,
    slots: SlotTable {
        iter: Some(|_, v| Ok(v)),
        await_: Some(|_, v| Ok(v)),
        next: Some(|t, v| drive(t, v, |it| iter::next_or_stop(t, iter::next_function(t, it)?, it))),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::def("send", "self, value, /", |t, a| drive(t, a[0], |it| call::call_method(t, it, crate::names::send, &[a[1]]))),
        FnDef::def("throw", "self, type, value=None, traceback=None, /", |t, a| {
            let n = a.iter().take_while(|v| !v.is_null()).count();
            drive(t, a[0], |it| call::call_method(t, it, crate::names::throw, &a[1..n]))
        }),
        FnDef::def("close", "self, /", |t, a| drive(t, a[0], |it| call::call_method(t, it, crate::names::close, &[]))),
    ],
    ..TypeDef::of::<AnextAwaitable>("anext_awaitable")
};
