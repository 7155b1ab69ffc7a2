//! The program `limpid`.
//!
//! It has a `main` as C knows it, because Rust's own opens `/dev/null` in place of standard streams that are closed, which a Python
//! program is to find closed.

#![no_main]

use std::ffi::{c_char, c_int};

/// Where the process starts.
#[unsafe(no_mangle)]
extern "C" fn main(_: c_int, _: *const *const c_char) -> c_int {
    // SAFETY: there is one thread only. A write to a closed pipe, or beyond the longest file allowed, is an error to report, not the end.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
    }
    let status = limpid::main(std::env::args_os().collect());
    std::process::exit(status)
}
