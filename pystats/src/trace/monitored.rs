//! Following calls without the kernel: `monitor.py` runs in the program and tells of them, by sys.monitoring.
//!
//! What comes through the pipe, numbers in the machine's order:
//!
//! ```text
//!  u32 kind   u32 number             u64 time                 u64 value
//!  DEFINE     the line of its `def`  the code's address       bytes of text that follow: file, NUL, name
//!  START, RESUME, RETURN, YIELD, UNWIND                       the code's address
//!  RAISE      the line                                        bytes of text that follow: the class
//!  COLLECT    the generation                                  0: a collection starts
//!  COLLECTED  the generation                                  how many objects it freed
//!  IMPORT     0                                               bytes of text that follow: the module; its START came before
//!  THREAD     0                                               the thread that what follows is of
//! ```

use super::layout::{BUCKETS, Missed};
use super::received::Received;
use super::session::Options;
use super::tree::{Event, Function, Kind, Node, Trace};
use indexmap::IndexMap;
use std::collections::HashMap;
use std::time::Instant;

/// What runs in the program.
pub const PROGRAM: &str = include_str!("monitor.py");
/// The variable that tells it the pipe.
pub const PIPE: &str = "PYSTATS_TRACE";
/// The variable with the path that the program would have had.
pub const PATH: &str = "PYSTATS_PYTHONPATH";

/// Bytes of a record.
const RECORD: usize = 24;

const DEFINE: u32 = 0;
const START: u32 = 1;
const RESUME: u32 = 2;
const RETURN: u32 = 3;
const YIELD: u32 = 4;
const UNWIND: u32 = 5;
const RAISE: u32 = 6;
const COLLECT: u32 = 7;
const COLLECTED: u32 = 8;
const IMPORT: u32 = 9;
const THREAD: u32 = 10;

/// A call that has not returned.
struct Frame {
    /// 0: there is no room for what it is.
    node: usize,
    start: u64,
    /// Nanoseconds in what it has called.
    called: u64,
    /// The module, if it is being imported.
    module: Option<String>,
}

/// A thread that is followed.
#[derive(Default)]
struct Thread {
    frames: Vec<Frame>,
    /// Calls that are deeper.
    deeper: u64,
    collection: u64,
}

/// Makes a trace of what comes through the pipe.
pub struct Monitored {
    pid: u32,
    paths: usize,
    depth: usize,
    tid: Option<u32>,
    began: Instant,
    /// The start of a record whose end has not come yet.
    rest: Vec<u8>,
    now: u32,
    functions: IndexMap<Function, ()>,
    codes: HashMap<u64, (usize, u32)>,
    nodes: Vec<Node>,
    children: HashMap<(usize, usize, u32), usize>,
    threads: HashMap<u32, Thread>,
    received: Received,
    missed: Missed,
}

impl Monitored {
    /// Nothing has come yet from this process.
    pub fn new(pid: u32, options: &Options) -> Monitored {
        Monitored {
            pid,
            paths: options.paths as usize,
            depth: options.depth as usize,
            tid: options.tid,
            began: Instant::now(),
            rest: Vec::new(),
            now: 0,
            functions: IndexMap::new(),
            codes: HashMap::new(),
            nodes: vec![Node::TOP],
            children: HashMap::new(),
            threads: HashMap::new(),
            received: Received::new(options.events, options.slowest, options.calls, options.sample),
            missed: Missed::default(),
        }
    }

    /// Has the program told anything?
    pub fn is_silent(&self) -> bool {
        self.codes.is_empty()
    }

    /// Takes what has come.
    pub fn take(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
        let all = std::mem::take(&mut self.rest);
        let mut at = 0;
        while let Some(record) = all.get(at..at + RECORD) {
            let half = |from: usize| u32::from_ne_bytes([record[from], record[from + 1], record[from + 2], record[from + 3]]);
            let word = |from: usize| u64::from(half(from)) | u64::from(half(from + 4)) << 32;
            let (kind, number, time, value) = (half(0), half(4), word(8), word(16));
            let length = if matches!(kind, DEFINE | RAISE | IMPORT) { value as usize } else { 0 };
            let Some(text) = all.get(at + RECORD..at + RECORD + length) else { break };
            self.record(kind, number, time, value, &String::from_utf8_lossy(text));
            at += RECORD + length;
        }
        self.rest = all[at..].to_vec();
    }

    fn record(&mut self, kind: u32, number: u32, time: u64, value: u64, text: &str) {
        match kind {
            DEFINE => {
                let (file, name) = text.split_once('\0').unwrap_or(("", text));
                let function = Function { file: file.to_owned(), name: name.to_owned() };
                self.codes.insert(time, (self.functions.insert_full(function, ()).0, number));
            }
            THREAD => self.now = value as u32,
            _ if self.tid.is_some_and(|tid| tid != self.now) => {}
            START | RESUME => self.enter(value, time, kind == RESUME),
            RETURN | YIELD | UNWIND => self.leave(time, kind == UNWIND),
            RAISE => self.event(time, 0, Kind::Exception { class: text.to_owned(), line: number.into() }),
            COLLECT => self.threads.entry(self.now).or_default().collection = time,
            COLLECTED => {
                let start = self.threads.entry(self.now).or_default().collection;
                self.event(start, time.saturating_sub(start), Kind::Collection { generation: number, freed: value as i64 });
            }
            IMPORT => {
                if let Some(frame) = self.threads.entry(self.now).or_default().frames.last_mut() {
                    frame.module = Some(text.to_owned());
                }
            }
            _ => {}
        }
    }

