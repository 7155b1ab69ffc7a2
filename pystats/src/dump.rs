//! Writing statistics down, in CPython's format: one `key : value` a line.
//!
//! ```text
//! opcode[LOAD_ATTR].specializable : 1
//!     opcode[LOAD_ATTR].specialization.hit : 48211
//!     opcode[LOAD_ATTR].execution_count : 1306
//!     opcode[LOAD_ATTR].specialization.failure_kinds[29] : 3
//! opcode[LOAD_ATTR].pair_count[CALL] : 870
//! Calls to PyEval_EvalDefault: 12
//! Calls via PyEval_EvalFrame[0] : 12
//! Object allocations: 40116
//! GC[0] collections: 2
//! Optimization attempts: 0
//! Trace length[1]: 0
//! uops[_LOAD_FAST].execution_count : 77
//! jit_exit[program.py][12][guard_int] : 3051
//! World stops (world_stops): 1
//! Rare event (set_class): 0
//! ```
//!
//! What belongs to an opcode or a uop is left out where it is zero. Tier 2 is left out where nothing was counted.

use crate::folder;
use crate::model::{Counter, GcStats, Histogram, OpcodeStats, OptimizationStats, Stats};
use std::io::{self, Write};
use std::path::Path;

/// How the runtime calls what is counted by number.
pub struct Names<'a> {
    /// The opcodes, by number.
    pub opcodes: &'a [&'a str],
    /// Is this the generic opcode of a family of specialized ones?
    pub specializable: &'a dyn Fn(u8) -> bool,
    /// The uops of tier 2, by number; empty if there is none.
    pub uops: &'a [&'a str],
}

/// Where machine code was left: file, line, reason, how often; see [`crate::exits`].
pub type Exit = (String, u64, String, u64);

/// Writes statistics into a file; its folder must exist.
pub fn write_file(path: &Path, stats: &Stats, exits: &[Exit], names: &Names) -> io::Result<()> {
    folder::write_atomically(path, |out| write(out, stats, exits, names))
}

/// Writes statistics.
pub fn write(out: &mut dyn Write, stats: &Stats, exits: &[Exit], names: &Names) -> io::Result<()> {
    let opcodes = stats.opcodes.allocated();
    for number in 0..=u8::MAX {
        let opcode = name(names.opcodes, number.into());
        if (names.specializable)(number) {
            writeln!(out, "opcode[{opcode}].specializable : 1")?;
        }
        if let Some(opcodes) = opcodes {
            write_opcode(out, &opcode, &opcodes[usize::from(number)], names.opcodes)?;
        }
    }
    write_counters(out, stats.calls.counters())?;
    for (kind, counter) in stats.calls.eval_calls.iter().enumerate() {
        writeln!(out, "Calls via PyEval_EvalFrame[{kind}] : {}", counter.get())?;
    }
    write_counters(out, stats.objects.counters())?;
    for (generation, gc) in stats.gc.iter().enumerate() {
        for (key, value) in GcStats::counters(gc) {
            writeln!(out, "GC[{generation}] {key}: {value}")?;
        }
    }
    if let Some(optimization) = stats.optimization.allocated() {
        write_optimization(out, optimization, names)?;
    }
    for (file, line, reason, taken) in exits {
        writeln!(out, "jit_exit[{}][{line}][{reason}] : {taken}", file.replace(char::is_control, "?"))?;
    }
    write_counters(out, stats.threads.counters())?;
    write_counters(out, stats.rare_events.counters())
}

