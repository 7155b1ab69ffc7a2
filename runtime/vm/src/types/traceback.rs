//! Traceback objects: where an exception has passed, the outermost frame first.

use crate::args::{Args, FnDef, GetSet, receiver};
use crate::exc;
use crate::interp::frame::Frame;
use crate::interp::trace::line_at;
use crate::object::{R, Ref, Slot, ValueExt, header_of};
use crate::protocol::number;
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::frame::{self, FrameObject};
use crate::types::{Code, Exception, List, Str, TypeDef, builtin, int};
use limpid_heap::{Header, Value};

/// The layout of a traceback.
#[repr(C)]
pub struct Traceback {
    header: Header,
    /// The traceback of the frame that was called, or NULL.
    next: Slot,
    /// The frame object.
    frame: Slot,
    /// The index of the instruction in its code, in words; an int.
    position: Slot,
    /// The line; NULL until somebody asks.
    line: Slot,
}

crate::layout!(Traceback, builtin::TRACEBACK, Slots);

/// `types.TracebackType`.
pub static TRACEBACK_DEF: TypeDef = TypeDef {
    doc: "TracebackType(tb_next, tb_frame, tb_lasti, tb_lineno)\n--\n\nCreate a new traceback object.",
    slots: SlotTable { new: Some(new), ..SlotTable::EMPTY },
    methods: &[FnDef::def("__dir__", "self, /", dir)],
    getset: &[
        GetSet::property("tb_next", |_, v| Ok(receiver::<Traceback>(v).next.opt().unwrap_or(Value::NONE)), set_next),
        GetSet::getter("tb_frame", |_, v| Ok(receiver::<Traceback>(v).frame.get())),
        GetSet::getter("tb_lasti", |_, v| Ok(Value::int(receiver::<Traceback>(v).byte_offset()))),
        GetSet::getter("tb_lineno", |t, v| Ok(receiver::<Traceback>(v).line(t).map_or(Value::NONE, |n| Value::int(n.into())))),
    ],
    ..TypeDef::of::<Traceback>("traceback")
};

impl Traceback {
    /// A traceback for a frame that is at word `position` of its code, with `next` (a traceback or NULL) for what it called.
    pub fn new(t: &Thread, next: Value, frame: Value, position: usize) -> Ref<Traceback> {
        t.alloc(Traceback {
            header: header_of::<Traceback>(),
            next: Slot::new(next),
            frame: Slot::new(frame),
            position: Slot::new(Value::int(position as i64)),
            line: Slot::NULL,
        })
    }

    /// The current exception passes through frame `f`, which is at word `position` of its code.
    pub fn add(t: &Thread, f: Frame, position: usize) {
        let e = t.exception();
        debug_assert!(e.is_instance(exc::BaseException));
        if Exception::take_reraised(t, e) {
            return;
        }
        let next = Exception::traceback(e);
        let frame = frame::object_of(t, f).value();
        let next = if next.is_none() { Value::NULL } else { next };
        Exception::set_traceback(t, e, Traceback::new(t, next, frame, position).value());
    }

    /// The traceback of the frame that was called.
    pub fn next(&self) -> Option<Ref<Traceback>> {
        // SAFETY: the field is a traceback or NULL.
        self.next.opt().map(|v| unsafe { Ref::from_value(v) })
    }

    /// The frame object.
    pub fn frame(&self) -> Ref<FrameObject> {
        // SAFETY: the field is a frame object.
        unsafe { Ref::from_value(self.frame.get()) }
    }

    /// The code the frame runs.
    pub fn code(&self) -> Ref<Code> {
        self.frame().code()
    }

    /// The index of the instruction in the code, in words; negative when it is not known.
    pub fn position(&self) -> i64 {
        self.position.get().as_int()
    }

    fn byte_offset(&self) -> i64 {
        self.position() * 2
    }
}

impl Ref<Traceback> {
    /// Replaces what follows: a traceback, or NULL. The caller makes no cycle.
    pub fn set_next(self, t: &Thread, next: Value) {
        self.next.set(t, self, next);
    }

    /// The line, if the instruction has one.
    pub fn line(self, t: &Thread) -> Option<i32> {
        if let Some(line) = self.line.opt() {
            return Some(line.as_int() as i32).filter(|line| *line >= 0);
        }
        let line = line_at(self.code(), usize::try_from(self.position()).ok()?);
        self.line.set(t, self, Value::int(line.into()));
        (line >= 0).then_some(line)
    }
}

fn new(t: &Thread, _class: Value, args: Args<'_>) -> R {
    static SIGNATURE: crate::args::Signature = crate::args::Signature::parse("tb_next, tb_frame, tb_lasti, tb_lineno");
    args.bind(t, "traceback", &SIGNATURE, |a| {
        let next = checked_next(t, a[0])?;
        if a[1].exact::<FrameObject>().is_none() {
            let given = a[1].class().display_name();
            raise!(t, TypeError, "traceback() argument 'tb_frame' must be frame, not {given}")
        }
        let (offset, line) = (number::index_i32(t, a[2])?, number::index_i32(t, a[3])?);
        let tb = t.alloc(Traceback {
            header: header_of::<Traceback>(),
            next: Slot::new(next),
            frame: Slot::new(a[1]),
            position: Slot::new(Value::int(i64::from(offset).div_euclid(2))),
            line: Slot::new(int::from_i64(t, line.into())),
        });
        Ok(tb.value())
    })
}

fn checked_next(t: &Thread, v: Value) -> R {
    if v.is_none() {
        return Ok(Value::NULL);
    }
    if v.exact::<Traceback>().is_none() {
        raise!(t, TypeError, "expected traceback object or None, got '{}'", v.class().display_name())
    }
    Ok(v)
}

fn set_next(t: &Thread, tb: Value, v: Value) -> R<()> {
    if v.is_null() {
        raise!(t, TypeError, "can't delete tb_next attribute")
    }
    let next = checked_next(t, v)?;
    let tb = receiver::<Traceback>(tb);
    let mut at = next.non_null().and_then(|n| n.exact::<Traceback>());
    while let Some(cursor) = at {
        if cursor == tb {
            raise!(t, ValueError, "traceback loop detected")
        }
        at = cursor.next();
    }
    tb.next.set(t, tb, next);
    Ok(())
}

fn dir(t: &Thread, _: &[Value]) -> R {
    let names = ["tb_frame", "tb_next", "tb_lasti", "tb_lineno"].map(|n| Str::new(t, n).value());
    Ok(List::from_slice(t, &names)?.value())
}
