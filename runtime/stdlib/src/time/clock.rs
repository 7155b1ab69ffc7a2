//! The clocks.

use crate::posix::{check, retry};
use crate::seconds::{self, Rounding, SECOND};
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{call, number};
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::exceptions::raise_os_error;
use limpid_vm::types::{Dict, Module, Str, builtin, int};
use std::io;

macro_rules! clock {
    ($name:literal, $name_ns:literal, $id:ident, $doc:literal) => {
        [
            FnDef::def($name, "", |t, _| Ok(Value::float(to_seconds(read(t, libc::$id)?)))).doc($doc),
            FnDef::def($name_ns, "", |t, _| nanoseconds(t, read(t, libc::$id)?)).doc($doc),
        ]
    };
}

const TIME: [FnDef; 2] = clock!("time", "time_ns", CLOCK_REALTIME, "Return the current time since the Epoch.");
const MONOTONIC: [FnDef; 2] = clock!("monotonic", "monotonic_ns", CLOCK_MONOTONIC, "Monotonic clock, cannot go backward.");
const COUNTER: [FnDef; 2] = clock!("perf_counter", "perf_counter_ns", CLOCK_MONOTONIC, "Performance counter for benchmarking.");
const PROCESS: [FnDef; 2] =
    clock!("process_time", "process_time_ns", CLOCK_PROCESS_CPUTIME_ID, "Process time for profiling: kernel and user-space CPU time.");
const THREAD: [FnDef; 2] =
    clock!("thread_time", "thread_time_ns", CLOCK_THREAD_CPUTIME_ID, "Thread time for profiling: kernel and user-space CPU time.");

pub(super) const FUNCTIONS: &[FnDef] = &[
    TIME[0],
    TIME[1],
    MONOTONIC[0],
    MONOTONIC[1],
    COUNTER[0],
    COUNTER[1],
    PROCESS[0],
    PROCESS[1],
    THREAD[0],
    THREAD[1],
    FnDef::def("clock_gettime", "clk_id, /", |t, a| Ok(Value::float(to_seconds(read(t, number::index_i32(t, a[0])?)?))))
        .doc("Return the time of the specified clock clk_id as a float."),
    FnDef::def("clock_gettime_ns", "clk_id, /", |t, a| nanoseconds(t, read(t, number::index_i32(t, a[0])?)?))
        .doc("Return the time of the specified clock clk_id as nanoseconds (int)."),
    FnDef::def("clock_getres", "clk_id, /", |t, a| Ok(Value::float(to_seconds(resolution(t, number::index_i32(t, a[0])?)?))))
        .doc("Return the resolution (precision) of the specified clock clk_id."),
    FnDef::def("clock_settime", "clk_id, time, /", |t, a| set(t, a[0], timespec(t, a[1])?)),
    FnDef::def("clock_settime_ns", "clk_id, time, /", |t, a| {
        let n = int::to_i64(t, a[1])?;
        set(t, a[0], libc::timespec { tv_sec: n.div_euclid(SECOND), tv_nsec: n.rem_euclid(SECOND) })
    }),
    FnDef::def("get_clock_info", "name, /", clock_info).doc("Get information of the specified clock."),
    FnDef::def("sleep", "seconds, /", sleep)
        .doc("Delay execution for a given number of seconds.\n\nThe argument may be a floating-point number for subsecond precision."),
    FnDef::def("pthread_getcpuclockid", "thread_id, /", |t, a| {
        let thread = int::to_u64(t, a[0])?;
        let mut id = 0;
        // SAFETY: room for the result; the caller answers for the thread, as in Python.
        match unsafe { libc::pthread_getcpuclockid(thread as libc::pthread_t, &mut id) } {
            0 => Ok(Value::int(id as i64)),
            e => Err(raise_os_error(t, &io::Error::from_raw_os_error(e))),
        }
    }),
];

