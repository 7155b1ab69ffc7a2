//! What is made of a trace: a module for each format.

pub mod chrome;
pub mod flow;
pub mod folded;
pub mod json;
pub mod pprof;
pub mod speedscope;
pub mod table;
