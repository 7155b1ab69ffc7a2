//! Allocation-heavy programs, to measure the heap with.
//!
//! `cargo run --release -p limpid-heap --example workloads -- WORKLOAD [THREADS]`, with one of
//!
//! * `empty`: nothing; prints what starting costs.
//! * `short`: 50 million objects that die at once, beside a million that live.
//! * `mutate`: the same, but every 16th new object replaces a leaf of the old trees.
//! * `live5m`: as `short` with five million that live.
//! * `bt`: the binary-trees benchmark, depth 18.
//! * `list1.5`, `list1.125`: lists of ten million numbers that grow by that factor.
//! * `fill`: an old array of ten million slots is filled with new objects.
//! * `full`: full collections of five million live objects.
//!
//! The environment variables `YOUNG` (MiB between minor collections) and `PARALLEL` (marking threads) change the configuration.

use limpid_heap::{
    CollectionReport, Config, Embedder, Generation, Header, Kind, Mutator, ShapeRef, Tracer, Value, collect, init, policy, store,
    write_barrier,
};
use std::hint::black_box;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

struct Runtime {
    pauses: Mutex<Vec<u64>>,
}

static RUNTIME: Runtime = Runtime { pauses: Mutex::new(Vec::new()) };

impl Embedder for Runtime {
    fn trace_roots(&self, _tracer: &mut Tracer) {}
    fn queue_finalizer(&self, _object: Value) {}
    fn weakref_cleared(&self, _weakref: Value) {}
    fn after_collection(&self, report: &CollectionReport) {
        self.pauses.lock().unwrap().push(report.ns);
    }
}

/// An object with three slots.
#[repr(C)]
struct Node {
    header: Header,
    slots: [AtomicU64; 3],
}

#[repr(C)]
struct Array {
    header: Header,
    count: AtomicUsize,
    slots: [AtomicU64; 0],
}

#[inline(always)]
fn node(m: &Mutator, a: Value, b: Value, c: Value) -> &Node {
    let cell = m.alloc(size_of::<Node>(), Header::new(ShapeRef::NONE, Kind::Slots, 3));
    // SAFETY: a new cell of this layout; the collector keeps it while the reference is on the stack.
    let node = unsafe { cell.cast::<Node>().as_ref() };
    for (slot, value) in node.slots.iter().zip([a, b, c]) {
        slot.store(value.bits(), Relaxed);
    }
    node
}

fn array(m: &Mutator, count: usize) -> &Array {
    let header = Header::new(ShapeRef::NONE, Kind::Array, 0);
    let cell = m.try_alloc(size_of::<Array>() + 8 * count, header).expect("memory");
    // SAFETY: a new cell of this layout.
    let array = unsafe { cell.cast::<Array>().as_ref() };
    array.count.store(count, Relaxed);
    array
}

impl Array {
    #[inline(always)]
    fn slot(&self, index: usize) -> &AtomicU64 {
        // SAFETY: callers stay below the count.
        unsafe { &*self.slots.as_ptr().add(index) }
    }
}

fn value(node: &Node) -> Value {
    Value::cell(node)
}

fn slot<'a>(node: &Node, index: usize) -> Option<&'a Node> {
    let v = Value::from_bits(node.slots[index].load(Relaxed));
    // SAFETY: slots refer to nodes only.
    v.is_cell().then(|| unsafe { &*v.as_ptr::<Node>() })
}

fn tree(m: &Mutator, depth: u32) -> &Node {
    if depth == 0 {
        return node(m, Value::NULL, Value::NULL, Value::int(1));
    }
    let left = tree(m, depth - 1);
    let right = tree(m, depth - 1);
    node(m, value(left), value(right), Value::int(depth as i64))
}

fn size(tree: &Node) -> u64 {
    1 + [0, 1].into_iter().filter_map(|i| slot(tree, i)).map(size).sum::<u64>()
}

fn short(m: &Mutator, live: usize, count: u64, mutate: bool) -> u64 {
    let trees = live / 1023;
    let forest = array(m, trees);
    for i in 0..trees {
        // SAFETY: the slot is the array's.
        unsafe { store(m, &forest.header, forest.slot(i), value(tree(m, 9))) };
    }
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    for i in 0..count {
        let new = node(m, Value::NULL, Value::NULL, Value::int(i as i64));
        black_box(new);
        if mutate && i % 16 == 0 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let v = Value::from_bits(forest.slot(random as usize % trees).load(Relaxed));
            // SAFETY: the forest refers to nodes only.
            let mut leaf = unsafe { &*v.as_ptr::<Node>() };
            for level in 0..8 {
                leaf = slot(leaf, (random >> (20 + level)) as usize & 1).expect("an inner node");
            }
            let side = &leaf.slots[(random >> 40) as usize & 1];
            // SAFETY: the slot is the leaf's.
            unsafe { store(m, &leaf.header, side, value(new)) };
        }
        m.safepoint();
    }
    let trees = (0..trees).map(|i| Value::from_bits(forest.slot(i).load(Relaxed)));
    // SAFETY: the forest refers to nodes only.
    let total: u64 = trees.map(|tree| size(unsafe { &*tree.as_ptr::<Node>() })).sum();
    assert_eq!(total, live as u64 / 1023 * 1023);
    live as u64 + count
}

