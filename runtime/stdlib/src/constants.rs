//! Numbers that modules take from the C library under its names.

use limpid_heap::Value;
use limpid_vm::object::{R, Ref};
use limpid_vm::thread::Thread;
use limpid_vm::types::{Module, int};

/// `constants!(A B C)`: the names with the C library's numbers.
macro_rules! constants {
    ($($name:ident)*) => { &[$((stringify!($name), libc::$name as i64)),*] };
}
pub(crate) use constants;

/// Puts numbers in a module.
pub(crate) fn add(t: &Thread, m: Ref<Module>, table: &[(&str, i64)]) -> R<()> {
    table.iter().try_for_each(|(name, value)| m.dict().set_text(t, name, int::from_i64(t, *value)))
}

/// Puts one number in a module.
pub(crate) fn add_one(t: &Thread, m: Ref<Module>, name: &str, value: i64) -> R<()> {
    let value: Value = int::from_i64(t, value);
    m.dict().set_text(t, name, value)
}
