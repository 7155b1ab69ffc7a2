//! What a trace consists of: a tree of call paths with counters, and single events.

use super::layout::{self, BUCKETS, Counters, Description, Missed};
use hdrhistogram::Histogram;
use indexmap::IndexMap;

/// The digits to which percentiles are kept; the kernel's buckets are coarser, 12 % at most from middle to edge.
const DIGITS: u8 = 3;

/// A Python function.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Function {
    /// Its file.
    pub file: String,
    /// Its qualified name.
    pub name: String,
}

/// A function in a place of the tree: reached from its parent.
#[derive(Clone, Debug)]
pub struct Node {
    /// An index of [`Trace::nodes`], 0 at the top.
    pub parent: usize,
    /// An index of [`Trace::functions`].
    pub function: usize,
    /// The line at which it was entered: that of `def`, or where a generator went on.
    pub line: u32,
    /// The thread.
    pub tid: u32,
    /// The process.
    pub pid: u32,
    /// Calls; a generator is called once, however often it goes on.
    pub calls: u64,
    /// A generator or coroutine went on.
    pub resumptions: u64,
    /// An exception left it.
    pub unwinds: u64,
    /// Nanoseconds from entry to return.
    pub inclusive: u64,
    /// Of these, not in functions that it called.
    pub exclusive: u64,
    /// The longest time from entry to return.
    pub longest: u64,
    /// Times from entry to return, by [`layout::middle`].
    pub histogram: [u32; BUCKETS],
}

/// Something that happened once.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When it began, in nanoseconds of the monotonic clock.
    pub start: u64,
    /// How long it took.
    pub duration: u64,
    /// The call, or the innermost function; an index of [`Trace::nodes`], 0 if that is not known.
    pub node: usize,
    /// The thread.
    pub tid: u32,
    /// The process.
    pub pid: u32,
    /// What it was.
    pub kind: Kind,
}

/// What an event was.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A call of a Python function, or a run of a generator from resumption to yield.
    Call,
    /// A garbage collection.
    Collection { generation: u32, freed: i64 },
    /// All threads stood still.
    WorldStop { reason: String },
    /// A module was found and loaded.
    Import { module: String, found: bool },
    /// An exception was raised.
    Exception { class: String, line: i64 },
    /// The thread waited for a lock of the program.
    LockWait,
    /// Machine code was made of a trace; no bytes: it could not be.
    Compilation { uops: u32, bytes: i64 },
    /// Machine code was left for the interpreter, which goes on in this line.
    MachineCodeLeft { reason: String, line: i64 },
    /// So many traces of the thread are not run any more.
    Invalidation { traces: i64 },
}

impl Kind {
    /// Does it have no duration?
    pub fn is_instant(&self) -> bool {
        matches!(self, Kind::Exception { .. } | Kind::MachineCodeLeft { .. } | Kind::Invalidation { .. })
    }
}

/// A trace.
#[derive(Default, Debug)]
pub struct Trace {
    /// The functions, each once.
    pub functions: Vec<Function>,
    /// The tree: a node comes after its parent. The first stands for what is above all trees.
    pub nodes: Vec<Node>,
    /// In the order in which they ended.
    pub events: Vec<Event>,
    /// The slowest calls, the slowest first.
    pub slowest: Vec<Event>,
    /// What there was no room for.
    pub missed: Missed,
    /// How long the trace took, in seconds.
    pub seconds: f64,
}

/// What a function did on all its paths together.
pub struct Summary {
    /// An index of [`Trace::functions`].
    pub function: usize,
    /// The line of its `def`, the first of those at which it was entered.
    pub line: u32,
    /// See [`Node`].
    pub calls: u64,
    /// See [`Node`].
    pub resumptions: u64,
    /// See [`Node`].
    pub unwinds: u64,
    /// See [`Node`]; of calls within calls of the same function only the outermost.
    pub inclusive: u64,
    /// See [`Node`].
    pub exclusive: u64,
    /// See [`Node`].
    pub longest: u64,
    /// Times from entry to return.
    pub histogram: Histogram<u64>,
}

impl Summary {
    /// Times it ran, from entry to return.
    pub fn runs(&self) -> u64 {
        self.histogram.len()
    }

