//! The command `pystats report`: dumps in the formats of four versions in, reports out.

use expect_test::{ExpectFile, expect, expect_file};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

fn pystats(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pystats"));
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests")).args(arguments).output().unwrap()
}

/// The output of a report that must succeed without a complaint.
fn report(arguments: &[&str]) -> String {
    let output = pystats(&[&["report"], arguments].concat());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn check(arguments: &[&str], expected: ExpectFile) {
    expected.assert_eq(&report(arguments));
}

#[test]
fn cpython_3_12() {
    check(&["dumps/3.12"], expect_file!["reports/3.12.txt"]);
}

#[test]
fn cpython_3_13() {
    check(&["dumps/3.13"], expect_file!["reports/3.13.txt"]);
}

#[test]
fn cpython_3_14() {
    check(&["dumps/3.14"], expect_file!["reports/3.14.txt"]);
}

#[test]
fn cpython_3_15() {
    check(&["dumps/3.15"], expect_file!["reports/3.15.txt"]);
}

#[test]
fn markdown() {
    check(&["dumps/3.13", "--format", "markdown"], expect_file!["reports/3.13.md"]);
}

#[test]
fn json() {
    check(&["dumps/3.13", "--format", "json"], expect_file!["reports/3.13.json"]);
}

#[test]
fn csv() {
    check(&["dumps/3.13", "--format", "csv"], expect_file!["reports/3.13.csv"]);
}

#[test]
fn files_and_directories_add_up() {
    let directory = report(&["dumps/3.15"]);
    let files = report(&["dumps/3.15/one.txt", "dumps/3.15/two.txt"]);
    assert_eq!(directory, files);
    expect![[r#"
        Thread stats
        ============
        What only happens when threads run at the same time.

                      Count
        Mutex sleeps      6
        QSBR polls       22
        World stops       4

        Meta stats
        ==========
        Meta statistics.

                              Count
        Number of data files      3
    "#]]
    .assert_eq(&report(&["dumps/3.15", "dumps/3.15/one.txt", "--section", "THREAD", "--section", "meta"]));
}

#[test]
fn output_goes_to_a_file() {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("report.txt");
    assert_eq!(report(&["dumps/3.12", "-o", path.to_str().unwrap()]), "");
    assert_eq!(std::fs::read_to_string(path).unwrap(), report(&["dumps/3.12"]));
}

#[test]
fn what_cannot_be_read_is_an_error() {
    let temporary = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("unreadable");
    std::fs::create_dir_all(temporary.join("empty")).unwrap();
    std::fs::write(temporary.join("other.txt"), b"\xff\xfe nothing\n").unwrap();
    let error = |argument: &str| {
        let output = pystats(&["report", temporary.join(argument).to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(output.stdout, b"");
        let error = String::from_utf8(output.stderr).unwrap();
        error.replace(temporary.to_str().unwrap(), "DIR")
    };
    assert_eq!(error("missing"), "pystats: DIR/missing: No such file or directory (os error 2)\n");
    assert_eq!(error("empty"), "pystats: DIR/empty: no dump (*.txt) in this directory\n");
    assert_eq!(error("other.txt"), "pystats: DIR/other.txt: not a dump of statistics\n");
}

#[test]
fn damaged_lines_are_told_and_left_out() {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("damaged.txt");
    std::fs::write(&path, "Frames pushed: 7\nFrames pu\n").unwrap();
    let output = pystats(&["report", path.to_str().unwrap()]);
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stderr).unwrap(), format!("pystats: {}:2: not understood: Frames pu\n", path.display()));
    assert!(String::from_utf8(output.stdout).unwrap().contains("Frames pushed      7"));
}

#[test]
fn a_closed_pipe_is_no_error() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_pystats"));
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests"));
    let child = command.args(["report", "dumps/3.12"]).stdout(writer).stderr(Stdio::piped());
    let output = child.spawn().unwrap().wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success());
}
