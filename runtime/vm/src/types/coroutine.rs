//! Generators and coroutines as Python sees them: `send`, `throw`, `close`, `await`.

use crate::args::{FnDef, GetSet, receiver};
use crate::exc;
use crate::instrument::events::Event;
use crate::instrument::exceptions::tell;
use crate::interp::calls::enter;
use crate::interp::frame::{Frame, exhausted_exit_pc, exit_pc};
use crate::interp::trace;
use crate::names;
use crate::object::{R, Ref, Slot, ValueExt, header_of};
use crate::protocol::{attr, call, iter, text};
use crate::slots::{Next, SlotTable};
use crate::thread::Thread;
use crate::types::generator::{Sent, state};
use crate::types::{Code, Exception, Generator, Str, Traceback, Tuple, Type, TypeDef, async_gen, builtin, flag, frame};
use limpid_bytecode::CodeFlags;
use limpid_heap::{Header, Value};

// SAFETY: the collector traces it by the registered function for its number.
unsafe impl crate::object::Layout for Generator {
    const KIND: u8 = crate::types::generator::GENERATOR_KIND;
    const SLOTS: u8 = 0;
    fn class() -> Ref<Type> {
        builtin::GENERATOR
    }
}

/// The value as a generator, coroutine or async generator.
#[inline]
pub fn as_generator(v: Value) -> Option<Ref<Generator>> {
    let shape = v.shape();
    let fits = shape == builtin::shapes::GENERATOR || shape == builtin::shapes::COROUTINE;
    // SAFETY: these have the layout.
    fits.then(|| unsafe { Ref::from_value(v) })
}

/// The value as a generator of any kind.
pub fn as_any_generator(v: Value) -> Option<Ref<Generator>> {
    as_generator(v).or_else(|| (v.shape() == builtin::shapes::ASYNC_GENERATOR).then(|| any_generator(v)))
}

fn kind_of(g: Ref<Generator>) -> &'static str {
    match g.value().shape() {
        s if s == builtin::shapes::COROUTINE => "coroutine",
        s if s == builtin::shapes::ASYNC_GENERATOR => "async generator",
        _ => "generator",
    }
}

/// What a new coroutine gets: where it was made, if that is tracked.
pub fn on_new(t: &Thread, g: Ref<Generator>) {
    if g.value().shape() == builtin::shapes::COROUTINE {
        let depth = t.interpreter().coroutine_origin_depth.load(std::sync::atomic::Ordering::Relaxed);
        if depth > 0 {
            let origin = origin_of(t, depth as usize);
            g.origin.set(t, g, origin);
        }
    }
}

/// `(file, line, function)` of the calling frames.
fn origin_of(t: &Thread, depth: usize) -> Value {
    let mut out = crate::types::ValueList::new(t);
    let mut f = t.current_frame().map(Frame::previous);
    while let Some(frame) = f.filter(|f| !f.is_none())
        && out.len() < depth
    {
        if !frame.is_shim() {
            let object = frame::object_of(t, frame);
            let line = Value::int(object.line(t) as i64);
            let entry = Tuple::from_slice(t, &[frame.code().filename.get(), line, frame.code().name.get()]);
            out.push(t, entry.value());
        }
        f = Some(frame.previous());
    }
    Tuple::from_slice(t, out.as_slice()).value()
}

/// Resumes a claimed generator from native code, with `v` on its stack.
fn resume(t: &Thread, g: Ref<Generator>, v: Value) -> R<Sent> {
    g.link(t, Frame(t.fp.get()), free_sp(t), exit_pc(), exhausted_exit_pc(), true);
    // SAFETY: the frame has a place for the value that is sent.
    let sp = unsafe {
        *g.sp.get() = v;
        g.sp.get().add(1)
    };
    finish_run(t, enter(t, g.frame(), sp, g.pc.get()))
}

