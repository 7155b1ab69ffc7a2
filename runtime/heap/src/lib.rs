//! The heap of Limpid: values, cells, allocation and garbage collection.
//!
//! Knows nothing of Python. A cell starts with a [`Header`]; how the references in it are found, [`Kind`] says. The runtime around the
//! heap (the *embedder*) supplies roots and is told what dies, see [`Embedder`].
//!
//! # Rules for those who touch cells
//!
//! Native stacks are scanned conservatively: a reference in a local variable or a register keeps its cell alive, pointers into a cell
//! included. Hence
//! * no reference in memory of `malloc` (`Vec`, `Box`, thread-locals), unless [`Embedder::trace_roots`] reports it;
//! * [`keep_alive`] for the owner where only a pointer derived from a *different* cell's contents is left across a safepoint;
//! * a [`ShapeRef`] in a local variable keeps nothing alive: it is compressed (one in the header given to an allocation is looked after);
//! * slots of cells hold the starts of cells only, and are initialised before the next safepoint (new cells are zero);
//! * every reference goes into a cell through [`store`], or [`write_barrier`] follows it;
//! * safepoints are: allocation, [`Mutator::safepoint`], [`Mutator::blocking`], [`Mutator::stop_world`], and whatever calls these.

pub mod barrier;
pub mod cell;
pub mod collect;
pub mod embedder;
pub mod fork;
pub mod freeze;
mod futex;
pub mod immortal;
pub mod layout;

pub mod lock;
mod mutator;
mod parallel;
pub mod policy;
mod pool;
mod region;
mod registry;
mod role;
mod runs;
mod spill;
pub mod stress;
mod sweep;
mod sync;
mod tracer;
pub mod value;
mod walk;
mod world;

pub use barrier::{log_slot, publish_shape, store, write_barrier};
pub use cell::{GRANULE, HEAP_BASE, HEAP_SIZE, Header, Kind, ShapeRef};
pub use collect::{CollectionReport, Generation, collect};
pub use embedder::{Config, Embedder, Stress, init};
pub use fork::{Forking, after_fork_child, after_fork_parent, before_fork};
pub use freeze::{freeze, frozen_objects, unfreeze};
pub use immortal::{immortal_addr, immortal_alloc};
pub use layout::{CLASSES, CLASS_SIZES, IMMORTAL_BASE, IMMORTAL_SIZE, MAX_SMALL, size_class};
pub use lock::{ObjectLock, lock, lock_both, try_lock};
pub use mutator::{Cursor, Mutator};
pub use policy::{DEFAULT_YOUNG, GenerationStats};
pub use registry::{register_drop, register_finalizer, register_weak, unregister_finalizer};
pub use spill::keep_alive;
pub use sweep::POISON;
pub use tracer::{TraceFn, Tracer, register_tracer};
pub use value::Value;
pub use walk::{cell_size, each_object, each_referent, is_cell_start};
pub use world::{MEMORY, STOP, StopStats, StoppedWorld, stop_stats};

/// The heap has reached its limit, or the system gives no more memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfMemory;
