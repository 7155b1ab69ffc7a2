//! What a report contains, computed as CPython's `summarize_stats` does.

use super::{Cell, Section, Table};
use crate::counts::{Counts, Instruction, Instructions};
use crate::failure_kinds::{self, Version};
use crate::model::EVAL_CALLS;
use hdrhistogram::Histogram;
use indexmap::IndexMap;
use std::cmp::Reverse;

/// Digits that a percentile is exact to.
const PERCENTILE_DIGITS: u8 = 3;

/// How long the lists of a report may be.
pub struct Limits {
    /// Pairs.
    pub pairs: usize,
    /// Predecessors and successors of an opcode.
    pub neighbours: usize,
    /// Opcodes by deferrals and by misses.
    pub top: usize,
    /// Places where machine code is left.
    pub exits: usize,
}

impl Limits {
    /// What people want to read.
    pub const READABLE: Limits = Limits { pairs: 100, neighbours: 5, top: 10, exits: 50 };
    /// All there is.
    pub const NONE: Limits = Limits { pairs: usize::MAX, neighbours: usize::MAX, top: usize::MAX, exits: usize::MAX };
}

/// All sections, in order.
pub fn all(counts: &Counts, limits: &Limits) -> Vec<Section> {
    let opcodes = counts.instructions("opcode");
    vec![
        execution_counts(&opcodes),
        pair_counts(&opcodes, opcodes.executed(), "Tier 1 instruction", limits.pairs),
        neighbours(&opcodes, limits.neighbours),
        specialization(&opcodes, counts.version()),
        effectiveness(&opcodes, limits.top),
        calls(counts),
        objects(counts),
        gc(counts),
        optimization(counts, limits.pairs),
        jit_exits(counts, limits.exits),
        threads(counts),
        rare_events(counts),
        meta(counts),
    ]
}

fn text(text: impl Into<String>) -> Cell {
    Cell::Text(text.into())
}

/// A section with one table.
fn section(title: &str, summary: &str, doc: &str, table: Table) -> Section {
    Section { title: title.to_owned(), summary: summary.to_owned(), doc: doc.to_owned(), tables: vec![table], sections: Vec::new() }
}

/// Sorts by count, the greatest first; equal ones stay in order.
fn sort_by_count<T>(rows: &mut [T], count: impl Fn(&T) -> u64) {
    rows.sort_by_key(|row| Reverse(count(row)));
}

fn execution_table(instructions: &Instructions) -> Table {
    let total = instructions.executed();
    let mut counted: Vec<(&String, u64, u64)> = Vec::new();
    for (name, instruction) in &instructions.0 {
        if let Some(count) = instruction.execution_count {
            let misses = if instruction.specializable { 0 } else { instruction.specialization("miss") };
            counted.push((name, count, misses));
        }
    }
    counted.sort_by_key(|&(_, count, misses)| Reverse((count, misses)));
    let mut cumulative = 0;
    let rows = counted.into_iter().map(|(name, count, misses)| {
        cumulative += count;
        vec![
            text(name),
            Cell::Count(count),
            Cell::Share(count, total),
            Cell::Share(cumulative, total),
            if misses == 0 { Cell::Empty } else { Cell::Share(misses, count) },
        ]
    });
    Table { columns: vec!["Name", "Count", "Self", "Cumulative", "Miss ratio"], rows: rows.collect() }
}

fn execution_counts(opcodes: &Instructions) -> Section {
    section(
        "Execution counts",
        "Execution counts for Tier 1 instructions.",
        "The miss ratio is the share of executions in which the guards of a specialized instruction did not hold; the \
         generic instruction that runs instead is not counted.",
        execution_table(opcodes),
    )
}

