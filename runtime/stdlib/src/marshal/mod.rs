//! `marshal`: values as bytes, in CPython's format.
//!
//! Code objects are the exception: they hold what `limpid-bytecode` writes for compiled modules, behind CPython's type code and a length.
//! Hence bytes made here that hold no code object are CPython's, and compiled files are this runtime's own.

mod code;
mod read;
mod write;

use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::R;
use limpid_vm::protocol::{call, number, truth};
use limpid_vm::thread::Thread;
use limpid_vm::types::Bytes;
use limpid_vm::types::memory::get_buffer;

/// `marshal`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "This module contains functions that can read and write Python values in\na binary format. The format is specific to Python, but independent of\nmachine architecture issues.",
    functions: &[
        FnDef::def("dump", "value, file, version=5, /, *, allow_code=True", |t, a| {
            let bytes = dumps(t, a[0], a[2], a[3])?;
            call::call_method_text(t, a[1], "write", &[bytes])
        })
        .doc("Write the value on the open file."),
        FnDef::def("dumps", "value, version=5, /, *, allow_code=True", |t, a| dumps(t, a[0], a[1], a[2]))
            .doc("Return the bytes object that would be written to a file by dump(value, file)."),
        FnDef::def("load", "file, /, *, allow_code=True", |t, a| {
            let probe = call::call_method_text(t, a[0], "read", &[Value::int(0)])?;
            read::check_bytes(t, probe)?;
            read::Reader::from_file(t, a[0], allowed(t, a[1])?).top_level()
        })
        .doc("Read one value from the open file and return it."),
        FnDef::def("loads", "bytes, /, *, allow_code=True", |t, a| {
            let buffer = get_buffer(t, a[0])?;
            let bytes = buffer.to_contiguous();
            read::Reader::from_bytes(t, &bytes, allowed(t, a[1])?).top_level()
        })
        .doc("Convert the bytes-like object to a value."),
    ],
    init: |t, m| m.dict().set_text(t, "version", Value::int(VERSION as i64)),
    ..ModuleDef::named("marshal")
};

/// The version of the format that is written unless another is asked for.
const VERSION: i32 = 5;
/// How deep values may be nested.
const MAX_DEPTH: u32 = 2000;

/// Type codes; [`tag::REF`] is or-ed to them.
mod tag {
    /// The value may be referred to later.
    pub const REF: u8 = 0x80;
    pub const NULL: u8 = b'0';
    pub const NONE: u8 = b'N';
    pub const FALSE: u8 = b'F';
    pub const TRUE: u8 = b'T';
    pub const STOP_ITERATION: u8 = b'S';
    pub const ELLIPSIS: u8 = b'.';
    pub const INT: u8 = b'i';
    pub const INT64: u8 = b'I';
    pub const FLOAT: u8 = b'f';
    pub const BINARY_FLOAT: u8 = b'g';
    pub const COMPLEX: u8 = b'x';
    pub const BINARY_COMPLEX: u8 = b'y';
    pub const LONG: u8 = b'l';
    pub const BYTES: u8 = b's';
    pub const INTERNED: u8 = b't';
    pub const BACK: u8 = b'r';
    pub const TUPLE: u8 = b'(';
    pub const SMALL_TUPLE: u8 = b')';
    pub const LIST: u8 = b'[';
    pub const DICT: u8 = b'{';
    pub const CODE: u8 = b'c';
    pub const TEXT: u8 = b'u';
    pub const SET: u8 = b'<';
    pub const FROZENSET: u8 = b'>';
    pub const ASCII: u8 = b'a';
    pub const ASCII_INTERNED: u8 = b'A';
    pub const SHORT_ASCII: u8 = b'z';
    pub const SHORT_ASCII_INTERNED: u8 = b'Z';
    pub const SLICE: u8 = b':';
}

fn allowed(t: &Thread, v: Value) -> R<bool> {
    if v.is_null() { Ok(true) } else { truth::truth(t, v) }
}

fn dumps(t: &Thread, value: Value, version: Value, allow_code: Value) -> R {
    let version = if version.is_null() { VERSION } else { number::index_i32(t, version)? };
    let mut writer = write::Writer::new(t, version, allowed(t, allow_code)?);
    writer.value(value, 0)?;
    Ok(Bytes::from_slice(t, &writer.out)?.value())
}
