//! Names of files: from str, bytes and path-like objects to what the system takes, and back.
//!
//! The file system's encoding is UTF-8; bytes that are not UTF-8 travel as lone surrogates (`surrogateescape`, PEP 383).

use limpid_heap::Value;
use limpid_vm::names;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::{attr, call};
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Bytes, Str, int};
use std::ffi::CString;

/// The bytes of a str in the file system's encoding.
pub fn encode(t: &Thread, s: Ref<Str>) -> R<Vec<u8>> {
    if let Some(ascii) = s.as_ascii() {
        return Ok(ascii.as_bytes().to_vec());
    }
    let mut out = Vec::with_capacity(s.len() * 2);
    for (i, c) in s.code_points().enumerate() {
        match char::from_u32(c) {
            Some(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            None if (0xDC80..=0xDCFF).contains(&c) => out.push((c - 0xDC00) as u8),
            None => {
                raise!(t, UnicodeError, "'utf-8' codec can't encode character '\\u{c:04x}' in position {i}: surrogates not allowed")
            }
        }
    }
    Ok(out)
}

/// The str of bytes in the file system's encoding.
pub fn decode(t: &Thread, bytes: &[u8]) -> R<Ref<Str>> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Str::try_new(t, text);
    }
    let mut chars = Vec::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        chars.extend(chunk.valid().chars().map(|c| c as u32));
        chars.extend(chunk.invalid().iter().map(|b| 0xDC00 + *b as u32));
    }
    Str::from_chars(t, chars.iter().copied())
}

/// A file given to a function: by name, or by descriptor where that is allowed.
pub struct Path {
    /// The name, for system calls.
    pub name: CString,
    /// The descriptor, if one was given instead.
    pub fd: Option<i32>,
    /// Was the name given as bytes? Results are bytes then too.
    pub is_bytes: bool,
    /// What was given, for errors.
    pub given: Value,
}

/// What a function says of an argument: its own name and the argument's.
#[derive(Clone, Copy)]
pub struct Argument {
    /// The function, for messages.
    pub function: &'static str,
    /// The argument, for messages.
    pub name: &'static str,
    /// May it be a file descriptor?
    pub allow_fd: bool,
}

impl Argument {
    /// An argument called `path`.
    pub const fn path(function: &'static str) -> Argument {
        Argument { function, name: "path", allow_fd: false }
    }

    /// The same, or a descriptor.
    pub const fn path_or_fd(function: &'static str) -> Argument {
        Argument { function, name: "path", allow_fd: true }
    }

    /// The argument as a path.
    pub fn parse(self, t: &Thread, v: Value) -> R<Path> {
        let Argument { function, name, allow_fd } = self;
        if v.is_null() || v.is_none() {
            return Ok(Path { name: c".".into(), fd: None, is_bytes: false, given: Value::NONE });
        }
        if let Some(path) = direct(t, v, function, name)? {
            return Ok(path);
        }
        if allow_fd && int::is_int(v) {
            if v.is_bool() {
                limpid_vm::warnings::warn(t, limpid_vm::exc::RuntimeWarning, "bool is used as a file descriptor", 1)?;
            }
            let fd = int::to_i64(t, v)?;
            let Ok(fd) = i32::try_from(fd) else { raise!(t, OverflowError, "fd is greater than maximum") };
            return Ok(Path { name: CString::default(), fd: Some(fd), is_bytes: false, given: v });
        }
        let Some(f) = attr::lookup_special(t, v, names::__fspath__)?.filter(|f| !f.is_none()) else {
            let kinds = if allow_fd { "string, bytes, os.PathLike or integer" } else { "string, bytes or os.PathLike" };
            raise!(t, TypeError, "{function}: {name} should be {kinds}, not {}", v.class().display_name());
        };
        let inner = call::call(t, f, &[])?;
        match direct(t, inner, function, name)? {
            Some(path) => Ok(Path { given: v, ..path }),
            None => raise!(
                t,
                TypeError,
                "expected {}.__fspath__() to return str or bytes, not {}",
                v.class().display_name(),
                inner.class().display_name()
            ),
        }
    }
}

fn direct(t: &Thread, v: Value, function: &str, name: &str) -> R<Option<Path>> {
    let (bytes, is_bytes) = if let Some(s) = v.downcast::<Str>() {
        (encode(t, s)?, false)
    } else if let Some(b) = v.downcast::<Bytes>() {
        (b.as_slice().to_vec(), true)
    } else {
        return Ok(None);
    };
    match CString::new(bytes) {
        Ok(name) => Ok(Some(Path { name, fd: None, is_bytes, given: v })),
        Err(_) => {
            let what = if is_bytes { "byte" } else { "character" };
            raise!(t, ValueError, "{function}: embedded null {what} in {name}")
        }
    }
}

/// A name from the system, as str or bytes.
pub fn to_value(t: &Thread, bytes: &[u8], is_bytes: bool) -> R {
    if is_bytes { Ok(Bytes::from_slice(t, bytes)?.value()) } else { Ok(decode(t, bytes)?.value()) }
}

/// `os.fspath(v)`: a str or bytes.
pub fn fspath(t: &Thread, v: Value) -> R {
    if v.downcast::<Str>().is_some() || v.downcast::<Bytes>().is_some() {
        return Ok(v);
    }
    let Some(f) = attr::lookup_special(t, v, names::__fspath__)?.filter(|f| !f.is_none()) else {
        raise!(t, TypeError, "expected str, bytes or os.PathLike object, not {}", v.class().display_name());
    };
    let inner = call::call(t, f, &[])?;
    if inner.downcast::<Str>().is_some() || inner.downcast::<Bytes>().is_some() {
        return Ok(inner);
    }
    raise!(t, TypeError, "expected {}.__fspath__() to return str or bytes, not {}", v.class().display_name(), inner.class().display_name())
}