/// Where machine code was left: `jit_exit[FILE][LINE][REASON]`.
fn jit_exits(counts: &Counts, limit: usize) -> Section {
    let mut exits: Vec<(String, &str, u64)> = Vec::new();
    for (key, taken) in counts.iter() {
        let words = key.strip_prefix("jit_exit[").and_then(|rest| rest.strip_suffix(']')).map(|rest| rest.rsplitn(3, "]["));
        let Some([Some(reason), Some(line), Some(file)]) = words.map(|mut words| [words.next(), words.next(), words.next()]) else {
            continue;
        };
        exits.push((format!("{file}:{line}"), reason, taken));
    }
    sort_by_count(&mut exits, |&(.., taken)| taken);
    let total = exits.iter().map(|&(.., taken)| taken).sum();
    let rows = exits.into_iter().take(limit);
    let rows = rows.map(|(place, reason, taken)| vec![text(place), text(reason), Cell::Count(taken), Cell::Share(taken, total)]);
    section(
        "JIT exits",
        "Where machine code was left for the interpreter, and which expectation did not hold.",
        "An exit that is taken often gets machine code of its own and is none any more.",
        Table { columns: vec!["Line", "Reason", "Count", "Share"], rows: rows.collect() },
    )
}

fn pair_counts(instructions: &Instructions, total: u64, kind: &str, limit: usize) -> Section {
    let mut pairs: Vec<(String, u64)> = Vec::new();
    for (first, instruction) in &instructions.0 {
        let counted = instruction.pairs.iter().filter(|(_, count)| *count != 0);
        pairs.extend(counted.map(|(second, count)| (format!("{first} {second}"), *count)));
    }
    sort_by_count(&mut pairs, |&(_, count)| count);
    let mut cumulative = 0;
    let rows = pairs.into_iter().take(limit).map(|(pair, count)| {
        cumulative += count;
        vec![text(pair), Cell::Count(count), Cell::Share(count, total), Cell::Share(cumulative, total)]
    });
    section(
        "Pair counts",
        &format!("Pair counts for the top {limit} {kind} pairs."),
        "A specialized instruction whose guards did not hold and the generic one that runs instead are not a pair.",
        Table { columns: vec!["Pair", "Count", "Self", "Cumulative"], rows: rows.collect() },
    )
}

fn neighbours(opcodes: &Instructions, limit: usize) -> Section {
    let mut predecessors: IndexMap<&str, Vec<(&str, u64)>> = IndexMap::new();
    let mut successors: IndexMap<&str, Vec<(&str, u64)>> = IndexMap::new();
    for (first, instruction) in &opcodes.0 {
        for (second, count) in instruction.pairs.iter().filter(|(_, count)| *count != 0) {
            predecessors.entry(second).or_default().push((first, *count));
            successors.entry(first).or_default().push((second, *count));
        }
    }
    let table = |columns, neighbours: Option<&Vec<(&str, u64)>>| {
        let mut sorted = neighbours.cloned().unwrap_or_default();
        let total = sorted.iter().map(|(_, count)| count).sum();
        sort_by_count(&mut sorted, |&(_, count)| count);
        let row = |(name, count)| vec![text(name), Cell::Count(count), Cell::Share(count, total)];
        Table { columns, rows: sorted.into_iter().take(limit).map(row).collect() }
    };
    let sections = opcodes.0.keys().map(|opcode| Section {
        title: opcode.clone(),
        summary: format!("Predecessors and successors of {opcode}."),
        tables: vec![
            table(vec!["Predecessors", "Count", "Percentage"], predecessors.get(opcode.as_str())),
            table(vec!["Successors", "Count", "Percentage"], successors.get(opcode.as_str())),
        ],
        ..Section::default()
    });
    Section {
        title: "Predecessor/Successor Pairs".to_owned(),
        summary: format!("Top {limit} predecessors and successors of each Tier 1 opcode."),
        doc: "The generic instruction that runs when the guards of a specialized one do not hold is not included.".to_owned(),
        sections: sections.filter(|section| !section.is_empty()).collect(),
        ..Section::default()
    }
}

fn specialization(opcodes: &Instructions, version: Version) -> Section {
    let mut families: Vec<(&String, &Instruction)> = opcodes.0.iter().collect();
    families.retain(|(_, family)| family.specializable && family_total(family) != 0);
    families.sort_by_key(|(name, _)| *name);
    let sections = families.into_iter().map(|(name, family)| Section {
        title: name.clone(),
        summary: format!("Specialization stats for the {name} family."),
        tables: vec![outcome_table(family), success_table(family), failure_kind_table(name, family, version)],
        ..Section::default()
    });
    Section {
        title: "Specialization stats".to_owned(),
        summary: "Specialization stats by family.".to_owned(),
        sections: sections.collect(),
        ..Section::default()
    }
}