/// Where a value may be handed to native code: the thread's free stack.
fn free_sp(t: &Thread) -> *mut Value {
    crate::interp::frame::free_stack(t.sp.get(), Frame(t.fp.get()))
}

/// How the generator has come back. Its state says nothing any more: another thread may have resumed it since it has yielded.
fn finish_run(t: &Thread, result: R) -> R<Sent> {
    let v = result?;
    Ok(if t.left_at.get() == exhausted_exit_pc() { Sent::Returned(v) } else { Sent::Yielded(v) })
}

/// `g.send(v)`
pub fn send(t: &Thread, g: Ref<Generator>, v: Value) -> R<Sent> {
    if g.state() == state::CREATED && !v.is_none() {
        raise!(t, TypeError, "can't send non-None value to a just-started {}", kind_of(g));
    }
    let before = match g.claim() {
        Ok(before) => before,
        Err(now) => return not_resumable(t, g, now),
    };
    if t.depth.get() >= t.depth_limit.get() {
        g.release(before);
        return Err(t.raise_recursion_error());
    }
    g.adopt(t);
    resume(t, g, v)
}

/// A generator could not be claimed because of this state.
fn not_resumable(t: &Thread, g: Ref<Generator>, now: u8) -> R<Sent> {
    if now == state::EXECUTING {
        raise!(t, ValueError, "{} already executing", kind_of(g));
    }
    if g.value().shape() == builtin::shapes::COROUTINE {
        raise!(t, RuntimeError, "cannot reuse already awaited coroutine");
    }
    Ok(Sent::Returned(Value::NONE))
}

/// Resumes a claimed generator by raising the current exception at the place where it stands.
fn resume_with_exception(t: &Thread, g: Ref<Generator>) -> R<Sent> {
    let f = g.frame();
    g.link(t, Frame(t.fp.get()), free_sp(t), exit_pc(), exhausted_exit_pc(), true);
    trace::entry(t, f, true);
    crate::instrument::refresh(t, f.code());
    // The word before the one it would go on with belongs to the yield.
    let at = f.code().offset_of(g.pc.get()).saturating_sub(1);
    // An exception that a tool raises is thrown in place of this one.
    let _ = as_running(t, g, || tell(t, f, at, Event::PY_THROW));
    let e = t.take_exception();
    // What the generator is handling.
    Exception::attach_context(t, e);
    let result = raise_in(t, g, e);
    finish_run(t, result)
}

/// The instruction a suspended frame resumes with after its RESUME, raising instead of running.
fn raise_in(t: &Thread, g: Ref<Generator>, e: Value) -> R {
    use crate::interp::regs::{Regs, Step};
    // The position of the yield: the word before the one it would go on with. A generator that has not started raises at its start.
    // SAFETY: there is an instruction before it.
    let pc = unsafe { g.pc.get().sub(1) };
    let saved = (t.pc.get(), t.sp.get(), t.fp.get());
    let mut r = Regs { pc, sp: g.sp.get(), fp: g.frame().0, th: t };
    t.depth.set(t.depth.get() + 1);
    t.raise_value(e);
    let step = t.from_native(|| crate::interp::unwind::unwind(&mut r));
    t.pc.set(saved.0);
    t.sp.set(saved.1);
    t.fp.set(saved.2);
    match step {
        Step::Exit => Err(crate::object::Raised),
        _ => {
            t.depth.set(t.depth.get() - 1);
            enter(t, g.frame(), r.sp, r.pc)
        }
    }
}

/// `g.throw(e)` for an exception instance: what it delegates to gets it first.
pub fn throw(t: &Thread, g: Ref<Generator>, e: Value, close_on_exit: bool) -> R<Sent> {
    let before = match g.claim() {
        Ok(before) => before,
        Err(now) if now == state::EXECUTING || g.value().shape() == builtin::shapes::COROUTINE && !close_on_exit => {
            return not_resumable(t, g, now);
        }
        Err(_) => {
            t.raise_value(e);
            return Err(crate::object::Raised);
        }
    };
    g.adopt(t);
    if before == state::SUSPENDED_YIELD_FROM {
        let (receiver, position) = g.delegate_claimed();
        if position.is_null()
            && let Some(sent) = throw_into_delegate(t, g, receiver, e, close_on_exit)?
        {
            return Ok(sent);
        }
    }
    t.raise_value(e);
    resume_with_exception(t, g)
}

