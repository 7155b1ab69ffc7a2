//! Loading the program of `trace.bpf.c` into the kernel, attaching it to the probes of a binary, and reading what it leaves.

use super::layout::{self, Config, Description, LongEvent, Missed, Plain};
use super::received::Received;
use super::tree::{Event, Kind, Trace};
use libbpf_rs::{ErrorKind, Link, Map, MapCore, MapFlags, Object, ObjectBuilder, OpenObject, PrintLevel, RingBuffer, RingBufferBuilder};
use std::cell::RefCell;
use std::fmt::Display;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Made by scripts/bpf.
static PROGRAM: &[u8] = include_bytes!("trace.bpf.o");

/// The probes and the functions of the program that they call. The last is attached first: a return that comes before its entry is
/// known to be one, but an entry without its return would put all that follows in the wrong place.
const PROBES: &[(&str, &str)] = &[
    ("function__entry", "function_entry"),
    ("function__resume", "function_resume"),
    ("function__return", "function_return"),
    ("function__unwind", "function_unwind"),
    ("thread__exit", "thread_exit"),
    ("gc__start", "gc_start"),
    ("gc__done", "gc_done"),
    ("stop__world__start", "stop_start"),
    ("stop__world__done", "stop_done"),
    ("import__find__load__start", "import_start"),
    ("import__find__load__done", "import_done"),
    ("exception__raise", "exception_raise"),
    ("lock__wait__done", "lock_done"),
    ("jit__compile__done", "compile_done"),
    ("jit__exit", "jit_exit"),
    ("jit__invalidate", "invalidate"),
];

/// What is traced, and how much of it there is room for.
pub struct Options {
    /// Only this thread.
    pub tid: Option<u32>,
    /// Each call at least this long, in nanoseconds, becomes an event; None: no call does.
    pub calls: Option<u64>,
    /// Of these, about one of so many.
    pub sample: u32,
    /// How many of the slowest calls are kept.
    pub slowest: usize,
    /// At most this many events are kept; more are counted as missed.
    pub events: usize,
    /// Bytes of the ring buffer, a power of two.
    pub buffer: u32,
    /// Call paths told apart.
    pub paths: u32,
    /// Threads followed at a time.
    pub threads: u32,
    /// Nested calls followed in a thread.
    pub depth: u32,
}

/// Why tracing failed, in words for the user.
#[derive(Debug)]
pub struct Error(String, bool);

impl Error {
    /// Is it for want of a privilege?
    pub fn is_forbidden(&self) -> bool {
        self.1
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

/// A program in the kernel, attached.
pub struct Session<'a> {
    received: Rc<RefCell<Received>>,
    ring: RingBuffer<'a>,
    links: Vec<Link>,
    object: Object,
    began: Instant,
}

impl Session<'_> {
    /// Loads the program and attaches it to the probes of `binary` in the process `pid`.
    pub fn start<'a>(binary: &Path, pid: u32, options: &Options) -> Result<Session<'a>, Error> {
        // What libbpf has to say is for its developers; the errors here are for users.
        libbpf_rs::set_print(None::<(PrintLevel, _)>);
        let object = load(options).map_err(|error| explain("the kernel does not take the tracer", &error))?;
        let received = Rc::new(RefCell::new(Received::new(options.events, options.slowest, options.calls, 1)));
        let mut builder = RingBufferBuilder::new();
        let sink = received.clone();
        let events = map(&object, "events").ok_or_else(|| Error("the tracer has no ring buffer".to_owned(), false))?;
        let add = builder.add(&events, move |bytes| {
            take(&mut sink.borrow_mut(), bytes);
            0
        });
        let failed = |error: libbpf_rs::Error| explain("there is no ring buffer", &error);
        add.map_err(failed)?;
        let ring = builder.build().map_err(failed)?;
        let links = attach(&object, binary, pid)?;
        Ok(Session { received, ring, links, object, began: Instant::now() })
    }

    /// Waits so long for events, and takes those that are there.
    pub fn poll(&self, timeout: Duration) {
        // An interrupted wait is none the worse.
        let _ = self.ring.poll(timeout);
        let _ = self.ring.consume();
        let received = self.received.borrow();
        if let (Some(map), Some(least)) = (map(&self.object, ".data.slow"), received.least()) {
            // Calls that are faster than all that are kept need not be sent. If this fails they are, and ignored.
            let _ = map.update(&0_u32.to_ne_bytes(), &least.to_ne_bytes(), MapFlags::ANY);
        }
    }

    /// Detaches, and reads what was counted.
    pub fn finish(mut self) -> Result<Trace, Error> {
        self.links.clear();
        let seconds = self.began.elapsed().as_secs_f64();
        let _ = self.ring.consume();
        let failed = |error: libbpf_rs::Error| explain("what was counted cannot be read", &error);
        let missed: Missed = self.single(".data.missed").map_err(failed)?;
        let mut nodes = Vec::new();
        let (descriptions, counters) = (map(&self.object, "descriptions"), map(&self.object, "counters"));
        if let (Some(descriptions), Some(counters)) = (descriptions, counters) {
            for node in 1..descriptions.max_entries() {
                let description: Description = entry(&descriptions, node).map_err(failed)?;
                // The first that was not made.
                if description.tid == 0 {
                    break;
                }
                nodes.push((description, entry(&counters, node).map_err(failed)?));
            }
        }
        let mut trace = Trace::from_nodes(nodes.into_iter());
        let received = self.received.take();
        let dropped = received.dropped;
        (trace.events, trace.slowest) = received.finish();
        for event in trace.events.iter_mut().chain(&mut trace.slowest) {
            // It cannot be, but what another program wrote is not to be relied upon.
            event.node = Some(event.node).filter(|&node| node < trace.nodes.len()).unwrap_or(0);
        }
        trace.missed = Missed { events: missed.events + dropped, ..missed };
        trace.seconds = seconds;
        Ok(trace)
    }

