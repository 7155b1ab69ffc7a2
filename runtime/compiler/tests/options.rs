//! What the options change, what is warned about, and what is too deep.

use limpid_bytecode::{CodeData, CodeFlags, disassemble, verify};
use limpid_compiler::{Mode, Options, SyntaxErrorKind, compile, compile_with_warnings};

fn code(source: &str, mode: Mode, options: Options) -> CodeData {
    let code = compile(source, "<test>", mode, &options).unwrap_or_else(|error| panic!("{source}: {error}"));
    verify(&code).unwrap_or_else(|error| panic!("{source}: {error}"));
    code
}

fn text(source: &str, mode: Mode, options: Options) -> String {
    disassemble(&code(source, mode, options))
}

#[test]
fn optimization_removes_assertions_and_docstrings() {
    let source = "'doc'\ndef f():\n  'inner'\n  assert x\n  if __debug__: print()\n";
    let of = |optimize| text(source, Mode::Exec, Options { optimize, ..Options::default() });
    let has = |optimize, what: &str| of(optimize).contains(what);
    assert!(has(0, "AssertionError") && has(0, "print") && has(0, "'doc'") && has(0, "docstring"));
    assert!(!has(1, "AssertionError") && !has(1, "LOAD_GLOBAL print") && has(1, "'doc'") && has(1, "docstring"));
    assert!(!has(2, "'doc'") && !has(2, "docstring"));
}

#[test]
fn futures_come_from_the_program_or_from_outside() {
    let flags = |source: &str, options| code(source, Mode::Exec, options).flags;
    let outside = Options { future_annotations: true, ..Options::default() };
    assert!(flags("x: int\n", outside).has(CodeFlags::FUTURE_ANNOTATIONS));
    assert!(!flags("x: int\n", Options::default()).has(CodeFlags::FUTURE_ANNOTATIONS));
    let inside = "'doc'\nfrom __future__ import division, annotations\nx: int\n";
    assert!(flags(inside, Options::default()).has(CodeFlags::FUTURE_ANNOTATIONS));
    assert!(text(inside, Mode::Exec, Options::default()).contains("'int'"));
}

#[test]
fn await_may_be_allowed_outside_of_functions() {
    let options = Options { allow_top_level_await: true, ..Options::default() };
    for source in ["await x\n", "async with x: pass\n", "async for x in y: pass\n", "[x async for x in y]\n"] {
        assert!(code(source, Mode::Exec, options).flags.has(CodeFlags::COROUTINE), "{source}");
        assert!(compile(source, "<test>", Mode::Exec, &Options::default()).is_err(), "{source}");
    }
    assert!(!code("x\n", Mode::Exec, options).flags.has(CodeFlags::COROUTINE));
}

#[test]
fn modes_differ_in_what_they_do_with_values() {
    assert!(text("x + y", Mode::Eval, Options::default()).ends_with("BINARY_OP +\n           RETURN_VALUE\n"));
    assert!(text("x\n", Mode::Single, Options::default()).contains("INTRINSIC_PRINT"));
    assert!(text("'doc'\n", Mode::Single, Options::default()).contains("INTRINSIC_PRINT"));
    assert!(!text("x\n", Mode::Exec, Options::default()).contains("INTRINSIC_PRINT"));
}

#[test]
fn line_ends_of_other_systems_are_translated() {
    let unix = code("x = '''a\nb'''\ny\n", Mode::Exec, Options::default());
    for other in ["x = '''a\r\nb'''\r\ny\r\n", "x = '''a\rb'''\ry\r"] {
        let other = code(other, Mode::Exec, Options::default());
        assert_eq!((disassemble(&unix), &unix.linetable), (disassemble(&other), &other.linetable));
    }
}