/// How often an instruction of the family was executed, specialized or not.
fn family_total(family: &Instruction) -> u64 {
    let executed = family.execution_count.unwrap_or(0);
    family.specialization("hit") + family.specialization("miss") + executed
}

fn outcome_table(family: &Instruction) -> Table {
    let total = family_total(family);
    let outcomes = family.specialization.iter().filter_map(|(name, &count)| {
        let explanation = match name.as_str() {
            "deferred" => "Executions of the generic instruction until the next attempt to specialize.",
            "hit" => "Executions of specialized instructions that completed.",
            "miss" => "Executions of specialized instructions whose guards did not hold.",
            "deopt" => "Specialized instructions that became the generic one after too many misses.",
            _ => return None,
        };
        let label = Cell::Explained(name.clone(), explanation);
        Some(vec![label, Cell::Count(count), Cell::Share(count, total)])
    });
    Table { columns: vec!["Kind", "Count", "Ratio"], rows: outcomes.collect() }
}

fn success_table(family: &Instruction) -> Table {
    let attempts = [("Success", family.specialization("success")), ("Failure", family.specialization("failure"))];
    let total = attempts.iter().map(|(_, count)| count).sum();
    let rows = attempts.map(|(label, count)| vec![text(label), Cell::Count(count), Cell::Share(count, total)]);
    let rows = if total == 0 { Vec::new() } else { rows.into() };
    Table { columns: vec!["Success", "Count", "Ratio"], rows }
}

fn failure_kind_table(name: &str, family: &Instruction, version: Version) -> Table {
    let total = family.specialization("failure");
    let mut kinds = family.failure_kinds.clone();
    kinds.retain(|&(_, count)| count != 0);
    kinds.sort_by_key(|&(kind, count)| (Reverse(count), kind));
    let rows = kinds.into_iter().map(|(kind, count)| {
        let label = failure_kinds::describe(version, name, kind);
        vec![text(label), Cell::Count(count), Cell::Share(count, total)]
    });
    Table { columns: vec!["Failure kind", "Count", "Ratio"], rows: rows.collect() }
}

fn effectiveness(opcodes: &Instructions, limit: usize) -> Section {
    let (mut basic, mut generic, mut hits, mut misses) = (0, 0, 0, 0);
    for (name, instruction) in &opcodes.0 {
        let Some(count) = instruction.execution_count else {
            continue;
        };
        if instruction.specializable {
            generic += count;
        } else if opcodes.is_specialized(name) {
            let missed = instruction.specialization("miss");
            hits += count.saturating_sub(missed);
            misses += missed;
        } else {
            basic += count;
        }
    }
    let total = opcodes.executed();
    let kinds = [
        ("Basic", "Instructions that cannot be specialized, such as LOAD_FAST.", basic),
        ("Not specialized", "Instructions that could be specialized but are not, such as LOAD_ATTR.", generic),
        ("Specialized hits", "Specialized instructions, such as LOAD_ATTR_MODULE, that completed.", hits),
        ("Specialized misses", "Specialized instructions, such as LOAD_ATTR_MODULE, whose guards did not hold.", misses),
    ];
    let rows = kinds.map(|(label, explanation, count)| {
        vec![Cell::Explained(label.to_owned(), explanation), Cell::Count(count), Cell::Share(count, total)]
    });
    let rows = if total == 0 { Vec::new() } else { rows.into() };
    let mut effectiveness = section(
        "Specialization effectiveness",
        "Specialization effectiveness.",
        "Execution counts, which add up to the number of Tier 1 instructions executed.",
        Table { columns: vec!["Instructions", "Count", "Ratio"], rows },
    );
    let deferred = opcodes.0.iter().filter(|(name, _)| *name != "RESUME");
    let missed = opcodes.0.iter().filter(|(_, instruction)| !instruction.specializable);
    effectiveness.sections = vec![
        section(
            "Deferred by instruction",
            "Breakdown of deferred (not specialized) instruction counts by family.",
            "",
            top_table(deferred.map(|(name, instruction)| (name, instruction.specialization("deferred"))), limit),
        ),
        section(
            "Misses by instruction",
            "Breakdown of misses (specialized deopts) by instruction.",
            "",
            top_table(missed.map(|(name, instruction)| (name, instruction.specialization("miss"))), limit),
        ),
    ];
    effectiveness
}

