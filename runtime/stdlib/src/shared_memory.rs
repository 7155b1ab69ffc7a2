//! `_posixshmem`: shared memory with names.

use crate::fs;
use crate::posix::{path_error, retry};
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, ValueExt};
use limpid_vm::protocol::number;
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::Str;
use std::ffi::CString;

/// `_posixshmem`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "POSIX shared memory module",
    functions: &[
        FnDef::def("shm_open", "path, flags, mode=511", |t, a| {
            let name = name_of(t, a[0], "shm_open")?;
            let flags = number::index_i32(t, a[1])?;
            let mode = if a[2].is_null() { 0o777 } else { number::index_i32(t, a[2])? };
            // SAFETY: a NUL-terminated name.
            let result = retry(t, || unsafe { libc::shm_open(name.as_ptr(), flags, mode as libc::mode_t) } as i64)?;
            Ok(Value::int(result.map_err(|e| path_error(t, &e, a[0]))?))
        })
        .doc("Open a shared memory object.  Returns a file descriptor (integer)."),
        FnDef::def("shm_unlink", "path", |t, a| {
            let name = name_of(t, a[0], "shm_unlink")?;
            // SAFETY: a NUL-terminated name.
            let result = retry(t, || unsafe { libc::shm_unlink(name.as_ptr()) } as i64)?;
            result.map_err(|e| path_error(t, &e, a[0]))?;
            Ok(Value::NONE)
        })
        .doc("Remove a shared memory object (similar to unlink())."),
    ],
    ..ModuleDef::named("_posixshmem")
};

fn name_of(t: &Thread, v: Value, function: &str) -> R<CString> {
    let Some(s) = v.downcast::<Str>() else {
        raise!(t, TypeError, "{function}() argument 'path' must be str, not {}", v.class().display_name())
    };
    match CString::new(fs::encode(t, s)?) {
        Ok(name) => Ok(name),
        Err(_) => raise!(t, ValueError, "{function}: embedded null character in path"),
    }
}
