//! The scripts in `bpftrace/`, run by `scripts/trace` on a program that fires a known sequence of probes.

mod common;

use expect_test::{Expect, expect, expect_file};
use limpid_probes::{PROBES, Probe};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

fn wrapper() -> PathBuf {
    common::repository().join("scripts/trace")
}

/// The output of a script, given by its name and arguments, or `None` if such tests are not wanted.
fn run(script: &[&str]) -> Option<String> {
    if !common::bpftrace_works() {
        return None;
    }
    let program = common::sequence();
    let command = ["--", program.to_str().unwrap()];
    Some(common::trace(wrapper(), script.iter().chain(&command)))
}

/// Replaces what differs from run to run. `columns` has a letter for each column of a line that starts with a number:
/// `t` a thread, which becomes T1, T2, ... in order of appearance, `n` a number, which becomes `#`, anything else stays.
/// Blanks are made one, empty lines left out, and the lines of maps sorted, for equal counts come in any order.
fn normalize(output: &str, columns: &str) -> String {
    let mut threads: Vec<String> = Vec::new();
    let mut thread = |tid: &str| {
        let known = threads.iter().position(|other| other == tid);
        let index = known.unwrap_or_else(|| {
            threads.push(tid.to_owned());
            threads.len() - 1
        });
        format!("T{}", index + 1)
    };
    let (mut lines, mut maps) = (Vec::new(), Vec::new());
    for line in output.lines().filter(|line| !line.trim().is_empty()) {
        if line.starts_with('@') {
            maps.push(line.to_owned());
        } else if line.starts_with(|first: char| first.is_ascii_digit()) {
            let kinds = columns.chars().chain(std::iter::repeat(' '));
            let words = line.split_whitespace().zip(kinds).map(|(word, kind)| match kind {
                't' => thread(word),
                'n' if word.parse::<f64>().is_ok() => "#".to_owned(),
                _ => word.to_owned(),
            });
            lines.push(words.collect::<Vec<_>>().join(" "));
        } else if !line.starts_with(['[', '(']) {
            lines.push(line.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
    maps.sort();
    lines.extend(maps);
    lines.join("\n") + "\n"
}

fn check(script: &[&str], columns: &str, expected: Expect) {
    if let Some(output) = run(script) {
        expected.assert_eq(&normalize(&output, columns));
    }
}

/// The number of values in each histogram of the map `@us`, by its key.
fn histogram_totals(output: &str) -> BTreeMap<String, u64> {
    let mut totals = BTreeMap::new();
    let mut key = None;
    for line in output.lines() {
        if let Some(rest) = line.strip_prefix("@us[") {
            key = rest.strip_suffix("]: ");
        } else if let Some((range, _)) = line.split_once('|').filter(|_| line.starts_with(['[', '('])) {
            let count: u64 = range.split_whitespace().last().unwrap().parse().unwrap();
            *totals.entry(key.expect("a histogram has a key").to_owned()).or_default() += count;
        }
    }
    totals
}

fn totals<const N: usize>(expected: [(&str, u64); N]) -> BTreeMap<String, u64> {
    expected.map(|(key, count)| (key.to_owned(), count)).into()
}

#[test]
fn allocs() {
    check(
        &["allocs"],
        "",
        expect![[r#"
            @bytes[dict]: 64
            @bytes[list]: 128
            @objects[dict]: 1
            @objects[list]: 3
            @sizes: 
        "#]],
    );
}

const CALLS: &str = "\
@calls[/srv/demo.py, <module>]: 1
@calls[/srv/demo.py, countdown]: 4
@calls[/srv/demo.py, fib]: 43
@calls[/srv/demo.py, load]: 3
@calls[/srv/demo.py, parse]: 3
@calls[/srv/demo.py, slow]: 1
@calls[/srv/demo.py, worker]: 2
@calls[/srv/json/__init__.py, <module>]: 1
";

#[test]
fn callcount() {
    if let Some(output) = run(&["callcount"]) {
        assert_eq!(normalize(&output, ""), CALLS);
    }
}

#[test]
fn callcount_of_a_running_process() {
    if !common::bpftrace_works() {
        return;
    }
    let mut program = Command::new(common::sequence()).arg("--wait").spawn().unwrap();
    let output = common::trace(wrapper(), ["callcount", "-p", &program.id().to_string()]);
    assert!(program.wait().unwrap().success());
    assert_eq!(normalize(&output, ""), CALLS);
}

#[test]
fn callflow() {
    let Some(output) = run(&["callflow"]) else {
        return;
    };
    // The width of the indentation matters here, so only the thread is replaced.
    let mut threads: Vec<&str> = Vec::new();
    let mut flow = String::new();
    for line in output.lines().skip(1).filter(|line| !line.is_empty()) {
        let (tid, rest) = line.split_at(9);
        let index = threads.iter().position(|other| *other == tid).unwrap_or_else(|| {
            threads.push(tid);
            threads.len() - 1
        });
        flow += &format!("T{} {rest}\n", index + 1);
    }
    expect_file!["scripts/callflow.txt"].assert_eq(&flow);
}

#[test]
fn cfunctions() {
    let Some(output) = run(&["cfunctions"]) else {
        return;
    };
    let us = |key: &str| {
        let line = output.lines().find_map(|line| line.strip_prefix(key)).expect(key);
        let numbers = line.split([' ', ',']).filter_map(|word| word.parse().ok());
        <[u64; 3]>::try_from(numbers.collect::<Vec<_>>()).expect("count, average and total")
    };
    assert_eq!(us("@us[builtins, int]: ")[0], 3);
    let [count, average, total] = us("@us[time, sleep]: ");
    assert_eq!((count, average), (1, total));
    assert!((20_000..2_000_000).contains(&total), "{total}");
}

#[test]
fn exceptions() {
    check(
        &["exceptions"],
        "nt",
        expect![[r#"
            TIME TID TYPE RAISED AT
            # T1 ValueError /srv/demo.py:13
            # T1 ValueError /srv/demo.py:13
            # T1 KeyError /srv/demo.py:13
            @raised[KeyError, /srv/demo.py, 13]: 1
            @raised[ValueError, /srv/demo.py, 13]: 2
            @unwound[/srv/demo.py, load]: 3
            @unwound[/srv/demo.py, parse]: 3
        "#]],
    );
}

#[test]
fn funclatency() {
    if let Some(output) = run(&["funclatency"]) {
        let expected = CALLS.lines().map(|line| {
            let (key, count) = line.strip_prefix("@calls[").unwrap().split_once("]: ").unwrap();
            (key.to_owned(), count.parse().unwrap())
        });
        assert_eq!(histogram_totals(&output), expected.collect());
        // It sleeps for 20 ms.
        let slow = output
            .split(
                "@us[/srv/demo.py, slow]: 
",
            )
            .nth(1)
            .unwrap();
        assert!(["[16K,", "[32K,", "[64K,", "[128K,"].iter().any(|range| slow.starts_with(range)), "{slow}");
    }
}

#[test]
fn funclatency_of_one_function() {
    if let Some(output) = run(&["funclatency", "fib"]) {
        assert_eq!(histogram_totals(&output), totals([("/srv/demo.py, fib", 43)]));
    }
}

#[test]
fn funcslower() {
    let Some(output) = run(&["funcslower", "15"]) else {
        return;
    };
    let normal = normalize(&output, "nt");
    let mut lines = normal.lines();
    assert_eq!(lines.next(), Some("TIME TID MS FUNCTION"));
    // On a busy machine others may be as slow.
    let mut functions = Vec::new();
    for line in lines {
        let (ms, function) = line.strip_prefix("# T1 ").unwrap().split_once(' ').unwrap();
        assert!(ms.parse::<f64>().unwrap() >= 15.0, "{line}");
        functions.push(function);
    }
    assert!(functions.contains(&"slow /srv/demo.py:20"), "{output}");
    assert_eq!(functions.last(), Some(&"<module> /srv/demo.py:32"), "{output}");
}

#[test]
fn gcpause() {
    if let Some(output) = run(&["gcpause"]) {
        expect![[r#"
            TIME TID GEN US COLLECTED
            # T1 0 # 12
            # T1 2 # 345
            @collected[0]: 12
            @collected[2]: 345
            @us[0]: 
            @us[2]: 
        "#]]
        .assert_eq(&normalize(&output, "nt n"));
        assert_eq!(histogram_totals(&output), totals([("0", 1), ("2", 1)]));
    }
}

#[test]
fn genflow() {
    check(
        &["genflow"],
        "nt",
        expect![[r#"
            TIME TID EVENT GENERATOR
            # T1 yield countdown /srv/demo.py:7
            # T1 resume countdown /srv/demo.py:8
            # T1 yield countdown /srv/demo.py:8
            # T1 resume countdown /srv/demo.py:8
            # T1 yield countdown /srv/demo.py:8
            # T1 resume countdown /srv/demo.py:8
            @resumes[/srv/demo.py, countdown]: 3
            @yields[/srv/demo.py, countdown]: 3
        "#]],
    );
}

#[test]
fn importtime() {
    let Some(output) = run(&["importtime"]) else {
        return;
    };
    expect![[r#"
        TID SELF TOTAL MODULE
        T1 # # json.decoder
        T1 # # json
        T1 # # nowhere (not found)
    "#]]
    .assert_eq(&normalize(&output, "tnn"));
    let times: Vec<[u64; 2]> = output
        .lines()
        .skip(1)
        .filter(|line| !line.is_empty())
        .map(|line| {
            let mut numbers = line.split_whitespace().skip(1).map(|word| word.parse().unwrap());
            [numbers.next().unwrap(), numbers.next().unwrap()]
        })
        .collect();
    let [decoder, json, _] = times[..] else { unreachable!("three modules") };
    assert!(decoder[0] >= 10_000 && decoder[0] == decoder[1], "{decoder:?}");
    assert_eq!(json[1] - json[0], decoder[1]);
    assert!(output.contains("    json.decoder") && output.contains("  json\n"), "{output}");
}

#[test]
fn stopworld() {
    if let Some(output) = run(&["stopworld"]) {
        let (lines, maps) = normalize(&output, "ntn")
            .split_once("@total_us[gc]: ")
            .map_or_else(|| panic!("{output}"), |(lines, maps)| (lines.to_owned(), maps.to_owned()));
        assert_eq!(lines, "TIME TID US REASON\n# T1 # gc\n# T1 # gc\n");
        let total: u64 = maps.lines().next().unwrap().parse().unwrap();
        assert!((12_000..2_000_000).contains(&total), "{total}");
        assert_eq!(histogram_totals(&output), totals([("gc", 2)]));
    }
}

#[test]
fn threads() {
    let Some(output) = run(&["threads"]) else {
        return;
    };
    let normal = normalize(&output, "nt n");
    let (lines, maps) = normal.split_once('@').expect("maps");
    assert_eq!(lines, "TIME TID EVENT MS CALLS\n# T1 start\n# T1 exit # 10\n# T2 start\n# T2 exit # 10\n");
    // By thread: how many functions, how many calls.
    let mut calls = BTreeMap::<&str, (u64, u64)>::new();
    for line in maps.lines().map(|line| line.trim_start_matches('@')) {
        let (tid, rest) = line.strip_prefix("calls[").unwrap().split_once(", ").unwrap();
        let count: u64 = rest.rsplit_once(": ").unwrap().1.parse().unwrap();
        let entry = calls.entry(tid).or_default();
        *entry = (entry.0 + 1, entry.1 + count);
    }
    let mut calls: Vec<_> = calls.into_values().collect();
    calls.sort();
    assert_eq!(calls, [(2, 10), (2, 10), (7, 38)]);
}

/// Scripts that nobody tests (here, or with a Python program in `tests/tracing/bpftrace`), or whose header does not say what a user needs to know.
#[test]
fn every_script_is_tested_and_described() {
    let source = include_str!("scripts.rs");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(common::repository().join("bpftrace")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "bt") {
            continue;
        }
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let with_the_runtime = common::repository().join(format!("tests/tracing/bpftrace/{name}.expected"));
        assert!(source.contains(&format!("&[\"{name}\"")) || with_the_runtime.exists(), "{name} is not tested");
        assert!(text.starts_with(&format!("#!/usr/bin/env bpftrace\n/*\n * {name}.bt  ")), "{name}");
        for part in ["\n * USAGE: ", "\n * OVERHEAD: ", "\n * REQUIREMENTS: "] {
            assert!(text.contains(part), "{name} lacks {part:?}");
        }
        names.push(name);
    }
    let list = Command::new(wrapper()).output().unwrap();
    let list = String::from_utf8(list.stdout).unwrap();
    for name in names {
        assert!(list.contains(&format!("\n    {name} ")), "{name} is not listed");
    }
}

#[test]
fn the_wrapper_refuses_what_it_cannot_do() {
    let error = |arguments: &[&str]| {
        let output = Command::new(wrapper()).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(error(&["nothing"]), "trace: no script named nothing; without arguments it lists them\n");
    assert_eq!(error(&["callcount", "--"]), "trace: a command must follow --\n");
    assert_eq!(error(&["callcount", "-p"]), "trace: -p needs a value\n");
    assert_eq!(error(&["callcount", "-p", "0"]), "trace: no process 0, or not yours\n");
    assert_eq!(error(&["callcount", "--", "no-such-program"]), "trace: no-such-program: command not found\n");
    assert_eq!(
        error(&["callcount", "--", "echo", "a b"]),
        "trace: bpftrace cannot pass on an argument that is empty or has a blank: 'a b'; put the program into a file\n"
    );
}

/// The tapset for SystemTap has an alias for each probe, and in it a variable for each argument.
#[test]
fn the_tapset_has_every_probe() {
    let text = std::fs::read_to_string(common::repository().join("stap/tapset/limpid.stp")).unwrap();
    for Probe { name, arguments, .. } in PROBES {
        let alias = format!("probe python.{} = process(@limpid).provider(\"python\").mark(\"{name}\")\n{{\n", name.replace("__", "."));
        let (_, rest) = text.split_once(&alias).expect(name);
        let body: Vec<_> = rest.lines().map(str::trim).take_while(|line| *line != "}").collect();
        assert_eq!((body[0], body.len()), ("@python_process", 1 + arguments.len()), "{name}");
        for (number, (line, (_, kind))) in (1..).zip(body[1..].iter().zip(*arguments)) {
            let argument = if *kind == "Text" { format!("= user_string($arg{number})") } else { format!("= $arg{number}") };
            assert!(line.ends_with(&argument), "{name}: {line}");
        }
    }
    assert_eq!(text.matches("\nprobe ").count(), PROBES.len());
}
