//! `_signal`: signals of the operating system.
//!
//! * [`handlers`]: what a signal's arrival sets off. The system's handler only notes the signal and wakes the main thread through its
//!   eval breaker; the Python handlers run there, between two instructions or when a blocking call was interrupted.
//! * [`sets`]: masks, waiting for signals, sending them; [`timers`]: alarms.

mod handlers;
mod sets;
mod timers;

use crate::constants::{self, constants};
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Ref};
use limpid_vm::raise;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Module, int};

pub(crate) use handlers::forget_pending;
pub(crate) use sets::from_iterable;

/// One more than the highest signal number.
const NSIG: i32 = 65;

/// `_signal`
pub static MODULE: ModuleDef =
    ModuleDef { doc: "This module provides mechanisms to use signal handlers in Python.", init, ..ModuleDef::named("_signal") };

static FUNCTIONS: &[&[FnDef]] = &[handlers::FUNCTIONS, sets::FUNCTIONS, timers::FUNCTIONS];

static SIGNALS: &[(&str, i64)] = constants! {
    SIGHUP SIGINT SIGQUIT SIGILL SIGTRAP SIGABRT SIGIOT SIGBUS SIGFPE SIGKILL SIGUSR1 SIGSEGV SIGUSR2 SIGPIPE SIGALRM SIGTERM SIGSTKFLT
    SIGCHLD SIGCONT SIGSTOP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGXCPU SIGXFSZ SIGVTALRM SIGPROF SIGWINCH SIGIO SIGPOLL SIGPWR SIGSYS
    SIG_BLOCK SIG_UNBLOCK SIG_SETMASK
};

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    FUNCTIONS.iter().flat_map(|list| list.iter()).try_for_each(|f| limpid_vm::modules::add_function(t, m, f))?;
    constants::add(t, m, SIGNALS)?;
    for (name, value) in [
        ("NSIG", NSIG),
        ("SIG_DFL", handlers::DEFAULT as i32),
        ("SIG_IGN", handlers::IGNORE as i32),
        ("SIGCLD", libc::SIGCHLD),
        ("SIGRTMIN", libc::SIGRTMIN()),
        ("SIGRTMAX", libc::SIGRTMAX()),
    ] {
        constants::add_one(t, m, name, value as i64)?;
    }
    handlers::init(t)?;
    sets::init(t, m)?;
    timers::init(t, m)
}

/// The number of a signal, checked.
fn signal_number(t: &Thread, v: Value) -> R<i32> {
    match int::to_i32(t, limpid_vm::protocol::number::index(t, v)?)? {
        n if (1..NSIG).contains(&n) => Ok(n),
        _ => raise!(t, ValueError, "signal number out of range"),
    }
}
