//! The environment, the user, the machine.

use super::{check, retry};
use crate::fs;
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::raise;
use limpid_vm::root::TypeCell;
use limpid_vm::thread::Thread;
use limpid_vm::types::struct_sequence::{self, StructSequenceDef};
use limpid_vm::types::{Bytes, Dict, Module, Str, Tuple, ValueList, int};
use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt;

pub(super) const FUNCTIONS: &[FnDef] = &[
    FnDef::def("putenv", "name, value, /", putenv),
    FnDef::def("unsetenv", "name, /", unsetenv),
    FnDef::def("_create_environ", "", |t, _| environ(t)),
    FnDef::def("fspath", "path", |t, a| fs::fspath(t, a[0])),
    FnDef::def("strerror", "code, /", |t, a| {
        let text = limpid_vm::types::exceptions::strerror(int::to_i64(t, a[0])? as i32);
        Ok(Str::new(t, &text).value())
    }),
    FnDef::def("uname", "", uname),
    FnDef::def("urandom", "size, /", urandom),
    FnDef::def("getrandom", "size, flags=0", urandom),
    FnDef::def("cpu_count", "", |_, _| {
        // SAFETY: a plain query.
        let n = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) };
        Ok(if n > 0 { Value::int(n) } else { Value::NONE })
    }),
    FnDef::def("sysconf", "name, /", |t, a| {
        let name = constant(t, a[0], super::constants::SYSCONF_NAMES)?;
        // SAFETY: a plain query.
        Ok(int::from_i64(t, unsafe { libc::sysconf(name as i32) }))
    }),
    FnDef::def("confstr", "name, /", |t, a| {
        let name = constant(t, a[0], super::constants::CONFSTR_NAMES)?;
        let mut buffer = [0u8; 256];
        // SAFETY: a buffer of that length.
        let n = unsafe { libc::confstr(name as i32, buffer.as_mut_ptr().cast(), buffer.len()) };
        if n == 0 {
            return Ok(Value::NONE);
        }
        Ok(fs::decode(t, &buffer[..n.min(buffer.len()) - 1])?.value())
    }),
    FnDef::def("getloadavg", "", |t, _| {
        let mut load = [0.0; 3];
        // SAFETY: room for three numbers.
        if unsafe { libc::getloadavg(load.as_mut_ptr(), 3) } != 3 {
            raise!(t, OSError, "Load averages are unobtainable");
        }
        Ok(Tuple::from_slice(t, &load.map(Value::float)).value())
    }),
    FnDef::def("getlogin", "", |t, _| {
        // SAFETY: the C library's own buffer, copied at once.
        let name = unsafe {
            let p = libc::getlogin();
            if p.is_null() { None } else { Some(CStr::from_ptr(p).to_bytes().to_vec()) }
        };
        match name {
            Some(name) => Ok(fs::decode(t, &name)?.value()),
            None => check(t, Err(std::io::Error::last_os_error())).map(|_| Value::NONE),
        }
    }),
];

/// A number, or a name from a table.
pub(super) fn constant(t: &Thread, v: Value, names: &[(&str, i64)]) -> R<i64> {
    if int::is_int(v) {
        return int::to_i64(t, v);
    }
    let Some(s) = v.downcast::<Str>() else { raise!(t, TypeError, "configuration names must be strings or integers") };
    match names.iter().find(|(n, _)| s.eq_str(n)) {
        Some((_, value)) => Ok(*value),
        None => raise!(t, ValueError, "unrecognized configuration name"),
    }
}

/// The environment as a dict of bytes.
pub fn environ(t: &Thread) -> R {
    let d = Dict::new(t);
    for (k, v) in std::env::vars_os() {
        let (k, v) = (Bytes::from_slice(t, k.as_bytes())?, Bytes::from_slice(t, v.as_bytes())?);
        d.set_item(t, k.value(), v.value())?;
    }
    Ok(d.value())
}

fn name_bytes(t: &Thread, v: Value) -> R<CString> {
    let bytes = match (v.downcast::<Bytes>(), v.downcast::<Str>()) {
        (Some(b), _) => b.as_slice().to_vec(),
        (_, Some(s)) => fs::encode(t, s)?,
        _ => raise!(t, TypeError, "expected str, bytes or os.PathLike object, not {}", v.class().display_name()),
    };
    match CString::new(bytes) {
        Ok(name) => Ok(name),
        Err(_) => raise!(t, ValueError, "embedded null byte"),
    }
}

fn putenv(t: &Thread, a: &[Value]) -> R {
    let (name, value) = (name_bytes(t, a[0])?, name_bytes(t, a[1])?);
    if name.as_bytes().contains(&b'=') {
        raise!(t, ValueError, "illegal environment variable name");
    }
    // SAFETY: NUL-terminated strings. Other threads that read the environment meanwhile do so through the same C library's lock.
    check(t, retry(t, || unsafe { libc::setenv(name.as_ptr(), value.as_ptr(), 1) } as i64)?)?;
    Ok(Value::NONE)
}

fn unsetenv(t: &Thread, a: &[Value]) -> R {
    let name = name_bytes(t, a[0])?;
    // SAFETY: as above.
    check(t, retry(t, || unsafe { libc::unsetenv(name.as_ptr()) } as i64)?)?;
    Ok(Value::NONE)
}

static UNAME_RESULT: TypeCell = TypeCell::new();
static UNAME_DEF: StructSequenceDef = StructSequenceDef {
    name: "posix.uname_result",
    doc: "The names of the system that uname() reports.",
    fields: &[("sysname", ""), ("nodename", ""), ("release", ""), ("version", ""), ("machine", "")],
    visible: 5,
    instantiable: true,
};

pub(super) fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    let class = struct_sequence::create_type(t, &UNAME_DEF, &UNAME_RESULT)?;
    m.dict().set_text(t, "uname_result", class.value())
}

fn uname(t: &Thread, _: &[Value]) -> R {
    // SAFETY: zero is a valid value, and the call fills it in.
    let info = unsafe {
        let mut info: libc::utsname = std::mem::zeroed();
        libc::uname(&mut info);
        info
    };
    let mut values = ValueList::new(t);
    for field in [&info.sysname, &info.nodename, &info.release, &info.version, &info.machine] {
        // SAFETY: the fields are NUL-terminated.
        let text = unsafe { CStr::from_ptr(field.as_ptr()) };
        values.push(t, fs::decode(t, text.to_bytes())?.value());
    }
    struct_sequence::create(t, UNAME_RESULT.get(), values.as_slice())
}

fn urandom(t: &Thread, a: &[Value]) -> R {
    let n = int::to_i64(t, a[0])?;
    if n < 0 {
        raise!(t, ValueError, "negative argument not allowed");
    }
    let mut buffer = vec![0u8; n as usize];
    let mut at = 0;
    while at < buffer.len() {
        let rest = &mut buffer[at..];
        // SAFETY: a buffer of that length.
        at += check(t, retry(t, || unsafe { libc::getrandom(rest.as_mut_ptr().cast(), rest.len(), 0) } as i64)?)? as usize;
    }
    Ok(Bytes::from_slice(t, &buffer)?.value())
}
