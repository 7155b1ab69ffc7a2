//! `posix`: the operating system's calls behind the module `os`.
//!
//! One file a topic. Every call that may block runs detached from the interpreter ([`Thread::blocking`]) and is repeated when a signal
//! interrupts it, after the signal's handler has run ([`retry`], PEP 475).

mod constants;
mod credentials;
pub(crate) mod descriptors;
mod directories;
mod environment;
mod events;
mod extended;
mod files;
mod paths;
mod process;
mod scandir;
mod scheduling;
mod spawn;
mod stat;
mod terminals;
mod vectors;
mod wait;

use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::exc;
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Raised, Ref};
use limpid_vm::thread::Thread;
use limpid_vm::types::exceptions::{raise_os_error, raise_os_error_with_names};
use limpid_vm::types::{Module, Str, ValueList};
use std::io;

pub(crate) use credentials::id_of;
pub(crate) use descriptors::{file_descriptor, set_inheritable};
pub(crate) use process::fork;

/// `posix`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "Access to the functions of the operating system that the POSIX standard describes.",
    functions: &[],
    init,
    ..ModuleDef::named("posix")
};

/// The functions, by topic.
static FUNCTIONS: &[&[FnDef]] = &[
    credentials::FUNCTIONS,
    descriptors::FUNCTIONS,
    directories::FUNCTIONS,
    environment::FUNCTIONS,
    events::FUNCTIONS,
    extended::FUNCTIONS,
    files::FUNCTIONS,
    paths::FUNCTIONS,
    process::FUNCTIONS,
    scheduling::FUNCTIONS,
    spawn::FUNCTIONS,
    stat::FUNCTIONS,
    terminals::FUNCTIONS,
    vectors::FUNCTIONS,
    wait::FUNCTIONS,
];

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    let dict = m.dict();
    for f in FUNCTIONS.iter().flat_map(|list| list.iter()) {
        limpid_vm::modules::add_function(t, m, f)?;
    }
    scandir::FUNCTIONS.iter().try_for_each(|f| limpid_vm::modules::add_function(t, m, f))?;
    for (name, value) in constants::CONSTANTS {
        dict.set_text(t, name, Value::int(*value))?;
    }
    dict.set_text(t, "error", exc::OSError.value())?;
    dict.set_text(t, "environ", environment::environ(t)?)?;
    // What `os` looks into to know which functions exist and take descriptors.
    let mut have = ValueList::new(t);
    for name in constants::HAVE_FUNCTIONS {
        have.push(t, Str::new(t, name).value());
    }
    dict.set_text(t, "_have_functions", limpid_vm::types::List::from_slice(t, have.as_slice())?.value())?;
    for (name, table) in [
        ("pathconf_names", constants::PATHCONF_NAMES),
        ("confstr_names", constants::CONFSTR_NAMES),
        ("sysconf_names", constants::SYSCONF_NAMES),
    ] {
        let names = limpid_vm::types::Dict::new(t);
        for (key, value) in table {
            names.set_text(t, key, Value::int(*value))?;
        }
        dict.set_text(t, name, names.value())?;
    }
    environment::init(t, m)?;
    events::init(t, m)?;
    extended::init(t, m)?;
    scheduling::init(t, m)?;
    stat::init(t, m)?;
    vectors::init(t, m)?;
    wait::init(t, m)?;
    scandir::init(t, m)?;
    process::init(t, m)
}

/// Runs a system call until no signal interrupts it. Negative results are errors. A signal that arrived before the call is handled before
/// it: it would interrupt nothing any more.
pub(crate) fn retry(t: &Thread, mut call: impl FnMut() -> i64) -> R<io::Result<i64>> {
    loop {
        t.poll()?;
        let result = t.blocking(|| {
            let n = call();
            if n < 0 { Err(io::Error::last_os_error()) } else { Ok(n) }
        });
        match result {
            Err(e) if e.raw_os_error() == Some(libc::EINTR) => {}
            other => return Ok(other),
        }
    }
}

/// The result of a call, or OSError.
pub(crate) fn check(t: &Thread, result: io::Result<i64>) -> R<i64> {
    result.map_err(|e| raise_os_error(t, &e))
}

/// The result of a call about a file, or OSError with its name.
pub(crate) fn check_path(t: &Thread, result: io::Result<i64>, path: Value) -> R<i64> {
    result.map_err(|e| path_error(t, &e, path))
}

/// OSError about a file.
pub(crate) fn path_error(t: &Thread, e: &io::Error, path: Value) -> Raised {
    raise_os_error_with_names(t, e, path, Value::NULL)
}

/// OSError about two files.
pub(crate) fn two_paths_error(t: &Thread, e: &io::Error, from: Value, to: Value) -> Raised {
    raise_os_error_with_names(t, e, from, to)
}
