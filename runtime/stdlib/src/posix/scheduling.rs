//! Priorities, schedulers, processors, namespaces.

use super::{check, retry};
use crate::constants;
use crate::posix::descriptors::fd_of;
use limpid_heap::Value;
use limpid_vm::args::{Args, FnDef, Signature};
use limpid_vm::exc;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{iter, number};
use limpid_vm::raise;
use limpid_vm::root::TypeCell;
use limpid_vm::thread::Thread;
use limpid_vm::types::struct_sequence::{self, StructSequenceDef};
use limpid_vm::types::{Module, Tuple, int};
use std::io;

pub(super) const FUNCTIONS: &[FnDef] = &[
    FnDef::def("getpriority", "which, who", |t, a| {
        let (which, who) = (number::index_i32(t, a[0])?, number::index_i32(t, a[1])?);
        // SAFETY: a plain system call; -1 may be a result, so errno tells.
        let (n, e) = unsafe {
            *libc::__errno_location() = 0;
            (libc::getpriority(which as _, who as _), io::Error::last_os_error())
        };
        check(t, if e.raw_os_error() == Some(0) { Ok(0) } else { Err(e) })?;
        Ok(Value::int(n as i64))
    }),
    FnDef::def("setpriority", "which, who, priority", |t, a| {
        let (which, who, n) = (number::index_i32(t, a[0])?, number::index_i32(t, a[1])?, number::index_i32(t, a[2])?);
        // SAFETY: a plain system call.
        check(t, retry(t, || unsafe { libc::setpriority(which as _, who as _, n) } as i64)?)?;
        Ok(Value::NONE)
    }),
    FnDef::def("sched_get_priority_max", "policy", |t, a| {
        let policy = number::index_i32(t, a[0])?;
        // SAFETY: a plain system call.
        Ok(Value::int(check(t, retry(t, || unsafe { libc::sched_get_priority_max(policy) } as i64)?)?))
    }),
    FnDef::def("sched_get_priority_min", "policy", |t, a| {
        let policy = number::index_i32(t, a[0])?;
        // SAFETY: a plain system call.
        Ok(Value::int(check(t, retry(t, || unsafe { libc::sched_get_priority_min(policy) } as i64)?)?))
    }),
    FnDef::def("sched_getscheduler", "pid, /", |t, a| {
        let pid = number::index_i32(t, a[0])?;
        // SAFETY: a plain system call.
        Ok(Value::int(check(t, retry(t, || unsafe { libc::sched_getscheduler(pid) } as i64)?)?))
    }),
    FnDef::def("sched_setscheduler", "pid, policy, param, /", |t, a| {
        let (pid, policy) = (number::index_i32(t, a[0])?, number::index_i32(t, a[1])?);
        let parameter = parameter(t, a[2])?;
        // SAFETY: a filled structure.
        check(t, retry(t, || unsafe { libc::sched_setscheduler(pid, policy, &parameter) } as i64)?)?;
        Ok(Value::NONE)
    }),
    FnDef::def("sched_getparam", "pid, /", |t, a| {
        let pid = number::index_i32(t, a[0])?;
        let mut parameter = libc::sched_param { sched_priority: 0 };
        // SAFETY: room for the result.
        check(t, retry(t, || unsafe { libc::sched_getparam(pid, &mut parameter) } as i64)?)?;
        struct_sequence::create(t, PARAM.get(), &[Value::int(parameter.sched_priority as i64)])
    }),
    FnDef::def("sched_setparam", "pid, param, /", |t, a| {
        let pid = number::index_i32(t, a[0])?;
        let parameter = parameter(t, a[1])?;
        // SAFETY: a filled structure.
        check(t, retry(t, || unsafe { libc::sched_setparam(pid, &parameter) } as i64)?)?;
        Ok(Value::NONE)
    }),
    FnDef::def("sched_rr_get_interval", "pid, /", |t, a| {
        let pid = number::index_i32(t, a[0])?;
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: room for the result.
        check(t, retry(t, || unsafe { libc::sched_rr_get_interval(pid, &mut time) } as i64)?)?;
        Ok(Value::float(time.tv_sec as f64 + 1e-9 * time.tv_nsec as f64))
    }),
    FnDef::def("sched_setaffinity", "pid, mask, /", |t, a| {
        let pid = number::index_i32(t, a[0])?;
        // As many bits as the highest number needs.
        let mut bits: Vec<u64> = vec![0; 16];
        iter::for_each(t, a[1], |v| {
            if !int::is_int(v) {
                raise!(t, TypeError, "expected an iterator of ints, but iterator yielded {}", v.class().display_name())
            }
            let Some(cpu) = int::as_i64_opt(v).and_then(|n| i32::try_from(n).ok()) else {
                raise!(t, OverflowError, "CPU number too large")
            };
            let Ok(cpu) = usize::try_from(cpu) else { raise!(t, ValueError, "negative CPU number") };
            if cpu >= 1 << 22 {
                raise!(t, OverflowError, "could not allocate a large enough CPU set")
            }
            if cpu / 64 >= bits.len() {
                bits.resize(cpu / 64 + 1, 0);
            }
            bits[cpu / 64] |= 1 << (cpu % 64);
            Ok(())
        })?;
        // SAFETY: a set of that length.
        check(t, retry(t, || unsafe { libc::sched_setaffinity(pid, bits.len() * 8, bits.as_ptr().cast()) } as i64)?)?;
        Ok(Value::NONE)
    }),
    FnDef::def("unshare", "flags", |t, a| {
        let flags = number::index_i32(t, a[0])?;
        // SAFETY: a plain system call.
        check(t, retry(t, || unsafe { libc::unshare(flags) } as i64)?)?;
        Ok(Value::NONE)
    }),
    FnDef::def("setns", "fd, nstype=0", |t, a| {
        let (fd, kind) = (fd_of(t, a[0])?, if a[1].is_null() { 0 } else { number::index_i32(t, a[1])? });
        // SAFETY: a plain system call.
        check(t, retry(t, || unsafe { libc::setns(fd, kind) } as i64)?)?;
        Ok(Value::NONE)
    }),
];