/// Hands the exception to the delegate. None: the frame itself has to raise it.
fn throw_into_delegate(t: &Thread, g: Ref<Generator>, receiver: Value, e: Value, close_on_exit: bool) -> R<Option<Sent>> {
    if e.is_instance(exc::GeneratorExit) && close_on_exit {
        let closed = close_delegate(t, receiver);
        return match closed {
            Ok(()) => Ok(None),
            // The delegate failed to close: its exception is raised in the frame.
            Err(_) => resume_with_exception(t, g).map(Some),
        };
    }
    let result = match as_generator(receiver) {
        Some(inner) => on_top(t, g, || throw(t, inner, e, close_on_exit)),
        None => match attr::get_attr_opt(t, receiver, names::throw) {
            Ok(None) => return Ok(None),
            Err(raised) => Err(raised),
            Ok(Some(f)) => match on_top(t, g, || call::call(t, f, &[e])).map(Sent::Yielded) {
                Err(_) if t.exception_is(exc::StopIteration) => Ok(Sent::Returned(exc::take_stop_iteration_value(t))),
                other => other,
            },
        },
    };
    match result {
        Ok(Sent::Yielded(v)) => {
            g.release(state::SUSPENDED_YIELD_FROM);
            Ok(Some(Sent::Yielded(v)))
        }
        Ok(Sent::Returned(v)) => {
            // As if SEND had jumped to END_SEND: raise StopIteration at the SEND; CLEANUP_THROW takes its value.
            let stop = exc::new_stop_iteration(t, v)?;
            t.raise_value(stop);
            resume_with_exception(t, g).map(Some)
        }
        Err(_) => resume_with_exception(t, g).map(Some),
    }
}

/// Runs `f` as if the claimed generator's frame had called it: so the delegate's callers are those that `sys._getframe` shows.
fn on_top<T>(t: &Thread, g: Ref<Generator>, f: impl FnOnce() -> R<T>) -> R<T> {
    g.link(t, Frame(t.fp.get()), free_sp(t), exit_pc(), exhausted_exit_pc(), true);
    t.handled.set(g.handled.previous.get());
    as_running(t, g, f)
}

/// Runs `f` with the frame of a linked generator as the innermost one.
fn as_running<T>(t: &Thread, g: Ref<Generator>, f: impl FnOnce() -> R<T>) -> R<T> {
    let saved = (t.pc.get(), t.sp.get(), t.fp.get());
    let result = t.from_native(|| {
        // SAFETY: there is an instruction before the one that a suspended frame resumes with.
        t.pc.set(unsafe { g.pc.get().sub(1) });
        t.sp.set(g.sp.get());
        t.fp.set(g.frame().0);
        f()
    });
    t.pc.set(saved.0);
    t.sp.set(saved.1);
    t.fp.set(saved.2);
    result
}

fn close_delegate(t: &Thread, receiver: Value) -> R<()> {
    if let Some(inner) = as_generator(receiver) {
        return close(t, inner).map(|_| ());
    }
    match attr::get_attr_opt(t, receiver, names::close) {
        Ok(Some(f)) => call::call(t, f, &[]).map(|_| ()),
        Ok(None) => Ok(()),
        Err(_) => {
            crate::error_report::unraisable(t, receiver);
            Ok(())
        }
    }
}

