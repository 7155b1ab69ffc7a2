//! Compiles Python files and prints their code, or just checks it: `dump [--check] FILE|DIRECTORY...`

use std::path::{Path, PathBuf};

use limpid_compiler::{Mode, Options, compile};

fn main() {
    let mut check = false;
    let mut failures = 0;
    for argument in std::env::args().skip(1) {
        if argument == "--check" {
            check = true;
            continue;
        }
        for file in files(Path::new(&argument)) {
            failures += usize::from(!run(&file, check));
        }
    }
    if failures > 0 {
        eprintln!("{failures} failed");
        std::process::exit(1);
    }
}

/// The Python files in a directory, or the file itself.
fn files(path: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(path) else {
        return vec![path.to_owned()];
    };
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.is_dir() || path.extension().is_some_and(|extension| extension == "py"))
        .flat_map(|path| files(&path))
        .collect();
    found.sort();
    found
}

fn run(file: &Path, check: bool) -> bool {
    let Ok(source) = std::fs::read_to_string(file) else {
        return true;
    };
    let code = match compile(&source, &file.display().to_string(), Mode::Exec, &Options::default()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{}:{}:{}:{}:{}: {}", file.display(), error.lineno, error.offset, error.end_lineno, error.end_offset, error.message);
            return false;
        }
    };
    if !check {
        print!("{}", limpid_bytecode::disassemble(&code));
    }
    match limpid_bytecode::verify(&code) {
        Ok(()) => true,
        Err(error) => {
            eprintln!("{}: {error}", file.display());
            false
        }
    }
}