fn write_counters(out: &mut dyn Write, counters: impl Iterator<Item = (&'static str, u64)>) -> io::Result<()> {
    for (key, value) in counters {
        writeln!(out, "{key}: {value}")?;
    }
    Ok(())
}

/// The counters that are not zero, with their numbers.
fn counted(counters: &[Counter]) -> impl Iterator<Item = (usize, u64)> {
    counters.iter().map(Counter::get).enumerate().filter(|&(_, value)| value != 0)
}

/// A number that nobody named is written as itself.
fn name(names: &[&str], number: usize) -> String {
    names.get(number).map_or_else(|| number.to_string(), |name| (*name).to_owned())
}

fn write_opcode(out: &mut dyn Write, opcode: &str, stats: &OpcodeStats, opcodes: &[&str]) -> io::Result<()> {
    for (key, value) in stats.counters().filter(|&(_, value)| value != 0) {
        writeln!(out, "    opcode[{opcode}].{key} : {value}")?;
    }
    if let Some(kinds) = stats.failure_kinds.allocated() {
        for (kind, value) in counted(&kinds[..]) {
            writeln!(out, "    opcode[{opcode}].specialization.failure_kinds[{kind}] : {value}")?;
        }
    }
    if let Some(pairs) = stats.pair_count.allocated() {
        for (next, value) in counted(&pairs[..]) {
            writeln!(out, "opcode[{opcode}].pair_count[{}] : {value}", name(opcodes, next))?;
        }
    }
    Ok(())
}

fn write_optimization(out: &mut dyn Write, stats: &OptimizationStats, names: &Names) -> io::Result<()> {
    write_counters(out, stats.counters())?;
    write_histogram(out, "Trace length", &stats.trace_length_hist)?;
    write_histogram(out, "Trace run length", &stats.trace_run_length_hist)?;
    write_histogram(out, "Optimized trace length", &stats.optimized_trace_length_hist)?;
    write_histogram(out, "Trace total memory size", &stats.trace_total_memory_hist)?;
    if let Some(uops) = stats.uops.allocated() {
        for (number, uop) in uops.iter().enumerate() {
            let uop_name = name(names.uops, number);
            for (key, value) in uop.counters().filter(|&(_, value)| value != 0) {
                writeln!(out, "uops[{uop_name}].{key} : {value}")?;
            }
            if let Some(pairs) = uop.pair_count.allocated() {
                for (next, value) in counted(&pairs[..]) {
                    writeln!(out, "uop[{uop_name}].pair_count[{}] : {value}", name(names.uops, next))?;
                }
            }
        }
    }
    if let Some(opcodes) = stats.unsupported_opcode.allocated() {
        for (number, value) in counted(&opcodes[..]) {
            writeln!(out, "unsupported_opcode[{}].count : {value}", name(names.opcodes, number))?;
        }
    }
    if let Some(uops) = stats.error_in_opcode.allocated() {
        for (number, value) in counted(&uops[..]) {
            writeln!(out, "error_in_opcode[{}].count : {value}", name(names.uops, number))?;
        }
    }
    Ok(())
}

fn write_histogram(out: &mut dyn Write, key: &str, histogram: &Histogram) -> io::Result<()> {
    for (bound, value) in histogram.buckets() {
        writeln!(out, "{key}[{bound}]: {value}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure_kinds::attr;
    use crate::model::EvalCall;
    use expect_test::expect;

    const NAMES: Names =
        Names { opcodes: &["CACHE", "LOAD_ATTR", "CALL"], specializable: &|opcode| opcode == 1, uops: &["_NOP", "_LOAD_FAST"] };

    fn written(stats: &Stats) -> String {
        let mut dump = Vec::new();
        write(&mut dump, stats, &[("a.py".to_owned(), 12, "guard_int".to_owned(), 9)], &NAMES).unwrap();
        String::from_utf8(dump).unwrap()
    }

    #[test]
    fn format() {
        let stats = Stats::default();
        let load_attr = &stats.opcodes.get()[1];
        load_attr.execution_count.add(1306);
        load_attr.hit.add(48211);
        load_attr.fail(attr::NOT_IN_KEYS);
        load_attr.pair_count.get()[2].add(870);
        stats.opcodes.get()[200].execution_count.increment();
        stats.calls.eval(EvalCall::Generator);
        stats.gc[2].collections.increment();
        stats.threads.world_stops.add(3);
        let dump = written(&stats);
        let counted: String = dump.split_inclusive('\n').filter(|line| !line.ends_with(": 0\n")).collect();
        expect![[r#"
            opcode[LOAD_ATTR].specializable : 1
                opcode[LOAD_ATTR].specialization.failure : 1
                opcode[LOAD_ATTR].specialization.hit : 48211
                opcode[LOAD_ATTR].execution_count : 1306
                opcode[LOAD_ATTR].specialization.failure_kinds[29] : 1
            opcode[LOAD_ATTR].pair_count[CALL] : 870
                opcode[200].execution_count : 1
            Calls via PyEval_EvalFrame[2] : 1
            GC[2] collections: 1
            jit_exit[a.py][12][guard_int] : 9
            World stops (world_stops): 3
        "#]]
        .assert_eq(&counted);
    }

    #[test]
    fn tier_2_only_if_counted() {
        let stats = Stats::default();
        assert!(!written(&stats).contains("Optimization"));
        let optimization = stats.optimization.get();
        optimization.attempts.increment();
        optimization.trace_length_hist.record(20);
        optimization.uops.get()[1].execution_count.add(5);
        optimization.uops.get()[1].pair_count.get()[1].add(4);
        optimization.unsupported_opcode.get()[2].increment();
        let dump = written(&stats);
        for line in [
            "Optimization attempts: 1",
            "JIT code size: 0",
            "Trace length[32]: 1",
            "uops[_LOAD_FAST].execution_count : 5",
            "uop[_LOAD_FAST].pair_count[_LOAD_FAST] : 4",
            "unsupported_opcode[CALL].count : 1",
        ] {
            assert!(dump.lines().any(|other| other == line), "{line}");
        }
    }

    #[test]
    fn a_file() {
        let directory = std::env::temp_dir().join(format!("pystats-dump-{}", std::process::id()));
        std::fs::create_dir(&directory).unwrap();
        let stats = Stats::default();
        stats.calls.frames_pushed.add(7);
        let (first, second) = (folder::new_path(&directory, "txt"), folder::new_path(&directory, "txt"));
        assert_ne!(first, second);
        write_file(&first, &stats, &[], &NAMES).unwrap();
        assert!(std::fs::read_to_string(first).unwrap().contains("Frames pushed: 7\n"));
        std::fs::remove_dir_all(&directory).unwrap();
        assert!(write_file(&second, &stats, &[], &NAMES).is_err());
    }
}
