//! The values of all processes in the text format of OpenMetrics, which Prometheus reads.

use super::process::{Finder, Unit, Value};
use crate::export::label_set;
use crate::live::HELP;
use indexmap::IndexMap;
use std::fmt::Write;

/// The content type of the text.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The values of all processes of this machine that can be read.
pub fn collect(finder: &mut Finder) -> String {
    let processes = finder.all();
    let readings = processes.iter().filter_map(|process| Some((process.pid, process.command.as_str(), process.read().ok()?)));
    text(&readings.collect::<Vec<_>>())
}

/// Metrics are named `limpid_live_NAME` with the unit behind, and labelled with the process; times are in seconds.
fn text(readings: &[(u32, &str, Vec<Value>)]) -> String {
    let mut families: IndexMap<&str, Vec<(String, &Value)>> = IndexMap::new();
    for (pid, command, values) in readings {
        let labels = label_set([("pid", pid.to_string().as_str()), ("command", command)].into_iter());
        for value in values {
            families.entry(&value.name).or_default().push((labels.clone(), value));
        }
    }
    let mut out = format!(
        "# TYPE limpid_live_processes gauge\n# HELP limpid_live_processes Limpid processes that run.\nlimpid_live_processes {}\n",
        readings.len()
    );
    for (name, samples) in families {
        let (_, first) = samples[0];
        let (unit, suffix) = match first.unit {
            Unit::Number => ("", ""),
            Unit::Nanoseconds => ("seconds", "_seconds"),
            Unit::Bytes => ("bytes", "_bytes"),
        };
        let metric = format!("limpid_live_{name}{suffix}");
        let (kind, total) = if first.counter { ("counter", "_total") } else { ("gauge", "") };
        let help = HELP.iter().find(|(known, _)| *known == name).map_or("", |(_, help)| help);
        let _ = writeln!(out, "# TYPE {metric} {kind}");
        if !unit.is_empty() {
            let _ = writeln!(out, "# UNIT {metric} {unit}");
        }
        if !help.is_empty() {
            let _ = writeln!(out, "# HELP {metric} {help}");
        }
        for (labels, value) in samples {
            let _ = match value.unit {
                Unit::Nanoseconds => writeln!(out, "{metric}{total}{labels} {}", value.value as f64 / 1e9),
                _ => writeln!(out, "{metric}{total}{labels} {}", value.value),
            };
        }
    }
    out + "# EOF\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn families() {
        let value = |name: &str, counter, unit, value| Value { name: name.to_owned(), counter, unit, value };
        let readings = [
            (
                7,
                "limpid a.py",
                vec![value("world_stop_time", true, Unit::Nanoseconds, 1_500_000), value("heap_live", false, Unit::Bytes, 9)],
            ),
            (8, "limpid \"b\"", vec![value("world_stop_time", true, Unit::Nanoseconds, 0)]),
        ];
        expect![[r##"
            # TYPE limpid_live_processes gauge
            # HELP limpid_live_processes Limpid processes that run.
            limpid_live_processes 2
            # TYPE limpid_live_world_stop_time_seconds counter
            # UNIT limpid_live_world_stop_time_seconds seconds
            # HELP limpid_live_world_stop_time_seconds Time that all threads stood still.
            limpid_live_world_stop_time_seconds_total{pid="7",command="limpid a.py"} 0.0015
            limpid_live_world_stop_time_seconds_total{pid="8",command="limpid \"b\""} 0
            # TYPE limpid_live_heap_live_bytes gauge
            # UNIT limpid_live_heap_live_bytes bytes
            # HELP limpid_live_heap_live_bytes Bytes of the heap in use after the last collection.
            limpid_live_heap_live_bytes{pid="7",command="limpid a.py"} 9
            # EOF
        "##]]
        .assert_eq(&text(&readings));
    }
}
