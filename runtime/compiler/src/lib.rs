//! Python 3.14 source text to code objects: symbol tables, code generation, optimisation, assembly.
//!
//! Invariant: this crate runs nothing and touches no live object; it gives plain data ([`limpid_bytecode::CodeData`]).

pub mod error;

pub use error::{SyntaxError, SyntaxErrorKind, SyntaxWarning};
