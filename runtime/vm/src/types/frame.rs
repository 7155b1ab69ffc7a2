//! Frame objects: what `sys._getframe`, tracebacks and `f_back` show of a frame.
//!
//! A frame object is made when it is asked for and looks into the live frame; when the frame is left it takes the variables with it
//! ([`detach`]). A generator's frame object looks into the generator for as long as that lives. Who looks into the frame of another thread
//! does so while that stands still ([`FrameObject::still`]).

use crate::args::{FnDef, GetSet, receiver};
use crate::interp::frame::Frame;
use crate::interp::trace::line_at;
use crate::object::{Layout, R, Ref, Slot, ValueExt, header_of};
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::generator::state;
use crate::types::{Cell, Code, Dict, Function, Generator, Str, Type, TypeDef, ValueList, builtin};
use limpid_bytecode::{CodeFlags, LocalKind};
use limpid_heap::{Header, Kind, Value};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicUsize, Ordering};

/// `f_trace_lines`
pub const TRACE_LINES: i32 = 1;
/// `f_trace_opcodes`
pub const TRACE_OPCODES: i32 = 2;

/// The layout of a frame object.
#[repr(C)]
pub struct FrameObject {
    header: Header,
    /// The function, for code, globals and builtins.
    function: Slot,
    /// `f_back` once the frame has been left: a frame object or NULL.
    back: Slot,
    /// The local slots once the frame has been left: a value list.
    locals: Slot,
    /// The mapping of a class body or `exec`, or NULL.
    namespace: Slot,
    /// The generator the frame lies in, or NULL.
    generator: Slot,
    /// `f_trace`.
    pub trace: Slot,
    /// Variables set through `f_locals` that the code does not know: a dict or NULL.
    pub extra_locals: Slot,
    live: AtomicPtr<Value>,
    position: AtomicUsize,
    /// [`TRACE_LINES`] and [`TRACE_OPCODES`].
    pub trace_flags: AtomicI32,
    /// Was a view of its variables made?
    exposed: AtomicBool,
}

// SAFETY: seven value words come first; what follows are addresses outside of cells' starts and numbers, which are not looked at.
unsafe impl Layout for FrameObject {
    const KIND: u8 = Kind::Slots as u8;
    const SLOTS: u8 = 7;
    fn class() -> Ref<Type> {
        builtin::FRAME
    }
}

/// The frame object of a live frame, made if it has none.
pub fn object_of(t: &Thread, f: Frame) -> Ref<FrameObject> {
    if let Some(o) = f.object().non_null() {
        // SAFETY: the word holds a frame object or NULL.
        return unsafe { Ref::from_value(o) };
    }
    crate::stats::count(t, |s| s.calls.frame_objects_created.increment());
    let generator = if f.is_generator() { f.generator().value() } else { Value::NULL };
    let object = t.alloc(FrameObject {
        header: header_of::<FrameObject>(),
        function: Slot::new(f.function_value()),
        back: Slot::NULL,
        locals: Slot::NULL,
        namespace: Slot::new(f.namespace()),
        generator: Slot::new(generator),
        trace: Slot::NULL,
        extra_locals: Slot::NULL,
        live: AtomicPtr::new(f.0),
        position: AtomicUsize::new(0),
        trace_flags: AtomicI32::new(TRACE_LINES),
        exposed: AtomicBool::new(false),
    });
    if let Some(o) = f.object().non_null() {
        // Another thread has looked at the frame meanwhile.
        // SAFETY: as above.
        return unsafe { Ref::from_value(o) };
    }
    f.set_object(object.value());
    if f.is_generator() {
        let g = f.generator();
        // SAFETY: the word just written lies in the generator.
        unsafe { limpid_heap::write_barrier(&t.mutator, g.header()) };
    }
    object
}

/// The frame `from` has become that of a generator: the object goes with it that another thread may have made while memory for the
/// generator was waited for.
pub fn follow(t: &Thread, from: Frame, g: Ref<Generator>) {
    let Some(object) = from.object().non_null() else { return };
    // SAFETY: the word holds a frame object.
    let object = unsafe { Ref::<FrameObject>::from_value(object) };
    object.generator.set(t, object, g.value());
    object.live.store(g.frame().0, Ordering::Release);
    g.frame().set_object(object.value());
    from.set_object(Value::NULL);
}

/// A frame is left at word `position` of its code: its object takes the variables and the caller's frame object.
pub fn detach(t: &Thread, f: Frame, position: usize) {
    // SAFETY: the word holds a frame object.
    let object = unsafe { Ref::<FrameObject>::from_value(f.object()) };
    let code = f.code();
    let n = code.nlocalsplus as usize;
    // SAFETY: the frame has that many local slots.
    let list = ValueList::from_slice(t, unsafe { std::slice::from_raw_parts(f.0, n) });
    object.locals.set(t, object, list.cell());
    if f.is_generator() {
        // It has no caller any more, and is not the frame of the generator either.
        object.generator.set(t, object, Value::NULL);
    } else {
        let mut previous = f.previous();
        while !previous.is_none() && previous.is_shim() {
            previous = previous.previous();
        }
        if !previous.is_none() {
            let back = object_of(t, previous);
            object.back.set(t, object, back.value());
        }
    }
    object.position.store(position, Ordering::Relaxed);
    object.live.store(std::ptr::null_mut(), Ordering::Release);
    f.set_object(Value::NULL);
}

