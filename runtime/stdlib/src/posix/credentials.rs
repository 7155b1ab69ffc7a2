//! Users and groups that a process runs as.

use super::{check, retry};
use crate::fs::Argument;
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::object::{R, ValueExt};
use limpid_vm::protocol::{iter, number, sequence};
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::{List, Tuple, ValueList, int};
use std::io;

macro_rules! change {
    ($name:literal, $signature:literal, $call:ident, $($what:literal)+) => {
        FnDef::def($name, $signature, |t, a| {
            const KINDS: &[&str] = &[$($what),+];
            let mut ids = [0; KINDS.len()];
            for ((to, v), what) in ids.iter_mut().zip(a).zip(KINDS) {
                *to = id_of(t, *v, what)?;
            }
            let mut rest = ids.iter().copied();
            // SAFETY: a plain system call.
            let result = unsafe { libc::$call($({ let _ = $what; rest.next().unwrap_or(NOBODY) }),+) };
            done(t, result)
        })
    };
}

pub(super) const FUNCTIONS: &[FnDef] = &[
    change!("setuid", "uid, /", setuid, "uid"),
    change!("seteuid", "euid, /", seteuid, "uid"),
    change!("setreuid", "ruid, euid, /", setreuid, "uid" "uid"),
    change!("setresuid", "ruid, euid, suid, /", setresuid, "uid" "uid" "uid"),
    change!("setgid", "gid, /", setgid, "gid"),
    change!("setegid", "egid, /", setegid, "gid"),
    change!("setregid", "rgid, egid, /", setregid, "gid" "gid"),
    change!("setresgid", "rgid, egid, sgid, /", setresgid, "gid" "gid" "gid"),
    FnDef::def("getresuid", "", |t, _| {
        let mut ids = [0; 3];
        let [r, e, s] = &mut ids;
        // SAFETY: room for three numbers.
        let result = unsafe { libc::getresuid(r, e, s) };
        done(t, result)?;
        Ok(Tuple::from_slice(t, &ids.map(value_of)).value())
    }),
    FnDef::def("getresgid", "", |t, _| {
        let mut ids = [0; 3];
        let [r, e, s] = &mut ids;
        // SAFETY: room for three numbers.
        let result = unsafe { libc::getresgid(r, e, s) };
        done(t, result)?;
        Ok(Tuple::from_slice(t, &ids.map(value_of)).value())
    }),
    FnDef::def("getgroups", "", |t, _| {
        let mut groups = vec![0; 65536];
        // SAFETY: room for that many.
        let n = check(t, retry(t, || unsafe { libc::getgroups(groups.len() as i32, groups.as_mut_ptr()) } as i64)?)?;
        list(t, &groups[..n as usize])
    }),
    FnDef::def("setgroups", "groups, /", |t, a| {
        if !iter::is_sequence(a[0]) {
            raise!(t, TypeError, "setgroups argument must be a sequence")
        }
        let n = sequence::len(t, a[0])?;
        if n > 65536 {
            raise!(t, ValueError, "too many groups")
        }
        let mut groups = Vec::with_capacity(n);
        for i in 0..n {
            let v = sequence::get_item(t, a[0], Value::int(i as i64))?;
            if !int::is_int(v) {
                raise!(t, TypeError, "groups must be integers")
            }
            groups.push(id_of(t, v, "gid")?);
        }
        // SAFETY: an array of that length.
        let result = unsafe { libc::setgroups(groups.len(), groups.as_ptr()) };
        done(t, result)
    }),
    FnDef::def("initgroups", "username, gid, /", |t, a| {
        let name = Argument { function: "initgroups", name: "username", allow_fd: false }.parse(t, a[0])?;
        let gid = id_of(t, a[1], "gid")?;
        // SAFETY: a NUL-terminated name.
        let result = t.blocking(|| unsafe { libc::initgroups(name.name.as_ptr(), gid) });
        done(t, result)
    }),
    FnDef::def("getgrouplist", "user, group, /", |t, a| {
        let name = Argument { function: "getgrouplist", name: "user", allow_fd: false }.parse(t, a[0])?;
        let gid = id_of(t, a[1], "gid")?;
        let mut groups = vec![0; 64];
        loop {
            let mut n = groups.len() as i32;
            // SAFETY: a NUL-terminated name and room for that many.
            let result = t.blocking(|| unsafe { libc::getgrouplist(name.name.as_ptr(), gid, groups.as_mut_ptr(), &mut n) });
            if result >= 0 {
                return list(t, &groups[..n as usize]);
            }
            groups.resize((groups.len() * 2).max(n.max(0) as usize), 0);
        }
    }),
];

/// "No id", which leaves an id as it is.
const NOBODY: u32 = u32::MAX;

/// A user or group id; `what` is `uid` or `gid`, for messages.
pub(crate) fn id_of(t: &Thread, v: Value, what: &str) -> R<u32> {
    if !number::is_index(v) {
        raise!(t, TypeError, "{what} should be integer, not {}", v.class().display_name())
    }
    let v = number::index(t, v)?;
    match int::as_i64_opt(v) {
        Some(-1) => Ok(NOBODY),
        Some(n) if n < 0 => raise!(t, OverflowError, "{what} is less than minimum"),
        Some(n) if n <= u32::MAX as i64 => Ok(n as u32),
        None if int::is_negative(v) => raise!(t, OverflowError, "{what} is less than minimum"),
        _ => raise!(t, OverflowError, "{what} is greater than maximum"),
    }
}

/// An id as Python programs see it.
fn value_of(id: u32) -> Value {
    if id == NOBODY { Value::int(-1) } else { Value::int(id as i64) }
}

fn list(t: &Thread, ids: &[u32]) -> R {
    let mut all = ValueList::with_capacity(t, ids.len());
    ids.iter().for_each(|id| all.push(t, value_of(*id)));
    Ok(List::from_slice(t, all.as_slice())?.value())
}

/// None, or OSError where a call has given -1.
fn done(t: &Thread, result: i32) -> R {
    check(t, if result < 0 { Err(io::Error::last_os_error()) } else { Ok(0) })?;
    Ok(Value::NONE)
}
