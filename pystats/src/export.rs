//! Counts for other programs: each as a measurement, a name with labels, in JSON, CSV or the text format of OpenMetrics.
//!
//! ```text
//! opcode[LOAD_ATTR].specialization.hit : 5     opcode_specialization_hit {opcode="LOAD_ATTR"} 5
//! opcode[LOAD_ATTR].pair_count[CALL] : 870     opcode_pair_count {opcode="LOAD_ATTR", next="CALL"} 870
//! GC[0] collections: 2                         gc_collections {generation="0"} 2
//! Trace length[32]: 1                          trace_length {le="32"} 1
//! World stops (world_stops): 1                 world_stops {} 1
//! ```

use crate::counts::Counts;
use indexmap::IndexMap;
use serde::Serialize;
use std::io::{self, Write};

/// A count of a dump, taken apart.
#[derive(Debug, PartialEq, Serialize)]
pub struct Measurement {
    /// What is counted: letters, digits and underscores.
    pub name: String,
    /// Of which opcode, generation and so on.
    pub labels: IndexMap<&'static str, String>,
    /// How many.
    pub value: u64,
}

/// All counts, in the order of the dump.
pub fn measurements(counts: &Counts) -> Vec<Measurement> {
    counts.iter().map(|(key, value)| measurement(key, value)).collect()
}

fn measurement(key: &str, value: u64) -> Measurement {
    let mut labels = IndexMap::new();
    let mut words = String::new();
    let mut rest = key;
    while let Some((before, (index, after))) = rest.split_once('[').and_then(|(before, rest)| Some((before, rest.split_once(']')?))) {
        words.push_str(before);
        labels.insert(label(&words, labels.len()), index.to_owned());
        rest = after;
    }
    words.push_str(rest);
    // "Rare event (set_class)", "World stops (world_stops)": what is in parentheses is a name already.
    let words = match words.split_once('(') {
        Some((kind, name)) if kind.starts_with("Rare event") => format!("rare event {name}"),
        Some((_, name)) if name.contains('_') => name.to_owned(),
        _ => words,
    };
    let parts: Vec<&str> = words.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty()).collect();
    Measurement { name: parts.join("_").to_ascii_lowercase(), labels, value }
}

/// What stands in brackets, by the words before it.
fn label(words: &str, earlier: usize) -> &'static str {
    match words {
        "opcode" | "unsupported_opcode" => "opcode",
        "uop" | "uops" | "error_in_opcode" => "uop",
        "GC" => "generation",
        _ if words.ends_with("pair_count") => "next",
        _ if words.ends_with("failure_kinds") => "kind",
        _ if words.starts_with("Calls via") => "kind",
        _ if earlier == 0 => "le",
        _ => "index",
    }
}

/// Writes `[{"name", "labels", "value"}, ...]`.
pub fn json(out: &mut dyn Write, measurements: &[Measurement]) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, measurements)?;
    writeln!(out)
}

/// Writes the columns `name`, `labels` (`key=value` with blanks between) and `value`.
pub fn csv(out: &mut dyn Write, measurements: &[Measurement]) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(["name", "labels", "value"])?;
    for Measurement { name, labels, value } in measurements {
        let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        writer.write_record([name, &labels.join(" "), &value.to_string()])?;
    }
    writer.flush()
}

/// Writes OpenMetrics: each measurement is a counter `limpid_NAME_total`.
pub fn openmetrics(out: &mut dyn Write, measurements: &[Measurement]) -> io::Result<()> {
    let mut families: IndexMap<&str, Vec<&Measurement>> = IndexMap::new();
    for measurement in measurements {
        families.entry(&measurement.name).or_default().push(measurement);
    }
    for (name, family) in families {
        writeln!(out, "# TYPE limpid_{name} counter")?;
        for Measurement { labels, value, .. } in family {
            writeln!(out, "limpid_{name}_total{} {value}", label_set(labels.iter().map(|(key, value)| (*key, value.as_str()))))?;
        }
    }
    writeln!(out, "# EOF")
}

/// Labels as OpenMetrics writes them, nothing if there are none.
pub fn label_set<'a>(labels: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let escape = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let labels: Vec<String> = labels.map(|(key, value)| format!("{key}=\"{}\"", escape(value))).collect();
    if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn every_kind_of_key() {
        let mut counts = Counts::default();
        let dump = "opcode[LOAD_ATTR].specializable : 1\n    opcode[CALL].specialization.failure_kinds[3] : 2\n\
            opcode[CALL].pair_count[POP_TOP] : 870\nCalls to PyEval_EvalDefault: 12\nCalls via PyEval_EvalFrame[0] : 11\n\
            Object materialize dict (on request): 4\nGC[0] object visits: 2\nTrace length[32]: 1\nuops[_NOP].execution_count : 7\n\
            World stops (world_stops): 3\nRare event (set_class): 5\n";
        counts.add(dump, "test");
        let mut out = Vec::new();
        csv(&mut out, &measurements(&counts)).unwrap();
        expect![[r#"
            name,labels,value
            opcode_specializable,opcode=LOAD_ATTR,1
            opcode_specialization_failure_kinds,opcode=CALL kind=3,2
            opcode_pair_count,opcode=CALL next=POP_TOP,870
            calls_to_pyeval_evaldefault,,12
            calls_via_pyeval_evalframe,kind=0,11
            object_materialize_dict_on_request,,4
            gc_object_visits,generation=0,2
            trace_length,le=32,1
            uops_execution_count,uop=_NOP,7
            world_stops,,3
            rare_event_set_class,,5
        "#]]
        .assert_eq(str::from_utf8(&out).unwrap());
    }

    #[test]
    fn labels_are_escaped() {
        assert_eq!(label_set([("a", "\"\\\n")].into_iter()), r#"{a="\"\\\n"}"#);
        assert_eq!(label_set([].into_iter()), "");
    }
}
