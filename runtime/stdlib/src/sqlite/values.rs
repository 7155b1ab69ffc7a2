//! Values of Python and of SQL: parameters, columns, what functions get and give.

use super::errors::{self, misuse};
use libsqlite3_sys as ffi;
use limpid_heap::Value;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::call;
use limpid_vm::thread::Thread;
use limpid_vm::types::memory::{get_buffer, has_buffer};
use limpid_vm::types::{Bytes, Str, ValueList, float, int};
use limpid_vm::{exc, raise};
use std::borrow::Cow;
use std::ffi::{CString, c_int};

/// A str as UTF-8; UnicodeEncodeError for one with surrogates.
pub(super) fn utf8<'a>(t: &Thread, s: &'a Ref<Str>) -> R<Cow<'a, str>> {
    match s.to_utf8() {
        Some(text) => Ok(text),
        None => {
            // It has surrogates; the codec says which.
            call::call_method_text(t, s.value(), "encode", &[])?;
            raise!(t, ValueError, "surrogates not allowed")
        }
    }
}

/// The str that an argument must be: `"execute() argument 1"`.
pub(super) fn str_argument(t: &Thread, v: Value, what: &str) -> R<Ref<Str>> {
    match v.downcast::<Str>() {
        Some(s) => Ok(s),
        None => raise!(t, TypeError, "{what} must be str, not {}", if v.is_none() { "None".into() } else { v.class().display_name() }),
    }
}

/// As [`str_argument`], as the library takes text: without a null character, which comes at its end.
pub(super) fn c_argument(t: &Thread, v: Value, what: &str) -> R<CString> {
    let argument = str_argument(t, v, what)?;
    let text = utf8(t, &argument)?;
    match CString::new(text.into_owned()) {
        Ok(text) => Ok(text),
        Err(_) => raise!(t, ValueError, "embedded null character"),
    }
}

/// The name of one of a connection's databases: `main`, unless another is given.
pub(super) fn schema(t: &Thread, v: Value, function: &str) -> R<CString> {
    if v.is_null() { Ok(c"main".into()) } else { c_argument(t, v, &format!("{function}() argument 'name'")) }
}

/// The str of bytes, which should be UTF-8; UnicodeDecodeError if they are not.
pub(super) fn text(t: &Thread, bytes: &[u8]) -> R {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Str::try_new(t, text)?.value()),
        Err(_) => call::call_method_text(t, Bytes::from_slice(t, bytes)?.value(), "decode", &[]),
    }
}

/// A value of the library's, which it lends until it goes on.
///
/// # Safety
/// NULL (for nothing), or `len` bytes that stay as they are as long as the result is used.
pub(super) unsafe fn lent<'a, T>(p: *const T, len: c_int) -> &'a [u8] {
    // SAFETY: by contract.
    if p.is_null() { &[] } else { unsafe { std::slice::from_raw_parts(p.cast(), len.max(0) as usize) } }
}

/// The int as the library takes it.
fn to_i64(t: &Thread, v: Value) -> R<i64> {
    match int::as_i64_opt(v) {
        Some(n) => Ok(n),
        None => raise!(t, OverflowError, "Python int too large to convert to SQLite INTEGER"),
    }
}

/// The length of text or a blob as the library takes it.
fn length(t: &Thread, len: usize, what: &str) -> R<c_int> {
    match c_int::try_from(len) {
        Ok(len) => Ok(len),
        Err(_) => raise!(t, OverflowError, "{what} is longer than INT_MAX bytes"),
    }
}

