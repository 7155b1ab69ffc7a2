//! The standard library: its Python part, which the binary carries ([`library`]), and the modules that CPython writes in C, one file or
//! folder each.
//!
//! Invariant: `limpid-vm` does not know this crate; the program hands it [`MODULES`] and [`library::LIBRARY`].

pub mod codecs;
pub mod collections;
pub mod errno;
pub mod fs;
pub mod io;
pub mod itertools;
pub mod library;
pub mod marshal;
pub mod posix;
pub mod sre;
pub mod time;

use limpid_vm::modules::ModuleDef;

/// The native modules, in no particular order.
pub static MODULES: &[&ModuleDef] = &[
    &library::native::MODULE,
    &io::MODULE,
    &posix::MODULE,
    &time::MODULE,
    &errno::MODULE,
    &collections::MODULE,
    &itertools::MODULE,
    &sre::MODULE,
    &marshal::MODULE,
    &codecs::MODULE,
];
