//! Trees without a text compile to the same code.

use std::fs;
use std::path::Path;

use limpid_bytecode::disassemble;
use limpid_compiler::{Mode, Options, TreeSource, compile, compile_tree, parse};

/// Offsets that mean what they mean in a text.
fn positions_of(text: &str) -> TreeSource {
    let mut source = TreeSource::default();
    let (mut line, mut column) = (1, 0);
    for byte in text.bytes().chain([b'\n']) {
        source.add_position(line, column);
        (line, column) = if byte == b'\n' { (line + 1, 0) } else { (line, column + 1) };
    }
    source
}

#[test]
fn trees_compile_as_their_texts_do() {
    // Functions and classes are decorated, t-strings want their text: these differ on purpose.
    for name in ["with", "try", "loops", "match", "annotations", "future", "module"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(name).with_extension("py");
        let text = fs::read_to_string(path).expect("a snapshot");
        let options = Options::default();
        let tree = parse(&text, Mode::Exec, &options, &mut Vec::new()).expect("a correct program");
        let source = positions_of(tree.text());
        let code = compile_tree(tree.program(), &source, "tree", Mode::Exec, &options, &mut Vec::new());
        let code = code.expect("a correct tree");
        let expected = compile(&text, "tree", Mode::Exec, &options).expect("a correct program");
        assert_eq!(disassemble(&code), disassemble(&expected), "{name}");
        assert_eq!(code.linetable, expected.linetable, "{name}");
    }
}

#[test]
fn errors_in_trees_have_places() {
    let tree = parse("x\nreturn\n", Mode::Exec, &Options::default(), &mut Vec::new()).expect("grammatical");
    let mut source = TreeSource::default();
    for _ in tree.text().bytes() {
        source.add_position(7, 3);
    }
    let error = compile_tree(tree.program(), &source, "tree", Mode::Exec, &Options::default(), &mut Vec::new());
    let error = error.expect_err("a return in a module");
    assert_eq!((error.lineno, error.offset, error.text), (7, 4, None));
}

#[test]
fn strings_of_trees_may_have_surrogates() {
    let tree = parse("'\\ud800'\n", Mode::Eval, &Options::default(), &mut Vec::new()).expect("grammatical");
    let limpid_compiler::ast::Mod::Expression(expression) = tree.program() else {
        panic!("an expression was asked for");
    };
    let literal = expression.body.as_string_literal_expr().expect("a string").value.iter().next().expect("one part");
    assert_eq!(tree.string(literal), b"\xED\xA0\x80");
    let mut source = positions_of(tree.text());
    source.set_text(literal.range.start(), b"\xED\xB0\x80");
    let code = compile_tree(tree.program(), &source, "tree", Mode::Eval, &Options::default(), &mut Vec::new());
    let constant = &code.expect("a correct tree").consts[0];
    assert!(matches!(constant, limpid_bytecode::Constant::Str(text) if **text == *b"\xED\xB0\x80"));
}
