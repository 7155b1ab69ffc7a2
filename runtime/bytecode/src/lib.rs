//! The instruction set, code objects as data, and what reads and writes them.
//!
//! Invariant: this crate executes nothing, compiles nothing and knows no live object.

pub mod code;
pub mod instructions;
pub mod operators;

pub use code::{CodeData, CodeFlags, Constant, LocalKind};
pub use instructions::{BASE_COUNT, OPCODE_COUNT, Opcode, Operand};
pub use operators::{BinaryOperator, CommonConstant, Comparison, ComparisonArg, Intrinsic1, Intrinsic2, SpecialMethod};
