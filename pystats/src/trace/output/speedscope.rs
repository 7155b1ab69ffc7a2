//! The format of <https://www.speedscope.app>: a profile for each thread, with the time at the end of each call path.

use crate::trace::tree::Trace;
use indexmap::IndexMap;
use serde_json::{Value, json};
use std::io::{self, Write};

/// Writes the profile as JSON.
pub fn write(out: &mut dyn Write, trace: &Trace) -> io::Result<()> {
    let mut threads: IndexMap<u32, Vec<usize>> = IndexMap::new();
    for (index, node) in trace.calls().filter(|(_, node)| node.exclusive != 0) {
        threads.entry(node.tid).or_default().push(index);
    }
    let profiles: Vec<Value> = threads.iter().map(|(tid, nodes)| profile(trace, *tid, nodes)).collect();
    let frame = |function: &crate::trace::tree::Function| json!({ "name": function.name, "file": function.file });
    let file = json!({
        "$schema": "https://www.speedscope.app/file-format-schema.json",
        "exporter": "pystats",
        "name": "Time in Python functions",
        "shared": { "frames": trace.functions.iter().map(frame).collect::<Vec<_>>() },
        "profiles": profiles,
    });
    serde_json::to_writer(&mut *out, &file)?;
    writeln!(out)
}

fn profile(trace: &Trace, tid: u32, nodes: &[usize]) -> Value {
    let stack = |&node: &usize| trace.path(node).into_iter().map(|node| trace.nodes[node].function).collect::<Vec<_>>();
    let weights: Vec<u64> = nodes.iter().map(|&node| trace.nodes[node].exclusive).collect();
    json!({
        "type": "sampled",
        "name": format!("thread {tid}"),
        "unit": "nanoseconds",
        "startValue": 0,
        "endValue": weights.iter().sum::<u64>(),
        "samples": nodes.iter().map(stack).collect::<Vec<_>>(),
        "weights": weights,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_for_each_thread() {
        let mut out = Vec::new();
        write(&mut out, &crate::trace::tree::sample()).unwrap();
        let file: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(file["shared"]["frames"][1], json!({ "name": "fib", "file": "/srv/a.py" }));
        let first = &file["profiles"][0];
        assert_eq!((&first["name"], &first["endValue"]), (&json!("thread 10"), &json!(10_000)));
        assert_eq!(first["samples"], json!([[0], [0, 1], [0, 1, 1], [0, 2]]));
        assert_eq!(first["weights"], json!([2000, 1000, 4000, 3000]));
        assert_eq!(file["profiles"][1]["samples"], json!([[0]]));
    }
}