    fn enter(&mut self, code: u64, time: u64, resumed: bool) {
        let thread = self.threads.entry(self.now).or_default();
        if thread.frames.len() >= self.depth {
            thread.deeper += 1;
            self.missed.depth += 1;
            return;
        }
        let parent = thread.frames.iter().rev().map(|frame| frame.node).find(|&node| node != 0).unwrap_or(0);
        let code = self.codes.get(&code).copied();
        let known = code.and_then(|(function, _)| self.children.get(&(parent, function, self.now)).copied());
        let node = match (known, code) {
            (Some(node), _) => node,
            (None, Some((function, line))) if self.nodes.len() <= self.paths => {
                self.nodes.push(Node { parent, function, line, tid: self.now, pid: self.pid, ..Node::TOP });
                self.children.insert((parent, function, self.now), self.nodes.len() - 1);
                self.nodes.len() - 1
            }
            _ => {
                self.missed.nodes += 1;
                0
            }
        };
        if resumed {
            self.nodes[node].resumptions += 1;
        } else {
            self.nodes[node].calls += 1;
        }
        thread.frames.push(Frame { node, start: time, called: 0, module: None });
    }

    fn leave(&mut self, time: u64, unwound: bool) {
        let thread = self.threads.entry(self.now).or_default();
        if thread.deeper != 0 {
            thread.deeper -= 1;
            return;
        }
        let Some(Frame { node, start, called, module }) = thread.frames.pop() else {
            self.missed.returns += 1;
            return;
        };
        let took = time.saturating_sub(start);
        if let Some(caller) = thread.frames.last_mut() {
            caller.called += took;
        }
        if node != 0 {
            let n = &mut self.nodes[node];
            n.inclusive += took;
            n.exclusive += took.saturating_sub(called);
            n.longest = n.longest.max(took);
            n.unwinds += u64::from(unwound);
            n.histogram[bucket(took)] += 1;
            self.received.add(Event { start, duration: took, node, tid: self.now, pid: self.pid, kind: Kind::Call });
        }
        if let Some(module) = module {
            self.event(start, took, Kind::Import { module, found: !unwound });
        }
    }

    fn event(&mut self, start: u64, duration: u64, kind: Kind) {
        let node = self.threads.get(&self.now).and_then(|thread| thread.frames.last()).map_or(0, |frame| frame.node);
        self.received.add(Event { start, duration, node, tid: self.now, pid: self.pid, kind });
    }

    /// The trace.
    pub fn finish(mut self) -> Trace {
        // What was counted where there was no room is not shown.
        self.nodes[0] = Node::TOP;
        let missed = Missed { events: self.received.dropped, ..self.missed };
        let (events, slowest) = self.received.finish();
        let seconds = self.began.elapsed().as_secs_f64();
        Trace { functions: self.functions.into_keys().collect(), nodes: self.nodes, events, slowest, missed, seconds }
    }
}

/// The bucket of a histogram that a duration belongs to, see [`super::layout::middle`].
fn bucket(ns: u64) -> usize {
    if ns < 4 {
        return ns as usize;
    }
    let exponent = ns.ilog2() as usize;
    ((exponent - 1) * 4 + (ns >> (exponent - 2)) as usize % 4).min(BUCKETS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::layout;

    const OPTIONS: Options =
        Options { tid: None, calls: None, slowest: 1, events: 9, buffer: 0, paths: 99, threads: 0, depth: 2, sample: 1 };

    fn record(kind: u32, number: u32, time: u64, value: u64, text: &str) -> Vec<u8> {
        let value = if text.is_empty() { value } else { text.len() as u64 };
        [&kind.to_ne_bytes()[..], &number.to_ne_bytes(), &time.to_ne_bytes(), &value.to_ne_bytes(), text.as_bytes()].concat()
    }

    #[test]
    fn records_become_a_tree() {
        let stream: Vec<u8> = [
            record(THREAD, 0, 0, 7, ""),
            record(DEFINE, 10, 1, 0, "a.py\0main"),
            record(DEFINE, 20, 2, 0, "a.py\0leaf"),
            record(START, 0, 100, 1, ""),
            record(START, 0, 200, 2, ""),
            // Too deep.
            record(START, 0, 210, 2, ""),
            record(RETURN, 0, 220, 2, ""),
            record(YIELD, 0, 250, 2, ""),
            record(RAISE, 12, 260, 0, "OSError"),
            record(RESUME, 0, 300, 2, ""),
            record(UNWIND, 0, 340, 2, ""),
            record(RETURN, 0, 400, 1, ""),
            record(RETURN, 0, 500, 1, ""),
        ]
        .concat();
        let mut monitored = Monitored::new(5, &OPTIONS);
        assert!(monitored.is_silent());
        // However it is cut.
        stream.chunks(7).for_each(|bytes| monitored.take(bytes));
        let trace = monitored.finish();
        let of = |node: usize| {
            let n = &trace.nodes[node];
            (trace.functions[n.function].name.as_str(), n.line, n.parent, n.calls, n.resumptions, n.unwinds, n.inclusive, n.exclusive)
        };
        assert_eq!(of(1), ("main", 10, 0, 1, 0, 0, 300, 210));
        assert_eq!(of(2), ("leaf", 20, 1, 1, 1, 1, 90, 90));
        assert_eq!((trace.missed.depth, trace.missed.returns, trace.slowest[0].duration), (1, 1, 300));
        let kind = Kind::Exception { class: "OSError".to_owned(), line: 12 };
        assert_eq!(trace.events, [Event { start: 260, duration: 0, node: 1, tid: 7, pid: 5, kind }]);
    }

    #[test]
    fn durations_fall_into_their_buckets() {
        for ns in [0, 3, 4, 5, 63, 64, 1000, 123_456_789] {
            let middle = layout::middle(bucket(ns));
            assert!(middle.abs_diff(ns) * 8 <= ns, "{ns}: {middle}");
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }
}
