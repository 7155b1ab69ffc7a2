//! Folded stacks, a line for each call path with the nanoseconds spent at its end, and the flame graph made of them.

use crate::trace::tree::Trace;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// The lines `outermost;...;innermost nanoseconds`, sorted; the same path in several threads is one line.
pub fn lines(trace: &Trace) -> Vec<String> {
    let mut stacks: BTreeMap<String, u64> = BTreeMap::new();
    for (index, node) in trace.calls().filter(|(_, node)| node.exclusive != 0) {
        let names: Vec<String> = trace.path(index).into_iter().map(|node| label(trace, node)).collect();
        *stacks.entry(names.join(";")).or_default() += node.exclusive;
    }
    stacks.into_iter().map(|(stack, ns)| format!("{stack} {ns}")).collect()
}

/// A frame: the function and its file. Semicolons separate frames, so there is none in it.
fn label(trace: &Trace, node: usize) -> String {
    let function = &trace.functions[trace.nodes[node].function];
    format!("{} ({})", function.name, function.file).replace(';', ",")
}

/// Writes folded stacks.
pub fn write(out: &mut dyn Write, trace: &Trace) -> io::Result<()> {
    lines(trace).iter().try_for_each(|line| writeln!(out, "{line}"))
}

/// Writes a flame graph as SVG. An error if there is nothing to show.
pub fn flame_graph(out: &mut dyn Write, trace: &Trace) -> io::Result<()> {
    graph(out, "Time in Python functions", "ns", &lines(trace))
}

/// Writes a flame graph of folded stacks as SVG; `unit` is what their numbers count. An error if there is nothing to show.
pub fn graph(out: &mut dyn Write, title: &str, unit: &str, lines: &[String]) -> io::Result<()> {
    let mut options = inferno::flamegraph::Options::default();
    options.title = title.to_owned();
    options.count_name = unit.to_owned();
    inferno::flamegraph::from_lines(&mut options, lines.iter().map(String::as_str), out).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::tree::sample;
    use expect_test::expect;

    #[test]
    fn folded() {
        let mut out = Vec::new();
        write(&mut out, &sample()).unwrap();
        expect![[r#"
            main (/srv/a.py) 2700
            main (/srv/a.py);fib (/srv/a.py) 1000
            main (/srv/a.py);fib (/srv/a.py);fib (/srv/a.py) 4000
            main (/srv/a.py);sleep (/srv/a.py) 3000
        "#]]
        .assert_eq(str::from_utf8(&out).unwrap());
    }

    #[test]
    fn svg() {
        let mut out = Vec::new();
        flame_graph(&mut out, &sample()).unwrap();
        let svg = String::from_utf8(out).unwrap();
        assert!(svg.contains("<title>fib (/srv/a.py) (5,000 ns, 46.73%)</title>"), "{svg}");
        assert!(flame_graph(&mut Vec::new(), &Trace::default()).is_err());
    }
}
