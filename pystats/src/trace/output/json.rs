//! A trace as JSON, for programs: what each function did, what happened besides, and what is missing. Times in nanoseconds.

use super::flow::describe;
use crate::trace::tree::{Kind, Summary, Trace};
use serde_json::{Value, json};
use std::io::{self, Write};

/// Writes `{"functions": [...], "slowest": [...], "events": [...], "missed": {...}}`; calls are not among the events.
pub fn write(out: &mut dyn Write, trace: &Trace, summaries: &[Summary]) -> io::Result<()> {
    let slowest = trace.slowest.iter().map(|call| {
        let stack = trace.path(call.node).into_iter().filter_map(|node| trace.function(node)).map(|function| &function.name);
        json!({ "ns": call.duration, "tid": call.tid, "stack": stack.collect::<Vec<_>>() })
    });
    let others = trace.events.iter().filter(|event| event.kind != Kind::Call);
    let events = others.map(|event| json!({ "event": describe(trace, event), "ns": event.duration, "tid": event.tid }));
    let file = json!({
        "functions": summaries.iter().map(|summary| function(trace, summary)).collect::<Vec<_>>(),
        "slowest": slowest.collect::<Vec<_>>(),
        "events": events.collect::<Vec<_>>(),
        "missed": trace.missed,
        "seconds": trace.seconds,
    });
    serde_json::to_writer_pretty(&mut *out, &file)?;
    writeln!(out)
}

fn function(trace: &Trace, summary: &Summary) -> Value {
    let function = &trace.functions[summary.function];
    json!({
        "function": function.name,
        "file": function.file,
        "line": summary.line,
        "calls": summary.calls,
        "resumptions": summary.resumptions,
        "unwinds": summary.unwinds,
        "inclusive": summary.inclusive,
        "exclusive": summary.exclusive,
        "longest": summary.longest,
        "p50": summary.percentile(50.0),
        "p90": summary.percentile(90.0),
        "p99": summary.percentile(99.0),
    })
}
