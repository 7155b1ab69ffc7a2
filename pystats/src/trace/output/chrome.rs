//! The trace event format, which Perfetto and Chrome show on a time line.

use crate::trace::tree::{Event, Kind, Trace};
use serde_json::{Value, json};
use std::io::{self, Write};

/// Writes `{"traceEvents": [...]}`.
pub fn write(out: &mut dyn Write, trace: &Trace) -> io::Result<()> {
    let origin = trace.events.iter().map(|event| event.start).min().unwrap_or(0);
    writeln!(out, "{{\"displayTimeUnit\": \"ns\", \"otherData\": {{\"missed events\": {}}}, \"traceEvents\": [", trace.missed.events)?;
    for (index, event) in trace.events.iter().enumerate() {
        let separator = if index + 1 == trace.events.len() { "" } else { "," };
        writeln!(out, "{}{separator}", entry(trace, event, origin))?;
    }
    writeln!(out, "]}}")
}

fn entry(trace: &Trace, event: &Event, origin: u64) -> Value {
    let (name, category, arguments) = match &event.kind {
        Kind::Call => match trace.function(event.node) {
            Some(function) => {
                let line = trace.nodes[event.node].line;
                (function.name.clone(), "function", json!({ "file": function.file, "line": line }))
            }
            None => ("?".to_owned(), "function", json!({})),
        },
        Kind::Collection { generation, freed } => {
            (format!("garbage collection {generation}"), "gc", json!({ "generation": generation, "freed": freed }))
        }
        Kind::WorldStop { reason } => ("world stopped".to_owned(), "threads", json!({ "reason": reason })),
        Kind::Import { module, found } => (format!("import {module}"), "import", json!({ "found": found })),
        Kind::Exception { class, line } => (class.clone(), "exception", json!({ "line": line })),
        Kind::LockWait => ("waits for a lock".to_owned(), "threads", json!({})),
        Kind::Compilation { uops, bytes } => ("compilation".to_owned(), "jit", json!({ "uops": uops, "bytes": bytes })),
        Kind::MachineCodeLeft { reason, line } => (format!("machine code left: {reason}"), "jit", json!({ "line": line })),
        Kind::Invalidation { traces } => ("traces thrown away".to_owned(), "jit", json!({ "traces": traces })),
    };
    let microseconds = |ns: u64| ns as f64 / 1000.0;
    let mut entry = json!({
        "name": name, "cat": category, "pid": event.pid, "tid": event.tid, "ts": microseconds(event.start - origin), "args": arguments,
    });
    if event.kind.is_instant() {
        entry["ph"] = json!("i");
        entry["s"] = json!("t");
    } else {
        entry["ph"] = json!("X");
        entry["dur"] = json!(microseconds(event.duration));
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events() {
        let mut out = Vec::new();
        write(&mut out, &crate::trace::tree::sample()).unwrap();
        let file: Value = serde_json::from_slice(&out).unwrap();
        let events = file["traceEvents"].as_array().unwrap();
        let expected = json!({
            "name": "fib", "cat": "function", "ph": "X", "pid": 10, "tid": 10, "ts": 0.3, "dur": 0.2,
            "args": { "file": "/srv/a.py", "line": 1 },
        });
        assert_eq!(events[0], expected);
        let phases: Vec<&str> = events.iter().map(|event| event["ph"].as_str().unwrap()).collect();
        assert_eq!(phases, ["X", "X", "i", "X", "X", "X", "X", "X", "X", "i", "i"]);
        assert_eq!(events[6]["name"], "import json");
        let mut empty = Vec::new();
        write(&mut empty, &Trace::default()).unwrap();
        assert!(serde_json::from_slice::<Value>(&empty).is_ok());
    }
}
