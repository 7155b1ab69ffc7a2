//! OSError: an error number picks the subclass, file names are kept apart from the arguments.

use super::{Exception, Message, base, def, member, or_none};
use crate::args::{Args, FnDef, GetSet, receiver};
use crate::object::{R, Raised, Ref, Slot, ValueExt};
use crate::protocol::{attr, number};
use crate::slots::SlotTable;
use crate::thread::Thread;
use crate::types::{Str, Tuple, Type, TypeDef, int};
use crate::{exc, names};
use limpid_heap::Value;

/// The layout of OSError.
#[repr(C)]
pub struct OsError {
    base: Exception,
    /// The error number, or NULL.
    pub errno: Slot,
    /// The system's text for it, or NULL.
    pub strerror: Slot,
    /// The file concerned, or NULL.
    pub filename: Slot,
    /// The second file concerned, or NULL.
    pub filename2: Slot,
    /// For BlockingIOError: how much was written before; NULL when not known.
    written: Slot,
}

crate::layout!(OsError, exc::OSError, Slots);

pub(crate) const SUBCLASS: TypeDef =
    TypeDef { slots: SlotTable { new: Some(new), init: Some(init), ..SlotTable::EMPTY }, ..def::<OsError>() };

pub(crate) const DEF: TypeDef = TypeDef {
    slots: SlotTable { str: Some(str_of), ..SUBCLASS.slots },
    methods: &[FnDef::def("__reduce__", "self, /", reduce)],
    getset: &[
        member!(OsError, errno).doc("POSIX exception code"),
        member!(OsError, strerror).doc("exception strerror"),
        member!(OsError, filename).doc("exception filename"),
        member!(OsError, filename2).doc("second exception filename"),
        GetSet::property("characters_written", written, set_written),
    ],
    ..SUBCLASS
};

/// The class for an error number.
fn class_for(errno: i64) -> Ref<Type> {
    match i32::try_from(errno).unwrap_or(0) {
        libc::EAGAIN | libc::EALREADY | libc::EINPROGRESS => exc::BlockingIOError,
        libc::EPIPE | libc::ESHUTDOWN => exc::BrokenPipeError,
        libc::ECHILD => exc::ChildProcessError,
        libc::ECONNABORTED => exc::ConnectionAbortedError,
        libc::ECONNREFUSED => exc::ConnectionRefusedError,
        libc::ECONNRESET => exc::ConnectionResetError,
        libc::EEXIST => exc::FileExistsError,
        libc::ENOENT => exc::FileNotFoundError,
        libc::EISDIR => exc::IsADirectoryError,
        libc::ENOTDIR => exc::NotADirectoryError,
        libc::EINTR => exc::InterruptedError,
        libc::EACCES | libc::EPERM => exc::PermissionError,
        libc::ESRCH => exc::ProcessLookupError,
        libc::ETIMEDOUT => exc::TimeoutError,
        _ => exc::OSError,
    }
}

/// The system's text for an error number.
pub fn strerror(errno: i32) -> String {
    let mut text = [0u8; 256];
    // SAFETY: the buffer and its length belong together.
    let failed = unsafe { libc::strerror_r(errno, text.as_mut_ptr().cast(), text.len()) } != 0;
    match std::ffi::CStr::from_bytes_until_nul(&text) {
        Ok(s) if !failed || !s.is_empty() => s.to_string_lossy().into_owned(),
        _ => format!("Unknown error {errno}"),
    }
}

/// Raises the OSError for a failed system call.
#[cold]
pub fn raise_os_error(t: &Thread, error: &std::io::Error) -> Raised {
    raise_os_error_with_names(t, error, Value::NULL, Value::NULL)
}

/// Raises the OSError for a failed system call on one or two files (NULL: none).
#[cold]
pub fn raise_os_error_with_names(t: &Thread, error: &std::io::Error, filename: Value, filename2: Value) -> Raised {
    let Some(errno) = error.raw_os_error() else { return t.raise(exc::OSError, &error.to_string()) };
    let (number, text) = (Value::int(errno.into()), Str::new(t, &strerror(errno)).value());
    match (filename.is_null(), filename2.is_null()) {
        (true, _) => t.raise_with(exc::OSError, &[number, text]),
        (false, true) => t.raise_with(exc::OSError, &[number, text, filename]),
        (false, false) => t.raise_with(exc::OSError, &[number, text, filename, Value::NONE, filename2]),
    }
}

