//! `_json`: what makes the package `json` fast.

mod encoder;
mod escape;
mod scanner;
mod text;

use limpid_vm::args::FnDef;
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Ref};
use limpid_vm::thread::Thread;
use limpid_vm::types::{Module, type_};

/// `_json`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "json speedups\n",
    functions: &[FnDef::def("scanstring", "pystr, end, strict=True, /", scanner::scanstring)
        .doc("Scan the string s for a JSON string. End is the index of the character in s after the quote that started the JSON string.")],
    init,
    ..ModuleDef::named("_json")
};

/// Known to the encoder, which does not call them.
static ENCODE: FnDef =
    FnDef::def("encode_basestring", "string, /", escape::encode_basestring).doc("Return a JSON representation of a Python string");
static ENCODE_ASCII: FnDef = FnDef::def("encode_basestring_ascii", "string, /", escape::encode_basestring_ascii)
    .doc("Return an ASCII-only JSON representation of a Python string");

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    limpid_vm::modules::add_function(t, m, &ENCODE)?;
    limpid_vm::modules::add_function(t, m, &ENCODE_ASCII)?;
    m.dict().set_text(t, "make_scanner", type_::create_native(t, &scanner::SCANNER_DEF, &scanner::SCANNER)?.value())?;
    m.dict().set_text(t, "make_encoder", type_::create_native(t, &encoder::ENCODER_DEF, &encoder::ENCODER)?.value())
}