impl FrameObject {
    /// A view of the frame's variables is made, through which they may change.
    pub fn expose(&self, t: &Thread) {
        self.exposed.store(true, Ordering::Relaxed);
        t.leave_trace.set(1);
    }

    /// May the variables change through a view?
    pub fn is_exposed(&self) -> bool {
        self.exposed.load(Ordering::Relaxed)
    }

    fn live(&self) -> Option<Frame> {
        let p = self.live.load(Ordering::Acquire);
        (!p.is_null()).then_some(Frame(p))
    }

    /// Does `f` while the frame stays as it is: if another thread may run it, that stands still.
    pub fn still<T>(&self, t: &Thread, f: impl FnOnce() -> T) -> T {
        let may_run_elsewhere = !limpid_heap::is_alone() && self.live().is_some_and(|frame| !t.stack.contains(frame.0));
        if may_run_elsewhere { t.mutator.stop_world(c"frame of another thread", |_| f()) } else { f() }
    }

    /// The function it runs.
    pub fn function(&self) -> Ref<Function> {
        // SAFETY: the field refers to a function.
        unsafe { Ref::from_value(self.function.get()) }
    }

    /// The code it runs.
    pub fn code(&self) -> Ref<Code> {
        self.function().code()
    }

    fn generator(&self) -> Option<Ref<Generator>> {
        // SAFETY: the field refers to a generator or is NULL.
        self.generator.opt().map(|g| unsafe { Ref::from_value(g) })
    }

    /// The word of the code it is at, or was at when it was left.
    pub fn position(&self, t: &Thread) -> usize {
        self.still(t, || {
            let Some(f) = self.live() else { return self.position.load(Ordering::Relaxed) };
            if let Some(g) = self.generator()
                && g.state() != state::EXECUTING
            {
                // The word before the one it goes on with belongs to the yield.
                let at = f.code().offset_of(g.pc.get());
                return at.saturating_sub(1);
            }
            if let Some(position) = t.frame_position(f) {
                return position;
            }
            let mut position = None;
            t.runtime().each_thread(|other| position = position.or_else(|| other.frame_position(f)));
            position.unwrap_or(0)
        })
    }

    /// `f_lineno`; negative when the instruction has none.
    pub fn line(&self, t: &Thread) -> i32 {
        line_at(self.code(), self.position(t))
    }

    /// Local slot `i` as it is, cells included, NULL when unbound.
    pub fn local(&self, t: &Thread, i: usize) -> Value {
        self.still(t, || match (self.live(), self.locals.opt()) {
            (Some(f), _) => f.local(i),
            (None, Some(list)) => ValueList::from_cell(list).get(i),
            (None, None) => Value::NULL,
        })
    }

    /// The value of variable `i`: what is in its cell if it has one; None when it is unbound or hidden.
    pub fn variable(&self, t: &Thread, i: usize) -> Option<Value> {
        let kind = self.code().local_kind(i);
        let v = self.local(t, i).non_null()?;
        if kind & (LocalKind::CELL | LocalKind::FREE) != 0
            && let Some(cell) = v.exact::<Cell>()
        {
            return cell.content.opt();
        }
        (kind & LocalKind::HIDDEN == 0).then_some(v)
    }

    fn is_executing(&self) -> bool {
        match (self.live(), self.generator()) {
            (None, _) => false,
            (Some(_), Some(g)) => g.state() == state::EXECUTING,
            (Some(_), None) => true,
        }
    }
}

impl Ref<FrameObject> {
    /// `f_back`: a frame object, or None.
    pub fn back(self, t: &Thread) -> Value {
        self.still(t, || {
            let Some(f) = self.live() else { return self.back.opt().unwrap_or(Value::NONE) };
            if self.generator().is_some_and(|g| g.state() != state::EXECUTING) {
                return Value::NONE;
            }
            let mut previous = f.previous();
            while !previous.is_none() && previous.is_shim() {
                previous = previous.previous();
            }
            if previous.is_none() { Value::NONE } else { object_of(t, previous).value() }
        })
    }

    /// Sets local slot `i`.
    pub fn set_local(self, t: &Thread, i: usize, v: Value) {
        self.still(t, || match (self.live(), self.locals.opt()) {
            (Some(f), _) => {
                f.set_local(i, v);
                if let Some(g) = self.generator() {
                    // SAFETY: the slot just written lies in the generator.
                    unsafe { limpid_heap::write_barrier(&t.mutator, g.header()) };
                }
            }
            (None, Some(list)) => ValueList::from_cell(list).set(t, i, v),
            (None, None) => {}
        });
    }