fn top_table<'a>(counts: impl Iterator<Item = (&'a String, u64)>, limit: usize) -> Table {
    let mut counts: Vec<_> = counts.filter(|&(_, count)| count != 0).collect();
    let total = counts.iter().map(|(_, count)| count).sum();
    sort_by_count(&mut counts, |&(_, count)| count);
    let row = |(name, count)| vec![text(name), Cell::Count(count), Cell::Share(count, total)];
    Table { columns: vec!["Name", "Count", "Ratio"], rows: counts.into_iter().take(limit).map(row).collect() }
}

fn calls(counts: &Counts) -> Section {
    let mut sorted: Vec<(&str, u64)> = counts.iter().collect();
    sorted.sort();
    let total = sorted.iter().filter(|(key, _)| key.starts_with("Calls to")).map(|(_, count)| count).sum();
    let label = |key: &str| match key.split_once('[') {
        Some((name, number)) => {
            let kind = number.strip_suffix(']').and_then(|number| EVAL_CALLS.get(number.parse::<usize>().ok()?));
            format!("{name} ({})", kind.unwrap_or(&number))
        }
        None => key.to_owned(),
    };
    let with = |prefix| sorted.iter().filter(move |(key, _)| key.starts_with(prefix));
    let rows =
        with("Calls ").chain(with("Frame")).map(|&(key, count)| vec![text(label(key)), Cell::Count(count), Cell::Share(count, total)]);
    section(
        "Call stats",
        "Inlined calls and frame stats.",
        "Which share of the calls of Python functions stayed within the interpreter loop, and where the others came \
         from; the categories overlap. And how many frames were needed as objects.",
        Table { columns: vec!["", "Count", "Ratio"], rows: rows.collect() },
    )
}

fn objects(counts: &Counts) -> Section {
    let sum = |keys: &[&str]| keys.iter().filter_map(|key| counts.get(key)).sum();
    let changes = |suffix| counts.iter().filter(|(key, _)| key.starts_with("Object ") && key.ends_with(suffix)).map(|(_, n)| n).sum();
    // Arrays of attribute values were separate objects, "new values", in 3.12.
    let values: u64 = sum(&["Object inline values", "Object new values"]);
    let allocations: u64 = sum(&["Object allocations", "Object allocations from freelist"]);
    let (increfs, decrefs): (u64, u64) = (changes("increfs"), changes("decrefs"));
    let rows = counts.iter().filter_map(|(key, count)| {
        let label = key.strip_prefix("Object ")?;
        let whole = [("materialize", values), ("allocations", allocations), ("increfs", increfs), ("decrefs", decrefs)];
        let whole = whole.into_iter().find(|(word, _)| label.contains(word));
        let share = whole.map_or(Cell::Empty, |(_, whole)| Cell::Share(count, whole));
        Some(vec![text(capitalize(label)), Cell::Count(count), share])
    });
    section(
        "Object stats",
        "Allocations, frees and dict materializations.",
        "\"Allocations\" are those that are not from a freelist. \"Inline values\" are the attributes of objects that \
         are stored in the object itself. Hits and misses of the method cache are split by whether the name starts and \
         ends with two underscores.",
        Table { columns: vec!["", "Count", "Ratio"], rows: rows.collect() },
    )
}

fn capitalize(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}

