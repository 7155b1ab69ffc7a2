//! `select`: waiting for descriptors to become ready. One file a mechanism.

mod epoll;
mod poll;
mod select_call;

use crate::constants;
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::exc;
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Ref};
use limpid_vm::protocol::number;
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Module, int};

/// `select`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "This module supports asynchronous I/O on multiple file descriptors.\n\n*** IMPORTANT NOTICE ***\nOn Windows, only sockets are \
          supported; on Unix, all file descriptors.",
    functions: &[
        FnDef::def("select", "rlist, wlist, xlist, timeout=None, /", select_call::select)
            .doc("Wait until one or more file descriptors are ready for some kind of I/O."),
        FnDef::def("poll", "", poll::poll).doc("Returns a polling object."),
    ],
    init,
    ..ModuleDef::named("select")
};

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    m.dict().set_text(t, "error", exc::OSError.value())?;
    constants::add(t, m, constants::constants!(PIPE_BUF))?;
    poll::init(t, m)?;
    epoll::init(t, m)
}

/// An event mask: 16 bits without a sign.
fn event_mask(t: &Thread, v: Value) -> R<u16> {
    let n = number::index(t, v)?;
    if int::is_negative(n) {
        raise!(t, ValueError, "value must be positive")
    }
    match int::as_i64_opt(n).and_then(|n| u16::try_from(n).ok()) {
        Some(n) => Ok(n),
        None => raise!(t, OverflowError, "Python int too large for C unsigned short"),
    }
}

/// A timeout argument: None stays None, anything that is no number is refused with this message.
fn timeout(t: &Thread, v: Value, unit: i64, rounding: crate::seconds::Rounding, refusal: &str) -> R<Option<i64>> {
    if v.is_null() || v.is_none() {
        return Ok(None);
    }
    match crate::seconds::nanoseconds(t, v, unit, rounding) {
        Ok(n) => Ok(Some(n)),
        Err(raised) => {
            if t.exception_is(exc::TypeError) && !number::is_index(v) {
                t.take_exception();
                raise!(t, TypeError, "{refusal}")
            }
            Err(raised)
        }
    }
}

/// Nanoseconds as the milliseconds that `poll` takes: -1 for ever, and never less than asked for.
fn milliseconds(t: &Thread, timeout: Option<i64>) -> R<Option<i64>> {
    let Some(n) = timeout else { return Ok(None) };
    let ms = crate::seconds::in_units(n, crate::seconds::MILLISECOND);
    if i32::try_from(ms).is_err() {
        raise!(t, OverflowError, "timeout is too large")
    }
    Ok((ms >= 0).then_some(n))
}