/// `g.close()`: the value it returned.
pub fn close(t: &Thread, g: Ref<Generator>) -> R {
    match g.state() {
        state::CLEARED => return Ok(Value::NONE),
        state::CREATED if g.claim_created() => {
            g.clear_frame();
            limpid_heap::unregister_finalizer(g.value());
            g.release(state::CLEARED);
            return Ok(Value::NONE);
        }
        _ => {}
    }
    let e = Exception::instantiate(t, exc::GeneratorExit, &[])?;
    match throw(t, g, e, true) {
        Ok(Sent::Yielded(_)) => raise!(t, RuntimeError, "{} ignored GeneratorExit", kind_of(g)),
        Ok(Sent::Returned(v)) => Ok(v),
        Err(_) if t.exception_is(exc::GeneratorExit) || t.exception_is(exc::StopIteration) => {
            t.take_exception();
            Ok(Value::NONE)
        }
        Err(raised) => Err(raised),
    }
}

/// The exception that `throw(type, value, traceback)` means.
pub fn exception_to_throw(t: &Thread, kind: Value, value: Value, traceback: Value) -> R {
    if !traceback.is_null() && !traceback.is_none() && traceback.exact::<Traceback>().is_none() {
        raise!(t, TypeError, "throw() third argument must be a traceback object");
    }
    let made = |args: &[Value]| -> R {
        let e = call::call(t, kind, args)?;
        if e.is_instance(exc::BaseException) {
            return Ok(e);
        }
        let shown = text::repr(t, kind)?;
        let shown = shown.to_string_lossy();
        raise!(t, TypeError, "calling {shown} should have returned an instance of BaseException, not {}", e.class().display_name())
    };
    // What goes wrong in making the exception is thrown in its place.
    let make = |args: &[Value]| made(args).or_else(|_| Ok(t.take_exception()));
    let e = if kind.downcast::<Type>().is_some_and(|c| c.is_subtype(exc::BaseException)) {
        if !value.is_null()
            && value.is_instance(exc::BaseException)
            && value.is_instance(kind.downcast::<Type>().unwrap_or(builtin::OBJECT))
        {
            value
        } else if value.is_null() || value.is_none() {
            make(&[])?
        } else if let Some(args) = value.downcast::<Tuple>() {
            make(args.as_slice())?
        } else {
            make(&[value])?
        }
    } else if kind.is_instance(exc::BaseException) {
        if !value.is_null() && !value.is_none() {
            raise!(t, TypeError, "instance exception may not have a separate value");
        }
        kind
    } else {
        raise!(t, TypeError, "exceptions must be classes or instances deriving from BaseException, not {}", kind.class().display_name());
    };
    if !traceback.is_null() && !traceback.is_none() {
        Exception::set_traceback(t, e, traceback);
    }
    Ok(e)
}

/// StopIteration for a returned value, the value for a yielded one.
pub fn to_next(t: &Thread, sent: Sent) -> R {
    match sent {
        Sent::Yielded(v) => Ok(v),
        Sent::Returned(v) => {
            let stop = exc::new_stop_iteration(t, v)?;
            Err(t.raise_value(stop))
        }
    }
}

/// As everywhere, NULL is the end. Who asks for what the generator has returned takes [`next_raising`].
fn gen_next(t: &Thread, v: Value) -> R {
    match send(t, receiver::<Generator>(v), Value::NONE)? {
        Sent::Yielded(v) => Ok(v),
        Sent::Returned(_) => Ok(Value::NULL),
    }
}

/// `g.__next__()`; at the end StopIteration with what the generator has returned.
pub fn next_raising(t: &Thread, v: Value) -> R {
    let sent = send(t, receiver::<Generator>(v), Value::NONE)?;
    to_next(t, sent)
}

/// Is this what `next` is for generators?
pub fn is_generator_next(f: Next) -> bool {
    std::ptr::fn_addr_eq(f, gen_next as Next)
}

fn any_generator(v: Value) -> Ref<Generator> {
    // SAFETY: the descriptors of the three types have checked the receiver; all have this layout.
    unsafe { Ref::from_value(v) }
}

fn gen_send(t: &Thread, a: &[Value]) -> R {
    let sent = send(t, any_generator(a[0]), a[1])?;
    to_next(t, sent)
}

