//! The subcommands of `pystats`: a module each, with its arguments and a `run` function.

pub mod completions;
pub mod count;
pub mod diff;
pub mod exits;
pub mod export;
pub mod live;
pub mod man;
mod output;
mod process;
#[cfg(feature = "trace")]
pub mod record;
pub mod report;
pub mod run;
pub mod scripts;
pub mod serve;
pub mod stacks;
pub mod top;
#[cfg(feature = "trace")]
pub mod trace;

/// Why a subcommand failed, to be told to the user.
pub type Error = Box<dyn std::error::Error>;