/// What Python values become.
enum Sql<'a> {
    Null,
    Int(i64),
    Float(f64),
    Text(Cow<'a, str>, c_int),
    Blob(&'a [u8], c_int),
}

/// Hands `f` what a value is in SQL; None if it is of no type that there is in SQL.
fn with_sql<T>(t: &Thread, v: Value, f: impl FnOnce(Sql<'_>) -> T) -> R<Option<T>> {
    if v.is_none() {
        return Ok(Some(f(Sql::Null)));
    }
    if int::is_int(v) {
        return Ok(Some(f(Sql::Int(to_i64(t, v)?))));
    }
    if let Some(x) = float::as_f64_opt(v) {
        return Ok(Some(f(Sql::Float(x))));
    }
    if let Some(s) = v.downcast::<Str>() {
        let text = utf8(t, &s)?;
        let len = length(t, text.len(), "string")?;
        return Ok(Some(f(Sql::Text(text, len))));
    }
    if has_buffer(v) {
        let buffer = get_buffer(t, v)?;
        let len = length(t, buffer.len, "BLOB")?;
        return Ok(Some(f(Sql::Blob(buffer.as_slice(), len))));
    }
    Ok(None)
}

/// Binds a value to a statement's parameter (from 1). The library copies it.
///
/// # Safety
/// A statement that is not finalized and that no other thread uses.
pub(super) unsafe fn bind(t: &Thread, statement: *mut ffi::sqlite3_stmt, position: c_int, v: Value) -> R<c_int> {
    let copied = ffi::SQLITE_TRANSIENT();
    // SAFETY: by contract; lengths are those of the text and the blob.
    let bound = with_sql(t, v, |sql| unsafe {
        match sql {
            Sql::Null => ffi::sqlite3_bind_null(statement, position),
            Sql::Int(n) => ffi::sqlite3_bind_int64(statement, position, n),
            Sql::Float(x) => ffi::sqlite3_bind_double(statement, position, x),
            Sql::Text(text, len) => ffi::sqlite3_bind_text(statement, position, text.as_ptr().cast(), len, copied),
            Sql::Blob(_, 0) => ffi::sqlite3_bind_zeroblob(statement, position, 0),
            Sql::Blob(bytes, len) => ffi::sqlite3_bind_blob(statement, position, bytes.as_ptr().cast(), len, copied),
        }
    })?;
    match bound {
        Some(code) => Ok(code),
        None => misuse!(t, "Error binding parameter {position}: type '{}' is not supported", v.class().display_name()),
    }
}

/// Sets the result of a function. The library copies it.
///
/// # Safety
/// The context that the function was called with.
pub(super) unsafe fn set_result(t: &Thread, context: *mut ffi::sqlite3_context, v: Value) -> R<()> {
    let copied = ffi::SQLITE_TRANSIENT();
    // SAFETY: by contract; lengths are those of the text and the blob.
    let set = with_sql(t, v, |sql| unsafe {
        match sql {
            Sql::Null => ffi::sqlite3_result_null(context),
            Sql::Int(n) => ffi::sqlite3_result_int64(context, n),
            Sql::Float(x) => ffi::sqlite3_result_double(context, x),
            Sql::Text(text, len) => ffi::sqlite3_result_text(context, text.as_ptr().cast(), len, copied),
            Sql::Blob(_, 0) => ffi::sqlite3_result_zeroblob(context, 0),
            Sql::Blob(bytes, len) => ffi::sqlite3_result_blob(context, bytes.as_ptr().cast(), len, copied),
        }
    })?;
    match set {
        Some(()) => Ok(()),
        None => misuse!(t, "User-defined functions cannot return '{}' values to SQLite", v.class().display_name()),
    }
}

/// The arguments that a function was called with.
///
/// # Safety
/// What the library has called the function with.
pub(super) unsafe fn arguments(t: &Thread, count: c_int, values: *mut *mut ffi::sqlite3_value) -> R<ValueList> {
    let mut list = ValueList::with_capacity(t, count as usize);
    for i in 0..count as usize {
        // SAFETY: by contract; text and blobs are copied at once.
        let v = unsafe {
            let value = *values.add(i);
            match ffi::sqlite3_value_type(value) {
                ffi::SQLITE_INTEGER => int::from_i64(t, ffi::sqlite3_value_int64(value)),
                ffi::SQLITE_FLOAT => Value::float(ffi::sqlite3_value_double(value)),
                ffi::SQLITE_TEXT => {
                    let start = ffi::sqlite3_value_text(value);
                    text(t, lent(start, ffi::sqlite3_value_bytes(value)))?
                }
                ffi::SQLITE_BLOB => {
                    let start = ffi::sqlite3_value_blob(value);
                    Bytes::from_slice(t, lent(start, ffi::sqlite3_value_bytes(value)))?.value()
                }
                _ => Value::NONE,
            }
        };
        list.push(t, v);
    }
    Ok(list)
}

/// The text of a column that is not UTF-8: the exception names the column.
pub(super) fn undecodable(t: &Thread, column: &str, bytes: &[u8]) -> R {
    t.catch(exc::UnicodeDecodeError)?;
    // As far as the library's text goes, in ASCII.
    let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
    let ascii =
        |bytes: &[u8]| -> String { bytes.iter().map(|b| if b.is_ascii() { *b as char } else { char::REPLACEMENT_CHARACTER }).collect() };
    let message = format!("Could not decode to UTF-8 column '{}' with text '{}'", ascii(column.as_bytes()), ascii(&bytes[..end]));
    Err(t.raise(errors::OPERATIONAL_ERROR.get(), &message))
}