fn gen_throw(t: &Thread, a: &[Value]) -> R {
    if !a[2].is_null() || !a[3].is_null() {
        crate::warnings::deprecated(t, "the (type, exc, tb) signature of throw() is deprecated, use the single-arg signature instead.")?;
    }
    let e = exception_to_throw(t, a[1], a[2], a[3])?;
    let sent = throw(t, any_generator(a[0]), e, true)?;
    to_next(t, sent)
}

fn gen_close(t: &Thread, a: &[Value]) -> R {
    close(t, any_generator(a[0]))
}

/// Finalizes a generator that became unreachable while suspended.
pub fn finalize(t: &Thread, v: Value) -> R<()> {
    let g = any_generator(v);
    // Somebody runs it: another thread finalizes one that delegates to it.
    if g.is_finished() || g.state() == state::EXECUTING {
        return Ok(());
    }
    if v.shape() == builtin::shapes::ASYNC_GENERATOR
        && let Some(f) = g.finalizer.opt()
        && g.async_closed.load(std::sync::atomic::Ordering::Relaxed) == 0
    {
        return call::call(t, f, &[v]).map(|_| ());
    }
    if v.shape() == builtin::shapes::COROUTINE && g.state() == state::CREATED {
        crate::warnings::unawaited_coroutine(t, v);
    }
    close(t, g).map(|_| ())
}

fn gen_repr(t: &Thread, v: Value) -> R {
    let g = any_generator(v);
    let name = crate::protocol::text::str_of(t, g.qualname.get())?;
    let kind = if kind_of(g) == "async generator" { "async_generator" } else { kind_of(g) };
    Ok(Str::new(t, &format!("<{kind} object {} at {:#x}>", name.to_string_lossy(), v.bits())).value())
}

fn code_of(v: Value) -> Ref<Code> {
    any_generator(v).frame().code()
}

fn frame_of(t: &Thread, v: Value) -> R {
    let g = any_generator(v);
    Ok(if g.is_finished() { Value::NONE } else { frame::object_of(t, g.frame()).value() })
}

fn delegate_of(_: &Thread, v: Value) -> R {
    let g = any_generator(v);
    Ok(g.delegate().unwrap_or(Value::NONE))
}

fn is_running(_: &Thread, v: Value) -> R {
    Ok(Value::bool(any_generator(v).state() == state::EXECUTING))
}

fn is_suspended(_: &Thread, v: Value) -> R {
    let s = any_generator(v).state();
    Ok(Value::bool((state::SUSPENDED..=state::SUSPENDED_YIELD_FROM_LOCKED).contains(&s)))
}

fn set_text(slot: fn(&Generator) -> &Slot, what: &'static str) -> impl Fn(&Thread, Value, Value) -> R<()> {
    move |t, v, to| {
        if to.is_null() || to.downcast::<Str>().is_none() {
            raise!(t, TypeError, "{what} must be set to a string object");
        }
        let g = any_generator(v);
        slot(&g).set(t, g, to);
        Ok(())
    }
}

pub(crate) const NAME: GetSet =
    GetSet::property("__name__", |_, v| Ok(any_generator(v).name.get()), |t, v, to| set_text(|g| &g.name, "__name__")(t, v, to));
pub(crate) const QUALNAME: GetSet = GetSet::property(
    "__qualname__",
    |_, v| Ok(any_generator(v).qualname.get()),
    |t, v, to| set_text(|g| &g.qualname, "__qualname__")(t, v, to),
);
pub(crate) const REPR: crate::slots::Unary = gen_repr;
pub(crate) const CODE: fn(&Thread, Value) -> R = |_, v| Ok(code_of(v).value());
pub(crate) const FRAME: fn(&Thread, Value) -> R = frame_of;
pub(crate) const DELEGATE: fn(&Thread, Value) -> R = delegate_of;
pub(crate) const RUNNING: fn(&Thread, Value) -> R = is_running;
pub(crate) const SUSPENDED: fn(&Thread, Value) -> R = is_suspended;

