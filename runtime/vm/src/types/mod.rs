//! The builtin types, one file each (or a folder).
//!
//! [`for_each_builtin_type`](crate::for_each_builtin_type) lists them once. Their type objects and root shapes lie at addresses that are
//! known at compile time, in the order of the list: so `builtin::LIST` is a constant, and a handler compares an object's shape word with
//! an immediate operand.

pub mod async_gen;
pub mod bool;
pub mod builtin;
pub mod builtin_function;
pub mod bytearray;
pub mod bytes;
pub mod bytes_methods;
pub mod cell;
pub mod code;
pub mod code_copies;
pub mod code_methods;
pub mod complex;
pub mod context;
pub mod coroutine;
pub mod descriptor;
pub mod dict;
pub mod exceptions;
pub mod float;
pub mod frame;
pub mod frame_jump;
pub mod frame_locals;
pub mod function;
pub mod generator;
pub mod generator_state;
pub mod generic_alias;
pub mod instance;
pub mod int;
pub mod iterators;
pub mod list;
pub mod mapping_proxy;
pub mod memory;
pub mod method;
pub mod module;
pub mod numbers;
pub mod object;
pub mod range;
pub mod repr;
pub mod set;
pub mod simple_namespace;
pub mod singletons;
pub mod slice;
pub mod str;
pub mod struct_sequence;
pub mod super_;
pub mod template;
pub mod traceback;
pub mod tuple;
pub mod type_;
mod type_object;
pub mod typevar;
pub mod union;
pub mod variable;
pub mod weakref;

pub use crate::value_list::ValueList;
pub use builtin::NAMES_BASE;
pub use builtin_function::BuiltinFunction;
pub use bytearray::Bytearray;
pub use bytes::Bytes;
pub use cell::Cell;
pub use code::Code;
pub use complex::Complex;
pub use descriptor::method::MethodDescriptor;
pub use dict::Dict;
pub use exceptions::Exception;
pub use frame::FrameObject;
pub use function::Function;
pub use generator::Generator;
pub use list::List;
pub use mapping_proxy::MappingProxy;
pub use method::Method;
pub use module::Module;
pub use range::Range;
pub use set::Set;
pub use slice::Slice;
pub use str::{Str, StrBuilder};
pub use super_::Super;
pub use traceback::Traceback;
pub use tuple::Tuple;
pub use type_::MethodCache;
pub use type_object::{TYPE_SIZE, Type, TypeDef, flag};

/// Tells the collector how to trace the cells of this crate that have kinds of their own.
pub fn register_tracers() {
    weakref::register_tracer();
}
