//! `_sre`: compiled regular expressions for the package `re`.
//!
//! * [`pattern`]: patterns, their scanners, and substitution; [`matches`]: matches; [`subject`]: what is searched.
//! * [`code`]: the code that `re._compiler` makes; [`program`]: what it is translated to; [`engine`]: runs that; [`charset`]: tests of one
//!   character; [`search`]: where a match may begin.
//!
//! Invariant: no pattern and no text overflows the native stack, and every search can be interrupted.

mod charset;
mod code;
mod engine;
mod matches;
mod pattern;
mod program;
mod search;
mod subject;

use charset::{Fold, lower_ascii, lower_unicode, upper_unicode};
use code::{CODESIZE, MAGIC, MAXGROUPS, MAXREPEAT, flag};
use limpid_heap::Value;
use limpid_vm::args::FnDef;
use limpid_vm::modules::ModuleDef;
use limpid_vm::object::{R, Ref};
use limpid_vm::protocol::number;
use limpid_vm::thread::Thread;
use limpid_vm::types::{Module, int, type_};

/// `_sre`
pub static MODULE: ModuleDef = ModuleDef {
    functions: &[
        FnDef::def("compile", "pattern, flags, code, groups, groupindex, indexgroup", pattern::compile),
        FnDef::def("template", "pattern, template, /", pattern::template),
        FnDef::def("getcodesize", "", |_, _| Ok(Value::int(CODESIZE as i64))),
        FnDef::def("getlower", "character, flags, /", |t, a| {
            let (c, flags) = (character(t, a[0])?, number::index_i32(t, a[1])? as i64);
            let fold = match flags {
                f if f & flag::LOCALE != 0 => Fold::Locale,
                f if f & flag::UNICODE != 0 => Fold::Unicode,
                _ => Fold::Ascii,
            };
            Ok(Value::int(fold.lower(c) as i64))
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
    for (name, n) in [("MAGIC", MAGIC), ("CODESIZE", CODESIZE), ("MAXREPEAT", MAXREPEAT as usize), ("MAXGROUPS", MAXGROUPS)] {
        dict.set_text(t, name, int::from_usize(t, n))?;
    }
    Ok(())
}
