//! bpftrace reads every probe's arguments, in order, from a program that it starts.

mod common;

use expect_test::expect_file;

#[test]
fn arguments_arrive() {
    if !common::bpftrace_works() {
        return;
    }
    let program = common::sequence();
    let script = common::repository().join("probes/tests/arguments/arguments.bt");
    let output = common::trace("bpftrace", ["-q".as_ref(), "-c".as_ref(), program.as_os_str(), script.as_os_str(), program.as_os_str()]);
    expect_file!["arguments/expected.txt"].assert_eq(output.trim_end());
}
