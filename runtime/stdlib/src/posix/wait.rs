//! Waiting for processes, and what their end tells.

use super::{check, retry};
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::object::{R, Ref};
use limpid_vm::protocol::number;
use limpid_vm::raise;
use limpid_vm::root::TypeCell;
use limpid_vm::thread::Thread;
use limpid_vm::types::struct_sequence::{self, StructSequenceDef};
use limpid_vm::types::{Module, Tuple, int};

macro_rules! status {
    ($name:literal, $test:ident, bool) => {
        FnDef::def($name, "status", |t, a| Ok(Value::bool(libc::$test(number::index_i32(t, a[0])?))))
    };
    ($name:literal, $test:ident, int) => {
        FnDef::def($name, "status", |t, a| Ok(Value::int(libc::$test(number::index_i32(t, a[0])?) as i64)))
    };
}

pub(super) const FUNCTIONS: &[FnDef] = &[
    FnDef::def("waitpid", "pid, options, /", |t, a| wait(t, number::index_i32(t, a[0])?, number::index_i32(t, a[1])?)),
    FnDef::def("wait", "", |t, _| wait(t, -1, 0)),
    FnDef::def("wait3", "options", |t, a| wait_usage(t, -1, number::index_i32(t, a[0])?)),
    FnDef::def("wait4", "pid, options", |t, a| wait_usage(t, number::index_i32(t, a[0])?, number::index_i32(t, a[1])?)),
    FnDef::def("waitid", "idtype, id, options, /", waitid),
    FnDef::def("waitstatus_to_exitcode", "status", |t, a| {
        let status = number::index_i32(t, a[0])?;
        if libc::WIFEXITED(status) {
            return Ok(Value::int(libc::WEXITSTATUS(status) as i64));
        }
        if libc::WIFSIGNALED(status) {
            return Ok(Value::int(-libc::WTERMSIG(status) as i64));
        }
        if libc::WIFSTOPPED(status) {
            raise!(t, ValueError, "process stopped by delivery of signal {}", libc::WSTOPSIG(status))
        }
        raise!(t, ValueError, "invalid wait status: {status}")
    }),
    status!("WIFEXITED", WIFEXITED, bool),
    status!("WIFSIGNALED", WIFSIGNALED, bool),
    status!("WIFSTOPPED", WIFSTOPPED, bool),
    status!("WIFCONTINUED", WIFCONTINUED, bool),
    status!("WCOREDUMP", WCOREDUMP, bool),
    status!("WEXITSTATUS", WEXITSTATUS, int),
    status!("WTERMSIG", WTERMSIG, int),
    status!("WSTOPSIG", WSTOPSIG, int),
];

static WAITID_RESULT: TypeCell = TypeCell::new();
static WAITID_DEF: StructSequenceDef = StructSequenceDef {
    name: "posix.waitid_result",
    doc: "waitid_result: Result from waitid.\n\nThis object may be accessed either as a tuple of\n  (si_pid, si_uid, si_signo, si_status, \
          si_code),\nor via the attributes si_pid, si_uid, and so on.",
    fields: &[("si_pid", ""), ("si_uid", ""), ("si_signo", ""), ("si_status", ""), ("si_code", "")],
    visible: 5,
    instantiable: true,
};

pub(super) fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    let class = struct_sequence::create_type(t, &WAITID_DEF, &WAITID_RESULT)?;
    m.dict().set_text(t, "waitid_result", class.value())
}

fn wait(t: &Thread, pid: i32, options: i32) -> R {
    let mut status = 0;
    // SAFETY: room for the status.
    let pid = check(t, retry(t, || unsafe { libc::waitpid(pid, &mut status, options) } as i64)?)?;
    Ok(Tuple::from_slice(t, &[Value::int(pid), Value::int(status as i64)]).value())
}

fn wait_usage(t: &Thread, pid: i32, options: i32) -> R {
    let mut status = 0;
    // SAFETY: zero is a valid value, and the call fills it in.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: room for the results.
    let pid = check(t, retry(t, || unsafe { libc::wait4(pid, &mut status, options, &mut usage) } as i64)?)?;
    let usage = crate::resource::usage(t, &usage)?;
    Ok(Tuple::from_slice(t, &[Value::int(pid), Value::int(status as i64), usage]).value())
}

fn waitid(t: &Thread, a: &[Value]) -> R {
    let kind = number::index_i32(t, a[0])?;
    let (id, options) = (int::to_i64(t, number::index(t, a[1])?)?, number::index_i32(t, a[2])?);
    // SAFETY: zero is a valid value, and the call fills it in.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // SAFETY: room for the result; a bad kind is refused.
    check(t, retry(t, || unsafe { libc::waitid(kind as libc::idtype_t, id as libc::id_t, &mut info, options) } as i64)?)?;
    // SAFETY: the call has filled the fields of a child's signal in, or left zeros.
    let (pid, uid, status) = unsafe { (info.si_pid(), info.si_uid(), info.si_status()) };
    if pid == 0 {
        return Ok(Value::NONE);
    }
    let n = |i: i32| Value::int(i as i64);
    let values = [n(pid), Value::int(uid as i64), n(info.si_signo), n(status), n(info.si_code)];
    struct_sequence::create(t, WAITID_RESULT.get(), &values)
}