    /// The time below which this share of the runs took, in nanoseconds.
    pub fn percentile(&self, percentile: f64) -> u64 {
        // The middle of the last bucket may lie beyond what was seen.
        self.histogram.value_at_percentile(percentile).min(self.longest)
    }
}

impl Trace {
    /// Builds the tree from what the kernel has left: node 1 and the following.
    pub fn from_nodes(nodes: impl Iterator<Item = (Description, Counters)>) -> Trace {
        let mut functions: IndexMap<Function, ()> = IndexMap::new();
        let mut tree = vec![Node::TOP];
        for (description, counters) in nodes {
            let function = Function { file: layout::text(&description.file), name: layout::text(&description.function) };
            // A parent is made before its children.
            let parent = Some(description.parent as usize).filter(|&parent| parent < tree.len()).unwrap_or(0);
            tree.push(Node {
                parent,
                function: functions.insert_full(function, ()).0,
                line: description.line,
                tid: description.tid,
                pid: description.tgid,
                calls: counters.calls,
                resumptions: counters.resumptions,
                unwinds: counters.unwinds,
                inclusive: counters.inclusive_ns,
                exclusive: counters.exclusive_ns,
                longest: counters.longest_ns,
                histogram: counters.histogram,
            });
        }
        Trace { functions: functions.into_keys().collect(), nodes: tree, ..Trace::default() }
    }

    /// The nodes of functions, without the one above all.
    pub fn calls(&self) -> impl Iterator<Item = (usize, &Node)> {
        self.nodes.iter().enumerate().skip(1)
    }

    /// The function of a node.
    pub fn function(&self, node: usize) -> Option<&Function> {
        (node != 0).then(|| &self.functions[self.nodes[node].function])
    }

    /// The nodes from the outermost caller to this one.
    pub fn path(&self, node: usize) -> Vec<usize> {
        let up = std::iter::successors(Some(node), |&node| Some(self.nodes[node].parent)).take_while(|&node| node != 0);
        let mut path: Vec<usize> = up.collect();
        path.reverse();
        path
    }

    /// All functions, the one with the most time of its own first.
    pub fn summaries(&self) -> Vec<Summary> {
        let mut summaries: IndexMap<usize, Summary> = IndexMap::new();
        for (index, node) in self.calls() {
            let summary = summaries.entry(node.function).or_insert_with(|| Summary::new(node));
            summary.line = summary.line.min(node.line);
            summary.calls += node.calls;
            summary.resumptions += node.resumptions;
            summary.unwinds += node.unwinds;
            summary.exclusive += node.exclusive;
            summary.longest = summary.longest.max(node.longest);
            let callers = self.path(node.parent);
            if !callers.iter().any(|&caller| self.nodes[caller].function == node.function) {
                summary.inclusive += self.nodes[index].inclusive;
            }
            for (bucket, &count) in node.histogram.iter().enumerate().filter(|&(_, &count)| count != 0) {
                // It grows to the values it is given.
                let _ = summary.histogram.record_n(layout::middle(bucket), count.into());
            }
        }
        let mut summaries: Vec<Summary> = summaries.into_values().collect();
        summaries.sort_by_key(|summary| std::cmp::Reverse(summary.exclusive));
        summaries
    }

    /// Forgets the events, and with them the slowest calls, of functions that are not wanted.
    pub fn retain_events(&mut self, wanted: impl Fn(&Function) -> bool) {
        let (functions, nodes) = (&self.functions, &self.nodes);
        let keep = |event: &Event| event.kind != Kind::Call || (event.node != 0 && wanted(&functions[nodes[event.node].function]));
        self.events.retain(keep);
        self.slowest.retain(keep);
    }
}

impl Node {
    /// What is above all trees.
    pub const TOP: Node = Node {
        parent: 0,
        function: 0,
        line: 0,
        tid: 0,
        pid: 0,
        calls: 0,
        resumptions: 0,
        unwinds: 0,
        inclusive: 0,
        exclusive: 0,
        longest: 0,
        histogram: [0; BUCKETS],
    };
}