const METHODS: [FnDef; 3] = [
    FnDef::def("send", "self, value, /", gen_send),
    FnDef::def("throw", "self, type, value=None, traceback=None, /", gen_throw),
    FnDef::def("close", "self, /", gen_close),
];

/// `generator`
pub static GENERATOR_DEF: TypeDef = TypeDef {
    flags: flag::DISALLOW_INSTANTIATION | flag::WEAK_REFERENCES,
    slots: SlotTable { repr: Some(gen_repr), iter: Some(|_, v| Ok(v)), next: Some(gen_next), finalize: Some(finalize), ..SlotTable::EMPTY },
    methods: &[
        METHODS[0],
        METHODS[1],
        METHODS[2],
        FnDef::class_def("__class_getitem__", "cls, item, /", |t, a| crate::types::generic_alias::class_getitem(t, a[0], a[1])),
    ],
    getset: &[
        NAME,
        QUALNAME,
        GetSet::getter("gi_code", CODE),
        GetSet::getter("gi_frame", FRAME),
        GetSet::getter("gi_running", RUNNING),
        GetSet::getter("gi_suspended", SUSPENDED),
        GetSet::getter("gi_yieldfrom", DELEGATE),
    ],
    ..TypeDef::of::<Generator>("generator")
};

/// `coroutine`
pub static COROUTINE_DEF: TypeDef = TypeDef {
    flags: flag::DISALLOW_INSTANTIATION | flag::WEAK_REFERENCES,
    slots: SlotTable { repr: Some(gen_repr), await_: Some(coroutine_await), finalize: Some(finalize), ..SlotTable::EMPTY },
    methods: &[
        METHODS[0],
        METHODS[1],
        METHODS[2],
        FnDef::class_def("__class_getitem__", "cls, item, /", |t, a| crate::types::generic_alias::class_getitem(t, a[0], a[1])),
    ],
    getset: &[
        NAME,
        QUALNAME,
        GetSet::getter("cr_code", CODE),
        GetSet::getter("cr_frame", FRAME),
        GetSet::getter("cr_running", RUNNING),
        GetSet::getter("cr_suspended", SUSPENDED),
        GetSet::getter("cr_await", DELEGATE),
        GetSet::getter("cr_origin", |_, v| Ok(any_generator(v).origin.opt().unwrap_or(Value::NONE))),
    ],
    ..TypeDef::of::<Generator>("coroutine")
};

/// What `coroutine.__await__()` gives: an iterator that drives the coroutine.
#[repr(C)]
pub struct CoroutineWrapper {
    header: Header,
    coroutine: Slot,
}

layout!(CoroutineWrapper, builtin::COROUTINE_WRAPPER, Slots);

fn coroutine_await(t: &Thread, v: Value) -> R {
    Ok(t.alloc(CoroutineWrapper { header: header_of::<CoroutineWrapper>(), coroutine: Slot::new(v) }).value())
}

fn wrapped(v: Value) -> Ref<Generator> {
    any_generator(receiver::<CoroutineWrapper>(v).coroutine.get())
}

/// `coroutine_wrapper`
pub static COROUTINE_WRAPPER_DEF: TypeDef = TypeDef {
    flags: flag::DISALLOW_INSTANTIATION,
    slots: SlotTable {
        iter: Some(|_, v| Ok(v)),
        next: Some(|t, v| {
            let sent = send(t, wrapped(v), Value::NONE)?;
            to_next(t, sent)
        }),
        ..SlotTable::EMPTY
    },
    methods: &[
        FnDef::def("send", "self, value, /", |t, a| {
            let sent = send(t, wrapped(a[0]), a[1])?;
            to_next(t, sent)
        }),
        FnDef::def("throw", "self, type, value=None, traceback=None, /", |t, a| gen_throw(t, &[wrapped(a[0]).value(), a[1], a[2], a[3]])),
        FnDef::def("close", "self, /", |t, a| close(t, wrapped(a[0]))),
    ],
    ..TypeDef::of::<CoroutineWrapper>("coroutine_wrapper")
};

