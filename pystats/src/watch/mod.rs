//! Watching running processes through what they tell of themselves, from outside.
//!
//! - [`process`] finds the segment of a process and reads it, [`sample`] makes rates of two readings, [`metrics`] writes those of
//!   all processes for Prometheus.
//! - [`table`] reads the table of offsets, which leads to the threads that run Python code; [`threads`] tells of all threads.
//! - [`exits`] reads where its machine code is left, [`counting`] has it count instructions for a while.
//! - [`stacks`] reads the Python stacks of a process, [`registers`] stops a thread to see where it is, [`lines`] knows lines.

pub mod counting;
pub mod exits;
pub mod lines;
pub mod metrics;
pub mod process;
pub mod registers;
pub mod sample;
pub mod stacks;
mod table;
pub mod threads;
