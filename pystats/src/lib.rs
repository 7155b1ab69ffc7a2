//! What the interpreter counts, the files it leaves, and the reports made of them.
//!
//! ```text
//!  interpreter ──counts into──▶ model::Stats ──dump::write──▶ /tmp/py_stats/*.txt ──read──▶ counts::Counts ──▶ report
//!                (one a thread, added up)                     (CPython's too)
//! ```
//!
//! - [`model`] has the counters, [`failure_kinds`] the reasons why the specializer gives up, [`dump`] writes them down, where
//!   [`folder`] says.
//! - [`live`] has what every process counts all the time, where others can read it; [`offsets`] tells them how to read its stacks,
//!   [`exits`] where machine code is left, [`machine_code`] what it stands for.
//! - With the feature `command`: [`counts`] reads dumps, [`report`] makes tables of them, [`diff`] compares two, [`export`] writes
//!   them for other programs, [`scripts`] has the tracing scripts, `trace` follows calls (feature `trace`), [`watch`] reads
//!   running processes; the program `pystats` has
//!   one file for each subcommand.
//!
//! Invariants
//! - This crate knows nothing of the runtime. Whoever counts tells the names of opcodes and uops when a dump is written.
//! - A counter is declared once, in [`model`]; adding blocks up, clearing them and writing them follow from that list.
//! - Names and format of a dump are CPython's, so that its tools read ours and ours read its.

pub mod dump;
pub mod exits;
pub mod failure_kinds;
pub mod folder;
pub mod live;
pub mod machine_code;
pub mod model;
pub mod offsets;

#[cfg(feature = "command")]
pub mod counts;
#[cfg(feature = "command")]
pub mod diff;
#[cfg(feature = "command")]
pub mod export;
#[cfg(feature = "command")]
mod opcodes_3_12;
#[cfg(feature = "command")]
pub mod report;
#[cfg(feature = "command")]
pub mod scripts;
#[cfg(feature = "trace")]
pub mod trace;
#[cfg(feature = "command")]
pub mod watch;