    /// `f_locals` of a function as a new dict (`locals()`), or the namespace itself.
    pub fn locals(self, t: &Thread) -> R {
        if !self.code().flags.has(CodeFlags::OPTIMIZED) {
            return Ok(self.namespace.opt().unwrap_or(self.function().globals.get()));
        }
        let d = Dict::new(t);
        for i in 0..self.code().nlocalsplus as usize {
            if let Some(v) = self.variable(t, i) {
                d.set_item(t, self.code().local_name(i), v)?;
            }
        }
        if let Some(extra) = self.extra_locals.opt().and_then(|e| e.exact::<Dict>()) {
            d.merge(t, extra, true)?;
        }
        Ok(d.value())
    }
}

fn f_locals(t: &Thread, v: Value) -> R {
    let f = receiver::<FrameObject>(v);
    if f.code().flags.has(CodeFlags::OPTIMIZED) { Ok(crate::types::frame_locals::new(t, f)) } else { f.locals(t) }
}

fn f_lineno(t: &Thread, v: Value) -> R {
    match receiver::<FrameObject>(v).line(t) {
        // A module begins before its first line.
        n if n >= 0 => Ok(Value::int(n as i64)),
        _ => Ok(Value::NONE),
    }
}

fn f_trace_set(t: &Thread, v: Value, to: Value) -> R<()> {
    let f = receiver::<FrameObject>(v);
    f.trace.set(t, f, if to.is_none() { Value::NULL } else { to });
    Ok(())
}

fn trace_flag(bit: i32) -> impl Fn(Value) -> Value {
    move |v| Value::bool(receiver::<FrameObject>(v).trace_flags.load(Ordering::Relaxed) & bit != 0)
}

fn set_trace_flag(t: &Thread, v: Value, to: Value, bit: i32) -> R<()> {
    if !to.is_bool() {
        raise!(t, TypeError, "attribute value type must be bool");
    }
    let flags = &receiver::<FrameObject>(v).trace_flags;
    if to == Value::TRUE {
        flags.fetch_or(bit, Ordering::Relaxed);
    } else {
        flags.fetch_and(!bit, Ordering::Relaxed);
    }
    if bit == TRACE_OPCODES && to == Value::TRUE {
        crate::instrument::legacy::want_opcodes(t);
    }
    Ok(())
}

fn frame_clear(t: &Thread, a: &[Value]) -> R {
    let f = receiver::<FrameObject>(a[0]);
    if f.is_executing() {
        raise!(t, RuntimeError, "cannot clear an executing frame");
    }
    if let Some(g) = f.generator() {
        if g.state() != state::CREATED && !g.is_finished() {
            raise!(t, RuntimeError, "cannot clear a suspended frame");
        }
        crate::types::coroutine::close(t, g)?;
    }
    for i in 0..f.code().nlocalsplus as usize {
        f.set_local(t, i, Value::NULL);
    }
    Ok(Value::NONE)
}

fn frame_repr(t: &Thread, v: Value) -> R {
    let f = receiver::<FrameObject>(v);
    let text = |v: Value| v.downcast::<Str>().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let (file, name) = (text(f.code().filename.get()), text(f.code().qualname.get()));
    Ok(Str::new(t, &format!("<frame at {:#x}, file '{file}', line {}, code {name}>", v.bits(), f.line(t))).value())
}

/// `frame`
pub static FRAME_DEF: TypeDef = TypeDef {
    slots: SlotTable { repr: Some(frame_repr), ..SlotTable::EMPTY },
    flags: crate::types::flag::DISALLOW_INSTANTIATION,
    methods: &[FnDef::def("clear", "self, /", frame_clear).doc("Clear all references held by the frame.")],
    getset: &[
        GetSet::getter("f_code", |_, v| Ok(receiver::<FrameObject>(v).code().value())),
        GetSet::getter("f_globals", |_, v| Ok(receiver::<FrameObject>(v).function().globals.get())),
        GetSet::getter("f_builtins", |_, v| Ok(receiver::<FrameObject>(v).function().builtins.get())),
        GetSet::getter("f_locals", f_locals),
        GetSet::getter("f_lasti", |t, v| Ok(Value::int(receiver::<FrameObject>(v).position(t) as i64 * 2))),
        GetSet::property("f_lineno", f_lineno, |t, v, to| crate::types::frame_jump::set_line(t, receiver::<FrameObject>(v), to)),
        GetSet::getter("f_back", |t, v| Ok(receiver::<FrameObject>(v).back(t))),
        GetSet::getter("f_generator", |_, v| Ok(receiver::<FrameObject>(v).generator.opt().unwrap_or(Value::NONE))),
        GetSet::property("f_trace", |_, v| Ok(receiver::<FrameObject>(v).trace.opt().unwrap_or(Value::NONE)), f_trace_set),
        GetSet::property("f_trace_lines", |_, v| Ok(trace_flag(TRACE_LINES)(v)), |t, v, to| set_trace_flag(t, v, to, TRACE_LINES)),
        GetSet::property("f_trace_opcodes", |_, v| Ok(trace_flag(TRACE_OPCODES)(v)), |t, v, to| set_trace_flag(t, v, to, TRACE_OPCODES)),
    ],
    ..TypeDef::of::<FrameObject>("frame")
};
