//! A random graph of cells against a model of it in ordinary memory, while collections run far too often and dead cells are poisoned.

mod common;

use common::*;
use limpid_heap::{Config, Header, Kind, Mutator, ShapeRef, Stress, Value, is_cell_start, write_barrier};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering::Relaxed;

/// How many nodes the heap has a root for.
const ROOTS: usize = 24;

const SEED: u64 = 0x9E37_79B9_7F4A_7C15;

/// The model: each node's number of slots, and what they refer to. Node 0 is "nothing".
#[derive(Default)]
struct Model {
    nodes: HashMap<u64, Vec<u64>>,
    next: u64,
}

/// Nodes carry their number in their last slot, so that the graph can be compared by walking it.
fn number(node: Value) -> u64 {
    let slots = slots(node);
    get(node, slots - 1).as_int() as u64
}

fn slots(node: Value) -> usize {
    match header(node).kind() {
        k if k == Kind::Array as u8 => word(node, 1).load(Relaxed) as usize,
        _ => header(node).slots(),
    }
}

/// A node of a random size: mostly objects, some arrays, some of them large.
fn new_node(m: &Mutator, model: &mut Model, random: &mut Random) -> Value {
    let node = match random.below(20) {
        0 => array(m, 5000 + random.below(8000)),
        1..4 => array(m, 4 + random.below(200)),
        4 => {
            let shape = object(m, 2);
            shaped(m, shape, 2 + random.below(6))
        }
        _ => object(m, 2 + random.below(9)),
    };
    model.next += 1;
    set(m, node, slots(node) - 1, Value::int(model.next as i64));
    model.nodes.insert(model.next, vec![0; slots(node) - 1]);
    node
}

/// Compares what is reachable from a root with the model.
fn compare(root: Value, model: &Model) {
    let mut seen = HashSet::new();
    let mut stack = vec![root];
    while let Some(node) = stack.pop() {
        assert!(is_cell_start(node.bits() as usize));
        if !seen.insert(number(node)) {
            continue;
        }
        let expected = &model.nodes[&number(node)];
        assert_eq!(slots(node) - 1, expected.len());
        // Of long arrays a part is enough.
        for (slot, wanted) in expected.iter().enumerate() {
            let v = get(node, slot);
            if v.is_null() {
                assert_eq!(*wanted, 0, "slot {slot} of node {} was lost", number(node));
            } else {
                assert_eq!(number(v), *wanted);
                stack.push(v);
            }
        }
        let shape = header(node).shape();
        if shape != ShapeRef::NONE {
            // SAFETY: a shape is a live cell.
            let kind = unsafe { (*shape.ptr::<Header>()).kind() };
            assert_eq!(kind, Kind::Slots as u8);
        }
    }
}

fn mutate(seed: u64, steps: usize) {
    attached(|m| {
        let mut random = Random(seed);
        let mut model = Model::default();
        let table = array(m, ROOTS);
        root(table);
        for step in 0..steps {
            let target = random.below(ROOTS);
            match random.below(10) {
                0..3 => {
                    let node = new_node(m, &mut model, &mut random);
                    set(m, table, target, node);
                }
                3..8 => {
                    let (from, to) = (get(table, target), get(table, random.below(ROOTS)));
                    if !from.is_null() {
                        let slot = random.below(slots(from) - 1);
                        set(m, from, slot, to);
                        let wanted = if to.is_null() { 0 } else { number(to) };
                        model.nodes.get_mut(&number(from)).unwrap()[slot] = wanted;
                    }
                }
                8 => {
                    // A bulk move, as of a list that loses its first element.
                    let node = get(table, target);
                    if !node.is_null() {
                        let count = slots(node) - 1;
                        let first = if header(node).kind() == Kind::Array as u8 { 2 } else { 1 };
                        for slot in 1..count {
                            word(node, first + slot - 1).store(get(node, slot).bits(), Relaxed);
                        }
                        word(node, first + count - 1).store(0, Relaxed);
                        // SAFETY: a live cell.
                        unsafe { write_barrier(m, node.as_ptr()) };
                        let expected = model.nodes.get_mut(&number(node)).unwrap();
                        expected.remove(0);
                        expected.push(0);
                    }
                }
                _ => set(m, table, target, Value::NULL),
            }
            // Follow a random path and make its end a root, so that deep nodes change too.
            let mut node = get(table, random.below(ROOTS));
            for _ in 0..random.below(6) {
                if node.is_null() {
                    break;
                }
                let next = get(node, random.below(slots(node) - 1));
                node = if next.is_null() { node } else { next };
            }
            if !node.is_null() && step % 3 == 0 {
                set(m, table, random.below(ROOTS), node);
            }
            if step % 64 == 0 {
                (0..ROOTS).map(|i| get(table, i)).filter(|v| v.is_cell()).for_each(|v| compare(v, &model));
            }
        }
        unroot(table);
    });
}

fn setup() {
    start(Config { stress: Stress { every: 3, all_slow: true }, poison: true, parallel: 3, ..Config::default() });
}

#[test]
fn a_random_graph_stays_what_the_model_says() {
    setup();
    for seed in 1..=6 {
        mutate(SEED.wrapping_mul(seed), 6000);
    }
}

#[test]
fn several_threads_with_graphs_of_their_own() {
    setup();
    std::thread::scope(|scope| {
        for seed in 11..14_u64 {
            scope.spawn(move || mutate(SEED.wrapping_mul(seed), 3000));
        }
    });
}

/// Cells without references lie in blocks that the collector does not look into, unless their shape can die.
#[test]
fn leaves_keep_their_contents_and_their_shapes() {
    setup();
    attached(|m| {
        let count = 400;
        let table = array(m, 2 * count);
        root(table);
        for i in 0..count {
            let plain = bytes(m, 8 + i % 90);
            word(plain, 1).store(i as u64, Relaxed);
            set(m, table, 2 * i, plain);
            let shape = object(m, 1);
            set(m, shape, 0, Value::int(i as i64));
            let shaped = m.alloc(16 + i % 90, Header::new(ShapeRef::of(shape.as_ptr::<u8>()), Kind::Leaf, 0));
            set(m, table, 2 * i + 1, Value::cell(shaped.as_ptr()));
        }
        for _ in 0..20_000 {
            object(m, 3);
        }
        for i in 0..count {
            assert_eq!(word(get(table, 2 * i), 1).load(Relaxed), i as u64);
            let shape = header(get(table, 2 * i + 1)).shape();
            assert_eq!(get(Value::cell(shape.ptr::<Header>()), 0).as_int(), i as i64);
        }
        unroot(table);
    });
}
