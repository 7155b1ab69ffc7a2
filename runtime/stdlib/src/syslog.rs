//! `syslog`: messages for the system's log.

use crate::constants::{self, constants};
use crate::fs;
use limpid_heap::Value;
use limpid_vm::args::{Args, FnDef};
use limpid_vm::modules::{ModuleDef, sys};
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::number;
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::{List, Module, Str};
use parking_lot::Mutex;
use std::ffi::CString;

/// `syslog`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "Messages for the system's log.",
    functions: &[
        FnDef::def("openlog", "ident=None, logoption=0, facility=LOG_USER", |t, a| {
            let number = |v: Value, default| if v.is_null() { Ok(default) } else { number::index_i32(t, v) };
            open(t, a[0], number(a[1], 0)?, number(a[2], libc::LOG_USER)?)?;
            Ok(Value::NONE)
        })
        .doc("Set logging options of subsequent syslog() calls."),
        FnDef::raw("syslog", "*args", log).doc("Send the string message to the system logger."),
        FnDef::def("closelog", "", |t, _| {
            sys::audit(t, "syslog.closelog", &[])?;
            let mut ident = IDENT.lock();
            if ident.is_open {
                // SAFETY: the name that the C library has kept is given up after it was told.
                t.blocking(|| unsafe { libc::closelog() });
                *ident = Ident { is_open: false, _name: None };
            }
            Ok(Value::NONE)
        })
        .doc("Reset the syslog module values and call the system library closelog()."),
        FnDef::def("setlogmask", "maskpri, /", |t, a| {
            let mask = number::index_i32(t, a[0])?;
            sys::audit(t, "syslog.setlogmask", a)?;
            // SAFETY: always succeeds.
            Ok(Value::int(unsafe { libc::setlogmask(mask) } as i64))
        })
        .doc("Set the priority mask to maskpri and return the previous mask value."),
        FnDef::def("LOG_MASK", "pri, /", |t, a| Ok(Value::int(1i64.wrapping_shl(number::index_i32(t, a[0])? as u32))))
            .doc("Calculates the mask for the individual priority pri."),
        FnDef::def("LOG_UPTO", "pri, /", |t, a| {
            Ok(Value::int(((1i64 << (number::index_i32(t, a[0])?.clamp(0, 30) + 1)) - 1) as i32 as i64))
        })
        .doc("Calculates the mask for all priorities up to and including pri."),
    ],
    init: |t: &Thread, m: Ref<Module>| {
        constants::add(
            t,
            m,
            constants! {
                LOG_EMERG LOG_ALERT LOG_CRIT LOG_ERR LOG_WARNING LOG_NOTICE LOG_INFO LOG_DEBUG LOG_PID LOG_CONS LOG_NDELAY LOG_ODELAY
                LOG_NOWAIT LOG_PERROR LOG_KERN LOG_USER LOG_MAIL LOG_DAEMON LOG_AUTH LOG_AUTHPRIV LOG_SYSLOG LOG_LPR LOG_NEWS LOG_UUCP
                LOG_CRON LOG_FTP LOG_LOCAL0 LOG_LOCAL1 LOG_LOCAL2 LOG_LOCAL3 LOG_LOCAL4 LOG_LOCAL5 LOG_LOCAL6 LOG_LOCAL7
            },
        )
    },
    ..ModuleDef::named("syslog")
};

/// The name of the program in the log: the C library keeps a pointer to it.
struct Ident {
    is_open: bool,
    _name: Option<CString>,
}

static IDENT: Mutex<Ident> = Mutex::new(Ident { is_open: false, _name: None });

/// The name of the program's file, for the log.
fn default_name(t: &Thread) -> R<Option<CString>> {
    let argv = limpid_vm::modules::sys_attribute(t, "argv")?.and_then(|v| v.downcast::<List>());
    let first = argv.and_then(|argv| argv.snapshot(t).iter().next()).and_then(|v| v.downcast::<Str>());
    let Some(script) = first else { return Ok(None) };
    let bytes = fs::encode(t, script)?;
    let name = bytes.rsplit(|b| *b == b'/').next().unwrap_or_default();
    Ok(CString::new(name).ok().filter(|n| !n.is_empty()))
}

fn open(t: &Thread, ident: Value, options: i32, facility: i32) -> R<()> {
    let name = match ident {
        v if v.is_null() || v.is_none() => default_name(t)?,
        v => match v.downcast::<Str>() {
            Some(s) => match CString::new(fs::encode(t, s)?) {
                Ok(name) => Some(name),
                Err(_) => raise!(t, ValueError, "embedded null character"),
            },
            None => raise!(t, TypeError, "openlog() argument 1 must be str or None, not {}", v.class().display_name()),
        },
    };
    let shown = if ident.is_null() { Value::NONE } else { ident };
    sys::audit(t, "syslog.openlog", &[shown, Value::int(options as i64), Value::int(facility as i64)])?;
    let mut kept = IDENT.lock();
    // SAFETY: the C library keeps the pointer, which stays valid until it is told another one.
    unsafe { libc::openlog(name.as_ref().map_or(std::ptr::null(), |n| n.as_ptr()), options, facility) };
    *kept = Ident { is_open: true, _name: name };
    Ok(())
}

fn log(t: &Thread, args: Args<'_>) -> R {
    args.no_keywords(t, "syslog")?;
    let (priority, message) = match args.pos() {
        [message] => (libc::LOG_INFO, *message),
        [priority, message] => (number::index_i32(t, *priority)?, *message),
        _ => raise!(t, TypeError, "syslog.syslog requires 1 to 2 arguments"),
    };
    let Some(text) = message.downcast::<Str>() else {
        raise!(t, TypeError, "syslog() argument must be str, not {}", message.class().display_name())
    };
    let Ok(text) = CString::new(fs::encode(t, text)?) else { raise!(t, ValueError, "embedded null character") };
    sys::audit(t, "syslog.syslog", &[Value::int(priority as i64), message])?;
    if !IDENT.lock().is_open {
        open(t, Value::NULL, 0, libc::LOG_USER)?;
    }
    // SAFETY: a format for one string, and the string.
    t.blocking(|| unsafe { libc::syslog(priority, c"%s".as_ptr(), text.as_ptr()) });
    Ok(Value::NONE)
}
