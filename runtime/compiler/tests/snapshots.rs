//! Compiles the programs in `snapshots/` and compares the code with the text beside them.
//!
//! `BLESS=1 cargo test -p limpid-compiler` writes the texts anew.

use std::fs;
use std::path::Path;

use limpid_compiler::{Mode, Options, compile};

#[test]
fn code_is_as_recorded() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    let bless = std::env::var_os("BLESS").is_some();
    let mut differences = Vec::new();
    for entry in fs::read_dir(directory).expect("the snapshots are there") {
        let program = entry.expect("a readable directory").path();
        if program.extension().is_none_or(|extension| extension != "py") {
            continue;
        }
        let source = fs::read_to_string(&program).expect("a readable program");
        let name = program.file_name().expect("a file").to_string_lossy();
        let code = compile(&source, &name, Mode::Exec, &Options::default()).expect("a correct program");
        limpid_bytecode::verify(&code).expect("correct code");
        let text = limpid_bytecode::disassemble(&code);
        let recorded = program.with_extension("txt");
        if bless {
            fs::write(&recorded, &text).expect("a writable directory");
        } else if fs::read_to_string(&recorded).unwrap_or_default() != text {
            differences.push(name.into_owned());
        }
    }
    assert!(differences.is_empty(), "different code: {differences:?}; look at it, then set BLESS=1");
}