fn gc(counts: &Counts) -> Section {
    let mut generations: Vec<IndexMap<&str, u64>> = Vec::new();
    for (key, count) in counts.iter() {
        let Some((generation, field)) = key.strip_prefix("GC[").and_then(|rest| rest.split_once("] ")) else {
            continue;
        };
        // A generation is a small number; anything else is not a dump's.
        let Some(generation) = generation.parse().ok().filter(|&generation: &usize| generation < 16) else {
            continue;
        };
        generations.resize_with(generations.len().max(generation + 1), IndexMap::new);
        generations[generation].insert(field, count);
    }
    let fields = [
        ("Collections", "collections"),
        ("Objects collected", "objects collected"),
        ("Object visits", "object visits"),
        ("Reachable from roots", "objects reachable from roots"),
        ("Not reachable from roots", "objects not reachable from roots"),
    ];
    let mut columns = vec!["Generation"];
    columns.extend(fields.map(|(column, _)| column));
    let rows = generations.into_iter().enumerate().map(|(number, generation)| {
        let cells = fields.map(|(_, field)| generation.get(field).map_or(Cell::Empty, |&count| Cell::Count(count)));
        [Cell::Count(number as u64)].into_iter().chain(cells).collect()
    });
    section(
        "GC stats",
        "GC collections and effectiveness.",
        "Collected by visits is a measure of efficiency.",
        Table { columns, rows: rows.collect() },
    )
}

fn optimization(counts: &Counts, pairs: usize) -> Section {
    let title = "Optimization (Tier 2) stats".to_owned();
    let summary = "Statistics about the Tier 2 optimizer.".to_owned();
    if counts.get("Optimization attempts").is_none() {
        return Section { title, summary, ..Section::default() };
    }
    let uops = counts.instructions("uops");
    let distribution = |name: &str, whole: Option<u64>| {
        let buckets = histogram(counts, name);
        let mut section = section(&format!("{name} histogram"), &format!("{name} histogram."), "", histogram_table(&buckets, whole));
        section.tables.push(percentile_table(&buckets));
        section
    };
    let created = Some(counts.get("Optimization traces created").unwrap_or(0));
    let executed = Some(counts.get("Optimization traces executed").unwrap_or(0));
    let mut memory = counted_table(counts, JIT_MEMORY);
    memory.columns[1] = "Size (bytes)";
    Section {
        title,
        summary,
        doc: String::new(),
        tables: vec![counted_table(counts, TRACES), counted_table(counts, OPTIMIZER)],
        sections: vec![
            section("JIT memory stats", "JIT memory stats.", "", memory),
            distribution("Trace total memory size", None),
            distribution("Trace length", created),
            distribution("Optimized trace length", created),
            distribution("Trace run length", executed),
            section("Uop execution stats", "Uop execution stats.", "", execution_table(&uops)),
            Section { title: "Uop pair counts".to_owned(), ..pair_counts(&counts.instructions("uop"), uops.executed(), "uop", pairs) },
            section("Unsupported opcodes", "Opcodes that a trace cannot contain.", "", met_table(counts, "unsupported_opcode")),
            section(
                "Optimizer errored out with opcode",
                "Opcodes at which optimization stopped.",
                "",
                met_table(counts, "error_in_opcode"),
            ),
        ],
    }
}

/// A row of a table of plain counts: label, explanation, key, and the key of what it is a share of.
type Row = (&'static str, &'static str, &'static str, Option<&'static str>);

const ATTEMPTS: Option<&str> = Some("Optimization attempts");