fn binary_trees(m: &Mutator, depth: u32) -> u64 {
    let mut total = size(tree(m, depth + 1));
    let long_lived = tree(m, depth);
    for d in (4..=depth).step_by(2) {
        for _ in 0..1u64 << (depth - d + 4) {
            total += size(tree(m, d));
        }
    }
    total + size(long_lived)
}

fn list(m: &Mutator, count: usize, numerator: usize, denominator: usize) -> u64 {
    let mut capacity = 4;
    let mut buffer = array(m, capacity);
    for i in 0..count {
        if i == capacity {
            capacity = capacity * numerator / denominator + 6;
            let larger = array(m, capacity);
            // SAFETY: both have room for `i` slots, and no other thread sees them.
            unsafe {
                let (from, to) = (buffer.slots.as_ptr(), larger.slots.as_ptr());
                std::ptr::copy_nonoverlapping(from.cast::<u64>(), to as *mut u64, i);
                write_barrier(m, &larger.header);
            }
            buffer = larger;
        }
        // SAFETY: the slot is the buffer's.
        unsafe { store(m, &buffer.header, buffer.slot(i), Value::int(i as i64)) };
        m.safepoint();
    }
    (0..count).map(|i| Value::from_bits(buffer.slot(i).load(Relaxed)).as_int() as u64).sum()
}

fn fill(m: &Mutator, count: usize) -> u64 {
    let old = array(m, count);
    collect(m, Generation::Full);
    for i in 0..count {
        let new = node(m, Value::NULL, Value::NULL, Value::int(i as i64));
        // SAFETY: the slot is the array's.
        unsafe { store(m, &old.header, old.slot(i), value(new)) };
    }
    black_box(old);
    count as u64
}

fn full(m: &Mutator) -> u64 {
    let trees = tree(m, 21);
    for _ in 0..10 {
        let start = Instant::now();
        let report = collect(m, Generation::Full);
        println!("full: {:.1} ms, {} MiB live", start.elapsed().as_secs_f64() * 1e3, report.live >> 20);
    }
    size(trees)
}

fn run(workload: &str) -> u64 {
    let m = Mutator::new();
    // SAFETY: it stays here until it is detached.
    unsafe { m.attach() };
    let allocations = match workload {
        "empty" => 0,
        "short" => short(&m, 1_000_000, 50_000_000, false),
        "mutate" => short(&m, 1_000_000, 50_000_000, true),
        "live5m" => short(&m, 5_000_000, 50_000_000, false),
        "bt" => binary_trees(&m, 18),
        "list1.5" => (0..5).map(|_| black_box(list(&m, 10_000_000, 3, 2)).min(10_000_000)).sum(),
        "list1.125" => (0..5).map(|_| black_box(list(&m, 10_000_000, 9, 8)).min(10_000_000)).sum(),
        "fill" => fill(&m, 10_000_000),
        "full" => full(&m),
        _ => panic!("no such workload: {workload}"),
    };
    m.detach_for_exit();
    allocations
}

/// A field of `/proc/self/status`, in MiB.
fn status(field: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

fn main() {
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<usize>().ok());
    let mut arguments = std::env::args().skip(1);
    let workload = arguments.next().unwrap_or("empty".into());
    let threads: usize = arguments.next().map_or(1, |n| n.parse().expect("a number of threads"));
    let start = Instant::now();
    let config = Config {
        young: number("YOUNG").map_or(limpid_heap::DEFAULT_YOUNG, |n| n << 20),
        parallel: number("PARALLEL").unwrap_or(0),
        ..Config::default()
    };
    init(config, &RUNTIME);
    let allocations: u64 = if threads == 1 {
        run(&workload)
    } else {
        std::thread::scope(|scope| {
            let handles: Vec<_> = (0..threads).map(|_| scope.spawn(|| run(&workload))).collect();
            handles.into_iter().map(|handle| handle.join().unwrap()).sum()
        })
    };
    let seconds = start.elapsed().as_secs_f64();
    if workload == "empty" {
        println!("start-up {:.3} ms, {:.1} MiB resident", seconds * 1e3, status("VmRSS:"));
        return;
    }
    let mut pauses = RUNTIME.pauses.lock().unwrap().clone();
    pauses.sort_unstable();
    let pause = |part: f64| pauses.get((pauses.len() as f64 * part) as usize).map_or(0.0, |ns| *ns as f64 / 1e6);
    let [minor, full] = policy::stats();
    println!(
        "{workload:10} x{threads}  {seconds:.3} s  {:.2} ns/allocation  peak {:.0} MiB  {} minor, {} full  \
         pause p50 {:.3} p90 {:.3} max {:.3} ms",
        seconds * 1e9 / allocations.max(1) as f64,
        status("VmHWM:"),
        minor.collections,
        full.collections,
        pause(0.5),
        pause(0.9),
        pause(0.9999),
    );
}