#[test]
fn doubtful_programs_are_warned_about() {
    for (source, expected) in [
        ("x is 1", "1:1 \"is\" with 'int' literal. Did you mean \"==\"?"),
        ("'a' is not x", "1:1 \"is not\" with 'str' literal. Did you mean \"!=\"?"),
        ("x is ()", "1:1 \"is\" with 'tuple' literal. Did you mean \"==\"?"),
        ("assert (x, 'y')", "1:1 assertion is always true, perhaps remove parentheses?"),
        ("'a' (b)", "1:1 'str' object is not callable; perhaps you missed a comma?"),
        ("[1, 2] [3, 4]", "1:1 list indices must be integers or slices, not tuple; perhaps you missed a comma?"),
        ("{1} [0]", "1:1 'set' object is not subscriptable; perhaps you missed a comma?"),
        ("def f():\n  try: pass\n  finally: return", "3:12 'return' in a 'finally' block"),
        ("while x:\n  try: pass\n  finally: break", "3:12 'break' in a 'finally' block"),
        ("while x:\n  try: pass\n  finally: continue", "3:12 'continue' in a 'finally' block"),
        ("x = '\\d'", "1:6 \"\\d\" is an invalid escape sequence."),
        ("x = 1if y else z", "1:5 invalid decimal literal"),
    ] {
        let mut warnings = Vec::new();
        compile_with_warnings(source, "<test>", Mode::Exec, &Options::default(), &mut warnings).expect("legal");
        let [warning] = &warnings[..] else {
            panic!("{source}: {warnings:?}");
        };
        let message = warning.message.split(" Such sequences").next().expect("some text");
        assert_eq!(format!("{}:{} {message}", warning.lineno, warning.offset), expected);
    }
    for source in [
        "x is None; x is True; x is ...; x is [1]",
        "assert ()",
        "f(1)[0]; 'a'[0]; (1, 2)[True]; [1][x]",
        "def f():\n  try: pass\n  finally:\n    def g(): return\n    for x in y: break",
        "r'\\d'; '\\n\\x41\\u0041'",
    ] {
        let mut warnings = Vec::new();
        compile_with_warnings(source, "<test>", Mode::Exec, &Options::default(), &mut warnings).expect("legal");
        assert_eq!(warnings, [], "{source}");
    }
}

#[test]
fn nesting_ends_in_an_error() {
    const DEEP: usize = 100_000;
    let kind = |source: &str| compile(source, "<test>", Mode::Exec, &Options::default()).expect_err("too deep").kind;
    for source in [format!("{}{}", "(".repeat(DEEP), ")".repeat(DEEP)), "f(".repeat(DEEP), "{1: ".repeat(DEEP)] {
        assert_eq!(kind(&source), SyntaxErrorKind::Syntax);
    }
    for operator in ["-", "not ", "lambda: ", "1 if 1 else ", "1 ** ", "x = lambda a=1: "] {
        let kind = kind(&format!("{}1", operator.repeat(DEEP)));
        assert!(matches!(kind, SyntaxErrorKind::Memory | SyntaxErrorKind::Syntax), "{operator}: {kind:?}");
    }
    for postfix in [".b", "()", "[0]", "*a", "+a"] {
        assert_eq!(kind(&format!("a{}", postfix.repeat(DEEP))), SyntaxErrorKind::Recursion, "{postfix}");
    }
    // Each clause doubles the code of those within.
    let clauses = |header: &str, count: usize, indent: usize| -> String {
        let clause = |level: usize| {
            let blanks = " ".repeat(level * indent);
            header.lines().map(|line| format!("{blanks}{line}\n")).collect::<String>()
        };
        (0..count).map(clause).collect::<String>() + &" ".repeat(count * indent) + "pass\n"
    };
    assert_eq!(kind(&clauses("try: pass\nfinally:", 60, 1)), SyntaxErrorKind::Recursion);
    assert_eq!(kind(&clauses("try: pass\nfinally:\n def f():", 45, 2)), SyntaxErrorKind::Recursion);
    let blocks: String = (0..101).map(|level| format!("{}if x:\n", " ".repeat(level))).collect();
    assert_eq!(kind(&(blocks + &" ".repeat(101) + "pass\n")), SyntaxErrorKind::Indentation);
}

#[test]
fn long_programs_are_not_deep() {
    const LONG: usize = 20_000;
    for source in [
        format!("x = [{}]", "-1, ".repeat(LONG)),
        format!("x = a{}", " and a".repeat(LONG)),
        format!("x = a{}", " < a".repeat(LONG)),
        format!("if a: pass\n{}", "elif b: pass\n".repeat(LONG)),
        format!("x = {{{}}}", "1: -2, ".repeat(LONG)),
        format!("{}1", "x = ".repeat(LONG)),
    ] {
        code(&source, Mode::Exec, Options::default());
    }
    // Deep, but not too deep.
    code(&format!("x = a{}", " + a".repeat(9000)), Mode::Exec, Options::default());
    code(&format!("x = {}1", "lambda: ".repeat(400)), Mode::Exec, Options::default());
}
