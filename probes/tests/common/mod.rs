//! What the tests of this crate share: the traced program, and running tracers.

// Each test program includes this module and uses a part of it.
#![allow(dead_code)]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The example `sequence`, which `cargo test` builds before it runs a test.
pub fn sequence() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.ancestors().nth(2).unwrap().join("examples/sequence");
    assert!(path.exists(), "{} is missing: `cargo test -p limpid-probes` builds it", path.display());
    path
}

pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// May this test start bpftrace? Panics with the reason if bpftrace does not work here; is false if the environment
/// variable `LIMPID_SKIP_TRACERS=1` says that such tests are not wanted.
pub fn bpftrace_works() -> bool {
    const HINT: &str = "(LIMPID_SKIP_TRACERS=1 skips the tests that need it)";
    if std::env::var_os("LIMPID_SKIP_TRACERS").is_some_and(|value| value == "1") {
        eprintln!("skipped: LIMPID_SKIP_TRACERS=1");
        return false;
    }
    let output = Command::new("bpftrace").args(["-e", "BEGIN { exit(); }"]).output();
    match output {
        Err(error) => panic!("bpftrace cannot be started: {error} {HINT}"),
        Ok(output) if !output.status.success() => {
            panic!("bpftrace is not permitted here or does not work {HINT}:\n{}", stderr(&output))
        }
        Ok(_) => true,
    }
}

/// Runs a tracer and returns what it printed; panics if it fails. It and what it starts run on one processor, since
/// bpftrace collects output by processor, and would mix up the order of events of a thread that moved.
pub fn trace<A: AsRef<OsStr>>(program: impl AsRef<OsStr>, arguments: impl IntoIterator<Item = A>) -> String {
    let output = Command::new("timeout")
        .args(["60", "taskset", "--cpu-list", "0"])
        .arg(program)
        .args(arguments)
        .output()
        .expect("timeout and taskset are installed");
    let text = String::from_utf8(output.stdout.clone()).expect("UTF-8");
    assert!(output.status.success(), "{}\n{text}\n{}", output.status, stderr(&output));
    text
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
