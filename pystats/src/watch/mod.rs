//! Watching running processes through their live segments, without stopping them.
//!
//! - [`process`] finds the segment of a process and reads it, [`sample`] makes rates of two readings, [`metrics`] writes those of
//!   all processes for Prometheus.

pub mod metrics;
pub mod process;
pub mod sample;
