//! The standard library: its Python part, which the binary carries ([`library`]), and the modules that CPython writes in C, one file or
//! folder each.
//!
//! Invariant: `limpid-vm` does not know this crate; the program hands it [`MODULES`] and [`library::LIBRARY`].

pub mod abc;
pub mod accounts;
mod arguments;
pub mod array;
pub mod ast;
pub mod asyncio;
pub mod atexit;
pub mod binascii;
pub mod bisect;
pub mod bz2;
pub mod cmath;
mod codec_stream;
pub mod codecs;
pub mod collections;
mod constants;
pub mod csv;
pub mod datetime;
pub mod decimal;
pub mod errno;
pub mod exception_class;
pub mod expat;
pub mod faulthandler;
pub mod fcntl;
pub mod fs;
pub mod functools;
pub mod gc;
pub mod hash;
pub mod heapq;
pub mod interpreters;
pub mod io;
pub mod itertools;
pub mod json;
pub mod library;
pub mod locale;
pub mod lzma;
pub mod marshal;
pub mod math;
pub mod mmap;
pub mod opcode;
pub mod operator;
pub mod owned;
pub mod pickle;
pub mod posix;
pub mod queue;
pub mod random;
pub mod resource;
mod seconds;
pub mod select;
pub mod semaphore;
pub mod shared_memory;
pub mod signal;
pub mod socket;
pub mod sqlite;
pub mod sre;
pub mod stat;
pub mod statistics;
pub mod string;
pub mod struct_;
pub mod subprocess;
pub mod symtable;
pub mod syslog;
pub mod termios;
pub mod testing;
pub mod time;
pub mod tokenize;
pub mod typing;
pub mod unicodedata;
pub mod uuid;
pub mod zlib;

use limpid_vm::modules::ModuleDef;
use limpid_vm::names;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::attr;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Str, Type};

/// The native modules, in no particular order.
pub static MODULES: &[&ModuleDef] = &[
    &library::native::MODULE,
    &io::MODULE,
    &posix::MODULE,
    &time::MODULE,
    &errno::MODULE,
    &math::MODULE,
    &struct_::MODULE,
    &binascii::MODULE,
    &zlib::MODULE,
    &expat::MODULE,
    &bz2::MODULE,
    &lzma::MODULE,
    &sqlite::MODULE,
    &json::MODULE,
    &array::MODULE,
    &pickle::MODULE,
    &unicodedata::MODULE,
    &csv::MODULE,
    &datetime::MODULE,
    &datetime::zone_info::MODULE,
    &decimal::MODULE,
    &cmath::MODULE,
    &statistics::MODULE,
    &hash::MD5,
    &hash::SHA1,
    &hash::SHA2,
    &hash::SHA3,
    &hash::BLAKE2,
    &hash::HASHLIB,
    &hash::HMAC,
    &uuid::MODULE,
    &collections::MODULE,
    &abc::MODULE,
    &ast::MODULE,
    &asyncio::MODULE,
    &atexit::MODULE,
    &string::MODULE,
    &tokenize::MODULE,
    &typing::MODULE,
    &gc::MODULE,
    &bisect::MODULE,
    &heapq::MODULE,
    &queue::MODULE,
    &random::MODULE,
    &locale::MODULE,
    &stat::MODULE,
    &interpreters::MODULE,
    &itertools::MODULE,
    &functools::MODULE,
    &opcode::MODULE,
    &operator::MODULE,
    &sre::MODULE,
    &marshal::MODULE,
    &codecs::MODULE,
    &signal::MODULE,
    &select::MODULE,
    &subprocess::MODULE,
    &socket::MODULE,
    &fcntl::MODULE,
    &accounts::PWD,
    &accounts::GRP,
    &resource::MODULE,
    &termios::MODULE,
    &symtable::MODULE,
    &syslog::MODULE,
    &shared_memory::MODULE,
    &semaphore::MODULE,
    &mmap::MODULE,
    &faulthandler::MODULE,
    &testing::INTERNAL,
    &testing::LIMITED,
    &testing::MULTIPHASE,
    &testing::capi::MODULE,
];

/// A class's name as reprs of its instances show it: with the module, unless that is builtins or the program's own.
fn qualified_name(t: &Thread, class: Ref<Type>) -> R<String> {
    let text = |v: limpid_heap::Value| v.downcast::<Str>().map(|s| s.to_string_lossy().into_owned());
    let name = text(class.qualname.get()).unwrap_or_default();
    let module = attr::get_attr_opt(t, class.value(), names::__module__)?.and_then(text);
    Ok(match module.as_deref() {
        None | Some("builtins" | "__main__") => name,
        Some(module) => format!("{module}.{name}"),
    })
}