/// Does a class override `__init__` but not `__new__`? Then its `__init__` passes the arguments on, else `__new__` takes them.
fn init_takes_arguments(class: Ref<Type>) -> bool {
    let differs = |name| attr::type_lookup(class, name) != attr::type_lookup(exc::OSError, name);
    !exc::is_builtin(class) && differs(names::__init__) && !differs(names::__new__)
}

fn new(t: &Thread, class: Value, args: Args<'_>) -> R {
    // SAFETY: the receiver of `__new__` is a class, checked by whoever calls the slot.
    let mut class = unsafe { Ref::<Type>::from_value(class) };
    let deferred = init_takes_arguments(class);
    if !deferred {
        args.no_keywords(t, &class.display_name())?;
        if let (true, [errno, _, ..]) = (class == exc::OSError && args.pos().len() <= 5, args.pos())
            && errno.is_int()
        {
            class = class_for(errno.as_int());
        }
    }
    let e = Exception::allocate(t, class).value();
    if !deferred {
        fill(t, e, args.pos())?;
    }
    Ok(e)
}

fn init(t: &Thread, e: Value, args: Args<'_>) -> R<()> {
    if !init_takes_arguments(e.class()) {
        return Ok(());
    }
    args.no_keywords(t, &e.class().display_name())?;
    fill(t, e, args.pos())
}

fn fill(t: &Thread, e: Value, args: &[Value]) -> R<()> {
    let e = receiver::<OsError>(e);
    let mut kept = args;
    if let [errno, strerror, ..] = args
        && args.len() <= 5
    {
        let given = |i: usize| args.get(i).copied().filter(|v| !v.is_none());
        if let Some(filename) = given(2) {
            if e.value().class() == exc::BlockingIOError && number::is_number(filename) {
                let written = number::index_isize_or(t, filename, exc::ValueError)?;
                e.written.set(t, e, int::from_i64(t, written as i64));
            } else {
                e.filename.set(t, e, filename);
                if let Some(filename2) = given(4) {
                    e.filename2.set(t, e, filename2);
                }
                kept = &args[..2];
            }
        }
        e.errno.set(t, e, *errno);
        e.strerror.set(t, e, *strerror);
    }
    // SAFETY: an OSError is an exception.
    unsafe { e.cast::<Exception>() }.set_args(t, Tuple::from_slice(t, kept));
    Ok(())
}

fn str_of(t: &Thread, e: Value) -> R {
    let o = receiver::<OsError>(e);
    let (errno, strerror) = (o.errno.opt(), o.strerror.opt());
    if o.filename.opt().is_none() && (errno.is_none() || strerror.is_none()) {
        return base::str_of(t, e);
    }
    let mut message = Message::new("[Errno ").str_of(t, or_none(o.errno.get()))?.text("] ").str_of(t, or_none(o.strerror.get()))?;
    if let Some(filename) = o.filename.opt() {
        message = message.text(": ").repr(t, filename)?;
        if let Some(filename2) = o.filename2.opt() {
            message = message.text(" -> ").repr(t, filename2)?;
        }
    }
    Ok(message.finish(t)?.value())
}

fn reduce(t: &Thread, a: &[Value]) -> R {
    let e = receiver::<OsError>(a[0]);
    let mut args = e.base.args();
    if let ([errno, strerror], Some(filename)) = (args.as_slice(), e.filename.opt()) {
        args = match e.filename2.opt() {
            Some(filename2) => Tuple::from_slice(t, &[*errno, *strerror, filename, Value::NONE, filename2]),
            None => Tuple::from_slice(t, &[*errno, *strerror, filename]),
        };
    }
    base::reduce_with(t, a[0], args.value(), base::attributes(t, a[0])?.map(|d| d.value()))
}

fn written(t: &Thread, e: Value) -> R {
    match receiver::<OsError>(e).written.opt() {
        Some(n) => Ok(n),
        None => raise!(t, AttributeError, "characters_written"),
    }
}

fn set_written(t: &Thread, e: Value, v: Value) -> R<()> {
    let e = receiver::<OsError>(e);
    if v.is_null() {
        if e.written.opt().is_none() {
            raise!(t, AttributeError, "characters_written")
        }
        e.written.set(t, e, Value::NULL);
        return Ok(());
    }
    let n = number::index_isize_or(t, v, exc::ValueError)?;
    e.written.set(t, e, int::from_i64(t, n as i64));
    Ok(())
}
