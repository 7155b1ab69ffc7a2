//! A toy runtime: objects with slots, arrays, weak references and finalizers, roots in a list.
#![allow(dead_code)]

use limpid_heap::{
    CollectionReport, Config, Dead, Embedder, Generation, Header, Kind, Mutator, ShapeRef, Tracer, Value, init, register_weak, store,
};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Acquire, Ordering::Relaxed};
use std::sync::{Mutex, Once};

/// What the heap is told, and the roots.
pub struct Toy {
    pub roots: Mutex<Vec<Value>>,
    pub finalized: Mutex<Vec<Value>>,
    pub cleared: Mutex<Vec<Value>>,
    pub reports: Mutex<Vec<CollectionReport>>,
    /// Complements of addresses, until what they point into dies.
    pub addresses: Mutex<Vec<u64>>,
}

pub static TOY: Toy = Toy {
    roots: Mutex::new(Vec::new()),
    finalized: Mutex::new(Vec::new()),
    cleared: Mutex::new(Vec::new()),
    reports: Mutex::new(Vec::new()),
    addresses: Mutex::new(Vec::new()),
};

impl Embedder for Toy {
    fn trace_roots(&self, tracer: &mut Tracer) {
        for list in [&self.roots, &self.finalized, &self.cleared] {
            list.lock().unwrap().iter().for_each(|v| tracer.value(*v));
        }
    }

    fn queue_finalizer(&self, object: Value) {
        self.finalized.lock().unwrap().push(object);
    }

    fn weakref_cleared(&self, weakref: Value) {
        self.cleared.lock().unwrap().push(weakref);
    }

    fn forget_dead(&self, dead: &Dead) {
        self.addresses.lock().unwrap().retain(|address| !dead.contains(!*address as usize));
    }

    fn after_collection(&self, report: &CollectionReport) {
        self.reports.lock().unwrap().push(*report);
    }
}

/// Sets the heap up, at the first call.
pub fn start(config: Config) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| init(config, &TOY));
}

/// Runs `f` on a new thread that is attached, and returns when it has ended.
///
/// The thread's stack is memory that was never used: a word left by an earlier thread might be the address of a cell of this one. Each
/// stack is larger than the last, so that none is taken from the C library's cache.
pub fn attached<R: Send>(f: impl FnOnce(&Mutator) -> R + Send) -> R {
    static STACKS: AtomicUsize = AtomicUsize::new(0);
    let size = (1 << 20) + (STACKS.fetch_add(1, Relaxed) << 16);
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(size);
        thread.spawn_scoped(scope, || with_mutator(f)).unwrap().join().unwrap()
    })
}

/// Runs `f` on this thread, attached.
pub fn with_mutator<R>(f: impl FnOnce(&Mutator) -> R) -> R {
    // Not on the stack: the ends of its gaps are addresses where the next block's first cell starts.
    let m = Box::new(Mutator::new());
    // SAFETY: it stays there until it is detached.
    unsafe { m.attach() };
    // Also if a test fails: others must not wait for this thread.
    struct Detach<'a>(&'a Mutator);
    impl Drop for Detach<'_> {
        fn drop(&mut self) {
            self.0.detach_for_exit();
        }
    }
    let detach = Detach(&m);
    f(detach.0)
}

/// Calls `f` deep in the stack and wipes that part of the stack afterwards, so that no word of it keeps a cell alive.
#[inline(never)]
pub fn in_clean_stack<R>(f: impl FnOnce() -> R) -> R {
    #[inline(never)]
    fn call<R>(f: impl FnOnce() -> R) -> R {
        f()
    }
    #[inline(never)]
    fn wipe() {
        std::hint::black_box([0usize; 4096]);
    }
    let result = call(f);
    wipe();
    result
}

/// An object: a header and slots.
pub fn object(m: &Mutator, slots: usize) -> Value {
    let header = Header::new(ShapeRef::NONE, Kind::Slots, slots as u8);
    Value::cell(m.alloc(8 + 8 * slots, header).as_ptr())
}

/// An object whose shape is another cell.
pub fn shaped(m: &Mutator, shape: Value, slots: usize) -> Value {
    let header = Header::new(ShapeRef::of(shape.as_ptr::<u8>()), Kind::Slots, slots as u8);
    Value::cell(m.alloc(8 + 8 * slots, header).as_ptr())
}

/// An array of any length.
pub fn array(m: &Mutator, count: usize) -> Value {
    let header = Header::new(ShapeRef::NONE, Kind::Array, 0);
    let cell = m.try_alloc(16 + 8 * count, header).expect("memory for an array");
    // SAFETY: a new array; the count follows the header.
    unsafe { (*cell.as_ptr().cast::<AtomicUsize>().add(1)).store(count, Relaxed) };
    Value::cell(cell.as_ptr())
}

/// A cell of bytes.
pub fn bytes(m: &Mutator, count: usize) -> Value {
    let header = Header::new(ShapeRef::NONE, Kind::Leaf, 0);
    Value::cell(m.try_alloc(8 + count, header).expect("memory for bytes").as_ptr())
}

/// A weak reference: an object with one untraced word.
pub fn weak(m: &Mutator, referent: Value) -> Value {
    let header = Header::new(ShapeRef::NONE, Kind::Leaf, 0);
    let cell = Value::cell(m.alloc(16, header).as_ptr());
    word(cell, 1).store(referent.bits(), Relaxed);
    register_weak(m, cell, word(cell, 1), referent);
    cell
}

/// The referent of a weak reference, or NULL.
pub fn referent(weak: Value) -> Value {
    Value::from_bits(word(weak, 1).load(Relaxed))
}

/// The n-th word of a cell, the header being word 0.
pub fn word<'a>(cell: Value, n: usize) -> &'a AtomicU64 {
    // SAFETY: tests stay inside of their live cells.
    unsafe { &*cell.as_ptr::<AtomicU64>().add(n) }
}

pub fn header<'a>(cell: Value) -> &'a Header {
    // SAFETY: a live cell.
    unsafe { limpid_heap::cell::header(cell) }
}

fn first_slot(cell: Value) -> usize {
    if header(cell).kind() == Kind::Array as u8 { 2 } else { 1 }
}

pub fn get(cell: Value, slot: usize) -> Value {
    Value::from_bits(word(cell, first_slot(cell) + slot).load(Acquire))
}

pub fn set(m: &Mutator, cell: Value, slot: usize, v: Value) {
    // SAFETY: the slot is the cell's.
    unsafe { store(m, cell.as_ptr(), word(cell, first_slot(cell) + slot), v) };
}

/// Adds a root.
pub fn root(v: Value) {
    TOY.roots.lock().unwrap().push(v);
}

/// Removes a root.
pub fn unroot(v: Value) {
    TOY.roots.lock().unwrap().retain(|other| *other != v);
}

/// Collects everything, from a clean stack.
pub fn collect_all(m: &Mutator) -> CollectionReport {
    in_clean_stack(|| limpid_heap::collect(m, Generation::Full))
}

/// A small generator of random numbers.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() >> 11) as usize % n
    }
}
