//! Telling people about exceptions that nobody handles: uncaught ones, those in places that cannot raise, and SystemExit.
//!
//! Uncaught exceptions go to `sys.excepthook`, whose usual form is the traceback module's. What is printed natively, [`fallback`], serves
//! when that is missing or broken.

use crate::args::Args;
use crate::exc;
use crate::modules::sys;
use crate::names;
use crate::object::{R, Ref, ValueExt};
use crate::protocol::{attr, call, text};
use crate::thread::Thread;
use crate::types::exceptions::SystemExit;
use crate::types::traceback::Traceback;
use crate::types::{Exception, Str, Tuple};
use limpid_heap::Value;

mod fallback;
mod unraisable;

pub(crate) use unraisable::create_type as create_unraisable_args;
pub use unraisable::{default_hook as default_unraisable_hook, unraisable, unraisable_with_message, unraisable_without_object};

/// Writes text to `sys.stderr`, or to the process's standard error where that is missing or fails.
pub fn write_stderr(t: &Thread, text: &str) {
    write_str(t, Str::new(t, text));
}

/// As [`write_stderr`], of a str.
fn write_str(t: &Thread, text: Ref<Str>) {
    if let Some(file) = sys::attribute(t, names::stderr).filter(|f| !f.is_none()) {
        if call::call_method(t, file, names::write, &[text.value()]).is_ok() {
            return;
        }
        t.take_exception();
    }
    use std::io::Write;
    let _ = std::io::stderr().write_all(text.to_string_lossy().as_bytes());
}

/// Flushes `sys.stdout` and `sys.stderr`; errors are forgotten.
pub fn flush_streams(t: &Thread) {
    let saved = t.take_exception();
    for name in [names::stderr, names::stdout] {
        if let Some(file) = sys::attribute(t, name).filter(|f| !f.is_none())
            && call::call_method(t, file, names::flush, &[]).is_err()
        {
            t.take_exception();
        }
    }
    if !saved.is_null() {
        t.raise_value(saved);
    }
}

/// The exit status that the current exception asks for if it is a SystemExit, which is none any more then. A code that is no number is
/// printed.
pub fn take_exit_status(t: &Thread) -> Option<i32> {
    if !t.exception_is(exc::SystemExit) {
        return None;
    }
    let e = t.take_exception();
    // Ordinary instances have the code in a field; a subclass may compute it.
    let code = match attr::get_attr_text(t, e, "code") {
        Ok(code) => code,
        Err(_) => {
            t.take_exception();
            e.downcast::<SystemExit>().and_then(|e| e.code.opt()).unwrap_or(Value::NONE)
        }
    };
    if code.is_none() {
        return Some(0);
    }
    if code.is_instance(crate::types::builtin::INT) {
        return Some(crate::types::int::as_i64_opt(code).map_or(-1, |n| n as i32));
    }
    flush_streams(t);
    match text::str_of(t, code) {
        Ok(s) => write_str(t, s),
        Err(_) => {
            t.take_exception();
        }
    }
    write_stderr(t, "\n");
    Some(1)
}

/// Tells of the current exception, which is none any more: remembers it in `sys.last_exc` and calls `sys.excepthook`.
pub fn print_uncaught(t: &Thread) {
    let e = t.take_exception();
    if e.is_null() {
        return;
    }
    let (class, traceback) = (e.class().value(), Exception::traceback(e));
    for (name, value) in [(names::last_exc, e), (names::last_type, class), (names::last_value, e), (names::last_traceback, traceback)] {
        if sys::set_attribute(t, name, value).is_err() {
            t.take_exception();
        }
    }
    let Some(hook) = sys::attribute(t, names::excepthook) else {
        write_stderr(t, "sys.excepthook is missing\n");
        display(t, e);
        return;
    };
    if sys::audit(t, "sys.excepthook", &[hook, class, e, traceback]).is_err() && !t.exception_is(exc::RuntimeError) {
        let failure = t.take_exception();
        display(t, failure);
        return;
    }
    t.take_exception();
    if call::call(t, hook, &[class, e, traceback]).is_ok() {
        flush_streams(t);
        return;
    }
    if t.exception_is(exc::SystemExit) {
        // The hook wants to end the program.
        if let Some(status) = take_exit_status(t) {
            sys::request_exit(t, status);
        }
        return;
    }
    let failure = t.take_exception();
    flush_streams(t);
    write_stderr(t, "Error in sys.excepthook:\n");
    display(t, failure);
    write_stderr(t, "\nOriginal exception was:\n");
    display(t, e);
    flush_streams(t);
}

/// Prints the current exception without any Python code: while the runtime is not complete.
pub fn print_plainly(t: &Thread) {
    let e = t.take_exception();
    if !e.is_null() {
        fallback::print(t, e);
    }
}

/// Prints an exception with its traceback and those it is chained to: what `sys.__excepthook__` does.
pub fn display(t: &Thread, e: Value) {
    if sys::attribute(t, names::stderr).is_some_and(Value::is_none) {
        return;
    }
    if display_with_module(t, e, None).is_err() {
        t.take_exception();
        fallback::print(t, e);
    }
    flush_streams(t);
}

/// Prints with the module `traceback`, to `sys.stderr` or another file.
fn display_with_module(t: &Thread, e: Value, file: Option<Value>) -> R<()> {
    let module = crate::modules::import::import_text(t, "traceback")?;
    match file {
        None => call::call(t, attr::get_attr_text(t, module, "_print_exception_bltin")?, &[e])?,
        Some(file) => {
            let print = attr::get_attr_text(t, module, "print_exception")?;
            let names = Tuple::from_slice(t, &[Str::new(t, "file").value()]);
            call::call_args(t, print, Args::with_keywords(&[e, file], names.value()))?
        }
    };
    Ok(())
}

/// Prints an exception that a thread's function let out: what `threading.excepthook` does. Where there is no `sys.stderr` any more, to the
/// one there was when the thread was made.
pub fn thread_exception(t: &Thread, value: Value, traceback: Value, thread: Value) -> R<()> {
    let name = match attr::get_attr_opt(t, thread, names::name)? {
        Some(name) => text::str_of(t, name)?.to_string_lossy().into_owned(),
        None => t.ident.get().to_string(),
    };
    let title = format!("Exception in thread {name}:\n");
    if sys::attribute(t, names::stderr).is_some_and(|file| !file.is_none()) {
        write_stderr(t, &title);
        default_excepthook(t, value, traceback);
        return Ok(());
    }
    let file = attr::get_attr_opt(t, thread, crate::types::str::intern(t, "_stderr"))?.filter(|file| !file.is_none());
    let Some(file) = file else { return Ok(()) };
    call::call_method(t, file, names::write, &[Str::new(t, &title).value()])?;
    take_traceback(t, value, traceback);
    display_with_module(t, value, Some(file))?;
    call::call_method(t, file, names::flush, &[]).map(|_| ())
}

/// `sys.__excepthook__`
pub fn default_excepthook(t: &Thread, value: Value, traceback: Value) {
    take_traceback(t, value, traceback);
    display(t, value);
}

/// An exception that has no traceback gets this one.
fn take_traceback(t: &Thread, value: Value, traceback: Value) {
    if value.is_instance(exc::BaseException) && traceback.exact::<Traceback>().is_some() && Exception::traceback(value).is_none() {
        Exception::set_traceback(t, value, traceback);
    }
}
