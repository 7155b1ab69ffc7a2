//! `time`: clocks, sleeping, calendar time.
//!
//! * [`clock`]: what the system's clocks show, and waiting; [`calendar`]: `struct_time` and what is made of it.

pub(crate) mod calendar;
mod clock;

use limpid_vm::args::FnDef;
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Ref};
use limpid_vm::thread::Thread;
use limpid_vm::types::Module;

/// `time`
pub static MODULE: ModuleDef =
    ModuleDef { doc: "This module provides various functions to manipulate time values.", init, ..ModuleDef::named("time") };

static FUNCTIONS: &[&[FnDef]] = &[clock::FUNCTIONS, calendar::FUNCTIONS];

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    for f in FUNCTIONS.iter().flat_map(|list| list.iter()) {
        limpid_vm::modules::add_function(t, m, f)?;
    }
    clock::init(t, m)?;
    calendar::init(t, m)
}
