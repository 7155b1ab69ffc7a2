//! The heap of Limpid: values, cells, allocation and garbage collection.
//!
//! Knows nothing of Python. A cell starts with a [`Header`]; how the references in it are found, [`Kind`] says. The runtime around the
//! heap (the *embedder*) supplies roots and is told what dies, see [`Embedder`].
//!
//! # How it works
//!
//! Cells never move. Small ones come from 64 KiB blocks of one size each, large ones have blocks of their own ([`layout`]). A thread
//! allocates by adding to a pointer, in the gaps that the last collection left between live cells (`mutator`). Collections are
//! generational: most look only at what was allocated since the last one (`collect`, [`barrier`]). All threads stand still meanwhile
//! (`world`), and helpers mark in parallel if there is much to mark (`parallel`).
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
//!
//! # Figures
//!
//! Processor time in seconds of `examples/workloads.rs`, all threads added up, on an x86-64 virtual machine with two cores that was busy
//! with other work; best of seven runs, alternating with those of the prototype this heap was written after (which does not zero cells).
//!
//! | workload                                                | time | prototype |
//! |---------------------------------------------------------|------|-----------|
//! | `short`: 50 million short-lived cells beside a million  | 0.16 | 0.17      |
//! | `live5m`: the same beside five million                  | 0.34 | 0.38      |
//! | `mutate`: `short`, every 16th cell kept by an old one   | 2.95 | 2.34      |
//! | `bt`: binary trees, depth 18                            | 0.82 | 0.82      |
//! | `list1.5`: five lists of ten million, growing by half   | 0.43 | 0.74      |
//! | `list1.125`: the same, growing by an eighth             | 1.39 | 2.61      |
//! | `fill`: ten million new cells stored in one old array   | 0.65 |           |
//!
//! The median minor collection takes 0.012 ms in `short` and 0.03 ms in `bt`; in `mutate`, where a sixteenth survives, 2.6 ms. A full
//! collection of four million live cells (128 MiB) takes 46 ms, with one helper 31 ms. Starting up takes 0.13 ms, and 2 MiB are resident
//! after it.
//!
//! The size of the young generation, processor time again, best of three. Here a minor collection has next to no roots; programs do best
//! with less, see [`DEFAULT_YOUNG`]:
//!
//! |          | 4 MiB | 16 MiB | 32 MiB | 64 MiB |
//! |----------|-------|--------|--------|--------|
//! | `short`  | 0.15  | 0.17   | 0.19   | 0.29   |
//! | `live5m` | 0.39  | 0.35   | 0.40   | 0.46   |
//! | `mutate` | 3.18  | 3.39   | 3.12   | 2.75   |
//! | `bt`     | 0.95  | 0.87   | 0.81   | 0.82   |
//!
//! Tried and not taken: zeroing cells when they are allocated instead of gaps when they are found (`short`: 0.22 s against 0.19 s in the
//! runs after it), and zeroing gaps in pieces of 2 to 16 KiB (no difference). Without huge pages for large cells `list1.5` took 0.78 s
//! against 0.46 s and `list1.125` 2.50 s against 1.35 s (elapsed, best of eight).

pub mod barrier;
pub mod cell;
mod census;
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
pub use collect::{CollectionReport, Dead, Generation, Request, collect, collect_as};
pub use embedder::{Config, Embedder, Stress, init};
pub use fork::{Forking, after_fork_child, after_fork_parent, before_fork};
pub use freeze::{freeze, frozen_objects, unfreeze};
pub use immortal::{immortal_addr, immortal_alloc};
pub use layout::{CLASS_SIZES, CLASSES, IMMORTAL_BASE, IMMORTAL_SIZE, MAX_SMALL, size_class};
pub use lock::{ObjectLock, is_alone, lock, lock_both, set_alone, try_lock};
pub use mutator::{Cursor, Mutator};
pub use policy::{DEFAULT_YOUNG, GenerationStats};
pub use registry::{finalize_all, register_drop, register_finalizer, register_weak, unregister_finalizer};
pub use spill::{clear_dead_stack, keep_alive, stack_pointer, with_spilled};
pub use sweep::POISON;
pub use tracer::{TraceFn, Tracer, register_tracer};
pub use value::Value;
pub use walk::{cell_size, each_object, each_referent, is_cell_start, is_finalized, is_old, reachable_from_roots};
pub use world::{COLLECT, Halt, MEMORY, STOP, StopStats, StoppedWorld, halt_others, stop_stats};

/// The heap has reached its limit, or the system gives no more memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfMemory;
