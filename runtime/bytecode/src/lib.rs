//! The instruction set, code objects as data, and what reads and writes them.
//!
//! Invariant: this crate executes nothing, compiles nothing and knows no live object.

pub mod code;
pub mod decode;
pub mod dis;
pub mod exceptiontable;
pub mod instructions;
pub mod linetable;
pub mod marshal;
pub mod operators;
pub mod verify;

#[cfg(test)]
mod testing;

pub use code::{CodeData, CodeFlags, Constant, LocalKind};
pub use decode::{Instruction, decode};
pub use dis::disassemble;
pub use exceptiontable::{ExceptionTable, Handler};
pub use instructions::{BASE_COUNT, INSTRUMENTED, OPCODE_COUNT, Opcode, Operand, caches_after};
pub use linetable::{LineIndex, LineTable, LineTableWriter, Location};
pub use operators::{BinaryOperator, CommonConstant, Comparison, ComparisonArg, Intrinsic1, Intrinsic2, SpecialMethod};
pub use verify::verify;
