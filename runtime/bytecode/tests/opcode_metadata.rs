//! The Python module `_opcode_metadata` says what the instruction table says.
//!
//! `BLESS=1 cargo test -p limpid-bytecode` writes the module anew.

use std::fmt::{Error, Write};

use limpid_bytecode::{OPCODE_COUNT, Opcode};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../stdlib/overlay/_opcode_metadata.py");

/// The specialized forms of an instruction.
fn forms(family: Opcode) -> Vec<Opcode> {
    Opcode::all().filter(|form| form.is_specialized() && form.family() == family).collect()
}

/// What the cache words of an instruction are called: a counter where it adapts or where that is all there is, data otherwise.
fn cache_format(opcode: Opcode) -> Vec<(&'static str, usize)> {
    match opcode.caches() {
        1 => vec![("counter", 1)],
        words if forms(opcode).is_empty() => vec![("data", words)],
        words => vec![("counter", 1), ("data", words - 1)],
    }
}

fn module() -> Result<String, Error> {
    let mut out = String::from(
        "\"\"\"The numbers of the instructions, generated from the table in the crate `limpid-bytecode`.\n\n\
         Its test `opcode_metadata` writes this file: BLESS=1 cargo test -p limpid-bytecode\n\"\"\"\n",
    );
    let base = || Opcode::all().filter(|opcode| !opcode.is_specialized());
    writeln!(out, "\n_specializations = {{")?;
    for family in base().filter(|&family| !forms(family).is_empty()) {
        writeln!(out, "    '{}': [", family.name())?;
        forms(family).into_iter().try_for_each(|form| writeln!(out, "        '{}',", form.name()))?;
        writeln!(out, "    ],")?;
    }
    writeln!(out, "}}\n\n_specialized_opmap = {{")?;
    for form in Opcode::all().filter(|opcode| opcode.is_specialized()) {
        writeln!(out, "    '{}': {},", form.name(), form as u8)?;
    }
    writeln!(out, "}}\n\nopmap = {{")?;
    for opcode in base() {
        writeln!(out, "    '{}': {},", opcode.name(), opcode as u8)?;
    }
    writeln!(out, "}}\n\n# The words that follow an instruction.\n_cache_format = {{")?;
    for opcode in base().filter(|opcode| opcode.caches() > 0) {
        let entries: Vec<_> = cache_format(opcode).into_iter().map(|(name, words)| format!("'{name}': {words}")).collect();
        writeln!(out, "    '{}': {{{}}},", opcode.name(), entries.join(", "))?;
    }
    writeln!(out, "}}\n\n# All instructions have an argument byte, whether they use it or not.\nHAVE_ARGUMENT = 0")?;
    writeln!(out, "# There are none: where execution is watched, another table of handlers is in use.")?;
    writeln!(out, "MIN_INSTRUMENTED_OPCODE = {OPCODE_COUNT}")?;
    Ok(out)
}

#[test]
fn the_module_and_the_table_agree() {
    let expected = module().expect("writing to a String does not fail");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(PATH, &expected).expect("a writable file");
    }
    let found = std::fs::read_to_string(PATH).unwrap_or_default();
    assert!(found == expected, "{PATH} is not what the instruction table says; set BLESS=1 to write it anew");
}
