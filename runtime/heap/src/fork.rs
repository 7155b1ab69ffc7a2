//! Forking a process that has a heap.
//!
//! In the child only the forking thread exists, and what other threads held stays held. So the world is stopped first, and the locks
//! that detached threads may take are taken; then the child can forget everybody else.

use crate::mutator::Mutator;
use crate::{parallel, role, world};

/// Held between [`before_fork`] and [`after_fork_parent`] or [`after_fork_child`].
pub struct Forking<'a> {
    mutator: &'a Mutator,
    threads: world::Held,
    collector: role::Held,
    marking: parallel::Held,
}

/// To be called right before a fork: all other attached threads stand still until it is over.
#[must_use]
pub fn before_fork(m: &Mutator) -> Forking<'_> {
    world::begin_fork(m);
    Forking {
        mutator: m,
        // In the order in which they nest elsewhere.
        collector: role::hold(),
        marking: parallel::hold(),
        threads: world::hold(),
    }
}

/// To be called in the parent after a fork, also if it failed.
pub fn after_fork_parent(forking: Forking<'_>) {
    drop((forking.threads, forking.marking, forking.collector));
    world::end_fork();
}

/// To be called in the child. The mutators of the other threads are forgotten; what they held is not freed.
pub fn after_fork_child(forking: Forking<'_>) {
    let Forking { mutator, threads, collector, marking } = forking;
    world::forget_others(threads, mutator);
    role::forget_others(collector, mutator);
    parallel::forget_helpers(marking);
    world::end_fork();
}
