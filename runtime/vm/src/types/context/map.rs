//! An immutable map from context variables to values: a trie over the bits of the variables' addresses.
//!
//! A node is a tuple whose first item is a bitmap of 32 places as an int; two items follow for each place in use, in order: a variable
//! and its value, or NULL and a node below. Five bits of the key's hash pick the place on each level. The hash is a bijection of the
//! address, so two variables differ on some level. Whoever changes a map copies the nodes on the way down; a map of one variable is one
//! node. No node but the root has a single variable and nothing else.

use crate::object::{Ref, ValueExt};
use crate::thread::Thread;
use crate::types::{Tuple, ValueList};
use limpid_heap::Value;

/// The map: its root node, NULL when it is empty.
#[derive(Clone, Copy)]
pub(super) struct Map(Value);

const BITS: u32 = 5;

/// Multiplication by an odd number and a shift: different addresses stay different.
fn hash(var: Value) -> u64 {
    let h = (var.bits() >> 4).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    h ^ (h >> 32)
}

fn place(hash: u64, shift: u32) -> u32 {
    (hash >> shift) as u32 % 32
}

/// A node as its items.
#[derive(Clone, Copy)]
struct Node(Ref<Tuple>);

impl Node {
    fn of(v: Value) -> Node {
        // SAFETY: nodes are tuples.
        Node(unsafe { Ref::from_value(v) })
    }

    fn bitmap(self) -> u32 {
        self.0.get(0).as_int() as u32
    }

    /// Where the pair of a place is, if the place is in use, or would be.
    fn index(self, place: u32) -> (usize, bool) {
        let below = self.bitmap() & ((1 << place) - 1);
        (1 + 2 * below.count_ones() as usize, self.bitmap() & (1 << place) != 0)
    }

    fn pair(self, i: usize) -> (Value, Value) {
        (self.0.get(i), self.0.get(i + 1))
    }

    fn pairs(self) -> impl Iterator<Item = (Value, Value)> {
        (1..self.0.len()).step_by(2).map(move |i| self.pair(i))
    }

    fn new(t: &Thread, bitmap: u32, pairs: &[Value]) -> Node {
        let mut items = ValueList::from_slice(t, &[Value::int(bitmap.into())]);
        pairs.iter().for_each(|v| items.push(t, *v));
        Node(Tuple::from_slice(t, items.as_slice()))
    }

    /// A copy in which the pair at `i` is another.
    fn with_pair(self, t: &Thread, i: usize, pair: [Value; 2]) -> Node {
        let mut items = ValueList::from_slice(t, &self.0.as_slice()[..i]);
        pair.iter().for_each(|v| items.push(t, *v));
        self.0.as_slice()[i + 2..].iter().for_each(|v| items.push(t, *v));
        Node(Tuple::from_slice(t, items.as_slice()))
    }

    fn insert(self, t: &Thread, shift: u32, var: Value, value: Value) -> Node {
        let place = place(hash(var), shift);
        let (i, used) = self.index(place);
        if !used {
            let items = self.0.as_slice();
            let mut pairs = ValueList::from_slice(t, &items[1..i]);
            [var, value].iter().chain(&items[i..]).for_each(|v| pairs.push(t, *v));
            return Node::new(t, self.bitmap() | 1 << place, pairs.as_slice());
        }
        match self.pair(i) {
            (Value::NULL, below) => {
                let below = Node::of(below).insert(t, shift + BITS, var, value);
                self.with_pair(t, i, [Value::NULL, below.0.value()])
            }
            (k, _) if k == var => self.with_pair(t, i, [var, value]),
            (k, v) => {
                let below = Node::new(t, 1 << self::place(hash(k), shift + BITS), &[k, v]).insert(t, shift + BITS, var, value);
                self.with_pair(t, i, [Value::NULL, below.0.value()])
            }
        }
    }

    /// A copy without a variable; None when nothing is left.
    fn remove(self, t: &Thread, shift: u32, var: Value) -> Option<Node> {
        let place = place(hash(var), shift);
        let (i, used) = self.index(place);
        if !used {
            return Some(self);
        }
        match self.pair(i) {
            (Value::NULL, below) => match Node::of(below).remove(t, shift + BITS, var) {
                Some(below) => Some(match below.single() {
                    Some((k, v)) => self.with_pair(t, i, [k, v]),
                    None => self.with_pair(t, i, [Value::NULL, below.0.value()]),
                }),
                None => self.without(t, i, place),
            },
            (k, _) if k == var => self.without(t, i, place),
            _ => Some(self),
        }
    }

    fn without(self, t: &Thread, i: usize, place: u32) -> Option<Node> {
        let bitmap = self.bitmap() & !(1 << place);
        if bitmap == 0 {
            return None;
        }
        let items = self.0.as_slice();
        let mut pairs = ValueList::from_slice(t, &items[1..i]);
        items[i + 2..].iter().for_each(|v| pairs.push(t, *v));
        Some(Node::new(t, bitmap, pairs.as_slice()))
    }

    /// The only pair, if it is a variable.
    fn single(self) -> Option<(Value, Value)> {
        let (k, v) = (self.0.len() == 3).then(|| self.pair(1))?;
        (!k.is_null()).then_some((k, v))
    }

    fn collect(self, t: &Thread, out: &mut ValueList) {
        for (k, v) in self.pairs() {
            if k.is_null() {
                Node::of(v).collect(t, out);
            } else {
                out.push(t, k);
                out.push(t, v);
            }
        }
    }

    fn len(self) -> usize {
        self.pairs().map(|(k, v)| if k.is_null() { Node::of(v).len() } else { 1 }).sum()
    }
}

impl Map {
    pub(super) const EMPTY: Map = Map(Value::NULL);

    /// The map kept in a slot by [`Map::value`].
    pub(super) fn from_value(v: Value) -> Map {
        Map(v)
    }

    pub(super) fn value(self) -> Value {
        self.0
    }

    fn root(self) -> Option<Node> {
        self.0.non_null().map(Node::of)
    }

    pub(super) fn len(self) -> usize {
        self.root().map_or(0, Node::len)
    }

    pub(super) fn get(self, var: Value) -> Option<Value> {
        let (mut node, hash, mut shift) = (self.root()?, hash(var), 0);
        loop {
            let (i, used) = node.index(place(hash, shift));
            if !used {
                return None;
            }
            match node.pair(i) {
                (Value::NULL, below) => node = Node::of(below),
                (k, v) => return (k == var).then_some(v),
            }
            shift += BITS;
        }
    }

    /// The map in which a variable has this value.
    pub(super) fn insert(self, t: &Thread, var: Value, value: Value) -> Map {
        let node = match self.root() {
            Some(root) => root.insert(t, 0, var, value),
            None => Node::new(t, 1 << place(hash(var), 0), &[var, value]),
        };
        Map(node.0.value())
    }

    /// The map in which a variable has no value.
    pub(super) fn remove(self, t: &Thread, var: Value) -> Map {
        match self.root().and_then(|root| root.remove(t, 0, var)) {
            Some(node) => Map(node.0.value()),
            None => Map::EMPTY,
        }
    }

    /// Variables and values in turn.
    pub(super) fn entries(self, t: &Thread) -> ValueList {
        let mut out = ValueList::new(t);
        if let Some(root) = self.root() {
            root.collect(t, &mut out);
        }
        out
    }
}
