//! Compiles the whole standard library and checks the promises that the interpreter relies on.

use std::fs;
use std::path::{Path, PathBuf};

use limpid_bytecode::{CodeData, CommonConstant, Constant, Opcode, decode, verify};
use limpid_compiler::{Mode, Options, compile};

/// The Python files below a directory.
fn programs(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            programs(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "py") {
            found.push(path);
        }
    }
}

#[test]
fn the_library_compiles_to_correct_code() {
    let mut found = Vec::new();
    programs(Path::new(rustpython_pylib::LIB_PATH), &mut found);
    assert!(found.len() > 500, "the library is there");
    for path in found {
        let source = fs::read_to_string(&path).expect("UTF-8");
        for optimize in [0, 2] {
            let options = Options { optimize, ..Options::default() };
            let code = compile(&source, &path.display().to_string(), Mode::Exec, &options)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            verify(&code).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            check(&code, optimize);
        }
    }
}

/// What [`verify`] does not look at.
fn check(code: &CodeData, optimize: u8) {
    for instruction in decode(&code.instructions) {
        let instruction = instruction.expect("verified");
        assert!(!instruction.opcode.is_specialized(), "{:?} is the interpreter's", instruction.opcode);
        let asserts = instruction.opcode == Opcode::LOAD_COMMON_CONSTANT && instruction.oparg == CommonConstant::AssertionError as u32;
        assert!(optimize == 0 || !asserts, "an assertion is left in {}", code.qualname);
    }
    let mut names: Vec<&String> = code.names.iter().collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), code.names.len(), "names occur once in {}", code.qualname);
    for constant in &code.consts {
        if let Constant::Code(inner) = constant {
            check(inner, optimize);
        }
    }
}
