//! Frames, exceptions being handled, and trace functions.

use crate::args::{Args, FnDef};
use crate::instrument::legacy;
use crate::interp::frame::Frame;
use crate::object::{R, ValueExt};
use crate::protocol::{call, number};
use crate::thread::{Thread, ThreadSlot};
use crate::types::{Dict, Exception, Tuple, ValueList, frame, int};
use limpid_heap::Value;

pub(super) const FUNCTIONS: &[FnDef] = &[
    FnDef::def("_current_exceptions", "", current_exceptions).doc(
        "Return a dict mapping each thread's identifier to its current raised exception.\n\nThis function should be used for \
         specialized purposes only.",
    ),
    FnDef::def("_current_frames", "", current_frames).doc(
        "Return a dict mapping each thread's thread id to its current stack frame.\n\nThis function should be used for specialized \
         purposes only.",
    ),
    FnDef::def("_getframe", "depth=0, /", get_frame).doc(
        "Return a frame object from the call stack.\n\nIf optional integer depth is given, return the frame object that many\ncalls below \
         the top of the stack.  If that is deeper than the call\nstack, ValueError is raised.  The default for depth is zero, \
         returning\nthe frame at the top of the call stack.\n\nThis function should be used for internal and specialized purposes\nonly.",
    ),
    FnDef::def("_getframemodulename", "depth=0", get_frame_module_name).doc(
        "Return the name of the module for a calling frame.\n\nThe default depth returns the module containing the call to this API.\nA \
         more typical use in a library will pass a depth of 1 to get the user's\nmodule rather than the library module.\n\nIf no frame, \
         module, or name can be found, returns None.",
    ),
    FnDef::def("_setprofileallthreads", "function, /", |t, a| set_for_all(t, ThreadSlot::ProfileFunction, a[0])).doc(
        "Set the profiling function in all running threads belonging to the current interpreter.\n\nIt will be called on each function \
         call and return.  See the profiler\nchapter in the library manual.",
    ),
    FnDef::def("_settraceallthreads", "function, /", |t, a| set_for_all(t, ThreadSlot::TraceFunction, a[0])).doc(
        "Set the global debug tracing function in all running threads belonging to the current interpreter.\n\nIt will be called on each \
         function call. See the debugger chapter\nin the library manual.",
    ),
    FnDef::raw("call_tracing", "func, args, /", call_tracing).doc(
        "Call func(*args), while tracing is enabled.\n\nThe tracing state is saved, and restored afterwards.  This is intended\nto be \
         called from a debugger from a checkpoint, to recursively debug\nsome other code.",
    ),
    FnDef::def("exc_info", "", exc_info).doc(
        "Return current exception information: (type, value, traceback).\n\nReturn information about the most recent exception caught by \
         an except\nclause in the current stack frame or in an older stack frame.",
    ),
    FnDef::def("exception", "", |t, _| Ok(t.handled_exception())).doc(
        "Return the current exception.\n\nReturn the most recent exception caught by an except clause\nin the current stack frame or in \
         an older stack frame, or None\nif no such clause exists.",
    ),
    FnDef::def("getprofile", "", |t, _| Ok(t.slot(ThreadSlot::ProfileFunction).unwrap_or(Value::NONE)))
        .doc("Return the profiling function set with sys.setprofile.\n\nSee the profiler chapter in the library manual."),
    FnDef::def("gettrace", "", |t, _| Ok(t.slot(ThreadSlot::TraceFunction).unwrap_or(Value::NONE)))
        .doc("Return the global debug tracing function set with sys.settrace.\n\nSee the debugger chapter in the library manual."),
    FnDef::def("setprofile", "function, /", |t, a| set_function(t, ThreadSlot::ProfileFunction, a[0])).doc(
        "Set the profiling function.\n\nIt will be called on each function call and return.  See the profiler\nchapter in the library \
         manual.",
    ),
    FnDef::def("settrace", "function, /", |t, a| set_function(t, ThreadSlot::TraceFunction, a[0])).doc(
        "Set the global debug tracing function.\n\nIt will be called on each function call.  See the debugger chapter\nin the library \
         manual.",
    ),
];

