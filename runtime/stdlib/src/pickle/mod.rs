//! `_pickle`: what makes the module `pickle` fast.

mod buffer;
mod global;
mod input;
mod load;
mod memo;
mod opcode;
mod output;
mod pickler;
mod places;
mod save;
mod unpickler;

use crate::exception_class::{self, ExceptionClass};
use limpid_vm::args::FnDef;
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Ref};
use limpid_vm::root::TypeCell;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Bytes, Module, Str, type_};

/// `pickle.PickleError`
pub static PICKLE_ERROR: TypeCell = TypeCell::new();
/// `pickle.PicklingError`
pub static PICKLING_ERROR: TypeCell = TypeCell::new();
/// `pickle.UnpicklingError`
pub static UNPICKLING_ERROR: TypeCell = TypeCell::new();

const HIGHEST_PROTOCOL: i64 = 5;
const DEFAULT_PROTOCOL: i64 = 5;

/// `_pickle`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "Optimized C implementation for the Python pickle module.",
    functions: &[
        FnDef::def("dump", "obj, file, protocol=None, *, fix_imports=True, buffer_callback=None", pickler::to_file)
            .doc("Write a pickled representation of obj to the open file object file."),
        FnDef::def("dumps", "obj, protocol=None, *, fix_imports=True, buffer_callback=None", |t, a| {
            Ok(Bytes::from_slice(t, &pickler::to_bytes(t, a)?)?.value())
        })
        .doc("Return the pickled representation of the object as a bytes object."),
        FnDef::def("load", "file, *, fix_imports=True, encoding='ASCII', errors='strict', buffers=()", unpickler::load_file)
            .doc("Read and return an object from the pickle data stored in a file."),
        FnDef::def("loads", "data, /, *, fix_imports=True, encoding='ASCII', errors='strict', buffers=()", unpickler::load_bytes)
            .doc("Read and return an object from the given pickle data."),
    ],
    init,
    ..ModuleDef::named("_pickle")
};

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    let base = ExceptionClass { name: "_pickle.PickleError", doc: "", base: || limpid_vm::exc::Exception };
    exception_class::add(t, m, &PICKLE_ERROR, &base)?;
    let pickling = ExceptionClass { name: "_pickle.PicklingError", doc: "", base: || PICKLE_ERROR.get() };
    exception_class::add(t, m, &PICKLING_ERROR, &pickling)?;
    let unpickling = ExceptionClass { name: "_pickle.UnpicklingError", doc: "", base: || PICKLE_ERROR.get() };
    exception_class::add(t, m, &UNPICKLING_ERROR, &unpickling)?;
    type_::create_native(t, &memo::PICKLER_MEMO_DEF, &memo::PICKLER_MEMO)?;
    type_::create_native(t, &memo::UNPICKLER_MEMO_DEF, &memo::UNPICKLER_MEMO)?;
    for (name, def, cell) in [
        ("Pickler", &pickler::PICKLER_DEF, &pickler::PICKLER),
        ("Unpickler", &unpickler::UNPICKLER_DEF, &unpickler::UNPICKLER),
        ("PickleBuffer", &buffer::PICKLE_BUFFER_DEF, &buffer::PICKLE_BUFFER),
    ] {
        m.dict().set_text(t, name, type_::create_native(t, def, cell)?.value())?;
    }
    Ok(())
}

/// Raises one of the module's exceptions.
fn fail<T>(t: &Thread, class: &'static TypeCell, message: &str) -> R<T> {
    Err(t.raise(class.get(), message))
}

/// Appends text in UTF-8, lone surrogates like other characters.
fn push_wtf8(out: &mut Vec<u8>, s: &Str) {
    for c in s.code_points() {
        match c {
            0..0x80 => out.push(c as u8),
            0x80..0x800 => out.extend_from_slice(&[0xC0 | (c >> 6) as u8, 0x80 | (c & 63) as u8]),
            0x800..0x10000 => out.extend_from_slice(&[0xE0 | (c >> 12) as u8, 0x80 | (c >> 6 & 63) as u8, 0x80 | (c & 63) as u8]),
            _ => out.extend_from_slice(&[
                0xF0 | (c >> 18) as u8,
                0x80 | (c >> 12 & 63) as u8,
                0x80 | (c >> 6 & 63) as u8,
                0x80 | (c & 63) as u8,
            ]),
        }
    }
}
