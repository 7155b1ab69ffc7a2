//! Limits and switches that a program can change, and what the interpreter measures of itself.

use crate::args::FnDef;
use crate::object::{R, ValueExt};
use crate::protocol::number;
use crate::thread::Thread;
use crate::types::int;
use crate::types::int::text::{MAX_STR_DIGITS_THRESHOLD, max_str_digits};
use limpid_heap::Value;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};

pub(super) const FUNCTIONS: &[FnDef] = &[
    FnDef::def("activate_stack_trampoline", "backend, /", |t, _| {
        raise!(t, ValueError, "perf trampoline not available")
    })
    .doc("Activate stack profiler trampoline *backend*."),
    FnDef::def("deactivate_stack_trampoline", "", |_, _| Ok(Value::NONE)).doc(
        "Deactivate the current stack profiler trampoline backend.\n\nIf no stack profiler is activated, this function has no effect.",
    ),
    FnDef::def("_get_cpu_count_config", "", |t, _| Ok(Value::int(t.runtime().options.cpu_count.unwrap_or(-1).into())))
        .doc("The number of CPUs that the command line or the environment sets; -1 if neither does."),
    FnDef::def("get_int_max_str_digits", "", |t, _| Ok(int::from_usize(t, max_str_digits(t))))
        .doc("Return the maximum string digits limit for non-binary int<->str conversions."),
    FnDef::def("getallocatedblocks", "", |t, _| Ok(int::from_usize(t, allocated_objects(t))))
        .doc("Return the number of memory blocks currently allocated."),
    FnDef::def("getdlopenflags", "", |_, _| Ok(Value::int(DLOPEN_FLAGS.load(Ordering::Relaxed).into()))).doc(
        "Return the current value of the flags that are used for dlopen calls.\n\nThe flag constants are defined in the os module.",
    ),
    FnDef::def("getrecursionlimit", "", |t, _| Ok(Value::int(t.depth_limit.get().into()))).doc(
        "Return the current value of the recursion limit.\n\nThe recursion limit is the maximum depth of the Python interpreter\nstack.  \
         This limit prevents infinite recursion from causing an overflow\nof the C stack and crashing Python.",
    ),
    FnDef::def("getswitchinterval", "", |_, _| Ok(Value::float(f64::from_bits(SWITCH_INTERVAL.load(Ordering::Relaxed))))).doc(
        "Return the current thread switch interval; see sys.setswitchinterval().",
    ),
    FnDef::def("is_finalizing", "", |t, _| Ok(Value::bool(t.interpreter().finalizing.load(Ordering::Relaxed))))
        .doc("Return True if Python is exiting."),
    FnDef::def("is_stack_trampoline_active", "", |_, _| Ok(Value::FALSE))
        .doc("Return *True* if a stack profiler trampoline is active."),
    FnDef::def("_is_gil_enabled", "", |_, _| Ok(Value::FALSE))
        .doc("Return True if the GIL is currently enabled.\n\nThis is not meant to be used outside of CPython's test suite."),
    FnDef::def("set_int_max_str_digits", "maxdigits", set_int_max_str_digits)
        .doc("Set the maximum string digits limit for non-binary int<->str conversions."),
    FnDef::def("setdlopenflags", "flags, /", |t, a| {
        let flags = number::index_i32(t, a[0])?;
        DLOPEN_FLAGS.store(flags, Ordering::Relaxed);
        Ok(Value::NONE)
    })
    .doc(
        "Set the flags used by the interpreter for dlopen calls.\n\nThis is used, for example, when the interpreter loads extension\n\
         modules. Among other things, this will enable a lazy resolving of\nsymbols when importing a module, if called as \
         sys.setdlopenflags(0).\nTo share symbols across extension modules, call as\nsys.setdlopenflags(os.RTLD_GLOBAL).  Symbolic names for \
         the flag\nmodules can be found in the os module (RTLD_xxx constants, e.g.\nos.RTLD_LAZY).",
    ),
    FnDef::def("setrecursionlimit", "limit, /", set_recursion_limit).doc(
        "Set the maximum depth of the Python interpreter stack to n.\n\nThis limit prevents infinite recursion from causing an overflow of \
         the C\nstack and crashing Python.  The highest possible limit is platform-\ndependent.",
    ),
    FnDef::def("setswitchinterval", "interval, /", set_switch_interval).doc(
        "Set the ideal thread switching delay inside the Python interpreter.\n\nThe actual frequency of switching threads can be lower if \
         the\ninterpreter executes long sequences of uninterruptible code\n(this is implementation-specific and workload-dependent).\n\n\
         The parameter must represent the desired switching delay in seconds\nA typical value is 0.005 (5 milliseconds).",
    ),
];

static DLOPEN_FLAGS: AtomicI32 = AtomicI32::new(libc::RTLD_NOW);
/// The bits of the switch interval: there is no lock to be handed on, so it is only remembered.
static SWITCH_INTERVAL: AtomicU64 = AtomicU64::new(0.005f64.to_bits());

fn allocated_objects(t: &Thread) -> usize {
    let mut count = 0;
    t.mutator.stop_world(c"counting objects", |world| limpid_heap::each_object(world, &mut |_| count += 1));
    count
}

fn set_int_max_str_digits(t: &Thread, a: &[Value]) -> R {
    let digits = number::index_i32(t, a[0])?;
    if digits != 0 && digits < MAX_STR_DIGITS_THRESHOLD as i32 {
        raise!(t, ValueError, "maxdigits must be 0 or larger than {MAX_STR_DIGITS_THRESHOLD}")
    }
    t.interpreter().max_str_digits.store(digits as usize, Ordering::Relaxed);
    Ok(Value::NONE)
}

fn set_recursion_limit(t: &Thread, a: &[Value]) -> R {
    let limit = number::index_i32(t, a[0])?;
    if limit < 1 {
        raise!(t, ValueError, "recursion limit must be greater or equal than 1")
    }
    let depth = t.depth.get();
    if depth >= limit as u32 {
        raise!(t, RecursionError, "cannot set the recursion limit to {limit} at the recursion depth {depth}: the limit is too low")
    }
    t.interpreter().set_recursion_limit(t, limit as u32);
    Ok(Value::NONE)
}

fn set_switch_interval(t: &Thread, a: &[Value]) -> R {
    if a[0].is_instance(crate::types::builtin::STR) {
        raise!(t, TypeError, "must be real number, not {}", a[0].class().display_name())
    }
    let interval = number::as_float(t, a[0])?;
    if interval <= 0.0 {
        raise!(t, ValueError, "switch interval must be strictly positive")
    }
    SWITCH_INTERVAL.store(interval.to_bits(), Ordering::Relaxed);
    Ok(Value::NONE)
}
