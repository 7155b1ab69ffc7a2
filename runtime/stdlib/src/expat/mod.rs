//! `pyexpat`: a parser of XML that calls what handles its events, as Expat does.
//!
//! The input becomes UTF-8 ([`encoding`]) in a bytes object, which is parsed in place: names and text are slices of it until a handler
//! gets them as Python strings, and names are made only once ([`names`]). What is no whole token yet waits for the next call of `Parse`.
//! [`run`] leads through the parts of a document; [`prolog`], [`declarations`], [`content`] and [`attributes`] parse them.
//!
//! Invariant: while a thread parses, it owns the [`core::Core`]; handlers see and change what is in the [`object::Parser`] only.

mod attributes;
mod codes;
mod content;
mod core;
mod declarations;
mod dtd;
mod encoding;
mod names;
mod namespaces;
pub mod object;
mod prolog;
mod reader;
mod run;
mod scan;

use self::core::{Core, ParameterParsing};
use crate::constants;
use crate::exception_class::{self, ExceptionClass};
use codes::CODES;
use declarations::model;
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Ref, ValueExt};
use limpid_vm::protocol::number;
use limpid_vm::root::TypeCell;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Dict, List, Module, Str, Tuple, int, type_};
use limpid_vm::{exc, raise};
use object::{PARSER, PARSER_DEF, Parser};

/// `pyexpat.ExpatError`
pub static ERROR: TypeCell = TypeCell::new();

/// The version of Expat that this behaves like.
const VERSION: [i64; 3] = [2, 7, 3];

/// `pyexpat`
pub static MODULE: ModuleDef = ModuleDef {
    doc: "Python wrapper for Expat parser.",
    functions: &[
        FnDef::def("ParserCreate", "encoding=None, namespace_separator=None, intern=<unrepresentable>", create)
            .doc("Return a new XML parser object."),
        FnDef::def("ErrorString", "code, /", |t, a| {
            Ok(match codes::text(int::to_i64(t, number::index(t, a[0])?)?) {
                Some(text) => Str::new(t, text).value(),
                None => Value::NONE,
            })
        })
        .doc("Returns string error for given number."),
    ],
    init,
    ..ModuleDef::named("pyexpat")
};

/// An argument that is a str or None.
fn optional_text(t: &Thread, v: Value, name: &str) -> R<Option<String>> {
    if v.is_null() || v.is_none() {
        return Ok(None);
    }
    match v.downcast::<Str>() {
        Some(s) => Ok(Some(s.to_string_lossy().into_owned())),
        None => raise!(t, TypeError, "ParserCreate() argument '{name}' must be str or None, not {}", v.class().display_name()),
    }
}

/// `pyexpat.ParserCreate`
fn create(t: &Thread, a: &[Value]) -> R {
    let encoding = optional_text(t, a[0], "encoding")?;
    let separator = optional_text(t, a[1], "namespace_separator")?;
    if separator.as_ref().is_some_and(|s| s.chars().count() > 1) {
        raise!(t, ValueError, "namespace_separator must be at most one character, omitted, or None")
    }
    let intern = match a[2] {
        v if v.is_null() => Dict::new(t).value(),
        v if v.is_none() || v.downcast::<Dict>().is_some() => v,
        _ => raise!(t, TypeError, "intern must be a dictionary"),
    };
    let core = Core::of_document(encoding, separator.map(|s| s.chars().next()));
    Ok(Parser::create(t, core, intern).value())
}

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    let error = ExceptionClass { name: "xml.parsers.expat.ExpatError", doc: "", base: || exc::Exception };
    exception_class::add(t, m, &ERROR, &error)?;
    m.dict().set_text(t, "error", ERROR.get().value())?;
    m.dict().set_text(t, "XMLParserType", type_::create_native(t, &PARSER_DEF, &PARSER)?.value())?;
    let [major, minor, micro] = VERSION;
    m.dict().set_text(t, "EXPAT_VERSION", Str::new(t, &format!("expat_{major}.{minor}.{micro}")).value())?;
    m.dict().set_text(t, "version_info", Tuple::from_slice(t, &VERSION.map(|n| int::from_i64(t, n))).value())?;
    m.dict().set_text(t, "native_encoding", Str::new(t, "UTF-8").value())?;
    let features = List::new(t);
    for (name, value) in [("sizeof(XML_Char)", 1), ("sizeof(XML_LChar)", 1), ("XML_DTD", 0), ("XML_NS", 0)] {
        features.append(t, Tuple::from_slice(t, &[Str::new(t, name).value(), Value::int(value)]).value())?;
    }
    m.dict().set_text(t, "features", features.value())?;
    constants::add(
        t,
        m,
        &[
            ("XML_PARAM_ENTITY_PARSING_NEVER", ParameterParsing::Never as i64),
            ("XML_PARAM_ENTITY_PARSING_UNLESS_STANDALONE", ParameterParsing::UnlessStandalone as i64),
            ("XML_PARAM_ENTITY_PARSING_ALWAYS", ParameterParsing::Always as i64),
        ],
    )?;
    let errors = submodule(t, m, "errors", "Constants used to describe error conditions.")?;
    let (codes, messages) = (Dict::new(t), Dict::new(t));
    for (name, code, text) in CODES {
        let (code, text) = (int::from_i64(t, (*code).into()), Str::new(t, text).value());
        errors.dict().set_text(t, name, text)?;
        codes.set_item(t, text, code)?;
        messages.set_item(t, code, text)?;
    }
    errors.dict().set_text(t, "codes", codes.value())?;
    errors.dict().set_text(t, "messages", messages.value())?;
    let content = submodule(t, m, "model", "Constants used to interpret content model information.")?;
    constants::add(
        t,
        content,
        &[
            ("XML_CTYPE_EMPTY", model::EMPTY.into()),
            ("XML_CTYPE_ANY", model::ANY.into()),
            ("XML_CTYPE_MIXED", model::MIXED.into()),
            ("XML_CTYPE_NAME", model::NAME.into()),
            ("XML_CTYPE_CHOICE", model::CHOICE.into()),
            ("XML_CTYPE_SEQ", model::SEQUENCE.into()),
            ("XML_CQUANT_NONE", model::ONCE.into()),
            ("XML_CQUANT_OPT", model::OPTIONAL.into()),
            ("XML_CQUANT_REP", model::REPEATED.into()),
            ("XML_CQUANT_PLUS", model::AT_LEAST_ONCE.into()),
        ],
    )
}

/// A module within the module, which can be imported as well.
fn submodule(t: &Thread, m: Ref<Module>, name: &str, doc: &str) -> R<Ref<Module>> {
    let full = Str::new(t, &format!("pyexpat.{name}")).value();
    let made = Module::new(t, full)?;
    made.dict().set_text(t, "__doc__", Str::new(t, doc).value())?;
    limpid_vm::runtime::modules(t).set_item(t, full, made.value())?;
    m.dict().set_text(t, name, made.value())?;
    Ok(made)
}
