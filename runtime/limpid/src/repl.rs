//! The prompt.

use crate::config::Config;
use limpid_vm::object::R;
use limpid_vm::thread::Thread;
use std::io::IsTerminal;

/// Does somebody type the standard input?
pub fn is_terminal(_: &Thread) -> bool {
    std::io::stdin().is_terminal()
}

/// Runs it until the end of the input.
pub fn run(_: &Thread, _: &Config) -> R<i32> {
    Ok(0)
}
