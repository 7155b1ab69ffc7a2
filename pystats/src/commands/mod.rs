//! The subcommands of `pystats`: a module each, with its arguments and a `run` function.

pub mod report;

/// Why a subcommand failed, to be told to the user.
pub type Error = Box<dyn std::error::Error>;
