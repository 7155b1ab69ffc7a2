//! What the heap asks of the runtime around it, and how it is set up.

use crate::cell::ShapeRef;
use crate::collect::{self, CollectionReport, Dead, Generation};
use crate::pool::pool;
use crate::tracer::Tracer;
use crate::{Value, policy, region, stress};
use std::ffi::CStr;
use std::sync::OnceLock;

/// The runtime that uses the heap. Everything but the two `*_collection` functions is called while the world is stopped: it must not
/// allocate cells, wait for another thread, or take a lock that a thread may hold at a safepoint.
pub trait Embedder: Sync {
    /// Traces all references outside of the heap and the native stacks: global ones and every thread's interpreter stack.
    fn trace_roots(&self, tracer: &mut Tracer);

    /// An object registered with [`crate::register_finalizer`] has become unreachable and is alive once more. The queue it goes to is a
    /// root. Objects come in the order to finalize them: one that refers to another comes before it.
    fn queue_finalizer(&self, object: Value);

    /// The referent of this weak reference has died and its slot is NULL: its callback may be queued. The queue is a root.
    fn weakref_cleared(&self, weakref: Value);

    /// A collection knows what is dead, and will use its memory again: whatever refers to cells by addresses that are no roots has to forget
    /// those.
    fn forget_dead(&self, _dead: &Dead) {}

    /// Does this dead object count as garbage? A cell with a shape, whose memory, as that of all that it refers to, was not used again.
    fn is_garbage(&self, _object: Value) -> bool {
        true
    }

    /// This object was garbage, and was saved because the program wants to see it. The list it goes to is a root.
    fn saved_garbage(&self, _object: Value) {}

    /// Does somebody want the garbage to be counted in collections that nobody has asked for? See [`collect::Request::census`].
    fn wants_census(&self) -> bool {
        false
    }

    /// A collection is about to start. The calling thread may be anywhere inside an allocation: this must not run Python code.
    fn before_collection(&self, _generation: Generation) {}

    /// A collection has ended and, unless it was part of a longer stop, the other threads run again. Same rule as for [`Embedder::before_collection`].
    fn after_collection(&self, _report: &CollectionReport) {}

    /// Does somebody want to be told of every allocation? Asked where an allocation is slow anyway; from then on all of them are, and when
    /// the answer is no again they become fast again.
    fn watches_allocations(&self) -> bool {
        false
    }

    /// A cell of this shape and size in bytes was allocated; it is not filled in yet. Must not allocate.
    fn allocated(&self, _shape: ShapeRef, _size: usize) {}

    /// The world was stopped: it took `waited` nanoseconds until all threads stood still and `stopped` until they could go on.
    fn world_stopped(&self, _reason: &'static CStr, _waited: u64, _stopped: u64) {}
}

/// How the heap is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// The most bytes of blocks in use; allocations beyond it fail.
    pub limit: Option<usize>,
    /// Bytes allocated from one minor collection to the next, while there is one thread; each of the next few adds as much.
    pub young: usize,
    /// Threads that mark in a full collection, the collecting one included. 0: as many as there are cores, at most four.
    pub parallel: usize,
    /// Collects far too often, for tests.
    pub stress: Stress,
    /// Fills dead cells with [`crate::POISON`], for tests.
    pub poison: bool,
}

/// When to collect for no reason but to find missing roots and barriers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stress {
    /// At every n-th slow path of an allocation; 0 for never.
    pub every: u32,
    /// Every allocation takes the slow path.
    pub all_slow: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config { limit: None, young: policy::DEFAULT_YOUNG, parallel: 0, stress: Stress::default(), poison: false }
    }
}

static EMBEDDER: OnceLock<&'static dyn Embedder> = OnceLock::new();

/// Sets the heap up, once for the process and before anything else. Ends the process with a message if the heap's addresses are taken.
pub fn init(config: Config, embedder: &'static dyn Embedder) {
    assert!(EMBEDDER.set(embedder).is_ok(), "the heap is initialised once");
    region::reserve();
    pool().prepare(config.limit);
    stress::configure(config.stress);
    collect::configure(&config);
}

/// Does the embedder want to be told of allocations?
pub(crate) fn watches_allocations() -> bool {
    EMBEDDER.get().is_some_and(|e| e.watches_allocations())
}

/// The runtime that was given to [`init`].
pub(crate) fn embedder() -> &'static dyn Embedder {
    *EMBEDDER.get().expect("the heap is initialised")
}