impl Summary {
    fn new(node: &Node) -> Summary {
        let mut histogram = Histogram::new(DIGITS).expect("a valid number of digits");
        histogram.auto(true);
        Summary {
            function: node.function,
            line: node.line,
            calls: 0,
            resumptions: 0,
            unwinds: 0,
            inclusive: 0,
            exclusive: 0,
            longest: 0,
            histogram,
        }
    }
}

/// A trace for tests: `main` calls `fib`, which calls itself, and waits in `sleep`; another thread runs `main` too.
#[cfg(test)]
pub fn sample() -> Trace {
    let node = |parent, name: &str, line, tid, calls, inclusive, exclusive| {
        let mut description = Description { parent, line, tid, tgid: 10, file: [0; 256], function: [0; 96] };
        description.file[..9].copy_from_slice(b"/srv/a.py");
        description.function[..name.len()].copy_from_slice(name.as_bytes());
        let mut histogram = [0; BUCKETS];
        histogram[36] = calls as u32;
        let counters = Counters {
            calls,
            resumptions: 0,
            unwinds: 0,
            inclusive_ns: inclusive,
            exclusive_ns: exclusive,
            longest_ns: inclusive,
            histogram,
        };
        (description, counters)
    };
    let nodes = [
        node(0, "main", 9, 10, 1, 10_000, 2_000),
        node(1, "fib", 1, 10, 2, 5_000, 1_000),
        node(2, "fib", 1, 10, 6, 4_000, 4_000),
        node(1, "sleep", 5, 10, 1, 3_000, 3_000),
        node(0, "main", 9, 11, 1, 700, 700),
    ];
    let mut trace = Trace::from_nodes(nodes.into_iter());
    let event = |start, duration, node, kind| Event { start, duration, node, tid: 10, pid: 10, kind };
    trace.events = vec![
        event(1_300, 200, 3, Kind::Call),
        event(1_200, 1_000, 2, Kind::Call),
        event(2_500, 0, 4, Kind::Exception { class: "OSError".to_owned(), line: 6 }),
        event(3_000, 500, 4, Kind::Collection { generation: 2, freed: 7 }),
        event(3_000, 520, 4, Kind::WorldStop { reason: "gc".to_owned() }),
        event(1_000, 10_000, 1, Kind::Call),
        event(1_050, 100, 1, Kind::Import { module: "json".to_owned(), found: true }),
        event(1_060, 20, 1, Kind::LockWait),
        event(1_090, 30, 0, Kind::Compilation { uops: 40, bytes: 1234 }),
        event(1_095, 0, 2, Kind::MachineCodeLeft { reason: "guard_int".to_owned(), line: 3 }),
        event(1_096, 0, 2, Kind::Invalidation { traces: 2 }),
    ];
    trace.slowest = vec![event(1_000, 10_000, 1, Kind::Call), event(1_300, 200, 3, Kind::Call)];
    trace.seconds = 1.5;
    trace
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recursion_counts_once() {
        let trace = sample();
        let names: Vec<_> = trace.functions.iter().map(|function| function.name.as_str()).collect();
        assert_eq!(names, ["main", "fib", "sleep"]);
        let summaries = trace.summaries();
        let found: Vec<_> = summaries.iter().map(|s| (names[s.function], s.calls, s.inclusive, s.exclusive, s.runs())).collect();
        assert_eq!(found, [("fib", 8, 5_000, 5_000, 8), ("sleep", 1, 3_000, 3_000, 1), ("main", 2, 10_700, 2_700, 2)]);
        // Exclusive times add up to all the time that was spent.
        assert_eq!(summaries.iter().map(|s| s.exclusive).sum::<u64>(), 10_700);
    }

    #[test]
    fn paths() {
        assert_eq!(sample().path(3), [1, 2, 3]);
        assert_eq!(sample().path(0), [0; 0]);
    }

    #[test]
    fn events_of_other_functions_go() {
        let mut trace = sample();
        trace.retain_events(|function| function.name == "fib");
        assert_eq!(trace.events.iter().filter(|event| event.kind == Kind::Call).count(), 2);
        assert_eq!(trace.events.len(), 10);
        assert_eq!(trace.slowest.len(), 1);
    }
}
