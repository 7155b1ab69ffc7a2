//! The exceptions of PEP 249, and how the library's result codes become exceptions.

use super::constants;
use crate::exception_class::{self, ExceptionClass};
use libsqlite3_sys as ffi;
use limpid_vm::exc;
use limpid_vm::object::{R, Raised, Ref};
use limpid_vm::protocol::attr;
use limpid_vm::root::TypeCell;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Module, Str, Type, int, str};
use std::ffi::{CStr, c_char};

macro_rules! exceptions {
    ($($cell:ident $name:literal $base:expr, $doc:literal;)*) => {
        $(#[doc = concat!("`sqlite3.", $name, "`")] pub(super) static $cell: TypeCell = TypeCell::new();)*

        /// Makes the classes and adds them to the module.
        pub(super) fn add(t: &Thread, m: Ref<Module>) -> R<()> {
            $(exception_class::add(t, m, &$cell, &ExceptionClass { name: concat!("sqlite3.", $name), doc: $doc, base: $base })?;)*
            Ok(())
        }
    };
}

exceptions! {
    WARNING "Warning" || exc::Exception, "";
    ERROR "Error" || exc::Exception, "";
    INTERFACE_ERROR "InterfaceError" || ERROR.get(), "";
    DATABASE_ERROR "DatabaseError" || ERROR.get(), "";
    INTERNAL_ERROR "InternalError" || DATABASE_ERROR.get(), "";
    OPERATIONAL_ERROR "OperationalError" || DATABASE_ERROR.get(), "";
    PROGRAMMING_ERROR "ProgrammingError" || DATABASE_ERROR.get(), "";
    INTEGRITY_ERROR "IntegrityError" || DATABASE_ERROR.get(), "";
    DATA_ERROR "DataError" || DATABASE_ERROR.get(), "";
    NOT_SUPPORTED_ERROR "NotSupportedError" || DATABASE_ERROR.get(), "";
}

/// Returns a ProgrammingError: `misuse!(t, "no {x}")`.
macro_rules! misuse {
    ($t:expr, $($message:tt)+) => {
        return Err($t.raise($crate::sqlite::errors::PROGRAMMING_ERROR.get(), &format!($($message)+)))
    };
}
pub(super) use misuse;

/// The class for a result code without its extension.
fn class_of(code: i32) -> Ref<Type> {
    let cell = match code {
        ffi::SQLITE_INTERNAL | ffi::SQLITE_NOTFOUND => &INTERNAL_ERROR,
        ffi::SQLITE_ERROR
        | ffi::SQLITE_PERM
        | ffi::SQLITE_ABORT
        | ffi::SQLITE_BUSY
        | ffi::SQLITE_LOCKED
        | ffi::SQLITE_READONLY
        | ffi::SQLITE_INTERRUPT
        | ffi::SQLITE_IOERR
        | ffi::SQLITE_FULL
        | ffi::SQLITE_CANTOPEN
        | ffi::SQLITE_PROTOCOL
        | ffi::SQLITE_EMPTY
        | ffi::SQLITE_SCHEMA => &OPERATIONAL_ERROR,
        ffi::SQLITE_TOOBIG => &DATA_ERROR,
        ffi::SQLITE_CONSTRAINT | ffi::SQLITE_MISMATCH => &INTEGRITY_ERROR,
        ffi::SQLITE_MISUSE | ffi::SQLITE_RANGE => &INTERFACE_ERROR,
        _ => &DATABASE_ERROR,
    };
    cell.get()
}

/// Text of the library, which is UTF-8 unless a program has put something else into it.
///
/// # Safety
/// NULL, or a string with its NUL, which stays as it is for as long as the result is used.
pub(super) unsafe fn text<'a>(p: *const c_char) -> std::borrow::Cow<'a, str> {
    // SAFETY: by contract.
    if p.is_null() { "".into() } else { unsafe { CStr::from_ptr(p) }.to_string_lossy() }
}

/// What a result code means, in the library's words.
pub(super) fn describe(code: i32) -> String {
    // SAFETY: any number may be asked for; the answer is a constant.
    unsafe { text(ffi::sqlite3_errstr(code)) }.into_owned()
}

/// Raises what a result code stands for, with its name and number.
#[cold]
pub(super) fn raise(t: &Thread, extended: i32, message: &str) -> Raised {
    let code = extended & 0xFF;
    if code == ffi::SQLITE_NOMEM {
        return exc::raise_memory_error(t);
    }
    let raised = t.raise(class_of(code), message);
    let e = t.take_exception();
    let named = Str::new(t, constants::error_name(extended).unwrap_or("unknown")).value();
    let done = attr::set_attr(t, e, str::intern(t, "sqlite_errorcode"), int::from_i64(t, extended.into()))
        .and_then(|()| attr::set_attr(t, e, str::intern(t, "sqlite_errorname"), named));
    match done {
        Ok(()) => {
            t.raise_value(e);
            raised
        }
        Err(raised) => raised,
    }
}

/// What the last call of the library has failed with: the extended code, and the message. `code` is what it returned.
///
/// # Safety
/// A connection to a database that nobody else uses meanwhile.
pub(super) unsafe fn last(raw: *mut ffi::sqlite3, code: i32) -> (i32, String) {
    // SAFETY: by contract; the message is copied before anything else is called.
    match unsafe { ffi::sqlite3_extended_errcode(raw) } {
        ffi::SQLITE_OK => (code, describe(code)),
        // SAFETY: as above.
        extended => (extended, unsafe { text(ffi::sqlite3_errmsg(raw)).into_owned() }),
    }
}

/// Raises what the last call of the library has failed with; `code` is what it returned.
///
/// # Safety
/// As of [`last`].
#[cold]
pub(super) unsafe fn raise_last(t: &Thread, raw: *mut ffi::sqlite3, code: i32) -> Raised {
    // SAFETY: by contract.
    let (extended, message) = unsafe { last(raw, code) };
    raise(t, extended, &message)
}
