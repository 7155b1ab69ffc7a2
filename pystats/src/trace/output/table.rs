//! A trace for the terminal: the functions, the slowest calls with who called them, what happened besides, and what is missing.

use crate::trace::layout::Missed;
use crate::trace::tree::{Kind, Summary, Trace};
use indexmap::IndexMap;
use std::io::{self, Write};

/// Writes the tables, with at most `rows` functions.
pub fn write(out: &mut dyn Write, trace: &Trace, summaries: &[Summary], rows: usize) -> io::Result<()> {
    functions(out, trace, summaries, rows)?;
    slowest(out, trace)?;
    others(out, trace)?;
    missed(out, &trace.missed)
}

fn functions(out: &mut dyn Write, trace: &Trace, summaries: &[Summary], rows: usize) -> io::Result<()> {
    writeln!(
        out,
        "{:>10} {:>9} {:>7} {:>11} {:>11} {:>9} {:>9} {:>9} {:>10}  FUNCTION",
        "CALLS", "RESUMED", "RAISED", "TOTAL ms", "SELF ms", "MEAN us", "P50 us", "P99 us", "MAX us"
    )?;
    let (ms, us) = (|ns: u64| ns as f64 / 1e6, |ns: u64| ns as f64 / 1e3);
    for summary in summaries.iter().take(rows) {
        let function = &trace.functions[summary.function];
        writeln!(
            out,
            "{:>10} {:>9} {:>7} {:>11.3} {:>11.3} {:>9.1} {:>9.1} {:>9.1} {:>10.1}  {}  {}:{}",
            summary.calls,
            summary.resumptions,
            summary.unwinds,
            ms(summary.inclusive),
            ms(summary.exclusive),
            summary.histogram.mean() / 1e3,
            us(summary.percentile(50.0)),
            us(summary.percentile(99.0)),
            us(summary.longest),
            function.name,
            function.file,
            summary.line
        )?;
    }
    match summaries.len().saturating_sub(rows) {
        0 => Ok(()),
        more => writeln!(out, "and {more} more functions (--rows shows them)"),
    }
}

fn slowest(out: &mut dyn Write, trace: &Trace) -> io::Result<()> {
    if !trace.slowest.is_empty() {
        writeln!(out, "\nSlowest calls:")?;
    }
    for call in &trace.slowest {
        let names = trace.path(call.node).into_iter().rev().filter_map(|node| trace.function(node));
        let names: Vec<&str> = names.map(|function| function.name.as_str()).collect();
        writeln!(out, "{:>12.1} us  {}", call.duration as f64 / 1e3, names.join(" < "))?;
    }
    Ok(())
}

/// What happened besides calls: how often, and how long it took.
fn others(out: &mut dyn Write, trace: &Trace) -> io::Result<()> {
    let mut kinds: IndexMap<String, (u64, u64, u64)> = IndexMap::new();
    for event in &trace.events {
        let name = match &event.kind {
            Kind::Call => continue,
            Kind::Collection { generation, .. } => format!("garbage collection of generation {generation}"),
            Kind::WorldStop { reason } => format!("all threads stopped: {reason}"),
            Kind::Import { module, found: true } => format!("import {module}"),
            Kind::Import { module, found: false } => format!("import {module} (not found)"),
            Kind::Exception { class, .. } => format!("exception {class}"),
            Kind::LockWait => "waits for a lock".to_owned(),
            Kind::Compilation { .. } => "compilation of a trace".to_owned(),
            Kind::MachineCodeLeft { reason, line } => format!("machine code left in line {line}: {reason}"),
            Kind::Invalidation { .. } => "traces thrown away".to_owned(),
        };
        let (count, total, longest) = kinds.entry(name).or_default();
        (*count, *total, *longest) = (*count + 1, *total + event.duration, (*longest).max(event.duration));
    }
    if !kinds.is_empty() {
        writeln!(out, "\n{:>10} {:>11} {:>10}  EVENT", "COUNT", "TOTAL ms", "MAX us")?;
    }
    kinds.sort_by(|_, (_, a, _), _, (_, b, _)| b.cmp(a));
    for (name, (count, total, longest)) in kinds {
        writeln!(out, "{count:>10} {:>11.3} {:>10.1}  {name}", total as f64 / 1e6, longest as f64 / 1e3)?;
    }
    Ok(())
}

/// Tells what there was no room for.
pub fn missed(out: &mut dyn Write, missed: &Missed) -> io::Result<()> {
    let complaints = [
        (missed.events, "events lost: the buffer was full (--buffer makes it larger)"),
        (missed.nodes, "calls on paths there was no room for count for their callers (--paths makes room)"),
        (missed.threads, "calls in threads there was no room for are missing (--threads makes room)"),
        (missed.depth, "calls nested too deep count for their callers (--depth makes room)"),
        (missed.returns, "calls that had begun before the trace are missing"),
    ];
    complaints.into_iter().filter(|(count, _)| *count != 0).try_for_each(|(count, what)| writeln!(out, "{count} {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn table() {
        let mut trace = crate::trace::tree::sample();
        trace.missed = Missed { events: 3, returns: 1, ..Missed::default() };
        let mut out = Vec::new();
        write(&mut out, &trace, &trace.summaries(), 2).unwrap();
        expect![[r#"
                 CALLS   RESUMED  RAISED    TOTAL ms     SELF ms   MEAN us    P50 us    P99 us     MAX us  FUNCTION
                     8         0       0       0.005       0.005       1.2       1.2       1.2        5.0  fib  /srv/a.py:1
                     1         0       0       0.003       0.003       1.2       1.2       1.2        3.0  sleep  /srv/a.py:5
            and 1 more functions (--rows shows them)

            Slowest calls:
                    10.0 us  main
                     0.2 us  fib < fib < main

                 COUNT    TOTAL ms     MAX us  EVENT
                     1       0.001        0.5  all threads stopped: gc
                     1       0.001        0.5  garbage collection of generation 2
                     1       0.000        0.1  import json
                     1       0.000        0.0  compilation of a trace
                     1       0.000        0.0  waits for a lock
                     1       0.000        0.0  exception OSError
                     1       0.000        0.0  machine code left in line 3: guard_int
                     1       0.000        0.0  traces thrown away
            3 events lost: the buffer was full (--buffer makes it larger)
            1 calls that had begun before the trace are missing
        "#]]
        .assert_eq(str::from_utf8(&out).unwrap());
    }
}