/// May code await a coroutine by `yield from`?
pub fn may_await(code: Ref<Code>) -> bool {
    code.flags.has(CodeFlags::COROUTINE | CodeFlags::ITERABLE_COROUTINE)
}

/// Is it a generator that `types.coroutine` has marked?
fn is_generator_coroutine(v: Value) -> bool {
    v.shape() == builtin::shapes::GENERATOR && code_of(v).flags.has(CodeFlags::ITERABLE_COROUTINE)
}

/// What `await v` sends to. `context`: 1 in the entry of `async with`, 2 in its exit, else 0.
#[inline(never)]
pub fn get_awaitable(t: &Thread, v: Value, context: u32) -> R {
    if v.shape() == builtin::shapes::COROUTINE {
        if any_generator(v).delegate().is_some() {
            raise!(t, RuntimeError, "coroutine is being awaited already");
        }
        return Ok(v);
    }
    if is_generator_coroutine(v) {
        return Ok(v);
    }
    let Some(slot) = v.class().slots().await_ else {
        let name = v.class().display_name();
        match context {
            1 => raise!(t, TypeError, "'async with' received an object from __aenter__ that does not implement __await__: {name}"),
            2 => raise!(t, TypeError, "'async with' received an object from __aexit__ that does not implement __await__: {name}"),
            _ => raise!(t, TypeError, "'{name}' object can't be awaited"),
        }
    };
    let it = slot(t, v)?;
    if it.shape() == builtin::shapes::COROUTINE || is_generator_coroutine(it) {
        raise!(t, TypeError, "{}.__await__() returned a coroutine", v.class().display_name());
    }
    if !iter::is_iterator(it) {
        raise!(t, TypeError, "{}.__await__() must return an iterator, not '{}'", v.class().display_name(), it.class().display_name());
    }
    Ok(it)
}

/// `aiter(v)` as `async for` does it.
pub fn get_aiter(t: &Thread, v: Value) -> R {
    let Some(slot) = v.class().slots().aiter else {
        raise!(t, TypeError, "'async for' requires an object with __aiter__ method, got {}", v.class().display_name());
    };
    let it = slot(t, v)?;
    if it.class().slots().anext.is_none() {
        raise!(
            t,
            TypeError,
            "'async for' received an object from __aiter__ that does not implement __anext__: {}",
            it.class().display_name()
        );
    }
    Ok(it)
}

/// What `async for` awaits for the next item.
pub fn get_anext(t: &Thread, v: Value) -> R {
    let Some(slot) = v.class().slots().anext else {
        raise!(t, TypeError, "'async for' requires an iterator with __anext__ method, got {}", v.class().display_name());
    };
    let next = slot(t, v)?;
    if v.shape() == builtin::shapes::ASYNC_GENERATOR {
        return Ok(next);
    }
    match get_awaitable(t, next, 0) {
        Ok(awaitable) => Ok(awaitable),
        Err(_) if t.exception_is(exc::TypeError) => {
            let cause = t.take_exception();
            let message = format!("'async for' received an invalid object from __anext__: {}", next.class().display_name());
            let e = Exception::instantiate(t, exc::TypeError, &[Str::new(t, &message).value()])?;
            Exception::set_cause(t, e, cause);
            Err(t.raise_value(e))
        }
        Err(raised) => Err(raised),
    }
}

/// What an async generator yields, told apart from what it awaits.
pub fn wrap_async_value(t: &Thread, v: Value) -> Value {
    async_gen::wrap(t, v)
}

/// Sends to the awaitable that `__anext__` of an async generator gave.
pub fn send_asend(t: &Thread, asend: Value, v: Value) -> R<Sent> {
    async_gen::send_asend(t, asend, v)
}