static PARAM: TypeCell = TypeCell::new();
static PARAM_DEF: StructSequenceDef = StructSequenceDef {
    name: "posix.sched_param",
    doc: "Currently has only one field: sched_priority\n\n  sched_priority\n    A scheduling parameter.",
    fields: &[("sched_priority", "the scheduling priority")],
    visible: 1,
    instantiable: true,
};

pub(super) fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    if PARAM.opt().is_none() {
        PARAM.set(struct_sequence::make_type_with(t, &PARAM_DEF, Some(new_param))?);
    }
    m.dict().set_text(t, "sched_param", PARAM.get().value())?;
    constants::add(
        t,
        m,
        constants::constants! {
            CLONE_FS CLONE_FILES CLONE_NEWNS CLONE_NEWCGROUP CLONE_NEWUTS CLONE_NEWIPC CLONE_NEWUSER CLONE_NEWPID CLONE_NEWNET CLONE_SIGHAND
            CLONE_SYSVSEM CLONE_THREAD CLONE_VM
        },
    )?;
    constants::add(t, m, &[("CLONE_NEWTIME", 0x80), ("SCHED_RESET_ON_FORK", 0x4000_0000)])
}

/// `sched_param(n)`: its one field is the argument.
fn new_param(t: &Thread, _: Value, args: Args<'_>) -> R {
    static SIGNATURE: Signature = Signature::parse("sched_priority");
    args.bind(t, "sched_param", &SIGNATURE, |a| struct_sequence::create(t, PARAM.get(), &[a[0]]))
}

/// The structure of a `sched_param`.
pub(super) fn parameter(t: &Thread, v: Value) -> R<libc::sched_param> {
    if !v.is_instance(PARAM.get()) {
        raise!(t, TypeError, "must have a sched_param object")
    }
    let Some(n) = v.downcast::<Tuple>().map(|p| p.get(0)) else { raise!(t, TypeError, "must have a sched_param object") };
    match number::index_i32(t, n) {
        Ok(n) => Ok(libc::sched_param { sched_priority: n }),
        Err(raised) if t.exception_is(exc::OverflowError) => {
            let _ = raised;
            t.take_exception();
            raise!(t, OverflowError, "sched_priority out of range")
        }
        Err(raised) => Err(raised),
    }
}
