//! `pystats trace`: follows the calls of Python functions in the kernel, and what is made of that.
//!
//! ```text
//!  probes ──▶ trace.bpf.c (a tree of call paths for each thread) ──▶ session ──▶ Trace ──▶ output::*
//!                      └─ single calls, collections, imports ... through a ring buffer ─┘
//! ```
//!
//! - [`layout`] mirrors the structs of the program in the kernel, [`session`] loads and attaches it and reads what it leaves,
//!   [`monitored`] does the same without the kernel, by a module that runs in the program; [`received`] keeps the events that come,
//!   [`tree`] is what a trace consists of, [`output`] has a module for each format.
//!
//! Invariants
//! - Whatever is not in a trace for want of room is counted in it, and shown.
//! - A traced program goes on unharmed whatever becomes of the tracer: the kernel takes the probes out when it ends.

pub mod layout;
pub mod monitored;
pub mod output;
pub mod received;
pub mod session;
pub mod tree;