#[rustfmt::skip]
const TRACES: &[Row] = &[
    ("Optimization attempts", "How often a place was hot enough for a trace.", "Optimization attempts", None),
    ("Traces created", "Traces that were made.", "Optimization traces created", ATTEMPTS),
    ("Trace stack overflow", "A trace was cut because it went too many frames deep.", "Optimization trace stack overflow", ATTEMPTS),
    ("Trace stack underflow", "A trace was given up because it left the frame it started in.", "Optimization trace stack underflow", ATTEMPTS),
    ("Trace too long", "A trace was cut because it grew too long.", "Optimization trace too long", ATTEMPTS),
    ("Trace too short", "A trace was given up because it was too short.", "Optimization trace too short", ATTEMPTS),
    ("Inner loop found", "A trace was cut at an inner loop.", "Optimization inner loop", ATTEMPTS),
    ("Recursive call", "A trace was cut at a recursive call.", "Optimization recursive call", ATTEMPTS),
    ("Low confidence", "A trace was given up because it is unlikely to be followed to its end.", "Optimization low confidence", ATTEMPTS),
    ("Unknown callee", "A trace was given up because it calls something unknown.", "Optimization unknown callee", ATTEMPTS),
    ("Executors invalidated", "Executors thrown away because what they rely on changed.", "Executors invalidated", Some("Optimization traces created")),
    ("Traces executed", "How often a trace was entered.", "Optimization traces executed", None),
    ("Uops executed", "Micro-operations run; the ratio is how many each time a trace was entered.", "Optimization uops executed", Some("Optimization traces executed")),
];

const OPTIMIZED: Option<&str> = Some("Optimization optimizer attempts");

#[rustfmt::skip]
const OPTIMIZER: &[Row] = &[
    ("Optimizer attempts", "How often the trace optimizer ran.", "Optimization optimizer attempts", None),
    ("Optimizer successes", "How often it made a better trace.", "Optimization optimizer successes", OPTIMIZED),
    ("Optimizer no memory", "How often it ran out of memory.", "Optimization optimizer failure no memory", OPTIMIZED),
    ("Remove globals builtins changed", "The builtins had changed.", "Optimizer remove globals builtins changed", OPTIMIZED),
    ("Remove globals incorrect keys", "The keys of the globals were not the expected ones.", "Optimizer remove globals incorrect keys", OPTIMIZED),
];

const MEMORY: Option<&str> = Some("JIT total memory size");

#[rustfmt::skip]
const JIT_MEMORY: &[Row] = &[
    ("Total memory size", "All memory for machine code.", "JIT total memory size", None),
    ("Code size", "Machine code.", "JIT code size", MEMORY),
    ("Trampoline size", "Trampolines.", "JIT trampoline size", MEMORY),
    ("Data size", "Data.", "JIT data size", MEMORY),
    ("GOT size", "Addresses of things far away.", "JIT GOT size", MEMORY),
    ("Padding size", "Padding.", "JIT padding size", MEMORY),
    ("Freed memory size", "Memory given back.", "JIT freed memory size", MEMORY),
];

/// The rows whose keys the dumps have: no version has all.
fn counted_table(counts: &Counts, rows: &[Row]) -> Table {
    let rows = rows.iter().filter_map(|&(label, explanation, key, whole)| {
        let count = counts.get(key)?;
        let ratio = match whole.map(|whole| counts.get(whole).unwrap_or(0)) {
            None => Cell::Empty,
            Some(executed) if label == "Uops executed" => Cell::Average(count, executed),
            Some(whole) => Cell::Share(count, whole),
        };
        Some(vec![Cell::Explained(label.to_owned(), explanation), Cell::Count(count), ratio])
    });
    Table { columns: vec!["", "Count", "Ratio"], rows: rows.collect() }
}

/// The buckets of a histogram: the upper bound of each and how many values it has.
fn histogram(counts: &Counts, name: &str) -> Vec<(u64, u64)> {
    let bucket = |(key, count): (&str, u64)| {
        let bound = key.strip_prefix(name)?.strip_prefix('[')?.strip_suffix(']')?;
        Some((bound.parse().ok()?, count))
    };
    let mut buckets: Vec<(u64, u64)> = counts.iter().filter_map(bucket).collect();
    buckets.sort();
    buckets
}

/// The buckets from the first to the last that is not empty, as shares of `whole`, or of all of them.
fn histogram_table(buckets: &[(u64, u64)], whole: Option<u64>) -> Table {
    let total = whole.unwrap_or_else(|| buckets.iter().map(|(_, count)| count).sum());
    let counted = |&(_, count): &(u64, u64)| count != 0;
    let start = buckets.iter().position(counted).unwrap_or(buckets.len());
    let end = buckets.iter().rposition(counted).map_or(start, |last| last + 1);
    let row = |&(bound, count): &(u64, u64)| {
        vec![text(format!("<= {}", Cell::Count(bound).show())), Cell::Count(count), Cell::Share(count, total)]
    };
    Table { columns: vec!["Range", "Count", "Ratio"], rows: buckets[start..end].iter().map(row).collect() }
}

