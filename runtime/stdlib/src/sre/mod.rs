//! `_sre`: compiled regular expressions for the package `re`, on the engine of the crate `rustpython-sre-engine`.
//!
//! * [`pattern`]: patterns, their scanners, and substitution; [`matches`]: matches; [`subject`]: what is searched.
//!
//! The code of a pattern comes from `re._compiler` and is trusted.

mod matches;
mod pattern;
mod subject;

use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Ref};
use limpid_vm::protocol::number;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Module, int, type_};
use rustpython_sre_engine::string::{lower_ascii, lower_unicode, upper_unicode};
use rustpython_sre_engine::{CODESIZE, MAXGROUPS, MAXREPEAT, SRE_MAGIC, SreFlag};

/// `_sre`
pub static MODULE: ModuleDef = ModuleDef {
    functions: &[
        FnDef::def("compile", "pattern, flags, code, groups, groupindex, indexgroup", pattern::compile),
        FnDef::def("template", "pattern, template, /", pattern::template),
        FnDef::def("getcodesize", "", |_, _| Ok(Value::int(CODESIZE as i64))),
        FnDef::def("getlower", "character, flags, /", |t, a| {
            let (c, flags) = (character(t, a[0])?, number::index_i32(t, a[1])?);
            let unicode = flags & SreFlag::UNICODE.bits() as i32 != 0;
            Ok(Value::int(if unicode { lower_unicode(c) } else { lower_ascii(c) } as i64))
        }),
        FnDef::def("unicode_iscased", "character, /", |t, a| {
            let c = character(t, a[0])?;
            Ok(Value::bool(c != lower_unicode(c) || c != upper_unicode(c)))
        }),
        FnDef::def("unicode_tolower", "character, /", |t, a| Ok(Value::int(lower_unicode(character(t, a[0])?) as i64))),
        FnDef::def("ascii_iscased", "character, /", |t, a| {
            let c = character(t, a[0])?;
            Ok(Value::bool(c < 128 && (c as u8).is_ascii_alphabetic()))
        }),
        FnDef::def("ascii_tolower", "character, /", |t, a| Ok(Value::int(lower_ascii(character(t, a[0])?) as i64))),
    ],
    init,
    ..ModuleDef::named("_sre")
};

fn character(t: &Thread, v: Value) -> R<u32> {
    Ok(number::index_i32(t, v)? as u32)
}

fn init(t: &Thread, m: Ref<Module>) -> R<()> {
    let dict = m.dict();
    for (cell, def) in [
        (&pattern::PATTERN, &pattern::PATTERN_DEF),
        (&pattern::TEMPLATE, &pattern::TEMPLATE_DEF),
        (&pattern::SCANNER, &pattern::SCANNER_DEF),
        (&matches::MATCH, &matches::MATCH_DEF),
    ] {
        type_::create_native(t, def, cell)?;
    }
    for (name, n) in [("MAGIC", SRE_MAGIC), ("CODESIZE", CODESIZE), ("MAXREPEAT", MAXREPEAT), ("MAXGROUPS", MAXGROUPS)] {
        dict.set_text(t, name, int::from_usize(t, n))?;
    }
    Ok(())
}
