//! `resource`: limits and use of the system's resources.

use crate::constants::{self, constants};
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::exc;
use limpid_vm::modules::{ModuleDef, sys};
use limpid_vm::object::{R, Raised, Ref};
use limpid_vm::protocol::{iter, number};
use limpid_vm::raise;
use limpid_vm::root::TypeCell;
use limpid_vm::thread::Thread;
use limpid_vm::types::exceptions::raise_os_error;
use limpid_vm::types::struct_sequence::{self, StructSequenceDef};
use limpid_vm::types::{Module, Tuple, int};
use std::io;

/// `resource`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "Limits and use of the system's resources.",
    functions: &[
        FnDef::def("getrusage", "who, /", getrusage),
        FnDef::def("getrlimit", "resource, /", |t, a| {
            let resource = resource_number(t, a[0])?;
            let mut limits = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
            // SAFETY: room for the result.
            if unsafe { libc::getrlimit(resource as _, &mut limits) } < 0 {
                return Err(raise_os_error(t, &io::Error::last_os_error()));
            }
            Ok(to_tuple(t, limits))
        }),
        FnDef::def("setrlimit", "resource, limits, /", |t, a| {
            let resource = resource_number(t, a[0])?;
            let limits = from_value(t, a[1])?;
            sys::audit(t, "resource.setrlimit", a)?;
            // SAFETY: a filled structure.
            if unsafe { libc::setrlimit(resource as _, &limits) } < 0 {
                return Err(refused(t));
            }
            Ok(Value::NONE)
        }),
        FnDef::def("prlimit", "pid, resource, limits=None, /", |t, a| {
            let pid = number::index_i32(t, a[0])?;
            let resource = resource_number(t, a[1])?;
            let new = if a[2].is_null() || a[2].is_none() { None } else { Some(from_value(t, a[2])?) };
            sys::audit(t, "resource.prlimit", &[a[0], a[1], if a[2].is_null() { Value::NONE } else { a[2] }])?;
            let mut old = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
            // SAFETY: a filled structure or NULL, and room for the result.
            let result = unsafe { libc::prlimit(pid, resource as _, new.as_ref().map_or(std::ptr::null(), |l| l as *const _), &mut old) };
            if result < 0 {
                return Err(refused(t));
            }
            Ok(to_tuple(t, old))
        }),
        FnDef::def("getpagesize", "", |_, _| {
            // SAFETY: a plain query.
            Ok(Value::int(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }))
        }),
    ],
    init,
    ..ModuleDef::named("resource")
};

static USAGE: TypeCell = TypeCell::new();
static USAGE_DEF: StructSequenceDef = StructSequenceDef {
    name: "resource.struct_rusage",
    doc: "struct_rusage: Result from getrusage.\n\nThis object may be accessed either as a tuple of\n    \
          (utime,stime,maxrss,ixrss,idrss,isrss,minflt,majflt,\n    nswap,inblock,oublock,msgsnd,msgrcv,nsignals,nvcsw,nivcsw)\nor via the \
          attributes ru_utime, ru_stime, ru_maxrss, and so on.",
    fields: &[
        ("ru_utime", "user time used"),
        ("ru_stime", "system time used"),
        ("ru_maxrss", "max. resident set size"),
        ("ru_ixrss", "shared memory size"),
        ("ru_idrss", "unshared data size"),
        ("ru_isrss", "unshared stack size"),
        ("ru_minflt", "page faults not requiring I/O"),
        ("ru_majflt", "page faults requiring I/O"),
        ("ru_nswap", "number of swap outs"),
        ("ru_inblock", "block input operations"),
        ("ru_oublock", "block output operations"),
        ("ru_msgsnd", "IPC messages sent"),
        ("ru_msgrcv", "IPC messages received"),
        ("ru_nsignals", "signals received"),
        ("ru_nvcsw", "voluntary context switches"),
        ("ru_nivcsw", "involuntary context switches"),
    ],
    visible: 16,
    instantiable: true,
};

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    let class = struct_sequence::create_type(t, &USAGE_DEF, &USAGE)?;
    m.dict().set_text(t, "struct_rusage", class.value())?;
    m.dict().set_text(t, "error", exc::OSError.value())?;
    constants::add(
        t,
        m,
        constants! {
            RLIMIT_AS RLIMIT_CORE RLIMIT_CPU RLIMIT_DATA RLIMIT_FSIZE RLIMIT_MEMLOCK RLIMIT_MSGQUEUE RLIMIT_NICE RLIMIT_NOFILE RLIMIT_NPROC
            RLIMIT_RSS RLIMIT_RTPRIO RLIMIT_RTTIME RLIMIT_SIGPENDING RLIMIT_STACK RLIM_INFINITY RUSAGE_CHILDREN RUSAGE_SELF RUSAGE_THREAD
        },
    )?;
    constants::add_one(t, m, "RLIMIT_OFILE", libc::RLIMIT_NOFILE as i64)
}