/// The bound of the bucket in which a percentile lies.
fn percentile_table(buckets: &[(u64, u64)]) -> Table {
    let mut histogram = Histogram::<u64>::new(PERCENTILE_DIGITS).expect("a valid number of digits");
    histogram.auto(true);
    for &(bound, count) in buckets.iter().filter(|&&(_, count)| count != 0) {
        // It grows to the values it is given.
        let _ = histogram.record_n(bound, count);
    }
    let percentiles = if histogram.is_empty() { &[][..] } else { &[50.0, 90.0, 99.0, 100.0] };
    let row = |&percentile: &f64| {
        // A bound is a power of two, and so the lowest of the values that the histogram does not tell apart.
        let bound = histogram.lowest_equivalent(histogram.value_at_percentile(percentile));
        vec![text(format!("{percentile}%")), Cell::Count(bound)]
    };
    Table { columns: vec!["Percentile", "Up to"], rows: percentiles.iter().map(row).collect() }
}

fn met_table(counts: &Counts, prefix: &str) -> Table {
    let instructions = counts.instructions(prefix);
    let mut met: Vec<_> = instructions.0.iter().map(|(name, instruction)| (name, instruction.count)).collect();
    met.retain(|&(_, count)| count != 0);
    sort_by_count(&mut met, |&(_, count)| count);
    let rows = met.into_iter().map(|(name, count)| vec![text(name), Cell::Count(count)]);
    Table { columns: vec!["Opcode", "Count"], rows: rows.collect() }
}

const THREADS: &[Row] = &[
    ("Mutex sleeps", "A thread slept because another one held a lock of the runtime.", "Mutex sleeps (mutex_sleeps)", None),
    ("QSBR polls", "A thread looked whether memory can be given back.", "QSBR polls (qsbr_polls)", None),
    ("World stops", "All threads were stopped.", "World stops (world_stops)", None),
    ("World stop nanoseconds", "How long they stood still.", "World stop nanoseconds (world_stop_ns)", None),
    ("Thread-local bytecode copies", "Code objects copied for a thread.", "Thread-local bytecode copies (tlbc_copies)", None),
];

fn threads(counts: &Counts) -> Section {
    let mut table = counted_table(counts, THREADS);
    for row in &mut table.rows {
        row.truncate(2);
    }
    table.columns.truncate(2);
    section("Thread stats", "What only happens when threads run at the same time.", "", table)
}

fn rare_events(counts: &Counts) -> Section {
    let rows = counts.iter().filter_map(|(key, count)| {
        let event = key.strip_prefix("Rare event (")?.strip_suffix(')')?;
        let label = event.replace('_', " ");
        let label = match explain_rare_event(event) {
            Some(explanation) => Cell::Explained(label, explanation),
            None => Cell::Text(label),
        };
        Some(vec![label, Cell::Count(count)])
    });
    section("Rare events", "Counts of rare and unlikely events.", "", Table { columns: vec!["Event", "Count"], rows: rows.collect() })
}

fn explain_rare_event(event: &str) -> Option<&'static str> {
    Some(match event {
        "set_class" => "The class of an object was set, obj.__class__ = ...",
        "set_bases" => "The bases of a class were set, cls.__bases__ = ...",
        "set_eval_frame_func" => "A frame evaluation function was set (PEP 523).",
        "builtin_dict" => "A name in builtins was set.",
        "func_modification" => "A function was changed, func.__defaults__ = ... for instance.",
        "watched_dict_modification" => "A watched dictionary was changed.",
        "watched_globals_modification" => "Watched globals were changed.",
        _ => return None,
    })
}

fn meta(counts: &Counts) -> Section {
    let rows = vec![vec![text("Number of data files"), Cell::Count(counts.files)]];
    section("Meta stats", "Meta statistics.", "", Table { columns: vec!["", "Count"], rows })
}
