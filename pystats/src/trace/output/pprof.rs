//! The format of pprof, `profile.proto`, compressed: calls and nanoseconds of each call path.

use crate::trace::tree::Trace;
use flate2::{Compression, write::GzEncoder};
use indexmap::IndexSet;
use prost::Message;
use std::io::{self, Write};

#[derive(Message)]
struct Profile {
    #[prost(message, repeated, tag = "1")]
    sample_type: Vec<ValueType>,
    #[prost(message, repeated, tag = "2")]
    sample: Vec<Sample>,
    #[prost(message, repeated, tag = "4")]
    location: Vec<Location>,
    #[prost(message, repeated, tag = "5")]
    function: Vec<Function>,
    #[prost(string, repeated, tag = "6")]
    string_table: Vec<String>,
    #[prost(int64, tag = "10")]
    duration_nanos: i64,
}

#[derive(Message)]
struct ValueType {
    #[prost(int64, tag = "1")]
    kind: i64,
    #[prost(int64, tag = "2")]
    unit: i64,
}

#[derive(Message)]
struct Sample {
    /// The innermost first.
    #[prost(uint64, repeated, tag = "1")]
    location_id: Vec<u64>,
    #[prost(int64, repeated, tag = "2")]
    value: Vec<i64>,
    #[prost(message, repeated, tag = "3")]
    label: Vec<Label>,
}

#[derive(Message)]
struct Label {
    #[prost(int64, tag = "1")]
    key: i64,
    #[prost(int64, tag = "3")]
    number: i64,
}

#[derive(Message)]
struct Location {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(message, repeated, tag = "4")]
    line: Vec<Line>,
}

#[derive(Message)]
struct Line {
    #[prost(uint64, tag = "1")]
    function_id: u64,
    #[prost(int64, tag = "2")]
    line: i64,
}

#[derive(Message)]
struct Function {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(int64, tag = "2")]
    name: i64,
    #[prost(int64, tag = "4")]
    filename: i64,
    #[prost(int64, tag = "5")]
    start_line: i64,
}

/// The strings of a profile: the first is empty.
struct Strings(IndexSet<String>);

impl Strings {
    fn number(&mut self, text: &str) -> i64 {
        self.0.insert_full(text.to_owned()).0 as i64
    }
}

/// Writes the profile.
pub fn write(out: &mut dyn Write, trace: &Trace) -> io::Result<()> {
    let mut encoder = GzEncoder::new(out, Compression::default());
    encoder.write_all(&profile(trace).encode_to_vec())?;
    encoder.finish().map(drop)
}

fn profile(trace: &Trace) -> Profile {
    let mut strings = Strings(IndexSet::from([String::new()]));
    let sample_type = [("calls", "count"), ("time", "nanoseconds")]
        .map(|(kind, unit)| ValueType { kind: strings.number(kind), unit: strings.number(unit) })
        .into();
    let thread = strings.number("thread");
    let lines = |function| trace.calls().filter(move |(_, node)| node.function == function).map(|(_, node)| i64::from(node.line));
    let function = trace.functions.iter().enumerate().map(|(index, function)| Function {
        id: index as u64 + 1,
        name: strings.number(&function.name),
        filename: strings.number(&function.file),
        start_line: lines(index).min().unwrap_or(0),
    });
    let function: Vec<Function> = function.collect();
    // A node is a location, with its own number.
    let location = trace.calls().map(|(index, node)| Location {
        id: index as u64,
        line: vec![Line { function_id: node.function as u64 + 1, line: node.line.into() }],
    });
    let sample = trace.calls().map(|(index, node)| Sample {
        location_id: trace.path(index).into_iter().rev().map(|node| node as u64).collect(),
        value: vec![node.calls as i64, node.exclusive as i64],
        label: vec![Label { key: thread, number: node.tid.into() }],
    });
    Profile {
        sample_type,
        sample: sample.collect(),
        location: location.collect(),
        function,
        string_table: strings.0.into_iter().collect(),
        duration_nanos: (trace.seconds * 1e9) as i64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn what_is_written_can_be_read() {
        let mut out = Vec::new();
        write(&mut out, &crate::trace::tree::sample()).unwrap();
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(&out[..]).read_to_end(&mut bytes).unwrap();
        let profile = Profile::decode(&bytes[..]).unwrap();
        assert_eq!(profile.string_table[0], "");
        assert_eq!(profile.sample.len(), 5);
        assert_eq!((&profile.sample[2].location_id[..], &profile.sample[2].value[..]), (&[3, 2, 1][..], &[6, 4000][..]));
        let names: Vec<&str> = profile.function.iter().map(|function| profile.string_table[function.name as usize].as_str()).collect();
        assert_eq!(names, ["main", "fib", "sleep"]);
        assert_eq!(profile.function[0].start_line, 9);
    }
}
