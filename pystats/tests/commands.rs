//! The other subcommands of `pystats`, each as a user calls it.

use expect_test::expect;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

fn pystats(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pystats"));
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests")).args(arguments).output().unwrap()
}

/// What a command prints that must succeed without a complaint.
fn printed(arguments: &[&str]) -> String {
    let output = pystats(arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// The complaint of a command that must fail.
fn complaint(arguments: &[&str]) -> String {
    let output = pystats(arguments);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    String::from_utf8(output.stderr).unwrap()
}

fn temporary(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir(&path).unwrap();
    path
}

#[test]
fn diff() {
    let folder = temporary("diff");
    let (base, head) = (folder.join("base.txt"), folder.join("head.txt"));
    fs::write(&base, "opcode[CALL].execution_count : 100\nopcode[NOP].execution_count : 7\nGC[0] collections: 4\nFrames pushed: 5\n")
        .unwrap();
    fs::write(&head, "opcode[CALL].execution_count : 75\nopcode[SWAP].execution_count : 3\nGC[0] collections: 8\nFrames pushed: 5\n")
        .unwrap();
    expect![[r#"
        Execution counts
        ================
        Execution counts for Tier 1 instructions.

        Name  Base  Head  Change
        SWAP     0     3     new
        NOP      7     0    gone
        CALL   100    75  -25.0%

        Specialization effectiveness
        ============================
        Specialization effectiveness.

        Instructions  Base  Head  Change
        Basic          107    78  -27.1%

        GC stats
        ========
        GC collections and effectiveness.

        Generation  Base  Head   Change
                 0     4     8  +100.0%
    "#]]
    .assert_eq(&printed(&["diff", base.to_str().unwrap(), head.to_str().unwrap()]));
}

#[test]
fn diff_adds_directories_up() {
    assert_eq!(printed(&["diff", "dumps/3.13", "dumps/3.13"]), "No difference.\n");
    let changes = printed(&["diff", "dumps/3.15/one.txt", "dumps/3.15"]);
    expect![[r#"
        Meta stats
        ==========
        Meta statistics.

                              Base  Head   Change
        Number of data files     1     2  +100.0%
    "#]]
    .assert_eq(&changes[changes.find("Meta").unwrap()..]);
}

#[test]
fn export() {
    let metrics = printed(&["export", "dumps/3.15", "--format", "openmetrics"]);
    assert!(metrics.contains("# TYPE limpid_world_stops counter\nlimpid_world_stops_total 3\n"), "{metrics}");
    assert!(metrics.ends_with("\n# EOF\n"));
    assert!(printed(&["export", "dumps/3.15", "--format", "csv"]).contains("\nworld_stops,,3\n"));
    let json: serde_json::Value = serde_json::from_str(&printed(&["export", "dumps/3.15"])).unwrap();
    let world_stops = json.as_array().unwrap().iter().find(|measurement| measurement["name"] == "world_stops").unwrap();
    assert_eq!(world_stops["value"], 3);
    let markdown = ["dumps/3.13", "--format", "markdown"];
    assert_eq!(printed(&[&["export"], &markdown[..]].concat()), printed(&[&["report"], &markdown[..]].concat()));
}

#[test]
fn run_adds_up_what_the_program_leaves() {
    let folder = temporary("run");
    let dump = folder.join("dump.txt");
    let program = r#"[ "$PYTHONSTATS" = 1 ] || exit 9
        for n in 1 2; do echo "Frames pushed: $n" > "$PYTHONSTATSDIR/$n.txt"; done; exit 3"#;
    let output = pystats(&["run", "-o", dump.to_str().unwrap(), "--", "sh", "-c", program]);
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(3), ""));
    assert_eq!(fs::read_to_string(&dump).unwrap(), "Frames pushed : 3\n");
    assert_eq!(fs::metadata(&dump).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn run_tells_why_there_is_nothing() {
    let folder = temporary("run-nothing");
    let dump = folder.join("dump.txt");
    let run = |program| complaint(&["run", "-o", dump.to_str().unwrap(), "--", program]);
    assert_eq!(run("true"), "pystats: true has left no statistics: is it limpid, and did it end by itself?\n");
    assert_eq!(run("/no/such/program"), "pystats: /no/such/program: No such file or directory (os error 2)\n");
    assert!(!dump.exists());
}

#[test]
fn a_truncated_dump_is_an_error() {
    let path = temporary("truncated").join("dump.txt");
    fs::write(&path, "Frames pushed: 7\nFrame objects created: 1").unwrap();
    let expected = format!("pystats: {}: truncated: it ends in the middle of a line\n", path.display());
    assert_eq!(complaint(&["report", path.to_str().unwrap()]), expected);
    assert_eq!(complaint(&["diff", "dumps/3.15", path.to_str().unwrap()]), expected);
}

#[test]
fn scripts() {
    let list = printed(&["scripts", "list"]);
    assert!(list.contains("callcount.bt       "), "{list}");
    let folder = temporary("scripts");
    let (directory, binary) = (folder.join("out"), env!("CARGO_BIN_EXE_pystats"));
    let exported = printed(&["scripts", "export", directory.to_str().unwrap(), "--binary", binary]);
    assert_eq!(exported, format!("{} scripts in {}\n", list.lines().count(), directory.display()));
    let path = directory.join("callcount.bt");
    let real = fs::canonicalize(binary).unwrap();
    assert!(fs::read_to_string(&path).unwrap().contains(&format!("usdt:{}:python:function__entry", real.display())));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o755);
    let macros = fs::read_to_string(directory.join("tapset/limpid.stpm")).unwrap();
    assert!(macros.contains(&format!("@define limpid %( \"{}\" %)", real.display())), "{macros}");
    assert!(fs::read_to_string(directory.join("tapset/limpid.stp")).unwrap().contains("process(@limpid)"));
    let own = printed(&["scripts", "show", "callcount", "--pid", &std::process::id().to_string()]);
    assert!(own.contains(&format!("usdt:{}:", std::env::current_exe().unwrap().display())));
    assert!(printed(&["scripts", "show", "callcount"]).contains("usdt:$1:python"));
}

#[test]
fn scripts_complain() {
    assert_eq!(complaint(&["scripts", "show", "callcount", "--pid", "999999999"]), "pystats: there is no process 999999999\n");
    assert_eq!(complaint(&["scripts", "show", "nothing"]), "pystats: no script named nothing; `pystats scripts list` lists them\n");
    let missing = complaint(&["scripts", "show", "callcount", "--binary", "/no/limpid"]);
    assert_eq!(missing, "pystats: /no/limpid: No such file or directory (os error 2)\n");
}

#[test]
fn completions() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(printed(&["completions", shell]).contains("openmetrics"), "{shell}");
    }
    // What bash proposes for a line whose last word is being typed.
    let proposed = |line: &[&str]| {
        let script = r#"source /dev/stdin; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
            _pystats pystats "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"; echo "${COMPREPLY[@]}""#;
        let mut bash = Command::new("bash")
            .args([&["-c", script, "bash"], line].concat())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        bash.stdin.take().unwrap().write_all(printed(&["completions", "bash"]).as_bytes()).unwrap();
        String::from_utf8(bash.wait_with_output().unwrap().stdout).unwrap()
    };
    assert_eq!(proposed(&["pystats", "li"]), "live\n");
    assert_eq!(proposed(&["pystats", "live", "--by", ""]), "process interpreter thread\n");
    assert_eq!(proposed(&["pystats", "export", "--format", "open"]), "openmetrics\n");
}

#[test]
fn manual_pages() {
    let folder = temporary("man");
    assert_eq!(printed(&["man", folder.to_str().unwrap()]), "");
    let page = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    for name in ["pystats.1", "pystats-diff.1", "pystats-live.1", "pystats-scripts-export.1"] {
        assert!(page(name).contains(".SH NAME") && page(name).contains(".SH SYNOPSIS"), "{name}");
    }
    // Each script has a page. Of those for bpftrace and SystemTap, which have the same names, the latter's keep their ending.
    let list = printed(&["scripts", "list"]);
    let scripts: Vec<&str> = list.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(scripts.len() >= 32, "{list}");
    for script in scripts {
        let name = format!("{}.8", script.strip_suffix(".bt").unwrap_or(script));
        let text = page(&name);
        for part in [".SH NAME", ".SH SYNOPSIS", ".SH DESCRIPTION"] {
            assert!(text.contains(part), "{name} has no {part}");
        }
    }
}
