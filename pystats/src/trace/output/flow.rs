//! The calls in the order in which they began, indented by depth, with what happened in between.

use crate::trace::tree::{Event, Kind, Trace};
use std::io::{self, Write};

/// Writes a line an event: when it began, the thread, how long it took, what it was.
pub fn write(out: &mut dyn Write, trace: &Trace) -> io::Result<()> {
    let mut events: Vec<&Event> = trace.events.iter().collect();
    // Of what began together, the longer contains the shorter.
    events.sort_by_key(|event| (event.start, std::cmp::Reverse(event.duration)));
    let origin = events.first().map_or(0, |event| event.start);
    writeln!(out, "{:>12} {:>8} {:>12}  EVENT", "MS", "TID", "US")?;
    for event in events {
        let depth = trace.path(event.node).len();
        let indent = "  ".repeat(if event.kind == Kind::Call { depth.saturating_sub(1) } else { depth });
        let (ms, us) = ((event.start - origin) as f64 / 1e6, event.duration as f64 / 1e3);
        writeln!(out, "{ms:>12.3} {:>8} {us:>12.1}  {indent}{}", event.tid, describe(trace, event))?;
    }
    Ok(())
}

/// An event in words.
pub fn describe(trace: &Trace, event: &Event) -> String {
    match &event.kind {
        Kind::Call => trace
            .function(event.node)
            .map_or_else(|| "?".to_owned(), |function| format!("{}  {}:{}", function.name, function.file, trace.nodes[event.node].line)),
        Kind::Collection { generation, freed } => format!("[garbage collection of generation {generation}, {freed} freed]"),
        Kind::WorldStop { reason } => format!("[all threads stopped: {reason}]"),
        Kind::Import { module, found: true } => format!("[import {module}]"),
        Kind::Import { module, found: false } => format!("[import {module}: not found]"),
        Kind::Exception { class, line } => format!("[{class} in line {line}]"),
        Kind::LockWait => "[waits for a lock]".to_owned(),
        Kind::Compilation { uops, bytes } => format!("[compilation of {uops} micro-operations, {bytes} bytes]"),
        Kind::MachineCodeLeft { reason, line } => format!("[machine code left, in line {line}: {reason}]"),
        Kind::Invalidation { traces } => format!("[{traces} traces thrown away]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn flow() {
        let mut out = Vec::new();
        write(&mut out, &crate::trace::tree::sample()).unwrap();
        // The bar keeps the blanks in front.
        let text: String = str::from_utf8(&out).unwrap().lines().map(|line| format!("|{line}\n")).collect();
        expect![[r#"
            |          MS      TID           US  EVENT
            |       0.000       10         10.0  main  /srv/a.py:9
            |       0.000       10          0.1    [import json]
            |       0.000       10          0.0    [waits for a lock]
            |       0.000       10          0.0  [compilation of 40 micro-operations, 1234 bytes]
            |       0.000       10          0.0      [machine code left, in line 3: guard_int]
            |       0.000       10          0.0      [2 traces thrown away]
            |       0.000       10          1.0    fib  /srv/a.py:1
            |       0.000       10          0.2      fib  /srv/a.py:1
            |       0.002       10          0.0      [OSError in line 6]
            |       0.002       10          0.5      [all threads stopped: gc]
            |       0.002       10          0.5      [garbage collection of generation 2, 7 freed]
        "#]]
        .assert_eq(&text);
    }
}
