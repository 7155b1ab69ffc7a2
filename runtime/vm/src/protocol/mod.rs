//! Operations on any object: what the language's syntax and the builtin functions do, through the types' slots.

pub mod attr;
pub mod call;
pub mod compare;
pub mod hash;
pub mod isinstance;
pub mod iter;
pub mod number;
pub mod sequence;
pub mod text;
pub mod truth;