    fn single<T: Plain>(&self, name: &str) -> libbpf_rs::Result<T> {
        let map = map(&self.object, name).ok_or_else(|| libbpf_rs::Error::from_raw_os_error(libc::ENOENT))?;
        entry(&map, 0)
    }
}

fn map<'a>(object: &'a Object, name: &str) -> Option<Map<'a>> {
    object.maps().find(|map| map.name() == name)
}

fn entry<T: Plain>(map: &Map, index: u32) -> libbpf_rs::Result<T> {
    let bytes = map.lookup(&index.to_ne_bytes(), MapFlags::ANY)?.unwrap_or_default();
    T::read(&bytes).ok_or_else(|| libbpf_rs::Error::from_raw_os_error(libc::EINVAL))
}

fn load(options: &Options) -> libbpf_rs::Result<Object> {
    let mut open: OpenObject = ObjectBuilder::default().name("pystats")?.open_memory(PROGRAM)?;
    let config = Config {
        event_min_ns: options.calls.unwrap_or(u64::MAX),
        depth: options.depth,
        threads: options.threads,
        nodes: options.paths,
        tid: options.tid.unwrap_or(0),
        tgid: 0,
        sample: options.sample,
    };
    // Until enough calls are known, each is one of the slowest.
    let slow_ns = u64::from(options.slowest != 0);
    for mut map in open.maps_mut() {
        match map.name().to_str().unwrap_or("") {
            ".rodata.config" => map.set_initial_value(config.bytes())?,
            ".data.slow" => map.set_initial_value(&slow_ns.to_ne_bytes())?,
            "threads" | "free_slots" => map.set_max_entries(options.threads)?,
            "children" | "descriptions" | "counters" => map.set_max_entries(options.paths)?,
            "frames" => map.set_max_entries(options.threads.saturating_mul(options.depth))?,
            "events" => map.set_max_entries(options.buffer)?,
            _ => {}
        }
    }
    open.load()
}

/// Attaches to all probes that the binary has; it must have those of functions.
fn attach(object: &Object, binary: &Path, pid: u32) -> Result<Vec<Link>, Error> {
    let mut links = Vec::new();
    for (probe, function) in PROBES.iter().rev() {
        let Some(program) = object.progs_mut().find(|program| program.name() == *function) else { continue };
        match program.attach_usdt(pid as i32, binary, "python", probe) {
            Ok(link) => links.push(link),
            // CPython has some of the probes, and they are enough.
            Err(error) if error.kind() == ErrorKind::NotFound && !["function__entry", "function__return"].contains(probe) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let binary = binary.display();
                let text = format!("{binary} has no Python probes: name limpid's binary with --binary if a script runs it");
                return Err(Error(text, false));
            }
            Err(error) => return Err(explain(&format!("the probe {probe} cannot be traced"), &error)),
        }
    }
    Ok(links)
}

/// An error in words that say what to do.
fn explain(what: &str, error: &libbpf_rs::Error) -> Error {
    let hint = match error.kind() {
        ErrorKind::PermissionDenied => ": run this as root, or with the capabilities CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE",
        ErrorKind::OutOfMemory => "",
        _ => ": Linux 5.15 or newer with uprobes and BPF is needed",
    };
    Error(format!("{what}: {error}{hint}"), error.kind() == ErrorKind::PermissionDenied)
}

/// An event as the kernel has sent it.
fn take(received: &mut Received, bytes: &[u8]) {
    let Some(event) = layout::Event::read(bytes) else { return };
    let kind = match (event.kind, LongEvent::read(bytes)) {
        (1, Some(long)) => Kind::Collection { generation: long.generation, freed: long.value },
        (2, Some(long)) => Kind::WorldStop { reason: layout::text(&long.text) },
        (3, Some(long)) => Kind::Import { module: layout::text(&long.text), found: long.value != 0 },
        (4, Some(long)) => Kind::Exception { class: layout::text(&long.text), line: long.value },
        (5, _) => Kind::LockWait,
        (6, Some(long)) => Kind::Compilation { uops: long.uops, bytes: long.value },
        (7, Some(long)) => Kind::MachineCodeLeft { reason: layout::text(&long.text), line: long.value },
        (8, Some(long)) => Kind::Invalidation { traces: long.value },
        _ => Kind::Call,
    };
    let layout::Event { start, duration, node, tid, tgid, .. } = event;
    received.add(Event { start, duration, node: node as usize, tid, pid: tgid, kind });
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    /// Who changes the source must run scripts/bpf.
    #[test]
    fn the_object_is_made_of_the_source() {
        let hash = Sha256::digest(include_bytes!("trace.bpf.c"));
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(PROGRAM.windows(hash.len()).any(|window| window == hash.as_bytes()), "run scripts/bpf");
    }

    #[test]
    fn events_say_what_they_are() {
        let mut received = Received::new(9, 0, None, 1);
        let event = layout::Event { start: 1, duration: 2, node: 3, tid: 5, kind: 3, tgid: 4 };
        let mut long = LongEvent { event, value: 1, generation: 0, uops: 0, text: [0; 64] };
        long.text[..4].copy_from_slice(b"json");
        take(&mut received, long.bytes());
        take(&mut received, &long.bytes()[..8]);
        let kind = Kind::Import { module: "json".to_owned(), found: true };
        assert_eq!(received.finish().0, [Event { start: 1, duration: 2, node: 3, tid: 5, pid: 4, kind }]);
    }
}
