//! Compiles programs with a mistake and compares what is reported with what CPython 3.14 says.
//!
//! The files in `syntax_errors/` hold cases:
//!
//! ```text
//! === exec
//! if a
//!   pass
//! --- SyntaxError 1:5-1:6 expected ':'
//! ```
//!
//! The first line tells the mode; `repl` is a single statement that may go on. `BLESS=1 cargo test -p limpid-compiler` writes the last
//! lines anew.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use limpid_compiler::parse_errors::{Reading, syntax_error};
use limpid_compiler::{Mode, Options, SyntaxErrorKind, compile};

struct Case<'a> {
    mode: &'a str,
    source: &'a str,
    expected: &'a str,
}

fn cases(text: &str) -> impl Iterator<Item = Case<'_>> {
    text.trim_start_matches("=== ").split("\n=== ").map(|case| {
        let (mode, rest) = case.split_once('\n').expect("a line with the mode");
        let (source, expected) = rest.rsplit_once("\n--- ").expect("a line that tells what is expected");
        Case { mode, source, expected: expected.trim_end() }
    })
}

fn reported(case: &Case) -> String {
    let (mode, may_go_on) = match case.mode {
        "exec" => (Mode::Exec, false),
        "single" => (Mode::Single, false),
        "repl" => (Mode::Single, true),
        "eval" => (Mode::Eval, false),
        mode => panic!("no such mode: {mode}"),
    };
    let options = Options { dont_imply_dedent: may_go_on, allow_incomplete_input: may_go_on, ..Options::default() };
    let Err(error) = compile(case.source, "<test>", mode, &options) else { return "accepted".into() };
    let class = match error.kind {
        SyntaxErrorKind::Syntax => "SyntaxError",
        SyntaxErrorKind::Indentation => "IndentationError",
        SyntaxErrorKind::Tab => "TabError",
        SyntaxErrorKind::Incomplete => "_IncompleteInputError",
        SyntaxErrorKind::Recursion => "RecursionError",
        SyntaxErrorKind::Memory => "MemoryError",
    };
    let place = format!("{}:{}-{}:{}", error.lineno, error.offset, error.end_lineno, error.end_offset);
    format!("{class} {place} {}", error.message)
}

#[test]
fn mistakes_are_reported_as_cpython_does() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/syntax_errors");
    let bless = std::env::var_os("BLESS").is_some();
    let mut differences = String::new();
    for entry in fs::read_dir(directory).expect("the cases are there") {
        let file = entry.expect("a readable directory").path();
        let text = fs::read_to_string(&file).expect("a readable file");
        let mut blessed = String::new();
        for case in cases(&text) {
            let Case { mode, source, expected } = case;
            let reported = reported(&case);
            writeln!(blessed, "=== {mode}\n{source}\n--- {reported}").expect("a String takes anything");
            if reported != expected {
                writeln!(differences, "{source}\n    expected {expected}\n    reported {reported}").expect("a String takes anything");
            }
        }
        if bless {
            fs::write(&file, blessed).expect("a writable directory");
        }
    }
    assert!(bless || differences.is_empty(), "{differences}");
}

#[test]
fn suggestions_learn_where_to_look() {
    let source = "def f():\n  pass\n\nif a:\n  pass\nelseif b:\n  pass\n";
    let error = compile(source, "<test>", Mode::Exec, &Options::default()).expect_err("a mistake");
    let metadata = error.metadata.expect("the grammar refuses it");
    assert_eq!((metadata.lineno, metadata.column, metadata.source.as_str()), (4, 0, source));
}

/// What the compiler accepts the grammar that explains errors must accept, too.
#[test]
fn correct_programs_have_no_error() {
    let mut folders = vec![Path::new(rustpython_pylib::LIB_PATH).to_owned()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the library is there") {
            let path = entry.expect("a readable directory").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "py") {
                let source = fs::read_to_string(&path).expect("a readable file");
                let source = source.replace("\r\n", "\n");
                assert_eq!(syntax_error(&source, Reading::default()), None, "{}", path.display());
                files += 1;
            }
        }
    }
    assert!(files > 500);
}