fn depth_of(t: &Thread, v: Value) -> R<i32> {
    match v.non_null() {
        Some(v) => number::index_i32(t, v),
        None => Ok(0),
    }
}

/// The frame `depth` calls below the innermost one; negative counts as zero.
fn frame_at(t: &Thread, depth: i32) -> Option<Frame> {
    let mut f = t.current_frame()?;
    for _ in 0..depth {
        loop {
            f = f.previous();
            if f.is_none() {
                return None;
            }
            if !f.is_shim() {
                break;
            }
        }
    }
    Some(f)
}

fn get_frame(t: &Thread, a: &[Value]) -> R {
    let depth = depth_of(t, a[0])?;
    let Some(f) = frame_at(t, depth) else { raise!(t, ValueError, "call stack is not deep enough") };
    let object = frame::object_of(t, f).value();
    super::audit(t, "sys._getframe", &[object])?;
    Ok(object)
}

fn get_frame_module_name(t: &Thread, a: &[Value]) -> R {
    let depth = depth_of(t, a[0])?;
    super::audit(t, "sys._getframemodulename", &[Value::int(depth.into())])?;
    let Some(f) = frame_at(t, depth) else { return Ok(Value::NONE) };
    Ok(f.function().module.opt().unwrap_or(Value::NONE))
}

fn exc_info(t: &Thread, _: &[Value]) -> R {
    let e = t.handled_exception();
    let (class, traceback) = if e.is_none() { (e, e) } else { (e.class().value(), Exception::traceback(e)) };
    Ok(Tuple::from_slice(t, &[class, e, traceback]).value())
}

/// Asks every thread, while all stand still, for a value, and gives a dict from thread identifiers to them.
fn by_thread(t: &Thread, ask: impl Fn(&Thread) -> Option<Value>) -> R {
    let (mut idents, mut values) = (Vec::new(), ValueList::new(t));
    t.mutator.stop_world(c"state of all threads", |_| {
        // The list of threads is locked while it is walked, and the collector needs it: nothing is allocated meanwhile.
        let mut threads = Vec::new();
        t.interpreter().each_thread(t, |other| threads.push(std::ptr::from_ref(other)));
        for other in threads {
            // SAFETY: no thread ends while the world is stopped.
            let other = unsafe { &*other };
            if let Some(v) = ask(other) {
                idents.push(other.ident.get());
                values.push(t, v);
            }
        }
    });
    let result = Dict::new(t);
    for (ident, v) in idents.into_iter().zip(values.iter()) {
        result.set_item(t, int::from_u64(t, ident), v)?;
    }
    Ok(result.value())
}

fn current_frames(t: &Thread, _: &[Value]) -> R {
    super::audit(t, "sys._current_frames", &[])?;
    by_thread(t, |other| Some(frame::object_of(t, other.current_frame()?).value()))
}

fn current_exceptions(t: &Thread, _: &[Value]) -> R {
    super::audit(t, "sys._current_exceptions", &[])?;
    by_thread(t, |other| Some(other.handled_exception()))
}

fn set_function(t: &Thread, slot: ThreadSlot, f: Value) -> R {
    let event = if slot == ThreadSlot::TraceFunction { "sys.settrace" } else { "sys.setprofile" };
    super::audit(t, event, &[])?;
    legacy::set_function(t, slot, if f.is_none() { Value::NULL } else { f });
    Ok(Value::NONE)
}

fn set_for_all(t: &Thread, slot: ThreadSlot, f: Value) -> R {
    let f = if f.is_none() { Value::NULL } else { f };
    legacy::set_for_all(t, slot, f);
    Ok(Value::NONE)
}

fn call_tracing(t: &Thread, args: Args<'_>) -> R {
    args.no_keywords(t, "call_tracing")?;
    let [f, with] = args.pos() else { raise!(t, TypeError, "call_tracing expected 2 arguments, got {}", args.pos().len()) };
    let Some(with) = with.downcast::<Tuple>() else {
        raise!(t, TypeError, "call_tracing() argument 2 must be tuple, not {}", with.class().display_name())
    };
    let tracing = t.tracing.replace(0);
    let result = call::call(t, *f, with.as_slice());
    t.tracing.set(tracing);
    result
}