pub(super) fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    for (name, id) in [
        ("CLOCK_REALTIME", libc::CLOCK_REALTIME),
        ("CLOCK_MONOTONIC", libc::CLOCK_MONOTONIC),
        ("CLOCK_MONOTONIC_RAW", libc::CLOCK_MONOTONIC_RAW),
        ("CLOCK_PROCESS_CPUTIME_ID", libc::CLOCK_PROCESS_CPUTIME_ID),
        ("CLOCK_THREAD_CPUTIME_ID", libc::CLOCK_THREAD_CPUTIME_ID),
        ("CLOCK_BOOTTIME", libc::CLOCK_BOOTTIME),
        ("CLOCK_TAI", libc::CLOCK_TAI),
    ] {
        m.dict().set_text(t, name, Value::int(id as i64))?;
    }
    Ok(())
}

fn read(t: &Thread, id: libc::clockid_t) -> R<libc::timespec> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: room for the result.
    match unsafe { libc::clock_gettime(id, &mut time) } {
        0 => Ok(time),
        _ => Err(raise_os_error(t, &io::Error::last_os_error())),
    }
}

fn resolution(t: &Thread, id: libc::clockid_t) -> R<libc::timespec> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: room for the result.
    match unsafe { libc::clock_getres(id, &mut time) } {
        0 => Ok(time),
        _ => Err(raise_os_error(t, &io::Error::last_os_error())),
    }
}

fn set(t: &Thread, id: Value, time: libc::timespec) -> R {
    let id = number::index_i32(t, id)?;
    // SAFETY: a plain system call.
    check(t, retry(t, || unsafe { libc::clock_settime(id, &time) } as i64)?)?;
    Ok(Value::NONE)
}

fn to_seconds(time: libc::timespec) -> f64 {
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

fn nanoseconds(t: &Thread, time: libc::timespec) -> R {
    int::from_i128(t, time.tv_sec as i128 * SECOND as i128 + time.tv_nsec as i128)
}

/// A number of seconds as the system wants it, rounded up.
fn timespec(t: &Thread, v: Value) -> R<libc::timespec> {
    Ok(seconds::timespec(seconds::nanoseconds(t, v, SECOND, Rounding::Ceiling)?))
}

fn sleep(t: &Thread, a: &[Value]) -> R {
    let length = timespec(t, a[0])?;
    if length.tv_sec < 0 {
        raise!(t, ValueError, "sleep length must be non-negative")
    }
    let start = read(t, libc::CLOCK_MONOTONIC)?;
    let nanos = start.tv_nsec + length.tv_nsec;
    let deadline = libc::timespec { tv_sec: start.tv_sec + length.tv_sec + nanos / SECOND, tv_nsec: nanos % SECOND };
    loop {
        t.poll()?;
        // SAFETY: a plain system call; an absolute time, so that it can be repeated.
        let result =
            t.blocking(|| unsafe { libc::clock_nanosleep(libc::CLOCK_MONOTONIC, libc::TIMER_ABSTIME, &deadline, std::ptr::null_mut()) });
        match result {
            0 => return Ok(Value::NONE),
            libc::EINTR => {}
            e => return Err(raise_os_error(t, &io::Error::from_raw_os_error(e))),
        }
    }
}

fn clock_info(t: &Thread, a: &[Value]) -> R {
    let Some(name) = a[0].downcast::<Str>() else {
        raise!(t, TypeError, "get_clock_info() argument 1 must be str, not {}", a[0].class().display_name())
    };
    let (id, shown, monotonic, adjustable) = match &*name.to_string_lossy() {
        "time" => (libc::CLOCK_REALTIME, "CLOCK_REALTIME", false, true),
        "monotonic" | "perf_counter" => (libc::CLOCK_MONOTONIC, "CLOCK_MONOTONIC", true, false),
        "process_time" => (libc::CLOCK_PROCESS_CPUTIME_ID, "CLOCK_PROCESS_CPUTIME_ID", true, false),
        "thread_time" => (libc::CLOCK_THREAD_CPUTIME_ID, "CLOCK_THREAD_CPUTIME_ID", true, false),
        _ => raise!(t, ValueError, "unknown clock"),
    };
    let fields = Dict::new(t);
    fields.set_text(t, "implementation", Str::new(t, &format!("clock_gettime({shown})")).value())?;
    fields.set_text(t, "monotonic", Value::bool(monotonic))?;
    fields.set_text(t, "adjustable", Value::bool(adjustable))?;
    fields.set_text(t, "resolution", Value::float(to_seconds(resolution(t, id)?)))?;
    call::call(t, builtin::SIMPLE_NAMESPACE.value(), &[fields.value()])
}
