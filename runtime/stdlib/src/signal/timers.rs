//! Timers that end in a signal.

use crate::constants::{self, constants};
use crate::seconds::{self, Rounding, SECOND};
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::object::{R, Raised, Ref};
use limpid_vm::protocol::{call, number};
use limpid_vm::root::Root;
use limpid_vm::thread::Thread;
use limpid_vm::types::exceptions::strerror;
use limpid_vm::types::{Dict, Module, Str, Tuple, Type, builtin};
use limpid_vm::{exc, names};
use std::io;

pub(super) const FUNCTIONS: &[FnDef] = &[
    FnDef::def("alarm", "seconds, /", |t, a| {
        let n = number::index_i32(t, a[0])?;
        // SAFETY: a plain system call.
        Ok(Value::int(unsafe { libc::alarm(n as u32) } as i64))
    })
    .doc("Arrange for SIGALRM to arrive after the given number of seconds."),
    FnDef::def("setitimer", "which, seconds, interval=0.0, /", |t, a| {
        let which = number::index_i32(t, a[0])?;
        let mut new = libc::itimerval { it_interval: seconds::timeval(0), it_value: time(t, a[1])? };
        if !a[2].is_null() {
            new.it_interval = time(t, a[2])?;
        }
        let mut old = new;
        // SAFETY: two structures; a bad number is refused.
        if unsafe { libc::setitimer(which as _, &new, &mut old) } < 0 {
            return Err(timer_error(t));
        }
        Ok(to_tuple(t, &old))
    })
    .doc("Sets given itimer (one of ITIMER_REAL, ITIMER_VIRTUAL or ITIMER_PROF)."),
    FnDef::def("getitimer", "which, /", |t, a| {
        let which = number::index_i32(t, a[0])?;
        let mut now = libc::itimerval { it_interval: seconds::timeval(0), it_value: seconds::timeval(0) };
        // SAFETY: room for the result; a bad number is refused.
        if unsafe { libc::getitimer(which as _, &mut now) } < 0 {
            return Err(timer_error(t));
        }
        Ok(to_tuple(t, &now))
    })
    .doc("Returns current value of given itimer."),
];

/// `signal.ItimerError`
static ITIMER_ERROR: Root = Root::new();

pub(super) fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    constants::add(t, m, constants!(ITIMER_REAL ITIMER_VIRTUAL ITIMER_PROF))?;
    if ITIMER_ERROR.opt().is_none() {
        let namespace = Dict::new(t);
        namespace.set_name(t, names::__module__, Str::new(t, "signal").value())?;
        let bases = Tuple::from_slice(t, &[exc::OSError.value()]).value();
        let arguments = [Str::new(t, "itimer_error").value(), bases, namespace.value()];
        ITIMER_ERROR.set(call::call(t, builtin::TYPE.value(), &arguments)?);
    }
    m.dict().set_text(t, "ItimerError", ITIMER_ERROR.get())
}

fn time(t: &Thread, v: Value) -> R<libc::timeval> {
    Ok(seconds::timeval(seconds::nanoseconds(t, v, SECOND, Rounding::Ceiling)?))
}

fn timer_error(t: &Thread) -> Raised {
    let errno = io::Error::last_os_error().raw_os_error().unwrap_or(0);
    // SAFETY: made by `init` as a class.
    let class = unsafe { Ref::<Type>::from_value(ITIMER_ERROR.get()) };
    t.raise_with(class, &[Value::int(errno as i64), Str::new(t, &strerror(errno)).value()])
}

fn to_tuple(t: &Thread, timer: &libc::itimerval) -> Value {
    let seconds = |time: libc::timeval| Value::float(time.tv_sec as f64 + time.tv_usec as f64 * 1e-6);
    Tuple::from_slice(t, &[seconds(timer.it_value), seconds(timer.it_interval)]).value()
}