/// How many resources the system knows.
const RESOURCES: i32 = 16;

fn resource_number(t: &Thread, v: Value) -> R<i32> {
    match number::index_i32(t, v)? {
        n if (0..RESOURCES).contains(&n) => Ok(n),
        _ => raise!(t, ValueError, "invalid resource specified"),
    }
}

/// A limit; the largest number, "no limit", is -1.
fn limit_value(t: &Thread, n: libc::rlim_t) -> Value {
    if n == libc::RLIM_INFINITY { Value::int(-1) } else { int::from_u64(t, n) }
}

fn to_tuple(t: &Thread, limits: libc::rlimit) -> Value {
    Tuple::from_slice(t, &[limit_value(t, limits.rlim_cur), limit_value(t, limits.rlim_max)]).value()
}

fn from_value(t: &Thread, v: Value) -> R<libc::rlimit> {
    let pair = iter::to_tuple(t, v)?;
    let [soft, hard] = pair.as_slice() else { raise!(t, ValueError, "expected a tuple of 2 integers") };
    let number = |v: Value| -> R<libc::rlim_t> {
        let n = number::index(t, v)?;
        match int::as_u64_opt(n) {
            Some(n) => Ok(n),
            None if int::as_i64_opt(n) == Some(-1) => Ok(libc::RLIM_INFINITY),
            None if int::is_negative(n) => raise!(t, ValueError, "Cannot convert negative int"),
            None => raise!(t, OverflowError, "Python int too large to convert to C rlim_t"),
        }
    };
    Ok(libc::rlimit { rlim_cur: number(*soft)?, rlim_max: number(*hard)? })
}

/// The exception for limits that the system has refused.
fn refused(t: &Thread) -> Raised {
    let e = io::Error::last_os_error();
    match e.raw_os_error() {
        Some(libc::EINVAL) => t.raise(exc::ValueError, "current limit exceeds maximum limit"),
        Some(libc::EPERM) => t.raise(exc::ValueError, "not allowed to raise maximum limit"),
        _ => raise_os_error(t, &e),
    }
}

fn getrusage(t: &Thread, a: &[Value]) -> R {
    let who = number::index_i32(t, a[0])?;
    // SAFETY: zero is a valid value, and the call fills it in.
    let (result, u) = unsafe {
        let mut u: libc::rusage = std::mem::zeroed();
        (libc::getrusage(who as _, &mut u), u)
    };
    if result < 0 {
        let e = io::Error::last_os_error();
        if e.raw_os_error() == Some(libc::EINVAL) {
            raise!(t, ValueError, "invalid who parameter")
        }
        return Err(raise_os_error(t, &e));
    }
    rusage_value(t, &u)
}

/// `resource.struct_rusage`, whose type the module must have made.
fn rusage_value(t: &Thread, u: &libc::rusage) -> R {
    let seconds = |time: libc::timeval| Value::float(time.tv_sec as f64 + time.tv_usec as f64 * 1e-6);
    let n = |n: i64| int::from_i64(t, n);
    let values = [
        seconds(u.ru_utime),
        seconds(u.ru_stime),
        n(u.ru_maxrss),
        n(u.ru_ixrss),
        n(u.ru_idrss),
        n(u.ru_isrss),
        n(u.ru_minflt),
        n(u.ru_majflt),
        n(u.ru_nswap),
        n(u.ru_inblock),
        n(u.ru_oublock),
        n(u.ru_msgsnd),
        n(u.ru_msgrcv),
        n(u.ru_nsignals),
        n(u.ru_nvcsw),
        n(u.ru_nivcsw),
    ];
    struct_sequence::create(t, USAGE.get(), &values)
}

/// The same for `os.wait3` and `os.wait4`, which import the module first.
pub(crate) fn usage(t: &Thread, u: &libc::rusage) -> R {
    limpid_vm::modules::import::import_text(t, "resource")?;
    rusage_value(t, u)
}
